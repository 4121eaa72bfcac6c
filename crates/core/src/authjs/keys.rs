//! The keys that both packages derive from a secret, and the opening of a token with them.
//!
//! Guards: keys are derived once, when the server starts; of a name's keys the one that the token names is taken, and
//! one that names none of ours opens nothing. Must never print a key.

use super::claims::{Claims, read};
use super::jwe::{Compact, Enc};
use super::{Family, Refused};
use crate::secret::Secret;
use crate::time::Time;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_256, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use aws_lc_rs::digest::{Algorithm, SHA256, SHA512, digest};
use aws_lc_rs::{constant_time, hkdf, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// All keys for one name of a cookie: one set a secret, newest first.
pub struct Ring {
    family: Family,
    keys: Vec<Keys>,
}

/// What one secret gives.
struct Keys {
    gcm: LessSafeKey,
    gcm_id: String,
    /// Version 5 alone.
    cbc: Option<CbcKey>,
}

/// AES-256-CBC with HMAC-SHA-512. Source: RFC 7518, section 5.2.
struct CbcKey {
    mac: hmac::Key,
    cipher: PaddedBlockDecryptingKey,
    id: String,
}

/// How many bytes are derived.
struct Bytes(usize);

impl hkdf::KeyType for Bytes {
    fn len(&self) -> usize {
        self.0
    }
}

const GCM_KEY: usize = 32;
const CBC_KEY: usize = 64;
const CBC_TAG: usize = 32;

impl Ring {
    /// Derives the keys of secrets, newest first. `salt` is empty for a session of version 4, and the cookie's whole
    /// name for one of version 5.
    pub fn new(family: Family, salt: &str, secrets: &[Secret]) -> Self {
        let keys = secrets.iter().filter_map(|secret| Keys::derive(family, salt, secret)).collect();
        Self { family, keys }
    }

    /// Opens a token and judges it at a moment.
    pub fn open(&self, token: &str, now: Time) -> Result<Claims, Refused> {
        self.read(&Compact::parse(token)?, now)
    }

    /// The same for a token that was taken apart before.
    pub(super) fn read(&self, token: &Compact<'_>, now: Time) -> Result<Claims, Refused> {
        read(&self.decrypt(token)?, now)
    }

    /// What a token holds, as bytes; its time is not looked at.
    pub fn payload(&self, token: &str) -> Result<Vec<u8>, Refused> {
        self.decrypt(&Compact::parse(token)?)
    }

    fn decrypt(&self, token: &Compact<'_>) -> Result<Vec<u8>, Refused> {
        if token.enc == Enc::CbcHs512 && self.family == Family::V4 {
            return Err(Refused::Enc);
        }
        match (&token.kid, self.family) {
            (Some(kid), Family::V5) => {
                let named = self.keys.iter().find(|keys| keys.id(token.enc) == Some(kid.as_str()));
                named.ok_or(Refused::Kid)?.decrypt(token)
            }
            // The package makes none: whoever writes one means another key than ours.
            (Some(_), Family::V4) => Err(Refused::Kid),
            // As the package does: a token of version 5 that names no key is one of the newest secret.
            (None, Family::V5) => self.keys.first().ok_or(Refused::Kid)?.decrypt(token),
            (None, Family::V4) => self
                .keys
                .iter()
                .map(|keys| keys.decrypt(token))
                .find(|opened| !matches!(opened, Err(Refused::Tag)))
                .unwrap_or(Err(Refused::Tag)),
        }
    }

    /// True if one of its keys is the one that a token names.
    pub(super) fn knows(&self, token: &Compact<'_>) -> bool {
        token.kid.as_deref().is_some_and(|kid| self.keys.iter().any(|keys| keys.id(token.enc) == Some(kid)))
    }
}

impl Keys {
    fn derive(family: Family, salt: &str, secret: &Secret) -> Option<Self> {
        let of_package = match family {
            Family::V4 => "NextAuth.js",
            Family::V5 => "Auth.js",
        };
        let mut info = format!("{of_package} Generated Encryption Key");
        if family == Family::V5 || !salt.is_empty() {
            info.push_str(&format!(" ({salt})"));
        }
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, salt.as_bytes()).extract(secret.expose().as_bytes());
        let derive = |length: usize| {
            let mut key = vec![0; length];
            root.expand(&[info.as_bytes()], Bytes(length)).and_then(|okm| okm.fill(&mut key)).ok()?;
            Some(key)
        };
        let key = derive(GCM_KEY)?;
        let cbc = match family {
            Family::V4 => None,
            Family::V5 => Some(CbcKey::new(&derive(CBC_KEY)?)?),
        };
        let gcm = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).ok()?);
        Some(Self { gcm, gcm_id: thumbprint(&SHA256, &key), cbc })
    }

    fn id(&self, enc: Enc) -> Option<&str> {
        match enc {
            Enc::Gcm => Some(&self.gcm_id),
            Enc::CbcHs512 => self.cbc.as_ref().map(|key| key.id.as_str()),
        }
    }

    fn decrypt(&self, token: &Compact<'_>) -> Result<Vec<u8>, Refused> {
        match (token.enc, &self.cbc) {
            (Enc::Gcm, _) => self.decrypt_gcm(token),
            (Enc::CbcHs512, Some(key)) => key.decrypt(token),
            (Enc::CbcHs512, None) => Err(Refused::Enc),
        }
    }

    fn decrypt_gcm(&self, token: &Compact<'_>) -> Result<Vec<u8>, Refused> {
        let nonce = Nonce::try_assume_unique_for_key(&token.iv).map_err(|_length| Refused::PartLength)?;
        let mut sealed = token.payload.clone();
        sealed.extend_from_slice(&token.tag);
        let opened = self.gcm.open_in_place(nonce, Aad::from(token.header.as_bytes()), &mut sealed);
        opened.map(|plain| plain.to_vec()).map_err(|_unspecified| Refused::Tag)
    }
}

