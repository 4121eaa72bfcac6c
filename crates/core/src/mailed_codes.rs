//! Codes by mail: how many are made for an address, and whose tries a code survives.
//!
//! Guards that no stranger can use up what belongs to the owner, neither the tries of a code nor the mails of an hour, and
//! that guessing stays hopeless all the same: a code has five tries in all, whoever makes them.

use crate::time::{Span, Time};

/// How long a code opens. Source: the `/v1` layer's `email-code`.
pub const CODE_LIFE: Span = Span::minutes(10);
/// One code for an address and a purpose in this time, as one network asks. Source: the same.
pub const CODE_PAUSE: Span = Span::minutes(1);
/// Codes an hour for an address and a purpose, as one network asks. Source: the same.
pub const CODES_AN_HOUR: i64 = 5;
/// Codes an hour for an address and a purpose, whoever asks. Networks and browsers that the account is known from have their
/// own five beside them, so that no stranger uses up the owner's.
pub const CODES_AN_HOUR_OF_ALL: i64 = 10;
/// The same for a network's first of an hour: whoever comes from a new place is not shut out by a few others.
pub const CODES_AN_HOUR_WITH_FIRST: i64 = 20;
/// Tries that a code survives. Source: the `/v1` layer's `email-code`.
pub const CODE_TRIES: i64 = 5;
/// Of these, tries of all networks together that did not ask for it.
pub const CODE_TRIES_ELSEWHERE: i64 = 2;

/// Codes of one address and purpose within the last hour.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Lately {
    /// That the network asked for which asks now, or the browser, if the account knows it.
    pub here: i64,
    /// When it asked last.
    pub last_here: Option<Time>,
    /// That anybody asked for.
    pub all: i64,
}

/// Who asks for a code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asker {
    /// A network or a browser that the account signed in from lately.
    Known,
    /// Any other.
    Stranger,
}

impl Lately {
    /// Whether one more is made for a network.
    pub fn allows(&self, asker: Asker, now: Time) -> bool {
        let soon = self.last_here.is_some_and(|last| now < last.plus(CODE_PAUSE));
        let enough = match asker {
            Asker::Known => false,
            Asker::Stranger if self.here == 0 => self.all >= CODES_AN_HOUR_WITH_FIRST,
            Asker::Stranger => self.all >= CODES_AN_HOUR_OF_ALL,
        };
        !soon && !enough && self.here < CODES_AN_HOUR
    }
}

/// Where a try comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// The network that asked for the code.
    Asking,
    /// Any other.
    Elsewhere,
}

/// Tries that a code has had.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tries {
    /// In all.
    pub all: i64,
    /// Of these, from elsewhere than where it was asked for.
    pub elsewhere: i64,
}

impl Tries {
    /// After one more from there; `None`: there were enough, and the code is not even looked at.
    pub const fn after(self, place: Place) -> Option<Self> {
        if self.all >= CODE_TRIES {
            return None;
        }
        let all = self.all.saturating_add(1);
        match place {
            Place::Asking => Some(Self { all, ..self }),
            Place::Elsewhere if self.elsewhere >= CODE_TRIES_ELSEWHERE => None,
            Place::Elsewhere => Some(Self { all, elsewhere: self.elsewhere.saturating_add(1) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_micros(1_000_000_000_000);

    /// Which of these tries are looked at, `a` from where the code was asked for, `e` from elsewhere.
    fn looked_at(tries: &str) -> String {
        let mut had = Tries::default();
        tries
            .chars()
            .map(|from| {
                let place = if from == 'a' { Place::Asking } else { Place::Elsewhere };
                match had.after(place) {
                    Some(after) => {
                        had = after;
                        'y'
                    }
                    None => 'n',
                }
            })
            .collect()
    }

    #[test]
    fn five_tries_are_looked_at_and_three_of_them_are_kept_for_whoever_asked() {
        for (tries, looked) in [
            ("aaaaaa", "yyyyyn"),
            ("eeeeee", "yynnnn"),
            ("eeeaaaa", "yynyyyn"),
            ("eaeaeaaa", "yyyynynn"),
            ("aaaaeea", "yyyyynn"),
            ("aaaaaeea", "yyyyynnn"),
        ] {
            assert_eq!(looked_at(tries), looked, "{tries}");
        }
    }

    #[test]
    fn no_order_of_tries_gets_more_than_five_of_them() {
        for bits in 0..1_u32 << 10 {
            let tries: String = (0..10).map(|at| if bits >> at & 1 == 1 { 'a' } else { 'e' }).collect();
            let looked = looked_at(&tries);
            let of =
                |place: char| tries.chars().zip(looked.chars()).filter(|pair| *pair == (place, 'y')).count();
            assert!(of('a') + of('e') <= 5 && of('e') <= 2, "{tries}: {looked}");
            // Whatever others do, three are left for whoever asked.
            let asked = tries.chars().filter(|from| *from == 'a').count();
            assert!(of('a') >= asked.min(3), "{tries}: {looked}");
        }
    }

    #[test]
    fn a_network_has_one_a_minute_and_five_an_hour_and_strangers_together_have_ten() {
        let minute = Some(NOW.minus(CODE_PAUSE));
        let second = Some(NOW.minus(Span::seconds(1)));
        for (here, last_here, all, known, stranger) in [
            (0, None, 0, true, true),
            (0, None, 9, true, true),
            // A network's first of the hour has some room more.
            (0, None, 10, true, true),
            (0, None, 19, true, true),
            (0, None, 20, true, false),
            (0, None, 500, true, false),
            (1, minute, 9, true, true),
            (1, minute, 10, true, false),
            (1, minute, 1, true, true),
            (1, second, 1, false, false),
            (4, minute, 10, true, false),
            (5, minute, 5, false, false),
            (5, minute, 10, false, false),
        ] {
            let lately = Lately { here, last_here, all };
            let allows = [Asker::Known, Asker::Stranger].map(|asker| lately.allows(asker, NOW));
            assert_eq!(allows, [known, stranger], "{lately:?}");
        }
    }
}
