//! Sessions of Auth.js and NextAuth: encrypted tokens that a website's own server made, opened with the secret that
//! both share.
//!
//! Those that a site signs instead are read where that was set up.
//!
//! Guards: one encryption a version, a whole and bounded form, an end to every token. Stricter than the npm packages
//! where these are lax. Must never try a version's keys on a token that names the other version's cookie.

mod chunks;
mod claims;
mod jwe;
mod jws;
pub mod kept;
mod keyring;
mod keys;
mod schema;

pub use chunks::{CHUNKS_MOST, candidates};
pub use claims::Claims;
pub use keyring::Keyring;
pub use keys::Ring;
pub use schema::{Name, SiteSchema};

/// Longest token, and longest sum of a cookie's chunks.
pub const TOKEN_MOST: usize = 16 * 1024;

/// The cookies that both versions set unless a site renames them: secure ones first.
pub const COOKIES: [(&str, Family); 4] = [
    ("__Secure-authjs.session-token", Family::V5),
    ("authjs.session-token", Family::V5),
    ("__Secure-next-auth.session-token", Family::V4),
    ("next-auth.session-token", Family::V4),
];

/// Which package made a token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Family {
    /// `next-auth` 4: AES-256-GCM, the same key for every cookie.
    V4,
    /// Auth.js 5, `@auth/core`: AES-256-CBC with HMAC-SHA-512 (GCM is allowed), a key for each name of a cookie.
    V5,
}

/// Why a token is refused. Callers of the API are told none of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// Longer than [`TOKEN_MOST`].
    Length,
    /// Not five parts, nor three of a site that signs.
    Parts,
    /// A part is not base64url, or the header is not a JSON object.
    Form,
    /// Another algorithm than direct encryption, or than HMAC-SHA-256 of a site that signs.
    Alg,
    /// Another encryption than the version's.
    Enc,
    /// A compressed payload.
    Zip,
    /// Extensions that have to be understood.
    Crit,
    /// A key id that is none of ours.
    Kid,
    /// Another kind of token than a session.
    Typ,
    /// Made for this server by name: such tokens are its own alone.
    Audience,
    /// An encrypted key where there must be none.
    EncryptedKey,
    /// An initialisation vector, a tag or a payload of another length.
    PartLength,
    /// It was not made with this key, or it was changed.
    Tag,
    /// The payload is not a JSON object with these types.
    Payload,
    /// `exp` is missing.
    NoExpiry,
    /// `exp` is not a whole number.
    ExpiryType,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYet,
}

impl Refused {
    /// One word for a log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Length => "length",
            Self::Parts => "invalid:parts",
            Self::Form => "invalid:form",
            Self::Alg => "alg",
            Self::Enc => "enc",
            Self::Zip => "zip",
            Self::Crit => "crit",
            Self::Kid => "kid",
            Self::Typ => "typ",
            Self::Audience => "aud",
            Self::EncryptedKey => "invalid:enckey",
            Self::PartLength => "invalid:len",
            Self::Tag => "invalid:tag",
            Self::Payload => "payload",
            Self::NoExpiry => "missing-exp",
            Self::ExpiryType => "exp-type",
            Self::Expired => "expired",
            Self::NotYet => "nbf",
        }
    }
}

/// Reads a JSON object. The reader would take a list for the fields in their order; a token's maker writes none.
fn object<T: serde::de::DeserializeOwned>(json: &[u8]) -> Option<T> {
    json.starts_with(b"{").then(|| serde_json::from_slice(json).ok()).flatten()
}
