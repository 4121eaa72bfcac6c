//! Coming in and going out.
//!
//! Guards that a session is always new and the one that came along ends, that its token goes into a cookie that scripts and
//! other sites cannot read, or into the body where a program asks for that, and never into both.

use super::super::body::Fields;
use super::super::extract::Authenticated;
use super::super::problem::Problem;
use super::super::shapes::Answer;
use super::super::shapes::auth::{SignedIn, SignedOut};
use super::{Coming, cookie, keep, password};
use crate::app::Context;
use crate::app::auth::session_cookie;
use crate::app::sessions::{Which, revoke};
use crate::app::sign_in::{self, Device, Given};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};
use numberotp_core::fault::Fault;
use numberotp_core::id::{PLATFORM, SessionId};
use numberotp_core::token::{Bearer, TokenHash};
use std::sync::Arc;

/// How the token is handed over.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Transport {
    Cookie,
    Bearer,
}

fn set_cookie(context: &Context, token: &str, seconds: i64) -> Result<HeaderValue, Fault> {
    cookie(context, (session_cookie(context.sign_in.is_secure()), token), seconds)
}

/// The session that came with a request, by its header or its cookie.
fn old(context: &Context, headers: &HeaderMap) -> Option<TokenHash> {
    let texts = |name| headers.get_all(name).iter().filter_map(|value: &HeaderValue| value.to_str().ok());
    let bearer = texts(AUTHORIZATION).filter_map(|text| text.split_once(' ')).map(|(_, token)| token.trim());
    let pairs = texts(COOKIE).flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let cookies = pairs
        .filter(|(name, _)| *name == session_cookie(context.sign_in.is_secure()))
        .map(|(_, token)| token);
    bearer.chain(cookies).find_map(|token| match Bearer::parse(token) {
        Bearer::Session(hash) => Some(hash),
        Bearer::ApiKey(_) | Bearer::Jwt(_) | Bearer::AuthJs(_) | Bearer::Opaque(_) | Bearer::Unknown => None,
    })
}

/// `POST /api/auth/sign-in`
pub(in crate::http) async fn sign_in(
    State(context): State<Arc<Context>>,
    coming: Coming,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Problem> {
    let email = coming.email(&fields, "email")?;
    let transport = match fields.text("transport")? {
        None | Some("cookie") => Transport::Cookie,
        Some("bearer") => Transport::Bearer,
        Some(_) => return Err(Fault::parameter("transport", "must be cookie or bearer").into()),
    };
    let (password, totp) = (password(&fields, "password")?, fields.name("totp")?);
    let (totp, from) = (totp.as_deref(), coming.whence());
    let given = Given { brand: PLATFORM, email: &email, password: &password, totp, from };
    let shown = sign_in::with_password(&context, &given).await?;
    let device = Device { platform: "web".to_owned(), name: String::new(), network: coming.network };
    let begun = sign_in::begin_session(&context, &shown, (device, old(&context, &headers))).await?;
    let account = &shown.account;
    let bearer = transport == Transport::Bearer;
    let answer = Json(Answer::new(SignedIn {
        id: account.id.get().to_string(),
        email: account.email.as_str().to_owned(),
        name: account.name.clone(),
        expires_at: begun.ends.to_rfc3339_seconds(),
        token: bearer.then(|| begun.token.expose().to_owned()),
    }));
    let mut response = answer.into_response();
    if !bearer {
        // As long as it can last: a browser must not forget a session that is used.
        let seconds = begun.most.as_micros() / 1_000_000;
        response.headers_mut().insert(SET_COOKIE, set_cookie(&context, begun.token.expose(), seconds)?);
        keep(&mut response, &context, (account.id, begun.at))?;
    }
    Ok(response)
}

/// `POST /api/auth/sign-out`
pub(in crate::http) async fn sign_out(
    State(context): State<Arc<Context>>,
    Authenticated(caller): Authenticated,
) -> Result<Response, Problem> {
    revoke(&context, &caller, Which::One(SessionId::new(caller.credential_id))).await?;
    let mut response = Json(Answer::new(SignedOut { signed_out: true })).into_response();
    response.headers_mut().insert(SET_COOKIE, set_cookie(&context, "", 0)?);
    Ok(response)
}
