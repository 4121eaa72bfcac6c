//! Sessions of the operator's website, through HTTP: which are taken, which are not, and whose account they open.
//! That the real packages make such sessions is shown by `tests/clients/authjs.rs`, which runs them.

use crate::http_stage::{RENT, telegram, text};
use crate::http_tokens::beside;
use http::Method;
use numberotp_core::authjs::{COOKIES, Family};
use numberotp_core::caller::Standing;
use numberotp_core::time::Span;
use numberotp_server::app::auth::KNOWN_FOR;
use numberotp_server::config::{OnOff, ServeSettings};
use numberotp_testkit::app::{Customer, Setup, TestApp, in_sandbox, with_app};
use numberotp_testkit::authjs::{v4, v4_under, v5};
use serde_json::{Value, json};

const PROFILE: &str = "/api/user/profile";
const NEWER: &str = "the-newer-secret-of-the-website-0123456789";
const OLDER: &str = "the-older-secret-of-the-website-0123456789";
const V4: &str = "next-auth.session-token";
const V5: &str = "__Secure-authjs.session-token";

fn secrets(flags: &mut ServeSettings) {
    flags.authjs_secrets = Some(format!("{NEWER} {OLDER}"));
    flags.authjs_cookies = Some("shop-session".to_owned());
}

fn welcome(flags: &mut ServeSettings) {
    secrets(flags);
    flags.authjs_create_accounts = Some(true);
}

/// A server behind a website.
fn behind() -> Setup {
    Setup::sandbox().flagged(secrets)
}

