//! People over HTTP: they sign up, prove their address, come in and go out, forget and change what they come in with. And
//! what strangers can find out about them, which is nothing.

use crate::http_stage::text;
use numberotp_core::secret::SecretBytes;
use numberotp_core::time::Span;
use numberotp_core::totp;
use numberotp_testkit::app::{Answer, Setup, TestApp, in_sandbox, with_app};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;

const PASSWORD: &str = "grey otter 7";
const ANN: &str = "ann@example.com";
const PROFILE: &str = "/api/user/profile";

async fn post(app: &TestApp<'_>, what: &str, body: Value) -> Answer {
    app.post(&format!("/api/auth/{what}")).json(&body).send().await
}

async fn post_as(app: &TestApp<'_>, token: &str, what: &str, body: Value) -> Answer {
    app.post(&format!("/api/auth/{what}")).bearer(token).json(&body).send().await
}

/// Signs up and proves the address.
async fn person(app: &TestApp<'_>, email: &str) {
    post(app, "sign-up", json!({ "email": email, "password": PASSWORD })).await.ok();
    let code = app.mailed_code(email).await;
    post(app, "verify-email", json!({ "email": email, "code": code })).await.ok();
}

async fn try_sign_in(app: &TestApp<'_>, email: &str, password: &str) -> Answer {
    post(app, "sign-in", json!({ "email": email, "password": password, "transport": "bearer" })).await
}

/// Signs in; the session's token.
async fn sign_in(app: &TestApp<'_>, email: &str, password: &str) -> String {
    text(&try_sign_in(app, email, password).await.ok()["data"], "token").to_owned()
}

#[test]
fn whoever_signs_up_proves_the_address_and_comes_in() {
    in_sandbox(async |app| {
        let wish = json!({ "email": "Ann@Example.com", "password": PASSWORD, "name": "Ann" });
        let answer = post(app, "sign-up", wish).await.ok();
        assert_eq!(
            answer,
            json!({ "success": true, "data": { "email": ANN, "verificationRequired": true } })
        );
        try_sign_in(app, ANN, PASSWORD).await.refused(401, "INVALID_CREDENTIALS");
        let code = app.mailed_code(ANN).await;
        let proved = post(app, "verify-email", json!({ "email": ANN, "code": code })).await.ok();
        assert_eq!(proved["data"], json!({ "email": ANN, "emailVerified": true }));
        post(app, "verify-email", json!({ "email": ANN, "code": code }))
            .await
            .refused(401, "INVALID_CREDENTIALS");
        let answer = try_sign_in(app, ANN, PASSWORD).await;
        assert_eq!(answer.header("set-cookie"), "", "a token has one place");
        assert_eq!(answer.header("cache-control"), "no-store");
        let token = text(&answer.ok()["data"], "token").to_owned();
        let profile = app.get(PROFILE).bearer(&token).ok().await["data"].clone();
        assert_eq!((text(&profile, "name"), &profile["isApproved"]), ("Ann", &json!(true)));
        post_as(app, &token, "sign-out", json!({})).await.ok();
        app.get(PROFILE).bearer(&token).refused(401, "UNAUTHORIZED").await;
    });
}

#[test]
fn approval_is_a_setting_and_production_waits_for_somebody() {
    let setup = Setup::production().flagged(|flags| {
        let folder = std::env::temp_dir().join(format!("numberotp-approval-{}", std::process::id()));
        flags.mail_folder = Some(folder);
    });
    with_app(setup, async |app| {
        let wish = json!({ "email": ANN, "password": PASSWORD });
        post(app, "sign-up", wish).await.ok();
        let email = numberotp_core::text::Email::parse(ANN).unwrap();
        let brand = numberotp_core::id::PLATFORM;
        let account =
            app.read(move |tx| numberotp_server::store::account::account_by_email(tx, brand, &email)).await;
        assert_eq!(account.unwrap().standing.as_str(), "pending");
        app.run_jobs().await;
        let _gone = std::fs::remove_dir_all(app.context().sign_in.mail_folder.as_ref().unwrap());
    });
}

