//! The one clock. Time enters here and is an argument everywhere else. It never goes backwards.

use numberotp_core::time::{Span, Time};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Most that one steering moves a clock.
const STEP_MOST: Span = Span::seconds(1);
/// A machine that slept shorter was not suspended: its two clocks were merely not read at one instant.
const NAP_MOST: Span = Span::seconds(2);

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
    /// clock must not expire anything, nor stop time until it is caught up with. The steady clock stands while the
    /// machine is suspended; how long that was in all is told by how long the machine has been up.
    System { begun: Instant, at: i64, offset: Arc<AtomicI64>, up: Option<Span>, slept: Arc<AtomicI64> },
    /// A test's.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        let (begun, at, up) = (Instant::now(), machine(), uptime());
        let source = Source::System { begun, at, offset: Arc::default(), up, slept: Arc::default() };
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

    /// What the machine says, also of a clock that follows another or stands still: for whoever is told the date as everybody
    /// else on this machine tells it.
    pub fn machine_now(&self) -> Time {
        machine_time()
    }

    /// The true time, as far as this clock knows it.
    fn read(&self) -> Time {
        Time::from_micros(match &self.source {
            Source::System { begun, at, offset, .. } => {
                at.saturating_add(since(*begun).as_micros()).saturating_add(offset.load(Ordering::Relaxed))
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

    /// Makes up at once for the time in which the machine was suspended: that was true time, which passed everywhere
    /// else. Answers how long it was since the last look. No effect on a manual clock, nor where the machine does not
    /// say how long it has been up.
    pub fn wake(&self) -> Span {
        let Source::System { begun, up: Some(up), .. } = &self.source else { return Span::default() };
        // The steady clock last: what passes between the two readings must not look like sleep.
        let Some(up_now) = uptime() else { return Span::default() };
        self.slept_in_all(up_now.minus(*up).minus(since(*begun)))
    }

    fn slept_in_all(&self, in_all: Span) -> Span {
        let Source::System { offset, slept, .. } = &self.source else { return Span::default() };
        let before = slept.load(Ordering::Relaxed);
        let nap = in_all.minus(Span::micros(before));
        let first = || {
            slept.compare_exchange(before, in_all.as_micros(), Ordering::Relaxed, Ordering::Relaxed).is_ok()
        };
        if nap <= NAP_MOST || !first() {
            return Span::default();
        }
        offset.fetch_add(nap.as_micros(), Ordering::Relaxed);
        nap
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

fn since(begun: Instant) -> Span {
    Span::micros(i64::try_from(begun.elapsed().as_micros()).unwrap_or(i64::MAX))
}

/// How long the machine has been up, also while it was suspended, to a hundredth of a second (`proc(5)`).
fn uptime() -> Option<Span> {
    read_uptime(&std::fs::read_to_string("/proc/uptime").ok()?)
}

fn read_uptime(text: &str) -> Option<Span> {
    let (seconds, hundredths) = text.split_whitespace().next()?.split_once('.')?;
    let hundredths: i64 = hundredths.parse().ok().filter(|hundredths| (0..100).contains(hundredths))?;
    Some(Span::micros(Span::seconds(seconds.parse().ok()?).as_micros().checked_add(hundredths * 10_000)?))
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
    fn what_the_machine_slept_is_made_up_for_at_once_and_once() {
        let clock = Clock::system();
        let before = clock.now();
        assert_eq!(
            clock.slept_in_all(Span::millis(1_500)),
            Span::default(),
            "two clocks read one after the other"
        );
        assert!(clock.now().since(before) < Span::seconds(1));
        for _ in 0..3 {
            clock.slept_in_all(Span::hours(1));
        }
        assert!((Span::hours(1)..Span::minutes(61)).contains(&clock.now().since(before)));
        assert_eq!(clock.slept_in_all(Span::hours(3)), Span::hours(2), "the second time");
        assert!((Span::hours(3)..Span::minutes(181)).contains(&clock.now().since(before)));
        assert_eq!(clock.slept_in_all(Span::hours(2)), Span::default(), "never back");
    }

    #[test]
    fn a_machine_that_is_awake_did_not_sleep() {
        assert_eq!(Clock::system().wake(), Span::default());
        assert_eq!(Clock::manual(machine_time()).wake(), Span::default());
        assert_eq!(read_uptime("25675.96 17179.05\n"), Some(Span::millis(25_675_960)));
        assert_eq!(read_uptime("0.00 0.00"), Some(Span::default()));
        for text in ["", "25675", "a.b", "1.100", "1.-1", "99999999999999999.00"] {
            assert!(read_uptime(text).is_none_or(|up| up > Span::hours(1_000_000)), "{text:?}");
        }
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
