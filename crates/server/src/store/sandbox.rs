//! The sandbox upstream's own memory: what it gave to which reference, and which messages it has to send.
//! Kept apart from our books on purpose: a reconciler asks it as it would ask anybody else.

use super::StoreError;
use super::db::{Row, statements};
use super::job::job_create;
use super::tx::{Sequence, Tx};
use numberotp_core::job::JobKind;
use numberotp_core::text::PhoneNumber;
use numberotp_core::time::Time;
use numberotp_providers::sandbox::scenario::Scenario;

statements! {
    /// What a reference was given.
    SANDBOX_PURCHASE_BY_REFERENCE = "SELECT id, reference, number, service, operator, messages, released_at, turn, scenario, scenario_id FROM sandbox_purchases WHERE reference = $1";
    /// The same by row.
    SANDBOX_PURCHASE_GET = "SELECT id, reference, number, service, operator, messages, released_at, turn, scenario, scenario_id FROM sandbox_purchases WHERE id = $1";
    /// The memory of it; a second one for the same reference keeps the first.
    SANDBOX_PURCHASE_INSERT = "INSERT INTO sandbox_purchases (id, reference, number, service, operator, messages, created_at, released_at, turn, scenario, scenario_id) VALUES ($1, $2, $3, $4, $5, 0, $6, NULL, $7, $8, $9) ON CONFLICT (reference) DO NOTHING";
    /// Given back.
    SANDBOX_PURCHASE_RELEASE = "UPDATE sandbox_purchases SET released_at = $2 WHERE reference = $1 AND released_at IS NULL";
    /// One more message.
    SANDBOX_PURCHASE_MESSAGE = "UPDATE sandbox_purchases SET messages = messages + 1 WHERE id = $1 RETURNING messages";
    /// A message to be sent.
    SANDBOX_MESSAGE_INSERT = "INSERT INTO sandbox_messages (id, purchase_id, ordinal, sent_at) VALUES ($1, $2, $3, NULL)";
    /// A message to be sent, by row.
    SANDBOX_MESSAGE_GET = "SELECT purchase_id, ordinal, sent_at FROM sandbox_messages WHERE id = $1";
    /// The next purchase's place among all. The database counts, so that nobody waits for a row.
    SANDBOX_TURN = "INSERT INTO sandbox_turns DEFAULT VALUES RETURNING id";
    /// It was sent.
    SANDBOX_MESSAGE_SENT = "UPDATE sandbox_messages SET sent_at = $2 WHERE id = $1";
}

/// What the sandbox gave to a reference.
#[derive(Clone, Debug)]
pub struct SandboxPurchase {
    /// Its row.
    pub id: i64,
    /// The buyer's name for it.
    pub reference: String,
    /// The number.
    pub number: PhoneNumber,
    /// Service code.
    pub service: String,
    /// Operator as asked for.
    pub operator: String,
    /// How many messages were begun.
    pub messages: i64,
    /// Whether it was given back.
    pub released: bool,
    /// How it was asked to go.
    pub play: Play,
}

/// What a purchase is to do, and what its number and codes follow from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Play {
    /// The how-manieth purchase of the sandbox it is, from 1.
    pub turn: i64,
    /// What is to happen.
    pub scenario: Scenario,
    /// The row that says more, if a test queued one.
    pub row: Option<i64>,
}

impl SandboxPurchase {
    /// The sandbox's own name for it.
    pub fn provider_ref(&self) -> String {
        format!("sbx-{}", self.id)
    }
}

/// A message the sandbox has to send.
#[derive(Clone, Debug)]
pub struct SandboxMessage {
    /// For this purchase.
    pub purchase: SandboxPurchase,
    /// The how-manieth of the purchase, from 1.
    pub ordinal: i64,
    /// Whether it was sent.
    pub sent: bool,
}

fn read_purchase(mut row: Row) -> Result<SandboxPurchase, StoreError> {
    let mut purchase = SandboxPurchase {
        id: row.int("id")?,
        reference: row.text("reference")?,
        number: row.parsed("number", PhoneNumber::parse)?,
        service: row.text("service")?,
        operator: row.text("operator")?,
        messages: row.int("messages")?,
        released: row.opt_int("released_at")?.is_some(),
        play: Play::default(),
    };
    // A purchase from before turns were counted has its reference for one.
    let turn = row.opt_int("turn")?;
    let scenario = row.opt_text("scenario")?;
    purchase.play = Play {
        turn: turn.or_else(|| purchase.reference.parse().ok()).unwrap_or(0),
        scenario: scenario.and_then(|name| Scenario::parse(&name)).unwrap_or_default(),
        row: row.opt_int("scenario_id")?,
    };
    Ok(purchase)
}

