//! The second bookkeeper. Recomputes everything from the written rows by plain sums in 128 bits, knowing
//! nothing of how purses are kept: who is on which side of an entry, what is still held, what was shown to the
//! customer. It shares no arithmetic with the ledger and must never call it to reckon.

use super::bank::{BRAND, Bank};
use numberotp_core::id::AccountId;
use numberotp_core::ledger::{
    Movement, MovementKind, Phase, Platform, Purse, Purses, Transfer, ledger_account, platform_account,
};
use std::collections::{BTreeMap, BTreeSet};

/// A rule of the books is broken: which, and where.
pub type Finding = Result<(), String>;

/// A complaint unless it is true.
pub fn ensure(holds: bool, rule: impl FnOnce() -> String) -> Finding {
    if holds { Ok(()) } else { Err(rule()) }
}

/// Everything at once.
pub fn audit(bank: &Bank) -> Finding {
    let chart = chart(bank);
    for transfer in &bank.transfers {
        entry_is_sound(bank, &chart, transfer)?;
    }
    let sums = sums(bank);
    units_balance(bank, &chart, &sums)?;
    for (account, purses) in &bank.purses {
        purses_are_sums(*account, purses, &sums)?;
        shown_adds_up(bank, *account, purses)?;
    }
    holds_resolve_once(bank)
}

/// The unit of each ledger account; no two share a number.
fn chart(bank: &Bank) -> BTreeMap<i64, &'static str> {
    let purses = bank.purses.keys().flat_map(|account| {
        Purse::ALL.into_iter().map(|purse| (ledger_account(*account, purse).get(), purse.unit()))
    });
    let platform = Platform::ALL.into_iter().map(|kind| (platform_account(BRAND, kind).get(), kind.unit()));
    let rows: Vec<(i64, &'static str)> = purses.chain(platform).collect();
    let chart: BTreeMap<i64, &'static str> = rows.iter().copied().collect();
    assert_eq!(rows.len(), chart.len(), "two ledger accounts share a number");
    chart
}

fn movement_of<'a>(bank: &'a Bank, transfer: &Transfer) -> Option<&'a Movement> {
    let place = usize::try_from(transfer.movement.get() - 1).ok()?;
    bank.movements.get(place).filter(|movement| movement.id == transfer.movement)
}

/// One purse of the right customer on one side, the platform on the other, one unit, more than nothing.
fn entry_is_sound(bank: &Bank, chart: &BTreeMap<i64, &'static str>, transfer: &Transfer) -> Finding {
    let movement = movement_of(bank, transfer).ok_or_else(|| format!("{transfer:?} has no movement"))?;
    let (debit, credit) = (transfer.debit.get(), transfer.credit.get());
    let purse = ledger_account(movement.account, transfer.purse).get();
    let sides = chart.get(&debit).zip(chart.get(&credit));
    ensure(transfer.amount > 0, || format!("{transfer:?} moves nothing"))?;
    ensure(sides.is_some_and(|(one, other)| one == other), || format!("{transfer:?} mixes units"))?;
    ensure((debit == purse) != (credit == purse), || format!("{transfer:?} is not of its purse"))?;
    ensure((debit < 0) != (credit < 0), || format!("{transfer:?} is not with the platform"))?;
    let single = transfer.phase == Phase::Single;
    ensure(single || debit == purse, || format!("{transfer:?}: a purchase that fills a purse"))?;
    let other_side = match (single, transfer.purse.unit()) {
        (true, "USD") => Platform::PaymentClearing,
        (true, _) => Platform::Promotion,
        (false, "USD") => Platform::IncomeUsd,
        (false, _) => Platform::IncomeCredits,
    };
    let met = debit.min(credit) == platform_account(BRAND, other_side).get();
    ensure(met, || format!("{transfer:?}: not with {other_side:?}"))
}

/// What an account came to by final entries (what entered less what left), and what its open ones hold.
type Sums = BTreeMap<i64, (i128, i128)>;

