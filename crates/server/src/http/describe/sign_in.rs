//! What the document says of signing in and of what follows from it.

use super::{object, optional};
use crate::http::document::{Operation, Tag};
use crate::http::shapes::session::{Ended, Signed};
use crate::http::shapes::{Answer, Every};
use numberotp_core::fault::FaultCode;
use serde_json::json;

pub(in crate::http) fn sessions() -> Operation {
    let (id, good) = ("listSessions", "The live sign-ins, the newest first.");
    Operation::answers::<Every<Signed>>(id, Tag::SignIn, "Where you are signed in", good)
        .around::<Signed>()
        .needs_person()
}

pub(in crate::http) fn sessions_revoke() -> Operation {
    let one = json!({ "type": ["string", "integer"], "description": "The sign-in that is to end." });
    let all = json!({ "type": "boolean", "description": "End every sign-in, this one too." });
    Operation::answers::<Answer<Ended>>(
        "revokeSessions",
        Tag::SignIn,
        "Sign out elsewhere, or everywhere",
        "Done.",
    )
    .around::<Ended>()
    .says("Give one of `id` and `all`. What was signed for a sign-in opens nothing within a second.")
    .needs_person()
    .fails([FaultCode::NotFound])
    .body(object(&[], &json!({ "id": optional(&one), "all": optional(&all) })))
}
