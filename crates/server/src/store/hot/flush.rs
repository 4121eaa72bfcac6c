//! Writes what a batch decided, by sets: one statement, or few, on PostgreSQL, one prepared row after the
//! other on SQLite.

use super::bulks::{
    ACTIVATIONS_INSERT, ACTIVATIONS_UPDATE, ACTIVATIONS_WAIT, API_KEYS_SPENT, EVENTS_INSERT, JOBS_END,
    JOBS_INSERT, JOBS_MOVE, LEASES_CLOSE, LEASES_INSERT, MESSAGES_ADOPT, MESSAGES_INSERT,
};
use super::command::{Origin, Receive};
use super::working::{Lease, NewMessage, Working};
use crate::store::StoreError;
use crate::store::db::{Bulk, Commit, Guard, Then, Value};
use crate::store::idempotency::{KEYS_DELETE, KEYS_INSERT};
use crate::store::job::job_row;
use crate::store::ledger::{
    MOVEMENTS_INSERT, PURSES_UPDATE, TRANSFERS_INSERT, movement_row, purses_row, transfer_row,
};
use crate::store::log::{Entry, LOG_INSERT};
use crate::store::tx::Tx;
use crate::store::wake::Wake;
use numberotp_core::activation::{Activation, HasCode, Line, State, Verdict};
use numberotp_core::id::ActivationId;
use numberotp_core::time::Time;

/// What is written, and sent together: new rows, then changes of rows, which may be new.
#[derive(Default)]
struct Writes {
    new: Vec<Write>,
    changes: Vec<Write>,
}

