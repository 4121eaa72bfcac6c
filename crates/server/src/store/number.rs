//! Own numbers, and what their gateway remembers of its allocations. A reference is allocated once: asking
//! again gives the same number.

use super::StoreError;
use super::db::Kind::{Int, Text};
use super::db::{Action, Bulk, Row, Value, statements};
use super::setting::revision_raise;
use super::tx::{Sequence, Tx};
use super::wake::Wake;
use numberotp_core::id::{BrandId, NumberId};
pub use numberotp_core::inbound::Sharing;
use numberotp_core::policy::SERVICE_AGAIN_AFTER;
use numberotp_core::text::{Operator, PhoneNumber, ProviderCode};
use numberotp_core::time::{Span, Time};
use numberotp_core::vocabulary::{CountryId, ServiceCode};
use numberotp_providers::own::REFERENCE_PREFIX;
use std::collections::{BTreeMap, HashMap};

const NUMBERS_PUT: Bulk = Bulk {
    name: "NUMBERS_PUT",
    table: "numbers",
    action: Action::Put(
        &[("id", Int), ("brand_id", Int), ("last_used_at", Int)],
        &[("number", Text)],
        &[("country_id", Int), ("operator", Text), ("provider", Text), ("shared", Int), ("enabled", Int)],
    ),
};

/// The bulk of this module, for the catalogue test.
pub(crate) const BULKS: &[Bulk] = &[NUMBERS_PUT];

statements! {
    /// What a reference was given.
    ALLOCATION_GET = "SELECT a.id, n.number, a.released_at FROM number_allocations a JOIN numbers n ON n.id = a.number_id WHERE a.provider = $1 AND a.reference = $2";
    /// The number that rested longest among those that are free for a service: rested since $5, and never
    /// that service's since $6. A shared one may be several services' at once, so it does not rest between them.
    NUMBER_FREE = "SELECT n.id, n.number FROM numbers n WHERE n.provider = $1 AND n.country_id = $2 AND ($3 = 'any' OR n.operator = $3) AND n.enabled = 1 AND (n.shared = 1 OR (n.last_used_at <= $5 AND NOT EXISTS (SELECT 1 FROM number_allocations a WHERE a.number_id = n.id AND a.released_at IS NULL))) AND NOT EXISTS (SELECT 1 FROM number_services s WHERE s.number_id = n.id AND s.service = $4 AND s.used_at > $6) ORDER BY n.last_used_at, n.id LIMIT 1";
    /// It rests from now on.
    NUMBER_RESTS = "UPDATE numbers SET last_used_at = $3 WHERE id = (SELECT number_id FROM number_allocations WHERE provider = $1 AND reference = $2)";
    /// It is used now.
    NUMBER_USED = "UPDATE numbers SET last_used_at = $2 WHERE id = $1";
    /// By this service.
    NUMBER_SERVES = "INSERT INTO number_services (number_id, service, used_at) VALUES ($1, $2, $3) ON CONFLICT (number_id, service) DO UPDATE SET used_at = excluded.used_at";
    /// As if it had served its service until then.
    NUMBER_SERVED = "UPDATE number_services SET used_at = $3 WHERE (number_id, service) IN (SELECT number_id, service FROM number_allocations WHERE provider = $1 AND reference = $2)";
    /// The memory of it.
    ALLOCATION_INSERT = "INSERT INTO number_allocations (id, provider, reference, number_id, service, allocated_at, released_at) VALUES ($1, $2, $3, $4, $5, $6, NULL)";
    /// It is free again.
    ALLOCATION_RELEASE = "UPDATE number_allocations SET released_at = $3 WHERE provider = $1 AND reference = $2 AND released_at IS NULL";
    /// How many are free and rested since $1, by place.
    NUMBERS_STOCK = "SELECT n.provider, n.country_id, n.operator, COUNT(*) FROM numbers n WHERE n.enabled = 1 AND (n.shared = 1 OR (n.last_used_at <= $1 AND NOT EXISTS (SELECT 1 FROM number_allocations a WHERE a.number_id = n.id AND a.released_at IS NULL))) GROUP BY n.provider, n.country_id, n.operator ORDER BY n.provider, n.country_id, n.operator";
    /// How many of those served a service since $2, by place and service: it cannot have them again yet.
    NUMBERS_SERVED = "SELECT n.provider, n.country_id, n.operator, s.service, COUNT(*) FROM numbers n JOIN number_services s ON s.number_id = n.id WHERE s.used_at > $2 AND n.enabled = 1 AND (n.shared = 1 OR (n.last_used_at <= $1 AND NOT EXISTS (SELECT 1 FROM number_allocations a WHERE a.number_id = n.id AND a.released_at IS NULL))) GROUP BY n.provider, n.country_id, n.operator, s.service ORDER BY n.provider, n.country_id, n.operator, s.service";
    /// Every number with its provider, for the small database of a sandbox.
    NUMBERS_ALL = "SELECT provider, number FROM numbers ORDER BY id";
    /// A page of numbers.
    NUMBERS_PAGE = "SELECT id, number, country_id, operator, provider, shared FROM numbers WHERE brand_id = $1 AND id > $2 ORDER BY id LIMIT $3";
}

