//! The second factor: codes by time from a shared seed. Source: RFC 6238 with the numbers that every authenticator app has:
//! SHA-1, steps of 30 seconds, six digits.
//!
//! Guards that a code is good for its own step and the one before and after it. That a step is used once is the store's part.

use crate::secret::SecretBytes;
use crate::time::Time;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;

/// Length of a step.
const STEP_S: i64 = 30;
/// Bytes of a seed: as long as the digest. Source: RFC 4226, section 4.
pub const SEED: usize = 20;

/// The step of an instant.
pub fn step(now: Time) -> i64 {
    now.unix_seconds().div_euclid(STEP_S)
}

/// The six digits of a step.
pub fn code(seed: &SecretBytes, step: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, seed.expose());
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let bytes = tag.as_ref();
    // RFC 4226, section 5.3: the last four bits say where to read 31 bits.
    let from = usize::from(bytes.last().copied().unwrap_or(0) & 0xf);
    let four = bytes.get(from..).and_then(|rest| rest.first_chunk::<4>()).copied().unwrap_or_default();
    format!("{:06}", (u32::from_be_bytes(four) & 0x7fff_ffff) % 1_000_000)
}

/// The step that a given code belongs to, of the present one and its neighbours.
pub fn matching(seed: &SecretBytes, given: &str, now: Time) -> Option<i64> {
    let present = step(now);
    let given: String = given.chars().filter(|c| !c.is_whitespace()).collect();
    let fits = |step: &i64| verify_slices_are_equal(code(seed, *step).as_bytes(), given.as_bytes()).is_ok();
    [present, present.saturating_sub(1), present.saturating_add(1)].into_iter().find(fits)
}

/// Bytes as people and apps read them: base 32 without padding. Source: RFC 4648, section 6.
pub fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let (mut text, mut bits, mut held) = (String::new(), 0_u32, 0_u32);
    let mut put = |bits: u32| {
        let letter = usize::try_from(bits & 31).ok().and_then(|index| ALPHABET.get(index));
        text.push(letter.map_or('A', |byte| char::from(*byte)));
    };
    for byte in bytes {
        (bits, held) = ((bits << 8 | u32::from(*byte)) & 0xffff, held.saturating_add(8));
        while held >= 5 {
            held = held.saturating_sub(5);
            put(bits >> held);
        }
    }
    if held > 0 {
        put(bits << 5_u32.saturating_sub(held));
    }
    text
}

/// What an app reads from a picture: whose codes these are. Source: the key URI format of Google Authenticator.
pub fn uri(issuer: &str, account: &str, seed: &SecretBytes) -> String {
    let (issuer, account) = (escaped(issuer), escaped(account));
    format!("otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}", base32(seed.expose()))
}

fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'@');
    let one = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seed() -> SecretBytes {
        SecretBytes::new(*b"12345678901234567890")
    }

    fn at(seconds: i64) -> Time {
        Time::from_micros(seconds * 1_000_000)
    }

    /// The last six of the eight digits of RFC 6238, appendix B.
    #[test]
    fn the_codes_are_those_of_the_rfc() {
        for (seconds, expected) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code(&seed(), step(at(seconds))), expected);
        }
    }

    #[test]
    fn a_code_is_good_for_its_step_and_the_two_beside_it() {
        let found = |seconds| matching(&seed(), " 287 082 ", at(seconds));
        assert_eq!(
            [found(29), found(30), found(59), found(60), found(89), found(90)].map(|found| found.is_some()),
            [true, true, true, true, true, false]
        );
        assert_eq!(found(0), Some(1));
        for bad in ["", "28708", "2870820", "２８７０８２"] {
            assert_eq!(matching(&seed(), bad, at(59)), None, "{bad}");
        }
    }

    #[test]
    fn seeds_are_spelt_as_apps_read_them() {
        assert_eq!(base32(b"12345678901234567890"), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        for (bytes, text) in [("", ""), ("f", "MY"), ("fo", "MZXQ"), ("foo", "MZXW6"), ("foob", "MZXW6YQ")] {
            assert_eq!(base32(bytes.as_bytes()), text);
        }
        assert_eq!(
            uri("Otter & Co", "ann@example.com", &SecretBytes::new(*b"foo")),
            "otpauth://totp/Otter%20%26%20Co:ann@example.com?secret=MZXW6&issuer=Otter%20%26%20Co"
        );
    }
}
