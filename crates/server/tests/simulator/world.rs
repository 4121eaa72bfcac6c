//! A life: customers, providers, a clock and an app that is killed, in the order that a seed's dice decide.
//!
//! Every step is written down, so that a seed's life can be read and held against its repetition. Nothing here
//! knows what is right; the books do.

use super::books::{Books, Heard};
use super::dice::Dice;
use super::process::{Answer, Process};
use super::provider::{CODES, Call, Calls, Memory, Names, Sms, Verb, plain, wire};
use axum::body::Body;
use http::Request;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use numberotp_core::caller::Standing;
use numberotp_core::id::AccountId;
use numberotp_core::secret::SecretBytes;
use numberotp_core::time::{Span, Time};
use numberotp_core::webhook::{SIGNATURE_HEADER, sign};
use numberotp_providers::provider::HttpReply;
use numberotp_server::boot::Tables;
use numberotp_server::clock::Clock;
use numberotp_server::store::Told;
use numberotp_testkit::app::BEGINNING;
use numberotp_testkit::database::TestDatabase;
use serde_json::json;
use std::collections::BTreeMap;
use std::io::Write;

/// What the gateways sign with.
pub const SECRET: [u8; 32] = [7; 32];
/// Longest that a call is on its way, in seconds: its sender gave up long before.
const LATE_MOST: u64 = 55;
/// Keys are not used for longer: they stand a day.
const KEY_USED_FOR: Span = Span::hours(20);
/// The clock jumps by so much in all: messages are kept three days.
const JUMPS_MOST: Span = Span::hours(40);

/// How the providers and their lines are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mood {
    /// Everything happens.
    Wild,
    /// Calls are never answered.
    Silent,
    /// Everything works.
    Well,
}

/// What a request is for.
#[derive(Clone, Debug)]
pub enum Wants {
    /// A purchase, under a key or not.
    Rent(Option<String>),
    /// A look, a wait, a step.
    One(i64, &'static str),
    /// All purchases.
    List,
    /// A webhook for a message.
    Hook(usize),
}

/// A request on its way.
struct Flight {
    account: usize,
    wants: Wants,
    asked: usize,
}

/// A customer.
pub struct Customer {
    /// Its API key.
    pub token: String,
    /// Worth of what it was given, in micro-dollars.
    pub given: i64,
    /// Its row.
    pub id: AccountId,
    /// Where it stands.
    pub standing: Standing,
}

/// A life.
pub struct World {
    pub database: TestDatabase,
    pub clock: Clock,
    pub dice: Dice,
    pub process: Option<Process>,
    pub memory: Memory,
    pub books: Books,
    pub customers: Vec<Customer>,
    pub messages: Vec<Sms>,
    pub trace: Vec<String>,
    pub mood: Mood,
    /// Whether the database fails now and then.
    pub unlucky: bool,
    pub step: usize,
    calls: Calls,
    late: Vec<(Time, Call)>,
    flights: BTreeMap<u64, Flight>,
    flown: u64,
    keys: Vec<(usize, String, &'static str, Time)>,
    jumped: Span,
    begun: Time,
    seed: u64,
    tables: Tables,
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _unheard =
                writeln!(std::io::stderr(), "the life of seed {}:\n{}", self.seed, self.trace.join("\n"));
        }
    }
}

impl World {
    /// Before anything happened: no app yet.
    pub fn new(seed: u64, tables: &Tables) -> Self {
        let begun = Time::parse_rfc3339(BEGINNING).unwrap();
        Self {
            database: TestDatabase::in_memory(),
            clock: Clock::manual(begun),
            dice: Dice::new(seed),
            process: None,
            memory: Memory::default(),
            books: Books::default(),
            customers: Vec::new(),
            messages: Vec::new(),
            trace: Vec::new(),
            mood: Mood::Well,
            unlucky: false,
            step: 0,
            calls: Calls::default(),
            late: Vec::new(),
            flights: BTreeMap::new(),
            flown: 0,
            keys: Vec::new(),
            jumped: Span::default(),
            begun,
            seed,
            tables: tables.clone(),
        }
    }

