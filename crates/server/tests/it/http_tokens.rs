//! Who may come in. Each kind of credential opens what it should and nothing else, until it is revoked, expired,
//! or changed by one character; and a credential that lacks a scope is told which.

use crate::http_stage::{RENT, at, deliver, purses, rent, telegram, text};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use numberotp_core::caller::Scopes;
use numberotp_core::time::Span;
use numberotp_server::app::auth::{JWT_LIFE, KNOWN_FOR, SESSION_LIFE, api_key_make, session_make};
use numberotp_server::app::known::look_again;
use numberotp_server::app::uses;
use numberotp_server::store::db::{Access, Connection};
use numberotp_testkit::app::{Customer, Setup, TestApp, in_sandbox, with_app};
use serde_json::{Value, json};

const BALANCE: &str = "/api/internal/balance";

/// Runs SQL beside the app, as an operator with a database client does.
fn tamper(app: &TestApp<'_>, sql: &str) {
    let mut connection = Connection::open(app.database().engine(), Access::Write).unwrap();
    connection.ensure().unwrap();
    connection.script(sql).unwrap();
}

/// [`tamper`] off the runtime's thread, which PostgreSQL's driver needs.
pub async fn beside(app: &TestApp<'_>, sql: &str) {
    std::thread::scope(|scope| scope.spawn(|| tamper(app, sql)).join().unwrap());
}

async fn opens(app: &TestApp<'_>, token: &str) {
    app.get(BALANCE).bearer(token).ok().await;
}

async fn is_shut_out(app: &TestApp<'_>, token: &str) {
    let answer = app.get(BALANCE).bearer(token).send().await;
    answer.refused(401, "UNAUTHORIZED");
    assert_eq!(answer.header("www-authenticate"), "Bearer");
    assert!(token.len() < 8 || !answer.text().contains(token), "a refusal repeats the token");
}

#[test]
fn each_kind_of_credential_buys_and_reads_the_same_account() {
    in_sandbox(async |app| {
        let customer = app.account(300, 0).await;
        let tokens = [customer.key.clone(), app.session(&customer).await, app.jwt(&customer).await];
        for (bought, token) in (1..).zip(&tokens) {
            let rented = app.post(RENT).bearer(token).json(&telegram()).ok().await;
            assert_eq!(rented["remainingCredits"], 300 - 100 * bought);
            for other in &tokens {
                app.get(&at(text(&rented["data"], "id"), "")).bearer(other).ok().await;
            }
        }
    });
}

#[test]
fn the_header_is_read_as_its_standard_says_and_no_further() {
    in_sandbox(async |app| {
        let customer = app.account(0, 0).await;
        let key = &customer.key;
        for header in [format!("bearer {key}"), format!("BEARER {key}"), format!("Bearer   {key} ")] {
            app.get(BALANCE).header("authorization", &header).ok().await;
        }
        for header in [
            key.clone(),
            format!("Basic {key}"),
            format!("Token {key}"),
            format!("Bearer{key}"),
            format!("Bearer {key} {key}"),
            format!("Bearer {key},"),
            format!("Bearer \"{key}\""),
            "Bearer".to_owned(),
            "Bearer ".to_owned(),
            String::new(),
        ] {
            app.get(BALANCE).header("authorization", &header).refused(401, "UNAUTHORIZED").await;
        }
        // A key in an address would stand in every log on the way.
        app.get(&format!("{BALANCE}?api_key={key}&token={key}&access_token={key}"))
            .refused(401, "UNAUTHORIZED")
            .await;
        app.get(BALANCE).header("x-api-key", key).refused(401, "UNAUTHORIZED").await;
        app.get(BALANCE).header("cookie", &format!("session={key}")).refused(401, "UNAUTHORIZED").await;
    });
}

/// A token with one character changed.
fn with_a_typo(token: &str, position: usize) -> String {
    let mut letters: Vec<char> = token.chars().collect();
    letters[position] = if letters[position] == 'x' { 'y' } else { 'x' };
    letters.into_iter().collect()
}

#[test]
fn a_key_opens_until_it_is_revoked_and_never_with_a_typo() {
    in_sandbox(async |app| {
        let customer = app.account(0, 0).await;
        opens(app, &customer.key).await;
        for position in 0..customer.key.len() {
            is_shut_out(app, &with_a_typo(&customer.key, position)).await;
        }
        // Well-formed, with a right checksum, and nobody's.
        let account = app
            .read(move |tx| numberotp_server::store::account::account_get(tx, customer.account))
            .await
            .unwrap();
        let (foreign, _unstored) = api_key_make(&account, "nobody's", Scopes::ALL, app.now()).unwrap();
        is_shut_out(app, foreign.expose()).await;
        for odd in [
            customer.key.split_at(20).0,
            &format!("{}0", customer.key),
            &customer.key.to_uppercase(),
            "notp_",
            "x",
            "a.b",
            "a.b.c.d",
            "a.b.c.d.e",
            "..",
            "💥",
        ] {
            if odd.is_ascii() {
                is_shut_out(app, odd).await;
            }
        }
        app.advance(Span::hours(24 * 3_650));
        opens(app, &customer.key).await;
        beside(app, "UPDATE api_keys SET revoked_at = 1 WHERE name = 'test'").await;
        app.advance(KNOWN_FOR.minus(Span::micros(1)));
        opens(app, &customer.key).await;
        app.advance(Span::micros(1));
        is_shut_out(app, &customer.key).await;
    });
}

