//! Own numbers: the operator's SIMs or modems behind a generic signed webhook.
//!
//! Allocation is asked of the server's own inventory by the same sentences as of anybody else, so that an
//! own number has the same life, the same reconciler and the same books as a bought one.

use crate::gateway;
use crate::keys::Keys;
use crate::provider::{
    Capabilities, Headers, HttpReply, HttpRequest, Inbound, Operation, Outcome, Provider, Unreadable,
    Unverified, Upstream,
};
use numberotp_core::text::ProviderCode;
use numberotp_core::time::Time;

/// How references that our own allocations give out begin.
pub const REFERENCE_PREFIX: &str = "own-";

/// A gateway of the operator's own.
pub struct OwnNumbers {
    code: ProviderCode,
    keys: Keys,
}

impl OwnNumbers {
    /// With the secrets that its webhooks are signed with.
    pub fn new(code: ProviderCode, keys: Keys) -> Self {
        Self { code, keys }
    }
}

impl Provider for OwnNumbers {
    fn code(&self) -> &ProviderCode {
        &self.code
    }
    fn capabilities(&self) -> Capabilities {
        // A SIM cannot make a service send again; its buyer simply asks the service.
        Capabilities { resend: false, own_inventory: true }
    }
    fn request(&self, operation: &Operation) -> HttpRequest {
        gateway::request(operation)
    }
    fn reply(&self, operation: &Operation, reply: &HttpReply) -> Result<Outcome, Upstream> {
        gateway::reply(operation, reply)
    }
    fn verify(&self, headers: Headers<'_>, body: &[u8], now: Time) -> Result<(), Unverified> {
        self.keys.verify(headers, body, now)
    }
    /// A gateway may have references of its own; only those that our allocations gave out name a purchase. Any
    /// other is dropped, and the number decides.
    fn inbound(&self, body: &[u8]) -> Result<Vec<Inbound>, Unreadable> {
        let mut messages = gateway::inbound(body)?;
        for message in &mut messages {
            message.provider_ref =
                message.provider_ref.take().filter(|text| text.starts_with(REFERENCE_PREFIX));
            if message.provider_ref.is_none() && message.number.is_none() {
                return Err(Unreadable { field: "number", problem: "is missing" });
            }
        }
        Ok(messages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use numberotp_core::secret::SecretBytes;

    #[test]
    fn a_reference_of_the_gateways_own_leaves_the_choice_to_the_number() {
        let keys = Keys::new(SecretBytes::new(*b"secret"), vec![]);
        let own = OwnNumbers::new(ProviderCode::parse("gw").unwrap(), keys);
        let reference =
            |body: &str| own.inbound(body.as_bytes()).map(|messages| messages[0].provider_ref.clone());
        assert_eq!(reference(r#"{"providerRef":"own-7","text":"x"}"#), Ok(Some("own-7".to_owned())));
        assert_eq!(reference(r#"{"providerRef":"modem3/12","number":"+447700900123","text":"x"}"#), Ok(None));
        assert_eq!(reference(r#"{"providerRef":"modem3/12","text":"x"}"#).unwrap_err().field, "number");
    }
}
