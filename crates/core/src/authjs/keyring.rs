//! Every key of every cookie that a session may come in, and which of them are tried.
//!
//! Guards: a default cookie's name says the version, and the other version's keys are not tried on it. A renamed
//! cookie and a bearer token are told by their encryption: GCM without a key's id is version 4, all else version 5.
//! A signed token is told by its three parts, and is none where the site does not sign.

use super::jwe::{Compact, Enc};
use super::jws::{Signing, is_three_parts};
use super::{COOKIES, Claims, Family, Refused, Ring, candidates};
use crate::cookie::Cookies;
use crate::secret::Secret;
use crate::time::Time;

/// The keys, derived once.
pub struct Keyring {
    v4: Ring,
    /// Names of cookies in the order in which they are tried.
    cookies: Vec<Slot>,
    /// Where the site signs sessions too.
    signing: Option<Signing>,
}

/// One cookie's name.
struct Slot {
    name: String,
    /// What the name says; nothing for a renamed one.
    family: Option<Family>,
    v5: Ring,
}

impl Slot {
    fn new(name: &str, family: Option<Family>, secrets: &[Secret]) -> Self {
        // A name of version 4 is nobody's salt.
        let secrets = if family == Some(Family::V4) { &[] } else { secrets };
        Self { name: name.to_owned(), family, v5: Ring::new(Family::V5, name, secrets) }
    }
}

impl Keyring {
    /// Derives the keys: of the secrets, newest first, for the default cookies and those that a site renamed.
    pub fn new(secrets: &[Secret], renamed: &[String]) -> Self {
        let renamed = renamed.iter().filter(|name| COOKIES.iter().all(|(known, _)| known != name));
        let renamed = renamed.map(|name| Slot::new(name, None, secrets));
        let known = COOKIES.iter().map(|(name, family)| Slot::new(name, Some(*family), secrets));
        let (v4, cookies) = (Ring::new(Family::V4, "", secrets), renamed.chain(known).collect());
        Self { v4, cookies, signing: None }
    }

    /// The same where the site signs sessions too, by HMAC-SHA-256 with these secrets.
    #[must_use]
    pub fn signing(self, secrets: &[Secret]) -> Self {
        Self { signing: Some(Signing::new(secrets)), ..self }
    }

    /// What a signed token says; `None`: it is none, or none are taken.
    fn open_signed(&self, token: &str, now: Time) -> Option<Result<Claims, Refused>> {
        let signing = self.signing.as_ref().filter(|_| is_three_parts(token))?;
        Some(signing.read(token, now))
    }

    /// The names of the cookies, in the order in which they are tried.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.cookies.iter().map(|slot| slot.name.as_str())
    }

    /// The first session among the cookies that opens and is good now; else why the last one was refused.
    pub fn open_cookies(&self, cookies: &Cookies<'_>, now: Time) -> Option<Result<Claims, Refused>> {
        let mut last = None;
        for slot in &self.cookies {
            for token in candidates(cookies, &slot.name) {
                match self.open_slot(slot, &token, now) {
                    Ok(claims) => return Some(Ok(claims)),
                    Err(why) => last = Some(Err(why)),
                }
            }
        }
        last
    }

    /// Opens what a cookie of this name holds.
    pub fn open_cookie(&self, name: &str, token: &str, now: Time) -> Result<Claims, Refused> {
        let slot = self.cookies.iter().find(|slot| slot.name == name).ok_or(Refused::Kid)?;
        self.open_slot(slot, token, now)
    }

    fn open_slot(&self, slot: &Slot, token: &str, now: Time) -> Result<Claims, Refused> {
        if let Some(signed) = self.open_signed(token, now) {
            return signed;
        }
        let token = Compact::parse(token)?;
        match slot.family.unwrap_or_else(|| by_encryption(&token)) {
            Family::V4 => self.v4.read(&token, now),
            Family::V5 => slot.v5.read(&token, now),
        }
    }

    /// Opens a bearer token, which says no cookie's name: the key it names is looked for under all of them.
    pub fn open_bearer(&self, token: &str, now: Time) -> Result<Claims, Refused> {
        if let Some(signed) = self.open_signed(token, now) {
            return signed;
        }
        let token = Compact::parse(token)?;
        if by_encryption(&token) == Family::V4 {
            return self.v4.read(&token, now);
        }
        let mut rings =
            self.cookies.iter().filter(|slot| slot.family != Some(Family::V4)).map(|slot| &slot.v5);
        if token.kid.is_some() {
            return rings.find(|ring| ring.knows(&token)).ok_or(Refused::Kid)?.read(&token, now);
        }
        let mut opened = rings.map(|ring| ring.read(&token, now));
        opened.find(|opened| *opened != Err(Refused::Tag)).unwrap_or(Err(Refused::Tag))
    }
}

fn by_encryption(token: &Compact<'_>) -> Family {
    if token.enc == Enc::Gcm && token.kid.is_none() { Family::V4 } else { Family::V5 }
}
