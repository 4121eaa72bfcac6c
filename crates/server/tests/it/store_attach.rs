//! The second step of a purchase: a number is attached once, opens the right to its messages, and a purchase
//! that ended otherwise refuses it.

use crate::store_stage::{PRICE, Stage, WINDOW, attached, staged};
use numberotp_core::activation::{State, Status};
use numberotp_core::id::ActivationId;
use numberotp_core::time::Span;
use numberotp_server::store::StoreError;
use numberotp_server::store::activation::{activation_get, activations_page};
use numberotp_server::store::hot::{Answer, Attach, Attached, Closing, Command};

fn refused(stage: &mut Stage<'_>, attach: Attach) -> Status {
    match stage.send(Command::Attach(attach)) {
        Ok(Answer::Attached(Attached::Refused(status))) => status,
        other => panic!("{other:?}"),
    }
}

const LEASES: &str = "SELECT CAST(activation_id AS TEXT) || ' ' || provider_ref || ' ' || number || ' ' || service || ' ' || CAST(to_at - from_at AS TEXT) || ' ' || COALESCE(CAST(closed_at - from_at AS TEXT), 'open') FROM leases ORDER BY activation_id";

#[test]
fn a_number_opens_a_lease_from_the_moment_the_purchase_began() {
    staged(|stage| {
        let account = stage.person_with(PRICE.micros());
        let id = stage.reserved(account);
        stage.pass(Span::seconds(3));
        let attach = stage.attach(id, "r1", "447700900001");
        let Ok(Answer::Attached(Attached::Attached(activation))) =
            stage.send(Command::Attach(attach.clone()))
        else {
            panic!()
        };
        let State::Waiting(line) = &activation.state else { panic!("{:?}", activation.state) };
        assert_eq!((line.number.clone(), line.provider_ref.as_str()), (attach.number, "r1"));
        assert_eq!((line.attached_at, line.expires_at), (stage.now, stage.now.plus(WINDOW)));
        assert_eq!(stage.balance(account), (PRICE.micros(), PRICE.micros()), "held, not spent");
        assert_eq!(stage.write(move |tx| activation_get(tx, id)).unwrap().as_ref(), Some(&*activation));
        let window = WINDOW.as_micros() + 3_000_000;
        assert_eq!(stage.list(LEASES), [format!("{} r1 +447700900001 tg {window} open", id.get())]);
        assert_eq!(stage.events(), ["activation.created"]);
        assert_eq!(
            stage.jobs(),
            [format!("activation_watch {} 1203", id.get())],
            "watched until the window ends"
        );
    });
}

#[test]
fn attaching_again_answers_the_same_and_writes_nothing() {
    staged(|stage| {
        let account = stage.person_with(PRICE.micros());
        let id = stage.rented(account, "r1", "447700900001");
        let before = stage.list(LEASES);
        stage.pass(Span::minutes(1));
        let again = stage.attach(id, "r1", "447700900001");
        let Ok(Answer::Attached(Attached::Attached(activation))) = stage.send(Command::Attach(again)) else {
            panic!()
        };
        let line = activation.state.line().unwrap();
        assert_eq!(
            line.expires_at,
            stage.now.minus(Span::minutes(1)).plus(WINDOW),
            "the window is the first one"
        );
        assert_eq!(stage.list(LEASES), before);
        assert_eq!(stage.events(), ["activation.created"]);
        assert_eq!(stage.jobs().len(), 1);
    });
}

#[test]
fn a_second_number_is_refused_in_every_state() {
    staged(|stage| {
        let account = stage.person_with(5 * PRICE.micros());
        let waiting = stage.rented(account, "r1", "447700900001");
        let answered = stage.rented(account, "r2", "447700900002");
        let canceled = stage.rented(account, "r3", "447700900003");
        let finished = stage.rented(account, "r4", "447700900004");
        let failed = stage.reserved(account);
        for reference in ["r2", "r4"] {
            let message = stage.by_reference(reference, reference);
            stage.receive(message);
        }
        stage.close(canceled, Closing::Cancel(account));
        stage.close(finished, Closing::Finish(account));
        stage.close(failed, Closing::Fail);
        let expected = [
            (waiting, Status::Waiting),
            (answered, Status::Received),
            (canceled, Status::Canceled),
            (finished, Status::Finished),
            (failed, Status::Failed),
        ];
        for (id, status) in expected {
            let other = stage.attach(id, "another", "447700900009");
            assert_eq!(refused(stage, other), status);
        }
        assert_eq!(stage.list(LEASES).len(), 4);
        // The same number again is no second number, even when all is over.
        let again = stage.attach(canceled, "r3", "447700900003");
        attached(stage.send(Command::Attach(again)));
        assert_eq!(stage.status(canceled), "canceled");
    });
}

