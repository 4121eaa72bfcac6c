//! API keys: long-lived credentials of programs. Only a key's hash is kept; it is shown once.
//!
//! Guards that a key is live only while it is not revoked, not expired, and its account is not closed, and that an
//! account never has more of them than it may. What a key with a cap has spent is written with the purchase itself.

use super::StoreError;
use super::account::Credential;
use super::db::{Row, Value, statements};
use super::tx::{Sequence, Tx};
use ipnet::IpNet;
use numberotp_core::caller::{Role, Scopes, Spending, Standing};
use numberotp_core::id::{AccountId, ApiKeyId, BrandId};
use numberotp_core::money::Usd;
use numberotp_core::time::Time;
use numberotp_core::token::TokenHash;
use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

statements! {
    /// A new key.
    API_KEY_INSERT = "INSERT INTO api_keys (id, brand_id, account_id, name, hash, prefix, last_four, scopes, purpose, networks, expires_at, spend_cap, created_at, revoked_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, NULL)";
    /// A live key by its hash.
    API_KEY_BY_HASH = "SELECT k.id, k.brand_id, k.account_id, k.scopes, k.spend_cap, k.networks, a.standing, a.role, k.expires_at FROM api_keys k JOIN accounts a ON a.id = k.account_id WHERE k.hash = $1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $2) AND a.standing <> 'closed'";
    /// Live keys by their hashes.
    API_KEYS_BY_HASH = "SELECT k.hash, k.id, k.brand_id, k.account_id, k.scopes, k.spend_cap, k.networks, a.standing, a.role, k.expires_at FROM api_keys k JOIN accounts a ON a.id = k.account_id WHERE k.hash EACH BLOBS($1) AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $2) AND a.standing <> 'closed'";
    /// An account's live keys, the newest first.
    API_KEYS_OF = "SELECT id, name, prefix, last_four, scopes, purpose, networks, expires_at, spend_cap, spent, created_at, last_used_at FROM api_keys WHERE account_id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2) ORDER BY created_at DESC, id DESC";
    /// Their owner, locked: keys of one account are made one after the other.
    API_KEYS_OWNER = "SELECT id FROM accounts WHERE id = $1 LOCKED";
    /// Revokes one key of an account.
    API_KEY_REVOKE = "UPDATE api_keys SET revoked_at = $3 WHERE id = $1 AND account_id = $2 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $3)";
    /// A key was used.
    API_KEY_USED = "UPDATE api_keys SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)";
    /// An account's keys that are not revoked, locked in the order in which uses are noted.
    API_KEYS_HOLD = "SELECT id FROM api_keys WHERE account_id = $1 AND revoked_at IS NULL ORDER BY id LOCKED";
    /// Every key of an account that is gone.
    API_KEYS_REVOKE = "UPDATE api_keys SET revoked_at = $2 WHERE account_id = $1 AND revoked_at IS NULL";
}

/// Networks that a credential may be used from; none: from anywhere.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Networks(Arc<[IpNet]>);

impl Networks {
    /// Of a list.
    pub fn new(networks: &[IpNet]) -> Self {
        Self(networks.into())
    }
    /// One network or address.
    pub fn one(text: &str) -> Option<IpNet> {
        let single = || text.parse::<IpAddr>().ok().map(|address| IpNet::from(address.to_canonical()));
        text.parse::<IpNet>().ok().map(|network| network.trunc()).or_else(single)
    }
    /// Reads a comma-separated list.
    pub fn parse(text: &str) -> Option<Self> {
        let list: Option<Vec<IpNet>> =
            text.split(',').filter(|part| !part.is_empty()).map(Self::one).collect();
        list.map(|list| Self(list.into()))
    }
    /// True if it may be used from there. From where nobody knows is nowhere that is listed.
    pub fn allow(&self, from: Option<IpAddr>) -> bool {
        let from = from.map(|address| address.to_canonical());
        self.0.is_empty() || from.is_some_and(|from| self.0.iter().any(|network| network.contains(&from)))
    }
    /// Each as text.
    pub fn texts(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }
}

impl fmt::Display for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.texts().join(","))
    }
}

/// What bounds a key, and what it is for.
#[derive(Clone, Debug, Default)]
pub struct KeyTerms {
    /// What it is for, in its owner's words; may be empty.
    pub purpose: String,
    /// Where it may be used.
    pub networks: Networks,
    /// When it ends by itself.
    pub expires_at: Option<Time>,
    /// Most that it may spend in all.
    pub spend_cap: Option<Usd>,
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
    /// What bounds it.
    pub terms: KeyTerms,
    /// Now.
    pub now: Time,
}

/// A key as its owner sees it.
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// Its row.
    pub id: ApiKeyId,
    /// Its name for people.
    pub name: String,
    /// Its first characters.
    pub prefix: String,
    /// Its last four.
    pub last_four: String,
    /// What it may do.
    pub scopes: Scopes,
    /// What bounds it.
    pub terms: KeyTerms,
    /// What was spent with it since it has a cap, refunds taken off.
    pub spent: Usd,
    /// When it was made.
    pub created_at: Time,
    /// When it was used last, as far as that was noted.
    pub last_used_at: Option<Time>,
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
        new.terms.purpose.as_str().into(),
        new.terms.networks.to_string().into(),
        new.terms.expires_at.map(Time::micros).into(),
        new.terms.spend_cap.map(Usd::micros).into(),
        new.now.micros().into(),
    ];
    tx.execute(&API_KEY_INSERT, &row)?;
    Ok(id)
}

