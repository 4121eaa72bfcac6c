//! API keys: long-lived credentials of programs. Only a key's hash is kept; it is shown once.
//!
//! Guards that a key is live only while it is not revoked, not expired, and its account is not closed.

use super::StoreError;
use super::account::Credential;
use super::db::{Row, statements};
use super::tx::{Sequence, Tx};
use numberotp_core::caller::{Scopes, Standing};
use numberotp_core::id::{AccountId, ApiKeyId, BrandId};
use numberotp_core::time::Time;
use numberotp_core::token::TokenHash;

statements! {
    /// A new key.
    API_KEY_INSERT = "INSERT INTO api_keys (id, brand_id, account_id, name, hash, prefix, last_four, scopes, created_at, revoked_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, NULL)";
    /// A live key by its hash.
    API_KEY_BY_HASH = "SELECT k.id, k.brand_id, k.account_id, k.scopes, a.standing, k.expires_at FROM api_keys k JOIN accounts a ON a.id = k.account_id WHERE k.hash = $1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $2) AND a.standing <> 'closed'";
}

/// A new API key: whose, and what is stored of it.
#[derive(Clone, Debug)]
pub struct NewApiKey {
    /// Under which white label.
    pub brand: BrandId,
    /// Whose.
    pub account: AccountId,
    /// Its name for people.
    pub name: String,
    /// SHA-256 of the key.
    pub hash: TokenHash,
    /// Its first characters, to recognise it by.
    pub prefix: String,
    /// Its last four characters, to recognise it by.
    pub last_four: String,
    /// What it may do.
    pub scopes: Scopes,
    /// Now.
    pub now: Time,
}

/// Stores a key.
pub fn api_key_create(tx: &mut Tx<'_>, new: &NewApiKey) -> Result<ApiKeyId, StoreError> {
    let id = ApiKeyId::new(tx.next_id(Sequence::Row)?);
    let row = [
        id.get().into(),
        new.brand.get().into(),
        new.account.get().into(),
        new.name.as_str().into(),
        new.hash.0.as_slice().into(),
        new.prefix.as_str().into(),
        new.last_four.as_str().into(),
        new.scopes.to_string().into(),
        new.now.micros().into(),
    ];
    tx.execute(&API_KEY_INSERT, &row)?;
    Ok(id)
}

/// The live key with this hash.
pub fn api_key_by_hash(
    tx: &mut Tx<'_>,
    hash: &TokenHash,
    now: Time,
) -> Result<Option<Credential>, StoreError> {
    let parameters = [hash.0.as_slice().into(), now.micros().into()];
    tx.query_one(&API_KEY_BY_HASH, &parameters)?.map(read_credential).transpose()
}

fn read_credential(mut row: Row) -> Result<Credential, StoreError> {
    Ok(Credential {
        id: row.int("id")?,
        brand: BrandId::new(row.int("brand_id")?),
        account: AccountId::new(row.int("account_id")?),
        scopes: row.parsed("scopes", Scopes::parse)?,
        standing: row.parsed("standing", Standing::parse)?,
        ends: Time::from_micros(row.opt_int("expires_at")?.unwrap_or(i64::MAX)),
    })
}
