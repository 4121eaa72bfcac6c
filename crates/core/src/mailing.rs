//! How many mails a network may cause, whomever they go to.
//!
//! Guards: the count is of what was asked for, never of what was sent, so that it says nothing of anybody's account.

use crate::time::{Span, Time};

/// How long an ask counts.
pub const COUNTED_FOR: Span = Span::hours(1);
/// Asks that one network has in that time.
pub const ASKS_MOST: i64 = 30;

/// What a network asked for lately.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Asked {
    /// How often within [`COUNTED_FOR`].
    pub count: i64,
    /// The first time of those.
    pub first: Option<Time>,
}

impl Asked {
    /// How long the network has to wait for one more; `None`: it need not.
    pub fn wait(&self, now: Time) -> Option<Span> {
        if self.count < ASKS_MOST {
            return None;
        }
        // Refused asks are not counted: as soon as the first is over there is room for one.
        let wait = self.first.map_or(COUNTED_FOR, |first| first.plus(COUNTED_FOR).since(now));
        Some(wait.clamp(Span::seconds(1), COUNTED_FOR))
    }
}

/// A wait in whole seconds, rounded up: whoever waits so long need not wait again.
pub fn whole_seconds(wait: Span) -> u32 {
    const SECOND: i64 = 1_000_000;
    let seconds = wait.as_micros().saturating_add(SECOND - 1) / SECOND;
    u32::try_from(seconds).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_micros(1_800_000_000_000_000);

    #[test]
    fn thirty_an_hour_are_made_and_the_next_waits_for_the_first_to_be_over() {
        let asked = |count, ago| Asked { count, first: Some(NOW.minus(ago)) };
        for count in [0, 1, 29] {
            assert_eq!(asked(count, Span::minutes(59)).wait(NOW), None, "{count}");
        }
        for (count, ago, wait) in [
            (30, Span::minutes(0), Span::hours(1)),
            (30, Span::minutes(59), Span::minutes(1)),
            (31, Span::minutes(59), Span::minutes(1)),
            // A clock that went back or a row at the very edge: never nothing, never longer than the window.
            (30, Span::hours(1), Span::seconds(1)),
            (30, Span::minutes(-5), Span::hours(1)),
        ] {
            assert_eq!(asked(count, ago).wait(NOW), Some(wait), "{count} {ago:?}");
        }
        assert_eq!(Asked { count: 30, first: None }.wait(NOW), Some(COUNTED_FOR));
    }

    #[test]
    fn a_wait_is_told_in_whole_seconds_that_are_enough() {
        let told =
            [Span::micros(1), Span::seconds(1), Span::millis(1_001), Span::hours(1)].map(whole_seconds);
        assert_eq!(told, [1, 1, 2, 3_600]);
    }
}
