//! A message comes in: it is one purchase's or nobody's; it is stored once; only the first delivered one
//! charges; a late, foreign or ambiguous one is shown to nobody.

use crate::store_stage::{PRICE, Stage, WINDOW, done, service, staged};
use numberotp_core::activation::{HasCode, ResendRefused, Status, WithheldBecause};
use numberotp_core::id::{AccountId, ActivationId, MessageId};
use numberotp_core::inbound::STILL_MEANT;
use numberotp_core::text::ProviderCode;
use numberotp_core::time::Span;
use numberotp_server::store::activation::{activation_get, activation_resend};
use numberotp_server::store::hot::{Close, Closed, Closing, Command, Receive, Received};
use numberotp_server::store::message::{messages_delivered, messages_delivered_all};
use std::sync::Arc;

/// The rows of the messages that a purchase's buyer sees, in order.
fn delivered(stage: &mut Stage<'_>, id: ActivationId) -> Vec<String> {
    let messages = stage.write(move |tx| messages_delivered(tx, id)).unwrap();
    messages.into_iter().map(|message| String::from_utf8(message.dedupe_key).unwrap()).collect()
}

/// The key of the message whose code is shown.
fn code(stage: &mut Stage<'_>, id: ActivationId) -> Option<MessageId> {
    let activation = stage.write(move |tx| activation_get(tx, id)).unwrap().unwrap();
    activation.state.reception().unwrap().code_message
}

fn one(stage: &mut Stage<'_>) -> (AccountId, ActivationId) {
    let account = stage.person_with(PRICE.micros());
    let id = stage.rented(account, "r1", "447700900001");
    (account, id)
}

#[test]
fn the_first_message_spends_the_money_and_the_others_nothing() {
    staged(|stage| {
        let (account, id) = one(stage);
        stage.pass(Span::minutes(1));
        let first = stage.by_reference("m1", "r1");
        assert_eq!(stage.receive(first), Received::Matched);
        assert_eq!(stage.balance(account), (0, 0));
        assert_eq!(stage.status(id), "received");
        stage.pass(Span::minutes(1));
        let second = stage.by_number("m2", "447700900001");
        assert_eq!(stage.receive(second), Received::Matched);
        assert_eq!(stage.balance(account), (0, 0));
        assert_eq!(stage.messages(), ["1 delivered", "1 delivered"]);
        assert_eq!(
            stage.events(),
            ["activation.created", "activation.code_received", "activation.sms_received"]
        );
        assert_eq!(stage.list("SELECT kind FROM movements ORDER BY id"), ["topup", "purchase", "settlement"]);
        assert_eq!(delivered(stage, id), ["m1", "m2"]);
        let jobs = stage.jobs();
        assert_eq!(jobs, ["activation_watch 1 1200"], "still watched: the window closes it");
    });
}

#[test]
fn the_number_alone_is_enough_while_one_lease_is_open() {
    staged(|stage| {
        let (account, id) = one(stage);
        stage.pass(WINDOW.as_micros().checked_sub(1).map(Span::micros).unwrap());
        let message = stage.by_number("m1", "447700900001");
        assert_eq!(stage.receive(message), Received::Matched);
        assert_eq!((stage.status(id).as_str(), stage.balance(account)), ("received", (0, 0)));
    });
}

#[test]
fn the_first_code_stays_until_another_message_was_asked_for() {
    staged(|stage| {
        let (account, id) = one(stage);
        let mut without = stage.by_reference("m1", "r1");
        without.has_code = HasCode::No;
        stage.receive(without);
        assert_eq!(code(stage, id), None, "delivered and charged, but it has no code");
        for (key, new) in [("m2", true), ("m3", false)] {
            let before = code(stage, id);
            let message = stage.by_reference(key, "r1");
            stage.receive(message);
            assert_eq!(code(stage, id) != before, new, "{key}");
        }
        let now = stage.now;
        let stranger = stage.person();
        assert!(stage.write(move |tx| activation_resend(tx, id, stranger, now)).unwrap().is_none());
        assert!(stage.write(move |tx| activation_resend(tx, id, account, now)).unwrap().unwrap().is_ok());
        let again = stage.write(move |tx| activation_resend(tx, id, account, now)).unwrap().unwrap();
        assert_eq!(again.unwrap_err(), ResendRefused::TooSoon(now.plus(Span::seconds(10))));
        let before = code(stage, id);
        let message = stage.by_reference("m4", "r1");
        stage.receive(message);
        assert_ne!(code(stage, id), before, "the newest code counts now");
        assert_eq!(delivered(stage, id), ["m1", "m2", "m3", "m4"]);
    });
}

