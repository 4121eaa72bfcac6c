//! Reads requests: the caller, the query, the page. Parsed once, here; trusted after.

use super::csrf;
use super::inside::Inside;
use super::problem::Problem;
use crate::app::presented::Presented;
use crate::app::{Context, auth};
use axum::extract::{FromRequestParts, OptionalFromRequestParts, Path};
use http::header::{AUTHORIZATION, COOKIE};
use http::request::Parts;
use http::{HeaderValue, Uri};
use numberotp_core::caller::Caller;
use numberotp_core::cookie::Cookies;
use numberotp_core::fault::{Fault, FaultCode};
use numberotp_core::secret::Secret;
use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

/// An authenticated caller; the handler is not reached without one.
pub(super) struct Authenticated(pub(super) Caller);

impl FromRequestParts<Arc<Context>> for Authenticated {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, context: &Arc<Context>) -> Result<Self, Problem> {
        let inside = Inside::of(&parts.extensions).cloned();
        match caller(parts, context).await {
            Ok(caller) => {
                inside.map_or(Ok(()), |inside| inside.meter.known(&caller))?;
                Ok(Self(caller))
            }
            Err(fault) => {
                inside.map_or(Ok(()), |inside| inside.meter.unknown())?;
                Err(Problem(fault))
            }
        }
    }
}

/// An authenticated caller whose request may last longer than its credential, and what it came with.
pub(super) struct Lasting(pub(super) Caller, pub(super) Presented);

impl FromRequestParts<Arc<Context>> for Lasting {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, context: &Arc<Context>) -> Result<Self, Problem> {
        let Authenticated(caller) = Authenticated::from_request_parts(parts, context).await?;
        let bearer = match parts.headers.get(AUTHORIZATION) {
            Some(header) => Some(Secret::new(bearer(header)?)),
            None => None,
        };
        let cookies = parts.headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let (cookies, from) = (cookies.map(Secret::new).collect(), from(parts));
        Ok(Self(caller, Presented { bearer, cookies, from }))
    }
}

async fn caller(parts: &Parts, context: &Context) -> Result<Caller, Fault> {
    match parts.headers.get(AUTHORIZATION) {
        Some(header) => auth::authenticate(context, bearer(header)?, from(parts)).await,
        None => by_cookies(parts, context).await,
    }
}

/// The token of a header.
fn bearer(header: &HeaderValue) -> Result<&str, Fault> {
    let unauthorized = || Fault::new(FaultCode::Unauthorized);
    let header = header.to_str().map_err(|_not_text| unauthorized())?;
    let (scheme, token) = header.trim().split_once(' ').ok_or_else(unauthorized)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(unauthorized()) }
}

/// Where a request comes from.
fn from(parts: &Parts) -> Option<IpAddr> {
    Inside::of(&parts.extensions).map(|inside| inside.client.0)
}

/// The one place where cookies say who is calling. They count only where no header does: a browser sends them by
/// itself, whoever made it send the request, so a change has to prove that a page of ours did.
async fn by_cookies(parts: &Parts, context: &Context) -> Result<Caller, Fault> {
    let headers = parts.headers.get_all(COOKIE).iter();
    let cookies = Cookies::parse(headers.filter_map(|value| value.to_str().ok()));
    if !auth::has_session_cookie(context, &cookies) {
        return Err(Fault::new(FaultCode::Unauthorized));
    }
    csrf::check(parts, context)?;
    auth::authenticate_cookies(context, &cookies).await
}

/// The key under which a caller may repeat its request: 1 to 255 visible ASCII characters, bare or as a quoted
/// string; both spell the same key.
pub(super) struct IdempotencyKey(pub(super) String);

const IDEMPOTENCY_KEY: &str = "idempotency-key";

impl OptionalFromRequestParts<Arc<Context>> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Context>) -> Result<Option<Self>, Problem> {
        let mut values = parts.headers.get_all(IDEMPOTENCY_KEY).iter();
        let Some(first) = values.next() else { return Ok(None) };
        let refuse = |problem: &str| Problem(Fault::parameter("Idempotency-Key", problem));
        if values.next().is_some() {
            return Err(refuse("is given twice"));
        }
        let text = first.to_str().unwrap_or_default();
        let text = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
        let fits = (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if fits {
            Ok(Some(Self(text.to_owned())))
        } else {
            Err(refuse("must be 1 to 255 visible ASCII characters"))
        }
    }
}

