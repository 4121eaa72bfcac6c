//! `cargo xtask`: what a developer and CI run, in Rust so that there is no pile of scripts.
//! `test` sets up what the tests need, `tidy` is the house rules as a program, `check` is all of it in CI's order.
//! It builds in seconds (few and small dependencies) and never leaves anything behind on the machine.

mod bench;
mod check;
mod generate;
mod needs;
mod session;
mod temp;
mod test;
mod tidy;
mod workspace;

use session::{Failure, Session};
use std::process::ExitCode;
use test::{Options, Skips};

const HELP: &str = "\
cargo xtask COMMAND

  test [--require-all] [-- FILTER...]
        Every test of the workspace, with what it needs: a throw-away PostgreSQL is started and removed.
        What cannot be had is skipped and named at the end; with --require-all a skip is a failure.
        FILTERs are parts of test names; what follows the `--` goes to the test runner as it is.
  tidy  The house rules: sizes, headers, allowed edges, SQL and engines in their place, migrations in pairs,
        a page for every error code, banned words, large files. All findings in one report.
  generate
        Writes docs/generated/ from the code: the OpenAPI documents.
  check Formatting, tidy, clippy and `test --require-all`, in this order, up to the first failure. CI runs this.

  bench [NAME...] [--quick] [--full] [--write]
        Measures the product against nginx, pgbench and itself, and prints every goal as a table. As root on Debian
        it installs nginx and wrk if they are absent. NAMEs are parts of goals' names; --quick shows that it works,
        --full adds an hour of growth, --write puts the table into docs/bench.md.

Set NUMBEROTP_TEST_POSTGRES to a superuser's URL to test on a PostgreSQL of your own.
More: xtask/README.md
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Told(message)) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
        // The shell's convention for a command that a signal ended.
        Err(Failure::Interrupted(signal)) => {
            eprintln!("xtask: interrupted; everything that was started is stopped and removed");
            ExitCode::from(u8::try_from(signal).map_or(1, |number| number.saturating_add(128)))
        }
    }
}

fn dispatch(arguments: &[String]) -> Result<(), Failure> {
    let (command, rest) = match arguments.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("help", arguments),
    };
    match command {
        "test" => test::run(&Session::new()?, &test_options(rest)?),
        "tidy" => no_arguments(rest).and_then(|()| tidy::run()),
        "generate" => no_arguments(rest).and_then(|()| generate::run(&Session::new()?)),
        "check" => no_arguments(rest).and_then(|()| check::run(&Session::new()?)),
        "bench" => bench::run(&Session::new()?, rest),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(())
        }
        other => Err(Failure::Told(format!("there is no command `{other}`\n\n{HELP}"))),
    }
}

fn no_arguments(rest: &[String]) -> Result<(), Failure> {
    match rest.first() {
        None => Ok(()),
        Some(extra) => Err(Failure::Told(format!("`{extra}` is not expected here\n\n{HELP}"))),
    }
}

fn test_options(rest: &[String]) -> Result<Options, Failure> {
    let mut words = rest.iter();
    let mut skips = Skips::Told;
    for word in words.by_ref() {
        match word.as_str() {
            "--require-all" => skips = Skips::Refused,
            "--" => break,
            other => {
                return Err(Failure::Told(format!(
                    "`{other}` is not an option of test (filters come after `--`)"
                )));
            }
        }
    }
    Ok(Options { skips, filters: words.cloned().collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn filters_come_after_the_dashes() {
        let options = test_options(&words("--require-all -- ledger --exact")).unwrap();
        assert_eq!(options.skips, Skips::Refused);
        assert_eq!(options.filters, words("ledger --exact"));
        assert_eq!(test_options(&[]).unwrap().skips, Skips::Told);
    }

    #[test]
    fn a_filter_without_dashes_and_an_unknown_command_are_refused() {
        assert!(test_options(&words("ledger")).is_err());
        assert!(dispatch(&words("tidi")).is_err());
        assert!(dispatch(&words("tidy now")).is_err());
    }
}
