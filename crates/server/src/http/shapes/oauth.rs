//! What programs are told when they sign in. Without the envelope of other answers: these forms are the standards'.

use serde::Serialize;
use utoipa::ToSchema;

/// The tokens of a sign-in.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct TokenShape<'a> {
    /// Send it as `Authorization: Bearer …`.
    pub(in crate::http) access_token: &'a str,
    /// Exchange it for the next tokens; each is good for one exchange.
    pub(in crate::http) refresh_token: &'a str,
    /// `Bearer`
    pub(in crate::http) token_type: &'static str,
    /// How many seconds the access token lasts.
    pub(in crate::http) expires_in: i64,
    /// How many seconds the refresh token lasts.
    pub(in crate::http) refresh_expires_in: i64,
    pub(in crate::http) user: UserShape<'a>,
}

/// Who signed in.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct UserShape<'a> {
    #[schema(schema_with = super::id)]
    pub(in crate::http) id: String,
    /// The e-mail address.
    pub(in crate::http) email: &'a str,
    /// The name.
    pub(in crate::http) name: &'a str,
}

/// Why no tokens are given.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct DenialShape {
    /// A word of RFC 6749 or RFC 8628.
    pub(in crate::http) error: &'static str,
    /// A sentence for people.
    #[schema(min_length = 1)]
    pub(in crate::http) error_description: String,
}

/// What a device needs to be let in.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct DeviceCodeShape {
    /// The device keeps it and asks with it.
    pub(in crate::http) device_code: String,
    /// The device shows it.
    #[schema(schema_with = user_code)]
    pub(in crate::http) user_code: String,
    /// Where a person types it.
    pub(in crate::http) verification_uri: String,
    /// The same page with the code in it.
    pub(in crate::http) verification_uri_complete: String,
    /// How many seconds there are for that.
    pub(in crate::http) expires_in: i64,
    /// How many seconds to wait between two questions.
    pub(in crate::http) interval: i64,
}

fn user_code() -> utoipa::openapi::schema::Object {
    super::text("Eight letters in two halves.", "^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$")
}

/// A device that wants to come in.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct DeviceShape {
    #[schema(schema_with = user_code)]
    pub(in crate::http) user_code: String,
    /// What it says it is.
    pub(in crate::http) client: String,
    /// What it says it is called; may be empty.
    pub(in crate::http) device_name: String,
    /// The network that it asks from.
    pub(in crate::http) network: String,
    /// The country of its address; this server does not know countries of addresses.
    #[schema(required)]
    pub(in crate::http) ip_country: Option<String>,
    /// When it asked.
    pub(in crate::http) created_at: String,
    /// Until when it may be let in.
    pub(in crate::http) expires_at: String,
    #[schema(schema_with = statuses)]
    pub(in crate::http) status: &'static str,
}

fn statuses() -> utoipa::openapi::schema::Object {
    super::words("Where it stands.", ["pending", "approved", "denied", "used"])
}

/// What was decided about a device.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct DecidedShape {
    #[schema(schema_with = statuses)]
    pub(in crate::http) status: &'static str,
}

/// A code is on its way.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct CodeMailed {
    /// Always true.
    #[schema(schema_with = super::yes)]
    success: bool,
}

impl CodeMailed {
    pub(in crate::http) const fn new() -> Self {
        Self { success: true }
    }
}
