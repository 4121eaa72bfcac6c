//! All SQL, one file per aggregate. Work is a closure over a [`Tx`] or a hot command; the store runs it on
//! threads that own their connections, so nothing here is asynchronous and nothing else holds a
//! connection.

pub mod account;
pub mod act;
pub mod activation;
pub mod api_key;
pub mod audit;
pub mod backup;
mod catalogue;
mod checkpointer;
pub mod db;
pub mod device_grant;
pub mod directory;
pub mod email_code;
mod error;
pub mod guess;
mod hand;
pub mod hot;
mod hot_queues;
pub mod idempotency;
pub mod identity;
pub mod job;
pub mod ledger;
pub mod log;
pub mod mail;
pub mod message;
mod neighbours;
pub mod number;
pub mod offer;
pub mod password;
pub mod person;
pub mod provider_key;
mod queue;
pub mod refresh;
pub mod sandbox;
pub mod scenario;
pub mod second_factor;
pub mod session;
pub mod setting;
pub mod site;
mod tx;
mod wake;
mod work;
mod writer;

pub use catalogue::{bulks, catalogue};
pub use error::StoreError;
pub use hand::{Hand, Told};
pub use queue::{BATCH_MOST, QUEUE_MOST};
pub use tx::{IdBlocks, Sequence, Tx};
pub use wake::{Waiting, Wake, WakeHub};
pub use work::{Work, cold};
pub use writer::Writer;

use crate::metrics::StoreMetrics;
use checkpointer::Checkpointer;
use db::{Access, Connection, Engine, WAL_PAGES, migrate, migrations, require};
use hot::{Answer, Attach, Attached, Close, Closed, Command, Receive, Received, Reserve, Reserved, Rules};
use hot_queues::HotQueues;
use neighbours::Neighbours;
use numberotp_core::time::Time;
use prometheus_client::metrics::gauge::Gauge;
use queue::{Beside, Queue, QueueEnd, Shift, drain};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;
use tokio::sync::oneshot;
use work::Herald;

/// Threads that read; more gain nothing on the machines this is made for.
const READERS: usize = 4;
/// Most reads that wait; beyond, callers are refused at once.
const READS_MOST: usize = 4_096;
/// Threads for cold work on PostgreSQL, where it need not share the hot writers' transactions.
const COLD_WRITERS: usize = 2;
/// There each closure has a transaction of its own: several in one take their locks in an order that nobody
/// chose, and two such batches stop each other until the database notices, a second later.
const COLD_BATCH: usize = 1;

/// What to do about a schema that is older than the program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Schema {
    /// Change it.
    BringUpToDate,
    /// Refuse: a server of another version may be running on it.
    MustBeUpToDate,
}

/// Whether work is bounded in time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pace {
    /// Callers wait: a statement that takes too long is given up.
    Server,
    /// A command, such as an audit or an import, takes as long as it takes.
    Command,
}

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// What the hot commands need to know.
    pub rules: Rules,
    /// What to do about an old schema.
    pub schema: Schema,
    /// Whether somebody waits for every answer.
    pub pace: Pace,
    /// Row numbers taken at a time: many for a server, few for a command.
    pub row_block: i64,
    /// Purchase numbers taken at a time.
    pub purchase_block: i64,
    /// A file's log is copied by a thread of its own when it has so many pages; `None`: by the writer, in SQLite's way.
    pub wal_pages: Option<u32>,
}

impl StoreOptions {
    /// For a server.
    pub const fn server(rules: Rules) -> Self {
        let (schema, pace) = (Schema::BringUpToDate, Pace::Server);
        Self { rules, schema, pace, row_block: 4_096, purchase_block: 1_024, wal_pages: Some(WAL_PAGES) }
    }
    /// For a command that makes a few rows.
    pub const fn command(rules: Rules, schema: Schema) -> Self {
        Self { rules, schema, pace: Pace::Command, row_block: 256, purchase_block: 1, wal_pages: None }
    }
}

type Read = Box<dyn FnOnce(&mut Connection) + Send>;

/// The database, with its writers and readers.
pub struct Store {
    engine: Engine,
    hot: HotQueues,
    cold: Queue,
    reads: SyncSender<Read>,
    reads_waiting: Gauge,
    wakes: Arc<WakeHub>,
    writers: Vec<JoinHandle<()>>,
    readers: Vec<JoinHandle<()>>,
    /// Of a file.
    checkpointer: Option<Checkpointer>,
}

