//! An account as the official clients read it. What this server does not have yet is null, never made up.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::schema::Object;

/// An account.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct MeShape<'a> {
    #[schema(schema_with = super::id)]
    pub(in crate::http) id: String,
    /// Its e-mail address.
    pub(in crate::http) email: &'a str,
    /// Its name.
    pub(in crate::http) name: &'a str,
    /// When it was made.
    pub(in crate::http) created_at: String,
    /// What it can spend, in USD: paid money, and credits at their worth.
    #[schema(value_type = f64)]
    pub(in crate::http) balance: Value,
    /// What numbers cost that still wait for a message, in USD. It is taken off `balance` already.
    #[schema(value_type = f64)]
    pub(in crate::http) on_hold: Value,
    /// `USD`
    pub(in crate::http) currency: &'static str,
    /// Credits that are not set aside.
    pub(in crate::http) credits: i64,
    /// Paid money that is not set aside, in USD.
    #[schema(value_type = f64)]
    pub(in crate::http) paid_balance: Value,
    /// The loyalty tier; this server has none yet.
    #[schema(required)]
    pub(in crate::http) tier: Option<String>,
    #[schema(schema_with = statuses)]
    pub(in crate::http) status: &'static str,
    /// Whether the address was proved.
    pub(in crate::http) email_verified: bool,
    /// Whether it sells on.
    pub(in crate::http) is_reseller: bool,
    /// The reseller it belongs to; this server has none yet.
    #[schema(required)]
    pub(in crate::http) reseller: Option<String>,
    /// What purchases in app stores name the account by; this server takes none yet.
    #[schema(required)]
    pub(in crate::http) iap_account_token: Option<String>,
    pub(in crate::http) auth: AuthShape,
}

/// How the caller proved who it is.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct AuthShape {
    #[schema(schema_with = kinds)]
    pub(in crate::http) kind: &'static str,
    /// What the credential may do.
    pub(in crate::http) scopes: Vec<&'static str>,
}

fn statuses() -> Object {
    super::words("Whether it may buy.", ["active", "pending", "on_hold"])
}

fn kinds() -> Object {
    super::words("Who asks.", ["api_key", "person"])
}
