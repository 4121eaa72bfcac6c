//! Webhooks from providers. Raw bytes in, an answer after the commit.

use super::body::read;
use super::extract::PathText;
use super::inside::Inside;
use super::problem::Problem;
use super::shapes::Taken;
use crate::app::{Context, messages};
use axum::extract::{Request, State};
use axum::{Extension, Json};
use numberotp_core::fault::{Fault, FaultCode};
use numberotp_core::text::ProviderCode;
use std::sync::Arc;

/// Most bytes of a webhook.
const WEBHOOK_MOST: usize = 256 * 1024;

/// `POST /api/webhooks/sms/{provider}`
pub(super) async fn sms(
    State(context): State<Arc<Context>>,
    provider: Result<PathText, Problem>,
    Extension(inside): Extension<Arc<Inside>>,
    request: Request,
) -> Result<Json<Taken>, Problem> {
    let meter = &inside.meter;
    // Nobody that we know counts by network, before a body is read or the database is asked. It may still be somebody
    // that another server has made a moment ago.
    let known = provider.as_ref().is_ok_and(|PathText(provider)| known(&context, provider).is_some());
    if !known {
        meter.unknown()?;
    }
    let PathText(provider) = provider?;
    let (parts, bytes) = read(request, WEBHOOK_MOST, &context).await?;
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let taken = messages::take_in(&context, &provider, &header, &bytes).await;
    count(&context, &provider, &taken);
    let received = match taken {
        Ok(received) => received,
        Err(fault) => {
            match fault.code {
                FaultCode::InvalidSignature | FaultCode::InvalidParameter => meter.hook_refused(&provider)?,
                FaultCode::NotFound if known => meter.unknown()?,
                _ => {}
            }
            return Err(Problem(fault));
        }
    };
    meter.hook_taken(&provider);
    Ok(Json(Taken::new(received == messages::Matched::Yes)))
}

/// The provider of a name, if this server knows it.
fn known(context: &Context, provider: &str) -> Option<ProviderCode> {
    ProviderCode::parse(provider).filter(|code| context.catalog.load().knows(code))
}

/// Counted under a provider that we know: whoever posts chooses the address.
fn count(context: &Context, provider: &str, taken: &Result<messages::Matched, Fault>) {
    let outcome = match taken {
        Ok(messages::Matched::Yes) => "matched",
        Ok(messages::Matched::No) => "unmatched",
        Err(fault) => match fault.code {
            FaultCode::NotFound | FaultCode::InvalidSignature => "refused",
            FaultCode::InvalidParameter => "unreadable",
            _ => "failed",
        },
    };
    let code = known(context, provider);
    let provider = code.as_ref().map_or("unknown", ProviderCode::as_str);
    tracing::info!(provider, outcome, "a webhook came");
    context.metrics.webhook(provider, outcome);
}
