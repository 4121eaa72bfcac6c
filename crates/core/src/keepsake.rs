//! Keepsakes: what a browser keeps that an account signed in with, so that the account knows it again whatever network it
//! comes from.
//!
//! Guards that a keepsake speaks for the one account and the time it was made for, and says to nobody which account that
//! is. It must never open anything: whoever has it is met with patience, and shows the password like everybody.

use crate::id::AccountId;
use crate::secret::{Secret, SecretBytes};
use crate::time::{Span, Time};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// How long a browser is known that nobody signs in with any more.
pub const BROWSER_KNOWN: Span = Span::hours(180 * 24);

/// Random bytes of a keepsake: no two are the same.
pub const NONCE: usize = 16;
const MOMENT: usize = 8;
const TAG: usize = 32;
const ALL: usize = NONCE + MOMENT + TAG;

/// A keepsake that somebody shows; whose it is, was not looked at yet.
#[derive(Clone)]
pub struct Keepsake {
    key: SecretBytes,
    nonce: [u8; NONCE],
    made: Time,
    tag: [u8; TAG],
}

/// The text of a keepsake of this account, under a key that is for keepsakes alone.
pub fn make(key: &SecretBytes, account: AccountId, (nonce, now): ([u8; NONCE], Time)) -> Secret {
    let tag = hmac::sign(&signing(key), &signed(account, nonce, now));
    let bytes = [nonce.as_slice(), &now.micros().to_be_bytes(), tag.as_ref()].concat();
    Secret::new(URL_SAFE_NO_PAD.encode(bytes))
}

fn signing(key: &SecretBytes) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, key.expose())
}

fn signed(account: AccountId, nonce: [u8; NONCE], made: Time) -> [u8; MOMENT + NONCE + MOMENT] {
    let parts = account.get().to_be_bytes().into_iter().chain(nonce).chain(made.micros().to_be_bytes());
    let mut bytes = [0; MOMENT + NONCE + MOMENT];
    bytes.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
    bytes
}

impl std::fmt::Debug for Keepsake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keepsake(…)")
    }
}

impl Keepsake {
    /// Reads the text of one. `None`: it is none, whoever's.
    pub fn read(key: &SecretBytes, text: &str) -> Option<Self> {
        let bytes: [u8; ALL] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let (nonce, rest) = bytes.split_first_chunk::<NONCE>()?;
        let (made, tag) = rest.split_first_chunk::<MOMENT>()?;
        let made = Time::from_micros(i64::from_be_bytes(*made));
        Some(Self { key: key.clone(), nonce: *nonce, made, tag: tag.try_into().ok()? })
    }

    /// Whether the account knows the browser by it: it is this account's, not too old, and not from before all sign-ins
    /// were ended. As slow for one account as for another.
    pub fn is_of(&self, account: AccountId, ended: Time, now: Time) -> bool {
        let content = signed(account, self.nonce, self.made);
        let genuine = hmac::verify(&signing(&self.key), &content, &self.tag).is_ok();
        // One that seems yet to come was made by another server's clock.
        genuine && self.made >= ended && now < self.made.plus(BROWSER_KNOWN)
    }

    /// What tells it from all others.
    pub fn name(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.nonce)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_micros(1_800_000_000_000_000);
    const LONG_AGO: Time = Time::from_micros(0);
    const ANN: AccountId = AccountId::new(7);

    fn key(byte: u8) -> SecretBytes {
        SecretBytes::new([byte; 32])
    }

    fn made(text: &Secret) -> Keepsake {
        Keepsake::read(&key(1), text.expose()).unwrap()
    }

    #[test]
    fn an_account_knows_a_browser_by_its_own_keepsake_alone() {
        let keepsake = made(&make(&key(1), ANN, ([3; NONCE], NOW)));
        assert!(keepsake.is_of(ANN, LONG_AGO, NOW));
        for other in [0, 6, 8, -7] {
            assert!(!keepsake.is_of(AccountId::new(other), LONG_AGO, NOW), "{other}");
        }
        let forged = made(&make(&key(2), ANN, ([3; NONCE], NOW)));
        assert!(!forged.is_of(ANN, LONG_AGO, NOW), "under another key");
        assert_ne!(keepsake.name(), made(&make(&key(1), ANN, ([4; NONCE], NOW))).name());
    }

    #[test]
    fn it_counts_for_half_a_year_and_until_all_sign_ins_are_ended() {
        let keepsake = made(&make(&key(1), ANN, ([3; NONCE], NOW)));
        let instant = Span::micros(1);
        for (ended, later, counts) in [
            (LONG_AGO, BROWSER_KNOWN.minus(instant), true),
            (LONG_AGO, BROWSER_KNOWN, false),
            (LONG_AGO, Span::seconds(-2), true),
            (NOW, instant, true),
            (NOW.plus(instant), instant, false),
        ] {
            assert_eq!(keepsake.is_of(ANN, ended, NOW.plus(later)), counts, "{ended:?} {later:?}");
        }
    }

    #[test]
    fn whatever_is_changed_of_it_speaks_for_nobody() {
        let text = make(&key(1), ANN, ([3; NONCE], NOW));
        let bytes = URL_SAFE_NO_PAD.decode(text.expose()).unwrap();
        assert!(!bytes.windows(8).any(|part| part == ANN.get().to_be_bytes()), "nor says whose it is");
        for position in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[position] ^= 1;
            let changed = made(&Secret::new(URL_SAFE_NO_PAD.encode(changed)));
            assert!(!changed.is_of(ANN, LONG_AGO, NOW), "{position}");
        }
        for text in ["", "x", "ä", text.expose().get(1..).unwrap(), &format!("{}AA", text.expose())] {
            assert!(Keepsake::read(&key(1), text).is_none(), "{text}");
        }
    }
}
