//! The sandbox: an upstream that needs no network and owns no real number.
//!
//! Numbers come only from ranges that regulators reserve for fiction; texts look like those the real services
//! send. Everything it decides follows from a seed and a reference, so a test repeats.

pub mod offers;
pub mod ranges;
pub mod scenario;
pub mod texts;

use crate::gateway;
use crate::keys::Keys;
use crate::provider::{
    Capabilities, Headers, HttpReply, HttpRequest, Inbound, Operation, Outcome, Provider, Unreadable,
    Unverified, Upstream,
};
use numberotp_core::text::ProviderCode;
use numberotp_core::time::Time;

/// The sandbox provider's name in tables and URLs.
pub const CODE: &str = "sandbox";

/// The sandbox as an upstream.
pub struct Sandbox {
    code: ProviderCode,
    keys: Keys,
}

impl Sandbox {
    /// With the secrets that its webhooks are signed with.
    pub fn new(code: ProviderCode, keys: Keys) -> Self {
        Self { code, keys }
    }
}

impl Provider for Sandbox {
    fn code(&self) -> &ProviderCode {
        &self.code
    }
    fn capabilities(&self) -> Capabilities {
        Capabilities { resend: true, own_inventory: true }
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
    fn inbound(&self, body: &[u8]) -> Result<Vec<Inbound>, Unreadable> {
        gateway::inbound(body)
    }
}
