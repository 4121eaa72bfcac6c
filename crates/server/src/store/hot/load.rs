//! Loads what a batch needs, by sets. Locks come first and in one order (keys, activations, purses), so
//! that two batches never wait for each other.

use super::command::{Closing, Command};
use super::working::{Lease, PARKED_FOR, Parked, Payer, Working};
use crate::store::StoreError;
use crate::store::activation::activations_lock;
use crate::store::db::{Row, Value, statements};
use crate::store::idempotency::key_get;
use crate::store::ledger::read_purses;
use crate::store::tx::Tx;
use numberotp_core::activation::{HasCode, WithheldBecause};
use numberotp_core::caller::Standing;
use numberotp_core::id::{AccountId, ActivationId, BrandId, LeaseId, MessageId};
use numberotp_core::inbound::{Candidate, STILL_MEANT};
use numberotp_core::text::{PhoneNumber, ProviderCode};
use numberotp_core::time::Time;
use numberotp_core::vocabulary::ServiceCode;
use std::collections::BTreeSet;

statements! {
    /// Messages that came before.
    HOT_MESSAGES_SEEN = "SELECT id, provider, dedupe_key, activation_id FROM messages WHERE provider IN TEXTS($1) AND dedupe_key IN BLOBS($2)";
    /// Leases by the provider's reference, open or not.
    HOT_LEASES_BY_REFERENCE = "SELECT id, brand_id, account_id, activation_id, provider, provider_ref, number, service, from_at, to_at, closed_at FROM leases WHERE provider IN TEXTS($1) AND provider_ref IN TEXTS($2)";
    /// Open leases of numbers.
    HOT_LEASES_BY_NUMBER = "SELECT id, brand_id, account_id, activation_id, provider, provider_ref, number, service, from_at, to_at, closed_at FROM leases WHERE number IN TEXTS($1) AND to_at > $2 AND (closed_at IS NULL OR closed_at > $2)";
    /// Leases of activations.
    HOT_LEASES_BY_ACTIVATION = "SELECT id, brand_id, account_id, activation_id, provider, provider_ref, number, service, from_at, to_at, closed_at FROM leases WHERE activation_id IN KEYS($1)";
    /// Parked messages with a reference.
    HOT_PARKED_BY_REFERENCE = "SELECT id, provider, provider_ref, number, has_code, services, reason, received_at FROM messages WHERE verdict = 'parked' AND key_day <> 0 AND provider_ref IN TEXTS($1) AND received_at >= $2";
    /// Of these numbers, those that several services share.
    HOT_NUMBERS_SHARED = "SELECT number FROM numbers WHERE shared = 1 AND number IN TEXTS($1)";
    /// Parked messages without one.
    HOT_PARKED_BY_NUMBER = "SELECT id, provider, provider_ref, number, has_code, services, reason, received_at FROM messages WHERE verdict = 'parked' AND key_day <> 0 AND provider_ref IS NULL AND number IN TEXTS($1) AND received_at >= $2";
    /// Purses with their accounts, locked in the order of their ids.
    HOT_PURSES = "SELECT p.account_id, a.standing, p.balance_posted, p.balance_held, p.gift_posted, p.gift_held, p.granted_posted, p.granted_held, p.bought_posted, p.bought_held, p.gift_total FROM purses p JOIN accounts a ON a.id = p.account_id WHERE p.account_id IN KEYS($1) ORDER BY p.account_id LOCKED";
}

/// The names by which a batch looks things up.
#[derive(Default)]
struct Needs {
    providers: BTreeSet<String>,
    references: BTreeSet<String>,
    numbers: BTreeSet<String>,
    attached_references: BTreeSet<String>,
    attached_numbers: BTreeSet<String>,
    activations: BTreeSet<i64>,
    accounts: BTreeSet<i64>,
    claims: BTreeSet<String>,
    messages: BTreeSet<Vec<u8>>,
    closing: BTreeSet<i64>,
    /// The earliest instant of the batch: what counts at a later one is decided command by command.
    since: Option<Time>,
}

impl Needs {
    fn of(commands: &[Command]) -> Self {
        let mut needs = Self::default();
        for command in commands {
            needs.add(command);
        }
        needs
    }

