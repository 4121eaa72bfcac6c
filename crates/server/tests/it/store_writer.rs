//! The store as a whole: a bounded queue, wake-ups after the commit and only then, work that is tried again,
//! readers that cannot write, one state for a snapshot, and an end that finishes what it took.

use crate::store_stage::{Gate, PRICE, RULES, attached, connection, held, hot, staged};
use numberotp_core::id::ActivationId;
use numberotp_core::job::JobKind;
use numberotp_core::time::{Span, Time};
use numberotp_server::store::account::{account_get, account_rename};
use numberotp_server::store::db::{Access, Connection, Engine, Statement};
use numberotp_server::store::hot::{Answer, Command, Reserved};
use numberotp_server::store::job::job_create;
use numberotp_server::store::setting::{setting_fix, setting_get};
use numberotp_server::store::{Schema, Store, StoreError, StoreOptions, Tx, Wake, cold};
use numberotp_testkit::database::on_each_engine;
use std::future::Future;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;
use tokio::time::timeout;

/// Whether it is there without waiting.
fn ready(future: impl Future) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async { timeout(Duration::ZERO, future).await.is_ok() })
}

#[test]
fn whoever_waits_for_a_purchase_is_woken_after_its_commit() {
    staged(|stage| {
        let account = stage.person_with(2 * PRICE.micros());
        let (one, two) =
            (stage.rented(account, "r1", "447700900001"), stage.rented(account, "r2", "447700900002"));
        let hub = Arc::clone(&stage.hub);
        let (first, second) = (hub.enter(one), hub.enter(two));
        let (changed, other) = (first.changed(), second.changed());
        let message = stage.by_reference("m1", "r1");
        stage.receive(message.clone());
        assert!(ready(changed));
        assert!(!ready(other), "only the one that changed");
        let changed = first.changed();
        stage.receive(message);
        assert!(!ready(changed), "a repeat changes nothing");
    });
}

#[test]
fn work_that_was_undone_wakes_nobody() {
    staged(|stage| {
        let account = stage.person();
        let id = ActivationId::new(1);
        let hub = Arc::clone(&stage.hub);
        let waiting = hub.enter(id);
        let (changed, job) = (waiting.changed(), stage.now);
        while ready(hub.job()) {}
        let bad = cold(move |tx| {
            account_rename(tx, account, "x")?;
            tx.after_commit(Wake::Activation(id));
            tx.after_commit(Wake::Job(job));
            Err::<(), _>(StoreError::Conflict("on purpose".to_owned()))
        });
        let good = cold(move |tx| account_rename(tx, account, "y").map(drop));
        stage.run(vec![bad.0, good.0]);
        assert!(!ready(changed));
        assert!(!ready(hub.job()));
        let told = stage.write(move |tx| {
            tx.after_commit(Wake::Job(job));
            Ok(())
        });
        told.unwrap();
        assert!(ready(hub.job()), "and one that stands does");
    });
}

/// After an error PostgreSQL takes the word "commit" for "undo it" and says nothing. Work that swallowed the error must
/// not be told that it was written.
#[test]
fn work_that_swallows_an_error_is_not_told_that_it_was_committed() {
    staged(|stage| {
        let account = stage.person();
        let now = stage.now;
        let told = stage.write(move |tx| {
            account_rename(tx, account, "renamed")?;
            job_create(tx, JobKind::MessagePurge, 1, now)?;
            let _swallowed = job_create(tx, JobKind::MessagePurge, 1, now);
            Ok(())
        });
        let name = stage.list("SELECT name FROM accounts");
        // SQLite undoes the one statement, and the rest stands.
        assert_eq!(told.is_ok(), name == ["renamed"], "{told:?} {name:?}");
        stage.tamper("DELETE FROM jobs WHERE kind = 'message_purge'");
    });
}

/// Every purchase writes a job for half a minute later. Were the runner to look for each, it would look all the time.
#[test]
fn a_runner_that_sleeps_is_woken_by_what_it_would_sleep_through() {
    staged(|stage| {
        let (hub, now) = (Arc::clone(&stage.hub), stage.now);
        let mut woken_by = |wake| {
            let told = stage.write(move |tx| {
                tx.after_commit(wake);
                Ok(())
            });
            told.unwrap();
            ready(hub.job())
        };
        let (sooner, later) = (now.plus(Span::millis(999)), now.plus(Span::seconds(25)));
        assert!(woken_by(Wake::Job(later)), "nobody said yet that he sleeps");
        hub.runner_sleeps(now.plus(Span::seconds(1)));
        assert!(!woken_by(Wake::Job(later)), "it looks by itself before");
        assert!(woken_by(Wake::Job(sooner)));
        assert!(woken_by(Wake::Clock), "a clock that was moved may have passed anything");
        hub.runner_looks();
        assert!(woken_by(Wake::Job(later)), "what is written while it looks it may not have seen");
    });
}

