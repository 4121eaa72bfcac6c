//! What is on offer, in memory: read on every request, swapped whole when something changed.

use super::prices::Prices;
use crate::app::Context;
use crate::store::number::{Stock, numbers_stock};
use crate::store::offer::{ProviderKind, StoredOffer, StoredProvider, offers_all, providers_all};
use crate::store::setting::revision_get;
use crate::store::{Store, StoreError};
use crate::vault::Vault;
use numberotp_core::catalog::Offer;
use numberotp_core::id::PLATFORM;
use numberotp_core::text::ProviderCode;
use numberotp_core::time::Span;
use numberotp_core::vocabulary::{CountryId, ServiceCode, Vocabulary};
use numberotp_providers::own::OwnNumbers;
use numberotp_providers::provider::Provider;
use numberotp_providers::sandbox::Sandbox;
use std::collections::HashMap;
use std::sync::Arc;

/// How often a server looks whether another process changed the catalog.
const LOOK_EVERY: Span = Span::millis(250);
/// How long changes are gathered before the catalog is read anew.
const SETTLE: Span = Span::millis(20);
/// How often own stock is counted anew even if nothing told us of a change.
const COUNT_EVERY: Span = Span::seconds(5);

/// How a provider is reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transport {
    /// The sandbox in this process.
    Sandbox,
    /// Our own numbers' gateway in this process.
    Own,
}

/// A provider that is on.
#[derive(Clone)]
pub struct Connected {
    /// How it speaks.
    pub provider: Arc<dyn Provider>,
    /// How it is reached.
    pub transport: Transport,
}

/// The catalog at one moment.
pub struct CatalogView {
    revision: i64,
    offers: Vec<Offer>,
    places: HashMap<(ServiceCode, CountryId), Vec<usize>>,
    providers: HashMap<ProviderCode, Connected>,
    /// Price answers, as ready bytes.
    pub prices: Prices,
}

impl CatalogView {
    /// Nothing on offer: what a server has before it read the database.
    pub fn empty() -> Self {
        Self {
            revision: 0,
            offers: Vec::new(),
            places: HashMap::new(),
            providers: HashMap::new(),
            prices: Prices::default(),
        }
    }

    /// The offers for a service in a country.
    pub fn offers_at(&self, service: &ServiceCode, country: CountryId) -> Vec<&Offer> {
        let rows = self.places.get(&(service.clone(), country));
        rows.into_iter().flatten().filter_map(|index| self.offers.get(*index)).collect()
    }

    /// All offers.
    pub fn offers(&self) -> &[Offer] {
        &self.offers
    }

    /// A provider that is on.
    pub fn provider(&self, code: &ProviderCode) -> Option<&Connected> {
        self.providers.get(code)
    }
}

/// Reads the catalog from the database.
pub async fn load(store: &Store, vault: &Vault, vocabulary: &Vocabulary) -> Result<CatalogView, StoreError> {
    let read = store.snapshot(|tx| {
        Ok((revision_get(tx)?, offers_all(tx, PLATFORM)?, providers_all(tx)?, numbers_stock(tx)?))
    });
    let (revision, stored, providers, stock) = read.await?;
    let offers: Vec<Offer> = stored.into_iter().map(|offer| counted(offer, &stock)).collect();
    let mut places: HashMap<(ServiceCode, CountryId), Vec<usize>> = HashMap::new();
    for (index, offer) in offers.iter().enumerate() {
        places.entry((offer.service.clone(), offer.country)).or_default().push(index);
    }
    let mut connected = HashMap::new();
    // One that is off sells nothing (its offers are not read), but what it sold is still its to deliver and release.
    for provider in providers {
        match connect(vault, &provider) {
            Some(connection) => drop(connected.insert(provider.code, connection)),
            // One provider's trouble must not take the others down.
            None => tracing::error!(
                provider = provider.code.as_str(),
                "the provider's secret does not open; it is off"
            ),
        }
    }
    let prices = Prices::new(&offers, vocabulary);
    Ok(CatalogView { revision, offers, places, providers: connected, prices })
}

/// The name under which a provider's secret is wrapped.
pub fn secret_name(code: &ProviderCode) -> String {
    format!("provider {}", code.as_str())
}

fn connect(vault: &Vault, stored: &StoredProvider) -> Option<Connected> {
    let secret = vault.unwrap(&secret_name(&stored.code), &stored.secret).ok()?;
    let code = stored.code.clone();
    let (provider, transport): (Arc<dyn Provider>, Transport) = match stored.kind {
        ProviderKind::Sandbox => (Arc::new(Sandbox::new(code, secret)), Transport::Sandbox),
        ProviderKind::Own => (Arc::new(OwnNumbers::new(code, secret)), Transport::Own),
    };
    Some(Connected { provider, transport })
}

/// An offer without a stored stock has as many as there are free numbers of its place.
fn counted(stored: StoredOffer, stock: &[Stock]) -> Offer {
    let mut offer = stored.offer;
    if stored.stock.is_none() {
        let here = stock.iter().filter(|stock| {
            stock.provider == offer.provider
                && stock.country == offer.country
                && (offer.operator.is_any() || stock.operator == offer.operator)
        });
        offer.count = here.map(|stock| stock.count).sum();
    }
    offer
}

/// Reads the catalog anew and swaps it in.
pub async fn refresh(context: &Context) -> Result<(), StoreError> {
    let view = load(&context.store, &context.vault, &context.vocabulary).await?;
    context.catalog.store(Arc::new(view));
    Ok(())
}

/// Keeps the catalog up to date until the server stops: at once for this process's own changes, within a
/// quarter of a second for another's.
pub async fn keep(context: Arc<Context>) {
    let mut counted_at = context.clock.now();
    loop {
        tokio::select! {
            () = context.stopping.cancelled() => return,
            () = context.store.wakes().catalog() => {}
            () = tokio::time::sleep(LOOK_EVERY.to_std()) => {
                let now = context.clock.now();
                let count_due = now.since(counted_at) >= COUNT_EVERY;
                let revision = context.store.read(revision_get).await;
                let same = revision.is_ok_and(|revision| revision == context.catalog.load().revision);
                if same && !count_due {
                    continue;
                }
                counted_at = now;
            }
        }
        // Many changes at once are read once.
        tokio::time::sleep(SETTLE.to_std()).await;
        if let Err(error) = refresh(&context).await {
            tracing::warn!(%error, "the catalog could not be read; the last one stays");
        }
    }
}
