//! What is measured, as Prometheus reads it. One registry a server, in its context: nothing is process-wide.
//!
//! Guards a bounded number of series: labels are words of ours, routes, providers. Must never have an account, a
//! number, a code, a key or a text in a label. Counting costs a shared lock and an atomic or two.

mod store;

pub use store::StoreMetrics;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::borrow::Cow;
use std::time::{Duration, Instant};

/// What Prometheus is told the answer to be.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The catalog was not read yet.
const NEVER: i64 = -1;

type Label = (&'static str, Cow<'static, str>);
type Counters<const N: usize> = Family<[Label; N], Counter>;
type Histograms<const N: usize> = Family<[Label; N], Histogram, fn() -> Histogram>;
type Gauges<const N: usize> = Family<[Label; N], Gauge>;

/// From half a millisecond to a minute: the shortest answers and the longest waits for a code.
fn seconds() -> Histogram {
    Histogram::new([
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
    ])
}

fn word(text: &'static str) -> Cow<'static, str> {
    Cow::Borrowed(text)
}

fn name(text: &str) -> Cow<'static, str> {
    Cow::Owned(text.to_owned())
}

/// What is read when somebody asks, rather than counted when it happens.
#[derive(Clone, Copy, Default, Debug)]
pub struct Levels {
    /// Whether the database answered just now.
    pub database_up: bool,
    /// Jobs that wait, are late, were given up; `None`: the database could not tell.
    pub jobs: Option<(i64, i64, i64)>,
    /// Purchases that are with providers.
    pub purchases: usize,
    /// Waits for a code.
    pub waits: usize,
    /// Windows that rate limits remember.
    pub limiter_entries: usize,
    /// Offers in the catalog.
    pub offers: usize,
    /// Threads that serve requests.
    pub threads: usize,
}

/// Everything that is measured.
pub struct Metrics {
    registry: Registry,
    begun: Instant,
    requests: Histograms<3>,
    rents: Counters<1>,
    provider_calls: Histograms<3>,
    webhooks: Counters<2>,
    job_runs: Histograms<2>,
    jobs: Gauges<1>,
    database_up: Gauge,
    purchases: Gauge,
    waits: Gauge,
    limiter_entries: Gauge,
    offers: Gauge,
    catalog_read: Gauge,
    catalog_age: Gauge,
    uptime: Gauge,
    threads: Gauge,
    memory: Gauge,
    files: Gauge,
}

