//! Rate limits, their headers on every answer, who a caller is behind proxies, and browsers of other origins.

use crate::http_stage::{deliver, rent_by, telegram, text};
use http::Method;
use numberotp_core::time::Span;
use numberotp_server::config::{OnOff, ServeSettings};
use numberotp_testkit::app::{Answer, Ask, Setup, TestApp, in_sandbox, with_app};
use serde_json::json;
use std::collections::BTreeSet;

const LIMITED: Setup = Setup::sandbox().flagged(|flags| flags.rate_limits = Some(OnOff::On));

fn header(answer: &Answer, name: &str) -> i64 {
    answer
        .header(name)
        .parse()
        .unwrap_or_else(|_| panic!("{name}: {:?} in {:?}", answer.header(name), answer.headers))
}

/// Limit, remaining; the reset is checked on the way.
fn quota(app: &TestApp<'_>, answer: &Answer) -> (i64, i64) {
    let reset = header(answer, "x-ratelimit-reset");
    let now = app.now().unix_seconds();
    assert!(reset >= now && reset <= now + 61, "reset {reset} at {now}");
    let remaining = header(answer, "x-ratelimit-remaining");
    assert!(remaining >= 0);
    (header(answer, "x-ratelimit-limit"), remaining)
}

#[test]
fn every_answer_tells_the_quota_whatever_became_of_the_request() {
    with_app(LIMITED, async |app| {
        let customer = app.account(1_000, 0).await;
        let id = text(&rent_by(app, &customer, telegram()).await, "id").to_owned();
        let large = "x".repeat(70_000);
        let table: [(u16, i64, Answer); 12] = [
            (200, 100, app.get("/api/public/prices").send().await),
            (200, 300, app.get("/api/public/services").send().await),
            (404, 300, app.get("/nowhere").send().await),
            (405, 300, app.ask(Method::PUT, "/api/internal/rent").send().await),
            (401, 300, app.get("/api/internal/balance").send().await),
            (200, 60, app.get("/api/internal/balance").by(&customer).send().await),
            (400, 60, app.get("/api/internal/transactions?page=0").by(&customer).send().await),
            (415, 30, app.post("/api/internal/rent").by(&customer).send().await),
            (
                413,
                30,
                app.post("/api/internal/rent").by(&customer).body("application/json", large).send().await,
            ),
            (200, 60, app.get(&format!("/api/internal/rent/{id}")).by(&customer).send().await),
            (404, 300, app.ask(Method::DELETE, "/api/internal/rent/99").by(&customer).send().await),
            (401, 60, app.post("/api/webhooks/sms/sandbox").body("application/json", "{}").send().await),
        ];
        for (status, limit, answer) in &table {
            assert_eq!((answer.status, quota(app, answer).0), (*status, *limit), "{}", answer.text());
        }
        let unmodified = app.get("/api/public/prices").header("if-none-match", "*").send().await;
        assert_eq!((unmodified.status, quota(app, &unmodified).0), (304, 100));
    });
}

#[test]
fn the_101st_price_request_of_a_window_is_refused_and_the_next_window_is_whole() {
    with_app(LIMITED, async |app| {
        for turn in 1..=100 {
            let path = if turn % 2 == 0 {
                "/api/public/prices?service=telegram"
            } else {
                "/api/public/rent-prices?service=telegram"
            };
            let answer = app.get(path).send().await;
            assert_eq!((answer.status, quota(app, &answer)), (200, (100, 100 - turn)));
        }
        app.advance(Span::seconds(18));
        let refused = app.get("/api/public/prices").send().await;
        refused.refused(429, "RATE_LIMITED");
        assert_eq!((quota(app, &refused), refused.header("retry-after")), ((100, 0), "42"));
        // Another window of the same network goes on.
        assert_eq!(app.get("/api/public/services").send().await.status, 200);
        app.advance(Span::seconds(42));
        assert_eq!(quota(app, &app.get("/api/public/prices").send().await), (100, 99));
    });
}

