//! The two databases have one face: which of them it is, is asked in `store/db` only.
//! boot and cli name an engine to open it; nothing else in the server may.

use super::Finding;
use super::tree::Tree;

const SERVER: &str = "crates/server/src/";
const VARIANTS: &[&str] = &["Engine::Sqlite", "Engine::Postgres"];
const ALLOWED: &[&str] = &["store/db/", "store/db.rs", "boot.rs", "boot/", "cli.rs", "cli/"];

pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, source) in tree.sources(SERVER) {
        let below = path.strip_prefix(SERVER).unwrap_or(path);
        if ALLOWED.iter().any(|allowed| below.starts_with(allowed)) {
            continue;
        }
        for (line, variant) in source.find(VARIANTS) {
            let way_out = "give Engine or Connection in store/db a method that answers what you need to know";
            findings.push(Finding::at(path, line, format!("`{variant}` outside store/db"), way_out));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_is_named_in_the_database_layer_and_by_what_opens_it() {
        let text = "fn f(e: &Engine) -> bool {\n    matches!(e, Engine::Sqlite(_)) || matches!(e, db::Engine::Postgres(_))\n}\n";
        let found = |path: &str| check(&Tree::of(&[(path, text)])).len();
        assert_eq!(found("crates/server/src/app/rents.rs"), 2);
        assert_eq!(found("crates/server/src/store/rents.rs"), 2);
        assert_eq!(found("crates/server/src/store/db/mod.rs"), 0);
        assert_eq!(found("crates/server/src/boot.rs"), 0);
        assert_eq!(found("crates/server/tests/it/store.rs"), 0);
    }
}
