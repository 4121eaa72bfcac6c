//! `numberotp backup` and `numberotp restore`: a copy made while real rents are bought, put in another place and
//! served from there. What was acknowledged before the backup began is in it.

use crate::program::{DEMO_KEY, Folder, Server, fails, json, run};
use numberotp_testkit::database::on_each_engine;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

const RENT: &str = r#"{"service":"telegram","country":"US"}"#;
const MASTER: &str = "q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k=";
const OTHER_MASTER: &str = "Q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k=";
const BUYERS: usize = 4;
/// Rents that are acknowledged before the backup begins.
const BEFORE: u64 = 60;

fn url(folder: &Folder, name: &str) -> String {
    format!("sqlite://{}", folder.file(name))
}

fn buy(server: &Server) -> Option<String> {
    let (status, _, body) = server.request("POST", "/api/internal/rent", DEMO_KEY, RENT);
    (status == 200).then(|| body["data"]["id"].as_str().unwrap().to_owned())
}

/// Beside it lies nothing that is not asked for.
fn files(folder: &Folder) -> BTreeSet<String> {
    let names = std::fs::read_dir(folder.path()).unwrap();
    names.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn a_backup_under_load_holds_all_that_was_acknowledged_before_it() {
    let folder = Folder::new("backup-load");
    let (original, restored) = (url(&folder, "one.db"), url(&folder, "two.db"));
    let copy = folder.file("copy.backup");
    let server = Server::start(&folder, &["--database-url", &original]);
    let credit = ["account", "credit", "demo@sandbox.local", "--credits=1000000", "--json", "--database-url"];
    json(&[&credit[..], &[&original]].concat());

    let (acknowledged, over) = (Mutex::new(Vec::new()), AtomicBool::new(false));
    let (before, made) = std::thread::scope(|scope| {
        for _ in 0..BUYERS {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let id = buy(&server).expect("a rent");
                    acknowledged.lock().unwrap().push(id);
                }
            });
        }
        while u64::try_from(acknowledged.lock().unwrap().len()).unwrap() < BEFORE {
            std::thread::yield_now();
        }
        let before = acknowledged.lock().unwrap().clone();
        let made = run(&["backup", &copy, "--verify", "--json", "--database-url", &original]);
        // They bought on while it was made.
        let then = acknowledged.lock().unwrap().len();
        while acknowledged.lock().unwrap().len() < then + BUYERS {
            std::thread::yield_now();
        }
        over.store(true, Ordering::Relaxed);
        (before, made)
    });
    let said = String::from_utf8_lossy(&made.stderr).into_owned();
    assert!(made.status.success() && said.contains("master key"), "{said}");
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    assert_eq!(made["verified"], true);
    assert!(made["activations"].as_u64().unwrap() >= BEFORE, "{made}");
    drop(server);

    let back = json(&["restore", &copy, "--verify", "--json", "--database-url", &restored]);
    assert_eq!((back["verified"].as_bool(), back["mode"].as_str()), (Some(true), Some("sandbox")), "{back}");
    let server = Server::start(&folder, &["--database-url", &restored]);
    for id in &before {
        let rent = server.get(&format!("/api/internal/rent/{id}"), DEMO_KEY);
        assert_eq!(rent["data"]["id"].as_str(), Some(id.as_str()));
    }
    let known: BTreeSet<String> = acknowledged.into_inner().unwrap().into_iter().collect();
    let fresh = buy(&server).expect("the restored server sells");
    assert!(!known.contains(&fresh), "an id that a customer knows is given to nobody else");
    assert_eq!(json(&["audit", "--json", "--database-url", &restored])["clean"], true);
}

#[test]
fn nothing_is_overwritten_and_nothing_half_done_is_left() {
    let folder = Folder::new("backup-refusals");
    let (original, copy) = (url(&folder, "one.db"), folder.file("copy.backup"));
    let missing = fails(2, &["backup", &copy, "--database-url", &original]);
    assert!(missing.contains("There is no database"), "{missing}");
    assert!(!Path::new(&folder.file("one.db")).exists(), "a mistyped path does not become a database");
    let mut server = Server::start(&folder, &["--database-url", &original]);
    buy(&server).expect("a rent");
    json(&["backup", &copy, "--json", "--database-url", &original]);
    let kept = std::fs::read(&copy).unwrap();
    let said = fails(1, &["backup", &copy, "--database-url", &original]);
    assert!(said.contains("exists already"), "{said}");
    assert_eq!(std::fs::read(&copy).unwrap(), kept);

    let said = fails(1, &["restore", &copy, "--verify", "--database-url", &original]);
    assert!(said.contains("exists already"), "{said}");
    let said = fails(1, &["restore", &folder.file("one.db"), "--database-url", &url(&folder, "two.db")]);
    assert!(said.contains("in use"), "{said}");
    server.signal("TERM");
    assert_eq!(server.ended(), Some(0));

    // A byte that was turned over, in the middle of the pages.
    let mut damaged = kept;
    let middle = damaged.len() / 2;
    damaged[middle..middle + 4096].fill(0xff);
    let broken = folder.file("broken.backup");
    std::fs::write(&broken, &damaged).unwrap();
    let output = run(&["restore", &broken, "--verify", "--database-url", &url(&folder, "two.db")]);
    assert!(!output.status.success(), "{output:?}");
    let nowhere = folder.file("none/there/copy.backup");
    fails(2, &["backup", &nowhere, "--database-url", &original]);

    let left: Vec<String> =
        files(&folder).into_iter().filter(|name| name.contains("part") || name.starts_with("two")).collect();
    assert_eq!(left, [""; 0]);
    assert_eq!(json(&["audit", "--json", "--database-url", &original])["clean"], true);
}

#[test]
fn a_production_backup_opens_with_its_master_key_alone() {
    let folder = Folder::new("backup-production");
    let (original, restored, copy) =
        (url(&folder, "one.db"), url(&folder, "two.db"), folder.file("copy.backup"));
    drop(Server::start(&folder, &["--database-url", &original, "--no-sandbox", "--master-key", MASTER]));
    json(&["backup", &copy, "--verify", "--json", "--database-url", &original]);
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&copy).unwrap());
    assert_eq!(mode & 0o777, 0o600, "keys are in it");

    let restore = ["restore", &copy, "--verify", "--database-url", &restored];
    let said = fails(2, &restore);
    assert!(said.contains("master key"), "{said}");
    let said = fails(2, &[&restore[..], &["--master-key", OTHER_MASTER]].concat());
    assert!(said.contains("not the one"), "{said}");
    assert!(!Path::new(&folder.file("two.db")).exists());
    let output = run(&[&restore[..], &["--master-key", MASTER]].concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.contains("The mode came along"), "{said}");
    let said = fails(2, &["serve", "--listen", "127.0.0.1:0", "--database-url", &restored, "--sandbox"]);
    assert!(said.contains("is in production and stays so"), "{said}");
}

#[test]
fn for_postgresql_the_way_is_printed() {
    on_each_engine(|database| {
        if database.engine().is_embedded() {
            return;
        }
        for command in ["backup", "restore"] {
            let said = fails(2, &[command, "file", "--verify", "--database-url", database.url()]);
            assert!(said.contains("pg_dump") && said.contains("pg_restore"), "{said}");
            assert!(!said.contains(database.url()), "an address can have a password in it");
        }
    });
}
