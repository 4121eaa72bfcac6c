//! `numberotp offers`: how an operator sets what is sold.

use super::output::Output;
use super::{CliError, refused, store_failed, unreadable};
use crate::boot;
use crate::config::ResolvedDatabase;
use crate::store::Store;
use crate::store::offer::{StoredOffer, offers_all, offers_put, providers_all};
use clap::Subcommand;
use numberotp_core::catalog::{Offer, Term};
use numberotp_core::id::{OfferId, PLATFORM};
use numberotp_core::money::Usd;
use numberotp_core::policy::{Decision, Place, Policy, PolicySettings};
use numberotp_core::text::{Operator, Pool, ProviderCode};
use numberotp_core::vocabulary::{ServiceCode, Spelling, Vocabulary};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;

#[derive(Subcommand)]
pub(super) enum OffersCommand {
    /// Import a CSV file with the columns service, country, operator, pool, provider, price, cost, currency, stock, durations; all rows or none
    ///
    /// `price` is in USD, a multiple of 0.0001; `cost` is what the provider charges, in `currency`. `stock` may be
    /// left empty for own numbers: they are counted. `durations` lists rental prices such as `4=0.90 24=2.00`.
    Import {
        /// The file
        file: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List what is sold
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Deserialize)]
struct Line {
    service: String,
    country: String,
    #[serde(default)]
    operator: String,
    #[serde(default)]
    pool: String,
    provider: String,
    #[serde(alias = "sale_price")]
    price: String,
    #[serde(default, alias = "provider_cost")]
    cost: String,
    #[serde(default, alias = "cost_currency")]
    currency: String,
    #[serde(default)]
    stock: String,
    #[serde(default)]
    durations: String,
}

pub(super) async fn carry_out(database: ResolvedDatabase, command: OffersCommand) -> Result<(), CliError> {
    let store = match command {
        OffersCommand::Import { .. } => boot::open_for_command(&database)?,
        OffersCommand::List { .. } => boot::open_existing(&database)?,
    };
    let vocabulary = boot::vocabulary()?;
    match command {
        OffersCommand::Import { file, json } => import(&store, &vocabulary, file, Output::new(json)).await,
        OffersCommand::List { json } => list(&store, &vocabulary, Output::new(json)).await,
    }
}

async fn import(
    store: &Store,
    vocabulary: &Vocabulary,
    file: PathBuf,
    output: Output,
) -> Result<(), CliError> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_path(&file)
        .map_err(|error| unreadable(&file, &error))?;
    let mut offers = Vec::new();
    for (index, line) in reader.deserialize::<Line>().enumerate() {
        let number = index.saturating_add(2);
        let line = line.map_err(|error| refused(format!("Line {number}: {error}. Nothing was imported.")))?;
        let read = read(&line, vocabulary)
            .map_err(|problem| refused(format!("Line {number}: {problem}. Nothing was imported.")))?;
        offers.extend(read);
    }
    let providers = store.read(providers_all).await.map_err(store_failed)?;
    for StoredOffer { offer, .. } in &offers {
        if !providers.iter().any(|provider| provider.code == offer.provider) {
            let code = offer.provider.as_str();
            return Err(refused(format!(
                "There is no provider {code}. Add it first: numberotp provider add {code}. Nothing was imported."
            )));
        }
    }
    let denied = denied_services(&offers)?;
    if !denied.is_empty() {
        Output::say(&format!(
            "Not sold, because the policy denies them unless the configuration excepts them: {}.",
            denied.join(", ")
        ));
    }
    let count = offers.len();
    store.write(move |tx| offers_put(tx, &offers)).await.map_err(store_failed)?;
    output.answer(&json!({ "imported": count }), || format!("{count} offers are set."));
    Ok(())
}

