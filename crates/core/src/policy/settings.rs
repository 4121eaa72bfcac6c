//! What an operator may say about the policy: more to refuse, and exceptions with a reason.
//!
//! Guards the rule that an exception names its reason and that nothing is denied and allowed at once. Must
//! never let the collective codes through outside the sandbox.

use super::category::Category;
use crate::vocabulary::ServiceCode;
use std::error::Error;
use std::fmt;

/// Codes that stand for no service in particular: "any other service", and a number for every service.
pub(super) const COLLECTIVE: [&str; 2] = ["ot", "full"];

/// Whether the code stands for no service in particular.
pub(super) fn is_collective(service: &ServiceCode) -> bool {
    COLLECTIVE.contains(&service.as_str())
}

/// Where the server runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// Invented numbers and messages: nobody can be harmed.
    Sandbox,
    /// Real numbers.
    Production,
}

impl Place {
    /// The word for people and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Production => "production",
        }
    }
}

/// What a line of the configuration speaks of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Target {
    /// One service.
    Service(ServiceCode),
    /// All services of a category.
    Category(Category),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(code) => write!(f, "service {code}"),
            Self::Category(category) => write!(f, "category {category}"),
        }
    }
}

/// An exception from what is denied.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Narrowing {
    /// What is allowed in spite of the list.
    pub what: Target,
    /// Why, in the operator's words; never empty. It goes into the log.
    pub reason: String,
}

/// The operator's part of the policy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PolicySettings {
    /// Services refused besides the shipped list.
    pub deny_services: Vec<ServiceCode>,
    /// Categories refused besides the shipped list.
    pub deny_categories: Vec<Category>,
    /// Exceptions.
    pub allow: Vec<Narrowing>,
    /// Where the server runs.
    pub place: Place,
}

impl PolicySettings {
    /// The policy as it ships: nothing added, nothing excepted.
    pub const fn shipped(place: Place) -> Self {
        Self { deny_services: Vec::new(), deny_categories: Vec::new(), allow: Vec::new(), place }
    }

    /// Checks the exceptions.
    ///
    /// # Errors
    /// See [`PolicyError`].
    pub(super) fn check(&self) -> Result<(), PolicyError> {
        for (at, narrowing) in self.allow.iter().enumerate() {
            let what = &narrowing.what;
            if narrowing.reason.trim().is_empty() {
                return Err(PolicyError::NoReason(what.clone()));
            }
            if matches!(what, Target::Service(code) if is_collective(code)) {
                return Err(PolicyError::NeverAllowed(what.clone()));
            }
            let denied = match what {
                Target::Service(code) => self.deny_services.contains(code),
                Target::Category(category) => self.deny_categories.contains(category),
            };
            if denied {
                return Err(PolicyError::DeniedAndAllowed(what.clone()));
            }
            if self.allow.iter().skip(at).skip(1).any(|other| other.what == *what) {
                return Err(PolicyError::AllowedTwice(what.clone()));
            }
        }
        Ok(())
    }
}

/// Why there is no policy. The server must not start without one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PolicyError {
    /// The shipped table of categories is malformed: a fault of the build.
    Table {
        /// Counted from 1, the header included.
        line: usize,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// An exception without a reason.
    NoReason(Target),
    /// An exception for a code that stands for no service in particular.
    NeverAllowed(Target),
    /// The same thing is denied and allowed.
    DeniedAndAllowed(Target),
    /// Two exceptions for the same thing: which reason holds?
    AllowedTwice(Target),
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table { line, fault } => write!(f, "table categories, line {line}: {fault}"),
            Self::NoReason(what) => {
                write!(f, "policy.allow: {what} has no reason; say why it may be rented")
            }
            Self::NeverAllowed(what) => write!(
                f,
                "policy.allow: {what} stands for no service in particular and cannot be allowed outside the sandbox"
            ),
            Self::DeniedAndAllowed(what) => {
                write!(f, "policy: {what} is both denied and allowed; remove one of the two")
            }
            Self::AllowedTwice(what) => write!(f, "policy.allow: {what} comes twice"),
        }
    }
}

impl Error for PolicyError {}
