//! Waiting for a code: answered at once when it is there, woken when it comes, told when it never will, and asked
//! to call again when the time is up or the server stops. The bodies are those that clients look into.

use crate::http_stage::{at, deliver, keys, look, raw, rent, step, text};
use http::Method;
use numberotp_core::id::AccountId;
use numberotp_core::time::Span;
use numberotp_server::config::Settings;
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
    let before = waits(app, customer.account);
    let wait = app.get(&at(id, "wait")).by(customer).start();
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
