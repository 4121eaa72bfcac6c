//! Keys under which a purchase may be repeated, as rows.

use super::StoreError;
use super::activation::activation_get;
use super::db::{Action, Asked, Bulk, Kind, Row, Value, statements};
use super::hot::{Claim, Repeated};
use super::tx::Tx;
use Kind::{Bytes, Int, Text};
use numberotp_core::activation::{Activation, State};
use numberotp_core::id::{AccountId, ActivationId};
use numberotp_core::money::{Credits, Usd};
use numberotp_core::time::{Span, Time};

/// A key stands this long; then it is new again.
pub const KEY_LIFE: Span = Span::hours(24);

pub(super) const KEYS_INSERT: Bulk = Bulk {
    name: "IDEMPOTENCY_KEYS_INSERT",
    table: "idempotency_keys",
    action: Action::Insert(&[
        ("id", Int),
        ("account_id", Int),
        ("scope", Text),
        ("key", Text),
        ("fingerprint", Bytes),
        ("activation_id", Int),
        ("balance_after", Int),
        ("credits_after", Int),
        ("created_at", Int),
    ]),
};
pub(super) const KEYS_DELETE: Bulk = Bulk {
    name: "IDEMPOTENCY_KEYS_DELETE",
    table: "idempotency_keys",
    action: Action::Delete(&[("id", Int)]),
};

/// The bulks of this module.
pub(crate) const BULKS: &[Bulk] = &[KEYS_INSERT, KEYS_DELETE];

statements! {
    /// What a key was used for.
    IDEMPOTENCY_KEY_GET = "SELECT id, fingerprint, activation_id, balance_after, credits_after, created_at, account_id, scope, key FROM idempotency_keys WHERE account_id = $1 AND scope = $2 AND key = $3";
    /// Keys past their time.
    IDEMPOTENCY_KEYS_PURGE = "DELETE FROM idempotency_keys WHERE created_at <= $1";
}

/// A key that was used.
#[derive(Clone, Debug)]
pub struct UsedKey {
    /// Its row.
    pub id: i64,
    /// Digest of the request it was used with.
    pub fingerprint: Vec<u8>,
    /// The purchase.
    pub activation: ActivationId,
    /// Spendable balance that the answer told.
    pub balance_after: Usd,
    /// Spendable credits that the answer told.
    pub credits_after: Credits,
    /// When.
    pub created_at: Time,
}

impl UsedKey {
    /// True while the key stands.
    pub fn stands(&self, now: Time) -> bool {
        now < self.created_at.plus(KEY_LIFE)
    }

    /// What a repeat with this fingerprint is told; `None`: its purchase failed and moved no money, so the
    /// repeat runs afresh.
    pub fn tell(&self, claim: &Claim, activation: &Activation) -> Option<Repeated> {
        if self.fingerprint != claim.fingerprint {
            return Some(Repeated::OtherRequest);
        }
        match activation.state {
            State::Failed(_) => None,
            State::Reserving => Some(Repeated::InFlight(activation.id)),
            _ => {
                Some(Repeated::Settled(Box::new(activation.clone()), self.balance_after, self.credits_after))
            }
        }
    }

    pub(super) fn row(&self, account: AccountId, claim: &Claim) -> Vec<Value> {
        vec![
            self.id.into(),
            account.get().into(),
            claim.scope.as_str().into(),
            claim.key.as_str().into(),
            self.fingerprint.clone().into(),
            self.activation.get().into(),
            self.balance_after.micros().into(),
            self.credits_after.count().into(),
            self.created_at.micros().into(),
        ]
    }
}

fn read_key(row: &mut Row) -> Result<UsedKey, StoreError> {
    Ok(UsedKey {
        id: row.int("id")?,
        fingerprint: row.bytes("fingerprint")?,
        activation: ActivationId::new(row.int("activation_id")?),
        balance_after: Usd::from_micros(row.int("balance_after")?),
        credits_after: Credits::new(row.int("credits_after")?),
        created_at: Time::from_micros(row.int("created_at")?),
    })
}

/// Whose key it is, where it counts, and how it is called.
pub(super) type KeyName = (AccountId, String, String);

/// Asks what a key was used for, whether it still stands or not.
pub(super) fn key_asked((account, scope, key): &KeyName) -> Asked<'static> {
    (&IDEMPOTENCY_KEY_GET, vec![account.get().into(), scope.as_str().into(), key.as_str().into()])
}

/// Reads an answer to that.
pub(super) fn read_named_key(mut row: Row) -> Result<(KeyName, UsedKey), StoreError> {
    let used = read_key(&mut row)?;
    let account = AccountId::new(row.int("account_id")?);
    Ok(((account, row.text("scope")?, row.text("key")?), used))
}

/// What a key was used for, whether it still stands or not.
fn key_get(tx: &mut Tx<'_>, account: AccountId, claim: &Claim) -> Result<Option<UsedKey>, StoreError> {
    let (statement, parameters) = key_asked(&(account, claim.scope.clone(), claim.key.clone()));
    tx.query_one(statement, &parameters)?.map(|mut row| read_key(&mut row)).transpose()
}

/// What a repeat under this key is told before anything else is looked at; `None`: the key is free.
pub fn key_look(
    tx: &mut Tx<'_>,
    account: AccountId,
    claim: &Claim,
    now: Time,
) -> Result<Option<Repeated>, StoreError> {
    let Some(used) = key_get(tx, account, claim)?.filter(|used| used.stands(now)) else { return Ok(None) };
    let missing = StoreError::Corrupt { table: "idempotency_keys", column: "activation_id" };
    let activation = activation_get(tx, used.activation)?.ok_or(missing)?;
    Ok(used.tell(claim, &activation))
}

/// Deletes keys past their time.
pub fn keys_purge(tx: &mut Tx<'_>, now: Time) -> Result<u64, StoreError> {
    tx.execute(&IDEMPOTENCY_KEYS_PURGE, &[now.minus(KEY_LIFE).micros().into()])
}
