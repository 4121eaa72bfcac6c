//! What the command line does to accounts is in the chain of acts by the actor `cli`: once if it was done, not at all if it
//! was refused; and the audit finds a chain that was written into.

use crate::program::{Folder, Server, fails, json, run};
use numberotp_testkit::database::on_each_engine;
use serde_json::{Value, json as value};

const EMAIL: &str = "ann@example.com";

fn account(url: &str, words: &[&str]) -> Value {
    json(&[&["account"], words, &["--json", "--database-url", url]].concat())
}

fn refused(url: &str, words: &[&str]) -> String {
    fails(1, &[&["account"], words, &["--json", "--database-url", url]].concat())
}

/// Every act, oldest first: its word, and what is told with it.
fn acts(url: &str) -> Vec<(String, Value)> {
    let acts = json(&["log", "--acts", "--json", "--database-url", url]);
    let act = |act: &Value| {
        assert_eq!(act["actor"], "cli");
        (act["act"].as_str().unwrap().to_owned(), act["detail"].clone())
    };
    acts.as_array().unwrap().iter().rev().map(act).collect()
}

#[test]
fn every_act_of_the_command_line_is_in_the_chain_once() {
    on_each_engine(|database| {
        let url = database.url();
        account(url, &["create", "--email", EMAIL, "--role", "admin"]);
        account(url, &["approve", EMAIL]);
        account(url, &["approve", EMAIL]);
        account(url, &["hold", EMAIL]);
        assert!(refused(url, &["suspend", EMAIL]).contains("--reason"));
        assert!(refused(url, &["suspend", EMAIL, "--reason", &"x".repeat(501)]).contains("500"));
        account(url, &["suspend", EMAIL, "--reason", "spam was reported"]);
        account(url, &["credit", EMAIL, "--credits", "5", "--reference", "invoice 1"]);
        account(url, &["credit", EMAIL, "--credits", "5", "--reference", "invoice 1"]);
        assert!(refused(url, &["debit", EMAIL, "--balance", "1"]).contains("nothing was changed"));
        assert_eq!(account(url, &["find", "aNN@EX"]).as_array().unwrap().len(), 1);
        assert_eq!(account(url, &["find", "nobody"]), value!([]));
        assert_eq!(account(url, &["sessions", EMAIL]), value!([]), "suspending ended what `create` made");
        assert!(refused(url, &["sign-out", EMAIL, "--session", "7"]).contains("no such sign-in"));
        account(url, &["sign-out", EMAIL]);
        account(url, &["close", EMAIL, "--reason", "gone"]);
        let said = refused(url, &["approve", EMAIL]);
        assert!(said.contains("closed") && said.contains("nothing was changed"), "{said}");

        let acts = acts(url);
        let words: Vec<&str> = acts.iter().map(|(word, _)| word.as_str()).collect();
        let expected = [
            "account.create",
            "account.approve",
            "account.limit",
            "account.suspend",
            "purse.adjust",
            "account.find",
            "account.find",
            "sessions.look",
            "sessions.end",
            "account.close",
        ];
        assert_eq!(words, expected);
        assert_eq!(acts[0].1, value!({"role": "admin", "standing": "pending"}));
        let suspended = value!({"from": "limited", "to": "suspended", "reason": "spam was reported", "sessionsEnded": 1, "keysRevoked": 0});
        assert_eq!(acts[3].1, suspended);
        let given = value!({"balance": "0.00", "credits": 5, "reason": "by the command line", "reference": "invoice 1"});
        assert_eq!(acts[4].1, given);
        assert_eq!((&acts[9].1["keysRevoked"], &acts[9].1["from"]), (&value!(1), &value!("suspended")));
    });
}

#[test]
fn the_audit_prints_the_head_and_finds_it_again() {
    on_each_engine(|database| {
        let url = database.url();
        account(url, &["create", "--email", EMAIL]);
        let first = json(&["audit", "--json", "--database-url", url]);
        assert_eq!((&first["clean"], &first["acts"]), (&value!(true), &value!(1)));
        let head = first["actsHead"].as_str().unwrap().to_owned();
        account(url, &["approve", EMAIL]);
        let audited = |head: &str| run(&["audit", "--acts-head", head, "--database-url", url]);
        let whole = audited(&head);
        let said = String::from_utf8(whole.stdout).unwrap();
        assert!(whole.status.success() && said.contains("the head that was noted is act 1"), "{said}");
        assert!(said.contains("Acts: 2, head "), "{said}");
        let cut = audited(&"ab".repeat(32));
        let said = String::from_utf8(cut.stdout).unwrap();
        assert_eq!(cut.status.code(), Some(1));
        assert!(said.contains("FAIL I12") && said.contains("NOT clean"), "{said}");
        assert!(fails(1, &["audit", "--acts-head", "abc", "--database-url", url]).contains("64 digits"));
    });
}

#[test]
fn admins_can_have_a_listener_of_their_own() {
    on_each_engine(|database| {
        let folder = Folder::new(&format!("admin-listen-{}", database.engine().name()));
        let url = database.url();
        let flags = ["--database-url", url, "--sandbox", "--admin-listen", "127.0.0.1:0"];
        let mut server = Server::start(&folder, &flags);
        let made = account(url, &["create", "--email", EMAIL, "--role", "admin"]);
        let token = made["sessionToken"].as_str().unwrap();
        let told =
            server.screen.iter().find_map(|line| line.strip_prefix("The routes of admins are at http://"));
        let own = told.unwrap().split('/').next().unwrap().to_owned();
        assert_eq!(server.request("GET", "/admin/api/accounts", token, "").0, 404);
        assert_eq!(server.request("GET", "/api/internal/balance", token, "").0, 200);
        server.address = own;
        let (status, _, body) = server.request("GET", "/admin/api/accounts", token, "");
        assert_eq!((status, &body["data"][0]["email"]), (200, &value!(EMAIL)), "{body}");
        assert_eq!(server.request("GET", "/api/internal/balance", token, "").0, 404);
        assert_eq!(server.request("GET", "/docs/errors", "", "").0, 200);
        server.signal("TERM");
        assert_eq!(server.ended(), Some(0));
    });
    let said = fails(2, &["serve", "--admin-listen", "nowhere"]);
    assert!(said.contains("--admin-listen nowhere"), "{said}");
}
