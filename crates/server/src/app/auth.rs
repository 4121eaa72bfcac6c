//! Who is calling: a bearer token becomes a caller, or 401. And how tokens are made.

use super::from_store;
use crate::app::Context;
use crate::entropy::{self, NoEntropy};
use crate::store::account::{self, Account, Credential, NewApiKey};
use crate::store::{StoreError, Tx};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use numberotp_core::caller::{Caller, CredentialKind, Scopes};
use numberotp_core::fault::{Fault, FaultCode};
use numberotp_core::id::{AccountId, BrandId};
use numberotp_core::secret::{Secret, SecretBytes};
use numberotp_core::time::{Span, Time};
use numberotp_core::token::{self, Bearer, TokenHash};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// How long a session lasts.
pub const SESSION_LIFE: Span = Span::hours(24 * 60);
/// How long a JWT lasts. Source: the access token of the `/v1` layer.
pub const JWT_LIFE: Span = Span::minutes(15);
const AUDIENCE: &str = "numberotp";

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    aud: String,
    brand: i64,
    iat: i64,
    exp: i64,
}

/// Finds out who is calling.
pub async fn authenticate(context: &Context, bearer: &str) -> Result<Caller, Fault> {
    let unknown = || Fault::new(FaultCode::Unauthorized);
    let now = context.clock.now();
    let (kind, credential) = match Bearer::parse(bearer) {
        Bearer::ApiKey(hash) => (CredentialKind::ApiKey, api_key(context, hash).await?),
        Bearer::Session(hash) => {
            let found = context.store.read(move |tx| account::session_by_hash(tx, &hash, now)).await;
            (CredentialKind::Session, found.map_err(from_store)?)
        }
        Bearer::Jwt(text) => (CredentialKind::Jwt, jwt_read(&context.jwt_key, &text, now)),
        Bearer::Unknown => return Err(unknown()),
    };
    let credential = credential.ok_or_else(unknown)?;
    Ok(Caller {
        account: credential.account,
        brand: credential.brand,
        credential: kind,
        credential_id: credential.id,
        scopes: credential.scopes,
    })
}

/// The live key with this hash, as it was at most [`KNOWN_FOR`] ago.
async fn api_key(context: &Context, hash: TokenHash) -> Result<Option<Credential>, Fault> {
    // Its age counts from before it is read.
    let asked = context.clock.true_now();
    if let Some(known) = context.known_keys.get(&hash, asked) {
        return Ok(Some(known));
    }
    let found = context.store.read(move |tx| account::api_key_by_hash(tx, &hash)).await;
    let found = found.map_err(from_store)?;
    if let Some(credential) = found {
        context.known_keys.put(hash, credential, asked);
    }
    Ok(found)
}

/// How long a key that was found is taken for good without another look. A key that is revoked has to be refused
/// everywhere within a second.
pub const KNOWN_FOR: Span = Span::millis(800);
/// Most keys that are remembered; those beyond are looked up each time.
const KNOWN_MOST: usize = 20_000;

/// Keys that were found a moment ago. A program that asks often costs the database one look a second instead of one a
/// request; what is not found is never remembered.
#[derive(Default)]
pub struct KnownKeys(Mutex<HashMap<TokenHash, (Time, Credential)>>);

impl KnownKeys {
    fn get(&self, hash: &TokenHash, now: Time) -> Option<Credential> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, credential) = known.get(hash)?;
        (*since <= now && now < since.plus(KNOWN_FOR)).then_some(*credential)
    }

    fn put(&self, hash: TokenHash, credential: Credential, since: Time) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN_MOST {
            known.retain(|_, (before, _)| since < before.plus(KNOWN_FOR));
        }
        if known.len() < KNOWN_MOST {
            known.insert(hash, (since, credential));
        }
    }
}

