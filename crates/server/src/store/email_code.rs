//! Codes that were sent by mail, as rows: a keyed digest of each, never the code.
//!
//! Guards that a code opens once, within its time, after a few tries at most, and that only the newest of a subject does;
//! and that nobody's mailbox is filled, by nobody's network. A subject is a purpose, a brand and an e-mail in one keyed
//! digest.

use super::StoreError;
use super::db::statements;
use super::tx::{Sequence, Tx};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use numberotp_core::mailing::{Asked, COUNTED_FOR};
use numberotp_core::time::{Span, Time};

/// How long a code opens. Source: the `/v1` layer's `email-code`.
pub const CODE_LIFE: Span = Span::minutes(10);
/// Tries that a code survives. Source: the same.
pub const CODE_TRIES: i64 = 5;
/// One code a subject in this time. Source: the same.
pub const CODE_PAUSE: Span = Span::minutes(1);
/// Codes an hour for a subject, as one network asks. Source: the same.
pub const CODES_AN_HOUR: i64 = 5;
/// Codes an hour for a subject, whoever asks: more, so that a stranger cannot use up the owner's.
pub const CODES_AN_HOUR_OF_ALL: i64 = 10;
const HOUR: Span = Span::hours(1);

statements! {
    /// A new code.
    CODE_INSERT = "INSERT INTO email_codes (id, subject, network, digest, tries, created_at, expires_at, used_at) VALUES ($1, $2, $3, $4, 0, $5, $6, NULL)";
    /// How many of a subject since then, how many of them one network asked for, and when the last was.
    CODES_SINCE = "SELECT COUNT(*), CAST(COALESCE(SUM(CASE WHEN network = $2 THEN 1 ELSE 0 END), 0) AS BIGINT), MAX(created_at) FROM email_codes WHERE subject = $1 AND created_at > $3";
    /// How often a network asked since then, for whomever, and when first.
    CODES_OF_NETWORK = "SELECT COUNT(*), MIN(created_at) FROM email_codes WHERE network = $1 AND created_at > $2";
    /// The newest of a subject.
    CODE_NEWEST = "SELECT id, digest, tries, expires_at, used_at FROM email_codes WHERE subject = $1 ORDER BY created_at DESC, id DESC LIMIT 1 LOCKED";
    /// One more try, unless there were enough.
    CODE_TRY = "UPDATE email_codes SET tries = tries + 1 WHERE id = $1 AND tries < $2 AND used_at IS NULL";
    /// It opened.
    CODE_USE = "UPDATE email_codes SET used_at = $2 WHERE id = $1 AND used_at IS NULL";
    /// Those that no limit counts any more.
    CODES_PURGE = "DELETE FROM email_codes WHERE created_at <= $1";
}

/// A code to be kept.
#[derive(Clone, Debug)]
pub struct NewCode {
    /// Keyed digest of what it is for.
    pub subject: [u8; 32],
    /// Keyed digest of the network that asked.
    pub network: [u8; 32],
    /// Keyed digest of the code.
    pub digest: [u8; 32],
    /// Now.
    pub now: Time,
}

/// Whether a code was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Made {
    /// It was; those before it open nothing.
    Yes,
    /// There were enough lately.
    Enough,
}

/// How long a network has to wait before it may ask for another mail; `None`: it need not. To be asked first of all in a
/// transaction that keeps a code: two asks of a network come one after the other.
pub fn network_waits(tx: &mut Tx<'_>, network: &[u8; 32], now: Time) -> Result<Option<Span>, StoreError> {
    // Other bytes than those under which the network's guesses are counted: neither waits for the other.
    let (_, last) = network.split_last_chunk::<8>().unwrap_or((&[], &[0; 8]));
    tx.lock_keys(vec![i64::from_be_bytes(*last)])?;
    let missing = StoreError::Corrupt { table: "email_codes", column: "count" };
    let since = [network.as_slice().into(), now.minus(COUNTED_FOR).micros().into()];
    let mut row = tx.query_one(&CODES_OF_NETWORK, &since)?.ok_or(missing)?;
    let (count, first) = (row.int("count")?, row.opt_int("created_at")?.map(Time::from_micros));
    Ok(Asked { count, first }.wait(now))
}

/// Keeps a code, unless the subject had enough of them lately.
pub fn code_create(tx: &mut Tx<'_>, new: &NewCode) -> Result<Made, StoreError> {
    let (first, _) = new.subject.split_first_chunk::<8>().unwrap_or((&[0; 8], &[]));
    tx.lock_keys(vec![i64::from_be_bytes(*first)])?;
    let since =
        [new.subject.as_slice().into(), new.network.as_slice().into(), new.now.minus(HOUR).micros().into()];
    let missing = StoreError::Corrupt { table: "email_codes", column: "count" };
    let mut row = tx.query_one(&CODES_SINCE, &since)?.ok_or(missing)?;
    let (all, own) = (row.int("count")?, row.int("own")?);
    let last = row.opt_int("created_at")?.map(Time::from_micros);
    let soon = last.is_some_and(|last| new.now < last.plus(CODE_PAUSE));
    let enough = soon || own >= CODES_AN_HOUR || all >= CODES_AN_HOUR_OF_ALL;
    // One that is not made is counted for its network all the same, as nobody's code: else the count would tell whether
    // somebody asked for this address a moment ago.
    let subject = if enough { &new.network } else { &new.subject };
    let row = [
        tx.next_id(Sequence::Row)?.into(),
        subject.as_slice().into(),
        new.network.as_slice().into(),
        new.digest.as_slice().into(),
        new.now.micros().into(),
        new.now.plus(CODE_LIFE).micros().into(),
    ];
    tx.execute(&CODE_INSERT, &row)?;
    Ok(if enough { Made::Enough } else { Made::Yes })
}

/// Whether this is the subject's code; then it is used up. A wrong one costs a try.
pub fn code_redeem(
    tx: &mut Tx<'_>,
    subject: &[u8; 32],
    digest: &[u8; 32],
    now: Time,
) -> Result<bool, StoreError> {
    let Some(mut row) = tx.query_one(&CODE_NEWEST, &[subject.as_slice().into()])? else { return Ok(false) };
    let (id, kept, _tries) = (row.int("id")?, row.bytes("digest")?, row.int("tries")?);
    let expires_at = Time::from_micros(row.int("expires_at")?);
    let fresh = row.opt_int("used_at")?.is_none() && now < expires_at;
    if !fresh || tx.execute(&CODE_TRY, &[id.into(), CODE_TRIES.into()])? == 0 {
        return Ok(false);
    }
    if verify_slices_are_equal(&kept, digest).is_err() {
        return Ok(false);
    }
    Ok(tx.execute(&CODE_USE, &[id.into(), now.micros().into()])? > 0)
}

/// Deletes what no limit counts any more.
pub fn codes_purge(tx: &mut Tx<'_>, now: Time) -> Result<u64, StoreError> {
    tx.execute(&CODES_PURGE, &[now.minus(HOUR).micros().into()])
}
