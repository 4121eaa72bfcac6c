//! Senders who mean harm, over real sockets: heads that are bombs or never end, bodies that trickle, bodies that
//! are huge, one host that wants every connection. Each is cut in bounded time, and everybody else is served.

use crate::http_stage::{RENT, look, purses, rent, sms, telegram, text};
use crate::http_wire::Wire;
use http::Method;
use numberotp_core::time::Span;
use numberotp_core::webhook::SIGNATURE_HEADER;
use numberotp_server::app::upstream::Interference;
use numberotp_server::config::Settings;
use numberotp_testkit::app::{Setup, TestApp, in_sandbox, until, with_app};
use std::time::Duration;
use tokio::time::{interval, timeout};

const PRICES: &str = "GET /api/public/prices?service=telegram&country=US HTTP/1.1\r\nHost: localhost\r\n\r\n";
const HOOK: &str = "/api/webhooks/sms/sandbox";
const MANY: usize = 10_000_000;
/// So short that a test can wait for it, so long that an honest request is quicker.
const SHORT: Span = Span::millis(400);
/// Longer than any test waits.
const LONG: Span = Span::hours(1);

fn hasty(settings: &mut Settings) {
    (settings.head_within, settings.body_within) = (SHORT, SHORT);
}

#[test]
fn a_head_that_is_a_bomb_is_refused_and_its_connection_ends() {
    in_sandbox(async |app| {
        let many: String = (0..10_000).map(|number| format!("X-{number}: y\r\n")).collect();
        let small: String = (0..101).map(|number| format!("X-{number}: y\r\n")).collect();
        let long = format!("X-Long: {}\r\n", "y".repeat(1_000_000));
        let name = format!("{}: y\r\n", "x".repeat(1_000_000));
        for bomb in [many, small, long, name] {
            let mut wire = Wire::open(app).await;
            wire.send(format!("GET / HTTP/1.1\r\nHost: localhost\r\n{bomb}\r\n")).await;
            let answer = wire.rest().await;
            assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
            assert!(answer.to_lowercase().contains("connection: close"), "{answer}");
        }
        for broken in [
            "GET / HTTP/1.1\r\nHost: a\r\nX: a\u{0}b\r\n\r\n",
            "GET / HTTP/1.1\r\n: y\r\n\r\n",
            "\u{0}\u{1}\r\n\r\n",
        ] {
            let mut wire = Wire::open(app).await;
            wire.send(broken).await;
            let answer = wire.rest().await;
            assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        }
        assert!(Wire::open(app).await.ask(PRICES).await.starts_with("HTTP/1.1 200 "));
    });
}

#[test]
fn a_header_that_never_ends_is_cut_after_a_bounded_number_of_bytes() {
    in_sandbox(async |app| {
        let mut wire = Wire::open(app).await;
        wire.send("GET / HTTP/1.1\r\nX-Long: ").await;
        // What is refused is read away for a moment, and no further.
        let taken = wire.pour(b'y', 200 * 1024 * 1024).await;
        assert!(taken < 64 * 1024 * 1024, "{taken} bytes of one header were taken");
    });
}

/// Sends a byte now and then until the server has had enough; what it answered.
async fn trickle(mut wire: Wire, start: &str) -> String {
    wire.send(start).await;
    let mut tick = interval(Duration::from_millis(50));
    let mut answer = String::new();
    loop {
        tokio::select! {
            _ = tick.tick() => wire.send("y").await,
            more = wire.more() => match more {
                Some(more) => answer.push_str(&more),
                None => return answer,
            },
        }
    }
}

