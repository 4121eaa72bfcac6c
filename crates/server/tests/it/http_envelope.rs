//! Every refusal has one form, whoever makes it: the router, a reader, a use case or the frame around them. Also
//! what HTTP itself asks of a server: methods, slashes, sizes, and connections that end when they must.

use crate::http_stage::{RENT, at, look, raw, rent, telegram, text};
use http::Method;
use numberotp_testkit::app::{TestApp, in_sandbox};
use std::collections::BTreeSet;

/// Every route there is: methods, and an address at which they are taken.
const ROUTES: &[(&[&str], &str)] = &[
    (&["GET", "HEAD"], "/api/public/prices"),
    (&["GET", "HEAD"], "/api/public/rent-prices"),
    (&["GET", "HEAD"], "/api/public/services"),
    (&["GET", "HEAD"], "/api/public/countries"),
    (&["GET", "HEAD"], "/api/public/operators"),
    (&["GET", "HEAD", "POST"], "/api/internal/balance"),
    (&["GET", "HEAD"], "/api/internal/transactions"),
    (&["GET", "HEAD", "PATCH"], "/api/user/profile"),
    (&["POST"], "/api/internal/rent"),
    (&["GET", "HEAD"], "/api/internal/rents"),
    (&["GET", "HEAD", "DELETE"], "/api/internal/rent/12345"),
    (&["GET", "HEAD"], "/api/internal/rent/12345/wait"),
    (&["POST"], "/api/internal/rent/12345/cancel"),
    (&["POST"], "/api/internal/rent/12345/finish"),
    (&["POST"], "/api/internal/rent/12345/resend"),
    (&["POST"], "/api/webhooks/sms/sandbox"),
    (&["GET", "HEAD", "POST", "DELETE"], "/sandbox/scenarios"),
    (&["GET", "HEAD", "POST"], "/sandbox/clock"),
    (&["POST"], "/sandbox/messages"),
];
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE"];

fn method(name: &str) -> Method {
    name.parse().unwrap()
}

#[test]
fn a_wrong_method_is_a_405_that_names_the_right_ones() {
    in_sandbox(async |app| {
        for (methods, path) in ROUTES {
            for other in METHODS.iter().filter(|name| !methods.contains(name)) {
                let answer = app.ask(method(other), path).send().await;
                // The answer to HEAD has no body, whatever it is.
                match *other {
                    "HEAD" => assert_eq!((answer.status, answer.body.len()), (405, 0), "{path}"),
                    _ => drop(answer.refused(405, "METHOD_NOT_ALLOWED")),
                }
                let allowed: BTreeSet<&str> = answer.header("allow").split(',').map(str::trim).collect();
                assert_eq!(allowed, methods.iter().copied().collect(), "{other} {path}");
            }
        }
    });
}

#[test]
fn what_is_nowhere_is_a_404() {
    in_sandbox(async |app| {
        let customer = app.account(0, 0).await;
        for path in [
            "/",
            "/api",
            "/api/",
            "/api/public",
            "/api/public/price",
            "/api/PUBLIC/prices",
            "/api/internal/rent/1/2/3",
            "/api/internal/rent/12345/pay",
            "/api/webhooks/sms",
            "/api/webhooks/sms/sandbox/more",
            "/api/public/prices//",
            "//api/public/prices",
            "/api/public/../public/prices",
            "/v1/nobody",
        ] {
            app.get(path).refused(404, "NOT_FOUND").await;
        }
        // Bytes that are no text are an id that nobody has, not an error of another form.
        for path in ["/api/internal/rent/%ff", "/api/internal/rent/%FF%FE/wait", "/api/internal/rent/%00"] {
            app.get(path).by(&customer).refused(404, "NOT_FOUND").await;
        }
        app.post("/api/internal/rent/%ff/cancel").by(&customer).refused(404, "NOT_FOUND").await;
        app.post("/api/webhooks/sms/%ff").refused(404, "NOT_FOUND").await;
    });
}