#[test]
fn another_message_is_asked_for_after_the_first_one_only() {
    staged(|stage| {
        let (account, id) = one(stage);
        let now = stage.now;
        let refused = stage.write(move |tx| activation_resend(tx, id, account, now)).unwrap().unwrap();
        assert_eq!(refused.unwrap_err(), ResendRefused::State(Status::Waiting));
        let missing = ActivationId::new(404);
        assert!(stage.write(move |tx| activation_resend(tx, missing, account, now)).unwrap().is_none());
    });
}

#[test]
fn what_policy_withholds_charges_nobody_and_is_seen_by_nobody() {
    staged(|stage| {
        let (account, id) = one(stage);
        let mut bank = stage.by_reference("m1", "r1");
        bank.withheld = Some(WithheldBecause::Bank);
        assert_eq!(stage.receive(bank), Received::Matched);
        let mut office = stage.by_number("m2", "447700900009");
        office.withheld = Some(WithheldBecause::Government);
        assert_eq!(stage.receive(office), Received::Unmatched);
        assert_eq!(stage.messages(), ["1 withheld bank", "- withheld government"]);
        assert_eq!((stage.status(id).as_str(), stage.balance(account)), ("waiting", (50_000, 50_000)));
        assert_eq!(delivered(stage, id), [""; 0]);
        // Withheld before its purchase had a number: withheld for good.
        let other = stage.person_with(PRICE.micros());
        let later = stage.rented(other, "r9", "447700900009");
        assert_eq!(stage.status(later), "waiting");
    });
}

#[test]
fn a_message_after_the_end_is_sealed_and_moves_no_money() {
    staged(|stage| {
        let account = stage.person_with(4 * PRICE.micros());
        let canceled = stage.rented(account, "r1", "447700900001");
        let finished = stage.rented(account, "r2", "447700900002");
        let expired = stage.rented(account, "r3", "447700900003");
        let overdue = stage.rented(account, "r4", "447700900004");
        let message = stage.by_reference("m0", "r2");
        stage.receive(message);
        done(&stage.close(canceled, Closing::Cancel(account)));
        done(&stage.close(finished, Closing::Finish(account)));
        stage.pass(WINDOW);
        done(&stage.close(expired, Closing::Expire));
        let before = (stage.purses(account), stage.events());

        for name in ["r1", "r2", "r3", "r4"] {
            let late = stage.by_reference(&format!("late {name}"), name);
            assert_eq!(stage.receive(late), Received::Matched);
        }
        for digits in ["447700900001", "447700900002", "447700900003", "447700900004"] {
            let late = stage.by_number(&format!("late {digits}"), digits);
            assert_eq!(stage.receive(late), Received::Unmatched);
        }
        assert_eq!((stage.purses(account), stage.events()), before);
        let sealed = ["1 sealed late", "2 sealed late", "3 sealed late", "4 sealed late"];
        let expected = [&["2 delivered"], sealed.as_slice(), &["- sealed late"; 4]].concat();
        assert_eq!(stage.messages(), expected);
        assert_eq!(stage.status(overdue), "waiting", "the clock closes it, not a message");
        done(&stage.close(overdue, Closing::Expire));
    });
}

#[test]
fn a_repeat_is_stored_once_and_answered_alike() {
    staged(|stage| {
        let (account, id) = one(stage);
        let (known, unknown) =
            (stage.by_reference("m1", "r1"), stage.by_reference("m1 of another", "unknown"));
        assert_eq!(stage.receive(known.clone()), Received::Matched);
        assert_eq!(stage.receive(unknown.clone()), Received::Unmatched);
        // Alone, in one batch with others, after the purchase ended, and with a changed body.
        done(&stage.close(id, Closing::Finish(account)));
        let changed = Receive { body: b"other".to_vec(), provider_ref: None, ..known.clone() };
        for _ in 0..2 {
            let commands =
                [known.clone(), unknown.clone(), changed.clone(), known.clone()].map(Command::Receive);
            let answers: Vec<Received> =
                stage.batch(commands.to_vec()).into_iter().map(crate::store_stage::received).collect();
            use Received::{Matched, Unmatched};
            assert_eq!(answers, [Matched, Unmatched, Matched, Matched]);
        }
        assert_eq!(stage.messages(), ["1 delivered", "- parked"]);
        assert_eq!(delivered(stage, id), ["m1"]);
    });
}

