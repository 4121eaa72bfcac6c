//! The one clock. Time enters here and is an argument everywhere else. It never goes backwards.

use numberotp_core::time::{Span, Time};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Where time comes from. Clones share one clock.
#[derive(Clone)]
pub struct Clock {
    source: Source,
    latest: Arc<AtomicI64>,
}

#[derive(Clone)]
enum Source {
    /// The machine's, plus how far the database's is ahead.
    System { offset: Arc<AtomicI64> },
    /// A test's.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self { source: Source::System { offset: Arc::default() }, latest: Arc::default() }
    }

    /// A clock that stands still until it is moved.
    pub fn manual(start: Time) -> Self {
        Self { source: Source::Manual(Arc::new(AtomicI64::new(start.micros()))), latest: Arc::default() }
    }

    /// Now; never before what was answered earlier.
    pub fn now(&self) -> Time {
        let read = match &self.source {
            Source::System { offset } => machine().saturating_add(offset.load(Ordering::Relaxed)),
            Source::Manual(time) => time.load(Ordering::Relaxed),
        };
        let before = self.latest.fetch_max(read, Ordering::Relaxed);
        Time::from_micros(read.max(before))
    }

    /// Sets how far the database's clock is ahead of the machine's. No effect on a manual clock.
    pub fn set_offset(&self, ahead: Span) {
        if let Source::System { offset } = &self.source {
            offset.store(ahead.as_micros(), Ordering::Relaxed);
        }
    }

    /// Moves a manual clock forward. No effect on the system's.
    pub fn advance(&self, by: Span) {
        if let Source::Manual(time) = &self.source {
            time.fetch_add(by.as_micros().max(0), Ordering::Relaxed);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place where the machine's clock is read")]
fn machine() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// The machine's clock, for measuring another clock against it.
pub fn machine_time() -> Time {
    Time::from_micros(machine())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_never_goes_back() {
        let clock = Clock::system();
        clock.set_offset(Span::hours(1));
        let ahead = clock.now();
        clock.set_offset(Span::hours(-1));
        assert!(clock.now() >= ahead);
    }

    #[test]
    fn a_manual_clock_stands_still() {
        let clock = Clock::manual(Time::from_micros(5));
        assert_eq!(clock.now(), clock.now());
        let same = clock.clone();
        same.advance(Span::seconds(1));
        assert_eq!((clock.now(), same.now()), (Time::from_micros(1_000_005), Time::from_micros(1_000_005)));
    }
}
