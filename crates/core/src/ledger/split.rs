//! Which purses pay for a price: credits first (gift, granted, bought), then the balance.
//!
//! Whole credits that fit into the price are taken; a remainder below one credit comes from the balance,
//! and only if that cannot pay it one more credit is taken.
#![deny(clippy::arithmetic_side_effects)]

use super::{Purse, Purses};
use crate::money::{CreditValue, Credits, Overflow, Usd};

/// What a purchase takes from each purse.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Split {
    /// From the paid balance, micro-dollars.
    pub balance: i64,
    /// From the gift's credits.
    pub gift: i64,
    /// From granted credits.
    pub granted: i64,
    /// From bought credits.
    pub bought: i64,
}

impl Split {
    /// The part of one purse, in its own unit.
    pub const fn part(&self, purse: Purse) -> i64 {
        match purse {
            Purse::Balance => self.balance,
            Purse::Gift => self.gift,
            Purse::Granted => self.granted,
            Purse::Bought => self.bought,
        }
    }
    /// Credits of all origins.
    pub fn credits(&self) -> Result<Credits, Overflow> {
        Credits::new(self.gift).plus(Credits::new(self.granted))?.plus(Credits::new(self.bought))
    }
}

/// Both purses together cannot pay the price.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Short;

/// Divides a price over the purses.
pub fn split(purses: &Purses, price: Usd, credit: CreditValue) -> Result<Split, Short> {
    if price < Usd::ZERO {
        return Err(Short);
    }
    let have = purses.credits_available().count().max(0);
    let fitting = credit.fitting(price).count().min(have);
    let paid = credit.of(Credits::new(fitting)).map_err(|Overflow| Short)?;
    let rest = price.minus(paid).map_err(|Overflow| Short)?;
    if rest <= purses.balance_available() {
        return Ok(by_origin(purses, fitting, rest.micros()));
    }
    let one_more = fitting.saturating_add(1);
    if rest.micros() < credit.micros() && one_more <= have {
        return Ok(by_origin(purses, one_more, 0));
    }
    Err(Short)
}

fn by_origin(purses: &Purses, credits: i64, balance: i64) -> Split {
    let mut open = credits;
    let mut take = |available: i64| {
        let part = open.min(available.max(0));
        open = open.saturating_sub(part);
        part
    };
    let gift = take(purses.gift.available());
    let granted = take(purses.granted.available());
    let bought = take(purses.bought.available());
    Split { balance, gift, granted, bought }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Fund;

    fn purses(balance: i64, gift: i64, granted: i64, bought: i64) -> Purses {
        let fund = |posted| Fund { posted, held: 0 };
        Purses {
            balance: fund(balance),
            gift: fund(gift),
            granted: fund(granted),
            bought: fund(bought),
            gift_total: gift,
        }
    }

    /// price, purses (balance, gift, granted, bought) → what each pays, or nothing
    #[test]
    fn who_pays_table() {
        type Row = (i64, [i64; 4], Option<[i64; 4]>);
        let table: &[Row] = &[
            // the published example: 100 of 2000 credits pay $0.05
            (50_000, [100_500_000, 0, 2_000, 0], Some([0, 0, 100, 0])),
            // gift before granted before bought
            (50_000, [0, 40, 40, 40], Some([0, 40, 40, 20])),
            // credits that do not reach: the balance pays the rest
            (50_000, [100_000, 10, 0, 0], Some([45_000, 10, 0, 0])),
            // a remainder below one credit comes from the balance
            (50_200, [200, 0, 200, 0], Some([200, 0, 100, 0])),
            // and only if that cannot pay it, one more credit
            (50_200, [199, 0, 200, 0], Some([0, 0, 101, 0])),
            (100, [0, 1, 0, 0], Some([0, 1, 0, 0])),
            // one credit short of one more
            (50_200, [199, 0, 100, 0], None),
            // exactly the last cent
            (50_000, [50_000, 0, 0, 0], Some([50_000, 0, 0, 0])),
            (50_100, [50_000, 0, 0, 0], None),
            (50_000, [0, 0, 0, 0], None),
            // what is free is had with nothing; a price below nothing is no price
            (0, [0, 0, 0, 0], Some([0, 0, 0, 0])),
            (-1, [50_000, 0, 0, 0], None),
            (i64::MAX, [i64::MAX, 0, 0, 0], Some([i64::MAX, 0, 0, 0])),
        ];
        for (price, [b, g, gr, bo], expected) in table {
            let answer = split(&purses(*b, *g, *gr, *bo), Usd::from_micros(*price), CreditValue::PUBLISHED);
            let answer = answer.ok().map(|s| [s.balance, s.gift, s.granted, s.bought]);
            assert_eq!(answer, *expected, "price {price}, purses {:?}", [b, g, gr, bo]);
        }
    }
}
