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
/// A provider that knows nothing of a purchase is asked this often: a late allocation may still come.
const SWEEPS: i64 = 3;
/// Pause between sweeps.
const SWEEP_AGAIN: Span = Span::seconds(60);

/// Does what is due for an activation.
pub async fn watch(context: &Context, id: ActivationId) -> Result<JobEnd, Fault> {
    let found = context.store.read(move |tx| activation_get(tx, id)).await.map_err(from_store)?;
    let Some(activation) = found else { return Ok(JobEnd::Dead) };
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
            match settle_attach(context, id, number, provider_ref).await {
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
    match tell_free(context, id).await? {
        Some(Ok(_)) | None => Ok(JobEnd::Done),
        Some(Err(_)) => Ok(JobEnd::Again(backoff(attempts))),
    }
}

/// Takes back what a provider may have given to a purchase that failed.
pub async fn sweep(context: &Context, id: ActivationId, attempts: i64) -> Result<JobEnd, Fault> {
    match tell_free(context, id).await? {
        None | Some(Ok(Outcome::Done)) => Ok(JobEnd::Done),
        Some(Ok(_)) if attempts >= SWEEPS => Ok(JobEnd::Done),
        Some(Ok(_)) => Ok(JobEnd::Again(SWEEP_AGAIN)),
        Some(Err(_)) => Ok(JobEnd::Again(backoff(attempts))),
    }
}

async fn tell_free(context: &Context, id: ActivationId) -> Result<Option<Result<Outcome, Upstream>>, Fault> {
    let found = context.store.read(move |tx| activation_get(tx, id)).await.map_err(from_store)?;
    let Some(activation) = found else { return Ok(None) };
    let release = Operation::Release { reference: reference(id) };
    Ok(Some(ask(context, &activation.terms.provider, &release, QUESTION_WITHIN).await))
}
