//! `cargo xtask check`: all that must hold before a change goes in, in the order from quick to slow.
//! Stops at the first failure and names the command that repeats just that step. CI runs this and nothing else.

use crate::session::{Failure, Session};
use crate::test::{self, Options, Skips};
use crate::tidy;
use crate::workspace::cargo;
use std::time::Instant;

/// One step: its name, the command that repeats it, and what it does.
struct Step {
    name: &'static str,
    repeat: &'static str,
    run: fn(&Session) -> Result<(), Failure>,
}

const STEPS: &[Step] = &[
    Step { name: "fmt", repeat: "cargo fmt --all (it also repairs)", run: fmt },
    Step { name: "tidy", repeat: "cargo xtask tidy", run: |_| tidy::run() },
    Step { name: "clippy", repeat: "cargo clippy --workspace --all-targets -- -D warnings", run: clippy },
    Step { name: "test", repeat: "cargo xtask test --require-all", run: all_tests },
];

/// Runs the steps.
///
/// # Errors
/// [`Failure::Told`] with the first failing step and the command that repeats it; [`Failure::Interrupted`].
pub fn run(session: &Session) -> Result<(), Failure> {
    run_steps(session, STEPS)
}

fn run_steps(session: &Session, steps: &[Step]) -> Result<(), Failure> {
    let mut times = Vec::new();
    for step in steps {
        println!("\n== {} ==", step.name);
        let start = Instant::now();
        let outcome = (step.run)(session);
        times.push(format!("{} {:.1} s", step.name, start.elapsed().as_secs_f64()));
        if let Err(Failure::Told(why)) = outcome {
            let (times, Step { name, repeat, .. }) = (times.join(", "), step);
            return Err(Failure::Told(format!(
                "check: {name} failed: {why}\ntimes: {times}\nrepeat: {repeat}"
            )));
        }
        outcome?;
    }
    println!("\nxtask: check passed: {}", times.join(", "));
    Ok(())
}

fn fmt(session: &Session) -> Result<(), Failure> {
    session.run_ok(cargo().args(["fmt", "--all", "--check"]), "the code is not formatted")
}

fn clippy(session: &Session) -> Result<(), Failure> {
    let arguments = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    session.run_ok(cargo().args(arguments), "clippy has findings")
}

fn all_tests(session: &Session) -> Result<(), Failure> {
    test::run(session, &Options { skips: Skips::Refused, filters: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_stops_and_names_its_command() {
        const BROKEN: &[Step] = &[
            Step { name: "first", repeat: "one", run: |_| Ok(()) },
            Step { name: "second", repeat: "two", run: |_| Err(Failure::Told("it is so".to_owned())) },
            Step { name: "third", repeat: "three", run: |_| panic!("must not run") },
        ];
        let Err(Failure::Told(told)) = run_steps(&Session::without_signals(), BROKEN) else {
            panic!("it passed")
        };
        assert!(told.contains("second failed: it is so") && told.contains("repeat: two"), "{told}");
    }
}
