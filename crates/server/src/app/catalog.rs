//! What is on offer, in memory: read on every request, swapped whole when something changed.

use super::prices::Prices;
use crate::app::Context;
use crate::config::Mode;
use crate::store::number::{Rested, Stock, numbers_all, numbers_stock};
use crate::store::offer::{ProviderKind, StoredOffer, StoredProvider, offers_all, providers_all};
use crate::store::provider_key::{RetiredKey, provider_keys_all};
use crate::store::setting::revision_get;
use crate::store::{StoreError, Tx};
use crate::vault::Vault;
use numberotp_core::catalog::Offer;
use numberotp_core::id::PLATFORM;
use numberotp_core::policy::Decision;
use numberotp_core::text::ProviderCode;
use numberotp_core::time::Span;
use numberotp_core::vocabulary::{CountryId, ServiceCode, Vocabulary};
use numberotp_providers::keys::{Keys, Retired};
use numberotp_providers::own::OwnNumbers;
use numberotp_providers::provider::Provider;
use numberotp_providers::sandbox::Sandbox;
use numberotp_providers::sandbox::ranges::is_fiction;
use std::collections::{HashMap, HashSet};
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

/// Why a provider with numbers of its own stays off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HeldBack {
    /// Something that real numbers require is off.
    Required,
    /// It has real numbers and this is a sandbox, whose clock anybody moves and whose key is published.
    RealInSandbox,
}

impl HeldBack {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Required => "something required is off",
            Self::RealInSandbox => "it has real numbers and this is a sandbox",
        }
    }
}

/// The catalog at one moment.
pub struct CatalogView {
    revision: i64,
    offers: Vec<Offer>,
    places: HashMap<(ServiceCode, CountryId), Vec<usize>>,
    providers: HashMap<ProviderCode, Connected>,
    held_back: Vec<(ProviderCode, HeldBack)>,
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
            held_back: Vec::new(),
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

    /// Providers of real numbers that stay off, and why.
    pub fn held_back(&self) -> &[(ProviderCode, HeldBack)] {
        &self.held_back
    }

    /// Which state of the database it shows.
    pub const fn revision(&self) -> i64 {
        self.revision
    }

    /// Whether there is such a provider, on or held back.
    pub fn knows(&self, code: &ProviderCode) -> bool {
        self.providers.contains_key(code) || self.held_back.iter().any(|(held, _)| held == code)
    }

    /// A provider that is on.
    pub fn provider(&self, code: &ProviderCode) -> Option<&Connected> {
        self.providers.get(code)
    }
}

/// Reads the catalog from the database.
async fn load(context: &Context) -> Result<CatalogView, StoreError> {
    let rested = Rested::at(context.clock.now(), context.settings.number_cool_down);
    let mode = context.settings.mode;
    let read = context.store.snapshot(move |tx| {
        let (revision, offers, providers) =
            (revision_get(tx)?, offers_all(tx, PLATFORM)?, (providers_all(tx)?, provider_keys_all(tx)?));
        Ok((revision, offers, providers, numbers_stock(tx, rested)?, with_real_numbers(tx, mode)?))
    });
    let (revision, stored, stored_providers, stock, real) = read.await?;
    let is_new = context.catalog.load().revision != revision;
    let (providers, held_back) = connect_all(context, stored_providers, &real, is_new);
    // What can be bought at all: of a provider that is on, and of a service that may be rented.
    let sold = |offer: &Offer| {
        providers.contains_key(&offer.provider) && context.policy.decide(&offer.service) == Decision::Allowed
    };
    let counted = |offer| counted(offer, &stock, &context.vocabulary);
    let offers: Vec<Offer> = stored.into_iter().map(counted).filter(sold).collect();
    let mut places: HashMap<(ServiceCode, CountryId), Vec<usize>> = HashMap::new();
    for (index, offer) in offers.iter().enumerate() {
        places.entry((offer.service.clone(), offer.country)).or_default().push(index);
    }
    let prices = Prices::new(&offers, &context.vocabulary);
    Ok(CatalogView { revision, offers, places, providers, held_back, prices })
}

