//! The generic gateway's sentences, shared by the sandbox and own numbers: JSON requests by our reference,
//! and the common webhook body `{"providerRef","number","text","from","code","receivedAt","messageId"}`.

use crate::provider::{
    Headers, HttpReply, HttpRequest, Inbound, Operation, Outcome, Unreadable, Unverified, Upstream,
};
use numberotp_core::secret::{Secret, SecretBytes};
use numberotp_core::text::PhoneNumber;
use numberotp_core::time::Time;
use numberotp_core::webhook;
use serde_json::{Map, Value, json};

/// Where allocations are asked for.
pub const ALLOCATIONS: &str = "/allocations";
/// The longest text of an SMS that is read; a long one of ten parts has 1,530 characters.
const LONGEST_TEXT: usize = 8_192;
/// The longest reference or message id that is read.
const LONGEST_NAME: usize = 200;

/// Words an operation.
pub fn request(operation: &Operation) -> HttpRequest {
    match operation {
        Operation::Allocate { reference, service, country, operator } => HttpRequest {
            method: "POST",
            path: ALLOCATIONS.to_owned(),
            body: json!({
                "reference": reference,
                "service": service.as_str(),
                "country": country.get(),
                "operator": operator.as_str(),
            })
            .to_string()
            .into_bytes(),
        },
        Operation::Find { reference } => plain("GET", reference, ""),
        Operation::Release { reference } => plain("POST", reference, "/release"),
        Operation::Resend { reference } => plain("POST", reference, "/resend"),
    }
}

fn plain(method: &'static str, reference: &str, verb: &str) -> HttpRequest {
    HttpRequest { method, path: format!("{ALLOCATIONS}/{reference}{verb}"), body: Vec::new() }
}

/// Reads a reply. A 2xx that cannot be read may have happened.
///
/// # Errors
/// [`Upstream`].
pub fn reply(operation: &Operation, reply: &HttpReply) -> Result<Outcome, Upstream> {
    let wants_number = matches!(operation, Operation::Allocate { .. } | Operation::Find { .. });
    match (reply.status, wants_number) {
        (200, true) => number(&reply.body).ok_or(Upstream::MayHaveHappened),
        (200, false) => Ok(Outcome::Done),
        (404, _) => Ok(Outcome::Unknown),
        (409, true) => Ok(Outcome::NoStock),
        (400..=499, _) => Err(Upstream::Refused),
        _ => Err(Upstream::MayHaveHappened),
    }
}

fn number(body: &[u8]) -> Option<Outcome> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let number = PhoneNumber::parse(value.get("number")?.as_str()?)?;
    let provider_ref = value.get("ref")?.as_str()?.to_owned();
    let fits =
        (1..=LONGEST_NAME).contains(&provider_ref.len()) && !provider_ref.chars().any(char::is_control);
    if !fits {
        return None;
    }
    Some(Outcome::Number { number, provider_ref })
}

/// Checks `x-signature` over the raw body.
///
/// # Errors
/// [`Unverified`].
pub fn verify(secret: &SecretBytes, headers: Headers<'_>, body: &[u8]) -> Result<(), Unverified> {
    let header = headers(webhook::SIGNATURE_HEADER).ok_or(Unverified)?;
    if webhook::verify(secret, body, header) { Ok(()) } else { Err(Unverified) }
}

/// Reads the common body.
///
/// # Errors
/// [`Unreadable`] names the first field that is wrong.
pub fn inbound(body: &[u8]) -> Result<Vec<Inbound>, Unreadable> {
    let unreadable = |field, problem| Unreadable { field, problem };
    let value: Value = serde_json::from_slice(body).map_err(|_syntax| unreadable("body", "is not JSON"))?;
    let fields = value.as_object().ok_or(unreadable("body", "is not a JSON object"))?;
    let text = text(fields, "text")?.ok_or(unreadable("text", "is missing"))?;
    let number = match self::text(fields, "number")? {
        Some(number) => {
            Some(PhoneNumber::parse(number).ok_or(unreadable("number", "is not an E.164 number"))?)
        }
        None => None,
    };
    let provider_ref = name(fields, "providerRef")?;
    if number.is_none() && provider_ref.is_none() {
        return Err(unreadable("providerRef", "and `number` are both missing; one is needed"));
    }
    let received_at = match self::text(fields, "receivedAt")? {
        Some(at) => Some(Time::parse_rfc3339(at).ok_or(unreadable("receivedAt", "is not an RFC 3339 time"))?),
        None => None,
    };
    Ok(vec![Inbound {
        provider_ref,
        number,
        text: Secret::new(text),
        from: Secret::new(self::text(fields, "from")?.unwrap_or_default()),
        code: self::text(fields, "code")?.filter(|code| !code.is_empty()).map(Secret::new),
        received_at,
        message_id: name(fields, "messageId")?,
    }])
}

