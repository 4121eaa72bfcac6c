//! `/v1/oauth/…`: how programs sign in, stay so, and sign out. Source: the official clients' `auth.*`, RFC 6749, 7009
//! and 8628.
//!
//! Guards that a refusal has the form of the standard and never the `code` that others have, and that a device that
//! asks too often is told so in its own words: a 429 would end its sign-in.

use super::super::auth::shown;
use super::super::body::Fields;
use super::super::body::{Form, OptionalForm};
use super::super::extract::{Authenticated, Query, Traced};
use super::super::inside::Inside;
use super::super::meter::Meter;
use super::super::problem::{Problem, status};
use super::super::shapes::Answer;
use super::super::shapes::oauth::{
    CodeMailed, DecidedShape, DenialShape, DeviceCodeShape, DeviceShape, TokenShape, UserShape,
};
use crate::app::Context;
use crate::app::devices::{self, Decision, Looker};
use crate::app::keepsake::Whence;
use crate::app::oauth::{self, Denial, Mailed, Refused, Tokens};
use crate::app::proof::approving;
use crate::app::sessions::Device;
use crate::app::sign_in::Given;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::{HeaderMap, StatusCode};
use numberotp_core::fault::{Fault, FaultCode};
use numberotp_core::id::PLATFORM;
use numberotp_core::secret::Secret;
use numberotp_core::text::Email;
use numberotp_core::token;
use serde_json::json;
use std::sync::Arc;

const EMAIL_CODE: &str = "urn:numberotp:params:grant-type:email_code";
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// What a device may say it is; anything else is `other`.
const CLIENTS: [&str; 3] = ["cli", "extension", "mcp"];
/// Longest words of a device about itself, in characters.
const WORD_MOST: usize = 40;
const NAME_MOST: usize = 100;

/// A denial, or a fault that is a client's mistake, in the standard's form; other faults as everywhere.
fn refuse(refused: Refused) -> Response {
    let (error, error_description) = match refused {
        Refused::Denied(denial) => (denial.word(), denial.sentence().to_owned()),
        Refused::Fault(fault) if status(fault.code) == StatusCode::BAD_REQUEST => {
            ("invalid_request", fault.message.into_owned())
        }
        Refused::Fault(fault) => return Problem(fault).into_response(),
    };
    (StatusCode::BAD_REQUEST, Json(DenialShape { error, error_description })).into_response()
}

/// `POST /v1/oauth/token`
pub(in crate::http) async fn token(
    State(context): State<Arc<Context>>,
    Extension(inside): Extension<Arc<Inside>>,
    traced: Traced,
    form: Result<Form, Problem>,
) -> Response {
    let granted = match form {
        Ok(Form(fields)) => grant(&context, &inside.meter, &traced, &fields).await,
        // What another site's page sent is nothing that its reader did.
        Err(Problem(fault)) if fault.code == FaultCode::CsrfRefused => Err(Refused::from(fault)),
        Err(Problem(fault)) => inside.meter.grant().and(Err(fault)).map_err(Refused::from),
    };
    match granted {
        Ok(tokens) => Json(shape(&tokens)).into_response(),
        Err(refused) => refuse(refused),
    }
}

fn shape(tokens: &Tokens) -> TokenShape<'_> {
    let (expires_in, refresh_expires_in) = tokens.lasts;
    TokenShape {
        access_token: tokens.access.expose(),
        refresh_token: tokens.refresh.expose(),
        token_type: "Bearer",
        expires_in,
        refresh_expires_in,
        user: UserShape {
            id: tokens.account.id.get().to_string(),
            email: tokens.account.email.as_str(),
            name: &tokens.account.name,
        },
    }
}

async fn grant(
    context: &Context,
    meter: &Meter,
    traced: &Traced,
    fields: &Fields,
) -> Result<Tokens, Refused> {
    let counted = meter.grant();
    let kind = fields.required("grant_type");
    if kind.as_ref().is_ok_and(|kind| *kind == DEVICE_CODE) {
        if counted.is_err() {
            return Err(Denial::SlowDown.into());
        }
        return devices::poll(context, fields.required("device_code")?, device(fields, traced)?).await;
    }
    counted?;
    let network = traced.network.as_str();
    match kind? {
        "refresh_token" => oauth::refresh(context, fields.required("refresh_token")?).await,
        "password" => {
            let (email, password) = (email(fields)?, Secret::new(needed(fields, "password")?));
            meter.sign_in(&email)?;
            let totp = fields.name("totp")?;
            let (totp, from) = (totp.as_deref(), Whence::network(network));
            let given = Given { brand: PLATFORM, email: &email, password: &password, totp, from };
            oauth::password(context, &given, device(fields, traced)?).await
        }
        EMAIL_CODE => {
            let email = email(fields)?;
            meter.sign_in(&email)?;
            let code = fields.name("code")?.ok_or_else(|| Fault::parameter("code", "is missing"))?;
            let name = fields.text("name")?;
            let totp = fields.name("totp")?;
            let totp = totp.as_deref();
            let mailed = Mailed { brand: PLATFORM, email: &email, code: &code, totp, name, network };
            oauth::email_code(context, &mailed, device(fields, traced)?).await
        }
        _ => Err(Denial::UnsupportedGrantType.into()),
    }
}

/// A text as it stands: blanks around a password belong to it.
fn needed<'a>(fields: &'a Fields, field: &str) -> Result<&'a str, Fault> {
    let text = fields.text(field)?.filter(|text| !text.is_empty());
    text.ok_or_else(|| Fault::parameter(field, "is missing"))
}

