//! A request's place among those being worked on. It is given up while a body comes in, so that whoever sends
//! slowly keeps nobody else from being served, and taken again when there is something to work on.

use axum::extract::Request;
use numberotp_core::fault::{Fault, FaultCode};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A place; its last copy frees it.
#[derive(Clone)]
pub(super) struct Place {
    room: Arc<Semaphore>,
    held: Arc<Mutex<Option<OwnedSemaphorePermit>>>,
}

impl Place {
    /// A place in the room, or a refusal at once.
    pub(super) fn take(room: &Arc<Semaphore>) -> Result<Self, Fault> {
        let place = Self { room: Arc::clone(room), held: Arc::default() };
        place.enter()?;
        Ok(place)
    }

    /// The place of a request, if it is inside the frame.
    pub(super) fn of(request: &Request) -> Option<Self> {
        request.extensions().get::<Self>().cloned()
    }

    /// Gives the place up.
    pub(super) fn leave(&self) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Takes a place again, or refuses at once.
    pub(super) fn enter(&self) -> Result<(), Fault> {
        let permit = Arc::clone(&self.room).try_acquire_owned();
        let permit = permit.map_err(|_full| Fault::new(FaultCode::Overloaded))?;
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(permit);
        Ok(())
    }
}
