//! The second bookkeeper: recomputes the books from one snapshot, by sums over rows that the money path
//! never reads. Each check counts what contradicts an invariant; zero everywhere is a clean book.

use super::StoreError;
use super::act::{Chain, chain_check};
use super::db::{Statement, statements};
use super::tx::Tx;
use numberotp_core::time::{Span, Time};

statements! {
    /// I1: both sides of an entry exist and have one unit.
    AUDIT_UNITS = "SELECT COUNT(*) FROM transfers t LEFT JOIN ledger_accounts d ON d.id = t.debit_id LEFT JOIN ledger_accounts c ON c.id = t.credit_id WHERE d.id IS NULL OR c.id IS NULL OR d.unit <> c.unit OR t.debit_id = t.credit_id";
    /// I1: each movement's entries are worth what the movement says, both units. Movement by movement: whatever is
    /// sorted or grouped of all of them SQLite keeps in memory.
    AUDIT_ENTRIES = "SELECT COUNT(*) FROM movements m WHERE m.kind <> 'settlement' AND (SELECT CASE WHEN COALESCE(SUM(CASE WHEN t.purse = 'balance' THEN t.amount ELSE 0 END), 0) = ABS(m.balance_change) AND COALESCE(SUM(CASE WHEN t.purse <> 'balance' THEN t.amount ELSE 0 END), 0) = ABS(m.credits_change) THEN 0 ELSE 1 END FROM transfers t WHERE t.movement_id = m.id) = 1";
    /// I1: no entry without its movement. By number, from the movements in the order of the table (for a
    /// word that the key lacks): entries are found by them, and not the other way.
    AUDIT_ORPHANS = "SELECT ABS((SELECT COUNT(*) FROM transfers) - (SELECT COUNT(m.kind) FROM movements m JOIN transfers t ON t.movement_id = m.id))";
    /// I2: every purse is the sum of its final and of its open entries.
    AUDIT_PURSES = "SELECT COUNT(*) FROM ledger_accounts l JOIN purses p ON p.account_id = l.account_id LEFT JOIN (SELECT side, SUM(settled) AS settled, SUM(pending) AS pending FROM (SELECT credit_id AS side, CASE phase WHEN 'single' THEN amount ELSE 0 END AS settled, 0 AS pending FROM transfers UNION ALL SELECT debit_id, CASE WHEN phase IN ('single', 'post') THEN -amount ELSE 0 END, CASE phase WHEN 'pending' THEN amount WHEN 'single' THEN 0 ELSE -amount END FROM transfers) AS sides GROUP BY side) AS t ON t.side = l.id WHERE COALESCE(t.settled, 0) <> CASE l.kind WHEN 'balance' THEN p.balance_posted WHEN 'gift' THEN p.gift_posted WHEN 'granted' THEN p.granted_posted ELSE p.bought_posted END OR COALESCE(t.pending, 0) <> CASE l.kind WHEN 'balance' THEN p.balance_held WHEN 'gift' THEN p.gift_held WHEN 'granted' THEN p.granted_held ELSE p.bought_held END";
    /// I2: what can be spent is the sum of the changes that the owner was shown.
    AUDIT_SHOWN = "SELECT COUNT(*) FROM (SELECT p.account_id FROM purses p LEFT JOIN movements m ON m.account_id = p.account_id GROUP BY p.account_id, p.balance_posted, p.balance_held, p.gift_posted, p.gift_held, p.granted_posted, p.granted_held, p.bought_posted, p.bought_held HAVING COALESCE(SUM(m.balance_change), 0) <> p.balance_posted - p.balance_held OR COALESCE(SUM(m.credits_change), 0) <> p.gift_posted + p.granted_posted + p.bought_posted - p.gift_held - p.granted_held - p.bought_held) AS wrong";
    /// I2: nothing is overdrawn.
    AUDIT_OVERDRAWN = "SELECT COUNT(*) FROM purses WHERE balance_held < 0 OR balance_posted < balance_held OR gift_held < 0 OR gift_posted < gift_held OR granted_held < 0 OR granted_posted < granted_held OR bought_held < 0 OR bought_posted < bought_held";
    /// I2: a key's cap counts what its purchases cost that did not end without a charge.
    AUDIT_KEYS = "SELECT COUNT(*) FROM api_keys k LEFT JOIN (SELECT credential_id, SUM(price) AS cost FROM activations WHERE credential = 'capped_key' AND status NOT IN ('failed', 'canceled', 'expired') GROUP BY credential_id) AS bought ON bought.credential_id = k.id WHERE k.spent <> COALESCE(bought.cost, 0)";
    /// I3: every purchase has one hold, and the resolution that its state says: none, one post or one void.
    AUDIT_HOLDS = "SELECT COUNT(*) FROM (SELECT a.id FROM activations a LEFT JOIN movements m ON m.reference_kind = 'activation' AND m.reference_id = a.id GROUP BY a.id, a.status, a.hold_id HAVING COALESCE(SUM(CASE WHEN m.kind = 'purchase' AND m.id = a.hold_id THEN 1 WHEN m.kind = 'purchase' THEN 100 ELSE 0 END), 0) <> 1 OR COALESCE(SUM(CASE WHEN m.kind = 'settlement' THEN 1 ELSE 0 END), 0) <> CASE WHEN a.status IN ('received', 'finished') THEN 1 ELSE 0 END OR COALESCE(SUM(CASE WHEN m.kind = 'refund' THEN 1 ELSE 0 END), 0) <> CASE WHEN a.status IN ('failed', 'canceled', 'expired') THEN 1 ELSE 0 END) AS wrong";
    /// I3: every entry of a purchase is the part that this purse was to pay, in the phase that the state says.
    AUDIT_PARTS = "SELECT COUNT(*) FROM transfers t JOIN movements m ON m.id = t.movement_id AND m.reference_kind = 'activation' JOIN activations a ON a.id = m.reference_id WHERE t.amount <> CASE t.purse WHEN 'balance' THEN a.paid_balance WHEN 'gift' THEN a.paid_gift WHEN 'granted' THEN a.paid_granted ELSE a.paid_bought END OR t.phase <> CASE WHEN m.kind = 'purchase' THEN 'pending' WHEN a.status IN ('received', 'finished') THEN 'post' ELSE 'void' END";
    /// I3: each purse that pays has an entry for the hold, and one for its resolution. By number: a movement has one a purse.
    AUDIT_MISSING = "SELECT ABS((SELECT COALESCE(SUM(CASE WHEN status IN ('reserving', 'waiting') THEN 1 ELSE 2 END * (CASE paid_balance WHEN 0 THEN 0 ELSE 1 END + CASE paid_gift WHEN 0 THEN 0 ELSE 1 END + CASE paid_granted WHEN 0 THEN 0 ELSE 1 END + CASE paid_bought WHEN 0 THEN 0 ELSE 1 END)), 0) FROM activations) - (SELECT COUNT(*) FROM transfers t JOIN movements m ON m.id = t.movement_id AND m.reference_kind = 'activation'))";
    /// I3: no movement of a purchase that does not exist.
    AUDIT_STRAY = "SELECT COUNT(*) FROM movements m LEFT JOIN activations a ON a.id = m.reference_id WHERE m.reference_kind = 'activation' AND (a.id IS NULL OR a.account_id <> m.account_id)";
    /// I3: no hold is open a minute past its deadline.
    AUDIT_OVERDUE = "SELECT COUNT(*) FROM activations WHERE (status = 'waiting' AND expires_at < $1) OR (status = 'reserving' AND created_at < $2)";
    /// I3: whatever is open is looked after by a job.
    AUDIT_UNWATCHED = "SELECT COUNT(*) FROM activations a LEFT JOIN jobs j ON j.kind = 'activation_watch' AND j.subject_id = a.id AND j.dead = 0 WHERE a.status IN ('reserving', 'waiting', 'received') AND j.id IS NULL";
    /// I4: whoever was charged had a message delivered in the time of the lease.
    AUDIT_CHARGES = "SELECT COUNT(*) FROM movements m LEFT JOIN activations a ON a.id = m.reference_id LEFT JOIN leases l ON l.activation_id = a.id WHERE m.kind = 'settlement' AND (a.first_message_at IS NULL OR l.activation_id IS NULL OR a.first_message_at < l.from_at OR a.first_message_at >= l.to_at)";
    /// I5: no number that a provider gave is left with it although nobody uses it and no job gives it back.
    AUDIT_ALLOCATIONS = "SELECT COUNT(*) FROM (SELECT reference FROM sandbox_purchases WHERE released_at IS NULL UNION ALL SELECT reference FROM number_allocations WHERE released_at IS NULL) AS held LEFT JOIN activations a ON a.id = CASE WHEN LENGTH(held.reference) BETWEEN 1 AND 18 AND LTRIM(held.reference, '0123456789') = '' THEN CAST(held.reference AS BIGINT) END LEFT JOIN jobs j ON j.kind IN ('activation_release', 'activation_sweep') AND j.subject_id = a.id AND j.dead = 0 WHERE a.id IS NULL OR (a.status NOT IN ('reserving', 'waiting', 'received') AND j.id IS NULL)";
    /// I6: every delivered message is its lease's.
    AUDIT_MESSAGES = "SELECT COUNT(*) FROM messages m LEFT JOIN leases l ON l.activation_id = m.activation_id WHERE m.verdict = 'delivered' AND (l.activation_id IS NULL OR l.provider <> m.provider OR m.received_at < l.from_at OR m.received_at >= l.to_at OR (l.closed_at IS NOT NULL AND m.received_at > l.closed_at + 30000000))";
    /// I8: every step that subscribers are told of has its event.
    AUDIT_EVENTS = "SELECT COUNT(*) FROM (SELECT a.id FROM activations a LEFT JOIN events e ON e.activation_id = a.id GROUP BY a.id, a.status, a.number HAVING COALESCE(SUM(CASE WHEN e.kind = 'activation.created' THEN 1 ELSE 0 END), 0) <> CASE WHEN a.number IS NULL THEN 0 ELSE 1 END OR COALESCE(SUM(CASE WHEN e.kind IN ('activation.canceled', 'activation.expired', 'activation.finished') THEN 1 ELSE 0 END), 0) <> CASE WHEN a.status IN ('canceled', 'expired', 'finished') THEN 1 ELSE 0 END OR (a.status IN ('received', 'finished') AND COALESCE(SUM(CASE WHEN e.kind = 'activation.code_received' THEN 1 ELSE 0 END), 0) <> 1)) AS wrong";
    /// How much was looked at.
    AUDIT_SIZE = "SELECT (SELECT COUNT(*) FROM accounts), (SELECT COUNT(*) FROM activations), (SELECT COUNT(*) FROM movements), (SELECT COUNT(*) FROM transfers), (SELECT COUNT(*) FROM messages)";
    /// What each ledger account comes to, over final entries.
    AUDIT_TOTALS = "SELECT l.unit, CAST(SUM(t.amount) AS BIGINT) FROM (SELECT credit_id AS side, amount FROM transfers WHERE phase IN ('single', 'post') UNION ALL SELECT debit_id, -amount FROM transfers WHERE phase IN ('single', 'post')) AS t JOIN ledger_accounts l ON l.id = t.side GROUP BY l.unit ORDER BY l.unit";
}

