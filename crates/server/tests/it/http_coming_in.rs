//! How the parts of sign-in hold together: every door into an account, as an honest person uses it and as a suspicious
//! stranger tries it. What one part ends, no other part keeps open; what is one person's is worth nothing to another.

use crate::http_oauth::{TOKEN, denied, tokens};
use crate::http_stage::{RENT, at, purses, telegram, text};
use http::Method;
use numberotp_core::caller::{Role, Scopes, Standing};
use numberotp_core::id::PLATFORM;
use numberotp_core::secret::SecretBytes;
use numberotp_core::text::Email;
use numberotp_core::time::Span;
use numberotp_core::totp;
use numberotp_server::app::auth::KNOWN_FOR;
use numberotp_server::config::OnOff;
use numberotp_server::store::account::account_by_email;
use numberotp_server::store::db::Statement;
use numberotp_testkit::app::{Answer, Customer, Setup, TestApp, in_sandbox, with_app};
use serde_json::{Value, json};

const PASSWORD: &str = "grey otter 7";
const NEXT: &str = "next otter 8";
const ANN: &str = "ann@example.com";
const BOB: &str = "bob@example.com";
const NOBODY: &str = "nobody@example.com";
const ME: &str = "/v1/me";
const SESSIONS: &str = "/v1/user/sessions";
const KEYS: &str = "/v1/user/apikeys";
const BALANCE: &str = "/api/internal/balance";
const EMAIL_CODE: &str = "urn:numberotp:params:grant-type:email_code";
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// The ways in for a person who shows who it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Door {
    Site,
    Password,
    Mail,
}
use Door::{Mail, Password, Site};

const DOORS: [Door; 3] = [Site, Password, Mail];

async fn auth(app: &TestApp<'_>, what: &str, body: Value) -> Answer {
    app.post(&format!("/api/auth/{what}")).json(&body).send().await
}

async fn auth_as(app: &TestApp<'_>, token: &str, what: &str, body: Value) -> Answer {
    app.post(&format!("/api/auth/{what}")).bearer(token).json(&body).send().await
}

async fn grant(app: &TestApp<'_>, body: Value) -> Answer {
    app.post(TOKEN).json(&body).send().await
}

/// Signs up and proves the address; also gets a key.
async fn person(app: &TestApp<'_>, email: &str) -> Customer {
    auth(app, "sign-up", json!({ "email": email, "password": PASSWORD })).await.ok();
    let code = app.mailed_code(email).await;
    auth(app, "verify-email", json!({ "email": email, "code": code })).await.ok();
    let address = Email::parse(email).unwrap();
    let account = app.read(move |tx| account_by_email(tx, PLATFORM, &address)).await.unwrap().id;
    let mut customer = Customer { account, email: email.to_owned(), key: String::new() };
    customer.key = app.key(&customer, Scopes::READ_BUY).await;
    customer
}

/// A code to sign in with, once another may be asked for.
async fn code_for(app: &TestApp<'_>, email: &str) -> String {
    app.advance(Span::minutes(1));
    app.post("/v1/oauth/email-code").json(&json!({ "email": email })).ok().await;
    app.mailed_code(email).await
}

/// Tries a door; by mail a fresh code is asked for first.
async fn knock(app: &TestApp<'_>, door: Door, email: &str, (password, totp): (&str, Option<&str>)) -> Answer {
    let mut body = match door {
        Site => json!({ "email": email, "password": password, "transport": "bearer" }),
        Password => json!({ "grant_type": "password", "email": email, "password": password }),
        Mail => json!({ "grant_type": EMAIL_CODE, "email": email, "code": code_for(app, email).await }),
    };
    if let Some(totp) = totp {
        body["totp"] = json!(totp);
    }
    if door == Site { auth(app, "sign-in", body).await } else { grant(app, body).await }
}

