//! `/api/public/prices` and `/api/public/rent-prices`: ready bytes, with tags and compression prepared.

use super::super::extract::Query;
use super::super::problem::Problem;
use super::super::ready::{Fresh, Kind, answer};
use crate::app::Context;
use crate::app::prices::{Filter, Prices};
use crate::app::ready::Ready;
use axum::extract::{Request, State};
use axum::response::Response;
use numberotp_core::fault::Fault;
use numberotp_core::text::Operator;
use numberotp_core::vocabulary::Spelling;
use std::sync::Arc;

/// Where prices are asked for.
pub(in crate::http) const ROUTE: &str = "/api/public/prices";

/// Prices are asked for anew each time, and sent anew when they changed.
const JSON: (Kind, Fresh) = (Kind::Json, Fresh::Asked);

/// `GET /api/public/prices`
pub(in crate::http) async fn prices(
    State(context): State<Arc<Context>>,
    query: Query,
    request: Request,
) -> Response {
    answer(&ready(&context, &query), JSON, request.headers())
}

/// The prices that a query asks for.
pub(in crate::http) fn ready(context: &Context, query: &Query) -> Arc<Ready> {
    match filter(context, query) {
        Some(filter) => context.catalog.load().prices.prices(&filter),
        None => Arc::new(Prices::nothing()),
    }
}

/// `GET /api/public/rent-prices`
pub(in crate::http) async fn rent_prices(
    State(context): State<Arc<Context>>,
    query: Query,
    request: Request,
) -> Result<Response, Problem> {
    if query.get("service").is_none() {
        return Err(Problem(Fault::parameter("service", "is missing")));
    }
    let operator = query.get("operator").map(|text| {
        // What cannot be an operator's slug is an unknown operator: no lengths.
        Operator::parse(&text).or_else(|| Operator::parse("-")).unwrap_or_else(Operator::any)
    });
    Ok(match filter(&context, &query) {
        Some(filter) => answer(
            &context.catalog.load().prices.rent_prices(&filter, operator.as_ref()),
            JSON,
            request.headers(),
        ),
        None => answer(&Prices::nothing(), JSON, request.headers()),
    })
}

/// The filter a query asks for; `None`: it names something unknown, which matches nothing.
fn filter(context: &Context, query: &Query) -> Option<Filter> {
    let service = match query.get("service") {
        Some(text) => Some(context.vocabulary.find_service(&text, Spelling::SlugFirst)?.code.clone()),
        None => None,
    };
    let country = match query.get("country") {
        Some(text) => Some(context.vocabulary.find_country(&text)?.id),
        None => None,
    };
    Some((service, country))
}
