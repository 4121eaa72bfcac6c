//! Rents while others flood the server with sign-ins: how much longer the slowest in a hundred take.
//! Guards: the load of rents is the same with and without the flood, far below what the server could do, so that what is
//! measured is who gets the processors; the flood goes on for as long as the rents do, and is refused as a stranger is.

use super::Bench;
use crate::Told;
use crate::http::{Wire, request};
use crate::instances::{Data, Server};
use crate::load::rents;
use crate::stats::{count, float, percentile};
use crate::table::Figure;
use crate::told::About;
use bytes::Bytes;
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

const NAME: &str = "sign-in-flood";
/// Connections that buy, each once in a pause.
const BUYERS: usize = 4;
const PAUSE: Duration = Duration::from_millis(10);
/// Connections that sign in as fast as they are answered: more than may wait for a hash.
const STRANGERS: usize = 80;

pub async fn measure(bench: &mut Bench) -> Told<()> {
    if !bench.wants(&[NAME]) {
        return Ok(());
    }
    let data = Data::sqlite(bench.folder(), NAME, 1_000)?;
    let server = data.serve()?;
    let requests = Arc::new(rents(data.accounts()));
    let within = Duration::from_secs(u64::from(bench.seconds()).saturating_mul(2));
    let (mut ratios, mut seen) = (Vec::new(), String::new());
    for _ in 0..bench.rounds() {
        let quiet = buy(&server, &requests, within).await?;
        let flood = Flood::begin(server.address).await?;
        let loud = buy(&server, &requests, within).await;
        let (hashed, refused) = flood.end().await?;
        let loud = loud?;
        ratios.push(float(loud) / float(quiet).max(1.0));
        let seconds = within.as_secs_f64();
        seen = format!(
            "p99 {:.2} ms beside {:.2} ms; {:.0} sign-ins a second looked at, {:.0} told to come again",
            float(loud) / 1e3,
            float(quiet) / 1e3,
            float(hashed) / seconds,
            float(refused) / seconds,
        );
    }
    bench.add(Figure { name: NAME, ours: ratios.into_iter().collect(), peer: None, counts: "x", seen });
    Ok(())
}

/// Buys at a steady pace; the slowest in a hundred, in microseconds.
async fn buy(server: &Server, requests: &Arc<Vec<Bytes>>, within: Duration) -> Told<u64> {
    let mut tasks = Vec::new();
    for buyer in 0..BUYERS {
        let (mut wire, requests) = (Wire::connect(server.address).await?, Arc::clone(requests));
        tasks.push(tokio::spawn(async move {
            let end = Instant::now() + within;
            let mut pace = tokio::time::interval(PAUSE);
            let mut times = Vec::new();
            for request in requests.iter().cycle().skip(buyer).step_by(BUYERS) {
                pace.tick().await;
                let sent = Instant::now();
                if sent >= end {
                    break;
                }
                let status = wire.ask(request).await?.status;
                if status != 200 {
                    return Err(format!("a purchase was answered with {status}"));
                }
                times.push(u64::try_from(sent.elapsed().as_micros()).about("a time")?);
            }
            Ok(times)
        }));
    }
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.about("a buyer")??);
    }
    if count(times.len()) < 100.0 {
        return Err("too few purchases to tell the slowest in a hundred".to_owned());
    }
    Ok(percentile(&mut times, 99))
}

/// Strangers who sign in until they are told to stop.
struct Flood {
    over: Arc<AtomicBool>,
    hashed: Arc<AtomicU64>,
    refused: Arc<AtomicU64>,
    strangers: Vec<tokio::task::JoinHandle<Told<()>>>,
}

impl Flood {
    async fn begin(server: SocketAddr) -> Told<Self> {
        let (over, hashed, refused) = (Arc::default(), Arc::default(), Arc::default());
        let mut flood = Self { over, hashed, refused, strangers: Vec::new() };
        for stranger in 0..STRANGERS {
            let mut wire = Wire::connect(server).await?;
            let body = json!({ "email": format!("stranger{stranger}@example.com"), "password": "a guess 1" });
            let kind = "content-type: application/json\r\n";
            let request = request("POST", "/api/auth/sign-in", kind, &body.to_string());
            let (over, hashed, refused) =
                (Arc::clone(&flood.over), Arc::clone(&flood.hashed), Arc::clone(&flood.refused));
            flood.strangers.push(tokio::spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    let counted = match wire.ask(&request).await?.status {
                        401 => &hashed,
                        429 => &refused,
                        status => return Err(format!("a sign-in was answered with {status}")),
                    };
                    counted.fetch_add(1, Ordering::Relaxed);
                    // A refusal is quick, and the machine's other processor is not the strangers'.
                    tokio::time::sleep(PAUSE).await;
                }
                Ok(())
            }));
        }
        Ok(flood)
    }

    /// How many were looked at, and how many were told to come again.
    async fn end(self) -> Told<(u64, u64)> {
        self.over.store(true, Ordering::Relaxed);
        for stranger in self.strangers {
            stranger.await.about("a stranger")??;
        }
        Ok((self.hashed.load(Ordering::Relaxed), self.refused.load(Ordering::Relaxed)))
    }
}
