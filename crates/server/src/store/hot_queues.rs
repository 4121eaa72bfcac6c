//! The queues of the hot commands: which of them a command waits in, and how many writers drain each.
//!
//! Guards that what waits for a buyer's purse does not keep back what needs none. On PostgreSQL a purchase's two halves have
//! a queue each: holding its price waits for the purse until the batch before is committed, attaching its number does not,
//! unless a message is there for it already. Where other servers sell on the same database the halves go together, as long as no purse is
//! waited for. SQLite has one writer, so there it is one queue: a second one would only make more commits.

use super::StoreError;
use super::db::Engine;
use super::hot::Command;
use super::neighbours::Neighbours;
use super::queue::{BATCH_MOST, Beside, Queue, QueueEnd, Shift};
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
    neighbours: Arc<Neighbours>,
    /// Whether the database works on the processors that we work on.
    here: bool,
}

impl HotQueues {
    /// The queues before a database, all counted by one gauge; `start` has a writer drain a queue's end.
    pub fn open(
        engine: &Engine,
        waiting: &Gauge,
        neighbours: &Arc<Neighbours>,
        mut start: impl FnMut(&Arc<QueueEnd>, Shift) -> Result<(), StoreError>,
    ) -> Result<Self, StoreError> {
        let mut queue = |beside, shifts: &[Shift]| {
            let (queue, end) = Queue::new(waiting.clone(), beside);
            shifts.iter().try_for_each(|shift| start(&end, *shift))?;
            Ok(queue)
        };
        let others = Beside::From(WORTH_A_BATCH);
        if engine.is_embedded() {
            return queue(others, &[Shift::Usual]).map(Self::one);
        }
        // The halves of a purchase work beside each other; were either to begin beside itself too, its batches would be half
        // as large. Its spare writer is for when the usual one waits: one batch that is kept waiting stops nobody else.
        let (usual, spared) = ([Shift::Usual, Shift::Usual], [Shift::Usual, Shift::Spare]);
        let (holds, attaches) = (queue(Beside::Spared, &spared)?, queue(Beside::Spared, &spared)?);
        let neighbours = Arc::clone(neighbours);
        Ok(Self { holds, attaches, others: queue(others, &usual)?, neighbours, here: engine.is_here() })
    }

    /// One queue for all of them.
    pub fn one(queue: Queue) -> Self {
        let neighbours = Arc::default();
        Self { holds: queue.clone(), attaches: queue.clone(), others: queue, neighbours, here: true }
    }

    /// Where a command waits.
    pub fn of(&self, command: &Command) -> &Queue {
        match command {
            Command::Reserve(_) => &self.holds,
            Command::Attach(_) => self.attaching(),
            Command::Receive(_) | Command::Close(_) => &self.others,
        }
    }

    /// Where a number waits to be attached. A batch of each half beside the other is for the time in which the database has nothing to do
    /// because one writer makes up its mind. Other servers fill that time, and then half as many batches are cheaper:
    /// unless more waits than goes into one, or a purse is waited for. With a database elsewhere it is the way there that
    /// takes time, which nobody else fills.
    fn attaching(&self) -> &Queue {
        let one_batch = usize::try_from(self.waiting()).is_ok_and(|waiting| waiting < BATCH_MOST);
        let together = self.here && one_batch && self.neighbours.sell() && !self.holds.lasts();
        if together { &self.holds } else { &self.attaches }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::cold;
    use crate::store::hot::Attach;
    use numberotp_core::id::ActivationId;
    use numberotp_core::text::PhoneNumber;
    use numberotp_core::time::Time;

    const HERE: &str = "postgres://one@127.0.0.1,localhost,[::1]/numbers";

    fn open(url: &str) -> (HotQueues, Arc<Neighbours>, Vec<Arc<QueueEnd>>) {
        let (neighbours, mut ends) = (Arc::new(Neighbours::default()), Vec::new());
        let queues =
            HotQueues::open(&Engine::parse(url).unwrap(), &Gauge::default(), &neighbours, |end, _shift| {
                ends.push(Arc::clone(end));
                Ok(())
            });
        (queues.unwrap(), neighbours, ends)
    }

    fn begin_to_sell(neighbours: &Neighbours) {
        neighbours.took(0, 10);
        neighbours.took(20, 30);
    }

    fn attach() -> Command {
        Command::Attach(Attach {
            activation: ActivationId::new(1),
            held: None,
            number: PhoneNumber::parse("447700900001").unwrap(),
            provider_ref: "r1".to_owned(),
            expires_at: Time::default(),
            now: Time::default(),
        })
    }

    /// Whether a number that comes now waits among the prices that are to be held.
    fn together(queues: &HotQueues, ends: &[Arc<QueueEnd>]) -> bool {
        queues.of(&attach()).push(cold(|_| Ok(())).0).unwrap();
        let holds = ends.first().unwrap().take_all().len();
        let all: usize = ends.iter().map(|end| end.take_all().len()).sum();
        assert_eq!(holds + all, 1);
        holds == 1
    }

    #[test]
    fn the_halves_of_a_purchase_go_together_while_neighbours_sell_and_one_batch_is_enough() {
        let (queues, neighbours, ends) = open(HERE);
        assert!(!together(&queues, &ends), "alone");
        begin_to_sell(&neighbours);
        assert!(together(&queues, &ends));
        for _ in 0..BATCH_MOST {
            queues.shared().push(cold(|_| Ok(())).0).unwrap();
        }
        assert!(std::ptr::eq(queues.of(&attach()), &raw const queues.attaches), "more than one batch takes");
    }

    #[test]
    fn the_halves_go_apart_while_a_purse_is_waited_for() {
        let (queues, neighbours, ends) = open(HERE);
        begin_to_sell(&neighbours);
        queues.holds.push(cold(|_| Ok(())).0).unwrap();
        let (_batch, turn) = ends.first().unwrap().take(BATCH_MOST, Shift::Usual).unwrap();
        while together(&queues, &ends) {
            std::thread::yield_now();
        }
        drop(turn);
        assert!(together(&queues, &ends));
    }

    #[test]
    fn the_halves_stay_apart_where_the_way_to_the_database_is_long() {
        for (url, is_here) in [
            (HERE, true),
            ("postgres://one@%2Frun%2Fpostgresql/numbers", true),
            ("postgres://one@db.example/numbers?hostaddr=127.0.0.1", true),
            ("postgres://one@localhost/numbers?hostaddr=192.0.2.1", false),
            ("postgres://one@db.example/numbers", false),
            ("postgres://one@127.0.0.1,192.0.2.1/numbers", false),
        ] {
            let (queues, neighbours, ends) = open(url);
            begin_to_sell(&neighbours);
            assert_eq!(together(&queues, &ends), is_here, "{url}");
        }
    }

    #[test]
    fn a_file_has_one_queue() {
        let (queues, _neighbours, ends) = open("sqlite://numbers.db");
        assert!(together(&queues, &ends));
        assert_eq!(ends.len(), 1);
    }
}
