//! The policy as an operator meets it: in the file, in the log, in `doctor --policy`, and at a start that is refused.

use crate::program::{Folder, Server, fails, json, numberotp, run};
use serde_json::{Value, json as value};
use std::fs::File;
use std::process::Stdio;

const MASTER: &str = "q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k=";

/// A folder with a configuration: production on a database of its own, and these lines.
fn configured(name: &str, lines: &str) -> (Folder, String, String) {
    let folder = Folder::new(name);
    let (file, url) = (folder.file("numberotp.toml"), format!("sqlite://{}", folder.file("p.db")));
    let text =
        format!("database-url = \"{url}\"\nmaster-key = \"{MASTER}\"\nlisten = \"127.0.0.1:0\"\n{lines}");
    std::fs::write(&file, text).unwrap();
    (folder, file, url)
}

const EXCEPTION: &str = "[policy]\ndeny-services = [\"telegram\"]\ndeny-categories = [\"gambling\"]\n\
                         [[policy.allow]]\nservice = \"paypal\"\nreason = \"Our own shop, contract of 3 May.\"\n\
                         [[policy.allow]]\nservice = \"whatsapp\"\nreason = \"Nothing denies it.\"\n";

#[test]
fn doctor_prints_what_is_on_with_every_exception_and_its_reason() {
    let (_folder, file, _) = configured("policy-doctor", EXCEPTION);
    let said = run(&["doctor", "--policy", "--config", &file]);
    let text = String::from_utf8(said.stdout).unwrap();
    assert!(said.status.success(), "{text}");
    for line in [
        "production",
        "bank",
        "government",
        "gambling",
        "denied: service tg (configured)",
        "denied: services ot and full (always)",
        "allowed: service ts, because: Our own shop, contract of 3 May.",
        "nothing denies service wa",
        "withheld",
        "on   rate-limits",
        "on   number-cool-down",
        "on   message-retention",
        "providers of real numbers may start",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    let answer = json(&["doctor", "--policy", "--json", "--config", &file]);
    assert_eq!(
        (&answer["mode"], &answer["real_numbers_may_start"], &answer["messages_screened"]),
        (&value!("production"), &value!(true), &value!(true))
    );
    assert_eq!(answer["exceptions"][0]["reason"], "Our own shop, contract of 3 May.");
    assert_eq!(answer["idle_exceptions"], value!(["service wa"]));
    let sandbox = json(&["doctor", "--policy", "--json", "--database-url", "sqlite:///nowhere/new.db"]);
    assert_eq!(sandbox["mode"], "sandbox", "what the next start would make it");
}

#[test]
fn doctor_says_what_is_off_and_fails() {
    let (_folder, file, _) = configured("policy-off", "number-cool-down = \"10m\"\n");
    let output = run(&["doctor", "--policy", "--json", "--config", &file, "--rate-limits", "off"]);
    assert_eq!(output.status.code(), Some(1));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let required = value!([
        {"control": "rate-limits", "on": false},
        {"control": "number-cool-down", "on": false},
        {"control": "message-retention", "on": true},
    ]);
    assert_eq!((&answer["required"], &answer["real_numbers_may_start"]), (&required, &value!(false)));
}

#[test]
fn a_policy_that_cannot_be_meant_stops_the_start_and_doctor_names_it() {
    for (lines, says) in [
        ("[[policy.allow]]\nservice = \"paypal\"\nreason = \" \"\n", "reason"),
        ("[[policy.allow]]\nservice = \"ot\"\nreason = \"All of them.\"\n", "cannot be allowed"),
        ("[policy]\ndeny-services = [\"nosuch\"]\n", "nosuch"),
        ("[policy]\ndeny-categories = [\"banks\"]\n", "banks"),
        ("[policy]\nallowed = [\"paypal\"]\n", "allowed"),
    ] {
        let (_folder, file, _) = configured("policy-wrong", lines);
        let said = fails(2, &["serve", "--config", &file]);
        assert!(said.contains(says), "{lines}: {said}");
    }
    let (_folder, file, url) = configured("policy-wrong-doctor", "[policy]\ndeny-services = [\"nosuch\"]\n");
    drop(run(&["migrate", "--database-url", &url]));
    let output = run(&["doctor", "--json", "--config", &file]);
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let finding =
        answer["findings"].as_array().unwrap().iter().find(|one| one["subject"] == "policy").unwrap();
    assert_eq!((output.status.code(), &finding["ok"]), (Some(1), &value!(false)), "{answer}");
    assert!(finding["says"].as_str().unwrap().contains("nosuch"));
}

#[test]
fn a_server_with_real_numbers_does_not_start_while_something_required_is_off() {
    let (folder, file, url) = configured("policy-held", "");
    json(&["provider", "add", "gw1", "--json", "--database-url", &url, "--master-key", MASTER]);
    for (flags, says) in [
        (["--rate-limits", "off"], "rate limits are off"),
        (["--number-cool-down", "59m"], "--number-cool-down"),
        (["--message-retention", "200h"], "--message-retention"),
    ] {
        let said = fails(2, &["serve", "--config", &file, flags[0], flags[1]]);
        assert!(said.contains("gw1") && said.contains(says), "{flags:?}: {said}");
    }
    let server = Server::start(&folder, &["--config", &file]);
    assert!(server.screen.join("\n").contains("production"));
}

#[test]
fn a_sandbox_takes_no_real_numbers() {
    let folder = Folder::new("policy-real");
    let url = format!("sqlite://{}", folder.file("s.db"));
    drop(Server::start(&folder, &["--database-url", &url, "--sandbox"]));
    json(&["provider", "add", "gw1", "--json", "--database-url", &url]);
    let numbers = folder.file("numbers.csv");
    std::fs::write(&numbers, "number,country,operator,provider\n+447700900001,GB,ee,gw1\n").unwrap();
    json(&["numbers", "import", &numbers, "--json", "--database-url", &url]);
    drop(Server::start(&folder, &["--database-url", &url]));
    std::fs::write(&numbers, "number,country,operator,provider\n+447911123456,GB,ee,gw1\n").unwrap();
    let said = fails(1, &["numbers", "import", &numbers, "--database-url", &url]);
    assert!(said.contains("reserved for fiction") && said.contains("Nothing was imported"), "{said}");
    assert!(!said.contains("447911"), "{said}");
    assert_eq!(json(&["numbers", "list", "--json", "--database-url", &url]).as_array().unwrap().len(), 1);
}

#[test]
fn every_start_logs_the_exceptions_with_their_reasons() {
    let (folder, file, _) = configured("policy-log", EXCEPTION);
    let (log, ready) = (folder.file("log"), folder.file("ready"));
    let file_of_log = File::create(&log).unwrap();
    let mut server = numberotp(&["serve", "--config", &file, "--ready-file", &ready])
        .stdout(Stdio::from(file_of_log.try_clone().unwrap()))
        .stderr(Stdio::from(file_of_log))
        .spawn()
        .unwrap();
    while std::fs::metadata(&ready).is_err() {
        assert!(server.try_wait().unwrap().is_none(), "{}", std::fs::read_to_string(&log).unwrap());
        std::thread::yield_now();
    }
    server.kill().unwrap();
    server.wait().unwrap();
    let said = std::fs::read_to_string(&log).unwrap();
    assert!(said.contains("service ts") && said.contains("Our own shop, contract of 3 May."), "{said}");
    assert!(said.contains("service wa") && said.contains("Nothing denies it."), "{said}");
}

#[test]
fn an_import_of_denied_services_says_that_they_are_not_sold() {
    let (folder, _, url) = configured("policy-import", "");
    json(&["provider", "add", "gw1", "--json", "--database-url", &url, "--master-key", MASTER]);
    let offers = folder.file("offers.csv");
    let rows =
        "service,country,operator,pool,provider,price\npaypal,GB,,1,gw1,0.42\ntelegram,GB,,1,gw1,0.05\n";
    std::fs::write(&offers, rows).unwrap();
    let output = run(&["offers", "import", &offers, "--json", "--database-url", &url]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && said.contains("ts") && !said.contains("tg"), "{said}");
}

#[test]
fn the_log_of_a_new_database_is_empty() {
    let (_folder, _, url) = configured("policy-empty-log", "");
    assert!(run(&["migrate", "--database-url", &url]).status.success());
    assert_eq!(json(&["log", "--json", "--database-url", &url]), value!([]));
}
