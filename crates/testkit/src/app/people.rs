//! Who deals with the app: customers with money and keys, and operators' gateways with numbers, offers and a
//! secret to sign with. Made as the command line makes them, by the store's own functions.

use super::{Answer, TestApp, must, wrapped};
use numberotp_core::caller::{Role, Scopes, Standing};
use numberotp_core::catalog::{Offer, Term};
use numberotp_core::id::{AccountId, OfferId, PLATFORM};
use numberotp_core::ledger::{Change, MovementKind, Purse};
use numberotp_core::money::{CreditValue, Usd};
use numberotp_core::secret::SecretBytes;
use numberotp_core::text::{Email, Operator, PhoneNumber, Pool, ProviderCode};
use numberotp_core::time::Span;
use numberotp_core::vocabulary::{CountryId, ServiceCode, Spelling};
use numberotp_core::webhook::{SIGNATURE_HEADER, sign};
use numberotp_providers::sandbox;
use numberotp_server::app::auth::{api_key_make, jwt_make, session_make, session_store};
use numberotp_server::app::catalog::secret_name;
use numberotp_server::entropy;
use numberotp_server::store::account::{
    Account, NewAccount, account_create, account_get, account_set_standing,
};
use numberotp_server::store::api_key::api_key_create;
use numberotp_server::store::ledger::{OperatorChange, purses_change};
use numberotp_server::store::number::{OwnNumber, Sharing, numbers_put};
use numberotp_server::store::offer::{
    ProviderKind, StoredOffer, StoredProvider, offers_put, provider_create,
};
use numberotp_server::store::provider_key::provider_rotate;
use numberotp_server::store::session::Device;
use serde_json::Value;

/// An account with a key that may read and buy.
#[derive(Clone, Debug)]
pub struct Customer {
    /// Its row.
    pub account: AccountId,
    /// Its e-mail.
    pub email: String,
    /// Its API key.
    pub key: String,
}

/// A number that an operator puts into a gateway.
#[derive(Clone, Copy, Debug)]
pub struct Sim {
    /// E.164.
    pub number: &'static str,
    /// Its operator.
    pub operator: &'static str,
    /// Whether purchases of different services may have it at once.
    pub sharing: Sharing,
}

/// A gateway of the operator's own, as it is to be set up.
#[derive(Clone, Copy, Debug)]
pub struct Gateway {
    /// Its short name.
    pub code: &'static str,
    /// The country of its numbers, by any name.
    pub country: &'static str,
    /// Its numbers.
    pub sims: &'static [Sim],
    /// What is sold: service by any name, pool, price in micro-dollars. Stock is counted.
    pub offers: &'static [(&'static str, u8, i64)],
}

