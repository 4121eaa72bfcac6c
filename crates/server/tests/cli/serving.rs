//! `numberotp serve`: the first start, the second start, the modes, the stop.

use crate::program::{DEMO_KEY, Folder, Server, fails, json, numberotp};
use numberotp_testkit::database::on_each_engine;
use std::process::{Command, Stdio};

const MASTER: &str = "q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k=";

#[test]
fn without_configuration_it_is_a_sandbox_that_rents_at_once() {
    let folder = Folder::new("first-start");
    let mut server = Server::start(&folder, &[]);
    let screen = server.screen.join("\n");
    assert!(screen.contains("SANDBOX") && screen.contains(DEMO_KEY), "{screen}");
    assert!(folder.path().join("data/numberotp.db").exists());

    // The two curl lines of the screen, pasted into a shell one after the other.
    let curls: Vec<&String> = server.screen.iter().filter(|line| line.trim().starts_with("curl ")).collect();
    assert_eq!(curls.len(), 2, "{screen}");
    let paste = |line: &str| {
        let output = Command::new("sh").args(["-c", line]).output().unwrap();
        serde_json::from_slice::<serde_json::Value>(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {:?}", String::from_utf8_lossy(&output.stdout)))
    };
    let rent = paste(curls[0]);
    assert_eq!(rent["remainingCredits"], 1900, "{rent}");
    let code = paste(curls[1]);
    assert_eq!(code["data"]["id"], rent["data"]["id"], "{code}");
    assert!(code["data"]["otp"].as_str().is_some_and(|code| code.len() >= 4), "{code}");

    server.signal("INT");
    assert_eq!(server.ended(), Some(0));
    let again = Server::start(&folder, &[]);
    let balance = again.get("/api/internal/balance", DEMO_KEY);
    assert_eq!((&balance["credits"], &balance["balance"]), (&1900.into(), &100.5.into()));
}

#[test]
fn the_demo_account_can_be_had_on_either_engine() {
    on_each_engine(|database| {
        let folder = Folder::new(&format!("demo-{}", database.engine().name()));
        let server = Server::start(&folder, &["--database-url", database.url(), "--sandbox", "--demo"]);
        let prices = server.get("/api/public/prices?service=telegram&country=US", "");
        let tier = &prices["data"]["US"]["telegram"]["services"]["1"];
        assert_eq!((tier["cost"].as_str(), tier["count"].as_str()), (Some("0.05"), Some("1000")));
        let rent = r#"{"service":"telegram","country":"US","operator":"verizon"}"#;
        let (status, _, body) = server.request("POST", "/api/internal/rent", DEMO_KEY, rent);
        assert_eq!((status, &body["remainingCredits"]), (200, &1900.into()), "{body}");
    });
}

#[test]
fn the_mode_is_written_at_the_first_start_and_stays() {
    let folder = Folder::new("modes");
    let sandbox = format!("sqlite://{}", folder.file("sandbox.db"));
    drop(Server::start(&folder, &["--database-url", &sandbox]));
    let said = fails(
        2,
        &[
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--database-url",
            &sandbox,
            "--no-sandbox",
            "--master-key",
            MASTER,
        ],
    );
    assert!(said.contains("is a sandbox and stays one"), "{said}");

    let production = format!("sqlite://{}", folder.file("production.db"));
    let server =
        Server::start(&folder, &["--database-url", &production, "--no-sandbox", "--master-key", MASTER]);
    assert_eq!(server.request("GET", "/api/internal/balance", DEMO_KEY, "").0, 401);
    assert_eq!(server.get("/api/public/prices", "")["data"], serde_json::json!({}));
    assert_eq!(server.request("POST", "/api/webhooks/sms/sandbox", "", "{}").0, 404);
    drop(server);
    let said = fails(2, &["serve", "--listen", "127.0.0.1:0", "--database-url", &production, "--sandbox"]);
    assert!(said.contains("is in production and stays so"), "{said}");
}

#[test]
fn production_refuses_a_missing_default_or_changed_master_key_and_says_how_to_make_one() {
    let folder = Folder::new("master-key");
    let url = format!("sqlite://{}", folder.file("p.db"));
    let serve = |more: &[&str]| {
        let base = ["serve", "--listen", "127.0.0.1:0", "--database-url", &url, "--no-sandbox"];
        fails(2, &[base.as_slice(), more].concat())
    };
    for more in [
        &[][..],
        &["--master-key", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="],
        &["--master-key", "hello"],
    ] {
        let said = serve(more);
        assert!(said.contains("openssl rand -base64 32"), "{more:?}: {said}");
    }
    // A start that failed decided nothing.
    let undecided = fails(2, &["serve", "--listen", "0.0.0.0:0", "--database-url", &url]);
    assert!(undecided.contains("Say what this is"), "{undecided}");
    drop(Server::start(&folder, &["--database-url", &url, "--no-sandbox", "--master-key", MASTER]));
    // Later starts need not say the mode again.
    drop(Server::start(&folder, &["--database-url", &url, "--master-key", MASTER]));
    let said = serve(&["--master-key", "EjRWeJq83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vA="]);
    assert!(said.contains("not the one this database was begun with"), "{said}");
    let said = serve(&["--master-key", MASTER, "--demo"]);
    assert!(said.contains("for a sandbox only"), "{said}");
}

#[test]
fn a_sandbox_is_never_implicit_on_an_open_address() {
    let folder = Folder::new("open-address");
    let url = format!("sqlite://{}", folder.file("s.db"));
    let said = fails(2, &["serve", "--listen", "0.0.0.0:0", "--database-url", &url]);
    assert!(said.contains("--sandbox") && said.contains("--no-sandbox"), "{said}");
}

#[test]
fn a_configuration_file_means_production_and_flags_lie_above_it() {
    let folder = Folder::new("file");
    let file = folder.file("numberotp.toml");
    let url = format!("sqlite://{}", folder.file("f.db"));
    std::fs::write(
        &file,
        format!("database-url = \"{url}\"\nmaster-key = \"{MASTER}\"\nlisten = \"127.0.0.1:1\"\n"),
    )
    .unwrap();
    let server = Server::start(&folder, &["--config", &file]);
    assert!(server.screen.join("\n").contains("production"), "{:?}", server.screen);
    drop(server);
    std::fs::write(&file, "listn = \"127.0.0.1:1\"\n").unwrap();
    let said = fails(2, &["serve", "--config", &file]);
    assert!(said.contains("listn"), "{said}");
}

#[test]
fn it_runs_on_as_many_threads_as_it_was_told() {
    let folder = Folder::new("threads");
    let (plain, three) = (folder.file("plain.toml"), folder.file("three.toml"));
    std::fs::write(&plain, "sandbox = true\n").unwrap();
    std::fs::write(&three, "sandbox = true\nthreads = 3\n").unwrap();
    let cores = std::thread::available_parallelism().unwrap().get();
    let variable = [("NUMBEROTP_THREADS", "2")];
    for (file, variables, flags, threads) in [
        (&plain, &[][..], &[][..], cores),
        (&three, &[], &[], 3),
        (&three, &variable, &[], 2),
        (&three, &variable, &["--threads", "1"], 1),
    ] {
        let server = Server::start_with(&folder, &[&["--config", file], flags].concat(), variables);
        let line = format!("numberotp_threads {threads}");
        let measures = server.measures();
        assert!(measures.lines().any(|known| known == line), "{line} in {measures}");
    }
    for bad in ["0", "65", "-1", "two", ""] {
        let said = fails(2, &["serve", "--listen", "127.0.0.1:0", &format!("--threads={bad}")]);
        assert!(said.contains("--threads"), "{bad}: {said}");
    }
}

#[test]
fn a_stop_ends_long_polls_with_408_and_closes_their_connections() {
    on_each_engine(|database| {
        let folder = Folder::new(&format!("stop-{}", database.engine().name()));
        let mut server = Server::start(&folder, &["--database-url", database.url(), "--sandbox", "--demo"]);
        let own = json(&[
            "account",
            "create",
            "--email",
            "w@example.com",
            "--approve",
            "--credits",
            "1000",
            "--json",
            "--database-url",
            database.url(),
        ]);
        let key = own["apiKey"].as_str().unwrap();
        // No message comes of itself, so nothing but the signal can end the poll.
        let rent = r#"{"service":"telegram","country":"US","operator":"silent"}"#;
        let (status, _, body) = server.request("POST", "/api/internal/rent", key, rent);
        assert_eq!(status, 200, "{body}");
        let path = format!("/api/internal/rent/{}/wait", body["data"]["id"].as_str().unwrap());
        let (status, head, body) = std::thread::scope(|scope| {
            let poll = scope.spawn(|| server.request("GET", &path, key, ""));
            while !server.measures().contains("numberotp_waits_open 1\n") {
                assert!(!poll.is_finished(), "the poll is not held");
                std::thread::yield_now();
            }
            server.signal("TERM");
            poll.join().unwrap()
        });
        assert_eq!(
            (status, &body["code"], &body["status"]),
            (408, &"TIMEOUT".into(), &"waiting".into()),
            "{head} {body}"
        );
        assert!(head.contains("connection: close"), "{head}");
        assert_eq!(server.ended(), Some(0));
        assert_eq!(json(&["audit", "--json", "--database-url", database.url()])["clean"], true);
    });
}

#[test]
fn an_address_in_use_is_said_in_a_sentence() {
    let folder = Folder::new("in-use");
    let server = Server::start(&folder, &[]);
    let other = format!("sqlite://{}", folder.file("other.db"));
    let output = numberotp(&["serve", "--listen", &server.address, "--database-url", &other])
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("Cannot listen on") && said.contains("--listen"), "{said}");
}