impl CbcKey {
    fn new(key: &[u8]) -> Option<Self> {
        let (mac, cipher) = key.split_at_checked(CBC_KEY / 2)?;
        let unbound = UnboundCipherKey::new(&AES_256, cipher).ok()?;
        Some(Self {
            mac: hmac::Key::new(hmac::HMAC_SHA512, mac),
            cipher: PaddedBlockDecryptingKey::cbc_pkcs7(unbound).ok()?,
            id: thumbprint(&SHA512, key),
        })
    }

    fn decrypt(&self, token: &Compact<'_>) -> Result<Vec<u8>, Refused> {
        let bits = u64::try_from(token.header.len()).ok().and_then(|length| length.checked_mul(8));
        let mut mac = hmac::Context::with_key(&self.mac);
        mac.update(token.header.as_bytes());
        mac.update(&token.iv);
        mac.update(&token.payload);
        mac.update(&bits.ok_or(Refused::Length)?.to_be_bytes());
        let right = mac.sign();
        let right = right.as_ref().get(..CBC_TAG).unwrap_or_default();
        // Before anything is decrypted: padding must never be an oracle.
        constant_time::verify_slices_are_equal(right, &token.tag).map_err(|_unspecified| Refused::Tag)?;
        let iv: [u8; 16] = token.iv.as_slice().try_into().map_err(|_length| Refused::PartLength)?;
        let mut sealed = token.payload.clone();
        let opened = self.cipher.decrypt(&mut sealed, DecryptionContext::Iv128(iv.into()));
        opened.map(|plain| plain.to_vec()).map_err(|_unspecified| Refused::Tag)
    }
}

/// The id of a key: a digest of its canonical JWK. Source: RFC 7638.
fn thumbprint(algorithm: &'static Algorithm, key: &[u8]) -> String {
    let jwk = format!("{{\"k\":\"{}\",\"kty\":\"oct\"}}", URL_SAFE_NO_PAD.encode(key));
    URL_SAFE_NO_PAD.encode(digest(algorithm, jwk.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_named_as_the_package_names_it() {
        let secret = Secret::new("test-secret-0123456789abcdef-DO-NOT-USE");
        let keys = Keys::derive(Family::V5, "__Secure-authjs.session-token", &secret).unwrap();
        let known = "hB7uqI8rMSmfkbLJMYtk0RXj45eMqLG7obM_cdrrlwnNTy7cIvLcpm2gx8RuKIQWGAjV4lFl3WfkPdbilRYFaw";
        assert_eq!(keys.id(Enc::CbcHs512), Some(known));
        let other = Keys::derive(Family::V5, "authjs.session-token", &secret).unwrap();
        assert_ne!(other.id(Enc::CbcHs512), Some(known));
        assert!(Keys::derive(Family::V4, "", &secret).unwrap().cbc.is_none());
    }
}
