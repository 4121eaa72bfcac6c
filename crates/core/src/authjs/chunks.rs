//! A session's cookie, whole or in chunks.
//!
//! Guards: only the name itself, or `name.0` to `name.(n-1)` without a gap, are read. The packages join whatever begins
//! with the name, so that a chunk left over from a longer session spoils the next one, and so does a cookie that
//! merely looks alike. Must never join more than [`CHUNKS_MOST`] chunks or [`TOKEN_MOST`] characters.

use super::TOKEN_MOST;
use crate::cookie::{Cookies, percent_decoded};

/// Most chunks of a cookie.
pub const CHUNKS_MOST: usize = 5;

/// What a cookie of this name may hold: its own value, then the sum of its chunks.
pub fn candidates(cookies: &Cookies<'_>, name: &str) -> impl Iterator<Item = String> {
    let whole = cookies.get(name).filter(|value| value.len() <= TOKEN_MOST).and_then(percent_decoded);
    let chunks = joined(cookies, name).and_then(|value| percent_decoded(&value));
    [whole, chunks].into_iter().flatten().filter(|value| !value.is_empty())
}

fn joined(cookies: &Cookies<'_>, name: &str) -> Option<String> {
    let prefix = format!("{name}.");
    let mut numbers: Vec<usize> = cookies.suffixes(&prefix).filter_map(number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let unbroken = numbers.iter().enumerate().all(|(place, number)| place == *number);
    if numbers.is_empty() || numbers.len() > CHUNKS_MOST || !unbroken {
        return None;
    }
    let mut whole = String::new();
    for number in numbers {
        whole.push_str(cookies.get(&format!("{prefix}{number}"))?);
        if whole.len() > TOKEN_MOST {
            return None;
        }
    }
    Some(whole)
}

/// A chunk's number, in its one spelling.
fn number(suffix: &str) -> Option<usize> {
    let plain = suffix == "0" || !suffix.starts_with('0');
    let digits = !suffix.is_empty() && suffix.bytes().all(|byte| byte.is_ascii_digit());
    if plain && digits { suffix.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &str) -> Vec<String> {
        candidates(&Cookies::parse([header].into_iter()), "s").collect()
    }

    #[test]
    fn a_cookie_is_read_whole_then_in_chunks() {
        assert_eq!(read("s=a.b"), ["a.b"]);
        assert_eq!(read("s.1=b; s.0=a; s.2=c"), ["abc"]);
        assert_eq!(read("s.0=a; s=whole; s.1=b"), ["whole", "ab"]);
        assert_eq!(read("s.0=a; s.0x=y; s.00=y; s.=y; s.-1=y; s.01=y; sx.0=y; s.0.0=y; s.+1=y"), ["a"]);
        assert_eq!(read("s=a%2Eb"), ["a.b"]);
        assert_eq!(read("s.0=a; s.1=b; s.2=c; s.3=d; s.4=e"), ["abcde"]);
    }

    #[test]
    fn a_gap_a_double_and_too_many_are_nothing() {
        for header in [
            "s.1=b",
            "s.0=a; s.2=c",
            "s.0=a; s.1=b; s.1=c",
            "s.0=a; s.1=b; s.2=c; s.3=d; s.4=e; s.5=f",
            "s.0=a; s.99999999999=b; s.12=c",
            "s=",
            "s=%",
            "t=a",
        ] {
            assert_eq!(read(header), Vec::<String>::new(), "{header}");
        }
        let long = "x".repeat(TOKEN_MOST / 2 + 1);
        assert!(read(&format!("s.0={long}; s.1={long}")).is_empty());
        assert!(read(&format!("s={long}{long}")).is_empty());
    }
}
