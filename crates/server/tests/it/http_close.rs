//! How a rent ends: given back, done with, or over; each once, whatever is repeated, and the money goes where the
//! documents say. Also the second message, which ends nothing.

use crate::http_stage::{at, at_sandbox, deliver, look, movements, purses, rent, rent_by, row, step, text};
use http::Method;
use numberotp_core::time::Span;
use numberotp_providers::provider::HttpReply;
use numberotp_server::app::upstream::Interference;
use numberotp_testkit::app::{Customer, TestApp, in_sandbox};
use serde_json::json;

/// A rent brought into a state, by its name.
async fn bring(app: &TestApp<'_>, customer: &Customer, state: &str) -> String {
    if matches!(state, "reserving" | "failed") {
        app.line().on("allocate", Interference::LoseRequest);
        let refused = app.post("/api/internal/rent").by(customer).json(&crate::http_stage::telegram());
        let id = text(&refused.refused(503, "PURCHASE_UNCONFIRMED").await, "id").to_owned();
        app.line().mend();
        if state == "failed" {
            app.advance(Span::seconds(25));
            app.run_jobs().await;
        }
        assert_eq!(look(app, customer, &id).await["status"], state);
        return id;
    }
    let id = rent(app, customer).await;
    if matches!(state, "received" | "finished") {
        deliver(app, &id, &format!("message for {id}"), "Telegram code: 48291").await;
    }
    match state {
        "finished" => drop(step(app, customer, &id, "finish").await.ok()),
        "canceled" => drop(step(app, customer, &id, "cancel").await.ok()),
        "expired" => {
            app.advance(Span::minutes(20));
            app.run_jobs().await;
        }
        _ => {}
    }
    assert_eq!(look(app, customer, &id).await["status"], state);
    id
}

#[test]
fn each_step_is_taken_in_the_states_that_allow_it() {
    in_sandbox(async |app| {
        let customer = app.account(100_000, 0).await;
        // state, and what becomes of it by: cancel, finish, resend (the state after it; a refusal leaves it)
        let table = [
            ("reserving", None, None, None),
            ("waiting", Some("canceled"), None, None),
            ("received", None, Some("finished"), Some("received")),
            ("finished", None, Some("finished"), None),
            ("canceled", Some("canceled"), None, None),
            ("expired", None, None, None),
            ("failed", None, None, None),
        ];
        for (state, cancel, finish, resend) in table {
            for (verb, after) in
                [("cancel", cancel), ("finish", finish), ("resend", resend), ("DELETE", cancel)]
            {
                let id = bring(app, &customer, state).await;
                let before = purses(app, &customer).await;
                let answer = match verb {
                    "DELETE" => app.ask(Method::DELETE, &at(&id, "")).by(&customer).send().await,
                    verb => step(app, &customer, &id, verb).await,
                };
                match after {
                    Some(after) => {
                        assert_eq!(answer.ok()["data"]["status"], after, "{verb} of {state}");
                        assert_eq!(answer.json()["data"], look(app, &customer, &id).await);
                    }
                    None => {
                        let refused = answer.refused(409, "INVALID_STATE");
                        assert_eq!(text(&refused, "status"), state, "{verb} of {state}");
                        assert_eq!(look(app, &customer, &id).await["status"], state, "{verb} of {state}");
                        assert_eq!(purses(app, &customer).await, before, "{verb} of {state}");
                    }
                }
            }
        }
    });
}

#[test]
fn a_cancel_gives_everything_back_once() {
    in_sandbox(async |app| {
        let customer = app.account(150, 1_000_000).await;
        let (first, second) = (rent(app, &customer).await, rent(app, &customer).await);
        assert_eq!(purses(app, &customer).await, (0, 0.975));
        for _ in 0..3 {
            let canceled = step(app, &customer, &second, "cancel").await.ok();
            assert_eq!(
                (&canceled["balance"], &canceled["credits"], &canceled["refunded"]),
                (&json!(1), &json!(50), &json!(true))
            );
            assert_eq!(canceled["data"]["otp"], serde_json::Value::Null);
        }
        app.ask(Method::DELETE, &at(&second, "")).by(&customer).ok().await;
        let rows = movements(app, &customer).await;
        assert_eq!(rows.iter().filter(|kind| *kind == "refund").count(), 1);
        assert!(at_sandbox(app, &second).await.is_some_and(|purchase| !purchase.released));
        app.run_jobs().await;
        assert!(
            at_sandbox(app, &second).await.is_some_and(|purchase| purchase.released),
            "the provider has its number again"
        );
        assert!(at_sandbox(app, &first).await.is_some_and(|purchase| !purchase.released));
        // The window's end finds nothing left to do.
        app.advance(Span::minutes(30));
        app.run_jobs().await;
        assert_eq!(purses(app, &customer).await, (150, 1.0));
        assert_eq!(look(app, &customer, &second).await["status"], "canceled");
    });
}

#[test]
fn a_body_on_a_step_is_nobodys_business() {
    in_sandbox(async |app| {
        let customer = app.account(100, 0).await;
        let id = rent(app, &customer).await;
        let cancel = app.post(&at(&id, "cancel")).by(&customer).body("text/plain", "whatever \u{0}");
        assert_eq!(cancel.ok().await["data"]["status"], "canceled");
    });
}