/// What a door that opens gives: a session's token or an access token.
fn inside(door: Door, answer: &Answer) -> String {
    let given = if door == Site {
        answer.ok()["data"]["token"].clone()
    } else {
        tokens(answer)["access_token"].clone()
    };
    given.as_str().unwrap().to_owned()
}

/// A door stays shut.
fn shut(door: Door, answer: &Answer) {
    if door == Site {
        answer.refused(401, "INVALID_CREDENTIALS");
    } else {
        denied(answer, "invalid_grant");
    }
}

async fn come_in(app: &TestApp<'_>, door: Door, email: &str, password: &str) -> String {
    inside(door, &knock(app, door, email, (password, None)).await)
}

/// Signs a device in; all its tokens.
async fn device(app: &TestApp<'_>, email: &str, password: &str) -> Value {
    tokens(&knock(app, Password, email, (password, None)).await)
}

async fn refresh(app: &TestApp<'_>, given: &Value) -> Answer {
    grant(app, json!({ "grant_type": "refresh_token", "refresh_token": given["refresh_token"] })).await
}

/// A device asks to be let in.
async fn begin(app: &TestApp<'_>) -> Value {
    app.post("/v1/oauth/device/code").json(&json!({ "client": "cli" })).send().await.json()
}

async fn decide(app: &TestApp<'_>, token: &str, begun: &Value) -> Answer {
    let body = json!({ "user_code": begun["user_code"], "action": "approve" });
    app.post("/v1/oauth/device").bearer(token).json(&body).send().await
}

async fn poll(app: &TestApp<'_>, begun: &Value) -> Answer {
    grant(app, json!({ "grant_type": DEVICE_CODE, "device_code": begun["device_code"] })).await
}

async fn opens(app: &TestApp<'_>, token: &str) -> bool {
    let answer = app.get(BALANCE).bearer(token).send().await;
    if answer.status != 200 {
        answer.refused(401, "UNAUTHORIZED");
    }
    answer.status == 200
}

/// An admin has an account stand somewhere else.
async fn stand(app: &TestApp<'_>, customer: &Customer, standing: &str) {
    let admin = app.account_of(Role::Admin).await;
    let by = app.session(&admin).await;
    let body = json!({ "standing": standing, "reason": "a test" });
    let path = format!("/admin/api/accounts/{}/standing", customer.account.get());
    app.post(&path).bearer(&by).json(&body).ok().await;
}

/// What a stranger sees of an answer: all but what is new in each.
fn seen(answer: &Answer) -> (u16, Value) {
    let mut body = answer.json();
    if let Some(id) = body.get_mut("request_id") {
        *id = json!("");
    }
    (answer.status, body)
}

fn buy(app: &TestApp<'_>, token: &str) -> numberotp_testkit::app::Ask {
    app.post(RENT).bearer(token).json(&telegram())
}

fn seed_of(secret: &str) -> SecretBytes {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bits = secret.chars().flat_map(|letter| {
        let value = ALPHABET.find(letter).unwrap();
        (0..5).rev().map(move |bit| u8::from(value >> bit & 1 == 1))
    });
    let bits: Vec<u8> = bits.collect();
    SecretBytes::new(
        bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |sum, bit| sum << 1 | bit)).collect::<Vec<u8>>(),
    )
}

/// Sets a second factor up; its seed and the recovery codes.
async fn second_factor(app: &TestApp<'_>, token: &str) -> (SecretBytes, Vec<String>) {
    let started = auth_as(app, token, "totp/start", json!({ "password": PASSWORD })).await.ok();
    let seed = seed_of(text(&started["data"], "secret"));
    let code = totp::code(&seed, totp::step(app.now()));
    let done = auth_as(app, token, "totp/confirm", json!({ "code": code })).await.ok();
    (seed, serde_json::from_value(done["data"]["recoveryCodes"].clone()).unwrap())
}

