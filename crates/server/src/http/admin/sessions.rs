//! `/admin/api/accounts/{id}/sessions`: where an account's people are signed in, and ending that.

use super::super::extract::Query;
use super::super::problem::Problem;
use super::super::shapes::admin::{SignIn, SignedOut as Shape};
use super::super::shapes::{Answer, Every};
use super::{Admin, Whose, missing, row};
use crate::app::admin::{self, Reason, SignedOut};
use crate::app::sessions::Which;
use crate::app::{Context, from_store};
use axum::Json;
use axum::extract::State;
use numberotp_core::fault::Fault;
use numberotp_core::id::SessionId;
use std::sync::Arc;

/// `GET /admin/api/accounts/{id}/sessions`
pub(in crate::http) async fn list(
    State(context): State<Arc<Context>>,
    Admin(by): Admin,
    Whose(id): Whose,
) -> Result<Json<Every<SignIn>>, Problem> {
    let live = context.store.write(move |tx| admin::sessions(tx, &by, id)).await.map_err(from_store)?;
    Ok(Json(Every::new(live.ok_or_else(missing)?.iter().map(SignIn::of).collect())))
}

/// `DELETE /admin/api/accounts/{id}/sessions`: one that the query names, or all of them.
pub(in crate::http) async fn end(
    State(context): State<Arc<Context>>,
    Admin(by): Admin,
    Whose(id): Whose,
    query: Query,
) -> Result<Json<Answer<Shape>>, Problem> {
    let which = match query.get("session") {
        None => Which::All,
        Some(text) => Which::One(SessionId::new(row(&text).ok_or_else(missing)?)),
    };
    let read = |text| {
        Reason::parse(text).ok_or_else(|| Fault::parameter("reason", "must be a line of 1 to 500 characters"))
    };
    let reason = query.get("reason").as_deref().map(read).transpose()?;
    let ended = context.store.write(move |tx| admin::sign_out(tx, &by, (id, which), reason.as_ref()));
    let ended = ended.await.map_err(from_store)?;
    // This server need not wait for its memory to fade.
    context.known.forget(id);
    match ended {
        SignedOut::Done(ended) => Ok(Json(Answer::new(Shape { ended }))),
        SignedOut::Missing => Err(missing().into()),
    }
}
