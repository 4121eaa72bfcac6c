//! No file above 100 kB, unless it is named here: a repository keeps everything for ever.

use super::Finding;
use super::tree::Tree;

const BYTES_MAX: usize = 100_000;

/// (path or folder, why it may be large, or is not written by hand). The rule on words passes these over too.
pub const GENERATED: &[(&str, &str)] = &[
    ("Cargo.lock", "written by cargo"),
    ("crates/core/data/", "facts of the field that the product ships"),
    ("crates/server/assets/scalar/", "vendored: the page at /docs"),
    ("docs/bench.md", "written by cargo xtask bench --write"),
    ("docs/generated/", "written by cargo xtask generate"),
];

pub fn check(tree: &Tree) -> Vec<Finding> {
    let large = tree.files().iter().filter(|file| file.bytes.len() > BYTES_MAX && !is_generated(&file.path));
    let way_out =
        "keep it out (make it when it is needed), or add it to GENERATED in blobs.rs with the reason";
    let told = large.map(|file| {
        Finding::at(&file.path, 0, format!("{} bytes; {BYTES_MAX} are allowed", file.bytes.len()), way_out)
    });
    told.collect()
}

/// Whether `path` is generated, vendored or data.
pub fn is_generated(path: &str) -> bool {
    GENERATED.iter().any(|(place, _)| path == *place || (place.ends_with('/') && path.starts_with(place)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_file_needs_a_reason() {
        let (full, over) = ("x".repeat(BYTES_MAX), "x".repeat(BYTES_MAX + 1));
        let found = |path: &str, text: &str| check(&Tree::of(&[(path, text)])).len();
        assert_eq!(found("docs/a.md", &full), 0);
        assert_eq!(found("docs/a.md", &over), 1);
        assert_eq!(found("Cargo.lock", &over), 0);
        assert_eq!(found("docs/Cargo.lock", &over), 1);
        assert_eq!(found("crates/core/data/numbers.tsv", &over), 0);
    }
}
