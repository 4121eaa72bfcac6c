//! Scenarios that wait for the next purchase of their account, in order. Each is taken once, by one purchase.
//! What a message is to say comes here sealed. Sandbox only: nothing in production writes these rows.

use super::StoreError;
use super::db::{Row, statements};
use super::tx::{Sequence, Tx};
use numberotp_core::id::AccountId;
use numberotp_core::time::{Span, Time};
use numberotp_core::vocabulary::ServiceCode;
use numberotp_providers::sandbox::scenario::Scenario;

statements! {
    /// One more in the queue.
    SCENARIO_INSERT = "INSERT INTO sandbox_scenarios (id, account_id, service, scenario, delay, key_day, body, purge_after, taken_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, NULL)";
    /// How many of an account wait.
    SCENARIOS_COUNT = "SELECT COUNT(*) FROM sandbox_scenarios WHERE account_id = $1 AND taken_at IS NULL";
    /// A page of those, in order.
    SCENARIOS_PAGE = "SELECT id, account_id, service, scenario, delay, key_day, body FROM sandbox_scenarios WHERE account_id = $1 AND taken_at IS NULL ORDER BY place LIMIT $2 OFFSET $3";
    /// Whether one waits that fits a service.
    SCENARIO_WAITS = "SELECT id FROM sandbox_scenarios WHERE account_id = $1 AND taken_at IS NULL AND (service = $2 OR service IS NULL) LIMIT 1";
    /// Takes the next that fits, one for the service first.
    SCENARIO_TAKE = "UPDATE sandbox_scenarios SET taken_at = $3 WHERE place = (SELECT place FROM sandbox_scenarios WHERE account_id = $1 AND taken_at IS NULL AND (service = $2 OR service IS NULL) ORDER BY CASE WHEN service IS NULL THEN 1 ELSE 0 END, place LIMIT 1 SKIPPING) RETURNING id";
    /// One, taken or not.
    SCENARIO_GET = "SELECT id, account_id, service, scenario, delay, key_day, body FROM sandbox_scenarios WHERE id = $1";
    /// Nothing waits any more.
    SCENARIOS_DROP = "DELETE FROM sandbox_scenarios WHERE account_id = $1 AND taken_at IS NULL";
    /// Those past their time.
    SCENARIOS_PURGE = "DELETE FROM sandbox_scenarios WHERE purge_after <= $1";
}

/// What a message is to say, sealed.
#[derive(Clone, Debug)]
pub struct SealedWording {
    /// Day of the key.
    pub key_day: i64,
    /// Code and text.
    pub body: Vec<u8>,
}

/// A scenario to be queued.
#[derive(Clone, Debug)]
pub struct NewScenario {
    /// Whose purchase it is for.
    pub account: AccountId,
    /// Only for a purchase of this service.
    pub service: Option<ServiceCode>,
    /// What is to happen.
    pub scenario: Scenario,
    /// How long until its message.
    pub delay: Option<Span>,
    /// What the message is to say.
    pub wording: Option<SealedWording>,
    /// When it is deleted.
    pub purge_after: Time,
}

/// A scenario as it is kept.
#[derive(Clone, Debug)]
pub struct KeptScenario {
    /// Its row.
    pub id: i64,
    /// Whose purchase it is for.
    pub account: AccountId,
    /// Only for a purchase of this service.
    pub service: Option<ServiceCode>,
    /// What is to happen.
    pub scenario: Scenario,
    /// How long until its message.
    pub delay: Option<Span>,
    /// What the message is to say.
    pub wording: Option<SealedWording>,
}

