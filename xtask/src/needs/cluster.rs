//! A throw-away PostgreSQL server: made in a temporary folder, on a free port of 127.0.0.1, gone when it is dropped.
//! Guards: it stops and its folder goes away on success, failure, panic and signal, and even if we are killed
//! outright: a small supervisor (`supervise.sh`) lives exactly as long as the pipe that we hold to it.
//! Must never listen beyond the loopback interface, nor let a stranger on this machine in: the password is random.

use crate::session::{Failure, Session};
use crate::temp::{TempFolder, random_hex};
use crate::workspace::in_path;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The unix user under which the server runs when we are root, and the superuser's name inside the server.
const UNIX_USER: &str = "postgres";
const SUPERUSER: &str = "numberotp";

const SUPERVISOR: &str = include_str!("supervise.sh");

/// The memory file system must have this much room (KiB) before the data goes there: a database takes 8 MB.
const MEMORY_KIB_MIN: u64 = 4 * 1024 * 1024;

/// What differs from PostgreSQL's defaults, and why.
///
/// `fsync` and `synchronous_commit` are left on: a commit takes the path that it takes in production, and the writer
/// meets commits that cost something. Speed comes from the place instead: in /dev/shm, where a sync is nearly free, a
/// database with forty tables is made and dropped in 0.17 s; on disk that takes 0.64 s with fsync and 0.53 s without.
const SETTINGS: &str = "\
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 200
# No checkpoint in the middle of the tests for the sake of little space; but not all of the memory either.
max_wal_size = '512MB'
# Within the data folder, so that even a server that was killed leaves nothing in /dev/shm.
dynamic_shared_memory_type = mmap
";

/// What differs beside that where the server is measured: room for the rows, and no checkpoint every few seconds.
const MEASURED: &str = "\
shared_buffers = '512MB'
max_wal_size = '4GB'
checkpoint_timeout = '15min'
";

/// What a server is for, and with that where its data is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Tests: in memory if there is room.
    Tests,
    /// Measuring what a durable commit costs: on a disk.
    Bench,
}

/// A folder that is on a disk by convention, and that every user can reach.
pub const ON_DISK: &str = "/var/tmp";

/// How the server gets a user that is not root.
#[derive(Debug, PartialEq, Eq)]
pub enum Identity {
    /// We are not root: the server runs as we do.
    Ours,
    /// We are root. `runner` is the program that becomes `postgres`, when there are both.
    Root {
        /// One of setpriv, runuser and su.
        runner: Option<(PathBuf, &'static [&'static str])>,
    },
}

/// Programs that start another as a user, best first (setpriv replaces itself; su needs a shell), and their arguments.
const RUNNERS: &[(&str, &[&str])] = &[
    ("setpriv", &["--reuid=postgres", "--regid=postgres", "--init-groups", "--"]),
    ("runuser", &["-u", UNIX_USER, "--"]),
    ("su", &["-s", "/bin/sh", "-c", "exec \"$0\" \"$@\"", "--", UNIX_USER]),
];

impl Identity {
    /// Who we are.
    ///
    /// # Errors
    /// [`Failure::Told`] when the system does not say.
    pub fn current() -> Result<Self, Failure> {
        if id(&["-u"])? != Some(0) {
            return Ok(Self::Ours);
        }
        let user = id(&["-u", UNIX_USER])?;
        let runner = RUNNERS.iter().find_map(|(name, arguments)| Some((in_path(name)?, *arguments)));
        Ok(Self::Root { runner: runner.filter(|_| user.is_some()) })
    }

    /// A command that runs `program` as this identity, in `folder` (the user may not be allowed into ours).
    fn command(&self, program: &OsStr, folder: &Path) -> Command {
        let mut command = match self {
            Self::Root { runner: Some((runner, arguments)) } => {
                let mut command = Command::new(runner);
                command.args(*arguments).arg(program);
                command
            }
            Self::Ours | Self::Root { runner: None } => Command::new(program),
        };
        command.current_dir(folder);
        command
    }

    /// Hands a path over to the server's user.
    fn give(&self, path: &Path) -> Result<(), String> {
        if *self == Self::Ours {
            return Ok(());
        }
        let (user, group) = (id(&["-u", UNIX_USER])?, id(&["-g", UNIX_USER])?);
        std::os::unix::fs::chown(path, user, group)
            .map_err(|error| format!("chown {}: {error}", path.display()))
    }
}

