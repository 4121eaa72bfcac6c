//! Answers that are made once and sent often: the bytes, the same compressed, and a tag.
//!
//! Guards that a tag names these very bytes, so that whoever has them is told so and not sent them again.

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::HeaderValue;
use numberotp_core::token;
use serde::Serialize;
use std::fmt::Write as _;
use std::io::Write as _;

/// Smaller answers gain nothing from compression.
const GZIP_FROM: usize = 1_024;

/// An answer, ready to be sent.
pub struct Ready {
    /// The body.
    pub identity: Bytes,
    /// The same, compressed, where that is worth it.
    pub gzip: Option<Bytes>,
    /// Its strong entity tag, quoted.
    pub etag: HeaderValue,
    /// That of the compressed bytes, which are others.
    pub etag_gzip: HeaderValue,
}

impl Ready {
    /// Of bytes: compresses them and gives them a tag.
    pub fn new(identity: Bytes) -> Self {
        let gzip = (identity.len() >= GZIP_FROM).then(|| gzip(&identity)).flatten();
        let tag = tag(&identity);
        Self::named(&tag, identity, gzip)
    }

    /// Of bytes whose name changes with them: visible ASCII without quotes.
    pub fn named(name: &str, identity: Bytes, gzip: Option<Bytes>) -> Self {
        // What is no header's value names nothing: then there is a tag that nobody has.
        let quoted = |text: String| HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("\"\""));
        let (etag, etag_gzip) = (quoted(format!("\"{name}\"")), quoted(format!("\"{name}-gz\"")));
        Self { identity, gzip, etag, etag_gzip }
    }

    /// Of an answer, as JSON.
    pub fn json(answer: &impl Serialize) -> Self {
        // Types of answers have keys of text and numbers that are finite: they can always be written.
        Self::new(Bytes::from(serde_json::to_vec(answer).unwrap_or_default()))
    }
}

/// A name of these bytes and no others.
fn tag(body: &[u8]) -> String {
    let digest = token::hash_bytes(body);
    digest.iter().take(12).fold(String::new(), |mut tag, byte| {
        // Writing to a string cannot fail.
        let _infallible = write!(tag, "{byte:02x}");
        tag
    })
}

fn gzip(body: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(body).ok()?;
    encoder.finish().ok().map(Bytes::from)
}
