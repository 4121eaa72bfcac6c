//! Offers, providers, settings, and the sandbox's own memory: what is written once stands, what is written anew
//! replaces, and every change is told to the servers.

use crate::store_stage::{PRICE, Stage, number, service, staged};
use numberotp_core::catalog::{Offer, Term};
use numberotp_core::id::{BrandId, OfferId, PLATFORM};
use numberotp_core::money::Usd;
use numberotp_core::secret::SecretBytes;
use numberotp_core::text::{Operator, Pool, ProviderCode};
use numberotp_core::time::Span;
use numberotp_core::vocabulary::CountryId;
use numberotp_server::store::StoreError;
use numberotp_server::store::offer::{
    ProviderKind, StoredOffer, StoredProvider, offers_all, offers_put, provider_create, provider_enable,
    providers_all,
};
use numberotp_server::store::sandbox::{
    NewSandboxPurchase, Play, sandbox_message_create, sandbox_message_get, sandbox_message_sent,
    sandbox_purchase_create, sandbox_purchase_get, sandbox_purchase_release,
};
use numberotp_server::store::setting::{revision_get, secret_fix, secret_get, setting_fix, setting_get};

fn provider(code: &str) -> StoredProvider {
    let code = ProviderCode::parse(code).unwrap();
    StoredProvider { code, kind: ProviderKind::Own, secret: vec![0, 1, 255], enabled: true }
}

fn offer(provider: &str, term: Term) -> StoredOffer {
    let offer = Offer {
        id: OfferId::new(0),
        brand: PLATFORM,
        service: service("tg"),
        country: CountryId::new(16),
        operator: Operator::any(),
        pool: Pool::new(2).unwrap(),
        provider: ProviderCode::parse(provider).unwrap(),
        term,
        price: PRICE,
        provider_cost: 20_000,
        cost_currency: "EUR".to_owned(),
        count: 0,
    };
    StoredOffer { offer, stock: Some(7) }
}

fn sold(stage: &mut Stage<'_>) -> Vec<StoredOffer> {
    stage.write(|tx| offers_all(tx, PLATFORM)).unwrap()
}

#[test]
fn an_offer_reads_back_and_takes_new_terms_in_its_place() {
    staged(|stage| {
        let (now, new) = (stage.now, provider("own"));
        assert!(stage.write(move |tx| provider_create(tx, PLATFORM, &new, now)).unwrap());
        let before = stage.write(revision_get).unwrap();
        let offers = [offer("own", Term::Once), offer("own", Term::Hours(24))];
        let put = offers.clone();
        stage.write(move |tx| offers_put(tx, &put)).unwrap();
        assert!(stage.write(revision_get).unwrap() > before);
        let all = sold(stage);
        let [once, day] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!((once.stock, once.offer.count, day.offer.term), (Some(7), 7, Term::Hours(24)));
        let [expected, _] = &offers;
        assert_eq!(once.offer, Offer { id: once.offer.id, count: 7, ..expected.offer.clone() });

        let mut cheaper = offer("own", Term::Once);
        (cheaper.offer.price, cheaper.stock) = (Usd::from_micros(100), None);
        stage.write(move |tx| offers_put(tx, std::slice::from_ref(&cheaper))).unwrap();
        let changed = sold(stage);
        assert_eq!(changed.len(), 2);
        let first = changed.first().unwrap();
        assert_eq!(
            (first.offer.id, first.offer.price, first.stock),
            (once.offer.id, Usd::from_micros(100), None)
        );
        assert!(stage.write(|tx| offers_all(tx, BrandId::new(2))).unwrap().is_empty());
    });
}

#[test]
fn offers_are_written_all_or_none() {
    staged(|stage| {
        let (now, new) = (stage.now, provider("own"));
        stage.write(move |tx| provider_create(tx, PLATFORM, &new, now)).unwrap();
        let before = stage.write(revision_get).unwrap();
        let mut odd = offer("own", Term::Hours(24));
        odd.offer.price = Usd::from_micros(50_050);
        let put = [offer("own", Term::Once), odd];
        let refused = stage.write(move |tx| offers_put(tx, &put));
        assert!(
            matches!(refused, Err(StoreError::Conflict(_))),
            "a price is a multiple of $0.0001: {refused:?}"
        );
        assert!(sold(stage).is_empty());
        assert_eq!(stage.write(revision_get).unwrap(), before);
    });
}

