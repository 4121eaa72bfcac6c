//! Loads what a batch needs, by sets. Locks come first and in one order (keys, activations, purses), so
//! that two batches never wait for each other.

use super::command::Command;
use super::needs::Needs;
use super::working::{CappedKey, Lease, PARKED_FOR, Parked, Payer, Working};
use crate::store::StoreError;
use crate::store::activation::{activations_locked, read_locked, read_status, statuses_locked};
use crate::store::db::{Asked, Row, Statement, Value, statements};
use crate::store::idempotency::{key_asked, read_named_key};
use crate::store::ledger::read_purses;
use crate::store::tx::Tx;
use numberotp_core::activation::{Activation, HasCode, Status, WithheldBecause};
use numberotp_core::caller::Standing;
use numberotp_core::id::{AccountId, ActivationId, ApiKeyId, BrandId, MessageId};
use numberotp_core::inbound::{Candidate, STILL_MEANT};
use numberotp_core::money::Usd;
use numberotp_core::text::{PhoneNumber, ProviderCode};
use numberotp_core::time::{Span, Time};
use numberotp_core::vocabulary::ServiceCode;
use std::collections::BTreeSet;

statements! {
    /// Messages that came before, of whichever provider.
    HOT_MESSAGES_SEEN = "SELECT id, provider, dedupe_key, activation_id FROM messages WHERE dedupe_key EACH BLOBS($1)";
    /// Leases by a provider's reference, whichever's, open or not.
    HOT_LEASES_BY_REFERENCE = "SELECT brand_id, account_id, activation_id, provider, provider_ref, number, service, from_at, to_at, closed_at FROM leases WHERE provider_ref EACH TEXTS($1)";
    /// Leases of numbers that are open, or were not long ago.
    HOT_LEASES_BY_NUMBER = "SELECT brand_id, account_id, activation_id, provider, provider_ref, number, service, from_at, to_at, closed_at FROM leases WHERE number EACH TEXTS($1) AND to_at > $2 AND (closed_at IS NULL OR closed_at > $2)";
    /// Leases of activations.
    HOT_LEASES_BY_ACTIVATION = "SELECT brand_id, account_id, activation_id, provider, provider_ref, number, service, from_at, to_at, closed_at FROM leases WHERE activation_id EACH KEYS($1)";
    /// Parked messages by their reference or, without one, their number. May bring one whose reference reads like a number that was
    /// asked for, or the other way round; whoever adopts leaves it.
    HOT_PARKED = "SELECT id, provider, provider_ref, number, has_code, services, reason, received_at FROM messages WHERE verdict = 'parked' AND key_day <> 0 AND COALESCE(provider_ref, number) EACH TEXTS($1) AND received_at >= $2";
    /// Of these numbers, those that several services share.
    HOT_NUMBERS_SHARED = "SELECT number FROM numbers WHERE shared = 1 AND number EACH TEXTS($1)";
    /// Purses with their accounts, locked in the order of their ids.
    HOT_PURSES = "SELECT p.account_id, a.standing, p.balance_posted, p.balance_held, p.gift_posted, p.gift_held, p.granted_posted, p.granted_held, p.bought_posted, p.bought_held, p.gift_total FROM purses p JOIN accounts a ON a.id = p.account_id WHERE p.account_id EACH KEYS($1) ORDER BY p.account_id LOCKED";
    /// Keys with a cap, locked in the order of their ids: after the purses of their accounts.
    HOT_API_KEYS_CAPPED = "SELECT id, spend_cap, spent FROM api_keys WHERE id EACH KEYS($1) AND spend_cap IS NOT NULL ORDER BY id LOCKED";
}

fn texts(set: &BTreeSet<String>) -> Value {
    Value::Texts(set.iter().cloned().collect())
}

fn keys(set: &BTreeSet<i64>) -> Value {
    Value::Ints(set.iter().copied().collect())
}

/// A question of the batch and what becomes of its answer.
struct Ask {
    asked: Asked<'static>,
    read: Read,
}

impl Ask {
    fn new(statement: &'static Statement, parameters: Vec<Value>, read: Read) -> Self {
        Self { asked: (statement, parameters), read }
    }
}

type Read = fn(&mut Working, Row) -> Result<(), StoreError>;

