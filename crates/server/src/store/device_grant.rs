//! Devices that want to sign in and wait for a person's word (RFC 8628). Their codes stand here as digests.
//!
//! Guards that a grant is decided once, by one person, and gives one session, once; a device that asks again after it
//! got its tokens ends them, because one of the two who know its code is a thief.

use super::StoreError;
use super::account::{Account, account_get};
use super::db::{Row, statements};
use super::refresh::session_end;
use super::session::{Device, NewSession, SessionKind, session_create, session_prove};
use super::tx::{Sequence, Tx};
use numberotp_core::caller::Standing;
use numberotp_core::id::{AccountId, SessionId};
use numberotp_core::time::{Span, Time};
use numberotp_core::token::TokenHash;

statements! {
    /// A new grant; a second one with the same code for people is refused.
    DEVICE_GRANT_INSERT = "INSERT INTO device_grants (id, device_code, user_code, client, device_name, network, status, created_at, expires_at, poll_every) VALUES ($1, $2, $3, $4, $5, $6, 'pending', $7, $8, $9) ON CONFLICT (user_code) DO NOTHING";
    /// One that a person is asked about.
    DEVICE_GRANT_BY_USER = "SELECT id, client, device_name, network, status, created_at, expires_at FROM device_grants WHERE user_code = $1 AND expires_at > $2";
    /// Decides one that nobody decided.
    DEVICE_GRANT_DECIDE = "UPDATE device_grants SET status = $3, account_id = $4, proved_at = $5 WHERE user_code = $1 AND expires_at > $2 AND status = 'pending'";
    /// One that its device asks about, locked.
    DEVICE_GRANT_POLL = "SELECT id, client, device_name, status, account_id, session_id, expires_at, polled_at, poll_every, proved_at FROM device_grants WHERE device_code = $1 LOCKED";
    /// It asked.
    DEVICE_GRANT_POLLED = "UPDATE device_grants SET polled_at = $2, poll_every = $3 WHERE id = $1";
    /// It got its session.
    DEVICE_GRANT_USED = "UPDATE device_grants SET status = 'used', session_id = $2 WHERE id = $1";
    /// Grants past their time.
    DEVICE_GRANTS_PURGE = "DELETE FROM device_grants WHERE expires_at <= $1";
}

/// How long a device may wait.
pub const GRANT_LIFE: Span = Span::minutes(10);
/// How long it waits between two questions, and how much longer after each that came too early.
pub const POLL_EVERY: Span = Span::seconds(5);
/// A question may come this much early: networks are not even.
const POLL_EARLY: Span = Span::seconds(1);
/// Kept this long after its end, so that its device is told what it missed.
const KEPT: Span = Span::hours(1);

/// Where a grant stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GrantStatus {
    /// Nobody decided.
    Pending,
    /// A person let it in.
    Approved,
    /// A person did not.
    Denied,
    /// It has its tokens.
    Used,
}

impl GrantStatus {
    /// The word in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Used => "used",
        }
    }
    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        let all = [Self::Pending, Self::Approved, Self::Denied, Self::Used];
        all.into_iter().find(|status| status.as_str() == text)
    }
}

/// A device that wants to sign in.
#[derive(Clone, Debug)]
pub struct NewGrant {
    /// Digest of the code that it keeps.
    pub device_code: TokenHash,
    /// Digest of the code that it shows.
    pub user_code: [u8; 32],
    /// What it says it is.
    pub device: Device,
    /// Now.
    pub now: Time,
}

/// A grant as the person sees it who is to decide.
#[derive(Clone, Debug)]
pub struct Grant {
    /// What the device says it is.
    pub device: Device,
    /// Where it stands.
    pub status: GrantStatus,
    /// When it was asked for, and until when it may be decided.
    pub lasts: (Time, Time),
}

/// What a person's decision came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decided {
    /// It is decided.
    Done,
    /// It was before.
    Before,
    /// There is none such, or its time is over.
    Missing,
}

/// A device's question.
#[derive(Clone, Debug)]
pub struct Poll {
    /// Digest of its code.
    pub device_code: TokenHash,
    /// Hash of the refresh token that it gets if it is let in.
    pub refresh: TokenHash,
    /// What it says of itself now; empty parts are taken from its first question.
    pub device: Device,
    /// Now.
    pub now: Time,
}

/// The answer to that.
#[derive(Clone, Debug)]
pub enum Polled {
    /// It is in, until then if it does not ask again.
    In(Box<Account>, SessionId, Time),
    /// Nobody decided yet.
    Pending,
    /// The same, and it asked too early.
    TooEarly,
    /// A person said no.
    Denied,
    /// Its time is over.
    Expired,
    /// It got its tokens before; they are worth nothing now. Whose they were.
    Used(Option<AccountId>),
    /// There is none such.
    Unknown,
}

/// Stores a grant. False: another one has the same code for people.
pub fn device_grant_create(tx: &mut Tx<'_>, new: &NewGrant) -> Result<bool, StoreError> {
    let row = [
        tx.next_id(Sequence::Row)?.into(),
        new.device_code.0.as_slice().into(),
        new.user_code.as_slice().into(),
        new.device.platform.as_str().into(),
        new.device.name.as_str().into(),
        new.device.network.as_str().into(),
        new.now.micros().into(),
        new.now.plus(GRANT_LIFE).micros().into(),
        POLL_EVERY.as_micros().into(),
    ];
    Ok(tx.execute(&DEVICE_GRANT_INSERT, &row)? > 0)
}