#[test]
fn a_provider_that_is_off_sells_nothing() {
    staged(|stage| {
        let now = stage.now;
        for code in ["own-b", "own-a"] {
            let new = provider(code);
            assert!(stage.write(move |tx| provider_create(tx, PLATFORM, &new, now)).unwrap());
            let again = StoredProvider { secret: vec![9], ..provider(code) };
            assert!(
                !stage.write(move |tx| provider_create(tx, PLATFORM, &again, now)).unwrap(),
                "the name is taken"
            );
            let put = [offer(code, Term::Once)];
            stage.write(move |tx| offers_put(tx, &put)).unwrap();
        }
        assert_eq!(sold(stage).len(), 2);
        let code = ProviderCode::parse("own-a").unwrap();
        let off = code.clone();
        assert!(stage.write(move |tx| provider_enable(tx, &off, false)).unwrap());
        assert_eq!(sold(stage).len(), 1);
        let all = stage.write(providers_all).unwrap();
        let told: Vec<_> = all.iter().map(|p| (p.code.as_str(), p.enabled, p.secret.as_slice())).collect();
        assert_eq!(told, [("own-a", false, [0, 1, 255].as_slice()), ("own-b", true, &[0, 1, 255])]);
        assert!(all.iter().all(|provider| provider.kind == ProviderKind::Own));
        assert!(stage.write(move |tx| provider_enable(tx, &code, true)).unwrap());
        assert_eq!(sold(stage).len(), 2);
        let nobody = ProviderCode::parse("nobody").unwrap();
        assert!(!stage.write(move |tx| provider_enable(tx, &nobody, true)).unwrap());
    });
}

#[test]
fn settings_and_secrets_are_written_once() {
    staged(|stage| {
        assert_eq!(stage.write(|tx| setting_get(tx, "mode")).unwrap(), None);
        assert_eq!(stage.write(|tx| setting_fix(tx, "mode", "sandbox")).unwrap(), "sandbox");
        assert_eq!(stage.write(|tx| setting_fix(tx, "mode", "production")).unwrap(), "sandbox");
        assert_eq!(stage.write(|tx| setting_get(tx, "mode")).unwrap().unwrap(), "sandbox");
        assert!(stage.write(|tx| secret_get(tx, "ids")).unwrap().is_none());
        for fresh in [[1, 0, 255].as_slice(), &[2]] {
            let fresh = SecretBytes::new(fresh);
            let kept = stage.write(move |tx| secret_fix(tx, "ids", &fresh)).unwrap();
            assert_eq!(kept.expose(), [1, 0, 255]);
        }
    });
}

fn purchase(stage: &Stage<'_>, reference: &str) -> NewSandboxPurchase {
    NewSandboxPurchase {
        reference: reference.to_owned(),
        number: number("447700900001"),
        service: "tg".to_owned(),
        operator: "any".to_owned(),
        message_at: Some(stage.now.plus(Span::seconds(3))),
        play: Play::default(),
        now: stage.now,
    }
}

#[test]
fn the_sandbox_gives_a_reference_one_number_and_owes_it_a_message() {
    staged(|stage| {
        let account = stage.person_with(PRICE.micros());
        let id = stage.reserved(account);
        let reference = id.get().to_string();
        let new = purchase(stage, &reference);
        let again = NewSandboxPurchase { number: number("447700900002"), ..new.clone() };
        let given = stage.write(move |tx| sandbox_purchase_create(tx, &new)).unwrap();
        let repeated = stage.write(move |tx| sandbox_purchase_create(tx, &again)).unwrap();
        assert_eq!((repeated.id, &repeated.number, repeated.messages), (given.id, &given.number, 1));
        assert_eq!(repeated.provider_ref(), given.provider_ref());
        let jobs = stage.list("SELECT CAST(subject_id AS TEXT) FROM jobs WHERE kind = 'sandbox_sms'");
        let [message] = jobs.as_slice() else { panic!("{jobs:?}") };

        let message: i64 = message.parse().unwrap();
        let owed = stage.write(move |tx| sandbox_message_get(tx, message)).unwrap().unwrap();
        assert_eq!((owed.purchase.id, owed.ordinal, owed.sent), (given.id, 1, false));
        let now = stage.now;
        stage.write(move |tx| sandbox_message_sent(tx, message, now)).unwrap();
        assert!(stage.write(move |tx| sandbox_message_get(tx, message)).unwrap().unwrap().sent);
        assert!(stage.write(|tx| sandbox_message_get(tx, 404)).unwrap().is_none());

        let purchase = given.id;
        stage.write(move |tx| sandbox_message_create(tx, purchase, now)).unwrap();
        let orphan = stage.write(move |tx| sandbox_message_create(tx, 404, now));
        assert!(matches!(orphan, Err(StoreError::Corrupt { .. })), "{orphan:?}");
        let found = reference.clone();
        assert_eq!(stage.write(move |tx| sandbox_purchase_get(tx, &found)).unwrap().unwrap().messages, 2);

        for _ in 0..2 {
            let reference = reference.clone();
            assert!(stage.write(move |tx| sandbox_purchase_release(tx, &reference, now)).unwrap());
        }
        assert!(stage.write(move |tx| sandbox_purchase_get(tx, &reference)).unwrap().unwrap().released);
        assert!(!stage.write(move |tx| sandbox_purchase_release(tx, "404", now)).unwrap());
    });
}
