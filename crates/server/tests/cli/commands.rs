//! The commands beside a server, and without one.

use crate::program::{Folder, Server, fails, json, numberotp, run};
use numberotp_testkit::database::on_each_engine;
use serde_json::{Value, json as value};
use std::io::Write;
use std::process::Stdio;

const MASTER: &str = "q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k=";

#[test]
fn what_account_create_prints_is_accepted_by_a_running_server_at_once() {
    on_each_engine(|database| {
        let folder = Folder::new(&format!("account-{}", database.engine().name()));
        let url = database.url();
        let server = Server::start(&folder, &["--database-url", url, "--sandbox"]);
        let made = json(&[
            "account",
            "create",
            "--email",
            "Ann@Example.com",
            "--name",
            "Ann",
            "--approve",
            "--credits",
            "40",
            "--balance",
            "0.05",
            "--password",
            "correct horse",
            "--role",
            "reseller",
            "--json",
            "--database-url",
            url,
        ]);
        let keys: Vec<&String> = made.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["id", "email", "apiKey", "sessionToken", "jwt"]);
        for token in ["apiKey", "sessionToken", "jwt"] {
            let balance = server.get("/api/internal/balance", made[token].as_str().unwrap());
            let expected = value!({"success": true, "balance": 0.05, "credits": 40, "freeCreditsUsed": 0, "isApproved": true, "source": "api"});
            assert_eq!(balance, expected, "{token}");
        }
        // Whoever makes an account is taken to be its person, for a while.
        for token in ["sessionToken", "jwt"] {
            let asked =
                server.request("POST", "/v1/user/apikeys", made[token].as_str().unwrap(), r#"{"name":"CI"}"#);
            assert_eq!(asked.0, 200, "{token}: {}", asked.2);
        }
        let profile = server.get("/api/user/profile", made["jwt"].as_str().unwrap());
        assert_eq!(
            (&profile["data"]["role"], &profile["data"]["name"], &profile["data"]["emailVerified"]),
            (&value!("reseller"), &value!("Ann"), &value!(true))
        );
        let said =
            fails(1, &["account", "create", "--email", "ann@example.com", "--json", "--database-url", url]);
        assert!(said.contains("exists already"), "{said}");

        // Held, it may not rent; approved, it may.
        let key = made["apiKey"].as_str().unwrap();
        let rent = r#"{"service":"telegram","country":"US"}"#;
        assert_eq!(
            json(&["account", "limit", "ann@example.com", "--json", "--database-url", url])["standing"],
            "limited"
        );
        let (status, _, body) = server.request("POST", "/api/internal/rent", key, rent);
        assert_eq!((status, &body["code"]), (403, &value!("ACCOUNT_ON_HOLD")));
        json(&["account", "approve", "--email", "ann@example.com", "--json", "--database-url", url]);
        assert_eq!(server.request("POST", "/api/internal/rent", key, rent).0, 200);
        assert_eq!(json(&["audit", "--json", "--database-url", url])["clean"], true);
    });
}

#[test]
fn purses_are_credited_and_debited_but_never_below_zero() {
    on_each_engine(|database| {
        let url = database.url();
        json(&["account", "create", "--email", "b@example.com", "--json", "--database-url", url]);
        let shown = json(&[
            "account",
            "credit",
            "b@example.com",
            "--credits",
            "100",
            "--balance",
            "1.5",
            "--json",
            "--database-url",
            url,
        ]);
        assert_eq!(
            (&shown["credits"], &shown["balance"], &shown["standing"]),
            (&value!(100), &value!("1.50"), &value!("pending"))
        );
        let said = fails(
            1,
            &[
                "account",
                "debit",
                "b@example.com",
                "--credits",
                "10",
                "--balance",
                "2",
                "--database-url",
                url,
            ],
        );
        assert!(said.contains("nothing was changed"), "{said}");
        let shown = json(&[
            "account",
            "debit",
            "b@example.com",
            "--credits",
            "10",
            "--balance",
            "1.5",
            "--json",
            "--database-url",
            url,
        ]);
        assert_eq!((&shown["credits"], &shown["balance"]), (&value!(90), &value!("0.00")));
        let all = json(&["account", "list", "--json", "--database-url", url]);
        assert_eq!(all.as_array().unwrap().len(), 1);
        fails(1, &["account", "credit", "b@example.com", "--credits=-5", "--database-url", url]);
        assert_eq!(json(&["audit", "--json", "--database-url", url])["clean"], true);
    });
}

