//! Which rate limit a request falls under, and the three headers that every answer carries.
//!
//! Limits by network are checked before anything else is done; limits by account as soon as the caller is
//! known and before the body is read. A request that reached neither counts by its network.

use crate::app::Context;
use crate::app::limits::{Rule, Subject};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use numberotp_core::caller::Caller;
use numberotp_core::fault::{Fault, FaultCode};
use numberotp_core::limits::{Allowed, Quota};
use numberotp_core::text::Email;
use numberotp_core::time::Time;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// What a request is, as far as limits go.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Class {
    /// Counted by network before it begins.
    Network(Rule),
    /// Counted by account once that is known.
    Account(Rule),
    /// Reading one purchase: two limits.
    Read(String),
    /// Waiting for a code: not limited, only told.
    Wait,
    /// A program asks for tokens: counted by network once it is known how, because a device that asks too often is told
    /// so in its own words.
    Grant,
    /// A provider's: only refused ones count, and those of nobody that we know.
    Hook,
    /// Whoever keeps the server running asks how it is: whatever else its network asks, not limited, only told. A
    /// server that refused this would be taken for dead and started anew.
    Vital,
}

impl Class {
    fn of(method: &Method, path: &str) -> Self {
        let vital = matches!(path.strip_suffix('/').unwrap_or(path), "/healthz" | "/readyz" | "/metrics");
        if vital && (method == Method::GET || method == Method::HEAD) {
            return Self::Vital;
        }
        // One part more than any address has that is told apart here.
        let (mut parts, mut count) = ([""; 6], 0_usize);
        for (place, part) in parts.iter_mut().zip(path.trim_matches('/').split('/')) {
            (*place, count) = (part, count.saturating_add(1));
        }
        match (method.as_str(), parts.get(..count).unwrap_or_default()) {
            (_, ["api", "public", "prices" | "rent-prices"]) => Self::Network(Rule::Prices),
            ("POST", ["api", "internal", "rent"]) => Self::Account(Rule::Rent),
            (_, ["api", "internal", "balance" | "transactions"] | ["api", "user", "profile"]) => {
                Self::Account(Rule::Account)
            }
            ("GET" | "HEAD", ["api", "internal", "rent", id]) => Self::Read((*id).to_owned()),
            ("GET" | "HEAD", ["api", "internal", "rent", _, "wait"]) => Self::Wait,
            ("POST", ["v1", "oauth", "token"]) => Self::Grant,
            ("POST", ["api", "webhooks", "sms", _]) => Self::Hook,
            _ => Self::Network(Rule::Other),
        }
    }
}

/// The meter of one request.
pub(super) struct Meter {
    context: Arc<Context>,
    network: Subject,
    class: Class,
    now: Time,
    told: Mutex<Option<Quota>>,
}

impl Meter {
    pub(super) fn new(context: Arc<Context>, address: IpAddr, method: &Method, path: &str) -> Self {
        // By the true time: whoever reads when a window ends has another clock than a sandbox's moved one.
        let now = context.clock.true_now();
        let (network, class) = (Subject::network(address), Class::of(method, path));
        Self { context, network, class, now, told: Mutex::default() }
    }

    /// Whether it is a wait for a code, which lasts as long as it lasts.
    pub(super) fn is_wait(&self) -> bool {
        self.class == Class::Wait
    }

    fn count(&self, rule: Rule, subject: Subject) -> Result<(), Fault> {
        let quota = self.context.limiter.count(rule, subject, self.now);
        self.tell(quota);
        match quota.allowed {
            Allowed::Yes => Ok(()),
            Allowed::No => {
                let mut fault = Fault::new(FaultCode::RateLimited);
                fault.retry_after_s = Some(quota.retry_after(self.now));
                Err(fault)
            }
        }
    }

