//! Buying a one-time number: hold the money, ask the provider outside any transaction, attach or give back.
//!
//! The work is spawned and outlives its request: a caller that hangs up neither loses nor leaks anything.
//! What nobody could tell in time is the reconciler's.

use super::from_store;
use super::upstream::ask;
use crate::app::Context;
use crate::store::hot::{Attach, Attached, Close, Closed, Closing, Origin, Reserve, Reserved};
use crate::store::job::job_create;
use numberotp_core::activation::{Activation, Terms};
use numberotp_core::caller::{Caller, Scope};
use numberotp_core::catalog::Offer;
use numberotp_core::fault::{Fault, FaultCode};
use numberotp_core::id::ActivationId;
use numberotp_core::job::JobKind;
use numberotp_core::ledger::Purses;
use numberotp_core::pricing::{NoOffer, Wish, candidates};
use numberotp_core::time::Span;
use numberotp_providers::provider::{Operation, Outcome, Upstream};
use std::sync::Arc;

/// Longest wait for a place among the purchases being made; nothing is held before.
const PLACE_WITHIN: Span = Span::seconds(3);
/// Most providers asked for one purchase.
const TRIES: usize = 3;
/// Version of the policy that purchases are allowed by.
pub const POLICY_VERSION: i64 = 1;

/// A purchase that has its number.
pub struct Bought {
    /// The activation.
    pub activation: Activation,
    /// The purses after it.
    pub purses: Purses,
}

/// Buys a number for a wish. `ip_prefix` is kept with the purchase.
pub async fn buy(
    context: &Arc<Context>,
    caller: Caller,
    wish: Wish,
    ip_prefix: String,
) -> Result<Bought, Fault> {
    caller.require(Scope::Buy)?;
    let view = context.catalog.load_full();
    let here = view.offers_at(&wish.service, wish.country);
    let offers: Vec<Offer> = match candidates(&here, &wish) {
        Ok(offers) => offers.into_iter().take(TRIES).cloned().collect(),
        Err(no_offer) => return Err(refusal(context, &caller, no_offer).await),
    };
    let origin = Origin {
        policy_version: POLICY_VERSION,
        credential: caller.credential.as_str(),
        credential_id: caller.credential_id,
        ip_prefix,
        purpose: String::new(),
    };
    let context = Arc::clone(context);
    let tracker = context.tracker.clone();
    let work = tracker.spawn(async move { buy_first(&context, caller, offers, origin).await });
    work.await.unwrap_or_else(|panicked| Err(Fault::new(FaultCode::PurchaseUnconfirmed).caused_by(panicked)))
}

/// Nothing fits. An account that may not buy learns that first: it would not help it to look elsewhere.
async fn refusal(context: &Context, caller: &Caller, no_offer: NoOffer) -> Fault {
    let standing = super::account::overview(context, caller).await.map(|overview| overview.account.standing);
    match standing.and_then(|standing| standing.may_buy()) {
        Err(fault) => fault,
        Ok(()) => Fault::new(match no_offer {
            NoOffer::None => FaultCode::NoNumbersAvailable,
            NoOffer::AboveMax => FaultCode::PriceAboveMax,
        }),
    }
}

async fn buy_first(
    context: &Context,
    caller: Caller,
    offers: Vec<Offer>,
    origin: Origin,
) -> Result<Bought, Fault> {
    let place = tokio::time::timeout(PLACE_WITHIN.to_std(), context.purchases.acquire()).await;
    let Ok(Ok(_place)) = place else { return Err(Fault::new(FaultCode::Overloaded)) };
    let mut worst = FaultCode::NoNumbersAvailable;
    for offer in offers {
        match buy_one(context, &caller, &offer, origin.clone()).await? {
            Attempt::Bought(bought) => return Ok(*bought),
            Attempt::NoStock => {}
            Attempt::Refused => worst = FaultCode::ProviderError,
        }
    }
    Err(Fault::new(worst))
}

enum Attempt {
    Bought(Box<Bought>),
    NoStock,
    Refused,
}

