//! Sessions: where people are signed in, a browser or a device each. Only hashes of their tokens are kept.
//!
//! Guards that a session is live only while it is not revoked, not over by the rule, and its account is not closed.

use super::StoreError;
use super::account::Credential;
use super::api_key::Networks;
use super::db::{Row, Value, statements};
use super::tx::{Sequence, Tx};
use numberotp_core::caller::{Role, Scopes, Spending, Standing};
use numberotp_core::id::{AccountId, BrandId, SessionId};
pub use numberotp_core::session::SessionKind;
use numberotp_core::session::{NETWORK_KNOWN, NOTED_WITHIN, SignedIn};
use numberotp_core::time::Time;
use numberotp_core::token::TokenHash;

statements! {
    /// A new session.
    SESSION_INSERT = "INSERT INTO sessions (id, brand_id, account_id, hash, kind, platform, device_name, network, created_at, expires_at, revoked_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, NULL)";
    /// A live session of a browser by its token's hash.
    SESSION_BY_HASH = "SELECT s.id, s.brand_id, s.account_id, a.standing, a.role, s.kind, s.created_at, s.last_used_at, s.expires_at FROM sessions s JOIN accounts a ON a.id = s.account_id WHERE s.hash = $1 AND s.kind = 'web' AND s.revoked_at IS NULL AND s.expires_at > $2 AND a.standing <> 'closed'";
    /// A live session by its row.
    SESSION_BY_ID = "SELECT s.id, s.brand_id, s.account_id, a.standing, a.role, s.kind, s.created_at, s.last_used_at, s.expires_at FROM sessions s JOIN accounts a ON a.id = s.account_id WHERE s.id = $1 AND s.revoked_at IS NULL AND s.expires_at > $2 AND a.standing <> 'closed'";
    /// An account's sessions that may be live, the newest first: browsers' that were used since a moment, and devices'.
    SESSIONS_OF = "SELECT s.id, a.role, s.kind, s.created_at, s.last_used_at, s.expires_at, s.platform, s.device_name, s.network FROM sessions s JOIN accounts a ON a.id = s.account_id WHERE s.account_id = $1 AND s.revoked_at IS NULL AND s.expires_at > $2 AND (s.kind <> 'web' OR COALESCE(s.last_used_at, s.created_at) > $3) ORDER BY s.created_at DESC, s.id DESC LIMIT $4";
    /// Ends one session of an account.
    SESSION_REVOKE = "UPDATE sessions SET revoked_at = $3 WHERE id = $1 AND account_id = $2 AND revoked_at IS NULL";
    /// A session was used.
    SESSION_USED = "UPDATE sessions SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)";
    /// An account's sessions that are not ended, locked in the order in which uses are noted.
    SESSIONS_HOLD = "SELECT id FROM sessions WHERE account_id = $1 AND revoked_at IS NULL ORDER BY id LOCKED";
    /// Ends every session of an account but one.
    SESSIONS_REVOKE_OTHERS = "UPDATE sessions SET revoked_at = $3 WHERE account_id = $1 AND id <> $2 AND revoked_at IS NULL";
    /// Ends the session of a token.
    SESSION_REVOKE_BY_HASH = "UPDATE sessions SET revoked_at = $2 WHERE hash = $1 AND revoked_at IS NULL";
    /// Ends every session of an account.
    SESSIONS_REVOKE = "UPDATE sessions SET revoked_at = $2 WHERE account_id = $1 AND revoked_at IS NULL";
    /// When the person of a session last proved to be there.
    SESSION_PROVED = "SELECT proved_at, created_at FROM sessions WHERE id = $1 AND account_id = $2 AND revoked_at IS NULL";
    /// The person of a live session proves to be there.
    SESSION_PROVE = "UPDATE sessions SET proved_at = $3 WHERE id = $1 AND account_id = $2 AND revoked_at IS NULL AND expires_at > $3";
    /// Whether an account signed in from a network since then, signed out or not.
    SESSION_FROM = "SELECT id FROM sessions WHERE account_id = $1 AND network = $2 AND network <> '' AND created_at > $3 LIMIT 1";
    /// Devices that an account let in and that did not come yet stay out. Only those of the last minutes may still come.
    SESSIONS_AWAITED_DENY = "UPDATE device_grants SET status = 'denied' WHERE account_id = $1 AND status = 'approved' AND expires_at > $2";
}

