//! What each command does, in memory: the rules of `core` applied to the working set. No statement here.

use super::Rules;
use super::command::{
    Answer, Attach, Attached, Claim, Close, Closed, Closing, Command, Receive, Received, Reserve, Reserved,
};
use super::working::{Adoption, Lease, NewMessage, PARKED_FOR, Parked, Working};
use crate::store::StoreError;
use crate::store::idempotency::UsedKey;
use crate::store::tx::Sequence;
use numberotp_core::activation::{
    Activation, HasCode, Line, Money, Release, SealedBecause, State, Step, Verdict, Watch, WithheldBecause,
};
use numberotp_core::id::{AccountId, ActivationId, EventId, JobId, LeaseId, MessageId, MovementId};
use numberotp_core::inbound::{Candidate, Match, choose};
use numberotp_core::job::JobKind;
use numberotp_core::ledger::{Draft, Movement, MovementKind, Phase, Purses, Reference, split};
use numberotp_core::time::{Span, Time};

/// By so much a provider's clock may be behind ours.
const CLOCKS_DIFFER: Span = Span::seconds(60);
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

struct Desk<'a> {
    working: &'a mut Working,
    rules: &'a Rules,
    ids: Ids<'a>,
}

/// The books cannot be out of range or release what was not held, unless we have a defect.
fn books<T, E: std::fmt::Debug>(answer: Result<T, E>) -> Result<T, StoreError> {
    answer.map_err(|error| StoreError::Driver(format!("the books refuse: {error:?}")))
}

