//! A person's API keys: made, listed, deleted. For people alone: a key that leaks must not make itself others.
//!
//! Guards that a key's text leaves the server once, in the answer that made it, and that it is made by whoever proved to
//! be there a moment ago: a key outlives the sign-in that it was made by.

use super::auth::api_key_make;
use super::from_store;
use crate::app::Context;
use crate::store::account::account_get;
use crate::store::api_key;
pub use crate::store::api_key::{ApiKey, KeyTerms, Networks};
use crate::store::session::session_proved_at;
use crate::store::{StoreError, Tx};
use numberotp_core::caller::{Caller, CredentialKind, Scopes};
use numberotp_core::fault::{Fault, FaultCode};
use numberotp_core::id::{ApiKeyId, SessionId};
use numberotp_core::money::Usd;
use numberotp_core::secret::Secret;
use numberotp_core::session::proof_counts;
use numberotp_core::time::Time;

/// Most live keys of an account.
pub const KEYS_MOST: usize = 20;

/// What a new key is to be.
pub struct KeyWish {
    /// Its name for people.
    pub name: String,
    /// What it may do.
    pub scopes: Scopes,
    /// What bounds it.
    pub terms: KeyTerms,
}

/// The caller's live keys, the newest first.
pub async fn list(context: &Context, caller: &Caller) -> Result<Vec<ApiKey>, Fault> {
    caller.require_person()?;
    let (account, now) = (caller.account, context.clock.now());
    context.store.read(move |tx| api_key::api_keys_of(tx, account, now)).await.map_err(from_store)
}

/// Makes a key. Its text is shown to its owner now and never again.
pub async fn create(context: &Context, caller: &Caller, wish: KeyWish) -> Result<(Secret, ApiKey), Fault> {
    caller.require_person()?;
    caller.standing.may_use()?;
    let (id, now) = (caller.account, context.clock.now());
    let whose = *caller;
    let found = context.store.snapshot(move |tx| Ok((account_get(tx, id)?, is_there(tx, &whose, now)?)));
    let (account, there) = found.await.map_err(from_store)?;
    let account = account.ok_or_else(|| Fault::new(FaultCode::Unauthorized))?;
    if !there {
        return Err(Fault::new(FaultCode::ReauthenticationRequired));
    }
    let made = api_key_make(&account, &wish.name, wish.scopes, now);
    let (text, mut new) = made.map_err(|error| Fault::new(FaultCode::Internal).caused_by(error))?;
    new.terms = wish.terms;
    let stored = new.clone();
    let added = context.store.write(move |tx| api_key::api_key_add(tx, &stored, KEYS_MOST));
    let id = added.await.map_err(from_store)?.ok_or_else(|| Fault::new(FaultCode::KeyLimit))?;
    let key = ApiKey {
        id,
        name: new.name,
        prefix: new.prefix,
        last_four: new.last_four,
        scopes: new.scopes,
        terms: new.terms,
        spent: Usd::from_micros(0),
        created_at: now,
        last_used_at: None,
    };
    Ok((text, key))
}

/// Whether the caller proved to be there a moment ago. What a website asks of its visitors is its own matter.
fn is_there(tx: &mut Tx<'_>, caller: &Caller, now: Time) -> Result<bool, StoreError> {
    match caller.credential {
        CredentialKind::Session | CredentialKind::Jwt => {
            let session = (caller.account, SessionId::new(caller.credential_id));
            Ok(session_proved_at(tx, session)?.is_some_and(|proved_at| proof_counts(proved_at, now)))
        }
        CredentialKind::AuthJs => Ok(true),
        CredentialKind::ApiKey => Ok(false),
    }
}

/// Deletes a key of the caller: it opens nothing within a second, on every server.
pub async fn revoke(context: &Context, caller: &Caller, id: ApiKeyId) -> Result<(), Fault> {
    caller.require_person()?;
    let (account, now) = (caller.account, context.clock.now());
    let revoked = context.store.write(move |tx| api_key::api_key_revoke(tx, (account, id), now));
    let revoked = revoked.await.map_err(from_store)?;
    context.known.forget(account);
    if revoked { Ok(()) } else { Err(Fault::new(FaultCode::NotFound)) }
}
