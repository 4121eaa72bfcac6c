//! A browser sends its cookies with whatever any page makes it send. So a change that a cookie speaks for is made only
//! if a page that may do so sent it, whatever cookie that is and whatever it would change. And a form that signs somebody in
//! is read only if no page of another site sent it, cookie or none.

use crate::http_oauth::TOKEN;
use crate::http_stage::{RENT, at, purses, rent, telegram};
use http::Method;
use numberotp_core::caller::Role;
use numberotp_server::config::ServeSettings;
use numberotp_server::store::db::Statement;
use numberotp_testkit::app::{Ask, Customer, Setup, TestApp, with_app};
use numberotp_testkit::authjs::v5;
use serde_json::json;

const SECRET: &str = "the-secret-of-the-website-0123456789-0123";
const COOKIE: &str = "__Secure-authjs.session-token";
const HERE: &str = "https://otp.example.com";

fn over_tls(flags: &mut ServeSettings) {
    flags.authjs_secrets = Some(SECRET.to_owned());
    flags.public_url = Some(HERE.to_owned());
    flags.cors_origins = Some("https://www.example.com".to_owned());
}

fn plain(flags: &mut ServeSettings) {
    flags.authjs_secrets = Some(SECRET.to_owned());
}

/// The cookies of a person: the website's, and our own.
async fn cookies(app: &TestApp<'_>, customer: &Customer, own: &str) -> [String; 2] {
    let now = app.now().unix_seconds();
    let claims = json!({ "sub": "usr_42", "email": customer.email, "iat": now, "exp": now + 3_600 });
    [format!("{COOKIE}={}", v5(SECRET, COOKIE, &claims)), format!("{own}={}", app.session(customer).await)]
}

#[test]
fn a_change_with_a_cookie_needs_a_page_that_may_send_it() {
    with_app(Setup::sandbox().flagged(over_tls), async |app| {
        let customer = app.account(500, 0).await;
        let id = rent(app, &customer).await;
        let before = purses(app, &customer).await;
        let changes = [
            (Method::POST, RENT.to_owned()),
            (Method::POST, at(&id, "cancel")),
            (Method::DELETE, at(&id, "")),
            (Method::POST, at(&id, "finish")),
            (Method::POST, at(&id, "resend")),
            (Method::PATCH, "/api/user/profile".to_owned()),
            (Method::POST, "/api/internal/balance".to_owned()),
            (Method::DELETE, "/v1/user/sessions".to_owned()),
        ];
        let forged: [&[(&str, &str)]; 5] = [
            &[],
            &[("origin", "https://evil.example")],
            &[("origin", "null")],
            &[("origin", "https://evil.example"), ("sec-fetch-site", "same-origin")],
            &[("sec-fetch-site", "cross-site")],
        ];
        for cookie in cookies(app, &customer, "__Host-numberotp_session").await {
            let ask = |method: &Method, path: &str, headers: &[(&str, &str)]| -> Ask {
                let ask = app.ask(method.clone(), path).header("cookie", &cookie).json(&telegram());
                headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value))
            };
            for (method, path) in &changes {
                for headers in forged {
                    ask(method, path, headers).refused(403, "CSRF_REFUSED").await;
                }
            }
            // Reading changes nothing, and other sites are not shown the answer.
            ask(&Method::GET, "/api/internal/balance", forged[1]).ok().await;
        }
        assert_eq!(purses(app, &customer).await, before, "a refusal moves nothing");
    });
}

#[test]
fn a_page_that_may_send_it_makes_the_change() {
    with_app(Setup::sandbox().flagged(over_tls), async |app| {
        let customer = app.account(1_000, 0).await;
        let mut credits = 1_000;
        for cookie in cookies(app, &customer, "__Host-numberotp_session").await {
            for (name, value) in
                [("origin", HERE), ("origin", "https://www.example.com"), ("sec-fetch-site", "same-origin")]
            {
                let ask = app.post(RENT).header("cookie", &cookie).header(name, value);
                credits -= 100;
                assert_eq!(ask.json(&telegram()).ok().await["remainingCredits"], credits);
            }
        }
        // A bearer token is sent by nobody but whoever has it.
        app.post(RENT).by(&customer).json(&telegram()).ok().await;
        let both = app.post(RENT).by(&customer).header("cookie", &format!("{COOKIE}=x"));
        both.header("origin", "https://evil.example").json(&telegram()).ok().await;
    });
}

