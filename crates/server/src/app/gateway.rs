//! Our own numbers' gateway, as an upstream: it answers requests by reference from its own memory.

use crate::app::Context;
use crate::store::StoreError;
use crate::store::activation::activation_get;
use crate::store::number::{
    Allocation, Returned, Served, Wanted, allocation_create, allocation_get, allocation_release,
};
use numberotp_core::activation::Status;
use numberotp_core::id::ActivationId;
use numberotp_core::text::{Operator, ProviderCode};
use numberotp_core::vocabulary::{CountryId, ServiceCode};
use numberotp_providers::gateway::ALLOCATIONS;
use numberotp_providers::provider::{HttpReply, HttpRequest};
use serde_json::{Value, json};

/// A request to a gateway, read.
pub(super) enum Asked {
    /// A number for a reference.
    Allocate { reference: String, service: ServiceCode, country: CountryId, operator: Operator },
    /// What became of a reference.
    Find(String),
    /// A reference's number is free.
    Release(String),
    /// Another message for a reference.
    Resend(String),
}

/// Reads a request; `None`: 400.
pub(super) fn read(request: &HttpRequest) -> Option<Asked> {
    let rest = request.path.strip_prefix(ALLOCATIONS)?;
    let Some(rest) = rest.strip_prefix('/') else {
        let body: Value = serde_json::from_slice(&request.body).ok()?;
        let text = |field: &str| body.get(field).and_then(Value::as_str);
        return Some(Asked::Allocate {
            reference: text("reference")?.to_owned(),
            service: ServiceCode::parse(text("service")?)?,
            country: CountryId::new(u16::try_from(body.get("country")?.as_u64()?).ok()?),
            operator: Operator::parse(text("operator")?)?,
        });
    };
    Some(match rest.split_once('/') {
        None => Asked::Find(rest.to_owned()),
        Some((reference, "release")) => Asked::Release(reference.to_owned()),
        Some((reference, "resend")) => Asked::Resend(reference.to_owned()),
        Some(_) => return None,
    })
}

/// An answer without a body.
pub(super) fn plain(status: u16) -> HttpReply {
    HttpReply { status, body: Vec::new() }
}

/// A number as an answer.
pub(super) fn number(provider_ref: &str, number: &str) -> HttpReply {
    HttpReply { status: 200, body: json!({ "ref": provider_ref, "number": number }).to_string().into_bytes() }
}

/// Whether a purchase's number brought a message. A purchase that ended without one gets none later, so repeats of a
/// release are told the same; of one that is open or not known the worse is taken.
async fn served(context: &Context, reference: &str) -> Result<Served, StoreError> {
    let Ok(id) = reference.parse().map(ActivationId::new) else { return Ok(Served::Yes) };
    let found = context.store.read(move |tx| activation_get(tx, id)).await?;
    Ok(match found.map(|activation| activation.state.status()) {
        Some(Status::Failed | Status::Canceled | Status::Expired) => Served::No,
        _ => Served::Yes,
    })
}

/// Answers a request; `None`: the gateway's memory does not answer.
pub(super) async fn serve(
    context: &Context,
    provider: &ProviderCode,
    request: HttpRequest,
) -> Option<HttpReply> {
    let now = context.clock.now();
    let provider = provider.clone();
    let Some(asked) = read(&request) else { return Some(plain(400)) };
    let answer = |found: Option<Allocation>, none: u16| match found {
        Some(found) if !found.released => number(&found.provider_ref, found.number.expose()),
        Some(_) => plain(404),
        None => plain(none),
    };
    let reply = match asked {
        Asked::Allocate { reference, service, country, operator } => {
            let cool_down = context.settings.number_cool_down;
            // Which of two codes a service is rented under makes no difference to the account opened with it.
            let service = context.vocabulary.canonical(&service);
            let wanted = Wanted { provider, reference, service, country, operator, cool_down, now };
            context
                .store
                .write(move |tx| allocation_create(tx, &wanted))
                .await
                .map(|found| answer(found, 409))
        }
        Asked::Find(reference) => {
            let found = context.store.read(move |tx| allocation_get(tx, &provider, &reference)).await;
            found.map(|found| answer(found, 404))
        }
        Asked::Release(reference) => {
            let served = served(context, &reference).await.ok()?;
            let cool_down = context.settings.number_cool_down;
            let returned = Returned { provider, reference, served, cool_down, now };
            let known = context.store.write(move |tx| allocation_release(tx, &returned)).await;
            known.map(|known| plain(if known { 200 } else { 404 }))
        }
        Asked::Resend(_) => Ok(plain(400)),
    };
    reply.ok()
}