async fn buy_one(
    context: &Context,
    caller: &Caller,
    offer: &Offer,
    origin: Origin,
) -> Result<Attempt, Fault> {
    let id = reserve(context, caller, offer, origin).await?;
    let operation = Operation::Allocate {
        reference: reference(id),
        service: offer.service.clone(),
        country: offer.country,
        operator: offer.operator.clone(),
    };
    let answer = ask(context, &offer.provider, &operation, context.settings.purchase_within).await;
    let gone = match answer {
        Ok(Outcome::Number { number, provider_ref }) => {
            let attached = settle_attach(context, id, number, provider_ref).await;
            return match attached.map_err(|fault| unconfirmed(context, id).caused_by(fault))? {
                Attached::Attached(activation, purses) => {
                    Ok(Attempt::Bought(Box::new(Bought { activation: *activation, purses })))
                }
                // The reconciler was quicker and had given up: the money is back.
                Attached::Refused(_) => Ok(Attempt::Refused),
            };
        }
        Ok(Outcome::NoStock) => Attempt::NoStock,
        Ok(Outcome::Unknown | Outcome::Done) | Err(Upstream::Refused) => Attempt::Refused,
        Err(Upstream::MayHaveHappened) => return Err(unconfirmed(context, id)),
    };
    // The answer that says "failed" goes out only when the money is back.
    let closed = close(context, id, Closing::Fail).await;
    match closed.map_err(|fault| unconfirmed(context, id).caused_by(fault))? {
        Closed::Done(..) => Ok(gone),
        Closed::Refused(_) | Closed::Missing => Err(unconfirmed(context, id)),
    }
}

async fn reserve(
    context: &Context,
    caller: &Caller,
    offer: &Offer,
    origin: Origin,
) -> Result<ActivationId, Fault> {
    let now = context.clock.now();
    let terms = Terms {
        service: offer.service.clone(),
        country: offer.country,
        operator: offer.operator.clone(),
        pool: offer.pool,
        provider: offer.provider.clone(),
        price: offer.price,
        provider_cost: offer.provider_cost,
        cost_currency: offer.cost_currency.clone(),
    };
    let reserve = Reserve {
        account: caller.account,
        brand: caller.brand,
        terms,
        origin,
        reconcile_at: now.plus(context.settings.reconcile_after),
        now,
    };
    match context.store.reserve(reserve).await.map_err(from_store)? {
        Reserved::Held(id, _) => Ok(id),
        Reserved::Short => Err(Fault::new(FaultCode::InsufficientBalance)),
        Reserved::MayNotBuy(standing) => {
            Err(standing.may_buy().err().unwrap_or(Fault::new(FaultCode::Internal)))
        }
        Reserved::Missing => Err(Fault::new(FaultCode::Unauthorized)),
    }
}

/// Our name for a purchase towards a provider: the same at every try.
pub(super) fn reference(id: ActivationId) -> String {
    id.get().to_string()
}

/// The same step for a purchase that went well and for one the reconciler found. A number that comes too late
/// is given back.
pub(super) async fn settle_attach(
    context: &Context,
    id: ActivationId,
    number: numberotp_core::text::PhoneNumber,
    provider_ref: String,
) -> Result<Attached, Fault> {
    let now = context.clock.now();
    let expires_at = now.plus(context.settings.activation_window);
    let attach = Attach { activation: id, number, provider_ref, expires_at, now };
    let attached = context.store.attach(attach).await.map_err(from_store)?;
    if let Attached::Refused(status) = attached
        && status == numberotp_core::activation::Status::Failed
    {
        let release =
            context.store.write(move |tx| job_create(tx, JobKind::ActivationRelease, id.get(), now)).await;
        if let Err(error) = release {
            // A sweep is on its way already; this one was only quicker.
            tracing::warn!(%error, "a late number could not be given back at once");
        }
    }
    Ok(attached)
}

/// Ends a purchase.
pub(super) async fn close(context: &Context, id: ActivationId, closing: Closing) -> Result<Closed, Fault> {
    let now = context.clock.now();
    context.store.close(Close { activation: id, closing, now }).await.map_err(from_store)
}

fn unconfirmed(context: &Context, id: ActivationId) -> Fault {
    let fault = Fault::new(FaultCode::PurchaseUnconfirmed);
    match context.public_ids.public(id) {
        Some(public) => fault.about(public.to_string()),
        None => fault,
    }
}
