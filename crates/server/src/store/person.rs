//! People as they sign up and move: addresses that are not proved yet, and addresses that are to be.
//!
//! Guards that an address that nobody proved opens nothing and stands in nobody's way.

use super::StoreError;
use super::account::{Account, NewAccount, account_create, account_get};
use super::db::statements;
use super::tx::Tx;
use numberotp_core::id::AccountId;
use numberotp_core::text::Email;
use numberotp_core::time::Time;

statements! {
    /// Nobody proved its address yet.
    EMAIL_UNPROVED = "UPDATE accounts SET email_verified = 0 WHERE id = $1";
    /// Somebody did.
    EMAIL_PROVED = "UPDATE accounts SET email_verified = 1 WHERE id = $1";
    /// Another proved address.
    EMAIL_SET = "UPDATE accounts SET email = $2, email_verified = 1 WHERE id = $1";
    /// A password that may be a stranger's opens nothing.
    PERSON_CONTESTED = "UPDATE accounts SET password_hash = NULL WHERE id = $1 AND email_verified = 0";
    /// The address that an account wants to have.
    EMAIL_CHANGE_PUT = "INSERT INTO email_changes (account_id, email, created_at) VALUES ($1, $2, $3) ON CONFLICT (account_id) DO UPDATE SET email = EXCLUDED.email, created_at = EXCLUDED.created_at";
    /// The same, read.
    EMAIL_CHANGE_GET = "SELECT email FROM email_changes WHERE account_id = $1";
    /// It has it, or gave it up.
    EMAIL_CHANGE_DELETE = "DELETE FROM email_changes WHERE account_id = $1";
    /// Those whose codes are long over.
    EMAIL_CHANGES_PURGE = "DELETE FROM email_changes WHERE created_at <= $1";
}

/// Makes an account whose address is not proved. `None`: the address is taken.
pub fn person_create(tx: &mut Tx<'_>, new: &NewAccount) -> Result<Option<Account>, StoreError> {
    let Some(account) = account_create(tx, new)? else { return Ok(None) };
    tx.execute(&EMAIL_UNPROVED, &[account.id.get().into()])?;
    account_get(tx, account.id)
}

/// Two signed up with one address that nobody proved, by two passwords: neither opens it. Whoever reads the mailbox proves
/// the address by a code and sets a password by another.
pub fn person_contested(tx: &mut Tx<'_>, id: AccountId) -> Result<(), StoreError> {
    tx.execute(&PERSON_CONTESTED, &[id.get().into()]).map(drop)
}

/// The account's address is proved.
pub fn email_proved(tx: &mut Tx<'_>, id: AccountId) -> Result<(), StoreError> {
    tx.execute(&EMAIL_PROVED, &[id.get().into()]).map(drop)
}

/// Gives an account another proved address, which must be free.
pub fn email_set(tx: &mut Tx<'_>, id: AccountId, email: &Email) -> Result<(), StoreError> {
    tx.execute(&EMAIL_SET, &[id.get().into(), email.as_str().into()]).map(drop)
}

/// Remembers the address that an account wants to have.
pub fn email_change_put(
    tx: &mut Tx<'_>,
    id: AccountId,
    (email, now): (&Email, Time),
) -> Result<(), StoreError> {
    let row = [id.get().into(), email.as_str().into(), now.micros().into()];
    tx.execute(&EMAIL_CHANGE_PUT, &row).map(drop)
}

/// The address that an account wants to have.
pub fn email_change_get(tx: &mut Tx<'_>, id: AccountId) -> Result<Option<Email>, StoreError> {
    let row = tx.query_one(&EMAIL_CHANGE_GET, &[id.get().into()])?;
    row.map(|mut row| row.parsed("email", Email::parse)).transpose()
}

/// The account has it, or gave it up.
pub fn email_change_delete(tx: &mut Tx<'_>, id: AccountId) -> Result<(), StoreError> {
    tx.execute(&EMAIL_CHANGE_DELETE, &[id.get().into()]).map(drop)
}

/// Forgets the wishes of before this instant.
pub fn email_changes_purge(tx: &mut Tx<'_>, before: Time) -> Result<u64, StoreError> {
    tx.execute(&EMAIL_CHANGES_PURGE, &[before.micros().into()])
}
