//! Messages in: proved, read, sealed, stored and matched before the sender gets its answer. And out: opened
//! for the buyer alone.

use super::catalog::{self, Connected};
use super::fault::from_vault;
use super::from_store;
use crate::app::Context;
use crate::store::hot::{Receive, Received};
use crate::store::message::{Quarantined, SealedMessage, quarantine};
use crate::store::setting::revision_get;
use aws_lc_rs::hmac;
use numberotp_core::activation::HasCode;
use numberotp_core::fault::{Fault, FaultCode};
use numberotp_core::id::MessageId;
use numberotp_core::otp;
use numberotp_core::secret::Secret;
use numberotp_core::text::ProviderCode;
use numberotp_core::time::Time;
use numberotp_providers::provider::{Headers, Inbound};
use serde_json::{Value, json};

/// Whether a webhook's message belongs to a purchase.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Matched {
    /// It does.
    Yes,
    /// It does not, yet.
    No,
}

/// Takes a webhook in; answers whether a message of it belongs to a purchase. Nothing is parsed before the
/// proof, nothing is answered before the commit.
pub async fn take_in(
    context: &Context,
    provider: &str,
    headers: Headers<'_>,
    body: &[u8],
) -> Result<Matched, Fault> {
    let code = ProviderCode::parse(provider).ok_or_else(|| Fault::new(FaultCode::NotFound))?;
    let connected = match proved(context, &code, headers, body) {
        // From a provider or with a secret that was made a moment ago, perhaps.
        Err(fault) if caught_up(context).await? => {
            tracing::debug!(%fault, "the catalog was read anew for a webhook");
            proved(context, &code, headers, body)?
        }
        proved => proved?,
    };
    let messages = match connected.provider.inbound(body) {
        Ok(messages) => messages,
        Err(unreadable) => {
            keep_unreadable(context, &code, body).await?;
            return Err(Fault::parameter(unreadable.field, unreadable.problem));
        }
    };
    let mut matched = Matched::No;
    for message in messages {
        if store(context, &code, message).await? == Received::Matched {
            matched = Matched::Yes;
        }
    }
    Ok(matched)
}

/// Reads the catalog anew if the database has a later one; answers whether it had.
async fn caught_up(context: &Context) -> Result<bool, Fault> {
    let there = context.store.read(revision_get).await.map_err(from_store)?;
    if there == context.catalog.load().revision() {
        return Ok(false);
    }
    catalog::refresh(context).await.map_err(from_store)?;
    Ok(true)
}

/// The provider of a webhook that it really sent.
fn proved(
    context: &Context,
    code: &ProviderCode,
    headers: Headers<'_>,
    body: &[u8],
) -> Result<Connected, Fault> {
    let connected = provider_of(context, code)?;
    let verified = connected.provider.verify(headers, body, context.clock.now());
    verified.map_err(|_unverified| Fault::new(FaultCode::InvalidSignature))?;
    Ok(connected)
}

/// The provider of a webhook. One that waits for something required is our own trouble: its sender comes again.
fn provider_of(context: &Context, code: &ProviderCode) -> Result<Connected, Fault> {
    let view = context.catalog.load();
    match view.provider(code) {
        Some(connected) => Ok(connected.clone()),
        None if view.knows(code) => Err(Fault::new(FaultCode::Maintenance)),
        None => Err(Fault::new(FaultCode::NotFound)),
    }
}

