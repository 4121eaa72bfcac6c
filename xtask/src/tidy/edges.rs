//! Edges between the modules of the server: `http, jobs → app → store → store/db`, leaves and shells beside them.
//! Guards: no module names one above it, and there is no cycle. Reads `use` trees and inline paths, tests left out.
//! A new module, or a new edge, is a line in [`MODULES`]: that line is the decision, and a reviewer sees it.

use super::Finding;
use super::paths::{module_of, references, resolve};
use super::tree::Tree;
use std::collections::BTreeSet;

const SERVER: &str = "crates/server/src/";

/// (module, the modules that it may name). Later lines may name earlier ones, never the other way round.
const MODULES: &[(&str, &[&str])] = &[
    // Leaves: they know nothing of the product.
    ("clock", &[]),
    ("entropy", &[]),
    ("telemetry", &[]),
    ("metrics", &[]),
    ("outbound", &[]),
    ("mailer", &[]),
    // Storage, and the vault, whose keys are rows.
    ("store::error", &[]),
    ("store::db", &["store::error"]),
    ("store", &["store::error", "store::db", "metrics"]),
    ("vault", &["store", "store::error", "entropy"]),
    // Settings name the database they are for.
    ("config", &["store::db"]),
    // The use cases.
    (
        "app",
        &["vault", "store", "store::error", "metrics", "outbound", "mailer", "config", "entropy", "clock"],
    ),
    // The two faces of the process. The runner keeps its own rows; everything else goes through a use case.
    ("jobs", &["app", "store", "store::error"]),
    ("http", &["jobs", "app", "metrics", "config", "entropy"]),
    // Shells: they put the rest together, and open the database.
    (
        "boot",
        &[
            "jobs",
            "app",
            "vault",
            "store",
            "store::error",
            "metrics",
            "outbound",
            "mailer",
            "config",
            "entropy",
            "clock",
        ],
    ),
    (
        "cli",
        &["boot", "http", "jobs", "app", "store", "store::error", "telemetry", "config", "entropy", "clock"],
    ),
];

/// Names that stand for another module than their path says: (path, the module where it is written).
const REEXPORTS: &[(&str, &str)] = &[("store::StoreError", "store::error")];

pub fn check(tree: &Tree) -> Vec<Finding> {
    judge(tree, MODULES)
}

fn judge(tree: &Tree, table: &[(&str, &[&str])]) -> Vec<Finding> {
    let mut findings = upward_lines(table);
    let known: BTreeSet<&str> = table.iter().map(|(module, _)| *module).collect();
    for (path, source) in tree.sources(SERVER) {
        let module = module_of(path);
        let Some(from) = unit(&module, &known) else {
            // lib.rs declares the modules, main.rs starts them: neither holds anything to depend on.
            if !module.is_empty() && module.join("::") != "main" {
                let what = format!("module `{}` is not in the table of edges", module.join("::"));
                findings.push(Finding::at(
                    path,
                    0,
                    what,
                    "add its line to MODULES in xtask/src/tidy/edges.rs",
                ));
            }
            continue;
        };
        let allowed =
            table.iter().find(|(module, _)| *module == from).map_or(&[][..], |(_, allowed)| allowed);
        let mut told = BTreeSet::new();
        for reference in references(source) {
            let Some(to) = unit(&resolve(&module, &reference), &known) else { continue };
            if to != from && !allowed.contains(&to) && told.insert((reference.line, to)) {
                let what = format!("`{from}` may not name `{to}` (it may name: {})", allowed.join(", "));
                let way_out = "go through a module that it may name, move what is shared down, or add the edge to \
                               MODULES in xtask/src/tidy/edges.rs if the layers still hold";
                findings.push(Finding::at(path, reference.line, what, way_out));
            }
        }
    }
    findings
}

/// Pairs of the table's modules that name each other.
pub fn two_way(tree: &Tree) -> usize {
    let known: BTreeSet<&str> = MODULES.iter().map(|(module, _)| *module).collect();
    let mut edges = BTreeSet::new();
    for (path, source) in tree.sources(SERVER) {
        let module = module_of(path);
        let Some(from) = unit(&module, &known) else { continue };
        let to = references(source).into_iter().filter_map(|found| unit(&resolve(&module, &found), &known));
        edges.extend(to.map(|to| (from, to)));
    }
    edges.iter().filter(|(from, to)| from < to && edges.contains(&(*to, *from))).count()
}

