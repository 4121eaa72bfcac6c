//! Who may call what: every route of the document, for everybody who should be kept out or in. A route that has no row
//! here fails the test, and so does a row that has no route.
//!
//! `nobody` shows no credential; `other` is another customer with all scopes; `lacking` is the owner's key without the
//! scope that the route needs, or a key with all of them where a person is needed; `suspended` is the owner of the same
//! things, stopped over abuse; `revoked` is the owner's key that was revoked, `expired` its session past its end.

use crate::http_stage::{rent, telegram};
use http::Method;
use numberotp_core::caller::{Scopes, Standing};
use numberotp_server::app::auth::{KNOWN_FOR, SESSION_LIFE};
use numberotp_server::config::Mode;
use numberotp_server::http::document;
use numberotp_server::store::db::{Access, Connection};
use numberotp_testkit::app::{Customer, Setup, TestApp, with_app};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::SocketAddr;

/// Status by route and caller. Where everybody is let in, a bad credential is no reason to be kept out.
#[rustfmt::skip]
const ROWS: &[(&str, &str, [u16; 6])] = &[
    //                                            nobody other lacking suspended revoked expired
    ("GET",    "/api/public/prices",                [200, 200, 200, 200, 200, 200]),
    ("GET",    "/api/public/rent-prices",           [400, 400, 400, 400, 400, 400]),
    ("GET",    "/api/public/services",              [200, 200, 200, 200, 200, 200]),
    ("GET",    "/api/public/countries",             [200, 200, 200, 200, 200, 200]),
    ("GET",    "/api/public/operators",             [200, 200, 200, 200, 200, 200]),
    ("POST",   "/api/internal/rent",                [401, 200, 403, 403, 401, 401]),
    ("GET",    "/api/internal/rents",               [401, 200, 403, 403, 401, 401]),
    ("GET",    "/api/internal/rent/{id}",           [401, 404, 403, 403, 401, 401]),
    ("DELETE", "/api/internal/rent/{id}",           [401, 404, 403, 403, 401, 401]),
    ("GET",    "/api/internal/rent/{id}/wait",      [401, 404, 403, 403, 401, 401]),
    ("POST",   "/api/internal/rent/{id}/cancel",    [401, 404, 403, 403, 401, 401]),
    ("POST",   "/api/internal/rent/{id}/finish",    [401, 404, 403, 403, 401, 401]),
    ("POST",   "/api/internal/rent/{id}/resend",    [401, 404, 403, 403, 401, 401]),
    ("GET",    "/api/internal/balance",             [401, 200, 403, 200, 401, 401]),
    ("POST",   "/api/internal/balance",             [401, 200, 403, 200, 401, 401]),
    ("GET",    "/api/internal/transactions",        [401, 200, 403, 200, 401, 401]),
    ("GET",    "/api/user/profile",                 [401, 200, 403, 200, 401, 401]),
    ("PATCH",  "/api/user/profile",                 [401, 200, 403, 403, 401, 401]),
    ("POST",   "/api/auth/sign-up",                [400, 400, 400, 400, 400, 400]),
    ("POST",   "/api/auth/verify-email",           [400, 400, 400, 400, 400, 400]),
    ("POST",   "/api/auth/resend-code",            [400, 400, 400, 400, 400, 400]),
    ("POST",   "/api/auth/sign-in",                [400, 400, 400, 400, 400, 400]),
    ("POST",   "/api/auth/forgot-password",        [400, 400, 400, 400, 400, 400]),
    ("POST",   "/api/auth/reset-password",         [400, 400, 400, 400, 400, 400]),
    ("POST",   "/api/auth/confirm-password",       [401, 401, 403, 401, 401, 401]),
    ("POST",   "/api/auth/change-password",        [401, 401, 403, 401, 401, 401]),
    ("POST",   "/api/auth/change-email",           [401, 401, 403, 401, 401, 401]),
    ("POST",   "/api/auth/confirm-email",          [401, 401, 403, 401, 401, 401]),
    ("POST",   "/api/auth/totp/start",             [401, 401, 403, 401, 401, 401]),
    ("POST",   "/api/auth/totp/confirm",           [401, 409, 403, 409, 401, 401]),
    ("POST",   "/api/auth/totp/disable",           [401, 401, 403, 401, 401, 401]),
    ("GET",    "/v1/user/sessions",                 [401, 200, 403, 200, 401, 401]),
    ("DELETE", "/v1/user/sessions",                 [401, 404, 403, 404, 401, 401]),
    ("GET",    "/v1/me",                            [401, 200, 403, 200, 401, 401]),
    ("GET",    "/device",                           [200, 200, 200, 200, 200, 200]),
    ("POST",   "/device",                           [200, 200, 200, 200, 200, 200]),
    ("POST",   "/v1/oauth/token",                   [400, 400, 400, 400, 400, 400]),
    ("POST",   "/v1/oauth/revoke",                  [200, 200, 200, 200, 200, 200]),
    ("POST",   "/v1/oauth/email-code",              [200, 200, 200, 200, 200, 200]),
    ("POST",   "/v1/oauth/device/code",             [200, 200, 200, 200, 200, 200]),
    ("GET",    "/v1/oauth/device",                  [401, 400, 403, 400, 401, 401]),
    ("POST",   "/v1/oauth/device",                  [401, 404, 403, 403, 401, 401]),
    ("GET",    "/v1/user/apikeys",                  [401, 200, 403, 200, 401, 401]),
    ("POST",   "/v1/user/apikeys",                  [401, 200, 403, 403, 401, 401]),
    ("DELETE", "/v1/user/apikeys",                  [401, 404, 403, 404, 401, 401]),
    ("GET",    "/admin/api/accounts",                       [401, 403, 403, 403, 401, 401]),
    ("GET",    "/admin/api/accounts/{id}",                  [401, 403, 403, 403, 401, 401]),
    ("POST",   "/admin/api/accounts/{id}/standing",         [401, 403, 403, 403, 401, 401]),
    ("POST",   "/admin/api/accounts/{id}/adjust",           [401, 403, 403, 403, 401, 401]),
    ("GET",    "/admin/api/accounts/{id}/sessions",         [401, 403, 403, 403, 401, 401]),
    ("DELETE", "/admin/api/accounts/{id}/sessions",         [401, 403, 403, 403, 401, 401]),
    ("GET",    "/admin/api/acts",                           [401, 403, 403, 403, 401, 401]),
    ("POST",   "/api/webhooks/sms/{provider}",      [404, 404, 404, 404, 404, 404]),
    ("GET",    "/healthz",                          [200, 200, 200, 200, 200, 200]),
    ("GET",    "/readyz",                           [200, 200, 200, 200, 200, 200]),
    ("GET",    "/metrics",                          [404, 404, 404, 404, 404, 404]),
    ("GET",    "/openapi.json",                     [200, 200, 200, 200, 200, 200]),
    ("GET",    "/docs",                             [200, 200, 200, 200, 200, 200]),
    ("GET",    "/docs/scripts/{file}",              [404, 404, 404, 404, 404, 404]),
    ("GET",    "/docs/errors",                      [200, 200, 200, 200, 200, 200]),
    ("GET",    "/docs/errors/{code}",               [404, 404, 404, 404, 404, 404]),
    ("POST",   "/sandbox/scenarios",                [401, 200, 403, 403, 401, 401]),
    ("GET",    "/sandbox/scenarios",                [401, 200, 403, 403, 401, 401]),
    ("DELETE", "/sandbox/scenarios",                [401, 200, 403, 403, 401, 401]),
    ("POST",   "/sandbox/clock",                    [401, 200, 403, 403, 401, 401]),
    ("GET",    "/sandbox/clock",                    [401, 200, 403, 403, 401, 401]),
    ("POST",   "/sandbox/messages",                 [401, 404, 403, 403, 401, 401]),
    // Last: it ends the very sessions that the rows above are asked with.
    ("POST",   "/api/auth/sign-out",               [401, 200, 403, 200, 401, 401]),
];

