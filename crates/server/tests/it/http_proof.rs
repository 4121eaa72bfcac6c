//! What outlives a sign-in is made by whoever proved to be there a moment ago: keys need the password again after a quarter
//! of an hour. And what a forgotten password does to the keys that somebody may have made meanwhile.

use crate::http_oauth::{TOKEN, person, tokens};
use crate::http_sign_in::seed_of;
use crate::http_stage::text;
use crate::http_tokens::beside;
use http::Method;
use numberotp_core::session::PROOF_LIFE;
use numberotp_core::time::Span;
use numberotp_core::totp;
use numberotp_server::app::auth::KNOWN_FOR;
use numberotp_testkit::app::{Answer, Setup, TestApp, in_sandbox, with_app};
use numberotp_testkit::authjs::v4;
use serde_json::{Value, json};
use std::net::SocketAddr;

const ANN: &str = "ann@example.com";
const PASSWORD: &str = "grey otter 7";
const WRONG: &str = "wrong otter 8";
const KEYS: &str = "/v1/user/apikeys";
const BALANCE: &str = "/api/internal/balance";

async fn sign_in(app: &TestApp<'_>) -> String {
    let body = json!({ "email": ANN, "password": PASSWORD, "transport": "bearer" });
    text(&app.post("/api/auth/sign-in").json(&body).ok().await["data"], "token").to_owned()
}

async fn confirm(app: &TestApp<'_>, token: &str, body: Value) -> Answer {
    app.post("/api/auth/confirm-password").bearer(token).json(&body).send().await
}

/// Makes a key.
async fn key(app: &TestApp<'_>, token: &str) -> Answer {
    app.post(KEYS).bearer(token).json(&json!({ "name": "CI" })).send().await
}

#[test]
fn a_key_is_made_within_a_quarter_of_an_hour_of_coming_in_or_of_showing_the_password() {
    in_sandbox(async |app| {
        person(app, ANN).await;
        let (here, there) = (sign_in(app).await, sign_in(app).await);
        key(app, &here).await.ok();
        app.advance(PROOF_LIFE.minus(Span::micros(1)));
        key(app, &here).await.ok();
        app.advance(Span::micros(1));
        let told = key(app, &here).await.refused(403, "REAUTHENTICATION_REQUIRED");
        assert!(text(&told, "error").contains("/api/auth/confirm-password"), "{told}");
        // What was made may be seen and deleted at any time.
        let listed = app.get(KEYS).bearer(&here).ok().await["data"].clone();
        let id = &listed[0]["id"];
        app.ask(Method::DELETE, KEYS).bearer(&here).json(&json!({ "id": id })).ok().await;

        confirm(app, &here, json!({ "password": WRONG })).await.refused(401, "INVALID_CREDENTIALS");
        key(app, &here).await.refused(403, "REAUTHENTICATION_REQUIRED");
        let shown = confirm(app, &here, json!({ "password": PASSWORD })).await.ok();
        let until = app.now().plus(PROOF_LIFE).to_rfc3339_seconds();
        assert_eq!(shown["data"], json!({ "confirmed": true, "confirmedUntil": until }));
        key(app, &here).await.ok();
        key(app, &there).await.refused(403, "REAUTHENTICATION_REQUIRED");
        app.advance(PROOF_LIFE);
        key(app, &here).await.refused(403, "REAUTHENTICATION_REQUIRED");
        key(app, &sign_in(app).await).await.ok();
    });
}

#[test]
fn a_program_makes_a_key_right_after_it_was_let_in_and_later_with_the_password() {
    in_sandbox(async |app| {
        person(app, ANN).await;
        let body = json!({ "grant_type": "password", "email": ANN, "password": PASSWORD });
        let first = tokens(&app.post(TOKEN).json(&body).send().await);
        key(app, text(&first, "access_token")).await.ok();
        app.advance(PROOF_LIFE);
        let body = json!({ "grant_type": "refresh_token", "refresh_token": first["refresh_token"] });
        let next = tokens(&app.post(TOKEN).json(&body).send().await);
        let access = text(&next, "access_token");
        key(app, access).await.refused(403, "REAUTHENTICATION_REQUIRED");
        confirm(app, access, json!({ "password": PASSWORD })).await.ok();
        key(app, access).await.ok();
    });
}

