//! What each command does, in memory: the rules of `core` applied to the working set. No statement here.

use super::Rules;
use super::command::{Answer, Attach, Attached, Claim, Close, Closed, Closing, Command, Reserve, Reserved};
use super::working::{Lease, Working};
use crate::store::StoreError;
use crate::store::idempotency::UsedKey;
use crate::store::tx::Sequence;
use numberotp_core::activation::{Activation, Line, Money, Release, State, Step, Watch};
use numberotp_core::caller::Standing;
use numberotp_core::id::{AccountId, ActivationId, ApiKeyId, EventId, MovementId};
use numberotp_core::inbound::Candidate;
use numberotp_core::job::JobKind;
use numberotp_core::ledger::{Draft, Movement, MovementKind, Phase, Purses, Reference, split};
use numberotp_core::money::Usd;
use numberotp_core::time::{Span, Time};

/// A provider that never answered may still give a number; it is asked to take it back after this.
const SWEEP_AFTER: Span = Span::seconds(30);

/// Where fresh row numbers come from.
pub type Ids<'a> = &'a mut dyn FnMut(Sequence) -> Result<i64, StoreError>;

/// Carries out one command on the working set.
pub fn decide(
    working: &mut Working,
    rules: &Rules,
    ids: Ids<'_>,
    command: &Command,
) -> Result<Answer, StoreError> {
    let mut desk = Desk { working, rules, ids };
    match command {
        Command::Reserve(reserve) => desk.reserve(reserve).map(Answer::Reserved),
        Command::Attach(attach) => desk.attach(attach).map(Answer::Attached),
        Command::Receive(receive) => desk.receive(receive).map(Answer::Received),
        Command::Close(close) => desk.close(close).map(Answer::Closed),
    }
}

pub(super) struct Desk<'a> {
    pub(super) working: &'a mut Working,
    pub(super) rules: &'a Rules,
    ids: Ids<'a>,
}

/// The books cannot be out of range or release what was not held, unless we have a defect.
fn books<T, E: std::fmt::Debug>(answer: Result<T, E>) -> Result<T, StoreError> {
    answer.map_err(|error| StoreError::Driver(format!("the books refuse: {error:?}")))
}

