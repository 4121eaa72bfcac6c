//! What has to be on before a real number is rented to anybody.
//!
//! Guards people outside and the operator: a server that asks nobody how often, hands a number on while its last
//! buyer's messages still come, or keeps texts for ever, must not reach real numbers. The denied services and
//! the screen of messages are not here: they cannot be switched off.

use crate::time::Span;
use std::fmt;

/// A number never serves the same service again sooner than this: the account opened with it may still be in
/// use. 365 days.
pub const SERVICE_AGAIN_AFTER: Span = Span::hours(365 * 24);
/// Shortest rest of an own number between two buyers.
const COOL_DOWN_LEAST: Span = Span::hours(1);
/// Longest time that texts may be kept.
const RETENTION_MOST: Span = Span::hours(7 * 24);

/// Whether callers are limited.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RateLimits {
    /// They are.
    Enforced,
    /// They are not: for tests and measurements.
    Off,
}

/// What the server was told, as far as it is required.
#[derive(Clone, Copy, Debug)]
pub struct Controls {
    /// Whether callers are limited.
    pub rate_limits: RateLimits,
    /// How long an own number rests between two buyers.
    pub cool_down: Span,
    /// How long texts are kept.
    pub retention: Span,
}

/// Something required that is off. Its `Display` says what, and how it is put on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Off {
    /// Nobody is limited.
    RateLimits,
    /// Numbers rest too short.
    CoolDown,
    /// Texts are kept too long.
    Retention,
}

impl Off {
    /// All that is required.
    pub const ALL: [Self; 3] = [Self::RateLimits, Self::CoolDown, Self::Retention];

    /// Its name for people and scripts.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RateLimits => "rate-limits",
            Self::CoolDown => "number-cool-down",
            Self::Retention => "message-retention",
        }
    }
}

impl fmt::Display for Off {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RateLimits => "rate limits are off; leave out --rate-limits off",
            Self::CoolDown => "own numbers rest less than 1h between two buyers; raise --number-cool-down",
            Self::Retention => "messages are kept longer than 168h; lower --message-retention",
        })
    }
}

impl Controls {
    /// What is required and off; empty: real numbers may be rented.
    pub fn off(&self) -> Vec<Off> {
        let is_off = |control: &Off| match control {
            Off::RateLimits => self.rate_limits == RateLimits::Off,
            Off::CoolDown => self.cool_down < COOL_DOWN_LEAST,
            Off::Retention => self.retention > RETENTION_MOST,
        };
        Off::ALL.into_iter().filter(is_off).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_control_is_missed_by_its_name_and_the_least_that_is_allowed_is_enough() {
        let on = Controls {
            rate_limits: RateLimits::Enforced,
            cool_down: COOL_DOWN_LEAST,
            retention: RETENTION_MOST,
        };
        assert_eq!(on.off(), []);
        let second = Span::seconds(1);
        let short = Span::micros(COOL_DOWN_LEAST.as_micros() - second.as_micros());
        let long = Span::micros(RETENTION_MOST.as_micros() + second.as_micros());
        assert_eq!(Controls { rate_limits: RateLimits::Off, ..on }.off(), [Off::RateLimits]);
        assert_eq!(Controls { cool_down: short, ..on }.off(), [Off::CoolDown]);
        assert_eq!(Controls { retention: long, ..on }.off(), [Off::Retention]);
        assert!(Off::RateLimits.to_string().contains("--rate-limits"), "it says how");
    }
}
