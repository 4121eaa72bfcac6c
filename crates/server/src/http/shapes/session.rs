//! A sign-in as its account sees it.

use serde::Serialize;
use utoipa::ToSchema;

/// Where a person is signed in.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Signed {
    /// Its id.
    pub(in crate::http) id: String,
    /// `web` for a browser, `device` for an app or a program.
    pub(in crate::http) kind: &'static str,
    /// What it said it is; may be empty.
    pub(in crate::http) platform: String,
    /// What it said it is called; may be empty.
    pub(in crate::http) device_name: String,
    /// The network that it was made from; may be empty.
    pub(in crate::http) network: String,
    /// When it was made.
    pub(in crate::http) created_at: String,
    /// When it was used last, as far as that was noted.
    #[schema(required)]
    pub(in crate::http) last_used_at: Option<String>,
    /// When it ends, unless it is used before that.
    pub(in crate::http) expires_at: String,
    /// The country of its address; this server does not know countries of addresses.
    #[schema(required)]
    pub(in crate::http) ip_country: Option<String>,
    /// Whether it is the one that asks.
    pub(in crate::http) current: bool,
}

/// What was asked for has ended.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Ended {
    /// Always true.
    #[schema(schema_with = super::yes)]
    pub(in crate::http) revoked: bool,
}
