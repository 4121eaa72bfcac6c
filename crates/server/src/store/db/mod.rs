//! The two databases behind one face. The match on the engine is written here and nowhere else.

mod checkpoint;
mod migrate;
mod postgres;
mod postgres_line;
mod postgres_socket;
mod postgres_values;
mod postgres_wire;
mod sqlite;
mod statement;
mod together;
mod value;

pub use checkpoint::{Checkpoints, WAL_PAGES};
pub use migrate::{Migration, migrate, migrations, require};
pub use postgres::{Commit, Then};
pub use sqlite::Access;
pub(crate) use statement::statements;
pub use statement::{Action, Bulk, Kind, Statement};
pub use value::{Row, Value};

use super::StoreError;
use numberotp_core::time::Time;
use postgres::{COMMIT, PostgresConnection};
use sqlite::SqliteConnection;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Which database, and where.
#[derive(Clone, PartialEq, Eq)]
pub enum Engine {
    /// A file.
    Sqlite(PathBuf),
    /// A server, by URL.
    Postgres(String),
}

impl Engine {
    /// Reads `sqlite:///path/file.db`, `sqlite://relative.db` or `postgres://…`.
    pub fn parse(url: &str) -> Option<Self> {
        if let Some(path) = url.strip_prefix("sqlite://") {
            return (!path.is_empty()).then(|| Self::Sqlite(PathBuf::from(path)));
        }
        let postgres = url.starts_with("postgres://") || url.starts_with("postgresql://");
        postgres.then(|| Self::Postgres(url.to_owned()))
    }
    /// The path of a file that should be there and is not.
    pub fn missing_file(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) => (!path.exists()).then_some(path.as_path()),
            Self::Postgres(_) => None,
        }
    }
    /// Makes the folder that a file lies in.
    pub fn make_room(&self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(path) => match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                Some(folder) => std::fs::DirBuilder::new()
                    .recursive(true)
                    .mode(0o700)
                    .create(folder)
                    .map_err(|error| StoreError::Unavailable(error.to_string())),
                None => Ok(()),
            },
            Self::Postgres(_) => Ok(()),
        }
    }
    /// True for a file of our own, false for a server.
    pub const fn is_embedded(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }
    /// Whether it works on the processors that we work on: a file, or a server on this machine.
    pub fn is_here(&self) -> bool {
        match self {
            Self::Sqlite(_) => true,
            Self::Postgres(url) => postgres::is_here(url),
        }
    }
    /// A file.
    pub fn at_file(path: &Path) -> Self {
        Self::Sqlite(path.to_owned())
    }
    /// The file, if it is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) => Some(path),
            Self::Postgres(_) => None,
        }
    }
    /// Its name for people.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
        }
    }
}

/// A query and its parameters.
pub type Asked<'a> = (&'a Statement, Vec<Value>);

/// What must hold for writes to be made.
pub struct Guard<'a> {
    /// Transactions that touch the same keys are one after the other.
    pub keys: Vec<i64>,
    /// A query that fails where it does not hold.
    pub asked: Asked<'a>,
}

/// Serializes transactions on PostgreSQL that touch the same keys.
fn lock(keys: Vec<i64>) -> Option<Asked<'static>> {
    const LOCK: Statement = Statement::new(
        "LOCK_KEYS",
        "SELECT pg_advisory_xact_lock(k) FROM (SELECT k FROM unnest($1::bigint[]) AS k ORDER BY k) AS sorted",
    );
    (!keys.is_empty()).then(|| (&LOCK, vec![Value::Ints(keys)]))
}

/// A connection to either database. Used by one thread at a time.
pub enum Connection {
    /// SQLite.
    Sqlite(SqliteConnection),
    /// PostgreSQL.
    Postgres(Box<PostgresConnection>),
}

impl Connection {
    /// Opens a connection; a PostgreSQL one connects at its first transaction.
    pub fn open(engine: &Engine, access: Access) -> Result<Self, StoreError> {
        Ok(match engine {
            Engine::Sqlite(path) => Self::Sqlite(SqliteConnection::open(path, access)?),
            Engine::Postgres(url) => Self::Postgres(Box::new(PostgresConnection::new(url, access)?)),
        })
    }

    /// For batches of hot commands: every statement of theirs finds its rows by key.
    #[must_use]
    pub fn by_key(mut self) -> Self {
        if let Self::Postgres(connection) = &mut self {
            connection.by_key();
        }
        self
    }

    /// For work that takes its time and keeps nobody waiting, such as a migration: without the bounds that keep a
    /// server answering.
    #[must_use]
    pub fn taking_time(mut self) -> Self {
        if let Self::Postgres(connection) = &mut self {
            connection.take_time();
        }
        self
    }

