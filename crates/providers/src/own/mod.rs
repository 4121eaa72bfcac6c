//! Own numbers: the operator's SIMs or modems behind a generic signed webhook.
//!
//! Allocation is asked of the server's own inventory by the same sentences as of anybody else, so that an
//! own number has the same life, the same reconciler and the same books as a bought one.

use crate::gateway;
use crate::provider::{
    Capabilities, Headers, HttpReply, HttpRequest, Inbound, Operation, Outcome, Provider, Unreadable,
    Unverified, Upstream,
};
use numberotp_core::secret::SecretBytes;
use numberotp_core::text::ProviderCode;

/// A gateway of the operator's own.
pub struct OwnNumbers {
    code: ProviderCode,
    secret: SecretBytes,
}

impl OwnNumbers {
    /// With the secret that its webhooks are signed with.
    pub fn new(code: ProviderCode, secret: SecretBytes) -> Self {
        Self { code, secret }
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
    fn verify(&self, headers: Headers<'_>, body: &[u8]) -> Result<(), Unverified> {
        gateway::verify(&self.secret, headers, body)
    }
    fn inbound(&self, body: &[u8]) -> Result<Vec<Inbound>, Unreadable> {
        gateway::inbound(body)
    }
}
