//! Refresh tokens: each is exchanged once for the next. The current one's hash stands with its session, those before it
//! in a table of their own.
//!
//! Guards that of any number of exchanges of one token, on any number of servers, one makes the successor and the
//! others get the same one for a few seconds; a token that comes after that was stolen, or its successor was: the
//! session ends, and everything that was signed for it.

use super::StoreError;
use super::account::{Account, account_get};
use super::db::{Row, statements};
use super::log::{Entry, LOG_INSERT};
use super::tx::{Sequence, Tx};
use numberotp_core::caller::Standing;
use numberotp_core::id::{AccountId, SessionId};
pub use numberotp_core::session::REFRESH_LIFE;
use numberotp_core::session::{SessionKind, SignedIn};
use numberotp_core::time::{Span, Time};
use numberotp_core::token::TokenHash;

statements! {
    /// The live session of a current refresh token, locked: whoever comes second finds that it is current no more.
    REFRESH_CURRENT = "SELECT id, account_id, created_at, last_used_at, expires_at FROM sessions WHERE hash = $1 AND kind = 'device' AND revoked_at IS NULL AND expires_at > $2 LOCKED";
    /// A token that was exchanged, of a session that lives.
    REFRESH_ROTATED = "SELECT s.id, s.account_id, r.rotated_at, r.successor, s.created_at, s.last_used_at, s.expires_at FROM rotated_tokens r JOIN sessions s ON s.id = r.session_id WHERE r.hash = $1 AND s.revoked_at IS NULL AND s.expires_at > $2";
    /// A session has another token.
    REFRESH_ROTATE = "UPDATE sessions SET hash = $2, expires_at = $3, last_used_at = $4 WHERE id = $1";
    /// What it had before.
    REFRESH_REMEMBER = "INSERT INTO rotated_tokens (id, hash, session_id, rotated_at, successor) VALUES ($1, $2, $3, $4, $5)";
    /// The session that a token belongs to, current or not.
    REFRESH_SESSION = "SELECT id, account_id FROM sessions WHERE hash = $1 AND kind = 'device' UNION SELECT s.id, s.account_id FROM rotated_tokens r JOIN sessions s ON s.id = r.session_id WHERE r.hash = $1";
    /// Successors that nobody can ask for any more.
    REFRESH_EMPTY = "UPDATE rotated_tokens SET successor = $3 WHERE rotated_at <= $1 AND rotated_at > $2 AND successor <> $3";
    /// Tokens of which no session can be left.
    REFRESH_PURGE = "DELETE FROM rotated_tokens WHERE rotated_at <= $1";
    /// Ends a session, whoever's it is.
    REFRESH_END = "UPDATE sessions SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";
}

/// How long the same successor is given again: an answer that was lost on its way is asked for again at once.
pub const GRACE: Span = Span::seconds(10);
/// Successors are emptied by a job that runs every few minutes; it looks back this far.
const EMPTIED_WITHIN: Span = Span::hours(24);

/// An exchange that is asked for.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The token that is given.
    pub old: TokenHash,
    /// The one it is exchanged for, if it is current.
    pub new: TokenHash,
    /// The same, sealed.
    pub sealed: Vec<u8>,
    /// Now.
    pub now: Time,
}

/// What became of it.
#[derive(Clone, Debug)]
pub enum Exchanged {
    /// The new token is current until then, unless it is exchanged before.
    Rotated(Box<Account>, SessionId, Time),
    /// It was exchanged a moment ago: for this, sealed, current until then.
    Again(Box<Account>, SessionId, Time, Vec<u8>),
    /// It was exchanged long ago. The session has ended.
    Reused(AccountId),
    /// It is nobody's, or its session is over.
    Unknown,
}

