//! Prints the document: OpenAPI 3.1, every part in a fixed order, so that the same code prints the same bytes.

use super::operation::{Access, Good};
use super::schemas::Schemas;
use super::{Entry, Operation, Tag};
use crate::http::problem::status;
use crate::http::shapes::Refusal;
use http::StatusCode;
use numberotp_core::fault::FaultCode;
use numberotp_core::webhook::SIGNATURE_HEADER;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// On every answer.
const ON_EVERY: [&str; 4] =
    ["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "X-Request-Id"];

/// Refusals by the codes that they may have: many routes share them.
type Refusals = BTreeMap<String, Value>;

/// Prints the document of these routes. A list `webhooks`, of what the server sends, belongs beside `paths` as soon
/// as it sends any.
pub(super) fn document(entries: &[Entry]) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    let mut refusals = BTreeMap::new();
    let mut schemas = BTreeMap::from([("Refusal".to_owned(), Schemas::of::<Refusal<'_>>().own)]);
    for Entry { method, path, operation: of } in entries {
        schemas.extend(of.schemas.named.clone());
        let item = paths.entry((*path).to_owned()).or_insert_with(|| json!({}));
        if let Value::Object(item) = item {
            item.insert(method.as_str().to_ascii_lowercase(), operation(path, of, &mut refusals));
        }
    }
    let used = |tag: &Tag| entries.iter().any(|entry| entry.operation.tag == *tag);
    let tags = Tag::ALL.into_iter().filter(used);
    let tags: Vec<Value> = tags.map(|tag| json!({ "name": tag.name(), "description": tag.says() })).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "NumberOTP",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Rent phone numbers for receiving one-time codes.",
            "description": "Every answer is JSON with `success`. A refusal has a `code` that programs can rely on; \
                            `Link` in its headers leads to the page about it. Unknown keys of a query or a body are \
                            ignored; a key that is null, or empty in a query, counts as absent, and of a key that a \
                            query repeats the last counts. `HEAD` works where `GET` does, and a \
                            slash at the end of an address changes nothing.",
            "license": { "name": "Apache License 2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/", "description": "The server that this document comes from" }],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": refusals,
            "parameters": parameters(),
            "headers": headers(),
            "securitySchemes": { "bearer": {
                "type": "http",
                "scheme": "bearer",
                "description": "An API key (`notp_…`), a session token (`sess_…`) a signed token (JWT) or, where \
                                the operator set that up, a session of a website (Auth.js). Browsers may send the \
                                session in its cookie instead; a change then needs `Origin`.",
            } },
        },
    })
}

fn operation(path: &str, of: &Operation, refusals: &mut Refusals) -> Value {
    let mut printed = Map::new();
    let mut put = |key: &str, value: Value| drop(printed.insert(key.to_owned(), value));
    put("operationId", json!(of.id));
    put("tags", json!([of.tag.name()]));
    put("summary", json!(of.summary));
    let scope = match of.access {
        Access::Bearer(scope) => format!("Needs a token with the scope `{}`.", scope.as_str()),
        Access::Person => "Needs a signed-in person; API keys are refused.".to_owned(),
        Access::Admin => "Needs a signed-in person whose account has the role `admin`.".to_owned(),
        Access::Everybody | Access::Signature => String::new(),
    };
    let says = [of.says, scope.as_str()].into_iter().filter(|part| !part.is_empty());
    let says = says.collect::<Vec<_>>().join(" ");
    if !says.is_empty() {
        put("description", json!(says));
    }
    let mut parameters: Vec<Value> = names_in(path).map(|name| path_parameter(path, name)).collect();
    parameters.extend(of.parameters.iter().cloned());
    if matches!(of.access, Access::Signature) {
        parameters.push(json!({ "$ref": "#/components/parameters/Signature" }));
    }
    if !parameters.is_empty() {
        put("parameters", json!(parameters));
    }
    if let Some((required, schema)) = &of.body {
        let mut content = json!({ "application/json": { "schema": schema } });
        if let (true, Value::Object(kinds)) = (of.form, &mut content) {
            kinds.insert("application/x-www-form-urlencoded".to_owned(), json!({ "schema": schema }));
        }
        put("requestBody", json!({ "required": required, "content": content }));
    }
    put("responses", responses(of, refusals));
    // An empty list says that no token is needed.
    let security = match of.access {
        Access::Bearer(_) | Access::Person | Access::Admin => json!([{ "bearer": [] }]),
        Access::Everybody | Access::Signature => json!([]),
    };
    put("security", security);
    Value::Object(printed)
}

