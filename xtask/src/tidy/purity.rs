//! core and providers compute: no async, no I/O, no clock, no randomness, no floats, no state outside values.
//! The manifests keep foreign crates out; this keeps out what the standard library alone could do.

use super::Finding;
use super::tree::Tree;

const PURE: &[&str] = &["crates/core/src/", "crates/providers/src/"];

/// (words, the way out).
const BANNED: &[(&[&str], &str)] = &[
    (&["async fn", "async move", "async"], "return a request or a decision; the server does the waiting"),
    (
        &[
            "std::fs",
            "std::net",
            "std::env",
            "std::process",
            "std::thread",
            "println!",
            "eprintln!",
            "print!",
        ],
        "take bytes and values, return bytes and values; the server does the I/O",
    ),
    (&["SystemTime", "Instant::now", "Timestamp::now", "Zoned::now"], "take the time as a parameter"),
    (&["SystemRandom", "aws_lc_rs::rand", "getrandom"], "take random bytes as a parameter"),
    (&["f32", "f64"], "count in integers: micro-dollars, microseconds, parts per million"),
    (
        &[
            "static mut",
            "thread_local!",
            "OnceLock",
            "LazyLock",
            "OnceCell",
            "LazyCell",
            "Mutex",
            "RwLock",
            "std::sync::atomic",
        ],
        "build a value and pass it; state belongs to the server",
    ),
];

pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, source) in PURE.iter().flat_map(|folder| tree.sources(folder)) {
        for (words, way_out) in BANNED {
            let mut found = source.find(words);
            // `async fn` is also `async`: one finding a line.
            found.dedup_by_key(|(line, _)| *line);
            let told = |(line, word)| Finding::at(path, line, format!("`{word}` in a pure crate"), *way_out);
            findings.extend(found.into_iter().map(told));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_banned_word_is_found_in_pure_crates_only() {
        for word in BANNED.iter().flat_map(|(words, _)| *words) {
            let text = format!("//! Header.\nfn f() {{ {word} }}\n");
            assert_eq!(check(&Tree::of(&[("crates/core/src/a.rs", &text)])).len(), 1, "{word}");
            assert_eq!(check(&Tree::of(&[("crates/providers/src/a/b.rs", &text)])).len(), 1, "{word}");
            assert_eq!(check(&Tree::of(&[("crates/server/src/a.rs", &text)])), []);
        }
    }

    #[test]
    fn words_in_comments_strings_tests_and_longer_names_are_free() {
        let text =
            "// f64\nlet s = \"SystemTime\"; asynchronous();\n#[cfg(test)]\nmod tests { use std::fs; }\n";
        assert_eq!(check(&Tree::of(&[("crates/core/src/a.rs", text)])), []);
    }
}
