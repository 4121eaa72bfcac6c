//! `/healthz`, `/readyz`, `/metrics`: for whoever keeps the server running. No account is needed.
//!
//! Guards that measures are read from this machine or with the token, and by nobody else: a proxy on this machine
//! passes the world on, so what was passed on needs the token.

use super::error_pages;
use super::inside::Inside;
use super::problem::Problem;
use super::server::PeerAddress;
use crate::app::Context;
use crate::app::vitals;
use crate::metrics::CONTENT_TYPE as METRICS_TYPE;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::header::{AUTHORIZATION, CONTENT_TYPE, FORWARDED, LINK, RETRY_AFTER, VIA};
use http::{HeaderMap, HeaderName, StatusCode};
use numberotp_core::fault::{Fault, FaultCode};
use serde_json::{Value, json};
use std::sync::Arc;

/// What a proxy adds. Any of them takes the word "this machine" from a request; none gives it.
const PASSED_ON: [HeaderName; 4] =
    [FORWARDED, VIA, HeaderName::from_static("x-forwarded-for"), HeaderName::from_static("x-real-ip")];

/// `GET /healthz`: the process answers. It asks nobody.
pub(super) async fn health() -> Json<Value> {
    Json(json!({ "success": true }))
}

/// `GET /readyz`: 200 if it can do its work now, else 503 with what is missing.
pub(super) async fn ready(
    State(context): State<Arc<Context>>,
    Extension(inside): Extension<Arc<Inside>>,
) -> Response {
    let missing = vitals::missing(&context).await;
    if missing.is_empty() {
        return Json(json!({ "success": true, "ready": true })).into_response();
    }
    let list: Vec<Value> =
        missing.iter().map(|missing| json!({ "what": missing.what, "says": missing.says })).collect();
    let answer = json!({
        "success": false,
        "error": "The server cannot do its work now.",
        "code": FaultCode::Maintenance.as_str(),
        "request_id": inside.id,
        "ready": false,
        "missing": list,
    });
    let link = format!("<{}>; rel=\"help\"", error_pages::address(FaultCode::Maintenance));
    (StatusCode::SERVICE_UNAVAILABLE, [(LINK, link), (RETRY_AFTER, "5".to_owned())], Json(answer))
        .into_response()
}

/// `GET /metrics`: what is measured, for this machine or with the token; for everybody else there is no such address.
pub(super) async fn metrics(
    State(context): State<Arc<Context>>,
    peer: Option<Extension<PeerAddress>>,
    Extension(inside): Extension<Arc<Inside>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let here = peer.is_some_and(|Extension(peer)| peer.0.ip().to_canonical().is_loopback());
    let passed_on = PASSED_ON.iter().any(|name| headers.contains_key(name));
    if !(here && !passed_on || shows_token(&context, &headers)) {
        // Like any address that does not exist, and nobody tries tokens without end.
        inside.meter.unknown()?;
        return Err(Problem(Fault::new(FaultCode::NotFound)));
    }
    let text = vitals::measures(&context).await;
    Ok(([(CONTENT_TYPE, METRICS_TYPE)], text).into_response())
}

fn shows_token(context: &Context, headers: &HeaderMap) -> bool {
    let shown = headers.get(AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    match (&context.metrics_token, shown) {
        (Some(token), Some(shown)) => verify_slices_are_equal(token.expose(), shown).is_ok(),
        _ => false,
    }
}
