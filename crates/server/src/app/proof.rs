//! Who proved to be there a moment ago, by signing in or by showing the password again.
//!
//! Guards what outlives a sign-in, an API key or a device that is let in: whoever finds a browser open, or an access
//! token lying about, makes neither.

use super::from_store;
use crate::app::Context;
use crate::store::account::account_get;
use crate::store::second_factor::factor_get;
use crate::store::session::session_proved_at;
use crate::store::{StoreError, Tx};
use numberotp_core::caller::{Caller, CredentialKind, Role};
use numberotp_core::fault::{Fault, FaultCode};
use numberotp_core::id::SessionId;
use numberotp_core::session::proof_counts;
use numberotp_core::time::Time;

/// What somebody has who never proved anything here.
const NEVER: Time = Time::from_micros(0);

/// Whether the caller proved to be there a moment ago. What a website asks of its visitors is its own matter.
pub fn is_there(tx: &mut Tx<'_>, caller: &Caller, now: Time) -> Result<bool, StoreError> {
    Ok(caller.credential == CredentialKind::AuthJs || proved(tx, caller, now)?.is_some())
}

/// When, if that counts still.
fn proved(tx: &mut Tx<'_>, caller: &Caller, now: Time) -> Result<Option<Time>, StoreError> {
    match caller.credential {
        CredentialKind::Session | CredentialKind::Jwt => {
            let session = (caller.account, SessionId::new(caller.credential_id));
            Ok(session_proved_at(tx, session)?.filter(|proved_at| proof_counts(*proved_at, now)))
        }
        CredentialKind::AuthJs | CredentialKind::ApiKey => Ok(None),
    }
}

/// Since when a device counts as proved that the caller lets in; `REAUTHENTICATION_REQUIRED` if the caller may let in none.
/// A website's word lets in devices of customers that have no second factor here: it asks for none, and stops nobody after
/// half an hour.
pub async fn approving(context: &Context, caller: &Caller) -> Result<Time, Fault> {
    let (caller, now) = (*caller, context.clock.now());
    let approved = context.store.snapshot(move |tx| {
        if caller.credential != CredentialKind::AuthJs {
            return proved(tx, &caller, now);
        }
        let account = account_get(tx, caller.account)?;
        let factor = factor_get(tx, caller.account)?.is_some_and(|factor| factor.confirmed_at.is_some());
        let plain = account.is_some_and(|account| account.role != Role::Admin) && !factor;
        Ok(plain.then_some(NEVER))
    });
    approved.await.map_err(from_store)?.ok_or_else(|| Fault::new(FaultCode::ReauthenticationRequired))
}
