//! The runner: takes what is due, carries it out a few at a time, sleeps until the next is.
//!
//! Guards that each lane has places of its own: mails that nobody takes hold none of a refund's.

use super::carry_out;
use crate::app::Context;
use crate::store::job::{Job, job_again, job_delete, job_kill, job_next, jobs_next, jobs_take};
use crate::store::{StoreError, Tx};
use numberotp_core::id::ActivationId;
use numberotp_core::job::{JobEnd, JobKind, Lane, backoff};
use numberotp_core::time::{Span as Length, Time};
use std::sync::Arc;
use std::time::Instant;
use tokio::task::{JoinError, JoinSet};
use tracing::{Instrument, Span};

/// Longest sleep: another process may have written a job.
const SLEEP_MOST: Length = Length::seconds(1);
/// When what was due turns out to be taken.
const LOOK_AGAIN: Length = Length::millis(20);
/// A job that failed this often by a defect of ours is kept for a person.
const ATTEMPTS_MOST: i64 = 1_000;

/// Takes and carries out what is due now; answers how many jobs that were.
pub async fn run_due(context: &Arc<Context>) -> Result<usize, StoreError> {
    let mut running = Running::default();
    let due = begin_due(context, &mut running).await?;
    while let Some(ended) = running.join_next().await {
        tell(ended);
    }
    Ok(match due {
        Due::Begun(count) => count,
        Due::Later(_) => 0,
    })
}

/// Jobs going on, by lane.
#[derive(Default)]
struct Running {
    main: JoinSet<()>,
    mail: JoinSet<()>,
}

impl Running {
    fn lane(&mut self, lane: Lane) -> &mut JoinSet<()> {
        match lane {
            Lane::Main => &mut self.main,
            Lane::Mail => &mut self.mail,
        }
    }

    /// The lanes in which more can be begun, and how many.
    fn room(&mut self) -> Vec<(Lane, usize)> {
        let room = |lane: Lane| (lane, lane.places().saturating_sub(self.lane(lane).len()));
        Lane::ALL.map(room).into_iter().filter(|(_, room)| *room > 0).collect()
    }

    fn try_join_next(&mut self) -> Option<Result<(), JoinError>> {
        self.main.try_join_next().or_else(|| self.mail.try_join_next())
    }

    /// The next that ends; at once nothing if nothing is going on.
    async fn join_next(&mut self) -> Option<Result<(), JoinError>> {
        tokio::select! {
            Some(ended) = self.main.join_next() => Some(ended),
            Some(ended) = self.mail.join_next() => Some(ended),
            else => None,
        }
    }

    fn is_empty(&self) -> bool {
        self.main.is_empty() && self.mail.is_empty()
    }
}

/// What there was to do.
enum Due {
    /// So many jobs were begun; others may be due.
    Begun(usize),
    /// Nothing now; the next is due then, as far as is known.
    Later(Option<Time>),
}

/// Takes what is due, as many as there are places for, and begins it.
async fn begin_due(context: &Arc<Context>, running: &mut Running) -> Result<Due, StoreError> {
    let now = context.clock.now();
    let room = running.room();
    // Nothing due costs no write. A lane without a place is not looked at: what waits there is seen when one ends.
    let look = move |tx: &mut Tx<'_>| {
        let mut next = Vec::with_capacity(room.len());
        for (lane, places) in room {
            next.push((lane, places, jobs_next(tx, now, lane)?));
        }
        Ok(next)
    };
    let lanes = context.store.read(look).await?;
    let is_due = move |next: &Option<Time>| next.is_some_and(|next| next <= now);
    if !lanes.iter().any(|(_, _, next)| is_due(next)) {
        return Ok(Due::Later(lanes.into_iter().filter_map(|(_, _, next)| next).min()));
    }
    let take = move |tx: &mut Tx<'_>| {
        let mut jobs = Vec::new();
        for (lane, places, _) in lanes.iter().filter(|(_, _, next)| is_due(next)) {
            jobs.extend(jobs_take(tx, now, *lane, i64::try_from(*places).unwrap_or(1))?);
        }
        Ok(jobs)
    };
    let jobs = context.store.write(take).await?;
    let count = jobs.len();
    for job in jobs {
        let context = Arc::clone(context);
        let span = span(&context, &job);
        let places = running.lane(job.kind.lane());
        places.spawn(async move { run_one(&context, job).await }.instrument(span));
    }
    // Others may have taken all of it between the look and the taking; what is due next was not seen behind it.
    Ok(if count == 0 { Due::Later(Some(now.plus(LOOK_AGAIN))) } else { Due::Begun(count) })
}

