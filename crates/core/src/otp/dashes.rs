//! Codes in parts with hyphens that hold letters: "RKJ-YP6", "AB12-CD34", and Google's "G-123456".
//! Guards: only capitals and digits form parts, so ordinary hyphenated words are left alone.
//! Must never take a date, range or phone number; runs of digits alone belong to `numbers`.

use super::lexicon;
use super::normalise::Folded;
use super::tokens::{CODE_MAX, Kind, Token};

/// What the parts of a hyphenated run hold together.
struct Parts {
    /// Parts after the first.
    more: usize,
    /// Letters and digits after the first part, and the digits among them.
    characters: usize,
    digits: usize,
    equal: bool,
    end: usize,
}

/// Reads "-YP6", "-123456": parts of capitals and digits after the first.
fn parts_after(text: &Folded, start: usize, first_end: usize) -> Option<Parts> {
    let google = is_google_prefix(text, start, first_end);
    let mut parts = Parts { more: 0, characters: 0, digits: 0, equal: true, end: first_end };
    while parts.more < CODE_MAX
        && text.byte(parts.end) == b'-'
        && text.byte(parts.end + 1).is_ascii_alphanumeric()
    {
        let from = parts.end + 1;
        let to = part_end(text, from, google);
        if to - from > CODE_MAX || is_known(text, from, to) || !(google || is_capital_run(text, from, to)) {
            return None;
        }
        parts.more += 1;
        parts.characters += to - from;
        parts.digits += count_digits(text, from, to);
        parts.equal &= to - from == first_end - start;
        parts.end = to;
    }
    (parts.more > 0).then_some(parts)
}

/// The end of a part; after Google's prefix a word may be glued on ("G-345821for").
fn part_end(text: &Folded, from: usize, google: bool) -> usize {
    let digits = text.digits_end(from);
    if google && digits >= from + 4 { digits } else { text.alnum_end(from) }
}

/// Parts of capitals and digits joined by hyphens: "RKJ-YP6", "AB12-CD34". A short prefix of letters before
/// digits ("G-123456") is shown on the sender's page already and is cut off.
pub(super) fn read(text: &Folded, start: usize, first_end: usize) -> Option<Token> {
    let google = is_google_prefix(text, start, first_end);
    let first = first_end - start;
    let capitals = google || is_capital_run(text, start, first_end);
    if text.byte(first_end) != b'-' || first > CODE_MAX || !capitals || is_known(text, start, first_end) {
        return None;
    }
    let parts = parts_after(text, start, first_end)?;
    let first_digits = count_digits(text, start, first_end);
    let all_digits = parts.digits == parts.characters;
    if first_digits == 0
        && first <= 4
        && (4..=CODE_MAX).contains(&parts.characters)
        && parts.digits > 0
        && (all_digits || google)
    {
        let kind = if all_digits { Kind::Digits } else { Kind::Mixed };
        return Some(Token { kind, start: first_end + 1, end: parts.end });
    }
    let characters = first + parts.characters;
    let letters = characters - first_digits - parts.digits;
    let alike = parts.equal || (parts.digits > 0 && (first_digits > 0 || first_digits == 0 && first <= 4));
    let code = (4..=CODE_MAX).contains(&characters) && letters > 0 && alike;
    code.then_some(Token { kind: Kind::Mixed, start, end: parts.end })
}

fn is_capital_run(text: &Folded, start: usize, end: usize) -> bool {
    (start..end).all(|at| text.written(at).is_ascii_digit() || text.is_capital(at))
}

fn count_digits(text: &Folded, start: usize, end: usize) -> usize {
    (start..end).filter(|at| text.byte(*at).is_ascii_digit()).count()
}

fn is_google_prefix(text: &Folded, start: usize, end: usize) -> bool {
    end - start == 1 && text.byte(start) == b'g'
}

/// Whether the part is a word of the tables: "OTP-482913" and "SMS-TAN" are no codes in parts.
fn is_known(text: &Folded, start: usize, end: usize) -> bool {
    text.letters_end(start) == end && matches!(lexicon::find(text, start), Some((_, to)) if to == end)
}
