//! Whether the time of a refused sign-in tells why it was refused: nobody has the address, the password is wrong, the
//! network has to wait, the address is unproved, the account is closed.
//!
//! Guards: the kinds take turns, each first as often as any other, and each answer is the same refusal. Every try comes
//! from a network of its own, but for the one that has to wait.

use super::Bench;
use crate::Told;
use crate::stats::{Rounds, count, float, mann_whitney};
use crate::table::Figure;
use crate::told::About;
use numberotp_core::caller::{Role, Standing};
use numberotp_core::id::PLATFORM;
use numberotp_core::secret::Secret;
use numberotp_core::text::Email;
use numberotp_core::time::Span;
use numberotp_server::app::password::hash_now;
use numberotp_server::store::account::{NewAccount, account_create, account_set_standing};
use numberotp_server::store::person::person_create;
use numberotp_testkit::app::{Setup, TestApp};
use numberotp_testkit::database::TestDatabase;
use serde_json::json;
use std::net::SocketAddr;
use std::time::Instant;

const NAME: &str = "sign-in-times";
const PASSWORD: &str = "grey otter 7";
/// Where the one that has to wait asks from.
const WAITING: [u8; 4] = [203, 0, 113, 9];
/// Failures that make it wait for minutes of a clock that stands still.
const FAILURES: i64 = 12;

/// Who tries, and why in vain.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Unknown,
    Wrong,
    Waiting,
    Unproved,
    Closed,
}

const KINDS: [Kind; 5] = [Kind::Unknown, Kind::Wrong, Kind::Waiting, Kind::Unproved, Kind::Closed];

impl Kind {
    const fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Wrong => "wrong",
            Self::Waiting => "waiting",
            Self::Unproved => "unproved",
            Self::Closed => "closed",
        }
    }
    fn email(self) -> String {
        format!("{}@example.com", self.word())
    }
    /// What is given: the right one where something else keeps the account shut.
    const fn password(self) -> &'static str {
        match self {
            Self::Wrong => "grey otter 8",
            Self::Unknown | Self::Waiting | Self::Unproved | Self::Closed => PASSWORD,
        }
    }
}

pub async fn measure(bench: &mut Bench) -> Told<()> {
    if !bench.wants(&[NAME]) {
        return Ok(());
    }
    let folder = bench.folder().join("sign-in-times");
    std::fs::create_dir_all(&folder).about("a folder")?;
    let database = TestDatabase::on_disk(&folder);
    let app = TestApp::open(&database, Setup::sandbox()).await;
    people(&app).await?;
    let turns = if bench.run.quick { 8_usize } else { 60 };
    let (mut networks, mut ours) = (0_u16, Rounds::default());
    let mut times: [Vec<u64>; KINDS.len()] = Default::default();
    for _ in 0..bench.rounds() {
        let mut round: [Vec<u64>; KINDS.len()] = Default::default();
        for turn in 0..turns {
            // Another one is first each time.
            let order = (0..KINDS.len()).map(|place| place.wrapping_add(turn).checked_rem(KINDS.len()));
            for place in order.flatten() {
                let Some((kind, taken)) = KINDS.get(place).zip(round.get_mut(place)) else { continue };
                networks = networks.wrapping_add(1);
                taken.push(refused(&app, *kind, networks).await?);
            }
        }
        let medians: Vec<f64> = round.iter().map(|taken| median(taken)).collect();
        ours.add(apart(&medians));
        times.iter_mut().zip(round).for_each(|(all, taken)| all.extend(taken));
    }
    app.finish().await;
    let seen = tell(&times);
    bench.add(Figure { name: NAME, ours, peer: None, counts: "%", seen });
    Ok(())
}

/// The accounts, and the network that has to wait.
async fn people(app: &TestApp<'_>) -> Told<()> {
    let now = app.now();
    let hash = hash_now(&Secret::new(PASSWORD)).about("a hash")?;
    for kind in KINDS.into_iter().filter(|kind| *kind != Kind::Unknown) {
        let new = NewAccount {
            brand: PLATFORM,
            email: Email::parse(&kind.email()).about("an e-mail")?,
            name: "Ann".to_owned(),
            password_hash: Some(hash.clone()),
            role: Role::Customer,
            standing: Standing::Approved,
            now,
        };
        let made = app.write(move |tx| match kind {
            Kind::Unproved => person_create(tx, &new),
            _ => account_create(tx, &new),
        });
        let account = made.await.about("an account")?.id;
        if kind == Kind::Closed {
            app.write(move |tx| account_set_standing(tx, account, Standing::Closed)).await;
        }
    }
    let mut wait = Span::seconds(1);
    for failure in 1..=FAILURES {
        ask(app, Kind::Waiting, ("not the password", WAITING)).await?;
        if (5..FAILURES).contains(&failure) {
            app.advance(wait);
            wait = Span::micros(wait.as_micros().saturating_mul(2));
        }
    }
    Ok(())
}

/// One try, which is refused: how long that took, in microseconds.
async fn refused(app: &TestApp<'_>, kind: Kind, network: u16) -> Told<u64> {
    let [high, low] = network.to_be_bytes();
    let from = if kind == Kind::Waiting { WAITING } else { [10, high, low, 1] };
    ask(app, kind, (kind.password(), from)).await
}

async fn ask(app: &TestApp<'_>, kind: Kind, (password, from): (&str, [u8; 4])) -> Told<u64> {
    let body = json!({ "email": kind.email(), "password": password });
    let ask = app.post("/api/auth/sign-in").from(SocketAddr::from((from, 40_000))).json(&body);
    let begun = Instant::now();
    let answer = ask.send().await;
    let took = begun.elapsed();
    if answer.status != 401 {
        return Err(format!("a sign-in ({}) was answered {}", kind.word(), answer.status));
    }
    u64::try_from(took.as_micros()).about("a time")
}

fn median(times: &[u64]) -> f64 {
    times.iter().map(|time| float(*time)).collect::<Rounds>().median()
}

/// How far the slowest is from the quickest, as a share of the quickest in percent.
fn apart(medians: &[f64]) -> f64 {
    let (least, most) =
        medians.iter().fold((f64::MAX, 0.0_f64), |(least, most), one| (least.min(*one), most.max(*one)));
    (most - least) / least.max(f64::MIN_POSITIVE) * 100.0
}

/// The medians, and the pair that is told apart best.
fn tell(times: &[Vec<u64>; KINDS.len()]) -> String {
    let named: Vec<(&str, &Vec<u64>)> = KINDS.iter().map(|kind| kind.word()).zip(times).collect();
    let medians: Vec<String> =
        named.iter().map(|(word, taken)| format!("{word} {:.2}", median(taken) / 1e3)).collect();
    let mut worst = (0.0_f64, "nothing", "nothing");
    for (place, (one, ones)) in named.iter().enumerate() {
        for (other, others) in named.iter().skip(place.saturating_add(1)) {
            let z = mann_whitney(ones, others);
            if z.abs() >= worst.0.abs() {
                worst = (z, one, other);
            }
        }
    }
    let (z, one, other) = worst;
    let each = count(times.iter().map(Vec::len).min().unwrap_or_default());
    format!(
        "medians in ms: {}; Mann-Whitney z at most {z:.1} ({one}, {other}), {each} of each",
        medians.join(", ")
    )
}
