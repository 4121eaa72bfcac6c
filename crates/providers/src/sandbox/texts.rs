//! The SMS texts of the sandbox: for the best-known services, one in the style that the service itself sends.
//!
//! Guards that `code` is what the customer should get: ASCII letters and digits, no separators, no `G-`. The
//! table (`data/sandbox_texts.tsv`) must never hold banks, payment, government, health or identity services.
//! Everything follows from the pick given by the caller: no randomness, no state.

/// How the code of a service is made and shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeShape {
    /// That many digits in a row (at most 18).
    Digits(u8),
    /// Six digits shown as `123-456`.
    Dashed,
    /// Six digits shown as `123 456`.
    Spaced,
    /// That many capital letters.
    Letters(u8),
    /// Capital letters and digits, at least one of each.
    Mixed(u8),
}

/// The style of one service's messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SandboxText {
    /// The service's short code, such as `tg`; empty for the text that serves all others.
    pub service: &'static str,
    /// The sender shown to the customer: at most 11 ASCII characters, as carriers allow.
    pub from: &'static str,
    /// The text with `{code}` (as shown), `{bare}` (without separators) and `\n` written as two characters.
    pub template: &'static str,
    /// What the code looks like.
    pub shape: CodeShape,
}

/// A message ready to be delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The sender.
    pub from: &'static str,
    /// The whole text of the SMS.
    pub text: String,
    /// The bare code that the text carries.
    pub code: String,
}

const TABLE: &str = include_str!("../../data/sandbox_texts.tsv");

/// What a service without a text of its own sends.
const GENERIC: SandboxText = SandboxText {
    service: "",
    from: "Verify",
    template: r"Your verification code is {code}. It is valid for 10 minutes.",
    shape: CodeShape::Digits(6),
};

/// Consonants only, so that no word can come out.
const LETTERS: &[u8] = b"BCDFGHJKLMNPQRTVWXZ";
/// Digits that are not mistaken for letters.
const CLEAR_DIGITS: &[u8] = b"23456789";

/// The text of a service; a generic one when the service has none of its own.
pub fn text_for(service: &str) -> SandboxText {
    texts().find(|text| text.service == service).unwrap_or(GENERIC)
}

/// Short codes of the services that have a text of their own.
pub fn services() -> impl Iterator<Item = &'static str> {
    texts().map(|text| text.service)
}

fn texts() -> impl Iterator<Item = SandboxText> {
    TABLE.lines().filter(|line| !line.starts_with('#')).filter_map(SandboxText::parse)
}

impl SandboxText {
    fn parse(line: &'static str) -> Option<Self> {
        let mut columns = line.split('\t');
        let (service, from) = (columns.next()?, columns.next()?);
        let shape = CodeShape::parse(columns.next()?)?;
        Some(Self { service, from, shape, template: columns.next()? })
    }

    /// The message for a pick: the same pick gives the same message, another pick (a resend) another code,
    /// but for the chance that two picks share one (below 1 in 6 000).
    pub fn render(&self, pick: u64) -> Rendered {
        let code = self.shape.code(pick);
        Rendered { from: self.from, text: self.with_code(&code), code }
    }

    /// The text with this code, shown as the service shows its own.
    pub fn with_code(&self, code: &str) -> String {
        let shown = self.shape.shown(code);
        self.template.replace(r"\n", "\n").replace("{code}", &shown).replace("{bare}", code)
    }
}

impl CodeShape {
    fn parse(shape: &str) -> Option<Self> {
        match shape {
            "3-3" => Some(Self::Dashed),
            "3 3" => Some(Self::Spaced),
            _ => {
                let length = |prefix| shape.strip_prefix(prefix).and_then(|rest| rest.parse().ok());
                let letters = length("A").map(Self::Letters);
                letters.or_else(|| length("M").map(Self::Mixed)).or_else(|| length("").map(Self::Digits))
            }
        }
    }

    /// The bare code for a pick.
    pub(super) fn code(self, pick: u64) -> String {
        let mixed = mix(pick);
        match self {
            Self::Digits(length) => digits(mixed, length),
            Self::Dashed | Self::Spaced => digits(mixed, 6),
            Self::Letters(length) => (0..length).scan(mixed, |rest, _| draw(rest, LETTERS)).collect(),
            // The second place is always a digit and the others letters: both kinds are there.
            Self::Mixed(length) => (0..length)
                .scan(mixed, |rest, place| draw(rest, if place == 1 { CLEAR_DIGITS } else { LETTERS }))
                .collect(),
        }
    }

