//! What the document says of `/sandbox/…`: there in a sandbox only.

use super::{filled, object, optional};
use crate::http::document::{Operation, Tag};
use crate::http::shapes::sandbox::{Dropped, QueuedScenario, SandboxTime};
use crate::http::shapes::{Answer, Listed, Taken};
use numberotp_core::caller::Scope;
use numberotp_core::fault::FaultCode;
use serde_json::{Value, json};

/// A length of time.
fn span() -> Value {
    json!({ "anyOf": [
        { "type": "string", "pattern": r"^\s*[0-9]+(ms|s|m|h|d)?\s*$" },
        { "type": "integer", "minimum": 0, "description": "Seconds." },
    ] })
}

pub(in crate::http) fn queue() -> Operation {
    let fields = json!({
        "scenario": { "type": "string", "description": "What is to happen, such as `normal`, `late`, `silent`." },
        "service": optional(&json!({ "type": "string", "description": "Only to a purchase of this service." })),
        "code": optional(&json!({ "type": "string", "description": "1 to 20 letters and digits." })),
        "text": optional(&json!({ "type": "string", "description": "Up to 1,600 characters." })),
        "delay": optional(&span()),
    });
    let (id, good) = ("queueScenario", "What was queued.");
    Operation::answers::<Answer<QueuedScenario<'_>>>(
        id,
        Tag::Sandbox,
        "Queue what happens to the next purchase",
        good,
    )
    .around::<QueuedScenario<'_>>()
    .needs(Scope::Buy)
    .body(object(&["scenario"], &fields))
    .fails([FaultCode::UnknownService, FaultCode::InvalidState])
}

pub(in crate::http) fn queued() -> Operation {
    let (id, good) = ("listScenarios", "A page of scenarios, in order.");
    Operation::answers::<Listed<QueuedScenario<'_>>>(id, Tag::Sandbox, "Scenarios that wait", good)
        .around::<QueuedScenario<'_>>()
        .needs(Scope::Read)
        .paged()
}

pub(in crate::http) fn drop_queued() -> Operation {
    let (id, good) = ("dropScenarios", "How many were dropped.");
    Operation::answers::<Answer<Dropped>>(id, Tag::Sandbox, "Drop the scenarios that wait", good)
        .around::<Dropped>()
        .needs(Scope::Buy)
}

pub(in crate::http) fn clock_advance() -> Operation {
    let (id, good) = ("advanceClock", "The time afterwards.");
    Operation::answers::<Answer<SandboxTime>>(id, Tag::Sandbox, "Move the sandbox's clock", good)
        .around::<SandboxTime>()
        .says("Everything that falls due on the way is done before the answer comes.")
        .needs(Scope::Buy)
        .body(object(&["advance"], &json!({ "advance": span() })))
        .fails([FaultCode::InvalidState])
}

pub(in crate::http) fn clock() -> Operation {
    let (id, good) = ("readClock", "The time.");
    Operation::answers::<Answer<SandboxTime>>(id, Tag::Sandbox, "The sandbox's time", good)
        .around::<SandboxTime>()
        .needs(Scope::Read)
}

pub(in crate::http) fn message() -> Operation {
    let text = || json!({ "type": "string" });
    let fields = json!({
        "to": { "type": "string", "description": "The number, in E.164.", "pattern": r"\S" },
        "text": filled(),
        "from": optional(&text()),
        "messageId": optional(&text()),
    });
    let (id, good) = ("sendMessage", "Whether it found its rent.");
    Operation::answers::<Taken>(id, Tag::Sandbox, "Send a message to a rented number", good)
        .needs(Scope::Buy)
        .body(object(&["to", "text"], &fields))
        .fails([FaultCode::NotFound, FaultCode::InvalidState])
}
