//! The samples of our own pages, taken out of them and run as a reader would: against a sandbox as it starts without
//! any configuration. Only its address is another, because the usual port may be taken.

use crate::document::blocks;
use crate::program::{Folder, Server};
use crate::tools::{Client, values};

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