/// A text field, `None` if absent or null.
fn text<'a>(fields: &'a Map<String, Value>, field: &'static str) -> Result<Option<&'a str>, Unreadable> {
    match fields.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.len() <= LONGEST_TEXT => Ok(Some(text)),
        Some(Value::String(_)) => Err(Unreadable { field, problem: "is too long" }),
        Some(_) => Err(Unreadable { field, problem: "is not a text" }),
    }
}

/// A name of the provider's: a short text without control characters, or a whole number.
fn name(fields: &Map<String, Value>, field: &'static str) -> Result<Option<String>, Unreadable> {
    if let Some(Value::Number(number)) = fields.get(field) {
        return Ok(Some(number.to_string()));
    }
    match text(fields, field)? {
        None | Some("") => Ok(None),
        Some(text) if text.len() > LONGEST_NAME => Err(Unreadable { field, problem: "is too long" }),
        Some(text) if text.chars().any(char::is_control) => {
            Err(Unreadable { field, problem: "has control characters" })
        }
        Some(text) => Ok(Some(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find() -> Operation {
        Operation::Find { reference: "7".into() }
    }
    fn answer(status: u16, body: &str) -> HttpReply {
        HttpReply { status, body: body.as_bytes().to_vec() }
    }

    #[test]
    fn only_a_clear_no_counts_as_nothing_happened() {
        let number = r#"{"ref":"r1","number":"+12025550100"}"#;
        assert!(matches!(reply(&find(), &answer(200, number)), Ok(Outcome::Number { .. })));
        assert_eq!(reply(&find(), &answer(404, "")), Ok(Outcome::Unknown));
        assert_eq!(reply(&find(), &answer(409, "")), Ok(Outcome::NoStock));
        assert_eq!(reply(&find(), &answer(401, "")), Err(Upstream::Refused));
        for (status, body) in
            [(200, "<html>"), (200, "{}"), (200, r#"{"ref":1,"number":"x"}"#), (500, ""), (302, "")]
        {
            assert_eq!(
                reply(&find(), &answer(status, body)),
                Err(Upstream::MayHaveHappened),
                "{status} {body}"
            );
        }
    }

    #[test]
    fn the_common_body_is_read_and_bad_fields_are_named() {
        let body = br#"{"providerRef":"r1","number":"+12025550100","text":"Your code is 482913","from":"Telegram","code":null,"receivedAt":"2026-01-01T00:00:00Z","messageId":42,"extra":true}"#;
        let read = &inbound(body).unwrap()[0];
        assert_eq!(read.provider_ref.as_deref(), Some("r1"));
        assert_eq!(read.message_id.as_deref(), Some("42"));
        assert_eq!(read.text.expose(), "Your code is 482913");
        for (body, field) in [
            ("[]", "body"),
            ("{", "body"),
            (r#"{"providerRef":"r"}"#, "text"),
            (r#"{"providerRef":"r","text":5}"#, "text"),
            (r#"{"text":"x"}"#, "providerRef"),
            (r#"{"text":"x","number":"12"}"#, "number"),
            (r#"{"text":"x","providerRef":"a\u0000b"}"#, "providerRef"),
            (r#"{"text":"x","providerRef":"r","receivedAt":"yesterday"}"#, "receivedAt"),
        ] {
            assert_eq!(inbound(body.as_bytes()).unwrap_err().field, field, "{body}");
        }
    }
}
