//! An API key as its owner sees it: never its text, but for the one answer that made it.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::schema::Object;

/// An API key.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct ApiKeyShape {
    #[schema(schema_with = super::id)]
    pub(in crate::http) id: String,
    /// Its name.
    pub(in crate::http) name: String,
    /// The key itself, in the answer that made it and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(in crate::http) key: Option<String>,
    /// How it begins and ends, to recognise it by.
    pub(in crate::http) prefix: String,
    /// What it may do.
    pub(in crate::http) scopes: Vec<&'static str>,
    /// What it is for, in your words; may be empty.
    pub(in crate::http) purpose: String,
    /// Where it may be used; empty: anywhere.
    pub(in crate::http) networks: Vec<String>,
    /// Most that it may spend in all, in USD.
    #[schema(required, value_type = Option<f64>)]
    pub(in crate::http) spend_cap: Option<Value>,
    /// What was spent of that, refunds taken off, in USD; counted for keys with a cap.
    #[schema(value_type = f64)]
    pub(in crate::http) spent: Value,
    /// When it ends by itself.
    #[schema(required)]
    pub(in crate::http) expires_at: Option<String>,
    #[schema(schema_with = moment)]
    pub(in crate::http) created_at: String,
    /// When it was used last, to the minute or so.
    #[schema(required)]
    pub(in crate::http) last_used_at: Option<String>,
}

fn moment() -> Object {
    super::text("When it was made.", r"^[0-9-]{10}T[0-9:]{8}\.[0-9]{3}Z$")
}
