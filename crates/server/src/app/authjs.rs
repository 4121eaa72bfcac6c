//! Whoever is signed in at the operator's website (Auth.js, NextAuth) is signed in here: an encrypted token, or a row
//! in the site's session database, becomes a caller.
//!
//! Guards: the site vouches for who somebody is, never for what they may do: role, standing and scopes are the
//! account's own. An administrator's account is never found by its e-mail. Must never write into the site's database.

use super::auth::unauthorized;
use super::from_store;
use super::known::Shown;
use crate::app::Context;
use crate::config::{AuthJsSettings, ConfigError, Mode, SignedBy, Strangers};
use crate::store::account::{Account, Credential, NewAccount, account_by_email, account_create};
use crate::store::api_key::Networks;
use crate::store::identity::{Identity, Linked, identity_create, identity_get, identity_used};
use crate::store::site::{SiteDatabase, TokenIndex};
use crate::store::{StoreError, Tx};
use numberotp_core::authjs::kept::is_worth_noting;
use numberotp_core::authjs::{Claims, Keyring, candidates};
use numberotp_core::caller::{Role, Scopes, Spending, Standing};
use numberotp_core::cookie::Cookies;
use numberotp_core::fault::{Fault, FaultCode};
use numberotp_core::id::PLATFORM;
use numberotp_core::text::{Email, display_name};
use numberotp_core::time::Time;
use numberotp_core::token;

/// Who names the people of the website: its ids.
const BY_ID: &str = "authjs";
/// The same for people of whom it says an e-mail alone.
const BY_EMAIL: &str = "authjs-email";
/// Secrets of fewer characters can be guessed by trying.
const SECRET_LEAST: usize = 32;

/// How the website's sessions are taken: its keys, derived once, and its database.
pub struct AuthJs {
    keyring: Keyring,
    strangers: Strangers,
    site: Option<SiteDatabase>,
}

/// Somebody whom the website vouches for.
struct Person {
    identity: Identity,
    email: Option<Email>,
    name: Option<String>,
    /// When their session was made; nothing for a row, which the site itself deletes.
    issued: Option<Issued>,
}

/// When a token was made, as far as it says.
#[derive(Clone, Copy, Debug)]
enum Issued {
    At(Time),
    Unsaid,
}

impl AuthJs {
    /// Derives the keys and opens the database. That may be away at the start, but what is there has to have the tables
    /// that were named.
    pub async fn open(settings: Option<&AuthJsSettings>) -> Result<Option<Self>, ConfigError> {
        let Some(settings) = settings else { return Ok(None) };
        if settings.secrets.iter().any(|secret| secret.expose().chars().count() < SECRET_LEAST) {
            tracing::warn!("a secret of the website is short; make one with `openssl rand -base64 33`");
        }
        let site = match &settings.site {
            Some((engine, schema)) => {
                let site = SiteDatabase::open(engine, schema).map_err(|error| unusable(&error))?;
                look(&site).await?;
                Some(site)
            }
            None => None,
        };
        let keyring = Keyring::new(&settings.secrets, &settings.cookies);
        let keyring = match settings.signed {
            Some(SignedBy::Hs256) => keyring.signing(&settings.secrets),
            None => keyring,
        };
        Ok(Some(Self { keyring, strangers: settings.strangers, site }))
    }
}

async fn look(site: &SiteDatabase) -> Result<(), ConfigError> {
    match site.look().await {
        Ok(TokenIndex::There) => {}
        Ok(TokenIndex::Missing) => tracing::warn!(
            "no index leads to the website's sessions by their token, so each look reads all of them; add one"
        ),
        Err(error @ StoreError::Driver(_)) => return Err(unusable(&error)),
        Err(error) => tracing::warn!(%error, "the website's session database is not there yet"),
    }
    Ok(())
}

fn unusable(error: &StoreError) -> ConfigError {
    let check = "Check --authjs-database-url and --authjs-schema";
    ConfigError(format!("The website's session database cannot be read: {error}. {check}."))
}

