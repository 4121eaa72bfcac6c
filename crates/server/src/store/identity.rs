//! Which account here a person of a website is.
//!
//! Guards: of two servers that see somebody for the first time at once, one writes the row and both find it.

use super::StoreError;
use super::db::{Row, Value, statements};
use super::tx::{Sequence, Tx};
use numberotp_core::caller::{Role, Standing};
use numberotp_core::id::{AccountId, BrandId};
use numberotp_core::time::Time;

statements! {
    /// The account of an identity.
    IDENTITY_GET = "SELECT a.id, a.brand_id, a.standing, a.role, a.not_before FROM identities i JOIN accounts a ON a.id = i.account_id WHERE i.brand_id = $1 AND i.issuer = $2 AND i.subject = $3";
    /// A new identity; a second writer finds it there.
    IDENTITY_INSERT = "INSERT INTO identities (id, brand_id, issuer, subject, account_id, created_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (brand_id, issuer, subject) DO NOTHING";
}

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
}

/// The account of an identity, closed or not.
pub fn identity_get(tx: &mut Tx<'_>, identity: &Identity) -> Result<Option<Linked>, StoreError> {
    let parameters: [Value; 3] =
        [identity.brand.get().into(), identity.issuer.into(), identity.subject.as_str().into()];
    tx.query_one(&IDENTITY_GET, &parameters)?.map(read_linked).transpose()
}

/// Says whose it is from now on. False: that was said before.
pub fn identity_create(
    tx: &mut Tx<'_>,
    identity: &Identity,
    account: AccountId,
    now: Time,
) -> Result<bool, StoreError> {
    let id = tx.next_id(Sequence::Row)?;
    let row = [
        id.into(),
        identity.brand.get().into(),
        identity.issuer.into(),
        identity.subject.as_str().into(),
        account.get().into(),
        now.micros().into(),
    ];
    Ok(tx.execute(&IDENTITY_INSERT, &row)? > 0)
}

fn read_linked(mut row: Row) -> Result<Linked, StoreError> {
    Ok(Linked {
        account: AccountId::new(row.int("id")?),
        brand: BrandId::new(row.int("brand_id")?),
        standing: row.parsed("standing", Standing::parse)?,
        role: row.parsed("role", Role::parse)?,
        not_before: Time::from_micros(row.int("not_before")?),
    })
}
