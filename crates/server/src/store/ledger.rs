//! The books as rows: purses, movements, transfers, and the operator's own changes of them.

use super::StoreError;
use super::db::{Action, Bulk, Kind, Row, Value, statements};
use super::tx::{Sequence, Tx};
use Kind::{Int, Text};
use numberotp_core::id::{AccountId, ActivationId, BrandId, MovementId};
use numberotp_core::ledger::{
    Change, Draft, Fund, Movement, MovementKind, Purse, Purses, Reference, Refused, Transfer, ledger_account,
};
use numberotp_core::money::{CreditValue, Credits, Usd};
use numberotp_core::time::Time;
use numberotp_core::token;

pub(super) const MOVEMENTS_INSERT: Bulk = Bulk {
    name: "MOVEMENTS_INSERT",
    table: "movements",
    action: Action::Insert(&[
        ("id", Int),
        ("account_id", Int),
        ("kind", Text),
        ("step", Text),
        ("reference_kind", Text),
        ("reference_id", Int),
        ("balance_change", Int),
        ("credits_change", Int),
        ("value", Int),
        ("balance_after", Int),
        ("credits_after", Int),
        ("created_at", Int),
    ]),
};
pub(super) const TRANSFERS_INSERT: Bulk = Bulk {
    name: "TRANSFERS_INSERT",
    table: "transfers",
    action: Action::Insert(&[
        ("movement_id", Int),
        ("purse", Text),
        ("phase", Text),
        ("debit_id", Int),
        ("credit_id", Int),
        ("amount", Int),
    ]),
};
pub(super) const PURSES_UPDATE: Bulk = Bulk {
    name: "PURSES_UPDATE",
    table: "purses",
    action: Action::Update(
        &[("account_id", Int)],
        &[
            ("balance_posted", Int),
            ("balance_held", Int),
            ("gift_posted", Int),
            ("gift_held", Int),
            ("granted_posted", Int),
            ("granted_held", Int),
            ("bought_posted", Int),
            ("bought_held", Int),
            ("gift_total", Int),
        ],
    ),
};
const LEDGER_ACCOUNTS_INSERT: Bulk = Bulk {
    name: "LEDGER_ACCOUNTS_INSERT",
    table: "ledger_accounts",
    action: Action::Insert(&[
        ("id", Int),
        ("brand_id", Int),
        ("account_id", Int),
        ("kind", Text),
        ("unit", Text),
    ]),
};

/// The bulks of this module that the hot way does not list.
pub(crate) const BULKS: &[Bulk] = &[LEDGER_ACCOUNTS_INSERT];

statements! {
    /// One account's purses.
    PURSES_GET = "SELECT balance_posted, balance_held, gift_posted, gift_held, granted_posted, granted_held, bought_posted, bought_held, gift_total FROM purses WHERE account_id = $1";
    /// The same, to be changed.
    PURSES_LOCK = "SELECT balance_posted, balance_held, gift_posted, gift_held, granted_posted, granted_held, bought_posted, bought_held, gift_total FROM purses WHERE account_id = $1 LOCKED";
    /// New purses.
    PURSES_INSERT = "INSERT INTO purses (account_id, balance_posted, balance_held, gift_posted, gift_held, granted_posted, granted_held, bought_posted, bought_held, gift_total) VALUES ($1, 0, 0, 0, 0, 0, 0, 0, 0, 0)";
    /// The movement of a step that is no purchase's.
    MOVEMENT_BY_STEP = "SELECT id, account_id, kind, step, reference_kind, reference_id, balance_change, credits_change, value, balance_after, credits_after, created_at FROM movements WHERE step = $1 AND reference_kind <> 'activation'";
    /// A page of what the account's owner sees, newest first.
    MOVEMENTS_PAGE = "SELECT id, account_id, kind, step, reference_kind, reference_id, balance_change, credits_change, value, balance_after, credits_after, created_at FROM movements WHERE account_id = $1 AND kind <> 'settlement' ORDER BY created_at DESC, id DESC LIMIT $2 OFFSET $3";
    /// How many there are.
    MOVEMENTS_COUNT = "SELECT COUNT(*) FROM movements WHERE account_id = $1 AND kind <> 'settlement'";
}

