//! What is sealed stays only as long as it must: messages and quarantined bytes past their time go, and the keys
//! of days of which nothing is left. A key is never gone before its messages.

use crate::store_stage::{PRICE, Stage, staged};
use numberotp_core::time::Span;
use numberotp_server::store::hot::{Command, Receive, Received};
use numberotp_server::store::message::{
    NAME_KEPT, Quarantined, data_key_fix, data_key_get, messages_delivered, messages_purge, quarantine,
};
use std::sync::Arc;

fn purge(stage: &mut Stage<'_>, most: i64) -> u64 {
    let now = stage.now;
    stage.write(move |tx| messages_purge(tx, now, most)).unwrap()
}

fn keys(stage: &mut Stage<'_>) -> Vec<String> {
    stage.list("SELECT CAST(day AS TEXT) FROM data_keys ORDER BY day")
}

#[test]
fn a_days_key_is_made_once() {
    staged(|stage| {
        assert_eq!(stage.write(|tx| data_key_get(tx, 5)).unwrap(), None);
        assert_eq!(stage.write(|tx| data_key_fix(tx, 5, b"first")).unwrap(), b"first");
        assert_eq!(stage.write(|tx| data_key_fix(tx, 5, b"second")).unwrap(), b"first");
        assert_eq!(stage.write(|tx| data_key_get(tx, 5)).unwrap(), Some(b"first".to_vec()));
    });
}

#[test]
fn whoever_makes_a_days_key_at_once_has_the_same() {
    staged(|stage| {
        let keys = stage.with_store(async |store| {
            let tasks: Vec<_> = (0..20_u8)
                .map(|n| {
                    let store = Arc::clone(&store);
                    tokio::spawn(async move { store.write(move |tx| data_key_fix(tx, 5, &[n])).await })
                })
                .collect();
            let mut keys = Vec::new();
            for task in tasks {
                keys.push(task.await.unwrap().unwrap());
            }
            keys
        });
        let kept = stage.write(|tx| data_key_get(tx, 5)).unwrap().unwrap();
        assert!(keys.into_iter().all(|key| key == kept));
    });
}

#[test]
fn what_is_past_its_time_goes_in_portions() {
    staged(|stage| {
        let account = stage.person_with(PRICE.micros());
        let id = stage.rented(account, "r1", "447700900001");
        for n in 0..5 {
            stage.pass(Span::seconds(1));
            let key = format!("m{n}");
            let message =
                if n % 2 == 0 { stage.by_reference(&key, "r1") } else { stage.by_reference(&key, "unknown") };
            stage.receive(message);
        }
        assert_eq!(purge(stage, 10), 0);
        stage.pass(Span::hours(72).as_micros().checked_sub(2_000_000).map(Span::micros).unwrap());
        assert_eq!(purge(stage, 2), 2);
        assert_eq!(purge(stage, 2), 1, "the instant itself counts");
        assert_eq!(purge(stage, 2), 0);
        let texts = "SELECT CAST(id AS TEXT) FROM messages WHERE length(body) > 0";
        assert_eq!(stage.list(texts).len(), 2, "the youngest two are left");
        assert_eq!(stage.messages().len(), 5, "and the names of all");
        assert_eq!(stage.status(id), "received", "what was bought is not touched");
    });
}

/// A gateway may repeat a message for weeks.
#[test]
fn a_repeat_of_a_message_whose_text_is_gone_is_told_what_it_was_told_at_first() {
    staged(|stage| {
        let account = stage.person_with(PRICE.micros());
        let id = stage.rented(account, "r1", "447700900001");
        let (known, stray) = (stage.by_reference("m1", "r1"), stage.by_reference("m2", "unknown"));
        assert_eq!(stage.receive(known.clone()), Received::Matched);
        assert_eq!(stage.receive(stray.clone()), Received::Unmatched);
        let gone =
            |stage: &mut Stage<'_>| stage.write(move |tx| messages_delivered(tx, id)).unwrap().is_empty();
        assert!(!gone(stage));
        stage.pass(Span::hours(72));
        assert_eq!(purge(stage, 10), 2);
        assert!(gone(stage), "nobody sees an empty message");
        stage.pass(NAME_KEPT.minus(Span::seconds(1)));
        assert_eq!(purge(stage, 10), 0);
        assert_eq!(stage.receive(known), Received::Matched);
        assert_eq!(stage.receive(stray), Received::Unmatched);
        assert_eq!(stage.list("SELECT CAST(id AS TEXT) FROM messages").len(), 2, "nothing came anew");
        stage.pass(Span::seconds(1));
        assert_eq!((purge(stage, 10), stage.messages().len()), (2, 0));
    });
}

/// Kept shorter than a message may wait for its purchase: what is gone charges nobody.
#[test]
fn a_message_whose_text_is_gone_is_not_adopted() {
    staged(|stage| {
        let account = stage.person_with(PRICE.micros());
        let id = stage.reserved(account);
        let early =
            Receive { purge_after: stage.now.plus(Span::seconds(1)), ..stage.by_reference("m1", "r1") };
        assert_eq!(stage.receive(early), Received::Unmatched);
        stage.pass(Span::seconds(1));
        assert_eq!(purge(stage, 10), 1);
        let attach = stage.attach(id, "r1", "447700900001");
        stage.send(Command::Attach(attach)).unwrap();
        assert_eq!((stage.status(id).as_str(), stage.messages()), ("waiting", vec!["- parked".to_owned()]));
    });
}

#[test]
fn keys_go_when_nothing_of_their_day_is_left() {
    staged(|stage| {
        let today = stage.now.day();
        for day in today - 4..=today {
            stage.write(move |tx| data_key_fix(tx, day, b"key")).unwrap();
        }
        let (now, ends) = (stage.now, stage.now.plus(Span::hours(1)));
        let message =
            Receive { key_day: today - 3, purge_after: ends, ..stage.by_reference("m1", "unknown") };
        assert_eq!(stage.receive(message), Received::Unmatched);
        let kept = Quarantined {
            provider: "sandbox".to_owned(),
            key_day: today - 4,
            body: b"sealed".to_vec(),
            now,
            purge_after: ends,
        };
        stage.write(move |tx| quarantine(tx, &kept)).unwrap();
        assert_eq!(purge(stage, 10), 0);
        let days = |days: &[i64]| days.iter().map(i64::to_string).collect::<Vec<_>>();
        assert_eq!(
            keys(stage),
            days(&[today - 4, today - 3, today - 1, today]),
            "of two days ago nothing is left"
        );
        stage.now = ends;
        assert_eq!(purge(stage, 10), 1);
        assert_eq!(stage.list("SELECT provider FROM quarantine"), [""; 0]);
        assert_eq!(keys(stage), days(&[today - 1, today]));
    });
}

/// A message is sealed, midnight passes, the purge runs, and only then the message is written: its key is there.
#[test]
fn a_key_outlives_its_day_for_those_who_are_slow() {
    staged(|stage| {
        let yesterday = stage.now.day();
        stage.write(move |tx| data_key_fix(tx, yesterday, b"key")).unwrap();
        let slow = stage.by_reference("m1", "unknown");
        stage.pass(Span::hours(24));
        purge(stage, 10);
        stage.receive(slow);
        assert_eq!(stage.write(move |tx| data_key_get(tx, yesterday)).unwrap(), Some(b"key".to_vec()));
    });
}
