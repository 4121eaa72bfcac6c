//! What the document says of what the people who run the service may do.

use super::{filled, object, optional};
use crate::http::document::{Operation, Tag, text};
use crate::http::shapes::admin::{Adjusted, Done, Line, Looked, SignIn, SignedOut};
use crate::http::shapes::{Answer, Every, Listed};
use numberotp_core::caller::Standing;
use numberotp_core::fault::FaultCode;
use serde_json::{Value, json};
use utoipa::ToSchema;

fn route<T: ToSchema>(id: &'static str, summary: &'static str, good: &'static str) -> Operation {
    Operation::answers::<T>(id, Tag::Admin, summary, good).needs_admin()
}

pub(in crate::http) fn find() -> Operation {
    route::<Listed<Line>>("findAccounts", "Find accounts", "A page of accounts, the newest first.")
        .around::<Line>()
        .query("query", "An id, or how an e-mail or a name begins; without it, all accounts.", &text())
        .paged()
}

pub(in crate::http) fn look() -> Operation {
    route::<Answer<Looked>>("lookAtAccount", "Look at an account", "The account.")
        .around::<Looked>()
        .around::<Line>()
        .around::<SignIn>()
        .fails([FaultCode::NotFound])
}

pub(in crate::http) fn standing() -> Operation {
    let words = Standing::ALL.map(Standing::as_str);
    let standing = json!({ "type": "string", "enum": words });
    route::<Answer<Line>>("setStanding", "Approve, limit, suspend or close an account", "As it is now.")
        .around::<Line>()
        .says(
            "Suspending ends every sign-in and seals the messages that come from then on; closing revokes every key too, \
             and is for good. An account that stands there already is left as it is.",
        )
        .fails([FaultCode::NotFound, FaultCode::InvalidState])
        .body(object(&["standing", "reason"], &json!({ "standing": standing, "reason": reason() })))
}

pub(in crate::http) fn adjust() -> Operation {
    let credits =
        json!({ "type": "integer", "format": "int64", "description": "Added, or below zero taken away." });
    let balance = json!({ "type": ["string", "number"], "description": "USD, such as `-0.05`." });
    let reference = json!({ "type": "string", "maxLength": 100, "pattern": r"\S", "description": "Under this name it is done once." });
    let fields = json!({
        "credits": optional(&credits),
        "balance": optional(&balance),
        "reason": reason(),
        "reference": optional(&reference),
    });
    route::<Answer<Adjusted>>("adjustPurses", "Adjust an account's purses", "Done, or done before.")
        .around::<Adjusted>()
        .around::<Line>()
        .says("Give `credits`, `balance` or both; what is not there is not taken.")
        .fails([FaultCode::NotFound, FaultCode::InvalidState])
        .body(object(&["reason"], &fields))
}

pub(in crate::http) fn sessions() -> Operation {
    route::<Every<SignIn>>(
        "listSignIns",
        "Where an account is signed in",
        "The live sign-ins, the newest first.",
    )
    .around::<SignIn>()
    .fails([FaultCode::NotFound])
}

pub(in crate::http) fn end_sessions() -> Operation {
    route::<Answer<SignedOut>>("endSignIns", "Sign an account out", "Done.")
        .around::<SignedOut>()
        .query("session", "This sign-in; without it, all of them.", &text())
        .query("reason", "Why, in up to 500 characters.", &text())
        .fails([FaultCode::NotFound, FaultCode::InvalidParameter])
}

pub(in crate::http) fn acts() -> Operation {
    route::<Listed<Done>>(
        "listActs",
        "What was done by those who run the service",
        "A page, the newest first.",
    )
    .around::<Done>()
    .query("account", "Only what was done to this account.", &text())
    .paged()
}

/// Why something is done.
fn reason() -> Value {
    let mut reason = filled();
    if let Value::Object(schema) = &mut reason {
        schema.insert("maxLength".to_owned(), json!(500));
    }
    reason
}
