//! Messages as providers post them: proved before they are read, stored before they are answered, told apart from
//! their repeats, and shown to the one buyer whose number it was at the time, or to nobody.

use crate::http_stage::{at, deliver, listed, look, movements, purses, rent, rent_by, row, sms, step, text};
use numberotp_core::secret::SecretBytes;
use numberotp_core::time::Span;
use numberotp_core::webhook::{SIGNATURE_HEADER, sign};
use numberotp_server::store::db::{Access, Connection, Statement};
use numberotp_server::store::number::Sharing;
use numberotp_testkit::app::{Answer, Customer, Gateway, Sim, TestApp, in_sandbox};
use serde_json::{Value, json};

const HOOK: &str = "/api/webhooks/sms/sandbox";

/// The own gateway of these tests: numbers in Jamaica, cheaper than the sandbox's.
fn modems(sims: &'static [Sim]) -> Gateway {
    const OFFERS: &[(&str, u8, i64)] =
        &[("telegram", 3, 10_000), ("whatsapp", 3, 10_000), ("steam", 3, 10_000)];
    Gateway { code: "modems", country: "JM", sims, offers: OFFERS }
}

const SHARED: &[Sim] = &[Sim { number: "+18765550142", operator: "digicel", sharing: Sharing::Shared }];
const EXCLUSIVE: &[Sim] = &[Sim { number: "+18765550143", operator: "digicel", sharing: Sharing::Exclusive }];

/// Counts rows, past the app.
async fn count(app: &TestApp<'_>, sql: &'static str) -> i64 {
    let ask = || {
        let mut connection = Connection::open(app.database().engine(), Access::Read).unwrap();
        connection.ensure().unwrap();
        connection
            .query(&Statement::new("TEST_COUNT", sql), &[])
            .unwrap()
            .pop()
            .unwrap()
            .int("count")
            .unwrap()
    };
    std::thread::scope(|scope| scope.spawn(ask).join().unwrap())
}

async fn stored(app: &TestApp<'_>) -> (i64, i64) {
    (count(app, "SELECT COUNT(*) FROM messages").await, count(app, "SELECT COUNT(*) FROM quarantine").await)
}

/// The sandbox's webhook with a signature of one's own choice.
async fn post_signed(app: &TestApp<'_>, body: &str, signature: &str) -> Answer {
    app.post(HOOK).header(SIGNATURE_HEADER, signature).body("application/json", body.to_owned()).send().await
}

#[test]
fn without_its_signature_nothing_is_read_and_nothing_kept() {
    in_sandbox(async |app| {
        app.own_gateway(&modems(EXCLUSIVE)).await;
        let customer = app.account(100, 0).await;
        let id = rent(app, &customer).await;
        let body = sms(app, &id, "m1", "Telegram code: 48291").await.to_string();
        let good = app.signature("sandbox", &body);
        let foreign = app.signature("modems", &body);
        let guessed = sign(&SecretBytes::new(*b"sandbox"), body.as_bytes());
        let of_another_body = app.signature("sandbox", &format!("{body} "));
        let bare = good.trim_start_matches("sha256=");
        for signature in [
            "",
            "sha256=",
            "sha256",
            "sha1=00",
            bare,
            good.split_at(70).0,
            &format!("{good}0"),
            &format!("sha256=={bare}"),
            &foreign,
            &guessed,
            &of_another_body,
            &"sha256=".repeat(10),
        ] {
            post_signed(app, &body, signature).await.refused(401, "INVALID_SIGNATURE");
        }
        app.post(HOOK).body("application/json", body.clone()).refused(401, "INVALID_SIGNATURE").await;
        // Unreadable and unsigned: only the second is told.
        post_signed(app, "{", &good).await.refused(401, "INVALID_SIGNATURE");
        // Signed for the sandbox, sent to the modems; and to nobody.
        app.post("/api/webhooks/sms/modems")
            .header(SIGNATURE_HEADER, &good)
            .body("application/json", body.clone())
            .refused(401, "INVALID_SIGNATURE")
            .await;
        for nobody in ["nonesuch", "%00", "sand%20box", "own"] {
            app.post(&format!("/api/webhooks/sms/{nobody}"))
                .header(SIGNATURE_HEADER, &good)
                .body("application/json", body.clone())
                .refused(404, "NOT_FOUND")
                .await;
        }
        assert_eq!(stored(app).await, (0, 0));
        assert_eq!(look(app, &customer, &id).await["status"], "waiting");

        assert_eq!(
            post_signed(app, &body, &good.to_uppercase().replace("SHA256", "sha256")).await.ok()["matched"],
            true
        );
        let again = app
            .post("/api/webhooks/sms/SANDBOX")
            .header(SIGNATURE_HEADER, &format!(" {good} "))
            .body("", body.clone());
        assert_eq!(
            again.ok().await["matched"],
            true,
            "kind and letters of the address are not held against a provider"
        );
    });
}

