//! Price answers as ready bytes, one a filter, made at the first question and kept until the catalog changes.

use super::ready::Ready;
use numberotp_core::catalog::{Offer, Term};
use numberotp_core::money::Usd;
use numberotp_core::text::Operator;
use numberotp_core::vocabulary::{CountryId, ServiceCode, Vocabulary};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock};
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

/// Most answers kept; what is asked beyond is made each time.
const KEPT_MOST: usize = 20_000;

/// What an answer is about: service and country, each optional.
pub type Filter = (Option<ServiceCode>, Option<CountryId>);

/// ISO code → slug → something.
type ByCountry<'a, T> = BTreeMap<&'a str, BTreeMap<&'a str, T>>;

/// Prices of one-time numbers.
#[derive(Serialize, ToSchema)]
pub struct PriceTree<'a> {
    /// Always true.
    #[schema(schema_with = yes)]
    success: bool,
    /// By the country's ISO code, then by the service's slug.
    #[schema(value_type = BTreeMap<String, BTreeMap<String, PoolPrices>>)]
    data: ByCountry<'a, PoolPrices>,
    #[schema(schema_with = source)]
    source: &'static str,
}

/// A service's prices in a country.
#[derive(Serialize, ToSchema)]
pub struct PoolPrices {
    /// By pool: `1`, `2`, `3`; those that have an offer.
    #[schema(value_type = BTreeMap<String, Price>)]
    services: BTreeMap<u8, Price>,
}

/// Prices of longer rents.
#[derive(Serialize, ToSchema)]
pub struct RentPriceTree<'a> {
    /// Always true.
    #[schema(schema_with = yes)]
    success: bool,
    /// By the country's ISO code, then by the service's slug.
    #[schema(value_type = BTreeMap<String, BTreeMap<String, LengthPrices<'_>>>)]
    data: ByCountry<'a, LengthPrices<'a>>,
    #[schema(schema_with = source)]
    source: &'static str,
}

/// A service's prices in a country, by length.
#[derive(Serialize, ToSchema)]
pub struct LengthPrices<'a> {
    /// By hours.
    #[schema(value_type = BTreeMap<String, Price>)]
    durations: BTreeMap<u16, Price>,
    /// The operators that have offers; `any` is always among them.
    operators: Vec<&'a str>,
}

/// A price and what is in stock.
#[derive(Serialize, ToSchema)]
pub struct Price {
    /// In USD: two to six decimals, no exponent. The cheapest that is in stock.
    #[schema(pattern = r"^[0-9]+\.[0-9]{2,6}$")]
    cost: String,
    /// How many there are; `0` when sold out.
    #[schema(pattern = "^[0-9]+$")]
    count: String,
}

fn yes() -> Object {
    ObjectBuilder::new().schema_type(Type::Boolean).enum_values(Some([true])).build()
}

fn source() -> Object {
    let says = "`api`: our own prices, or asked for this answer. `cache`: a copy, at most five minutes old.";
    let words = ObjectBuilder::new().schema_type(Type::String).description(Some(says));
    words.enum_values(Some(["api", "cache"])).build()
}

