//! Randomness enters here: keys, nonces, request ids.

use numberotp_core::secret::SecretBytes;
use std::sync::{Mutex, PoisonError};

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

/// Bytes of a request id: 80 bits.
const ID: usize = 10;
/// Request ids made of what is drawn at once: asking the operating system costs more than all the rest of an id.
const IDS_AT_ONCE: usize = 64;
const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Draws request ids.
///
/// An id names a request in the log; who guesses one has nothing. So its bytes may be kept for a moment.
#[derive(Default)]
pub struct RequestIds {
    drawn: Mutex<Vec<u8>>,
}

impl RequestIds {
    /// A fresh one: `req_` and 20 hexadecimal digits.
    pub fn next(&self) -> String {
        let mut left = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        if left.len() < ID {
            *left = bytes::<{ ID * IDS_AT_ONCE }>().map(Vec::from).unwrap_or_else(|_none| vec![0; ID]);
        }
        let digit = |nibble: u8| char::from(DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0'));
        let mut id = String::with_capacity(4 + 2 * ID);
        id.push_str("req_");
        let from = left.len().saturating_sub(ID);
        for byte in left.drain(from..) {
            id.push(digit(byte >> 4));
            id.push(digit(byte & 0xf));
        }
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn request_ids_differ_also_beyond_what_is_drawn_at_once() {
        let ids = RequestIds::default();
        let all: HashSet<String> = (0..IDS_AT_ONCE * 3).map(|_| ids.next()).collect();
        assert_eq!(all.len(), IDS_AT_ONCE * 3);
        let plain = |id: &String| id.strip_prefix("req_").unwrap().bytes().all(|byte| DIGITS.contains(&byte));
        assert!(all.iter().all(|id| id.len() == 24 && plain(id)));
    }
}
