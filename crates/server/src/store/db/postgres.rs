//! PostgreSQL, as the store sees it: one connection that a thread waits for, so that the store reads the same as on SQLite.
//! Statements are prepared once a connection; a broken connection is made anew at the next use.

use super::postgres_line::Line;
use super::postgres_values::{ColumnValues, columns, parameter};
use super::postgres_wire::{Answer, FailedAt, Part};
use super::together::{Write, together};
use super::{Access, Asked, Bulk, Row, Statement, Value};
use crate::store::StoreError;
use std::net::IpAddr;
use std::time::{Duration, Instant};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, LoadBalanceHosts};

/// Longest wait for an answer; the server itself stops a statement after five seconds.
const ANSWER_WITHIN: Duration = Duration::from_secs(7);
/// The same for work that takes its time: a migration, an audit of millions of rows.
const LONG_ANSWER_WITHIN: Duration = Duration::from_secs(24 * 60 * 60);
/// After a connection could not be made nobody tries for as long as that took, within these bounds: whoever asks
/// meanwhile learns at once that the server is not there, instead of waiting in a row of attempts.
const REST_LEAST: Duration = Duration::from_millis(50);
const REST_MOST: Duration = Duration::from_secs(2);

/// A connection to a PostgreSQL server.
pub struct PostgresConnection {
    config: Config,
    access: Access,
    plans: Plans,
    answer_within: Duration,
    line: Option<Line>,
    rests_until: Option<Instant>,
}

/// How the server plans statements.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Plans {
    /// As it thinks best.
    Free,
    /// Once, by index. A server that just filled its tables takes them for small and reads them whole, and its plans stay
    /// as they are while the tables grow.
    ByKey,
}

impl Plans {
    const fn settings(self) -> &'static str {
        match self {
            // Of a table that nobody has counted yet it would gather thousands of rows to sort out one.
            Self::Free => "SET enable_bitmapscan = off; ",
            Self::ByKey => {
                "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_hashjoin = off; \
                 SET enable_mergejoin = off; SET enable_bitmapscan = off; SET jit = off; "
            }
        }
    }
}

impl PostgresConnection {
    /// Reads the URL; connects at the first use.
    pub fn new(url: &str, access: Access) -> Result<Self, StoreError> {
        let mut config: Config =
            url.parse().map_err(|error: tokio_postgres::Error| StoreError::Driver(error.to_string()))?;
        config.application_name("numberotp");
        if let Some(text) = misunderstood(&config) {
            return Err(StoreError::Driver(text.to_owned()));
        }
        let (plans, answer_within) = (Plans::Free, ANSWER_WITHIN);
        Ok(Self { config, access, plans, answer_within, line: None, rests_until: None })
    }

    /// For statements that find their rows by key.
    pub fn by_key(&mut self) {
        self.plans = Plans::ByKey;
    }

    /// For work that takes its time and keeps nobody waiting.
    pub fn take_time(&mut self) {
        self.answer_within = LONG_ANSWER_WITHIN;
    }

    /// Hangs up, so that the next use makes another connection. At once: the server keeps an open transaction and
    /// its locks for as long as it hears nothing.
    pub fn forget(&mut self) {
        self.line = None;
    }

    /// Connects if need be.
    pub fn ensure(&mut self) -> Result<(), StoreError> {
        if self.line.as_mut().is_some_and(Line::is_open) {
            return Ok(());
        }
        self.forget();
        if self.rests_until.is_some_and(|until| Instant::now() < until) {
            return Err(StoreError::Unavailable("the server was not there a moment ago".to_owned()));
        }
        let begun = Instant::now();
        let made = self.connect();
        let rest = begun.elapsed().clamp(REST_LEAST, REST_MOST);
        self.rests_until = made.is_err().then(|| Instant::now() + rest);
        self.line = Some(made?);
        Ok(())
    }