#[test]
fn an_accounts_limit_is_its_own_and_a_refused_rent_moves_no_money() {
    with_app(LIMITED, async |app| {
        let (busy, calm) = (app.account(10_000, 0).await, app.account(100, 0).await);
        for turn in 1..=30 {
            let answer = app.post("/api/internal/rent").by(&busy).json(&telegram()).send().await;
            assert_eq!((answer.status, quota(app, &answer)), (200, (30, 30 - turn)));
        }
        let refused = app.post("/api/internal/rent").by(&busy).json(&telegram()).send().await;
        refused.refused(429, "RATE_LIMITED");
        assert_eq!(refused.header("retry-after"), "60");
        rent_by(app, &calm, telegram()).await;
        let balance = app.get("/api/internal/balance").by(&busy).ok().await;
        assert_eq!(balance["credits"], 10_000 - 30 * 100);
    });
}

#[test]
fn reading_one_rent_has_a_limit_of_its_own_and_waiting_has_none() {
    with_app(LIMITED, async |app| {
        let customer = app.account(1_000, 0).await;
        let one = text(&rent_by(app, &customer, telegram()).await, "id").to_owned();
        let two = text(&rent_by(app, &customer, telegram()).await, "id").to_owned();
        deliver(app, &one, "m1", "Telegram code: 48291").await;
        let path = format!("/api/internal/rent/{one}");
        for turn in 1..=60 {
            let answer = app.get(&path).by(&customer).send().await;
            assert_eq!((answer.status, quota(app, &answer)), (200, (60, 60 - turn)));
        }
        app.get(&path).by(&customer).refused(429, "RATE_LIMITED").await;
        let other = app.get(&format!("/api/internal/rent/{two}")).by(&customer).send().await;
        assert_eq!((other.status, quota(app, &other)), (200, (60, 59)));
        for _ in 0..70 {
            let waited = app.get(&format!("{path}/wait")).by(&customer).send().await;
            assert_eq!((waited.status, quota(app, &waited).0), (200, 600));
        }
    });
}

#[test]
fn only_refused_webhooks_are_limited() {
    with_app(LIMITED, async |app| {
        let customer = app.account(1_000, 0).await;
        let id = text(&rent_by(app, &customer, telegram()).await, "id").to_owned();
        for turn in 1..=60 {
            let answer = app.post("/api/webhooks/sms/sandbox").body("application/json", "{}").send().await;
            assert_eq!((answer.status, quota(app, &answer)), (401, (60, 60 - turn)));
        }
        app.post("/api/webhooks/sms/sandbox")
            .body("application/json", "{}")
            .refused(429, "RATE_LIMITED")
            .await;
        // A verified message still comes through.
        deliver(app, &id, "m1", "Telegram code: 48291").await;
        assert_eq!(
            app.get(&format!("/api/internal/rent/{id}")).by(&customer).ok().await["data"]["otp"],
            "48291"
        );
    });
}

#[test]
fn webhooks_of_nobody_fall_under_the_limit_of_their_network() {
    with_app(LIMITED, async |app| {
        let customer = app.account(1_000, 0).await;
        let id = text(&rent_by(app, &customer, telegram()).await, "id").to_owned();
        for turn in 1..=300 {
            let path = match turn % 4 {
                0 => "/api/webhooks/sms/nosuch",
                1 => "/api/webhooks/sms/%00",
                2 => "/api/webhooks/sms/%ff",
                _ => "/api/webhooks/voice/sandbox",
            };
            let answer = app.post(path).body("application/json", "{}").send().await;
            assert_eq!((answer.status, quota(app, &answer)), (404, (300, 300 - turn)), "{path}");
        }
        // Not even their bodies are read.
        let large = "x".repeat(300 * 1024);
        for path in ["/api/webhooks/sms/nosuch", "/api/webhooks/sms/%ff", "/api/webhooks/voice/sandbox"] {
            let refused = app.post(path).body("application/json", large.clone()).send().await;
            refused.refused(429, "RATE_LIMITED");
            assert_eq!(quota(app, &refused), (300, 0));
        }
        // Of a provider that there is, refused ones count as before, and its messages come through.
        let answer = app.post("/api/webhooks/sms/sandbox").body("application/json", "{}").send().await;
        assert_eq!((answer.status, quota(app, &answer)), (401, (60, 59)));
        assert!(deliver(app, &id, "m1", "Telegram code: 48291").await);
    });
}

