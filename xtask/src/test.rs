//! `cargo xtask test`: builds every test of the workspace, provides what they need, runs them, and says what was skipped.
//! Tests find their needs in variables; a test whose need is absent appends one line to the file that
//! `NUMBEROTP_TEST_SKIPS` names and passes. Guards: nothing is skipped in silence.

use crate::needs::{self, Needs};
use crate::session::{Failure, Session};
use crate::temp::TempFolder;
use crate::workspace::{cargo, files, root};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

/// The file to which a test appends a line about what it skips.
const SKIPS_VARIABLE: &str = "NUMBEROTP_TEST_SKIPS";
/// Set to 1: a test that would skip fails instead.
const REQUIRE_VARIABLE: &str = "NUMBEROTP_TEST_REQUIRE_ALL";

/// How a line begins about what is told and never refused.
const OPTIONAL: &str = "optional: ";

/// What happens when something is skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skips {
    /// It is named in the summary.
    Told,
    /// It is a failure.
    Refused,
}

/// What the command line asks for.
pub struct Options {
    /// `--require-all`.
    pub skips: Skips,
    /// What follows `--`, for the test runner.
    pub filters: Vec<String>,
}

/// The program that runs the tests.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Runner {
    Nextest,
    Plain,
}

/// Runs the tests.
///
/// # Errors
/// [`Failure::Told`] when a test fails or is skipped against the wish; [`Failure::Interrupted`].
pub fn run(session: &Session, options: &Options) -> Result<(), Failure> {
    let runner = if has_nextest() { Runner::Nextest } else { Runner::Plain };
    build(session, runner)?;
    let needs = needs::gather(session)?;
    for told in needs.told() {
        println!("xtask: {told}");
    }
    let missing: Vec<&str> = needs.missing().collect();
    if let (Skips::Refused, Some(first)) = (options.skips, missing.first()) {
        return Err(Failure::Told(format!("--require-all, but these cannot run: {first}")));
    }

    let folder = TempFolder::new(&std::env::temp_dir())?;
    let notes = folder.path().join("skips");
    let environment = Environment { needs: &needs, notes: &notes, skips: options.skips };
    let mut failed = Vec::new();
    if !session.run(&mut environment.of(unit_tests(runner, &options.filters)))?.success() {
        failed.push("tests");
    }
    if has_doc_tests()? && !session.run(&mut environment.of(doc_tests(&options.filters)))?.success() {
        failed.push("documentation tests");
    }
    let noted = std::fs::read_to_string(&notes).unwrap_or_default();
    conclude(&failed, &skipped(&missing, &noted), options.skips)
}

/// Everything is compiled before anything is started: the tests, and the product's binary, which tests start.
fn build(session: &Session, runner: Runner) -> Result<(), Failure> {
    session.run_ok(every_target(runner).arg("--no-run"), "the tests do not compile")?;
    // With --workspace the dependencies' features are those of the line above, and nothing is compiled twice.
    session
        .run_ok(cargo().args(["build", "--workspace", "--bin", "numberotp"]), "the binary does not compile")
}

fn every_target(runner: Runner) -> Command {
    let mut command = cargo();
    match runner {
        Runner::Nextest => command.args(["nextest", "run", "--workspace"]),
        // Targets by name leave documentation tests out: they have a step of their own.
        Runner::Plain => command.args(["test", "--workspace", "--lib", "--bins", "--tests"]),
    };
    command
}

fn unit_tests(runner: Runner, filters: &[String]) -> Command {
    let mut command = every_target(runner);
    command.arg("--no-fail-fast");
    with_filters(&mut command, filters);
    command
}

fn doc_tests(filters: &[String]) -> Command {
    let mut command = cargo();
    command.args(["test", "--workspace", "--doc", "--no-fail-fast"]);
    with_filters(&mut command, filters);
    command
}

fn with_filters(command: &mut Command, filters: &[String]) {
    if !filters.is_empty() {
        command.arg("--").args(filters);
    }
}

/// What the tests see around them.
struct Environment<'a> {
    needs: &'a Needs,
    notes: &'a Path,
    skips: Skips,
}

impl Environment<'_> {
    fn of(&self, mut command: Command) -> Command {
        command.env(SKIPS_VARIABLE, self.notes).envs(self.needs.variables());
        if self.skips == Skips::Refused {
            command.env(REQUIRE_VARIABLE, "1");
        }
        command
    }
}

