//! Comparing a password takes long, and it may be replaced meanwhile: whoever showed the old one gets nothing for it, neither
//! a sign-in nor a proof nor a password of its own choice.

use crate::http_oauth::{TOKEN, person};
use crate::http_stage::text;
use numberotp_core::caller::Caller;
use numberotp_core::fault::FaultCode;
use numberotp_core::id::PLATFORM;
use numberotp_core::secret::Secret;
use numberotp_core::text::Email;
use numberotp_core::time::Span;
use numberotp_server::app::auth::authenticate;
use numberotp_server::app::keepsake::Whence;
use numberotp_server::app::password::hash_now;
use numberotp_server::app::sign_in::{self, Device, Given, Shown};
use numberotp_server::app::{api_keys, oauth, sign_up};
use numberotp_server::store::account::Account;
use numberotp_server::store::password::{password_by_email, password_holds, password_set};
use numberotp_server::store::session::sessions_of;
use numberotp_testkit::app::{TestApp, in_sandbox};
use serde_json::json;
use std::net::SocketAddr;

const ANN: &str = "ann@example.com";
const PASSWORD: &str = "grey otter 7";
const NEXT: &str = "next otter 8";
const PROFILE: &str = "/api/user/profile";

/// Shows the password, as the first step of all that is done upon it.
async fn shows(app: &TestApp<'_>) -> Shown {
    let (email, password) = (Email::parse(ANN).unwrap(), Secret::new(PASSWORD));
    let given = Given {
        brand: PLATFORM,
        email: &email,
        password: &password,
        totp: None,
        from: Whence::network("192.0.2.0/24"),
    };
    sign_in::with_password(app.context(), &given).await.unwrap()
}

/// Somebody else gives the account another password at this very moment.
async fn replaced(app: &TestApp<'_>, account: &Account) -> String {
    let (id, hash) = (account.id, hash_now(&Secret::new(NEXT)).unwrap());
    let kept = hash.clone();
    app.write(move |tx| password_set(tx, id, &kept)).await;
    hash
}

async fn live_sessions(app: &TestApp<'_>, account: &Account) -> usize {
    let (id, now) = (account.id, app.now());
    app.read(move |tx| sessions_of(tx, id, (now, 100))).await.len()
}

/// A signed-in caller.
async fn caller(app: &TestApp<'_>) -> Caller {
    let shown = shows(app).await;
    let begun = sign_in::begin_session(app.context(), &shown, (Device::default(), None)).await;
    authenticate(app.context(), begun.unwrap().token.expose(), None).await.unwrap()
}

#[test]
fn no_sign_in_follows_from_a_password_that_was_replaced_while_it_was_compared() {
    in_sandbox(async |app| {
        let ann = person(app, ANN).await;
        let (browser, program) = (shows(app).await, shows(app).await);
        replaced(app, &ann).await;
        let refused = sign_in::begin_session(app.context(), &browser, (Device::default(), None)).await;
        assert_eq!(refused.unwrap_err().code, FaultCode::InvalidCredentials);
        let refused = oauth::begin_shown(app.context(), program, Device::default()).await;
        assert_eq!(refused.err().unwrap().code, FaultCode::InvalidCredentials);
        assert_eq!(live_sessions(app, &ann).await, 0);
    });
}

#[test]
fn a_session_that_was_planted_stays_if_the_sign_in_does_not_come_about() {
    in_sandbox(async |app| {
        let ann = person(app, ANN).await;
        caller(app).await;
        let shown = shows(app).await;
        replaced(app, &ann).await;
        let refused = sign_in::begin_session(app.context(), &shown, (Device::default(), None)).await;
        assert!(refused.is_err());
        assert_eq!(live_sessions(app, &ann).await, 1, "nothing was done at all");
    });
}

#[test]
fn no_proof_and_no_other_password_follows_from_it() {
    in_sandbox(async |app| {
        let ann = person(app, ANN).await;
        let caller = caller(app).await;
        app.advance(Span::minutes(15));
        let (shown, other) = (shows(app).await, shows(app).await);
        let kept = replaced(app, &ann).await;
        let refused = sign_in::prove(app.context(), &caller, shown).await;
        assert_eq!(refused.unwrap_err().code, FaultCode::InvalidCredentials);
        let wish = api_keys::KeyWish {
            name: "CI".to_owned(),
            scopes: numberotp_core::caller::Scopes::READ_BUY,
            terms: api_keys::KeyTerms::default(),
        };
        let refused = api_keys::create(app.context(), &caller, wish).await;
        assert_eq!(refused.err().unwrap().code, FaultCode::ReauthenticationRequired);
        // A thief's change must not undo what the owner did by a code.
        let thiefs = hash_now(&Secret::new("thief's otter 9")).unwrap();
        let refused = sign_up::replace_password(app.context(), &caller, other, thiefs).await;
        assert_eq!(refused.unwrap_err().code, FaultCode::InvalidCredentials);
        let (id, email) = (ann.id, Email::parse(ANN).unwrap());
        let (holds, now) = app
            .write(move |tx| Ok((password_holds(tx, id, &kept)?, password_by_email(tx, PLATFORM, &email)?)))
            .await;
        assert!(holds && now.is_some());
    });
}

