//! What the document says of each route, a file a part of the API. Words only: nothing here decides anything.
//! Every answer that a test sees is held against it, so what stands here is what happens.

pub(super) mod about;
pub(super) mod account;
pub(super) mod admin;
pub(super) mod api_keys;
pub(super) mod auth;
pub(super) mod health;
pub(super) mod oauth;
pub(super) mod public;
pub(super) mod rent;
pub(super) mod sandbox;
pub(super) mod sign_in;
pub(super) mod webhooks;

use serde_json::{Value, json};

/// A text that is more than blanks.
fn filled() -> Value {
    json!({ "type": "string", "pattern": r"\S" })
}

/// The same, or nothing.
fn optional(schema: &Value) -> Value {
    json!({ "anyOf": [schema, { "type": "null" }] })
}

/// A body with these fields, of which some must be there.
fn object(needed: &[&str], fields: &Value) -> Value {
    json!({ "type": "object", "required": needed, "properties": fields })
}
