//! The SQLite driver: one connection, statements prepared once, durable commits.

use super::{Bulk, Checkpoints, Row, Statement, Value};
use crate::store::StoreError;
use rusqlite::config::DbConfig;
use rusqlite::hooks::Wal;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, ErrorCode, OpenFlags, ToSql};
use std::collections::HashMap;
use std::ffi::c_int;
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

/// How often the change to a write-ahead log is asked for.
const WAL_TRIES: usize = 100;

/// A connection to a SQLite file.
pub struct SqliteConnection {
    connection: Connection,
    texts: HashMap<&'static str, Text>,
    /// Of a writer whose log is copied by another thread.
    checkpoints: Option<Arc<Checkpoints>>,
}

/// A statement as SQLite reads it.
struct Text {
    sql: String,
    /// Asked once for each value of its set parameter.
    each: bool,
}

/// What a connection is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Reads and writes.
    Write,
    /// Reads only.
    Read,
}

impl SqliteConnection {
    /// Opens or creates the file.
    pub fn open(path: &Path, access: Access) -> Result<Self, StoreError> {
        let flags = match access {
            Access::Write => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
            Access::Read => OpenFlags::SQLITE_OPEN_READ_WRITE,
        };
        if access == Access::Write {
            only_ours(path)?;
        }
        let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .map_err(from_driver)?;
        connection.set_prepared_statement_cache_capacity(256);
        // FULL: a commit is on the disk before it is acknowledged. The log is copied every 4,000 pages, where no thread of its
        // own does it. A small cache of its own:
        // SQLite walks all of it at the commit after a page was split, and the system keeps the file in memory anyway.
        let setup = "PRAGMA busy_timeout = 10000; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
                     PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -4000; PRAGMA temp_store = MEMORY;";
        connection.execute_batch(setup).map_err(from_driver)?;
        // A plan is made once: without this a statement is read and planned anew whenever other values are given to it.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(from_driver)?;
        write_ahead(&connection).map_err(from_driver)?;
        if access == Access::Read {
            connection.execute_batch("PRAGMA query_only = ON").map_err(from_driver)?;
        }
        Ok(Self { connection, texts: HashMap::new(), checkpoints: None })
    }

    /// For a writer whose log is copied by another thread: it tells how long the log is, instead of copying it itself.
    pub fn with_checkpoints(mut self, checkpoints: &Arc<Checkpoints>) -> Result<Self, StoreError> {
        let told = Arc::clone(checkpoints);
        let tell = move |_: &mut Wal, pages: c_int| {
            told.logged(u32::try_from(pages).unwrap_or(0));
            Ok(())
        };
        self.connection.wal_hook(Some(tell)).map_err(from_driver)?;
        self.checkpoints = Some(Arc::clone(checkpoints));
        Ok(self)
    }

    /// Copies what is in the log into the file, beside whoever writes and reads; answers how many pages of it are there.
    pub fn checkpoint(&mut self) -> Result<u32, StoreError> {
        let copied = self.connection.wal_checkpoint_v2(None::<&str>, CheckpointMode::PASSIVE);
        let (_logged, copied) = copied.map_err(from_driver)?;
        Ok(u32::try_from(copied).unwrap_or(0))
    }

    /// Copies the rest, if it is the writer's turn.
    pub fn checkpoint_rest(&mut self) {
        if self.checkpoints.as_ref().is_some_and(|checkpoints| checkpoints.is_writers_turn())
            && let Err(error) = self.checkpoint()
            && !error.retryable()
        {
            // Every commit is in the log all the same; it is tried again when the log has grown.
            tracing::warn!(%error, "the rest of SQLite's log could not be copied into its file");
        }
    }

    /// Writes one state of everything into a new file, beside whoever writes. What was deleted is not in it.
    pub fn copy_to(&mut self, target: &Path) -> Result<(), StoreError> {
        let Some(target) = target.to_str() else {
            return Err(StoreError::Unavailable("the path of the copy is not readable text".to_owned()));
        };
        self.connection.execute("VACUUM INTO ?1", [target]).map(drop).map_err(from_driver)
    }

    /// What SQLite finds wrong with the file; `None`: nothing.
    pub fn damage(&mut self) -> Result<Option<String>, StoreError> {
        let text: String = self
            .connection
            .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
            .map_err(from_driver)?;
        Ok((text != "ok").then_some(text))
    }

    /// Runs statements without parameters.
    pub fn script(&mut self, text: &str) -> Result<(), StoreError> {
        self.connection.execute_batch(text).map_err(from_driver)
    }

    /// Runs a query.
    pub fn query(&mut self, statement: &Statement, parameters: &[Value]) -> Result<Vec<Row>, StoreError> {
        let text = text_of(&mut self.texts, statement);
        let mut prepared = self.connection.prepare_cached(&text.sql).map_err(from_driver)?;
        let mut answer = Vec::new();
        let Some(set) = parameters.iter().position(Value::is_set).filter(|_| text.each) else {
            collect(&mut prepared, parameters, (statement.name, &mut answer))?;
            return Ok(answer);
        };
        let mut one = parameters.to_vec();
        for value in parameters.get(set).map(Value::members).unwrap_or_default() {
            if let Some(place) = one.get_mut(set) {
                *place = value;
            }
            collect(&mut prepared, &one, (statement.name, &mut answer))?;
        }
        Ok(answer)
    }

