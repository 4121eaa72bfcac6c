//! The words a caller can use, each with what is in stock.

use super::{count, id, source, yes};
use serde::Serialize;
use utoipa::ToSchema;

/// A list of words.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Known<T> {
    /// Always true.
    #[schema(schema_with = yes)]
    success: bool,
    data: Vec<T>,
    #[schema(schema_with = source)]
    source: &'static str,
}

impl<T> Known<T> {
    pub(in crate::http) const fn new(data: Vec<T>) -> Self {
        Self { success: true, data, source: "api" }
    }
}

/// A service on offer.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct KnownService<'a> {
    /// Its slug.
    pub(in crate::http) service: &'a str,
    /// Its short code.
    pub(in crate::http) code: &'a str,
    /// Its name.
    pub(in crate::http) name: &'a str,
    #[schema(schema_with = count)]
    pub(in crate::http) count: String,
}

/// A country on offer.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct KnownCountry<'a> {
    /// Its ISO code.
    pub(in crate::http) country: &'a str,
    #[schema(schema_with = id)]
    pub(in crate::http) id: String,
    /// Its name.
    pub(in crate::http) name: &'a str,
    /// Its calling code, without a plus.
    pub(in crate::http) prefix: &'a str,
    #[schema(schema_with = count)]
    pub(in crate::http) count: String,
}

/// An operator on offer.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct KnownOperator<'a> {
    /// Its short name; `any` where an offer does not tell them apart.
    pub(in crate::http) operator: &'a str,
    #[schema(schema_with = count)]
    pub(in crate::http) count: String,
}