/// A monitor that got 429 would start a healthy server anew.
#[test]
fn whoever_asks_how_the_server_is_hears_it_however_much_its_network_asked() {
    let setup = Setup::sandbox().flagged(|flags| {
        flags.rate_limits = Some(OnOff::On);
        flags.metrics_token = Some("metrics-token-of-a-test".to_owned());
    });
    with_app(setup, async |app| {
        let vital = [("/healthz", Method::GET), ("/healthz", Method::HEAD), ("/readyz/", Method::GET)];
        for turn in 0..301 {
            let (path, method) = vital[turn % 3].clone();
            let answer = app.ask(method, path).send().await;
            assert_eq!((answer.status, quota(app, &answer)), (200, (300, 300)), "nothing is counted");
        }
        for turn in 1..=300 {
            // Whoever guesses at the token is counted like anybody else.
            let path = if turn % 2 == 0 { "/nowhere" } else { "/metrics" };
            let answer = app.get(path).send().await;
            assert_eq!((answer.status, quota(app, &answer)), (404, (300, 300 - turn)), "{path}");
        }
        for path in ["/nowhere", "/metrics", "/api/public/services"] {
            app.get(path).refused(429, "RATE_LIMITED").await;
        }
        app.post("/healthz").refused(429, "RATE_LIMITED").await;
        for (path, method) in vital {
            let answer = app.ask(method, path).send().await;
            assert_eq!((answer.status, quota(app, &answer)), (200, (300, 0)), "{path}");
        }
        assert_eq!(app.get("/metrics").bearer("metrics-token-of-a-test").send().await.status, 200);
    });
}

#[test]
fn switched_off_everything_is_let_through_and_the_headers_stay() {
    with_app(Setup::sandbox().flagged(|flags| flags.rate_limits = Some(OnOff::Off)), async |app| {
        for _ in 0..120 {
            let answer = app.get("/api/public/prices").send().await;
            assert_eq!((answer.status, quota(app, &answer).0), (200, 100));
        }
    });
}

const BEHIND_PROXY: Setup = Setup::sandbox().flagged(|flags| {
    *flags = ServeSettings {
        rate_limits: Some(OnOff::On),
        // The address that the test app gives its callers.
        trusted_proxies: Some("192.0.2.0/24".to_owned()),
        cors_origins: Some("https://app.example.com".to_owned()),
        ..flags.clone()
    };
});

#[test]
fn behind_a_trusted_proxy_each_caller_has_its_own_limit_and_nobody_can_invent_one() {
    with_app(BEHIND_PROXY, async |app| {
        let ask = async |forwarded: &str| {
            let answer = app.get("/api/public/prices").header("x-forwarded-for", forwarded).send().await;
            quota(app, &answer).1
        };
        assert_eq!((ask("198.51.100.1").await, ask("198.51.100.1").await), (99, 98));
        assert_eq!(ask("198.51.100.2").await, 99);
        // What the caller wrote itself stands further left and counts for nothing.
        assert_eq!(ask("1.2.3.4, 198.51.100.1").await, 97);
        // IPv6 is counted by its /64.
        assert_eq!((ask("2001:db8:1:2::1").await, ask("2001:db8:1:2::ffff").await), (99, 98));
    });
    with_app(LIMITED, async |app| {
        // No proxy is trusted: the header is the caller's own invention.
        for (turn, forwarded) in [(1, "198.51.100.1"), (2, "198.51.100.2")] {
            let answer = app.get("/api/public/prices").header("x-forwarded-for", forwarded).send().await;
            assert_eq!(quota(app, &answer).1, 100 - turn);
        }
    });
}

