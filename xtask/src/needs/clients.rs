//! The clients that customers use: curl, Python with `requests`, `pytest` and `schemathesis`, Node.js with `axios`,
//! Playwright and Auth.js, and Debian's Chromium for Playwright to drive. Interpreters and Chromium are found; packages are installed
//! from the lock files in `xtask/clients` into `target/clients`, once. Must never install anything outside of `target`.

use super::cached::{self, Unfilled};
use super::{Provided, Ready};
use crate::session::{Failure, Session};
use crate::workspace::{in_path, root};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The path of curl.
const CURL_VARIABLE: &str = "NUMBEROTP_TEST_CURL";
/// The path of a Python that has the packages of `requirements.txt`.
const PYTHON_VARIABLE: &str = "NUMBEROTP_TEST_PYTHON";
/// The path of Node.js.
const NODE_VARIABLE: &str = "NUMBEROTP_TEST_NODE";
/// The path of a `node_modules` folder with the packages of `package-lock.json`.
const MODULES_VARIABLE: &str = "NUMBEROTP_TEST_NODE_MODULES";
/// The path of Chromium.
const CHROMIUM_VARIABLE: &str = "NUMBEROTP_TEST_CHROMIUM";

/// The oldest versions that the pinned packages run on: those of Debian 12 are newer or as new.
const PYTHON_OLDEST: (u32, u32) = (3, 10);
const NODE_OLDEST: (u32, u32) = (18, 0);

/// Finds curl.
pub fn curl() -> Provided {
    found("curl", "tests with curl", CURL_VARIABLE)
}

/// Finds Chromium.
pub fn chromium() -> Provided {
    found("chromium", "tests in a browser", CHROMIUM_VARIABLE)
}

fn found(program: &str, tests: &str, variable: &'static str) -> Provided {
    let Some(path) = in_path(program) else {
        return Provided::Missing(format!("{tests}: no {program} in PATH"));
    };
    ready(format!("{program}: {}", path.display()), vec![(variable, path.display().to_string())])
}

const fn ready(told: String, variables: Vec<(&'static str, String)>) -> Provided {
    Provided::Ready(Ready { told, variables, _server: None })
}

/// Provides Python with its packages.
///
/// # Errors
/// [`Failure::Interrupted`]; [`Failure::Told`] when `target` cannot be written.
pub fn python(session: &Session) -> Result<Provided, Failure> {
    let told = "tests with Python";
    let (program, version) = match interpreter("python3", PYTHON_OLDEST) {
        Ok(found) => found,
        Err(why) => return Ok(Provided::Missing(format!("{told}: {why}"))),
    };
    let list = root().join("xtask/clients/requirements.txt");
    let stamp = stamp(&program, &version, &list)?;
    let folder = cached::folder("python", &stamp, |folder| {
        println!("xtask: installing requests, pytest and schemathesis into {}", folder.display());
        let mut make = Command::new(&program);
        attempt(session, make.args(["-m", "venv"]).arg(folder), "`python3 -m venv` failed (python3-venv?)")?;
        let mut pip = Command::new(folder.join("bin/python3"));
        pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]);
        pip.args(["--retries", "2", "--only-binary", ":all:", "--require-hashes", "-r"]).arg(&list);
        attempt(session, &mut pip, "pip could not install xtask/clients/requirements.txt")
    });
    provided(folder, told, |folder| {
        let python = folder.join("bin/python3");
        let shown = format!("Python: {version}, {}", python.display());
        ready(shown, vec![(PYTHON_VARIABLE, python.display().to_string())])
    })
}