#[test]
fn a_slash_at_the_end_is_tolerated_and_head_is_get_without_a_body() {
    in_sandbox(async |app| {
        let customer = app.account(100, 0).await;
        for (methods, path) in ROUTES.iter().filter(|(_, path)| !path.contains("12345")) {
            let plain = app.ask(method(methods[0]), path).by(&customer).send().await;
            let slash = app.ask(method(methods[0]), &format!("{path}/")).by(&customer).send().await;
            assert_eq!(slash.status, plain.status, "{path}/: {}", slash.text());
        }
        let with_query = app.get("/api/public/prices/?service=telegram&country=US").send().await;
        assert_eq!(with_query.ok()["data"]["US"]["telegram"]["services"]["1"]["cost"], "0.05");
        let id =
            text(&app.post("/api/internal/rent/").by(&customer).json(&telegram()).ok().await["data"], "id")
                .to_owned();
        app.get(&format!("{}/", at(&id, ""))).by(&customer).ok().await;
        app.post(&format!("{}/", at(&id, "cancel"))).by(&customer).ok().await;

        for (_, path) in
            ROUTES.iter().filter(|(methods, path)| methods.contains(&"HEAD") && !path.contains("12345"))
        {
            let head = app.ask(Method::HEAD, path).by(&customer).send().await;
            let get = app.get(path).by(&customer).send().await;
            assert_eq!(head.status, get.status, "HEAD {path}");
            assert!(head.status != 200 || head.body.is_empty(), "HEAD {path}");
        }
    });
}

#[test]
fn every_route_of_an_account_wants_a_credential() {
    in_sandbox(async |app| {
        for (methods, path) in
            ROUTES.iter().filter(|(_, path)| !path.contains("public") && !path.contains("webhooks"))
        {
            for name in methods.iter().filter(|name| **name != "HEAD") {
                let answer = app.ask(method(name), path).json(&telegram()).send().await;
                answer.refused(401, "UNAUTHORIZED");
                assert_eq!(answer.header("www-authenticate"), "Bearer", "{name} {path}");
            }
        }
        let signature = app.post("/api/webhooks/sms/sandbox").json(&telegram()).send().await;
        signature.refused(401, "INVALID_SIGNATURE");
        assert_eq!(signature.header("www-authenticate"), "", "a provider has no bearer token");
    });
}

/// A body of JSON that is exactly so long.
fn padded(length: usize) -> String {
    let start = r#"{"service":"telegram","country":"US","padding":""#;
    format!("{start}{}\"}}", "x".repeat(length - start.len() - 2))
}

#[test]
fn bodies_addresses_and_headers_have_a_largest_size() {
    in_sandbox(async |app| {
        let customer = app.account(200, 0).await;
        let body = |length: usize| app.post(RENT).by(&customer).body("application/json", padded(length));
        body(64 * 1024).ok().await;
        let answer = body(64 * 1024 + 1).send().await;
        answer.refused(413, "PAYLOAD_TOO_LARGE");
        assert_eq!(answer.header("connection"), "close");
        app.ask(Method::PATCH, "/api/user/profile")
            .by(&customer)
            .body("application/json", padded(70_000))
            .refused(413, "PAYLOAD_TOO_LARGE")
            .await;
        app.post("/api/internal/balance")
            .by(&customer)
            .body("application/json", padded(70_000))
            .refused(413, "PAYLOAD_TOO_LARGE")
            .await;
        // Webhooks may be larger, and are refused by size before their signature is looked at.
        let webhook =
            |length: usize| app.post("/api/webhooks/sms/sandbox").body("application/json", padded(length));
        webhook(256 * 1024).refused(401, "INVALID_SIGNATURE").await;
        webhook(256 * 1024 + 1).refused(413, "PAYLOAD_TOO_LARGE").await;

        let path = "/api/public/prices?service=";
        let address = |length: usize| app.get(&format!("{path}{}", "x".repeat(length - path.len() + 1)));
        address(8 * 1024).ok().await;
        address(8 * 1024 + 1).refused(414, "URI_TOO_LONG").await;
        app.get(&format!("/{}", "x".repeat(9_000))).refused(414, "URI_TOO_LONG").await;

        let cookie = |length: usize| {
            app.get("/api/internal/balance").by(&customer).header("cookie", &"c".repeat(length))
        };
        cookie(31 * 1024).ok().await;
        cookie(33 * 1024).refused(431, "HEADERS_TOO_LARGE").await;
    });
}

