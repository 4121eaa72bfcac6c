//! `/admin/api`: for the people who run the service. Every route of it stands behind one check of the role, which comes
//! before anything of the request is read: whoever is no admin does not learn what exists.
//!
//! Guards that a handler that forgets the check is behind it all the same, and that no answer is kept by anybody.

mod accounts;
mod acts;
mod sessions;

pub(super) use accounts::{adjust, find, look, set_standing};
pub(super) use acts::list as acts;
pub(super) use sessions::{end as end_sessions, list as sessions};

use super::body::Fields;
use super::extract::{Authenticated, PathText};
use super::problem::Problem;
use crate::app::Context;
use crate::app::admin::{By, Reason, Who};
use crate::app::second_factor;
use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::request::Parts;
use numberotp_core::fault::{Fault, FaultCode};
use numberotp_core::id::AccountId;
use std::sync::Arc;

/// The one check of the role, and of what else admins need here.
pub(super) async fn admin_only(
    State(context): State<Arc<Context>>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let Authenticated(caller) = Authenticated::from_request_parts(&mut parts, &context).await?;
    caller.require_admin()?;
    second_factor::required(&context, &caller).await?;
    parts.extensions.insert(Admin(By { who: Who::Admin(caller.account), now: context.clock.now() }));
    Ok(next.run(Request::from_parts(parts, body)).await)
}

/// Who acts; the check leaves it with the request.
#[derive(Clone, Copy)]
pub(super) struct Admin(By);

impl FromRequestParts<Arc<Context>> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Context>) -> Result<Self, Problem> {
        let admin = parts.extensions.get::<Self>().copied();
        admin.ok_or_else(|| Fault::new(FaultCode::AdminRequired).into())
    }
}

/// The account of a path.
pub(super) struct Whose(AccountId);

impl FromRequestParts<Arc<Context>> for Whose {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, context: &Arc<Context>) -> Result<Self, Problem> {
        let PathText(text) = PathText::from_request_parts(parts, context).await?;
        row(&text).map(|row| Self(AccountId::new(row))).ok_or_else(|| missing().into())
    }
}

/// A row's number, as answers print it.
fn row(text: &str) -> Option<i64> {
    text.parse::<i64>().ok().filter(|row| *row > 0)
}

fn missing() -> Fault {
    Fault::new(FaultCode::NotFound).saying("There is no such account, or it has nothing by this id.")
}

fn conflict(sentence: &'static str) -> Fault {
    Fault::new(FaultCode::InvalidState).saying(sentence)
}

/// Why something is done; needed wherever something changes.
fn reason(fields: &Fields) -> Result<Reason, Fault> {
    let reason = Reason::parse(fields.required("reason")?);
    reason.ok_or_else(|| Fault::parameter("reason", "must be a line of 1 to 500 characters"))
}
