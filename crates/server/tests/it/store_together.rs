//! The two halves of purchases in one batch, as servers beside each other write them: each is what it would be alone, and what one
//! half waits for does not keep the other back for long.

use crate::store_lines::{BOUGHT, hanging_up, losing_once};
use crate::store_stage::{PRICE, Stage, attached, connection, held, hot, staged, who_wait};
use numberotp_core::id::{AccountId, ActivationId};
use numberotp_server::store::StoreError;
use numberotp_server::store::db::Engine;
use numberotp_server::store::hot::{Answer, Attach, Claim, Command, Received, Reserve, Reserved};

/// Whoever held a purchase tells it to whoever attaches its number, or does not, as after a restart.
fn attach(stage: &Stage<'_>, told: bool, id: ActivationId, reference: &str, digits: &str) -> Command {
    let attach = stage.attach(id, reference, digits);
    Command::Attach(Attach { held: attach.held.filter(|_| told), ..attach })
}

fn claimed(reserve: Reserve) -> Reserve {
    let claim = Claim { scope: "POST /rent".to_owned(), key: "k".to_owned(), fingerprint: vec![1] };
    Reserve { claim: Some(claim), ..reserve }
}

#[test]
fn halves_of_several_purchases_in_one_batch_are_each_as_alone() {
    for (keyed, message, told) in [
        (false, false, true),
        (true, false, true),
        (false, true, true),
        (true, true, true),
        (false, true, false),
    ] {
        staged(|stage| {
            let [seller, buyer, poor] =
                [2, 2, 0].map(|prices| stage.person_with(prices * PRICE.micros() + 1));
            let (one, two) = (stage.reserved(seller), stage.reserved(seller));
            if message {
                let early = stage.by_reference("early", "r1");
                assert_eq!(stage.receive(early), Received::Unmatched);
            }
            let plain = stage.reserve(buyer);
            let first = if keyed { claimed(plain) } else { plain };
            let repeated = first.clone();
            let batch = vec![
                Command::Reserve(first),
                attach(stage, told, one, "r1", "447700900001"),
                Command::Reserve(stage.reserve(poor)),
                attach(stage, told, two, "r2", "447700900002"),
                Command::Reserve(repeated),
            ];
            let mut answers = stage.batch(batch).into_iter();
            let mut next = || answers.next().unwrap();
            let bought = held(next());
            attached(next());
            assert!(matches!(next(), Ok(Answer::Reserved(Reserved::Short))));
            attached(next());
            match (keyed, next()) {
                (true, Ok(Answer::Reserved(Reserved::Repeated(_)))) => {}
                (false, answer) => assert_ne!(held(answer), bought),
                (_, other) => panic!("{other:?}"),
            }
            let holds = if keyed { 1 } else { 2 };
            assert_eq!(stage.balance(buyer), (2 * PRICE.micros() + 1, holds * PRICE.micros()));
            let charged = i64::from(message);
            let (posted, still_held) = ((2 - charged) * PRICE.micros() + 1, (2 - charged) * PRICE.micros());
            assert_eq!(stage.balance(seller), (posted, still_held), "a message that was there is paid for");
        });
    }
}

#[test]
fn a_number_that_is_refused_hurts_no_price_that_is_held_beside_it() {
    staged(|stage| {
        let (seller, buyer) = (stage.person_with(2 * PRICE.micros()), stage.person_with(PRICE.micros()));
        stage.rented(seller, "r1", "447700900001");
        let two = stage.reserved(seller);
        let reserve = Command::Reserve(stage.reserve(buyer));
        // Somebody else's reference.
        let batch = vec![reserve, attach(stage, true, two, "r1", "447700900002")];
        let mut answers = stage.batch(batch).into_iter();
        held(answers.next().unwrap());
        assert!(matches!(answers.next().unwrap(), Err(StoreError::Conflict(_))));
        assert_eq!(stage.balance(buyer), (PRICE.micros(), PRICE.micros()));
    });
}

/// It takes the four seconds for which a writer waits for a lock.
#[test]
fn a_number_in_a_batch_that_waits_for_a_purse_in_vain_is_attached_before_the_batch_is_tried_again() {
    staged(|stage| {
        let Engine::Postgres(_) = stage.database().engine() else { return };
        let (seller, buyer) = (stage.person_with(PRICE.micros()), stage.person_with(PRICE.micros()));
        let bought = stage.reserved(seller);
        let text = "SELECT account_id FROM purses WHERE account_id = $1 LOCKED";
        let mut holder = stage.holder(text, &[buyer.get().into()]);
        let (reserve, buys) = hot(Command::Reserve(stage.reserve(buyer)));
        let (attach, attaches) = hot(attach(stage, true, bought, "r1", "447700900001"));
        let mut writer = stage.another_writer();
        std::thread::scope(|scope| {
            scope.spawn(move || writer.run(vec![reserve, attach], None::<()>));
            attached(attaches.blocking_recv().unwrap());
            holder.script("COMMIT").unwrap();
            held(buys.blocking_recv().unwrap());
        });
    });
}

