//! `/admin/api/acts`: the chain of acts, newest first. Looking at it is no act.

use super::super::extract::Query;
use super::super::problem::Problem;
use super::super::published::pagination;
use super::super::shapes::Listed;
use super::super::shapes::admin::Done;
use super::{Admin, row};
use crate::app::admin::acts;
use crate::app::{Context, from_store};
use axum::Json;
use axum::extract::State;
use numberotp_core::fault::Fault;
use numberotp_core::id::AccountId;
use std::sync::Arc;

/// `GET /admin/api/acts`
pub(in crate::http) async fn list(
    State(context): State<Arc<Context>>,
    Admin(_): Admin,
    query: Query,
) -> Result<Json<Listed<Done>>, Problem> {
    let page = query.page()?;
    let read =
        |text| row(text).map(AccountId::new).ok_or_else(|| Fault::parameter("account", "must be an id"));
    let about = query.get("account").as_deref().map(read).transpose()?;
    let found = context.store.snapshot(move |tx| acts(tx, about, page.range()));
    let (found, total) = found.await.map_err(from_store)?;
    Ok(Json(Listed::new(found.iter().map(Done::of).collect(), pagination(page, total))))
}
