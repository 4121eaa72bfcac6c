//! When SQLite's log is copied into its file.
//!
//! SQLite's own way is that the commit which makes the log longer than a bound copies it: everybody waits for
//! thousands of pages to reach their places on the disk. Here a thread of its own copies beside the writer, again and
//! again, until so little is new that the writer copies the rest between two batches. Only what is wholly copied is
//! begun anew, and only the writer knows an instant at which nothing is added.
//!
//! Guards: the log is copied as soon as nobody reads what is in it; a commit is durable by the log alone, before and
//! after; the writer copies hardly more than SQLite would have had it copy.

use crate::store::StoreError;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Pages in the log from which on it is copied: 132 MB. Most pages are written again and again, so a long log is less work
/// in all than a short one; it costs the disk its length, and a start after a crash the time to read it.
pub const WAL_PAGES: u32 = 32_000;
/// So few new pages that another copy would hardly find fewer.
const FEW_PAGES: u32 = 200;
/// So often little has to be new. A copy flushes the file only if nothing was committed while it wrote, which is likely
/// for a short one: one of so many has flushed what the long ones wrote, and the writer need not.
const FEW_TIMES: usize = 4;
/// Most copies in a row. Each finds what came during the one before.
const PASSES_MOST: usize = 16;
/// By how much of its length the log grows before it is tried again, where it could not be copied wholly or not begun anew:
/// somebody read what was in it. That many pages are also the most that are left to the writer.
const PART: u32 = 8;

/// What the writer and the thread that copies know of each other.
pub struct Checkpoints {
    state: Mutex<State>,
    changed: Condvar,
    every: u32,
}

/// Whose turn it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Turn {
    /// Nobody's, until the log has so many pages.
    At(u32),
    /// The writer's: the rest.
    Writer,
    /// The store stops.
    Over,
}

struct State {
    /// Pages in the log after the last commit.
    logged: u32,
    turn: Turn,
}

