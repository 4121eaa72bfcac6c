//! The examples of `docs/sandbox.md`: a team's app with a sign-up by SMS, tested by pytest and in a browser against
//! the real program. Guards: the page shows the files that run, letter for letter, and they run as the page says.

use crate::document::blocks;
use crate::program::{Folder, Server};
use crate::tools::{Client, chromium, printed};
use std::process::Command;

const PAGE: &str = include_str!("../../../../docs/sandbox.md");
const APP: &str = include_str!("../../../../docs/examples/app.py");
const PYTEST: &str = include_str!("../../../../docs/examples/test_signup.py");
const BROWSER: &str = include_str!("../../../../docs/examples/signup.spec.mjs");

/// A folder with the examples, and a sandbox that starts as the page starts it.
fn examples(test: &str) -> (Folder, Server) {
    let folder = Folder::new(test);
    for (name, text) in [("app.py", APP), ("test_signup.py", PYTEST), ("signup.spec.mjs", BROWSER)] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let server = Server::start(&folder, &["--seed", "7"]);
    (folder, server)
}

/// Runs the examples in the folder against the server; answers what was printed.
fn run(mut command: Command, server: &Server) -> String {
    printed(command.env("NUMBEROTP_SANDBOX_URL", format!("http://{}", server.address)), "the examples")
}

#[test]
fn the_page_shows_the_files_that_run() {
    assert_eq!(blocks(PAGE, "python"), [PYTEST, APP]);
    assert_eq!(blocks(PAGE, "js"), [BROWSER]);
}

#[test]
fn a_team_tests_its_sign_up_with_pytest() {
    if !Client::Python.is_there() {
        return;
    }
    let (folder, server) = examples("examples-pytest");
    let mut pytest = Client::Python.command(&folder);
    pytest.args(["-m", "pytest", "-q", "-p", "no:cacheprovider"]);
    let printed = run(pytest, &server);
    let tests = PYTEST.matches("\ndef test_").count();
    assert!(printed.contains(&format!("{tests} passed")), "{printed}");
}

#[test]
fn a_team_tests_its_sign_up_in_a_browser() {
    // The app under test is Python's.
    let clients = [Client::Python, Client::Node].iter().all(|client| client.is_there());
    let (true, Some(chromium)) = (clients, chromium()) else { return };
    let (folder, server) = examples("examples-browser");
    let mut playwright = Client::Node.command(&folder);
    playwright.args(["node_modules/@playwright/test/cli.js", "test", "--reporter=line"]);
    playwright.env("CHROMIUM", chromium);
    let printed = run(playwright, &server);
    assert!(printed.contains("1 passed"), "{printed}");
}
