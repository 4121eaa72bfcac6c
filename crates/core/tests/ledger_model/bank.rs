//! The least that stands around the rules of money: keeps purses, movements, transfers and purchases in memory
//! and writes a step whole or not at all. It decides nothing: whether a hold is posted or voided is the
//! activation's answer, whether a purse can pay is the ledger's. It must never mend what they say.

use numberotp_core::activation::{Activation, HasCode, Line, Money, State, Step, Terms};
use numberotp_core::id::{AccountId, ActivationId, BrandId, MessageId, MovementId};
use numberotp_core::ledger::{
    Change, Draft, Movement, MovementKind, Phase, Purses, Reference, Transfer, split,
};
use numberotp_core::money::{CreditValue, Usd};
use numberotp_core::text::{Operator, PhoneNumber, Pool, ProviderCode};
use numberotp_core::time::{Span, Time};
use numberotp_core::vocabulary::{CountryId, ServiceCode};
use std::collections::BTreeMap;

/// The white label that everything happens under; not the platform's own, so that a mix-up shows.
pub const BRAND: BrandId = BrandId::new(4);

/// What is done with a purchase.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turn {
    Attach,
    Fail,
    Message,
    Cancel,
    Finish,
    Expire,
}

/// The books said no, in their own words.
#[derive(PartialEq, Eq, Debug)]
pub struct Refusal(pub String);

fn no<T, E: std::fmt::Debug>(answer: Result<T, E>) -> Result<T, Refusal> {
    answer.map_err(|error| Refusal(format!("{error:?}")))
}

/// Everything that is written down.
pub struct Bank {
    pub credit: CreditValue,
    pub purses: BTreeMap<AccountId, Purses>,
    pub purchases: Vec<Activation>,
    pub movements: Vec<Movement>,
    pub transfers: Vec<Transfer>,
}

impl Bank {
    /// Empty purses for each account.
    pub fn new(credit: CreditValue, accounts: &[AccountId]) -> Self {
        let purses = accounts.iter().map(|account| (*account, Purses::default())).collect();
        Self { credit, purses, purchases: vec![], movements: vec![], transfers: vec![] }
    }

    fn now(&self) -> Time {
        Time::from_micros(1_714_384_800_000_000)
            .plus(Span::seconds(i64::try_from(self.movements.len()).unwrap()))
    }

    fn draft<'a>(&self, account: AccountId, kind: MovementKind, after: &'a Purses) -> Draft<'a> {
        let id = MovementId::new(i64::try_from(self.movements.len()).unwrap() + 1);
        let (reference, step) = (Reference::Operator(id.get()), format!("step:{}", id.get()));
        Draft { id, account, kind, reference, step, after, at: self.now() }
    }

    fn write(&mut self, movement: Movement, transfers: Vec<Transfer>, after: Purses) {
        self.purses.insert(movement.account, after);
        self.transfers.extend(transfers);
        self.movements.push(movement);
    }

    /// A change from outside.
    pub fn change(&mut self, account: AccountId, kind: MovementKind, change: Change) -> Result<(), Refusal> {
        let after = no(self.purses[&account].change(change))?;
        let movement = no(Movement::of_change(self.draft(account, kind, &after), change, self.credit))?;
        let transfers = movement.transfer_of_change(BRAND, change).into_iter().collect();
        self.write(movement, transfers, after);
        Ok(())
    }

    /// Holds a price. The answer is the purchase's place in `purchases`.
    pub fn buy(&mut self, account: AccountId, price: Usd) -> Result<usize, Refusal> {
        let before = self.purses[&account];
        let paid = no(split(&before, price, self.credit))?;
        let after = no(before.hold(&paid))?;
        let place = self.purchases.len();
        let id = ActivationId::new(i64::try_from(place).unwrap() + 1);
        let draft = self.draft(account, MovementKind::Purchase, &after);
        let draft = Draft { reference: Reference::Activation(id), ..draft };
        let movement = no(Movement::of_purchase(draft, &paid, price))?;
        let hold = movement.id;
        let (created_at, terms, state) = (self.now(), terms(price), State::Reserving);
        let purchase = Activation { id, brand: BRAND, account, terms, split: paid, hold, created_at, state };
        let transfers = movement.transfers_of_purchase(BRAND, Phase::Pending, &paid);
        self.write(movement, transfers, after);
        self.purchases.push(purchase);
        Ok(place)
    }

    /// Takes a turn with a purchase and books what the activation says of the money, which is the answer.
    pub fn turn(&mut self, place: usize, turn: Turn) -> Result<Money, Refusal> {
        let purchase = self.purchases[place].clone();
        let now = self.now();
        let step = match turn {
            Turn::Attach => no(purchase.attach(line(now)))?,
            Turn::Fail => no(purchase.fail(now))?,
            Turn::Message => purchase.receive(MessageId::new(1), HasCode::Yes, now).0,
            Turn::Cancel => no(purchase.cancel(now))?,
            Turn::Finish => no(purchase.finish(now))?,
            Turn::Expire => {
                let deadline = purchase.state.line().map_or(now, |line| line.expires_at);
                no(purchase.expire(deadline))?
            }
        };
        let Step { activation, effects } = step;
        match effects.money {
            Money::Keep => {}
            Money::Post => self.resolve(&activation, MovementKind::Settlement)?,
            Money::Void => self.resolve(&activation, MovementKind::Refund)?,
        }
        self.purchases[place] = activation;
        Ok(effects.money)
    }

    fn resolve(&mut self, purchase: &Activation, kind: MovementKind) -> Result<(), Refusal> {
        let before = self.purses[&purchase.account];
        let (after, phase) = match kind {
            MovementKind::Settlement => (no(before.post(&purchase.split))?, Phase::Post),
            _ => (no(before.void(&purchase.split))?, Phase::Void),
        };
        let draft = self.draft(purchase.account, kind, &after);
        let draft = Draft { reference: Reference::Activation(purchase.id), ..draft };
        let movement = no(Movement::of_purchase(draft, &purchase.split, purchase.terms.price))?;
        let transfers = movement.transfers_of_purchase(purchase.brand, phase, &purchase.split);
        self.write(movement, transfers, after);
        Ok(())
    }
}

fn terms(price: Usd) -> Terms {
    Terms {
        service: ServiceCode::parse("tg").unwrap(),
        country: CountryId::new(187),
        operator: Operator::any(),
        pool: Pool::new(1).unwrap(),
        provider: ProviderCode::parse("sandbox").unwrap(),
        price,
        provider_cost: 0,
        cost_currency: "USD".into(),
    }
}

fn line(now: Time) -> Line {
    let number = PhoneNumber::parse("12025550123").unwrap();
    // Wide enough that no step of a run ends it: only the turn `Expire` does.
    Line { number, provider_ref: "ref-1".into(), attached_at: now, expires_at: now.plus(Span::hours(24)) }
}