const CALLERS: [&str; 6] = ["nobody", "other", "lacking", "suspended", "revoked", "expired"];

/// Routes by method and path, as the document has them.
fn routes() -> BTreeSet<(String, String)> {
    let document = document(Mode::Sandbox);
    let paths = document["paths"].as_object().unwrap();
    let of = |path: &String, item: &Value| {
        let methods = item.as_object().unwrap().keys().map(|method| method.to_ascii_uppercase());
        methods.map(|method| (method, path.clone())).collect::<Vec<_>>()
    };
    paths.iter().flat_map(|(path, item)| of(path, item)).collect()
}

#[test]
fn every_route_has_its_row() {
    let rows: BTreeSet<_> =
        ROWS.iter().map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned())).collect();
    assert_eq!(rows.len(), ROWS.len(), "a route has two rows");
    let routes = routes();
    let without: Vec<_> = routes.difference(&rows).collect();
    assert!(without.is_empty(), "routes without a row: say who may call them: {without:?}");
    let stale: Vec<_> = rows.difference(&routes).collect();
    assert!(stale.is_empty(), "rows without a route: {stale:?}");
}

/// Somebody with a rent of its own, and what it shows.
struct Owner {
    customer: Customer,
    session: String,
    rent: String,
}

async fn owner(app: &TestApp<'_>) -> Owner {
    let customer = app.account(10_000, 0).await;
    let rent = rent(app, &customer).await;
    Owner { session: app.session(&customer).await, customer, rent }
}

