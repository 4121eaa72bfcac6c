//! A device that is let in by its code: it waits as it is told, a person decides once, and codes cannot be guessed.

use crate::http_oauth::{TOKEN, denied, tokens};
use crate::http_stage::text;
use numberotp_core::caller::{Scopes, Standing};
use numberotp_core::session::PROOF_LIFE;
use numberotp_core::time::Span;
use numberotp_server::app::admin::{By, Reason, Stood, set_standing};
use numberotp_server::app::auth::KNOWN_FOR;
use numberotp_server::config::{OnOff, ServeSettings};
use numberotp_testkit::app::{Answer, Ask, Setup, TestApp, in_sandbox, with_app};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

const DEVICE: &str = "/v1/oauth/device";
const CODE: &str = "/v1/oauth/device/code";
const SESSIONS: &str = "/v1/user/sessions";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

async fn begin(app: &TestApp<'_>) -> Value {
    let answer = app.post(CODE).json(&json!({ "client": "cli", "device_name": "Ann's laptop" })).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

async fn poll(app: &TestApp<'_>, begun: &Value) -> Answer {
    app.post(TOKEN).json(&json!({ "grant_type": GRANT, "device_code": begun["device_code"] })).send().await
}

fn decide(app: &TestApp<'_>, session: &str, code: &str, action: &str) -> Ask {
    app.post(DEVICE).bearer(session).json(&json!({ "user_code": code, "action": action }))
}

fn look(app: &TestApp<'_>, session: &str, code: &str) -> Ask {
    app.get(&format!("{DEVICE}?user_code={code}")).bearer(session)
}

#[test]
fn a_device_waits_is_let_in_and_gets_its_tokens_once() {
    in_sandbox(async |app| {
        let ann = app.account(0, 0).await;
        let session = app.session(&ann).await;
        let begun = begin(app).await;
        assert_eq!((&begun["expires_in"], &begun["interval"]), (&json!(600), &json!(5)));
        let code = text(&begun, "user_code").to_owned();
        assert!(text(&begun, "verification_uri").ends_with("/device"));
        assert!(text(&begun, "verification_uri_complete").ends_with(&format!("/device?user_code={code}")));

        denied(&poll(app, &begun).await, "authorization_pending");
        denied(&poll(app, &begun).await, "slow_down");
        // Five seconds more for good, after each time.
        app.advance(Span::seconds(5));
        denied(&poll(app, &begun).await, "slow_down");
        app.advance(Span::seconds(15));
        denied(&poll(app, &begun).await, "authorization_pending");

        let typed = code.replace('-', "").to_lowercase();
        let shown = look(app, &session, &typed).ok().await["data"].clone();
        assert_eq!((&shown["user_code"], &shown["client"]), (&json!(code), &json!("cli")));
        assert_eq!((&shown["device_name"], &shown["status"]), (&json!("Ann's laptop"), &json!("pending")));
        assert_eq!(
            decide(app, &session, &typed, "approve").ok().await["data"],
            json!({ "status": "approved" })
        );
        decide(app, &session, &code, "deny").refused(409, "INVALID_STATE").await;

        let given = tokens(&poll(app, &begun).await);
        assert_eq!(given["user"]["id"], ann.account.get().to_string());
        let listed = app.get(SESSIONS).bearer(text(&given, "access_token")).ok().await;
        let current = listed["data"].as_array().unwrap().iter().find(|row| row["current"] == true).unwrap();
        assert_eq!((&current["platform"], &current["device_name"]), (&json!("cli"), &json!("Ann's laptop")));
        // Whoever asks a second time knows a code that only the device should: both are out.
        denied(&poll(app, &begun).await, "invalid_grant");
        app.get(SESSIONS).bearer(text(&given, "access_token")).refused(401, "UNAUTHORIZED").await;
        app.get(SESSIONS).bearer(&session).ok().await;
    });
}

/// Whoever finds a browser open lets nothing in that stays, and nobody stays proved by letting devices in.
#[test]
fn a_device_is_let_in_by_whoever_proved_to_be_there_and_proves_nothing_itself() {
    in_sandbox(async |app| {
        let ann = app.account(0, 0).await;
        let left_open = app.session(&ann).await;
        app.advance(PROOF_LIFE);
        let begun = begin(app).await;
        let code = text(&begun, "user_code").to_owned();
        decide(app, &left_open, &code, "approve").refused(403, "REAUTHENTICATION_REQUIRED").await;
        denied(&poll(app, &begun).await, "authorization_pending");

        let session = app.session(&ann).await;
        app.advance(Span::minutes(9));
        decide(app, &session, &code, "approve").ok().await;
        let given = tokens(&poll(app, &begun).await);
        let access = text(&given, "access_token");
        let key = || app.post("/v1/user/apikeys").bearer(access).json(&json!({ "name": "CI" }));
        key().ok().await;
        app.advance(Span::minutes(6));
        key().refused(403, "REAUTHENTICATION_REQUIRED").await;
        let another = begin(app).await;
        let code = text(&another, "user_code");
        decide(app, access, code, "approve").refused(403, "REAUTHENTICATION_REQUIRED").await;
        // To keep a device out nobody has to prove anything.
        decide(app, access, code, "deny").ok().await;
    });
}

#[test]
fn a_device_that_is_denied_or_too_late_is_told_so() {
    in_sandbox(async |app| {
        let session = app.session(&app.account(0, 0).await).await;
        let (unwanted, late) = (begin(app).await, begin(app).await);
        assert_eq!(
            decide(app, &session, text(&unwanted, "user_code"), "deny").ok().await["data"]["status"],
            "denied"
        );
        denied(&poll(app, &unwanted).await, "access_denied");
        app.advance(Span::minutes(10));
        denied(&poll(app, &late).await, "expired_token");
        look(app, &session, text(&late, "user_code")).refused(404, "NOT_FOUND").await;
        decide(app, &session, text(&late, "user_code"), "approve").refused(404, "NOT_FOUND").await;
        denied(&poll(app, &late).await, "expired_token");
        for odd in ["", "x", "notp_dc_", &format!("notp_dc_{}", "a".repeat(43))] {
            let answer = poll(app, &json!({ "device_code": odd })).await;
            denied(&answer, if odd.is_empty() { "invalid_request" } else { "invalid_grant" });
        }
    });
}

#[test]
fn of_two_decisions_at_once_one_counts() {
    in_sandbox(async |app| {
        let (ann, bob) = (app.account(0, 0).await, app.account(0, 0).await);
        let sessions = [app.session(&ann).await, app.session(&bob).await];
        let begun = begin(app).await;
        let code = text(&begun, "user_code");
        let asks: Vec<_> =
            (0..10).map(|turn| decide(app, &sessions[turn % 2], code, "approve").start()).collect();
        let mut done = 0;
        for ask in asks {
            let answer = ask.await.unwrap();
            if answer.status == 200 {
                done += 1;
            } else {
                answer.refused(409, "INVALID_STATE");
            }
        }
        assert_eq!(done, 1);
        tokens(&poll(app, &begun).await);
    });
}

#[test]
fn of_many_questions_at_once_one_gets_tokens_and_then_they_are_worth_nothing() {
    in_sandbox(async |app| {
        let ann = app.account(0, 0).await;
        let begun = begin(app).await;
        decide(app, &app.session(&ann).await, text(&begun, "user_code"), "approve").ok().await;
        let body = json!({ "grant_type": GRANT, "device_code": begun["device_code"] });
        let asks: Vec<_> = (0..10).map(|_| app.post(TOKEN).json(&body).start()).collect();
        let mut given = Vec::new();
        for ask in asks {
            let answer = ask.await.unwrap();
            if answer.status == 200 {
                given.push(tokens(&answer));
            } else {
                denied(&answer, "invalid_grant");
            }
        }
        assert_eq!(given.len(), 1);
        app.get(SESSIONS).bearer(text(&given[0], "access_token")).refused(401, "UNAUTHORIZED").await;
    });
}

#[test]
fn a_person_decides_and_no_key_does() {
    in_sandbox(async |app| {
        let ann = app.account(0, 0).await;
        let (session, key) = (app.session(&ann).await, app.key(&ann, Scopes::ALL).await);
        let begun = begin(app).await;
        let code = text(&begun, "user_code");
        look(app, &key, code).refused(403, "SIGNED_IN_PERSON_REQUIRED").await;
        decide(app, &key, code, "approve").refused(403, "SIGNED_IN_PERSON_REQUIRED").await;
        app.post(DEVICE)
            .json(&json!({ "user_code": code, "action": "approve" }))
            .refused(401, "UNAUTHORIZED")
            .await;
        decide(app, &session, code, "perhaps").refused(400, "INVALID_PARAMETER").await;
        app.get(DEVICE).bearer(&session).refused(400, "INVALID_PARAMETER").await;
        app.set_standing(&ann, Standing::Suspended).await;
        app.advance(KNOWN_FOR);
        decide(app, &session, code, "approve").refused(403, "ACCOUNT_ON_HOLD").await;
        denied(&poll(app, &begun).await, "authorization_pending");
    });
}

#[test]
fn five_wrong_codes_close_the_eyes_of_a_person_and_of_a_network_for_a_quarter_of_an_hour() {
    in_sandbox(async |app| {
        let (ann, bob) = (app.account(0, 0).await, app.account(0, 0).await);
        let (session, other) = (app.session(&ann).await, app.session(&bob).await);
        let begun = begin(app).await;
        let code = text(&begun, "user_code");
        let elsewhere: SocketAddr = "198.51.100.7:1".parse().unwrap();
        look(app, &session, code).ok().await;
        let guesses: Vec<_> = (0..20).map(|_| look(app, &session, "BBBB-BBBB").start()).collect();
        let mut looked_at = 0;
        for guess in guesses {
            let answer = guess.await.unwrap();
            if answer.status == 404 {
                looked_at += 1;
            } else {
                answer.refused(429, "RATE_LIMITED");
                assert_eq!(answer.header("retry-after"), "900");
            }
        }
        assert_eq!(looked_at, 5);
        // The right one does not open either, not from elsewhere, nor for another person from there.
        look(app, &session, code).refused(429, "RATE_LIMITED").await;
        look(app, &session, code).from(elsewhere).refused(429, "RATE_LIMITED").await;
        decide(app, &session, code, "approve").refused(429, "RATE_LIMITED").await;
        look(app, &other, code).refused(429, "RATE_LIMITED").await;
        look(app, &other, code).from(elsewhere).ok().await;
        app.advance(Span::minutes(15));
        look(app, &session, text(&begin(app).await, "user_code")).ok().await;
    });
}

/// As many requests of a network as an ordinary server takes.
fn few(flags: &mut ServeSettings) {
    flags.rate_limits = Some(OnOff::On);
    flags.limit_other = Some(8);
}

#[test]
fn a_device_that_asks_without_end_is_told_to_slow_down_and_never_429() {
    with_app(Setup::sandbox().flagged(few), async |app| {
        let begun = begin(app).await;
        for turn in 0..30 {
            denied(&poll(app, &begun).await, if turn == 0 { "authorization_pending" } else { "slow_down" });
        }
        app.post(TOKEN)
            .json(&json!({ "grant_type": "refresh_token", "refresh_token": "x" }))
            .refused(429, "RATE_LIMITED")
            .await;
    });
}

/// How often the store did work again because another writer was in the way.
async fn retries(app: &TestApp<'_>) -> String {
    let here: SocketAddr = "127.0.0.1:9".parse().unwrap();
    let measures = app.get("/metrics").from(here).send().await;
    let line = measures.text().lines().find(|line| line.starts_with("numberotp_store_retries_total"));
    line.unwrap().to_owned()
}

/// An account is stopped at the very moment at which it lets a device in: one of the two is first, neither waits for the
/// other in a circle, and whichever it was, the device is out in the end.
#[test]
fn a_device_that_is_let_in_while_the_account_is_stopped_stays_out() {
    in_sandbox(async |app| {
        let ann = app.account(0, 0).await;
        let by = By::command_line(app.now());
        let reason = Reason::parse("a test").unwrap();
        let stand = |standing: Standing| {
            let (context, reason) = (Arc::clone(app.context()), reason.clone());
            let account = ann.account;
            tokio::spawn(async move {
                context.store.write(move |tx| set_standing(tx, &by, (account, standing), &reason)).await
            })
        };
        let before = retries(app).await;
        let mut outcomes = BTreeSet::new();
        for turn in 0..60 {
            let session = app.session(&ann).await;
            let begun = begin(app).await;
            let code = text(&begun, "user_code").to_owned();
            // Known for a moment, so that the approval is not refused at the door.
            app.get(SESSIONS).bearer(&session).ok().await;
            let first = (turn % 2 == 0).then(|| stand(Standing::Suspended));
            let approved = decide(app, &session, &code, "approve").start();
            let stopped = first.unwrap_or_else(|| stand(Standing::Suspended));
            let polled =
                app.post(TOKEN).json(&json!({ "grant_type": GRANT, "device_code": begun["device_code"] }));
            let polled = polled.start().await.unwrap();
            outcomes.insert((approved.await.unwrap().status, polled.status));
            assert_eq!(stopped.await.unwrap().unwrap(), Stood::Done);
            // Whatever came first.
            app.advance(Span::seconds(6));
            let late = poll(app, &begun).await;
            assert_ne!(late.status, 200, "{outcomes:?}");
            if polled.status == 200 {
                let access = tokens(&polled)["access_token"].as_str().unwrap().to_owned();
                app.get(SESSIONS).bearer(&access).refused(401, "UNAUTHORIZED").await;
            }
            assert_eq!(stand(Standing::Approved).await.unwrap().unwrap(), Stood::Done);
        }
        assert_eq!(retries(app).await, before, "{outcomes:?}");
    });
}
