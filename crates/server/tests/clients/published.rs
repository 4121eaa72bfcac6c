//! The published page's own samples, run by the clients they are written for. Of a sample only the base URL and the
//! token are changed; where it prints nothing, a line after it prints what it has in its variables.
//!
//! Guards: whoever pastes a sample gets the answers that the page prints, key for key. The page is not ours and no
//! line of it stands here: it is read from the file that `NUMBEROTP_TEST_PUBLISHED_PAGE` names, or from beside the
//! checkout. Where there is none, these tests say so and pass.

use crate::document::between;
use crate::program::{Folder, Server, json};
use crate::tools::{Client, values, variable};
use numberotp_testkit::database::{on_each_engine, skip_optional};
use serde_json::{Deserializer, Value, json as value};
use std::path::Path;

const PAGE: &str = "NUMBEROTP_TEST_PUBLISHED_PAGE";

/// The page, with its code examples cut out. Its text lost all markup: the heading of one example stands at the end
/// of the last line of the example before, so that each ends where the next one's heading begins.
struct Page {
    text: String,
}

impl Page {
    fn read() -> Option<Self> {
        if let Some(path) = variable(PAGE) {
            return Some(Self { text: std::fs::read_to_string(path).unwrap() });
        }
        let server = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = server.ancestors().nth(3).unwrap();
        let path = root.join(["sha", "red"].concat()).join("api").join("published-docs.txt");
        let text = std::fs::read_to_string(&path).ok();
        if text.is_none() {
            skip_optional("the published page is not beside the checkout");
        }
        text.map(|text| Self { text })
    }

    fn sample(&self, client: Client) -> &str {
        let examples = between(&self.text, "Code Examples\n", "Need Help?");
        let from_python = || examples.split_once("Python\n").unwrap().1;
        match client {
            Client::Node => between(examples, "JavaScript/Node.js\n", "Python\n"),
            Client::Python => from_python().split_once("cURL\n").unwrap().0,
            Client::Curl => from_python().split_once("cURL\n").unwrap().1,
        }
    }

    fn base_url(&self) -> &str {
        between(&self.text, "Base URL: ", "\n")
    }

    /// The answers that the page prints: prices, balance, rent.
    fn answers(&self) -> [Value; 3] {
        let mut printed = self.text.split("Example Response:\n").skip(1);
        [(); 3].map(|()| {
            // What follows a JSON value on its last line is the next heading.
            let mut stream = Deserializer::from_str(printed.next().unwrap()).into_iter();
            stream.next().unwrap().unwrap()
        })
    }

    /// The lines that show how each kind of token is sent: method, path, headers.
    fn ways_to_sign_in(&self) -> Vec<[&str; 4]> {
        let lines = between(&self.text, "Authentication\n", "Public APIs\n").lines();
        let requests = lines.filter(|line| line.starts_with("GET /") || line.starts_with("POST /"));
        requests
            .map(|line| {
                let (request, headers) = line.split_once(" Authorization: ").unwrap();
                let (method, path) = request.split_once(' ').unwrap();
                let (token, kind) = headers.split_once(" Content-Type: ").unwrap();
                [method, path, token, kind]
            })
            .collect()
    }
}

/// A customer as the page's answers show one, at a server of its own.
struct Stage {
    page: Page,
    folder: Folder,
    server: Server,
    session: String,
    jwt: String,
}

impl Stage {
    fn sample(&self, client: Client) -> String {
        let sample = self.page.sample(client);
        assert!(sample.contains(self.page.base_url()), "{sample}");
        sample.replace(self.page.base_url(), &format!("http://{}/api", self.server.address))
    }
}

/// Runs a test on every engine, where the page and the client are.
fn on_stage(test: &str, client: Client, body: impl Fn(&Stage)) {
    if Page::read().is_none() || !client.is_there() {
        return;
    }
    on_each_engine(|database| {
        let folder = Folder::new(&format!("{test}-{}", database.engine().name()));
        let url = database.url();
        let server = Server::start(&folder, &["--database-url", url, "--sandbox"]);
        let arguments =
            ["--email", "reader@example.com", "--approve", "--credits", "2000", "--balance", "100.5"];
        let create = [&["account", "create"], &arguments[..], &["--json", "--database-url", url]].concat();
        let account = json(&create);
        let token = |name: &str| account[name].as_str().unwrap().to_owned();
        let (session, jwt) = (token("sessionToken"), token("jwt"));
        body(&Stage { page: Page::read().unwrap(), folder, server, session, jwt });
    });
}

