//! Edges between crates, read off the manifests: core ← providers ← server ← testkit.
//! Guards: core and providers stay pure for free, because no crate that could do I/O, tell the time or roll dice is
//! within their reach.

use super::Finding;
use super::tree::Tree;

/// One crate of the workspace and what it may name.
struct Crate {
    folder: &'static str,
    /// Ours, under `[dependencies]`.
    uses: &'static [&'static str],
    /// Ours, under `[dev-dependencies]` beside those.
    tests_use: &'static [&'static str],
    pure: bool,
}

const CORE: &str = "numberotp-core";
const PROVIDERS: &str = "numberotp-providers";
const SERVER: &str = "numberotp-server";
const TESTKIT: &str = "numberotp-testkit";

/// A new crate is a line here.
const CRATES: &[Crate] = &[
    Crate { folder: "crates/core/", uses: &[], tests_use: &[], pure: true },
    Crate { folder: "crates/providers/", uses: &[CORE], tests_use: &[], pure: true },
    Crate { folder: "crates/server/", uses: &[CORE, PROVIDERS], tests_use: &[TESTKIT], pure: false },
    Crate { folder: "crates/testkit/", uses: &[CORE, PROVIDERS, SERVER], tests_use: &[], pure: false },
    Crate { folder: "crates/bench/", uses: &[CORE, PROVIDERS, SERVER, TESTKIT], tests_use: &[], pure: false },
    Crate { folder: "xtask/", uses: &[], tests_use: &[], pure: false },
];

/// What a pure crate's manifest must not name, in any section.
const IMPURE: &[&str] = &[
    "tokio",
    "tokio-util",
    "hyper",
    "hyper-util",
    "axum",
    "tower",
    "rusqlite",
    "tokio-postgres",
    "postgres",
    "reqwest",
    "ureq",
    "rand",
    "getrandom",
    "futures",
    "async-trait",
    "tracing",
    "clap",
];

pub fn check(tree: &Tree) -> Vec<Finding> {
    let manifests = tree.files().iter().filter(|file| file.path.ends_with("/Cargo.toml"));
    let mut findings = Vec::new();
    for (file, text) in manifests.filter_map(|file| Some((file, file.text()?))) {
        match CRATES.iter().find(|known| file.path == format!("{}Cargo.toml", known.folder)) {
            Some(known) => findings.extend(judge(&file.path, text, known)),
            None => {
                let way_out =
                    "add a line to CRATES in manifests.rs: where the new crate stands is a decision";
                findings.push(Finding::at(
                    &file.path,
                    0,
                    "a crate that the table of edges does not know",
                    way_out,
                ));
            }
        }
    }
    findings
}

fn judge(path: &str, text: &str, known: &Crate) -> Vec<Finding> {
    let findings = dependencies(text).into_iter().filter_map(|Dependency { line, section, name }| {
        let ours = name.starts_with("numberotp");
        let allowed =
            known.uses.contains(&name) || (section == "dev-dependencies" && known.tests_use.contains(&name));
        if ours && !allowed {
            let what = format!("may not depend on {name}");
            return Some(Finding::at(
                path,
                line,
                what,
                "move what is needed down: core ← providers ← server ← testkit",
            ));
        }
        let way_out =
            "keep core and providers free of I/O, clocks and randomness: hand in values, return requests";
        let impure = known.pure && IMPURE.contains(&name);
        impure.then(|| Finding::at(path, line, format!("a pure crate may not name {name}"), way_out))
    });
    findings.collect()
}

struct Dependency<'a> {
    line: usize,
    /// `dependencies`, `dev-dependencies` or `build-dependencies`.
    section: &'a str,
    name: &'a str,
}

/// The dependencies of a manifest, those for one target and those in tables of their own too.
fn dependencies(text: &str) -> Vec<Dependency<'_>> {
    let mut found = Vec::new();
    let mut section = "";
    for (index, line) in text.lines().enumerate() {
        let (line, number) = (line.trim(), index.saturating_add(1));
        if let Some(header) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            let parts: Vec<&str> =
                header.split('.').map(|part| part.trim_matches(['"', '\'', ' '])).collect();
            let at = parts.iter().position(|part| part.ends_with("dependencies"));
            section = at.and_then(|at| parts.get(at)).copied().unwrap_or_default();
            // `[dependencies.tokio]`: the header names the dependency, its lines name properties.
            if let Some(name) = at.and_then(|at| parts.get(at.saturating_add(1))) {
                found.push(Dependency { line: number, section, name });
                section = "";
            }
        } else if let (Some((name, _)), false) =
            (line.split_once('='), section.is_empty() || line.starts_with('#'))
        {
            let name = name.split('.').next().unwrap_or_default().trim().trim_matches('"');
            found.push(Dependency { line: number, section, name });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<(usize, String)> {
        check(&Tree::of(&[(path, text)])).into_iter().map(|finding| (finding.line, finding.what)).collect()
    }

    #[test]
    fn a_pure_crate_names_no_runtime_in_any_form() {
        let path = "crates/core/Cargo.toml";
        assert_eq!(found(path, "[dependencies]\njiff.workspace = true\n# tokio = 1\n"), []);
        assert_eq!(found(path, "[dependencies]\ntokio = \"1\"\n")[0].0, 2);
        assert_eq!(found(path, "[dev-dependencies.rusqlite]\nversion = \"1\"\n")[0].0, 1);
        assert_eq!(found(path, "[target.'cfg(unix)'.dependencies]\nhyper.workspace = true\n")[0].0, 2);
        assert_eq!(found("crates/providers/Cargo.toml", "[dependencies]\naxum.workspace = true\n").len(), 1);
        assert_eq!(found("crates/server/Cargo.toml", "[dependencies]\ntokio.workspace = true\n"), []);
        assert_eq!(found(path, "[features]\ntokio = []\n"), []);
    }

    #[test]
    fn edges_between_crates_go_one_way() {
        let line = "numberotp-server.workspace = true\n";
        assert_eq!(found("crates/providers/Cargo.toml", &format!("[dependencies]\n{line}")).len(), 1);
        assert_eq!(found("crates/testkit/Cargo.toml", &format!("[dependencies]\n{line}")), []);
        let testkit = "numberotp-testkit = { path = \"../testkit\" }\n";
        assert_eq!(found("crates/server/Cargo.toml", &format!("[dev-dependencies]\n{testkit}")), []);
        assert_eq!(found("crates/server/Cargo.toml", &format!("[dependencies]\n{testkit}")).len(), 1);
    }

    #[test]
    fn an_unknown_crate_needs_a_line() {
        assert_eq!(found("crates/extra/Cargo.toml", "[package]\n").len(), 1);
        assert_eq!(found("Cargo.toml", "[workspace]\n"), []);
    }
}