#[test]
fn showing_the_password_costs_and_tells_what_signing_in_does() {
    in_sandbox(async |app| {
        person(app, ANN).await;
        let token = sign_in(app).await;
        let hashed = || app.context().passwords.hashed();
        let mut told = Vec::new();
        for _ in 0..5 {
            let before = hashed();
            let mut answer =
                confirm(app, &token, json!({ "password": WRONG })).await.refused(401, "INVALID_CREDENTIALS");
            answer["request_id"] = json!("");
            told.push((answer, hashed() - before));
        }
        // From now on the network waits, here as at the door.
        let before = hashed();
        let mut answer =
            confirm(app, &token, json!({ "password": PASSWORD })).await.refused(401, "INVALID_CREDENTIALS");
        answer["request_id"] = json!("");
        told.push((answer, hashed() - before));
        assert!(told.iter().all(|one| one == &told[0]), "{told:?}");
        assert_eq!(told[0].1, 1, "one hash each");
        let at_the_door = json!({ "email": ANN, "password": PASSWORD });
        app.post("/api/auth/sign-in").json(&at_the_door).refused(401, "INVALID_CREDENTIALS").await;
        let elsewhere = SocketAddr::from(([198, 51, 100, 9], 4_000));
        let body = json!({ "password": PASSWORD });
        app.post("/api/auth/confirm-password").from(elsewhere).bearer(&token).json(&body).ok().await;
        app.post("/api/auth/confirm-password")
            .bearer(&token)
            .json(&json!({}))
            .refused(400, "INVALID_PARAMETER")
            .await;
    });
}

#[test]
fn whoever_has_a_second_factor_shows_it_too() {
    in_sandbox(async |app| {
        person(app, ANN).await;
        let token = sign_in(app).await;
        let set = async |what: &str, body: Value| {
            app.post(&format!("/api/auth/totp/{what}")).bearer(&token).json(&body).ok().await["data"].clone()
        };
        let started = set("start", json!({ "password": PASSWORD })).await;
        let seed = seed_of(text(&started, "secret"));
        let now = || totp::code(&seed, totp::step(app.now()));
        set("confirm", json!({ "code": now() })).await;
        app.advance(PROOF_LIFE);
        confirm(app, &token, json!({ "password": PASSWORD })).await.refused(401, "TOTP_REQUIRED");
        confirm(app, &token, json!({ "password": PASSWORD, "totp": "AAAAAAAA-AAAAAAA2" }))
            .await
            .refused(401, "INVALID_CREDENTIALS");
        key(app, &token).await.refused(403, "REAUTHENTICATION_REQUIRED");
        let code = now();
        confirm(app, &token, json!({ "password": PASSWORD, "totp": code })).await.ok();
        key(app, &token).await.ok();
        confirm(app, &token, json!({ "password": PASSWORD, "totp": code }))
            .await
            .refused(401, "INVALID_CREDENTIALS");
    });
}

#[test]
fn a_websites_visitor_proved_itself_there() {
    const SECRET: &str = "the-secret-of-the-website-0123456789";
    let behind = Setup::sandbox().flagged(|flags| flags.authjs_secrets = Some(SECRET.to_owned()));
    with_app(behind, async |app| {
        let customer = app.account(0, 0).await;
        let now = app.now().unix_seconds();
        let claims =
            json!({ "email": customer.email, "sub": "usr_42", "iat": now, "exp": now + 7_200, "jti": "x" });
        let visitor = v4(SECRET, &claims);
        app.advance(Span::hours(1));
        key(app, &visitor).await.ok();
        confirm(app, &visitor, json!({ "password": PASSWORD })).await.refused(409, "INVALID_STATE");
        confirm(app, &customer.key, json!({ "password": PASSWORD }))
            .await
            .refused(403, "SIGNED_IN_PERSON_REQUIRED");
    });
}

