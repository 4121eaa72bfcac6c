//! Rate limits as fixed windows: a window opens with a key's first request and lasts its length.
//!
//! Pure: the state of a window and the time go in, the new state and what to tell the caller come out.

use crate::time::{Span, Time};

/// How many requests in how long.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limit {
    /// Requests in a window.
    pub most: u32,
    /// Length of a window.
    pub window: Span,
}

/// A key's open window.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Window {
    opened_at: Time,
    used: u32,
}

/// Where a key stands, as the three headers tell it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quota {
    /// Requests in a window.
    pub limit: u32,
    /// Requests left in this one; never negative.
    pub remaining: u32,
    /// When the window ends; never in the past.
    pub resets_at: Time,
    /// Whether this request fits.
    pub allowed: Allowed,
}

/// Whether a request fits into its window.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Allowed {
    /// It does.
    Yes,
    /// It does not.
    No,
}

impl Limit {
    /// So many requests a minute.
    pub const fn per_minute(most: u32) -> Self {
        Self { most, window: Span::seconds(60) }
    }

    /// Counts a request. One that does not fit is not counted: a client that waits gets its whole next window.
    pub fn count(self, window: Option<Window>, now: Time) -> (Window, Quota) {
        let mut window = self.live(window, now).unwrap_or(Window { opened_at: now, used: 0 });
        let allowed = if window.used < self.most { Allowed::Yes } else { Allowed::No };
        if allowed == Allowed::Yes {
            window.used = window.used.saturating_add(1);
        }
        (window, self.quota(window, allowed))
    }

    /// Where a key stands without counting anything.
    pub fn look(self, window: Option<Window>, now: Time) -> Quota {
        let window = self.live(window, now).unwrap_or(Window { opened_at: now, used: 0 });
        self.quota(window, Allowed::Yes)
    }

    /// The window if it is still open. A clock that was set back must not keep one open for longer than its length.
    pub fn live(self, window: Option<Window>, now: Time) -> Option<Window> {
        window.filter(|window| now >= window.opened_at && now < window.opened_at.plus(self.window))
    }

    fn quota(self, window: Window, allowed: Allowed) -> Quota {
        Quota {
            limit: self.most,
            remaining: self.most.saturating_sub(window.used),
            resets_at: window.opened_at.plus(self.window),
            allowed,
        }
    }
}

impl Quota {
    /// The one nearest to exhaustion, to be reported when two limits apply.
    #[must_use]
    pub fn nearer(self, other: Self) -> Self {
        match (self.allowed, other.allowed) {
            (Allowed::No, Allowed::Yes) => self,
            (Allowed::Yes, Allowed::No) => other,
            _ if other.remaining < self.remaining => other,
            _ => self,
        }
    }
    /// The Unix second at which the window ends, rounded up so that it is never in the past.
    pub fn reset_unix(&self) -> i64 {
        self.resets_at.plus(Span::micros(999_999)).unix_seconds()
    }
    /// Whole seconds until the window ends, at least one.
    pub fn retry_after(&self, now: Time) -> u32 {
        let micros = self.resets_at.since(now).as_micros().saturating_add(999_999);
        u32::try_from(micros / 1_000_000).unwrap_or(1).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THREE: Limit = Limit::per_minute(3);

    fn at(second: i64) -> Time {
        Time::from_micros(1_714_316_340_500_000).plus(Span::seconds(second))
    }

    #[test]
    fn a_window_opens_with_the_first_request_and_is_whole_again_after_its_length() {
        let mut window = None;
        let mut told = Vec::new();
        for second in [0, 10, 59, 59, 60, 61] {
            let (next, quota) = THREE.count(window, at(second));
            window = Some(next);
            told.push((second, quota.allowed == Allowed::Yes, quota.remaining));
        }
        assert_eq!(
            told,
            [(0, true, 2), (10, true, 1), (59, true, 0), (59, false, 0), (60, true, 2), (61, true, 1)]
        );
    }

    #[test]
    fn the_reset_is_never_in_the_past_and_the_wait_is_never_zero() {
        let (window, quota) = THREE.count(None, at(0));
        assert!(quota.reset_unix() >= at(60).unix_seconds());
        let last = THREE.look(Some(window), at(59));
        assert_eq!(last.retry_after(at(59)), 1);
        assert_eq!(quota.retry_after(at(0)), 60);
        assert!(last.reset_unix() > at(59).unix_seconds());
    }

    #[test]
    fn a_clock_that_was_set_back_opens_a_new_window() {
        let (window, _) = THREE.count(None, at(100));
        let (_, quota) = THREE.count(Some(window), at(0));
        assert_eq!(quota.resets_at, at(60));
    }

    #[test]
    fn of_two_limits_the_nearer_is_reported() {
        let many = Limit::per_minute(600).look(None, at(0));
        let few = THREE.look(None, at(0));
        assert_eq!(many.nearer(few), few);
        assert_eq!(few.nearer(many), few);
        let refused = Quota { allowed: Allowed::No, ..many };
        assert_eq!(few.nearer(refused), refused);
    }
}
