//! Ready bytes: prices, the whole list, 304. The peer is the best nginx, which serves the same bytes from files.
//! Guards: what nginx serves was fetched from the product, with wrk's own headers.

use super::Bench;
use crate::Told;
use crate::http::{Wire, request};
use crate::instances::{Data, Server};
use crate::machine::Watch;
use crate::nginx::Nginx;
use crate::stats::Rounds;
use crate::table::Figure;
use crate::wrk;
use std::path::Path;

const NAMES: [&str; 4] = ["prices", "list", "list-gzip", "not-modified"];
const COUNTRY: &str = "/api/public/prices?country=US";
const WHOLE: &str = "/api/public/prices";
const GZIP: &str = "Accept-Encoding: gzip";

/// One comparison: the address here and there, and the headers for each.
struct Pair {
    name: &'static str,
    path: &'static str,
    file: &'static str,
    ours: Vec<String>,
    peers: Vec<String>,
}

pub async fn measure(bench: &mut Bench) -> Told<()> {
    if !bench.wants(&NAMES) {
        return Ok(());
    }
    let (Some(nginx), Some(wrk)) = (bench.run.nginx.clone(), bench.run.wrk.clone()) else {
        bench.missing.push("prices, list, 304: no nginx or no wrk".to_owned());
        return Ok(());
    };
    let data = Data::sqlite(bench.folder(), "web", 10)?;
    let server = data.serve()?;
    let small = fetch(&server, COUNTRY, "").await?;
    let whole = fetch(&server, WHOLE, "").await?;
    let files = [
        ("prices.json", small.as_slice(), &*fetch(&server, COUNTRY, "accept-encoding: gzip\r\n").await?),
        ("list.json", whole.as_slice(), &*fetch(&server, WHOLE, "accept-encoding: gzip\r\n").await?),
    ];
    eprintln!("bench: a country's prices are {} bytes, the whole list {}", small.len(), whole.len());
    let counts: &[u32] = if bench.run.quick { &[1] } else { &[1, 2] };
    let started = counts.iter().map(|workers| Nginx::start(&nginx, bench.folder(), *workers, &files));
    let peers = started.collect::<Told<Vec<_>>>()?;
    let first = peers.first().ok_or("no nginx")?;
    let tag = tag(&server).await?;
    let pairs = [
        Pair { name: "prices", path: COUNTRY, file: "prices.json", ours: Vec::new(), peers: Vec::new() },
        Pair { name: "list", path: WHOLE, file: "list.json", ours: Vec::new(), peers: Vec::new() },
        Pair {
            name: "list-gzip",
            path: WHOLE,
            file: "list.json",
            ours: vec![GZIP.into()],
            peers: vec![GZIP.into()],
        },
        Pair {
            name: "not-modified",
            path: COUNTRY,
            file: "prices.json",
            ours: vec![format!("If-None-Match: {tag}")],
            peers: vec![format!("If-None-Match: {}", first.etag("prices.json")?)],
        },
    ];
    for pair in pairs {
        if bench.wants(&[pair.name]) {
            let figure = compare(bench, &pair, (&server, &peers), &wrk)?;
            bench.add(figure);
        }
    }
    Ok(())
}

fn compare(bench: &Bench, pair: &Pair, (server, peers): (&Server, &[Nginx]), wrk: &Path) -> Told<Figure> {
    let seconds = bench.seconds();
    let (mut ours, mut theirs) = (Rounds::default(), vec![Rounds::default(); peers.len()]);
    let (mut seen, mut nginx_seen) = (String::new(), String::new());
    for _ in 0..bench.rounds() {
        let watch = Watch::start(&[("server", server.id())]);
        let headers: Vec<&str> = pair.ours.iter().map(String::as_str).collect();
        ours.add(wrk::run(wrk, seconds, &format!("http://{}{}", server.address, pair.path), &headers)?);
        seen = watch.told();
        let headers: Vec<&str> = pair.peers.iter().map(String::as_str).collect();
        for (peer, rounds) in peers.iter().zip(&mut theirs) {
            let watch = Watch::start(&[("nginx", peer.id())]);
            rounds.add(wrk::run(wrk, seconds, &peer.url(pair.file), &headers)?);
            nginx_seen = watch.told();
        }
    }
    let best = theirs.into_iter().max_by(|one, other| one.median().total_cmp(&other.median()));
    Ok(Figure {
        name: pair.name,
        ours,
        peer: best,
        counts: "/s",
        seen: format!("{seen}; {nginx_seen}; wrk -t1 -c64"),
    })
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