/// Exchanges a refresh token.
pub fn refresh_exchange(tx: &mut Tx<'_>, exchange: &Exchange) -> Result<Exchanged, StoreError> {
    let now = exchange.now;
    let named = [exchange.old.0.as_slice().into(), now.micros().into()];
    if let Some(mut row) = tx.query_one(&REFRESH_CURRENT, &named)? {
        let id = SessionId::new(row.int("id")?);
        let account = AccountId::new(row.int("account_id")?);
        let (began, noted, kept_until) = read_lasting(&mut row)?;
        let Some(account) = open(tx, account, (began, noted, kept_until), now)? else {
            return Ok(Exchanged::Unknown);
        };
        let lasting = SessionKind::Device.lasts(account.role);
        let (ends, kept_until) = (lasting.ends(began, now), lasting.kept_until(began, now));
        let row = tx.next_id(Sequence::Row)?;
        let remembered = [
            row.into(),
            exchange.old.0.as_slice().into(),
            id.get().into(),
            now.micros().into(),
            exchange.sealed.clone().into(),
        ];
        tx.execute(&REFRESH_REMEMBER, &remembered)?;
        let rotated = [
            id.get().into(),
            exchange.new.0.as_slice().into(),
            kept_until.micros().into(),
            now.micros().into(),
        ];
        tx.execute(&REFRESH_ROTATE, &rotated)?;
        return Ok(Exchanged::Rotated(Box::new(account), id, ends));
    }
    let Some(mut row) = tx.query_one(&REFRESH_ROTATED, &named)? else { return Ok(Exchanged::Unknown) };
    let id = SessionId::new(row.int("id")?);
    let account = AccountId::new(row.int("account_id")?);
    let rotated_at = Time::from_micros(row.int("rotated_at")?);
    let successor = row.bytes("successor")?;
    let lasting = read_lasting(&mut row)?;
    if now < rotated_at.plus(GRACE) && !successor.is_empty() {
        let Some(account) = open(tx, account, lasting, now)? else { return Ok(Exchanged::Unknown) };
        let (began, ..) = lasting;
        let ends = SessionKind::Device.lasts(account.role).ends(began, rotated_at);
        return Ok(Exchanged::Again(Box::new(account), id, ends, successor));
    }
    session_end(tx, id, now)?;
    let entry = Entry::reused(tx.next_id(Sequence::Row)?, id, now);
    tx.bulk(&LOG_INSERT, &[entry.row()])?;
    Ok(Exchanged::Reused(account))
}

/// When a device's session began, when it was used last, and the end that is kept with it.
type Lasts = (Time, Option<Time>, Time);

fn read_lasting(row: &mut Row) -> Result<Lasts, StoreError> {
    let began = Time::from_micros(row.int("created_at")?);
    let noted = row.opt_int("last_used_at")?.map(Time::from_micros);
    Ok((began, noted, Time::from_micros(row.int("expires_at")?)))
}

/// The account, unless it is closed or its session over by the rule.
fn open(
    tx: &mut Tx<'_>,
    id: AccountId,
    (began, noted, kept_until): Lasts,
    now: Time,
) -> Result<Option<Account>, StoreError> {
    let kind = SessionKind::Device;
    let live = |account: &Account| {
        let signed_in = SignedIn { kind, role: account.role, began, noted, kept_until };
        account.standing != Standing::Closed && now < signed_in.ends()
    };
    Ok(account_get(tx, id)?.filter(live))
}

/// Ends a session, whoever's it is.
pub fn session_end(tx: &mut Tx<'_>, id: SessionId, now: Time) -> Result<(), StoreError> {
    tx.execute(&REFRESH_END, &[id.get().into(), now.micros().into()]).map(drop)
}

/// Ends the session that a refresh token belongs to, exchanged or not; whose it was.
pub fn refresh_revoke(
    tx: &mut Tx<'_>,
    token: &TokenHash,
    now: Time,
) -> Result<Option<AccountId>, StoreError> {
    let Some(mut row) = tx.query_one(&REFRESH_SESSION, &[token.0.as_slice().into()])? else {
        return Ok(None);
    };
    let id = SessionId::new(row.int("id")?);
    session_end(tx, id, now)?;
    Ok(Some(AccountId::new(row.int("account_id")?)))
}

/// Empties successors that nobody gets any more, and forgets tokens that can belong to no session.
pub fn refresh_purge(tx: &mut Tx<'_>, now: Time) -> Result<(), StoreError> {
    let past = now.minus(GRACE);
    let empty = [past.micros().into(), past.minus(EMPTIED_WITHIN).micros().into(), Vec::new().into()];
    tx.execute(&REFRESH_EMPTY, &empty)?;
    tx.execute(&REFRESH_PURGE, &[now.minus(REFRESH_LIFE).micros().into()]).map(drop)
}
