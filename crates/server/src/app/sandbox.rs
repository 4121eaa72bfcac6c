//! The sandbox upstream: gives numbers from fiction's ranges, remembers what it gave, and sends the messages
//! that real services would send, as signed webhooks to this very server.

use super::from_store;
use super::gateway::{Asked, number, plain, read};
use super::scenarios;
use crate::app::Context;
use crate::store::sandbox::{
    NewSandboxPurchase, Play, SandboxMessage, SandboxPurchase, sandbox_message_create, sandbox_message_get,
    sandbox_message_sent, sandbox_purchase_create, sandbox_purchase_get, sandbox_purchase_release,
    sandbox_turn,
};
use crate::store::{StoreError, Tx};
use numberotp_core::fault::Fault;
use numberotp_core::job::{JobEnd, backoff};
use numberotp_core::secret::Secret;
use numberotp_core::text::{Operator, PhoneNumber};
use numberotp_core::time::{Span, Time};
use numberotp_core::vocabulary::ServiceCode;
use numberotp_core::webhook;
use numberotp_providers::provider::{HttpReply, HttpRequest};
use numberotp_providers::sandbox::scenario::{Scenario, Wording, speak};
use numberotp_providers::sandbox::{CODE, ranges};
use serde_json::json;

/// How long after the end of a number's time a late message comes.
const LATE_BY: Span = Span::minutes(1);
/// From one message to the next where there are two.
const APART: Span = Span::seconds(1);

