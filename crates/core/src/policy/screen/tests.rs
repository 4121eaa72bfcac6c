//! Measures the screen over whole lists of messages, and by the name of every service in the tables.
//!
//! Guards: recall on messages of banks and authorities, and false blocks on ordinary codes. The list was written
//! by whoever wrote the words, so it shows what got worse, not how well strangers' messages are told apart:
//! `docs/policy.md` has the figures for those. Must never hold a message of a foreign corpus.

use super::Screen;
use crate::activation::WithheldBecause;
use crate::policy::{Categories, Category};
use crate::vocabulary::Vocabulary;
use proptest::prelude::{ProptestConfig, any, proptest};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

fn loaded() -> (Vocabulary, Categories, Screen) {
    let (vocabulary, categories) = (Vocabulary::load().unwrap(), Categories::load().unwrap());
    let screen = Screen::load(&vocabulary, &categories);
    (vocabulary, categories, screen)
}

/// So many rows were written before the words were; a third of them did not serve to write the words. Rows
/// after them came with later faults.
const WRITTEN_FIRST: usize = 684;

/// A row of the project's own list.
struct Row {
    expected: Option<WithheldBecause>,
    lang: &'static str,
    from: &'static str,
    text: String,
    held_out: bool,
}

fn rows() -> Vec<Row> {
    let list = include_str!("../../../tests/vectors/policy_messages.tsv").lines().skip(1).enumerate();
    list.map(|(at, line)| {
        let [expected, lang, from, text] = line.split('\t').collect::<Vec<_>>().try_into().unwrap();
        let expected = match expected {
            "bank" => Some(WithheldBecause::Bank),
            "government" => Some(WithheldBecause::Government),
            "none" => None,
            other => panic!("{other}"),
        };
        let held_out = at < WRITTEN_FIRST && at % 3 == 2;
        Row { expected, lang, from, text: text.replace("\\n", "\n"), held_out }
    })
    .collect()
}

/// At least `per_mille` of `all` must be right.
fn assert_share(right: usize, all: usize, per_mille: usize, what: &str) {
    assert!(right * 1000 >= all * per_mille, "{what}: {right} of {all}");
}

#[test]
fn the_list_is_large_and_in_many_languages() {
    let rows = rows();
    let langs = |kept: &dyn Fn(&Row) -> bool| {
        let mut langs: Vec<_> = rows.iter().filter(|row| kept(row)).map(|row| row.lang).collect();
        langs.sort_unstable();
        langs.dedup();
        langs.len()
    };
    let withheld = rows.iter().filter(|row| row.expected.is_some()).count();
    assert!(withheld >= 330 && rows.len() - withheld >= 330, "{withheld} of {}", rows.len());
    assert!(langs(&|row| row.expected.is_some()) >= 40 && langs(&|row| row.expected.is_none()) >= 40);
}

#[test]
fn messages_of_the_list_are_told_apart() {
    let (_, _, screen) = loaded();
    for held_out in [false, true] {
        let part: Vec<Row> = rows().into_iter().filter(|row| row.held_out == held_out).collect();
        let (money, ordinary): (Vec<&Row>, Vec<&Row>) = part.iter().partition(|row| row.expected.is_some());
        let answer = |row: &Row| screen.screen(row.from, &row.text);
        let caught = money.iter().filter(|row| answer(row).is_some()).count();
        let named = money.iter().filter(|row| answer(row) == row.expected).count();
        let passed = ordinary.iter().filter(|row| answer(row).is_none()).count();
        assert_share(caught, money.len(), 990, "withheld");
        assert_share(named, money.len(), 950, "withheld for the right reason");
        assert_share(passed, ordinary.len(), 990, "let through");
    }
}

#[test]
fn the_texts_alone_say_enough_without_their_senders() {
    let (_, _, screen) = loaded();
    let money: Vec<Row> = rows().into_iter().filter(|row| row.expected.is_some()).collect();
    let caught = money.iter().filter(|row| screen.screen("", &row.text).is_some()).count();
    assert_share(caught, money.len(), 970, "withheld by text");
}

/// Health is not looked for; these four are too common as words to be told in a sentence.
#[test]
fn a_service_that_may_not_be_rented_is_known_by_name() {
    let (vocabulary, categories, screen) = loaded();
    for service in vocabulary.services() {
        let Some(because) = categories.of(&service.code).withheld_because() else { continue };
        let name = &*service.name;
        let answers = [
            screen.screen(name, "Your code is 482913"),
            screen.screen("", &format!("{name}: 482913 is your code. Do not share it.")),
            screen.screen("", &format!("Your {name} verification code is 482913")),
        ];
        let sure = if ["Next", "Link", "Square", "Branch"].contains(&name) { 2 } else { 3 };
        assert!(answers.iter().take(sure).all(Option::is_some), "{name}: {answers:?}, not {because:?}");
    }
}

