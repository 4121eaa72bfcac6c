//! A team's own app sends its messages to the sandbox's numbers: read as any webhook is, charged as any message is,
//! for open numbers of the caller's own and for nobody else's.

use crate::http_stage::{look, movements, purses, rent, rent_by, step, text};
use numberotp_core::caller::Scopes;
use numberotp_core::time::Span;
use numberotp_server::store::number::Sharing;
use numberotp_testkit::app::{Ask, Customer, Gateway, Sim, TestApp, in_sandbox};
use serde_json::{Value, json};

const MESSAGES: &str = "/sandbox/messages";

fn send(app: &TestApp<'_>, customer: &Customer, to: &str, says: &str) -> Ask {
    app.post(MESSAGES).by(customer).json(&json!({ "to": to, "from": "MyApp", "text": says }))
}

async fn number(app: &TestApp<'_>, customer: &Customer, id: &str) -> String {
    text(&look(app, customer, id).await, "number").to_owned()
}

/// A rent whose own message never comes; id and number.
async fn silent(app: &TestApp<'_>, customer: &Customer) -> (String, String) {
    let wish = json!({ "service": "telegram", "country": "US", "operator": "silent" });
    let rented = rent_by(app, customer, wish).await;
    (text(&rented, "id").to_owned(), text(&rented, "number").to_owned())
}

#[test]
fn the_next_read_shows_it_with_its_code_and_the_price_is_paid() {
    in_sandbox(async |app| {
        let customer = app.account(2_000, 0).await;
        let (id, to) = silent(app, &customer).await;
        let waiting = app.get(&format!("/api/internal/rent/{id}/wait")).by(&customer).start();
        let says = "MyApp: 482913 is your code\n";
        let told = send(app, &customer, &to, says).ok().await;
        assert_eq!(told, json!({ "success": true, "matched": true }));
        let read = look(app, &customer, &id).await;
        assert_eq!(
            (text(&read, "status"), text(&read, "otp"), text(&read, "fullSms")),
            ("received", "482913", says)
        );
        assert_eq!(text(&read["sms"][0], "from"), "MyApp");
        assert_eq!(waiting.await.unwrap().ok()["data"]["otp"], "482913");
        assert_eq!((purses(app, &customer).await, movements(app, &customer).await.len()), ((1_900, 0.0), 2));
        // A second one with the same words is a second one; without the plus it is the same number.
        send(app, &customer, to.trim_start_matches('+'), says).ok().await;
        assert_eq!(look(app, &customer, &id).await["sms"].as_array().unwrap().len(), 2);
        assert_eq!(purses(app, &customer).await, (1_900, 0.0));
        app.advance(Span::minutes(20));
        app.run_jobs().await;
        assert_eq!(look(app, &customer, &id).await["status"], "finished");
    });
}

#[test]
fn one_of_the_same_name_is_the_same_message_and_names_are_each_accounts_own() {
    in_sandbox(async |app| {
        let (customer, other) = (app.account(2_000, 0).await, app.account(2_000, 0).await);
        let ((id, to), (others_id, others_to)) = (silent(app, &customer).await, silent(app, &other).await);
        let named =
            |to: &str, says: &str| json!({ "to": to, "from": "MyApp", "text": says, "messageId": "m-1" });
        for says in ["Your code is 11111", "Your code is 22222"] {
            let told = app.post(MESSAGES).by(&customer).json(&named(&to, says)).ok().await;
            assert_eq!(told["matched"], true);
        }
        let read = look(app, &customer, &id).await;
        assert_eq!((read["sms"].as_array().unwrap().len(), text(&read, "otp")), (1, "11111"));
        app.post(MESSAGES).by(&other).json(&named(&others_to, "Your code is 33333")).ok().await;
        assert_eq!(look(app, &other, &others_id).await["otp"], "33333");
    });
}

