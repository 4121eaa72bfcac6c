//! How each upstream speaks: requests are built and replies are read here, nothing is sent.
//!
//! An adapter is pure. It makes no call, reads no clock and keeps no state, so each of its sentences can be
//! tested against a recorded one, and the server owns deadlines, retries and money.
#![deny(clippy::float_arithmetic)]

pub mod gateway;
pub mod keys;
pub mod own;
pub mod provider;
pub mod sandbox;
