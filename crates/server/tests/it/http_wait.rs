//! Waiting for a code: answered at once when it is there, woken when it comes, told when it never will, and asked
//! to call again when the time is up or the server stops. The bodies are those that clients look into. And whoever is
//! not let in any more when the code comes does not get it, however early the wait began.

use crate::http_stage::{at, deliver, keys, look, raw, rent, step, text};
use http::Method;
use numberotp_core::caller::Scopes;
use numberotp_core::id::AccountId;
use numberotp_core::time::Span;
use numberotp_server::app::auth::KNOWN_FOR;
use numberotp_server::config::Settings;
use numberotp_server::store::api_key::api_keys_revoke;
use numberotp_server::store::session::sessions_revoke;
use numberotp_testkit::app::{Answer, Customer, Setup, TestApp, in_sandbox, until, with_app};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// Waiters look by themselves so rarely that only a wake-up explains an early answer.
fn woken_only(settings: &mut Settings) {
    settings.wait_poll = Span::minutes(10);
}

/// Whoever holds on is soon told to call again.
fn impatient(settings: &mut Settings) {
    woken_only(settings);
    settings.wait_hold = Span::millis(200);
}

/// Those beyond the limit are told sooner than the others.
fn crowded(settings: &mut Settings) {
    woken_only(settings);
    settings.wait_hold_over_limit = Span::millis(100);
}

/// How many waits of an account are held.
fn waits(app: &TestApp<'_>, account: AccountId) -> usize {
    app.context().waits.lock().unwrap().get(&account).copied().unwrap_or(0)
}

/// Begins to wait; comes back when the app holds the wait and has looked once.
async fn hold(app: &TestApp<'_>, customer: &Customer, id: &str) -> JoinHandle<Answer> {
    hold_by(app, customer, (id, &customer.key)).await
}

/// The same with any token of the customer's.
async fn hold_by(app: &TestApp<'_>, customer: &Customer, (id, token): (&str, &str)) -> JoinHandle<Answer> {
    let before = waits(app, customer.account);
    let wait = app.get(&at(id, "wait")).bearer(token).start();
    until("the wait is held", || waits(app, customer.account) > before).await;
    // Reads are served in their order: when these are done, so is the waiter's first look.
    for _ in 0..8 {
        look(app, customer, id).await;
    }
    wait
}

fn code_body(id: &str, status: &str, code: &str, says: &str) -> Value {
    json!({ "success": true, "data": { "otp": code, "status": status, "id": id, "fullSms": says } })
}

#[test]
fn a_code_that_is_there_is_answered_at_once() {
    with_app(Setup::sandbox().adjusted(woken_only), async |app| {
        let customer = app.account(100, 0).await;
        let id = rent(app, &customer).await;
        deliver(app, &id, "m1", "Telegram code: 48291").await;
        let wait = async || app.get(&at(&id, "wait")).by(&customer).ok().await;
        assert_eq!(wait().await, code_body(&id, "received", "48291", "Telegram code: 48291"));
        assert_eq!(wait().await, wait().await, "as often as it is asked for");
        step(app, &customer, &id, "finish").await.ok();
        assert_eq!(wait().await, code_body(&id, "finished", "48291", "Telegram code: 48291"));
    });
}

#[test]
fn a_message_wakes_whoever_waits_for_it_and_nobody_else() {
    with_app(Setup::sandbox().adjusted(woken_only), async |app| {
        let customer = app.account(200, 0).await;
        let (id, other) = (rent(app, &customer).await, rent(app, &customer).await);
        let first = hold(app, &customer, &id).await;
        let second = hold(app, &customer, &id).await;
        let others = hold(app, &customer, &other).await;
        assert!(deliver(app, &id, "m1", "Telegram code: 48291").await);
        for wait in [first, second] {
            assert_eq!(wait.await.unwrap().ok(), code_body(&id, "received", "48291", "Telegram code: 48291"));
        }
        assert!(!others.is_finished());
        assert!(deliver(app, &other, "m2", "Telegram code: 77777").await);
        assert_eq!(others.await.unwrap().ok()["data"]["otp"], "77777");
        until("every place is free again", || waits(app, customer.account) == 0).await;
    });
}

