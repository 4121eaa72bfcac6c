//! Programs that sign in and exchange refresh tokens while the server dies under them, again and again.
//!
//! Guards: a token that was answered works; one whose answer was lost is asked for again and brings the same successor or
//! the first, and signs nobody out; no token ever has two successors; and what an admin was shown is in a whole chain.

use super::client::{Answer, Client};
use super::dice::Dice;
use super::kill9::{ROUNDS, SEED, number, say};
use super::memory::Window;
use super::program::{Counts, Place, Server, look_again};
use numberotp_core::token;
use numberotp_server::store::db::{Access, Connection, Statement, Value as Parameter};
use numberotp_server::store::refresh::GRACE;
use numberotp_testkit::database::{TestEngine, engines};
use serde_json::json;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

const PASSWORD: &str = "grey otter 7";
/// Programs that stay signed in, an account each.
const PROGRAMS: usize = 6;
/// Rounds unless the environment says another number.
const ROUNDS_USUAL: u32 = 12;
/// Longest time until everybody is in and the first exchange of a round is answered.
const FIRST_WITHIN: Duration = Duration::from_secs(60);

#[test]
fn nobody_is_signed_out_by_a_crash_on_sqlite() {
    on(&TestEngine::Sqlite);
}

#[test]
fn nobody_is_signed_out_by_a_crash_on_postgresql() {
    let server = engines().into_iter().find(|engine| matches!(engine, TestEngine::Postgres(_)));
    server.iter().for_each(on);
}

fn on(engine: &TestEngine) {
    let seed = number(SEED).unwrap_or_else(Dice::fresh_seed);
    let rounds = number(ROUNDS).map_or(ROUNDS_USUAL, |rounds| u32::try_from(rounds).unwrap());
    let place = Place::new(engine);
    let (engine, done) = (engine.name(), Trial::new(&place, seed).run(rounds));
    match done {
        Ok(figures) => say(&format!("kill9, signing in, on {engine}, {SEED}={seed}: {figures}")),
        Err(what) => panic!("{what}\non {engine}, {SEED}={seed}; the servers said:\n{}", place.log()),
    }
}

/// Why a program ends.
enum Stop {
    /// Its connection broke.
    Broke(std::io::Error),
    /// It was told what must not be.
    Wrong(String),
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        Self::Broke(error)
    }
}

/// What a round's programs see.
struct Round {
    address: SocketAddr,
    dying: AtomicBool,
    answered: AtomicU32,
    /// Programs that have to sign in first. A try that a kill cuts off counts as a guess, and after five of them in a row
    /// the right password has to wait: so nobody is killed before all of them are in.
    outside: AtomicU32,
}

impl Round {
    /// Whatever breaks off by the kill is no failure, everything else is.
    fn end(&self, stop: Stop) -> Result<(), String> {
        match stop {
            Stop::Broke(_) if self.dying.load(Ordering::SeqCst) => Ok(()),
            Stop::Broke(error) => Err(format!("a connection broke before the kill: {error}")),
            Stop::Wrong(what) => Err(what),
        }
    }
}

/// A program that stays signed in.
struct Program {
    email: String,
    /// The access token and the refresh token that it was told last.
    now: Option<(String, String)>,
    /// The token that it asked to exchange without an answer yet, and when first.
    asked: Option<(String, Instant)>,
    /// What each token was exchanged for.
    successors: BTreeMap<String, String>,
    exchanged: u32,
    /// Answers that were lost, and how many of those came again too late.
    lost: u32,
    late: u32,
}

impl Program {
    fn new(email: String) -> Self {
        let (now, asked, successors) = (None, None, BTreeMap::new());
        Self { email, now, asked, successors, exchanged: 0, lost: 0, late: 0 }
    }

    /// One life of a server.
    fn live(&mut self, round: &Round, dice: &mut Dice) -> Result<(), String> {
        let stop = match Client::connect(round.address, "") {
            Err(error) => Stop::Broke(error),
            Ok(mut client) => loop {
                if let Err(stop) = self.step(&mut client, round, dice) {
                    break stop;
                }
            },
        };
        round.end(stop)
    }

    fn step(&mut self, client: &mut Client, round: &Round, dice: &mut Dice) -> Result<(), Stop> {
        if self.asked.is_some() {
            self.lost += 1;
            return self.exchange(client, round);
        }
        if self.now.is_none() || dice.below(200) == 0 {
            let before = self.now.is_some();
            self.sign_in(client)?;
            match (before, self.now.is_some()) {
                (false, true) => drop(round.outside.fetch_sub(1, Ordering::SeqCst)),
                (true, false) => drop(round.outside.fetch_add(1, Ordering::SeqCst)),
                _ => {}
            }
            return Ok(());
        }
        match dice.below(8) {
            0 => self.look(client),
            1 => self.twice(round),
            _ => self.exchange(client, round),
        }
    }