#[test]
fn a_change_under_a_reference_is_made_once_however_often_it_is_asked_for() {
    on_each_engine(|database| {
        let url = database.url();
        json(&["account", "create", "--email", "b@example.com", "--json", "--database-url", url]);
        let change = |arguments: &[&str]| {
            let always = ["--json", "--database-url", url];
            numberotp(&[&["account"], arguments, &always].concat()).output().unwrap()
        };
        let good = |arguments: &[&str]| -> Value {
            let output = change(arguments);
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            serde_json::from_slice(&output.stdout).unwrap()
        };
        let invoice =
            ["credit", "b@example.com", "--credits", "100", "--balance", "1.5", "--reference", "INV-7"];
        // Two at once, then once more: the answer of any may have been lost.
        std::thread::scope(|scope| {
            let both = [scope.spawn(|| good(&invoice)), scope.spawn(|| good(&invoice))];
            both.into_iter().for_each(|one| drop(one.join().unwrap()));
        });
        let again = good(&invoice);
        assert_eq!((&again["credits"], &again["balance"]), (&value!(100), &value!("1.50")));
        for other in [
            &["credit", "b@example.com", "--credits", "101", "--balance", "1.5", "--reference", "INV-7"][..],
            &["credit", "b@example.com", "--credits", "100", "--reference", "INV-7"],
            &["debit", "b@example.com", "--credits", "100", "--balance", "1.5", "--reference", "INV-7"],
        ] {
            let output = change(other);
            let said = String::from_utf8(output.stderr).unwrap();
            assert!(output.status.code() == Some(1) && said.contains("another change"), "{other:?}: {said}");
        }
        json(&["account", "create", "--email", "c@example.com", "--json", "--database-url", url]);
        let elses = good(&["credit", "c@example.com", "--credits", "7", "--reference", "INV-7"]);
        assert_eq!(elses["credits"], 7, "names are each account's own");
        let back = good(&["debit", "b@example.com", "--credits", "100", "--reference", "INV-7 back"]);
        assert_eq!((&back["credits"], &back["balance"]), (&value!(0), &value!("1.50")));
        assert_eq!(json(&["audit", "--json", "--database-url", url])["clean"], true);
    });
}

#[test]
fn an_operator_sells_numbers_of_its_own() {
    on_each_engine(|database| {
        let folder = Folder::new(&format!("own-{}", database.engine().name()));
        let url = database.url();
        let server = Server::start(&folder, &["--database-url", url, "--no-sandbox", "--master-key", MASTER]);
        let gateway =
            json(&["provider", "add", "gw1", "--json", "--database-url", url, "--master-key", MASTER]);
        assert_eq!(gateway["webhook"], "/api/webhooks/sms/gw1");
        let numbers = folder.file("numbers.csv");
        std::fs::write(
            &numbers,
            "number,country,operator,provider\n+447700900001,GB,ee,gw1\n+447700900002,GB,o2,gw1\n",
        )
        .unwrap();
        let offers = folder.file("offers.csv");
        std::fs::write(&offers, "service,country,operator,pool,provider,price,cost,currency,stock,durations\nwhatsapp,GB,,1,gw1,0.42,0.30,EUR,,24=2.00\n").unwrap();
        assert_eq!(json(&["numbers", "import", &numbers, "--json", "--database-url", url])["imported"], 2);
        assert_eq!(json(&["offers", "import", &offers, "--json", "--database-url", url])["imported"], 2);
        assert_eq!(json(&["numbers", "list", "--json", "--database-url", url]).as_array().unwrap().len(), 2);
        let listed = json(&["offers", "list", "--json", "--database-url", url]);
        assert_eq!((&listed[0]["cost"], &listed[0]["currency"]), (&value!("0.30"), &value!("EUR")));
        let key = json(&[
            "account",
            "create",
            "--email",
            "c@example.com",
            "--approve",
            "--balance",
            "1",
            "--json",
            "--database-url",
            url,
        ]);
        let key = key["apiKey"].as_str().unwrap();

        // Another process changed what is sold: the server knows within a moment.
        let sold = (0..2_000).any(|_| server.get("/api/public/prices?service=wa&country=GB", "")["data"]["GB"]["whatsapp"]["services"]["1"]["count"] == "2");
        assert!(sold, "the server does not sell what was imported");
        let (status, _, body) = server.request(
            "POST",
            "/api/internal/rent",
            key,
            r#"{"service":"whatsapp","country":"GB","operator":"any"}"#,
        );
        assert_eq!((status, &body["data"]["cost"]), (200, &value!("0.42")), "{body}");
        assert_eq!(json(&["audit", "--json", "--database-url", url])["clean"], true);
        let doctor = json(&["doctor", "--json", "--database-url", url, "--master-key", MASTER]);
        assert_eq!(doctor["ok"], true, "{doctor}");
        // A server has its key from elsewhere: without it the rest is looked at, and another one is found out.
        let doctor = json(&["doctor", "--json", "--database-url", url]);
        assert_eq!(doctor["ok"], true, "{doctor}");
        assert!(doctor.to_string().contains("not looked at: give --master-key-file"), "{doctor}");
        let other = "EjRWeJq83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vA=";
        let output = run(&["doctor", "--json", "--database-url", url, "--master-key", other]);
        assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
    });
}

