//! Buying a one-time number: hold the money, ask the provider outside any transaction, attach or give back.
//!
//! The work is spawned and outlives its request: a caller that hangs up neither loses nor leaks anything.
//! What nobody could tell in time is the reconciler's.

use super::from_store;
use super::scenarios::Script;
use super::upstream::ask;
use crate::app::Context;
pub use crate::store::hot::Claim;
use crate::store::hot::{
    Attach, Attached, CAPPED_KEY, Close, Closed, Closing, Origin, Repeated, Reserve, Reserved,
};
use crate::store::idempotency::key_look;
use crate::store::job::job_create;
use futures_util::FutureExt;
use numberotp_core::activation::{Activation, State, Status, Terms};
use numberotp_core::caller::{Caller, Scope, Spending};
use numberotp_core::catalog::Offer;
use numberotp_core::fault::{Fault, FaultCode};
use numberotp_core::id::{ActivationId, ApiKeyId};
use numberotp_core::job::JobKind;
use numberotp_core::money::{Credits, Usd};
use numberotp_core::policy::{Decision, Policy};
use numberotp_core::pricing::{NoOffer, Wish, candidates};
use numberotp_core::text::PhoneNumber;
use numberotp_core::time::Span;
use numberotp_providers::provider::{Operation, Outcome, Upstream};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tokio::time::Instant;
use tracing::Instrument;

/// Longest wait for a place among the purchases being made; nothing is held before.
const PLACE_WITHIN: Span = Span::seconds(3);
/// How often a repeat looks by itself whether the first is settled, in case that happened in another process.
const JOIN_POLL: Span = Span::millis(500);
/// Most providers asked for one purchase.
const TRIES: usize = 3;

/// What is to be bought, from where, and under which key it may be repeated.
pub struct Purchase {
    /// What is asked for.
    pub wish: Wish,
    /// Network of the caller; kept with the purchase.
    pub ip_prefix: String,
    /// The request's id; kept with the purchase.
    pub request_id: Option<String>,
    /// The key, if the caller gave one.
    pub claim: Option<Claim>,
}

/// A purchase that has its number, as its first answer tells it: waiting, whatever came since.
pub struct Bought {
    /// The activation.
    pub activation: Activation,
    /// Spendable balance after it.
    pub balance: Usd,
    /// Spendable credits after it.
    pub credits: Credits,
    /// Whether this is a repeat.
    pub told: Told,
}

/// Whether an answer is the first or a repeat.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Told {
    /// The first.
    First,
    /// A repeat under the same key.
    Again,
}

impl Bought {
    fn new(activation: Activation, (balance, credits): (Usd, Credits), told: Told) -> Self {
        let state = activation.state.line().cloned().map_or(activation.state.clone(), State::Waiting);
        Self { activation: Activation { state, ..activation }, balance, credits, told }
    }
}

/// Buys a number, or tells again what was bought under the same key.
pub async fn buy(context: &Arc<Context>, caller: Caller, purchase: Purchase) -> Result<Bought, Fault> {
    let bought = sell(context, caller, purchase).await;
    context.metrics.rent(match &bought {
        Ok(Bought { told: Told::First, .. }) => "bought",
        Ok(Bought { told: Told::Again, .. }) => "repeated",
        Err(fault) => fault.code.as_str(),
    });
    if let Ok(Bought { activation, told: Told::First, .. }) = &bought {
        let (provider, rent) = (activation.terms.provider.as_str(), context.public_ids.public(activation.id));
        tracing::info!(activation = activation.id.get(), rent, provider, "a number was rented");
    }
    bought
}

