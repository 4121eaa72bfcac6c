//! What the document says of itself and of its pages.

use crate::http::document::{Operation, Tag};
use numberotp_core::fault::FaultCode;

const HTML: &str = "text/html";

pub(in crate::http) fn document() -> Operation {
    Operation::answers_object("getDocument", Tag::About, "This document", "OpenAPI, as JSON.").tagged()
}

pub(in crate::http) fn reference() -> Operation {
    Operation::sends("readReference", Tag::About, "The document, to read and to try", (HTML, "The page."))
}

pub(in crate::http) fn script() -> Operation {
    let good = ("text/javascript", "The script.");
    Operation::sends("getScript", Tag::About, "A script of the page", good)
        .tagged()
        .fails([FaultCode::NotFound])
}

pub(in crate::http) fn errors() -> Operation {
    Operation::sends("listErrors", Tag::About, "All error codes", (HTML, "The page.")).tagged()
}

pub(in crate::http) fn error() -> Operation {
    Operation::sends("readError", Tag::About, "What an error code means", (HTML, "The page."))
        .says("The address that the header `Link` of every refusal names.")
        .tagged()
        .fails([FaultCode::NotFound])
}
