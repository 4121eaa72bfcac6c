//! The PostgreSQL driver: one connection on its own small runtime, so that the store reads the same as on
//! SQLite. Statements are prepared once a connection; a broken connection is made anew at the next use.

use super::postgres_values::{ColumnValues, columns, from_driver, parameter, read};
use super::together::{Write, together};
use super::{Access, Asked, Bulk, Row, Statement, Value};
use crate::store::StoreError;
use futures_util::future::{join, join_all};
use std::borrow::Cow;
use std::collections::HashMap;
use std::future::Future;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, NoTls, Statement as Prepared};

/// Longest wait for an answer; the server itself stops a statement after five seconds.
const ANSWER_WITHIN: Duration = Duration::from_secs(7);
/// The same for work that takes its time: a migration, an audit of millions of rows.
const LONG_ANSWER_WITHIN: Duration = Duration::from_secs(24 * 60 * 60);
/// Longest time for making a connection, until it can be used.
const CONNECT_WITHIN: Duration = Duration::from_secs(3);
/// After a connection could not be made nobody tries for as long as that took, within these bounds: whoever asks
/// meanwhile learns at once that the server is not there, instead of waiting in a row of attempts.
const REST_LEAST: Duration = Duration::from_millis(50);
const REST_MOST: Duration = Duration::from_secs(2);

/// Most statements kept prepared a connection: writes are prepared by which of them come together.
const PREPARED_MOST: usize = 512;

/// A connection to a PostgreSQL server.
pub struct PostgresConnection {
    runtime: Runtime,
    config: Config,
    access: Access,
    plans: Plans,
    answer_within: Duration,
    open: Option<Open>,
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

struct Open {
    client: Client,
    driver: JoinHandle<Result<(), tokio_postgres::Error>>,
    prepared: HashMap<Cow<'static, str>, Prepared>,
    /// A transaction is to begin, and nothing was said of it yet.
    begins: bool,
    /// The transaction's end was sent along with writes and answered: there is nothing to undo.
    ended: bool,
}

impl PostgresConnection {
    /// Reads the URL; connects at the first use.
    pub fn new(url: &str, access: Access) -> Result<Self, StoreError> {
        let mut config: Config =
            url.parse().map_err(|error: tokio_postgres::Error| StoreError::Driver(error.to_string()))?;
        config.connect_timeout(CONNECT_WITHIN).application_name("numberotp");
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let (plans, answer_within) = (Plans::Free, ANSWER_WITHIN);
        Ok(Self { runtime, config, access, plans, answer_within, open: None, rests_until: None })
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
        if let Some(Open { client, driver, .. }) = self.open.take() {
            drop(client);
            driver.abort();
            let _aborted = self.runtime.block_on(driver);
        }
    }

    /// Connects if need be.
    pub fn ensure(&mut self) -> Result<(), StoreError> {
        if let Some(open) = &self.open {
            // The driver runs only while we wait: let it see whether the server has gone away meanwhile.
            self.runtime.block_on(async {
                tokio::task::yield_now().await;
                tokio::task::yield_now().await;
            });
            if !open.client.is_closed() {
                return Ok(());
            }
        }
        self.forget();
        if self.rests_until.is_some_and(|until| Instant::now() < until) {
            return Err(StoreError::Unavailable("the server was not there a moment ago".to_owned()));
        }
        let begun = Instant::now();
        let made = self.connect();
        let rest = begun.elapsed().clamp(REST_LEAST, REST_MOST);
        self.rests_until = made.is_err().then(|| Instant::now() + rest);
        self.open = Some(made?);
        Ok(())
    }

    fn connect(&self) -> Result<Open, StoreError> {
        let config = &self.config;
        let read_only = if self.access == Access::Read { "on" } else { "off" };
        let (statement, lock) = if self.answer_within == ANSWER_WITHIN { ("5s", "4s") } else { ("0", "60s") };
        let setup = format!(
            "{}SET statement_timeout = '{statement}'; SET lock_timeout = '{lock}'; SET synchronous_commit = on; \
             SET TimeZone = 'UTC'; SET default_transaction_read_only = {read_only}",
            self.plans.settings()
        );
        let (client, driver) = self.runtime.block_on(within(CONNECT_WITHIN, async move {
            let (client, connection) = config.connect(NoTls).await?;
            // The driver polls the socket; its end is seen by the next statement.
            let driver = tokio::spawn(connection);
            client.batch_execute(&setup).await?;
            Ok((client, driver))
        }))?;
        Ok(Open { client, driver, prepared: HashMap::new(), begins: false, ended: false })
    }

