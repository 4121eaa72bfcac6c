//! How programs sign in for a person: by a device's code, a password or a code from a mail, and how they stay signed in.
//!
//! Guards that a refresh token is exchanged once, and that its reuse ends what it belongs to on every server within a
//! second. What is refused is refused in the words of RFC 6749; a fault of ours never looks like one of the caller's,
//! because clients throw their tokens away then.

use super::auth::{JWT_LIFE, jwt_make, jwt_session};
use super::codes::{self, About, Purpose};
use super::from_store;
use super::keepsake::Whence;
use super::sign_in::{Given, Shown, second_factor, with_password};
use super::sign_up::first_standing;
use crate::app::Context;
use crate::entropy;
use crate::store::account::{Account, NewAccount, account_by_email, account_create, account_prove};
use crate::store::refresh::{Exchange, Exchanged, refresh_exchange, refresh_revoke, session_end};
use crate::store::session::{Device, NewSession, SessionKind, session_create};
use crate::store::{StoreError, Tx};
use numberotp_core::caller::{Role, Standing};
use numberotp_core::fault::{Fault, FaultCode};
use numberotp_core::id::{BrandId, SessionId};
use numberotp_core::secret::{Secret, SecretBytes};
use numberotp_core::text::{Email, display_name};
use numberotp_core::time::Time;
use numberotp_core::token::{self, TokenHash};

/// Why no tokens are given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Denial {
    /// Something is missing or has a wrong form.
    InvalidRequest(&'static str),
    /// A code, a password or a token is not good, or no longer.
    InvalidGrant(&'static str),
    /// Nobody signs in this way here.
    UnsupportedGrantType,
    /// Nobody let the device in yet.
    AuthorizationPending,
    /// The same, and it asks too often.
    SlowDown,
    /// A person did not let it in.
    AccessDenied,
    /// It waited too long.
    ExpiredToken,
}

impl Denial {
    /// The word of the standard. Source: RFC 6749, 5.2, and RFC 8628, 3.5.
    pub const fn word(self) -> &'static str {
        match self {
            Self::InvalidRequest(_) => "invalid_request",
            Self::InvalidGrant(_) => "invalid_grant",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::AuthorizationPending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::AccessDenied => "access_denied",
            Self::ExpiredToken => "expired_token",
        }
    }
    /// A sentence for people.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::InvalidRequest(sentence) | Self::InvalidGrant(sentence) => sentence,
            Self::UnsupportedGrantType => "This grant type is not known here.",
            Self::AuthorizationPending => "Nobody approved this device yet. Ask again after the interval.",
            Self::SlowDown => "You ask too often. Wait 5 seconds longer between two questions from now on.",
            Self::AccessDenied => "The sign-in was denied.",
            Self::ExpiredToken => "The device code has expired. Begin again.",
        }
    }
}

/// Why no tokens are given: the caller's matter, or ours.
#[derive(Debug)]
pub enum Refused {
    /// In the words of the standard.
    Denied(Denial),
    /// Anything else.
    Fault(Fault),
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        match fault.code {
            FaultCode::InvalidCredentials => {
                Self::Denied(Denial::InvalidGrant("The e-mail, the password or a code is not right."))
            }
            FaultCode::TotpRequired => Self::Denied(Denial::InvalidGrant(
                "This account has a second factor: send its code in `totp` as well.",
            )),
            _ => Self::Fault(fault),
        }
    }
}

impl From<Denial> for Refused {
    fn from(denial: Denial) -> Self {
        Self::Denied(denial)
    }
}

/// What a program is given.
pub struct Tokens {
    /// For requests, for minutes.
    pub access: Secret,
    /// For the next tokens.
    pub refresh: Secret,
    /// How long those last, in seconds.
    pub lasts: (i64, i64),
    /// Whose they are.
    pub account: Account,
}

impl Tokens {
    pub(super) fn new(
        context: &Context,
        account: Account,
        (session, ends): (SessionId, Time),
        refresh: Secret,
    ) -> Result<Self, Fault> {
        let now = context.clock.now();
        let access = jwt_make(&context.jwt_key, &account, session, now)?;
        let lasts = (JWT_LIFE.as_micros() / 1_000_000, ends.since(now).as_micros() / 1_000_000);
        Ok(Self { access, refresh, lasts, account })
    }
}

/// A fresh refresh token, and its hash.
pub(super) fn refresh_make() -> Result<(Secret, TokenHash), Fault> {
    let random = entropy::bytes::<43>().map_err(|error| Fault::new(FaultCode::Internal).caused_by(error))?;
    let refresh = token::refresh(&random);
    let hash = token::hash(refresh.expose());
    Ok((refresh, hash))
}

/// Exchanges a refresh token for the next.
pub async fn refresh(context: &Context, given: &str) -> Result<Tokens, Refused> {
    let gone = Denial::InvalidGrant("The refresh token is not valid any more. Sign in again.");
    let old = token::refresh_read(given).ok_or(gone)?;
    let (fresh, new) = refresh_make()?;
    let name = place(&old);
    let internal = |error| Fault::new(FaultCode::Internal).caused_by(error);
    let sealed = context.vault.wrap(&name, &SecretBytes::new(fresh.expose().as_bytes())).map_err(internal)?;
    let exchange = Exchange { old, new, sealed, now: context.clock.now() };
    let exchanged =
        context.store.write(move |tx| refresh_exchange(tx, &exchange)).await.map_err(from_store)?;
    match exchanged {
        Exchanged::Rotated(account, session, ends) => {
            Ok(Tokens::new(context, *account, (session, ends), fresh)?)
        }
        Exchanged::Again(account, session, ends, sealed) => {
            let opened = context.vault.unwrap(&name, &sealed).map_err(internal)?;
            let text = String::from_utf8(opened.expose().to_vec())
                .map_err(|_odd| Fault::new(FaultCode::Internal))?;
            Ok(Tokens::new(context, *account, (session, ends), Secret::new(text))?)
        }
        Exchanged::Reused(account) => {
            context.known.forget(account);
            tracing::warn!(account = account.get(), "a refresh token came again: its device is signed out");
            Err(gone.into())
        }
        Exchanged::Unknown => Err(gone.into()),
    }
}

