//! Accounts: who they are and where they stand.

use super::StoreError;
use super::api_key::Networks;
use super::db::{Row, Value, statements};
use super::tx::{Sequence, Tx};
use numberotp_core::caller::{Role, Scopes, Spending, Standing};
use numberotp_core::id::{AccountId, BrandId};
use numberotp_core::keepsake::Keepsake;
use numberotp_core::text::Email;
use numberotp_core::time::Time;

statements! {
    /// A new account; a second writer finds the e-mail taken.
    ACCOUNT_INSERT = "INSERT INTO accounts (id, brand_id, email, name, password_hash, email_verified, role, standing, webhook_url, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, NULL, $9) ON CONFLICT (brand_id, email) DO NOTHING";
    /// One account.
    ACCOUNT_GET = "SELECT id, brand_id, email, name, email_verified, role, standing, webhook_url, created_at FROM accounts WHERE id = $1";
    /// One account by its e-mail.
    ACCOUNT_BY_EMAIL = "SELECT id, brand_id, email, name, email_verified, role, standing, webhook_url, created_at FROM accounts WHERE brand_id = $1 AND email = $2";
    /// A page of accounts.
    ACCOUNTS_PAGE = "SELECT id, brand_id, email, name, email_verified, role, standing, webhook_url, created_at FROM accounts WHERE brand_id = $1 AND id > $2 ORDER BY id LIMIT $3";
    /// Another name.
    ACCOUNT_RENAME = "UPDATE accounts SET name = $2 WHERE id = $1";
    /// Where it stands, locked.
    ACCOUNT_STANDING_LOCKED = "SELECT standing FROM accounts WHERE id = $1 LOCKED";
    /// Since when what is signed for it opens anything.
    ACCOUNT_SIGNED_SINCE = "SELECT not_before FROM accounts WHERE id = $1";
    /// What was signed before this moment opens nothing.
    ACCOUNT_NOT_BEFORE = "UPDATE accounts SET not_before = $2 WHERE id = $1 AND not_before < $2";
    /// Somebody proved to read the mailbox; a password that somebody else may have set before that opens nothing.
    ACCOUNT_PROVE = "UPDATE accounts SET email_verified = 1, password_hash = NULL WHERE id = $1 AND email_verified = 0";
    /// Another standing.
    ACCOUNT_STANDING = "UPDATE accounts SET standing = $2 WHERE id = $1";
}

/// An account as it is stored.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its row.
    pub id: AccountId,
    /// Under which white label.
    pub brand: BrandId,
    /// E-mail, unique in the brand.
    pub email: Email,
    /// Display name.
    pub name: String,
    /// Whether the e-mail was proved.
    pub email_verified: EmailVerified,
    /// What it is.
    pub role: Role,
    /// Whether it may buy.
    pub standing: Standing,
    /// Where its webhooks go.
    pub webhook_url: Option<String>,
    /// When it was made.
    pub created_at: Time,
}

impl Account {
    /// True if the e-mail was proved.
    pub fn email_is_verified(&self) -> bool {
        self.email_verified == EmailVerified::Yes
    }
}

/// Whether an account's e-mail was proved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EmailVerified {
    /// It was.
    Yes,
    /// It was not.
    No,
}

fn read_account(mut row: Row) -> Result<Account, StoreError> {
    account_of(&mut row)
}

/// An account at the beginning of a row.
pub(super) fn account_of(row: &mut Row) -> Result<Account, StoreError> {
    Ok(Account {
        id: AccountId::new(row.int("id")?),
        brand: BrandId::new(row.int("brand_id")?),
        email: row.parsed("email", Email::parse)?,
        name: row.text("name")?,
        email_verified: if row.int("email_verified")? == 1 { EmailVerified::Yes } else { EmailVerified::No },
        role: row.parsed("role", Role::parse)?,
        standing: row.parsed("standing", Standing::parse)?,
        webhook_url: row.opt_text("webhook_url")?,
        created_at: Time::from_micros(row.int("created_at")?),
    })
}

/// What a new account is made of.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// Under which white label.
    pub brand: BrandId,
    /// E-mail.
    pub email: Email,
    /// Display name.
    pub name: String,
    /// PHC string of the password's hash.
    pub password_hash: Option<String>,
    /// What it is.
    pub role: Role,
    /// Whether it may buy.
    pub standing: Standing,
    /// Now.
    pub now: Time,
}

/// Makes an account with empty purses; its e-mail counts as proved. `None`: the e-mail is taken.
pub fn account_create(tx: &mut Tx<'_>, new: &NewAccount) -> Result<Option<Account>, StoreError> {
    if account_by_email(tx, new.brand, &new.email)?.is_some() {
        return Ok(None);
    }
    let id = AccountId::new(tx.next_id(Sequence::Row)?);
    let row = [
        id.get().into(),
        new.brand.get().into(),
        new.email.as_str().into(),
        new.name.as_str().into(),
        new.password_hash.as_deref().into(),
        Value::Int(1),
        new.role.as_str().into(),
        new.standing.as_str().into(),
        new.now.micros().into(),
    ];
    if tx.execute(&ACCOUNT_INSERT, &row)? == 0 {
        return Ok(None);
    }
    super::ledger::purses_create(tx, new.brand, id)?;
    account_get(tx, id)
}

