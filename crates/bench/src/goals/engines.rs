//! Purchases and messages on both databases, against pgbench, against the bare writer loop and against themselves.
//! Guards: pgbench's PostgreSQL is the very server that ours is on, durable both times.

use super::{Bench, once, once_over};
use crate::Told;
use crate::instances::{Data, Server};
use crate::load::{Bodies, CONNECTIONS, MANY, Outcome, messages, rented, rents};
use crate::machine::Watch;
use crate::pgbench::{Accounts, Pgbench};
use crate::stats::Rounds;
use crate::table::Figure;
use bytes::Bytes;
use numberotp_testkit::database::TestEngine;
use std::sync::Arc;

/// Which database, and the names of its goals.
#[derive(Clone, Copy)]
struct Engine {
    label: &'static str,
    rents: &'static str,
    hot_pgbench: Option<&'static str>,
    bare: Option<&'static str>,
    hot: &'static str,
    sms: &'static str,
    two: Option<&'static str>,
}

const SQLITE: Engine = Engine {
    label: "sqlite",
    rents: "rents-sqlite",
    hot_pgbench: None,
    bare: Some("rents-bare"),
    hot: "hot-sqlite",
    sms: "sms-sqlite",
    two: None,
};
const POSTGRES: Engine = Engine {
    label: "postgres",
    rents: "rents-postgres",
    hot_pgbench: Some("rents-postgres-hot"),
    bare: None,
    hot: "hot-postgres",
    sms: "sms-postgres",
    two: Some("two-servers"),
};

impl Engine {
    fn names(&self) -> Vec<&'static str> {
        let optional = [self.hot_pgbench, self.bare, self.two];
        [self.rents, self.hot, self.sms].into_iter().chain(optional.into_iter().flatten()).collect()
    }
}

/// What was measured, a round each.
#[derive(Default)]
struct Measured {
    spread: Rounds,
    hot: Rounds,
    sms: Rounds,
    bare: Rounds,
    one: Rounds,
    two: Rounds,
    pgbench: Rounds,
    pgbench_hot: Rounds,
    seen: [String; 3],
}

pub async fn measure(bench: &mut Bench) -> Told<()> {
    for engine in [SQLITE, POSTGRES] {
        if !bench.wants(&engine.names()) {
            continue;
        }
        let Some(url) = bench.run.postgres.clone() else {
            bench.missing.push(format!("{}: no PostgreSQL", engine.names().join(", ")));
            continue;
        };
        let peer_database = TestEngine::Postgres(url.clone()).database();
        let pgbench = match &bench.run.pgbench {
            Some(program) => Some(Pgbench::fill(program, peer_database.url(), bench.folder())?),
            None => None,
        };
        let data = if engine.label == SQLITE.label {
            Data::sqlite(bench.folder(), engine.label, 1_000)?
        } else {
            Data::postgres(&url, 1_000)
        };
        let measured = rounds(bench, &engine, &data, pgbench.as_ref()).await?;
        tell(bench, &engine, measured);
    }
    Ok(())
}

async fn rounds(bench: &Bench, engine: &Engine, data: &Data, pgbench: Option<&Pgbench>) -> Told<Measured> {
    let server = data.serve()?;
    let all = Arc::new(rents(data.accounts()));
    let one = Arc::new(rents(1));
    let mut measured = Measured::default();
    // The first connections, prepared statements and pages are nobody's figure.
    bench.around(&[&server], &all).await?;
    for round in 0..bench.rounds() {
        let watch = Watch::start(&[("server", server.id())]);
        let outcome = bench.around(&[&server], &all).await?;
        let [rents_seen, sms_seen, hot_seen] = &mut measured.seen;
        *rents_seen = seen(&watch, &outcome);
        measured.spread.add(outcome.rate);
        if let Some(pgbench) = pgbench {
            measured.pgbench.add(best(bench, pgbench, Accounts::Spread)?);
        }
        if bench.wants(&[engine.hot]) || engine.hot_pgbench.is_some_and(|name| bench.wants(&[name])) {
            let watch = Watch::start(&[("server", server.id())]);
            let outcome = bench.around(&[&server], &one).await?;
            *hot_seen = seen(&watch, &outcome);
            measured.hot.add(outcome.rate);
            if let (Some(pgbench), Some(_)) = (pgbench, engine.hot_pgbench) {
                measured.pgbench_hot.add(best(bench, pgbench, Accounts::One)?);
            }
        }
        if bench.wants(&[engine.sms]) {
            let watch_and_outcome = sms(bench, &server, data).await?;
            *sms_seen = watch_and_outcome.1;
            measured.sms.add(watch_and_outcome.0);
        }
        if engine.bare.is_some_and(|name| bench.wants(&[name])) {
            let (rate, _) = data.bare(&["--callers", "64", "--seconds", &bench.seconds().to_string()])?;
            measured.bare.add(rate);
        }
        if engine.two.is_some_and(|name| bench.wants(&[name])) {
            let second = data.serve()?;
            let both = [&server, &second];
            // In turns, so that neither always has the fuller tables.
            if round % 2 == 0 {
                measured.one.add(at_best(bench, &[&server], &all).await?);
                measured.two.add(at_best(bench, &both, &all).await?);
            } else {
                measured.two.add(at_best(bench, &both, &all).await?);
                measured.one.add(at_best(bench, &[&server], &all).await?);
            }
        }
    }
    Ok(measured)
}

