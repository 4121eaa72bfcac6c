//! What must not lie about: message texts, codes, keys and tokens. They are planted, everything that can happen to
//! them happens, and then the database's own bytes and every log line are searched for them.

use crate::http_stage::{at, deliver, look, rent, row, sms, step, text};
use numberotp_core::time::Span;
use numberotp_server::store::db::{Access, Connection, Engine, Statement};
use numberotp_testkit::app::{Customer, TestApp, in_sandbox};
use serde_json::json;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// A code that nothing else spells by accident.
const CODE: &str = "7Q4ZK9XWVT";
/// A text around it.
const TEXT: &str = "Planted-message-about-a-secret-rendezvous: 7Q4ZK9XWVT";
/// A sender.
const FROM: &str = "PlantedSender";

/// Hears every log line of the process and remembers those with a word in it that must not be there.
#[derive(Clone, Default)]
struct Sniffer(Arc<Mutex<Heard>>);

#[derive(Default)]
struct Heard {
    words: Vec<String>,
    lines: usize,
    leaks: Vec<String>,
}

impl Sniffer {
    fn listen_for(&self, words: &[&str]) {
        self.0.lock().unwrap().words.extend(words.iter().map(|word| (*word).to_owned()));
    }
    fn heard(&self) -> (usize, Vec<String>) {
        let heard = self.0.lock().unwrap();
        (heard.lines, heard.leaks.clone())
    }
}

