//! Bearer tokens: how they are made, told apart by shape, and turned into the hash that is stored.
//!
//! An API key is `notp_`, 30 random base-62 characters (178 bits) and 6 characters of checksum, so a typo
//! is refused without a look-up. A session is `sess_` and 43 characters (256 bits). Both are kept only as
//! SHA-256, as are refresh tokens and the codes of devices: the entropy is far above what can be guessed, a slow hash would buy nothing.

use crate::cookie::percent_decoded;
use crate::secret::Secret;
use aws_lc_rs::digest;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const KEY_PREFIX: &str = "notp_";
const KEY_BODY: usize = 30;
const KEY_SUM: usize = 6;
const SESSION_PREFIX: &str = "sess_";
const SESSION_BODY: usize = 43;
const REFRESH_PREFIX: &str = "notp_rt_";
const DEVICE_PREFIX: &str = "notp_dc_";
/// The letters of a code that people type: none of them is a vowel, so no word comes about. Source: RFC 8628, 6.1.
const USER_LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const USER_LENGTH: usize = 8;

/// The published key of the demo account. It exists in sandbox databases only.
pub const DEMO_API_KEY_BODY: &str = "SandboxDemoKeyOnlyForTesting00";

/// For whom this server makes signed tokens: itself. What names it is nobody else's.
pub const AUDIENCE: &str = "numberotp";

/// SHA-256 of a token: what the database knows of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct TokenHash(pub [u8; 32]);

/// A bearer token, told apart by its shape alone.
pub enum Bearer {
    /// `notp_…` with a right checksum.
    ApiKey(TokenHash),
    /// `sess_…`.
    Session(TokenHash),
    /// Three dot-separated parts: a JSON Web Signature, ours or the website's, not verified yet.
    Jwt(Secret),
    /// Five dot-separated parts: an encrypted token of the operator's website, not opened yet.
    AuthJs(Secret),
    /// Visible characters of no shape that is ours: maybe the name of a row in the website's session database.
    Opaque(Secret),
    /// Nothing anybody could have made.
    Unknown,
}

impl Bearer {
    /// Looks at a token's shape. No look-up, no signature check.
    pub fn parse(token: &str) -> Self {
        if let Some(body) = token.strip_prefix(KEY_PREFIX) {
            return if key_checks(body) { Self::ApiKey(hash(token)) } else { Self::Unknown };
        }
        if let Some(body) = token.strip_prefix(SESSION_PREFIX) {
            let whole = body.len() == SESSION_BODY && body.bytes().all(|b| b.is_ascii_alphanumeric());
            return if whole { Self::Session(hash(token)) } else { Self::Unknown };
        }
        // As the website's library does with a token in a header.
        let decoded = percent_decoded(token);
        if let Some(five) = decoded.as_deref().filter(|decoded| is_five_parts(decoded)) {
            return Self::AuthJs(Secret::new(five));
        }
        if token.split('.').count() == 3 && token.split('.').all(|part| !part.is_empty()) {
            return Self::Jwt(Secret::new(token));
        }
        match decoded {
            Some(decoded) if is_opaque(&decoded) => Self::Opaque(Secret::new(decoded)),
            _ => Self::Unknown,
        }
    }
}

/// Longest opaque token.
const OPAQUE_MOST: usize = 255;

/// True for five parts between dots: an encrypted token's shape.
pub fn is_five_parts(token: &str) -> bool {
    token.split('.').count() == 5
}

/// True for what may be the name of a row in a website's session database.
pub fn is_opaque(token: &str) -> bool {
    let fits = (1..=OPAQUE_MOST).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic());
    fits && !is_five_parts(token) && !token.starts_with(KEY_PREFIX) && !token.starts_with(SESSION_PREFIX)
}

/// An API key from 30 or more random bytes.
pub fn api_key(random: &[u8]) -> Secret {
    let body: String = base62(random, KEY_BODY);
    api_key_from_body(&body)
}

/// An API key with a given body: the checksum is added.
pub fn api_key_from_body(body: &str) -> Secret {
    Secret::new(format!("{KEY_PREFIX}{body}{}", checksum(body)))
}

/// A session token from 43 or more random bytes.
pub fn session(random: &[u8]) -> Secret {
    Secret::new(format!("{SESSION_PREFIX}{}", base62(random, SESSION_BODY)))
}

/// A refresh token from 43 or more random bytes.
pub fn refresh(random: &[u8]) -> Secret {
    Secret::new(format!("{REFRESH_PREFIX}{}", base62(random, SESSION_BODY)))
}

/// The hash of what has the shape of a refresh token.
pub fn refresh_read(text: &str) -> Option<TokenHash> {
    opaque(text, REFRESH_PREFIX)
}

/// The code that a device keeps, from 43 or more random bytes.
pub fn device_code(random: &[u8]) -> Secret {
    Secret::new(format!("{DEVICE_PREFIX}{}", base62(random, SESSION_BODY)))
}

/// The hash of what has the shape of a device's code.
pub fn device_code_read(text: &str) -> Option<TokenHash> {
    opaque(text, DEVICE_PREFIX)
}

fn opaque(text: &str, prefix: &str) -> Option<TokenHash> {
    let body = text.strip_prefix(prefix)?;
    let whole = body.len() == SESSION_BODY && body.bytes().all(|b| b.is_ascii_alphanumeric());
    whole.then(|| hash(text))
}

/// The code that a device shows, from random bytes: eight letters, 34 bits. `None`: too few of the bytes could be used,
/// because a byte above 239 would favour some letters.
pub fn user_code(random: &[u8]) -> Option<Secret> {
    let fair = random.iter().filter(|byte| **byte < 240).take(USER_LENGTH);
    let letters = fair.filter_map(|byte| USER_LETTERS.get(usize::from(*byte % 20)).copied());
    let code: String = letters.map(char::from).collect();
    (code.len() == USER_LENGTH).then(|| Secret::new(code))
}

