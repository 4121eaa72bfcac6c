//! Many pieces of work, one commit: they see each other, a piece that the database refuses is undone alone, and
//! whoever waits is told after the commit.

use crate::store_stage::{PRICE, Stage, attached, closed, done, held, hot, staged};
use numberotp_core::id::{AccountId, ActivationId};
use numberotp_core::job::JobKind;
use numberotp_core::ledger::Purse;
use numberotp_core::time::Time;
use numberotp_server::store::account::account_rename;
use numberotp_server::store::hot::{Answer, Attach, Close, Closed, Closing, Command, Receive, Received};
use numberotp_server::store::job::job_create;
use numberotp_server::store::ledger::{purses_change, purses_get};
use numberotp_server::store::setting::setting_fix;
use numberotp_server::store::{StoreError, cold};

/// A life of a purchase as commands: the purchase will be this one.
fn life(stage: &Stage<'_>, account: AccountId, id: ActivationId) -> Vec<Command> {
    let name = format!("r{}", id.get());
    let (now, digits) = (stage.now, format!("4477009{:05}", id.get()));
    vec![
        Command::Reserve(stage.reserve(account)),
        Command::Attach(stage.attach(id, &name, &digits)),
        Command::Receive(stage.by_reference(&name, &name)),
        Command::Close(Close { activation: id, closing: Closing::Finish(account), now }),
    ]
}

#[test]
fn commands_of_one_batch_see_each_other() {
    staged(|stage| {
        let account = stage.person_with(10 * PRICE.micros());
        let batch = (1..=10).flat_map(|id| life(stage, account, ActivationId::new(id))).collect();
        let answers = stage.batch(batch);
        for (n, answer) in answers.into_iter().enumerate() {
            match (n % 4, answer) {
                (0, answer) => drop(held(answer)),
                (1, answer) => attached(answer),
                (2, answer) => assert_eq!(crate::store_stage::received(answer), Received::Matched),
                (_, answer) => done(&closed(answer)),
            }
        }
        assert_eq!(stage.list("SELECT status FROM activations WHERE status = 'finished'").len(), 10);
        assert_eq!(stage.balance(account), (0, 0));
    });
}

#[test]
fn what_an_earlier_command_spent_a_later_one_does_not_have() {
    staged(|stage| {
        let account = stage.person_with(PRICE.micros());
        let reserve = Command::Reserve(stage.reserve(account));
        let id = ActivationId::new(1);
        let attach = Command::Attach(stage.attach(id, "r1", "447700900001"));
        let cancel =
            Command::Close(Close { activation: id, closing: Closing::Cancel(account), now: stage.now });
        let answers = stage.batch(vec![reserve.clone(), reserve.clone(), attach, cancel, reserve]);
        let told: Vec<String> = answers
            .into_iter()
            .map(|answer| format!("{:?}", answer.unwrap()).chars().take_while(|c| *c != ',').collect())
            .collect();
        let starts = [
            "Reserved(Held(Activation { id: ActivationId(1)",
            "Reserved(Short)",
            "Attached(Attached(Activation { id: ActivationId(1)",
        ];
        assert_eq!(told.get(..3).unwrap(), starts);
        assert!(
            told.last().unwrap().starts_with("Reserved(Held(Activation { "),
            "the refund can be spent: {told:?}"
        );
        assert_eq!(stage.balance(account), (PRICE.micros(), PRICE.micros()));
    });
}

/// A reference that is another purchase's, and a purchase that does not exist: both are refused by the database or
/// by what it holds, and everybody else in the batch has what they came for.
#[test]
fn a_refused_command_does_not_hurt_its_neighbours() {
    staged(|stage| {
        let account = stage.person_with(4 * PRICE.micros());
        stage.rented(account, "taken", "447700900001");
        let (one, two) = (stage.reserved(account), stage.reserved(account));
        let now = stage.now;
        let batch = vec![
            Command::Receive(stage.by_reference("m1", "taken")),
            Command::Attach(stage.attach(one, "taken", "447700900002")),
            Command::Attach(stage.attach(ActivationId::new(404), "r404", "447700900003")),
            Command::Attach(stage.attach(two, "r3", "447700900003")),
            Command::Reserve(stage.reserve(account)),
            Command::Receive(stage.by_number("m2", "447700900003")),
            Command::Close(Close { activation: one, closing: Closing::Fail, now }),
        ];
        let mut answers = stage.batch(batch).into_iter();
        assert_eq!(crate::store_stage::received(answers.next().unwrap()), Received::Matched);
        assert!(matches!(answers.next(), Some(Err(StoreError::Conflict(_)))));
        assert!(matches!(answers.next(), Some(Err(StoreError::Corrupt { table: "activations", .. }))));
        attached(answers.next().unwrap());
        held(answers.next().unwrap());
        assert_eq!(crate::store_stage::received(answers.next().unwrap()), Received::Matched);
        done(&closed(answers.next().unwrap()));
        assert_eq!(stage.messages(), ["1 delivered", "3 delivered"]);
        assert_eq!(stage.balance(account), (2 * PRICE.micros(), PRICE.micros()));
    });
}