/// Fails so many times as if another writer had been in the way.
fn busy(times: usize) -> impl FnMut(&mut Tx<'_>) -> Result<usize, StoreError> + Send {
    let mut tries = 0;
    move |tx| {
        tries += 1;
        setting_fix(tx, &format!("try {tries}"), "x")?;
        if tries <= times { Err(StoreError::Busy("on purpose".to_owned())) } else { Ok(tries) }
    }
}

#[test]
fn a_busy_database_is_asked_again_and_everybody_is_served_once() {
    staged(|stage| {
        let account = stage.person_with(2 * PRICE.micros());
        let (first, mut before) = hot(Command::Reserve(stage.reserve(account)));
        let (last, mut after) = hot(Command::Reserve(stage.reserve(account)));
        let (refused, mut told) = cold(|_| Err::<(), _>(StoreError::Conflict("its own".to_owned())));
        let (work, mut answer) = cold(busy(3));
        stage.run(vec![first, refused, work, last]);
        held(before.try_recv().unwrap());
        held(after.try_recv().unwrap());
        assert!(matches!(told.try_recv().unwrap(), Err(StoreError::Conflict(_))));
        assert_eq!(answer.try_recv().unwrap().unwrap(), 4);
        assert_eq!(stage.list("SELECT name FROM settings"), ["try 4"]);
        assert_eq!(stage.balance(account), (2 * PRICE.micros(), 2 * PRICE.micros()));
        assert_eq!(stage.jobs().len(), 2);
    });
}

#[test]
fn a_database_that_stays_busy_is_told_to_all_and_nothing_is_written() {
    staged(|stage| {
        let account = stage.person_with(PRICE.micros());
        let (first, mut before) = hot(Command::Reserve(stage.reserve(account)));
        let (work, mut answer) = cold(busy(usize::MAX));
        stage.run(vec![first, work]);
        assert!(matches!(before.try_recv().unwrap(), Err(StoreError::Busy(_))));
        assert!(matches!(answer.try_recv().unwrap(), Err(StoreError::Busy(_))));
        assert_eq!(stage.list("SELECT name FROM settings"), [""; 0]);
        stage.reserved(account);
    });
}

#[test]
fn a_database_that_does_not_answer_is_told_to_all_and_the_next_batch_is_served() {
    staged(|stage| {
        let account = stage.person_with(PRICE.micros());
        let (first, mut before) = hot(Command::Reserve(stage.reserve(account)));
        let (work, mut answer) = cold(move |tx| {
            account_rename(tx, account, "half")?;
            Err::<(), _>(StoreError::Unavailable("on purpose".to_owned()))
        });
        stage.run(vec![first, work]);
        assert!(matches!(before.try_recv().unwrap(), Err(StoreError::Unavailable(_))));
        assert!(matches!(answer.try_recv().unwrap(), Err(StoreError::Unavailable(_))));
        assert_eq!(stage.list("SELECT name FROM accounts"), ["Ann"]);
        stage.reserved(account);
    });
}

/// A defect in a closure or a read ends neither the writing nor the reading, and leaves nothing half done.
#[test]
fn a_defect_is_told_to_its_caller_and_stops_nobody_after_it() {
    staged(|stage| {
        let account = stage.person_with(PRICE.micros());
        let reserve = stage.reserve(account);
        stage.with_store(async |store| {
            for _ in 0..6 {
                let defect = store.write(move |tx| -> Result<(), StoreError> {
                    account_rename(tx, account, "half")?;
                    panic!("on purpose");
                });
                assert!(matches!(defect.await, Err(StoreError::Unavailable(_))));
                let defect = store.read(|_| -> Result<(), StoreError> { panic!("on purpose") });
                assert!(matches!(defect.await, Err(StoreError::Unavailable(_))));
            }
            let name = store.read(move |tx| account_get(tx, account)).await.unwrap().unwrap().name;
            assert_eq!(name, "Ann");
            assert!(matches!(store.reserve(reserve).await, Ok(Reserved::Held(..))));
        });
    });
}

