//! Which purchase an incoming message belongs to. Pure: the candidates are found by the store.
//!
//! By the provider's reference; else by the number, if one open lease has it; several open leases without a
//! reference are told apart by the service that the message names; else it is nobody's. Privacy
//! wins over delivery: a message that could be two people's is shown to neither.

use crate::activation::SealedBecause;
use crate::id::{ActivationId, LeaseId};
use crate::vocabulary::ServiceCode;

/// A lease that might be meant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Candidate {
    /// Its row.
    pub lease: LeaseId,
    /// The purchase behind it.
    pub activation: ActivationId,
    /// The service it was bought for.
    pub service: ServiceCode,
}

/// What was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Match {
    /// This one.
    One(LeaseId, ActivationId),
    /// None yet.
    Nothing,
    /// Several, and nothing tells them apart.
    Sealed(SealedBecause),
}

/// Chooses. `by_reference` is the lease with the provider's reference, open or not; `open_by_number` are the
/// open leases of the number; `named` are the services that sender and text name.
pub fn choose(
    by_reference: Option<&Candidate>,
    open_by_number: &[Candidate],
    named: &[ServiceCode],
) -> Match {
    if let Some(lease) = by_reference {
        return Match::One(lease.lease, lease.activation);
    }
    match open_by_number {
        [] => Match::Nothing,
        [only] => Match::One(only.lease, only.activation),
        several => {
            let mut meant = several.iter().filter(|lease| named.contains(&lease.service));
            match (meant.next(), meant.next()) {
                (Some(only), None) => Match::One(only.lease, only.activation),
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
        Candidate { lease: LeaseId::new(row), activation: ActivationId::new(row), service }
    }
    fn one(row: i64) -> Match {
        Match::One(LeaseId::new(row), ActivationId::new(row))
    }

    #[test]
    fn the_reference_wins_over_everything() {
        assert_eq!(choose(Some(&lease(1, "tg")), &[lease(2, "wa")], &[]), one(1));
    }

    #[test]
    fn one_open_lease_of_the_number_is_enough() {
        assert_eq!(choose(None, &[lease(2, "wa")], &[]), one(2));
        assert_eq!(choose(None, &[], &[]), Match::Nothing);
    }

    #[test]
    fn several_are_told_apart_by_the_service_or_not_at_all() {
        let both = [lease(1, "tg"), lease(2, "wa")];
        let named = |code: &str| vec![ServiceCode::parse(code).unwrap()];
        assert_eq!(choose(None, &both, &named("wa")), one(2));
        let sealed = Match::Sealed(SealedBecause::Ambiguous);
        assert_eq!(choose(None, &both, &[]), sealed);
        assert_eq!(choose(None, &both, &named("ub")), sealed);
        assert_eq!(choose(None, &both, &[named("wa"), named("tg")].concat()), sealed);
        assert_eq!(choose(None, &[lease(1, "tg"), lease(2, "tg")], &named("tg")), sealed);
    }
}