#[test]
fn a_head_that_trickles_is_cut_in_time_first_or_later() {
    with_app(Setup::sandbox().adjusted(hasty), async |app| {
        let start = "GET /api/public/prices HTTP/1.1\r\nX-Slow: ";
        let cut = timeout(Duration::from_secs(10), trickle(Wire::open(app).await, start));
        assert_eq!(cut.await.expect("cut"), "");
        // Whoever says nothing at all is cut too.
        assert_eq!(timeout(Duration::from_secs(10), Wire::open(app).await.rest()).await.expect("cut"), "");
        // The second request of a connection has no more time than the first.
        let mut wire = Wire::open(app).await;
        assert!(wire.ask(PRICES).await.starts_with("HTTP/1.1 200 "));
        assert_eq!(timeout(Duration::from_secs(10), trickle(wire, start)).await.expect("cut"), "");
    });
}

#[test]
fn silence_between_two_requests_is_no_slow_head() {
    with_app(Setup::sandbox().adjusted(hasty), async |app| {
        let mut wire = Wire::open(app).await;
        assert!(wire.ask(PRICES).await.starts_with("HTTP/1.1 200 "));
        let silence = timeout(SHORT.to_std() * 3, wire.more()).await;
        assert!(silence.is_err(), "the connection ended: {silence:?}");
        assert!(wire.ask(PRICES).await.starts_with("HTTP/1.1 200 "));
    });
}

#[test]
fn a_body_that_trickles_is_a_408_and_buys_nothing() {
    with_app(Setup::sandbox().adjusted(hasty), async |app| {
        let customer = app.account(100, 0).await;
        let key = &customer.key;
        for (path, framing) in [
            (RENT, "Content-Length: 60000"),
            (RENT, "Transfer-Encoding: chunked"),
            (HOOK, "Content-Length: 60000"),
            (HOOK, "Transfer-Encoding: chunked"),
        ] {
            let head = format!(
                "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n{framing}\r\n\r\n"
            );
            let start = if framing.starts_with('T') {
                format!("{head}ea60\r\n{{\"x\":\"")
            } else {
                format!("{head}{{\"x\":\"")
            };
            let cut = timeout(Duration::from_secs(10), trickle(Wire::open(app).await, &start));
            let answer = cut.await.expect("answered and cut");
            assert!(answer.starts_with("HTTP/1.1 408 "), "{path} {framing}: {answer}");
            assert!(answer.contains("\"code\":\"TIMEOUT\"") && answer.contains("did not arrive"), "{answer}");
            assert!(answer.to_lowercase().contains("connection: close"), "{answer}");
        }
        assert_eq!(purses(app, &customer).await, (100, 0.0));
    });
}

/// A request whose body the server has begun to wait for.
async fn begun(app: &TestApp<'_>, path: &str, key: &str) -> Wire {
    let mut wire = Wire::open(app).await;
    wire.send(format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\nContent-Length: 50\r\nExpect: 100-continue\r\n\r\n"
    ))
    .await;
    let told = wire.more().await.unwrap_or_default();
    assert!(told.starts_with("HTTP/1.1 100 "), "{told}");
    wire
}

#[test]
fn bodies_that_are_still_coming_keep_nobody_from_buying() {
    let setup = Setup::sandbox().adjusted(|settings| {
        settings.body_within = LONG;
        settings.requests_at_once = 2;
    });
    with_app(setup, async |app| {
        let customer = app.account(1_000, 0).await;
        let mut slow = Vec::new();
        for turn in 0..20 {
            slow.push(begun(app, if turn % 2 == 0 { RENT } else { HOOK }, &customer.key).await);
        }
        for _ in 0..5 {
            rent(app, &customer).await;
        }
        // What came in at last is worked on like any other.
        let body = telegram().to_string();
        let answer = slow[0].ask(&format!("{body:<50}")).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert_eq!(purses(app, &customer).await, (400, 0.0));
    });
}

#[test]
fn a_server_with_all_its_places_taken_says_so_and_does_nothing() {
    let setup = Setup::sandbox().adjusted(|settings| {
        settings.requests_at_once = 1;
        settings.purchase_within = Span::seconds(3);
    });
    with_app(setup, async |app| {
        let customer = app.account(1_000, 0).await;
        app.line().on("allocate", Interference::Hang);
        let hanging = app.post(RENT).by(&customer).json(&telegram()).start();
        until("the provider is asked", || app.line().count("allocate") == 1).await;
        let answer = app.post(RENT).by(&customer).json(&telegram()).send().await;
        answer.refused(503, "OVERLOADED");
        assert_eq!(answer.header("retry-after"), "1");
        assert_eq!(app.line().count("allocate"), 1);
        drop(hanging.await);
        app.line().mend();
        app.live(60).await;
        assert_eq!(purses(app, &customer).await, (1_000, 0.0));
    });
}