#[test]
fn a_service_that_may_be_rented_is_not_withheld_for_its_name() {
    let (vocabulary, categories, screen) = loaded();
    for service in vocabulary.services() {
        let name = &*service.name;
        if categories.of(&service.code).is_denied_as_shipped() {
            continue;
        }
        for (from, text) in [
            (name, "Your code is 482913".to_owned()),
            ("", format!("{name}: 482913 is your code. Do not share it.")),
            ("", format!("Your {name} verification code is 482913")),
        ] {
            assert_eq!(screen.screen(from, &text), None, "{from} {text}");
        }
    }
}

#[test]
fn everyday_words_names_that_hold_bank_and_promises_pass() {
    let (_, _, screen) = loaded();
    for (from, text) in [
        ("Tencent", "[Tencent] 482913 is your login code"),
        ("", "We will never ask for your bank details. Your code is 482913"),
        ("", "Your code is 482913. Never give your card number to a buyer."),
        ("", "Power bank rental: unlock code 4829"),
        ("", "Your bankrupt-o-meter code is 482913"),
        ("", "Taxi booked, show code 4829 to the driver"),
        ("", "Rent a car with code 482913"),
    ] {
        assert_eq!(screen.screen(from, text), None, "{from} {text}");
    }
}

#[test]
fn the_bank_that_never_asks_is_still_a_bank() {
    let (_, _, screen) = loaded();
    for text in
        ["482913. The bank will never ask for it.", "Do not tell bank staff: 482913", "Larkbank: 482913"]
    {
        assert_eq!(screen.screen("", text), Some(WithheldBecause::Bank), "{text}");
    }
}

#[test]
fn a_shop_may_speak_of_money_where_nobody_else_may() {
    let (_, _, screen) = loaded();
    assert_eq!(screen.screen("", "Payment of $20.00, code 482913"), Some(WithheldBecause::Bank));
    assert_eq!(screen.screen("", "Order paid: payment of $20.00, pick-up code 482913"), None);
    // But what only banks say outweighs it.
    let order = "Order at TOOLSHOP: IBAN DE12500105170648984310, code 482913";
    assert_eq!(screen.screen("", order), Some(WithheldBecause::Bank));
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

#[test]
fn every_text_of_the_sandbox_passes() {
    let (_, categories, screen) = loaded();
    let list = std::fs::read_to_string(root().join("crates/providers/data/sandbox_texts.tsv")).unwrap();
    let texts = list.lines().filter(|line| !line.starts_with('#'));
    let mut count = 0;
    for line in texts {
        let [code, from, _, text] = line.split('\t').collect::<Vec<_>>().try_into().unwrap();
        let text = text.replace("\\n", "\n").replace("{code}", "482913").replace("{bare}", "482913");
        assert_eq!(screen.screen(from, &text), None, "{code}: {text}");
        let code = crate::vocabulary::ServiceCode::parse(code).unwrap();
        assert!(!categories.of(&code).is_denied_as_shipped(), "the sandbox texts {code}, which is denied");
        count += 1;
    }
    assert!(count >= 50, "{count}");
}

/// Messages beside the checkout that name an ordinary service, and none that may not be rented, pass. What is
/// left over names a shop inside a bank's message.
#[test]
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn ordinary_services_of_the_corpus_beside_the_checkout_pass() {
    let path = root().join("..").join(["sha", "red"].concat()).join("data").join("otp_corpus.tsv");
    let Ok(list) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: no corpus at {}", path.display());
        return;
    };
    let (vocabulary, categories, screen) = loaded();
    let (mut all, mut passed) = (0, 0);
    for line in list.lines().skip(1) {
        let text = line.split('\t').nth(3).unwrap_or_default().replace("\\n", "\n");
        let named = vocabulary.services_named_in("", &text);
        let ordinary = named.iter().all(|code| !categories.of(code).is_denied_as_shipped());
        if ordinary && !named.is_empty() {
            all += 1;
            passed += usize::from(screen.screen("", &text).is_none());
        }
    }
    assert!(all >= 20, "{all}");
    assert_share(passed, all, 850, "let through");
}

#[test]
fn long_texts_take_linear_time() {
    let (_, _, screen) = loaded();
    for knot in ["bank ", "银行", "never ask ", "*4471 ", "a", "x.", "DE12 5001 ", "[", "$ 1"] {
        let text = knot.repeat(100_000 / knot.len());
        let start = Instant::now();
        let _verdict = screen.screen(&text, &text);
        assert!(start.elapsed() < Duration::from_secs(10), "{knot:?} took {:?}", start.elapsed());
    }
}

#[test]
fn health_is_not_looked_for_and_ordinary_categories_have_no_heading() {
    assert_eq!(Category::Bank.withheld_because(), Some(WithheldBecause::Bank));
    assert_eq!(Category::Identity.withheld_because(), Some(WithheldBecause::Government));
    assert_eq!(Category::Health.withheld_because(), None);
    assert_eq!(Category::Shopping.withheld_because(), None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_has_an_answer(texts in proptest::collection::vec((any::<String>(), any::<String>()), 16)) {
        let (_, _, screen) = loaded();
        for (from, text) in texts {
            let _verdict = screen.screen(&from, &text);
        }
    }
}
