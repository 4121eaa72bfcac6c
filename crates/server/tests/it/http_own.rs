//! Own numbers in production: rented, read and given back like any other, while the prices count what is free.
//! No sandbox is there, no demo key, and every number is one buyer's at a time.

use crate::http_stage::{RENT, at, listed, look, movements, purses, rent_by, row, step, text};
use numberotp_core::time::Span;
use numberotp_server::app::upstream::Interference;
use numberotp_server::store::number::Sharing;
use numberotp_testkit::app::{Customer, Gateway, Setup, Sim, TestApp, with_app};
use serde_json::{Value, json};
use std::time::Duration;

const SIMS: &[Sim] = &[
    Sim { number: "+447700900101", operator: "ee", sharing: Sharing::Exclusive },
    Sim { number: "+447700900102", operator: "o2", sharing: Sharing::Exclusive },
];
const MODEMS: Gateway = Gateway {
    code: "modems",
    country: "GB",
    sims: SIMS,
    offers: &[("telegram", 1, 50_000), ("whatsapp", 2, 420_000)],
};
/// Two credits' worth of one number that may be several services' at once.
const SHARED: Gateway = Gateway {
    code: "shared",
    country: "GB",
    sims: &[Sim { number: "+447700900201", operator: "ee", sharing: Sharing::Shared }],
    offers: &[("telegram", 1, 50_000), ("whatsapp", 1, 50_000)],
};

fn telegram() -> Value {
    json!({ "service": "telegram", "country": "GB" })
}

/// What the prices say is left for telegram, after the server has looked again.
async fn left(app: &TestApp<'_>) -> String {
    app.refresh().await;
    let prices = app.get("/api/public/prices?service=telegram").ok().await;
    text(&prices["data"]["GB"]["telegram"]["services"]["1"], "count").to_owned()
}

/// The same for any service in any pool.
async fn left_for(app: &TestApp<'_>, service: &str, pool: &str) -> String {
    app.refresh().await;
    let prices = app.get(&format!("/api/public/prices?service={service}")).ok().await;
    text(&prices["data"]["GB"][service]["services"][pool], "count").to_owned()
}

async fn rent(app: &TestApp<'_>, customer: &Customer) -> (String, String) {
    let data = rent_by(app, customer, telegram()).await;
    (text(&data, "id").to_owned(), text(&data, "number").to_owned())
}

/// A message as a modem knows it: a number and a text.
async fn sms(app: &TestApp<'_>, number: &str, says: &str) -> bool {
    let at = app.now().to_rfc3339_seconds();
    let body = json!({ "number": number, "text": says, "from": "Telegram", "receivedAt": at });
    app.deliver("modems", &body).await.ok()["matched"].as_bool().unwrap()
}

#[test]
fn an_own_number_is_rented_read_and_given_back() {
    with_app(Setup::production(), async |app| {
        let customer = app.account(0, 1_000_000).await;
        assert_eq!(
            app.get("/api/public/prices").ok().await["data"],
            json!({}),
            "production begins with nothing"
        );
        app.own_gateway(&MODEMS).await;
        let prices = app.get("/api/public/prices").send().await;
        let tree = r#"{"success":true,"data":{"GB":{"telegram":{"services":{"1":{"cost":"0.05","count":"2"}}},"whatsapp":{"services":{"2":{"cost":"0.42","count":"2"}}}}},"source":"api"}"#;
        assert_eq!(prices.text(), tree);

        let (first, number) = rent(app, &customer).await;
        assert_eq!(left(app).await, "1");
        let (second, other) = rent(app, &customer).await;
        assert_ne!(number, other);
        assert_eq!(left(app).await, "0", "sold out, and still in the tree");
        app.post(RENT).by(&customer).json(&telegram()).refused(404, "NO_NUMBERS_AVAILABLE").await;
        assert_eq!(purses(app, &customer).await, (0, 0.9));

        assert!(sms(app, &number, "Telegram code: 48291").await);
        let read = look(app, &customer, &first).await;
        assert_eq!(
            (text(&read, "status"), text(&read, "otp"), text(&read, "operator")),
            ("received", "48291", "any")
        );
        assert_eq!(look(app, &customer, &second).await["status"], "waiting");
        step(app, &customer, &first, "resend").await.refused(409, "RESEND_NOT_SUPPORTED");

        step(app, &customer, &first, "finish").await.ok();
        step(app, &customer, &second, "cancel").await.ok();
        assert_eq!(left(app).await, "0", "not free before the gateway knows");
        app.run_jobs().await;
        assert_eq!(left(app).await, "0", "they rest");
        app.advance(Span::hours(24));
        assert_eq!(left(app).await, "1", "and telegram had one of them: its message came");
        assert_eq!(left_for(app, "whatsapp", "2").await, "2");
        assert_eq!(purses(app, &customer).await, (0, 0.95));
        assert_eq!(movements(app, &customer).await.len(), 4);
    });
}