    fn connect(&self) -> Result<Line, StoreError> {
        let read_only = if self.access == Access::Read { "on" } else { "off" };
        let (statement, lock) = if self.answer_within == ANSWER_WITHIN { ("5s", "4s") } else { ("0", "60s") };
        let setup = format!(
            "{}SET statement_timeout = '{statement}'; SET lock_timeout = '{lock}'; SET synchronous_commit = on; \
             SET TimeZone = 'UTC'; SET default_transaction_read_only = {read_only}",
            self.plans.settings()
        );
        Line::open(&self.config, &setup, self.answer_within)
    }

    /// Works on the open connection, and hangs up when that fails for good: what would be said on it next, such as a
    /// ROLLBACK, must not wait for an answer once more.
    fn on_line<T>(&mut self, work: impl FnOnce(&mut Line) -> Result<T, FailedAt>) -> Result<T, FailedAt> {
        let away = || StoreError::Unavailable("not connected".to_owned());
        let line = self.line.as_mut().ok_or_else(away)?;
        let begun = Instant::now();
        let answer = line.make_room().and_then(|()| work(line));
        if answer.as_ref().is_err_and(|failed| failed.error.breaks_connection()) {
            self.forget();
            if begun.elapsed() >= self.answer_within {
                // Silence, not a line that broke: a new connection would only be one more wait.
                self.rests_until = Some(Instant::now() + REST_LEAST);
            }
        }
        answer
    }

    /// The same for a single statement.
    fn alone<T>(&mut self, work: impl FnOnce(&mut Line) -> Result<T, FailedAt>) -> Result<T, StoreError> {
        self.on_line(work).map_err(|failed| failed.error)
    }

    /// Runs statements without parameters.
    pub fn script(&mut self, text: &str) -> Result<(), StoreError> {
        self.alone(|line| line.script(text))
    }

    /// Begins a transaction together with the first that is asked in it.
    pub fn begin_with_next(&mut self) -> Result<(), StoreError> {
        self.alone(|line| {
            line.begin_with_next();
            Ok(())
        })
    }

    /// Undoes what stands in the open transaction.
    pub fn roll_back(&mut self) -> Result<(), StoreError> {
        self.alone(Line::roll_back)
    }

    /// Runs a query.
    pub fn query(&mut self, statement: &Statement, parameters: &[Value]) -> Result<Vec<Row>, StoreError> {
        self.alone(|line| {
            let prepared = line.prepare(statement.sql.into(), || statement.for_postgres())?;
            let answer = line.one(prepared, parameters.iter().map(parameter).collect())?;
            Ok(rows(answer, statement.name))
        })
    }

    /// Runs a query whose text is known only when the server runs.
    pub fn query_foreign(
        &mut self,
        name: &'static str,
        text: &str,
        parameters: &[Value],
    ) -> Result<Vec<Row>, StoreError> {
        self.alone(|line| {
            let prepared = line.prepare(text.to_owned().into(), || text.to_owned())?;
            let answer = line.one(prepared, parameters.iter().map(parameter).collect())?;
            Ok(rows(answer, name))
        })
    }

