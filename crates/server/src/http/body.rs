//! Reads bodies: bounded in size and time, JSON objects only, fields parsed with a fault that names them.

use super::csrf;
use super::inside::Inside;
use super::problem::Problem;
use crate::app::Context;
use axum::body::{HttpBody, to_bytes};
use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use futures_util::FutureExt;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use http_body_util::LengthLimitError;
use numberotp_core::fault::{Fault, FaultCode};
use numberotp_core::money::Usd;
use numberotp_core::token;
use serde_json::{Map, Value};
use std::sync::Arc;

/// Most bytes of a customer's body.
const BODY_MOST: usize = 64 * 1024;
/// Reads a request's body of at most so many bytes. What is compressed is refused as it is: nothing is ever inflated.
pub(super) async fn read(
    request: Request,
    most: usize,
    context: &Context,
) -> Result<(http::request::Parts, Bytes), Fault> {
    let inside = Inside::of(request.extensions()).cloned();
    let (parts, body) = request.into_parts();
    let coded = |value: &HeaderValue| !value.as_bytes().eq_ignore_ascii_case(b"identity");
    if parts.headers.get_all(CONTENT_ENCODING).iter().any(coded) {
        let sentence = "The body is compressed. Send it plain, without the header Content-Encoding.";
        return Err(Fault::new(FaultCode::UnsupportedMediaType).saying(sentence));
    }
    if body.size_hint().lower() > u64::try_from(most).unwrap_or(u64::MAX) {
        return Err(too_large(most));
    }
    let mut reading = Box::pin(to_bytes(body, most));
    // Most bodies are there already; whoever has to be waited for must not take a place meanwhile.
    let bytes = match reading.as_mut().now_or_never() {
        Some(bytes) => bytes,
        None => {
            let within = context.settings.body_within.to_std();
            if let Some(inside) = &inside {
                inside.place.leave();
            }
            let bytes = tokio::time::timeout(within, reading).await.map_err(|_elapsed| {
                let sentence = format!("The body did not arrive within {} seconds.", within.as_secs());
                Fault::new(FaultCode::Timeout).saying(sentence)
            })?;
            inside.map_or(Ok(()), |inside| inside.place.enter())?;
            bytes
        }
    };
    match bytes {
        Ok(bytes) => Ok((parts, bytes)),
        Err(error) if is_limit(&error) => Err(too_large(most)),
        Err(error) => {
            let sentence = "The body broke off, or its pieces are not framed as HTTP asks.";
            Err(Fault::new(FaultCode::InvalidJson).saying(sentence).caused_by(error))
        }
    }
}

fn too_large(most: usize) -> Fault {
    Fault::new(FaultCode::PayloadTooLarge).saying(format!("The body is larger than {} KiB.", most / 1024))
}

fn is_limit(error: &axum::Error) -> bool {
    std::error::Error::source(error).is_some_and(|source| source.is::<LengthLimitError>())
}

/// The fields of a JSON object. Unknown fields are ignored.
pub(super) struct Fields {
    fields: Map<String, Value>,
    fingerprint: [u8; 32],
}

impl FromRequest<Arc<Context>> for Fields {
    type Rejection = Problem;

    async fn from_request(request: Request, context: &Arc<Context>) -> Result<Self, Problem> {
        let (parts, bytes) = read(request, BODY_MOST, context).await?;
        Self::read(&parts.headers, &bytes).map_err(Problem)
    }
}

/// The same where the body may be left out.
pub(super) struct OptionalFields(pub(super) Fields);

impl FromRequest<Arc<Context>> for OptionalFields {
    type Rejection = Problem;

    async fn from_request(request: Request, context: &Arc<Context>) -> Result<Self, Problem> {
        let (parts, bytes) = read(request, BODY_MOST, context).await?;
        let empty = bytes.iter().all(u8::is_ascii_whitespace);
        if empty {
            return Ok(Self(Fields { fields: Map::new(), fingerprint: token::hash_bytes(b"") }));
        }
        Ok(Self(Fields::read(&parts.headers, &bytes)?))
    }
}

/// Fields that come as JSON or as a form, which programs of the standards send. Any page can have its reader's browser send
/// a form: what one of another site sent is not read.
pub(super) struct Form(pub(super) Fields);

impl FromRequest<Arc<Context>> for Form {
    type Rejection = Problem;

    async fn from_request(request: Request, context: &Arc<Context>) -> Result<Self, Problem> {
        csrf::check_form(request.headers(), context)?;
        let (parts, bytes) = read(request, BODY_MOST, context).await?;
        Ok(Self(Fields::read_form(&parts.headers, &bytes)?))
    }
}

/// The same where the body may be left out.
pub(super) struct OptionalForm(pub(super) Fields);

impl FromRequest<Arc<Context>> for OptionalForm {
    type Rejection = Problem;

