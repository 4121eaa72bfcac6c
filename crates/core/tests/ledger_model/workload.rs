//! A seeded working day: top-ups, credits of every origin, corrections, purchases, and their turns in any order,
//! repeated and crossed, with amounts from nothing to the ends of 64 bits. Says for each step what the books have
//! to answer, reckoned in 128 bits, and what must have moved after it. It must never look at how they do it.

use super::auditor::{Finding, ensure};
use super::bank::{Bank, Refusal, Turn};
use super::dice::Dice;
use numberotp_core::activation::Money;
use numberotp_core::id::AccountId;
use numberotp_core::ledger::{Change, MovementKind, Purse, Purses, Split};
use numberotp_core::money::{CreditValue, Usd};

/// How long a day is, and how often the auditor comes.
const STEPS: usize = 300;
const AUDIT_EVERY: usize = 25;
/// The end of 64 bits.
const LARGEST: i128 = (1 << 63) - 1;

/// The turns that purchases take, the common ones more often: all of them come repeated and crossed.
const TURNS: [Turn; 11] = [
    Turn::Attach,
    Turn::Attach,
    Turn::Attach,
    Turn::Attach,
    Turn::Message,
    Turn::Message,
    Turn::Message,
    Turn::Cancel,
    Turn::Expire,
    Turn::Fail,
    Turn::Finish,
];

/// How much of what happened.
#[derive(Clone, Copy, Default, Debug)]
pub struct Tally {
    pub changes: u32,
    pub refused_changes: u32,
    pub buys: u32,
    pub short: u32,
    pub posts: u32,
    pub voids: u32,
    pub idle_turns: u32,
    pub forbidden_turns: u32,
}

/// Whether the books have to agree.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Must {
    Agree,
    Refuse,
    Either,
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Change(AccountId, Change),
    Buy(AccountId, Usd),
    Turn(usize, Turn),
}

/// One seed's day under one auditor. The error is the first rule that broke, with seed and step.
pub fn day(seed: u64, credit: CreditValue, audit: fn(&Bank) -> Finding) -> Result<Tally, String> {
    let mut dice = Dice::new(seed);
    let accounts: Vec<AccountId> = (1..=dice.between(1, 4)).map(AccountId::new).collect();
    let mut bank = Bank::new(credit, &accounts);
    let mut tally = Tally::default();
    for number in 0..STEPS {
        let act = draw(&mut dice, &bank, &accounts);
        let context = |rule: String| format!("seed {seed}, step {number}, {act:?}: {rule}");
        step(&mut bank, act, &mut tally).map_err(context)?;
        if number % AUDIT_EVERY == 0 {
            audit(&bank).map_err(context)?;
        }
    }
    let evening = |rule: String| format!("seed {seed}, in the evening: {rule}");
    audit(&bank).map_err(evening)?;
    close(&mut bank).map_err(evening)?;
    audit(&bank).map_err(evening)?;
    Ok(tally)
}

fn draw(dice: &mut Dice, bank: &Bank, accounts: &[AccountId]) -> Act {
    let account = dice.pick(accounts);
    let purchases = bank.purchases.len();
    match dice.between(1, 10) {
        1..=2 => Act::Change(account, change(dice)),
        3..=4 => Act::Buy(account, price(dice, &bank.purses[&account], bank.credit)),
        _ if purchases == 0 => Act::Change(account, change(dice)),
        // Mostly young ones, so that most are taken to their end, and old ones again and again.
        _ if dice.once_in(4) => Act::Turn(dice.index(purchases), dice.pick(&TURNS)),
        _ => Act::Turn(purchases - 1 - dice.index(purchases.min(4)), dice.pick(&TURNS)),
    }
}

fn change(dice: &mut Dice) -> Change {
    let purse = dice.pick(&Purse::ALL);
    let most = if purse == Purse::Balance { 1_000_000 } else { 1_000 };
    let ends = [
        0,
        1,
        -1,
        99,
        499,
        500,
        i64::MAX,
        i64::MAX - 1,
        i64::MAX / 500,
        i64::MAX / 500 + 1,
        -i64::MAX,
        i64::MIN,
    ];
    let amount = match dice.between(1, 24) {
        1..=2 => dice.pick(&ends),
        3..=8 => -dice.between(0, most),
        _ => dice.between(0, most),
    };
    Change { purse, amount }
}

