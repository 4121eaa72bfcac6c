//! `/admin/api/accounts`: find, look at, let stand somewhere else, adjust the purses of.

use super::super::body::Fields;
use super::super::extract::Query;
use super::super::problem::Problem;
use super::super::published::pagination;
use super::super::shapes::admin::{Adjusted, Line, Looked, SignIn};
use super::super::shapes::{Answer, Listed};
use super::{Admin, Whose, conflict, missing, reason};
use crate::app::admin::{self, Adjustment, Changed, Stood};
use crate::app::{Context, from_store};
use axum::Json;
use axum::extract::State;
use numberotp_core::caller::Standing;
use numberotp_core::fault::{Fault, FaultCode};
use numberotp_core::money::Usd;
use serde_json::Value;
use std::sync::Arc;

/// `GET /admin/api/accounts`
pub(in crate::http) async fn find(
    State(context): State<Arc<Context>>,
    Admin(by): Admin,
    query: Query,
) -> Result<Json<Listed<Line>>, Problem> {
    let page = query.page()?;
    let wanted = query.get("query").unwrap_or_default().trim().to_owned();
    // PostgreSQL has no texts with this character, so no account holds it.
    if wanted.contains('\0') {
        return Err(Fault::parameter("query", "must be a text").into());
    }
    let found = admin::find(&context.store, by, wanted, page.range());
    let (found, total) = found.await.map_err(from_store)?;
    Ok(Json(Listed::new(found.iter().map(Line::of).collect(), pagination(page, total))))
}

/// `GET /admin/api/accounts/{id}`
pub(in crate::http) async fn look(
    State(context): State<Arc<Context>>,
    Admin(by): Admin,
    Whose(id): Whose,
) -> Result<Json<Answer<Looked>>, Problem> {
    let found = context.store.write(move |tx| admin::look(tx, &by, id)).await.map_err(from_store)?;
    let found = found.ok_or_else(missing)?;
    Ok(Json(Answer::new(Looked {
        account: Line::of(&(found.account, found.purses)),
        rents: found.counts.purchases,
        open_rents: found.counts.open,
        keys: found.counts.keys,
        sessions: found.counts.sessions,
        last_sign_in_at: found.counts.signed_in_at.map(|at| at.to_rfc3339_seconds()),
        sign_ins: found.sign_ins.iter().map(SignIn::of).collect(),
    })))
}

/// `POST /admin/api/accounts/{id}/standing`
pub(in crate::http) async fn set_standing(
    State(context): State<Arc<Context>>,
    Admin(by): Admin,
    Whose(id): Whose,
    fields: Fields,
) -> Result<Json<Answer<Line>>, Problem> {
    let standing = Standing::parse(fields.required("standing")?);
    let words = "must be one of pending, approved, limited, suspended, closed";
    let standing = standing.ok_or_else(|| Fault::parameter("standing", words))?;
    let reason = reason(&fields)?;
    let stood = context.store.write(move |tx| {
        let stood = admin::set_standing(tx, &by, (id, standing), &reason)?;
        Ok((stood, admin::summary(tx, id)?))
    });
    let (stood, account) = stood.await.map_err(from_store)?;
    match stood {
        Stood::Done | Stood::Already => {}
        Stood::Own => return Err(conflict("An admin does not change its own standing.").into()),
        Stood::Missing => return Err(missing().into()),
        Stood::Refused(from) => {
            let sentence =
                format!("The account is {} and cannot become {}.", from.as_str(), standing.as_str());
            return Err(Fault::new(FaultCode::InvalidState).saying(sentence).into());
        }
    }
    // This server need not wait for its memory to fade.
    context.known.forget(id);
    Ok(Json(Answer::new(account.as_ref().map(Line::of).ok_or_else(missing)?)))
}

/// `POST /admin/api/accounts/{id}/adjust`
pub(in crate::http) async fn adjust(
    State(context): State<Arc<Context>>,
    Admin(by): Admin,
    Whose(id): Whose,
    fields: Fields,
) -> Result<Json<Answer<Adjusted>>, Problem> {
    let wanted = Adjustment {
        account: id,
        credits: credits(&fields)?,
        balance: balance(&fields)?,
        credit: context.settings.credit,
        reason: reason(&fields)?,
        reference: reference(&fields)?,
    };
    let (changed, account) = admin::adjust_at_once(&context, by, wanted).await?;
    let adjusted = match changed {
        Changed::Done => true,
        Changed::Before => false,
        Changed::Short => {
            return Err(conflict("The purses do not hold that much. Nothing was changed.").into());
        }
        Changed::OtherChange => {
            return Err(conflict("Under this reference another change was made. Give another one.").into());
        }
        Changed::Nothing => {
            return Err(Fault::parameter("credits", "or `balance` must be given, and not be zero").into());
        }
        Changed::Own => return Err(conflict("An admin does not adjust its own purses.").into()),
        Changed::Missing => return Err(missing().into()),
    };
    let account = account.as_ref().map(Line::of).ok_or_else(missing)?;
    Ok(Json(Answer::new(Adjusted { adjusted, account })))
}

/// A whole number of credits, below zero to take away.
fn credits(fields: &Fields) -> Result<i64, Fault> {
    let read =
        |value: &Value| value.as_i64().ok_or_else(|| Fault::parameter("credits", "must be a whole number"));
    fields.get("credits").map_or(Ok(0), read)
}

/// An amount of USD, below zero to take away.
fn balance(fields: &Fields) -> Result<Usd, Fault> {
    let text = match fields.get("balance") {
        None => return Ok(Usd::default()),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(_) => return Err(Fault::parameter("balance", "must be an amount such as -0.05")),
    };
    Usd::parse(&text).map_err(|error| Fault::parameter("balance", &error.to_string()))
}

/// The name under which a change is made once.
fn reference(fields: &Fields) -> Result<Option<String>, Fault> {
    let Some(text) = fields.text("reference")?.map(str::trim) else { return Ok(None) };
    let fits = (1..=100).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if fits {
        Ok(Some(text.to_owned()))
    } else {
        Err(Fault::parameter("reference", "must be a line of 1 to 100 characters"))
    }
}
