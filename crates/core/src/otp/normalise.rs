//! Folds a message into bytes that are cheap to compare: lower case, no accents, ASCII digits, no marks.
//! Guards: `low` and `kept` have the same length, and every byte from 0x80 up in `low` belongs to a letter.
//! Must never invent a letter or digit that the sender did not write, and never look at the meaning of words.

/// A message after folding. The two byte strings run in parallel.
pub(super) struct Folded {
    /// Lower case, without accents, digits as ASCII; other scripts stay UTF-8. For matching.
    pub(super) low: Vec<u8>,
    /// The ASCII byte as written (case kept); 0 where the writer used anything else. For printing codes.
    pub(super) kept: Vec<u8>,
}

impl Folded {
    /// The folded byte at `i`, or 0 past either end.
    pub(super) fn byte(&self, i: usize) -> u8 {
        self.low.get(i).copied().unwrap_or(0)
    }

    /// The folded byte before `i`, or 0 at the start.
    pub(super) fn before(&self, i: usize) -> u8 {
        i.checked_sub(1).map_or(0, |p| self.byte(p))
    }

    /// The byte as written at `i`, or 0 where it was no ASCII.
    pub(super) fn written(&self, i: usize) -> u8 {
        self.kept.get(i).copied().unwrap_or(0)
    }

    /// Whether a capital letter of ASCII was written at `i`.
    pub(super) fn is_capital(&self, i: usize) -> bool {
        self.written(i).is_ascii_uppercase()
    }

    /// The end of the digits that start at `start`.
    pub(super) fn digits_end(&self, start: usize) -> usize {
        self.end_of(start, |byte| byte.is_ascii_digit())
    }

    /// The end of the ASCII letters that start at `start`.
    pub(super) fn letters_end(&self, start: usize) -> usize {
        self.end_of(start, |byte| byte.is_ascii_lowercase())
    }

    /// The end of the ASCII letters and digits that start at `start`.
    pub(super) fn alnum_end(&self, start: usize) -> usize {
        self.end_of(start, |byte| byte.is_ascii_alphanumeric())
    }

    fn end_of(&self, start: usize, belongs: fn(&u8) -> bool) -> usize {
        let rest = self.low.get(start..).unwrap_or_default();
        start + rest.iter().position(|byte| !belongs(byte)).unwrap_or(rest.len())
    }

    fn push(&mut self, low: u8, kept: u8) {
        self.low.push(low);
        self.kept.push(kept);
    }

    /// White space collapses: a run is one space, or one line feed if it holds one.
    fn push_blank(&mut self, blank: u8) {
        match self.low.last().copied() {
            Some(b'\n') | None => {}
            Some(b' ') if blank == b' ' => {}
            Some(b' ') => {
                self.low.pop();
                self.kept.pop();
                self.push(blank, blank);
            }
            Some(_) => self.push(blank, blank),
        }
    }

    fn push_letter(&mut self, letter: char) {
        let mut buffer = [0; 4];
        for &byte in letter.encode_utf8(&mut buffer).as_bytes() {
            self.push(byte, 0);
        }
    }
}

/// Folds `text`. Linear in its length.
pub(super) fn fold(text: &str) -> Folded {
    let mut folded = Folded { low: Vec::with_capacity(text.len()), kept: Vec::with_capacity(text.len()) };
    for c in text.chars() {
        match u8::try_from(c) {
            Ok(b'\n' | b'\r') => folded.push_blank(b'\n'),
            Ok(0..=b' ' | 0x7F) => folded.push_blank(b' '),
            Ok(byte) if byte.is_ascii() => folded.push(byte.to_ascii_lowercase(), byte),
            _ => fold_wide(&mut folded, c),
        }
    }
    folded
}

/// What a character outside ASCII becomes. The order matters: marks inside letter blocks come first.
fn fold_wide(folded: &mut Folded, c: char) {
    let code = u32::from(c);
    if is_invisible(code) {
        return;
    }
    if let Some(digit) = ascii_digit(code) {
        folded.push(digit, digit);
        return;
    }
    if let Some(letter) = latin(code) {
        folded.push(letter, 0);
        return;
    }
    match code {
        0xA0 | 0x1680 | 0x2000..=0x200A | 0x202F | 0x205F | 0x3000 => folded.push_blank(b' '),
        0x85 | 0x2028 | 0x2029 => folded.push_blank(b'\n'),
        0x2026 => (0..3).for_each(|_| folded.push(b'.', b'.')),
        _ => match mark(code) {
            Some(sign) => folded.push(sign, sign),
            None => fold_rest(folded, c, code),
        },
    }
}

