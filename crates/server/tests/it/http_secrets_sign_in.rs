//! What people and programs come in with is nowhere but with them: not in the log, not in the database in clear, not in a
//! refusal, not in an address. Everybody comes in by every way there is, and is refused at each of them too.

use crate::http_secrets::dump;
use crate::http_secrets_watch::{Ears, Haystack, Watch};
use crate::http_sign_in::seed_of;
use crate::http_stage::text;
use crate::http_trace::alone_as;
use http::Method;
use numberotp_core::time::Span;
use numberotp_core::totp;
use numberotp_server::app::auth::JWT_LIFE;
use numberotp_server::config::ServeSettings;
use numberotp_server::store::refresh::GRACE;
use numberotp_testkit::app::{Answer, Setup, in_sandbox, with_app};
use numberotp_testkit::authjs::{v4, v5};
use numberotp_testkit::database::engines;
use serde_json::{Value, json};
use std::cell::Cell;

const ANN: &str = "ann@example.com";
const FIRST: &str = "planted heron 71";
const SECOND: &str = "planted magpie 82";
const THIRD: &str = "planted curlew 93";
const WRONG: &str = "planted cuckoo 04";
/// No code that is mailed, but for one in a million.
const GUESS: &str = "731946";
const PROFILE: &str = "/api/user/profile";
const TOKEN: &str = "/v1/oauth/token";
const KEYS: &str = "/v1/user/apikeys";
const BALANCE: &str = "/api/internal/balance";
const WEBSITE: &str = "the-planted-secret-of-the-website-0123456789";

fn out(answer: &Answer, field: &str) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let json = answer.json();
    text(json.get("data").unwrap_or(&json), field).to_owned()
}

async fn auth(watch: &Watch<'_>, token: &str, what: &str, body: Value) -> Answer {
    watch.post(&format!("/api/auth/{what}"), token, body).await
}

async fn refused(watch: &Watch<'_>, token: &str, what: &str, body: Value) {
    auth(watch, token, what, body).await.refused(401, "INVALID_CREDENTIALS");
}

async fn sign_in(watch: &Watch<'_>, password: &str) -> String {
    let body = json!({ "email": ANN, "password": password, "transport": "bearer" });
    out(&auth(watch, "", "sign-in", body).await, "token")
}

/// Signs up, and proves the address at the third attempt.
async fn sign_up(watch: &Watch<'_>) {
    let wish = json!({ "email": ANN, "password": FIRST, "name": "Ann" });
    auth(watch, "", "sign-up", json!({ "email": ANN, "password": "Whimbr1" }))
        .await
        .refused(400, "INVALID_PARAMETER");
    auth(watch, "", "sign-up", wish).await.ok();
    let code = watch.mailed(ANN).await;
    refused(watch, "", "verify-email", json!({ "email": ANN, "code": GUESS })).await;
    auth(watch, "", "verify-email", json!({ "email": ANN, "code": code })).await.ok();
    refused(watch, "", "verify-email", json!({ "email": ANN, "code": code })).await;
    auth(watch, "", "sign-up", json!({ "email": ANN, "password": WRONG })).await.ok();
    watch.mailed(ANN).await;
}

/// In by a token and by a cookie, and out again.
async fn come_and_go(watch: &Watch<'_>) {
    refused(watch, "", "sign-in", json!({ "email": ANN, "password": WRONG })).await;
    let token = sign_in(watch, FIRST).await;
    watch.get(PROFILE, &token).await.ok();
    watch.get(PROFILE, &format!("{token}x")).await.refused(401, "UNAUTHORIZED");
    refused(watch, &token, "confirm-password", json!({ "password": WRONG })).await;
    auth(watch, &token, "confirm-password", json!({ "password": FIRST })).await.ok();
    let answer = auth(watch, "", "sign-in", json!({ "email": ANN, "password": FIRST })).await;
    answer.ok();
    let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
    let with = |cookie: &str| watch.app.get(PROFILE).header("cookie", cookie);
    watch.send("GET profile by cookie", with(&cookie)).await.ok();
    watch.send("GET profile by a bad cookie", with(&format!("{cookie}x"))).await.refused(401, "UNAUTHORIZED");
    let leave = || watch.app.post("/api/auth/sign-out").header("cookie", &cookie).json(&json!({}));
    watch.send("POST sign-out from elsewhere", leave()).await.refused(403, "CSRF_REFUSED");
    let own = &watch.app.context().sign_in.public_url;
    watch.send("POST sign-out", leave().header("origin", own)).await.ok();
    auth(watch, &token, "sign-out", json!({})).await.ok();
    watch.get(PROFILE, &token).await.refused(401, "UNAUTHORIZED");
}

