//! Accounts and what they sign in with.

use super::StoreError;
use super::db::{Row, Value, statements};
use super::tx::{Sequence, Tx};
use numberotp_core::caller::{Role, Scopes, Standing};
use numberotp_core::id::{AccountId, ApiKeyId, BrandId, SessionId};
use numberotp_core::text::Email;
use numberotp_core::time::Time;
use numberotp_core::token::TokenHash;

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
    /// Another standing.
    ACCOUNT_STANDING = "UPDATE accounts SET standing = $2 WHERE id = $1";
    /// A new key.
    API_KEY_INSERT = "INSERT INTO api_keys (id, brand_id, account_id, name, hash, last_four, scopes, created_at, revoked_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, NULL)";
    /// A live key by its hash.
    API_KEY_BY_HASH = "SELECT id, brand_id, account_id, scopes FROM api_keys WHERE hash = $1 AND revoked_at IS NULL";
    /// A new session.
    SESSION_INSERT = "INSERT INTO sessions (id, brand_id, account_id, hash, created_at, expires_at, revoked_at) VALUES ($1, $2, $3, $4, $5, $6, NULL)";
    /// A live session by its hash.
    SESSION_BY_HASH = "SELECT id, brand_id, account_id FROM sessions WHERE hash = $1 AND revoked_at IS NULL AND expires_at > $2";
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

/// Lets it buy or stops it.
pub fn account_set_standing(tx: &mut Tx<'_>, id: AccountId, standing: Standing) -> Result<(), StoreError> {
    tx.execute(&ACCOUNT_STANDING, &[id.get().into(), standing.as_str().into()]).map(drop)
}

/// A credential's owner and what it may do.
#[derive(Clone, Copy, Debug)]
pub struct Credential {
    /// The key's or session's row.
    pub id: i64,
    /// Under which white label.
    pub brand: BrandId,
    /// Whose it is.
    pub account: AccountId,
    /// What it may do.
    pub scopes: Scopes,
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
        new.last_four.as_str().into(),
        new.scopes.to_string().into(),
        new.now.micros().into(),
    ];
    tx.execute(&API_KEY_INSERT, &row)?;
    Ok(id)
}

/// The live key with this hash.
pub fn api_key_by_hash(tx: &mut Tx<'_>, hash: &TokenHash) -> Result<Option<Credential>, StoreError> {
    let Some(mut row) = tx.query_one(&API_KEY_BY_HASH, &[hash.0.as_slice().into()])? else { return Ok(None) };
    Ok(Some(Credential {
        id: row.int("id")?,
        brand: BrandId::new(row.int("brand_id")?),
        account: AccountId::new(row.int("account_id")?),
        scopes: row.parsed("scopes", Scopes::parse)?,
    }))
}

/// Stores a session.
pub fn session_create(
    tx: &mut Tx<'_>,
    account: &Account,
    hash: &TokenHash,
    (now, expires_at): (Time, Time),
) -> Result<SessionId, StoreError> {
    let id = SessionId::new(tx.next_id(Sequence::Row)?);
    let row = [
        id.get().into(),
        account.brand.get().into(),
        account.id.get().into(),
        hash.0.as_slice().into(),
        now.micros().into(),
        expires_at.micros().into(),
    ];
    tx.execute(&SESSION_INSERT, &row)?;
    Ok(id)
}

/// The live session with this hash.
pub fn session_by_hash(
    tx: &mut Tx<'_>,
    hash: &TokenHash,
    now: Time,
) -> Result<Option<Credential>, StoreError> {
    let parameters = [hash.0.as_slice().into(), now.micros().into()];
    let Some(mut row) = tx.query_one(&SESSION_BY_HASH, &parameters)? else { return Ok(None) };
    Ok(Some(Credential {
        id: row.int("id")?,
        brand: BrandId::new(row.int("brand_id")?),
        account: AccountId::new(row.int("account_id")?),
        scopes: Scopes::ALL,
    }))
}
