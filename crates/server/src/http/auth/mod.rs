//! `/api/auth`: people sign up, come in, go out, and change how they do. Handlers read, count, call one use case, and print.
//!
//! Guards that every request about an address counts against the limit of its network and address, and that neither a
//! password nor a code is printed.

pub(super) mod coming;
pub(super) mod own;
pub(super) mod session;

use super::body::Fields;
use super::extract::Traced;
use super::inside::Inside;
use super::problem::Problem;
use crate::app::Context;
use crate::app::keepsake::{self, Whence};
use axum::extract::FromRequestParts;
use axum::response::Response;
use http::header::{COOKIE, SET_COOKIE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use numberotp_core::cookie::Cookies;
use numberotp_core::fault::{Fault, FaultCode};
use numberotp_core::id::AccountId;
use numberotp_core::keepsake::{BROWSER_KNOWN, Keepsake};
use numberotp_core::secret::Secret;
use numberotp_core::text::Email;
use numberotp_core::time::Time;
use std::sync::Arc;

/// Longest password or code that is looked at; a right one is far shorter.
const SECRET_MOST: usize = 1_024;

/// Who asks, before anything of the body is known.
pub(super) struct Coming {
    inside: Option<Arc<Inside>>,
    network: String,
    keepsake: Option<Keepsake>,
}

impl FromRequestParts<Arc<Context>> for Coming {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, context: &Arc<Context>) -> Result<Self, Problem> {
        let inside = Inside::of(&parts.extensions).cloned();
        let Traced { network, .. } = Traced::from_request_parts(parts, context).await?;
        Ok(Self { inside, network, keepsake: shown(context, &parts.headers) })
    }
}

/// What the browser of a request shows to be known by. Other sites cannot make it show that with a change.
pub(super) fn shown(context: &Context, headers: &HeaderMap) -> Option<Keepsake> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    keepsake::read(context, &Cookies::parse(cookies))
}

/// A cookie of this site alone, which no script reads.
fn cookie(context: &Context, (name, value): (&str, &str), seconds: i64) -> Result<HeaderValue, Fault> {
    let secure = if context.sign_in.is_secure() { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::try_from(text).map_err(|error| Fault::new(FaultCode::Internal).caused_by(error))
}

/// Has a browser keep that this account signed in with it, and when. It outlives signing out.
fn keep(response: &mut Response, context: &Context, (account, at): (AccountId, Time)) -> Result<(), Fault> {
    keep_this(response, context, &keepsake::make(context, account, at)?)
}

fn keep_this(response: &mut Response, context: &Context, keepsake: &Secret) -> Result<(), Fault> {
    let name = keepsake::cookie(context.sign_in.is_secure());
    let cookie = cookie(context, (name, keepsake.expose()), BROWSER_KNOWN.as_micros() / 1_000_000)?;
    response.headers_mut().append(SET_COOKIE, cookie);
    Ok(())
}

impl Coming {
    /// From where.
    pub(super) fn whence(&self) -> Whence<'_> {
        Whence { network: &self.network, keepsake: self.keepsake.as_ref() }
    }

    /// The address that a field gives; counts the request for it.
    fn email(&self, fields: &Fields, field: &str) -> Result<Email, Fault> {
        let email = Email::parse(fields.required(field)?);
        let email = email.ok_or_else(|| Fault::parameter(field, "is not an e-mail address"))?;
        self.count(&email)?;
        Ok(email)
    }

    /// Counts the request for an address.
    pub(super) fn count(&self, email: &Email) -> Result<(), Fault> {
        self.inside.as_ref().map_or(Ok(()), |inside| inside.meter.sign_in(email))
    }
}

/// A password, letter by letter: blanks are part of it.
fn password(fields: &Fields, field: &str) -> Result<Secret, Fault> {
    match fields.text(field)? {
        None | Some("") => Err(Fault::parameter(field, "is missing")),
        Some(text) if text.len() > SECRET_MOST => Err(Fault::parameter(field, "is too long")),
        Some(text) => Ok(Secret::new(text)),
    }
}

/// A code, as a text.
fn code<'a>(fields: &'a Fields, field: &str) -> Result<&'a str, Fault> {
    fields.required(field).and_then(|text| match text.len() {
        0..=64 => Ok(text),
        _ => Err(Fault::parameter(field, "is too long")),
    })
}
