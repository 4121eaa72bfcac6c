//! Customers at work on one server until it dies under them: most buy, cancel, look and finish, some wait for codes.
//! Guards: whatever goes wrong before the kill is a failure; whatever breaks off by the kill is not.

use super::client::{Answer, Client};
use super::dice::Dice;
use super::memory::{Code, End, Memory, Order, Play, Repeat, Stall, Window};
use super::program::{Account, Server};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// Customers that buy, and do all the rest.
const BUYERS: usize = 12;
/// Customers that wait for codes of earlier rounds.
const WAITERS: usize = 6;
/// What is bought.
const WISHES: [(&str, &str); 8] = [
    ("tg", "US"),
    ("wa", "GB"),
    ("go", "DE"),
    ("ig", "SE"),
    ("am", "FR"),
    ("tw", "CA"),
    ("vi", "AU"),
    ("li", "US"),
];
/// Longest time until the first rent is answered.
const FIRST_WITHIN: Duration = Duration::from_secs(20);

/// One round's load.
pub struct Load<'a> {
    /// Who buys.
    pub accounts: &'a [Account],
    /// Where the answers are remembered.
    pub memory: &'a Memory,
    /// The how-manieth round, from 1.
    pub round: u32,
    /// What its server gives to rents.
    pub window: Window,
    /// How long the server lives under it; longer, if it had answered no rent by then.
    pub life: Duration,
}

/// What was acknowledged in a round.
#[derive(Clone, Copy, Default, Debug)]
pub struct Tally {
    /// Rents that were answered.
    pub rents: u32,
    /// Cancels that were answered.
    pub cancels: u32,
    /// Codes that were read by waiting for them.
    pub heard: u32,
}

/// What all customers of a round see.
struct Round<'a> {
    load: &'a Load<'a>,
    address: std::net::SocketAddr,
    dying: AtomicBool,
    rents: AtomicU32,
    cancels: AtomicU32,
    heard: AtomicU32,
}

/// What a customer tells the one with the knife.
enum Told {
    FirstRent,
    Wrong(String),
}

/// One customer.
struct Customer<'a> {
    round: &'a Round<'a>,
    account: usize,
    client: Client,
    dice: Dice,
    /// Own rents of this round that can be canceled.
    fresh: Vec<String>,
}

/// Why a customer stops.
enum Stop {
    Broken(std::io::Error),
    Wrong(String),
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        Self::Broken(error)
    }
}
impl From<String> for Stop {
    fn from(error: String) -> Self {
        Self::Wrong(error)
    }
}

/// Remembers what an order was told: a new rent's id, if it bought one.
pub fn told(memory: &Memory, stall: Stall, order: &Order, answer: &Answer) -> Result<Option<String>, String> {
    let in_progress = ["IDEMPOTENCY_IN_PROGRESS", "PURCHASE_UNCONFIRMED"].contains(&answer.code());
    match answer.status {
        200 if order.play.refusal().is_none() => memory.bought(stall, order, answer),
        // What a killed server began is settled later.
        503 if order.repeat == Repeat::Again && in_progress => Ok(None),
        status if order.play.refusal() == Some((status, answer.code())) => {
            memory.came_to_nothing(order).map(|()| None)
        }
        _ => Err(answer.told(&format!("{order:?}"))),
    }
}

/// Puts the load on a server, and kills it in the middle.
pub fn run(server: Server, load: &Load<'_>, dice: &mut Dice) -> Result<Tally, String> {
    let round = Round {
        load,
        address: server.address(),
        dying: AtomicBool::new(false),
        rents: AtomicU32::new(0),
        cancels: AtomicU32::new(0),
        heard: AtomicU32::new(0),
    };
    let (tell, told) = channel();
    let outcome = std::thread::scope(|scope| {
        for number in 0..BUYERS + WAITERS {
            let (tell, dice, round) = (tell.clone(), dice.fork(), &round);
            scope.spawn(move || round.serve_one(number, dice, &tell));
        }
        let outcome = watch(&told, load.life);
        // First the word, then the deed: a customer that sees the deed finds the word.
        round.dying.store(true, Ordering::SeqCst);
        server.kill();
        outcome
    });
    drop(tell);
    let late = told.into_iter().find_map(|told| if let Told::Wrong(what) = told { Some(what) } else { None });
    let count = |counter: &AtomicU32| counter.load(Ordering::SeqCst);
    let tally =
        Tally { rents: count(&round.rents), cancels: count(&round.cancels), heard: count(&round.heard) };
    outcome.and(late.map_or(Ok(tally), Err))
}

/// Returns when it is time to kill, or when something went wrong before.
fn watch(told: &Receiver<Told>, life: Duration) -> Result<(), String> {
    let begun = Instant::now();
    let mut end = FIRST_WITHIN;
    loop {
        match told.recv_timeout(end.saturating_sub(begun.elapsed())) {
            Ok(Told::FirstRent) => end = life,
            Ok(Told::Wrong(what)) => return Err(what),
            Err(_) if end == life => return Ok(()),
            Err(_) => return Err("no rent was answered".to_owned()),
        }
    }
}

