//! The chain of acts: one, however many write to it; and whatever is edited, taken out, put in, moved or cut off is found
//! by the audit, with its place.

use crate::store_stage::{RULES, Stage, staged, violated};
use numberotp_core::chain::{Broken, Digest};
use numberotp_core::id::AccountId;
use numberotp_server::store::act::{Chain, NewAct, act_append, act_by_hash, acts_page, chain_check};
use numberotp_server::store::db::Statement;
use numberotp_server::store::{Store, StoreError, StoreOptions, Tx, cold};
use std::sync::Arc;
use std::sync::mpsc::channel;

const CHAINED: (&str, &str) = ("I12", "the acts are one whole chain");

fn act(stage: &Stage<'_>, subject: i64) -> NewAct {
    let subject = Some(AccountId::new(subject));
    let detail = "{\"reason\":\"a test\"}".to_owned();
    NewAct { at: stage.now, actor: "cli".to_owned(), act: "account.suspend", subject, detail }
}

fn append(stage: &mut Stage<'_>, subject: i64) {
    let new = act(stage, subject);
    stage.write(move |tx| act_append(tx, &new)).unwrap();
}

fn chain(stage: &mut Stage<'_>) -> Chain {
    stage.write(chain_check).unwrap()
}

#[test]
fn acts_are_numbered_chained_and_listed_newest_first() {
    staged(|stage| {
        assert_eq!(chain(stage), Chain { count: 0, head: Digest::NOTHING, broken: None });
        for subject in [7, 8, 7] {
            append(stage, subject);
        }
        let (acts, total) = stage.write(|tx| acts_page(tx, None, (2, 0))).unwrap();
        assert_eq!((acts.iter().map(|act| act.seq).collect::<Vec<_>>(), total), (vec![3, 2], 3));
        assert_eq!((acts[0].previous, acts[0].actor.as_str()), (acts[1].hash, "cli"));
        let about = Some(AccountId::new(7));
        let (acts, total) = stage.write(move |tx| acts_page(tx, about, (1, 1))).unwrap();
        assert_eq!((acts[0].seq, acts.len(), total), (1, 1, 2));
        let whole = chain(stage);
        assert_eq!((whole.count, whole.broken), (3, None));
        assert_eq!(stage.write(move |tx| act_by_hash(tx, whole.head)).unwrap(), Some(3));
        assert_eq!(stage.write(|tx| act_by_hash(tx, Digest::NOTHING)).unwrap(), None);
    });
}

#[test]
fn an_act_that_is_undone_leaves_nothing() {
    staged(|stage| {
        append(stage, 7);
        let new = act(stage, 8);
        let undone = stage.write(move |tx| {
            act_append(tx, &new)?;
            Err::<(), _>(StoreError::Driver("undone on purpose".to_owned()))
        });
        undone.unwrap_err();
        append(stage, 9);
        assert_eq!(
            stage.list("SELECT CAST(seq AS TEXT) || ' ' || CAST(subject_id AS TEXT) FROM acts ORDER BY seq"),
            ["1 7", "2 9"]
        );
    });
}

/// What is done to five acts, and where the chain is broken then.
const TAMPERED: &[(&[&str], Broken)] = &[
    (&["UPDATE acts SET detail = '{}' WHERE seq = 3"], Broken::Edited(3)),
    (&["UPDATE acts SET actor = '9' WHERE seq = 1"], Broken::Edited(1)),
    (&["UPDATE acts SET act = 'account.approve' WHERE seq = 2"], Broken::Edited(2)),
    (&["UPDATE acts SET at = at + 1 WHERE seq = 5"], Broken::Edited(5)),
    (&["UPDATE acts SET subject_id = 8 WHERE seq = 4"], Broken::Edited(4)),
    (&["UPDATE acts SET subject_id = NULL WHERE seq = 4"], Broken::Edited(4)),
    (&["UPDATE acts SET previous = hash WHERE seq = 2"], Broken::Detached(2)),
    (&["UPDATE acts SET hash = previous WHERE seq = 2"], Broken::Edited(2)),
    (&["UPDATE acts SET hash = 'nothing' WHERE seq = 5"], Broken::Edited(5)),
    (&["DELETE FROM acts WHERE seq = 1"], Broken::Missing(1, 2)),
    (&["DELETE FROM acts WHERE seq IN (2, 3)"], Broken::Missing(2, 4)),
    (&["DELETE FROM acts WHERE seq = 2", "UPDATE acts SET seq = seq - 1 WHERE seq > 2"], Broken::Detached(2)),
    (
        &[
            "UPDATE acts SET seq = 99 WHERE seq = 2",
            "UPDATE acts SET seq = 2 WHERE seq = 3",
            "UPDATE acts SET seq = 3 WHERE seq = 99",
        ],
        Broken::Detached(2),
    ),
    (
        &[
            "INSERT INTO acts (seq, at, actor, act, subject_id, detail, previous, hash) SELECT 6, at, actor, act, subject_id, detail, previous, hash FROM acts WHERE seq = 5",
        ],
        Broken::Detached(6),
    ),
    (&["DELETE FROM acts WHERE seq = 5"], Broken::Cut(4, 5)),
    (&["DELETE FROM acts"], Broken::Cut(0, 5)),
];

