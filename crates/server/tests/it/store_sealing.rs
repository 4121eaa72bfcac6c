//! What a standing does to messages: a stop over money changes nothing for what runs; under a stop over abuse, and of
//! whoever is gone, a message is sealed for good, charges nothing, and the purchase ends as one that got none.

use crate::store_stage::{PRICE, Stage, WINDOW, attached, done, hot, received, staged};
use numberotp_core::activation::WithheldBecause;
use numberotp_core::caller::Standing;
use numberotp_core::id::{AccountId, ActivationId};
use numberotp_core::time::Span;
use numberotp_server::store::account::{StandingSet, account_set_standing};
use numberotp_server::store::cold;
use numberotp_server::store::hot::{Answer, Closed, Closing, Command, Receive, Received};
use numberotp_server::store::log::log_newest;
use numberotp_server::store::message::messages_delivered;

fn stands(stage: &mut Stage<'_>, account: AccountId, standing: Standing) {
    let set = stage.write(move |tx| account_set_standing(tx, account, standing)).unwrap();
    assert!(matches!(set, StandingSet::Done(_)), "{set:?}");
}

fn one(stage: &mut Stage<'_>) -> (AccountId, ActivationId) {
    let account = stage.person_with(PRICE.micros());
    let id = stage.rented(account, "r1", "447700900001");
    (account, id)
}

fn shown(stage: &mut Stage<'_>, id: ActivationId) -> usize {
    stage.write(move |tx| messages_delivered(tx, id)).unwrap().len()
}

fn log(stage: &mut Stage<'_>) -> Vec<String> {
    let entries = stage.write(|tx| log_newest(tx, 10)).unwrap();
    let line = |entry: &numberotp_server::store::log::Entry| {
        format!(
            "{} {} {} {:?} {}",
            entry.actor, entry.action, entry.subject_kind, entry.subject, entry.detail
        )
    };
    entries.iter().map(line).collect()
}

#[test]
fn a_stop_over_money_lets_what_runs_deliver_and_charge() {
    staged(|stage| {
        let (account, id) = one(stage);
        stands(stage, account, Standing::Limited);
        let message = stage.by_reference("m1", "r1");
        assert_eq!(stage.receive(message), Received::Matched);
        assert_eq!((stage.status(id).as_str(), stage.balance(account)), ("received", (0, 0)));
        assert_eq!(stage.messages(), ["1 delivered"]);
        assert_eq!(log(stage), [""; 0]);
    });
}

#[test]
fn a_stop_over_abuse_seals_what_comes_and_gives_the_money_back_at_the_end() {
    for standing in [Standing::Suspended, Standing::Closed] {
        staged(|stage| {
            let (account, id) = one(stage);
            stands(stage, account, standing);
            stage.pass(Span::minutes(1));
            let message = stage.by_reference("m1", "r1");
            assert_eq!(stage.receive(message.clone()), Received::Matched);
            assert_eq!(stage.receive(message), Received::Matched, "a repeat has the same answer");
            assert_eq!(stage.messages(), ["1 sealed suspended"]);
            let held = (PRICE.micros(), PRICE.micros());
            assert_eq!((stage.status(id).as_str(), stage.balance(account)), ("waiting", held));
            assert_eq!(
                log(stage),
                [format!("policy message.sealed activation Some({}) suspended", id.get())]
            );
            stage.pass(WINDOW);
            done(&stage.close(id, Closing::Expire));
            assert_eq!((stage.status(id).as_str(), stage.balance(account)), ("expired", (PRICE.micros(), 0)));
            assert_eq!(stage.events(), ["activation.created", "activation.expired"]);
        });
    }
}

#[test]
fn what_was_sealed_stays_so_after_the_stop_is_lifted_and_the_rest_is_shown_again() {
    staged(|stage| {
        let (account, id) = one(stage);
        let before = stage.by_reference("before", "r1");
        stage.receive(before);
        stands(stage, account, Standing::Suspended);
        let meanwhile = stage.by_reference("meanwhile", "r1");
        stage.receive(meanwhile.clone());
        stands(stage, account, Standing::Approved);
        stage.receive(meanwhile);
        let after = stage.by_reference("after", "r1");
        stage.receive(after);
        assert_eq!(stage.messages(), ["1 delivered", "1 sealed suspended", "1 delivered"]);
        assert_eq!(shown(stage, id), 2);
        let events = ["activation.created", "activation.code_received", "activation.sms_received"];
        assert_eq!(stage.events(), events);
    });
}

#[test]
fn what_waited_for_its_purchase_is_sealed_when_that_gets_its_number() {
    staged(|stage| {
        let account = stage.person_with(PRICE.micros());
        let id = stage.reserved(account);
        let message = stage.by_reference("m1", "r1");
        assert_eq!(stage.receive(message), Received::Unmatched);
        stands(stage, account, Standing::Suspended);
        let attach = stage.attach(id, "r1", "447700900001");
        attached(stage.send(Command::Attach(attach)));
        assert_eq!(stage.messages(), ["1 sealed suspended"]);
        assert_eq!((stage.status(id).as_str(), stage.balance(account).1), ("waiting", PRICE.micros()));
    });
}

