//! The spending order, coin by coin: a payer who knows no division puts one credit after the other on the table.
//! Whatever the ledger divides has to come out the same. Nothing may be debited when the purses are short.

use super::dice::Dice;
use super::workload::spending_order;
use numberotp_core::ledger::{Fund, Purse, Purses, Split, split};
use numberotp_core::money::{CreditValue, Usd};

/// Pays by hand: whole credits while they fit, gift before granted before bought; the rest from the balance, and
/// only if that cannot pay it one more credit.
fn pay_by_hand(purses: &Purses, price: i64, credit: i64) -> Option<Split> {
    let left = |purse: Purse| purses.fund(purse).posted - purses.fund(purse).held;
    let mut origins = [left(Purse::Gift), left(Purse::Granted), left(Purse::Bought)];
    let mut taken = [0i64; 3];
    let mut open = price;
    let mut take_one = |taken: &mut [i64; 3]| {
        let origin = origins.iter().position(|count| *count > 0)?;
        origins[origin] -= 1;
        taken[origin] += 1;
        Some(())
    };
    while open >= credit && take_one(&mut taken).is_some() {
        open -= credit;
    }
    if open > left(Purse::Balance) {
        if open >= credit {
            return None;
        }
        take_one(&mut taken)?;
        open = 0;
    }
    let [gift, granted, bought] = taken;
    Some(Split { balance: open, gift, granted, bought })
}

fn fund(dice: &mut Dice, most: i64) -> Fund {
    let posted = if dice.once_in(3) { 0 } else { dice.between(0, most) };
    Fund { posted, held: if dice.once_in(2) { 0 } else { dice.between(0, posted) } }
}

fn purses(dice: &mut Dice) -> Purses {
    let (balance, gift) = (fund(dice, 60_000), fund(dice, 60));
    Purses { balance, gift, granted: fund(dice, 60), bought: fund(dice, 60), gift_total: gift.posted }
}

#[test]
fn the_ledger_pays_as_one_would_by_hand() {
    let mut dice = Dice::new(37);
    let mut met = [0u32; 4];
    for round in 0..20_000 {
        let purses = purses(&mut dice);
        let credit = dice.pick(&[500, 500, 500, 100, 700, 333, 1]);
        let price = 100 * dice.between(1, 1_200);
        let value = CreditValue::from_micros(credit).unwrap();
        let said = split(&purses, Usd::from_micros(price), value).ok();
        let by_hand = pay_by_hand(&purses, price, credit);
        let context = format!("round {round}: {price} of {purses:?}, a credit is {credit}");
        assert_eq!(said, by_hand, "{context}");
        let Some(paid) = said else {
            met[0] += 1;
            continue;
        };
        if let Err(rule) = spending_order(&purses, &paid, i128::from(price), value) {
            panic!("{context}: {rule}");
        }
        let by_credits = (paid.gift + paid.granted + paid.bought) * credit;
        met[1] += u32::from(by_credits > price);
        met[2] += u32::from(by_credits > 0 && paid.balance > 0);
        met[3] += u32::from(paid.gift > 0 && paid.granted > 0 && paid.bought > 0);
    }
    // short; one credit more; both purses; all origins
    assert!(met.iter().all(|count| *count >= 200), "{met:?}");
}

#[test]
fn exactly_enough_is_enough_and_a_hundredth_cent_less_is_not() {
    let mut dice = Dice::new(41);
    for round in 0..5_000 {
        let mut purses = purses(&mut dice);
        purses.balance.posted -= (purses.balance.posted - purses.balance.held) % 100;
        let (balance, credits) = (purses.balance_available().micros(), purses.credits_available().count());
        let all = balance + credits * 500;
        let pay = |price| split(&purses, Usd::from_micros(price), CreditValue::PUBLISHED);
        assert!(pay(all + 100).is_err(), "round {round}: {purses:?}");
        if all > 0 {
            let paid = pay(all).unwrap();
            assert_eq!(
                purses.hold(&paid).map(|after| after.balance_available().micros()),
                Ok(0),
                "round {round}"
            );
            assert_eq!(
                purses.hold(&paid).map(|after| after.credits_available().count()),
                Ok(0),
                "round {round}"
            );
        }
    }
}

#[test]
fn the_published_purchase() {
    let granted = Fund { posted: 2_000, held: 0 };
    let balance = Fund { posted: 100_500_000, held: 0 };
    let purses = Purses { balance, granted, ..Purses::default() };
    let paid = split(&purses, Usd::from_micros(50_000), CreditValue::PUBLISHED).unwrap();
    let after = purses.hold(&paid).unwrap();
    assert_eq!(after.credits_available().count(), 1_900);
    assert_eq!(after.balance_available().to_string(), "100.50");
}