#[test]
fn browsers_are_let_in_by_origin() {
    with_app(BEHIND_PROXY, async |app| {
        let customer = app.account(100, 0).await;
        let public = app.get("/api/public/prices").header("origin", "https://anywhere.example").send().await;
        assert_eq!(public.header("access-control-allow-origin"), "*");
        assert!(!public.headers.contains_key("access-control-allow-credentials"));
        for name in [
            "x-ratelimit-limit",
            "x-ratelimit-remaining",
            "x-ratelimit-reset",
            "retry-after",
            "age",
            "x-request-id",
        ] {
            assert!(public.header("access-control-expose-headers").contains(name), "{name}");
        }
        let ours = app
            .get("/api/internal/balance")
            .by(&customer)
            .header("origin", "https://app.example.com")
            .send()
            .await;
        assert_eq!(ours.header("access-control-allow-origin"), "https://app.example.com");
        assert_eq!(ours.header("access-control-allow-credentials"), "true");
        assert!(ours.header("vary").contains("origin"));
        let theirs = app
            .get("/api/internal/balance")
            .by(&customer)
            .header("origin", "https://evil.example")
            .send()
            .await;
        assert!(!theirs.headers.contains_key("access-control-allow-origin"));

        let preflight = async |origin: &str| {
            let ask = app.ask(Method::OPTIONS, "/api/internal/rent").header("origin", origin);
            ask.header("access-control-request-method", "POST").send().await
        };
        let granted = preflight("https://app.example.com").await;
        assert_eq!(granted.status, 204);
        assert!(granted.header("access-control-allow-methods").contains("POST"));
        assert!(granted.header("access-control-allow-headers").contains("idempotency-key"));
        let refused = preflight("https://evil.example").await;
        assert!(!refused.headers.contains_key("access-control-allow-origin"));
        assert!(!refused.headers.contains_key("access-control-allow-methods"));
    });
}

/// Read by any page, or of no use to one.
const PLAIN: [&str; 7] = [
    "cache-control",
    "content-encoding",
    "content-length",
    "content-type",
    "vary",
    "x-content-type-options",
    "connection",
];

/// What a browser keeps from a page might as well not be sent.
#[test]
fn every_header_that_we_send_can_be_read_by_a_page_that_is_let_in() {
    with_app(BEHIND_PROXY, async |app| {
        let customer = app.account(1_000, 0).await;
        let from = |ask: Ask| ask.header("origin", "https://app.example.com");
        let buy = || {
            from(app.post("/api/internal/rent").by(&customer).header("idempotency-key", "k1"))
                .json(&telegram())
                .send()
        };
        let answers = [
            from(app.get("/api/public/prices")).send().await,
            from(app.get("/nowhere")).send().await,
            from(app.get("/api/internal/balance")).send().await,
            from(app.ask(Method::PUT, "/api/internal/rent")).send().await,
            buy().await,
            buy().await,
        ];
        let mut seen = BTreeSet::new();
        for answer in &answers {
            let exposed: Vec<&str> = answer.header("access-control-expose-headers").split(", ").collect();
            for name in answer.headers.keys().map(|name| name.as_str()) {
                if !PLAIN.contains(&name) && !name.starts_with("access-control-") {
                    assert!(exposed.contains(&name), "{name} of {}", answer.status);
                    seen.insert(name);
                }
            }
        }
        for name in ["allow", "etag", "idempotent-replayed", "link", "www-authenticate", "x-request-id"] {
            assert!(seen.contains(name), "{name} is sent: {seen:?}");
        }
    });
}

#[test]
fn head_options_and_a_trailing_slash_are_answered() {
    in_sandbox(async |app| {
        let whole = app.get("/api/public/prices?service=telegram&country=US").send().await;
        let head = app.ask(Method::HEAD, "/api/public/prices?service=telegram&country=US").send().await;
        assert_eq!((head.status, head.body.len(), head.header("etag")), (200, 0, whole.header("etag")));
        let options = app.ask(Method::OPTIONS, "/api/internal/balance").send().await;
        assert_eq!(options.status, 204);
        for method in ["GET", "HEAD", "POST", "OPTIONS"] {
            assert!(options.header("allow").contains(method), "{method} in {:?}", options.header("allow"));
        }
        app.ask(Method::OPTIONS, "/nowhere").refused(404, "NOT_FOUND").await;
        let slash = app.get("/api/public/prices/?service=telegram&country=US").send().await;
        assert_eq!(slash.body, whole.body);
        let refused = app.ask(Method::PUT, "/api/internal/balance/").send().await;
        refused.refused(405, "METHOD_NOT_ALLOWED");
        assert!(refused.header("allow").contains("GET"));
        let unknown = app.post("/api/internal/rents").json(&json!({})).send().await;
        unknown.refused(405, "METHOD_NOT_ALLOWED");
    });
}
