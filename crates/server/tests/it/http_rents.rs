//! A customer's rents: what is bought is what was asked for, it reads the same wherever it is read, and nobody
//! else can see it, wait for it or end it.

use crate::http_stage::{RENT, at, deliver, keys, listed, look, purses, rent, rent_by, telegram, text};
use http::Method;
use numberotp_core::time::Span;
use numberotp_testkit::app::{Customer, TestApp, in_sandbox};
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[test]
fn a_rent_reads_the_same_wherever_it_is_read() {
    in_sandbox(async |app| {
        let customer = app.account(200, 0).await;
        let bought = rent_by(app, &customer, telegram()).await;
        let id = text(&bought, "id");
        assert_eq!(
            keys(&bought),
            [
                "id",
                "number",
                "service",
                "country",
                "expiresAt",
                "operator",
                "status",
                "cost",
                "otp",
                "fullSms",
                "sms",
                "pool",
                "createdAt"
            ]
        );
        assert_eq!(look(app, &customer, id).await, bought);
        let list = app.get("/api/internal/rents").by(&customer).ok().await;
        assert_eq!(list["data"], json!([bought]));

        deliver(app, id, "m1", "Telegram code: 48291").await;
        let after = look(app, &customer, id).await;
        assert_eq!(
            (text(&after, "status"), text(&after, "otp"), text(&after, "fullSms")),
            ("received", "48291", "Telegram code: 48291")
        );
        let message = &after["sms"][0];
        assert_eq!(keys(message), ["id", "text", "code", "from", "receivedAt"]);
        assert_eq!(
            (
                text(message, "text"),
                text(message, "code"),
                text(message, "from"),
                text(message, "receivedAt")
            ),
            ("Telegram code: 48291", "48291", "Telegram", "2024-04-29T09:40:00Z")
        );
        let list = app.get("/api/internal/rents").by(&customer).ok().await;
        assert_eq!(list["data"], json!([after]));
        let same = |field: &str| assert_eq!(after[field], bought[field], "{field}");
        ["id", "number", "service", "country", "expiresAt", "operator", "cost", "pool", "createdAt"]
            .into_iter()
            .for_each(same);
    });
}

#[test]
fn a_filter_is_kept_to_or_refused() {
    in_sandbox(async |app| {
        let customer = app.account(0, 100_000_000).await;
        for operator in ["verizon", "tmobile", "att"] {
            let rented = rent_by(
                app,
                &customer,
                json!({ "service": "telegram", "country": "US", "operator": operator }),
            )
            .await;
            assert_eq!((text(&rented, "operator"), text(&rented, "pool")), (operator, "1"));
        }
        assert_eq!(
            rent_by(app, &customer, telegram()).await["operator"],
            "verizon",
            "of equal prices, the one with most in stock"
        );

        // Facebook is sold from all three pools; the third is the cheapest.
        let prices = app.get("/api/public/prices?service=facebook&country=US").ok().await;
        let pools = prices["data"]["US"]["facebook"]["services"].clone();
        let facebook = |more: Value| {
            let mut body = json!({ "service": "facebook", "country": "US" });
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            body
        };
        for pool in ["1", "2", "3"] {
            let rented = rent_by(app, &customer, facebook(json!({ "pool": pool }))).await;
            assert_eq!((text(&rented, "pool"), &rented["cost"]), (pool, &pools[pool]["cost"]));
        }
        let cheapest = rent_by(app, &customer, facebook(json!({}))).await;
        assert_eq!((text(&cheapest, "pool"), &cheapest["cost"]), ("3", &pools["3"]["cost"]));
        let at_most = rent_by(app, &customer, facebook(json!({ "maxPrice": pools["3"]["cost"] }))).await;
        assert_eq!(at_most["cost"], pools["3"]["cost"]);
        let before = purses(app, &customer).await;
        for (body, status, code) in [
            (facebook(json!({ "pool": "1", "maxPrice": pools["3"]["cost"] })), 409, "PRICE_ABOVE_MAX"),
            (facebook(json!({ "maxPrice": "0.0001" })), 409, "PRICE_ABOVE_MAX"),
            (facebook(json!({ "operator": "ee" })), 404, "NO_NUMBERS_AVAILABLE"),
            (
                json!({ "service": "telegram", "country": "US", "operator": "verizon", "pool": "2" }),
                404,
                "NO_NUMBERS_AVAILABLE",
            ),
        ] {
            app.post(RENT).by(&customer).json(&body).refused(status, code).await;
        }
        assert_eq!(purses(app, &customer).await, before);
    });
}

