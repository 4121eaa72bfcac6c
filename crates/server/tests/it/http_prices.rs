//! Prices: what is sold, in the page's tree, by any spelling of service and country; answers that a client may
//! keep and ask about again; and the words that a caller can learn from.

use crate::http_stage::keys;
use flate2::read::GzDecoder;
use http::Method;
use numberotp_server::store::number::Sharing;
use numberotp_testkit::app::{Answer, Gateway, Sim, TestApp, in_sandbox};
use serde_json::{Value, json};
use std::io::Read as _;

const PRICES: &str = "/api/public/prices";

async fn data(app: &TestApp<'_>, path: &str) -> Value {
    app.get(path).ok().await["data"].clone()
}

/// Every `cost` and `count` of a tree.
fn leaves<'a>(value: &'a Value, found: &mut Vec<(&'a str, &'a str)>) {
    match (value["cost"].as_str(), value["count"].as_str()) {
        (Some(cost), Some(count)) => found.push((cost, count)),
        _ => value
            .as_object()
            .into_iter()
            .flat_map(|fields| fields.values())
            .for_each(|inner| leaves(inner, found)),
    }
}

#[test]
fn the_tree_is_pruned_by_service_and_country_in_any_spelling() {
    in_sandbox(async |app| {
        let all = data(app, PRICES).await;
        assert_eq!(keys(&all).len(), 10, "ten countries");
        assert!(keys(&all["US"]).len() > 50, "about sixty services");
        let telegram = data(app, "/api/public/prices?service=telegram").await;
        assert_eq!(keys(&telegram).len(), 10);
        assert!(
            keys(&telegram["GB"]) == ["telegram"]
                && telegram["GB"] == json!({ "telegram": all["GB"]["telegram"] })
        );
        let us = data(app, "/api/public/prices?country=US").await;
        assert_eq!(us, json!({ "US": all["US"] }));
        let one = json!({ "US": { "telegram": all["US"]["telegram"] } });
        for query in [
            "service=telegram&country=US",
            "service=tg&country=187",
            "service=Telegram&country=us",
            "service=TELEGRAM&country=United%20States",
            "service=telegram&country=United+States",
            "service=telegram&service=telegram&country=US&unknown=1",
        ] {
            assert_eq!(data(app, &format!("{PRICES}?{query}")).await, one, "{query}");
        }
        for query in ["", "?", "?service=&country=", "?operator=verizon"] {
            assert_eq!(data(app, &format!("{PRICES}{query}")).await, all, "{query}");
        }
    });
}

#[test]
fn a_filter_that_matches_nothing_is_an_empty_object() {
    in_sandbox(async |app| {
        for query in [
            "service=nonesuch",
            "country=XX",
            "service=telegram&country=XX",
            "service=%00",
            "service=%ff",
            "country=AQ",
            "country=99999",
            "service=telegram&country=7",
        ] {
            for path in [
                format!("{PRICES}?{query}"),
                format!("/api/public/rent-prices?{query}&service=telegram&service=nonesuch"),
            ] {
                let answer = app.get(&path).send().await;
                answer.ok();
                assert_eq!(answer.text(), r#"{"success":true,"data":{},"source":"api"}"#, "{path}");
            }
        }
    });
}

#[test]
fn costs_are_strings_of_two_to_four_decimals_and_counts_of_whole_numbers() {
    in_sandbox(async |app| {
        let all = data(app, PRICES).await;
        let mut found = Vec::new();
        leaves(&all, &mut found);
        assert!(found.len() > 1_000);
        for (cost, count) in found {
            let (whole, decimals) = cost.split_once('.').unwrap();
            let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
            assert!(digits(whole) && digits(decimals) && (2..=4).contains(&decimals.len()), "{cost}");
            assert!(!whole.is_empty() && (whole == "0" || !whole.starts_with('0')), "{cost}");
            assert!(digits(count) && count.parse::<u64>().is_ok(), "{count}");
        }
        let pools: Vec<&str> =
            all["US"].as_object().unwrap().values().flat_map(|service| keys(&service["services"])).collect();
        assert!(pools.iter().all(|pool| ["1", "2", "3"].contains(pool)));
        assert!(["1", "2", "3"].iter().all(|pool| pools.contains(pool)));
    });
}

#[test]
fn rentals_have_their_own_tree_with_an_operator_filter() {
    in_sandbox(async |app| {
        app.get("/api/public/rent-prices").refused(400, "INVALID_PARAMETER").await;
        app.get("/api/public/rent-prices?country=US&service=").refused(400, "INVALID_PARAMETER").await;
        let path = "/api/public/rent-prices?service=telegram&country=US";
        let all = data(app, path).await["US"]["telegram"].clone();
        for operator in ["any", "ANY", "verizon", "VeriZon"] {
            assert_eq!(
                data(app, &format!("{path}&operator={operator}")).await["US"]["telegram"],
                all,
                "{operator}"
            );
        }
        for operator in ["att", "nonesuch", "no%20such", "%00", "-"] {
            let filtered = data(app, &format!("{path}&operator={operator}")).await["US"]["telegram"].clone();
            assert_eq!(filtered, json!({ "durations": {}, "operators": ["any", "verizon"] }), "{operator}");
        }
        let everywhere = data(app, "/api/public/rent-prices?service=telegram").await;
        assert_eq!(keys(&everywhere).len(), 10);
        assert_eq!(everywhere["US"]["telegram"], all);
        assert_eq!(data(app, "/api/public/rent-prices?service=steam").await, json!({}), "not rented out");
    });
}

fn unzipped(answer: &Answer) -> String {
    let mut text = String::new();
    GzDecoder::new(answer.body.as_ref()).read_to_string(&mut text).unwrap();
    text
}

#[test]
fn a_large_answer_is_compressed_for_whoever_takes_it() {
    in_sandbox(async |app| {
        let plain = app.get(PRICES).send().await;
        assert_eq!(plain.header("content-encoding"), "");
        for accepted in ["gzip", "gzip, deflate, br", "br;q=1.0, gzip;q=0.5", "GZIP"] {
            let answer = app.get(PRICES).header("accept-encoding", accepted).send().await;
            assert_eq!((answer.status, answer.header("content-encoding")), (200, "gzip"), "{accepted}");
            assert_eq!(answer.header("content-type"), "application/json");
            assert!(answer.body.len() * 3 < plain.body.len());
            assert_eq!(unzipped(&answer), plain.text());
            assert_ne!(answer.header("etag"), plain.header("etag"), "other bytes, another tag");
            assert!(answer.header("vary").to_lowercase().contains("accept-encoding"));
        }
        for refused in ["identity", "br", "gzip;q=0", ""] {
            let answer = app.get(PRICES).header("accept-encoding", refused).send().await;
            assert_eq!((answer.header("content-encoding"), answer.text()), ("", plain.text()), "{refused}");
            assert!(answer.header("vary").to_lowercase().contains("accept-encoding"));
        }
        let small = app
            .get(&format!("{PRICES}?service=telegram&country=US"))
            .header("accept-encoding", "gzip")
            .send()
            .await;
        assert_eq!(small.header("content-encoding"), "", "a hundred bytes gain nothing");
    });
}

#[test]
fn whoever_has_the_answer_already_gets_a_304() {
    in_sandbox(async |app| {
        for path in [
            PRICES.to_owned(),
            format!("{PRICES}?service=telegram&country=US"),
            "/api/public/rent-prices?service=telegram".to_owned(),
        ] {
            for encoding in ["identity", "gzip"] {
                let ask = || app.get(&path).header("accept-encoding", encoding);
                let first = ask().send().await;
                let tag = first.header("etag").to_owned();
                assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() > 10, "{tag}");
                assert_eq!(ask().send().await.header("etag"), tag, "the same answer, the same tag");
                for known in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
                    let again = ask().header("if-none-match", &known).send().await;
                    assert_eq!((again.status, again.body.len()), (304, 0), "{known}");
                    assert_eq!(again.header("etag"), tag);
                    assert!(again.header("cache-control").contains("must-revalidate"));
                    assert!(again.header("x-request-id").starts_with("req_"));
                    let head = app
                        .ask(Method::HEAD, &path)
                        .header("accept-encoding", encoding)
                        .header("if-none-match", &known)
                        .send()
                        .await;
                    assert_eq!(head.status, 304);
                }
                for stale in ["\"other\"", tag.trim_matches('"'), "", "\"\""] {
                    assert_eq!(ask().header("if-none-match", stale).send().await.status, 200, "{stale}");
                }
            }
        }
    });
}

