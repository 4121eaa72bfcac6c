//! `/v1/user/apikeys`: a person's API keys. Source: the official clients' `api_keys.list`, `.create` and `.delete`.

use super::super::body::Fields;
use super::super::extract::Authenticated;
use super::super::problem::Problem;
use super::super::published::number;
use super::super::shapes::api_key::ApiKeyShape;
use super::super::shapes::session::Ended;
use super::super::shapes::{Answer, Every};
use crate::app::Context;
use crate::app::api_keys::{ApiKey, KeyTerms, KeyWish, Networks, create as make, list as live, revoke};
use axum::Json;
use axum::extract::State;
use ipnet::IpNet;
use numberotp_core::caller::Scopes;
use numberotp_core::fault::{Fault, FaultCode};
use numberotp_core::id::ApiKeyId;
use numberotp_core::secret::Secret;
use numberotp_core::time::{Span, Time};
use std::sync::Arc;

/// Longest name and purpose, in characters.
const NAME_MOST: usize = 60;
const PURPOSE_MOST: usize = 200;
/// Most networks of a key, and most days it may be given.
const NETWORKS_MOST: usize = 20;
const DAYS_MOST: i64 = 3_650;

/// `GET /v1/user/apikeys`
pub(in crate::http) async fn list(
    State(context): State<Arc<Context>>,
    Authenticated(caller): Authenticated,
) -> Result<Json<Every<ApiKeyShape>>, Problem> {
    let keys = live(&context, &caller).await?;
    Ok(Json(Every::new(keys.into_iter().map(|key| shape(key, None)).collect())))
}

/// `POST /v1/user/apikeys`
pub(in crate::http) async fn create(
    State(context): State<Arc<Context>>,
    Authenticated(caller): Authenticated,
    fields: Fields,
) -> Result<Json<Answer<ApiKeyShape>>, Problem> {
    // Who may not is told so before what is wrong with the body.
    caller.require_person()?;
    let wish = wish(&fields, context.clock.now())?;
    let (text, key) = make(&context, &caller, wish).await?;
    Ok(Json(Answer::new(shape(key, Some(&text)))))
}

/// `DELETE /v1/user/apikeys`: the body names one.
pub(in crate::http) async fn delete(
    State(context): State<Arc<Context>>,
    Authenticated(caller): Authenticated,
    fields: Fields,
) -> Result<Json<Answer<Ended>>, Problem> {
    caller.require_person()?;
    let id = fields.name("id")?.ok_or_else(|| Fault::parameter("id", "is missing"))?;
    let row = id.parse::<i64>().ok().filter(|row| *row > 0);
    let row = row.ok_or_else(|| Fault::new(FaultCode::NotFound))?;
    revoke(&context, &caller, ApiKeyId::new(row)).await?;
    Ok(Json(Answer::new(Ended { revoked: true })))
}

fn shape(key: ApiKey, text: Option<&Secret>) -> ApiKeyShape {
    ApiKeyShape {
        id: key.id.get().to_string(),
        name: key.name,
        key: text.map(|text| text.expose().to_owned()),
        prefix: format!("{}…{}", key.prefix, key.last_four),
        scopes: key.scopes.words().collect(),
        purpose: key.terms.purpose,
        networks: key.terms.networks.texts(),
        spend_cap: key.terms.spend_cap.map(number),
        spent: number(key.spent),
        expires_at: key.terms.expires_at.map(Time::to_rfc3339_millis),
        created_at: key.created_at.to_rfc3339_millis(),
        last_used_at: key.last_used_at.map(Time::to_rfc3339_millis),
    }
}

fn wish(fields: &Fields, now: Time) -> Result<KeyWish, Fault> {
    let problem = "must be 1 to 60 characters without control characters";
    let name = plain(fields.required("name")?, NAME_MOST).ok_or_else(|| Fault::parameter("name", problem))?;
    let purpose = plain(fields.text("purpose")?.unwrap_or_default(), PURPOSE_MOST);
    let problem = "must be at most 200 characters without control characters";
    let terms = KeyTerms {
        purpose: purpose.ok_or_else(|| Fault::parameter("purpose", problem))?,
        networks: networks(fields)?,
        expires_at: expiry(fields, now)?,
        spend_cap: fields.amount("spend_cap")?,
    };
    Ok(KeyWish { name, scopes: scopes(fields)?, terms })
}

fn plain(text: &str, most: usize) -> Option<String> {
    let text = text.trim();
    (text.chars().count() <= most && !text.contains(char::is_control)).then(|| text.to_owned())
}

fn scopes(fields: &Fields) -> Result<Scopes, Fault> {
    let Some(words) = fields.texts("scopes")? else { return Ok(Scopes::READ_BUY) };
    let scopes =
        if words.iter().any(|word| word.contains(',')) { None } else { Scopes::parse(&words.join(",")) };
    let scopes = scopes.filter(|scopes| *scopes != Scopes::default());
    scopes.ok_or_else(|| Fault::parameter("scopes", "must be a list of `read`, `buy` and `topup`"))
}

fn networks(fields: &Fields) -> Result<Networks, Fault> {
    let texts = fields.texts("networks")?.unwrap_or_default();
    let list: Option<Vec<IpNet>> = texts.iter().map(|text| Networks::one(text.trim())).collect();
    let list = list.filter(|list| list.len() <= NETWORKS_MOST);
    let problem = "must be a list of at most 20 addresses or networks such as 192.0.2.0/24";
    list.map(|list| Networks::new(&list)).ok_or_else(|| Fault::parameter("networks", problem))
}

fn expiry(fields: &Fields, now: Time) -> Result<Option<Time>, Fault> {
    match (fields.whole("expires_in_days")?, fields.text("expires_at")?) {
        (None, None) => Ok(None),
        (Some(days), None) if (1..=DAYS_MOST).contains(&days) => {
            Ok(Some(now.plus(Span::hours(days.saturating_mul(24)))))
        }
        (Some(_), None) => Err(Fault::parameter("expires_in_days", "must be 1 to 3650")),
        (None, Some(text)) => {
            let at = Time::parse_rfc3339(text.trim()).filter(|at| *at > now);
            let problem = "must be a moment to come, such as 2027-01-31T00:00:00Z";
            at.map(Some).ok_or_else(|| Fault::parameter("expires_at", problem))
        }
        (Some(_), Some(_)) => Err(Fault::parameter("expires_at", "and `expires_in_days` exclude each other")),
    }
}
