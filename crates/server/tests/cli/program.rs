//! Runs the program and talks to it. Whatever is started is stopped, also when a test fails.

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// The demo account's published key.
pub const DEMO_KEY: &str = "notp_SandboxDemoKeyOnlyForTesting000H6vHm";

/// The program with a clean environment.
pub fn numberotp(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_numberotp"));
    command.args(arguments).env_clear().stdin(Stdio::null());
    command
}

/// Runs a command to its end.
pub fn run(arguments: &[&str]) -> Output {
    numberotp(arguments).output().unwrap()
}

/// Runs a command that must succeed; answers its standard output as JSON, which must be nothing else.
pub fn json(arguments: &[&str]) -> Value {
    let output = run(arguments);
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{arguments:?}: {errors}");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text:?}"))
}

/// Runs a command that must fail with this exit code; answers what it said.
pub fn fails(code: i32, arguments: &[&str]) -> String {
    let output = run(arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    assert!(output.stdout.is_empty(), "standard output: {:?}", String::from_utf8_lossy(&output.stdout));
    said
}

/// A folder that goes away with the value.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("numberotp-cli-{}-{name}", std::process::id()));
        let _left_over = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
    pub fn file(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

/// A running server; killed if the test ends without stopping it.
pub struct Server {
    child: Child,
    pub address: String,
    pub screen: Vec<String>,
}

impl Server {
    /// Starts `serve` in a folder and reads its screen to the end, which comes when it serves.
    pub fn start(folder: &Folder, arguments: &[&str]) -> Self {
        Self::start_with(folder, arguments, &[])
    }

    /// The same with variables.
    pub fn start_with(folder: &Folder, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = numberotp(&["serve", "--listen", "127.0.0.1:0"]);
        // Limits are on, as real numbers want it, and far off: tests ask more often than a customer.
        for limit in ["prices", "account", "rent", "read-one", "read-all", "hook", "other"] {
            command.args([format!("--limit-{limit}"), "1000000".to_owned()]);
        }
        let ready = folder.file("ready");
        command.args(["--ready-file", &ready]).args(arguments).current_dir(folder.path());
        command.envs(variables.iter().copied());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut screen = Vec::new();
        for line in lines.by_ref() {
            let line = line.unwrap();
            let last = line.starts_with("Ctrl-C") || line.contains("production).");
            screen.push(line);
            if last {
                break;
            }
        }
        // The rest is drained, so that the server never blocks on its own log.
        std::thread::spawn(move || lines.for_each(drop));
        let address = loop {
            match std::fs::read_to_string(&ready) {
                Ok(address) => break address,
                Err(_) if child.try_wait().unwrap().is_none() => std::thread::yield_now(),
                Err(_) => panic!("the server ended: {screen:?}"),
            }
        };
        Self { child, address, screen }
    }

    /// Sends a signal.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status();
        assert!(sent.unwrap().success());
    }

    /// The most memory that it ever held, in KiB; none where the system does not tell.
    pub fn memory_peak(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().strip_suffix("kB")?.trim().parse().ok()
    }

    /// Waits for its end; answers the exit code.
    pub fn ended(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    /// One request; answers status, head and body.
    pub fn request(&self, method: &str, path: &str, key: &str, body: &str) -> (u16, String, Value) {
        let (status, head, body) = self.exchange(method, path, key, body);
        (status, head, serde_json::from_str(&body).unwrap_or(Value::Null))
    }

    /// What the server measures, as it prints it.
    pub fn measures(&self) -> String {
        self.exchange("GET", "/metrics", "", "").2
    }

    fn exchange(&self, method: &str, path: &str, key: &str, body: &str) -> (u16, String, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(70))).unwrap();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.address,
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head.to_ascii_lowercase(), body.to_owned())
    }

    /// A GET that must succeed.
    pub fn get(&self, path: &str, key: &str) -> Value {
        let (status, _, body) = self.request("GET", path, key, "");
        assert_eq!(status, 200, "{path}: {body}");
        body
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}