/// Asks all of it at once.
fn ask(tx: &mut Tx<'_>, keys: Vec<i64>, asks: Vec<Ask>, working: &mut Working) -> Result<(), StoreError> {
    let (asked, reads): (Vec<_>, Vec<_>) = asks.into_iter().map(|ask| (ask.asked, ask.read)).unzip();
    if keys.is_empty() && asked.is_empty() {
        return Ok(());
    }
    for (rows, read) in tx.queries(keys, &asked)?.into_iter().zip(reads) {
        rows.into_iter().try_for_each(|row| read(working, row))?;
    }
    Ok(())
}

/// Loads everything that the commands need: what they name, then the purchases that this leads to, then who pays. What is known
/// beforehand is asked along with what goes before it.
pub fn load(tx: &mut Tx<'_>, commands: &[&Command]) -> Result<Working, StoreError> {
    let needs = Needs::of(commands);
    let mut working = Working::default();
    let known = needs.purchases_known();
    let mut asks = named(&needs);
    if needs.all_held() {
        asks.extend(held(&needs, &mut working));
    } else if known {
        asks.extend(purchases(&needs, needs.activations.clone()));
    }
    ask(tx, needs.locks(), asks, &mut working)?;
    let mut asks = shared(&needs, &working);
    // Those that are no longer as they were held are read as any other.
    let changed: BTreeSet<i64> =
        std::mem::take(&mut working.held).into_keys().map(ActivationId::get).collect();
    if !changed.is_empty() {
        asks.extend(purchases(&needs, changed));
        ask(tx, Vec::new(), std::mem::take(&mut asks), &mut working)?;
    }
    if !known {
        let mut activations = needs.activations.clone();
        activations.extend(working.leases.values().map(|lease| lease.candidate.activation.get()));
        activations.extend(working.keys.values().map(|used| used.activation.get()));
        asks.extend(purchases(&needs, activations));
        // Otherwise the purchases must be read first: they say who pays.
        if !needs.payers_known(&working) {
            ask(tx, Vec::new(), std::mem::take(&mut asks), &mut working)?;
        }
    }
    asks.extend(payers(&needs, &working));
    ask(tx, Vec::new(), asks, &mut working)?;
    Ok(working)
}

/// What the commands name: messages, keys, references and numbers.
fn named(needs: &Needs<'_>) -> Vec<Ask> {
    let mut asks = Vec::new();
    let since = |back: Span| Value::Int(needs.since().minus(back).micros());
    if !needs.messages.is_empty() {
        let keys = Value::Blobs(needs.messages.iter().cloned().collect());
        asks.push(Ask::new(&HOT_MESSAGES_SEEN, vec![keys], read_seen));
    }
    // One by one: sets of accounts and of keys would bring each account's keys of everybody's names.
    asks.extend(needs.claims.iter().map(|name| Ask { asked: key_asked(name), read: read_key }));
    if !needs.references.is_empty() {
        asks.push(Ask::new(&HOT_LEASES_BY_REFERENCE, vec![texts(&needs.references)], add_lease));
    }
    if !needs.numbers.is_empty() {
        let sets = vec![texts(&needs.numbers), since(STILL_MEANT)];
        asks.push(Ask::new(&HOT_LEASES_BY_NUMBER, sets, add_lease));
    }
    if !needs.attached_references.is_empty() {
        let names = texts(&needs.attached_names());
        asks.push(Ask::new(&HOT_PARKED, vec![names, since(PARKED_FOR)], read_parked));
    }
    asks
}

/// Of the numbers whose messages without a reference are about to be matched, those that several services share.
fn shared(needs: &Needs<'_>, working: &Working) -> Vec<Ask> {
    let parked = working.parked.values().filter(|parked| parked.provider_ref.is_none());
    let mut numbers: BTreeSet<String> =
        parked.filter_map(|parked| parked.number.as_ref().map(|number| number.expose().to_owned())).collect();
    numbers.extend(needs.numbers.iter().cloned());
    if numbers.is_empty() {
        return Vec::new();
    }
    vec![Ask::new(&HOT_NUMBERS_SHARED, vec![texts(&numbers)], read_shared)]
}

/// The purchases, locked.
fn purchases(needs: &Needs<'_>, activations: BTreeSet<i64>) -> Vec<Ask> {
    let mut asks = Vec::new();
    if !activations.is_empty() {
        let asked = activations_locked(activations.into_iter().collect());
        asks.push(Ask { asked, read: read_purchase });
    }
    // After the lock: an attach that went before has committed its lease by now.
    if !needs.closing.is_empty() {
        asks.push(Ask::new(&HOT_LEASES_BY_ACTIVATION, vec![keys(&needs.closing)], add_lease));
    }
    asks
}

