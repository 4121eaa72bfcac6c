//! The pages about error codes: `docs/errors/`, as HTML, at the address that every refusal names.
//!
//! Guards that each code has its page (the list below is closed) and that a page is text alone: what would be HTML in
//! its source is shown as text, links stay on this server, and there is no script.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use numberotp_core::fault::FaultCode;
use numberotp_core::token;
use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, html};

/// Where the pages are.
const HERE: &str = "/docs/errors";

/// The list of all codes, as it stands in the repository.
const ALL: &str = include_str!("../../../../docs/errors/README.md");

/// The address of a code's page.
pub(super) fn address(code: FaultCode) -> String {
    format!("{HERE}/{}", code.as_str())
}

/// The page that lists all codes.
pub(super) fn index() -> String {
    page("Error codes", ALL)
}

/// The page about the code of this name.
pub(super) fn about(name: &str) -> Option<String> {
    let code = FaultCode::ALL.iter().find(|code| code.as_str() == name)?;
    Some(page(code.as_str(), text(*code)))
}

/// A code's page, as it stands in the repository.
const fn text(code: FaultCode) -> &'static str {
    match code {
        FaultCode::InvalidParameter => include_str!("../../../../docs/errors/INVALID_PARAMETER.md"),
        FaultCode::InvalidJson => include_str!("../../../../docs/errors/INVALID_JSON.md"),
        FaultCode::RentClosed => include_str!("../../../../docs/errors/RENT_CLOSED.md"),
        FaultCode::Unauthorized => include_str!("../../../../docs/errors/UNAUTHORIZED.md"),
        FaultCode::InvalidCredentials => include_str!("../../../../docs/errors/INVALID_CREDENTIALS.md"),
        FaultCode::TotpRequired => include_str!("../../../../docs/errors/TOTP_REQUIRED.md"),
        FaultCode::InvalidSignature => include_str!("../../../../docs/errors/INVALID_SIGNATURE.md"),
        FaultCode::InsufficientBalance => include_str!("../../../../docs/errors/INSUFFICIENT_BALANCE.md"),
        FaultCode::InsufficientScope => include_str!("../../../../docs/errors/INSUFFICIENT_SCOPE.md"),
        FaultCode::CsrfRefused => include_str!("../../../../docs/errors/CSRF_REFUSED.md"),
        FaultCode::AccountNotApproved => include_str!("../../../../docs/errors/ACCOUNT_NOT_APPROVED.md"),
        FaultCode::AdminRequired => include_str!("../../../../docs/errors/ADMIN_REQUIRED.md"),
        FaultCode::SecondFactorRequired => include_str!("../../../../docs/errors/SECOND_FACTOR_REQUIRED.md"),
        FaultCode::SignedInPersonRequired => {
            include_str!("../../../../docs/errors/SIGNED_IN_PERSON_REQUIRED.md")
        }
        FaultCode::ReauthenticationRequired => {
            include_str!("../../../../docs/errors/REAUTHENTICATION_REQUIRED.md")
        }
        FaultCode::AccountOnHold => include_str!("../../../../docs/errors/ACCOUNT_ON_HOLD.md"),
        FaultCode::KeySpendCap => include_str!("../../../../docs/errors/KEY_SPEND_CAP.md"),
        FaultCode::KeyLimit => include_str!("../../../../docs/errors/KEY_LIMIT.md"),
        FaultCode::ServiceDenied => include_str!("../../../../docs/errors/SERVICE_DENIED.md"),
        FaultCode::NotFound => include_str!("../../../../docs/errors/NOT_FOUND.md"),
        FaultCode::UnknownService => include_str!("../../../../docs/errors/UNKNOWN_SERVICE.md"),
        FaultCode::UnknownCountry => include_str!("../../../../docs/errors/UNKNOWN_COUNTRY.md"),
        FaultCode::NoNumbersAvailable => include_str!("../../../../docs/errors/NO_NUMBERS_AVAILABLE.md"),
        FaultCode::MethodNotAllowed => include_str!("../../../../docs/errors/METHOD_NOT_ALLOWED.md"),
        FaultCode::Timeout => include_str!("../../../../docs/errors/TIMEOUT.md"),
        FaultCode::InvalidState => include_str!("../../../../docs/errors/INVALID_STATE.md"),
        FaultCode::IdempotencyKeyReused => include_str!("../../../../docs/errors/IDEMPOTENCY_KEY_REUSED.md"),
        FaultCode::IdempotencyInProgress => {
            include_str!("../../../../docs/errors/IDEMPOTENCY_IN_PROGRESS.md")
        }
        FaultCode::PriceAboveMax => include_str!("../../../../docs/errors/PRICE_ABOVE_MAX.md"),
        FaultCode::ResendNotSupported => include_str!("../../../../docs/errors/RESEND_NOT_SUPPORTED.md"),
        FaultCode::PayloadTooLarge => include_str!("../../../../docs/errors/PAYLOAD_TOO_LARGE.md"),
        FaultCode::UriTooLong => include_str!("../../../../docs/errors/URI_TOO_LONG.md"),
        FaultCode::UnsupportedMediaType => include_str!("../../../../docs/errors/UNSUPPORTED_MEDIA_TYPE.md"),
        FaultCode::RateLimited => include_str!("../../../../docs/errors/RATE_LIMITED.md"),
        FaultCode::HeadersTooLarge => include_str!("../../../../docs/errors/HEADERS_TOO_LARGE.md"),
        FaultCode::Internal => include_str!("../../../../docs/errors/INTERNAL.md"),
        FaultCode::ProviderError => include_str!("../../../../docs/errors/PROVIDER_ERROR.md"),
        FaultCode::PurchaseUnconfirmed => include_str!("../../../../docs/errors/PURCHASE_UNCONFIRMED.md"),
        FaultCode::Overloaded => include_str!("../../../../docs/errors/OVERLOADED.md"),
        FaultCode::Maintenance => include_str!("../../../../docs/errors/MAINTENANCE.md"),
    }
}

