//! When credentials were used last: gathered in memory and written now and then, beside the requests.
//!
//! What a server had gathered when it died is not known. Sessions end some time after their last use, so the rule about
//! that bears that a use is noted a minute late, and once not at all. Must never make a request wait.

use super::from_store;
use crate::app::Context;
use crate::store::api_key::api_key_used;
use crate::store::session::session_used;
use numberotp_core::fault::Fault;
use numberotp_core::time::{Span, Time};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// How often what was gathered is written.
const EVERY: Span = Span::minutes(1);
/// Most credentials that are remembered between two writes.
const MOST: usize = 20_000;
/// Most rows of one transaction.
const AT_ONCE: usize = 200;

/// What was used.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Used {
    /// A key, by its row.
    Key(i64),
    /// A session, by its row.
    Session(i64),
}

/// Uses that are not written yet.
#[derive(Default)]
pub struct Uses(Mutex<BTreeMap<Used, Time>>);

impl Uses {
    /// Notes a use.
    pub fn note(&self, used: Used, now: Time) {
        let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if uses.len() < MOST || uses.contains_key(&used) {
            let last = uses.entry(used).or_insert(now);
            *last = now.max(*last);
        }
    }

    fn take(&self) -> Vec<(Used, Time)> {
        let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *uses).into_iter().collect()
    }
}

/// Writes what was gathered.
pub async fn write(context: &Context) -> Result<(), Fault> {
    // In the order of their rows, as everybody else locks them.
    let taken = context.uses.take();
    let mut left = taken.as_slice();
    while !left.is_empty() {
        let (portion, rest) = left.split_at_checked(AT_ONCE).unwrap_or((left, &[]));
        let rows = portion.to_vec();
        let written = context.store.write(move |tx| {
            rows.iter().try_for_each(|(used, at)| match used {
                Used::Key(id) => api_key_used(tx, *id, *at),
                Used::Session(id) => session_used(tx, *id, *at),
            })
        });
        if let Err(error) = written.await {
            // For the next time.
            left.iter().for_each(|(used, at)| context.uses.note(*used, *at));
            return Err(from_store(error));
        }
        left = rest;
    }
    Ok(())
}

/// Writes it every minute, and once more when the server stops.
pub async fn keep(context: Arc<Context>) {
    loop {
        let stopped = tokio::select! {
            () = tokio::time::sleep(EVERY.to_std()) => false,
            () = context.stopping.cancelled() => true,
        };
        if let Err(error) = write(&context).await {
            tracing::debug!(%error, "when credentials were used could not be noted");
        }
        if stopped {
            return;
        }
    }
}
