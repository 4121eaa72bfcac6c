//! One text for two databases: every statement of the store is understood by both, and parameters, sets and
//! values mean the same on both.

use crate::store_stage::{Stage, connection, staged};
use numberotp_server::store::db::{Action, Bulk, Connection, Engine, Kind, Row, Statement, Value};
use numberotp_server::store::{StoreError, bulks, catalogue};
use numberotp_testkit::database::on_each_engine;
use std::collections::BTreeSet;

#[test]
fn every_statement_is_understood() {
    staged(|stage| {
        let mut connection = connection(stage.database());
        let statements: Vec<_> = catalogue().iter().map(|statement| connection.check(statement)).collect();
        let bulks: Vec<_> = bulks().iter().map(|bulk| connection.check_bulk(bulk)).collect();
        let refused =
            statements.into_iter().chain(bulks).filter_map(|answer| Some(answer.err()?.to_string()));
        let refused: Vec<String> = refused.collect();
        assert_eq!(refused, [""; 0]);
        assert!(catalogue().len() > 60, "only {} statements", catalogue().len());
    });
}

#[test]
fn a_statement_that_is_not_understood_is_noticed_by_name() {
    staged(|stage| {
        let mut connection = connection(stage.database());
        let wrong = Statement::new("WRONG_COLUMN", "SELECT colour FROM accounts");
        assert!(connection.check(&wrong).unwrap_err().to_string().contains("WRONG_COLUMN"));
        let wrong =
            Bulk { name: "WRONG_BULK", table: "jobs", action: Action::Insert(&[("colour", Kind::Int)]) };
        assert!(connection.check_bulk(&wrong).unwrap_err().to_string().contains("WRONG_BULK"));
    });
}

#[test]
fn names_are_unique() {
    let mut names = BTreeSet::new();
    let statements = catalogue().into_iter().map(|statement| statement.name);
    let all = statements.chain(bulks().into_iter().map(|bulk| bulk.name));
    let twice: Vec<&str> = all.filter(|name| !names.insert(*name)).collect();
    assert_eq!(twice, [""; 0]);
}

/// A row is found by what its values say.
#[test]
fn no_key_is_always_the_same() {
    for bulk in bulks() {
        let keys = match bulk.action {
            Action::Insert(_) => &[],
            Action::Update(keys, _) | Action::Put(_, keys, _) | Action::Delete(keys) => keys,
        };
        assert!(!keys.iter().any(|(_, kind)| matches!(kind, Kind::Always(_))), "{}", bulk.name);
    }
}

#[test]
fn parameters_are_bound_by_their_number() {
    on_each_engine(|database| {
        let mut connection = connection(database);
        let swapped =
            Statement::new("SWAPPED", "SELECT CAST($2 AS TEXT), CAST($1 AS TEXT), CAST($3 AS BIGINT)");
        let mut row = one(&mut connection, &swapped, &["first".into(), "second".into(), Value::Int(3)]);
        assert_eq!(row.text("$2").unwrap(), "second");
        assert_eq!(row.text("$1").unwrap(), "first");
        assert_eq!(row.int("$3").unwrap(), 3);

        let repeated =
            Statement::new("REPEATED", "SELECT CAST($2 AS BIGINT) - CAST($1 AS BIGINT) - CAST($2 AS BIGINT)");
        let mut row = one(&mut connection, &repeated, &[Value::Int(7), Value::Int(100)]);
        assert_eq!(row.int("difference").unwrap(), -7);

        let tenth = Statement::new(
            "TENTH",
            "SELECT CAST($10 AS BIGINT) - CAST($1 AS BIGINT) WHERE 'x' NOT IN (CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS TEXT), CAST($5 AS TEXT), CAST($6 AS TEXT), CAST($7 AS TEXT), CAST($8 AS TEXT), CAST($9 AS TEXT))",
        );
        let mut ten = vec![Value::from("y"); 10];
        (ten[0], ten[9]) = (Value::Int(1), Value::Int(10));
        assert_eq!(one(&mut connection, &tenth, &ten).int("difference").unwrap(), 9);
    });
}

