//! Looks after an activation: settles what a crash or a silent provider left open, and closes what is over.
//! No input but the row, safe to repeat: one way for the normal and the crashed case.

use super::activations::{close, reference, settle_attach};
use super::from_store;
use super::upstream::ask;
use crate::app::Context;
use crate::store::activation::activation_get;
use crate::store::hot::Closing;
use numberotp_core::activation::{Activation, State};
use numberotp_core::fault::{Fault, FaultCode};
use numberotp_core::id::ActivationId;
use numberotp_core::job::{JobEnd, backoff};
use numberotp_core::time::Span;
use numberotp_providers::provider::{Operation, Outcome, Upstream};

/// How long a provider may think about a question that costs nothing.
const QUESTION_WITHIN: Span = Span::seconds(10);
/// How long it may think about the last one.
const QUESTION_LAST: Span = Span::seconds(2);
/// Pause before a provider that could not tell is asked again.
const ASK_AGAIN: Span = Span::seconds(5);
/// A provider that knows nothing of a purchase is asked again for so long after it was given up: a late allocation may
/// still come. Counted in time, not in questions: those that went wrong have asked nothing. And from its end: it may
/// have been old when the provider was asked.
const SWEPT_FOR: Span = Span::seconds(150);
/// Pause between sweeps.
const SWEEP_AGAIN: Span = Span::seconds(60);

/// Does what is due for an activation.
pub async fn watch(context: &Context, id: ActivationId) -> Result<JobEnd, Fault> {
    let Some(activation) = find(context, id).await? else { return Ok(JobEnd::Dead) };
    match activation.state {
        State::Reserving => settle(context, &activation).await,
        _ => close(context, id, Closing::Expire).await.map(|_closed| JobEnd::Moved),
    }
}

/// Asks the provider what became of our purchase. Whatever it does, the purchase is settled in its minute.
async fn settle(context: &Context, activation: &Activation) -> Result<JobEnd, Fault> {
    let id = activation.id;
    let age = context.clock.now().since(activation.created_at);
    let left = Span::micros(context.settings.settle_within.as_micros().saturating_sub(age.as_micros()));
    // Asked once even when the minute is over (the server was down): a number that is there is better than none.
    let within = left.clamp(QUESTION_LAST, QUESTION_WITHIN);
    let find = Operation::Find { reference: reference(id) };
    match ask(context, &activation.terms.provider, &find, within).await {
        Ok(Outcome::Number { number, provider_ref }) => {
            match settle_attach(context, (id, None), (number, provider_ref)).await {
                Ok(_attached) => return Ok(JobEnd::Moved),
                // What the books refuse is no number of ours: a reference that another purchase has, say.
                Err(fault) if fault.code == FaultCode::Internal => {
                    tracing::error!(activation = id.get(), %fault, "a provider's number cannot be attached; it is given back");
                }
                Err(fault) => return Err(fault),
            }
        }
        // It knows nothing of it now; a request that is still on its way is caught by the sweep.
        Ok(Outcome::Unknown | Outcome::NoStock | Outcome::Done) => {}
        Err(Upstream::Refused | Upstream::MayHaveHappened) if left > Span::default() => {
            return Ok(JobEnd::Again(left.min(ASK_AGAIN)));
        }
        Err(Upstream::Refused | Upstream::MayHaveHappened) => {}
    }
    close(context, id, Closing::GiveUp).await.map(|_closed| JobEnd::Moved)
}

/// Tells a provider that a number is free.
pub async fn release(context: &Context, id: ActivationId, attempts: i64) -> Result<JobEnd, Fault> {
    let Some(activation) = find(context, id).await? else { return Ok(JobEnd::Done) };
    Ok(match tell_free(context, &activation).await {
        Ok(_) => JobEnd::Done,
        Err(_) => JobEnd::Again(backoff(attempts)),
    })
}

/// Takes back what a provider may have given to a purchase that failed.
pub async fn sweep(context: &Context, id: ActivationId, attempts: i64) -> Result<JobEnd, Fault> {
    let Some(activation) = find(context, id).await? else { return Ok(JobEnd::Done) };
    // Read before the provider is asked: what it says is no younger.
    let over = activation.state.closed_at().unwrap_or(activation.created_at);
    let since = context.clock.now().since(over);
    Ok(match tell_free(context, &activation).await {
        Ok(Outcome::Done) => JobEnd::Done,
        Ok(_) if since >= SWEPT_FOR => JobEnd::Done,
        Ok(_) => JobEnd::Again(SWEEP_AGAIN),
        Err(_) => JobEnd::Again(backoff(attempts)),
    })
}

async fn find(context: &Context, id: ActivationId) -> Result<Option<Activation>, Fault> {
    context.store.read(move |tx| activation_get(tx, id)).await.map_err(from_store)
}

async fn tell_free(context: &Context, activation: &Activation) -> Result<Outcome, Upstream> {
    let release = Operation::Release { reference: reference(activation.id) };
    ask(context, &activation.terms.provider, &release, QUESTION_WITHIN).await
}