/// A key that its program uses all the time is looked up beside its requests: none of them waits for that, and a look that
/// finds the key revoked counts at once.
#[test]
fn a_key_in_use_is_looked_up_beside_its_requests() {
    in_sandbox(async |app| {
        let customer = app.account(0, 0).await;
        for _found_and_then_known in 0..2 {
            opens(app, &customer.key).await;
        }
        app.advance(Span::millis(500));
        look_again(app.context()).await.unwrap();
        beside(app, "UPDATE api_keys SET revoked_at = 1 WHERE name = 'test'").await;
        app.advance(KNOWN_FOR.minus(Span::micros(1)));
        opens(app, &customer.key).await;
        look_again(app.context()).await.unwrap();
        is_shut_out(app, &customer.key).await;
    });
}

#[test]
fn a_session_opens_until_it_expires_or_is_revoked() {
    in_sandbox(async |app| {
        let customer = app.account(0, 0).await;
        let session = app.session(&customer).await;
        opens(app, &session).await;
        for position in (0..session.len()).step_by(5) {
            is_shut_out(app, &with_a_typo(&session, position)).await;
        }
        is_shut_out(app, session_make().unwrap().expose()).await;
        app.advance(SESSION_LIFE);
        is_shut_out(app, &session).await;

        let another = app.session(&customer).await;
        opens(app, &another).await;
        beside(app, "UPDATE sessions SET revoked_at = 1").await;
        app.advance(KNOWN_FOR);
        is_shut_out(app, &another).await;
    });
}

#[test]
fn a_session_lasts_to_its_last_moment() {
    in_sandbox(async |app| {
        let customer = app.account(0, 0).await;
        let session = app.session(&customer).await;
        let ends = app.now().plus(SESSION_LIFE);
        // Used every day, to the last.
        for _ in 1..30 {
            app.advance(Span::hours(24));
            opens(app, &session).await;
            uses::write(app.context()).await.unwrap();
        }
        app.advance(ends.since(app.now()).minus(Span::micros(1)));
        opens(app, &session).await;
        app.advance(Span::micros(1));
        is_shut_out(app, &session).await;
    });
}

/// A token signed with the app's own key.
fn signed(app: &TestApp<'_>, algorithm: Algorithm, claims: &Value) -> String {
    let key = EncodingKey::from_secret(app.context().jwt_key.expose());
    encode(&Header::new(algorithm), claims, &key).unwrap()
}

/// The claims of a good token.
fn claims(app: &TestApp<'_>, customer: &Customer) -> Value {
    let now = app.now().unix_seconds();
    let sub = customer.account.get().to_string();
    json!({ "sub": sub, "sid": "0", "aud": "numberotp", "brand": 1, "iat": now, "exp": now + 900 })
}

/// The session that a token was made for.
fn session_of(token: &str) -> Value {
    let body = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice::<Value>(&body).unwrap()["sid"].clone()
}

fn with(claims: &Value, field: &str, value: Value) -> Value {
    let mut changed = claims.clone();
    changed[field] = value;
    changed
}

fn without(claims: &Value, field: &str) -> Value {
    let mut changed = claims.clone();
    changed.as_object_mut().unwrap().remove(field);
    changed
}

/// A part of a token.
fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

#[test]
fn a_jwt_is_ours_for_us_and_fresh_or_nothing() {
    in_sandbox(async |app| {
        let customer = app.account(100, 0).await;
        let other = app.account(0, 0).await;
        let good = with(&claims(app, &customer), "sid", session_of(&app.jwt(&customer).await));
        opens(app, &signed(app, Algorithm::HS256, &good)).await;

        let account = customer.account.get();
        let bad_claims = [
            with(&good, "aud", json!("another")),
            with(&good, "aud", json!("")),
            without(&good, "aud"),
            without(&good, "exp"),
            without(&good, "sub"),
            without(&good, "sid"),
            with(&good, "sid", json!("0")),
            with(&good, "sid", json!("999999999")),
            with(&good, "sid", session_of(&app.jwt(&other).await)),
            without(&good, "brand"),
            with(&good, "exp", json!(app.now().unix_seconds())),
            with(&good, "exp", json!("tomorrow")),
            with(&good, "exp", json!(null)),
            with(&good, "sub", json!("0")),
            with(&good, "sub", json!("-1")),
            with(&good, "sub", json!("customer@example.com")),
            with(&good, "sub", json!(account)),
            with(&good, "sub", json!("999999999")),
        ];
        for claims in &bad_claims {
            is_shut_out(app, &signed(app, Algorithm::HS256, claims)).await;
            app.post(RENT)
                .bearer(&signed(app, Algorithm::HS256, claims))
                .json(&telegram())
                .refused(401, "UNAUTHORIZED")
                .await;
        }
        for algorithm in [Algorithm::HS384, Algorithm::HS512] {
            is_shut_out(app, &signed(app, algorithm, &good)).await;
        }
        let foreign = EncodingKey::from_secret(b"another server's key, 32 bytes..");
        is_shut_out(app, &encode(&Header::new(Algorithm::HS256), &good, &foreign).unwrap()).await;
        assert_eq!(purses(app, &customer).await, (100, 0.0));
    });
}

