//! Reads a Rust file far enough for the rules: code without comments, strings and tests, and the strings by themselves.
//! Not a parser: what the rules ask for can be told from tokens, and a real parser would cost each newcomer seconds.
//! Guards: line numbers are those of the file, since what is left out is overwritten with blanks, never removed.

use std::ops::Range;

/// A string literal outside comments and tests.
#[derive(Debug, PartialEq, Eq)]
pub struct Literal {
    /// Counted from 1: the line on which it begins.
    pub line: usize,
    /// As written, escapes and all, without the quotes.
    pub text: String,
    at: usize,
}

/// One Rust file.
#[derive(Debug)]
pub struct Source {
    /// Code; comments, the insides of strings and `#[cfg(test)]` items are blanks.
    pub code: Vec<char>,
    pub literals: Vec<Literal>,
    /// How many lines are not within `#[cfg(test)]` items.
    pub lines: usize,
    /// The file says `#![cfg(test)]` about itself.
    pub is_test: bool,
}

impl Source {
    /// Reads `text`.
    pub fn read(text: &str) -> Self {
        let mut lexer =
            Lexer { chars: text.chars().collect(), at: 0, line: 1, code: Vec::new(), literals: Vec::new() };
        lexer.run();
        let Lexer { mut code, mut literals, .. } = lexer;
        let total = text.lines().count();
        let is_test = cfg_test_attributes(&code).any(|(_, inner)| inner);
        let mut test_lines = 0_usize;
        for range in test_items(&code) {
            test_lines = test_lines.saturating_add(lines_in(&code, &range));
            literals.retain(|literal| !range.contains(&literal.at));
            for place in code.get_mut(range).unwrap_or_default() {
                blank(place);
            }
        }
        Self { code, literals, lines: total.saturating_sub(test_lines), is_test }
    }

    /// The code, line by line, numbered from 1.
    pub fn code_lines(&self) -> impl Iterator<Item = (usize, String)> {
        self.code
            .split(|c| *c == '\n')
            .enumerate()
            .map(|(index, line)| (index.saturating_add(1), line.iter().collect()))
    }

    /// The line, counted from 1, on which the character at `at` stands.
    pub fn line_of(&self, at: usize) -> usize {
        self.code.iter().take(at).filter(|c| **c == '\n').count().saturating_add(1)
    }

    /// Lines on which one of `words` stands by itself, with the word. A word may hold `::`, `!` or `(`.
    pub fn find<'a>(&self, words: &[&'a str]) -> Vec<(usize, &'a str)> {
        let found = self.code_lines().flat_map(|(number, line)| {
            let found: Vec<_> =
                words.iter().filter(|word| has_word(&line, word)).map(|word| (number, *word)).collect();
            found
        });
        found.collect()
    }
}

/// Whether `word` stands in `line` and is not a part of a longer name.
pub fn has_word(line: &str, word: &str) -> bool {
    let name = |c: Option<char>| c.is_some_and(is_name);
    let open_start = name(word.chars().next());
    let open_end = name(word.chars().next_back());
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|head| head.chars().next_back());
        let after = line.get(at.saturating_add(word.len())..).and_then(|tail| tail.chars().next());
        !(open_start && name(before) || open_end && name(after))
    })
}

/// Whether `c` can be inside a name.
pub fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn blank(place: &mut char) {
    if *place != '\n' {
        *place = ' ';
    }
}

fn lines_in(code: &[char], range: &Range<usize>) -> usize {
    code.get(range.clone()).unwrap_or_default().iter().filter(|c| **c == '\n').count().saturating_add(1)
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
    line: usize,
    code: Vec<char>,
    literals: Vec<Literal>,
}

