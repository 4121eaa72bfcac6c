//! What a sandbox answers to a team's tests.

use super::{id, moment, words};
use numberotp_providers::sandbox::scenario::Scenario;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::Object;

/// A scenario that waits for a purchase.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct QueuedScenario<'a> {
    #[schema(schema_with = id)]
    pub(in crate::http) id: String,
    #[schema(schema_with = scenarios)]
    pub(in crate::http) scenario: &'static str,
    /// Only for a purchase of this service, by its slug.
    #[schema(required)]
    pub(in crate::http) service: Option<&'a str>,
    /// The code of the first message.
    #[schema(required)]
    pub(in crate::http) code: Option<&'a str>,
    /// The text of the message.
    #[schema(required)]
    pub(in crate::http) text: Option<&'a str>,
    /// How long until the first message, as `90s` or `20m`.
    #[schema(required)]
    pub(in crate::http) delay: Option<String>,
}

pub(in crate::http) fn scenarios() -> Object {
    words("What is to happen.", Scenario::ALL.map(Scenario::as_str))
}

/// How many were dropped.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Dropped {
    pub(in crate::http) dropped: u64,
}

/// The sandbox's time.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct SandboxTime {
    #[schema(schema_with = moment)]
    pub(in crate::http) now: String,
    /// How far it is ahead of the machine's time, as `90s` or `20m`.
    pub(in crate::http) offset: String,
}
