//! The stage that store tests stand on: a migrated database of each engine, a writer that is driven by hand,
//! people with money, and commands with sensible words. Whoever uses [`staged`] is audited at the end.
//!
//! Time is a field: nothing here reads a clock or waits for one.

use numberotp_core::activation::{Activation, HasCode, Terms};
use numberotp_core::caller::{Role, Standing};
use numberotp_core::id::{AccountId, ActivationId, PLATFORM};
use numberotp_core::ledger::{Change, MovementKind, Purse, Purses};
use numberotp_core::money::{CreditValue, Usd};
use numberotp_core::policy::Exceptions;
use numberotp_core::text::{Email, Operator, PhoneNumber, Pool, ProviderCode};
use numberotp_core::time::{Span, Time};
use numberotp_core::vocabulary::{CountryId, ServiceCode};
use numberotp_server::store::account::{NewAccount, account_create};
use numberotp_server::store::audit::{Report, audit};
use numberotp_server::store::db::{Access, Connection, Engine, Statement, Value, migrate, migrations};
use numberotp_server::store::hot::{
    Answer, Attach, Attached, Close, Closed, Closing, Command, Origin, Receive, Received, Reserve, Reserved,
    Rules,
};
use numberotp_server::store::ledger::{OperatorChange, purses_change, purses_get};
use numberotp_server::store::{IdBlocks, Store, StoreError, StoreOptions, Tx, WakeHub, Work, Writer, cold};
use numberotp_testkit::database::{TestDatabase, on_each_engine};
use std::sync::mpsc::channel;
use std::sync::{Arc, Condvar, Mutex};
use tokio::sync::oneshot;

/// What a number costs here: one hundred credits.
pub const PRICE: Usd = Usd::from_micros(50_000);
/// How long a number is had.
pub const WINDOW: Span = Span::minutes(20);
/// What the hot commands know.
pub const RULES: Rules = Rules { credit: CreditValue::PUBLISHED, exceptions: Exceptions::NONE };

/// Runs a test on every engine and audits the books after it.
pub fn staged(body: impl Fn(&mut Stage<'_>)) {
    on_each_engine(|database| {
        let mut stage = Stage::on(database);
        body(&mut stage);
        stage.assert_clean();
    });
}

/// A migrated database with a writer in hand.
pub struct Stage<'a> {
    database: &'a TestDatabase,
    writer: Writer,
    raw: Connection,
    /// Who is woken after commits.
    pub hub: Arc<WakeHub>,
    /// The instant at which everything happens that is not told another.
    pub now: Time,
    people: i64,
    held: Vec<Activation>,
}

impl<'a> Stage<'a> {
    /// Migrates the database and opens a writer.
    pub fn on(database: &'a TestDatabase) -> Self {
        let mut raw = connection(database);
        migrate(&mut raw, migrations()).unwrap();
        let hub = Arc::new(WakeHub::default());
        let ids = IdBlocks::sized(64, 16);
        let writer = Writer::open(database.engine(), ids, RULES, Arc::clone(&hub)).unwrap().by_key();
        Self {
            database,
            writer,
            raw,
            hub,
            now: Time::from_micros(1_714_384_800_000_000),
            people: 0,
            held: Vec::new(),
        }
    }

    /// The database.
    pub const fn database(&self) -> &TestDatabase {
        self.database
    }

    /// Lets time pass.
    pub fn pass(&mut self, span: Span) {
        self.now = self.now.plus(span);
    }

    // --- work -----------------------------------------------------------------------------------------------

    /// One commit for all of this.
    pub fn run(&mut self, batch: Vec<Work>) {
        self.writer.run(batch, None::<()>);
    }

    /// Hot commands in one batch, with their answers.
    pub fn batch(&mut self, commands: Vec<Command>) -> Vec<Result<Answer, StoreError>> {
        let (works, answers): (Vec<_>, Vec<_>) = commands.into_iter().map(hot).unzip();
        self.run(works);
        answers.into_iter().map(|mut answer| answer.try_recv().unwrap()).collect()
    }

    /// One hot command.
    pub fn send(&mut self, command: Command) -> Result<Answer, StoreError> {
        self.batch(vec![command]).pop().unwrap()
    }

    /// A closure in a transaction of its own.
    pub fn write<T, F>(&mut self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let (work, mut answer) = cold(work);
        self.run(vec![work]);
        answer.try_recv().unwrap()
    }

    /// Two batches at once, by two writers. The first is carried out and its transaction held open until the second
    /// waits for it, or is through; then both end. So whatever the second finds out, it finds out while the first
    /// is not committed yet.
    pub fn race(&mut self, first: Vec<Work>, second: Vec<Work>) {
        self.race_until(first, second, vec![]);
    }

