//! Moves the sandbox's clock past jobs: each is carried out at its own time, as if the time had really gone by.
//!
//! Guards that a message due before a number's end is delivered and not overtaken by it, and that whoever moved the
//! clock reads what became of it in the next request. Bounded: what takes too long is left to the runner.

use super::runner::run_due;
use crate::app::{Context, from_store, sandbox_clock};
use crate::store::Wake;
use crate::store::job::jobs_first;
use numberotp_core::caller::Caller;
use numberotp_core::fault::{Fault, FaultCode};
use numberotp_core::job::JobKind;
use numberotp_core::time::{Span, Time};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout, timeout_at};

/// Longest time for all that becomes due.
const WITHIN: Duration = Duration::from_secs(10);
/// Jobs closer together than this are carried out together, as the runner would.
const TOGETHER: Span = Span::millis(50);
/// How often it is looked whether a job that somebody else took is done.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Moves the clock on by so much. What becomes due by it is done when this answers, or after ten seconds left to the
/// runner. The work outlives its request: a clock that was to be moved is not left halfway.
pub async fn advance(context: &Arc<Context>, caller: &Caller, by: Span) -> Result<(), Fault> {
    // One after the other: two at once would each see the other's jobs at the wrong time. Whoever waits in vain is
    // told so, and nothing is moved behind his back.
    let turn = timeout(WITHIN, Arc::clone(&context.moving_clock).lock_owned()).await;
    let sentence = "The clock is being moved by others all the time. Nothing was moved; try again.";
    let turn = turn.map_err(|_elapsed| Fault::new(FaultCode::InvalidState).saying(sentence))?;
    sandbox_clock::may_advance(context, caller, by).await?;
    let work = Arc::clone(context);
    let moved = context.tracker.spawn(async move {
        let _turn = turn;
        go(&work, by).await
    });
    moved.await.unwrap_or_else(|panicked| Err(Fault::new(FaultCode::Internal).caused_by(panicked)))
}

async fn go(context: &Arc<Context>, by: Span) -> Result<(), Fault> {
    let deadline = Instant::now() + WITHIN;
    let mut left = by;
    // What goes on for ever is due again and again on the way: it has its turn at the end.
    let stops: Vec<JobKind> = JobKind::ALL.into_iter().filter(|kind| !kind.goes_on_for_ever()).collect();
    // What cannot be read now is the runner's; the clock is moved all the same, once and by all of it.
    while let Ok(Some(due)) = first(context, &stops, context.clock.now().plus(left)).await {
        let most = left.as_micros();
        let step = due.plus(TOGETHER).since(context.clock.now()).as_micros().clamp(0, most);
        sandbox_clock::advance(context, Span::micros(step)).await?;
        left = Span::micros(most.saturating_sub(step));
        if settle(context, stops.clone(), deadline).await == Settled::No {
            break;
        }
    }
    sandbox_clock::advance(context, left).await?;
    settle(context, JobKind::ALL.to_vec(), deadline).await;
    context.store.wakes().wake(Wake::Clock);
    Ok(())
}

/// Whether all that was due is done.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Settled {
    Yes,
    No,
}

/// Carries out what is due now, and waits for what others have taken of it, until the deadline. What was begun by
/// then goes on by itself.
async fn settle(context: &Arc<Context>, kinds: Vec<JobKind>, deadline: Instant) -> Settled {
    let work = Arc::clone(context);
    let carried = context.tracker.spawn(async move { carry_out_due(&work, &kinds, deadline).await });
    match timeout_at(deadline, carried).await {
        Ok(Ok(Ok(settled))) => settled,
        Ok(Ok(Err(fault))) => {
            tracing::warn!(%fault, "jobs that a moved clock made due are left to the runner");
            Settled::No
        }
        Ok(Err(_)) | Err(_) => Settled::No,
    }
}

async fn carry_out_due(
    context: &Arc<Context>,
    kinds: &[JobKind],
    deadline: Instant,
) -> Result<Settled, Fault> {
    let now = context.clock.now();
    loop {
        let ran = run_due(context).await.map_err(from_store)?;
        if first(context, kinds, now).await?.is_none() {
            return Ok(Settled::Yes);
        }
        if Instant::now() >= deadline {
            return Ok(Settled::No);
        }
        if ran == 0 {
            sleep(LOOK_EVERY).await;
        }
    }
}

/// The time of the first job that is due by an instant, whoever has it.
async fn first(context: &Context, kinds: &[JobKind], by: Time) -> Result<Option<Time>, Fault> {
    let kinds = kinds.to_vec();
    context.store.read(move |tx| jobs_first(tx, &kinds, by)).await.map_err(from_store)
}
