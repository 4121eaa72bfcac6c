//! The whole URL table on one page.

use super::about::{self, Library};
use super::describe;
use super::device_page;
use super::document::{DELETE, GET, PATCH, POST, Table};
use super::express::Express;
use super::frame::Frame;
use super::health;
use super::hooks;
use super::problem::Problem;
use super::published::{account, prices, rent, vocabulary};
use super::sandbox;
use super::v1;
use super::{admin, auth};
use crate::app::Context;
use crate::config::Mode;
use axum::extract::Request;
use axum::response::Response;
use axum::{Extension, Router};
use http::Uri;
use numberotp_core::fault::{Fault, FaultCode};
use serde_json::Value;
use std::sync::Arc;

/// What a listener serves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// Everything: there is one listener.
    Everything,
    /// What is for customers and providers; admins have a listener of their own.
    Public,
    /// What is for admins.
    Admin,
}

/// Every address of a part, who answers it, and what the document says of it.
fn table(mode: Mode, part: Part) -> Table {
    let table = match part {
        Part::Everything => admins(public(mode, Table::default())),
        Part::Public => public(mode, Table::default()),
        Part::Admin => admins(Table::default()),
    };
    table
        .add_page(GET, "/openapi.json", about::document, describe::about::document())
        .add(GET, "/docs", about::reference, describe::about::reference())
        .add_page(GET, "/docs/scripts/{file}", about::script, describe::about::script())
        .add(GET, "/docs/errors", about::errors, describe::about::errors())
        .add(GET, "/docs/errors/{code}", about::error, describe::about::error())
}

/// What is for the people who run the service.
fn admins(table: Table) -> Table {
    table
        .add_admin(GET, "/admin/api/accounts", admin::find, describe::admin::find())
        .add_admin(GET, "/admin/api/accounts/{id}", admin::look, describe::admin::look())
        .add_admin(
            POST,
            "/admin/api/accounts/{id}/standing",
            admin::set_standing,
            describe::admin::standing(),
        )
        .add_admin(POST, "/admin/api/accounts/{id}/adjust", admin::adjust, describe::admin::adjust())
        .add_admin(GET, "/admin/api/accounts/{id}/sessions", admin::sessions, describe::admin::sessions())
        .add_admin(
            DELETE,
            "/admin/api/accounts/{id}/sessions",
            admin::end_sessions,
            describe::admin::end_sessions(),
        )
        .add_admin(GET, "/admin/api/acts", admin::acts, describe::admin::acts())
}

/// Who may come in: people, and the programs and keys of people.
fn sign_in(table: Table) -> Table {
    table
        .add(POST, "/api/auth/sign-up", auth::coming::sign_up, describe::auth::sign_up())
        .add(POST, "/api/auth/verify-email", auth::coming::verify_email, describe::auth::verify_email())
        .add(POST, "/api/auth/resend-code", auth::coming::resend_code, describe::auth::resend_code())
        .add(POST, "/api/auth/sign-in", auth::session::sign_in, describe::auth::sign_in())
        .add(POST, "/api/auth/sign-out", auth::session::sign_out, describe::auth::sign_out())
        .add(POST, "/api/auth/forgot-password", auth::coming::forgot, describe::auth::forgot())
        .add(POST, "/api/auth/reset-password", auth::coming::reset, describe::auth::reset())
        .add(
            POST,
            "/api/auth/confirm-password",
            auth::own::confirm_password,
            describe::auth::confirm_password(),
        )
        .add(POST, "/api/auth/change-password", auth::own::change_password, describe::auth::change_password())
        .add(POST, "/api/auth/change-email", auth::own::change_email, describe::auth::change_email())
        .add(POST, "/api/auth/confirm-email", auth::own::confirm_email, describe::auth::confirm_email())
        .add(POST, "/api/auth/totp/start", auth::own::totp_start, describe::auth::totp_start())
        .add(POST, "/api/auth/totp/confirm", auth::own::totp_confirm, describe::auth::totp_confirm())
        .add(POST, "/api/auth/totp/disable", auth::own::totp_disable, describe::auth::totp_disable())
        .add(GET, "/v1/user/sessions", v1::sessions::list, describe::sign_in::sessions())
        .add(DELETE, "/v1/user/sessions", v1::sessions::revoke, describe::sign_in::sessions_revoke())
        .add(GET, "/v1/me", v1::me::get, describe::account::me())
        .add(GET, "/device", device_page::show, describe::oauth::page())
        .add(POST, "/device", device_page::submit, describe::oauth::page_submit())
        .add(POST, "/v1/oauth/token", v1::oauth::token, describe::oauth::token())
        .add(POST, "/v1/oauth/revoke", v1::oauth::revoke, describe::oauth::revoke())
        .add(POST, "/v1/oauth/email-code", v1::oauth::email_code, describe::oauth::email_code())
        .add(POST, "/v1/oauth/device/code", v1::oauth::device_code, describe::oauth::device_code())
        .add(GET, "/v1/oauth/device", v1::oauth::device_look, describe::oauth::device_look())
        .add(POST, "/v1/oauth/device", v1::oauth::device_decide, describe::oauth::device_decide())
        .add(GET, "/v1/user/apikeys", v1::api_keys::list, describe::api_keys::list())
        .add(POST, "/v1/user/apikeys", v1::api_keys::create, describe::api_keys::create())
        .add(DELETE, "/v1/user/apikeys", v1::api_keys::delete, describe::api_keys::delete())
}

