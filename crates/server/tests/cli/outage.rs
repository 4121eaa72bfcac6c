//! The real program while its database is away: it says so, serves what it knows, and goes on by itself, jobs
//! included, when the database is back.

use crate::program::{DEMO_KEY, Folder, Server, json};
use numberotp_testkit::cluster::TestCluster;
use numberotp_testkit::database::TestEngine;
use std::time::{Duration, Instant};

const RENT: &str = r#"{"service":"telegram","country":"US"}"#;
const BACK_WITHIN: Duration = Duration::from_secs(5);

#[test]
fn a_server_outlives_its_database_and_its_jobs_go_on() {
    let Some(mut cluster) = TestCluster::start() else { return };
    let database = TestEngine::Postgres(cluster.url()).database();
    let folder = Folder::new("outage");
    let mut server = Server::start(&folder, &["--database-url", database.url(), "--sandbox", "--demo"]);
    let rent = || server.request("POST", "/api/internal/rent", DEMO_KEY, RENT);
    let (status, _, before) = rent();
    assert_eq!(status, 200, "{before}");

    cluster.down();
    for _ in 0..20 {
        let begun = Instant::now();
        let (status, head, body) = rent();
        assert_eq!((status, &body["code"]), (503, &"MAINTENANCE".into()), "{head} {body}");
        assert!(head.contains("retry-after: 5"), "{head}");
        assert!(begun.elapsed() < BACK_WITHIN, "told after {:?}", begun.elapsed());
    }
    server.get("/api/public/prices?service=telegram&country=US", "");

    cluster.up();
    let up = Instant::now();
    let after = loop {
        let (status, head, body) = rent();
        if status == 200 {
            break body;
        }
        assert_eq!(status, 503, "{head} {body}");
        assert!(up.elapsed() < BACK_WITHIN, "not back after {:?}", up.elapsed());
    };
    for rented in [before, after] {
        let path = format!("/api/internal/rent/{}/wait", rented["data"]["id"].as_str().unwrap());
        let (status, code) = loop {
            let (status, _, body) = server.request("GET", &path, DEMO_KEY, "");
            // The last connections to learn of it are still making up their minds.
            if status != 503 || up.elapsed() > BACK_WITHIN {
                break (status, body);
            }
        };
        assert_eq!(status, 200, "{code}");
        assert!(code["data"]["otp"].as_str().is_some_and(|code| code.len() >= 4), "{code}");
    }
    server.signal("TERM");
    assert_eq!(server.ended(), Some(0));
    assert_eq!(json(&["audit", "--json", "--database-url", database.url()])["clean"], true);
}
