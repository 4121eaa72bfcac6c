//! The published page, word for word: each of its examples gives the answer that it prints, key for key and
//! value for value. Whoever copies a line from it gets what it promises.

use crate::http_stage::{RENT, keys, text};
use numberotp_server::app::demo;
use numberotp_testkit::app::{TestApp, in_sandbox};
use serde_json::{Value, json};

/// The key that the program prints at its first start.
fn demo_key() -> String {
    demo::api_key().expose().to_owned()
}

/// The page's rent, printed in two parts around what is different each time.
async fn rent(app: &TestApp<'_>, body: &str) -> Value {
    let ask = app.post(RENT).bearer(&demo_key()).body("application/json", body.to_owned());
    let answer = ask.send().await;
    let json = answer.ok();
    assert_eq!(keys(&json)[..3], ["success", "data", "remainingCredits"]);
    let data = &json["data"];
    assert_eq!(keys(data)[..5], ["id", "number", "service", "country", "expiresAt"]);
    let id: u32 = text(data, "id").parse().unwrap();
    assert!(id > 0 && id < 1 << 31, "old clients read ids into 32 bits: {id}");
    let digits = text(data, "number").strip_prefix("+1").unwrap();
    assert!(digits.len() == 10 && digits.bytes().all(|digit| digit.is_ascii_digit()));
    assert_eq!(text(data, "service"), "telegram");
    assert_eq!(text(data, "country"), "US");
    json
}

#[test]
fn the_price_of_telegram_in_the_us_is_the_printed_one() {
    in_sandbox(async |app| {
        let answer = app.get("/api/public/prices?service=telegram&country=US").send().await;
        answer.ok();
        let page = r#"{"success":true,"data":{"US":{"telegram":{"services":{"1":{"cost":"0.05","count":"1000"}}}}},"source":"api"}"#;
        assert_eq!(answer.text(), page);
        let axios = app.get("/api/public/prices?country=US&service=telegram").send().await;
        assert_eq!(axios.text(), page, "the order of parameters is nobody's business");
    });
}

#[test]
fn the_balance_is_flat_and_the_printed_one() {
    in_sandbox(async |app| {
        // The page prints `cache` where a copy answered; here the ledger does, and says so.
        let page = r#"{"success":true,"balance":100.5,"credits":2000,"freeCreditsUsed":0,"isApproved":true,"source":"api"}"#;
        let curl = app.get("/api/internal/balance").bearer(&demo_key());
        let answer = curl.header("content-type", "application/json").send().await;
        answer.ok();
        assert_eq!(answer.text(), page);
        for body in ["", "{}", r#"{"refresh":true}"#, r#"{"refresh":false,"more":1}"#] {
            let post = app.post("/api/internal/balance").bearer(&demo_key());
            assert_eq!(post.body("application/json", body).send().await.text(), page, "POST {body}");
        }
        let bare = app.post("/api/internal/balance").bearer(&demo_key()).send().await;
        assert_eq!(bare.text(), page, "no body, no kind");
    });
}

#[test]
fn renting_telegram_takes_2000_credits_to_1900() {
    in_sandbox(async |app| {
        let first = rent(app, r#"{"service":"telegram","country":"US","operator":"verizon"}"#).await;
        assert_eq!(first["remainingCredits"], 1_900);
        assert_eq!(first["remainingBalance"], 100.5);
        assert_eq!(first["balance"], 100.5);
        let data = &first["data"];
        assert_eq!(text(data, "expiresAt"), "2024-04-29T10:00:00Z");
        assert_eq!(text(data, "operator"), "verizon");
        assert_eq!(text(data, "status"), "waiting");
        assert_eq!(text(data, "cost"), "0.05");
        assert_eq!(data["otp"], Value::Null);

        let sample = rent(app, r#"{"service": "telegram", "country": "US"}"#).await;
        assert_eq!(sample["remainingCredits"], 1_800, "the code samples leave the operator out");
        assert_ne!(sample["data"]["id"], data["id"]);
        assert_ne!(sample["data"]["number"], data["number"]);
    });
}

#[test]
fn the_other_lines_of_the_page_answer_too() {
    in_sandbox(async |app| {
        let list = app.get("/api/internal/transactions?page=1&limit=20").bearer(&demo_key()).ok().await;
        assert_eq!(
            list["pagination"],
            json!({ "page": 1, "limit": 20, "total": 2, "totalPages": 1, "hasMore": false })
        );
        let profile = app.get("/api/user/profile").bearer(&demo_key()).ok().await;
        assert_eq!(profile["data"]["email"], demo::DEMO_EMAIL);

        let rents = app.get("/api/public/rent-prices?service=telegram&country=US").ok().await;
        assert_eq!(rents["source"], "api");
        let telegram = &rents["data"]["US"]["telegram"];
        assert_eq!(keys(telegram), ["durations", "operators"]);
        assert_eq!(telegram["durations"]["4"], json!({ "cost": "0.90", "count": "12" }));
        assert_eq!(telegram["operators"], json!(["any", "verizon"]));
        let hours = ["2", "4", "12", "24", "48", "72", "96", "120", "144", "168", "336", "504", "720"];
        assert_eq!(keys(&telegram["durations"]), hours);
    });
}

#[test]
fn too_few_credits_are_the_printed_402() {
    in_sandbox(async |app| {
        let poor = app.account(99, 0).await;
        let refused = app
            .post(RENT)
            .by(&poor)
            .json(&json!({ "service": "telegram", "country": "US" }))
            .refused(402, "INSUFFICIENT_BALANCE");
        let refused = refused.await;
        assert!(text(&refused, "error").starts_with("Insufficient credits"), "{refused}");
        let rich = app.account(100, 0).await;
        let bought =
            app.post(RENT).by(&rich).json(&json!({ "service": "telegram", "country": "US" })).ok().await;
        assert_eq!(bought["remainingCredits"], 0);
    });
}
