//! A line to a PostgreSQL server as it is used: with the statements that are kept ready on it, and the word that begins a
//! transaction put before whatever is sent next.
//!
//! Guards that nothing is run outside a transaction that was to begin with it.

use super::postgres_socket::{connect, left};
use super::postgres_wire::{Answer, FailedAt, InTransaction, Part, Prepared, Wire};
use crate::store::StoreError;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_postgres::Config;
use tokio_postgres::config::TargetSessionAttrs;
use tokio_postgres::types::ToSql;

/// Longest time for making a connection, until it can be used.
const CONNECT_WITHIN: Duration = Duration::from_secs(3);
/// Most statements kept prepared a connection: writes are prepared by which of them come together.
const PREPARED_MOST: usize = 512;

/// A line that is open.
pub(super) struct Line {
    wire: Wire,
    prepared: HashMap<Cow<'static, str>, Arc<Prepared>>,
    /// Statements that were prepared so far.
    made: usize,
    /// A transaction is to begin, and nothing was said of it yet.
    begins: bool,
    answer_within: Duration,
}

impl Line {
    /// Makes one, and sets it up with these statements.
    pub(super) fn open(config: &Config, setup: &str, answer_within: Duration) -> Result<Self, StoreError> {
        let wire = connect(config, CONNECT_WITHIN, |socket, until| {
            let mut wire = Wire::new(socket);
            suits(&mut wire, config.get_target_session_attrs(), until)?;
            wire.script(setup, left(until))?;
            Ok(wire)
        })?;
        Ok(Self { wire, prepared: HashMap::new(), made: 0, begins: false, answer_within })
    }

    /// Whether the server is still there, as far as is known without asking it.
    pub(super) fn is_open(&mut self) -> bool {
        self.wire.is_open()
    }

    /// Begins a transaction together with what is sent next.
    pub(super) const fn begin_with_next(&mut self) {
        self.begins = true;
    }

    /// Undoes what stands in the open transaction.
    pub(super) fn roll_back(&mut self) -> Result<(), FailedAt> {
        self.begins = false;
        if self.wire.in_transaction() == InTransaction::No { Ok(()) } else { self.say("ROLLBACK") }
    }

    /// Forgets the statements that are kept ready, when they are too many. To be called before one is asked for: what is about
    /// to be sent together must all be there.
    pub(super) fn make_room(&mut self) -> Result<(), FailedAt> {
        if self.prepared.len() >= PREPARED_MOST && self.wire.in_transaction() != InTransaction::Failed {
            self.say("DEALLOCATE ALL")?;
            self.prepared.clear();
        }
        Ok(())
    }

    /// Runs statements without parameters.
    pub(super) fn script(&mut self, text: &str) -> Result<(), FailedAt> {
        if self.begins {
            self.say("BEGIN")?;
            self.begins = false;
        }
        self.say(text)
    }

    fn say(&mut self, text: &str) -> Result<(), FailedAt> {
        Ok(self.wire.script(text, self.answer_within)?)
    }

    /// A statement, kept ready under this key.
    pub(super) fn prepare(
        &mut self,
        key: Cow<'static, str>,
        text: impl FnOnce() -> String,
    ) -> Result<Arc<Prepared>, FailedAt> {
        if let Some(prepared) = self.prepared.get(&key) {
            return Ok(Arc::clone(prepared));
        }
        self.made = self.made.wrapping_add(1);
        let prepared = self.wire.prepare(format!("s{}", self.made), &text(), self.answer_within);
        self.keep(key, prepared)
    }

    /// A transaction's word, which is its own name.
    pub(super) fn word(&mut self, word: &'static str) -> Result<Arc<Prepared>, FailedAt> {
        if let Some(prepared) = self.prepared.get(word) {
            return Ok(Arc::clone(prepared));
        }
        let prepared = self.wire.prepare(word.to_owned(), word, self.answer_within);
        self.keep(word.into(), prepared)
    }

    fn keep(
        &mut self,
        key: Cow<'static, str>,
        prepared: Result<Prepared, StoreError>,
    ) -> Result<Arc<Prepared>, FailedAt> {
        let prepared = Arc::new(prepared?);
        self.prepared.insert(key, Arc::clone(&prepared));
        Ok(prepared)
    }

    /// Runs what is sent together, after the transaction's beginning if that was not said yet.
    pub(super) fn fly(
        &mut self,
        mut parts: Vec<Part<'_>>,
        apart: Option<usize>,
        answered: &mut dyn FnMut(usize),
    ) -> Result<Vec<Answer>, FailedAt> {
        let begins = usize::from(self.begins);
        if self.begins {
            parts.insert(0, Part { statement: self.word("BEGIN")?, parameters: Vec::new() });
        }
        let apart = apart.map(|place| place.saturating_add(begins));
        let mut after = |parts: usize| answered(parts.saturating_sub(begins));
        let flown = self.wire.pack(&parts, apart).and_then(|()| {
            self.begins = false;
            self.wire.fly(&parts, self.answer_within, &mut after)
        });
        let own = |failed: FailedAt| FailedAt { place: failed.place.saturating_sub(begins), ..failed };
        Ok(flown.map_err(own)?.split_off(begins))
    }

    /// Runs a single statement.
    pub(super) fn one(
        &mut self,
        statement: Arc<Prepared>,
        parameters: Vec<&(dyn ToSql + Sync)>,
    ) -> Result<Answer, FailedAt> {
        Ok(self.fly(vec![Part { statement, parameters }], None, &mut |_| {})?.pop().unwrap_or_default())
    }
}

/// Whether a server is what the URL wants: of several hosts only one may take writes.
fn suits(wire: &mut Wire, wanted: TargetSessionAttrs, until: Instant) -> Result<(), StoreError> {
    let other = match wanted {
        TargetSessionAttrs::ReadWrite => "on",
        TargetSessionAttrs::ReadOnly => "off",
        _ => return Ok(()),
    };
    let asked = wire.prepare("wanted".to_owned(), "SHOW transaction_read_only", left(until))?;
    let parts = [Part { statement: Arc::new(asked), parameters: Vec::new() }];
    let shown = wire.pack(&parts, None).and_then(|()| wire.fly(&parts, left(until), &mut |_| {}));
    let shown = shown.map_err(|failed| failed.error)?;
    let is_other = shown.iter().flat_map(|answer| &answer.rows).flatten().any(|shown| *shown == other.into());
    if is_other {
        return Err(StoreError::Unavailable("the server is not of the kind that the URL wants".to_owned()));
    }
    Ok(())
}
