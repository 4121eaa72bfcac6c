//! The samples of our own pages, taken out of them and run as a reader would: against a sandbox as it starts without
//! any configuration, and the README's whole production set-up. Only addresses are others, because the usual port may
//! be taken, and the program is the one that is tested.

use crate::document::blocks;
use crate::program::{Folder, Server};
use crate::tools::{Client, values};
use numberotp_testkit::database::skip;
use std::process::Command;

const README: &str = include_str!("../../../../README.md");
const CLIENTS: &str = include_str!("../../../../docs/clients.md");
/// Where a sandbox listens if nobody says otherwise.
const USUAL: &str = "127.0.0.1:8080";

/// Runs the page's one sample in a language; answers what it printed.
fn run(client: Client, language: &str) -> Option<String> {
    if !client.is_there() {
        return None;
    }
    let samples = blocks(CLIENTS, language);
    let [sample] = samples.as_slice() else { panic!("{} samples in {language}", samples.len()) };
    assert!(sample.contains(USUAL), "{sample}");
    let folder = Folder::new(&format!("own-{language}"));
    let server = Server::start(&folder, &[]);
    Some(client.run(&folder, &sample.replace(USUAL, &server.address)))
}

/// What the programs print, line by line, is what the page says they do.
fn prints_the_page(printed: &str) {
    let expected = blocks(CLIENTS, "text").remove(0);
    assert_eq!(printed.lines().count(), expected.lines().count(), "{printed}");
    for (line, expected) in printed.lines().zip(expected.lines()) {
        let ((label, said), (of, shown)) =
            (line.split_once(": ").unwrap(), expected.split_once(": ").unwrap());
        assert_eq!(label, of);
        match label {
            "number" => assert!(said.starts_with("+1") && said.len() == shown.len(), "{line}"),
            "code" => assert!(is_code(said), "{line}"),
            _ => assert_eq!(said, shown, "{label}"),
        }
    }
}

fn is_code(text: &str) -> bool {
    (4..=8).contains(&text.len()) && text.bytes().all(|letter| letter.is_ascii_alphanumeric())
}

#[test]
fn the_curl_sample_shows_a_price_rents_and_reads_the_code() {
    let Some(printed) = run(Client::Curl, "sh") else { return };
    let answers = values(&printed);
    let [prices, rent, code] = answers.as_slice() else { panic!("{printed}") };
    assert_eq!(prices["data"]["US"]["telegram"]["services"]["1"]["cost"], "0.05");
    assert_eq!(code["data"]["id"], rent["data"]["id"]);
    assert!(is_code(code["data"]["otp"].as_str().unwrap()), "{code}");
}

#[test]
fn the_readmes_production_set_up_goes_from_a_master_key_to_a_code_and_clean_books() {
    if !Client::Curl.is_there() {
        return;
    }
    if Command::new("openssl").arg("version").output().is_err() {
        skip("openssl is not here");
        return;
    }
    let mut sample = blocks(README, "sh").into_iter().find(|block| block.contains("provider add")).unwrap();
    for (from, to) in [
        ("cargo build --release\n", ""),
        ("N=target/release/numberotp\n", concat!("N='", env!("CARGO_BIN_EXE_numberotp"), "'\n")),
        ("--listen 127.0.0.1:8081 &", "--listen 127.0.0.1:0 --ready-file ready &"),
        (
            "API=http://127.0.0.1:8081/api\n",
            "until [ -s ready ]; do kill -0 $SERVER || exit 1; done\nAPI=http://$(cat ready)/api\n",
        ),
    ] {
        assert!(sample.contains(from), "{from} in {sample}");
        sample = sample.replace(from, to);
    }
    assert!(!sample.contains("8081") && !sample.contains("target/release"), "{sample}");
    let printed = Client::Curl.run(&Folder::new("own-readme"), &sample);
    assert!(printed.contains("\"otp\":\"48291\"") && printed.contains("The books are clean"), "{printed}");
}

#[test]
fn the_python_sample_prints_what_its_page_says() {
    if let Some(printed) = run(Client::Python, "python") {
        prints_the_page(&printed);
    }
}

#[test]
fn the_javascript_sample_prints_what_its_page_says() {
    if let Some(printed) = run(Client::Node, "js") {
        prints_the_page(&printed);
    }
}