/// The account behind an encrypted or signed token in a header.
pub(super) async fn by_token(context: &Context, token: &str) -> Result<Credential, Fault> {
    let authjs = context.authjs.as_ref().ok_or_else(unauthorized)?;
    match authjs.keyring.open_bearer(token, context.clock.now()) {
        Ok(claims) => of_person(context, person(claims).ok_or_else(unauthorized)?).await,
        Err(why) => {
            tracing::debug!(why = why.as_str(), "a website's token was refused");
            Err(unauthorized())
        }
    }
}

/// The account behind the token of a database session.
pub(super) async fn by_row(context: &Context, token: &str) -> Result<Credential, Fault> {
    let site = context.authjs.as_ref().and_then(|authjs| authjs.site.as_ref()).ok_or_else(unauthorized)?;
    if !token::is_opaque(token) {
        return Err(unauthorized());
    }
    let shown = Shown::Row(token::hash(token));
    let (now, asked) = (context.clock.now(), context.clock.true_now());
    if let Some(known) = context.known.get(&shown, asked) {
        return if now <= known.ends { Ok(known) } else { Err(unauthorized()) };
    }
    let session = site.session(token, now).await.map_err(from_store)?.ok_or_else(unauthorized)?;
    let email = session.email.as_deref().and_then(Email::parse);
    let name = session.name.as_deref().and_then(display_name);
    let identity = Identity { brand: PLATFORM, issuer: BY_ID, subject: session.user };
    let person = Person { identity, email, name, issued: None };
    let credential = Credential { ends: session.expires, ..of_person(context, person).await? };
    context.known.put(shown, credential.clone(), asked);
    Ok(credential)
}

/// The account behind the first good session among the website's cookies.
pub(super) async fn by_cookies(context: &Context, cookies: &Cookies<'_>) -> Result<Credential, Fault> {
    let authjs = context.authjs.as_ref().ok_or_else(unauthorized)?;
    match authjs.keyring.open_cookies(cookies, context.clock.now()) {
        Some(Ok(claims)) => return of_person(context, person(claims).ok_or_else(unauthorized)?).await,
        Some(Err(why)) => tracing::debug!(why = why.as_str(), "a website's cookie was refused"),
        None => {}
    }
    if authjs.site.is_some() {
        for name in authjs.keyring.names() {
            // An encrypted token is nobody's row.
            let Some(value) = candidates(cookies, name).next().filter(|value| token::is_opaque(value)) else {
                continue;
            };
            match by_row(context, &value).await {
                Err(fault) if fault.code == FaultCode::Unauthorized => {}
                answer => return answer,
            }
        }
    }
    Err(unauthorized())
}

/// True if one of the cookies may be the website's session.
pub(super) fn has_cookie(context: &Context, cookies: &Cookies<'_>) -> bool {
    let names = context.authjs.iter().flat_map(|authjs| authjs.keyring.names());
    names.into_iter().any(|name| candidates(cookies, name).next().is_some())
}

fn person(claims: Claims) -> Option<Person> {
    let Claims { subject, email, name, issued, expires: _ } = claims;
    let (issuer, subject) = match (subject, &email) {
        (Some(subject), _) => (BY_ID, subject),
        (None, Some(email)) => (BY_EMAIL, email.as_str().to_owned()),
        (None, None) => return None,
    };
    let issued = Some(issued.map_or(Issued::Unsaid, Issued::At));
    Some(Person { identity: Identity { brand: PLATFORM, issuer, subject }, email, name, issued })
}

