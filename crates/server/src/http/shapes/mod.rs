//! The shapes of answers: what goes out and what the document says of it are one and the same type.
//!
//! The order of fields is the order on the wire, and tests hold it. A shape decides nothing; it must never be made
//! from anything but what a use case answered.

pub(super) mod account;
pub(super) mod admin;
pub(super) mod api_key;
pub(super) mod auth;
pub(super) mod me;
pub(super) mod oauth;
pub(super) mod rent;
pub(super) mod sandbox;
pub(super) mod session;
pub(super) mod vocabulary;

use numberotp_core::activation::Status;
use numberotp_core::fault::FaultCode;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

/// An answer about one thing.
#[derive(Serialize, ToSchema)]
pub(super) struct Answer<T> {
    /// Always true.
    #[schema(schema_with = yes)]
    success: bool,
    data: T,
}

impl<T> Answer<T> {
    pub(super) const fn new(data: T) -> Self {
        Self { success: true, data }
    }
}

/// A whole list.
#[derive(Serialize, ToSchema)]
pub(super) struct Every<T> {
    /// Always true.
    #[schema(schema_with = yes)]
    success: bool,
    /// All that there is.
    data: Vec<T>,
}

impl<T> Every<T> {
    pub(super) const fn new(data: Vec<T>) -> Self {
        Self { success: true, data }
    }
}

/// A page of a list.
#[derive(Serialize, ToSchema)]
pub(super) struct Listed<T> {
    /// Always true.
    #[schema(schema_with = yes)]
    success: bool,
    /// What is on this page; empty past the end.
    data: Vec<T>,
    pagination: Pagination,
}

impl<T> Listed<T> {
    pub(super) const fn new(data: Vec<T>, pagination: Pagination) -> Self {
        Self { success: true, data, pagination }
    }
}

/// Where a page stands in its list.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Pagination {
    /// The page, from 1.
    pub(super) page: i64,
    /// Most entries of a page.
    pub(super) limit: i64,
    /// Entries of the whole list.
    pub(super) total: i64,
    /// Pages of the whole list.
    pub(super) total_pages: i64,
    /// Whether a page follows.
    pub(super) has_more: bool,
}

/// Whether a message found its rent.
#[derive(Serialize, ToSchema)]
pub(super) struct Taken {
    /// Always true.
    #[schema(schema_with = yes)]
    success: bool,
    /// Whether the message belongs to a purchase. One that does not is kept for a day, in case its purchase follows.
    matched: bool,
}

impl Taken {
    pub(super) const fn new(matched: bool) -> Self {
        Self { success: true, matched }
    }
}

/// Why something was refused. Every refusal has this form.
#[derive(Serialize, ToSchema)]
pub(super) struct Refusal<'a> {
    /// Always false.
    #[schema(schema_with = no)]
    pub(super) success: bool,
    /// A sentence for people; it may change.
    #[schema(min_length = 1)]
    pub(super) error: &'a str,
    #[schema(schema_with = codes)]
    pub(super) code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = states)]
    pub(super) status: Option<&'static str>,
    /// The rent, on `PURCHASE_UNCONFIRMED`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(super) id: Option<&'a str>,
    /// The name of this request in the server's log; also in the header `x-request-id`.
    pub(super) request_id: &'a str,
}

/// One of these words.
pub(super) fn words(says: &str, words: impl IntoIterator<Item = &'static str>) -> Object {
    let words: Vec<&str> = words.into_iter().collect();
    ObjectBuilder::new().schema_type(Type::String).description(Some(says)).enum_values(Some(words)).build()
}

pub(super) fn yes() -> Object {
    constant(true)
}

fn no() -> Object {
    constant(false)
}

fn constant(value: bool) -> Object {
    ObjectBuilder::new().schema_type(Type::Boolean).enum_values(Some([Value::Bool(value)])).build()
}

pub(super) fn source() -> Object {
    let says = "`api`: read for this answer. `cache`: a copy, at most five minutes old.";
    words(says, ["api", "cache"])
}

pub(super) fn states() -> Object {
    words("Where a rent stands.", Status::ALL.map(Status::as_str))
}

fn codes() -> Object {
    let says = "A word for programs; it never changes. Each has a page at `/docs/errors/CODE`.";
    words(says, FaultCode::ALL.iter().map(|code| code.as_str()))
}

/// A moment, to the second.
pub(super) fn moment() -> Object {
    let pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$";
    let says = "A moment in UTC, to the second (RFC 3339).";
    text(says, pattern)
}

/// An amount of USD as text.
pub(super) fn amount() -> Object {
    text("An amount in USD: two to six decimals, no exponent.", r"^-?[0-9]+\.[0-9]{2,6}$")
}

/// A whole number as text.
pub(super) fn count() -> Object {
    text("A whole number, as text.", "^[0-9]+$")
}

/// The id of something.
pub(super) fn id() -> Object {
    text("An id; digits.", "^[0-9]+$")
}

fn text(says: &str, pattern: &str) -> Object {
    let text = ObjectBuilder::new().schema_type(Type::String).description(Some(says));
    text.pattern(Some(pattern)).build()
}
