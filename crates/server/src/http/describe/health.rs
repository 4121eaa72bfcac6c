//! What the document says of the addresses for whoever keeps the server running.

use crate::http::document::{Operation, Tag};
use numberotp_core::fault::FaultCode;

pub(in crate::http) fn health() -> Operation {
    Operation::answers_object("isAlive", Tag::Operating, "Whether the process answers", "It does.")
}

pub(in crate::http) fn ready() -> Operation {
    Operation::answers_object("isReady", Tag::Operating, "Whether it can do its work now", "It can.")
        .says("503 lists under `missing` what is in the way.")
}

pub(in crate::http) fn metrics() -> Operation {
    let good = ("application/openmetrics-text", "What is measured, as OpenMetrics text.");
    Operation::sends("getMetrics", Tag::Operating, "What is measured", good)
        .says(
            "For this machine, or with the token of `--metrics-token`; there is no such address for others.",
        )
        .fails([FaultCode::NotFound])
}
