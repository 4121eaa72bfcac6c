//! `/healthz`, `/readyz` and `/metrics`: who may ask, what they answer while all is well and while it is not.

use crate::http_stage::{RENT, deliver, raw, rent, step, telegram};
use numberotp_core::job::JobKind;
use numberotp_core::time::Span;
use numberotp_server::app::upstream::Interference;
use numberotp_server::config::OnOff;
use numberotp_server::store::job::job_create;
use numberotp_testkit::app::{Setup, TestApp, in_sandbox, with_app};
use numberotp_testkit::cluster::TestCluster;
use numberotp_testkit::database::TestEngine;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::runtime::Builder;

const TOKEN: &str = "metrics-token-of-a-test";
const AFAR: Setup = Setup::sandbox().flagged(|flags| flags.metrics_token = Some(TOKEN.to_owned()));

/// What is measured, as whoever has the token reads it.
async fn measures(app: &TestApp<'_>) -> String {
    let answer = app.get("/metrics").bearer(TOKEN).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.header("content-type").starts_with("application/openmetrics-text"));
    assert!(answer.text().ends_with("# EOF\n"));
    answer.text().to_owned()
}

/// The value of a series, by its name and labels; zero if it is not there.
fn value(text: &str, series: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.map_or(0.0, |value| value.parse().unwrap())
}

fn missing(answer: &Value) -> Vec<&str> {
    answer["missing"].as_array().unwrap().iter().map(|one| one["what"].as_str().unwrap()).collect()
}

#[test]
fn health_and_readiness_are_answered_without_an_account_and_in_the_frame() {
    in_sandbox(async |app| {
        for path in ["/healthz", "/readyz", "/readyz/"] {
            let answer = app.get(path).send().await;
            answer.ok();
            assert_eq!(answer.header("cache-control"), "no-store", "{path}");
            assert!(!answer.header("x-ratelimit-remaining").is_empty(), "{path}");
        }
        app.post("/healthz").refused(405, "METHOD_NOT_ALLOWED").await;
    });
}

#[test]
fn a_balancer_that_asks_every_second_is_never_limited() {
    let strict = Setup::sandbox().flagged(|flags| {
        flags.rate_limits = Some(OnOff::On);
        flags.limit_other = Some(1);
    });
    with_app(strict, async |app| {
        for _ in 0..120 {
            app.advance(Span::millis(500));
            app.get("/readyz").ok().await;
        }
    });
}

#[test]
fn a_full_server_is_alive_and_not_ready() {
    let full = Setup::sandbox().adjusted(|settings| settings.requests_at_once = 0);
    with_app(full, async |app| {
        app.get("/healthz").ok().await;
        app.get("/readyz").refused(503, "OVERLOADED").await;
    });
}

#[test]
fn jobs_that_pile_up_make_it_not_ready_until_they_are_done() {
    let few = Setup::sandbox().adjusted(|settings| settings.late_jobs_most = 1);
    with_app(few, async |app| {
        let customer = app.account(10_000, 0).await;
        rent(app, &customer).await;
        app.advance(Span::seconds(120));
        app.get("/readyz").ok().await;
        for _ in 0..2 {
            rent(app, &customer).await;
        }
        app.advance(Span::seconds(120));
        let answer = app.get("/readyz").send().await;
        assert_eq!((answer.status, missing(&answer.json())), (503, vec!["backlog"]), "{}", answer.text());
        assert_eq!(answer.json()["request_id"], answer.header("x-request-id"));
        app.run_jobs().await;
        app.get("/readyz").ok().await;
    });
}

