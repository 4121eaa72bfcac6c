//! The ways out of a purchase: given back, done with, failed, expired. Money goes back once and to where it came
//! from; a state that forbids a step keeps everything; a stranger sees nothing.

use crate::store_stage::{PRICE, RULES, Stage, WINDOW, done, held, staged};
use numberotp_core::activation::{Status, Terms};
use numberotp_core::id::{AccountId, ActivationId};
use numberotp_core::ledger::Purse;
use numberotp_core::money::{CreditValue, Usd};
use numberotp_core::time::Span;
use numberotp_server::store::hot::{Answer, Close, Closed, Closing, Command, Reserve, Rules};
use std::sync::Arc;

fn rented(stage: &mut Stage<'_>) -> (AccountId, ActivationId) {
    let account = stage.person_with(PRICE.micros());
    let id = stage.rented(account, "r1", "447700900001");
    stage.pass(Span::seconds(5));
    (account, id)
}

fn refused(closed: &Closed) -> Option<Status> {
    if let Closed::Refused(status) = closed { Some(*status) } else { None }
}

/// Everything that a refused step must not touch.
fn everything(stage: &mut Stage<'_>) -> Vec<String> {
    let mut all = stage.list("SELECT CAST(id AS TEXT) || ' ' || status || ' ' || COALESCE(CAST(closed_at AS TEXT), '-') FROM activations ORDER BY id");
    all.extend(stage.list("SELECT step FROM movements ORDER BY id"));
    all.extend(
        stage.list(
            "SELECT CAST(activation_id AS TEXT) || COALESCE(CAST(closed_at AS TEXT), '-') FROM leases ORDER BY activation_id",
        ),
    );
    all.extend([stage.events(), stage.jobs(), stage.messages()].concat());
    all
}

#[test]
fn a_cancel_gives_everything_back_and_tells_the_provider() {
    staged(|stage| {
        let (account, id) = rented(stage);
        let Closed::Done(activation, purses) = stage.close(id, Closing::Cancel(account)) else { panic!() };
        assert_eq!(activation.state.closed_at(), Some(stage.now));
        assert_eq!((purses.balance.posted, purses.balance.held), (PRICE.micros(), 0));
        assert_eq!(stage.purses(account), purses);
        assert_eq!(stage.events(), ["activation.created", "activation.canceled"]);
        assert_eq!(stage.jobs(), [format!("activation_release {} 5", id.get())], "no watch is left");
        let lease = stage.list("SELECT CAST(closed_at - from_at AS TEXT) FROM leases");
        assert_eq!(lease, ["5000000"]);
    });
}

#[test]
fn a_refund_goes_back_to_the_purses_it_came_from() {
    staged(|stage| {
        let account = stage.person_with(30_000);
        stage.give(account, Purse::Gift, 10);
        stage.give(account, Purse::Bought, 30);
        let before = stage.purses(account);
        let id = stage.rented(account, "r1", "447700900001");
        assert_eq!(stage.purses(account).credits_available().count(), 0);
        done(&stage.close(id, Closing::Cancel(account)));
        assert_eq!(stage.purses(account), before);
        let back = stage.list("SELECT purse || ' ' || phase || ' ' || CAST(amount AS TEXT) FROM transfers WHERE phase = 'void' ORDER BY debit_id");
        assert_eq!(back, ["balance void 30000", "gift void 10", "bought void 30"]);
    });
}

/// Its owner reads both rows: they say the same, also if an operator changed what a credit is worth in between.
#[test]
fn a_refund_tells_the_worth_that_its_purchase_told() {
    staged(|stage| {
        let (ann, bob) = (stage.person_with(20_000), stage.person());
        stage.give(ann, Purse::Granted, 60);
        stage.give(bob, Purse::Granted, 101);
        let canceled = stage.rented(ann, "r1", "447700900001");
        // Without a balance for the rest it is paid with a credit more.
        let reserve = stage.reserve(bob);
        let terms = Terms { price: Usd::from_micros(50_200), ..reserve.terms.clone() };
        let failed = held(stage.send(Command::Reserve(Reserve { terms, ..reserve })));
        let now = stage.now;
        let dearer = Rules { credit: CreditValue::from_micros(800).unwrap(), ..RULES };
        stage.with_store_of(dearer, async |store| {
            for (activation, closing) in [(canceled, Closing::Cancel(ann)), (failed, Closing::Fail)] {
                done(&store.close(Close { activation, closing, now }).await.unwrap());
            }
        });
        let mut told = stage.list(
            "SELECT kind || ' ' || CAST(credits_change AS TEXT) || ' ' || CAST(value AS TEXT) FROM movements WHERE reference_kind = 'activation'",
        );
        told.sort();
        let expected = ["purchase -101 -50200", "purchase -60 -50000", "refund 101 50200", "refund 60 50000"];
        assert_eq!(told, expected);
    });
}

