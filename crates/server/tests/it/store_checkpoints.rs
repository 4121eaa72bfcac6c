//! SQLite's log: copied into its file beside the writer, and begun anew.

use crate::store_stage::RULES;
use numberotp_server::store::db::{Access, Checkpoints, Connection, Statement, migrate, migrations};
use numberotp_server::store::setting::setting_fix;
use numberotp_server::store::{IdBlocks, Store, StoreError, StoreOptions, Tx, WakeHub, Writer, cold};
use numberotp_testkit::database::{TestDatabase, TestEngine};
use std::sync::Arc;

/// Pages after which it is copied.
const EVERY: u32 = 40;
const COUNT: Statement = Statement::new("COUNT", "SELECT COUNT(*) FROM settings WHERE name LIKE 'note %'");

/// Writes something of a few pages.
fn note(tx: &mut Tx<'_>, number: usize) -> Result<String, StoreError> {
    setting_fix(tx, &format!("note {number}"), &"a note ".repeat(900))
}

fn notes(connection: &mut Connection) -> i64 {
    connection.query(&COUNT, &[]).unwrap().pop().unwrap().int("count").unwrap()
}

/// A file with its writer and the connection that copies its log; the thread is the test's own.
struct File {
    database: TestDatabase,
    checkpoints: Arc<Checkpoints>,
    writer: Writer,
    checkpointer: Connection,
    written: usize,
}

impl File {
    fn new() -> Self {
        let database = TestEngine::Sqlite.database();
        let mut checkpointer = Connection::open(database.engine(), Access::Write).unwrap();
        migrate(&mut checkpointer, migrations()).unwrap();
        let checkpoints = Arc::new(Checkpoints::every(EVERY));
        let (ids, hub) = (IdBlocks::sized(64, 16), Arc::new(WakeHub::default()));
        let writer = Writer::open(database.engine(), ids, RULES, hub).unwrap();
        let writer = writer.with_checkpoints(&checkpoints).unwrap();
        Self { database, checkpoints, writer, checkpointer, written: 0 }
    }

    fn pages(&self) -> u32 {
        self.checkpoints.pages()
    }

    /// One batch.
    fn write(&mut self) {
        let number = self.written;
        self.written += 1;
        let (work, mut answer) = cold(move |tx| note(tx, number));
        self.writer.run(vec![work], None::<()>);
        answer.try_recv().unwrap().unwrap();
    }

    /// Writes until the log has so many pages.
    fn fill(&mut self, pages: u32) {
        while self.pages() < pages {
            self.write();
        }
    }

    /// What the thread does when it is time, while the writer goes on. Answers how many pages were not copied at the end.
    fn copy(&mut self) -> u32 {
        let (checkpoints, mut copied) = (Arc::clone(&self.checkpoints), 0);
        let mut reader = self.reader();
        checkpoints.beside_writer(&mut || {
            // As if this were written during the copy: a reader of before keeps it from being copied.
            reader.begin_snapshot().unwrap();
            notes(&mut reader);
            self.write();
            copied = self.checkpointer.checkpoint().unwrap();
            reader.script("COMMIT").unwrap();
            Ok(copied)
        });
        self.pages() - copied
    }

    fn reader(&self) -> Connection {
        Connection::open(self.database.engine(), Access::Read).unwrap()
    }
}

#[test]
fn a_log_is_copied_and_begins_anew_while_its_writer_goes_on() {
    let mut file = File::new();
    for _ in 0..3 {
        file.fill(EVERY);
        let left = file.copy();
        assert!((1..=EVERY / 8).contains(&left), "{left} pages are left");
        // After this batch the writer copies them, and the next finds nothing that has to be kept.
        file.write();
        file.write();
        assert!(file.pages() < EVERY / 2, "{} pages", file.pages());
    }
    assert_eq!(notes(&mut file.reader()), i64::try_from(file.written).unwrap());
}

#[test]
fn what_somebody_still_reads_stays_until_the_log_has_grown_again() {
    let mut file = File::new();
    let mut reader = file.reader();
    reader.begin_snapshot().unwrap();
    assert_eq!(notes(&mut reader), 0);
    file.fill(EVERY);
    let left = file.copy();
    assert!(left >= EVERY / 2, "what came after the reader: {left} pages");
    file.write();
    file.write();
    let kept = file.pages();
    assert!(kept > EVERY, "it goes on: {kept} pages");
    assert_eq!(notes(&mut reader), 0, "one state of everything");
    reader.script("COMMIT").unwrap();
    file.fill(kept + EVERY / 8);
    file.copy();
    file.write();
    file.write();
    assert!(file.pages() < EVERY / 2, "{} pages", file.pages());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_has_a_thread_that_copies_its_log() {
    let database = TestEngine::Sqlite.database();
    let options = StoreOptions { wal_pages: Some(10 * EVERY), ..StoreOptions::server(RULES) };
    let store = Store::open(database.engine(), &options).unwrap();
    let (mut first, mut written) = (None, 0);
    loop {
        store.write(move |tx| note(tx, written)).await.unwrap();
        written += 1;
        let times = database.wal_beginnings();
        if times >= *first.get_or_insert(times) + 3 {
            break;
        }
        // SQLite's own way would need some 1,300 batches for each time, and this some 130, unless the thread has no turn.
        assert!(written < 3_500, "the log goes on and on");
        tokio::task::yield_now().await;
    }
    tokio::task::spawn_blocking(move || store.stop()).await.unwrap();
    let mut reader = Connection::open(database.engine(), Access::Read).unwrap();
    assert_eq!(notes(&mut reader), i64::try_from(written).unwrap());
}
