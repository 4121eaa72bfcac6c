//! When nobody can tell whether a provider sold a number: the buyer is told so and never more than that, no second
//! number is bought, and within a minute of the clock the rent has its number or the money is back.

use crate::http_stage::{
    RENT, at, at_sandbox, deliver, keys, listed, look, movements, purses, row, step, telegram, text,
    transactions,
};
use numberotp_core::job::JobKind;
use numberotp_core::time::Span;
use numberotp_server::app::upstream::Interference;
use numberotp_server::config::Settings;
use numberotp_server::store::job::job_known;
use numberotp_server::store::sandbox::sandbox_purchase_get;
use numberotp_testkit::app::{Answer, Customer, Setup, TestApp, in_sandbox, until, with_app};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// How long a provider is waited for here.
const HURRIED: Span = Span::millis(100);
/// What a machine with other things to do may take beside that; less than the 20 s of a server that was not hurried.
const PATIENCE: Duration = Duration::from_secs(10);

/// Who waits for a provider is told soon that it does not answer.
fn hurried(settings: &mut Settings) {
    settings.purchase_within = HURRIED;
}

/// A purchase that nobody can tell the outcome of; its id.
async fn unconfirmed(app: &TestApp<'_>, customer: &Customer) -> String {
    id_of(&app.post(RENT).by(customer).json(&telegram()).send().await)
}

fn id_of(answer: &Answer) -> String {
    let refused = answer.refused(503, "PURCHASE_UNCONFIRMED");
    assert_eq!(keys(&refused), ["success", "error", "code", "id", "request_id"]);
    assert_eq!(answer.header("retry-after"), "5");
    text(&refused, "id").to_owned()
}

/// While nobody knows: the money is held, the rent is in no list, and it cannot be ended.
async fn is_open(app: &TestApp<'_>, customer: &Customer, id: &str) {
    let seen = look(app, customer, id).await;
    assert_eq!(
        (text(&seen, "status"), &seen["number"], &seen["expiresAt"]),
        ("reserving", &Value::Null, &Value::Null)
    );
    assert_eq!(purses(app, customer).await, (1_900, 0.0));
    assert_eq!(listed(app, customer, "").await, [""; 0]);
    for verb in ["cancel", "finish", "resend"] {
        let refused = step(app, customer, id, verb).await.refused(409, "INVALID_STATE");
        assert_eq!(text(&refused, "status"), "reserving");
    }
    assert_eq!(app.line().count("allocate"), 1, "never a second purchase");
}

/// Settled for the buyer's good: the number is there, for one price.
async fn is_bought(app: &TestApp<'_>, customer: &Customer, id: &str) -> Value {
    let seen = look(app, customer, id).await;
    assert!(["waiting", "received"].contains(&text(&seen, "status")), "{seen}");
    assert!(text(&seen, "number").starts_with("+1"));
    assert_eq!(listed(app, customer, "").await, [id]);
    assert_eq!(purses(app, customer).await, (1_900, 0.0));
    assert_eq!(movements(app, customer).await.iter().filter(|kind| *kind == "purchase").count(), 1);
    assert_eq!(app.line().count("allocate"), 1, "never a second purchase");
    seen
}

/// Settled the other way: everything is back, and nothing is left to pay later.
async fn is_undone(app: &TestApp<'_>, customer: &Customer, id: &str) {
    assert_eq!(look(app, customer, id).await["status"], "failed");
    assert_eq!(purses(app, customer).await, (2_000, 0.0));
    assert_eq!(listed(app, customer, "").await, [""; 0]);
    assert_eq!(app.line().count("allocate"), 1, "never a second purchase");
    let refused = app.get(&at(id, "wait")).by(customer).refused(400, "RENT_CLOSED").await;
    assert_eq!(text(&refused, "status"), "canceled", "the word that tells a client: closed and refunded");
    step(app, customer, id, "cancel").await.refused(409, "INVALID_STATE");
}