/// One account.
pub fn account_get(tx: &mut Tx<'_>, id: AccountId) -> Result<Option<Account>, StoreError> {
    tx.query_one(&ACCOUNT_GET, &[id.get().into()])?.map(read_account).transpose()
}

/// One account by its e-mail.
pub fn account_by_email(
    tx: &mut Tx<'_>,
    brand: BrandId,
    email: &Email,
) -> Result<Option<Account>, StoreError> {
    tx.query_one(&ACCOUNT_BY_EMAIL, &[brand.get().into(), email.as_str().into()])?
        .map(read_account)
        .transpose()
}

/// Accounts after a row, in the order of their rows.
pub fn accounts_after(
    tx: &mut Tx<'_>,
    brand: BrandId,
    after: AccountId,
    limit: i64,
) -> Result<Vec<Account>, StoreError> {
    let rows = tx.query(&ACCOUNTS_PAGE, &[brand.get().into(), after.get().into(), limit.into()])?;
    rows.into_iter().map(read_account).collect()
}

/// Gives it another name.
pub fn account_rename(tx: &mut Tx<'_>, id: AccountId, name: &str) -> Result<Option<Account>, StoreError> {
    tx.execute(&ACCOUNT_RENAME, &[id.get().into(), name.into()])?;
    account_get(tx, id)
}

/// Its e-mail is proved now. What was set while it was not opens nothing any more.
pub fn account_prove(tx: &mut Tx<'_>, id: AccountId) -> Result<Option<Account>, StoreError> {
    tx.execute(&ACCOUNT_PROVE, &[id.get().into()])?;
    account_get(tx, id)
}

/// What became of a change of standing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StandingSet {
    /// It stands there now; before, it stood here.
    Done(Standing),
    /// It stood there already.
    Already,
    /// From here no way leads there.
    Refused(Standing),
    /// There is no such account.
    Missing,
}

/// Where it stands, and so it stays until this transaction ends. Whoever lets something be done for an account, or stops
/// it, locks it first of all; then what belongs to it: grants, sessions, keys.
pub fn account_standing_locked(tx: &mut Tx<'_>, id: AccountId) -> Result<Option<Standing>, StoreError> {
    let row = tx.query_one(&ACCOUNT_STANDING_LOCKED, &[id.get().into()])?;
    row.map(|mut row| row.parsed("standing", Standing::parse)).transpose()
}

/// Changes where it stands, if a way leads there: [`Standing::may_become`].
pub fn account_set_standing(
    tx: &mut Tx<'_>,
    id: AccountId,
    standing: Standing,
) -> Result<StandingSet, StoreError> {
    let Some(before) = account_standing_locked(tx, id)? else { return Ok(StandingSet::Missing) };
    if before == standing {
        return Ok(StandingSet::Already);
    }
    if !before.may_become(standing) {
        return Ok(StandingSet::Refused(before));
    }
    tx.execute(&ACCOUNT_STANDING, &[id.get().into(), standing.as_str().into()])?;
    Ok(StandingSet::Done(before))
}

/// Since when what is signed for an account opens anything.
pub fn account_signed_since(tx: &mut Tx<'_>, id: AccountId) -> Result<Option<Time>, StoreError> {
    let row = tx.query_one(&ACCOUNT_SIGNED_SINCE, &[id.get().into()])?;
    Ok(row.map(|mut row| row.int("not_before")).transpose()?.map(Time::from_micros))
}

/// Whatever was signed for an account before now opens nothing any more.
pub fn account_not_before(tx: &mut Tx<'_>, id: AccountId, now: Time) -> Result<(), StoreError> {
    tx.execute(&ACCOUNT_NOT_BEFORE, &[id.get().into(), now.micros().into()]).map(drop)
}

/// Whether an account knows a browser by the keepsake that it shows. Asks as much where there is no account.
pub fn account_keeps(
    tx: &mut Tx<'_>,
    id: AccountId,
    (keepsake, now): (&Keepsake, Time),
) -> Result<bool, StoreError> {
    let ended = account_signed_since(tx, id)?;
    Ok(keepsake.is_of(id, ended.unwrap_or_default(), now))
}

/// A credential's owner and what it may do.
#[derive(Clone, Debug)]
pub struct Credential {
    /// The key's or session's row.
    pub id: i64,
    /// Under which white label.
    pub brand: BrandId,
    /// Whose it is.
    pub account: AccountId,
    /// What it may do.
    pub scopes: Scopes,
    /// Whether a cap bounds what it spends.
    pub spending: Spending,
    /// Where it may be used.
    pub networks: Networks,
    /// Where the account stands.
    pub standing: Standing,
    /// What the account is.
    pub role: Role,
    /// When it ends by itself; the end of time if it does not.
    pub ends: Time,
}