/// A number without a message was nobody's account: what a buyer who cancels takes is a day of it, not a year.
#[test]
fn renting_and_giving_back_uses_no_number_up() {
    with_app(Setup::production(), async |app| {
        app.own_gateway(&MODEMS).await;
        let customer = app.account(0, 1_000_000).await;
        for _ in 0..3 {
            for _ in SIMS {
                let (id, _) = rent(app, &customer).await;
                step(app, &customer, &id, "cancel").await.ok();
            }
            app.run_jobs().await;
            assert_eq!(left(app).await, "0", "they rest");
            app.advance(Span::hours(24));
            assert_eq!(left(app).await, "2");
        }
        rent(app, &customer).await;
        // The window ends, and the gateway hears of it twice: once its answer is lost.
        app.advance(Span::minutes(20));
        app.line().on("release", Interference::LoseReply);
        app.run_jobs().await;
        app.line().mend();
        app.advance(Span::hours(24));
        app.run_jobs().await;
        assert_eq!((app.line().count("release") > 7, left(app).await.as_str()), (true, "2"));
        assert_eq!(purses(app, &customer).await, (0, 1.0));
        let (_, number) = rent(app, &customer).await;
        assert!(sms(app, &number, "Telegram code: 48291").await);
        app.advance(Span::minutes(20));
        app.run_jobs().await;
        app.advance(Span::hours(24));
        assert_eq!(left(app).await, "1", "one has an account now");
        assert_eq!(purses(app, &customer).await, (0, 0.95));
    });
}

#[test]
fn what_production_does_not_have() {
    with_app(Setup::production(), async |app| {
        let demo = numberotp_server::app::demo::api_key();
        app.get("/api/internal/balance").bearer(demo.expose()).refused(401, "UNAUTHORIZED").await;
        app.post("/api/webhooks/sms/sandbox").json(&json!({})).refused(404, "NOT_FOUND").await;
        assert!(app.context().sandbox_secret.is_none());
        let customer = app.account(100, 0).await;
        app.post(RENT).by(&customer).json(&telegram()).refused(404, "NO_NUMBERS_AVAILABLE").await;
        app.own_gateway(&MODEMS).await;
        rent(app, &customer).await;
        app.live(30).await;
        assert_eq!(listed(app, &customer, "?status=waiting").await.len(), 1, "no message comes by itself");
    });
}

#[test]
fn the_last_number_is_one_buyers_however_many_ask_at_once() {
    with_app(Setup::production(), async |app| {
        app.own_gateway(&MODEMS).await;
        let customer = app.account(0, 100_000_000).await;
        let asked: Vec<_> = (0..40).map(|_| app.post(RENT).by(&customer).json(&telegram()).start()).collect();
        let mut numbers = Vec::new();
        for answer in asked {
            let answer = answer.await.unwrap();
            match answer.status {
                200 => numbers.push(text(&answer.json()["data"], "number").to_owned()),
                _ => drop(answer.refused(404, "NO_NUMBERS_AVAILABLE")),
            }
        }
        numbers.sort();
        assert_eq!(numbers, ["+447700900101", "+447700900102"]);
        assert_eq!(purses(app, &customer).await, (0, 99.9));
    });
}

#[test]
fn the_catalog_follows_a_purchase_by_itself() {
    with_app(Setup::production(), async |app| {
        app.own_gateway(&MODEMS).await;
        let customer = app.account(0, 1_000_000).await;
        let woken = || tokio::time::timeout(Duration::from_secs(20), app.context().store.wakes().catalog());
        woken().await.unwrap();
        let (id, _) = rent(app, &customer).await;
        woken().await.unwrap();
        assert_eq!(left(app).await, "1");
        step(app, &customer, &id, "cancel").await.ok();
        app.run_jobs().await;
        woken().await.unwrap();
        assert_eq!(left(app).await, "1", "it rests");
    });
}