#[test]
fn a_closure_that_fails_is_undone_alone() {
    staged(|stage| {
        let account = stage.person_with(2 * PRICE.micros());
        let (reserve, mut reserved) = hot(Command::Reserve(stage.reserve(account)));
        let (later, mut later_reserved) = hot(Command::Reserve(stage.reserve(account)));
        let (good, mut named) = cold(move |tx| account_rename(tx, account, "before").map(drop));
        let gift = stage.change(account, Purse::Gift, 1_000);
        let (bad, mut refused) = cold(move |tx| {
            account_rename(tx, account, "within")?;
            purses_change(tx, gift)?.unwrap();
            setting_fix(tx, "made by the failed one", "x")?;
            Err::<(), _>(StoreError::Driver("on purpose".to_owned()))
        });
        let (conflict, mut collides) = cold(move |tx| {
            setting_fix(tx, "made by the colliding one", "x")?;
            let at = Time::from_micros(1);
            job_create(tx, JobKind::MessagePurge, 1, at)?;
            job_create(tx, JobKind::MessagePurge, 1, at)
        });
        let (purse, mut seen) = cold(move |tx| purses_get(tx, account));
        stage.run(vec![reserve, good, bad, conflict, purse, later]);

        held(reserved.try_recv().unwrap());
        assert!(named.try_recv().unwrap().is_ok());
        assert!(matches!(refused.try_recv().unwrap(), Err(StoreError::Driver(told)) if told == "on purpose"));
        assert!(matches!(collides.try_recv().unwrap(), Err(StoreError::Conflict(_))));
        let seen = seen.try_recv().unwrap().unwrap().unwrap();
        assert_eq!(
            (seen.balance.held, seen.gift.posted),
            (PRICE.micros(), 0),
            "a closure sees the commands before it"
        );
        held(later_reserved.try_recv().unwrap());
        assert_eq!(stage.list("SELECT name FROM accounts"), ["before"]);
        assert_eq!(stage.list("SELECT name FROM settings"), [""; 0]);
        assert_eq!(stage.jobs().len(), 2, "the watches of the two purchases and no purge");
    });
}

/// Numbers taken inside a piece that was undone are not lost track of: the next ones are fresh.
#[test]
fn numbers_stay_unique_when_pieces_are_undone() {
    staged(|stage| {
        let account = stage.person_with(1_000 * PRICE.micros());
        for round in 0..40 {
            let (bad, mut refused) = cold(move |tx| {
                for n in 0..40 {
                    job_create(tx, JobKind::SandboxSms, round * 1_000 + n, Time::from_micros(1))?;
                }
                Err::<(), _>(StoreError::Driver("on purpose".to_owned()))
            });
            let (good, mut made) = cold(move |tx| {
                let at = Time::from_micros(1);
                job_create(tx, JobKind::MessagePurge, round, at)
            });
            let (reserve, mut answer) = hot(Command::Reserve(stage.reserve(account)));
            let wrong = stage.attach(ActivationId::new(40_404), "x", "447700900001");
            let (wrong, mut missing) = hot(Command::Attach(wrong));
            stage.run(vec![bad, good, wrong, reserve]);
            assert!(refused.try_recv().unwrap().is_err());
            made.try_recv().unwrap().unwrap();
            assert!(missing.try_recv().unwrap().is_err());
            held(answer.try_recv().unwrap());
        }
        assert_eq!(stage.list("SELECT kind FROM jobs WHERE kind = 'message_purge'").len(), 40);
        assert_eq!(stage.list("SELECT status FROM activations").len(), 40);
        stage.tamper("DELETE FROM jobs WHERE kind = 'message_purge'");
    });
}

/// What one batch answers, one after the other answer too.
#[test]
fn a_batch_of_everything_is_the_same_as_its_pieces() {
    let told = |stage: &mut Stage<'_>, batches: Vec<Vec<Command>>| {
        let answers: Vec<_> = batches.into_iter().flat_map(|batch| stage.batch(batch)).collect();
        format!("{answers:#?}")
    };
    let commands = |stage: &mut Stage<'_>| {
        let account = stage.person_with(3 * PRICE.micros());
        let lives = (1..=3).flat_map(|id| life(stage, account, ActivationId::new(id)));
        lives.chain([Command::Reserve(stage.reserve(account))]).collect::<Vec<_>>()
    };
    let together = std::cell::RefCell::new(Vec::new());
    staged(|stage| {
        let commands = commands(stage);
        let told = told(stage, vec![commands]);
        together.borrow_mut().push(told);
    });
    staged(|stage| {
        let commands = commands(stage);
        let told = told(stage, commands.into_iter().map(|command| vec![command]).collect());
        assert!(together.borrow().iter().all(|other| *other == told));
    });
}

/// Everything an attacker can choose in words, in one message: stored and told as any other.
#[test]
fn strange_words_are_words() {
    staged(|stage| {
        let account = stage.person_with(2 * PRICE.micros());
        let strange = "r'); DROP TABLE messages; -- \"{}\\ $1 ?1 ü😀\u{202e}\n";
        let id = stage.reserved(account);
        let attach = Attach { provider_ref: strange.to_owned(), ..stage.attach(id, "", "447700900001") };
        attached(stage.send(Command::Attach(attach)));
        let message = Receive { dedupe_key: vec![0, 255, 39, 0], ..stage.by_reference("", strange) };
        for _ in 0..2 {
            assert_eq!(stage.receive(message.clone()), Received::Matched);
        }
        let empty = stage.by_reference("", "");
        assert_eq!(stage.receive(empty), Received::Unmatched);
        assert_eq!(stage.messages(), ["1 delivered", "- parked"]);
        let now = stage.now;
        let answer =
            stage.send(Command::Close(Close { activation: id, closing: Closing::Finish(account), now }));
        assert!(matches!(answer, Ok(Answer::Closed(Closed::Done(..)))));
    });
}