/// What somebody signed in with, as they say it themselves; for people to recognise it by.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Device {
    /// Such as `ios` or `cli`; empty: unknown.
    pub platform: String,
    /// Its name; empty: none.
    pub name: String,
    /// The network it came from.
    pub network: String,
}

/// A new session: whose, and what is stored of it.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// Under which white label.
    pub brand: BrandId,
    /// Whose.
    pub account: AccountId,
    /// What it is.
    pub kind: SessionKind,
    /// SHA-256 of its token.
    pub hash: TokenHash,
    /// What it was made with.
    pub device: Device,
    /// Now, and when it ends.
    pub lasts: (Time, Time),
}

/// A session as its account sees it.
#[derive(Clone, Debug)]
pub struct Session {
    /// Its row.
    pub id: SessionId,
    /// What it is.
    pub kind: SessionKind,
    /// What it was made with.
    pub device: Device,
    /// When.
    pub created_at: Time,
    /// When it was used last, as far as that was noted.
    pub last_used_at: Option<Time>,
    /// When it ends, unless it is used before that.
    pub expires_at: Time,
}

/// Stores a session.
pub fn session_create(tx: &mut Tx<'_>, new: &NewSession) -> Result<SessionId, StoreError> {
    let id = SessionId::new(tx.next_id(Sequence::Row)?);
    let (now, expires_at) = new.lasts;
    let row = [
        id.get().into(),
        new.brand.get().into(),
        new.account.get().into(),
        new.hash.0.as_slice().into(),
        new.kind.as_str().into(),
        new.device.platform.as_str().into(),
        new.device.name.as_str().into(),
        new.device.network.as_str().into(),
        now.micros().into(),
        expires_at.micros().into(),
    ];
    tx.execute(&SESSION_INSERT, &row)?;
    Ok(id)
}

/// The live session of a browser with this hash.
pub fn session_by_hash(
    tx: &mut Tx<'_>,
    hash: &TokenHash,
    now: Time,
) -> Result<Option<Credential>, StoreError> {
    let parameters = [hash.0.as_slice().into(), now.micros().into()];
    let found = tx.query_one(&SESSION_BY_HASH, &parameters)?.map(read_credential).transpose()?;
    Ok(found.filter(|session| now < session.ends))
}

/// The live session of this row.
pub fn session_by_id(tx: &mut Tx<'_>, id: SessionId, now: Time) -> Result<Option<Credential>, StoreError> {
    let parameters = [id.get().into(), now.micros().into()];
    let found = tx.query_one(&SESSION_BY_ID, &parameters)?.map(read_credential).transpose()?;
    Ok(found.filter(|session| now < session.ends))
}

/// An account's live sessions, the newest first.
pub fn sessions_of(
    tx: &mut Tx<'_>,
    account: AccountId,
    (now, limit): (Time, i64),
) -> Result<Vec<Session>, StoreError> {
    let longest = SessionKind::Web.lasts(Role::Customer).unused;
    let since = now.minus(longest).minus(NOTED_WITHIN);
    let parameters = [account.get().into(), now.micros().into(), since.micros().into(), limit.into()];
    let found: Result<Vec<Session>, StoreError> =
        tx.query(&SESSIONS_OF, &parameters)?.into_iter().map(read_session).collect();
    Ok(found?.into_iter().filter(|session| now < session.expires_at).collect())
}

/// Ends one session of an account. False: it has none such that is live.
pub fn session_revoke(
    tx: &mut Tx<'_>,
    (account, id): (AccountId, SessionId),
    now: Time,
) -> Result<bool, StoreError> {
    let parameters: [Value; 3] = [id.get().into(), account.get().into(), now.micros().into()];
    awaited_deny(tx, account, now)?;
    Ok(tx.execute(&SESSION_REVOKE, &parameters)? > 0)
}

/// Keeps out the devices that were let in by a session that ends now: they would begin another.
fn awaited_deny(tx: &mut Tx<'_>, account: AccountId, now: Time) -> Result<(), StoreError> {
    tx.execute(&SESSIONS_AWAITED_DENY, &[account.get().into(), now.micros().into()]).map(drop)
}

/// Has whoever notes uses of an account's sessions wait until this transaction ends, or waits for them. An update by itself
/// locks rows in an order of its own, and each of the two would wait for the other.
fn sessions_hold(tx: &mut Tx<'_>, account: AccountId) -> Result<(), StoreError> {
    tx.query(&SESSIONS_HOLD, &[account.get().into()]).map(drop)
}