#[test]
fn readers_cannot_write() {
    staged(|stage| {
        let account = stage.person();
        stage.with_store(async |store| {
            let refused = store.read(move |tx| account_rename(tx, account, "x").map(drop)).await;
            assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
            let refused = store.snapshot(|tx| setting_fix(tx, "x", "y")).await;
            assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
            let name = store.read(move |tx| account_get(tx, account)).await.unwrap().unwrap().name;
            assert_eq!(name, "Ann");
        });
        assert_eq!(stage.list("SELECT name FROM settings"), [""; 0]);
    });
}

#[test]
fn a_snapshot_sees_one_state_and_a_read_the_newest() {
    staged(|stage| {
        stage.with_store(async |store| {
            for snapshot in [true, false] {
                let (looked, look) = channel();
                let (written, wait) = channel();
                let name = format!("written {snapshot}");
                let twice = {
                    let name = name.clone();
                    move |tx: &mut Tx<'_>| {
                        let before = setting_get(tx, &name)?.is_some();
                        looked.send(()).unwrap();
                        wait.recv().unwrap();
                        Ok((before, setting_get(tx, &name)?.is_some()))
                    }
                };
                let mut reading = Box::pin(async {
                    if snapshot { store.snapshot(twice).await } else { store.read(twice).await }
                });
                assert!(timeout(Duration::ZERO, &mut reading).await.is_err());
                look.recv().unwrap();
                store.write(move |tx| setting_fix(tx, &name, "x")).await.unwrap();
                written.send(()).unwrap();
                assert_eq!(reading.await.unwrap(), (false, !snapshot));
            }
        });
    });
}

/// A snapshot that failed leaves its connection usable.
#[test]
fn a_failed_read_troubles_nobody_after_it() {
    staged(|stage| {
        stage.with_store(async |store| {
            let wrong = Statement::new("TEST_WRONG", "SELECT colour FROM accounts");
            for _ in 0..10 {
                assert!(store.snapshot(move |tx| tx.query(&wrong, &[]).map(drop)).await.is_err());
                assert!(store.read(move |tx| tx.query(&wrong, &[]).map(drop)).await.is_err());
                assert_eq!(store.snapshot(|tx| setting_get(tx, "x")).await.unwrap(), None);
            }
        });
    });
}

#[test]
fn a_full_queue_refuses_at_once_and_serves_whom_it_took() {
    staged(|stage| {
        let served = stage.with_store(async |store| {
            let gate = Arc::new(Gate::default());
            let mut waiting = Vec::new();
            let refused = loop {
                let gate = Arc::clone(&gate);
                let work = move |_: &mut Tx<'_>| {
                    gate.pass();
                    Ok(())
                };
                let mut answer = Box::pin(store.write(work));
                match timeout(Duration::ZERO, &mut answer).await {
                    Ok(answer) => break answer,
                    Err(_queued) => waiting.push(answer),
                }
                assert!(waiting.len() < 20_000, "the queue has no end");
            };
            assert!(matches!(refused, Err(StoreError::Overloaded)), "{refused:?}");
            gate.open();
            let served = waiting.len();
            for answer in waiting {
                answer.await.unwrap();
            }
            store.write(|tx| setting_fix(tx, "open", "again")).await.unwrap();
            served
        });
        assert!((4_096..6_000).contains(&served), "{served}");
    });
}

#[test]
fn an_end_finishes_what_it_took() {
    staged(|stage| {
        let account = stage.person_with(100 * PRICE.micros());
        let command = stage.reserve(account);
        stage.with_store(async |store| {
            for _ in 0..100 {
                // Asks, and goes away before the answer.
                let _left = timeout(Duration::ZERO, store.reserve(command.clone())).await;
            }
        });
        assert_eq!(
            stage.list("SELECT status FROM activations").len(),
            100,
            "callers that left are served as well"
        );
    });
}

