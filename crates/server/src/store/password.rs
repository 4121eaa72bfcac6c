//! What an account's password is compared with: a slow hash, never the password.
//!
//! Guards that what was compared with is still kept when something is done upon it: comparing takes long, and a change may
//! come between.

use super::StoreError;
use super::account::{Account, account_by_email};
use super::db::statements;
use super::tx::Tx;
use numberotp_core::id::{AccountId, BrandId};
use numberotp_core::text::Email;

statements! {
    /// What an account's password is compared with.
    PASSWORD_GET = "SELECT password_hash FROM accounts WHERE id = $1";
    /// The same, locked: it is not changed before what follows is done.
    PASSWORD_KEPT = "SELECT password_hash FROM accounts WHERE id = $1 LOCKED";
    /// Another password, if it is still this one.
    PASSWORD_REPLACE = "UPDATE accounts SET password_hash = $3 WHERE id = $1 AND password_hash = $2";
    /// Another password.
    PASSWORD_SET = "UPDATE accounts SET password_hash = $2 WHERE id = $1";
}

/// The PHC string of an account's password; `None` if it has none.
pub fn password_get(tx: &mut Tx<'_>, id: AccountId) -> Result<Option<String>, StoreError> {
    let row = tx.query_one(&PASSWORD_GET, &[id.get().into()])?;
    Ok(row.map(|mut row| row.opt_text("password_hash")).transpose()?.flatten())
}

/// The account of an address with the PHC string of its password. Asks as often if there is none.
pub fn password_by_email(
    tx: &mut Tx<'_>,
    brand: BrandId,
    email: &Email,
) -> Result<Option<(Account, Option<String>)>, StoreError> {
    let account = account_by_email(tx, brand, email)?;
    let kept = password_get(tx, account.as_ref().map_or(AccountId::new(0), |account| account.id))?;
    Ok(account.map(|account| (account, kept)))
}

/// Whether an account still has the password with this PHC string; then it has it until this transaction ends. Comes before
/// whatever is locked of the account's sessions.
pub fn password_holds(tx: &mut Tx<'_>, id: AccountId, kept: &str) -> Result<bool, StoreError> {
    let row = tx.query_one(&PASSWORD_KEPT, &[id.get().into()])?;
    let now = row.map(|mut row| row.opt_text("password_hash")).transpose()?.flatten();
    Ok(now.as_deref() == Some(kept))
}

/// Gives an account another password, unless it has another than this one by now. False: it has.
pub fn password_replace(
    tx: &mut Tx<'_>,
    id: AccountId,
    (kept, next): (&str, &str),
) -> Result<bool, StoreError> {
    Ok(tx.execute(&PASSWORD_REPLACE, &[id.get().into(), kept.into(), next.into()])? > 0)
}

/// Gives an account another password, whatever it had.
pub fn password_set(tx: &mut Tx<'_>, id: AccountId, hash: &str) -> Result<(), StoreError> {
    tx.execute(&PASSWORD_SET, &[id.get().into(), hash.into()]).map(drop)
}
