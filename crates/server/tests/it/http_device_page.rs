//! The page `/device`, as a browser without script uses it: who you are, which device, yes or no.

use crate::http_oauth::{TOKEN, denied, person, tokens};
use crate::http_sign_in::seed_of;
use crate::http_stage::text;
use numberotp_core::session::PROOF_LIFE;
use numberotp_core::time::Span;
use numberotp_core::totp;
use numberotp_testkit::app::{Answer, TestApp, in_sandbox};
use serde_json::{Value, json};

const PAGE: &str = "/device";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
const FORM: &str = "application/x-www-form-urlencoded";
/// What nobody may make a page of.
const NAME: &str = "<script>alert(1)</script>\" onload='x'";

async fn begin(app: &TestApp<'_>) -> Value {
    app.post("/v1/oauth/device/code")
        .json(&json!({ "client": "cli", "device_name": NAME }))
        .send()
        .await
        .json()
}

async fn poll(app: &TestApp<'_>, begun: &Value) -> Answer {
    app.post(TOKEN).json(&json!({ "grant_type": GRANT, "device_code": begun["device_code"] })).send().await
}

/// Sends the form of a page.
async fn send(app: &TestApp<'_>, fields: &[(&str, &str)]) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(fields);
    let answer = app.post(PAGE).body(FORM, form.finish()).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    harmless(&answer)
}

/// The page of an answer, which nobody may frame, keep, or put a script into.
fn harmless(answer: &Answer) -> String {
    let policy = answer.header("content-security-policy");
    for part in ["default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "style-src 'sha256-"] {
        assert!(policy.contains(part) && !policy.contains("script-src"), "{policy}");
    }
    assert_eq!(
        (answer.header("cache-control"), answer.header("referrer-policy")),
        ("no-store", "same-origin")
    );
    assert!(!answer.text().contains("<script"), "{}", answer.text());
    answer.text().to_owned()
}

