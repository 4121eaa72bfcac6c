//! Servers to be measured, each a process of its own on a database of its own.
//! Guards: the database goes away with its server; the data is on the disk that was named, never in memory.

use crate::Told;
use crate::child::{Running, output};
use crate::told::About;
use numberotp_testkit::database::{TestDatabase, TestEngine};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

/// A filled database.
pub struct Data {
    database: TestDatabase,
    accounts: u32,
}

/// A running server.
pub struct Server {
    running: Running,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Data {
    /// A SQLite file on the disk of a folder.
    pub fn sqlite(folder: &Path, name: &str, accounts: u32) -> Told<Self> {
        let own = folder.join(name);
        std::fs::create_dir_all(&own).about("a folder")?;
        Ok(Self { database: TestDatabase::on_disk(&own), accounts })
    }

    /// A database on a PostgreSQL server.
    pub fn postgres(url: &str, accounts: u32) -> Self {
        Self { database: TestEngine::Postgres(url.to_owned()).database(), accounts }
    }

    /// How many customers there are.
    pub const fn accounts(&self) -> u32 {
        self.accounts
    }

    /// Starts a server on it, which fills it if that was not done.
    pub fn serve(&self) -> Told<Server> {
        self.start(&[])
    }

    /// The same with so many threads that serve requests, rather than one a core.
    pub fn serve_on(&self, threads: u32) -> Told<Server> {
        self.start(&["--threads", &threads.to_string()])
    }

    fn start(&self, more: &[&str]) -> Told<Server> {
        let mut command = ourselves("serve")?;
        command.args(["--database", self.database.url(), "--accounts", &self.accounts.to_string()]);
        command.args(more);
        let mut running = Running::start(command.stdout(Stdio::piped()))?;
        let address = running.ready("ready")?.parse().about("the server's address")?;
        Ok(Server { running, address })
    }

    /// The bare writer loop on it, filled before: purchases a second, and the slowest commits of a hundred in
    /// microseconds.
    pub fn bare(&self, arguments: &[&str]) -> Told<(f64, f64)> {
        let mut command = ourselves("bare")?;
        command.args(["--database", self.database.url(), "--accounts", &self.accounts.to_string()]);
        let text = output(command.args(arguments))?;
        let mut figures =
            text.lines().find_map(|line| line.strip_prefix("bare ")).about("a figure")?.split(' ');
        let mut next = || figures.next().unwrap_or_default().parse().about("a figure");
        Ok((next()?, next()?))
    }
}

impl Server {
    /// Its process.
    pub fn id(&self) -> u32 {
        self.running.id()
    }
}

fn ourselves(subcommand: &str) -> Told<Command> {
    let mut command = Command::new(std::env::current_exe().about("this program")?);
    command.arg(subcommand);
    Ok(command)
}