#[test]
fn numbers_and_ids_are_each_their_own() {
    in_sandbox(async |app| {
        let customer = app.account(4_000, 0).await;
        let (mut ids, mut numbers) = (BTreeSet::new(), BTreeSet::new());
        for _ in 0..40 {
            let rented = rent_by(app, &customer, telegram()).await;
            ids.insert(text(&rented, "id").parse::<u32>().unwrap());
            numbers.insert(text(&rented, "number").to_owned());
        }
        assert_eq!((ids.len(), numbers.len()), (40, 40));
        let sorted: Vec<u32> = ids.into_iter().collect();
        assert!(
            sorted.windows(2).any(|two| two[1] - two[0] > 1_000),
            "the next id cannot be guessed from one's own"
        );
    });
}

#[test]
fn the_list_is_paged_newest_first() {
    in_sandbox(async |app| {
        let customer = app.account(2_500, 0).await;
        let mut bought = Vec::new();
        for _ in 0..25 {
            bought.push(rent(app, &customer).await);
            app.advance(Span::seconds(1));
        }
        bought.reverse();
        assert_eq!(listed(app, &customer, "").await, bought[..20]);
        assert_eq!(listed(app, &customer, "?page=2").await, bought[20..]);
        assert_eq!(listed(app, &customer, "?page=3&limit=10").await, bought[20..]);
        assert_eq!(listed(app, &customer, "?limit=1&page=25").await, bought[24..]);
        assert_eq!(listed(app, &customer, "?page=26&limit=1").await, [""; 0]);
        assert_eq!(listed(app, &customer, "?limit=1000").await, bought);
        let page = app.get("/api/internal/rents?page=2&limit=10").by(&customer).ok().await;
        assert_eq!(keys(&page), ["success", "data", "pagination"]);
        assert_eq!(
            page["pagination"],
            json!({ "page": 2, "limit": 10, "total": 25, "totalPages": 3, "hasMore": true })
        );
    });
}

/// One rent of each state that customers see, by its state's name.
async fn one_of_each(app: &TestApp<'_>, customer: &Customer) -> Vec<(&'static str, String)> {
    let expired = rent(app, customer).await;
    app.advance(Span::minutes(20));
    app.run_jobs().await;
    let finished = rent(app, customer).await;
    deliver(app, &finished, "m-finished", "Telegram code: 11111").await;
    app.post(&at(&finished, "finish")).by(customer).ok().await;
    let canceled = rent(app, customer).await;
    app.post(&at(&canceled, "cancel")).by(customer).ok().await;
    let received = rent(app, customer).await;
    deliver(app, &received, "m-received", "Telegram code: 22222").await;
    let waiting = rent(app, customer).await;
    vec![
        ("expired", expired),
        ("finished", finished),
        ("canceled", canceled),
        ("received", received),
        ("waiting", waiting),
    ]
}