#[test]
fn a_lost_reply_becomes_a_rent_within_a_minute() {
    in_sandbox(async |app| {
        let customer = app.account(2_000, 0).await;
        app.line().on("allocate", Interference::LoseReply);
        let id = unconfirmed(app, &customer).await;
        is_open(app, &customer, &id).await;
        app.line().mend();
        app.advance(Span::seconds(24));
        // The sandbox's message is quicker than our own bookkeeping.
        app.run_jobs().await;
        is_open(app, &customer, &id).await;
        app.advance(Span::seconds(1));
        app.run_jobs().await;
        let rent = is_bought(app, &customer, &id).await;
        assert_eq!(text(&rent, "expiresAt"), "2024-04-29T10:00:25Z", "the window begins with the number");
        assert_eq!(text(&rent, "status"), "received");
        assert_eq!(text(&rent, "otp").len(), 5, "what came before was kept for it");
        assert_eq!(transactions(app, &customer).await[0]["reference"], json!({ "kind": "rent", "id": id }));
        app.live(60).await;
        is_bought(app, &customer, &id).await;
    });
}

#[test]
fn a_lost_request_is_money_back_within_a_minute() {
    in_sandbox(async |app| {
        let customer = app.account(2_000, 0).await;
        app.line().on("allocate", Interference::LoseRequest);
        let id = unconfirmed(app, &customer).await;
        is_open(app, &customer, &id).await;
        app.live(30).await;
        is_undone(app, &customer, &id).await;
        // It is asked a few times more for what may still have been on its way, and then never again.
        app.live(300).await;
        assert!((1..=5).contains(&app.line().count("release")));
        let row = app.row_of(&id).get();
        assert!(!app.read(move |tx| job_known(tx, JobKind::ActivationSweep, row)).await);
        is_undone(app, &customer, &id).await;
    });
}

#[test]
fn a_question_that_went_wrong_is_not_one_of_those_that_a_late_number_is_looked_for_with() {
    in_sandbox(async |app| {
        let customer = app.account(2_000, 0).await;
        let wrong = AtomicUsize::new(2);
        app.line().interfere(move |sent| match sent.verb {
            "allocate" => Interference::LoseRequest,
            "release"
                if wrong.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_ok() =>
            {
                Interference::LoseRequest
            }
            _ => Interference::Pass,
        });
        let id = unconfirmed(app, &customer).await;
        app.live(300).await;
        is_undone(app, &customer, &id).await;
        assert_eq!(app.line().count("release"), 5, "two that went wrong, and three over two minutes");
        let row = app.row_of(&id).get();
        assert!(!app.read(move |tx| job_known(tx, JobKind::ActivationSweep, row)).await);
    });
}

#[test]
fn a_provider_that_hangs_holds_nobody_longer_than_promised() {
    with_app(Setup::sandbox().adjusted(hurried), async |app| {
        let customer = app.account(2_000, 0).await;
        app.line().on("allocate", Interference::Hang);
        let begun = Instant::now();
        let id = unconfirmed(app, &customer).await;
        // The provider was given its time, and the buyer is held little longer.
        let (held, promised) = (begun.elapsed(), HURRIED.to_std());
        assert!(held >= promised && held < promised + PATIENCE, "{held:?}");
        is_open(app, &customer, &id).await;
        app.live(60).await;
        is_undone(app, &customer, &id).await;
    });
}

#[test]
fn a_provider_that_cannot_even_be_asked_gives_the_money_back_and_the_number_later() {
    in_sandbox(async |app| {
        let customer = app.account(2_000, 0).await;
        app.line().interfere(|_| Interference::LoseReply);
        let id = unconfirmed(app, &customer).await;
        app.live(54).await;
        is_open(app, &customer, &id).await;
        app.live(6).await;
        is_undone(app, &customer, &id).await;
        assert!(app.line().count("find") > 3);
        // The provider did sell: the number goes back to it as soon as it can be told, its message to nobody.
        assert!(at_sandbox(app, &id).await.is_some());
        app.line().mend();
        assert!(!deliver(app, &id, "for nobody", "Telegram code: 66666").await);
        app.live(120).await;
        assert!(at_sandbox(app, &id).await.is_some_and(|purchase| purchase.released));
        let seen = app.get(&at(&id, "")).by(&customer).send().await;
        assert!(!seen.text().contains("66666"), "{}", seen.text());
        is_undone(app, &customer, &id).await;
    });
}