    /// Runs a change; answers the number of rows it touched.
    pub fn execute(&mut self, statement: &Statement, parameters: &[Value]) -> Result<u64, StoreError> {
        let text = text_of(&mut self.texts, statement);
        let mut prepared = self.connection.prepare_cached(&text.sql).map_err(from_driver)?;
        let touched = prepared.execute(rusqlite::params_from_iter(parameters)).map_err(from_driver)?;
        Ok(u64::try_from(touched).unwrap_or(u64::MAX))
    }

    /// Writes many rows, one by one: there is no round trip to save.
    pub fn bulk(&mut self, bulk: &Bulk, rows: &[Vec<Value>]) -> Result<u64, StoreError> {
        let spelled = || Text { sql: bulk.for_sqlite(), each: false };
        let text = self.texts.entry(bulk.name).or_insert_with(spelled);
        let mut prepared = self.connection.prepare_cached(&text.sql).map_err(from_driver)?;
        let mut touched: u64 = 0;
        for row in rows {
            let changed = prepared.execute(rusqlite::params_from_iter(row)).map_err(from_driver)?;
            touched = touched.saturating_add(u64::try_from(changed).unwrap_or(0));
        }
        Ok(touched)
    }
}

fn text_of<'t>(texts: &'t mut HashMap<&'static str, Text>, statement: &Statement) -> &'t Text {
    let spelled = || Text { sql: statement.for_sqlite(), each: statement.is_asked_for_each() };
    texts.entry(statement.sql).or_insert_with(spelled)
}

/// Adds the rows that a query answers.
fn collect(
    prepared: &mut rusqlite::Statement<'_>,
    parameters: &[Value],
    (name, answer): (&'static str, &mut Vec<Row>),
) -> Result<(), StoreError> {
    let width = prepared.column_count();
    let mut rows = prepared.query(rusqlite::params_from_iter(parameters)).map_err(from_driver)?;
    while let Some(row) = rows.next().map_err(from_driver)? {
        let values: Result<Vec<Value>, StoreError> =
            (0..width).map(|column| row.get_ref(column).map_err(from_driver).and_then(value)).collect();
        answer.push(Row::new(values?, name));
    }
    Ok(())
}

/// Several that open a fresh file at once can be refused the change to a write-ahead log at once, busy timeout
/// or not. Taking the write lock does wait; after it the change has been made, or is ours to make.
fn write_ahead(connection: &Connection) -> rusqlite::Result<()> {
    let mut changed = Ok(());
    for _ in 0..WAL_TRIES {
        changed = connection.execute_batch("PRAGMA journal_mode = WAL");
        match &changed {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                connection.execute_batch("BEGIN IMMEDIATE; ROLLBACK")?;
            }
            _ => break,
        }
    }
    changed
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let json = |text: serde_json::Result<String>| {
            text.map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
                .map(|text| ToSqlOutput::Owned(rusqlite::types::Value::Text(text)))
        };
        match self {
            Self::Null => Ok(ToSqlOutput::Borrowed(ValueRef::Null)),
            Self::Int(value) => Ok(ToSqlOutput::Borrowed(ValueRef::Integer(*value))),
            Self::Text(value) => Ok(ToSqlOutput::Borrowed(ValueRef::Text(value.as_bytes()))),
            Self::Bytes(value) => Ok(ToSqlOutput::Borrowed(ValueRef::Blob(value))),
            Self::Ints(values) => json(serde_json::to_string(values)),
            Self::Texts(values) => json(serde_json::to_string(values)),
            Self::Blobs(values) => {
                json(serde_json::to_string(&values.iter().map(|bytes| hex(bytes)).collect::<Vec<_>>()))
            }
        }
    }
}

/// A new file is readable by its owner alone: keys are in it. SQLite gives its side files the same rights.
fn only_ours(path: &Path) -> Result<(), StoreError> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_made) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(StoreError::Unavailable(error.to_string())),
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len().saturating_mul(2)), |mut text, byte| {
        // Writing to a string cannot fail.
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

fn value(from: ValueRef<'_>) -> Result<Value, StoreError> {
    Ok(match from {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(value) => Value::Int(value),
        ValueRef::Text(bytes) => Value::Text(
            String::from_utf8(bytes.to_vec()).map_err(|error| StoreError::Driver(error.to_string()))?,
        ),
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
        ValueRef::Real(_) => return Err(StoreError::Driver("a float in the database".to_owned())),
    })
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
fn from_driver(error: rusqlite::Error) -> StoreError {
    let text = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy(text),
        Some(ErrorCode::ConstraintViolation) => StoreError::Conflict(text),
        Some(
            ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::DatabaseCorrupt
            | ErrorCode::NotADatabase,
        ) => StoreError::Unavailable(text),
        _ => StoreError::Driver(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `.cargo/config.toml` asks for reaches the compiler of SQLite. Of the two things only this one can be asked for.
    #[test]
    fn sqlite_is_built_as_the_project_says() {
        let connection = Connection::open_in_memory().unwrap();
        let mut options = connection.prepare("PRAGMA compile_options").unwrap();
        let options: Vec<String> = options.query_map([], |row| row.get(0)).unwrap().flatten().collect();
        assert!(options.iter().any(|option| option == "DEFAULT_MEMSTATUS=0"), "{options:?}");
    }

    /// Before, a log that began anew between two that copied it could lose what was committed then.
    #[test]
    fn sqlite_is_one_that_two_connections_may_copy_the_log_of() {
        assert!(rusqlite::version_number() >= 3_051_003, "{}", rusqlite::version());
    }
}