/// Provides Node.js with its packages.
///
/// # Errors
/// [`Failure::Interrupted`]; [`Failure::Told`] when `target` cannot be written.
pub fn node(session: &Session) -> Result<Provided, Failure> {
    let told = "tests with Node.js";
    let (program, version) = match interpreter("node", NODE_OLDEST) {
        Ok(found) => found,
        Err(why) => return Ok(Provided::Missing(format!("{told}: {why}"))),
    };
    let source = root().join("xtask/clients");
    let stamp = stamp(&program, &version, &source.join("package-lock.json"))?;
    let folder = cached::folder("node", &stamp, |folder| {
        println!("xtask: installing axios, Playwright and Auth.js into {}", folder.display());
        for file in ["package.json", "package-lock.json"] {
            std::fs::copy(source.join(file), folder.join(file))
                .map_err(|error| format!("cannot copy {file}: {error}"))?;
        }
        if in_path("npm").is_none() {
            return Err(Unfilled::Missing("no npm in PATH".to_owned()));
        }
        let mut npm = Command::new("npm");
        // Scripts of packages have no business here: none of these needs one.
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
        // What next-auth shares with a site (React, Next.js) is not needed to make its tokens.
        npm.arg("--legacy-peer-deps");
        // npm's own pauses add up to more than a minute before it believes that there is no network.
        npm.args(["--fetch-retries=3", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=4000"]);
        attempt(session, npm.current_dir(folder), "npm could not install xtask/clients/package-lock.json")
    });
    provided(folder, told, |folder| {
        let modules = folder.join("node_modules").display().to_string();
        let shown = format!("Node.js: {version}, packages in {modules}");
        ready(shown, vec![(NODE_VARIABLE, program.display().to_string()), (MODULES_VARIABLE, modules)])
    })
}

fn provided(
    folder: Result<PathBuf, Unfilled>,
    tests: &str,
    there: impl FnOnce(&Path) -> Provided,
) -> Result<Provided, Failure> {
    match folder {
        Ok(folder) => Ok(there(&folder)),
        Err(Unfilled::Missing(why)) => Ok(Provided::Missing(format!("{tests}: {why}"))),
        Err(Unfilled::Failed(failure)) => Err(failure),
    }
}

/// Runs one step of an installation; that it fails is no failure of ours.
fn attempt(session: &Session, command: &mut Command, told: &str) -> Result<(), Unfilled> {
    if session.run(command)?.success() { Ok(()) } else { Err(Unfilled::Missing(told.to_owned())) }
}

/// What a folder of packages is made of: another interpreter or another lock file makes it anew.
fn stamp(program: &Path, version: &str, list: &Path) -> Result<String, String> {
    let text =
        std::fs::read_to_string(list).map_err(|error| format!("cannot read {}: {error}", list.display()))?;
    Ok(format!("{} {version}\n{text}", program.display()))
}

/// An interpreter in PATH that is new enough, and its version.
fn interpreter(name: &str, oldest: (u32, u32)) -> Result<(PathBuf, String), String> {
    let path = in_path(name).ok_or_else(|| format!("no {name} in PATH"))?;
    let output = Command::new(&path).arg("--version").output();
    let told = output.map_err(|error| format!("{} does not start: {error}", path.display()))?.stdout;
    let told = String::from_utf8_lossy(&told).trim().to_owned();
    match version(&told) {
        Some((found, text)) if found >= oldest => Ok((path, text)),
        _ => {
            Err(format!("{} says {told:?}, and {}.{} or newer is needed", path.display(), oldest.0, oldest.1))
        }
    }
}

/// Reads `Python 3.11.2` and `v20.20.2`: major and minor, and the version as text.
fn version(told: &str) -> Option<((u32, u32), String)> {
    let text = told.trim_start_matches(|c: char| !c.is_ascii_digit());
    let mut numbers = text.split('.').map(|number| number.parse().ok());
    Some(((numbers.next()??, numbers.next()??), text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_compared_as_numbers() {
        assert_eq!(version("Python 3.11.2"), Some(((3, 11), "3.11.2".to_owned())));
        assert_eq!(version("v20.20.2"), Some(((20, 20), "20.20.2".to_owned())));
        assert_eq!(version("no python here"), None);
        assert!(version("Python 3.9.1").is_some_and(|(found, _)| found < PYTHON_OLDEST));
    }

    #[test]
    fn what_is_not_there_is_named() {
        let missing = found("no-such-program", "tests with it", CURL_VARIABLE);
        assert!(
            matches!(missing, Provided::Missing(told) if told == "tests with it: no no-such-program in PATH")
        );
        assert!(
            interpreter("no-such-program", NODE_OLDEST).is_err_and(|why| why.contains("no-such-program"))
        );
        let shell = interpreter("true", (u32::MAX, 0));
        assert!(shell.is_err_and(|why| why.contains("or newer is needed")));
    }

    #[test]
    fn an_installation_that_fails_is_a_need_that_is_missing() {
        let session = Session::without_signals();
        let failed = attempt(&session, &mut Command::new("false"), "it failed");
        assert!(matches!(&failed, Err(Unfilled::Missing(why)) if why == "it failed"));
        let told = provided(failed.map(|()| PathBuf::new()), "tests", |_| panic!("it is not there"));
        assert!(matches!(told, Ok(Provided::Missing(why)) if why == "tests: it failed"));
    }
}
