//! Finds the paths in a Rust file that begin at `crate`, `super` or `self`, in `use` trees and inline.
//! Groups (`crate::{a, b::{c, d}}`) are told as one path each. Not a name resolver: re-exports are followed by nobody.

use super::source::{Source, is_name};

/// A path, and where it begins.
#[derive(Debug, PartialEq, Eq)]
pub struct Reference {
    /// Counted from 1.
    pub line: usize,
    /// The names, the first being `crate`, `super` or `self`.
    pub names: Vec<String>,
}

/// Every such path in `source`, in order.
pub fn references(source: &Source) -> Vec<Reference> {
    let code = &source.code;
    let mut found = Vec::new();
    let mut at = 0_usize;
    while at < code.len() {
        let name = name_at(code, at);
        let size = name.chars().count();
        if name.is_empty() {
            at = at.saturating_add(1);
            continue;
        }
        let rooted = matches!(name.as_str(), "crate" | "super" | "self");
        // `a::self` belongs to the path that is being read already, `pub(crate)` to none.
        if rooted && followed_by_colons(code, at.saturating_add(size)) {
            let mut walk = Walk { code, at, paths: Vec::new() };
            walk.path(&[]);
            let line = source.line_of(at);
            found.extend(walk.paths.into_iter().map(|names| Reference { line, names }));
            at = walk.at.max(at.saturating_add(size));
        } else {
            at = at.saturating_add(size);
        }
    }
    found
}

/// The path of modules that a file of the server is, below `src/`: `store/db/mod.rs` is `[store, db]`.
pub fn module_of(path: &str) -> Vec<String> {
    let below = path.split_once("/src/").map_or(path, |(_, below)| below);
    let mut names: Vec<String> = below.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if names.last().is_some_and(|last| matches!(last.as_str(), "mod" | "lib")) {
        names.pop();
    }
    names
}

/// The modules that `reference`, found in `module`, leads to, counted from the root of the crate.
pub fn resolve(module: &[String], reference: &Reference) -> Vec<String> {
    let mut place: Vec<String> = match reference.names.first().map(String::as_str) {
        Some("crate") | None => Vec::new(),
        Some(_) => module.to_vec(),
    };
    for name in &reference.names {
        match name.as_str() {
            "crate" | "self" => {}
            "super" => {
                place.pop();
            }
            _ => place.push(name.clone()),
        }
    }
    place
}

fn name_at(code: &[char], at: usize) -> String {
    code.get(at..).unwrap_or_default().iter().take_while(|c| is_name(**c)).collect()
}

fn followed_by_colons(code: &[char], at: usize) -> bool {
    let mut rest = code.get(at..).unwrap_or_default().iter().skip_while(|c| c.is_whitespace());
    rest.next() == Some(&':') && rest.next() == Some(&':')
}

struct Walk<'a> {
    code: &'a [char],
    at: usize,
    paths: Vec<Vec<String>>,
}

impl Walk<'_> {
    /// Reads one path, or one branch of a `use` tree below `prefix`.
    fn path(&mut self, prefix: &[String]) {
        let mut names = prefix.to_vec();
        loop {
            self.blanks();
            let name = name_at(self.code, self.at);
            if !name.is_empty() {
                self.at = self.at.saturating_add(name.chars().count());
                names.push(name);
            } else if self.peek() == Some('{') {
                self.group(&names);
                return;
            } else {
                // A `*`, or the `<` of generic arguments: the path so far is all that is asked for.
                break;
            }
            if !followed_by_colons(self.code, self.at) {
                break;
            }
            self.blanks();
            self.at = self.at.saturating_add(2);
        }
        self.paths.push(names);
    }

    fn group(&mut self, prefix: &[String]) {
        self.at = self.at.saturating_add(1);
        loop {
            self.blanks();
            match self.peek() {
                None | Some('}') => break,
                Some(',') => self.at = self.at.saturating_add(1),
                Some(_) => {
                    self.path(prefix);
                    // What is left of a branch: `as name`, `*`.
                    while self.peek().is_some_and(|c| c != ',' && c != '}') {
                        self.at = self.at.saturating_add(1);
                    }
                }
            }
        }
        self.at = self.at.saturating_add(1);
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at = self.at.saturating_add(1);
        }
    }

    fn peek(&self) -> Option<char> {
        self.code.get(self.at).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str) -> Vec<(usize, String)> {
        let found = references(&Source::read(text)).into_iter();
        found.map(|reference| (reference.line, reference.names.join("::"))).collect()
    }

    fn path(line: usize, text: &str) -> (usize, String) {
        (line, text.to_owned())
    }

    #[test]
    fn use_trees_are_told_branch_by_branch() {
        let text = "use crate::{\n    app::{self, rents::buy as b},\n    store::*,\n};\nuse super::x;\nuse std::fmt;\n";
        let app = [path(1, "crate::app::self"), path(1, "crate::app::rents::buy"), path(1, "crate::store")];
        let mut expected = app.to_vec();
        expected.push(path(5, "super::x"));
        assert_eq!(paths(text), expected);
    }

    #[test]
    fn inline_paths_are_found_and_visibility_is_none() {
        let text =
            "pub(crate) fn f() -> crate::store::Row<crate::app::X> {\n    crate::http::g::<u8>(self.a)\n}\n";
        let expected = [path(1, "crate::store::Row"), path(1, "crate::app::X"), path(2, "crate::http::g")];
        assert_eq!(paths(text), expected);
        assert_eq!(paths("// crate::a\nlet s = \"crate::b\"; r(mycrate::c)"), []);
        assert_eq!(paths("crate::a::B { x: super::super::c::D }").len(), 2);
    }

    #[test]
    fn paths_lead_to_modules() {
        let module = module_of("crates/server/src/store/db/sqlite.rs");
        assert_eq!(module.join("::"), "store::db::sqlite");
        assert_eq!(module_of("crates/server/src/store/db/mod.rs").join("::"), "store::db");
        let lead = |text: &str| resolve(&module, &references(&Source::read(text))[0]).join("::");
        assert_eq!(lead("use super::super::rents::Row;"), "store::rents::Row");
        assert_eq!(lead("use self::wire::X;"), "store::db::sqlite::wire::X");
        assert_eq!(lead("use crate::clock::Clock;"), "clock::Clock");
    }
}