#[test]
fn a_repeat_in_its_own_batch_is_stored_once() {
    staged(|stage| {
        let (account, _) = one(stage);
        let message = stage.by_reference("m1", "r1");
        let answers = stage.batch(vec![Command::Receive(message); 20]);
        assert!(answers.into_iter().all(|answer| crate::store_stage::received(answer) == Received::Matched));
        assert_eq!(stage.messages(), ["1 delivered"]);
        assert_eq!(stage.balance(account), (0, 0));
    });
}

#[test]
fn one_message_a_hundred_times_at_once() {
    staged(|stage| {
        let (account, _) = one(stage);
        let known = stage.by_reference("known", "r1");
        let by_number = stage.by_number("by number", "447700900001");
        let parked = stage.by_reference("parked", "unknown");
        // The same message told in two ways: it has one key.
        let mixed = Receive {
            number: by_number.number.clone(),
            provider_ref: None,
            ..stage.by_reference("known", "r1")
        };
        let answers = stage.with_store(async |store| {
            let tasks: Vec<_> = (0..400)
                .map(|n: usize| {
                    let message = [&known, &by_number, &parked, &mixed][n % 4].clone();
                    let store = Arc::clone(&store);
                    tokio::spawn(async move { (n % 4, store.receive(message).await) })
                })
                .collect();
            let mut answers = Vec::new();
            for task in tasks {
                answers.push(task.await.unwrap());
            }
            answers
        });
        for (kind, answer) in answers {
            let expected = if kind == 2 { Received::Unmatched } else { Received::Matched };
            assert_eq!(answer.unwrap(), expected, "kind {kind}");
        }
        let mut messages = stage.messages();
        messages.sort();
        assert_eq!(messages, ["- parked", "1 delivered", "1 delivered"]);
        assert_eq!(stage.balance(account), (0, 0));
    });
}

#[test]
fn names_of_providers_do_not_mix() {
    staged(|stage| {
        let (account, id) = one(stage);
        let other = ProviderCode::parse("other").unwrap();
        let foreign = Receive { provider: other.clone(), ..stage.by_reference("m1", "r1") };
        assert_eq!(stage.receive(foreign), Received::Unmatched);
        let foreign = Receive { provider: other, ..stage.by_number("m2", "447700900001") };
        assert_eq!(stage.receive(foreign), Received::Unmatched);
        assert_eq!((stage.status(id).as_str(), stage.balance(account)), ("waiting", (50_000, 50_000)));
        let ours = stage.by_reference("m1", "r1");
        assert_eq!(
            stage.receive(ours),
            Received::Matched,
            "the same key of another provider is another message"
        );
        assert_eq!(stage.messages(), ["- parked", "- parked", "1 delivered"]);
    });
}

/// A number's messages are its lease's from the moment the purchase began, by the provider's own clock too: what it
/// had before that was meant for somebody else. Clocks may differ by a minute.
#[test]
fn what_was_sent_before_the_purchase_is_nobodys() {
    staged(|stage| {
        let (account, id) = one(stage);
        let begun = stage.now;
        stage.pass(Span::minutes(2));
        let sent = |stage: &Stage<'_>, key, before| Receive {
            sent_at: Some(begun.minus(Span::micros(before))),
            ..stage.by_number(key, "447700900001")
        };
        let foreign = sent(stage, "m1", 60_000_001);
        assert_eq!(stage.receive(foreign.clone()), Received::Unmatched);
        assert_eq!(stage.receive(foreign), Received::Unmatched);
        assert_eq!(stage.messages(), ["- sealed late"]);
        assert_eq!(stage.balance(account), (50_000, 50_000));
        let ours = sent(stage, "m2", 60_000_000);
        assert_eq!(stage.receive(ours), Received::Matched);
        // The reference is the provider's own word, whatever its clock says.
        let by_reference =
            Receive { sent_at: Some(begun.minus(Span::hours(9))), ..stage.by_reference("m3", "r1") };
        assert_eq!(stage.receive(by_reference), Received::Matched);
        assert_eq!(delivered(stage, id), ["m2", "m3"]);
    });
}

#[test]
fn a_lease_that_was_not_there_yet_does_not_make_a_message_ambiguous() {
    staged(|stage| {
        let (_, first) = one(stage);
        let sent_at = Some(stage.now);
        stage.pass(Span::minutes(5));
        let bob = stage.person_with(PRICE.micros());
        let second = stage.rented(bob, "r2", "447700900001");
        let message = Receive { sent_at, ..stage.by_number("m1", "447700900001") };
        assert_eq!(stage.receive(message), Received::Matched);
        assert_eq!((stage.status(first).as_str(), stage.status(second).as_str()), ("received", "waiting"));
    });
}

