//! What the document says of `/api/auth`.

use super::{filled, object, optional};
use crate::http::document::{Operation, Tag};
use crate::http::shapes::Answer;
use crate::http::shapes::auth::{
    Asked, Changed, Confirmed, Proved, Recovery, Reset, Seed, SignedIn, SignedOut,
};
use numberotp_core::fault::FaultCode;
use serde_json::{Value, json};

const SAME: &str = "The answer is the same whether the address has an account or not; its owner is told by mail. At most one \
                    code a minute and five an hour are mailed for an address; more are not, silently.";

fn email() -> Value {
    json!({ "type": "string", "description": "An e-mail address.", "pattern": r"\S" })
}

fn password() -> Value {
    json!({ "type": "string", "minLength": 1 })
}

fn new_password() -> Value {
    let says = "8 to 128 characters, not one of the commonest.";
    json!({ "type": "string", "description": says, "minLength": 8, "maxLength": 128 })
}

fn code() -> Value {
    json!({ "type": "string", "description": "The six digits of the mail.", "pattern": r"\S" })
}

fn digits() -> Value {
    let says = "The six digits that the app shows, or a recovery code.";
    json!({ "type": "string", "description": says, "pattern": r"\S" })
}

fn asks(id: &'static str, summary: &'static str) -> Operation {
    let good = "Whoever has the mailbox is told by mail.";
    Operation::answers::<Answer<Asked>>(id, Tag::SignIn, summary, good).around::<Asked>().says(SAME)
}

fn changes(id: &'static str, summary: &'static str) -> Operation {
    Operation::answers::<Answer<Changed>>(id, Tag::SignIn, summary, "Done.")
        .around::<Changed>()
        .fails([FaultCode::InvalidCredentials])
}

fn proves(id: &'static str, summary: &'static str) -> Operation {
    Operation::answers::<Answer<Proved>>(id, Tag::SignIn, summary, "The address is proved.")
        .around::<Proved>()
        .fails([FaultCode::InvalidCredentials])
}

pub(in crate::http) fn sign_up() -> Operation {
    let name =
        json!({ "type": "string", "description": "1 to 100 characters; else what stands before the @." });
    let fields = json!({ "email": email(), "password": new_password(), "name": optional(&name) });
    asks("signUp", "Make an account").body(object(&["email", "password"], &fields))
}

pub(in crate::http) fn verify_email() -> Operation {
    proves("verifyEmail", "Prove the address of a new account")
        .body(object(&["email", "code"], &json!({ "email": email(), "code": code() })))
}

pub(in crate::http) fn resend_code() -> Operation {
    asks("resendCode", "Have another code to prove an address")
        .body(object(&["email"], &json!({ "email": email() })))
}

pub(in crate::http) fn sign_in() -> Operation {
    let transport = json!({
        "enum": ["cookie", "bearer", null],
        "description": "`cookie` (unless you say otherwise): the session's token goes into an HttpOnly cookie. `bearer`: into `token`.",
    });
    let totp = json!({ "type": ["string", "integer", "null"], "description": "The second factor, if the account has one." });
    let fields = json!({ "email": email(), "password": password(), "totp": totp, "transport": transport });
    let good = "Signed in, by a new session; one that came with the request has ended.";
    Operation::answers::<Answer<SignedIn>>("signIn", Tag::SignIn, "Sign in with a password", good)
        .around::<SignedIn>()
        .says("Whatever keeps an account shut, the answer and its time are the same.")
        .fails([FaultCode::InvalidCredentials, FaultCode::TotpRequired])
        .body(object(&["email", "password"], &fields))
}

pub(in crate::http) fn sign_out() -> Operation {
    let good = "The session has ended; its cookie is taken back.";
    Operation::answers::<Answer<SignedOut>>("signOut", Tag::SignIn, "Sign out here", good)
        .around::<SignedOut>()
        .needs_person()
        .fails([FaultCode::NotFound])
}

pub(in crate::http) fn forgot() -> Operation {
    asks("forgotPassword", "Have a code for a new password")
        .body(object(&["email"], &json!({ "email": email() })))
}

pub(in crate::http) fn reset() -> Operation {
    let revoke = json!({ "type": "boolean", "description": "Revoke the account's API keys as well." });
    let fields = json!({
        "email": email(), "code": code(), "password": new_password(), "revokeKeys": optional(&revoke),
    });
    let (summary, good) =
        ("Set a new password with a code", "Done; and how many API keys open the account still.");
    Operation::answers::<Answer<Reset>>("resetPassword", Tag::SignIn, summary, good)
        .around::<Reset>()
        .fails([FaultCode::InvalidCredentials])
        .says("Ends every sign-in of the account. API keys go on, unless you say `revokeKeys`.")
        .body(object(&["email", "code", "password"], &fields))
}

pub(in crate::http) fn confirm_password() -> Operation {
    let totp = json!({ "type": ["string", "integer", "null"], "description": "The second factor, if the account has one." });
    let (summary, good) = ("Show the password again", "It counts for 15 minutes, for this sign-in.");
    Operation::answers::<Answer<Confirmed>>("confirmPassword", Tag::SignIn, summary, good)
        .around::<Confirmed>()
        .says("Needed before what outlives a sign-in, such as an API key, if you signed in more than 15 minutes ago.")
        .needs_person()
        .fails([FaultCode::InvalidCredentials, FaultCode::TotpRequired, FaultCode::InvalidState])
        .body(object(&["password"], &json!({ "password": password(), "totp": totp })))
}

pub(in crate::http) fn change_password() -> Operation {
    let fields = json!({ "currentPassword": password(), "newPassword": new_password() });
    changes("changePassword", "Change the password")
        .says("Ends every other sign-in of the account.")
        .needs_person()
        .body(object(&["currentPassword", "newPassword"], &fields))
}

pub(in crate::http) fn change_email() -> Operation {
    let fields = json!({ "newEmail": email(), "password": password() });
    asks("changeEmail", "Ask for another address")
        .needs_person()
        .fails([FaultCode::InvalidCredentials])
        .body(object(&["newEmail", "password"], &fields))
}

pub(in crate::http) fn confirm_email() -> Operation {
    proves("confirmEmail", "Prove the other address, which counts from then on")
        .says("The address of before is told.")
        .needs_person()
        .body(object(&["code"], &json!({ "code": code() })))
}

pub(in crate::http) fn totp_start() -> Operation {
    let (summary, good) = ("Begin a second factor", "Give one of these to an authenticator app. Shown once.");
    Operation::answers::<Answer<Seed>>("startTotp", Tag::SignIn, summary, good)
        .around::<Seed>()
        .says("It is asked for once its first code was shown.")
        .needs_person()
        .fails([FaultCode::InvalidCredentials, FaultCode::InvalidState])
        .body(object(&["password"], &json!({ "password": password() })))
}

pub(in crate::http) fn totp_confirm() -> Operation {
    let (summary, good) =
        ("Confirm the second factor", "From now on it is asked for. The codes are shown once.");
    Operation::answers::<Answer<Recovery>>("confirmTotp", Tag::SignIn, summary, good)
        .around::<Recovery>()
        .needs_person()
        .fails([FaultCode::InvalidCredentials, FaultCode::InvalidState])
        .body(object(&["code"], &json!({ "code": filled() })))
}

pub(in crate::http) fn totp_disable() -> Operation {
    changes("disableTotp", "Take the second factor away")
        .needs_person()
        .fails([FaultCode::InvalidState])
        .body(object(&["password", "code"], &json!({ "password": password(), "code": digits() })))
}
