//! Sessions that a website keeps in its own PostgreSQL: read in the three adapters' tables and in tables of other
//! names, at the right end whatever the database's time zone, and never written.

use numberotp_core::authjs::SiteSchema;
use numberotp_core::time::Span;
use numberotp_server::app::auth::KNOWN_FOR;
use numberotp_server::boot::{self, Hands};
use numberotp_server::config::{DatabaseSettings, ServeSettings, resolve};
use numberotp_server::store::db::{Access, Connection};
use numberotp_server::store::site::{SiteDatabase, TokenIndex};
use numberotp_testkit::app::{Setup, TestApp, with_app};
use numberotp_testkit::authjs::v4;
use numberotp_testkit::database::{TestDatabase, TestEngine, engines};
use serde_json::json;
use tokio::runtime::Builder;

const PROFILE: &str = "/api/user/profile";
const COOKIE: &str = "__Secure-authjs.session-token";
const SECRET: &str = "the-secret-of-the-website-0123456789-0123";
const EMAIL: &str = "ada@example.com";
const TOKEN: &str = "550e8400-e29b-41d4-a716-446655440000";
/// Test's beginning is 09:40 UTC; this zone is eleven or twelve hours ahead.
const ELSEWHERE: &str = "Pacific/Auckland";

/// Tables of a site: how they are told to us, and how they are made. Sources: the adapters' published schemas.
const SITES: [(&str, &str); 4] = [
    (
        "pg",
        "CREATE TABLE users (id SERIAL PRIMARY KEY, name VARCHAR(255), email VARCHAR(255), \"emailVerified\" TIMESTAMPTZ, image TEXT);
         CREATE TABLE sessions (id SERIAL PRIMARY KEY, \"userId\" INTEGER NOT NULL, expires TIMESTAMPTZ NOT NULL, \"sessionToken\" VARCHAR(255) NOT NULL);
         INSERT INTO users (id, name, email) VALUES (42, 'Ada', '{email}');
         INSERT INTO sessions (\"userId\", expires, \"sessionToken\") VALUES (42, TIMESTAMPTZ '2024-04-29 10:40:00+00', '{token}')",
    ),
    (
        "prisma",
        "CREATE TABLE \"User\" (id TEXT PRIMARY KEY, name TEXT, email TEXT UNIQUE, \"emailVerified\" TIMESTAMP(3), image TEXT);
         CREATE TABLE \"Session\" (\"sessionToken\" TEXT NOT NULL UNIQUE, \"userId\" TEXT NOT NULL, expires TIMESTAMP(3) NOT NULL);
         INSERT INTO \"User\" (id, name, email) VALUES ('clx42', 'Ada', '{email}');
         INSERT INTO \"Session\" (\"userId\", expires, \"sessionToken\") VALUES ('clx42', '2024-04-29 10:40:00', '{token}')",
    ),
    (
        "drizzle",
        "CREATE TABLE \"user\" (id TEXT PRIMARY KEY, name TEXT, email TEXT UNIQUE, \"emailVerified\" TIMESTAMP, image TEXT);
         CREATE TABLE session (\"sessionToken\" TEXT PRIMARY KEY, \"userId\" TEXT NOT NULL, expires TIMESTAMP NOT NULL);
         INSERT INTO \"user\" (id, name, email) VALUES ('8f14e45f', 'Ada', '{email}');
         INSERT INTO session (\"userId\", expires, \"sessionToken\") VALUES ('8f14e45f', '2024-04-29 10:40:00', '{token}')",
    ),
    (
        "pg sessions=auth.web_sessions token=session_token user=user_id expires=ends users=auth.\"People id=key email=mail name=\"full",
        "CREATE SCHEMA auth;
         CREATE TABLE auth.\"\"\"People\" (key BIGINT PRIMARY KEY, \"\"\"full\" TEXT, mail TEXT);
         CREATE TABLE auth.web_sessions (session_token TEXT PRIMARY KEY, user_id BIGINT, ends TIMESTAMPTZ);
         INSERT INTO auth.\"\"\"People\" VALUES (42, 'Ada', '{email}');
         INSERT INTO auth.web_sessions VALUES ('{token}', 42, TIMESTAMPTZ '2024-04-29 10:40:00+00')",
    ),
];

/// Runs commands as the site does, off the runtime's thread.
fn at_site(site: &TestDatabase, sql: &str) {
    std::thread::scope(|scope| {
        let work = || {
            let mut connection = Connection::open(site.engine(), Access::Write).unwrap();
            connection.ensure().unwrap();
            connection.script(sql).unwrap();
        };
        scope.spawn(work).join().unwrap();
    });
}

/// A site's database in another time zone, on the server of all tests.
fn site() -> Option<TestDatabase> {
    let server = engines().into_iter().find(|engine| matches!(engine, TestEngine::Postgres(_)))?;
    let site = server.database();
    let name = site.url().rsplit('/').next().unwrap().split('?').next().unwrap();
    at_site(&site, &format!("ALTER DATABASE {name} SET TimeZone = '{ELSEWHERE}'"));
    Some(site)
}

/// Runs a test beside a site with these tables, in which one person is signed in until an hour from now; nothing where
/// there is no PostgreSQL.
#[expect(clippy::needless_pass_by_value, reason = "a closure is handed over where it is written")]
fn beside((schema, tables): (&'static str, &str), body: impl AsyncFn(&mut TestApp<'_>, &TestDatabase)) {
    for engine in engines() {
        let Some(site) = site() else { return };
        at_site(&site, &tables.replace("{email}", EMAIL).replace("{token}", TOKEN));
        // A set-up can be copied, so what it names lasts as long as the process.
        let setup = Setup::sandbox().flagged(welcome).beside(site.url().to_owned().leak(), schema);
        let database = engine.database();
        Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            let mut app = TestApp::open(&database, setup).await;
            body(&mut app, &site).await;
            app.finish().await;
        });
    }
}

fn welcome(flags: &mut ServeSettings) {
    flags.authjs_secrets = Some(SECRET.to_owned());
    flags.authjs_create_accounts = Some(true);
}

async fn opens(app: &TestApp<'_>, token: &str) {
    for ask in
        [app.get(PROFILE).bearer(token), app.get(PROFILE).header("cookie", &format!("{COOKIE}={token}"))]
    {
        let profile = ask.ok().await["data"].clone();
        assert_eq!((&profile["email"], &profile["name"]), (&json!(EMAIL), &json!("Ada")));
    }
}

async fn is_shut_out(app: &TestApp<'_>, token: &str) {
    app.get(PROFILE).bearer(token).refused(401, "UNAUTHORIZED").await;
    app.get(PROFILE).header("cookie", &format!("{COOKIE}={token}")).refused(401, "UNAUTHORIZED").await;
}

#[test]
fn a_row_of_each_schema_is_good_to_its_last_moment_in_any_time_zone() {
    for tables in SITES {
        beside(tables, async |app, _site| {
            opens(app, TOKEN).await;
            is_shut_out(app, &TOKEN.replace('5', "6")).await;
            is_shut_out(app, "' OR '1' = '1").await;
            app.advance(Span::hours(1));
            opens(app, TOKEN).await;
            app.advance(Span::micros(1));
            is_shut_out(app, TOKEN).await;
        });
    }
}

#[test]
fn a_row_that_goes_ends_the_session_within_a_second_and_none_is_ever_written() {
    beside(SITES[1], async |app, site| {
        // Whoever writes there fails.
        at_site(
            site,
            "CREATE FUNCTION no() RETURNS TRIGGER LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''written''; END'",
        );
        for table in ["Session", "User"] {
            let when = "BEFORE INSERT OR UPDATE OR DELETE";
            at_site(site, &format!("CREATE TRIGGER no {when} ON \"{table}\" EXECUTE FUNCTION no()"));
        }
        opens(app, TOKEN).await;
        app.advance(Span::hours(1).minus(Span::micros(1)));
        opens(app, TOKEN).await;
        at_site(
            site,
            "DROP TRIGGER no ON \"Session\"; UPDATE \"Session\" SET expires = '2024-04-30 00:00:00'",
        );
        app.advance(KNOWN_FOR);
        opens(app, TOKEN).await;
        at_site(site, "DELETE FROM \"Session\"");
        app.advance(KNOWN_FOR);
        is_shut_out(app, TOKEN).await;
    });
}

#[test]
fn two_rows_of_one_token_a_row_of_nobody_and_one_without_an_end_are_none() {
    beside(SITES[0], async |app, site| {
        let add = |token: &str, user: i64, expires: &str| {
            let row = format!("VALUES ({user}, {expires}, '{token}')");
            at_site(site, &format!("INSERT INTO sessions (\"userId\", expires, \"sessionToken\") {row}"));
        };
        opens(app, TOKEN).await;
        add(TOKEN, 43, "TIMESTAMPTZ '2024-04-29 10:40:00+00'");
        add("of-nobody", 43, "TIMESTAMPTZ '2024-04-29 10:40:00+00'");
        add("without-end", 42, "'infinity'");
        app.advance(KNOWN_FOR);
        for token in [TOKEN, "of-nobody", "without-end"] {
            is_shut_out(app, token).await;
        }
    });
}

#[test]
fn a_person_is_the_same_in_a_row_and_in_a_token() {
    beside(SITES[0], async |app, _site| {
        let by_row = app.get(PROFILE).bearer(TOKEN).ok().await["data"]["id"].clone();
        let claims = json!({ "sub": "42", "exp": app.now().unix_seconds() + 60 });
        let by_token = app.get(PROFILE).bearer(&v4(SECRET, &claims)).ok().await["data"]["id"].clone();
        assert_eq!(by_row, by_token);
    });
}

#[test]
fn a_site_whose_database_is_away_is_no_reason_to_be_away_oneself() {
    let away = Setup::sandbox().beside("postgres://nobody@127.0.0.1:1/site", "pg");
    with_app(away, async |app| {
        let customer = app.account(0, 0).await;
        app.get(PROFILE).by(&customer).ok().await;
        app.get(PROFILE).bearer(TOKEN).refused(503, "MAINTENANCE").await;
    });
}

#[test]
fn a_server_does_not_start_on_tables_that_are_not_there() {
    let Some(site) = site() else { return };
    let flags = ServeSettings {
        sandbox: Some(true),
        authjs_database_url: Some(site.url().to_owned()),
        authjs_schema: Some("prisma".to_owned()),
        ..ServeSettings::default()
    };
    let own = TestEngine::Sqlite.database();
    let database =
        DatabaseSettings { database_url: Some(own.url().to_owned()), ..DatabaseSettings::default() };
    let resolved = resolve(flags, database).unwrap();
    let runtime = Builder::new_multi_thread().enable_all().build().unwrap();
    let started = runtime.block_on(boot::start(&resolved, Hands::default()));
    let why = started.err().map(|error| error.to_string()).unwrap_or_default();
    assert!(why.contains("--authjs-schema") && why.contains("Session"), "{why}");
}

#[test]
fn a_site_is_asked_whether_an_index_leads_to_its_sessions() {
    let Some(site) = site() else { return };
    at_site(&site, SITES[0].1);
    let runtime = Builder::new_multi_thread().enable_all().build().unwrap();
    let schema = SiteSchema::parse("pg").unwrap();
    let look = || {
        let database = SiteDatabase::open(site.engine(), &schema).unwrap();
        runtime.block_on(database.look()).unwrap()
    };
    assert_eq!(look(), TokenIndex::Missing);
    at_site(
        &site,
        "CREATE INDEX ended ON sessions (\"sessionToken\") WHERE id < 0; CREATE INDEX other ON sessions (id, \"sessionToken\")",
    );
    assert_eq!(look(), TokenIndex::Missing);
    at_site(&site, "CREATE INDEX token ON sessions (\"sessionToken\")");
    assert_eq!(look(), TokenIndex::There);
}