#[test]
fn a_window_that_ends_without_a_message_gives_everything_back() {
    in_sandbox(async |app| {
        let customer = app.account(100, 0).await;
        let id = rent(app, &customer).await;
        app.advance(Span::micros(20 * 60 * 1_000_000 - 1));
        app.run_jobs().await;
        assert_eq!(
            look(app, &customer, &id).await["status"],
            "received",
            "the sandbox's own message came in time"
        );

        let late = app.account(100, 0).await;
        let id = rent(app, &late).await;
        app.line().on("release", Interference::LoseReply);
        app.advance(Span::minutes(20));
        // The end is no one's request: the job comes, a little late or early.
        assert_eq!(look(app, &late, &id).await["status"], "waiting");
        app.run_jobs().await;
        assert_eq!(look(app, &late, &id).await["status"], "expired");
        assert_eq!(purses(app, &late).await, (100, 0.0));
        assert_eq!(movements(app, &late).await.len(), 3);
        assert_eq!(look(app, &late, &id).await["expiresAt"], "2024-04-29T10:19:59Z");

        // A provider that cannot be told now is told later.
        let told = app.line().count("release");
        app.line().mend();
        app.live(10).await;
        assert!(app.line().count("release") > told);
        let still = app.line().count("release");
        app.live(60).await;
        assert_eq!(app.line().count("release"), still, "and once it knows, no more");
    });
}

#[test]
fn a_received_rent_finishes_by_itself_at_the_windows_end() {
    in_sandbox(async |app| {
        let customer = app.account(100, 0).await;
        let id = rent(app, &customer).await;
        deliver(app, &id, "m1", "Telegram code: 48291").await;
        app.advance(Span::minutes(20));
        app.run_jobs().await;
        let after = look(app, &customer, &id).await;
        assert_eq!((text(&after, "status"), text(&after, "otp")), ("finished", "48291"));
        assert_eq!(purses(app, &customer).await, (0, 0.0));
        assert!(at_sandbox(app, &id).await.is_some_and(|purchase| purchase.released));
    });
}

#[test]
fn the_sandbox_sends_its_message_by_itself_and_another_when_asked() {
    in_sandbox(async |app| {
        let customer = app.account(100, 0).await;
        let id = rent(app, &customer).await;
        app.advance(Span::millis(1_999));
        assert_eq!(app.run_jobs().await, 0, "a real service takes its time too");
        app.advance(Span::millis(1));
        app.run_jobs().await;
        let first = look(app, &customer, &id).await;
        assert_eq!(text(&first, "status"), "received");
        let code = text(&first, "otp").to_owned();
        assert_eq!(code.len(), 5);
        assert!(text(&first, "fullSms").starts_with(&format!("Telegram code: {code}.")), "{first}");

        let asked = step(app, &customer, &id, "resend").await.ok();
        assert_eq!(asked["data"], first, "nothing changed yet");
        let soon = step(app, &customer, &id, "resend").await.refused(409, "INVALID_STATE");
        assert_eq!(text(&soon, "status"), "received");
        app.advance(Span::seconds(2));
        app.run_jobs().await;
        let second = look(app, &customer, &id).await;
        assert_ne!(text(&second, "otp"), code, "after a resend the newest counts");
        let texts: Vec<&str> =
            second["sms"].as_array().unwrap().iter().map(|sms| text(sms, "code")).collect();
        assert_eq!(texts, [code.as_str(), text(&second, "otp")], "in the order of arrival");
        app.advance(Span::millis(7_999));
        step(app, &customer, &id, "resend").await.refused(409, "INVALID_STATE");
        app.advance(Span::millis(1));
        step(app, &customer, &id, "resend").await.ok();
        assert_eq!(app.line().count("resend"), 2);
        assert_eq!(purses(app, &customer).await, (0, 0.0), "all that for one price");
        assert_eq!(movements(app, &customer).await.len(), 2);
    });
}

#[test]
fn another_message_without_being_asked_for_does_not_change_the_code() {
    in_sandbox(async |app| {
        let customer = app.account(100, 0).await;
        let id = rent(app, &customer).await;
        deliver(app, &id, "m1", "Telegram code: 11111").await;
        deliver(app, &id, "m2", "Telegram code: 22222").await;
        let seen = look(app, &customer, &id).await;
        assert_eq!((text(&seen, "otp"), seen["sms"].as_array().unwrap().len()), ("11111", 2));
    });
}

#[test]
fn a_resend_is_for_pool_1_alone_and_its_failure_is_told() {
    in_sandbox(async |app| {
        let customer = app.account(0, 10_000_000).await;
        for pool in ["2", "3"] {
            let rented =
                rent_by(app, &customer, json!({ "service": "facebook", "country": "US", "pool": pool }))
                    .await;
            let id = text(&rented, "id").to_owned();
            step(app, &customer, &id, "resend").await.refused(409, "INVALID_STATE");
            deliver(app, &id, &format!("pool {pool}"), "482913 is your Facebook code").await;
            step(app, &customer, &id, "resend").await.refused(409, "RESEND_NOT_SUPPORTED");
        }
        assert_eq!(app.line().count("resend"), 0);

        let id = rent(app, &customer).await;
        deliver(app, &id, "m1", "Telegram code: 11111").await;
        let before = purses(app, &customer).await;
        let unknown = Interference::Answer(|_| HttpReply { status: 404, body: Vec::new() });
        for interference in
            [Interference::LoseReply, Interference::LoseRequest, Interference::Refuse, unknown]
        {
            app.line().on("resend", interference);
            step(app, &customer, &id, "resend").await.refused(502, "PROVIDER_ERROR");
            app.advance(Span::seconds(10));
        }
        app.line().mend();
        step(app, &customer, &id, "resend").await.ok();
        assert_eq!(purses(app, &customer).await, before);
        assert_eq!(look(app, &customer, &id).await["otp"], "11111");
        app.advance(Span::minutes(20));
        let closed = step(app, &customer, &id, "resend").await.refused(409, "INVALID_STATE");
        assert!(
            text(&closed, "error").contains("window"),
            "the window is over although no job ran yet: {closed}"
        );
        assert_eq!(row(app, &id).await.state.status().as_str(), "received");
    });
}
