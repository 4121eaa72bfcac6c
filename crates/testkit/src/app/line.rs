//! The line between the app and its providers: a test cuts it, loses what is on it, and reads what went over it.
//! It outlives a restart, as a provider would.

use numberotp_providers::provider::Operation;
use numberotp_server::app::upstream::{Interference, Tap};
use std::sync::{Arc, Mutex, PoisonError};

/// What was asked of a provider: the operation's name and the reference.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sent {
    /// `allocate`, `find`, `release` or `resend`.
    pub verb: &'static str,
    /// Our name for the purchase.
    pub reference: String,
}

type Rule = Arc<dyn Fn(&Sent) -> Interference + Send + Sync>;

/// The line.
#[derive(Default)]
pub struct Line {
    rule: Mutex<Option<Rule>>,
    sent: Mutex<Vec<Sent>>,
}

impl Line {
    /// From now on, this becomes of every call.
    pub fn interfere(&self, rule: impl Fn(&Sent) -> Interference + Send + Sync + 'static) {
        *self.rule.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(rule));
    }
    /// From now on, this becomes of every call of one verb; the others pass.
    pub fn on(&self, verb: &'static str, interference: Interference) {
        self.interfere(move |sent| if sent.verb == verb { interference } else { Interference::Pass });
    }
    /// The line is whole again.
    pub fn mend(&self) {
        *self.rule.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Everything that was asked so far, arrived or not.
    pub fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
    /// How often a verb was asked.
    pub fn count(&self, verb: &str) -> usize {
        self.sent().iter().filter(|sent| sent.verb == verb).count()
    }

    pub(super) fn tap(self: &Arc<Self>) -> Tap {
        let line = Arc::clone(self);
        Arc::new(move |operation| {
            let sent = read(operation);
            let rule = line.rule.lock().unwrap_or_else(PoisonError::into_inner).clone();
            line.sent.lock().unwrap_or_else(PoisonError::into_inner).push(sent.clone());
            rule.map_or(Interference::Pass, |rule| rule(&sent))
        })
    }
}

fn read(operation: &Operation) -> Sent {
    let (verb, reference) = match operation {
        Operation::Allocate { reference, .. } => ("allocate", reference),
        Operation::Find { reference } => ("find", reference),
        Operation::Release { reference } => ("release", reference),
        Operation::Resend { reference } => ("resend", reference),
    };
    Sent { verb, reference: reference.clone() }
}