#[test]
fn no_door_opens_without_the_second_factor_and_every_one_does_with_it() {
    in_sandbox(async |app| {
        person(app, ANN).await;
        let first = come_in(app, Site, ANN, PASSWORD).await;
        let (seed, recovery) = second_factor(app, &first).await;
        assert!(app.mails(ANN).await[0].contains("how you sign in was changed"));
        for (door, spare) in DOORS.into_iter().zip(&recovery) {
            let without = knock(app, door, ANN, (PASSWORD, None)).await;
            if door == Site {
                without.refused(401, "TOTP_REQUIRED");
            } else {
                denied(&without, "invalid_grant");
                assert!(text(&without.json(), "error_description").contains("second factor"));
            }
            shut(door, &knock(app, door, ANN, (PASSWORD, Some("000000"))).await);
            // A code is of its moment: by mail, asking for the first one takes a minute.
            let wait = Span::minutes(if door == Mail { 1 } else { 0 });
            app.advance(Span::minutes(1));
            let code = totp::code(&seed, totp::step(app.now().plus(wait)));
            let token = inside(door, &knock(app, door, ANN, (PASSWORD, Some(&code))).await);
            assert!(opens(app, &token).await, "{door:?}");
            for other in [Site, Password] {
                shut(other, &knock(app, other, ANN, (PASSWORD, Some(&code))).await);
            }
            inside(door, &knock(app, door, ANN, (PASSWORD, Some(spare))).await);
            for other in DOORS {
                shut(other, &knock(app, other, ANN, (PASSWORD, Some(spare))).await);
            }
            app.advance(Span::hours(2));
        }
        assert!(opens(app, &first).await, "whoever set it up stays in");
    });
}

#[test]
fn a_closed_account_opens_to_nothing_and_looks_like_none() {
    in_sandbox(async |app| {
        // Also where only the account's row says so, as when another server was faster.
        for (email, by_admin) in [(ANN, true), (BOB, false)] {
            let closed = person(app, email).await;
            let session = come_in(app, Site, email, PASSWORD).await;
            let phone = device(app, email, PASSWORD).await;
            let (approved, waiting) = (begin(app).await, begin(app).await);
            decide(app, &session, &approved).await.ok();
            let code = code_for(app, email).await;
            if by_admin {
                stand(app, &closed, "closed").await;
            } else {
                app.set_standing(&closed, Standing::Closed).await;
                app.advance(KNOWN_FOR);
            }
            for door in [Site, Password] {
                let here = knock(app, door, email, (PASSWORD, None)).await;
                shut(door, &here);
                assert_eq!(seen(&here), seen(&knock(app, door, NOBODY, (PASSWORD, None)).await), "{door:?}");
            }
            // The right code is told what a wrong one is told where there is no account.
            let with =
                |email: &str, code: &str| json!({ "grant_type": EMAIL_CODE, "email": email, "code": code });
            let wrong = seen(&grant(app, with(NOBODY, "000000")).await);
            assert_eq!(seen(&grant(app, with(email, &code)).await), wrong);
            shut(Mail, &knock(app, Mail, email, ("", None)).await);
            for what in ["sign-up", "resend-code", "forgot-password"] {
                let ask = async |email: &str| {
                    let answer = auth(app, what, json!({ "email": email, "password": PASSWORD })).await;
                    answer.ok().to_string().replace(email, "")
                };
                assert_eq!(ask(email).await, ask(&format!("{what}@example.com")).await);
            }
            assert!(app.mails(email).await.iter().all(|mail| !mail.contains("your code")));

            let unknown = json!({ "refresh_token": format!("notp_rt_{}", "a".repeat(43)) });
            let refused = refresh(app, &phone).await;
            denied(&refused, "invalid_grant");
            assert_eq!(seen(&refused), seen(&refresh(app, &unknown).await));
            let nonsense = seen(&app.get(ME).bearer("sess_nonsense").send().await);
            for token in [&session, text(&phone, "access_token"), &closed.key] {
                assert!(!opens(app, token).await);
                assert_eq!(seen(&app.get(ME).bearer(token).send().await), nonsense);
            }
            decide(app, &session, &waiting).await.refused(401, "UNAUTHORIZED");
            denied(&poll(app, &approved).await, "access_denied");
            denied(&poll(app, &waiting).await, "authorization_pending");
        }
    });
}

