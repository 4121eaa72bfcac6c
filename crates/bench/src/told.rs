//! Turns every error into a sentence, with what was being done.
//! Guards: a benchmark that fails says where. Must never hide an error.

use crate::Told;
use std::fmt::Display;

/// Names what was being done.
pub trait About<T> {
    /// The error, after these words.
    ///
    /// # Errors
    /// The same, as a sentence.
    fn about(self, what: &str) -> Told<T>;
}

impl<T, E: Display> About<T> for Result<T, E> {
    fn about(self, what: &str) -> Told<T> {
        self.map_err(|error| format!("{what}: {error}"))
    }
}

impl<T> About<T> for Option<T> {
    fn about(self, what: &str) -> Told<T> {
        self.ok_or_else(|| format!("{what}: nothing there"))
    }
}
