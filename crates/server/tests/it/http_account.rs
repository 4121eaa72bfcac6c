//! An account's view of itself: purses that are spent in the documented order and refilled the way they were
//! emptied, a history that adds up to them, and a profile of which only the name is the customer's to change.

use crate::http_stage::{RENT, at, deliver, keys, purses, rent, telegram, text, transactions};
use http::Method;
use numberotp_core::caller::{Scopes, Standing};
use numberotp_core::ledger::Purse;
use numberotp_core::money::Usd;
use numberotp_core::time::Span;
use numberotp_testkit::app::{Customer, TestApp, in_sandbox};
use serde_json::{Value, json};

/// Lets a moment pass, so that what follows is newer.
fn tick(app: &TestApp<'_>) {
    app.advance(Span::seconds(1));
}

async fn balance(app: &TestApp<'_>, customer: &Customer) -> Value {
    app.get("/api/internal/balance").by(customer).ok().await
}

#[test]
fn the_gift_is_spent_first_and_a_refund_gives_it_back() {
    in_sandbox(async |app| {
        let customer = app.account(50, 1_000_000).await;
        app.give(&customer, Purse::Gift, 200).await;
        let used = async || balance(app, &customer).await["freeCreditsUsed"].as_i64().unwrap();
        assert_eq!(used().await, 0);
        let first = rent(app, &customer).await;
        assert_eq!((used().await, purses(app, &customer).await), (100, (150, 1.0)));
        let second = rent(app, &customer).await;
        assert_eq!((used().await, purses(app, &customer).await), (200, (50, 1.0)));
        rent(app, &customer).await;
        assert_eq!((used().await, purses(app, &customer).await), (200, (0, 0.975)), "never above the gift");

        app.post(&at(&first, "cancel")).by(&customer).ok().await;
        assert_eq!((used().await, purses(app, &customer).await), (100, (100, 0.975)));
        deliver(app, &second, "m1", "Telegram code: 48291").await;
        assert_eq!(
            (used().await, purses(app, &customer).await),
            (100, (100, 0.975)),
            "a message moves nothing more"
        );
    });
}

#[test]
fn credits_are_spent_before_the_balance_and_come_back_as_they_went() {
    in_sandbox(async |app| {
        let customer = app.account(150, 1_000_000).await;
        let first = app.post(RENT).by(&customer).json(&telegram()).ok().await;
        assert_eq!((&first["remainingCredits"], &first["remainingBalance"]), (&json!(50), &json!(1)));
        let second = app.post(RENT).by(&customer).json(&telegram()).ok().await;
        assert_eq!((&second["remainingCredits"], &second["remainingBalance"]), (&json!(0), &json!(0.975)));
        let third = app.post(RENT).by(&customer).json(&telegram()).ok().await;
        assert_eq!((&third["remainingCredits"], &third["remainingBalance"]), (&json!(0), &json!(0.925)));
        for (rent, credits, balance) in [(&second, 50, 0.95), (&first, 150, 0.95), (&third, 150, 1.0)] {
            let canceled = app.post(&at(text(&rent["data"], "id"), "cancel")).by(&customer).ok().await;
            assert_eq!(
                (&canceled["credits"], canceled["balance"].as_f64()),
                (&json!(credits), Some(balance))
            );
            assert_eq!(canceled["refunded"], true);
        }
    });
}

#[test]
fn a_remainder_below_a_credit_comes_from_the_balance_or_costs_a_credit() {
    in_sandbox(async |app| {
        // 0.0345 USD is 69 credits; 0.0259 would leave a remainder. Any such price of the sandbox's will do.
        let prices = app.get("/api/public/prices?country=US").ok().await;
        let (service, pool, micros) =
            odd_price(&prices["data"]["US"]).expect("a price that is no whole number of credits");
        let body = json!({ "service": service, "country": "US", "pool": pool });
        let (whole, rest) = (micros / 500, micros % 500);

        let both = app.account(whole + 10, 1_000_000).await;
        let rented = app.post(RENT).by(&both).json(&body).ok().await;
        assert_eq!(rented["remainingCredits"], 10);
        let left: f64 = Usd::from_micros(1_000_000 - rest).to_string().parse().unwrap();
        assert_eq!(rented["remainingBalance"], left);

        let credits_alone = app.account(whole + 10, 0).await;
        let rented = app.post(RENT).by(&credits_alone).json(&body).ok().await;
        assert_eq!(rented["remainingCredits"], 9, "one more credit, because nothing else can pay the rest");

        let short = app.account(whole, rest - 1).await;
        app.post(RENT).by(&short).json(&body).refused(402, "INSUFFICIENT_BALANCE").await;
        let exact = app.account(whole, rest).await;
        app.post(RENT).by(&exact).json(&body).ok().await;
        assert_eq!(purses(app, &exact).await, (0, 0.0));
    });
}

