//! Migrations come in pairs: the same number and name for SQLite and for PostgreSQL, numbered without a gap.

use super::Finding;
use super::tree::Tree;
use std::collections::BTreeSet;

const ENGINES: [&str; 2] = ["sqlite", "postgres"];

pub fn check(tree: &Tree) -> Vec<Finding> {
    let [sqlite, postgres] = ENGINES.map(|engine| names(tree, engine));
    let mut findings = Vec::new();
    for (engine, here, there) in [("sqlite", &sqlite, &postgres), ("postgres", &postgres, &sqlite)] {
        for name in there.difference(here) {
            let path = format!("migrations/{engine}/{name}");
            let way_out = "write both halves of a migration: the same tables and columns, the same file name";
            findings.push(Finding::at(
                &path,
                0,
                "the other database has this migration, this one does not",
                way_out,
            ));
        }
    }
    let all: BTreeSet<&str> = sqlite.union(&postgres).copied().collect();
    for (name, expected) in all.iter().zip(1_u32..) {
        if number(name) != Some(expected) {
            let what = format!("expected number {expected:04} here, as in {expected:04}_words.sql");
            let way_out =
                "number migrations from 0001 without gaps or doubles; a published one is never renamed";
            findings.push(Finding::at(&format!("migrations/*/{name}"), 0, what, way_out));
        }
    }
    findings
}

fn names<'a>(tree: &'a Tree, engine: &str) -> BTreeSet<&'a str> {
    let folder = format!("migrations/{engine}/");
    tree.files().iter().filter_map(|file| file.path.strip_prefix(&folder)).collect()
}

/// `0001_words.sql` is 1.
fn number(name: &str) -> Option<u32> {
    let (digits, words) = name.strip_suffix(".sql")?.split_once('_')?;
    (digits.len() == 4 && !words.is_empty()).then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(paths: &[&str]) -> Vec<String> {
        let files: Vec<(&str, &str)> = paths.iter().map(|path| (*path, "")).collect();
        check(&Tree::of(&files)).into_iter().map(|finding| finding.path).collect()
    }

    #[test]
    fn a_missing_half_is_found() {
        assert_eq!(found(&["migrations/sqlite/0001_a.sql", "migrations/postgres/0001_a.sql"]), [""; 0]);
        assert_eq!(found(&["migrations/sqlite/0001_a.sql"]), ["migrations/postgres/0001_a.sql"]);
        assert_eq!(found(&["migrations/postgres/0001_a.sql"]), ["migrations/sqlite/0001_a.sql"]);
        let other_name = found(&["migrations/sqlite/0001_a.sql", "migrations/postgres/0001_b.sql"]);
        assert_eq!(other_name.len(), 3, "two halves missing and one number twice: {other_name:?}");
    }

    #[test]
    fn numbers_have_one_form_and_no_gap() {
        let pair = |name: &str| ["sqlite", "postgres"].map(|engine| format!("migrations/{engine}/{name}"));
        let all = |names: &[&str]| {
            let paths: Vec<String> = names.iter().flat_map(|name| pair(name)).collect();
            found(&paths.iter().map(String::as_str).collect::<Vec<_>>())
        };
        assert_eq!(all(&["0001_a.sql", "0002_b.sql"]), [""; 0]);
        assert_eq!(all(&["0001_a.sql", "0003_b.sql"]), ["migrations/*/0003_b.sql"]);
        assert_eq!(all(&["1_a.sql"]), ["migrations/*/1_a.sql"]);
    }
}
