//! The one clock. Time enters here and is an argument everywhere else. It never goes backwards.

use numberotp_core::time::{Span, Time};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Most that one steering moves a clock.
const STEP_MOST: Span = Span::seconds(1);

/// Where time comes from. Clones share one clock.
#[derive(Clone)]
pub struct Clock {
    source: Source,
    /// How far a sandbox's clock was moved ahead of the true time, in microseconds.
    ahead: Arc<AtomicI64>,
    latest: Arc<AtomicI64>,
}

#[derive(Clone)]
enum Source {
    /// The machine's at the start, carried on by its steady clock, and steered: a step of the machine's wall
    /// clock must not expire anything, nor stop time until it is caught up with.
    System { begun: Instant, at: i64, offset: Arc<AtomicI64> },
    /// A test's.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        let source = Source::System { begun: Instant::now(), at: machine(), offset: Arc::default() };
        Self { source, ahead: Arc::default(), latest: Arc::default() }
    }

    /// A clock that stands still until it is moved.
    pub fn manual(start: Time) -> Self {
        let source = Source::Manual(Arc::new(AtomicI64::new(start.micros())));
        Self { source, ahead: Arc::default(), latest: Arc::default() }
    }

    /// Now; never before what was answered earlier.
    pub fn now(&self) -> Time {
        let read = self.read().micros().saturating_add(self.ahead.load(Ordering::Relaxed));
        let before = self.latest.fetch_max(read, Ordering::Relaxed);
        Time::from_micros(read.max(before))
    }

    /// The same without what a sandbox's clock was moved ahead: for whoever compares it with a clock elsewhere.
    pub fn true_now(&self) -> Time {
        let ahead = Span::micros(self.ahead.load(Ordering::Relaxed));
        self.now().minus(ahead)
    }

    /// The true time, as far as this clock knows it.
    fn read(&self) -> Time {
        Time::from_micros(match &self.source {
            Source::System { begun, at, offset } => {
                let since = i64::try_from(begun.elapsed().as_micros()).unwrap_or(i64::MAX);
                at.saturating_add(since).saturating_add(offset.load(Ordering::Relaxed))
            }
            Source::Manual(time) => time.load(Ordering::Relaxed),
        })
    }

    /// Goes so far ahead of the true time from now on, for a sandbox; what was further ahead already stays there.
    /// Answers whether it moved.
    pub fn be_ahead(&self, ahead: Span) -> bool {
        self.ahead.fetch_max(ahead.as_micros(), Ordering::Relaxed) < ahead.as_micros()
    }

    /// Sets the time, before anybody used it. No effect on a manual clock.
    pub fn set(&self, true_now: Time) {
        self.correct(true_now, Span::micros(i64::MAX));
    }

    /// Steers towards the true time by at most a second a call: whatever is wrong with it, no deadline jumps.
    /// Answers how far off the clock was. No effect on a manual clock.
    pub fn steer(&self, true_now: Time) -> Span {
        self.correct(true_now, STEP_MOST)
    }

    fn correct(&self, true_now: Time, most: Span) -> Span {
        let Source::System { offset, .. } = &self.source else { return Span::default() };
        let off = true_now.since(self.read());
        let most = most.as_micros();
        offset.fetch_add(off.as_micros().clamp(most.saturating_neg(), most), Ordering::Relaxed);
        off
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
    fn a_step_of_another_clock_moves_ours_by_a_second_at_most_and_never_back() {
        let clock = Clock::system();
        let before = clock.now();
        assert!(clock.steer(before.plus(Span::hours(1))) > Span::minutes(59));
        let ahead = clock.now();
        assert!(ahead.since(before) < Span::seconds(30), "{ahead:?}");
        clock.steer(before.minus(Span::hours(1)));
        assert!(clock.now() >= ahead);
        assert!(clock.read().since(before) > Span::seconds(-2));
    }

    #[test]
    fn before_its_first_use_it_is_set_at_once() {
        let clock = Clock::system();
        let there = machine_time().plus(Span::hours(1));
        clock.set(there);
        assert!(clock.now().since(there) > Span::seconds(-1));
    }

    #[test]
    fn ahead_of_the_true_time_it_stays_so_far_ahead_however_it_is_steered() {
        for clock in [Clock::system(), Clock::manual(machine_time())] {
            let before = clock.now();
            assert!(clock.be_ahead(Span::hours(5)));
            assert!(!clock.be_ahead(Span::hours(5)) && !clock.be_ahead(Span::hours(4)));
            let ahead = clock.clone().now();
            assert!((Span::hours(5)..Span::hours(6)).contains(&ahead.since(before)), "{ahead:?}");
            let off = clock.steer(machine_time()).as_micros().abs();
            assert!(off < Span::minutes(1).as_micros(), "what is wanted is not steered away: {off}");
            assert!(clock.now() >= ahead);
        }
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
