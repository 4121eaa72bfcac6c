//! Cuts a folded message into tokens in one pass: known words, other words, numbers, links, marks.
//! Guards: every step moves forward, whatever the input, and work is linear in the length.
//! Must never decide which number is the code; it only says which ones could be.

use super::lexicon::{self, Role};
use super::normalise::Folded;
use super::{bound, dashes, links, numbers};

/// What a token is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// A known word.
    Sign(Role),
    /// Any other word, or a run of letters of a script without spaces.
    Word,
    /// Digits, perhaps grouped, that could be a code.
    Digits,
    /// Letters and digits (or grouped capitals) that could be a code.
    Mixed,
    /// A number that is no code at sight: date, price, phone number, masked card.
    Figure,
    /// A link.
    Link,
    /// One punctuation mark (a run of the same mark is one token).
    Mark(u8),
    /// A line feed.
    Line,
}

/// A piece of the message, as a range of its folded bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// The longest code, in letters and digits.
pub(super) const CODE_MAX: usize = 10;

/// Cuts `text` up to its Retriever hash, if it ends in one.
pub(super) fn cut(text: &Folded) -> Vec<Token> {
    let end = bound::hash_start(text);
    let mut tokens = Vec::with_capacity(end / 4 + 8);
    let mut at = 0;
    while at < end {
        let token = next(text, at);
        debug_assert!(token.is_none_or(|token| token.end > at), "the cut must move forward");
        at = token.map_or(at + 1, |token| token.end.max(at + 1));
        let Some(token) = token else { continue };
        match (token.kind, tokens.last_mut()) {
            (Kind::Mark(mark), Some(Token { kind: Kind::Mark(last), end, .. })) if mark == *last => {
                *end = token.end;
            }
            _ => tokens.push(token),
        }
    }
    tokens
}

/// The token at `at`, or nothing at a space.
fn next(text: &Folded, at: usize) -> Option<Token> {
    let made = |kind: Kind, end: usize| Some(Token { kind, start: at, end });
    match text.byte(at) {
        b' ' => None,
        b'\n' => made(Kind::Line, at + 1),
        b'a'..=b'z' | b'0'..=b'9' => Some(chunk(text, at)),
        0x80.. => Some(foreign(text, at)),
        b'+' => match numbers::international(text, at) {
            Some(end) => made(Kind::Figure, end),
            None => made(Kind::Mark(b'+'), at + 1),
        },
        b'(' => match numbers::bracketed_phone(text, at) {
            Some(end) => made(Kind::Figure, end),
            None => made(Kind::Mark(b'('), at + 1),
        },
        mark => made(Kind::Mark(mark), at + 1),
    }
}

/// A run of ASCII letters and digits.
fn chunk(text: &Folded, start: usize) -> Token {
    let end = text.alnum_end(start);
    let made = |kind: Kind, end: usize| Token { kind, start, end };
    if matches!(text.byte(end), b':' | b'.' | b'/' | b'-')
        && let Some(link) = links::link_end(text, start, end)
    {
        return made(Kind::Link, link);
    }
    if let Some(end) = single_characters(text, start, end) {
        return made(Kind::Mixed, end);
    }
    let letters = text.letters_end(start);
    let digits = text.digits_end(start);
    if letters < end && (start..end).any(|at| text.written(at) == 0) {
        return made(Kind::Figure, end);
    }
    if letters == end {
        word(text, start, end)
    } else if digits == end {
        dashes::read(text, start, end).unwrap_or_else(|| {
            let (kind, end) = numbers::read(text, start);
            made(kind, end)
        })
    } else if digits > start {
        digits_then_letters(text, start, digits, end)
    } else {
        letters_then_digits(text, start, letters, end)
    }
}

/// A word of ASCII letters, unless it opens a dashed code ("RKJ-YP6", "G-123456").
fn word(text: &Folded, start: usize, end: usize) -> Token {
    if text.byte(end) == b'-' {
        if let Some(code) = dashes::read(text, start, end) {
            return code;
        }
        // "your code isG-345821": the prefix of Google's codes, glued to a word.
        if text.written(end - 1) == b'G' && end - start > 1 && text.digits_end(end + 1) >= end + 5 {
            return signed(text, start, end - 1);
        }
    }
    signed(text, start, end)
}

/// The word as a sign, if it is known whole or by its stem or by the end of a compound.
fn signed(text: &Folded, start: usize, end: usize) -> Token {
    let found = lexicon::find(text, start);
    let compound = || end - start > 5 && is_code_compound(text, start, end);
    match found {
        Some((Role::Act | Role::Glue | Role::Is, to)) if to <= end && compound() => {
            Token { kind: Kind::Sign(Role::Code), start, end }
        }
        Some((role, to)) => Token { kind: Kind::Sign(role), start, end: to },
        None if compound() => Token { kind: Kind::Sign(Role::Code), start, end },
        None => Token { kind: Kind::Word, start, end },
    }
}