/// Reads the nine columns of purses.
pub(super) fn read_purses(row: &mut Row) -> Result<Purses, StoreError> {
    let mut fund =
        || -> Result<Fund, StoreError> { Ok(Fund { posted: row.int("posted")?, held: row.int("held")? }) };
    let (balance, gift, granted, bought) = (fund()?, fund()?, fund()?, fund()?);
    Ok(Purses { balance, gift, granted, bought, gift_total: row.int("gift_total")? })
}

pub(super) fn purses_row(account: AccountId, purses: &Purses) -> Vec<Value> {
    let mut row = vec![Value::Int(account.get())];
    for purse in Purse::ALL {
        let fund = purses.fund(purse);
        row.push(fund.posted.into());
        row.push(fund.held.into());
    }
    row.push(purses.gift_total.into());
    row
}

pub(super) fn movement_row(movement: &Movement) -> Vec<Value> {
    vec![
        movement.id.get().into(),
        movement.account.get().into(),
        movement.kind.as_str().into(),
        movement.step.as_str().into(),
        movement.reference.kind().into(),
        movement.reference.id().into(),
        movement.balance_change.micros().into(),
        movement.credits_change.count().into(),
        movement.value.micros().into(),
        movement.balance_after.micros().into(),
        movement.credits_after.count().into(),
        movement.at.micros().into(),
    ]
}

pub(super) fn transfer_row(transfer: &Transfer) -> Vec<Value> {
    vec![
        transfer.movement.get().into(),
        transfer.purse.as_str().into(),
        transfer.phase.as_str().into(),
        transfer.debit.get().into(),
        transfer.credit.get().into(),
        transfer.amount.into(),
    ]
}

fn read_movement(mut row: Row) -> Result<Movement, StoreError> {
    let id = MovementId::new(row.int("id")?);
    let account = AccountId::new(row.int("account_id")?);
    let kind = row.parsed("kind", MovementKind::parse)?;
    let step = row.text("step")?;
    let reference_kind = row.text("reference_kind")?;
    let reference_id = row.int("reference_id")?;
    let reference = match reference_kind.as_str() {
        "activation" => Reference::Activation(ActivationId::new(reference_id)),
        "operator" => Reference::Operator(reference_id),
        _ => return Err(row.unexplained("reference_kind")),
    };
    Ok(Movement {
        id,
        account,
        kind,
        step,
        reference,
        balance_change: Usd::from_micros(row.int("balance_change")?),
        credits_change: Credits::new(row.int("credits_change")?),
        value: Usd::from_micros(row.int("value")?),
        balance_after: Usd::from_micros(row.int("balance_after")?),
        credits_after: Credits::new(row.int("credits_after")?),
        at: Time::from_micros(row.int("created_at")?),
    })
}

/// One account's purses; `None` for no such account.
pub fn purses_get(tx: &mut Tx<'_>, account: AccountId) -> Result<Option<Purses>, StoreError> {
    let row = tx.query_one(&PURSES_GET, &[account.get().into()])?;
    row.map(|mut row| read_purses(&mut row)).transpose()
}

/// New, empty purses with their ledger accounts.
pub fn purses_create(tx: &mut Tx<'_>, brand: BrandId, account: AccountId) -> Result<(), StoreError> {
    tx.execute(&PURSES_INSERT, &[account.get().into()])?;
    let rows: Vec<Vec<Value>> = Purse::ALL
        .into_iter()
        .map(|purse| {
            let id = ledger_account(account, purse).get();
            vec![
                id.into(),
                brand.get().into(),
                account.get().into(),
                purse.as_str().into(),
                purse.unit().into(),
            ]
        })
        .collect();
    tx.bulk(&LEDGER_ACCOUNTS_INSERT, &rows).map(drop)
}

/// A change of the operator's: of which purse, as what.
#[derive(Clone, Copy, Debug)]
pub struct OperatorChange {
    /// Under which white label.
    pub brand: BrandId,
    /// Whose purse.
    pub account: AccountId,
    /// How it is listed.
    pub kind: MovementKind,
    /// The change itself.
    pub change: Change,
    /// Worth of a credit.
    pub credit: CreditValue,
    /// Now.
    pub now: Time,
}

