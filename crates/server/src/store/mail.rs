//! Mail on its way out: a row with the change it tells of, sealed, gone once it was taken or is of no use any more.

use super::StoreError;
use super::db::statements;
use super::job::job_create;
use super::tx::{Sequence, Tx};
use numberotp_core::job::JobKind;
use numberotp_core::time::Time;

statements! {
    /// A mail to be sent.
    MAIL_INSERT = "INSERT INTO mails (id, name, body, expires_at) VALUES ($1, $2, $3, $4)";
    /// One mail.
    MAIL_GET = "SELECT name, body, expires_at FROM mails WHERE id = $1";
    /// It went, or will not go.
    MAIL_DELETE = "DELETE FROM mails WHERE id = $1";
}

/// A mail, sealed under its name.
#[derive(Clone, Debug)]
pub struct SealedMail {
    /// Its name, which is its place in the vault.
    pub name: String,
    /// Kind, recipient, subject and text, sealed.
    pub body: Vec<u8>,
    /// When it is of no use any more.
    pub expires_at: Time,
}

/// Writes a mail and the job that sends it.
pub fn mail_create(tx: &mut Tx<'_>, mail: &SealedMail, now: Time) -> Result<(), StoreError> {
    let id = tx.next_id(Sequence::Row)?;
    let row =
        [id.into(), mail.name.as_str().into(), mail.body.as_slice().into(), mail.expires_at.micros().into()];
    tx.execute(&MAIL_INSERT, &row)?;
    job_create(tx, JobKind::MailSend, id, now).map(drop)
}

/// A mail; `None` once it is gone.
pub fn mail_get(tx: &mut Tx<'_>, id: i64) -> Result<Option<SealedMail>, StoreError> {
    let Some(mut row) = tx.query_one(&MAIL_GET, &[id.into()])? else { return Ok(None) };
    let (name, body) = (row.text("name")?, row.bytes("body")?);
    Ok(Some(SealedMail { name, body, expires_at: Time::from_micros(row.int("expires_at")?) }))
}

/// It went, or will not go.
pub fn mail_delete(tx: &mut Tx<'_>, id: i64) -> Result<(), StoreError> {
    tx.execute(&MAIL_DELETE, &[id.into()]).map(drop)
}