    /// Runs several queries in one flight, in this order. The error is that of the first that fails, with its name.
    pub fn queries(&mut self, asked: &[&Asked<'_>]) -> Result<Vec<Vec<Row>>, Failed> {
        let answers = self.on_line(|line| {
            let parts = asked_parts(line, asked)?;
            line.fly(parts, None, &mut |_| {})
        });
        let answers = answers.map_err(|failed| (failed.error, name_of(asked, failed.place)))?;
        let each = answers.into_iter().zip(asked);
        Ok(each.map(|(answer, (statement, _))| rows(answer, statement.name)).collect())
    }

    /// Runs a change; answers the number of rows it touched.
    pub fn execute(&mut self, statement: &Statement, parameters: &[Value]) -> Result<u64, StoreError> {
        self.alone(|line| {
            let prepared = line.prepare(statement.sql.into(), || statement.for_postgres())?;
            Ok(line.one(prepared, parameters.iter().map(parameter).collect())?.touched)
        })
    }

    /// Writes many rows in one statement, an array a column.
    pub fn bulk(&mut self, bulk: &Bulk, rows: &[Vec<Value>]) -> Result<u64, StoreError> {
        let columns = columns(bulk, rows);
        self.alone(|line| {
            let prepared = line.prepare(bulk.name.into(), || bulk.for_postgres())?;
            Ok(line.one(prepared, columns.iter().map(ColumnValues::parameter).collect())?.touched)
        })
    }

    /// The same for several writes: one statement for as many as there are before one depends on another, all of them in one
    /// flight. The error is that of the first that fails, with the name of its first write.
    pub fn bulks(&mut self, writes: &[&Write<'_>], then: Then<'_, '_>) -> Result<(), Failed> {
        let groups = Groups::of(writes);
        let flown = self.on_line(|line| groups.fly(line, Vec::new(), then));
        flown.map_err(|failed| (failed.error, groups.name(failed.place)))
    }

    /// The same with the commit, after queries that fail if it must not be done. False: they did, nothing was written, and the
    /// transaction begins anew with what is asked next.
    pub fn bulks_if(
        &mut self,
        before: &[&Asked<'_>],
        writes: &[&Write<'_>],
        commit: &mut Commit<'_>,
    ) -> Result<bool, Failed> {
        let groups = Groups::of(writes);
        let flown = self.on_line(|line| {
            let parts = asked_parts(line, before)?;
            let flown = groups.fly(line, parts, Then::Commit(&mut *commit));
            let Err(failed) = flown else { return Ok(true) };
            // Before the writes it ran nothing that a commit could make good. Should something between us and the server say so for
            // it, carrying the batch out again must do no harm: a number is attached once.
            if failed.said && failed.place < before.len() {
                commit.sent = false;
            }
            // Whatever else might be wrong with a query shows when it is asked by itself.
            if !commit.sent && matches!(failed.error, StoreError::Driver(_)) {
                line.roll_back()?;
                line.begin_with_next();
                return Ok(false);
            }
            Err(failed)
        });
        flown.map_err(|failed| match failed.place.checked_sub(before.len()) {
            Some(place) => (failed.error, groups.name(place)),
            None => (failed.error, name_of(before, failed.place)),
        })
    }
}

/// Whether all hosts of a URL are this machine.
pub(super) fn is_here(url: &str) -> bool {
    let Ok(config) = url.parse::<Config>() else { return false };
    let here = |host: &Host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.is_loopback())
        }
    };
    // An address goes before its host's name.
    match config.get_hostaddrs() {
        [] => config.get_hosts().iter().all(here),
        addresses => addresses.iter().all(IpAddr::is_loopback),
    }
}

/// What a URL says that cannot be meant, or cannot be done.
fn misunderstood(config: &Config) -> Option<&'static str> {
    let (hosts, addresses, ports) =
        (config.get_hosts().len(), config.get_hostaddrs().len(), config.get_ports().len());
    if config.get_load_balance_hosts() == LoadBalanceHosts::Random {
        return Some("load_balance_hosts=random is not known here: hosts are tried in their order");
    }
    if hosts.max(addresses) == 0 {
        return Some("no host is named");
    }
    let unequal =
        hosts > 0 && addresses > 0 && hosts != addresses || ports > 1 && ports != hosts.max(addresses);
    unequal.then_some("there are not as many hosts, addresses and ports")
}