    async fn from_request(request: Request, context: &Arc<Context>) -> Result<Self, Problem> {
        csrf::check_form(request.headers(), context)?;
        let (parts, bytes) = read(request, BODY_MOST, context).await?;
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self(Fields { fields: Map::new(), fingerprint: token::hash_bytes(b"") }));
        }
        Ok(Self(Fields::read_form(&parts.headers, &bytes)?))
    }
}

fn object(headers: &HeaderMap, bytes: &[u8]) -> Result<Map<String, Value>, Fault> {
    let json = headers.get(CONTENT_TYPE).is_some_and(is_json);
    if !json {
        return Err(Fault::new(FaultCode::UnsupportedMediaType));
    }
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => {
            Err(Fault::new(FaultCode::InvalidJson).saying("The body is JSON but not an object. Send { … }."))
        }
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            let sentence = format!("The body is not JSON: it breaks at line {line}, column {column}.");
            Err(Fault::new(FaultCode::InvalidJson).saying(sentence))
        }
    }
}

fn is_json(value: &HeaderValue) -> bool {
    let text = value.to_str().unwrap_or_default();
    let kind = text.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json") || kind.to_ascii_lowercase().ends_with("+json")
}

impl Fields {
    fn read(headers: &HeaderMap, bytes: &[u8]) -> Result<Self, Fault> {
        Ok(Self { fields: object(headers, bytes)?, fingerprint: token::hash_bytes(bytes) })
    }

    fn read_form(headers: &HeaderMap, bytes: &[u8]) -> Result<Self, Fault> {
        let form = |value: &HeaderValue| {
            let text = value.to_str().unwrap_or_default();
            let kind = text.split(';').next().unwrap_or_default().trim();
            kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
        };
        if !headers.get(CONTENT_TYPE).is_some_and(form) {
            return Self::read(headers, bytes);
        }
        let mut fields = Map::new();
        for (key, value) in form_urlencoded::parse(bytes) {
            // Source: RFC 6749, 3.2: no parameter more than once, and an empty one counts as absent.
            if !value.is_empty()
                && fields.insert(key.to_string(), Value::String(value.into_owned())).is_some()
            {
                return Err(Fault::parameter(&key, "is given twice"));
            }
        }
        Ok(Self { fields, fingerprint: token::hash_bytes(bytes) })
    }

    /// Digest of the body, byte for byte: what a repeat under the same key must have again.
    pub(super) fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }

    /// A field; null counts as absent.
    pub(super) fn get(&self, field: &str) -> Option<&Value> {
        self.fields.get(field).filter(|value| !value.is_null())
    }

    /// A text that may be absent.
    pub(super) fn text(&self, field: &str) -> Result<Option<&str>, Fault> {
        match self.get(field) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Fault::parameter(field, "must be a text")),
        }
    }

    /// A text that must be there.
    pub(super) fn required(&self, field: &str) -> Result<&str, Fault> {
        let text = self.text(field)?.map(str::trim).filter(|text| !text.is_empty());
        text.ok_or_else(|| Fault::parameter(field, "is missing"))
    }

    /// A text or a whole number, as text: what names a country or a pool.
    pub(super) fn name(&self, field: &str) -> Result<Option<String>, Fault> {
        match self.get(field) {
            Some(Value::Number(number)) if number.is_u64() => Ok(Some(number.to_string())),
            _ => Ok(self.text(field)?.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())),
        }
    }

    /// An amount of USD above zero, as a number or as text.
    pub(super) fn amount(&self, field: &str) -> Result<Option<Usd>, Fault> {
        let text = match self.get(field) {
            None => return Ok(None),
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::String(text)) => text.trim().to_owned(),
            Some(_) => return Err(Fault::parameter(field, "must be an amount such as 0.05")),
        };
        let amount = Usd::parse(&text).map_err(|error| Fault::parameter(field, &error.to_string()))?;
        if amount.is_positive() {
            Ok(Some(amount))
        } else {
            Err(Fault::parameter(field, "must be above zero"))
        }
    }

    /// A whole number, if there.
    pub(super) fn whole(&self, field: &str) -> Result<Option<i64>, Fault> {
        let number = self.get(field).map(|value| value.as_i64());
        number
            .map(|number| number.ok_or_else(|| Fault::parameter(field, "must be a whole number")))
            .transpose()
    }

    /// A list of texts, if there.
    pub(super) fn texts(&self, field: &str) -> Result<Option<Vec<&str>>, Fault> {
        let Some(value) = self.get(field) else { return Ok(None) };
        let texts = value.as_array().and_then(|list| list.iter().map(Value::as_str).collect());
        texts.map(Some).ok_or_else(|| Fault::parameter(field, "must be a list of texts"))
    }

    /// True or false, if there.
    pub(super) fn flag(&self, field: &str) -> Result<Option<bool>, Fault> {
        match self.get(field) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(_) => Err(Fault::parameter(field, "must be true or false")),
        }
    }
}
