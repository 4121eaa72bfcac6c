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
use numberotp_core::token::{self, Bearer};
use serde::{Deserialize, Serialize};

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
        Bearer::ApiKey(hash) => {
            let found = context.store.read(move |tx| account::api_key_by_hash(tx, &hash)).await;
            (CredentialKind::ApiKey, found.map_err(from_store)?)
        }
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
