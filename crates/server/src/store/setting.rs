//! What belongs to the database as a whole: its mode, its keys, the revisions of what servers keep in memory.

use super::StoreError;
use super::db::{Row, statements};
use super::tx::Tx;
use super::wake::Wake;
use numberotp_core::secret::SecretBytes;
use numberotp_core::time::Span;

statements! {
    /// One setting.
    SETTING_GET = "SELECT value FROM settings WHERE name = $1";
    /// Written once; a second writer keeps the first's.
    SETTING_INSERT = "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
    /// One key.
    SECRET_GET = "SELECT value FROM secrets WHERE name = $1";
    /// Written once; a second writer keeps the first's.
    SECRET_INSERT = "INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
    /// How often the catalog changed.
    REVISION_GET = "SELECT value FROM revisions WHERE name = 'catalog'";
    /// How far the sandbox's clock was moved.
    CLOCK_AHEAD_GET = "SELECT value FROM revisions WHERE name = 'sandbox_clock'";
    /// It is moved further.
    CLOCK_AHEAD_RAISE = "UPDATE revisions SET value = value + $1 WHERE name = 'sandbox_clock' RETURNING value";
    /// It changed.
    REVISION_RAISE = "UPDATE revisions SET value = value + 1 WHERE name = 'catalog'";
}

/// A setting.
pub fn setting_get(tx: &mut Tx<'_>, name: &str) -> Result<Option<String>, StoreError> {
    tx.query_one(&SETTING_GET, &[name.into()])?.map(|mut row| row.text("value")).transpose()
}

/// A setting that is written once; answers the one that stands.
pub fn setting_fix(tx: &mut Tx<'_>, name: &str, value: &str) -> Result<String, StoreError> {
    tx.execute(&SETTING_INSERT, &[name.into(), value.into()])?;
    setting_get(tx, name)?.ok_or(StoreError::Corrupt { table: "settings", column: "value" })
}

/// A key of this database; `None` if it was never made.
pub fn secret_get(tx: &mut Tx<'_>, name: &str) -> Result<Option<SecretBytes>, StoreError> {
    let row = tx.query_one(&SECRET_GET, &[name.into()])?;
    row.map(|mut row| row.bytes("value").map(SecretBytes::new)).transpose()
}

/// A key of this database, made from fresh random bytes if there is none yet.
pub fn secret_fix(tx: &mut Tx<'_>, name: &str, fresh: &SecretBytes) -> Result<SecretBytes, StoreError> {
    tx.execute(&SECRET_INSERT, &[name.into(), fresh.expose().into()])?;
    secret_get(tx, name)?.ok_or(StoreError::Corrupt { table: "secrets", column: "value" })
}

/// How often offers, numbers or providers changed.
pub fn revision_get(tx: &mut Tx<'_>) -> Result<i64, StoreError> {
    let row = tx.query_one(&REVISION_GET, &[])?;
    row.ok_or(StoreError::Corrupt { table: "revisions", column: "value" })?.int("value")
}

/// Offers, numbers or providers changed: every server reads them anew.
pub fn revision_raise(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    tx.execute(&REVISION_RAISE, &[])?;
    tx.after_commit(Wake::Catalog);
    Ok(())
}

/// How far the sandbox's clock is ahead of the true one. Zero in production, always.
pub fn clock_ahead(tx: &mut Tx<'_>) -> Result<Span, StoreError> {
    read_ahead(tx.query_one(&CLOCK_AHEAD_GET, &[])?)
}

/// Moves the sandbox's clock on by this much, for every server of the database; answers how far ahead it is then.
pub fn clock_ahead_raise(tx: &mut Tx<'_>, by: Span) -> Result<Span, StoreError> {
    read_ahead(tx.query_one(&CLOCK_AHEAD_RAISE, &[by.as_micros().into()])?)
}

fn read_ahead(row: Option<Row>) -> Result<Span, StoreError> {
    row.ok_or(StoreError::Corrupt { table: "revisions", column: "value" })?.int("value").map(Span::micros)
}
