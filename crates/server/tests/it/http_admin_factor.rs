//! Where admins need a second factor: without one the routes of admins refuse them, and nothing else does.

use crate::http_sign_in::seed_of;
use crate::http_stage::text;
use numberotp_core::caller::Role;
use numberotp_core::secret::Secret;
use numberotp_core::time::Span;
use numberotp_core::totp;
use numberotp_server::app::password::hash_now;
use numberotp_server::config::{OnOff, ServeSettings};
use numberotp_server::store::password::password_set;
use numberotp_testkit::app::{Setup, TestApp, in_sandbox, with_app};
use numberotp_testkit::authjs::v4;
use serde_json::{Value, json};

const ACTS: &str = "/admin/api/acts";
const PASSWORD: &str = "grey otter 7";
const WEBSITE: &str = "the-secret-of-the-website-0123456789";

fn strict(flags: &mut ServeSettings) {
    flags.admin_second_factor = Some(OnOff::On);
    flags.authjs_secrets = Some(WEBSITE.to_owned());
}

/// Gives an account [`PASSWORD`] and sets up a second factor by a session of it.
async fn with_factor(app: &TestApp<'_>, account: numberotp_core::id::AccountId, session: &str) {
    let hash = hash_now(&Secret::new(PASSWORD)).unwrap();
    app.write(move |tx| password_set(tx, account, &hash)).await;
    let set = async |what: &str, body: Value| {
        app.post(&format!("/api/auth/totp/{what}")).bearer(session).json(&body).ok().await["data"].clone()
    };
    let started = set("start", json!({ "password": PASSWORD })).await;
    app.get(ACTS).bearer(session).refused(403, "SECOND_FACTOR_REQUIRED").await;
    let seed = seed_of(text(&started, "secret"));
    set("confirm", json!({ "code": totp::code(&seed, totp::step(app.now())) })).await;
}

#[test]
fn an_admin_without_a_second_factor_is_refused_until_it_is_confirmed() {
    with_app(Setup::sandbox().flagged(strict), async |app| {
        let admin = app.account_of(Role::Admin).await;
        let session = app.session(&admin).await;
        let told = app.get(ACTS).bearer(&session).refused(403, "SECOND_FACTOR_REQUIRED").await;
        assert!(text(&told, "error").contains("/api/auth/totp/start"), "{told}");
        app.get("/api/internal/balance").bearer(&session).ok().await;
        // Whoever is no admin learns nothing of it.
        let customer = app.session(&app.account(0, 0).await).await;
        app.get(ACTS).bearer(&customer).refused(403, "ADMIN_REQUIRED").await;
        with_factor(app, admin.account, &session).await;
        app.get(ACTS).bearer(&session).ok().await;
    });
}

/// Whatever factor the account has, the website did not ask for it.
#[test]
fn a_websites_sign_in_has_no_second_factor_of_ours() {
    with_app(Setup::sandbox().flagged(strict), async |app| {
        let ann = app.account(0, 0).await;
        let now = app.now().unix_seconds();
        let claims =
            json!({ "email": ann.email, "sub": "usr_42", "iat": now, "exp": now + 3_600, "jti": "x" });
        let visitor = v4(WEBSITE, &claims);
        // An administrator's account is not taken by its address: the visitor was here before.
        app.get(ACTS).bearer(&visitor).refused(403, "ADMIN_REQUIRED").await;
        let sql = format!("UPDATE accounts SET role = 'admin' WHERE id = {}", ann.account.get());
        crate::http_tokens::beside(app, &sql).await;
        app.advance(Span::seconds(1));
        let session = app.session(&ann).await;
        with_factor(app, ann.account, &session).await;
        app.get(ACTS).bearer(&session).ok().await;
        app.get(ACTS).bearer(&visitor).refused(403, "SECOND_FACTOR_REQUIRED").await;
        // Nor does it come by a device that it lets in.
        let begun = app.post("/v1/oauth/device/code").json(&json!({ "client": "cli" })).send().await.json();
        let decision = json!({ "user_code": begun["user_code"], "action": "approve" });
        let decide = |token: &str| app.post("/v1/oauth/device").bearer(token).json(&decision);
        decide(&visitor).refused(403, "REAUTHENTICATION_REQUIRED").await;
        decide(&session).ok().await;
    });
}

#[test]
fn without_the_setting_a_password_is_enough() {
    in_sandbox(async |app| {
        let admin = app.account_of(Role::Admin).await;
        app.get(ACTS).bearer(&app.session(&admin).await).ok().await;
    });
}