/// Buys numbers, then sends a message to each: the first of its rent, which charges it. In the order of the purchases, as
/// messages come: seconds later, whoever bought. The better of few connections and
/// of many, half of the messages each, as pgbench has the better of few clients and many.
async fn sms(bench: &Bench, server: &Server, data: &Data) -> Told<(f64, String)> {
    let wanted = if bench.run.quick { 4_000 } else { 40_000 };
    let purchases = rents(data.accounts()).into_iter().cycle().take(wanted).collect();
    let bought = once(server, purchases, Bodies::Kept).await?;
    let mut messages = messages(&rented(&bought.bodies)?);
    let half = messages.split_off(messages.len() / 2);
    let mut best = (0.0, String::new());
    for (connections, messages) in [(CONNECTIONS, messages), (MANY, half)] {
        let watch = Watch::start(&[("server", server.id())]);
        let outcome = once_over(connections, server, messages, Bodies::Dropped).await?;
        if outcome.rate > best.0 {
            best = (outcome.rate, format!("{connections} connections: {}", seen(&watch, &outcome)));
        }
    }
    Ok(best)
}

/// Purchases a second over few connections or many, whichever is more.
async fn at_best(bench: &Bench, servers: &[&Server], requests: &Arc<Vec<Bytes>>) -> Told<f64> {
    let few = bench.around_over(CONNECTIONS, servers, requests).await?.rate;
    Ok(few.max(bench.around_over(MANY, servers, requests).await?.rate))
}

fn best(bench: &Bench, pgbench: &Pgbench, accounts: Accounts) -> Told<f64> {
    let seconds = bench.seconds().div_ceil(2);
    let few = pgbench.run(accounts, 8, seconds)?;
    Ok(few.max(pgbench.run(accounts, 32, seconds)?))
}

fn seen(watch: &Watch, outcome: &Outcome) -> String {
    let (p50, p99) = (outcome.p50 / 1_000, outcome.p99 / 1_000);
    format!("{}; p50 {p50} ms, p99 {p99} ms", watch.told())
}

fn tell(bench: &mut Bench, engine: &Engine, measured: Measured) {
    let Measured { spread, hot, sms, bare, one, two, pgbench, pgbench_hot, seen } = measured;
    let [rents_seen, sms_seen, hot_seen] = seen;
    let figure = |name, ours: &Rounds, peer: &Rounds, seen: &str| Figure {
        name,
        ours: ours.clone(),
        peer: Some(peer.clone()),
        counts: "/s",
        seen: seen.to_owned(),
    };
    let mut figures = vec![
        figure(engine.rents, &spread, &pgbench, &rents_seen),
        figure(engine.sms, &sms, &pgbench, &sms_seen),
        figure(engine.hot, &hot, &spread, &hot_seen),
    ];
    figures.extend(engine.hot_pgbench.map(|name| figure(name, &hot, &pgbench_hot, &hot_seen)));
    figures.extend(
        engine
            .bare
            .map(|name| figure(name, &spread, &bare, "bare: 64 callers, the product's own queue and writer")),
    );
    figures.extend(
        engine
            .two
            .map(|name| figure(name, &two, &one, "half of the connections each; the better of 64 and 256")),
    );
    for figure in figures {
        let peer = figure.peer.as_ref().map_or(0.0, Rounds::median);
        if peer > 0.0 {
            bench.add(figure);
        } else if bench.wants(&[figure.name]) {
            bench.missing.push(format!("{}: its peer could not be measured", figure.name));
        }
    }
}