    /// Works on the open connection, and hangs up when that fails for good: what would be said on it next, such as a
    /// ROLLBACK, must not wait for an answer once more.
    fn on_line<T>(
        &mut self,
        work: impl FnOnce(&Line<'_>, &mut Open) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let open = self.open.as_mut().ok_or_else(|| StoreError::Unavailable("not connected".to_owned()))?;
        let begun = Instant::now();
        let line = Line { runtime: &self.runtime, answer_within: self.answer_within };
        let answer = work(&line, open);
        if answer.as_ref().is_err_and(StoreError::breaks_connection) {
            self.forget();
            if begun.elapsed() >= self.answer_within {
                // Silence, not a line that broke: a new connection would only be one more wait.
                self.rests_until = Some(Instant::now() + REST_LEAST);
            }
        }
        answer
    }

    /// Runs statements without parameters.
    pub fn script(&mut self, text: &str) -> Result<(), StoreError> {
        self.on_line(|line, open| {
            begin_now(line, open)?;
            open.ended = false;
            line.answer(open.client.batch_execute(text))
        })
    }

    /// Begins a transaction together with the first that is asked in it.
    pub fn begin_with_next(&mut self) -> Result<(), StoreError> {
        self.on_line(|_, open| {
            (open.begins, open.ended) = (true, false);
            Ok(())
        })
    }

    /// Undoes what stands in the open transaction.
    pub fn roll_back(&mut self) -> Result<(), StoreError> {
        self.on_line(|line, open| {
            if std::mem::take(&mut open.begins) || std::mem::take(&mut open.ended) {
                return Ok(());
            }
            line.answer(open.client.batch_execute("ROLLBACK"))
        })
    }

    /// Runs a query.
    pub fn query(&mut self, statement: &Statement, parameters: &[Value]) -> Result<Vec<Row>, StoreError> {
        let parameters: Vec<&(dyn ToSql + Sync)> = parameters.iter().map(parameter).collect();
        self.on_line(|line, open| {
            let prepared = prepare(line, open, statement.sql.into(), || statement.for_postgres())?;
            begin_now(line, open)?;
            let rows = line.answer(open.client.query(&prepared, &parameters))?;
            rows.iter().map(|row| read(row, statement.name)).collect()
        })
    }

    /// Runs a query whose text is known only when the server runs.
    pub fn query_foreign(
        &mut self,
        name: &'static str,
        text: &str,
        parameters: &[Value],
    ) -> Result<Vec<Row>, StoreError> {
        let parameters: Vec<&(dyn ToSql + Sync)> = parameters.iter().map(parameter).collect();
        self.on_line(|line, open| {
            let prepared = prepare(line, open, text.to_owned().into(), || text.to_owned())?;
            begin_now(line, open)?;
            let rows = line.answer(open.client.query(&prepared, &parameters))?;
            rows.iter().map(|row| read(row, name)).collect()
        })
    }

    /// Runs several queries: all are sent, in this order, before the first answer is waited for. The error is that of
    /// the first that fails, with its name.
    pub fn queries(&mut self, asked: &[&Asked<'_>]) -> Result<Vec<Vec<Row>>, Failed> {
        let parameters: Vec<Vec<&(dyn ToSql + Sync)>> =
            asked.iter().map(|(_, parameters)| parameters.iter().map(parameter).collect()).collect();
        let mut failed = asked.first().map_or("", |(statement, _)| statement.name);
        let answer = self.on_line(|line, open| {
            let mut prepared = Vec::with_capacity(asked.len());
            for (statement, _) in asked {
                failed = statement.name;
                prepared.push(prepare(line, open, statement.sql.into(), || statement.for_postgres())?);
            }
            let begins = std::mem::take(&mut open.begins);
            let client = &open.client;
            let begin = async { if begins { client.batch_execute("BEGIN").await } else { Ok(()) } };
            let sent =
                prepared.iter().zip(&parameters).map(|(prepared, given)| client.query(prepared, given));
            // Each is sent when it is first looked at, and they are looked at in this order.
            let (begun, answers) = line.answer(async { Ok(join(begin, join_all(sent)).await) })?;
            begun.map_err(|error| from_driver(&error))?;
            let each = answers.into_iter().zip(asked).map(|(answer, (statement, _))| {
                failed = statement.name;
                let rows = answer.map_err(|error| from_driver(&error))?;
                rows.iter().map(|row| read(row, statement.name)).collect()
            });
            each.collect()
        });
        answer.map_err(|error| (error, failed))
    }

    /// Runs a change; answers the number of rows it touched.
    pub fn execute(&mut self, statement: &Statement, parameters: &[Value]) -> Result<u64, StoreError> {
        let parameters: Vec<&(dyn ToSql + Sync)> = parameters.iter().map(parameter).collect();
        self.on_line(|line, open| {
            let prepared = prepare(line, open, statement.sql.into(), || statement.for_postgres())?;
            begin_now(line, open)?;
            line.answer(open.client.execute(&prepared, &parameters))
        })
    }

    /// Writes many rows in one statement, an array a column.
    pub fn bulk(&mut self, bulk: &Bulk, rows: &[Vec<Value>]) -> Result<u64, StoreError> {
        let columns = columns(bulk, rows);
        let parameters: Vec<&(dyn ToSql + Sync)> = columns.iter().map(ColumnValues::parameter).collect();
        self.on_line(|line, open| {
            let prepared = prepare(line, open, bulk.name.into(), || bulk.for_postgres())?;
            begin_now(line, open)?;
            line.answer(open.client.execute(&prepared, &parameters))
        })
    }

    /// The same for several writes: one statement for as many as there are before one depends on another, all of them sent
    /// before the first answer is waited for. The error is that of the first that fails, with the name of its first write.
    pub fn bulks(&mut self, writes: &[&Write<'_>], then: Then<'_, '_>) -> Result<(), Failed> {
        let groups = together(writes);
        let columns: Vec<Vec<ColumnValues<'_>>> = groups
            .iter()
            .map(|group| group.iter().flat_map(|(bulk, rows)| columns(bulk, rows)).collect())
            .collect();
        let mut failed = "";
        let answer = self.on_line(|line, open| {
            let mut prepared = Vec::with_capacity(groups.len());
            for group in &groups {
                let bulks: Vec<&Bulk> = group.iter().map(|(bulk, _)| *bulk).collect();
                failed = bulks.first().map_or("", |bulk| bulk.name);
                let names: Vec<&str> = bulks.iter().map(|bulk| bulk.name).collect();
                let text = || Bulk::together_for_postgres(&bulks);
                // A single one has another text than alone.
                let key = format!("together {}", names.join(" "));
                prepared.push(prepare(line, open, key.into(), text)?);
            }
            begin_now(line, open)?;
            let client = &open.client;
            let sent = join_all(prepared.iter().zip(&columns).map(|(prepared, columns)| {
                client.execute_raw(prepared, columns.iter().map(ColumnValues::parameter))
            }));
            let committing = matches!(then, Then::Commit(_));
            let (answers, ended) = match then {
                Then::Stay => (line.answer(async { Ok(sent.await) })?, Ok(())),
                Then::Commit(commit) => {
                    commit.sent = true;
                    line.answer(async {
                        let writes = async {
                            let answers = sent.await;
                            (commit.written)();
                            answers
                        };
                        // Where a write was refused, which its own answer says, the word undoes the transaction.
                        Ok(join(writes, client.batch_execute("COMMIT")).await)
                    })?
                }
            };
            open.ended = committing && ended.is_ok();
            let mut answers = answers.into_iter().zip(&groups);
            answers.try_for_each(|(answer, group)| {
                failed = group.first().map_or("", |(bulk, _)| bulk.name);
                answer
                    .map(drop)
                    .map_err(|error| if committing { left_open(&error) } else { from_driver(&error) })
            })?;
            failed = "COMMIT";
            ended.map_err(|error| from_driver(&error))
        });
        answer.map_err(|error| (error, failed))
    }
}

/// What a write failed of that the commit was sent along with. Only what the server itself refused undid the transaction: a
/// write that never reached it did not keep the others from being committed.
fn left_open(error: &tokio_postgres::Error) -> StoreError {
    match from_driver(error) {
        StoreError::Driver(text) if error.as_db_error().is_none() => StoreError::Unavailable(text),
        other => other,
    }
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
    /// Called when the writes are done and the commit is not.
    pub written: &'w mut dyn FnMut(),
}

/// Begins what was to begin: for what is not sent together with anything else.
fn begin_now(line: &Line<'_>, open: &mut Open) -> Result<(), StoreError> {
    if std::mem::take(&mut open.begins) { line.answer(open.client.batch_execute("BEGIN")) } else { Ok(()) }
}

/// An error, with the name of the statement that it is of.
type Failed = (StoreError, &'static str);

fn prepare(
    line: &Line<'_>,
    open: &mut Open,
    key: Cow<'static, str>,
    text: impl FnOnce() -> String,
) -> Result<Prepared, StoreError> {
    if let Some(prepared) = open.prepared.get(&key) {
        return Ok(prepared.clone());
    }
    if open.prepared.len() >= PREPARED_MOST {
        open.prepared.clear();
    }
    let text = text();
    let prepared = line.answer(open.client.prepare(&text))?;
    open.prepared.insert(key, prepared.clone());
    Ok(prepared)
}

/// How answers are waited for.
struct Line<'a> {
    runtime: &'a Runtime,
    answer_within: Duration,
}

impl Line<'_> {
    fn answer<T>(
        &self,
        work: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, StoreError> {
        self.runtime.block_on(within(self.answer_within, work))
    }
}

async fn within<T>(
    longest: Duration,
    work: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, StoreError> {
    match tokio::time::timeout(longest, work).await {
        Ok(answer) => answer.map_err(|error| from_driver(&error)),
        Err(_elapsed) => Err(StoreError::Unavailable("no answer in time".to_owned())),
    }
}
