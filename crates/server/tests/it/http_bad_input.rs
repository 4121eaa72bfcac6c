//! What nobody should send and somebody will. Each field of each body, and each parameter, is refused by name
//! when it is wrong; no refusal asks a provider, moves money or leaves a row.

use crate::http_stage::{RENT, listed, movements, purses, telegram, text};
use http::Method;
use numberotp_testkit::app::{Customer, TestApp, in_sandbox};
use serde_json::{Value, json};

/// Nothing happened: the purses, the books, the list and the provider's line are as they were.
async fn nothing_happened(app: &TestApp<'_>, customer: &Customer) {
    assert_eq!(purses(app, customer).await, (2_000, 100.5));
    assert_eq!(movements(app, customer).await.len(), 2, "the two that gave the money");
    assert_eq!(listed(app, customer, "").await.len(), 0);
    assert_eq!(app.line().sent(), []);
}

async fn customer(app: &TestApp<'_>) -> Customer {
    app.account(2_000, 100_500_000).await
}

/// The good body with a field in another way.
fn with(field: &str, value: Value) -> Value {
    let mut body = telegram();
    body[field] = value;
    body
}

/// What no field takes.
fn wrong_types() -> [Value; 5] {
    [json!(true), json!([]), json!(["US"]), json!({}), json!({ "id": "US" })]
}

