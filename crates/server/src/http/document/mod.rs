//! The OpenAPI document, and the router, made from the same table.
//!
//! Guards that there is no route without its description and no description without its route: the only way to add
//! either is [`Table::add`], which adds both. Must never describe what another part of the server decides.

mod operation;
mod print;
mod schemas;

pub(super) use operation::{Operation, Tag, text};

use super::about::Library;
use super::admin::admin_only;
use super::inside::At;
use crate::app::Context;
use axum::handler::Handler;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodFilter, on};
use axum::{Extension, Router};
use http::Method;
use serde_json::Value;
use std::sync::Arc;

/// A route as the document shows it.
struct Entry {
    method: Method,
    path: &'static str,
    operation: Operation,
}

/// Every route with its description.
#[derive(Default)]
pub(super) struct Table {
    router: Router<Arc<Context>>,
    /// Those that send what is in the library.
    pages: Router<Arc<Context>>,
    /// Those behind the check of the role.
    admin: Router<Arc<Context>>,
    entries: Vec<Entry>,
}

/// A method, and how the router says it.
pub(super) type Verb = (Method, MethodFilter);
/// `GET`, and `HEAD` with it.
pub(super) const GET: Verb = (Method::GET, MethodFilter::GET);
pub(super) const POST: Verb = (Method::POST, MethodFilter::POST);
pub(super) const PATCH: Verb = (Method::PATCH, MethodFilter::PATCH);
pub(super) const DELETE: Verb = (Method::DELETE, MethodFilter::DELETE);

impl Table {
    /// Adds a route: who answers it, and what the document says of it.
    pub(super) fn add<H: Handler<T, Arc<Context>>, T: 'static>(
        mut self,
        (method, filter): Verb,
        path: &'static str,
        handler: H,
        operation: Operation,
    ) -> Self {
        self.describe(method, path, operation);
        self.router = self.router.route(path, on(filter, At { route: path, handler }));
        self
    }

    /// The same for what is answered from the library: others must not pay for its being at hand.
    pub(super) fn add_page<H: Handler<T, Arc<Context>>, T: 'static>(
        mut self,
        (method, filter): Verb,
        path: &'static str,
        handler: H,
        operation: Operation,
    ) -> Self {
        self.describe(method, path, operation);
        self.pages = self.pages.route(path, on(filter, At { route: path, handler }));
        self
    }

    /// The same for what admins alone may do: nothing of these is reached but through the check of the role.
    pub(super) fn add_admin<H: Handler<T, Arc<Context>>, T: 'static>(
        mut self,
        (method, filter): Verb,
        path: &'static str,
        handler: H,
        operation: Operation,
    ) -> Self {
        self.describe(method, path, operation);
        self.admin = self.admin.route(path, on(filter, At { route: path, handler }));
        self
    }

    fn describe(&mut self, method: Method, path: &'static str, operation: Operation) {
        let operation = operation.reached_by(&method);
        self.entries.push(Entry { method, path, operation });
    }

    /// The routes.
    pub(super) fn router(
        self,
        library: Extension<Arc<Library>>,
        context: &Arc<Context>,
    ) -> Router<Arc<Context>> {
        let routes = self.router.merge(self.pages.layer(library));
        if !self.admin.has_routes() {
            return routes;
        }
        routes.merge(self.admin.route_layer(from_fn_with_state(Arc::clone(context), admin_only)))
    }

    /// The document.
    pub(super) fn document(&self) -> Value {
        print::document(&self.entries)
    }
}
