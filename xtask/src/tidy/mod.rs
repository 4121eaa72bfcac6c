//! `cargo xtask tidy`: the house rules as a program. Every rule looks at the same [`Tree`]; all findings go into one report,
//! each with the way out. A new rule is a file here and a line in [`RULES`].
//! Guards: a rule is a pure function over texts, with a test in which it fails.

mod blobs;
mod edges;
mod engines;
mod faults;
mod headers;
mod manifests;
mod migrations;
mod paths;
mod purity;
mod scorecard;
mod sizes;
mod source;
mod sql;
mod statements;
mod tree;
mod words;

use crate::session::Failure;
use crate::workspace::{files, root};
use std::fmt::Write;
use tree::Tree;

/// Whether a finding fails the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// It does.
    Fails,
    /// It is only told.
    Warns,
}

/// One broken rule at one place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    pub weight: Weight,
    pub path: String,
    /// Counted from 1; 0 when it is about the file as a whole.
    pub line: usize,
    pub what: String,
    pub way_out: String,
}

impl Finding {
    /// A finding that fails the run.
    pub fn at(path: &str, line: usize, what: impl Into<String>, way_out: impl Into<String>) -> Self {
        let (what, way_out) = (what.into(), way_out.into());
        Self { weight: Weight::Fails, path: path.to_owned(), line, what, way_out }
    }
}

/// Each rule's name in the report, and the rule.
type Rule = (&'static str, fn(&Tree) -> Vec<Finding>);

const RULES: &[Rule] = &[
    ("size", sizes::check),
    ("header", headers::check),
    ("crate edge", manifests::check),
    ("module edge", edges::check),
    ("purity", purity::check),
    ("sql", sql::check),
    ("engine", engines::check),
    ("statement pairs", statements::check),
    ("migrations", migrations::check),
    ("error pages", faults::check),
    ("error tests", faults::provoked),
    ("words", words::check),
    ("scorecard", scorecard::check),
    ("large file", blobs::check),
];

/// Checks the repository and prints the report.
///
/// # Errors
/// [`Failure::Told`] when a rule is broken or the files cannot be read.
pub fn run() -> Result<(), Failure> {
    let root = root();
    let tree = Tree::read(&root, &files(&root)?)?;
    let (report, failures) = report(&tree);
    print!("{report}");
    print!("{}", scorecard::told(&tree));
    println!("tidy: {} files, {failures} findings that fail", tree.files().len());
    if failures == 0 { Ok(()) } else { Err(Failure::Told("tidy has findings".to_owned())) }
}

/// The report, and how many findings fail the run.
fn report(tree: &Tree) -> (String, usize) {
    let mut told = String::new();
    let mut failures = 0_usize;
    for (name, rule) in RULES {
        let mut findings = rule(tree);
        findings.sort();
        for finding in findings {
            let Finding { weight, path, line, what, way_out } = finding;
            let place = if line == 0 { path } else { format!("{path}:{line}") };
            let word = match weight {
                Weight::Fails => "error",
                Weight::Warns => "warning",
            };
            failures = failures.saturating_add(usize::from(weight == Weight::Fails));
            // Writing to a String cannot fail.
            let _written = write!(told, "{place}: {word}: {name}: {what}\n    way out: {way_out}\n");
        }
    }
    (told, failures)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_names_place_rule_and_way_out_and_counts_only_what_fails() {
        let long = format!("//! A long file.\n{}", "fn f() {}\n".repeat(450));
        let tests = format!("//! A file of tests.\n{}", "fn t() {}\n".repeat(400));
        let files = [
            ("crates/core/src/a.rs", "fn f() {}\n"),
            ("crates/core/src/b.rs", &long),
            ("crates/core/tests/c.rs", &tests),
        ];
        let tree = Tree::of(&files);
        let (report, failures) = report(&tree);
        assert!(report.contains("crates/core/src/a.rs:1: error: header: "), "{report}");
        assert!(report.contains("crates/core/src/b.rs: warning: size: "), "{report}");
        assert!(report.contains("\n    way out: "), "{report}");
        assert_eq!(failures, 1, "{report}");
    }
}
