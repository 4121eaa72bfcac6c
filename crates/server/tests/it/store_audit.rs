//! The second bookkeeper can fail: each thing that must not be is made so by raw SQL once, and the audit names it.
//! A check that nothing can fail would be no check.

use crate::store_stage::{PRICE, Stage, WINDOW, done, number, service, staged, violated};
use numberotp_core::activation::WithheldBecause;
use numberotp_core::id::{AccountId, ActivationId, PLATFORM};
use numberotp_core::ledger::Purse;
use numberotp_core::text::{Operator, ProviderCode};
use numberotp_core::time::Span;
use numberotp_core::vocabulary::CountryId;
use numberotp_server::store::StoreError;
use numberotp_server::store::audit::{Report, audit};
use numberotp_server::store::db::{Engine, Statement};
use numberotp_server::store::hot::{Closing, Receive};
use numberotp_server::store::number::{OwnNumber, Sharing, Wanted, allocation_create, numbers_put};
use numberotp_server::store::sandbox::{NewSandboxPurchase, Play, sandbox_purchase_create};
use std::sync::mpsc::channel;

/// Purchases in every state, of two people, paid from every purse, with every kind of message and both gateways.
/// Purchases 1 to 7 are: reserving, waiting, received, finished, canceled, expired, failed.
fn busy_books(stage: &mut Stage<'_>) -> AccountId {
    let ann = stage.person_with(20 * PRICE.micros());
    let bob = stage.person_with(PRICE.micros());
    for (purse, credits) in [(Purse::Gift, 330), (Purse::Granted, 30), (Purse::Bought, 60)] {
        stage.give(ann, purse, credits);
    }
    let number_of = |n: i64| format!("4477009{n:05}");
    let ids = [1, 2, 3, 4, 5, 6, 7].map(|n| {
        let id = stage.reserved(ann);
        assert_eq!(id, ActivationId::new(n), "purchases are numbered from one");
        id
    });
    let [_reserving, _waiting, received, finished, canceled, expired, failed] = ids;
    stage.pass(Span::seconds(1));
    for n in 2..=6 {
        let attach = stage.attach(ActivationId::new(n), &format!("r{n}"), &number_of(n));
        crate::store_stage::attached(stage.send(numberotp_server::store::hot::Command::Attach(attach)));
    }
    stage.pass(Span::seconds(1));
    for id in [received, finished] {
        let name = format!("r{}", id.get());
        let message = stage.by_reference(&name, &name);
        stage.receive(message);
    }
    let bank = Receive { withheld: Some(WithheldBecause::Bank), ..stage.by_reference("bank", "r3") };
    stage.receive(bank);
    let parked = stage.by_reference("parked", "unknown");
    stage.receive(parked);
    done(&stage.close(finished, Closing::Finish(ann)));
    done(&stage.close(canceled, Closing::Cancel(ann)));
    done(&stage.close(failed, Closing::Fail));
    let late = stage.by_reference("late", "r5");
    stage.receive(late);
    gateways(stage);
    // The window of one purchase ends; the others are bought anew so that they are in time.
    stage.pass(WINDOW);
    done(&stage.close(expired, Closing::Expire));
    stage.tamper("UPDATE activations SET expires_at = expires_at + 7200000000 WHERE id IN (2, 3)");
    stage.tamper("UPDATE leases SET to_at = to_at + 7200000000 WHERE activation_id IN (2, 3)");
    stage.tamper("UPDATE activations SET created_at = created_at + 1200000000 WHERE id = 1");
    bob
}