/// The services among them that the shipped policy denies, each once.
fn denied_services(offers: &[StoredOffer]) -> Result<Vec<String>, CliError> {
    let policy = Policy::new(boot::categories()?, PolicySettings::shipped(Place::Production))
        .map_err(|error| refused(error.to_string()))?;
    let services: BTreeSet<&ServiceCode> = offers.iter().map(|stored| &stored.offer.service).collect();
    let denied = services.into_iter().filter(|code| policy.decide(code) != Decision::Allowed);
    Ok(denied.map(|code| code.as_str().to_owned()).collect())
}

fn read(line: &Line, vocabulary: &Vocabulary) -> Result<Vec<StoredOffer>, String> {
    let service = vocabulary.find_service(&line.service, Spelling::SlugFirst);
    let service = service.ok_or_else(|| format!("the service {} is not known", line.service))?.code.clone();
    let country = vocabulary.find_country(&line.country);
    let country = country.ok_or_else(|| format!("the country {} is not known", line.country))?.id;
    let or = |text: &str, default: &str| if text.is_empty() { default.to_owned() } else { text.to_owned() };
    let operator =
        Operator::parse(&or(&line.operator, Operator::ANY)).ok_or("the operator is not a short name")?;
    let pool = Pool::parse(&or(&line.pool, "1")).ok_or("the pool is not 1, 2 or 3")?;
    let provider = ProviderCode::parse(&line.provider).ok_or("the provider is not a short name")?;
    let cost = Usd::parse(&or(&line.cost, "0"))
        .ok()
        .filter(|cost| cost.micros() >= 0)
        .ok_or("the cost is not an amount")?;
    let currency = or(&line.currency, "USD");
    if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Err("the currency is not three capital letters".to_owned());
    }
    let stock = match line.stock.as_str() {
        "" => None,
        text => Some(
            text.parse::<i64>().ok().filter(|stock| *stock >= 0).ok_or("the stock is not a whole number")?,
        ),
    };
    let mut terms = vec![(Term::Once, price(&line.price)?)];
    for word in line.durations.split([' ', ';']).filter(|word| !word.is_empty()) {
        let (hours, amount) = word.split_once('=').ok_or("durations are written like 4=0.90 24=2.00")?;
        let term =
            hours.parse().ok().and_then(Term::hours).ok_or_else(|| format!("{hours} hours are not sold"))?;
        terms.push((term, price(amount)?));
    }
    let offer = |(term, price): (Term, Usd)| StoredOffer {
        offer: Offer {
            id: OfferId::new(0),
            brand: PLATFORM,
            service: service.clone(),
            country,
            operator: operator.clone(),
            pool,
            provider: provider.clone(),
            term,
            price,
            provider_cost: cost.micros(),
            cost_currency: currency.clone(),
            count: stock.unwrap_or(0),
        },
        stock,
    };
    Ok(terms.into_iter().map(offer).collect())
}

fn price(text: &str) -> Result<Usd, String> {
    let price = Usd::parse(text).map_err(|error| format!("the price {text} {error}"))?;
    if price.is_price() {
        Ok(price)
    } else {
        Err(format!("the price {text} is not a multiple of 0.0001 above zero"))
    }
}

async fn list(store: &Store, vocabulary: &Vocabulary, output: Output) -> Result<(), CliError> {
    let offers = store.snapshot(|tx| offers_all(tx, PLATFORM)).await.map_err(store_failed)?;
    let row = |StoredOffer { offer, stock }: &StoredOffer| {
        let service = vocabulary.service(&offer.service).map(|service| service.slug.to_string());
        let country = vocabulary.country(offer.country).map(|country| country.iso.to_string());
        json!({
            "service": service,
            "country": country,
            "operator": offer.operator.as_str(),
            "pool": offer.pool.get(),
            "provider": offer.provider.as_str(),
            "hours": offer.term.code(),
            "price": offer.price.to_string(),
            "cost": Usd::from_micros(offer.provider_cost).to_string(),
            "currency": offer.cost_currency,
            "stock": stock,
        })
    };
    let values: Vec<Value> = offers.iter().map(row).collect();
    let lines = || values.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    output.answer(&Value::Array(values.clone()), lines);
    Ok(())
}