    fn sign_in(&mut self, client: &mut Client) -> Result<(), Stop> {
        self.now = None;
        let body = json!({ "grant_type": "password", "email": self.email, "password": PASSWORD });
        let answer = client.send("POST", "/v1/oauth/token", ("", &body.to_string()))?;
        if answer.status == 429 {
            // Others take the processors: its password was not looked at, and it comes again.
            return Ok(());
        }
        self.now = Some(tokens(&answer).ok_or_else(|| Stop::Wrong(answer.told("a sign-in")))?);
        Ok(())
    }

    fn look(&self, client: &mut Client) -> Result<(), Stop> {
        let Some((access, _)) = &self.now else { return Ok(()) };
        let answer = client.send("GET", "/v1/me", (&format!("authorization: Bearer {access}\r\n"), ""))?;
        if answer.status == 200 { Ok(()) } else { Err(Stop::Wrong(answer.told("a look"))) }
    }

    /// The token that is to be exchanged now: the one whose answer was lost before any other.
    fn given(&mut self) -> Option<String> {
        if self.asked.is_none() {
            let (_, refresh) = self.now.as_ref()?;
            self.asked = Some((refresh.clone(), Instant::now()));
        }
        self.asked.as_ref().map(|(token, _)| token.clone())
    }

    fn exchange(&mut self, client: &mut Client, round: &Round) -> Result<(), Stop> {
        let Some(given) = self.given() else { return Ok(()) };
        let answer = client.send("POST", "/v1/oauth/token", ("", &exchange_of(&given)))?;
        self.told(&given, &answer, round)
    }

    /// The same token at two doors in the same moment.
    fn twice(&mut self, round: &Round) -> Result<(), Stop> {
        let Some(given) = self.given() else { return Ok(()) };
        let ask = || {
            let mut client = Client::connect(round.address, "")?;
            client.send("POST", "/v1/oauth/token", ("", &exchange_of(&given)))
        };
        let (one, two) = std::thread::scope(|scope| {
            let other = scope.spawn(ask);
            (ask(), other.join().unwrap())
        });
        let (one, two) = (one?, two?);
        self.told(&given, &one, round)?;
        self.told(&given, &two, round)
    }

    /// An exchange was answered.
    fn told(&mut self, given: &str, answer: &Answer, round: &Round) -> Result<(), Stop> {
        let since = self.asked.as_ref().map(|(_, since)| *since);
        let Some((access, refresh)) = tokens(answer) else {
            // The answer was lost longer ago than it is given again: that may end the sign-in, and nothing else may.
            if since.is_some_and(|since| since.elapsed() >= GRACE.to_std()) {
                (self.now, self.asked) = (None, None);
                round.outside.fetch_add(1, Ordering::SeqCst);
                self.late += 1;
                return Ok(());
            }
            return Err(Stop::Wrong(answer.told(&format!("an exchange, asked {since:?},"))));
        };
        let before = self.successors.insert(given.to_owned(), refresh.clone());
        if before.is_some_and(|before| before != refresh) {
            return Err(Stop::Wrong("a token was exchanged for two".to_owned()));
        }
        (self.now, self.asked) = (Some((access, refresh)), None);
        self.exchanged += 1;
        round.answered.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

fn exchange_of(token: &str) -> String {
    json!({ "grant_type": "refresh_token", "refresh_token": token }).to_string()
}

fn tokens(answer: &Answer) -> Option<(String, String)> {
    let text = |field: &str| answer.body[field].as_str().map(str::to_owned);
    (answer.status == 200).then(|| Some((text("access_token")?, text("refresh_token")?)))?
}

/// An admin that looks for accounts until the server dies; how often it was answered.
fn admin(round: &Round, session: &str) -> Result<u32, String> {
    let mut answered = 0;
    let header = format!("authorization: Bearer {session}\r\n");
    let mut work = || -> Result<(), Stop> {
        let mut client = Client::connect(round.address, "")?;
        loop {
            let answer = client.send("GET", "/admin/api/accounts?query=program", (&header, ""))?;
            if answer.status != 200 || answer.data().as_array().map(Vec::len) != Some(PROGRAMS) {
                return Err(Stop::Wrong(answer.told("a search")));
            }
            answered += 1;
        }
    };
    let ended = work();
    ended.err().map_or(Ok(()), |stop| round.end(stop)).map(|()| answered)
}

struct Trial<'a> {
    place: &'a Place,
    dice: Dice,
    programs: Vec<Program>,
    admin: String,
    searches: u32,
}

impl<'a> Trial<'a> {
    fn new(place: &'a Place, seed: u64) -> Self {
        let emails = (0..PROGRAMS).map(|number| format!("program{number}@example.com"));
        let programs = emails.map(|email| {
            place.person(&email, (PASSWORD, "customer"));
            Program::new(email)
        });
        let programs = programs.collect();
        let admin = place.person("admin@example.com", (PASSWORD, "admin"));
        Self { place, dice: Dice::new(seed), programs, admin, searches: 0 }
    }

