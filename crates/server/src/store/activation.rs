//! Activations as rows. A row that no state explains is refused where it is read.

use super::StoreError;
use super::db::{Asked, Row, Value, statements};
use super::tx::Tx;
use super::wake::Wake;
use numberotp_core::activation::{Activation, Line, Reception, ResendRefused, State, Status, Terms};
use numberotp_core::id::{AccountId, ActivationId, ApiKeyId, BrandId, MessageId, MovementId};
use numberotp_core::ledger::Split;
use numberotp_core::money::Usd;
use numberotp_core::text::{Operator, PhoneNumber, Pool, ProviderCode};
use numberotp_core::time::Time;
use numberotp_core::vocabulary::{CountryId, ServiceCode};

statements! {
    /// One activation.
    ACTIVATION_GET = "SELECT id, brand_id, account_id, service, country_id, operator, pool, provider, price, provider_cost, cost_currency, hold_id, paid_balance, paid_gift, paid_granted, paid_bought, created_at, status, number, provider_ref, attached_at, expires_at, first_message_at, code_message_id, resent_at, closed_at FROM activations WHERE id = $1";
    /// Some, locked in the order of their ids.
    ACTIVATIONS_LOCK = "SELECT id, brand_id, account_id, service, country_id, operator, pool, provider, price, provider_cost, cost_currency, hold_id, paid_balance, paid_gift, paid_granted, paid_bought, created_at, status, number, provider_ref, attached_at, expires_at, first_message_at, code_message_id, resent_at, closed_at, CASE WHEN credential = 'capped_key' THEN credential_id END AS capped_key FROM activations WHERE id EACH KEYS($1) ORDER BY id LOCKED";
    /// Where some stand, locked in the same order.
    ACTIVATIONS_STATUS_LOCK = "SELECT id, status FROM activations WHERE id EACH KEYS($1) ORDER BY id LOCKED";
    /// A page of an account's, newest first, in one of the given states.
    ACTIVATIONS_PAGE = "SELECT id, brand_id, account_id, service, country_id, operator, pool, provider, price, provider_cost, cost_currency, hold_id, paid_balance, paid_gift, paid_granted, paid_bought, created_at, status, number, provider_ref, attached_at, expires_at, first_message_at, code_message_id, resent_at, closed_at FROM activations WHERE account_id = $1 AND status IN TEXTS($2) ORDER BY created_at DESC, id DESC LIMIT $3 OFFSET $4";
    /// How many there are.
    ACTIVATIONS_COUNT = "SELECT COUNT(*) FROM activations WHERE account_id = $1 AND status IN TEXTS($2)";
    /// What an account's purchases cost that wait for a message.
    ACTIVATIONS_ON_HOLD = "SELECT CAST(COALESCE(SUM(price), 0) AS BIGINT) AS price FROM activations WHERE account_id = $1 AND status IN ('reserving', 'waiting')";
    /// An account's right to a number's messages, now.
    LEASES_OPEN_ON = "SELECT provider, provider_ref, service FROM leases WHERE number = $1 AND to_at > $2 AND account_id = $3 AND closed_at IS NULL ORDER BY activation_id";
    /// When another message was asked for.
    ACTIVATION_RESENT = "UPDATE activations SET resent_at = $2 WHERE id = $1";
}

/// One activation of any account, or none.
pub fn activation_get(tx: &mut Tx<'_>, id: ActivationId) -> Result<Option<Activation>, StoreError> {
    tx.query_one(&ACTIVATION_GET, &[id.get().into()])?.map(read_activation).transpose()
}

/// Loads and locks activations.
fn activations_lock(tx: &mut Tx<'_>, ids: Vec<i64>) -> Result<Vec<Activation>, StoreError> {
    tx.query(&ACTIVATIONS_LOCK, &[Value::Ints(ids)])?.into_iter().map(read_activation).collect()
}