/// Spreads a seed, a reference and an ordinal over 64 bits (splitmix64's finish).
fn pick(seed: u64, reference: u64, ordinal: u64) -> u64 {
    let mut mixed =
        seed ^ reference.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ ordinal.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Answers a request; `None`: the sandbox does not answer.
pub(super) async fn serve(context: &Context, request: HttpRequest) -> Option<HttpReply> {
    let now = context.clock.now();
    let Some(asked) = read(&request) else { return Some(plain(400)) };
    let reply = match asked {
        Asked::Allocate { reference, service, country, operator } => {
            let iso =
                context.vocabulary.country(country).map(|country| country.iso.clone()).unwrap_or_default();
            return allocate(context, (reference, service, operator), &iso).await;
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

fn answer(purchase: Option<SandboxPurchase>) -> HttpReply {
    match purchase {
        Some(purchase) if !purchase.released => number(&purchase.provider_ref(), purchase.number.expose()),
        _ => plain(404),
    }
}

/// Gives a number, or does what a test asked for instead.
async fn allocate(
    context: &Context,
    (reference, service, operator): (String, ServiceCode, Operator),
    iso: &str,
) -> Option<HttpReply> {
    let (play, delay) = scenarios::play(context, &operator).await.ok()?;
    match play.scenario {
        Scenario::Refused => return Some(plain(400)),
        Scenario::OutOfStock => return Some(plain(409)),
        _ if ranges::capacity(iso) == 0 => return Some(plain(409)),
        _ => {}
    }
    let new = Allocation {
        reference,
        service: service.as_str().to_owned(),
        operator: operator.as_str().to_owned(),
        iso: iso.to_owned(),
        seed: context.settings.sandbox_seed,
        play,
        times: times(context, play.scenario, delay),
        now: context.clock.now(),
    };
    let made = context.store.write(move |tx| new.create(tx)).await.ok()?;
    match play.scenario {
        Scenario::Slow => tokio::time::sleep(context.settings.sandbox_slow.to_std()).await,
        Scenario::LostReply => std::future::pending().await,
        _ => {}
    }
    Some(made.map_or_else(|| plain(409), |made| answer(Some(made))))
}

/// When the messages of a purchase are sent that is made now.
fn times(context: &Context, scenario: Scenario, delay: Option<Span>) -> Vec<Time> {
    let (now, settings) = (context.clock.now(), &context.settings);
    let usual = now.plus(delay.unwrap_or(settings.sandbox_delay));
    match scenario {
        Scenario::Silent | Scenario::Refused | Scenario::OutOfStock => Vec::new(),
        Scenario::Late => vec![now.plus(settings.activation_window).plus(LATE_BY)],
        Scenario::Double => vec![usual, usual.plus(APART)],
        // Counted from the answer, as the buyer does.
        Scenario::Slow => vec![usual.plus(settings.sandbox_slow)],
        Scenario::Normal | Scenario::Duplicate | Scenario::NoCode | Scenario::LostReply => vec![usual],
    }
}

/// A number that is being given.
struct Allocation {
    reference: String,
    service: String,
    operator: String,
    iso: String,
    seed: u64,
    play: Play,
    times: Vec<Time>,
    now: Time,
}

impl Allocation {
    /// Counts the purchase, picks the number by its turn and writes down what follows. Repeating it answers what
    /// was given at first. `None`: there is no number.
    fn create(&self, tx: &mut Tx<'_>) -> Result<Option<SandboxPurchase>, StoreError> {
        if let Some(known) = sandbox_purchase_get(tx, &self.reference)? {
            return Ok(Some(known));
        }
        let turn = sandbox_turn(tx)?;
        // Consecutive turns get different numbers until a country's range is used up; seeds begin far apart.
        let begin = pick(self.seed, 0, 0) >> 1;
        let number = ranges::number(&self.iso, begin.saturating_add(turn_of(turn)));
        let Some(number) = number.as_deref().and_then(PhoneNumber::parse) else { return Ok(None) };
        let new = NewSandboxPurchase {
            reference: self.reference.clone(),
            number,
            service: self.service.clone(),
            operator: self.operator.clone(),
            message_at: self.times.first().copied(),
            play: Play { turn, ..self.play },
            now: self.now,
        };
        let made = sandbox_purchase_create(tx, &new)?;
        for at in self.times.iter().skip(1) {
            sandbox_message_create(tx, made.id, *at)?;
        }
        Ok(Some(made))
    }
}

fn turn_of(turn: i64) -> u64 {
    u64::try_from(turn).unwrap_or(0)
}

fn resend(tx: &mut Tx<'_>, reference: &str, at: Time) -> Result<u16, StoreError> {
    match sandbox_purchase_get(tx, reference)? {
        Some(purchase) if !purchase.released => sandbox_message_create(tx, purchase.id, at).map(|()| 200),
        _ => Ok(404),
    }
}

/// The job that sends one message: posts it, signed, until the server takes it. A message for a number that
/// was given back is not sent, unless that is the point.
pub async fn send_message(
    context: &Context,
    (id, request_id): (i64, Option<&str>),
    attempts: i64,
) -> Result<JobEnd, Fault> {
    let found = context.store.read(move |tx| sandbox_message_get(tx, id)).await.map_err(from_store)?;
    let goes = |message: &SandboxMessage| {
        let Play { scenario, .. } = message.purchase.play;
        !message.sent && (!message.purchase.released || scenario == Scenario::Late)
    };
    let Some(message) = found.filter(goes) else { return Ok(JobEnd::Done) };
    let Some(secret) = &context.sandbox_secret else { return Ok(JobEnd::Dead) };
    let body = body(context, &message, id).await?;
    let signature = webhook::sign(secret, &body);
    let posts = if message.purchase.play.scenario == Scenario::Duplicate { 2 } else { 1 };
    for _ in 0..posts {
        let posted = context
            .poster
            .post(&format!("/api/webhooks/sms/{CODE}"), (&signature, request_id), body.clone())
            .await;
        match posted {
            Ok(status) if (200..300).contains(&status) => {}
            Ok(status) => {
                tracing::warn!(status, "the sandbox's message was not taken");
                return Ok(JobEnd::Again(backoff(attempts)));
            }
            Err(error) => {
                tracing::warn!(%error, "the sandbox's message could not be posted");
                return Ok(JobEnd::Again(backoff(attempts)));
            }
        }
    }
    let now = context.clock.now();
    context.store.write(move |tx| sandbox_message_sent(tx, id, now)).await.map_err(from_store)?;
    Ok(JobEnd::Done)
}

async fn body(context: &Context, message: &SandboxMessage, id: i64) -> Result<Vec<u8>, Fault> {
    let purchase = &message.purchase;
    let (code, text) = scenarios::wording(context, purchase).await?;
    let wording = Wording {
        scenario: purchase.play.scenario,
        code: code.as_ref().map(Secret::expose),
        text: text.as_ref().map(Secret::expose),
    };
    let (seed, turn) = (context.settings.sandbox_seed, turn_of(purchase.play.turn));
    let spoken = speak(&purchase.service, wording, turn_of(message.ordinal), |nth| pick(seed, turn, nth));
    Ok(json!({
        "providerRef": purchase.provider_ref(),
        "number": purchase.number.expose(),
        "text": spoken.text,
        "from": spoken.from,
        // Most gateways leave the finding of the code to us; so does this one, and a test holds every text to it.
        // A code that a test chose is told: it need not look like one.
        "code": spoken.code,
        "receivedAt": context.clock.now().to_rfc3339_seconds(),
        "messageId": format!("sbx-{id}"),
    })
    .to_string()
    .into_bytes())
}