/// Full-width forms, letters of other scripts, and whatever is left (emoji, arrows) as a neutral mark.
fn fold_rest(folded: &mut Folded, c: char, code: u32) {
    if (0xFF01..=0xFF5E).contains(&code) {
        let byte = u8::try_from(code - 0xFEE0).unwrap_or(b'~');
        folded.push(byte.to_ascii_lowercase(), byte);
    } else if is_letter(c, code) {
        folded.push_letter(other_script(c, code));
    } else {
        folded.push(b'~', b'~');
    }
}

/// Zero-width and bidi marks, soft hyphen, variation selectors, keycaps, combining accents, Arabic and Hebrew
/// points, the Indic nukta.
fn is_invisible(code: u32) -> bool {
    matches!(code,
        0xAD | 0x0300..=0x036F | 0x0591..=0x05BD | 0x05BF | 0x05C1 | 0x05C2 | 0x05C4 | 0x05C5 | 0x05C7
        | 0x093C | 0x09BC | 0x0A3C | 0x0ABC
        | 0x0610..=0x061A | 0x061C | 0x0640 | 0x064B..=0x065F | 0x0670 | 0x180B..=0x180E | 0x200B..=0x200F
        | 0x202A..=0x202E | 0x2060..=0x206F | 0x20E3 | 0xFE00..=0xFE0F | 0xFEFF | 0xE0000..=0xE01EF)
}

/// The first character of each block of ten decimal digits (Unicode category Nd), ascending.
const ZEROES: [u32; 65] = [
    0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66, 0x0DE6,
    0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0,
    0x1C40, 0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10, 0x104A0, 0x10D30,
    0x11066, 0x110F0, 0x11136, 0x111D0, 0x112F0, 0x11450, 0x114D0, 0x11650, 0x116C0, 0x11730, 0x118E0,
    0x11950, 0x11C50, 0x11D50, 0x11DA0, 0x16A60, 0x16AC0, 0x16B50, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC,
    0x1D7F6, 0x1E140, 0x1E2F0, 0x1E950, 0x1FBF0,
];

fn ascii_digit(code: u32) -> Option<u8> {
    let after = ZEROES.partition_point(|&zero| zero <= code);
    let zero = ZEROES.get(after.checked_sub(1)?)?;
    let value = code.checked_sub(*zero).filter(|value| *value < 10)?;
    u8::try_from(value).ok().map(|value| b'0'.wrapping_add(value))
}

/// U+00C0..U+017F without accents; `_` where the block holds no letter.
const LATIN_LOW: &[u8; 192] = b"aaaaaaaceeeeiiiidnooooo_ouuuuytsaaaaaaaceeeeiiiidnooooo_ouuuuyty\
aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkklllllll\
lllnnnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";
/// U+1EA0..U+1EF9, the Vietnamese letters, without accents.
const LATIN_VIETNAMESE: &[u8; 90] =
    b"aaaaaaaaaaaaaaaaaaaaaaaaeeeeeeeeeeeeeeeeiiiioooooooooooooooooooooooouuuuuuuuuuuuuuyyyyyyyy";

fn latin(code: u32) -> Option<u8> {
    let (table, first): (&[u8], u32) = match code {
        0xC0..=0x17F => (LATIN_LOW, 0xC0),
        0x1EA0..=0x1EF9 => (LATIN_VIETNAMESE, 0x1EA0),
        0x01A0 | 0x01A1 => return Some(b'o'),
        0x01AF | 0x01B0 => return Some(b'u'),
        0x018F | 0x0259 => return Some(b'e'),
        0x0218 | 0x0219 => return Some(b's'),
        0x021A | 0x021B => return Some(b't'),
        _ => return None,
    };
    let place = usize::try_from(code - first).ok()?;
    table.get(place).copied().filter(|letter| *letter != b'_')
}

/// Punctuation that matters: quotes, dashes, brackets, sentence ends, currency. A CJK or Arabic comma becomes
/// `;` and not `,`, because "123456，10分钟" is no number with a thousands separator.
fn mark(code: u32) -> Option<u8> {
    Some(match code {
        0x2010..=0x2015 | 0x2212 | 0x05BE | 0xFE58 | 0xFE63 | 0x301C => b'-',
        0x2018..=0x201B | 0x2032 | 0xB4 => b'\'',
        0x201C..=0x201F | 0xAB | 0xBB | 0x2033 => b'"',
        0x3008 | 0x300A | 0x300C | 0x300E | 0x3010 | 0x3014 | 0x3016 | 0xFF3B => b'[',
        0x3009 | 0x300B | 0x300D | 0x300F | 0x3011 | 0x3015 | 0x3017 | 0xFF3D => b']',
        0x3002 | 0x0964 | 0x0965 | 0x06D4 | 0xFF61 | 0x0589 | 0x104B | 0x17D4 => b'!',
        0xFF0C | 0x3001 | 0x060C | 0x061B | 0xFF64 | 0xFE50 => b';',
        0x061F => b'?',
        0x066B => b'.',
        0x066C => b',',
        0x066A => b'%',
        0xB7 | 0x2022 | 0x2219 | 0x25CF | 0x25CB | 0x30FB | 0x2217 | 0x2B24 | 0x26AB => b'*',
        0xA2..=0xA5 | 0x20A0..=0x20CF | 0x0E3F | 0xFDFC | 0xFF04 | 0xFFE0 | 0xFFE1 | 0xFFE5 | 0xFFE6 => b'$',
        0x02BC | 0xFF07 => b'\'',
        _ => return None,
    })
}

