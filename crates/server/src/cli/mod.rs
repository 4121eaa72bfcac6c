//! The command line: a contract that scripts depend on. With `--json`, standard output carries JSON and nothing
//! else; whatever is for people goes to the error stream.

mod account;
mod audit;
mod backup;
mod doctor;
mod extract;
mod log;
mod numbers;
mod offers;
mod operate;
mod output;
mod policy;
mod provider;
mod ready;
mod serve;

use crate::boot::{self, BootError};
use crate::config::{ConfigError, DatabaseSettings, Mode, ServeSettings, resolve, resolve_database};
use crate::http;
use crate::store::StoreError;
use backup::Proof;
use clap::{Parser, Subcommand};
use output::Output;
use std::path::PathBuf;
use std::process::ExitCode;
use tokio::runtime::Builder;

/// Rent phone numbers for receiving one-time codes: server, accounts, offers, audit.
#[derive(Parser)]
#[command(name = "numberotp", version, about, arg_required_else_help = true)]
pub struct Cli {
    #[command(flatten)]
    database: DatabaseSettings,
    #[command(subcommand)]
    asked: Asked,
}

/// Serving has threads as its settings say; a command beside it needs no such choice.
#[derive(Subcommand)]
enum Asked {
    /// Serve the API; without any configuration, a sandbox on 127.0.0.1:8080
    Serve(Box<ServeSettings>),
    #[command(flatten)]
    Command(Command),
}