#[test]
fn our_own_cookie_has_the_name_that_its_site_allows() {
    for (setup, right, wrong) in [
        (Setup::sandbox().flagged(over_tls), "__Host-numberotp_session", "numberotp_session"),
        (Setup::sandbox().flagged(plain), "numberotp_session", "__Host-numberotp_session"),
    ] {
        with_app(setup, async |app| {
            let customer = app.account(0, 0).await;
            let session = app.session(&customer).await;
            let read = |cookies: String| app.get("/api/user/profile").header("cookie", &cookies);
            assert_eq!(read(format!("{right}={session}")).ok().await["data"]["email"], customer.email);
            for cookies in [
                format!("{wrong}={session}"),
                // Nothing but a session stands in it.
                format!("{right}={}", customer.key),
                format!("{right}={}", app.jwt(&customer).await),
                format!("{right}={session}; {right}=other"),
                format!("{right}="),
            ] {
                read(cookies).refused(401, "UNAUTHORIZED").await;
            }
            // One that is over does not hide the website's.
            let now = app.now().unix_seconds();
            let claims = json!({ "sub": "usr_42", "email": customer.email, "exp": now + 60 });
            let over = session.replace(|c: char| c.is_ascii_digit(), "x").replace("xess_", "sess_");
            read(format!("{right}={over}; {COOKIE}={}", v5(SECRET, COOKIE, &claims))).ok().await;
        });
    }
}

#[test]
fn without_tls_the_page_and_the_address_have_one_name() {
    with_app(Setup::sandbox().flagged(plain), async |app| {
        let customer = app.account(100, 0).await;
        let cookie = format!("numberotp_session={}", app.session(&customer).await);
        let rent = |origin: &str| {
            let ask = app.post(RENT).header("cookie", &cookie).header("host", "localhost:8080");
            ask.header("origin", origin).json(&telegram())
        };
        rent("http://localhost:3000").refused(403, "CSRF_REFUSED").await;
        rent("http://localhost:8080").ok().await;
    });
}

#[test]
fn what_an_admin_changes_with_a_cookie_needs_such_a_page_too() {
    with_app(Setup::sandbox().flagged(over_tls), async |app| {
        let (admin, customer) = (app.account_of(Role::Admin).await, app.account(0, 0).await);
        let cookie = format!("__Host-numberotp_session={}", app.session(&admin).await);
        let path = format!("/admin/api/accounts/{}/standing", customer.account.get());
        let change = json!({ "standing": "limited", "reason": "unpaid" });
        let ask = || app.post(&path).header("cookie", &cookie).json(&change);
        ask().refused(403, "CSRF_REFUSED").await;
        ask().header("origin", "https://evil.example.com").refused(403, "CSRF_REFUSED").await;
        assert_eq!(ask().header("origin", HERE).ok().await["data"]["standing"], "limited");
    });
}

const FORM: &str = "application/x-www-form-urlencoded";
/// Forms that need no cookie, each of which costs a network or an account some of its patience, a mail or a row.
const FORMS: [(&str, &str); 5] = [
    ("/device", "email=ann%40example.com&password=a+guess+1&user_code=BBBB-BBBB"),
    (TOKEN, "grant_type=password&email=ann%40example.com&password=a+guess+1"),
    ("/v1/oauth/email-code", "email=ann%40example.com"),
    ("/v1/oauth/device/code", "client=cli"),
    ("/v1/oauth/revoke", "token=x"),
];

const LEFT: Statement = Statement::new(
    "TEST_LEFT",
    "SELECT (SELECT COUNT(*) FROM guesses) + (SELECT COUNT(*) FROM device_grants) + (SELECT COUNT(*) FROM email_codes)",
);

#[test]
fn a_form_that_a_page_of_another_site_sends_is_not_read() {
    with_app(Setup::sandbox().flagged(over_tls), async |app| {
        let sent = async |(path, form): (&str, &str), headers: &[(&str, &str)]| {
            let ask = app.post(path).body(FORM, form.to_owned());
            headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value)).send().await
        };
        let left = async || {
            let rows = app.read(|tx| tx.query_one(&LEFT, &[])?.unwrap().int("rows")).await;
            (app.context().passwords.hashed(), app.mails("ann@example.com").await.len(), rows)
        };
        let before = left().await;
        let foreign: [&[(&str, &str)]; 5] = [
            &[("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")],
            &[("origin", "https://shop.example.com"), ("sec-fetch-site", "same-site")],
            &[("origin", "null"), ("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "cross-site")],
            &[("origin", "null")],
        ];
        for form in FORMS {
            for headers in foreign {
                sent(form, headers).await.refused(403, "CSRF_REFUSED");
            }
        }
        assert_eq!(left().await, before, "nothing came of any");
        let fine: [&[(&str, &str)]; 5] = [
            &[],
            &[("origin", HERE), ("sec-fetch-site", "same-origin")],
            &[("origin", "https://www.example.com"), ("sec-fetch-site", "cross-site")],
            &[("origin", "moz-extension://2c127fa4-62c7-7e4f-90e5-472b45eecfdc")],
            &[("sec-fetch-site", "none")],
        ];
        for form in FORMS {
            for headers in fine {
                let answer = sent(form, headers).await;
                assert!([200, 400, 401].contains(&answer.status), "{form:?} {headers:?}: {}", answer.text());
            }
        }
        assert_ne!(left().await, before);
    });
}
