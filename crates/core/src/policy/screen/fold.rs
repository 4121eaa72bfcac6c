//! Folds a text so that words can be compared: lower case, no accents, ASCII digits, single spaces.
//!
//! Guards: the output begins and ends with a space, words are parted by one space, and the end of a sentence
//! is a word of its own, [`END`]. Must never put two words of the sender together into one.

/// The end of a sentence.
pub(super) const END: char = '.';

/// What a character is part of. Where it changes, a word ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// Between words.
    Gap,
    Digit,
    /// Scripts that part words by spaces.
    Spaced,
    /// Scripts that do not, and Korean, which puts its nouns together.
    Solid,
}

/// Folds `text`. Linear in its length.
pub(super) fn fold(text: &str) -> String {
    let mut folded = Folding { out: String::with_capacity(text.len() + 2), last: Kind::Gap };
    folded.out.push(' ');
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if is_end(c, rest.peek().copied()) {
            folded.gap();
            folded.out.push(END);
            folded.out.push(' ');
        } else if !is_mark(c) {
            folded.push(c);
        }
    }
    folded.gap();
    folded.out
}

/// Whether folded text at this place belongs to a script whose words stand anywhere, not only after a space.
pub(super) fn is_solid(c: char) -> bool {
    matches!(u32::from(c),
        0x0E00..=0x0EFF | 0x1000..=0x109F | 0x1100..=0x11FF | 0x1780..=0x17FF | 0x3040..=0x318F
        | 0x3400..=0x9FFF | 0xAC00..=0xD7AF | 0xF900..=0xFAFF | 0x20000..=0x3FFFF)
}

struct Folding {
    out: String,
    last: Kind,
}

impl Folding {
    /// Ends a word.
    fn gap(&mut self) {
        if !self.out.ends_with(' ') {
            self.out.push(' ');
        }
        self.last = Kind::Gap;
    }

    fn push(&mut self, c: char) {
        let c = plain(c);
        let kind = kind(c);
        if kind == Kind::Gap {
            return self.gap();
        }
        if kind != self.last {
            self.gap();
        }
        self.out.push(c);
        if c == 'ß' {
            self.out.pop();
            self.out.push_str("ss");
        }
        self.last = kind;
    }
}

/// A stop ends a sentence unless a letter or digit follows at once, as in `gov.uk` and `12.50`.
fn is_end(c: char, next: Option<char>) -> bool {
    match c {
        '.' => !next.is_some_and(char::is_alphanumeric),
        '!' | '?' | '\n' | '。' | '！' | '？' | '؟' | '۔' | '।' | '｡' | '…' => true,
        _ => false,
    }
}

fn kind(c: char) -> Kind {
    match c {
        '0'..='9' => Kind::Digit,
        'a'..='z' => Kind::Spaced,
        _ if c.is_ascii() => Kind::Gap,
        _ if is_solid(c) => Kind::Solid,
        // The vowel signs of India's scripts are letters here: they hold words together.
        '\u{0900}'..='\u{0DFF}' => Kind::Spaced,
        _ if c.is_alphabetic() => Kind::Spaced,
        _ => Kind::Gap,
    }
}

/// Accents, points, joiners, marks of direction: nothing that anybody reads.
fn is_mark(c: char) -> bool {
    matches!(u32::from(c),
        0xAD | 0x0300..=0x036F | 0x0591..=0x05C7 | 0x0610..=0x061A | 0x0640 | 0x064B..=0x065F | 0x0670
        | 0x093C | 0x09BC | 0x0A3C | 0x0ABC | 0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x206F
        | 0xFE00..=0xFE0F | 0xFEFF)
}

/// One spelling for what looks or means the same.
fn plain(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    let c = c.to_lowercase().next().unwrap_or(c);
    match c {
        '\u{00C0}'..='\u{024F}' | '\u{0259}' | '\u{1E00}'..='\u{1EFF}' => latin(c),
        '٠'..='٩' => digit(c, '٠'),
        '۰'..='۹' => digit(c, '۰'),
        '०'..='९' => digit(c, '०'),
        '০'..='৯' => digit(c, '০'),
        '๐'..='๙' => digit(c, '๐'),
        '０'..='９' => digit(c, '０'),
        'ａ'..='ｚ' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
        'أ' | 'إ' | 'آ' | 'ٱ' => 'ا',
        'ى' | 'ی' | 'ئ' => 'ي',
        'ک' | 'ڪ' => 'ك',
        'ة' | 'ہ' | 'ھ' | 'ۀ' | 'ۃ' | 'ە' => 'ه',
        'ά' => 'α',
        'έ' => 'ε',
        'ή' => 'η',
        'ί' | 'ϊ' | 'ΐ' => 'ι',
        'ό' => 'ο',
        'ύ' | 'ϋ' | 'ΰ' => 'υ',
        'ώ' => 'ω',
        'ς' => 'σ',
        'ё' => 'е',
        '\u{09DF}' => 'য',
        '\u{09DC}' => 'ড',
        _ => c,
    }
}

fn digit(c: char, zero: char) -> char {
    u32::from(c).checked_sub(u32::from(zero)).and_then(|value| char::from_digit(value, 10)).unwrap_or(c)
}

/// A Latin letter without its accent. Lower case comes in.
fn latin(c: char) -> char {
    match c {
        'à'..='æ' | 'ā' | 'ă' | 'ą' | 'ǎ' | 'ạ'..='ặ' => 'a',
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => 'c',
        'ð' | 'ď' | 'đ' => 'd',
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' | 'ə' | 'ẹ'..='ệ' => 'e',
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => 'g',
        'ĥ' | 'ħ' => 'h',
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' | 'ỉ'..='ị' => 'i',
        'ĵ' => 'j',
        'ķ' => 'k',
        'ĺ' | 'ļ' | 'ľ' | 'ŀ' | 'ł' => 'l',
        'ñ' | 'ń' | 'ņ' | 'ň' => 'n',
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' | 'œ' | 'ơ' | 'ọ'..='ợ' => 'o',
        'ŕ' | 'ŗ' | 'ř' => 'r',
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => 's',
        'þ' | 'ţ' | 'ť' | 'ŧ' | 'ț' => 't',
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' | 'ư' | 'ụ'..='ự' => 'u',
        'ŵ' => 'w',
        'ý' | 'ÿ' | 'ŷ' | 'ỳ'..='ỹ' => 'y',
        'ź' | 'ż' | 'ž' => 'z',
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::fold;

    #[test]
    fn words_are_parted_by_one_space_and_lose_case_and_accents() {
        assert_eq!(fold("  Crédit—Maritime:\t55 "), " credit maritime 55 ");
        assert_eq!(fold("ŞİFRE Ödeme đã Łódź Straße"), " sifre odeme da lodz strasse ");
        assert_eq!(fold("Τράπεζα Ёлка"), " τραπεζα елка ");
        assert_eq!(fold("ＡＢ１２ ٤٨"), " ab 12 48 ");
        assert_eq!(fold(""), " ");
    }

    #[test]
    fn letters_digits_and_solid_scripts_part() {
        assert_eq!(fold("Rs500 XX8812 kredit24"), " rs 500 xx 8812 kredit 24 ");
        assert_eq!(fold("您的PayPal账户"), " 您的 paypal 账户 ");
        assert_eq!(fold("प्राप्त रु"), " प्राप्त रु ");
    }

    #[test]
    fn the_end_of_a_sentence_is_a_word() {
        assert_eq!(fold("Hi. Code 12.50 on gov.uk! Bye\nnow."), " hi . code 12 50 on gov uk . bye . now . ");
        assert_eq!(fold("好。"), " 好 . ");
    }
}
