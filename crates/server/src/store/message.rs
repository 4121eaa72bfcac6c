//! Messages as rows. Their texts are sealed before they come here and opened after they leave.

use super::StoreError;
use super::db::{Row, statements};
use super::scenario::scenarios_purge;
use super::tx::{Sequence, Tx};
use numberotp_core::id::{ActivationId, MessageId};
use numberotp_core::time::{Span, Time};

statements! {
    /// What an activation's buyer may see.
    MESSAGES_DELIVERED = "SELECT id, provider, dedupe_key, key_day, body, received_at FROM messages WHERE activation_id = $1 AND verdict = 'delivered' AND key_day <> 0 ORDER BY received_at, id";
    /// The same for a page of activations.
    MESSAGES_DELIVERED_ALL = "SELECT id, provider, dedupe_key, key_day, body, received_at, activation_id FROM messages WHERE activation_id IN KEYS($1) AND verdict = 'delivered' AND key_day <> 0 ORDER BY received_at, id";
    /// Bytes that were verified but could not be read.
    QUARANTINE_INSERT = "INSERT INTO quarantine (id, provider, key_day, body, received_at, purge_after) VALUES ($1, $2, $3, $4, $5, $6)";
    /// The key of a day.
    DATA_KEY_GET = "SELECT wrapped FROM data_keys WHERE day = $1";
    /// Written once; a second writer keeps the first's.
    DATA_KEY_INSERT = "INSERT INTO data_keys (day, wrapped) VALUES ($1, $2) ON CONFLICT (day) DO NOTHING";
    /// Texts past their time, a portion: the rest of the row stays as the message's name, with day 0 for its key.
    MESSAGES_EMPTY = "UPDATE messages SET body = $3, key_day = 0, services = '', purge_after = purge_after + $4 WHERE id IN (SELECT id FROM messages WHERE purge_after <= $1 AND key_day <> 0 ORDER BY purge_after LIMIT $2)";
    /// Names past their time, a portion.
    MESSAGES_FORGET = "DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE purge_after <= $1 AND key_day = 0 ORDER BY purge_after LIMIT $2)";
    /// Quarantined bytes past their time.
    QUARANTINE_PURGE = "DELETE FROM quarantine WHERE purge_after <= $1";
    /// Keys of days before, of which nothing is left.
    DATA_KEYS_PURGE = "DELETE FROM data_keys WHERE day < $1 AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.key_day = data_keys.day) AND NOT EXISTS (SELECT 1 FROM quarantine q WHERE q.key_day = data_keys.day) AND NOT EXISTS (SELECT 1 FROM sandbox_scenarios s WHERE s.key_day = data_keys.day)";
}

/// A delivered message, sealed.
#[derive(Clone)]
pub struct SealedMessage {
    /// Its row.
    pub id: MessageId,
    /// From which provider: part of what the seal is bound to.
    pub provider: String,
    /// The other part.
    pub dedupe_key: Vec<u8>,
    /// Day of the key.
    pub key_day: i64,
    /// Sealed text, sender and code.
    pub body: Vec<u8>,
    /// When we had it.
    pub received_at: Time,
}

fn read_message(row: &mut Row) -> Result<SealedMessage, StoreError> {
    Ok(SealedMessage {
        id: MessageId::new(row.int("id")?),
        provider: row.text("provider")?,
        dedupe_key: row.bytes("dedupe_key")?,
        key_day: row.int("key_day")?,
        body: row.bytes("body")?,
        received_at: Time::from_micros(row.int("received_at")?),
    })
}

/// An activation's delivered messages, in the order of arrival.
pub fn messages_delivered(tx: &mut Tx<'_>, id: ActivationId) -> Result<Vec<SealedMessage>, StoreError> {
    let rows = tx.query(&MESSAGES_DELIVERED, &[id.get().into()])?;
    rows.into_iter().map(|mut row| read_message(&mut row)).collect()
}

/// The delivered messages of several activations.
pub fn messages_delivered_all(
    tx: &mut Tx<'_>,
    ids: Vec<i64>,
) -> Result<Vec<(ActivationId, SealedMessage)>, StoreError> {
    let rows = tx.query(&MESSAGES_DELIVERED_ALL, &[super::db::Value::Ints(ids)])?;
    rows.into_iter()
        .map(|mut row| {
            let message = read_message(&mut row)?;
            Ok((ActivationId::new(row.int("activation_id")?), message))
        })
        .collect()
}

/// Bytes that were verified but could not be read, sealed.
#[derive(Clone)]
pub struct Quarantined {
    /// From which provider.
    pub provider: String,
    /// Day of the key.
    pub key_day: i64,
    /// Sealed bytes.
    pub body: Vec<u8>,
    /// Now.
    pub now: Time,
    /// When they are deleted.
    pub purge_after: Time,
}

/// Keeps them for a person to look at.
pub fn quarantine(tx: &mut Tx<'_>, kept: &Quarantined) -> Result<(), StoreError> {
    let id = tx.next_id(Sequence::Row)?;
    let row = [
        id.into(),
        kept.provider.as_str().into(),
        kept.key_day.into(),
        kept.body.clone().into(),
        kept.now.micros().into(),
        kept.purge_after.micros().into(),
    ];
    tx.execute(&QUARANTINE_INSERT, &row).map(drop)
}

/// The wrapped key of a day.
pub fn data_key_get(tx: &mut Tx<'_>, day: i64) -> Result<Option<Vec<u8>>, StoreError> {
    tx.query_one(&DATA_KEY_GET, &[day.into()])?.map(|mut row| row.bytes("wrapped")).transpose()
}

/// The wrapped key of a day; a fresh one is taken if there was none.
pub fn data_key_fix(tx: &mut Tx<'_>, day: i64, fresh: &[u8]) -> Result<Vec<u8>, StoreError> {
    tx.execute(&DATA_KEY_INSERT, &[day.into(), fresh.into()])?;
    data_key_get(tx, day)?.ok_or(StoreError::Corrupt { table: "data_keys", column: "wrapped" })
}

/// How long a message's name is kept after its text: a sender that repeats it within a month is told what it was told
/// at first.
pub const NAME_KEPT: Span = Span::hours(27 * 24);

/// Deletes a portion of the texts that are past their time, of the names that are past theirs, then keys of days of
/// which nothing is left. Answers how many texts or names went.
pub fn messages_purge(tx: &mut Tx<'_>, now: Time, most: i64) -> Result<u64, StoreError> {
    let forgotten = tx.execute(&MESSAGES_FORGET, &[now.micros().into(), most.into()])?;
    let empty = [now.micros().into(), most.into(), Vec::new().into(), NAME_KEPT.as_micros().into()];
    let gone = tx.execute(&MESSAGES_EMPTY, &empty)?.saturating_add(forgotten);
    tx.execute(&QUARANTINE_PURGE, &[now.micros().into()])?;
    scenarios_purge(tx, now)?;
    // Yesterday's key stays: a body sealed before midnight may still be on its way here.
    tx.execute(&DATA_KEYS_PURGE, &[now.day().saturating_sub(1).into()])?;
    Ok(gone)
}
