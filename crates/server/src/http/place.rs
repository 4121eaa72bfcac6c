//! A request's place among those being worked on. It is given up while a body comes in, so that whoever sends
//! slowly keeps nobody else from being served, and taken again when there is something to work on.

use numberotp_core::fault::{Fault, FaultCode};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A place, if it was taken; freed with the request.
pub(super) struct Place {
    room: Arc<Semaphore>,
    held: Mutex<Option<OwnedSemaphorePermit>>,
}

impl Place {
    /// One in the room that is not taken yet.
    pub(super) fn new(room: &Arc<Semaphore>) -> Self {
        Self { room: Arc::clone(room), held: Mutex::default() }
    }

    /// Gives the place up.
    pub(super) fn leave(&self) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Takes the place, or refuses at once.
    pub(super) fn enter(&self) -> Result<(), Fault> {
        let permit = Arc::clone(&self.room).try_acquire_owned();
        let permit = permit.map_err(|_full| Fault::new(FaultCode::Overloaded))?;
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(permit);
        Ok(())
    }
}