impl Store {
    /// Opens the database, brings its schema up to date and starts the threads.
    pub fn open(engine: &Engine, options: &StoreOptions) -> Result<Self, StoreError> {
        engine.make_room()?;
        prepare_schema(engine, options.schema)?;
        let wakes = Arc::new(WakeHub::default());
        let (mut writers, mut readers) = (Vec::new(), Vec::new());
        let (metrics, herald) = (wakes.metrics(), Herald::here());
        let neighbours = Arc::new(Neighbours::new(metrics.neighbours()));
        let open_writer = || {
            let ids = IdBlocks::sized(options.row_block, options.purchase_block).beside(&neighbours);
            let writer = Writer::open(engine, ids, options.rules.clone(), Arc::clone(&wakes))?;
            let writer = writer.with_herald(herald.clone());
            Ok::<Writer, StoreError>(match options.pace {
                Pace::Server => writer,
                Pace::Command => writer.taking_time(),
            })
        };
        metrics.connections("read", READERS);
        let pages = options.wal_pages.filter(|_| engine.is_embedded());
        let checkpointer = pages.map(|pages| Checkpointer::start(engine, pages)).transpose()?;
        let hot = HotQueues::open(engine, &metrics.queue("hot"), &neighbours, |end, shift| {
            let writer = open_writer()?;
            // Where closures have writers of their own.
            let writer = match &checkpointer {
                Some(checkpointer) => checkpointer.beside(writer)?,
                None if engine.is_embedded() => writer,
                None => writer.by_key(),
            };
            writers.push(writer_thread(writer, end, (BATCH_MOST, shift))?);
            Ok(())
        })?;
        metrics.connections("hot", writers.len());
        let cold = if engine.is_embedded() {
            hot.shared().clone()
        } else {
            let (cold, cold_end) = Queue::new(metrics.queue("cold"), Beside::Always);
            metrics.connections("cold", COLD_WRITERS);
            for _ in 0..COLD_WRITERS {
                writers.push(writer_thread(open_writer()?, &cold_end, (COLD_BATCH, Shift::Usual))?);
            }
            cold
        };
        let (reads, read_end) = sync_channel(READS_MOST);
        let read_end = Arc::new(Mutex::new(read_end));
        for _ in 0..READERS {
            let reader = Connection::open(engine, Access::Read)?;
            let reader = if options.pace == Pace::Command { reader.taking_time() } else { reader };
            readers.push(reader_thread(reader, &read_end)?);
        }
        let reads_waiting = metrics.queue("read");
        Ok(Self {
            engine: engine.clone(),
            hot,
            cold,
            reads,
            reads_waiting,
            wakes,
            writers,
            readers,
            checkpointer,
        })
    }

    /// Which database it is.
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Who waits for what.
    pub fn wakes(&self) -> &WakeHub {
        &self.wakes
    }