#[test]
fn a_server_without_mail_says_so_to_whoever_needs_it() {
    with_app(Setup::production(), async |app| {
        for (what, body) in [
            ("sign-up", json!({ "email": ANN, "password": PASSWORD })),
            ("resend-code", json!({ "email": ANN })),
            ("forgot-password", json!({ "email": ANN })),
        ] {
            let told = post(app, what, body).await.refused(503, "MAINTENANCE");
            assert!(text(&told, "error").contains("sends no mail"), "{told}");
        }
        try_sign_in(app, ANN, PASSWORD).await.refused(401, "INVALID_CREDENTIALS");
    });
}

#[test]
fn nobody_learns_who_has_an_account() {
    in_sandbox(async |app| {
        person(app, ANN).await;
        post(app, "sign-up", json!({ "email": "unproved@example.com", "password": PASSWORD })).await.ok();
        app.mails("unproved@example.com").await;
        app.advance(Span::minutes(2));
        let hashed = || app.context().passwords.hashed();

        // An address that is taken, one that waits for its proof, one that nobody has.
        for what in ["sign-up", "resend-code", "forgot-password"] {
            let mut told = Vec::new();
            for email in [ANN, "unproved@example.com", "nobody@example.com"] {
                let before = hashed();
                let body = json!({ "email": email, "password": "another 9 otters" });
                let mut answer = post(app, what, body).await.ok();
                answer["data"]["email"] = json!("");
                told.push((answer, hashed() - before));
            }
            assert!(told.iter().all(|one| one == &told[0]), "{what}: {told:?}");
        }
        let mails = app.mails(ANN).await;
        assert!(mails.iter().any(|mail| mail.contains("It has one already")), "the owner is told");
        sign_in(app, ANN, PASSWORD).await;

        let mut told = Vec::new();
        for (email, password) in [
            (ANN, "wrong otter 8"),
            ("unproved@example.com", "another 9 otters"),
            ("missing@example.com", PASSWORD),
        ] {
            let before = hashed();
            let mut refused = try_sign_in(app, email, password).await.refused(401, "INVALID_CREDENTIALS");
            refused["request_id"] = json!("");
            told.push((refused, hashed() - before));
        }
        for _ in 0..5 {
            try_sign_in(app, ANN, "wrong otter 8").await.refused(401, "INVALID_CREDENTIALS");
        }
        let before = hashed();
        let mut delayed = try_sign_in(app, ANN, PASSWORD).await.refused(401, "INVALID_CREDENTIALS");
        delayed["request_id"] = json!("");
        told.push((delayed, hashed() - before));
        assert!(told.iter().all(|one| one == &told[0]), "{told:?}");
        assert_eq!(told[0].1, 1, "each costs one hash");
    });
}

#[test]
fn a_stranger_shuts_nobody_out() {
    in_sandbox(async |app| {
        person(app, ANN).await;
        let stranger = SocketAddr::from(([203, 0, 113, 9], 4_000));
        let wrong = json!({ "email": ANN, "password": "wrong otter 8", "transport": "bearer" });
        for _ in 0..30 {
            let guess = app.post("/api/auth/sign-in").from(stranger).json(&wrong);
            guess.refused(401, "INVALID_CREDENTIALS").await;
        }
        sign_in(app, ANN, PASSWORD).await;
    });
}

/// Nothing was compared, so it was no guess: whoever obeys is let in, from a network that nobody knows too.
#[test]
fn who_is_told_to_come_again_for_want_of_processors_is_not_held_for_a_guesser() {
    in_sandbox(async |app| {
        person(app, ANN).await;
        // There is no room to wait in,
        let context = Arc::clone(app.context());
        let all: Vec<_> = std::iter::from_fn(|| context.passwords.place().ok()).collect();
        assert!(all.len() > 50);
        told_to_come_again(app).await;
        drop(all);
        drop(context);
        // or the wait is too long; even where one more failure would bring a wait.
        for _ in 0..4 {
            come_from_abroad(app, "wrong otter 8").await.refused(401, "INVALID_CREDENTIALS");
        }
        app.restart_as(Setup::sandbox().adjusted(|settings| settings.hash_within = Span::micros(0))).await;
        told_to_come_again(app).await;
        app.restart_as(Setup::sandbox()).await;
        come_from_abroad(app, PASSWORD).await.ok();
    });
}

