//! How programs stay signed in, and sign out: refresh tokens that are exchanged once, on however many servers, and what
//! happens to a family of them when one comes twice. And signing in with a password or a code from a mail.

use crate::http_stage::text;
use numberotp_core::caller::{Role, Standing};
use numberotp_core::id::PLATFORM;
use numberotp_core::secret::Secret;
use numberotp_core::text::Email;
use numberotp_core::time::Span;
use numberotp_server::app::auth::{JWT_LIFE, KNOWN_FOR};
use numberotp_server::app::password::hash_now;
use numberotp_server::config::OnOff;
use numberotp_server::store::account::{Account, NewAccount, account_create};
use numberotp_server::store::db::{Access, Connection};
use numberotp_server::store::log::log_newest;
use numberotp_server::store::refresh::{GRACE, REFRESH_LIFE};
use numberotp_testkit::app::{Answer, Setup, TestApp, in_sandbox, with_app};
use serde_json::{Value, json};
use std::collections::BTreeSet;

pub const TOKEN: &str = "/v1/oauth/token";
const REVOKE: &str = "/v1/oauth/revoke";
const SESSIONS: &str = "/v1/user/sessions";
const PASSWORD: &str = "grey otter 7";
const EMAIL_CODE: &str = "urn:numberotp:params:grant-type:email_code";

/// Asks for tokens.
async fn ask(app: &TestApp<'_>, body: Value) -> Answer {
    app.post(TOKEN).json(&body).send().await
}

/// The tokens of a 200.
pub fn tokens(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("cache-control"), "no-store");
    let json = answer.json();
    assert_eq!((&json["token_type"], &json["expires_in"]), (&json!("Bearer"), &json!(900)));
    json
}

/// A denial in the standard's form.
pub fn denied(answer: &Answer, word: &str) {
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert_eq!(answer.header("cache-control"), "no-store");
    let json = answer.json();
    let keys: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["error", "error_description"], "and never `code`");
    assert_eq!(json["error"], word, "{json}");
}

pub async fn person(app: &TestApp<'_>, address: &str) -> Account {
    let new = NewAccount {
        brand: PLATFORM,
        email: Email::parse(address).unwrap(),
        name: "Ann".to_owned(),
        password_hash: Some(hash_now(&Secret::new(PASSWORD)).unwrap()),
        role: Role::Customer,
        standing: Standing::Approved,
        now: app.now(),
    };
    app.write(move |tx| account_create(tx, &new)).await.unwrap()
}

async fn sign_in(app: &TestApp<'_>) -> Value {
    let body = json!({ "grant_type": "password", "email": "ann@example.com", "password": PASSWORD,
        "platform": "cli", "device_name": "Ann's laptop" });
    tokens(&ask(app, body).await)
}

async fn refresh(app: &TestApp<'_>, token: &str) -> Answer {
    ask(app, json!({ "grant_type": "refresh_token", "refresh_token": token })).await
}

async fn opens(app: &TestApp<'_>, tokens: &Value) -> bool {
    app.get(SESSIONS).bearer(text(tokens, "access_token")).send().await.status == 200
}

#[test]
fn a_refresh_token_is_exchanged_for_the_next_and_the_device_stays_one() {
    in_sandbox(async |app| {
        person(app, "ann@example.com").await;
        let first = sign_in(app).await;
        assert_eq!(first["user"]["email"], "ann@example.com");
        assert_eq!(first["refresh_expires_in"], 5_184_000);
        let token = text(&first, "refresh_token").to_owned();
        assert!(token.starts_with("notp_rt_"));
        app.get(SESSIONS).bearer(&token).refused(401, "UNAUTHORIZED").await;
        app.advance(JWT_LIFE);
        assert!(!opens(app, &first).await);

        let second = tokens(&refresh(app, &token).await);
        assert_ne!(second["refresh_token"], first["refresh_token"]);
        let listed = app.get(SESSIONS).bearer(text(&second, "access_token")).ok().await;
        let rows = listed["data"].as_array().unwrap();
        assert_eq!(rows.len(), 1);
        assert_eq!((&rows[0]["kind"], &rows[0]["platform"]), (&json!("device"), &json!("cli")));
        assert_eq!((&rows[0]["device_name"], &rows[0]["current"]), (&json!("Ann's laptop"), &json!(true)));

        // As a form, as other programs send it.
        let form =
            format!("grant_type=refresh_token&refresh_token={}&client_id=x", text(&second, "refresh_token"));
        let answer = app.post(TOKEN).body("application/x-www-form-urlencoded", form).send().await;
        let third = tokens(&answer);
        app.advance(REFRESH_LIFE);
        denied(&refresh(app, text(&third, "refresh_token")).await, "invalid_grant");
    });
}

