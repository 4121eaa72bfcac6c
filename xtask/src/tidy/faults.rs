//! Every public error code has its page, `docs/errors/CODE.md`, and every page there has its code; and every code is
//! provoked by a test of the server, which names it.
//! The codes are the UPPER_SNAKE string literals of core's fault.rs.

use super::Finding;
use super::source::has_word;
use super::tree::Tree;
use std::collections::BTreeMap;

const CODES: [&str; 2] = ["crates/core/src/fault.rs", "crates/core/src/fault/"];
const PAGES: &str = "docs/errors/";
const TESTS: &str = "crates/server/tests/";

/// The codes, and where each is written.
fn codes(tree: &Tree) -> BTreeMap<&str, (&str, usize)> {
    let sources = CODES.iter().flat_map(|place| tree.sources(place));
    let literals =
        sources.flat_map(|(path, source)| source.literals.iter().map(move |literal| (path, literal)));
    literals
        .filter(|(_, literal)| is_code(&literal.text))
        .map(|(path, literal)| (literal.text.as_str(), (path, literal.line)))
        .collect()
}

/// Each code stands in a test of the server, outside comments.
pub fn provoked(tree: &Tree) -> Vec<Finding> {
    let tests = tree.files().iter().filter(|file| file.path.starts_with(TESTS));
    let lines: Vec<&str> = tests
        .filter_map(|file| file.text())
        .flat_map(str::lines)
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect();
    let untested = |code: &str| !lines.iter().any(|line| has_word(line, code));
    let finding = |(code, (path, line)): (&str, (&str, usize))| {
        let way_out = format!("write a test under {TESTS} in which the server answers with it");
        Finding::at(path, line, format!("no test provokes {code}"), way_out)
    };
    codes(tree).into_iter().filter(|(code, _)| untested(code)).map(finding).collect()
}

pub fn check(tree: &Tree) -> Vec<Finding> {
    let codes = codes(tree);
    let pages: BTreeMap<&str, &str> = tree
        .files()
        .iter()
        .filter_map(|file| Some((file.path.strip_prefix(PAGES)?.strip_suffix(".md")?, file.path.as_str())))
        .filter(|(name, _)| is_code(name) && *name != "README")
        .collect();

    let without_page =
        codes.iter().filter(|(code, _)| !pages.contains_key(*code)).map(|(code, (path, line))| {
            let way_out =
                format!("write {PAGES}{code}.md: what it means, why it comes, what the caller does");
            Finding::at(path, *line, format!("code {code} has no page"), way_out)
        });
    let without_code = pages.iter().filter(|(name, _)| !codes.contains_key(*name)).map(|(name, path)| {
        Finding::at(
            path,
            0,
            format!("a page for {name}, which is no code"),
            "remove the page, or correct its name",
        )
    });
    let none = codes.is_empty() && tree.files().iter().any(|file| CODES.contains(&file.path.as_str()));
    let no_codes = none.then(|| {
        let way_out = "if codes are written in another form now, teach faults.rs in xtask to read it";
        Finding::at("crates/core/src/fault.rs", 0, "no error code found in it", way_out)
    });
    without_page.chain(without_code).chain(no_codes).collect()
}

/// `NOT_FOUND`, `TIMEOUT`: three or more capitals, digits and single underscores, a capital first.
fn is_code(text: &str) -> bool {
    let letters = text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    let first = text.chars().next().is_some_and(|c| c.is_ascii_uppercase());
    letters && first && text.len() >= 3 && !text.ends_with('_') && !text.contains("__")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAULT: &str = "crates/core/src/fault.rs";

    fn found(files: &[(&str, &str)]) -> Vec<(String, usize)> {
        check(&Tree::of(files)).into_iter().map(|finding| (finding.path, finding.line)).collect()
    }

    #[test]
    fn codes_and_pages_belong_together() {
        let codes = "faults! {\n    A = \"NOT_FOUND\", \"Nothing is there.\";\n    B = \"TIMEOUT\", \"GET it again.\";\n}\n";
        let (one, two) = (("docs/errors/NOT_FOUND.md", "# x"), ("docs/errors/TIMEOUT.md", "# y"));
        assert_eq!(found(&[(FAULT, codes), one, two, ("docs/errors/README.md", "")]), []);
        assert_eq!(found(&[(FAULT, codes), one]), [(FAULT.to_owned(), 3)]);
        let three = ("docs/errors/GONE_AWAY.md", "");
        assert_eq!(found(&[(FAULT, codes), one, two, three]), [("docs/errors/GONE_AWAY.md".to_owned(), 0)]);
    }

    #[test]
    fn a_code_that_no_test_names_is_found() {
        let codes = "faults! {\n    A = \"NOT_FOUND\", \"x\";\n    B = \"SERVICE_DENIED\", \"y\";\n}\n";
        let found = |test: &str| -> Vec<usize> {
            let tree = Tree::of(&[(FAULT, codes), ("crates/server/tests/it/x.rs", test)]);
            provoked(&tree).into_iter().map(|finding| finding.line).collect()
        };
        assert_eq!(found("fn f() {\n    refused(404, \"NOT_FOUND\");\n}\n"), [3]);
        assert_eq!(found("// NOT_FOUND\nfn f() { refused(404, \"USER_NOT_FOUND\"); }\n"), [2, 3]);
        assert_eq!(found("fn f() { refused(\"SERVICE_DENIED\"); refused(\"NOT_FOUND\"); }\n"), [0; 0]);
    }

    #[test]
    fn a_form_of_codes_that_is_not_understood_is_a_finding() {
        assert_eq!(found(&[(FAULT, "enum Code { NotFound }\n")]), [(FAULT.to_owned(), 0)]);
        assert_eq!(found(&[]), []);
    }
}
