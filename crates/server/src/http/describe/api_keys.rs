//! What the document says of API keys.

use super::{object, optional};
use crate::http::document::{Operation, Tag};
use crate::http::shapes::api_key::ApiKeyShape;
use crate::http::shapes::session::Ended;
use crate::http::shapes::{Answer, Every};
use numberotp_core::fault::FaultCode;
use serde_json::json;

pub(in crate::http) fn list() -> Operation {
    let (id, good) = ("listApiKeys", "The live keys, the newest first.");
    Operation::answers::<Every<ApiKeyShape>>(id, Tag::SignIn, "Your API keys", good)
        .around::<ApiKeyShape>()
        .needs_person()
}

pub(in crate::http) fn create() -> Operation {
    let text = |says: &str, most: u8| json!({ "type": "string", "maxLength": most, "description": says });
    let list = |says: &str| json!({ "type": "array", "items": { "type": "string" }, "description": says });
    let days = json!({ "type": "integer", "minimum": 1, "maximum": 3650, "description": "It ends so many days from now." });
    let cap =
        json!({ "type": ["number", "string"], "description": "Most that it may spend in all, in USD." });
    let fields = json!({
        "name": text("Its name.", 60),
        "scopes": optional(&list("Any of `read`, `buy` and `topup`; left out: `read` and `buy`.")),
        "expires_in_days": optional(&days),
        "expires_at": optional(&text("Or the moment at which it ends (RFC 3339).", 40)),
        "networks": optional(&list("Addresses and networks that it may be used from; left out: anywhere.")),
        "spend_cap": optional(&cap),
        "purpose": optional(&text("What it is for, in your words.", 200)),
    });
    let (id, good) = ("createApiKey", "The key. Its text is shown this once.");
    Operation::answers::<Answer<ApiKeyShape>>(id, Tag::SignIn, "Make an API key", good)
        .around::<ApiKeyShape>()
        .says(
            "Only a digest of the key is kept. An account may have 20 keys. Needs that you signed in, or showed your \
             password again, within the last 15 minutes.",
        )
        .needs_person()
        .fails([FaultCode::KeyLimit, FaultCode::AccountOnHold, FaultCode::ReauthenticationRequired])
        .body(object(&["name"], &fields))
}

pub(in crate::http) fn delete() -> Operation {
    let (id, good) = ("deleteApiKey", "It opens nothing within a second.");
    let key = json!({ "type": ["string", "integer"], "description": "The key's id." });
    Operation::answers::<Answer<Ended>>(id, Tag::SignIn, "Delete an API key", good)
        .around::<Ended>()
        .needs_person()
        .fails([FaultCode::NotFound])
        .body(object(&["id"], &json!({ "id": key })))
}