/// The style of the pages. The policy of their answers names its hash.
const STYLE: &str = "body{max-width:46rem;margin:2rem auto;padding:0 1rem;font:16px/1.5 system-ui,sans-serif;\
    color:#1b1b1f;background:#fff}pre{overflow:auto;padding:.75rem;background:#f2f2f5}\
    code{font:14px/1.4 ui-monospace,monospace}table{border-collapse:collapse}\
    th,td{padding:.3rem .8rem .3rem 0;text-align:left;vertical-align:top}\
    @media(prefers-color-scheme:dark){body{color:#e6e6ea;background:#1b1b1f}pre{background:#2a2a30}a{color:#9db8ff}}";

/// The one style's hash, as a policy names it.
pub(super) fn style_hash() -> String {
    format!("sha256-{}", STANDARD.encode(token::hash_bytes(STYLE.as_bytes())))
}

fn page(title: &str, markdown: &str) -> String {
    let parser = Parser::new_ext(markdown, Options::ENABLE_TABLES).map(|event| match event {
        // HTML in the source is text like any other.
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            Event::Start(Tag::Link { link_type, dest_url: here(&dest_url), title, id })
        }
        other => other,
    });
    let mut body = String::new();
    html::push_html(&mut body, parser);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title} · NumberOTP</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n{body}\
         <p><a href=\"{HERE}\">All codes</a> · <a href=\"/docs\">API</a></p>\n</body>\n</html>\n"
    )
}

/// A link from one page of the folder to another, as an address.
fn here(link: &str) -> CowStr<'static> {
    match link.strip_suffix(".md").filter(|name| !name.contains('/')) {
        Some("README") => CowStr::from(HERE.to_owned()),
        Some(name) => CowStr::from(format!("{HERE}/{name}")),
        None => CowStr::from(link.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_own_page_and_every_link_leads_to_one() {
        for code in FaultCode::ALL {
            let page = about(code.as_str()).unwrap();
            assert!(page.contains(&format!("<h1>{}</h1>", code.as_str())), "{page}");
        }
        let index = index();
        for link in index.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            let known = link.strip_prefix("/docs/errors/").is_some_and(|name| about(name).is_some());
            assert!(known || ["/docs/errors", "/docs"].contains(&link), "{link}");
        }
        assert_eq!(index.matches("/docs/errors/").count(), FaultCode::ALL.len());
        assert!(about("not_found").is_none() && about("README").is_none());
    }

    #[test]
    fn html_in_a_page_is_text() {
        let page = page("x", "a <script>b</script>\n\n<div onclick=\"c\">d</div>\n");
        assert!(page.contains("&lt;script&gt;") && !page.contains("<div"), "{page}");
    }
}
