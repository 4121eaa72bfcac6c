//! HTTP: routes, extractors, the one mapping from faults to answers, and the server itself. Handlers are thin:
//! they read, call a use case, and print.

mod body;
mod client;
mod cors;
mod extract;
mod frame;
mod hooks;
mod meter;
mod problem;
mod published;
mod routes;
mod sandbox;
mod server;

pub use routes::router;
pub use server::{PeerAddress, Serving, serve};
