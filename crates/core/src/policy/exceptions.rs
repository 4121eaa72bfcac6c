//! Whose messages are let through although they look like what is kept from buyers.
//!
//! Guards the buyer who was allowed to rent for such a service: its own messages, which say whose they are, are
//! what was paid for. Must never excuse a message that names somebody else, or nobody, or is for any other purchase.

use super::category::Category;
use crate::activation::WithheldBecause;
use crate::vocabulary::ServiceCode;
use std::collections::{BTreeMap, BTreeSet};

/// Services that the operator excepted, by what their messages look like. Empty as shipped.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Exceptions {
    /// Each with the codes under which a message may name it, its own among them.
    excepted: BTreeMap<ServiceCode, (WithheldBecause, Vec<ServiceCode>)>,
    /// All services whose messages are kept back, excepted or not.
    kept: BTreeSet<ServiceCode>,
}

impl Exceptions {
    /// As shipped: nobody's.
    pub const NONE: Self = Self { excepted: BTreeMap::new(), kept: BTreeSet::new() };

    /// Of services that may be rented, those of a kind that sends such messages. `all` are the services with their
    /// categories; `may_be_rented` and `twins` say of a service whether it is one, and which codes mean it.
    pub(super) fn of<'a>(
        all: impl Iterator<Item = (&'a ServiceCode, Category)>,
        may_be_rented: impl Fn(&ServiceCode) -> bool,
        twins: impl Fn(&ServiceCode) -> Vec<ServiceCode>,
    ) -> Self {
        let mut exceptions = Self::NONE;
        for (service, category) in all {
            let Some(because) = category.withheld_because() else { continue };
            exceptions.kept.insert(service.clone());
            if may_be_rented(service) {
                exceptions.excepted.insert(service.clone(), (because, twins(service)));
            }
        }
        exceptions
    }

    /// Whether a message that the screen would keep back is what this service's buyer was allowed to rent for:
    /// it names this service (`named` are those that sender and text name), and no other whose messages are kept
    /// back. A bank's code for a payment to the service is the bank's.
    pub fn expect(&self, service: &ServiceCode, found: WithheldBecause, named: &[ServiceCode]) -> bool {
        let Some((because, own)) = self.excepted.get(service) else { return false };
        let others = named.iter().any(|code| !own.contains(code) && self.kept.contains(code));
        *because == found && !others && named.iter().any(|code| own.contains(code))
    }

    /// Whether such a message would be let through to anybody. If not, it need not wait for its purchase.
    pub fn any(&self, found: WithheldBecause, named: &[ServiceCode]) -> bool {
        self.excepted.keys().any(|service| self.expect(service, found, named))
    }
}
