//! HTTP: routes, extractors, the one mapping from faults to answers, and the server itself. Handlers are thin:
//! they read, call a use case, and print.

mod body;
mod client;
mod cors;
mod extract;
mod frame;
mod health;
mod hooks;
mod meter;
mod patient;
mod place;
mod problem;
mod published;
mod routes;
mod sandbox;
mod seats;
mod server;

pub use routes::router;
pub use server::{Bounds, PeerAddress, Serving, serve};
