//! The public form of purchase ids, with a memory: an id takes a dozen HMACs, of which there are 393,216 in all.
//!
//! Guards that what is remembered is what would be computed: whoever comes first writes what anybody else would have.

use numberotp_core::id::{ActivationId, PublicIds as Keyed, ROUNDS};
use std::sync::atomic::{AtomicU16, Ordering};

/// Halves of a block.
const HALVES: usize = 1 << 16;
/// What stands where nothing is known yet. Where this is what a half gives, it is computed whenever it is asked for: six
/// of the 393,216, and what is looked at in no order should be small.
const UNKNOWN: u16 = 0;

/// How purchase ids are shown and read.
pub struct PublicIds {
    keyed: Keyed,
    /// By round and half.
    mixed: Vec<AtomicU16>,
}

impl PublicIds {
    /// With the database's own key.
    pub fn new(key: &[u8]) -> Self {
        let places = HALVES.saturating_mul(usize::from(ROUNDS));
        Self { keyed: Keyed::new(key), mixed: (0..places).map(|_| AtomicU16::new(UNKNOWN)).collect() }
    }

    /// What the outside sees. `None` outside `1..2^31`.
    pub fn public(&self, id: ActivationId) -> Option<u32> {
        self.keyed.public_by(id, |half, round| self.mix(half, round))
    }

    /// Computes all of it, as long as it may: a fraction of a second of one processor. Else the first hundred thousand purchases
    /// after a start do, each of them with a dozen HMACs.
    pub fn learn(&self, goes_on: impl Fn() -> bool) {
        let all = (0..ROUNDS).flat_map(|round| (0..=u16::MAX).map(move |half| (round, half)));
        for (round, half) in all.take_while(|(_, half)| half % 1024 != 0 || goes_on()) {
            let _known_now = self.mix(half, round);
        }
    }

    /// Reads what the outside sent.
    pub fn parse(&self, text: &str) -> Option<ActivationId> {
        self.keyed.parse(text)
    }

    fn mix(&self, half: u16, round: u8) -> u16 {
        let place = usize::from(round).saturating_mul(HALVES).saturating_add(usize::from(half));
        let Some(place) = self.mixed.get(place) else { return self.keyed.mix(half, round) };
        match place.load(Ordering::Relaxed) {
            UNKNOWN => {
                let mixed = self.keyed.mix(half, round);
                place.store(mixed, Ordering::Relaxed);
                mixed
            }
            known => known,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_same_whether_it_was_asked_for_before_or_not() {
        let (key, first_of_all) = (b"0123456789abcdef", Keyed::new(b"0123456789abcdef"));
        let ids = PublicIds::new(key);
        for row in (1..200).chain([65_535, 65_536, 2_147_483_647]) {
            let row = ActivationId::new(row);
            let fresh = ids.public(row);
            assert_eq!((fresh, ids.public(row)), (first_of_all.public(row), fresh), "{row:?}");
            assert_eq!(ids.parse(&fresh.unwrap().to_string()), Some(row));
        }
        assert_eq!(ids.public(ActivationId::new(0)), None);
    }

    #[test]
    fn what_is_learnt_beforehand_is_what_would_be_computed() {
        let ids = PublicIds::new(b"k");
        let unknown = || ids.mixed.iter().filter(|mixed| mixed.load(Ordering::Relaxed) == UNKNOWN).count();
        ids.learn(|| false);
        assert_eq!(unknown(), ids.mixed.len(), "a server that stops does not wait for it");
        ids.learn(|| true);
        let unknown = unknown();
        assert!(unknown < 30, "all but the few that give what stands for nothing: {unknown}");
        let fresh = Keyed::new(b"k");
        for row in [1, 2, 65_536, 2_147_483_647].map(ActivationId::new) {
            assert_eq!(ids.public(row), fresh.public(row));
        }
    }

    #[test]
    fn each_round_remembers_its_own() {
        let ids = PublicIds::new(b"k");
        for round in 0..ROUNDS {
            for half in [0, 1, u16::MAX] {
                assert_eq!(ids.mix(half, round), ids.keyed.mix(half, round));
                assert_eq!(ids.mix(half, round), ids.keyed.mix(half, round), "again");
            }
        }
    }
}