fn sums(bank: &Bank) -> Sums {
    let mut sums = Sums::new();
    for transfer in &bank.transfers {
        let amount = i128::from(transfer.amount);
        let (fixed, open) = match transfer.phase {
            Phase::Single => (amount, 0),
            Phase::Pending => (0, amount),
            Phase::Post => (amount, -amount),
            Phase::Void => (0, -amount),
        };
        let left = sums.entry(transfer.debit.get()).or_default();
        *left = (left.0 - fixed, left.1 + open);
        let entered = sums.entry(transfer.credit.get()).or_default();
        *entered = (entered.0 + fixed, entered.1 - open);
    }
    sums
}

/// Double entry: what the purses say they have and what the platform's entries come to cancel out.
fn units_balance(bank: &Bank, chart: &BTreeMap<i64, &'static str>, sums: &Sums) -> Finding {
    for unit in ["USD", "CRD"] {
        let platform = chart.iter().filter(|(id, of)| **id < 0 && **of == unit);
        let platform: i128 = platform.filter_map(|(id, _)| sums.get(id)).map(|(fixed, _)| fixed).sum();
        let purses = bank.purses.values().flat_map(|purses| {
            let of_unit = Purse::ALL.into_iter().filter(|purse| purse.unit() == unit);
            of_unit.map(|purse| i128::from(purses.fund(purse).posted)).collect::<Vec<i128>>()
        });
        let sum = platform + purses.sum::<i128>();
        ensure(sum == 0, || format!("the {unit} books are off by {sum}"))?;
    }
    Ok(())
}

/// A purse is the sum of its final entries, what it holds the sum of its open ones, and never more than it has.
fn purses_are_sums(account: AccountId, purses: &Purses, sums: &Sums) -> Finding {
    for purse in Purse::ALL {
        let id = ledger_account(account, purse).get();
        let (fixed, open) = sums.get(&id).copied().unwrap_or_default();
        let fund = purses.fund(purse);
        let (posted, held) = (i128::from(fund.posted), i128::from(fund.held));
        ensure(posted == fixed, || format!("{account:?} {purse:?}: has {posted}, entries say {fixed}"))?;
        ensure(held == open, || format!("{account:?} {purse:?}: holds {held}, open entries say {open}"))?;
        ensure(0 <= held && held <= posted, || format!("{account:?} {purse:?}: overdrawn, {fund:?}"))?;
    }
    Ok(())
}

/// The customer's own list: each row's changes lead to its balances, their sum is what can be spent, and each tells
/// what it is worth.
fn shown_adds_up(bank: &Bank, account: AccountId, purses: &Purses) -> Finding {
    let (mut balance, mut credits) = (0i128, 0i128);
    for movement in bank.movements.iter().filter(|movement| movement.account == account) {
        let changes = (movement.balance_change.micros(), movement.credits_change.count());
        let (usd, crd) = (i128::from(changes.0), i128::from(changes.1));
        (balance, credits) = (balance + usd, credits + crd);
        let after = (i128::from(movement.balance_after.micros()), i128::from(movement.credits_after.count()));
        ensure(after == (balance, credits), || {
            format!("{movement:?}: it should be {balance} and {credits} after")
        })?;
        let worth = usd + crd * i128::from(bank.credit.micros());
        worth_is_told(bank, movement, worth)?;
        let signs_fit = match movement.kind {
            MovementKind::Purchase => usd <= 0 && crd <= 0 && worth < 0,
            MovementKind::Refund => usd >= 0 && crd >= 0 && worth > 0,
            MovementKind::Settlement => usd == 0 && crd == 0,
            MovementKind::Topup | MovementKind::Bonus | MovementKind::Adjustment => usd == 0 || crd == 0,
        };
        ensure(signs_fit, || format!("{movement:?}: not what its kind does"))?;
    }
    let can_spend =
        |purse: Purse| i128::from(purses.fund(purse).posted) - i128::from(purses.fund(purse).held);
    let all_credits: i128 = [Purse::Gift, Purse::Granted, Purse::Bought].map(can_spend).into_iter().sum();
    let truth = (can_spend(Purse::Balance), all_credits);
    ensure(truth == (balance, credits), || {
        format!("{account:?} was shown {balance} and {credits}, has {truth:?}")
    })?;
    let said =
        (i128::from(purses.balance_available().micros()), i128::from(purses.credits_available().count()));
    ensure(said == truth, || format!("{account:?} says {said:?}, has {truth:?}"))
}

