//! A clock that tests move: what became due is done when the answer comes, each thing at its own time, and all that
//! goes by time follows. The clock never goes back, not even by a restart.

use crate::http_stage::{RENT, at, look, movements, purses, rent, rent_by, telegram, text};
use numberotp_core::caller::Scopes;
use numberotp_core::time::Span;
use numberotp_server::config::{OnOff, ServeSettings};
use numberotp_testkit::app::{BEGINNING, Customer, Setup, TestApp, in_sandbox, with_app};
use serde_json::{Value, json};

const CLOCK: &str = "/sandbox/clock";

async fn advance(app: &TestApp<'_>, customer: &Customer, by: &str) -> Value {
    app.post(CLOCK).by(customer).json(&json!({ "advance": by })).ok().await["data"].clone()
}

async fn rent_of(app: &TestApp<'_>, customer: &Customer, operator: &str) -> String {
    let wish = json!({ "service": "telegram", "country": "US", "operator": operator });
    text(&rent_by(app, customer, wish).await, "id").to_owned()
}

#[test]
fn a_silent_rent_is_expired_and_paid_back_in_the_next_request() {
    in_sandbox(async |app| {
        let customer = app.account(2_000, 0).await;
        let id = rent_of(app, &customer, "silent").await;
        let told = advance(app, &customer, "20m").await;
        assert_eq!(told, json!({ "now": "2024-04-29T10:00:00Z", "offset": "20m" }));
        assert_eq!(look(app, &customer, &id).await["status"], "expired");
        assert_eq!(purses(app, &customer).await, (2_000, 0.0));
        assert_eq!(app.get(CLOCK).by(&customer).ok().await["data"], told);
        assert_eq!(app.now().to_rfc3339_seconds(), "2024-04-29T10:00:00Z", "the test's clock is the same");
    });
}

#[test]
fn what_is_due_on_the_way_happens_at_its_own_time() {
    in_sandbox(async |app| {
        let customer = app.account(2_000, 0).await;
        // Its message comes two seconds after the purchase and not after the end that lies on the way too.
        let normal = rent(app, &customer).await;
        let double = rent_of(app, &customer, "double").await;
        let late = rent_of(app, &customer, "late").await;
        advance(app, &customer, "1h").await;
        let read = look(app, &customer, &normal).await;
        assert_eq!((text(&read, "status"), text(&read, "otp").len()), ("finished", 5));
        assert_eq!(text(&read["sms"][0], "receivedAt"), "2024-04-29T09:40:02Z");
        let read = look(app, &customer, &double).await;
        let times: Vec<&str> =
            read["sms"].as_array().unwrap().iter().map(|sms| text(sms, "receivedAt")).collect();
        assert_eq!(times, ["2024-04-29T09:40:02Z", "2024-04-29T09:40:03Z"]);
        assert_eq!(look(app, &customer, &late).await["status"], "expired");
        let rows = app.get("/api/internal/transactions").by(&customer).ok().await;
        let refund =
            rows["data"].as_array().unwrap().iter().find(|row| row["type"] == "refund").unwrap().clone();
        assert_eq!(text(&refund, "createdAt"), "2024-04-29T10:00:00Z", "{refund}");
        assert_eq!(movements(app, &customer).await.iter().filter(|kind| *kind == "refund").count(), 1);
        assert_eq!(purses(app, &customer).await, (1_800, 0.0));
    });
}

#[test]
fn moves_add_up_and_the_sum_survives_a_restart() {
    in_sandbox(async |app| {
        let customer = app.account(2_000, 0).await;
        for (by, offset) in [("90s", "90s"), ("90", "3m"), ("57m", "1h"), ("250ms", "3600250ms")] {
            assert_eq!(advance(app, &customer, by).await["offset"], offset);
        }
        let seconds = app.post(CLOCK).by(&customer).json(&json!({ "advance": 10 })).ok().await;
        assert_eq!(seconds["data"]["offset"], "3610250ms");
        let before = app.now();
        app.restart().await;
        assert_eq!(app.now(), before, "neither back nor ahead twice");
        let told = app.get(CLOCK).by(&customer).ok().await["data"].clone();
        assert_eq!(told, json!({ "now": "2024-04-29T10:40:10Z", "offset": "3610250ms" }));
        // The machine's own time goes on under it.
        app.advance(Span::seconds(50));
        assert_eq!(app.get(CLOCK).by(&customer).ok().await["data"]["now"], "2024-04-29T10:41:00Z");
        assert_eq!(text(&rent_by(app, &customer, telegram()).await, "expiresAt"), "2024-04-29T11:01:00Z");
    });
}

