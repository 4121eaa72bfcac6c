//! What is not rented, and which messages are kept from their buyers.
//!
//! Guards people outside: a rented number must not open a bank account, a credit, a state's identity or a
//! doctor's file. Decides by the service before a purchase and by the message after it. Must never allow
//! because it does not understand its own configuration: a wrong one is an error, and the server stays down.

mod category;
mod controls;
mod exceptions;
mod screen;
mod settings;
mod summary;
#[cfg(test)]
mod tests;

pub use category::{Categories, Category};
pub use controls::{Controls, Off, RateLimits, SERVICE_AGAIN_AFTER};
pub use exceptions::Exceptions;
pub use screen::Screen;
pub use settings::{Narrowing, Place, PolicyError, PolicySettings, Target};
pub use summary::Summary;

use crate::vocabulary::{ServiceCode, Vocabulary};

/// Whether a number may be rented for a service.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decision {
    /// Yes.
    Allowed,
    /// No.
    Denied(DeniedBecause),
}

/// Why a service is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeniedBecause {
    /// The code stands for no service in particular, so it would walk round the list.
    Collective,
    /// The operator refuses this service.
    Service,
    /// The product or the operator refuses its category.
    Category(Category),
}

impl DeniedBecause {
    /// The word for logs: `collective`, `service`, or the category's.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Collective => "collective",
            Self::Service => "service",
            Self::Category(category) => category.as_str(),
        }
    }
}

/// The rules in force. Built once at the start; a change of the configuration needs a new one.
#[derive(Clone, Debug)]
pub struct Policy {
    categories: Categories,
    settings: PolicySettings,
}

impl Policy {
    /// Grows whenever the shipped list, the table of categories or the screening changes what they decide.
    pub const VERSION: i64 = 1;

    /// Puts the shipped list and the operator's part together.
    ///
    /// # Errors
    /// When an exception has no reason, contradicts another line, or is for `ot` or `full`.
    pub fn new(categories: Categories, settings: PolicySettings) -> Result<Self, PolicyError> {
        settings.check()?;
        Ok(Self { categories, settings })
    }

    /// Whether a number may be rented for a service. An operator's line about the service goes before any line
    /// about its category; in the sandbox only `ot` and `full` are decided otherwise than in production.
    pub fn decide(&self, service: &ServiceCode) -> Decision {
        let category = self.categories.of(service);
        if settings::is_collective(service) && self.settings.place == Place::Production {
            Decision::Denied(DeniedBecause::Collective)
        } else if self.settings.deny_services.contains(service) {
            Decision::Denied(DeniedBecause::Service)
        } else if self.denies(category) && self.narrowing(service).is_none() {
            Decision::Denied(DeniedBecause::Category(category))
        } else {
            Decision::Allowed
        }
    }

    /// The services whose own messages are let through though they look like what is kept back: of a kind that
    /// sends such messages, and excepted by the operator.
    pub fn exceptions(&self, vocabulary: &Vocabulary) -> Exceptions {
        let all = self.categories.services().map(|code| (code, self.categories.of(code)));
        let may_be_rented = |code: &ServiceCode| self.decide(code) == Decision::Allowed;
        Exceptions::of(all, may_be_rented, |code| vocabulary.twins(code))
    }

    /// The category of a service; `Other` for one that the table does not know.
    pub fn category(&self, service: &ServiceCode) -> Category {
        self.categories.of(service)
    }

    /// The operator's exceptions, each with its reason. The server logs them at every start.
    pub fn narrowings(&self) -> &[Narrowing] {
        &self.settings.allow
    }

    /// What is on, for people.
    pub fn summary(&self) -> Summary<'_> {
        Summary::of(&self.categories, &self.settings)
    }

    fn denies(&self, category: Category) -> bool {
        category.is_denied_as_shipped() || self.settings.deny_categories.contains(&category)
    }

    fn narrowing(&self, service: &ServiceCode) -> Option<&Narrowing> {
        let category = self.categories.of(service);
        self.settings.allow.iter().find(|narrowing| match &narrowing.what {
            Target::Service(code) => code == service,
            Target::Category(one) => *one == category,
        })
    }
}
