//! API keys, made by their owner: shown once, bounded by time, place and money, seen and deleted by nobody else.

use crate::http_stage::{RENT, at, deliver, purses, telegram, text};
use http::Method;
use numberotp_core::caller::{Scopes, Standing};
use numberotp_core::time::Span;
use numberotp_server::app::auth::KNOWN_FOR;
use numberotp_server::app::uses;
use numberotp_testkit::app::{Answer, TestApp, in_sandbox};
use serde_json::{Value, json};

const KEYS: &str = "/v1/user/apikeys";
const BALANCE: &str = "/api/internal/balance";

/// Makes a key as a person does.
async fn make(app: &TestApp<'_>, session: &str, body: Value) -> Value {
    app.post(KEYS).bearer(session).json(&body).ok().await["data"].clone()
}

async fn listed(app: &TestApp<'_>, session: &str) -> Vec<Value> {
    app.get(KEYS).bearer(session).ok().await["data"].as_array().unwrap().clone()
}

/// One of them, by its id.
async fn row(app: &TestApp<'_>, session: &str, made: &Value) -> Value {
    let rows = listed(app, session).await;
    rows.into_iter().find(|row| row["id"] == made["id"]).unwrap()
}

/// Asks with a key from an address.
async fn from(app: &TestApp<'_>, key: &str, address: &str) -> Answer {
    app.get(BALANCE).bearer(key).from(address.parse().unwrap()).send().await
}

#[test]
fn a_key_is_shown_once_and_opens_until_it_is_deleted() {
    in_sandbox(async |app| {
        let (ann, bob) = (app.account(0, 0).await, app.account(0, 0).await);
        let (session, other) = (app.session(&ann).await, app.session(&bob).await);
        let made = make(app, &session, json!({ "name": " CI ", "purpose": "tests of our app" })).await;
        let key = text(&made, "key").to_owned();
        assert_eq!((&made["name"], &made["scopes"]), (&json!("CI"), &json!(["read", "buy"])));
        assert_eq!((&made["spend_cap"], &made["expires_at"]), (&Value::Null, &Value::Null));
        app.get(BALANCE).bearer(&key).ok().await;

        assert_eq!(listed(app, &session).await.len(), 2, "with the one that the account was made with");
        let kept = row(app, &session, &made).await;
        assert!(kept.get("key").is_none() && !kept.to_string().contains(&key));
        assert!(key.starts_with(text(&kept, "prefix").split('…').next().unwrap()));
        assert_eq!(kept["purpose"], "tests of our app");

        let delete =
            |session: &str| app.ask(Method::DELETE, KEYS).bearer(session).json(&json!({ "id": made["id"] }));
        delete(&other).refused(404, "NOT_FOUND").await;
        app.get(BALANCE).bearer(&key).ok().await;
        assert_eq!(delete(&session).ok().await["data"], json!({ "revoked": true }));
        app.get(BALANCE).bearer(&key).refused(401, "UNAUTHORIZED").await;
        delete(&session).refused(404, "NOT_FOUND").await;
        assert_eq!(listed(app, &session).await.len(), 1);
    });
}

#[test]
fn a_key_makes_itself_no_others_and_odd_wishes_are_refused() {
    in_sandbox(async |app| {
        let ann = app.account(0, 0).await;
        let (session, key) = (app.session(&ann).await, app.key(&ann, Scopes::ALL).await);
        let wish = json!({ "name": "x", "id": "1" });
        app.get(KEYS).bearer(&key).refused(403, "SIGNED_IN_PERSON_REQUIRED").await;
        for method in [Method::POST, Method::DELETE] {
            let ask = app.ask(method, KEYS).bearer(&key).json(&wish);
            ask.refused(403, "SIGNED_IN_PERSON_REQUIRED").await;
        }
        let long = "x".repeat(61);
        for odd in [
            json!({}),
            json!({ "name": " " }),
            json!({ "name": long }),
            json!({ "name": "a\nb" }),
            json!({ "name": "x", "scopes": [] }),
            json!({ "name": "x", "scopes": ["read", "admin"] }),
            json!({ "name": "x", "scopes": "read" }),
            json!({ "name": "x", "scopes": ["read,buy"] }),
            json!({ "name": "x", "expires_in_days": 0 }),
            json!({ "name": "x", "expires_in_days": 1.5 }),
            json!({ "name": "x", "expires_in_days": 9_999_999 }),
            json!({ "name": "x", "expires_at": "2024-04-29T09:40:00Z" }),
            json!({ "name": "x", "expires_at": "tomorrow" }),
            json!({ "name": "x", "expires_at": "2030-01-01T00:00:00Z", "expires_in_days": 1 }),
            json!({ "name": "x", "networks": ["10.0.0.0/33"] }),
            json!({ "name": "x", "networks": ["example.com"] }),
            json!({ "name": "x", "networks": vec!["10.0.0.1"; 21] }),
            json!({ "name": "x", "spend_cap": 0 }),
            json!({ "name": "x", "spend_cap": -1 }),
            json!({ "name": "x", "purpose": "x".repeat(201) }),
        ] {
            app.post(KEYS).bearer(&session).json(&odd).refused(400, "INVALID_PARAMETER").await;
        }
        assert_eq!(listed(app, &session).await.len(), 2);
        app.set_standing(&ann, Standing::Suspended).await;
        app.advance(KNOWN_FOR);
        app.post(KEYS).bearer(&session).json(&wish).refused(403, "ACCOUNT_ON_HOLD").await;
    });
}