#[test]
fn whoever_is_suspended_comes_in_sees_how_it_stands_and_goes_on_once_that_is_lifted() {
    in_sandbox(async |app| {
        let ann = person(app, ANN).await;
        app.give(&ann, numberotp_core::ledger::Purse::Granted, 1_000).await;
        let before = device(app, ANN, PASSWORD).await;
        let id = text(&buy(app, &ann.key).ok().await["data"], "id").to_owned();
        stand(app, &ann, "suspended").await;
        assert!(!opens(app, text(&before, "access_token")).await, "it was signed out");
        denied(&refresh(app, &before).await, "invalid_grant");

        let phone = device(app, ANN, PASSWORD).await;
        let mut tokens = vec![text(&phone, "access_token").to_owned()];
        for door in [Site, Mail] {
            tokens.push(come_in(app, door, ANN, PASSWORD).await);
        }
        let begun = begin(app).await;
        for token in &tokens {
            for path in [ME, BALANCE, "/api/internal/transactions", "/api/user/profile", SESSIONS] {
                app.get(path).bearer(token).ok().await;
            }
            assert_eq!(app.get(ME).bearer(token).ok().await["data"]["status"], "on_hold");
            for path in [at(&id, ""), "/api/internal/rents".to_owned()] {
                app.get(&path).bearer(token).refused(403, "ACCOUNT_ON_HOLD").await;
            }
            buy(app, token).refused(403, "ACCOUNT_ON_HOLD").await;
            for verb in ["cancel", "finish", "resend"] {
                app.post(&at(&id, verb)).bearer(token).refused(403, "ACCOUNT_ON_HOLD").await;
            }
            app.post(KEYS).bearer(token).json(&json!({ "name": "x" })).refused(403, "ACCOUNT_ON_HOLD").await;
            decide(app, token, &begun).await.refused(403, "ACCOUNT_ON_HOLD");
        }
        app.get(ME).by(&ann).ok().await;
        buy(app, &ann.key).refused(403, "ACCOUNT_ON_HOLD").await;

        stand(app, &ann, "approved").await;
        for token in tokens.iter().chain([&ann.key]) {
            app.get(&at(&id, "")).bearer(token).ok().await;
            buy(app, token).ok().await;
        }
        let next = self::tokens(&refresh(app, &phone).await);
        decide(app, text(&next, "access_token"), &begun).await.ok();
        self::tokens(&poll(app, &begun).await);
        assert_eq!(purses(app, &ann).await, (500, 0.0));
    });
}

#[test]
fn whoever_waits_for_approval_comes_in_and_buys_within_a_second_of_it_on_every_server() {
    let setup = Setup::sandbox().flagged(|flags| flags.auto_approve = Some(OnOff::Off));
    with_app(setup, async |app| {
        let ann = person(app, ANN).await;
        app.give(&ann, numberotp_core::ledger::Purse::Granted, 1_000).await;
        let beside = TestApp::open(app.database(), setup).await;
        let mut tokens = vec![ann.key.clone()];
        for door in DOORS {
            tokens.push(come_in(app, door, ANN, PASSWORD).await);
        }
        for token in &tokens {
            assert_eq!(app.get(ME).bearer(token).ok().await["data"]["status"], "pending");
            for server in [&*app, &beside] {
                buy(server, token).refused(403, "ACCOUNT_NOT_APPROVED").await;
            }
        }
        stand(app, &ann, "approved").await;
        beside.advance(Span::seconds(1));
        for token in &tokens {
            buy(app, token).ok().await;
            buy(&beside, token).ok().await;
            assert_eq!(beside.get(ME).bearer(token).ok().await["data"]["status"], "active");
        }
        beside.finish().await;
    });
}