/// The one variable of a path. What cannot be read names nothing we have.
pub(super) struct PathText(pub(super) String);

impl FromRequestParts<Arc<Context>> for PathText {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, context: &Arc<Context>) -> Result<Self, Problem> {
        let path = <Path<String> as FromRequestParts<_>>::from_request_parts(parts, context).await;
        path.map(|Path(text)| Self(text)).map_err(|_unreadable| Problem(Fault::new(FaultCode::NotFound)))
    }
}

/// The query, read when a key is asked for: most are asked for one or two and have no more. Of a key given twice the last
/// counts, unknown keys are ignored.
pub(super) struct Query(Uri);

impl FromRequestParts<Arc<Context>> for Query {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Context>) -> Result<Self, Problem> {
        Ok(Self(parts.uri.clone()))
    }
}

/// The largest page; more is taken as this.
const PAGE_MOST: i64 = 100;
const PAGE_DEFAULT: i64 = 20;

/// A page of a list.
#[derive(Clone, Copy)]
pub(super) struct Page {
    /// From 1.
    pub(super) page: i64,
    /// 1 to 100.
    pub(super) limit: i64,
}

impl Page {
    /// Limit and offset.
    pub(super) fn range(self) -> (i64, i64) {
        (self.limit, self.page.saturating_sub(1).saturating_mul(self.limit))
    }
}

impl Query {
    /// That of an address as it was sent; `None`: it is none.
    pub(super) fn of_target(target: &str) -> Option<Self> {
        Uri::try_from(target).ok().map(Self)
    }

    /// A value that is there and not empty.
    pub(super) fn get(&self, key: &str) -> Option<Cow<'_, str>> {
        let pairs = form_urlencoded::parse(self.0.query().unwrap_or_default().as_bytes());
        let last = pairs.filter(|(known, _)| known == key).last();
        last.map(|(_, value)| value).filter(|value| !value.is_empty())
    }

    /// `page` and `limit`.
    pub(super) fn page(&self) -> Result<Page, Fault> {
        let number = |key: &str, default: i64| match self.get(key) {
            None => Ok(default),
            Some(text) => text
                .parse::<i64>()
                .ok()
                .filter(|number| *number >= 1)
                .ok_or_else(|| Fault::parameter(key, "must be a whole number from 1")),
        };
        Ok(Page { page: number("page", 1)?, limit: number("limit", PAGE_DEFAULT)?.min(PAGE_MOST) })
    }
}

/// Where a request comes from and what it is called: kept with a purchase.
pub(super) struct Traced {
    /// The caller's network.
    pub(super) network: String,
    /// The request's id.
    pub(super) request_id: Option<String>,
}

impl FromRequestParts<Arc<Context>> for Traced {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Context>) -> Result<Self, Problem> {
        let inside = Inside::of(&parts.extensions);
        Ok(Self {
            network: inside.map(|inside| network(inside.client.0)).unwrap_or_default(),
            request_id: inside.map(|inside| inside.id.clone()),
        })
    }
}

/// IPv4 by /24, IPv6 by /64.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_key_given_twice_the_last_counts_and_an_empty_one_is_none() {
        let query = |text: &'static str| Query(Uri::from_static(text));
        for (text, value) in [
            ("/a?k=1", Some("1")),
            ("/a?k=1&j=2&k=3", Some("3")),
            ("/a?k=1&k=", None),
            ("/a?k", None),
            ("/a?K=1", None),
            ("/a?%6B=a%20b+c", Some("a b c")),
            ("/a?k=%FF", Some("\u{fffd}")),
            ("/a", None),
        ] {
            assert_eq!(query(text).get("k").as_deref(), value, "{text}");
        }
    }

    #[test]
    fn networks_are_by_24_and_64() {
        assert_eq!(network("192.0.2.77".parse().unwrap()), "192.0.2.0/24");
        assert_eq!(network("::ffff:192.0.2.77".parse().unwrap()), "192.0.2.0/24");
        assert_eq!(network("2001:db8:1:2:3::9".parse().unwrap()), "2001:db8:1:2::/64");
    }
}