    fn add(&mut self, command: &Command) {
        let at = command.at();
        self.since = Some(self.since.map_or(at, |since| since.min(at)));
        match command {
            Command::Reserve(reserve) => {
                self.accounts.insert(reserve.account.get());
                if let Some(claim) = &reserve.claim {
                    self.claims.insert(format!("{} {} {}", reserve.account.get(), claim.scope, claim.key));
                }
            }
            Command::Attach(attach) => {
                self.activations.insert(attach.activation.get());
                self.attached_references.insert(attach.provider_ref.clone());
                self.attached_numbers.insert(attach.number.expose().to_owned());
            }
            Command::Receive(receive) => {
                self.providers.insert(receive.provider.as_str().to_owned());
                self.messages.insert(receive.dedupe_key.clone());
                match (&receive.provider_ref, &receive.number) {
                    (Some(reference), _) => drop(self.references.insert(reference.clone())),
                    (None, Some(number)) => drop(self.numbers.insert(number.expose().to_owned())),
                    (None, None) => {}
                }
            }
            Command::Close(close) => {
                self.activations.insert(close.activation.get());
                if !matches!(close.closing, Closing::Fail | Closing::GiveUp) {
                    self.closing.insert(close.activation.get());
                }
            }
        }
    }

    fn since(&self) -> Time {
        self.since.unwrap_or_default()
    }

