//! Where a person is signed in, and ending that. For people alone: a key must not sign its owner out.

use super::from_store;
use crate::app::Context;
use crate::store::account::account_not_before;
use crate::store::session;
pub use crate::store::session::{Device, Session};
use numberotp_core::caller::Caller;
use numberotp_core::fault::{Fault, FaultCode};
use numberotp_core::id::SessionId;

/// Most sessions that are listed.
const LISTED_MOST: i64 = 200;

/// Which sessions are to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Which {
    /// This one.
    One(SessionId),
    /// Every one, the caller's own too.
    All,
}

/// The caller's live sessions, the newest first.
pub async fn list(context: &Context, caller: &Caller) -> Result<Vec<Session>, Fault> {
    caller.require_person()?;
    let (account, now) = (caller.account, context.clock.now());
    let found = context.store.read(move |tx| session::sessions_of(tx, account, (now, LISTED_MOST)));
    found.await.map_err(from_store)
}

/// Ends sessions of the caller. What was signed for them opens nothing within a second, on every server.
pub async fn revoke(context: &Context, caller: &Caller, which: Which) -> Result<(), Fault> {
    caller.require_person()?;
    let (account, now) = (caller.account, context.clock.now());
    let ended = context.store.write(move |tx| match which {
        Which::One(id) => session::session_revoke(tx, (account, id), now),
        Which::All => {
            // What a website signed has no row here to end.
            account_not_before(tx, account, now)?;
            session::sessions_revoke(tx, account, now).map(|_count| true)
        }
    });
    let ended = ended.await.map_err(from_store)?;
    // This server need not wait for its memory to fade.
    context.known.forget(account);
    if ended { Ok(()) } else { Err(Fault::new(FaultCode::NotFound)) }
}