/// A signed token for an account.
pub fn jwt_make(key: &SecretBytes, account: &Account, now: Time) -> Result<Secret, Fault> {
    let claims = Claims {
        sub: account.id.get().to_string(),
        aud: AUDIENCE.to_owned(),
        brand: account.brand.get(),
        iat: now.unix_seconds(),
        exp: now.plus(JWT_LIFE).unix_seconds(),
    };
    let signed = jsonwebtoken::encode(
        &Header::new(Algorithm::HS256),
        &claims,
        &EncodingKey::from_secret(key.expose()),
    );
    signed.map(Secret::new).map_err(|error| Fault::new(FaultCode::Internal).caused_by(error))
}

/// One algorithm, our key, our audience, not expired by our clock.
fn jwt_read(key: &SecretBytes, text: &Secret, now: Time) -> Option<Credential> {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_audience(&[AUDIENCE]);
    validation.set_required_spec_claims(&["exp", "aud", "sub"]);
    // The library reads the machine's clock; ours decides instead.
    validation.validate_exp = false;
    let decoded =
        jsonwebtoken::decode::<Claims>(text.expose(), &DecodingKey::from_secret(key.expose()), &validation);
    let claims = decoded.ok()?.claims;
    let account = AccountId::new(claims.sub.parse().ok().filter(|id| *id > 0)?);
    let live = now.unix_seconds() < claims.exp;
    live.then(|| Credential { id: 0, brand: BrandId::new(claims.brand), account, scopes: Scopes::ALL })
}

/// A fresh API key: the text for its owner, and what is stored of it.
pub fn api_key_make(
    account: &Account,
    name: &str,
    scopes: Scopes,
    now: Time,
) -> Result<(Secret, NewApiKey), NoEntropy> {
    let key = token::api_key(&entropy::bytes::<30>()?);
    let stored = api_key_stored(account, &key, name, (scopes, now));
    Ok((key, stored))
}

/// What is stored of a key.
pub fn api_key_stored(
    account: &Account,
    key: &Secret,
    name: &str,
    (scopes, now): (Scopes, Time),
) -> NewApiKey {
    let text = key.expose();
    let last_four = text.get(text.len().saturating_sub(4)..).unwrap_or_default().to_owned();
    let (brand, account) = (account.brand, account.id);
    NewApiKey { brand, account, name: name.to_owned(), hash: token::hash(text), last_four, scopes, now }
}

/// A fresh session's token.
pub fn session_make() -> Result<Secret, NoEntropy> {
    Ok(token::session(&entropy::bytes::<43>()?))
}

/// Stores a session.
pub fn session_store(
    tx: &mut Tx<'_>,
    account: &Account,
    session: &Secret,
    now: Time,
) -> Result<(), StoreError> {
    let hash = token::hash(session.expose());
    account::session_create(tx, account, &hash, (now, now.plus(SESSION_LIFE))).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(number: usize) -> TokenHash {
        token::hash(&number.to_string())
    }

    fn credential(id: i64) -> Credential {
        Credential { id, brand: BrandId::new(1), account: AccountId::new(id), scopes: Scopes::ALL }
    }

    #[test]
    fn a_key_is_known_for_less_than_a_second_from_before_it_was_read() {
        let (known, now) = (KnownKeys::default(), Time::from_micros(1_000_000));
        assert!(known.get(&hash(1), now).is_none());
        known.put(hash(1), credential(1), now);
        assert_eq!(known.get(&hash(1), now).map(|key| key.id), Some(1));
        assert!(known.get(&hash(2), now).is_none());
        assert!(known.get(&hash(1), now.plus(KNOWN_FOR)).is_none());
        assert!(known.get(&hash(1), now.minus(Span::micros(1))).is_none(), "nor by a clock that went back");
        assert!(KNOWN_FOR < Span::seconds(1));
    }

    #[test]
    fn no_more_keys_are_remembered_than_there_is_room_for() {
        let (known, now) = (KnownKeys::default(), Time::from_micros(1_000_000));
        for number in 0..=KNOWN_MOST {
            known.put(hash(number), credential(1), now);
        }
        assert!(known.get(&hash(KNOWN_MOST), now).is_none(), "the last is looked up each time");
        let later = now.plus(KNOWN_FOR);
        known.put(hash(KNOWN_MOST), credential(1), later);
        assert!(known.get(&hash(KNOWN_MOST), later).is_some(), "until others' time is over");
    }
}