    /// The same, and the first goes on with something more before it ends.
    pub fn race_until(&mut self, mut first: Vec<Work>, second: Vec<Work>, more: Vec<Work>) {
        let gate = Arc::new(Gate::default());
        let (told, carried_out) = channel();
        let open = Arc::clone(&gate);
        let (hold, _held) = cold(move |_| {
            told.send(()).unwrap();
            open.pass();
            Ok(())
        });
        first.push(hold);
        first.extend(more);
        let mut other = self.another_writer();
        let Self { writer, raw, .. } = self;
        std::thread::scope(|scope| {
            scope.spawn(move || writer.run(first, None::<()>));
            carried_out.recv().unwrap();
            let second = scope.spawn(move || other.run(second, None::<()>));
            while !second.is_finished() && !somebody_waits(raw) {
                std::thread::yield_now();
            }
            gate.open();
        });
    }

    /// A writer beside the stage's, with no numbers at hand.
    pub fn another_writer(&self) -> Writer {
        let ids = IdBlocks::sized(64, 16);
        Writer::open(self.database.engine(), ids, RULES, Arc::clone(&self.hub)).unwrap().by_key()
    }

    /// Somebody who asked this in a transaction, and has the locks of it for as long as that is open.
    pub fn holder(&self, text: &'static str, parameters: &[Value]) -> Connection {
        let mut holder = connection(self.database);
        holder.begin().unwrap();
        holder.query(&Statement::new("TEST_HOLD", text), parameters).unwrap();
        holder
    }

    /// No two transactions ever stood in each other's way until the database noticed. To be asked when the writers
    /// are gone: their counts come with their end.
    pub fn assert_no_deadlock(&mut self) {
        if let Engine::Postgres(_) = self.database.engine() {
            self.writer = self.another_writer();
            let counted = self.list(
                "SELECT CAST(deadlocks AS TEXT) FROM pg_stat_database WHERE datname = current_database()",
            );
            assert_eq!(counted, ["0"]);
        }
    }

    /// A whole store on this database, with its threads, for work that is done at once by many. The runtime is
    /// the callers'; the store's own threads need none.
    pub fn with_store<T>(&self, body: impl AsyncFnOnce(Arc<Store>) -> T) -> T {
        self.with_store_of(RULES, body)
    }

