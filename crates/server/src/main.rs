//! The program `numberotp`: reads the command line and hands over.

use clap::Parser;
use numberotp_server::cli::{self, Cli};
use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run(Cli::parse())
}
