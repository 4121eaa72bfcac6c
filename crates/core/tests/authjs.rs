//! Sessions of Auth.js and NextAuth, as the npm packages make them.
//! Guards: what the packages encrypt is read; what is spoilt, over, or of another secret is not.

#[cfg(test)]
#[path = "authjs/own.rs"]
mod own;
#[cfg(test)]
#[path = "authjs/vectors.rs"]
mod vectors;

#[cfg(test)]
use numberotp_core::time::{Span, Time};

/// A moment by its Unix second.
#[cfg(test)]
fn moment(seconds: i64) -> Time {
    Time::default().plus(Span::seconds(seconds))
}
