//! Asks a provider, bounded in time. What cannot be told for certain "may have happened".

use super::catalog::Transport;
use super::{gateway, sandbox};
use crate::app::Context;
use futures_util::future::BoxFuture;
use numberotp_core::text::ProviderCode;
use numberotp_core::time::Span;
use numberotp_providers::provider::{HttpReply, HttpRequest, Operation, Outcome, Upstream};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a test does to a call.
#[derive(Clone, Copy, Debug)]
pub enum Interference {
    /// Nothing.
    Pass,
    /// The call is carried out, its reply is lost.
    LoseReply,
    /// The call never arrives and nobody can tell.
    LoseRequest,
    /// The provider says no.
    Refuse,
    /// The provider has none.
    NoStock,
    /// The provider never answers.
    Hang,
    /// The provider is played by this function, which answers at once.
    Answer(fn(&Operation) -> HttpReply),
}

/// Decides what becomes of a call: lets a test play an unreliable provider.
pub type Tap = Arc<dyn Fn(&Operation) -> Interference + Send + Sync>;

/// A provider's answer that a test gives in its own time; `None`: the line broke.
pub type Played = BoxFuture<'static, Option<HttpReply>>;

/// Takes a request to a provider out of our hands and is that provider.
pub type Wire = Arc<dyn Fn(&ProviderCode, HttpRequest) -> Played + Send + Sync>;

/// Asks a provider; silence after `within` may have happened. A provider that is off cannot be asked:
/// nothing happened now, but nothing is known of what happened before either.
pub async fn ask(
    context: &Context,
    provider: &ProviderCode,
    operation: &Operation,
    within: Span,
) -> Result<Outcome, Upstream> {
    let connected = context.catalog.load().provider(provider).cloned().ok_or(Upstream::MayHaveHappened)?;
    let request = connected.provider.request(operation);
    let call = async {
        match context.tap.as_ref().map_or(Interference::Pass, |tap| tap(operation)) {
            Interference::Pass => send(context, connected.transport, provider, request).await,
            Interference::LoseReply => {
                let _lost = send(context, connected.transport, provider, request).await;
                None
            }
            Interference::LoseRequest => None,
            Interference::Refuse => Some(HttpReply { status: 400, body: Vec::new() }),
            Interference::NoStock => Some(HttpReply { status: 409, body: Vec::new() }),
            Interference::Hang => std::future::pending().await,
            Interference::Answer(answer) => Some(answer(operation)),
        }
    };
    let begun = Instant::now();
    let answer = match tokio::time::timeout(within.to_std(), call).await {
        Ok(Some(reply)) => connected.provider.reply(operation, &reply),
        Ok(None) | Err(_) => Err(Upstream::MayHaveHappened),
    };
    tell(context, provider, operation, &answer, begun.elapsed());
    answer
}

/// One count and one line a question. What was answered stays out of both.
fn tell(
    context: &Context,
    provider: &ProviderCode,
    operation: &Operation,
    answer: &Result<Outcome, Upstream>,
    took: Duration,
) {
    let asked = match operation {
        Operation::Allocate { .. } => "allocate",
        Operation::Find { .. } => "find",
        Operation::Release { .. } => "release",
        Operation::Resend { .. } => "resend",
    };
    let outcome = match answer {
        Ok(Outcome::Number { .. }) => "number",
        Ok(Outcome::NoStock) => "no_stock",
        Ok(Outcome::Unknown) => "unknown",
        Ok(Outcome::Done) => "done",
        Err(Upstream::Refused) => "refused",
        Err(Upstream::MayHaveHappened) => "silent",
    };
    context.metrics.provider_call(provider.as_str(), (asked, outcome), took);
    let (provider, took_ms) = (provider.as_str(), u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
    match answer {
        Ok(_) => tracing::debug!(provider, asked, outcome, took_ms, "a provider answered"),
        Err(_) => tracing::warn!(provider, asked, outcome, took_ms, "a provider did not answer as it should"),
    }
}

/// Carries a request to where the provider is; `None`: the line broke.
async fn send(
    context: &Context,
    transport: Transport,
    provider: &ProviderCode,
    request: HttpRequest,
) -> Option<HttpReply> {
    if let Some(wire) = &context.wire {
        return wire(provider, request).await;
    }
    match transport {
        Transport::Sandbox => sandbox::serve(context, request).await,
        Transport::Own => gateway::serve(context, provider, request).await,
    }
}
