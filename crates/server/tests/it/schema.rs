//! Two schemas that are one: both are reduced to the same text. And migrations: each once, in order, whole,
//! whoever else is at it.

use crate::store_stage::{connection, staged};
use numberotp_core::id::PLATFORM;
use numberotp_core::ledger::{Platform, platform_account};
use numberotp_server::store::StoreError;
use numberotp_server::store::db::{
    Access, Connection, Engine, Migration, Statement, migrate, migrations, require,
};
use numberotp_testkit::database::{TestDatabase, TestEngine, on_each_engine};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Barrier;

/// Tables, columns in order, type classes, nullability, keys, indexes and references; one line each.
#[test]
fn both_schemas_reduce_to_one_text() {
    let texts = RefCell::new(Vec::new());
    staged(|stage| {
        let text = match stage.database().engine() {
            Engine::Sqlite(_) => sqlite_schema(&mut connection(stage.database())),
            Engine::Postgres(_) => postgres_schema(&mut connection(stage.database())),
        };
        for expected in [
            "accounts 00 id int not null key 1",
            "accounts 04 password_hash text null",
            "api_keys 04 hash bytes not null",
            "transfers 00 movement_id int not null key 1",
            "transfers 01 purse text not null key 2",
            "index jobs_subject unique (kind, subject_id)",
            "index messages_parked_number partial (number)",
            "index movements_account (account_id, created_at, id)",
            "sessions.account_id references accounts.id",
            "purses has 4 checks",
        ] {
            assert!(text.contains(expected), "no line {expected:?} in\n{}", lines(&text));
        }
        texts.borrow_mut().push(text);
    });
    let texts = texts.into_inner();
    if let [sqlite, postgres] = texts.as_slice() {
        let apart: Vec<&String> = sqlite.symmetric_difference(postgres).collect();
        assert_eq!(apart, Vec::<&String>::new());
    }
}

/// What the two migrations say is the same but for the names of types.
#[test]
fn migrations_come_in_pairs_that_say_the_same() {
    let mut before = 0;
    for migration in migrations() {
        assert_eq!(migration.number, before + 1, "{}", migration.name);
        before = migration.number;
        let postgres = migration.postgres.replace(" BIGINT", " INTEGER").replace(" BYTEA", " BLOB");
        let sqlite = migration.sqlite.replace(") STRICT;", ");");
        assert_eq!(sqlite, postgres, "{}", migration.name);
        let tables = migration.sqlite.matches("CREATE TABLE").count();
        assert_eq!(
            migration.sqlite.matches(") STRICT;").count(),
            tables,
            "{}: every table is STRICT",
            migration.name
        );
    }
}

#[test]
fn the_files_of_migrations_are_the_list() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
    let listed: Vec<String> = migrations()
        .iter()
        .map(|migration| format!("{:04}_{}.sql", migration.number, migration.name))
        .collect();
    for engine in ["sqlite", "postgres"] {
        let folder = std::fs::read_dir(root.join(engine)).unwrap();
        let mut files: Vec<String> =
            folder.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        files.sort();
        assert_eq!(files, listed, "{engine}");
    }
}

#[test]
fn migrating_again_applies_nothing() {
    on_each_engine(|database| {
        let mut connection = connection(database);
        assert_eq!(migrate(&mut connection, migrations()).unwrap(), migrations().len());
        assert_eq!(migrate(&mut connection, migrations()).unwrap(), 0);
        assert_eq!(migrate(&mut self::connection(database), migrations()).unwrap(), 0);
    });
}

/// Two further migrations, so that a list has prefixes while the product has one.
const MORE: [Migration; 2] = [
    Migration {
        number: 901,
        name: "first",
        sqlite: "CREATE TABLE first (id INTEGER PRIMARY KEY) STRICT; INSERT INTO first (id) VALUES (1);",
        postgres: "CREATE TABLE first (id BIGINT PRIMARY KEY); INSERT INTO first (id) VALUES (1);",
    },
    Migration {
        number: 902,
        name: "second",
        sqlite: "INSERT INTO first (id) VALUES (2);",
        postgres: "INSERT INTO first (id) VALUES (2);",
    },
];

#[test]
fn every_prefix_of_the_list_applies_and_the_rest_after_it() {
    let list = [migrations(), &MORE].concat();
    for length in 0..=list.len() {
        on_each_engine(|database| {
            let mut connection = connection(database);
            let (prefix, rest) = list.split_at(length);
            assert_eq!(migrate(&mut connection, prefix).unwrap(), prefix.len());
            assert_eq!(migrate(&mut connection, &list).unwrap(), rest.len());
            assert_eq!(count(&mut connection, "SELECT COUNT(*) FROM first"), 2);
            assert_eq!(
                count(&mut connection, "SELECT COUNT(*) FROM migrations"),
                i64::try_from(list.len()).unwrap()
            );
        });
    }
}

