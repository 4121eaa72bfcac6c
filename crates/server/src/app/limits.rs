//! Rate limits: fixed windows by network, account, purchase or provider, kept in memory.
//!
//! Never truth: a restart forgets them. What they protect is the server's time, and a lost window gives
//! nobody money or messages.

use crate::config::{Enforced, Limits};
use numberotp_core::id::{AccountId, ActivationId};
use numberotp_core::limits::{Allowed, Limit, Quota, Window};
use numberotp_core::text::Email;
use numberotp_core::time::Time;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// Parts of the memory, so that requests rarely wait for each other.
const SHARDS: usize = 16;
/// Windows in a part before those that ended are thrown away.
const SHARD_MOST: usize = 8_192;

/// What is limited.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Rule {
    /// Prices, by network.
    Prices,
    /// Balance, transactions and profile, by account.
    Account,
    /// Purchases, by account.
    Rent,
    /// Reading one purchase, by purchase.
    ReadOne,
    /// Reading purchases, by account.
    ReadAll,
    /// Refused webhooks, by provider.
    Hook,
    /// Signing in and what belongs to it, by address and network.
    SignIn,
    /// Everything else, by network.
    Other,
}

/// Who is counted.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Subject {
    /// A network: an IPv4 address, or the /64 of an IPv6 address.
    Network(u128),
    /// An account.
    Account(AccountId),
    /// One purchase, as an account asks for it.
    Rent(AccountId, ActivationId),
    /// A provider's name in lower case.
    Provider(String),
    /// An address, as a network asks about it.
    SignIn(Box<Self>, Email),
}

impl Subject {
    /// The network of an address.
    pub fn network(address: IpAddr) -> Self {
        Self::Network(match address.to_canonical() {
            IpAddr::V4(ip) => u128::from(u32::from(ip)),
            // Above every IPv4 address, so the two never meet.
            IpAddr::V6(ip) => (u128::from(ip) >> 64 << 64) | (1 << 40),
        })
    }
}

/// A rule's limit.
const fn limit(limits: &Limits, rule: Rule) -> Limit {
    Limit::per_minute(match rule {
        Rule::Prices => limits.prices,
        Rule::Account => limits.account,
        Rule::Rent => limits.rent,
        Rule::ReadOne => limits.read_one,
        Rule::ReadAll => limits.read_all,
        Rule::Hook => limits.hook,
        Rule::SignIn => limits.sign_in,
        Rule::Other => limits.other,
    })
}

type Shard = Mutex<HashMap<(Rule, Subject), Window>>;

/// The memory of all windows.
pub struct Limiter {
    limits: Limits,
    enforced: Enforced,
    shards: [Shard; SHARDS],
    /// Never reached: the index is below the number of shards.
    spare: Shard,
}

impl Limiter {
    /// With nothing counted yet.
    pub fn new(limits: Limits, enforced: Enforced) -> Self {
        Self { limits, enforced, shards: Default::default(), spare: Shard::default() }
    }

    /// Counts a request of a subject.
    pub fn count(&self, rule: Rule, subject: Subject, now: Time) -> Quota {
        let bound = limit(&self.limits, rule);
        let quota = self.with(rule, subject, |windows, key| {
            if windows.len() >= SHARD_MOST {
                windows.retain(|(rule, _), window| {
                    limit(&self.limits, *rule).live(Some(*window), now).is_some()
                });
                if windows.len() >= SHARD_MOST.saturating_mul(4) {
                    // More live callers than memory is given for: all begin anew rather than any being refused.
                    windows.clear();
                }
            }
            let (window, quota) = bound.count(windows.get(&key).copied(), now);
            windows.insert(key, window);
            quota
        });
        match self.enforced {
            Enforced::Yes => quota,
            Enforced::No => Quota { allowed: Allowed::Yes, ..quota },
        }
    }

    /// Where a subject stands, without counting.
    pub fn look(&self, rule: Rule, subject: Subject, now: Time) -> Quota {
        let bound = limit(&self.limits, rule);
        self.with(rule, subject, |windows, key| bound.look(windows.get(&key).copied(), now))
    }

    /// How many windows are remembered.
    pub fn entries(&self) -> usize {
        let shards = self.shards.iter().chain([&self.spare]);
        shards.map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner).len()).sum()
    }

    fn with<T>(
        &self,
        rule: Rule,
        subject: Subject,
        work: impl FnOnce(&mut HashMap<(Rule, Subject), Window>, (Rule, Subject)) -> T,
    ) -> T {
        let key = (rule, subject);
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        let index = usize::try_from(hasher.finish()).unwrap_or(0) % self.shards.len().max(1);
        let shard = self.shards.get(index).unwrap_or(&self.spare);
        work(&mut shard.lock().unwrap_or_else(PoisonError::into_inner), key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use numberotp_core::time::Span;

    fn network(text: &str) -> Subject {
        Subject::network(text.parse().unwrap())
    }

    #[test]
    fn ipv6_is_counted_by_64_and_mapped_ipv4_as_ipv4() {
        assert_eq!(network("2001:db8:1:2:3::1"), network("2001:db8:1:2:ffff::9"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
        assert_ne!(network("::"), network("0.0.0.0"));
    }

    #[test]
    fn each_subject_has_a_window_of_its_own_and_old_ones_are_thrown_away() {
        let limiter = Limiter::new(Limits::PUBLISHED, Enforced::Yes);
        let now = Time::from_micros(0);
        for _ in 0..30 {
            assert_eq!(
                limiter.count(Rule::Rent, Subject::Account(AccountId::new(1)), now).allowed,
                Allowed::Yes
            );
        }
        assert_eq!(limiter.count(Rule::Rent, Subject::Account(AccountId::new(1)), now).allowed, Allowed::No);
        assert_eq!(limiter.count(Rule::Rent, Subject::Account(AccountId::new(2)), now).allowed, Allowed::Yes);
        for row in 0..300_000 {
            limiter.count(
                Rule::Other,
                Subject::Network(row),
                now.plus(Span::minutes(i64::try_from(row).unwrap() / 1_000)),
            );
        }
        let kept: usize = limiter.shards.iter().map(|shard| shard.lock().unwrap().len()).sum();
        assert!(kept <= SHARDS * SHARD_MOST, "{kept}");
    }

    #[test]
    fn switched_off_it_lets_everything_through_and_still_tells() {
        let limiter = Limiter::new(Limits { other: 1, ..Limits::PUBLISHED }, Enforced::No);
        let now = Time::from_micros(0);
        limiter.count(Rule::Other, network("192.0.2.1"), now);
        let quota = limiter.count(Rule::Other, network("192.0.2.1"), now);
        assert_eq!((quota.allowed, quota.remaining, quota.limit), (Allowed::Yes, 0, 1));
    }
}