/// The claims of a person who signed in now and stays for an hour.
fn claims(app: &TestApp<'_>, subject: &str, email: &str) -> Value {
    let now = app.now().unix_seconds();
    json!({ "name": "Ada", "email": email, "picture": null, "sub": subject, "iat": now, "exp": now + 3_600, "jti": "x" })
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

async fn opens(app: &TestApp<'_>, cookies: &str) -> Value {
    app.get(PROFILE).header("cookie", cookies).ok().await["data"].clone()
}

async fn is_shut_out(app: &TestApp<'_>, cookies: &str) {
    let answer = app.get(PROFILE).header("cookie", cookies).send().await;
    answer.refused(401, "UNAUTHORIZED");
    assert_eq!(answer.header("www-authenticate"), "Bearer");
}

async fn bearer_is_shut_out(app: &TestApp<'_>, token: &str) {
    let answer = app.get(PROFILE).bearer(token).send().await;
    answer.refused(401, "UNAUTHORIZED");
    assert!(token.len() < 8 || !answer.text().contains(token), "a refusal repeats the token");
}

async fn customer(app: &TestApp<'_>) -> (Customer, Value) {
    let customer = app.account(300, 0).await;
    let claims = claims(app, "usr_42", &customer.email);
    (customer, claims)
}

#[test]
fn a_visitor_of_the_website_reads_its_account_by_every_cookie_and_by_a_header() {
    with_app(behind(), async |app| {
        let (customer, claims) = customer(app).await;
        for (name, family) in COOKIES {
            for secret in [NEWER, OLDER] {
                let token = match family {
                    Family::V4 => v4(secret, &claims),
                    Family::V5 => v5(secret, name, &claims),
                };
                assert_eq!(opens(app, &format!("a=1; {name}={token}")).await["email"], customer.email);
                let (first, rest) = token.split_at(100);
                assert_eq!(
                    opens(app, &format!("{name}.1={rest}; {name}.0={first}")).await["email"],
                    customer.email
                );
                assert_eq!(app.get(PROFILE).bearer(&token).ok().await["data"]["email"], customer.email);
                let encoded = token.replace('.', "%2E");
                assert_eq!(app.get(PROFILE).bearer(&encoded).ok().await["data"]["email"], customer.email);
            }
        }
        for token in [v4(NEWER, &claims), v5(NEWER, "shop-session", &claims)] {
            assert_eq!(opens(app, &format!("shop-session={token}")).await["email"], customer.email);
            app.get(PROFILE).bearer(&token).ok().await;
        }
    });
}

#[test]
fn a_visitor_buys_and_is_a_person() {
    with_app(behind(), async |app| {
        let (customer, claims) = customer(app).await;
        let token = v5(NEWER, V5, &claims);
        let rented = app.post(RENT).bearer(&token).json(&telegram()).ok().await;
        assert_eq!(rented["remainingCredits"], 200);
        app.get(&format!("{RENT}/{}", text(&rented["data"], "id"))).by(&customer).ok().await;
        app.get("/v1/user/sessions").bearer(&token).ok().await;
    });
}

#[test]
fn nothing_of_a_website_is_taken_unless_it_was_set_up() {
    in_sandbox(async |app| {
        let (_customer, claims) = customer(app).await;
        let (old, new) = (v4(NEWER, &claims), v5(NEWER, V5, &claims));
        for token in [old.as_str(), &new, "550e8400-e29b-41d4-a716-446655440000"] {
            bearer_is_shut_out(app, token).await;
            is_shut_out(app, &format!("{V4}={token}; {V5}={token}")).await;
        }
    });
}

#[test]
fn a_token_that_is_spoilt_over_or_foreign_is_refused_in_one_way() {
    with_app(behind(), async |app| {
        let (_customer, good) = customer(app).await;
        let now = app.now().unix_seconds();
        for bad in [
            without(&good, "exp"),
            with(&good, "exp", json!(now - 15)),
            with(&good, "exp", json!((now + 60).to_string())),
            with(&good, "exp", json!(null)),
            with(&good, "iat", json!("now")),
            with(&good, "nbf", json!(now + 16)),
            without(&without(&good, "sub"), "email"),
            with(&good, "blob", json!("x".repeat(13_000))),
        ] {
            for (name, token) in [(V4, v4(NEWER, &bad)), (V5, v5(NEWER, V5, &bad))] {
                is_shut_out(app, &format!("{name}={token}")).await;
                bearer_is_shut_out(app, &token).await;
            }
        }
        let foreign = "the secret of another website altogether";
        let (old, new) = (v4(NEWER, &good), v5(NEWER, V5, &good));
        for (name, token) in [
            (V4, v4(foreign, &good)),
            (V5, v5(foreign, V5, &good)),
            // Each under the other's name, and under one that its key is not for.
            (V5, old.clone()),
            (V4, new.clone()),
            ("authjs.session-token", new.clone()),
            (V4, v4_under(r#"{"alg":"none","enc":"A256GCM"}"#, NEWER, &good)),
            (V4, v4_under(r#"{"alg":"dir","enc":"A128CBC-HS256"}"#, NEWER, &good)),
            (V4, v4_under(r#"{"alg":"dir","enc":"A256GCM","zip":"DEF"}"#, NEWER, &good)),
            (V4, v4_under(r#"{"alg":"dir","enc":"A256GCM","crit":["x"]}"#, NEWER, &good)),
            (V4, v4_under(r#"{"alg":"dir","enc":"A256GCM","kid":"x"}"#, NEWER, &good)),
            (V5, "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1c3JfNDIifQ.".to_owned()),
            (V5, "a.b.c.d".to_owned()),
            (V5, "....".to_owned()),
            (V5, "x".repeat(20_000)),
        ] {
            is_shut_out(app, &format!("{name}={token}")).await;
        }
        opens(app, &format!("{V4}={old}")).await;
        // A header that is there is what counts, good or bad.
        let ask = app.get(PROFILE).header("cookie", &format!("{V4}={old}"));
        ask.bearer("a.b.c.d.e").refused(401, "UNAUTHORIZED").await;
    });
}

#[test]
fn chunks_are_joined_without_a_gap_and_look_alikes_are_ignored() {
    with_app(behind(), async |app| {
        let (customer, claims) = customer(app).await;
        let token = v5(NEWER, V5, &with(&claims, "blob", json!("x".repeat(6_000))));
        let chunks: Vec<&str> =
            token.as_bytes().chunks(3_936).map(|part| str::from_utf8(part).unwrap()).collect();
        let [a, b, c] = chunks[..] else { panic!("{} chunks", chunks.len()) };
        for cookies in [
            format!("{V5}.0={a}; {V5}.1={b}; {V5}.2={c}"),
            format!("{V5}.2={c}; {V5}x.3=y; {V5}.0={a}; {V5}.01=z; {V5}.1={b}; {V5}.extra=w"),
            format!("{V5}=stale; {V5}.2={c}; {V5}.0={a}; {V5}.1={b}"),
            format!("{V5}.2={c}; {V5}.0={a}; {V5}.1={b}; {V4}=stale"),
        ] {
            assert_eq!(opens(app, &cookies).await["email"], customer.email);
        }
        for cookies in [
            format!("{V5}.0={a}; {V5}.2={c}"),
            format!("{V5}.1={a}; {V5}.2={b}; {V5}.3={c}"),
            format!("{V5}.0={a}; {V5}.1={b}; {V5}.2={c}; {V5}.3=z"),
            format!("{V5}.0={a}; {V5}.1={b}; {V5}.2={c}; {V5}.1=other"),
            format!("{V5}.0={b}; {V5}.1={a}; {V5}.2={c}"),
        ] {
            is_shut_out(app, &cookies).await;
        }
        // Two of one name: nobody can say which is the visitor's.
        let short = v5(NEWER, V5, &claims);
        is_shut_out(app, &format!("{V5}={short}; {V5}=other")).await;
        opens(app, &format!("{V5}={short}; {V5}={short}")).await;
    });
}

#[test]
fn a_token_ends_by_the_apps_clock() {
    with_app(behind(), async |app| {
        let (_customer, claims) = customer(app).await;
        let cookie = format!("{V4}={}", v4(NEWER, &claims));
        app.advance(Span::seconds(3_600 + 14));
        opens(app, &cookie).await;
        app.advance(Span::seconds(1));
        is_shut_out(app, &cookie).await;
    });
}

#[test]
fn a_person_stays_who_it_is_when_its_address_changes() {
    with_app(behind(), async |app| {
        let (customer, claims) = customer(app).await;
        let other = app.account(0, 0).await;
        opens(app, &format!("{V4}={}", v4(NEWER, &claims))).await;
        // The same person under another's address, and without one.
        for changed in [with(&claims, "email", json!(other.email)), without(&claims, "email")] {
            let profile = opens(app, &format!("{V4}={}", v4(OLDER, &changed))).await;
            assert_eq!(profile["email"], customer.email);
        }
        // Whoever has no id at the website is known by the address alone.
        let nameless = without(&with(&claims, "email", json!(other.email.to_uppercase())), "sub");
        assert_eq!(opens(app, &format!("{V4}={}", v4(NEWER, &nameless))).await["email"], other.email);
    });
}

#[test]
fn whom_nobody_here_knows_is_refused_unless_strangers_are_welcome() {
    with_app(behind(), async |app| {
        let (_customer, known) = customer(app).await;
        for stranger in [
            claims(app, "usr_1", "stranger@example.com"),
            claims(app, "usr_1", "not an address"),
            without(&claims(app, "usr_1", ""), "email"),
        ] {
            is_shut_out(app, &format!("{V4}={}", v4(NEWER, &stranger))).await;
        }
        opens(app, &format!("{V4}={}", v4(NEWER, &known))).await;
    });
}

#[test]
fn a_stranger_gets_an_account_of_its_own_and_no_more_than_that() {
    with_app(Setup::sandbox().flagged(welcome), async |app| {
        let mut bold = with(&claims(app, "usr_1", "stranger@example.com"), "role", json!("admin"));
        bold["isApproved"] = json!(true);
        let cookie = format!("{V5}={}", v5(NEWER, V5, &bold));
        let profile = opens(app, &cookie).await;
        assert_eq!((&profile["email"], &profile["name"]), (&json!("stranger@example.com"), &json!("Ada")));
        assert_eq!((&profile["role"], &profile["credits"]), (&json!("customer"), &json!(0)));
        assert_eq!(opens(app, &cookie).await["id"], profile["id"]);
        // Of two people who came for the first time at once each has one account.
        let two = ["a@example.com", "b@example.com"].map(|email| claims(app, email, email));
        let asks = (0..20).map(|turn| {
            let token = v4(NEWER, &two[turn % 2]);
            app.get(PROFILE).header("cookie", &format!("{V4}={token}")).start()
        });
        let answers = futures_util::future::join_all(asks).await;
        let mut ids: Vec<String> =
            answers.into_iter().map(|answer| text(&answer.unwrap().ok()["data"], "id").to_owned()).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 2);
        // Without an address nothing can be made.
        let nobody = without(&claims(app, "usr_2", ""), "email");
        is_shut_out(app, &format!("{V4}={}", v4(NEWER, &nobody))).await;
    });
}

#[test]
fn a_new_account_waits_for_approval_unless_that_is_given_at_once() {
    let waiting = |flags: &mut ServeSettings| {
        welcome(flags);
        flags.auto_approve = Some(OnOff::Off);
    };
    for (setup, approved) in [
        (Setup::sandbox().flagged(welcome), true),
        (Setup::sandbox().flagged(waiting), false),
        (Setup::production().flagged(welcome), false),
    ] {
        with_app(setup, async |app| {
            let token = v4(NEWER, &claims(app, "usr_1", "stranger@example.com"));
            assert_eq!(opens(app, &format!("{V4}={token}")).await["isApproved"], json!(approved));
        });
    }
}

#[test]
fn an_address_alone_opens_no_account_that_never_proved_it_and_no_administrators() {
    with_app(Setup::sandbox().flagged(welcome), async |app| {
        let (unproved, admin, closed) =
            (app.account(0, 0).await, app.account(0, 0).await, app.account(0, 0).await);
        for (turn, (customer, change)) in
            [(&unproved, "email_verified = 0"), (&admin, "role = 'admin'"), (&closed, "standing = 'closed'")]
                .into_iter()
                .enumerate()
        {
            let id = customer.account.get();
            beside(app, &format!("UPDATE accounts SET {change} WHERE id = {id}")).await;
            let token = v4(NEWER, &claims(app, &turn.to_string(), &customer.email));
            is_shut_out(app, &format!("{V4}={token}")).await;
        }
    });
}

#[test]
fn how_the_account_stands_reaches_the_websites_sessions_within_a_second() {
    with_app(behind(), async |app| {
        let (customer, claims) = customer(app).await;
        let token = v4(NEWER, &claims);
        app.post(RENT).bearer(&token).json(&telegram()).ok().await;
        app.set_standing(&customer, Standing::Suspended).await;
        app.advance(KNOWN_FOR);
        app.post(RENT).bearer(&token).json(&telegram()).refused(403, "ACCOUNT_ON_HOLD").await;
        app.set_standing(&customer, Standing::Closed).await;
        app.advance(KNOWN_FOR);
        bearer_is_shut_out(app, &token).await;
    });
}

#[test]
fn signing_out_everywhere_ends_what_the_website_signed_before() {
    with_app(behind(), async |app| {
        let (_customer, before) = customer(app).await;
        let (old, unsaid) = (v4(NEWER, &before), v4(NEWER, &without(&before, "iat")));
        for token in [&old, &unsaid] {
            app.get(PROFILE).bearer(token).ok().await;
        }
        app.advance(Span::seconds(1));
        let all = json!({ "all": true });
        app.ask(Method::DELETE, "/v1/user/sessions").bearer(&old).json(&all).ok().await;
        for token in [&old, &unsaid] {
            bearer_is_shut_out(app, token).await;
        }
        app.advance(Span::seconds(1));
        let after = v4(NEWER, &with(&before, "iat", json!(app.now().unix_seconds())));
        app.get(PROFILE).bearer(&after).ok().await;
    });
}
