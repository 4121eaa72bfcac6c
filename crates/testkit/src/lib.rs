//! Test harness.
pub mod database;