#[test]
fn whatever_is_done_to_the_chain_is_found_with_its_place() {
    staged(|stage| {
        for _ in 0..5 {
            append(stage, 7);
        }
        for (changes, broken) in TAMPERED {
            let (told, found) = channel();
            let now = stage.now;
            let undone = stage.write(move |tx: &mut Tx<'_>| {
                for change in *changes {
                    tx.execute(&Statement::new("TEST_TAMPER", change), &[])?;
                }
                told.send(numberotp_server::store::audit::audit(tx, now)?).unwrap();
                Err::<(), _>(StoreError::Driver("undone on purpose".to_owned()))
            });
            let report = found.recv().unwrap_or_else(|_| panic!("{changes:?}: {undone:?}"));
            assert_eq!(violated(&report), [CHAINED], "{changes:?}");
            assert_eq!(report.chain.broken, Some(*broken), "{changes:?}");
        }
    });
}

#[test]
fn a_cut_with_its_head_is_found_by_whoever_noted_the_head_alone() {
    staged(|stage| {
        for _ in 0..3 {
            append(stage, 7);
        }
        let noted = chain(stage).head;
        stage.tamper("DELETE FROM acts WHERE seq = 3");
        stage.tamper("UPDATE act_head SET seq = 2, hash = (SELECT hash FROM acts WHERE seq = 2)");
        assert_eq!(chain(stage).broken, None, "by itself it is whole");
        assert_eq!(stage.write(move |tx| act_by_hash(tx, noted)).unwrap(), None);
        append(stage, 7);
        assert_eq!(
            stage.write(move |tx| act_by_hash(tx, noted)).unwrap(),
            Some(3),
            "the same act again is the same"
        );
        append(stage, 8);
    });
}

#[test]
fn two_who_act_at_once_make_one_chain() {
    staged(|stage| {
        let (one, two) = (act(stage, 7), act(stage, 8));
        let (first, _) = cold(move |tx| act_append(tx, &one));
        let (second, mut answer) = cold(move |tx| act_append(tx, &two));
        stage.race(vec![first], vec![second]);
        answer.try_recv().unwrap().unwrap();
        assert_eq!(
            stage.list("SELECT CAST(seq AS TEXT) || ' ' || CAST(subject_id AS TEXT) FROM acts ORDER BY seq"),
            ["1 7", "2 8"]
        );
        stage.assert_no_deadlock();
    });
}

#[test]
fn two_servers_with_many_acts_at_once_make_one_chain() {
    staged(|stage| {
        let new = act(stage, 7);
        let options = StoreOptions::server(RULES);
        let other = Arc::new(Store::open(stage.database().engine(), &options).unwrap());
        let second = Arc::clone(&other);
        stage.with_store(async |first| {
            let stores = [first, second];
            let tasks: Vec<_> = (0..40_usize)
                .map(|place| {
                    let (new, store) = (new.clone(), Arc::clone(&stores[place % 2]));
                    tokio::spawn(async move { store.write(move |tx| act_append(tx, &new)).await })
                })
                .collect();
            for task in tasks {
                task.await.unwrap().unwrap();
            }
        });
        Arc::into_inner(other).unwrap().stop();
        let whole = chain(stage);
        assert_eq!((whole.count, whole.broken), (40, None));
    });
}
