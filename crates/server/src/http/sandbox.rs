//! `/sandbox/…`: the hands of a team's tests on the sandbox. These addresses exist in a sandbox only; production
//! answers them as it answers any address that is nowhere.

use super::body::Fields;
use super::extract::{Authenticated, Query};
use super::problem::Problem;
use super::published::pagination;
use super::shapes::sandbox::{Dropped, QueuedScenario, SandboxTime};
use super::shapes::{Answer, Listed, Taken};
use crate::app::messages::Matched;
use crate::app::sandbox_inbox::{self, Sent};
use crate::app::scenarios::{self, Queued, Wanted};
use crate::app::{Context, sandbox_clock};
use crate::jobs;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use numberotp_core::fault::{Fault, FaultCode};
use numberotp_core::secret::Secret;
use numberotp_core::time::Span;
use numberotp_core::vocabulary::Spelling;
use numberotp_providers::sandbox::scenario::Scenario;
use std::sync::Arc;

/// `POST /sandbox/scenarios`
pub(super) async fn queue(
    State(context): State<Arc<Context>>,
    Authenticated(caller): Authenticated,
    fields: Fields,
) -> Result<Response, Problem> {
    let wanted = wanted(&context, &fields)?;
    let queued = scenarios::queue(&context, &caller, wanted).await?;
    Ok(Json(Answer::new(print(&context, &queued))).into_response())
}

/// `GET /sandbox/scenarios`
pub(super) async fn queued(
    State(context): State<Arc<Context>>,
    Authenticated(caller): Authenticated,
    query: Query,
) -> Result<Response, Problem> {
    let page = query.page()?;
    let (queued, total) = scenarios::queued(&context, &caller, page.range()).await?;
    let data = queued.iter().map(|queued| print(&context, queued)).collect();
    Ok(Json(Listed::new(data, pagination(page, total))).into_response())
}

/// `DELETE /sandbox/scenarios`
pub(super) async fn drop_queued(
    State(context): State<Arc<Context>>,
    Authenticated(caller): Authenticated,
) -> Result<Json<Answer<Dropped>>, Problem> {
    let dropped = scenarios::drop_queued(&context, &caller).await?;
    Ok(Json(Answer::new(Dropped { dropped })))
}

fn wanted(context: &Context, fields: &Fields) -> Result<Wanted, Fault> {
    let names = || Scenario::ALL.map(Scenario::as_str).join(", ");
    let scenario = Scenario::parse(fields.required("scenario")?);
    let scenario =
        scenario.ok_or_else(|| Fault::parameter("scenario", &format!("must be one of {}", names())))?;
    let service = match fields.text("service")?.map(str::trim).filter(|text| !text.is_empty()) {
        None => None,
        Some(text) => {
            let found = context.vocabulary.find_service(text, Spelling::SlugFirst);
            Some(found.ok_or_else(|| Fault::new(FaultCode::UnknownService))?.code.clone())
        }
    };
    Ok(Wanted {
        scenario,
        service,
        code: fields.text("code")?.map(Secret::new),
        text: fields.text("text")?.map(Secret::new),
        delay: span(fields, "delay")?,
    })
}

/// A length of time as operators write them; a bare number is seconds.
fn span(fields: &Fields, field: &str) -> Result<Option<Span>, Fault> {
    let refuse = || Fault::parameter(field, "must be a length of time such as 90s, 20m or 2h");
    match fields.name(field).map_err(|_other_kind| refuse())? {
        None => Ok(None),
        Some(text) => Span::parse(&text).map(Some).ok_or_else(refuse),
    }
}

fn print<'a>(context: &'a Context, queued: &'a Queued) -> QueuedScenario<'a> {
    let Wanted { scenario, service, code, text, delay } = &queued.wanted;
    let service = service.as_ref().and_then(|service| context.vocabulary.service(service));
    QueuedScenario {
        id: queued.id.to_string(),
        scenario: scenario.as_str(),
        service: service.map(|service| &*service.slug),
        code: code.as_ref().map(Secret::expose),
        text: text.as_ref().map(Secret::expose),
        delay: delay.map(words),
    }
}

/// `POST /sandbox/clock`
pub(super) async fn clock_advance(
    State(context): State<Arc<Context>>,
    Authenticated(caller): Authenticated,
    fields: Fields,
) -> Result<Json<Answer<SandboxTime>>, Problem> {
    let by = span(&fields, "advance")?.ok_or_else(|| Fault::parameter("advance", "is missing"))?;
    jobs::advance(&context, &caller, by).await?;
    Ok(Json(time(&context, sandbox_clock::ahead(&context).await?)))
}

/// `GET /sandbox/clock`
pub(super) async fn clock(
    State(context): State<Arc<Context>>,
    Authenticated(caller): Authenticated,
) -> Result<Json<Answer<SandboxTime>>, Problem> {
    sandbox_clock::may_look(&caller)?;
    Ok(Json(time(&context, sandbox_clock::ahead(&context).await?)))
}

fn time(context: &Context, ahead: Span) -> Answer<SandboxTime> {
    let now = context.clock.now().to_rfc3339_seconds();
    Answer::new(SandboxTime { now, offset: words(ahead) })
}

/// A length of time in the largest unit that tells it without a rest, as it may be given again.
fn words(span: Span) -> String {
    let micros = span.as_micros();
    let units = [("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000)];
    let whole = |(_, unit): &(&str, i64)| micros % unit == 0 && micros >= *unit;
    match units.into_iter().find(whole) {
        Some((word, unit)) => format!("{}{word}", micros / unit),
        None if micros == 0 => "0s".to_owned(),
        None => format!("{}ms", micros / 1_000),
    }
}

/// `POST /sandbox/messages`
pub(super) async fn message(
    State(context): State<Arc<Context>>,
    Authenticated(caller): Authenticated,
    fields: Fields,
) -> Result<Json<Taken>, Problem> {
    let sent = Sent {
        to: fields.required("to")?,
        from: fields.text("from")?.unwrap_or_default(),
        text: fields.text("text")?.unwrap_or_default(),
        message_id: fields.text("messageId")?,
    };
    let matched = sandbox_inbox::deliver(&context, &caller, &sent).await?;
    Ok(Json(Taken::new(matched == Matched::Yes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_is_told_as_it_may_be_given() {
        for text in ["0s", "20m", "90s", "2h", "3d", "250ms", "1500ms", "25h"] {
            assert_eq!(words(Span::parse(text).unwrap()), text);
        }
        assert_eq!(words(Span::parse("3600").unwrap()), "1h");
    }
}
