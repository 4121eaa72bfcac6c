//! Price answers as ready bytes, one a filter, made at the first question and kept until the catalog changes.

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use numberotp_core::catalog::{Offer, Term};
use numberotp_core::money::Usd;
use numberotp_core::text::Operator;
use numberotp_core::token;
use numberotp_core::vocabulary::{CountryId, ServiceCode, Vocabulary};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::{Arc, PoisonError, RwLock};

/// Smaller answers gain nothing from compression.
const GZIP_FROM: usize = 1_024;
/// Most answers kept; what is asked beyond is made each time.
const KEPT_MOST: usize = 20_000;

/// An answer, ready to be sent.
pub struct Ready {
    /// The body.
    pub identity: Bytes,
    /// The same, compressed, where that is worth it.
    pub gzip: Option<Bytes>,
    /// Its strong entity tag, quoted.
    pub etag: String,
}

/// What an answer is about: service and country, each optional.
pub type Filter = (Option<ServiceCode>, Option<CountryId>);

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

    /// The answer of `/public/prices` for a filter.
    pub fn prices(&self, filter: &Filter) -> Arc<Ready> {
        if let Some(ready) = self.kept.read().unwrap_or_else(PoisonError::into_inner).get(filter) {
            return Arc::clone(ready);
        }
        let ready = Arc::new(ready(&self.tree(filter)));
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
    fn tree(&self, filter: &Filter) -> Value {
        let mut tree: BTreeMap<&str, BTreeMap<&str, BTreeMap<u8, Lowest>>> = BTreeMap::new();
        for entry in self.chosen(filter).filter(|entry| entry.term == Term::Once) {
            let pools = tree.entry(&entry.iso).or_default().entry(&entry.slug).or_default();
            pools.entry(entry.pool).or_default().add(entry);
        }
        let data: Map<String, Value> = tree
            .into_iter()
            .map(|(iso, services)| {
                let services: Map<String, Value> = services
                    .into_iter()
                    .map(|(slug, pools)| {
                        let pools: Map<String, Value> = pools
                            .into_iter()
                            .map(|(pool, lowest)| (pool.to_string(), lowest.json()))
                            .collect();
                        (slug.to_owned(), json!({ "services": pools }))
                    })
                    .collect();
                (iso.to_owned(), Value::Object(services))
            })
            .collect();
        json!({ "success": true, "data": data, "source": "api" })
    }

    /// The answer of `/public/rent-prices`: ISO → slug → lengths and operators.
    pub fn rent_prices(&self, filter: &Filter, operator: Option<&Operator>) -> Ready {
        type Lengths = BTreeMap<u16, Lowest>;
        let mut tree: BTreeMap<&str, BTreeMap<&str, (Lengths, BTreeSet<&str>)>> = BTreeMap::new();
        for entry in self.chosen(filter) {
            let Term::Hours(hours) = entry.term else { continue };
            let (lengths, operators) = tree.entry(&entry.iso).or_default().entry(&entry.slug).or_default();
            operators.insert(entry.operator.as_str());
            if operator.is_none_or(|operator| operator.is_any() || *operator == entry.operator) {
                lengths.entry(hours).or_default().add(entry);
            }
        }
        let mut data = Map::new();
        for (iso, services) in tree {
            let mut by_slug = Map::new();
            for (slug, (lengths, operators)) in services {
                let durations: Map<String, Value> =
                    lengths.into_iter().map(|(hours, lowest)| (hours.to_string(), lowest.json())).collect();
                let named = operators.into_iter().filter(|operator| *operator != Operator::ANY);
                let operators: Vec<&str> = std::iter::once(Operator::ANY).chain(named).collect();
                by_slug.insert(slug.to_owned(), json!({ "durations": durations, "operators": operators }));
            }
            data.insert(iso.to_owned(), Value::Object(by_slug));
        }
        ready(&json!({ "success": true, "data": data, "source": "api" }))
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
    fn json(&self) -> Value {
        let cost = self.in_stock.or(self.sold_out).unwrap_or_default();
        json!({ "cost": cost.to_string(), "count": self.count.to_string() })
    }
}

/// Serialises an answer, compresses it and gives it a tag.
pub fn ready(value: &Value) -> Ready {
    let identity = Bytes::from(value.to_string());
    let gzip = (identity.len() >= GZIP_FROM).then(|| gzip(&identity)).flatten();
    let digest = token::hash_bytes(&identity);
    let etag = digest.iter().take(12).fold(String::from("\""), |mut tag, byte| {
        // Writing to a string cannot fail.
        let _infallible = write!(tag, "{byte:02x}");
        tag
    });
    Ready { identity, gzip, etag: etag + "\"" }
}

fn gzip(body: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(body).ok()?;
    encoder.finish().ok().map(Bytes::from)
}
