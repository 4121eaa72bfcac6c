//! Changes of purses from outside, and the list their owner sees.

use crate::store_stage::{PRICE, staged};
use numberotp_core::id::AccountId;
use numberotp_core::ledger::{MovementKind, Purse, Reference, Refused};
use numberotp_core::money::{Credits, Usd};
use numberotp_core::time::Span;
use numberotp_server::store::StoreError;
use numberotp_server::store::hot::Closing;
use numberotp_server::store::ledger::{movements_page, purses_change};

#[test]
fn money_in_is_a_movement_with_two_entries() {
    staged(|stage| {
        let account = stage.person();
        let change = stage.change(account, Purse::Balance, 1_500_000);
        let after = stage.write(move |tx| purses_change(tx, change)).unwrap().unwrap();
        assert_eq!((after.balance.posted, after.balance.held), (1_500_000, 0));
        assert_eq!(stage.purses(account), after);

        let (page, total) = stage.write(move |tx| movements_page(tx, account, 10, 0)).unwrap();
        assert_eq!(total, 1);
        let movement = page.first().unwrap();
        assert_eq!((movement.kind, movement.at), (MovementKind::Topup, stage.now));
        assert_eq!(
            (movement.balance_change, movement.value),
            (Usd::from_micros(1_500_000), Usd::from_micros(1_500_000))
        );
        assert_eq!((movement.credits_change, movement.credits_after), (Credits::ZERO, Credits::ZERO));
        assert!(matches!(movement.reference, Reference::Operator(_)));
        let entries = stage.list("SELECT purse || ' ' || phase || ' ' || CAST(debit_id AS TEXT) || ' ' || CAST(amount AS TEXT) FROM transfers");
        assert_eq!(entries, ["balance single -36 1500000"]);
    });
}

#[test]
fn credits_are_kept_by_origin_and_a_gift_can_be_corrected() {
    staged(|stage| {
        let account = stage.person();
        stage.give(account, Purse::Gift, 200);
        stage.give(account, Purse::Granted, 30);
        stage.give(account, Purse::Bought, 4);
        stage.give(account, Purse::Gift, -50);
        let purses = stage.purses(account);
        assert_eq!((purses.gift.posted, purses.granted.posted, purses.bought.posted), (150, 30, 4));
        assert_eq!((purses.credits_available(), purses.gift_total), (Credits::new(184), 150));
        let (page, _) = stage.write(move |tx| movements_page(tx, account, 10, 0)).unwrap();
        let after: Vec<i64> = page.iter().map(|movement| movement.credits_after.count()).collect();
        assert_eq!(after, [184, 234, 230, 200]);
    });
}

#[test]
fn what_the_books_refuse_leaves_no_trace() {
    staged(|stage| {
        let account = stage.person_with(100);
        let mut refused = |purse, amount| {
            let change = stage.change(account, purse, amount);
            stage.write(move |tx| purses_change(tx, change)).unwrap().unwrap_err()
        };
        assert_eq!(refused(Purse::Balance, -101), Refused::Short);
        assert_eq!(refused(Purse::Granted, -1), Refused::Short);
        assert_eq!(refused(Purse::Balance, i64::MAX), Refused::Overflow);
        assert_eq!(refused(Purse::Bought, i64::MAX), Refused::Overflow);
        assert_eq!(refused(Purse::Balance, i64::MIN), Refused::Short);
        assert_eq!(stage.balance(account), (100, 0));
        assert_eq!(stage.list("SELECT kind FROM movements"), ["topup"]);
        let change = stage.change(account, Purse::Balance, -100);
        assert!(stage.write(move |tx| purses_change(tx, change)).unwrap().is_ok());
        assert_eq!(stage.balance(account), (0, 0));
    });
}

#[test]
fn what_is_held_cannot_be_taken_away() {
    staged(|stage| {
        let account = stage.person_with(PRICE.micros() + 10);
        stage.rented(account, "r1", "447700900001");
        let eleven = stage.change(account, Purse::Balance, -11);
        assert_eq!(stage.write(move |tx| purses_change(tx, eleven)).unwrap().unwrap_err(), Refused::Short);
        let ten = stage.change(account, Purse::Balance, -10);
        assert!(stage.write(move |tx| purses_change(tx, ten)).unwrap().is_ok());
        assert_eq!(stage.balance(account), (PRICE.micros(), PRICE.micros()));
    });
}

#[test]
fn an_account_without_purses_is_corrupt() {
    staged(|stage| {
        let change = stage.change(AccountId::new(404), Purse::Balance, 1);
        let refused = stage.write(move |tx| purses_change(tx, change));
        assert!(matches!(refused, Err(StoreError::Corrupt { table: "purses", .. })), "{refused:?}");
    });
}

/// Newest first, ties by row, settlements left out, every page whole.
#[test]
fn the_owner_sees_every_change_once() {
    staged(|stage| {
        let account = stage.person_with(10 * PRICE.micros());
        let stranger = stage.person_with(1);
        stage.pass(Span::seconds(1));
        let one = stage.rented(account, "r1", "447700900001");
        let two = stage.rented(account, "r2", "447700900002");
        let message = stage.by_reference("m1", "r1");
        stage.receive(message);
        stage.pass(Span::seconds(1));
        stage.close(two, Closing::Cancel(account));

        let kinds =
            [MovementKind::Refund, MovementKind::Purchase, MovementKind::Purchase, MovementKind::Topup];
        let references = [two.get(), two.get(), one.get()];
        let mut seen = Vec::new();
        for offset in 0..6 {
            let (page, total) = stage.write(move |tx| movements_page(tx, account, 1, offset)).unwrap();
            assert_eq!(total, 4);
            assert_eq!(page.len(), usize::from(offset < 4));
            seen.extend(page);
        }
        assert_eq!(seen.iter().map(|movement| movement.kind).collect::<Vec<_>>(), kinds);
        let about: Vec<i64> = seen.iter().map(|movement| movement.reference.id()).take(3).collect();
        assert_eq!(about, references);
        let shown: i64 = seen.iter().map(|movement| movement.balance_change.micros()).sum();
        assert_eq!(shown, 9 * PRICE.micros());
        assert_eq!(seen.first().unwrap().balance_after.micros(), 9 * PRICE.micros());
        assert_eq!(stage.write(move |tx| movements_page(tx, stranger, 9, 0)).unwrap().1, 1);
    });
}

/// Two hundred changes of ten accounts, by all writers at once and in an order that invites them to wait for
/// each other: none is lost, none is refused, none is done twice.
#[test]
fn changes_of_many_accounts_at_once_are_all_made() {
    staged(|stage| {
        let accounts: Vec<AccountId> = (0..10).map(|_| stage.person()).collect();
        let changes: Vec<_> = (0..200)
            .map(|n: usize| stage.change(*accounts.get((n * 7 + n / 10) % 10).unwrap(), Purse::Balance, 1))
            .collect();
        stage.with_store(async |store| {
            let tasks: Vec<_> = changes
                .into_iter()
                .map(|change| {
                    let store = std::sync::Arc::clone(&store);
                    tokio::spawn(async move { store.write(move |tx| purses_change(tx, change)).await })
                })
                .collect();
            for task in tasks {
                task.await.unwrap().unwrap().unwrap();
            }
        });
        let all: i64 = accounts.into_iter().map(|account| stage.balance(account).0).sum();
        assert_eq!(all, 200);
    });
}