fn has_nextest() -> bool {
    let asked = cargo().args(["nextest", "--version"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    asked.is_ok_and(|status| status.success())
}

/// rustdoc is started for every crate when asked, so it is asked only when some comment has an example in it.
fn has_doc_tests() -> Result<bool, Failure> {
    let root = root();
    let examples = files(&root)?
        .iter()
        .filter(|path| path.starts_with("crates/") && path.contains("/src/") && path.ends_with(".rs"))
        .filter_map(|path| std::fs::read_to_string(root.join(path)).ok())
        .any(|text| has_example(&text));
    Ok(examples)
}

/// Whether a doc comment opens a code block that rustdoc would compile.
fn has_example(source: &str) -> bool {
    let mut open = false;
    for line in source.lines() {
        let line = line.trim_start();
        let comment = line.strip_prefix("///").or_else(|| line.strip_prefix("//!"));
        let Some(fence) = comment.and_then(|text| text.trim_start().strip_prefix("```")) else {
            // A block ends with its comment at the latest.
            open = open && comment.is_some();
            continue;
        };
        let other_language = |word: &str| {
            let rust = ["rust", "no_run", "should_panic", "compile_fail"];
            !word.is_empty() && !rust.contains(&word) && !word.starts_with("edition")
        };
        if !open && !fence.split(',').map(str::trim).any(other_language) {
            return true;
        }
        open = !open;
    }
    false
}

/// The lines of the summary: what could not be had, then what tests noted, each once and with its count.
fn skipped(missing: &[&str], noted: &str) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for line in noted.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let count = counts.entry(line).or_default();
        *count = count.saturating_add(1);
    }
    let tests = counts.iter().map(|(line, count)| match count {
        1 => (*line).to_owned(),
        _ => format!("{line} ({count} times)"),
    });
    missing.iter().map(|line| (*line).to_owned()).chain(tests).collect()
}

fn conclude(failed: &[&str], skipped: &[String], skips: Skips) -> Result<(), Failure> {
    println!();
    for line in skipped {
        println!("skipped: {line}");
    }
    if !failed.is_empty() {
        return Err(Failure::Told(format!("failed: {}", failed.join(", "))));
    }
    // What lies outside the repository nobody can be made to have.
    let refused = skipped.iter().any(|line| !line.starts_with(OPTIONAL));
    if skips == Skips::Refused && refused {
        return Err(Failure::Told(
            "tests were skipped, and --require-all takes that for a failure".to_owned(),
        ));
    }
    let rest = if skipped.is_empty() { "nothing skipped" } else { "but for what was skipped" };
    println!("xtask: all tests passed, {rest}");
    Ok(())
}

/// For tests of our own that cannot run here: says so as every test of the workspace does.
#[cfg(test)]
pub fn note_skip(line: &str) {
    use std::io::Write;
    assert!(std::env::var_os(REQUIRE_VARIABLE).is_none(), "required, but skipped: {line}");
    eprintln!("skipped: {line}");
    if let Some(path) = std::env::var_os(SKIPS_VARIABLE) {
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
        file.write_all(format!("{line}\n").as_bytes()).unwrap();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skips_are_told_once_with_their_count_and_fail_only_when_refused() {
        let lines = skipped(&["PostgreSQL tests: none"], "b: no server\na: no client\n\nb: no server\n");
        assert_eq!(lines, ["PostgreSQL tests: none", "a: no client", "b: no server (2 times)"]);
        assert!(conclude(&[], &lines, Skips::Told).is_ok());
        assert!(conclude(&[], &lines, Skips::Refused).is_err());
        assert!(conclude(&[], &[], Skips::Refused).is_ok());
        assert!(conclude(&[], &["optional: page: none".to_owned()], Skips::Refused).is_ok());
        assert!(conclude(&["tests"], &[], Skips::Told).is_err());
    }

    #[test]
    fn only_blocks_that_rustdoc_compiles_are_examples() {
        assert!(has_example("/// Adds.\n/// ```\n/// assert!(true);\n/// ```\n"));
        assert!(has_example("//! ```rust,no_run\n//! ```\n"));
        assert!(!has_example("//! ```text\n//! a table\n//! ```\nfn main() {}\n"));
        assert!(!has_example("/// ```json\n/// {}\n/// ```\n/// words\n"));
        assert!(!has_example("let fence = \"```\"; // ```\n"));
    }

    #[test]
    fn filters_reach_both_runners_after_the_dashes() {
        for runner in [Runner::Nextest, Runner::Plain] {
            let command = unit_tests(runner, &["ledger".to_owned()]);
            let words: Vec<_> = command.get_args().collect();
            assert_eq!(words[words.len() - 2..], ["--", "ledger"]);
        }
    }
}
