//! What the document says of how programs sign in.

use super::{object, optional};
use crate::http::document::{Operation, Tag, text};
use crate::http::shapes::Answer;
use crate::http::shapes::oauth::{
    CodeMailed, DecidedShape, DeviceCodeShape, DeviceShape, TokenShape, UserShape,
};
use numberotp_core::fault::FaultCode;
use serde_json::{Value, json};

const DENIALS: &[&str] = &[
    "invalid_request",
    "invalid_grant",
    "unsupported_grant_type",
    "authorization_pending",
    "slow_down",
    "access_denied",
    "expired_token",
];

/// What is sent by the page, or typed into its address.
pub(in crate::http) fn page() -> Operation {
    Operation::sends(
        "readDevicePage",
        Tag::SignIn,
        "Where a person lets a device in",
        ("text/html", "The page."),
    )
    .query("user_code", "The code, filled in already.", &text())
}

pub(in crate::http) fn page_submit() -> Operation {
    let fields = json!({
        "user_code": said("The code that the device shows."),
        "email": said("Who is not signed in says who it is."),
        "password": said("And proves it."),
        "mailed": said("Or proves it by a code from a mail."),
        "totp": said("The code of the second factor, where there is one."),
        "ticket": said("Of the first step, in the second."),
        "action": said("`mail`, in the first step, to have such a code mailed; `approve` or `deny`, in the second."),
    });
    Operation::sends(
        "sendDevicePage",
        Tag::SignIn,
        "The two steps of that page",
        ("text/html", "What comes next."),
    )
    .form(object(&[], &fields))
}

fn said(says: &str) -> Value {
    optional(&json!({ "type": "string", "description": says }))
}

pub(in crate::http) fn token() -> Operation {
    let kinds = "`refresh_token`, `password`, `urn:ietf:params:oauth:grant-type:device_code` or \
                 `urn:numberotp:params:grant-type:email_code`.";
    let fields = json!({
        "grant_type": { "type": "string", "description": kinds },
        "refresh_token": said("The token to exchange."),
        "email": said("The address, with a password or a code."),
        "password": said("The password."),
        "totp": said("The code of the second factor, where there is one."),
        "code": optional(&json!({ "type": ["string", "integer"], "description": "The six digits of the mail." })),
        "name": said("The name of the account, if it is new."),
        "device_code": said("What `/v1/oauth/device/code` gave."),
        "platform": said("What the program is, for people."),
        "device_name": said("What it is called, for people."),
    });
    Operation::answers::<TokenShape<'_>>("createToken", Tag::SignIn, "Sign a program in", "Its tokens.")
        .around::<UserShape<'_>>()
        .says(
            "A refresh token is good for one exchange: what comes back has the next one. The same exchange within ten \
             seconds gets the same answer; after that it ends the sign-in.",
        )
        .form(object(&["grant_type"], &fields))
        .denies(DENIALS)
}

pub(in crate::http) fn revoke() -> Operation {
    let (id, good) = ("revokeToken", "Always.");
    Operation::answers_object(id, Tag::SignIn, "Sign a program out", good)
        .says("Takes a refresh or an access token. The answer does not tell whether there was one.")
        .form(object(&[], &json!({ "token": said("The token.") })))
        .denies(&["invalid_request"])
}

pub(in crate::http) fn email_code() -> Operation {
    let (id, good) = ("mailCode", "A code is on its way, whether there is an account or not.");
    Operation::answers::<CodeMailed>(id, Tag::SignIn, "Have a code mailed to sign in with", good)
        .says("Six digits, good for ten minutes and for five tries. One a minute; whoever asks more often gets none.")
        .form(object(&["email"], &json!({ "email": text() })))
}

pub(in crate::http) fn device_code() -> Operation {
    let fields = json!({
        "client": said("`cli`, `extension`, `mcp` or `other`."),
        "device_name": said("What it is called, for people."),
    });
    let (id, good) = ("startDevice", "What the device keeps, and what it shows.");
    Operation::answers::<DeviceCodeShape>(id, Tag::SignIn, "Begin to sign a device in", good)
        .form(object(&[], &fields))
        .denies(&["invalid_request"])
}

pub(in crate::http) fn device_look() -> Operation {
    let (id, good) = ("getDevice", "The device that shows this code.");
    Operation::answers::<Answer<DeviceShape>>(id, Tag::SignIn, "A device that wants to come in", good)
        .around::<DeviceShape>()
        .says("After five wrong codes a person, and a network, wait a quarter of an hour.")
        .query_needed("user_code", "The code, in any case, with or without its dash.", &text())
        .needs_person()
        .fails([FaultCode::NotFound])
}

pub(in crate::http) fn device_decide() -> Operation {
    let action =
        json!({ "type": "string", "enum": ["approve", "deny"], "description": "What becomes of it." });
    let code = json!({ "type": "string", "description": "The code that the device shows." });
    let (id, good) = ("decideDevice", "It is decided.");
    Operation::answers::<Answer<DecidedShape>>(id, Tag::SignIn, "Let a device in, or not", good)
        .around::<DecidedShape>()
        .needs_person()
        .fails([FaultCode::NotFound, FaultCode::InvalidState, FaultCode::AccountOnHold])
        .fails([FaultCode::ReauthenticationRequired])
        .body(object(&["user_code", "action"], &json!({ "user_code": code, "action": action })))
}
