//! Purchases on a database that has grown, against those on a small one.
//! Guards: both are loaded in turns, on all of their accounts; the rows are made by the product's own commands.

use super::Bench;
use crate::Told;
use crate::instances::Data;
use crate::load::rents;
use crate::machine::Watch;
use crate::stats::Rounds;
use crate::table::Figure;
use std::sync::Arc;

const NAME: &str = "growth";
/// Accounts and purchases of the small case.
const SMALL: (u32, u32) = (1_000, 10_000);

pub async fn measure(bench: &mut Bench) -> Told<()> {
    if !bench.wants(&[NAME]) {
        return Ok(());
    }
    // A purchase writes two rows of the books, a customer's first money two more.
    let large = match (bench.run.quick, bench.run.full) {
        (true, _) => (4_000, 4_000),
        (false, false) => (100_000, 400_000),
        (false, true) => (1_000_000, 4_500_000),
    };
    let small_data = Data::sqlite(bench.folder(), "small", SMALL.0)?;
    let large_data = Data::sqlite(bench.folder(), "large", large.0)?;
    for (data, (_, purchases)) in [(&small_data, SMALL), (&large_data, large)] {
        drop(data.serve()?);
        data.bare(&["--batch", "256", "--seconds", "36000", "--purchases", &purchases.to_string()])?;
    }
    let (small_server, large_server) = (small_data.serve()?, large_data.serve()?);
    let small_requests = Arc::new(rents(small_data.accounts()));
    let large_requests = Arc::new(rents(large_data.accounts()));
    let (mut ours, mut peer, mut seen) = (Rounds::default(), Rounds::default(), String::new());
    for _ in 0..bench.rounds() {
        let watch = Watch::start(&[("server", large_server.id())]);
        ours.add(bench.around(&[&large_server], &large_requests).await?.rate);
        seen = watch.told();
        peer.add(bench.around(&[&small_server], &small_requests).await?.rate);
    }
    let seen = format!("{seen}; {} accounts, {} purchases before", large.0, large.1);
    bench.add(Figure { name: NAME, ours, peer: Some(peer), counts: "/s", seen });
    Ok(())
}