/// The variables of a path.
fn names_in(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

fn path_parameter(path: &str, name: &str) -> Value {
    let says = match name {
        "id" if path.starts_with("/admin/") => "The account's id.",
        "id" => "The rent's id.",
        "provider" => "The provider's short name.",
        "code" => "The code, as it stands in a refusal.",
        _ => "The file's name.",
    };
    let schema = json!({ "type": "string", "minLength": 1 });
    json!({ "name": name, "in": "path", "required": true, "description": says, "schema": schema })
}

fn responses(of: &Operation, refusals: &mut Refusals) -> Value {
    let mut responses: BTreeMap<String, Value> = BTreeMap::new();
    let mut named = with_headers(&ON_EVERY, Value::Null);
    for header in &of.headers {
        if let Value::Object(named) = &mut named {
            named.insert((*header).to_owned(), reference("headers", header));
        }
    }
    let good = match &of.good {
        Good::Json(says, schema) => {
            let content = json!({ "application/json": { "schema": schema } });
            json!({ "description": says, "headers": named, "content": content })
        }
        Good::Bytes(kind, says) => {
            let content = json!({ *kind: { "schema": { "type": "string" } } });
            json!({ "description": says, "headers": named, "content": content })
        }
    };
    responses.insert("200".to_owned(), good);
    if of.tagged {
        let says = "You have this answer already: its tag stands in your `If-None-Match`.";
        responses.insert("304".to_owned(), json!({ "description": says, "headers": named }));
    }
    let mut faults: BTreeMap<StatusCode, Vec<FaultCode>> = BTreeMap::new();
    for code in of.faults() {
        faults.entry(status(code)).or_default().push(code);
    }
    if !of.denials.is_empty() {
        faults.remove(&StatusCode::BAD_REQUEST);
        let words = json!({ "type": "object", "properties": { "error": { "enum": of.denials } } });
        let schema = json!({ "allOf": [{ "$ref": "#/components/schemas/DenialShape" }, words] });
        let content = json!({ "application/json": { "schema": schema } });
        let says = "Refused, in the words of RFC 6749 and RFC 8628.";
        let headers = with_headers(&ON_EVERY, Value::Null);
        let denial = json!({ "description": says, "headers": headers, "content": content });
        responses.insert("400".to_owned(), denial);
    }
    for (status, codes) in faults {
        let words: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
        let name = words.join("-");
        responses.insert(status.as_str().to_owned(), reference("responses", &name));
        refusals.entry(name).or_insert_with(|| refusal(status, &codes));
    }
    json!(responses)
}

/// A refusal with one of these codes.
fn refusal(status: StatusCode, codes: &[FaultCode]) -> Value {
    let line = |code: &FaultCode| {
        let word = code.as_str();
        format!("[`{word}`](/docs/errors/{word}): {}", code.sentence())
    };
    let says = codes.iter().map(line).collect::<Vec<_>>().join("\n\n");
    let words: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
    let one = json!({ "type": "object", "properties": { "code": { "enum": words } } });
    let schema = json!({ "allOf": [{ "$ref": "#/components/schemas/Refusal" }, one] });
    let more = match status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Some("Retry-After"),
        // A webhook's 401 is about its signature, which is no token.
        StatusCode::UNAUTHORIZED if codes.contains(&FaultCode::Unauthorized) => Some("WWW-Authenticate"),
        _ => None,
    };
    let mut headers = with_headers(&ON_EVERY, reference("headers", "Link"));
    if let (Value::Object(headers), Some(name)) = (&mut headers, more) {
        headers.insert(name.to_owned(), reference("headers", name));
    }
    json!({ "description": says, "headers": headers, "content": { "application/json": { "schema": schema } } })
}