#[test]
fn the_list_is_filtered_by_state() {
    in_sandbox(async |app| {
        let customer = app.account(1_000, 0).await;
        let all = one_of_each(app, &customer).await;
        for (status, id) in &all {
            assert_eq!(listed(app, &customer, &format!("?status={status}")).await, [id.as_str()], "{status}");
            assert_eq!(look(app, &customer, id).await["status"], *status);
        }
        assert_eq!(listed(app, &customer, "").await.len(), 5);
        assert_eq!(listed(app, &customer, "?status=").await.len(), 5);
        let page = app.get("/api/internal/rents?status=waiting&limit=1").by(&customer).ok().await;
        assert_eq!(page["pagination"]["total"], 1, "the total is of what was asked for");
        assert_eq!(
            purses(app, &customer).await,
            (700, 0.0),
            "received, finished and waiting cost; the others came back"
        );
    });
}

#[test]
fn somebody_elses_rent_does_not_exist() {
    in_sandbox(async |app| {
        let (owner, other) = (app.account(1_000, 0).await, app.account(1_000, 0).await);
        let own = rent(app, &other).await;
        let mut before = Vec::new();
        for (_, id) in one_of_each(app, &owner).await {
            before.push((id.clone(), look(app, &owner, &id).await));
        }
        let credentials = [other.key.clone(), app.session(&other).await, app.jwt(&other).await];
        for (id, _) in &before {
            for token in &credentials {
                for (method, verb) in [
                    (Method::GET, ""),
                    (Method::GET, "wait"),
                    (Method::POST, "cancel"),
                    (Method::DELETE, ""),
                    (Method::POST, "finish"),
                    (Method::POST, "resend"),
                ] {
                    let refused =
                        app.ask(method, &at(id, verb)).bearer(token).refused(404, "NOT_FOUND").await;
                    assert_eq!(keys(&refused).len(), 4, "no state, no id: {refused}");
                }
            }
        }
        for (id, rent) in &before {
            assert_eq!(look(app, &owner, id).await, *rent, "and nothing happened to it");
        }
        assert_eq!(listed(app, &other, "").await, [own.as_str()]);
        assert_eq!(app.line().count("resend"), 0);
    });
}

#[test]
fn what_is_no_id_is_not_found_either() {
    in_sandbox(async |app| {
        let customer = app.account(100, 0).await;
        let id = rent(app, &customer).await;
        let next = (id.parse::<u32>().unwrap() + 1).to_string();
        let padded = format!("0{id}");
        let long = "9".repeat(300);
        for odd in [
            "0",
            "1",
            "-1",
            "abc",
            "12345",
            "2147483648",
            "99999999999999999999",
            "1e3",
            "0x1",
            "%20",
            "%00",
            "..",
            "null",
            &next,
            &padded,
            &long,
            &format!("{id}%20"),
            &format!("+{id}"),
            &format!("{id}.0"),
        ] {
            for (method, verb) in [
                (Method::GET, ""),
                (Method::GET, "wait"),
                (Method::POST, "cancel"),
                (Method::DELETE, ""),
                (Method::POST, "finish"),
                (Method::POST, "resend"),
            ] {
                app.ask(method, &at(odd, verb)).by(&customer).refused(404, "NOT_FOUND").await;
            }
        }
        assert_eq!(look(app, &customer, &id).await["status"], "waiting");
    });
}

#[test]
fn a_restart_forgets_nothing() {
    in_sandbox(async |app| {
        let customer = app.account(300, 0).await;
        let (read, open) = (rent(app, &customer).await, rent(app, &customer).await);
        deliver(app, &read, "m1", "Telegram code: 48291").await;
        let before = (
            look(app, &customer, &read).await,
            look(app, &customer, &open).await,
            purses(app, &customer).await,
        );
        let session = app.session(&customer).await;
        app.restart().await;
        let after = (
            look(app, &customer, &read).await,
            look(app, &customer, &open).await,
            purses(app, &customer).await,
        );
        assert_eq!(before, after);
        app.get(&at(&read, "")).bearer(&session).ok().await;
        assert!(deliver(app, &open, "m2", "Telegram code: 77777").await);
        assert_eq!(look(app, &customer, &open).await["otp"], "77777");
        let third = rent(app, &customer).await;
        assert!(third != read && third != open);
    });
}