    /// The code as the text shows it.
    fn shown(self, code: &str) -> String {
        let separator = match self {
            Self::Dashed => '-',
            Self::Spaced => ' ',
            Self::Digits(_) | Self::Letters(_) | Self::Mixed(_) => return code.to_owned(),
        };
        // One that a test chose may have another length: that one is shown as it is.
        let halves = code.split_at_checked(3).filter(|_| code.len() == 6);
        halves.map_or_else(|| code.to_owned(), |(left, right)| format!("{left}{separator}{right}"))
    }
}

/// `length` digits. Four-digit codes start at 3000, so that none can be read as a year.
fn digits(mixed: u64, length: u8) -> String {
    if length == 4 {
        return (3_000 + mixed % 7_000).to_string();
    }
    let below = 10_u64.checked_pow(u32::from(length)).unwrap_or(u64::MAX);
    format!("{:0width$}", mixed % below, width = usize::from(length))
}

/// Takes one character of the alphabet out of the rest.
fn draw(rest: &mut u64, alphabet: &[u8]) -> Option<char> {
    let size = u64::try_from(alphabet.len()).ok()?;
    let place = usize::try_from(rest.checked_rem(size)?).ok()?;
    *rest /= size;
    alphabet.get(place).copied().map(char::from)
}

/// Spreads neighbouring picks over all 64-bit values, one to one (the finalizer of SplitMix64).
fn mix(pick: u64) -> u64 {
    let first = pick.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let second = (first ^ (first >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let third = (second ^ (second >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    third ^ (third >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_line_of_the_table_is_one_service() {
        let lines = TABLE.lines().filter(|line| !line.starts_with('#')).count();
        let all: BTreeSet<&str> = services().collect();
        assert_eq!((all.len(), services().count()), (lines, lines));
        assert!(lines >= 60);
    }

    #[test]
    fn every_message_carries_its_code_in_the_form_of_its_service() {
        for text in texts().chain([GENERIC]) {
            for pick in 0..50 {
                let sent = text.render(pick);
                assert!(sent.text.contains(&text.shape.shown(&sent.code)), "{}", sent.text);
                assert!((4..=8).contains(&sent.code.len()), "{}", sent.code);
                assert!(sent.code.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{}", sent.code);
                assert!(!sent.text.contains(['{', '}', '\\']), "{}", sent.text);
                assert!(text.from.is_ascii() && (1..=11).contains(&text.from.len()), "{}", text.from);
            }
        }
    }

    #[test]
    fn the_forms_are_those_the_services_are_known_for() {
        let sent = |service: &str| text_for(service).render(1);
        assert_eq!(sent("tg").code.len(), 5);
        assert!(sent("go").text.starts_with(&format!("G-{} is ", sent("go").code)));
        let whatsapp = sent("wa");
        let (left, right) = whatsapp.code.split_at(3);
        assert!(whatsapp.text.starts_with(&format!("Your WhatsApp code: {left}-{right}\n")));
        assert!(sent("tw").text.ends_with(&format!("\n\n@x.com #{}", sent("tw").code)));
        assert!(sent("mt").code.bytes().any(|byte| byte.is_ascii_digit()));
        assert!(sent("mb").code.bytes().all(|byte| byte.is_ascii_uppercase()));
        assert_eq!(sent("ub").code.len(), 4);
    }

    #[test]
    fn the_same_pick_repeats_and_another_pick_is_another_code() {
        for service in services() {
            let text = text_for(service);
            assert_eq!(text.render(9), text.render(9));
            let codes: BTreeSet<String> = (0..20).map(|pick| text.render(pick).code).collect();
            assert_eq!(codes.len(), 20, "{service}");
        }
    }

    #[test]
    fn an_unknown_service_gets_the_generic_text() {
        assert_eq!(text_for("zzz"), GENERIC);
        assert_eq!(text_for("# Messages"), GENERIC);
    }

    #[test]
    fn no_four_digit_code_looks_like_a_year() {
        let codes = (0..500).map(|pick| CodeShape::Digits(4).code(pick).parse::<u32>().unwrap());
        assert!(codes.into_iter().all(|code| (3_000..10_000).contains(&code)));
    }
}
