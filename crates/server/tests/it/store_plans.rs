//! How the databases go about what is asked of them all day: by an index that holds nothing but what is looked for.

use crate::store_stage::{Stage, connection};
use numberotp_core::job::{JobKind, Lane};
use numberotp_core::time::{Span, Time};
use numberotp_server::store::catalogue;
use numberotp_server::store::db::{Engine, Row, Statement, Value};
use numberotp_server::store::guess::guesses_purge;
use numberotp_testkit::database::on_each_engine;

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

/// Jobs of both lanes, few of them due.
const MANY: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
INSERT INTO jobs (id, kind, subject_id, run_at, attempts, leased_until, dead)
    SELECT i * 16, 'activation_watch', i, i, 0, 0, 0 FROM n UNION ALL SELECT i * 16 + 4, 'mail_send', i, i, 0, 0, 0 FROM n;
ANALYZE;";

#[test]
fn a_lane_looks_for_its_next_job_without_reading_the_others() {
    on_each_engine(|database| {
        let mut stage = Stage::on(database);
        // With statistics and without: a database that was just filled has none.
        for fill in ["", MANY] {
            stage.tamper(fill);
            let kinds = |lane: Lane| {
                Value::Texts(lane.kinds().map(JobKind::as_str).map(str::to_owned).collect::<Vec<_>>())
            };
            // Few are due, as on any day: where half of a table is, reading all of it is right.
            let (now, later, most) = (Value::Int(100), Value::Int(200), Value::Int(10));
            let take = vec![now.clone(), later, most.clone()];
            let main = kinds(Lane::Main);
            for (name, parameters, index) in [
                ("JOBS_NEXT", vec![now.clone(), main.clone()], "jobs_due"),
                ("JOBS_TAKE", [take.clone(), vec![main]].concat(), "jobs_due"),
                ("JOBS_LATE", vec![now.clone(), most], "jobs_due"),
                ("MAIL_JOBS_NEXT", vec![now], "jobs_mail"),
                ("MAIL_JOBS_TAKE", take, "jobs_mail"),
            ] {
                let plan = plan(&stage, name, &parameters);
                let read = |index: &str| plan.contains(index);
                let other = if index == "jobs_due" { "jobs_mail" } else { "jobs_due" };
                // PostgreSQL reads a table of no pages as it likes.
                let free = fill.is_empty() && matches!(database.engine(), Engine::Postgres(_));
                assert!(free || (read(index) && !read(other)), "{name}:\n{plan}");
            }
        }
    });
}

/// Failures of a moment, whose waits end one after the other.
const WAITS: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
INSERT INTO guesses (subject, failures, last_at, closed_until) SELECT CAST(CAST(i AS TEXT) AS BYTEA), 1, 0, i FROM n;
ANALYZE;";

#[test]
fn guesses_are_forgotten_without_reading_those_that_wait() {
    on_each_engine(|database| {
        let mut stage = Stage::on(database);
        match database.engine() {
            Engine::Sqlite(_) => stage.tamper(&WAITS.replace("BYTEA", "BLOB")),
            Engine::Postgres(_) => stage.tamper(WAITS),
        }
        let plan = plan(&stage, "GUESSES_PURGE", &[Value::Int(100)]);
        assert!(plan.contains("guesses_over"), "{plan}");
        stage.write(|tx| guesses_purge(tx, Time::from_micros(100).plus(Span::hours(1)))).unwrap();
        assert_eq!(stage.list("SELECT CAST(MIN(closed_until) AS TEXT) FROM guesses"), ["101"]);
    });
}

/// Messages that wait for a purchase, by reference and by number.
const WAITING: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
INSERT INTO messages (id, provider, dedupe_key, provider_ref, number, activation_id, verdict, reason, has_code, services, key_day, body, received_at, purge_after)
    SELECT i, 'sandbox', CAST(CAST(i AS TEXT) AS BYTEA), CASE WHEN i % 2 = 0 THEN 'r' || CAST(i AS TEXT) END, '+' || CAST(i AS TEXT), NULL, 'parked', '', 1, '', 1, CAST('x' AS BYTEA), 1, 1000 FROM n;
ANALYZE;";

/// Every number that is attached asks for them.
#[test]
fn what_waits_for_a_purchase_is_found_by_its_name() {
    on_each_engine(|database| {
        let mut stage = Stage::on(database);
        match database.engine() {
            Engine::Sqlite(_) => stage.tamper(&WAITING.replace("BYTEA", "BLOB")),
            Engine::Postgres(_) => stage.tamper(WAITING),
        }
        // SQLite is asked for one name after the other.
        let names = match database.engine() {
            Engine::Sqlite(_) => Value::Text("r2".to_owned()),
            Engine::Postgres(_) => Value::Texts(vec!["r2".to_owned(), "+3".to_owned()]),
        };
        let asked = plan(&stage, "HOT_PARKED", &[names, Value::Int(0)]);
        assert!(asked.contains("messages_parked ") && !asked.contains("SCAN"), "{asked}");
        assert!(!asked.contains("Seq Scan"), "{asked}");
        if let Engine::Postgres(_) = database.engine() {
            let (ids, names) = (Value::Ints(vec![1, 2]), Value::Texts(vec!["r2".to_owned()]));
            let looked = plan(&stage, "HOT_HELD", &[ids, Value::Int(2), names, Value::Int(0)]);
            assert!(looked.contains("messages_parked "), "{looked}");
        }
    });
}

/// Of the checks that look at every movement: what SQLite would sort, or index for one question, it has in memory as a whole.
#[test]
fn an_audit_keeps_no_movements_in_memory() {
    on_each_engine(|database| {
        let stage = Stage::on(database);
        let Engine::Sqlite(_) = database.engine() else { return };
        for name in
            ["AUDIT_ENTRIES", "AUDIT_ORPHANS", "AUDIT_PARTS", "AUDIT_MISSING", "AUDIT_HOLDS", "AUDIT_SHOWN"]
        {
            let plan = plan(&stage, name, &[]);
            assert!(!plan.contains("TEMP B-TREE") && !plan.contains("AUTOMATIC"), "{name}:\n{plan}");
        }
    });
}