#[test]
fn a_migration_that_was_edited_is_refused() {
    on_each_engine(|database| {
        let mut connection = connection(database);
        let list = [migrations(), &MORE].concat();
        migrate(&mut connection, &list).unwrap();
        let mut edited = list.clone();
        let last = edited.last_mut().unwrap();
        (last.sqlite, last.postgres) =
            ("INSERT INTO first (id) VALUES (3);", "INSERT INTO first (id) VALUES (3);");
        let refused = migrate(&mut connection, &edited).unwrap_err().to_string();
        assert!(refused.contains("second was changed"), "{refused}");
        assert_eq!(count(&mut connection, "SELECT COUNT(*) FROM first"), 2);
        assert_eq!(migrate(&mut connection, &list).unwrap(), 0, "the true list still stands");
    });
}

#[test]
fn a_database_of_a_newer_program_is_refused() {
    on_each_engine(|database| {
        let mut connection = connection(database);
        migrate(&mut connection, &[migrations(), &MORE].concat()).unwrap();
        let refused = migrate(&mut connection, migrations()).unwrap_err().to_string();
        assert!(refused.contains("901") && refused.contains("newer"), "{refused}");
    });
}

/// Commands that only look, beside a server that may be older: they say what is missing and make nothing.
#[test]
fn looking_at_a_schema_changes_nothing() {
    on_each_engine(|database| {
        let mut connection = connection(database);
        let refused = require(&mut connection, migrations()).unwrap_err();
        assert!(matches!(refused, StoreError::NoSchema), "{refused}");
        let (older, newer) = (&migrations()[..1], migrations());
        migrate(&mut connection, older).unwrap();
        let refused = require(&mut connection, newer).unwrap_err();
        assert!(matches!(refused, StoreError::OldSchema(missing) if missing == newer.len() - 1), "{refused}");
        assert!(refused.to_string().contains("numberotp migrate"));
        require(&mut connection, older).unwrap();
        assert_eq!(migrate(&mut connection, newer).unwrap(), newer.len() - 1, "nothing was made by looking");
        require(&mut connection, newer).unwrap();
        migrate(&mut connection, &[newer, &MORE].concat()).unwrap();
        assert!(require(&mut connection, newer).unwrap_err().to_string().contains("newer"));
    });
}

#[test]
fn a_migration_that_fails_leaves_nothing_of_itself_and_can_be_repaired() {
    on_each_engine(|database| {
        let mut connection = connection(database);
        let [first, mut broken] = MORE;
        broken.sqlite = "INSERT INTO first (id) VALUES (2); INSERT INTO nowhere (id) VALUES (1);";
        broken.postgres = broken.sqlite;
        migrate(&mut connection, migrations()).unwrap();
        assert!(migrate(&mut connection, &[migrations(), &[first, broken]].concat()).is_err());
        assert_eq!(migrate(&mut connection, migrations()).unwrap(), 0, "nothing newer is on record");
        assert_eq!(migrate(&mut connection, &[migrations(), &MORE].concat()).unwrap(), 2);
        assert_eq!(count(&mut connection, "SELECT COUNT(*) FROM first"), 2);
    });
}

#[test]
fn whoever_migrates_at_once_is_safe() {
    on_each_engine(|database| {
        let together = 6;
        let start = Barrier::new(together);
        let applied: Vec<usize> = std::thread::scope(|scope| {
            let work = || {
                start.wait();
                let mut connection = Connection::open(database.engine(), Access::Write).unwrap();
                migrate(&mut connection, migrations()).unwrap()
            };
            let threads: Vec<_> = (0..together).map(|_| scope.spawn(work)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(applied.iter().sum::<usize>(), migrations().len(), "{applied:?}");
    });
}

/// A file that many open while it is made: SQLite refuses some of them at once, busy timeout or not.
#[test]
fn whoever_opens_a_fresh_file_at_once_is_served() {
    for _ in 0..30 {
        let database = TestEngine::Sqlite.database();
        let start = Barrier::new(8);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    start.wait();
                    Connection::open(database.engine(), Access::Write).map(drop).unwrap();
                });
            }
        });
    }
}

#[test]
fn a_new_database_has_the_platforms_ledger_accounts() {
    staged(|stage| {
        let kept = stage.list("SELECT CAST(id AS TEXT) || ' ' || CAST(brand_id AS TEXT) || ' ' || kind || ' ' || unit FROM ledger_accounts WHERE account_id IS NULL ORDER BY id DESC");
        let line = |platform: Platform| {
            let id = platform_account(PLATFORM, platform).get();
            format!("{id} {} {} {}", PLATFORM.get(), platform.as_str(), platform.unit())
        };
        assert_eq!(kept, Platform::ALL.map(line));
    });
}

fn count(connection: &mut Connection, sql: &'static str) -> i64 {
    connection.query(&Statement::new("TEST_COUNT", sql), &[]).unwrap().pop().unwrap().int("count").unwrap()
}

fn lines(text: &BTreeSet<String>) -> String {
    text.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
}

/// Rows of texts: the first column of each.
fn told(connection: &mut Connection, sql: &'static str) -> BTreeSet<String> {
    let rows = connection.query(&Statement::new("TEST_SCHEMA", sql), &[]).unwrap();
    rows.into_iter().map(|mut row| row.text("line").unwrap()).collect()
}

