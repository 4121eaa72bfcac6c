//! What an operator changes in an account's purses, all of it or none, and under a name at most once: whoever lost
//! the answer can ask again.

use crate::store::ledger::{
    Named, OperatorChange, change_named, purses_change, purses_change_named, purses_get,
};
use crate::store::{StoreError, Tx};
use numberotp_core::ledger::{Change, Purse};

/// What became of a change of one or two purses.
pub enum Adjusted {
    /// It was made.
    Done,
    /// It was made before under this name, and not again.
    Before,
    /// The purses do not hold that much.
    Short,
    /// Another change was made under this name.
    OtherChange,
}

/// Whether these changes, and no others, were made under a name before.
fn named(tx: &mut Tx<'_>, orders: &[OperatorChange], name: &str) -> Result<Named, StoreError> {
    let mut known = Vec::with_capacity(orders.len());
    for order in orders {
        known.push(change_named(tx, order, name)?);
    }
    for purse in [Purse::Balance, Purse::Granted] {
        // A purse that is left alone now must have been left alone then.
        if let (Some(order), None) = (orders.first(), orders.iter().find(|order| order.change.purse == purse))
        {
            let none = OperatorChange { change: Change { purse, amount: 0 }, ..*order };
            if change_named(tx, &none, name)? != Named::Free {
                return Ok(Named::Taken);
            }
        }
    }
    let all = |wanted| known.iter().all(|named| *named == wanted);
    Ok(if all(Named::Free) {
        Named::Free
    } else if all(Named::Done) {
        Named::Done
    } else {
        Named::Taken
    })
}

/// All of them or none. Looked at before anything is written: a refusal leaves the purses as they were.
pub fn adjust(
    tx: &mut Tx<'_>,
    orders: &[OperatorChange],
    name: Option<&str>,
) -> Result<Adjusted, StoreError> {
    if let Some(name) = name {
        match named(tx, orders, name)? {
            Named::Free => {}
            Named::Done => return Ok(Adjusted::Before),
            Named::Taken => return Ok(Adjusted::OtherChange),
        }
    }
    for order in orders {
        let purses = purses_get(tx, order.account)?.unwrap_or_default();
        if purses.change(order.change).is_err() {
            return Ok(Adjusted::Short);
        }
    }
    for order in orders {
        let changed = match name {
            Some(name) => purses_change_named(tx, *order, name)?,
            None => purses_change(tx, *order)?,
        };
        changed.map_err(|refused| StoreError::Driver(format!("the books refuse: {refused:?}")))?;
    }
    Ok(Adjusted::Done)
}