/// What a lease says, but for whose it is and its reference.
const RIGHTS: &str = "SELECT CAST(brand_id AS TEXT) || ' ' || CAST(account_id AS TEXT) || ' ' || provider || ' ' || number || ' ' || service || ' ' || CAST(from_at AS TEXT) || ' ' || CAST(to_at AS TEXT) || ' ' || COALESCE(CAST(closed_at AS TEXT), 'open') FROM leases ORDER BY activation_id";

/// Whoever held a purchase tells it as it was then, and others do not know it: what comes of it is the same.
#[test]
fn a_purchase_that_is_told_and_one_that_is_read_become_the_same() {
    staged(|stage| {
        let account = stage.person_with(2 * PRICE.micros());
        let (told, read) = (stage.reserved(account), stage.reserved(account));
        stage.pass(Span::seconds(3));
        let ours = stage.attach(told, "r1", "447700900001");
        assert_eq!(ours.held.as_ref().map(|held| held.id), Some(told));
        let theirs = Attach { held: None, ..stage.attach(read, "r2", "447700900001") };
        for attach in [ours, theirs] {
            let id = attach.activation;
            let Ok(Answer::Attached(Attached::Attached(answer))) = stage.send(Command::Attach(attach)) else {
                panic!()
            };
            let kept = stage.write(move |tx| activation_get(tx, id)).unwrap();
            assert_eq!(kept.as_ref(), Some(&*answer), "what its buyer is told is its row");
        }
        let rights = stage.list(RIGHTS);
        assert_eq!((rights.len(), rights.first()), (2, rights.last()));
        let owner = account.get().to_string();
        assert_eq!(stage.list("SELECT CAST(account_id AS TEXT) FROM events"), [owner.clone(), owner]);
    });
}

/// Whatever is told: another purchase is not this one, and one that has no number yet is as it began.
#[test]
fn what_is_told_wrongly_of_a_purchase_changes_nothing() {
    staged(|stage| {
        let account = stage.person_with(3 * PRICE.micros());
        let [first, second, other] = [(); 3].map(|()| stage.reserved(account));
        let others = stage.attach(other, "r0", "447700900000").held;
        let attach = Attach { held: others, ..stage.attach(first, "r1", "447700900001") };
        attached(stage.send(Command::Attach(attach)));
        assert_eq!(
            (stage.status(first), stage.status(other)),
            ("waiting".to_owned(), "reserving".to_owned())
        );
        let mut attach = stage.attach(second, "r2", "447700900002");
        let now = stage.now;
        if let Some(held) = &mut attach.held {
            held.state = State::Failed(now);
        }
        attached(stage.send(Command::Attach(attach)));
        assert_eq!((stage.status(second), stage.list(LEASES).len()), ("waiting".to_owned(), 2));
    });
}