/// Reads such a code as people type it: in any case, with or without dashes and blanks.
pub fn user_code_read(text: &str) -> Option<Secret> {
    if text.len() > 64 {
        return None;
    }
    let code: String =
        text.chars().filter(|c| !c.is_whitespace() && *c != '-').map(|c| c.to_ascii_uppercase()).collect();
    let whole = code.len() == USER_LENGTH && code.bytes().all(|byte| USER_LETTERS.contains(&byte));
    whole.then(|| Secret::new(code))
}

/// Such a code as it is shown: in two halves.
pub fn user_code_show(code: &Secret) -> String {
    match code.expose().split_at_checked(USER_LENGTH / 2) {
        Some((left, right)) => format!("{left}-{right}"),
        None => String::new(),
    }
}

/// SHA-256.
pub fn hash_bytes(bytes: &[u8]) -> [u8; 32] {
    let sum = digest::digest(&digest::SHA256, bytes);
    let mut hash = [0; 32];
    hash.iter_mut().zip(sum.as_ref()).for_each(|(to, from)| *to = *from);
    hash
}

/// The stored form of a token.
pub fn hash(token: &str) -> TokenHash {
    TokenHash(hash_bytes(token.as_bytes()))
}

fn key_checks(body: &str) -> bool {
    body.len() == KEY_BODY + KEY_SUM
        && body.bytes().all(|b| b.is_ascii_alphanumeric())
        && body.split_at_checked(KEY_BODY).is_some_and(|(random, sum)| checksum(random) == sum)
}

fn checksum(body: &str) -> String {
    let mut rest = crc32fast::hash(body.as_bytes());
    let mut sum = Vec::with_capacity(KEY_SUM);
    for _ in 0..KEY_SUM {
        sum.push(letter(rest % 62));
        rest /= 62;
    }
    sum.iter().rev().collect()
}

/// One character a random byte. `byte % 62` favours eight letters slightly (5.95 instead of 5.95±0.04 bits).
fn base62(random: &[u8], length: usize) -> String {
    random.iter().take(length).map(|byte| letter(u32::from(*byte) % 62)).collect()
}

fn letter(index: u32) -> char {
    usize::try_from(index).ok().and_then(|index| ALPHABET.get(index)).map_or('0', |byte| char::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_in_a_key_is_refused_by_its_shape() {
        let key = api_key(&[7; 30]);
        assert!(matches!(Bearer::parse(key.expose()), Bearer::ApiKey(_)));
        for position in 5..key.expose().len() {
            let mut wrong: Vec<char> = key.expose().chars().collect();
            wrong[position] = if wrong[position] == 'x' { 'y' } else { 'x' };
            let wrong: String = wrong.into_iter().collect();
            assert!(matches!(Bearer::parse(&wrong), Bearer::Unknown), "{position}");
        }
    }

    #[test]
    fn shapes_are_told_apart() {
        assert!(matches!(Bearer::parse(session(&[1; 43]).expose()), Bearer::Session(_)));
        assert!(matches!(Bearer::parse("a.b.c"), Bearer::Jwt(_)));
        for five in ["a.b.c.d.e", "....", "a%2Eb%2ec.d.e"] {
            assert!(matches!(Bearer::parse(five), Bearer::AuthJs(_)), "{five}");
        }
        for opaque in ["a..c", "a.b", "550e8400-e29b-41d4-a716-446655440000"] {
            assert!(matches!(Bearer::parse(opaque), Bearer::Opaque(_)), "{opaque}");
        }
        let long = "x".repeat(OPAQUE_MOST + 1);
        for text in ["", "notp_", "sess_short", "notp%5F", "Bearer x", "%", &long] {
            assert!(matches!(Bearer::parse(text), Bearer::Unknown), "{text}");
        }
    }

    #[test]
    fn a_code_for_people_is_read_however_it_is_typed() {
        let code = user_code(&[255, 0, 1, 2, 250, 3, 4, 5, 239, 20, 9]).unwrap();
        assert_eq!(code.expose(), "BCDFGHZB");
        assert_eq!(user_code_show(&code), "BCDF-GHZB");
        for typed in ["BCDF-GHZB", "bcdfghzb", " bcdf ghzb ", "b-c-d-f-g-h-z-b"] {
            assert!(user_code_read(typed).is_some_and(|read| read == code), "{typed}");
        }
        for other in ["", "BCDF-GHZ", "BCDF-GHZBB", "ACDF-GHZB", "BCDF_GHZB", "ВCDF-GHZB"] {
            assert!(user_code_read(other).is_none(), "{other}");
        }
        assert!(user_code(&[240; 64]).is_none());
    }

    #[test]
    fn tokens_of_devices_are_told_apart_and_open_nothing() {
        let (refresh, device) = (refresh(&[1; 43]), device_code(&[1; 43]));
        assert!(refresh_read(refresh.expose()).is_some() && device_code_read(device.expose()).is_some());
        assert!(refresh_read(device.expose()).is_none() && device_code_read(refresh.expose()).is_none());
        for token in [refresh, device] {
            assert!(matches!(Bearer::parse(token.expose()), Bearer::Unknown));
        }
    }

    #[test]
    fn the_demo_key_has_the_shape_of_a_key() {
        assert_eq!(DEMO_API_KEY_BODY.len(), KEY_BODY);
        assert!(matches!(Bearer::parse(api_key_from_body(DEMO_API_KEY_BODY).expose()), Bearer::ApiKey(_)));
    }
}
