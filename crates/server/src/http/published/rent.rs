//! `/api/internal/rent…`: buy a number, read its code, wait for it, give it back.

use super::super::body::Fields;
use super::super::extract::{Authenticated, IdempotencyKey, Lasting, PathText, Query, Traced};
use super::super::problem::Problem;
use super::super::shapes::rent::{Ended, Heard, Purchased, Rent as Shape, Sms};
use super::super::shapes::{Answer, Listed};
use super::{number, pagination};
use crate::app::Context;
use crate::app::activations::{Bought, Claim, Purchase, Told, buy};
use crate::app::messages::Message;
use crate::app::rents::{self, Rent, Unheard};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use numberotp_core::activation::Status;
use numberotp_core::fault::{Fault, FaultCode};
use numberotp_core::ledger::Purses;
use numberotp_core::pricing::Wish;
use numberotp_core::secret::Secret;
use numberotp_core::text::{Operator, Pool};
use numberotp_core::vocabulary::Spelling;
use std::sync::Arc;

/// Fields of a later layer: refused rather than ignored, because their sender counts on them.
const NOT_YET: [&str; 2] = ["duration", "webhookUrl"];

/// Marks an answer that repeats an earlier one.
const REPLAYED: &str = "idempotent-replayed";

/// `POST /api/internal/rent`
pub(in crate::http) async fn rent(
    State(context): State<Arc<Context>>,
    Authenticated(caller): Authenticated,
    Traced { network, request_id }: Traced,
    key: Option<IdempotencyKey>,
    fields: Fields,
) -> Result<Response, Problem> {
    let claim = key.map(|key| Claim {
        scope: "POST /api/internal/rent".to_owned(),
        key: key.0,
        fingerprint: fields.fingerprint().to_vec(),
    });
    let wish = wish(&context, &fields)?;
    let purchase = Purchase { wish, ip_prefix: network, request_id, claim };
    let Bought { activation, balance, credits, told } = buy(&context, caller, purchase).await?;
    let rent = Rent { activation, messages: Vec::new() };
    let answer = Json(Purchased {
        success: true,
        data: print(&context, &rent),
        remaining_credits: credits.count(),
        remaining_balance: number(balance),
        balance: number(balance),
    });
    Ok(match told {
        Told::First => answer.into_response(),
        Told::Again => ([(REPLAYED, "true")], answer).into_response(),
    })
}

fn wish(context: &Context, fields: &Fields) -> Result<Wish, Fault> {
    let service = fields.required("service")?;
    let country = fields.name("country")?.ok_or_else(|| Fault::parameter("country", "is missing"))?;
    if let Some(field) = NOT_YET.into_iter().find(|field| fields.get(field).is_some()) {
        return Err(Fault::parameter(field, "is not supported yet; leave it out"));
    }
    let operator = match fields.text("operator")?.map(str::trim).filter(|text| !text.is_empty()) {
        None => None,
        Some(text) => {
            let problem = "must be an operator's short name of letters, digits and dashes";
            Some(Operator::parse(text).ok_or_else(|| Fault::parameter("operator", problem))?)
        }
    };
    let pool = match fields.name("pool")?.filter(|text| text != "auto") {
        None => None,
        Some(text) => Some(
            Pool::parse(&text).ok_or_else(|| Fault::parameter("pool", "must be \"1\", \"2\" or \"3\""))?,
        ),
    };
    let max_price = fields.amount("maxPrice")?;
    let service = context.vocabulary.find_service(service, Spelling::SlugFirst);
    let service = service.ok_or_else(|| Fault::new(FaultCode::UnknownService))?.code.clone();
    let country = context.vocabulary.find_country(&country);
    let country = country.ok_or_else(|| Fault::new(FaultCode::UnknownCountry))?.id;
    Ok(Wish { service, country, operator, pool, max_price })
}

/// `GET /api/internal/rent/{id}`
pub(in crate::http) async fn get(
    State(context): State<Arc<Context>>,
    Authenticated(caller): Authenticated,
    PathText(id): PathText,
) -> Result<Response, Problem> {
    let rent = rents::get(&context, &caller, &id).await?;
    Ok(Json(Answer::new(print(&context, &rent))).into_response())
}