/// What the two gateways gave to the purchases that are open.
fn gateways(stage: &mut Stage<'_>) {
    let own = ProviderCode::parse("own").unwrap();
    let (country, operator) = (CountryId::new(16), Operator::any());
    let new = OwnNumber {
        number: number("447700900999"),
        country,
        operator: operator.clone(),
        provider: own.clone(),
        sharing: Sharing::Exclusive,
    };
    stage.write(move |tx| numbers_put(tx, PLATFORM, std::slice::from_ref(&new))).unwrap();
    let (reference, now) = ("2".to_owned(), stage.now);
    let (service, cool_down) = (service("tg"), Span::hours(24));
    let wanted = Wanted { provider: own, reference, service, country, operator, cool_down, now };
    stage.write(move |tx| allocation_create(tx, &wanted)).unwrap().unwrap();
    let new = NewSandboxPurchase {
        reference: "3".to_owned(),
        number: number("447700900003"),
        service: "tg".to_owned(),
        operator: "any".to_owned(),
        message_at: None,
        play: Play::default(),
        now,
    };
    stage.write(move |tx| sandbox_purchase_create(tx, &new)).unwrap();
}

/// The report of the books with these changes, which are undone afterwards.
fn report_with(stage: &mut Stage<'_>, changes: &[&'static str], later: Span) -> Report {
    let now = stage.now.plus(later);
    let (told, report) = channel();
    let changes = changes.to_vec();
    let undone = stage.write(move |tx| {
        for change in &changes {
            tx.execute(&Statement::new("TEST_TAMPER", change), &[])?;
        }
        told.send(audit(tx, now)?).unwrap();
        Err::<(), _>(StoreError::Driver("undone on purpose".to_owned()))
    });
    assert!(matches!(&undone, Err(StoreError::Driver(told)) if told == "undone on purpose"), "{undone:?}");
    report.recv().unwrap()
}

const DOUBLED_REFUND: &str = "INSERT INTO movements SELECT -id, account_id, kind, step || ':again', reference_kind, reference_id, balance_change, credits_change, value, balance_after, credits_after, created_at FROM movements WHERE kind = 'refund'";
const DOUBLED_HOLD: &str = "INSERT INTO movements SELECT -id, account_id, kind, step || ':again', reference_kind, reference_id, balance_change, credits_change, value, balance_after, credits_after, created_at FROM movements WHERE kind = 'purchase'";
const DOUBLED_EVENT: &str = "INSERT INTO events SELECT -id, account_id, kind, activation_id, created_at FROM events WHERE kind = 'activation.canceled'";

const UNITS: (&str, &str) = ("I1", "both sides of every entry exist and have one unit");
const WORTH: (&str, &str) = ("I1", "every movement is worth its entries");
const ORPHANS: (&str, &str) = ("I1", "every entry has its movement");
const ZERO: (&str, &str) = ("I1", "all accounts together come to zero, in each unit");
const PURSES: (&str, &str) = ("I2", "every purse is the sum of its entries, posted and held");
const SHOWN: (&str, &str) = ("I2", "every purse is the sum of the changes its owner was shown");
const OVERDRAWN: (&str, &str) = ("I2", "no purse is overdrawn");
const SPENT: (&str, &str) = ("I2", "a capped key has spent what its purchases cost");
const RESOLVED: (&str, &str) = ("I3", "every hold is resolved as its purchase's state says, at most once");
const PARTS: (&str, &str) = ("I3", "every entry of a purchase is the part that it was to pay");
const MISSING: (&str, &str) = ("I3", "no entry of a purchase is missing");
const STRAY: (&str, &str) = ("I3", "every movement of a purchase has its purchase");
const WATCHED: (&str, &str) = ("I3", "every open purchase is looked after by a job");
const OVERDUE: (&str, &str) = ("I3", "no hold is open a minute past its deadline");
const CHARGED: (&str, &str) = ("I4", "every charge has a purchase with a message in its lease");
const HELD: (&str, &str) = ("I5", "every number a provider gave is in use, given back, or about to be");
const LEASED: (&str, &str) = ("I6", "every delivered message came within its lease");
const TOLD: (&str, &str) = ("I8", "every step has its event");
const CHAINED: (&str, &str) = ("I12", "the acts are one whole chain");

