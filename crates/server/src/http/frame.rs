//! What every request passes first and last: an id, limits on address and headers, a bound on how many are
//! worked on at once and for how long, a net for panics, and the wording of faults.

use super::client::ClientAddress;
use super::cors;
use super::meter::Meter;
use super::place::Place;
use super::problem::{Problem, Raised, word};
use crate::app::Context;
use crate::entropy;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::header::{ALLOW, CACHE_CONTROL, CONNECTION, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use numberotp_core::fault::{Fault, FaultCode};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Longest address.
const URI_MOST: usize = 8 * 1024;
/// Most bytes of headers. Chunked session cookies need 32 KiB.
const HEADERS_MOST: usize = 32 * 1024;
/// Where the request id is sent.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id under which a request is logged and reported.
#[derive(Clone)]
pub(super) struct RequestId(pub(super) Arc<str>);

/// What the frame needs.
#[derive(Clone)]
pub(super) struct Frame {
    context: Arc<Context>,
    room: Arc<Semaphore>,
}

impl Frame {
    pub(super) fn new(context: Arc<Context>) -> Self {
        let room = Arc::new(Semaphore::new(context.settings.requests_at_once));
        Self { context, room }
    }
}

/// The frame around every request.
pub(super) async fn frame(State(frame): State<Frame>, mut request: Request, next: Next) -> Response {
    let id = RequestId(entropy::request_id().into());
    let edge = &frame.context.edge;
    let client = ClientAddress::of(&request, edge);
    let meter = Meter::new(Arc::clone(&frame.context), client.0, request.method(), request.uri().path());
    let grant = cors::grant(edge, request.uri().path(), request.headers());
    let method = request.method().clone();
    request.extensions_mut().insert(id.clone());
    request.extensions_mut().insert(client);
    request.extensions_mut().insert(Arc::clone(&meter));
    let response = match refuse_early(&request).map_or_else(|| meter.admit(), Err) {
        Err(fault) => Problem(fault).into_response(),
        Ok(()) if cors::is_preflight(request.method(), request.headers()) => cors::preflight(&grant),
        Ok(()) => bounded(&frame, &meter, request, next).await,
    };
    let response = if method == Method::OPTIONS { options(response) } else { response };
    let mut response = match response.extensions().get::<Raised>().cloned() {
        Some(Raised(fault)) => word(&fault, &id.0, response.headers()),
        None => response,
    };
    if method == Method::HEAD {
        *response.body_mut() = Body::empty();
    }
    let headers = response.headers_mut();
    meter.print(headers);
    cors::print(&grant, headers);
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        headers.insert(REQUEST_ID, value);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if frame.context.stopping.is_cancelled() {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
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

async fn bounded(frame: &Frame, meter: &Meter, mut request: Request, next: Next) -> Response {
    let ended = if meter.is_wait() {
        AssertUnwindSafe(next.run(request)).catch_unwind().await
    } else {
        let place = match Place::take(&frame.room) {
            Ok(place) => place,
            Err(fault) => return Problem(fault).into_response(),
        };
        // Whoever reads the body consumes the request and its copy with it; this one stays to the end.
        request.extensions_mut().insert(place.clone());
        let work = AssertUnwindSafe(next.run(request)).catch_unwind();
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
