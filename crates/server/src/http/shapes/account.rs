//! What an account sees of itself: its purses, its movements, its profile. Amounts as JSON numbers are exact.

use super::{amount, id, moment, source, words, yes};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::schema::Object;

/// What an account has.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct Balance {
    /// Always true.
    #[schema(schema_with = yes)]
    pub(in crate::http) success: bool,
    /// Paid money in USD that is not set aside.
    #[schema(value_type = f64)]
    pub(in crate::http) balance: Value,
    /// Credits that are not set aside; one is worth 0.0005 USD unless the operator set another value.
    pub(in crate::http) credits: i64,
    /// How many credits of the sign-up gift are spent.
    pub(in crate::http) free_credits_used: i64,
    /// Whether the account may buy.
    pub(in crate::http) is_approved: bool,
    #[schema(schema_with = source)]
    pub(in crate::http) source: &'static str,
}

/// A step of an account's books.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct Transaction {
    #[schema(schema_with = id)]
    pub(in crate::http) id: String,
    #[serde(rename = "type")]
    #[schema(schema_with = kinds)]
    pub(in crate::http) kind: &'static str,
    #[schema(schema_with = amount)]
    pub(in crate::http) amount: String,
    /// What changed in the paid money, in USD.
    #[schema(value_type = f64)]
    pub(in crate::http) balance_change: Value,
    /// What changed in the credits.
    pub(in crate::http) credits_change: i64,
    /// The paid money afterwards, in USD.
    #[schema(value_type = f64)]
    pub(in crate::http) balance_after: Value,
    /// The credits afterwards.
    pub(in crate::http) credits_after: i64,
    /// A sentence for people.
    pub(in crate::http) description: String,
    pub(in crate::http) reference: TransactionReference,
    #[schema(schema_with = moment)]
    pub(in crate::http) created_at: String,
}

/// What a movement is about.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct TransactionReference {
    #[schema(schema_with = references)]
    pub(in crate::http) kind: &'static str,
    /// Its id.
    pub(in crate::http) id: String,
}

fn kinds() -> Object {
    words("What kind of step.", ["topup", "purchase", "settlement", "refund", "adjustment", "bonus"])
}

fn references() -> Object {
    words("A rent, or something that the operator did.", ["rent", "operator"])
}

/// An account.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct Profile<'a> {
    #[schema(schema_with = id)]
    pub(in crate::http) id: String,
    /// Its e-mail address.
    pub(in crate::http) email: &'a str,
    /// Its name.
    pub(in crate::http) name: &'a str,
    /// Whether the address was proved.
    pub(in crate::http) email_verified: bool,
    /// Whether the account may buy.
    pub(in crate::http) is_approved: bool,
    #[schema(schema_with = roles)]
    pub(in crate::http) role: &'static str,
    /// Paid money in USD that is not set aside.
    #[schema(value_type = f64)]
    pub(in crate::http) balance: Value,
    /// Credits that are not set aside.
    pub(in crate::http) credits: i64,
    #[schema(schema_with = moment)]
    pub(in crate::http) created_at: String,
    /// Where its webhooks go.
    #[schema(required)]
    pub(in crate::http) webhook_url: Option<&'a str>,
    /// The reseller it belongs to.
    #[schema(required)]
    pub(in crate::http) reseller: Option<&'a str>,
}

pub(super) fn roles() -> Object {
    words("What the account is.", ["customer", "reseller", "admin"])
}
