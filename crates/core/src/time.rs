//! Instants and spans as integer microseconds UTC. There is no `now()` here: time is an argument.

use std::fmt;

/// An instant: microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(i64);

/// A length of time in microseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Span(i64);

impl Span {
    /// From microseconds.
    pub const fn micros(micros: i64) -> Self {
        Self(micros)
    }
    /// From milliseconds.
    pub const fn millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000))
    }
    /// From seconds.
    pub const fn seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }
    /// From minutes.
    pub const fn minutes(minutes: i64) -> Self {
        Self::seconds(minutes.saturating_mul(60))
    }
    /// From hours.
    pub const fn hours(hours: i64) -> Self {
        Self::minutes(hours.saturating_mul(60))
    }
    /// Without another span.
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
    /// In microseconds.
    pub const fn as_micros(self) -> i64 {
        self.0
    }
    /// As the standard library's duration; zero for a negative span.
    pub fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_micros(u64::try_from(self.0).unwrap_or(0))
    }

    /// Reads `90s`, `20m`, `2h`, `250ms` or `3d`; a bare number is seconds.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at_checked(split)?;
        let number: i64 = number.parse().ok()?;
        let unit_micros: i64 = match unit {
            "ms" => 1_000,
            "" | "s" => 1_000_000,
            "m" => 60_000_000,
            "h" => 3_600_000_000,
            "d" => 86_400_000_000,
            _ => return None,
        };
        number.checked_mul(unit_micros).map(Self)
    }
}

impl Time {
    /// From microseconds since 1970.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }
    /// Microseconds since 1970.
    pub const fn micros(self) -> i64 {
        self.0
    }
    /// Whole seconds since 1970, rounded down.
    pub const fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }
    /// This instant moved by a span; saturates at the ends of time.
    #[must_use]
    pub const fn plus(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
    /// This instant moved back by a span.
    #[must_use]
    pub const fn minus(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
    /// How long after `earlier` this is (negative if before).
    pub const fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
    /// The day it falls on, counted from 1970-01-01 (UTC).
    pub const fn day(self) -> i64 {
        self.0.div_euclid(86_400_000_000)
    }

    /// RFC 3339 with whole seconds: `2024-04-29T10:00:00Z`, as the published page prints it.
    pub fn to_rfc3339_seconds(self) -> String {
        let whole = jiff::Timestamp::from_second(self.unix_seconds()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        whole.to_string()
    }

    /// As RFC 3339 with milliseconds: `2024-04-29T10:00:00.000Z`. Source: the times of `/v1`.
    pub fn to_rfc3339_millis(self) -> String {
        let stamp = jiff::Timestamp::from_microsecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        format!("{stamp:.3}")
    }

    /// Reads an RFC 3339 instant with any offset.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(|stamp| Self(stamp.as_microsecond()))
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{:06}µs", self.to_rfc3339_seconds(), self.0.rem_euclid(1_000_000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_whole_seconds_and_rounds_down() {
        let time = Time::parse_rfc3339("2024-04-29T12:00:00.999+02:00").unwrap();
        assert_eq!(time.to_rfc3339_seconds(), "2024-04-29T10:00:00Z");
        assert_eq!(time.unix_seconds(), 1_714_384_800);
    }

    #[test]
    fn spans_read_as_an_operator_writes_them() {
        assert_eq!(Span::parse("20m"), Some(Span::minutes(20)));
        assert_eq!(Span::parse("250ms"), Some(Span::millis(250)));
        assert_eq!(Span::parse("90"), Some(Span::seconds(90)));
        for bad in ["", "m", "20 minutes", "-5s", "1.5h", "99999999999999999d"] {
            assert_eq!(Span::parse(bad), None, "{bad:?}");
        }
    }
}
