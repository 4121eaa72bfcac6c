//! Webhooks from providers. Raw bytes in, an answer after the commit.

use super::body::read;
use super::extract::PathText;
use super::meter::Meter;
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
    PathText(provider): PathText,
    Extension(meter): Extension<Arc<Meter>>,
    request: Request,
) -> Result<Json<Taken>, Problem> {
    let (parts, bytes) = read(request, WEBHOOK_MOST, &context).await?;
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let taken = messages::take_in(&context, &provider, &header, &bytes).await;
    count(&context, &provider, &taken);
    let received = match taken {
        Ok(received) => received,
        Err(fault) => {
            if matches!(fault.code, FaultCode::InvalidSignature | FaultCode::InvalidParameter) {
                meter.hook_refused(&provider)?;
            }
            return Err(Problem(fault));
        }
    };
    meter.hook_taken(&provider);
    Ok(Json(Taken::new(received == messages::Matched::Yes)))
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
    let code = ProviderCode::parse(provider).filter(|code| context.catalog.load().knows(code));
    let provider = code.as_ref().map_or("unknown", ProviderCode::as_str);
    tracing::info!(provider, outcome, "a webhook came");
    context.metrics.webhook(provider, outcome);
}
