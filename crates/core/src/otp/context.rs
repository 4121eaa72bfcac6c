//! Looks left and right of a number for the words that own it: how near is a word for "code", and is
//! something else ("order", "ending in", "call") nearer.
//! Guards: each look stops after a fixed number of tokens, so weighing a text stays linear.
//! Must never compare two numbers with each other; `scoring` does.

use super::lexicon::Role;
use super::normalise::Folded;
use super::tokens::{Kind, Token};

/// Tokens looked at on each side.
const REACH: usize = 48;
/// What a word for "code" is worth before the number with nothing between, and after it.
const BEFORE: i32 = 62;
const AFTER: i32 = 56;
/// What a word like "verify" is worth next to the number.
const ACT: i32 = 32;

/// A message in tokens.
pub(super) struct Context<'a> {
    pub(super) text: &'a Folded,
    pub(super) tokens: &'a [Token],
}

/// The best evidence found on one side of a number.
#[derive(Clone, Copy, Default)]
pub(super) struct Reach {
    /// Worth of the nearest word for "code"; 0 if none.
    pub(super) code: i32,
    /// Worth of the nearest word for verifying.
    pub(super) act: i32,
    /// The word for "code" is spoiled ("promo code").
    pub(super) spoiled: bool,
    /// Nothing but marks and small words stands between.
    pub(super) direct: bool,
}

/// What the reader is told to do with a number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Order {
    /// "enter", "type".
    Enter,
    /// "use", "with": weaker, because one uses many things.
    With,
    /// Nothing.
    None,
}

