//! Slowing down whoever guesses: after a few failures each further try has to wait, twice as long every time.
//!
//! Guards that a guesser becomes slow and that nobody is shut out for good: the wait has a longest, and failures are
//! forgotten. Who is counted is the caller's matter. An account as a whole is, with the most patience of all, but never for
//! those whom it knows: strangers could close it else.

use crate::time::{Span, Time};

/// How much is forgiven to a subject.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Patience {
    /// Failures in a row before the first wait.
    pub free: i64,
    /// Failures are forgotten this long after the last one, or after the wait that it brought.
    pub forgotten_after: Span,
    /// The first wait; each further one is twice as long.
    pub first: Span,
    /// The longest wait.
    pub longest: Span,
}

/// What a subject has failed at so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Failures {
    /// How often.
    pub count: i64,
    /// When last.
    pub last_at: Time,
    /// Until when its tries are not looked at.
    pub closed_until: Time,
}

impl Patience {
    /// Passwords for one e-mail from one network.
    pub const PASSWORD: Self = Self {
        free: 5,
        forgotten_after: Span::minutes(15),
        first: Span::seconds(1),
        longest: Span::minutes(15),
    };
    /// Passwords for one e-mail from all strangers together, once for whatever they try and once more for first tries of
    /// networks alone: a thousand an hour at most, however many networks these are. The wait is short, so that an owner
    /// who comes from somewhere new finds a moment between.
    pub const ACCOUNT: Self = Self {
        free: 50,
        forgotten_after: Span::minutes(15),
        first: Span::seconds(10),
        longest: Span::seconds(10),
    };
    /// A network's first wrong password for one e-mail: it is none that comes for the first time for a day.
    pub const NEWCOMER: Self =
        Self { free: 1, forgotten_after: Span::micros(0), first: Span::hours(24), longest: Span::hours(24) };
    /// Codes for one e-mail from one network, over all that are mailed: each has a bound of its own beside this.
    pub const CODE: Self = Self {
        free: 3,
        forgotten_after: Span::minutes(15),
        first: Span::seconds(1),
        longest: Span::minutes(15),
    };
    /// Whatever a network tries, for whomever. Many people may share it: waits are shorter.
    pub const NETWORK: Self = Self {
        free: 50,
        forgotten_after: Span::minutes(15),
        first: Span::seconds(1),
        longest: Span::minutes(1),
    };
    /// Second factors of one account, after its right password: only who has that can bring this about.
    pub const SECOND_FACTOR: Self = Self {
        free: 5,
        forgotten_after: Span::minutes(15),
        first: Span::seconds(1),
        longest: Span::minutes(15),
    };

    /// Codes that devices show to people, by one person or from one network: five, then none for a quarter of an hour.
    pub const USER_CODE: Self = Self {
        free: 5,
        forgotten_after: Span::minutes(15),
        first: Span::minutes(15),
        longest: Span::minutes(15),
    };

    /// Whether a try is not to be looked at now. A failure that brought no wait closes nothing: a try that began a moment
    /// before it, and is judged after it, is not one of a guesser.
    pub fn is_closed(failures: Option<&Failures>, now: Time) -> bool {
        failures
            .is_some_and(|failures| failures.closed_until > failures.last_at && now < failures.closed_until)
    }

