//! The larger list of vectors beside the checkout: each gets the verdict that it asks for, and what is accepted holds
//! what the packages read in it. Must never hold one of them: the list is not ours.

use crate::moment;
use numberotp_core::authjs::{Family, Ring, candidates};
use numberotp_core::cookie::Cookies;
use numberotp_core::secret::Secret;
use serde_json::Value;
use std::path::Path;

fn text<'a>(vector: &'a Value, key: &str) -> &'a str {
    vector[key].as_str().unwrap_or_default()
}

fn vectors() -> Option<Value> {
    let core = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = core.ancestors().nth(3).unwrap_or(core);
    let path = root.join(["sha", "red"].concat()).join("data").join("authjs_vectors.json");
    std::fs::read_to_string(path).ok().map(|list| serde_json::from_str(&list).unwrap())
}

fn ring(vector: &Value) -> Ring {
    let family = if text(vector, "version").starts_with("next-auth@4") { Family::V4 } else { Family::V5 };
    let secrets: Vec<Secret> = match vector["server_secrets"].as_array() {
        Some(list) => list.iter().map(|secret| Secret::new(secret.as_str().unwrap())).collect(),
        None => vec![Secret::new(text(vector, "secret"))],
    };
    let salt = vector["present_salt"].as_str().unwrap_or(text(vector, "salt"));
    Ring::new(family, salt, &secrets)
}

/// The token as it comes: from its cookies where the vector has them.
fn token(vector: &Value) -> String {
    let Some(cookies) = vector["cookies"].as_object() else { return text(vector, "token").to_owned() };
    let pairs = cookies.iter().map(|(name, value)| format!("{name}={}", value.as_str().unwrap()));
    let header = pairs.rev().collect::<Vec<_>>().join("; ");
    let name = cookies.keys().next().unwrap().trim_end_matches(".0");
    let joined = candidates(&Cookies::parse([&*header].into_iter()), name).next().unwrap();
    assert_eq!(joined, text(vector, "token"));
    joined
}

#[test]
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn the_vectors_beside_the_checkout_get_their_verdicts() {
    let Some(list) = vectors() else {
        eprintln!("skipped: no vectors beside the checkout");
        return;
    };
    let list = list["vectors"].as_array().unwrap();
    assert_eq!(list.len(), 41);
    let mut accepted = 0;
    for vector in list {
        let (id, ring, token) = (text(vector, "id"), ring(vector), token(vector));
        let now = moment(vector["evaluate_at"].as_i64().unwrap());
        let expected = text(vector, "our_verdict");
        match ring.open(&token, now) {
            Err(why) => assert_eq!(format!("reject:{}", why.as_str()), expected, "{id}"),
            Ok(claims) => {
                assert_eq!(expected, "accept", "{id}");
                let read: Value = serde_json::from_slice(&ring.payload(&token).unwrap()).unwrap();
                assert_eq!(read, vector["claims"], "{id}");
                assert_eq!(claims.subject.as_deref(), read["sub"].as_str(), "{id}");
                assert_eq!(Some(claims.expires.unix_seconds()), read["exp"].as_i64(), "{id}");
                accepted += 1;
            }
        }
        for (moment_of, verdict) in vector["boundary"].as_object().into_iter().flatten() {
            let offset: i64 = moment_of.trim_start_matches("exp").parse().unwrap();
            let at = moment(vector["claims"]["exp"].as_i64().unwrap() + offset);
            let accepts = verdict == "accept";
            assert_eq!(ring.open(&token, at).is_ok(), accepts, "{id} at {moment_of}");
        }
    }
    assert_eq!(accepted, 13);
}
