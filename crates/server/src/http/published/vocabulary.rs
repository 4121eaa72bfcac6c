//! `/api/public/services|countries|operators`: the words a caller can use, with what is in stock.

use super::super::extract::Query;
use super::super::problem::Problem;
use super::super::shapes::vocabulary::{Known, KnownCountry, KnownOperator, KnownService};
use crate::app::Context;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use numberotp_core::fault::{Fault, FaultCode};
use numberotp_core::vocabulary::{CountryId, ServiceCode, Spelling};
use std::sync::Arc;

/// `GET /api/public/services?country=`
pub(in crate::http) async fn services(
    State(context): State<Arc<Context>>,
    query: Query,
) -> Result<Response, Problem> {
    let country = country(&context, &query)?;
    let stock = context.catalog.load().prices.services(country);
    let known = context.vocabulary.services().iter();
    let data = known
        .filter_map(|service| {
            let count = stock.get(&service.code)?;
            Some(KnownService {
                service: &service.slug,
                code: service.code.as_str(),
                name: &service.name,
                count: count.to_string(),
            })
        })
        .collect();
    Ok(Json(Known::new(data)).into_response())
}

/// `GET /api/public/countries?service=`
pub(in crate::http) async fn countries(
    State(context): State<Arc<Context>>,
    query: Query,
) -> Result<Response, Problem> {
    let service = service(&context, &query)?;
    let stock = context.catalog.load().prices.countries(service.as_ref());
    let known = context.vocabulary.countries().iter();
    let data = known
        .filter_map(|country| {
            let count = stock.get(&country.id)?;
            Some(KnownCountry {
                country: &country.iso,
                id: country.id.get().to_string(),
                name: &country.name,
                prefix: &country.prefix,
                count: count.to_string(),
            })
        })
        .collect();
    Ok(Json(Known::new(data)).into_response())
}

/// `GET /api/public/operators?service=&country=`
pub(in crate::http) async fn operators(
    State(context): State<Arc<Context>>,
    query: Query,
) -> Result<Response, Problem> {
    let filter = (service(&context, &query)?, country(&context, &query)?);
    let view = context.catalog.load();
    let stock = view.prices.operators(&filter);
    let data = stock
        .into_iter()
        .map(|(operator, count)| KnownOperator { operator, count: count.to_string() })
        .collect();
    Ok(Json(Known::new(data)).into_response())
}

fn service(context: &Context, query: &Query) -> Result<Option<ServiceCode>, Fault> {
    let Some(text) = query.get("service") else { return Ok(None) };
    let found = context.vocabulary.find_service(&text, Spelling::SlugFirst);
    found.map(|service| Some(service.code.clone())).ok_or_else(|| Fault::new(FaultCode::UnknownService))
}

fn country(context: &Context, query: &Query) -> Result<Option<CountryId>, Fault> {
    let Some(text) = query.get("country") else { return Ok(None) };
    let found = context.vocabulary.find_country(&text);
    found.map(|country| Some(country.id)).ok_or_else(|| Fault::new(FaultCode::UnknownCountry))
}
