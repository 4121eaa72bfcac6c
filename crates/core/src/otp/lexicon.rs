//! What words mean to the extraction: a role per word, from tables by language, found by their first letters.
//! Guards: every table entry is written folded (a test proves it), and one spelling has one role.
//! Must never hold a word of one sender or one message: only the vocabulary of a language.

use super::normalise::Folded;
use super::{words_asia, words_east, words_nordic, words_west};

/// What a known word tells about the numbers near it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    /// Names a code: "code", "OTP", "пароль".
    Code,
    /// Says what a code is for: "verify", "log in", "one-time". Alone it is weak evidence.
    Act,
    /// Tells the reader to type a code: "enter".
    Enter,
    /// The same, but weaker: "use", "with".
    With,
    /// Joins a noun and its value: "is", "lautet".
    Is,
    /// Small words that do not separate anything: "your", "the", "pour".
    Glue,
    /// "of" and its kin, between a code and what spoils it ("code de réduction").
    Of,
    /// Warnings and lifetimes that go with one-time codes: "do not share", "expires".
    Secret,
    /// Beside "code" it makes another thing of it ("promo code"); before a number it owns the number.
    Spoil,
    /// Spoils in the same way, and makes the whole message look like an advertisement: "discount", "coupon".
    Promo,
    /// Owns the number after it: order, account, amount, room.
    Nay,
    /// Places what follows in time or space: "at", "um". Before four digits it makes an hour or a year of
    /// them.
    At,
    /// The number after it is dialled or written to.
    Phone,
    /// The number is the end of a longer one: "ending in 1234".
    Tail,
    /// A currency.
    Money,
    /// Counts time or quantity after a number.
    Unit,
    /// Prefers this code: "new code".
    Fresh,
    /// Avoids this code: "old code", "test code".
    Stale,
    /// Looks like another entry but means nothing here: "verified", "kodak".
    Idle,
}

/// Words of one role, separated by `|`. A trailing `*` marks a stem. A space stands for space, hyphen,
/// apostrophe, quote, underscore or line feed.
pub(super) struct Group {
    role: Role,
    words: &'static str,
}

/// A group of the tables.
pub(super) const fn group(role: Role, words: &'static str) -> Group {
    Group { role, words }
}

const TABLES: [&[Group]; 6] = [
    words_west::ENGLISH,
    words_west::ROMANCE,
    words_nordic::GROUPS,
    words_east::GROUPS,
    words_asia::INDIC_SEMITIC,
    words_asia::FAR_EAST,
];

/// One entry, by place: table, group, first byte in the group's text, length without the `*`.
#[derive(Clone, Copy)]
struct Slot {
    table: u8,
    group: u8,
    start: u16,
    length: u8,
    stem: bool,
}

const NO_SLOT: Slot = Slot { table: 0, group: 0, start: 0, length: 0, stem: false };
const BUCKETS: usize = 2048;
const ENTRIES: usize = index_fill().1;

/// Where the entries of each bucket begin (one more than the buckets), and the entries in bucket order.
struct Index {
    heads: [u16; BUCKETS + 1],
    slots: [Slot; ENTRIES],
}

static INDEX: Index = index_build();

/// Counts entries by bucket; also the number of all.
#[expect(clippy::indexing_slicing, reason = "const evaluation: a bad index fails the build")]
const fn index_fill() -> ([u16; BUCKETS + 1], usize) {
    let mut heads = [0_u16; BUCKETS + 1];
    let mut all = 0;
    let mut walk = Walk::start();
    while let Some((key, _)) = walk.entry() {
        heads[bucket(key) + 1] += 1;
        all += 1;
    }
    let mut i = 0;
    while i < BUCKETS {
        heads[i + 1] += heads[i];
        i += 1;
    }
    (heads, all)
}

#[expect(
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "const evaluation: a bad index fails the build"
)]
const fn index_build() -> Index {
    let (heads, _) = index_fill();
    let mut next = heads;
    let mut slots = [NO_SLOT; ENTRIES];
    let mut walk = Walk::start();
    while let Some((key, slot)) = walk.entry() {
        slots[next[bucket(key)] as usize] = slot;
        next[bucket(key)] += 1;
    }
    Index { heads, slots }
}

/// Reads the tables entry by entry, at compile time.
struct Walk {
    table: usize,
    group: usize,
    at: usize,
}

