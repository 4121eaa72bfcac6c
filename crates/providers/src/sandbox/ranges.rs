//! The only phone numbers that the sandbox hands out: ranges that a numbering authority keeps for fiction.
//!
//! Guards the rule that a sandbox number never belongs to a person. It must never hold a range without a
//! named authority, and never make up a number outside this table. `docs/sandbox-numbers.md` explains every
//! row with its source. Pure data and arithmetic: no randomness, no state.

mod table;

use table::RANGES;

/// What Google's libphonenumber says of a range. Measured over every number of it, with version 9.0.43.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// Valid, of the type "mobile".
    Mobile,
    /// Valid, in a numbering plan that does not tell fixed from mobile.
    FixedOrMobile,
    /// Valid, of a fixed-line type.
    Fixed,
    /// Of a possible length, but not a valid number.
    PossibleOnly,
}

/// Whether the sandbox takes numbers from a range, or only knows it as fiction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// [`number`] picks from it.
    HandedOut,
    /// [`is_fiction`] accepts it; a better range of the same country is handed out.
    Recognised,
}

/// A family of reserved numbers: `head`, then one of `tails`, then `digits` free digits from `first` to `last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FictionRange {
    /// ISO 3166-1 alpha-2 code of the country or territory.
    pub iso: &'static str,
    /// Leading digits of the E.164 number, without the plus.
    pub head: &'static str,
    /// What may follow the head: area codes and blocks, or whole numbers when `digits` is 0.
    pub tails: &'static [&'static str],
    /// How many free digits follow (0: the tails are single numbers).
    pub digits: u8,
    /// The lowest value of the free digits.
    pub first: u32,
    /// The highest value of the free digits, included.
    pub last: u32,
    /// What libphonenumber says of these numbers.
    pub validity: Validity,
    /// Whether the sandbox hands them out.
    pub role: Role,
    /// Who keeps the range for fiction.
    pub authority: &'static str,
}

impl FictionRange {
    /// How many numbers the range holds.
    pub fn count(&self) -> u64 {
        u64::try_from(self.tails.len()).unwrap_or(0) * self.span()
    }

    /// The number at a position, in E.164 with the plus. `None` from `count()` on.
    pub fn nth(&self, index: u64) -> Option<String> {
        let tail = self.tails.get(usize::try_from(index / self.span()).ok()?)?;
        let free = u64::from(self.first) + index % self.span();
        if self.digits == 0 {
            return Some(format!("+{}{tail}", self.head));
        }
        Some(format!("+{}{tail}{free:0width$}", self.head, width = usize::from(self.digits)))
    }

    /// Whether E.164 digits (without the plus) lie in the range.
    fn contains(&self, digits: &str) -> bool {
        let Some(after_head) = digits.strip_prefix(self.head) else { return false };
        let free = |tail: &&str| after_head.strip_prefix(*tail).is_some_and(|rest| self.fits(rest));
        self.tails.iter().any(free)
    }

    fn fits(&self, rest: &str) -> bool {
        if rest.len() != usize::from(self.digits) || !rest.bytes().all(|byte| byte.is_ascii_digit()) {
            return false;
        }
        self.digits == 0 || rest.parse::<u32>().is_ok_and(|free| self.first <= free && free <= self.last)
    }

    fn span(&self) -> u64 {
        u64::from(self.last.saturating_sub(self.first)) + 1
    }
}

/// Coprime to every capacity below, and far from its multiples: neighbouring picks land far apart, without
/// repeating before all numbers of the country were used.
const STRIDE: u64 = 1_017_139;

/// All ranges of a country (ISO code in any case), handed out or only recognised.
pub fn ranges(iso: &str) -> impl Iterator<Item = &'static FictionRange> {
    RANGES.iter().filter(move |range| range.iso.eq_ignore_ascii_case(iso))
}

/// How many different numbers [`number`] has for a country; 0 where no authority reserves a range.
pub fn capacity(iso: &str) -> u64 {
    handed_out(iso).map(FictionRange::count).sum()
}

