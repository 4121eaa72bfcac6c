//! A provider that answers at once and never runs out: for measuring everything but a provider.
//!
//! Guards: its numbers are of a space of their own, under +999, which no country has and no telephone reaches. It is
//! a tap, which only a test or a benchmark can hand to the start; the program `serve` has no way to it.

use numberotp_providers::provider::{HttpReply, Operation};
use numberotp_server::app::upstream::{Interference, Tap};
use std::sync::Arc;

/// Its short name.
pub const CODE: &str = "instant";

/// The line on which it answers.
pub fn tap() -> Tap {
    Arc::new(|_operation| Interference::Answer(answer))
}

/// The number that a reference gets.
pub fn number(reference: &str) -> String {
    format!("+999{reference:0>12}")
}

/// The provider's own name for a reference, of the form that own numbers' gateways are given.
pub fn provider_ref(reference: &str) -> String {
    format!("own-{reference}")
}

/// What it calls the purchase that got this number; `None`: it is none of its numbers.
pub fn provider_ref_of(number: &str) -> Option<String> {
    let digits = number.strip_prefix("+999")?.trim_start_matches('0');
    (!digits.is_empty()).then(|| provider_ref(digits))
}

fn answer(operation: &Operation) -> HttpReply {
    match operation {
        Operation::Allocate { reference, .. } | Operation::Find { reference } => {
            let (name, number) = (provider_ref(reference), number(reference));
            HttpReply { status: 200, body: format!(r#"{{"ref":"{name}","number":"{number}"}}"#).into_bytes() }
        }
        Operation::Release { .. } | Operation::Resend { .. } => HttpReply { status: 200, body: Vec::new() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use numberotp_core::text::PhoneNumber;
    use numberotp_providers::gateway;
    use numberotp_providers::provider::Outcome;

    #[test]
    fn every_reference_has_a_number_that_is_nobodys_and_leads_back_to_it() {
        for reference in ["1", "70", "2147483647"] {
            let operation = Operation::Find { reference: reference.to_owned() };
            let outcome = gateway::reply(&operation, &answer(&operation)).unwrap();
            let Outcome::Number { number, provider_ref: name } = outcome else { panic!("{outcome:?}") };
            assert_eq!(number, PhoneNumber::parse(&super::number(reference)).unwrap());
            assert_eq!(provider_ref_of(number.expose()), Some(name));
        }
        assert_eq!(provider_ref_of("+12025550100"), None);
    }
}