async fn come_from_abroad(app: &TestApp<'_>, password: &str) -> Answer {
    let abroad = SocketAddr::from(([203, 0, 113, 9], 4_000));
    app.post("/api/auth/sign-in")
        .from(abroad)
        .json(&json!({ "email": ANN, "password": password }))
        .send()
        .await
}

/// More often than a password may be guessed.
async fn told_to_come_again(app: &TestApp<'_>) {
    for _ in 0..12 {
        let refused = come_from_abroad(app, PASSWORD).await;
        refused.refused(429, "RATE_LIMITED");
        assert_eq!(refused.header("retry-after"), "2");
    }
}

#[test]
fn ten_requests_a_minute_are_looked_at_for_an_address_from_a_network() {
    let setup = Setup::sandbox().flagged(|flags| {
        flags.rate_limits = Some(numberotp_server::config::OnOff::On);
    });
    with_app(setup, async |app| {
        for left in (0..10).rev() {
            let answer = post(app, "forgot-password", json!({ "email": ANN })).await;
            answer.ok();
            assert_eq!(answer.header("x-ratelimit-limit"), "10");
            assert_eq!(answer.header("x-ratelimit-remaining"), left.to_string());
        }
        let refused = try_sign_in(app, "ANN@example.com", PASSWORD).await;
        refused.refused(429, "RATE_LIMITED");
        assert!(!refused.header("retry-after").is_empty());
        try_sign_in(app, "bob@example.com", PASSWORD).await.refused(401, "INVALID_CREDENTIALS");
        let elsewhere = app.post("/api/auth/sign-in").from(SocketAddr::from(([203, 0, 113, 9], 4_000)));
        elsewhere
            .json(&json!({ "email": ANN, "password": PASSWORD }))
            .refused(401, "INVALID_CREDENTIALS")
            .await;
    });
}

#[test]
fn a_cookie_is_for_this_host_alone_and_a_session_is_always_new() {
    let secure =
        Setup::sandbox().flagged(|flags| flags.public_url = Some("https://otp.example.com".to_owned()));
    for (setup, name, last) in [
        (Setup::sandbox(), "numberotp_session", "SameSite=Lax"),
        (secure, "__Host-numberotp_session", "Secure"),
    ] {
        with_app(setup, async |app| {
            person(app, ANN).await;
            let first = sign_in(app, ANN, PASSWORD).await;
            // What came along ends: a session that somebody planted is worth nothing.
            let request = app.post("/api/auth/sign-in").bearer(&first);
            let answer = request.json(&json!({ "email": ANN, "password": PASSWORD })).send().await;
            assert_eq!(answer.ok()["data"].get("token"), None);
            app.get(PROFILE).bearer(&first).refused(401, "UNAUTHORIZED").await;
            let cookie = answer.header("set-cookie").to_owned();
            let parts: Vec<&str> = cookie.split("; ").collect();
            assert!(parts[0].starts_with(&format!("{name}=sess_")), "{cookie}");
            assert!(
                parts.contains(&"HttpOnly") && parts.contains(&"SameSite=Lax") && parts.contains(&"Path=/")
            );
            assert_eq!(parts.last(), Some(&last));
            assert!(!cookie.contains("Domain"));
            let token = parts[0].split_once('=').unwrap().1;
            app.get(PROFILE).bearer(token).ok().await;
            app.get(PROFILE).header("cookie", parts[0]).ok().await;
            let leave = || app.post("/api/auth/sign-out").header("cookie", parts[0]);
            leave()
                .header("origin", "https://evil.example")
                .json(&json!({}))
                .refused(403, "CSRF_REFUSED")
                .await;
            let own = app.context().sign_in.public_url.clone();
            let out = leave().header("origin", &own).json(&json!({})).send().await;
            out.ok();
            app.get(PROFILE).bearer(token).refused(401, "UNAUTHORIZED").await;
            assert!(out.header("set-cookie").starts_with(&format!("{name}=; Path=/; Max-Age=0")));
        });
    }
}

