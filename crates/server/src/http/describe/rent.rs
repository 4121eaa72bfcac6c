//! What the document says of `/api/internal/rent…`.

use super::{filled, object, optional};
use crate::http::document::{Operation, Tag};
use crate::http::shapes::rent::{Ended, Heard, Purchased, Rent};
use crate::http::shapes::{Answer, Listed};
use numberotp_core::activation::Status;
use numberotp_core::caller::Scope;
use numberotp_core::fault::FaultCode;
use serde_json::{Value, json};

fn says(schema: Value, words: &str) -> Value {
    with(schema, "description", json!(words))
}

fn with(mut schema: Value, key: &str, value: Value) -> Value {
    if let Value::Object(fields) = &mut schema {
        fields.insert(key.to_owned(), value);
    }
    schema
}

pub(in crate::http) fn buy() -> Operation {
    let number = json!({ "type": "integer", "minimum": 0 });
    let price =
        json!({ "anyOf": [{ "type": "number", "exclusiveMinimum": 0 }, filled(), { "type": "null" }] });
    let pools = json!({ "enum": ["1", "2", "3", "auto", 1, 2, 3, null] });
    let body = object(
        &["service", "country"],
        &json!({
            "service": says(filled(), "A service, by slug, code or name."),
            "country": says(json!({ "anyOf": [filled(), number] }), "A country, by ISO code, id or name."),
            "operator": says(optional(&json!({ "type": "string" })), "Only a number of this operator."),
            "maxPrice": says(price, "The most it may cost, in USD, up to six decimals; a number or text."),
            "pool": says(pools, "Only from this group of offers."),
        }),
    );
    let body = with(body, "example", json!({ "service": "telegram", "country": "US" }));
    Operation::answers::<Purchased<'_>>("rentNumber", Tag::Rents, "Rent a number", "The rented number.")
        .says(
            "The price is set aside, and spent with the first message; without one it goes back when the window ends: \
             after 20 minutes, unless the operator set another time. On `PURCHASE_UNCONFIRMED` the rent has an `id` and is settled within a minute.",
        )
        .needs(Scope::Buy)
        .header("IdempotencyKey")
        .body(body)
        .tells("Idempotent-Replayed")
        .fails([
            FaultCode::InsufficientBalance,
            FaultCode::KeySpendCap,
            FaultCode::AccountNotApproved,
            FaultCode::AccountOnHold,
            FaultCode::ServiceDenied,
            FaultCode::UnknownService,
            FaultCode::UnknownCountry,
            FaultCode::NoNumbersAvailable,
            FaultCode::PriceAboveMax,
            FaultCode::IdempotencyKeyReused,
            FaultCode::IdempotencyInProgress,
            FaultCode::ProviderError,
            FaultCode::PurchaseUnconfirmed,
        ])
}

pub(in crate::http) fn list() -> Operation {
    let words: Vec<&str> = Status::PUBLIC.map(Status::as_str).into_iter().collect();
    let schema = json!({ "type": "string", "enum": words });
    let (id, good) = ("listRents", "A page of rents.");
    Operation::answers::<Listed<Rent<'_>>>(id, Tag::Rents, "Rents of the account, newest first", good)
        .around::<Rent<'_>>()
        .needs(Scope::Read)
        .query("status", "Only those that stand there.", &schema)
        .paged()
}

pub(in crate::http) fn get() -> Operation {
    Operation::answers::<Answer<Rent<'_>>>("getRent", Tag::Rents, "A rent with its messages", "The rent.")
        .around::<Rent<'_>>()
        .needs(Scope::Read)
        .fails([FaultCode::NotFound])
}

pub(in crate::http) fn wait() -> Operation {
    let (id, good) = ("waitForCode", "The code, as soon as there is one.");
    Operation::answers::<Answer<Heard<'_>>>(id, Tag::Rents, "Wait for the code", good)
        .around::<Heard<'_>>()
        .says("Answers within 55 seconds: with the code, or with 408, after which one asks again.")
        .needs(Scope::Read)
        .fails([FaultCode::NotFound, FaultCode::Timeout, FaultCode::RentClosed])
}

fn end(id: &'static str, summary: &'static str, good: &'static str) -> Operation {
    Operation::answers::<Ended<'_>>(id, Tag::Rents, summary, good)
        .needs(Scope::Buy)
        .fails([FaultCode::NotFound, FaultCode::InvalidState])
}

pub(in crate::http) fn cancel() -> Operation {
    end("cancelRent", "Give a number back", "The rent, canceled.")
        .says("Before the first message; the whole price goes back. Safe to repeat.")
}

pub(in crate::http) fn delete() -> Operation {
    end("deleteRent", "Give a number back", "The rent, canceled.").says("The same as `…/cancel`.")
}

pub(in crate::http) fn finish() -> Operation {
    end("finishRent", "Be done with a number", "The rent, finished.").says("After a message. Safe to repeat.")
}

pub(in crate::http) fn resend() -> Operation {
    let (id, good) = ("askForAnother", "The rent; another message was asked for.");
    Operation::answers::<Answer<Rent<'_>>>(id, Tag::Rents, "Ask for another message", good)
        .around::<Rent<'_>>()
        .says("After the first one, and where the provider can.")
        .needs(Scope::Buy)
        .fails([
            FaultCode::NotFound,
            FaultCode::InvalidState,
            FaultCode::ResendNotSupported,
            FaultCode::ProviderError,
        ])
}
