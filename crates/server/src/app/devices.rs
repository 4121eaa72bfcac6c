//! Signing a device in that has no keyboard to speak of: it shows a code, a person types that code where the person is
//! signed in, and decides. Source: RFC 8628.
//!
//! Guards that a code for people cannot be guessed: after five wrong ones a person, and a network, wait a quarter of an
//! hour. Codes stand in the database as digests.

use super::codes::digest;
use super::from_store;
use super::oauth::{Denial, Refused, Tokens, refresh_make};
use super::sign_in::password_mark;
use crate::app::Context;
use crate::entropy;
use crate::store::account::{account_get, account_signed_since, account_standing_locked};
use crate::store::device_grant::{
    Decided, GRANT_LIFE, NewGrant, POLL_EVERY, Poll, Polled, device_grant_create, device_grant_decide,
    device_grant_poll, device_grant_shown,
};
pub use crate::store::device_grant::{Grant, GrantStatus};
use crate::store::guess::{Subject, guess_failed, guess_is_closed};
use crate::store::password::password_get;
use crate::store::session::{Device, session_by_id};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use numberotp_core::caller::{Caller, CredentialKind, Standing};
use numberotp_core::fault::{Fault, FaultCode};
use numberotp_core::guesses::Patience;
use numberotp_core::id::{AccountId, SessionId};
use numberotp_core::secret::{Secret, SecretBytes};
use numberotp_core::time::{Span, Time};
use numberotp_core::token;

/// How often a code is drawn anew if another device shows the same: once is hardly ever needed.
const DRAWS: usize = 4;
/// What whoever guesses is told to wait, in seconds.
const WAIT_S: u32 = 15 * 60;

/// What a device shows and keeps.
pub struct Begun {
    /// What it keeps.
    pub device_code: Secret,
    /// What it shows, in two halves.
    pub user_code: String,
    /// How long that is good, and how long it waits between two questions.
    pub lasts: (Span, Span),
}

/// A device wants to sign in.
pub async fn begin(context: &Context, device: Device) -> Result<Begun, Fault> {
    let internal = |error| Fault::new(FaultCode::Internal).caused_by(error);
    for _ in 0..DRAWS {
        let device_code = token::device_code(&entropy::bytes::<43>().map_err(internal)?);
        let Some(user_code) = token::user_code(&entropy::bytes::<32>().map_err(internal)?) else { continue };
        let new = NewGrant {
            device_code: token::hash(device_code.expose()),
            user_code: known_as(context, &user_code),
            device: device.clone(),
            now: context.clock.now(),
        };
        if context.store.write(move |tx| device_grant_create(tx, &new)).await.map_err(from_store)? {
            let user_code = token::user_code_show(&user_code);
            return Ok(Begun { device_code, user_code, lasts: (GRANT_LIFE, POLL_EVERY) });
        }
    }
    Err(Fault::new(FaultCode::Overloaded))
}

fn known_as(context: &Context, user_code: &Secret) -> [u8; 32] {
    digest(context, &["device's code for people", user_code.expose()])
}

/// Who looks at a code, and from where.
#[derive(Clone, Copy, Debug)]
pub struct Looker<'a> {
    /// The signed-in person; `None`: nobody knows yet.
    pub person: Option<AccountId>,
    /// The network.
    pub network: &'a str,
}

impl Looker<'_> {
    fn subjects(&self, context: &Context) -> Vec<Subject> {
        let patience = Patience::USER_CODE;
        let account = self.person.map(|person| person.get().to_string());
        let person = account.map(|id| digest(context, &["guessed device, by account", &id]));
        let network = digest(context, &["guessed device, by network", self.network]);
        person.into_iter().chain([network]).map(|digest| Subject { digest, patience }).collect()
    }
}