#[test]
fn a_forgotten_password_is_replaced_and_every_sign_in_ends() {
    in_sandbox(async |app| {
        person(app, ANN).await;
        let before = sign_in(app, ANN, PASSWORD).await;
        post(app, "forgot-password", json!({ "email": ANN })).await.ok();
        let code = app.mailed_code(ANN).await;
        let with = |code: &str, password: &str| json!({ "email": ANN, "code": code, "password": password });
        post(app, "reset-password", with(&code, "short")).await.refused(400, "INVALID_PARAMETER");
        post(app, "reset-password", with(&code, "password123")).await.refused(400, "INVALID_PARAMETER");
        post(app, "reset-password", with("000000x", "next otter 8"))
            .await
            .refused(401, "INVALID_CREDENTIALS");
        post(app, "reset-password", with(&code, "next otter 8")).await.ok();
        post(app, "reset-password", with(&code, "other otter 9")).await.refused(401, "INVALID_CREDENTIALS");
        app.get(PROFILE).bearer(&before).refused(401, "UNAUTHORIZED").await;
        try_sign_in(app, ANN, PASSWORD).await.refused(401, "INVALID_CREDENTIALS");
        sign_in(app, ANN, "next otter 8").await;
        assert!(app.mails(ANN).await[0].contains("your password was replaced"));
    });
}

#[test]
fn a_password_is_changed_by_whoever_knows_it_and_other_sign_ins_end() {
    in_sandbox(async |app| {
        person(app, ANN).await;
        let (here, there) = (sign_in(app, ANN, PASSWORD).await, sign_in(app, ANN, PASSWORD).await);
        let change = |present: &str, next: &str| json!({ "currentPassword": present, "newPassword": next });
        post_as(app, &here, "change-password", change("wrong otter 8", "next otter 8"))
            .await
            .refused(401, "INVALID_CREDENTIALS");
        post_as(app, &here, "change-password", change(PASSWORD, "12345678"))
            .await
            .refused(400, "INVALID_PARAMETER");
        post_as(app, &here, "change-password", change(PASSWORD, "next otter 8")).await.ok();
        app.get(PROFILE).bearer(&here).ok().await;
        app.get(PROFILE).bearer(&there).refused(401, "UNAUTHORIZED").await;
        sign_in(app, ANN, "next otter 8").await;
    });
}

#[test]
fn another_address_counts_once_it_is_proved_and_the_old_one_is_told() {
    in_sandbox(async |app| {
        person(app, ANN).await;
        person(app, "bob@example.com").await;
        let token = sign_in(app, ANN, PASSWORD).await;
        let change = |next: &str, password: &str| json!({ "newEmail": next, "password": password });
        post_as(app, &token, "change-email", change("new@example.com", "wrong otter 8"))
            .await
            .refused(401, "INVALID_CREDENTIALS");
        post_as(app, &token, "confirm-email", json!({ "code": "123456" }))
            .await
            .refused(401, "INVALID_CREDENTIALS");
        // One that somebody has: the same answer, and its owner is told.
        post_as(app, &token, "change-email", change("bob@example.com", PASSWORD)).await.ok();
        assert!(app.mails("bob@example.com").await[0].contains("It has one already"));
        post_as(app, &token, "change-email", change("new@example.com", PASSWORD)).await.ok();
        let code = app.mailed_code("new@example.com").await;
        assert_eq!(app.get(PROFILE).bearer(&token).ok().await["data"]["email"], json!(ANN));
        post_as(app, &token, "confirm-email", json!({ "code": code })).await.ok();
        assert_eq!(app.get(PROFILE).bearer(&token).ok().await["data"]["email"], json!("new@example.com"));
        assert!(app.mails(ANN).await[0].contains("was given another e-mail address"));
        try_sign_in(app, ANN, PASSWORD).await.refused(401, "INVALID_CREDENTIALS");
        sign_in(app, "new@example.com", PASSWORD).await;
    });
}