/// Forgets the password, changes it, and changes the address.
async fn change_everything(watch: &Watch<'_>) {
    watch.app.advance(Span::minutes(1));
    auth(watch, "", "forgot-password", json!({ "email": ANN })).await.ok();
    let code = watch.mailed(ANN).await;
    let reset = |code: &str, password: &str| json!({ "email": ANN, "code": code, "password": password });
    auth(watch, "", "reset-password", reset(&code, "password123")).await.refused(400, "INVALID_PARAMETER");
    refused(watch, "", "reset-password", reset(GUESS, SECOND)).await;
    auth(watch, "", "reset-password", reset(&code, SECOND)).await.ok();
    refused(watch, "", "reset-password", reset(&code, THIRD)).await;

    let token = sign_in(watch, SECOND).await;
    let change = |now: &str| json!({ "currentPassword": now, "newPassword": THIRD });
    refused(watch, &token, "change-password", change(WRONG)).await;
    auth(watch, &token, "change-password", change(SECOND)).await.ok();

    let to = |password: &str| json!({ "newEmail": "new@example.com", "password": password });
    refused(watch, &token, "change-email", to(WRONG)).await;
    auth(watch, &token, "change-email", to(THIRD)).await.ok();
    let code = watch.mailed("new@example.com").await;
    refused(watch, &token, "confirm-email", json!({ "code": GUESS })).await;
    auth(watch, &token, "confirm-email", json!({ "code": code })).await.ok();
    watch.mailed(ANN).await;
}

/// Has a second factor, uses it and its recovery codes, and takes it away.
async fn second_factor(watch: &Watch<'_>, token: &str) {
    refused(watch, token, "totp/start", json!({ "password": WRONG })).await;
    let secret = out(&auth(watch, token, "totp/start", json!({ "password": FIRST })).await, "secret");
    watch.plant("secret", &secret);
    let seed = seed_of(&secret);
    let now = || totp::code(&seed, totp::step(watch.app.now()));
    refused(watch, token, "totp/confirm", json!({ "code": GUESS })).await;
    let done = auth(watch, token, "totp/confirm", json!({ "code": now() })).await.ok();
    let recovery: Vec<String> = serde_json::from_value(done["data"]["recoveryCodes"].clone()).unwrap();
    let with = async |code: &str| {
        auth(
            watch,
            "",
            "sign-in",
            json!({ "email": ANN, "password": FIRST, "totp": code, "transport": "bearer" }),
        )
        .await
    };
    let body = json!({ "email": ANN, "password": FIRST });
    auth(watch, "", "sign-in", body).await.refused(401, "TOTP_REQUIRED");
    with(&now()).await.refused(401, "INVALID_CREDENTIALS");
    watch.app.advance(Span::seconds(30));
    with(&now()).await.ok();
    with(&recovery[0]).await.ok();
    with(&recovery[0]).await.refused(401, "INVALID_CREDENTIALS");
    let off = |code: &str| json!({ "password": FIRST, "code": code });
    refused(watch, token, "totp/disable", off("AAAAAAAA-PLANTED2")).await;
    auth(watch, token, "totp/disable", off(&recovery[1])).await.ok();
}

