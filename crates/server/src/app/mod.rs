//! Use cases, one file per noun. They answer a result or a fault and know nothing of HTTP.

pub mod account;
pub mod activations;
pub mod adjustments;
pub mod admin;
pub mod api_keys;
pub mod auth;
pub mod authjs;
pub mod catalog;
pub mod codes;
mod context;
pub mod demo;
pub mod devices;
mod fault;
pub mod gateway;
pub mod limits;
pub mod mail;
pub mod messages;
pub mod oauth;
pub mod password;
pub mod prices;
pub mod ready;
pub mod reconcile;
pub mod rents;
pub mod sandbox;
pub mod sandbox_clock;
pub mod sandbox_inbox;
pub mod scenarios;
pub mod second_factor;
pub mod sessions;
pub mod sign_in;
pub mod sign_up;
pub mod upstream;
pub mod uses;
pub mod vitals;

pub use context::Context;
pub use fault::from_store;
