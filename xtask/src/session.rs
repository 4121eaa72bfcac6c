//! Runs other programs so that a signal ends all of them and then us, in order.
//! Guards: every program runs in a process group of its own, so Ctrl-C reaches us alone; we pass it on, wait for the
//! program to end, and return, so that every guard on the stack (database server, temporary folders) does its work.
//! Must never end the process by itself: that would skip those guards.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// How long a program may take to end after the signal was passed on. nextest gives its tests ten seconds.
const GRACE: Duration = Duration::from_secs(15);

/// Why a command of ours did not succeed.
#[derive(Debug)]
pub enum Failure {
    /// A sentence for the person at the terminal.
    Told(String),
    /// A signal, by number.
    Interrupted(i32),
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self::Told(message)
    }
}

enum Event {
    Ended(std::io::Result<ExitStatus>),
    Signal(i32),
}

/// One run of xtask: the place where signals and the ends of programs arrive.
pub struct Session {
    sender: Sender<Event>,
    events: Receiver<Event>,
}

impl Session {
    /// For tests that share their process with the one that signals it.
    #[cfg(test)]
    pub fn without_signals() -> Self {
        let (sender, events) = channel();
        Self { sender, events }
    }

    /// Takes over SIGINT, SIGTERM and SIGHUP for this process.
    ///
    /// # Errors
    /// [`Failure::Told`] when the handlers cannot be set.
    pub fn new() -> Result<Self, Failure> {
        use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
        let (sender, events) = channel();
        let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP])
            .map_err(|error| format!("cannot handle signals: {error}"))?;
        let told = sender.clone();
        std::thread::spawn(move || {
            for signal in signals.forever() {
                // Nobody listens any more only when we are ending anyway.
                if told.send(Event::Signal(signal)).is_err() {
                    return;
                }
            }
        });
        Ok(Self { sender, events })
    }

    /// Runs `command` to its end, with our output and no input.
    ///
    /// # Errors
    /// [`Failure::Told`] when it does not start, [`Failure::Interrupted`] when a signal came; by then it has ended.
    pub fn run(&self, command: &mut Command) -> Result<ExitStatus, Failure> {
        let name = command.get_program().to_string_lossy().into_owned();
        let mut child = command
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(|error| format!("`{name}` does not start: {error}"))?;
        let group = child.id();
        let told = self.sender.clone();
        // The receiver lives in `self` for as long as this call, so the send cannot fail.
        std::thread::spawn(move || drop(told.send(Event::Ended(child.wait()))));
        match self.events.recv() {
            Ok(Event::Ended(status)) => Ok(status.map_err(|error| format!("waiting for `{name}`: {error}"))?),
            Ok(Event::Signal(signal)) => {
                self.end(group, signal);
                Err(Failure::Interrupted(signal))
            }
            Err(_) => Err(Failure::Told(format!("the channel closed while `{name}` ran"))),
        }
    }

    /// Runs `command` as [`Session::run`] does and takes a failing exit code for a failure.
    ///
    /// # Errors
    /// Those of [`Session::run`], and [`Failure::Told`] with `told` when the exit code says failure.
    pub fn run_ok(&self, command: &mut Command, told: &str) -> Result<(), Failure> {
        if self.run(command)?.success() { Ok(()) } else { Err(Failure::Told(told.to_owned())) }
    }

    /// Passes a signal on to a group and waits; whatever still runs after the grace period is killed.
    fn end(&self, group: u32, signal: i32) {
        signal_group(group, &signal.to_string());
        loop {
            match self.events.recv_timeout(GRACE) {
                Ok(Event::Ended(_)) | Err(RecvTimeoutError::Disconnected) => return,
                // An impatient second Ctrl-C is passed on too: nextest then kills its tests at once.
                Ok(Event::Signal(again)) => signal_group(group, &again.to_string()),
                Err(RecvTimeoutError::Timeout) => signal_group(group, "KILL"),
            }
        }
    }
}

/// The shell's `kill` is built in everywhere; the standard library has none for groups.
fn signal_group(group: u32, signal: &str) {
    let script = format!("kill -{signal} -{group}");
    if let Err(error) = Command::new("sh").args(["-c", &script]).stderr(Stdio::null()).status() {
        eprintln!("xtask: cannot signal the process group {group}: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_signal_to_us_ends_the_program_first_and_exit_codes_are_told() {
        // One test, because a signal is for the whole process.
        let session = Session::new().unwrap();
        assert!(session.run_ok(&mut shell("exit 0"), "failed").is_ok());
        assert!(
            matches!(session.run_ok(&mut shell("exit 3"), "failed"), Err(Failure::Told(told)) if told == "failed")
        );
        assert!(matches!(session.run(&mut Command::new("/no/such/program")), Err(Failure::Told(_))));

        // The program ends only once the signal has been passed on to it and to its own child.
        let script = format!("kill -TERM {}; sleep 600 & wait; sleep 600", std::process::id());
        let outcome = session.run(&mut shell(&script));
        assert!(
            matches!(outcome, Err(Failure::Interrupted(signal)) if signal == signal_hook::consts::SIGTERM)
        );
    }
}
