//! Offers and providers as rows.

use super::StoreError;
use super::db::Kind::{Int, Text};
use super::db::{Action, Bulk, Row, statements};
use super::setting::revision_raise;
use super::tx::{Sequence, Tx};
use numberotp_core::catalog::{Offer, Term};
use numberotp_core::id::{BrandId, OfferId};
use numberotp_core::money::Usd;
use numberotp_core::text::{Operator, Pool, ProviderCode};
use numberotp_core::time::Time;
use numberotp_core::vocabulary::{CountryId, ServiceCode};
use std::collections::BTreeMap;

const OFFERS_PUT: Bulk = Bulk {
    name: "OFFERS_PUT",
    table: "offers",
    action: Action::Put(
        &[("id", Int)],
        &[
            ("brand_id", Int),
            ("service", Text),
            ("country_id", Int),
            ("operator", Text),
            ("pool", Int),
            ("provider", Text),
            ("hours", Int),
        ],
        &[("price", Int), ("provider_cost", Int), ("cost_currency", Text), ("stock", Int)],
    ),
};

/// The bulk of this module, for the catalogue test.
pub(crate) const BULKS: &[Bulk] = &[OFFERS_PUT];

statements! {
    /// All offers of a brand whose provider is on.
    OFFERS_ALL = "SELECT o.id, o.brand_id, o.service, o.country_id, o.operator, o.pool, o.provider, o.hours, o.price, o.provider_cost, o.cost_currency, o.stock FROM offers o JOIN providers p ON p.code = o.provider AND p.enabled = 1 WHERE o.brand_id = $1 ORDER BY o.id";
    /// All providers.
    PROVIDERS_ALL = "SELECT code, kind, secret, enabled FROM providers ORDER BY code";
    /// A new provider; a second writer keeps the first's.
    PROVIDER_INSERT = "INSERT INTO providers (id, brand_id, code, kind, secret, enabled, created_at) VALUES ($1, $2, $3, $4, $5, 1, $6) ON CONFLICT (code) DO NOTHING";
    /// On or off.
    PROVIDER_ENABLE = "UPDATE providers SET enabled = $2 WHERE code = $1";
}

/// An offer as stored: its stock is a figure, or counted from own numbers.
#[derive(Clone, Debug)]
pub struct StoredOffer {
    /// The offer; its count is the stored stock, or zero where numbers are counted.
    pub offer: Offer,
    /// A stored stock; `None`: count the provider's own numbers.
    pub stock: Option<i64>,
}

fn read_offer(mut row: Row) -> Result<StoredOffer, StoreError> {
    let id = OfferId::new(row.int("id")?);
    let brand = BrandId::new(row.int("brand_id")?);
    let service = row.parsed("service", ServiceCode::parse)?;
    let country = u16::try_from(row.int("country_id")?).map_err(|_large| row.unexplained("country_id"))?;
    let operator = row.parsed("operator", Operator::parse)?;
    let pool =
        u8::try_from(row.int("pool")?).ok().and_then(Pool::new).ok_or_else(|| row.unexplained("pool"))?;
    let provider = row.parsed("provider", ProviderCode::parse)?;
    let term = u16::try_from(row.int("hours")?).ok().and_then(Term::from_code);
    let term = term.ok_or_else(|| row.unexplained("hours"))?;
    let price = Usd::from_micros(row.int("price")?);
    let provider_cost = row.int("provider_cost")?;
    let cost_currency = row.text("cost_currency")?;
    let stock = row.opt_int("stock")?;
    let country = CountryId::new(country);
    let count = stock.unwrap_or(0);
    let offer = Offer {
        id,
        brand,
        service,
        country,
        operator,
        pool,
        provider,
        term,
        price,
        provider_cost,
        cost_currency,
        count,
    };
    Ok(StoredOffer { offer, stock })
}

/// Everything a brand offers.
pub fn offers_all(tx: &mut Tx<'_>, brand: BrandId) -> Result<Vec<StoredOffer>, StoreError> {
    tx.query(&OFFERS_ALL, &[brand.get().into()])?.into_iter().map(read_offer).collect()
}

/// Writes offers; an offer for the same place gets the new terms, the last of several for one place counts. All or
/// none.
pub fn offers_put(tx: &mut Tx<'_>, offers: &[StoredOffer]) -> Result<(), StoreError> {
    let mut rows = BTreeMap::new();
    for StoredOffer { offer, stock } in offers {
        let place = (
            offer.brand.get(),
            offer.service.as_str(),
            offer.country.get(),
            (offer.operator.as_str(), offer.pool.get()),
            (offer.provider.as_str(), offer.term.code()),
        );
        let row = vec![
            tx.next_id(Sequence::Row)?.into(),
            offer.brand.get().into(),
            offer.service.as_str().into(),
            i64::from(offer.country.get()).into(),
            offer.operator.as_str().into(),
            i64::from(offer.pool.get()).into(),
            offer.provider.as_str().into(),
            i64::from(offer.term.code()).into(),
            offer.price.micros().into(),
            offer.provider_cost.into(),
            offer.cost_currency.as_str().into(),
            (*stock).into(),
        ];
        rows.insert(place, row);
    }
    tx.bulk(&OFFERS_PUT, &rows.into_values().collect::<Vec<_>>())?;
    revision_raise(tx)
}

/// What kind of provider it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProviderKind {
    /// The sandbox.
    Sandbox,
    /// Own numbers.
    Own,
}

impl ProviderKind {
    /// The word in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Own => "own",
        }
    }
    fn parse(text: &str) -> Option<Self> {
        [Self::Sandbox, Self::Own].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A provider as stored; its secret is wrapped by the master key.
#[derive(Clone)]
pub struct StoredProvider {
    /// Its name.
    pub code: ProviderCode,
    /// Its kind.
    pub kind: ProviderKind,
    /// Its webhook secret, wrapped.
    pub secret: Vec<u8>,
    /// Whether it sells.
    pub enabled: bool,
}

/// All providers.
pub fn providers_all(tx: &mut Tx<'_>) -> Result<Vec<StoredProvider>, StoreError> {
    let mut providers = Vec::new();
    for mut row in tx.query(&PROVIDERS_ALL, &[])? {
        let code = row.parsed("code", ProviderCode::parse)?;
        let kind = row.parsed("kind", ProviderKind::parse)?;
        let (secret, enabled) = (row.bytes("secret")?, row.int("enabled")? == 1);
        providers.push(StoredProvider { code, kind, secret, enabled });
    }
    Ok(providers)
}

/// A new provider; false if the name is taken.
pub fn provider_create(
    tx: &mut Tx<'_>,
    brand: BrandId,
    provider: &StoredProvider,
    now: Time,
) -> Result<bool, StoreError> {
    let id = tx.next_id(Sequence::Row)?;
    let row = [
        id.into(),
        brand.get().into(),
        provider.code.as_str().into(),
        provider.kind.as_str().into(),
        provider.secret.clone().into(),
        now.micros().into(),
    ];
    let made = tx.execute(&PROVIDER_INSERT, &row)? == 1;
    revision_raise(tx)?;
    Ok(made)
}

/// Lets a provider sell or stops it; false if there is none of that name.
pub fn provider_enable(tx: &mut Tx<'_>, code: &ProviderCode, enabled: bool) -> Result<bool, StoreError> {
    let touched = tx.execute(&PROVIDER_ENABLE, &[code.as_str().into(), i64::from(enabled).into()])?;
    revision_raise(tx)?;
    Ok(touched == 1)
}