/// The device that shows this code, for whoever is to decide.
pub async fn look(context: &Context, looker: Looker<'_>, typed: &str) -> Result<(Secret, Grant), Fault> {
    let now = context.clock.now();
    let code = token::user_code_read(typed).ok_or_else(|| Fault::new(FaultCode::NotFound))?;
    let (known, subjects) = (known_as(context, &code), looker.subjects(context));
    let looked = context.store.write(move |tx| {
        if guess_is_closed(tx, &subjects, now)? {
            return Ok(None);
        }
        let grant = device_grant_shown(tx, &known, now)?;
        if grant.is_none() {
            guess_failed(tx, &subjects, now)?;
        }
        Ok(Some(grant))
    });
    let Some(grant) = looked.await.map_err(from_store)? else {
        let mut fault =
            Fault::new(FaultCode::RateLimited).saying("Too many wrong codes. Wait a quarter of an hour.");
        fault.retry_after_s = Some(WAIT_S);
        return Err(fault);
    };
    let grant = grant.ok_or_else(|| Fault::new(FaultCode::NotFound))?;
    Ok((code, grant))
}

/// What a person decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decision {
    /// The device comes in, as this person, who last proved to be there then: see [`approving`](super::proof::approving).
    Approve(Time),
    /// It does not.
    Deny,
}

/// A person lets a device in, or not; once.
pub async fn decide(
    context: &Context,
    looker: Looker<'_>,
    (typed, decision): (&str, Decision),
) -> Result<GrantStatus, Fault> {
    let (decision, proved_at) = match decision {
        Decision::Approve(proved_at) => (GrantStatus::Approved, proved_at),
        Decision::Deny => (GrantStatus::Denied, Time::default()),
    };
    let account = looker.person.ok_or_else(|| Fault::new(FaultCode::Unauthorized))?;
    let person = context.store.read(move |tx| account_get(tx, account)).await.map_err(from_store)?;
    person.ok_or_else(|| Fault::new(FaultCode::Unauthorized))?.standing.may_use()?;
    let (code, _grant) = look(context, looker, typed).await?;
    let (known, now) = (known_as(context, &code), context.clock.now());
    let decided = context.store.write(move |tx| {
        // Whoever stops the account locks it first too, and then shuts its devices out: of the two, the second sees what
        // the first did.
        let standing = account_standing_locked(tx, account)?.unwrap_or(Standing::Closed);
        match standing.may_use() {
            Ok(()) => device_grant_decide(tx, &known, (account, decision, proved_at), now).map(Ok),
            Err(fault) => Ok(Err(fault)),
        }
    });
    match decided.await.map_err(from_store)?? {
        Decided::Done => Ok(decision),
        Decided::Before => {
            Err(Fault::new(FaultCode::InvalidState).saying("Somebody decided about this device before."))
        }
        Decided::Missing => Err(Fault::new(FaultCode::NotFound)),
    }
}

/// Who may decide about which device, between two steps of a page.
pub struct Ticket {
    /// The person who proved to be it in the first step.
    pub person: AccountId,
    /// The code that was typed there.
    pub code: Secret,
    /// When the person last proved that.
    pub proved_at: Time,
    /// What proved it there.
    pub shown: Proof,
}

/// What somebody proved to be a person by: what has to hold still when the ticket is used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Proof {
    /// The password, by what stands for it.
    Password([u8; 32]),
    /// This sign-in.
    Session(SessionId),
    /// A website's word, or a code from a mail: neither has a row here that could end.
    Word,
}

impl Proof {
    /// What a caller's request proves it by.
    pub const fn of(caller: &Caller) -> Self {
        match caller.credential {
            CredentialKind::Session | CredentialKind::Jwt | CredentialKind::ApiKey => {
                Self::Session(SessionId::new(caller.credential_id))
            }
            CredentialKind::AuthJs => Self::Word,
        }
    }

    fn text(self) -> String {
        match self {
            Self::Password(mark) => format!("password {}", URL_SAFE_NO_PAD.encode(mark)),
            Self::Session(session) => format!("session {}", session.get()),
            Self::Word => "word -".to_owned(),
        }
    }

