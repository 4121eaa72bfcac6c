//! What a buyer does with a number once it is bought: read, wait, cancel, finish, ask for another message.

use super::activations::{close, reference};
use super::from_store;
use super::messages::{Message, open_all};
use super::presented::Presented;
use super::upstream::ask;
use crate::app::Context;
use crate::store::StoreError;
use crate::store::activation::{activation_get, activation_resend, activations_page};
use crate::store::hot::{Closed, Closing};
use crate::store::message::{messages_delivered, messages_delivered_all};
use numberotp_core::activation::{Activation, ResendRefused, State, Status};
use numberotp_core::caller::{Caller, Scope};
use numberotp_core::fault::{Fault, FaultCode};
use numberotp_core::id::{AccountId, ActivationId};
use numberotp_core::ledger::Purses;
use numberotp_core::secret::Secret;
use numberotp_core::time::Span;
use numberotp_providers::provider::{Operation, Outcome};
use std::collections::HashMap;
use std::sync::PoisonError;

/// How long a provider may think about sending another message.
const RESEND_WITHIN: Span = Span::seconds(10);

/// A purchase as its buyer sees it.
pub struct Rent {
    /// The activation.
    pub activation: Activation,
    /// Its delivered messages, in the order of arrival.
    pub messages: Vec<Message>,
}

impl Rent {
    /// The message whose code is shown; without a code, the first message.
    pub fn shown(&self) -> Option<&Message> {
        let code = self.activation.state.reception().and_then(|reception| reception.code_message);
        match code {
            Some(id) => self.messages.iter().find(|message| message.id == id),
            None => self.messages.first(),
        }
    }
    /// The code.
    pub fn code(&self) -> Option<&Secret> {
        self.shown().and_then(|message| message.code.as_ref())
    }
}

fn not_found() -> Fault {
    Fault::new(FaultCode::NotFound)
}

/// Reads an id; what is none of ours is not found, without a look-up.
fn read_id(context: &Context, id: &str) -> Result<ActivationId, Fault> {
    context.public_ids.parse(id).ok_or_else(not_found)
}

/// One of the caller's purchases. Somebody else's does not exist.
pub async fn get(context: &Context, caller: &Caller, id: &str) -> Result<Rent, Fault> {
    caller.require(Scope::Read)?;
    let id = read_id(context, id)?;
    rent(context, caller.account, id).await
}

async fn rent(context: &Context, account: AccountId, id: ActivationId) -> Result<Rent, Fault> {
    let read = context.store.snapshot(move |tx| {
        let Some(activation) = activation_get(tx, id)?.filter(|activation| activation.account == account)
        else {
            return Ok(None);
        };
        let any = activation.state.reception().is_some();
        let sealed = if any { messages_delivered(tx, id)? } else { Vec::new() };
        Ok(Some((activation, sealed)))
    });
    let (activation, sealed) = read.await.map_err(from_store)?.ok_or_else(not_found)?;
    Ok(Rent { activation, messages: open_all(context, sealed).await? })
}

/// A page of the caller's purchases, newest first, and how many there are.
pub async fn list(
    context: &Context,
    caller: &Caller,
    status: Option<Status>,
    page: (i64, i64),
) -> Result<(Vec<Rent>, i64), Fault> {
    caller.require(Scope::Read)?;
    let statuses: Vec<Status> = status.map_or_else(|| Status::PUBLIC.to_vec(), |status| vec![status]);
    let account = caller.account;
    let read = context.store.snapshot(move |tx| {
        let (activations, total) = activations_page(tx, account, &statuses, page)?;
        let ids = activations.iter().map(|activation| activation.id.get()).collect();
        Ok((activations, messages_delivered_all(tx, ids)?, total))
    });
    let (activations, messages, total) = read.await.map_err(from_store)?;
    let mut sealed: HashMap<ActivationId, Vec<_>> = HashMap::new();
    for (id, message) in messages {
        sealed.entry(id).or_default().push(message);
    }
    let mut rents = Vec::with_capacity(activations.len());
    for activation in activations {
        let messages = open_all(context, sealed.remove(&activation.id).unwrap_or_default()).await?;
        rents.push(Rent { activation, messages });
    }
    Ok((rents, total))
}

/// Gives a number back before its first message: full refund, safe to repeat.
pub async fn cancel(context: &Context, caller: &Caller, id: &str) -> Result<(Rent, Purses), Fault> {
    end(context, caller, id, Closing::Cancel(caller.account)).await
}

/// Is done with a number after a message; safe to repeat.
pub async fn finish(context: &Context, caller: &Caller, id: &str) -> Result<(Rent, Purses), Fault> {
    end(context, caller, id, Closing::Finish(caller.account)).await
}

async fn end(
    context: &Context,
    caller: &Caller,
    id: &str,
    closing: Closing,
) -> Result<(Rent, Purses), Fault> {
    caller.require(Scope::Buy)?;
    let id = read_id(context, id)?;
    match close(context, id, closing).await? {
        Closed::Done(_, purses) => Ok((rent(context, caller.account, id).await?, purses)),
        Closed::Refused(status) => Err(refused(status, closing)),
        Closed::Missing => Err(not_found()),
    }
}

