//! The published document as a test of every answer: an answer that goes through [`super::Ask`] must be one that the
//! document promises for that route, by status, headers, kind and schema.
//!
//! Guards that the document and the server cannot drift apart. What no route answers may only be refused in the
//! ways that are written here.

use super::must;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method};
use jsonschema::Validator;
use numberotp_server::config::Mode;
use numberotp_server::http::document;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Refusals that come before a route is chosen.
const BEFORE_A_ROUTE: [&str; 6] =
    ["RATE_LIMITED", "URI_TOO_LONG", "HEADERS_TOO_LARGE", "INTERNAL", "OVERLOADED", "MAINTENANCE"];

/// The document of one mode, and the schemas of it that were needed so far, made ready.
pub(super) struct Contract {
    document: Value,
    ready: Mutex<HashMap<String, Arc<Validator>>>,
}

/// The contract of a mode; made once in a process, for its schemas are slow to make ready.
pub(super) fn contract(mode: Mode) -> &'static Contract {
    static PRODUCTION: OnceLock<Contract> = OnceLock::new();
    static SANDBOX: OnceLock<Contract> = OnceLock::new();
    let place = match mode {
        Mode::Production => &PRODUCTION,
        Mode::Sandbox => &SANDBOX,
    };
    place.get_or_init(|| Contract::new(document(mode)))
}

/// What was asked.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) path: String,
}

impl Contract {
    fn new(document: Value) -> Self {
        Self { document, ready: Mutex::default() }
    }

    /// Why an answer is not one that the document promises; `None` if it is.
    pub(super) fn broken(&self, asked: &Asked, answer: (u16, &HeaderMap, &[u8])) -> Option<String> {
        let (status, headers, body) = answer;
        // OPTIONS is a browser's, or a look at what there is: its answers have no body.
        if asked.method == Method::OPTIONS && status == 204 {
            return None;
        }
        let method = if asked.method == Method::HEAD { Method::GET } else { asked.method.clone() };
        let method = method.as_str().to_ascii_lowercase();
        let Some((path, item)) = self.item(&asked.path) else {
            return self.refused(answer, "NOT_FOUND");
        };
        let Some(operation) = item.get(&method) else {
            return self.refused(answer, "METHOD_NOT_ALLOWED");
        };
        let place = format!("{method} {path} {status}");
        let Some(response) = operation.get("responses").and_then(|all| all.get(status.to_string())) else {
            return Some(format!("{place}: the document does not know this status"));
        };
        let response = self.resolve(response);
        if let Some(missing) = self.missing_header(response, headers) {
            return Some(format!("{place}: the header {missing} is missing"));
        }
        if asked.method == Method::HEAD {
            return None;
        }
        let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        let Some(content) = response.get("content") else {
            return (!body.is_empty()).then(|| format!("{place}: the document knows of no body"));
        };
        let Some(schema) = content.get(kind).and_then(|content| content.get("schema")) else {
            return Some(format!("{place}: the document does not know {kind:?}"));
        };
        let coded = headers.contains_key(http::header::CONTENT_ENCODING);
        if kind != "application/json" || coded {
            return None;
        }
        self.wrong(&place, schema, body)
    }

    /// Outside of the routes there is one refusal, and those that come before a route is chosen.
    fn refused(&self, (status, _, body): (u16, &HeaderMap, &[u8]), code: &str) -> Option<String> {
        if body.is_empty() && status >= 400 {
            return None;
        }
        let codes: Vec<&str> = BEFORE_A_ROUTE.into_iter().chain([code]).collect();
        let one = json!({ "properties": { "code": { "enum": codes } } });
        let schema = json!({ "allOf": [{ "$ref": "#/components/schemas/Refusal" }, one] });
        self.wrong(&format!("no route: {code}"), &schema, body)
    }