/// The grant with this code for people, while it may be decided or was just now.
pub fn device_grant_shown(
    tx: &mut Tx<'_>,
    user_code: &[u8; 32],
    now: Time,
) -> Result<Option<Grant>, StoreError> {
    let found = tx.query_one(&DEVICE_GRANT_BY_USER, &[user_code.as_slice().into(), now.micros().into()])?;
    let read = |mut row: Row| {
        let _id = row.int("id")?;
        let device = Device {
            platform: row.text("client")?,
            name: row.text("device_name")?,
            network: row.text("network")?,
        };
        let status = row.parsed("status", GrantStatus::parse)?;
        let mut time = |column| row.int(column).map(Time::from_micros);
        Ok(Grant { device, status, lasts: (time("created_at")?, time("expires_at")?) })
    };
    found.map(read).transpose()
}

/// Lets a device in, or not. `proved_at`: when the person who decides last proved to be there.
pub fn device_grant_decide(
    tx: &mut Tx<'_>,
    user_code: &[u8; 32],
    (account, status, proved_at): (AccountId, GrantStatus, Time),
    now: Time,
) -> Result<Decided, StoreError> {
    let row = [
        user_code.as_slice().into(),
        now.micros().into(),
        status.as_str().into(),
        account.get().into(),
        proved_at.micros().into(),
    ];
    if tx.execute(&DEVICE_GRANT_DECIDE, &row)? > 0 {
        return Ok(Decided::Done);
    }
    let there = device_grant_shown(tx, user_code, now)?.is_some();
    Ok(if there { Decided::Before } else { Decided::Missing })
}

/// Answers a device's question; one that was let in gets its session.
pub fn device_grant_poll(tx: &mut Tx<'_>, poll: &Poll) -> Result<Polled, StoreError> {
    let Some(mut row) = tx.query_one(&DEVICE_GRANT_POLL, &[poll.device_code.0.as_slice().into()])? else {
        return Ok(Polled::Unknown);
    };
    let now = poll.now;
    let id = row.int("id")?;
    let first =
        Device { platform: row.text("client")?, name: row.text("device_name")?, network: String::new() };
    let status = row.parsed("status", GrantStatus::parse)?;
    let account = row.opt_int("account_id")?.map(AccountId::new);
    let session = row.opt_int("session_id")?.map(SessionId::new);
    let expired = now.micros() >= row.int("expires_at")?;
    let polled_at = row.opt_int("polled_at")?.map(Time::from_micros);
    let every = Span::micros(row.int("poll_every")?);
    let proved_at = Time::from_micros(row.opt_int("proved_at")?.unwrap_or(0));
    match (status, account) {
        (GrantStatus::Used, _) => {
            session.map_or(Ok(()), |session| session_end(tx, session, now))?;
            Ok(Polled::Used(account))
        }
        _ if expired => Ok(Polled::Expired),
        (GrantStatus::Denied, _) => Ok(Polled::Denied),
        (GrantStatus::Approved, Some(account)) => let_in(tx, (id, account, proved_at), first, poll),
        (GrantStatus::Approved, None) => Ok(Polled::Unknown),
        (GrantStatus::Pending, _) => {
            let early = polled_at.is_some_and(|before| now < before.plus(every).minus(POLL_EARLY));
            let every = if early {
                Span::micros(every.as_micros().saturating_add(POLL_EVERY.as_micros()))
            } else {
                every
            };
            let row = [id.into(), now.micros().into(), every.as_micros().into()];
            tx.execute(&DEVICE_GRANT_POLLED, &row)?;
            Ok(if early { Polled::TooEarly } else { Polled::Pending })
        }
    }
}

fn let_in(
    tx: &mut Tx<'_>,
    (id, account, proved_at): (i64, AccountId, Time),
    first: Device,
    poll: &Poll,
) -> Result<Polled, StoreError> {
    let account = account_get(tx, account)?.filter(|account| account.standing != Standing::Closed);
    let Some(account) = account else { return Ok(Polled::Denied) };
    let filled = |given: &str, first: String| if given.is_empty() { first } else { given.to_owned() };
    let device = Device {
        platform: filled(&poll.device.platform, first.platform),
        name: filled(&poll.device.name, first.name),
        network: poll.device.network.clone(),
    };
    let (brand, kind, hash, now) = (account.brand, SessionKind::Device, poll.refresh, poll.now);
    let lasting = kind.lasts(account.role);
    let lasts = (now, lasting.kept_until(now, now));
    let session = NewSession { brand, account: account.id, kind, hash, device, lasts };
    let session = session_create(tx, &session)?;
    // Letting a device in proves nothing anew: else whoever finds a browser open would be there for ever.
    session_prove(tx, (account.id, session), proved_at)?;
    tx.execute(&DEVICE_GRANT_USED, &[id.into(), session.get().into()])?;
    Ok(Polled::In(Box::new(account), session, lasting.ends(now, now)))
}

/// Forgets grants past their time.
pub fn device_grants_purge(tx: &mut Tx<'_>, now: Time) -> Result<(), StoreError> {
    tx.execute(&DEVICE_GRANTS_PURGE, &[now.minus(KEPT).micros().into()]).map(drop)
}