/// A service, pool and price that is no whole number of credits.
fn odd_price(country: &Value) -> Option<(String, String, i64)> {
    country.as_object()?.iter().find_map(|(service, pools)| {
        pools["services"].as_object()?.iter().find_map(|(pool, offer)| {
            let micros = Usd::parse(text(offer, "cost")).ok()?.micros();
            (micros % 500 != 0).then(|| (service.clone(), pool.clone(), micros))
        })
    })
}

#[test]
fn who_may_not_buy_is_told_why_and_still_reads() {
    in_sandbox(async |app| {
        let customer = app.account(2_000, 0).await;
        let open = rent(app, &customer).await;
        for (standing, code) in
            [(Standing::Pending, "ACCOUNT_NOT_APPROVED"), (Standing::Limited, "ACCOUNT_ON_HOLD")]
        {
            app.set_standing(&customer, standing).await;
            app.post(RENT).by(&customer).json(&telegram()).refused(403, code).await;
            // Also where nothing is to be had: looking elsewhere would not help it.
            let nowhere = json!({ "service": "telegram", "country": "US", "operator": "nonesuch" });
            app.post(RENT).by(&customer).json(&nowhere).refused(403, code).await;
            assert_eq!(balance(app, &customer).await["isApproved"], false);
            assert_eq!(app.get("/api/user/profile").by(&customer).ok().await["data"]["isApproved"], false);
            assert_eq!(purses(app, &customer).await, (1_900, 0.0));
        }
        assert_eq!(app.line().count("allocate"), 1);
        assert!(
            deliver(app, &open, "m1", "Telegram code: 48291").await,
            "what was bought before is delivered"
        );
        app.get(&at(&open, "")).by(&customer).ok().await;
        app.set_standing(&customer, Standing::Approved).await;
        assert_eq!(balance(app, &customer).await["isApproved"], true);
        rent(app, &customer).await;
    });
}

/// A row: type, amount, what moved (balance, credits), what was there after, what it is about, when.
type Expected<'a> = (&'a str, &'a str, (Value, i64), (Value, i64), Option<Value>, &'a str);

fn assert_row(row: &Value, (kind, amount, moved, after, reference, at): Expected<'_>) {
    let fields = "id type amount balanceChange creditsChange balanceAfter creditsAfter description reference createdAt";
    assert_eq!(keys(row), fields.split(' ').collect::<Vec<_>>());
    assert_eq!((text(row, "type"), text(row, "amount"), text(row, "createdAt")), (kind, amount, at));
    assert_eq!((&row["balanceChange"], &row["creditsChange"]), (&moved.0, &json!(moved.1)), "{row}");
    assert_eq!((&row["balanceAfter"], &row["creditsAfter"]), (&after.0, &json!(after.1)), "{row}");
    assert!(reference.is_none_or(|reference| row["reference"] == reference), "{row}");
    assert!(!text(row, "description").is_empty() && text(row, "id").parse::<u64>().is_ok());
}

#[test]
fn each_step_of_the_books_is_a_row_that_says_what_it_did() {
    in_sandbox(async |app| {
        let customer = app.account(150, 0).await;
        tick(app);
        app.give(&customer, Purse::Balance, 100_500_000).await;
        tick(app);
        let kept = rent(app, &customer).await;
        tick(app);
        let canceled = rent(app, &customer).await;
        tick(app);
        app.post(&at(&canceled, "cancel")).by(&customer).ok().await;
        tick(app);
        deliver(app, &kept, "m1", "Telegram code: 48291").await;

        let rows = transactions(app, &customer).await;
        let about = |id: &str| Some(json!({ "kind": "rent", "id": id }));
        let bonus = ("bonus", "0.075", (json!(0), 150), (json!(0), 150), None, "2024-04-29T09:40:00Z");
        let expected = [
            (
                "refund",
                "0.05",
                (json!(0.025), 50),
                (json!(100.5), 50),
                about(&canceled),
                "2024-04-29T09:40:04Z",
            ),
            (
                "purchase",
                "-0.05",
                (json!(-0.025), -50),
                (json!(100.475), 0),
                about(&canceled),
                "2024-04-29T09:40:03Z",
            ),
            ("purchase", "-0.05", (json!(0), -100), (json!(100.5), 50), about(&kept), "2024-04-29T09:40:02Z"),
            ("topup", "100.50", (json!(100.5), 0), (json!(100.5), 150), None, "2024-04-29T09:40:01Z"),
            bonus,
        ];
        assert_eq!(
            rows.len(),
            expected.len(),
            "a charge that was held before is no step of its own: {rows:#?}"
        );
        for (row, expected) in rows.iter().zip(expected) {
            assert_row(row, expected);
        }
    });
}

