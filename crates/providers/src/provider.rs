//! What the server needs from an upstream, whoever it is.
//!
//! The answer that matters most is one bit: did the effect certainly not happen, or may it have happened?
//! That bit decides about money, so it is in the type of every failure.

use numberotp_core::secret::Secret;
use numberotp_core::text::{Operator, PhoneNumber, ProviderCode};
use numberotp_core::time::Time;
use numberotp_core::vocabulary::{CountryId, ServiceCode};

/// What is asked of an upstream. `reference` is our own name for the purchase, the same at every try.
#[derive(Clone, Debug)]
pub enum Operation {
    /// Give a number.
    Allocate {
        /// Our name for the purchase.
        reference: String,
        /// For this service.
        service: ServiceCode,
        /// Of this country.
        country: CountryId,
        /// Of this operator, or any.
        operator: Operator,
    },
    /// What became of our purchase?
    Find {
        /// Our name for the purchase.
        reference: String,
    },
    /// The number is not needed any more. Safe to repeat.
    Release {
        /// Our name for the purchase.
        reference: String,
    },
    /// Have another message sent.
    Resend {
        /// Our name for the purchase.
        reference: String,
    },
}

/// An HTTP request as an adapter words it; the server adds host, deadline and size limits.
#[derive(Clone, Debug)]
pub struct HttpRequest {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// Path with query.
    pub path: String,
    /// Body; empty for none.
    pub body: Vec<u8>,
}

/// An upstream's answer.
#[derive(Clone, Debug)]
pub struct HttpReply {
    /// HTTP status.
    pub status: u16,
    /// Body, within the server's size limit.
    pub body: Vec<u8>,
}

/// What an upstream answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// A number is ours.
    Number {
        /// The number.
        number: PhoneNumber,
        /// The upstream's own name for it.
        provider_ref: String,
    },
    /// The upstream has none; nothing happened.
    NoStock,
    /// The upstream knows no such purchase; nothing happened.
    Unknown,
    /// Done.
    Done,
}

/// An upstream's failure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Upstream {
    /// It said no, for certain: nothing happened.
    Refused,
    /// It may have happened: silence, a broken line, a reply that cannot be read.
    MayHaveHappened,
}

/// What an upstream can do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Capabilities {
    /// Another message can be asked for.
    pub resend: bool,
    /// Its stock is our own inventory, so prices are our own word and not a copy of somebody's.
    pub own_inventory: bool,
}

/// A webhook's proof is missing or wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unverified;

/// A verified webhook that cannot be read: which field, and what is wrong with it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unreadable {
    /// The field, or `body`.
    pub field: &'static str,
    /// What is wrong with it.
    pub problem: &'static str,
}

/// An SMS as a provider reports it.
#[derive(Clone, Debug)]
pub struct Inbound {
    /// The upstream's own name for the purchase.
    pub provider_ref: Option<String>,
    /// The number it came to.
    pub number: Option<PhoneNumber>,
    /// What it says.
    pub text: Secret,
    /// Who sent it.
    pub from: Secret,
    /// The code in it, where the provider found one.
    pub code: Option<Secret>,
    /// When the provider had it.
    pub received_at: Option<Time>,
    /// The provider's own name for the message.
    pub message_id: Option<String>,
}

/// The headers of a webhook: name in lower case → value.
pub type Headers<'a> = &'a (dyn Fn(&str) -> Option<&'a str> + Sync);

/// An upstream that supplies numbers and delivers their messages.
pub trait Provider: Send + Sync {
    /// Its name in our tables and URLs.
    fn code(&self) -> &ProviderCode;
    /// What it can do.
    fn capabilities(&self) -> Capabilities;
    /// Words an operation as a request.
    fn request(&self, operation: &Operation) -> HttpRequest;
    /// Reads the reply to an operation.
    ///
    /// # Errors
    /// [`Upstream`], with the bit whether the effect may have happened.
    fn reply(&self, operation: &Operation, reply: &HttpReply) -> Result<Outcome, Upstream>;
    /// Proves that a webhook is this provider's, at this time. Nothing is parsed before.
    ///
    /// # Errors
    /// [`Unverified`] whatever is wrong.
    fn verify(&self, headers: Headers<'_>, body: &[u8], now: Time) -> Result<(), Unverified>;
    /// Reads a verified webhook.
    ///
    /// # Errors
    /// [`Unreadable`] names the first field that is wrong.
    fn inbound(&self, body: &[u8]) -> Result<Vec<Inbound>, Unreadable>;
}