#[test]
fn an_unknown_reference_is_never_guessed_by_its_number() {
    staged(|stage| {
        let (_, id) = one(stage);
        let number = stage.by_number("x", "447700900001").number;
        let message = Receive { number, ..stage.by_reference("m1", "not yet") };
        assert_eq!(stage.receive(message), Received::Unmatched);
        let nothing = Receive { provider_ref: None, ..stage.by_reference("m2", "") };
        assert_eq!(stage.receive(nothing), Received::Unmatched);
        assert_eq!(
            (stage.status(id).as_str(), stage.messages()),
            ("waiting", vec!["- parked".to_owned(); 2])
        );
    });
}

/// Two people have one number at once, for telegram and for whatsapp.
fn two(stage: &mut Stage<'_>) -> (ActivationId, ActivationId) {
    let (ann, bob) = (stage.person_with(PRICE.micros()), stage.person_with(PRICE.micros()));
    let telegram = stage.rented(ann, "r1", "447700900001");
    let mut reserve = stage.reserve(bob);
    reserve.terms.service = service("wa");
    let whatsapp = crate::store_stage::held(stage.send(Command::Reserve(reserve)));
    let attach = stage.attach(whatsapp, "r2", "447700900001");
    crate::store_stage::attached(stage.send(Command::Attach(attach)));
    (telegram, whatsapp)
}

#[test]
fn two_leases_of_one_number_are_told_apart_by_the_reference() {
    staged(|stage| {
        let (telegram, whatsapp) = two(stage);
        // Whatever service it names: the reference is the provider's own word.
        let message = Receive { services: vec![service("tg")], ..stage.by_reference("m1", "r2") };
        assert_eq!(stage.receive(message), Received::Matched);
        assert_eq!(
            (stage.status(telegram).as_str(), stage.status(whatsapp).as_str()),
            ("waiting", "received")
        );
    });
}

#[test]
fn two_leases_of_one_number_are_told_apart_by_the_service() {
    staged(|stage| {
        let (telegram, whatsapp) = two(stage);
        let message =
            Receive { services: vec![service("ub"), service("wa")], ..stage.by_number("m1", "447700900001") };
        assert_eq!(stage.receive(message), Received::Matched);
        assert_eq!(
            (stage.status(telegram).as_str(), stage.status(whatsapp).as_str()),
            ("waiting", "received")
        );
    });
}

#[test]
fn what_could_be_two_peoples_is_shown_to_neither() {
    staged(|stage| {
        let (telegram, whatsapp) = two(stage);
        for (key, named) in [("m1", &[][..]), ("m2", &["ub"]), ("m3", &["tg", "wa"])] {
            let services = named.iter().map(|code| service(code)).collect();
            let message = Receive { services, ..stage.by_number(key, "447700900001") };
            assert_eq!(stage.receive(message.clone()), Received::Unmatched);
            assert_eq!(stage.receive(message), Received::Unmatched, "and a repeat is answered alike");
        }
        assert_eq!(stage.messages(), ["- sealed ambiguous"; 3]);
        assert_eq!(
            (stage.status(telegram).as_str(), stage.status(whatsapp).as_str()),
            ("waiting", "waiting")
        );
        // Once one of them is over, its message may still be on its way; what names the other is the other's.
        stage.pass(Span::seconds(1));
        let ann = stage.write(move |tx| activation_get(tx, telegram)).unwrap().unwrap().account;
        done(&stage.close(telegram, Closing::Cancel(ann)));
        for (key, named) in [("m4", &[][..]), ("m5", &["tg"])] {
            let services = named.iter().map(|code| service(code)).collect();
            let message = Receive { services, ..stage.by_number(key, "447700900001") };
            assert_eq!(stage.receive(message), Received::Unmatched);
        }
        assert_eq!(stage.status(whatsapp), "waiting");
        let message = Receive { services: vec![service("wa")], ..stage.by_number("m6", "447700900001") };
        assert_eq!(stage.receive(message), Received::Matched);
        assert_eq!(stage.status(whatsapp), "received");
    });
}

