//! Looks at an incoming message: is it a bank's or an authority's, though nobody may rent a number for one?
//!
//! Guards people in whose name an account could be opened. Counts points for words of many languages, names of
//! senders and shapes of numbers; no single everyday word is enough. Must never keep or print a text, and never
//! let the offer that was bought excuse a message: that is the policy's to say.

mod fold;
mod lexicon;
mod names;
mod shapes;
#[cfg(test)]
mod tests;
mod words_asia;
mod words_english;
mod words_germanic;
mod words_romance;
mod words_slavic;
mod words_south;

use super::category::Categories;
use crate::activation::WithheldBecause;
use crate::vocabulary::Vocabulary;
use fold::{END, fold, is_solid};
use lexicon::{Class, Group, Index, Meaning};
use shapes::shapes;
use std::collections::HashSet;

/// From so many points on a message is withheld.
const ENOUGH: u8 = 6;

const TABLES: [&[Group]; 12] = [
    words_english::GROUPS,
    words_romance::GROUPS,
    words_germanic::GROUPS,
    words_slavic::LATIN,
    words_slavic::CYRILLIC_GREEK,
    words_south::TURKIC_SEMITIC,
    words_south::INDIC,
    words_asia::ISLANDS,
    words_asia::MAINLAND,
    names::MONEY,
    names::BARE,
    names::STATE,
];

/// Ends of words that make a bank's name of them, folded: "Commerzbank", "Сбербанк".
const BANK_ENDS: [&str; 13] = [
    "bank",
    "banken",
    "banka",
    "bankas",
    "bankasi",
    "banki",
    "banku",
    "pank",
    "pankki",
    "банк",
    "банка",
    "банку",
    "bankt",
];

/// Parts of a sender's name that give a bank away, wherever they stand in it.
const SENDER_PARTS: [&str; 7] = ["bank", "banco", "banqu", "pankki", "банк", "kredit", "crypto"];

/// Last words of an opening label that make a payment service's name of it.
const LABEL_ENDS: [&str; 6] = [" pay", " money", " wallet", " finance", " insurance", " loans"];

/// The screen. Big: build it once and share it.
#[derive(Clone, Debug)]
pub struct Screen {
    index: Index,
    /// Names of services that may be rented, folded and joined: such a sender is not judged by parts of it.
    ordinary: HashSet<String>,
}

impl Screen {
    /// Builds it from the words that ship with the program and the names of the services in the tables, so
    /// that whatever may not be rented is known by name here too.
    pub fn load(vocabulary: &Vocabulary, categories: &Categories) -> Self {
        let mut index = Index::of(&TABLES);
        let mut ordinary = HashSet::new();
        for service in vocabulary.services() {
            let name = &*service.name;
            match categories.of(&service.code).withheld_because() {
                Some(kind) => names::enter(&mut index, name, kind),
                None => {
                    ordinary.insert(joined(&fold(name)));
                    if name.contains(' ') {
                        index.add(name, Meaning { class: Class::Safe, points: 0 });
                    }
                }
            }
        }
        Self { index: index.finish(), ordinary }
    }

    /// Why a message must be kept back, if it must. `from` is the sender as the network gave it: a name or a
    /// number, or nothing. Takes time linear in the length of the text.
    pub fn screen(&self, from: &str, text: &str) -> Option<WithheldBecause> {
        let mut tally = Tally::default();
        self.read_sender(from, &mut tally);
        self.read_label(text, &mut tally);
        self.read_words(&fold(text), &mut tally);
        let (bank, state) = tally.totals(text);
        match (bank >= ENOUGH, state >= ENOUGH) {
            (_, true) if state > bank => Some(WithheldBecause::Government),
            (true, _) => Some(WithheldBecause::Bank),
            (false, true) => Some(WithheldBecause::Government),
            (false, false) => None,
        }
    }