    /// The path of the document that an address falls under. A fixed part goes before a variable one.
    fn item(&self, address: &str) -> Option<(&str, &Value)> {
        let address = address.split('?').next().unwrap_or_default();
        let parts: Vec<&str> = address.strip_suffix('/').unwrap_or(address).split('/').collect();
        let fits = |path: &str| {
            let wanted: Vec<&str> = path.split('/').collect();
            let fits = |(wanted, part): (&&str, &&str)| {
                wanted == part || (wanted.starts_with('{') && !part.is_empty())
            };
            wanted.len() == parts.len() && wanted.iter().zip(&parts).all(fits)
        };
        let paths = self.document.get("paths").and_then(Value::as_object)?;
        let found = paths.iter().filter(|(path, _)| fits(path));
        found.min_by_key(|(path, _)| path.matches('{').count()).map(|(path, item)| (path.as_str(), item))
    }

    fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        let pointer = value.get("$ref").and_then(Value::as_str).and_then(|name| name.strip_prefix('#'));
        pointer.and_then(|pointer| self.document.pointer(pointer)).unwrap_or(value)
    }

    fn missing_header<'a>(&self, response: &'a Value, headers: &HeaderMap) -> Option<&'a str> {
        let promised = response.get("headers").and_then(Value::as_object)?;
        let always = |value: &Value| self.resolve(value).get("required") == Some(&Value::Bool(true));
        let missing = promised.iter().find(|(name, value)| always(value) && !headers.contains_key(*name));
        missing.map(|(name, _)| name.as_str())
    }

    fn wrong(&self, place: &str, schema: &Value, body: &[u8]) -> Option<String> {
        let Ok(json) = serde_json::from_slice::<Value>(body) else {
            return Some(format!("{place}: the body is no JSON"));
        };
        let validator = self.validator(place, schema);
        let error = validator.iter_errors(&json).next()?;
        Some(format!("{place}: {error} at {:?} in {json}", error.instance_path().to_string()))
    }

    fn validator(&self, place: &str, schema: &Value) -> Arc<Validator> {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        let known = ready.entry(place.to_owned()).or_insert_with(|| {
            // References lead into the document's schemas, so these stand beside the schema.
            let schemas = self.document.pointer("/components/schemas");
            let whole = json!({ "allOf": [schema], "components": { "schemas": schemas } });
            Arc::new(must(place, jsonschema::draft202012::new(&whole)))
        });
        Arc::clone(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn judge(method: Method, path: &str, status: u16, body: &Value) -> Option<String> {
        let mut headers = HeaderMap::new();
        for name in
            ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "x-request-id", "link"]
        {
            headers.insert(name, HeaderValue::from_static("1"));
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let asked = Asked { method, path: path.to_owned() };
        contract(Mode::Production).broken(&asked, (status, &headers, body.to_string().as_bytes()))
    }

    fn refusal(code: &str) -> Value {
        json!({ "success": false, "error": "No.", "code": code, "request_id": "req_1" })
    }

    #[test]
    fn an_answer_that_the_document_does_not_promise_is_found() {
        let taken = json!({ "success": true, "matched": false });
        let hook = "/api/webhooks/sms/gw1";
        assert_eq!(judge(Method::POST, hook, 200, &taken), None);
        for (status, body) in [
            (200, json!({ "success": true })),
            (200, json!({ "success": true, "matched": "no" })),
            (200, json!({ "success": false, "matched": true })),
            (201, taken),
            (401, refusal("UNAUTHORIZED")),
        ] {
            assert!(judge(Method::POST, hook, status, &body).is_some(), "{status} {body}");
        }
        assert_eq!(judge(Method::POST, hook, 401, &refusal("INVALID_SIGNATURE")), None);
    }

    #[test]
    fn what_no_route_answers_is_refused_in_few_ways() {
        assert_eq!(judge(Method::GET, "/nowhere", 404, &refusal("NOT_FOUND")), None);
        assert_eq!(judge(Method::PUT, "/api/internal/rent", 405, &refusal("METHOD_NOT_ALLOWED")), None);
        assert!(judge(Method::GET, "/nowhere", 200, &json!({ "success": true })).is_some());
        assert!(judge(Method::PUT, "/api/internal/rent", 404, &refusal("NOT_FOUND")).is_some());
        // The sandbox's addresses are none of production's.
        assert!(judge(Method::GET, "/sandbox/clock", 200, &json!({ "success": true })).is_some());
    }
}
