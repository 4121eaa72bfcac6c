//! The policy in force, for people: what `doctor --policy` prints.
//!
//! Guards the rule that an operator can see every exception with its reason, and every line of the
//! configuration that does nothing. Must never leave out an exception.

use super::Policy;
use super::category::{Categories, Category};
use super::settings::{Narrowing, Place, PolicySettings, Target};
use crate::vocabulary::ServiceCode;
use std::fmt;

/// What is on. Its `Display` is a few lines of plain text.
#[derive(Clone, Debug)]
pub struct Summary<'a> {
    /// [`Policy::VERSION`].
    pub version: i64,
    /// Where the server runs; decides about `ot` and `full`.
    pub place: Place,
    /// Denied categories, shipped ones first, and how many services each has in the table.
    pub categories: Vec<(Category, usize)>,
    /// Services that the operator denies.
    pub services: &'a [ServiceCode],
    /// Exceptions.
    pub narrowings: &'a [Narrowing],
    /// Exceptions that change nothing, because nothing denies what they name.
    pub idle: Vec<&'a Narrowing>,
}

impl<'a> Summary<'a> {
    pub(super) fn of(table: &Categories, settings: &'a PolicySettings) -> Self {
        let denied = |category: &Category| {
            category.is_denied_as_shipped() || settings.deny_categories.contains(category)
        };
        let mut categories: Vec<_> =
            Category::ALL.into_iter().filter(denied).map(|one| (one, table.count(one))).collect();
        categories.sort_by_key(|(category, _)| !category.is_denied_as_shipped());
        let idle = |narrowing: &&Narrowing| match &narrowing.what {
            Target::Service(code) => !denied(&table.of(code)),
            Target::Category(category) => !denied(category),
        };
        Self {
            version: Policy::VERSION,
            place: settings.place,
            categories,
            services: &settings.deny_services,
            narrowings: &settings.allow,
            idle: settings.allow.iter().filter(idle).collect(),
        }
    }
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "policy version {}, {}", self.version, self.place.as_str())?;
        for (category, count) in &self.categories {
            let whose = if category.is_denied_as_shipped() { "shipped" } else { "configured" };
            writeln!(f, "denied: category {category} ({count} services, {whose})")?;
        }
        for service in self.services {
            writeln!(f, "denied: service {service} (configured)")?;
        }
        match self.place {
            Place::Production => writeln!(f, "denied: services ot and full (always)")?,
            Place::Sandbox => writeln!(f, "services ot and full: allowed in the sandbox only")?,
        }
        for narrowing in self.narrowings {
            writeln!(f, "allowed: {}, because: {}", narrowing.what, narrowing.reason)?;
        }
        for narrowing in &self.idle {
            writeln!(f, "note: nothing denies {}; its line under policy.allow does nothing", narrowing.what)?;
        }
        Ok(())
    }
}