impl Lexer {
    fn run(&mut self) {
        while let Some(c) = self.peek(0) {
            match (c, self.peek(1)) {
                ('/', Some('/')) => self.line_comment(),
                ('/', Some('*')) => self.block_comment(),
                ('"', _) => self.string(),
                ('r', _) if self.raw_hashes().is_some() => self.raw_string(),
                ('\'', _) => self.quote(),
                _ => self.keep(),
            }
        }
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at.saturating_add(ahead)).copied()
    }

    fn keep(&mut self) {
        if let Some(c) = self.peek(0) {
            self.code.push(c);
            self.step(c);
        }
    }

    /// Leaves one character out.
    fn skip(&mut self) -> Option<char> {
        let c = self.peek(0)?;
        self.code.push(if c == '\n' { '\n' } else { ' ' });
        self.step(c);
        Some(c)
    }

    fn step(&mut self, c: char) {
        self.at = self.at.saturating_add(1);
        self.line = self.line.saturating_add(usize::from(c == '\n'));
    }

    fn line_comment(&mut self) {
        while self.peek(0).is_some_and(|c| c != '\n') {
            self.skip();
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0_usize;
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some('/'), Some('*')) => depth = depth.saturating_add(1),
                (Some('*'), Some('/')) => depth = depth.saturating_sub(1),
                (None, _) => return,
                _ => {
                    self.skip();
                    continue;
                }
            }
            self.skip();
            self.skip();
            if depth == 0 {
                return;
            }
        }
    }

    fn string(&mut self) {
        let (line, at) = (self.line, self.at);
        self.keep();
        let mut text = String::new();
        while let Some(c) = self.peek(0).filter(|c| *c != '"') {
            text.push(c);
            self.skip();
            if c == '\\' {
                text.extend(self.skip());
            }
        }
        self.keep();
        self.literals.push(Literal { line, text, at });
    }

    /// The number of `#` when a raw string begins here (`r"`, `r#"`, also after a `b` or a `c`).
    fn raw_hashes(&self) -> Option<usize> {
        let before = |back: usize| self.at.checked_sub(back).and_then(|at| self.chars.get(at).copied());
        let prefixed = matches!(before(1), Some('b' | 'c')) && !before(2).is_some_and(is_name);
        if before(1).is_some_and(is_name) && !prefixed {
            return None;
        }
        let hashes = (1..).take_while(|ahead| self.peek(*ahead) == Some('#')).count();
        (self.peek(hashes.saturating_add(1)) == Some('"')).then_some(hashes)
    }

    fn raw_string(&mut self) {
        let (line, at) = (self.line, self.at);
        let hashes = self.raw_hashes().unwrap_or(0);
        for _ in 0..hashes.saturating_add(2) {
            self.keep();
        }
        let mut text = String::new();
        let closes = |lexer: &Self| {
            lexer.peek(0) == Some('"') && (1..=hashes).all(|ahead| lexer.peek(ahead) == Some('#'))
        };
        while !closes(self) {
            let Some(c) = self.skip() else { break };
            text.push(c);
        }
        for _ in 0..hashes.saturating_add(1) {
            self.keep();
        }
        self.literals.push(Literal { line, text, at });
    }

    /// A character literal, or the beginning of a lifetime.
    fn quote(&mut self) {
        self.keep();
        if self.peek(0) == Some('\\') {
            self.skip();
            self.skip();
            while self.peek(0).is_some_and(|c| c != '\'') {
                self.skip();
            }
            self.keep();
        } else if self.peek(1) == Some('\'') {
            self.skip();
            self.keep();
        }
    }
}

/// Where `#[cfg(test)]` and its like (`all(test, …)`) stand, and whether it is the inner form `#![…]`.
fn cfg_test_attributes(code: &[char]) -> impl Iterator<Item = (Range<usize>, bool)> {
    let starts = code.iter().enumerate().filter(|(_, c)| **c == '#').map(|(at, _)| at);
    starts.filter_map(|at| {
        let inner = code.get(at.saturating_add(1)) == Some(&'!');
        let open = at.saturating_add(if inner { 2 } else { 1 });
        let end = (code.get(open) == Some(&'[')).then(|| closing(code, open))??;
        let text: String = code.get(open..end)?.iter().filter(|c| !c.is_whitespace()).collect();
        (text.starts_with("[cfg(") && has_word(&text, "test") && !text.contains("not(test"))
            .then_some((at..end, inner))
    })
}