fn each<T, U>(tree: ByCountry<'_, T>, to: impl Fn(T) -> U) -> ByCountry<'_, U> {
    let services = |services: BTreeMap<_, T>| services.into_iter().map(|(slug, of)| (slug, to(of))).collect();
    tree.into_iter().map(|(iso, of)| (iso, services(of))).collect()
}

/// An offer's price and stock by the names that customers use.
struct Entry {
    service: ServiceCode,
    country: CountryId,
    iso: Box<str>,
    slug: Box<str>,
    operator: Operator,
    pool: u8,
    term: Term,
    price: Usd,
    count: i64,
}

/// The price answers of one catalog.
#[derive(Default)]
pub struct Prices {
    entries: Vec<Entry>,
    kept: RwLock<HashMap<Filter, Arc<Ready>>>,
}

impl Prices {
    /// Of these offers. Countries that share an ISO code with another are left out of the tree: its keys
    /// could not tell them apart.
    pub fn new(offers: &[Offer], vocabulary: &Vocabulary) -> Self {
        let entry = |offer: &Offer| {
            let country = vocabulary.country(offer.country)?;
            let primary = vocabulary.find_country(&country.iso)?.id == country.id;
            let service = vocabulary.service(&offer.service)?;
            primary.then(|| Entry {
                service: offer.service.clone(),
                country: offer.country,
                iso: country.iso.clone(),
                slug: service.slug.clone(),
                operator: offer.operator.clone(),
                pool: offer.pool.get(),
                term: offer.term,
                price: offer.price,
                count: offer.count,
            })
        };
        Self { entries: offers.iter().filter_map(entry).collect(), kept: RwLock::default() }
    }

    /// The answer where a filter names something unknown, which matches nothing.
    pub fn nothing() -> Ready {
        Ready::json(&PriceTree { success: true, data: BTreeMap::new(), source: "api" })
    }

    /// The answer of `/public/prices` for a filter.
    pub fn prices(&self, filter: &Filter) -> Arc<Ready> {
        if let Some(ready) = self.kept.read().unwrap_or_else(PoisonError::into_inner).get(filter) {
            return Arc::clone(ready);
        }
        let ready = Arc::new(Ready::json(&self.tree(filter)));
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < KEPT_MOST {
            kept.insert(filter.clone(), Arc::clone(&ready));
        }
        ready
    }

    fn chosen(&self, (service, country): &Filter) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| {
            service.as_ref().is_none_or(|service| *service == entry.service)
                && country.is_none_or(|country| country == entry.country)
        })
    }

    /// ISO → slug → `services` → pool → cheapest price and whole stock of the pool.
    fn tree(&self, filter: &Filter) -> PriceTree<'_> {
        let mut tree: ByCountry<'_, BTreeMap<u8, Lowest>> = BTreeMap::new();
        for entry in self.chosen(filter).filter(|entry| entry.term == Term::Once) {
            let pools = tree.entry(&entry.iso).or_default().entry(&entry.slug).or_default();
            pools.entry(entry.pool).or_default().add(entry);
        }
        let pools = |pools: BTreeMap<u8, Lowest>| PoolPrices {
            services: pools.into_iter().map(|(pool, lowest)| (pool, lowest.price())).collect(),
        };
        PriceTree { success: true, data: each(tree, pools), source: "api" }
    }

    /// The answer of `/public/rent-prices`: ISO → slug → lengths and operators.
    pub fn rent_prices(&self, filter: &Filter, operator: Option<&Operator>) -> Ready {
        type Lengths = BTreeMap<u16, Lowest>;
        let mut tree: ByCountry<'_, (Lengths, BTreeSet<&str>)> = BTreeMap::new();
        for entry in self.chosen(filter) {
            let Term::Hours(hours) = entry.term else { continue };
            let (lengths, operators) = tree.entry(&entry.iso).or_default().entry(&entry.slug).or_default();
            operators.insert(entry.operator.as_str());
            if operator.is_none_or(|operator| operator.is_any() || *operator == entry.operator) {
                lengths.entry(hours).or_default().add(entry);
            }
        }
        let lengths = |(lengths, operators): (Lengths, BTreeSet<_>)| {
            let named = operators.into_iter().filter(|operator| *operator != Operator::ANY);
            LengthPrices {
                durations: lengths.into_iter().map(|(hours, lowest)| (hours, lowest.price())).collect(),
                operators: std::iter::once(Operator::ANY).chain(named).collect(),
            }
        };
        Ready::json(&RentPriceTree { success: true, data: each(tree, lengths), source: "api" })
    }

    /// The operators that have an offer for a filter, each with its stock.
    pub fn operators(&self, filter: &Filter) -> BTreeMap<&str, i64> {
        let mut operators = BTreeMap::new();
        for entry in self.chosen(filter).filter(|entry| entry.term == Term::Once) {
            let count: &mut i64 = operators.entry(entry.operator.as_str()).or_default();
            *count = count.saturating_add(entry.count);
        }
        operators
    }

    /// The services on offer for a country, each with its stock.
    pub fn services(&self, country: Option<CountryId>) -> HashMap<ServiceCode, i64> {
        let mut services = HashMap::new();
        for entry in self.chosen(&(None, country)).filter(|entry| entry.term == Term::Once) {
            let count: &mut i64 = services.entry(entry.service.clone()).or_default();
            *count = count.saturating_add(entry.count);
        }
        services
    }

    /// The countries on offer for a service, each with its stock.
    pub fn countries(&self, service: Option<&ServiceCode>) -> HashMap<CountryId, i64> {
        let mut countries = HashMap::new();
        for entry in self.chosen(&(service.cloned(), None)).filter(|entry| entry.term == Term::Once) {
            let count: &mut i64 = countries.entry(entry.country).or_default();
            *count = count.saturating_add(entry.count);
        }
        countries
    }
}

/// The cheapest price that can be had, and the whole stock. A sold-out place keeps its price with count 0.
#[derive(Default)]
struct Lowest {
    in_stock: Option<Usd>,
    sold_out: Option<Usd>,
    count: i64,
}

impl Lowest {
    fn add(&mut self, entry: &Entry) {
        let place = if entry.count > 0 { &mut self.in_stock } else { &mut self.sold_out };
        *place = Some(place.map_or(entry.price, |price| price.min(entry.price)));
        self.count = self.count.saturating_add(entry.count.max(0));
    }
    fn price(&self) -> Price {
        let cost = self.in_stock.or(self.sold_out).unwrap_or_default();
        Price { cost: cost.to_string(), count: self.count.to_string() }
    }
}
