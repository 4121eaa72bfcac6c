//! Guessers who come from many networks: together they are slowed for one account, and its owner is met where it is known
//! and where it has just proved to have the mailbox. Whether there is an account, they do not learn.

use crate::http_oauth::person;
use numberotp_core::time::Span;
use numberotp_testkit::app::{Answer, TestApp, in_sandbox};
use serde_json::{Value, json};
use std::net::SocketAddr;

const ANN: &str = "ann@example.com";
const NOBODY: &str = "nobody@example.com";
const PASSWORD: &str = "grey otter 7";
const NEXT: &str = "next otter 8";

/// An address of a network that nobody else in these tests has.
pub fn network(number: u8) -> SocketAddr {
    SocketAddr::from(([10, 9, number, 1], 4_000))
}

const HOME: [u8; 4] = [203, 0, 113, 9];
const HOTEL: [u8; 4] = [198, 51, 100, 9];
const STATION: [u8; 4] = [198, 51, 101, 9];

fn at(place: [u8; 4]) -> SocketAddr {
    SocketAddr::from((place, 4_000))
}

async fn post(app: &TestApp<'_>, from: SocketAddr, what: &str, body: Value) -> Answer {
    app.post(&format!("/api/auth/{what}")).from(from).json(&body).send().await
}

async fn come(app: &TestApp<'_>, from: SocketAddr, (email, password): (&str, &str)) -> Answer {
    post(app, from, "sign-in", json!({ "email": email, "password": password })).await
}

/// A hundred networks guess once each: as many as are free, half of them as first tries.
pub async fn a_hundred_guess(app: &TestApp<'_>, email: &str) {
    for number in 0..100 {
        come(app, network(number), (email, "a guess 1")).await.refused(401, "INVALID_CREDENTIALS");
    }
}

/// What somebody is told who has to wait, and how many passwords were hashed for that.
async fn waits(app: &TestApp<'_>, from: SocketAddr, who: (&str, &str)) -> (Value, u64) {
    let before = app.context().passwords.hashed();
    let mut told = come(app, from, who).await.refused(401, "INVALID_CREDENTIALS");
    told["request_id"] = json!("");
    (told, app.context().passwords.hashed() - before)
}

#[test]
fn networks_that_guess_together_are_slowed_together_and_the_owner_at_home_is_not() {
    in_sandbox(async |app| {
        person(app, ANN).await;
        come(app, at(HOME), (ANN, PASSWORD)).await.ok();
        a_hundred_guess(app, ANN).await;
        // Whoever comes from somewhere new waits, and is told what a wrong password is told.
        let right = waits(app, at(HOTEL), (ANN, PASSWORD)).await;
        let wrong = waits(app, at(HOTEL), (ANN, "a guess 2")).await;
        assert_eq!(right, wrong);
        assert_eq!(right.1, 1, "in the same time");
        come(app, at(HOME), (ANN, PASSWORD)).await.ok();

        // The wait is short, and once in, the account knows the network.
        app.advance(Span::seconds(10));
        come(app, at(HOTEL), (ANN, PASSWORD)).await.ok();
        for number in [100, 101] {
            come(app, network(number), (ANN, "a guess 3")).await.refused(401, "INVALID_CREDENTIALS");
        }
        come(app, network(102), (ANN, PASSWORD)).await.refused(401, "INVALID_CREDENTIALS");
        for place in [HOTEL, HOME] {
            come(app, at(place), (ANN, PASSWORD)).await.ok();
        }
        // A known network has its own patience all the same.
        for _ in 0..5 {
            come(app, at(HOTEL), (ANN, "a guess 4")).await.refused(401, "INVALID_CREDENTIALS");
        }
        come(app, at(HOTEL), (ANN, PASSWORD)).await.refused(401, "INVALID_CREDENTIALS");
        // What strangers did is forgotten a quarter of an hour after the last of it.
        app.advance(Span::minutes(16));
        come(app, at(STATION), (ANN, PASSWORD)).await.ok();
    });
}

#[test]
fn a_new_password_opens_where_its_code_was_typed_however_many_guess() {
    in_sandbox(async |app| {
        person(app, ANN).await;
        a_hundred_guess(app, ANN).await;
        waits(app, at(HOTEL), (ANN, PASSWORD)).await;
        post(app, at(HOTEL), "forgot-password", json!({ "email": ANN })).await.ok();
        let code = app.mailed_code(ANN).await;
        let body = json!({ "email": ANN, "code": code, "password": NEXT });
        post(app, at(HOTEL), "reset-password", body).await.ok();
        // They went on meanwhile.
        waits(app, at(STATION), (ANN, NEXT)).await;
        come(app, at(HOTEL), (ANN, NEXT)).await.ok();
        waits(app, at(STATION), (ANN, NEXT)).await;
    });
}

#[test]
fn an_address_that_nobody_has_is_slowed_like_any_other() {
    in_sandbox(async |app| {
        person(app, ANN).await;
        let mut told = Vec::new();
        for email in [ANN, NOBODY] {
            let before = app.context().passwords.hashed();
            a_hundred_guess(app, email).await;
            told.push((
                waits(app, at(HOTEL), (email, PASSWORD)).await,
                app.context().passwords.hashed() - before,
            ));
        }
        assert_eq!(told[0], told[1]);
    });
}

/// An address of the IPv6 networks of a customer.
fn of_customer(customer: u16, subnet: u16) -> SocketAddr {
    SocketAddr::from(([0x2001, 0xdb8, customer, subnet, 0, 0, 0, 1], 4_000))
}

#[test]
fn a_networks_first_try_does_not_wait_for_those_that_go_on_guessing() {
    in_sandbox(async |app| {
        person(app, ANN).await;
        a_hundred_guess(app, ANN).await;
        app.advance(Span::seconds(10));
        for number in 0..20 {
            come(app, network(number), (ANN, "a guess 2")).await.refused(401, "INVALID_CREDENTIALS");
        }
        // The moment was taken: whoever tried before waits, whoever comes for the first time does not.
        come(app, network(20), (ANN, PASSWORD)).await.refused(401, "INVALID_CREDENTIALS");
        come(app, at(HOTEL), (ANN, PASSWORD)).await.ok();
    });
}

#[test]
fn a_customer_of_a_provider_comes_for_the_first_time_once_a_day_by_whichever_of_its_networks() {
    in_sandbox(async |app| {
        person(app, ANN).await;
        let refused = async |from, password| {
            come(app, from, (ANN, password)).await.refused(401, "INVALID_CREDENTIALS");
        };
        refused(of_customer(1, 1), "a guess 1").await;
        app.advance(Span::hours(23));
        app.run_jobs().await;
        a_hundred_guess(app, ANN).await;
        app.advance(Span::seconds(10));
        refused(network(0), "a guess 2").await;
        refused(of_customer(1, 2), PASSWORD).await;
        refused(of_customer(2, 1), "a guess 3").await;
        app.advance(Span::seconds(10));
        refused(network(0), "a guess 2").await;
        refused(of_customer(2, 7), PASSWORD).await;
        come(app, of_customer(3, 1), (ANN, PASSWORD)).await.ok();
        // A day after its try it comes as the first time again.
        app.advance(Span::hours(1));
        a_hundred_guess(app, ANN).await;
        app.advance(Span::seconds(10));
        refused(network(0), "a guess 2").await;
        refused(of_customer(2, 7), PASSWORD).await;
        come(app, of_customer(1, 3), (ANN, PASSWORD)).await.ok();
    });
}