    /// After one more failure.
    pub fn failed(self, before: Option<&Failures>, now: Time) -> Failures {
        // Servers' clocks differ a little: a failure that seems to be yet to come counts as well.
        let fresh =
            |known: &&Failures| now < known.last_at.max(known.closed_until).plus(self.forgotten_after);
        let count = before.filter(fresh).map_or(0, |known| known.count).saturating_add(1);
        let closed_until = match u32::try_from(count.saturating_sub(self.free)) {
            Ok(doublings) => {
                let times = 2_i64.saturating_pow(doublings.min(30));
                let wait = Span::micros(self.first.as_micros().saturating_mul(times)).min(self.longest);
                now.plus(wait)
            }
            Err(_still_free) => now,
        };
        Failures { count, last_at: now, closed_until }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGINNING: Time = Time::from_micros(1_000_000_000);

    /// The waits after each of so many failures, each made as soon as that is possible, in seconds.
    fn waits(patience: Patience, times: usize) -> Vec<i64> {
        let (mut failures, mut now): (Option<Failures>, Time) = (None, BEGINNING);
        let mut waits = Vec::new();
        for _ in 0..times {
            assert!(!Patience::is_closed(failures.as_ref(), now));
            let next = patience.failed(failures.as_ref(), now);
            waits.push(next.closed_until.since(now).as_micros() / 1_000_000);
            (failures, now) = (Some(next), next.closed_until);
        }
        waits
    }

    #[test]
    fn five_are_free_then_the_wait_doubles_up_to_a_quarter_of_an_hour() {
        assert_eq!(
            waits(Patience::PASSWORD, 17),
            [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]
        );
        assert_eq!(waits(Patience::CODE, 4), [0, 0, 1, 2]);
        assert_eq!(waits(Patience::USER_CODE, 6), [0, 0, 0, 0, 900, 900]);
        assert_eq!(waits(Patience::NETWORK, 60).last(), Some(&60));
        assert_eq!(waits(Patience::NEWCOMER, 3), [24 * 3_600; 3]);
        assert_eq!(waits(Patience::ACCOUNT, 52).iter().skip(48).collect::<Vec<_>>(), [&0, &10, &10, &10]);
    }

    #[test]
    fn a_try_during_the_wait_is_not_looked_at_and_one_after_it_is() {
        let mut failures = None;
        for _ in 0..5 {
            failures = Some(Patience::PASSWORD.failed(failures.as_ref(), BEGINNING));
        }
        assert!(Patience::is_closed(failures.as_ref(), BEGINNING));
        assert!(Patience::is_closed(failures.as_ref(), BEGINNING.plus(Span::millis(999))));
        assert!(!Patience::is_closed(failures.as_ref(), BEGINNING.plus(Span::seconds(1))));
        assert!(!Patience::is_closed(None, BEGINNING));
    }

    /// When guesses are looked at, each made as soon as that is possible, with a pause after so many that the failures are
    /// forgotten; for three hours.
    fn looked_at(patience: Patience, pause_after: usize) -> Vec<Time> {
        let (mut failures, mut now) = (None, BEGINNING);
        let mut guesses = Vec::new();
        while now < BEGINNING.plus(Span::hours(3)) {
            guesses.push(now);
            let next = patience.failed(failures.as_ref(), now);
            (failures, now) = (Some(next), next.closed_until);
            if guesses.len().is_multiple_of(pause_after) {
                now = now.plus(patience.forgotten_after);
            }
        }
        guesses
    }

    /// The most guesses within any hour.
    fn most_an_hour(guesses: &[Time]) -> usize {
        let within = |begin: Time| {
            guesses.iter().filter(|at| (begin..=begin.plus(Span::hours(1))).contains(*at)).count()
        };
        guesses.iter().map(|begin| within(*begin)).max().unwrap()
    }

    /// The law: a thousand guesses an hour of one account. Strangers have a share for first tries and one for all others.
    /// Each network and each browser that it is known from may make some more by its own patience; ten of these still fit
    /// in.
    #[test]
    fn an_account_bears_a_thousand_guesses_an_hour_however_they_are_spread() {
        let known = most_an_hour(&looked_at(Patience::PASSWORD, usize::MAX));
        assert!(known <= 17, "{known}");
        let mut worst = 0;
        for pause_after in [49, 50, 51, 60, 75, 100, 140, 141, 150, 250, 450, usize::MAX] {
            let most = most_an_hour(&looked_at(Patience::ACCOUNT, pause_after));
            assert!(2 * most + 10 * known <= 1_000, "{pause_after}: {most} and ten times {known}");
            worst = worst.max(most);
        }
        assert!(worst >= 400, "and not so few that an owner finds no moment: {worst}");
    }

    #[test]
    fn failures_are_forgotten_a_quarter_of_an_hour_after_the_last_wait() {
        let four = Failures { count: 4, last_at: BEGINNING, closed_until: BEGINNING };
        let count = |later| Patience::PASSWORD.failed(Some(&four), BEGINNING.plus(later)).count;
        assert_eq!(count(Span::minutes(15).minus(Span::micros(1))), 5);
        assert_eq!(count(Span::minutes(15)), 1);
        let long = Failures { count: 20, closed_until: BEGINNING.plus(Span::minutes(15)), ..four };
        assert_eq!(Patience::PASSWORD.failed(Some(&long), BEGINNING.plus(Span::minutes(16))).count, 21);
        let earlier = Patience::PASSWORD.failed(Some(&four), BEGINNING.minus(Span::seconds(1)));
        assert_eq!(earlier.count, 5, "by the clock of another server");
    }

    /// People behind one network come in at the same moment: whoever asked first may be judged last.
    #[test]
    fn a_try_that_began_before_a_free_failure_and_is_judged_after_it_is_looked_at() {
        let mut failures = Patience::NETWORK.failed(None, BEGINNING);
        for count in 2..50 {
            assert!(!Patience::is_closed(Some(&failures), BEGINNING.minus(Span::millis(5))), "{count}");
            failures = Patience::NETWORK.failed(Some(&failures), BEGINNING);
        }
        let closed = Patience::NETWORK.failed(Some(&failures), BEGINNING);
        assert!(
            Patience::is_closed(Some(&closed), BEGINNING.minus(Span::millis(5))),
            "a wait is one for all"
        );
    }
}
