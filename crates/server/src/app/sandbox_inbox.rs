//! A message that a team's own app sends to a number of the sandbox: it goes the way of every provider's webhook.
//!
//! Guards that it reaches an open number of the caller's own account and nobody else's, and that the caller reads it
//! as soon as it has its answer. Never asked for in production.

use super::from_store;
use super::messages::{Matched, store};
use crate::app::Context;
use crate::entropy;
use crate::store::activation::{OpenLease, leases_open_on};
use crate::store::hot::Received;
use numberotp_core::caller::{Caller, Scope};
use numberotp_core::fault::{Fault, FaultCode};
use numberotp_core::id::AccountId;
use numberotp_core::text::PhoneNumber;
use numberotp_providers::gateway;
use serde_json::json;

/// A message as an app sends it.
pub struct Sent<'a> {
    /// To this number.
    pub to: &'a str,
    /// From this sender.
    pub from: &'a str,
    /// With this text.
    pub text: &'a str,
    /// The sender's own name for it: a second one of the same name is the same message.
    pub message_id: Option<&'a str>,
}

/// Delivers a message to an open number of the caller's own.
pub async fn deliver(context: &Context, caller: &Caller, sent: &Sent<'_>) -> Result<Matched, Fault> {
    caller.require(Scope::Buy)?;
    let (account, now) = (caller.account, context.clock.now());
    let number =
        PhoneNumber::parse(sent.to).ok_or_else(|| Fault::parameter("to", "is not an E.164 number"))?;
    if sent.text.trim().is_empty() {
        return Err(Fault::parameter("text", "is missing"));
    }
    let wanted = number.clone();
    let open = context.store.read(move |tx| leases_open_on(tx, account, &wanted, now)).await;
    let lease = meant(context, open.map_err(from_store)?, sent)?;
    let body = json!({
        "providerRef": lease.provider_ref,
        "number": number.expose(),
        "text": sent.text,
        "from": sent.from,
        "receivedAt": now.to_rfc3339_seconds(),
        "messageId": sent.message_id,
    });
    // Read as a webhook's body is: what is too long there is too long here.
    let messages = gateway::inbound(body.to_string().as_bytes())
        .map_err(|unreadable| Fault::parameter(unreadable.field, unreadable.problem))?;
    let mut matched = Matched::No;
    for mut message in messages {
        message.message_id = Some(name(account, message.message_id.as_deref())?);
        if store(context, &lease.provider, message).await? == Received::Matched {
            matched = Matched::Yes;
        }
    }
    Ok(matched)
}

/// The purchase that the message is for. Several of the caller's own share a number only if it serves several
/// services; then the message has to name one.
fn meant(context: &Context, open: Vec<OpenLease>, sent: &Sent<'_>) -> Result<OpenLease, Fault> {
    if open.len() > 1 {
        let named = context.vocabulary.services_named_in(sent.from, sent.text);
        let mut fits = open.into_iter().filter(|lease| named.contains(&lease.service));
        return match (fits.next(), fits.next()) {
            (Some(lease), None) => Ok(lease),
            _ => Err(Fault::new(FaultCode::InvalidState)
                .saying("Several of your rents have this number. Name the service in `from` or `text`.")),
        };
    }
    let nobody = "None of your open rents has this number.";
    open.into_iter().next().ok_or_else(|| Fault::new(FaultCode::NotFound).saying(nobody))
}

/// The message's name among all: an account's names are its own, and without one each message is another.
fn name(account: AccountId, given: Option<&str>) -> Result<String, Fault> {
    if let Some(given) = given {
        return Ok(format!("app-{}-{given}", account.get()));
    }
    let random = entropy::bytes::<16>().map_err(|error| Fault::new(FaultCode::Internal).caused_by(error))?;
    Ok(format!("app-{:032x}", u128::from_be_bytes(random)))
}
