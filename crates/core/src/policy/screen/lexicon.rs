//! What words mean to the screen, and the search for them.
//!
//! Guards: a phrase is found only as whole words (as a beginning where its entry ends in `*`, anywhere in
//! scripts without spaces), and of two phrases the longer one counts. Must never hold a whole message.

use super::fold::{fold, is_solid};
use std::cmp::Reverse;
use std::collections::HashMap;

/// What a word speaks for. Of one class only the strongest word of a message counts, so that a text does not
/// grow suspicious by saying one thing often.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Class {
    /// A bank or payment service, or what only they do.
    Bank,
    /// The same, and counts after a [`Class::Denial`] too: "bank staff".
    Staff,
    /// Payment cards.
    Card,
    /// The end of a card's or account's number.
    Tail,
    /// Money moves.
    Pay,
    /// Money lies: balances, purses, kinds of accounts.
    Funds,
    /// Money is lent.
    Loan,
    /// A request was granted or falls due; beside a loan.
    Nod,
    /// A currency.
    Amount,
    /// An authority, or what only authorities do.
    State,
    /// Papers that authorities issue.
    Paper,
    /// Means a bank only as the name of the sender, because it is an everyday word elsewhere.
    BankLabel,
    /// The same, and "your … code" is no name either.
    BareLabel,
    /// As [`Class::BankLabel`], for an authority.
    StateLabel,
    /// Looks like one of the others but is harmless.
    Safe,
    /// Goods are sold or sent: money is spoken of, but by a shop. Takes its points off.
    Trade,
    /// "We never ask for": what follows in the sentence is not the subject of the message.
    Denial,
}

/// Words of one class, separated by `|`, in natural spelling. A trailing `*` marks a beginning.
pub(super) struct Group {
    pub(super) class: Class,
    pub(super) points: u8,
    pub(super) words: &'static str,
}

/// A group of the tables.
pub(super) const fn group(class: Class, points: u8, words: &'static str) -> Group {
    Group { class, points, words }
}

/// What a found phrase says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Meaning {
    pub(super) class: Class,
    pub(super) points: u8,
}

/// A phrase of the index.
#[derive(Clone, Debug)]
struct Entry {
    text: Box<str>,
    /// Need not end where a word ends.
    open: bool,
    meaning: Meaning,
}

/// What was found at a place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Hit {
    pub(super) meaning: Meaning,
    /// Bytes of folded text that it takes up.
    pub(super) length: usize,
}

/// Phrases by their first three bytes, longest first, and the names that count as a sender only.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    buckets: HashMap<[u8; 3], Vec<Entry>>,
    labels: HashMap<Box<str>, Meaning>,
    /// Those of them that the words around can make a name of.
    framed: HashMap<Box<str>, Meaning>,
}

impl Index {
    /// Enters all words of the tables. Call [`Self::finish`] after the last word.
    pub(super) fn of(tables: &[&[Group]]) -> Self {
        let mut index = Self::default();
        for group in tables.iter().copied().flatten() {
            for word in group.words.split('|').map(str::trim).filter(|word| !word.is_empty()) {
                index.add(word, Meaning { class: group.class, points: group.points });
            }
        }
        index
    }

    /// Puts the longest phrases first, without which a short one would hide a longer one.
    pub(super) fn finish(mut self) -> Self {
        for bucket in self.buckets.values_mut() {
            // Of one phrase in two languages the harmless sense wins, then the stronger.
            bucket.sort_by_key(|entry| {
                let harmless = matches!(entry.meaning.class, Class::Safe | Class::Denial);
                (Reverse(entry.text.len()), !harmless, Reverse(entry.meaning.points))
            });
        }
        self
    }

    /// Enters a word, a phrase or a label.
    pub(super) fn add(&mut self, word: &str, meaning: Meaning) {
        let (phrase, open) = word.strip_suffix('*').map_or((word, false), |stem| (stem, true));
        let folded = fold(phrase);
        let text = folded.trim();
        let class = match meaning.class {
            Class::BankLabel | Class::BareLabel => Class::Bank,
            Class::StateLabel => Class::State,
            _ => return self.enter(text, open, meaning),
        };
        let name = Meaning { class, ..meaning };
        self.labels.insert(text.into(), name);
        if meaning.class != Class::BareLabel {
            self.framed.insert(text.into(), name);
        }
    }

    fn enter(&mut self, text: &str, open: bool, meaning: Meaning) {
        let open = open || text.chars().next_back().is_some_and(is_solid);
        if let Some(key) = key(&format!("{text} ")) {
            self.buckets.entry(key).or_default().push(Entry { text: text.into(), open, meaning });
        }
    }

