//! Who is calling: a bearer token becomes a caller, or 401. And how tokens are made.

pub use super::known::KNOWN_FOR;
use super::known::Shown;
use super::uses::Used;
use super::{authjs, from_store};
use crate::app::Context;
use crate::entropy::{self, NoEntropy};
use crate::store::account::{Account, Credential};
use crate::store::api_key::{KeyTerms, NewApiKey, api_key_by_hash};
use crate::store::session::{
    Device, NewSession, SessionKind, session_by_hash, session_by_id, session_create,
};
use crate::store::{StoreError, Tx};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use numberotp_core::caller::{Caller, CredentialKind, Role, Scopes};
use numberotp_core::cookie::Cookies;
use numberotp_core::fault::{Fault, FaultCode};
use numberotp_core::id::{AccountId, SessionId};
use numberotp_core::secret::{Secret, SecretBytes};
use numberotp_core::time::{Span, Time};
use numberotp_core::token::{self, Bearer};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// How long a browser's session lasts at most, of whoever is no admin.
pub const SESSION_LIFE: Span = SessionKind::Web.lasts(Role::Customer).most;
/// How long a JWT lasts. Source: the access token of the `/v1` layer.
pub const JWT_LIFE: Span = Span::minutes(15);
/// How many of a key's characters are kept to recognise it by: its mark and four more.
const PREFIX: usize = 9;

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    /// The session that it was made for: whoever ends that ends this.
    sid: String,
    aud: String,
    brand: i64,
    iat: i64,
    exp: i64,
}

/// What an unknown credential is answered with, whatever is wrong with it.
pub(super) fn unauthorized() -> Fault {
    Fault::new(FaultCode::Unauthorized)
}

/// The cookie of our own website: of a site that is reached over TLS alone, its name lets no other site set it.
pub const fn session_cookie(secure: bool) -> &'static str {
    if secure { "__Host-numberotp_session" } else { "numberotp_session" }
}

/// The session in the cookie of our own website, as it would stand in a header.
fn own_session<'a>(context: &Context, cookies: &Cookies<'a>) -> Option<&'a str> {
    let value = cookies.get(session_cookie(context.sign_in.is_secure()))?;
    matches!(Bearer::parse(value), Bearer::Session(_)).then_some(value)
}

/// True if one of the cookies may say who is calling.
pub fn has_session_cookie(context: &Context, cookies: &Cookies<'_>) -> bool {
    own_session(context, cookies).is_some() || authjs::has_cookie(context, cookies)
}

/// Finds out who is calling by cookies: our own website's first. The caller has seen to it that the request was sent
/// by a page that may send it.
pub async fn authenticate_cookies(context: &Context, cookies: &Cookies<'_>) -> Result<Caller, Fault> {
    if let Some(session) = own_session(context, cookies) {
        match authenticate(context, session, None).await {
            // One that is over does not keep the website's from being seen.
            Err(fault) if fault.code == FaultCode::Unauthorized => {}
            answer => return answer,
        }
    }
    let credential = authjs::by_cookies(context, cookies).await?;
    Ok(caller(CredentialKind::AuthJs, &credential))
}

/// Finds out who is calling, and from an address where the credential may be used.
pub async fn authenticate(context: &Context, bearer: &str, from: Option<IpAddr>) -> Result<Caller, Fault> {
    let unknown = unauthorized;
    let now = context.clock.now();
    let (kind, credential) = match Bearer::parse(bearer) {
        Bearer::ApiKey(hash) => (CredentialKind::ApiKey, live(context, Shown::Key(hash), now).await?),
        Bearer::Session(hash) => (CredentialKind::Session, live(context, Shown::Session(hash), now).await?),
        Bearer::Jwt(text) => match jwt_read(&context.jwt_key, &text, now) {
            Some((account, session)) => {
                let credential = live(context, Shown::Access(session), now).await?;
                (CredentialKind::Jwt, credential.filter(|credential| credential.account == account))
            }
            // None of ours, or over: the website's, where it signs its sessions.
            None => (CredentialKind::AuthJs, Some(authjs::by_token(context, text.expose()).await?)),
        },
        Bearer::AuthJs(token) => {
            (CredentialKind::AuthJs, Some(authjs::by_token(context, token.expose()).await?))
        }
        Bearer::Opaque(token) => {
            (CredentialKind::AuthJs, Some(authjs::by_row(context, token.expose()).await?))
        }
        Bearer::Unknown => return Err(unknown()),
    };
    // A good key in a wrong place is told apart from a bad one by nobody.
    let credential = credential.filter(|found| found.networks.allow(from)).ok_or_else(unknown)?;
    Ok(caller(kind, &credential))
}