fn read_scenario(mut row: Row) -> Result<KeptScenario, StoreError> {
    let corrupt = |column| StoreError::Corrupt { table: "sandbox_scenarios", column };
    let id = row.int("id")?;
    let account = AccountId::new(row.int("account_id")?);
    let service = match row.opt_text("service")? {
        None => None,
        Some(text) => Some(ServiceCode::parse(&text).ok_or_else(|| corrupt("service"))?),
    };
    let scenario = row.parsed("scenario", Scenario::parse)?;
    let delay = row.opt_int("delay")?.map(Span::micros);
    let wording = match row.opt_int("key_day")? {
        None => None,
        Some(key_day) => Some(SealedWording { key_day, body: row.bytes("body")? }),
    };
    Ok(KeptScenario { id, account, service, scenario, delay, wording })
}

/// Queues a scenario; answers its row, or `None` if `most` wait already.
pub fn scenario_create(tx: &mut Tx<'_>, new: &NewScenario, most: i64) -> Result<Option<i64>, StoreError> {
    if scenarios_count(tx, new.account)? >= most {
        return Ok(None);
    }
    let id = tx.next_id(Sequence::Row)?;
    let wording = new.wording.as_ref();
    let row = [
        id.into(),
        new.account.get().into(),
        new.service.as_ref().map(ServiceCode::as_str).into(),
        new.scenario.as_str().into(),
        new.delay.map(Span::as_micros).into(),
        wording.map(|wording| wording.key_day).into(),
        wording.map(|wording| wording.body.clone()).into(),
        new.purge_after.micros().into(),
    ];
    tx.execute(&SCENARIO_INSERT, &row)?;
    Ok(Some(id))
}

fn scenarios_count(tx: &mut Tx<'_>, account: AccountId) -> Result<i64, StoreError> {
    let missing = StoreError::Corrupt { table: "sandbox_scenarios", column: "count" };
    tx.query_one(&SCENARIOS_COUNT, &[account.get().into()])?.ok_or(missing)?.int("count")
}

/// A page of what waits, in the order in which it is taken but for the services, and how many there are.
pub fn scenarios_page(
    tx: &mut Tx<'_>,
    account: AccountId,
    (limit, offset): (i64, i64),
) -> Result<(Vec<KeptScenario>, i64), StoreError> {
    let rows = tx.query(&SCENARIOS_PAGE, &[account.get().into(), limit.into(), offset.into()])?;
    let page: Result<Vec<KeptScenario>, StoreError> = rows.into_iter().map(read_scenario).collect();
    Ok((page?, scenarios_count(tx, account)?))
}

/// Whether a scenario waits for a purchase of this service: most often none does, and that costs no write.
pub fn scenario_waits(
    tx: &mut Tx<'_>,
    account: AccountId,
    service: &ServiceCode,
) -> Result<bool, StoreError> {
    Ok(tx.query_one(&SCENARIO_WAITS, &[account.get().into(), service.as_str().into()])?.is_some())
}

/// Takes the next scenario for a purchase of this service; nobody else gets it.
pub fn scenario_take(
    tx: &mut Tx<'_>,
    account: AccountId,
    service: &ServiceCode,
    now: Time,
) -> Result<Option<i64>, StoreError> {
    let parameters = [account.get().into(), service.as_str().into(), now.micros().into()];
    tx.query_one(&SCENARIO_TAKE, &parameters)?.map(|mut row| row.int("id")).transpose()
}

/// A scenario, taken or not; `None` once it is past its time.
pub fn scenario_get(tx: &mut Tx<'_>, id: i64) -> Result<Option<KeptScenario>, StoreError> {
    tx.query_one(&SCENARIO_GET, &[id.into()])?.map(read_scenario).transpose()
}

/// Drops what waits; answers how many those were.
pub fn scenarios_drop(tx: &mut Tx<'_>, account: AccountId) -> Result<u64, StoreError> {
    tx.execute(&SCENARIOS_DROP, &[account.get().into()])
}

/// Deletes scenarios past their time, as messages are.
pub fn scenarios_purge(tx: &mut Tx<'_>, now: Time) -> Result<u64, StoreError> {
    tx.execute(&SCENARIOS_PURGE, &[now.micros().into()])
}
