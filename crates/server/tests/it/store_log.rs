//! SQLite's log: copied into its file beside the writer, and begun anew.

use numberotp_server::store::db::{Access, Checkpoints, Connection, Statement, Value};
use numberotp_testkit::database::{TestDatabase, TestEngine};
use std::sync::Arc;

/// Pages after which it is copied.
const EVERY: u32 = 40;
const ADD: Statement = Statement::new("ADD", "INSERT INTO t (body) VALUES ($1)");
const COUNT: Statement = Statement::new("COUNT", "SELECT COUNT(*) FROM t");

/// A file with its writer and the connection that copies its log; the thread is the test's own.
struct File {
    database: TestDatabase,
    checkpoints: Arc<Checkpoints>,
    writer: Connection,
    copier: Connection,
}

impl File {
    fn new() -> Self {
        let database = TestEngine::Sqlite.database();
        let checkpoints = Arc::new(Checkpoints::every(EVERY));
        let writer = Connection::open(database.engine(), Access::Write).unwrap();
        let mut writer = writer.copied_beside(&checkpoints).unwrap();
        writer.script("CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT) STRICT").unwrap();
        let copier = Connection::open(database.engine(), Access::Write).unwrap();
        Self { database, checkpoints, writer, copier }
    }

    /// One commit, and what the writer does after it.
    fn commit(&mut self) {
        add(&mut self.writer);
        self.writer.copy_rest();
    }

    /// Commits until the log has so many pages.
    fn fill(&mut self, pages: u32) {
        while self.checkpoints.pages() < pages {
            self.commit();
        }
    }

    /// What the thread does when it is time, while the writer goes on.
    fn copy(&mut self) {
        let Self { checkpoints, writer, copier, .. } = self;
        checkpoints.copy_beside(&mut || {
            let copied = copier.copy_log();
            add(writer);
            copied
        });
    }

    /// Rows in the file alone, as whoever copies it without its log would find them.
    fn rows_in_file(&self) -> i64 {
        let copy = TestEngine::Sqlite.database();
        std::fs::copy(self.database.engine().file().unwrap(), copy.engine().file().unwrap()).unwrap();
        rows(&mut Connection::open(copy.engine(), Access::Write).unwrap())
    }
}

fn add(writer: &mut Connection) {
    writer.execute(&ADD, &[Value::Text("a message ".repeat(300))]).unwrap();
}

fn rows(connection: &mut Connection) -> i64 {
    connection.query(&COUNT, &[]).unwrap().pop().unwrap().int("count").unwrap()
}

#[test]
fn a_log_is_copied_and_begins_anew_while_its_writer_goes_on() {
    let mut file = File::new();
    for _ in 0..3 {
        file.fill(EVERY);
        file.copy();
        // After this one what came meanwhile is copied, and the next finds nothing that has to be kept.
        file.commit();
        file.commit();
        assert!(file.checkpoints.pages() < EVERY / 2, "{} pages", file.checkpoints.pages());
    }
    let written = rows(&mut file.writer);
    assert_eq!(file.rows_in_file(), written - 1, "all but what was committed since");
}

#[test]
fn what_somebody_still_reads_stays_until_the_log_has_grown_as_much_again() {
    let mut file = File::new();
    let mut reader = Connection::open(file.database.engine(), Access::Read).unwrap();
    reader.begin_snapshot().unwrap();
    assert_eq!(rows(&mut reader), 0);
    file.fill(EVERY);
    file.copy();
    file.commit();
    let kept = file.checkpoints.pages();
    assert!(kept > EVERY, "it goes on: {kept} pages");
    file.fill(kept + EVERY);
    assert_eq!(rows(&mut reader), 0, "one state of everything");
    reader.script("COMMIT").unwrap();
    file.copy();
    file.commit();
    file.commit();
    assert!(file.checkpoints.pages() < EVERY / 2, "{} pages", file.checkpoints.pages());
}
