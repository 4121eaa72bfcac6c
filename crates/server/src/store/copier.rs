//! The thread that copies a file's log beside the writer. It ends with its handle, before the writer does: SQLite copies
//! what is left when its last connection is closed.

use super::db::{Access, Checkpoints, Connection, Engine, LOG_PAGES};
use super::{StoreError, Writer, join, spawn};
use std::sync::Arc;
use std::thread::JoinHandle;

/// A running copier.
pub struct Copier {
    checkpoints: Arc<Checkpoints>,
    thread: Option<JoinHandle<()>>,
}

impl Copier {
    /// Starts one for a file.
    pub fn start(engine: &Engine) -> Result<Self, StoreError> {
        let checkpoints = Arc::new(Checkpoints::every(LOG_PAGES));
        let mut connection = Connection::open(engine, Access::Write)?;
        let own = Arc::clone(&checkpoints);
        let thread = spawn("store-copier", move || own.run(|| connection.copy_log()))?;
        Ok(Self { checkpoints, thread: Some(thread) })
    }

    /// The file's writer, which works with it from now on.
    pub fn beside(&self, writer: Writer) -> Result<Writer, StoreError> {
        writer.copied_beside(&self.checkpoints)
    }
}

impl Drop for Copier {
    fn drop(&mut self) {
        self.checkpoints.stop();
        join(self.thread.take().into_iter().collect());
    }
}
