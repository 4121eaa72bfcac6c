//! The write combiner: many pieces of work to one durable commit, each caller answered after it.
//!
//! Hot commands are data and are carried out together (see `hot`); cold ones are closures. Each
//! piece can be undone alone: a refusal by the database undoes that piece alone. A batch of hot commands
//! that is refused is repeated one by one.

use super::StoreError;
use super::db::{Access, Checkpoints, Commit, Connection, Engine, Then};
use super::hot::{self, Answer, Command, Rules};
use super::tx::{IdBlocks, Tx};
use super::wake::{Wake, WakeHub};
use super::work::{Asked, Cold, Done, Herald, Work, away, refuse, undo};
use crate::metrics::StoreMetrics;
use std::sync::Arc;
use std::time::Instant;

/// How often a batch is tried again when the database was busy.
const TRIES: usize = 5;

/// One writer: a connection and what it needs to carry out work. A test can drive it by hand.
pub struct Writer {
    connection: Connection,
    ids: IdBlocks,
    rules: Rules,
    wakes: Arc<WakeHub>,
    herald: Herald,
    stands: Stands,
    /// Whether a batch is hot commands alone, so that it begins with its first question.
    hot_alone: bool,
    /// Whether somebody waits for the moment when there is only the commit left of the batch.
    apart: bool,
}

/// What stands in the open transaction. The first piece needs no savepoint: undoing it undoes all there is. Most
/// batches are one piece.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stands {
    /// Nothing.
    Nothing,
    /// Pieces of work, and no savepoint was made yet.
    Pieces,
    /// Pieces of work, and others since a savepoint.
    SincePoint,
    /// Pieces of work, and nothing since a savepoint.
    AtPoint,
    /// The commit is on its way or done.
    Committed,
}

impl Writer {
    /// A writer with a connection of its own.
    pub fn open(
        engine: &Engine,
        ids: IdBlocks,
        rules: Rules,
        wakes: Arc<WakeHub>,
    ) -> Result<Self, StoreError> {
        let connection = Connection::open(engine, Access::Write)?;
        let (herald, stands) = (Herald::default(), Stands::Nothing);
        Ok(Self { connection, ids, rules, wakes, herald, stands, hot_alone: false, apart: false })
    }

    /// Whose callers wait where this herald is from.
    #[must_use]
    pub(super) fn with_herald(self, herald: Herald) -> Self {
        Self { herald, ..self }
    }

    /// For batches of hot commands alone.
    #[must_use]
    pub fn by_key(self) -> Self {
        Self { connection: self.connection.by_key(), hot_alone: true, ..self }
    }

    /// For the writer of a file whose log is copied by another thread.
    pub fn with_checkpoints(self, checkpoints: &Arc<Checkpoints>) -> Result<Self, StoreError> {
        Ok(Self { connection: self.connection.with_checkpoints(checkpoints)?, ..self })
    }

    /// For a command, which takes its time.
    #[must_use]
    pub fn taking_time(self) -> Self {
        Self { connection: self.connection.taking_time(), ..self }
    }

    /// Carries out a batch: one commit, then every answer. `turn` is what it has while it works and not while it commits; without
    /// one nobody waits for that moment.
    pub fn run<T>(&mut self, batch: Vec<Work>, turn: Option<T>) {
        let (mut batch, mut turn, mut broke) = (batch, turn, false);
        self.apart = turn.is_some();
        for attempt in 1..=TRIES {
            match self.attempt(&mut batch, &mut || drop(turn.take())) {
                Ok((done, wakes)) => {
                    wakes.into_iter().for_each(|wake| self.wakes.wake(wake));
                    self.herald.tell(done);
                    self.connection.checkpoint_rest();
                    return;
                }
                Err(error) => {
                    if error.breaks_connection() {
                        self.connection.forget();
                    }
                    // A line that died since its last use is noticed at the first that is sent. Unless the commit may have been
                    // among it nothing is lost: once more, on another line.
                    let anew =
                        self.hot_alone && error.breaks_connection() && self.stands != Stands::Committed;
                    if anew && attempt < TRIES && !std::mem::replace(&mut broke, true) {
                        self.attach_first(&mut batch);
                        continue;
                    }
                    if !error.retryable() || attempt == TRIES {
                        batch.into_iter().for_each(|work| refuse(work, &error));
                        return;
                    }
                    self.wakes.metrics().retry();
                    self.attach_first(&mut batch);
                }
            }
        }
    }

    /// Carries out by themselves what a batch attaches, before it is tried again: its other commands may have waited for a purse in
    /// vain, which a number does not need.
    fn attach_first(&mut self, batch: &mut Vec<Work>) {
        let attaches = |work: &mut Work| matches!(work, Work::Hot(command, _) if matches!(**command, Command::Attach(_)));
        if self.hot_alone && !batch.iter_mut().all(attaches) {
            let first: Vec<Work> = batch.extract_if(.., attaches).collect();
            if !first.is_empty() {
                self.run(first, None::<()>);
            }
        }
    }

