//! What every measured database holds: an instant provider, a catalog, customers with money and keys.
//! Guards: keys follow from an ordinal, so that the load knows them without being told.
//! Must never run on a database that somebody else uses.

use crate::Told;
use crate::serve::webhook_secret;
use crate::told::About;
use numberotp_core::caller::{Role, Scopes, Standing};
use numberotp_core::catalog::{Offer, Term};
use numberotp_core::id::{OfferId, PLATFORM};
use numberotp_core::ledger::{Change, MovementKind, Purse};
use numberotp_core::money::{CreditValue, Usd};
use numberotp_core::secret::Secret;
use numberotp_core::text::{Email, Operator, Pool, ProviderCode};
use numberotp_core::time::Time;
use numberotp_core::token;
use numberotp_core::vocabulary::Vocabulary;
use numberotp_server::app::Context;
use numberotp_server::app::auth::api_key_stored;
use numberotp_server::app::catalog::secret_name;
use numberotp_server::store::account::{NewAccount, account_by_email, account_create};
use numberotp_server::store::api_key::api_key_create;
use numberotp_server::store::ledger::{OperatorChange, purses_change};
use numberotp_server::store::offer::{
    ProviderKind, StoredOffer, StoredProvider, offers_put, provider_create,
};
use numberotp_server::store::{StoreError, Tx};
use numberotp_testkit::instant;

/// What is bought.
pub const SERVICE: &str = "tg";
/// Where.
pub const COUNTRY: &str = "US";
/// Countries and services of the catalog: a country's answer has about 2 KB, the whole list more than 60.
const COUNTRIES: usize = 32;
const SERVICES: usize = 37;
/// Price of a rent, in micro-dollars, and what each customer has.
const PRICE: i64 = 10_000;
const BALANCE: i64 = 1_000_000_000_000;
/// Accounts made in one transaction.
const AT_ONCE: u32 = 250;

/// The key of an account.
pub fn key(account: u32) -> Secret {
    // A digit each: a byte of a key stands for a letter, of which there are fewer than bytes.
    let random: Vec<u8> = format!("{account:030}").bytes().map(|digit| digit.wrapping_sub(b'0')).collect();
    token::api_key(&random)
}

/// The e-mail of an account.
pub fn email(account: u32) -> Told<Email> {
    Email::parse(&format!("bench-{account}@example.com")).about("an e-mail")
}

/// Fills the database, unless that was done.
pub async fn fill(context: &Context, accounts: u32) -> Told<()> {
    let last = email(accounts.saturating_sub(1))?;
    let known =
        context.store.read(move |tx| account_by_email(tx, PLATFORM, &last)).await.about("the accounts")?;
    if known.is_some() {
        return Ok(());
    }
    let now = context.clock.now();
    let (provider, offers) = (provider(context)?, offers(&context.vocabulary)?);
    let write = move |tx: &mut Tx<'_>| {
        provider_create(tx, PLATFORM, &provider, now)?;
        offers_put(tx, &offers)
    };
    context.store.write(write).await.about("the catalog")?;
    let mut from = 0_u32;
    while from < accounts {
        let to = from.saturating_add(AT_ONCE).min(accounts);
        let emails = (from..to).map(|index| Ok((index, email(index)?))).collect::<Told<Vec<_>>>()?;
        let write = move |tx: &mut Tx<'_>| emails.iter().try_for_each(|one| account(tx, one, now));
        context.store.write(write).await.about("the accounts")?;
        from = to;
    }
    Ok(())
}

fn account(tx: &mut Tx<'_>, (index, email): &(u32, Email), now: Time) -> Result<(), StoreError> {
    let new = NewAccount {
        brand: PLATFORM,
        email: email.clone(),
        name: "Bench".to_owned(),
        password_hash: None,
        role: Role::Customer,
        standing: Standing::Approved,
        now,
    };
    let Some(made) = account_create(tx, &new)? else { return Ok(()) };
    api_key_create(tx, &api_key_stored(&made, &key(*index), "bench", (Scopes::READ_BUY, now)))?;
    let change = Change { purse: Purse::Balance, amount: BALANCE };
    let (kind, credit) = (MovementKind::Topup, CreditValue::PUBLISHED);
    let order = OperatorChange { brand: PLATFORM, account: made.id, kind, change, credit, now };
    purses_change(tx, order).map(drop)
}

/// The instant provider's short name.
pub fn provider_code() -> Told<ProviderCode> {
    ProviderCode::parse(instant::CODE).about("the provider's name")
}

fn provider(context: &Context) -> Told<StoredProvider> {
    let code = provider_code()?;
    let secret = context.vault.wrap(&secret_name(&code), &webhook_secret()).about("the provider's secret")?;
    Ok(StoredProvider { code, kind: ProviderKind::Own, secret, enabled: true })
}

/// What is bought, and beside it what makes the lists as long as they are to be.
fn offers(vocabulary: &Vocabulary) -> Told<Vec<StoredOffer>> {
    let primary = |iso: &str| vocabulary.find_country(iso).map(|country| country.id);
    let bought = primary(COUNTRY).about("the country")?;
    let countries = vocabulary.countries().iter().filter(|country| primary(&country.iso) == Some(country.id));
    let others =
        countries.map(|country| country.id).filter(|id| *id != bought).take(COUNTRIES.saturating_sub(1));
    let services = vocabulary.services().iter().map(|service| &service.code);
    let others_codes =
        services.clone().filter(|code| code.as_str() != SERVICE).take(SERVICES.saturating_sub(1));
    let wanted = services.filter(|code| code.as_str() == SERVICE).chain(others_codes);
    let codes: Vec<_> = wanted.cloned().collect();
    let pool = Pool::new(1).about("a pool")?;
    let mut offers = Vec::new();
    for country in std::iter::once(bought).chain(others) {
        for service in &codes {
            let offer = Offer {
                id: OfferId::new(0),
                brand: PLATFORM,
                service: service.clone(),
                country,
                operator: Operator::any(),
                pool,
                provider: provider_code()?,
                term: Term::Once,
                price: Usd::from_micros(PRICE),
                provider_cost: 0,
                cost_currency: "USD".to_owned(),
                count: 0,
            };
            offers.push(StoredOffer { offer, stock: Some(1_000_000) });
        }
    }
    Ok(offers)
}
