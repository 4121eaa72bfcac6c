//! A key makes a purchase safe to repeat: it buys once, whoever repeats it and whatever broke in between.

use crate::http_stage::{RENT, purses, telegram};
use numberotp_core::time::Span;
use numberotp_server::app::upstream::Interference;
use numberotp_testkit::app::{Answer, Ask, Customer, Setup, TestApp, in_sandbox, with_app};
use serde_json::{Value, json};

fn keyed(app: &TestApp<'_>, customer: &Customer, key: &str, body: &Value) -> Ask {
    app.post(RENT).by(customer).header("idempotency-key", key).json(body)
}

fn replayed(answer: &Answer) -> bool {
    answer.headers.get("idempotent-replayed").is_some_and(|value| value == "true")
}

#[test]
fn a_repeat_answers_byte_for_byte_and_buys_nothing() {
    in_sandbox(async |app| {
        let customer = app.account(1_000, 0).await;
        let first = keyed(app, &customer, "k-1", &telegram()).send().await;
        assert_eq!((first.status, replayed(&first)), (200, false));
        // Whatever came since: a message, another purchase, a cancel of it.
        app.live(3).await;
        keyed(app, &customer, "k-2", &telegram()).ok().await;
        for spelling in ["k-1", "\"k-1\""] {
            let again = keyed(app, &customer, spelling, &telegram()).send().await;
            assert_eq!((again.status, replayed(&again)), (200, true));
            assert_eq!(again.body, first.body, "{} and {}", again.text(), first.text());
        }
        assert_eq!(purses(app, &customer).await.0, 800);
    });
}

#[test]
fn twenty_requests_at_once_with_one_key_buy_once() {
    in_sandbox(async |app| {
        let customer = app.account(10_000, 0).await;
        let asked: Vec<_> = (0..20).map(|_| keyed(app, &customer, "k", &telegram()).start()).collect();
        let mut bodies = Vec::new();
        for answer in asked {
            let answer = answer.await.unwrap();
            assert_eq!(answer.status, 200, "{}", answer.text());
            bodies.push(answer.body);
        }
        assert!(bodies.iter().all(|body| *body == bodies[0]));
        assert_eq!(purses(app, &customer).await.0, 9_900);
        assert_eq!(app.line().count("allocate"), 1);
    });
}

#[test]
fn another_body_is_refused_and_another_account_is_independent() {
    in_sandbox(async |app| {
        let (ann, ben) = (app.account(1_000, 0).await, app.account(1_000, 0).await);
        keyed(app, &ann, "k", &telegram()).ok().await;
        let other = json!({"service": "whatsapp", "country": "GB"});
        keyed(app, &ann, "k", &other).refused(409, "IDEMPOTENCY_KEY_REUSED").await;
        let his = keyed(app, &ben, "k", &telegram()).send().await;
        assert_eq!((his.status, replayed(&his)), (200, false));
        assert_eq!((purses(app, &ann).await.0, purses(app, &ben).await.0), (900, 900));
    });
}

#[test]
fn a_refusal_is_not_kept_so_the_same_key_can_buy_later() {
    in_sandbox(async |app| {
        let customer = app.account(10, 0).await;
        keyed(app, &customer, "k", &telegram()).refused(402, "INSUFFICIENT_BALANCE").await;
        app.give(&customer, numberotp_core::ledger::Purse::Granted, 990).await;
        app.line().on("allocate", Interference::NoStock);
        keyed(app, &customer, "k", &telegram()).refused(404, "NO_NUMBERS_AVAILABLE").await;
        app.line().on("allocate", Interference::Refuse);
        keyed(app, &customer, "k", &telegram()).refused(502, "PROVIDER_ERROR").await;
        app.line().mend();
        let bought = keyed(app, &customer, "k", &telegram()).send().await;
        assert_eq!((bought.status, replayed(&bought)), (200, false));
        assert_eq!(purses(app, &customer).await.0, 900);
    });
}

const IMPATIENT: Setup = Setup::sandbox().adjusted(|settings| settings.purchase_within = Span::millis(500));

#[test]
fn an_unconfirmed_purchase_is_settled_and_the_same_key_tells_its_outcome() {
    with_app(IMPATIENT, async |app| {
        let customer = app.account(1_000, 0).await;
        app.line().on("allocate", Interference::LoseReply);
        let unconfirmed = keyed(app, &customer, "k", &telegram()).send().await;
        let told = unconfirmed.refused(503, "PURCHASE_UNCONFIRMED");
        app.line().mend();
        let running = keyed(app, &customer, "k", &telegram()).send().await;
        running.refused(503, "IDEMPOTENCY_IN_PROGRESS");
        assert_eq!(running.header("retry-after"), "2");
        app.restart().await;
        app.live(30).await;
        let outcome = keyed(app, &customer, "k", &telegram()).send().await;
        assert_eq!((outcome.status, replayed(&outcome)), (200, true));
        assert_eq!(outcome.json()["data"]["id"], told["id"]);
        assert_eq!(purses(app, &customer).await.0, 900);
    });
}

#[test]
fn a_purchase_that_came_to_nothing_lets_the_same_key_buy() {
    in_sandbox(async |app| {
        let customer = app.account(1_000, 0).await;
        app.line().on("allocate", Interference::LoseRequest);
        keyed(app, &customer, "k", &telegram()).refused(503, "PURCHASE_UNCONFIRMED").await;
        app.line().mend();
        app.live(120).await;
        assert_eq!(purses(app, &customer).await.0, 1_000);
        let bought = keyed(app, &customer, "k", &telegram()).send().await;
        assert_eq!((bought.status, replayed(&bought)), (200, false));
        assert_eq!(purses(app, &customer).await.0, 900);
    });
}

#[test]
fn a_key_is_new_again_after_a_day() {
    in_sandbox(async |app| {
        let customer = app.account(1_000, 0).await;
        let first = keyed(app, &customer, "k", &telegram()).ok().await;
        app.advance(Span::seconds(24 * 3_600 - 1));
        assert!(replayed(&keyed(app, &customer, "k", &telegram()).send().await));
        app.advance(Span::seconds(1));
        let second = keyed(app, &customer, "k", &telegram()).send().await;
        assert_eq!((second.status, replayed(&second)), (200, false));
        assert_ne!(second.json()["data"]["id"], first["data"]["id"]);
        app.live(60).await;
    });
}

#[test]
fn what_is_no_key_is_refused_and_buys_nothing() {
    in_sandbox(async |app| {
        let customer = app.account(1_000, 0).await;
        for bad in ["", "\"\"", &"k".repeat(256), "a b", "schlüssel"] {
            keyed(app, &customer, bad, &telegram()).refused(400, "INVALID_PARAMETER").await;
        }
        let twice = keyed(app, &customer, "a", &telegram()).header("idempotency-key", "b");
        twice.refused(400, "INVALID_PARAMETER").await;
        assert_eq!(purses(app, &customer).await.0, 1_000);
        keyed(app, &customer, &"k".repeat(255), &telegram()).ok().await;
        keyed(app, &customer, "a,b;c=\"d\"", &telegram()).ok().await;
    });
}
