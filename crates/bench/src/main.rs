//! The benchmark: measures the product against peers of the same run and prints the goals as a table.
//! Started by `cargo xtask bench`, which brings nginx, wrk, pgbench and a durable PostgreSQL.
//! Guards: candidate and peer take turns, every figure is a ratio of one run, and a noisy machine is named as such.
//! Must never measure a server that differs from the product in anything but its provider and its rate limits.

mod bare;
mod child;
mod goals;
mod http;
mod instances;
mod load;
mod machine;
mod nginx;
mod page;
mod pgbench;
mod seed;
mod serve;
mod stats;
mod table;
mod told;
mod wrk;

use clap::{Args, Parser, Subcommand};
use std::num::NonZero;
use std::path::PathBuf;
use std::process::ExitCode;

/// What goes wrong is a sentence for the person at the terminal.
pub type Told<T> = Result<T, String>;

#[derive(Parser)]
#[command(name = "numberotp-bench")]
struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measures and prints the table.
    Run(Run),
    /// The product with a provider that answers at once, until standard input closes.
    Serve(Serving),
    /// The writer loop alone, without HTTP.
    Bare(bare::Options),
    /// The load alone, on a server that runs: to look at that server meanwhile.
    Load(load::Options),
}

/// A database and how it is filled.
#[derive(Args, Clone)]
pub struct Place {
    /// `sqlite://…` or `postgres://…`
    #[arg(long)]
    database: String,
    /// Customers with money and keys
    #[arg(long, default_value_t = 1_000)]
    accounts: u32,
}

/// A server on a database.
#[derive(Args, Clone)]
pub struct Serving {
    #[command(flatten)]
    place: Place,
    /// Threads that serve requests; one a core without it
    #[arg(long)]
    threads: Option<NonZero<usize>>,
}

/// What is measured, with what.
#[derive(Args, Clone)]
pub struct Run {
    /// Goals to measure: words of their names; all if there is none
    names: Vec<String>,
    /// Short runs: shows that everything works, says little
    #[arg(long)]
    quick: bool,
    /// Also the growth cases that take an hour
    #[arg(long)]
    full: bool,
    /// Write the table to this file
    #[arg(long)]
    page: Option<PathBuf>,
    /// A folder on a disk
    #[arg(long)]
    folder: PathBuf,
    /// Superuser's URL of a durable PostgreSQL
    #[arg(long)]
    postgres: Option<String>,
    /// Path of pgbench
    #[arg(long)]
    pgbench: Option<PathBuf>,
    /// Path of nginx
    #[arg(long)]
    nginx: Option<PathBuf>,
    /// Path of wrk
    #[arg(long)]
    wrk: Option<PathBuf>,
}

fn main() -> ExitCode {
    let line = Line::parse();
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if let Command::Serve(Serving { threads: Some(threads), .. }) = &line.command {
        builder.worker_threads(threads.get());
    }
    let outcome = builder.enable_all().build().map_err(|error| error.to_string()).and_then(|runtime| {
        match line.command {
            Command::Run(run) => runtime.block_on(goals::run(run)),
            Command::Serve(serving) => runtime.block_on(serve::serve(serving.place)),
            Command::Bare(options) => bare::run(&runtime, &options),
            Command::Load(options) => runtime.block_on(load::run(&options)),
        }
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(told) => {
            eprintln!("bench: {told}");
            ExitCode::FAILURE
        }
    }
}
