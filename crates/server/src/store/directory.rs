//! Accounts as those who run the service look for them. Nothing here is on the way of a request of a customer.
//!
//! Guards that looking for an account reads no more rows than it finds, however many there are.

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
    /// Accounts by id, or by how e-mail or name begins, newest first. Each way is an index's own.
    ACCOUNTS_FIND = "SELECT a.id, a.brand_id, a.email, a.name, a.email_verified, a.role, a.standing, a.webhook_url, a.created_at, p.balance_posted, p.balance_held, p.gift_posted, p.gift_held, p.granted_posted, p.granted_held, p.bought_posted, p.bought_held, p.gift_total FROM accounts a JOIN purses p ON p.account_id = a.id WHERE a.id IN (SELECT id FROM accounts WHERE brand_id = $1 AND id = $2 UNION SELECT id FROM accounts WHERE brand_id = $1 AND email BYTEWISE >= $3 AND email BYTEWISE < $4 UNION SELECT id FROM accounts WHERE brand_id = $1 AND name BYTEWISE >= $5 AND name BYTEWISE < $6) ORDER BY a.created_at DESC, a.id DESC LIMIT $7 OFFSET $8";
    /// How many of those there are.
    ACCOUNTS_FOUND = "SELECT COUNT(*) FROM (SELECT id FROM accounts WHERE brand_id = $1 AND id = $2 UNION SELECT id FROM accounts WHERE brand_id = $1 AND email BYTEWISE >= $3 AND email BYTEWISE < $4 UNION SELECT id FROM accounts WHERE brand_id = $1 AND name BYTEWISE >= $5 AND name BYTEWISE < $6) AS found";
    /// All accounts, newest first.
    ACCOUNTS_NEWEST = "SELECT a.id, a.brand_id, a.email, a.name, a.email_verified, a.role, a.standing, a.webhook_url, a.created_at, p.balance_posted, p.balance_held, p.gift_posted, p.gift_held, p.granted_posted, p.granted_held, p.bought_posted, p.bought_held, p.gift_total FROM accounts a JOIN purses p ON p.account_id = a.id WHERE a.brand_id = $1 ORDER BY a.created_at DESC, a.id DESC LIMIT $2 OFFSET $3";
    /// How many accounts there are.
    ACCOUNTS_ALL = "SELECT COUNT(*) FROM accounts WHERE brand_id = $1";
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

/// A page of the accounts whose id is this text, or whose e-mail or name begins with it; and how many there are. All of
/// them if the text is empty. To be run in a snapshot.
pub fn accounts_find(
    tx: &mut Tx<'_>,
    text: &str,
    (limit, offset): (i64, i64),
) -> Result<(Vec<(Account, Purses)>, i64), StoreError> {
    let brand = Value::Int(PLATFORM.get());
    let (page, count, wanted) = if text.is_empty() {
        (&ACCOUNTS_NEWEST, &ACCOUNTS_ALL, vec![brand])
    } else {
        // No account has the row zero. E-mails are kept in lower case.
        let id = text.parse::<i64>().unwrap_or_default();
        let [from, to] = beginning(&text.to_lowercase());
        let [name_from, name_to] = beginning(text);
        (&ACCOUNTS_FIND, &ACCOUNTS_FOUND, vec![brand, id.into(), from, to, name_from, name_to])
    };
    let missing = StoreError::Corrupt { table: "accounts", column: "count" };
    let total = tx.query_one(count, &wanted)?.ok_or(missing)?.int("count")?;
    let range = [wanted, vec![limit.into(), offset.into()]].concat();
    let read = |mut row: Row| Ok((account_of(&mut row)?, read_purses(&mut row)?));
    let found = tx.query(page, &range)?.into_iter().map(read).collect::<Result<_, StoreError>>()?;
    Ok((found, total))
}

/// The texts that begin with this one, letter for letter: from the first on, and below the second.
fn beginning(text: &str) -> [Value; 2] {
    [text.into(), format!("{text}{}", char::MAX).into()]
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