/// Maps any `pick` onto a number of the country, in E.164 with the plus: always the same one for the same
/// pick, every number equally often, and no number twice within `capacity(iso)` picks in a row.
/// `None` for a country without a reserved range.
pub fn number(iso: &str, pick: u64) -> Option<String> {
    let total = capacity(iso);
    let mut left = pick.checked_rem(total)? * (STRIDE % total) % total;
    for range in handed_out(iso) {
        if left < range.count() {
            return range.nth(left);
        }
        left -= range.count();
    }
    None
}

/// Whether an E.164 number (with the plus) lies in a range of this table.
pub fn is_fiction(e164: &str) -> bool {
    e164.strip_prefix('+').is_some_and(|digits| RANGES.iter().any(|range| range.contains(digits)))
}

/// ISO codes of the countries that have numbers to hand out, each once.
pub fn countries() -> impl Iterator<Item = &'static str> {
    let first_of_its_country = |(index, range): &(usize, &FictionRange)| {
        let seen_before = |earlier: &FictionRange| earlier.iso == range.iso && given(earlier);
        given(range) && !RANGES.iter().take(*index).any(seen_before)
    };
    RANGES.iter().enumerate().filter(first_of_its_country).map(|(_, range)| range.iso)
}

fn handed_out(iso: &str) -> impl Iterator<Item = &'static FictionRange> {
    ranges(iso).filter(|range| given(range))
}

fn given(range: &FictionRange) -> bool {
    range.role == Role::HandedOut
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_number_of_a_country_comes_once_in_as_many_picks_as_it_has_numbers() {
        for iso in countries() {
            let numbers: BTreeSet<String> =
                (0..capacity(iso)).map(|pick| number(iso, pick).unwrap()).collect();
            assert_eq!(u64::try_from(numbers.len()).unwrap(), capacity(iso), "{iso}");
            assert!(numbers.iter().all(|number| is_fiction(number)), "{iso}");
        }
    }

    #[test]
    fn the_same_pick_is_the_same_number_and_far_picks_wrap_around() {
        assert_eq!(number("SE", 7), number("SE", 7));
        assert_eq!(number("SE", 7), number("SE", 7 + 95 * 1_000_000));
        assert_ne!(number("US", 1), number("US", 2));
        assert!(countries().all(|iso| number(iso, u64::MAX).is_some_and(|number| is_fiction(&number))));
    }

    #[test]
    fn there_are_at_least_twelve_countries_each_named_once_and_the_us_serves_a_thousand_at_once() {
        let all: Vec<_> = countries().collect();
        assert_eq!(all.len(), all.iter().collect::<BTreeSet<_>>().len());
        assert!(all.len() >= 12, "{all:?}");
        assert!(capacity("US") >= 1_000);
        assert_eq!((capacity("AU"), capacity("SE"), capacity("DE")), (30, 95, 210));
    }

    #[test]
    fn a_country_without_a_reserved_range_has_no_number() {
        assert_eq!((number("BR", 1), capacity("BR"), ranges("BR").count()), (None, 0, 0));
        assert_eq!(number("gb", 5), number("GB", 5));
    }

    #[test]
    fn neighbours_of_a_range_are_not_fiction() {
        let real = [
            "+12025550099",
            "+12025550200",
            "+447700901000",
            "+33639970000",
            "+61491570007",
            "+4915228817387",
            "+46701740604",
            "+46701740700",
            "+353209200000",
            "+35320910000",
            "12025550100",
            "+",
            "",
            "+44207946 001",
        ];
        for number in real {
            assert!(!is_fiction(number), "{number}");
        }
        let fiction = ["+12025550100", "+12025550199", "+447700900461", "+33639980000", "+61491579760"];
        assert!(fiction.into_iter().all(is_fiction));
    }

    #[test]
    fn a_country_with_valid_numbers_hands_out_no_other() {
        let mixed = |iso: &str| {
            let poor = handed_out(iso).any(|range| range.validity == Validity::PossibleOnly);
            poor && ranges(iso).any(|range| range.validity != Validity::PossibleOnly)
        };
        assert!(!countries().any(mixed));
        assert!(RANGES.iter().all(|range| !range.authority.is_empty() && range.count() > 0));
    }
}