#[test]
fn another_password_ends_what_the_old_one_opened_but_for_where_it_was_changed() {
    in_sandbox(async |app| {
        let ann = person(app, ANN).await;
        let change = |from: &str, to: &str| json!({ "currentPassword": from, "newPassword": to });
        // Changed at the website, then on a phone: each time the other is out.
        let (site, phone) = (come_in(app, Site, ANN, PASSWORD).await, device(app, ANN, PASSWORD).await);
        let stranger = come_in(app, Site, ANN, PASSWORD).await;
        let let_in = begin(app).await;
        decide(app, &stranger, &let_in).await.ok();
        auth_as(app, &site, "change-password", change(PASSWORD, NEXT)).await.ok();
        assert!(opens(app, &site).await);
        assert!(!opens(app, &stranger).await && !opens(app, text(&phone, "access_token")).await);
        denied(&refresh(app, &phone).await, "invalid_grant");
        denied(&poll(app, &let_in).await, "access_denied");
        for door in [Site, Password] {
            shut(door, &knock(app, door, ANN, (PASSWORD, None)).await);
        }
        let phone = device(app, ANN, NEXT).await;
        auth_as(app, text(&phone, "access_token"), "change-password", change(NEXT, PASSWORD)).await.ok();
        assert!(!opens(app, &site).await);
        let phone = tokens(&refresh(app, &phone).await);

        // Forgotten and set anew: everybody is out, on whatever was signed.
        let site = come_in(app, Site, ANN, PASSWORD).await;
        let let_in = begin(app).await;
        decide(app, &site, &let_in).await.ok();
        auth(app, "forgot-password", json!({ "email": ANN })).await.ok();
        let told = app.mails(ANN).await;
        let digits = |line: &&str| line.len() == 6 && line.bytes().all(|byte| byte.is_ascii_digit());
        let code = told.iter().flat_map(|mail| mail.lines()).map(str::trim).find(digits).unwrap();
        auth(app, "reset-password", json!({ "email": ANN, "code": code, "password": NEXT })).await.ok();
        assert!(!opens(app, &site).await && !opens(app, text(&phone, "access_token")).await);
        denied(&refresh(app, &phone).await, "invalid_grant");
        denied(&poll(app, &let_in).await, "access_denied");
        for door in [Site, Password] {
            shut(door, &knock(app, door, ANN, (PASSWORD, None)).await);
            come_in(app, door, ANN, NEXT).await;
        }
        assert!(opens(app, &ann.key).await, "a key is no sign-in");
    });
}

#[test]
fn signing_out_everywhere_leaves_the_keys_alone() {
    in_sandbox(async |app| {
        let (ann, bob) = (person(app, ANN).await, person(app, BOB).await);
        let (site, phone) = (come_in(app, Site, ANN, PASSWORD).await, device(app, ANN, PASSWORD).await);
        let renewed = tokens(&refresh(app, &device(app, ANN, PASSWORD).await).await);
        let (let_in, taken, bobs) = (begin(app).await, begin(app).await, begin(app).await);
        for begun in [&let_in, &taken] {
            decide(app, &site, begun).await.ok();
        }
        let taken = tokens(&poll(app, &taken).await);
        let other = come_in(app, Site, BOB, PASSWORD).await;
        decide(app, &other, &bobs).await.ok();
        app.ask(Method::DELETE, SESSIONS).bearer(&site).json(&json!({ "all": true })).ok().await;
        assert!(!opens(app, &site).await);
        for device in [&phone, &renewed, &taken] {
            assert!(!opens(app, text(device, "access_token")).await);
            denied(&refresh(app, device).await, "invalid_grant");
        }
        denied(&poll(app, &let_in).await, "access_denied");
        assert!(opens(app, &ann.key).await && opens(app, &bob.key).await && opens(app, &other).await);
        tokens(&poll(app, &bobs).await);
        come_in(app, Mail, ANN, PASSWORD).await;
    });
}

