//! A purchase repeated under its key is made once: whoever repeats it is told what became of the first one. A key
//! of another request is refused, a failed purchase frees its key, and a key ends after a day.

use crate::store_stage::{PRICE, Stage, attached, hot, staged};
use numberotp_core::id::{AccountId, ActivationId};
use numberotp_core::time::Span;
use numberotp_server::store::StoreError;
use numberotp_server::store::hot::{Answer, Claim, Close, Closing, Command, Repeated, Reserve, Reserved};
use numberotp_server::store::idempotency::{KEY_LIFE, key_look, keys_purge};
use std::sync::Arc;

fn claim(key: &str, fingerprint: &[u8]) -> Claim {
    Claim { scope: "POST /rent".to_owned(), key: key.to_owned(), fingerprint: fingerprint.to_vec() }
}

fn under(stage: &Stage<'_>, account: AccountId, claim: Claim) -> Reserve {
    Reserve { claim: Some(claim), ..stage.reserve(account) }
}

/// What an answer says, in few words.
fn told(answer: Result<Answer, StoreError>) -> String {
    match answer {
        Ok(Answer::Reserved(Reserved::Held(held, _))) => format!("held {}", held.id.get()),
        Ok(Answer::Reserved(Reserved::Repeated(repeated))) => said(repeated),
        Ok(Answer::Reserved(Reserved::Short)) => "short".to_owned(),
        other => panic!("{other:?}"),
    }
}

fn said(repeated: Repeated) -> String {
    match repeated {
        Repeated::Settled(activation, balance, credits) => {
            format!("settled {} {} {}", activation.id.get(), balance.micros(), credits.count())
        }
        Repeated::InFlight(id) => format!("in flight {}", id.get()),
        Repeated::OtherRequest => "another request".to_owned(),
    }
}

fn send(stage: &mut Stage<'_>, account: AccountId, claim: Claim) -> String {
    let command = under(stage, account, claim);
    told(stage.send(Command::Reserve(command)))
}

fn look(stage: &mut Stage<'_>, account: AccountId, claim: Claim) -> Option<String> {
    let now = stage.now;
    stage.write(move |tx| key_look(tx, account, &claim, now)).unwrap().map(said)
}

fn attach(stage: &mut Stage<'_>, id: i64) {
    let (name, digits) = (format!("r{id}"), format!("4477009{id:05}"));
    let attach = stage.attach(ActivationId::new(id), &name, &digits);
    attached(stage.send(Command::Attach(attach)));
}

#[test]
fn a_repeat_is_told_what_became_of_the_first() {
    staged(|stage| {
        let account = stage.person_with(3 * PRICE.micros());
        let key = || claim("k", b"request");
        assert_eq!(look(stage, account, key()), None);
        assert_eq!(send(stage, account, key()), "held 1");
        assert_eq!(send(stage, account, key()), "in flight 1");
        assert_eq!(look(stage, account, key()).unwrap(), "in flight 1");
        attach(stage, 1);
        // The balance is the one that the first answer told, whatever was bought since.
        stage.reserved(account);
        assert_eq!(send(stage, account, key()), "settled 1 100000 0");
        stage.close(ActivationId::new(1), Closing::Cancel(account));
        assert_eq!(send(stage, account, key()), "settled 1 100000 0");
        assert_eq!(look(stage, account, key()).unwrap(), "settled 1 100000 0");
        assert_eq!(stage.balance(account), (3 * PRICE.micros(), PRICE.micros()));
        stage.close(ActivationId::new(2), Closing::Fail);
    });
}

#[test]
fn a_key_of_another_request_is_refused_in_every_state() {
    staged(|stage| {
        let account = stage.person_with(2 * PRICE.micros());
        assert_eq!(send(stage, account, claim("k", b"request")), "held 1");
        assert_eq!(send(stage, account, claim("k", b"other")), "another request");
        attach(stage, 1);
        assert_eq!(send(stage, account, claim("k", b"other")), "another request");
        assert_eq!(look(stage, account, claim("k", b"other")).unwrap(), "another request");
        assert_eq!(stage.balance(account), (2 * PRICE.micros(), PRICE.micros()));
    });
}

#[test]
fn keys_of_other_accounts_and_other_doors_are_other_keys() {
    staged(|stage| {
        let (ann, bob) = (stage.person_with(2 * PRICE.micros()), stage.person_with(PRICE.micros()));
        assert_eq!(send(stage, ann, claim("k", b"request")), "held 1");
        assert_eq!(send(stage, bob, claim("k", b"request")), "held 2");
        let elsewhere = Claim { scope: "POST /other".to_owned(), ..claim("k", b"request") };
        assert_eq!(send(stage, ann, elsewhere), "held 3");
        // Names that read alike when put together.
        let one = Claim { scope: "a b".to_owned(), ..claim("c", b"request") };
        let two = Claim { scope: "a".to_owned(), ..claim("b c", b"request") };
        for claim in [one, two] {
            assert_eq!(look(stage, ann, claim), None);
        }
        for id in 1..=3 {
            stage.close(ActivationId::new(id), Closing::Fail);
        }
    });
}

