//! A person's API keys: made, listed, deleted. For people alone: a key that leaks must not make itself others.
//!
//! Guards that a key's text leaves the server once, in the answer that made it, and that it is made by whoever proved to
//! be there a moment ago: a key outlives the sign-in that it was made by.

use super::auth::api_key_make;
use super::from_store;
use super::proof::is_there;
use crate::app::Context;
use crate::store::account::{account_get, account_standing_locked};
use crate::store::api_key;
pub use crate::store::api_key::{ApiKey, KeyTerms, Networks};
use numberotp_core::caller::{Caller, Scopes, Standing};
use numberotp_core::fault::{Fault, FaultCode};
use numberotp_core::id::ApiKeyId;
use numberotp_core::money::Usd;
use numberotp_core::secret::Secret;

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
    let account = context.store.read(move |tx| account_get(tx, id)).await.map_err(from_store)?;
    let account = account.ok_or_else(|| Fault::new(FaultCode::Unauthorized))?;
    let made = api_key_make(&account, &wish.name, wish.scopes, now);
    let (text, mut new) = made.map_err(|error| Fault::new(FaultCode::Internal).caused_by(error))?;
    new.terms = wish.terms;
    let stored = new.clone();
    let added = context.store.write(move |tx| {
        // Whoever ends sign-ins, counts keys or stops the account has it locked: this comes before or after.
        let standing = account_standing_locked(tx, id)?.unwrap_or(Standing::Closed);
        if standing.may_use().is_err() || !is_there(tx, &whose, now)? {
            return Ok(Err(FaultCode::ReauthenticationRequired));
        }
        Ok(api_key::api_key_add(tx, &stored, KEYS_MOST)?.ok_or(FaultCode::KeyLimit))
    });
    let id = added.await.map_err(from_store)?.map_err(Fault::new)?;
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

/// Deletes a key of the caller: it opens nothing within a second, on every server.
pub async fn revoke(context: &Context, caller: &Caller, id: ApiKeyId) -> Result<(), Fault> {
    caller.require_person()?;
    let (account, now) = (caller.account, context.clock.now());
    let revoked = context.store.write(move |tx| api_key::api_key_revoke(tx, (account, id), now));
    let revoked = revoked.await.map_err(from_store)?;
    context.known.forget(account);
    if revoked { Ok(()) } else { Err(Fault::new(FaultCode::NotFound)) }
}
