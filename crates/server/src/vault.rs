//! Keeps texts unreadable at rest. Each day has a key of its own, wrapped by the master key; a sealed body is
//! bound to its row, so a body moved to another row does not open.
//!
//! AES-256-GCM throughout: 12 random bytes of nonce, then the sealed bytes with their tag.

use crate::entropy::{self, NoEntropy};
use crate::store::message::{data_key_fix, data_key_get};
use crate::store::{Store, StoreError};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use numberotp_core::secret::SecretBytes;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Why something could not be sealed or opened.
#[derive(Debug)]
pub enum VaultError {
    /// A key of a wrong length.
    BadKey,
    /// Wrong key, changed bytes, or another row's.
    DoesNotOpen,
    /// The day's key was destroyed with the day's messages.
    KeyGone,
    /// No randomness.
    Entropy(NoEntropy),
    /// The database.
    Store(StoreError),
}

impl std::fmt::Display for VaultError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::BadKey => f.write_str("a key of a wrong length"),
            Self::DoesNotOpen => f.write_str("sealed bytes do not open: is it the right master key?"),
            Self::KeyGone => f.write_str("the day's key is gone"),
            Self::Entropy(error) => error.fmt(f),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for VaultError {}

impl From<NoEntropy> for VaultError {
    fn from(error: NoEntropy) -> Self {
        Self::Entropy(error)
    }
}
impl From<StoreError> for VaultError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// The keys.
pub struct Vault {
    master: LessSafeKey,
    days: Mutex<HashMap<i64, Arc<LessSafeKey>>>,
}

const DATA_KEY: &[u8] = b"numberotp data key ";

impl Vault {
    /// With a master key of 32 bytes.
    pub fn new(master: &SecretBytes) -> Result<Self, VaultError> {
        Ok(Self { master: cipher(master.expose())?, days: Mutex::default() })
    }

    /// Wraps a lasting secret, bound to its name.
    pub fn wrap(&self, name: &str, secret: &SecretBytes) -> Result<Vec<u8>, VaultError> {
        seal(&self.master, name.as_bytes(), secret.expose())
    }

    /// Unwraps it.
    pub fn unwrap(&self, name: &str, wrapped: &[u8]) -> Result<SecretBytes, VaultError> {
        open(&self.master, name.as_bytes(), wrapped).map(SecretBytes::new)
    }

    /// Seals a text with a day's key, bound to a place.
    pub async fn seal(
        &self,
        store: &Store,
        day: i64,
        place: &[u8],
        text: &[u8],
    ) -> Result<Vec<u8>, VaultError> {
        let key = match self.known(day) {
            Some(key) => key,
            None => self.make(store, day).await?,
        };
        seal(&key, place, text)
    }

    /// Opens it.
    pub async fn open(
        &self,
        store: &Store,
        day: i64,
        place: &[u8],
        sealed: &[u8],
    ) -> Result<Vec<u8>, VaultError> {
        let key = match self.known(day) {
            Some(key) => key,
            None => {
                let wrapped = store.read(move |tx| data_key_get(tx, day)).await?;
                self.learn(day, &wrapped.ok_or(VaultError::KeyGone)?)?
            }
        };
        open(&key, place, sealed)
    }

    fn known(&self, day: i64) -> Option<Arc<LessSafeKey>> {
        self.days.lock().unwrap_or_else(PoisonError::into_inner).get(&day).cloned()
    }

    async fn make(&self, store: &Store, day: i64) -> Result<Arc<LessSafeKey>, VaultError> {
        let fresh = seal(&self.master, &day_name(day), &entropy::bytes::<32>()?)?;
        let wrapped = store.write(move |tx| data_key_fix(tx, day, &fresh)).await?;
        self.learn(day, &wrapped)
    }

    fn learn(&self, day: i64, wrapped: &[u8]) -> Result<Arc<LessSafeKey>, VaultError> {
        let key = Arc::new(cipher(&open(&self.master, &day_name(day), wrapped)?)?);
        let mut days = self.days.lock().unwrap_or_else(PoisonError::into_inner);
        if days.len() > 32 {
            days.clear();
        }
        days.insert(day, Arc::clone(&key));
        Ok(key)
    }
}

fn day_name(day: i64) -> Vec<u8> {
    [DATA_KEY, day.to_string().as_bytes()].concat()
}

fn cipher(key: &[u8]) -> Result<LessSafeKey, VaultError> {
    let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_length| VaultError::BadKey)?;
    Ok(LessSafeKey::new(key))
}

fn seal(key: &LessSafeKey, place: &[u8], text: &[u8]) -> Result<Vec<u8>, VaultError> {
    let nonce: [u8; NONCE_LEN] = entropy::bytes()?;
    let mut sealed = text.to_vec();
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place), &mut sealed)
        .map_err(|_too_long| VaultError::BadKey)?;
    Ok([nonce.as_slice(), &sealed].concat())
}

fn open(key: &LessSafeKey, place: &[u8], sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
    let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(VaultError::DoesNotOpen)?;
    let mut body = body.to_vec();
    let text = key
        .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(place), &mut body)
        .map_err(|_unopened| VaultError::DoesNotOpen)?;
    Ok(text.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_only_under_its_name_and_key() {
        let vault = Vault::new(&SecretBytes::new([7; 32])).unwrap();
        let other = Vault::new(&SecretBytes::new([8; 32])).unwrap();
        let wrapped = vault.wrap("provider a", &SecretBytes::new(*b"hush")).unwrap();
        assert_eq!(vault.unwrap("provider a", &wrapped).unwrap().expose(), b"hush");
        assert!(vault.unwrap("provider b", &wrapped).is_err());
        assert!(other.unwrap("provider a", &wrapped).is_err());
        assert!(!wrapped.windows(4).any(|four| four == b"hush"));
        for position in 0..wrapped.len() {
            let mut changed = wrapped.clone();
            changed[position] ^= 1;
            assert!(vault.unwrap("provider a", &changed).is_err(), "{position}");
        }
    }

    #[test]
    fn a_master_key_has_32_bytes() {
        assert!(Vault::new(&SecretBytes::new([7; 31])).is_err());
    }
}