#[test]
fn what_is_one_persons_is_useless_to_another() {
    in_sandbox(async |app| {
        let (ann, _bob) = (person(app, ANN).await, person(app, BOB).await);
        let (hers, his) = (come_in(app, Site, ANN, PASSWORD).await, device(app, BOB, PASSWORD).await);
        let access = text(&his, "access_token").to_owned();

        // Codes: to sign in, for another password, for another address.
        let (for_ann, for_bob) = (code_for(app, ANN).await, code_for(app, BOB).await);
        let with =
            |email: &str, code: &str| json!({ "grant_type": EMAIL_CODE, "email": email, "code": code });
        if for_ann != for_bob {
            denied(&grant(app, with(ANN, &for_bob)).await, "invalid_grant");
            denied(&grant(app, with(BOB, &for_ann)).await, "invalid_grant");
        }
        assert_eq!(tokens(&grant(app, with(ANN, &for_ann)).await)["user"]["email"], ANN);
        auth(app, "forgot-password", json!({ "email": BOB })).await.ok();
        let code = app.mailed_code(BOB).await;
        auth(app, "reset-password", json!({ "email": ANN, "code": code, "password": NEXT }))
            .await
            .refused(401, "INVALID_CREDENTIALS");
        denied(&grant(app, with(BOB, &code)).await, "invalid_grant");
        for (token, next) in [(&hers, "new-ann@example.com"), (&access, "new-bob@example.com")] {
            auth_as(app, token, "change-email", json!({ "newEmail": next, "password": PASSWORD })).await.ok();
        }
        let code = app.mailed_code("new-bob@example.com").await;
        if code != app.mailed_code("new-ann@example.com").await {
            auth_as(app, &hers, "confirm-email", json!({ "code": code }))
                .await
                .refused(401, "INVALID_CREDENTIALS");
        }

        // A refresh token gives its own person's tokens, whoever is named beside it.
        let claimed =
            json!({ "grant_type": "refresh_token", "refresh_token": his["refresh_token"], "email": ANN });
        let his = tokens(&grant(app, claimed).await);
        assert_eq!(his["user"]["email"], BOB);
        // A device is whoever's decided first.
        let begun = begin(app).await;
        decide(app, &hers, &begun).await.ok();
        decide(app, text(&his, "access_token"), &begun).await.refused(409, "INVALID_STATE");
        assert_eq!(tokens(&poll(app, &begun).await)["user"]["id"], ann.account.get().to_string());
        // Sign-ins and keys of another do not exist.
        for path in [SESSIONS, KEYS] {
            let rows = app.get(path).bearer(&hers).ok().await["data"].as_array().unwrap().clone();
            assert!(!rows.is_empty());
            for row in rows {
                let end = app.ask(Method::DELETE, path).bearer(text(&his, "access_token"));
                end.json(&json!({ "id": row["id"] })).refused(404, "NOT_FOUND").await;
            }
        }
        assert!(opens(app, &hers).await && opens(app, &ann.key).await);
    });
}

