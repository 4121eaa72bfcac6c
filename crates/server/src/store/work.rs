//! Pieces of work on their way to a writer, and what their callers are told of them.

use super::StoreError;
use super::hot::{Answer, Command};
use super::tx::Tx;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::oneshot;

/// A closure on its way to a writer.
pub trait Cold: Send {
    /// Does the work inside a transaction. May be called again after a rollback.
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError>;
    /// Tells the caller, after the commit or the failure.
    fn finish(self: Box<Self>, committed: Result<(), StoreError>);
}

/// Where an answer goes.
pub type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// A piece of work.
pub enum Work {
    /// A hot command.
    Hot(Box<Command>, Reply<Answer>),
    /// A closure.
    Cold(Box<dyn Cold>),
}

struct ColdCall<F, T> {
    work: F,
    answer: Option<T>,
    reply: Reply<T>,
}

impl<F, T> Cold for ColdCall<F, T>
where
    F: FnMut(&mut Tx<'_>) -> Result<T, StoreError> + Send,
    T: Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        self.answer = Some((self.work)(tx)?);
        Ok(())
    }
    fn finish(self: Box<Self>, committed: Result<(), StoreError>) {
        let missing = || StoreError::Driver("work without an answer".to_owned());
        let Self { answer, reply, .. } = *self;
        // A caller that left does not need the answer.
        let _gone = reply.send(committed.and_then(|()| answer.ok_or_else(missing)));
    }
}

/// Boxes a closure; its answer arrives at the receiver after the commit.
pub fn cold<F, T>(work: F) -> (Work, oneshot::Receiver<Result<T, StoreError>>)
where
    F: FnMut(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    T: Send + 'static,
{
    let (reply, receiver) = oneshot::channel();
    (Work::Cold(Box::new(ColdCall { work, answer: None, reply })), receiver)
}

/// A hot command and where its answer goes.
pub(super) type Asked = (Box<Command>, Reply<Answer>);

/// How a piece of work ended inside the transaction.
pub(super) enum Done {
    /// The command is kept until the commit, in case it has to be done again.
    Hot(Box<Command>, Reply<Answer>, Result<Answer, StoreError>),
    Cold(Box<dyn Cold>, Result<(), StoreError>),
}

pub(super) fn tell(done: Done) {
    match done {
        Done::Hot(_, reply, answer) => {
            let _gone = reply.send(answer);
        }
        Done::Cold(cold, answer) => cold.finish(answer),
    }
}

/// Makes work again of what was done in a transaction that did not commit.
pub(super) fn undo(done: Done) -> Option<Work> {
    match done {
        Done::Hot(command, reply, Ok(_)) => Some(Work::Hot(command, reply)),
        // Its own refusal stands whatever becomes of the batch.
        done @ Done::Hot(..) => {
            tell(done);
            None
        }
        Done::Cold(cold, Ok(())) => Some(Work::Cold(cold)),
        done @ Done::Cold(..) => {
            tell(done);
            None
        }
    }
}

pub(super) fn away() -> StoreError {
    StoreError::Unavailable("the connection broke".to_owned())
}

pub(super) fn refuse(work: Work, error: &StoreError) {
    match work {
        Work::Hot(_, reply) => {
            let _gone = reply.send(Err(error.clone()));
        }
        Work::Cold(cold) => cold.finish(Err(error.clone())),
    }
}

/// So many callers are told on their own runtime, fewer by the writer itself.
const MANY: usize = 4;

/// Tells callers what became of their work. By default one after the other, before anything else is done.
#[derive(Clone, Default)]
pub(super) struct Herald {
    /// Where they wait, if that goes on by itself.
    runtime: Option<Handle>,
}

impl Herald {
    /// For callers who wait where this is called, in a runtime with threads of its own; else whoever tells them wakes each.
    pub(super) fn here() -> Self {
        let runtime = Handle::try_current().ok();
        Self { runtime: runtime.filter(|handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread) }
    }

    /// Tells each. Many of them over there, as one task: whoever is told from here wakes a thread there, which takes this
    /// processor, is done with it in no time and sleeps again before the next is told.
    pub(super) fn tell(&self, done: Vec<Done>) {
        let untold = Untold(done);
        if let Some(runtime) = self.runtime.as_ref().filter(|_| untold.0.len() >= MANY) {
            runtime.spawn(async move { drop(untold) });
        }
    }
}

/// Callers who are told when this goes, wherever that is: a runtime that has ended drops what it is given.
struct Untold(Vec<Done>);

impl Drop for Untold {
    fn drop(&mut self) {
        std::mem::take(&mut self.0).into_iter().for_each(tell);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::runtime::{Builder, Runtime};

    fn pieces(count: usize) -> (Vec<Done>, Vec<oneshot::Receiver<Result<usize, StoreError>>>) {
        let piece = |number| {
            let (reply, answer) = oneshot::channel();
            let work = move |_: &mut Tx<'_>| Ok(number);
            let cold: Box<dyn Cold> = Box::new(ColdCall { work, answer: Some(number), reply });
            (Done::Cold(cold, Ok(())), answer)
        };
        (0..count).map(piece).unzip()
    }

    fn threads() -> Runtime {
        Builder::new_multi_thread().worker_threads(1).build().unwrap()
    }

    #[test]
    fn many_callers_are_told_on_their_own_threads_and_few_at_once() {
        let runtime = threads();
        let herald = runtime.block_on(async { Herald::here() });
        let (busy, is_busy) = std::sync::mpsc::channel();
        let (free, is_free) = std::sync::mpsc::channel::<()>();
        // Their only thread has something else to do until it is let go.
        runtime.spawn(async move {
            busy.send(()).unwrap();
            let _let_go = is_free.recv();
        });
        is_busy.recv().unwrap();
        let (done, mut many) = pieces(MANY);
        herald.tell(done);
        for answer in &mut many {
            assert!(answer.try_recv().is_err(), "not by who tells");
        }
        let (done, few) = pieces(MANY - 1);
        herald.tell(done);
        for (number, mut answer) in few.into_iter().enumerate() {
            assert_eq!(answer.try_recv().unwrap().unwrap(), number, "at once");
        }
        drop(free);
        for (number, answer) in many.into_iter().enumerate() {
            assert_eq!(answer.blocking_recv().unwrap().unwrap(), number);
        }
    }

    #[test]
    fn callers_are_told_though_their_runtime_has_ended() {
        let runtime = threads();
        let herald = runtime.block_on(async { Herald::here() });
        drop(runtime);
        let (done, answers) = pieces(MANY);
        herald.tell(done);
        for mut answer in answers {
            assert!(answer.try_recv().unwrap().is_ok());
        }
    }

    #[test]
    fn who_waits_where_nobody_else_works_is_told_at_once() {
        let alone = Builder::new_current_thread().build().unwrap();
        for herald in [alone.block_on(async { Herald::here() }), Herald::here(), Herald::default()] {
            let (done, answers) = pieces(2 * MANY);
            herald.tell(done);
            for mut answer in answers {
                assert!(answer.try_recv().unwrap().is_ok());
            }
        }
    }
}
