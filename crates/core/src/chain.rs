//! The chain of acts: what people who run the service did, each entry sealed by a hash over it and the hash before.
//!
//! Guards that no entry can be edited, taken out, put in or moved without every later hash being wrong. A cut at the end
//! leaves a chain that is whole: that is found by whoever noted a head. Must never be computed from anything but the entry.

use crate::id::AccountId;
use crate::time::Time;
use crate::token::hash_bytes;
use std::fmt;

/// Stands before every entry's bytes, so that nothing else that is hashed can be taken for an entry.
const MARK: &str = "numberotp act 1";

/// The hash of an entry: SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Digest([u8; 32]);

impl Digest {
    /// What stands before the first entry.
    pub const NOTHING: Self = Self([0; 32]);

    /// Reads 64 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let nibble = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let mut bytes = [0; 32];
        let mut pairs = text.as_bytes().chunks_exact(2);
        if text.len() != 64 {
            return None;
        }
        for byte in &mut bytes {
            let [high, low] = pairs.next()? else { return None };
            *byte = nibble(*high)?.checked_mul(16)?.checked_add(nibble(*low)?)?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// An entry without its hash.
#[derive(Clone, Copy, Debug)]
pub struct Link<'a> {
    /// From 1, without gaps.
    pub seq: i64,
    /// When.
    pub at: Time,
    /// Who: an account's row as text, or `cli`.
    pub actor: &'a str,
    /// What.
    pub act: &'a str,
    /// About whom.
    pub subject: Option<AccountId>,
    /// With which amounts and reasons.
    pub detail: &'a str,
    /// The hash of the entry before.
    pub previous: Digest,
}

impl Link<'_> {
    /// Its hash: over the mark and every field, each after its length in eight bytes, numbers in eight bytes too, the
    /// first byte first; a subject that is not there has the length zero.
    pub fn digest(&self) -> Digest {
        let mut bytes = Vec::new();
        let mut part = |field: &[u8]| {
            bytes.extend(u64::try_from(field.len()).unwrap_or(u64::MAX).to_be_bytes());
            bytes.extend(field);
        };
        part(MARK.as_bytes());
        part(&self.seq.to_be_bytes());
        part(&self.at.micros().to_be_bytes());
        part(self.actor.as_bytes());
        part(self.act.as_bytes());
        part(self.subject.map(|account| account.get().to_be_bytes()).as_ref().map_or(&[], |row| row));
        part(self.detail.as_bytes());
        part(&self.previous.0);
        Digest(hash_bytes(&bytes))
    }
}

/// Where a chain is not whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Broken {
    /// This entry is not there; the next one found has this number.
    Missing(i64, i64),
    /// This entry does not go on from the one before it.
    Detached(i64),
    /// This entry is not what it was.
    Edited(i64),
    /// The last entry is this one, and the database remembers a later one, or another.
    Cut(i64, i64),
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(seq, next) => write!(f, "act {seq} is missing before act {next}"),
            Self::Detached(seq) => write!(f, "act {seq} does not go on from the act before it"),
            Self::Edited(seq) => write!(f, "act {seq} is not what it was"),
            Self::Cut(last, known) => {
                write!(f, "the last act is {last} and is not the last one that was written, {known}")
            }
        }
    }
}

/// Walks along a chain.
#[derive(Clone, Copy, Debug)]
pub struct Walk {
    /// The last entry's number; zero before the first.
    pub seq: i64,
    /// The last entry's hash.
    pub head: Digest,
}

impl Walk {
    /// Before the first entry.
    pub const fn new() -> Self {
        Self { seq: 0, head: Digest::NOTHING }
    }

    /// The next entry with the hash that it says to have.
    pub fn step(&mut self, link: &Link<'_>, digest: Digest) -> Result<(), Broken> {
        let next = self.seq.saturating_add(1);
        if link.seq != next {
            return Err(Broken::Missing(next, link.seq));
        }
        if link.previous != self.head {
            return Err(Broken::Detached(next));
        }
        if link.digest() != digest {
            return Err(Broken::Edited(next));
        }
        *self = Self { seq: next, head: digest };
        Ok(())
    }
}

impl Default for Walk {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link<'a>(seq: i64, (actor, act, detail): (&'a str, &'a str, &'a str), previous: Digest) -> Link<'a> {
        let at = Time::from_micros(1_714_384_800_000_000);
        Link { seq, at, actor, act, subject: Some(AccountId::new(7)), detail, previous }
    }

    #[test]
    fn the_form_is_fixed() {
        let first = link(1, ("cli", "account.suspend", "{\"reason\":\"spam\"}"), Digest::NOTHING);
        // Computed by another program from the same description.
        assert_eq!(first.digest().to_string(), FIRST);
        assert_eq!(Digest::parse(FIRST), Some(first.digest()));
        let without = Link { subject: None, ..first };
        assert_ne!(without.digest(), first.digest());
    }

    const FIRST: &str = "98ff2d87a429938c4522383c89196309893563487596abcfe4e2078462be18eb";

    #[test]
    fn fields_do_not_run_into_each_other() {
        let one = link(1, ("cli", "ab", "c"), Digest::NOTHING);
        let other = link(1, ("cli", "a", "bc"), Digest::NOTHING);
        assert_ne!(one.digest(), other.digest());
    }

    #[test]
    fn a_digest_is_64_digits() {
        let long = "0".repeat(65);
        for bad in ["", "00", &long, &"g".repeat(64), &"é".repeat(32)] {
            assert_eq!(Digest::parse(bad), None, "{bad}");
        }
        assert_eq!(Digest::parse(&"0".repeat(64)), Some(Digest::NOTHING));
    }

    #[test]
    fn a_walk_finds_what_is_edited_missing_or_moved() {
        let a = link(1, ("cli", "a", ""), Digest::NOTHING);
        let b = link(2, ("cli", "b", ""), a.digest());
        let c = link(3, ("cli", "c", ""), b.digest());
        let walk = |links: &[(Link<'_>, Digest)]| {
            let mut walk = Walk::new();
            links.iter().try_for_each(|(link, digest)| walk.step(link, *digest)).map(|()| walk.head)
        };
        let whole = [(a, a.digest()), (b, b.digest()), (c, c.digest())];
        assert_eq!(walk(&whole), Ok(c.digest()));
        let edited = Link { act: "x", ..b };
        assert_eq!(walk(&[whole[0], (edited, b.digest()), whole[2]]), Err(Broken::Edited(2)));
        // With a hash of its own it is the next that does not fit.
        assert_eq!(walk(&[whole[0], (edited, edited.digest()), whole[2]]), Err(Broken::Detached(3)));
        assert_eq!(walk(&[whole[0], whole[2]]), Err(Broken::Missing(2, 3)));
        let moved = Link { seq: 2, ..c };
        assert_eq!(walk(&[whole[0], (moved, c.digest())]), Err(Broken::Detached(2)));
        assert_eq!(walk(&whole[..2]), Ok(b.digest()), "a cut at the end is found by its head alone");
    }
}