/// Replaces the password by a code; the answer and the mail about it.
async fn reset(app: &TestApp<'_>, wish: Value) -> (Value, String) {
    app.post("/api/auth/forgot-password").json(&json!({ "email": ANN })).ok().await;
    let mut body = json!({ "email": ANN, "code": app.mailed_code(ANN).await, "password": "next otter 8" });
    body.as_object_mut().unwrap().extend(wish.as_object().unwrap().clone());
    let answer = app.post("/api/auth/reset-password").json(&body).ok().await;
    app.advance(Span::minutes(1));
    (answer["data"].clone(), app.mails(ANN).await.concat())
}

#[test]
fn whoever_forgot_a_password_is_told_of_the_keys_and_revokes_them_if_that_is_wished() {
    in_sandbox(async |app| {
        person(app, ANN).await;
        let (data, mail) = reset(app, json!({})).await;
        assert_eq!(data, json!({ "changed": true, "liveKeys": 0, "revokedKeys": 0 }));
        assert!(mail.contains("It has no API keys."), "{mail}");
        let body = json!({ "email": ANN, "password": "next otter 8", "transport": "bearer" });
        let session = text(&app.post("/api/auth/sign-in").json(&body).ok().await["data"], "token").to_owned();
        let mut keys = Vec::new();
        for _ in 0..2 {
            keys.push(text(&key(app, &session).await.ok()["data"], "key").to_owned());
        }
        let brief = json!({ "name": "brief", "expires_in_days": 1 });
        app.post(KEYS).bearer(&session).json(&brief).ok().await;
        app.advance(Span::hours(24));

        let (data, mail) = reset(app, json!({ "revokeKeys": false })).await;
        assert_eq!(data, json!({ "changed": true, "liveKeys": 2, "revokedKeys": 0 }));
        assert!(mail.contains("Its 2 API keys are still good."), "{mail}");
        app.get(BALANCE).bearer(&keys[0]).ok().await;

        let bobs = app.account(0, 0).await;
        let (data, mail) = reset(app, json!({ "revokeKeys": true })).await;
        assert_eq!(data, json!({ "changed": true, "liveKeys": 0, "revokedKeys": 2 }));
        assert!(mail.contains("Its 2 API keys were revoked."), "{mail}");
        for key in &keys {
            app.get(BALANCE).bearer(key).refused(401, "UNAUTHORIZED").await;
        }
        app.advance(KNOWN_FOR);
        app.get(BALANCE).by(&bobs).ok().await;
    });
}

#[test]
fn a_wrong_code_revokes_no_key() {
    in_sandbox(async |app| {
        person(app, ANN).await;
        let made = text(&key(app, &sign_in(app).await).await.ok()["data"], "key").to_owned();
        app.post("/api/auth/forgot-password").json(&json!({ "email": ANN })).ok().await;
        let code = app.mailed_code(ANN).await;
        let with = |code: &str, revoke: Value| json!({ "email": ANN, "code": code, "password": "next otter 8", "revokeKeys": revoke });
        let ask = |body: Value| app.post("/api/auth/reset-password").json(&body);
        ask(with("x", json!(true))).refused(401, "INVALID_CREDENTIALS").await;
        ask(with(&code, json!("yes"))).refused(400, "INVALID_PARAMETER").await;
        app.get(BALANCE).bearer(&made).ok().await;
        ask(with(&code, json!(null))).ok().await;
        app.get(BALANCE).bearer(&made).ok().await;
    });
}

/// What is read of an account takes time, and whoever has no code must not learn by that whether there is one.
#[test]
fn an_accounts_keys_are_not_even_read_before_its_code_was_right() {
    in_sandbox(async |app| {
        person(app, ANN).await;
        app.post("/api/auth/forgot-password").json(&json!({ "email": ANN })).ok().await;
        let code = app.mailed_code(ANN).await;
        beside(app, "ALTER TABLE api_keys RENAME TO hidden_keys").await;
        for email in [ANN, "nobody@example.com"] {
            let body = json!({ "email": email, "code": "x", "password": "next otter 8" });
            app.post("/api/auth/reset-password").json(&body).refused(401, "INVALID_CREDENTIALS").await;
        }
        beside(app, "ALTER TABLE hidden_keys RENAME TO api_keys").await;
        let body = json!({ "email": ANN, "code": code, "password": "next otter 8" });
        app.post("/api/auth/reset-password").json(&body).ok().await;
    });
}
