//! What every request passes first and last: an id, limits on address and headers, a bound on how many are
//! worked on at once and for how long, a net for panics, and the wording of faults.

use super::client::ClientAddress;
use super::cors;
use super::inside::Inside;
use super::meter::Meter;
use super::place::Place;
use super::problem::{Problem, Raised, word};
use crate::app::Context;
use crate::entropy::RequestIds;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::header::{ALLOW, CACHE_CONTROL, CONNECTION, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use numberotp_core::fault::{Fault, FaultCode};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tower::ServiceExt;
use tracing::{Instrument, Level, Span};

/// Longest address.
const URI_MOST: usize = 8 * 1024;
/// Most bytes of headers. Chunked session cookies need 32 KiB.
const HEADERS_MOST: usize = 32 * 1024;
/// Where the request id is sent.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A method that routes know, or `other`: anybody can invent one.
fn known(method: &Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PATCH", "DELETE", "PUT", "OPTIONS"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("other")
}

/// What the frame needs.
pub(super) struct Frame {
    context: Arc<Context>,
    room: Arc<Semaphore>,
    ids: RequestIds,
}

impl Frame {
    pub(super) fn new(context: Arc<Context>) -> Self {
        let room = Arc::new(Semaphore::new(context.settings.requests_at_once));
        Self { context, room, ids: RequestIds::default() }
    }
}

/// Whoever posts a webhook may name it; what a customer calls its request is the customer's own matter.
const NAMED_BY_SENDER: &str = "/api/webhooks/";

/// What is read here by anybody is answered from memory.
const FROM_MEMORY: &str = "/api/public/";

/// A request's id: ours, or the one that a webhook came with, if it can stand in a log.
fn request_id(ids: &RequestIds, request: &Request) -> String {
    if !request.uri().path().starts_with(NAMED_BY_SENDER) {
        return ids.next();
    }
    let given = request.headers().get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let given = given.filter(|id| (8..=64).contains(&id.len()) && id.bytes().all(safe));
    given.map_or_else(|| ids.next(), str::to_owned)
}

/// Whether every answer is told in a line, with the id of its request.
pub(super) fn tells_all() -> bool {
    tracing::enabled!(Level::DEBUG)
}

impl Frame {
    /// The frame around every request. All of its lines in the log have its id.
    pub(super) async fn around(&self, request: Request, routes: Router) -> Response {
        let id = request_id(&self.ids, &request);
        // An error's level: whatever the filter lets through has the id. What is ready in memory has nothing to log on its
        // way but what names the id itself, and a span would cost it a tenth of its time.
        let from_memory = request.method().is_safe() && request.uri().path().starts_with(FROM_MEMORY);
        let span = if from_memory && !tells_all() {
            Span::none()
        } else {
            tracing::error_span!("request", request_id = &*id)
        };
        framed(self, (request, id), routes).instrument(span).await
    }
}

async fn framed(frame: &Frame, (mut request, id): (Request, String), routes: Router) -> Response {
    let edge = &frame.context.edge;
    let client = ClientAddress::of(&request, edge);
    let meter = Meter::new(Arc::clone(&frame.context), client.0, request.method(), request.uri().path());
    let grant = cors::grant(edge, request.uri().path(), request.headers());
    let method = request.method().clone();
    let begun = Instant::now();
    let inside = Arc::new(Inside::new(id, client, meter, Place::new(&frame.room)));
    let (id, meter) = (inside.id.as_str(), &inside.meter);
    request.extensions_mut().insert(Arc::clone(&inside));
    let response = match refuse_early(&request).map_or_else(|| meter.admit(), Err) {
        Err(fault) => Problem(fault).into_response(),
        Ok(()) if cors::is_preflight(request.method(), request.headers()) => cors::preflight(&grant),
        Ok(()) => bounded(frame, &inside, request, routes).await,
    };
    let response = if method == Method::OPTIONS { options(response) } else { response };
    let mut response = match response.extensions().get::<Raised>().cloned() {
        Some(Raised(fault)) => word(&fault, id, response.headers()),
        None => response,
    };
    if method == Method::HEAD {
        *response.body_mut() = Body::empty();
    }
    let headers = response.headers_mut();
    // Room for all that follows and what usually stands there, at once instead of in two steps.
    headers.reserve(8);
    meter.print(headers);
    cors::print(&grant, headers);
    if let Ok(value) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, value);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if frame.context.stopping.is_cancelled() {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    tell(&frame.context, (inside.taken_route(), &method), response.status().as_u16(), begun.elapsed());
    response
}

/// One count and one line an answer; of answers that changed nothing the line is for debugging.
fn tell(context: &Context, (route, method): (&'static str, &Method), status: u16, took: Duration) {
    let reads = method.is_safe();
    let method = known(method);
    context.metrics.request((route, method), status, took);
    let took_ms = u64::try_from(took.as_millis()).ok();
    if reads {
        tracing::debug!(method, route, status, took_ms, "answered");
    } else {
        tracing::info!(method, route, status, took_ms, "answered");
    }
}

/// OPTIONS of an address that exists: what the router refuses with its list of methods is the answer.
fn options(response: Response) -> Response {
    let Some(allow) =
        response.headers().get(ALLOW).filter(|_| response.status() == StatusCode::METHOD_NOT_ALLOWED)
    else {
        return response;
    };
    let list = format!("{},OPTIONS", allow.to_str().unwrap_or_default());
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    if let Ok(list) = HeaderValue::from_str(&list) {
        answer.headers_mut().insert(ALLOW, list);
    }
    answer
}

fn refuse_early(request: &Request) -> Option<Fault> {
    let uri = request.uri();
    let address = uri.path().len().saturating_add(uri.query().map_or(0, str::len));
    if address > URI_MOST {
        return Some(Fault::new(FaultCode::UriTooLong));
    }
    let sizes = request.headers().iter().map(|(name, value)| name.as_str().len().saturating_add(value.len()));
    let size = sizes.fold(0_usize, |sum, size| sum.saturating_add(size).saturating_add(4));
    (size > HEADERS_MOST).then(|| Fault::new(FaultCode::HeadersTooLarge))
}

async fn bounded(frame: &Frame, inside: &Inside, request: Request, routes: Router) -> Response {
    let routed =
        |request| routes.oneshot(request).map(|answer| answer.unwrap_or_else(|never| match never {}));
    // Waits cost nothing while they wait, and a server that is full is still alive.
    let ended = if inside.meter.is_wait() || request.uri().path().trim_end_matches('/') == "/healthz" {
        AssertUnwindSafe(routed(request)).catch_unwind().await
    } else {
        if let Err(fault) = inside.place.enter() {
            return Problem(fault).into_response();
        }
        let work = AssertUnwindSafe(routed(request)).catch_unwind();
        match tokio::time::timeout(frame.context.settings.answer_within.to_std(), work).await {
            Ok(ended) => ended,
            Err(_elapsed) => {
                let sentence =
                    "The answer took too long. It may have been done or not: look before you repeat it.";
                return Problem(Fault::new(FaultCode::Maintenance).saying(sentence)).into_response();
            }
        }
    };
    ended.unwrap_or_else(|_panic| {
        Problem(Fault::new(FaultCode::Internal).caused_by("a handler panicked")).into_response()
    })
}