/// The providers that are on, and those of real numbers that wait for something required. What is wrong is logged
/// once a revision: the catalog is read anew every few seconds.
fn connect_all(
    context: &Context,
    (stored, retired): (Vec<StoredProvider>, Vec<RetiredKey>),
    real: &HashSet<ProviderCode>,
    is_new: bool,
) -> (HashMap<ProviderCode, Connected>, Vec<(ProviderCode, HeldBack)>) {
    let (mut providers, mut held) = (HashMap::new(), Vec::new());
    // One that is off sells nothing (its offers are not read), but what it sold is still its to deliver and release.
    for StoredProvider { code, kind, secret, .. } in stored {
        let connected = connect(&context.vault, (code.clone(), kind), &secret, &retired);
        let wrong = match connected.map(|connected| (held_back(context, &connected, real), connected)) {
            // One provider's trouble must not take the others down.
            None => "its secret does not open",
            Some((None, connected)) => {
                providers.insert(code, connected);
                continue;
            }
            Some((Some(because), _)) => {
                held.push((code.clone(), because));
                because.as_str()
            }
        };
        if is_new {
            tracing::error!(provider = code.as_str(), wrong, "the provider stays off");
        }
    }
    (providers, held)
}

/// Whether a provider has to stay off. Production takes real numbers if all is on that they require; a sandbox
/// takes only numbers that authorities reserve for fiction.
fn held_back(context: &Context, provider: &Connected, real: &HashSet<ProviderCode>) -> Option<HeldBack> {
    match (provider.transport, context.settings.mode) {
        (Transport::Sandbox, _) => None,
        (Transport::Own, Mode::Production) => {
            (!context.controls.off().is_empty()).then_some(HeldBack::Required)
        }
        (Transport::Own, Mode::Sandbox) => {
            real.contains(provider.provider.code()).then_some(HeldBack::RealInSandbox)
        }
    }
}

/// The providers that have numbers outside of fiction; not asked for in production, where they all may.
fn with_real_numbers(tx: &mut Tx<'_>, mode: Mode) -> Result<HashSet<ProviderCode>, StoreError> {
    if mode == Mode::Production {
        return Ok(HashSet::new());
    }
    let real = numbers_all(tx)?.into_iter().filter(|(_, number)| !is_fiction(number.expose()));
    Ok(real.map(|(provider, _)| provider).collect())
}

/// The name under which a provider's secret is wrapped.
pub fn secret_name(code: &ProviderCode) -> String {
    format!("provider {}", code.as_str())
}

fn connect(
    vault: &Vault,
    (code, kind): (ProviderCode, ProviderKind),
    wrapped: &[u8],
    retired: &[RetiredKey],
) -> Option<Connected> {
    let open = |wrapped: &[u8]| vault.unwrap(&secret_name(&code), wrapped).ok();
    let retired = retired.iter().filter(|key| key.provider == code);
    let retired =
        retired.filter_map(|key| Some(Retired { secret: open(&key.secret)?, until: key.until })).collect();
    let keys = Keys::new(open(wrapped)?, retired);
    let (provider, transport): (Arc<dyn Provider>, Transport) = match kind {
        ProviderKind::Sandbox => (Arc::new(Sandbox::new(code, keys)), Transport::Sandbox),
        ProviderKind::Own => (Arc::new(OwnNumbers::new(code, keys)), Transport::Own),
    };
    Some(Connected { provider, transport })
}

/// An offer without a stored stock has as many as there are free numbers of its place.
fn counted(stored: StoredOffer, stock: &[Stock], vocabulary: &Vocabulary) -> Offer {
    let mut offer = stored.offer;
    if stored.stock.is_none() {
        let service = vocabulary.canonical(&offer.service);
        let here = stock.iter().filter(|stock| {
            stock.provider == offer.provider
                && stock.country == offer.country
                && (offer.operator.is_any() || stock.operator == offer.operator)
        });
        offer.count = here.map(|stock| stock.free_for(&service)).sum();
    }
    offer
}

/// Reads the catalog anew and swaps it in.
pub async fn refresh(context: &Context) -> Result<(), StoreError> {
    let view = load(context).await?;
    context.catalog.store(Arc::new(view));
    context.metrics.catalog_was_read();
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
