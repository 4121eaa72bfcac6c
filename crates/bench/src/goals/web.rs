//! Ready bytes: prices, the whole list, 304. The peer is nginx, which serves the same bytes from files. Each is taken at
//! its best setting: ours of threads that serve, nginx's of workers.
//! Guards: what nginx serves was fetched from the product, with wrk's own headers; both have the same settings to choose
//! from.

use super::Bench;
use crate::Told;
use crate::http::{Wire, request};
use crate::instances::{Data, Server};
use crate::machine::Watch;
use crate::nginx::Nginx;
use crate::stats::Rounds;
use crate::table::Figure;
use crate::told::About;
use crate::wrk;
use std::path::Path;

const COUNTRY: &str = "/api/public/prices?country=US";
const WHOLE: &str = "/api/public/prices";
const GZIP: &str = "Accept-Encoding: gzip";

/// What an asker says beside the address.
#[derive(Clone, Copy)]
enum Says {
    Nothing,
    /// That it takes gzip.
    Gzip,
    /// That it has the answer already.
    Known,
}

/// One comparison: the address here and there, and what is said to both.
struct Pair {
    name: &'static str,
    path: &'static str,
    file: &'static str,
    says: Says,
}

const PAIRS: [Pair; 4] = [
    Pair { name: "prices", path: COUNTRY, file: "prices.json", says: Says::Nothing },
    Pair { name: "list", path: WHOLE, file: "list.json", says: Says::Nothing },
    Pair { name: "list-gzip", path: WHOLE, file: "list.json", says: Says::Gzip },
    Pair { name: "not-modified", path: COUNTRY, file: "prices.json", says: Says::Known },
];

/// The product with so many threads.
struct Ours {
    threads: u32,
    server: Server,
    tag: String,
}

/// nginx with so many workers.
struct Peer {
    workers: u32,
    nginx: Nginx,
}

/// A server in one of its settings, what it is asked, and what it did.
struct Contender {
    name: &'static str,
    setting: String,
    id: u32,
    url: String,
    header: Option<String>,
    rounds: Rounds,
    seen: String,
}

pub async fn measure(bench: &mut Bench) -> Told<()> {
    if !bench.wants(&PAIRS.map(|pair| pair.name)) {
        return Ok(());
    }
    let (Some(nginx), Some(wrk)) = (bench.run.nginx.clone(), bench.run.wrk.clone()) else {
        bench.missing.push("prices, list, 304: no nginx or no wrk".to_owned());
        return Ok(());
    };
    let counts: &[u32] = if bench.run.quick { &[1] } else { &[1, 2] };
    let place = |threads: &u32| Data::sqlite(bench.folder(), &format!("web-{threads}"), 10);
    let data = counts.iter().map(place).collect::<Told<Vec<_>>>()?;
    let mut ours = Vec::new();
    for (threads, data) in counts.iter().zip(&data) {
        let server = data.serve_on(*threads)?;
        ours.push(Ours { threads: *threads, tag: tag(&server).await?, server });
    }
    let server = &ours.first().about("a server")?.server;
    let small = fetch(server, COUNTRY, "").await?;
    let whole = fetch(server, WHOLE, "").await?;
    let files = [
        ("prices.json", small.as_slice(), &*fetch(server, COUNTRY, "accept-encoding: gzip\r\n").await?),
        ("list.json", whole.as_slice(), &*fetch(server, WHOLE, "accept-encoding: gzip\r\n").await?),
    ];
    eprintln!("bench: a country's prices are {} bytes, the whole list {}", small.len(), whole.len());
    let start = |workers: &u32| {
        Ok(Peer { workers: *workers, nginx: Nginx::start(&nginx, bench.folder(), *workers, &files)? })
    };
    let peers = counts.iter().map(start).collect::<Told<Vec<_>>>()?;
    for pair in PAIRS {
        if bench.wants(&[pair.name]) {
            let figure = compare(bench, &pair, (&ours, &peers), &wrk)?;
            bench.add(figure);
        }
    }
    Ok(())
}

