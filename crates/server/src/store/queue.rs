//! The queues before the writers: bounded, refused at once when full, drained without waiting for more.
//!
//! Guards that a commit is shared by whoever is there and that nobody waits for company who has not to; that writers of one
//! queue take turns, because a batch costs as much as dozens of its pieces. Must never lose a piece: what was taken is
//! carried out or told why not, a panic included.

use super::StoreError;
use super::work::Work;
use super::writer::Writer;
use prometheus_client::metrics::gauge::Gauge;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Most pieces to one commit.
pub const BATCH_MOST: usize = 256;
/// Most pieces that wait; beyond, callers are refused at once.
pub const QUEUE_MOST: usize = 4_096;
/// A batch that has been worked at for so long may be waiting for somebody else's lock: the next one does not wait for it.
const TURN_MOST: Duration = Duration::from_millis(20);

/// When a writer begins beside another of the same queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Beside {
    /// At once.
    Always,
    /// While the other one only commits, and when so many pieces wait that they are worth a batch of their own.
    From(usize),
    /// Never but as a [`Shift::Spare`].
    Spared,
}

/// Which of a queue's writers one is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shift {
    /// One that works.
    Usual,
    /// One that begins when another's batch lasts: that may be waiting for somebody else's lock, or for a slow disk.
    /// Otherwise it sleeps, so that the usual one has work, connection and caches for itself.
    Spare,
}

/// The queue before the writers.
#[derive(Clone)]
pub struct Queue {
    end: Arc<QueueEnd>,
    /// Its last copy closes the queue.
    _open: Arc<Open>,
}

/// The end of a queue that writers drain.
pub struct QueueEnd {
    state: Mutex<State>,
    changed: Condvar,
    /// For the spare writer.
    waits: Condvar,
    beside: Beside,
    waiting: Gauge,
}

#[derive(Default)]
struct State {
    pieces: VecDeque<Work>,
    /// Writers whose turn it is; the spare one, which begins beside them, is not counted.
    working: usize,
    /// When the last of them began.
    since: Option<Instant>,
    /// The spare writer sleeps until something waits.
    spare_sleeps: bool,
    closed: bool,
}

struct Open(Arc<QueueEnd>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.changed.notify_all();
        self.0.waits.notify_all();
    }
}

/// A writer's turn: as long as it lasts others begin only if there is enough for them. Ends when dropped.
pub struct Turn<'a>(&'a QueueEnd, Shift);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        if self.1 == Shift::Usual {
            state.working = state.working.saturating_sub(1);
        }
        let more = !state.pieces.is_empty();
        drop(state);
        if more {
            self.0.changed.notify_one();
        }
    }
}

impl Queue {
    /// A queue, counted by this gauge, and the end that writers drain.
    pub fn new(waiting: Gauge, beside: Beside) -> (Self, Arc<QueueEnd>) {
        let (state, changed, waits) = (Mutex::new(State::default()), Condvar::new(), Condvar::new());
        let end = Arc::new(QueueEnd { state, changed, waits, beside, waiting });
        (Self { end: Arc::clone(&end), _open: Arc::new(Open(Arc::clone(&end))) }, end)
    }

    /// How much waits: a reading of the gauge, for whoever asks whether the database keeps up.
    pub fn waiting(&self) -> i64 {
        self.end.waiting.get()
    }

    /// Whether a batch is being worked at for so long that it may be waiting for somebody else's lock.
    pub fn lasts(&self) -> bool {
        let state = self.end.lock();
        state.working > 0 && state.since.is_some_and(|since| since.elapsed() >= TURN_MOST)
    }

    /// Puts work into the queue, or refuses at once.
    pub fn push(&self, work: Work) -> Result<(), StoreError> {
        let mut state = self.end.lock();
        if state.pieces.len() >= QUEUE_MOST {
            return Err(StoreError::Overloaded);
        }
        state.pieces.push_back(work);
        // Under the lock, as when it is taken: the gauge is never below what waits.
        self.end.waiting.inc();
        // One is woken by the first piece, to begin or to see how long the others have been at it.
        let wanted = state.pieces.len() == 1 || self.end.is_worth_a_turn(&state);
        self.end.wake_spare(&mut state);
        drop(state);
        if wanted {
            self.end.changed.notify_one();
        }
        Ok(())
    }
}