/// A price is above zero and a multiple of 100 micro-dollars.
fn price(dice: &mut Dice, purses: &Purses, credit: CreditValue) -> Usd {
    let all = worth(purses, credit).min(LARGEST - 100);
    let hundreds = match dice.between(1, 12) {
        1 => all / 100,
        2 => all / 100 + 1,
        3 => LARGEST / 100,
        4 => available(purses, Purse::Balance) / 100,
        _ => i128::from(dice.between(1, 2_000)),
    };
    Usd::from_micros(i64::try_from(hundreds.max(1) * 100).unwrap())
}

fn available(purses: &Purses, purse: Purse) -> i128 {
    i128::from(purses.fund(purse).posted) - i128::from(purses.fund(purse).held)
}

fn credits(purses: &Purses) -> i128 {
    [Purse::Gift, Purse::Granted, Purse::Bought].map(|purse| available(purses, purse)).into_iter().sum()
}

/// All that can be spent, in micro-dollars.
fn worth(purses: &Purses, credit: CreditValue) -> i128 {
    available(purses, Purse::Balance) + credits(purses) * i128::from(credit.micros())
}

fn step(bank: &mut Bank, act: Act, tally: &mut Tally) -> Finding {
    match act {
        Act::Change(account, change) => outside(bank, account, change, tally),
        Act::Buy(account, price) => purchase(bank, account, price, tally),
        Act::Turn(place, turn) => turn_of(bank, place, turn, tally),
    }
}

/// Agreed where it must be and refused where it must be.
fn answered<T>(must: Must, answer: &Result<T, Refusal>) -> Finding {
    let right = match must {
        Must::Agree => answer.is_ok(),
        Must::Refuse => answer.is_err(),
        Must::Either => true,
    };
    ensure(right, || format!("the books have to {must:?}, they say {:?}", answer.as_ref().err()))
}

/// What moved in each purse, as (posted, held), is this and nothing else.
fn moved(before: &Purses, after: &Purses, expected: impl Fn(Purse) -> (i128, i128)) -> Finding {
    for purse in Purse::ALL {
        let (old, new) = (before.fund(purse), after.fund(purse));
        let posted = i128::from(new.posted) - i128::from(old.posted);
        let held = i128::from(new.held) - i128::from(old.held);
        let wanted = expected(purse);
        ensure((posted, held) == wanted, || {
            format!("{purse:?} moved by {posted}, {held} instead of {wanted:?}")
        })?;
    }
    Ok(())
}

fn outside(bank: &mut Bank, account: AccountId, change: Change, tally: &mut Tally) -> Finding {
    let before = bank.purses[&account];
    let (fund, amount) = (before.fund(change.purse), i128::from(change.amount));
    let posted = i128::from(fund.posted) + amount;
    let in_range = (i128::from(fund.held)..=LARGEST).contains(&posted);
    let credit = if change.purse == Purse::Balance { 1 } else { i128::from(bank.credit.micros()) };
    let worth_fits = (amount * credit).abs() <= LARGEST;
    let origins = [Purse::Gift, Purse::Granted, Purse::Bought];
    let all_posted: i128 = origins.map(|purse| i128::from(before.fund(purse).posted)).into_iter().sum();
    let sum_fits = change.purse == Purse::Balance || all_posted + amount <= LARGEST;
    let gifts_fit = change.purse != Purse::Gift || i128::from(before.gift_total) + amount <= LARGEST;
    let must = match (in_range && worth_fits && sum_fits, gifts_fit) {
        (false, _) => Must::Refuse,
        (true, true) => Must::Agree,
        (true, false) => Must::Either,
    };
    let kind = match (change.amount < 0, change.purse) {
        (true, _) => MovementKind::Adjustment,
        (_, Purse::Balance | Purse::Bought) => MovementKind::Topup,
        (_, Purse::Gift | Purse::Granted) => MovementKind::Bonus,
    };
    let answer = bank.change(account, kind, change);
    answered(must, &answer)?;
    let took = i128::from(answer.is_ok());
    tally.changes += u32::from(answer.is_ok());
    tally.refused_changes += u32::from(answer.is_err());
    moved(&before, &bank.purses[&account], |purse| (if purse == change.purse { amount * took } else { 0 }, 0))
}

