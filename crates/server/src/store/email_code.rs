//! Codes that were sent by mail, as rows: a keyed digest of each, never the code.
//!
//! Guards that a code opens once, within its time, after a few tries at most, and that of each network and known browser that asked
//! only the newest does; that nobody's mailbox is filled, by nobody's network, and that no stranger uses up the owner's tries or
//! mails. A subject is a purpose, a brand and an e-mail in one keyed digest.

use super::StoreError;
use super::account::{account_by_email, account_keeps};
use super::db::{Row, Value, statements};
use super::session::session_from;
use super::tx::{Sequence, Tx};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use numberotp_core::id::{AccountId, BrandId};
use numberotp_core::keepsake::Keepsake;
pub use numberotp_core::mailed_codes::CODE_LIFE;
use numberotp_core::mailed_codes::{Asker, CODE_TRIES, Lately, Place, Tries};
use numberotp_core::mailing::{Asked, COUNTED_FOR};
use numberotp_core::text::Email;
use numberotp_core::time::{Span, Time};
use std::collections::BTreeSet;

const HOUR: Span = Span::hours(1);

statements! {
    /// A new code.
    CODE_INSERT = "INSERT INTO email_codes (id, subject, network, digest, tries, created_at, expires_at, used_at, asker) VALUES ($1, $2, $3, $4, 0, $5, $6, NULL, $7)";
    /// How many of a subject since then, how many of them one network or known browser asked for, and when that was last.
    CODES_SINCE = "SELECT COUNT(*), CAST(COALESCE(SUM(CASE WHEN COALESCE(asker, network) = $2 THEN 1 ELSE 0 END), 0) AS BIGINT), MAX(CASE WHEN COALESCE(asker, network) = $2 THEN created_at END) FROM email_codes WHERE subject = $1 AND created_at > $3";
    /// Those of a subject that may still live, the newest first.
    CODES_YOUNG = "SELECT id, network, COALESCE(asker, network), digest, tries, tries_elsewhere, used_at FROM email_codes WHERE subject = $1 AND expires_at > $2 ORDER BY created_at DESC, id DESC LOCKED";
    /// One more try.
    CODE_TRY = "UPDATE email_codes SET tries = $2, tries_elsewhere = $3 WHERE id = $1 AND tries < $4 AND used_at IS NULL";
    /// One of a subject opened: it is used up, and so are the others.
    CODES_USE = "UPDATE email_codes SET used_at = $2, opened_from = $3 WHERE subject = $1 AND used_at IS NULL";
    /// Whether a network used a code of one of these subjects since then.
    CODES_OPENED = "SELECT id FROM email_codes WHERE subject IN BLOBS($1) AND opened_from = $2 AND used_at > $3 LIMIT 1";
    /// How often a network asked since then, for whomever, and when first.
    CODES_OF_NETWORK = "SELECT COUNT(*), MIN(created_at) FROM email_codes WHERE network = $1 AND created_at > $2";
    /// Those that no limit counts any more.
    CODES_PURGE = "DELETE FROM email_codes WHERE created_at <= $1";
}

/// Who asked for a code: what decides whether the network or the browser is one that the account is known from.
#[derive(Clone, Debug)]
pub struct AskedBy {
    /// Under which white label.
    pub brand: BrandId,
    /// The address that it is mailed to.
    pub email: Email,
    /// The account, if it is another's than the address's.
    pub account: Option<AccountId>,
    /// The network that asks.
    pub network: String,
    /// What its browser shows, and a keyed digest of that.
    pub browser: Option<(Keepsake, [u8; 32])>,
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
    /// Who asked.
    pub asked_by: AskedBy,
    /// Now.
    pub now: Time,
}

/// Whether a code was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Made {
    /// It was; those before it that the same network asked for open nothing.
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
    network_waits_now(tx, network, now)
}

/// The same without a lock, to be asked before work that would be for nothing. It decides nothing: asks that come at the
/// same moment are not seen.
pub fn network_waits_now(tx: &mut Tx<'_>, network: &[u8; 32], now: Time) -> Result<Option<Span>, StoreError> {
    let missing = StoreError::Corrupt { table: "email_codes", column: "count" };
    let since = [network.as_slice().into(), now.minus(COUNTED_FOR).micros().into()];
    let mut row = tx.query_one(&CODES_OF_NETWORK, &since)?.ok_or(missing)?;
    let (count, first) = (row.int("count")?, row.opt_int("created_at")?.map(Time::from_micros));
    Ok(Asked { count, first }.wait(now))
}

/// Has whoever makes or gives codes of this subject wait until this transaction ends.
pub fn subject_hold(tx: &mut Tx<'_>, subject: &[u8; 32]) -> Result<(), StoreError> {
    tx.lock_keys(vec![lock(subject)])
}

