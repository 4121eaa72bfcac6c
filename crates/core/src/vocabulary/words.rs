//! Takes a message apart: its words, and the web addresses in it. Pure text; knows no service.
//!
//! Guards the rule that what is part of an address is no word: the name in a mailbox or a link belongs to
//! the address. Text comes in lower case and is never copied.

use std::ops::Range;

/// What a character is part of; runs of one kind make a word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Between words.
    Gap,
    /// Latin letters and digits.
    Latin,
    /// Letters of other scripts. Some write no spaces, so a change of script ends a word.
    Other,
}

/// A word and where it stands, in bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Word<'a> {
    pub(super) text: &'a str,
    pub(super) span: Range<usize>,
}

/// An address: the host it points to, if it is one to go by, and the text it takes up, in bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Address<'a> {
    pub(super) host: Option<&'a str>,
    pub(super) span: Range<usize>,
    /// From `@host #code`: the line by which a browser knows for which site a code is.
    pub(super) bound: bool,
}

/// The words of a text, in order. `skip` are the addresses in it, in order.
pub(super) fn words<'a>(text: &'a str, skip: &[Address<'_>]) -> Vec<Word<'a>> {
    let kind = |c: char| match c {
        _ if !c.is_alphanumeric() => Kind::Gap,
        ..'\u{250}' => Kind::Latin,
        _ => Kind::Other,
    };
    let mut words = runs(text, kind);
    let mut skip = skip.iter().peekable();
    words.retain(|word| {
        while skip.next_if(|address| address.span.end <= word.span.start).is_some() {}
        !skip.peek().is_some_and(|address| address.span.contains(&word.span.start))
    });
    words
}

/// The addresses of a text. Written without a scheme, `a.b` is one if `is_top` knows `b`: in
/// `123456.Telegram` only a space is missing.
pub(super) fn addresses<'a>(text: &'a str, is_top: impl Fn(&str) -> bool) -> Vec<Address<'a>> {
    let kind = |c: char| {
        let part = c.is_ascii_alphanumeric() || ".-_@+/:?=&%#~".contains(c);
        if part { Kind::Latin } else { Kind::Gap }
    };
    runs(text, kind).into_iter().filter_map(|run| address(&run, &is_top)).collect()
}

fn address<'a>(run: &Word<'a>, is_top: &impl Fn(&str) -> bool) -> Option<Address<'a>> {
    let whole = |host: Option<&'a str>, bound: bool| Some(Address { host, span: run.span.clone(), bound });
    if let Some(bound) = run.text.strip_prefix('@') {
        return whole(Some(host(bound)), true);
    }
    if run.text.contains('@') {
        return whole(None, false);
    }
    if let Some((_, rest)) = run.text.split_once("://") {
        return whole(Some(host(rest)), false);
    }
    let mut start = run.span.start;
    for part in run.text.split(':') {
        let host = host(part);
        if host.rsplit_once('.').is_some_and(|(name, top)| !name.is_empty() && is_top(top)) {
            return Some(Address { host: Some(host), span: start..run.span.end, bound: false });
        }
        start = start.saturating_add(part.len()).saturating_add(1);
    }
    None
}

/// The host at the start of an address; empty if longer than a host can be, so that nobody looks it up label
/// by label.
fn host(text: &str) -> &str {
    let end = |c: char| matches!(c, '/' | '?' | '#' | ':' | '&' | '=' | '%');
    let host = text.split(end).next().unwrap_or_default().trim_matches(|c: char| !c.is_ascii_alphanumeric());
    if host.len() > 253 { "" } else { host }
}

/// The longest runs of one kind.
fn runs(text: &str, kind: impl Fn(char) -> Kind) -> Vec<Word<'_>> {
    let mut found = Vec::new();
    let mut push = |span: Range<usize>| found.extend(text.get(span.clone()).map(|text| Word { text, span }));
    let mut open: Option<(usize, Kind)> = None;
    for (at, c) in text.char_indices() {
        let here = kind(c);
        match open {
            Some((_, same)) if same == here => continue,
            Some((start, _)) => push(start..at),
            None => {}
        }
        open = (here != Kind::Gap).then_some((at, here));
    }
    if let Some((start, _)) = open {
        push(start..text.len());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> (Vec<&str>, Vec<&str>) {
        let links = addresses(text, |top| ["com", "org", "me"].contains(&top));
        let words = words(text, &links).into_iter().map(|word| word.text).collect();
        (words, links.into_iter().filter_map(|link| link.host).collect())
    }

    #[test]
    fn words_end_at_anything_but_letters_and_digits_and_where_the_script_changes() {
        assert_eq!(
            found("g-123 is your code, l'été"),
            (vec!["g", "123", "is", "your", "code", "l", "été"], vec![])
        );
        assert_eq!(found("您的telegram验证码"), (vec!["您的", "telegram", "验证码"], vec![]));
        assert_eq!(found("код uber: 1"), (vec!["код", "uber", "1"], vec![]));
        assert_eq!(found(""), (vec![], vec![]));
    }

    #[test]
    fn an_address_is_no_word() {
        assert_eq!(found("see https://m.uber.com/x?y=apple now"), (vec!["see", "now"], vec!["m.uber.com"]));
        assert_eq!(found("or telegram.org."), (vec!["or"], vec!["telegram.org"]));
        assert_eq!(found("code:1234,t.me/google"), (vec!["code", "1234"], vec!["t.me"]));
        assert_eq!(found("link:t.me/google"), (vec!["link"], vec!["t.me"]));
        assert_eq!(found("mail john.doe@gmail.com now"), (vec!["mail", "now"], vec![]));
        assert_eq!(found("@login.example.com #747723"), (vec!["747723"], vec!["login.example.com"]));
    }

    #[test]
    fn a_missing_space_makes_no_address() {
        assert_eq!(found("123456.telegram 1.5"), (vec!["123456", "telegram", "1", "5"], vec![]));
        assert_eq!(found("uber/lyft ... uber:12"), (vec!["uber", "lyft", "uber", "12"], vec![]));
    }
}