#[test]
fn sets_are_rows() {
    staged(|stage| {
        stage.tamper("INSERT INTO settings (name, value) VALUES ('a', '1'), ('b''\"\\,', '2'), ('ü😀', '3'), ('', '4')");
        let mut connection = connection(stage.database());
        let by_name =
            Statement::new("BY_NAME", "SELECT value FROM settings WHERE name IN TEXTS($1) ORDER BY value");
        let mut found = |names: &[&str]| {
            let set = Value::Texts(names.iter().map(|name| (*name).to_owned()).collect());
            let rows = connection.query(&by_name, &[set]).unwrap();
            rows.into_iter().map(|mut row| row.text("value").unwrap()).collect::<Vec<_>>().concat()
        };
        assert_eq!(found(&[]), "");
        assert_eq!(found(&["a", "a"]), "1");
        assert_eq!(found(&["", "ü😀", "b'\"\\,"]), "234");
        assert_eq!(found(&["nobody", "%", "a,b"]), "");

        stage.tamper(
            "INSERT INTO secrets (name, value) SELECT name, CAST(value AS BLOB_TYPE) FROM settings"
                .replace("BLOB_TYPE", blob(stage))
                .as_str(),
        );
        let by_bytes =
            Statement::new("BY_BYTES", "SELECT name FROM secrets WHERE value IN BLOBS($1) ORDER BY value");
        let mut found = |values: &[&[u8]]| {
            let set = Value::Blobs(values.iter().map(|value| value.to_vec()).collect());
            let rows = connection.query(&by_bytes, &[set]).unwrap();
            rows.into_iter().map(|mut row| row.text("name").unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(found(&[]), [""; 0]);
        assert_eq!(found(&[b"", b"1", b"3", b"1"]), ["a", "ü😀"]);

        let mut connection = self::connection(stage.database());
        let by_key = Statement::new(
            "BY_KEY",
            "SELECT COUNT(*) FROM ledger_accounts WHERE id IN KEYS($2) AND unit = $1",
        );
        let keys = Value::Ints(vec![-35, -33, i64::MIN, -34, -33, i64::MAX]);
        assert_eq!(one(&mut connection, &by_key, &["CRD".into(), keys]).int("count").unwrap(), 2);
        assert_eq!(
            one(&mut connection, &by_key, &["USD".into(), Value::Ints(vec![])]).int("count").unwrap(),
            0
        );
    });
}

type Column = (&'static str, Kind);

const KEYS: &[Column] = &[("id", Kind::Int)];
const ALL: &[Column] = &[
    ("id", Kind::Int),
    ("provider", Kind::Text),
    ("dedupe_key", Kind::Bytes),
    ("provider_ref", Kind::Text),
    ("activation_id", Kind::Int),
    ("verdict", Kind::Text),
    ("reason", Kind::Text),
    ("has_code", Kind::Int),
    ("services", Kind::Text),
    ("key_day", Kind::Int),
    ("body", Kind::Bytes),
    ("received_at", Kind::Int),
    ("purge_after", Kind::Int),
];
const INSERT: Bulk = Bulk { name: "TEST_INSERT", table: "messages", action: Action::Insert(ALL) };
const UPDATE: Bulk = Bulk {
    name: "TEST_UPDATE",
    table: "messages",
    action: Action::Update(
        KEYS,
        &[("provider_ref", Kind::Text), ("activation_id", Kind::Int), ("body", Kind::Bytes)],
    ),
};
const DELETE: Bulk = Bulk {
    name: "TEST_DELETE",
    table: "messages",
    action: Action::Delete(&[("id", Kind::Int), ("provider", Kind::Text)]),
};

/// A parked message of which the columns that can be NULL are given.
fn message(id: i64, reference: Option<&str>, activation: Option<i64>, body: &[u8]) -> Vec<Value> {
    let key = id.to_be_bytes().to_vec();
    let zero = Value::Int(0);
    let (parked, body) = ("parked".into(), body.into());
    let ends = [zero.clone(), "tg,wa".into(), zero.clone(), body, Value::Int(i64::MAX), zero];
    let starts =
        [id.into(), "sandbox".into(), key.into(), reference.into(), activation.into(), parked, "".into()];
    starts.into_iter().chain(ends).collect()
}

/// Row, reference, purchase, body and instant of a message.
type Looked = (i64, Option<String>, Option<i64>, Vec<u8>, i64);

fn look(stage: &mut Stage<'_>) -> Vec<Looked> {
    let look = Statement::new(
        "TEST_LOOK",
        "SELECT id, provider_ref, activation_id, body, received_at FROM messages ORDER BY id",
    );
    let rows = connection(stage.database()).query(&look, &[]).unwrap();
    let read = |mut row: Row| {
        let (id, reference) = (row.int("id").unwrap(), row.opt_text("provider_ref").unwrap());
        let (activation, body) = (row.opt_int("activation_id").unwrap(), row.bytes("body").unwrap());
        (id, reference, activation, body, row.int("received_at").unwrap())
    };
    rows.into_iter().map(read).collect()
}

#[test]
fn bulks_write_change_and_remove_what_is_read_back() {
    staged(|stage| {
        let large = vec![0xA5; 300_000];
        let mut connection = connection(stage.database());
        let rows = [
            message(-1, None, None, b""),
            message(5, Some(""), Some(i64::MIN), &[0, 255, 39]),
            message(6, Some("ref 'ü😀' \\ \"{}\", NULL"), None, &large),
        ];
        assert_eq!(connection.bulk(&INSERT, &rows).unwrap(), 3);
        assert_eq!(connection.bulk(&INSERT, &[]).unwrap(), 0);
        let max = i64::MAX;
        assert_eq!(
            look(stage),
            [
                (-1, None, None, vec![], max),
                (5, Some(String::new()), Some(i64::MIN), vec![0, 255, 39], max),
                (6, Some("ref 'ü😀' \\ \"{}\", NULL".to_owned()), None, large, max),
            ]
        );

        let changes = [
            vec![Value::Int(5), Value::Null, Value::Null, b"new".as_slice().into()],
            vec![Value::Int(-1), "r".into(), Value::Int(9), b"".as_slice().into()],
            vec![Value::Int(404), "r".into(), Value::Int(9), b"".as_slice().into()],
        ];
        assert_eq!(connection.bulk(&UPDATE, &changes).unwrap(), 2);
        let gone = [vec![Value::Int(6), "sandbox".into()], vec![Value::Int(5), "another".into()]];
        assert_eq!(connection.bulk(&DELETE, &gone).unwrap(), 1);
        assert_eq!(
            look(stage),
            [(-1, Some("r".to_owned()), Some(9), vec![], max), (5, None, None, b"new".to_vec(), max)]
        );
        stage.tamper("DELETE FROM messages");
    });
}

#[test]
fn a_bulk_that_is_refused_writes_nothing_inside_a_transaction() {
    staged(|stage| {
        let mut connection = connection(stage.database());
        connection.begin().unwrap();
        connection.script("SAVEPOINT here").unwrap();
        let twice =
            [message(1, None, None, b"a"), message(2, None, None, b"b"), message(1, None, None, b"c")];
        assert!(matches!(connection.bulk(&INSERT, &twice), Err(StoreError::Conflict(_))));
        connection.script("ROLLBACK TO SAVEPOINT here; RELEASE SAVEPOINT here; COMMIT").unwrap();
        assert_eq!(look(stage), []);
    });
}

#[test]
fn refusals_of_constraints_are_told_apart_from_defects() {
    staged(|stage| {
        let mut connection = connection(stage.database());
        let unique = Statement::new("TEST_UNIQUE", "INSERT INTO brands (id, name) VALUES (1, 'again')");
        let foreign =
            Statement::new("TEST_FOREIGN", "INSERT INTO purses VALUES (404, 0, 0, 0, 0, 0, 0, 0, 0, 0)");
        let checked = Statement::new(
            "TEST_CHECK",
            "INSERT INTO ledger_accounts (id, brand_id, account_id, kind, unit) VALUES (1, 1, NULL, 'x', 'EUR')",
        );
        let missing = Statement::new("TEST_NULL", "INSERT INTO brands (id, name) VALUES (2, NULL)");
        for statement in [unique, foreign, checked, missing] {
            let refused = connection.execute(&statement, &[]);
            assert!(matches!(refused, Err(StoreError::Conflict(_))), "{}: {refused:?}", statement.name);
        }
        let defect = connection.execute(&Statement::new("TEST_DEFECT", "UPDATE nothing SET at = 1"), &[]);
        assert!(
            matches!(&defect, Err(StoreError::Driver(text)) if text.contains("TEST_DEFECT")),
            "{defect:?}"
        );
    });
}

#[test]
fn what_a_row_does_not_hold_is_corrupt_by_table_and_column() {
    on_each_engine(|database| {
        let mut connection = connection(database);
        let text = Statement::new("TEST_TEXT", "SELECT CAST('x' AS TEXT)");
        let refused = one(&mut connection, &text, &[]).int("amount").unwrap_err();
        assert!(
            matches!(refused, StoreError::Corrupt { table: "TEST_TEXT", column: "amount" }),
            "{refused:?}"
        );
        let mut row = one(&mut connection, &text, &[]);
        assert!(row.parsed("word", |text| (text == "y").then_some(())).is_err());
        assert!(row.text("beyond the last column").is_err());
    });
}

const fn blob(stage: &Stage<'_>) -> &'static str {
    match stage.database().engine() {
        Engine::Sqlite(_) => "BLOB",
        Engine::Postgres(_) => "BYTEA",
    }
}

fn one(connection: &mut Connection, statement: &Statement, parameters: &[Value]) -> Row {
    let mut rows = connection.query(statement, parameters).unwrap();
    assert_eq!(rows.len(), 1, "{}", statement.name);
    rows.pop().unwrap()
}