fn compare(bench: &Bench, pair: &Pair, (ours, peers): (&[Ours], &[Peer]), wrk: &Path) -> Told<Figure> {
    let mut ours: Vec<Contender> = ours.iter().map(|one| one.contender(pair)).collect();
    let mut peers = peers.iter().map(|one| one.contender(pair)).collect::<Told<Vec<_>>>()?;
    for _ in 0..bench.rounds() {
        for contender in ours.iter_mut().chain(&mut peers) {
            contender.run(wrk, bench.seconds())?;
        }
    }
    let (ours, peer) = (best(ours)?, best(peers)?);
    Ok(Figure {
        name: pair.name,
        ours: ours.rounds,
        peer: Some(peer.rounds),
        counts: "/s",
        seen: format!("{}; {}; wrk -t1 -c64", ours.seen, peer.seen),
    })
}

impl Ours {
    fn contender(&self, pair: &Pair) -> Contender {
        Contender {
            name: "server",
            setting: format!("--threads {}", self.threads),
            id: self.server.id(),
            url: format!("http://{}{}", self.server.address, pair.path),
            header: pair.says.header(&self.tag),
            rounds: Rounds::default(),
            seen: String::new(),
        }
    }
}

impl Peer {
    fn contender(&self, pair: &Pair) -> Told<Contender> {
        Ok(Contender {
            name: "nginx",
            setting: format!("workers {}", self.workers),
            id: self.nginx.id(),
            url: self.nginx.url(pair.file),
            header: pair.says.header(&self.nginx.etag(pair.file)?),
            rounds: Rounds::default(),
            seen: String::new(),
        })
    }
}

impl Says {
    /// As wrk is told it.
    fn header(self, tag: &str) -> Option<String> {
        match self {
            Self::Nothing => None,
            Self::Gzip => Some(GZIP.to_owned()),
            Self::Known => Some(format!("If-None-Match: {tag}")),
        }
    }
}

impl Contender {
    /// One round.
    fn run(&mut self, wrk: &Path, seconds: u32) -> Told<()> {
        let watch = Watch::start(&[(self.name, self.id)]);
        let header: Vec<&str> = self.header.as_deref().into_iter().collect();
        self.rounds.add(wrk::run(wrk, seconds, &self.url, &header)?);
        self.seen = format!("{}: {}", self.setting, watch.told());
        Ok(())
    }
}

/// The one in its best setting.
fn best(contenders: Vec<Contender>) -> Told<Contender> {
    let best =
        contenders.into_iter().max_by(|one, other| one.rounds.median().total_cmp(&other.rounds.median()));
    best.about("a contender")
}

async fn fetch(server: &Server, path: &str, headers: &str) -> Told<Vec<u8>> {
    let mut wire = Wire::connect(server.address).await?;
    Ok(wire.ask(&request("GET", path, headers, "")).await?.body.to_vec())
}

/// The entity tag of the country's prices.
async fn tag(server: &Server) -> Told<String> {
    let mut wire = Wire::connect(server.address).await?;
    wire.ask(&request("GET", COUNTRY, "", "")).await?;
    let head = wire.head("etag");
    head.ok_or_else(|| "prices have no tag".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_better_setting_counts_and_is_named() {
        let contender = |setting: &str, figures: [f64; 3]| Contender {
            name: "server",
            setting: setting.to_owned(),
            id: 0,
            url: String::new(),
            header: None,
            rounds: figures.into_iter().collect(),
            seen: format!("{setting}: server 1.00 cores"),
        };
        let (one, two) = ([80.0, 82.0, 10.0], [62.0, 60.0, 99.0]);
        let best = best(vec![contender("--threads 1", one), contender("--threads 2", two)]).unwrap();
        assert!(best.rounds.median() > 79.0 && best.seen.starts_with("--threads 1:"), "{}", best.seen);
    }
}