#[test]
fn what_moved_no_money_leaves_the_key_free() {
    staged(|stage| {
        let account = stage.person_with(PRICE.micros());
        let key = || claim("k", b"request");
        let other = stage.reserved(account);
        assert_eq!(send(stage, account, key()), "short");
        assert_eq!(look(stage, account, key()), None);
        stage.close(other, Closing::Fail);
        assert_eq!(send(stage, account, key()), "held 2");
        stage.close(ActivationId::new(2), Closing::Fail);
        assert_eq!(look(stage, account, key()), None);
        assert_eq!(send(stage, account, key()), "held 3");
        assert_eq!(send(stage, account, key()), "in flight 3");
        assert_eq!(stage.list("SELECT key FROM idempotency_keys"), ["k"]);
    });
}

#[test]
fn a_key_ends_after_a_day() {
    staged(|stage| {
        let account = stage.person_with(2 * PRICE.micros());
        let key = || claim("k", b"request");
        assert_eq!(send(stage, account, key()), "held 1");
        stage.close(ActivationId::new(1), Closing::Fail);
        assert_eq!(send(stage, account, key()), "held 2");
        attach(stage, 2);
        stage.close(ActivationId::new(2), Closing::Cancel(account));
        stage.pass(KEY_LIFE);
        stage.now = stage.now.minus(Span::micros(1));
        assert_eq!(send(stage, account, key()), "settled 2 50000 0");
        let now = stage.now;
        assert_eq!(stage.write(move |tx| keys_purge(tx, now)).unwrap(), 0);
        stage.pass(Span::micros(1));
        assert_eq!(look(stage, account, key()), None);
        assert_eq!(send(stage, account, key()), "held 3", "it may be used anew, also for something else");
        assert_eq!(send(stage, account, claim("k", b"other")), "another request");
        let now = stage.now;
        assert_eq!(stage.write(move |tx| keys_purge(tx, now)).unwrap(), 0, "it is a young key again");
        stage.pass(KEY_LIFE);
        let now = stage.now;
        assert_eq!(stage.write(move |tx| keys_purge(tx, now)).unwrap(), 1);
        stage.close(ActivationId::new(3), Closing::Fail);
    });
}

#[test]
fn repeats_in_one_batch_are_made_once() {
    staged(|stage| {
        let account = stage.person_with(5 * PRICE.micros());
        let now = stage.now;
        let reserve =
            |key, fingerprint: &[u8]| Command::Reserve(under(stage, account, claim(key, fingerprint)));
        let fail = Command::Close(Close { activation: ActivationId::new(1), closing: Closing::Fail, now });
        let batch = vec![
            reserve("k", b"request"),
            reserve("k", b"request"),
            reserve("k", b"other"),
            reserve("l", b"request"),
            fail,
            reserve("k", b"other"),
            reserve("k", b"request"),
            reserve("k", b"request"),
            reserve("l", b"request"),
        ];
        let answers = stage.batch(batch).into_iter().enumerate();
        let answers: Vec<String> = answers.filter(|(n, _)| *n != 4).map(|(_, answer)| told(answer)).collect();
        let expected = [
            "held 1",
            "in flight 1",
            "another request",
            "held 2",
            "another request",
            "held 3",
            "in flight 3",
            "in flight 2",
        ];
        assert_eq!(answers, expected);
        assert_eq!(stage.list("SELECT key FROM idempotency_keys ORDER BY key"), ["k", "l"]);
        assert_eq!(stage.balance(account), (5 * PRICE.micros(), 2 * PRICE.micros()));
    });
}

#[test]
fn a_hundred_repeats_at_once_are_made_once() {
    staged(|stage| {
        let account = stage.person_with(100 * PRICE.micros());
        let command = under(stage, account, claim("k", b"request"));
        let answers = stage.with_store(async |store| {
            let tasks: Vec<_> = (0..100)
                .map(|_| {
                    let (store, command) = (Arc::clone(&store), command.clone());
                    tokio::spawn(async move { store.reserve(command).await.map(Answer::Reserved) })
                })
                .collect();
            let mut answers = Vec::new();
            for task in tasks {
                answers.push(told(task.await.unwrap()));
            }
            answers.sort();
            answers
        });
        assert_eq!(answers.first().unwrap(), "held 1");
        assert!(answers.iter().skip(1).all(|answer| answer == "in flight 1"), "{answers:?}");
        assert_eq!(stage.balance(account), (100 * PRICE.micros(), PRICE.micros()));
    });
}

#[test]
fn a_repeat_waits_for_the_first_that_is_not_committed() {
    staged(|stage| {
        let account = stage.person_with(2 * PRICE.micros());
        let command = Command::Reserve(under(stage, account, claim("k", b"request")));
        let ((first, mut one), (second, mut two)) = (hot(command.clone()), hot(command));
        stage.race(vec![first], vec![second]);
        assert_eq!(told(one.try_recv().unwrap()), "held 1");
        assert_eq!(told(two.try_recv().unwrap()), "in flight 1");
    });
}
