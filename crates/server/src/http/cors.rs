//! Browsers of other origins. Public answers are for everybody, without credentials; everything else is for
//! the configured origins alone.

use crate::config::Edge;
use axum::body::Body;
use axum::response::Response;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

const METHODS: &str = "GET, HEAD, POST, PATCH, DELETE, OPTIONS";
const HEADERS: &str = "authorization, content-type, idempotency-key, if-none-match";
/// Of what we send, all that a browser would else keep from a page.
const EXPOSED: &str = "x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset, retry-after, age, x-request-id, \
     etag, link, allow, idempotent-replayed, www-authenticate";

/// What a browser's origin may do here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Grant {
    /// Not a browser of another origin, or one that is not let in.
    Nothing,
    /// Anybody, without credentials.
    Everybody,
    /// This origin, with credentials.
    Origin(HeaderValue),
}

/// Decides by path and origin.
pub(super) fn grant(edge: &Edge, path: &str, headers: &HeaderMap) -> Grant {
    let Some(origin) = headers.get(ORIGIN) else { return Grant::Nothing };
    if path.starts_with("/api/public/") {
        return Grant::Everybody;
    }
    let text = origin.to_str().unwrap_or_default().to_ascii_lowercase();
    if edge.cors_origins.contains(&text) { Grant::Origin(origin.clone()) } else { Grant::Nothing }
}

/// True for a browser's question before its request.
pub(super) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS
        && headers.contains_key(ORIGIN)
        && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// The answer to that question; without a grant it says nothing, and the browser refuses.
pub(super) fn preflight(grant: &Grant) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    if *grant != Grant::Nothing {
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(HEADERS));
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    }
    response
}

/// Writes the grant on an answer.
pub(super) fn print(grant: &Grant, headers: &mut HeaderMap) {
    match grant {
        Grant::Nothing => return,
        Grant::Everybody => drop(headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"))),
        Grant::Origin(origin) => {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
            headers.append(VARY, HeaderValue::from_static("origin"));
        }
    }
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
}
