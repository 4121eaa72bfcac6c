//! Sign-ins: how long somebody's word counts that was given when signing in, and how long a network is known from it.
//!
//! Guards that what outlives a sign-in, such as an API key, is made by whoever proved to be there a moment ago, and not by
//! whoever found a browser open.

use crate::time::{Span, Time};

/// How long somebody who proved to be there is taken to be there still.
pub const PROOF_LIFE: Span = Span::minutes(15);

/// How long an account is known from a network that it signed in from: people keep their homes.
pub const NETWORK_KNOWN: Span = Span::hours(60 * 24);

/// Until when a proof counts.
pub const fn proof_ends(proved_at: Time) -> Time {
    proved_at.plus(PROOF_LIFE)
}

/// Whether a proof still counts. One that seems yet to come was made by another server's clock.
pub fn proof_counts(proved_at: Time, now: Time) -> bool {
    now < proof_ends(proved_at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_counts_for_a_quarter_of_an_hour() {
        let proved_at = Time::from_micros(1_000_000_000_000);
        for (later, counts) in [
            (Span::micros(0), true),
            (Span::minutes(15).minus(Span::micros(1)), true),
            (Span::minutes(15), false),
            (Span::hours(24), false),
            (Span::seconds(-2), true),
        ] {
            assert_eq!(proof_counts(proved_at, proved_at.plus(later)), counts, "{later:?}");
        }
    }
}
