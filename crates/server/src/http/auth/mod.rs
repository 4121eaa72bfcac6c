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
use axum::extract::FromRequestParts;
use http::request::Parts;
use numberotp_core::fault::Fault;
use numberotp_core::secret::Secret;
use numberotp_core::text::Email;
use std::sync::Arc;

/// Longest password or code that is looked at; a right one is far shorter.
const SECRET_MOST: usize = 1_024;

/// Who asks, before anything of the body is known.
pub(super) struct Coming {
    inside: Option<Arc<Inside>>,
    network: String,
}

impl FromRequestParts<Arc<Context>> for Coming {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, context: &Arc<Context>) -> Result<Self, Problem> {
        let inside = Inside::of(&parts.extensions).cloned();
        let Traced { network, .. } = Traced::from_request_parts(parts, context).await?;
        Ok(Self { inside, network })
    }
}

impl Coming {
    /// The address that a field gives; counts the request for it.
    fn email(&self, fields: &Fields, field: &str) -> Result<Email, Fault> {
        let email = Email::parse(fields.required(field)?);
        let email = email.ok_or_else(|| Fault::parameter(field, "is not an e-mail address"))?;
        self.inside.as_ref().map_or(Ok(()), |inside| inside.meter.sign_in(&email))?;
        Ok(email)
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
