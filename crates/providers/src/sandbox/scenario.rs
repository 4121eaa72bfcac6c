//! What a number of the sandbox does when a test asks for it: which way the purchase goes, which messages follow.
//!
//! Guards that a scenario means one thing, whichever way it was asked for, and that the codes of a purchase differ
//! from each other. Pure: when a message goes and who may ask for it is the server's. It must never hold a scenario
//! that touches another provider's numbers.

use super::texts::{CodeShape, text_for};

/// What becomes of a purchase in the sandbox.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Scenario {
    /// A message with a code after the usual delay.
    #[default]
    Normal,
    /// No message at all: the time runs out and the money goes back.
    Silent,
    /// The message comes a minute after the number's time is over: nobody sees it, nobody pays.
    Late,
    /// Two messages with different codes.
    Double,
    /// Each message is posted twice under the same id: the customer sees it once.
    Duplicate,
    /// A message without a code.
    NoCode,
    /// The provider takes its time to answer the purchase, then all is normal.
    Slow,
    /// The provider allocates a number and never answers; asked what became of it, it tells. Then all is normal.
    LostReply,
    /// The provider says no.
    Refused,
    /// The provider has no number.
    OutOfStock,
}

impl Scenario {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Normal,
        Self::Silent,
        Self::Late,
        Self::Double,
        Self::Duplicate,
        Self::NoCode,
        Self::Slow,
        Self::LostReply,
        Self::Refused,
        Self::OutOfStock,
    ];

    /// Its name: what a test writes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Silent => "silent",
            Self::Late => "late",
            Self::Double => "double",
            Self::Duplicate => "duplicate",
            Self::NoCode => "nocode",
            Self::Slow => "slow",
            Self::LostReply => "lost-reply",
            Self::Refused => "refused",
            Self::OutOfStock => "out-of-stock",
        }
    }

    /// Reads a name in any case.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scenario| scenario.as_str().eq_ignore_ascii_case(text))
    }

    /// Whether a message follows at all, so that its text means something.
    pub const fn sends(self) -> bool {
        !matches!(self, Self::Silent | Self::Refused | Self::OutOfStock)
    }

    /// Whether the test may choose when the message comes.
    pub const fn waits_as_asked(self) -> bool {
        self.sends() && !matches!(self, Self::Late)
    }
}

/// Where the code goes in a text of one's own.
pub const PLACE_OF_CODE: &str = "{code}";

/// What the messages of a purchase are made from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wording<'a> {
    /// The scenario.
    pub scenario: Scenario,
    /// The code of the first message, if a test chose one.
    pub code: Option<&'a str>,
    /// The text, if a test chose one; [`PLACE_OF_CODE`] in it stands for the code.
    pub text: Option<&'a str>,
}

/// A message of the sandbox as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spoken {
    /// The sender.
    pub from: &'static str,
    /// The whole text.
    pub text: String,
    /// The code as the gateway tells it; `None` where finding it is left to the receiver, as most gateways do.
    pub code: Option<String>,
}

/// The message number `ordinal` (from 1) of a purchase for a service. `pick` spreads what codes follow from.
pub fn speak(service: &str, wording: Wording<'_>, ordinal: u64, pick: impl Fn(u64) -> u64) -> Spoken {
    let usual = text_for(service);
    let chosen = wording.code.filter(|_| ordinal <= 1);
    let code = chosen.map_or_else(|| drawn(usual.shape, wording.code, ordinal, &pick), str::to_owned);
    let told = chosen.map(str::to_owned);
    let spoken = |text: String, code: Option<String>| Spoken { from: usual.from, text, code };
    match wording.text {
        _ if wording.scenario == Scenario::NoCode => {
            spoken(wording.text.unwrap_or(WITHOUT_CODE).to_owned(), None)
        }
        Some(text) if text.contains(PLACE_OF_CODE) => spoken(text.replace(PLACE_OF_CODE, &code), Some(code)),
        // Said again word for word it would not be a second code.
        Some(text) if wording.scenario != Scenario::Double || ordinal <= 1 => spoken(text.to_owned(), told),
        Some(_) | None => spoken(usual.with_code(&code), told),
    }
}

