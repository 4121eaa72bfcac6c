//! What the frame knows of a request, in one value that goes with it: under which id it is logged, whose it is, by which
//! meter it counts, which place it has, which route it took.
//!
//! Guards that what is measured names a route of ours, never what a caller wrote. One value rather than one for each,
//! because every request pays for each thing that is put beside it.

use super::client::ClientAddress;
use super::meter::Meter;
use super::place::Place;
use axum::extract::Request;
use axum::handler::Handler;
use http::Extensions;
use std::sync::{Arc, OnceLock};

/// What goes with a request.
pub(super) struct Inside {
    /// The id under which the request is logged and reported.
    pub(super) id: String,
    /// Where it comes from.
    pub(super) client: ClientAddress,
    /// What it counts as.
    pub(super) meter: Meter,
    /// Its place among those being worked on; waits have none.
    pub(super) place: Place,
    route: OnceLock<&'static str>,
}

impl Inside {
    pub(super) fn new(id: String, client: ClientAddress, meter: Meter, place: Place) -> Self {
        Self { id, client, meter, place, route: OnceLock::new() }
    }

    /// That of a request inside the frame.
    pub(super) fn of(extensions: &Extensions) -> Option<&Arc<Self>> {
        extensions.get()
    }

    /// The route that was taken; `none` where there is none.
    pub(super) fn taken_route(&self) -> &'static str {
        self.route.get().copied().unwrap_or("none")
    }
}

/// A handler that tells by which route it was reached.
#[derive(Clone)]
pub(super) struct At<H> {
    pub(super) route: &'static str,
    pub(super) handler: H,
}

impl<H: Handler<T, S>, T, S> Handler<T, S> for At<H> {
    type Future = H::Future;

    fn call(self, request: Request, state: S) -> H::Future {
        if let Some(inside) = Inside::of(request.extensions()) {
            // A request takes one route.
            let _first = inside.route.set(self.route);
        }
        self.handler.call(request, state)
    }
}