#[test]
fn a_number_that_is_not_open_or_not_ones_own_is_not_found() {
    in_sandbox(async |app| {
        let (customer, other) = (app.account(2_000, 0).await, app.account(2_000, 0).await);
        let (_, theirs) = silent(app, &other).await;
        let says = "Your code is 482913";
        send(app, &customer, &theirs, says).refused(404, "NOT_FOUND").await;
        send(app, &customer, "+12025550100", says).refused(404, "NOT_FOUND").await;
        // Canceled, finished, and over by the clock though nothing closed it yet.
        let (id, canceled) = silent(app, &customer).await;
        step(app, &customer, &id, "cancel").await.ok();
        send(app, &customer, &canceled, says).refused(404, "NOT_FOUND").await;
        let (id, finished) = silent(app, &customer).await;
        send(app, &customer, &finished, says).ok().await;
        step(app, &customer, &id, "finish").await.ok();
        send(app, &customer, &finished, says).refused(404, "NOT_FOUND").await;
        let (id, over) = silent(app, &customer).await;
        app.advance(Span::minutes(20));
        send(app, &customer, &over, says).refused(404, "NOT_FOUND").await;
        app.run_jobs().await;
        assert_eq!(
            (look(app, &customer, &id).await["sms"].clone(), purses(app, &customer).await),
            (json!([]), (1_900, 0.0))
        );
        assert_eq!(purses(app, &other).await, (2_000, 0.0));
    });
}

#[test]
fn what_cannot_be_read_is_refused_by_the_field() {
    in_sandbox(async |app| {
        let customer = app.account(2_000, 0).await;
        let id = rent(app, &customer).await;
        let to = number(app, &customer, &id).await;
        let (long, wordy) = ("x".repeat(8_193), "n".repeat(201));
        for (body, field) in [
            (json!({ "from": "MyApp", "text": "hi" }), "to"),
            (json!({ "to": "12", "text": "hi" }), "to"),
            (json!({ "to": 12_025_550_100_u64, "text": "hi" }), "to"),
            (json!({ "to": to, "from": "MyApp" }), "text"),
            (json!({ "to": to, "text": " \n" }), "text"),
            (json!({ "to": to, "text": ["hi"] }), "text"),
            (json!({ "to": to, "text": long }), "text"),
            (json!({ "to": to, "from": 5, "text": "hi" }), "from"),
            (json!({ "to": to, "text": "hi", "messageId": wordy }), "messageId"),
            (json!({ "to": to, "text": "hi", "messageId": "a\u{7}b" }), "messageId"),
        ] {
            let refused =
                app.post(MESSAGES).by(&customer).json(&body).refused(400, "INVALID_PARAMETER").await;
            assert!(text(&refused, "error").contains(&format!("`{field}`")), "{refused}");
        }
        assert_eq!(look(app, &customer, &id).await["sms"], json!([]));
        let longest = json!({ "to": to, "text": "x".repeat(8_192) });
        app.post(MESSAGES).by(&customer).json(&longest).ok().await;
    });
}

#[test]
fn a_number_of_ones_own_takes_them_too_and_a_shared_one_by_the_service_named() {
    const MODEM: Gateway = Gateway {
        code: "modem",
        country: "JM",
        sims: &[Sim { number: "+18765550101", operator: "digicel", sharing: Sharing::Shared }],
        offers: &[("telegram", 1, 50_000), ("whatsapp", 1, 50_000)],
    };
    in_sandbox(async |app| {
        app.own_gateway(&MODEM).await;
        let customer = app.account(2_000, 0).await;
        let wish = |service: &str| json!({ "service": service, "country": "JM" });
        let telegram = rent_by(app, &customer, wish("telegram")).await;
        let to = text(&telegram, "number").to_owned();
        send(app, &customer, &to, "Your code is 11111").ok().await;
        let whatsapp = rent_by(app, &customer, wish("whatsapp")).await;
        assert_eq!(text(&whatsapp, "number"), to);
        send(app, &customer, &to, "Your code is 22222").refused(409, "INVALID_STATE").await;
        send(app, &customer, &to, "WhatsApp code 333-444").ok().await;
        let read = async |rent: &Value| look(app, &customer, text(rent, "id")).await;
        assert_eq!(
            (&read(&telegram).await["otp"], &read(&whatsapp).await["otp"]),
            (&json!("11111"), &json!("333444"))
        );
    });
}

#[test]
fn only_who_may_buy_sends() {
    in_sandbox(async |app| {
        let customer = app.account(2_000, 0).await;
        let (_, to) = silent(app, &customer).await;
        let reader = app.key(&customer, Scopes::parse("read").unwrap()).await;
        let body = json!({ "to": to, "from": "MyApp", "text": "hi" });
        app.post(MESSAGES).bearer(&reader).json(&body).refused(403, "INSUFFICIENT_SCOPE").await;
        app.post(MESSAGES).json(&body).refused(401, "UNAUTHORIZED").await;
    });
}