fn refused(status: Status, closing: Closing) -> Fault {
    let word = status.as_str();
    let advice = match (closing, status) {
        (_, Status::Reserving) => "Its number is not confirmed yet; try again in a few seconds.",
        (Closing::Cancel(_), Status::Received | Status::Finished) => {
            "A message came, so it cannot be canceled."
        }
        (Closing::Cancel(_), _) => "The money went back already.",
        (_, Status::Waiting) => "No message came yet; cancel it instead.",
        _ => "It is closed.",
    };
    Fault::new(FaultCode::InvalidState).saying(format!("The rent is {word}. {advice}")).in_state(word)
}

/// Has another message sent.
pub async fn resend(context: &Context, caller: &Caller, id: &str) -> Result<Rent, Fault> {
    caller.require(Scope::Buy)?;
    let (id, account) = (read_id(context, id)?, caller.account);
    let now = context.clock.now();
    let before = rent(context, account, id).await?;
    let provider = &before.activation.terms.provider;
    let can =
        context.catalog.load().provider(provider).is_some_and(|known| known.provider.capabilities().resend);
    if !can && matches!(before.activation.state, State::Received(..)) {
        return Err(Fault::new(FaultCode::ResendNotSupported));
    }
    let marked =
        context.store.write(move |tx| activation_resend(tx, id, account, now)).await.map_err(from_store)?;
    let activation = match marked.ok_or_else(not_found)? {
        Ok(activation) => activation,
        Err(ResendRefused::Unsupported) => return Err(Fault::new(FaultCode::ResendNotSupported)),
        Err(ResendRefused::State(status)) => {
            let word = status.as_str();
            let sentence = format!(
                "The rent is {word}. Another message can be asked for after the first one, until the window ends."
            );
            return Err(Fault::new(FaultCode::InvalidState).saying(sentence).in_state(word));
        }
        Err(ResendRefused::TooSoon(_)) => {
            let sentence = "Another message was asked for just now. Wait ten seconds.";
            return Err(Fault::new(FaultCode::InvalidState).saying(sentence).in_state("received"));
        }
    };
    let operation = Operation::Resend { reference: reference(id) };
    match ask(context, &activation.terms.provider, &operation, RESEND_WITHIN).await {
        Ok(Outcome::Done) => rent(context, account, id).await,
        // A provider that does not know the purchase sends nothing either.
        Ok(Outcome::Unknown | Outcome::NoStock | Outcome::Number { .. }) | Err(_) => {
            let sentence = "The provider could not be asked for another message. Try again in ten seconds.";
            Err(Fault::new(FaultCode::ProviderError).saying(sentence))
        }
    }
}

/// A place among an account's waits; leaving it frees it.
struct Slot<'a> {
    context: &'a Context,
    account: AccountId,
    within_limit: bool,
}

impl<'a> Slot<'a> {
    fn take(context: &'a Context, account: AccountId) -> Self {
        let mut waits = context.waits.lock().unwrap_or_else(PoisonError::into_inner);
        let count = waits.entry(account).or_default();
        *count = count.saturating_add(1);
        Slot { context, account, within_limit: *count <= context.settings.waits_per_account }
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let mut waits = self.context.waits.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = waits.get_mut(&self.account) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                waits.remove(&self.account);
            }
        }
    }
}

/// How a wait ended without a code.
pub enum Unheard {
    /// The time is up, or the server stops: call again.
    Timeout,
    /// The purchase is over.
    Closed(Status),
}

/// Waits for the code. Beyond the limit of waits the hold is short, so that a client that calls again at once
/// does not spin. Before a code is told it is asked whether the caller is still who it was when the wait began.
pub async fn wait(
    context: &Context,
    (caller, presented): (&Caller, &Presented),
    id: &str,
) -> Result<Result<Rent, Unheard>, Fault> {
    caller.require(Scope::Read)?;
    let (id, account) = (read_id(context, id)?, caller.account);
    let slot = Slot::take(context, account);
    let hold =
        if slot.within_limit { context.settings.wait_hold } else { context.settings.wait_hold_over_limit };
    let deadline = tokio::time::Instant::now() + hold.to_std();
    let room = context.store.wakes().enter(id);
    loop {
        let mut changed = Box::pin(room.changed());
        changed.as_mut().enable();
        let state = peek(context, account, id).await?;
        if has_code(&state) {
            let rent = rent(context, account, id).await?;
            // Past its time a message is gone, and its code with it.
            if rent.code().is_some() {
                presented.still_reads(context, caller).await?;
                return Ok(Ok(rent));
            }
        }
        match state.status() {
            status @ (Status::Finished | Status::Canceled | Status::Expired | Status::Failed) => {
                return Ok(Err(Unheard::Closed(status)));
            }
            Status::Received | Status::Waiting | Status::Reserving => {}
        }
        tokio::select! {
            // What is known counts before what is over, and never by chance.
            biased;
            () = changed => {}
            () = tokio::time::sleep(context.settings.wait_poll.to_std()) => {}
            () = tokio::time::sleep_until(deadline) => return Ok(Err(Unheard::Timeout)),
            () = context.stopping.cancelled() => return Ok(Err(Unheard::Timeout)),
        }
    }
}

fn has_code(state: &State) -> bool {
    state.reception().is_some_and(|reception| reception.code_message.is_some())
}

async fn peek(context: &Context, account: AccountId, id: ActivationId) -> Result<State, Fault> {
    let found: Result<Option<Activation>, StoreError> =
        context.store.read(move |tx| activation_get(tx, id)).await;
    let found = found.map_err(from_store)?.filter(|activation| activation.account == account);
    found.map(|activation| activation.state).ok_or_else(not_found)
}