/// Stores a key unless its account has so many live ones already; `None`: it has.
pub fn api_key_add(tx: &mut Tx<'_>, new: &NewApiKey, most: usize) -> Result<Option<ApiKeyId>, StoreError> {
    tx.query(&API_KEYS_OWNER, &[new.account.get().into()])?;
    if api_keys_of(tx, new.account, new.now)?.len() >= most {
        return Ok(None);
    }
    api_key_create(tx, new).map(Some)
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

/// Of these hashes, the live keys.
pub fn api_keys_by_hash(
    tx: &mut Tx<'_>,
    hashes: &[TokenHash],
    now: Time,
) -> Result<HashMap<TokenHash, Credential>, StoreError> {
    let set = Value::Blobs(hashes.iter().map(|hash| hash.0.to_vec()).collect());
    let read = |mut row: Row| {
        let hash = row.bytes("hash")?.try_into().map_err(|_other_length| row.unexplained("hash"))?;
        Ok((TokenHash(hash), read_credential(row)?))
    };
    tx.query(&API_KEYS_BY_HASH, &[set, now.micros().into()])?.into_iter().map(read).collect()
}

/// An account's live keys, the newest first.
pub fn api_keys_of(tx: &mut Tx<'_>, account: AccountId, now: Time) -> Result<Vec<ApiKey>, StoreError> {
    let parameters = [account.get().into(), now.micros().into()];
    tx.query(&API_KEYS_OF, &parameters)?.into_iter().map(read_key).collect()
}

/// Revokes one key of an account. False: it has none such that is live.
pub fn api_key_revoke(
    tx: &mut Tx<'_>,
    (account, id): (AccountId, ApiKeyId),
    now: Time,
) -> Result<bool, StoreError> {
    let parameters: [Value; 3] = [id.get().into(), account.get().into(), now.micros().into()];
    Ok(tx.execute(&API_KEY_REVOKE, &parameters)? > 0)
}

/// Notes when a key was used.
pub fn api_key_used(tx: &mut Tx<'_>, id: i64, at: Time) -> Result<(), StoreError> {
    tx.execute(&API_KEY_USED, &[id.into(), at.micros().into()]).map(drop)
}

/// Revokes every key of an account; answers how many.
pub fn api_keys_revoke(tx: &mut Tx<'_>, account: AccountId, now: Time) -> Result<u64, StoreError> {
    tx.query(&API_KEYS_HOLD, &[account.get().into()])?;
    tx.execute(&API_KEYS_REVOKE, &[account.get().into(), now.micros().into()])
}

fn read_credential(mut row: Row) -> Result<Credential, StoreError> {
    Ok(Credential {
        id: row.int("id")?,
        brand: BrandId::new(row.int("brand_id")?),
        account: AccountId::new(row.int("account_id")?),
        scopes: row.parsed("scopes", Scopes::parse)?,
        spending: if row.opt_int("spend_cap")?.is_some() { Spending::Capped } else { Spending::Free },
        networks: row.parsed("networks", Networks::parse)?,
        standing: row.parsed("standing", Standing::parse)?,
        role: row.parsed("role", Role::parse)?,
        ends: Time::from_micros(row.opt_int("expires_at")?.unwrap_or(i64::MAX)),
    })
}

fn read_key(mut row: Row) -> Result<ApiKey, StoreError> {
    Ok(ApiKey {
        id: ApiKeyId::new(row.int("id")?),
        name: row.text("name")?,
        prefix: row.text("prefix")?,
        last_four: row.text("last_four")?,
        scopes: row.parsed("scopes", Scopes::parse)?,
        terms: KeyTerms {
            purpose: row.text("purpose")?,
            networks: row.parsed("networks", Networks::parse)?,
            expires_at: row.opt_int("expires_at")?.map(Time::from_micros),
            spend_cap: row.opt_int("spend_cap")?.map(Usd::from_micros),
        },
        spent: Usd::from_micros(row.int("spent")?),
        created_at: Time::from_micros(row.int("created_at")?),
        last_used_at: row.opt_int("last_used_at")?.map(Time::from_micros),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_addresses_or_networks_and_none_is_anywhere() {
        let here = |text: &str| Some(text.parse().unwrap());
        let networks = Networks::parse("10.0.0.0/8,192.0.2.7,2001:db8::/32").unwrap();
        for (from, allowed) in [
            ("10.255.0.1", true),
            ("::ffff:10.1.2.3", true),
            ("192.0.2.7", true),
            ("192.0.2.8", false),
            ("2001:db8:ffff::1", true),
            ("2001:db9::1", false),
        ] {
            assert_eq!(networks.allow(here(from)), allowed, "{from}");
        }
        assert!(!networks.allow(None));
        assert!(Networks::default().allow(None) && Networks::parse("").unwrap().allow(here("::1")));
        assert_eq!(networks.to_string(), "10.0.0.0/8,192.0.2.7/32,2001:db8::/32");
        assert_eq!(Networks::one("10.1.2.3/8").unwrap().to_string(), "10.0.0.0/8");
        for bad in ["10.0.0.0/33", "example.com", "10.0.0", " "] {
            assert!(Networks::parse(bad).is_none(), "{bad}");
        }
    }
}