/// A program has tokens for a password and for a mailed code, exchanges them, and loses them.
async fn programs(watch: &Watch<'_>) {
    let ask = async |body: Value| watch.post(TOKEN, "", body).await;
    let by_password =
        |password: &str| json!({ "grant_type": "password", "email": ANN, "password": password });
    assert_eq!(ask(by_password(WRONG)).await.status, 400);
    let given = ask(by_password(FIRST)).await;
    let (access, old) = (out(&given, "access_token"), out(&given, "refresh_token"));
    watch.get(BALANCE, &access).await.ok();
    watch.get(BALANCE, &format!("{access}x")).await.refused(401, "UNAUTHORIZED");
    let exchange = |token: &str| json!({ "grant_type": "refresh_token", "refresh_token": token });
    let next = out(&ask(exchange(&old)).await, "refresh_token");
    assert_eq!(out(&ask(exchange(&old)).await, "refresh_token"), next, "a lost answer is given again");
    watch.look_into_the_database();
    assert_eq!(ask(exchange(&format!("{next}x"))).await.status, 400);
    assert_eq!(ask(exchange(&access)).await.status, 400);
    watch.app.advance(GRACE);
    assert_eq!(ask(exchange(&old)).await.status, 400, "its family ends");
    assert_eq!(ask(exchange(&next)).await.status, 400);

    watch.app.advance(Span::minutes(1));
    watch.post("/v1/oauth/email-code", "", json!({ "email": ANN })).await.ok();
    let code = watch.mailed(ANN).await;
    let kind = "urn:numberotp:params:grant-type:email_code";
    let by_code = |code: &str| json!({ "grant_type": kind, "email": ANN, "code": code });
    assert_eq!(ask(by_code(GUESS)).await.status, 400);
    let given = ask(by_code(&code)).await;
    let (access, refresh) = (out(&given, "access_token"), out(&given, "refresh_token"));
    assert_eq!(ask(by_code(&code)).await.status, 400);
    assert_eq!(watch.post("/v1/oauth/revoke", "", json!({ "token": refresh })).await.status, 200);
    watch.get(BALANCE, &access).await.refused(401, "UNAUTHORIZED");
    watch.app.advance(JWT_LIFE);
    watch.get(BALANCE, &access).await.refused(401, "UNAUTHORIZED");
}

