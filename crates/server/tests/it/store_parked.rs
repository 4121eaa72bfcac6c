//! A message that was quicker than our own bookkeeping waits, and is adopted in the transaction that attaches
//! its number: by reference, or by number if it came after the purchase began. Nothing else ever is.

use crate::store_stage::{PRICE, Stage, attached, staged};
use numberotp_core::id::{AccountId, ActivationId};
use numberotp_core::inbound::STILL_MEANT;
use numberotp_core::text::ProviderCode;
use numberotp_core::time::Span;
use numberotp_server::store::hot::{Answer, Attached, Close, Closing, Command, Receive, Received};
use std::sync::Arc;

fn begun(stage: &mut Stage<'_>) -> (AccountId, ActivationId) {
    let account = stage.person_with(PRICE.micros());
    let id = stage.reserved(account);
    stage.pass(Span::seconds(1));
    (account, id)
}

fn attach(stage: &mut Stage<'_>, id: ActivationId) {
    let attach = stage.attach(id, "r1", "447700900001");
    attached(stage.send(Command::Attach(attach)));
}

#[test]
fn a_message_by_reference_is_adopted_and_charged() {
    staged(|stage| {
        let (account, id) = begun(stage);
        let message = stage.by_reference("m1", "r1");
        assert_eq!(stage.receive(message.clone()), Received::Unmatched);
        assert_eq!(stage.messages(), ["- parked"]);
        assert_eq!(stage.balance(account), (50_000, 50_000));
        stage.pass(Span::seconds(1));
        let command = stage.attach(id, "r1", "447700900001");
        let Ok(Answer::Attached(Attached::Attached(activation))) = stage.send(Command::Attach(command))
        else {
            panic!()
        };
        let reception = activation.state.reception().unwrap();
        assert_eq!(reception.first_at, stage.now.minus(Span::seconds(1)), "the message's own instant");
        assert!(reception.code_message.is_some());
        assert_eq!(stage.balance(account), (0, 0));
        assert_eq!(stage.messages(), ["1 delivered"]);
        assert_eq!(stage.events(), ["activation.created", "activation.code_received"]);
        assert_eq!(stage.receive(message), Received::Matched, "a repeat now has its purchase");
    });
}

#[test]
fn a_message_by_number_is_adopted_if_it_came_after_the_purchase_began() {
    staged(|stage| {
        let (account, id) = begun(stage);
        let (now, begun) = (stage.now, stage.now.minus(Span::seconds(1)));
        for (key, at) in [("before", begun.minus(Span::micros(1))), ("at once", begun), ("after", now)] {
            let message = Receive { now: at, ..stage.by_number(key, "447700900001") };
            assert_eq!(stage.receive(message), Received::Unmatched);
        }
        attach(stage, id);
        assert_eq!(stage.messages(), ["- parked", "1 delivered", "1 delivered"]);
        assert_eq!(stage.balance(account), (0, 0));
    });
}

#[test]
fn a_message_by_reference_is_adopted_even_if_it_came_before() {
    staged(|stage| {
        let account = stage.person_with(PRICE.micros());
        let message = stage.by_reference("m1", "r1");
        stage.receive(message);
        stage.pass(Span::seconds(1));
        let id = stage.reserved(account);
        attach(stage, id);
        assert_eq!(stage.messages(), ["1 delivered"]);
    });
}

#[test]
fn a_message_older_than_a_day_is_nobodys() {
    staged(|stage| {
        let account = stage.person_with(2 * PRICE.micros());
        let (old, young) = (stage.by_reference("old", "r1"), stage.by_reference("young", "r2"));
        stage.receive(old);
        stage.pass(Span::micros(1));
        stage.receive(Receive { now: stage.now, ..young });
        stage.pass(Span::hours(24));
        for name in ["r1", "r2"] {
            let id = stage.reserved(account);
            let attach = stage.attach(id, name, "447700900001");
            attached(stage.send(Command::Attach(attach)));
        }
        assert_eq!(stage.messages(), ["- parked", "2 delivered"]);
    });
}

