//! What a batch needs to know, by the names that its commands give: keys, references, numbers, purchases, accounts. And which of
//! it is known beforehand, so that it is asked for along with what goes before it.

use super::command::{Closing, Command};
use super::working::Working;
use crate::store::idempotency::KeyName;
use numberotp_core::activation::{Activation, State};
use numberotp_core::id::{ActivationId, ApiKeyId};
use numberotp_core::time::Time;
use std::collections::{BTreeMap, BTreeSet};

/// The names by which a batch looks things up.
#[derive(Default)]
pub(super) struct Needs<'c> {
    pub(super) references: BTreeSet<String>,
    pub(super) numbers: BTreeSet<String>,
    pub(super) attached_references: BTreeSet<String>,
    pub(super) attached_numbers: BTreeSet<String>,
    pub(super) activations: BTreeSet<i64>,
    /// Of those, the ones that whoever names them has held, as they were then.
    pub(super) held: BTreeMap<i64, &'c Activation>,
    /// And the ones that get a number, and the ones that end.
    pub(super) attached: BTreeSet<i64>,
    pub(super) closed: BTreeSet<i64>,
    pub(super) accounts: BTreeSet<i64>,
    pub(super) capped: BTreeSet<i64>,
    pub(super) claims: BTreeSet<KeyName>,
    pub(super) messages: BTreeSet<Vec<u8>>,
    pub(super) closing: BTreeSet<i64>,
    /// The earliest instant of the batch: what counts at a later one is decided command by command.
    pub(super) since: Option<Time>,
}

impl<'c> Needs<'c> {
    pub(super) fn of(commands: &[&'c Command]) -> Self {
        let mut needs = Self::default();
        for command in commands {
            needs.add(command);
        }
        needs
    }

    fn add(&mut self, command: &'c Command) {
        let at = command.at();
        self.since = Some(self.since.map_or(at, |since| since.min(at)));
        match command {
            Command::Reserve(reserve) => {
                self.accounts.insert(reserve.account.get());
                self.capped.extend(reserve.capped.map(ApiKeyId::get));
                if let Some(claim) = &reserve.claim {
                    self.claims.insert((reserve.account, claim.scope.clone(), claim.key.clone()));
                }
            }
            Command::Attach(attach) => {
                self.activations.insert(attach.activation.get());
                self.attached.insert(attach.activation.get());
                if let Some(held) = attach.held.as_ref().filter(|held| held.id == attach.activation) {
                    self.held.insert(attach.activation.get(), held);
                }
                self.attached_references.insert(attach.provider_ref.clone());
                self.attached_numbers.insert(attach.number.expose().to_owned());
            }
            Command::Receive(receive) => {
                self.messages.insert(receive.dedupe_key.clone());
                match (&receive.provider_ref, &receive.number) {
                    (Some(reference), _) => drop(self.references.insert(reference.clone())),
                    (None, Some(number)) => drop(self.numbers.insert(number.expose().to_owned())),
                    (None, None) => {}
                }
            }
            Command::Close(close) => {
                self.activations.insert(close.activation.get());
                self.closed.insert(close.activation.get());
                if !matches!(close.closing, Closing::Fail | Closing::GiveUp) {
                    self.closing.insert(close.activation.get());
                }
            }
        }
    }

    /// A message is there for one of the purchases.
    pub(super) fn brings_messages(&self, working: &Working) -> bool {
        !self.messages.is_empty() || !working.parked.is_empty()
    }

    /// Whether only those pay who are named: a number that is attached without a message moves no money, and a purchase that
    /// is found by its key is its buyer's.
    pub(super) fn payers_known(&self, working: &Working) -> bool {
        !self.brings_messages(working) && self.closed.is_empty()
    }

    /// Whether all purchases were held by whoever names them and none of them ends: then it is enough to know that they still
    /// have no number. All or none: their locks are taken by one question, in one order.
    pub(super) fn all_held(&self) -> bool {
        self.purchases_known() && self.closed.is_empty() && self.held.len() == self.activations.len()
    }

    /// Whether there is nothing but numbers for purchases that were held.
    pub(super) fn only_held(&self) -> bool {
        self.all_held() && self.accounts.is_empty() && !self.held.is_empty()
    }

    /// The purchases that were held, as they were then, whatever else is told.
    pub(super) fn begun(&self) -> BTreeMap<ActivationId, Activation> {
        let begun = |held: &&Activation| Activation { state: State::Reserving, ..(**held).clone() };
        self.held.values().map(begun).map(|held| (held.id, held)).collect()
    }

    /// By which messages that wait for a number's purchase are found.
    pub(super) fn attached_names(&self) -> BTreeSet<String> {
        self.attached_references.union(&self.attached_numbers).cloned().collect()
    }

    /// Whether the purchases are those that are named: neither a message nor a key leads to another.
    pub(super) fn purchases_known(&self) -> bool {
        self.messages.is_empty() && self.claims.is_empty()
    }

    pub(super) fn since(&self) -> Time {
        self.since.unwrap_or_default()
    }

    /// A message and the purchase it belongs to meet at these keys.
    pub(super) fn locks(&self) -> Vec<i64> {
        let references = self.references.union(&self.attached_references).map(|text| lock_key("ref", text));
        let numbers = self.numbers.union(&self.attached_numbers).map(|text| lock_key("number", text));
        let claims = self
            .claims
            .iter()
            .map(|(account, scope, key)| lock_key("claim", &format!("{} {scope} {key}", account.get())));
        references.chain(numbers).chain(claims).collect()
    }
}

/// FNV-1a over 64 bits: two texts with one key merely wait for each other.
fn lock_key(kind: &str, text: &str) -> i64 {
    let hash = kind.bytes().chain(text.bytes()).fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    i64::from_be_bytes(hash.to_be_bytes())
}
