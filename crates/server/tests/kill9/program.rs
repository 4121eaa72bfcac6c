//! The real program: started as an operator starts it, killed as a power cut kills it, audited by its own command.
//! Guards: no process and no file outlives the test, whatever becomes of it. It must never ask a server to stop
//! politely.

use super::dice::Dice;
use super::memory::Window;
use numberotp_testkit::database::{TestDatabase, TestEngine};
use serde_json::Value;
use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Output};
use std::time::{Duration, Instant};

/// Longest time for a start; it takes a fifth of a second where nothing else runs.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// Pause between two looks at what tells nobody of its changes.
const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// The one invariant that speaks of time. While no server runs, nobody can keep it.
const OVERDUE: &str = "no hold is open a minute past its deadline";

/// Where a test's servers run, one after the other: a database, and a folder for what they say.
pub struct Place {
    database: TestDatabase,
    folder: PathBuf,
}

/// Which of the audit's findings count.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Counts {
    /// All of them.
    All,
    /// All but that nobody looked after what became due.
    AllButOverdue,
}

/// An account that a command made.
pub struct Account {
    /// Its row.
    pub id: i64,
    /// Its API key.
    pub key: String,
}

/// A running server; dropping it kills it.
pub struct Server {
    process: Process,
    address: SocketAddr,
}

impl Place {
    /// A fresh database and an empty folder.
    pub fn new(engine: &TestEngine) -> Self {
        let name = format!("numberotp_kill9_{:016x}", Dice::fresh_seed());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder).unwrap();
        Self { database: engine.database(), folder }
    }

    /// Its database.
    pub const fn database(&self) -> &TestDatabase {
        &self.database
    }

    /// Starts a server and waits until it says that it serves.
    pub fn start(&self, window: Window) -> Server {
        let mut process = self.spawn(window);
        let begun = Instant::now();
        let address = loop {
            if let Ok(text) = std::fs::read_to_string(self.ready_file()) {
                break text.parse().unwrap();
            }
            assert!(begun.elapsed() < READY_WITHIN && process.lives(), "no server: {}", self.log());
            look_again();
        };
        Server { process, address }
    }

    /// Starts a server and kills it after a time, whether it serves by then or not.
    pub fn start_and_kill_after(&self, life: Duration) {
        let process = self.spawn(Window::Long);
        let begun = Instant::now();
        while begun.elapsed() < life {
            look_again();
        }
        drop(process);
    }

    fn spawn(&self, window: Window) -> Process {
        // A killed server cannot take its word back, so the one before may still say that it serves.
        let _not_there = std::fs::remove_file(self.ready_file());
        let log = File::options().create(true).append(true).open(self.folder.join("log")).unwrap();
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0", "--sandbox", "--demo"]);
        command.args(["--rate-limits", "off", "--log", "warn", "--ready-file"]).arg(self.ready_file());
        if window == Window::Short {
            // The sandbox's message comes after two seconds, if its server lives so long.
            command.args(["--activation-window", "3s"]);
        }
        Process(command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap())
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_numberotp"));
        // What the caller's shell is set up for is none of this server's business.
        command.env_clear().args(words).args(["--database-url", self.database.url()]);
        command
    }

    fn ready_file(&self) -> PathBuf {
        self.folder.join("ready")
    }

    /// What the servers said, for failures.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// The lines in which a server told of a defect of its own.
    pub fn defects(&self) -> Vec<String> {
        let log = self.log();
        let bad = |line: &&str| line.contains(" ERROR ") || line.contains("panicked at");
        log.lines().filter(bad).map(str::to_owned).collect()
    }

    /// Makes an approved account with money; needs no server.
    pub fn account(&self, email: &str, (balance, credits): (&str, &str)) -> Account {
        let words = ["account", "create", "--json", "--approve", "--email", email];
        let made = self.command(&words).args(["--balance", balance, "--credits", credits]).output().unwrap();
        let made = json(&made);
        let text = |field: &str| made[field].as_str().unwrap().to_owned();
        Account { id: text("id").parse().unwrap(), key: text("apiKey") }
    }

    /// Makes an account that comes in with a password; answers the token of a session.
    pub fn person(&self, email: &str, (password, role): (&str, &str)) -> String {
        let words = ["account", "create", "--json", "--approve", "--email", email];
        let made = self.command(&words).args(["--password", password, "--role", role]).output().unwrap();
        json(&made)["sessionToken"].as_str().unwrap().to_owned()
    }

    /// Has the program recompute the books; answers what contradicts them.
    pub fn audit(&self, counts: Counts) -> Result<(), String> {
        let output = self.command(&["audit", "--json"]).output().unwrap();
        let report = json(&output);
        let wrong = |check: &&Value| check["violations"] != 0;
        let checks = report["checks"].as_array().unwrap();
        assert!(checks.len() > 10, "an audit that looks at nothing: {report}");
        assert_eq!(output.status.success(), !checks.iter().any(|check| wrong(&check)), "{report}");
        let counts = |check: &&Value| counts == Counts::All || check["says"] != OVERDUE;
        let found: Vec<String> = checks.iter().filter(wrong).filter(counts).map(Value::to_string).collect();
        if found.is_empty() { Ok(()) } else { Err(format!("the books are not clean: {}", found.join(", "))) }
    }
}

fn json(output: &Output) -> Value {
    let told = || String::from_utf8_lossy(&output.stderr).into_owned();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}: {}", output.status, told()))
}

/// Waits a little for what tells nobody of its changes.
pub fn look_again() {
    std::thread::park_timeout(LOOK_AGAIN);
}

impl Server {
    /// Where it serves.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// `kill -9`, and it is gone when this returns.
    pub fn kill(self) {
        drop(self.process);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What cannot be removed is left behind: the test's own outcome matters more.
        let _left_behind = std::fs::remove_dir_all(&self.folder);
    }
}

/// A process that does not outlive its owner.
struct Process(Child);

impl Process {
    fn lives(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only for a process that ended already.
        let _ended = self.0.kill();
        let _waited_for = self.0.wait();
    }
}
