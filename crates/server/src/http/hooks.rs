//! Webhooks from providers. Raw bytes in, an answer after the commit.

use super::body::read;
use super::extract::PathText;
use super::problem::Problem;
use crate::app::{Context, messages};
use axum::Json;
use axum::extract::{Request, State};
use serde_json::{Value, json};
use std::sync::Arc;

/// Most bytes of a webhook.
const WEBHOOK_MOST: usize = 256 * 1024;

/// `POST /api/webhooks/sms/{provider}`
pub(super) async fn sms(
    State(context): State<Arc<Context>>,
    PathText(provider): PathText,
    request: Request,
) -> Result<Json<Value>, Problem> {
    let (parts, body) = request.into_parts();
    let bytes = read(body, WEBHOOK_MOST).await?;
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let received = messages::take_in(&context, &provider, &header, &bytes).await?;
    Ok(Json(json!({ "success": true, "matched": received == messages::Matched::Yes })))
}
