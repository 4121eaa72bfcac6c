//! Finding accounts, looking at one, at its sign-ins, and ending those. Who looked at whom is an act like any other; what
//! was searched for is not kept, because that is somebody's name more often than not.

use super::{By, Reason, record};
use crate::app::sessions::Which;
use crate::store::account::{Account, account_get, account_not_before};
use crate::store::directory::{Counts, account_counts, accounts_find};
use crate::store::ledger::purses_get;
use crate::store::session::{Session, session_revoke, sessions_of, sessions_revoke};
use crate::store::{Store, StoreError, Tx};
use numberotp_core::id::{AccountId, SessionId};
use numberotp_core::ledger::Purses;
use serde_json::json;

/// Most sessions that are listed.
const LISTED_MOST: i64 = 200;
/// Most sign-ins that are shown with an account.
const LATEST: i64 = 5;

/// An account and what it has.
pub type Summary = (Account, Purses);

/// All that is shown of one account.
#[derive(Clone, Debug)]
pub struct Dossier {
    /// Who.
    pub account: Account,
    /// What it has.
    pub purses: Purses,
    /// How much of what.
    pub counts: Counts,
    /// The live sign-ins, the newest few.
    pub sign_ins: Vec<Session>,
}

/// Accounts whose id is what is asked for, or whose e-mail or name begins with it, newest first; and how many there are.
/// Looked for beside whoever writes; on record before anybody is shown them.
pub async fn find(
    store: &Store,
    by: By,
    query: String,
    range: (i64, i64),
) -> Result<(Vec<Summary>, i64), StoreError> {
    let (found, total) = store.snapshot(move |tx| accounts_find(tx, &query, range)).await?;
    looked_for(store, by, total).await?;
    Ok((found, total))
}

/// Puts it on record that accounts were looked for and how many were found: before they are shown.
pub async fn looked_for(store: &Store, by: By, found: i64) -> Result<(), StoreError> {
    store.write(move |tx| record(tx, &by, ("account.find", None), &json!({ "found": found }))).await
}

/// An account and what it has, for whoever just did something to it.
pub fn summary(tx: &mut Tx<'_>, id: AccountId) -> Result<Option<Summary>, StoreError> {
    let Some(account) = account_get(tx, id)? else { return Ok(None) };
    Ok(Some((account, purses_get(tx, id)?.unwrap_or_default())))
}

/// One account.
pub fn look(tx: &mut Tx<'_>, by: &By, id: AccountId) -> Result<Option<Dossier>, StoreError> {
    let Some(account) = account_get(tx, id)? else { return Ok(None) };
    let purses = purses_get(tx, id)?.unwrap_or_default();
    let counts = account_counts(tx, id, by.now)?;
    let sign_ins = sessions_of(tx, id, (by.now, LATEST))?;
    record(tx, by, ("account.look", Some(id)), &json!({}))?;
    Ok(Some(Dossier { account, purses, counts, sign_ins }))
}

/// The live sign-ins of an account, newest first.
pub fn sessions(tx: &mut Tx<'_>, by: &By, id: AccountId) -> Result<Option<Vec<Session>>, StoreError> {
    if account_get(tx, id)?.is_none() {
        return Ok(None);
    }
    let live = sessions_of(tx, id, (by.now, LISTED_MOST))?;
    record(tx, by, ("sessions.look", Some(id)), &json!({ "found": live.len() }))?;
    Ok(Some(live))
}

/// What became of ending sign-ins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SignedOut {
    /// So many were ended.
    Done(u64),
    /// There is no such account, or it has no such live sign-in.
    Missing,
}

/// Ends one sign-in of an account, or all of them.
pub fn sign_out(
    tx: &mut Tx<'_>,
    by: &By,
    (id, which): (AccountId, Which),
    reason: Option<&Reason>,
) -> Result<SignedOut, StoreError> {
    if account_get(tx, id)?.is_none() {
        return Ok(SignedOut::Missing);
    }
    let (ended, one) = match which {
        Which::One(session) if session_revoke(tx, (id, session), by.now)? => (1, Some(session)),
        Which::One(_) => return Ok(SignedOut::Missing),
        Which::All => {
            account_not_before(tx, id, by.now)?;
            (sessions_revoke(tx, id, by.now)?, None)
        }
    };
    let detail = json!({
        "ended": ended,
        "session": one.map(|session: SessionId| session.get().to_string()),
        "reason": reason.map(Reason::as_str),
    });
    record(tx, by, ("sessions.end", Some(id)), &detail)?;
    Ok(SignedOut::Done(ended))
}
