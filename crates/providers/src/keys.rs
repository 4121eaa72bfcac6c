//! The secrets that a provider's webhooks may be signed with: the one of today, and those before it until their time
//! is over. Guards: a retired secret proves nothing from its last moment on, whoever is slow to forget it.

use crate::gateway;
use crate::provider::{Headers, Unverified};
use numberotp_core::secret::SecretBytes;
use numberotp_core::time::Time;

/// A secret that was replaced.
#[derive(Clone)]
pub struct Retired {
    /// The secret.
    pub secret: SecretBytes,
    /// From this moment on it proves nothing.
    pub until: Time,
}

/// A provider's secrets.
#[derive(Clone)]
pub struct Keys {
    current: SecretBytes,
    retired: Vec<Retired>,
}

impl Keys {
    /// Today's secret and those before it.
    pub const fn new(current: SecretBytes, retired: Vec<Retired>) -> Self {
        Self { current, retired }
    }

    /// Proves that a webhook was signed with one of them that is good at this time.
    ///
    /// # Errors
    /// [`Unverified`] whatever is wrong.
    pub fn verify(&self, headers: Headers<'_>, body: &[u8], now: Time) -> Result<(), Unverified> {
        let retired =
            self.retired.iter().filter(|retired| now < retired.until).map(|retired| &retired.secret);
        let mut good = std::iter::once(&self.current).chain(retired);
        if good.any(|secret| gateway::verify(secret, headers, body).is_ok()) {
            Ok(())
        } else {
            Err(Unverified)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use numberotp_core::time::Span;
    use numberotp_core::webhook::sign;

    #[test]
    fn a_retired_secret_is_good_until_its_moment_and_not_in_it() {
        let [new, old, older] = [*b"new", *b"old", *b"oth"].map(SecretBytes::new);
        let until = Time::from_micros(1_000);
        let retired = |secret: &SecretBytes, until| Retired { secret: secret.clone(), until };
        let keys =
            Keys::new(new.clone(), vec![retired(&old, until), retired(&older, until.minus(Span::micros(1)))]);
        let good = |secret: &SecretBytes, now: Time| {
            let signature = sign(secret, b"body");
            let headers = |name: &str| (name == "x-signature").then_some(signature.as_str());
            keys.verify(&headers, b"body", now).is_ok()
        };
        for (now, expected) in
            [(998, [true, true, true]), (999, [true, true, false]), (1_000, [true, false, false])]
        {
            let now = Time::from_micros(now);
            assert_eq!([good(&new, now), good(&old, now), good(&older, now)], expected, "{now:?}");
        }
        assert!(!good(&SecretBytes::new(*b"foe"), Time::from_micros(0)));
    }
}
