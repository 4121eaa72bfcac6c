//! Amounts. USD is counted in integer micro-dollars, credits are a unit of their own.
//!
//! Guards the first rule of the books: no floats, no unchecked addition, no mixing of units.
//! Every final price is a multiple of $0.0001, so a printed price has two to four decimals.
#![deny(clippy::arithmetic_side_effects)]

use std::fmt;

/// Micro-dollars in one dollar.
pub const MICROS_PER_USD: i64 = 1_000_000;
/// Every final price is a multiple of this many micro-dollars ($0.0001).
pub const PRICE_STEP: i64 = 100;

/// An amount of US dollars in micro-dollars; may be negative (a change).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Usd(i64);

/// A number of promotional credits; may be negative (a change).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Credits(i64);

/// What one credit is worth when something is bought: $0.0005 unless configured otherwise.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CreditValue(i64);

/// A sum or product left the range of 64 bits. No business ever gets there: it is a defect or an attack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Overflow;

/// A text that is no amount of money.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AmountError {
    /// Not a plain decimal number.
    Malformed,
    /// More decimals than a micro-dollar has.
    TooPrecise,
    /// More than 64 bits of micro-dollars.
    TooLarge,
}

impl fmt::Display for AmountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "is not a decimal number such as 0.05",
            Self::TooPrecise => "has more than six decimals",
            Self::TooLarge => "is too large",
        })
    }
}

impl Usd {
    /// No money.
    pub const ZERO: Self = Self(0);

    /// From micro-dollars.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }
    /// In micro-dollars.
    pub const fn micros(self) -> i64 {
        self.0
    }
    /// Sum, or [`Overflow`].
    pub fn plus(self, other: Self) -> Result<Self, Overflow> {
        self.0.checked_add(other.0).map(Self).ok_or(Overflow)
    }
    /// Difference, or [`Overflow`].
    pub fn minus(self, other: Self) -> Result<Self, Overflow> {
        self.0.checked_sub(other.0).map(Self).ok_or(Overflow)
    }
    /// The same amount in the other direction.
    pub fn negated(self) -> Result<Self, Overflow> {
        self.0.checked_neg().map(Self).ok_or(Overflow)
    }
    /// True for an amount above zero.
    pub const fn is_positive(self) -> bool {
        self.0 > 0
    }
    /// True for a final price: above zero and a multiple of $0.0001.
    pub const fn is_price(self) -> bool {
        self.0 > 0
            && self.0.checked_rem(PRICE_STEP).is_some()
            && matches!(self.0.checked_rem(PRICE_STEP), Some(0))
    }

    /// Reads a plain decimal such as `0.05`, `100` or `-1.5`; no exponent, no sign `+`, no spaces.
    pub fn parse(text: &str) -> Result<Self, AmountError> {
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) || digits.ends_with('.') {
            return Err(AmountError::Malformed);
        }
        let fraction = fraction.trim_end_matches('0');
        if fraction.len() > 6 {
            return Err(AmountError::TooPrecise);
        }
        let whole: i64 = whole.parse().map_err(|_too_long| AmountError::TooLarge)?;
        let micros: i64 = format!("{fraction:0<6}").parse().map_err(|_no_digits| AmountError::Malformed)?;
        let sum = whole.checked_mul(MICROS_PER_USD).and_then(|all| all.checked_add(micros));
        let sum = sum.ok_or(AmountError::TooLarge)?;
        Ok(Self(if negative { sum.checked_neg().ok_or(AmountError::TooLarge)? } else { sum }))
    }
}

impl fmt::Display for Usd {
    /// Plain decimal with at least two decimals and no more than needed: `0.05`, `0.0525`, `100.50`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let size = self.0.unsigned_abs();
        let whole = size.checked_div(1_000_000).unwrap_or(0);
        let fraction = format!("{:06}", size.checked_rem(1_000_000).unwrap_or(0));
        let short = fraction.trim_end_matches('0');
        write!(f, "{sign}{whole}.{short:0<2}")
    }
}

impl fmt::Debug for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${self}")
    }
}

impl Credits {
    /// No credits.
    pub const ZERO: Self = Self(0);

    /// From a count.
    pub const fn new(count: i64) -> Self {
        Self(count)
    }
    /// As a count.
    pub const fn count(self) -> i64 {
        self.0
    }
    /// Sum, or [`Overflow`].
    pub fn plus(self, other: Self) -> Result<Self, Overflow> {
        self.0.checked_add(other.0).map(Self).ok_or(Overflow)
    }
    /// Difference, or [`Overflow`].
    pub fn minus(self, other: Self) -> Result<Self, Overflow> {
        self.0.checked_sub(other.0).map(Self).ok_or(Overflow)
    }
    /// The same number in the other direction.
    pub fn negated(self) -> Result<Self, Overflow> {
        self.0.checked_neg().map(Self).ok_or(Overflow)
    }
}

impl fmt::Debug for Credits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} credits", self.0)
    }
}

impl CreditValue {
    /// The published value: 100 credits bought what costs $0.05, so one credit is $0.0005.
    pub const PUBLISHED: Self = Self(500);

    /// From micro-dollars a credit; must be above zero.
    pub const fn from_micros(micros: i64) -> Option<Self> {
        if micros > 0 { Some(Self(micros)) } else { None }
    }
    /// Micro-dollars a credit.
    pub const fn micros(self) -> i64 {
        self.0
    }
    /// What this many credits are worth.
    pub fn of(self, credits: Credits) -> Result<Usd, Overflow> {
        credits.0.checked_mul(self.0).map(Usd).ok_or(Overflow)
    }
    /// How many whole credits fit into an amount (zero for a negative amount).
    pub fn fitting(self, amount: Usd) -> Credits {
        Credits(amount.0.max(0).checked_div(self.0).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn prints_two_to_four_decimals_for_prices() {
        for (micros, text) in [
            (50_000, "0.05"),
            (52_500, "0.0525"),
            (100_500_000, "100.50"),
            (-50_000, "-0.05"),
            (0, "0.00"),
            (1, "0.000001"),
        ] {
            assert_eq!(Usd::from_micros(micros).to_string(), text);
        }
    }

    #[test]
    fn refuses_what_is_not_a_plain_decimal() {
        for text in ["", ".", "1.", ".5", "1e3", "+1", " 1", "1,5", "NaN", "--1", "0x1", "١"] {
            assert_eq!(Usd::parse(text), Err(AmountError::Malformed), "{text:?}");
        }
        assert_eq!(Usd::parse("0.0000001"), Err(AmountError::TooPrecise));
        assert_eq!(Usd::parse("9223372036854775807"), Err(AmountError::TooLarge));
        assert_eq!(Usd::parse("99999999999999999999"), Err(AmountError::TooLarge));
    }

    #[test]
    fn a_price_is_a_positive_multiple_of_a_hundredth_cent() {
        assert!(Usd::from_micros(52_500).is_price());
        for micros in [0, -100, 50, 52_550] {
            assert!(!Usd::from_micros(micros).is_price(), "{micros}");
        }
    }

    proptest! {
        #[test]
        fn print_and_parse_agree(micros in -9_000_000_000_000_000_000i64..9_000_000_000_000_000_000) {
            let amount = Usd::from_micros(micros);
            prop_assert_eq!(Usd::parse(&amount.to_string()), Ok(amount));
        }
    }
}
