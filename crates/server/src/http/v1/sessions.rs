//! `/v1/user/sessions`: where a person is signed in. Source: the official clients' `sessions.list` and `sessions.revoke`.

use super::super::body::Fields;
use super::super::extract::Authenticated;
use super::super::problem::Problem;
use super::super::shapes::session::{Ended, Signed};
use super::super::shapes::{Answer, Every};
use crate::app::Context;
use crate::app::sessions::{Session, Which, list as live, revoke as end};
use axum::Json;
use axum::extract::State;
use numberotp_core::caller::Caller;
use numberotp_core::fault::{Fault, FaultCode};
use numberotp_core::id::SessionId;
use std::sync::Arc;

/// `GET /v1/user/sessions`
pub(in crate::http) async fn list(
    State(context): State<Arc<Context>>,
    Authenticated(caller): Authenticated,
) -> Result<Json<Every<Signed>>, Problem> {
    let sessions = live(&context, &caller).await?;
    Ok(Json(Every::new(sessions.iter().map(|session| signed(&caller, session)).collect())))
}

fn signed(caller: &Caller, session: &Session) -> Signed {
    Signed {
        id: session.id.get().to_string(),
        kind: session.kind.as_str(),
        platform: session.device.platform.clone(),
        device_name: session.device.name.clone(),
        network: session.device.network.clone(),
        created_at: session.created_at.to_rfc3339_millis(),
        last_used_at: session.last_used_at.map(|at| at.to_rfc3339_millis()),
        expires_at: session.expires_at.to_rfc3339_millis(),
        ip_country: None,
        current: caller.credential_id == session.id.get(),
    }
}

/// `DELETE /v1/user/sessions`: the body names one, or all of them.
pub(in crate::http) async fn revoke(
    State(context): State<Arc<Context>>,
    Authenticated(caller): Authenticated,
    fields: Fields,
) -> Result<Json<Answer<Ended>>, Problem> {
    let which = match (fields.flag("all")?, fields.name("id")?) {
        (Some(true), None) => Which::All,
        (Some(false) | None, Some(text)) => {
            let row = text.parse::<i64>().ok().filter(|row| *row > 0);
            Which::One(SessionId::new(row.ok_or_else(|| Fault::new(FaultCode::NotFound))?))
        }
        _ => return Err(Fault::parameter("id", "or `all` must be given, one of the two").into()),
    };
    end(&context, &caller, which).await?;
    Ok(Json(Answer::new(Ended { revoked: true })))
}
