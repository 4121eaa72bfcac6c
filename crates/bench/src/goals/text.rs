//! How long it takes to find the code in a message.
//! Guards: the messages are the project's own, in all the languages they are written in.

use super::Bench;
use crate::Told;
use crate::stats::{Rounds, count};
use crate::table::Figure;
use numberotp_core::otp::extract;
use std::hint::black_box;
use std::time::Instant;

const NAME: &str = "extraction";
const MESSAGES: &str = include_str!("../../../core/tests/vectors/otp_own.tsv");

pub fn measure(bench: &mut Bench) -> Told<()> {
    if !bench.wants(&[NAME]) {
        return Ok(());
    }
    let messages: Vec<&str> = MESSAGES.lines().skip(1).filter_map(|line| line.split('\t').nth(2)).collect();
    let turns = if bench.run.quick { 3_usize } else { 40 };
    let mut ours = Rounds::default();
    for _ in 0..bench.rounds() {
        let begun = Instant::now();
        for _ in 0..turns {
            for message in &messages {
                black_box(extract(black_box(message)));
            }
        }
        ours.add(begun.elapsed().as_secs_f64() * 1e6 / count(turns.saturating_mul(messages.len())));
    }
    let letters = messages.iter().map(|message| message.chars().count()).sum::<usize>();
    let seen =
        format!("{} messages of {} characters on average", messages.len(), letters / messages.len().max(1));
    bench.add(Figure { name: NAME, ours, peer: None, counts: "us", seen });
    Ok(())
}