/// Every field of a rent with what it does not take.
fn wrong_fields() -> Vec<(&'static str, Value)> {
    let mut bad: Vec<(&'static str, Value)> = Vec::new();
    for field in ["service", "country", "operator", "pool", "maxPrice"] {
        bad.extend(wrong_types().map(|value| (field, value)));
    }
    let huge = "9".repeat(400);
    bad.extend(
        [Value::Null, json!(""), json!("   "), json!("\t\n"), json!(5), json!(-1)]
            .map(|value| ("service", value)),
    );
    bad.extend(
        [Value::Null, json!(""), json!(" "), json!(-1), json!(1.5), json!(1e300)]
            .map(|value| ("country", value)),
    );
    bad.push(("country", json!(18_446_744_073_709_551_616_f64)));
    bad.extend(
        [json!(5), json!("no such"), json!("o\u{0}x"), json!("ä"), json!("x".repeat(33)), json!("../x")]
            .map(|value| ("operator", value)),
    );
    bad.extend(
        ["0", "4", "-1", "1.0", "pool4", "one", "pool", "1 2", "\u{0}", "256", "１"]
            .map(|pool| ("pool", json!(pool))),
    );
    bad.extend(
        [json!(0), json!(4), json!(-1), json!(1.5), json!(256), json!(1e300)].map(|value| ("pool", value)),
    );
    bad.extend(
        [
            "",
            " ",
            "abc",
            "1e3",
            "-1",
            "0",
            "0.00",
            "-0",
            "+1",
            "0x1",
            "1,5",
            "NaN",
            "Infinity",
            "0.0000001",
            "1.",
            ".5",
            "$1",
            "\u{0}",
            huge.as_str(),
        ]
        .map(|amount| ("maxPrice", json!(amount))),
    );
    bad.extend(
        [json!(0), json!(-1), json!(-0.01), json!(1e300), json!(1e-9), json!(0.000_000_1)]
            .map(|value| ("maxPrice", value)),
    );
    bad.extend([json!(4), json!("4"), json!(0), json!(true), json!([])].map(|value| ("duration", value)));
    bad.extend([json!("https://example.com/hook"), json!(""), json!(1)].map(|value| ("webhookUrl", value)));
    bad
}

#[test]
fn a_wrong_field_of_a_rent_is_refused_by_its_name() {
    in_sandbox(async |app| {
        let customer = customer(app).await;
        for (field, value) in wrong_fields() {
            let refused = app
                .post(RENT)
                .by(&customer)
                .json(&with(field, value.clone()))
                .send()
                .await
                .refused(400, "INVALID_PARAMETER");
            assert!(
                text(&refused, "error").starts_with(&format!("`{field}` ")),
                "{field} = {value}: {refused}"
            );
        }
        for (missing, rest) in [
            ("service", json!({ "country": "US" })),
            ("country", json!({ "service": "telegram" })),
            ("service", json!({})),
        ] {
            let refused = app.post(RENT).by(&customer).json(&rest).refused(400, "INVALID_PARAMETER").await;
            assert!(text(&refused, "error").contains(&format!("`{missing}` is missing")), "{refused}");
        }
        nothing_happened(app, &customer).await;
    });
}

#[test]
fn an_unknown_word_of_a_rent_is_a_404_of_its_kind() {
    in_sandbox(async |app| {
        let customer = customer(app).await;
        let long = "x".repeat(60_000);
        for service in
            ["nonesuch", "tele gram", "telegram'--", "tele\u{0}gram", "💬", "%74g", "../tg", long.as_str()]
        {
            app.post(RENT)
                .by(&customer)
                .json(&with("service", json!(service)))
                .refused(404, "UNKNOWN_SERVICE")
                .await;
        }
        for country in [
            json!("XX"),
            json!("USSR"),
            json!("\u{0}"),
            json!("U\u{0}S"),
            json!(long),
            json!(99_999),
            json!("99999"),
            json!(65_723),
            json!("１８７"),
            json!(u64::MAX),
        ] {
            app.post(RENT)
                .by(&customer)
                .json(&with("country", country))
                .refused(404, "UNKNOWN_COUNTRY")
                .await;
        }
        for (field, value) in
            [("operator", "nonesuch"), ("operator", "ee"), ("pool", "2"), ("pool", "3"), ("country", "AQ")]
        {
            let code = if value == "AQ" { "UNKNOWN_COUNTRY" } else { "NO_NUMBERS_AVAILABLE" };
            app.post(RENT).by(&customer).json(&with(field, json!(value))).refused(404, code).await;
        }
        for price in [json!(0.0499), json!("0.0499"), json!("0.000001")] {
            app.post(RENT).by(&customer).json(&with("maxPrice", price)).refused(409, "PRICE_ABOVE_MAX").await;
        }
        nothing_happened(app, &customer).await;
    });
}

#[test]
fn a_body_that_is_no_json_object_is_refused_as_such() {
    in_sandbox(async |app| {
        let customer = customer(app).await;
        let good = telegram().to_string();
        let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let deep_inside =
            |depth: usize| format!(r#"{{"service":"telegram","country":"US","x":{}}}"#, deep(depth));
        let bodies: [Vec<u8>; 19] = [
            Vec::new(),
            b" \n ".to_vec(),
            b"null".to_vec(),
            b"true".to_vec(),
            b"5".to_vec(),
            b"\"telegram\"".to_vec(),
            b"[]".to_vec(),
            format!("[{good}]").into(),
            good.as_bytes()[..good.len() - 1].to_vec(),
            format!("{good}x").into(),
            format!("{good}{good}").into(),
            b"{'service':'telegram','country':'US'}".to_vec(),
            b"{service:\"telegram\"}".to_vec(),
            b"{\"service\":\"telegram\",\"country\":NaN}".to_vec(),
            b"{\"service\":\"\\ud800\",\"country\":\"US\"}".to_vec(),
            [b"\xef\xbb\xbf".as_slice(), good.as_bytes()].concat(),
            b"{\"service\":\"tele\xffgram\",\"country\":\"US\"}".to_vec(),
            deep(20_000).into(),
            deep_inside(200).into(),
        ];
        for body in bodies {
            let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
            let refused = app.post(RENT).by(&customer).body("application/json", body).send().await;
            assert_eq!(refused.status, 400, "{shown}: {}", refused.text());
            refused.refused(400, "INVALID_JSON");
        }
        app.post(RENT)
            .by(&customer)
            .body("application/x-www-form-urlencoded", "service=telegram&country=US")
            .refused(415, "UNSUPPORTED_MEDIA_TYPE")
            .await;
        nothing_happened(app, &customer).await;
    });
}

#[test]
fn what_is_unusual_but_right_is_taken() {
    in_sandbox(async |app| {
        let customer = app.account(10_000, 0).await;
        let same = "tg";
        for body in [
            json!({ "service": " telegram ", "country": " US " }),
            json!({ "service": "TELEGRAM", "country": "us" }),
            json!({ "service": same, "country": 187 }),
            json!({ "service": "Telegram", "country": "187" }),
            json!({ "service": "telegram", "country": "United States", "unknown": { "more": [1, 2] } }),
            json!({ "service": "telegram", "country": "US", "operator": null, "pool": null, "maxPrice": null, "duration": null, "webhookUrl": null }),
            json!({ "service": "telegram", "country": "US", "operator": "", "pool": "" }),
            json!({ "service": "telegram", "country": "US", "operator": "ANY", "pool": "auto" }),
            json!({ "service": "telegram", "country": "US", "operator": " VERIZON ", "pool": "1" }),
            json!({ "service": "telegram", "country": "US", "pool": 1, "maxPrice": 0.05 }),
            json!({ "service": "telegram", "country": "US", "pool": "pool1", "maxPrice": "0.050000" }),
            json!({ "service": "telegram", "country": "US", "maxPrice": 1_000 }),
        ] {
            let rented = app.post(RENT).by(&customer).json(&body).ok().await;
            assert_eq!(text(&rented["data"], "service"), "telegram", "{body}");
            assert_eq!(text(&rented["data"], "country"), "US", "{body}");
            assert_eq!(text(&rented["data"], "cost"), "0.05", "{body}");
        }
        let escaped = br#"{"service":"\u0074elegram","country":"US","country":"US"}"#;
        app.post(RENT).by(&customer).body("application/json", escaped.as_slice()).ok().await;
    });
}

#[test]
fn the_other_bodies_are_read_with_the_same_care() {
    in_sandbox(async |app| {
        let customer = customer(app).await;
        for value in [json!("true"), json!(1), json!(0), json!([]), json!({}), json!("")] {
            let refused = app
                .post("/api/internal/balance")
                .by(&customer)
                .json(&json!({ "refresh": value }))
                .refused(400, "INVALID_PARAMETER")
                .await;
            assert!(text(&refused, "error").starts_with("`refresh` "), "{refused}");
        }
        for body in ["[]", "{", "null", "5", "x"] {
            app.post("/api/internal/balance")
                .by(&customer)
                .body("application/json", body)
                .refused(400, "INVALID_JSON")
                .await;
        }
        let profile = || app.ask(Method::PATCH, "/api/user/profile").by(&customer);
        let long = "n".repeat(101);
        for value in [
            Value::Null,
            json!(""),
            json!("   "),
            json!(5),
            json!(true),
            json!([]),
            json!({}),
            json!("a\u{0}b"),
            json!("a\nb"),
            json!("\u{7f}"),
            json!(long),
        ] {
            let refused = profile().json(&json!({ "name": value })).refused(400, "INVALID_PARAMETER").await;
            assert!(text(&refused, "error").starts_with("`name` "), "{refused}");
        }
        profile().json(&json!({})).refused(400, "INVALID_PARAMETER").await;
        profile().body("application/json", "").refused(400, "INVALID_JSON").await;
        // Nobody gives himself money, a role or an approval.
        let wish = json!({ "name": "Ann", "balance": 1_000_000, "credits": 5, "role": "admin", "isApproved": true, "email": "x@y.z", "id": "1" });
        let after = profile().json(&wish).ok().await;
        assert_eq!(text(&after["data"], "name"), "Ann");
        assert_eq!(text(&after["data"], "role"), "customer");
        assert_eq!(text(&after["data"], "email"), customer.email);
        nothing_happened(app, &customer).await;
    });
}

#[test]
fn parameters_of_lists_are_whole_numbers_and_known_words() {
    in_sandbox(async |app| {
        let customer = customer(app).await;
        for list in ["/api/internal/rents", "/api/internal/transactions"] {
            for parameter in ["page", "limit"] {
                for bad in [
                    "0",
                    "-1",
                    "1.5",
                    "abc",
                    "1e3",
                    "0x1",
                    "%00",
                    "%20",
                    "1%20",
                    "1,0",
                    "9223372036854775808",
                    "%EF%BC%91",
                    "%ff",
                    "null",
                    "1;2",
                ] {
                    let refused = app
                        .get(&format!("{list}?{parameter}={bad}"))
                        .by(&customer)
                        .refused(400, "INVALID_PARAMETER")
                        .await;
                    assert!(
                        text(&refused, "error").starts_with(&format!("`{parameter}` ")),
                        "{list} {bad}: {refused}"
                    );
                }
            }
            for (query, page, limit) in [
                ("", 1, 20),
                ("?page=&limit=", 1, 20),
                ("?page=2&limit=7", 2, 7),
                ("?limit=100", 1, 100),
                ("?limit=101", 1, 100),
                ("?limit=9223372036854775807", 1, 100),
                ("?page=9223372036854775807&limit=100", i64::MAX, 100),
                ("?page=1&page=3", 3, 20),
                ("?pagina=5&unknown=%00", 1, 20),
            ] {
                let answer = app.get(&format!("{list}{query}")).by(&customer).ok().await;
                assert_eq!(
                    (&answer["pagination"]["page"], &answer["pagination"]["limit"]),
                    (&json!(page), &json!(limit)),
                    "{list}{query}"
                );
            }
        }
        for bad in
            ["reserving", "failed", "open", "Waiting", "waiting,received", "cancelled", "%00", "*", "'"]
        {
            let refused = app
                .get(&format!("/api/internal/rents?status={bad}"))
                .by(&customer)
                .refused(400, "INVALID_PARAMETER")
                .await;
            assert!(text(&refused, "error").starts_with("`status` "), "{refused}");
        }
        nothing_happened(app, &customer).await;
    });
}