#[test]
fn a_second_cancel_answers_the_same_and_refunds_nothing() {
    staged(|stage| {
        let (account, id) = rented(stage);
        done(&stage.close(id, Closing::Cancel(account)));
        let before = everything(stage);
        stage.pass(Span::seconds(5));
        let Closed::Done(activation, purses) = stage.close(id, Closing::Cancel(account)) else { panic!() };
        assert_eq!(activation.state.closed_at(), Some(stage.now.minus(Span::seconds(5))));
        assert_eq!((purses.balance.posted, purses.balance.held), (PRICE.micros(), 0));
        let now = stage.now;
        let twice = vec![Command::Close(Close { activation: id, closing: Closing::Cancel(account), now }); 2];
        assert!(
            stage.batch(twice).iter().all(|answer| matches!(answer, Ok(Answer::Closed(Closed::Done(..)))))
        );
        assert_eq!(everything(stage), before);
    });
}

#[test]
fn a_hundred_cancels_at_once_refund_once() {
    staged(|stage| {
        let (account, id) = rented(stage);
        let now = stage.now;
        stage.with_store(async |store| {
            let cancel = || {
                let store = Arc::clone(&store);
                let close = Close { activation: id, closing: Closing::Cancel(account), now };
                tokio::spawn(async move { store.close(close).await })
            };
            let tasks: Vec<_> = (0..100).map(|_| cancel()).collect();
            for task in tasks {
                done(&task.await.unwrap().unwrap());
            }
        });
        assert_eq!(stage.balance(account), (PRICE.micros(), 0));
        assert_eq!(stage.list("SELECT kind FROM movements ORDER BY id"), ["topup", "purchase", "refund"]);
        assert_eq!(stage.events().len(), 2);
    });
}

#[test]
fn a_stranger_finds_nothing_and_changes_nothing() {
    staged(|stage| {
        let (_, id) = rented(stage);
        let stranger = stage.person_with(PRICE.micros());
        let before = everything(stage);
        for closing in [Closing::Cancel(stranger), Closing::Finish(stranger)] {
            assert!(matches!(stage.close(id, closing), Closed::Missing));
            assert!(matches!(stage.close(ActivationId::new(404), closing), Closed::Missing));
        }
        for closing in [Closing::Fail, Closing::Expire] {
            assert!(matches!(stage.close(ActivationId::new(404), closing), Closed::Missing));
        }
        assert_eq!(everything(stage), before);
    });
}

#[test]
fn a_purchase_is_done_with_after_a_message_only() {
    staged(|stage| {
        let (account, id) = rented(stage);
        let before = everything(stage);
        assert_eq!(refused(&stage.close(id, Closing::Finish(account))), Some(Status::Waiting));
        assert_eq!(everything(stage), before);
        let message = stage.by_reference("m1", "r1");
        stage.receive(message);
        let before = everything(stage);
        assert_eq!(refused(&stage.close(id, Closing::Cancel(account))), Some(Status::Received));
        assert_eq!(refused(&stage.close(id, Closing::Fail)), Some(Status::Received));
        assert_eq!(everything(stage), before);

        done(&stage.close(id, Closing::Finish(account)));
        assert_eq!(stage.balance(account), (0, 0));
        let after = everything(stage);
        assert_eq!(stage.jobs(), [format!("activation_release {} 5", id.get())]);
        stage.pass(Span::seconds(5));
        done(&stage.close(id, Closing::Finish(account)));
        assert_eq!(refused(&stage.close(id, Closing::Cancel(account))), Some(Status::Finished));
        assert_eq!(everything(stage), after);
    });
}

#[test]
fn a_purchase_without_a_number_fails_and_the_money_is_back() {
    staged(|stage| {
        let account = stage.person_with(PRICE.micros());
        let id = stage.reserved(account);
        let before = everything(stage);
        for closing in [Closing::Cancel(account), Closing::Finish(account), Closing::Expire] {
            assert_eq!(refused(&stage.close(id, closing)), Some(Status::Reserving), "{closing:?}");
        }
        assert_eq!(everything(stage), before);
        done(&stage.close(id, Closing::Fail));
        assert_eq!((stage.status(id).as_str(), stage.balance(account)), ("failed", (PRICE.micros(), 0)));
        assert_eq!((stage.jobs(), stage.events()), (vec![], vec![]), "nobody is told of what nobody saw");
        let after = everything(stage);
        done(&stage.close(id, Closing::Fail));
        assert_eq!(everything(stage), after);
    });
}