/// The steps of a purchase tell its price, for which less than a credit too much may have been paid; any other change
/// tells what it is worth.
fn worth_is_told(bank: &Bank, movement: &Movement, worth: i128) -> Finding {
    let told = i128::from(movement.value.micros());
    let fits = match movement.kind {
        MovementKind::Purchase | MovementKind::Refund => {
            let place = usize::try_from(movement.reference.id() - 1).unwrap();
            let price = i128::from(bank.purchases[place].terms.price.micros());
            let paid = price..price + i128::from(bank.credit.micros());
            told == price * worth.signum() && paid.contains(&worth.abs())
        }
        _ => told == worth,
    };
    ensure(fits, || format!("{movement:?} is worth {worth}"))
}

/// An entry without its movement and phase: purse, both sides, amount.
type Leg = (Purse, i64, i64, i64);

/// The entries of each purchase, by the kind of step they belong to.
fn legs(bank: &Bank) -> BTreeMap<(i64, &'static str), BTreeSet<Leg>> {
    let mut legs: BTreeMap<(i64, &'static str), BTreeSet<Leg>> = BTreeMap::new();
    for transfer in &bank.transfers {
        let Some(movement) = movement_of(bank, transfer) else { continue };
        let leg = (transfer.purse, transfer.debit.get(), transfer.credit.get(), transfer.amount);
        legs.entry((movement.reference.id(), transfer.phase.as_str())).or_default().insert(leg);
    }
    legs
}

/// Each purchase has one hold and at most one resolution, which has the very entries of the hold.
fn holds_resolve_once(bank: &Bank) -> Finding {
    let mut kinds: BTreeMap<i64, Vec<MovementKind>> = BTreeMap::new();
    for movement in bank.movements.iter().filter(|movement| movement.reference.kind() == "activation") {
        kinds.entry(movement.reference.id()).or_default().push(movement.kind);
    }
    let legs = legs(bank);
    for (purchase, kinds) in kinds {
        let phase = match kinds.as_slice() {
            [MovementKind::Purchase] => continue,
            [MovementKind::Purchase, MovementKind::Settlement] => "post",
            [MovementKind::Purchase, MovementKind::Refund] => "void",
            other => return Err(format!("purchase {purchase} went {other:?}")),
        };
        let (held, resolved) = (legs.get(&(purchase, "pending")), legs.get(&(purchase, phase)));
        let fits = held.is_some() && held == resolved;
        ensure(fits, || format!("purchase {purchase} held {held:?}, resolved {resolved:?}"))?;
    }
    Ok(())
}

/// `freeCreditsUsed`: the gift's credits that went into purchases and did not come back. Never more than the gift.
pub fn audit_free_credits(bank: &Bank) -> Finding {
    for (account, purses) in &bank.purses {
        let gift = ledger_account(*account, Purse::Gift);
        let used: i128 = bank
            .transfers
            .iter()
            .filter(|transfer| transfer.debit == gift)
            .map(|transfer| match transfer.phase {
                Phase::Pending => i128::from(transfer.amount),
                Phase::Void => -i128::from(transfer.amount),
                Phase::Post | Phase::Single => 0,
            })
            .sum();
        let said = i128::from(purses.gift_used().count());
        ensure(said == used, || format!("{account:?}: {said} free credits used, entries say {used}"))?;
    }
    Ok(())
}
