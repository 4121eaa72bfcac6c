//! One request and its answer. The request goes through the whole router, on the app's own threads; every
//! refusal is held against the envelope that all of them share.

use super::contract::{Asked, contract};
use super::people::Customer;
use super::{PATIENCE, must};
use axum::body::Body;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, LINK};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use http_body_util::BodyExt;
use numberotp_server::config::Mode;
use numberotp_server::http::{Api, PeerAddress};
use serde_json::Value;
use std::net::SocketAddr;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// Where all requests come from: a network for documentation.
const PEER: ([u8; 4], u16) = ([192, 0, 2, 77], 40_000);

/// A request that is being put together.
pub struct Ask {
    api: Api,
    handle: Handle,
    request: Request<Body>,
    mode: Mode,
}

impl Ask {
    pub(super) fn new((api, mode): (Api, Mode), handle: Handle, (method, path): (Method, &str)) -> Self {
        let request = Request::builder().method(method).uri(path).body(Body::empty());
        let mut request = must(path, request);
        request.extensions_mut().insert(PeerAddress(SocketAddr::from(PEER)));
        Self { api, handle, request, mode }
    }

    /// With a header; a second one of the same name is added.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name = must(name, HeaderName::from_bytes(name.as_bytes()));
        let value = must(value, HeaderValue::from_str(value));
        self.request.headers_mut().append(name, value);
        self
    }
    /// From another place than all others.
    #[must_use]
    pub fn from(mut self, peer: SocketAddr) -> Self {
        self.request.extensions_mut().insert(PeerAddress(peer));
        self
    }
    /// With a token.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.header(AUTHORIZATION.as_str(), &format!("Bearer {token}"))
    }
    /// With a customer's API key.
    #[must_use]
    pub fn by(self, customer: &Customer) -> Self {
        self.bearer(&customer.key)
    }
    /// With a JSON body.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }
    /// With any body of any kind; an empty kind is none.
    #[must_use]
    pub fn body(mut self, kind: &str, body: impl Into<Bytes>) -> Self {
        *self.request.body_mut() = Body::from(body.into());
        if kind.is_empty() { self } else { self.header(CONTENT_TYPE.as_str(), kind) }
    }

    /// Sends it; the answer comes to the handle, and is one that the document promises.
    #[expect(clippy::panic, reason = "an answer that the document does not promise fails the test")]
    pub fn start(self) -> JoinHandle<Answer> {
        let Self { api, handle, request, mode } = self;
        let asked = Asked { method: request.method().clone(), path: request.uri().to_string() };
        handle.spawn(async move {
            let (parts, body) = api.answer(request).await.into_parts();
            let body = must("the answer's body", body.collect().await).to_bytes();
            let answer = Answer { status: parts.status.as_u16(), headers: parts.headers, body };
            match contract(mode).broken(&asked, (answer.status, &answer.headers, &answer.body)) {
                None => answer,
                Some(why) => panic!("not as the document says: {why}"),
            }
        })
    }

    /// Sends it and waits for the answer.
    pub async fn send(self) -> Answer {
        let about = format!("{} {}", self.request.method(), self.request.uri());
        must(&about, must(&about, tokio::time::timeout(PATIENCE, self.start()).await))
    }
    /// The JSON of a 200.
    pub async fn ok(self) -> Value {
        self.send().await.ok()
    }
    /// A refusal with this status and code; see [`Answer::refused`].
    pub async fn refused(self, status: u16, code: &str) -> Value {
        self.send().await.refused(status, code)
    }
}

/// An answer, whole.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> &str {
        must("the answer", std::str::from_utf8(&self.body))
    }
    /// The body as JSON.
    pub fn json(&self) -> Value {
        must(self.text(), serde_json::from_slice(&self.body))
    }
    /// A header's value; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The JSON of a 200 that says so.
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        assert_eq!(self.header(CONTENT_TYPE.as_str()), "application/json");
        self.has_an_id();
        let json = self.json();
        assert_eq!(json.get("success"), Some(&Value::Bool(true)), "{json}");
        json
    }

    /// The JSON of a refusal: the envelope in its fixed form, with the request id that the header has too.
    pub fn refused(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "expected {status} {code}: {}", self.text());
        assert_eq!(self.header(CONTENT_TYPE.as_str()), "application/json", "{}", self.text());
        assert_eq!(self.header(CACHE_CONTROL.as_str()), "no-store");
        let id = self.has_an_id();
        let json = self.json();
        let text = |key: &str| json.get(key).and_then(Value::as_str).unwrap_or_default();
        assert_eq!(json.get("success"), Some(&Value::Bool(false)), "{json}");
        assert_eq!(text("code"), code, "{json}");
        assert_eq!(text("request_id"), id, "{json}");
        assert_eq!(self.header(LINK.as_str()), format!("</docs/errors/{code}>; rel=\"help\""), "{json}");
        assert!(!text("error").is_empty(), "{json}");
        let keys: Vec<&str> =
            json.as_object().into_iter().flat_map(|fields| fields.keys()).map(String::as_str).collect();
        let extra = |key: &&str| matches!(*key, "status" | "id");
        let fixed: Vec<&str> = keys.iter().copied().filter(|key| !extra(key)).collect();
        assert_eq!(fixed, ["success", "error", "code", "request_id"], "{json}");
        json
    }

    fn has_an_id(&self) -> &str {
        let id = self.header("x-request-id");
        assert!(id.len() > 10, "no request id: {:?}", self.headers);
        assert_eq!(self.header("x-content-type-options"), "nosniff");
        id
    }
}
