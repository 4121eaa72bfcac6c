//! Second factors: a sealed seed an account, the last step that was used, and recovery codes as keyed digests.
//!
//! Guards that a code of a step and a recovery code open once each, whoever else tries at the same moment.

use super::StoreError;
use super::db::statements;
use super::tx::{Sequence, Tx};
use numberotp_core::id::AccountId;
use numberotp_core::time::Time;

statements! {
    /// An account's second factor.
    FACTOR_GET = "SELECT seed, confirmed_at FROM second_factors WHERE account_id = $1";
    /// A new one, not asked for yet.
    FACTOR_PUT = "INSERT INTO second_factors (account_id, seed, confirmed_at, last_step) VALUES ($1, $2, NULL, 0) ON CONFLICT (account_id) DO UPDATE SET seed = EXCLUDED.seed, last_step = 0 WHERE second_factors.confirmed_at IS NULL";
    /// From now on it is asked for.
    FACTOR_CONFIRM = "UPDATE second_factors SET confirmed_at = $2 WHERE account_id = $1 AND seed = $3 AND confirmed_at IS NULL";
    /// A step is used, and those before it.
    FACTOR_STEP = "UPDATE second_factors SET last_step = $2 WHERE account_id = $1 AND last_step < $2";
    /// None any more.
    FACTOR_DELETE = "DELETE FROM second_factors WHERE account_id = $1";
    /// Those who run the service and are asked for none, the first of them.
    FACTORLESS_ADMINS = "SELECT a.email FROM accounts a LEFT JOIN second_factors f ON f.account_id = a.id WHERE a.role = 'admin' AND a.standing <> 'closed' AND f.confirmed_at IS NULL ORDER BY a.id LIMIT $1";
    /// A recovery code.
    RECOVERY_INSERT = "INSERT INTO recovery_codes (id, account_id, digest) VALUES ($1, $2, $3)";
    /// One is used.
    RECOVERY_USE = "DELETE FROM recovery_codes WHERE account_id = $1 AND digest = $2";
    /// None any more.
    RECOVERY_DELETE = "DELETE FROM recovery_codes WHERE account_id = $1";
}

/// A second factor as it is kept.
#[derive(Clone, Debug)]
pub struct SealedFactor {
    /// Its seed, sealed.
    pub seed: Vec<u8>,
    /// Since when it is asked for.
    pub confirmed_at: Option<Time>,
}

/// An account's second factor, confirmed or not.
pub fn factor_get(tx: &mut Tx<'_>, account: AccountId) -> Result<Option<SealedFactor>, StoreError> {
    let Some(mut row) = tx.query_one(&FACTOR_GET, &[account.get().into()])? else { return Ok(None) };
    let seed = row.bytes("seed")?;
    Ok(Some(SealedFactor { seed, confirmed_at: row.opt_int("confirmed_at")?.map(Time::from_micros) }))
}

/// Keeps a new seed that is not asked for yet. False: one is confirmed, which stays.
pub fn factor_put(tx: &mut Tx<'_>, account: AccountId, seed: &[u8]) -> Result<bool, StoreError> {
    Ok(tx.execute(&FACTOR_PUT, &[account.get().into(), seed.into()])? > 0)
}

/// From now on it is asked for, and these recovery codes open without it. False: it was confirmed already, or another seed
/// has taken the place of this one, which its owner's app does not know.
pub fn factor_confirm(
    tx: &mut Tx<'_>,
    (account, seed): (AccountId, &[u8]),
    (recovery, now): (&[[u8; 32]], Time),
) -> Result<bool, StoreError> {
    if tx.execute(&FACTOR_CONFIRM, &[account.get().into(), now.micros().into(), seed.into()])? == 0 {
        return Ok(false);
    }
    tx.execute(&RECOVERY_DELETE, &[account.get().into()])?;
    for digest in recovery {
        let id = tx.next_id(Sequence::Row)?;
        tx.execute(&RECOVERY_INSERT, &[id.into(), account.get().into(), digest.as_slice().into()])?;
    }
    Ok(true)
}

/// Uses a step. False: it, or a later one, was used before.
pub fn factor_use_step(tx: &mut Tx<'_>, account: AccountId, step: i64) -> Result<bool, StoreError> {
    Ok(tx.execute(&FACTOR_STEP, &[account.get().into(), step.into()])? > 0)
}

/// Uses a recovery code. False: there is none such.
pub fn recovery_use(tx: &mut Tx<'_>, account: AccountId, digest: &[u8; 32]) -> Result<bool, StoreError> {
    Ok(tx.execute(&RECOVERY_USE, &[account.get().into(), digest.as_slice().into()])? > 0)
}

/// Takes the second factor away, with its recovery codes.
pub fn factor_delete(tx: &mut Tx<'_>, account: AccountId) -> Result<(), StoreError> {
    tx.execute(&RECOVERY_DELETE, &[account.get().into()])?;
    tx.execute(&FACTOR_DELETE, &[account.get().into()]).map(drop)
}

/// Addresses of those who run the service and have no second factor, so many at most.
pub fn admins_without_factor(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<String>, StoreError> {
    tx.query(&FACTORLESS_ADMINS, &[limit.into()])?.into_iter().map(|mut row| row.text("email")).collect()
}
