//! Accounts as those who run the service look for them. Nothing here is on the way of a request of a customer.

use super::StoreError;
use super::account::{Account, account_of};
use super::db::{Row, Value, statements};
use super::ledger::read_purses;
use super::session::sessions_of;
use super::tx::Tx;
use numberotp_core::id::{AccountId, PLATFORM};
use numberotp_core::ledger::Purses;
use numberotp_core::time::Time;

statements! {
    /// Accounts by id, or by a part of e-mail or name, newest first.
    ACCOUNTS_FIND = "SELECT a.id, a.brand_id, a.email, a.name, a.email_verified, a.role, a.standing, a.webhook_url, a.created_at, p.balance_posted, p.balance_held, p.gift_posted, p.gift_held, p.granted_posted, p.granted_held, p.bought_posted, p.bought_held, p.gift_total FROM accounts a JOIN purses p ON p.account_id = a.id WHERE a.brand_id = $1 AND (a.id = $2 OR LOWER(a.email) LIKE $3 ESCAPE '!' OR LOWER(a.name) LIKE $3 ESCAPE '!' OR a.name LIKE $4 ESCAPE '!') ORDER BY a.created_at DESC, a.id DESC LIMIT $5 OFFSET $6";
    /// How many of those there are.
    ACCOUNTS_FOUND = "SELECT COUNT(*) FROM accounts a WHERE a.brand_id = $1 AND (a.id = $2 OR LOWER(a.email) LIKE $3 ESCAPE '!' OR LOWER(a.name) LIKE $3 ESCAPE '!' OR a.name LIKE $4 ESCAPE '!')";
    /// How much an account has of what can be counted.
    ACCOUNT_COUNTS = "SELECT (SELECT COUNT(*) FROM activations WHERE account_id = $1 AND status <> 'failed'), (SELECT COUNT(*) FROM activations WHERE account_id = $1 AND status IN ('reserving', 'waiting', 'received')), (SELECT COUNT(*) FROM api_keys WHERE account_id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)), (SELECT MAX(created_at) FROM sessions WHERE account_id = $1)";
}

/// How much an account has of what can be counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Counts {
    /// Purchases, but for those that got no number.
    pub purchases: i64,
    /// Of those, the ones that are going on.
    pub open: i64,
    /// Live API keys.
    pub keys: i64,
    /// Live sign-ins.
    pub sessions: i64,
    /// When it last signed in, live or not.
    pub signed_in_at: Option<Time>,
}

/// A page of the accounts whose id is, or whose e-mail or name holds, this text; and how many there are. All of them if
/// the text is empty.
pub fn accounts_find(
    tx: &mut Tx<'_>,
    text: &str,
    (limit, offset): (i64, i64),
) -> Result<(Vec<(Account, Purses)>, i64), StoreError> {
    // No account has the row zero.
    let id = text.parse::<i64>().unwrap_or_default();
    let wanted: Vec<Value> =
        vec![PLATFORM.get().into(), id.into(), holds(&text.to_lowercase()).into(), holds(text).into()];
    let missing = StoreError::Corrupt { table: "accounts", column: "count" };
    let total = tx.query_one(&ACCOUNTS_FOUND, &wanted)?.ok_or(missing)?.int("count")?;
    let page = [wanted, vec![limit.into(), offset.into()]].concat();
    let read = |mut row: Row| Ok((account_of(&mut row)?, read_purses(&mut row)?));
    let found = tx.query(&ACCOUNTS_FIND, &page)?.into_iter().map(read).collect::<Result<_, StoreError>>()?;
    Ok((found, total))
}

/// A pattern for texts that hold this one, letter for letter.
fn holds(text: &str) -> String {
    let mut pattern = String::from("%");
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

/// How much an account has of what can be counted.
pub fn account_counts(tx: &mut Tx<'_>, id: AccountId, now: Time) -> Result<Counts, StoreError> {
    let missing = StoreError::Corrupt { table: "accounts", column: "counts" };
    let live = sessions_of(tx, id, (now, i64::MAX))?.len();
    let sessions = i64::try_from(live).unwrap_or(i64::MAX);
    let row = tx.query_one(&ACCOUNT_COUNTS, &[id.get().into(), now.micros().into()])?;
    let mut row = row.ok_or(missing)?;
    Ok(Counts {
        purchases: row.int("purchases")?,
        open: row.int("open")?,
        keys: row.int("keys")?,
        signed_in_at: row.opt_int("signed_in_at")?.map(Time::from_micros),
        sessions,
    })
}
