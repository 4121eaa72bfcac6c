//! The load: connections that each send one request after the other, each with a body and a key of its own.
//! Guards: requests are made before the clock starts; every answer is looked at, and a refusal fails the run.
//! Must never cost more than the server: its own processor time stands beside the figures.

use crate::Told;
use crate::http::{Wire, request};
use crate::seed::{COUNTRY, SERVICE, key};
use crate::serve::webhook_secret;
use crate::stats::{count, percentile};
use crate::told::About;
use bytes::Bytes;
use clap::Args;
use numberotp_core::webhook::{SIGNATURE_HEADER, sign};
use numberotp_testkit::instant;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Connections of a load.
pub const CONNECTIONS: usize = 64;
/// Of one that is at its best with many.
pub const MANY: usize = 256;

/// A load by hand.
#[derive(Args)]
pub struct Options {
    /// Where the server listens; several share the connections
    #[arg(long, required = true)]
    server: Vec<SocketAddr>,
    /// Customers who take turns
    #[arg(long, default_value_t = 1_000)]
    accounts: u32,
    /// Purchases, for so many seconds
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Or a message to each of so many purchases
    #[arg(long)]
    messages: Option<usize>,
    /// Over so many connections
    #[arg(long, default_value_t = CONNECTIONS)]
    connections: usize,
}

/// Runs a load by hand. Prints `RATE P50_MICROS P99_MICROS`.
pub async fn run(options: &Options) -> Told<()> {
    let load = |requests, seconds| {
        let within = Duration::from_secs(seconds);
        Load { servers: options.server.clone(), connections: options.connections, requests, within }
    };
    let purchases = rents(options.accounts);
    let outcome = match options.messages {
        None => {
            let around = Requests::Around(Arc::new(purchases));
            load(around, options.seconds).run(Bodies::Dropped).await?
        }
        Some(count) => {
            let purchases = purchases.into_iter().cycle().take(count).collect();
            let bought = load(Requests::Once(Arc::new(purchases)), 600).run(Bodies::Kept).await?;
            let messages = messages(&rented(&bought.bodies)?);
            load(Requests::Once(Arc::new(messages)), 600).run(Bodies::Dropped).await?
        }
    };
    println!("{:.0} {} {}", outcome.rate, outcome.p50, outcome.p99);
    Ok(())
}

/// What is sent.
#[derive(Clone)]
pub enum Requests {
    /// These, over and over, until the time is over.
    Around(Arc<Vec<Bytes>>),
    /// Each of these once.
    Once(Arc<Vec<Bytes>>),
}

/// How long, and to whom; of several servers each gets its share of the connections.
#[derive(Clone)]
pub struct Load {
    /// The servers.
    pub servers: Vec<SocketAddr>,
    /// How many connections in all.
    pub connections: usize,
    /// What is sent.
    pub requests: Requests,
    /// When it ends at the latest.
    pub within: Duration,
}

/// What came of it.
pub struct Outcome {
    /// Answers a second.
    pub rate: f64,
    /// Middle time of an answer, microseconds.
    pub p50: u64,
    /// Of the slowest in a hundred.
    pub p99: u64,
    /// Bodies, where they were kept, in the order of the requests.
    pub bodies: Vec<Vec<u8>>,
}

/// Whether bodies are kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Bodies {
    /// For later.
    Kept,
    /// They only count.
    Dropped,
}

impl Load {
    /// Runs it, on one thread of its own as wrk and pgbench do: several would wake each other for every answer.
    pub async fn run(self, bodies: Bodies) -> Told<Outcome> {
        let alone = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.about("a load")?.block_on(self.carry_out(bodies))
        };
        tokio::task::spawn_blocking(alone).await.about("a load")?
    }

    async fn carry_out(self, bodies: Bodies) -> Told<Outcome> {
        let next = Arc::new(AtomicUsize::new(0));
        let mut wires = Vec::new();
        for server in self.servers.iter().cycle().take(self.connections) {
            wires.push(Wire::connect(*server).await?);
        }
        let begun = Instant::now();
        let tasks: Vec<_> = wires
            .into_iter()
            .map(|wire| tokio::spawn(one(wire, self.clone(), Arc::clone(&next), bodies)))
            .collect();
        let (mut times, mut kept) = (Vec::new(), Vec::new());
        for task in tasks {
            let (own_times, own_bodies) = task.await.map_err(|error| error.to_string())??;
            times.extend(own_times);
            kept.extend(own_bodies);
        }
        let rate = count(times.len()) / begun.elapsed().as_secs_f64();
        let (p50, p99) = (percentile(&mut times, 50), percentile(&mut times, 99));
        kept.sort_unstable_by_key(|(place, _)| *place);
        Ok(Outcome { rate, p50, p99, bodies: kept.into_iter().map(|(_, body)| body).collect() })
    }
}