#[test]
fn an_account_has_twenty_keys_however_many_are_asked_for_at_once() {
    in_sandbox(async |app| {
        let ann = app.account(0, 0).await;
        let session = app.session(&ann).await;
        let asks: Vec<_> = (0..25)
            .map(|_| {
                app.post(KEYS).bearer(&session).json(&json!({ "name": "x", "expires_in_days": 1 })).start()
            })
            .collect();
        let mut made = 0;
        for ask in asks {
            let answer = ask.await.unwrap();
            if answer.status == 200 {
                made += 1;
            } else {
                answer.refused(409, "KEY_LIMIT");
            }
        }
        // One was there before.
        assert_eq!(made, 19);
        assert_eq!(listed(app, &session).await.len(), 20);
        // What ended by itself counts no more.
        app.advance(Span::hours(24));
        let session = app.session(&ann).await;
        make(app, &session, json!({ "name": "y" })).await;
        assert_eq!(listed(app, &session).await.len(), 2);
    });
}

#[test]
fn a_key_ends_when_it_was_said_to_and_opens_only_where_it_may() {
    in_sandbox(async |app| {
        let session = app.session(&app.account(0, 0).await).await;
        let brief = make(app, &session, json!({ "name": "brief", "expires_in_days": 2 })).await;
        assert_eq!(brief["expires_at"], "2024-05-01T09:40:00.000Z");
        let wish = json!({ "name": "exact", "expires_at": "2024-04-29T10:40:00+00:30" });
        let exact = make(app, &session, wish).await;
        assert_eq!(exact["expires_at"], "2024-04-29T10:10:00.000Z");
        let wish = json!({ "name": "home", "networks": ["198.51.100.0/24", "2001:db8::5"] });
        let home = make(app, &session, wish).await;
        assert_eq!(home["networks"], json!(["198.51.100.0/24", "2001:db8::5/128"]));

        let key = text(&home, "key");
        for (address, status) in [
            ("198.51.100.9:1", 200),
            ("[::ffff:198.51.100.9]:1", 200),
            ("[2001:db8::5]:1", 200),
            ("198.51.101.9:1", 401),
            ("[2001:db8::6]:1", 401),
        ] {
            let answer = from(app, key, address).await;
            assert_eq!(answer.status, status, "{address}");
            if status == 401 {
                answer.refused(401, "UNAUTHORIZED");
            }
        }
        app.advance(Span::minutes(30).minus(Span::micros(1)));
        app.get(BALANCE).bearer(text(&exact, "key")).ok().await;
        app.advance(Span::micros(1));
        app.get(BALANCE).bearer(text(&exact, "key")).refused(401, "UNAUTHORIZED").await;
        app.get(BALANCE).bearer(text(&brief, "key")).ok().await;
        app.advance(Span::hours(48));
        app.get(BALANCE).bearer(text(&brief, "key")).refused(401, "UNAUTHORIZED").await;
    });
}

#[test]
fn when_a_key_was_used_is_noted_beside_the_requests() {
    in_sandbox(async |app| {
        let ann = app.account(0, 0).await;
        let session = app.session(&ann).await;
        let made = make(app, &session, json!({ "name": "CI" })).await;
        app.get(BALANCE).bearer(text(&made, "key")).ok().await;
        assert_eq!(row(app, &session, &made).await["last_used_at"], Value::Null, "not yet written");
        uses::write(app.context()).await.unwrap();
        assert_eq!(row(app, &session, &made).await["last_used_at"], "2024-04-29T09:40:00.000Z");
        let unused = |row: &&Value| row["last_used_at"] == Value::Null;
        assert_eq!(
            listed(app, &session).await.iter().filter(unused).count(),
            1,
            "the other one was not used"
        );
        let sessions = app.get("/v1/user/sessions").bearer(&session).ok().await;
        assert_eq!(sessions["data"][0]["last_used_at"], "2024-04-29T09:40:00.000Z");
    });
}

