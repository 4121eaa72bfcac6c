//! `/openapi.json`, `/docs` and what belongs to them: what this server says about itself.
//!
//! Guards that everything comes from the program itself, so that it works without a network and no page asks
//! another origin for anything. Must never show anything about an account.

use super::error_pages;
use super::extract::PathText;
use super::problem::Problem;
use super::ready::{Fresh, Kind, answer, packed};
use crate::app::ready::Ready;
use crate::entropy;
use axum::Extension;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use numberotp_core::fault::{Fault, FaultCode};
use serde_json::Value;
use std::sync::Arc;

/// Scalar's API reference, as its authors publish it, compressed. The version stands in the name, so that it may be
/// kept for ever: another version has another address.
const SCALAR: (&str, &[u8]) = ("scalar-1.72.1.js", include_bytes!("../../assets/scalar/scalar-1.72.1.js.gz"));
/// What starts it, with everything off that would ask another origin.
const START: (&str, &str) = ("reference.js", include_str!("../../assets/reference.js"));
/// The page, but for the nonce of its styles.
const PAGE: &str = include_str!("../../assets/reference.html");
const NONCE: &str = "{nonce}";

/// What is made once a process and sent as it is.
pub(super) struct Library {
    document: Ready,
    start: Ready,
}

impl Library {
    pub(super) fn new(document: &Value) -> Self {
        Self { document: Ready::json(document), start: Ready::new(Bytes::from_static(START.1.as_bytes())) }
    }
}

/// `GET /openapi.json`
pub(super) async fn document(Extension(library): Extension<Arc<Library>>, headers: HeaderMap) -> Response {
    answer(&library.document, (Kind::Json, Fresh::Asked), &headers)
}

/// `GET /docs`. The nonce is fresh each time, so this one page is never kept; what it loads is.
pub(super) async fn reference() -> Result<Response, Problem> {
    let random = entropy::bytes::<16>();
    let random = random.map_err(|error| Fault::new(FaultCode::Internal).caused_by(error))?;
    let nonce: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut response = PAGE.replace(NONCE, &nonce).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let styles =
        format!("script-src 'self'; connect-src 'self'; img-src 'self' data:; style-src 'nonce-{nonce}'");
    guard(headers, &styles);
    Ok(response)
}

/// `GET /docs/scripts/{file}`
pub(super) async fn script(
    Extension(library): Extension<Arc<Library>>,
    PathText(file): PathText,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if file == SCALAR.0 {
        return packed(SCALAR, (Kind::Script, Fresh::Forever), &headers).map_err(Problem);
    }
    if file == START.0 {
        return Ok(answer(&library.start, (Kind::Script, Fresh::Asked), &headers));
    }
    Err(Problem(Fault::new(FaultCode::NotFound)))
}

/// `GET /docs/errors`
pub(super) async fn errors(headers: HeaderMap) -> Response {
    text(error_pages::index(), &headers)
}

/// `GET /docs/errors/{code}`
pub(super) async fn error(PathText(code): PathText, headers: HeaderMap) -> Result<Response, Problem> {
    let page = error_pages::about(&code).ok_or_else(|| Fault::new(FaultCode::NotFound))?;
    Ok(text(page, &headers))
}

/// A page of text: no script, one style.
fn text(page: String, headers: &HeaderMap) -> Response {
    let mut response = answer(&Ready::new(Bytes::from(page)), (Kind::Html, Fresh::Asked), headers);
    guard(response.headers_mut(), &format!("style-src '{}'", error_pages::style_hash()));
    response
}

/// What a page may load, beside nothing.
fn guard(headers: &mut HeaderMap, more: &str) {
    let always = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    if let Ok(policy) = HeaderValue::try_from(format!("{always}; {more}")) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
}
