//! The thread that copies a file's log beside the writer. It ends with its handle: in a stop before the writer does, which
//! is the last to close the file and has SQLite copy what is left.

use super::db::{Access, Checkpoints, Connection, Engine};
use super::{StoreError, Writer, join, spawn};
use std::sync::Arc;
use std::thread::JoinHandle;

/// A running checkpointer.
pub struct Checkpointer {
    checkpoints: Arc<Checkpoints>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    /// Starts one for a file, whose log is copied whenever it has so many pages.
    pub fn start(engine: &Engine, pages: u32) -> Result<Self, StoreError> {
        let checkpoints = Arc::new(Checkpoints::every(pages));
        let mut connection = Connection::open(engine, Access::Write)?;
        let own = Arc::clone(&checkpoints);
        let thread = spawn("checkpointer", move || own.run(|| connection.checkpoint()))?;
        Ok(Self { checkpoints, thread: Some(thread) })
    }

    /// The file's writer, which works with it from now on.
    pub fn beside(&self, writer: Writer) -> Result<Writer, StoreError> {
        writer.with_checkpoints(&self.checkpoints)
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.checkpoints.stop();
        join(self.thread.take().into_iter().collect());
    }
}