type Write = (&'static Bulk, Vec<Vec<Value>>);

/// Writes the working set's changes, registers who is to be woken and does what follows.
pub fn flush(tx: &mut Tx<'_>, working: &Working, then: Then<'_, '_>) -> Result<(), StoreError> {
    let writes = writes(tx, working);
    tx.bulks(&writes, then)
}

/// The same with the commit, if what is asked along with it holds. False: it does not, and nothing was written.
pub fn flush_if(
    tx: &mut Tx<'_>,
    guard: Guard<'_>,
    working: &Working,
    commit: &mut Commit<'_>,
) -> Result<bool, StoreError> {
    let before = tx.wakes.len();
    let writes = writes(tx, working);
    let holds = tx.bulks_if(guard, &writes, commit)?;
    if !holds {
        tx.wakes.truncate(before);
    }
    Ok(holds)
}

fn writes(tx: &mut Tx<'_>, working: &Working) -> Vec<Write> {
    let mut writes = Writes::default();
    books(&mut writes, working);
    activations(tx, &mut writes, working);
    keys(&mut writes, working);
    leases(&mut writes, working);
    messages(tx, &mut writes, working);
    writes.new.push((&LOG_INSERT, working.log.iter().map(Entry::row).collect()));
    let events: Vec<Vec<Value>> = working
        .events
        .iter()
        .map(|(id, account, kind, activation, at)| {
            vec![
                id.get().into(),
                account.get().into(),
                kind.as_str().into(),
                activation.get().into(),
                micros(*at),
            ]
        })
        .collect();
    writes.new.push((&EVENTS_INSERT, events));
    jobs(tx, &mut writes, working);
    let Writes { mut new, changes } = writes;
    new.extend(changes);
    new
}

fn micros(time: Time) -> Value {
    Value::Int(time.micros())
}

fn books(writes: &mut Writes, working: &Working) {
    let movements: Vec<Vec<Value>> = working.movements.iter().map(movement_row).collect();
    let transfers: Vec<Vec<Value>> = working.transfers.iter().map(transfer_row).collect();
    let purses: Vec<Vec<Value>> = working
        .changed_purses
        .iter()
        .filter_map(|account| working.payers.get(account).map(|payer| purses_row(*account, &payer.purses)))
        .collect();
    writes.new.push((&MOVEMENTS_INSERT, movements));
    writes.new.push((&TRANSFERS_INSERT, transfers));
    writes.new.push((&PURSES_UPDATE, purses));
    let keys: Vec<Vec<Value>> = working
        .changed_keys
        .iter()
        .filter_map(|id| {
            working.capped_keys.get(id).map(|key| vec![id.get().into(), key.spent.micros().into()])
        })
        .collect();
    writes.new.push((&API_KEYS_SPENT, keys));
}

fn activations(tx: &mut Tx<'_>, writes: &mut Writes, working: &Working) {
    let inserts: Vec<Vec<Value>> = working
        .new_activations
        .iter()
        .filter_map(|(id, origin)| {
            working.activations.get(id).map(|activation| insert_row(activation, origin))
        })
        .collect();
    writes.new.push((&ACTIVATIONS_INSERT, inserts));
    let (mut waits, mut updates) = (Vec::new(), Vec::new());
    for activation in working.changed_activations.iter().filter_map(|id| working.activations.get(id)) {
        match &activation.state {
            State::Waiting(line) => waits.push(wait_row(activation.id, line)),
            _ => updates.push(update_row(activation)),
        }
    }
    writes.changes.push((&ACTIVATIONS_WAIT, waits));
    writes.changes.push((&ACTIVATIONS_UPDATE, updates));
    for id in &working.changed_activations {
        tx.after_commit(Wake::Activation(*id));
    }
}

fn keys(writes: &mut Writes, working: &Working) {
    let ended: Vec<Vec<Value>> = working.ended_keys.iter().map(|id| vec![(*id).into()]).collect();
    writes.new.push((&KEYS_DELETE, ended));
    let new: Vec<Vec<Value>> =
        working.new_keys.iter().map(|(account, claim, key)| key.row(*account, claim)).collect();
    writes.new.push((&KEYS_INSERT, new));
}

fn insert_row(activation: &Activation, origin: &Origin) -> Vec<Value> {
    let terms = &activation.terms;
    vec![
        activation.id.get().into(),
        activation.brand.get().into(),
        activation.account.get().into(),
        terms.service.as_str().into(),
        i64::from(terms.country.get()).into(),
        terms.operator.as_str().into(),
        i64::from(terms.pool.get()).into(),
        terms.provider.as_str().into(),
        terms.price.micros().into(),
        terms.provider_cost.into(),
        terms.cost_currency.as_str().into(),
        activation.hold.get().into(),
        activation.split.balance.into(),
        activation.split.gift.into(),
        activation.split.granted.into(),
        activation.split.bought.into(),
        origin.policy_version.into(),
        origin.credential.into(),
        origin.credential_id.into(),
        origin.ip_prefix.as_str().into(),
        origin.purpose.as_str().into(),
        micros(activation.created_at),
        origin.request_id.as_deref().into(),
    ]
}

/// Of a purchase that waits: it came out of `reserving`, when nothing else stood there.
fn wait_row(id: ActivationId, line: &Line) -> Vec<Value> {
    vec![
        id.get().into(),
        line.number.expose().into(),
        line.provider_ref.as_str().into(),
        micros(line.attached_at),
        micros(line.expires_at),
    ]
}

fn update_row(activation: &Activation) -> Vec<Value> {
    let line = activation.state.line();
    let reception = activation.state.reception();
    let time = |at: Option<Time>| Value::from(at.map(Time::micros));
    vec![
        activation.id.get().into(),
        activation.state.status().as_str().into(),
        line.map(|line| line.number.expose()).into(),
        line.map(|line| line.provider_ref.as_str()).into(),
        time(line.map(|line| line.attached_at)),
        time(line.map(|line| line.expires_at)),
        time(reception.map(|reception| reception.first_at)),
        reception.and_then(|reception| reception.code_message).map(|id| id.get()).into(),
        time(reception.and_then(|reception| reception.resent_at)),
        time(activation.state.closed_at()),
    ]
}

fn leases(writes: &mut Writes, working: &Working) {
    let inserts: Vec<Vec<Value>> =
        working.new_leases.iter().filter_map(|id| working.leases.get(id)).map(lease_row).collect();
    writes.new.push((&LEASES_INSERT, inserts));
    let closes: Vec<Vec<Value>> = working
        .closed_leases
        .iter()
        .filter_map(|id| Some((id, working.leases.get(id)?)))
        .map(|(id, lease)| vec![id.get().into(), lease.closed_at.map(Time::micros).into()])
        .collect();
    writes.changes.push((&LEASES_CLOSE, closes));
}

fn lease_row(lease: &Lease) -> Vec<Value> {
    vec![
        lease.brand.get().into(),
        lease.account.get().into(),
        lease.candidate.activation.get().into(),
        lease.provider.as_str().into(),
        lease.provider_ref.as_str().into(),
        lease.number.expose().into(),
        lease.candidate.service.as_str().into(),
        micros(lease.from_at),
        micros(lease.to_at),
    ]
}

fn messages(tx: &mut Tx<'_>, writes: &mut Writes, working: &Working) {
    let inserts: Vec<Vec<Value>> =
        working.new_messages.iter().map(|(message, receive)| message_row(message, receive)).collect();
    writes.new.push((&MESSAGES_INSERT, inserts));
    for (message, _) in &working.new_messages {
        tx.after_commit(Wake::Message(message.verdict.as_str(), message.activation));
    }
    let adoptions: Vec<Vec<Value>> = working
        .adoptions
        .iter()
        .map(|adoption| {
            vec![
                adoption.message.get().into(),
                adoption.activation.get().into(),
                adoption.verdict.as_str().into(),
                adoption.verdict.reason().into(),
            ]
        })
        .collect();
    writes.changes.push((&MESSAGES_ADOPT, adoptions));
}

fn message_row(message: &NewMessage, receive: &Receive) -> Vec<Value> {
    let services: Vec<&str> = receive.services.iter().map(|service| service.as_str()).collect();
    vec![
        message.id.get().into(),
        receive.provider.as_str().into(),
        receive.dedupe_key.clone().into(),
        receive.provider_ref.as_deref().into(),
        receive.number.as_ref().map(|number| number.expose()).into(),
        message.activation.map(|id| id.get()).into(),
        message.verdict.as_str().into(),
        reason(message, receive).into(),
        Value::Int(if receive.has_code == HasCode::Yes { 1 } else { 0 }),
        services.join(",").into(),
        receive.key_day.into(),
        receive.body.clone().into(),
        micros(receive.now),
        micros(receive.purge_after),
    ]
}

/// Why a message is not shown; of a parked one, why it would not be, should no exception be for its purchase.
fn reason(message: &NewMessage, receive: &Receive) -> &'static str {
    match (message.verdict, receive.withheld) {
        (Verdict::Parked, Some(because)) => because.as_str(),
        (verdict, _) => verdict.reason(),
    }
}

fn jobs(tx: &mut Tx<'_>, writes: &mut Writes, working: &Working) {
    let inserts: Vec<Vec<Value>> =
        working.new_jobs.iter().map(|(kind, subject, run_at)| job_row(*kind, *subject, *run_at)).collect();
    writes.new.push((&JOBS_INSERT, inserts));
    let moves: Vec<Vec<Value>> =
        working.moved_jobs.iter().map(|(id, run_at)| vec![id.get().into(), micros(*run_at)]).collect();
    writes.changes.push((&JOBS_MOVE, moves));
    let ends: Vec<Vec<Value>> = working.ended_jobs.iter().map(|id| vec![id.get().into()]).collect();
    writes.changes.push((&JOBS_END, ends));
    let jobs = working.new_jobs.iter().map(|(_, _, at)| *at);
    for at in jobs.chain(working.moved_jobs.values().copied()) {
        tx.after_commit(Wake::Job(at));
    }
}