fn with_headers(names: &[&str], link: Value) -> Value {
    let mut headers: Map<String, Value> =
        names.iter().map(|name| ((*name).to_owned(), reference("headers", name))).collect();
    if !link.is_null() {
        headers.insert("Link".to_owned(), link);
    }
    Value::Object(headers)
}

fn reference(part: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{part}/{name}") })
}

fn parameters() -> Value {
    let key = "Repeats of a purchase under the same key, with the same body, get the first one's answer and cost \
               nothing more. Bare or as a quoted string.";
    let signature = "HMAC-SHA256 over the raw body with the provider's secret, in hexadecimal digits.";
    json!({
        "IdempotencyKey": {
            "name": "Idempotency-Key",
            "in": "header",
            "description": key,
            "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" },
        },
        "Signature": {
            "name": SIGNATURE_HEADER,
            "in": "header",
            "required": true,
            "description": signature,
            "schema": { "type": "string", "pattern": "^sha256=[0-9a-f]{64}$" },
        },
    })
}

fn headers() -> Value {
    let number = || json!({ "type": "integer", "minimum": 0 });
    let text = || json!({ "type": "string", "minLength": 1 });
    let always =
        |says: &str, schema: Value| json!({ "description": says, "required": true, "schema": schema });
    let sometimes = |says: &str, schema: Value| json!({ "description": says, "schema": schema });
    json!({
        "X-RateLimit-Limit": always("How many requests the window allows.", number()),
        "X-RateLimit-Remaining": always("How many of them are left.", number()),
        "X-RateLimit-Reset": always("When the window ends, in Unix seconds.", number()),
        "X-Request-Id": always("The name of this request in the server's log.", text()),
        "Link": always("The page about this code, as `rel=\"help\"`.", text()),
        "Retry-After": always("After how many seconds to try again.", number()),
        "WWW-Authenticate": always("`Bearer`", text()),
        "Idempotent-Replayed": sometimes("`true` where an earlier answer is repeated.", json!({ "const": "true" })),
        "Age": sometimes("How many seconds old the copy is, where `source` is `cache`.", number()),
        "ETag": always("The answer's tag, for `If-None-Match`.", text()),
    })
}

#[cfg(test)]
mod tests {
    use crate::config::Mode;
    use crate::http::document;
    use serde_json::Value;
    use std::collections::BTreeSet;

    /// Every reference of a value.
    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                for (key, inner) in fields {
                    match inner.as_str().filter(|_| key == "$ref") {
                        Some(name) => drop(found.insert(name.to_owned())),
                        None => references(inner, found),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }

    #[test]
    fn everything_referred_to_is_there_and_everything_there_is_referred_to() {
        for mode in [Mode::Production, Mode::Sandbox] {
            let document = document(mode);
            let mut found = BTreeSet::new();
            references(&document, &mut found);
            let there = document["components"].as_object().unwrap().iter();
            let there = there.filter(|(part, _)| *part != "securitySchemes").flat_map(|(part, named)| {
                named.as_object().unwrap().keys().map(move |name| format!("#/components/{part}/{name}"))
            });
            assert_eq!(found, there.collect::<BTreeSet<_>>(), "{mode:?}");
        }
    }

    #[test]
    fn every_operation_has_a_name_of_its_own() {
        let document = document(Mode::Sandbox);
        let items = document["paths"].as_object().unwrap().values();
        let ids: Vec<String> = items
            .flat_map(|item| item.as_object().unwrap().values())
            .map(|operation| operation["operationId"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{ids:?}");
    }
}
