//! An account's own view of itself: balance, profile, transactions.

use super::from_store;
use crate::app::Context;
use crate::store::account::{self, Account};
use crate::store::activation::activations_on_hold;
use crate::store::ledger;
use numberotp_core::caller::Caller;
use numberotp_core::fault::{Fault, FaultCode};
use numberotp_core::ledger::{Movement, Purses};
use numberotp_core::money::Usd;
use numberotp_core::text::display_name;

/// An account with its purses.
pub struct Overview {
    /// The account.
    pub account: Account,
    /// Its purses.
    pub purses: Purses,
}

/// The caller's account and purses, as the ledger has them now.
pub async fn overview(context: &Context, caller: &Caller) -> Result<Overview, Fault> {
    let id = caller.account;
    let found = context.store.snapshot(move |tx| {
        let account = account::account_get(tx, id)?;
        Ok(account.zip(ledger::purses_get(tx, id)?))
    });
    // A token that outlived its account.
    let (account, purses) =
        found.await.map_err(from_store)?.ok_or_else(|| Fault::new(FaultCode::Unauthorized))?;
    Ok(Overview { account, purses })
}

/// An account with what it can spend and what is set aside.
pub struct Me {
    /// The account with its purses.
    pub overview: Overview,
    /// What it can spend: paid money, and credits at their worth.
    pub spendable: Usd,
    /// What its numbers cost that still wait for a message.
    pub on_hold: Usd,
}

/// The caller's account, and what it can spend.
pub async fn me(context: &Context, caller: &Caller) -> Result<Me, Fault> {
    let id = caller.account;
    let found = context.store.snapshot(move |tx| {
        let account = account::account_get(tx, id)?;
        Ok((account.zip(ledger::purses_get(tx, id)?), activations_on_hold(tx, id)?))
    });
    let (found, on_hold) = found.await.map_err(from_store)?;
    let (account, purses) = found.ok_or_else(|| Fault::new(FaultCode::Unauthorized))?;
    let internal = |error| Fault::new(FaultCode::Internal).caused_by(format!("{error:?}"));
    let worth = context.settings.credit.of(purses.credits_available()).map_err(internal)?;
    let spendable = purses.balance_available().plus(worth).map_err(internal)?;
    Ok(Me { overview: Overview { account, purses }, spendable, on_hold })
}

/// Gives the caller's account another name.
pub async fn rename(context: &Context, caller: &Caller, name: &str) -> Result<Overview, Fault> {
    let problem = "must be 1 to 100 characters without control characters";
    let name = display_name(name).ok_or_else(|| Fault::parameter("name", problem))?;
    let id = caller.account;
    context.store.write(move |tx| account::account_rename(tx, id, &name)).await.map_err(from_store)?;
    overview(context, caller).await
}

/// A page of what happened to the caller's purses, newest first.
pub async fn transactions(
    context: &Context,
    caller: &Caller,
    (limit, offset): (i64, i64),
) -> Result<(Vec<Movement>, i64), Fault> {
    let id = caller.account;
    let page = context.store.snapshot(move |tx| ledger::movements_page(tx, id, limit, offset));
    page.await.map_err(from_store)
}