impl Context<'_> {
    /// The kind of the token at `place`.
    pub(super) fn kind(&self, place: usize) -> Option<Kind> {
        self.tokens.get(place).map(|token| token.kind)
    }

    fn kind_before(&self, place: usize) -> Option<Kind> {
        self.kind(place.checked_sub(1)?)
    }

    /// Letters and digits in the token.
    pub(super) fn length(&self, token: &Token) -> usize {
        let bytes = self.text.low.get(token.start..token.end).unwrap_or_default();
        bytes.iter().filter(|byte| byte.is_ascii_alphanumeric()).count()
    }

    /// Evidence before the number at `place`.
    pub(super) fn left(&self, place: usize) -> Reach {
        let mut reach = Reach { direct: true, ..Reach::default() };
        let (mut cost, mut crossed) = (0, false);
        let haste = self.haste(place);
        for at in (0..place).rev().take(REACH) {
            let Some(token) = self.tokens.get(at) else { break };
            match token.kind {
                Kind::Sign(Role::Code) => {
                    reach.spoiled = self.is_spoiled(at);
                    let warning = if crossed && self.is_warned_of(at) { 20 } else { 0 };
                    let worth = (BEFORE + self.flavour(at) - warning - cost / 2).max(0);
                    reach.code = if reach.spoiled { 0 } else { worth };
                    break;
                }
                Kind::Sign(Role::Act) if reach.act == 0 => reach.act = (ACT - cost / 2).max(0),
                _ => {}
            }
            reach.direct &= is_bridge(token.kind);
            crossed |= self.is_sentence_end(token);
            cost += self.toll(at, token) * haste;
            if cost > 2 * BEFORE {
                break;
            }
        }
        self.reward_order(place, reach)
    }

    /// "the code for your card is 482913": a copula right before the number.
    fn reward_order(&self, place: usize, reach: Reach) -> Reach {
        let before = self.skip_back(place);
        let joined = self.kind_before(before) == Some(Kind::Sign(Role::Is));
        Reach {
            code: if reach.code > 0 && joined { reach.code + 8 } else { reach.code },
            act: if reach.act > 0 && joined { reach.act + 6 } else { reach.act },
            ..reach
        }
    }

    fn skip_back(&self, place: usize) -> usize {
        let mut before = place;
        while let Some(Kind::Sign(Role::Glue) | Kind::Mark(b'"' | b'\'' | b'*' | b'[' | b':')) =
            self.kind_before(before)
        {
            before -= 1;
        }
        before
    }

    /// Whether a copula or a colon stands right before the number at `place`.
    pub(super) fn is_introduced(&self, place: usize) -> bool {
        matches!(self.kind_before(place), Some(Kind::Sign(Role::Is) | Kind::Mark(b':' | b'=')))
    }

    /// Whether a mark that sets things apart stands on either side of the number at `place`.
    pub(super) fn is_set_apart(&self, place: usize) -> bool {
        let parts = |kind: Option<Kind>| {
            matches!(kind, Some(Kind::Mark(b':' | b'-' | b'|' | b']' | b')' | b'[' | b'(')))
        };
        parts(self.kind_before(place)) || parts(self.kind(place + 1))
    }

    /// "Enter 482913", "482913を入力": the reader is told what to do with the number.
    pub(super) fn order(&self, place: usize) -> Order {
        match self.kind_before(self.skip_back(place)) {
            Some(Kind::Sign(Role::Enter)) => return Order::Enter,
            Some(Kind::Sign(Role::With)) => return Order::With,
            _ => {}
        }
        let mut after = place + 1;
        while let Some(Kind::Sign(Role::Glue) | Kind::Mark(b'"' | b'\'' | b'*' | b']')) = self.kind(after) {
            after += 1;
        }
        if self.kind(after) == Some(Kind::Sign(Role::Enter)) { Order::Enter } else { Order::None }
    }

    /// Evidence after the number at `place`.
    pub(super) fn right(&self, place: usize) -> Reach {
        let mut reach = Reach { direct: true, ..Reach::default() };
        let joined = self.kind(place + 1) == Some(Kind::Sign(Role::Is));
        let mut cost = if joined { -12 } else { 0 };
        let haste = self.haste(place);
        for at in (place + 1..self.tokens.len()).take(REACH) {
            let Some(token) = self.tokens.get(at) else { break };
            match token.kind {
                Kind::Sign(Role::Code) => {
                    reach.spoiled = self.is_spoiled(at);
                    let claimed = if self.has_own_number(at) { 30 } else { 0 };
                    let worth = (AFTER + self.flavour(at) - claimed - cost / 2).max(0);
                    reach.code = if reach.spoiled { 0 } else { worth };
                    break;
                }
                Kind::Sign(Role::Act) if reach.act == 0 => reach.act = (ACT - cost / 2).max(0),
                _ => {}
            }
            reach.direct &= is_bridge(token.kind);
            cost += self.toll(at, token) * haste;
            if cost > 2 * AFTER {
                break;
            }
        }
        if joined && reach.act > 0 {
            reach.act += 6;
        }
        reach
    }

    /// Doubled cost of distance: four digits are an hour, a year or a house number more often than six, so
    /// they must stand nearer.
    fn haste(&self, place: usize) -> i32 {
        if self.tokens.get(place).is_some_and(|token| self.length(token) == 4) { 3 } else { 2 }
    }

    /// What it costs to step over a token.
    fn toll(&self, at: usize, token: &Token) -> i32 {
        match token.kind {
            Kind::Sign(Role::Is) => 0,
            Kind::Sign(Role::Glue | Role::Of | Role::At | Role::Enter | Role::With) => 1,
            Kind::Sign(Role::Act | Role::Fresh | Role::Stale | Role::Idle) => 2,
            Kind::Sign(Role::Unit | Role::Money | Role::Secret) => 4,
            Kind::Sign(Role::Nay | Role::Spoil | Role::Promo) => 6,
            Kind::Sign(Role::Phone | Role::Tail) => 10,
            Kind::Sign(Role::Code) => 0,
            Kind::Word => 3,
            Kind::Digits | Kind::Mixed if self.length(token) >= 4 && self.against(at) < 30 => 25,
            Kind::Digits | Kind::Mixed | Kind::Figure => 4,
            Kind::Link => 6,
            Kind::Mark(_) if self.is_sentence_end(token) => 14,
            Kind::Mark(b',' | b';') => 2,
            Kind::Mark(_) => 0,
            Kind::Line if self.kind_before(at) == Some(Kind::Mark(b':')) => 0,
            Kind::Line => 5,
        }
    }

    /// A full stop inside a domain or an abbreviation ends nothing.
    fn is_sentence_end(&self, token: &Token) -> bool {
        match token.kind {
            Kind::Mark(b'!' | b'?') => true,
            Kind::Mark(b'.') => matches!(self.text.byte(token.end), b' ' | b'\n' | 0 | 0x80..),
            _ => false,
        }
    }

    /// "promo code", "code de réduction": the word for "code" at `at` means another thing.
    pub(super) fn is_spoiled(&self, at: usize) -> bool {
        let mut before = at;
        while let Some(Kind::Mark(b'-' | b'"' | b'\'')) = self.kind_before(before) {
            before -= 1;
        }
        if matches!(self.kind_before(before), Some(Kind::Sign(Role::Spoil | Role::Promo))) {
            return true;
        }
        let next = if self.kind(at + 1) == Some(Kind::Sign(Role::Of)) { at + 2 } else { at + 1 };
        matches!(self.kind(next), Some(Kind::Sign(Role::Spoil | Role::Promo)))
    }

    /// "Never share your PIN.": the word for "code" at `at` is only warned of.
    fn is_warned_of(&self, at: usize) -> bool {
        (0..at).rev().take(4).any(|before| self.kind(before) == Some(Kind::Sign(Role::Secret)))
    }

    /// "new code" is worth more, "old code" less.
    fn flavour(&self, at: usize) -> i32 {
        let worth = |kind: Option<Kind>| match kind {
            Some(Kind::Sign(Role::Fresh)) => 8,
            Some(Kind::Sign(Role::Stale)) => -18,
            _ => 0,
        };
        let before = self.kind_before(at);
        match before {
            Some(Kind::Sign(Role::Act | Role::Glue)) if at > 1 => worth(self.kind(at - 2)),
            _ => worth(before),
        }
    }

    /// Whether the word for "code" at `at` is followed by a number of its own.
    fn has_own_number(&self, at: usize) -> bool {
        for place in at + 1..at + 6 {
            let Some(token) = self.tokens.get(place) else { return false };
            match token.kind {
                Kind::Digits | Kind::Mixed => return self.length(token) >= 4,
                Kind::Mark(_) if self.is_sentence_end(token) => return false,
                kind if is_bridge(kind) => {}
                _ => return false,
            }
        }
        false
    }

    /// What the words nearest to the number at `place` speak against it.
    pub(super) fn against(&self, place: usize) -> i32 {
        self.against_left(place).max(self.against_right(place))
    }

    fn against_left(&self, place: usize) -> i32 {
        let (mut distance, mut joined) = (0_usize, false);
        let four = self.tokens.get(place).is_some_and(|token| self.length(token) == 4);
        for at in (0..place).rev().take(8) {
            let Some(token) = self.tokens.get(at) else { break };
            match token.kind {
                Kind::Sign(Role::Tail) => return 60,
                Kind::Sign(Role::Money) => return if distance == 0 && !joined { 55 } else { 0 },
                Kind::Sign(Role::Phone) => return fading([45, 40, 30, 15], distance, joined),
                Kind::Sign(Role::Nay | Role::Spoil | Role::Promo) => {
                    let told = joined && self.speaks_of_code(at);
                    return if told { 8 } else { fading([40, 30, 16, 8], distance, joined) };
                }
                Kind::Sign(Role::Code | Role::Enter | Role::With) | Kind::Mark(b',' | b';' | b')' | b']') => {
                    return 0;
                }
                Kind::Sign(Role::Is) | Kind::Mark(b':' | b'=') => joined = true,
                Kind::Sign(Role::At) if four && distance == 0 && !joined => return 34,
                Kind::Sign(Role::Glue | Role::Of | Role::At) => {}
                Kind::Mark(_) if self.is_sentence_end(token) && !self.is_abbreviation(at) => return 0,
                Kind::Mark(b'$') if distance == 0 => return 55,
                Kind::Mark(_) => {}
                Kind::Digits | Kind::Mixed | Kind::Figure if self.length(token) >= 4 => return 0,
                _ => distance += 1,
            }
            if distance > 3 {
                break;
            }
        }
        0
    }

    /// Whether the sentence names a code before the token at `place`, and no number since.
    fn speaks_of_code(&self, place: usize) -> bool {
        for at in (0..place).rev().take(16) {
            let Some(token) = self.tokens.get(at) else { break };
            match token.kind {
                Kind::Sign(Role::Code) => return !self.is_spoiled(at),
                Kind::Digits | Kind::Mixed if self.length(token) >= 4 => return false,
                Kind::Mark(_) if self.is_sentence_end(token) => return false,
                _ => {}
            }
        }
        false
    }

    /// "Ref." or "тел." before the full stop at `at`.
    fn is_abbreviation(&self, at: usize) -> bool {
        let Some(token) = at.checked_sub(1).and_then(|before| self.tokens.get(before)) else { return false };
        let short = if self.text.byte(token.start) < 0x80 { 3 } else { 6 };
        matches!(token.kind, Kind::Sign(_)) && token.end - token.start <= short
    }

    fn is_long_number(&self, place: usize) -> bool {
        let token = self.tokens.get(place).filter(|token| matches!(token.kind, Kind::Digits | Kind::Mixed));
        token.is_some_and(|token| self.length(token) >= 4)
    }

    fn against_right(&self, place: usize) -> i32 {
        match self.kind(place + 1) {
            Some(Kind::Sign(Role::Unit | Role::Money)) | Some(Kind::Mark(b'$' | b'%')) => 50,
            Some(Kind::Sign(Role::Tail)) => 50,
            Some(Kind::Sign(Role::Nay)) => 6,
            // "code for DOC-2025 is 482913": the second number is the value, the first only a name.
            Some(Kind::Sign(Role::Is) | Kind::Mark(b':' | b'=')) if self.is_long_number(place + 2) => 30,
            Some(Kind::Sign(Role::Glue)) if self.kind(place + 2) == Some(Kind::Sign(Role::Tail)) => 50,
            _ => 0,
        }
    }
}

/// Marks and small words that do not part a noun from its value.
fn is_bridge(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Mark(_)
            | Kind::Line
            | Kind::Sign(Role::Is | Role::Glue | Role::Of | Role::At | Role::Enter | Role::With)
    )
}

/// A penalty that fades with the words between; a copula after other words halves it.
fn fading(steps: [i32; 4], distance: usize, joined: bool) -> i32 {
    let penalty = steps.get(distance).copied().unwrap_or(0);
    if joined && distance > 0 { penalty / 2 } else { penalty }
}