/// The day is each purchase's own, also when purchases of other instants share its batch.
#[test]
fn a_message_older_than_a_day_is_nobodys_in_a_batch_too() {
    staged(|stage| {
        let account = stage.person_with(2 * PRICE.micros());
        let (early, late) = (stage.reserved(account), stage.reserved(account));
        let parked = [stage.by_reference("m1", "r1"), stage.by_reference("m2", "r2")];
        for message in parked {
            stage.receive(message);
        }
        stage.pass(Span::hours(23));
        let in_time = stage.attach(early, "r1", "447700900001");
        stage.pass(Span::hours(2));
        let too_late = stage.attach(late, "r2", "447700900002");
        for answer in stage.batch(vec![Command::Attach(in_time), Command::Attach(too_late)]) {
            attached(answer);
        }
        assert_eq!(stage.messages(), ["1 delivered", "- parked"]);
    });
}

#[test]
fn what_another_provider_sent_is_not_adopted() {
    staged(|stage| {
        let (_, id) = begun(stage);
        let other = ProviderCode::parse("other").unwrap();
        let by_reference = Receive { provider: other.clone(), ..stage.by_reference("m1", "r1") };
        let by_number = Receive { provider: other, ..stage.by_number("m2", "447700900001") };
        stage.receive(by_reference);
        stage.receive(by_number);
        attach(stage, id);
        assert_eq!(stage.messages(), ["- parked", "- parked"]);
        assert_eq!(stage.status(id), "waiting");
    });
}

#[test]
fn a_message_of_another_reference_is_not_adopted_by_its_number() {
    staged(|stage| {
        let (_, id) = begun(stage);
        let number = stage.by_number("x", "447700900001").number;
        let message = Receive { number, ..stage.by_reference("m1", "another") };
        stage.receive(message);
        attach(stage, id);
        assert_eq!((stage.messages(), stage.status(id)), (vec!["- parked".to_owned()], "waiting".to_owned()));
    });
}

#[test]
fn several_are_adopted_in_the_order_of_arrival_and_charged_once() {
    staged(|stage| {
        let (account, id) = begun(stage);
        let now = stage.now;
        let late = Receive { now: now.plus(Span::seconds(2)), ..stage.by_number("second", "447700900001") };
        let early = Receive { now, ..stage.by_reference("first", "r1") };
        stage.receive(late);
        stage.receive(early);
        stage.pass(Span::seconds(3));
        attach(stage, id);
        assert_eq!(stage.messages(), ["1 delivered", "1 delivered"]);
        assert_eq!(stage.balance(account), (0, 0));
        let first = stage.list("SELECT CAST(first_message_at - created_at AS TEXT) FROM activations");
        assert_eq!(first, ["1000000"]);
        let code = stage.list("SELECT CAST(a.attached_at - m.received_at AS TEXT) FROM messages m JOIN activations a ON a.code_message_id = m.id");
        assert_eq!(code, ["3000000"], "the code of the one that came first");
    });
}

#[test]
fn a_purchase_that_failed_adopts_nothing() {
    staged(|stage| {
        let (account, id) = begun(stage);
        let message = stage.by_reference("m1", "r1");
        stage.receive(message);
        stage.close(id, Closing::Fail);
        let late = stage.attach(id, "r1", "447700900001");
        assert!(matches!(stage.send(Command::Attach(late)), Ok(Answer::Attached(Attached::Refused(_)))));
        assert_eq!((stage.messages(), stage.balance(account)), (vec!["- parked".to_owned()], (50_000, 0)));
    });
}

/// An answer of the provider that comes twice does not adopt anew.
#[test]
fn attaching_again_adopts_nothing_new() {
    staged(|stage| {
        let (account, id) = begun(stage);
        attach(stage, id);
        stage.close(id, Closing::Cancel(account));
        stage.pass(Span::seconds(1));
        let parked = stage.by_number("m1", "447700900001");
        assert_eq!(stage.receive(parked), Received::Unmatched);
        stage.pass(STILL_MEANT);
        let parked = stage.by_number("m2", "447700900001");
        assert_eq!(stage.receive(parked), Received::Unmatched);
        attach(stage, id);
        assert_eq!(stage.messages(), ["- sealed late", "- parked"]);
    });
}