impl QueueEnd {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_worth_a_turn(&self, state: &State) -> bool {
        let enough = match self.beside {
            Beside::Always => true,
            Beside::From(pieces) => state.pieces.len() >= pieces,
            Beside::Spared => false,
        };
        !state.pieces.is_empty() && (state.working == 0 || enough)
    }

    /// Takes what is there, for whoever drains by hand.
    pub fn take_all(&self) -> Vec<Work> {
        let mut state = self.lock();
        self.waiting.dec_by(i64::try_from(state.pieces.len()).unwrap_or(0));
        state.pieces.drain(..).collect()
    }

    /// Has the spare writer see how long the others have been at it, once something waits beside them.
    fn wake_spare(&self, state: &mut State) {
        if state.spare_sleeps && state.working > 0 && !state.pieces.is_empty() {
            state.spare_sleeps = false;
            self.waits.notify_one();
        }
    }

    /// Waits for its turn and takes at most so many pieces. `None`: nothing will come any more.
    pub(super) fn take(&self, most: usize, shift: Shift) -> Option<(Vec<Work>, Turn<'_>)> {
        let mut state = self.lock();
        loop {
            let held = state.since.map_or(TURN_MOST, |since| since.elapsed());
            let late = held >= TURN_MOST && !state.pieces.is_empty();
            let begins = match shift {
                Shift::Usual => late || self.is_worth_a_turn(&state),
                Shift::Spare => late && state.working > 0,
            };
            if begins {
                break;
            }
            // What is left is for who works.
            let idle = state.pieces.is_empty() || state.working == 0 && shift == Shift::Spare;
            if idle && state.closed {
                return None;
            }
            let changed = match shift {
                Shift::Usual => &self.changed,
                Shift::Spare => {
                    state.spare_sleeps = idle;
                    &self.waits
                }
            };
            state = if idle {
                changed.wait(state).unwrap_or_else(PoisonError::into_inner)
            } else {
                let left = TURN_MOST.saturating_sub(held);
                changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
            };
        }
        let pieces = state.pieces.len().min(most);
        let batch: Vec<Work> = state.pieces.drain(..pieces).collect();
        self.waiting.dec_by(i64::try_from(pieces).unwrap_or(0));
        if shift == Shift::Usual {
            state.working = state.working.saturating_add(1);
            state.since = Some(Instant::now());
        }
        let more = self.is_worth_a_turn(&state);
        self.wake_spare(&mut state);
        drop(state);
        if more {
            self.changed.notify_one();
        }
        Some((batch, Turn(self, shift)))
    }
}

