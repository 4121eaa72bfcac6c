//! The store without threads: what a writer and a reader would do, they do when they are told to, in the order in
//! which a simulator says. The same batches and the same transactions as on threads, whose queues it takes for one: what is
//! carried out together is the simulator's to say.
//!
//! Guards: nothing is carried out that was not asked for, and what is not carried out leaves no trace. Never used
//! by the program; a database that loses connections is played here, past the connection.

use super::db::{Access, Connection, Engine};
use super::hot_queues::HotQueues;
use super::queue::{Beside, Queue, QueueEnd};
use super::tx::IdBlocks;
use super::work::Work;
use super::writer::Writer;
use super::{READS_MOST, Read, Store, StoreError, StoreOptions, WakeHub, prepare_schema};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

/// What a batch is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Told {
    /// What became of it.
    Truth,
    /// That the database is away, and it was: nothing was written.
    Away,
    /// That the database is away, although the commit had gone through.
    Unheard,
}

/// The hand that moves a store.
pub struct Hand {
    writer: Writer,
    reader: Connection,
    work: Arc<QueueEnd>,
    reads: Receiver<Read>,
    writes_waiting: VecDeque<Work>,
    reads_waiting: VecDeque<Read>,
}

impl Store {
    /// Opens the database as [`Store::open`] does, with one hand instead of threads.
    pub fn by_hand(engine: &Engine, options: &StoreOptions) -> Result<(Self, Hand), StoreError> {
        engine.make_room()?;
        prepare_schema(engine, options.schema)?;
        let wakes = Arc::new(WakeHub::default());
        let ids = IdBlocks::sized(options.row_block, options.purchase_block);
        let writer = Writer::open(engine, ids, options.rules.clone(), Arc::clone(&wakes))?;
        let reader = Connection::open(engine, Access::Read)?;
        let (hot, work) = Queue::new(wakes.metrics().queue("hot"), Beside::Always);
        let (reads, reads_end) = sync_channel(READS_MOST);
        let cold = hot.clone();
        let reads_waiting = wakes.metrics().queue("read");
        let store = Self {
            engine: engine.clone(),
            hot: HotQueues::one(hot),
            cold,
            reads,
            reads_waiting,
            wakes,
            writers: Vec::new(),
            readers: Vec::new(),
            checkpointer: None,
        };
        let (writes_waiting, reads_waiting) = (VecDeque::new(), VecDeque::new());
        Ok((store, Hand { writer, reader, work, reads: reads_end, writes_waiting, reads_waiting }))
    }
}

impl Hand {
    /// How many pieces wait to be written, and how many reads wait.
    pub fn waiting(&mut self) -> (usize, usize) {
        self.writes_waiting.extend(self.work.take_all());
        self.reads_waiting.extend(self.reads.try_iter());
        (self.writes_waiting.len(), self.reads_waiting.len())
    }

    /// Carries out so many of the pieces that wait, in one transaction; tells their callers this.
    pub fn write(&mut self, most: usize, told: Told) {
        let (waiting, _reads) = self.waiting();
        let batch: Vec<Work> = self.writes_waiting.drain(..most.min(waiting)).collect();
        match told {
            Told::Truth => self.writer.run(batch, None::<()>),
            Told::Away => self.writer.refuse_all(batch),
            Told::Unheard => self.writer.run_unheard(batch),
        }
    }

    /// Carries out the read that has waited for so many others; nothing if there is none.
    pub fn read(&mut self, place: usize) {
        self.waiting();
        if let Some(read) = self.reads_waiting.remove(place) {
            read(&mut self.reader);
        }
    }
}
