//! Answers of `/api/auth`. What is shown once (a token, a seed, recovery codes) stands here and nowhere else.

use serde::Serialize;
use utoipa::ToSchema;

/// A code is on its way, if there is anybody to have one.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct Asked {
    /// The address, as it was understood.
    pub(in crate::http) email: String,
    /// Always true: look into the mailbox.
    pub(in crate::http) verification_required: bool,
}

/// An address is proved.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct Proved {
    /// The address.
    pub(in crate::http) email: String,
    /// Always true.
    pub(in crate::http) email_verified: bool,
}

/// Somebody is signed in.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct SignedIn {
    /// The account's id.
    #[schema(schema_with = super::id)]
    pub(in crate::http) id: String,
    /// Its address.
    pub(in crate::http) email: String,
    /// Its name.
    pub(in crate::http) name: String,
    /// When the session ends, unless it is used before that.
    #[schema(schema_with = super::moment)]
    pub(in crate::http) expires_at: String,
    /// The session's token; only with `transport: bearer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(in crate::http) token: Option<String>,
}

/// The session has ended.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct SignedOut {
    /// Always true.
    pub(in crate::http) signed_out: bool,
}

/// The password was shown again.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct Confirmed {
    /// Always true.
    pub(in crate::http) confirmed: bool,
    /// Until when it counts.
    #[schema(schema_with = super::moment)]
    pub(in crate::http) confirmed_until: String,
}

/// A forgotten password was replaced.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct Reset {
    /// Always true.
    pub(in crate::http) changed: bool,
    /// API keys of the account that open it still.
    pub(in crate::http) live_keys: usize,
    /// API keys that were revoked with it.
    pub(in crate::http) revoked_keys: usize,
}

/// Something was changed.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Changed {
    /// Always true.
    pub(in crate::http) changed: bool,
}

/// What an authenticator app is set up with. Shown once.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Seed {
    /// The seed as people type it: base 32.
    pub(in crate::http) secret: String,
    /// The same as an app reads it from a picture.
    pub(in crate::http) uri: String,
}

/// For whoever loses the second factor. Shown once.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct Recovery {
    /// Each opens once in place of a code.
    pub(in crate::http) recovery_codes: Vec<String>,
}
