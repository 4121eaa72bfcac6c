//! pgbench: what one would otherwise deploy, five statements a transaction on a durable PostgreSQL.
//! Guards: prepared statements, fsync and synchronous_commit on, the best of 8 and 32 clients counts.

use crate::Told;
use crate::child::output;
use crate::told::About;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The same five statements, all on one account.
const HOT: &str = include_str!("../sql/hot.sql");
/// 50 branches, so that these are no hot rows.
const SCALE: &str = "50";

/// A filled database.
pub struct Pgbench {
    program: PathBuf,
    url: String,
    hot: PathBuf,
}

/// Which accounts are changed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Accounts {
    /// Any.
    Spread,
    /// The first.
    One,
}

impl Pgbench {
    /// Fills a database.
    pub fn fill(program: &Path, url: &str, folder: &Path) -> Told<Self> {
        let hot = folder.join("hot.sql");
        std::fs::write(&hot, HOT).about("a script")?;
        output(Command::new(program).args(["-i", "-q", "-s", SCALE, url]))?;
        Ok(Self { program: program.to_path_buf(), url: url.to_owned(), hot })
    }

    /// Transactions a second.
    pub fn run(&self, accounts: Accounts, clients: u32, seconds: u32) -> Told<f64> {
        let mut command = Command::new(&self.program);
        command.args([
            "-n",
            "-M",
            "prepared",
            "-j",
            "1",
            "-c",
            &clients.to_string(),
            "-T",
            &seconds.to_string(),
        ]);
        match accounts {
            Accounts::Spread => command.args(["-b", "tpcb-like"]),
            Accounts::One => command.arg("-f").arg(&self.hot).args(["-s", SCALE]),
        };
        rate(&output(command.arg(&self.url))?)
    }
}

fn rate(text: &str) -> Told<f64> {
    // It says no more when it was too short for a single transaction.
    if text.contains("actually processed: 0") {
        return Ok(0.0);
    }
    let line = text.lines().find_map(|line| line.strip_prefix("tps = ")).about("pgbench's figure")?;
    line.split(' ').next().unwrap_or_default().parse().about("pgbench's figure")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figure_is_read() {
        assert_eq!(rate("x\ntps = 2950.25 (without initial connection time)\n"), Ok(2_950.25));
        assert_eq!(rate("number of transactions actually processed: 0\n"), Ok(0.0));
        assert!(rate("pgbench: error").is_err());
    }

    #[test]
    fn the_hot_script_has_five_statements_in_a_transaction() {
        let statements = HOT.lines().filter(|line| line.ends_with(';')).count();
        assert_eq!(statements, 7, "five, and begin and end");
    }
}
