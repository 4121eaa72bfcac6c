//! Finds the one-time code in the text of a message, in any script, with the other candidates and a
//! confidence.
//! Guards: a code is ASCII letters and digits without separators, and never shows in debug output.
//! Must never panic, whatever the text, and takes time linear in its length.

mod bound;
mod context;
mod dashes;
mod lexicon;
mod links;
mod normalise;
mod numbers;
mod scoring;
mod tokens;
mod words_asia;
mod words_east;
mod words_nordic;
mod words_west;

use std::fmt;

/// A one-time code: ASCII letters and digits as written, without separators and without a prefix like "G-".
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Code(String);

impl Code {
    /// The code itself. It is a secret: show it to the owner of the message only.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(…)")
    }
}

/// A number or word of the message that may be the code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Candidate {
    /// The code it would be.
    pub code: Code,
    /// 0 to 100; from 50 on the best candidate is answered as the code.
    pub confidence: u8,
}

/// What was found in a message.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Extraction {
    /// The code, if one candidate is likely enough.
    pub code: Option<Code>,
    /// Candidates, best first, the code among them; also the unlikely ones, for a person to choose from.
    pub candidates: Vec<Candidate>,
}

/// Finds the one-time code in `text`.
pub fn extract(text: &str) -> Extraction {
    let folded = normalise::fold(text);
    let tokens = tokens::cut(&folded);
    let ranked = scoring::rank(&folded, &tokens);
    let code =
        ranked.first().filter(|best| best.score >= scoring::ACCEPTED).map(|best| code_from(&folded, best));
    let candidates = ranked
        .iter()
        .map(|weighed| Candidate { code: code_from(&folded, weighed), confidence: confidence(weighed.score) })
        .collect();
    Extraction { code, candidates }
}

fn code_from(folded: &normalise::Folded, weighed: &scoring::Weighed) -> Code {
    Code(scoring::characters(folded, weighed.start, weighed.end).map(char::from).collect())
}

fn confidence(score: i32) -> u8 {
    u8::try_from(score.clamp(0, 100)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{Extraction, extract};

    fn codes(text: &str) -> Vec<String> {
        extract(text).candidates.iter().map(|one| one.code.expose().to_owned()).collect()
    }

    #[test]
    fn a_code_never_shows_in_debug_output() {
        let shown = format!("{:?}", extract("Your code is 482913"));
        assert!(!shown.contains("482913") && shown.contains("Code(…)"), "{shown}");
    }

    #[test]
    fn separators_and_the_google_prefix_go_and_case_stays() {
        for (text, code) in [
            ("G-482913 is your code", "482913"),
            ("code: 482-913", "482913"),
            ("code: 482 913", "482913"),
            ("code: aB3dE9", "aB3dE9"),
            ("code: RKJ-YP6", "RKJYP6"),
            ("رمز التحقق ٤٨٢٩١٣", "482913"),
        ] {
            assert_eq!(codes(text).first().map(String::as_str), Some(code), "{text}");
        }
    }

    #[test]
    fn of_two_codes_both_are_candidates_and_the_likelier_is_first() {
        assert_eq!(codes("Your old code 118204 is void. New code: 613770"), ["613770", "118204"]);
        assert_eq!(codes("Code 613770 for device A, code 118204 for device B"), ["613770", "118204"]);
    }

    #[test]
    fn an_origin_bound_line_is_certain_and_a_repeated_code_is_one_candidate() {
        let bound = extract("613770 is your code.\n\n@example.com #613770");
        assert_eq!(bound.candidates.len(), 1);
        assert!(bound.candidates.iter().all(|one| one.confidence >= 99));
    }

    #[test]
    fn a_retriever_hash_is_no_candidate() {
        assert_eq!(codes("<#> Code 613770\nFA+9qCX9VSu"), ["613770"]);
        assert_eq!(codes("Your code is on its way\nFA9qCX9VSu1"), [""; 0]);
    }

    #[test]
    fn a_doubtful_number_is_mentioned_but_is_not_the_code() {
        let doubtful = extract("Please type 90517 some time this week");
        assert_eq!(doubtful.code, None);
        assert_eq!(codes("Please type 90517 some time this week"), ["90517"]);
        assert_eq!(extract(""), Extraction::default());
    }
}