/// Drains the queue until every sender is gone, at most so many pieces to a commit: what one writer's thread does.
pub fn drain(mut writer: Writer, queue: &QueueEnd, most: usize, shift: Shift) {
    while let Some((batch, turn)) = queue.take(most, shift) {
        let pieces = batch.len();
        let begun = Instant::now();
        // A defect in one piece of work must not stop the writing for everybody. Its callers see their answer
        // dropped, which reads as "unavailable".
        let work = || match queue.beside {
            Beside::Always | Beside::From(_) => writer.run(batch, Some(turn)),
            Beside::Spared => {
                let _to_the_end = turn;
                writer.run(batch, None::<()>);
            }
        };
        if catch_unwind(AssertUnwindSafe(work)).is_err() {
            writer.recover();
        }
        writer.metrics().batch(pieces, begun.elapsed());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::cold;
    use std::sync::mpsc::channel;

    fn push(queue: &Queue, pieces: usize) {
        for _ in 0..pieces {
            queue.push(cold(|_| Ok(())).0).unwrap();
        }
    }

    fn worth(end: &QueueEnd) -> bool {
        end.is_worth_a_turn(&end.lock())
    }

    #[test]
    fn a_writer_begins_beside_another_when_there_is_enough_for_it() {
        let (queue, end) = Queue::new(Gauge::default(), Beside::From(3));
        assert!(!worth(&end), "nothing waits");
        push(&queue, 1);
        let (batch, turn) = end.take(BATCH_MOST, Shift::Usual).unwrap();
        assert_eq!(batch.len(), 1, "nobody waits for company");
        push(&queue, 2);
        assert!(!worth(&end));
        push(&queue, 1);
        assert!(worth(&end));
        let (batch, second) = end.take(2, Shift::Usual).unwrap();
        assert_eq!((batch.len(), queue.waiting()), (2, 1));
        drop((turn, second));
        assert!(worth(&end), "what is left, with nobody at work");
    }

    #[test]
    fn a_spare_writer_begins_only_when_the_others_batch_lasts() {
        let (queue, end) = Queue::new(Gauge::default(), Beside::Spared);
        std::thread::scope(|scope| {
            let spare = scope.spawn(|| {
                let batch = end.take(BATCH_MOST, Shift::Spare).map(|(batch, _)| batch.len());
                (batch, end.take(BATCH_MOST, Shift::Spare).is_none())
            });
            // It leaves alone what the usual one is there for.
            for pieces in 1..4 {
                push(&queue, pieces);
                assert_eq!(end.take(BATCH_MOST, Shift::Usual).unwrap().0.len(), pieces);
            }
            push(&queue, 101);
            let lasts = end.take(1, Shift::Usual);
            assert!(!worth(&end), "no number of pieces is enough");
            drop(queue);
            assert_eq!(spare.join().unwrap(), (Some(100), true));
            drop(lasts);
        });
    }

    /// Of whoever looks first at a queue that was closed with pieces in it, either ends.
    #[test]
    fn a_queue_that_ends_is_emptied_by_the_usual_writer_and_keeps_no_spare_one() {
        let (queue, end) = Queue::new(Gauge::default(), Beside::Spared);
        push(&queue, 3);
        drop(queue);
        assert!(end.take(BATCH_MOST, Shift::Spare).is_none());
        assert_eq!(end.take(BATCH_MOST, Shift::Usual).unwrap().0.len(), 3);
        assert!(end.take(BATCH_MOST, Shift::Usual).is_none());
    }

    #[test]
    fn closures_never_wait_for_each_other() {
        let (queue, end) = Queue::new(Gauge::default(), Beside::Always);
        push(&queue, 2);
        let first = end.take(1, Shift::Usual).unwrap();
        assert_eq!(end.take(1, Shift::Usual).unwrap().0.len(), 1);
        drop(first);
    }

    #[test]
    fn a_turn_that_ends_lets_the_next_begin_and_one_that_lasts_does_not_stop_it() {
        let (queue, end) = Queue::new(Gauge::default(), Beside::From(usize::MAX));
        push(&queue, 1);
        let (_batch, turn) = end.take(BATCH_MOST, Shift::Usual).unwrap();
        let (told, taken) = channel();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                // Two: after the turn's end, and beside one that lasts.
                let mut lasting = Vec::new();
                for _ in 0..2 {
                    let (batch, turn) = end.take(BATCH_MOST, Shift::Usual).unwrap();
                    lasting.push(turn);
                    told.send(batch.len()).unwrap();
                }
            });
            push(&queue, 1);
            drop(turn);
            assert_eq!(taken.recv().unwrap(), 1);
            push(&queue, 2);
            assert!(taken.recv().unwrap() > 0);
        });
    }

    #[test]
    fn a_queue_is_full_at_its_bound_and_ends_with_its_last_sender() {
        let (queue, end) = Queue::new(Gauge::default(), Beside::Always);
        push(&queue, QUEUE_MOST);
        assert!(matches!(queue.push(cold(|_| Ok(())).0), Err(StoreError::Overloaded)));
        assert_eq!(end.take_all().len(), QUEUE_MOST);
        let other = queue.clone();
        drop(queue);
        push(&other, 1);
        assert_eq!(end.take(BATCH_MOST, Shift::Usual).unwrap().0.len(), 1);
        drop(other);
        assert!(end.take(1, Shift::Usual).is_none());
    }
}