/// The message and the number race each other through all writers: whoever is first, the buyer has the message
/// and pays once.
#[test]
fn a_message_and_its_number_at_once_always_meet() {
    staged(|stage| {
        let account = stage.person_with(60 * PRICE.micros());
        let ids: Vec<ActivationId> = (0..60).map(|_| stage.reserved(account)).collect();
        stage.pass(Span::seconds(1));
        let work: Vec<_> = ids
            .into_iter()
            .enumerate()
            .map(|(n, id)| {
                let (name, digits) = (format!("r{n}"), format!("4477009{n:05}"));
                let message = if n % 2 == 0 {
                    stage.by_reference(&name, &name)
                } else {
                    stage.by_number(&name, &digits)
                };
                (stage.attach(id, &name, &digits), message)
            })
            .collect();
        stage.with_store(async |store| {
            let tasks: Vec<_> = work
                .into_iter()
                .map(|(attach, message)| {
                    let (one, two) = (Arc::clone(&store), Arc::clone(&store));
                    let message = tokio::spawn(async move { one.receive(message).await.map(drop) });
                    [message, tokio::spawn(async move { two.attach(attach).await.map(drop) })]
                })
                .collect();
            for task in tasks.into_iter().flatten() {
                task.await.unwrap().unwrap();
            }
        });
        assert_eq!(stage.list("SELECT status FROM activations WHERE status <> 'received'"), [""; 0]);
        assert_eq!(stage.list("SELECT verdict FROM messages WHERE verdict <> 'delivered'"), [""; 0]);
        assert_eq!(stage.balance(account), (0, 0));
    });
}

/// A purchase, its number and its message within one commit, in both orders.
#[test]
fn all_in_one_batch() {
    for message_first in [true, false] {
        staged(|stage| {
            let account = stage.person_with(PRICE.micros());
            let id = ActivationId::new(1);
            let reserve = Command::Reserve(stage.reserve(account));
            let attach = Command::Attach(stage.attach(id, "r1", "447700900001"));
            let message = Command::Receive(stage.by_number("m1", "447700900001"));
            let repeat = Command::Receive(stage.by_number("m1", "447700900001"));
            let now = stage.now;
            let finish = Command::Close(Close { activation: id, closing: Closing::Finish(account), now });
            let middle = if message_first { [message, attach] } else { [attach, message] };
            let commands = [vec![reserve], middle.to_vec(), vec![repeat, finish]].concat();
            let answers = stage.batch(commands);
            assert!(answers.iter().all(Result::is_ok), "{answers:?}");
            assert!(matches!(answers.get(3), Some(Ok(Answer::Received(Received::Matched)))));
            assert_eq!(stage.messages(), ["1 delivered"]);
            assert_eq!((stage.status(id).as_str(), stage.balance(account)), ("finished", (0, 0)));
            let events = ["activation.created", "activation.code_received", "activation.finished"];
            assert_eq!(stage.events(), events);
            assert_eq!(stage.jobs(), ["activation_release 1 0"]);
        });
    }
}

/// A provider may name purchases as it likes, even by somebody's number: a name is no number and a number no name.
#[test]
fn a_reference_that_reads_like_a_number_is_not_taken_for_one() {
    staged(|stage| {
        let account = stage.person_with(2 * PRICE.micros());
        let (of_number, of_name) = (stage.reserved(account), stage.reserved(account));
        let named = stage.by_reference("m1", "+447700900001");
        let numbered = stage.by_number("m2", "447700900001");
        for message in [named, numbered] {
            assert_eq!(stage.receive(message), Received::Unmatched);
        }
        stage.pass(Span::seconds(1));
        let attach = stage.attach(of_name, "+447700900001", "447700900002");
        attached(stage.send(Command::Attach(attach)));
        assert_eq!(
            stage.messages(),
            [format!("{} delivered", of_name.get()), "- parked".to_owned()],
            "by its name alone"
        );
        let attach = stage.attach(of_number, "r1", "447700900001");
        attached(stage.send(Command::Attach(attach)));
        let each = [of_name, of_number].map(|id| format!("{} delivered", id.get()));
        assert_eq!(stage.messages(), each, "by its number alone");
    });
}
