//! Movements (what a customer sees, one row each) and the transfers behind them (double entry, one unit each).
//!
//! Immutable and free of personal data: opaque ids and typed references; texts are rendered when read.
#![deny(clippy::arithmetic_side_effects)]

use super::{Change, Purse, Purses, Split};
use crate::id::{AccountId, ActivationId, BrandId, LedgerAccountId, MovementId};
use crate::money::{CreditValue, Credits, Overflow, Usd};
use crate::time::Time;

/// What kind of step it was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MovementKind {
    /// Money came in.
    Topup,
    /// A purchase held its price.
    Purchase,
    /// A hold was posted: the purse's owner saw the change already, so lists leave it out.
    Settlement,
    /// A hold was voided.
    Refund,
    /// The operator corrected the balance.
    Adjustment,
    /// Credits were given.
    Bonus,
}

impl MovementKind {
    /// The word on the wire and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Topup => "topup",
            Self::Purchase => "purchase",
            Self::Settlement => "settlement",
            Self::Refund => "refund",
            Self::Adjustment => "adjustment",
            Self::Bonus => "bonus",
        }
    }
    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Topup, Self::Purchase, Self::Settlement, Self::Refund, Self::Adjustment, Self::Bonus]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }
}

/// What a movement is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reference {
    /// An activation.
    Activation(ActivationId),
    /// A step of the operator, by its own number.
    Operator(i64),
}

impl Reference {
    /// The word in the database.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Activation(_) => "activation",
            Self::Operator(_) => "operator",
        }
    }
    /// The row it points at.
    pub const fn id(self) -> i64 {
        match self {
            Self::Activation(id) => id.get(),
            Self::Operator(id) => id,
        }
    }
}

/// One step of the books.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Movement {
    /// Its row.
    pub id: MovementId,
    /// Whose purses.
    pub account: AccountId,
    /// Kind of step.
    pub kind: MovementKind,
    /// Name that can exist once: the step's idempotent id.
    pub step: String,
    /// What it is about.
    pub reference: Reference,
    /// Change of the spendable balance, micro-dollars.
    pub balance_change: Usd,
    /// Change of the spendable credits.
    pub credits_change: Credits,
    /// Worth in USD: of a purchase's steps its price, of another change what it was worth at the time.
    pub value: Usd,
    /// Spendable balance after it.
    pub balance_after: Usd,
    /// Spendable credits after it.
    pub credits_after: Credits,
    /// When.
    pub at: Time,
}

/// How a transfer counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Holds the amount.
    Pending,
    /// Makes a pending one final.
    Post,
    /// Undoes a pending one.
    Void,
    /// Final at once.
    Single,
}

impl Phase {
    /// The word in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Post => "post",
            Self::Void => "void",
            Self::Single => "single",
        }
    }
}

/// A double entry: the same amount leaves one ledger account and enters another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Transfer {
    /// The movement it belongs to.
    pub movement: MovementId,
    /// Which purse it touches: with the movement, its key.
    pub purse: Purse,
    /// How it counts.
    pub phase: Phase,
    /// Leaves here.
    pub debit: LedgerAccountId,
    /// Enters here.
    pub credit: LedgerAccountId,
    /// Always above zero.
    pub amount: i64,
}

/// The platform's own ledger accounts; sums, not rows, so none is hot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Platform {
    /// Sales paid in USD.
    IncomeUsd,
    /// Sales paid in credits.
    IncomeCredits,
    /// Where credits come from.
    Promotion,
    /// Where paid money comes from.
    PaymentClearing,
    /// Rentals paid but not earned yet.
    DeferredRentals,
    /// Money lying with providers.
    ProviderPrepaid,
    /// What providers charged.
    ProviderCost,
    /// Tax owed.
    TaxPayable,
    /// What charge-backs took beyond a purse.
    Receivable,
    /// Balances of closed accounts.
    Unclaimed,
}

impl Platform {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 10] = [
        Self::IncomeUsd,
        Self::IncomeCredits,
        Self::Promotion,
        Self::PaymentClearing,
        Self::DeferredRentals,
        Self::ProviderPrepaid,
        Self::ProviderCost,
        Self::TaxPayable,
        Self::Receivable,
        Self::Unclaimed,
    ];

    /// The word in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IncomeUsd => "income_usd",
            Self::IncomeCredits => "income_credits",
            Self::Promotion => "promotion",
            Self::PaymentClearing => "payment_clearing",
            Self::DeferredRentals => "deferred_rentals",
            Self::ProviderPrepaid => "provider_prepaid",
            Self::ProviderCost => "provider_cost",
            Self::TaxPayable => "tax_payable",
            Self::Receivable => "receivable",
            Self::Unclaimed => "unclaimed",
        }
    }
    /// Its unit.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::IncomeCredits | Self::Promotion => "CRD",
            _ => "USD",
        }
    }
    const fn number(self) -> i64 {
        match self {
            Self::IncomeUsd => 1,
            Self::IncomeCredits => 2,
            Self::Promotion => 3,
            Self::PaymentClearing => 4,
            Self::DeferredRentals => 5,
            Self::ProviderPrepaid => 6,
            Self::ProviderCost => 7,
            Self::TaxPayable => 8,
            Self::Receivable => 9,
            Self::Unclaimed => 10,
        }
    }
}

