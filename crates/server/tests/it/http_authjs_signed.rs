//! Sessions that a website signs instead of encrypting them: taken where that was set up, by one algorithm, and never taken
//! for this server's own tokens, nor those for the site's.

use http::Method;
use numberotp_core::authjs::COOKIES;
use numberotp_core::time::Span;
use numberotp_server::app::auth::KNOWN_FOR;
use numberotp_server::config::{ServeSettings, SignedBy};
use numberotp_testkit::app::{Customer, Setup, TestApp, with_app};
use numberotp_testkit::authjs::{signed, v4, v5};
use serde_json::{Value, json};

const PROFILE: &str = "/api/user/profile";
const NEWER: &str = "the-newer-secret-of-the-website-0123456789";
const OLDER: &str = "the-older-secret-of-the-website-0123456789";
const V5: &str = "authjs.session-token";
const HS256: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

fn secrets(flags: &mut ServeSettings) {
    flags.authjs_secrets = Some(format!("{NEWER} {OLDER}"));
    flags.authjs_cookies = Some("shop-session".to_owned());
}

fn signs(flags: &mut ServeSettings) {
    secrets(flags);
    flags.authjs_signed = Some(SignedBy::Hs256);
}

fn claims(app: &TestApp<'_>, customer: &Customer) -> Value {
    let now = app.now().unix_seconds();
    json!({ "name": "Ada", "email": customer.email, "sub": "usr_42", "iat": now, "exp": now + 3_600 })
}

fn with(claims: &Value, field: &str, value: Value) -> Value {
    let mut changed = claims.clone();
    changed[field] = value;
    changed
}

async fn by_cookie(app: &TestApp<'_>, name: &str, token: &str) -> u16 {
    let answer = app.get(PROFILE).header("cookie", &format!("{name}={token}")).send().await;
    if answer.status != 200 {
        answer.refused(401, "UNAUTHORIZED");
    }
    answer.status
}

async fn by_header(app: &TestApp<'_>, token: &str) -> u16 {
    let answer = app.get(PROFILE).bearer(token).send().await;
    if answer.status != 200 {
        answer.refused(401, "UNAUTHORIZED");
    }
    answer.status
}

#[test]
fn a_signed_session_opens_nothing_unless_that_was_set_up() {
    for (setup, status) in [(Setup::sandbox().flagged(secrets), 401), (Setup::sandbox().flagged(signs), 200)]
    {
        with_app(setup, async |app| {
            let customer = app.account(0, 0).await;
            let claims = claims(app, &customer);
            for secret in [NEWER, OLDER] {
                let token = signed(HS256, secret, &claims);
                for (name, _) in COOKIES.into_iter().chain([("shop-session", COOKIES[0].1)]) {
                    assert_eq!(by_cookie(app, name, &token).await, status, "{name}");
                }
                assert_eq!(by_header(app, &token).await, status);
                let (first, rest) = token.split_at(60);
                let chunks = format!("{V5}.1={rest}; {V5}.0={first}");
                assert_eq!(app.get(PROFILE).header("cookie", &chunks).send().await.status, status);
            }
            // What is encrypted is read as ever.
            assert_eq!(by_cookie(app, V5, &v5(NEWER, V5, &claims)).await, 200);
            assert_eq!(by_header(app, &v4(OLDER, &claims)).await, 200);
        });
    }
}

#[test]
fn what_is_spoilt_over_or_foreign_is_refused_in_one_way() {
    with_app(Setup::sandbox().flagged(signs), async |app| {
        let customer = app.account(0, 0).await;
        let good = claims(app, &customer);
        let now = app.now().unix_seconds();
        let mut endless = good.clone();
        endless.as_object_mut().unwrap().remove("exp");
        let whole = signed(HS256, NEWER, &good);
        let (head, tag) = whole.rsplit_once('.').unwrap();
        for token in [
            signed(r#"{"alg":"none"}"#, NEWER, &good),
            signed(r#"{"alg":"HS512"}"#, NEWER, &good),
            signed(r#"{"alg":"RS256"}"#, NEWER, &good),
            signed(r#"{"alg":"HS256","crit":["exp"]}"#, NEWER, &good),
            signed(r#"{"alg":"HS256","typ":"at+jwt"}"#, NEWER, &good),
            signed(HS256, "the secret of another website altogether", &good),
            signed(HS256, NEWER, &endless),
            signed(HS256, NEWER, &with(&good, "exp", json!(now - 15))),
            signed(HS256, NEWER, &with(&good, "nbf", json!(now + 16))),
            signed(HS256, NEWER, &with(&good, "blob", json!("x".repeat(13_000)))),
            format!("{head}."),
            format!("{head}.{}", tag.replace(['-', '_'], "A")),
            format!("{}.{tag}", head.replace("eyJ", "eyK")),
        ] {
            if token == whole {
                continue;
            }
            assert_eq!(by_cookie(app, V5, &token).await, 401, "{token}");
            assert_eq!(by_header(app, &token).await, 401, "{token}");
        }
        assert_eq!(by_header(app, &whole).await, 200);
    });
}

/// Both have three parts: which secret is asked decides, and a token that names this server is not asked of the site's.
#[test]
fn own_tokens_and_the_sites_are_never_taken_for_each_other() {
    with_app(Setup::sandbox().flagged(signs), async |app| {
        let (customer, other) = (app.account(0, 0).await, app.account(0, 0).await);
        let good = claims(app, &customer);
        let own = app.jwt(&other).await;
        assert_eq!(app.get(PROFILE).bearer(&own).ok().await["data"]["email"], other.email);
        assert_eq!(by_cookie(app, V5, &own).await, 401, "in the site's cookie it is nobody's");
        let account = other.account.get().to_string();
        for audience in [json!("numberotp"), json!(["shop", "numberotp"])] {
            let posing = with(&with(&with(&good, "aud", audience), "sub", json!(account)), "sid", json!("1"));
            let token = signed(HS256, NEWER, &posing);
            assert_eq!((by_header(app, &token).await, by_cookie(app, V5, &token).await), (401, 401));
        }
        // One of the site's whose subject is a row of ours is still the site's person of that name.
        let posing = signed(HS256, NEWER, &with(&good, "sub", json!(account)));
        assert_eq!(app.get(PROFILE).bearer(&posing).ok().await["data"]["email"], customer.email);
        app.advance(Span::minutes(16));
        assert_eq!(by_header(app, &own).await, 401, "what is over is not tried as another's");
    });
}

#[test]
fn signing_out_everywhere_ends_what_was_signed_before() {
    with_app(Setup::sandbox().flagged(signs), async |app| {
        let customer = app.account(0, 0).await;
        let token = signed(HS256, NEWER, &claims(app, &customer));
        assert_eq!(by_header(app, &token).await, 200);
        app.advance(Span::seconds(1));
        app.ask(Method::DELETE, "/v1/user/sessions").bearer(&token).json(&json!({ "all": true })).ok().await;
        app.advance(KNOWN_FOR);
        assert_eq!((by_header(app, &token).await, by_cookie(app, V5, &token).await), (401, 401));
        app.advance(Span::seconds(1));
        assert_eq!(by_header(app, &signed(HS256, NEWER, &claims(app, &customer))).await, 200);
    });
}