    fn read(word: &str, text: &str) -> Option<Self> {
        match word {
            "password" => Some(Self::Password(URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?)),
            "session" => Some(Self::Session(SessionId::new(text.parse().ok()?))),
            "word" => Some(Self::Word),
            _ => None,
        }
    }
}

const TICKET: &str = "ticket of the page for devices";

/// A ticket as text that nobody can read or make.
pub fn ticket(context: &Context, ticket: &Ticket) -> Result<Secret, Fault> {
    let ends = context.clock.now().plus(GRANT_LIFE).micros();
    let (person, proved_at) = (ticket.person.get(), ticket.proved_at.micros());
    let text = format!("{person} {ends} {} {proved_at} {}", ticket.code.expose(), ticket.shown.text());
    let sealed = context.vault.wrap(TICKET, &SecretBytes::new(text.into_bytes()));
    let sealed = sealed.map_err(|error| Fault::new(FaultCode::Internal).caused_by(error))?;
    Ok(Secret::new(URL_SAFE_NO_PAD.encode(sealed)))
}

/// Reads one that is not too old, and not from before its person ended all sign-ins or changed the password: neither since
/// it was made, nor while the password was compared that it was made for. The sign-in that it was made by is not over.
pub async fn ticket_read(context: &Context, text: &str) -> Result<Option<Ticket>, Fault> {
    let Some((ticket, made)) = ticket_open(context, text) else { return Ok(None) };
    let (person, shown, now) = (ticket.person, ticket.shown, context.clock.now());
    let read = context.store.snapshot(move |tx| {
        let session = match shown {
            Proof::Session(id) => session_by_id(tx, id, now)?,
            Proof::Password(_) | Proof::Word => None,
        };
        Ok((account_signed_since(tx, person)?, password_get(tx, person)?, session))
    });
    let (since, kept, session) = read.await.map_err(from_store)?;
    let holds = match shown {
        Proof::Password(mark) => kept.is_some_and(|kept| password_mark(context, &kept) == mark),
        Proof::Session(_) => session.is_some_and(|session| session.account == person),
        Proof::Word => true,
    };
    Ok(since.filter(|since| holds && *since <= made).map(|_| ticket))
}

fn ticket_open(context: &Context, text: &str) -> Option<(Ticket, Time)> {
    let opened = context.vault.unwrap(TICKET, &URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
    let text = std::str::from_utf8(opened.expose()).ok()?;
    let mut parts = text.split(' ');
    let (person, ends) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let code = Secret::new(parts.next()?);
    let proved_at = Time::from_micros(parts.next()?.parse().ok()?);
    let shown = Proof::read(parts.next()?, parts.next()?)?;
    let ticket = Ticket { person: AccountId::new(person), code, proved_at, shown };
    let ends = Time::from_micros(ends);
    (context.clock.now() < ends).then(|| (ticket, ends.minus(GRANT_LIFE)))
}

/// A device asks whether it may come in.
pub async fn poll(context: &Context, device_code: &str, device: Device) -> Result<Tokens, Refused> {
    let unknown = Denial::InvalidGrant("The device code is not valid, or was used before. Begin again.");
    let device_code = token::device_code_read(device_code).ok_or(unknown)?;
    let (refresh, hash) = refresh_make()?;
    let poll = Poll { device_code, refresh: hash, device, now: context.clock.now() };
    let polled = context.store.write(move |tx| device_grant_poll(tx, &poll)).await.map_err(from_store)?;
    Err(match polled {
        Polled::In(account, session, ends) => {
            return Ok(Tokens::new(context, *account, (session, ends), refresh)?);
        }
        Polled::Pending => Denial::AuthorizationPending,
        Polled::TooEarly => Denial::SlowDown,
        Polled::Denied => Denial::AccessDenied,
        Polled::Expired => Denial::ExpiredToken,
        Polled::Used(account) => {
            if let Some(account) = account {
                context.known.forget(account);
            }
            unknown
        }
        Polled::Unknown => unknown,
    }
    .into())
}
