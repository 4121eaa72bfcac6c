//! Signing up, proving an address, and a forgotten password: for whoever is not signed in.
//!
//! Guards that the answer about an address is the same whether it has an account or not.

use super::super::body::Fields;
use super::super::problem::Problem;
use super::super::shapes::Answer;
use super::super::shapes::auth::{Asked, Proved, Reset};
use super::{Coming, code, password};
use crate::app::Context;
use crate::app::sign_up::{self, Comer, Keys};
use axum::Json;
use axum::extract::State;
use numberotp_core::id::PLATFORM;
use numberotp_core::text::Email;
use std::sync::Arc;

fn comer<'a>(email: &'a Email, coming: &'a Coming) -> Comer<'a> {
    Comer { brand: PLATFORM, email, from: coming.whence() }
}

fn asked(email: &Email) -> Json<Answer<Asked>> {
    Json(Answer::new(Asked { email: email.as_str().to_owned(), verification_required: true }))
}

/// `POST /api/auth/sign-up`
pub(in crate::http) async fn sign_up(
    State(context): State<Arc<Context>>,
    coming: Coming,
    fields: Fields,
) -> Result<Json<Answer<Asked>>, Problem> {
    let email = coming.email(&fields, "email")?;
    let (password, name) = (password(&fields, "password")?, fields.text("name")?);
    sign_up::sign_up(&context, &comer(&email, &coming), (&password, name)).await?;
    Ok(asked(&email))
}

/// `POST /api/auth/verify-email`
pub(in crate::http) async fn verify_email(
    State(context): State<Arc<Context>>,
    coming: Coming,
    fields: Fields,
) -> Result<Json<Answer<Proved>>, Problem> {
    let email = coming.email(&fields, "email")?;
    sign_up::verify(&context, &comer(&email, &coming), code(&fields, "code")?).await?;
    Ok(Json(Answer::new(Proved { email: email.as_str().to_owned(), email_verified: true })))
}

/// `POST /api/auth/resend-code`
pub(in crate::http) async fn resend_code(
    State(context): State<Arc<Context>>,
    coming: Coming,
    fields: Fields,
) -> Result<Json<Answer<Asked>>, Problem> {
    let email = coming.email(&fields, "email")?;
    sign_up::resend(&context, &comer(&email, &coming)).await?;
    Ok(asked(&email))
}

/// `POST /api/auth/forgot-password`
pub(in crate::http) async fn forgot(
    State(context): State<Arc<Context>>,
    coming: Coming,
    fields: Fields,
) -> Result<Json<Answer<Asked>>, Problem> {
    let email = coming.email(&fields, "email")?;
    sign_up::forgot(&context, &comer(&email, &coming)).await?;
    Ok(asked(&email))
}

/// `POST /api/auth/reset-password`
pub(in crate::http) async fn reset(
    State(context): State<Arc<Context>>,
    coming: Coming,
    fields: Fields,
) -> Result<Json<Answer<Reset>>, Problem> {
    let email = coming.email(&fields, "email")?;
    let (code, password) = (code(&fields, "code")?, password(&fields, "password")?);
    let keys = if fields.flag("revokeKeys")? == Some(true) { Keys::Revoked } else { Keys::Kept };
    let count = sign_up::reset(&context, &comer(&email, &coming), (code, &password, keys)).await?;
    let (live_keys, revoked_keys) = match keys {
        Keys::Kept => (count, 0),
        Keys::Revoked => (0, count),
    };
    Ok(Json(Answer::new(Reset { changed: true, live_keys, revoked_keys })))
}