impl Round<'_> {
    fn serve_one(&self, number: usize, dice: Dice, tell: &Sender<Told>) {
        let account = number % self.load.accounts.len();
        let key = &self.load.accounts[account].key;
        let worked = Client::connect(self.address, key).map_err(Stop::Broken).and_then(|client| {
            let mut customer = Customer { round: self, account, client, dice, fresh: Vec::new() };
            loop {
                let done = if number < BUYERS { customer.shop(tell) } else { customer.wait() };
                done?;
            }
        });
        let wrong = match worked {
            Ok(()) => return,
            Err(Stop::Broken(_)) if self.dying.load(Ordering::SeqCst) => return,
            Err(Stop::Broken(error)) => format!("a connection broke before the kill: {error}"),
            Err(Stop::Wrong(what)) => what,
        };
        // Nobody listens after the kill; then the channel keeps it.
        let _kept = tell.send(Told::Wrong(wrong));
    }
}

impl Customer<'_> {
    fn shop(&mut self, tell: &Sender<Told>) -> Result<(), Stop> {
        match self.dice.below(100) {
            0..36 => self.rent(tell),
            36..47 => self.cancel(),
            47..56 => self.list(),
            56..61 => self.finish(),
            _ => self.look(),
        }
    }

    fn stall(&self) -> Stall {
        let Load { round, window, .. } = *self.round.load;
        Stall { account: self.account, round, window }
    }

    fn rent(&mut self, tell: &Sender<Told>) -> Result<(), Stop> {
        let memory = self.round.load.memory;
        let before =
            if self.dice.below(30) == 0 { memory.asked_before(&mut self.dice, self.account) } else { None };
        let order = before.unwrap_or_else(|| self.order());
        memory.asked(&order);
        let answer = self.client.post_keyed("/rent", &order.body, &order.key)?;
        let Some(id) = told(memory, self.stall(), &order, &answer)? else { return Ok(()) };
        if self.round.rents.fetch_add(1, Ordering::SeqCst) == 0 {
            let _heard = tell.send(Told::FirstRent);
        }
        self.fresh.push(id);
        Ok(())
    }

    /// Something new, mostly as usual.
    fn order(&mut self) -> Order {
        let (service, country) = self.dice.pick(&WISHES).copied().unwrap_or_default();
        let play = match self.dice.below(100) {
            0..4 => Play::Silent,
            4..10 => Play::Double,
            10..18 => Play::Duplicate,
            18..22 => Play::NoCode,
            22..25 => Play::Refused,
            25..28 => Play::OutOfStock,
            _ => Play::Normal,
        };
        let operator = play.name();
        let key = format!("{}-{}", self.account, self.dice.below(u64::MAX));
        let body = format!(r#"{{"service":"{service}","country":"{country}","operator":"{operator}"}}"#);
        Order { account: self.account, key, body, play, repeat: Repeat::First }
    }

    fn cancel(&mut self) -> Result<(), Stop> {
        let Some(id) = self.fresh.pop() else { return self.look() };
        let answer = self.end(&id, "cancel", (End::Canceling, End::Canceled))?;
        if answer.status == 200 {
            if answer.body["refunded"] != true {
                return Err(answer.told("a cancel").into());
            }
            self.round.cancels.fetch_add(1, Ordering::SeqCst);
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Stop> {
        let memory = self.round.load.memory;
        let stall = self.stall();
        let Some(id) = memory.earlier(&mut self.dice, stall, Code::Read) else { return self.look() };
        self.end(&id, "finish", (End::Finishing, End::Finished)).map(drop)
    }

    fn end(&mut self, id: &str, verb: &str, (asked, done): (End, End)) -> Result<Answer, Stop> {
        let memory = self.round.load.memory;
        memory.ended(id, asked);
        let answer = self.client.post(&format!("/rent/{id}/{verb}"), "")?;
        match answer.status {
            200 => memory.ended(id, done),
            409 => memory.ended(id, End::Open),
            _ => return Err(answer.told(verb).into()),
        }
        Ok(answer)
    }

    fn list(&mut self) -> Result<(), Stop> {
        let answer = self.client.get("/rents?limit=20")?;
        let Some(rents) = answer.data().as_array() else { return Err(answer.told("a list").into()) };
        for rent in rents {
            let id = rent["id"].as_str().unwrap_or_default();
            self.round.load.memory.shown(id, rent)?;
        }
        Ok(())
    }

    /// Looks at a rent of an earlier round, or at the newest of this one.
    fn look(&mut self) -> Result<(), Stop> {
        let stall = self.stall();
        let code = if self.dice.below(2) == 0 { Code::Read } else { Code::Unread };
        let earlier = self.round.load.memory.earlier(&mut self.dice, stall, code);
        let Some(id) = earlier.or_else(|| self.fresh.last().cloned()) else { return self.list() };
        let answer = self.client.get(&format!("/rent/{id}"))?;
        if answer.status != 200 {
            return Err(answer.told("a look").into());
        }
        Ok(self.round.load.memory.shown(&id, answer.data())?)
    }

    fn wait(&mut self) -> Result<(), Stop> {
        let memory = self.round.load.memory;
        let stall = self.stall();
        let Some(id) = memory.earlier(&mut self.dice, stall, Code::Unread) else { return self.list() };
        let answer = self.client.get(&format!("/rent/{id}/wait"))?;
        match (answer.status, answer.body["status"].as_str()) {
            (200, _) => {
                self.round.heard.fetch_add(1, Ordering::SeqCst);
                Ok(memory.shown(&id, answer.data())?)
            }
            (400, Some("canceled" | "finished" | "expired")) | (408, _) => Ok(()),
            _ => Err(answer.told("a wait").into()),
        }
    }
}