/// Whatever comes first, nobody is in with the old password when the new one is told.
#[test]
fn of_sign_ins_beside_a_reset_none_outlives_it() {
    in_sandbox(async |app| {
        let ann = person(app, ANN).await;
        app.post("/api/auth/forgot-password").json(&json!({ "email": ANN })).ok().await;
        let code = app.mailed_code(ANN).await;
        let by_browser = json!({ "email": ANN, "password": PASSWORD, "transport": "bearer" });
        let by_program = json!({ "grant_type": "password", "email": ANN, "password": PASSWORD });
        let ask = |turn: usize| {
            if turn.is_multiple_of(2) {
                app.post("/api/auth/sign-in").json(&by_browser).start()
            } else {
                app.post(TOKEN).json(&by_program).start()
            }
        };
        let mut asks: Vec<_> = (0..8).map(ask).collect();
        let body = json!({ "email": ANN, "code": code, "password": NEXT });
        let reset = app.post("/api/auth/reset-password").json(&body).start();
        asks.extend((8..16).map(ask));
        reset.await.unwrap().ok();
        for ask in asks {
            let answer = ask.await.unwrap();
            if answer.status != 200 {
                continue;
            }
            let json = answer.json();
            let token = match json.get("data") {
                Some(data) => text(data, "token"),
                None => text(&json, "access_token"),
            };
            app.get(PROFILE).bearer(token).refused(401, "UNAUTHORIZED").await;
        }
        assert_eq!(live_sessions(app, &ann).await, 0);
    });
}

/// A code opens once, from however many networks it is given at the same moment.
#[test]
fn of_resets_by_one_code_at_once_one_is_done() {
    in_sandbox(async |app| {
        person(app, ANN).await;
        app.post("/api/auth/forgot-password").json(&json!({ "email": ANN })).ok().await;
        let code = app.mailed_code(ANN).await;
        let asks: Vec<_> = (0..8_u8)
            .map(|turn| {
                let password = format!("next otter {turn}");
                let body = json!({ "email": ANN, "code": code, "password": password });
                // Two each from one network.
                let from = SocketAddr::from(([192, 0, 2 + turn / 2, 9], 4_000));
                (password, app.post("/api/auth/reset-password").from(from).json(&body).start())
            })
            .collect();
        let mut done = Vec::new();
        for (password, ask) in asks {
            let answer = ask.await.unwrap();
            match answer.status {
                200 => done.push(password),
                _ => drop(answer.refused(401, "INVALID_CREDENTIALS")),
            }
        }
        assert_eq!(done.len(), 1, "{done:?}");
        let body = json!({ "email": ANN, "password": done[0] });
        app.post("/api/auth/sign-in").json(&body).ok().await;
    });
}

/// The page for devices has two steps, and a password may be replaced before the first is done.
#[test]
fn a_ticket_ends_with_the_password_that_it_was_made_for() {
    use numberotp_server::app::devices::{Proof, Ticket, ticket, ticket_read};
    in_sandbox(async |app| {
        let ann = person(app, ANN).await;
        let shown = shows(app).await;
        let code = || Secret::new("BCDFGHJK");
        let proved_at = app.now();
        let made = |shown| {
            ticket(app.context(), &Ticket { person: ann.id, code: code(), proved_at, shown }).unwrap()
        };
        let (with, without) = (made(Proof::Password(shown.mark(app.context()))), made(Proof::Word));
        let good = async |text: &Secret| ticket_read(app.context(), text.expose()).await.unwrap().is_some();
        assert!(good(&with).await && good(&without).await);
        replaced(app, &ann).await;
        assert!(!good(&with).await && good(&without).await);
    });
}

/// Its answer is worded after the commit, and the owner may have been quicker by then.
#[test]
fn a_keepsake_is_as_old_as_its_sign_in_and_ends_with_it() {
    use numberotp_core::cookie::Cookies;
    use numberotp_server::app::keepsake;
    use numberotp_server::store::account::account_keeps;
    in_sandbox(async |app| {
        let ann = person(app, ANN).await;
        app.post("/api/auth/forgot-password").json(&json!({ "email": ANN })).ok().await;
        let code = app.mailed_code(ANN).await;
        let shown = shows(app).await;
        let begun = sign_in::begin_session(app.context(), &shown, (Device::default(), None)).await.unwrap();
        let known = async || {
            let made = keepsake::make(app.context(), ann.id, begun.at).unwrap();
            let cookie = format!("{}={}", keepsake::cookie(false), made.expose());
            let read = keepsake::read(app.context(), &Cookies::parse([cookie.as_str()].into_iter())).unwrap();
            let (id, now) = (ann.id, app.now());
            app.read(move |tx| account_keeps(tx, id, (&read, now))).await
        };
        assert!(known().await);
        app.advance(Span::micros(1));
        let body = json!({ "email": ANN, "code": code, "password": NEXT });
        app.post("/api/auth/reset-password").json(&body).ok().await;
        assert!(!known().await);
    });
}