/// Germanic and Finnic compounds end in the word for code: "Bestätigungscode", "vahvistuskoodia".
const CODE_ENDINGS: [&[u8]; 24] = [
    b"code",
    b"codes",
    b"kode",
    b"koden",
    b"koder",
    b"kod",
    b"kodu",
    b"koodi",
    b"koodia",
    b"koodin",
    b"koodilla",
    b"koodisi",
    b"kood",
    b"passwort",
    b"passworts",
    b"kennwort",
    b"wachtwoord",
    b"passord",
    b"passordet",
    b"losenord",
    b"salasana",
    b"pincode",
    b"kodnya",
    b"kodet",
];

fn is_code_compound(text: &Folded, start: usize, end: usize) -> bool {
    let word = text.low.get(start..end).unwrap_or_default();
    CODE_ENDINGS.iter().any(|ending| word.ends_with(ending)) && !word.ends_with(b"barcode")
}

/// "5mins", "500mah", "123456is", "2fa", or an alphanumeric code that starts with digits.
fn digits_then_letters(text: &Folded, start: usize, digits: usize, end: usize) -> Token {
    if let Some((role, to)) = lexicon::find(text, start)
        && to == end
    {
        return Token { kind: Kind::Sign(role), start, end: to };
    }
    match lexicon::find(text, digits) {
        Some((Role::Unit | Role::Money, to)) if to == end => Token { kind: Kind::Figure, start, end },
        Some((_, to)) if to == end && digits - start >= 4 && !text.is_capital(digits) => {
            let (kind, end) = numbers::read(text, start);
            Token { kind, start, end }
        }
        _ => mixed(text, start, end),
    }
}

/// "OTP123456", "Rs500", "XX1234", or an alphanumeric code that starts with letters.
fn letters_then_digits(text: &Folded, start: usize, letters: usize, end: usize) -> Token {
    let hidden =
        text.low.get(start..letters).is_some_and(|mask| mask.len() > 1 && mask.iter().all(|x| *x == b'x'));
    if hidden {
        return Token { kind: Kind::Figure, start, end };
    }
    let glued = text.digits_end(letters) == end && (letters - start > 2 || end - letters >= 4);
    match lexicon::find(text, start) {
        Some((role, to)) if to == letters && glued && (letters - start > 2 || role == Role::Money) => {
            Token { kind: Kind::Sign(role), start, end: to }
        }
        _ => mixed(text, start, end),
    }
}

/// Letters and digits that may be a code; part of a mail address or a domain is not.
fn mixed(text: &Folded, start: usize, end: usize) -> Token {
    if let Some(code) = dashes::read(text, start, end) {
        return code;
    }
    let next = text.byte(end + 1);
    let address = matches!(text.byte(end), b'@' | b'.' | b'_' | b'=')
        && next.is_ascii_lowercase()
        && !text.is_capital(end + 1);
    let handle = matches!(text.before(start), b'@' | b'_' | b'/');
    let kind = if address || handle || end - start > CODE_MAX { Kind::Figure } else { Kind::Mixed };
    Token { kind, start, end }
}

/// "a u 8 k u f": four to ten single characters with spaces between, at least one of them a digit.
fn single_characters(text: &Folded, start: usize, end: usize) -> Option<usize> {
    if end - start != 1 {
        return None;
    }
    let (mut last, mut count) = (end, 1);
    let mut digits = usize::from(text.byte(start).is_ascii_digit());
    while count <= CODE_MAX && text.byte(last) == b' ' && text.alnum_end(last + 1) == last + 2 {
        digits += usize::from(text.byte(last + 1).is_ascii_digit());
        last += 2;
        count += 1;
    }
    ((4..=CODE_MAX).contains(&count) && digits > 0 && digits < count).then_some(last)
}

/// A word in letters outside ASCII. In scripts without spaces a known word may start at any letter.
fn foreign(text: &Folded, start: usize) -> Token {
    if let Some((role, end)) = lexicon::find(text, start) {
        return Token { kind: Kind::Sign(role), start, end };
    }
    let first = start + lexicon::char_bytes(text.byte(start));
    if lexicon::is_spaceless_at(text, start) {
        let mut end = first;
        while lexicon::is_spaceless_at(text, end) && lexicon::find(text, end).is_none() {
            end += lexicon::char_bytes(text.byte(end));
        }
        return Token { kind: Kind::Word, start, end };
    }
    let end = lexicon::word_end(text, first);
    let kind = prefixed(text, start, end).map_or(Kind::Word, Kind::Sign);
    Token { kind, start, end }
}

/// Arabic and Hebrew write the article and small words onto the noun: "والرمز", "הקוד".
fn prefixed(text: &Folded, start: usize, end: usize) -> Option<Role> {
    let mut at = start;
    for _ in 0..3 {
        let prefix = text.low.get(at..at + 2)?;
        if !PREFIXES.iter().any(|letter| letter.as_bytes() == prefix) || at + 6 > end {
            return None;
        }
        at += 2;
        if let Some((role, _)) = lexicon::find(text, at) {
            return Some(role);
        }
    }
    None
}

const PREFIXES: [&str; 13] = ["ا", "ل", "و", "ب", "ف", "ك", "ה", "ל", "ב", "ש", "ו", "מ", "כ"];
