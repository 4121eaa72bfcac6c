//! What a sandbox starts with: its provider, about sixty services in ten countries, and the demo account.
//! Each step looks whether it was done, so a second start changes nothing.

use super::auth::api_key_stored;
use super::catalog::secret_name;
use crate::store::account::{NewAccount, account_by_email, account_create};
use crate::store::api_key::{api_key_by_hash, api_key_create};
use crate::store::ledger::{OperatorChange, purses_change};
use crate::store::offer::{
    ProviderKind, StoredOffer, StoredProvider, offers_put, provider_create, providers_all,
};
use crate::store::{Store, StoreError, Tx};
use crate::vault::{Vault, VaultError};
use numberotp_core::caller::{Role, Scopes, Standing};
use numberotp_core::catalog::{Offer, Term};
use numberotp_core::id::{OfferId, PLATFORM};
use numberotp_core::ledger::{Change, MovementKind, Purse};
use numberotp_core::money::{CreditValue, Usd};
use numberotp_core::secret::{Secret, SecretBytes};
use numberotp_core::text::{Email, Operator, Pool, ProviderCode};
use numberotp_core::time::Time;
use numberotp_core::token;
use numberotp_core::vocabulary::{ServiceCode, Vocabulary};
use numberotp_providers::sandbox::CODE;
use numberotp_providers::sandbox::offers::{SandboxOffer, offers};

/// The demo account's e-mail.
pub const DEMO_EMAIL: &str = "demo@sandbox.local";
/// Its credits and its balance: the published page's example.
const DEMO_CREDITS: i64 = 2_000;
const DEMO_BALANCE: i64 = 100_500_000;

/// The demo account's published key. Valid in sandbox databases only.
pub fn api_key() -> Secret {
    token::api_key_from_body(token::DEMO_API_KEY_BODY)
}

/// Makes the sandbox's provider and offers if they are not there.
pub async fn sandbox(
    store: &Store,
    vault: &Vault,
    vocabulary: &Vocabulary,
    secret: &SecretBytes,
    now: Time,
) -> Result<(), VaultError> {
    let missing = || StoreError::Corrupt { table: "providers", column: "code" };
    let code = ProviderCode::parse(CODE).ok_or_else(missing)?;
    let wrapped = vault.wrap(&secret_name(&code), secret)?;
    let provider =
        StoredProvider { code: code.clone(), kind: ProviderKind::Sandbox, secret: wrapped, enabled: true };
    let all: Vec<StoredOffer> = offers().iter().flat_map(|offer| stored(offer, &code, vocabulary)).collect();
    let made = store.write(move |tx| {
        if providers_all(tx)?.iter().any(|known| known.kind == ProviderKind::Sandbox) {
            return Ok(());
        }
        provider_create(tx, PLATFORM, &provider, now)?;
        offers_put(tx, &all)
    });
    made.await.map_err(VaultError::from)
}

/// A sandbox offer and its rentals, as stored offers.
fn stored(offer: &SandboxOffer, provider: &ProviderCode, vocabulary: &Vocabulary) -> Vec<StoredOffer> {
    let place = || {
        let service = ServiceCode::parse(offer.service)?;
        let country = vocabulary.find_country(offer.country_iso)?.id;
        Some((service, country, Operator::parse(offer.operator)?, Pool::new(offer.pool)?))
    };
    let Some((service, country, operator, pool)) = place() else { return Vec::new() };
    let once = (Term::Once, offer.price_micros, offer.count);
    let rentals =
        offer.rentals.iter().filter_map(|(hours, price, count)| Some((Term::hours(*hours)?, *price, *count)));
    let row = |(term, price, count): (Term, i64, i64)| StoredOffer {
        offer: Offer {
            id: OfferId::new(0),
            brand: PLATFORM,
            service: service.clone(),
            country,
            operator: operator.clone(),
            pool,
            provider: provider.clone(),
            term,
            price: Usd::from_micros(price),
            provider_cost: offer.provider_cost_micros,
            cost_currency: "USD".to_owned(),
            count,
        },
        stock: Some(count),
    };
    std::iter::once(once).chain(rentals).map(row).collect()
}

/// Makes the demo account if it is not there: approved, with the published example's purses and key.
pub async fn account(store: &Store, now: Time) -> Result<(), StoreError> {
    store.write(move |tx| make_account(tx, now)).await
}

fn make_account(tx: &mut Tx<'_>, now: Time) -> Result<(), StoreError> {
    let missing = StoreError::Corrupt { table: "accounts", column: "email" };
    let email = Email::parse(DEMO_EMAIL).ok_or(missing)?;
    let key = api_key();
    if api_key_by_hash(tx, &token::hash(key.expose()), now)?.is_some()
        || account_by_email(tx, PLATFORM, &email)?.is_some()
    {
        return Ok(());
    }
    let new = NewAccount {
        brand: PLATFORM,
        email,
        name: "Demo".to_owned(),
        password_hash: None,
        role: Role::Customer,
        standing: Standing::Approved,
        now,
    };
    let Some(account) = account_create(tx, &new)? else { return Ok(()) };
    api_key_create(tx, &api_key_stored(&account, &key, "demo", (Scopes::READ_BUY, now)))?;
    let grants = [
        (MovementKind::Adjustment, Change { purse: Purse::Balance, amount: DEMO_BALANCE }),
        (MovementKind::Bonus, Change { purse: Purse::Granted, amount: DEMO_CREDITS }),
    ];
    for (kind, change) in grants {
        let credit = CreditValue::PUBLISHED;
        let order = OperatorChange { brand: PLATFORM, account: account.id, kind, change, credit, now };
        if purses_change(tx, order)?.is_err() {
            return Err(StoreError::Driver("the demo account's purses refuse".to_owned()));
        }
    }
    Ok(())
}
