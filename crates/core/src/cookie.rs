//! Reads the cookies of a request.
//!
//! Guards: a name that is given twice with two values names nothing, because a neighbouring site can add a cookie of
//! the same name and nobody could say which of the two is the person's. Must never guess which value was meant.

/// The cookies of one request.
#[derive(Default)]
pub struct Cookies<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Cookies<'a> {
    /// Reads the values of the `Cookie` headers.
    pub fn parse(headers: impl Iterator<Item = &'a str>) -> Self {
        let pairs = headers.flat_map(|header| header.split(';'));
        Self(pairs.filter_map(|pair| pair.trim().split_once('=')).collect())
    }

    /// The value of a cookie; none where two values are given for its name.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        let mut values = self.0.iter().filter(|(given, _)| *given == name).map(|(_, value)| *value);
        let first = values.next()?;
        values.all(|value| value == first).then_some(first)
    }

    /// What follows a prefix in the names of cookies.
    pub fn suffixes(&self, prefix: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter_map(move |(name, _)| name.strip_prefix(prefix))
    }

    /// True where there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A text in which `%` and two hexadecimal digits stand for a byte; none where such a byte is cut short or the bytes
/// are no UTF-8.
pub fn percent_decoded(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value<'a>(headers: &[&'a str], name: &str) -> Option<&'a str> {
        Cookies::parse(headers.iter().copied()).get(name)
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let headers = ["a=1; session=x.y;b=2", "late=z=w"];
        assert_eq!(value(&headers, "session"), Some("x.y"));
        assert_eq!(value(&headers, "late"), Some("z=w"));
        assert_eq!(value(&headers, "b"), Some("2"));
        for absent in ["sess", "session.0", "Session", ""] {
            assert_eq!(value(&headers, absent), None, "{absent}");
        }
        assert!(Cookies::parse(["no pairs"].into_iter()).is_empty());
    }

    #[test]
    fn a_name_with_two_values_names_nothing() {
        assert_eq!(value(&["a=1; a=2"], "a"), None);
        assert_eq!(value(&["a=1", "a=2"], "a"), None);
        assert_eq!(value(&["a=1; a=1"], "a"), Some("1"));
    }

    #[test]
    fn percents_are_bytes_of_utf8_or_a_mistake() {
        assert_eq!(percent_decoded("a.b-c").as_deref(), Some("a.b-c"));
        assert_eq!(percent_decoded("a%2Eb%c3%A9").as_deref(), Some("a.bé"));
        for bad in ["%", "%2", "%zz", "%+1", "a%é", "%ff"] {
            assert_eq!(percent_decoded(bad), None, "{bad}");
        }
    }
}
