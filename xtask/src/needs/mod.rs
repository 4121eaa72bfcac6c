//! What the tests need from the machine beside Rust: found, installed or started here, and told to them by variables.
//! A new need is a function that answers [`Provided`] and one line in [`gather`].
//! Guards: what is absent is named, never silently left out; what was started ends when [`Needs`] is dropped.

mod cached;
mod clients;
pub mod cluster;
pub mod postgres;

use crate::session::{Failure, Session};

/// The variable under which tests find a PostgreSQL server: the URL of a superuser. Each test makes its own database.
const POSTGRES_VARIABLE: &str = "NUMBEROTP_TEST_POSTGRES";

/// What became of one need.
pub enum Provided {
    /// It is there.
    Ready(Ready),
    /// It cannot be had. The sentence names what is skipped and why.
    Missing(String),
}

/// A need that is met.
pub struct Ready {
    /// One line for the person at the terminal.
    pub told: String,
    /// What the tests see in their environment.
    pub variables: Vec<(&'static str, String)>,
    /// Held for as long as the tests run.
    _server: Option<cluster::Cluster>,
}

/// Everything the tests need, as far as it could be had.
pub struct Needs {
    provided: Vec<Provided>,
}

/// Provides every need.
///
/// # Errors
/// [`Failure::Interrupted`], or [`Failure::Told`] when something that should work did not.
pub fn gather(session: &Session) -> Result<Needs, Failure> {
    // What may take a download comes before the server, which would only stand and wait.
    let (python, node) = (clients::python(session)?, clients::node(session)?);
    let (curl, chromium) = (clients::curl(), clients::chromium());
    Ok(Needs { provided: vec![postgres::provide(session)?, curl, python, node, chromium] })
}

impl Needs {
    /// What the tests must see in their environment.
    pub fn variables(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.ready().flat_map(|ready| ready.variables.iter().map(|(name, value)| (*name, value.as_str())))
    }

    /// A line for each need that is met.
    pub fn told(&self) -> impl Iterator<Item = &str> {
        self.ready().map(|ready| ready.told.as_str())
    }

    /// A line for each need that is not.
    pub fn missing(&self) -> impl Iterator<Item = &str> {
        self.provided.iter().filter_map(|provided| match provided {
            Provided::Missing(told) => Some(told.as_str()),
            Provided::Ready(_) => None,
        })
    }

    fn ready(&self) -> impl Iterator<Item = &Ready> {
        self.provided.iter().filter_map(|provided| match provided {
            Provided::Ready(ready) => Some(ready),
            Provided::Missing(_) => None,
        })
    }
}
