//! JSON that is right by the letter and wrong by intent, or neither: a bomb of brackets or keys, keys twice, numbers
//! beyond all measure, halves of characters. Refused by its kind or taken in one defined way; never a 500.

use crate::http_stage::{RENT, listed, look, purses, rent, sms, text};
use http::Method;
use numberotp_core::webhook::SIGNATURE_HEADER;
use numberotp_testkit::app::{Answer, Customer, TestApp, in_sandbox};
use serde_json::Value;

async fn send(app: &TestApp<'_>, customer: &Customer, body: impl Into<Vec<u8>>) -> Answer {
    app.post(RENT).by(customer).body("application/json", body.into()).send().await
}

async fn hook(app: &TestApp<'_>, body: &str) -> Answer {
    let signature = app.signature("sandbox", body);
    let post = app.post("/api/webhooks/sms/sandbox").header(SIGNATURE_HEADER, &signature);
    post.body("application/json", body.to_owned()).send().await
}

/// A rent with one more field, as raw text.
fn with(field: &str, raw: &str) -> String {
    format!(r#"{{"service":"telegram","country":"US","{field}":{raw}}}"#)
}

fn brackets(open: &str, depth: usize, close: &str) -> String {
    format!("{}{}", open.repeat(depth), close.repeat(depth))
}

#[test]
fn depth_is_a_400_or_a_413_and_never_the_end_of_the_stack() {
    in_sandbox(async |app| {
        let customer = app.account(100, 0).await;
        for (deep, status, code) in [
            (brackets("[", 128, "]"), 400, "INVALID_JSON"),
            (brackets("[", 30_000, "]"), 400, "INVALID_JSON"),
            (brackets("{\"a\":", 10_000, "}"), 400, "INVALID_JSON"),
            ("[".repeat(60_000), 400, "INVALID_JSON"),
            (brackets("[", 100_000, "]"), 413, "PAYLOAD_TOO_LARGE"),
        ] {
            send(app, &customer, with("x", &deep)).await.refused(status, code);
            send(app, &customer, deep).await.refused(status, code);
        }
        // Webhooks may be larger: signed, a hundred thousand levels are read as far as they go, and kept sealed.
        let deep = brackets("[", 100_000, "]");
        hook(app, &deep).await.refused(400, "INVALID_PARAMETER");
        hook(app, &with("text", &deep)).await.refused(400, "INVALID_PARAMETER");
        assert_eq!(purses(app, &customer).await, (100, 0.0));
    });
}

#[test]
fn a_million_keys_are_too_large_and_as_many_as_fit_are_ignored() {
    in_sandbox(async |app| {
        let customer = app.account(100, 0).await;
        let keys = |count: usize| (0..count).map(|key| format!(r#""{key}":0,"#)).collect::<String>();
        let body = |count: usize| format!(r#"{{{}"service":"telegram","country":"US"}}"#, keys(count));
        send(app, &customer, body(1_000_000)).await.refused(413, "PAYLOAD_TOO_LARGE");
        hook(app, &body(1_000_000)).await.refused(413, "PAYLOAD_TOO_LARGE");
        let most = body(7_000);
        assert!((60_000..65_536).contains(&most.len()), "{}", most.len());
        send(app, &customer, most).await.ok();
    });
}

#[test]
fn of_a_key_that_is_given_twice_the_last_counts() {
    in_sandbox(async |app| {
        let customer = app.account(200, 0).await;
        let twice =
            r#"{"service":"nonesuch","country":"US","service":"telegram","maxPrice":"0.01","maxPrice":"1"}"#;
        assert_eq!(text(&send(app, &customer, twice).await.ok()["data"], "service"), "telegram");
        let cheap = r#"{"service":"telegram","country":"US","maxPrice":"1","maxPrice":"0.01"}"#;
        send(app, &customer, cheap).await.refused(409, "PRICE_ABOVE_MAX");
        let gone = r#"{"service":"telegram","country":"US","country":null}"#;
        send(app, &customer, gone).await.refused(400, "INVALID_PARAMETER");

        let id = rent(app, &customer).await;
        let reference = text(&sms(app, &id, "m1", "x").await, "providerRef").to_owned();
        let named = format!(
            r#"{{"providerRef":"nobody's","text":"Telegram code: 11111","providerRef":"{reference}","text":"Telegram code: 22222"}}"#
        );
        assert_eq!(hook(app, &named).await.ok()["matched"], true);
        assert_eq!(look(app, &customer, &id).await["otp"], "22222");
    });
}

#[test]
fn numbers_beyond_measure_are_refused_by_their_field_or_are_no_json() {
    in_sandbox(async |app| {
        let customer = app.account(100, 0).await;
        let digits = "9".repeat(20_000);
        for raw in ["1e999", "-1e999", "1E+400", &format!("{digits}e9")] {
            for field in ["maxPrice", "pool", "country", "x"] {
                send(app, &customer, with(field, raw)).await.refused(400, "INVALID_JSON");
            }
        }
        for raw in ["NaN", "Infinity", "-Infinity", "+1", ".5", "1.", "01", "0x10", "1_000", "--1", "-"] {
            send(app, &customer, with("maxPrice", raw)).await.refused(400, "INVALID_JSON");
        }
        for (field, raw) in [
            ("maxPrice", "-0"),
            ("maxPrice", "-0.0"),
            ("maxPrice", "0e0"),
            ("maxPrice", "1e-999"),
            ("maxPrice", "-1"),
            ("maxPrice", "-9007199254740993"),
            ("maxPrice", "1e308"),
            ("maxPrice", "18446744073709551616"),
            ("maxPrice", "9223372036854775807"),
            ("maxPrice", "\"9223372036854775808\""),
            ("pool", "-0"),
            ("pool", "9007199254740993"),
            ("pool", "-9223372036854775808"),
            ("country", "-0"),
            ("country", "1e2"),
        ] {
            let refused = send(app, &customer, with(field, raw)).await.refused(400, "INVALID_PARAMETER");
            assert!(text(&refused, "error").starts_with(&format!("`{field}` ")), "{raw}: {refused}");
        }
        send(app, &customer, with("x", &digits)).await.refused(400, "INVALID_JSON");
        send(app, &customer, with("country", "9007199254740993")).await.refused(404, "UNKNOWN_COUNTRY");
        assert_eq!(listed(app, &customer, "").await.len(), 0);
        // Two to the 53rd and one is an amount like any other: nothing is rounded on its way in.
        send(app, &customer, with("maxPrice", "1000000.000001")).await.ok();
    });
}

#[test]
fn what_is_no_text_is_no_json() {
    in_sandbox(async |app| {
        let customer = app.account(100, 0).await;
        for raw in [
            r#""\ud800""#,
            r#""\udc00""#,
            r#""\ud800\ud800""#,
            r#""\ud83dx""#,
            r#""\u12""#,
            r#""\x41""#,
            "\"a\u{0}b\"",
            "\"a\nb\"",
            "\"",
            "'a'",
            "undefined",
            "/* a */ 1",
            "1 // a",
        ] {
            send(app, &customer, with("x", raw)).await.refused(400, "INVALID_JSON");
            app.ask(Method::PATCH, "/api/user/profile")
                .by(&customer)
                .body("application/json", format!(r#"{{"name":{raw}}}"#))
                .refused(400, "INVALID_JSON")
                .await;
            hook(app, &with("text", raw)).await.refused(400, "INVALID_PARAMETER");
        }
        for start in ["\u{feff}", "\u{0}", "\u{a0}", "\u{2028}"] {
            send(app, &customer, format!("{start}{}", with("x", "1"))).await.refused(400, "INVALID_JSON");
        }
        // UTF-16 with its mark, and bytes that are no UTF-8 at all.
        let wide: Vec<u8> =
            format!("\u{feff}{}", with("x", "1")).encode_utf16().flat_map(u16::to_le_bytes).collect();
        send(app, &customer, wide).await.refused(400, "INVALID_JSON");
        send(app, &customer, [with("x", "\"").as_bytes(), b"\xc3\x28\"}"].concat())
            .await
            .refused(400, "INVALID_JSON");
        // A NUL that is escaped is a character; a name may not hold it, a text may.
        let name = app.ask(Method::PATCH, "/api/user/profile").by(&customer);
        name.body("application/json", r#"{"name":"a\u0000b"}"#).refused(400, "INVALID_PARAMETER").await;
        let id = rent(app, &customer).await;
        let mut message = sms(app, &id, "m1", "Telegram code: 48291\u{0}").await;
        message["from"] = Value::from("a\u{0}b");
        assert_eq!(app.deliver("sandbox", &message).await.ok()["matched"], true);
        assert_eq!(look(app, &customer, &id).await["fullSms"], "Telegram code: 48291\u{0}");
    });
}

#[test]
fn a_page_beyond_all_rows_is_empty_and_a_number_that_is_none_is_refused() {
    in_sandbox(async |app| {
        let customer = app.account(100, 0).await;
        rent(app, &customer).await;
        for list in ["/api/internal/rents", "/api/internal/transactions"] {
            for good in [
                "page=9223372036854775807",
                "page=4611686018427387904&limit=2",
                "page=9007199254740993&limit=100",
            ] {
                let answer = app.get(&format!("{list}?{good}")).by(&customer).ok().await;
                assert_eq!(answer["data"].as_array().map(Vec::len), Some(0), "{list}?{good}");
            }
            for bad in [
                "-9223372036854775808",
                "-0",
                "1e999",
                "NaN",
                "99999999999999999999999999",
                "9007199254740993.0",
            ] {
                for parameter in ["page", "limit"] {
                    let path = format!("{list}?{parameter}={bad}");
                    app.get(&path).by(&customer).refused(400, "INVALID_PARAMETER").await;
                }
            }
        }
    });
}