/// The mailbox's owner proves its address, whoever's sign-up the code was mailed for: a stranger's password must not come in
/// with that.
#[test]
fn an_address_that_two_signed_up_with_is_opened_by_neither_password_until_its_owner_sets_one() {
    const STRANGERS: &str = "stranger 123";
    for (first, then, minutes) in [
        (STRANGERS, PASSWORD, 0),
        (STRANGERS, PASSWORD, 1),
        (PASSWORD, STRANGERS, 0),
        (PASSWORD, STRANGERS, 1),
    ] {
        in_sandbox(async |app| {
            post(app, "sign-up", json!({ "email": ANN, "password": first })).await.ok();
            app.advance(Span::minutes(minutes));
            post(app, "sign-up", json!({ "email": ANN, "password": then })).await.ok();
            // A third time, by the first password, brings it back no more.
            post(app, "sign-up", json!({ "email": ANN, "password": first })).await.ok();
            let mails = app.mails(ANN).await;
            assert_eq!(mails.len(), if minutes == 0 { 1 } else { 2 }, "within the minute nothing is mailed");
            app.advance(Span::minutes(1));
            post(app, "resend-code", json!({ "email": ANN })).await.ok();
            let code = app.mailed_code(ANN).await;
            post(app, "verify-email", json!({ "email": ANN, "code": code })).await.ok();
            for password in [STRANGERS, PASSWORD] {
                try_sign_in(app, ANN, password).await.refused(401, "INVALID_CREDENTIALS");
            }
            post(app, "forgot-password", json!({ "email": ANN })).await.ok();
            let code = app.mailed_code(ANN).await;
            let body = json!({ "email": ANN, "code": code, "password": PASSWORD });
            post(app, "reset-password", body).await.ok();
            app.advance(Span::minutes(15));
            try_sign_in(app, ANN, STRANGERS).await.refused(401, "INVALID_CREDENTIALS");
            sign_in(app, ANN, PASSWORD).await;
        });
    }
}

#[test]
fn whoever_signs_up_twice_by_the_same_password_comes_in_by_it() {
    in_sandbox(async |app| {
        for _ in 0..2 {
            post(app, "sign-up", json!({ "email": ANN, "password": PASSWORD })).await.ok();
        }
        let code = app.mailed_code(ANN).await;
        post(app, "verify-email", json!({ "email": ANN, "code": code })).await.ok();
        sign_in(app, ANN, PASSWORD).await;
    });
}

/// The bytes of a second factor's seed, as an app for codes reads it.
pub fn seed_of(secret: &str) -> SecretBytes {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bits = secret.chars().flat_map(|letter| {
        let value = ALPHABET.find(letter).unwrap();
        (0..5).rev().map(move |bit| u8::from(value >> bit & 1 == 1))
    });
    let bits: Vec<u8> = bits.collect();
    let bytes: Vec<u8> =
        bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |sum, bit| sum << 1 | bit)).collect();
    SecretBytes::new(bytes)
}