fn caller(kind: CredentialKind, credential: &Credential) -> Caller {
    Caller {
        account: credential.account,
        brand: credential.brand,
        credential: kind,
        credential_id: credential.id,
        scopes: credential.scopes,
        spending: credential.spending,
        standing: credential.standing,
        role: credential.role,
    }
}

/// The live credential behind what was shown, as it was at most [`KNOWN_FOR`] ago.
async fn live(context: &Context, shown: Shown, now: Time) -> Result<Option<Credential>, Fault> {
    // Its age counts from before it is read.
    let asked = context.clock.true_now();
    if let Some(known) = context.known.get(&shown, asked) {
        return Ok(Some(known).filter(|known| now < known.ends));
    }
    let found = context.store.read(move |tx| match shown {
        Shown::Key(hash) => api_key_by_hash(tx, &hash, now),
        Shown::Session(hash) => session_by_hash(tx, &hash, now),
        Shown::Access(id) => session_by_id(tx, id, now),
        // Looked up where the website's sessions are read.
        Shown::Row(_) | Shown::Person(_) => Ok(None),
    });
    let found = found.await.map_err(from_store)?;
    if let Some(credential) = &found {
        context.known.put(shown, credential.clone(), asked);
        match shown {
            Shown::Key(_) => context.uses.note(Used::Key(credential.id), now),
            Shown::Session(_) | Shown::Access(_) => context.uses.note(Used::Session(credential.id), now),
            Shown::Row(_) | Shown::Person(_) => {}
        }
    }
    Ok(found)
}

/// A signed token for an account's session.
pub fn jwt_make(
    key: &SecretBytes,
    account: &Account,
    session: SessionId,
    now: Time,
) -> Result<Secret, Fault> {
    let claims = Claims {
        sub: account.id.get().to_string(),
        sid: session.get().to_string(),
        aud: token::AUDIENCE.to_owned(),
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

/// One algorithm, our key, our audience, not expired by our clock: whose it is, and of which session.
fn jwt_read(key: &SecretBytes, text: &Secret, now: Time) -> Option<(AccountId, SessionId)> {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_audience(&[token::AUDIENCE]);
    validation.set_required_spec_claims(&["exp", "aud", "sub"]);
    // The library reads the machine's clock; ours decides instead.
    validation.validate_exp = false;
    let decoded =
        jsonwebtoken::decode::<Claims>(text.expose(), &DecodingKey::from_secret(key.expose()), &validation);
    let claims = decoded.ok()?.claims;
    let row = |text: &str| text.parse().ok().filter(|id| *id > 0);
    let (account, session) = (AccountId::new(row(&claims.sub)?), SessionId::new(row(&claims.sid)?));
    (now.unix_seconds() < claims.exp).then_some((account, session))
}

/// The account and the session that a good access token was made for.
pub(super) fn jwt_session(context: &Context, text: &str, now: Time) -> Option<(AccountId, SessionId)> {
    let Bearer::Jwt(text) = Bearer::parse(text) else { return None };
    jwt_read(&context.jwt_key, &text, now)
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
    let prefix = text.get(..PREFIX).unwrap_or_default().to_owned();
    let (brand, account) = (account.brand, account.id);
    NewApiKey {
        brand,
        account,
        name: name.to_owned(),
        hash: token::hash(text),
        prefix,
        last_four,
        scopes,
        terms: KeyTerms::default(),
        now,
    }
}

/// A fresh session's token.
pub fn session_make() -> Result<Secret, NoEntropy> {
    Ok(token::session(&entropy::bytes::<43>()?))
}

/// Stores a browser's session.
pub fn session_store(
    tx: &mut Tx<'_>,
    account: &Account,
    session: &Secret,
    (device, now): (Device, Time),
) -> Result<SessionId, StoreError> {
    let kind = SessionKind::Web;
    let lasts = (now, kind.lasts(account.role).kept_until(now, now));
    let (brand, account, hash) = (account.brand, account.id, token::hash(session.expose()));
    session_create(tx, &NewSession { brand, account, kind, hash, device, lasts })
}
