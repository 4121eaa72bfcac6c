//! Where a command's words go: JSON or lines to standard output, remarks to the error stream.

use serde_json::Value;
use std::io::Write;

/// How a command prints.
#[derive(Clone, Copy)]
pub(super) struct Output {
    json: bool,
}

impl Output {
    pub(super) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Prints an answer: as JSON, or as lines for people.
    pub(super) fn answer(self, value: &Value, lines: impl FnOnce() -> String) {
        Self::print(&if self.json { value.to_string() } else { lines() });
    }

    /// A line on standard output. A reader that left does not matter.
    pub(super) fn print(text: &str) {
        let _reader_left = writeln!(std::io::stdout().lock(), "{text}");
    }

    /// A line on the error stream.
    pub(super) fn say(text: &str) {
        let _reader_left = writeln!(std::io::stderr().lock(), "{text}");
    }
}
