//! Approving, limiting, suspending and closing an account, with what follows for its credentials.
//!
//! Whoever is stopped over abuse is signed out everywhere, and what was signed for it opens nothing; its keys stay, and see
//! how the account stands and nothing else. Whoever is closed loses its keys too. Neither comes back by lifting it.

use super::{By, Reason, record};
use crate::store::account::{StandingSet, account_not_before, account_set_standing};
use crate::store::api_key::api_keys_revoke;
use crate::store::session::sessions_revoke;
use crate::store::{StoreError, Tx};
use numberotp_core::caller::Standing;
use numberotp_core::id::AccountId;
use serde_json::json;

/// What became of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stood {
    /// It stands there now.
    Done,
    /// It stood there already; nothing was done.
    Already,
    /// From here no way leads there.
    Refused(Standing),
    /// It is the account of whoever asks.
    Own,
    /// There is no such account.
    Missing,
}

/// Has an account stand somewhere else.
pub fn set_standing(
    tx: &mut Tx<'_>,
    by: &By,
    (account, standing): (AccountId, Standing),
    reason: &Reason,
) -> Result<Stood, StoreError> {
    if by.is(account) {
        return Ok(Stood::Own);
    }
    let from = match account_set_standing(tx, account, standing)? {
        StandingSet::Done(from) => from,
        StandingSet::Already => return Ok(Stood::Already),
        StandingSet::Refused(from) => return Ok(Stood::Refused(from)),
        StandingSet::Missing => return Ok(Stood::Missing),
    };
    let (mut sessions, mut keys) = (0, 0);
    if standing.seals() {
        sessions = sessions_revoke(tx, account, by.now)?;
        account_not_before(tx, account, by.now)?;
    }
    if standing == Standing::Closed {
        keys = api_keys_revoke(tx, account, by.now)?;
    }
    let detail = json!({
        "from": from.as_str(),
        "to": standing.as_str(),
        "reason": reason.as_str(),
        "sessionsEnded": sessions,
        "keysRevoked": keys,
    });
    record(tx, by, (word(standing), Some(account)), &detail)?;
    Ok(Stood::Done)
}

/// The act's word in the chain.
const fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Pending => "account.unapprove",
        Standing::Approved => "account.approve",
        Standing::Limited => "account.limit",
        Standing::Suspended => "account.suspend",
        Standing::Closed => "account.close",
    }
}
