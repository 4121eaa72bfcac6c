//! Who waits for what: long-polls for an activation, the job runner for work.
//!
//! A wake-up is a hint after a commit, never the truth: whoever is woken reads the database. A lost one
//! costs a poll interval, never a message.

use crate::metrics::StoreMetrics;
use numberotp_core::id::ActivationId;
use numberotp_core::time::Time;
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// What follows a commit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wake {
    /// Something changed about an activation.
    Activation(ActivationId),
    /// A job is to run at this instant.
    Job(Time),
    /// The clock was moved: jobs may be due that were not.
    Clock,
    /// Offers, numbers or providers changed.
    Catalog,
    /// A message was stored with this verdict, perhaps for a purchase: nobody waits for that, it is counted and told.
    Message(&'static str, Option<ActivationId>),
}

/// The waiting.
#[derive(Default)]
pub struct WakeHub {
    activations: Mutex<HashMap<ActivationId, (Arc<Notify>, usize)>>,
    jobs: Notify,
    runner: RunnerSleeps,
    catalog: Notify,
    metrics: StoreMetrics,
}

/// A place in the waiting room of one activation; leaving it frees the room.
pub struct Waiting<'a> {
    hub: &'a WakeHub,
    id: ActivationId,
    notify: Arc<Notify>,
}

impl WakeHub {
    /// Passes a wake-up on.
    pub fn wake(&self, wake: Wake) {
        match wake {
            Wake::Activation(id) => {
                let rooms = self.activations.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some((notify, _)) = rooms.get(&id) {
                    notify.notify_waiters();
                }
            }
            Wake::Job(at) if self.runner.is_up_by(at) => {}
            Wake::Job(_) | Wake::Clock => self.jobs.notify_one(),
            Wake::Catalog => self.catalog.notify_one(),
            Wake::Message(verdict, activation) => {
                self.metrics.message(verdict);
                let activation = activation.map(ActivationId::get);
                tracing::info!(verdict, activation, "a message was stored");
            }
        }
    }

    /// Enters the waiting room of an activation. Take `Waiting::changed` before reading the database.
    pub fn enter(&self, id: ActivationId) -> Waiting<'_> {
        let mut rooms = self.activations.lock().unwrap_or_else(PoisonError::into_inner);
        let (notify, guests) = rooms.entry(id).or_insert_with(|| (Arc::new(Notify::new()), 0));
        *guests = guests.saturating_add(1);
        Waiting { hub: self, id, notify: Arc::clone(notify) }
    }

    /// What is counted about commits and by whoever makes them.
    pub fn metrics(&self) -> &StoreMetrics {
        &self.metrics
    }

    /// The runner is about to look for jobs: until it says how long it sleeps, every job that is written wakes it.
    pub fn runner_looks(&self) {
        self.runner.0.store(i64::MAX, Ordering::SeqCst);
    }

    /// The runner has looked and sleeps until this instant: only a job that is to run earlier wakes it.
    pub fn runner_sleeps(&self, until: Time) {
        self.runner.0.store(until.micros(), Ordering::SeqCst);
    }

    /// Resolves when a job was written that the runner would sleep through.
    pub async fn job(&self) {
        self.jobs.notified().await;
    }

    /// Resolves when the catalog changed.
    pub async fn catalog(&self) {
        self.catalog.notified().await;
    }
}

/// Until when the runner sleeps, in microseconds as [`Time`] counts them. Without this every purchase, whose job is due half a minute later, would have it look.
struct RunnerSleeps(AtomicI64);

impl Default for RunnerSleeps {
    fn default() -> Self {
        Self(AtomicI64::new(i64::MAX))
    }
}

impl RunnerSleeps {
    /// Whether it will look by itself in time.
    fn is_up_by(&self, at: Time) -> bool {
        at.micros() >= self.0.load(Ordering::SeqCst)
    }
}

impl Waiting<'_> {
    /// Resolves at the next wake-up after this call.
    pub fn changed(&self) -> tokio::sync::futures::Notified<'_> {
        self.notify.notified()
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut rooms = self.hub.activations.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, guests)) = rooms.get_mut(&self.id) {
            *guests = guests.saturating_sub(1);
            if *guests == 0 {
                rooms.remove(&self.id);
            }
        }
    }
}
