//! What a batch works on: everything that was loaded, as it stands after the commands decided so far, and
//! what has to be written. One copy of each thing, so that commands of one batch see each other.

use super::Claim;
use crate::store::idempotency::UsedKey;
use crate::store::log::Entry;
use numberotp_core::activation::{Activation, EventKind, HasCode, Verdict, WithheldBecause};
use numberotp_core::caller::Standing;
use numberotp_core::id::{AccountId, ActivationId, ApiKeyId, BrandId, EventId, JobId, MessageId};
use numberotp_core::inbound::Candidate;
use numberotp_core::job::JobKind;
use numberotp_core::ledger::{Movement, Purses, Transfer};
use numberotp_core::money::Usd;
use numberotp_core::text::{PhoneNumber, ProviderCode};
use numberotp_core::time::{Span, Time};
use numberotp_core::vocabulary::ServiceCode;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Unmatched messages can be adopted for this long.
pub const PARKED_FOR: Span = Span::hours(24);

/// An account with its purses.
pub struct Payer {
    pub standing: Standing,
    pub purses: Purses,
}

/// An API key with a cap.
#[derive(Clone, Copy)]
pub struct CappedKey {
    pub cap: Usd,
    /// What was spent with it and did not come back.
    pub spent: Usd,
}

/// The right to a number's messages. A purchase has one at most, and it is known by that.
#[derive(Clone)]
pub struct Lease {
    pub brand: BrandId,
    pub account: AccountId,
    pub provider: ProviderCode,
    pub provider_ref: String,
    pub number: PhoneNumber,
    pub candidate: Candidate,
    pub from_at: Time,
    pub to_at: Time,
    pub closed_at: Option<Time>,
}

impl Lease {
    pub fn open_at(&self, now: Time) -> bool {
        self.closed_at.is_none() && self.from_at <= now && now < self.to_at
    }
    /// Whether it is over, by its buyer or by the clock, and was not yet at a time.
    pub fn ended_after(&self, time: Time) -> bool {
        self.closed_at.unwrap_or(self.to_at).min(self.to_at) > time
    }
}

/// A message that waits for its purchase.
#[derive(Clone)]
pub struct Parked {
    pub id: MessageId,
    pub provider: ProviderCode,
    pub provider_ref: Option<String>,
    pub number: Option<PhoneNumber>,
    pub has_code: HasCode,
    /// The services that sender and text name.
    pub services: Vec<ServiceCode>,
    /// It looks like what is kept back, and whether it is the buyer's to see depends on the purchase.
    pub withheld: Option<WithheldBecause>,
    pub received_at: Time,
}

/// A message to be written for the first time.
pub struct NewMessage {
    pub id: MessageId,
    pub verdict: Verdict,
    pub activation: Option<ActivationId>,
}

/// What is written for a message that was parked before.
pub struct Adoption {
    pub message: MessageId,
    pub verdict: Verdict,
    pub activation: ActivationId,
}

/// Everything of a batch.
#[derive(Default)]
pub struct Working {
    pub payers: BTreeMap<AccountId, Payer>,
    pub activations: BTreeMap<ActivationId, Activation>,
    /// Purchases as they were before they got a number, of which it is not known whether they still have none.
    pub held: BTreeMap<ActivationId, Activation>,
    pub leases: BTreeMap<ActivationId, Lease>,
    pub seen: HashMap<(ProviderCode, Vec<u8>), MessageId>,
    /// Of the messages seen, those that have their purchase.
    pub matched: BTreeSet<MessageId>,
    pub parked: BTreeMap<MessageId, Parked>,
    /// Of the numbers that messages name, those that several services share.
    pub shared: BTreeSet<String>,
    pub keys: HashMap<(AccountId, String, String), UsedKey>,
    /// Keys with a cap, and the purchases that were made with them.
    pub capped_keys: BTreeMap<ApiKeyId, CappedKey>,
    pub capped_purchases: BTreeMap<ActivationId, ApiKeyId>,

    pub changed_purses: BTreeSet<AccountId>,
    pub changed_keys: BTreeSet<ApiKeyId>,
    pub changed_activations: BTreeSet<ActivationId>,
    pub new_activations: Vec<(ActivationId, super::Origin)>,
    pub new_keys: Vec<(AccountId, Claim, UsedKey)>,
    pub ended_keys: Vec<i64>,
    pub movements: Vec<Movement>,
    pub transfers: Vec<Transfer>,
    pub new_leases: Vec<ActivationId>,
    pub closed_leases: BTreeSet<ActivationId>,
    pub new_messages: Vec<(NewMessage, super::Receive)>,
    pub adoptions: Vec<Adoption>,
    /// What goes on record.
    pub log: Vec<Entry>,
    pub events: Vec<(EventId, AccountId, EventKind, ActivationId, Time)>,
    pub new_jobs: Vec<(JobKind, i64, Time)>,
    pub moved_jobs: BTreeMap<JobId, Time>,
    pub ended_jobs: BTreeSet<JobId>,
}