/// Nothing is removed by a file: a number is set aside by a gateway that is off, an offer by its stock.
#[test]
fn what_was_imported_is_taken_out_of_sale_by_another_import() {
    let folder = Folder::new("withdrawn");
    let url = format!("sqlite://{}", folder.file("w.db"));
    let place = ["--database-url", &url, "--master-key", MASTER];
    let does = |words: &[&str]| {
        let output = run(&[words, &place].concat());
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    let server = Server::start(&folder, &[&["--no-sandbox"], place.as_slice()].concat());
    let file = folder.file("rows.csv");
    let import = |noun: &str, rows: &str| {
        std::fs::write(&file, rows).unwrap();
        does(&[noun, "import", &file]);
    };
    let sells = |count: &str| {
        let shown = || server.get("/api/public/prices?service=wa&country=GB", "");
        let so = (0..2_000).any(|_| shown()["data"]["GB"]["whatsapp"]["services"]["1"]["count"] == count);
        assert!(so, "{count} wanted: {}", shown());
    };
    does(&["provider", "add", "gw1"]);
    does(&["provider", "add", "shelf"]);
    does(&["provider", "disable", "shelf"]);
    import("numbers", "number,country,provider\n+447700900001,GB,gw1\n+447700900002,GB,gw1\n");
    import("offers", "service,country,provider,price\nwhatsapp,GB,gw1,0.42\n");
    sells("2");
    import("numbers", "number,country,provider\n+447700900002,GB,shelf\n");
    sells("1");
    import("offers", "service,country,provider,price,stock\nwhatsapp,GB,gw1,0.42,0\n");
    sells("0");
}

#[test]
fn an_import_is_all_or_nothing_and_names_the_line() {
    let folder = Folder::new("imports");
    let url = format!("sqlite://{}", folder.file("i.db"));
    json(&["provider", "add", "gw1", "--json", "--database-url", &url, "--master-key", MASTER]);
    let file = folder.file("offers.csv");
    let header = "service,country,operator,pool,provider,price,cost,currency,stock,durations\n";
    let good = "telegram,US,,1,gw1,0.05,0.03,USD,10,\n";
    for (bad, says) in [
        ("nosuch,US,,1,gw1,0.05,,,,\n", "service"),
        ("telegram,Atlantis,,1,gw1,0.05,,,,\n", "country"),
        ("telegram,US,,4,gw1,0.05,,,,\n", "pool"),
        ("telegram,US,,1,gw1,0.00001,,,,\n", "price"),
        ("telegram,US,,1,gw1,-1,,,,\n", "price"),
        ("telegram,US,,1,gw1,0.05,,dollars,,\n", "currency"),
        ("telegram,US,,1,gw1,0.05,,,many,\n", "stock"),
        ("telegram,US,,1,gw1,0.05,,,,5=1\n", "hours"),
        ("telegram,US,,1,nobody,0.05,,,,\n", "nobody"),
    ] {
        std::fs::write(&file, [header, good, bad].concat()).unwrap();
        let said = fails(1, &["offers", "import", &file, "--database-url", &url]);
        assert!(said.contains(says) && said.contains("Nothing was imported"), "{bad}: {said}");
        assert!(said.contains("Line 3") || bad.contains("nobody"), "{said}");
    }
    assert_eq!(json(&["offers", "list", "--json", "--database-url", &url]), value!([]));
}

#[test]
fn audit_tells_a_violated_book_by_its_exit_code() {
    let folder = Folder::new("audit");
    let url = format!("sqlite://{}", folder.file("a.db"));
    json(&[
        "account",
        "create",
        "--email",
        "d@example.com",
        "--balance",
        "1",
        "--json",
        "--database-url",
        &url,
    ]);
    assert_eq!(json(&["audit", "--json", "--database-url", &url])["clean"], true);
    let database = rusqlite::Connection::open(folder.file("a.db")).unwrap();
    database.execute("UPDATE purses SET balance_posted = balance_posted + 1", []).unwrap();
    let output = run(&["audit", "--database-url", &url]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("FAIL I2") && text.contains("NOT clean"), "{text}");
}

#[test]
fn doctor_names_admins_without_a_second_factor() {
    on_each_engine(|database| {
        let url = database.url();
        let admins = |more: &[&str]| {
            let output = run(&[&["doctor", "--json", "--database-url", url], more].concat());
            let found: Value = serde_json::from_slice(&output.stdout).unwrap();
            let findings = found["findings"].as_array().unwrap().clone();
            let admins = findings.into_iter().find(|finding| finding["subject"] == "admins").unwrap();
            (output.status.code(), admins["ok"].clone(), admins["says"].as_str().unwrap().to_owned())
        };
        let make = |email: &str, role: &str| {
            let create = ["account", "create", "--email", email, "--role", role, "--json"];
            json(&[&create[..], &["--database-url", url]].concat());
        };
        make("ann@example.com", "customer");
        let strict = ["--admin-second-factor", "on"];
        let (code, ok, says) = admins(&strict);
        assert_eq!((code, ok), (Some(0), value!(true)), "{says}");
        make("boss@example.com", "admin");
        let (code, ok, says) = admins(&[]);
        assert_eq!((code, ok), (Some(0), value!(true)), "{says}");
        assert!(says.contains("boss@example.com") && !says.contains("ann@example.com"), "{says}");
        let (code, ok, says) = admins(&strict);
        assert_eq!((code, ok), (Some(1), value!(false)), "{says}");
        assert!(says.contains("boss@example.com") && says.contains("refuse"), "{says}");
    });
}

#[test]
fn a_mistyped_path_is_not_made_into_a_database() {
    let folder = Folder::new("mistyped");
    let url = format!("sqlite://{}", folder.file("nothing-here.db"));
    for command in
        [&["audit"][..], &["account", "list"], &["offers", "list"], &["account", "approve", "x@y.z"]]
    {
        let said = fails(2, &[command, &["--database-url", &url]].concat());
        assert!(said.contains("no database"), "{command:?}: {said}");
    }
    let doctor = run(&["doctor", "--json", "--database-url", &url]);
    let found: Value = serde_json::from_slice(&doctor.stdout).unwrap();
    assert_eq!((doctor.status.code(), &found["ok"]), (Some(1), &value!(false)), "{found}");
    assert!(!folder.path().join("nothing-here.db").exists());
}

#[test]
fn extract_reads_a_text_a_line_and_prints_a_json_a_line() {
    let mut child = numberotp(&["extract"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let input = "Your verification code is 482913\nLunch at noon?\nUse code\\n1234\\nto sign in\n";
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let lines: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let codes: Vec<&Value> = lines.iter().map(|line| &line["code"]).collect();
    assert_eq!(codes, [&value!("482913"), &Value::Null, &value!("1234")]);
}

#[test]
fn help_names_every_command_and_setting() {
    let text = |arguments: &[&str]| String::from_utf8(run(arguments).stdout).unwrap();
    let all = text(&["--help"]);
    for command in
        ["serve", "migrate", "doctor", "audit", "extract", "account", "offers", "numbers", "provider"]
    {
        assert!(all.contains(command), "{command} in {all}");
    }
    let serve = text(&["serve", "--help"]);
    for flag in [
        "listen",
        "threads",
        "database-url",
        "sandbox",
        "no-sandbox",
        "demo",
        "rate-limits",
        "limit-connections",
        "activation-window",
        "seed",
        "config",
        "ready-file",
        "master-key",
    ] {
        let variable = format!("NUMBEROTP_{}", flag.to_uppercase().replace('-', "_"));
        assert!(serve.contains(&format!("--{flag}")) && serve.contains(&variable), "{flag} in {serve}");
    }
}