impl Metrics {
    /// With what the store measures, and nothing counted yet.
    pub fn new(store: &StoreMetrics) -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("numberotp"),
            begun: Instant::now(),
            requests: Family::new_with_constructor(seconds),
            rents: Family::default(),
            provider_calls: Family::new_with_constructor(seconds),
            webhooks: Family::default(),
            job_runs: Family::new_with_constructor(seconds),
            jobs: Family::default(),
            database_up: Gauge::default(),
            purchases: Gauge::default(),
            waits: Gauge::default(),
            limiter_entries: Gauge::default(),
            offers: Gauge::default(),
            catalog_read: Gauge::default(),
            catalog_age: Gauge::default(),
            uptime: Gauge::default(),
            threads: Gauge::default(),
            memory: Gauge::default(),
            files: Gauge::default(),
        };
        metrics.catalog_read.set(NEVER);
        metrics.register_counted();
        metrics.register_levels();
        store.register(&mut metrics.registry);
        metrics
    }

    fn register_counted(&mut self) {
        let Self { registry, requests, rents, provider_calls, webhooks, job_runs, .. } = self;
        let second = || Unit::Seconds;
        registry.register_with_unit(
            "http_request",
            "Answers, by route, method and class of status",
            second(),
            requests.clone(),
        );
        registry.register(
            "rents",
            "Purchases that were asked for, by outcome: bought, repeated, or the error's code",
            rents.clone(),
        );
        registry.register_with_unit(
            "provider_call",
            "Questions to providers, by provider, operation and outcome",
            second(),
            provider_calls.clone(),
        );
        registry.register("webhooks", "Webhooks that came in, by provider and outcome", webhooks.clone());
        registry.register_with_unit(
            "job",
            "Jobs carried out, by kind and how they ended",
            second(),
            job_runs.clone(),
        );
    }

    fn register_levels(&mut self) {
        let build: Gauges<1> = Family::default();
        build.get_or_create(&[("version", word(env!("CARGO_PKG_VERSION")))]).set(1);
        let Self { registry, .. } = self;
        registry.register("build_info", "One, with the version", build);
        registry.register(
            "jobs",
            "Rows of jobs, by state: waiting, late by a minute, dead",
            self.jobs.clone(),
        );
        registry.register(
            "database_up",
            "Whether the database answered when this was read",
            self.database_up.clone(),
        );
        registry.register("purchases_in_flight", "Purchases that are with providers", self.purchases.clone());
        registry.register("waits_open", "Long-polls for a code that are held", self.waits.clone());
        registry.register(
            "limiter_entries",
            "Windows that rate limits remember",
            self.limiter_entries.clone(),
        );
        registry.register("catalog_offers", "Offers in memory", self.offers.clone());
        let second = || Unit::Seconds;
        registry.register_with_unit(
            "catalog_age",
            "Since the catalog was read",
            second(),
            self.catalog_age.clone(),
        );
        registry.register_with_unit("uptime", "Since the start", second(), self.uptime.clone());
        registry.register("threads", "Threads that serve requests", self.threads.clone());
        let bytes = Unit::Bytes;
        registry.register_with_unit(
            "process_resident_memory",
            "Memory that the process holds",
            bytes,
            self.memory.clone(),
        );
        registry.register(
            "process_open_files",
            "Files and sockets that the process has open",
            self.files.clone(),
        );
    }

    /// An answer went out.
    pub fn request(&self, (route, method): (&'static str, &'static str), status: u16, took: Duration) {
        let class = match status {
            100..=199 => "1xx",
            200..=299 => "2xx",
            300..=399 => "3xx",
            400..=499 => "4xx",
            _ => "5xx",
        };
        let labels = [("route", word(route)), ("method", word(method)), ("class", word(class))];
        self.requests.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// A purchase was asked for and ended so.
    pub fn rent(&self, outcome: &'static str) {
        self.rents.get_or_create(&[("outcome", word(outcome))]).inc();
    }

    /// A provider was asked.
    pub fn provider_call(
        &self,
        provider: &str,
        (operation, outcome): (&'static str, &'static str),
        took: Duration,
    ) {
        let labels =
            [("provider", name(provider)), ("operation", word(operation)), ("outcome", word(outcome))];
        self.provider_calls.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// A webhook came; of a provider that we know, or `unknown`: whoever posts chooses the address.
    pub fn webhook(&self, provider: &str, outcome: &'static str) {
        self.webhooks.get_or_create(&[("provider", name(provider)), ("outcome", word(outcome))]).inc();
    }

    /// A job was carried out.
    pub fn job(&self, kind: &'static str, end: &'static str, took: Duration) {
        let labels = [("kind", word(kind)), ("end", word(end))];
        self.job_runs.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// The catalog was read.
    pub fn catalog_was_read(&self) {
        self.catalog_read.set(whole_seconds(self.begun.elapsed()));
    }

    /// How long ago the catalog was read, in whole seconds of real time; `None`: it never was.
    pub fn catalog_age(&self) -> Option<i64> {
        let read = self.catalog_read.get();
        (read >= 0).then(|| whole_seconds(self.begun.elapsed()).saturating_sub(read))
    }

    /// Everything as text.
    pub fn text(&self, levels: &Levels) -> String {
        self.database_up.set(i64::from(levels.database_up));
        if let Some((waiting, late, dead)) = levels.jobs {
            for (state, count) in [("waiting", waiting), ("late", late), ("dead", dead)] {
                self.jobs.get_or_create(&[("state", word(state))]).set(count);
            }
        }
        self.purchases.set(signed(levels.purchases));
        self.waits.set(signed(levels.waits));
        self.limiter_entries.set(signed(levels.limiter_entries));
        self.offers.set(signed(levels.offers));
        self.catalog_age.set(self.catalog_age().unwrap_or(NEVER));
        self.uptime.set(whole_seconds(self.begun.elapsed()));
        self.threads.set(signed(levels.threads));
        self.memory.set(resident_memory());
        self.files.set(open_files());
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _infallible = encode(&mut text, &self.registry);
        text
    }
}

fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn whole_seconds(span: Duration) -> i64 {
    i64::try_from(span.as_secs()).unwrap_or(i64::MAX)
}

/// Bytes; zero where the system does not tell.
fn resident_memory() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: Option<i64> = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok());
    kib.map_or(0, |kib| kib.saturating_mul(1024))
}

fn open_files() -> i64 {
    std::fs::read_dir("/proc/self/fd").map_or(0, |files| signed(files.count()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_stands_in_the_text() {
        let metrics = Metrics::new(&StoreMetrics::default());
        assert_eq!(metrics.catalog_age(), None);
        metrics.request(("/api/internal/rent/{id}", "GET"), 404, Duration::from_millis(3));
        metrics.rent("bought");
        metrics.webhook("gw1", "refused");
        metrics.catalog_was_read();
        let levels = Levels { database_up: true, jobs: Some((3, 2, 1)), ..Levels::default() };
        let text = metrics.text(&levels);
        for line in [
            r#"numberotp_http_request_seconds_count{route="/api/internal/rent/{id}",method="GET",class="4xx"} 1"#,
            r#"numberotp_rents_total{outcome="bought"} 1"#,
            r#"numberotp_webhooks_total{provider="gw1",outcome="refused"} 1"#,
            r#"numberotp_jobs{state="late"} 2"#,
            "numberotp_database_up 1",
            "# TYPE numberotp_store_batch_seconds histogram",
        ] {
            assert!(text.lines().any(|known| known == line), "{line} in {text}");
        }
        assert!(text.ends_with("# EOF\n"), "the format's end");
        assert_eq!(metrics.catalog_age(), Some(0));
        #[cfg(target_os = "linux")]
        assert!(resident_memory() > 1_000_000 && open_files() > 2);
    }
}
