//! Which account here a person of a website is.
//!
//! Guards: of two servers that see somebody for the first time at once, one writes the row and both find it. A row goes
//! only if its person is let in without it: by the e-mail with which they came last, which their account still has and has
//! proved. Whoever was stopped stays known.

use super::StoreError;
use super::db::{Row, Value, statements};
use super::tx::{Sequence, Tx};
use numberotp_core::authjs::kept::{KEPT_MOST, unused_since};
use numberotp_core::caller::{Role, Standing};
use numberotp_core::id::{AccountId, BrandId};
use numberotp_core::text::Email;
use numberotp_core::time::Time;

statements! {
    /// The account of an identity.
    IDENTITY_GET = "SELECT a.id, a.brand_id, a.standing, a.role, a.not_before, i.id, i.used_at FROM identities i JOIN accounts a ON a.id = i.account_id WHERE i.brand_id = $1 AND i.issuer = $2 AND i.subject = $3";
    /// A new identity; a second writer finds it there.
    IDENTITY_INSERT = "INSERT INTO identities (id, brand_id, issuer, subject, account_id, created_at, used_at, email) VALUES ($1, $2, $3, $4, $5, $6, $6, $7) ON CONFLICT (brand_id, issuer, subject) DO NOTHING";
    /// Its person came again, with this e-mail or none.
    IDENTITY_USED = "UPDATE identities SET used_at = $2, email = $3 WHERE id = $1 AND used_at < $2";
    /// Those of an account beyond the most that are kept, of those without which it is found.
    IDENTITIES_TRIM = "DELETE FROM identities WHERE id IN (SELECT i.id FROM identities i JOIN accounts a ON a.id = i.account_id WHERE i.account_id = $1 AND i.issuer = $2 AND i.email = a.email AND a.email_verified = 1 AND a.role <> 'admin' AND a.standing NOT IN ('suspended', 'closed') ORDER BY i.used_at DESC, i.id DESC LIMIT $3 OFFSET $4)";
    /// A portion of those that nobody used for long, of those without which their accounts are found.
    IDENTITIES_PURGE = "DELETE FROM identities WHERE id IN (SELECT i.id FROM identities i JOIN accounts a ON a.id = i.account_id WHERE i.used_at <= $1 AND i.email = a.email AND a.email_verified = 1 AND a.role <> 'admin' AND a.standing NOT IN ('suspended', 'closed') ORDER BY i.used_at LIMIT $2)";
}

/// Most that one new identity takes the place of: there are more only where an older program let them grow.
const TRIMMED_MOST: i64 = 1_000;

/// Somebody, as a website names them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// Under which white label.
    pub brand: BrandId,
    /// Who names them.
    pub issuer: &'static str,
    /// By which id.
    pub subject: String,
}

/// The account of an identity.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Linked {
    /// The account.
    pub account: AccountId,
    /// Under which white label.
    pub brand: BrandId,
    /// Where it stands.
    pub standing: Standing,
    /// What it is.
    pub role: Role,
    /// What was signed before opens nothing.
    pub not_before: Time,
    /// The identity's row.
    pub identity: i64,
    /// When that was used last, as far as it was noted.
    pub used_at: Time,
}

/// The account of an identity, closed or not.
pub fn identity_get(tx: &mut Tx<'_>, identity: &Identity) -> Result<Option<Linked>, StoreError> {
    let parameters: [Value; 3] =
        [identity.brand.get().into(), identity.issuer.into(), identity.subject.as_str().into()];
    tx.query_one(&IDENTITY_GET, &parameters)?.map(read_linked).transpose()
}

/// Says whose it is from now on, and with which e-mail it was found. False: that was said before. The account's oldest
/// ones go, if there are too many.
pub fn identity_create(
    tx: &mut Tx<'_>,
    identity: &Identity,
    account: AccountId,
    (email, now): (&Email, Time),
) -> Result<bool, StoreError> {
    let id = tx.next_id(Sequence::Row)?;
    let row = [
        id.into(),
        identity.brand.get().into(),
        identity.issuer.into(),
        identity.subject.as_str().into(),
        account.get().into(),
        now.micros().into(),
        email.as_str().into(),
    ];
    if tx.execute(&IDENTITY_INSERT, &row)? == 0 {
        return Ok(false);
    }
    let beyond: [Value; 4] =
        [account.get().into(), identity.issuer.into(), TRIMMED_MOST.into(), KEPT_MOST.into()];
    tx.execute(&IDENTITIES_TRIM, &beyond)?;
    Ok(true)
}

/// Its person came now, with this e-mail or none.
pub fn identity_used(
    tx: &mut Tx<'_>,
    id: i64,
    (email, now): (Option<&Email>, Time),
) -> Result<(), StoreError> {
    let row = [id.into(), now.micros().into(), email.map(Email::as_str).into()];
    tx.execute(&IDENTITY_USED, &row).map(drop)
}

/// Deletes a portion of those that nobody used for long; answers how many went.
pub fn identities_purge(tx: &mut Tx<'_>, now: Time, most: i64) -> Result<u64, StoreError> {
    tx.execute(&IDENTITIES_PURGE, &[unused_since(now).micros().into(), most.into()])
}

fn read_linked(mut row: Row) -> Result<Linked, StoreError> {
    Ok(Linked {
        account: AccountId::new(row.int("id")?),
        brand: BrandId::new(row.int("brand_id")?),
        standing: row.parsed("standing", Standing::parse)?,
        role: row.parsed("role", Role::parse)?,
        not_before: Time::from_micros(row.int("not_before")?),
        identity: row.int("identity")?,
        used_at: Time::from_micros(row.int("used_at")?),
    })
}