/// A number of the operator's own.
#[derive(Clone, Debug)]
pub struct OwnNumber {
    /// The number.
    pub number: PhoneNumber,
    /// Where it is from.
    pub country: CountryId,
    /// Its operator.
    pub operator: Operator,
    /// The provider whose gateway it is on.
    pub provider: ProviderCode,
    /// Whether it may be shared.
    pub sharing: Sharing,
}

/// Writes numbers; a known one moves to its new place, the last of several places counts. All or none.
pub fn numbers_put(tx: &mut Tx<'_>, brand: BrandId, numbers: &[OwnNumber]) -> Result<(), StoreError> {
    let mut rows = BTreeMap::new();
    for number in numbers {
        let row = vec![
            tx.next_id(Sequence::Row)?.into(),
            brand.get().into(),
            Value::Int(0),
            number.number.expose().into(),
            i64::from(number.country.get()).into(),
            number.operator.as_str().into(),
            number.provider.as_str().into(),
            i64::from(number.sharing == Sharing::Shared).into(),
            Value::Int(1),
        ];
        rows.insert(number.number.expose(), row);
    }
    tx.bulk(&NUMBERS_PUT, &rows.into_values().collect::<Vec<_>>())?;
    revision_raise(tx)
}

/// Numbers after a row, in the order of their rows.
pub fn numbers_after(
    tx: &mut Tx<'_>,
    brand: BrandId,
    after: NumberId,
    limit: i64,
) -> Result<Vec<(NumberId, OwnNumber)>, StoreError> {
    let mut numbers = Vec::new();
    for mut row in tx.query(&NUMBERS_PAGE, &[brand.get().into(), after.get().into(), limit.into()])? {
        let id = NumberId::new(row.int("id")?);
        let number = row.parsed("number", PhoneNumber::parse)?;
        let country =
            u16::try_from(row.int("country_id")?).map_err(|_large| row.unexplained("country_id"))?;
        let operator = row.parsed("operator", Operator::parse)?;
        let provider = row.parsed("provider", ProviderCode::parse)?;
        let sharing = if row.int("shared")? == 1 { Sharing::Shared } else { Sharing::Exclusive };
        numbers
            .push((id, OwnNumber { number, country: CountryId::new(country), operator, provider, sharing }));
    }
    Ok(numbers)
}

/// Every number with its provider. For the small database of a sandbox.
pub fn numbers_all(tx: &mut Tx<'_>) -> Result<Vec<(ProviderCode, PhoneNumber)>, StoreError> {
    let read = |mut row: Row| {
        Ok((row.parsed("provider", ProviderCode::parse)?, row.parsed("number", PhoneNumber::parse)?))
    };
    tx.query(&NUMBERS_ALL, &[])?.into_iter().map(read).collect()
}

/// Since when a number must have rested, and have been without a service, to be free for it.
#[derive(Clone, Copy, Debug)]
pub struct Rested {
    /// Since when it must have had no buyer.
    pub since: Time,
    /// Since when it must not have served the service.
    pub unserved_since: Time,
}

impl Rested {
    /// What `cool_down` means now.
    pub const fn at(now: Time, cool_down: Span) -> Self {
        Self { since: now.minus(cool_down), unserved_since: now.minus(SERVICE_AGAIN_AFTER) }
    }
}

/// How many numbers are free in one place.
#[derive(Clone, Debug)]
pub struct Stock {
    /// On whose gateway.
    pub provider: ProviderCode,
    /// From where.
    pub country: CountryId,
    /// Of which operator.
    pub operator: Operator,
    /// How many.
    pub count: i64,
    /// How many of them each service had too lately.
    pub served: HashMap<ServiceCode, i64>,
}

impl Stock {
    /// How many are free for a service.
    pub fn free_for(&self, service: &ServiceCode) -> i64 {
        self.count.saturating_sub(self.served.get(service).copied().unwrap_or(0))
    }
}

/// How many numbers are free, by place.
pub fn numbers_stock(tx: &mut Tx<'_>, rested: Rested) -> Result<Vec<Stock>, StoreError> {
    let since = Value::Int(rested.since.micros());
    let mut stock = BTreeMap::new();
    for mut row in tx.query(&NUMBERS_STOCK, std::slice::from_ref(&since))? {
        let (provider, country, operator) = read_place(&mut row)?;
        let place = (provider.as_str().to_owned(), country, operator.as_str().to_owned());
        let count = row.int("count")?;
        stock.insert(place, Stock { provider, country, operator, count, served: HashMap::new() });
    }
    for mut row in tx.query(&NUMBERS_SERVED, &[since, rested.unserved_since.micros().into()])? {
        let (provider, country, operator) = read_place(&mut row)?;
        let place = (provider.as_str().to_owned(), country, operator.as_str().to_owned());
        if let Some(stock) = stock.get_mut(&place) {
            stock.served.insert(row.parsed("service", ServiceCode::parse)?, row.int("count")?);
        }
    }
    Ok(stock.into_values().collect())
}

