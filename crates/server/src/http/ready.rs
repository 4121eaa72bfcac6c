//! Sends answers that are ready: compressed for whoever takes that, and not at all to whoever has them already.
//!
//! Guards that a tag is compared as HTTP says, and that a compressed body has a tag of its own.

use crate::app::ready::Ready;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use flate2::read::GzDecoder;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use numberotp_core::fault::{Fault, FaultCode};
use std::io::Read as _;

/// Header fields of such an answer with all that the frame adds: room for them is made once.
const FIELDS: usize = 12;

/// What an answer is.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Json,
    Html,
    Script,
}

impl Kind {
    const fn value(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Json => "application/json",
            Self::Html => "text/html; charset=utf-8",
            Self::Script => "text/javascript; charset=utf-8",
        })
    }
}

/// How long an answer may be kept.
#[derive(Clone, Copy)]
pub(super) enum Fresh {
    /// Whoever keeps it asks each time whether it still holds.
    Asked,
    /// Its address names its content.
    Forever,
}

impl Fresh {
    const fn value(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Asked => "public, max-age=0, must-revalidate",
            Self::Forever => "public, max-age=31536000, immutable",
        })
    }
}

/// What of a ready answer somebody gets.
pub(super) struct Chosen<'a> {
    /// The tag of those bytes.
    pub(super) etag: &'a HeaderValue,
    /// The bytes; `None`: the asker has them already.
    pub(super) body: Option<&'a Bytes>,
    /// Whether they are compressed.
    pub(super) gzip: bool,
}

/// Chooses by `Accept-Encoding` and `If-None-Match`; empty where they are not said.
pub(super) fn choose<'a>(ready: &'a Ready, takes: &str, knows: &str) -> Chosen<'a> {
    let packed = ready.gzip.as_ref().filter(|_| takes_gzip(takes));
    let gzip = packed.is_some();
    let etag = if gzip { &ready.etag_gzip } else { &ready.etag };
    let body = packed.unwrap_or(&ready.identity);
    Chosen { etag, body: (!matches_tag(knows, etag.as_bytes())).then_some(body), gzip }
}

/// Sends a ready answer, or says that the asker has it already.
pub(super) fn answer(ready: &Ready, (kind, fresh): (Kind, Fresh), headers: &HeaderMap) -> Response {
    let said = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Chosen { etag, body, gzip } = choose(ready, said(ACCEPT_ENCODING), said(IF_NONE_MATCH));
    let mut response = Response::new(body.map_or_else(Body::empty, |body| Body::from(body.clone())));
    let out = response.headers_mut();
    *out = HeaderMap::with_capacity(FIELDS);
    out.insert(ETAG, etag.clone());
    out.insert(VARY, HeaderValue::from_static("accept-encoding"));
    out.insert(CACHE_CONTROL, fresh.value());
    if body.is_none() {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    out.insert(CONTENT_TYPE, kind.value());
    if gzip {
        out.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// Sends a file that is compressed already, by its name, which changes with its content. Whoever does not take that
/// gets it unpacked.
pub(super) fn packed(
    (name, file): (&'static str, &'static [u8]),
    how: (Kind, Fresh),
    headers: &HeaderMap,
) -> Result<Response, Fault> {
    let takes = headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let identity = if takes_gzip(takes) {
        Bytes::new()
    } else {
        let mut bytes = Vec::new();
        let read = GzDecoder::new(file).read_to_end(&mut bytes);
        read.map_err(|error| Fault::new(FaultCode::Internal).caused_by(error))?;
        Bytes::from(bytes)
    };
    let ready = Ready::named(name, identity, Some(Bytes::from_static(file)));
    Ok(answer(&ready, how, headers))
}

/// `If-None-Match`: a list of tags, weak comparison.
fn matches_tag(known: &str, etag: &[u8]) -> bool {
    let mut tags = known.split(',').map(str::trim);
    tags.any(|tag| tag == "*" || tag.trim_start_matches("W/").as_bytes() == etag)
}

/// True if gzip is named and not refused by a weight of zero.
fn takes_gzip(takes: &str) -> bool {
    takes.split(',').any(|coding| {
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
            assert_eq!(takes_gzip(text), expected, "{text}");
        }
    }

    #[test]
    fn tags_are_compared_weakly() {
        assert!(matches_tag("\"a\", W/\"b\"", b"\"b\"") && matches_tag("*", b"\"b\""));
        assert!(!matches_tag("\"a\"", b"\"b\"") && !matches_tag("", b"\"b\""));
    }
}
