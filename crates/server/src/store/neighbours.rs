//! Whether other servers sell on the same database at the moment. The numbers of purchases tell: all servers take them from one row, a
//! block at a time, so what lies between two blocks of ours is theirs.
//!
//! Guards that knowing it asks the database nothing. It is a hint, as old as the last block: whatever is decided by it must be
//! right either way.

use prometheus_client::metrics::gauge::Gauge;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// So many blocks of ours without one of theirs in between, and they sell so little that we are as good as alone.
const ALONE_AFTER: u32 = 4;

/// The other servers, as the numbers of purchases tell.
#[derive(Default, Debug)]
pub struct Neighbours {
    seen: Mutex<Seen>,
    shown: Gauge,
}

#[derive(Default, Debug)]
struct Seen {
    /// Where our last block ends.
    end: Option<i64>,
    /// Blocks of ours since one of theirs.
    since: u32,
    sell: bool,
}

impl Neighbours {
    /// Nobody is known of yet. The gauge shows whether they sell.
    pub fn new(shown: Gauge) -> Self {
        Self { seen: Mutex::default(), shown }
    }

    /// One of our writers took the numbers from one to before the other.
    pub fn took(&self, first: i64, end: i64) {
        let mut seen = self.lock();
        // Where a transaction was undone its block is taken again.
        if seen.end.is_some_and(|last| first > last) {
            (seen.since, seen.sell) = (0, true);
        } else {
            seen.since = seen.since.saturating_add(1);
            seen.sell = seen.sell && seen.since < ALONE_AFTER;
        }
        seen.end = seen.end.max(Some(end));
        self.shown.set(i64::from(seen.sell));
    }

    /// Whether they sell: at least a fourth of what we do.
    pub fn sell(&self) -> bool {
        self.lock().sell
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(blocks: &[i64]) -> bool {
        let neighbours = Neighbours::default();
        for first in blocks {
            neighbours.took(*first, first + 10);
        }
        neighbours.sell()
    }

    #[test]
    fn what_lies_between_two_blocks_of_ours_is_theirs() {
        assert!(!after(&[]) && !after(&[500]), "what was before us says nothing");
        assert!(!after(&[500, 510, 520]));
        assert!(after(&[500, 520]));
    }

    #[test]
    fn who_takes_a_block_for_four_of_ours_sells_and_who_takes_less_does_not() {
        assert!(after(&[0, 20, 30, 40, 50]));
        assert!(!after(&[0, 20, 30, 40, 50, 60]));
        assert!(after(&[0, 20, 30, 40, 50, 60, 80]));
    }

    #[test]
    fn a_block_that_is_taken_again_is_nobody_elses() {
        // Two writers, the first of which could not commit.
        assert!(!after(&[0, 10, 10, 20]));
        assert!(!after(&[10, 0, 20]), "told in another order");
    }
}
