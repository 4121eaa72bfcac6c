//! What the document says of `/api/webhooks/…`: what providers post to this server.

use super::{object, optional};
use crate::http::document::{Operation, Tag};
use crate::http::shapes::Taken;
use numberotp_core::fault::FaultCode;
use serde_json::json;

pub(in crate::http) fn sms() -> Operation {
    let text = || json!({ "type": "string" });
    let name = || json!({ "anyOf": [text(), { "type": "number" }, { "type": "null" }] });
    let fields = json!({
        "text": { "type": "string", "description": "The message, word for word." },
        "providerRef": name(),
        "number": optional(&json!({ "type": "string", "description": "The number it came to, in E.164." })),
        "from": optional(&text()),
        "code": optional(&text()),
        "receivedAt": optional(&json!({ "type": "string", "format": "date-time" })),
        "messageId": name(),
    });
    let good = "Taken, for the first time or again. The message is stored.";
    Operation::answers::<Taken>("takeMessage", Tag::Webhooks, "A message that came to a number", good)
        .says(
            "One of `providerRef` (the provider's name for the purchase) and `number` is needed. At most 256 KiB. A \
             provider repeats what was not answered with 200; the same `messageId` is the same message.",
        )
        .signed()
        .body(object(&["text"], &fields))
        .fails([FaultCode::NotFound])
}
