//! What becomes of messages, in memory: matched to a purchase, withheld, sealed, parked, or adopted when their
//! purchase gets its number. Must never show one to anybody but the account whose purchase it was for.

use super::command::{Attach, Receive, Received};
use super::decide::Desk;
use super::working::{Adoption, Lease, NewMessage, PARKED_FOR, Parked};
use crate::store::StoreError;
use crate::store::log::{Act, Entry};
use numberotp_core::activation::{HasCode, SealedBecause, Verdict, WithheldBecause};
use numberotp_core::id::{ActivationId, MessageId};
use numberotp_core::inbound::{Match, STILL_MEANT, Sharing, Standing, choose};
use numberotp_core::text::PhoneNumber;
use numberotp_core::time::{Span, Time};

/// By so much a provider's clock may be behind ours.
const CLOCKS_DIFFER: Span = Span::seconds(60);

impl Desk<'_> {
    /// Messages that were quicker than our own bookkeeping: by reference, or by number since the purchase began.
    pub(super) fn adopt(&mut self, attach: &Attach) -> Result<(), StoreError> {
        let activation = self.activation(attach.activation)?;
        let begun = activation.created_at;
        let oldest = attach.now.minus(PARKED_FOR);
        let sharing = self.sharing(&attach.number);
        let meant = |parked: &&Parked| {
            parked.provider == activation.terms.provider
                && parked.received_at >= oldest
                && match &parked.provider_ref {
                    Some(reference) => *reference == attach.provider_ref,
                    None => {
                        parked.number.as_ref() == Some(&attach.number)
                            && parked.received_at >= begun
                            && sharing.allows(&activation.terms.service, &parked.services)
                    }
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
            let verdict = self.verdict(attach.activation, &parked, attach.now)?;
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

    pub(super) fn receive(&mut self, receive: &Receive) -> Result<Received, StoreError> {
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
            services: receive.services.clone(),
            withheld: receive.withheld,
            received_at: receive.now,
        };
        let (verdict, activation) = match self.find(receive) {
            Match::One(activation) => (self.verdict(activation, &parked, receive.now)?, Some(activation)),
            Match::Nothing => (self.alone(&parked)?, None),
            Match::Sealed(because) => {
                if let Some(withheld) = receive.withheld {
                    self.record(Act::Sealed, withheld, (None, receive.now))?;
                }
                (Verdict::Sealed(because), None)
            }
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
            return choose(lease.map(|lease| &lease.candidate), (&[], Sharing::Exclusive), &[]);
        }
        let of_number = of_provider().filter(|lease| receive.number.as_ref() == Some(&lease.number));
        let (open, rest): (Vec<&Lease>, Vec<&Lease>) =
            of_number.partition(|lease| lease.open_at(receive.now));
        // A message that the provider had before a lease began was meant for somebody else.
        let since =
            |lease: &&&Lease| receive.sent_at.is_none_or(|sent| sent >= lease.from_at.minus(CLOCKS_DIFFER));
        let meant: Vec<&Lease> = open.iter().filter(since).copied().collect();
        // Nor is an old one parked: the next purchase of the number would adopt it.
        let old = receive.sent_at.is_some_and(|sent| sent < receive.now.minus(CLOCKS_DIFFER));
        if meant.is_empty() && (!open.is_empty() || old) {
            return Match::Sealed(SealedBecause::Late);
        }
        let just_over = rest.into_iter().filter(|lease| lease.ended_after(receive.now.minus(STILL_MEANT)));
        let open = meant.into_iter().map(|lease| (lease.candidate.clone(), Standing::Open));
        let over = just_over.map(|lease| (lease.candidate.clone(), Standing::JustOver));
        let sharing = receive.number.as_ref().map_or(Sharing::Exclusive, |number| self.sharing(number));
        choose(None, (&open.chain(over).collect::<Vec<_>>(), sharing), &receive.services)
    }

    fn sharing(&self, number: &PhoneNumber) -> Sharing {
        if self.working.shared.contains(number.expose()) { Sharing::Shared } else { Sharing::Exclusive }
    }

    /// What becomes of a message for an activation: withheld, unless its service is excepted and the message its own.
    fn verdict(&mut self, id: ActivationId, message: &Parked, now: Time) -> Result<Verdict, StoreError> {
        let deliver = |desk: &mut Self| desk.deliver(id, message.id, message.has_code, message.received_at);
        let Some(because) = message.withheld else { return deliver(self) };
        let service = self.activation(id)?.terms.service;
        let excepted = self.rules.exceptions.expect(&service, because, &message.services);
        // What goes on record is what became of it: an excepted one may still be late.
        let verdict = if excepted { deliver(self)? } else { Verdict::Withheld(because) };
        let act = match verdict {
            Verdict::Delivered => Act::LetThrough,
            Verdict::Parked => Act::Parked,
            Verdict::Withheld(_) => Act::Withheld,
            Verdict::Sealed(_) => Act::Sealed,
        };
        // One that its buyer's standing sealed is on record as that.
        if verdict != Verdict::Sealed(SealedBecause::Suspended) {
            self.record(act, because, (Some(id), now))?;
        }
        Ok(verdict)
    }

    /// What becomes of a message that nothing matches yet. One that nobody may see need not wait.
    fn alone(&mut self, message: &Parked) -> Result<Verdict, StoreError> {
        let Some(because) = message.withheld else { return Ok(Verdict::Parked) };
        let waits = self.rules.exceptions.any(because, &message.services);
        let act = if waits { Act::Parked } else { Act::Withheld };
        self.record(act, because, (None, message.received_at))?;
        Ok(if waits { Verdict::Parked } else { Verdict::Withheld(because) })
    }

    /// Puts on record what became of a message that looks like what is kept from buyers.
    fn record(
        &mut self,
        act: Act,
        because: WithheldBecause,
        (activation, at): (Option<ActivationId>, Time),
    ) -> Result<(), StoreError> {
        let id = self.id()?;
        self.working.log.push(Entry::message(id, act, because, (activation, at)));
        Ok(())
    }

    /// Gives a message to an activation; the answer is its verdict. What would be shown is sealed if its buyer was stopped
    /// over abuse: it charges nothing, and nobody sees it after the stop is lifted either.
    fn deliver(
        &mut self,
        id: ActivationId,
        message: MessageId,
        has_code: HasCode,
        at: Time,
    ) -> Result<Verdict, StoreError> {
        let activation = self.activation(id)?;
        let stopped = self.standing(activation.account)?.seals();
        let (step, verdict) = activation.receive(message, has_code, at);
        if stopped && verdict == Verdict::Delivered {
            let entry = Entry::sealed(self.id()?, SealedBecause::Suspended, (id, at));
            self.working.log.push(entry);
            return Ok(Verdict::Sealed(SealedBecause::Suspended));
        }
        self.take(step, at)?;
        Ok(verdict)
    }
}
