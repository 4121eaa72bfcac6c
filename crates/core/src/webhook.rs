//! Signatures of incoming webhooks: HMAC-SHA256 over the raw body, `x-signature: sha256=<hex>`.
//!
//! Verification comes before any parsing and takes the same time whatever is wrong.

use crate::secret::SecretBytes;
use aws_lc_rs::hmac;
use std::fmt::Write as _;

/// The header that carries the signature.
pub const SIGNATURE_HEADER: &str = "x-signature";

/// The header's value for a body.
pub fn sign(secret: &SecretBytes, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose());
    let mut text = String::from("sha256=");
    for byte in hmac::sign(&key, body).as_ref() {
        // Writing to a string cannot fail.
        let _infallible = write!(text, "{byte:02x}");
    }
    text
}

/// True if the header's value signs this body. Hexadecimal in either case.
pub fn verify(secret: &SecretBytes, body: &[u8], header: &str) -> bool {
    let Some(tag) = header.trim().strip_prefix("sha256=").and_then(from_hex) else {
        return false;
    };
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, secret.expose()), body, &tag).is_ok()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 {
        return None;
    }
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| digit.to_digit(16).and_then(|value| u8::try_from(value).ok())).collect();
    Some(digits?.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| (byte << 4) | digit)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    // The widely published HMAC-SHA256 example of key "key" and the pangram.
    const PANGRAM: &[u8] = b"The quick brown fox jumps over the lazy dog";
    const KNOWN: &str = "sha256=f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8";

    #[test]
    fn signs_like_everybody_else() {
        let secret = SecretBytes::new(*b"key");
        assert_eq!(sign(&secret, PANGRAM), KNOWN);
        assert!(verify(&secret, PANGRAM, KNOWN));
        assert!(verify(&secret, PANGRAM, &KNOWN.to_uppercase().replace("SHA256", "sha256")));
    }

    #[test]
    fn refuses_everything_else() {
        let secret = SecretBytes::new(*b"key");
        assert!(!verify(&secret, b"other", KNOWN));
        assert!(!verify(&SecretBytes::new(*b"other"), PANGRAM, KNOWN));
        let bare = KNOWN.trim_start_matches("sha256=");
        let short = KNOWN.trim_end_matches('8');
        for header in ["", "sha256=", "sha1=00", bare, short, "sha256=zz"] {
            assert!(!verify(&secret, PANGRAM, header), "{header}");
        }
    }
}