#[test]
fn a_key_spends_to_its_cap_and_what_is_refunded_may_be_spent_again() {
    in_sandbox(async |app| {
        let ann = app.account(1_000, 0).await;
        let session = app.session(&ann).await;
        // A number costs 0.05.
        let made = make(app, &session, json!({ "name": "CI", "spend_cap": "0.10" })).await;
        let key = text(&made, "key").to_owned();
        let buy = || app.post(RENT).bearer(&key).json(&telegram());
        let spent = async || row(app, &session, &made).await["spent"].clone();
        let first = text(&buy().ok().await["data"], "id").to_owned();
        let second = text(&buy().ok().await["data"], "id").to_owned();
        assert_eq!(spent().await, json!(0.1));
        buy().refused(403, "KEY_SPEND_CAP").await;
        assert_eq!(purses(app, &ann).await, (800, 0.0), "nothing was held");
        // Its owner and other keys are not bound by it.
        app.post(RENT).by(&ann).json(&telegram()).ok().await;

        // Cancelled: it comes back, once, whoever cancels and however often.
        app.post(&at(&first, "cancel")).bearer(&session).ok().await;
        app.post(&at(&first, "cancel")).bearer(&key).ok().await;
        assert_eq!(spent().await, json!(0.05));
        let silent = json!({ "service": "telegram", "country": "US", "operator": "silent" });
        let third = app.post(RENT).bearer(&key).json(&silent).ok().await["data"].clone();
        let third = text(&third, "id").to_owned();
        buy().refused(403, "KEY_SPEND_CAP").await;
        // A message: it is spent for good. No message: it comes back by the clock.
        deliver(app, &second, "m1", "Telegram code: 48291").await;
        app.post(&at(&second, "finish")).bearer(&session).ok().await;
        assert_eq!(spent().await, json!(0.1));
        app.live(20 * 60 + 5).await;
        assert_eq!(app.get(&at(&third, "")).bearer(&key).ok().await["data"]["status"], "expired");
        assert_eq!(spent().await, json!(0.05));
        buy().ok().await;
        buy().refused(403, "KEY_SPEND_CAP").await;
    });
}

#[test]
fn purchases_at_once_at_the_last_cent_of_a_cap_are_one() {
    in_sandbox(async |app| {
        let ann = app.account(10_000, 0).await;
        let session = app.session(&ann).await;
        let made = make(app, &session, json!({ "name": "CI", "spend_cap": 0.1 })).await;
        let key = text(&made, "key").to_owned();
        app.post(RENT).bearer(&key).json(&telegram()).ok().await;
        let asks: Vec<_> = (0..20).map(|_| app.post(RENT).bearer(&key).json(&telegram()).start()).collect();
        let mut bought = 0;
        for ask in asks {
            let answer = ask.await.unwrap();
            if answer.status == 200 {
                bought += 1;
            } else {
                answer.refused(403, "KEY_SPEND_CAP");
            }
        }
        assert_eq!(bought, 1);
        assert_eq!(purses(app, &ann).await, (9_800, 0.0));
        assert_eq!(row(app, &session, &made).await["spent"], json!(0.1));
    });
}

#[test]
fn a_repeat_under_the_same_key_counts_once_and_a_failed_purchase_not_at_all() {
    in_sandbox(async |app| {
        let ann = app.account(10_000, 0).await;
        let session = app.session(&ann).await;
        let made = make(app, &session, json!({ "name": "CI", "spend_cap": 0.05 })).await;
        let key = text(&made, "key").to_owned();
        let buy = || app.post(RENT).bearer(&key).header("idempotency-key", "a").json(&telegram());
        let first = buy().ok().await;
        assert_eq!(buy().ok().await["data"]["id"], first["data"]["id"]);
        app.post(&at(text(&first["data"], "id"), "cancel")).bearer(&key).ok().await;
        for operator in ["out-of-stock", "refused"] {
            let wish = json!({ "service": "telegram", "country": "US", "operator": operator });
            let answer = app.post(RENT).bearer(&key).json(&wish).send().await;
            assert!(matches!(answer.status, 404 | 502), "{}", answer.text());
        }
        assert_eq!(row(app, &session, &made).await["spent"], json!(0));
        app.post(RENT).bearer(&key).json(&telegram()).ok().await;
    });
}
