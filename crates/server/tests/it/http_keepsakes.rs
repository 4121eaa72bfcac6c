//! What a browser keeps that an account signed in with: it is known by that in whatever network, its tries and mails are its
//! own, and it opens nothing. Forged, old, or another's, it is worth nothing, and nobody is told why.

use crate::http_guessers::{a_hundred_guess, network};
use crate::http_oauth::person;
use crate::http_stage::text;
use http::Method;
use numberotp_core::time::Span;
use numberotp_server::config::ServeSettings;
use numberotp_testkit::app::{Answer, Setup, TestApp, in_sandbox, with_app};
use serde_json::{Value, json};
use std::net::SocketAddr;

const ANN: &str = "ann@example.com";
const BOB: &str = "bob@example.com";
const NOBODY: &str = "nobody@example.com";
const PASSWORD: &str = "grey otter 7";
const NEXT: &str = "next otter 8";
const NAME: &str = "numberotp_keepsake";
const PROFILE: &str = "/api/user/profile";

const HOME: [u8; 4] = [203, 0, 113, 9];
const TRAIN: [u8; 4] = [198, 51, 100, 9];

async fn post(app: &TestApp<'_>, (from, keepsake): ([u8; 4], &str), what: &str, body: Value) -> Answer {
    let ask = app.post(&format!("/api/auth/{what}")).from(SocketAddr::from((from, 4_000)));
    let ask = if keepsake.is_empty() { ask } else { ask.header("cookie", keepsake) };
    ask.json(&body).send().await
}

async fn come(app: &TestApp<'_>, place: ([u8; 4], &str), (email, password): (&str, &str)) -> Answer {
    post(app, place, "sign-in", json!({ "email": email, "password": password })).await
}

/// The keepsake that an answer gives, as a browser sends it.
fn kept(answer: &Answer) -> Option<String> {
    let given = answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
    let cookie =
        given.filter(|text| text.contains("numberotp_keepsake=")).map(|text| text.split(';').next().unwrap());
    cookie.map(str::to_owned).next()
}

/// Signs in at home; what the browser keeps of it.
async fn keepsake(app: &TestApp<'_>, email: &str) -> String {
    let answer = come(app, (HOME, ""), (email, PASSWORD)).await;
    answer.ok();
    kept(&answer).unwrap()
}

/// What somebody is told who does not come in, and how many passwords were hashed for that.
async fn told(app: &TestApp<'_>, keepsake: &str, who: (&str, &str)) -> (Value, u64) {
    let before = app.context().passwords.hashed();
    let mut told = come(app, (TRAIN, keepsake), who).await.refused(401, "INVALID_CREDENTIALS");
    told["request_id"] = json!("");
    (told, app.context().passwords.hashed() - before)
}

async fn all_sign_ins_end(app: &TestApp<'_>, keepsake: &str) {
    let wish = json!({ "email": ANN, "password": PASSWORD, "transport": "bearer" });
    let token = text(&post(app, (HOME, keepsake), "sign-in", wish).await.ok()["data"], "token").to_owned();
    app.advance(Span::seconds(1));
    let every = app.ask(Method::DELETE, "/v1/user/sessions").bearer(&token);
    every.json(&json!({ "all": true })).ok().await;
}

