//! A PostgreSQL server of the test's own, to be stopped and started at will. What needs no such liberty uses the
//! server that all tests share.
//!
//! Guards: it listens on the loopback alone, ends with this value, and if this process is killed it ends with the
//! pipe that is held to it. Never touches a server that it did not start.

use crate::database::skip;
use std::fmt::Display;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Where distributions keep the server's programs, a folder a version; the newest is taken.
const VERSIONS: &str = "/usr/lib/postgresql";
/// The oldest version that the product supports.
const OLDEST: u32 = 15;
/// How many ports are tried: one that was free may be another's a moment later.
const PORTS_TRIED: usize = 3;
const USER: &str = "postgres";
/// Runs the server for as long as standard input stays open, and ends it without a farewell: like a power cut, but
/// for the machine. Prints `ready` when it takes connections. The same that `cargo xtask` runs.
const SUPERVISE: &str = include_str!("../../../xtask/src/needs/supervise.sh");
const SETTINGS: &str = "listen_addresses = '127.0.0.1'
unix_socket_directories = ''
dynamic_shared_memory_type = mmap
max_connections = 40
autovacuum = off
shared_buffers = '16MB'
";

/// A server that is the test's own.
pub struct TestCluster {
    binaries: PathBuf,
    folder: PathBuf,
    data: PathBuf,
    port: u16,
    running: Option<Child>,
}

impl TestCluster {
    /// Makes and starts a server with its data in a folder of its own in memory. `None`, and noted as a skip, where
    /// its programs are missing or it may not be started.
    pub fn start() -> Option<Self> {
        Self::start_with(None)
    }

    /// The same with its data on a disk of the test's choice; its log of changes stays in memory.
    pub fn start_on(disk: &Path) -> Option<Self> {
        Self::start_with(Some(disk))
    }

    fn start_with(disk: Option<&Path>) -> Option<Self> {
        let Some(binaries) = newest(Path::new(VERSIONS)) else {
            skip(&format!("PostgreSQL: no server's programs of version {OLDEST} or newer under {VERSIONS}"));
            return None;
        };
        let name = format!("numberotp_cluster_{}_{}", std::process::id(), free_port());
        let folder = memory().join(name);
        must("a folder", std::fs::create_dir(&folder));
        let data = disk.unwrap_or(&folder).join("data");
        let port = free_port();
        let mut cluster = Self { binaries, folder, data, port, running: None };
        if !cluster.make(disk) {
            skip("PostgreSQL: a server may not be started here");
            return None;
        }
        for _ in 1..PORTS_TRIED {
            if cluster.comes_up() {
                return Some(cluster);
            }
            cluster.port = free_port();
        }
        cluster.up();
        Some(cluster)
    }

    /// A superuser's URL.
    pub fn url(&self) -> String {
        format!("postgres://{USER}@127.0.0.1:{}/postgres", self.port)
    }

    /// Starts the server again; it answers when this returns.
    pub fn up(&mut self) {
        assert!(self.comes_up(), "PostgreSQL does not come up: {}", self.log());
    }

