//! The books: purses, holds, movements and the double entries they stand for.
//!
//! A purchase is a hold: pending transfers, all or none, that are posted or voided once. No purse can be
//! overdrawn because [`Purses`] refuses it, not because somebody looked first. Each movement has a step
//! name that can exist only once, so a repeated step is refused by the database itself.
#![deny(clippy::arithmetic_side_effects)]

mod movement;
mod purses;
mod split;

pub use movement::{
    Draft, Movement, MovementKind, Phase, Platform, Reference, Transfer, ledger_account, platform_account,
};
pub use purses::{Change, Fund, Purse, Purses, Refused};
pub use split::{Short, Split, split};