async fn sell(context: &Arc<Context>, caller: Caller, purchase: Purchase) -> Result<Bought, Fault> {
    caller.require(Scope::Buy)?;
    let Purchase { wish, ip_prefix, request_id, claim } = purchase;
    // One deadline for all of it, waiting for an earlier request of the same key too: the caller is told in time.
    let deadline = Instant::now() + context.settings.purchase_within.to_std();
    if let Some(claim) = &claim
        && let Some(bought) = join(context, &caller, claim, deadline).await?
    {
        return Ok(bought);
    }
    if let Decision::Denied(because) = context.policy.decide(&wish.service) {
        let (account, service) = (caller.account.get(), wish.service.as_str());
        tracing::info!(account, service, because = because.as_str(), "a denied service was asked for");
        return Err(Fault::new(FaultCode::ServiceDenied));
    }
    let (wish, script) = Script::of(context, wish);
    let view = context.catalog.load_full();
    let here = view.offers_at(&wish.service, wish.country);
    let offers: Vec<Offer> = match candidates(&here, &wish) {
        Ok(offers) => offers.into_iter().take(TRIES).cloned().collect(),
        Err(no_offer) => return Err(refusal(context, &caller, no_offer).await),
    };
    let origin = Origin {
        policy_version: Policy::VERSION,
        credential: match caller.spending {
            Spending::Free => caller.credential.as_str(),
            Spending::Capped => CAPPED_KEY,
        },
        credential_id: caller.credential_id,
        ip_prefix,
        purpose: String::new(),
        request_id,
    };
    let context = Arc::clone(context);
    let tracker = context.tracker.clone();
    let asked = Asked { origin, claim, deadline };
    let work = async move { buy_first(&context, caller, offers, asked, script).await };
    // It outlives its request and is logged under it all the same.
    let work = tracker.spawn(work.in_current_span());
    work.await.unwrap_or_else(|panicked| Err(Fault::new(FaultCode::PurchaseUnconfirmed).caused_by(panicked)))
}

/// What a repeat is told: what was bought, or to come back. `None`: nothing was bought under this key, so it
/// runs afresh.
async fn join(
    context: &Context,
    caller: &Caller,
    claim: &Claim,
    deadline: Instant,
) -> Result<Option<Bought>, Fault> {
    let first = match repeated(context, caller, claim).await? {
        Found::Ended(ended) => return Ok(ended.map(|bought| *bought)),
        Found::InFlight(id) => id,
    };
    let room = context.store.wakes().enter(first);
    loop {
        // Looked at again from inside the waiting room, so that no change is missed in between.
        let mut changed = Box::pin(room.changed());
        changed.as_mut().enable();
        if let Found::Ended(ended) = repeated(context, caller, claim).await? {
            return Ok(ended.map(|bought| *bought));
        }
        tokio::select! {
            // What is known counts before what is over, and never by chance.
            biased;
            () = changed => {}
            () = tokio::time::sleep(JOIN_POLL.to_std()) => {}
            () = tokio::time::sleep_until(deadline) => return Err(Fault::new(FaultCode::IdempotencyInProgress)),
            () = context.stopping.cancelled() => return Err(Fault::new(FaultCode::IdempotencyInProgress)),
        }
    }
}

/// What is known of a key.
enum Found {
    /// What was bought, or nothing.
    Ended(Option<Box<Bought>>),
    /// The purchase is still being made.
    InFlight(ActivationId),
}