#[test]
fn a_lost_answer_is_given_again_for_ten_seconds_and_then_the_family_ends() {
    in_sandbox(async |app| {
        person(app, "ann@example.com").await;
        let first = sign_in(app).await;
        let other = sign_in(app).await;
        let second = tokens(&refresh(app, text(&first, "refresh_token")).await);
        app.advance(GRACE.minus(Span::micros(1)));
        let again = tokens(&refresh(app, text(&first, "refresh_token")).await);
        assert_eq!(again["refresh_token"], second["refresh_token"]);
        assert!(opens(app, &again).await && opens(app, &second).await);

        app.advance(Span::micros(1));
        denied(&refresh(app, text(&first, "refresh_token")).await, "invalid_grant");
        assert!(!opens(app, &again).await && !opens(app, &second).await);
        denied(&refresh(app, text(&second, "refresh_token")).await, "invalid_grant");
        assert!(opens(app, &other).await, "another device of the same person stays");
        let log = app.read(|tx| log_newest(tx, 10)).await;
        assert_eq!(log.len(), 1, "it is on record, once");
        assert_eq!(
            (log[0].action.as_str(), log[0].detail.as_str()),
            ("session.ended", "refresh token reused")
        );
    });
}

#[test]
fn fifty_exchanges_at_once_on_two_servers_make_one_successor_and_a_replay_ends_it_on_both() {
    in_sandbox(async |app| {
        person(app, "ann@example.com").await;
        let first = sign_in(app).await;
        let beside = TestApp::open(app.database(), Setup::sandbox()).await;
        let body = json!({ "grant_type": "refresh_token", "refresh_token": first["refresh_token"] });
        let asks: Vec<_> = (0..50)
            .map(|turn| if turn % 2 == 0 { app.post(TOKEN) } else { beside.post(TOKEN) }.json(&body).start())
            .collect();
        let mut successors = BTreeSet::new();
        let mut access = String::new();
        for ask in asks {
            let given = tokens(&ask.await.unwrap());
            successors.insert(text(&given, "refresh_token").to_owned());
            access = text(&given, "access_token").to_owned();
        }
        assert_eq!(successors.len(), 1);
        let listed = app.get(SESSIONS).bearer(&access).ok().await;
        assert_eq!(listed["data"].as_array().unwrap().len(), 1, "one family");
        beside.get(SESSIONS).bearer(&access).ok().await;

        app.advance(GRACE);
        denied(&refresh(app, text(&first, "refresh_token")).await, "invalid_grant");
        app.get(SESSIONS).bearer(&access).refused(401, "UNAUTHORIZED").await;
        beside.advance(KNOWN_FOR);
        beside.get(SESSIONS).bearer(&access).refused(401, "UNAUTHORIZED").await;
        let live = successors.pop_first().unwrap();
        denied(&refresh(&beside, &live).await, "invalid_grant");
        beside.finish().await;
    });
}

#[test]
fn who_signs_out_is_out_whichever_of_its_tokens_it_shows() {
    in_sandbox(async |app| {
        person(app, "ann@example.com").await;
        let revoke = async |token: &str| {
            let answer = app.post(REVOKE).json(&json!({ "token": token })).send().await;
            assert_eq!((answer.status, answer.text()), (200, "{}"));
        };
        let stays = sign_in(app).await;
        let by_refresh = sign_in(app).await;
        revoke(text(&by_refresh, "refresh_token")).await;
        assert!(!opens(app, &by_refresh).await);
        denied(&refresh(app, text(&by_refresh, "refresh_token")).await, "invalid_grant");

        let by_access = sign_in(app).await;
        revoke(text(&by_access, "access_token")).await;
        assert!(!opens(app, &by_access).await);

        let by_old = sign_in(app).await;
        let next = tokens(&refresh(app, text(&by_old, "refresh_token")).await);
        revoke(text(&by_old, "refresh_token")).await;
        assert!(!opens(app, &next).await);

        // What is no token, or nobody's, is told the same.
        for odd in ["", "x", "notp_rt_", &format!("notp_rt_{}", "a".repeat(43)), "a.b.c"] {
            revoke(odd).await;
        }
        for (kind, body) in [("", ""), ("application/json", "[1"), ("text/plain", "token=x")] {
            let answer = app.post(REVOKE).body(kind, body).send().await;
            assert_eq!((answer.status, answer.text()), (200, "{}"));
        }
        assert!(opens(app, &stays).await);
    });
}

