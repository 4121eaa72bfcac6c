//! The keepsake of a browser that an account signed in with, and where somebody comes from.
//!
//! Guards that a keepsake is worth nothing but patience: it opens nothing, and outlives signing out. Whoever shows a forged
//! or an old one is a stranger, and is told what strangers are told.

use super::codes::digest;
use crate::app::Context;
use crate::entropy;
use numberotp_core::cookie::Cookies;
use numberotp_core::fault::{Fault, FaultCode};
use numberotp_core::id::AccountId;
use numberotp_core::keepsake::{self, Keepsake, NONCE};
use numberotp_core::secret::{Secret, SecretBytes};
use numberotp_core::time::Time;

/// Where somebody comes from.
#[derive(Clone, Copy, Debug)]
pub struct Whence<'a> {
    /// The network: IPv4 by /24, IPv6 by /64.
    pub network: &'a str,
    /// What the browser shows to be known by, whoever knows it.
    pub keepsake: Option<&'a Keepsake>,
}

impl<'a> Whence<'a> {
    /// From a network, and no browser that shows anything.
    pub const fn network(network: &'a str) -> Self {
        Self { network, keepsake: None }
    }
}

/// The cookie of keepsakes: of a site that is reached over TLS alone, its name lets no other site set it.
pub const fn cookie(secure: bool) -> &'static str {
    if secure { "__Host-numberotp_keepsake" } else { "numberotp_keepsake" }
}

fn key(context: &Context) -> SecretBytes {
    SecretBytes::new(digest(context, &["key of keepsakes"]))
}

/// The keepsake among these cookies.
pub fn read(context: &Context, cookies: &Cookies<'_>) -> Option<Keepsake> {
    let text = cookies.get(cookie(context.sign_in.is_secure()))?;
    Keepsake::read(&key(context), text)
}

/// A keepsake for a browser that this account signed in with. When: the moment at which that began, or whoever ended all
/// sign-ins meanwhile would not have ended this.
pub fn make(context: &Context, account: AccountId, at: Time) -> Result<Secret, Fault> {
    let nonce =
        entropy::bytes::<NONCE>().map_err(|error| Fault::new(FaultCode::Internal).caused_by(error))?;
    Ok(keepsake::make(&key(context), account, (nonce, at)))
}
