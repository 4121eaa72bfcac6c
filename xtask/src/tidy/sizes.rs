//! Files that can be read in one sitting: a warning above 400 lines, a failure above 600, tests not counted.
//! Generated and vendored files are named in [`EXEMPT`], each with its reason.

use super::tree::{File, Tree};
use super::{Finding, Weight};

const WARN_ABOVE: usize = 400;
/// More lines than this are refused.
pub const FAIL_ABOVE: usize = 600;

/// Kinds of files that people write and others read.
const KINDS: &[&str] = &[".rs", ".js", ".ts", ".css", ".html", ".py", ".sh"];

/// (path or folder, why it may be long).
const EXEMPT: &[(&str, &str)] = &[];

pub fn check(tree: &Tree) -> Vec<Finding> {
    tree.files().iter().filter_map(judge).collect()
}

fn counts(file: &File) -> bool {
    let exempt = EXEMPT.iter().any(|(path, _)| file.path.starts_with(path));
    KINDS.iter().any(|kind| file.path.ends_with(kind)) && !file.is_test() && !exempt
}

/// Lines of a file that counts, without its tests.
pub fn lines(file: &File) -> Option<usize> {
    match &file.source {
        _ if !counts(file) => None,
        Some(source) => Some(source.lines),
        None => Some(file.text()?.lines().count()),
    }
}

fn judge(file: &File) -> Option<Finding> {
    let lines = lines(file)?;
    let weight = match lines {
        lines if lines > FAIL_ABOVE => Weight::Fails,
        lines if lines > WARN_ABOVE => Weight::Warns,
        _ => return None,
    };
    let what = format!("{lines} lines without tests (warned above {WARN_ABOVE}, refused above {FAIL_ABOVE})");
    let way_out =
        "split it by what changes together; a generated or vendored file goes to EXEMPT in sizes.rs";
    Some(Finding { weight, ..Finding::at(&file.path, 0, what, way_out) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights(path: &str, text: &str) -> Vec<Weight> {
        check(&Tree::of(&[(path, text)])).into_iter().map(|finding| finding.weight).collect()
    }

    #[test]
    fn long_files_are_warned_about_then_refused() {
        assert_eq!(weights("crates/core/src/a.rs", &"fn f() {}\n".repeat(400)), []);
        assert_eq!(weights("crates/core/src/a.rs", &"fn f() {}\n".repeat(401)), [Weight::Warns]);
        assert_eq!(weights("crates/core/src/a.rs", &"fn f() {}\n".repeat(601)), [Weight::Fails]);
        assert_eq!(weights("crates/server/web/a.js", &"f();\n".repeat(601)), [Weight::Fails]);
    }

    #[test]
    fn tests_are_not_counted() {
        let tests = format!("fn f() {{}}\n#[cfg(test)]\nmod tests {{\n{}}}\n", "    fn t() {}\n".repeat(700));
        assert_eq!(weights("crates/core/src/a.rs", &tests), []);
        assert_eq!(weights("crates/core/tests/a.rs", &"fn f() {}\n".repeat(700)), []);
    }
}