#[test]
fn what_is_no_grant_is_denied_in_the_words_of_the_standard() {
    in_sandbox(async |app| {
        person(app, "ann@example.com").await;
        let first = sign_in(app).await;
        for (word, body) in [
            ("invalid_request", json!({})),
            ("invalid_request", json!({ "grant_type": 7 })),
            ("unsupported_grant_type", json!({ "grant_type": "implicit" })),
            ("unsupported_grant_type", json!({ "grant_type": "authorization_code", "code": "x" })),
            ("invalid_request", json!({ "grant_type": "refresh_token" })),
            ("invalid_grant", json!({ "grant_type": "refresh_token", "refresh_token": "x" })),
            (
                "invalid_grant",
                json!({ "grant_type": "refresh_token", "refresh_token": first["access_token"] }),
            ),
            ("invalid_request", json!({ "grant_type": "password", "email": "ann@example.com" })),
            ("invalid_request", json!({ "grant_type": "password", "email": "ann", "password": "x" })),
            (
                "invalid_grant",
                json!({ "grant_type": "password", "email": "ann@example.com", "password": "x" }),
            ),
            (
                "invalid_grant",
                json!({ "grant_type": "password", "email": "no@example.com", "password": "x" }),
            ),
            (
                "invalid_grant",
                json!({ "grant_type": EMAIL_CODE, "email": "ann@example.com", "code": "000000" }),
            ),
        ] {
            denied(&ask(app, body).await, word);
        }
        for (kind, body) in [
            ("application/json", "{"),
            ("application/x-www-form-urlencoded", "grant_type=password&grant_type=refresh_token"),
            ("application/x-www-form-urlencoded", "grant_type="),
        ] {
            denied(&app.post(TOKEN).body(kind, body).send().await, "invalid_request");
        }
        // Trouble that is not the caller's grant keeps its own status: a client would throw its tokens away.
        app.post(TOKEN).body("text/plain", "x").refused(415, "UNSUPPORTED_MEDIA_TYPE").await;
        let large = vec![b' '; 70_000];
        app.post(TOKEN).body("application/json", large).refused(413, "PAYLOAD_TOO_LARGE").await;
        assert!(opens(app, &first).await);
    });
}

async fn code_for(app: &TestApp<'_>, address: &str) -> Secret {
    let asked = app.post("/v1/oauth/email-code").json(&json!({ "email": address })).ok().await;
    assert_eq!(asked, json!({ "success": true }));
    Secret::new(app.mailed_code(address).await)
}

#[test]
fn a_code_from_a_mail_signs_in_once_and_makes_the_account_that_is_missing() {
    in_sandbox(async |app| {
        let code = code_for(app, "new@example.com").await;
        let grant = |code: &str| json!({ "grant_type": EMAIL_CODE, "email": "New@example.com", "code": code, "name": "Newcomer" });
        let wrong = if code.expose() == "123456" { "123457" } else { "123456" };
        denied(&ask(app, grant(wrong)).await, "invalid_grant");
        let made = tokens(&ask(app, grant(code.expose())).await);
        assert_eq!(
            (&made["user"]["email"], &made["user"]["name"]),
            (&json!("new@example.com"), &json!("Newcomer"))
        );
        denied(&ask(app, grant(code.expose())).await, "invalid_grant");
        let profile = app.get("/api/user/profile").bearer(text(&made, "access_token")).ok().await;
        assert_eq!(
            (&profile["data"]["isApproved"], &profile["data"]["emailVerified"]),
            (&json!(true), &json!(true))
        );
        app.advance(Span::minutes(1));
        let again = code_for(app, "new@example.com").await;
        assert_eq!(tokens(&ask(app, grant(again.expose())).await)["user"]["id"], made["user"]["id"]);
    });
}

#[test]
fn where_nobody_is_approved_unseen_a_new_account_waits() {
    let approving = Setup::sandbox().flagged(|flags| flags.auto_approve = Some(OnOff::Off));
    with_app(approving, async |app| {
        let code = code_for(app, "new@example.com").await;
        let grant = json!({ "grant_type": EMAIL_CODE, "email": "new@example.com", "code": code.expose() });
        let made = tokens(&ask(app, grant).await);
        assert_eq!(made["user"]["name"], "new");
        let profile = app.get("/api/user/profile").bearer(text(&made, "access_token")).ok().await;
        assert_eq!(profile["data"]["isApproved"], false);
    });
}

#[test]
fn whoever_proves_a_mailbox_shuts_out_the_password_that_a_stranger_gave_it() {
    in_sandbox(async |app| {
        person(app, "ann@example.com").await;
        let unprove = || {
            let mut connection = Connection::open(app.database().engine(), Access::Write).unwrap();
            connection.ensure().unwrap();
            connection
                .script("UPDATE accounts SET email_verified = 0 WHERE email = 'ann@example.com'")
                .unwrap();
        };
        std::thread::scope(|scope| scope.spawn(unprove).join().unwrap());
        let code = code_for(app, "ann@example.com").await;
        let grant = json!({ "grant_type": EMAIL_CODE, "email": "ann@example.com", "code": code.expose() });
        tokens(&ask(app, grant).await);
        let stranger = json!({ "grant_type": "password", "email": "ann@example.com", "password": PASSWORD });
        denied(&ask(app, stranger).await, "invalid_grant");
    });
}
