//! Reads the tables that ship inside the program: tab separated, one header line, one row per line.
//!
//! Guards the rule that a table is right as a whole or not used at all: a row that does not parse, or a key
//! that comes twice, is an error with its line, never a row that is skipped.

use std::error::Error;
use std::fmt;

/// What is wrong with a table. Lines count from 1, the header included.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum VocabularyError {
    /// A row, or the header, does not say what it should.
    Row {
        /// `services` or `countries`.
        table: &'static str,
        /// Where.
        line: usize,
        /// Which column is wrong, or that their number is.
        fault: &'static str,
    },
    /// A key that must be unique stands in two rows; the line is the second one's.
    Repeated {
        /// `services` or `countries`.
        table: &'static str,
        /// Where.
        line: usize,
        /// The key.
        key: Box<str>,
    },
}

impl fmt::Display for VocabularyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Row { table, line, fault } => write!(f, "table {table}, line {line}: {fault}"),
            Self::Repeated { table, line, key } => write!(f, "table {table}, line {line}: {key} comes twice"),
        }
    }
}

impl Error for VocabularyError {}

/// A table's name and header: what it must begin with.
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) header: &'static str,
}

impl Table {
    /// Reads every row with `row`, which answers what is wrong where it cannot. Values come with their line.
    pub(super) fn read<T>(
        &self,
        text: &str,
        row: impl Fn(&[&str]) -> Result<T, &'static str>,
    ) -> Result<Vec<(usize, T)>, VocabularyError> {
        let mut lines = (1..).zip(text.lines());
        if lines.next().is_none_or(|(_, header)| header != self.header) {
            return Err(self.fault(1, "header"));
        }
        lines
            .map(|(line, text)| {
                let columns: Vec<&str> = text.split('\t').collect();
                row(&columns).map(|value| (line, value)).map_err(|fault| self.fault(line, fault))
            })
            .collect()
    }

    /// The error for a row.
    pub(super) fn fault(&self, line: usize, fault: &'static str) -> VocabularyError {
        VocabularyError::Row { table: self.name, line, fault }
    }

    /// The error for a key that comes twice.
    pub(super) fn repeated(&self, line: usize, key: &str) -> VocabularyError {
        VocabularyError::Repeated { table: self.name, line, key: key.into() }
    }
}