fn purchase(bank: &mut Bank, account: AccountId, price: Usd, tally: &mut Tally) -> Finding {
    let before = bank.purses[&account];
    let (all, wanted) = (worth(&before, bank.credit), i128::from(price.micros()));
    let must = match (all < wanted, wanted + i128::from(bank.credit.micros()) > LARGEST) {
        (true, _) => Must::Refuse,
        (false, false) => Must::Agree,
        // One credit more than fits may be worth more than 64 bits tell.
        (false, true) => Must::Either,
    };
    let answer = bank.buy(account, price);
    answered(must, &answer)?;
    let Ok(place) = answer else {
        tally.short += 1;
        return moved(&before, &bank.purses[&account], |_| (0, 0));
    };
    tally.buys += 1;
    let paid = bank.purchases[place].split;
    moved(&before, &bank.purses[&account], |purse| (0, i128::from(paid.part(purse))))?;
    spending_order(&before, &paid, wanted, bank.credit)
}

/// The published order: gift, granted, bought credits, then the balance; at most one credit more than fits, and
/// that only where the balance cannot pay the remainder.
pub fn spending_order(before: &Purses, paid: &Split, price: i128, credit: CreditValue) -> Finding {
    let part = |purse: Purse| i128::from(paid.part(purse));
    for purse in Purse::ALL {
        let fits = (0..=available(before, purse)).contains(&part(purse));
        ensure(fits, || format!("{purse:?} pays {} of {}", part(purse), available(before, purse)))?;
    }
    let empty = |purse: Purse| part(purse) == available(before, purse);
    let in_order = (part(Purse::Granted) == 0 || empty(Purse::Gift))
        && (part(Purse::Bought) == 0 || empty(Purse::Gift) && empty(Purse::Granted));
    ensure(in_order, || format!("{paid:?} is not gift before granted before bought"))?;
    let value = i128::from(credit.micros());
    let by_credits = [Purse::Gift, Purse::Granted, Purse::Bought].map(part).into_iter().sum::<i128>();
    let remainder = price - by_credits * value;
    let exact = part(Purse::Balance) == remainder.max(0);
    ensure(exact, || format!("{paid:?}: the balance has to pay {remainder}"))?;
    let no_credit_left_out = remainder < value || by_credits == credits(before);
    ensure(no_credit_left_out, || format!("{paid:?}: the balance pays although credits are left"))?;
    let one_more_needed =
        remainder >= 0 || remainder > -value && remainder + value > available(before, Purse::Balance);
    ensure(one_more_needed, || format!("{paid:?}: a credit too many"))
}

fn turn_of(bank: &mut Bank, place: usize, turn: Turn, tally: &mut Tally) -> Finding {
    let purchase = bank.purchases[place].clone();
    let before = bank.purses[&purchase.account];
    let answer = bank.turn(place, turn);
    let after = bank.purses[&purchase.account];
    let part = |purse: Purse| i128::from(purchase.split.part(purse));
    match answer {
        Ok(Money::Keep) => {
            tally.idle_turns += 1;
            moved(&before, &after, |_| (0, 0))
        }
        Ok(Money::Post) => {
            tally.posts += 1;
            moved(&before, &after, |purse| (-part(purse), -part(purse)))
        }
        // A refund: back to the purses and origins it came from, in the same amounts.
        Ok(Money::Void) => {
            tally.voids += 1;
            moved(&before, &after, |purse| (0, -part(purse)))
        }
        Err(Refusal(why)) => {
            tally.forbidden_turns += 1;
            ensure(why.starts_with("TransitionRefused"), || {
                format!("the books refuse to resolve a hold: {why}")
            })?;
            moved(&before, &after, |_| (0, 0))
        }
    }
}

/// Closes whatever is open: then nothing is held.
fn close(bank: &mut Bank) -> Finding {
    for place in 0..bank.purchases.len() {
        let number = bank.purchases[place].state.line().is_some();
        let turn = if number { Turn::Expire } else { Turn::Fail };
        bank.turn(place, turn).map_err(|Refusal(why)| format!("purchase {place} cannot be closed: {why}"))?;
    }
    for (account, purses) in &bank.purses {
        for purse in Purse::ALL {
            ensure(purses.fund(purse).held == 0, || format!("{account:?} {purse:?} still holds"))?;
        }
    }
    Ok(())
}