    /// A message and the purchase it belongs to meet at these keys.
    fn locks(&self) -> Vec<i64> {
        let references = self.references.union(&self.attached_references).map(|text| lock_key("ref", text));
        let numbers = self.numbers.union(&self.attached_numbers).map(|text| lock_key("number", text));
        let claims = self.claims.iter().map(|text| lock_key("claim", text));
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

fn texts(set: &BTreeSet<String>) -> Value {
    Value::Texts(set.iter().cloned().collect())
}

fn keys(set: &BTreeSet<i64>) -> Value {
    Value::Ints(set.iter().copied().collect())
}

/// Loads everything that the commands need.
pub fn load(tx: &mut Tx<'_>, commands: &[Command]) -> Result<Working, StoreError> {
    let mut needs = Needs::of(commands);
    let locks = needs.locks();
    if !locks.is_empty() {
        tx.lock_keys(locks)?;
    }
    let mut working = Working::default();
    load_seen(tx, &needs, &mut working)?;
    load_keys(tx, commands, &mut needs, &mut working)?;
    load_leases(tx, &needs, &mut working)?;
    load_parked(tx, &needs, &mut working)?;
    load_shared(tx, &needs, &mut working)?;
    needs.activations.extend(working.leases.values().map(|lease| lease.candidate.activation.get()));
    if !needs.activations.is_empty() {
        for activation in activations_lock(tx, needs.activations.iter().copied().collect())? {
            needs.accounts.insert(activation.account.get());
            working.activations.insert(activation.id, activation);
        }
    }
    // After the lock: an attach that went before has committed its lease by now.
    if !needs.closing.is_empty() {
        for row in tx.query(&HOT_LEASES_BY_ACTIVATION, &[keys(&needs.closing)])? {
            let lease = read_lease(row)?;
            working.leases.entry(lease.id).or_insert(lease);
        }
    }
    if !needs.accounts.is_empty() {
        for mut row in tx.query(&HOT_PURSES, &[keys(&needs.accounts)])? {
            let account = AccountId::new(row.int("account_id")?);
            let standing = row.parsed("standing", Standing::parse)?;
            working.payers.insert(account, Payer { standing, purses: read_purses(&mut row)? });
        }
    }
    Ok(working)
}

fn load_seen(tx: &mut Tx<'_>, needs: &Needs, working: &mut Working) -> Result<(), StoreError> {
    if needs.messages.is_empty() {
        return Ok(());
    }
    let keys = Value::Blobs(needs.messages.iter().cloned().collect());
    for mut row in tx.query(&HOT_MESSAGES_SEEN, &[texts(&needs.providers), keys])? {
        let id = MessageId::new(row.int("id")?);
        let provider = row.parsed("provider", ProviderCode::parse)?;
        let key = row.bytes("dedupe_key")?;
        working.seen.insert((provider, key), id);
        if row.opt_int("activation_id")?.is_some() {
            working.matched.insert(id);
        }
    }
    Ok(())
}

fn load_keys(
    tx: &mut Tx<'_>,
    commands: &[Command],
    needs: &mut Needs,
    working: &mut Working,
) -> Result<(), StoreError> {
    for command in commands {
        let Command::Reserve(reserve) = command else { continue };
        let Some(claim) = &reserve.claim else { continue };
        if let Some(used) = key_get(tx, reserve.account, claim)? {
            needs.activations.insert(used.activation.get());
            working.keys.insert((reserve.account, claim.scope.clone(), claim.key.clone()), used);
        }
    }
    Ok(())
}

fn load_leases(tx: &mut Tx<'_>, needs: &Needs, working: &mut Working) -> Result<(), StoreError> {
    let mut rows = Vec::new();
    if !needs.references.is_empty() {
        rows.extend(
            tx.query(&HOT_LEASES_BY_REFERENCE, &[texts(&needs.providers), texts(&needs.references)])?,
        );
    }
    if !needs.numbers.is_empty() {
        rows.extend(tx.query(
            &HOT_LEASES_BY_NUMBER,
            &[texts(&needs.numbers), Value::Int(needs.since().minus(STILL_MEANT).micros())],
        )?);
    }
    for row in rows {
        let lease = read_lease(row)?;
        working.leases.insert(lease.id, lease);
    }
    Ok(())
}

fn load_parked(tx: &mut Tx<'_>, needs: &Needs, working: &mut Working) -> Result<(), StoreError> {
    if needs.attached_references.is_empty() {
        return Ok(());
    }
    let since = Value::Int(needs.since().minus(PARKED_FOR).micros());
    let mut rows = tx.query(&HOT_PARKED_BY_REFERENCE, &[texts(&needs.attached_references), since.clone()])?;
    rows.extend(tx.query(&HOT_PARKED_BY_NUMBER, &[texts(&needs.attached_numbers), since])?);
    for mut row in rows {
        let parked = Parked {
            id: MessageId::new(row.int("id")?),
            provider: row.parsed("provider", ProviderCode::parse)?,
            provider_ref: row.opt_text("provider_ref")?,
            number: row.opt_text("number")?.as_deref().and_then(PhoneNumber::parse),
            has_code: if row.int("has_code")? == 1 { HasCode::Yes } else { HasCode::No },
            services: row.text("services")?.split(',').filter_map(ServiceCode::parse).collect(),
            withheld: WithheldBecause::parse(&row.text("reason")?),
            received_at: Time::from_micros(row.int("received_at")?),
        };
        working.parked.insert(parked.id, parked);
    }
    Ok(())
}

/// Looked up only where a message without a reference is about to be matched.
fn load_shared(tx: &mut Tx<'_>, needs: &Needs, working: &mut Working) -> Result<(), StoreError> {
    let parked = working.parked.values().filter(|parked| parked.provider_ref.is_none());
    let mut numbers: BTreeSet<String> =
        parked.filter_map(|parked| parked.number.as_ref().map(|number| number.expose().to_owned())).collect();
    numbers.extend(needs.numbers.iter().cloned());
    if !numbers.is_empty() {
        for mut row in tx.query(&HOT_NUMBERS_SHARED, &[texts(&numbers)])? {
            working.shared.insert(row.text("number")?);
        }
    }
    Ok(())
}

fn read_lease(mut row: Row) -> Result<Lease, StoreError> {
    let id = LeaseId::new(row.int("id")?);
    let brand = BrandId::new(row.int("brand_id")?);
    let account = AccountId::new(row.int("account_id")?);
    let activation = ActivationId::new(row.int("activation_id")?);
    let provider = row.parsed("provider", ProviderCode::parse)?;
    let provider_ref = row.text("provider_ref")?;
    let number = row.parsed("number", PhoneNumber::parse)?;
    let service = row.parsed("service", ServiceCode::parse)?;
    Ok(Lease {
        id,
        brand,
        account,
        provider,
        provider_ref,
        number,
        candidate: Candidate { lease: id, activation, service },
        from_at: Time::from_micros(row.int("from_at")?),
        to_at: Time::from_micros(row.int("to_at")?),
        closed_at: row.opt_int("closed_at")?.map(Time::from_micros),
    })
}
