//! Weighs every number of a message as a code and ranks them.
//! Guards: weights are whole numbers on one scale, where `ACCEPTED` and more is a code.
//! Must never name a sender or a message: only shapes, roles and distances count.

use super::bound;
use super::context::{Context, Order, Reach};
use super::lexicon::Role;
use super::links::{self, Plainness};
use super::normalise::Folded;
use super::tokens::{CODE_MAX, Kind, Token};

/// From this score on a number is answered as the code.
pub(super) const ACCEPTED: i32 = 50;
/// Below this score a number is not even mentioned.
const MENTIONED: i32 = 25;
/// Candidates kept.
const KEPT: usize = 8;

/// What a repeated code gains, and one that a link for verifying repeats.
const ECHO: i32 = 4;
const LINK_ECHO: i32 = 16;

/// A possible code: its range in the text and its weight.
#[derive(Clone, Copy)]
pub(super) struct Weighed {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) score: i32,
    /// What it adds to the score when the same code stands elsewhere in the message too.
    echo: i32,
    /// What the score has gained in that way; a code repeated often gains once.
    gained: i32,
}

/// What holds for the whole message.
#[derive(Default)]
struct Facts {
    codes: usize,
    acts: usize,
    promos: usize,
    secrets: usize,
    owners: usize,
    words: usize,
    signs: usize,
    unread: usize,
    candidates: usize,
    marked: bool,
    shouted: bool,
}

/// All possible codes, best first; of equal weight the earlier first.
pub(super) fn rank(text: &Folded, tokens: &[Token]) -> Vec<Weighed> {
    let context = Context { text, tokens };
    let facts = facts(&context);
    let mut ranked = Vec::with_capacity(KEPT + 1);
    if let Some((start, end)) = bound::origin_code(text) {
        insert(text, &mut ranked, Weighed { start, end, score: 99, echo: ECHO, gained: 0 });
    }
    for (place, token) in tokens.iter().enumerate() {
        let weighed = match token.kind {
            Kind::Digits | Kind::Mixed => weigh_number(&context, &facts, place),
            Kind::Word => weigh_letters(&context, &facts, place),
            Kind::Link => weigh_link(&context, &facts, token),
            _ => None,
        };
        if let Some(weighed) = weighed.filter(|weighed| weighed.score >= MENTIONED) {
            insert(text, &mut ranked, weighed);
        }
    }
    ranked
}

/// Keeps the list short and sorted. The same code twice is one, a little stronger. What was not written in
/// ASCII ("é") is no part of a code, so nothing that holds it is one.
fn insert(text: &Folded, ranked: &mut Vec<Weighed>, new: Weighed) {
    if text.kept.get(new.start..new.end).is_none_or(|written| written.contains(&0)) {
        return;
    }
    let mut new = new;
    if let Some(same) = ranked.iter().position(|old| same_code(text, old, &new)) {
        let old = ranked.remove(same);
        let gained = old.echo.max(new.echo);
        new =
            Weighed { score: (old.score - old.gained).max(new.score) + gained, echo: gained, gained, ..old };
    }
    let place = ranked.partition_point(|old| old.score >= new.score);
    ranked.insert(place, new);
    ranked.truncate(KEPT);
}

/// The letters and digits of a range, as written.
pub(super) fn characters(text: &Folded, start: usize, end: usize) -> impl Iterator<Item = u8> {
    text.kept.get(start..end).unwrap_or_default().iter().copied().filter(u8::is_ascii_alphanumeric)
}

fn same_code(text: &Folded, a: &Weighed, b: &Weighed) -> bool {
    characters(text, a.start, a.end).eq(characters(text, b.start, b.end))
}

fn facts(context: &Context<'_>) -> Facts {
    let text = context.text;
    let mut facts = Facts {
        marked: bound::is_marked(text) || bound::hash_start(text) < text.low.len(),
        shouted: !text.kept.iter().any(u8::is_ascii_lowercase),
        ..Facts::default()
    };
    for (place, token) in context.tokens.iter().enumerate() {
        match token.kind {
            Kind::Sign(Role::Code) => facts.codes += usize::from(!context.is_spoiled(place)),
            Kind::Sign(Role::Act) => facts.acts += 1,
            Kind::Sign(Role::Nay | Role::Spoil | Role::Phone | Role::Tail) => facts.owners += 1,
            Kind::Sign(Role::Promo) => facts.promos += 1,
            Kind::Sign(Role::Secret) => facts.secrets += 1,
            Kind::Digits | Kind::Mixed => {
                let free = shape(context, token).is_some() && context.against(place) < 30;
                facts.candidates += usize::from(free);
            }
            _ => {}
        }
        if matches!(token.kind, Kind::Sign(_) | Kind::Word | Kind::Figure | Kind::Link) {
            facts.words += 1;
        }
        facts.unread += usize::from(token.kind == Kind::Word && context.text.byte(token.start) >= 0x80);
        facts.signs += usize::from(matches!(token.kind, Kind::Sign(_)));
    }
    facts
}