#[test]
fn an_unconfirmed_own_number_is_settled_like_any_other() {
    with_app(Setup::production(), async |app| {
        app.own_gateway(&MODEMS).await;
        let customer = app.account(0, 1_000_000).await;
        app.line().on("allocate", Interference::LoseReply);
        let id = text(
            &app.post(RENT).by(&customer).json(&telegram()).refused(503, "PURCHASE_UNCONFIRMED").await,
            "id",
        )
        .to_owned();
        app.line().mend();
        assert_eq!(left(app).await, "1", "the gateway knows more than the buyer");
        app.advance(Span::seconds(3));
        // Nobody's yet, and kept: by its number alone, for a purchase that began before it.
        assert!(!sms(app, SIMS[0].number, "Telegram code: 48291").await);
        assert!(!sms(app, SIMS[1].number, "Telegram code: 66666").await);
        app.advance(Span::seconds(22));
        app.run_jobs().await;
        let seen = look(app, &customer, &id).await;
        assert_eq!(
            (text(&seen, "number"), text(&seen, "status"), text(&seen, "otp")),
            (SIMS[0].number, "received", "48291")
        );
        assert_eq!(purses(app, &customer).await, (0, 0.95));
        // And one for which the gateway was never asked.
        app.line().on("allocate", Interference::LoseRequest);
        let id = text(
            &app.post(RENT).by(&customer).json(&telegram()).refused(503, "PURCHASE_UNCONFIRMED").await,
            "id",
        )
        .to_owned();
        app.line().mend();
        app.live(60).await;
        assert_eq!(look(app, &customer, &id).await["status"], "failed");
        assert_eq!(purses(app, &customer).await, (0, 0.95));
    });
}

#[test]
fn a_message_before_its_purchase_began_is_not_the_next_buyers() {
    with_app(Setup::production(), async |app| {
        app.own_gateway(&MODEMS).await;
        let customer = app.account(0, 1_000_000).await;
        for sim in SIMS {
            assert!(!sms(app, sim.number, "Telegram code: 66666").await);
        }
        app.advance(Span::seconds(1));
        let (id, number) = rent(app, &customer).await;
        assert_eq!(look(app, &customer, &id).await["sms"], json!([]));
        assert!(sms(app, &number, "Telegram code: 48291").await);
        assert_eq!(look(app, &customer, &id).await["otp"], "48291");
        assert!(!app.get(&at(&id, "")).by(&customer).send().await.text().contains("66666"));
    });
}

#[test]
fn a_number_that_rested_longest_is_given_next() {
    with_app(Setup::production(), async |app| {
        app.own_gateway(&MODEMS).await;
        let customer = app.account(0, 10_000_000).await;
        let mut given = Vec::new();
        for service in ["telegram", "telegram", "whatsapp", "whatsapp"] {
            let data = rent_by(app, &customer, json!({ "service": service, "country": "GB" })).await;
            given.push(text(&data, "number").to_owned());
            step(app, &customer, text(&data, "id"), "cancel").await.ok();
            app.run_jobs().await;
            app.advance(Span::hours(12));
            app.refresh().await;
        }
        assert_eq!((&given[0], &given[1]), (&given[2], &given[3]));
        assert_ne!(given[0], given[1]);
    });
}

#[test]
fn an_operator_that_is_asked_for_is_kept_to() {
    with_app(Setup::production(), async |app| {
        app.own_gateway(&MODEMS).await;
        let customer = app.account(0, 10_000_000).await;
        // The offer names no operator, so none can be asked for.
        let body = json!({ "service": "telegram", "country": "GB", "operator": "o2" });
        app.post(RENT).by(&customer).json(&body).refused(404, "NO_NUMBERS_AVAILABLE").await;
        let any = json!({ "service": "telegram", "country": "GB", "operator": "any" });
        assert_eq!(rent_by(app, &customer, any).await["operator"], "any");
    });
}

#[test]
fn a_shared_number_is_one_purchase_a_service() {
    with_app(Setup::production(), async |app| {
        app.own_gateway(&SHARED).await;
        let (ann, bob) = (app.account(0, 1_000_000).await, app.account(0, 1_000_000).await);
        let telegram_of_ann = rent_by(app, &ann, telegram()).await;
        let whatsapp_of_bob = rent_by(app, &bob, json!({ "service": "whatsapp", "country": "GB" })).await;
        assert_eq!(telegram_of_ann["number"], whatsapp_of_bob["number"]);
        app.post(RENT).by(&bob).json(&telegram()).refused(404, "NO_NUMBERS_AVAILABLE").await;
        assert_eq!(purses(app, &bob).await, (0, 0.95));
        let references: Vec<String> =
            [&telegram_of_ann, &whatsapp_of_bob].map(|rent| text(rent, "id").to_owned()).to_vec();
        let line = async |id: &String| row(app, id).await.state.line().unwrap().provider_ref.clone();
        assert_ne!(line(&references[0]).await, line(&references[1]).await);
    });
}

