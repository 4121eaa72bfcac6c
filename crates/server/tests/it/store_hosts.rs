//! Lines to PostgreSQL: to which of several hosts, by which way, and what is said on one.

use numberotp_server::store::StoreError;
use numberotp_server::store::db::{Access, Asked, Connection, Engine, Row, Statement, Value};
use numberotp_testkit::database::{TestDatabase, on_each_engine};
use std::net::TcpListener;
use std::time::{Duration, Instant};

/// How long a connection may take to be made.
const CONNECT_WITHIN: Duration = Duration::from_secs(3);

const WHERE: Statement = Statement::new("WHERE", "SELECT current_database()::text");
const DIVIDED: Statement = Statement::new("DIVIDED", "SELECT 12 / CAST($1 AS BIGINT)");
const ECHOED: Statement = Statement::new("ECHOED", "SELECT CAST($1 AS TEXT)");

/// Runs a test's body on PostgreSQL: who logs in, where the server is, and the database.
fn on_a_server(body: impl Fn(&str, &str, &str)) {
    on_each_engine(|database: &TestDatabase| {
        if let Engine::Postgres(url) = database.engine() {
            let (who, place) = url.split_once('@').unwrap();
            let (place, name) = place.split_once('/').unwrap();
            body(who, place, name);
        }
    });
}

fn opened(url: &str) -> Result<Connection, StoreError> {
    let mut connection = Connection::open(&Engine::parse(url).unwrap(), Access::Write)?;
    connection.ensure()?;
    Ok(connection)
}

fn text(rows: Vec<Row>) -> Vec<String> {
    rows.into_iter().map(|mut row| row.text("text").unwrap()).collect()
}

/// One is down, one takes the connection and never says a word, and the third is the one.
#[test]
fn a_server_is_found_behind_hosts_that_are_down_or_silent() {
    on_a_server(|who, place, name| {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let down = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let url = format!("{who}@{down},{},{place}/{name}", silent.local_addr().unwrap());
        let begun = Instant::now();
        let found = opened(&url).unwrap().query(&WHERE, &[]).unwrap();
        assert_eq!(text(found), [name]);
        assert!(begun.elapsed() < CONNECT_WITHIN, "the silent one has its share, not all there is");

        let nobody = opened(&format!("{who}@{down},{}/{name}", silent.local_addr().unwrap())).err();
        assert!(matches!(nobody, Some(StoreError::Unavailable(_))), "{nobody:?}");
    });
}

/// Of a server and its copies only one takes writes.
#[test]
fn a_server_of_another_kind_than_is_wanted_is_passed_by() {
    on_a_server(|who, place, name| {
        let url = |kind: &str| format!("{who}@{place}/{name}?target_session_attrs={kind}");
        let found = opened(&url("read-write")).unwrap().query(&WHERE, &[]).unwrap();
        assert_eq!(text(found), [name]);
        let refused = opened(&url("read-only")).err();
        assert!(matches!(refused, Some(StoreError::Unavailable(_))), "{refused:?}");
    });
}

#[test]
fn a_server_is_reached_by_a_name_and_by_its_socket_in_the_file_system() {
    const FOLDERS: Statement = Statement::new(
        "FOLDERS",
        "SELECT CONCAT(split_part(current_setting('unix_socket_directories'), ',', 1), ' ', current_setting('port'))",
    );
    on_a_server(|who, place, name| {
        let by_name = place.replace("127.0.0.1", "localhost");
        let mut connection = opened(&format!("{who}@{by_name}/{name}")).unwrap();
        let shown = text(connection.query(&FOLDERS, &[]).unwrap()).concat();
        let (folder, port) = shown.split_once(' ').unwrap();
        if !std::path::Path::new(&format!("{folder}/.s.PGSQL.{port}")).exists() {
            return numberotp_testkit::database::skip_optional(
                "the server's socket is not in our file system",
            );
        }
        let folder = folder.replace('/', "%2F");
        let found = opened(&format!("{who}@{folder}:{port}/{name}")).unwrap().query(&WHERE, &[]).unwrap();
        assert_eq!(text(found), [name]);
    });
}

#[test]
fn a_url_that_cannot_be_meant_is_refused_before_anything_is_opened() {
    let refused = [
        ("postgres://a@127.0.0.1:1,127.0.0.1:2/b?load_balance_hosts=random", "load_balance_hosts"),
        ("postgres://a@first,second/b?hostaddr=127.0.0.1", "not as many"),
        ("postgres://a@first,second,third/b?port=1,2", "not as many"),
        ("postgres:///b", "no host"),
    ];
    for (url, why) in refused {
        let refused = Connection::open(&Engine::parse(url).unwrap(), Access::Read).err();
        assert!(
            matches!(&refused, Some(StoreError::Driver(text)) if text.contains(why)),
            "{url}: {refused:?}"
        );
    }
}

/// What is sent after a statement that fails is not run, the error is told with the statement's name, and no answer is taken for
/// another's afterwards.
#[test]
fn a_statement_that_fails_ends_its_flight_and_not_its_line() {
    on_a_server(|who, place, name| {
        let mut connection = opened(&format!("{who}@{place}/{name}")).unwrap();
        let echoed = |text: &str| -> Asked<'_> { (&ECHOED, vec![text.into()]) };
        let divided = |by: i64| -> Asked<'_> { (&DIVIDED, vec![by.into()]) };
        connection.begin_with_next().unwrap();
        let flight = [echoed("first"), divided(0), echoed("never")];
        let failed = connection.queries(vec![7], &flight).err();
        assert!(
            matches!(&failed, Some(StoreError::Driver(text)) if text.starts_with("DIVIDED: ")),
            "{failed:?}"
        );
        connection.roll_back().unwrap();

        let flight = [echoed("again"), divided(4), echoed(&"long ".repeat(40_000))];
        let answers = connection.queries(vec![7, 8], &flight).unwrap();
        let mut answers = answers.into_iter().map(|mut rows| rows.pop().unwrap());
        assert_eq!(answers.next().unwrap().text("first").unwrap(), "again");
        assert_eq!(answers.next().unwrap().int("second").unwrap(), 3);
        assert_eq!(answers.next().unwrap().text("third").unwrap().len(), 200_000);
        assert!(answers.next().is_none());
    });
}

/// More statements than are kept ready, several of them in one flight.
#[test]
fn statements_that_are_too_many_to_keep_ready_are_made_ready_again() {
    on_a_server(|who, place, name| {
        let mut connection = opened(&format!("{who}@{place}/{name}")).unwrap();
        for number in 0..1_100_i64 {
            let rows = connection.query_foreign("NUMBER", &format!("SELECT {number}::bigint"), &[]).unwrap();
            assert_eq!(
                rows.into_iter().map(|mut row| row.int("number").unwrap()).collect::<Vec<_>>(),
                [number]
            );
            let flight: [Asked<'_>; 2] = [(&DIVIDED, vec![Value::Int(3)]), (&ECHOED, vec!["x".into()])];
            assert_eq!(connection.queries(vec![number], &flight).unwrap().len(), 2);
        }
    });
}