/// What the look of a number says, before any word: six digits are the usual code.
fn shape(context: &Context<'_>, token: &Token) -> Option<i32> {
    let length = context.length(token);
    if token.kind == Kind::Digits {
        return Some(match length {
            6 => 26,
            5 | 8 => 19,
            4 | 7 => 18,
            9 => 8,
            CODE_MAX => 6,
            _ => return None,
        });
    }
    let written = context.text.kept.get(token.start..token.end).unwrap_or_default();
    let both_cases = written.iter().any(u8::is_ascii_uppercase) && written.iter().any(u8::is_ascii_lowercase);
    let base = match length {
        6 => 18,
        8 => 16,
        5 | 7 => 14,
        4 => 10,
        _ => return None,
    };
    Some(if both_cases { base - 8 } else { base })
}

fn weigh_number(context: &Context<'_>, facts: &Facts, place: usize) -> Option<Weighed> {
    let token = context.tokens.get(place)?;
    let shape = shape(context, token)?;
    let (left, right) = (context.left(place), context.right(place));
    let against = context.against(place);
    if token.kind == Kind::Mixed && !has_digit(context, token) && !(left.direct && left.code > 0) {
        return None;
    }
    let code = left.code.max(right.code);
    let act = left.act.max(right.act);
    let act = act + ordered(facts, context.order(place), act);
    // Letters and digits are a reference or a plate as often as a code, where no word says "code".
    let shape = if token.kind == Kind::Mixed && code == 0 { shape - 8 } else { shape };
    let mut score = shape + if code > act { code + act / 8 } else { act } - against;
    score -= spoiling(&left, &right, code);
    score += whole_message(facts, code, act) - advertised(facts, token.kind);
    if facts.candidates == 1 && against == 0 && !left.spoiled && !right.spoiled {
        score = score.max(lonely(context, facts, place, shape));
    }
    let named = (left.direct && left.code > 0) || (right.direct && right.code > 0);
    score -= year(context, token, named) + round(context, token, named);
    Some(Weighed { start: token.start, end: token.end, score, echo: ECHO, gained: 0 })
}

fn has_digit(context: &Context<'_>, token: &Token) -> bool {
    context.text.low.get(token.start..token.end).is_some_and(|bytes| bytes.iter().any(u8::is_ascii_digit))
}

/// What an order ("enter", "use") adds: to a word for verifying nearby, or in its stead.
fn ordered(facts: &Facts, order: Order, act: i32) -> i32 {
    let told = match order {
        Order::Enter => 26,
        Order::With => 16,
        Order::None => return 0,
    };
    if act > 0 {
        14_i32.max(told - act)
    } else if facts.acts > 0 {
        told + 10
    } else {
        told
    }
}

/// The nearest word for "code" is a promo code or its like.
fn spoiling(left: &Reach, right: &Reach, code: i32) -> i32 {
    if (left.spoiled && left.direct)
        || (right.spoiled && right.direct)
        || (code == 0 && (left.spoiled || right.spoiled))
    {
        45
    } else {
        0
    }
}

/// Warnings and Retriever marks speak for a code.
fn whole_message(facts: &Facts, code: i32, act: i32) -> i32 {
    let warned = match (facts.secrets, code, act) {
        (0, ..) | (_, 0, 0) => 0,
        (_, 0, _) => 8,
        _ => 6,
    };
    let marked = if facts.marked { 10 } else { 0 };
    warned + marked
}

/// An advertisement without any word for verifying speaks against a code, most against one with letters.
fn advertised(facts: &Facts, kind: Kind) -> i32 {
    match kind {
        _ if facts.promos == 0 || facts.acts > 0 => 0,
        Kind::Digits => 20,
        _ => 34,
    }
}