/// Vowel signs and tone marks of the Indic and South-East Asian blocks count as letters: they hold words
/// together.
fn is_letter(c: char, code: u32) -> bool {
    matches!(code, 0x0900..=0x0E7F | 0x0E80..=0x0EFF | 0x1000..=0x109F | 0x1780..=0x17D3) || c.is_alphabetic()
}

/// Lower case, and the spellings that vary between writers of one language made one.
fn other_script(c: char, code: u32) -> char {
    match code {
        // Arabic: hamza forms of alef, Persian and Urdu yeh, kaf and heh, ta marbuta.
        0x0622 | 0x0623 | 0x0625 | 0x0671 => '\u{0627}',
        0x0649 | 0x06CC | 0x0626 => '\u{064A}',
        0x06A9 | 0x06AA => '\u{0643}',
        0x0629 | 0x06C1 | 0x06D5 | 0x06C0 | 0x06BE => '\u{0647}',
        // Greek accents and the final sigma.
        0x0386 | 0x03AC => '\u{03B1}',
        0x0388 | 0x03AD => '\u{03B5}',
        0x0389 | 0x03AE => '\u{03B7}',
        0x038A | 0x03AF | 0x03CA | 0x0390 => '\u{03B9}',
        0x038C | 0x03CC => '\u{03BF}',
        0x038E | 0x03CD | 0x03CB | 0x03B0 => '\u{03C5}',
        0x038F | 0x03CE => '\u{03C9}',
        0x03C2 => '\u{03C3}',
        0x0401 | 0x0451 => '\u{0435}',
        // Letters written with a nukta in one character, which are also written in two.
        0x0958 => '\u{0915}',
        0x0959 => '\u{0916}',
        0x095A => '\u{0917}',
        0x095B => '\u{091C}',
        0x095C => '\u{0921}',
        0x095D => '\u{0922}',
        0x095E => '\u{092B}',
        0x095F => '\u{092F}',
        0x09DF => '\u{09AF}',
        0x09DC => '\u{09A1}',
        0x09DD => '\u{09A2}',
        _ => c.to_lowercase().next().unwrap_or(c),
    }
}

#[cfg(test)]
mod tests {
    use super::fold;

    fn low(text: &str) -> String {
        String::from_utf8(fold(text).low).unwrap()
    }

    #[test]
    fn digits_of_every_script_become_ascii() {
        for digits in [
            "٠١٢٣٤٥٦٧٨٩",
            "۰۱۲۳۴۵۶۷۸۹",
            "०१२३४५६७८९",
            "০১২৩৪৫৬৭৮৯",
            "๐๑๒๓๔๕๖๗๘๙",
            "０１２３４５６７８９",
            "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗",
        ] {
            assert_eq!(low(digits), "0123456789", "{digits}");
        }
    }

    #[test]
    fn accents_and_case_go_but_letters_of_other_scripts_stay() {
        assert_eq!(low("CÓDIGO Şİfre Mã xác thực đã Łódź ŽŠČ"), "codigo sifre ma xac thuc da lodz zsc");
        assert_eq!(low("Ваш КОД Ёлка Κωδικός"), "ваш код елка κωδικοσ");
    }

    #[test]
    fn invisible_marks_vanish_and_blanks_collapse() {
        assert_eq!(
            low("12\u{200b}3\u{2066}4\u{2069}\u{feff}  \u{a0} 1\u{fe0f}\u{20e3} \r\n\r\n x"),
            "1234 1\nx"
        );
    }

    #[test]
    fn both_strings_keep_the_same_length() {
        let folded = fold("ＡＢ１ é 验证码，…€");
        assert_eq!(folded.low.len(), folded.kept.len());
        assert_eq!(folded.kept.get(..3), Some(b"AB1".as_slice()));
        assert_eq!(folded.kept.get(4), Some(&0));
    }
}