/// Whether an answer is the printed one. What differs from customer to customer may hold another value of its type.
fn agrees(path: &str, printed: &Value, answer: &Value) {
    const FREE: [&str; 4] = [".source", ".data.id", ".data.number", ".data.expiresAt"];
    match (printed, answer) {
        (Value::Object(printed), Value::Object(answer)) => {
            for (key, inner) in printed {
                agrees(&format!("{path}.{key}"), inner, answer.get(key).unwrap_or(&Value::Null));
            }
        }
        (Value::String(_), Value::String(text)) if FREE.contains(&path) => {
            assert!(!text.is_empty(), "{path}");
        }
        _ => assert_eq!(printed, answer, "{path}"),
    }
}

#[test]
fn the_pages_curl_sample_runs_as_it_stands() {
    on_stage("page-curl", Client::Curl, |stage| {
        // The status of each answer, by the configuration that curl reads from its home.
        std::fs::write(stage.folder.path().join(".curlrc"), "silent\nwrite-out = \" %{http_code} \"\n")
            .unwrap();
        let sample = stage.sample(Client::Curl).replace("<session-token>", &stage.session);
        let printed = values(&Client::Curl.run(&stage.folder, &sample));
        let [prices, balance, rent] = stage.page.answers();
        assert_eq!(printed.len(), 6, "{printed:?}");
        for (answer, expected) in printed.chunks(2).zip([prices, balance, rent]) {
            assert_eq!(answer[1], 200, "{}", answer[0]);
            agrees("", &expected, &answer[0]);
        }
    });
}

#[test]
fn the_pages_python_sample_runs_as_it_stands() {
    on_stage("page-python", Client::Python, |stage| {
        let sample = format!(
            "session_token = '{}'\n{}\nimport json; print(json.dumps([prices, balance, response.status_code]))\n",
            stage.session,
            stage.sample(Client::Python),
        );
        let printed = values(&Client::Python.run(&stage.folder, &sample)).remove(0);
        let [prices, balance, _] = stage.page.answers();
        agrees("", &prices, &printed[0]);
        agrees("", &balance, &printed[1]);
        assert_eq!(printed[2], 200);
    });
}

#[test]
fn the_pages_javascript_sample_runs_as_it_stands() {
    on_stage("page-node", Client::Node, |stage| {
        let sample = format!(
            "const sessionToken = '{}'\n{}\nfor (const answer of [prices, balance, rent]) \
             console.log(JSON.stringify([answer.status, answer.data]))\n",
            stage.session,
            stage.sample(Client::Node),
        );
        let printed = values(&Client::Node.run(&stage.folder, &sample));
        assert_eq!(printed.len(), 3, "{printed:?}");
        for (answer, expected) in printed.iter().zip(stage.page.answers()) {
            assert_eq!(answer[0], 200, "{answer}");
            agrees("", &expected, &answer[1]);
        }
    });
}

#[test]
fn the_pages_two_ways_to_sign_in_work_with_curl() {
    on_stage("page-tokens", Client::Curl, |stage| {
        let ways = stage.page.ways_to_sign_in();
        assert_eq!(ways.len(), 2, "{ways:?}");
        for [method, path, token, kind] in ways {
            let token = token.replace("<session-token>", &stage.session).replace("<jwt-token>", &stage.jwt);
            assert!(!token.contains('<'), "{token}");
            let address = &stage.server.address;
            let line = format!(
                "curl -sS --fail-with-body -X {method} 'http://{address}{path}' \
                 -H 'Authorization: {token}' -H 'Content-Type: {kind}'\n"
            );
            let printed = values(&Client::Curl.run(&stage.folder, &line)).remove(0);
            assert_eq!(printed["success"], true, "{method} {path}: {printed}");
        }
    });
}

#[test]
fn an_answer_that_lacks_a_printed_key_does_not_agree() {
    let printed = value!({ "data": { "id": "12345", "service": "telegram" } });
    agrees("", &printed, &value!({ "data": { "id": "1", "service": "telegram", "more": 1 } }));
    for other in [
        value!({ "data": { "id": "1", "service": "whatsapp" } }),
        value!({ "data": { "id": 1, "service": "telegram" } }),
        value!({ "data": { "id": "1" } }),
    ] {
        assert!(std::panic::catch_unwind(|| agrees("", &printed, &other)).is_err(), "{other}");
    }
}
