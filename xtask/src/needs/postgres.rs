//! PostgreSQL for the tests: the developer's own by URL, else a throw-away server from installed binaries, else (as
//! root on Debian and its relatives) from the distribution's package, installed first.
//! Must never start, stop or change a cluster of the distribution's.

use super::cluster::{Cluster, Identity, Purpose};
use super::{POSTGRES_VARIABLE, Provided, Ready};
use crate::session::{Failure, Session};
use crate::workspace::in_path;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The oldest major version that the product supports.
const OLDEST: u32 = 15;

/// Where packages put the binaries of each major version: parent folder, and what follows the version's own.
const PARENTS: &[&str] = &["/usr/lib/postgresql", "/usr", "/opt/homebrew/opt", "/usr/local/opt"];

/// Provides the server.
///
/// # Errors
/// [`Failure::Interrupted`]; [`Failure::Told`] when binaries are there and yet no server comes up.
pub fn provide(session: &Session) -> Result<Provided, Failure> {
    if let Some(url) = std::env::var_os(POSTGRES_VARIABLE) {
        let url = url
            .into_string()
            .map_err(|url| format!("{POSTGRES_VARIABLE} is not UTF-8: {}", url.display()))?;
        let told = format!("PostgreSQL: the one that {POSTGRES_VARIABLE} names");
        return Ok(Provided::Ready(Ready { told, variables: vec![(POSTGRES_VARIABLE, url)], _server: None }));
    }
    match throw_away(session, Purpose::Tests)? {
        Ok((server, told)) => {
            let variables = vec![(POSTGRES_VARIABLE, server.url().to_owned())];
            Ok(Provided::Ready(Ready { told, variables, _server: Some(server) }))
        }
        Err(why) => Ok(Provided::Missing(format!("PostgreSQL tests: {why}"))),
    }
}

/// A throw-away server and a line about it, or why there is none.
///
/// # Errors
/// [`Failure::Interrupted`]; [`Failure::Told`] when binaries are there and yet no server comes up.
pub fn throw_away(session: &Session, purpose: Purpose) -> Result<Result<(Cluster, String), String>, Failure> {
    let identity = Identity::current()?;
    let binaries = match find(&folders()) {
        Some(found) => found,
        None => match install(session, &identity)? {
            Ok(found) => found,
            Err(why) => return Ok(Err(why)),
        },
    };
    if identity == (Identity::Root { runner: None }) {
        let why = "we are root, which PostgreSQL refuses, and there is no user `postgres` or no setpriv, runuser or su";
        return Ok(Err(why.to_owned()));
    }
    let cluster = Cluster::start(session, &binaries.folder, &identity, purpose)?;
    let told = format!("PostgreSQL: {}, throw-away, in {}", binaries.version, cluster.folder().display());
    Ok(Ok((cluster, told)))
}

/// A program of the same package, such as `pgbench`.
pub fn program(name: &str) -> Option<PathBuf> {
    find(&folders()).map(|binaries| binaries.folder.join(name)).filter(|file| file.is_file())
}

/// A folder with `initdb` and `postgres`, new enough.
#[derive(Debug, PartialEq, Eq)]
struct Binaries {
    folder: PathBuf,
    version: String,
}

/// The folder of the binaries that would be used, when there are any.
#[cfg(test)]
pub fn installed() -> Option<PathBuf> {
    find(&folders()).map(|binaries| binaries.folder)
}

/// PATH first, because that is the developer's choice; then what packages installed, the newest first.
fn folders() -> Vec<PathBuf> {
    let mut packaged: Vec<PathBuf> = PARENTS
        .iter()
        .filter_map(|parent| std::fs::read_dir(parent).ok())
        .flat_map(|entries| entries.flatten().map(|entry| entry.path().join("bin")))
        .filter(|folder| folder.join("initdb").is_file())
        .collect();
    packaged.sort_by_key(|folder| std::cmp::Reverse(major(&folder.to_string_lossy())));
    // A link in PATH leads to the folder where the rest is.
    let chosen = in_path("initdb").and_then(|file| file.canonicalize().ok()?.parent().map(Path::to_path_buf));
    chosen.into_iter().chain(packaged).collect()
}

fn find(folders: &[PathBuf]) -> Option<Binaries> {
    folders.iter().find_map(|folder| {
        let output = Command::new(folder.join("postgres")).arg("--version").output().ok()?;
        let line = String::from_utf8(output.stdout).ok()?;
        let version = line.trim().strip_prefix("postgres (PostgreSQL) ")?.to_owned();
        (major(&version)? >= OLDEST).then(|| Binaries { folder: folder.clone(), version })
    })
}

/// The first number in a text: `15.18 (Debian …)` and `/usr/lib/postgresql/15/bin` are both 15.
fn major(text: &str) -> Option<u32> {
    let digits = text.trim_start_matches(|c: char| !c.is_ascii_digit());
    digits.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// Installs the distribution's package where that is possible without asking anybody.
/// The package may start a cluster of its own on the usual port: it is left as it is, and never used.
fn install(session: &Session, identity: &Identity) -> Result<Result<Binaries, String>, Failure> {
    let none = format!("no initdb of PostgreSQL {OLDEST} or newer found");
    if !matches!(identity, Identity::Root { .. }) {
        return Ok(Err(format!("{none}, and only root can install it")));
    }
    if in_path("apt-get").is_none() {
        return Ok(Err(format!("{none}, and no apt-get to install it with")));
    }
    println!("xtask: {none}: installing Debian's package");
    for arguments in
        [&["update", "-q"][..], &["install", "-y", "-q", "--no-install-recommends", "postgresql"]]
    {
        let status =
            session.run(Command::new("apt-get").args(arguments).env("DEBIAN_FRONTEND", "noninteractive"))?;
        if !status.success() {
            return Ok(Err(format!("{none}, and `apt-get {}` failed", arguments.join(" "))));
        }
    }
    Ok(find(&folders()).ok_or_else(|| format!("{none}, not even in Debian's package `postgresql`")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::temp::TempFolder;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn versions_are_read_from_programs_and_from_paths() {
        assert_eq!(major("15.18 (Debian 15.18-0+deb12u1)"), Some(15));
        assert_eq!(major("/usr/lib/postgresql/9.6/bin"), Some(9));
        assert_eq!(major("17beta1"), Some(17));
        assert_eq!(major("none"), None);
    }

    #[test]
    fn a_server_that_is_too_old_is_passed_over() {
        let base = TempFolder::new(&std::env::temp_dir()).unwrap();
        let folders: Vec<PathBuf> = ["14.3", "16.1"]
            .iter()
            .map(|version| {
                let folder = base.path().join(version);
                std::fs::create_dir(&folder).unwrap();
                let program = folder.join("postgres");
                std::fs::write(&program, format!("#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n"))
                    .unwrap();
                std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
                folder
            })
            .collect();
        let found = find(&folders).unwrap();
        assert_eq!((found.folder, found.version.as_str()), (base.path().join("16.1"), "16.1"));
        assert_eq!(find(&folders[..1]), None);
    }
}