/// What a route is asked with, so that only the credential can be wrong.
fn body(method: &str, path: &str) -> Value {
    match (method, path) {
        ("POST", "/api/internal/rent") => telegram(),
        ("PATCH", "/api/user/profile") => json!({ "name": "Ann" }),
        ("POST", "/api/auth/change-password") => {
            json!({ "currentPassword": "grey otter 7", "newPassword": "grey otter 8" })
        }
        ("POST", "/api/auth/change-email") => {
            json!({ "newEmail": "a@example.com", "password": "grey otter 7" })
        }
        ("POST", "/api/auth/confirm-email" | "/api/auth/totp/confirm") => json!({ "code": "123456" }),
        ("POST", "/api/auth/totp/start" | "/api/auth/confirm-password") => {
            json!({ "password": "grey otter 7" })
        }
        ("POST", "/api/auth/totp/disable") => json!({ "password": "grey otter 7", "code": "123456" }),
        ("POST", "/v1/user/apikeys") => json!({ "name": "CI" }),
        ("DELETE", "/v1/user/sessions" | "/v1/user/apikeys") => json!({ "id": "999999999" }),
        ("POST", "/v1/oauth/email-code") => json!({ "email": "new@example.com" }),
        ("POST", "/v1/oauth/device") => json!({ "user_code": "BBBB-BBBB", "action": "deny" }),
        ("POST", "/sandbox/scenarios") => json!({ "scenario": "silent" }),
        ("POST", "/sandbox/clock") => json!({ "advance": "1s" }),
        ("POST", "/sandbox/messages") => json!({ "to": "+12025550100", "text": "Telegram code: 12345" }),
        _ => json!({}),
    }
}

async fn beside(app: &TestApp<'_>, sql: &str) {
    let change = || {
        let mut connection = Connection::open(app.database().engine(), Access::Write).unwrap();
        connection.ensure().unwrap();
        connection.script(sql).unwrap();
    };
    std::thread::scope(|scope| scope.spawn(change).join().unwrap());
}

#[test]
fn everybody_gets_what_the_row_says() {
    with_app(Setup::sandbox(), async |app| {
        let early = app.account(0, 0).await;
        let expired = app.session(&early).await;
        app.advance(SESSION_LIFE);
        let (ann, bob, eve) = (owner(app).await, owner(app).await, owner(app).await);
        let whole = app.key(&ann.customer, Scopes::ALL).await;
        let (reads, tops_up) =
            (app.key(&ann.customer, Scopes::parse("read").unwrap()).await, Scopes::parse("topup").unwrap());
        let tops_up = app.key(&ann.customer, tops_up).await;
        let revoked = app.key(&early, Scopes::ALL).await;
        beside(
            app,
            &format!("UPDATE api_keys SET revoked_at = 1 WHERE account_id = {}", early.account.get()),
        )
        .await;
        app.set_standing(&eve.customer, Standing::Suspended).await;
        app.advance(KNOWN_FOR);
        let mut wrong = Vec::new();
        for (number, (method, path, expected)) in (1_u16..).zip(ROWS) {
            let document = document(Mode::Sandbox);
            let described = &document["paths"][path][method.to_ascii_lowercase()]["description"];
            let person = described.as_str().is_some_and(|text| text.contains("signed-in person"));
            let reading = described.as_str().is_some_and(|text| text.contains("scope `read`"));
            let lacking = match (person, reading) {
                (true, _) => &whole,
                (false, true) => &tops_up,
                (false, false) => &reads,
            };
            let tokens =
                [None, Some(&bob.session), Some(lacking), Some(&eve.session), Some(&revoked), Some(&expired)];
            let got = ask(app, (number, method, path), (&ann, &eve), tokens).await;
            if got != *expected {
                wrong.push(format!("{method} {path}: {got:?} instead of {expected:?}"));
            }
        }
        assert!(wrong.is_empty(), "for {CALLERS:?}:\n{}", wrong.join("\n"));
    });
}

async fn ask(
    app: &TestApp<'_>,
    (number, method, path): (u16, &str, &str),
    (ann, eve): (&Owner, &Owner),
    tokens: [Option<&String>; 6],
) -> [u16; 6] {
    let mut got = [0; 6];
    for (place, (caller, token)) in CALLERS.iter().zip(tokens).enumerate() {
        let rent = if *caller == "suspended" { &eve.rent } else { &ann.rent };
        let address = path.replace("{id}", rent).replace("{provider}", "nobody");
        let address = address.replace("{code}", "X").replace("{file}", "x");
        // A network each, so that no limit speaks first.
        let from = SocketAddr::from(([10, 1, u8::try_from(number).unwrap(), 1], 40_000));
        let ask = app.ask(Method::from_bytes(method.as_bytes()).unwrap(), &address).from(from);
        let ask = if *method == *"GET" { ask } else { ask.json(&body(method, path)) };
        let ask = match token {
            Some(token) => ask.bearer(token),
            None => ask,
        };
        got[place] = ask.send().await.status;
    }
    got
}