impl Walk {
    const fn start() -> Walk {
        Walk { table: 0, group: 0, at: 0 }
    }

    #[expect(
        clippy::indexing_slicing,
        clippy::as_conversions,
        clippy::cast_possible_truncation,
        reason = "const evaluation: a bad index fails the build, and a test reads every entry back"
    )]
    const fn entry(&mut self) -> Option<([u8; 3], Slot)> {
        while self.table < TABLES.len() {
            let groups = TABLES[self.table];
            if self.group == groups.len() {
                self.table += 1;
                self.group = 0;
                continue;
            }
            let words = groups[self.group].words.as_bytes();
            if self.at >= words.len() {
                self.group += 1;
                self.at = 0;
                continue;
            }
            let start = self.at;
            let mut end = start;
            while end < words.len() && words[end] != b'|' {
                end += 1;
            }
            self.at = end + 1;
            let stem = words[end - 1] == b'*';
            let length = if stem { end - start - 1 } else { end - start };
            let second = if length > 1 { words[start + 1] } else { 0 };
            let third = if length > 2 { words[start + 2] } else { 0 };
            let slot = Slot {
                table: self.table as u8,
                group: self.group as u8,
                start: start as u16,
                length: length as u8,
                stem,
            };
            return Some((key([words[start], second, third]), slot));
        }
        None
    }
}

/// The bytes an entry is filed under: up to three, cut before the first that is no part of a word.
const fn key(bytes: [u8; 3]) -> [u8; 3] {
    let [a, b, c] = bytes;
    let digits = a.is_ascii_digit();
    if !is_key_byte(b, digits) {
        [a, 0, 0]
    } else if !is_key_byte(c, digits) {
        [a, b, 0]
    } else {
        bytes
    }
}

const fn is_key_byte(byte: u8, digits: bool) -> bool {
    byte >= 0x80 || byte.is_ascii_lowercase() || (digits && byte.is_ascii_digit())
}

#[expect(clippy::as_conversions, reason = "widening in a const function; ten bits remain after the shift")]
const fn bucket(key: [u8; 3]) -> usize {
    let [a, b, c] = key;
    let packed = (a as u32) | ((b as u32) << 8) | ((c as u32) << 16);
    (packed.wrapping_mul(0x9E37_79B1) >> 21) as usize
}

/// The longest entry that begins at `at`, and where the match ends. A stem ends at the end of its letters.
pub(super) fn find(text: &Folded, at: usize) -> Option<(Role, usize)> {
    let key = key([text.byte(at), text.byte(at + 1), text.byte(at + 2)]);
    let place = bucket(key);
    let head = usize::from(*INDEX.heads.get(place)?);
    let tail = usize::from(*INDEX.heads.get(place + 1)?);
    let mut best: Option<(Role, usize)> = None;
    for slot in INDEX.slots.get(head..tail)? {
        let Some((role, words)) = entry(slot) else { continue };
        if let Some(end) = matches(text, at, words, slot.stem)
            && best.is_none_or(|(_, longest)| end > longest)
        {
            best = Some((role, end));
        }
    }
    let (role, end) = best?;
    Some((role, word_end(text, end)))
}

fn entry(slot: &Slot) -> Option<(Role, &'static [u8])> {
    let group = TABLES.get(usize::from(slot.table))?.get(usize::from(slot.group))?;
    let start = usize::from(slot.start);
    Some((group.role, group.words.as_bytes().get(start..start + usize::from(slot.length))?))
}

/// Where the entry's own bytes end in the text, if they stand there and the word may end there.
fn matches(text: &Folded, at: usize, words: &[u8], stem: bool) -> Option<usize> {
    let there = text.low.get(at..at + words.len())?;
    let same = there.iter().zip(words).all(|(&here, &want)| here == want || (want == b' ' && is_joint(here)));
    let end = at + words.len();
    (same && (stem || !continues(text, end))).then_some(end)
}

fn is_joint(byte: u8) -> bool {
    matches!(byte, b' ' | b'-' | b'\n' | b'\'' | b'"' | b'_')
}

/// Whether a word of the same script goes on at `end`. Scripts written without spaces never do.
fn continues(text: &Folded, end: usize) -> bool {
    let next = text.byte(end);
    match text.before(end) {
        0x80.. => next >= 0x80 && !is_spaceless(next, text.byte(end + 1)),
        b'0'..=b'9' => next.is_ascii_alphanumeric(),
        _ => next.is_ascii_lowercase(),
    }
}