#[test]
fn a_jwt_without_its_own_signature_is_nothing() {
    in_sandbox(async |app| {
        let (customer, other) = (app.account(0, 0).await, app.account(0, 0).await);
        let token = app.jwt(&customer).await;
        opens(app, &token).await;
        let parts: Vec<&str> = token.split('.').collect();
        let stolen = part(&claims(app, &other));
        for none in ["none", "None", "NONE", "nOnE"] {
            let header = part(&json!({ "alg": none, "typ": "JWT" }));
            is_shut_out(app, &format!("{header}.{stolen}.")).await;
            is_shut_out(app, &format!("{header}.{stolen}.{}", parts[2])).await;
        }
        for algorithm in ["RS256", "ES256", "PS256", "EdDSA", "HS512", "HS256 ", ""] {
            let header = part(&json!({ "alg": algorithm, "typ": "JWT" }));
            is_shut_out(app, &format!("{header}.{}.{}", parts[1], parts[2])).await;
        }
        // A key that comes with the token proves nothing.
        let own_key = part(&json!({ "alg": "HS256", "jwk": { "kty": "oct", "k": part(&json!("x")) } }));
        is_shut_out(app, &format!("{own_key}.{}.{}", parts[1], parts[2])).await;
        is_shut_out(app, &format!("{}.{stolen}.{}", parts[0], parts[2])).await;
        is_shut_out(app, &format!("{}.{}.{}", parts[0], parts[1], "A".repeat(43))).await;
        is_shut_out(app, &format!("{}.{}.{}=", parts[0], parts[1], parts[2])).await;
        for position in (0..token.len() - 1).step_by(7) {
            is_shut_out(app, &with_a_typo(&token, position)).await;
        }
    });
}

#[test]
fn a_jwt_expires_by_the_apps_clock() {
    in_sandbox(async |app| {
        let customer = app.account(0, 0).await;
        let token = app.jwt(&customer).await;
        app.advance(Span::micros(JWT_LIFE.as_micros() - 1));
        opens(app, &token).await;
        app.advance(Span::micros(1));
        is_shut_out(app, &token).await;
    });
}

#[test]
fn the_sandboxs_published_key_opens_no_other_database() {
    with_app(Setup::production(), async |app| {
        let demo = numberotp_server::app::demo::api_key();
        is_shut_out(app, demo.expose()).await;
        opens(app, &app.account(0, 0).await.key).await;
    });
}

#[test]
fn a_credential_does_what_its_scopes_say() {
    in_sandbox(async |app| {
        let customer = app.account(300, 0).await;
        let key = async |scopes: &str| app.key(&customer, Scopes::parse(scopes).unwrap()).await;
        let (reads, buys, tops_up) = (key("read").await, key("buy").await, key("topup").await);
        let id = rent(app, &customer).await;
        let routes = [
            ("read", "GET", BALANCE.to_owned()),
            ("read", "POST", BALANCE.to_owned()),
            ("read", "GET", "/api/internal/transactions".to_owned()),
            ("read", "GET", "/api/user/profile".to_owned()),
            ("read", "GET", "/api/internal/rents".to_owned()),
            ("read", "GET", at(&id, "")),
            ("read", "GET", at(&id, "wait")),
            ("buy", "PATCH", "/api/user/profile".to_owned()),
            ("buy", "POST", RENT.to_owned()),
            ("buy", "POST", at(&id, "cancel")),
            ("buy", "DELETE", at(&id, "")),
            ("buy", "POST", at(&id, "finish")),
            ("buy", "POST", at(&id, "resend")),
        ];
        deliver(app, &id, "m1", "Telegram code: 48291").await;
        let before = purses(app, &customer).await;
        for (scope, method, path) in &routes {
            let method: Method = method.parse().unwrap();
            let lacking = if *scope == "read" { &buys } else { &reads };
            for token in [lacking, &tops_up] {
                let ask = app.ask(method.clone(), path).bearer(token).json(&telegram());
                let refused = ask.refused(403, "INSUFFICIENT_SCOPE").await;
                assert!(
                    text(&refused, "error").contains(&format!("`{scope}`")),
                    "{method} {path}: {refused}"
                );
            }
        }
        assert_eq!(purses(app, &customer).await, before, "a refusal moves nothing");
        for (scope, method, path) in &routes {
            let holder = if *scope == "read" { &reads } else { &buys };
            let answer = app.ask(method.parse().unwrap(), path).bearer(holder).json(&telegram()).send().await;
            assert_ne!(answer.status, 403, "{method} {path}: {}", answer.text());
        }
    });
}