    /// Tells every caller that the database is away, without asking it.
    pub(super) fn refuse_all(&mut self, batch: Vec<Work>) {
        batch.into_iter().for_each(|work| refuse(work, &away()));
    }

    /// Carries out a batch whose commit goes through while its answer is lost: callers are told that the database is
    /// away, and nobody is woken.
    pub(super) fn run_unheard(&mut self, batch: Vec<Work>) {
        let mut batch = batch;
        let done = self.attempt(&mut batch, &mut || {}).map(|(done, _lost)| done).unwrap_or_default();
        let work = done.into_iter().filter_map(undo);
        work.chain(batch).for_each(|work| refuse(work, &away()));
    }

    /// Begins; a connection that died since its last use is replaced, once: nothing was sent on it yet.
    fn begin(&mut self) -> Result<(), StoreError> {
        self.connection.ensure()?;
        if self.hot_alone {
            self.stands = Stands::Nothing;
            return self.connection.begin_with_next();
        }
        match self.connection.begin() {
            Err(error) if error.breaks_connection() => {
                self.connection.forget();
                self.connection.ensure()?;
                self.connection.begin()
            }
            begun => begun,
        }?;
        self.stands = Stands::Nothing;
        Ok(())
    }

    /// What is counted about its batches.
    pub(super) fn metrics(&self) -> &StoreMetrics {
        self.wakes.metrics()
    }

    /// To be called when a batch panicked: whatever was open is undone.
    pub(super) fn recover(&mut self) {
        self.connection.forget();
        self.ids = self.ids.emptied();
    }

    /// One try, which says when there is only the commit left. On error nothing was written and the batch is whole again.
    fn attempt(
        &mut self,
        batch: &mut Vec<Work>,
        worked: &mut dyn FnMut(),
    ) -> Result<(Vec<Done>, Vec<Wake>), StoreError> {
        self.begin()?;
        self.ids.begin();
        let mut wakes = Vec::new();
        let mut done = Vec::with_capacity(batch.len());
        let mut begun = None;
        let mut commits = || {
            worked();
            begun = Some(Instant::now());
        };
        let committed = match self.work(std::mem::take(batch), (&mut done, &mut wakes), &mut commits) {
            Ok(()) if self.stands == Stands::Committed => Ok(()),
            Ok(()) => {
                commits();
                self.stands = Stands::Committed;
                self.connection.commit()
            }
            Err((error, rest)) => {
                batch.extend(rest);
                Err(error)
            }
        };
        if let Some(begun) = begun {
            self.wakes.metrics().commit(begun.elapsed());
        }
        if let Err(error) = committed {
            // If this fails too, the connection is dropped by the caller or at its next use.
            if self.connection.roll_back().is_err() {
                self.connection.forget();
            }
            self.ids.undone();
            let undone = done.into_iter().filter_map(undo).collect::<Vec<_>>();
            batch.splice(0..0, undone);
            return Err(error);
        }
        Ok((done, wakes))
    }

    fn work(
        &mut self,
        batch: Vec<Work>,
        (done, wakes): (&mut Vec<Done>, &mut Vec<Wake>),
        commits: &mut dyn FnMut(),
    ) -> Result<(), (StoreError, Vec<Work>)> {
        let mut rest = batch.into_iter().peekable();
        while let Some(work) = rest.next() {
            match work {
                Work::Cold(cold) => {
                    if let Err((error, cold)) = self.cold(cold, done, wakes) {
                        let unfinished = std::iter::once(Work::Cold(cold)).chain(rest).collect();
                        return Err((error, unfinished));
                    }
                }
                Work::Hot(command, reply) => {
                    let mut commands = Vec::with_capacity(rest.len().saturating_add(1));
                    commands.push((command, reply));
                    while let Some(Work::Hot(command, reply)) =
                        rest.next_if(|next| matches!(next, Work::Hot(..)))
                    {
                        commands.push((command, reply));
                    }
                    // All there is: the commit goes along with the writes.
                    let only = self.stands == Stands::Nothing && rest.peek().is_none();
                    let commits: Option<&mut dyn FnMut()> = if only { Some(&mut *commits) } else { None };
                    if let Err((error, commands)) = self.hot(commands, (done, wakes), commits) {
                        let again = commands.into_iter().map(|(command, reply)| Work::Hot(command, reply));
                        return Err((error, again.chain(rest).collect()));
                    }
                }
            }
        }
        Ok(())
    }

