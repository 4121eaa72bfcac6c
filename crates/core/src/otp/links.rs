//! Finds the ends of links and mail addresses, and the codes inside links.
//! Guards: digits of a link are never taken for a code unless the link says so ("?code=", "/verify/").
//! Must never follow a link or guess at what stands behind it.

use super::lexicon::{self, Role};
use super::normalise::Folded;

/// How far a bare domain may reach before its slash; longer ones are read as words.
const DOMAIN_MAX: usize = 80;
/// The longest link that is searched for a code.
const LINK_MAX: usize = 600;

/// The end of a link that starts at `start` (scheme, `www.`, or a domain with a path).
pub(super) fn link_end(text: &Folded, start: usize, word_end: usize) -> Option<usize> {
    let scheme = text.low.get(word_end..word_end + 3) == Some(b"://".as_slice());
    let www = text.low.get(start..word_end) == Some(b"www".as_slice()) && text.byte(word_end) == b'.';
    let mut end = if scheme || www { word_end + 1 } else { domain_path(text, start, word_end)? };
    while is_link_byte(text.byte(end)) {
        end += 1;
    }
    while end > word_end && matches!(text.before(end), b'.' | b',' | b'!' | b'?' | b')' | b':' | b';' | b'\'')
    {
        end -= 1;
    }
    Some(end)
}

/// The slash after a bare domain ("t.co/", "v.example.com/").
fn domain_path(text: &Folded, start: usize, word_end: usize) -> Option<usize> {
    let mut at = word_end;
    let mut dot = None;
    while at < start + DOMAIN_MAX {
        match text.byte(at) {
            b'.' => dot = Some(at),
            b'-' | b'0'..=b'9' | b'a'..=b'z' => {}
            b'/' | b'?' => break,
            _ => return None,
        }
        at += 1;
    }
    let top = text.low.get(dot? + 1..at)?;
    let plausible = (2..=12).contains(&top.len()) && top.iter().all(u8::is_ascii_lowercase);
    (plausible && matches!(text.byte(at), b'/' | b'?') && text.byte(at + 1) > b' ').then_some(at)
}

fn is_link_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'[' | b']' | b'~' | b'$')
}

/// How plainly a link says that it holds the code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Plainness {
    /// A parameter named so: `?code=123456`.
    Named,
    /// The last part of a path that is about verifying: `/verify/123456`, `v.example.com/123456`.
    Path,
}

/// The code inside the link at `start..end`, as a range of the text.
pub(super) fn code_in(text: &Folded, start: usize, end: usize) -> Option<(Plainness, usize, usize)> {
    let end = end.min(start + LINK_MAX);
    let link = text.low.get(start..end)?;
    let roles = || {
        (0..link.len()).filter(|at| starts_part(link, *at)).filter_map(|at| lexicon::find(text, start + at))
    };
    if roles().any(|(role, _)| matches!(role, Role::Spoil | Role::Promo)) {
        return None;
    }
    if let Some((from, to)) = named(link) {
        return Some((Plainness::Named, start + from, start + to));
    }
    let verifying = (0..link.len()).filter(|at| starts_part(link, *at)).any(|at| is_verifying(link, at));
    let (from, to) = path(link, verifying)?;
    Some((Plainness::Path, start + from, start + to))
}

/// A parameter whose name says "code".
fn named(link: &[u8]) -> Option<(usize, usize)> {
    let mut from = link.iter().position(|byte| matches!(byte, b'?' | b'#'))? + 1;
    while from < link.len() {
        let rest = link.get(from..)?;
        let length = rest.iter().position(|byte| matches!(byte, b'&' | b';' | b'#')).unwrap_or(rest.len());
        let pair = rest.get(..length)?;
        if let Some(split) = pair.iter().position(|byte| *byte == b'=') {
            let (name, value) = pair.split_at(split);
            let value = value.get(1..)?;
            if is_code_name(name) && is_code_value(value) {
                return Some((from + split + 1, from + length));
            }
        }
        from += length + 1;
    }
    None
}

fn is_code_name(name: &[u8]) -> bool {
    let spoiled =
        [b"promo".as_slice(), b"coupon", b"ref", b"discount", b"country", b"zip", b"invite", b"lang"];
    let told =
        name.ends_with(b"code") || matches!(name, b"otp" | b"pin" | b"passcode" | b"c" | b"vc" | b"tan");
    told && !spoiled.iter().any(|word| name.windows(word.len()).any(|part| part == *word))
}

fn is_code_value(value: &[u8]) -> bool {
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    let letters = value.iter().filter(|byte| byte.is_ascii_lowercase()).count();
    let dashes = value.iter().filter(|byte| **byte == b'-').count();
    (4..=8).contains(&(digits + letters))
        && digits > 0
        && dashes <= 1
        && digits + letters + dashes == value.len()
}

/// The last part of the path, if it is 4 to 8 digits, perhaps in two groups, and the link is about verifying.
fn path(link: &[u8], verifying: bool) -> Option<(usize, usize)> {
    let slash = link.iter().rposition(|byte| *byte == b'/')?;
    let last = link.get(slash + 1..)?;
    let host = link.windows(3).position(|part| part == b"://").map_or(0, |place| place + 3);
    let digits = is_code_value(last) && !last.iter().any(u8::is_ascii_lowercase);
    let short_host = link.get(host..).is_some_and(|rest| rest.starts_with(b"v."));
    (digits && (verifying || short_host)).then_some((slash + 1, link.len()))
}

/// Path words that promise a code after them; "security" or "access" do not.
const VERIFYING: [&[u8]; 8] = [b"verif", b"confirm", b"auth", b"otp", b"code", b"2fa", b"activat", b"valid"];

fn is_verifying(link: &[u8], at: usize) -> bool {
    link.get(at..).is_some_and(|rest| VERIFYING.iter().any(|word| rest.starts_with(word)))
}

fn starts_part(link: &[u8], at: usize) -> bool {
    at.checked_sub(1)
        .and_then(|before| link.get(before))
        .is_some_and(|byte| matches!(byte, b'/' | b'.' | b'-'))
}