/// The ledger account of a purse: derived, so that no look-up is needed on the way of money.
pub const fn ledger_account(account: AccountId, purse: Purse) -> LedgerAccountId {
    let offset = match purse {
        Purse::Balance => 0,
        Purse::Gift => 1,
        Purse::Granted => 2,
        Purse::Bought => 3,
    };
    LedgerAccountId::new(account.get().saturating_mul(8).saturating_add(offset))
}

/// The ledger account of the platform under a brand: negative, so that it never meets a purse's.
pub const fn platform_account(brand: BrandId, platform: Platform) -> LedgerAccountId {
    LedgerAccountId::new(brand.get().saturating_mul(-32).saturating_sub(platform.number()))
}

const fn income(purse: Purse) -> Platform {
    match purse {
        Purse::Balance => Platform::IncomeUsd,
        Purse::Gift | Purse::Granted | Purse::Bought => Platform::IncomeCredits,
    }
}

const fn source(purse: Purse) -> Platform {
    match purse {
        Purse::Balance => Platform::PaymentClearing,
        Purse::Gift | Purse::Granted | Purse::Bought => Platform::Promotion,
    }
}

impl Movement {
    /// A step of a purchase: `Purchase` holds, `Settlement` posts, `Refund` voids. Its worth is the price, which stays
    /// what it was when an operator changes the worth of a credit in between.
    pub fn of_purchase(draft: Draft<'_>, split: &Split, price: Usd) -> Result<Self, Overflow> {
        let (credits, balance) = (split.credits()?, Usd::from_micros(split.balance));
        let (balance_change, credits_change, value) = match draft.kind {
            MovementKind::Purchase => (balance.negated()?, credits.negated()?, price.negated()?),
            MovementKind::Refund => (balance, credits, price),
            _ => (Usd::ZERO, Credits::ZERO, Usd::ZERO),
        };
        Ok(draft.movement(balance_change, credits_change, value))
    }

    /// A change from outside. Credits are worth what one buys now.
    pub fn of_change(draft: Draft<'_>, change: Change, credit: CreditValue) -> Result<Self, Overflow> {
        let (balance, credits) = match change.purse {
            Purse::Balance => (Usd::from_micros(change.amount), Credits::ZERO),
            _ => (Usd::ZERO, Credits::new(change.amount)),
        };
        let value = credit.of(credits)?.plus(balance)?;
        Ok(draft.movement(balance, credits, value))
    }

    /// The entries of a purchase's step, one a purse that takes part.
    pub fn transfers_of_purchase(&self, brand: BrandId, phase: Phase, split: &Split) -> Vec<Transfer> {
        let entry = |purse: Purse| Transfer {
            movement: self.id,
            purse,
            phase,
            debit: ledger_account(self.account, purse),
            credit: platform_account(brand, income(purse)),
            amount: split.part(purse),
        };
        Purse::ALL.into_iter().map(entry).filter(|transfer| transfer.amount > 0).collect()
    }

    /// The entry of a change from outside; none for a change of nothing.
    pub fn transfer_of_change(&self, brand: BrandId, change: Change) -> Option<Transfer> {
        let purse = ledger_account(self.account, change.purse);
        let platform = platform_account(brand, source(change.purse));
        let (debit, credit) = if change.amount < 0 { (purse, platform) } else { (platform, purse) };
        let amount = change.amount.checked_abs().filter(|amount| *amount > 0)?;
        Some(Transfer { movement: self.id, purse: change.purse, phase: Phase::Single, debit, credit, amount })
    }
}

/// What a movement needs besides its amounts.
pub struct Draft<'a> {
    /// Its row.
    pub id: MovementId,
    /// Whose purses.
    pub account: AccountId,
    /// Kind of step.
    pub kind: MovementKind,
    /// What it is about.
    pub reference: Reference,
    /// Name of the step, unique.
    pub step: String,
    /// The purses after the step.
    pub after: &'a Purses,
    /// When.
    pub at: Time,
}

impl Draft<'_> {
    fn movement(self, balance_change: Usd, credits_change: Credits, value: Usd) -> Movement {
        Movement {
            id: self.id,
            account: self.account,
            kind: self.kind,
            step: self.step,
            reference: self.reference,
            balance_change,
            credits_change,
            value,
            balance_after: self.after.balance_available(),
            credits_after: self.after.credits_available(),
            at: self.at,
        }
    }
}