#[test]
fn a_second_factor_is_asked_for_and_each_code_opens_once() {
    in_sandbox(async |app| {
        person(app, ANN).await;
        let token = sign_in(app, ANN, PASSWORD).await;
        post_as(app, &token, "totp/confirm", json!({ "code": "123456" })).await.refused(409, "INVALID_STATE");
        post_as(app, &token, "totp/start", json!({ "password": "wrong otter 8" }))
            .await
            .refused(401, "INVALID_CREDENTIALS");
        let started = post_as(app, &token, "totp/start", json!({ "password": PASSWORD })).await.ok();
        let secret = text(&started["data"], "secret").to_owned();
        assert!(
            text(&started["data"], "uri").starts_with("otpauth://totp/NumberOTP:ann@example.com?secret=")
        );
        sign_in(app, ANN, PASSWORD).await;
        let seed = seed_of(&secret);
        let now = || totp::code(&seed, totp::step(app.now()));
        post_as(app, &token, "totp/confirm", json!({ "code": "000000" }))
            .await
            .refused(401, "INVALID_CREDENTIALS");
        let done = post_as(app, &token, "totp/confirm", json!({ "code": now() })).await.ok();
        let recovery: Vec<String> = serde_json::from_value(done["data"]["recoveryCodes"].clone()).unwrap();
        assert_eq!(recovery.len(), 8);
        assert!(app.mails(ANN).await[0].contains("how you sign in was changed"));

        let with = async |code: &str| {
            let body = json!({ "email": ANN, "password": PASSWORD, "totp": code, "transport": "bearer" });
            post(app, "sign-in", body).await
        };
        try_sign_in(app, ANN, PASSWORD).await.refused(401, "TOTP_REQUIRED");
        try_sign_in(app, ANN, "wrong otter 8").await.refused(401, "INVALID_CREDENTIALS");
        with(&now()).await.refused(401, "INVALID_CREDENTIALS");
        app.advance(Span::seconds(30));
        let fresh = now();
        with(&fresh).await.ok();
        with(&fresh).await.refused(401, "INVALID_CREDENTIALS");
        with(&recovery[0].to_lowercase()).await.ok();
        with(&recovery[0]).await.refused(401, "INVALID_CREDENTIALS");
        with(&recovery[1]).await.ok();

        // Five wrong ones, and even a right one waits.
        for _ in 0..5 {
            with("000000").await.refused(401, "INVALID_CREDENTIALS");
        }
        app.advance(Span::minutes(31));
        let token = text(&with(&now()).await.ok()["data"], "token").to_owned();
        post_as(app, &token, "totp/start", json!({ "password": PASSWORD }))
            .await
            .refused(409, "INVALID_STATE");
        let body = |code: &str| json!({ "password": PASSWORD, "code": code });
        post_as(app, &token, "totp/disable", body("000000")).await.refused(401, "INVALID_CREDENTIALS");
        post_as(app, &token, "totp/disable", body(&recovery[2])).await.ok();
        sign_in(app, ANN, PASSWORD).await;
        post_as(app, &token, "totp/disable", body(&recovery[3])).await.refused(409, "INVALID_STATE");
    });
}

#[test]
fn what_a_person_changes_is_no_business_of_a_key_and_bodies_are_read_strictly() {
    in_sandbox(async |app| {
        let key = app.account(0, 0).await.key;
        for (what, body) in [
            ("sign-out", json!({})),
            ("confirm-password", json!({ "password": "b" })),
            ("change-password", json!({ "currentPassword": "a", "newPassword": "b" })),
            ("change-email", json!({ "newEmail": "a@example.com", "password": "b" })),
            ("confirm-email", json!({ "code": "1" })),
            ("totp/start", json!({ "password": "b" })),
            ("totp/confirm", json!({ "code": "1" })),
            ("totp/disable", json!({ "password": "b", "code": "1" })),
        ] {
            post_as(app, &key, what, body.clone()).await.refused(403, "SIGNED_IN_PERSON_REQUIRED");
            post(app, what, body).await.refused(401, "UNAUTHORIZED");
        }
        for (what, body) in [
            ("sign-up", json!({ "email": "no address", "password": PASSWORD })),
            ("sign-up", json!({ "email": ANN, "password": "1234567" })),
            ("sign-up", json!({ "email": ANN, "password": "password123" })),
            ("sign-up", json!({ "email": ANN, "password": PASSWORD, "name": "\u{7}" })),
            ("sign-up", json!({ "email": ANN })),
            ("sign-in", json!({ "email": ANN, "password": PASSWORD, "transport": "pigeon" })),
            ("sign-in", json!({ "email": ANN, "password": "x".repeat(1_025) })),
            ("verify-email", json!({ "email": ANN })),
            ("verify-email", json!({ "email": ANN, "code": "1".repeat(65) })),
        ] {
            post(app, what, body).await.refused(400, "INVALID_PARAMETER");
        }
    });
}
