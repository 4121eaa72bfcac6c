//! What an account's password is compared with: a slow hash, never the password.

use super::StoreError;
use super::account::{Account, account_by_email};
use super::db::statements;
use super::tx::Tx;
use numberotp_core::id::{AccountId, BrandId};
use numberotp_core::text::Email;

statements! {
    /// What an account's password is compared with.
    PASSWORD_GET = "SELECT password_hash FROM accounts WHERE id = $1";
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

/// Gives an account another password.
pub fn password_set(tx: &mut Tx<'_>, id: AccountId, hash: &str) -> Result<(), StoreError> {
    tx.execute(&PASSWORD_SET, &[id.get().into(), hash.into()]).map(drop)
}
