//! How long somebody stays signed in: some time after the last use, some time in all, and admins far shorter. A session that
//! is in use does not end, although its uses are noted beside the requests.

use crate::http_oauth::{TOKEN, denied, tokens};
use crate::http_stage::text;
use crate::http_tokens::beside;
use numberotp_core::caller::Role;
use numberotp_core::session::NOTED_WITHIN;
use numberotp_core::time::Span;
use numberotp_server::app::auth::{JWT_LIFE, KNOWN_FOR};
use numberotp_server::app::password::hash_now;
use numberotp_server::app::uses;
use numberotp_server::store::password::password_set;
use numberotp_testkit::app::{Answer, Customer, TestApp, in_sandbox};
use serde_json::{Value, json};

const BALANCE: &str = "/api/internal/balance";
const SESSIONS: &str = "/v1/user/sessions";
const ACTS: &str = "/admin/api/acts";
const PASSWORD: &str = "grey otter 7";
const MICRO: Span = Span::micros(1);
const DAY: Span = Span::hours(24);

async fn opens(app: &TestApp<'_>, token: &str) -> bool {
    app.get(BALANCE).bearer(token).send().await.status == 200
}

/// What the server does every minute.
async fn noted(app: &TestApp<'_>) {
    uses::write(app.context()).await.unwrap();
}

/// An account that signs in with [`PASSWORD`].
async fn account(app: &TestApp<'_>, role: Role) -> Customer {
    let customer = app.account_of(role).await;
    let (id, hash) = (customer.account, hash_now(&numberotp_core::secret::Secret::new(PASSWORD)).unwrap());
    app.write(move |tx| password_set(tx, id, &hash)).await;
    customer
}

async fn refresh(app: &TestApp<'_>, given: &Value) -> Answer {
    let body = json!({ "grant_type": "refresh_token", "refresh_token": given["refresh_token"] });
    app.post(TOKEN).json(&body).send().await
}

/// A program that signs in.
async fn program(app: &TestApp<'_>, customer: &Customer) -> Value {
    let body = json!({ "grant_type": "password", "email": customer.email, "password": PASSWORD });
    tokens(&app.post(TOKEN).json(&body).send().await)
}

#[test]
fn a_browser_stays_a_week_without_use_and_a_month_in_all() {
    in_sandbox(async |app| {
        let ann = app.account(0, 0).await;
        let (used, left) = (app.session(&ann).await, app.session(&ann).await);
        for day in 1..30 {
            app.advance(DAY);
            assert!(opens(app, &used).await, "day {day}");
            noted(app).await;
            if day == 7 {
                assert!(!app.get(SESSIONS).bearer(&used).ok().await["data"][1].is_null());
                app.advance(NOTED_WITHIN);
                assert!(!opens(app, &left).await);
                let listed = app.get(SESSIONS).bearer(&used).ok().await["data"].clone();
                assert_eq!(listed.as_array().unwrap().len(), 1, "one that is over is not listed");
            }
        }
        app.advance(DAY.minus(NOTED_WITHIN).minus(MICRO));
        assert!(opens(app, &used).await);
        app.advance(MICRO);
        assert!(!opens(app, &used).await, "a month is a month");
    });
}

#[test]
fn a_use_that_is_not_noted_yet_keeps_a_session_alive() {
    in_sandbox(async |app| {
        for role in [Role::Customer, Role::Admin] {
            let session = app.session(&app.account_of(role).await).await;
            let unused = if role == Role::Admin { Span::minutes(30) } else { Span::hours(7 * 24) };
            app.advance(unused.minus(Span::seconds(1)));
            assert!(opens(app, &session).await);
            // The server writes it down a minute later; meanwhile another one may be asked.
            app.advance(Span::minutes(1));
            assert!(opens(app, &session).await, "{role:?}");
            noted(app).await;
            app.advance(unused);
            assert!(opens(app, &session).await, "{role:?}: counted from the last use");
            noted(app).await;
            app.advance(unused);
            app.advance(NOTED_WITHIN);
            assert!(!opens(app, &session).await, "{role:?}: not for ever");
        }
    });
}