    /// The longest phrase that `rest` begins with. `rest` begins where a word does.
    pub(super) fn at(&self, rest: &str) -> Option<Hit> {
        let whole = |entry: &Entry, after: &str| entry.open || after.is_empty() || after.starts_with(' ');
        self.name_in_frame(rest).or_else(|| self.find(rest, whole))
    }

    /// An everyday word where the words around make a name of it. Looked up, not listed as phrases: "your" is
    /// in most messages, and there are hundreds of names.
    fn name_in_frame(&self, rest: &str) -> Option<Hit> {
        FRAMES.iter().find_map(|frame| {
            let after = rest.strip_prefix(frame.before)?;
            let ends = after.match_indices(' ').map(|(end, _)| end).take(LONGEST_NAME);
            ends.into_iter().find_map(|end| {
                let (name, then) = after.split_at_checked(end)?;
                let meaning = self.framed.get(name).copied()?;
                let next = then.split_whitespace().next().unwrap_or_default();
                let fits = frame.after.is_empty() || frame.after.contains(&next);
                fits.then_some(Hit { meaning, length: frame.before.len() + end })
            })
        })
    }

    /// The same inside a name written without spaces, where any place will do. Short phrases do not count.
    pub(super) fn inside(&self, rest: &str) -> Option<Hit> {
        self.find(rest, |entry, _| entry.text.chars().count() >= INSIDE)
    }

    fn find(&self, rest: &str, fits: impl Fn(&Entry, &str) -> bool) -> Option<Hit> {
        let bucket = self.buckets.get(&key(rest)?)?;
        bucket.iter().find_map(|entry| {
            let after = rest.strip_prefix(&*entry.text)?;
            fits(entry, after).then_some(Hit { meaning: entry.meaning, length: entry.text.len() })
        })
    }

    /// What a whole sender or opening label means, if it is a name by itself.
    pub(super) fn label(&self, folded: &str) -> Option<Meaning> {
        self.labels.get(folded).copied()
    }
}

/// A name inside a longer one counts from so many letters on.
const INSIDE: usize = 5;

/// Words before and after an everyday word by which it is a name.
struct Frame {
    before: &'static str,
    /// One of these must follow; anything may where there are none.
    after: &'static [&'static str],
}

const FRAMES: [Frame; 6] = [
    Frame {
        before: "your ",
        after: &["code", "verification", "security", "otp", "one", "passcode", "pin", "account", "card"],
    },
    Frame { before: "codigo de ", after: &[] },
    Frame { before: "codice ", after: &[] },
    Frame { before: "kode ", after: &[] },
    Frame { before: "kod ", after: &[] },
    Frame { before: "код ", after: &[] },
];

/// Words in the longest name that is looked for in a frame.
const LONGEST_NAME: usize = 3;

fn key(text: &str) -> Option<[u8; 3]> {
    text.as_bytes().first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::{Class, Index, Meaning, group};

    fn index() -> Index {
        Index::of(&[&[
            group(Class::Bank, 6, "bank|Banking*|银行"),
            group(Class::Safe, 0, "bank details"),
            group(Class::BankLabel, 6, "Chase"),
            group(Class::BareLabel, 6, "Next"),
        ]])
        .finish()
    }

    fn class(rest: &str) -> Option<Class> {
        index().at(rest).map(|hit| hit.meaning.class)
    }

    #[test]
    fn a_phrase_is_found_as_whole_words_and_the_longest_counts() {
        assert_eq!(class("bank of x "), Some(Class::Bank));
        assert_eq!(class("bank details "), Some(Class::Safe));
        assert_eq!(class("bankrupt "), None);
        assert_eq!(class("bankings "), Some(Class::Bank));
        assert_eq!(class("银行卡 "), Some(Class::Bank));
        assert_eq!(class("b "), None);
    }

    /// A label listed as phrases would make every "your" of a message slow.
    #[test]
    fn labels_make_no_bucket_longer() {
        let words: Vec<String> = (0..500).map(|n| format!("name{n}")).collect();
        let mut index = Index::default();
        for word in &words {
            index.add(word, Meaning { class: Class::BankLabel, points: 6 });
        }
        assert!(index.buckets.values().all(|bucket| bucket.len() < 50));
    }

    #[test]
    fn an_everyday_word_is_a_name_only_as_a_label_or_in_a_frame() {
        assert_eq!(class("chase code "), None);
        assert_eq!(class("your chase code is "), Some(Class::Bank));
        assert_eq!(class("your chase away "), None);
        assert_eq!(class("kode chase "), Some(Class::Bank));
        assert_eq!(class("your next code is "), None);
        assert_eq!(index().label("next"), Some(Meaning { class: Class::Bank, points: 6 }));
        assert_eq!(index().label("bank"), None);
    }
}