fn read_place(row: &mut Row) -> Result<(ProviderCode, CountryId, Operator), StoreError> {
    let provider = row.parsed("provider", ProviderCode::parse)?;
    let country = u16::try_from(row.int("country_id")?).map_err(|_large| row.unexplained("country_id"))?;
    let operator = row.parsed("operator", Operator::parse)?;
    Ok((provider, CountryId::new(country), operator))
}

/// An allocation as the gateway remembers it.
#[derive(Clone, Debug)]
pub struct Allocation {
    /// The gateway's own name for it.
    pub provider_ref: String,
    /// The number.
    pub number: PhoneNumber,
    /// Whether it was given back.
    pub released: bool,
}

/// What is asked of the gateway.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Which gateway.
    pub provider: ProviderCode,
    /// Our name for the purchase.
    pub reference: String,
    /// For this service.
    pub service: ServiceCode,
    /// From here.
    pub country: CountryId,
    /// Of this operator, or any.
    pub operator: Operator,
    /// How long a number rests between two buyers.
    pub cool_down: Span,
    /// Now.
    pub now: Time,
}

/// What a reference was given, if anything.
pub fn allocation_get(
    tx: &mut Tx<'_>,
    provider: &ProviderCode,
    reference: &str,
) -> Result<Option<Allocation>, StoreError> {
    let Some(mut row) = tx.query_one(&ALLOCATION_GET, &[provider.as_str().into(), reference.into()])? else {
        return Ok(None);
    };
    let id = row.int("id")?;
    let number = row.parsed("number", PhoneNumber::parse)?;
    let released = row.opt_int("released_at")?.is_some();
    Ok(Some(Allocation { provider_ref: format!("{REFERENCE_PREFIX}{id}"), number, released }))
}

/// Gives a free number to a reference, or the one it was given before; `None`: nothing is free.
pub fn allocation_create(tx: &mut Tx<'_>, wanted: &Wanted) -> Result<Option<Allocation>, StoreError> {
    // One allocation of a place at a time: "free" is a fact about other rows.
    tx.lock_keys(vec![i64::from(wanted.country.get())])?;
    if let Some(known) = allocation_get(tx, &wanted.provider, &wanted.reference)? {
        return Ok(Some(known));
    }
    let rested = Rested::at(wanted.now, wanted.cool_down);
    let parameters = [
        wanted.provider.as_str().into(),
        i64::from(wanted.country.get()).into(),
        wanted.operator.as_str().into(),
        wanted.service.as_str().into(),
        rested.since.micros().into(),
        rested.unserved_since.micros().into(),
    ];
    let Some(mut row) = tx.query_one(&NUMBER_FREE, &parameters)? else { return Ok(None) };
    let number_id = row.int("id")?;
    let now = wanted.now.micros();
    tx.execute(&NUMBER_USED, &[number_id.into(), now.into()])?;
    tx.execute(&NUMBER_SERVES, &[number_id.into(), wanted.service.as_str().into(), now.into()])?;
    let id = tx.next_id(Sequence::Row)?;
    let row = [
        id.into(),
        wanted.provider.as_str().into(),
        wanted.reference.as_str().into(),
        number_id.into(),
        wanted.service.as_str().into(),
        now.into(),
    ];
    tx.execute(&ALLOCATION_INSERT, &row)?;
    tx.after_commit(Wake::Catalog);
    allocation_get(tx, &wanted.provider, &wanted.reference)
}

/// Whether a number brought its buyer a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Served {
    /// It did: an account may have been opened with it.
    Yes,
    /// It did not, and will not any more.
    No,
}

/// A number that comes back.
#[derive(Clone, Debug)]
pub struct Returned {
    /// To which gateway.
    pub provider: ProviderCode,
    /// Our name for the purchase.
    pub reference: String,
    /// Whether it served.
    pub served: Served,
    /// How long a number rests between two buyers.
    pub cool_down: Span,
    /// Now.
    pub now: Time,
}

impl Returned {
    /// Since when it counts as having served its service. What served nobody counts no longer than it rests, and so
    /// long a shared number needs it, too: its last buyer's message may still be on its way.
    const fn served_at(&self) -> Time {
        match self.served {
            Served::Yes => self.now,
            Served::No => self.now.minus(SERVICE_AGAIN_AFTER).plus(self.cool_down),
        }
    }
}

/// Takes a number back. Safe to repeat, only the first time counts; false if the reference was never given one.
pub fn allocation_release(tx: &mut Tx<'_>, returned: &Returned) -> Result<bool, StoreError> {
    let (provider, reference) = (&returned.provider, returned.reference.as_str());
    let known = allocation_get(tx, provider, reference)?.is_some();
    let at =
        |time: Time| -> [Value; 3] { [provider.as_str().into(), reference.into(), time.micros().into()] };
    if tx.execute(&ALLOCATION_RELEASE, &at(returned.now))? == 1 {
        tx.execute(&NUMBER_RESTS, &at(returned.now))?;
        tx.execute(&NUMBER_SERVED, &at(returned.served_at()))?;
    }
    tx.after_commit(Wake::Catalog);
    Ok(known)
}