/// The end of the letters from `at` on, in the script of the byte before it.
pub(super) fn word_end(text: &Folded, at: usize) -> usize {
    let mut end = at;
    if text.before(at) < 0x80 {
        while text.byte(end).is_ascii_lowercase() {
            end += 1;
        }
    } else if !inside_spaceless(text, at) {
        while text.byte(end) >= 0x80 && !is_spaceless_at(text, end) {
            end += char_bytes(text.byte(end));
        }
    }
    end
}

/// Whether the letter that ends just before `at` belongs to a script without spaces.
fn inside_spaceless(text: &Folded, at: usize) -> bool {
    (1..=4_usize)
        .filter_map(|back| at.checked_sub(back))
        .find(|start| text.byte(*start) >= 0xC0)
        .is_some_and(|start| is_spaceless_at(text, start))
}

/// How many bytes the UTF-8 letter with this first byte has.
pub(super) fn char_bytes(first: u8) -> usize {
    match first {
        0xF0.. => 4,
        0xE0.. => 3,
        0xC0.. => 2,
        _ => 1,
    }
}

/// Whether the letter at `at` belongs to a script written without spaces.
pub(super) fn is_spaceless_at(text: &Folded, at: usize) -> bool {
    is_spaceless(text.byte(at), text.byte(at + 1))
}

/// Thai, Lao, Myanmar, Khmer, kana, Han, Hangul, by the first two bytes of their UTF-8. Hangul has spaces,
/// but its nouns are glued together ("본인확인인증번호"), so it is read the same way.
fn is_spaceless(first: u8, second: u8) -> bool {
    match first {
        0xE0 => (0xB8..=0xBB).contains(&second),
        0xE1 => matches!(second, 0x80..=0x82 | 0x84..=0x87 | 0x9E | 0x9F),
        0xE2 | 0xEE | 0xEF => false,
        0xE3..=0xED => true,
        0xF0 => (0xA0..=0xB3).contains(&second),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::normalise::fold;
    use super::{ENTRIES, INDEX, Role, TABLES, entry, find};
    use std::collections::BTreeMap;

    #[test]
    fn entries_are_folded_and_have_one_role() {
        let mut seen: BTreeMap<&str, Role> = BTreeMap::new();
        let mut wrong = Vec::new();
        for group in TABLES.iter().flat_map(|table| table.iter()) {
            for word in group.words.split('|') {
                let bare = word.strip_suffix('*').unwrap_or(word);
                if fold(bare).low != bare.as_bytes() || bare.is_empty() || bare.len() > 250 {
                    wrong.push(format!("{word}: write it {:?}", String::from_utf8(fold(bare).low)));
                }
                if let Some(role) = seen.insert(word, group.role) {
                    wrong.push(format!("{word}: twice, {role:?} and {:?}", group.role));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert_eq!(seen.len(), ENTRIES);
    }

    #[test]
    fn every_entry_is_found_by_its_own_text() {
        for slot in &INDEX.slots {
            let (_, words) = entry(slot).unwrap();
            let text = fold(std::str::from_utf8(words).unwrap());
            assert_eq!(
                find(&text, 0).map(|(_, end)| end),
                Some(text.low.len()),
                "{:?}",
                std::str::from_utf8(words)
            );
        }
    }

    #[test]
    fn whole_words_stop_at_letters_and_stems_do_not() {
        assert_eq!(find(&fold("code: 1"), 0), Some((Role::Code, 4)));
        assert_eq!(find(&fold("codec"), 0), None);
        assert_eq!(find(&fold("verification x"), 0), Some((Role::Act, 12)));
        assert_eq!(find(&fold("verified"), 0), Some((Role::Idle, 8)));
        assert_eq!(find(&fold("otp123456"), 0), Some((Role::Code, 3)));
        assert_eq!(find(&fold("last 4: 1"), 0), Some((Role::Tail, 6)));
        assert_eq!(find(&fold("last 4821"), 0), Some((Role::Stale, 4)));
        assert_eq!(find(&fold("one-time"), 0), Some((Role::Act, 8)));
        assert_eq!(find(&fold("验证码是"), 0), Some((Role::Code, 9)));
    }
}
