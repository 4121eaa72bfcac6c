//! The simulator: the whole HTTP app with a clock that is moved by hand and a store that does one thing at a time, in
//! lives that a seed decides. Customers buy, repeat, wait and close; providers lose, delay, double and refuse;
//! messages come twice, late, in any order; the clock jumps; the power goes at any await.
//!
//! `NUMBEROTP_SIM_SEEDS` sets how many lives are lived in all, `NUMBEROTP_SIM_SEED` repeats one. A life that goes
//! wrong prints its seed and its steps.

#[cfg(test)]
#[path = "simulator/books.rs"]
mod books;
#[cfg(test)]
#[path = "kill9/dice.rs"]
#[expect(dead_code, reason = "the kill loop needs more of it")]
mod dice;
#[cfg(test)]
#[path = "simulator/life.rs"]
mod life;
#[cfg(test)]
#[path = "simulator/process.rs"]
mod process;
#[cfg(test)]
#[path = "simulator/provider.rs"]
mod provider;
#[cfg(test)]
#[path = "simulator/world.rs"]
mod world;

#[cfg(test)]
mod simulator {
    use super::life::live;
    use numberotp_server::boot::Tables;
    use std::io::Write;

    const SEEDS: &str = "NUMBEROTP_SIM_SEEDS";
    const SEED: &str = "NUMBEROTP_SIM_SEED";
    /// Lives in CI.
    const LIVES: u64 = 320;
    /// Tests that share them.
    const SHARES: u64 = 8;

    #[expect(clippy::disallowed_methods, reason = "tests are told their seeds by the environment")]
    fn number(name: &str) -> Option<u64> {
        std::env::var(name).ok().map(|text| text.parse().unwrap())
    }

    fn share(place: u64) {
        let tables = Tables::load().unwrap();
        if let Some(seed) = number(SEED) {
            if place == seed % SHARES {
                let trace = live(seed, &tables);
                let _unheard = writeln!(std::io::stderr(), "{}", trace.join("\n"));
            }
            return;
        }
        let lives = number(SEEDS).unwrap_or(LIVES);
        (0..lives).filter(|seed| seed % SHARES == place).for_each(|seed| drop(live(seed, &tables)));
    }

    #[test]
    fn a_life_repeats() {
        let tables = Tables::load().unwrap();
        for seed in [3, 5, 11] {
            let (first, second) = (live(seed, &tables), live(seed, &tables));
            let differs = first.iter().zip(&second).find(|(first, second)| first != second);
            assert_eq!(differs, None, "seed {seed}");
            assert_eq!(first.len(), second.len(), "seed {seed}");
        }
    }

    #[test]
    fn lives_0() {
        share(0);
    }
    #[test]
    fn lives_1() {
        share(1);
    }
    #[test]
    fn lives_2() {
        share(2);
    }
    #[test]
    fn lives_3() {
        share(3);
    }
    #[test]
    fn lives_4() {
        share(4);
    }
    #[test]
    fn lives_5() {
        share(5);
    }
    #[test]
    fn lives_6() {
        share(6);
    }
    #[test]
    fn lives_7() {
        share(7);
    }
}