impl Desk<'_> {
    pub(super) fn id(&mut self) -> Result<i64, StoreError> {
        (self.ids)(Sequence::Row)
    }

    fn reserve(&mut self, reserve: &Reserve) -> Result<Reserved, StoreError> {
        let Some(payer) = self.working.payers.get(&reserve.account) else { return Ok(Reserved::Missing) };
        if payer.standing.may_buy().is_err() {
            return Ok(Reserved::MayNotBuy(payer.standing));
        }
        let claimed =
            reserve.claim.as_ref().map(|claim| (reserve.account, claim.scope.clone(), claim.key.clone()));
        let used = claimed.as_ref().and_then(|name| self.working.keys.get(name)).cloned();
        if let (Some(used), Some(claim)) = (&used, &reserve.claim)
            && used.stands(reserve.now)
            && let Some(repeated) = used.tell(claim, &self.activation(used.activation)?)
        {
            return Ok(Reserved::Repeated(repeated));
        }
        let Some(payer) = self.working.payers.get(&reserve.account) else { return Ok(Reserved::Missing) };
        let Ok(split) = split(&payer.purses, reserve.terms.price, self.rules.credit) else {
            return Ok(Reserved::Short);
        };
        let Ok(purses) = payer.purses.hold(&split) else { return Ok(Reserved::Short) };
        if let Some(key) = reserve.capped
            && !self.spend(key, reserve.terms.price)
        {
            return Ok(Reserved::Capped);
        }
        let id = ActivationId::new((self.ids)(Sequence::Purchase)?);
        let hold = MovementId::new(self.id()?);
        let activation = Activation {
            id,
            brand: reserve.brand,
            account: reserve.account,
            terms: reserve.terms.clone(),
            split,
            hold,
            created_at: reserve.now,
            state: State::Reserving,
        };
        self.book(&activation, (MovementKind::Purchase, hold), purses, reserve.now)?;
        self.working.new_jobs.push((JobKind::ActivationWatch, id.get(), reserve.reconcile_at));
        if let Some(key) = reserve.capped {
            self.working.capped_purchases.insert(id, key);
        }
        self.working.activations.insert(id, activation.clone());
        self.working.new_activations.push((id, reserve.origin.clone()));
        if let (Some(name), Some(claim)) = (claimed, &reserve.claim) {
            self.claim(name, claim, used.map(|used| used.id), (id, purses, reserve.now))?;
        }
        Ok(Reserved::Held(Box::new(activation), purses))
    }

    /// Counts a price against a key's cap. False: it would be above the cap, or the key is gone; nothing changed.
    fn spend(&mut self, id: ApiKeyId, price: Usd) -> bool {
        let Some(key) = self.working.capped_keys.get_mut(&id) else { return false };
        let Some(spent) = key.spent.plus(price).ok().filter(|spent| *spent <= key.cap) else { return false };
        key.spent = spent;
        self.working.changed_keys.insert(id);
        true
    }

    /// What was held comes back to the cap of the key that bought it.
    fn unspend(&mut self, activation: &Activation) -> Result<(), StoreError> {
        let Some(id) = self.working.capped_purchases.get(&activation.id) else { return Ok(()) };
        if let Some(key) = self.working.capped_keys.get_mut(id) {
            key.spent = books(key.spent.minus(activation.terms.price))?;
            self.working.changed_keys.insert(*id);
        }
        Ok(())
    }

    /// The key is this purchase's now; one that ended, or whose purchase failed, makes room.
    fn claim(
        &mut self,
        name: (AccountId, String, String),
        claim: &Claim,
        before: Option<i64>,
        (activation, purses, now): (ActivationId, Purses, Time),
    ) -> Result<(), StoreError> {
        if let Some(before) = before {
            self.working.new_keys.retain(|(_, _, key)| key.id != before);
            self.working.ended_keys.push(before);
        }
        let key = UsedKey {
            id: self.id()?,
            fingerprint: claim.fingerprint.clone(),
            activation,
            balance_after: purses.balance_available(),
            credits_after: purses.credits_available(),
            created_at: now,
        };
        self.working.new_keys.push((name.0, claim.clone(), key.clone()));
        self.working.keys.insert(name, key);
        Ok(())
    }

    fn attach(&mut self, attach: &Attach) -> Result<Attached, StoreError> {
        let Some(activation) = self.working.activations.get(&attach.activation).cloned() else {
            return Err(StoreError::Corrupt { table: "activations", column: "id" });
        };
        let line = Line {
            number: attach.number.clone(),
            provider_ref: attach.provider_ref.clone(),
            attached_at: attach.now,
            expires_at: attach.expires_at,
        };
        let step = match activation.attach(line) {
            Ok(step) => step,
            Err(refused) => return Ok(Attached::Refused(refused.0)),
        };
        if step.effects.event.is_some() {
            self.open_lease(&step.activation, attach);
            self.take(step, attach.now)?;
            self.adopt(attach)?;
        }
        Ok(Attached::Attached(Box::new(self.activation(attach.activation)?)))
    }

    fn open_lease(&mut self, activation: &Activation, attach: &Attach) {
        let id = activation.id;
        let service = activation.terms.service.clone();
        let lease = Lease {
            brand: activation.brand,
            account: activation.account,
            provider: activation.terms.provider.clone(),
            provider_ref: attach.provider_ref.clone(),
            number: attach.number.clone(),
            candidate: Candidate { activation: id, service },
            // The right reaches back to the moment the purchase began: its first message may be quicker than we are.
            from_at: activation.created_at,
            to_at: attach.expires_at,
            closed_at: None,
        };
        self.working.leases.insert(id, lease);
        self.working.new_leases.push(id);
    }

    fn close(&mut self, close: &Close) -> Result<Closed, StoreError> {
        let Some(activation) = self.working.activations.get(&close.activation).cloned() else {
            return Ok(Closed::Missing);
        };
        let (owner, status) = (activation.account, activation.state.status());
        let taken = match close.closing {
            Closing::Cancel(account) | Closing::Finish(account) if account != owner => {
                return Ok(Closed::Missing);
            }
            Closing::Cancel(_) => activation.cancel(close.now),
            Closing::Finish(_) => activation.finish(close.now),
            Closing::Fail | Closing::GiveUp => activation.fail(close.now),
            Closing::Expire => activation.expire(close.now),
        };
        let Ok(step) = taken else { return Ok(Closed::Refused(status)) };
        if close.closing == Closing::GiveUp && step.effects.money == Money::Void {
            let sweep_at = close.now.plus(SWEEP_AFTER);
            self.working.new_jobs.push((JobKind::ActivationSweep, close.activation.get(), sweep_at));
        }
        self.take(step, close.now)?;
        Ok(Closed::Done(Box::new(self.activation(close.activation)?), self.purses(owner)?))
    }

    /// Writes a step and all that follows it into the working set.
    pub(super) fn take(&mut self, step: Step, now: Time) -> Result<(), StoreError> {
        let Step { activation, effects } = step;
        let (id, account) = (activation.id, activation.account);
        match effects.money {
            Money::Keep => {}
            Money::Post => self.resolve(&activation, MovementKind::Settlement, now)?,
            Money::Void => self.resolve(&activation, MovementKind::Refund, now)?,
        }
        let watch = JobKind::ActivationWatch.of(id.get());
        match effects.watch {
            Watch::Unchanged => {}
            Watch::At(at) => {
                self.working.moved_jobs.insert(watch, at);
            }
            Watch::Over => {
                self.working.moved_jobs.remove(&watch);
                self.working.ended_jobs.insert(watch);
            }
        }
        if effects.release == Release::Yes {
            self.working.new_jobs.push((JobKind::ActivationRelease, id.get(), now));
        }
        if let Some(event) = effects.event {
            let event_id = EventId::new(self.id()?);
            self.working.events.push((event_id, account, event, id, now));
        }
        if let (Some(at), Some(_)) = (activation.state.closed_at(), activation.state.line()) {
            let missing = StoreError::Corrupt { table: "leases", column: "activation_id" };
            let lease = self.lease_of(id).ok_or(missing)?;
            if lease.closed_at.is_none() {
                lease.closed_at = Some(at);
                self.working.closed_leases.insert(id);
            }
        }
        if self.working.activations.get(&id) != Some(&activation) {
            self.working.changed_activations.insert(id);
            self.working.activations.insert(id, activation);
        }
        Ok(())
    }

    fn resolve(&mut self, activation: &Activation, kind: MovementKind, now: Time) -> Result<(), StoreError> {
        let purses = self.purses(activation.account)?;
        let after = match kind {
            MovementKind::Settlement => books(purses.post(&activation.split))?,
            _ => books(purses.void(&activation.split))?,
        };
        if kind != MovementKind::Settlement {
            self.unspend(activation)?;
        }
        let id = MovementId::new(self.id()?);
        self.book(activation, (kind, id), after, now)
    }

    /// One movement of a purchase with its transfers, and the purses after it.
    fn book(
        &mut self,
        activation: &Activation,
        (kind, id): (MovementKind, MovementId),
        after: Purses,
        at: Time,
    ) -> Result<(), StoreError> {
        let (step, phase) = match kind {
            MovementKind::Purchase => ("hold", Phase::Pending),
            MovementKind::Settlement => ("resolve", Phase::Post),
            _ => ("resolve", Phase::Void),
        };
        let draft = Draft {
            id,
            account: activation.account,
            kind,
            reference: Reference::Activation(activation.id),
            // Posting and voiding share a name, so the database itself lets a hold resolve once.
            step: format!("activation:{}:{step}", activation.id.get()),
            after: &after,
            at,
        };
        let movement = books(Movement::of_purchase(draft, &activation.split, activation.terms.price))?;
        self.working.transfers.extend(movement.transfers_of_purchase(
            activation.brand,
            phase,
            &activation.split,
        ));
        self.working.movements.push(movement);
        if let Some(payer) = self.working.payers.get_mut(&activation.account) {
            payer.purses = after;
        }
        self.working.changed_purses.insert(activation.account);
        Ok(())
    }

    pub(super) fn lease_of(&mut self, id: ActivationId) -> Option<&mut Lease> {
        self.working.leases.get_mut(&id)
    }

    pub(super) fn activation(&self, id: ActivationId) -> Result<Activation, StoreError> {
        let found = self.working.activations.get(&id).cloned();
        found.ok_or(StoreError::Corrupt { table: "activations", column: "id" })
    }

    /// Where a buyer stands; read and locked together with its purses.
    pub(super) fn standing(&self, account: AccountId) -> Result<Standing, StoreError> {
        let payer = self.working.payers.get(&account);
        payer.map(|payer| payer.standing).ok_or(StoreError::Corrupt { table: "purses", column: "account_id" })
    }

    fn purses(&self, account: AccountId) -> Result<Purses, StoreError> {
        let payer = self.working.payers.get(&account);
        payer.map(|payer| payer.purses).ok_or(StoreError::Corrupt { table: "purses", column: "account_id" })
    }
}