/// The items that are compiled for tests alone, attribute and all.
fn test_items(code: &[char]) -> Vec<Range<usize>> {
    let mut items: Vec<Range<usize>> = Vec::new();
    for (attribute, inner) in cfg_test_attributes(code) {
        let nested = items.iter().any(|item| item.contains(&attribute.start));
        if !inner && !nested {
            items.push(attribute.start..item_end(code, attribute.end));
        }
    }
    items
}

/// The end of the item that begins at `from`: its closing brace, or its semicolon.
fn item_end(code: &[char], from: usize) -> usize {
    let mut at = from;
    while let Some(c) = code.get(at) {
        match c {
            ';' => return at.saturating_add(1),
            '{' => {
                let end = closing(code, at).unwrap_or(code.len());
                // `use a::{b, c};` goes on to its semicolon.
                return if code.get(end) == Some(&';') { end.saturating_add(1) } else { end };
            }
            '(' | '[' => at = closing(code, at).unwrap_or(code.len()),
            _ => at = at.saturating_add(1),
        }
    }
    code.len()
}

/// The place behind the bracket that closes the one at `open`.
fn closing(code: &[char], open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in code.iter().enumerate().skip(open) {
        match c {
            '(' | '[' | '{' => depth = depth.saturating_add(1),
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return Some(at.saturating_add(1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> String {
        Source::read(text).code.iter().collect()
    }

    fn literals(text: &str) -> Vec<(usize, String)> {
        Source::read(text).literals.into_iter().map(|literal| (literal.line, literal.text)).collect()
    }

    #[test]
    fn comments_and_strings_become_blanks_of_the_same_size() {
        assert_eq!(code("a // b\nc"), "a     \nc");
        assert_eq!(code("a /* b /* c\n */ d */ e"), "a          \n         e");
        assert_eq!(code(r#"f("a \" b", x)"#), r#"f("      ", x)"#);
        assert_eq!(code("f(r#\"a\"b\"#, x)"), "f(r#\"   \"#, x)");
    }

    #[test]
    fn quotes_of_characters_and_lifetimes_do_not_open_strings() {
        assert_eq!(literals(r#"let q = '"'; let e = '\''; f("one")"#), [(1, "one".to_owned())]);
        assert_eq!(literals("fn f<'a>(x: &'a str) { g(b\"two\", br#\"three\"#) }").len(), 2);
        assert_eq!(literals("let u = '\\u{1F600}';\n\"four\""), [(2, "four".to_owned())]);
        assert_eq!(literals("let r#type = color; var\"x\""), [(1, "x".to_owned())]);
    }

    #[test]
    fn items_for_tests_are_left_out_and_not_counted() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() { \"}\" }\n}\nfn c() {}\n";
        let source = Source::read(text);
        let left: String = source.code.iter().collect();
        assert!(left.contains("fn a") && left.contains("fn c") && !left.contains("fn b"), "{left}");
        assert_eq!((source.lines, source.literals.len()), (2, 0));
        let uses = code(
            "#[cfg(test)]\nuse a::{b, c};\nfn kept() {}\n#[cfg(all(test, unix))]\nfn x(a: [u8; 2]) {}\nfn y() {}",
        );
        assert!(
            !uses.contains("use")
                && !uses.contains("fn x")
                && uses.contains("fn kept")
                && uses.contains("fn y")
        );
        assert!(code("#[cfg(not(test))]\nfn kept() {}").contains("fn kept"));
        assert!(Source::read("#![cfg(test)]\nfn a() {}").is_test);
        assert!(!Source::read("#[cfg(test)]\nfn a() {}").is_test);
    }

    #[test]
    fn a_word_is_not_found_in_a_longer_one() {
        let source =
            Source::read("let statics = 1;\nstatic mut X: u8 = 0; // Instant::now\nInstant::now();\n");
        assert_eq!(
            source.find(&["static mut", "Instant::now", "static"]),
            [(2, "static mut"), (2, "static"), (3, "Instant::now"),]
        );
    }
}
