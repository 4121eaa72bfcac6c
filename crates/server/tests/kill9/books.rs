//! The tables themselves, read beside the server: money by plain sums, messages and numbers by counting. Guards: what
//! nobody was told of is in order too (purchases whose answer broke off, messages on their way, numbers to give
//! back). It must never write.

use super::memory::{End, Memory};
use super::program::Account;
use numberotp_core::id::PublicIds;
use numberotp_server::clock::Clock;
use numberotp_server::store::db::{Access, Connection, Engine, Row, Statement};
use std::collections::BTreeMap;
use std::time::Duration;

/// Purchases that somebody has to look after by now, and messages and numbers that are on their way.
const OPEN: Statement = Statement::new(
    "OPEN",
    "SELECT (SELECT COUNT(*) FROM activations WHERE status = 'reserving' OR (status IN ('waiting', 'received') AND expires_at <= $1)), (SELECT COUNT(*) FROM jobs WHERE kind IN ('sandbox_sms', 'activation_release'))",
);
/// Jobs that were given up.
const DEAD: Statement = Statement::new("DEAD", "SELECT COUNT(*) FROM jobs WHERE dead <> 0");
/// Every purchase: whose, in which state, what it took from its account, and how long it took to be settled.
const PURCHASES: Statement = Statement::new(
    "PURCHASES",
    "SELECT id, account_id, status, number, price, paid_balance, paid_gift + paid_granted + paid_bought, COALESCE(attached_at, closed_at) - created_at FROM activations",
);
/// How often a purchase's money was given back.
const REFUNDS: Statement = Statement::new(
    "REFUNDS",
    "SELECT reference_id, COUNT(*) FROM movements WHERE kind = 'refund' AND reference_kind = 'activation' GROUP BY reference_id",
);
/// What an account can spend.
const PURSES: Statement = Statement::new(
    "PURSES",
    "SELECT account_id, balance_posted - balance_held, gift_posted + granted_posted + bought_posted - gift_held - granted_held - bought_held FROM purses",
);
/// What the public form of ids follows from.
const ID_KEY: Statement = Statement::new("ID_KEY", "SELECT value FROM secrets WHERE name = 'public_id_key'");
/// Numbers that the sandbox gave and that are not their purchase's.
const NUMBERS: Statement = Statement::new(
    "NUMBERS",
    "SELECT COUNT(*) FROM sandbox_purchases s LEFT JOIN activations a ON a.id = CAST(s.reference AS BIGINT) WHERE a.id IS NULL OR a.number IS NULL OR a.number <> s.number OR a.provider_ref <> 'sbx-' || CAST(s.id AS TEXT)",
);
/// Numbers that the sandbox gave and that were not given back although their purchase is over.
const KEPT_NUMBERS: Statement = Statement::new(
    "KEPT_NUMBERS",
    "SELECT COUNT(*) FROM sandbox_purchases s JOIN activations a ON a.id = CAST(s.reference AS BIGINT) WHERE s.released_at IS NULL AND a.status IN ('canceled', 'finished', 'expired', 'failed')",
);
/// Purchases of whose messages one was lost, came twice, or came to somebody else. The second message of two is not
/// sent to a number that was given back after the first.
const MESSAGES: Statement = Statement::new(
    "MESSAGES",
    "SELECT COUNT(*) FROM (SELECT s.id, SUM(CASE WHEN m.id IS NULL THEN 0 ELSE 1 END) AS stored, SUM(CASE WHEN m.verdict = 'delivered' AND m.activation_id = a.id THEN 1 ELSE 0 END) AS delivered, MAX(s.messages) AS begun, MAX(a.status) AS status, MAX(COALESCE(s.scenario, '')) AS scenario FROM sandbox_purchases s JOIN activations a ON a.id = CAST(s.reference AS BIGINT) LEFT JOIN messages m ON m.provider_ref = 'sbx-' || CAST(s.id AS TEXT) GROUP BY s.id) AS counted WHERE stored > begun OR (scenario = 'double' AND status = 'finished' AND delivered = 0) OR (NOT (scenario = 'double' AND status = 'finished') AND status IN ('waiting', 'received', 'finished') AND (delivered <> begun OR stored <> begun))",
);
/// Messages that belong to nobody.
const STRAY: Statement = Statement::new("STRAY", "SELECT COUNT(*) FROM messages WHERE verdict = 'parked'");

/// Worth of a credit in micro-dollars.
const CREDIT: i64 = 500;

/// A purchase as its row says.
pub struct Purchase {
    account: i64,
    status: String,
    number: Option<String>,
    price: i64,
    paid: (i64, i64),
    /// How long it took until it had its number or was given up; none: neither yet.
    pub settled: Option<Duration>,
}

/// The tables of a database.
pub struct Books(Connection);

impl Books {
    /// Opens them beside whoever works with them.
    pub fn open(engine: &Engine) -> Self {
        let mut connection = Connection::open(engine, Access::Read).unwrap();
        connection.ensure().unwrap();
        Self(connection)
    }

