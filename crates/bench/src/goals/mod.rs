//! Measures the goals, group by group, and prints the table.
//! Guards: within a round candidate and peer follow each other at once; what cannot be measured here is named.

mod engines;
mod flood;
mod growth;
mod memory;
mod sessions;
mod sign_in_times;
mod text;
mod waits;
mod web;

use crate::instances::Server;
use crate::load::{Bodies, CONNECTIONS, Load, Outcome, Requests};
use crate::machine::{Noise, Ticks, flushes};
use crate::table::{Figure, GOALS};
use crate::{Run, Told, page};
use bytes::Bytes;
use std::os::unix::process::parent_id;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What the groups share.
pub struct Bench {
    run: Run,
    figures: Vec<Figure>,
    missing: Vec<String>,
}

impl Bench {
    fn wants(&self, names: &[&str]) -> bool {
        let chosen = |name: &&str| self.run.names.iter().any(|word| name.contains(word.as_str()));
        self.run.names.is_empty() || names.iter().any(chosen)
    }

    fn rounds(&self) -> usize {
        if self.run.quick { 1 } else { 5 }
    }

    /// Length of one measurement.
    fn seconds(&self) -> u32 {
        if self.run.quick { 1 } else { 4 }
    }

    fn folder(&self) -> &Path {
        &self.run.folder
    }

    fn add(&mut self, figure: Figure) {
        if self.wants(&[figure.name]) {
            eprintln!("bench: {} {:.2}", figure.name, figure.value());
            self.figures.push(figure);
        }
    }

    /// Sends requests around for one measurement.
    async fn around(&self, servers: &[&Server], requests: &Arc<Vec<Bytes>>) -> Told<Outcome> {
        self.around_over(CONNECTIONS, servers, requests).await
    }

    /// The same over so many connections.
    async fn around_over(
        &self,
        connections: usize,
        servers: &[&Server],
        requests: &Arc<Vec<Bytes>>,
    ) -> Told<Outcome> {
        let servers = servers.iter().map(|server| server.address).collect();
        let within = Duration::from_secs(u64::from(self.seconds()));
        let requests = Requests::Around(Arc::clone(requests));
        Load { servers, connections, requests, within }.run(Bodies::Dropped).await
    }
}

/// Sends each request once, however long that takes.
async fn once(server: &Server, requests: Vec<Bytes>, bodies: Bodies) -> Told<Outcome> {
    once_over(CONNECTIONS, server, requests, bodies).await
}

/// The same over so many connections.
async fn once_over(
    connections: usize,
    server: &Server,
    requests: Vec<Bytes>,
    bodies: Bodies,
) -> Told<Outcome> {
    let within = Duration::from_secs(600);
    let requests = Requests::Once(Arc::new(requests));
    Load { servers: vec![server.address], connections, requests, within }.run(bodies).await
}

/// Measures what was chosen.
pub async fn run(run: Run) -> Told<()> {
    if let Some(word) =
        run.names.iter().find(|word| !GOALS.iter().any(|goal| goal.name.contains(word.as_str())))
    {
        let names: Vec<&str> = GOALS.iter().map(|goal| goal.name).collect();
        return Err(format!("there is no goal `{word}`; there are {}", names.join(", ")));
    }
    let roots = [std::process::id(), parent_id()];
    let first = flushes(&run.folder)?;
    let before = (Ticks::now(&roots), Instant::now());
    let mut bench = Bench { run, figures: Vec::new(), missing: Vec::new() };
    web::measure(&mut bench).await?;
    engines::measure(&mut bench).await?;
    waits::measure(&mut bench).await?;
    flood::measure(&mut bench).await?;
    memory::measure(&mut bench).await?;
    text::measure(&mut bench)?;
    sessions::measure(&mut bench)?;
    sign_in_times::measure(&mut bench).await?;
    growth::measure(&mut bench).await?;
    let after = Ticks::now(&roots);
    // The last look at the disk is no part of the time in which others count.
    let noise = Noise::between(&before, &after, f64::INFINITY);
    let noise = Noise { flushes: first.min(flushes(bench.folder())?), ..noise };
    page::tell(&bench.figures, &bench.missing, &noise, &bench.run)
}
