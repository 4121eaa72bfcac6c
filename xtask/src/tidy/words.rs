//! Words that do not belong in this repository, in any text of it: code, comments, pages, file names.
//! This file alone may spell them. An exception for another file is a line in [`EXCEPTIONS`], with its reason.

use super::Finding;
use super::blobs::is_generated;
use super::tree::Tree;

/// (word, the way out). Small letters; found in any case and within longer names, as in `TenantId`.
const WORDS: &[(&str, &str)] = &[
    ("tenant", "say account, or brand for a reseller's own face"),
    ("wallet", "say purse"),
    ("supplier", "say provider"),
    ("fixme", "repair it now, or write a TODO(owner) that says what is missing"),
    ("/work/", "name no folder of one machine; paths are relative to the repository"),
    ("shared/api", "the repository speaks for itself: say what the contract is, not where it was read"),
    ("shared/data", "the repository speaks for itself: say what the data is, not where it was read"),
    ("shared/protocols", "the repository speaks for itself: say what the protocol is, not where it was read"),
];

/// A promise without a person.
const PROMISE: &str = "TODO";

/// (file, word, reason).
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    (
        "crates/core/src/policy/screen/mod.rs",
        "wallet",
        "what banks and payment services call their product, in names and messages",
    ),
    (
        "crates/core/src/policy/screen/names.rs",
        "wallet",
        "what banks and payment services call their product, in names and messages",
    ),
    (
        "crates/core/src/policy/screen/words_asia.rs",
        "wallet",
        "what banks and payment services call their product, in names and messages",
    ),
    (
        "crates/core/src/policy/screen/words_english.rs",
        "wallet",
        "what banks and payment services call their product, in names and messages",
    ),
    (
        "crates/core/tests/vectors/policy_messages.tsv",
        "wallet",
        "what banks and payment services call their product, in names and messages",
    ),
];

/// The list of words itself.
const THIS: &str = "xtask/src/tidy/words.rs";

pub fn check(tree: &Tree) -> Vec<Finding> {
    let read = tree.files().iter().filter(|file| file.path != THIS && !is_generated(&file.path));
    let mut findings = Vec::new();
    for file in read {
        findings.extend(judge(&file.path, 0, &file.path));
        for (index, line) in file.text().unwrap_or_default().lines().enumerate() {
            findings.extend(judge(&file.path, index.saturating_add(1), line));
        }
    }
    findings
}

fn judge(path: &str, number: usize, line: &str) -> Vec<Finding> {
    let excepted = |word: &str| EXCEPTIONS.iter().any(|(file, of, _)| *file == path && *of == word);
    let small = line.to_lowercase();
    let mut findings = Vec::new();
    for (word, way_out) in WORDS.iter().filter(|(word, _)| small.contains(word) && !excepted(word)) {
        findings.push(Finding::at(path, number, format!("the word `{word}`"), *way_out));
    }
    if is_unowned(line) && !excepted(PROMISE) {
        findings.push(Finding::at(
            path,
            number,
            "a TODO without an owner",
            "write TODO(owner): what is missing, or do it",
        ));
    }
    findings
}

/// `TODO` as a word of its own that is not followed by `(somebody)`.
fn is_unowned(line: &str) -> bool {
    line.match_indices(PROMISE).any(|(at, _)| {
        let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let before = line.get(..at).and_then(|head| head.chars().next_back());
        let after = line.get(at.saturating_add(PROMISE.len())..).unwrap_or_default();
        let owner =
            after.strip_prefix('(').and_then(|rest| rest.split_once(')')).map(|(owner, _)| owner.trim());
        let owned = owner.is_some_and(|owner| !owner.is_empty());
        !letter(before) && !letter(after.chars().next()) && !owned
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<usize> {
        check(&Tree::of(&[(path, text)])).into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn every_word_is_found_in_any_case_and_in_names() {
        for (word, _) in WORDS {
            assert_eq!(found("docs/a.md", &format!("first\nsee {word} there\n")), [2], "{word}");
            assert_eq!(found("docs/a.md", &word.to_uppercase()), [1], "{word}");
        }
        assert_eq!(found("crates/core/src/a.rs", "struct TenantId(u64);"), [1]);
        assert_eq!(found("docs/wallets.md", "fine"), [0]);
        assert_eq!(found("docs/a.md", "accounts, purses and providers; the framework/ folder"), []);
    }

    #[test]
    fn a_promise_needs_an_owner() {
        assert_eq!(found("docs/a.md", "// TODO: later"), [1]);
        assert_eq!(found("docs/a.md", "// TODO(): later"), [1]);
        assert_eq!(found("docs/a.md", "// TODO(ada): later"), []);
        assert_eq!(found("docs/a.md", "METODOLOGY and TODOS"), []);
    }

    #[test]
    fn data_and_this_list_are_passed_over() {
        assert_eq!(found("crates/core/data/services.tsv", "tw\tTrust Wallet"), []);
        assert_eq!(found(THIS, "tenant"), []);
        assert_eq!(found("crates/core/src/words.rs", "tenant"), [1]);
    }
}