/// A mail server that takes nothing is no fault of this one.
#[test]
fn mails_that_pile_up_leave_it_ready() {
    let few = Setup::sandbox().adjusted(|settings| settings.late_jobs_most = 1);
    with_app(few, async |app| {
        let now = app.now();
        app.write(move |tx| {
            (1..=3).try_for_each(|mail| job_create(tx, JobKind::MailSend, mail, now).map(drop))
        })
        .await;
        app.advance(Span::seconds(120));
        app.get("/readyz").ok().await;
        app.write(move |tx| {
            (1..=2).try_for_each(|rent| job_create(tx, JobKind::ActivationSweep, rent, now).map(drop))
        })
        .await;
        app.advance(Span::seconds(120));
        assert_eq!(app.get("/readyz").send().await.status, 503);
        app.run_jobs().await;
    });
}

#[test]
fn a_server_that_stops_says_so() {
    in_sandbox(async |app| {
        app.context().stopping.cancel();
        let answer = app.get("/readyz").send().await;
        assert_eq!((answer.status, missing(&answer.json())), (503, vec!["stopping"]));
        app.get("/healthz").ok().await;
    });
}

#[test]
fn without_its_database_it_is_alive_not_ready_and_measured() {
    let Some(mut cluster) = TestCluster::start() else { return };
    let database = TestEngine::Postgres(cluster.url()).database();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let app = TestApp::open(&database, AFAR).await;
        app.get("/readyz").ok().await;
        for turn in [Turn::Down, Turn::Frozen] {
            turn.begin(&mut cluster);
            let begun = Instant::now();
            let answer = app.get("/readyz").send().await;
            assert_eq!(
                (answer.status, missing(&answer.json())),
                (503, vec!["database"]),
                "{}",
                answer.text()
            );
            assert!(!answer.text().contains("postgres"), "no word about where it is: {}", answer.text());
            app.get("/healthz").ok().await;
            let text = measures(&app).await;
            assert!(text.contains("numberotp_database_up 0\n"), "{text}");
            assert!(begun.elapsed() < Duration::from_secs(4), "{:?} for all three", begun.elapsed());
            turn.end(&mut cluster);
            while app.get("/readyz").send().await.status != 200 {
                assert!(begun.elapsed() < Duration::from_secs(30), "ready again by itself");
            }
        }
        app.finish().await;
    });
}

/// What becomes of a database.
#[derive(Clone, Copy)]
enum Turn {
    Down,
    Frozen,
}

impl Turn {
    fn begin(self, cluster: &mut TestCluster) {
        match self {
            Self::Down => cluster.down(),
            Self::Frozen => cluster.freeze(),
        }
    }
    fn end(self, cluster: &mut TestCluster) {
        match self {
            Self::Down => cluster.up(),
            Self::Frozen => cluster.thaw(),
        }
    }
}

