//! The sandbox's clock, which a test moves forward: for good, for every server of the database, never back.
//!
//! What is kept is how far ahead of the true time it is, so that it survives a restart and a steered clock. Whoever
//! moves it also carries out what became due (see `jobs`); this file only moves.

use super::from_store;
use crate::app::Context;
use crate::store::Wake;
use crate::store::setting::{clock_ahead, clock_ahead_raise};
use numberotp_core::caller::{Caller, Scope};
use numberotp_core::fault::{Fault, FaultCode};
use numberotp_core::time::Span;
use std::sync::Arc;

/// How often a server looks whether another one moved the clock.
const LOOK_EVERY: Span = Span::millis(250);
/// Most that it is moved at a time.
const STEP_MOST: Span = Span::hours(400 * 24);
/// Most that it is ahead in all: beyond, times could not be written any more.
const AHEAD_MOST: Span = Span::hours(100 * 366 * 24);

/// Whether this caller may know.
pub fn may_look(caller: &Caller) -> Result<(), Fault> {
    caller.require(Scope::Read)
}

/// How far ahead of the true time the clock is.
pub async fn ahead(context: &Context) -> Result<Span, Fault> {
    context.store.read(clock_ahead).await.map_err(from_store)
}

/// Whether this caller may move the clock so far.
pub async fn may_advance(context: &Context, caller: &Caller, by: Span) -> Result<(), Fault> {
    caller.require(Scope::Buy)?;
    if by <= Span::default() || by > STEP_MOST {
        return Err(Fault::parameter("advance", "must be above zero and at most 400d"));
    }
    let ahead = context.store.read(clock_ahead).await.map_err(from_store)?;
    if ahead.as_micros().saturating_add(by.as_micros()) > AHEAD_MOST.as_micros() {
        let sentence = "The clock is a hundred years ahead; it goes no further. Begin with a fresh database.";
        return Err(Fault::new(FaultCode::InvalidState).saying(sentence));
    }
    Ok(())
}

/// Moves the clock on, here at once and elsewhere within a second.
pub async fn advance(context: &Context, by: Span) -> Result<(), Fault> {
    if by <= Span::default() {
        return Ok(());
    }
    let ahead = context.store.write(move |tx| clock_ahead_raise(tx, by)).await.map_err(from_store)?;
    context.clock.be_ahead(ahead);
    Ok(())
}

/// Follows other servers of the database until this one stops.
pub async fn keep(context: Arc<Context>) {
    loop {
        tokio::select! {
            () = context.stopping.cancelled() => return,
            () = tokio::time::sleep(LOOK_EVERY.to_std()) => {}
        }
        match context.store.read(clock_ahead).await {
            Ok(ahead) if context.clock.be_ahead(ahead) => {
                context.store.wakes().wake(Wake::Clock);
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "the sandbox's clock could not be read"),
        }
    }
}