#[test]
fn a_change_of_the_catalog_is_another_answer() {
    in_sandbox(async |app| {
        let path = format!("{PRICES}?service=telegram&country=GB");
        let before = app.get(&path).send().await;
        let gateway = Gateway {
            code: "modems",
            country: "GB",
            sims: &[Sim { number: "+447700900901", operator: "ee", sharing: Sharing::Exclusive }],
            offers: &[("telegram", 3, 12_300)],
        };
        app.own_gateway(&gateway).await;
        let after = app.get(&path).header("if-none-match", before.header("etag")).send().await;
        let pools = after.ok()["data"]["GB"]["telegram"]["services"].clone();
        assert_eq!(pools["3"], json!({ "cost": "0.0123", "count": "1" }));
        assert_eq!(pools["1"], before.json()["data"]["GB"]["telegram"]["services"]["1"]);
        assert_ne!(after.header("etag"), before.header("etag"));
    });
}

#[test]
fn the_words_can_be_learned() {
    in_sandbox(async |app| {
        let services = data(app, "/api/public/services?country=US").await;
        let telegram =
            services.as_array().unwrap().iter().find(|service| service["service"] == "telegram").unwrap();
        assert_eq!(
            *telegram,
            json!({ "service": "telegram", "code": "tg", "name": "Telegram", "count": "1000" })
        );
        let countries = data(app, "/api/public/countries?service=telegram").await;
        let us = countries.as_array().unwrap().iter().find(|country| country["country"] == "US").unwrap();
        assert_eq!((&us["id"], &us["prefix"], &us["count"]), (&json!("187"), &json!("1"), &json!("1000")));
        let operators = data(app, "/api/public/operators?service=telegram&country=US").await;
        assert_eq!(
            operators,
            json!([{ "operator": "att", "count": "250" }, { "operator": "tmobile", "count": "350" }, { "operator": "verizon", "count": "400" }])
        );
        assert!(
            data(app, "/api/public/services").await.as_array().unwrap().len()
                >= services.as_array().unwrap().len()
        );
        // Each word that is listed is understood where one is asked for.
        let prices = data(app, PRICES).await;
        for service in services.as_array().unwrap() {
            assert!(prices["US"].get(service["service"].as_str().unwrap()).is_some(), "{service}");
        }
        app.get("/api/public/services?country=XX").refused(404, "UNKNOWN_COUNTRY").await;
        app.get("/api/public/countries?service=nonesuch").refused(404, "UNKNOWN_SERVICE").await;
        app.get("/api/public/operators?service=nonesuch").refused(404, "UNKNOWN_SERVICE").await;
        app.get("/api/public/operators?country=XX").refused(404, "UNKNOWN_COUNTRY").await;
    });
}
