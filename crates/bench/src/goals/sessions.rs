//! How long it takes to open a session of the operator's website, which is done for every request that brings one.
//! Guards: the tokens are the npm packages' own, of both versions, and every opening ends in claims.

use super::Bench;
use crate::Told;
use crate::stats::{Rounds, count};
use crate::table::Figure;
use numberotp_core::authjs::Keyring;
use numberotp_core::cookie::Cookies;
use numberotp_core::secret::Secret;
use numberotp_core::time::{Span, Time};
use std::hint::black_box;
use std::time::Instant;

const NAME: &str = "authjs";
const TOKENS: &str = include_str!("../../../core/tests/vectors/authjs_own.tsv");
/// A moment at which all of them are good.
const NOW: Time = Time::from_micros(Span::hours(24 * 365 * 60).as_micros());

pub fn measure(bench: &mut Bench) -> Told<()> {
    if !bench.wants(&[NAME]) {
        return Ok(());
    }
    let rows: Vec<Vec<&str>> = TOKENS.lines().skip(1).map(|line| line.split('\t').collect()).collect();
    let column = |place: usize| rows.iter().filter_map(move |row| row.get(place).copied());
    let mut secrets: Vec<Secret> = column(2).map(Secret::new).collect();
    secrets.dedup();
    let renamed: Vec<String> = column(3).map(str::to_owned).collect();
    let keyring = Keyring::new(&secrets, &renamed);
    let headers: Vec<String> =
        column(3).zip(column(4)).map(|(name, token)| format!("{name}={token}")).collect();
    let turns = if bench.run.quick { 20_usize } else { 2_000 };
    let mut ours = Rounds::default();
    for _ in 0..bench.rounds() {
        let begun = Instant::now();
        for _ in 0..turns {
            for header in &headers {
                let cookies = Cookies::parse(std::iter::once(black_box(header.as_str())));
                match keyring.open_cookies(&cookies, NOW) {
                    Some(Ok(claims)) => drop(black_box(claims)),
                    _ => return Err(format!("a token did not open: {header}")),
                }
            }
        }
        ours.add(begun.elapsed().as_secs_f64() * 1e6 / count(turns.saturating_mul(headers.len())));
    }
    let letters = column(4).map(str::len).sum::<usize>();
    let seen = format!(
        "{} tokens of {} characters on average, by cookie, {} secrets",
        headers.len(),
        letters / headers.len().max(1),
        secrets.len()
    );
    bench.add(Figure { name: NAME, ours, peer: None, counts: "us", seen });
    Ok(())
}