/// `GET /api/internal/rents`
pub(in crate::http) async fn list(
    State(context): State<Arc<Context>>,
    Authenticated(caller): Authenticated,
    query: Query,
) -> Result<Response, Problem> {
    let page = query.page()?;
    let status = match query.get("status") {
        None => None,
        Some(word) => {
            let known = Status::parse(&word).filter(|status| Status::PUBLIC.contains(status));
            let problem = "must be waiting, received, finished, canceled or expired";
            Some(known.ok_or_else(|| Fault::parameter("status", problem))?)
        }
    };
    let (found, total) = rents::list(&context, &caller, status, page.range()).await?;
    let data = found.iter().map(|rent| print(&context, rent)).collect();
    Ok(Json(Listed::new(data, pagination(page, total))).into_response())
}

/// `GET /api/internal/rent/{id}/wait`
pub(in crate::http) async fn wait(
    State(context): State<Arc<Context>>,
    Lasting(caller, presented): Lasting,
    PathText(id): PathText,
) -> Result<Response, Problem> {
    match rents::wait(&context, (&caller, &presented), &id).await? {
        Ok(rent) => Ok(Json(Answer::new(Heard {
            otp: rent.code().map(Secret::expose),
            status: rent.activation.state.status().as_str(),
            id: public_id(&context, &rent),
            full_sms: rent.shown().map(|message| message.text.expose()),
        }))
        .into_response()),
        Err(Unheard::Timeout) => Err(Problem(Fault::new(FaultCode::Timeout).in_state("waiting"))),
        Err(Unheard::Closed(status)) => {
            // A purchase that failed was never shown as a rent; its waiter learns what it means: refunded.
            let word = if status == Status::Failed { "canceled" } else { status.as_str() };
            let sentence = format!("Activation is {word}");
            Err(Problem(Fault::new(FaultCode::RentClosed).saying(sentence).in_state(word)))
        }
    }
}

/// `POST /api/internal/rent/{id}/cancel`, `DELETE /api/internal/rent/{id}`
pub(in crate::http) async fn cancel(
    State(context): State<Arc<Context>>,
    Authenticated(caller): Authenticated,
    PathText(id): PathText,
) -> Result<Response, Problem> {
    let (rent, purses) = rents::cancel(&context, &caller, &id).await?;
    Ok(closed(&context, &rent, &purses))
}

/// `POST /api/internal/rent/{id}/finish`
pub(in crate::http) async fn finish(
    State(context): State<Arc<Context>>,
    Authenticated(caller): Authenticated,
    PathText(id): PathText,
) -> Result<Response, Problem> {
    let (rent, purses) = rents::finish(&context, &caller, &id).await?;
    Ok(closed(&context, &rent, &purses))
}

/// `POST /api/internal/rent/{id}/resend`
pub(in crate::http) async fn resend(
    State(context): State<Arc<Context>>,
    Authenticated(caller): Authenticated,
    PathText(id): PathText,
) -> Result<Response, Problem> {
    let rent = rents::resend(&context, &caller, &id).await?;
    Ok(Json(Answer::new(print(&context, &rent))).into_response())
}

fn closed(context: &Context, rent: &Rent, purses: &Purses) -> Response {
    Json(Ended {
        success: true,
        data: print(context, rent),
        balance: number(purses.balance_available()),
        credits: purses.credits_available().count(),
        refunded: (rent.activation.state.status() == Status::Canceled).then_some(true),
    })
    .into_response()
}

fn public_id(context: &Context, rent: &Rent) -> String {
    context.public_ids.public(rent.activation.id).map(|public| public.to_string()).unwrap_or_default()
}

/// A rent in the words of this layer.
fn print<'a>(context: &'a Context, rent: &'a Rent) -> Shape<'a> {
    let activation = &rent.activation;
    let line = activation.state.line();
    let service = context.vocabulary.service(&activation.terms.service);
    let country = context.vocabulary.country(activation.terms.country);
    Shape {
        id: public_id(context, rent),
        number: line.map(|line| line.number.expose()),
        service: service.map(|service| &*service.slug),
        country: country.map(|country| &*country.iso),
        expires_at: line.map(|line| line.expires_at.to_rfc3339_seconds()),
        operator: activation.terms.operator.as_str(),
        status: activation.state.status().as_str(),
        cost: activation.terms.price.to_string(),
        otp: rent.code().map(Secret::expose),
        full_sms: rent.shown().map(|message| message.text.expose()),
        sms: rent.messages.iter().map(sms).collect(),
        pool: activation.terms.pool.get().to_string(),
        created_at: activation.created_at.to_rfc3339_seconds(),
    }
}

fn sms(message: &Message) -> Sms<'_> {
    Sms {
        id: message.id.get().to_string(),
        text: message.text.expose(),
        code: message.code.as_ref().map(Secret::expose),
        from: message.from.expose(),
        received_at: message.received_at.to_rfc3339_seconds(),
    }
}