async fn one(
    mut wire: Wire,
    load: Load,
    next: Arc<AtomicUsize>,
    bodies: Bodies,
) -> Told<(Vec<u64>, Vec<(usize, Vec<u8>)>)> {
    let (mut times, mut kept) = (Vec::new(), Vec::new());
    let end = Instant::now() + load.within;
    loop {
        let place = next.fetch_add(1, Ordering::Relaxed);
        let request = match &load.requests {
            Requests::Around(all) => all.get(place % all.len().max(1)),
            Requests::Once(all) => all.get(place),
        };
        let sent = Instant::now();
        let Some(request) = request.filter(|_| sent < end) else { return Ok((times, kept)) };
        let answer = wire.ask(request).await?;
        times.push(u64::try_from(sent.elapsed().as_micros()).unwrap_or(u64::MAX));
        if answer.status != 200 {
            return Err(format!("{}: {}", answer.status, String::from_utf8_lossy(answer.body)));
        }
        if bodies == Bodies::Kept {
            kept.push((place, answer.body.to_vec()));
        }
    }
}

/// Purchases, one an account and then again.
pub fn rents(accounts: u32) -> Vec<Bytes> {
    let body = json!({ "service": SERVICE, "country": COUNTRY }).to_string();
    let of = |account| {
        let key = key(account);
        let headers = format!("authorization: Bearer {}\r\ncontent-type: application/json\r\n", key.expose());
        request("POST", "/api/internal/rent", &headers, &body)
    };
    (0..accounts).map(of).collect()
}

/// A rent, as its answer told it.
pub struct Rented {
    /// Its public id.
    pub id: String,
    /// What the provider calls it.
    pub provider_ref: String,
}

/// Reads the answers of purchases.
pub fn rented(bodies: &[Vec<u8>]) -> Told<Vec<Rented>> {
    let read = |body: &Vec<u8>| {
        let value: Value = serde_json::from_slice(body).ok()?;
        let data = value.get("data")?;
        let text = |field: &str| data.get(field).and_then(Value::as_str);
        Some(Rented { id: text("id")?.to_owned(), provider_ref: instant::provider_ref_of(text("number")?)? })
    };
    bodies
        .iter()
        .map(read)
        .collect::<Option<_>>()
        .ok_or_else(|| "a purchase's answer has another form".to_owned())
}

/// The message of each rent, signed.
pub fn messages(rented: &[Rented]) -> Vec<Bytes> {
    let (secret, path) = (webhook_secret(), format!("/api/webhooks/sms/{}", instant::CODE));
    let of = |(place, rent): (usize, &Rented)| {
        let code = 100_000_usize.saturating_add(place.wrapping_mul(7_919) % 900_000);
        let body = json!({
            "providerRef": rent.provider_ref,
            "text": format!("Telegram code {code}. Do not give this code to anyone."),
            "from": "Telegram",
            "messageId": format!("m{}", rent.provider_ref),
        })
        .to_string();
        let signature = sign(&secret, body.as_bytes());
        let headers = format!("{SIGNATURE_HEADER}: {signature}\r\ncontent-type: application/json\r\n");
        request("POST", &path, &headers, &body)
    };
    rented.iter().enumerate().map(of).collect()
}

/// A wait for a rent's code.
pub fn wait(rent: &Rented, account: u32) -> Bytes {
    let headers = format!("authorization: Bearer {}\r\n", key(account).expose());
    request("GET", &format!("/api/internal/rent/{}/wait", rent.id), &headers, "")
}