/// What a sealed successor is bound to: the token that it follows.
fn place(old: &TokenHash) -> String {
    let digits: String = old.0.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("successor of refresh token {digits}")
}

/// Signs a device in with a password.
pub async fn password(context: &Context, given: &Given<'_>, device: Device) -> Result<Tokens, Refused> {
    let shown = with_password(context, given).await?;
    Ok(begin_shown(context, shown, device).await?)
}

/// A new sign-in of a device by a password that was shown, unless it was replaced since.
pub async fn begin_shown(context: &Context, shown: Shown, device: Device) -> Result<Tokens, Fault> {
    begin(context, shown.account.clone(), (device, move |tx: &mut Tx<'_>| shown.holds(tx))).await
}

/// A mailbox and the code that was sent there.
#[derive(Clone, Copy, Debug)]
pub struct Mailed<'a> {
    /// Under which white label.
    pub brand: BrandId,
    /// The address.
    pub email: &'a Email,
    /// The six digits.
    pub code: &'a str,
    /// The code of the second factor, or a recovery code, if one was given.
    pub totp: Option<&'a str>,
    /// The name of the account, if it is new.
    pub name: Option<&'a str>,
    /// The network that asks.
    pub network: &'a str,
}

/// Mails a code to sign in with. Whether there is an account is not told: if there is none, the code makes it.
pub async fn mail_code(
    context: &Context,
    brand: BrandId,
    (email, from): (&Email, Whence<'_>),
) -> Result<(), Fault> {
    codes::issue(context, &About { purpose: Purpose::SignIn, brand, email, from }, codes::Mailed::Code).await
}

/// Signs a device in with a code from a mail.
pub async fn email_code(context: &Context, given: &Mailed<'_>, device: Device) -> Result<Tokens, Refused> {
    let account = by_mail(context, given).await?;
    let account = account.ok_or(Denial::InvalidGrant("The code is not right, or no longer."))?;
    Ok(begin(context, account, (device, |_tx: &mut Tx<'_>| Ok(true))).await?)
}

/// The account that a code from a mail opens; none if it is not the code, or the account is closed. Whoever reads the
/// mailbox has the account: if there is none it is made, and one that nobody proved loses the password that somebody gave
/// it.
pub async fn by_mail(context: &Context, given: &Mailed<'_>) -> Result<Option<Account>, Fault> {
    let from = Whence::network(given.network);
    let about = About { purpose: Purpose::SignIn, brand: given.brand, email: given.email, from };
    if !codes::redeem(context, &about, given.code).await? {
        return Ok(None);
    }
    let local = given.email.as_str().split('@').next().unwrap_or_default();
    let new = NewAccount {
        brand: given.brand,
        email: given.email.clone(),
        name: given.name.and_then(display_name).or_else(|| display_name(local)).unwrap_or_default(),
        password_hash: None,
        role: Role::Customer,
        standing: first_standing(context),
        now: context.clock.now(),
    };
    let found = context.store.write(move |tx| match account_create(tx, &new)? {
        Some(made) => Ok(Some(made)),
        None => match account_by_email(tx, new.brand, &new.email)? {
            Some(account) => account_prove(tx, account.id),
            None => Ok(None),
        },
    });
    let found = found.await.map_err(from_store)?;
    let Some(account) = found.filter(|account| account.standing != Standing::Closed) else { return Ok(None) };
    // A mailbox is one factor; whoever wanted two is asked for both.
    second_factor(context, account.id, given.totp).await?;
    Ok(Some(account))
}

/// A new sign-in of a device, if what let it in still holds.
async fn begin(
    context: &Context,
    account: Account,
    (device, holds): (Device, impl Fn(&mut Tx<'_>) -> Result<bool, StoreError> + Send + 'static),
) -> Result<Tokens, Fault> {
    let now = context.clock.now();
    let (refresh, hash) = refresh_make()?;
    let (brand, kind) = (account.brand, SessionKind::Device);
    let lasting = kind.lasts(account.role);
    let (ends, lasts) = (lasting.ends(now, now), (now, lasting.kept_until(now, now)));
    let session = NewSession { brand, account: account.id, kind, hash, device, lasts };
    let made = context
        .store
        .write(move |tx| if holds(tx)? { session_create(tx, &session).map(Some) } else { Ok(None) });
    let session = made.await.map_err(from_store)?;
    let session = session.ok_or_else(|| Fault::new(FaultCode::InvalidCredentials))?;
    Tokens::new(context, account, (session, ends), refresh)
}

/// Signs a device out, by its refresh token, one that it had before, or its access token. What is none of these is
/// nobody's business: nothing is told.
pub async fn revoke(context: &Context, given: &str) -> Result<(), Fault> {
    let now = context.clock.now();
    if let Some(hash) = token::refresh_read(given) {
        let revoked =
            context.store.write(move |tx| refresh_revoke(tx, &hash, now)).await.map_err(from_store)?;
        if let Some(account) = revoked {
            context.known.forget(account);
        }
    } else if let Some((account, session)) = jwt_session(context, given, now) {
        context.store.write(move |tx| session_end(tx, session, now)).await.map_err(from_store)?;
        context.known.forget(account);
    }
    Ok(())
}