fn tell(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a job panicked; its row comes back when its lease ends");
    }
}

/// What every line of a job tells: which it is, and the purchase and the request that it goes back to. An error's
/// level: whatever the filter lets through has it.
fn span(context: &Context, job: &Job) -> Span {
    let about = match job.kind {
        JobKind::ActivationWatch | JobKind::ActivationRelease | JobKind::ActivationSweep => Some(job.subject),
        JobKind::SandboxSms | JobKind::MailSend | JobKind::MessagePurge => None,
    };
    let rent = about.and_then(|id| context.public_ids.public(ActivationId::new(id)));
    let (id, kind, request_id) = (job.id.get(), job.kind.as_str(), job.request_id.as_deref());
    tracing::error_span!("job", request_id, job = id, kind, activation = about, rent)
}

async fn run_one(context: &Context, job: Job) {
    let begun = Instant::now();
    let end = match carry_out(context, &job).await {
        Ok(end) => end,
        Err(fault) => {
            let cause = fault.cause.as_ref().map(ToString::to_string).unwrap_or_default();
            tracing::warn!(
                job = job.id.get(),
                kind = job.kind.as_str(),
                fault = fault.code.as_str(),
                cause,
                "a job failed"
            );
            if job.attempts >= ATTEMPTS_MOST { JobEnd::Dead } else { JobEnd::Again(backoff(job.attempts)) }
        }
    };
    let word = match end {
        JobEnd::Moved | JobEnd::Done | JobEnd::Next(_) => "done",
        JobEnd::Again(_) => "again",
        JobEnd::Dead => "dead",
    };
    let took = begun.elapsed();
    context.metrics.job(job.kind.as_str(), word, took);
    tracing::info!(end = word, took_ms = u64::try_from(took.as_millis()).ok(), "a job was carried out");
    let (id, now) = (job.id, context.clock.now());
    let written = match end {
        JobEnd::Moved => Ok(()),
        JobEnd::Done => context.store.write(move |tx| job_delete(tx, id)).await,
        JobEnd::Again(pause) => context.store.write(move |tx| job_again(tx, id, now.plus(pause))).await,
        JobEnd::Next(pause) => context.store.write(move |tx| job_next(tx, id, now.plus(pause))).await,
        JobEnd::Dead => {
            tracing::error!(
                job = id.get(),
                kind = job.kind.as_str(),
                "a job is given up; it is kept for a person"
            );
            context.store.write(move |tx| job_kill(tx, id)).await
        }
    };
    if let Err(error) = written {
        tracing::warn!(%error, job = id.get(), "a job's end could not be written; it comes back when its lease ends");
    }
}

/// Runs jobs until the server stops. A slow one holds its own place alone: the others go on.
pub async fn work(context: Arc<Context>) {
    let mut running = Running::default();
    while !context.stopping.is_cancelled() {
        while let Some(ended) = running.try_join_next() {
            tell(ended);
        }
        if running.room().is_empty() {
            running.join_next().await.into_iter().for_each(tell);
            continue;
        }
        context.store.wakes().runner_looks();
        let next = match begin_due(&context, &mut running).await {
            Ok(Due::Later(next)) => next,
            Ok(Due::Begun(_)) => continue,
            Err(error) => {
                tracing::warn!(%error, "jobs cannot be read");
                None
            }
        };
        let now = context.clock.now();
        let pause = next.map_or(SLEEP_MOST, |next| next.since(now).clamp(Length::millis(1), SLEEP_MOST));
        context.store.wakes().runner_sleeps(now.plus(pause));
        tokio::select! {
            () = context.stopping.cancelled() => {}
            () = context.store.wakes().job() => {}
            () = tokio::time::sleep(pause.to_std()) => {}
            Some(ended) = running.join_next(), if !running.is_empty() => tell(ended),
        }
    }
    // Each is bounded by its own deadlines.
    while let Some(ended) = running.join_next().await {
        tell(ended);
    }
}