    /// Runs work in a transaction that is committed when the closure answers Ok. It may run again after a
    /// rollback, so it must do nothing but use its `Tx`.
    pub async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let (work, answer) = cold(work);
        let pushed = self.cold.push(work);
        self.answer(pushed, answer).await
    }

    /// What is measured about this store.
    pub fn metrics(&self) -> &StoreMetrics {
        self.wakes.metrics()
    }

    /// Work that waits to be written.
    pub fn writes_waiting(&self) -> i64 {
        self.hot.waiting().max(self.cold.waiting())
    }

    /// The answer to what was put into a queue. A failure is counted by what callers can do about it; a constraint
    /// that refused is an answer.
    async fn answer<T>(
        &self,
        pushed: Result<(), StoreError>,
        answer: oneshot::Receiver<Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let answer = match pushed {
            Ok(()) => answered(answer).await,
            Err(error) => Err(error),
        };
        if let Err(error) = &answer
            && let Some(reason) = error.reason()
        {
            self.metrics().failure(reason);
        }
        answer
    }

    /// Reads, each statement on its own.
    pub async fn read<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.read_with(move |connection| with_tx(connection, work)).await
    }

    /// Reads one state of everything.
    pub async fn snapshot<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.read_with(move |connection| {
            connection.begin_snapshot()?;
            let answer = with_tx(connection, work);
            connection.script(if answer.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
            answer
        })
        .await
    }

    async fn read_with<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let (wakes, waiting) = (Arc::clone(&self.wakes), self.reads_waiting.clone());
        let read: Read = Box::new(move |connection| {
            waiting.dec();
            let begun = Instant::now();
            let result = connection.ensure().and_then(|()| work(connection));
            if result.as_ref().is_err_and(StoreError::breaks_connection) {
                connection.forget();
            }
            wakes.metrics().read(begun.elapsed());
            let _gone = reply.send(result);
        });
        self.reads_waiting.inc();
        let pushed = self.reads.try_send(read).map_err(|error| {
            self.reads_waiting.dec();
            match error {
                TrySendError::Full(_) => StoreError::Overloaded,
                TrySendError::Disconnected(_) => {
                    StoreError::Unavailable("the readers have stopped".to_owned())
                }
            }
        });
        self.answer(pushed, answer).await
    }

    /// The database's own clock; `None` where it has none of its own.
    pub async fn database_time(&self) -> Result<Option<Time>, StoreError> {
        self.read_with(Connection::time).await
    }

    async fn submit(&self, command: Command) -> Result<Answer, StoreError> {
        let (reply, answer) = oneshot::channel();
        let pushed = self.hot.of(&command).push(Work::Hot(Box::new(command), reply));
        self.answer(pushed, answer).await
    }

    /// Holds the price and begins a purchase.
    pub async fn reserve(&self, reserve: Reserve) -> Result<Reserved, StoreError> {
        match self.submit(Command::Reserve(reserve)).await? {
            Answer::Reserved(answer) => Ok(answer),
            _ => Err(crossed()),
        }
    }
    /// Attaches a number to a purchase.
    pub async fn attach(&self, attach: Attach) -> Result<Attached, StoreError> {
        match self.submit(Command::Attach(attach)).await? {
            Answer::Attached(answer) => Ok(answer),
            _ => Err(crossed()),
        }
    }
    /// Takes a message in.
    pub async fn receive(&self, receive: Receive) -> Result<Received, StoreError> {
        match self.submit(Command::Receive(receive)).await? {
            Answer::Received(answer) => Ok(answer),
            _ => Err(crossed()),
        }
    }
    /// Ends a purchase.
    pub async fn close(&self, close: Close) -> Result<Closed, StoreError> {
        match self.submit(Command::Close(close)).await? {
            Answer::Closed(answer) => Ok(answer),
            _ => Err(crossed()),
        }
    }

    /// Stops taking work, finishes what is queued and closes the connections: the writers' last. SQLite copies its log into
    /// the file when its last connection is closed, and of two that are closed at once each may take the other for open.
    pub fn stop(self) {
        let Self { hot, cold, reads, writers, readers, checkpointer, .. } = self;
        drop(reads);
        join(readers);
        drop(checkpointer);
        drop((hot, cold));
        join(writers);
    }
}

fn join(threads: Vec<JoinHandle<()>>) {
    for thread in threads {
        // A thread that panicked has told so already.
        let _panicked = thread.join();
    }
}

/// On a thread of its own: a connection keeps its thread waiting, which must not be one that others are served by.
fn prepare_schema(engine: &Engine, schema: Schema) -> Result<(), StoreError> {
    let work = || match schema {
        Schema::BringUpToDate => {
            migrate(&mut Connection::open(engine, Access::Write)?.taking_time(), migrations()).map(drop)
        }
        Schema::MustBeUpToDate => require(&mut Connection::open(engine, Access::Read)?, migrations()),
    };
    let ended = std::thread::scope(|scope| scope.spawn(work).join());
    ended.unwrap_or_else(|_panicked| Err(StoreError::Driver("the migration panicked".to_owned())))
}

async fn answered<T>(answer: oneshot::Receiver<Result<T, StoreError>>) -> Result<T, StoreError> {
    answer.await.unwrap_or_else(|_dropped| Err(StoreError::Unavailable("the store has stopped".to_owned())))
}

fn crossed() -> StoreError {
    StoreError::Driver("an answer to another command".to_owned())
}

fn with_tx<T>(
    connection: &mut Connection,
    work: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let (mut ids, mut wakes) = (IdBlocks::default(), Vec::new());
    work(&mut Tx { connection, ids: &mut ids, wakes: &mut wakes })
}

fn writer_thread(
    writer: Writer,
    queue: &Arc<QueueEnd>,
    (most, shift): (usize, Shift),
) -> Result<JoinHandle<()>, StoreError> {
    let queue = Arc::clone(queue);
    spawn("store-writer", move || drain(writer, &queue, most, shift))
}

fn reader_thread(
    mut connection: Connection,
    queue: &Arc<Mutex<Receiver<Read>>>,
) -> Result<JoinHandle<()>, StoreError> {
    let queue = Arc::clone(queue);
    spawn("store-reader", move || {
        loop {
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(read) = next else { return };
            // As with the writers: a defect in one read must not end the reading.
            if catch_unwind(AssertUnwindSafe(|| read(&mut connection))).is_err() {
                connection.forget();
            }
        }
    })
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StoreError> {
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(work);
    thread.map_err(|error| StoreError::Unavailable(error.to_string()))
}
