//! The promise that nothing acknowledged is lost, put to the proof: the real program under load, killed with SIGKILL
//! at a random moment, started again on the same database, fifty times on each engine. After it: every rent, cancel
//! and code that a customer was given stands, every message arrived once, and the books are clean. The same of staying
//! signed in: `kill9/sign_in.rs`; while SQLite's log is copied: `kill9/checkpoints.rs`.
//!
//! `NUMBEROTP_KILL_ROUNDS` sets the rounds, `NUMBEROTP_KILL_SEED` the dice; a failure tells its seed.

#[cfg(test)]
#[path = "kill9/books.rs"]
mod books;
#[cfg(test)]
#[path = "kill9/checkpoints.rs"]
mod checkpoints;
#[cfg(test)]
#[path = "kill9/client.rs"]
mod client;
#[cfg(test)]
#[path = "kill9/dice.rs"]
mod dice;
#[cfg(test)]
#[path = "kill9/load.rs"]
mod load;
#[cfg(test)]
#[path = "kill9/memory.rs"]
mod memory;
#[cfg(test)]
#[path = "kill9/program.rs"]
mod program;
#[cfg(test)]
#[path = "kill9/sign_in.rs"]
mod sign_in;

#[cfg(test)]
mod kill9 {
    use super::books::Books;
    use super::client::Client;
    use super::dice::Dice;
    use super::load::{self, Load, Tally, told};
    use super::memory::{End, Memory, Stall, Window};
    use super::program::{Account, Counts, Place, Server, look_again};
    use numberotp_core::time::Span;
    use numberotp_server::config::{Mode, Settings};
    use numberotp_server::store::db::{Access, Connection};
    use numberotp_server::store::job::LEASE;
    use numberotp_testkit::database::{TestEngine, engines};
    use serde_json::Value;
    use std::collections::{BTreeMap, BTreeSet};
    use std::io::Write;
    use std::time::{Duration, Instant};

    pub const ROUNDS: &str = "NUMBEROTP_KILL_ROUNDS";
    pub const SEED: &str = "NUMBEROTP_KILL_SEED";
    /// Accounts that buy.
    const ACCOUNTS: usize = 6;
    /// What each is given: some rents are paid with credits, some with balance, one with both.
    const BALANCE: (&str, i64) = ("5000", 5_000_000_000);
    const CREDITS: (&str, i64) = ("30000", 30_000);
    /// Longest time until every purchase that a crash left open is settled.
    const SETTLED_WITHIN: Duration = Duration::from_secs(60);
    /// Longest time until every message came and every number was given back.
    const QUIET_WITHIN: Duration = Duration::from_secs(90);

    #[test]
    fn nothing_acknowledged_is_lost_on_sqlite() {
        on(&TestEngine::Sqlite);
    }

    #[test]
    fn nothing_acknowledged_is_lost_on_postgresql() {
        // Where there is no server to test on, asking for the engines notes that, or fails.
        let server = engines().into_iter().find(|engine| matches!(engine, TestEngine::Postgres(_)));
        server.iter().for_each(on);
    }

    /// What the loop cannot meet in every run: a server that is killed while it settles what the one before left. That a
    /// lease comes back is shown elsewhere; here it is that there is time for it.
    #[test]
    fn the_pause_before_a_purchase_is_settled_and_a_dead_runners_lease_fit_into_a_minute() {
        let settings = Settings::new(Mode::Production);
        let longest = settings.reconcile_after.as_micros() + LEASE.as_micros();
        assert!(longest < Span::minutes(1).as_micros(), "{longest} microseconds");
    }

    fn on(engine: &TestEngine) {
        let seed = number(SEED).unwrap_or_else(Dice::fresh_seed);
        let rounds = number(ROUNDS).map_or(50, |rounds| u32::try_from(rounds).unwrap());
        let place = Place::new(engine);
        let begun = Instant::now();
        let done = Trial::new(&place, seed).run(rounds);
        let (engine, took) = (engine.name(), begun.elapsed());
        match done {
            Ok(figures) => say(&format!("kill9 on {engine}, {SEED}={seed}, {took:.1?}: {figures}")),
            Err(what) => panic!("{what}\non {engine}, {SEED}={seed}; the servers said:\n{}", place.log()),
        }
    }