/// What is done to the books, and what the audit says of it: exactly that.
const TABLE: &[(&str, &[(&str, &str)])] = &[
    // Acts; the rest of what can be done to them stands in `store_acts`.
    ("UPDATE act_head SET seq = seq + 1", &[CHAINED]),
    // Keys with a cap.
    (
        "INSERT INTO api_keys (id, brand_id, account_id, name, hash, last_four, scopes, created_at, spent) SELECT -1, brand_id, id, 'CI', (SELECT dedupe_key FROM messages LIMIT 1), 'wxyz', 'buy', 1, 1 FROM accounts WHERE id = (SELECT MIN(id) FROM accounts)",
        &[SPENT],
    ),
    // Entries.
    ("UPDATE transfers SET credit_id = -34 WHERE phase = 'pending' AND purse = 'balance'", &[UNITS]),
    ("UPDATE transfers SET credit_id = 404 WHERE phase = 'pending'", &[UNITS]),
    ("UPDATE transfers SET debit_id = 404 WHERE phase = 'post'", &[UNITS, ZERO, PURSES]),
    ("UPDATE transfers SET credit_id = debit_id WHERE phase = 'pending'", &[UNITS]),
    ("UPDATE transfers SET amount = amount + 1 WHERE phase = 'single'", &[WORTH, PURSES]),
    (
        "UPDATE transfers SET amount = amount + 1 WHERE phase = 'pending' AND purse = 'gift'",
        &[WORTH, PURSES, PARTS],
    ),
    ("UPDATE transfers SET amount = amount - 1 WHERE phase = 'post' AND purse = 'gift'", &[PURSES, PARTS]),
    ("UPDATE transfers SET phase = 'void' WHERE phase = 'post'", &[PURSES, PARTS]),
    ("UPDATE transfers SET phase = 'single' WHERE phase = 'post'", &[PURSES, PARTS]),
    ("DELETE FROM transfers WHERE phase = 'void'", &[WORTH, PURSES, MISSING]),
    ("DELETE FROM transfers WHERE phase = 'post'", &[PURSES, MISSING]),
    ("UPDATE ledger_accounts SET unit = 'USD' WHERE kind = 'gift'", &[UNITS, ZERO]),
    // Purses.
    ("UPDATE purses SET balance_posted = balance_posted + 1", &[PURSES, SHOWN]),
    ("UPDATE purses SET balance_posted = balance_posted - 1", &[PURSES, SHOWN]),
    ("UPDATE purses SET gift_held = gift_held - 1 WHERE gift_held > 0", &[PURSES, SHOWN]),
    ("UPDATE purses SET gift_posted = gift_posted + 1", &[PURSES, SHOWN]),
    ("UPDATE purses SET granted_posted = granted_posted + 1", &[PURSES, SHOWN]),
    ("UPDATE purses SET bought_posted = bought_posted + 1", &[PURSES, SHOWN]),
    (
        "UPDATE purses SET granted_posted = granted_posted + 1, bought_posted = bought_posted - 1 WHERE bought_posted > bought_held",
        &[PURSES],
    ),
    ("UPDATE purses SET balance_posted = balance_posted + 5, balance_held = balance_held + 5", &[PURSES]),
    // Movements.
    ("UPDATE movements SET balance_change = balance_change + 1 WHERE kind = 'topup'", &[WORTH, SHOWN]),
    ("UPDATE movements SET credits_change = credits_change - 1 WHERE kind = 'bonus'", &[WORTH, SHOWN]),
    ("DELETE FROM movements WHERE kind = 'topup'", &[ORPHANS, SHOWN]),
    ("DELETE FROM movements WHERE kind = 'settlement'", &[ORPHANS, RESOLVED, MISSING]),
    (
        "DELETE FROM movements WHERE kind = 'purchase' AND reference_id = 1",
        &[ORPHANS, SHOWN, RESOLVED, MISSING],
    ),
    ("DELETE FROM movements WHERE kind = 'refund'", &[ORPHANS, SHOWN, RESOLVED, MISSING]),
    (DOUBLED_REFUND, &[WORTH, SHOWN, RESOLVED]),
    (DOUBLED_HOLD, &[WORTH, SHOWN, RESOLVED]),
    (
        "UPDATE movements SET kind = 'settlement' WHERE kind = 'refund' AND reference_id = 5",
        &[RESOLVED, CHARGED],
    ),
    (
        "UPDATE movements SET reference_id = 404 WHERE kind = 'purchase' AND reference_id = 1",
        &[RESOLVED, STRAY],
    ),
    // Purchases.
    ("DELETE FROM activations WHERE id = 6", &[STRAY, MISSING]),
    ("UPDATE activations SET status = 'canceled' WHERE id = 2", &[RESOLVED, MISSING, HELD, TOLD]),
    (
        "UPDATE activations SET status = 'received', first_message_at = attached_at WHERE id = 2",
        &[RESOLVED, MISSING, TOLD],
    ),
    (
        "UPDATE activations SET status = 'waiting', first_message_at = NULL WHERE id = 3",
        &[RESOLVED, PARTS, MISSING, CHARGED],
    ),
    ("UPDATE activations SET hold_id = 404 WHERE id = 1", &[RESOLVED]),
    ("UPDATE activations SET paid_balance = paid_balance + 1 WHERE id = 1", &[MISSING]),
    ("UPDATE activations SET paid_gift = 1 WHERE id = 7", &[MISSING]),
    ("UPDATE activations SET paid_gift = paid_gift + 1 WHERE id = 1", &[PARTS]),
    ("UPDATE activations SET paid_balance = paid_balance - 1 WHERE id = 7", &[PARTS]),
    ("UPDATE activations SET paid_bought = paid_bought + 1 WHERE id = 4", &[PARTS]),
    ("UPDATE activations SET first_message_at = first_message_at - 1800000000 WHERE id = 3", &[CHARGED]),
    ("UPDATE activations SET expires_at = 1 WHERE id = 2", &[OVERDUE]),
    ("UPDATE activations SET created_at = 1 WHERE id = 1", &[OVERDUE]),
    ("DELETE FROM jobs WHERE kind = 'activation_watch' AND subject_id = 2", &[WATCHED]),
    ("UPDATE jobs SET dead = 1 WHERE kind = 'activation_watch' AND subject_id = 1", &[WATCHED]),
    ("DELETE FROM jobs WHERE kind = 'activation_watch' AND subject_id = 3", &[WATCHED]),
    // Leases and messages.
    ("DELETE FROM leases WHERE activation_id = 3", &[CHARGED, LEASED]),
    ("UPDATE leases SET from_at = from_at + 60000000 WHERE activation_id = 4", &[CHARGED, LEASED]),
    ("UPDATE messages SET received_at = received_at + 86400000000 WHERE verdict = 'delivered'", &[LEASED]),
    ("UPDATE messages SET received_at = 1 WHERE verdict = 'delivered'", &[LEASED]),
    ("UPDATE messages SET provider = 'other' WHERE verdict = 'delivered'", &[LEASED]),
    ("UPDATE messages SET activation_id = NULL WHERE verdict = 'delivered'", &[LEASED]),
    ("UPDATE leases SET closed_at = from_at - 60000000 WHERE activation_id = 4", &[LEASED]),
    // Gateways.
    ("UPDATE sandbox_purchases SET reference = '404'", &[HELD]),
    ("UPDATE number_allocations SET reference = '404'", &[HELD]),
    ("UPDATE number_allocations SET reference = '7'", &[HELD]),
    ("UPDATE number_allocations SET reference = 'no purchase of ours'", &[HELD]),
    // Events.
    ("DELETE FROM events WHERE kind = 'activation.created' AND activation_id = 2", &[TOLD]),
    ("DELETE FROM events WHERE kind = 'activation.code_received' AND activation_id = 3", &[TOLD]),
    ("DELETE FROM events WHERE kind = 'activation.canceled'", &[TOLD]),
    ("DELETE FROM events WHERE kind = 'activation.finished'", &[TOLD]),
    ("DELETE FROM events WHERE kind = 'activation.expired'", &[TOLD]),
    (DOUBLED_EVENT, &[TOLD]),
];

