//! Test harness.
pub mod app;
pub mod authjs;
pub mod cluster;
pub mod database;
pub mod disk;
pub mod instant;