/// The only number of its kind: in a message that speaks of codes somewhere, that holds little else, or
/// that is in a language none of whose words is known here.
fn lonely(context: &Context<'_>, facts: &Facts, place: usize, shape: i32) -> i32 {
    let Some(token) = context.tokens.get(place) else { return 0 };
    let (length, digits) = (context.length(token), token.kind == Kind::Digits);
    if facts.codes > 0 && facts.promos == 0 {
        return shape + if length == 6 { 26 } else { 18 } + if facts.secrets > 0 { 6 } else { 0 };
    }
    if facts.owners > 0 || facts.promos > 0 || context.text.byte(token.end) == b'-' {
        return 0;
    }
    let bare = facts.words == 0 && (if digits { 4 } else { 5 }..=8).contains(&length);
    let named = digits && (5..=8).contains(&length);
    let short = named && (facts.words <= 1 || (facts.words <= 3 && context.is_set_apart(place)));
    let six = digits && length == 6;
    let warned = six && facts.words <= 6 && facts.secrets > 0;
    let told = facts.secrets > 0 || context.is_introduced(place);
    let asked = six && facts.words <= 14 && facts.acts > 0 && told;
    let foreign = six && facts.words <= 12 && facts.signs == 0 && facts.unread > 0;
    if bare || short || warned || asked || foreign { 56 } else { 0 }
}

/// Round thousands are amounts and counts, unless a word for "code" stands right there.
fn round(context: &Context<'_>, token: &Token, named: bool) -> i32 {
    let digits = context.text.low.get(token.start..token.end).unwrap_or_default();
    if token.kind == Kind::Digits && digits.ends_with(b"000") && !named { 25 } else { 0 }
}

/// Four digits that read as a year; less so right after a word for "code".
fn year(context: &Context<'_>, token: &Token, named: bool) -> i32 {
    let digits = context.text.low.get(token.start..token.end).unwrap_or_default();
    let like_year = digits.len() == 4 && (digits.starts_with(b"19") || digits.starts_with(b"20"));
    match (like_year, named) {
        (false, _) => 0,
        (true, true) => 18,
        (true, false) => 32,
    }
}

/// A word as a code: only right after a word for "code".
fn weigh_letters(context: &Context<'_>, facts: &Facts, place: usize) -> Option<Weighed> {
    let token = context.tokens.get(place)?;
    let before = context.kind(place.checked_sub(1)?)?;
    if !matches!(before, Kind::Mark(_) | Kind::Line | Kind::Sign(Role::Code | Role::Is)) {
        return None;
    }
    let length = token.end - token.start;
    let written = context.text.kept.get(token.start..token.end)?;
    if !(4..=CODE_MAX).contains(&length) || !written.iter().all(u8::is_ascii_alphabetic) {
        return None;
    }
    let left = context.left(place);
    if !left.direct || left.code == 0 {
        return None;
    }
    let told = matches!(before, Kind::Mark(b':' | b'=' | b'"' | b'\'') | Kind::Line);
    let capitals = written.iter().all(u8::is_ascii_uppercase) && (!facts.shouted || told);
    let shape = match (capitals, told && closes(context, place)) {
        (true, true) => 14,
        (true, false) if before != Kind::Sign(Role::Code) => 4,
        (true, false) if closes(context, place) => -8,
        (false, true) if facts.candidates == 0 => -4,
        (false, true) => -24,
        _ => return None,
    };
    Some(Weighed {
        start: token.start,
        end: token.end,
        score: shape + left.code - advertised(facts, token.kind),
        echo: ECHO,
        gained: 0,
    })
}

/// Nothing follows on the line, or a mark does.
fn closes(context: &Context<'_>, place: usize) -> bool {
    !matches!(
        context.kind(place + 1),
        Some(Kind::Word | Kind::Sign(_) | Kind::Digits | Kind::Mixed | Kind::Figure)
    )
}

fn weigh_link(context: &Context<'_>, facts: &Facts, token: &Token) -> Option<Weighed> {
    let (plainness, start, end) = links::code_in(context.text, token.start, token.end)?;
    let base = match plainness {
        Plainness::Named => 54,
        Plainness::Path => 44,
    };
    let told = if facts.codes > 0 || facts.acts > 0 { 8 } else { 0 };
    let advert = if facts.promos > 0 { 20 } else { 0 };
    let marked = if facts.marked { 10 } else { 0 };
    Some(Weighed { start, end, score: base + told + marked - advert, echo: LINK_ECHO, gained: 0 })
}