/// The number's next buyer never sees what was meant for the one before.
#[test]
fn a_number_that_was_had_before_brings_no_old_messages() {
    staged(|stage| {
        let (ann, bob) = (stage.person_with(PRICE.micros()), stage.person_with(PRICE.micros()));
        let first = stage.rented(ann, "r1", "447700900001");
        done(&stage.close(first, Closing::Cancel(ann)));
        stage.pass(Span::seconds(1));
        let late = [stage.by_number("m1", "447700900001"), stage.by_reference("m2", "r1")];
        for message in late {
            stage.receive(message);
        }
        stage.pass(Span::seconds(1));
        let second = stage.rented(bob, "r2", "447700900001");
        assert_eq!(stage.status(second), "waiting");
        assert_eq!(stage.messages(), ["- sealed late", "1 sealed late"]);
        let message = stage.by_number("m3", "447700900001");
        stage.receive(message);
        assert_eq!(delivered(stage, second), [""; 0], "it could still be the first one's");
        done(&stage.close(second, Closing::Cancel(bob)));
        stage.pass(STILL_MEANT);
        let third = stage.rented(bob, "r3", "447700900001");
        let message = stage.by_number("m4", "447700900001");
        stage.receive(message);
        assert_eq!(delivered(stage, third), ["m4"]);
    });
}

#[test]
fn messages_of_a_page_are_read_together() {
    staged(|stage| {
        let account = stage.person_with(3 * PRICE.micros());
        let ids = ["r1", "r2", "r3"].map(|name| stage.rented(account, name, "447700900001"));
        for (key, name) in [("b", "r2"), ("a", "r1"), ("c", "r2")] {
            stage.pass(Span::seconds(1));
            let message = stage.by_reference(key, name);
            stage.receive(message);
        }
        let rows = ids.map(ActivationId::get).to_vec();
        let all = stage.write(move |tx| messages_delivered_all(tx, rows.clone())).unwrap();
        let told: Vec<(ActivationId, &[u8])> =
            all.iter().map(|(id, message)| (*id, &*message.dedupe_key)).collect();
        let [one, two, _] = ids;
        assert_eq!(told, [(two, b"b".as_slice()), (one, b"a"), (two, b"c")]);
        assert!(all.iter().all(|(_, message)| message.body == b"sealed" && message.provider == "sandbox"));
        assert!(stage.write(|tx| messages_delivered_all(tx, vec![])).unwrap().is_empty());
    });
}

/// A cancel and the message meet. Either the message wins and is paid for, or the cancel wins and the money is
/// back; never both, never neither.
#[test]
fn a_message_and_a_cancel_at_once_have_one_winner() {
    staged(|stage| {
        let account = stage.person_with(100 * PRICE.micros());
        let names: Vec<String> = (0..100).map(|n| format!("r{n}")).collect();
        let ids: Vec<ActivationId> = names
            .iter()
            .map(|name| stage.rented(account, name, &format!("4477009{name:0>6}").replace('r', "0")))
            .collect();
        stage.pass(Span::seconds(1));
        let now = stage.now;
        let pairs: Vec<(ActivationId, Receive)> =
            ids.iter().zip(&names).map(|(id, name)| (*id, stage.by_reference(name, name))).collect();
        let answers = stage.with_store(async |store| {
            let tasks: Vec<_> = pairs
                .into_iter()
                .enumerate()
                .map(|(n, (activation, message))| {
                    let (one, two) = (Arc::clone(&store), Arc::clone(&store));
                    let closing = Closing::Cancel(account);
                    let cancel = async move { one.close(Close { activation, closing, now }).await.unwrap() };
                    let receive = async move { two.receive(message).await.unwrap() };
                    // Half of them in the other order.
                    let (cancel, receive) = if n % 2 == 0 {
                        let receive = tokio::spawn(receive);
                        (tokio::spawn(cancel), receive)
                    } else {
                        (tokio::spawn(cancel), tokio::spawn(receive))
                    };
                    (activation, cancel, receive)
                })
                .collect();
            let mut answers = Vec::new();
            for (activation, cancel, receive) in tasks {
                answers.push((activation, cancel.await.unwrap(), receive.await.unwrap()));
            }
            answers
        });
        let mut winners = [0, 0];
        for (id, cancel, receive) in answers {
            assert_eq!(receive, Received::Matched);
            match (cancel, stage.status(id).as_str()) {
                (Closed::Done(..), "canceled") => {
                    winners[0] += 1;
                    assert_eq!(delivered(stage, id), [""; 0]);
                }
                (Closed::Refused(Status::Received), "received") => {
                    winners[1] += 1;
                    assert_eq!(delivered(stage, id).len(), 1);
                }
                (cancel, status) => panic!("{id:?}: {status}, the cancel was answered {cancel:?}"),
            }
        }
        assert!(winners.iter().all(|count| *count > 0), "both win sometimes: {winners:?}");
        assert_eq!(stage.balance(account), ((100 - winners[1]) * PRICE.micros(), 0));
    });
}