/// A page of an account's activations in one of these states, newest first, and how many there are.
pub fn activations_page(
    tx: &mut Tx<'_>,
    account: AccountId,
    statuses: &[Status],
    (limit, offset): (i64, i64),
) -> Result<(Vec<Activation>, i64), StoreError> {
    let words = Value::Texts(statuses.iter().map(|status| status.as_str().to_owned()).collect());
    let parameters = [account.get().into(), words.clone(), limit.into(), offset.into()];
    let rows = tx.query(&ACTIVATIONS_PAGE, &parameters)?;
    let page: Result<Vec<Activation>, StoreError> = rows.into_iter().map(read_activation).collect();
    let mut total = tx
        .query_one(&ACTIVATIONS_COUNT, &[account.get().into(), words])?
        .ok_or(StoreError::Corrupt { table: "activations", column: "count" })?;
    Ok((page?, total.int("count")?))
}

/// What an account's purchases cost that wait for a message.
pub fn activations_on_hold(tx: &mut Tx<'_>, account: AccountId) -> Result<Usd, StoreError> {
    let row = tx.query_one(&ACTIVATIONS_ON_HOLD, &[account.get().into()])?;
    let mut row = row.ok_or(StoreError::Corrupt { table: "activations", column: "price" })?;
    row.int("price").map(Usd::from_micros)
}

/// Under which reference an account has a number at an instant.
pub struct OpenLease {
    /// Whose number it is.
    pub provider: ProviderCode,
    /// The provider's own name for the purchase.
    pub provider_ref: String,
    /// What it was bought for.
    pub service: ServiceCode,
}

/// The account's open purchases of a number: more than one where a number serves several services at once.
pub fn leases_open_on(
    tx: &mut Tx<'_>,
    account: AccountId,
    number: &PhoneNumber,
    now: Time,
) -> Result<Vec<OpenLease>, StoreError> {
    let parameters = [number.expose().into(), now.micros().into(), account.get().into()];
    let read = |mut row: Row| {
        Ok(OpenLease {
            provider: row.parsed("provider", ProviderCode::parse)?,
            provider_ref: row.text("provider_ref")?,
            service: row.parsed("service", ServiceCode::parse)?,
        })
    };
    tx.query(&LEASES_OPEN_ON, &parameters)?.into_iter().map(read).collect()
}

/// Marks that another message was asked for; the refusal is the rules'. `None`: not this account's.
pub fn activation_resend(
    tx: &mut Tx<'_>,
    id: ActivationId,
    account: AccountId,
    now: Time,
) -> Result<Option<Result<Activation, ResendRefused>>, StoreError> {
    let found = activations_lock(tx, vec![id.get()])?.pop();
    let Some(activation) = found.filter(|activation| activation.account == account) else { return Ok(None) };
    match activation.resend(now) {
        Ok(step) => {
            tx.execute(&ACTIVATION_RESENT, &[id.get().into(), now.micros().into()])?;
            tx.after_commit(Wake::Activation(id));
            Ok(Some(Ok(step.activation)))
        }
        Err(refused) => Ok(Some(Err(refused))),
    }
}

/// Asks for these activations, locked in the order of their ids.
pub(super) fn activations_locked(ids: Vec<i64>) -> Asked<'static> {
    (&ACTIVATIONS_LOCK, vec![Value::Ints(ids)])
}

/// Asks where these activations stand, locked in the order of their ids.
pub(super) fn statuses_locked(ids: Vec<i64>) -> Asked<'static> {
    (&ACTIVATIONS_STATUS_LOCK, vec![Value::Ints(ids)])
}

/// Reads where an activation stands.
pub(super) fn read_status(mut row: Row) -> Result<(ActivationId, Status), StoreError> {
    Ok((ActivationId::new(row.int("id")?), row.parsed("status", Status::parse)?))
}