/// What is for customers, providers and whoever keeps the server running.
fn public(mode: Mode, table: Table) -> Table {
    let table = sign_in(table)
        .add(GET, prices::ROUTE, prices::prices, describe::public::prices())
        .add(GET, "/api/public/rent-prices", prices::rent_prices, describe::public::rent_prices())
        .add(GET, "/api/public/services", vocabulary::services, describe::public::services())
        .add(GET, "/api/public/countries", vocabulary::countries, describe::public::countries())
        .add(GET, "/api/public/operators", vocabulary::operators, describe::public::operators())
        .add(POST, "/api/internal/rent", rent::rent, describe::rent::buy())
        .add(GET, "/api/internal/rents", rent::list, describe::rent::list())
        .add(GET, "/api/internal/rent/{id}", rent::get, describe::rent::get())
        .add(DELETE, "/api/internal/rent/{id}", rent::cancel, describe::rent::delete())
        .add(GET, "/api/internal/rent/{id}/wait", rent::wait, describe::rent::wait())
        .add(POST, "/api/internal/rent/{id}/cancel", rent::cancel, describe::rent::cancel())
        .add(POST, "/api/internal/rent/{id}/finish", rent::finish, describe::rent::finish())
        .add(POST, "/api/internal/rent/{id}/resend", rent::resend, describe::rent::resend())
        .add(GET, "/api/internal/balance", account::balance, describe::account::balance())
        .add(POST, "/api/internal/balance", account::balance_post, describe::account::balance_post())
        .add(GET, "/api/internal/transactions", account::transactions, describe::account::transactions())
        .add(GET, "/api/user/profile", account::profile, describe::account::profile())
        .add(PATCH, "/api/user/profile", account::profile_patch, describe::account::profile_patch())
        .add(POST, "/api/webhooks/sms/{provider}", hooks::sms, describe::webhooks::sms())
        .add(GET, "/healthz", health::health, describe::health::health())
        .add(GET, "/readyz", health::ready, describe::health::ready())
        .add(GET, "/metrics", health::metrics, describe::health::metrics());
    // What tests may do to a sandbox is no address at all in production.
    match mode {
        Mode::Production => table,
        Mode::Sandbox => table
            .add(POST, "/sandbox/scenarios", sandbox::queue, describe::sandbox::queue())
            .add(GET, "/sandbox/scenarios", sandbox::queued, describe::sandbox::queued())
            .add(DELETE, "/sandbox/scenarios", sandbox::drop_queued, describe::sandbox::drop_queued())
            .add(POST, "/sandbox/clock", sandbox::clock_advance, describe::sandbox::clock_advance())
            .add(GET, "/sandbox/clock", sandbox::clock, describe::sandbox::clock())
            .add(POST, "/sandbox/messages", sandbox::message, describe::sandbox::message()),
    }
}

/// The OpenAPI document of a server in this mode with one listener: what it serves at `/openapi.json`.
pub fn document(mode: Mode) -> Value {
    table(mode, Part::Everything).document()
}

/// Every route, inside its frame: what a connection talks to.
#[derive(Clone)]
pub struct Api(Arc<Inner>);

struct Inner {
    frame: Frame,
    routes: Router,
    express: Option<Express>,
}

impl Api {
    /// The routes of a server in its mode: those for admins too, unless they have a listener of their own.
    pub fn new(context: Arc<Context>) -> Self {
        let part = if context.edge.admin_listen.is_some() { Part::Public } else { Part::Everything };
        Self::of(context, part)
    }

    /// The routes of a part.
    pub fn of(context: Arc<Context>, part: Part) -> Self {
        let table = table(context.settings.mode, part);
        let library = Arc::new(Library::new(&table.document()));
        let routes = table.router(Extension(library), &context);
        let routes = routes.fallback(nowhere).method_not_allowed_fallback(not_this_way);
        let routes = routes.with_state(Arc::clone(&context));
        let express = match part {
            Part::Everything | Part::Public => Some(Express::new(Arc::clone(&context))),
            Part::Admin => None,
        };
        Self(Arc::new(Inner { frame: Frame::new(context), routes, express }))
    }

    /// The express way, if what it answers is served here.
    pub(super) fn express(&self) -> Option<&Express> {
        self.0.express.as_ref()
    }

    /// Answers a request. A slash at the end of its address changes nothing. The frame is around the router as a whole:
    /// what the router itself adds, such as `Allow`, is inside.
    pub async fn answer(&self, request: Request) -> Response {
        let Inner { frame, routes, .. } = &*self.0;
        frame.around(without_last_slash(request), routes.clone()).await
    }
}

fn without_last_slash(mut request: Request) -> Request {
    let bare = request.uri().path().strip_suffix('/').filter(|bare| !bare.is_empty());
    let address = bare.map(|bare| match request.uri().query() {
        Some(query) => format!("{bare}?{query}"),
        None => bare.to_owned(),
    });
    if let Some(Ok(uri)) = address.map(Uri::try_from) {
        *request.uri_mut() = uri;
    }
    request
}

async fn nowhere() -> Problem {
    Problem(Fault::new(FaultCode::NotFound))
}

async fn not_this_way() -> Problem {
    Problem(Fault::new(FaultCode::MethodNotAllowed))
}
