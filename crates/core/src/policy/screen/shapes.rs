//! Numbers that look like money's: account numbers, the masked ends of cards, amounts.
//!
//! Guards: works on the text as written, because folding drops the marks that make the shape. Must never take
//! a one-time code of four to eight digits for one of these.

/// Which shapes a text shows.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Shapes {
    /// An international bank account number (ISO 13616), whole or with its middle left out.
    pub(super) iban: Seen,
    /// A card's number, whole or with its middle left out.
    pub(super) card: Seen,
    /// The last digits of a card or account behind a mask, as in `*4471`.
    pub(super) tail: Seen,
    /// A currency sign beside a number.
    pub(super) amount: Seen,
    /// A number of four to eight digits: there may be a code.
    pub(super) code: Seen,
}

/// Whether something was seen.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) enum Seen {
    #[default]
    No,
    Yes,
}

impl Seen {
    fn note(&mut self, seen: bool) {
        if seen {
            *self = Self::Yes;
        }
    }
    /// The points, if it was seen.
    pub(super) const fn worth(self, points: u8) -> u8 {
        match self {
            Self::Yes => points,
            Self::No => 0,
        }
    }
}

/// Looks at `text`. Linear in its length.
pub(super) fn shapes(text: &str) -> Shapes {
    let mut found = Shapes::default();
    let mut before = "";
    for word in text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '(' | ')' | '/' | ':')) {
        // Leading dots stay: they may be a mask, as in `...4471`.
        let edge = |c: char| matches!(c, '"' | '\'' | '!' | '?' | '-' | '[' | ']');
        let word = word.trim_start_matches(edge).trim_end_matches(|c: char| edge(c) || c == '.');
        if word.is_empty() {
            continue;
        }
        found.iban.note(is_iban(word) || is_split_iban(before, word));
        found.card.note(is_card(word));
        found.tail.note(is_tail(word) || (is_mask_only(before) && is_short_number(word)));
        found.code.note(has_code(word));
        before = word;
    }
    found.amount.note(has_amount(text));
    found
}

/// `DE12500105170648984310`, or `DE12...9910` and `ES**3391`.
fn is_iban(word: &str) -> bool {
    let mut chars = word.chars();
    let country = chars.by_ref().take(2).filter(char::is_ascii_uppercase).count() == 2;
    let rest = chars.as_str();
    let check = rest.chars().take(2).all(|c| c.is_ascii_digit() || c == '*');
    if !country || !check {
        return false;
    }
    let digits = rest.chars().filter(char::is_ascii_digit).count();
    let whole = (13..=32).contains(&rest.len()) && rest.chars().all(|c| c.is_ascii_alphanumeric());
    let masked = rest.chars().any(is_mask) && rest.chars().all(|c| c.is_ascii_digit() || is_mask(c));
    // Eight digits beside the two check digits.
    (whole && digits >= 10) || (masked && digits >= 3)
}

/// `DE12 5001`: the first two groups of four.
fn is_split_iban(before: &str, word: &str) -> bool {
    let upper = before.chars().take(2).filter(char::is_ascii_uppercase).count() == 2;
    let digits = |text: &str, count: usize| text.chars().filter(char::is_ascii_digit).count() == count;
    upper && before.len() == 4 && digits(before, 2) && word.len() == 4 && digits(word, 4)
}

/// 13 to 19 digits with a right check digit (ISO/IEC 7812), or four digits or more on both sides of a mask.
fn is_card(word: &str) -> bool {
    let digits = word.chars().filter(char::is_ascii_digit).count();
    if digits == word.len() {
        return (13..=19).contains(&digits) && luhn(word);
    }
    let parts: Vec<&str> =
        word.split(|c: char| c != '.' && is_mask(c)).filter(|part| !part.is_empty()).collect();
    let numbers = parts.iter().all(|part| part.chars().all(|c| c.is_ascii_digit()));
    // At least two marks: `1920x1080` is no card.
    let masked = word.chars().count() >= digits + 2;
    masked && matches!(parts.as_slice(), [first, last] if numbers && first.len() >= 4 && last.len() == 4)
}

fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .chars()
        .rev()
        .filter_map(|c| c.to_digit(10))
        .enumerate()
        .map(|(place, digit)| match (place % 2, digit * 2) {
            (0, _) => digit,
            (_, twice) if twice > 9 => twice - 9,
            (_, twice) => twice,
        })
        .sum();
    sum.is_multiple_of(10)
}

const fn is_mask(c: char) -> bool {
    matches!(c, '*' | '•' | '●' | '∙' | '·' | '…' | '.' | 'x' | 'X' | '＊' | '×')
}

/// A mask, then three or four digits: `*4471`, `XX8812`, `...991`.
fn is_tail(word: &str) -> bool {
    let number = word.trim_start_matches(|c: char| !c.is_ascii_digit());
    let mask = word.strip_suffix(number).unwrap_or_default();
    let long = mask.chars().rev().take_while(|c| is_mask(*c)).count();
    // `x4417` too, but not `Pixel4417`.
    is_short_number(number) && (long >= 2 || mask.ends_with(['*', '•', '＊']) || mask == "x")
}

fn is_mask_only(word: &str) -> bool {
    word.chars().count() >= 2 && word.chars().all(is_mask)
}

fn is_short_number(word: &str) -> bool {
    (3..=4).contains(&word.len()) && word.chars().all(|c| c.is_ascii_digit())
}

/// Four to eight digits between other characters; Arabic and Indian digits too.
fn has_code(word: &str) -> bool {
    word.split(|c: char| !c.is_numeric()).any(|run| (4..=8).contains(&run.chars().count()))
}

/// A currency sign (Unicode block U+20A0 and the older ones) with a number on one side.
fn has_amount(text: &str) -> bool {
    let mut last = ' ';
    let mut sign_before = false;
    for c in text.chars() {
        if is_currency(c) {
            if last.is_numeric() {
                return true;
            }
            sign_before = true;
        } else if c != ' ' && c != '\u{a0}' {
            if sign_before && c.is_numeric() {
                return true;
            }
            sign_before = false;
            last = c;
        }
    }
    false
}

const fn is_currency(c: char) -> bool {
    matches!(c, '$' | '¢'..='¥' | '\u{20A0}'..='\u{20CF}' | '฿' | '៛' | '﷼' | '￥' | '￡' | '元' | '円' | '원')
}

#[cfg(test)]
mod tests {
    use super::{Seen, shapes};

    #[test]
    fn account_and_card_numbers_are_seen_whole_and_masked() {
        for text in ["DE12500105170648984310", "to DE12 5001 0517", "IBAN DE12...9910.", "ES**3391"] {
            assert_eq!(shapes(text).iban, Seen::Yes, "{text}");
        }
        for text in ["card 4111111111111111", "6037**4471", "541275******9034"] {
            assert_eq!(shapes(text).card, Seen::Yes, "{text}");
        }
        for text in ["a/c XX8812", "*4471", "**** 4471", "card ...4471", "XXXX1234"] {
            assert_eq!(shapes(text).tail, Seen::Yes, "{text}");
        }
    }

    #[test]
    fn codes_names_and_dates_are_no_such_numbers() {
        for text in ["G-558120", "Code: 12345678", "1Z999AA10123456784", "QQ 57******2", "551-920", "K7P4Q"] {
            let found = shapes(text);
            assert_eq!((found.iban, found.card, found.tail), (Seen::No, Seen::No, Seen::No), "{text}");
        }
        assert_eq!(shapes("4111111111111112").card, Seen::No);
        assert_eq!(shapes("on 2024-05-04 at 10:20, 1920x1080").tail, Seen::No);
        assert_eq!(shapes("code 558120").code, Seen::Yes);
        assert_eq!(shapes("in 10 minutes").code, Seen::No);
    }

    #[test]
    fn an_amount_has_a_currency_sign_beside_a_number() {
        for text in ["$5", "12,50 €", "₹ 2,499", "金额12,500円", "35,000원"] {
            assert_eq!(shapes(text).amount, Seen::Yes, "{text}");
        }
        for text in ["your $name", "€", "元旦"] {
            assert_eq!(shapes(text).amount, Seen::No, "{text}");
        }
    }
}