impl Desk<'_> {
    fn id(&mut self) -> Result<i64, StoreError> {
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
        let job = JobId::new(self.id()?);
        self.working.new_jobs.push((job, JobKind::ActivationWatch, id.get(), reserve.reconcile_at));
        self.working.activations.insert(id, activation);
        self.working.new_activations.push((id, reserve.origin.clone()));
        if let (Some(name), Some(claim)) = (claimed, &reserve.claim) {
            self.claim(name, claim, used.map(|used| used.id), (id, purses, reserve.now))?;
        }
        Ok(Reserved::Held(id, purses))
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
            self.open_lease(&step.activation, attach)?;
            self.take(step, attach.now)?;
            self.adopt(attach)?;
        }
        let activation = self.activation(attach.activation)?;
        let purses = self.purses(activation.account)?;
        Ok(Attached::Attached(Box::new(activation), purses))
    }

    fn open_lease(&mut self, activation: &Activation, attach: &Attach) -> Result<(), StoreError> {
        let id = LeaseId::new(self.id()?);
        let service = activation.terms.service.clone();
        let lease = Lease {
            id,
            brand: activation.brand,
            account: activation.account,
            provider: activation.terms.provider.clone(),
            provider_ref: attach.provider_ref.clone(),
            number: attach.number.clone(),
            candidate: Candidate { lease: id, activation: activation.id, service },
            // The right reaches back to the moment the purchase began: its first message may be quicker than we are.
            from_at: activation.created_at,
            to_at: attach.expires_at,
            closed_at: None,
        };
        self.working.leases.insert(id, lease);
        self.working.new_leases.push(id);
        Ok(())
    }

    /// Messages that were quicker than our own bookkeeping: by reference, or by number since the purchase began.
    fn adopt(&mut self, attach: &Attach) -> Result<(), StoreError> {
        let activation = self.activation(attach.activation)?;
        let begun = activation.created_at;
        let oldest = attach.now.minus(PARKED_FOR);
        let meant = |parked: &&Parked| {
            parked.provider == activation.terms.provider
                && parked.received_at >= oldest
                && match &parked.provider_ref {
                    Some(reference) => *reference == attach.provider_ref,
                    None => parked.number.as_ref() == Some(&attach.number) && parked.received_at >= begun,
                }
        };
        let mut messages: Vec<Parked> = self.working.parked.values().filter(meant).cloned().collect();
        messages.sort_by_key(|parked| (parked.received_at, parked.id));
        // The reference proves the right to what came under it, so the lease reaches back to that.
        if let (Some(first), Some(lease)) = (messages.first(), self.lease_of(attach.activation)) {
            lease.from_at = lease.from_at.min(first.received_at);
        }
        for parked in messages {
            self.working.parked.remove(&parked.id);
            self.working.matched.insert(parked.id);
            let verdict = self.verdict(attach.activation, &parked)?;
            match self.working.new_messages.iter_mut().find(|(new, _)| new.id == parked.id) {
                Some((new, _)) => {
                    new.verdict = verdict;
                    new.activation = Some(attach.activation);
                }
                None => self.working.adoptions.push(Adoption {
                    message: parked.id,
                    verdict,
                    activation: attach.activation,
                }),
            }
        }
        Ok(())
    }

    fn receive(&mut self, receive: &Receive) -> Result<Received, StoreError> {
        let key = (receive.provider.clone(), receive.dedupe_key.clone());
        if let Some(known) = self.working.seen.get(&key) {
            return Ok(self.received(*known));
        }
        let id = MessageId::new(self.id()?);
        let parked = Parked {
            id,
            provider: receive.provider.clone(),
            provider_ref: receive.provider_ref.clone(),
            number: receive.number.clone(),
            has_code: receive.has_code,
            withheld: receive.withheld,
            received_at: receive.now,
        };
        let (verdict, activation) = match self.find(receive) {
            Match::One(_, activation) => (self.verdict(activation, &parked)?, Some(activation)),
            Match::Nothing => (self.alone(&parked)?, None),
            Match::Sealed(because) => (Verdict::Sealed(because), None),
        };
        if verdict == Verdict::Parked {
            self.working.parked.insert(id, parked);
        }
        self.working.seen.insert(key, id);
        if activation.is_some() {
            self.working.matched.insert(id);
        }
        self.working.new_messages.push((NewMessage { id, verdict, activation }, receive.clone()));
        Ok(self.received(id))
    }

    fn received(&self, message: MessageId) -> Received {
        if self.working.matched.contains(&message) { Received::Matched } else { Received::Unmatched }
    }

    fn find(&self, receive: &Receive) -> Match {
        let of_provider = || self.working.leases.values().filter(|lease| lease.provider == receive.provider);
        if let Some(reference) = &receive.provider_ref {
            let lease = of_provider().find(|lease| lease.provider_ref == *reference);
            // A reference that is not known yet is a purchase that is being confirmed: never guess by number.
            return choose(lease.map(|lease| &lease.candidate), &[], &[]);
        }
        let of_number = of_provider().filter(|lease| receive.number.as_ref() == Some(&lease.number));
        let open: Vec<&Lease> = of_number.filter(|lease| lease.open_at(receive.now)).collect();
        // A message that the provider had before a lease began was meant for somebody else.
        let since =
            |lease: &&&Lease| receive.sent_at.is_none_or(|sent| sent >= lease.from_at.minus(CLOCKS_DIFFER));
        let meant: Vec<Candidate> = open.iter().filter(since).map(|lease| lease.candidate.clone()).collect();
        // Nor is an old one parked: the next purchase of the number would adopt it.
        let old = receive.sent_at.is_some_and(|sent| sent < receive.now.minus(CLOCKS_DIFFER));
        if meant.is_empty() && (!open.is_empty() || old) {
            return Match::Sealed(SealedBecause::Late);
        }
        choose(None, &meant, &receive.services)
    }

    /// What becomes of a message for an activation: withheld, unless its service is excepted and sends such.
    fn verdict(&mut self, id: ActivationId, message: &Parked) -> Result<Verdict, StoreError> {
        match message.withheld {
            Some(because) if !self.rules.exceptions.expect(&self.activation(id)?.terms.service, because) => {
                self.withhold(because, Some(id), message.received_at)
            }
            _ => self.deliver(id, message.id, message.has_code, message.received_at),
        }
    }

    /// What becomes of a message that nothing matches yet. One that nobody may see need not wait.
    fn alone(&mut self, message: &Parked) -> Result<Verdict, StoreError> {
        match message.withheld {
            Some(because) if !self.rules.exceptions.any(because) => {
                self.withhold(because, None, message.received_at)
            }
            _ => Ok(Verdict::Parked),
        }
    }

    /// Keeps a message from everybody, and that on record.
    fn withhold(
        &mut self,
        because: WithheldBecause,
        activation: Option<ActivationId>,
        at: Time,
    ) -> Result<Verdict, StoreError> {
        let entry = self.id()?;
        self.working.withheld.push((entry, because, activation, at));
        Ok(Verdict::Withheld(because))
    }

    /// Gives a message to an activation; the answer is its verdict.
    fn deliver(
        &mut self,
        id: ActivationId,
        message: MessageId,
        has_code: HasCode,
        at: Time,
    ) -> Result<Verdict, StoreError> {
        let (step, verdict) = self.activation(id)?.receive(message, has_code, at);
        self.take(step, at)?;
        Ok(verdict)
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
            let job = JobId::new(self.id()?);
            let sweep_at = close.now.plus(SWEEP_AFTER);
            self.working.new_jobs.push((job, JobKind::ActivationSweep, close.activation.get(), sweep_at));
        }
        self.take(step, close.now)?;
        Ok(Closed::Done(Box::new(self.activation(close.activation)?), self.purses(owner)?))
    }

    /// Writes a step and all that follows it into the working set.
    fn take(&mut self, step: Step, now: Time) -> Result<(), StoreError> {
        let Step { activation, effects } = step;
        let (id, account) = (activation.id, activation.account);
        match effects.money {
            Money::Keep => {}
            Money::Post => self.resolve(&activation, MovementKind::Settlement, now)?,
            Money::Void => self.resolve(&activation, MovementKind::Refund, now)?,
        }
        let watch = (JobKind::ActivationWatch.as_str(), id.get());
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
            let job = JobId::new(self.id()?);
            self.working.new_jobs.push((job, JobKind::ActivationRelease, id.get(), now));
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
                let lease = lease.id;
                self.working.closed_leases.insert(lease);
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
            credit: self.rules.credit,
            at,
        };
        let movement = books(Movement::of_purchase(draft, &activation.split))?;
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

    fn lease_of(&mut self, id: ActivationId) -> Option<&mut Lease> {
        self.working.leases.values_mut().find(|lease| lease.candidate.activation == id)
    }

    fn activation(&self, id: ActivationId) -> Result<Activation, StoreError> {
        let found = self.working.activations.get(&id).cloned();
        found.ok_or(StoreError::Corrupt { table: "leases", column: "activation_id" })
    }

    fn purses(&self, account: AccountId) -> Result<Purses, StoreError> {
        let payer = self.working.payers.get(&account);
        payer.map(|payer| payer.purses).ok_or(StoreError::Corrupt { table: "purses", column: "account_id" })
    }
}
