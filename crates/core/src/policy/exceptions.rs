//! Whose messages are let through although they look like what is kept from buyers.
//!
//! Guards the buyer who was allowed to rent for such a service: its own messages are what was paid for. Must
//! never excuse a message for any other purchase.

use super::category::Category;
use crate::activation::WithheldBecause;
use crate::vocabulary::ServiceCode;

/// Services that the operator excepted, by what their messages look like. Empty as shipped.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Exceptions {
    bank: Vec<ServiceCode>,
    government: Vec<ServiceCode>,
}

impl Exceptions {
    /// As shipped: nobody's.
    pub const NONE: Self = Self { bank: Vec::new(), government: Vec::new() };

    /// Of services that may be rented, those of a kind that sends such messages.
    pub(super) fn of<'a>(allowed: impl Iterator<Item = (&'a ServiceCode, Category)>) -> Self {
        let mut exceptions = Self::NONE;
        for (service, category) in allowed {
            match category {
                Category::Bank | Category::Payment | Category::Exchange => {
                    exceptions.bank.push(service.clone());
                }
                Category::Government | Category::Identity | Category::Health => {
                    exceptions.government.push(service.clone());
                }
                _ => {}
            }
        }
        exceptions.bank.sort();
        exceptions.government.sort();
        exceptions
    }

    /// Whether a message that the screen would keep back is what this service's buyer was allowed to rent for.
    pub fn expect(&self, service: &ServiceCode, found: WithheldBecause) -> bool {
        self.of_kind(found).binary_search(service).is_ok()
    }

    /// Whether anybody's messages of this kind are let through. If not, such a message need not wait for its
    /// purchase.
    pub fn any(&self, found: WithheldBecause) -> bool {
        !self.of_kind(found).is_empty()
    }

    fn of_kind(&self, found: WithheldBecause) -> &[ServiceCode] {
        match found {
            WithheldBecause::Bank => &self.bank,
            WithheldBecause::Government => &self.government,
        }
    }
}
