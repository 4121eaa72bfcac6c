//! `/api/public/prices` and `/api/public/rent-prices`: ready bytes, with tags and compression prepared.

use super::super::extract::Query;
use super::super::problem::Problem;
use crate::app::Context;
use crate::app::prices::{Filter, Ready, ready};
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use numberotp_core::fault::Fault;
use numberotp_core::text::Operator;
use numberotp_core::vocabulary::Spelling;
use serde_json::json;
use std::sync::Arc;

/// `GET /api/public/prices`
pub(in crate::http) async fn prices(
    State(context): State<Arc<Context>>,
    query: Query,
    headers: HeaderMap,
) -> Response {
    match filter(&context, &query) {
        Some(filter) => answer(&context.catalog.load().prices.prices(&filter), &headers),
        None => answer(&nothing(), &headers),
    }
}

/// `GET /api/public/rent-prices`
pub(in crate::http) async fn rent_prices(
    State(context): State<Arc<Context>>,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if query.get("service").is_none() {
        return Err(Problem(Fault::parameter("service", "is missing")));
    }
    let operator = query.get("operator").map(|text| {
        // What cannot be an operator's slug is an unknown operator: no lengths.
        Operator::parse(text).or_else(|| Operator::parse("-")).unwrap_or_else(Operator::any)
    });
    Ok(match filter(&context, &query) {
        Some(filter) => {
            answer(&context.catalog.load().prices.rent_prices(&filter, operator.as_ref()), &headers)
        }
        None => answer(&nothing(), &headers),
    })
}

/// The filter a query asks for; `None`: it names something unknown, which matches nothing.
fn filter(context: &Context, query: &Query) -> Option<Filter> {
    let service = match query.get("service") {
        Some(text) => Some(context.vocabulary.find_service(text, Spelling::SlugFirst)?.code.clone()),
        None => None,
    };
    let country = match query.get("country") {
        Some(text) => Some(context.vocabulary.find_country(text)?.id),
        None => None,
    };
    Some((service, country))
}

fn nothing() -> Ready {
    ready(&json!({ "success": true, "data": {}, "source": "api" }))
}

fn answer(ready: &Ready, headers: &HeaderMap) -> Response {
    let gzip = ready.gzip.as_ref().filter(|_| takes_gzip(headers));
    let etag = if gzip.is_some() {
        ready.etag.replace("\"", "").as_str().to_owned() + "-gz"
    } else {
        ready.etag.replace('"', "")
    };
    let etag = format!("\"{etag}\"");
    let body: Bytes = gzip.unwrap_or(&ready.identity).clone();
    let known = headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut response = if matches_tag(known, &etag) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        Response::new(Body::from(body))
    };
    let out = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(&etag) {
        out.insert(ETAG, tag);
    }
    out.insert(VARY, HeaderValue::from_static("accept-encoding"));
    out.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=0, must-revalidate"));
    if response.status() == StatusCode::OK {
        let out = response.headers_mut();
        out.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if gzip.is_some() {
            out.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
    }
    response
}

/// `If-None-Match`: a list of tags, weak comparison.
fn matches_tag(known: &str, etag: &str) -> bool {
    known.split(',').map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
}

/// True if gzip is named and not refused by a weight of zero.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let text = headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    text.split(',').any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let refused = parts.any(|part| {
            let weight = part.strip_prefix("q=").unwrap_or("1");
            !weight.bytes().any(|byte| matches!(byte, b'1'..=b'9'))
        });
        named && !refused
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_taken_when_named_and_not_refused() {
        for (text, expected) in [
            ("gzip, deflate, br", true),
            ("GZIP", true),
            ("gzip;q=0.5", true),
            ("gzip;q=0", false),
            ("gzip; q=0.000", false),
            ("identity", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(text));
            assert_eq!(takes_gzip(&headers), expected, "{text}");
        }
    }

    #[test]
    fn tags_are_compared_weakly() {
        assert!(matches_tag("\"a\", W/\"b\"", "\"b\"") && matches_tag("*", "\"b\""));
        assert!(!matches_tag("\"a\"", "\"b\"") && !matches_tag("", "\"b\""));
    }
}
