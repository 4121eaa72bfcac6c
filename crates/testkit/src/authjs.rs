//! Makes sessions as Auth.js and NextAuth do, for moments of a test's choice. That the real packages make the same is
//! shown elsewhere, by running them.
//!
//! Guards nothing of the product: what is sealed here is opened by other code. Must never be part of the program.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{
    AES_256, DecryptionContext, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::{digest, hkdf, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use numberotp_server::entropy;
use serde_json::Value;
use std::fmt::Debug;

struct Bytes(usize);

impl hkdf::KeyType for Bytes {
    fn len(&self) -> usize {
        self.0
    }
}

fn derive(secret: &str, (salt, info): (&str, &str), length: usize) -> Vec<u8> {
    let root = hkdf::Salt::new(hkdf::HKDF_SHA256, salt.as_bytes()).extract(secret.as_bytes());
    let mut key = vec![0; length];
    let info = [info.as_bytes()];
    must(must(root.expand(&info, Bytes(length))).fill(&mut key));
    key
}

/// A session of `next-auth` 4.
pub fn v4(secret: &str, claims: &Value) -> String {
    v4_under(r#"{"alg":"dir","enc":"A256GCM"}"#, secret, claims)
}

/// The same under a header of the test's choice.
pub fn v4_under(header: &str, secret: &str, claims: &Value) -> String {
    let key = derive(secret, ("", "NextAuth.js Generated Encryption Key"), 32);
    let key = LessSafeKey::new(must(UnboundKey::new(&AES_256_GCM, &key)));
    let header = URL_SAFE_NO_PAD.encode(header);
    let iv = must(entropy::bytes::<12>());
    let mut sealed = claims.to_string().into_bytes();
    let nonce = Nonce::assume_unique_for_key(iv);
    let tag = must(key.seal_in_place_separate_tag(nonce, Aad::from(header.as_bytes()), &mut sealed));
    let parts = [&iv[..], &sealed, tag.as_ref()].map(|part| URL_SAFE_NO_PAD.encode(part));
    format!("{header}..{}", parts.join("."))
}

/// A session of Auth.js 5, for the cookie of this name.
pub fn v5(secret: &str, cookie: &str, claims: &Value) -> String {
    let key = derive(secret, (cookie, &format!("Auth.js Generated Encryption Key ({cookie})")), 64);
    let jwk = format!("{{\"k\":\"{}\",\"kty\":\"oct\"}}", URL_SAFE_NO_PAD.encode(&key));
    let kid = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA512, jwk.as_bytes()));
    let header = format!("{{\"alg\":\"dir\",\"enc\":\"A256CBC-HS512\",\"kid\":\"{kid}\"}}");
    let header = URL_SAFE_NO_PAD.encode(header);
    let (mac_key, cipher_key) = key.split_at(32);
    let cipher = must(UnboundCipherKey::new(&AES_256, cipher_key));
    let cipher = must(PaddedBlockEncryptingKey::cbc_pkcs7(cipher));
    let iv = must(entropy::bytes::<16>());
    let mut sealed = claims.to_string().into_bytes();
    let context: DecryptionContext =
        must(cipher.less_safe_encrypt(&mut sealed, EncryptionContext::Iv128(iv.into())));
    drop(context);
    let bits = must(u64::try_from(header.len() * 8)).to_be_bytes();
    let signed = [header.as_bytes(), &iv, &sealed, &bits].concat();
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA512, mac_key), &signed);
    let (tag, _cut) = tag.as_ref().split_at(32);
    let parts = [&iv[..], &sealed, tag].map(|part| URL_SAFE_NO_PAD.encode(part));
    format!("{header}..{}", parts.join("."))
}

/// A session that a site signs instead of encrypting it, under a header of the test's choice.
pub fn signed(header: &str, secret: &str, claims: &Value) -> String {
    let parts = [header.to_owned(), claims.to_string()].map(|part| URL_SAFE_NO_PAD.encode(part));
    let signed = parts.join(".");
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
}

#[expect(clippy::panic, reason = "a test without its token has to fail")]
fn must<T, E: Debug>(answer: Result<T, E>) -> T {
    answer.unwrap_or_else(|error| panic!("a token: {error:?}"))
}
