//! HTTP: routes, extractors, the one mapping from faults to answers, and the server itself. Handlers are thin:
//! they read, call a use case, and print.

mod about;
mod admin;
mod auth;
mod body;
mod client;
mod cors;
mod csrf;
mod describe;
mod device_page;
mod document;
mod error_pages;
mod express;
mod extract;
mod frame;
mod health;
mod hooks;
mod inside;
mod meter;
mod patient;
mod place;
mod problem;
mod published;
mod ready;
mod routes;
mod sandbox;
mod seats;
mod server;
mod shapes;
mod v1;

pub use routes::{Api, Part, document};
pub use server::{Bounds, PeerAddress, Serving, serve};
