//! Takes the samples out of pages: fenced blocks of Markdown, and parts of a page that lost its markup.

/// The part of `text` between the first `from` and the first `to` after it.
pub fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let (_, rest) = text.split_once(from).unwrap_or_else(|| panic!("no {from:?}"));
    rest.split_once(to).unwrap_or_else(|| panic!("no {to:?} after {from:?}")).0
}

/// The fenced blocks of a Markdown page in a language, in order, without their fences.
pub fn blocks(page: &str, language: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Option<(bool, String)> = None;
    for line in page.lines() {
        match (line.strip_prefix("```"), open.as_mut()) {
            (Some(word), None) => open = Some((word.trim() == language, String::new())),
            (Some(_), Some(_)) => {
                found.extend(open.take().filter(|(wanted, _)| *wanted).map(|(_, text)| text));
            }
            (None, Some((_, text))) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    found
}

#[test]
fn blocks_are_found_by_their_language() {
    let page = "a\n```sh\none\n```\n```\n```sh\n".replace("```\n```sh\n", "```\ntwo\n```\n");
    assert_eq!(blocks(&page, "sh"), ["one\n"]);
    assert_eq!(blocks(&page, ""), ["two\n"]);
    assert_eq!(between("a [b] [c]", "[", "]"), "b");
}
