//! The first step of a purchase: money is held or it is not, and nothing in between is ever written.

use crate::store_stage::{PRICE, Stage, hot, staged};
use numberotp_core::caller::Standing;
use numberotp_core::id::{AccountId, ActivationId};
use numberotp_core::ledger::{Purse, Purses};
use numberotp_core::money::Usd;
use numberotp_server::store::StoreError;
use numberotp_server::store::account::account_set_standing;
use numberotp_server::store::activation::activation_get;
use numberotp_server::store::hot::{Answer, Command, Reserve, Reserved};
use std::sync::Arc;

fn reserve(stage: &mut Stage<'_>, reserve: Reserve) -> Reserved {
    match stage.send(Command::Reserve(reserve)) {
        Ok(Answer::Reserved(answer)) => answer,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_price_is_held_and_the_purchase_begins() {
    staged(|stage| {
        let account = stage.person_with(70_000);
        let command = stage.reserve(account);
        let Reserved::Held(held, purses) = reserve(stage, command.clone()) else { panic!() };
        let id = held.id;
        assert_eq!((purses.balance.posted, purses.balance.held), (70_000, 50_000));
        assert_eq!(stage.purses(account), purses);

        let kept = stage.write(move |tx| activation_get(tx, id)).unwrap().unwrap();
        assert_eq!(kept, *held, "whoever attaches its number knows it without reading it");
        assert_eq!((kept.id, kept.account, kept.brand), (id, account, command.brand));
        assert_eq!((kept.terms, kept.created_at), (command.terms, stage.now));
        assert_eq!(kept.split.balance, 50_000);
        assert_eq!(stage.status(id), "reserving");
        assert_eq!(stage.jobs(), [format!("activation_watch {} 120", id.get())]);
        assert_eq!(stage.events(), [""; 0]);
        let origin = stage.list("SELECT CAST(policy_version AS TEXT) || ' ' || credential || ' ' || CAST(credential_id AS TEXT) || ' ' || ip_prefix || ' ' || purpose FROM activations");
        assert_eq!(origin, ["1 api_key 7 192.0.2.0/24 testing"]);
        let step = stage.list("SELECT kind || ' ' || step || ' ' || CAST(balance_change AS TEXT) || ' ' || CAST(balance_after AS TEXT) FROM movements ORDER BY id DESC LIMIT 1");
        assert_eq!(step, [format!("purchase activation:{}:hold -50000 20000", id.get())]);
    });
}

#[test]
fn all_purses_that_take_part_are_held_together() {
    staged(|stage| {
        let account = stage.person_with(10_200);
        stage.give(account, Purse::Gift, 10);
        stage.give(account, Purse::Granted, 20);
        stage.give(account, Purse::Bought, 50);
        let mut command = stage.reserve(account);
        command.terms.price = Usd::from_micros(50_200);
        let Reserved::Held(_, purses) = reserve(stage, command) else { panic!() };
        let held = [purses.balance.held, purses.gift.held, purses.granted.held, purses.bought.held];
        assert_eq!(held, [10_200, 10, 20, 50]);
        let entries = stage.list("SELECT purse || ' ' || CAST(amount AS TEXT) FROM transfers WHERE phase = 'pending' ORDER BY debit_id");
        assert_eq!(entries, ["balance 10200", "gift 10", "granted 20", "bought 50"]);
    });
}

#[test]
fn the_last_cent_buys_and_one_less_does_not() {
    staged(|stage| {
        let (exactly, less) = (stage.person_with(PRICE.micros()), stage.person_with(PRICE.micros() - 1));
        let command = stage.reserve(exactly);
        assert!(matches!(reserve(stage, command.clone()), Reserved::Held(..)));
        assert!(matches!(reserve(stage, command), Reserved::Short), "what is held cannot be spent again");
        let command = stage.reserve(less);
        assert!(matches!(reserve(stage, command), Reserved::Short));
        assert_eq!(stage.balance(less), (PRICE.micros() - 1, 0));
        assert_eq!(stage.list("SELECT status FROM activations"), ["reserving"]);
        assert_eq!(stage.jobs().len(), 1);
    });
}

#[test]
fn whoever_may_not_buy_is_told_why_and_pays_nothing() {
    staged(|stage| {
        let account = stage.person_with(PRICE.micros());
        for standing in [Standing::Pending, Standing::Limited, Standing::Suspended, Standing::Closed] {
            stage.write(move |tx| account_set_standing(tx, account, standing)).unwrap();
            let command = stage.reserve(account);
            let answer = reserve(stage, command);
            assert!(matches!(answer, Reserved::MayNotBuy(told) if told == standing), "{answer:?}");
        }
        let command = stage.reserve(AccountId::new(404));
        assert!(matches!(reserve(stage, command), Reserved::Missing));
        assert_eq!(stage.balance(account), (PRICE.micros(), 0));
        assert_eq!(stage.list("SELECT status FROM activations"), [""; 0]);
    });
}

#[test]
fn purchases_are_numbered_from_one_without_gaps_in_a_batch() {
    staged(|stage| {
        let account = stage.person_with(40 * PRICE.micros());
        let commands = (0..40).map(|_| Command::Reserve(stage.reserve(account))).collect();
        let ids: Vec<ActivationId> =
            stage.batch(commands).into_iter().map(crate::store_stage::held).collect();
        assert_eq!(ids, (1..=40).map(ActivationId::new).collect::<Vec<_>>());
    });
}

/// What many at once answer: the holds with the purses they left, and how many were short.
fn outcome(answers: Vec<Result<Answer, StoreError>>) -> (Vec<Purses>, usize) {
    let mut held = Vec::new();
    let mut short = 0;
    for answer in answers {
        match answer {
            Ok(Answer::Reserved(Reserved::Held(_, purses))) => held.push(purses),
            Ok(Answer::Reserved(Reserved::Short)) => short += 1,
            other => panic!("{other:?}"),
        }
    }
    (held, short)
}

#[test]
fn two_hundred_at_once_with_money_for_one() {
    staged(|stage| {
        let account = stage.person_with(2 * PRICE.micros() - 1);
        let command = stage.reserve(account);
        let answers = stage.with_store(async |store| {
            let tasks: Vec<_> = (0..200)
                .map(|_| {
                    let (store, command) = (Arc::clone(&store), command.clone());
                    tokio::spawn(async move { store.reserve(command).await.map(Answer::Reserved) })
                })
                .collect();
            let mut answers = Vec::new();
            for task in tasks {
                answers.push(task.await.unwrap());
            }
            answers
        });
        let (held, short) = outcome(answers);
        assert_eq!((held.len(), short), (1, 199));
        assert_eq!(stage.balance(account), (2 * PRICE.micros() - 1, PRICE.micros()));
        assert_eq!(held, [stage.purses(account)]);
        assert_eq!(stage.jobs().len(), 1);
    });
}

#[test]
fn two_hundred_in_one_batch_with_money_for_three() {
    staged(|stage| {
        let account = stage.person_with(3 * PRICE.micros());
        let command = stage.reserve(account);
        let answers = stage.batch((0..200).map(|_| Command::Reserve(command.clone())).collect());
        let (held, short) = outcome(answers);
        assert_eq!((held.len(), short), (3, 197));
        let left: Vec<i64> = held.iter().map(|purses| purses.balance_available().micros()).collect();
        assert_eq!(left, [100_000, 50_000, 0], "each is told the purses as they were after it");
        assert_eq!(stage.list("SELECT status FROM activations").len(), 3);
    });
}

/// Accounts side by side: nobody pays for another, whichever writer carries it out.
#[test]
fn two_hundred_at_once_by_ten_accounts() {
    staged(|stage| {
        let accounts: Vec<AccountId> = (0..10).map(|_| stage.person_with(5 * PRICE.micros())).collect();
        let commands: Vec<Reserve> =
            (0..200).map(|n| stage.reserve(*accounts.get(n % 10).unwrap())).collect();
        let answers = stage.with_store(async |store| {
            let tasks: Vec<_> = commands
                .into_iter()
                .map(|command| {
                    let store = Arc::clone(&store);
                    tokio::spawn(async move { store.reserve(command).await.map(Answer::Reserved) })
                })
                .collect();
            let mut answers = Vec::new();
            for task in tasks {
                answers.push(task.await.unwrap());
            }
            answers
        });
        let (held, short) = outcome(answers);
        assert_eq!((held.len(), short), (50, 150));
        for account in accounts {
            assert_eq!(stage.balance(account), (5 * PRICE.micros(), 5 * PRICE.micros()));
        }
    });
}

/// A caller that gave up waiting does not stop the work: what was queued is carried out.
#[test]
fn a_caller_that_left_changes_nothing_for_the_others() {
    staged(|stage| {
        let account = stage.person_with(2 * PRICE.micros());
        let (first, left) = hot(Command::Reserve(stage.reserve(account)));
        let (second, mut waits) = hot(Command::Reserve(stage.reserve(account)));
        drop(left);
        stage.run(vec![first, second]);
        assert!(matches!(waits.try_recv().unwrap(), Ok(Answer::Reserved(Reserved::Held(..)))));
        assert_eq!(stage.balance(account), (2 * PRICE.micros(), 2 * PRICE.micros()));
    });
}