    pub fn process(&mut self) -> &mut Process {
        self.process.as_mut().unwrap()
    }
    pub fn now(&self) -> Time {
        self.clock.now()
    }
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.dice.below(u64::try_from(end).unwrap())).unwrap()
    }
    pub fn often(&mut self, of_hundred: u64) -> bool {
        self.dice.below(100) < of_hundred
    }
    pub fn note(&mut self, what: &str) {
        let at = self.now().since(self.begun).as_micros();
        self.trace.push(format!("{:>4} {:>9}.{:06} {what}", self.step, at / 1_000_000, at % 1_000_000));
    }

    // --- the process -------------------------------------------------------------------------------------

    /// Starts the app.
    pub fn start(&mut self) {
        self.process =
            Some(Process::start(&self.database, &self.clock, (wire(&self.calls, &self.clock), &self.tables)));
        self.note("the app starts");
    }

    /// The power goes: whatever was going on is gone, before or after a commit that nobody heard of.
    pub fn kill(&mut self) {
        if self.often(60) {
            let (writes, _reads) = self.process().waiting();
            let most = self.below(writes + 1);
            self.process().write(most, Told::Truth);
            self.note(&format!("{most} of {writes} writes are committed"));
        }
        let lost = self.flights.len();
        self.flights.clear();
        self.process = None;
        self.note(&format!("the power goes; {lost} requests are lost"));
    }

    // --- requests ----------------------------------------------------------------------------------------

    fn send(&mut self, account: usize, wants: Wants, request: Request<Body>) {
        self.flown += 1;
        let flight = self.flown;
        self.note(&format!("#{flight} {account} {wants:?}"));
        self.flights.insert(flight, Flight { account, wants, asked: self.step });
        self.process().send(flight, request);
        self.hear();
    }

    fn request(&self, account: usize, (method, path): (&str, &str)) -> http::request::Builder {
        let token = format!("Bearer {}", self.customers[account].token);
        Request::builder().method(method).uri(path).header(AUTHORIZATION, token)
    }

    fn is_on_its_way(&self, wanted: impl Fn(&Wants) -> bool) -> bool {
        self.flights.values().any(|flight| wanted(&flight.wants))
    }

    /// Nothing is on its way.
    pub fn is_quiet(&self) -> bool {
        self.flights.is_empty()
    }

    /// Buys, under a new key, a known one, or none.
    pub fn rent(&mut self) {
        let account = self.below(self.customers.len());
        let service = if self.often(60) { "telegram" } else { "whatsapp" };
        let now = self.now();
        let usable: Vec<_> = self.keys.iter().filter(|key| now < key.3.plus(KEY_USED_FOR)).cloned().collect();
        let again = self.often(40).then(|| self.dice.pick(&usable).cloned()).flatten();
        let (account, key, service) = match again {
            Some((account, key, service, _)) => {
                // Sometimes with another request: that is refused.
                let other = if service == "telegram" { "whatsapp" } else { "telegram" };
                (account, Some(key), if self.often(5) { other } else { service })
            }
            None if self.often(60) => {
                let key = format!("key-{}", self.keys.len());
                self.keys.push((account, key.clone(), service, now));
                (account, Some(key), service)
            }
            None => (account, None, service),
        };
        let name = key.clone().unwrap_or_else(|| format!("without-{}", self.flown));
        self.books.asks(account, &name);
        let mut request = self.request(account, ("POST", "/api/internal/rent"));
        request = request.header(CONTENT_TYPE, "application/json");
        if let Some(key) = &key {
            request = request.header("idempotency-key", key);
        }
        let body = json!({ "service": service, "country": super::provider::COUNTRY }).to_string();
        self.send(account, Wants::Rent(key), request.body(Body::from(body)).unwrap());
    }

    /// Looks at a purchase, waits for it, closes it. Seldom somebody else's.
    pub fn touch(&mut self) {
        let rows: Vec<i64> = self.books.rents.keys().copied().collect();
        // The latest are the most interesting.
        let back = self.below(rows.len().max(1)).min(self.below(rows.len().max(1)));
        let Some(row) = rows.len().checked_sub(1 + back).map(|place| rows[place]) else { return };
        let (owner, public) = (self.books.rents[&row].account, self.books.rents[&row].public.clone());
        let stranger = self.often(4);
        let account = if stranger { (owner + 1) % self.customers.len() } else { owner };
        let (method, verb) = match self.below(100) {
            0..=39 => ("GET", ""),
            40..=59 => ("GET", "wait"),
            60..=74 => ("POST", "cancel"),
            75..=89 => ("POST", "finish"),
            _ => ("POST", "resend"),
        };
        if matches!(verb, "cancel" | "finish") && !stranger {
            self.books.asks_to_close(row, self.clock.now());
        }
        let path = format!("/api/internal/rent/{public}{}{verb}", if verb.is_empty() { "" } else { "/" });
        let request = self.request(account, (method, &path)).body(Body::empty()).unwrap();
        self.send(account, Wants::One(row, verb), request);
    }

    /// Reads all of an account's purchases.
    pub fn list(&mut self, account: usize) {
        let request = self.request(account, ("GET", "/api/internal/rents?limit=100"));
        self.send(account, Wants::List, request.body(Body::empty()).unwrap());
    }

    /// What came of requests: into the books.
    pub fn hear(&mut self) {
        let Some(process) = &self.process else { return };
        for answer in process.answers() {
            let Some(flight) = self.flights.remove(&answer.flight) else { continue };
            let code = answer.body["code"].as_str().unwrap_or("ok").to_owned();
            self.note(&format!("#{} answers {} {code}", answer.flight, answer.status));
            assert_ne!(answer.status, 500, "{:?}: {}", flight.wants, answer.body);
            if let Err(wrong) = self.book(&flight, &answer) {
                panic!("{wrong}");
            }
        }
    }

    fn book(&mut self, flight: &Flight, answer: &Answer) -> Result<(), String> {
        let heard = Heard { account: flight.account, asked: flight.asked, step: self.step, now: self.now() };
        let row = |public: &str| {
            let process = self.process.as_ref().ok_or("no app")?;
            process.context().public_ids.parse(public).map(|row| row.get()).ok_or("no id")
        };
        let body = &answer.body;
        match (&flight.wants, answer.status) {
            (Wants::Hook(place), 200) => {
                self.messages[*place].accepted.get_or_insert(heard.now);
                self.messages[*place].steps.1.get_or_insert(heard.step);
                Ok(())
            }
            (Wants::Rent(key), 200) => {
                let row = row(body["data"]["id"].as_str().unwrap_or_default())?;
                self.note(&format!("row {row}, number {}", body["data"]["number"]));
                self.books.bought(row, body, key.as_deref(), heard)
            }
            (Wants::Rent(_), _) => match body["id"].as_str() {
                Some(public) => self.books.names(row(public)?, public, heard),
                None => Ok(()),
            },
            (Wants::List, 200) => {
                for data in body["data"].as_array().into_iter().flatten() {
                    let row = row(data["id"].as_str().unwrap_or_default())?;
                    self.books.reads(row, data, heard, (&self.memory, &self.messages))?;
                }
                Ok(())
            }
            (Wants::One(_, "wait"), _) => Ok(()),
            (Wants::One(row, _), 200) => {
                self.books.reads(*row, &body["data"], heard, (&self.memory, &self.messages))
            }
            (Wants::List | Wants::Hook(_) | Wants::One(..), _) => Ok(()),
        }
    }

    // --- messages ----------------------------------------------------------------------------------------

    /// A message comes to a number that somebody has, or had.
    pub fn sms(&mut self) {
        let open: Vec<usize> = (0..self.memory.given.len())
            .filter(|place| self.memory.given[*place].released.is_none())
            .collect();
        let Some(meant) = self.dice.pick(&open).copied() else { return };
        let ordinal = self.messages.len();
        let service = if self.memory.given[meant].service == "tg" { "Telegram" } else { "WhatsApp" };
        let forbidden = self.often(8);
        let text = if forbidden {
            format!("{}. The bank will never ask for it. ({ordinal})", 100_000 + ordinal)
        } else {
            format!("{service} code: {} ({ordinal})", 10_000 + ordinal)
        };
        let sms = Sms {
            meant,
            text,
            from: if forbidden { String::new() } else { service.to_owned() },
            names: if self.often(55) { Names::Purchase } else { Names::Number },
            dated: self.often(50),
            numbered: self.often(50),
            forbidden,
            at: self.now(),
            posted_first: None,
            posted_last: self.now(),
            accepted: None,
            steps: (None, None),
        };
        self.note(&format!("message {ordinal} to {} {:?}", sms.meant, sms.names));
        self.messages.push(sms);
    }

    /// A gateway posts a message: any that is not accepted, seldom one that is.
    pub fn post(&mut self) {
        let again = self.often(15);
        let due: Vec<usize> = (0..self.messages.len())
            .filter(|place| self.messages[*place].accepted.is_some() == again)
            .collect();
        let Some(place) = self.dice.pick(&due).copied() else { return };
        self.post_one(place);
    }

    /// Posts one, unless that is going on.
    pub fn post_one(&mut self, place: usize) {
        if !self.often(10)
            && self.is_on_its_way(|wants| matches!(wants, Wants::Hook(other) if *other == place))
        {
            return;
        }
        let (now, step) = (self.now(), self.step);
        let sms = &mut self.messages[place];
        sms.posted_first.get_or_insert(now);
        sms.steps.0.get_or_insert(step);
        if sms.accepted.is_none() {
            sms.posted_last = now;
        }
        let given = &self.memory.given[sms.meant];
        let body = sms.body(given, place);
        let signature = sign(&SecretBytes::new(SECRET), body.as_bytes());
        let request = Request::builder()
            .method("POST")
            .uri(format!("/api/webhooks/sms/{}", CODES[given.provider]))
            .header(CONTENT_TYPE, "application/json")
            .header(SIGNATURE_HEADER, signature)
            .body(Body::from(body))
            .unwrap();
        self.send(0, Wants::Hook(place), request);
    }

    // --- providers ---------------------------------------------------------------------------------------

    /// Something becomes of a call that is on its way; false if there is none.
    pub fn carry(&mut self) -> bool {
        let waiting = self.calls.lock().unwrap().len();
        if waiting == 0 {
            return false;
        }
        let place = self.below(waiting);
        let call = self.calls.lock().unwrap().remove(place);
        let fate = match self.mood {
            Mood::Wild => self.below(100),
            Mood::Silent => 99,
            Mood::Well => 0,
        };
        let now = self.now();
        let about = format!("{:?} {}", call.verb, call.reference);
        let (what, reply): (&str, Option<HttpReply>) = match fate {
            0..=59 => ("is answered", Some(self.memory.carry_out(&call, now))),
            60..=67 => {
                self.memory.carry_out(&call, now);
                ("is done and its reply is lost", None)
            }
            68..=73 => ("is lost", None),
            74..=77 => ("is refused", Some(plain(400))),
            78..=81 if call.verb == Verb::Allocate => ("finds nothing", Some(plain(409))),
            78..=83 => ("fails", Some(plain(500))),
            84..=86 => {
                self.memory.carry_out(&call, now);
                (
                    "is done and answered with rubbish",
                    Some(HttpReply { status: 200, body: b"<html>".to_vec() }),
                )
            }
            87..=89 => {
                self.memory.carry_out(&call, now);
                ("comes twice", Some(self.memory.carry_out(&call, now)))
            }
            _ => {
                let by = self.dice.below(LATE_MOST) + 1;
                self.note(&format!("{about} will be {by} seconds on its way"));
                self.late.push((call.at.plus(Span::seconds(i64::try_from(by).unwrap())), call));
                return true;
            }
        };
        self.note(&format!("{about} {what} {}", reply.as_ref().map_or(0, |reply| reply.status)));
        call.answer(reply);
        self.turn();
        true
    }

    /// Calls that were late arrive.
    fn arrive(&mut self) {
        let now = self.now();
        let oldest = now.minus(Span::seconds(i64::try_from(LATE_MOST).unwrap()));
        let calls = std::mem::take(&mut *self.calls.lock().unwrap());
        let (forgotten, young) = calls.into_iter().partition(|call| call.at <= oldest);
        *self.calls.lock().unwrap() = young;
        self.late.extend(forgotten.into_iter().map(|call: Call| (now, call)));
        let (due, later) = std::mem::take(&mut self.late).into_iter().partition(|(at, _)| *at <= now);
        self.late = later;
        for (_, call) in due {
            let call: Call = call;
            let reply = self.memory.carry_out(&call, now);
            let heard = call.is_awaited();
            self.note(&format!("{:?} {} arrives late, heard: {heard}", call.verb, call.reference));
            call.answer(Some(reply));
        }
    }

    // --- time and the database ---------------------------------------------------------------------------

    /// Lets the app go on, and hears what it says.
    pub fn turn(&mut self) {
        if let Some(process) = &self.process {
            process.turn();
        }
        self.hear();
    }

    /// Time passes.
    pub fn pass(&mut self, by: Span) {
        self.clock.advance(by);
        self.arrive();
        if let Some(process) = &self.process {
            process.advance(by);
        }
        self.hear();
    }

    /// Time passes: mostly a moment, seldom up to a day.
    pub fn pass_somehow(&mut self) {
        let millis = match self.below(100) {
            0..=74 => self.below(1_500),
            75..=89 => self.below(25_000),
            90..=95 => self.below(400_000),
            96..=98 => self.below(3_600_000),
            _ => self.below(86_400_000),
        };
        let by = Span::millis(i64::try_from(millis).unwrap());
        let left = JUMPS_MOST.minus(self.jumped);
        let by = if by > left { Span::millis(50) } else { by };
        self.jumped = Span::micros(self.jumped.as_micros() + by.as_micros());
        self.note(&format!("{millis} ms pass"));
        self.pass(by);
    }

    /// The database does some of what waits; seldom it is away, or its answer is lost.
    pub fn work(&mut self) {
        let (writes, reads) = self.process().waiting();
        if reads > 0 && (writes == 0 || self.often(60)) {
            for left in (0..reads).rev() {
                let place = self.below(left + 1);
                self.process().read(place);
                if self.often(20) {
                    break;
                }
            }
        } else if writes > 0 {
            let most = 1 + self.below(writes);
            let told = match self.below(100) {
                0 if self.unlucky => Told::Away,
                1 if self.unlucky => Told::Unheard,
                _ => Told::Truth,
            };
            self.process().write(most, told);
            self.note(&format!("{most} of {writes} writes: {told:?}"));
        }
        self.turn();
    }

    /// Goes on until nothing waits but time.
    pub fn settle(&mut self) {
        loop {
            self.turn();
            let (writes, reads) = self.process().waiting();
            let calls = self.calls.lock().unwrap().len();
            if (writes, reads, calls) == (0, 0, 0) {
                return;
            }
            if calls > 0 {
                self.carry();
            }
            if writes + reads > 0 {
                self.work();
            }
        }
    }
}