#[test]
fn a_message_without_a_code_does_not_end_the_wait() {
    with_app(Setup::sandbox().adjusted(woken_only), async |app| {
        let customer = app.account(100, 0).await;
        let id = rent(app, &customer).await;
        let wait = hold(app, &customer, &id).await;
        deliver(app, &id, "m1", "Welcome! Somebody will write to you soon.").await;
        let seen = look(app, &customer, &id).await;
        assert_eq!(
            (text(&seen, "status"), &seen["otp"], text(&seen, "fullSms")),
            ("received", &Value::Null, "Welcome! Somebody will write to you soon.")
        );
        assert!(!wait.is_finished());
        deliver(app, &id, "m2", "Telegram code: 48291").await;
        assert_eq!(wait.await.unwrap().ok(), code_body(&id, "received", "48291", "Telegram code: 48291"));
    });
}

#[test]
fn when_the_time_is_up_the_client_is_told_to_call_again() {
    with_app(Setup::sandbox().adjusted(impatient), async |app| {
        let customer = app.account(100, 0).await;
        let id = rent(app, &customer).await;
        let refused = app.get(&at(&id, "wait")).by(&customer).refused(408, "TIMEOUT").await;
        assert_eq!(keys(&refused), ["success", "error", "code", "status", "request_id"]);
        assert_eq!((text(&refused, "error"), text(&refused, "status")), ("Timeout", "waiting"));
        // A client that calls again at once gets what came in between.
        deliver(app, &id, "m1", "Telegram code: 48291").await;
        app.get(&at(&id, "wait")).by(&customer).ok().await;
    });
}

/// The 400 that ends a client's loop.
fn closed(answer: &Answer, word: &str) {
    let refused = answer.refused(400, "RENT_CLOSED");
    assert_eq!(
        (text(&refused, "error"), text(&refused, "status")),
        (format!("Activation is {word}").as_str(), word)
    );
}

#[test]
fn a_rent_that_is_over_ends_the_wait_with_its_state() {
    with_app(Setup::sandbox().adjusted(woken_only), async |app| {
        let customer = app.account(300, 0).await;
        let wait = async |id: &str| app.get(&at(id, "wait")).by(&customer).send().await;

        let canceled = rent(app, &customer).await;
        let held = hold(app, &customer, &canceled).await;
        app.ask(Method::DELETE, &at(&canceled, "")).by(&customer).ok().await;
        closed(&held.await.unwrap(), "canceled");
        closed(&wait(&canceled).await, "canceled");

        let finished = rent(app, &customer).await;
        deliver(app, &finished, "m1", "No code in here").await;
        let held = hold(app, &customer, &finished).await;
        step(app, &customer, &finished, "finish").await.ok();
        closed(&held.await.unwrap(), "finished");

        let expired = rent(app, &customer).await;
        let held = hold(app, &customer, &expired).await;
        app.advance(Span::minutes(20));
        app.run_jobs().await;
        closed(&held.await.unwrap(), "expired");
        closed(&wait(&expired).await, "expired");
    });
}

#[test]
fn beyond_fifty_waits_the_hold_is_short_and_never_a_429() {
    with_app(Setup::sandbox().adjusted(crowded), async |app| {
        let (customer, other) = (app.account(100, 0).await, app.account(100, 0).await);
        let (id, others) = (rent(app, &customer).await, rent(app, &other).await);
        let mut held = Vec::new();
        for _ in 0..50 {
            held.push(app.get(&at(&id, "wait")).by(&customer).start());
        }
        until("fifty waits are held", || waits(app, customer.account) == 50).await;
        let elsewhere = hold(app, &other, &others).await;
        let over = app.get(&at(&id, "wait")).by(&customer).refused(408, "TIMEOUT").await;
        assert_eq!(text(&over, "status"), "waiting");
        assert!(held.iter().all(|wait| !wait.is_finished()), "the fifty are held on");
        // A client that hangs up frees its place.
        held.pop().unwrap().abort();
        until("a place is free", || waits(app, customer.account) == 49).await;
        held.push(hold(app, &customer, &id).await);

        deliver(app, &id, "m1", "Telegram code: 48291").await;
        for wait in held {
            assert_eq!(wait.await.unwrap().ok()["data"]["otp"], "48291");
        }
        assert!(!elsewhere.is_finished(), "another account's waits are its own");
        deliver(app, &others, "m2", "Telegram code: 77777").await;
        elsewhere.await.unwrap().ok();
    });
}

