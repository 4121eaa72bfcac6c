//! Looking for accounts: by id, and by how an e-mail or a name begins, letter for letter on both databases; and never by
//! reading all of them.

use crate::store_stage::{Stage, connection};
use numberotp_server::store::catalogue;
use numberotp_server::store::db::{Engine, Row, Statement, Value};
use numberotp_server::store::directory::accounts_find;
use numberotp_testkit::database::on_each_engine;

/// Accounts as rows alone: what they have is no matter here.
fn people(stage: &mut Stage<'_>, rows: &[(i64, &str, &str)]) {
    for (id, email, name) in rows {
        stage.tamper(&format!(
            "INSERT INTO accounts (id, brand_id, email, name, email_verified, role, created_at, standing) VALUES ({id}, 1, '{email}', '{name}', 1, 'customer', {id}, 'approved');
             INSERT INTO purses VALUES ({id}, 0, 0, 0, 0, 0, 0, 0, 0, 0);"
        ));
    }
}

#[test]
fn an_account_is_found_by_its_id_and_by_its_beginnings() {
    on_each_engine(|database| {
        let mut stage = Stage::on(database);
        people(
            &mut stage,
            &[
                (9_001, "ann@example.com", "Ann Lee"),
                (9_002, "anne@example.com", "ann"),
                (9_003, "9001@example.com", "Zoë"),
                (9_004, "bob_1@example.com", "100% Bob"),
                (9_005, "bobx1@example.com", "Żaneta"),
            ],
        );
        let mut find = |text: &'static str| {
            let (found, total) = stage.write(move |tx| accounts_find(tx, text, (10, 0))).unwrap();
            assert_eq!(i64::try_from(found.len()).unwrap(), total, "{text}");
            found.iter().map(|(account, _)| account.id.get() - 9_000).collect::<Vec<_>>()
        };
        for (text, ids) in [
            ("9001", &[3, 1][..]),
            ("ann", &[2, 1]),
            ("ANN", &[2, 1]),
            ("ann@example.com", &[1]),
            ("Ann", &[2, 1]),
            ("Ann Lee", &[1]),
            ("Lee", &[]),
            ("Zo", &[3]),
            ("Zoë", &[3]),
            ("Ż", &[5]),
            ("bob_", &[4]),
            ("100%", &[4]),
            ("%", &[]),
            ("example", &[]),
        ] {
            assert_eq!(find(text), ids, "{text}");
        }
        let (all, total) = stage.write(|tx| accounts_find(tx, "", (2, 1))).unwrap();
        let ids: Vec<i64> = all.iter().map(|(account, _)| account.id.get()).collect();
        assert_eq!((ids, total), (vec![9_004, 9_003], 5), "newest first");
    });
}

const MANY: &str = "WITH RECURSIVE n (i) AS (SELECT 10000 UNION ALL SELECT i + 1 FROM n WHERE i < 30000) INSERT INTO accounts (id, brand_id, email, name, email_verified, role, created_at, standing) SELECT i, 1, 'person' || CAST(i AS TEXT) || '@example.com', 'Name ' || CAST(i AS TEXT), 1, 'customer', i, 'approved' FROM n;
INSERT INTO purses SELECT id, 0, 0, 0, 0, 0, 0, 0, 0, 0 FROM accounts;
ANALYZE;";

/// How the database goes about it, in its own words.
pub fn plan(stage: &Stage<'_>, name: &str, parameters: &[Value]) -> String {
    let statement = catalogue().into_iter().find(|statement| statement.name == name).unwrap();
    let (explain, column) = match stage.database().engine() {
        Engine::Sqlite(_) => ("EXPLAIN QUERY PLAN", 3),
        Engine::Postgres(_) => ("EXPLAIN", 0),
    };
    let text: &'static str = Box::leak(format!("{explain} {}", statement.sql).into_boxed_str());
    let rows = connection(stage.database()).query(&Statement::new("TEST_PLAN", text), parameters).unwrap();
    let read = |mut row: Row| {
        for _ in 0..column {
            row.int("before").unwrap();
        }
        row.text("detail").unwrap()
    };
    rows.into_iter().map(read).collect::<Vec<_>>().join("\n")
}

#[test]
fn looking_for_an_account_reads_no_more_than_it_finds() {
    on_each_engine(|database| {
        let mut stage = Stage::on(database);
        stage.tamper(MANY);
        let brand = Value::Int(1);
        let ends = |text: &str| [Value::from(text), Value::from(format!("{text}\u{10ffff}"))];
        let [from, to] = ends("person123");
        let wanted = vec![brand.clone(), Value::Int(12_345), from.clone(), to.clone(), from, to];
        let page = vec![Value::Int(20), Value::Int(0)];
        for (name, parameters) in [
            ("ACCOUNTS_FIND", [wanted.clone(), page.clone()].concat()),
            ("ACCOUNTS_FOUND", wanted),
            ("ACCOUNTS_NEWEST", [vec![brand], page].concat()),
        ] {
            let plan = plan(&stage, name, &parameters);
            let whole = ["SCAN accounts", "SCAN a\n", "SCAN a ", "Seq Scan on accounts"];
            assert!(!whole.iter().any(|words| format!("{plan}\n").contains(words)), "{name}:\n{plan}");
            assert!(
                plan.contains("accounts_age") || plan.contains("accounts_email_begins"),
                "{name}:\n{plan}"
            );
        }
    });
}