#[test]
fn a_clear_no_costs_nothing_and_says_so_at_once() {
    in_sandbox(async |app| {
        let customer = app.account(2_000, 0).await;
        for (interference, status, code) in [
            (Interference::Refuse, 502, "PROVIDER_ERROR"),
            (Interference::NoStock, 404, "NO_NUMBERS_AVAILABLE"),
        ] {
            let before = app.line().count("allocate");
            app.line().on("allocate", interference);
            let answer = app.post(RENT).by(&customer).json(&telegram()).send().await;
            answer.refused(status, code);
            assert_eq!(answer.header("retry-after"), "");
            assert_eq!(
                purses(app, &customer).await,
                (2_000, 0.0),
                "nothing is held when the answer goes out"
            );
            assert_eq!(app.line().count("allocate"), before + 3, "every operator was tried");
            // One that was asked for is the only one that is tried.
            let verizon = json!({ "service": "telegram", "country": "US", "operator": "verizon" });
            app.post(RENT).by(&customer).json(&verizon).refused(status, code).await;
            assert_eq!(app.line().count("allocate"), before + 4);
        }
        assert_eq!(listed(app, &customer, "").await, [""; 0]);
        app.line().mend();
        app.live(60).await;
        assert_eq!(app.line().count("find"), 0, "nothing was left to settle");
        assert_eq!(purses(app, &customer).await, (2_000, 0.0));
    });
}

#[test]
fn the_next_operator_is_tried_when_one_has_none() {
    in_sandbox(async |app| {
        let customer = app.account(2_000, 0).await;
        for (first, expected) in [(Interference::NoStock, 1_900), (Interference::Refuse, 1_800)] {
            let tried = app.line().count("allocate");
            app.line().on("allocate", Interference::Pass);
            let calls = Arc::new(Mutex::new(0));
            app.line().interfere(move |sent| {
                let mut calls = calls.lock().unwrap();
                *calls += i32::from(sent.verb == "allocate");
                if *calls == 1 { first } else { Interference::Pass }
            });
            let bought = app.post(RENT).by(&customer).json(&telegram()).ok().await;
            assert_eq!(bought["data"]["operator"], "tmobile", "after verizon, the one with most in stock");
            assert_eq!(bought["remainingCredits"], expected);
            assert_eq!(app.line().count("allocate"), tried + 2);
        }
    });
}

/// Something that a test opens for somebody who waits in another thread.
#[derive(Default)]
struct Gate {
    open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    fn pass(&self) {
        let open = self.open.lock().unwrap();
        drop(self.opened.wait_while(open, |open| !*open).unwrap());
    }
    fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.opened.notify_all();
    }
}

/// Begins a purchase from one operator whose request to the provider waits at a gate.
async fn at_the_gate(app: &TestApp<'_>, customer: &Customer) -> (JoinHandle<Answer>, Arc<Gate>) {
    let gate = Arc::new(Gate::default());
    let keeper = Arc::clone(&gate);
    app.line().interfere(move |sent| {
        if sent.verb == "allocate" {
            keeper.pass();
        }
        Interference::Pass
    });
    let buying = app
        .post(RENT)
        .by(customer)
        .json(&json!({ "service": "telegram", "country": "US", "operator": "verizon" }))
        .start();
    until("the provider is being asked", || app.line().count("allocate") == 1).await;
    (buying, gate)
}

#[test]
fn a_number_that_comes_after_the_money_went_back_is_given_back_too() {
    in_sandbox(async |app| {
        let customer = app.account(2_000, 0).await;
        let (buying, gate) = at_the_gate(app, &customer).await;
        app.live(30).await;
        assert_eq!(purses(app, &customer).await, (2_000, 0.0), "the provider knew of nothing");
        gate.open();
        // An answer that says failed, and means it.
        buying.await.unwrap().refused(502, "PROVIDER_ERROR");
        app.run_jobs().await;
        assert_eq!(purses(app, &customer).await, (2_000, 0.0));
        assert_eq!(listed(app, &customer, "").await, [""; 0]);
        assert_eq!(app.line().count("allocate"), 1);
        let given = app.read(|tx| sandbox_purchase_get(tx, "1")).await;
        assert!(given.is_some_and(|purchase| purchase.released), "at once, not when somebody sweeps");
    });
}

#[test]
fn a_buyer_who_hangs_up_neither_loses_nor_leaks() {
    in_sandbox(async |app| {
        let customer = app.account(2_000, 0).await;
        let (buying, gate) = at_the_gate(app, &customer).await;
        buying.abort();
        assert!(buying.await.unwrap_err().is_cancelled());
        gate.open();
        app.context().tracker.close();
        app.context().tracker.wait().await;
        app.context().tracker.reopen();
        let bought = listed(app, &customer, "").await;
        assert_eq!(bought.len(), 1, "the purchase outlives its request");
        is_bought(app, &customer, &bought[0]).await;
    });
}