#[test]
fn only_json_is_read_where_json_is_wanted() {
    in_sandbox(async |app| {
        let customer = app.account(1_000, 0).await;
        let send = |kind: &str| app.post(RENT).by(&customer).body(kind, telegram().to_string());
        for kind in [
            "",
            "text/plain",
            "text/json",
            "application/jsonp",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "json",
            "; application/json",
        ] {
            send(kind).refused(415, "UNSUPPORTED_MEDIA_TYPE").await;
        }
        for kind in [
            "application/json",
            "application/json; charset=utf-8",
            "APPLICATION/JSON",
            "application/vnd.api+json",
        ] {
            send(kind).ok().await;
        }
        app.post(RENT).by(&customer).refused(415, "UNSUPPORTED_MEDIA_TYPE").await;
        app.ask(Method::PATCH, "/api/user/profile")
            .by(&customer)
            .body("text/plain", "{}")
            .refused(415, "UNSUPPORTED_MEDIA_TYPE")
            .await;
        app.post("/api/internal/balance")
            .by(&customer)
            .body("text/plain", "{}")
            .refused(415, "UNSUPPORTED_MEDIA_TYPE")
            .await;
    });
}

#[test]
fn every_request_has_an_id_of_its_own() {
    in_sandbox(async |app| {
        let mut ids = BTreeSet::new();
        for path in ["/api/public/prices", "/api/internal/balance", "/nowhere", "/api/public/rent-prices"] {
            for _ in 0..25 {
                let answer = app.get(path).header("x-request-id", "mine").send().await;
                assert!(ids.insert(answer.header("x-request-id").to_owned()), "twice");
            }
        }
        assert!(!ids.contains("mine"), "a caller does not choose the id that our log is searched by");
    });
}

/// The status line, the headers and the body of a raw answer.
fn parts(answer: &str) -> (&str, &str, &str) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    let (status, headers) = head.split_once("\r\n").unwrap_or((head, ""));
    (status, headers, body)
}

/// Sends a request line with headers; the server is asked to close.
async fn speak(app: &TestApp<'_>, line: &str, headers: &str, body: &str) -> String {
    let request = format!("{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n{body}");
    raw(app.address(), request).await
}

#[test]
fn on_the_wire_the_limits_are_the_same() {
    in_sandbox(async |app| {
        let refusals = [
            (speak(app, &format!("GET /{}", "x".repeat(9_000)), "", "").await, "414", "URI_TOO_LONG"),
            (
                speak(app, "GET /api/public/prices", &format!("X-Long: {}\r\n", "y".repeat(33_000)), "")
                    .await,
                "431",
                "HEADERS_TOO_LARGE",
            ),
            (
                speak(app, "PUT /api/public/prices", "Content-Length: 0\r\n", "").await,
                "405",
                "METHOD_NOT_ALLOWED",
            ),
            (
                speak(
                    app,
                    "POST /api/webhooks/sms/sandbox",
                    "Content-Length: 300000\r\n",
                    &"z".repeat(300_000),
                )
                .await,
                "413",
                "PAYLOAD_TOO_LARGE",
            ),
        ];
        for (answer, status, code) in &refusals {
            let (line, headers, body) = parts(answer);
            assert!(line.contains(status), "{line}, expected {status}");
            assert!(body.contains(&format!("\"code\":\"{code}\"")), "{body}");
            assert!(headers.to_lowercase().contains("x-request-id: req_"), "{headers}");
        }
        let head = speak(app, "HEAD /api/public/prices?service=telegram&country=US", "", "").await;
        let (line, headers, body) = parts(&head);
        assert!(line.contains("200") && body.is_empty(), "{head}");
        let long = app.get("/api/public/prices?service=telegram&country=US").send().await.body.len();
        assert!(headers.to_lowercase().contains(&format!("content-length: {long}")), "as GET: {headers}");
    });
}

#[test]
fn one_connection_serves_many_requests() {
    in_sandbox(async |app| {
        let one = "GET /api/public/prices?service=telegram&country=US HTTP/1.1\r\nHost: localhost\r\n\r\n";
        let last = "GET /nowhere HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        let answer = raw(app.address(), format!("{one}{one}{last}")).await;
        assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 2);
        assert_eq!(answer.matches("HTTP/1.1 404 Not Found").count(), 1);
    });
}

#[test]
fn a_handler_that_panics_is_a_500_and_takes_nobody_with_it() {
    in_sandbox(async |app| {
        let customer = app.account(1_000, 0).await;
        let id = rent(app, &customer).await;
        crate::http_stage::deliver(app, &id, "m1", "Telegram code: 48291").await;
        app.line().interfere(|sent| panic!("a test's panic at {}", sent.verb));
        let answer = app.post(&at(&id, "resend")).by(&customer).send().await;
        let refused = answer.refused(500, "INTERNAL");
        assert!(!text(&refused, "error").contains("panic"), "{refused}");
        app.line().mend();
        assert_eq!(look(app, &customer, &id).await["otp"], "48291");
    });
}