/// Reads, seals and matches one message, whoever proved it.
pub(super) async fn store(
    context: &Context,
    provider: &ProviderCode,
    message: Inbound,
) -> Result<Received, Fault> {
    let now = context.clock.now();
    let extracted = otp::extract(message.text.expose()).code;
    let given = message.code.as_ref().map(|code| plain_code(code.expose())).filter(|code| !code.is_empty());
    let code = given.or_else(|| extracted.map(|code| code.expose().to_owned()));
    let dedupe_key = dedupe_key(context, &message);
    let place = place(provider.as_str(), &dedupe_key);
    let body =
        json!({ "text": message.text.expose(), "from": message.from.expose(), "code": code }).to_string();
    let sealed =
        context.vault.seal(&context.store, now.day(), &place, body.as_bytes()).await.map_err(from_vault)?;
    let services = context.vocabulary.services_named_in(message.from.expose(), message.text.expose());
    let receive = Receive {
        provider: provider.clone(),
        dedupe_key,
        provider_ref: message.provider_ref,
        number: message.number,
        sent_at: message.received_at,
        has_code: if code.is_some() { HasCode::Yes } else { HasCode::No },
        services,
        withheld: context.screen.screen(message.from.expose(), message.text.expose()),
        key_day: now.day(),
        body: sealed,
        purge_after: now.plus(context.settings.message_retention),
        now,
    };
    context.store.receive(receive).await.map_err(from_store)
}

/// On the wire a code is ASCII letters and digits, without separators and without `G-`.
fn plain_code(given: &str) -> String {
    let bare = given.trim();
    let bare = bare.strip_prefix("G-").unwrap_or(bare);
    bare.chars().filter(char::is_ascii_alphanumeric).collect()
}

/// The provider's own id of the message, else a keyed digest of what makes it what it is.
fn dedupe_key(context: &Context, message: &Inbound) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, context.dedupe_key.expose());
    let mut digest = hmac::Context::with_key(&key);
    let mut part = |text: &str| {
        digest.update(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        digest.update(text.as_bytes());
    };
    match &message.message_id {
        Some(id) => {
            part("id");
            part(id);
        }
        None => {
            part("content");
            part(message.provider_ref.as_deref().unwrap_or_default());
            part(message.number.as_ref().map(|number| number.expose()).unwrap_or_default());
            part(message.text.expose());
            part(&message.received_at.map(|at| at.micros().to_string()).unwrap_or_default());
        }
    }
    digest.sign().as_ref().to_vec()
}

/// What a sealed body is bound to: the natural key of its row.
fn place(provider: &str, dedupe_key: &[u8]) -> Vec<u8> {
    [b"message ", provider.as_bytes(), b" ", dedupe_key].concat()
}

async fn keep_unreadable(context: &Context, provider: &ProviderCode, body: &[u8]) -> Result<(), Fault> {
    let now = context.clock.now();
    let place = [b"quarantine ", provider.as_str().as_bytes()].concat();
    let body = context.vault.seal(&context.store, now.day(), &place, body).await.map_err(from_vault)?;
    let kept = Quarantined {
        provider: provider.as_str().to_owned(),
        key_day: now.day(),
        body,
        now,
        purge_after: now.plus(context.settings.message_retention),
    };
    context.store.write(move |tx| quarantine(tx, &kept)).await.map_err(from_store)
}

/// A message as its buyer sees it.
pub struct Message {
    /// Its row.
    pub id: MessageId,
    /// What it says, verbatim.
    pub text: Secret,
    /// Who sent it.
    pub from: Secret,
    /// The code in it.
    pub code: Option<Secret>,
    /// When we had it.
    pub received_at: Time,
}

/// Opens sealed messages.
pub async fn open_all(context: &Context, sealed: Vec<SealedMessage>) -> Result<Vec<Message>, Fault> {
    let mut messages = Vec::with_capacity(sealed.len());
    for message in sealed {
        let place = place(&message.provider, &message.dedupe_key);
        let opened = context.vault.open(&context.store, message.key_day, &place, &message.body).await;
        let body: Value = serde_json::from_slice(&opened.map_err(from_vault)?)
            .map_err(|error| Fault::new(FaultCode::Internal).caused_by(error))?;
        let text = |field: &str| body.get(field).and_then(Value::as_str).map(Secret::new);
        messages.push(Message {
            id: message.id,
            text: text("text").unwrap_or_else(|| Secret::new("")),
            from: text("from").unwrap_or_else(|| Secret::new("")),
            code: text("code"),
            received_at: message.received_at,
        });
    }
    Ok(messages)
}
