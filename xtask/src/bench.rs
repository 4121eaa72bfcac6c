//! `cargo xtask bench`: brings the peers and a durable PostgreSQL, builds the benchmark as packages ship and starts it.
//! Guards: data is on a disk; what was started and made goes away, on a signal too. A peer that cannot be had is
//! named in the table, and the rest is measured all the same.

use crate::needs::cluster::{ON_DISK, Purpose};
use crate::needs::postgres;
use crate::session::{Failure, Session};
use crate::temp::TempFolder;
use crate::workspace::{cargo, in_path, root};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where `--write` puts the table.
const PAGE: &str = "docs/bench.md";
/// Debian's packages with the programs of the same names.
const PEERS: [&str; 2] = ["nginx", "wrk"];

/// Runs it with what stands on the command line.
///
/// # Errors
/// [`Failure::Told`] when it does not build or fails; [`Failure::Interrupted`].
pub fn run(session: &Session, words: &[String]) -> Result<(), Failure> {
    let (write, words): (Vec<&String>, Vec<&String>) = words.iter().partition(|word| *word == "--write");
    for peer in PEERS {
        if program(peer).is_none() {
            install(session, peer)?;
        }
    }
    let mut build = cargo();
    // As packages ship it.
    build.args(["build", "--locked", "--profile", "dist", "--package", "numberotp-bench"]);
    session.run_ok(&mut build, "the benchmark does not compile")?;
    let folder = TempFolder::new(Path::new(ON_DISK))?;
    let server = match postgres::throw_away(session, Purpose::Bench)? {
        Ok((server, told)) => {
            println!("xtask: {told}");
            Some(server)
        }
        Err(why) => {
            println!("xtask: {why}");
            None
        }
    };
    // Thousands of connections: as many files as we may have.
    let mut bench = Command::new("sh");
    bench.args(["-c", "ulimit -n \"$(ulimit -Hn)\"; exec \"$@\"", "sh"]);
    bench.arg(root().join("target/dist/numberotp-bench")).arg("run");
    bench.arg("--folder").arg(folder.path()).args(&words);
    for peer in PEERS {
        option(&mut bench, peer, program(peer));
    }
    option(&mut bench, "pgbench", postgres::program("pgbench"));
    option(&mut bench, "postgres", server.as_ref().map(|server| PathBuf::from(server.url())));
    option(&mut bench, "page", (!write.is_empty()).then(|| root().join(PAGE)));
    session.run_ok(&mut bench, "the benchmark failed")
}

fn option(command: &mut Command, name: &str, value: Option<PathBuf>) {
    if let Some(value) = value {
        command.arg(format!("--{name}")).arg(value);
    }
}

/// Servers stand in a folder that only root has in its PATH.
fn program(name: &str) -> Option<PathBuf> {
    in_path(name).or_else(|| Some(Path::new("/usr/sbin").join(name)).filter(|file| file.is_file()))
}

fn install(session: &Session, name: &str) -> Result<(), Failure> {
    if !is_root() || in_path("apt-get").is_none() {
        println!("xtask: no {name}, and only root can install it, with apt-get");
        return Ok(());
    }
    println!("xtask: no {name}: installing Debian's package");
    for arguments in [&["update", "-q"][..], &["install", "-y", "-q", "--no-install-recommends", name]] {
        // Its own service is not started: a server on port 80 is not what was asked for.
        let mut command = Command::new("apt-get");
        command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").env("RUNLEVEL", "1");
        if !session.run(&mut command)?.success() {
            println!("xtask: `apt-get {}` failed", arguments.join(" "));
        }
    }
    Ok(())
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_there_is_an_option() {
        let mut command = Command::new("x");
        option(&mut command, "nginx", Some(PathBuf::from("/usr/sbin/nginx")));
        option(&mut command, "wrk", None);
        let words: Vec<_> = command.get_args().collect();
        assert_eq!(words, ["--nginx", "/usr/sbin/nginx"]);
    }
}