/// Reads the columns of an activation.
pub(super) fn read_activation(mut row: Row) -> Result<Activation, StoreError> {
    read_columns(&mut row)
}

/// The same of one that was asked for locked, and the key with a cap that bought it.
pub(super) fn read_locked(mut row: Row) -> Result<(Activation, Option<ApiKeyId>), StoreError> {
    let activation = read_columns(&mut row)?;
    Ok((activation, row.opt_int("capped_key")?.map(ApiKeyId::new)))
}

fn read_columns(row: &mut Row) -> Result<Activation, StoreError> {
    let id = ActivationId::new(row.int("id")?);
    let brand = BrandId::new(row.int("brand_id")?);
    let account = AccountId::new(row.int("account_id")?);
    let terms = read_terms(row)?;
    let hold = MovementId::new(row.int("hold_id")?);
    let split = Split {
        balance: row.int("paid_balance")?,
        gift: row.int("paid_gift")?,
        granted: row.int("paid_granted")?,
        bought: row.int("paid_bought")?,
    };
    let created_at = Time::from_micros(row.int("created_at")?);
    let state = read_state(row)?;
    Ok(Activation { id, brand, account, terms, split, hold, created_at, state })
}

fn read_terms(row: &mut Row) -> Result<Terms, StoreError> {
    Ok(Terms {
        service: row.parsed("service", ServiceCode::parse)?,
        country: {
            let id = u16::try_from(row.int("country_id")?);
            CountryId::new(id.map_err(|_large| row.unexplained("country_id"))?)
        },
        operator: row.parsed("operator", Operator::parse)?,
        pool: {
            let pool = u8::try_from(row.int("pool")?).ok().and_then(Pool::new);
            pool.ok_or_else(|| row.unexplained("pool"))?
        },
        provider: row.parsed("provider", ProviderCode::parse)?,
        price: Usd::from_micros(row.int("price")?),
        provider_cost: row.int("provider_cost")?,
        cost_currency: row.text("cost_currency")?,
    })
}

fn read_state(row: &mut Row) -> Result<State, StoreError> {
    let status = row.parsed("status", Status::parse)?;
    let number = row.opt_text("number")?;
    let provider_ref = row.opt_text("provider_ref")?;
    let mut time =
        |column| -> Result<Option<Time>, StoreError> { Ok(row.opt_int(column)?.map(Time::from_micros)) };
    let attached_at = time("attached_at")?;
    let expires_at = time("expires_at")?;
    let first_at = time("first_message_at")?;
    let code_message = row.opt_int("code_message_id")?.map(MessageId::new);
    let resent_at = row.opt_int("resent_at")?.map(Time::from_micros);
    let closed_at = row.opt_int("closed_at")?.map(Time::from_micros);
    let line = match (number.as_deref().and_then(PhoneNumber::parse), provider_ref, attached_at, expires_at) {
        (Some(number), Some(provider_ref), Some(attached_at), Some(expires_at)) => {
            Some(Line { number, provider_ref, attached_at, expires_at })
        }
        (None, None, None, None) => None,
        _ => return Err(row.unexplained("number")),
    };
    let reception = first_at.map(|first_at| Reception { first_at, code_message, resent_at });
    match (status, line, reception, closed_at) {
        (Status::Reserving, None, None, None) => Ok(State::Reserving),
        (Status::Waiting, Some(line), None, None) => Ok(State::Waiting(line)),
        (Status::Received, Some(line), Some(reception), None) => Ok(State::Received(line, reception)),
        (Status::Finished, Some(line), Some(reception), Some(at)) => Ok(State::Finished(line, reception, at)),
        (Status::Failed, None, None, Some(at)) => Ok(State::Failed(at)),
        (Status::Canceled, Some(line), None, Some(at)) => Ok(State::Canceled(line, at)),
        (Status::Expired, Some(line), None, Some(at)) => Ok(State::Expired(line, at)),
        _ => Err(row.unexplained("status")),
    }
}