#[test]
fn a_store_opens_what_another_made_and_numbers_go_on() {
    staged(|stage| {
        let account = stage.person_with(100 * PRICE.micros());
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..3 {
            let command = stage.reserve(account);
            let ids = stage.with_store(async |store| {
                let mut ids = Vec::new();
                for _ in 0..5 {
                    let Reserved::Held(held, _) = store.reserve(command.clone()).await.unwrap() else {
                        panic!()
                    };
                    ids.push(held.id);
                }
                ids
            });
            for id in ids {
                assert!(seen.insert(id), "{id:?} twice");
            }
        }
        let mut small = StoreOptions::command(RULES, Schema::BringUpToDate);
        small.row_block = 1;
        let store = Store::open(stage.database().engine(), &small).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let command = stage.reserve(account);
        let Reserved::Held(held, _) = runtime.block_on(store.reserve(command)).unwrap() else { panic!() };
        assert!(seen.insert(held.id));
        store.stop();
    });
}

/// People sign in while others buy: a purchase under way holds up no new session of its account.
#[test]
fn a_sign_in_does_not_wait_for_a_purchase() {
    staged(|stage| {
        let Engine::Postgres(_) = stage.database().engine() else { return };
        let account = stage.person_with(PRICE.micros());
        let lock = numberotp_server::store::catalogue()
            .into_iter()
            .find(|found| found.name == "HOT_PURSES")
            .unwrap();
        let mut buying = connection(stage.database());
        buying.begin().unwrap();
        let keys = numberotp_server::store::db::Value::Ints(vec![account.get()]);
        assert_eq!(buying.query(&lock, &[keys]).unwrap().len(), 1);
        stage.tamper(&format!(
            "SET lock_timeout = '200ms'; INSERT INTO sessions (id, brand_id, account_id, hash, created_at, expires_at) VALUES (1, 1, {}, '', 0, 0)",
            account.get()
        ));
        let mut second = connection(stage.database());
        second.script("SET lock_timeout = '200ms'; BEGIN").unwrap();
        let keys = numberotp_server::store::db::Value::Ints(vec![account.get()]);
        assert!(
            matches!(second.query(&lock, &[keys]), Err(StoreError::Busy(_))),
            "but two purchases take turns"
        );
        buying.script("ROLLBACK").unwrap();
    });
}

/// A number and a message that meet in different batches take turns, whatever the two writers are doing.
#[test]
fn lives_of_many_purchases_at_once_end_as_they_should() {
    staged(|stage| {
        let accounts: Vec<_> = (0..5).map(|_| stage.person_with(20 * PRICE.micros())).collect();
        let now = stage.now;
        let commands: Vec<_> = (0..100).map(|n| stage.reserve(*accounts.get(n % 5).unwrap())).collect();
        let later = Time::from_micros(now.micros()).plus(Span::seconds(1));
        stage.with_store(async |store| {
            let tasks: Vec<_> = commands
                .into_iter()
                .map(|command| {
                    let store = Arc::clone(&store);
                    tokio::spawn(async move {
                        let account = command.account;
                        let Reserved::Held(held, _) = store.reserve(command).await.unwrap() else { panic!() };
                        let id = held.id;
                        let name = format!("r{}", id.get());
                        let attach =
                            crate::store_stage::attach(id, &name, &format!("4477009{:05}", id.get()), later);
                        attached(store.attach(attach).await.map(Answer::Attached));
                        let mut message = crate::store_stage::sms(&name, later);
                        message.provider_ref = Some(name);
                        store.receive(message).await.unwrap();
                        let closing = numberotp_server::store::hot::Closing::Finish(account);
                        let close =
                            numberotp_server::store::hot::Close { activation: id, closing, now: later };
                        crate::store_stage::done(&store.close(close).await.unwrap());
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
        });
        assert_eq!(stage.list("SELECT status FROM activations WHERE status = 'finished'").len(), 100);
        for account in accounts {
            assert_eq!(stage.balance(account), (0, 0));
        }
    });
}

/// An audit of millions of rows takes longer than any caller would wait.
#[test]
fn a_command_takes_its_time_and_a_server_does_not() {
    on_each_engine(|database| {
        if !matches!(database.engine(), Engine::Postgres(_)) {
            return;
        }
        let bound = |connection: Connection| {
            let mut connection = connection;
            connection.ensure().unwrap();
            let show = Statement::new("TEST_TIMEOUT", "SHOW statement_timeout");
            connection.query(&show, &[]).unwrap().pop().unwrap().text("statement_timeout").unwrap()
        };
        for access in [Access::Write, Access::Read] {
            let open = || Connection::open(database.engine(), access).unwrap();
            assert_eq!((bound(open()).as_str(), bound(open().taking_time()).as_str()), ("5s", "0"));
        }
    });
}