/// Nobody could tell in time whether the provider gave a number: the money goes back, and it is looked after later.
#[test]
fn a_purchase_that_is_given_up_is_swept_up_after() {
    staged(|stage| {
        let account = stage.person_with(2 * PRICE.micros());
        let id = stage.reserved(account);
        done(&stage.close(id, Closing::GiveUp));
        assert_eq!((stage.status(id).as_str(), stage.balance(account)), ("failed", (2 * PRICE.micros(), 0)));
        let sweep = format!("activation_sweep {} 30", id.get());
        assert_eq!(stage.jobs(), std::slice::from_ref(&sweep));
        let after = everything(stage);
        stage.pass(Span::seconds(5));
        done(&stage.close(id, Closing::GiveUp));
        done(&stage.close(id, Closing::Fail));
        assert_eq!(everything(stage), after);

        let failed = stage.reserved(account);
        done(&stage.close(failed, Closing::Fail));
        done(&stage.close(failed, Closing::GiveUp));
        assert_eq!(stage.jobs(), [sweep], "what failed for certain needs no sweeping");
        let rented = stage.rented(account, "r1", "447700900001");
        assert_eq!(refused(&stage.close(rented, Closing::GiveUp)), Some(Status::Waiting));
    });
}

#[test]
fn the_window_closes_what_nobody_answered() {
    staged(|stage| {
        let (account, id) = rented(stage);
        stage.pass(WINDOW.as_micros().checked_sub(5_000_001).map(Span::micros).unwrap());
        done(&stage.close(id, Closing::Expire));
        assert_eq!(stage.status(id), "waiting", "a microsecond early: looked at, and left");
        assert_eq!(stage.jobs(), [format!("activation_watch {} 1200", id.get())]);
        stage.pass(Span::micros(1));
        done(&stage.close(id, Closing::Expire));
        assert_eq!((stage.status(id).as_str(), stage.balance(account)), ("expired", (PRICE.micros(), 0)));
        assert_eq!(stage.events(), ["activation.created", "activation.expired"]);
        let after = everything(stage);
        done(&stage.close(id, Closing::Expire));
        assert_eq!(refused(&stage.close(id, Closing::Cancel(account))), Some(Status::Expired));
        assert_eq!(refused(&stage.close(id, Closing::Fail)), Some(Status::Expired));
        assert_eq!(everything(stage), after);
    });
}

#[test]
fn the_window_finishes_what_was_answered() {
    staged(|stage| {
        let (account, id) = rented(stage);
        let message = stage.by_reference("m1", "r1");
        stage.receive(message);
        stage.pass(WINDOW);
        done(&stage.close(id, Closing::Expire));
        assert_eq!((stage.status(id).as_str(), stage.balance(account)), ("finished", (0, 0)));
        assert_eq!(stage.events(), ["activation.created", "activation.code_received", "activation.finished"]);
    });
}

/// The buyer, the buyer again and the clock, all at once, for fifty purchases with and without a message.
#[test]
fn cancel_finish_and_expiry_at_once_end_it_once() {
    staged(|stage| {
        let account = stage.person_with(50 * PRICE.micros());
        let mut ids = Vec::new();
        for n in 0..50 {
            let name = format!("r{n}");
            ids.push(stage.rented(account, &name, &format!("4477009{n:05}")));
            if n % 2 == 0 {
                let message = stage.by_reference(&name, &name);
                stage.receive(message);
            }
        }
        stage.pass(WINDOW);
        let now = stage.now;
        let work = ids.clone();
        stage.with_store(async |store| {
            let ways = [Closing::Expire, Closing::Cancel(account), Closing::Finish(account)];
            let closes = work
                .into_iter()
                .flat_map(|activation| ways.map(|closing| Close { activation, closing, now }));
            let tasks: Vec<_> = closes
                .map(|close| {
                    let store = Arc::clone(&store);
                    tokio::spawn(async move { store.close(close).await })
                })
                .collect();
            for task in tasks {
                assert!(!matches!(task.await.unwrap().unwrap(), Closed::Missing));
            }
        });
        for (n, id) in ids.into_iter().enumerate() {
            let status = stage.status(id);
            let expected: &[&str] = if n % 2 == 0 { &["finished"] } else { &["canceled", "expired"] };
            assert!(expected.contains(&status.as_str()), "{id:?} is {status}");
        }
        assert_eq!(stage.balance(account), (25 * PRICE.micros(), 0));
        assert_eq!(stage.jobs().len(), 50, "one release each, no watch");
    });
}