    /// Caps far off, for every other account.
    const CAPS: &str = "UPDATE api_keys SET spend_cap = 1000000000000 WHERE account_id IN (SELECT a.id FROM accounts a WHERE (SELECT COUNT(*) FROM accounts b WHERE b.id < a.id) % 2 = 0)";

    struct Trial<'a> {
        place: &'a Place,
        dice: Dice,
        accounts: Vec<Account>,
        memory: Memory,
        tallies: Vec<Tally>,
    }

    impl<'a> Trial<'a> {
        fn new(place: &'a Place, seed: u64) -> Self {
            let mut dice = Dice::new(seed);
            // The first start makes tables and keys: it dies a few times as well.
            for _ in 0..5 {
                place.start_and_kill_after(dice.millis(5, 120));
            }
            let make = |number| place.account(&format!("buyer{number}@example.com"), (BALANCE.0, CREDITS.0));
            let accounts = (0..ACCOUNTS).map(make).collect();
            // Half of them buy with a key that counts what it spends.
            let mut connection = Connection::open(place.database().engine(), Access::Write).unwrap();
            connection.ensure().unwrap();
            connection.script(CAPS).unwrap();
            Self { place, dice, accounts, memory: Memory::default(), tallies: Vec::new() }
        }

        fn run(mut self, rounds: u32) -> Result<String, String> {
            for round in 1..=rounds {
                self.round(round).map_err(|what| format!("round {round}: {what}"))?;
            }
            self.place.audit(Counts::AllButOverdue)?;
            let server = self.place.start(Window::Long);
            let mut books = Books::open(self.place.database().engine());
            let settled = self.settle(&mut books)?;
            self.ask_again(&server)?;
            self.settle(&mut books)?;
            self.place.audit(Counts::All)?;
            books.hold(&self.memory, &self.accounts, (BALANCE.1, CREDITS.1))?;
            books.nothing_lost()?;
            self.ask(&server, 0)?;
            self.all_codes()?;
            server.kill();
            self.place.audit(Counts::All)?;
            // A loop that never met these has proved nothing about them.
            let met = |count: fn(&Tally) -> u32| self.tallies.iter().map(count).sum::<u32>() > 0;
            assert!(
                rounds < 20 || met(|tally| tally.cancels) && met(|tally| tally.heard),
                "{:?}",
                self.tallies
            );
            match self.place.defects().as_slice() {
                [] => Ok(self.figures(settled, &mut books)),
                defects => Err(defects.join("\n")),
            }
        }

        /// One life of a server.
        fn round(&mut self, round: u32) -> Result<(), String> {
            if round.is_multiple_of(5) {
                // One that dies while it starts, with everything that the one before left open.
                self.place.start_and_kill_after(self.dice.millis(20, 200));
            }
            let window = if round % 4 == 1 { Window::Short } else { Window::Long };
            let server = self.place.start(window);
            if round.is_multiple_of(10) {
                // What was due while one server after the other died may still wait for the lease of a dead one.
                self.place.audit(Counts::AllButOverdue)?;
                self.ask(&server, round - 10)?;
            }
            let life = self.dice.millis(150, 1_200);
            let load = Load { accounts: &self.accounts, memory: &self.memory, round, window, life };
            let tally = load::run(server, &load, &mut self.dice)?;
            assert!(tally.rents > 0, "the kill came before any answer");
            self.tallies.push(tally);
            // Every other time the next server is the first to open what the killed one left.
            if round.is_multiple_of(2) { self.place.audit(Counts::AllButOverdue) } else { Ok(()) }
        }

        /// Waits until nothing is open; answers how long that took for the purchases.
        fn settle(&self, books: &mut Books) -> Result<Duration, String> {
            let begun = Instant::now();
            let mut settled = None;
            loop {
                let (purchases, jobs) = books.open_work();
                let passed = begun.elapsed();
                if purchases == 0 && jobs == 0 {
                    return Ok(settled.unwrap_or(passed));
                }
                if purchases == 0 && settled.is_none() {
                    settled = Some(passed);
                }
                if passed > if settled.is_some() { QUIET_WITHIN } else { SETTLED_WITHIN } {
                    return Err(format!("{purchases} purchases and {jobs} jobs are open after {passed:.1?}"));
                }
                look_again();
            }
        }

        /// Whatever was asked for and not answered is asked for again, under its key.
        fn ask_again(&self, server: &Server) -> Result<(), String> {
            for (number, account) in self.accounts.iter().enumerate() {
                let broken = |error: std::io::Error| error.to_string();
                let mut client = Client::connect(server.address(), &account.key).map_err(broken)?;
                let stall = Stall { account: number, round: 0, window: Window::Short };
                for order in self.memory.unanswered(number) {
                    let answer = client.post_keyed("/rent", &order.body, &order.key).map_err(broken)?;
                    told(&self.memory, stall, &order, &answer)?;
                }
                match self.memory.unanswered(number).first() {
                    None => {}
                    Some(order) => return Err(format!("never answered: {order:?}")),
                }
            }
            Ok(())
        }

        /// Asks every account for its rents and its money, and holds them against what it was told from a round on.
        fn ask(&self, server: &Server, since: u32) -> Result<(), String> {
            for (number, account) in self.accounts.iter().enumerate() {
                let shown = Client::connect(server.address(), &account.key).and_then(|mut client| {
                    let wanted = self.memory.ids(number, since);
                    rents(&mut client, &wanted)
                });
                self.memory.compare(number, since, &shown.map_err(|error| error.to_string())?)?;
            }
            Ok(())
        }

        /// Every rent that its buyer did not end has its code.
        fn all_codes(&self) -> Result<(), String> {
            let silent = self.memory.all().into_iter().find(|(_, rent)| {
                let waits = rent.end == End::Open && rent.window == Window::Long;
                waits && rent.play.has_code() && rent.code.is_none()
            });
            silent.map_or(Ok(()), |(id, rent)| Err(format!("the message of {id} never came: {rent:?}")))
        }

        fn figures(&self, settled: Duration, books: &mut Books) -> String {
            let sum = |count: fn(&Tally) -> u32| self.tallies.iter().map(count).sum::<u32>();
            let (all, cancels, heard) =
                (sum(|tally| tally.rents), sum(|tally| tally.cancels), sum(|tally| tally.heard));
            let mut rents: Vec<u32> = self.tallies.iter().map(|tally| tally.rents).collect();
            rents.sort_unstable();
            let (least, median) = (rents.first().unwrap(), rents[rents.len() / 2]);
            // Nobody but the reconciler takes longer than this.
            let late = books.purchases().into_values().filter_map(|purchase| purchase.settled);
            let late: Vec<u64> = late.map(|after| after.as_secs()).filter(|after| *after >= 20).collect();
            let slowest = late.iter().max().copied().unwrap_or_default();
            format!(
                "{} rounds, {all} rents answered (at least {least} a round, median {median}), {cancels} cancels, \
                 {heard} codes waited for; {} purchases settled after a crash, the slowest {slowest} s after its \
                 begin, the last {} s after the last start",
                rents.len(),
                late.len(),
                settled.as_secs(),
            )
        }
    }

    /// An account's rents, newest first and page by page, until these were among them or there are no more.
    fn rents(client: &mut Client, wanted: &BTreeSet<String>) -> std::io::Result<BTreeMap<String, Value>> {
        let mut all = BTreeMap::new();
        for page in 1.. {
            let answer = client.get(&format!("/rents?limit=100&page={page}"))?;
            let rents = answer.data().as_array().unwrap();
            all.extend(rents.iter().map(|rent| (rent["id"].as_str().unwrap().to_owned(), rent.clone())));
            if rents.len() < 100 || wanted.iter().all(|id| all.contains_key(id)) {
                break;
            }
        }
        Ok(all)
    }

    #[expect(clippy::disallowed_methods, reason = "tests are told of their limits by the environment")]
    pub fn number(variable: &str) -> Option<u64> {
        let text = std::env::var(variable).ok().filter(|text| !text.is_empty())?;
        Some(text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text}")))
    }

    /// Figures, for whoever watches.
    pub fn say(line: &str) {
        let _unheard = writeln!(std::io::stderr(), "{line}");
    }
}