#[test]
fn an_admin_stays_half_an_hour_without_use_and_half_a_day_in_all_however_it_signed_in() {
    in_sandbox(async |app| {
        let admin = account(app, Role::Admin).await;
        let browser = app.session(&admin).await;
        let first = program(app, &admin).await;
        assert_eq!(first["refresh_expires_in"], 30 * 60, "a program is told how long it may rest");
        let mut given = first.clone();
        // In use all the time, till the end.
        for _ in 0..(12 * 60 / 14) {
            app.advance(Span::minutes(14));
            app.get(ACTS).bearer(&browser).ok().await;
            app.get(ACTS).bearer(text(&given, "access_token")).ok().await;
            given = tokens(&refresh(app, &given).await);
            noted(app).await;
        }
        assert!(given["refresh_expires_in"].as_i64().unwrap() < 30 * 60, "no longer than in all");
        app.advance(Span::hours(12).minus(Span::minutes(14 * (12 * 60 / 14))));
        assert!(!opens(app, &browser).await);
        app.get(ACTS).bearer(text(&given, "access_token")).refused(401, "UNAUTHORIZED").await;
        denied(&refresh(app, &given).await, "invalid_grant");

        // And not in use for half an hour.
        let (browser, given) = (app.session(&admin).await, program(app, &admin).await);
        app.advance(Span::minutes(30));
        app.advance(NOTED_WITHIN);
        assert!(!opens(app, &browser).await);
        denied(&refresh(app, &given).await, "invalid_grant");
    });
}

#[test]
fn a_program_of_a_customer_stays_sixty_days_without_use() {
    in_sandbox(async |app| {
        let ann = account(app, Role::Customer).await;
        let given = program(app, &ann).await;
        assert_eq!(given["refresh_expires_in"], 60 * 24 * 3_600);
        app.advance(Span::hours(60 * 24).minus(Span::seconds(1)));
        let next = tokens(&refresh(app, &given).await);
        app.advance(JWT_LIFE);
        assert!(!opens(app, text(&next, "access_token")).await);
        app.advance(Span::hours(60 * 24).minus(JWT_LIFE));
        denied(&refresh(app, &next).await, "invalid_grant");
    });
}

#[test]
fn whoever_becomes_an_admin_is_one_with_its_sign_ins_too() {
    in_sandbox(async |app| {
        let ann = account(app, Role::Customer).await;
        let (browser, given) = (app.session(&ann).await, program(app, &ann).await);
        app.advance(Span::hours(13));
        assert!(opens(app, &browser).await);
        noted(app).await;
        beside(app, &format!("UPDATE accounts SET role = 'admin' WHERE id = {}", ann.account.get())).await;
        app.advance(KNOWN_FOR);
        assert!(!opens(app, &browser).await);
        denied(&refresh(app, &given).await, "invalid_grant");
        app.get(ACTS).bearer(&app.session(&ann).await).ok().await;
    });
}

#[test]
fn a_cookie_is_kept_as_long_as_its_session_can_last() {
    in_sandbox(async |app| {
        for (role, most, ends) in [
            (Role::Customer, 30 * 24 * 3_600, Span::hours(7 * 24)),
            (Role::Admin, 12 * 3_600, Span::minutes(30)),
        ] {
            let customer = account(app, role).await;
            let body = json!({ "email": customer.email, "password": PASSWORD });
            let answer = app.post("/api/auth/sign-in").json(&body).send().await;
            let ends = app.now().plus(ends).to_rfc3339_seconds();
            assert_eq!(text(&answer.ok()["data"], "expiresAt"), ends);
            let cookie = answer.header("set-cookie");
            assert!(cookie.contains(&format!("; Max-Age={most};")), "{cookie}");
        }
    });
}

#[test]
fn a_use_that_could_not_be_written_is_written_the_next_time() {
    in_sandbox(async |app| {
        let ann = app.account(0, 0).await;
        let session = app.session(&ann).await;
        assert!(opens(app, &session).await);
        beside(app, "ALTER TABLE sessions RENAME COLUMN last_used_at TO elsewhere").await;
        assert!(uses::write(app.context()).await.is_err());
        beside(app, "ALTER TABLE sessions RENAME COLUMN elsewhere TO last_used_at").await;
        noted(app).await;
        let listed = app.get(SESSIONS).bearer(&session).ok().await;
        assert_eq!(listed["data"][0]["last_used_at"], "2024-04-29T09:40:00.000Z");
    });
}
