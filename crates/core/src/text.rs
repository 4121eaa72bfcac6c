//! Texts that are parsed once at the edge and trusted after: numbers, operators, pools, providers, e-mails.

use std::fmt;
use std::sync::Arc;

/// A phone number in E.164: `+` and 7 to 15 ASCII digits, the first not zero. Never printed in full.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhoneNumber(Arc<str>);

impl PhoneNumber {
    /// Reads a number with or without the plus. Spaces and punctuation are refused: providers send digits.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('+').unwrap_or(text);
        let fits = (7..=15).contains(&digits.len()) && !digits.starts_with('0');
        (fits && digits.bytes().all(|b| b.is_ascii_digit())).then(|| Self(format!("+{digits}").into()))
    }
    /// `+1234567890`: for the owner's answer and the database, never for a log.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PhoneNumber(…)")
    }
}

/// An operator's slug in lower case; [`Operator::any`] where an offer names none.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Operator(Arc<str>);

impl Operator {
    /// The word for "no particular operator".
    pub const ANY: &'static str = "any";

    /// Reads a slug of 1 to 32 letters, digits, `-`, `_` or `.`, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        slug(text, 32).map(Self)
    }
    /// No particular operator.
    pub fn any() -> Self {
        Self(Self::ANY.into())
    }
    /// True for [`Operator::any`].
    pub fn is_any(&self) -> bool {
        &*self.0 == Self::ANY
    }
    /// The slug.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A provider's short name in our own tables and URLs.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ProviderCode(Arc<str>);

impl ProviderCode {
    /// Reads 1 to 32 letters, digits, `-`, `_` or `.`, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        slug(text, 32).map(Self)
    }
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn slug(text: &str, longest: usize) -> Option<Arc<str>> {
    let fits = (1..=longest).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    fits.then(|| text.to_ascii_lowercase().into())
}

/// A group of providers, 1 to 3.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Pool(u8);

impl Pool {
    /// Pools 1 to 3 exist.
    pub const fn new(number: u8) -> Option<Self> {
        if number >= 1 && number <= 3 { Some(Self(number)) } else { None }
    }
    /// Reads `1`, `2`, `3` or `pool1` …
    pub fn parse(text: &str) -> Option<Self> {
        text.strip_prefix("pool").unwrap_or(text).parse().ok().and_then(Self::new)
    }
    /// Its number.
    pub const fn get(self) -> u8 {
        self.0
    }
}

/// An e-mail address in lower case: enough of a check to catch a slip, mail itself proves the rest.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Email(String);

impl Email {
    /// Reads an address of at most 254 visible ASCII characters with one `@` and a dotted or local host.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (user, host) = text.split_once('@')?;
        let visible = text.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'<' && b != b'>');
        let fits = !user.is_empty() && !host.is_empty() && !host.contains('@') && text.len() <= 254;
        (visible && fits).then(|| Self(text.to_ascii_lowercase()))
    }
    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(…)")
    }
}

/// A display name: trimmed, 1 to 100 characters, no control characters.
pub fn display_name(text: &str) -> Option<String> {
    let text = text.trim();
    let fits = (1..=100).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_e164_or_nothing() {
        assert_eq!(PhoneNumber::parse("447700900123").unwrap().expose(), "+447700900123");
        assert_eq!(PhoneNumber::parse("+447700900123").unwrap().expose(), "+447700900123");
        for text in [
            "",
            "+",
            "+0123456789",
            "123456",
            "1234567890123456",
            "+44 7700 900123",
            "++447700900123",
            "٤٤٧٧٠٠٩٠٠",
        ] {
            assert!(PhoneNumber::parse(text).is_none(), "{text}");
        }
        assert!(!format!("{:?}", PhoneNumber::parse("+447700900123")).contains("7700"));
    }

    #[test]
    fn operators_and_pools_are_read_liberally() {
        assert_eq!(Operator::parse("Verizon").unwrap().as_str(), "verizon");
        assert!(Operator::parse("ANY").unwrap().is_any());
        assert!(Operator::parse("a b").is_none() && Operator::parse("").is_none());
        assert_eq!(Pool::parse("pool2"), Pool::new(2));
        assert!(Pool::parse("4").is_none() && Pool::parse("0").is_none() && Pool::parse("auto").is_none());
    }

    #[test]
    fn emails_are_lower_case_and_plausible() {
        assert_eq!(Email::parse(" Ann@Example.COM ").unwrap().as_str(), "ann@example.com");
        for text in ["", "ann", "@x", "a@", "a@b@c", "a b@c.de", "a\u{0}@b.c"] {
            assert!(Email::parse(text).is_none(), "{text:?}");
        }
    }
}