/// Ends every session of an account, and those that devices are about to begin; answers how many live ones that were.
pub fn sessions_revoke(tx: &mut Tx<'_>, account: AccountId, now: Time) -> Result<u64, StoreError> {
    awaited_deny(tx, account, now)?;
    sessions_hold(tx, account)?;
    tx.execute(&SESSIONS_REVOKE, &[account.get().into(), now.micros().into()])
}

/// Whether an account is known from a network, because it signed in from there lately.
pub fn session_from(
    tx: &mut Tx<'_>,
    (account, network): (AccountId, &str),
    now: Time,
) -> Result<bool, StoreError> {
    let since = now.minus(NETWORK_KNOWN).micros();
    Ok(tx.query_one(&SESSION_FROM, &[account.get().into(), network.into(), since.into()])?.is_some())
}

/// When the person of a session last proved to be there: when it began, or later. `None`: the account has none such.
pub fn session_proved_at(
    tx: &mut Tx<'_>,
    (account, id): (AccountId, SessionId),
) -> Result<Option<Time>, StoreError> {
    let Some(mut row) = tx.query_one(&SESSION_PROVED, &[id.get().into(), account.get().into()])? else {
        return Ok(None);
    };
    let again = row.opt_int("proved_at")?;
    let began = row.int("created_at")?;
    Ok(Some(Time::from_micros(again.unwrap_or(began))))
}

/// The person of a session proves to be there now. False: the account has none such that is live.
pub fn session_prove(
    tx: &mut Tx<'_>,
    (account, id): (AccountId, SessionId),
    now: Time,
) -> Result<bool, StoreError> {
    let parameters: [Value; 3] = [id.get().into(), account.get().into(), now.micros().into()];
    Ok(tx.execute(&SESSION_PROVE, &parameters)? > 0)
}

/// Notes when a session was used.
pub fn session_used(tx: &mut Tx<'_>, id: i64, at: Time) -> Result<(), StoreError> {
    tx.execute(&SESSION_USED, &[id.into(), at.micros().into()]).map(drop)
}

/// Ends every session of an account but this one, and those that devices are about to begin; answers how many live ones
/// that were.
pub fn sessions_revoke_others(
    tx: &mut Tx<'_>,
    (account, keep): (AccountId, i64),
    now: Time,
) -> Result<u64, StoreError> {
    awaited_deny(tx, account, now)?;
    sessions_hold(tx, account)?;
    tx.execute(&SESSIONS_REVOKE_OTHERS, &[account.get().into(), keep.into(), now.micros().into()])
}

/// Ends the session of a token, whosever it is: whoever has the token may.
pub fn session_revoke_by_hash(tx: &mut Tx<'_>, hash: &TokenHash, now: Time) -> Result<(), StoreError> {
    tx.execute(&SESSION_REVOKE_BY_HASH, &[hash.0.as_slice().into(), now.micros().into()]).map(drop)
}

fn read_credential(mut row: Row) -> Result<Credential, StoreError> {
    let (id, brand, account) = (row.int("id")?, row.int("brand_id")?, row.int("account_id")?);
    let standing = row.parsed("standing", Standing::parse)?;
    let signed_in = read_signed_in(&mut row)?;
    Ok(Credential {
        id,
        brand: BrandId::new(brand),
        account: AccountId::new(account),
        scopes: Scopes::ALL,
        spending: Spending::Free,
        networks: Networks::default(),
        standing,
        role: signed_in.role,
        ends: signed_in.ends(),
    })
}

/// What decides when a session ends, from its account's role to the end that is kept with it.
fn read_signed_in(row: &mut Row) -> Result<SignedIn, StoreError> {
    Ok(SignedIn {
        role: row.parsed("role", Role::parse)?,
        kind: row.parsed("kind", SessionKind::parse)?,
        began: Time::from_micros(row.int("created_at")?),
        noted: row.opt_int("last_used_at")?.map(Time::from_micros),
        kept_until: Time::from_micros(row.int("expires_at")?),
    })
}

fn read_session(mut row: Row) -> Result<Session, StoreError> {
    let id = SessionId::new(row.int("id")?);
    let signed_in = read_signed_in(&mut row)?;
    Ok(Session {
        id,
        kind: signed_in.kind,
        device: Device {
            platform: row.text("platform")?,
            name: row.text("device_name")?,
            network: row.text("network")?,
        },
        created_at: signed_in.began,
        last_used_at: signed_in.noted,
        expires_at: signed_in.ends(),
    })
}
