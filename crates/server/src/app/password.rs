//! Passwords: Argon2id at OWASP's minimum, a few at a time beside everything else, and what may not be one.
//!
//! Guards that a flood of sign-ins cannot take the processors from rents, that an account that does not exist costs the
//! same time as one that does, and that no password is printed.

use super::hashers::Hashers;
use crate::entropy;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use numberotp_core::fault::{Fault, FaultCode};
use numberotp_core::secret::Secret;
use numberotp_core::text::Email;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::available_parallelism;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// Memory in KiB, passes, lanes. Source: OWASP's cheat sheet on storing passwords, the second of its equal choices.
const COST: (u32, u32, u32) = (19_456, 2, 1);
/// Shortest and longest password, in characters. Source: NIST SP 800-63B; longer ones are no better and cost more.
const LENGTH: std::ops::RangeInclusive<usize> = 8..=128;
/// Most that wait for their turn; beyond, callers are told to come again.
const QUEUE: usize = 50;
/// When they are told to.
const AGAIN_S: u32 = 2;
/// What is guessed first. In lower case, a line each.
const COMMON: &str = include_str!("password/common.txt");

/// How a password compares.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It is another, or there is none.
    Wrong,
    /// It is this one.
    Right,
    /// It is this one, kept in a way of former times: hash it anew.
    RightButOld,
}

/// Where passwords are hashed: so many at once, so many waiting, for so long.
pub struct Passwords {
    room: Semaphore,
    hashers: Hashers,
    within: Duration,
    hashed: Arc<AtomicU64>,
}

/// The right to one hash: room for it.
pub struct Place<'a> {
    passwords: &'a Passwords,
    _room: SemaphorePermit<'a>,
}

impl Passwords {
    /// With as many at once as half of the processors. Whoever waits for longer than `within` is told to come again: on a
    /// processor that purchases have taken, hashes are slow.
    pub fn start(within: Duration) -> std::io::Result<Self> {
        let cores = available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        Self::with((cores / 2).max(1), within)
    }

    /// With so many at once.
    pub fn with(at_once: usize, within: Duration) -> std::io::Result<Self> {
        let room = Semaphore::new(at_once.saturating_add(QUEUE));
        Ok(Self { room, hashers: Hashers::start(at_once)?, within, hashed: Arc::default() })
    }

    /// How many were hashed so far: an answer is as slow as what it hashed.
    pub fn hashed(&self) -> u64 {
        self.hashed.load(Ordering::Relaxed)
    }

    /// Room for one hash, or `RATE_LIMITED`: for whoever does something else first that is in vain without it.
    pub fn place(&self) -> Result<Place<'_>, Fault> {
        let room = self.room.try_acquire().map_err(|_full| come_again())?;
        Ok(Place { passwords: self, _room: room })
    }

    /// The PHC string to keep of a new password. `RATE_LIMITED` if it would take too long.
    pub async fn hash(&self, password: &Secret) -> Result<String, Fault> {
        let password = password.clone();
        self.place()?.in_turn(move || hash_now(&password)).await?
    }

    /// Compares with what is kept; takes the same time if nothing is. `RATE_LIMITED` if it would take too long.
    pub async fn verify(&self, kept: Option<&str>, given: &Secret) -> Result<Verdict, Fault> {
        self.place()?.verify(kept, given).await
    }
}

impl Place<'_> {
    /// Compares with what is kept; takes the same time if nothing is. `RATE_LIMITED` if it would take too long.
    pub async fn verify(self, kept: Option<&str>, given: &Secret) -> Result<Verdict, Fault> {
        let (kept, given) = (kept.map(str::to_owned), given.clone());
        self.in_turn(move || compare(kept.as_deref(), &given)).await?
    }

    async fn in_turn<T: Send + 'static>(self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Fault> {
        let hashed = Arc::clone(&self.passwords.hashed);
        let done = self.passwords.hashers.run(move || {
            hashed.fetch_add(1, Ordering::Relaxed);
            work()
        });
        let stopped = || Fault::new(FaultCode::Maintenance).caused_by("a password could not be hashed");
        let done = timeout(self.passwords.within, done).await.map_err(|_too_long| come_again())?;
        done.ok_or_else(stopped)
    }
}

fn come_again() -> Fault {
    let mut fault = Fault::new(FaultCode::RateLimited);
    fault.retry_after_s = Some(AGAIN_S);
    fault
}

fn hasher() -> Result<Argon2<'static>, Fault> {
    let (memory, passes, lanes) = COST;
    let params = Params::new(memory, passes, lanes, None).map_err(|error| broken(&error))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// The PHC string to keep of a password, here and now: for commands. A server has [`Passwords`].
pub fn hash_now(password: &Secret) -> Result<String, Fault> {
    let salt = entropy::bytes::<16>().map_err(|error| Fault::new(FaultCode::Internal).caused_by(error))?;
    let hash: PasswordHash = hasher()?
        .hash_password_with_salt(password.expose().as_bytes(), &salt)
        .map_err(|error| broken(&error))?;
    Ok(hash.to_string())
}

fn compare(kept: Option<&str>, given: &Secret) -> Result<Verdict, Fault> {
    let Some(kept) = kept else {
        hash_now(given)?;
        return Ok(Verdict::Wrong);
    };
    let parsed = PasswordHash::new(kept).map_err(|error| broken(&error))?;
    if hasher()?.verify_password(given.expose().as_bytes(), &parsed).is_err() {
        return Ok(Verdict::Wrong);
    }
    Ok(if is_current(&parsed) { Verdict::Right } else { Verdict::RightButOld })
}