    /// Makes sure that there is a live connection. To be called before each piece of work.
    pub fn ensure(&mut self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(connection) => connection.ensure(),
        }
    }

    /// Drops a connection that is not to be trusted any more.
    pub fn forget(&mut self) {
        match self {
            Self::Sqlite(connection) => {
                // Nothing to reconnect; an open transaction must not survive.
                let _none_open = connection.script("ROLLBACK");
            }
            Self::Postgres(connection) => connection.forget(),
        }
    }

    /// For the writer of a file whose log is copied by another thread.
    pub fn with_checkpoints(self, checkpoints: &Arc<Checkpoints>) -> Result<Self, StoreError> {
        Ok(match self {
            Self::Sqlite(connection) => Self::Sqlite(connection.with_checkpoints(checkpoints)?),
            Self::Postgres(connection) => Self::Postgres(connection),
        })
    }

    /// Copies what is in the log into the file, and answers how many pages of it are there; a server does that by itself.
    pub fn checkpoint(&mut self) -> Result<u32, StoreError> {
        match self {
            Self::Sqlite(connection) => connection.checkpoint(),
            Self::Postgres(_) => Ok(0),
        }
    }

    /// Copies the rest of a log that is copied by another thread, if it is time for that. To be called between two
    /// transactions, when everybody of the one before has been told or is about to be.
    pub fn checkpoint_rest(&mut self) {
        match self {
            Self::Sqlite(connection) => connection.checkpoint_rest(),
            Self::Postgres(_) => {}
        }
    }

    /// Begins a transaction that writes.
    pub fn begin(&mut self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(connection) => connection.script("BEGIN IMMEDIATE"),
            Self::Postgres(connection) => connection.script("BEGIN"),
        }
    }

    /// Begins a transaction that writes, where there is a line to the database together with its first question.
    pub fn begin_with_next(&mut self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(_) => self.begin(),
            Self::Postgres(connection) => connection.begin_with_next(),
        }
    }

    /// Commits.
    pub fn commit(&mut self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(connection) => connection.script("COMMIT"),
            Self::Postgres(connection) => connection.script(COMMIT),
        }
    }

    /// Undoes what stands in the open transaction.
    pub fn roll_back(&mut self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(connection) => connection.script("ROLLBACK"),
            Self::Postgres(connection) => connection.roll_back(),
        }
    }

    /// Begins a transaction that reads one state of everything.
    pub fn begin_snapshot(&mut self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(connection) => connection.script("BEGIN DEFERRED"),
            Self::Postgres(connection) => {
                connection.script("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            }
        }
    }

    /// Runs statements without parameters: migrations and transaction words.
    pub fn script(&mut self, text: &str) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(connection) => connection.script(text),
            Self::Postgres(connection) => connection.script(text),
        }
    }

    /// Runs a query.
    pub fn query(&mut self, statement: &Statement, parameters: &[Value]) -> Result<Vec<Row>, StoreError> {
        match self {
            Self::Sqlite(connection) => connection.query(statement, parameters),
            Self::Postgres(connection) => connection.query(statement, parameters),
        }
        .map_err(|error| named(error, statement.name))
    }

    /// Runs a query whose text is known only when the server runs, on PostgreSQL: on tables that are not ours.
    pub fn query_foreign(
        &mut self,
        name: &'static str,
        text: &str,
        parameters: &[Value],
    ) -> Result<Vec<Row>, StoreError> {
        match self {
            Self::Sqlite(_) => {
                Err(StoreError::Driver("only PostgreSQL's foreign tables are read".to_owned()))
            }
            Self::Postgres(connection) => connection.query_foreign(name, text, parameters),
        }
        .map_err(|error| named(error, name))
    }

    /// Runs a change; answers the number of rows it touched.
    pub fn execute(&mut self, statement: &Statement, parameters: &[Value]) -> Result<u64, StoreError> {
        match self {
            Self::Sqlite(connection) => connection.execute(statement, parameters),
            Self::Postgres(connection) => connection.execute(statement, parameters),
        }
        .map_err(|error| named(error, statement.name))
    }

    /// Writes many rows; answers the number of rows it touched.
    pub fn bulk(&mut self, bulk: &Bulk, rows: &[Vec<Value>]) -> Result<u64, StoreError> {
        if rows.is_empty() {
            return Ok(0);
        }
        match self {
            Self::Sqlite(connection) => connection.bulk(bulk, rows),
            Self::Postgres(connection) => connection.bulk(bulk, rows),
        }
        .map_err(|error| named(error, bulk.name))
    }

    /// Writes one state of a file into another that is empty or not there, beside whoever writes. PostgreSQL has its
    /// own tools for that.
    pub fn copy_to(&mut self, target: &Path) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(connection) => connection.copy_to(target),
            Self::Postgres(_) => Err(StoreError::Driver("PostgreSQL is not copied as a file".to_owned())),
        }
    }

    /// What is wrong with the file itself; `None`: nothing, or not ours to look at.
    pub fn damage(&mut self) -> Result<Option<String>, StoreError> {
        match self {
            Self::Sqlite(connection) => connection.damage(),
            Self::Postgres(_) => Ok(None),
        }
    }

    /// Writes many rows of several tables, in this order, and does what follows; where there is a line to the database,
    /// without waiting for each answer before the next is sent.
    pub fn bulks(
        &mut self,
        writes: &[(&Bulk, Vec<Vec<Value>>)],
        then: Then<'_, '_>,
    ) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(_) => {
                writes.iter().try_for_each(|(bulk, rows)| self.bulk(bulk, rows).map(drop))?;
                match then {
                    Then::Stay => Ok(()),
                    Then::Commit(commit) => {
                        (commit.written)();
                        commit.sent = true;
                        self.commit()
                    }
                }
            }
            Self::Postgres(connection) => {
                let writes: Vec<_> = writes.iter().filter(|(_, rows)| !rows.is_empty()).collect();
                connection.bulks(&writes, then).map_err(|(error, name)| named(error, name))
            }
        }
    }

    /// Writes many rows of several tables and commits, if what is asked along with them holds: one trip where there is a line to
    /// the database, and only there. False: it does not hold, nothing was written, and the transaction begins anew with what is
    /// asked next.
    pub fn bulks_if(
        &mut self,
        guard: Guard<'_>,
        writes: &[(&Bulk, Vec<Vec<Value>>)],
        commit: &mut Commit<'_>,
    ) -> Result<bool, StoreError> {
        match self {
            Self::Sqlite(_) => Err(StoreError::Driver("there is no line to a file".to_owned())),
            Self::Postgres(connection) => {
                let writes: Vec<_> = writes.iter().filter(|(_, rows)| !rows.is_empty()).collect();
                let lock = lock(guard.keys);
                let before: Vec<&Asked<'_>> = lock.iter().chain([&guard.asked]).collect();
                let written = connection.bulks_if(&before, &writes, commit);
                written.map_err(|(error, name)| named(error, name))
            }
        }
    }

    /// Whether what is said goes over a line, so that it is worth saying more at once.
    pub const fn has_line(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// The database's own clock; SQLite's is the machine's.
    pub fn time(&mut self) -> Result<Option<Time>, StoreError> {
        const CLOCK: Statement =
            Statement::new("CLOCK", "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)");
        match self {
            Self::Sqlite(_) => Ok(None),
            Self::Postgres(connection) => {
                let row = connection.query(&CLOCK, &[])?.pop();
                row.map(|mut row| row.int("time").map(Time::from_micros)).transpose()
            }
        }
    }

    /// Runs queries in this order, after serializing the transactions that touch the same keys: SQLite's single writer
    /// needs none of that. Where there is a line to the database all of it is sent together.
    pub fn queries(&mut self, keys: Vec<i64>, asked: &[Asked<'_>]) -> Result<Vec<Vec<Row>>, StoreError> {
        match self {
            Self::Sqlite(_) => {
                asked.iter().map(|(statement, parameters)| self.query(statement, parameters)).collect()
            }
            Self::Postgres(connection) => {
                let lock = lock(keys);
                let locks = usize::from(lock.is_some());
                let all: Vec<&Asked<'_>> = lock.iter().chain(asked).collect();
                let answers = connection.queries(&all).map_err(|(error, name)| named(error, name))?;
                Ok(answers.into_iter().skip(locks).collect())
            }
        }
    }

    /// Proves that a statement's text is understood, without running it.
    pub fn check(&mut self, statement: &Statement) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(connection) => connection.script(&format!("EXPLAIN {}", statement.for_sqlite())),
            Self::Postgres(connection) => {
                let text = statement.for_postgres();
                connection.script(&format!("PREPARE checked AS {text}; DEALLOCATE checked"))
            }
        }
        .map_err(|error| named(error, statement.name))
    }

    /// Proves that a bulk's text is understood, without running it.
    pub fn check_bulk(&mut self, bulk: &Bulk) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(connection) => connection.script(&format!("EXPLAIN {}", bulk.for_sqlite())),
            Self::Postgres(connection) => {
                connection.script(&format!("PREPARE checked AS {}; DEALLOCATE checked", bulk.for_postgres()))
            }
        }
        .map_err(|error| named(error, bulk.name))
    }
}

fn named(error: StoreError, name: &str) -> StoreError {
    match error {
        StoreError::Driver(text) => StoreError::Driver(format!("{name}: {text}")),
        other => other,
    }
}
