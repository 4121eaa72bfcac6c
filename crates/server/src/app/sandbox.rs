//! The sandbox upstream: gives numbers from fiction's ranges, remembers what it gave, and sends the messages
//! that real services would send, as signed webhooks to this very server.

use super::from_store;
use super::gateway::{Asked, number, plain, read};
use crate::app::Context;
use crate::store::sandbox::{
    NewSandboxPurchase, SandboxMessage, SandboxPurchase, sandbox_message_create, sandbox_message_get,
    sandbox_message_sent, sandbox_purchase_create, sandbox_purchase_get, sandbox_purchase_release,
};
use crate::store::{StoreError, Tx};
use numberotp_core::fault::Fault;
use numberotp_core::job::{JobEnd, backoff};
use numberotp_core::text::PhoneNumber;
use numberotp_core::webhook;
use numberotp_providers::provider::{HttpReply, HttpRequest};
use numberotp_providers::sandbox::{CODE, ranges, texts};
use serde_json::json;

/// Spreads a seed, a reference and an ordinal over 64 bits (splitmix64's finish).
fn pick(seed: u64, reference: u64, ordinal: u64) -> u64 {
    let mut mixed =
        seed ^ reference.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ ordinal.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Answers a request; `None`: the sandbox's memory does not answer.
pub(super) async fn serve(context: &Context, request: HttpRequest) -> Option<HttpReply> {
    let now = context.clock.now();
    let Some(asked) = read(&request) else { return Some(plain(400)) };
    let answer = |purchase: Option<SandboxPurchase>| match purchase {
        Some(purchase) if !purchase.released => number(&purchase.provider_ref(), purchase.number.expose()),
        _ => plain(404),
    };
    let reply = match asked {
        Asked::Allocate { reference, service, country, operator } => {
            let iso =
                context.vocabulary.country(country).map(|country| country.iso.clone()).unwrap_or_default();
            let turn = reference.parse::<u64>().unwrap_or(0).wrapping_add(context.settings.sandbox_seed);
            // Consecutive references get different numbers until a country's range is used up.
            let Some(number) = ranges::number(&iso, turn).as_deref().and_then(PhoneNumber::parse) else {
                return Some(plain(409));
            };
            let new = NewSandboxPurchase {
                reference,
                number,
                service: service.as_str().to_owned(),
                operator: operator.as_str().to_owned(),
                message_at: Some(now.plus(context.settings.sandbox_delay)),
                now,
            };
            context
                .store
                .write(move |tx| sandbox_purchase_create(tx, &new))
                .await
                .map(|made| answer(Some(made)))
        }
        Asked::Find(reference) => {
            context.store.read(move |tx| sandbox_purchase_get(tx, &reference)).await.map(answer)
        }
        Asked::Release(reference) => {
            let known = context.store.write(move |tx| sandbox_purchase_release(tx, &reference, now)).await;
            known.map(|known| plain(if known { 200 } else { 404 }))
        }
        Asked::Resend(reference) => {
            let at = now.plus(context.settings.sandbox_delay);
            context.store.write(move |tx| resend(tx, &reference, at)).await.map(plain)
        }
    };
    reply.ok()
}

fn resend(tx: &mut Tx<'_>, reference: &str, at: numberotp_core::time::Time) -> Result<u16, StoreError> {
    match sandbox_purchase_get(tx, reference)? {
        Some(purchase) if !purchase.released => sandbox_message_create(tx, purchase.id, at).map(|()| 200),
        _ => Ok(404),
    }
}

/// The job that sends one message: posts it, signed, until the server takes it. A message for a number that
/// was given back is not sent.
pub async fn send_message(context: &Context, id: i64, attempts: i64) -> Result<JobEnd, Fault> {
    let found = context.store.read(move |tx| sandbox_message_get(tx, id)).await.map_err(from_store)?;
    let Some(message) = found.filter(|message| !message.sent && !message.purchase.released) else {
        return Ok(JobEnd::Done);
    };
    let Some(secret) = &context.sandbox_secret else { return Ok(JobEnd::Dead) };
    let body = body(context, &message, id);
    let signature = webhook::sign(secret, &body);
    match context.poster.post(&format!("/api/webhooks/sms/{CODE}"), &signature, body).await {
        Ok(status) if (200..300).contains(&status) => {
            let now = context.clock.now();
            context.store.write(move |tx| sandbox_message_sent(tx, id, now)).await.map_err(from_store)?;
            Ok(JobEnd::Done)
        }
        Ok(status) => {
            tracing::warn!(status, "the sandbox's message was not taken");
            Ok(JobEnd::Again(backoff(attempts)))
        }
        Err(error) => {
            tracing::warn!(%error, "the sandbox's message could not be posted");
            Ok(JobEnd::Again(backoff(attempts)))
        }
    }
}

fn body(context: &Context, message: &SandboxMessage, id: i64) -> Vec<u8> {
    let purchase = &message.purchase;
    let reference = purchase.reference.parse::<u64>().unwrap_or(0);
    let ordinal = u64::try_from(message.ordinal).unwrap_or(0);
    let rendered =
        texts::text_for(&purchase.service).render(pick(context.settings.sandbox_seed, reference, ordinal));
    json!({
        "providerRef": purchase.provider_ref(),
        "number": purchase.number.expose(),
        "text": rendered.text,
        "from": rendered.from,
        // Most gateways leave the finding of the code to us; so does this one, and a test holds every text to it.
        "code": null,
        "receivedAt": context.clock.now().to_rfc3339_seconds(),
        "messageId": format!("sbx-{id}"),
    })
    .to_string()
    .into_bytes()
}
