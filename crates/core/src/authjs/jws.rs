//! Sessions that a website signs instead of encrypting them, with a `jwt.encode` of its own: compact JWS, HMAC-SHA-256
//! with the site's secret. Read where the operator says so, and nowhere else.
//!
//! Guards: one algorithm, whatever the header says; an end to every token; a bounded form in one spelling, and nothing of
//! it read as claims before its signature is right. A token that is made for this server by name is never the site's.
//! Source: RFC 7515, RFC 8725.

use super::claims::{Claims, read};
use super::jwe::decoded;
use super::{Refused, TOKEN_MOST, object};
use crate::secret::Secret;
use crate::time::Time;
use crate::token::AUDIENCE;
use aws_lc_rs::hmac;
use serde::Deserialize;
use serde_json::Value;

/// The site's secrets as they sign, newest first.
pub(super) struct Signing(Vec<hmac::Key>);

#[derive(Deserialize)]
struct Header {
    alg: Option<Value>,
    typ: Option<Value>,
    kid: Option<Value>,
    crit: Option<Value>,
    b64: Option<Value>,
    zip: Option<Value>,
    enc: Option<Value>,
}

/// For whom a token was made; `None` is absent.
#[derive(Deserialize)]
struct For {
    aud: Option<Value>,
}

/// The length of a signature.
const SIGNATURE: usize = 32;

impl Signing {
    /// With these secrets as they are: no key is derived.
    pub(super) fn new(secrets: &[Secret]) -> Self {
        let key = |secret: &Secret| hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
        Self(secrets.iter().map(key).collect())
    }

    /// Verifies a token and judges it at a moment.
    pub(super) fn read(&self, token: &str, now: Time) -> Result<Claims, Refused> {
        if token.len() > TOKEN_MOST {
            return Err(Refused::Length);
        }
        let parts: Vec<&str> = token.split('.').collect();
        let [header, payload, signature] = parts.as_slice() else { return Err(Refused::Parts) };
        judge(object(&decoded(header)?).ok_or(Refused::Form)?)?;
        let (claims, signature) = (decoded(payload)?, decoded(signature)?);
        if signature.len() != SIGNATURE {
            return Err(Refused::PartLength);
        }
        // What was signed is the text as it came.
        let signed = token.rsplit_once('.').map_or("", |(signed, _)| signed);
        let right = |key: &hmac::Key| hmac::verify(key, signed.as_bytes(), &signature).is_ok();
        if !self.0.iter().any(right) {
            return Err(Refused::Tag);
        }
        let made_for: For = object(&claims).ok_or(Refused::Payload)?;
        if made_for.aud.is_some_and(|audience| names_us(&audience)) {
            return Err(Refused::Audience);
        }
        read(&claims, now)
    }
}

/// Ok for the one kind of header.
fn judge(header: Header) -> Result<(), Refused> {
    let Header { alg, typ, kid, crit, b64, zip, enc } = header;
    if alg.is_none_or(|alg| alg != "HS256") {
        return Err(Refused::Alg);
    }
    if crit.is_some() || b64.is_some() {
        return Err(Refused::Crit);
    }
    if zip.is_some() {
        return Err(Refused::Zip);
    }
    if enc.is_some() {
        return Err(Refused::Enc);
    }
    // Whoever names a key means another than the site's one secret.
    if kid.is_some() {
        return Err(Refused::Kid);
    }
    // Another kind of token that the site signs with the same secret is no session.
    match typ {
        None => Ok(()),
        Some(typ) if typ.as_str().is_some_and(|typ| typ.eq_ignore_ascii_case("JWT")) => Ok(()),
        Some(_) => Err(Refused::Typ),
    }
}

fn names_us(audience: &Value) -> bool {
    match audience {
        Value::Array(all) => all.iter().any(|one| one == AUDIENCE),
        one => one == AUDIENCE,
    }
}

