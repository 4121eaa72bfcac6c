//! What can go wrong with the database, in the ways that callers treat differently.

use std::fmt;

/// A failure of the store. Business refusals are not failures: they are answers.
#[derive(Debug, Clone)]
pub enum StoreError {
    /// Another writer was in the way; the same work can be tried again.
    Busy(String),
    /// The database does not answer or cannot write (stopped, disk full).
    Unavailable(String),
    /// Our own queue is full; nothing was tried.
    Overloaded,
    /// A constraint refused: its name or the columns.
    Conflict(String),
    /// A row that no state explains.
    Corrupt {
        /// Table or statement.
        table: &'static str,
        /// Column.
        column: &'static str,
    },
    /// There are no tables at all.
    NoSchema,
    /// So many schema changes of this program are not made yet.
    OldSchema(usize),
    /// Anything else the driver says: a defect of ours.
    Driver(String),
}

impl StoreError {
    /// True if the same work may succeed when it is done again at once.
    pub fn retryable(&self) -> bool {
        matches!(self, Self::Busy(_))
    }
    /// One word for counting it; none for what a constraint refused, which is an answer.
    pub fn reason(&self) -> Option<&'static str> {
        match self {
            Self::Conflict(_) => None,
            Self::Busy(_) => Some("busy"),
            Self::Overloaded => Some("overloaded"),
            Self::Unavailable(_) => Some("unavailable"),
            Self::Corrupt { .. } | Self::NoSchema | Self::OldSchema(_) | Self::Driver(_) => Some("defect"),
        }
    }
    /// True if the connection must not be used any more.
    pub fn breaks_connection(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy(text) => write!(f, "database busy: {text}"),
            Self::Unavailable(text) => write!(f, "database unavailable: {text}"),
            Self::Overloaded => f.write_str("the write queue is full"),
            Self::Conflict(constraint) => write!(f, "constraint refused: {constraint}"),
            Self::Corrupt { table, column } => write!(f, "unexplained value in {table}.{column}"),
            Self::NoSchema => f.write_str("The database has no tables yet. Make them: numberotp migrate"),
            Self::OldSchema(missing) => write!(
                f,
                "The database is {missing} schema changes behind this program. Bring it up to date when no older server runs on it: numberotp migrate"
            ),
            Self::Driver(text) => write!(f, "database driver: {text}"),
        }
    }
}

impl std::error::Error for StoreError {}
