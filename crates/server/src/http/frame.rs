//! What every request passes first and last: an id, limits on address and headers, a bound on how many are
//! worked on at once and for how long, a net for panics, and the wording of faults.

use super::problem::{Problem, Raised, word};
use crate::app::Context;
use crate::entropy;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::header::{CACHE_CONTROL, CONNECTION, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue};
use numberotp_core::fault::{Fault, FaultCode};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Longest address.
const URI_MOST: usize = 8 * 1024;
/// Most bytes of headers. Chunked session cookies need 32 KiB.
const HEADERS_MOST: usize = 32 * 1024;
/// Most requests worked on at once; waits for a code do not count.
const AT_ONCE: usize = 1_024;
/// Longest time for a request; a purchase is bounded by itself below this.
const ANSWER_WITHIN: Duration = Duration::from_secs(29);
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
        Self { context, room: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

/// The frame around every request.
pub(super) async fn frame(State(frame): State<Frame>, mut request: Request, next: Next) -> Response {
    let id = RequestId(entropy::request_id().into());
    request.extensions_mut().insert(id.clone());
    let response = match refuse_early(&request) {
        Some(fault) => Problem(fault).into_response(),
        None => bounded(&frame, request, next).await,
    };
    let mut response = match response.extensions().get::<Raised>().cloned() {
        Some(Raised(fault)) => word(&fault, &id.0, response.headers()),
        None => response,
    };
    let headers = response.headers_mut();
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

async fn bounded(frame: &Frame, request: Request, next: Next) -> Response {
    let waits = request.uri().path().trim_end_matches('/').ends_with("/wait");
    let work = AssertUnwindSafe(next.run(request)).catch_unwind();
    let ended = if waits {
        work.await
    } else {
        let Ok(_place) = frame.room.try_acquire() else {
            return Problem(Fault::new(FaultCode::Overloaded)).into_response();
        };
        match tokio::time::timeout(ANSWER_WITHIN, work).await {
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