#[test]
fn a_browser_that_signed_in_keeps_what_no_script_reads_and_what_opens_nothing() {
    let over_tls = |flags: &mut ServeSettings| flags.public_url = Some("https://otp.example.com".to_owned());
    for (setup, name, secure) in [
        (Setup::sandbox(), "numberotp_keepsake", ""),
        (Setup::sandbox().flagged(over_tls), "__Host-numberotp_keepsake", "; Secure"),
    ] {
        with_app(setup, async |app| {
            person(app, ANN).await;
            let answer = come(app, (HOME, ""), (ANN, PASSWORD)).await;
            let cookie =
                answer.headers.get_all("set-cookie").iter().nth(1).unwrap().to_str().unwrap().to_owned();
            let (value, attributes) = cookie.split_once(';').unwrap();
            assert!(value.starts_with(&format!("{name}=")), "{cookie}");
            assert_eq!(attributes, format!(" Path=/; Max-Age=15552000; HttpOnly; SameSite=Lax{secure}"));
            app.get(PROFILE).header("cookie", value).refused(401, "UNAUTHORIZED").await;
            let token = value.split_once('=').unwrap().1;
            app.get(PROFILE).bearer(token).refused(401, "UNAUTHORIZED").await;

            let wish = json!({ "email": ANN, "password": PASSWORD, "transport": "bearer" });
            let program = post(app, (HOME, ""), "sign-in", wish).await;
            assert_eq!(kept(&program), None, "a program keeps nothing");
            let session = text(&program.ok()["data"], "token").to_owned();
            let out = app.post("/api/auth/sign-out").bearer(&session).header("cookie", value).send().await;
            out.ok();
            assert_eq!(kept(&out), None, "it outlives signing out");
            let wrong = come(app, (HOME, ""), (ANN, "a guess 1")).await;
            assert_eq!(kept(&wrong), None);
        });
    }
}

#[test]
fn a_known_browser_comes_in_from_a_new_place_whatever_strangers_do() {
    in_sandbox(async |app| {
        person(app, ANN).await;
        person(app, BOB).await;
        let (own, bobs) = (keepsake(app, ANN).await, keepsake(app, BOB).await);
        for email in [ANN, NOBODY] {
            a_hundred_guess(app, email).await;
        }
        // Others in the same train guess too, for Ann and for whomever.
        let forged = {
            let (name, value) = own.split_once('=').unwrap();
            let other = if value.starts_with('A') { "B" } else { "A" };
            format!("{name}={other}{}", value.get(1..).unwrap())
        };
        let nonsense = format!("{NAME}=nonsense");
        let twice = format!("{own}; {bobs}");
        let wrong = told(app, "", (ANN, "a guess 2")).await;
        assert_eq!(wrong.1, 1);
        for worthless in ["", bobs.as_str(), forged.as_str(), nonsense.as_str(), twice.as_str()] {
            assert_eq!(told(app, worthless, (ANN, PASSWORD)).await, wrong, "{worthless}");
        }
        for shown in [own.as_str(), bobs.as_str(), ""] {
            assert_eq!(told(app, shown, (NOBODY, PASSWORD)).await, wrong);
        }
        for number in 0..60 {
            let somebody = format!("somebody{number}@example.com");
            come(app, (TRAIN, ""), (&somebody, PASSWORD)).await.refused(401, "INVALID_CREDENTIALS");
        }
        let answer = come(app, (TRAIN, &own), (ANN, PASSWORD)).await;
        answer.ok();
        assert!(kept(&answer).is_some_and(|next| next != own), "another with each sign-in");
    });
}

#[test]
fn a_known_browser_has_a_patience_of_its_own_and_spends_nobody_elses() {
    in_sandbox(async |app| {
        person(app, ANN).await;
        let own = keepsake(app, ANN).await;
        for _ in 0..5 {
            told(app, &own, (ANN, "a guess 1")).await;
        }
        let right = told(app, &own, (ANN, PASSWORD)).await;
        assert_eq!(
            right,
            told(app, &own, (ANN, "a guess 2")).await,
            "it waits like everybody, in the same time"
        );
        let strangers = SocketAddr::from((TRAIN, 4_000));
        let body = json!({ "email": ANN, "password": PASSWORD });
        app.post("/api/auth/sign-in").from(strangers).json(&body).ok().await;
        app.advance(Span::seconds(1));
        come(app, (TRAIN, &own), (ANN, PASSWORD)).await.ok();
        for _ in 0..4 {
            told(app, &own, (ANN, "a guess 3")).await;
        }
        come(app, (TRAIN, &own), (ANN, PASSWORD)).await.ok();
    });
}

