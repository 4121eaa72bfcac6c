//! Typed row ids, and the public form of purchase ids.
//!
//! Rows are keyed by integers in the order they were made. Customers see activations and rentals by a
//! keyed permutation of that number: a positive decimal below 2^31 (older clients of the field parse
//! 32-bit integers), unique because a permutation is, and not guessable from another one.

use aws_lc_rs::hmac;
use std::fmt;

/// Declares newtypes over `i64`, so that ids of different things do not compile together.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident,)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(i64);
        impl $name {
            /// From the row's number.
            pub const fn new(row: i64) -> Self { Self(row) }
            /// The row's number.
            pub const fn get(self) -> i64 { self.0 }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, concat!(stringify!($name), "({})"), self.0) }
        }
    )+};
}

ids! {
    /// A white label; the platform itself is brand 1.
    BrandId,
    /// A customer, reseller or admin.
    AccountId,
    /// A long-lived credential of an account.
    ApiKeyId,
    /// A sign-in of a person.
    SessionId,
    /// A one-time number that somebody bought.
    ActivationId,
    /// One step of the books.
    MovementId,
    /// One account of the ledger.
    LedgerAccountId,
    /// An SMS.
    MessageId,
    /// What follows a change.
    JobId,
    /// What subscribers are told.
    EventId,
    /// Something that can be bought.
    OfferId,
    /// A number of our own.
    NumberId,
}

/// The platform's own brand.
pub const PLATFORM: BrandId = BrandId::new(1);

/// How purchase ids are shown and read: a keyed permutation of `1..2^31`.
#[derive(Clone)]
pub struct PublicIds {
    key: hmac::Key,
}

/// Rounds that a block goes through.
pub const ROUNDS: u8 = 6;
const LIMIT: u32 = 1 << 31;

impl PublicIds {
    /// With the database's own key, made once when the database was.
    pub fn new(key: &[u8]) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, key) }
    }

    /// What the outside sees. `None` outside `1..2^31`.
    pub fn public(&self, id: ActivationId) -> Option<u32> {
        self.public_by(id, |half, round| self.mix(half, round))
    }

    /// The same by somebody who remembers what [`PublicIds::mix`] gave: it takes a dozen of these.
    pub fn public_by(&self, id: ActivationId, mix: impl Fn(u16, u8) -> u16) -> Option<u32> {
        let mut value = u32::try_from(id.get()).ok().filter(|row| *row > 0 && *row < LIMIT)?;
        loop {
            value = (0..ROUNDS).fold(value, |block, round| {
                let (left, right) = halves(block);
                join(right, left ^ mix(right, round))
            });
            if value > 0 && value < LIMIT {
                return Some(value);
            }
        }
    }

    /// Reads what the outside sent: decimal digits without a leading zero.
    pub fn parse(&self, text: &str) -> Option<ActivationId> {
        let plain = !text.is_empty() && !text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit());
        let mut value: u32 =
            if plain { text.parse().ok().filter(|number| *number < LIMIT)? } else { return None };
        loop {
            value = (0..ROUNDS).rev().fold(value, |block, round| self.backward(block, round));
            if value > 0 && value < LIMIT {
                return Some(ActivationId::new(i64::from(value)));
            }
        }
    }

    fn backward(&self, block: u32, round: u8) -> u32 {
        let (left, right) = halves(block);
        join(right ^ self.mix(left, round), left)
    }

    /// What a half of a block gives in a round, below [`ROUNDS`]: by nothing but the key.
    pub fn mix(&self, half: u16, round: u8) -> u16 {
        let [high, low] = half.to_be_bytes();
        let tag = hmac::sign(&self.key, &[round, high, low]);
        match tag.as_ref() {
            [first, second, ..] => u16::from_be_bytes([*first, *second]),
            _ => 0,
        }
    }
}

impl fmt::Debug for PublicIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PublicIds(…)")
    }
}

fn halves(block: u32) -> (u16, u16) {
    let [a, b, c, d] = block.to_be_bytes();
    (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]))
}

fn join(left: u16, right: u16) -> u32 {
    (u32::from(left) << 16) | u32::from(right)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn ten_thousand_ids_are_unique_positive_and_read_back() {
        let ids = PublicIds::new(b"0123456789abcdef");
        let mut seen = BTreeSet::new();
        for row in 1..=10_000 {
            let public = ids.public(ActivationId::new(row)).unwrap();
            assert!(public > 0 && public < LIMIT);
            assert!(seen.insert(public), "{public} twice");
            assert_eq!(ids.parse(&public.to_string()), Some(ActivationId::new(row)));
        }
    }

    #[test]
    fn another_key_gives_other_ids() {
        let one = PublicIds::new(b"one").public(ActivationId::new(1));
        let two = PublicIds::new(b"two").public(ActivationId::new(1));
        assert_ne!(one, two);
    }

    #[test]
    fn what_is_no_id_is_refused_without_a_look_up() {
        let ids = PublicIds::new(b"k");
        for text in ["", "0", "-1", "abc", "2147483648", "99999999999999999999", "01", " 1", "1 ", "１"] {
            assert_eq!(ids.parse(text), None, "{text:?}");
        }
        assert_eq!(ids.public(ActivationId::new(0)), None);
        assert_eq!(ids.public(ActivationId::new(1 << 31)), None);
    }
}
