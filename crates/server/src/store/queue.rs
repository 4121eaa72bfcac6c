//! The queues before the writers: bounded, refused at once when full, drained without waiting for more.
//!
//! Guards that a commit is shared by whoever is there and that nobody waits for company. Must never lose a piece: what
//! was taken is carried out or told why not, a panic included.

use super::StoreError;
use super::writer::{Work, Writer};
use prometheus_client::metrics::gauge::Gauge;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Most pieces to one commit.
pub const BATCH_MOST: usize = 256;
/// Most pieces that wait; beyond, callers are refused at once.
pub const QUEUE_MOST: usize = 4_096;

/// The queue before the writers.
#[derive(Clone)]
pub struct Queue {
    sender: SyncSender<Work>,
    waiting: Gauge,
}

impl Queue {
    /// A queue, counted by this gauge, and the end that writers drain.
    pub fn new(waiting: Gauge) -> (Self, Arc<QueueEnd>) {
        let (sender, receiver) = sync_channel(QUEUE_MOST);
        let end = QueueEnd { receiver: Mutex::new(receiver), waiting: waiting.clone() };
        (Self { sender, waiting }, Arc::new(end))
    }

    /// How much waits: a reading of the gauge, for whoever asks whether the database keeps up.
    pub fn waiting(&self) -> i64 {
        self.waiting.get()
    }

    /// Puts work into the queue, or refuses at once.
    pub fn push(&self, work: Work) -> Result<(), StoreError> {
        self.waiting.inc();
        self.sender.try_send(work).map_err(|error| {
            self.waiting.dec();
            match error {
                TrySendError::Full(_) => StoreError::Overloaded,
                TrySendError::Disconnected(_) => StoreError::Unavailable("the writer has stopped".to_owned()),
            }
        })
    }
}

/// The end of a queue that writers drain.
pub struct QueueEnd {
    receiver: Mutex<Receiver<Work>>,
    waiting: Gauge,
}

impl QueueEnd {
    /// Takes what is there, for whoever drains by hand.
    pub fn take_all(&self) -> Vec<Work> {
        let receiver = self.receiver.lock().unwrap_or_else(PoisonError::into_inner);
        let work: Vec<Work> = receiver.try_iter().collect();
        self.waiting.dec_by(i64::try_from(work.len()).unwrap_or(0));
        work
    }
}

/// Drains the queue until every sender is gone, at most so many pieces to a commit: what one writer's thread does.
pub fn drain(mut writer: Writer, queue: &QueueEnd, most: usize) {
    loop {
        let mut batch = Vec::new();
        {
            let receiver = queue.receiver.lock().unwrap_or_else(PoisonError::into_inner);
            let Ok(first) = receiver.recv() else { return };
            batch.push(first);
            while batch.len() < most {
                let Ok(next) = receiver.try_recv() else { break };
                batch.push(next);
            }
        }
        let pieces = batch.len();
        queue.waiting.dec_by(i64::try_from(pieces).unwrap_or(0));
        let begun = Instant::now();
        // A defect in one piece of work must not stop the writing for everybody. Its callers see their answer
        // dropped, which reads as "unavailable".
        if catch_unwind(AssertUnwindSafe(|| writer.run(batch))).is_err() {
            writer.recover();
        }
        writer.metrics().batch(pieces, begun.elapsed());
    }
}