    /// The same as a server that was started with other rules.
    pub fn with_store_of<T>(&self, rules: Rules, body: impl AsyncFnOnce(Arc<Store>) -> T) -> T {
        let store = Arc::new(Store::open(self.database.engine(), &StoreOptions::server(rules)).unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let answer = runtime.block_on(body(Arc::clone(&store)));
        drop(runtime);
        Arc::into_inner(store).unwrap().stop();
        answer
    }

    // --- people and money -----------------------------------------------------------------------------------

    /// A new approved account without money.
    pub fn person(&mut self) -> AccountId {
        self.people += 1;
        let email = Email::parse(&format!("person{}@example.com", self.people)).unwrap();
        let (standing, role) = (Standing::Approved, Role::Customer);
        let name = "Ann".to_owned();
        let new =
            NewAccount { brand: PLATFORM, email, name, password_hash: None, role, standing, now: self.now };
        self.write(move |tx| account_create(tx, &new)).unwrap().unwrap().id
    }

    /// A change of a purse by the operator.
    pub fn change(&self, account: AccountId, purse: Purse, amount: i64) -> OperatorChange {
        let kind = if purse == Purse::Balance { MovementKind::Topup } else { MovementKind::Bonus };
        let change = Change { purse, amount };
        OperatorChange { brand: PLATFORM, account, kind, change, credit: RULES.credit, now: self.now }
    }

    /// A new account with so many micro-dollars.
    pub fn person_with(&mut self, micros: i64) -> AccountId {
        let account = self.person();
        let change = self.change(account, Purse::Balance, micros);
        self.write(move |tx| purses_change(tx, change)).unwrap().unwrap();
        account
    }

    /// Gives credits of an origin.
    pub fn give(&mut self, account: AccountId, purse: Purse, credits: i64) {
        let change = self.change(account, purse, credits);
        self.write(move |tx| purses_change(tx, change)).unwrap().unwrap();
    }

    /// The purses as they are.
    pub fn purses(&mut self, account: AccountId) -> Purses {
        self.write(move |tx| purses_get(tx, account)).unwrap().unwrap()
    }

    /// `(posted, held)` of the paid balance.
    pub fn balance(&mut self, account: AccountId) -> (i64, i64) {
        let fund = self.purses(account).balance;
        (fund.posted, fund.held)
    }

    // --- commands -------------------------------------------------------------------------------------------

    /// A purchase for telegram at [`PRICE`].
    pub fn reserve(&self, account: AccountId) -> Reserve {
        reserve(account, self.now)
    }

    /// A purchase that succeeds.
    pub fn reserved(&mut self, account: AccountId) -> ActivationId {
        let reserve = self.reserve(account);
        match self.send(Command::Reserve(reserve)) {
            Ok(Answer::Reserved(Reserved::Held(held, _))) => {
                let id = held.id;
                self.held.push(*held);
                id
            }
            other => panic!("not held: {other:?}"),
        }
    }

    /// The provider gave this number under this name; whoever [held](Self::reserved) the purchase tells it as it was then.
    pub fn attach(&self, activation: ActivationId, reference: &str, digits: &str) -> Attach {
        let held = self.held.iter().find(|held| held.id == activation).cloned().map(Box::new);
        Attach { held, ..attach(activation, reference, digits, self.now) }
    }

    /// A purchase that has its number.
    pub fn rented(&mut self, account: AccountId, reference: &str, digits: &str) -> ActivationId {
        let id = self.reserved(account);
        let attach = self.attach(id, reference, digits);
        attached(self.send(Command::Attach(attach)));
        id
    }

    /// A message that names the provider's purchase.
    pub fn by_reference(&self, key: &str, reference: &str) -> Receive {
        Receive { provider_ref: Some(reference.to_owned()), ..sms(key, self.now) }
    }

    /// A message that names the number alone.
    pub fn by_number(&self, key: &str, digits: &str) -> Receive {
        Receive { number: Some(number(digits)), ..sms(key, self.now) }
    }

    /// Takes a message in.
    pub fn receive(&mut self, receive: Receive) -> Received {
        received(self.send(Command::Receive(receive)))
    }

    /// Ends a purchase.
    pub fn close(&mut self, activation: ActivationId, closing: Closing) -> Closed {
        let now = self.now;
        closed(self.send(Command::Close(Close { activation, closing, now })))
    }

    // --- looking ------------------------------------------------------------------------------------------

    /// The first column of a query, a line a row.
    pub fn list(&mut self, sql: &'static str) -> Vec<String> {
        let rows = self.raw.query(&Statement::new("TEST_LIST", sql), &[]).unwrap();
        rows.into_iter().map(|mut row| row.opt_text("line").unwrap().unwrap_or_default()).collect()
    }

    /// Runs raw SQL: what only a corruption or a hurried operator does.
    pub fn tamper(&mut self, sql: &str) {
        self.raw.script(sql).unwrap();
    }

    /// Every message as `purchase verdict reason`, in the order of arrival.
    pub fn messages(&mut self) -> Vec<String> {
        self.list(
            "SELECT COALESCE(CAST(activation_id AS TEXT), '-') || ' ' || verdict || ' ' || reason FROM messages ORDER BY id",
        )
        .into_iter()
        .map(|line| line.trim_end().to_owned())
        .collect()
    }

    /// Every event's kind, in order.
    pub fn events(&mut self) -> Vec<String> {
        self.list("SELECT kind FROM events ORDER BY id")
    }

    /// Every job as `kind subject run_at`, the time relative to the stage's start.
    pub fn jobs(&mut self) -> Vec<String> {
        self.list(
            "SELECT kind || ' ' || CAST(subject_id AS TEXT) || ' ' || CAST((run_at - 1714384800000000) / 1000000 AS TEXT) FROM jobs ORDER BY id",
        )
    }

    /// A purchase's status.
    pub fn status(&mut self, id: ActivationId) -> String {
        let all = self.list("SELECT CAST(id AS TEXT) || ' ' || status FROM activations");
        let start = format!("{} ", id.get());
        all.iter().find_map(|line| line.strip_prefix(&start)).unwrap().to_owned()
    }

    // --- the end --------------------------------------------------------------------------------------------

    /// The second bookkeeper's opinion.
    pub fn report(&mut self) -> Report {
        let now = self.now;
        self.write(move |tx| audit(tx, now)).unwrap()
    }

    /// The books contradict nothing.
    pub fn assert_clean(&mut self) {
        let report = self.report();
        assert!(report.clean(), "the books: {:#?}", violated(&report));
    }
}

/// Whether a transaction waits for another one's lock. On SQLite whoever comes second waits, always.
pub fn somebody_waits(raw: &mut Connection) -> bool {
    matches!(raw, Connection::Sqlite(_)) || who_wait(raw) > 0
}

/// How many transactions wait for another one's lock, on PostgreSQL.
pub fn who_wait(raw: &mut Connection) -> usize {
    const WAITING: Statement = Statement::new(
        "TEST_WAITING",
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
    );
    raw.query(&WAITING, &[]).unwrap().len()
}

/// A gate that holds up whoever works, until it is opened.
#[derive(Default)]
pub struct Gate {
    open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    /// Waits until it is open.
    pub fn pass(&self) {
        let open = self.open.lock().unwrap();
        drop(self.opened.wait_while(open, |open| !*open).unwrap());
    }
    /// Opens it for good.
    pub fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.opened.notify_all();
    }
}

