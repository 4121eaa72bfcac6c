//! Adding to an account's purses and taking from them, with a reason, and under a reference at most once.

use super::people::{Summary, summary};
use super::{By, Reason, record};
use crate::app::adjustments::{self, Adjusted};
use crate::app::{Context, from_store};
use crate::store::account::account_get;
use crate::store::ledger::OperatorChange;
use crate::store::{StoreError, Tx};
use numberotp_core::fault::Fault;
use numberotp_core::id::AccountId;
use numberotp_core::ledger::{Change, MovementKind, Purse};
use numberotp_core::money::{CreditValue, Usd};
use serde_json::json;

/// What is to be changed: added where it is above zero, taken away where it is below.
#[derive(Clone, Debug)]
pub struct Adjustment {
    /// Whose.
    pub account: AccountId,
    /// Credits.
    pub credits: i64,
    /// Balance.
    pub balance: Usd,
    /// Worth of a credit.
    pub credit: CreditValue,
    /// Why.
    pub reason: Reason,
    /// Under this name it is done once.
    pub reference: Option<String>,
}

/// What became of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Changed {
    /// It was done.
    Done,
    /// It was done before under this reference, and not again.
    Before,
    /// The purses do not hold that much, or cannot.
    Short,
    /// Another change was made under this reference.
    OtherChange,
    /// Nothing was to be changed.
    Nothing,
    /// They are the purses of whoever asks.
    Own,
    /// There is no such account.
    Missing,
}

/// Changes the purses for a request, and answers the account afterwards.
pub async fn adjust_at_once(
    context: &Context,
    by: By,
    wanted: Adjustment,
) -> Result<(Changed, Option<Summary>), Fault> {
    let change = || {
        let wanted = wanted.clone();
        context.store.write(move |tx| Ok((adjust(tx, &by, &wanted)?, summary(tx, wanted.account)?)))
    };
    let changed = match change().await {
        // Somebody did the same at the same moment under the same reference: that is seen now.
        Err(StoreError::Conflict(_)) => change().await,
        changed => changed,
    };
    changed.map_err(from_store)
}

/// Changes one purse or both, or none of them.
pub fn adjust(tx: &mut Tx<'_>, by: &By, wanted: &Adjustment) -> Result<Changed, StoreError> {
    if by.is(wanted.account) {
        return Ok(Changed::Own);
    }
    let Some(account) = account_get(tx, wanted.account)? else { return Ok(Changed::Missing) };
    let order = |kind, purse, amount| OperatorChange {
        brand: account.brand,
        account: account.id,
        kind,
        change: Change { purse, amount },
        credit: wanted.credit,
        now: by.now,
    };
    let given = if wanted.credits > 0 { MovementKind::Bonus } else { MovementKind::Adjustment };
    let orders: Vec<OperatorChange> = [
        order(MovementKind::Adjustment, Purse::Balance, wanted.balance.micros()),
        order(given, Purse::Granted, wanted.credits),
    ]
    .into_iter()
    .filter(|order| order.change.amount != 0)
    .collect();
    if orders.is_empty() {
        return Ok(Changed::Nothing);
    }
    match adjustments::adjust(tx, &orders, wanted.reference.as_deref())? {
        Adjusted::Done => {}
        Adjusted::Before => return Ok(Changed::Before),
        Adjusted::Short => return Ok(Changed::Short),
        Adjusted::OtherChange => return Ok(Changed::OtherChange),
    }
    let detail = json!({
        "balance": wanted.balance.to_string(),
        "credits": wanted.credits,
        "reason": wanted.reason.as_str(),
        "reference": wanted.reference,
    });
    record(tx, by, ("purse.adjust", Some(account.id)), &detail)?;
    Ok(Changed::Done)
}