/// What `id` answers; `None` when it knows no such user.
fn id(arguments: &[&str]) -> Result<Option<u32>, String> {
    let output = Command::new("id").args(arguments).output().map_err(|error| format!("id: {error}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().parse().ok())
}

/// A running server.
pub struct Cluster {
    supervisor: Child,
    folder: TempFolder,
    url: String,
}

impl Cluster {
    /// Makes and starts a server from the binaries in `binaries`. A port that is taken meanwhile costs a try.
    ///
    /// # Errors
    /// [`Failure::Interrupted`]; [`Failure::Told`] with the server's own words when it does not come up.
    pub fn start(
        session: &Session,
        binaries: &Path,
        identity: &Identity,
        purpose: Purpose,
    ) -> Result<Self, Failure> {
        let mut last = String::new();
        for _ in 0..3 {
            match Self::try_start(session, binaries, identity, purpose)? {
                Ok(cluster) => return Ok(cluster),
                Err(why) => last = why,
            }
        }
        Err(Failure::Told(format!("PostgreSQL does not start:\n{last}")))
    }

    /// A superuser's URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where its data is.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn try_start(
        session: &Session,
        binaries: &Path,
        identity: &Identity,
        purpose: Purpose,
    ) -> Result<Result<Self, String>, Failure> {
        let (base, more) = match purpose {
            Purpose::Tests => (base(identity), ""),
            Purpose::Bench => (PathBuf::from(ON_DISK), MEASURED),
        };
        let folder = TempFolder::new(&base)?;
        identity.give(folder.path())?;
        let data = folder.path().join("data");
        let password = random_hex()?;
        let passwords = folder.path().join("password");
        write(&passwords, &password)?;
        identity.give(&passwords)?;
        initdb(
            session,
            || identity.command(binaries.join("initdb").as_os_str(), folder.path()),
            folder.path(),
        )?;
        write(&data.join("postgresql.auto.conf"), &[SETTINGS, more].concat())?;

        let port = free_port()?;
        let mut supervisor = identity
            .command(OsStr::new("/bin/sh"), folder.path())
            .args(["-c", SUPERVISOR, "supervise"])
            .args([binaries.join("postgres").as_os_str(), data.as_os_str()])
            .arg(port.to_string())
            .args([folder.path().join("log").as_path(), folder.path()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(|error| format!("the supervisor does not start: {error}"))?;
        let answer = supervisor.stdout.take().map(first_line).unwrap_or_default();
        // From here on dropping it ends the supervisor, the server and the folder.
        let url = format!("postgres://{SUPERUSER}:{password}@127.0.0.1:{port}/postgres");
        let cluster = Self { supervisor, folder, url };
        if answer.trim() == "ready" {
            return Ok(Ok(cluster));
        }
        Ok(Err(std::fs::read_to_string(cluster.folder().join("log")).unwrap_or_else(|_| "no log".to_owned())))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.supervisor.stdin.take());
        if let Err(error) = self.supervisor.wait() {
            eprintln!("xtask: waiting for PostgreSQL to stop: {error}");
        }
    }
}

fn first_line(stdout: impl std::io::Read) -> String {
    let mut line = String::new();
    // A line that cannot be read is not `ready`, and that is all the caller asks.
    BufReader::new(stdout).read_line(&mut line).map_or_else(|_| String::new(), |_| line.clone())
}

/// Makes the data folder. The locale is American English by ICU, as on a managed database, and not bytes in order:
/// a statement that leans on an order of its own machine shows here. A build without ICU has the plain order.
fn initdb(session: &Session, command: impl Fn() -> Command, folder: &Path) -> Result<(), Failure> {
    let log = folder.join("initdb.log");
    let locales = [&["--locale=C", "--locale-provider=icu", "--icu-locale=en-US"][..], &["--locale=C"]];
    for locale in locales {
        let output = std::fs::File::create(&log).map_err(|error| format!("{}: {error}", log.display()))?;
        let errors = output.try_clone().map_err(|error| format!("{}: {error}", log.display()))?;
        let mut command = command();
        command
            .args(["--encoding=UTF8", "--no-sync", "--no-instructions", "--auth=password"])
            .args(["--username", SUPERUSER, "--pwfile"])
            .arg(folder.join("password"))
            .arg("--pgdata")
            .arg(folder.join("data"))
            .args(locale)
            .stdout(output)
            .stderr(errors);
        if session.run(&mut command)?.success() {
            return Ok(());
        }
    }
    let told = std::fs::read_to_string(&log).unwrap_or_else(|_| "no log".to_owned());
    Err(Failure::Told(format!("initdb failed:\n{told}")))
}

/// Memory where there is enough of it; as root a folder that the server's user can reach; else the usual place.
fn base(identity: &Identity) -> PathBuf {
    let memory = Path::new("/dev/shm");
    if free_kib(memory).is_some_and(|free| free >= MEMORY_KIB_MIN) {
        return memory.to_path_buf();
    }
    if *identity == Identity::Ours { std::env::temp_dir() } else { PathBuf::from("/tmp") }
}

/// The fourth column of the second line is the free space; POSIX fixes that form.
fn free_kib(folder: &Path) -> Option<u64> {
    let output = Command::new("df").arg("-Pk").arg(folder).stderr(Stdio::null()).output().ok()?;
    String::from_utf8_lossy(&output.stdout).lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()
}

/// A port that was free a moment ago.
fn free_port() -> Result<u16, String> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|error| format!("no free port on 127.0.0.1: {error}"))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::needs::{POSTGRES_VARIABLE, postgres};
    use crate::test::note_skip;
    use std::net::TcpStream;

    /// Asks the server with psql, which is in the same package.
    fn psql(binaries: &Path, url: &str, statement: &str) -> Result<String, String> {
        let output =
            Command::new(binaries.join("psql")).args(["-XAt", "-c", statement, url]).output().unwrap();
        let told =
            String::from_utf8(if output.status.success() { output.stdout } else { output.stderr }).unwrap();
        if output.status.success() { Ok(told.trim().to_owned()) } else { Err(told) }
    }

    #[test]
    fn a_server_answers_its_password_alone_and_leaves_nothing_behind() {
        let identity = Identity::current().unwrap();
        let binaries = postgres::installed().filter(|folder| folder.join("psql").is_file());
        let Some(binaries) = binaries.filter(|_| identity != (Identity::Root { runner: None })) else {
            // Whoever brings a server of their own needs none of ours.
            if std::env::var_os(POSTGRES_VARIABLE).is_none() {
                note_skip("xtask: its throw-away PostgreSQL: no server and psql that we may start");
            }
            return;
        };
        let cluster =
            Cluster::start(&Session::without_signals(), &binaries, &identity, Purpose::Tests).unwrap();
        let url = cluster.url().to_owned();
        assert_eq!(psql(&binaries, &url, "select 1").unwrap(), "1");
        let settings = "select current_setting('fsync'), current_setting('max_connections'), pg_encoding_to_char(encoding)
                        from pg_database where datname = 'postgres'";
        assert_eq!(psql(&binaries, &url, settings).unwrap(), "on|200|UTF8");
        psql(&binaries, &url, "create database another").unwrap();
        let stranger =
            url.replacen(":postgres", ":x", 1).replace(url.split([':', '@']).nth(2).unwrap(), "guess");
        assert!(
            psql(&binaries, &stranger, "select 1").unwrap_err().contains("password authentication failed")
        );

        let address = url.split(['@', '/']).find(|part| part.starts_with("127.")).unwrap().to_owned();
        assert!(TcpStream::connect(&address).is_ok());
        let folder = cluster.folder().to_path_buf();
        drop(cluster);
        assert!(TcpStream::connect(&address).is_err());
        assert!(!folder.exists());
    }

    #[test]
    fn every_way_of_becoming_another_user_passes_arguments_as_they_are() {
        if id(&["-u"]).unwrap() != Some(0) || id(&["-u", UNIX_USER]).unwrap().is_none() {
            // Who is not root has nobody to become, and misses nothing.
            return;
        }
        for (name, arguments) in RUNNERS {
            let Some(runner) = in_path(name) else { continue };
            let identity = Identity::Root { runner: Some((runner, *arguments)) };
            let mut command = identity.command(OsStr::new("/bin/sh"), Path::new("/"));
            let output = command
                .args(["-c", "id -un; printf '%s|' \"$@\"", "-D", "a b", "--c", "$d"])
                .output()
                .unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), "postgres\na b|--c|$d|", "{name}");
        }
    }

    #[test]
    fn a_server_that_does_not_come_up_is_told_with_its_own_words() {
        let base = TempFolder::new(&std::env::temp_dir()).unwrap();
        let failed =
            Cluster::start(&Session::without_signals(), base.path(), &Identity::Ours, Purpose::Tests);
        assert!(matches!(failed, Err(Failure::Told(told)) if told.contains("initdb")));
    }
}