/// Changes a purse from outside. The inner error is the books' refusal; then nothing was written.
pub fn purses_change(tx: &mut Tx<'_>, order: OperatorChange) -> Result<Result<Purses, Refused>, StoreError> {
    let before = lock(tx, order.account)?;
    let id = MovementId::new(tx.next_id(Sequence::Row)?);
    book(tx, order, before, (id, format!("operator:{}", id.get())))
}

/// Whether a change was made under a name before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Named {
    /// Nothing was.
    Free,
    /// This very change was.
    Done,
    /// Another change was.
    Taken,
}

/// Whether a change was made under a name before. Holds the purses, so that it stays true in this transaction.
pub fn change_named(tx: &mut Tx<'_>, order: &OperatorChange, name: &str) -> Result<Named, StoreError> {
    lock(tx, order.account)?;
    let step = step_of(order, name);
    let Some(row) = tx.query_one(&MOVEMENT_BY_STEP, &[step.into()])? else { return Ok(Named::Free) };
    let known = read_movement(row)?;
    let moved = match order.change.purse {
        Purse::Balance => known.balance_change.micros(),
        _ => known.credits_change.count(),
    };
    Ok(if moved == order.change.amount { Named::Done } else { Named::Taken })
}

/// Changes a purse under a name that was found free; the database itself lets a name be used once.
pub fn purses_change_named(
    tx: &mut Tx<'_>,
    order: OperatorChange,
    name: &str,
) -> Result<Result<Purses, Refused>, StoreError> {
    let before = lock(tx, order.account)?;
    let id = MovementId::new(tx.next_id(Sequence::Row)?);
    book(tx, order, before, (id, step_of(&order, name)))
}

/// A digest: whatever a name says about somebody stays out of the books.
fn step_of(order: &OperatorChange, name: &str) -> String {
    let digest: String =
        token::hash_bytes(name.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("operator:{}:{}:{digest}", order.account.get(), order.change.purse.as_str())
}

fn lock(tx: &mut Tx<'_>, account: AccountId) -> Result<Purses, StoreError> {
    let row = tx.query_one(&PURSES_LOCK, &[account.get().into()])?;
    let missing = StoreError::Corrupt { table: "purses", column: "account_id" };
    row.map(|mut row| read_purses(&mut row)).transpose()?.ok_or(missing)
}

fn book(
    tx: &mut Tx<'_>,
    order: OperatorChange,
    before: Purses,
    (id, step): (MovementId, String),
) -> Result<Result<Purses, Refused>, StoreError> {
    let OperatorChange { brand, account, kind, change, credit, now } = order;
    let after = match before.change(change) {
        Ok(after) => after,
        Err(refused) => return Ok(Err(refused)),
    };
    let draft =
        Draft { id, account, kind, reference: Reference::Operator(id.get()), step, after: &after, at: now };
    let Ok(movement) = Movement::of_change(draft, change, credit) else { return Ok(Err(Refused::Overflow)) };
    let transfers: Vec<Vec<Value>> =
        movement.transfer_of_change(brand, change).iter().map(transfer_row).collect();
    tx.bulk(&MOVEMENTS_INSERT, &[movement_row(&movement)])?;
    tx.bulk(&TRANSFERS_INSERT, &transfers)?;
    tx.bulk(&PURSES_UPDATE, &[purses_row(account, &after)])?;
    Ok(Ok(after))
}

/// A page of an account's movements, newest first, and how many there are in all.
pub fn movements_page(
    tx: &mut Tx<'_>,
    account: AccountId,
    limit: i64,
    offset: i64,
) -> Result<(Vec<Movement>, i64), StoreError> {
    let rows = tx.query(&MOVEMENTS_PAGE, &[account.get().into(), limit.into(), offset.into()])?;
    let page: Result<Vec<Movement>, StoreError> = rows.into_iter().map(read_movement).collect();
    let mut total = tx
        .query_one(&MOVEMENTS_COUNT, &[account.get().into()])?
        .ok_or(StoreError::Corrupt { table: "movements", column: "count" })?;
    Ok((page?, total.int("count")?))
}