/// One invariant's check and how many rows contradict it.
#[derive(Clone, Debug)]
pub struct Check {
    /// `I1` … `I8`, `I12`: the number of what must never be true.
    pub invariant: &'static str,
    /// What is checked.
    pub says: &'static str,
    /// How many rows contradict it.
    pub violations: i64,
}

/// How much was looked at.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Accounts.
    pub accounts: i64,
    /// Activations.
    pub activations: i64,
    /// Movements.
    pub movements: i64,
    /// Transfers.
    pub transfers: i64,
    /// Messages.
    pub messages: i64,
}

/// A finished audit.
#[derive(Clone, Debug)]
pub struct Report {
    /// Every check.
    pub checks: Vec<Check>,
    /// How much was looked at.
    pub size: Size,
    /// The chain of acts.
    pub chain: Chain,
}

impl Report {
    /// True if nothing contradicts anything.
    pub fn clean(&self) -> bool {
        self.checks.iter().all(|check| check.violations == 0)
    }
}

const CHECKS: &[(&str, &str, Statement)] = &[
    ("I1", "both sides of every entry exist and have one unit", AUDIT_UNITS),
    ("I1", "every movement is worth its entries", AUDIT_ENTRIES),
    ("I1", "every entry has its movement", AUDIT_ORPHANS),
    ("I2", "every purse is the sum of its entries, posted and held", AUDIT_PURSES),
    ("I2", "every purse is the sum of the changes its owner was shown", AUDIT_SHOWN),
    ("I2", "no purse is overdrawn", AUDIT_OVERDRAWN),
    ("I2", "a capped key has spent what its purchases cost", AUDIT_KEYS),
    ("I3", "every hold is resolved as its purchase's state says, at most once", AUDIT_HOLDS),
    ("I3", "every entry of a purchase is the part that it was to pay", AUDIT_PARTS),
    ("I3", "no entry of a purchase is missing", AUDIT_MISSING),
    ("I3", "every movement of a purchase has its purchase", AUDIT_STRAY),
    ("I3", "every open purchase is looked after by a job", AUDIT_UNWATCHED),
    ("I4", "every charge has a purchase with a message in its lease", AUDIT_CHARGES),
    ("I5", "every number a provider gave is in use, given back, or about to be", AUDIT_ALLOCATIONS),
    ("I6", "every delivered message came within its lease", AUDIT_MESSAGES),
    ("I8", "every step has its event", AUDIT_EVENTS),
];

