//! What the document says of the balance, the movements and the profile.

use super::{object, optional};
use crate::http::document::{Operation, Tag};
use crate::http::shapes::account::{Balance, Profile, Transaction};
use crate::http::shapes::me::{AuthShape, MeShape};
use crate::http::shapes::{Answer, Listed};
use numberotp_core::caller::Scope;
use serde_json::json;

pub(in crate::http) fn balance() -> Operation {
    Operation::answers::<Balance>("getBalance", Tag::Account, "What the account has", "Its purses.")
        .needs_scope(Scope::Read)
}

pub(in crate::http) fn balance_post() -> Operation {
    let flag =
        json!({ "type": "boolean", "description": "Read it anew. Every answer is, so it changes nothing." });
    Operation::answers::<Balance>(
        "readBalance",
        Tag::Account,
        "What the account has, read anew",
        "Its purses.",
    )
    .says("The same answer as by `GET`.")
    .needs_scope(Scope::Read)
    .optional_body(object(&[], &json!({ "refresh": optional(&flag) })))
}

pub(in crate::http) fn transactions() -> Operation {
    let (id, good) = ("listTransactions", "A page of movements.");
    Operation::answers::<Listed<Transaction>>(
        id,
        Tag::Account,
        "What happened to the purses, newest first",
        good,
    )
    .around::<Transaction>()
    .needs_scope(Scope::Read)
    .paged()
}

pub(in crate::http) fn me() -> Operation {
    let (id, good) = ("getMe", "The account.");
    Operation::answers::<Answer<MeShape<'_>>>(
        id,
        Tag::Account,
        "The account, as the official clients read it",
        good,
    )
    .around::<MeShape<'_>>()
    .around::<AuthShape>()
    .says("What this server does not have yet, such as loyalty tiers, is null.")
    .needs_scope(Scope::Read)
}

pub(in crate::http) fn profile() -> Operation {
    let (id, good) = ("getProfile", "The account.");
    Operation::answers::<Answer<Profile<'_>>>(id, Tag::Account, "The account", good)
        .around::<Profile<'_>>()
        .needs_scope(Scope::Read)
}

pub(in crate::http) fn profile_patch() -> Operation {
    let name = json!({
        "type": "string",
        "description": "1 to 100 characters, none of them a control character; blanks around them do not count.",
        "pattern": r"\S",
    });
    let (id, good) = ("changeProfile", "The account, changed.");
    Operation::answers::<Answer<Profile<'_>>>(id, Tag::Account, "Rename the account", good)
        .around::<Profile<'_>>()
        .needs(Scope::Buy)
        .body(object(&["name"], &json!({ "name": name })))
}