    fn rows(&mut self, statement: &Statement) -> Vec<Row> {
        self.0.query(statement, &[]).unwrap()
    }

    fn count(&mut self, statement: &Statement) -> i64 {
        self.rows(statement).pop().unwrap().int("count").unwrap()
    }

    /// How many purchases somebody has to look after by now, and how many messages and numbers are on their way.
    pub fn open_work(&mut self) -> (i64, i64) {
        let now = Clock::system().now().micros();
        let mut row = self.0.query(&OPEN, &[now.into()]).unwrap().pop().unwrap();
        (row.int("purchases").unwrap(), row.int("jobs").unwrap())
    }

    /// Every purchase by its row.
    pub fn purchases(&mut self) -> BTreeMap<i64, Purchase> {
        let read = |mut row: Row| {
            let id = row.int("id").unwrap();
            let purchase = Purchase {
                account: row.int("account_id").unwrap(),
                status: row.text("status").unwrap(),
                number: row.opt_text("number").unwrap(),
                price: row.int("price").unwrap(),
                paid: (row.int("balance").unwrap(), row.int("credits").unwrap()),
                settled: row
                    .opt_int("settled")
                    .unwrap()
                    .map(|after| Duration::from_micros(after.unsigned_abs())),
            };
            (id, purchase)
        };
        self.rows(&PURCHASES).into_iter().map(read).collect()
    }

    /// Money and purchases: each acknowledged rent has its row, whatever was given back was given back once, and
    /// what an account has left is what it was given less what it bought.
    pub fn hold(&mut self, memory: &Memory, accounts: &[Account], given: (i64, i64)) -> Result<(), String> {
        let ids = PublicIds::new(&self.rows(&ID_KEY).pop().unwrap().bytes("value").unwrap());
        let purchases = self.purchases();
        let refunds = self.rows(&REFUNDS).into_iter();
        let refunds: BTreeMap<i64, i64> =
            refunds.map(|mut row| (row.int("reference_id").unwrap(), row.int("count").unwrap())).collect();
        for (id, rent) in memory.all() {
            let row = ids.parse(&id).unwrap().get();
            let Some(purchase) = purchases.get(&row) else {
                return Err(format!("{id} has no row: {rent:?}"));
            };
            let same = purchase.account == accounts[rent.account].id
                && purchase.number.as_ref() == Some(&rent.number)
                && purchase.price == rent.cost.micros();
            let back = refunds.get(&row).copied().unwrap_or(0);
            let refunded = i64::from(["canceled", "expired"].contains(&purchase.status.as_str()));
            let ended = rent.end != End::Canceled || purchase.status == "canceled";
            if !same || !ended || back != refunded {
                let status = &purchase.status;
                return Err(format!("{id} is {status} and was given back {back} times: {rent:?}"));
            }
        }
        let stands = |purchase: &&Purchase| !["failed", "reserving"].contains(&purchase.status.as_str());
        let (bought, known) = (purchases.values().filter(stands).count(), memory.all().len());
        if bought != known {
            // Every purchase had a key, and every key that was not answered was asked again.
            return Err(format!("{bought} numbers were bought and {known} are known to their buyers"));
        }
        let mut left: BTreeMap<i64, (i64, i64)> =
            accounts.iter().map(|account| (account.id, given)).collect();
        for (id, purchase) in &purchases {
            if purchase.price != purchase.paid.0 + purchase.paid.1 * CREDIT {
                return Err(format!("purchase {id} of {} was paid with {:?}", purchase.price, purchase.paid));
            }
            let kept = !["failed", "canceled", "expired"].contains(&purchase.status.as_str());
            let left = left.get_mut(&purchase.account).filter(|_| kept);
            if let Some((balance, credits)) = left {
                *balance -= purchase.paid.0;
                *credits -= purchase.paid.1;
            }
        }
        for mut row in self.rows(&PURSES) {
            let account = row.int("account_id").unwrap();
            let has = (row.int("balance").unwrap(), row.int("credits").unwrap());
            if left.get(&account).is_some_and(|left| *left != has) {
                return Err(format!("account {account} has {has:?} instead of {:?}", left[&account]));
            }
        }
        Ok(())
    }

    /// Messages and numbers, once nothing is on its way: none lost, none twice, none astray.
    pub fn nothing_lost(&mut self) -> Result<(), String> {
        for (what, statement) in [
            ("jobs were given up", DEAD),
            ("numbers that the sandbox gave are not their purchase's", NUMBERS),
            ("numbers were not given back", KEPT_NUMBERS),
            ("purchases lost a message, or had one twice or another's", MESSAGES),
            ("messages found nobody", STRAY),
        ] {
            let count = self.count(&statement);
            if count != 0 {
                return Err(format!("{count} {what}"));
            }
        }
        Ok(())
    }
}
