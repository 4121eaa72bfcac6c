//! SQLite's log, copied by its thread almost all the time, while the process dies: what was acknowledged is in the file or
//! in the log. The program's own loop hardly ever writes so much that its log is copied.
//! Guards: a life that never began its log anew proves nothing, and fails.

use super::dice::Dice;
use super::kill9::{SEED, number, say};
use numberotp_core::money::CreditValue;
use numberotp_core::policy::Exceptions;
use numberotp_server::store::db::{Access, Connection, Engine, Statement};
use numberotp_server::store::hot::Rules;
use numberotp_server::store::setting::setting_fix;
use numberotp_server::store::{Store, StoreOptions};
use numberotp_testkit::database::{TestDatabase, TestEngine};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;

/// Tells a process of this test that it is the one that dies: its life's number and the database.
const LIFE: &str = "NUMBEROTP_KILL_LIFE";
const LIVES: u32 = 30;
/// Pages after which the log is copied: a few batches.
const PAGES: u32 = 60;
/// So many write at once.
const WRITERS: u32 = 8;
const NOTES: Statement =
    Statement::new("NOTES", "SELECT name FROM settings WHERE name LIKE 'note %' AND LENGTH(value) = 6300");

#[test]
fn nothing_acknowledged_is_lost_while_the_log_is_copied() {
    if let Some((life, url)) = life() {
        return live(&life, &url);
    }
    let seed = number(SEED).unwrap_or_else(Dice::fresh_seed);
    let (mut dice, database) = (Dice::new(seed), TestEngine::Sqlite.database());
    let (mut kept, mut anew) = (BTreeSet::new(), 0);
    for life in 1..=LIVES {
        let until = 20 + dice.below(400);
        kept.extend(kept_by(life, &database, until));
        anew += u32::from(database.wal_beginnings() > 0);
        // Every other time the next one is the first to open what the killed one left.
        if life % 2 == 0 {
            let there = notes(&database);
            let lost: Vec<_> = kept.difference(&there).collect();
            assert!(lost.is_empty(), "{SEED}={seed}: life {life} lost {lost:?}");
        }
    }
    assert!(anew > LIVES / 2, "the log began anew in {anew} of {LIVES} lives: this shows nothing");
    say(&format!(
        "kill9 of the log, {SEED}={seed}: {} notes, {anew} of {LIVES} lives began it anew",
        kept.len()
    ));
}

/// One life, ended after so many notes were acknowledged; all that were.
fn kept_by(life: u32, database: &TestDatabase, until: u64) -> Vec<String> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([
        "--exact",
        "checkpoints::nothing_acknowledged_is_lost_while_the_log_is_copied",
        "--nocapture",
    ]);
    command.env(LIFE, format!("{life} {}", database.url()));
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut kept = Vec::new();
    for line in lines {
        if let Some(note) = line.strip_prefix("kept ").and_then(|rest| rest.strip_suffix('.')) {
            kept.push(note.to_owned());
            if count(&kept) == until {
                child.kill().unwrap();
            }
        }
    }
    let ended = child.wait().unwrap();
    assert!(count(&kept) >= until && ended.code().is_none(), "it ended by itself: {ended}");
    kept
}

fn count(kept: &[String]) -> u64 {
    u64::try_from(kept.len()).unwrap()
}

fn notes(database: &TestDatabase) -> BTreeSet<String> {
    let mut connection = Connection::open(database.engine(), Access::Write).unwrap();
    assert_eq!(connection.damage().unwrap(), None);
    let rows = connection.query(&NOTES, &[]).unwrap();
    rows.into_iter().map(|mut row| row.text("name").unwrap()).collect()
}

#[expect(clippy::disallowed_methods, reason = "the process that dies is told so by the environment")]
fn life() -> Option<(String, String)> {
    let told = std::env::var(LIFE).ok()?;
    told.split_once(' ').map(|(life, url)| (life.to_owned(), url.to_owned()))
}

/// Writes notes, and tells of each that is acknowledged, until it is killed.
fn live(life: &str, url: &str) {
    let rules = Rules { credit: CreditValue::PUBLISHED, exceptions: Exceptions::NONE };
    let options = StoreOptions { wal_pages: Some(PAGES), ..StoreOptions::server(rules) };
    let store = Arc::new(Store::open(&Engine::parse(url).unwrap(), &options).unwrap());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (store, life) = (Arc::clone(&store), life.to_owned());
            runtime.spawn(async move {
                for number in 0_u64.. {
                    let name = format!("note {life} {writer} {number}");
                    let note = name.clone();
                    store.write(move |tx| setting_fix(tx, &note, &"a note ".repeat(900))).await.unwrap();
                    writeln!(std::io::stdout(), "kept {name}.").unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        runtime.block_on(writer).unwrap();
    }
}
