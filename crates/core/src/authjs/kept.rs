//! How long it is remembered which account a person of a website is.
//!
//! Guards: a site that gives its visitors another id at each sign-in fills no database. What is forgotten is found again by
//! e-mail; what could not be is never forgotten, and that is decided where the rows are.

use crate::time::{Span, Time};

/// An identity that nobody used for so long may go.
pub const UNUSED_MOST: Span = Span::hours(24 * 60);
/// Most identities of one account that one issuer names; the one that was used longest ago goes first.
pub const KEPT_MOST: i64 = 20;
/// A use is noted again after this time: a request is no write.
pub const NOTED_EVERY: Span = Span::hours(24);

/// Whether a use now is worth a write, after one that was noted then.
pub fn is_worth_noting(noted: Time, now: Time) -> bool {
    now >= noted.plus(NOTED_EVERY)
}

/// Whatever was not used since then may go.
pub fn unused_since(now: Time) -> Time {
    now.minus(UNUSED_MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_use_is_noted_once_a_day_and_long_before_the_identity_could_go() {
        let noted = Time::from_micros(1_800_000_000_000_000);
        assert!(!is_worth_noting(noted, noted.plus(NOTED_EVERY.minus(Span::micros(1)))));
        assert!(is_worth_noting(noted, noted.plus(NOTED_EVERY)));
        assert!(!is_worth_noting(noted, noted.minus(Span::hours(1))), "a clock that went back");
        assert!(unused_since(noted.plus(NOTED_EVERY)) < noted);
    }
}