/// Keeps a code, unless the subject had enough of them lately.
pub fn code_create(tx: &mut Tx<'_>, new: &NewCode) -> Result<Made, StoreError> {
    tx.lock_keys(vec![lock(&new.subject)])?;
    let (asker, browser) = asker(tx, &new.asked_by, new.now)?;
    let counted = browser.as_ref().unwrap_or(&new.network);
    let since =
        [new.subject.as_slice().into(), counted.as_slice().into(), new.now.minus(HOUR).micros().into()];
    let missing = StoreError::Corrupt { table: "email_codes", column: "count" };
    let mut row = tx.query_one(&CODES_SINCE, &since)?.ok_or(missing)?;
    let (all, here) = (row.int("count")?, row.int("own")?);
    let last_here = row.opt_int("created_at")?.map(Time::from_micros);
    let enough = !(Lately { here, last_here, all }).allows(asker, new.now);
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
        counted.as_slice().into(),
    ];
    tx.execute(&CODE_INSERT, &row)?;
    Ok(if enough { Made::Enough } else { Made::Yes })
}

/// Who asks, and the browser's digest if the account knows that. Asks as often where nobody has the address.
fn asker(tx: &mut Tx<'_>, by: &AskedBy, now: Time) -> Result<(Asker, Option<[u8; 32]>), StoreError> {
    let of_address = account_by_email(tx, by.brand, &by.email)?.map(|account| account.id);
    let account = by.account.or(of_address).unwrap_or(AccountId::new(0));
    let known = session_from(tx, (account, &by.network), now)?;
    let browser = match &by.browser {
        Some((shown, digest)) => account_keeps(tx, account, (shown, now))?.then_some(*digest),
        None => None,
    };
    // An address that is not the asker's is a stranger's mailbox, from however many networks somebody signed in.
    Ok(match (by.account, browser) {
        (None, Some(browser)) => (Asker::Known, Some(browser)),
        (None, None) if known => (Asker::Known, None),
        _ => (Asker::Stranger, None),
    })
}

/// What somebody gives for a subject's code, as digests.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// What it is to open.
    pub subject: &'a [u8; 32],
    /// What was given.
    pub digest: &'a [u8; 32],
    /// The network that gives it.
    pub network: &'a [u8; 32],
}

/// Whether this is one of the subject's living codes; then it is used up, and the others are too. A wrong one costs a
/// try of each code that it is compared with.
pub fn code_redeem(tx: &mut Tx<'_>, given: &Given<'_>, now: Time) -> Result<bool, StoreError> {
    // After the keys of who guesses, always: whoever makes codes holds this one alone.
    tx.lock_keys(vec![lock(given.subject)])?;
    let mut opens = false;
    for code in codes_living(tx, given.subject, now)? {
        let place = if code.network == given.network { Place::Asking } else { Place::Elsewhere };
        let Some(after) = code.tries.after(place) else { continue };
        let tried = [code.id.into(), after.all.into(), after.elsewhere.into(), CODE_TRIES.into()];
        let counted = tx.execute(&CODE_TRY, &tried)? > 0;
        opens |= counted && verify_slices_are_equal(&code.digest, given.digest).is_ok();
    }
    let used = [given.subject.as_slice().into(), now.micros().into(), given.network.as_slice().into()];
    Ok(opens && tx.execute(&CODES_USE, &used)? > 0)
}

/// Whether a code of one of these subjects was right within the hour, given by this network.
pub fn codes_opened_from(
    tx: &mut Tx<'_>,
    (subjects, network): (&[[u8; 32]], &[u8; 32]),
    now: Time,
) -> Result<bool, StoreError> {
    let subjects = Value::Blobs(subjects.iter().map(|subject| subject.to_vec()).collect());
    let parameters = [subjects, network.as_slice().into(), now.minus(HOUR).micros().into()];
    Ok(tx.query_one(&CODES_OPENED, &parameters)?.is_some())
}

/// A code that may open.
struct Living {
    id: i64,
    network: Vec<u8>,
    asker: Vec<u8>,
    digest: Vec<u8>,
    tries: Tries,
}

/// The newest of each network and known browser that asked, as long as they may open.
fn codes_living(tx: &mut Tx<'_>, subject: &[u8; 32], now: Time) -> Result<Vec<Living>, StoreError> {
    let mut askers = BTreeSet::new();
    let mut living = Vec::new();
    for row in tx.query(&CODES_YOUNG, &[subject.as_slice().into(), now.micros().into()])? {
        let (code, used) = read_code(row)?;
        if askers.insert(code.asker.clone()) && !used {
            living.push(code);
        }
    }
    Ok(living)
}

fn read_code(mut row: Row) -> Result<(Living, bool), StoreError> {
    let code = Living {
        id: row.int("id")?,
        network: row.bytes("network")?,
        asker: row.bytes("asker")?,
        digest: row.bytes("digest")?,
        tries: Tries { all: row.int("tries")?, elsewhere: row.int("tries_elsewhere")? },
    };
    Ok((code, row.opt_int("used_at")?.is_some()))
}

/// Deletes what no limit counts any more.
pub fn codes_purge(tx: &mut Tx<'_>, now: Time) -> Result<u64, StoreError> {
    tx.execute(&CODES_PURGE, &[now.minus(HOUR).micros().into()])
}

fn lock(subject: &[u8; 32]) -> i64 {
    let (first, _) = subject.split_first_chunk::<8>().unwrap_or((&[0; 8], &[]));
    i64::from_be_bytes(*first)
}
