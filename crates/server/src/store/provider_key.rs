//! Webhook secrets of providers that were replaced, as rows. A retired one proves what a provider signs until its
//! time is over; then it proves nothing, and goes with the next purge. Holds wrapped secrets alone.

use super::StoreError;
use super::db::statements;
use super::setting::revision_raise;
use super::tx::{Sequence, Tx};
use numberotp_core::text::ProviderCode;
use numberotp_core::time::Time;

statements! {
    /// Today's secret of a provider, locked: of two who replace it one is second, and retires the first's.
    PROVIDER_SECRET_LOCK = "SELECT secret FROM providers WHERE code = $1 LOCKED";
    /// Another secret for today.
    PROVIDER_SECRET_SET = "UPDATE providers SET secret = $2 WHERE code = $1";
    /// One that was replaced.
    PROVIDER_KEY_INSERT = "INSERT INTO provider_keys (id, provider, secret, until) VALUES ($1, $2, $3, $4)";
    /// No older one lasts longer than the one just replaced.
    PROVIDER_KEYS_SHORTEN = "UPDATE provider_keys SET until = $2 WHERE provider = $1 AND until > $2";
    /// Those whose time is over.
    PROVIDER_KEYS_PURGE = "DELETE FROM provider_keys WHERE until <= $1";
    /// All that were replaced.
    PROVIDER_KEYS_ALL = "SELECT provider, secret, until FROM provider_keys ORDER BY id";
}

/// A secret that was replaced.
#[derive(Clone)]
pub struct RetiredKey {
    /// Whose.
    pub provider: ProviderCode,
    /// The secret, wrapped.
    pub secret: Vec<u8>,
    /// From this moment on it proves nothing.
    pub until: Time,
}

/// Replaces a provider's secret; false if there is none of that name. The old one is good until the second time.
pub fn provider_rotate(
    tx: &mut Tx<'_>,
    code: &ProviderCode,
    secret: &[u8],
    (now, until): (Time, Time),
) -> Result<bool, StoreError> {
    let name = code.as_str();
    let Some(mut row) = tx.query(&PROVIDER_SECRET_LOCK, &[name.into()])?.pop() else { return Ok(false) };
    let old = row.bytes("secret")?;
    let id = tx.next_id(Sequence::Row)?;
    tx.execute(&PROVIDER_KEY_INSERT, &[id.into(), name.into(), old.into(), until.micros().into()])?;
    tx.execute(&PROVIDER_KEYS_SHORTEN, &[name.into(), until.micros().into()])?;
    provider_keys_purge(tx, now)?;
    tx.execute(&PROVIDER_SECRET_SET, &[name.into(), secret.to_vec().into()])?;
    revision_raise(tx)?;
    Ok(true)
}

/// Throws away those whose time is over.
pub fn provider_keys_purge(tx: &mut Tx<'_>, now: Time) -> Result<u64, StoreError> {
    tx.execute(&PROVIDER_KEYS_PURGE, &[now.micros().into()])
}

/// All secrets that were replaced and not yet thrown away.
pub fn provider_keys_all(tx: &mut Tx<'_>) -> Result<Vec<RetiredKey>, StoreError> {
    let mut keys = Vec::new();
    for mut row in tx.query(&PROVIDER_KEYS_ALL, &[])? {
        let provider = row.parsed("provider", ProviderCode::parse)?;
        keys.push(RetiredKey {
            provider,
            secret: row.bytes("secret")?,
            until: Time::from_micros(row.int("until")?),
        });
    }
    Ok(keys)
}
