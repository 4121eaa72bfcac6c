//! Which account a visitor of the website is, is remembered for as long as it is of use: a site that gives another id at each
//! sign-in fills nothing, and nobody loses an account by being forgotten.

use http::Method;
use numberotp_core::authjs::kept::KEPT_MOST;
use numberotp_core::caller::{Role, Standing};
use numberotp_core::time::Span;
use numberotp_server::app::auth::KNOWN_FOR;
use numberotp_server::config::ServeSettings;
use numberotp_server::store::db::{Row, Statement};
use numberotp_testkit::app::{Answer, Customer, Setup, TestApp, with_app};
use numberotp_testkit::authjs::v5;
use serde_json::{Value, json};

const PROFILE: &str = "/api/user/profile";
const SECRET: &str = "the-secret-of-the-website-0123456789abcdef";
const COOKIE: &str = "authjs.session-token";
const DAY: Span = Span::hours(24);

fn secrets(flags: &mut ServeSettings) {
    flags.authjs_secrets = Some(SECRET.to_owned());
}

fn behind() -> Setup {
    Setup::sandbox().flagged(secrets)
}

/// Somebody comes with a session that was made now.
async fn comes(app: &TestApp<'_>, subject: &str, email: &str) -> Answer {
    let now = app.now().unix_seconds();
    let mut claims = json!({ "sub": subject, "email": email, "iat": now, "exp": now + 3_600 });
    if email.is_empty() {
        claims["email"] = Value::Null;
    }
    let token = v5(SECRET, COOKIE, &claims);
    app.ask(Method::GET, PROFILE).header("cookie", &format!("{COOKIE}={token}")).send().await
}

async fn is_let_in(app: &TestApp<'_>, subject: &str, customer: &Customer) {
    let profile = comes(app, subject, &customer.email).await.ok();
    assert_eq!(profile["data"]["email"], customer.email, "{subject}");
}

/// Subjects in the order in which they came first, and when they were used last, in days since the first.
async fn known(app: &TestApp<'_>) -> Vec<(String, i64)> {
    let all = Statement::new(
        "TEST_IDENTITIES",
        "SELECT subject, used_at FROM identities ORDER BY created_at, subject",
    );
    let read = |mut row: Row| Ok((row.text("subject")?, row.int("used_at")?));
    let rows =
        app.read(move |tx| tx.query(&all, &[])?.into_iter().map(read).collect::<Result<Vec<_>, _>>()).await;
    let first = rows.iter().map(|(_, used)| *used).min().unwrap_or_default();
    rows.into_iter().map(|(subject, used)| (subject, (used - first) / DAY.as_micros())).collect()
}

async fn subjects(app: &TestApp<'_>) -> Vec<String> {
    known(app).await.into_iter().map(|(subject, _)| subject).collect()
}

/// So many days go by, and what is due is done.
async fn pass(app: &TestApp<'_>, days: i64) {
    app.advance(Span::hours(24 * days));
    app.run_jobs().await;
}

async fn change(app: &TestApp<'_>, customer: &Customer, sql: &'static str) {
    let id = customer.account.get();
    app.write(move |tx| tx.execute(&Statement::new("TEST_CHANGE", sql), &[id.into()])).await;
    app.advance(KNOWN_FOR);
}

#[test]
fn an_id_a_sign_in_makes_twenty_rows_and_no_more() {
    with_app(behind(), async |app| {
        let (ann, bob) = (app.account(0, 0).await, app.account(0, 0).await);
        is_let_in(app, "bob", &bob).await;
        for number in 0..25 {
            is_let_in(app, &format!("ann-{number}"), &ann).await;
            app.advance(Span::seconds(1));
        }
        let kept = subjects(app).await;
        assert_eq!(i64::try_from(kept.len()).unwrap(), KEPT_MOST + 1);
        assert_eq!(
            (kept[0].as_str(), kept[1].as_str()),
            ("bob", "ann-5"),
            "the oldest went, and another's did not"
        );
        // Whoever is forgotten is found again.
        is_let_in(app, "ann-0", &ann).await;
        let kept = subjects(app).await;
        assert_eq!((kept[1].as_str(), kept.last().unwrap().as_str()), ("ann-6", "ann-0"));
    });
}

#[test]
fn what_nobody_used_for_sixty_days_goes_and_what_is_used_is_noted_once_a_day() {
    with_app(behind(), async |app| {
        let ann = app.account(0, 0).await;
        is_let_in(app, "old", &ann).await;
        is_let_in(app, "used", &ann).await;
        let both = |used: i64| vec![("old".to_owned(), 0), ("used".to_owned(), used)];
        app.advance(DAY.minus(Span::micros(1)));
        is_let_in(app, "used", &ann).await;
        assert_eq!(known(app).await, both(0), "a request is no write");
        app.advance(Span::micros(1));
        is_let_in(app, "used", &ann).await;
        assert_eq!(known(app).await, both(1));
        pass(app, 58).await;
        is_let_in(app, "used", &ann).await;
        assert_eq!(known(app).await, both(59));
        pass(app, 1).await;
        assert_eq!(subjects(app).await, ["used"]);
        pass(app, 1).await;
        assert_eq!(subjects(app).await, ["used"], "twice changes nothing");
        is_let_in(app, "old", &ann).await;
    });
}

/// Whoever could not be found without it, or was stopped and must stay known, is never forgotten.
#[test]
fn nobody_loses_an_account_by_being_forgotten() {
    with_app(behind(), async |app| {
        let [moved, silent, admin, suspended, closed, unproved, plain] = [(); 7].map(|()| app.account(0, 0));
        let (moved, silent, admin, suspended) = (moved.await, silent.await, admin.await, suspended.await);
        let (closed, unproved, plain) = (closed.await, unproved.await, plain.await);
        let all = [
            ("moved", &moved),
            ("silent", &silent),
            ("admin", &admin),
            ("suspended", &suspended),
            ("closed", &closed),
            ("unproved", &unproved),
            ("plain", &plain),
        ];
        for (subject, customer) in all {
            is_let_in(app, subject, customer).await;
        }
        // The site's e-mail is another than the account's now; or it tells none any more.
        change(app, &moved, "UPDATE accounts SET email = 'next@example.com' WHERE id = $1").await;
        change(app, &admin, "UPDATE accounts SET role = 'admin' WHERE id = $1").await;
        change(app, &unproved, "UPDATE accounts SET email_verified = 0 WHERE id = $1").await;
        app.set_standing(&suspended, Standing::Suspended).await;
        app.set_standing(&closed, Standing::Closed).await;
        app.advance(DAY);
        comes(app, "silent", "").await.ok();
        pass(app, 90).await;
        assert_eq!(subjects(app).await, ["admin", "closed", "moved", "silent", "suspended", "unproved"]);
        let moved = comes(app, "moved", &moved.email).await.ok();
        assert_eq!(moved["data"]["email"], "next@example.com");
        comes(app, "silent", "").await.ok();
        comes(app, "closed", &closed.email).await.refused(401, "UNAUTHORIZED");
        is_let_in(app, "plain", &plain).await;
        assert_ne!(app.account_of(Role::Admin).await.account, admin.account);
    });
}