/// What a message without a code says unless a test has it say something else.
const WITHOUT_CODE: &str = "Thank you. Your details were updated.";

/// The code of a message: it follows from the pick, and a later one differs from that of the first.
fn drawn(shape: CodeShape, chosen: Option<&str>, ordinal: u64, pick: &impl Fn(u64) -> u64) -> String {
    if ordinal <= 1 {
        return shape.code(pick(ordinal));
    }
    let first = chosen.map_or_else(|| shape.code(pick(1)), str::to_owned);
    let draws = (0..DRAWS).map(|nth| shape.code(pick(ordinal.wrapping_add(nth.wrapping_mul(FAR)))));
    draws.into_iter().find(|code| *code != first).unwrap_or(first)
}

/// How often another code is drawn.
const DRAWS: u64 = 16;
/// From one draw to the next: further than any purchase has messages.
const FAR: u64 = 1 << 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn says(scenario: Scenario, code: Option<&str>, text: Option<&str>, ordinal: u64) -> Spoken {
        speak("tg", Wording { scenario, code, text }, ordinal, |nth| nth.wrapping_mul(7))
    }

    #[test]
    fn every_scenario_is_read_by_its_name_in_any_case() {
        for scenario in Scenario::ALL {
            assert_eq!(Scenario::parse(scenario.as_str()), Some(scenario));
            assert_eq!(Scenario::parse(&scenario.as_str().to_uppercase()), Some(scenario));
        }
        assert_eq!(Scenario::parse("verizon"), None);
        assert_eq!(Scenario::default(), Scenario::Normal);
    }

    #[test]
    fn without_a_wish_the_service_says_what_it_always_says() {
        let usual = says(Scenario::Normal, None, None, 1);
        let rendered = text_for("tg").render(7);
        assert_eq!((usual.text, usual.from, usual.code), (rendered.text, rendered.from, None));
    }

    #[test]
    fn a_chosen_code_stands_in_the_usual_text_of_the_first_message_only() {
        let first = says(Scenario::Double, Some("482913"), None, 1);
        assert!(first.text.contains("482913"), "{}", first.text);
        assert_eq!(first.code.as_deref(), Some("482913"));
        let second = says(Scenario::Double, Some("482913"), None, 2);
        assert!(!second.text.contains("482913") && second.text != first.text, "{}", second.text);
    }

    #[test]
    fn a_chosen_text_is_verbatim_and_has_the_code_in_its_place() {
        let with_place = Some("Psst: {code}!");
        assert_eq!(says(Scenario::Normal, Some("7"), with_place, 1).text, "Psst: 7!");
        let drawn = says(Scenario::Normal, None, with_place, 1);
        assert_eq!(drawn.text, format!("Psst: {}!", drawn.code.unwrap()));
        let bare = says(Scenario::Normal, None, Some("Hello  you"), 1);
        assert_eq!((bare.text.as_str(), bare.code), ("Hello  you", None));
        // The second of two says something else even where the first has no place for a code.
        assert_ne!(says(Scenario::Double, None, Some("Hello  you"), 2).text, "Hello  you");
        assert_ne!(
            says(Scenario::Double, None, with_place, 2).text,
            says(Scenario::Double, None, with_place, 1).text
        );
    }

    #[test]
    fn nocode_has_none() {
        let spoken = says(Scenario::NoCode, None, None, 1);
        assert_eq!(spoken.code, None);
        assert!(!spoken.text.bytes().any(|byte| byte.is_ascii_digit()), "{}", spoken.text);
        assert_eq!(says(Scenario::NoCode, None, Some("On its way"), 1).text, "On its way");
    }

    #[test]
    fn the_codes_of_a_purchase_differ_even_where_the_draw_repeats() {
        let same = |nth: u64| nth >> 32;
        let text = |ordinal| speak("tg", Wording::default(), ordinal, same).text;
        assert_ne!(text(1), text(2));
        assert_eq!(text(2), text(2));
        let clash = says(Scenario::Normal, None, Some("{code}"), 2).text;
        assert_ne!(says(Scenario::Double, Some(&clash), Some("{code}"), 2).text, clash);
        assert!(!says(Scenario::Normal, None, None, u64::MAX).text.is_empty());
    }
}
