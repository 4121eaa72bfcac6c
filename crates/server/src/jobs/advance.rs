//! Moves the sandbox's clock past jobs: each is carried out at its own time, as if the time had really gone by.
//!
//! Guards that a message due before a number's end is delivered and not overtaken by it, and that whoever moved the
//! clock reads what became of it in the next request. Bounded: what takes too long is left to the runner.

use super::runner::run_due;
use crate::app::{Context, from_store, sandbox_clock};
use crate::store::Wake;
use crate::store::job::jobs_first;
use numberotp_core::fault::Fault;
use numberotp_core::job::JobKind;
use numberotp_core::time::{Span, Time};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};

/// Longest time for all that becomes due.
const WITHIN: Duration = Duration::from_secs(10);
/// Jobs closer together than this are carried out together, as the runner would.
const TOGETHER: Span = Span::millis(50);
/// How often it is looked whether a job that somebody else took is done.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Moves the clock on by so much. What becomes due by it is done when this answers, or after ten seconds left to the
/// runner. The work outlives its request: a clock that was to be moved is not left halfway.
pub async fn advance(context: &Arc<Context>, by: Span) -> Result<(), Fault> {
    let work = Arc::clone(context);
    let moved = context.tracker.spawn(async move { go(&work, by).await }).await;
    moved.unwrap_or_else(|panicked| {
        Err(Fault::new(numberotp_core::fault::FaultCode::Internal).caused_by(panicked))
    })
}

async fn go(context: &Arc<Context>, by: Span) -> Result<(), Fault> {
    // One after the other: two at once would each see the other's jobs at the wrong time.
    let _turn = context.moving_clock.lock().await;
    let deadline = Instant::now() + WITHIN;
    let mut left = by;
    // What goes on for ever is due again and again on the way: it has its turn at the end.
    let stops: Vec<JobKind> = JobKind::ALL.into_iter().filter(|kind| !kind.goes_on_for_ever()).collect();
    while let Some(due) = first(context, &stops, context.clock.now().plus(left)).await? {
        let now = context.clock.now();
        let most = left.as_micros();
        let step = Span::micros(due.plus(TOGETHER).since(now).as_micros().clamp(0, most));
        sandbox_clock::advance(context, step).await?;
        left = Span::micros(most.saturating_sub(step.as_micros()));
        match timeout_at(deadline, settle(context, &stops)).await {
            Ok(settled) => settled?,
            Err(_elapsed) => break,
        }
    }
    sandbox_clock::advance(context, left).await?;
    let settled = timeout_at(deadline, settle(context, &JobKind::ALL)).await;
    context.store.wakes().wake(Wake::Job(context.clock.now()));
    settled.unwrap_or(Ok(()))
}

async fn first(context: &Context, kinds: &[JobKind], by: Time) -> Result<Option<Time>, Fault> {
    let kinds = kinds.to_vec();
    context.store.read(move |tx| jobs_first(tx, &kinds, by)).await.map_err(from_store)
}

/// Carries out what is due now and waits for what others have taken of it.
async fn settle(context: &Arc<Context>, kinds: &[JobKind]) -> Result<(), Fault> {
    let now = context.clock.now();
    loop {
        let ran = run_due(context).await.map_err(from_store)?;
        if first(context, kinds, now).await?.is_none() {
            return Ok(());
        }
        if ran == 0 {
            sleep(LOOK_EVERY).await;
        }
    }
}
