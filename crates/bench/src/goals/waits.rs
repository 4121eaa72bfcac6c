//! From a webhook to the answer of the long-poll that waits for it, with a thousand others waiting beside it.
//! Guards: the time begins before the first byte of the webhook and ends with the last byte of the answer.

use super::Bench;
use crate::Told;
use crate::http::Wire;
use crate::instances::{Data, Server};
use crate::load::{Rented, messages, rented, rents, wait};
use crate::stats::{float, percentile};
use crate::table::Figure;
use crate::told::About;
use std::time::{Duration, Instant};

const NAME: &str = "wait";
/// Waiting all the time, beside those that are answered.
const WAITING: usize = 1_000;
/// Until every wait has entered.
const SETTLE: Duration = Duration::from_secs(1);

pub async fn measure(bench: &mut Bench) -> Told<()> {
    if !bench.wants(&[NAME]) {
        return Ok(());
    }
    let data = Data::sqlite(bench.folder(), NAME, 1_000)?;
    let server = data.serve()?;
    let answered = if bench.run.quick { 200 } else { 2_000 };
    let rents = buy(&server, WAITING.saturating_add(answered), data.accounts()).await?;
    let mut waiting = Vec::new();
    for (rent, account) in rents.iter().zip((0..data.accounts()).cycle()) {
        let mut wire = Wire::connect_small(server.address).await?;
        wire.send(&wait(rent, account)).await?;
        waiting.push(tokio::spawn(async move {
            let status = wire.answer().await?.status;
            Ok::<_, String>((status, Instant::now()))
        }));
    }
    tokio::time::sleep(SETTLE).await;
    let mut sent = Vec::new();
    let mut wire = Wire::connect(server.address).await?;
    for message in messages(&rents).iter().take(answered) {
        sent.push(Instant::now());
        let status = wire.ask(message).await?.status;
        if status != 200 {
            return Err(format!("a webhook was answered with {status}"));
        }
    }
    let mut times = Vec::new();
    for (sent, task) in sent.into_iter().zip(&mut waiting) {
        let (status, at) = task.await.about("a wait")??;
        if status != 200 {
            return Err(format!("a wait was answered with {status}"));
        }
        times.push(u64::try_from(at.duration_since(sent).as_micros()).about("a time")?);
    }
    waiting.into_iter().for_each(|task| task.abort());
    drop(server);
    let (_, commit) = data.bare(&["--batch", "1", "--seconds", "1"])?;
    let (p50, p99) = (float(percentile(&mut times, 50)) / 1e3, float(percentile(&mut times, 99)) / 1e3);
    let commit = commit / 1e3;
    bench.add(Figure {
        name: NAME,
        ours: [(p99 - commit).max(0.0)].into_iter().collect(),
        peer: None,
        counts: "ms",
        seen: format!(
            "SQLite; p50 {p50:.2} ms, p99 {p99:.2} ms with the commit; one commit alone p99 {commit:.2} ms"
        ),
    });
    Ok(())
}

/// Buys numbers one by one, so that it is known whose each is: the accounts take turns.
pub async fn buy(server: &Server, count: usize, accounts: u32) -> Told<Vec<Rented>> {
    let mut wire = Wire::connect(server.address).await?;
    let mut bodies = Vec::new();
    for request in rents(accounts).iter().cycle().take(count) {
        let answer = wire.ask(request).await?;
        if answer.status != 200 {
            return Err(format!("a purchase was answered with {}", answer.status));
        }
        bodies.push(answer.body.to_vec());
    }
    rented(&bodies)
}