impl Write for Sniffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let line = String::from_utf8_lossy(bytes);
        let mut heard = self.0.lock().unwrap();
        heard.lines += 1;
        if heard.words.iter().any(|word| line.contains(word.as_str())) {
            heard.leaks.push(line.into_owned());
        }
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Sniffer {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Everything that is in the database, as bytes: the files of SQLite with its log of writes, each row of
/// PostgreSQL as text (where bytes are hexadecimal).
pub fn dump(app: &TestApp<'_>) -> Vec<u8> {
    match app.database().engine() {
        Engine::Sqlite(file) => {
            let folder = file.parent().unwrap();
            let read =
                |entry: std::io::Result<std::fs::DirEntry>| std::fs::read(entry.unwrap().path()).unwrap();
            std::fs::read_dir(folder).unwrap().flat_map(read).collect()
        }
        engine @ Engine::Postgres(_) => {
            let look = || rows(&mut Connection::open(engine, Access::Read).unwrap());
            std::thread::scope(|scope| scope.spawn(look).join().unwrap()).into_bytes()
        }
    }
}

fn rows(connection: &mut Connection) -> String {
    const TABLES: Statement = Statement::new(
        "TEST_TABLES",
        "SELECT CAST(table_name AS TEXT) FROM information_schema.tables WHERE table_schema = 'public' ORDER BY table_name",
    );
    connection.ensure().unwrap();
    let tables = connection.query(&TABLES, &[]).unwrap();
    let mut all = String::new();
    for mut table in tables {
        let table = table.text("table_name").unwrap();
        let sql: &'static str = Box::leak(format!("SELECT CAST(t AS TEXT) FROM {table} t").into_boxed_str());
        for mut row in connection.query(&Statement::new("TEST_ROWS", sql), &[]).unwrap() {
            all.push_str(&row.text("row").unwrap());
            all.push('\n');
        }
    }
    all
}

fn contains(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}

/// In plain text or as hexadecimal.
fn holds(bytes: &[u8], word: &str) -> bool {
    let hex: String = word.bytes().map(|byte| format!("{byte:02x}")).collect();
    contains(bytes, word.as_bytes()) || contains(bytes, hex.as_bytes())
}

/// Lets every kind of message happen: delivered, repeated, parked and adopted, late, unreadable, with a bad proof.
async fn live_through(app: &TestApp<'_>, customer: &Customer) {
    let id = rent(app, customer).await;
    let mut message = sms(app, &id, "planted", TEXT).await;
    message["from"] = json!(FROM);
    message["code"] = json!(CODE);
    app.deliver("sandbox", &message).await.ok();
    app.deliver("sandbox", &message).await.ok();
    message["messageId"] = serde_json::Value::Null;
    app.deliver("sandbox", &message).await.ok();
    let seen = look(app, customer, &id).await;
    assert_eq!((text(&seen, "otp"), text(&seen, "fullSms")), (CODE, TEXT), "its buyer reads it");
    app.get(&at(&id, "wait")).by(customer).ok().await;
    app.get("/api/internal/rents").by(customer).ok().await;

    message["receivedAt"] = json!(TEXT);
    app.deliver("sandbox", &message).await.refused(400, "INVALID_PARAMETER");
    app.post("/api/webhooks/sms/sandbox")
        .header("x-signature", TEXT)
        .json(&message)
        .refused(401, "INVALID_SIGNATURE")
        .await;
    let parked =
        json!({ "providerRef": "unknown", "text": TEXT, "from": FROM, "code": CODE, "messageId": "parked" });
    app.deliver("sandbox", &parked).await.ok();
    step(app, customer, &id, "finish").await.ok();
    deliver(app, &id, "late", TEXT).await;
    app.live(3).await;
}

/// Tokens of every kind, right and wrong, and bodies that are refused.
async fn knock(app: &TestApp<'_>, tokens: &[String]) {
    for token in tokens {
        app.get("/api/internal/balance").bearer(token).ok().await;
        app.get("/api/internal/balance").bearer(&format!("{token}x")).refused(401, "UNAUTHORIZED").await;
        let wrong = json!({ "service": token, "country": "US" });
        app.post("/api/internal/rent").bearer(token).json(&wrong).refused(404, "UNKNOWN_SERVICE").await;
        app.post("/api/internal/rent")
            .bearer(token)
            .body("application/json", format!("{{{token}"))
            .refused(400, "INVALID_JSON")
            .await;
        app.get(&format!("/nowhere/{token}?key={token}")).refused(404, "NOT_FOUND").await;
    }
}

#[test]
fn nothing_secret_lies_in_the_database_or_in_the_logs() {
    let sniffer = Sniffer::default();
    sniffer.listen_for(&[CODE, "secret-rendezvous", FROM]);
    let builder = tracing_subscriber::fmt().with_env_filter(EnvFilter::new("trace"));
    let builder = builder.with_writer(sniffer.clone()).with_filter_reloading();
    let volume = builder.reload_handle();
    builder.try_init().expect("this test hears the logs of the whole process");
    in_sandbox(async |app| {
        let customer = app.account(10_000, 0).await;
        let tokens = [customer.key.clone(), app.session(&customer).await, app.jwt(&customer).await];
        sniffer.listen_for(&tokens.each_ref().map(String::as_str));
        let id = rent(app, &customer).await;
        let number = row(app, &id).await.state.line().unwrap().number.expose().to_owned();
        sniffer.listen_for(&[&number, customer.email.as_str()]);
        live_through(app, &customer).await;
        knock(app, &tokens).await;

        let before = dump(app);
        assert!(holds(&before, &customer.email), "the search finds what is there");
        for secret in [CODE, "secret-rendezvous", FROM].into_iter().chain(tokens.iter().map(String::as_str)) {
            assert!(!holds(&before, secret), "{secret} lies in the database");
        }
        // Also not in what is left behind when messages are past their time.
        app.advance(Span::hours(73));
        app.run_jobs().await;
        assert!(!holds(&dump(app), CODE));
    });
    volume.reload(EnvFilter::new("off")).unwrap();
    let (lines, leaks) = sniffer.heard();
    assert!(lines > 10, "the sniffer hears something: {lines} lines");
    assert_eq!(leaks, [""; 0]);
}

#[test]
fn past_their_time_messages_are_gone_with_their_keys() {
    in_sandbox(async |app| {
        let customer = app.account(1_000, 0).await;
        let id = rent(app, &customer).await;
        deliver(app, &id, "m1", "Telegram code: 48291").await;
        app.advance(Span::hours(71));
        app.run_jobs().await;
        assert_eq!(look(app, &customer, &id).await["otp"], "48291");
        app.advance(Span::hours(2));
        app.run_jobs().await;
        let after = look(app, &customer, &id).await;
        assert_eq!(
            (text(&after, "status"), &after["otp"], &after["sms"]),
            ("finished", &serde_json::Value::Null, &json!([]))
        );
        let wait = app.get(&at(&id, "wait")).by(&customer).refused(400, "RENT_CLOSED").await;
        assert_eq!(text(&wait, "status"), "finished", "a code that is gone is not answered as none");
        let keys = app.read(|tx| numberotp_server::store::message::data_key_get(tx, 19_842)).await;
        assert!(keys.is_none(), "the day's key is destroyed with its messages");
    });
}

/// The folder holds what the test thinks it does: the file and what SQLite keeps beside it.
#[test]
fn the_search_looks_into_the_log_of_writes_too() {
    in_sandbox(async |app| {
        if let Engine::Sqlite(file) = app.database().engine() {
            let beside = |end: &str| Path::new(&format!("{}{end}", file.display())).exists();
            assert!(file.exists() && beside("-wal"));
        }
    });
}
