//! Sign-ins: how long they last, how long somebody's word counts that was given when signing in, and how long a network is
//! known from it.
//!
//! Guards that nobody stays signed in where nobody is any more, that whoever is there is not sent away, and that what outlives a sign-in, such as an API key, is made by whoever proved to be there a moment ago, and not by
//! whoever found a browser open.

use crate::caller::Role;
use crate::time::{Span, Time};

/// How long a refresh token can be exchanged. Source: the `/v1` layer's clients.
pub const REFRESH_LIFE: Span = Span::hours(60 * 24);
/// Uses are noted beside the requests, within a minute; once that may fail. A sign-in that was used this much later than is
/// known must not end for it.
pub const NOTED_WITHIN: Span = Span::minutes(2);

/// What a session is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SessionKind {
    /// A browser's, by an opaque token.
    Web,
    /// A device's or program's, by a refresh token and short-lived access tokens.
    Device,
}

impl SessionKind {
    /// The word in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Device => "device",
        }
    }
    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Web, Self::Device].into_iter().find(|kind| kind.as_str() == text)
    }
    /// How long a sign-in of an account of this role lasts. Whoever can stop customers and change their purses is not
    /// left signed in anywhere.
    pub const fn lasts(self, role: Role) -> Lasting {
        match (self, role) {
            (_, Role::Admin) => Lasting { unused: Span::minutes(30), most: Span::hours(12) },
            (Self::Web, Role::Customer | Role::Reseller) => {
                Lasting { unused: Span::hours(7 * 24), most: Span::hours(30 * 24) }
            }
            (Self::Device, Role::Customer | Role::Reseller) => {
                Lasting { unused: REFRESH_LIFE, most: Span::hours(365 * 24) }
            }
        }
    }
}

/// How long a sign-in lasts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lasting {
    /// Without being used.
    pub unused: Span,
    /// In all.
    pub most: Span,
}

impl Lasting {
    /// When a sign-in ends that began then, if it is not used after this moment.
    pub fn ends(self, began: Time, used: Time) -> Time {
        used.plus(self.unused).min(began.plus(self.most))
    }
    /// The end that is kept with it, past which no use carries it: in all, and for a program as long as its next refresh
    /// token can be exchanged.
    pub fn kept_until(self, began: Time, now: Time) -> Time {
        now.plus(REFRESH_LIFE).min(began.plus(self.most))
    }
}

/// A sign-in, as far as it decides when that ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SignedIn {
    /// What it is.
    pub kind: SessionKind,
    /// What its account is now.
    pub role: Role,
    /// When it began.
    pub began: Time,
    /// When it was used last, as far as that was noted.
    pub noted: Option<Time>,
    /// The end that is kept with it.
    pub kept_until: Time,
}

impl SignedIn {
    /// When it ends, unless it is used before that.
    pub fn ends(&self) -> Time {
        let used = self.noted.map_or(self.began, |noted| noted.max(self.began));
        let lasting = self.kind.lasts(self.role);
        lasting.ends(self.began, used.plus(NOTED_WITHIN)).min(self.kept_until)
    }
}

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

    const BEGAN: Time = Time::from_micros(1_000_000_000_000);
    const HOUR: Span = Span::hours(1);

    const fn days(days: i64) -> Span {
        Span::hours(days.saturating_mul(24))
    }

    /// By kind and role: when it ends, counted from its beginning, if it was used last so long after that.
    #[test]
    fn a_sign_in_ends_some_time_after_its_last_use_and_some_time_after_it_began() {
        let (web, device) = (SessionKind::Web, SessionKind::Device);
        let half_hour = Span::minutes(32);
        let week = Span::micros(days(7).as_micros() + NOTED_WITHIN.as_micros());
        for (kind, role, used, ends) in [
            (web, Role::Customer, None, week),
            (web, Role::Reseller, Some(HOUR), Span::micros(week.as_micros() + HOUR.as_micros())),
            (web, Role::Customer, Some(days(23)), days(30)),
            (web, Role::Customer, Some(days(29)), days(30)),
            (web, Role::Admin, None, half_hour),
            (web, Role::Admin, Some(HOUR), Span::minutes(92)),
            (web, Role::Admin, Some(Span::hours(11)), Span::minutes(11 * 60 + 32)),
            (web, Role::Admin, Some(Span::minutes(11 * 60 + 45)), Span::hours(12)),
            (device, Role::Admin, None, half_hour),
            (device, Role::Admin, Some(Span::minutes(11 * 60 + 45)), Span::hours(12)),
            (device, Role::Customer, None, days(60)),
            (device, Role::Customer, Some(days(1)), days(60)),
            // By another server's clock it was used before it began.
            (web, Role::Admin, Some(Span::seconds(-30)), half_hour),
        ] {
            let kept_until = kind.lasts(role).kept_until(BEGAN, BEGAN);
            let noted = used.map(|used| BEGAN.plus(used));
            let signed_in = SignedIn { kind, role, began: BEGAN, noted, kept_until };
            assert_eq!(signed_in.ends().since(BEGAN), ends, "{kind:?} {role:?} {used:?}");
        }
    }

    #[test]
    fn a_program_that_exchanges_its_tokens_stays_for_a_year_and_an_admins_for_half_a_day() {
        let kept = |role, after: Span| {
            SessionKind::Device.lasts(role).kept_until(BEGAN, BEGAN.plus(after)).since(BEGAN)
        };
        assert_eq!(kept(Role::Customer, days(300)), days(360));
        assert_eq!(kept(Role::Customer, days(364)), days(365));
        assert_eq!(kept(Role::Admin, HOUR), Span::hours(12));
        assert_eq!(SessionKind::Web.lasts(Role::Customer).kept_until(BEGAN, BEGAN).since(BEGAN), days(30));
    }

    #[test]
    fn a_session_that_was_made_to_last_longer_ends_by_the_rule() {
        let signed_in = SignedIn {
            kind: SessionKind::Web,
            role: Role::Customer,
            began: BEGAN,
            noted: Some(BEGAN.plus(days(29))),
            kept_until: BEGAN.plus(days(60)),
        };
        assert_eq!(signed_in.ends().since(BEGAN), days(30));
        let promoted = SignedIn { role: Role::Admin, ..signed_in };
        assert_eq!(promoted.ends().since(BEGAN), Span::hours(12), "by what its account is now");
    }

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