    fn run(mut self, rounds: u32) -> Result<String, String> {
        for round in 1..=rounds {
            let server = self.place.start(Window::Long);
            self.round(server).map_err(|what| format!("round {round}: {what}"))?;
            self.place.audit(Counts::AllButOverdue)?;
        }
        let server = self.place.start(Window::Long);
        let round = round_at(&server, 0);
        for program in &mut self.programs {
            let broke = |stop| match stop {
                Stop::Broke(error) => error.to_string(),
                Stop::Wrong(what) => what,
            };
            let mut client = Client::connect(round.address, "").map_err(|error| error.to_string())?;
            program.exchange(&mut client, &round).map_err(broke)?;
            if program.now.is_none() {
                while program.now.is_none() {
                    program.sign_in(&mut client).map_err(broke)?;
                }
                program.exchange(&mut client, &round).map_err(broke)?;
            }
            program.look(&mut client).map_err(broke)?;
        }
        server.kill();
        self.place.audit(Counts::All)?;
        self.rows()?;
        match self.place.defects().as_slice() {
            [] => Ok(self.figures(rounds)),
            defects => Err(defects.join("\n")),
        }
    }

    /// One life of a server, from its first answer to its end.
    fn round(&mut self, server: Server) -> Result<(), String> {
        let outside = self.programs.iter().filter(|program| program.now.is_none()).count();
        let round = round_at(&server, outside);
        let life = self.dice.millis(100, 700);
        let forks: Vec<Dice> = self.programs.iter().map(|_| self.dice.fork()).collect();
        let (session, programs, seen) = (&self.admin, &mut self.programs, &round);
        let ended = std::thread::scope(|scope| {
            let mut lives = Vec::new();
            for (program, mut dice) in programs.iter_mut().zip(forks) {
                lives.push(scope.spawn(move || program.live(seen, &mut dice)));
            }
            let searches = scope.spawn(|| admin(seen, session));
            let begun = Instant::now();
            let all_in = || round.outside.load(Ordering::SeqCst) == 0;
            while !(all_in() && round.answered.load(Ordering::SeqCst) > 0) && begun.elapsed() < FIRST_WITHIN {
                look_again();
            }
            let begun = Instant::now();
            while begun.elapsed() < life {
                look_again();
            }
            round.dying.store(true, Ordering::SeqCst);
            server.kill();
            let wrong: Vec<String> =
                lives.into_iter().filter_map(|life| life.join().unwrap().err()).collect();
            (wrong, searches.join().unwrap())
        });
        let (wrong, searches) = ended;
        self.searches += searches?;
        assert!(round.answered.into_inner() > 0, "the kill came before any answer");
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
    }

    /// Of all tokens that a program was ever told the last one is current, in one session, and none before it.
    fn rows(&self) -> Result<(), String> {
        let mut connection = Connection::open(self.place.database().engine(), Access::Read).unwrap();
        connection.ensure().unwrap();
        let mut count = |sql: &'static str, parameters: &[Parameter]| {
            let rows = connection.query(&Statement::new("KILL9_COUNT", sql), parameters).unwrap();
            rows.into_iter().next().unwrap().int("count").unwrap()
        };
        for program in &self.programs {
            let hash = |token: &str| token::hash(token).0.to_vec();
            let before: Vec<Vec<u8>> = program.successors.keys().map(|token| hash(token)).collect();
            let last = program.now.as_ref().map(|(_, refresh)| hash(refresh)).unwrap_or_default();
            let live = "SELECT COUNT(*) FROM sessions WHERE hash IN BLOBS($1) AND revoked_at IS NULL";
            let (old, new) =
                (count(live, &[Parameter::Blobs(before)]), count(live, &[Parameter::Blobs(vec![last])]));
            if (old, new) != (0, 1) {
                let email = &program.email;
                return Err(format!("{email}: {old} used tokens are current, and of the last one {new}"));
            }
        }
        let found = count("SELECT COUNT(*) FROM acts WHERE act = 'account.find'", &[]);
        if found < i64::from(self.searches) {
            return Err(format!("{} searches were answered, {found} are on record", self.searches));
        }
        Ok(())
    }

    fn figures(&self, rounds: u32) -> String {
        let sum = |count: fn(&Program) -> u32| self.programs.iter().map(count).sum::<u32>();
        format!(
            "{rounds} rounds, {} exchanges answered, {} answers lost and asked for again, {} of them too late; {} searches",
            sum(|program| program.exchanged),
            sum(|program| program.lost),
            sum(|program| program.late),
            self.searches
        )
    }
}

fn round_at(server: &Server, outside: usize) -> Round {
    let (dying, answered) = (AtomicBool::new(false), AtomicU32::new(0));
    let outside = AtomicU32::new(u32::try_from(outside).unwrap());
    Round { address: server.address(), dying, answered, outside }
}