#[derive(Subcommand)]
enum Command {
    /// Bring the database's schema up to date
    Migrate,
    /// Look whether this installation can work: configuration, database, clock, providers
    Doctor {
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// Print what is refused and what is required, as a server started with the same settings would have it
        #[arg(long)]
        policy: bool,
        #[command(flatten)]
        serve: Box<ServeSettings>,
    },
    /// Recompute the books and print each invariant; exit code 1 if one is violated
    Audit {
        /// The head of the acts that an earlier audit printed: found out if acts were cut off since
        #[arg(long, value_name = "HASH")]
        acts_head: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Ask a running server whether it can do its work; exit code 1 if not
    Ready {
        /// Where it listens
        #[arg(default_value = "http://127.0.0.1:8080")]
        url: String,
    },
    /// Copy the database into a new file while a server runs (SQLite; for PostgreSQL it prints the way)
    Backup {
        /// The new file; nothing is overwritten
        file: PathBuf,
        /// Check the copy and recompute its books before it gets its name
        #[arg(long)]
        verify: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Put a backup in the place of a database that is not there (SQLite; for PostgreSQL it prints the way)
    Restore {
        /// The backup
        file: PathBuf,
        /// Check it and recompute its books before it is in place
        #[arg(long)]
        verify: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// What was decided about people and messages, newest first
    Log {
        /// How many entries
        #[arg(long, default_value_t = 100)]
        limit: u32,
        /// Instead: what the people who run the service did
        #[arg(long)]
        acts: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the OpenAPI document that a server shows at /openapi.json
    Openapi {
        /// That of a sandbox, with what tests may do to it
        #[arg(long)]
        sandbox: bool,
    },
    /// Find the code in texts: one a line on standard input, one JSON a line out
    Extract,
    /// Make, find, approve, limit, suspend, close, credit and debit accounts; see and end their sign-ins
    #[command(subcommand)]
    Account(account::AccountCommand),
    /// What is sold: import a CSV file, list
    #[command(subcommand)]
    Offers(offers::OffersCommand),
    /// Own numbers: import a CSV file, list
    #[command(subcommand)]
    Numbers(numbers::NumbersCommand),
    /// Providers: add a gateway for own numbers, list, switch on and off
    #[command(subcommand)]
    Provider(provider::ProviderCommand),
}

/// Why a command failed.
#[derive(Debug)]
pub enum CliError {
    /// The start failed.
    Boot(BootError),
    /// What was asked for cannot be done: one sentence.
    Refused(String),
    /// The command did its work and the finding is bad; it was printed already.
    Found,
}

impl<E: Into<BootError>> From<E> for CliError {
    fn from(error: E) -> Self {
        Self::Boot(error.into())
    }
}

/// Carries out a command line.
pub fn run(cli: Cli) -> ExitCode {
    let Cli { database, asked } = cli;
    let ended = match asked {
        Asked::Serve(flags) => resolve(*flags, database).map_err(CliError::from).and_then(|resolved| {
            on(Builder::new_multi_thread().worker_threads(resolved.threads), serve::serve(resolved))
        }),
        Asked::Command(command) => on(&mut Builder::new_multi_thread(), carry_out(command, database)),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(CliError::Found) => ExitCode::from(1),
        Err(CliError::Refused(sentence)) => {
            Output::say(&sentence);
            ExitCode::from(1)
        }
        Err(CliError::Boot(error)) => {
            Output::say(&error.to_string());
            ExitCode::from(2)
        }
    }
}

/// Waits for work on a runtime of its own.
fn on(builder: &mut Builder, work: impl Future<Output = Result<(), CliError>>) -> Result<(), CliError> {
    let runtime = builder.enable_all().build().map_err(|error| {
        CliError::Boot(BootError::Config(ConfigError(format!("The runtime could not be started: {error}."))))
    })?;
    let ended = runtime.block_on(Box::pin(work));
    // What is left outlived its grace already.
    runtime.shutdown_background();
    ended
}

async fn carry_out(command: Command, database: DatabaseSettings) -> Result<(), CliError> {
    match command {
        Command::Extract => extract::extract(),
        Command::Openapi { sandbox } => {
            let mode = if sandbox { Mode::Sandbox } else { Mode::Production };
            Output::print(&format!("{:#}", http::document(mode)));
            Ok(())
        }
        Command::Migrate => {
            let store = boot::open_for_command(&resolve_database(database)?)?;
            Output::say(&format!("The {} schema is up to date.", store.engine().name()));
            Ok(())
        }
        Command::Doctor { json, policy: true, serve } => {
            policy::policy(resolve(*serve, database)?, Output::new(json)).await
        }
        Command::Doctor { json, policy: false, serve } => {
            doctor::doctor(resolve(*serve, database)?, Output::new(json)).await
        }
        Command::Log { limit, acts: false, json } => {
            log::log(resolve_database(database)?, limit, Output::new(json)).await
        }
        Command::Log { limit, acts: true, json } => {
            log::acts(resolve_database(database)?, limit, Output::new(json)).await
        }
        Command::Audit { acts_head, json } => {
            audit::audit(resolve_database(database)?, acts_head, Output::new(json)).await
        }
        Command::Ready { url } => ready::ready(&url),
        Command::Backup { file, verify, json } => {
            let asked = (file, Proof::of(verify));
            backup::backup(resolve_database(database)?, asked, Output::new(json)).await
        }
        Command::Restore { file, verify, json } => {
            let asked = (file, Proof::of(verify));
            backup::restore(resolve_database(database)?, asked, Output::new(json)).await
        }
        Command::Account(command) => account::carry_out(resolve_database(database)?, command).await,
        Command::Offers(command) => offers::carry_out(resolve_database(database)?, command).await,
        Command::Numbers(command) => numbers::carry_out(resolve_database(database)?, command).await,
        Command::Provider(command) => provider::carry_out(resolve_database(database)?, command).await,
    }
}

fn refused(sentence: impl Into<String>) -> CliError {
    CliError::Refused(sentence.into())
}

/// A failure of the store in a command.
fn store_failed(error: StoreError) -> CliError {
    CliError::Boot(BootError::Store(error))
}

/// A file that cannot be read.
fn unreadable(path: &std::path::Path, error: &dyn std::fmt::Display) -> CliError {
    CliError::Boot(BootError::Config(ConfigError(format!("{} cannot be read: {error}.", path.display()))))
}
