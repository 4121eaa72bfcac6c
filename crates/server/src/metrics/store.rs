//! What the store measures: its queues, its batches, its failures, and what became of messages.
//!
//! Made with the store, which comes before everything else, and registered with the rest later. Messages are counted
//! after the commit, so a batch that was undone counts for nothing.

use super::{Counters, Gauges, seconds, word};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::time::Duration;

/// What the store measures.
#[derive(Clone)]
pub struct StoreMetrics {
    queues: Gauges<1>,
    batch: Histogram,
    batch_time: Histogram,
    commit_time: Histogram,
    reads: Histogram,
    failures: Counters<1>,
    messages: Counters<1>,
    connections: Gauges<1>,
    neighbours: Gauge,
    retries: Counter,
}

impl Default for StoreMetrics {
    fn default() -> Self {
        Self {
            queues: Family::default(),
            batch: Histogram::new([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0]),
            batch_time: seconds(),
            commit_time: seconds(),
            reads: seconds(),
            failures: Family::default(),
            messages: Family::default(),
            connections: Family::default(),
            neighbours: Gauge::default(),
            retries: Counter::default(),
        }
    }
}

impl StoreMetrics {
    /// What waits in a queue, to be counted up and down by whoever has it.
    pub fn queue(&self, name: &'static str) -> Gauge {
        self.queues.get_or_create_owned(&[("queue", word(name))])
    }

    /// Connections that stay open, by what they do.
    pub fn connections(&self, role: &'static str, count: usize) {
        self.connections.get_or_create(&[("role", word(role))]).inc_by(super::signed(count));
    }

    /// 1 while other servers sell on the same database, to be set by whoever notices.
    pub fn neighbours(&self) -> Gauge {
        self.neighbours.clone()
    }

    /// A batch of so many pieces was carried out, or failed as a whole.
    pub fn batch(&self, pieces: usize, took: Duration) {
        self.batch.observe(u32::try_from(pieces).map_or(f64::MAX, f64::from));
        self.batch_time.observe(took.as_secs_f64());
    }

    /// A commit was acknowledged by the database.
    pub fn commit(&self, took: Duration) {
        self.commit_time.observe(took.as_secs_f64());
    }

    /// A batch is done again because another writer was in the way.
    pub fn retry(&self) {
        self.retries.inc();
    }

    /// A read was answered.
    pub fn read(&self, took: Duration) {
        self.reads.observe(took.as_secs_f64());
    }

    /// Work failed for this reason.
    pub fn failure(&self, reason: &'static str) {
        self.failures.get_or_create(&[("reason", word(reason))]).inc();
    }

    /// A message was stored with this verdict.
    pub fn message(&self, verdict: &'static str) {
        self.messages.get_or_create(&[("verdict", word(verdict))]).inc();
    }

    /// Has all this shown with the rest.
    pub(super) fn register(&self, registry: &mut Registry) {
        let second = || Unit::Seconds;
        registry.register("store_queue", "Work that waits for the database, by queue", self.queues.clone());
        registry.register("store_batch_pieces", "Pieces of work to one commit", self.batch.clone());
        registry.register_with_unit(
            "store_batch",
            "A batch, from the queue to its answers",
            second(),
            self.batch_time.clone(),
        );
        registry.register_with_unit(
            "store_commit",
            "The commit alone; of purchases on PostgreSQL it is answered with their writes and not seen",
            second(),
            self.commit_time.clone(),
        );
        registry.register_with_unit(
            "store_read",
            "A read, without its time in the queue",
            second(),
            self.reads.clone(),
        );
        registry.register(
            "store_failures",
            "Work that failed: unavailable, overloaded, busy, or defect",
            self.failures.clone(),
        );
        registry.register(
            "store_retries",
            "Batches done again because another writer was in the way",
            self.retries.clone(),
        );
        registry.register(
            "store_connections",
            "Connections that are kept, by what they do",
            self.connections.clone(),
        );
        registry.register(
            "store_neighbours",
            "1 while other servers sell on the same database, as the numbers of purchases tell",
            self.neighbours.clone(),
        );
        registry.register("messages", "Messages stored, by verdict", self.messages.clone());
    }
}
