//! What a request came with to say who is calling, kept for as long as it lasts.
//!
//! Guards: a request that waits for a secret does not get it by a credential that was good when the wait began and is not
//! any more. What was looked up within [`super::known::KNOWN_FOR`] is not looked up again. Must never be printed.

use super::auth::{authenticate, authenticate_cookies};
use crate::app::Context;
use numberotp_core::caller::{Caller, Scope};
use numberotp_core::cookie::Cookies;
use numberotp_core::fault::{Fault, FaultCode};
use numberotp_core::secret::Secret;
use std::net::IpAddr;

/// What came with a request.
pub struct Presented {
    /// The token of its header; cookies count only where there is none.
    pub bearer: Option<Secret>,
    /// Its cookies, as they came. That a page of ours may have sent them was seen before.
    pub cookies: Vec<Secret>,
    /// Where it came from.
    pub from: Option<IpAddr>,
}

impl Presented {
    /// Who that is now.
    ///
    /// # Errors
    /// As for a request that begins now: a key that was revoked, a session that ended.
    pub async fn caller(&self, context: &Context) -> Result<Caller, Fault> {
        match &self.bearer {
            Some(bearer) => authenticate(context, bearer.expose(), self.from).await,
            None => {
                let cookies = Cookies::parse(self.cookies.iter().map(Secret::expose));
                authenticate_cookies(context, &cookies).await
            }
        }
    }

    /// Ok if this still stands for the same account, which may still read.
    pub(super) async fn still_reads(&self, context: &Context, before: &Caller) -> Result<(), Fault> {
        let now = self.caller(context).await?;
        if now.account != before.account {
            return Err(Fault::new(FaultCode::Unauthorized));
        }
        now.require(Scope::Read)
    }
}