/// The next purchase's place among all that the sandbox ever made, from 1.
pub fn sandbox_turn(tx: &mut Tx<'_>) -> Result<i64, StoreError> {
    let missing = StoreError::Corrupt { table: "sandbox_turns", column: "id" };
    tx.query_one(&SANDBOX_TURN, &[])?.ok_or(missing)?.int("id")
}

/// What a reference was given, if anything.
pub fn sandbox_purchase_get(tx: &mut Tx<'_>, reference: &str) -> Result<Option<SandboxPurchase>, StoreError> {
    tx.query_one(&SANDBOX_PURCHASE_BY_REFERENCE, &[reference.into()])?.map(read_purchase).transpose()
}

/// Remembers what is given to a reference, and the first message that follows at `message_at`. Repeating it
/// answers what was given at first.
pub fn sandbox_purchase_create(
    tx: &mut Tx<'_>,
    new: &NewSandboxPurchase,
) -> Result<SandboxPurchase, StoreError> {
    if let Some(known) = sandbox_purchase_get(tx, &new.reference)? {
        return Ok(known);
    }
    let id = tx.next_id(Sequence::Row)?;
    let row = [
        id.into(),
        new.reference.as_str().into(),
        new.number.expose().into(),
        new.service.as_str().into(),
        new.operator.as_str().into(),
        new.now.micros().into(),
        new.play.turn.into(),
        new.play.scenario.as_str().into(),
        new.play.row.into(),
    ];
    let made = tx.execute(&SANDBOX_PURCHASE_INSERT, &row)? == 1;
    if let Some(at) = new.message_at.filter(|_| made) {
        sandbox_message_create(tx, id, at)?;
    }
    sandbox_purchase_get(tx, &new.reference)?
        .ok_or(StoreError::Corrupt { table: "sandbox_purchases", column: "reference" })
}

/// What is to be remembered.
#[derive(Clone, Debug)]
pub struct NewSandboxPurchase {
    /// The buyer's name for it.
    pub reference: String,
    /// The number.
    pub number: PhoneNumber,
    /// Service code.
    pub service: String,
    /// Operator as asked for.
    pub operator: String,
    /// When its message is sent, if one is.
    pub message_at: Option<Time>,
    /// How it is to go.
    pub play: Play,
    /// Now.
    pub now: Time,
}

/// One more message for a purchase, to be sent at `at`.
pub fn sandbox_message_create(tx: &mut Tx<'_>, purchase: i64, at: Time) -> Result<(), StoreError> {
    let missing = StoreError::Corrupt { table: "sandbox_purchases", column: "messages" };
    let mut row = tx.query_one(&SANDBOX_PURCHASE_MESSAGE, &[purchase.into()])?.ok_or(missing)?;
    let ordinal = row.int("messages")?;
    let id = tx.next_id(Sequence::Row)?;
    tx.execute(&SANDBOX_MESSAGE_INSERT, &[id.into(), purchase.into(), ordinal.into()])?;
    job_create(tx, JobKind::SandboxSms, id, at).map(drop)
}

/// A message to be sent, with its purchase.
pub fn sandbox_message_get(tx: &mut Tx<'_>, id: i64) -> Result<Option<SandboxMessage>, StoreError> {
    let Some(mut row) = tx.query_one(&SANDBOX_MESSAGE_GET, &[id.into()])? else { return Ok(None) };
    let purchase_id = row.int("purchase_id")?;
    let (ordinal, sent) = (row.int("ordinal")?, row.opt_int("sent_at")?.is_some());
    let purchase =
        tx.query_one(&SANDBOX_PURCHASE_GET, &[purchase_id.into()])?.map(read_purchase).transpose()?;
    Ok(purchase.map(|purchase| SandboxMessage { purchase, ordinal, sent }))
}

/// It was sent.
pub fn sandbox_message_sent(tx: &mut Tx<'_>, id: i64, now: Time) -> Result<(), StoreError> {
    tx.execute(&SANDBOX_MESSAGE_SENT, &[id.into(), now.micros().into()]).map(drop)
}

/// Takes a number back. Safe to repeat; false if the reference was never given one.
pub fn sandbox_purchase_release(tx: &mut Tx<'_>, reference: &str, now: Time) -> Result<bool, StoreError> {
    let known = sandbox_purchase_get(tx, reference)?.is_some();
    tx.execute(&SANDBOX_PURCHASE_RELEASE, &[reference.into(), now.micros().into()])?;
    Ok(known)
}