/// Their account: the one that was linked to them, the one with their e-mail, or a new one where strangers are welcome.
async fn of_person(context: &Context, person: Person) -> Result<Credential, Fault> {
    let Identity { issuer, subject, .. } = &person.identity;
    // All that decides: another token of the same person may be older than a sign-out. What is found for a row is
    // remembered with the row.
    let named = |issued: Issued| Shown::Person(token::hash(&format!("{issuer} {issued:?} {subject}")));
    let shown = person.issued.map(named);
    let asked = context.clock.true_now();
    if let Some(known) = shown.and_then(|shown| context.known.get(&shown, asked)) {
        return Ok(known);
    }
    let identity = person.identity.clone();
    let found = context.store.read(move |tx| identity_get(tx, &identity)).await.map_err(from_store)?;
    let linked = match found {
        Some(linked) => linked,
        None => link(context, &person).await?.ok_or_else(unauthorized)?,
    };
    let early = match person.issued {
        None => false,
        Some(Issued::At(moment)) => moment < linked.not_before,
        Some(Issued::Unsaid) => linked.not_before > Time::default(),
    };
    if early || linked.standing == Standing::Closed {
        return Err(unauthorized());
    }
    note_use(context, &linked, person.email.as_ref()).await;
    let Linked { account, brand, standing, role, .. } = linked;
    // What ends is the token or the row, and that is looked at each time.
    let ends = Time::from_micros(i64::MAX);
    let (spending, networks) = (Spending::Free, Networks::default());
    let scopes = Scopes::ALL;
    let credential = Credential { id: 0, brand, account, scopes, spending, networks, standing, role, ends };
    if let Some(shown) = shown {
        context.known.put(shown, credential.clone(), asked);
    }
    Ok(credential)
}

/// Notes that somebody came, once a day. Nobody is kept out because that cannot be written.
async fn note_use(context: &Context, linked: &Linked, email: Option<&Email>) {
    let (id, email, now) = (linked.identity, email.cloned(), context.clock.now());
    if !is_worth_noting(linked.used_at, now) {
        return;
    }
    let noted = context.store.write(move |tx| identity_used(tx, id, (email.as_ref(), now))).await;
    if let Err(error) = noted {
        tracing::debug!(%error, "when somebody of the website came could not be noted");
    }
}

/// Links somebody who comes for the first time.
async fn link(context: &Context, person: &Person) -> Result<Option<Linked>, Fault> {
    let strangers = context.authjs.as_ref().map_or(Strangers::Refused, |authjs| authjs.strangers);
    let Some(email) = person.email.clone() else { return Ok(None) };
    let (identity, name, now) = (person.identity.clone(), person.name.clone(), context.clock.now());
    let in_sandbox = context.settings.mode == Mode::Sandbox;
    let approved = context.sign_in.auto_approve.unwrap_or(in_sandbox);
    let standing = if approved { Standing::Approved } else { Standing::Pending };
    let written = context.store.write(move |tx| {
        let account = match account_by_email(tx, identity.brand, &email)? {
            Some(known) => may_be_found(&known).then_some(known),
            None if strangers == Strangers::Welcome => {
                let name = name.clone().unwrap_or_else(|| email.as_str().to_owned());
                match create(tx, (&email, name), standing, now)? {
                    // Another server was quicker.
                    None => account_by_email(tx, identity.brand, &email)?.filter(may_be_found),
                    made => made,
                }
            }
            None => None,
        };
        let Some(account) = account else { return Ok(None) };
        identity_create(tx, &identity, account.id, (&email, now))?;
        // Whoever was quicker decided.
        identity_get(tx, &identity)
    });
    let linked = written.await.map_err(from_store)?;
    if let Some(linked) = &linked {
        tracing::info!(account = linked.account.get(), "somebody of the website was linked to an account");
    }
    Ok(linked)
}

/// An e-mail that was never proved here may be anybody's, and an administrator's account is worth more than a site's
/// word.
fn may_be_found(account: &Account) -> bool {
    account.email_is_verified() && account.role != Role::Admin && account.standing != Standing::Closed
}

fn create(
    tx: &mut Tx<'_>,
    (email, name): (&Email, String),
    standing: Standing,
    now: Time,
) -> Result<Option<Account>, StoreError> {
    let name = display_name(&name).unwrap_or_else(|| "Customer".to_owned());
    let email = email.clone();
    let new =
        NewAccount { brand: PLATFORM, email, name, password_hash: None, role: Role::Customer, standing, now };
    account_create(tx, &new)
}