#[test]
fn every_corruption_is_named() {
    staged(|stage| {
        busy_books(stage);
        stage.assert_clean();
        let mut wrong = Vec::new();
        for (change, expected) in TABLE {
            let report = report_with(stage, &[*change], Span::micros(0));
            let (mut told, mut expected) = (violated(&report), expected.to_vec());
            told.sort_unstable();
            expected.sort_unstable();
            if told != expected {
                wrong.push(format!("{change}\n  expected {expected:?}\n  told     {told:?}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    });
}

/// A job that was given up gives no number back.
#[test]
fn a_number_whose_release_was_given_up_is_named() {
    staged(|stage| {
        busy_books(stage);
        const CLOSED: &str = "UPDATE number_allocations SET reference = '5'";
        const GIVEN_UP: &str = "UPDATE jobs SET dead = 1 WHERE kind = 'activation_release'";
        assert!(report_with(stage, &[CLOSED], Span::micros(0)).clean(), "about to be given back");
        let report = report_with(stage, &[CLOSED, GIVEN_UP], Span::micros(0));
        assert_eq!(violated(&report), [HELD]);
    });
}

/// Every check of the audit is failed by something: a check that is added without a corruption fails here.
#[test]
fn no_check_is_beyond_failing() {
    staged(|stage| {
        let failed: Vec<_> = TABLE.iter().flat_map(|(_, named)| named.iter()).chain([&OVERDRAWN]).collect();
        let report = stage.report();
        assert!(report.clean());
        for check in report.checks {
            assert!(failed.contains(&&(check.invariant, check.says)), "nothing fails {:?}", check.says);
        }
    });
}

/// The database itself refuses an overdrawn purse; only where it does not look does the audit have to.
#[test]
fn an_overdrawn_purse_is_refused_and_named() {
    staged(|stage| {
        let account = stage.person_with(PRICE.micros());
        stage.reserved(account);
        const OVERDRAW: &str = "UPDATE purses SET balance_posted = balance_held - 1";
        let refused = stage.write(|tx| tx.execute(&Statement::new("TEST_OVERDRAW", OVERDRAW), &[]));
        assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
        let blind: &[&str] = match stage.database().engine() {
            Engine::Sqlite(_) => &["PRAGMA ignore_check_constraints = ON", OVERDRAW],
            Engine::Postgres(_) => &["ALTER TABLE purses DROP CONSTRAINT purses_balance", OVERDRAW],
        };
        let report = report_with(stage, blind, Span::micros(0));
        assert!(violated(&report).contains(&OVERDRAWN), "{:?}", violated(&report));
    });
}

#[test]
fn a_hold_is_overdue_a_minute_after_its_deadline() {
    staged(|stage| {
        let account = stage.person_with(2 * PRICE.micros());
        stage.rented(account, "r1", "447700900001");
        let minute = WINDOW.as_micros() + 60_000_000;
        assert!(report_with(stage, &[], Span::micros(minute)).clean());
        let late = report_with(stage, &[], Span::micros(minute + 1));
        assert_eq!(violated(&late), [OVERDUE]);
    });
    staged(|stage| {
        let account = stage.person_with(2 * PRICE.micros());
        stage.reserved(account);
        assert!(report_with(stage, &[], Span::seconds(120)).clean());
        let late = report_with(stage, &[], Span::micros(120_000_001));
        assert_eq!(violated(&late), [OVERDUE]);
    });
}

#[test]
fn the_report_says_how_much_was_looked_at() {
    staged(|stage| {
        busy_books(stage);
        let size = stage.report().size;
        assert_eq!((size.accounts, size.activations, size.messages), (2, 7, 5));
        assert_eq!(size.movements, 5 + 7 + 5, "money in, holds, resolutions");
        assert!(size.transfers > size.movements);
        let checks = stage.report().checks;
        assert!(checks.is_sorted_by_key(|check| (check.invariant.len(), check.invariant)));
    });
}

#[test]
fn empty_books_are_clean() {
    staged(|stage| {
        let report = stage.report();
        assert!(report.clean());
        assert_eq!((report.size.accounts, report.size.movements), (0, 0));
    });
}