fn email(fields: &Fields) -> Result<Email, Fault> {
    let problem = "must be an e-mail address";
    Email::parse(fields.required("email")?).ok_or_else(|| Fault::parameter("email", problem))
}

fn device(fields: &Fields, traced: &Traced) -> Result<Device, Fault> {
    let word = |field, most| Ok::<String, Fault>(plain(fields.text(field)?.unwrap_or_default(), most));
    let (platform, name) = (word("platform", WORD_MOST)?, word("device_name", NAME_MOST)?);
    Ok(Device { platform, name, network: traced.network.clone() })
}

/// What a device says of itself, fit to be shown.
fn plain(text: &str, most: usize) -> String {
    text.trim().chars().filter(|c| !c.is_control()).take(most).collect()
}

/// `POST /v1/oauth/revoke`: the answer is always the same, so it tells nobody which tokens there are.
pub(in crate::http) async fn revoke(
    State(context): State<Arc<Context>>,
    form: Result<OptionalForm, Problem>,
) -> Result<Response, Problem> {
    let form = match form {
        // Nothing is told of a token by refusing whatever another site's page sends.
        Err(Problem(fault)) if fault.code == FaultCode::CsrfRefused => return Err(Problem(fault)),
        form => form,
    };
    let given = match &form {
        Ok(OptionalForm(fields)) => fields.text("token").ok().flatten(),
        Err(_unreadable) => None,
    };
    if let Some(given) = given {
        oauth::revoke(&context, given.trim()).await?;
    }
    Ok(Json(json!({})).into_response())
}

/// `POST /v1/oauth/email-code`: the answer is the same whether there is an account or not.
pub(in crate::http) async fn email_code(
    State(context): State<Arc<Context>>,
    Extension(inside): Extension<Arc<Inside>>,
    traced: Traced,
    headers: HeaderMap,
    Form(fields): Form,
) -> Result<Json<CodeMailed>, Problem> {
    let email = email(&fields)?;
    inside.meter.sign_in(&email)?;
    let keepsake = shown(&context, &headers);
    let whence = Whence { network: &traced.network, keepsake: keepsake.as_ref() };
    oauth::mail_code(&context, PLATFORM, (&email, whence)).await?;
    Ok(Json(CodeMailed::new()))
}

/// `POST /v1/oauth/device/code`
pub(in crate::http) async fn device_code(
    State(context): State<Arc<Context>>,
    traced: Traced,
    form: Result<OptionalForm, Problem>,
) -> Response {
    let begun = async {
        let OptionalForm(fields) = form.map_err(|Problem(fault)| fault)?;
        let client = fields.text("client")?.map(str::trim).unwrap_or_default().to_ascii_lowercase();
        let client = CLIENTS.into_iter().find(|known| *known == client).unwrap_or("other");
        let device = Device { platform: client.to_owned(), ..device(&fields, &traced)? };
        devices::begin(&context, device).await
    };
    let begun = match begun.await {
        Ok(begun) => begun,
        Err(fault) => return refuse(Refused::from(fault)),
    };
    let verification_uri = format!("{}/device", context.sign_in.public_url);
    let (expires_in, interval) = begun.lasts;
    Json(DeviceCodeShape {
        device_code: begun.device_code.expose().to_owned(),
        verification_uri_complete: format!("{verification_uri}?user_code={}", begun.user_code),
        user_code: begun.user_code,
        verification_uri,
        expires_in: expires_in.as_micros() / 1_000_000,
        interval: interval.as_micros() / 1_000_000,
    })
    .into_response()
}

/// `GET /v1/oauth/device?user_code=…`
pub(in crate::http) async fn device_look(
    State(context): State<Arc<Context>>,
    Authenticated(caller): Authenticated,
    traced: Traced,
    query: Query,
) -> Result<Json<Answer<DeviceShape>>, Problem> {
    caller.require_person()?;
    let typed = query.get("user_code").ok_or_else(|| Fault::parameter("user_code", "is missing"))?;
    let looker = Looker { person: Some(caller.account), network: &traced.network };
    let (code, grant) = devices::look(&context, looker, &typed).await?;
    let (created_at, expires_at) = grant.lasts;
    Ok(Json(Answer::new(DeviceShape {
        user_code: token::user_code_show(&code),
        client: grant.device.platform,
        device_name: grant.device.name,
        network: grant.device.network,
        ip_country: None,
        created_at: created_at.to_rfc3339_millis(),
        expires_at: expires_at.to_rfc3339_millis(),
        status: grant.status.as_str(),
    })))
}

/// `POST /v1/oauth/device`
pub(in crate::http) async fn device_decide(
    State(context): State<Arc<Context>>,
    Authenticated(caller): Authenticated,
    traced: Traced,
    fields: Fields,
) -> Result<Json<Answer<DecidedShape>>, Problem> {
    caller.require_person()?;
    caller.standing.may_use()?;
    let typed = fields.required("user_code")?;
    let decision = match fields.required("action")? {
        "approve" => Decision::Approve(approving(&context, &caller).await?),
        "deny" => Decision::Deny,
        _ => return Err(Fault::parameter("action", "must be `approve` or `deny`").into()),
    };
    let looker = Looker { person: Some(caller.account), network: &traced.network };
    let status = devices::decide(&context, looker, (typed, decision)).await?;
    Ok(Json(Answer::new(DecidedShape { status: status.as_str() })))
}