/// What a report complains of.
pub fn violated(report: &Report) -> Vec<(&'static str, &'static str)> {
    let bad = report.checks.iter().filter(|check| check.violations != 0);
    bad.map(|check| (check.invariant, check.says)).collect()
}

/// A live connection.
pub fn connection(database: &TestDatabase) -> Connection {
    let mut connection = Connection::open(database.engine(), Access::Write).unwrap();
    connection.ensure().unwrap();
    connection
}

/// A hot command as work.
pub fn hot(command: Command) -> (Work, oneshot::Receiver<Result<Answer, StoreError>>) {
    let (reply, answer) = oneshot::channel();
    (Work::Hot(Box::new(command), reply), answer)
}

/// The provider of everything here.
pub fn provider() -> ProviderCode {
    ProviderCode::parse("sandbox").unwrap()
}

/// A service by its code.
pub fn service(code: &str) -> ServiceCode {
    ServiceCode::parse(code).unwrap()
}

/// A number that nobody has.
pub fn number(digits: &str) -> PhoneNumber {
    PhoneNumber::parse(digits).unwrap()
}

/// A purchase for telegram at [`PRICE`], looked after two minutes later.
pub fn reserve(account: AccountId, now: Time) -> Reserve {
    let terms = Terms {
        service: service("tg"),
        country: CountryId::new(16),
        operator: Operator::any(),
        pool: Pool::new(1).unwrap(),
        provider: provider(),
        price: PRICE,
        provider_cost: 20_000,
        cost_currency: "USD".to_owned(),
    };
    let origin = Origin {
        policy_version: 1,
        credential: "api_key",
        credential_id: 7,
        ip_prefix: "192.0.2.0/24".to_owned(),
        purpose: "testing".to_owned(),
        request_id: Some("req_of-a-test".to_owned()),
    };
    Reserve {
        account,
        brand: PLATFORM,
        terms,
        origin,
        capped: None,
        claim: None,
        reconcile_at: now.plus(Span::minutes(2)),
        now,
    }
}

/// The provider gave this number under this name.
pub fn attach(activation: ActivationId, reference: &str, digits: &str, now: Time) -> Attach {
    let (number, provider_ref) = (number(digits), reference.to_owned());
    Attach { activation, held: None, number, provider_ref, expires_at: now.plus(WINDOW), now }
}

/// A message with a code, of which neither number nor reference is known yet.
pub fn sms(key: &str, now: Time) -> Receive {
    Receive {
        provider: provider(),
        dedupe_key: key.as_bytes().to_vec(),
        provider_ref: None,
        number: None,
        sent_at: None,
        has_code: HasCode::Yes,
        services: Vec::new(),
        withheld: None,
        key_day: now.day(),
        body: b"sealed".to_vec(),
        purge_after: now.plus(Span::hours(72)),
        now,
    }
}

/// The purchase of a hold that succeeded.
pub fn held(answer: Result<Answer, StoreError>) -> ActivationId {
    match answer {
        Ok(Answer::Reserved(Reserved::Held(held, _))) => held.id,
        other => panic!("not held: {other:?}"),
    }
}

/// That a number was attached.
#[expect(
    clippy::needless_pass_by_value,
    reason = "answers come from the store by value, as for its siblings"
)]
pub fn attached(answer: Result<Answer, StoreError>) {
    assert!(matches!(&answer, Ok(Answer::Attached(Attached::Attached(..)))), "not attached: {answer:?}");
}

/// What became of a message.
pub fn received(answer: Result<Answer, StoreError>) -> Received {
    match answer {
        Ok(Answer::Received(received)) => received,
        other => panic!("not received: {other:?}"),
    }
}

/// What became of a closing.
pub fn closed(answer: Result<Answer, StoreError>) -> Closed {
    match answer {
        Ok(Answer::Closed(closed)) => closed,
        other => panic!("not closed: {other:?}"),
    }
}

/// That a closing was done.
pub fn done(closed: &Closed) {
    assert!(matches!(closed, Closed::Done(..)), "not done: {closed:?}");
}