impl TestApp<'_> {
    // --- customers --------------------------------------------------------------------------------------

    /// An approved account with so many credits (granted) and so many micro-dollars.
    pub async fn account(&self, credits: i64, balance: i64) -> Customer {
        let customer = self.account_of(Role::Customer).await;
        self.give(&customer, Purse::Granted, credits).await;
        self.give(&customer, Purse::Balance, balance).await;
        customer
    }

    /// An approved account of a role, with nothing.
    pub async fn account_of(&self, role: Role) -> Customer {
        let now = self.now();
        let random = must("randomness", entropy::bytes::<6>());
        let tag: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let email = format!("customer-{tag}@example.com");
        let new = NewAccount {
            brand: PLATFORM,
            email: must(&email, Email::parse(&email).ok_or("is no address")),
            name: "Customer".to_owned(),
            password_hash: None,
            role,
            standing: Standing::Approved,
            now,
        };
        let made = self.write(move |tx| account_create(tx, &new)).await;
        let account = must(&email, made.ok_or("is taken")).id;
        let mut customer = Customer { account, email, key: String::new() };
        customer.key = self.key(&customer, Scopes::READ_BUY).await;
        customer
    }

    /// Puts something into a purse, in the purse's own unit; nothing where it is zero.
    pub async fn give(&self, customer: &Customer, purse: Purse, amount: i64) {
        if amount == 0 {
            return;
        }
        let kind = if purse == Purse::Balance { MovementKind::Topup } else { MovementKind::Bonus };
        let (change, credit) = (Change { purse, amount }, CreditValue::PUBLISHED);
        let (account, now) = (customer.account, self.now());
        let order = OperatorChange { brand: PLATFORM, account, kind, change, credit, now };
        let changed = self.write(move |tx| purses_change(tx, order)).await;
        must("the purses", changed.map_err(|refused| format!("refuse: {refused:?}")));
    }

    /// Lets it buy or stops it.
    pub async fn set_standing(&self, customer: &Customer, standing: Standing) {
        let account = customer.account;
        self.write(move |tx| account_set_standing(tx, account, standing)).await;
    }

    /// Another API key of the same account.
    pub async fn key(&self, customer: &Customer, scopes: Scopes) -> String {
        let made = api_key_make(&self.stored(customer).await, "test", scopes, self.now());
        let (key, stored) = must("a key", made);
        self.write(move |tx| api_key_create(tx, &stored)).await;
        key.expose().to_owned()
    }

    /// A session of the account.
    pub async fn session(&self, customer: &Customer) -> String {
        let (account, now) = (self.stored(customer).await, self.now());
        let session = must("a session", session_make());
        let token = session.expose().to_owned();
        self.write(move |tx| session_store(tx, &account, &session, (Device::default(), now))).await;
        token
    }

    /// A signed token of the account.
    pub async fn jwt(&self, customer: &Customer) -> String {
        let (account, now) = (self.stored(customer).await, self.now());
        let (whose, session) = (account.clone(), must("a session", session_make()));
        let stored = self.write(move |tx| session_store(tx, &whose, &session, (Device::default(), now)));
        must("a token", jwt_make(&self.context().jwt_key, &account, stored.await, now)).expose().to_owned()
    }

    async fn stored(&self, customer: &Customer) -> Account {
        let id = customer.account;
        must(&customer.email, self.read(move |tx| account_get(tx, id)).await.ok_or("is gone"))
    }

    // --- gateways ---------------------------------------------------------------------------------------

    /// Sets a gateway up with its numbers and offers, and lets the app see them.
    pub async fn own_gateway(&mut self, gateway: &Gateway) {
        let code = provider(gateway.code);
        let secret = must("randomness", entropy::key::<32>());
        let wrapped = wrapped(self.context().vault.wrap(&secret_name(&code), &secret));
        let stored =
            StoredProvider { code: code.clone(), kind: ProviderKind::Own, secret: wrapped, enabled: true };
        let country = self.country(gateway.country);
        let numbers: Vec<OwnNumber> = gateway.sims.iter().map(|sim| own(sim, country, &code)).collect();
        let offers: Vec<StoredOffer> = gateway
            .offers
            .iter()
            .map(|(service, pool, price)| counted((self.service(service), country), &code, (*pool, *price)))
            .collect();
        let now = self.now();
        let made = self.write(move |tx| {
            let made = provider_create(tx, PLATFORM, &stored, now)?;
            numbers_put(tx, PLATFORM, &numbers)?;
            offers_put(tx, &offers)?;
            Ok(made)
        });
        assert!(made.await, "there is a provider {} already", gateway.code);
        self.gateways.push((gateway.code.to_owned(), secret));
        self.refresh().await;
    }

    /// Gives a gateway a new secret, which signs from now on; answers the old one, good for so long.
    pub async fn rotate(&mut self, code: &str, keep: Span) -> SecretBytes {
        let (named, now) = (provider(code), self.now());
        let secret = must("randomness", entropy::key::<32>());
        let wrapped = wrapped(self.context().vault.wrap(&secret_name(&named), &secret));
        let until = now.plus(keep);
        let known = self.write(move |tx| provider_rotate(tx, &named, &wrapped, (now, until)));
        assert!(known.await, "there is no provider {code}");
        self.refresh().await;
        let own = self.gateways.iter_mut().find(|(own, _)| own == code);
        let (_, current) = must(code, own.ok_or("is no gateway of this app"));
        std::mem::replace(current, secret)
    }

    fn service(&self, name: &str) -> ServiceCode {
        let found = self.context().vocabulary.find_service(name, Spelling::SlugFirst);
        must(name, found.ok_or("is no service")).code.clone()
    }
    fn country(&self, name: &str) -> CountryId {
        must(name, self.context().vocabulary.find_country(name).ok_or("is no country")).id
    }

    /// The signature of a provider over a body.
    pub fn signature(&self, provider: &str, body: &str) -> String {
        let own = self.gateways.iter().find(|(code, _)| code == provider).map(|(_, secret)| secret);
        let sandbox = || self.context().sandbox_secret.as_ref().filter(|_| provider == sandbox::CODE);
        sign(must(provider, own.or_else(sandbox).ok_or("has no secret here")), body.as_bytes())
    }

    /// A provider's webhook, signed.
    pub async fn deliver(&self, provider: &str, message: &Value) -> Answer {
        let body = message.to_string();
        let signature = self.signature(provider, &body);
        let post = self.post(&format!("/api/webhooks/sms/{provider}"));
        post.header(SIGNATURE_HEADER, &signature).body("application/json", body).send().await
    }
}

fn provider(code: &str) -> ProviderCode {
    must(code, ProviderCode::parse(code).ok_or("is no provider's name"))
}

fn own(sim: &Sim, country: CountryId, provider: &ProviderCode) -> OwnNumber {
    OwnNumber {
        number: must(sim.number, PhoneNumber::parse(sim.number).ok_or("is no number")),
        country,
        operator: must(sim.operator, Operator::parse(sim.operator).ok_or("is no operator")),
        provider: provider.clone(),
        sharing: sim.sharing,
    }
}

fn counted(
    (service, country): (ServiceCode, CountryId),
    provider: &ProviderCode,
    (pool, price): (u8, i64),
) -> StoredOffer {
    let offer = Offer {
        id: OfferId::new(0),
        brand: PLATFORM,
        service,
        country,
        operator: Operator::any(),
        pool: must("a pool", Pool::new(pool).ok_or("is 1 to 3")),
        provider: provider.clone(),
        term: Term::Once,
        price: Usd::from_micros(price),
        provider_cost: 0,
        cost_currency: "USD".to_owned(),
        count: 0,
    };
    StoredOffer { offer, stock: None }
}
