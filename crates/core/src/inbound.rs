//! Which purchase an incoming message belongs to. Pure: the candidates are found by the store.
//!
//! By the provider's reference; else by the number, if one open lease has it; several leases without a reference are
//! told apart by the service that the message names; else it is nobody's. A lease that ended a moment ago counts
//! among several: its message may still be on its way while the number has its next buyer. On a number that services
//! share, a message that names services, and none of theirs, is for a purchase still being confirmed, or for nobody.
//! Privacy wins over delivery: a message that could be two people's is shown to neither.

use crate::activation::SealedBecause;
use crate::id::ActivationId;
use crate::time::Span;
use crate::vocabulary::ServiceCode;

/// How long after its end a lease may still be meant by a message. Numbers that one buyer has at a time rest at
/// least as long.
pub const STILL_MEANT: Span = Span::hours(1);

/// Whether several purchases of different services may have one number at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sharing {
    /// One purchase at a time.
    Exclusive,
    /// One a service at a time.
    Shared,
}

impl Sharing {
    /// Whether a message that names these services may be a purchase's of this one, on such a number.
    pub fn allows(self, service: &ServiceCode, named: &[ServiceCode]) -> bool {
        self == Self::Exclusive || named.is_empty() || named.contains(service)
    }
}

/// Whether a lease of a number runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// It does.
    Open,
    /// It ended within [`STILL_MEANT`].
    JustOver,
}

/// A lease that might be meant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Candidate {
    /// The purchase behind it, which has no other.
    pub activation: ActivationId,
    /// The service it was bought for.
    pub service: ServiceCode,
}

/// What was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Match {
    /// This one.
    One(ActivationId),
    /// None yet.
    Nothing,
    /// Several, and nothing tells them apart.
    Sealed(SealedBecause),
}

/// Chooses. `by_reference` is the lease with the provider's reference, open or not; `by_number` are the leases of
/// the number that are open or ended a moment ago; `named` are the services that sender and text name.
pub fn choose(
    by_reference: Option<&Candidate>,
    (by_number, sharing): (&[(Candidate, Standing)], Sharing),
    named: &[ServiceCode],
) -> Match {
    if let Some(lease) = by_reference {
        return Match::One(lease.activation);
    }
    if !by_number.iter().any(|(lease, _)| sharing.allows(&lease.service, named)) {
        return Match::Nothing;
    }
    let only = |(lease, standing): &(Candidate, Standing)| match standing {
        Standing::Open => Match::One(lease.activation),
        Standing::JustOver => Match::Sealed(SealedBecause::Late),
    };
    let names = |lease: &Candidate| named.contains(&lease.service);
    if by_number.iter().all(|(_, standing)| *standing == Standing::JustOver) {
        // One that names another service may be for a purchase that is being confirmed.
        let for_another = !named.is_empty() && !by_number.iter().any(|(lease, _)| names(lease));
        return if for_another { Match::Nothing } else { Match::Sealed(SealedBecause::Late) };
    }
    match by_number {
        [one] => only(one),
        several => {
            let mut meant = several.iter().filter(|(lease, _)| names(lease));
            match (meant.next(), meant.next()) {
                (Some(one), None) => only(one),
                _ => Match::Sealed(SealedBecause::Ambiguous),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(row: i64, service: &str) -> Candidate {
        let service = ServiceCode::parse(service).unwrap();
        Candidate { activation: ActivationId::new(row), service }
    }
    fn open(row: i64, service: &str) -> (Candidate, Standing) {
        (lease(row, service), Standing::Open)
    }
    fn over(row: i64, service: &str) -> (Candidate, Standing) {
        (lease(row, service), Standing::JustOver)
    }
    fn named(code: &str) -> Vec<ServiceCode> {
        vec![ServiceCode::parse(code).unwrap()]
    }
    fn matched(by_number: &[(Candidate, Standing)], named: &[ServiceCode]) -> Match {
        choose(None, (by_number, Sharing::Exclusive), named)
    }
    const LATE: Match = Match::Sealed(SealedBecause::Late);
    const AMBIGUOUS: Match = Match::Sealed(SealedBecause::Ambiguous);

    fn one(row: i64) -> Match {
        Match::One(ActivationId::new(row))
    }

    #[test]
    fn the_reference_wins_over_everything() {
        assert_eq!(choose(Some(&lease(1, "tg")), (&[open(2, "wa")], Sharing::Exclusive), &[]), one(1));
    }

    #[test]
    fn one_open_lease_of_the_number_is_enough() {
        assert_eq!(matched(&[open(2, "wa")], &[]), one(2));
        assert_eq!(matched(&[], &[]), Match::Nothing);
    }

    #[test]
    fn several_are_told_apart_by_the_service_or_not_at_all() {
        let both = [open(1, "tg"), open(2, "wa")];
        assert_eq!(matched(&both, &named("wa")), one(2));
        assert_eq!(matched(&both, &[]), AMBIGUOUS);
        assert_eq!(matched(&both, &named("ub")), AMBIGUOUS);
        assert_eq!(matched(&both, &[named("wa"), named("tg")].concat()), AMBIGUOUS);
        assert_eq!(matched(&[open(1, "tg"), open(2, "tg")], &named("tg")), AMBIGUOUS);
    }

    #[test]
    fn a_lease_that_ended_a_moment_ago_may_still_be_meant_and_gets_nothing() {
        assert_eq!(matched(&[over(1, "tg")], &[]), LATE);
        assert_eq!(matched(&[over(1, "tg"), over(2, "wa")], &named("wa")), LATE);
        assert_eq!(matched(&[over(1, "tg")], &named("wa")), Match::Nothing, "it may be being bought");
        let next = [over(1, "tg"), open(2, "wa")];
        assert_eq!(matched(&next, &named("tg")), LATE);
        assert_eq!(matched(&next, &named("wa")), one(2));
        assert_eq!(matched(&next, &[]), AMBIGUOUS, "it could be either's");
        assert_eq!(matched(&next, &named("ub")), AMBIGUOUS);
    }

    #[test]
    fn on_a_shared_number_a_message_for_another_service_waits_for_its_purchase() {
        let shared = |leases: &[(Candidate, Standing)], named: &[ServiceCode]| {
            choose(None, (leases, Sharing::Shared), named)
        };
        let (whatsapp, both) = ([open(2, "wa")], [open(1, "ub"), open(2, "wa")]);
        assert_eq!(shared(&whatsapp, &named("tg")), Match::Nothing, "telegram's may be being confirmed");
        assert_eq!(shared(&both, &named("tg")), Match::Nothing);
        assert_eq!(shared(&[over(1, "ub"), open(2, "wa")], &named("tg")), Match::Nothing);
        assert_eq!(shared(&whatsapp, &named("wa")), one(2));
        assert_eq!(shared(&whatsapp, &[]), one(2));
        assert_eq!(shared(&both, &[]), AMBIGUOUS);
        assert_eq!(matched(&whatsapp, &named("tg")), one(2), "nobody else can have it");
    }
}