/// The ticket that the second step needs.
fn ticket(page: &str) -> &str {
    page.split("name=\"ticket\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default()
}

#[test]
fn a_person_lets_a_device_in_with_a_password_and_without_script() {
    in_sandbox(async |app| {
        person(app, "ann@example.com").await;
        let begun = begin(app).await;
        let code = text(&begun, "user_code").to_owned();
        let address = format!("{PAGE}?user_code={}", code.to_lowercase());
        let first = harmless(&app.get(&address).send().await);
        assert!(
            first.contains(&format!("value=\"{code}\"")) && first.contains("name=\"password\""),
            "{first}"
        );
        let odd = harmless(&app.get(&format!("{PAGE}?user_code=%22%3E%3Cscript%3E")).send().await);
        assert!(odd.contains("name=\"user_code\" value=\"\""), "{odd}");

        let who = [("email", "ann@example.com"), ("password", "grey otter 7"), ("user_code", code.as_str())];
        let second = send(app, &who).await;
        assert!(second.contains("&lt;script&gt;") && second.contains("192.0.2.0/24"), "{second}");
        assert!(
            second.contains(&code) && second.contains("cli") && !second.contains("grey otter"),
            "{second}"
        );
        let ticket = ticket(&second);
        assert!(!ticket.is_empty() && !ticket.contains(&code));
        denied(&poll(app, &begun).await, "authorization_pending");
        let done = send(app, &[("ticket", ticket), ("action", "approve")]).await;
        assert!(done.contains("go back to your device"), "{done}");
        let given = tokens(&poll(app, &begun).await);
        assert_eq!(given["user"]["email"], "ann@example.com");
        let again = send(app, &[("ticket", ticket), ("action", "deny")]).await;
        assert!(again.contains("decided about this device before"), "{again}");
    });
}

#[test]
fn a_wrong_password_a_wrong_code_or_an_old_ticket_let_nobody_in() {
    in_sandbox(async |app| {
        person(app, "ann@example.com").await;
        let begun = begin(app).await;
        let code = text(&begun, "user_code");
        let with = |password| [("email", "ann@example.com"), ("password", password), ("user_code", code)];
        for fields in [
            with("wrong"),
            with(""),
            [("email", "x"), ("password", "grey otter 7"), ("user_code", code)],
            [("email", "ann@example.com"), ("password", "grey otter 7"), ("user_code", "BBBB-BBBB")],
            [("email", "ann@example.com"), ("password", "grey otter 7"), ("user_code", "<b>")],
        ] {
            let page = send(app, &fields).await;
            assert!(page.contains("role=\"alert\"") && ticket(&page).is_empty(), "{page}");
        }
        let second = send(app, &with("grey otter 7")).await;
        let good = ticket(&second).to_owned();
        for bad in ["x", good.strip_prefix(|_: char| true).unwrap(), &format!("{good}A")] {
            let page = send(app, &[("ticket", bad), ("action", "approve")]).await;
            assert!(page.contains("Begin again"), "{page}");
        }
        send(app, &[("ticket", &good), ("action", "perhaps")]).await;
        denied(&poll(app, &begun).await, "authorization_pending");
        app.advance(Span::minutes(10));
        let page = send(app, &[("ticket", &good), ("action", "approve")]).await;
        assert!(page.contains("open for too long"), "{page}");
        denied(&poll(app, &begun).await, "expired_token");
    });
}

#[test]
fn who_is_signed_in_types_no_password_and_a_key_is_nobody() {
    in_sandbox(async |app| {
        let ann = app.account(0, 0).await;
        let session = app.session(&ann).await;
        let begun = begin(app).await;
        let code = text(&begun, "user_code");
        let first = harmless(&app.get(PAGE).bearer(&session).send().await);
        assert!(first.contains(&ann.email) && !first.contains("name=\"password\""), "{first}");
        let by_key = harmless(&app.get(PAGE).by(&ann).send().await);
        assert!(by_key.contains("name=\"password\""), "{by_key}");
        let second = app.post(PAGE).bearer(&session).body(FORM, format!("user_code={code}")).send().await;
        let second = harmless(&second);
        assert!(
            send(app, &[("ticket", ticket(&second)), ("action", "deny")]).await.contains("stays outside")
        );
        denied(&poll(app, &begun).await, "access_denied");
        // Whoever signed in long ago shows the password again.
        app.advance(PROOF_LIFE);
        let later = harmless(&app.get(PAGE).bearer(&session).send().await);
        assert!(later.contains("name=\"password\""), "{later}");
        let code = text(&begin(app).await, "user_code").to_owned();
        let second = app.post(PAGE).bearer(&session).body(FORM, format!("user_code={code}")).send().await;
        assert!(!harmless(&second).contains("name=\"ticket\""));
    });
}

/// The cookie of a browser that the page knows, and the ticket that it is given for a device.
async fn known(app: &TestApp<'_>, begun: &Value) -> (String, String) {
    let wish = json!({ "email": "ann@example.com", "password": "grey otter 7" });
    let answer = app.post("/api/auth/sign-in").json(&wish).send().await;
    let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
    let own = app.context().sign_in.public_url.clone();
    let form = format!("user_code={}", text(begun, "user_code"));
    let second =
        app.post(PAGE).header("cookie", &cookie).header("origin", &own).body(FORM, form).send().await;
    (cookie, ticket(&harmless(&second)).to_owned())
}

#[test]
fn a_ticket_ends_with_the_sign_in_that_it_was_made_by_and_with_no_other() {
    in_sandbox(async |app| {
        person(app, "ann@example.com").await;
        let own = app.context().sign_in.public_url.clone();
        for (signs_out, told) in [(0, "open for too long"), (1, "go back to your device")] {
            let begun = begin(app).await;
            let (here, there) = (known(app, &begun).await, known(app, &begun).await);
            let cookie = [&here.0, &there.0][signs_out];
            app.post("/api/auth/sign-out").header("cookie", cookie).header("origin", &own).ok().await;
            let page = send(app, &[("ticket", &here.1), ("action", "approve")]).await;
            assert!(page.contains(told), "{page}");
            let polled = poll(app, &begun).await;
            if signs_out == 0 {
                denied(&polled, "authorization_pending");
            } else {
                tokens(&polled);
            }
        }
    });
}

/// Whoever signs in by mail alone has no password to show.
#[test]
fn a_code_from_a_mail_lets_a_device_in_too_once_and_with_the_second_factor() {
    in_sandbox(async |app| {
        let ann = app.account(0, 0).await;
        let session = app.session(&ann).await;
        app.advance(PROOF_LIFE);
        let begun = begin(app).await;
        let code = text(&begun, "user_code").to_owned();
        let first = harmless(&app.get(PAGE).bearer(&session).send().await);
        assert!(first.contains("Mail me a code") && first.contains("name=\"mailed\""), "{first}");
        let with =
            |mailed: &'static str| [("email", ann.email.as_str()), ("user_code", &code), ("mailed", mailed)];
        let wanted = [("email", ann.email.as_str()), ("user_code", &code), ("action", "mail")];
        let told = send(app, &wanted).await;
        assert!(told.contains("on its way") && told.contains(&ann.email) && told.contains(&code), "{told}");
        let nobody = [("email", "nobody@example.com"), ("user_code", code.as_str()), ("action", "mail")];
        assert_eq!(send(app, &nobody).await.replace("nobody@example.com", ""), told.replace(&ann.email, ""));
        let wrong = send(app, &with("x")).await;
        assert!(wrong.contains("is not right") && ticket(&wrong).is_empty(), "{wrong}");
        let mailed: &'static str = app.mailed_code(&ann.email).await.leak();
        let second = send(app, &with(mailed)).await;
        let again = send(app, &with(mailed)).await;
        assert!(again.contains("is not right") && ticket(&again).is_empty(), "{again}");
        let done = send(app, &[("ticket", ticket(&second)), ("action", "approve")]).await;
        assert!(done.contains("go back to your device"), "{done}");
        assert_eq!(tokens(&poll(app, &begun).await)["user"]["email"], ann.email);
    });
}

#[test]
fn a_code_from_a_mail_is_one_factor() {
    in_sandbox(async |app| {
        person(app, "ann@example.com").await;
        let wish = json!({ "email": "ann@example.com", "password": "grey otter 7", "transport": "bearer" });
        let token = text(&app.post("/api/auth/sign-in").json(&wish).ok().await["data"], "token").to_owned();
        let own =
            |what: &str, body: Value| app.post(&format!("/api/auth/totp/{what}")).bearer(&token).json(&body);
        let started = own("start", json!({ "password": "grey otter 7" })).ok().await;
        let seed = seed_of(text(&started["data"], "secret"));
        own("confirm", json!({ "code": totp::code(&seed, totp::step(app.now())) })).ok().await;
        app.mails("ann@example.com").await;
        let begun = begin(app).await;
        let mut form = vec![("email", "ann@example.com"), ("user_code", text(&begun, "user_code"))];
        let mailed = async || {
            app.advance(Span::minutes(1));
            send(app, &[("email", "ann@example.com"), ("action", "mail")]).await;
            app.mailed_code("ann@example.com").await
        };
        let code = mailed().await;
        let page = send(app, &[form.as_slice(), &[("mailed", &code)]].concat()).await;
        assert!(
            page.contains("second factor, and your password again") && ticket(&page).is_empty(),
            "{page}"
        );
        let (code, digits) = (mailed().await, totp::code(&seed, totp::step(app.now())));
        form.extend([("mailed", code.as_str()), ("totp", digits.as_str())]);
        assert!(!ticket(&send(app, &form).await).is_empty());
    });
}

/// A code from a mail opens once: whoever mistypes the device's code still has it.
#[test]
fn a_mistyped_device_code_spends_no_code_from_a_mail() {
    in_sandbox(async |app| {
        let ann = app.account(0, 0).await;
        let begun = begin(app).await;
        let code = text(&begun, "user_code").to_owned();
        send(app, &[("email", &ann.email), ("user_code", &code), ("action", "mail")]).await;
        let mailed = app.mailed_code(&ann.email).await;
        let type_in = async |typed: &str| {
            send(app, &[("email", &ann.email), ("user_code", typed), ("mailed", &mailed)]).await
        };
        for mistyped in ["", "<b>", "BBBB-BBBB", "BBBB-BBBC"] {
            let page = type_in(mistyped).await;
            assert!(page.contains("No device shows this code") && ticket(&page).is_empty(), "{page}");
        }
        let second = type_in(&code).await;
        let done = send(app, &[("ticket", ticket(&second)), ("action", "approve")]).await;
        assert!(done.contains("go back to your device"), "{done}");
    });
}

#[test]
fn whoever_guesses_devices_codes_there_waits_whether_or_not_anything_is_proved() {
    in_sandbox(async |app| {
        let ann = app.account(0, 0).await;
        let code = text(&begin(app).await, "user_code").to_owned();
        send(app, &[("email", &ann.email), ("action", "mail")]).await;
        let mailed = app.mailed_code(&ann.email).await;
        for turn in 0..6 {
            let page = send(app, &[("email", &ann.email), ("user_code", "BBBB-BBBB"), ("mailed", "x")]).await;
            assert_eq!(page.contains("Too many wrong codes"), turn == 5, "{page}");
        }
        let page = send(app, &[("email", &ann.email), ("user_code", &code), ("mailed", &mailed)]).await;
        assert!(page.contains("Too many wrong codes") && ticket(&page).is_empty(), "{page}");
        let by_mail = json!({
            "grant_type": "urn:numberotp:params:grant-type:email_code",
            "email": ann.email,
            "code": mailed,
        });
        tokens(&app.post(TOKEN).json(&by_mail).send().await);
    });
}
