//! A rented number and its messages, the published page's keys first.

use super::{amount, id, moment, states, words, yes};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::schema::Object;

/// A rented number.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct Rent<'a> {
    #[schema(schema_with = id)]
    pub(in crate::http) id: String,
    /// The number in E.164; null before the provider has confirmed one.
    #[schema(required)]
    pub(in crate::http) number: Option<&'a str>,
    /// The service's slug.
    #[schema(required)]
    pub(in crate::http) service: Option<&'a str>,
    /// The country's ISO code.
    #[schema(required)]
    pub(in crate::http) country: Option<&'a str>,
    /// Until when messages are taken (RFC 3339, UTC, whole seconds); null before there is a number.
    #[schema(required)]
    pub(in crate::http) expires_at: Option<String>,
    /// The operator of the offer that was bought; `any` where the offer names none.
    pub(in crate::http) operator: &'a str,
    #[schema(schema_with = states)]
    pub(in crate::http) status: &'static str,
    #[schema(schema_with = amount)]
    pub(in crate::http) cost: String,
    /// The one-time code: letters and digits, no separators.
    #[schema(required)]
    pub(in crate::http) otp: Option<&'a str>,
    /// The text that the code stands in, word for word; without a code the first message's.
    #[schema(required)]
    pub(in crate::http) full_sms: Option<&'a str>,
    /// Every delivered message, in the order of arrival.
    pub(in crate::http) sms: Vec<Sms<'a>>,
    #[schema(schema_with = pools)]
    pub(in crate::http) pool: String,
    #[schema(schema_with = moment)]
    pub(in crate::http) created_at: String,
}

fn pools() -> Object {
    words("The group of offers it was bought from.", ["1", "2", "3"])
}

/// A delivered message.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct Sms<'a> {
    #[schema(schema_with = id)]
    pub(in crate::http) id: String,
    /// The text, word for word.
    pub(in crate::http) text: &'a str,
    /// The one-time code in it, if there is one.
    #[schema(required)]
    pub(in crate::http) code: Option<&'a str>,
    /// Who sent it, as the network says.
    pub(in crate::http) from: &'a str,
    #[schema(schema_with = moment)]
    pub(in crate::http) received_at: String,
}

/// A purchase.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct Purchased<'a> {
    /// Always true.
    #[schema(schema_with = yes)]
    pub(in crate::http) success: bool,
    pub(in crate::http) data: Rent<'a>,
    /// Credits that are left.
    pub(in crate::http) remaining_credits: i64,
    /// Paid money that is left, in USD.
    #[schema(value_type = f64)]
    pub(in crate::http) remaining_balance: Value,
    /// The same as `remainingBalance`.
    #[schema(value_type = f64)]
    pub(in crate::http) balance: Value,
}

/// A rent that is over.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct Ended<'a> {
    /// Always true.
    #[schema(schema_with = yes)]
    pub(in crate::http) success: bool,
    pub(in crate::http) data: Rent<'a>,
    /// Paid money afterwards, in USD.
    #[schema(value_type = f64)]
    pub(in crate::http) balance: Value,
    /// Credits afterwards.
    pub(in crate::http) credits: i64,
    /// True where the money went back; else the key is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(in crate::http) refunded: Option<bool>,
}

/// What came while waiting.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct Heard<'a> {
    /// The one-time code: letters and digits, no separators. A wait answers when there is one.
    #[schema(required, nullable = false)]
    pub(in crate::http) otp: Option<&'a str>,
    #[schema(schema_with = states)]
    pub(in crate::http) status: &'static str,
    #[schema(schema_with = id)]
    pub(in crate::http) id: String,
    /// The text that the code stands in, word for word.
    #[schema(required, nullable = false)]
    pub(in crate::http) full_sms: Option<&'a str>,
}