fn is_current(kept: &PasswordHash) -> bool {
    let (memory, passes, lanes) = COST;
    let parameter = |name: &str| kept.params.get_decimal(name);
    kept.algorithm.as_str() == "argon2id"
        && (parameter("m"), parameter("t"), parameter("p")) == (Some(memory), Some(passes), Some(lanes))
}

fn broken(error: &impl std::fmt::Display) -> Fault {
    Fault::new(FaultCode::Internal).caused_by(error.to_string())
}

/// Ok for what may be somebody's new password; `field` names it in the fault, which never repeats it.
pub fn acceptable(field: &str, password: &Secret, email: &Email) -> Result<(), Fault> {
    let text = password.expose();
    if !LENGTH.contains(&text.chars().count()) {
        return Err(Fault::parameter(field, "must have 8 to 128 characters"));
    }
    let lower = text.to_lowercase();
    let user = email.as_str().split('@').next().unwrap_or_default();
    let common: HashSet<&str> = COMMON.lines().collect();
    if common.contains(lower.as_str()) || lower == email.as_str() || lower == user {
        return Err(Fault::parameter(field, "is one that is guessed first; take another"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::poll;
    use std::sync::mpsc::channel;

    const WITHIN: Duration = Duration::from_secs(5);

    fn secret(text: &str) -> Secret {
        Secret::new(text)
    }

    fn ann() -> Email {
        Email::parse("annabelle@example.com").unwrap()
    }

    #[test]
    fn length_alone_and_what_is_guessed_first_decide() {
        let fits = |text: &str| acceptable("password", &secret(text), &ann()).is_ok();
        assert!(fits("grey otter 7") && fits("ひらがなのことば") && fits(&"x".repeat(128)));
        for bad in ["", "1234567", "ひらがなのこと", "PassWord1", "annabelle", "Annabelle@example.com"]
        {
            assert!(!fits(bad), "{bad}");
        }
        assert!(!fits(&"x".repeat(129)));
        let fault = acceptable("password", &secret("Password1"), &ann()).unwrap_err();
        assert!(!fault.to_string().contains("assword1"), "{fault}");
    }

    #[test]
    fn the_list_holds_what_could_be_given_and_nothing_twice() {
        let all: Vec<&str> = COMMON.lines().collect();
        assert!(all.len() >= 180, "{}", all.len());
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
        for line in all {
            assert!(line == line.to_lowercase() && LENGTH.contains(&line.chars().count()), "{line}");
        }
    }

    #[tokio::test]
    async fn a_hash_is_argon2id_at_owasps_minimum_and_opens_for_its_password_alone() {
        let passwords = Passwords::with(1, WITHIN).unwrap();
        let kept = passwords.hash(&secret("grey otter 7")).await.unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        let verdict = async |kept, given: &str| passwords.verify(kept, &secret(given)).await.unwrap();
        assert_eq!(verdict(Some(kept.as_str()), "grey otter 7").await, Verdict::Right);
        assert_eq!(verdict(Some(kept.as_str()), "grey otter 8").await, Verdict::Wrong);
        assert_eq!(verdict(None, "grey otter 7").await, Verdict::Wrong);
        assert_eq!(passwords.hashed(), 4, "none costs as much as one that is wrong");
        assert_ne!(kept, passwords.hash(&secret("grey otter 7")).await.unwrap(), "salted");
    }

    #[tokio::test]
    async fn a_hash_of_former_times_still_opens_and_is_known_as_such() {
        let weaker = Params::new(8 * 1024, 1, 1, None).unwrap();
        let old: PasswordHash = Argon2::new(Algorithm::Argon2id, Version::V0x13, weaker)
            .hash_password_with_salt(b"grey otter 7", &[7; 16])
            .unwrap();
        let verdict = Passwords::with(1, WITHIN)
            .unwrap()
            .verify(Some(&old.to_string()), &secret("grey otter 7"))
            .await
            .unwrap();
        assert_eq!(verdict, Verdict::RightButOld);
    }

    #[tokio::test]
    async fn beyond_the_queue_callers_are_told_to_come_again() {
        let passwords = Passwords::with(1, WITHIN).unwrap();
        let _all = passwords.room.acquire_many(51).await.unwrap();
        let fault = passwords.verify(None, &secret("grey otter 7")).await.unwrap_err();
        assert_eq!((fault.code, fault.retry_after_s), (FaultCode::RateLimited, Some(AGAIN_S)));
    }

    /// Time passes by itself here, once everybody waits.
    #[tokio::test(start_paused = true)]
    async fn who_waits_too_long_is_told_to_come_again_and_is_not_hashed_for() {
        let passwords = Passwords::with(1, WITHIN).unwrap();
        let (go, gate) = channel::<()>();
        let slow = passwords.hashers.run(move || gate.recv());
        tokio::pin!(slow);
        assert!(poll!(slow.as_mut()).is_pending());
        let fault = passwords.verify(None, &secret("grey otter 7")).await.unwrap_err();
        assert_eq!((fault.code, fault.retry_after_s), (FaultCode::RateLimited, Some(AGAIN_S)));
        assert_eq!(passwords.room.available_permits(), 51, "its place is free");
        go.send(()).unwrap();
        assert_eq!(slow.await, Some(Ok(())));
        passwords.hashers.run(|| ()).await.unwrap();
        assert_eq!(passwords.hashed(), 0);
    }
}