#[test]
fn an_answer_that_takes_too_long_is_maintenance_and_the_purchase_is_settled_all_the_same() {
    let setup = Setup::sandbox().adjusted(|settings| {
        settings.answer_within = SHORT;
        settings.purchase_within = Span::seconds(3);
    });
    with_app(setup, async |app| {
        let customer = app.account(1_000, 0).await;
        app.line().on("allocate", Interference::Hang);
        let answer = app.post(RENT).by(&customer).json(&telegram()).send().await;
        assert!(text(&answer.refused(503, "MAINTENANCE"), "error").contains("look before you repeat"));
        assert_eq!(answer.header("retry-after"), "5");
        app.line().mend();
        app.live(60).await;
        assert_eq!(purses(app, &customer).await, (1_000, 0.0));
    });
}

#[test]
fn a_defect_in_the_middle_of_a_purchase_is_told_with_the_rents_id_and_settled() {
    in_sandbox(async |app| {
        let customer = app.account(100, 0).await;
        app.line().interfere(|sent| match sent.verb {
            "allocate" => panic!("a test's panic"),
            _ => Interference::Pass,
        });
        let answer =
            app.post(RENT).by(&customer).json(&telegram()).refused(503, "PURCHASE_UNCONFIRMED").await;
        let id = text(&answer, "id").to_owned();
        assert_eq!(purses(app, &customer).await, (0, 0.0));
        app.live(60).await;
        assert_eq!(look(app, &customer, &id).await["status"], "failed");
        assert_eq!(purses(app, &customer).await, (100, 0.0));
    });
}

#[test]
fn ten_megabytes_are_refused_in_whole_sentences_wherever_they_are_sent() {
    in_sandbox(async |app| {
        let customer = app.account(100, 0).await;
        let id = rent(app, &customer).await;
        let cancel = format!("{RENT}/{id}/cancel");
        let key = &customer.key;
        for (method, path, status) in [
            ("POST", RENT, "413"),
            ("POST", "/api/internal/balance", "413"),
            ("PATCH", "/api/user/profile", "413"),
            ("POST", HOOK, "413"),
            ("POST", "/nowhere", "404"),
            ("PUT", RENT, "405"),
            ("POST", cancel.as_str(), "200"),
        ] {
            for framing in [format!("Content-Length: {MANY}"), "Transfer-Encoding: chunked".to_owned()] {
                let mut wire = Wire::open(app).await;
                wire.send(format!(
                    "{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n{framing}\r\n\r\n"
                ))
                .await;
                if framing.starts_with('T') {
                    wire.send(format!("{MANY:x}\r\n")).await;
                }
                wire.pour(b'y', MANY).await;
                let answer = wire.rest().await;
                assert!(
                    answer.starts_with(&format!("HTTP/1.1 {status} ")),
                    "{method} {path} {framing}: {answer}"
                );
                assert!(answer.ends_with('}'), "cut off: {answer}");
                assert_eq!(answer.contains("\"code\":\"PAYLOAD_TOO_LARGE\""), status == "413", "{answer}");
            }
        }
        assert_eq!(look(app, &customer, &id).await["status"], "canceled");
        assert!(Wire::open(app).await.ask(PRICES).await.starts_with("HTTP/1.1 200 "));
    });
}

