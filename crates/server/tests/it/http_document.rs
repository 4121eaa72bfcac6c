//! `/openapi.json` and `/docs`: the document and the router name the same addresses and methods, a refusal leads to its
//! page, and what is sent may be kept as its headers say.

use http::Method;
use numberotp_server::config::Mode;
use numberotp_server::http::document;
use numberotp_testkit::app::{Answer, Setup, TestApp, in_sandbox, with_app};
use std::collections::BTreeSet;
use std::path::Path;

/// The methods of an address, as the router tells them.
async fn methods(app: &TestApp<'_>, path: &str) -> BTreeSet<String> {
    let answer = app.ask(Method::OPTIONS, path).send().await;
    assert_eq!(answer.status, 204, "{path}");
    answer.header("allow").split(',').map(|method| method.trim().to_ascii_lowercase()).collect()
}

async fn agrees(app: &TestApp<'_>, mode: Mode) {
    let document = document(mode);
    assert_eq!(app.get("/openapi.json").send().await.json(), document);
    for (path, item) in document["paths"].as_object().unwrap() {
        let mut described: BTreeSet<String> = item.as_object().unwrap().keys().cloned().collect();
        described.insert("options".to_owned());
        if described.contains("get") {
            described.insert("head".to_owned());
        }
        let address = path.replace("{id}", "1").replace("{code}", "X").replace("{file}", "x");
        assert_eq!(methods(app, &address.replace("{provider}", "x")).await, described, "{path}");
    }
}

#[test]
fn the_document_and_the_router_name_the_same_methods() {
    in_sandbox(async |app| agrees(app, Mode::Sandbox).await);
    with_app(Setup::production(), async |app| {
        agrees(app, Mode::Production).await;
        app.get("/sandbox/clock").refused(404, "NOT_FOUND").await;
    });
}

/// A route beside the table would be one that the document does not know.
#[test]
fn routes_are_added_by_the_table_alone() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut adding) = (vec![source], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if std::fs::read_to_string(&path).unwrap().contains(".route(") {
                adding.push(path);
            }
        }
    }
    assert!(matches!(adding.as_slice(), [one] if one.ends_with("http/document/mod.rs")), "{adding:?}");
}

#[test]
fn a_refusal_leads_to_its_page() {
    in_sandbox(async |app| {
        let refusal = app.get("/api/internal/balance").send().await;
        refusal.refused(401, "UNAUTHORIZED");
        let address = refusal.header("link").strip_prefix('<').unwrap().split_once('>').unwrap().0.to_owned();
        let page = app.get(&address).send().await;
        assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
        assert!(page.text().contains("<h1>UNAUTHORIZED</h1>") && !page.text().contains("<script"));
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none';") && !policy.contains("script-src"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        app.get("/docs/errors/NO_SUCH_CODE").refused(404, "NOT_FOUND").await;
        assert!(app.get("/docs/errors/").send().await.text().contains("/docs/errors/UNAUTHORIZED"));
    });
}

#[test]
fn what_does_not_change_is_sent_once() {
    in_sandbox(async |app| {
        for path in ["/openapi.json", "/docs/errors", "/docs/errors/TIMEOUT", "/docs/scripts/reference.js"] {
            let first = app.get(path).send().await;
            assert_eq!(first.header("cache-control"), "public, max-age=0, must-revalidate", "{path}");
            let again = app.get(path).header("if-none-match", first.header("etag")).send().await;
            assert_eq!((again.status, again.body.len()), (304, 0), "{path}");
        }
    });
}

#[test]
fn the_page_names_a_script_that_is_kept_for_ever_and_a_nonce_that_is_not() {
    in_sandbox(async |app| {
        let page = app.get("/docs").send().await;
        let between = |text: &str, from: &str, to: &str| {
            text.split_once(from).unwrap().1.split_once(to).unwrap().0.to_owned()
        };
        let nonce = |page: &Answer| between(page.text(), "csp-nonce\" content=\"", "\"");
        let policy = page.header("content-security-policy");
        assert!(policy.contains(&format!("style-src 'nonce-{}'", nonce(&page))), "{policy}");
        assert!(
            policy.starts_with("default-src 'none';") && policy.contains("script-src 'self';"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(page.header("cache-control"), "no-store");
        assert_ne!(nonce(&page), nonce(&app.get("/docs").send().await));

        let script = format!("/docs/scripts/scalar-{}.js", between(page.text(), "scripts/scalar-", ".js"));
        let packed = app.get(&script).header("accept-encoding", "gzip").send().await;
        assert_eq!((packed.status, packed.header("content-encoding")), (200, "gzip"));
        assert_eq!(packed.header("cache-control"), "public, max-age=31536000, immutable");
        let plain = app.get(&script).send().await;
        assert_eq!((plain.status, plain.header("content-encoding")), (200, ""));
        assert!(plain.body.len() > packed.body.len() && plain.header("etag") != packed.header("etag"));
        app.get("/docs/scripts/other.js").refused(404, "NOT_FOUND").await;
    });
}