/// What is told of a purchase counts only as long as it has no number. In one commit: one whose buyer's money went back
/// meanwhile, one that has its number, one that is as it was held, and one that nobody held.
#[test]
fn what_a_purchase_became_meanwhile_counts_and_not_what_is_told_of_it() {
    staged(|stage| {
        let account = stage.person_with(5 * PRICE.micros());
        let [failed, rented, first, second, unheld] = [(); 5].map(|()| stage.reserved(account));
        stage.close(failed, Closing::GiveUp);
        let number = stage.attach(rented, "r1", "447700900001");
        attached(stage.send(Command::Attach(number)));
        for (told, read) in [(vec![], vec![]), (vec![first], vec![]), (vec![second], vec![unheld])] {
            let name = |id: ActivationId| format!("again {}", id.get());
            let mut commands = Vec::new();
            for id in [failed, rented].iter().chain(&told) {
                commands.push(Command::Attach(stage.attach(*id, &name(*id), "447700900009")));
            }
            for id in &read {
                let attach = stage.attach(*id, &name(*id), "447700900004");
                commands.push(Command::Attach(Attach { held: None, ..attach }));
            }
            let answers: Vec<String> = stage.batch(commands).into_iter().map(became).collect();
            let (now, then) = (["failed".to_owned(), "waiting".to_owned()], told.iter().chain(&read));
            let expected = now.into_iter().chain(then.map(|id| format!("attached {}", id.get())));
            assert_eq!(answers, expected.collect::<Vec<_>>());
        }
        assert_eq!((stage.status(failed), stage.status(rented)), ("failed".to_owned(), "waiting".to_owned()));
        let held = 4 * PRICE.micros();
        assert_eq!(stage.balance(account), (5 * PRICE.micros(), held), "held once for each number");
        assert_eq!(stage.list(LEASES).len(), 4);
    });
}

fn became(answer: Result<Answer, StoreError>) -> String {
    match answer {
        Ok(Answer::Attached(Attached::Refused(status))) => status.as_str().to_owned(),
        Ok(Answer::Attached(Attached::Attached(activation))) => format!("attached {}", activation.id.get()),
        other => panic!("{other:?}"),
    }
}

/// A provider that names two purchases alike: the second one is refused by the database, and stays as it was.
#[test]
fn a_reference_is_one_purchases() {
    staged(|stage| {
        let account = stage.person_with(2 * PRICE.micros());
        stage.rented(account, "r1", "447700900001");
        let id = stage.reserved(account);
        let twice = stage.attach(id, "r1", "447700900002");
        let answer = stage.send(Command::Attach(twice));
        assert!(matches!(answer, Err(StoreError::Conflict(_))), "{answer:?}");
        assert_eq!(stage.status(id), "reserving");
        assert_eq!(stage.events(), ["activation.created"]);
        stage.close(id, Closing::Fail);
        assert_eq!(stage.balance(account), (2 * PRICE.micros(), PRICE.micros()));
    });
}

#[test]
fn a_purchase_that_does_not_exist_is_corrupt() {
    staged(|stage| {
        let attach = stage.attach(ActivationId::new(404), "r1", "447700900001");
        let answer = stage.send(Command::Attach(attach));
        assert!(matches!(answer, Err(StoreError::Corrupt { table: "activations", .. })), "{answer:?}");
    });
}

/// Newest first, only the states that were asked for, with how many there are.
#[test]
fn purchases_are_paged_by_state() {
    staged(|stage| {
        let account = stage.person_with(5 * PRICE.micros());
        let stranger = stage.person_with(PRICE.micros());
        stage.rented(stranger, "r0", "447700900000");
        let mut ids = Vec::new();
        for name in ["r1", "r2", "r3", "r4"] {
            stage.pass(Span::seconds(1));
            ids.push(stage.rented(account, name, "447700900001"));
        }
        let failed = stage.reserved(account);
        stage.close(failed, Closing::Fail);
        let canceled = *ids.get(1).unwrap();
        stage.close(canceled, Closing::Cancel(account));
        ids.reverse();

        let mut page = |statuses: &'static [Status], at| {
            let (page, total) = stage.write(move |tx| activations_page(tx, account, statuses, at)).unwrap();
            (page.into_iter().map(|activation| activation.id).collect::<Vec<_>>(), total)
        };
        assert_eq!(page(&Status::PUBLIC, (10, 0)), (ids.clone(), 4));
        assert_eq!(page(&Status::PUBLIC, (3, 2)), (ids.split_off(2), 4));
        assert_eq!(page(&Status::PUBLIC, (3, 4)), (vec![], 4));
        assert_eq!(page(&[Status::Canceled], (3, 0)), (vec![canceled], 1));
        assert_eq!(page(&[], (3, 0)), (vec![], 0));
        assert_eq!(page(&Status::ALL, (1, 0)), (vec![failed], 5));
    });
}
