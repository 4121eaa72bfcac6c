//! Resident memory of the server's process: idle, after many rents, and of a long-poll that waits.
//! Guards: idle is a fresh start on filled data; long-polls are counted on a fresh start too, so that nothing that
//! was freed before hides them.

use super::waits::buy;
use super::{Bench, once};
use crate::Told;
use crate::http::Wire;
use crate::instances::Data;
use crate::load::{Bodies, rents, wait};
use crate::machine::resident_kib;
use crate::stats::count;
use crate::table::Figure;
use std::time::Duration;

const IDLE: &str = "memory-idle";
const BUSY: &str = "memory-busy";
const WAIT: &str = "memory-wait";
/// Until the start is over.
const SETTLE: Duration = Duration::from_secs(2);

pub async fn measure(bench: &mut Bench) -> Told<()> {
    if !bench.wants(&[IDLE, BUSY, WAIT]) {
        return Ok(());
    }
    let data = Data::sqlite(bench.folder(), "memory", 1_000)?;
    drop(data.serve()?);
    let figure = |name, value: f64, counts, seen: String| Figure {
        name,
        ours: [value].into_iter().collect(),
        peer: None,
        counts,
        seen,
    };
    let server = data.serve()?;
    tokio::time::sleep(SETTLE).await;
    let idle = resident_kib(server.id())?;
    bench.add(figure(IDLE, idle / 1_024.0, "MB", "SQLite, 1,000 accounts".to_owned()));
    if bench.wants(&[BUSY]) {
        let wanted = if bench.run.quick { 4_000 } else { 60_000 };
        once(&server, rents(1_000).into_iter().cycle().take(wanted).collect(), Bodies::Dropped).await?;
        let busy = resident_kib(server.id())?;
        bench.add(figure(BUSY, busy / 1_024.0, "MB", format!("SQLite, {wanted} rents, 64 connections")));
    }
    if bench.wants(&[WAIT]) {
        let waiting = if bench.run.quick { 1_000 } else { 5_000 };
        let rents = buy(&server, waiting, data.accounts()).await?;
        drop(server);
        let server = data.serve()?;
        tokio::time::sleep(SETTLE).await;
        let before = resident_kib(server.id())?;
        let mut wires = Vec::new();
        for (rent, account) in rents.iter().zip((0..data.accounts()).cycle()) {
            let mut wire = Wire::connect_small(server.address).await?;
            wire.send(&wait(rent, account)).await?;
            wires.push(wire);
        }
        tokio::time::sleep(SETTLE).await;
        let each = (resident_kib(server.id())? - before) / count(waiting);
        bench.add(figure(WAIT, each, "KiB", format!("SQLite, {waiting} waiting; sockets are the kernel's")));
    }
    Ok(())
}