    /// A sender says more than a text: a name inside a longer one counts, everyday names count.
    fn read_sender(&self, from: &str, tally: &mut Tally) {
        let folded = fold(from);
        let name = folded.trim();
        if let Some(meaning) = self.index.label(name) {
            tally.note(meaning);
        }
        self.read_words(&folded, tally);
        let joined = joined(name);
        let harmless = self.index.at(&joined).is_some_and(|hit| hit.meaning.class == Class::Safe);
        if harmless || self.ordinary.contains(&joined) {
            return;
        }
        if SENDER_PARTS.iter().any(|part| joined.contains(part))
            || (joined.len() > 3 && joined.ends_with("pay"))
        {
            tally.note(Meaning { class: Class::Bank, points: ENOUGH });
        }
        for (at, _) in joined.char_indices() {
            let hit = joined.get(at..).and_then(|rest| self.index.inside(rest));
            if let Some(hit) = hit.filter(|hit| hit.meaning.points >= ENOUGH) {
                tally.note(hit.meaning);
            }
        }
    }

    /// What stands in brackets or before a colon at the start is the sender's name.
    fn read_label(&self, text: &str, tally: &mut Tally) {
        let text = text.trim_start().trim_start_matches("<#>").trim_start();
        let label = match text.strip_prefix(['[', '【', '(', '（']) {
            Some(rest) => rest.split([']', '】', ')', '）']).next(),
            None => text.split([':', '：', '\n', '-', '|']).next(),
        };
        let label = label.filter(|label| label.chars().count() <= 24).unwrap_or_default().trim();
        if label.split_whitespace().count() == 1 {
            return self.read_sender(label, tally);
        }
        let folded = fold(label);
        let name = folded.trim();
        if let Some(meaning) = self.index.label(name) {
            tally.note(meaning);
        }
        // "Heron Money: …"
        let ordinary = self.ordinary.contains(&joined(name));
        if !ordinary && LABEL_ENDS.iter().any(|end| name.ends_with(end)) {
            tally.note(Meaning { class: Class::Bank, points: ENOUGH });
        }
    }

    fn read_words(&self, folded: &str, tally: &mut Tally) {
        let mut denied = false;
        let mut skip_to = 0;
        let mut before = ' ';
        for (at, c) in folded.char_indices() {
            let starts = before == ' ' || is_solid(c);
            before = c;
            if at < skip_to || !starts || c == ' ' {
                continue;
            }
            if c == END {
                denied = false;
                continue;
            }
            let rest = folded.get(at..).unwrap_or_default();
            if let Some(hit) = self.index.at(rest) {
                skip_to = at + hit.length;
                denied |= hit.meaning.class == Class::Denial;
                if !denied || hit.meaning.class == Class::Staff {
                    tally.note(hit.meaning);
                }
            } else if !denied && is_bank_name(rest) {
                tally.note(Meaning { class: Class::Bank, points: ENOUGH });
            }
        }
    }
}

/// A folded name without the spaces in it.
fn joined(folded: &str) -> String {
    folded.chars().filter(|c| *c != ' ' && *c != END).collect()
}

/// Whether the first word of `rest` is put together with "bank".
fn is_bank_name(rest: &str) -> bool {
    let word = rest.split(' ').next().unwrap_or_default();
    word.chars().count() >= 6 && BANK_ENDS.iter().any(|end| word.ends_with(end))
}

/// The strongest word of each class.
#[derive(Default)]
struct Tally {
    best: Vec<Meaning>,
}

impl Tally {
    fn note(&mut self, meaning: Meaning) {
        match self.best.iter_mut().find(|best| best.class == meaning.class) {
            Some(best) => best.points = best.points.max(meaning.points),
            None => self.best.push(meaning),
        }
    }

    fn sum(&self, classes: &[Class]) -> u8 {
        self.best.iter().filter(|best| classes.contains(&best.class)).map(|best| best.points).sum()
    }

    /// Points for a bank and for an authority.
    fn totals(&self, text: &str) -> (u8, u8) {
        let shapes = shapes(text);
        let code = shapes.code.worth(1);
        let certain = self.sum(&[Class::Bank, Class::Staff]) + shapes.iban.worth(6) + shapes.card.worth(4);
        let tail = shapes.tail.worth(3).max(self.sum(&[Class::Tail]));
        let amount = shapes.amount.worth(2).max(self.sum(&[Class::Amount]));
        let hints = self.sum(&[Class::Card, Class::Pay, Class::Funds, Class::Loan, Class::Nod]);
        let trade = self.sum(&[Class::Trade]);
        let bank = certain + (hints + tail + amount + code).saturating_sub(trade);
        (bank, self.sum(&[Class::State, Class::Paper]) + code)
    }
}
