//! A copy of an embedded database, and what a copy needs before it is used in the place of the original.
//!
//! Guards that numbers which the original gave out after the copy was made are not given out again: customers and
//! providers know purchases by them. Must never write into the database that is copied.

use super::StoreError;
use super::db::{Access, Connection, Engine, statements};
use super::tx::Tx;
use std::path::Path;

statements! {
    /// Leaves out numbers.
    NUMBERS_SKIP = "UPDATE sequences SET next_value = next_value + $1 WHERE name = $2";
}

/// What to do about PostgreSQL, which has its own tools.
pub const POSTGRES_WAY: &str = "PostgreSQL is backed up with its own tools.\n
One state of everything, while servers run:
  pg_dump --format=custom --file=FILE \"$NUMBEROTP_DATABASE_URL\"
Back, into an empty database that no server runs on:
  pg_restore --exit-on-error --no-owner --dbname=\"$NUMBEROTP_DATABASE_URL\" FILE
  psql \"$NUMBEROTP_DATABASE_URL\" -c \"UPDATE sequences SET next_value = next_value + CASE name WHEN 'purchase' THEN 1000000 ELSE 100000000 END\"
  numberotp audit
To any moment: a base backup (pg_basebackup) and the archive of the write-ahead log.
docs/operating.md says more.";

/// More than a server gives out between a backup and the loss of what came after it. A public id has 31 bits, so
/// there is room for two thousand restores.
const PURCHASES_SKIPPED: i64 = 1_000_000;
/// The same for all other rows, of which a purchase has about ten.
const ROWS_SKIPPED: i64 = 100_000_000;

/// Writes one state of a database file into a new one, beside a server that goes on writing.
///
/// # Errors
/// Whatever SQLite says, a full disk among it. What was written so far is the caller's to remove.
pub fn copy(from: &Engine, to: &Path) -> Result<(), StoreError> {
    Connection::open(from, Access::Write)?.copy_to(to)
}

/// Brings all of a copy into its one file. Connections that close at the same moment each take the other for one
/// that stays, and leave the log of writes beside the file; one that is alone does not.
///
/// # Errors
/// Somebody else has the copy open.
pub fn gather(engine: &Engine) -> Result<(), StoreError> {
    Connection::open(engine, Access::Write)?.script("PRAGMA journal_mode = DELETE")
}

/// What is wrong with a database file itself: its first line; `None`: nothing.
pub fn damage(engine: &Engine) -> Result<Option<String>, StoreError> {
    Connection::open(engine, Access::Write)?.damage()
}

/// Makes a copy ready to take the original's place: what the original may have given out since is left out.
pub fn skip_numbers(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    tx.execute(&NUMBERS_SKIP, &[PURCHASES_SKIPPED.into(), "purchase".into()])?;
    tx.execute(&NUMBERS_SKIP, &[ROWS_SKIPPED.into(), "row".into()]).map(drop)
}
