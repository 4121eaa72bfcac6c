//! The one place where a fault becomes an HTTP answer and its inside cause is logged, with the request id.

use super::error_pages;
use super::shapes::Refusal;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, LINK, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use numberotp_core::fault::{Fault, FaultCode};
use std::sync::Arc;

/// A fault as a handler's answer; the frame around all handlers words it.
pub struct Problem(pub Fault);

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        Self(fault)
    }
}

/// A fault on its way to the frame.
#[derive(Clone)]
pub(super) struct Raised(pub(super) Arc<Fault>);

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status(self.0.code);
        response.extensions_mut().insert(Raised(Arc::new(self.0)));
        response
    }
}

/// Which status a code is.
pub fn status(code: FaultCode) -> StatusCode {
    match code {
        FaultCode::InvalidParameter | FaultCode::InvalidJson | FaultCode::RentClosed => {
            StatusCode::BAD_REQUEST
        }
        FaultCode::Unauthorized
        | FaultCode::InvalidCredentials
        | FaultCode::TotpRequired
        | FaultCode::InvalidSignature => StatusCode::UNAUTHORIZED,
        FaultCode::InsufficientBalance => StatusCode::PAYMENT_REQUIRED,
        FaultCode::InsufficientScope
        | FaultCode::SignedInPersonRequired
        | FaultCode::ReauthenticationRequired
        | FaultCode::CsrfRefused
        | FaultCode::AdminRequired
        | FaultCode::SecondFactorRequired
        | FaultCode::AccountNotApproved
        | FaultCode::AccountOnHold
        | FaultCode::KeySpendCap
        | FaultCode::ServiceDenied => StatusCode::FORBIDDEN,
        FaultCode::NotFound
        | FaultCode::UnknownService
        | FaultCode::UnknownCountry
        | FaultCode::NoNumbersAvailable => StatusCode::NOT_FOUND,
        FaultCode::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        FaultCode::Timeout => StatusCode::REQUEST_TIMEOUT,
        FaultCode::IdempotencyKeyReused
        | FaultCode::InvalidState
        | FaultCode::KeyLimit
        | FaultCode::PriceAboveMax
        | FaultCode::ResendNotSupported => StatusCode::CONFLICT,
        FaultCode::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        FaultCode::UriTooLong => StatusCode::URI_TOO_LONG,
        FaultCode::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        FaultCode::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        FaultCode::HeadersTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        FaultCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        FaultCode::ProviderError => StatusCode::BAD_GATEWAY,
        FaultCode::IdempotencyInProgress
        | FaultCode::PurchaseUnconfirmed
        | FaultCode::Overloaded
        | FaultCode::Maintenance => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// Words a fault as an answer.
pub(super) fn word(fault: &Fault, request_id: &str, headers: &http::HeaderMap) -> Response {
    log(fault, request_id);
    let refusal = Refusal {
        success: false,
        error: &fault.message,
        code: fault.code.as_str(),
        status: fault.status,
        id: fault.rent.as_deref(),
        request_id,
    };
    // The types above can always be written.
    let mut response = Response::new(Body::from(serde_json::to_string(&refusal).unwrap_or_default()));
    *response.status_mut() = status(fault.code);
    // What the router set, such as Allow on a 405.
    response.headers_mut().extend(headers.clone());
    let out = response.headers_mut();
    out.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    out.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    out.remove(http::header::CONTENT_LENGTH);
    if let Ok(link) = HeaderValue::try_from(format!("<{}>; rel=\"help\"", error_pages::address(fault.code))) {
        out.insert(LINK, link);
    }
    if let Some(seconds) = fault.retry_after_s {
        out.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if matches!(fault.code, FaultCode::Unauthorized | FaultCode::InvalidCredentials | FaultCode::TotpRequired)
    {
        out.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    // A timeout that is not about a rent is a body's.
    let slow = fault.code == FaultCode::Timeout && fault.status.is_none();
    if slow
        || matches!(
            fault.code,
            FaultCode::PayloadTooLarge | FaultCode::HeadersTooLarge | FaultCode::UriTooLong
        )
    {
        // The rest of such a request is not worth reading.
        out.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

fn log(fault: &Fault, request_id: &str) {
    let code = fault.code.as_str();
    match (&fault.cause, status(fault.code).is_server_error()) {
        (Some(cause), true) => tracing::error!(request_id, code, %cause, "a request failed"),
        (Some(cause), false) => tracing::info!(request_id, code, %cause, "a request was refused"),
        (None, true) => tracing::warn!(request_id, code, "a request failed"),
        (None, false) => tracing::debug!(request_id, code, "a request was refused"),
    }
}