#[test]
fn a_long_history_is_read_by_pages_and_adds_up() {
    in_sandbox(async |app| {
        let customer = app.account(0, 0).await;
        for step in 1..=57 {
            let purse = if step % 3 == 0 { Purse::Granted } else { Purse::Balance };
            app.give(&customer, purse, step * 100).await;
            // Two of three share their moment with another: ties are told apart by id.
            if step % 3 == 0 {
                tick(app);
            }
        }
        let page = async |query: &str| {
            app.get(&format!("/api/internal/transactions{query}")).by(&customer).ok().await
        };
        let pagination = |page: i64, limit: i64, pages: i64| json!({ "page": page, "limit": limit, "total": 57, "totalPages": pages, "hasMore": page < pages });
        assert_eq!(page("").await["pagination"], pagination(1, 20, 3));
        assert_eq!(page("?page=3&limit=20").await["pagination"], pagination(3, 20, 3));
        assert_eq!(page("?limit=1000").await["pagination"], pagination(1, 100, 1));
        let beyond = page("?page=4").await;
        assert_eq!((&beyond["data"], &beyond["pagination"]), (&json!([]), &pagination(4, 20, 3)));

        let mut rows = Vec::new();
        for number in 1..=6 {
            rows.extend(page(&format!("?limit=10&page={number}")).await["data"].as_array().unwrap().clone());
        }
        assert_eq!(rows.len(), 57);
        let order: Vec<(String, u64)> = rows
            .iter()
            .map(|row| (text(row, "createdAt").to_owned(), text(row, "id").parse().unwrap()))
            .collect();
        assert!(order.windows(2).all(|two| two[0] > two[1]), "newest first, ties by id, nothing twice");
        let sum = |field: &str| rows.iter().map(|row| row[field].as_f64().unwrap()).sum::<f64>();
        let (credits, balance) = purses(app, &customer).await;
        assert!((sum("balanceChange") - balance).abs() < 1e-9);
        assert!((sum("creditsChange") - f64::from(i32::try_from(credits).unwrap())).abs() < 1e-9);
        let other = app.account(100, 0).await;
        assert_eq!(transactions(app, &other).await.len(), 1, "nobody sees another's");
    });
}

#[test]
fn a_profile_shows_the_account_and_takes_a_name() {
    in_sandbox(async |app| {
        let customer = app.account(2_000, 100_500_000).await;
        let profile = app.get("/api/user/profile").by(&customer).ok().await;
        assert_eq!(keys(&profile), ["success", "data"]);
        assert_eq!(
            profile["data"],
            json!({
                "id": customer.account.get().to_string(), "email": customer.email, "name": "Customer", "emailVerified": true,
                "isApproved": true, "role": "customer", "balance": 100.5, "credits": 2_000,
                "createdAt": "2024-04-29T09:40:00Z", "webhookUrl": null, "reseller": null,
            })
        );
        let patch = |name: &str| {
            app.ask(Method::PATCH, "/api/user/profile").by(&customer).json(&json!({ "name": name }))
        };
        for (sent, kept) in [("Zoë 👩‍💻", "Zoë 👩‍💻"), ("  Ann  ", "Ann"), ("<b>O'Hara</b>", "<b>O'Hara</b>")]
        {
            assert_eq!(patch(sent).ok().await["data"]["name"], kept);
            assert_eq!(app.get("/api/user/profile").by(&customer).ok().await["data"]["name"], kept);
        }
        let longest = "n".repeat(100);
        assert_eq!(patch(&longest).ok().await["data"]["name"], longest);
        let reader = app.key(&customer, Scopes::parse("read").unwrap()).await;
        app.ask(Method::PATCH, "/api/user/profile")
            .bearer(&reader)
            .json(&json!({ "name": "No" }))
            .refused(403, "INSUFFICIENT_SCOPE")
            .await;
    });
}

#[test]
fn numbers_of_money_are_printed_as_people_write_them() {
    in_sandbox(async |app| {
        for (micros, printed) in [
            (0, "0"),
            (1_000_000, "1"),
            (100_500_000, "100.5"),
            (50_000, "0.05"),
            (100, "0.0001"),
            (9_007_199_254_740_000, "9007199254.74"),
        ] {
            let customer = app.account(0, micros).await;
            let answer = app.get("/api/internal/balance").by(&customer).send().await;
            assert!(
                answer.text().contains(&format!("\"balance\":{printed},")),
                "{printed}: {}",
                answer.text()
            );
        }
    });
}