/// Where the purchases stand that were held, locked.
fn held(needs: &Needs<'_>, working: &mut Working) -> Option<Ask> {
    working.held = needs.begun();
    let asked = statuses_locked(needs.held.keys().copied().collect());
    (!needs.held.is_empty()).then_some(Ask { asked, read: read_standing })
}

/// Who pays, locked. A number that is attached moves no money, unless a message is there for it already.
fn payers(needs: &Needs<'_>, working: &Working) -> Vec<Ask> {
    let mut accounts = needs.accounts.clone();
    let messages = needs.brings_messages(working);
    let only_attached = |id: i64| needs.attached.contains(&id) && !needs.closed.contains(&id);
    let pays = |activation: &&Activation| messages || !only_attached(activation.id.get());
    accounts.extend(working.activations.values().filter(pays).map(|activation| activation.account.get()));
    if accounts.is_empty() {
        return Vec::new();
    }
    let mut asks = vec![Ask::new(&HOT_PURSES, vec![keys(&accounts)], read_payer)];
    // Few keys have a cap, and then only what ends may give back.
    let mut capped = needs.capped.clone();
    capped.extend(working.capped_purchases.values().map(|key| key.get()));
    if !capped.is_empty() {
        asks.push(Ask::new(&HOT_API_KEYS_CAPPED, vec![keys(&capped)], read_capped_key));
    }
    asks
}

fn read_seen(working: &mut Working, mut row: Row) -> Result<(), StoreError> {
    let id = MessageId::new(row.int("id")?);
    let provider = row.parsed("provider", ProviderCode::parse)?;
    let key = row.bytes("dedupe_key")?;
    working.seen.insert((provider, key), id);
    if row.opt_int("activation_id")?.is_some() {
        working.matched.insert(id);
    }
    Ok(())
}

fn read_key(working: &mut Working, row: Row) -> Result<(), StoreError> {
    let (name, used) = read_named_key(row)?;
    working.keys.insert(name, used);
    Ok(())
}

fn add_lease(working: &mut Working, row: Row) -> Result<(), StoreError> {
    let lease = read_lease(row)?;
    working.leases.entry(lease.candidate.activation).or_insert(lease);
    Ok(())
}

fn read_parked(working: &mut Working, mut row: Row) -> Result<(), StoreError> {
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
    Ok(())
}

fn read_shared(working: &mut Working, mut row: Row) -> Result<(), StoreError> {
    working.shared.insert(row.text("number")?);
    Ok(())
}

fn read_standing(working: &mut Working, row: Row) -> Result<(), StoreError> {
    let (id, status) = read_status(row)?;
    if status == Status::Reserving
        && let Some(held) = working.held.remove(&id)
    {
        working.activations.insert(id, held);
    }
    Ok(())
}

fn read_purchase(working: &mut Working, row: Row) -> Result<(), StoreError> {
    let (activation, capped) = read_locked(row)?;
    if let Some(key) = capped {
        working.capped_purchases.insert(activation.id, key);
    }
    working.activations.insert(activation.id, activation);
    Ok(())
}

fn read_payer(working: &mut Working, mut row: Row) -> Result<(), StoreError> {
    let account = AccountId::new(row.int("account_id")?);
    let standing = row.parsed("standing", Standing::parse)?;
    working.payers.insert(account, Payer { standing, purses: read_purses(&mut row)? });
    Ok(())
}

fn read_capped_key(working: &mut Working, mut row: Row) -> Result<(), StoreError> {
    let id = ApiKeyId::new(row.int("id")?);
    let (cap, spent) = (Usd::from_micros(row.int("spend_cap")?), Usd::from_micros(row.int("spent")?));
    working.capped_keys.insert(id, CappedKey { cap, spent });
    Ok(())
}

fn read_lease(mut row: Row) -> Result<Lease, StoreError> {
    let brand = BrandId::new(row.int("brand_id")?);
    let account = AccountId::new(row.int("account_id")?);
    let activation = ActivationId::new(row.int("activation_id")?);
    let provider = row.parsed("provider", ProviderCode::parse)?;
    let provider_ref = row.text("provider_ref")?;
    let number = row.parsed("number", PhoneNumber::parse)?;
    let service = row.parsed("service", ServiceCode::parse)?;
    Ok(Lease {
        brand,
        account,
        provider,
        provider_ref,
        number,
        candidate: Candidate { activation, service },
        from_at: Time::from_micros(row.int("from_at")?),
        to_at: Time::from_micros(row.int("to_at")?),
        closed_at: row.opt_int("closed_at")?.map(Time::from_micros),
    })
}
