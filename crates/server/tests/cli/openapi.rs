//! `numberotp openapi`: the committed documents are what the program prints, and what a server shows.

use crate::program::{DEMO_KEY, Folder, Server, json, run};
use serde_json::Value;

const PRODUCTION: &str = include_str!("../../../../docs/generated/openapi.json");
const SANDBOX: &str = include_str!("../../../../docs/generated/openapi.sandbox.json");

#[test]
fn the_committed_documents_are_what_the_program_prints() {
    for (arguments, committed) in [(&["openapi"][..], PRODUCTION), (&["openapi", "--sandbox"], SANDBOX)] {
        let printed = String::from_utf8(run(arguments).stdout).unwrap();
        assert!(printed == committed, "docs/generated is stale: run `cargo xtask generate`");
    }
}

#[test]
fn a_server_shows_the_document_of_its_mode() {
    let folder = Folder::new("openapi");
    let server = Server::start(&folder, &["--sandbox"]);
    let (status, head, shown) = server.request("GET", "/openapi.json", DEMO_KEY, "");
    assert_eq!(status, 200);
    assert!(head.contains("etag:") && head.contains("content-type: application/json"), "{head}");
    assert_eq!(shown, json(&["openapi", "--sandbox"]));
    let paths = |document: &Value| document["paths"].as_object().unwrap().clone();
    let production = paths(&json(&["openapi"]));
    assert!(!production.keys().any(|path| path.starts_with("/sandbox")));
    let more = paths(&shown).into_iter().filter(|(path, _)| !production.contains_key(path));
    let more: Vec<String> = more.map(|(path, _)| path).collect();
    assert_eq!(more, ["/sandbox/scenarios", "/sandbox/clock", "/sandbox/messages"]);
}
