//! When SQLite's log is copied into its file.
//!
//! SQLite's own way is that the commit which makes the log longer than a bound copies it: everybody waits for
//! thousands of pages to reach their places on the disk. Here a thread of its own copies beside the writer, again and
//! again, until so little is new that the writer copies the rest between two batches. Only what is wholly copied is
//! begun anew, and only the writer knows an instant at which nothing is added.
//!
//! Guards: the log is copied at last, whoever reads meanwhile; a commit is durable by the log alone, before and after.

use crate::store::StoreError;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Pages in the log from which on it is copied: 125 MB. Most pages are written again and again, so a long log is less work
/// in all than a short one; it costs the disk its length, and a start after a crash a seventh of a second.
pub const LOG_PAGES: u32 = 32_000;
/// So few new pages that the writer copies them itself: a few milliseconds.
const REST_PAGES: u32 = 200;
/// Most copies in a row. Each finds what came during the one before.
const COPIES_MOST: usize = 8;

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
            // If it does not begin anew, because somebody reads what is in it: when it has grown as much again.
            state.turn = Turn::At(state.logged.saturating_add(self.every));
        }
        is
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
            self.copy_beside(&mut copy);
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

    /// Copies until there is little left, and leaves that to the writer.
    pub fn copy_beside(&self, copy: &mut impl FnMut() -> Result<u32, StoreError>) {
        for _ in 0..COPIES_MOST {
            match copy() {
                Ok(copied) if self.pages().saturating_sub(copied) > REST_PAGES => {}
                Ok(_nearly_all) => break,
                // Another program is at it.
                Err(error) if error.retryable() => break,
                Err(error) => {
                    // The commits themselves are in the log; the writer tries too, and then again later.
                    tracing::warn!(%error, "SQLite's log could not be copied into its file");
                    break;
                }
            }
        }
        let mut state = self.lock();
        if state.turn != Turn::Over {
            state.turn = Turn::Writer;
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

    #[test]
    fn copies_follow_each_other_until_there_is_little_left() {
        let checkpoints = Checkpoints::every(1_000);
        checkpoints.logged(1_000);
        let copies = Cell::new(0);
        // Less comes during each than during the one before.
        checkpoints.copy_beside(&mut || {
            copies.set(copies.get() + 1);
            let copied = checkpoints.pages();
            checkpoints.logged(copied + 1_000 / (1 << copies.get()));
            Ok(copied)
        });
        assert_eq!(copies.get(), 3, "500, 250, 125");
        assert!(checkpoints.is_writers_turn());
        assert!(!checkpoints.is_writers_turn(), "once");
        assert!(!checkpoints.lock().is_long());
        checkpoints.logged(2_875);
        assert!(checkpoints.lock().is_long(), "as much again");
    }

    #[test]
    fn copies_that_gain_nothing_end_and_so_do_those_that_fail() {
        for failure in [None, Some(StoreError::Unavailable("no room".to_owned()))] {
            let checkpoints = Checkpoints::every(1_000);
            checkpoints.logged(1_000);
            let copies = Cell::new(0);
            checkpoints.copy_beside(&mut || {
                copies.set(copies.get() + 1);
                failure.clone().map_or(Ok(0), Err)
            });
            assert_eq!(copies.get(), if failure.is_some() { 1 } else { COPIES_MOST });
            assert!(checkpoints.is_writers_turn());
        }
    }

    #[test]
    fn the_thread_ends_with_the_store_whether_or_not_there_is_something_to_copy() {
        for pages in [0, 1_000] {
            let checkpoints = Checkpoints::every(1_000);
            checkpoints.logged(pages);
            let copies = Cell::new(0);
            if pages == 0 {
                checkpoints.stop();
            }
            checkpoints.run(|| {
                copies.set(copies.get() + 1);
                checkpoints.stop();
                Ok(pages)
            });
            assert_eq!(copies.get(), i32::from(pages != 0));
            checkpoints.logged(5);
            assert!(!checkpoints.is_writers_turn(), "over");
        }
    }
}