#[test]
fn a_webhook_that_cannot_be_read_is_a_400_and_is_kept_sealed() {
    in_sandbox(async |app| {
        let customer = app.account(100, 0).await;
        let id = rent(app, &customer).await;
        let good = sms(app, &id, "m1", "Telegram code: 48291").await;
        let with = |field: &str, value: Value| {
            let mut body = good.clone();
            body[field] = value;
            body.to_string()
        };
        let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
        let bad: Vec<(&str, String)> = vec![
            ("body", String::new()),
            ("body", "{".to_owned()),
            ("body", "[]".to_owned()),
            ("body", "null".to_owned()),
            ("body", "\u{0}".to_owned()),
            ("body", "providerRef=1&text=2".to_owned()),
            ("body", deep),
            ("text", with("text", Value::Null)),
            ("text", with("text", json!(48_291))),
            ("text", with("text", json!(["48291"]))),
            ("text", with("text", json!("x".repeat(9_000)))),
            ("providerRef", with("providerRef", Value::Null)),
            ("providerRef", with("providerRef", json!({}))),
            ("providerRef", with("providerRef", json!("a\u{0}b"))),
            ("providerRef", with("providerRef", json!("x".repeat(201)))),
            ("number", with("number", json!("12"))),
            ("number", with("number", json!(12_025_550_100_u64))),
            ("number", with("number", json!("+1 202 555 0100"))),
            ("receivedAt", with("receivedAt", json!("yesterday"))),
            ("receivedAt", with("receivedAt", json!(1_714_384_800))),
            ("messageId", with("messageId", json!([]))),
            ("messageId", with("messageId", json!("a\nb"))),
            ("from", with("from", json!(5))),
            ("code", with("code", json!(48_291))),
        ];
        let kept = bad.len();
        for (field, body) in bad {
            let signature = app.signature("sandbox", &body);
            let refused = post_signed(app, &body, &signature).await.refused(400, "INVALID_PARAMETER");
            assert!(text(&refused, "error").starts_with(&format!("`{field}` ")), "{field}: {refused}");
        }
        assert_eq!(stored(app).await, (0, i64::try_from(kept).unwrap()));
        assert_eq!(look(app, &customer, &id).await["status"], "waiting");
        assert_eq!(purses(app, &customer).await, (0, 0.0));
    });
}

