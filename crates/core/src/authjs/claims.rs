//! What a session says of its person, and whether it is good at a moment.
//!
//! Guards: a token without an end is refused, and no claim is read but these: what a site adds, such as a role, means
//! nothing here.

use super::{Refused, object};
use crate::text::{Email, display_name};
use crate::time::{Span, Time};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// How far the site's clock may be off, in seconds. Source: both packages.
const TOLERANCE: i64 = 15;
/// Longest subject that is kept.
const SUBJECT_MOST: usize = 255;

/// Who a session is of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Claims {
    /// The person's id at the site (`sub`).
    pub subject: Option<String>,
    /// The person's e-mail, as the site has it.
    pub email: Option<Email>,
    /// The person's name, if it can be one here.
    pub name: Option<String>,
    /// When the token was made (`iat`).
    pub issued: Option<Time>,
    /// When it ends (`exp`), without the tolerance.
    pub expires: Time,
}

/// The claims as they are written; `None` is absent, `null` is a value.
#[derive(Deserialize)]
struct Written {
    #[serde(default, deserialize_with = "given")]
    sub: Option<Value>,
    #[serde(default, deserialize_with = "given")]
    email: Option<Value>,
    #[serde(default, deserialize_with = "given")]
    name: Option<Value>,
    #[serde(default, deserialize_with = "given")]
    iat: Option<Value>,
    #[serde(default, deserialize_with = "given")]
    exp: Option<Value>,
    #[serde(default, deserialize_with = "given")]
    nbf: Option<Value>,
}

fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// Reads the claims and judges them at a moment.
pub(super) fn read(payload: &[u8], now: Time) -> Result<Claims, Refused> {
    let written: Written = object(payload).ok_or(Refused::Payload)?;
    let number = |value: Option<Value>| match value {
        None => Ok(None),
        Some(value) => value.as_i64().map(Some).ok_or(Refused::Payload),
    };
    let expires = written.exp.ok_or(Refused::NoExpiry)?.as_i64().ok_or(Refused::ExpiryType)?;
    let (issued, not_before) = (number(written.iat)?, number(written.nbf)?);
    let now = now.unix_seconds();
    if expires <= now.saturating_sub(TOLERANCE) {
        return Err(Refused::Expired);
    }
    if not_before.is_some_and(|moment| moment > now.saturating_add(TOLERANCE)) {
        return Err(Refused::NotYet);
    }
    Ok(Claims {
        subject: written.sub.as_ref().and_then(subject),
        email: written.email.as_ref().and_then(Value::as_str).and_then(Email::parse),
        name: written.name.as_ref().and_then(Value::as_str).and_then(display_name),
        issued: issued.map(moment),
        expires: moment(expires),
    })
}

/// An id is a text; some adapters count their people.
fn subject(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.as_i64()?.to_string(),
        _ => return None,
    };
    let fits = (1..=SUBJECT_MOST).contains(&text.len()) && !text.chars().any(char::is_control);
    fits.then_some(text)
}

fn moment(seconds: i64) -> Time {
    Time::default().plus(Span::seconds(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn read_now(payload: &str) -> Result<Claims, Refused> {
        read(payload.as_bytes(), moment(NOW))
    }

    fn at_expiry(offset: i64) -> Option<Refused> {
        let payload = format!(r#"{{"exp":{NOW}}}"#);
        read(payload.as_bytes(), moment(NOW + offset)).err()
    }

    #[test]
    fn a_token_lasts_fifteen_seconds_longer_than_it_says() {
        for offset in [-1, 0, 13, 14] {
            assert_eq!(at_expiry(offset), None, "{offset}");
        }
        for offset in [15, 16, 100_000] {
            assert_eq!(at_expiry(offset), Some(Refused::Expired), "{offset}");
        }
        let not_before = |moment: i64| read_now(&format!(r#"{{"exp":{},"nbf":{moment}}}"#, NOW + 60)).err();
        assert_eq!(not_before(NOW + 15), None);
        assert_eq!(not_before(NOW + 16), Some(Refused::NotYet));
    }

    #[test]
    fn times_are_whole_numbers() {
        let exp = NOW + 60;
        for (payload, why) in [
            ("{}".to_owned(), Refused::NoExpiry),
            (r#"{"exp":null}"#.to_owned(), Refused::ExpiryType),
            (format!(r#"{{"exp":"{exp}"}}"#), Refused::ExpiryType),
            (format!(r#"{{"exp":{exp}.5}}"#), Refused::ExpiryType),
            (r#"{"exp":1e300}"#.to_owned(), Refused::ExpiryType),
            (format!(r#"{{"exp":{exp},"iat":"{NOW}"}}"#), Refused::Payload),
            (format!(r#"{{"exp":{exp},"nbf":null}}"#), Refused::Payload),
            (format!(r#"{{"exp":{exp},"exp":{exp}}}"#), Refused::Payload),
            (format!("[{exp}]"), Refused::Payload),
            (format!(r#"{{"exp":{exp}}} "#).replace('}', ""), Refused::Payload),
        ] {
            assert_eq!(read_now(&payload).err(), Some(why), "{payload}");
        }
    }

    #[test]
    fn what_is_no_id_or_address_names_nobody() {
        let of = |claims: &str| read_now(&format!(r#"{{"exp":{}{claims}}}"#, NOW + 60)).unwrap();
        let ada = of(r#","sub":"usr_42","email":"Ada@Example.com","name":"Ada","iat":7,"role":"admin""#);
        assert_eq!(ada.subject.as_deref(), Some("usr_42"));
        assert_eq!(ada.email, Email::parse("ada@example.com"));
        assert_eq!((ada.name.as_deref(), ada.issued), (Some("Ada"), Some(moment(7))));
        assert_eq!(of(r#","sub":42"#).subject.as_deref(), Some("42"));
        for nobody in [r#","sub":"""#, r#","sub":null"#, r#","sub":["a"]"#, r#","sub":"a\u0000b""#, ""] {
            assert_eq!(of(nobody).subject, None, "{nobody}");
        }
        for none in [r#","email":null"#, r#","email":"ada""#, r#","email":["ada@example.com"]"#] {
            assert_eq!(of(none).email, None, "{none}");
        }
    }
}