#[test]
fn a_power_cut_before_the_provider_was_asked_gives_the_money_back() {
    with_app(Setup::sandbox(), async |app| {
        let customer = app.account(2_000, 0).await;
        app.line().on("allocate", Interference::Hang);
        let buying = app.post(RENT).by(&customer).json(&telegram()).start();
        until("the provider is being asked", || app.line().count("allocate") == 1).await;
        app.restart().await;
        assert!(buying.await.unwrap_err().is_cancelled(), "nobody got an answer");
        app.line().mend();
        assert_eq!(purses(app, &customer).await, (1_900, 0.0));
        assert_eq!(listed(app, &customer, "").await, [""; 0]);
        app.live(60).await;
        assert_eq!(purses(app, &customer).await, (2_000, 0.0));
        assert_eq!(movements(app, &customer).await, ["refund", "purchase", "bonus"]);
    });
}

#[test]
fn a_power_cut_after_the_provider_sold_keeps_the_number_for_its_buyer() {
    with_app(Setup::sandbox(), async |app| {
        let customer = app.account(2_000, 0).await;
        app.line().on("allocate", Interference::LoseReply);
        let id = unconfirmed(app, &customer).await;
        app.restart().await;
        app.line().mend();
        is_open(app, &customer, &id).await;
        app.restart().await;
        app.live(60).await;
        is_bought(app, &customer, &id).await;
        let provider_ref = at_sandbox(app, &id).await.unwrap().provider_ref();
        assert_eq!(row(app, &id).await.state.line().unwrap().provider_ref, provider_ref);
    });
}

#[test]
fn a_message_that_is_quicker_than_its_number_waits_for_it() {
    in_sandbox(async |app| {
        let customer = app.account(2_000, 0).await;
        app.line().on("allocate", Interference::LoseReply);
        let id = unconfirmed(app, &customer).await;
        app.line().mend();
        for _ in 0..2 {
            assert!(!deliver(app, &id, "early", "Telegram code: 48291").await, "nobody's yet");
        }
        is_open(app, &customer, &id).await;
        app.advance(Span::seconds(25));
        app.run_jobs().await;
        let rent = is_bought(app, &customer, &id).await;
        assert_eq!((text(&rent, "status"), text(&rent, "otp")), ("received", "48291"));
        assert_eq!(rent["sms"][0]["receivedAt"], "2024-04-29T09:40:00Z");
        let count = rent["sms"].as_array().unwrap().len();
        assert!(deliver(app, &id, "early", "Telegram code: 48291").await, "its buyer's by now");
        assert_eq!(look(app, &customer, &id).await["sms"].as_array().unwrap().len(), count);
    });
}

#[test]
fn a_wait_for_an_unconfirmed_rent_is_a_wait() {
    in_sandbox(async |app| {
        let customer = app.account(2_000, 0).await;
        app.line().on("allocate", Interference::LoseReply);
        let id = unconfirmed(app, &customer).await;
        app.line().mend();
        let held = app.get(&at(&id, "wait")).by(&customer).start();
        app.live(30).await;
        let code = look(app, &customer, &id).await["otp"].clone();
        assert_eq!(held.await.unwrap().ok()["data"]["otp"], code);
    });
}

#[test]
fn a_try_past_the_deadline_is_not_made_and_out_of_stock_stays_out_of_stock() {
    fn at_once(settings: &mut Settings) {
        settings.purchase_within = Span::default();
    }
    with_app(Setup::sandbox().adjusted(at_once), async |app| {
        let customer = app.account(2_000, 0).await;
        let first = AtomicBool::new(true);
        app.line().interfere(move |sent| match sent.verb {
            "allocate" if first.swap(false, Ordering::Relaxed) => Interference::NoStock,
            _ => Interference::Hang,
        });
        app.post(RENT).by(&customer).json(&telegram()).refused(404, "NO_NUMBERS_AVAILABLE").await;
        assert_eq!(app.line().count("allocate"), 1);
        assert_eq!(purses(app, &customer).await, (2_000, 0.0));
    });
}
