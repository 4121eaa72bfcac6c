//! Sessions that the real packages make, on every run afresh: `next-auth` 4 and Auth.js 5 in the versions that
//! `xtask/clients` names, and a website with a sign-in, which is the example of `docs/nextjs.md`.
//!
//! Guards: what the packages encrypt and cut into cookies opens an account here, and a letter changed in it does not.

use crate::document::blocks;
use crate::program::{Folder, Server, json};
use crate::tools::{Client, printed, values};
use numberotp_testkit::database::on_each_engine;
use serde_json::{Value, json as value};
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

const PAGE: &str = include_str!("../../../../docs/nextjs.md");
const SITE: &str = include_str!("../../../../docs/examples/site.mjs");
const MINT: &str = include_str!("scripts/mint.mjs");
const VISIT: &str = include_str!("scripts/visit.mjs");
/// What browsers say of the website's pages: its own name, not the address where the test reaches it.
const ORIGIN: &str = "https://www.example.com";
const SECRET: &str = "the-secret-of-the-website-0123456789-0123";

#[test]
fn sessions_made_afresh_by_both_packages_are_read_whole_and_spoilt_ones_are_not() {
    if !Client::Node.is_there() {
        return;
    }
    on_each_engine(|database| {
        let folder = Folder::new(&format!("authjs-mint-{}", database.engine().name()));
        let secrets = format!("a-newer-secret-that-nobody-used-yet-0123 {SECRET}");
        let server = Server::start(
            &folder,
            &[
                "--database-url",
                database.url(),
                "--sandbox",
                "--authjs-secrets",
                &secrets,
                "--authjs-create-accounts",
            ],
        );
        std::fs::write(folder.path().join("mint.mjs"), MINT).unwrap();
        let mut mint = Client::Node.command(&folder);
        mint.args(["mint.mjs", &format!("http://{}", server.address), SECRET]);
        let cases = values(&printed(&mut mint, "mint.mjs"));
        assert_eq!(cases.len(), 12);
        let mut most = 0;
        for case in &cases {
            let email = format!("{}@example.com", case["family"].as_str().unwrap());
            for way in ["whole", "bearer"] {
                assert_eq!(
                    (&case[way]["status"], &case[way]["email"]),
                    (&value!(200), &value!(email)),
                    "{case}"
                );
            }
            let names = case["names"].as_array().unwrap();
            let secure = names[0].as_str().unwrap().starts_with("__Secure-");
            assert_eq!(value!(secure), case["secure"], "{case}");
            most = most.max(names.len());
            let wrong = case["wrong"].as_array().unwrap();
            assert!(wrong.len() == 25 && wrong.iter().all(|status| *status == 401), "{case}");
        }
        assert!(most > 2, "no cookie was cut into several");
    });
}

/// A running website; ended with the value.
struct Site {
    child: Child,
    url: String,
}

impl Site {
    fn start(folder: &Folder, otp: &str) -> Self {
        std::fs::write(folder.path().join("site.mjs"), SITE).unwrap();
        let mut command = Client::Node.command(folder);
        command.arg("site.mjs").env("AUTH_SECRET", SECRET).env("NUMBEROTP_URL", otp).env("PORT", "0");
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        let url = url.trim().to_owned();
        assert!(url.starts_with("http://"), "{url:?}");
        Self { child, url }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _ended = self.child.wait();
    }
}

#[test]
fn the_page_shows_the_site_that_runs() {
    assert_eq!(blocks(PAGE, "js")[0], SITE);
}

#[test]
fn whoever_signs_in_at_the_website_is_signed_in_here() {
    if !Client::Node.is_there() {
        return;
    }
    let folder = Folder::new("authjs-visit");
    let arguments = ["--email", "ada@example.com", "--approve", "--credits", "2000", "--json"];
    let url = format!("sqlite://{}", folder.file("otp.db"));
    let flags = ["--sandbox", "--authjs-secrets", SECRET, "--cors-origins", ORIGIN];
    let server = Server::start(&folder, &[&["--database-url", &url], &flags[..]].concat());
    json(&[&["account", "create"], &arguments[..], &["--database-url", &url]].concat());
    let site = Site::start(&folder, &format!("http://{}", server.address));
    std::fs::write(folder.path().join("visit.mjs"), VISIT).unwrap();
    let mut visit = Client::Node.command(&folder);
    visit.args(["visit.mjs", &site.url, &format!("http://{}", server.address), ORIGIN]);
    let told = values(&printed(&mut visit, "visit.mjs"));
    let of = |what: &str| -> &Value { told.iter().find(|step| step["what"] == what).unwrap() };
    for (what, status, code) in [
        ("nobody", 401, "UNAUTHORIZED"),
        ("a wrong password", 401, "UNAUTHORIZED"),
        ("rent from elsewhere", 403, "CSRF_REFUSED"),
        ("rent from nowhere", 403, "CSRF_REFUSED"),
    ] {
        assert_eq!(
            (&of(what)["status"], &of(what)["body"]["code"]),
            (&value!(status), &value!(code)),
            "{told:?}"
        );
    }
    for what in ["through the site", "straight"] {
        assert_eq!(of(what)["body"]["data"]["email"], "ada@example.com", "{told:?}");
        assert_eq!(of(what)["body"]["data"]["credits"], 2_000, "{told:?}");
    }
    assert_eq!(of("rent")["body"]["remainingCredits"], 1_900, "{told:?}");
    assert!(of("cookies")["names"].as_array().unwrap().contains(&value!("authjs.session-token")), "{told:?}");
}
