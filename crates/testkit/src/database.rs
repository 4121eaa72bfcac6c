//! A fresh database for each test: a SQLite file in a folder of its own, or a database of its own on the
//! PostgreSQL server that `NUMBEROTP_TEST_POSTGRES` names. Both go away with the value.
//!
//! Guards: a test runs on every engine there is, and one that cannot run on PostgreSQL says so in the file that
//! `NUMBEROTP_TEST_SKIPS` names (or fails, with `NUMBEROTP_TEST_REQUIRE_ALL=1`). Never reuses, never empties
//! and never drops a database that it did not make.

use numberotp_server::store::db::Engine;
use std::fmt::Display;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::runtime::Builder;
use tokio_postgres::NoTls;

/// URL of a PostgreSQL server, of a user who may create databases.
const POSTGRES: &str = "NUMBEROTP_TEST_POSTGRES";
/// File to which whoever cannot run appends a line.
const SKIPS: &str = "NUMBEROTP_TEST_SKIPS";
/// `1`: whoever cannot run fails.
const REQUIRE_ALL: &str = "NUMBEROTP_TEST_REQUIRE_ALL";
/// Databases made by this process, so that each has another name.
static MADE: AtomicU32 = AtomicU32::new(0);

/// An engine that a test can run on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TestEngine {
    /// Always there.
    Sqlite,
    /// On the server with this URL.
    Postgres(String),
}

/// The engines to run a test on: SQLite, and PostgreSQL where a server is named. Where none is, that the
/// calling test is skipped on it is noted, or fails.
pub fn engines() -> Vec<TestEngine> {
    let mut engines = vec![TestEngine::Sqlite];
    match variable(POSTGRES) {
        Some(server) => engines.push(TestEngine::Postgres(server)),
        None => skip(&format!("PostgreSQL: {POSTGRES} names no server")),
    }
    engines
}

/// Runs a test's body once an engine, on a fresh database each time. A failure says on which engine it was.
pub fn on_each_engine(body: impl Fn(&TestDatabase)) {
    for engine in engines() {
        let _where = Where(engine.name());
        body(&engine.database());
    }
}

/// Notes that the calling test cannot run as a whole, or fails it where everything is required.
pub fn skip(why: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    assert!(variable(REQUIRE_ALL).as_deref() != Some("1"), "{test} cannot run: {why}");
    note(&format!("{test}: {why}"));
}

/// The same for what lies outside the repository and that nobody can be made to have: it is told and never refused.
pub fn skip_optional(why: &str) {
    let thread = std::thread::current();
    note(&format!("optional: {}: {why}", thread.name().unwrap_or("a test")));
}

fn note(line: &str) {
    if let Some(file) = variable(SKIPS) {
        let opened = OpenOptions::new().create(true).append(true).open(&file);
        let written = opened.and_then(|mut notes| notes.write_all(format!("{line}\n").as_bytes()));
        must(&file, written);
    }
}

impl TestEngine {
    /// Its name for people.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
        }
    }

    /// A fresh, empty database of this engine: no table, no migration.
    pub fn database(&self) -> TestDatabase {
        match self {
            Self::Sqlite => TestDatabase::in_folder(),
            Self::Postgres(server) => TestDatabase::on_server(server),
        }
    }
}

/// An empty database that goes away with this value, whoever is still connected.
pub struct TestDatabase {
    url: String,
    engine: Engine,
    place: Place,
}

enum Place {
    Folder(PathBuf),
    Server { url: String, name: String },
}

impl TestDatabase {
    /// `sqlite://…` or `postgres://…`, as a configuration would have it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What the store opens.
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// How often the write-ahead log of a SQLite file began anew. SQLite counts it in the log's head, from zero when it makes
    /// the log; there must be one.
    pub fn wal_beginnings(&self) -> u32 {
        let file = must(&self.url, self.engine.file().ok_or("is no file"));
        let mut head = [0; 16];
        let log = File::open(format!("{}-wal", file.display()));
        must("a log", log.and_then(|mut log| log.read_exact(&mut head)));
        let [.., a, b, c, d] = head;
        u32::from_be_bytes([a, b, c, d])
    }

    fn new(url: String, place: Place) -> Self {
        let engine = must(&url, Engine::parse(&url).ok_or("is no URL of a database"));
        Self { url, engine, place }
    }

    fn in_folder() -> Self {
        Self::in_a_folder_of(&std::env::temp_dir())
    }