/// Otherwise two servers whose blocks end in the same moment could wait for each other.
#[test]
fn numbers_of_purchases_are_taken_before_those_of_other_rows() {
    staged(|stage| {
        let Engine::Postgres(_) = stage.database().engine() else { return };
        let account = stage.person_with(2 * PRICE.micros());
        let bought = stage.reserved(account);
        let text = "SELECT name FROM sequences WHERE name = 'purchase' LOCKED";
        let mut holder = stage.holder(text, &[]);
        let (attach, attaches) = hot(attach(stage, true, bought, "r1", "447700900001"));
        let (reserve, buys) = hot(Command::Reserve(stage.reserve(account)));
        let mut writer = stage.another_writer();
        std::thread::scope(|scope| {
            let writes = scope.spawn(move || writer.run(vec![attach, reserve], None::<()>));
            let mut onlooker = connection(stage.database());
            while !writes.is_finished() && who_wait(&mut onlooker) == 0 {
                std::thread::yield_now();
            }
            assert!(!writes.is_finished(), "it needs numbers of purchases");
            onlooker.begin().unwrap();
            onlooker.script("SELECT name FROM sequences WHERE name = 'row' FOR UPDATE NOWAIT").unwrap();
            onlooker.script("COMMIT").unwrap();
            holder.script("COMMIT").unwrap();
            attached(attaches.blocking_recv().unwrap());
            held(buys.blocking_recv().unwrap());
        });
    });
}

/// A price that is held and a number that is attached, in one batch.
fn both_halves(
    stage: &mut Stage<'_>,
    account: AccountId,
    bought: ActivationId,
) -> Vec<Result<Answer, StoreError>> {
    let reserve = Command::Reserve(stage.reserve(account));
    let attach =
        attach(stage, true, bought, &format!("r{}", bought.get()), &format!("4477009{:05}", bought.get()));
    stage.batch(vec![reserve, attach])
}

/// The number goes first then, by itself.
#[test]
fn a_batch_of_both_halves_that_loses_holds_its_price_and_attaches_its_number_once() {
    staged(|stage| {
        let Engine::Postgres(_) = stage.database().engine() else { return };
        let account = stage.person_with(4 * PRICE.micros());
        for (bought, when) in [("2 2 2 1", "NOT DEFERRABLE"), ("4 4 4 2", "DEFERRABLE INITIALLY DEFERRED")] {
            stage.tamper("DROP TRIGGER IF EXISTS losing_once ON activations");
            let waiting = stage.reserved(account);
            losing_once(stage, when);
            let mut answers = both_halves(stage, account, waiting).into_iter();
            held(answers.next().unwrap());
            attached(answers.next().unwrap());
            assert_eq!(stage.list("SELECT CAST(last_value AS TEXT) FROM tries"), ["2"], "{when}");
            let leases = stage.list("SELECT CAST(COUNT(*) AS TEXT) FROM leases").remove(0);
            assert_eq!(format!("{} {leases}", stage.list(BOUGHT).remove(0)), bought, "{when}");
        }
    });
}

/// Nobody knows what became of it, so not even the number is attached by itself.
#[test]
fn a_batch_of_both_halves_whose_line_breaks_with_its_commit_under_way_is_not_tried_again() {
    staged(|stage| {
        let Engine::Postgres(_) = stage.database().engine() else { return };
        let account = stage.person_with(2 * PRICE.micros());
        let waiting = stage.reserved(account);
        for (tries, when) in [("1", "NOT DEFERRABLE"), ("2", "DEFERRABLE INITIALLY DEFERRED")] {
            hanging_up(stage, "activations", when);
            for answer in both_halves(stage, account, waiting) {
                assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{when}: {answer:?}");
            }
            assert_eq!(stage.list("SELECT CAST(last_value AS TEXT) FROM tries"), [tries], "{when}");
            assert_eq!(stage.list("SELECT CAST(COUNT(*) AS TEXT) FROM leases"), ["0"], "{when}");
        }
        stage.tamper("DROP TRIGGER hanging_up ON activations");
        for answer in both_halves(stage, account, waiting) {
            assert!(answer.is_ok(), "{answer:?}");
        }
        assert_eq!(stage.list(BOUGHT), ["2 2 2"]);
    });
}
