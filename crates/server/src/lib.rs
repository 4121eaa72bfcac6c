//! The process: HTTP, use cases, storage, jobs. Inside, `http` and `jobs` call `app`, which calls `store`;
//! nothing calls upward.
#![deny(clippy::large_futures)]

pub mod app;
pub mod boot;
pub mod cli;
pub mod clock;
pub mod config;
pub mod entropy;
pub mod http;
pub mod jobs;
pub mod mailer;
pub mod metrics;
pub mod outbound;
pub mod store;
pub mod telemetry;
pub mod vault;