    fn cold(
        &mut self,
        mut cold: Box<dyn Cold>,
        done: &mut Vec<Done>,
        wakes: &mut Vec<Wake>,
    ) -> Result<(), (StoreError, Box<dyn Cold>)> {
        match self.piece(wakes, |tx, _| cold.run(tx)) {
            Ok(answer) => {
                done.push(Done::Cold(cold, answer));
                Ok(())
            }
            Err(error) => Err((error, cold)),
        }
    }

    fn hot(
        &mut self,
        commands: Vec<Asked>,
        (done, wakes): (&mut Vec<Done>, &mut Vec<Wake>),
        commits: Option<&mut dyn FnMut()>,
    ) -> Result<(), (StoreError, Vec<Asked>)> {
        let each: Vec<&Command> = commands.iter().map(|(command, _)| command.as_ref()).collect();
        let answers = match self.together(&each, wakes, commits) {
            Ok(Ok(answers)) => Ok(answers.into_iter().map(Ok).collect::<Vec<_>>()),
            Ok(Err(_refused_together)) => self.one_by_one(&each, wakes),
            Err(error) => Err(error),
        };
        let answers = match answers {
            Ok(answers) => answers,
            Err(error) => return Err((error, commands)),
        };
        let finished = commands.into_iter().zip(answers);
        done.extend(finished.map(|((command, reply), answer)| Done::Hot(command, reply, answer)));
        Ok(())
    }

    /// Carries out commands by sets, as one piece; with the commit, if nothing else is to come before it.
    fn together(
        &mut self,
        commands: &[&Command],
        wakes: &mut Vec<Wake>,
        commits: Option<&mut dyn FnMut()>,
    ) -> Result<Result<Vec<Answer>, StoreError>, StoreError> {
        let Some(written) = commits else {
            return self.piece(wakes, |tx, rules| hot::run(tx, rules, commands, Then::Stay));
        };
        let mut commit = Commit { sent: false, apart: self.apart, written };
        let answers = self.piece(wakes, |tx, rules| hot::run(tx, rules, commands, Then::Commit(&mut commit)));
        // What a write refused undid the transaction before the commit came to it.
        if commit.sent && !matches!(answers, Ok(Err(_))) {
            self.stands = Stands::Committed;
        }
        answers
    }

    /// Carries out commands one after the other, once their locks are taken in the one order.
    fn one_by_one(
        &mut self,
        commands: &[&Command],
        wakes: &mut Vec<Wake>,
    ) -> Result<Vec<Result<Answer, StoreError>>, StoreError> {
        // If that is refused, so is each of them.
        let _held = self.piece(wakes, |tx, _| hot::hold(tx, commands))?;
        let mut answers = Vec::with_capacity(commands.len());
        for command in commands {
            let run = |tx: &mut Tx<'_>, rules: &Rules| {
                hot::run(tx, rules, std::slice::from_ref(command), Then::Stay)
            };
            answers.push(self.piece(wakes, run)?.and_then(first));
        }
        Ok(answers)
    }

    /// Runs one piece so that it can be undone alone. The outer error ends the whole batch (busy, unavailable), the inner
    /// one is this piece's own and is undone alone.
    fn piece<T>(
        &mut self,
        wakes: &mut Vec<Wake>,
        work: impl FnOnce(&mut Tx<'_>, &Rules) -> Result<T, StoreError>,
    ) -> Result<Result<T, StoreError>, StoreError> {
        match self.stands {
            Stands::Nothing | Stands::AtPoint | Stands::Committed => {}
            Stands::Pieces => self.connection.script("SAVEPOINT piece")?,
            Stands::SincePoint => self.connection.script("RELEASE SAVEPOINT piece; SAVEPOINT piece")?,
        }
        let before = wakes.len();
        let mut tx = Tx { connection: &mut self.connection, ids: &mut self.ids, wakes };
        match work(&mut tx, &self.rules) {
            Ok(answer) => {
                self.stands = match self.stands {
                    Stands::Nothing => Stands::Pieces,
                    Stands::Pieces | Stands::SincePoint | Stands::AtPoint | Stands::Committed => {
                        Stands::SincePoint
                    }
                };
                Ok(Ok(answer))
            }
            Err(error) if error.retryable() || error.breaks_connection() => Err(error),
            Err(error) => {
                if self.stands == Stands::Nothing {
                    self.connection.roll_back()?;
                    self.connection.begin()?;
                } else {
                    self.connection.script("ROLLBACK TO SAVEPOINT piece")?;
                    self.stands = Stands::AtPoint;
                }
                self.ids.undone();
                wakes.truncate(before);
                Ok(Err(error))
            }
        }
    }
}

fn first(answers: Vec<Answer>) -> Result<Answer, StoreError> {
    answers.into_iter().next().ok_or_else(|| StoreError::Driver("a command without an answer".to_owned()))
}
