//! The rules of the product: money, the life of an activation, prices, identities.
//!
//! Nothing here is asynchronous, reads a clock, draws a random number or touches a socket or a
//! database: time and randomness are arguments, answers are values. The manifest names no crate
//! that could do otherwise, so the rule keeps itself.
#![deny(clippy::float_arithmetic)]

pub mod activation;
pub mod authjs;
pub mod caller;
pub mod catalog;
pub mod chain;
pub mod cookie;
pub mod fault;
pub mod guesses;
pub mod id;
pub mod inbound;
pub mod job;
pub mod keepsake;
pub mod ledger;
pub mod limits;
pub mod mailed_codes;
pub mod mailing;
pub mod money;
pub mod otp;
pub mod policy;
pub mod pricing;
pub mod secret;
pub mod session;
pub mod text;
pub mod time;
pub mod token;
pub mod totp;
pub mod vocabulary;
pub mod webhook;
