//! A minute of requests made from the document by `schemathesis`, against the real program. Guards: whatever a client
//! sends, by the document or against it, is answered as the document says, and never with a 500.

use crate::program::{DEMO_KEY, Folder, Server};
use crate::tools::{Client, printed};

/// What every answer is judged by. Left out, with the reason:
/// - `positive_data_acceptance`: by the document a service is any text, and most texts name none;
/// - `use_after_free`, `ensure_resource_availability`: a rent that was given back can still be read, on purpose;
/// - `object_level_authorization`: it needs another account's keys; tests of our own hold who may see what.
const CHECKS: [&str; 10] = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "missing_required_header",
    "unsupported_method",
    "allow_header_conformance",
    "ignored_auth",
    NEGATIVE,
];
/// In a form everything is text, so what these are sent cannot be of a wrong kind.
const FORMS: &str = "\"revokeToken\", \"startDevice\", \"sendDevicePage\"";
const NEGATIVE: &str = "negative_data_rejection";

/// How long the tool looks, at most; it also stops when it has tried everything that it can think of.
const SECONDS: &str = "60";

#[test]
fn schemathesis_finds_no_answer_that_the_document_does_not_promise() {
    if !Client::Python.is_there() {
        return;
    }
    let folder = Folder::new("schemathesis");
    let server = Server::start(&folder, &["--seed", "7"]);
    // A rent that is over, so that its addresses answer something and nobody waits 55 seconds for its code.
    let wish = r#"{"service":"telegram","country":"US"}"#;
    let (_, _, rent) = server.request("POST", "/api/internal/rent", DEMO_KEY, wish);
    let id = rent["data"]["id"].as_str().unwrap();
    let (status, _, canceled) =
        server.request("POST", &format!("/api/internal/rent/{id}/cancel"), DEMO_KEY, "");
    assert_eq!(status, 200, "{canceled}");
    // Switched on here and not by an argument, which would count for lists too. These take a query leniently, as the
    // document says: of a repeated key the last counts, an empty one is absent.
    let checks: String = CHECKS.iter().map(|check| format!("{check}.enabled = true\n")).collect();
    let config = format!(
        "[parameters]\n\"path.id\" = \"{id}\"\n\"path.code\" = \"NOT_FOUND\"\n\"path.file\" = \"reference.js\"\n\
         \"path.provider\" = \"sandbox\"\n\n[checks]\nenabled = false\n{checks}\n[[operations]]\n\
         include-operation-id = [\"listRents\", \"listTransactions\", \"listScenarios\", \"listRentPrices\", {FORMS}]\n\
         checks.{NEGATIVE}.enabled = false\n"
    );
    std::fs::write(folder.path().join("schemathesis.toml"), config).unwrap();
    let mut tool = Client::Python.command(&folder);
    tool.args(["-m", "schemathesis.cli", "run", &format!("http://{}/openapi.json", server.address)]);
    tool.args(["--header", &format!("Authorization: Bearer {DEMO_KEY}")]);
    tool.args(["--phases", "examples,coverage,fuzzing", "--max-time", SECONDS, "--seed", "7"]);
    let told = printed(&mut tool, "schemathesis");
    // It must have looked, and understood the whole document. Where it has that from it does not try.
    let document = server.get("/openapi.json", "");
    let paths = document["paths"].as_object().unwrap().iter().filter(|(path, _)| *path != "/openapi.json");
    let operations: usize = paths.map(|(_, path)| path.as_object().unwrap().len()).sum();
    assert!(told.contains(&format!("Tested: {operations}\n")), "not all {operations} operations: {told}");
    assert!(!told.contains("Unresolvable references"), "{told}");
}
