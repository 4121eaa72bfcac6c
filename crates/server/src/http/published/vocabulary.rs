//! `/api/public/services|countries|operators`: the words a caller can use, with what is in stock.

use super::super::extract::Query;
use super::super::problem::Problem;
use crate::app::Context;
use axum::Json;
use axum::extract::State;
use numberotp_core::fault::{Fault, FaultCode};
use numberotp_core::vocabulary::{CountryId, ServiceCode, Spelling};
use serde_json::{Value, json};
use std::sync::Arc;

/// `GET /api/public/services?country=`
pub(in crate::http) async fn services(
    State(context): State<Arc<Context>>,
    query: Query,
) -> Result<Json<Value>, Problem> {
    let country = country(&context, &query)?;
    let stock = context.catalog.load().prices.services(country);
    let known = context.vocabulary.services().iter();
    let data: Vec<Value> = known
        .filter_map(|service| {
            let count = stock.get(&service.code)?;
            Some(json!({ "service": service.slug, "code": service.code.as_str(), "name": service.name, "count": count.to_string() }))
        })
        .collect();
    Ok(Json(json!({ "success": true, "data": data, "source": "api" })))
}

/// `GET /api/public/countries?service=`
pub(in crate::http) async fn countries(
    State(context): State<Arc<Context>>,
    query: Query,
) -> Result<Json<Value>, Problem> {
    let service = service(&context, &query)?;
    let stock = context.catalog.load().prices.countries(service.as_ref());
    let known = context.vocabulary.countries().iter();
    let data: Vec<Value> = known
        .filter_map(|country| {
            let count = stock.get(&country.id)?;
            Some(json!({ "country": country.iso, "id": country.id.get().to_string(), "name": country.name, "prefix": country.prefix, "count": count.to_string() }))
        })
        .collect();
    Ok(Json(json!({ "success": true, "data": data, "source": "api" })))
}

/// `GET /api/public/operators?service=&country=`
pub(in crate::http) async fn operators(
    State(context): State<Arc<Context>>,
    query: Query,
) -> Result<Json<Value>, Problem> {
    let filter = (service(&context, &query)?, country(&context, &query)?);
    let view = context.catalog.load();
    let stock = view.prices.operators(&filter);
    let data: Vec<Value> = stock
        .into_iter()
        .map(|(operator, count)| json!({ "operator": operator, "count": count.to_string() }))
        .collect();
    Ok(Json(json!({ "success": true, "data": data, "source": "api" })))
}

fn service(context: &Context, query: &Query) -> Result<Option<ServiceCode>, Fault> {
    let Some(text) = query.get("service") else { return Ok(None) };
    let found = context.vocabulary.find_service(text, Spelling::SlugFirst);
    found.map(|service| Some(service.code.clone())).ok_or_else(|| Fault::new(FaultCode::UnknownService))
}

fn country(context: &Context, query: &Query) -> Result<Option<CountryId>, Fault> {
    let Some(text) = query.get("country") else { return Ok(None) };
    let found = context.vocabulary.find_country(text);
    found.map(|country| Some(country.id)).ok_or_else(|| Fault::new(FaultCode::UnknownCountry))
}