    /// A SQLite file in memory where the machine has such a disk: for lives that begin again and again, where not the
    /// disk is put to the test.
    pub fn in_memory() -> Self {
        let memory = Path::new("/dev/shm");
        Self::in_a_folder_of(&if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() })
    }

    fn in_a_folder_of(disk: &Path) -> Self {
        let folder = unused(|name| {
            let folder = disk.join(name);
            match std::fs::create_dir(&folder) {
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => None,
                made => Some(made.map(|()| folder).map_err(|error| error.to_string())),
            }
        });
        let url = format!("sqlite://{}", folder.join("numberotp.db").display());
        Self::new(url, Place::Folder(folder))
    }

    /// A SQLite file on a disk of the test's choice.
    pub fn on_disk(disk: &Path) -> Self {
        let folder = disk.join("numberotp");
        must("a folder", std::fs::create_dir(&folder));
        let url = format!("sqlite://{}", folder.join("numberotp.db").display());
        Self::new(url, Place::Folder(folder))
    }

    fn on_server(server: &str) -> Self {
        let name =
            unused(|name| match on_server(server, format!("CREATE DATABASE {name} TEMPLATE template0")) {
                Err(error) if error.contains("already exists") => None,
                made => Some(made.map(|()| name)),
            });
        let (address, options) = server.split_once('?').unwrap_or((server, ""));
        let (address, _database) = must(server, address.rsplit_once('/').ok_or("ends in no database"));
        let url = [address, "/", &name, if options.is_empty() { "" } else { "?" }, options].concat();
        Self::new(url, Place::Server { url: server.to_owned(), name })
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        // What cannot be removed is left behind: the test's own outcome matters more.
        match &self.place {
            Place::Folder(folder) => {
                let _left_behind = std::fs::remove_dir_all(folder);
            }
            Place::Server { url, name } => {
                let _left_behind = on_server(url, format!("DROP DATABASE {name} WITH (FORCE)"));
            }
        }
    }
}

/// Tries names until one was free. `None` from `make`: the name is taken, by a process that ended badly.
fn unused<T>(make: impl Fn(String) -> Option<Result<T, String>>) -> T {
    loop {
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("numberotp_test_{}_{number}", std::process::id());
        if let Some(made) = make(name.clone()) {
            return must(&name, made);
        }
    }
}

/// Runs one command on the server, on a thread of its own: the caller may be inside a runtime or not.
fn on_server(url: &str, command: String) -> Result<(), String> {
    let url = url.to_owned();
    let work = move || {
        let runtime =
            Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
        runtime.block_on(async move {
            let connected = tokio_postgres::connect(&url, NoTls).await;
            let (client, connection) = connected.map_err(|error| error.to_string())?;
            let _driver = tokio::spawn(connection);
            client.batch_execute(&command).await.map_err(|error| {
                error.as_db_error().map_or_else(|| error.to_string(), |db| db.message().to_owned())
            })
        })
    };
    std::thread::spawn(work).join().unwrap_or_else(|_panicked| Err("the thread panicked".to_owned()))
}

#[expect(clippy::disallowed_methods, reason = "tests are told of their servers by the environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[expect(clippy::panic, reason = "a test without its database has to fail")]
fn must<T, E: Display>(about: &str, answer: Result<T, E>) -> T {
    answer.unwrap_or_else(|error| panic!("{about}: {error}"))
}

/// Says on which engine it was, if the body panics.
struct Where(&'static str);

impl Drop for Where {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _unheard = writeln!(std::io::stderr(), "this was on {}", self.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use numberotp_server::store::db::{Access, Connection};

    #[test]
    fn each_database_is_empty_and_its_own() {
        on_each_engine(|one| {
            let other = match &one.place {
                Place::Folder(_) => TestEngine::Sqlite.database(),
                Place::Server { url, .. } => TestEngine::Postgres(url.clone()).database(),
            };
            assert_ne!(one.url(), other.url());
            for database in [one, &other] {
                let mut connection = Connection::open(database.engine(), Access::Write).unwrap();
                connection.ensure().unwrap();
                connection.script("CREATE TABLE things (id BIGINT PRIMARY KEY)").unwrap();
            }
        });
    }

    #[test]
    fn a_database_goes_away_with_its_value() {
        for engine in engines() {
            let database = engine.database();
            match &database.place {
                Place::Folder(folder) => {
                    let folder = folder.clone();
                    assert!(folder.exists());
                    drop(database);
                    assert!(!folder.exists());
                }
                Place::Server { url, name } => {
                    let (url, name) = (url.clone(), name.clone());
                    let again = on_server(&url, format!("CREATE DATABASE {name} TEMPLATE template0"));
                    assert!(again.unwrap_err().contains("already exists"));
                    drop(database);
                    let missing = on_server(&url, format!("DROP DATABASE {name}"));
                    assert!(missing.unwrap_err().contains("does not exist"));
                }
            }
        }
    }
}