#[test]
fn whoever_moved_to_another_address_is_met_there_alone() {
    in_sandbox(async |app| {
        let ann = person(app, ANN).await;
        let moved = "new-ann@example.com";
        let session = come_in(app, Site, ANN, PASSWORD).await;
        let old_code = code_for(app, ANN).await;
        auth(app, "forgot-password", json!({ "email": ANN })).await.ok();
        let old_reset = app.mailed_code(ANN).await;
        auth_as(app, &session, "change-email", json!({ "newEmail": moved, "password": PASSWORD })).await.ok();
        // Until it is proved, the new address is nobody's.
        shut(Site, &knock(app, Site, moved, (PASSWORD, None)).await);
        let code = app.mailed_code(moved).await;
        auth_as(app, &session, "confirm-email", json!({ "code": code })).await.ok();

        for door in [Site, Password] {
            shut(door, &knock(app, door, ANN, (PASSWORD, None)).await);
            assert!(opens(app, &come_in(app, door, moved, PASSWORD).await).await);
        }
        let with = |email: &str| json!({ "grant_type": EMAIL_CODE, "email": email, "code": old_code });
        denied(&grant(app, with(moved)).await, "invalid_grant");
        for email in [ANN, moved] {
            auth(app, "reset-password", json!({ "email": email, "code": old_reset, "password": NEXT }))
                .await
                .refused(401, "INVALID_CREDENTIALS");
        }
        let id = |answer: &Answer| tokens(answer)["user"]["id"].clone();
        let own = json!(ann.account.get().to_string());
        assert_eq!(id(&knock(app, Mail, moved, ("", None)).await), own);
        // Whoever has the old mailbox gets an account of its own.
        app.mails(ANN).await;
        assert_ne!(id(&knock(app, Mail, ANN, ("", None)).await), own);
        assert!(opens(app, &session).await && opens(app, &ann.key).await);
    });
}

/// What a key has spent, also after its end.
async fn spent(app: &TestApp<'_>, made: &Value) -> i64 {
    let id: i64 = text(made, "id").parse().unwrap();
    let statement = Statement::new("TEST_SPENT", "SELECT spent FROM api_keys WHERE id = $1");
    app.read(move |tx| tx.query_one(&statement, &[id.into()])?.unwrap().int("spent")).await
}

#[test]
fn each_credential_buys_and_money_finds_its_way_back_past_a_revoked_key() {
    in_sandbox(async |app| {
        let ann = person(app, ANN).await;
        app.give(&ann, numberotp_core::ledger::Purse::Granted, 1_000).await;
        let phone = device(app, ANN, PASSWORD).await;
        buy(app, text(&phone, "access_token")).ok().await;
        let answer = auth(app, "sign-in", json!({ "email": ANN, "password": PASSWORD })).await;
        answer.ok();
        let cookie = answer.header("set-cookie").split("; ").next().unwrap().to_owned();
        let by_cookie = || app.post(RENT).header("cookie", &cookie).json(&telegram());
        by_cookie().refused(403, "CSRF_REFUSED").await;
        let own = app.context().sign_in.public_url.clone();
        by_cookie().header("origin", &own).ok().await;

        let wish = json!({ "name": "CI", "spend_cap": "0.10" });
        let session = come_in(app, Site, ANN, PASSWORD).await;
        let made = app.post(KEYS).bearer(&session).json(&wish).ok().await["data"].clone();
        let key = text(&made, "key");
        let canceled = text(&buy(app, key).ok().await["data"], "id").to_owned();
        let silent = json!({ "service": "telegram", "country": "US", "operator": "silent" });
        app.post(RENT).bearer(key).json(&silent).ok().await;
        buy(app, key).refused(403, "KEY_SPEND_CAP").await;
        assert_eq!((spent(app, &made).await, purses(app, &ann).await), (100_000, (600, 0.0)));

        let revoke = app.ask(Method::DELETE, KEYS).bearer(&session).json(&json!({ "id": made["id"] }));
        revoke.ok().await;
        app.post(&at(&canceled, "cancel")).bearer(key).refused(401, "UNAUTHORIZED").await;
        app.post(&at(&canceled, "cancel")).bearer(&session).ok().await;
        assert_eq!((spent(app, &made).await, purses(app, &ann).await), (50_000, (700, 0.0)));
        // No message came to the other: its money comes back by the clock.
        app.live(20 * 60 + 5).await;
        assert_eq!((spent(app, &made).await, purses(app, &ann).await), (0, (800, 0.0)));
        app.audit().await;
    });
}
