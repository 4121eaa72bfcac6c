//! Providers in trouble: one webhook a hundred times at once over a hundred connections, before its number is known,
//! after its rent is over, out of order, and two services' messages for one number in one heap. Each message is one,
//! its buyer's or nobody's, and charged once or not at all.

use crate::http_stage::{RENT, at, look, movements, purses, rent, rent_by, sms, step, telegram, text};
use crate::http_wire::Wire;
use futures_util::future::join_all;
use numberotp_core::time::Span;
use numberotp_server::app::upstream::Interference;
use numberotp_server::store::db::Statement;
use numberotp_server::store::number::Sharing;
use numberotp_testkit::app::{Customer, Gateway, Setup, Sim, TestApp, in_sandbox, with_app};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const TIMES: usize = 100;

/// One message, as a provider posts it.
fn posted(app: &TestApp<'_>, provider: &str, message: &Value) -> String {
    let body = message.to_string();
    let signature = app.signature(provider, &body);
    format!(
        "POST /api/webhooks/sms/{provider} HTTP/1.1\r\nHost: localhost\r\nX-Signature: {signature}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Posts all of them at once, each on a connection of its own that is open before the first byte is sent; what each
/// was answered about belonging to a purchase.
async fn storm(app: &TestApp<'_>, posts: &[String]) -> Vec<bool> {
    let mut wires = join_all(posts.iter().map(|_| Wire::open(app))).await;
    let answers = join_all(wires.iter_mut().zip(posts).map(|(wire, post)| wire.ask(post))).await;
    let matched = |answer: &String| {
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        answer.ends_with(r#"{"success":true,"matched":true}"#)
    };
    answers.iter().map(matched).collect()
}

async fn hundredfold(app: &TestApp<'_>, message: &Value) -> Vec<bool> {
    storm(app, &vec![posted(app, "sandbox", message); TIMES]).await
}

/// How many messages there are of a verdict, and how many postings in the books.
async fn kept(app: &TestApp<'_>, verdict: &'static str) -> (i64, i64) {
    app.read(move |tx| {
        let messages = Statement::new("TEST_MESSAGES", "SELECT COUNT(*) FROM messages WHERE verdict = $1");
        let postings = Statement::new("TEST_POSTINGS", "SELECT COUNT(*) FROM movements WHERE kind = $1");
        let mut count =
            |statement, word: &str| tx.query(statement, &[word.into()])?.pop().unwrap().int("count");
        Ok((count(&messages, verdict)?, count(&postings, "settlement")?))
    })
    .await
}

#[test]
fn a_webhook_a_hundred_times_at_once_is_one_message_and_one_charge() {
    in_sandbox(async |app| {
        let customer = app.account(200, 0).await;
        let id = rent(app, &customer).await;
        let named = sms(app, &id, "m1", "Telegram code: 48291").await;
        assert_eq!(hundredfold(app, &named).await, [true; TIMES]);
        assert_eq!(kept(app, "delivered").await, (1, 1));
        let mut nameless = named.clone();
        nameless["messageId"] = Value::Null;
        assert_eq!(hundredfold(app, &nameless).await, [true; TIMES]);
        assert_eq!(kept(app, "delivered").await, (2, 1));
        let seen = look(app, &customer, &id).await;
        assert_eq!((seen["sms"].as_array().unwrap().len(), text(&seen, "otp")), (2, "48291"));
        assert_eq!(purses(app, &customer).await, (100, 0.0));
        assert_eq!(movements(app, &customer).await.len(), 2, "the one that gave the money, and the purchase");
    });
}

async fn unconfirmed(app: &TestApp<'_>, customer: &Customer) -> String {
    let answer = app.post(RENT).by(customer).json(&telegram()).refused(503, "PURCHASE_UNCONFIRMED").await;
    text(&answer, "id").to_owned()
}

#[test]
fn a_hundred_times_before_its_number_is_known_it_waits_and_is_adopted_once() {
    in_sandbox(async |app| {
        let customer = app.account(100, 0).await;
        app.line().on("allocate", Interference::LoseReply);
        let id = unconfirmed(app, &customer).await;
        app.line().mend();
        let early = sms(app, &id, "m1", "Telegram code: 48291").await;
        assert_eq!(hundredfold(app, &early).await, [false; TIMES], "nobody's yet");
        assert_eq!(kept(app, "parked").await, (1, 0));
        // Its number becomes known in the middle of another hundred.
        app.advance(Span::seconds(25));
        let (told, _) = tokio::join!(hundredfold(app, &early), app.run_jobs());
        assert_eq!(told.len(), TIMES);
        let seen = look(app, &customer, &id).await;
        assert_eq!((text(&seen, "status"), text(&seen, "otp")), ("received", "48291"));
        let named = seen["sms"].as_array().unwrap().iter().filter(|sms| text(sms, "text").contains("48291"));
        assert_eq!(named.count(), 1);
        assert_eq!(kept(app, "parked").await.0, 0);
        assert_eq!(kept(app, "delivered").await.1, 1);
        assert_eq!(hundredfold(app, &early).await, [true; TIMES], "its buyer's by now");
        assert_eq!(purses(app, &customer).await, (0, 0.0));
    });
}

#[test]
fn a_hundred_times_after_the_end_it_is_sealed_once_and_charges_nobody() {
    in_sandbox(async |app| {
        let customer = app.account(200, 0).await;
        let (canceled, expired) = (rent(app, &customer).await, rent(app, &customer).await);
        step(app, &customer, &canceled, "cancel").await.ok();
        app.advance(Span::minutes(20));
        for id in [&canceled, &expired] {
            let late = sms(app, id, &format!("late {id}"), "Telegram code: 66666").await;
            hundredfold(app, &late).await;
        }
        assert_eq!(kept(app, "sealed").await, (2, 0));
        app.run_jobs().await;
        for id in [&canceled, &expired] {
            assert!(!app.get(&at(id, "")).by(&customer).send().await.text().contains("66666"));
        }
        assert_eq!(purses(app, &customer).await, (200, 0.0));
    });
}

#[test]
fn a_hundred_times_at_the_moment_of_a_cancel_it_is_paid_or_unseen() {
    in_sandbox(async |app| {
        let customer = app.account(1_000, 0).await;
        let mut spent = 0;
        for turn in 0..6 {
            let id = rent(app, &customer).await;
            let message = sms(app, &id, &format!("m{turn}"), "Telegram code: 48291").await;
            let (told, canceled) =
                tokio::join!(hundredfold(app, &message), step(app, &customer, &id, "cancel"));
            let seen = look(app, &customer, &id).await;
            let (status, otp) = if canceled.status == 200 {
                ("canceled", Value::Null)
            } else {
                canceled.refused(409, "INVALID_STATE");
                spent += 100;
                ("received", json!("48291"))
            };
            assert_eq!((text(&seen, "status"), &seen["otp"]), (status, &otp), "{told:?}");
            assert_eq!(
                told.iter().collect::<BTreeSet<_>>().len(),
                1,
                "every repeat is told the same: {told:?}"
            );
        }
        assert_eq!(purses(app, &customer).await, (1_000 - spent, 0.0));
    });
}

#[test]
fn messages_out_of_order_are_all_there_and_the_first_code_that_came_stays() {
    in_sandbox(async |app| {
        let customer = app.account(100, 0).await;
        let id = rent(app, &customer).await;
        app.advance(Span::seconds(30));
        // The last was sent first; a resend's text before the first one's; and a repeat of each at the end.
        let mut all = Vec::new();
        for (name, says, sent_at) in [
            ("m3", "Telegram code: 33333", "2024-04-29T09:40:20Z"),
            ("m1", "Telegram code: 11111", "2024-04-29T09:40:05Z"),
            ("m2", "Hello from a friend", "2024-04-29T09:40:10Z"),
        ] {
            let mut message = sms(app, &id, name, says).await;
            message["receivedAt"] = json!(sent_at);
            assert_eq!(app.deliver("sandbox", &message).await.ok()["matched"], true);
            all.push(message);
            app.advance(Span::seconds(1));
        }
        for message in all.iter().rev() {
            assert_eq!(app.deliver("sandbox", message).await.ok()["matched"], true);
        }
        let seen = look(app, &customer, &id).await;
        let texts: Vec<&str> = seen["sms"].as_array().unwrap().iter().map(|sms| text(sms, "text")).collect();
        assert_eq!(
            texts,
            ["Telegram code: 33333", "Telegram code: 11111", "Hello from a friend"],
            "as they came"
        );
        assert_eq!(text(&seen, "otp"), "33333");
        assert_eq!(kept(app, "delivered").await, (3, 1));
    });
}

#[test]
fn fifty_messages_of_one_rent_at_once_are_fifty_and_one_charge() {
    in_sandbox(async |app| {
        let customer = app.account(100, 0).await;
        let id = rent(app, &customer).await;
        let mut posts = Vec::new();
        for number in 0..50 {
            let says = format!("Telegram code: {}", 10_000 + number);
            posts.push(posted(app, "sandbox", &sms(app, &id, &format!("m{number}"), &says).await));
        }
        assert_eq!(storm(app, &posts).await, [true; 50]);
        assert_eq!(kept(app, "delivered").await, (50, 1));
        let seen = look(app, &customer, &id).await;
        assert_eq!(seen["sms"].as_array().unwrap().len(), 50);
        // Which was first is for the database to say; the code and the text are of the same one.
        assert_eq!(text(&seen, "fullSms"), format!("Telegram code: {}", text(&seen, "otp")));
    });
}

const SHARED: Gateway = Gateway {
    code: "modems",
    country: "JM",
    sims: &[Sim { number: "+18765550142", operator: "digicel", sharing: Sharing::Shared }],
    offers: &[("telegram", 3, 10_000), ("whatsapp", 3, 10_000)],
};

#[test]
fn two_services_on_one_number_keep_their_messages_apart_in_one_heap() {
    with_app(Setup::production(), async |app| {
        app.own_gateway(&SHARED).await;
        let (ann, bob) = (app.account(0, 20_000).await, app.account(0, 20_000).await);
        let of = |service: &str| json!({ "service": service, "country": "JM" });
        let hers = text(&rent_by(app, &ann, of("telegram")).await, "id").to_owned();
        let his = text(&rent_by(app, &bob, of("whatsapp")).await, "id").to_owned();
        let number = "+18765550142";
        assert_eq!(look(app, &ann, &hers).await["number"], look(app, &bob, &his).await["number"]);
        let mut posts = Vec::new();
        for turn in 0..20 {
            for (kind, from, says) in [
                ("t", "Telegram", format!("Telegram code: {}", 10_000 + turn)),
                ("w", "WhatsApp", format!("Your WhatsApp code: {}", 200_000 + turn)),
                ("x", "Info", "Your code is 555555".to_owned()),
            ] {
                let message = json!({ "number": number, "text": says, "from": from, "messageId": format!("{kind}{turn}") });
                posts.extend([posted(app, "modems", &message), posted(app, "modems", &message)]);
            }
        }
        let told = storm(app, &posts).await;
        let texts = async |customer: &Customer, id: &str| {
            let seen = look(app, customer, id).await;
            seen["sms"]
                .as_array()
                .unwrap()
                .iter()
                .map(|sms| text(sms, "text").to_owned())
                .collect::<BTreeSet<_>>()
        };
        let (hers, his) = (texts(&ann, &hers).await, texts(&bob, &his).await);
        assert_eq!(hers, (0..20).map(|turn| format!("Telegram code: {}", 10_000 + turn)).collect());
        assert_eq!(his, (0..20).map(|turn| format!("Your WhatsApp code: {}", 200_000 + turn)).collect());
        assert_eq!(kept(app, "delivered").await, (40, 2));
        assert_eq!(kept(app, "sealed").await.0, 20, "what could be either's is neither's");
        assert!(told.chunks(2).all(|pair| pair[0] == pair[1]), "a repeat is told the same");
        assert_eq!((purses(app, &ann).await.1, purses(app, &bob).await.1), (0.01, 0.01));
    });
}
