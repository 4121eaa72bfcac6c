//! A provider's webhook secret is replaced: for a while both are good, then the old one proves nothing any more.

use crate::http_stage::{look, rent_by, text};
use numberotp_core::secret::SecretBytes;
use numberotp_core::text::ProviderCode;
use numberotp_core::time::Span;
use numberotp_core::webhook::{SIGNATURE_HEADER, sign};
use numberotp_server::store::number::Sharing;
use numberotp_server::store::provider_key::{provider_keys_all, provider_rotate};
use numberotp_testkit::app::{Answer, Gateway, Setup, Sim, TestApp, with_app};
use serde_json::{Value, json};

const MODEM: Gateway = Gateway {
    code: "modem",
    country: "GB",
    sims: &[Sim { number: "+447700900301", operator: "ee", sharing: Sharing::Exclusive }],
    offers: &[("telegram", 1, 50_000)],
};
const DAY: Span = Span::hours(24);

fn message(name: &str, says: &str) -> Value {
    json!({ "number": "+447700900301", "text": says, "messageId": name })
}

async fn signed(app: &TestApp<'_>, secret: &SecretBytes, message: &Value) -> Answer {
    let body = message.to_string();
    let post = app.post("/api/webhooks/sms/modem").header(SIGNATURE_HEADER, &sign(secret, body.as_bytes()));
    post.body("application/json", body).send().await
}

async fn kept(app: &TestApp<'_>) -> usize {
    app.read(provider_keys_all).await.len()
}

#[test]
fn both_secrets_are_good_in_the_overlap_and_the_old_one_ends_at_its_moment() {
    with_app(Setup::production(), async |app| {
        app.own_gateway(&MODEM).await;
        let customer = app.account(0, 50_000).await;
        let rented = rent_by(app, &customer, json!({ "service": "telegram", "country": "GB" })).await;
        let id = text(&rented, "id");
        let old = app.rotate("modem", DAY).await;
        assert_eq!(signed(app, &old, &message("m1", "Telegram code: 11111")).await.ok()["matched"], true);
        assert_eq!(app.deliver("modem", &message("m2", "Telegram code: 22222")).await.ok()["matched"], true);
        // A repeat of what the old one signed is the same message under the new one.
        assert_eq!(app.deliver("modem", &message("m1", "Telegram code: 11111")).await.ok()["matched"], true);
        assert_eq!(look(app, &customer, id).await["sms"].as_array().unwrap().len(), 2);

        app.advance(Span::micros(DAY.as_micros() - 1));
        signed(app, &old, &message("m3", "x")).await.ok();
        app.advance(Span::micros(1));
        signed(app, &old, &message("m4", "x")).await.refused(401, "INVALID_SIGNATURE");
        app.deliver("modem", &message("m4", "x")).await.ok();
        // Good or not, it was kept until somebody cleaned up; and a restart changes nothing of it.
        assert_eq!(kept(app).await, 1);
        app.restart().await;
        signed(app, &old, &message("m5", "x")).await.refused(401, "INVALID_SIGNATURE");
        app.run_jobs().await;
        app.advance(Span::minutes(11));
        app.run_jobs().await;
        assert_eq!(kept(app).await, 0);
    });
}

#[test]
fn a_secret_that_leaked_ends_at_once_with_all_that_were_before_it() {
    with_app(Setup::production(), async |app| {
        app.own_gateway(&MODEM).await;
        let first = app.rotate("modem", DAY).await;
        let second = app.rotate("modem", DAY).await;
        for old in [&first, &second] {
            signed(app, old, &message("m1", "x")).await.ok();
        }
        let third = app.rotate("modem", Span::seconds(0)).await;
        for old in [&first, &second, &third] {
            signed(app, old, &message("m2", "x")).await.refused(401, "INVALID_SIGNATURE");
        }
        app.deliver("modem", &message("m2", "x")).await.ok();
        assert_eq!(kept(app).await, 0);
    });
}

#[test]
fn a_restart_in_the_overlap_knows_both_and_another_gateway_knows_neither() {
    with_app(Setup::production(), async |app| {
        app.own_gateway(&MODEM).await;
        app.own_gateway(&Gateway { code: "other", sims: &[], offers: &[], ..MODEM }).await;
        let old = app.rotate("modem", DAY).await;
        app.restart().await;
        signed(app, &old, &message("m1", "x")).await.ok();
        app.deliver("modem", &message("m2", "x")).await.ok();
        let body = message("m3", "x").to_string();
        app.post("/api/webhooks/sms/other")
            .header(SIGNATURE_HEADER, &sign(&old, body.as_bytes()))
            .body("application/json", body)
            .refused(401, "INVALID_SIGNATURE")
            .await;
    });
}

#[test]
fn of_many_who_rotate_at_once_every_secret_is_kept_for_its_time() {
    with_app(Setup::production(), async |app| {
        app.own_gateway(&MODEM).await;
        let (store, now) = (&app.context().store, app.now());
        let code = ProviderCode::parse("modem").unwrap();
        let rotate = |turn: u8| {
            let code = code.clone();
            store.write(move |tx| provider_rotate(tx, &code, &[turn], (now, now.plus(DAY))))
        };
        let rotated = futures_util::future::join_all((0..20).map(rotate)).await;
        assert!(rotated.into_iter().all(|known| known.unwrap()));
        let mut kept: Vec<Vec<u8>> =
            app.read(provider_keys_all).await.into_iter().map(|key| key.secret).collect();
        kept.sort();
        kept.dedup();
        assert_eq!(kept.len(), 20, "each that was replaced, once");
        let nobody = ProviderCode::parse("nobody").unwrap();
        assert!(!app.write(move |tx| provider_rotate(tx, &nobody, &[0], (now, now))).await);
    });
}
