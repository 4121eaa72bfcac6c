//! The commands and their answers, as data.

use numberotp_core::activation::{Activation, HasCode, Status, Terms, WithheldBecause};
use numberotp_core::caller::Standing;
use numberotp_core::id::{AccountId, ActivationId, ApiKeyId, BrandId};
use numberotp_core::ledger::Purses;
use numberotp_core::money::{Credits, Usd};
use numberotp_core::text::{PhoneNumber, ProviderCode};
use numberotp_core::time::Time;
use numberotp_core::vocabulary::ServiceCode;

/// A hot command.
#[derive(Clone, Debug)]
pub enum Command {
    /// Hold the price and begin a purchase.
    Reserve(Reserve),
    /// The provider gave a number.
    Attach(Attach),
    /// A message came.
    Receive(Receive),
    /// End a purchase one way or another.
    Close(Close),
}

impl Command {
    /// When it happens.
    pub const fn at(&self) -> Time {
        match self {
            Self::Reserve(reserve) => reserve.now,
            Self::Attach(attach) => attach.now,
            Self::Receive(receive) => receive.now,
            Self::Close(close) => close.now,
        }
    }
}

/// What a hot command answers.
#[derive(Clone, Debug)]
pub enum Answer {
    /// To [`Command::Reserve`].
    Reserved(Reserved),
    /// To [`Command::Attach`].
    Attached(Attached),
    /// To [`Command::Receive`].
    Received(Received),
    /// To [`Command::Close`].
    Closed(Closed),
}

/// Why and from where a purchase was allowed: kept with it.
#[derive(Clone, Debug)]
pub struct Origin {
    /// Version of the policy that allowed it.
    pub policy_version: i64,
    /// Kind of credential.
    pub credential: &'static str,
    /// The credential's row.
    pub credential_id: i64,
    /// Network of the caller (/24 or /64).
    pub ip_prefix: String,
    /// What the account says it is for.
    pub purpose: String,
    /// The request that bought it: what is done for it later is logged under this.
    pub request_id: Option<String>,
}

/// The kind of credential that is kept with a purchase by a key with a cap: what is refunded goes back to that cap.
pub const CAPPED_KEY: &str = "capped_key";

/// A key under which a purchase may be repeated.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Method and path.
    pub scope: String,
    /// The caller's key.
    pub key: String,
    /// Digest of the request.
    pub fingerprint: Vec<u8>,
}

/// Hold the price and begin a purchase.
#[derive(Clone, Debug)]
pub struct Reserve {
    /// Whose money.
    pub account: AccountId,
    /// Under which white label.
    pub brand: BrandId,
    /// What is bought.
    pub terms: Terms,
    /// Why it was allowed.
    pub origin: Origin,
    /// The API key that buys, if a cap bounds what it spends.
    pub capped: Option<ApiKeyId>,
    /// The key under which the caller may repeat it.
    pub claim: Option<Claim>,
    /// When the reconciler looks, if nobody settled it before.
    pub reconcile_at: Time,
    /// Now.
    pub now: Time,
}

/// Answer to [`Reserve`].
#[derive(Clone, Debug)]
pub enum Reserved {
    /// The money is held; with the purchase as it begins and the purses after it.
    Held(Box<Activation>, Purses),
    /// The key was used before. Nothing changed.
    Repeated(Repeated),
    /// The purses together cannot pay. Nothing changed.
    Short,
    /// The key's cap is reached. Nothing changed.
    Capped,
    /// The account may not buy. Nothing changed.
    MayNotBuy(Standing),
    /// There is no such account.
    Missing,
}

/// What became of the purchase that a key was used for.
#[derive(Clone, Debug)]
pub enum Repeated {
    /// It has its number; with the spendable balance and credits that its first answer told.
    Settled(Box<Activation>, Usd, Credits),
    /// It is still being made.
    InFlight(ActivationId),
    /// It was another request.
    OtherRequest,
}

/// The provider gave a number.
#[derive(Clone, Debug)]
pub struct Attach {
    /// For this purchase.
    pub activation: ActivationId,
    /// The same as [`Reserved::Held`] told it. Nothing of a purchase changes before it gets its number, so as long as it has
    /// none this is its row, which need not be read.
    pub held: Option<Box<Activation>>,
    /// The number.
    pub number: PhoneNumber,
    /// The provider's own name for it.
    pub provider_ref: String,
    /// End of the window.
    pub expires_at: Time,
    /// Now.
    pub now: Time,
}

/// Answer to [`Attach`].
#[derive(Clone, Debug)]
pub enum Attached {
    /// It is attached (now or before).
    Attached(Box<Activation>),
    /// The purchase ended otherwise: the number has to be given back.
    Refused(Status),
}

/// A message came.
#[derive(Clone, Debug)]
pub struct Receive {
    /// From this provider.
    pub provider: ProviderCode,
    /// Names the message among the provider's; a repeat has the same.
    pub dedupe_key: Vec<u8>,
    /// The provider's own name for the purchase.
    pub provider_ref: Option<String>,
    /// The number it came to.
    pub number: Option<PhoneNumber>,
    /// When the provider says it had it, if it says so.
    pub sent_at: Option<Time>,
    /// Whether a code was found in it.
    pub has_code: HasCode,
    /// The services that sender and text name.
    pub services: Vec<ServiceCode>,
    /// Kept from the buyer by policy.
    pub withheld: Option<WithheldBecause>,
    /// Day of the key that sealed the body.
    pub key_day: i64,
    /// Sealed text, sender and code.
    pub body: Vec<u8>,
    /// When it is deleted.
    pub purge_after: Time,
    /// Now.
    pub now: Time,
}

/// Answer to [`Receive`]; a repeat answers the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Received {
    /// It belongs to a purchase (delivered or not).
    Matched,
    /// It does not, yet.
    Unmatched,
}

/// How a purchase is to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Closing {
    /// Given back by this buyer before a message.
    Cancel(AccountId),
    /// Done with by this buyer after a message.
    Finish(AccountId),
    /// No number was had, for certain.
    Fail,
    /// Nobody could tell in time: the money goes back, and whatever the provider gave is given back later.
    GiveUp,
    /// The clock says so.
    Expire,
}

/// End a purchase.
#[derive(Clone, Debug)]
pub struct Close {
    /// Which.
    pub activation: ActivationId,
    /// How.
    pub closing: Closing,
    /// Now.
    pub now: Time,
}

/// Answer to [`Close`].
#[derive(Clone, Debug)]
pub enum Closed {
    /// As asked (now or before); with the purses as they are.
    Done(Box<Activation>, Purses),
    /// Its state forbids it.
    Refused(Status),
    /// There is no such purchase of this account.
    Missing,
}
