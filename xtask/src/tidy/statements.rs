//! One SQL text for two databases: statements that are written twice are exceptions, and counted.
//! The marks below are all that ties this rule to the store's way of writing statements.

use super::Finding;
use super::source::Source;
use super::tree::Tree;

const STORE: &str = "crates/server/src/store/";
/// Where the marks themselves are defined; their own names do not count.
const DEFINED_IN: &str = "crates/server/src/store/db/statement.rs";

/// A statement with a text for each database.
const PAIR: &str = "Statement::pair(";
/// A statement with one text.
const SINGLE: &str = "Statement::new(";
/// A block of statements with one text each, closed by a semicolon each.
const BLOCK: &str = "statements!";
/// A write of many rows, described once; its two texts are derived. Counted and told, not an exception.
const DERIVED: &str = "Bulk{name:";

/// Of a hundred statements, so many may differ.
const PERCENT_MAX: usize = 10;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    pairs: usize,
    all: usize,
    derived: usize,
}

pub fn check(tree: &Tree) -> Vec<Finding> {
    let Count { pairs, all, .. } = count(tree);
    if pairs.saturating_mul(100) <= all.saturating_mul(PERCENT_MAX) {
        return Vec::new();
    }
    let what =
        format!("{pairs} of {all} statements have a text for each database: more than {PERCENT_MAX} %");
    vec![Finding::at(
        STORE,
        0,
        what,
        "write one text that both databases read, or teach store/db a neutral word",
    )]
}

/// The count, for the closing line.
pub fn told(tree: &Tree) -> String {
    let Count { pairs, all, derived } = count(tree);
    format!("{pairs} of {all} statements differ between databases ({derived} more are derived from columns)")
}

fn count(tree: &Tree) -> Count {
    let mut sum = Count::default();
    for (_, source) in tree.sources(STORE).filter(|(path, _)| *path != DEFINED_IN) {
        let code: String = source.code.iter().filter(|c| !c.is_whitespace()).collect();
        let pairs = code.matches(PAIR).count();
        let singles = code.matches(SINGLE).count().saturating_add(in_blocks(source));
        sum.pairs = sum.pairs.saturating_add(pairs);
        sum.all = sum.all.saturating_add(pairs).saturating_add(singles);
        sum.derived = sum.derived.saturating_add(code.matches(DERIVED).count());
    }
    sum
}

/// Semicolons within the blocks; those inside SQL are blanks by now.
fn in_blocks(source: &Source) -> usize {
    let code: String = source.code.iter().collect();
    let blocks =
        code.split(BLOCK).skip(1).filter_map(|rest| rest.trim_start().strip_prefix('{')?.split('}').next());
    blocks.map(|block| block.matches(';').count()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(pairs: usize, singles: usize) -> Tree {
        let pair = "const P: Statement = Statement::pair(\"P\", \"a; b\", \"c\");\n".repeat(pairs);
        let single = "    A = \"SELECT a; b {}\";\n".repeat(singles);
        let text = format!("{pair}statements! {{\n{single}}}\nfn f() {{ g(); }}\n");
        Tree::of(&[("crates/server/src/store/rents.rs", &text)])
    }

    #[test]
    fn more_than_a_tenth_in_pairs_is_refused() {
        assert_eq!(count(&tree(1, 9)), Count { pairs: 1, all: 10, derived: 0 });
        assert_eq!(check(&tree(1, 9)), []);
        assert_eq!(check(&tree(2, 9)).len(), 1);
        assert_eq!(check(&tree(1, 0)).len(), 1);
        assert_eq!(check(&Tree::of(&[])), []);
    }

    #[test]
    fn every_form_of_statement_is_counted_and_the_definition_is_not() {
        let text = "const L: Statement =\n    Statement::new(\n \"L\", \"x\");\nconst B: Bulk = Bulk { name: \"B\", table: \"t\" };\n";
        let files =
            [("crates/server/src/store/db/mod.rs", text), (DEFINED_IN, text), ("crates/core/src/a.rs", text)];
        assert_eq!(count(&Tree::of(&files)), Count { pairs: 0, all: 1, derived: 1 });
        assert!(told(&Tree::of(&files)).starts_with("0 of 1 statements differ"));
    }
}