    fn comes_up(&mut self) -> bool {
        let mut command = self.as_user(Path::new("/bin/sh"));
        command
            .args(["-c", SUPERVISE, "supervise"])
            .arg(self.binaries.join("postgres"))
            .arg(&self.data)
            .arg(self.port.to_string())
            .arg(self.data.with_extension("log"));
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = must("the supervisor", spawned);
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            must("the supervisor's word", BufReader::new(stdout).read_line(&mut line));
        }
        self.running = Some(child);
        let ready = line.trim() == "ready";
        if !ready {
            self.down();
        }
        ready
    }

    /// Stops the server at once, as `pg_ctl stop -m immediate` does: connections break, nothing is finished.
    pub fn down(&mut self) {
        if let Some(mut child) = self.running.take() {
            drop(child.stdin.take());
            must("the end", child.wait());
        }
    }

    /// Lets the server stand still: it takes connections and bytes, and answers nothing.
    pub fn freeze(&mut self) {
        self.signal("-STOP");
    }

    /// Lets it go on where it stood.
    pub fn thaw(&mut self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let file = must("the server's id", std::fs::read_to_string(self.data.join("postmaster.pid")));
        let server = file.lines().next().unwrap_or_default();
        let children = std::fs::read_to_string(format!("/proc/{server}/task/{server}/children"));
        let children = must("the server's children", children);
        let mut kill = Command::new("kill");
        let sent =
            kill.arg(signal).arg(server).args(children.split_whitespace()).stderr(Stdio::null()).status();
        must("the signal", sent);
    }

    /// What the server wrote.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.data.with_extension("log")).unwrap_or_default()
    }

    fn make(&self, disk: Option<&Path>) -> bool {
        for place in [Some(self.folder.as_path()), disk].into_iter().flatten() {
            let given = Command::new("chown").arg(USER).arg(place).stderr(Stdio::null()).status();
            if is_root() && !given.is_ok_and(|status| status.success()) {
                return false;
            }
        }
        let mut initdb = self.as_user(&self.binaries.join("initdb"));
        initdb
            .args([
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
                "--no-instructions",
                "--auth=trust",
                "--wal-segsize=1",
            ])
            .args(["--username", USER, "--waldir"])
            .arg(self.folder.join("wal"))
            .arg("--pgdata")
            .arg(&self.data);
        let made = initdb.stdout(Stdio::null()).stderr(Stdio::null()).status();
        made.is_ok_and(|status| status.success())
            && std::fs::write(self.data.join("postgresql.auto.conf"), SETTINGS).is_ok()
    }

    /// The server refuses to run as root.
    fn as_user(&self, program: &Path) -> Command {
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid", USER, "--regid", USER, "--init-groups", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir(&self.folder);
        command
    }
}

impl Drop for TestCluster {
    fn drop(&mut self) {
        self.down();
        // What cannot be removed is left behind: the test's own outcome matters more.
        let _left_behind = std::fs::remove_dir_all(&self.data);
        let _left_behind = std::fs::remove_dir_all(&self.folder);
    }
}

/// Where a commit costs little, if there is such a place.
fn memory() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() { memory } else { std::env::temp_dir() }
}

/// The programs of the newest version that is new enough, as a number: 9.6 is older than 15.
fn newest(versions: &Path) -> Option<PathBuf> {
    let found = std::fs::read_dir(versions).ok()?.flatten().filter_map(|version| {
        let major: u32 = version.file_name().to_str()?.split('.').next()?.parse().ok()?;
        let folder = version.path().join("bin");
        let whole = folder.join("postgres").is_file() && folder.join("initdb").is_file();
        (whole && major >= OLDEST).then_some((major, folder))
    });
    found.max().map(|(_, folder)| folder)
}

/// Whether this process is the machine's master.
pub fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    must("a port", bound).port()
}

#[expect(clippy::panic, reason = "a test without its server has to fail")]
fn must<T, E: Display>(about: &str, answer: Result<T, E>) -> T {
    answer.unwrap_or_else(|error| panic!("{about}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_is_the_greatest_number_and_an_old_one_is_none() {
        let parent = memory().join(format!("numberotp_versions_{}", std::process::id()));
        let install = |version: &str| {
            let folder = parent.join(version).join("bin");
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("postgres"), "").unwrap();
            std::fs::write(folder.join("initdb"), "").unwrap();
        };
        ["9.6", "14"].iter().for_each(|version| install(version));
        let none = newest(&parent);
        ["15", "100"].iter().for_each(|version| install(version));
        std::fs::create_dir_all(parent.join("200")).unwrap();
        let found = newest(&parent);
        std::fs::remove_dir_all(&parent).unwrap();
        assert_eq!((none, found), (None, Some(parent.join("100").join("bin"))));
    }
}
