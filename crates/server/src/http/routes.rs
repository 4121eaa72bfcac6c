//! The whole URL table on one page.

use super::frame::{Frame, frame, note_route};
use super::health;
use super::hooks;
use super::problem::Problem;
use super::published::{account, prices, rent, vocabulary};
use super::sandbox;
use crate::app::Context;
use crate::config::Mode;
use axum::Router;
use axum::extract::Request;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use http::Uri;
use numberotp_core::fault::{Fault, FaultCode};
use std::sync::Arc;
use tower::ServiceExt;

/// Every route, inside its frame. A slash at the end of an address changes nothing.
pub fn router(context: Arc<Context>) -> Router {
    let routes = Router::new()
        .route("/api/public/prices", get(prices::prices))
        .route("/api/public/rent-prices", get(prices::rent_prices))
        .route("/api/public/services", get(vocabulary::services))
        .route("/api/public/countries", get(vocabulary::countries))
        .route("/api/public/operators", get(vocabulary::operators))
        .route("/api/internal/balance", get(account::balance).post(account::balance_post))
        .route("/api/internal/transactions", get(account::transactions))
        .route("/api/user/profile", get(account::profile).patch(account::profile_patch))
        .route("/api/internal/rent", post(rent::rent))
        .route("/api/internal/rents", get(rent::list))
        .route("/api/internal/rent/{id}", get(rent::get).delete(rent::cancel))
        .route("/api/internal/rent/{id}/wait", get(rent::wait))
        .route("/api/internal/rent/{id}/cancel", post(rent::cancel))
        .route("/api/internal/rent/{id}/finish", post(rent::finish))
        .route("/api/internal/rent/{id}/resend", post(rent::resend))
        .route("/api/webhooks/sms/{provider}", post(hooks::sms))
        .route("/healthz", get(health::health))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics));
    // What tests may do to a sandbox is no address at all in production.
    let routes = match context.settings.mode {
        Mode::Production => routes,
        Mode::Sandbox => routes
            .route(
                "/sandbox/scenarios",
                post(sandbox::queue).get(sandbox::queued).delete(sandbox::drop_queued),
            )
            .route("/sandbox/clock", post(sandbox::clock_advance).get(sandbox::clock))
            .route("/sandbox/messages", post(sandbox::message)),
    };
    let routes = routes.layer(from_fn(note_route));
    let routes =
        routes.fallback(nowhere).method_not_allowed_fallback(not_this_way).with_state(Arc::clone(&context));
    // Around the router as a whole: what the router itself adds, such as Allow, is inside the frame.
    let framed = Router::new().fallback_service(routes).layer(from_fn_with_state(Frame::new(context), frame));
    Router::new().fallback_service(framed.map_request(without_last_slash))
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