#[test]
fn what_is_compressed_is_refused_and_never_inflated() {
    in_sandbox(async |app| {
        let customer = app.account(200, 0).await;
        let id = rent(app, &customer).await;
        // A gigabyte of zeros is a megabyte so; a few bytes are enough to see that nobody looks.
        let bomb = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03".to_vec();
        let good = telegram().to_string();
        for coding in ["gzip", "GZIP", "deflate", "br", "zstd", "identity, gzip", "x-nonesuch"] {
            for body in [bomb.clone(), good.clone().into_bytes()] {
                let answer = app
                    .post(RENT)
                    .by(&customer)
                    .header("content-encoding", coding)
                    .body("application/json", body);
                let refused = answer.refused(415, "UNSUPPORTED_MEDIA_TYPE").await;
                assert!(text(&refused, "error").contains("Content-Encoding"), "{refused}");
            }
            let signed = sms(app, &id, "m1", "Telegram code: 48291").await.to_string();
            let signature = app.signature("sandbox", &signed);
            app.post(HOOK)
                .header("content-encoding", coding)
                .header(SIGNATURE_HEADER, &signature)
                .body("application/json", signed)
                .refused(415, "UNSUPPORTED_MEDIA_TYPE")
                .await;
            app.ask(Method::PATCH, "/api/user/profile")
                .by(&customer)
                .header("content-encoding", coding)
                .body("application/json", r#"{"name":"Ann"}"#)
                .refused(415, "UNSUPPORTED_MEDIA_TYPE")
                .await;
        }
        assert_eq!(look(app, &customer, &id).await["status"], "waiting");
        app.post(RENT).by(&customer).header("content-encoding", "identity").json(&telegram()).ok().await;
    });
}

#[test]
fn a_body_whose_pieces_are_broken_is_a_400() {
    in_sandbox(async |app| {
        let mut wire = Wire::open(app).await;
        wire.send(format!(
            "POST {HOOK} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
        ))
        .await;
        let answer = wire.rest().await;
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("INVALID_JSON"), "{answer}");
    });
}

const FIVE: Setup = Setup::sandbox().flagged(|flags| {
    flags.limit_connections = Some(5);
    flags.trusted_proxies = Some("127.0.0.4".to_owned());
});

#[test]
fn one_network_has_its_share_of_connections_and_no_more() {
    with_app(FIVE, async |app| {
        let mut held = Vec::new();
        for _ in 0..5 {
            let mut wire = Wire::from(app, 2).await;
            assert!(wire.ask(PRICES).await.starts_with("HTTP/1.1 200 "));
            held.push(wire);
        }
        for _ in 0..10 {
            let mut beyond = Wire::from(app, 2).await;
            beyond.send(PRICES).await;
            assert_eq!(beyond.rest().await, "", "dropped without a word");
        }
        // Others are served, and whoever is held goes on.
        assert!(Wire::from(app, 3).await.ask(PRICES).await.starts_with("HTTP/1.1 200 "));
        assert!(held[0].ask(PRICES).await.starts_with("HTTP/1.1 200 "));
        // A trusted proxy brings everybody.
        let mut proxied = Vec::new();
        for _ in 0..20 {
            let mut wire = Wire::from(app, 4).await;
            assert!(wire.ask(PRICES).await.starts_with("HTTP/1.1 200 "));
            proxied.push(wire);
        }
        // A seat that is left is free again.
        held.clear();
        let again = async {
            loop {
                let mut wire = Wire::from(app, 2).await;
                wire.send(PRICES).await;
                if wire.more().await.is_some_and(|answer| answer.starts_with("HTTP/1.1 200 ")) {
                    break;
                }
            }
        };
        timeout(Duration::from_secs(20), again).await.expect("a free seat");
    });
}

#[test]
fn whoever_does_not_take_its_answer_is_cut() {
    let setup = Setup::sandbox().adjusted(|settings| settings.stall_within = SHORT);
    with_app(setup, async |app| {
        let mut wire = Wire::open(app).await;
        // Answers pile up until nobody takes a byte any more; then the server hangs up, with requests unread.
        let request = "GET /api/public/prices HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(100);
        let poured = async { while wire.push(request.as_bytes()).await {} };
        timeout(Duration::from_secs(25), poured).await.expect("hung up on");
    });
}
