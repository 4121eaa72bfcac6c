//! The sandbox as a test tool, with the real program: its clock, its runner, its seed, two servers on one database.

use crate::program::{DEMO_KEY, Folder, Server, json};
use numberotp_server::store::db::Engine;
use numberotp_testkit::database::on_each_engine;
use serde_json::{Value, json as value};
use std::time::{Duration, Instant};

fn ask(server: &Server, method: &str, path: &str, body: &Value) -> Value {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let (status, _, answer) = server.request(method, path, DEMO_KEY, &body);
    assert_eq!(status, 200, "{method} {path} {body}: {answer}");
    answer
}

fn rent(server: &Server, operator: &str) -> Value {
    let wish = value!({ "service": "telegram", "country": "US", "operator": operator });
    ask(server, "POST", "/api/internal/rent", &wish)["data"].clone()
}

fn read(server: &Server, rent: &Value) -> Value {
    server.get(&format!("/api/internal/rent/{}", rent["id"].as_str().unwrap()), DEMO_KEY)["data"].clone()
}

#[test]
fn twenty_minutes_go_by_in_a_request_and_the_money_is_back_in_the_next() {
    on_each_engine(|database| {
        let folder = Folder::new(&format!("clock-{}", database.engine().name()));
        let arguments = ["--database-url", database.url(), "--sandbox", "--demo"];
        let mut server = Server::start(&folder, &arguments);
        let (silent, normal) = (rent(&server, "silent"), rent(&server, "normal"));
        assert_eq!(server.get("/api/internal/balance", DEMO_KEY)["credits"], 1_800);
        let told = ask(&server, "POST", "/sandbox/clock", &value!({ "advance": "20m" }));
        assert_eq!(told["data"]["offset"], "20m", "{told}");
        // The program's own runner was at it as well: whoever did it, it is done.
        assert_eq!(read(&server, &silent)["status"], "expired");
        assert_eq!(server.get("/api/internal/balance", DEMO_KEY)["credits"], 1_900);
        let heard = read(&server, &normal);
        assert!(heard["otp"].is_string() && heard["status"] == "finished", "{heard}");

        // The next start goes on from there, and what commands write is of the same time.
        server.signal("TERM");
        assert_eq!(server.ended(), Some(0));
        let server = Server::start(&folder, &arguments);
        let clock = server.get("/sandbox/clock", DEMO_KEY)["data"].clone();
        assert_eq!(clock["offset"], "20m");
        assert!(clock["now"].as_str() >= told["data"]["now"].as_str(), "{clock} {told}");
        ask(&server, "POST", "/sandbox/clock", &value!({ "advance": "40d" }));
        let url = database.url();
        let made = json(&["account", "create", "--email", "c@example.com", "--json", "--database-url", url]);
        for token in ["sessionToken", "jwt"] {
            server.get("/api/internal/balance", made[token].as_str().unwrap());
        }
        assert_eq!(json(&["audit", "--json", "--database-url", url])["clean"], true);
    });
}

#[test]
fn another_server_on_the_database_follows_within_a_second() {
    on_each_engine(|database| {
        if matches!(database.engine(), Engine::Sqlite(_)) {
            // A file is one server's.
            return;
        }
        let folders = [Folder::new("clock-one"), Folder::new("clock-two")];
        let start =
            |folder| Server::start(folder, &["--database-url", database.url(), "--sandbox", "--demo"]);
        let [one, two] = [start(&folders[0]), start(&folders[1])];
        let silent = rent(&two, "silent");
        ask(&one, "POST", "/sandbox/clock", &value!({ "advance": "20m" }));
        let asked = Instant::now();
        assert_eq!(read(&two, &silent)["status"], "expired");
        let ahead = one.get("/sandbox/clock", DEMO_KEY)["data"]["now"].as_str().unwrap().to_owned();
        while two.get("/sandbox/clock", DEMO_KEY)["data"]["now"].as_str().unwrap() < ahead.as_str() {
            assert!(asked.elapsed() < Duration::from_secs(5), "it does not follow");
        }
    });
}

#[test]
fn a_seed_repeats_numbers_and_codes() {
    let run = |name: &str, seed: &str| {
        let folder = Folder::new(&format!("seed-{name}"));
        let mut seen = Vec::new();
        for _ in 0..2 {
            let server = Server::start(&folder, &["--seed", seed]);
            for operator in ["normal", "double"] {
                let rented = rent(&server, operator);
                ask(&server, "POST", "/sandbox/clock", &value!({ "advance": "1m" }));
                let read = read(&server, &rented);
                let codes: Vec<&Value> =
                    read["sms"].as_array().unwrap().iter().map(|sms| &sms["code"]).collect();
                seen.push(value!([read["number"], codes]));
            }
        }
        seen
    };
    let [first, again, other] = [run("first", "7"), run("again", "7"), run("other", "8")];
    assert_eq!(first, again);
    assert!(first.iter().all(|one| !other.contains(one)), "{first:?} {other:?}");
}
