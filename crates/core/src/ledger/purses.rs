//! An account's four purses. What is held counts against the limit at once, so the second step of a
//! two-phase transfer can never break the rule `0 ≤ held ≤ posted`.
#![deny(clippy::arithmetic_side_effects)]

use super::Split;
use crate::money::{Credits, Overflow, Usd};

/// A purse: the paid balance in USD, or credits by their origin.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Purse {
    /// Paid money, USD.
    Balance,
    /// Credits of the sign-up gift.
    Gift,
    /// Credits granted by the operator.
    Granted,
    /// Credits that were bought.
    Bought,
}

impl Purse {
    /// All purses; also the order of their ledger accounts.
    pub const ALL: [Self; 4] = [Self::Balance, Self::Gift, Self::Granted, Self::Bought];

    /// The word in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Balance => "balance",
            Self::Gift => "gift",
            Self::Granted => "granted",
            Self::Bought => "bought",
        }
    }
    /// The unit it is counted in: `USD` (micro-dollars) or `CRD`.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Balance => "USD",
            Self::Gift | Self::Granted | Self::Bought => "CRD",
        }
    }
}

/// What a purse holds, in its own unit.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Fund {
    /// Everything that is in it, held or not.
    pub posted: i64,
    /// The part that open purchases hold.
    pub held: i64,
}

/// Why the books said no. Nothing was changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// Not enough in the purse.
    Short,
    /// A part of a purchase is below zero: a defect.
    Negative,
    /// More was to be released than is held: a defect.
    NotHeld,
    /// Past 64 bits.
    Overflow,
}

impl From<Overflow> for Refused {
    fn from(_: Overflow) -> Self {
        Self::Overflow
    }
}

impl Fund {
    /// What can be spent.
    pub const fn available(self) -> i64 {
        self.posted.saturating_sub(self.held)
    }

    fn checked(posted: Option<i64>, held: Option<i64>) -> Result<Self, Refused> {
        let fund = Self { posted: posted.ok_or(Refused::Overflow)?, held: held.ok_or(Refused::Overflow)? };
        match (fund.held < 0, fund.held > fund.posted) {
            (true, _) => Err(Refused::NotHeld),
            (_, true) => Err(Refused::Short),
            _ => Ok(fund),
        }
    }
    fn hold(self, amount: i64) -> Result<Self, Refused> {
        Self::checked(Some(self.posted), self.held.checked_add(amount))
    }
    fn post(self, amount: i64) -> Result<Self, Refused> {
        Self::checked(self.posted.checked_sub(amount), self.held.checked_sub(amount))
    }
    fn void(self, amount: i64) -> Result<Self, Refused> {
        Self::checked(Some(self.posted), self.held.checked_sub(amount))
    }
    fn add(self, amount: i64) -> Result<Self, Refused> {
        Self::checked(self.posted.checked_add(amount), Some(self.held))
    }
}

/// The purses of one account.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Purses {
    /// Paid money in micro-dollars.
    pub balance: Fund,
    /// Credits of the sign-up gift.
    pub gift: Fund,
    /// Credits granted by the operator.
    pub granted: Fund,
    /// Credits that were bought.
    pub bought: Fund,
    /// Credits the sign-up gift had, for `freeCreditsUsed`.
    pub gift_total: i64,
}

/// A change of one purse from outside (a top-up, a grant, a correction); negative takes away.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Change {
    /// Which purse.
    pub purse: Purse,
    /// How much, in the purse's own unit.
    pub amount: i64,
}

impl Purses {
    /// Paid money that can be spent.
    pub fn balance_available(&self) -> Usd {
        Usd::from_micros(self.balance.available())
    }
    /// Credits of all origins that can be spent.
    pub fn credits_available(&self) -> Credits {
        let sum = self.gift.available().saturating_add(self.granted.available());
        Credits::new(sum.saturating_add(self.bought.available()))
    }
    /// Credits of the sign-up gift that are spent or held.
    pub fn gift_used(&self) -> Credits {
        Credits::new(self.gift_total.saturating_sub(self.gift.available()).max(0))
    }

    /// First step of a purchase: the split's amounts are held.
    pub fn hold(&self, split: &Split) -> Result<Self, Refused> {
        self.each(split, Fund::hold)
    }
    /// Second step, for good: what was held is spent.
    pub fn post(&self, split: &Split) -> Result<Self, Refused> {
        self.each(split, Fund::post)
    }
    /// Second step, undone: what was held is free again, in the purses and origins it came from.
    pub fn void(&self, split: &Split) -> Result<Self, Refused> {
        self.each(split, Fund::void)
    }
    /// A change from outside. Taking away what is not available is refused.
    pub fn change(&self, change: Change) -> Result<Self, Refused> {
        let mut after = *self;
        let fund = after.fund_mut(change.purse);
        *fund = fund.add(change.amount)?;
        // A gift that is corrected was smaller; only purchases use it up.
        if change.purse == Purse::Gift {
            after.gift_total = after.gift_total.checked_add(change.amount).ok_or(Refused::Overflow)?;
        }
        let credits = after.gift.posted.checked_add(after.granted.posted);
        credits.and_then(|sum| sum.checked_add(after.bought.posted)).ok_or(Refused::Overflow)?;
        Ok(after)
    }

    /// One purse.
    pub const fn fund(&self, purse: Purse) -> Fund {
        match purse {
            Purse::Balance => self.balance,
            Purse::Gift => self.gift,
            Purse::Granted => self.granted,
            Purse::Bought => self.bought,
        }
    }

    const fn fund_mut(&mut self, purse: Purse) -> &mut Fund {
        match purse {
            Purse::Balance => &mut self.balance,
            Purse::Gift => &mut self.gift,
            Purse::Granted => &mut self.granted,
            Purse::Bought => &mut self.bought,
        }
    }

    fn each(&self, split: &Split, step: fn(Fund, i64) -> Result<Fund, Refused>) -> Result<Self, Refused> {
        let mut after = *self;
        for purse in Purse::ALL {
            let (fund, part) = (after.fund_mut(purse), split.part(purse));
            if part < 0 {
                return Err(Refused::Negative);
            }
            *fund = step(*fund, part)?;
        }
        Ok(after)
    }
}
