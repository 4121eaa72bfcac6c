//! Whether a change that comes with cookies was sent by a page that may send it. Browsers send cookies with every
//! request, another site's too, but they do not let that site say where it comes from.
//!
//! Guards every request that cookies speak for, whatever cookies these are. Must never let a change pass for lack of a
//! header: what proves nothing is refused.
//!
//! Forms need no cookie to do harm: a page that many read could have each of its readers guess, or ask for mail, from the
//! reader's own network. So a form that a browser says another site sent is refused; programs say nothing of the kind.

use crate::app::Context;
use crate::config::Edge;
use http::HeaderMap;
use http::header::{HOST, ORIGIN};
use http::request::Parts;
use numberotp_core::fault::{Fault, FaultCode};

const FETCH_SITE: &str = "sec-fetch-site";

/// Ok for what changes nothing, and for a change that a page of ours or of a configured origin sent.
pub(super) fn check(parts: &Parts, context: &Context) -> Result<(), Fault> {
    let from_ours = || is_ours(&parts.headers, &context.sign_in.public_url, &context.edge);
    if parts.method.is_safe() || from_ours() { Ok(()) } else { Err(Fault::new(FaultCode::CsrfRefused)) }
}

/// Ok for a form that does not say that a page of another site sent it.
pub(super) fn check_form(headers: &HeaderMap, context: &Context) -> Result<(), Fault> {
    if is_of_another_site(headers, &context.sign_in.public_url, &context.edge) {
        let sentence = "A page of another site sent this form. A page of this site may send it, or of one that \
                        --cors-origins names; a program sends neither Origin nor Sec-Fetch-Site.";
        return Err(Fault::new(FaultCode::CsrfRefused).saying(sentence));
    }
    Ok(())
}

fn is_of_another_site(headers: &HeaderMap, public_url: &str, edge: &Edge) -> bool {
    let Some(origin) = headers.get(ORIGIN) else {
        let says = |site| headers.get(FETCH_SITE).is_some_and(|said| said == site);
        return says("cross-site") || says("same-site");
    };
    // What a browser's extension or another program with pages of its own sends is no page of the web, and no such page can
    // say that it were one. `null` is any page that hides where it comes from.
    let origin = origin.to_str().unwrap_or_default().to_ascii_lowercase();
    let is_web = !origin.contains("://") || origin.starts_with("http://") || origin.starts_with("https://");
    is_web && !is_ours(headers, public_url, edge)
}

fn is_ours(headers: &HeaderMap, public_url: &str, edge: &Edge) -> bool {
    let mut origins = headers.get_all(ORIGIN).iter();
    let Some(origin) = origins.next() else {
        // Some browsers leave it out where page and address are one origin, and say just that.
        return headers.get(FETCH_SITE).is_some_and(|site| site == "same-origin");
    };
    let origin = origin.to_str().unwrap_or_default().to_ascii_lowercase();
    if origin.is_empty() || origins.next().is_some() {
        return false;
    }
    origin == public_url || edge.cors_origins.contains(&origin) || is_plain_host(headers, &origin, public_url)
}

/// Without TLS a server is reached by several names of one machine, such as `localhost`: then the page's own name is
/// the one that the request was sent to.
fn is_plain_host(headers: &HeaderMap, origin: &str, public_url: &str) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).filter(|host| !host.is_empty());
    let named = host.is_some_and(|host| origin.strip_prefix("http://") == Some(&host.to_ascii_lowercase()));
    named && public_url.starts_with("http://")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Enforced, Limits};
    use http::{HeaderName, HeaderValue};

    fn asked<T>(headers: &[(&'static str, &'static str)], judge: impl Fn(&HeaderMap, &Edge) -> T) -> T {
        let edge = Edge {
            limits: Limits::PUBLISHED,
            enforced: Enforced::Yes,
            trusted_proxies: vec![],
            cors_origins: vec!["https://www.example.com".to_owned()],
            connections: 0,
            admin_listen: None,
        };
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        judge(&map, &edge)
    }

    fn ours(public_url: &str, headers: &[(&'static str, &'static str)]) -> bool {
        asked(headers, |headers, edge| is_ours(headers, public_url, edge))
    }

    #[test]
    fn a_form_may_come_from_a_program_or_from_a_page_of_ours() {
        let from_another = |headers| {
            asked(headers, |headers, edge| is_of_another_site(headers, "https://otp.example.com", edge))
        };
        for headers in [
            &[][..],
            &[("sec-fetch-site", "none")],
            &[("sec-fetch-site", "same-origin")],
            &[("origin", "https://otp.example.com"), ("sec-fetch-site", "same-origin")],
            &[("origin", "https://www.example.com"), ("sec-fetch-site", "cross-site")],
            &[("origin", "chrome-extension://abcdefghijklmnop"), ("sec-fetch-site", "none")],
        ] {
            assert!(!from_another(headers), "{headers:?}");
        }
        for headers in [
            &[("sec-fetch-site", "cross-site")][..],
            &[("sec-fetch-site", "same-site")],
            &[("origin", "null")],
            &[("origin", "")],
            &[("origin", "https://evil.example")],
            &[("origin", "HTTPS://evil.example")],
            &[("origin", "https://evil.example"), ("sec-fetch-site", "same-origin")],
            &[("origin", "https://otp.example.com"), ("origin", "https://evil.example")],
        ] {
            assert!(from_another(headers), "{headers:?}");
        }
    }

    #[test]
    fn a_page_of_ours_proves_itself_by_its_origin() {
        let site = "https://otp.example.com";
        for headers in [
            &[("origin", "https://otp.example.com")][..],
            &[("origin", "https://OTP.example.com"), ("sec-fetch-site", "cross-site")],
            &[("origin", "https://www.example.com")],
            &[("sec-fetch-site", "same-origin")],
        ] {
            assert!(ours(site, headers), "{headers:?}");
        }
        for headers in [
            &[][..],
            &[("origin", "null")],
            &[("origin", "")],
            &[("origin", "http://otp.example.com")],
            &[("origin", "https://otp.example.com.evil.example")],
            &[("origin", "https://evil.example"), ("sec-fetch-site", "same-origin")],
            &[("origin", "https://evil.example"), ("host", "evil.example")],
            &[("origin", "http://otp.example.com"), ("host", "otp.example.com")],
            &[("origin", "https://otp.example.com"), ("origin", "https://evil.example")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "none")],
            &[("referer", "https://otp.example.com/")],
        ] {
            assert!(!ours(site, headers), "{headers:?}");
        }
    }

    #[test]
    fn without_tls_the_name_that_was_asked_counts_too() {
        let site = "http://127.0.0.1:8080";
        assert!(ours(site, &[("origin", "http://localhost:8080"), ("host", "localhost:8080")]));
        assert!(!ours(site, &[("origin", "http://localhost:3000"), ("host", "localhost:8080")]));
        assert!(!ours(site, &[("origin", "https://localhost:8080"), ("host", "localhost:8080")]));
        assert!(!ours(site, &[("origin", "http://"), ("host", "")]));
    }
}