#[test]
fn what_is_sealed_for_another_reason_keeps_it() {
    staged(|stage| {
        let (account, id) = one(stage);
        stands(stage, account, Standing::Suspended);
        let withheld = Receive { withheld: Some(WithheldBecause::Bank), ..stage.by_reference("bank", "r1") };
        stage.receive(withheld);
        stage.pass(WINDOW);
        done(&stage.close(id, Closing::Expire));
        let late = stage.by_reference("late", "r1");
        stage.receive(late);
        assert_eq!(stage.messages(), ["1 withheld bank", "1 sealed late"]);
    });
}

#[test]
fn another_buyers_message_in_the_same_batch_is_delivered() {
    staged(|stage| {
        let (account, _) = one(stage);
        let other = stage.person_with(PRICE.micros());
        stage.rented(other, "r2", "447700900002");
        stands(stage, account, Standing::Suspended);
        let (first, second) = (stage.by_reference("m1", "r1"), stage.by_reference("m2", "r2"));
        for answer in stage.batch(vec![Command::Receive(first), Command::Receive(second)]) {
            assert_eq!(received(answer), Received::Matched);
        }
        assert_eq!(stage.messages(), ["1 sealed suspended", "2 delivered"]);
        assert_eq!((stage.balance(account).0, stage.balance(other).0), (PRICE.micros(), 0));
    });
}

#[test]
fn a_stop_and_a_message_at_once_are_one_after_the_other() {
    staged(|stage| {
        let (account, id) = one(stage);
        let (stop, mut stopped) = cold(move |tx| account_set_standing(tx, account, Standing::Suspended));
        let (message, mut answer) = hot(Command::Receive(stage.by_reference("m1", "r1")));
        stage.race(vec![stop], vec![message]);
        assert_eq!(stopped.try_recv().unwrap().unwrap(), StandingSet::Done(Standing::Approved));
        assert_eq!(received(answer.try_recv().unwrap()), Received::Matched);
        assert_eq!(stage.messages(), ["1 sealed suspended"], "the stop was there first");
        stands(stage, account, Standing::Approved);

        let (message, mut answer) = hot(Command::Receive(stage.by_reference("m2", "r1")));
        let (stop, mut stopped) = cold(move |tx| account_set_standing(tx, account, Standing::Suspended));
        stage.race(vec![message], vec![stop]);
        assert_eq!(received(answer.try_recv().unwrap()), Received::Matched);
        assert_eq!(stopped.try_recv().unwrap().unwrap(), StandingSet::Done(Standing::Approved));
        // Each writer has numbers of its own, so the order of rows is not that of arrival.
        let mut messages = stage.messages();
        messages.sort();
        assert_eq!(messages, ["1 delivered", "1 sealed suspended"], "the message was there first");
        assert_eq!((stage.status(id).as_str(), stage.balance(account)), ("received", (0, 0)));
        stage.assert_no_deadlock();
    });
}

#[test]
fn a_stop_and_a_purchase_that_gets_number_and_message_at_once() {
    staged(|stage| {
        let account = stage.person_with(PRICE.micros());
        let id = stage.reserved(account);
        let (attach, message) = (stage.attach(id, "r1", "447700900001"), stage.by_reference("m1", "r1"));
        stands(stage, account, Standing::Suspended);
        let answers = stage.batch(vec![Command::Receive(message), Command::Attach(attach)]);
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        assert!(matches!(answers[0], Ok(Answer::Received(_))));
        assert_eq!(stage.messages(), ["1 sealed suspended"]);
        let closed = stage.close(id, Closing::Finish(account));
        assert!(matches!(closed, Closed::Refused(_)), "nothing was received: {closed:?}");
    });
}

#[test]
fn a_standing_changes_along_its_ways_only() {
    staged(|stage| {
        let account = stage.person();
        let mut set = |next| stage.write(move |tx| account_set_standing(tx, account, next)).unwrap();
        assert_eq!(set(Standing::Approved), StandingSet::Already);
        assert_eq!(set(Standing::Limited), StandingSet::Done(Standing::Approved));
        assert_eq!(set(Standing::Pending), StandingSet::Refused(Standing::Limited));
        assert_eq!(set(Standing::Suspended), StandingSet::Done(Standing::Limited));
        assert_eq!(set(Standing::Closed), StandingSet::Done(Standing::Suspended));
        for next in [Standing::Pending, Standing::Approved, Standing::Limited, Standing::Suspended] {
            assert_eq!(set(next), StandingSet::Refused(Standing::Closed));
        }
        let nobody = AccountId::new(404);
        let missing = stage.write(move |tx| account_set_standing(tx, nobody, Standing::Approved)).unwrap();
        assert_eq!(missing, StandingSet::Missing);
    });
}
