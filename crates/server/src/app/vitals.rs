//! How the server is: whether it can do its work now, and what is read when its measures are asked for.
//!
//! Guards that both answer in bounded time whatever the database does, and say no more than an outsider may know.

use crate::app::Context;
use crate::metrics::Levels;
use crate::store::QUEUE_MOST;
use crate::store::job::{jobs_late, jobs_state};
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::runtime::Handle;
use tokio::sync::Mutex;

/// A catalog that was read longer ago than this is not what is for sale; usual are five seconds.
const CATALOG_AGE_MOST_S: i64 = 60;

/// Something that keeps the server from its work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Missing {
    /// One word.
    pub what: &'static str,
    /// One sentence.
    pub says: &'static str,
}

/// What keeps the server from its work; nothing if it is ready.
pub async fn missing(context: &Context) -> Vec<Missing> {
    let mut missing = Vec::new();
    let mut add = |what, says| missing.push(Missing { what, says });
    if context.stopping.is_cancelled() {
        add("stopping", "The server is stopping.");
    }
    if context.metrics.catalog_age().is_none_or(|age| age > CATALOG_AGE_MOST_S) {
        add("catalog", "The catalog was not read within the last minute.");
    }
    if context.store.writes_waiting() >= i64::try_from(QUEUE_MOST / 2).unwrap_or(i64::MAX) {
        add("backlog", "Half of the write queue is full.");
    }
    match look(context).await {
        Look::Late => add("backlog", "More jobs are late by a minute than may be."),
        Look::Well => {}
        Look::Away => add("database", "The database does not answer."),
    }
    missing
}

/// What the database says of itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Look {
    #[default]
    Well,
    Late,
    Away,
}

/// Looks at the database, numbered. However many ask whether the server is ready, one look at a time is taken, and it
/// serves all who asked before it began.
#[derive(Default)]
pub struct Looks {
    begun: AtomicU64,
    last: Mutex<(u64, Look)>,
}

async fn look(context: &Context) -> Look {
    let asked_after = context.looks.begun.load(Ordering::SeqCst);
    let mut last = context.looks.last.lock().await;
    if last.0 > asked_after {
        return last.1;
    }
    let number = context.looks.begun.fetch_add(1, Ordering::SeqCst).saturating_add(1);
    let (now, most) = (context.clock.now(), context.settings.late_jobs_most);
    let late = context.store.read(move |tx| jobs_late(tx, now, most.saturating_add(1)));
    let look = match tokio::time::timeout(context.settings.ready_within.to_std(), late).await {
        Ok(Ok(late)) if late > most => Look::Late,
        Ok(Ok(_)) => Look::Well,
        Ok(Err(_)) | Err(_) => Look::Away,
    };
    *last = (number, look);
    look
}

/// Everything that is measured, as text.
pub async fn measures(context: &Context) -> String {
    let now = context.clock.now();
    let jobs = context.store.read(move |tx| jobs_state(tx, now));
    let jobs = tokio::time::timeout(context.settings.ready_within.to_std(), jobs).await;
    let jobs = jobs.ok().and_then(Result::ok);
    let waits = context.waits.lock().unwrap_or_else(PoisonError::into_inner).values().sum();
    let levels = Levels {
        database_up: jobs.is_some(),
        jobs,
        purchases: context.purchases_in_flight(),
        waits,
        limiter_entries: context.limiter.entries(),
        offers: context.catalog.load().offers().len(),
        threads: Handle::current().metrics().num_workers(),
    };
    context.metrics.text(&levels)
}
