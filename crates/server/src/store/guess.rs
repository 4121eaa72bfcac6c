//! Failures that slow down whoever guesses, by subject: a keyed digest of who tried, and for whom. In the database, so that
//! servers that share it count together.
//!
//! Guards that a try is counted before its outcome is known: a hundred at once are a hundred failures, not one.

use super::StoreError;
use super::db::{Value, statements};
use super::tx::Tx;
use numberotp_core::guesses::{Failures, Patience};
use numberotp_core::time::{Span, Time};

statements! {
    /// What a subject failed at.
    GUESS_GET = "SELECT failures, last_at, closed_until FROM guesses WHERE subject = $1";
    /// Writes it.
    GUESS_PUT = "INSERT INTO guesses (subject, failures, last_at, closed_until) VALUES ($1, $2, $3, $4) ON CONFLICT (subject) DO UPDATE SET failures = EXCLUDED.failures, last_at = EXCLUDED.last_at, closed_until = EXCLUDED.closed_until";
    /// Nothing is held against it any more.
    GUESS_FORGET = "DELETE FROM guesses WHERE subject = $1";
    /// One less; a wait that it brought stays.
    GUESS_FORGIVE = "UPDATE guesses SET failures = failures - 1 WHERE subject = $1 AND failures > 0";
    /// One less, and none of the wait that it brought, if it was the last.
    GUESS_TAKE_BACK = "UPDATE guesses SET failures = failures - 1, closed_until = CASE WHEN last_at = $2 THEN last_at ELSE closed_until END WHERE subject = $1 AND failures > 0";
    /// Those that count no longer: a wait is never over before the failure that brought it.
    GUESSES_PURGE = "DELETE FROM guesses WHERE closed_until <= $1";
}

/// Kept this long after the last failure, and after the wait that it brought; longer than any patience remembers.
const KEPT: Span = Span::hours(1);

/// Who is counted, and how much is forgiven.
#[derive(Clone, Debug)]
pub struct Subject {
    /// A keyed digest of who tried, and for whom.
    pub digest: [u8; 32],
    /// What is forgiven.
    pub patience: Patience,
}

/// Whether a try may be looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Look {
    /// It may.
    Yes,
    /// One of its subjects has to wait: whatever was given is wrong.
    No,
}

/// Counts a try as a failure of all these subjects, unless one of them has to wait: then nothing is counted.
pub fn guess_begin(tx: &mut Tx<'_>, subjects: &[Subject], now: Time) -> Result<Look, StoreError> {
    tx.lock_keys(subjects.iter().map(|subject| lock(&subject.digest)).collect())?;
    let mut known = Vec::with_capacity(subjects.len());
    for subject in subjects {
        known.push(guess_get(tx, subject)?);
    }
    let closed = known.iter().any(|failures| Patience::is_closed(failures.as_ref(), now));
    for (subject, before) in subjects.iter().zip(&known) {
        let after = match (closed, before) {
            (false, before) => subject.patience.failed(before.as_ref(), now),
            // Written as it was: a refusal must not be quicker for it.
            (true, Some(before)) => *before,
            (true, None) => continue,
        };
        let row: [Value; 4] = [
            subject.digest.as_slice().into(),
            after.count.into(),
            after.last_at.micros().into(),
            after.closed_until.micros().into(),
        ];
        tx.execute(&GUESS_PUT, &row)?;
    }
    Ok(if closed { Look::No } else { Look::Yes })
}

/// Whether one of these subjects has to wait. Whoever fails at the same moment comes before or after this, never between
/// it and what follows in the same transaction.
pub fn guess_is_closed(tx: &mut Tx<'_>, subjects: &[Subject], now: Time) -> Result<bool, StoreError> {
    tx.lock_keys(subjects.iter().map(|subject| lock(&subject.digest)).collect())?;
    for subject in subjects {
        if Patience::is_closed(guess_get(tx, subject)?.as_ref(), now) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Counts a failure of all these subjects, after [`guess_is_closed`].
pub fn guess_failed(tx: &mut Tx<'_>, subjects: &[Subject], now: Time) -> Result<(), StoreError> {
    for subject in subjects {
        let before = guess_get(tx, subject)?;
        let after = subject.patience.failed(before.as_ref(), now);
        let row: [Value; 4] = [
            subject.digest.as_slice().into(),
            after.count.into(),
            after.last_at.micros().into(),
            after.closed_until.micros().into(),
        ];
        tx.execute(&GUESS_PUT, &row)?;
    }
    Ok(())
}

fn guess_get(tx: &mut Tx<'_>, subject: &Subject) -> Result<Option<Failures>, StoreError> {
    let Some(mut row) = tx.query_one(&GUESS_GET, &[subject.digest.as_slice().into()])? else {
        return Ok(None);
    };
    Ok(Some(Failures {
        count: row.int("failures")?,
        last_at: Time::from_micros(row.int("last_at")?),
        closed_until: Time::from_micros(row.int("closed_until")?),
    }))
}

/// Has whoever counts tries of these subjects wait until this transaction ends: it writes what it read before. To be called
/// before they are forgotten or forgiven in a transaction that did not begin the try.
pub fn guess_hold(tx: &mut Tx<'_>, subjects: &[Subject]) -> Result<(), StoreError> {
    tx.lock_keys(subjects.iter().map(|subject| lock(&subject.digest)).collect())
}

/// The try was right: nothing is held against this subject any more.
pub fn guess_forget(tx: &mut Tx<'_>, digest: &[u8; 32]) -> Result<(), StoreError> {
    tx.execute(&GUESS_FORGET, &[digest.as_slice().into()]).map(drop)
}

/// The try was right and is not counted; what others of the same subject did still is.
pub fn guess_forgive(tx: &mut Tx<'_>, digest: &[u8; 32]) -> Result<(), StoreError> {
    tx.execute(&GUESS_FORGIVE, &[digest.as_slice().into()]).map(drop)
}

/// The try that began at this time was not looked at: it is not counted, and nobody waits for it.
pub fn guess_take_back(tx: &mut Tx<'_>, digest: &[u8; 32], begun: Time) -> Result<(), StoreError> {
    tx.execute(&GUESS_TAKE_BACK, &[digest.as_slice().into(), begun.micros().into()]).map(drop)
}

/// Deletes what counts no longer.
pub fn guesses_purge(tx: &mut Tx<'_>, now: Time) -> Result<u64, StoreError> {
    tx.execute(&GUESSES_PURGE, &[now.minus(KEPT).micros().into()])
}

fn lock(digest: &[u8; 32]) -> i64 {
    let (first, _) = digest.split_first_chunk::<8>().unwrap_or((&[0; 8], &[]));
    i64::from_be_bytes(*first)
}