#[test]
fn measures_are_for_this_machine_and_for_the_token() {
    with_app(AFAR, async |app| {
        // Everybody else: no such address.
        app.get("/metrics").refused(404, "NOT_FOUND").await;
        app.get("/metrics").bearer("metrics-token-of-a-tesT").refused(404, "NOT_FOUND").await;
        app.get("/metrics").header("x-forwarded-for", "127.0.0.1").refused(404, "NOT_FOUND").await;
        measures(app).await;
        // This machine, by any spelling; not what a proxy on it passes on.
        for here in ["127.0.0.1:40000", "[::1]:40000", "[::ffff:127.0.0.1]:40000"] {
            let here: SocketAddr = here.parse().unwrap();
            assert_eq!(app.get("/metrics").from(here).send().await.status, 200, "{here}");
            for passed_on in ["x-forwarded-for", "forwarded", "via", "x-real-ip"] {
                let ask = app.get("/metrics").from(here).header(passed_on, "192.0.2.1");
                ask.refused(404, "NOT_FOUND").await;
            }
        }
        let real = raw(app.address(), "GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
        assert!(real.starts_with("HTTP/1.1 200") && real.contains("numberotp_uptime_seconds"), "{real}");
    });
    // Without a token there is none that opens it, the empty one neither.
    in_sandbox(async |app| {
        app.get("/metrics").bearer("").refused(404, "NOT_FOUND").await;
    });
}

/// Names and labels without what was measured, in which any digits may stand.
fn named(text: &str) -> String {
    text.lines().filter_map(|line| line.rsplit_once(' ').map(|(name, _)| name)).collect()
}

#[test]
fn what_happened_is_counted() {
    with_app(AFAR, async |app| {
        let customer = app.account(10_000, 0).await;
        let id = rent(app, &customer).await;
        deliver(app, &id, "m1", "Telegram code: 48291").await;
        step(app, &customer, &id, "finish").await.ok();
        app.run_jobs().await;
        app.line().on("allocate", Interference::NoStock);
        app.post(RENT).by(&customer).json(&telegram()).refused(404, "NO_NUMBERS_AVAILABLE").await;
        app.post("/api/webhooks/sms/sandbox")
            .header("x-signature", "no")
            .json(&json!({}))
            .refused(401, "INVALID_SIGNATURE")
            .await;
        app.post("/api/webhooks/sms/whoever-123").json(&json!({})).refused(404, "NOT_FOUND").await;
        app.get("/nowhere/4471").refused(404, "NOT_FOUND").await;

        let text = measures(app).await;
        for (series, least) in [
            (r#"numberotp_rents_total{outcome="bought"}"#, 1.0),
            (r#"numberotp_rents_total{outcome="NO_NUMBERS_AVAILABLE"}"#, 1.0),
            (
                r#"numberotp_http_request_seconds_count{route="/api/internal/rent",method="POST",class="2xx"}"#,
                1.0,
            ),
            (
                r#"numberotp_http_request_seconds_count{route="/api/internal/rent/{id}/finish",method="POST",class="2xx"}"#,
                1.0,
            ),
            (r#"numberotp_http_request_seconds_count{route="none",method="GET",class="4xx"}"#, 1.0),
            (
                r#"numberotp_provider_call_seconds_count{provider="sandbox",operation="allocate",outcome="number"}"#,
                1.0,
            ),
            (
                r#"numberotp_provider_call_seconds_count{provider="sandbox",operation="allocate",outcome="no_stock"}"#,
                1.0,
            ),
            (
                r#"numberotp_provider_call_seconds_count{provider="sandbox",operation="release",outcome="done"}"#,
                1.0,
            ),
            (r#"numberotp_messages_total{verdict="delivered"}"#, 1.0),
            (r#"numberotp_webhooks_total{provider="sandbox",outcome="matched"}"#, 1.0),
            (r#"numberotp_webhooks_total{provider="sandbox",outcome="refused"}"#, 1.0),
            (r#"numberotp_webhooks_total{provider="unknown",outcome="refused"}"#, 1.0),
            (r#"numberotp_job_seconds_count{kind="activation_release",end="done"}"#, 1.0),
            (r#"numberotp_jobs{state="waiting"}"#, 1.0),
            (r#"numberotp_store_connections{role="read"}"#, 4.0),
            ("numberotp_store_commit_seconds_count", 5.0),
            ("numberotp_store_read_seconds_count", 5.0),
            ("numberotp_store_batch_pieces_count", 5.0),
            ("numberotp_database_up", 1.0),
            ("numberotp_limiter_entries", 1.0),
            ("numberotp_catalog_offers", 1.0),
            ("numberotp_process_resident_memory_bytes", 1_000_000.0),
        ] {
            assert!(value(&text, series) >= least, "{series} below {least} in {text}");
        }
        for empty in
            ["numberotp_purchases_in_flight", "numberotp_waits_open", r#"numberotp_store_queue{queue="hot"}"#]
        {
            assert!(text.contains(&format!("{empty} 0\n")), "{empty} in {text}");
        }
        // What callers wrote makes no series.
        assert!(!named(&text).contains("whoever") && !named(&text).contains("4471"), "{text}");
        let series = text.lines().filter(|line| !line.starts_with('#')).count();
        assert!(series < 1_000, "{series} series after a handful of requests");
    });
}