/// Recomputes the books. To be run in a snapshot.
pub fn audit(tx: &mut Tx<'_>, now: Time) -> Result<Report, StoreError> {
    let mut checks = Vec::new();
    for (invariant, says, statement) in CHECKS {
        let violations = count(tx, statement, &[])?;
        checks.push(Check { invariant, says, violations });
    }
    let waiting = now.minus(Span::seconds(60));
    let reserving = now.minus(Span::seconds(120));
    let overdue = count(tx, &AUDIT_OVERDUE, &[waiting.micros().into(), reserving.micros().into()])?;
    checks.push(Check {
        invariant: "I3",
        says: "no hold is open a minute past its deadline",
        violations: overdue,
    });
    let mut unbalanced = 0;
    for mut row in tx.query(&AUDIT_TOTALS, &[])? {
        let _unit = row.text("unit")?;
        unbalanced += i64::from(row.int("sum")? != 0);
    }
    checks.push(Check {
        invariant: "I1",
        says: "all accounts together come to zero, in each unit",
        violations: unbalanced,
    });
    let chain = chain_check(tx)?;
    checks.push(Check {
        invariant: "I12",
        says: "the acts are one whole chain",
        violations: i64::from(chain.broken.is_some()),
    });
    checks.sort_by_key(|check| (check.invariant.len(), check.invariant));
    let missing = StoreError::Corrupt { table: "audit", column: "size" };
    let mut row = tx.query_one(&AUDIT_SIZE, &[])?.ok_or(missing)?;
    let size = Size {
        accounts: row.int("accounts")?,
        activations: row.int("activations")?,
        movements: row.int("movements")?,
        transfers: row.int("transfers")?,
        messages: row.int("messages")?,
    };
    Ok(Report { checks, size, chain })
}

fn count(tx: &mut Tx<'_>, statement: &Statement, parameters: &[super::db::Value]) -> Result<i64, StoreError> {
    let missing = StoreError::Corrupt { table: "audit", column: "count" };
    tx.query_one(statement, parameters)?.ok_or(missing)?.int("count")
}
