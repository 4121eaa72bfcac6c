//! Test harness.
pub mod app;
pub mod database;