fn name_of(asked: &[&Asked<'_>], place: usize) -> &'static str {
    asked.get(place).map_or("", |(statement, _)| statement.name)
}

/// The queries, ready to be sent.
fn asked_parts<'a>(line: &mut Line, asked: &[&'a Asked<'_>]) -> Result<Vec<Part<'a>>, FailedAt> {
    let mut parts = Vec::with_capacity(asked.len());
    for (place, (statement, parameters)) in asked.iter().enumerate() {
        let prepared = line.prepare(statement.sql.into(), || statement.for_postgres());
        let statement = prepared.map_err(|failed| FailedAt { place, ..failed })?;
        parts.push(Part { statement, parameters: parameters.iter().map(parameter).collect() });
    }
    Ok(parts)
}

/// Writes by which of them are one statement, and what is sent for each of these.
struct Groups<'a, 'w> {
    writes: Vec<Vec<&'a Write<'w>>>,
    columns: Vec<Vec<ColumnValues<'a>>>,
}

impl<'a, 'w> Groups<'a, 'w> {
    fn of(writes: &[&'a Write<'w>]) -> Self {
        let writes = together(writes);
        let each =
            |group: &Vec<&'a Write<'w>>| group.iter().flat_map(|(bulk, rows)| columns(bulk, rows)).collect();
        let columns = writes.iter().map(each).collect();
        Self { writes, columns }
    }

    /// What a place in the flight is called.
    fn name(&self, place: usize) -> &'static str {
        let first = |group: &Vec<&Write<'_>>| group.first().map_or("", |(bulk, _)| bulk.name);
        self.writes.get(place).map_or("COMMIT", first)
    }

    /// Sends them after what comes before them.
    fn fly<'p>(&'p self, line: &mut Line, before: Vec<Part<'p>>, then: Then<'_, '_>) -> Result<(), FailedAt> {
        let mut parts = before;
        for (group, columns) in self.writes.iter().zip(&self.columns) {
            let bulks: Vec<&Bulk> = group.iter().map(|(bulk, _)| *bulk).collect();
            let names: Vec<&str> = bulks.iter().map(|bulk| bulk.name).collect();
            // A single one has another text than alone.
            let key = format!("together {}", names.join(" "));
            let prepared = line.prepare(key.into(), || Bulk::together_for_postgres(&bulks));
            let statement = prepared.map_err(|failed| FailedAt { place: parts.len(), ..failed })?;
            parts.push(Part { statement, parameters: columns.iter().map(ColumnValues::parameter).collect() });
        }
        let Then::Commit(commit) = then else {
            return if parts.is_empty() { Ok(()) } else { line.fly(parts, None, &mut |_| {}).map(drop) };
        };
        let writes = parts.len();
        let statement = line.word("COMMIT").map_err(|failed| FailedAt { place: writes, ..failed })?;
        parts.push(Part { statement, parameters: Vec::new() });
        commit.sent = true;
        // Told apart, the writes' answers come by themselves.
        let (apart, written) = (commit.apart, &mut commit.written);
        let mut answered = |parts: usize| {
            if apart && parts == writes {
                written();
            }
        };
        line.fly(parts, apart.then_some(writes), &mut answered).map(drop).map_err(left_open)
    }
}

/// What failed of a flight that the commit was in. Only what the server itself refused undid the transaction; what we do not
/// understand of its answers did not keep it from committing.
fn left_open(failed: FailedAt) -> FailedAt {
    match failed.error {
        StoreError::Driver(text) if !failed.said => {
            FailedAt { error: StoreError::Unavailable(text), ..failed }
        }
        error => FailedAt { error, ..failed },
    }
}

fn rows(answer: Answer, name: &'static str) -> Vec<Row> {
    answer.rows.into_iter().map(|values| Row::new(values, name)).collect()
}

/// PostgreSQL takes the word in a transaction that failed for "undo it" and reports no error; a statement before it does.
pub const COMMIT: &str = "SELECT 1; COMMIT";

/// What follows writes.
pub enum Then<'a, 'w> {
    /// Nothing yet.
    Stay,
    /// The commit, sent along with them.
    Commit(&'a mut Commit<'w>),
}

/// A commit that goes along with writes.
pub struct Commit<'w> {
    /// Whether it may have been sent: from then on a line that breaks leaves open what became of it.
    pub sent: bool,
    /// Whether somebody waits to hear that the writes are done and the commit is not. A line to a server has one answer less
    /// where nobody does.
    pub apart: bool,
    /// Called when the writes are done and the commit is not.
    pub written: &'w mut dyn FnMut(),
}

/// An error, with the name of the statement that it is of.
type Failed = (StoreError, &'static str);
