//! Takes a compact JWE apart: five parts, the second empty, direct encryption, nothing compressed.
//!
//! Guards: everything that can be refused by form is refused before any key is touched, and base64url is read
//! strictly, so that no two texts are the same token. Source: RFC 7516.

use super::{Refused, TOKEN_MOST, object};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;

/// An encryption that a session may have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Enc {
    /// AES-256-GCM.
    Gcm,
    /// AES-256-CBC with HMAC-SHA-512.
    CbcHs512,
}

impl Enc {
    const fn iv(self) -> usize {
        match self {
            Self::Gcm => 12,
            Self::CbcHs512 => 16,
        }
    }
    const fn tag(self) -> usize {
        match self {
            Self::Gcm => 16,
            Self::CbcHs512 => 32,
        }
    }
    /// CBC seals whole blocks, one of padding at least.
    const fn fits(self, payload: usize) -> bool {
        match self {
            Self::Gcm => true,
            Self::CbcHs512 => payload >= 16 && payload.is_multiple_of(16),
        }
    }
}

/// A token in its parts.
pub(super) struct Compact<'a> {
    /// The header as it came: it is part of what is authenticated.
    pub(super) header: &'a str,
    pub(super) enc: Enc,
    pub(super) kid: Option<String>,
    pub(super) iv: Vec<u8>,
    pub(super) payload: Vec<u8>,
    pub(super) tag: Vec<u8>,
}

#[derive(Deserialize)]
struct Header {
    alg: Option<String>,
    enc: Option<String>,
    kid: Option<String>,
    zip: Option<Value>,
    crit: Option<Value>,
}

impl<'a> Compact<'a> {
    /// Takes a token apart.
    pub(super) fn parse(token: &'a str) -> Result<Self, Refused> {
        if token.len() > TOKEN_MOST {
            return Err(Refused::Length);
        }
        let parts: Vec<&str> = token.split('.').collect();
        let [header, key, iv, payload, tag] = parts.as_slice() else { return Err(Refused::Parts) };
        let read: Header = object(&decoded(header)?).ok_or(Refused::Form)?;
        if read.alg.as_deref() != Some("dir") {
            return Err(Refused::Alg);
        }
        let enc = match read.enc.as_deref() {
            Some("A256GCM") => Enc::Gcm,
            Some("A256CBC-HS512") => Enc::CbcHs512,
            _ => return Err(Refused::Enc),
        };
        if read.zip.is_some() {
            return Err(Refused::Zip);
        }
        if read.crit.is_some() {
            return Err(Refused::Crit);
        }
        if !key.is_empty() {
            return Err(Refused::EncryptedKey);
        }
        let (iv, payload, tag) = (decoded(iv)?, decoded(payload)?, decoded(tag)?);
        if iv.len() != enc.iv() || tag.len() != enc.tag() || !enc.fits(payload.len()) {
            return Err(Refused::PartLength);
        }
        Ok(Self { header, enc, kid: read.kid, iv, payload, tag })
    }
}

/// The bytes of a part, in its one spelling.
pub(super) fn decoded(part: &str) -> Result<Vec<u8>, Refused> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_form| Refused::Form)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(header: &str, rest: &str) -> Option<Refused> {
        Compact::parse(&format!("{}{rest}", URL_SAFE_NO_PAD.encode(header))).err()
    }

    #[test]
    fn what_the_header_may_not_say_is_refused_by_form() {
        let rest = "..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA";
        assert_eq!(refused(r#"{"alg":"dir","enc":"A256GCM"}"#, rest), None);
        for (header, why) in [
            (r#"{"enc":"A256GCM"}"#, Refused::Alg),
            (r#"{"alg":"none","enc":"A256GCM"}"#, Refused::Alg),
            (r#"{"alg":"RSA-OAEP","enc":"A256GCM"}"#, Refused::Alg),
            (r#"{"alg":"dir"}"#, Refused::Enc),
            (r#"{"alg":"dir","enc":"A128GCM"}"#, Refused::Enc),
            (r#"{"alg":"dir","enc":"A256GCM","zip":"DEF"}"#, Refused::Zip),
            (r#"{"alg":"dir","enc":"A256GCM","crit":["exp"]}"#, Refused::Crit),
            (r#"{"alg":"dir","alg":"dir","enc":"A256GCM"}"#, Refused::Form),
            (r#"{"alg":["dir"],"enc":"A256GCM"}"#, Refused::Form),
            (r#"["dir","A256GCM",null,null,null]"#, Refused::Form),
            ("", Refused::Form),
        ] {
            assert_eq!(refused(header, rest), Some(why), "{header}");
        }
    }

    #[test]
    fn parts_have_their_lengths_and_one_spelling() {
        let header = r#"{"alg":"dir","enc":"A256GCM"}"#;
        for (rest, why) in [
            ("..AAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA", Refused::PartLength),
            ("..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAA", Refused::PartLength),
            // Unused bits, padding, another alphabet.
            ("..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAB", Refused::Form),
            ("..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA==", Refused::Form),
            ("..AAAAAAAAAAAAAAA+.AAAA.AAAAAAAAAAAAAAAAAAAAAA", Refused::Form),
            (".AAAA.AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA", Refused::EncryptedKey),
            ("..AAAAAAAAAAAAAAAA.AAAA", Refused::Parts),
            ("..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA.", Refused::Parts),
        ] {
            assert_eq!(refused(header, rest), Some(why), "{rest}");
        }
        let cbc = r#"{"alg":"dir","enc":"A256CBC-HS512"}"#;
        let tag = "A".repeat(43);
        for payload in ["", "AAAA"] {
            let rest = format!("..AAAAAAAAAAAAAAAAAAAAAA.{payload}.{tag}");
            assert_eq!(refused(cbc, &rest), Some(Refused::PartLength), "{payload}");
        }
        assert_eq!(Compact::parse(&"A".repeat(TOKEN_MOST + 1)).err(), Some(Refused::Length));
    }
}