/// Its last buyer's message is still on its way when a shared number has its next one.
#[test]
fn the_next_buyer_of_a_shared_number_does_not_get_the_last_ones_code() {
    with_app(Setup::production(), async |app| {
        app.own_gateway(&SHARED).await;
        let (ann, bob) = (app.account(0, 1_000_000).await, app.account(0, 1_000_000).await);
        let first = rent_by(app, &ann, telegram()).await;
        step(app, &ann, text(&first, "id"), "cancel").await.ok();
        app.run_jobs().await;
        app.advance(Span::seconds(2));
        let next = rent_by(app, &bob, json!({ "service": "whatsapp", "country": "GB" })).await;
        assert_eq!(next["number"], first["number"]);
        let number = text(&next, "number");
        let says = |from: &str, says: &str| json!({ "number": number, "text": says, "from": from });
        for late in [says("Telegram", "Telegram code: 48291"), says("Info", "Your code is 48291")] {
            assert_eq!(app.deliver("shared", &late).await.ok()["matched"], false, "{late}");
        }
        let seen = look(app, &bob, text(&next, "id")).await;
        assert_eq!((text(&seen, "status"), &seen["sms"]), ("waiting", &json!([])));
        assert_eq!(purses(app, &bob).await, (0, 0.95));
        let own = says("WhatsApp", "Your WhatsApp code: 482-913");
        assert_eq!(app.deliver("shared", &own).await.ok()["matched"], true);
        assert_eq!(look(app, &bob, text(&next, "id")).await["otp"], "482913");
    });
}

/// A message that is quicker than its own purchase finds another buyer's lease on the shared number, and waits.
#[test]
fn a_message_of_a_purchase_that_is_being_confirmed_is_not_the_other_buyers_of_a_shared_number() {
    with_app(Setup::production(), async |app| {
        app.own_gateway(&SHARED).await;
        let (ann, bob) = (app.account(0, 1_000_000).await, app.account(0, 1_000_000).await);
        let whatsapp = json!({ "service": "whatsapp", "country": "GB" });
        let sms = |from: &str, says: &str| json!({ "number": "+447700900201", "text": says, "from": from });
        // Both are being confirmed, then one of them is.
        app.line().on("allocate", Interference::LoseReply);
        let unconfirmed = async |customer: &Customer, body: &Value| {
            let refused = app.post(RENT).by(customer).json(body).refused(503, "PURCHASE_UNCONFIRMED").await;
            text(&refused, "id").to_owned()
        };
        let bobs = unconfirmed(&bob, &whatsapp).await;
        app.advance(Span::seconds(10));
        let anns = unconfirmed(&ann, &telegram()).await;
        app.line().mend();
        app.advance(Span::seconds(1));
        let first = sms("Telegram", "Telegram code: 48291");
        assert_eq!(app.deliver("shared", &first).await.ok()["matched"], false);
        app.advance(Span::seconds(15));
        app.run_jobs().await;
        let seen = look(app, &bob, &bobs).await;
        assert_eq!((text(&seen, "status"), &seen["sms"]), ("waiting", &json!([])), "not adopted");
        let second = sms("Telegram", "Telegram code: 48292");
        assert_eq!(app.deliver("shared", &second).await.ok()["matched"], false, "nor matched");
        assert_eq!(look(app, &bob, &bobs).await["sms"], json!([]));
        app.advance(Span::seconds(10));
        app.run_jobs().await;
        let codes: Vec<Value> = look(app, &ann, &anns).await["sms"].as_array().unwrap().clone();
        let texts: Vec<&str> = codes.iter().map(|sms| text(sms, "text")).collect();
        assert_eq!(texts, ["Telegram code: 48291", "Telegram code: 48292"]);
        assert_eq!((purses(app, &ann).await, purses(app, &bob).await), ((0, 0.95), (0, 0.95)));
        assert_eq!(look(app, &bob, &bobs).await["status"], "waiting", "held, and not charged");
    });
}

#[test]
fn a_restart_in_production_reads_what_was_sealed_before() {
    with_app(Setup::production(), async |app| {
        app.own_gateway(&MODEMS).await;
        let customer = app.account(0, 1_000_000).await;
        let (id, number) = rent(app, &customer).await;
        sms(app, &number, "Telegram code: 48291").await;
        let before = look(app, &customer, &id).await;
        app.restart().await;
        assert_eq!(look(app, &customer, &id).await, before);
        assert_eq!(left(app).await, "1");
        app.advance(Span::minutes(20));
        app.run_jobs().await;
        assert_eq!(left(app).await, "1");
        app.advance(Span::hours(24));
        assert_eq!((left(app).await.as_str(), left_for(app, "whatsapp", "2").await.as_str()), ("1", "2"));
        assert_eq!(look(app, &customer, &id).await["status"], "finished");
    });
}