#[test]
fn a_repeat_has_the_same_answer_and_no_other_effect() {
    in_sandbox(async |app| {
        let customer = app.account(100, 0).await;
        let id = rent(app, &customer).await;
        let named = sms(app, &id, "m1", "Telegram code: 48291").await;
        let mut nameless = named.clone();
        nameless["messageId"] = Value::Null;
        nameless["receivedAt"] = json!("2024-04-29T09:40:00Z");
        let unmatched =
            json!({ "providerRef": "not yet", "text": "Telegram code: 33333", "messageId": "m2" });
        for _ in 0..3 {
            assert_eq!(app.deliver("sandbox", &named).await.text(), r#"{"success":true,"matched":true}"#);
            assert_eq!(app.deliver("sandbox", &nameless).await.text(), r#"{"success":true,"matched":true}"#);
            assert_eq!(
                app.deliver("sandbox", &unmatched).await.text(),
                r#"{"success":true,"matched":false}"#
            );
            app.advance(Span::seconds(30));
        }
        assert_eq!(look(app, &customer, &id).await["sms"].as_array().unwrap().len(), 2);
        assert_eq!(stored(app).await, (3, 0));
        // The same name with another text is the provider's repeat all the same; another time is another message.
        let mut changed = named.clone();
        changed["text"] = json!("Telegram code: 99999");
        assert_eq!(app.deliver("sandbox", &changed).await.ok()["matched"], true);
        assert_eq!(stored(app).await, (3, 0));
        nameless["receivedAt"] = json!("2024-04-29T09:41:00Z");
        app.deliver("sandbox", &nameless).await.ok();
        assert_eq!(stored(app).await, (4, 0));
        assert_eq!(look(app, &customer, &id).await["otp"], "48291");
    });
}

#[test]
fn the_code_is_the_providers_or_ours_in_plain_letters_and_digits() {
    in_sandbox(async |app| {
        let customer = app.account(1_000, 0).await;
        for (given, says, code) in [
            (Value::Null, "Telegram code: 48291", json!("48291")),
            (json!(""), "Telegram code: 48291", json!("48291")),
            (json!("G-482913"), "unlike anything", json!("482913")),
            (json!(" 482-913 "), "482-913", json!("482913")),
            (json!("---"), "Your code: 77123", json!("77123")),
            (Value::Null, "G-593812 is your Google verification code.", json!("593812")),
            (Value::Null, "Your WhatsApp code: 123-456", json!("123456")),
            (Value::Null, "Hello from a friend", Value::Null),
        ] {
            let id = rent(app, &customer).await;
            let mut body = sms(app, &id, &format!("message for {id}"), says).await;
            body["code"] = given;
            app.deliver("sandbox", &body).await.ok();
            let seen = look(app, &customer, &id).await;
            assert_eq!((&seen["otp"], text(&seen, "fullSms")), (&code, says));
            step(app, &customer, &id, "finish").await.ok();
        }
    });
}

#[test]
fn a_text_is_kept_verbatim_whatever_is_in_it() {
    in_sandbox(async |app| {
        let customer = app.account(1_000, 0).await;
        let longest = "ш".repeat(4_096);
        for (number, says) in [
            "",
            " ",
            "\u{0}",
            "line\r\nline\ttab",
            "{\"otp\":\"1\"}",
            "<script>alert(1)</script>",
            "验证码：482913 \u{202e}abc",
            "'; DROP TABLE messages; --",
            &longest,
        ]
        .into_iter()
        .enumerate()
        {
            let id = rent(app, &customer).await;
            deliver(app, &id, &format!("m{number}"), says).await;
            assert_eq!(look(app, &customer, &id).await["fullSms"], says);
        }
    });
}

#[test]
fn after_the_end_a_message_is_sealed_and_no_route_shows_it() {
    in_sandbox(async |app| {
        let customer = app.account(300, 0).await;
        let (expired, canceled, finished) =
            (rent(app, &customer).await, rent(app, &customer).await, rent(app, &customer).await);
        step(app, &customer, &canceled, "cancel").await.ok();
        deliver(app, &finished, "in time", "Telegram code: 11111").await;
        step(app, &customer, &finished, "finish").await.ok();
        app.advance(Span::minutes(20));
        // The very moment of the end is after it, and the job need not have come.
        let late = sms(app, &expired, "at the end", "Telegram code: 66666").await;
        app.deliver("sandbox", &late).await.ok();
        app.run_jobs().await;
        for (id, message) in [(&expired, "late 1"), (&canceled, "late 2"), (&finished, "late 3")] {
            deliver(app, id, message, "Telegram code: 66666").await;
        }
        for id in [&expired, &canceled, &finished] {
            for path in [
                at(id, ""),
                at(id, "wait"),
                "/api/internal/rents".to_owned(),
                "/api/internal/transactions".to_owned(),
            ] {
                let answer = app.get(&path).by(&customer).send().await;
                assert!(!answer.text().contains("66666"), "{path}: {}", answer.text());
            }
        }
        assert_eq!(look(app, &customer, &finished).await["otp"], "11111");
        assert_eq!(look(app, &customer, &expired).await["status"], "expired");
        assert_eq!(purses(app, &customer).await, (200, 0.0), "and nobody is charged for it");
        assert_eq!(
            count(app, "SELECT COUNT(*) FROM messages WHERE verdict = 'sealed' AND reason = 'late'").await,
            4 + sandboxes_own(app).await
        );
    });
}

/// The sandbox's own messages that came too late as well.
async fn sandboxes_own(app: &TestApp<'_>) -> i64 {
    count(app, "SELECT COUNT(*) FROM sandbox_messages WHERE sent_at IS NOT NULL").await
}

/// A message to a number, without a reference.
async fn to_number(app: &TestApp<'_>, number: &str, message: &str, (from, says): (&str, &str)) -> bool {
    let body = json!({ "number": number, "text": says, "from": from, "messageId": message });
    app.deliver("modems", &body).await.ok()["matched"].as_bool().unwrap()
}

async fn rent_own(app: &TestApp<'_>, customer: &Customer, service: &str) -> String {
    let body = json!({ "service": service, "country": "JM", "pool": "3", "maxPrice": "0.01" });
    text(&rent_by(app, customer, body).await, "id").to_owned()
}

#[test]
fn two_buyers_of_one_number_see_what_names_their_service_and_no_more() {
    in_sandbox(async |app| {
        app.own_gateway(&modems(SHARED)).await;
        let (ann, bob) = (app.account(0, 1_000_000).await, app.account(0, 1_000_000).await);
        let (telegram, whatsapp) =
            (rent_own(app, &ann, "telegram").await, rent_own(app, &bob, "whatsapp").await);
        let number = text(&look(app, &ann, &telegram).await, "number").to_owned();
        assert_eq!(number, "+18765550142");
        assert_eq!(look(app, &bob, &whatsapp).await["number"], number.as_str());

        assert!(to_number(app, &number, "m1", ("WhatsApp", "Your WhatsApp code: 123-456")).await);
        assert_eq!(look(app, &ann, &telegram).await["sms"], json!([]));
        assert_eq!(look(app, &bob, &whatsapp).await["otp"], "123456");
        assert!(to_number(app, &number, "m2", ("", "Telegram code: 48291")).await);
        assert_eq!(look(app, &ann, &telegram).await["otp"], "48291");
        // What could be either's is neither's.
        for (message, from, says) in [
            ("m3", "Info", "Your code is 555555"),
            ("m4", "Telegram", "WhatsApp says: 555555"),
            ("m5", "Steam", "Steam code 555555"),
        ] {
            to_number(app, &number, message, (from, says)).await;
        }
        for (customer, id) in [(&ann, &telegram), (&bob, &whatsapp)] {
            let answer = app.get(&at(id, "")).by(customer).send().await;
            assert!(!answer.text().contains("555555"), "{}", answer.text());
        }
        assert_eq!(count(app, "SELECT COUNT(*) FROM messages WHERE reason = 'ambiguous'").await, 2);
        assert_eq!(count(app, "SELECT COUNT(*) FROM messages WHERE verdict = 'parked'").await, 1);
        // With one of them gone, whatever names the other is the other's.
        step(app, &ann, &telegram, "finish").await.ok();
        assert!(!to_number(app, &number, "m6", ("Info", "Your code is 666666")).await);
        assert!(to_number(app, &number, "m7", ("Info", "Your WhatsApp code is 777777")).await);
        assert!(!app.get(&at(&whatsapp, "")).by(&bob).send().await.text().contains("666666"));
        assert!(app.get(&at(&whatsapp, "")).by(&bob).send().await.text().contains("777777"));
        assert!(!app.get(&at(&telegram, "")).by(&ann).send().await.text().contains("777777"));
    });
}

#[test]
fn the_next_buyer_of_a_number_never_sees_the_last_ones_messages() {
    in_sandbox(async |app| {
        app.own_gateway(&modems(EXCLUSIVE)).await;
        let (ann, bob) = (app.account(0, 1_000_000).await, app.account(0, 1_000_000).await);
        let first = rent_own(app, &ann, "telegram").await;
        let number = text(&look(app, &ann, &first).await, "number").to_owned();
        let reference = row(app, &first).await.state.line().unwrap().provider_ref.clone();
        step(app, &ann, &first, "cancel").await.ok();
        app.run_jobs().await;
        app.refresh().await;
        // Between the two, the number is nobody's.
        app.advance(Span::seconds(1));
        assert!(!to_number(app, &number, "between", ("Telegram", "Telegram code: 55555")).await);
        app.advance(Span::hours(24));
        app.refresh().await;
        let second = rent_own(app, &bob, "whatsapp").await;
        assert_eq!(look(app, &bob, &second).await["number"], number.as_str());
        // The first buyer's message with its own reference is late, not the second's.
        let late = json!({ "providerRef": reference, "number": number, "text": "Telegram code: 66666", "messageId": "late" });
        app.deliver("modems", &late).await.ok();
        assert_eq!(look(app, &bob, &second).await["sms"], json!([]));
        assert!(to_number(app, &number, "now", ("WhatsApp", "WhatsApp code: 777777")).await);
        assert_eq!(look(app, &bob, &second).await["otp"], "777777");
        assert_eq!(look(app, &ann, &first).await["sms"], json!([]));
        assert_eq!(purses(app, &ann).await, (0, 1.0));
        assert_eq!(movements(app, &bob).await.len(), 2);
        assert_eq!(listed(app, &ann, "?status=canceled").await, [first.as_str()]);
    });
}

#[test]
fn a_gateway_speaks_for_its_own_numbers_only() {
    in_sandbox(async |app| {
        app.own_gateway(&modems(EXCLUSIVE)).await;
        let customer = app.account(100, 1_000_000).await;
        let (sandbox, own) = (rent(app, &customer).await, rent_own(app, &customer, "telegram").await);
        let line = row(app, &sandbox).await.state.line().unwrap().clone();
        let numbered = |reference: &str| json!({ "providerRef": reference, "number": line.number.expose(), "text": "Telegram code: 66666" });
        for body in [
            numbered(&line.provider_ref),
            numbered("own-99999"),
            json!({ "number": line.number.expose(), "text": "Telegram code: 66666", "messageId": "b" }),
            json!({ "providerRef": "own-99999", "text": "Telegram code: 66666", "messageId": "c" }),
        ] {
            assert_eq!(app.deliver("modems", &body).await.ok()["matched"], false, "{body}");
        }
        let nameless = json!({ "providerRef": line.provider_ref, "text": "Telegram code: 66666" });
        app.deliver("modems", &nameless).await.refused(400, "INVALID_PARAMETER");
        for id in [&sandbox, &own] {
            assert_eq!(look(app, &customer, id).await["status"], "waiting");
        }
    });
}
