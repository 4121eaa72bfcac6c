//! Many at once. Whatever the order in which things happen, a purse pays once for what it can pay, a rent ends
//! once, and a message is either its buyer's and charged, or nobody's and free.

use crate::http_stage::{
    RENT, at, deliver, listed, look, movements, purses, rent, sms, step, telegram, text,
};
use http::Method;
use numberotp_core::time::Span;
use numberotp_testkit::app::{Answer, Customer, TestApp, in_sandbox};
use tokio::task::JoinHandle;

/// Waits for all of them.
async fn all(asked: Vec<JoinHandle<Answer>>) -> Vec<Answer> {
    let mut answers = Vec::new();
    for answer in asked {
        answers.push(answer.await.unwrap());
    }
    answers
}

#[test]
fn of_two_hundred_at_once_with_money_for_one_one_gets_it() {
    in_sandbox(async |app| {
        for (credits, balance, after) in
            [(100, 0, (0, 0.0)), (0, 50_000, (0, 0.0)), (60, 20_000, (0, 0.0)), (199, 0, (99, 0.0))]
        {
            let customer = app.account(credits, balance).await;
            let asked = (0..200).map(|_| app.post(RENT).by(&customer).json(&telegram()).start()).collect();
            let answers = all(asked).await;
            let (bought, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
            assert_eq!((bought.len(), refused.len()), (1, 199));
            for answer in refused {
                answer.refused(402, "INSUFFICIENT_BALANCE");
            }
            assert_eq!(purses(app, &customer).await, after);
            assert_eq!(listed(app, &customer, "").await.len(), 1);
            assert_eq!(movements(app, &customer).await.iter().filter(|kind| *kind == "purchase").count(), 1);
        }
        assert_eq!(
            app.line().count("allocate"),
            4,
            "a provider is asked for what is paid, and for nothing else"
        );
    });
}

#[test]
fn many_customers_at_once_each_get_their_own() {
    in_sandbox(async |app| {
        let mut customers = Vec::new();
        for _ in 0..20 {
            customers.push(app.account(500, 0).await);
        }
        let ask = |customer: &Customer| app.post(RENT).by(customer).json(&telegram()).start();
        let asked = (0..5).flat_map(|_| customers.iter().map(ask)).collect();
        let mut numbers: Vec<String> =
            all(asked).await.iter().map(|answer| text(&answer.ok()["data"], "number").to_owned()).collect();
        numbers.sort();
        numbers.dedup();
        assert_eq!(numbers.len(), 100);
        for customer in &customers {
            assert_eq!(purses(app, customer).await, (0, 0.0));
            assert_eq!(listed(app, customer, "").await.len(), 5);
        }
    });
}

#[test]
fn a_cancel_and_a_message_at_once_agree_on_who_was_first() {
    in_sandbox(async |app| {
        let customer = app.account(100 * 30, 0).await;
        let (mut kept, mut back) = (0, 0);
        for turn in 0..30 {
            let id = rent(app, &customer).await;
            let message = sms(app, &id, &format!("turn {turn}"), "Telegram code: 48291").await;
            let cancel = app.post(&at(&id, "cancel")).by(&customer);
            // Every other time the message is sent first.
            let (canceled, delivered) = if turn % 2 == 0 {
                let canceling = cancel.start();
                let delivered = app.deliver("sandbox", &message).await;
                (canceling.await.unwrap(), delivered)
            } else {
                let (delivered, canceled) = tokio::join!(app.deliver("sandbox", &message), cancel.send());
                (canceled, delivered)
            };
            delivered.ok();
            let seen = look(app, &customer, &id).await;
            match canceled.status {
                200 => {
                    assert_eq!((text(&seen, "status"), &seen["otp"]), ("canceled", &serde_json::Value::Null));
                    assert!(!app.get(&at(&id, "")).by(&customer).send().await.text().contains("48291"));
                    back += 1;
                }
                _ => {
                    canceled.refused(409, "INVALID_STATE");
                    assert_eq!((text(&seen, "status"), text(&seen, "otp")), ("received", "48291"));
                    kept += 1;
                }
            }
        }
        assert_eq!(kept + back, 30);
        assert_eq!(
            purses(app, &customer).await,
            (100 * back, 0.0),
            "each way the money fits: {kept} kept, {back} back"
        );
    });
}

#[test]
fn ending_a_rent_many_times_at_once_ends_it_once() {
    in_sandbox(async |app| {
        let customer = app.account(300, 0).await;
        let (canceled, finished) = (rent(app, &customer).await, rent(app, &customer).await);
        deliver(app, &finished, "m1", "Telegram code: 48291").await;
        let by_post = |id: &str, verb: &str| app.post(&at(id, verb)).by(&customer).start();
        let mut asked = Vec::new();
        for _ in 0..20 {
            asked.push(by_post(&canceled, "cancel"));
            asked.push(app.ask(Method::DELETE, &at(&canceled, "")).by(&customer).start());
            asked.push(by_post(&finished, "finish"));
        }
        for answer in all(asked).await {
            answer.ok();
        }
        assert_eq!(purses(app, &customer).await, (200, 0.0));
        let rows = movements(app, &customer).await;
        assert_eq!(rows.iter().filter(|kind| *kind == "refund").count(), 1);
        app.run_jobs().await;
        assert_eq!(app.line().count("release"), 2, "each number is given back once");
    });
}

#[test]
fn a_cancel_and_the_windows_end_at_once_refund_once() {
    in_sandbox(async |app| {
        for _ in 0..10 {
            let customer = app.account(100, 0).await;
            let id = rent(app, &customer).await;
            app.advance(Span::minutes(20));
            let canceling = app.post(&at(&id, "cancel")).by(&customer).start();
            app.run_jobs().await;
            let canceled = canceling.await.unwrap();
            let status = look(app, &customer, &id).await["status"].clone();
            if canceled.status == 200 {
                assert_eq!(status, "canceled");
            } else {
                assert_eq!(text(&canceled.refused(409, "INVALID_STATE"), "status"), "expired");
                assert_eq!(status, "expired");
            }
            assert_eq!(purses(app, &customer).await, (100, 0.0));
            assert_eq!(movements(app, &customer).await.iter().filter(|kind| *kind == "refund").count(), 1);
        }
    });
}

/// Posts one body many times at once.
async fn flood(app: &TestApp<'_>, body: &serde_json::Value, times: usize) -> Vec<bool> {
    let text = body.to_string();
    let signature = app.signature("sandbox", &text);
    let post = |_| {
        let post = app.post("/api/webhooks/sms/sandbox").header("x-signature", &signature);
        post.body("application/json", text.clone()).start()
    };
    let answers = all((0..times).map(post).collect()).await;
    answers.iter().map(|answer| answer.ok()["matched"].as_bool().unwrap()).collect()
}

#[test]
fn a_message_that_is_posted_fifty_times_at_once_is_one_message() {
    in_sandbox(async |app| {
        let customer = app.account(100, 0).await;
        let id = rent(app, &customer).await;
        let named = sms(app, &id, "m1", "Telegram code: 48291").await;
        let mut nameless = named.clone();
        nameless["messageId"] = serde_json::Value::Null;
        assert_eq!(flood(app, &named, 50).await, [true; 50]);
        assert_eq!(flood(app, &nameless, 50).await, [true; 50]);
        assert_eq!(look(app, &customer, &id).await["sms"].as_array().unwrap().len(), 2);
        assert_eq!(movements(app, &customer).await, ["purchase", "bonus"].map(str::to_owned).to_vec());
        step(app, &customer, &id, "finish").await.ok();
        assert_eq!(purses(app, &customer).await, (0, 0.0));
    });
}