async fn repeated(context: &Context, caller: &Caller, claim: &Claim) -> Result<Found, Fault> {
    let (account, asked, now) = (caller.account, claim.clone(), context.clock.now());
    let found = context.store.read(move |tx| key_look(tx, account, &asked, now)).await.map_err(from_store)?;
    match found {
        None => Ok(Found::Ended(None)),
        Some(Repeated::OtherRequest) => Err(Fault::new(FaultCode::IdempotencyKeyReused)),
        Some(Repeated::InFlight(id)) => Ok(Found::InFlight(id)),
        Some(Repeated::Settled(activation, balance, credits)) => {
            let bought = Bought::new(*activation, (balance, credits), Told::Again);
            Ok(Found::Ended(Some(Box::new(bought))))
        }
    }
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

/// What all tries of a purchase share.
struct Asked {
    origin: Origin,
    claim: Option<Claim>,
    deadline: Instant,
}

async fn buy_first(
    context: &Context,
    caller: Caller,
    offers: Vec<Offer>,
    asked: Asked,
    mut script: Script,
) -> Result<Bought, Fault> {
    let place = tokio::time::timeout(PLACE_WITHIN.to_std(), context.purchases.acquire()).await;
    let Ok(Ok(_place)) = place else { return Err(Fault::new(FaultCode::Overloaded)) };
    let mut worst = FaultCode::NoNumbersAvailable;
    if asked.claim.is_some() && Instant::now() >= asked.deadline {
        // Waiting for an earlier request of the same key took all the time; nothing was begun.
        return Err(Fault::new(FaultCode::IdempotencyInProgress));
    }
    for (tried, offer) in offers.into_iter().enumerate() {
        // A further one could not be waited for: what the others said is the answer.
        if tried > 0 && Instant::now() >= asked.deadline {
            break;
        }
        match buy_one(context, &caller, &offer, &asked, &mut script).await? {
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
    asked: &Asked,
    script: &mut Script,
) -> Result<Attempt, Fault> {
    let (held, after) = match reserve(context, caller, offer, asked).await? {
        Begun::Held(held, after) => (held, after),
        // Another request with the same key was quicker.
        Begun::Elsewhere => match &asked.claim {
            Some(claim) => match join(context, caller, claim, asked.deadline).await? {
                Some(bought) => return Ok(Attempt::Bought(Box::new(bought))),
                None => return Err(Fault::new(FaultCode::IdempotencyInProgress)),
            },
            None => return Err(Fault::new(FaultCode::Internal)),
        },
    };
    let id = held.id;
    let operator = script.operator(context, caller.account, offer).await;
    let operation = Operation::Allocate {
        reference: reference(id),
        service: offer.service.clone(),
        country: offer.country,
        operator: operator.map_err(|fault| unconfirmed(context, id).caused_by(fault))?,
    };
    let left = asked.deadline.saturating_duration_since(Instant::now());
    let left = Span::micros(i64::try_from(left.as_micros()).unwrap_or(0));
    // A defect on the way there is silence like any other: nobody knows whether the provider was asked.
    let asked = AssertUnwindSafe(ask(context, &offer.provider, &operation, left)).catch_unwind();
    let answer = asked.await.unwrap_or(Err(Upstream::MayHaveHappened));
    let gone = match answer {
        Ok(Outcome::Number { number, provider_ref }) => {
            let attached = settle_attach(context, (id, Some(held)), (number, provider_ref)).await;
            return match attached.map_err(|fault| unconfirmed(context, id).caused_by(fault))? {
                Attached::Attached(activation) => {
                    Ok(Attempt::Bought(Box::new(Bought::new(*activation, after, Told::First))))
                }
                // The reconciler was quicker and had given up: the money is back.
                Attached::Refused(Status::Failed) => Ok(Attempt::Refused),
                // It was quicker and found another number: that one stands, and reading the rent tells it.
                Attached::Refused(_) => Err(unconfirmed(context, id)),
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

/// How a purchase began.
enum Begun {
    /// Its money is held; with the spendable balance and credits after that.
    Held(Box<Activation>, (Usd, Credits)),
    /// It began before, under the same key.
    Elsewhere,
}

async fn reserve(
    context: &Context,
    caller: &Caller,
    offer: &Offer,
    Asked { origin, claim, .. }: &Asked,
) -> Result<Begun, Fault> {
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
        origin: origin.clone(),
        capped: (caller.spending == Spending::Capped).then(|| ApiKeyId::new(caller.credential_id)),
        claim: claim.clone(),
        reconcile_at: now.plus(context.settings.reconcile_after),
        now,
    };
    match context.store.reserve(reserve).await.map_err(from_store)? {
        Reserved::Held(held, purses) => {
            Ok(Begun::Held(held, (purses.balance_available(), purses.credits_available())))
        }
        Reserved::Repeated(Repeated::OtherRequest) => Err(Fault::new(FaultCode::IdempotencyKeyReused)),
        Reserved::Repeated(_) => Ok(Begun::Elsewhere),
        Reserved::Short => Err(Fault::new(FaultCode::InsufficientBalance)),
        Reserved::Capped => Err(Fault::new(FaultCode::KeySpendCap)),
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
    (id, held): (ActivationId, Option<Box<Activation>>),
    (number, provider_ref): (PhoneNumber, String),
) -> Result<Attached, Fault> {
    let now = context.clock.now();
    let expires_at = now.plus(context.settings.activation_window);
    let attach = Attach { activation: id, held, number, provider_ref, expires_at, now };
    let attached = context.store.attach(attach).await.map_err(from_store)?;
    if let Attached::Refused(status) = attached
        && status == Status::Failed
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
