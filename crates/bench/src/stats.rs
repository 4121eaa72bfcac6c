//! Medians, spreads and percentiles.
//! Guards: a figure is told with how much it moved. The one place where numbers become floats.

/// As a float; exact below 2^53.
#[expect(clippy::as_conversions, reason = "no counter of a benchmark reaches 2^53")]
pub fn float(value: u64) -> f64 {
    value as f64
}

/// A length as a float.
pub fn count(value: usize) -> f64 {
    float(u64::try_from(value).unwrap_or(u64::MAX))
}

/// Figures of several rounds.
#[derive(Clone, Debug, Default)]
pub struct Rounds(Vec<f64>);

impl Rounds {
    /// One more round.
    pub fn add(&mut self, figure: f64) {
        self.0.push(figure);
    }

    /// The middle one; of two the mean. Zero if there is none.
    pub fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let half = sorted.len() / 2;
        let at = |index: usize| sorted.get(index).copied().unwrap_or_default();
        if sorted.len().is_multiple_of(2) {
            f64::midpoint(at(half.saturating_sub(1)), at(half))
        } else {
            at(half)
        }
    }

    /// How far the rounds are apart, as a share of the median.
    pub fn spread(&self) -> f64 {
        let (least, most) =
            self.0.iter().fold((f64::MAX, f64::MIN), |(least, most), one| (least.min(*one), most.max(*one)));
        if self.0.is_empty() { 0.0 } else { (most - least) / self.median().max(f64::MIN_POSITIVE) }
    }
}

impl FromIterator<f64> for Rounds {
    fn from_iter<I: IntoIterator<Item = f64>>(figures: I) -> Self {
        Self(figures.into_iter().collect())
    }
}

/// The value below which so many in a hundred are; sorts them. Zero if there is none.
pub fn percentile(values: &mut [u64], percent: usize) -> u64 {
    values.sort_unstable();
    let place = values.len().saturating_mul(percent).div_ceil(100).saturating_sub(1);
    values.get(place).copied().unwrap_or_default()
}

/// How surely two samples are told apart by their sizes: the z of Mann and Whitney, ties counted. Beyond 3 either way by
/// chance once in 370 comparisons; above zero, the first is larger.
pub fn mann_whitney(first: &[u64], second: &[u64]) -> f64 {
    let tagged = |values: &[u64], mine: bool| values.iter().map(|value| (*value, mine)).collect::<Vec<_>>();
    let mut all = [tagged(first, true), tagged(second, false)].concat();
    all.sort_unstable();
    let (mut before, mut ranks, mut ties) = (0.0_f64, 0.0_f64, 0.0_f64);
    for equal in all.chunk_by(|one, other| one.0 == other.0) {
        let size = count(equal.len());
        // Equal values share the middle of their ranks.
        let rank = before + f64::midpoint(1.0, size);
        ranks += rank * count(equal.iter().filter(|(_, mine)| *mine).count());
        ties += size * size * size - size;
        before += size;
    }
    let (one, other, sum) = (count(first.len()), count(second.len()), before);
    let larger = ranks - one * (one + 1.0) / 2.0;
    let variance = one * other / 12.0 * (sum + 1.0 - ties / (sum * (sum - 1.0)).max(1.0));
    if variance > 0.0 { (larger - one * other / 2.0) / variance.sqrt() } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_one_and_the_spread_a_share_of_it() {
        let rounds: Rounds = [30.0, 10.0, 20.0].into_iter().collect();
        assert!((rounds.median() - 20.0).abs() < 1e-9 && (rounds.spread() - 1.0).abs() < 1e-9);
        let even: Rounds = [10.0, 20.0].into_iter().collect();
        assert!((even.median() - 15.0).abs() < 1e-9);
        assert!(Rounds::default().median().abs() < 1e-9 && Rounds::default().spread().abs() < 1e-9);
    }

    #[test]
    fn samples_are_told_apart_as_far_as_they_are() {
        let (low, high): (Vec<u64>, Vec<u64>) = ((1..=10).collect(), (11..=20).collect());
        // U is 0 of 100, its deviation the root of 175.
        let z = mann_whitney(&low, &high);
        assert!((z + 50.0 / 175.0_f64.sqrt()).abs() < 1e-9, "{z}");
        assert!((mann_whitney(&high, &low) + z).abs() < 1e-9);
        for same in [&[][..], &[7], &[7, 7, 7], &[1, 2, 3, 4]] {
            assert!(mann_whitney(same, same).abs() < 1e-9, "{same:?}");
        }
        // By hand: ranks 1, 2.5, 4.5 of the first; U is 2 of 9, with two pairs of ties.
        let z = mann_whitney(&[1, 2, 3], &[2, 3, 4]);
        let variance: f64 = 9.0 / 12.0 * (7.0 - 12.0 / 30.0);
        assert!((z - (2.0 - 4.5) / variance.sqrt()).abs() < 1e-9, "{z}");
    }

    #[test]
    fn percentiles_are_values_that_were_there() {
        let mut values: Vec<u64> = (1..=100).rev().collect();
        assert_eq!((percentile(&mut values, 50), percentile(&mut values, 99)), (50, 99));
        assert_eq!(percentile(&mut [7], 99), 7);
        assert_eq!(percentile(&mut [], 50), 0);
    }
}
