//! `numberotp provider rotate` beside a running server: the new secret is good within a moment, the old one for as
//! long as it was said.

use crate::program::{DEMO_KEY, Folder, Server, fails, json, run};
use numberotp_core::secret::SecretBytes;
use numberotp_core::webhook::sign;
use numberotp_testkit::database::on_each_engine;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

const MASTER: &str = "q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k=";
const BODY: &str = r#"{"number":"+447700900123","text":"Telegram code: 48291","messageId":"m-1"}"#;

/// The status of a webhook that is signed with this secret.
fn hook(server: &Server, secret: &str) -> String {
    let mut stream = TcpStream::connect(&server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let signature = sign(&SecretBytes::new(secret.as_bytes()), BODY.as_bytes());
    let request = format!(
        "POST /api/webhooks/sms/gw1 HTTP/1.1\r\nHost: a\r\nX-Signature: {signature}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{BODY}",
        BODY.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap().to_owned()
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap().to_owned()
}

#[test]
fn an_operator_replaces_a_gateways_secret_without_losing_a_message() {
    on_each_engine(|database| {
        let folder = Folder::new(&format!("rotate-{}", database.engine().name()));
        let place = ["--database-url", database.url(), "--master-key", MASTER];
        let with = |words: &[&'static str]| [words, &place].concat();
        let first = text(&json(&with(&["provider", "add", "gw1", "--json"])), "secret");
        let flags = [&["--no-sandbox"], place.as_slice()].concat();
        let server = Server::start(&folder, &flags);
        assert_eq!(hook(&server, &first), "200");

        let rotated = json(&with(&["provider", "rotate", "gw1", "--json"]));
        let second = text(&rotated, "secret");
        assert_ne!(first, second);
        assert!(second.len() >= 43 && text(&rotated, "oldSecretUntil").ends_with('Z'), "{rotated}");
        assert_eq!(hook(&server, &second), "200", "at once");
        assert_eq!(hook(&server, &first), "200", "still good for a day");

        let own = "a secret of my own choice";
        json(&with(&["provider", "rotate", "gw1", "--keep", "0s", "--secret", own, "--json"]));
        assert_eq!(hook(&server, own), "200");
        for old in [&first, &second] {
            assert_eq!(hook(&server, old), "401", "not a moment longer");
        }
        let said = String::from_utf8(run(&with(&["provider", "rotate", "gw1"])).stdout).unwrap();
        assert!(said.contains("shown once") && said.contains("accepted until"), "{said}");
    });
}

/// The command's time is the sandbox's, which a test has moved.
#[test]
fn in_a_sandbox_whose_clock_was_moved_the_old_secret_is_kept_as_long() {
    let folder = Folder::new("rotate-moved");
    let url = format!("sqlite://{}", folder.file("s.db"));
    let server = Server::start(&folder, &["--database-url", &url, "--sandbox", "--demo"]);
    let first = text(&json(&["provider", "add", "gw1", "--json", "--database-url", &url]), "secret");
    let (status, _, answer) = server.request("POST", "/sandbox/clock", DEMO_KEY, r#"{"advance":"30d"}"#);
    assert_eq!(status, 200, "{answer}");
    let second = text(&json(&["provider", "rotate", "gw1", "--json", "--database-url", &url]), "secret");
    assert_eq!((hook(&server, &second).as_str(), hook(&server, &first).as_str()), ("200", "200"));
}

#[test]
fn what_cannot_be_rotated_is_said_in_a_sentence() {
    let folder = Folder::new("rotate-refused");
    let url = format!("sqlite://{}", folder.file("r.db"));
    let place = ["--database-url", &url, "--master-key", MASTER];
    let own = "a secret of my own choice";
    json(&[&["provider", "add", "gw1", "--json", "--secret", own], place.as_slice()].concat());
    for (words, expected) in [
        (&["provider", "rotate", "nobody"][..], "no provider nobody"),
        (&["provider", "rotate", "sandbox"], "sandbox signs"),
        (&["provider", "rotate", "gw1", "--keep", "soon"], "--keep soon"),
        (&["provider", "rotate", "gw1", "--secret", "short"], "shorter than 16"),
        (&["provider", "rotate", "gw1", "--secret", own], "has that secret already"),
    ] {
        let said = fails(1, &[words, place.as_slice()].concat());
        assert!(said.contains(expected), "{said}");
    }
}
