//! Every Rust file says on its first line what it is: `//! …`.

use super::Finding;
use super::tree::Tree;

/// Fewer letters than this say nothing.
const LETTERS_MIN: usize = 8;

pub fn check(tree: &Tree) -> Vec<Finding> {
    let files = tree.files().iter().filter(|file| file.path.ends_with(".rs"));
    let without = files.filter(|file| {
        let first = file.text().and_then(|text| text.lines().next()).unwrap_or_default();
        let said = first.strip_prefix("//!").unwrap_or_default();
        said.chars().filter(|c| c.is_alphabetic()).count() < LETTERS_MIN
    });
    let way_out = "begin with 2 to 8 lines of `//!`: what it is, which rule it guards, what it must never do";
    without.map(|file| Finding::at(&file.path, 1, "no `//!` header on the first line", way_out)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_begins_with_its_header() {
        let found = |text: &str| check(&Tree::of(&[("crates/core/tests/a.rs", text)])).len();
        assert_eq!(found("//! Money, in micro-dollars.\n"), 0);
        assert_eq!(found("use std::fmt;\n//! Money, in micro-dollars.\n"), 1);
        assert_eq!(found("//!\n//! Money, in micro-dollars.\n"), 1);
        assert_eq!(found("// Money, in micro-dollars.\n"), 1);
        assert_eq!(found(""), 1);
    }
}