    fn tell(&self, quota: Quota) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        *told = Some(told.map_or(quota, |known| known.nearer(quota)));
    }

    /// Before anything else: counts what is limited by network.
    pub(super) fn admit(&self) -> Result<(), Fault> {
        match self.class {
            Class::Network(rule) => self.count(rule, self.network.clone()),
            Class::Account(_) | Class::Read(_) | Class::Wait | Class::Grant | Class::Hook | Class::Vital => {
                Ok(())
            }
        }
    }

    /// The caller is known: counts what is limited by account.
    pub(super) fn known(&self, caller: &Caller) -> Result<(), Fault> {
        let account = Subject::Account(caller.account);
        match &self.class {
            Class::Account(rule) => self.count(*rule, account),
            Class::Read(id) => {
                self.count(Rule::ReadAll, account)?;
                // What is no id of ours names no purchase and takes no memory.
                match self.context.public_ids.parse(id) {
                    Some(id) => self.count(Rule::ReadOne, Subject::Rent(caller.account, id)),
                    None => Ok(()),
                }
            }
            Class::Wait => {
                self.tell(self.context.limiter.look(Rule::ReadAll, account, self.now));
                Ok(())
            }
            Class::Network(_) | Class::Grant | Class::Hook | Class::Vital => Ok(()),
        }
    }

    /// Nobody we know: counts by network, unless that was done.
    pub(super) fn unknown(&self) -> Result<(), Fault> {
        match self.class {
            Class::Network(_) => Ok(()),
            _ => self.count(Rule::Other, self.network.clone()),
        }
    }

    /// Somebody signs in, or asks for a code: counts by address and network.
    pub(super) fn sign_in(&self, email: &Email) -> Result<(), Fault> {
        self.count(Rule::SignIn, Subject::SignIn(Box::new(self.network.clone()), email.clone()))
    }

    /// A program asks for tokens.
    pub(super) fn grant(&self) -> Result<(), Fault> {
        self.count(Rule::Other, self.network.clone())
    }

    /// A provider's webhook was refused: of those only so many are looked at in detail.
    pub(super) fn hook_refused(&self, provider: &str) -> Result<(), Fault> {
        self.count(Rule::Hook, Subject::Provider(provider.to_ascii_lowercase()))
    }

    /// A provider's webhook was taken: tells where refused ones stand.
    pub(super) fn hook_taken(&self, provider: &str) {
        self.tell(self.context.limiter.look(
            Rule::Hook,
            Subject::Provider(provider.to_ascii_lowercase()),
            self.now,
        ));
    }

    /// The three headers, whatever became of the request.
    pub(super) fn print(&self, headers: &mut HeaderMap) {
        let told = *self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let (limiter, network) = (&self.context.limiter, self.network.clone());
        let quota = match (told, &self.class) {
            (Some(told), _) => told,
            (None, Class::Vital) => limiter.look(Rule::Other, network, self.now),
            (None, _) => limiter.count(Rule::Other, network, self.now),
        };
        headers.insert(LIMIT, HeaderValue::from(quota.limit));
        headers.insert(REMAINING, HeaderValue::from(quota.remaining));
        headers.insert(RESET, HeaderValue::from(quota.reset_unix()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_request_falls_under_its_limit() {
        for (method, path, class) in [
            ("GET", "/api/public/prices", Class::Network(Rule::Prices)),
            ("HEAD", "/api/public/rent-prices/", Class::Network(Rule::Prices)),
            ("GET", "/api/public/services", Class::Network(Rule::Other)),
            ("POST", "/api/internal/rent", Class::Account(Rule::Rent)),
            ("PUT", "/api/internal/rent", Class::Network(Rule::Other)),
            ("POST", "/api/internal/balance", Class::Account(Rule::Account)),
            ("PATCH", "/api/user/profile", Class::Account(Rule::Account)),
            ("GET", "/api/internal/rent/7", Class::Read("7".to_owned())),
            ("DELETE", "/api/internal/rent/7", Class::Network(Rule::Other)),
            ("GET", "/api/internal/rent/7/wait", Class::Wait),
            ("POST", "/api/internal/rent/7/cancel", Class::Network(Rule::Other)),
            ("POST", "/v1/oauth/token", Class::Grant),
            ("GET", "/v1/oauth/token", Class::Network(Rule::Other)),
            ("POST", "/v1/oauth/device/code", Class::Network(Rule::Other)),
            ("POST", "/api/webhooks/sms/gw1", Class::Hook),
            ("POST", "/api/webhooks/sms/wait", Class::Hook),
            ("POST", "/api/webhooks/sms", Class::Network(Rule::Other)),
            ("POST", "/api/webhooks/voice/gw1", Class::Network(Rule::Other)),
            ("POST", "/api/webhooks/sms/gw1/more", Class::Network(Rule::Other)),
            ("PUT", "/api/webhooks/sms/gw1", Class::Network(Rule::Other)),
            ("GET", "/nowhere/wait", Class::Network(Rule::Other)),
            ("POST", "/sandbox/clock", Class::Network(Rule::Other)),
            ("GET", "/nowhere", Class::Network(Rule::Other)),
            ("GET", "/healthz", Class::Vital),
            ("HEAD", "/readyz/", Class::Vital),
            ("GET", "/metrics", Class::Vital),
            ("POST", "/healthz", Class::Network(Rule::Other)),
            ("GET", "/healthz/nowhere", Class::Network(Rule::Other)),
        ] {
            assert_eq!(
                Class::of(&Method::from_bytes(method.as_bytes()).unwrap(), path),
                class,
                "{method} {path}"
            );
        }
    }
}
