//! The queues of the hot commands: which of them a command waits in, and how many writers drain each.
//!
//! Guards that what waits for a buyer's purse does not keep back what needs none. On PostgreSQL a purchase's two halves have
//! a queue each: holding its price waits for the purse until the batch before is committed, attaching its number does not,
//! unless a message is there for it already. SQLite has one writer, so there it is one queue: a second one would only make more commits.

use super::StoreError;
use super::hot::Command;
use super::queue::{Beside, Queue, QueueEnd, Shift};
use prometheus_client::metrics::gauge::Gauge;
use std::sync::Arc;

/// So many commands are worth a second batch beside the one of their queue that is being carried out. A batch costs
/// PostgreSQL about as much as thirty of its commands, so fewer than these are better off in the next one.
const WORTH_A_BATCH: usize = 32;

/// Where hot commands wait.
pub struct HotQueues {
    holds: Queue,
    attaches: Queue,
    others: Queue,
}

impl HotQueues {
    /// The queues before a database, all counted by one gauge; `start` has a writer drain a queue's end.
    pub fn open(
        embedded: bool,
        waiting: &Gauge,
        mut start: impl FnMut(&Arc<QueueEnd>, Shift) -> Result<(), StoreError>,
    ) -> Result<Self, StoreError> {
        let mut queue = |beside, shifts: &[Shift]| {
            let (queue, end) = Queue::new(waiting.clone(), beside);
            shifts.iter().try_for_each(|shift| start(&end, *shift))?;
            Ok(queue)
        };
        let others = Beside::From(WORTH_A_BATCH);
        if embedded {
            return queue(others, &[Shift::Usual]).map(Self::one);
        }
        // The halves of a purchase work beside each other; were either to begin beside itself too, its batches would be half
        // as large. Its spare writer is for when the usual one waits: one batch that is kept waiting stops nobody else.
        let (usual, spared) = ([Shift::Usual, Shift::Usual], [Shift::Usual, Shift::Spare]);
        let (holds, attaches) = (queue(Beside::Spared, &spared)?, queue(Beside::Spared, &spared)?);
        Ok(Self { holds, attaches, others: queue(others, &usual)? })
    }

    /// One queue for all of them.
    pub fn one(queue: Queue) -> Self {
        Self { holds: queue.clone(), attaches: queue.clone(), others: queue }
    }

    /// Where a command waits.
    pub const fn of(&self, command: &Command) -> &Queue {
        match command {
            Command::Reserve(_) => &self.holds,
            Command::Attach(_) => &self.attaches,
            Command::Receive(_) | Command::Close(_) => &self.others,
        }
    }

    /// The queue for closures that have no writers of their own.
    pub const fn shared(&self) -> &Queue {
        &self.others
    }

    /// How many commands wait, in all of them.
    pub fn waiting(&self) -> i64 {
        self.others.waiting()
    }
}
