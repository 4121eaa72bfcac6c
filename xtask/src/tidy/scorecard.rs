//! The scorecard: six figures about the tree and what they may be, printed with every check.
//! Guards: a figure beyond its bound is a finding, so the tree cannot drift from one quiet change to the next.
//! Must count what a reader meets: tests by themselves, comments and blank lines with the rest.

use super::source::{Source, is_name};
use super::tree::Tree;
use super::{Finding, edges, sizes, sql, statements};
use std::fmt::Write;

/// Lines of a function, from its signature to its closing brace.
const FUNCTION_MOST: usize = 70;
/// Lines of tests to a hundred lines of what they test.
const TESTS_LEAST: usize = 80;

/// What both sides of the last figure count: our own Rust.
const OURS: [&str; 2] = ["crates/", "xtask/"];

/// Tables of words and numbers: there is nothing in them to test line by line.
fn is_table(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.starts_with("words_") || name == "table.rs"
}

/// The benchmark measures the product beside its peers: it is neither the product nor a test of it.
const INSTRUMENT: &str = "crates/bench/";

/// The figures of the tree.
#[derive(Debug)]
struct Card {
    largest: (usize, String),
    long_functions: usize,
    two_way: usize,
    sql_elsewhere: usize,
    statements: String,
    tests: usize,
    production: usize,
}

impl Card {
    fn of(tree: &Tree) -> Self {
        let sizes = tree.files().iter().filter_map(|file| Some((sizes::lines(file)?, file.path.clone())));
        let ours =
            || tree.files().iter().filter(|file| OURS.iter().any(|folder| file.path.starts_with(folder)));
        let sources = ours().filter_map(|file| Some((file, file.source.as_ref()?)));
        let (mut tests, mut production, mut long_functions) = (0_usize, 0_usize, 0_usize);
        for (file, source) in sources.filter(|(file, _)| !is_table(&file.path)) {
            long_functions = long_functions.saturating_add(functions_over(source, FUNCTION_MOST));
            if file.path.starts_with(INSTRUMENT) {
                continue;
            }
            let lines = file.text().map_or(0, |text| text.lines().count());
            let own =
                if file.is_test() || file.path.starts_with("crates/testkit/") { 0 } else { source.lines };
            tests = tests.saturating_add(lines.saturating_sub(own));
            production = production.saturating_add(own);
        }
        Self {
            largest: sizes.max().unwrap_or_default(),
            long_functions,
            two_way: edges::two_way(tree),
            sql_elsewhere: sql::check(tree).len(),
            statements: statements::told(tree),
            tests,
            production,
        }
    }

    /// Lines of tests to a hundred of the rest.
    fn ratio(&self) -> usize {
        self.tests.saturating_mul(100).checked_div(self.production).unwrap_or(0)
    }
}

/// What no other rule refuses.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let card = Card::of(tree);
    let mut findings = Vec::new();
    let mut wrong = |what: String, way_out: &str| findings.push(Finding::at("crates", 0, what, way_out));
    if card.long_functions > 0 {
        let what = format!("{} functions are longer than {FUNCTION_MOST} lines", card.long_functions);
        wrong(what, "split them by what they do; clippy's too_many_lines names most of them");
    }
    if card.two_way > 0 {
        wrong(format!("{} pairs of modules name each other", card.two_way), "move what both need below both");
    }
    if card.production > 0 && card.ratio() < TESTS_LEAST {
        let what = format!("{} lines of tests to 100 others: fewer than {TESTS_LEAST}", card.ratio());
        wrong(what, "what was added has no tests yet");
    }
    findings
}

/// The card, for people.
pub fn told(tree: &Tree) -> String {
    let card = Card::of(tree);
    let (lines, path) = &card.largest;
    let mut told = String::from("tidy: the scorecard\n");
    let rows = [
        ("largest file", format!("{lines} lines, at most {}: {path}", sizes::FAIL_ABOVE)),
        ("functions over 70 lines", format!("{}, none allowed", card.long_functions)),
        ("two-way module pairs", format!("{}, none allowed", card.two_way)),
        ("SQL outside the store", format!("{}, none allowed", card.sql_elsewhere)),
        ("statement pairs", card.statements.clone()),
        (
            "tests : production",
            format!(
                "{}.{:02}, at least 0.{TESTS_LEAST} ({} : {} lines, tables of words and the benchmark left out)",
                card.ratio() / 100,
                card.ratio() % 100,
                card.tests,
                card.production
            ),
        ),
    ];
    for (name, figure) in rows {
        // Writing to a String cannot fail.
        let _written = writeln!(told, "  {name:<24} {figure}");
    }
    told
}

/// How many functions have more lines than that.
fn functions_over(source: &Source, most: usize) -> usize {
    let lines: Vec<String> = source.code_lines().map(|(_, line)| line).collect();
    let starts = lines.iter().enumerate().filter(|(_, line)| begins_function(line));
    starts.filter(|(start, _)| lines_of_item(lines.get(*start..).unwrap_or_default()) > most).count()
}

/// Whether the word `fn` stands on a line, followed by a name: a type `fn(…)` is no function.
fn begins_function(line: &str) -> bool {
    let mut words = line.split(|c: char| c.is_whitespace());
    words.any(|word| word == "fn") && line.rsplit("fn ").next().is_some_and(|rest| rest.starts_with(is_name))
}

/// Lines until the first brace is closed; one that ends before it opens is a declaration.
fn lines_of_item(lines: &[String]) -> usize {
    let mut depth = 0_usize;
    for (number, line) in lines.iter().enumerate() {
        for c in line.chars() {
            match c {
                '{' => depth = depth.saturating_add(1),
                '}' if depth == 1 => return number.saturating_add(1),
                '}' => depth = depth.saturating_sub(1),
                ';' if depth == 0 && !line.contains('[') => return number.saturating_add(1),
                _ => {}
            }
        }
    }
    lines.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(lines: usize) -> String {
        format!("//! X.\nfn long(\n    a: u8,\n) {{\n{}}}\nfn short();\n", "    g();\n".repeat(lines - 4))
    }

    #[test]
    fn a_function_is_as_long_as_from_its_name_to_its_last_brace() {
        let over = |lines| functions_over(&Source::read(&function(lines)), 70);
        assert_eq!((over(70), over(71)), (0, 1));
        let pointer = "struct A {\n    f: fn(u8) -> u8,\n}\n".to_owned() + &"// x\n".repeat(100);
        assert_eq!(functions_over(&Source::read(&pointer), 70), 0, "a type is no function");
    }

    #[test]
    fn too_few_tests_are_a_finding_and_the_card_tells_them() {
        let long = format!("//! X.\n{}", "fn f() {}\n".repeat(99));
        let tests = |lines: usize| "fn t() {}\n".repeat(lines);
        let tree =
            |lines| Tree::of(&[("crates/core/src/a.rs", &long), ("crates/core/tests/b.rs", &tests(lines))]);
        assert_eq!(check(&tree(80)).len(), 0);
        assert_eq!(check(&tree(79)).len(), 1);
        let told = told(&tree(125));
        assert!(told.contains("1.25, at least 0.80 (125 : 100 lines"), "{told}");
        assert!(told.contains("125 lines, at most 600") || told.contains("100 lines, at most 600"), "{told}");
    }

    #[test]
    fn a_long_function_is_a_finding() {
        let text = function(80) + "#[cfg(test)]\nmod tests {\n" + &"fn t() {}\n".repeat(90) + "}\n";
        assert_eq!(check(&Tree::of(&[("crates/core/src/a.rs", &text)])).len(), 1);
    }
}