/// The line of the table that a path of modules belongs to: the longest that fits.
fn unit<'a>(place: &[String], known: &BTreeSet<&'a str>) -> Option<&'a str> {
    let (first, second) = (place.first()?, place.get(1));
    let long = second.map(|second| format!("{first}::{second}")).unwrap_or_default();
    let written =
        REEXPORTS.iter().find(|(path, _)| *path == long).map_or(long.as_str(), |(_, module)| module);
    known.get(written).or_else(|| known.get(first.as_str())).copied()
}

/// A table in which every line names only earlier ones has no cycle.
fn upward_lines(table: &[(&str, &[&str])]) -> Vec<Finding> {
    let mut above = BTreeSet::new();
    let mut findings = Vec::new();
    for (module, allowed) in table {
        for name in allowed.iter().filter(|name| !above.contains(*name)) {
            let what = format!("the table lets `{module}` name `{name}`, which does not stand above it");
            let way_out =
                "order the lines so that each names earlier ones only; where that fails there is a cycle";
            findings.push(Finding::at("xtask/src/tidy/edges.rs", 0, what, way_out));
        }
        above.insert(*module);
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        let path = format!("{SERVER}{path}");
        check(&Tree::of(&[(path.as_str(), text)])).into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn layers_name_only_what_is_below() {
        assert_eq!(
            found("http/rents.rs", "use crate::app::rents;\nfn f(c: &crate::app::Context) {}"),
            [""; 0]
        );
        assert!(
            found("app/rents.rs", "use crate::http::problem::Problem;")[0]
                .contains("`app` may not name `http`")
        );
        assert_eq!(found("http/rents.rs", "use crate::{app::rents, store::{db, rents as r}};").len(), 2);
        assert_eq!(found("jobs/expiry.rs", "fn f() { crate::store::db::expire() }").len(), 1);
        assert_eq!(found("jobs/expiry.rs", "fn f() { super::super::http::serve() }").len(), 1);
        assert_eq!(found("clock.rs", "use crate::config::Config;").len(), 1);
    }

    #[test]
    fn the_database_layer_names_nothing_of_the_store_but_its_errors() {
        assert_eq!(found("store/rents.rs", "use super::db::Tx;\nuse crate::store::accounts::Row;"), [""; 0]);
        assert_eq!(
            found("store/db/sqlite.rs", "use crate::store::StoreError;\nuse super::value::Row;"),
            [""; 0]
        );
        assert_eq!(found("store/db/mod.rs", "use super::StoreError;"), [""; 0]);
        assert_eq!(found("store/db/sqlite.rs", "use super::super::rents::Row;").len(), 1);
        assert_eq!(found("app/rents.rs", "use crate::store::db::Connection;").len(), 1);
    }

    #[test]
    fn tests_comments_and_the_root_are_free_and_an_unknown_module_is_not() {
        let test = "// crate::http\n#[cfg(test)]\nmod tests {\n    use crate::http::serve;\n}\n";
        assert_eq!(found("app/rents.rs", test), [""; 0]);
        assert_eq!(found("lib.rs", "pub mod http;\npub use crate::http::serve;"), [""; 0]);
        assert_eq!(found("main.rs", "use numberotp_server::cli;"), [""; 0]);
        assert!(found("helpers/mod.rs", "")[0].contains("`helpers` is not in the table"));
    }

    #[test]
    fn modules_that_name_each_other_are_counted_once() {
        let both = [
            ("crates/server/src/app/a.rs", "use crate::http::x;"),
            ("crates/server/src/http/b.rs", "use crate::app::y;"),
            ("crates/server/src/http/c.rs", "use crate::app::z;"),
        ];
        assert_eq!(two_way(&Tree::of(&both)), 1);
        assert_eq!(two_way(&Tree::of(&both[1..])), 0);
    }

    #[test]
    fn a_cycle_in_the_table_is_found() {
        assert_eq!(upward_lines(MODULES), []);
        assert_eq!(upward_lines(&[("a", &["b"]), ("b", &["a"])]).len(), 1);
        assert_eq!(upward_lines(&[("a", &["a"])]).len(), 1);
    }
}
