//! Randomness enters here: keys, nonces, request ids.

use numberotp_core::secret::SecretBytes;

/// Randomness could not be had from the operating system.
#[derive(Debug)]
pub struct NoEntropy(String);

impl std::fmt::Display for NoEntropy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "no randomness from the operating system: {}", self.0)
    }
}

impl std::error::Error for NoEntropy {}

/// So many random bytes.
#[expect(clippy::disallowed_methods, reason = "the one place where randomness is drawn")]
pub fn bytes<const N: usize>() -> Result<[u8; N], NoEntropy> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| NoEntropy(error.to_string()))?;
    Ok(bytes)
}

/// So many random bytes, as a key.
pub fn key<const N: usize>() -> Result<SecretBytes, NoEntropy> {
    bytes::<N>().map(SecretBytes::new)
}

/// Letters and digits for a request id: 80 bits.
pub fn request_id() -> String {
    let random = bytes::<10>().unwrap_or_default();
    random.iter().fold(String::from("req_"), |mut id, byte| {
        use std::fmt::Write as _;
        // Writing to a string cannot fail.
        let _infallible = write!(id, "{byte:02x}");
        id
    })
}
