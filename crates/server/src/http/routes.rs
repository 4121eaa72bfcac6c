//! The whole URL table on one page.

use super::frame::{Frame, frame};
use super::hooks;
use super::problem::Problem;
use super::published::{account, prices, rent, vocabulary};
use crate::app::Context;
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use numberotp_core::fault::{Fault, FaultCode};
use std::sync::Arc;

/// Every route, inside its frame.
pub fn router(context: Arc<Context>) -> Router {
    Router::new()
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
        .fallback(nowhere)
        .method_not_allowed_fallback(not_this_way)
        .layer(from_fn_with_state(Frame::new(Arc::clone(&context)), frame))
        .with_state(context)
}

async fn nowhere() -> Problem {
    Problem(Fault::new(FaultCode::NotFound))
}

async fn not_this_way() -> Problem {
    Problem(Fault::new(FaultCode::MethodNotAllowed))
}