/// A device comes in by its code, once with a program's decision and once on the page.
async fn devices(watch: &Watch<'_>, session: &str) {
    let begin = || watch.post("/v1/oauth/device/code", "", json!({ "client": "cli" }));
    let poll = async |code: &str| {
        let kind = "urn:ietf:params:oauth:grant-type:device_code";
        watch.post(TOKEN, "", json!({ "grant_type": kind, "device_code": code })).await
    };
    let begun = begin().await;
    let (device, user) = (out(&begun, "device_code"), out(&begun, "user_code"));
    assert_eq!(poll(&device).await.status, 400, "not yet");
    assert_eq!(poll(&format!("{device}x")).await.status, 400);
    watch.plant("user_code", "BCDF-GHJK");
    watch.get("/v1/oauth/device?user_code=BCDF-GHJK", session).await.refused(404, "NOT_FOUND");
    watch.get(&format!("/v1/oauth/device?user_code={user}"), session).await.ok();
    let decide = json!({ "user_code": user, "action": "approve" });
    watch.post("/v1/oauth/device", session, decide.clone()).await.ok();
    watch.post("/v1/oauth/device", session, decide).await.refused(409, "INVALID_STATE");
    watch.app.advance(Span::seconds(10));
    out(&poll(&device).await, "access_token");
    assert_eq!(poll(&device).await.status, 400, "once");

    let begun = begin().await;
    let user = out(&begun, "user_code");
    let who = |password| [("email", ANN), ("password", password), ("user_code", user.as_str())];
    watch.form("/device", &who(WRONG)).await;
    let page = watch.form("/device", &who(FIRST)).await;
    let ticket = page.text().split("name=\"ticket\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    watch.form("/device", &[("ticket", &format!("{ticket}A")), ("action", "approve")]).await;
    watch.form("/device", &[("ticket", ticket), ("action", "approve")]).await;
    out(&poll(&out(&begun, "device_code")).await, "access_token");
}

/// A key is made, used, mistyped, shown from elsewhere, and deleted.
async fn keys(watch: &Watch<'_>, session: &str) {
    let made = watch.post(KEYS, session, json!({ "name": "CI", "networks": ["192.0.2.0/24"] })).await;
    let key = out(&made, "key");
    watch.get(BALANCE, &key).await.ok();
    watch.get(BALANCE, &format!("{key}x")).await.refused(401, "UNAUTHORIZED");
    let far = watch.app.get(BALANCE).bearer(&key).from("198.51.100.9:1".parse().unwrap());
    watch.send("GET balance from elsewhere", far).await.refused(401, "UNAUTHORIZED");
    watch.get(KEYS, session).await.ok();
    watch.get(KEYS, &key).await.refused(403, "SIGNED_IN_PERSON_REQUIRED");
    watch.change(Method::DELETE, KEYS, session, json!({ "id": made.json()["data"]["id"] })).await.ok();
    watch.get(BALANCE, &key).await.refused(401, "UNAUTHORIZED");
}

/// A visitor of the website comes with the website's session, as cookie and as token.
async fn visitors(watch: &Watch<'_>, email: &str) {
    watch.plant("website", WEBSITE);
    let now = watch.app.now().unix_seconds();
    let claims = json!({ "email": email, "sub": "usr_42", "iat": now, "exp": now + 3_600, "jti": "x" });
    let (older, newer) = ("next-auth.session-token", "__Secure-authjs.session-token");
    for (name, token) in [(older, v4(WEBSITE, &claims)), (newer, v5(WEBSITE, newer, &claims))] {
        watch.get(PROFILE, &token).await.ok();
        let cookie = |end: &str| watch.app.get(PROFILE).header("cookie", &format!("{name}={token}{end}"));
        watch.send("GET by a website's cookie", cookie("")).await.ok();
        watch.send("GET by a bad cookie of a website", cookie("x")).await.refused(401, "UNAUTHORIZED");
    }
}

/// What opens something is put where it does not belong: no refusal may be helpful about it.
async fn misplaced(watch: &Watch<'_>, session: &str, secret: &str) {
    watch.plant("token", secret);
    for (path, body) in [
        ("/api/auth/sign-in", json!({ "email": secret, "password": secret })),
        ("/api/auth/sign-in", json!({ "email": ANN, "password": { "is": secret } })),
        ("/api/auth/sign-in", json!({ "email": ANN, "password": FIRST, "transport": secret })),
        ("/api/auth/verify-email", json!({ "email": ANN, "code": [secret] })),
        ("/api/internal/rent", json!({ "service": secret, "country": secret })),
        (TOKEN, json!({ "grant_type": secret })),
        (TOKEN, json!({ "grant_type": "password", "email": secret, "password": secret })),
        ("/v1/oauth/device", json!({ "user_code": secret, "action": secret })),
        (KEYS, json!({ "name": "x", "scopes": [secret] })),
        (KEYS, json!({ "name": "x", "expires_at": secret })),
        (KEYS, json!({ "name": "x", "networks": [secret] })),
        (KEYS, json!({ "name": "x", secret: 1, "spend_cap": secret })),
    ] {
        let answer = watch.post(path, session, body).await;
        assert!(answer.status >= 400, "{path}: {}", answer.text());
    }
    let broken =
        watch.app.post("/api/auth/sign-in").body("application/json", format!("{{\"password\":{secret}"));
    watch.send("POST broken JSON", broken).await.refused(400, "INVALID_JSON");
    let nowhere = watch.app.get(&format!("/nowhere/{secret}?key={secret}"));
    watch.send("GET nowhere", nowhere).await.refused(404, "NOT_FOUND");
}

fn nothing_leaked(watch: &Watch<'_>, known: &str, kinds: &[&str]) {
    let noted = watch.kinds();
    assert!(kinds.iter().all(|kind| noted.contains(*kind)), "not all of it happened: {noted:?}");
    watch.nothing_is_repeated();
    watch.no_address_carries_any();
    watch.every_answer_is_kept_by_nobody();
    watch.nothing_is_kept(known);
}

#[test]
fn what_people_come_in_with_is_nowhere_but_with_them() {
    alone_as("http_secrets_sign_in::what_people_come_in_with_is_nowhere_but_with_them", people_come_in);
}

fn people_come_in() {
    let ears = Ears::listen();
    in_sandbox(async |app| {
        let watch = Watch::over(app, &ears);
        sign_up(&watch).await;
        come_and_go(&watch).await;
        change_everything(&watch).await;
        nothing_leaked(&watch, "new@example.com", &["password", "code", "mailed", "token", "cookie"]);
    });
}

#[test]
fn a_second_factor_is_known_to_its_owner_alone() {
    alone_as("http_secrets_sign_in::a_second_factor_is_known_to_its_owner_alone", a_second_factor);
}

fn a_second_factor() {
    let ears = Ears::listen();
    in_sandbox(async |app| {
        let watch = Watch::over(app, &ears);
        sign_up(&watch).await;
        let token = sign_in(&watch, FIRST).await;
        second_factor(&watch, &token).await;
        nothing_leaked(&watch, ANN, &["secret", "code", "totp", "recoveryCodes"]);
    });
}

fn beside_a_website(flags: &mut ServeSettings) {
    flags.authjs_secrets = Some(WEBSITE.to_owned());
}

#[test]
fn what_programs_come_in_with_is_nowhere_but_with_them() {
    alone_as("http_secrets_sign_in::what_programs_come_in_with_is_nowhere_but_with_them", programs_come_in);
}

fn programs_come_in() {
    let ears = Ears::listen();
    with_app(Setup::sandbox().flagged(beside_a_website), async |app| {
        let watch = Watch::over(app, &ears);
        sign_up(&watch).await;
        programs(&watch).await;
        let session = sign_in(&watch, FIRST).await;
        devices(&watch, &session).await;
        keys(&watch, &session).await;
        let visitor = app.account(0, 0).await;
        visitors(&watch, &visitor.email).await;
        misplaced(&watch, &session, "planted-in-a-field-of-something-else").await;
        misplaced(&watch, &session, &visitor.key).await;
        let kinds = [
            "access_token",
            "refresh_token",
            "device_code",
            "user_code",
            "ticket",
            "key",
            "mailed",
            "website",
        ];
        nothing_leaked(&watch, ANN, &kinds);
    });
}

#[test]
fn a_mailed_code_that_is_also_a_price_is_no_leak() {
    alone_as("http_secrets_sign_in::a_mailed_code_that_is_also_a_price_is_no_leak", a_price);
}

fn a_price() {
    let ears = Ears::listen();
    let prices = Cell::new(0);
    in_sandbox(async |app| {
        let rows = String::from_utf8_lossy(&dump(app)).into_owned();
        let six_digits = |cell: &&str| cell.len() == 6 && cell.bytes().all(|byte| byte.is_ascii_digit());
        let price = rows.split(',').find(six_digits);
        // SQLite keeps numbers in other bytes than text.
        prices.set(prices.get() + u32::from(price.is_some()));
        let watch = Watch::over(app, &ears);
        watch.plant("mailed", price.unwrap_or_default());
        watch.nothing_is_kept("sandbox");
    });
    assert!(prices.get() > 0 || engines().len() == 1, "on PostgreSQL a price looks like a code");
}

/// What the search takes for a leak, and what it does not.
#[test]
fn the_search_sees_a_secret_in_its_disguises_and_no_number_inside_of_another() {
    for leak in [
        "as planted heron 71.",
        "\\x706c616e746564206865726f6e203731",
        "[112, 108, 97, 110, 116, 101, 100, 32, 104, 101, 114, 111, 110, 32, 55, 49]",
    ] {
        assert!(Haystack::of(leak.as_bytes()).holds(FIRST.as_bytes()), "{leak}");
    }
    for leak in ["code=731946", "(1,731946,t)", "\"731946\"", "Your code:731946 ", "\\x373331393436"] {
        assert!(Haystack::of(leak.as_bytes()).holds(GUESS.as_bytes()), "{leak}");
    }
    for chance in ["took 1.731946s", "17319460", "\\x0a731946ff", "73194"] {
        assert!(!Haystack::of(chance.as_bytes()).holds(GUESS.as_bytes()), "{chance}");
    }
}
