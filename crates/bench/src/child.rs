//! Programs that are measured: started, awaited until they are ready, ended with their owner.
//! Guards: nothing outlives the benchmark; a child that fails says so with its own words.

use crate::Told;
use crate::told::About;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// A program that ends with this value.
pub struct Running {
    child: Child,
}

impl Running {
    /// Starts a program. It ends when its standard input closes, or by a signal.
    pub fn start(command: &mut Command) -> Told<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command.stdin(Stdio::piped()).spawn().about(&name)?;
        Ok(Self { child })
    }

    /// Its first line of output, once it says one that begins so; the rest of that line.
    pub fn ready(&mut self, word: &str) -> Told<String> {
        let stdout = self.child.stdout.take().about("its output")?;
        for line in BufReader::new(stdout).lines() {
            let line = line.about("its output")?;
            if let Some(rest) = line.strip_prefix(word) {
                return Ok(rest.trim().to_owned());
            }
        }
        Err(format!("it ended before it was {word}"))
    }

    /// Whether it is gone.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // A program that listens to its input ends by itself; for the others the signal to end.
        let signal = Command::new("kill").arg(self.child.id().to_string()).stderr(Stdio::null()).status();
        if signal.is_err() {
            let _ended_already = self.child.kill();
        }
        let _ended = self.child.wait();
    }
}

/// Runs a program to its end and answers what it printed.
pub fn output(command: &mut Command) -> Told<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().about(&name)?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(text);
    }
    Err(format!("{name}: {}\n{text}{}", output.status, String::from_utf8_lossy(&output.stderr)))
}