#[test]
fn a_keepsake_is_worth_nothing_after_half_a_year_or_once_all_sign_ins_are_ended() {
    in_sandbox(async |app| {
        person(app, ANN).await;
        let first = keepsake(app, ANN).await;
        app.advance(Span::hours(180 * 24).minus(Span::seconds(60)));
        a_hundred_guess(app, ANN).await;
        come(app, (TRAIN, &first), (ANN, PASSWORD)).await.ok();
        app.advance(Span::hours(24 * 61));
        a_hundred_guess(app, ANN).await;
        told(app, &first, (ANN, PASSWORD)).await;

        app.advance(Span::hours(25));
        let second = keepsake(app, ANN).await;
        all_sign_ins_end(app, &second).await;
        a_hundred_guess(app, ANN).await;
        told(app, &second, (ANN, PASSWORD)).await;

        // A forgotten password is replaced: whoever has the old browser is a stranger.
        app.advance(Span::hours(25));
        let third = keepsake(app, ANN).await;
        app.advance(Span::seconds(1));
        post(app, (HOME, ""), "forgot-password", json!({ "email": ANN })).await.ok();
        let reset = json!({ "email": ANN, "code": app.mailed_code(ANN).await, "password": NEXT });
        post(app, (HOME, ""), "reset-password", reset).await.ok();
        a_hundred_guess(app, ANN).await;
        told(app, &third, (ANN, NEXT)).await;
    });
}

#[test]
fn whoever_changes_the_password_in_a_known_browser_stays_known_there_alone() {
    in_sandbox(async |app| {
        person(app, ANN).await;
        let (here, there) = (keepsake(app, ANN).await, keepsake(app, ANN).await);
        let wish = json!({ "email": ANN, "password": PASSWORD, "transport": "bearer" });
        let token = text(&post(app, (HOME, ""), "sign-in", wish).await.ok()["data"], "token").to_owned();
        let change = async |keepsake: &str, present: &str, next: &str| {
            app.advance(Span::seconds(1));
            let body = json!({ "currentPassword": present, "newPassword": next });
            let ask = app.post("/api/auth/change-password").bearer(&token);
            let answer = ask.header("cookie", keepsake).json(&body).send().await;
            answer.ok();
            kept(&answer)
        };
        assert_eq!(change("a=b", PASSWORD, "third otter 9").await, None);
        assert_eq!(change(&here, "third otter 9", PASSWORD).await, None, "not known any more");
        let (here, _there) = (keepsake(app, ANN).await, there);
        let next = change(&here, PASSWORD, NEXT).await.unwrap();
        a_hundred_guess(app, ANN).await;
        told(app, &here, (ANN, NEXT)).await;
        come(app, (TRAIN, &next), (ANN, NEXT)).await.ok();
    });
}

#[test]
fn a_known_browser_has_five_mails_of_its_own_wherever_it_is() {
    in_sandbox(async |app| {
        person(app, ANN).await;
        person(app, BOB).await;
        let (own, bobs) = (keepsake(app, ANN).await, keepsake(app, BOB).await);
        let mails =
            async || app.mails(ANN).await.iter().filter(|mail| mail.contains("for a new password")).count();
        for number in 0..20 {
            let ask = app.post("/api/auth/forgot-password").from(network(number));
            ask.json(&json!({ "email": ANN })).ok().await;
        }
        assert_eq!(mails().await, 20);
        app.advance(Span::minutes(1));
        let ask = async |keepsake: &str| {
            let before = mails().await;
            post(app, (TRAIN, keepsake), "forgot-password", json!({ "email": ANN })).await.ok();
            mails().await - before
        };
        for worthless in ["", bobs.as_str()] {
            assert_eq!(ask(worthless).await, 0);
        }
        let mut asked = Vec::new();
        for _ in 0..7 {
            asked.push(ask(&own).await);
            asked.push(ask(&own).await);
            app.advance(Span::minutes(1));
        }
        assert_eq!(asked, [1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 0, 0, 0, 0]);
    });
}