#[test]
fn moves_at_once_all_count() {
    in_sandbox(async |app| {
        let customer = app.account(2_000, 0).await;
        let ids = [rent(app, &customer).await, rent_of(app, &customer, "silent").await];
        let move_on = || app.post(CLOCK).by(&customer).json(&json!({ "advance": "7m" })).start();
        for moving in [move_on(), move_on(), move_on(), move_on()] {
            moving.await.unwrap().ok();
        }
        assert_eq!(app.get(CLOCK).by(&customer).ok().await["data"]["offset"], "28m");
        assert_eq!(look(app, &customer, &ids[0]).await["status"], "finished");
        assert_eq!(look(app, &customer, &ids[1]).await["status"], "expired");
    });
}

#[test]
fn idempotency_keys_tokens_and_retention_follow() {
    in_sandbox(async |app| {
        let customer = app.account(2_000, 0).await;
        let jwt = app.jwt(&customer).await;
        let ask = async || {
            let ask = app.post(RENT).by(&customer).header("idempotency-key", "k").json(&telegram());
            text(&ask.ok().await["data"], "id").to_owned()
        };
        let first = ask().await;
        advance(app, &customer, "14m").await;
        app.get("/api/user/profile").bearer(&jwt).ok().await;
        advance(app, &customer, "23h").await;
        assert_eq!(ask().await, first);
        advance(app, &customer, "46m").await;
        assert_ne!(ask().await, first, "the key is free again");
        app.get("/api/user/profile").bearer(&jwt).refused(401, "UNAUTHORIZED").await;
        let read = look(app, &customer, &first).await;
        assert_eq!(read["sms"].as_array().unwrap().len(), 1);
        advance(app, &customer, "3d").await;
        assert_eq!(look(app, &customer, &first).await["sms"], json!([]), "past their time messages are gone");
        advance(app, &customer, "400d").await;
        assert_eq!(app.get(CLOCK).by(&customer).ok().await["data"]["offset"], "404d");
    });
}

#[test]
fn the_windows_of_rate_limits_stay_with_the_callers_clock() {
    fn limited(flags: &mut ServeSettings) {
        flags.rate_limits = Some(OnOff::On);
        flags.limit_account = Some(1);
    }
    with_app(Setup::sandbox().flagged(limited), async |app| {
        let customer = app.account(100, 0).await;
        app.get("/api/internal/balance").by(&customer).ok().await;
        app.get("/api/internal/balance").by(&customer).refused(429, "RATE_LIMITED").await;
        let true_now = app.now().unix_seconds();
        advance(app, &customer, "30d").await;
        let refused = app.get("/api/internal/balance").by(&customer).send().await;
        refused.refused(429, "RATE_LIMITED");
        let reset: i64 = refused.header("x-ratelimit-reset").parse().unwrap();
        assert!((true_now..=true_now + 60).contains(&reset), "whoever sleeps until then wakes up");
    });
}

#[test]
fn a_waiter_hears_the_end_that_the_clock_brought() {
    in_sandbox(async |app| {
        let customer = app.account(2_000, 0).await;
        let id = rent_of(app, &customer, "silent").await;
        let waiting = app.get(&at(&id, "wait")).by(&customer).start();
        advance(app, &customer, "20m").await;
        let refused = waiting.await.unwrap().refused(400, "RENT_CLOSED");
        assert_eq!(refused["status"], "expired");
    });
}

#[test]
fn it_never_goes_back_nor_out_of_time() {
    in_sandbox(async |app| {
        let customer = app.account(100, 0).await;
        for body in [
            json!({}),
            json!({ "advance": "0s" }),
            json!({ "advance": "-5m" }),
            json!({ "advance": -5 }),
            json!({ "advance": "401d" }),
            json!({ "advance": "9999999999d" }),
            json!({ "advance": "tomorrow" }),
            json!({ "advance": true }),
            json!({ "advance": 1.5 }),
        ] {
            let refused = app.post(CLOCK).by(&customer).json(&body).refused(400, "INVALID_PARAMETER").await;
            assert!(text(&refused, "error").contains("`advance`"), "{body}: {refused}");
        }
        assert_eq!(app.now().to_rfc3339_seconds(), BEGINNING);
        for _ in 0..91 {
            advance(app, &customer, "400d").await;
        }
        let refused = app.post(CLOCK).by(&customer).json(&json!({ "advance": "400d" })).send().await;
        refused.refused(409, "INVALID_STATE");
    });
}

#[test]
fn only_who_may_buy_moves_it() {
    in_sandbox(async |app| {
        let customer = app.account(100, 0).await;
        let reader = app.key(&customer, Scopes::parse("read").unwrap()).await;
        let body = json!({ "advance": "5m" });
        app.post(CLOCK).bearer(&reader).json(&body).refused(403, "INSUFFICIENT_SCOPE").await;
        app.post(CLOCK).json(&body).refused(401, "UNAUTHORIZED").await;
        app.get(CLOCK).refused(401, "UNAUTHORIZED").await;
        let told = app.get(CLOCK).bearer(&reader).ok().await;
        assert_eq!(told["data"], json!({ "now": BEGINNING, "offset": "0s" }));
    });
}