#[test]
fn a_server_that_stops_sends_its_waiters_elsewhere() {
    in_sandbox(async |app| {
        let customer = app.account(200, 0).await;
        let id = rent(app, &customer).await;
        let held = hold(app, &customer, &id).await;
        let request = format!(
            "GET {} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\r\n",
            at(&id, "wait"),
            customer.key
        );
        let connected = tokio::spawn(raw(app.address(), request));
        until("both are held", || waits(app, customer.account) == 2).await;

        app.context().stopping.cancel();
        let answer = held.await.unwrap();
        let refused = answer.refused(408, "TIMEOUT");
        assert_eq!(text(&refused, "status"), "waiting");
        assert_eq!(answer.header("connection"), "close");
        // The whole answer arrives, and then the connection ends: nothing else would end the reading.
        let answer = connected.await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        assert!(answer.to_lowercase().contains("\r\nconnection: close\r\n"), "{answer}");
        assert!(answer.contains(r#""status":"waiting""#), "{answer}");

        app.restart().await;
        deliver(app, &id, "m1", "Telegram code: 48291").await;
        app.get(&at(&id, "wait")).by(&customer).ok().await;
    });
}

/// The codes of two messages, and nothing of them in an answer.
const CODES: [&str; 2] = ["48291", "77777"];

fn shut_out(answer: &Answer) {
    answer.refused(401, "UNAUTHORIZED");
    assert!(!CODES.iter().any(|code| answer.text().contains(code)), "{}", answer.text());
}

#[test]
fn a_key_that_was_revoked_while_it_waited_gets_no_code() {
    with_app(Setup::sandbox().adjusted(woken_only), async |app| {
        let customer = app.account(200, 0).await;
        let (account, session) = (customer.account, app.session(&customer).await);
        let (id, other) = (rent(app, &customer).await, rent(app, &customer).await);
        let stale = app.key(&customer, Scopes::READ_BUY).await;
        let [by_key, by_session] = [&stale, &session].map(|token| (id.as_str(), token.as_str()));
        let (by_key, by_session) =
            (hold_by(app, &customer, by_key).await, hold_by(app, &customer, by_session).await);
        // Another server ends them: this one is not told.
        let now = app.now();
        app.write(move |tx| api_keys_revoke(tx, account, now)).await;
        app.write(move |tx| sessions_revoke(tx, account, now)).await;
        app.advance(Span::millis(1_001));
        assert!(deliver(app, &id, "m1", "Telegram code: 48291").await);
        shut_out(&by_key.await.unwrap());
        shut_out(&by_session.await.unwrap());

        let fresh = app.key(&customer, Scopes::READ_BUY).await;
        app.get(&at(&id, "wait")).bearer(&fresh).ok().await;
        // Whoever is still let in waits as long as ever.
        let held = app.get(&at(&other, "wait")).bearer(&fresh).start();
        until("the wait is held", || waits(app, account) == 1).await;
        app.advance(Span::seconds(50));
        assert!(deliver(app, &other, "m2", "Telegram code: 77777").await);
        assert_eq!(held.await.unwrap().ok()["data"]["otp"], "77777");
    });
}

/// What this server did itself it knows at once.
#[test]
fn a_key_that_is_deleted_here_gets_no_code_from_that_moment_on() {
    with_app(Setup::sandbox().adjusted(woken_only), async |app| {
        let customer = app.account(100, 0).await;
        let session = app.session(&customer).await;
        let id = rent(app, &customer).await;
        let made = json!({ "name": "CI", "scopes": ["read"] });
        let made = app.post("/v1/user/apikeys").bearer(&session).json(&made).ok().await["data"].clone();
        let held = hold_by(app, &customer, (&id, text(&made, "key"))).await;
        let ended = app.ask(Method::DELETE, "/v1/user/apikeys").bearer(&session);
        ended.json(&json!({ "id": made["id"] })).ok().await;
        assert!(deliver(app, &id, "m1", "Telegram code: 48291").await);
        shut_out(&held.await.unwrap());
    });
}

/// The look before the code costs nobody who was looked up a moment ago a question to the database.
#[test]
fn a_code_that_comes_at_once_is_told_without_another_look() {
    with_app(Setup::sandbox().adjusted(woken_only), async |app| {
        let customer = app.account(100, 0).await;
        let account = customer.account;
        let id = rent(app, &customer).await;
        let held = hold(app, &customer, &id).await;
        let now = app.now();
        app.write(move |tx| api_keys_revoke(tx, account, now)).await;
        app.advance(KNOWN_FOR.minus(Span::micros(1)));
        assert!(deliver(app, &id, "m1", "Telegram code: 48291").await);
        assert_eq!(held.await.unwrap().ok()["data"]["otp"], "48291");
    });
}
