//! What a signed-in person changes of how it signs in. Each step asks for the password again, or for a code.

use super::super::body::Fields;
use super::super::extract::Authenticated;
use super::super::problem::Problem;
use super::super::shapes::Answer;
use super::super::shapes::auth::{Asked, Changed, Confirmed, Proved, Recovery, Seed};
use super::{Coming, code, keep_this, password};
use crate::app::Context;
use crate::app::{second_factor, sign_in, sign_up};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// `POST /api/auth/confirm-password`
pub(in crate::http) async fn confirm_password(
    State(context): State<Arc<Context>>,
    Authenticated(caller): Authenticated,
    coming: Coming,
    fields: Fields,
) -> Result<Json<Answer<Confirmed>>, Problem> {
    // Who may not is told so before what is wrong with the body.
    caller.require_person()?;
    let (password, totp) = (password(&fields, "password")?, fields.name("totp")?);
    let shown = (&password, totp.as_deref(), coming.whence());
    let until = sign_in::confirm(&context, &caller, shown).await?;
    Ok(Json(Answer::new(Confirmed { confirmed: true, confirmed_until: until.to_rfc3339_seconds() })))
}

/// `POST /api/auth/change-password`
pub(in crate::http) async fn change_password(
    State(context): State<Arc<Context>>,
    Authenticated(caller): Authenticated,
    coming: Coming,
    fields: Fields,
) -> Result<Response, Problem> {
    let (present, next) = (password(&fields, "currentPassword")?, password(&fields, "newPassword")?);
    let keepsake = sign_up::change_password(&context, &caller, coming.whence(), (&present, &next)).await?;
    let mut response = Json(Answer::new(Changed { changed: true })).into_response();
    keepsake.map_or(Ok(()), |keepsake| keep_this(&mut response, &context, &keepsake))?;
    Ok(response)
}

/// `POST /api/auth/change-email`
pub(in crate::http) async fn change_email(
    State(context): State<Arc<Context>>,
    Authenticated(caller): Authenticated,
    coming: Coming,
    fields: Fields,
) -> Result<Json<Answer<Asked>>, Problem> {
    let email = coming.email(&fields, "newEmail")?;
    let password = password(&fields, "password")?;
    sign_up::change_email(&context, &caller, (&email, &password, coming.whence())).await?;
    Ok(Json(Answer::new(Asked { email: email.as_str().to_owned(), verification_required: true })))
}

/// `POST /api/auth/confirm-email`
pub(in crate::http) async fn confirm_email(
    State(context): State<Arc<Context>>,
    Authenticated(caller): Authenticated,
    coming: Coming,
    fields: Fields,
) -> Result<Json<Answer<Proved>>, Problem> {
    let code = code(&fields, "code")?;
    let email = sign_up::confirm_email(&context, &caller, (code, coming.whence())).await?;
    Ok(Json(Answer::new(Proved { email: email.as_str().to_owned(), email_verified: true })))
}

/// `POST /api/auth/totp/start`
pub(in crate::http) async fn totp_start(
    State(context): State<Arc<Context>>,
    Authenticated(caller): Authenticated,
    coming: Coming,
    fields: Fields,
) -> Result<Json<Answer<Seed>>, Problem> {
    let password = password(&fields, "password")?;
    let started = second_factor::start(&context, &caller, (&password, coming.whence())).await?;
    let (secret, uri) = (started.secret.expose().to_owned(), started.uri.expose().to_owned());
    Ok(Json(Answer::new(Seed { secret, uri })))
}

/// `POST /api/auth/totp/confirm`
pub(in crate::http) async fn totp_confirm(
    State(context): State<Arc<Context>>,
    Authenticated(caller): Authenticated,
    fields: Fields,
) -> Result<Json<Answer<Recovery>>, Problem> {
    let codes = second_factor::confirm(&context, &caller, code(&fields, "code")?).await?;
    let recovery_codes = codes.iter().map(|code| code.expose().to_owned()).collect();
    Ok(Json(Answer::new(Recovery { recovery_codes })))
}

/// `POST /api/auth/totp/disable`
pub(in crate::http) async fn totp_disable(
    State(context): State<Arc<Context>>,
    Authenticated(caller): Authenticated,
    coming: Coming,
    fields: Fields,
) -> Result<Json<Answer<Changed>>, Problem> {
    let (password, code) = (password(&fields, "password")?, code(&fields, "code")?);
    second_factor::disable(&context, &caller, (&password, coming.whence()), code).await?;
    Ok(Json(Answer::new(Changed { changed: true })))
}
