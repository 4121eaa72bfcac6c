//! When credentials were used last: gathered in memory and written now and then, beside the requests.
//!
//! What a server had gathered when it died is not known. Sessions end some time after their last use, so the rule about
//! that bears that a use is noted a minute late, and once not at all. Must never make a request wait.

use super::from_store;
use crate::app::Context;
use crate::store::api_key::api_key_used;
use crate::store::session::session_used;
use crate::store::{StoreError, Tx};
use numberotp_core::fault::Fault;
use numberotp_core::time::{Span, Time};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// How often what was gathered is written.
const EVERY: Span = Span::minutes(1);
/// Most keys, and most sessions, that are remembered between two writes: a flood of the one loses none of the other.
const MOST: usize = 20_000;
/// Most rows of one transaction.
const AT_ONCE: usize = 200;

/// What was used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Used {
    /// A key, by its row.
    Key(i64),
    /// A session, by its row.
    Session(i64),
}

impl Used {
    /// Writes it.
    fn write(self, tx: &mut Tx<'_>, at: Time) -> Result<(), StoreError> {
        match self {
            Self::Key(id) => api_key_used(tx, id, at),
            Self::Session(id) => session_used(tx, id, at),
        }
    }
}

/// Uses that are not written yet.
#[derive(Default)]
pub struct Uses(Mutex<Gathered>);

/// By row.
#[derive(Default)]
struct Gathered {
    keys: BTreeMap<i64, Time>,
    sessions: BTreeMap<i64, Time>,
}

impl Uses {
    /// Notes a use.
    pub fn note(&self, used: Used, now: Time) {
        let mut gathered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (uses, id) = match used {
            Used::Key(id) => (&mut gathered.keys, id),
            Used::Session(id) => (&mut gathered.sessions, id),
        };
        if uses.len() < MOST || uses.contains_key(&id) {
            let last = uses.entry(id).or_insert(now);
            *last = now.max(*last);
        }
    }

    /// Sessions first: those end without their uses. Each kind in the order of its rows, as everybody locks them.
    fn take(&self) -> Vec<(Used, Time)> {
        let mut gathered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Gathered { keys, sessions } = std::mem::take(&mut *gathered);
        let sessions = sessions.into_iter().map(|(id, at)| (Used::Session(id), at));
        sessions.chain(keys.into_iter().map(|(id, at)| (Used::Key(id), at))).collect()
    }
}

/// Writes what was gathered.
pub async fn write(context: &Context) -> Result<(), Fault> {
    let taken = context.uses.take();
    let mut left = taken.as_slice();
    while !left.is_empty() {
        let (portion, rest) = left.split_at_checked(AT_ONCE).unwrap_or((left, &[]));
        let rows = portion.to_vec();
        let written =
            context.store.write(move |tx| rows.iter().try_for_each(|(used, at)| used.write(tx, *at)));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_keys_loses_no_use_of_a_session_and_the_other_way_round() {
        let uses = Uses::default();
        let (then, later) = (Time::from_micros(1), Time::from_micros(2));
        let most = i64::try_from(MOST).unwrap();
        for id in 0..=most {
            uses.note(Used::Key(id), then);
        }
        uses.note(Used::Session(7), then);
        uses.note(Used::Session(3), then);
        uses.note(Used::Session(7), later);
        uses.note(Used::Session(7), then);
        let taken = uses.take();
        assert_eq!(taken[..2], [(Used::Session(3), then), (Used::Session(7), later)]);
        assert_eq!(taken.len(), MOST + 2);
        assert!(uses.take().is_empty());
        for id in 0..=most {
            uses.note(Used::Session(id), then);
        }
        uses.note(Used::Key(1), then);
        assert!(uses.take().contains(&(Used::Key(1), then)));
    }
}