/// True for three parts between dots: a signed token's shape.
pub(super) fn is_three_parts(token: &str) -> bool {
    token.split('.').count() == 3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Span;
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};

    const NOW: i64 = 1_800_000_000;
    const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
    const NEWER: &str = "the newer secret of the website, long enough";
    const OLDER: &str = "the older secret of the website, long enough";

    fn sign(algorithm: hmac::Algorithm, secret: &str, (header, payload): (&str, &str)) -> String {
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        let tag = hmac::sign(&hmac::Key::new(algorithm, secret.as_bytes()), signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
    }

    fn good(header: &str, payload: &str) -> String {
        sign(hmac::HMAC_SHA256, NEWER, (header, payload))
    }

    fn claims(more: &str) -> String {
        format!(r#"{{"sub":"usr_42","email":"ada@example.com","exp":{}{more}}}"#, NOW + 60)
    }

    fn opened(token: &str) -> Result<Claims, Refused> {
        let now = Time::default().plus(Span::seconds(NOW));
        Signing::new(&[Secret::new(NEWER), Secret::new(OLDER)]).read(token, now)
    }

    #[test]
    fn what_the_site_signed_with_one_of_its_secrets_is_read() {
        for (header, secret) in [(HEADER, NEWER), (r#"{"typ":"jwt","alg":"HS256"}"#, OLDER)] {
            let read = opened(&sign(hmac::HMAC_SHA256, secret, (header, &claims("")))).unwrap();
            assert_eq!(read.subject.as_deref(), Some("usr_42"));
        }
        opened(&good(r#"{"alg":"HS256"}"#, &claims(r#","aud":["shop","x"],"role":"admin""#))).unwrap();
    }

    #[test]
    fn a_header_says_hs256_and_nothing_that_would_change_what_is_read() {
        for (header, why) in [
            (r#"{"typ":"JWT"}"#, Refused::Alg),
            (r#"{"alg":"none"}"#, Refused::Alg),
            (r#"{"alg":"None"}"#, Refused::Alg),
            (r#"{"alg":"hs256"}"#, Refused::Alg),
            (r#"{"alg":"HS384"}"#, Refused::Alg),
            (r#"{"alg":"HS512"}"#, Refused::Alg),
            (r#"{"alg":"RS256"}"#, Refused::Alg),
            (r#"{"alg":"ES256"}"#, Refused::Alg),
            (r#"{"alg":"dir","enc":"A256GCM"}"#, Refused::Alg),
            (r#"{"alg":["HS256"]}"#, Refused::Alg),
            (r#"{"alg":null}"#, Refused::Alg),
            (r#"{"alg":"HS256","alg":"HS256"}"#, Refused::Form),
            (r#"{"alg":"HS256","crit":["exp"]}"#, Refused::Crit),
            (r#"{"alg":"HS256","b64":false}"#, Refused::Crit),
            (r#"{"alg":"HS256","zip":"DEF"}"#, Refused::Zip),
            (r#"{"alg":"HS256","enc":"A256GCM"}"#, Refused::Enc),
            (r#"{"alg":"HS256","kid":"1"}"#, Refused::Kid),
            (r#"{"alg":"HS256","typ":"at+jwt"}"#, Refused::Typ),
            (r#"{"alg":"HS256","typ":7}"#, Refused::Typ),
            (r#"["HS256"]"#, Refused::Form),
            ("", Refused::Form),
        ] {
            assert_eq!(opened(&good(header, &claims(""))).err(), Some(why), "{header}");
        }
    }

    #[test]
    fn another_signature_than_this_secrets_and_algorithms_opens_nothing() {
        let whole = good(HEADER, &claims(""));
        let (signed, tag) = whole.rsplit_once('.').unwrap();
        let other = good(HEADER, &claims(r#","role":"admin""#));
        let (forged, _) = other.rsplit_once('.').unwrap();
        let foreign =
            sign(hmac::HMAC_SHA256, "another secret altogether, long enough", (HEADER, &claims("")));
        for (token, why) in [
            (foreign, Refused::Tag),
            (sign(hmac::HMAC_SHA512, NEWER, (HEADER, &claims(""))), Refused::PartLength),
            (sign(hmac::HMAC_SHA384, NEWER, (HEADER, &claims(""))), Refused::PartLength),
            (format!("{forged}.{tag}"), Refused::Tag),
            (format!("{signed}."), Refused::PartLength),
            (format!("{signed}.{}", tag.split_at(40).0), Refused::PartLength),
            (format!("{signed}.{}", URL_SAFE_NO_PAD.encode([0; SIGNATURE])), Refused::Tag),
            (signed.to_owned(), Refused::Parts),
            (format!("{whole}."), Refused::Parts),
            (format!("{whole}.a.b"), Refused::Parts),
            (String::new(), Refused::Parts),
        ] {
            assert_eq!(opened(&token).err(), Some(why), "{token}");
        }
    }

    #[test]
    fn a_token_has_one_spelling_and_a_bound() {
        let whole = good(HEADER, &claims(""));
        let (signed, tag) = whole.rsplit_once('.').unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(tag).unwrap();
        // The last letter of 43 has two bits that mean nothing.
        let last = tag.chars().last().unwrap();
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let place = alphabet.find(last).unwrap();
        let twin = format!("{}{}", tag.split_at(42).0, alphabet.chars().nth(place + 1).unwrap());
        for other in [twin, URL_SAFE.encode(&bytes), format!("{tag} "), STANDARD.encode(&bytes)] {
            assert_eq!(opened(&format!("{signed}.{other}")).err(), Some(Refused::Form), "{other}");
        }
        let long = good(HEADER, &claims(&format!(r#","x":"{}""#, "x".repeat(TOKEN_MOST))));
        assert_eq!(opened(&long).err(), Some(Refused::Length));
    }

    #[test]
    fn claims_are_judged_as_those_of_an_encrypted_session() {
        let at = |text: &str| opened(&good(HEADER, text)).err();
        for (payload, why) in [
            (r#"{"sub":"usr_42"}"#.to_owned(), Refused::NoExpiry),
            (format!(r#"{{"exp":"{}"}}"#, NOW + 60), Refused::ExpiryType),
            (format!(r#"{{"exp":{}}}"#, NOW - 15), Refused::Expired),
            (claims(&format!(r#","nbf":{}"#, NOW + 16)), Refused::NotYet),
            (claims(r#","iat":"now""#), Refused::Payload),
            ("[]".to_owned(), Refused::Payload),
            ("not JSON".to_owned(), Refused::Payload),
            (claims(r#","aud":"numberotp""#), Refused::Audience),
            (claims(r#","aud":["shop","numberotp"]"#), Refused::Audience),
        ] {
            assert_eq!(at(&payload), Some(why), "{payload}");
        }
        assert_eq!(at(&format!(r#"{{"exp":{}}}"#, NOW - 14)), None);
        assert_eq!(at(&claims(&format!(r#","nbf":{}"#, NOW + 15))), None);
    }
}