impl Checkpoints {
    /// For a log that is copied whenever it has grown by so many pages.
    pub const fn every(pages: u32) -> Self {
        let state = State { logged: 0, turn: Turn::At(pages) };
        Self { state: Mutex::new(state), changed: Condvar::new(), every: pages }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The writer committed, and the log has so many pages now.
    pub fn logged(&self, pages: u32) {
        let mut state = self.lock();
        if pages < state.logged && state.turn != Turn::Over {
            // It began anew.
            state.turn = Turn::At(self.every);
        }
        state.logged = pages;
        if state.is_long() {
            self.changed.notify_one();
        }
    }

    /// Pages in the log after the last commit.
    pub fn pages(&self) -> u32 {
        self.lock().logged
    }

    /// Whether it is the writer's turn to copy the rest, which it is asked once.
    pub fn is_writers_turn(&self) -> bool {
        let mut state = self.lock();
        let is = state.turn == Turn::Writer;
        if is {
            // In case it does not begin anew.
            state.turn = self.later(&state);
        }
        is
    }

    fn later(&self, state: &State) -> Turn {
        Turn::At(state.logged.saturating_add(self.part()))
    }

    fn part(&self) -> u32 {
        (self.every / PART).max(1)
    }

    /// Ends the copying.
    pub fn stop(&self) {
        self.lock().turn = Turn::Over;
        self.changed.notify_one();
    }

    /// Copies whenever it is time for it, until the store stops: what the thread does. `copy` answers how many pages of the
    /// log are in the file.
    pub fn run(&self, mut copy: impl FnMut() -> Result<u32, StoreError>) {
        while self.wait() {
            self.beside_writer(&mut copy);
        }
    }

    /// Waits for a long log. False: the store stops.
    fn wait(&self) -> bool {
        let mut state = self.lock();
        while !state.is_long() && state.turn != Turn::Over {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.turn != Turn::Over
    }

    /// Copies until there is little left, and leaves that to the writer; or to a later time, if it does not get less.
    pub fn beside_writer(&self, copy: &mut impl FnMut() -> Result<u32, StoreError>) {
        let (mut copied, mut few) = (0, 0);
        for _ in 0..PASSES_MOST {
            let before = copied;
            copied = match copy() {
                Ok(copied) => copied,
                // Another program is at it.
                Err(error) if error.retryable() => break,
                Err(error) => {
                    // Every commit is in the log all the same.
                    tracing::warn!(%error, "SQLite's log could not be copied into its file");
                    break;
                }
            };
            let state = self.lock();
            if !state.is_long() {
                // It began anew meanwhile, or the store stops.
                return;
            }
            let is_little = state.logged.saturating_sub(copied) <= FEW_PAGES;
            few += usize::from(is_little);
            if few == FEW_TIMES || !is_little && copied == before {
                break;
            }
        }
        let mut state = self.lock();
        if state.is_long() {
            let left = state.logged.saturating_sub(copied);
            state.turn = if left <= self.part() { Turn::Writer } else { self.later(&state) };
        }
    }
}

impl State {
    const fn is_long(&self) -> bool {
        matches!(self.turn, Turn::At(pages) if self.logged >= pages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::time::Duration;

    const EVERY: u32 = 8_000;

    /// A log that is long, its copies so far, and what is told of it.
    struct Log {
        checkpoints: Checkpoints,
        copies: Cell<u32>,
    }

    impl Log {
        fn long() -> Self {
            let checkpoints = Checkpoints::every(EVERY);
            checkpoints.logged(EVERY);
            Self { checkpoints, copies: Cell::new(0) }
        }

        /// Copies; after each copy this becomes of it, told how many there were.
        fn copy(&self, mut then: impl FnMut(u32) -> Result<u32, StoreError>) -> u32 {
            self.checkpoints.beside_writer(&mut || {
                self.copies.set(self.copies.get() + 1);
                then(self.copies.get())
            });
            self.copies.get()
        }

        fn turn(&self) -> Turn {
            self.checkpoints.lock().turn
        }
    }

    #[test]
    fn copies_follow_each_other_until_little_is_left_time_and_again() {
        let log = Log::long();
        // Less comes during each than during the one before: 400, 200, 100…
        let copies = log.copy(|copies| {
            let copied = log.checkpoints.pages();
            log.checkpoints.logged(copied + 800 / (1 << copies));
            Ok(copied)
        });
        assert_eq!(copies, 5);
        assert!(log.checkpoints.is_writers_turn());
        assert!(!log.checkpoints.is_writers_turn(), "once");
        assert_eq!(log.turn(), Turn::At(8_775 + EVERY / PART), "unless it begins anew");
        log.checkpoints.logged(20);
        assert_eq!(log.turn(), Turn::At(EVERY));
    }

    #[test]
    fn the_writer_is_left_no_more_than_it_copies_quickly() {
        for (more, turn) in [(1_000, Turn::Writer), (1_001, Turn::At(8_000 + 16 * 1_001 + 1_000))] {
            let log = Log::long();
            let copies = log.copy(|_| {
                let copied = log.checkpoints.pages();
                log.checkpoints.logged(copied + more);
                Ok(copied)
            });
            assert_eq!((copies, log.turn()), (16, turn));
        }
    }

    #[test]
    fn what_somebody_reads_or_copies_or_cannot_be_written_is_tried_again_later() {
        type Ended = fn() -> Result<u32, StoreError>;
        let ends: [(Ended, u32); 3] = [
            (|| Ok(70), 2),
            (|| Err(StoreError::Busy("another program".to_owned())), 1),
            (|| Err(StoreError::Unavailable("no room".to_owned())), 1),
        ];
        for (end, expected) in ends {
            let log = Log::long();
            assert_eq!(log.copy(|_| end()), expected);
            assert_eq!(log.turn(), Turn::At(EVERY + 1_000));
        }
    }

    #[test]
    fn a_log_that_begins_anew_during_a_copy_is_left_alone() {
        let log = Log::long();
        let copies = log.copy(|_| {
            log.checkpoints.logged(9);
            Ok(EVERY)
        });
        assert_eq!((copies, log.turn()), (1, Turn::At(EVERY)));
    }

    #[test]
    fn the_thread_copies_when_the_log_gets_long_and_ends_with_the_store() {
        let checkpoints = Checkpoints::every(EVERY);
        let (told, copied) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                checkpoints.run(|| {
                    told.send(()).unwrap();
                    Ok(EVERY)
                });
                drop(told);
            });
            checkpoints.logged(EVERY - 1);
            checkpoints.logged(EVERY);
            for _ in 0..FEW_TIMES {
                copied.recv_timeout(Duration::from_secs(30)).unwrap();
            }
            while !checkpoints.is_writers_turn() {
                std::thread::yield_now();
            }
            checkpoints.stop();
        });
        assert!(copied.recv().is_err(), "no more than that");
        checkpoints.logged(5);
        assert!(!checkpoints.is_writers_turn());
        assert_eq!(checkpoints.lock().turn, Turn::Over, "whatever begins anew");
    }

    #[test]
    fn a_store_that_stops_waits_for_one_copy_at_most() {
        let log = Log::long();
        let copies = log.copy(|_| {
            log.checkpoints.stop();
            Ok(0)
        });
        assert_eq!((copies, log.turn()), (1, Turn::Over));
    }
}
