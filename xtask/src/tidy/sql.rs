//! SQL stands under the server's store and nowhere else: string literals elsewhere hold none.
//! Tests are free; testkit's auditor is too, because it recomputes the books without the store's help.

use super::Finding;
use super::tree::Tree;

/// Where SQL belongs.
const STORE: &str = "crates/server/src/store/";

/// (path or folder, why SQL may stand there too).
const EXEMPT: &[(&str, &str)] = &[("crates/testkit/src/auditor", "an independent look at the tables")];

pub fn check(tree: &Tree) -> Vec<Finding> {
    let free =
        |path: &str| path.starts_with(STORE) || EXEMPT.iter().any(|(exempt, _)| path.starts_with(exempt));
    let elsewhere = tree.sources("crates/").filter(|(path, _)| !free(path));
    let mut findings = Vec::new();
    for (path, source) in elsewhere {
        for literal in source.literals.iter().filter(|literal| is_sql(&literal.text)) {
            let way_out = "make it a function of the store (crates/server/src/store), and call that";
            findings.push(Finding::at(path, literal.line, "SQL outside the store", way_out));
        }
    }
    findings
}

/// Capital keywords anywhere, or a text that begins as a statement does in small letters.
fn is_sql(text: &str) -> bool {
    let update = text.split_once("UPDATE ").is_some_and(|(_, rest)| rest.contains(" SET "));
    if update || ["SELECT ", "INSERT INTO", "DELETE FROM"].iter().any(|keyword| text.contains(keyword)) {
        return true;
    }
    let small = text.trim_start();
    let begins = |first: &str, then: &str| small.strip_prefix(first).is_some_and(|rest| rest.contains(then));
    begins("select ", " from ")
        || begins("update ", " set ")
        || begins("insert into ", "")
        || begins("delete from ", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, literal: &str) -> usize {
        check(&Tree::of(&[(path, &format!("const X: &str = \"{literal}\";\n"))])).len()
    }

    #[test]
    fn statements_outside_the_store_are_found() {
        for statement in [
            "SELECT 1",
            "INSERT INTO accounts (id) VALUES ($1)",
            "UPDATE accounts\\n SET x = 1",
            "DELETE FROM accounts",
            "WITH a AS (SELECT id FROM b) DELETE FROM c",
            "  select id from accounts",
            "update accounts set x = 1",
        ] {
            assert_eq!(found("crates/server/src/app/a.rs", statement), 1, "{statement}");
            assert_eq!(found("crates/testkit/src/app.rs", statement), 1, "{statement}");
            assert_eq!(found("crates/server/src/store/a.rs", statement), 0);
            assert_eq!(found("crates/server/tests/it/a.rs", statement), 0);
            assert_eq!(found("crates/testkit/src/auditor.rs", statement), 0);
        }
    }

    #[test]
    fn sentences_are_no_statements() {
        for sentence in [
            "Select a country from the list.",
            "select a country",
            "UPDATE is refused",
            "delete the key",
            "INSERTED INTO x",
        ] {
            assert_eq!(found("crates/server/src/app/a.rs", sentence), 0, "{sentence}");
        }
        let comment = "// SELECT 1\nfn f() {}\n";
        assert_eq!(check(&Tree::of(&[("crates/server/src/app/a.rs", comment)])), []);
    }
}