/// A primary key column of SQLite may be NULL by an old accident; no statement of ours writes one, so it counts as
/// NOT NULL. Its type classes are checked: every table is STRICT.
fn sqlite_schema(connection: &mut Connection) -> BTreeSet<String> {
    let columns = told(
        connection,
        "SELECT t.name || printf(' %02d ', c.cid) || c.name
             || CASE c.type WHEN 'INTEGER' THEN ' int' WHEN 'TEXT' THEN ' text' WHEN 'BLOB' THEN ' bytes' ELSE ' ?' || c.type END
             || CASE WHEN c.\"notnull\" = 1 OR c.pk > 0 THEN ' not null' ELSE ' null' END
             || CASE WHEN c.pk > 0 THEN ' key ' || c.pk ELSE '' END
         FROM sqlite_master t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'",
    );
    let indexes = told(
        connection,
        "SELECT 'index ' || i.name || CASE WHEN i.\"unique\" = 1 THEN ' unique' ELSE '' END
             || CASE WHEN i.partial = 1 THEN ' partial' ELSE '' END || ' ('
             || (SELECT group_concat(x.name, ', ') FROM (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno) x) || ')'
         FROM sqlite_master t JOIN pragma_index_list(t.name) i WHERE t.type = 'table' AND i.origin = 'c'",
    );
    let references = told(
        connection,
        "SELECT t.name || '.' || f.\"from\" || ' references ' || f.\"table\" || '.' || f.\"to\"
         FROM sqlite_master t JOIN pragma_foreign_key_list(t.name) f WHERE t.type = 'table'",
    );
    let checks = told(
        connection,
        "SELECT name || ' has ' || ((length(sql) - length(replace(sql, 'CHECK (', ''))) / 7) || ' checks'
         FROM sqlite_master WHERE type = 'table'",
    );
    [columns, indexes, references, checks].into_iter().flatten().collect()
}

fn postgres_schema(connection: &mut Connection) -> BTreeSet<String> {
    let columns = told(
        connection,
        "SELECT t.relname || ' ' || lpad((a.attnum - 1)::text, 2, '0') || ' ' || a.attname
             || CASE format_type(a.atttypid, a.atttypmod) WHEN 'bigint' THEN ' int' WHEN 'text' THEN ' text'
                    WHEN 'bytea' THEN ' bytes' ELSE ' ?' || format_type(a.atttypid, a.atttypmod) END
             || CASE WHEN a.attnotnull THEN ' not null' ELSE ' null' END
             || COALESCE(' key ' || array_position(k.conkey, a.attnum), '')
         FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace AND n.nspname = 'public'
         JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
         LEFT JOIN pg_constraint k ON k.conrelid = t.oid AND k.contype = 'p' WHERE t.relkind = 'r'",
    );
    let indexes = told(
        connection,
        "SELECT 'index ' || c.relname || CASE WHEN i.indisunique THEN ' unique' ELSE '' END
             || CASE WHEN i.indpred IS NOT NULL THEN ' partial' ELSE '' END || ' ('
             || (SELECT string_agg(a.attname, ', ' ORDER BY k.place) FROM unnest(i.indkey) WITH ORDINALITY AS k(number, place)
                 JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number) || ')'
         FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
         JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public' WHERE NOT i.indisprimary",
    );
    let references = told(
        connection,
        "SELECT t.relname || '.' || a.attname || ' references ' || u.relname || '.' || b.attname
         FROM pg_constraint k JOIN pg_class t ON t.oid = k.conrelid JOIN pg_class u ON u.oid = k.confrelid
         JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.conkey[1]
         JOIN pg_attribute b ON b.attrelid = u.oid AND b.attnum = k.confkey[1] WHERE k.contype = 'f'",
    );
    let checks = told(
        connection,
        "SELECT t.relname || ' has ' || count(k.oid) || ' checks' FROM pg_class t
         JOIN pg_namespace n ON n.oid = t.relnamespace AND n.nspname = 'public'
         LEFT JOIN pg_constraint k ON k.conrelid = t.oid AND k.contype = 'c' WHERE t.relkind = 'r' GROUP BY t.relname",
    );
    [columns, indexes, references, checks].into_iter().flatten().collect()
}

/// The text differs where a schema does: a column more on one side is seen.
#[test]
fn a_difference_between_the_schemas_would_be_seen() {
    staged(|stage| {
        let whole = |database: &TestDatabase| match database.engine() {
            Engine::Sqlite(_) => sqlite_schema(&mut connection(database)),
            Engine::Postgres(_) => postgres_schema(&mut connection(database)),
        };
        let before = whole(stage.database());
        stage.tamper("ALTER TABLE brands ADD COLUMN colour TEXT; DROP INDEX leases_number; CREATE INDEX leases_number ON leases (to_at, number)");
        let after = whole(stage.database());
        let apart: Vec<&str> = before.symmetric_difference(&after).map(String::as_str).collect();
        assert_eq!(
            apart,
            [
                "brands 02 colour text null",
                "index leases_number (number, to_at)",
                "index leases_number (to_at, number)"
            ]
        );
    });
}
