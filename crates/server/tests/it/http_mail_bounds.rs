//! Mail is bounded by who asks for it and by how much of the server it may hold: a network has thirty an hour, whoever is
//! written to and by whichever door, and a mail server that is silent keeps no money waiting.

use crate::http_stage::{purses, rent, text};
use numberotp_core::id::PLATFORM;
use numberotp_core::job::Lane;
use numberotp_core::mailing::ASKS_MOST;
use numberotp_core::text::Email;
use numberotp_core::time::Span;
use numberotp_server::app::codes::{self, About, Mailed, Purpose};
use numberotp_server::app::keepsake::Whence;
use numberotp_server::app::mail::{Telling, seal};
use numberotp_server::jobs;
use numberotp_server::store::account::account_by_email;
use numberotp_server::store::job::jobs_count;
use numberotp_server::store::mail::mail_create;
use numberotp_testkit::app::{Answer, Setup, TestApp, in_sandbox, until, with_app};
use serde_json::{Value, json};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const PASSWORD: &str = "grey otter 7";
const ELSEWHERE: &str = "198.51.100.0/24";

fn email(text: &str) -> Email {
    Email::parse(text).unwrap()
}

async fn auth(app: &TestApp<'_>, what: &str, body: Value) -> Answer {
    app.post(&format!("/api/auth/{what}")).json(&body).send().await
}

/// Signs up, proves the address and comes in; the session's token.
async fn person(app: &TestApp<'_>, address: &str) -> String {
    let known = json!({ "email": address, "password": PASSWORD, "transport": "bearer" });
    auth(app, "sign-up", json!({ "email": address, "password": PASSWORD })).await.ok();
    let code = app.mailed_code(address).await;
    auth(app, "verify-email", json!({ "email": address, "code": code })).await.ok();
    text(&auth(app, "sign-in", known).await.ok()["data"], "token").to_owned()
}

/// A network asks for a code for an address; whether it was let.
async fn asks(
    app: &TestApp<'_>,
    address: &str,
    (network, mailed): (&str, Mailed),
) -> Result<(), Option<u32>> {
    let address = email(address);
    let about =
        About { purpose: Purpose::Reset, brand: PLATFORM, email: &address, from: Whence::network(network) };
    codes::issue(app.context(), &about, mailed).await.map_err(|fault| {
        assert_eq!(fault.code.as_str(), "RATE_LIMITED");
        fault.retry_after_s
    })
}

#[test]
fn a_network_that_asked_for_thirty_mails_is_told_to_wait_at_every_door() {
    in_sandbox(async |app| {
        let session = person(app, "ann@example.com").await;
        // One was asked for to sign up.
        for number in 1..ASKS_MOST {
            let body = json!({ "email": format!("somebody{number}@example.com") });
            app.post("/v1/oauth/email-code").json(&body).ok().await;
        }
        app.advance(Span::minutes(20));
        let knock = async |app: &TestApp<'_>, from: &str| {
            let new = json!({ "email": "new@example.com", "password": PASSWORD });
            let change = json!({ "newEmail": "next@example.com", "password": PASSWORD });
            let (ann, nobody) =
                (json!({ "email": "ann@example.com" }), json!({ "email": "nobody@example.com" }));
            let doors = [
                ("/api/auth/sign-up", new),
                ("/api/auth/resend-code", ann.clone()),
                ("/api/auth/forgot-password", ann),
                ("/api/auth/forgot-password", nobody.clone()),
                ("/api/auth/change-email", change),
                ("/v1/oauth/email-code", nobody),
            ];
            let mut answers = Vec::new();
            for (path, body) in doors {
                let peer: SocketAddr = from.parse().unwrap();
                answers.push(app.post(path).bearer(&session).from(peer).json(&body).send().await);
            }
            answers
        };
        // Another address of the same network.
        for answer in knock(app, "192.0.2.9:1").await {
            answer.refused(429, "RATE_LIMITED");
            let wait: u32 = answer.header("retry-after").parse().unwrap();
            assert!((2_390..=2_400).contains(&wait), "forty minutes: {wait}");
        }
        let before = app.context().passwords.hashed();
        let body = json!({ "email": "new@example.com", "password": PASSWORD });
        auth(app, "sign-up", body).await.refused(429, "RATE_LIMITED");
        assert_eq!(app.context().passwords.hashed(), before, "no password was hashed for nothing");
        let new = email("new@example.com");
        let made = app.read(move |tx| account_by_email(tx, PLATFORM, &new)).await;
        assert!(made.is_none(), "nothing was done");
        for address in ["new@example.com", "ann@example.com", "next@example.com", "nobody@example.com"] {
            assert_eq!(app.mails(address).await, [""; 0], "{address}");
        }
        for answer in knock(app, "198.51.100.9:1").await {
            answer.ok();
        }
        app.advance(Span::minutes(40));
        for answer in knock(app, "192.0.2.9:1").await {
            answer.ok();
        }
    });
}

/// What a network may have left tells it nothing of anybody: an address without an account, and one for which somebody
/// asked a moment ago, count like any other.
#[test]
fn an_ask_counts_whether_a_mail_comes_of_it_or_not() {
    in_sandbox(async |app| {
        let here = "192.0.2.0/24";
        for number in 0..10 {
            let address = format!("somebody{number}@example.com");
            asks(app, &address, (here, Mailed::Code)).await.unwrap();
            asks(app, &format!("nobody{number}@example.com"), (here, Mailed::Nothing)).await.unwrap();
            asks(app, &address, (here, Mailed::Code)).await.unwrap();
        }
        assert_eq!(app.mails("somebody0@example.com").await.len(), 1, "one a minute");
        assert_eq!(asks(app, "ann@example.com", (here, Mailed::Code)).await, Err(Some(3_600)));
        asks(app, "ann@example.com", (ELSEWHERE, Mailed::Code)).await.unwrap();
        // It is in the database: a restart forgets nothing, and servers that share it count together.
        app.restart().await;
        assert_eq!(asks(app, "ann@example.com", (here, Mailed::Code)).await, Err(Some(3_600)));
        app.advance(Span::hours(1));
        asks(app, "ann@example.com", (here, Mailed::Code)).await.unwrap();
    });
}

#[test]
fn of_many_asks_at_once_thirty_are_let() {
    in_sandbox(async |app| {
        let tasks: Vec<_> = (0..45)
            .map(|number| {
                let context = Arc::clone(app.context());
                tokio::spawn(async move {
                    let address = email(&format!("somebody{number}@example.com"));
                    let about = About {
                        purpose: Purpose::SignIn,
                        brand: PLATFORM,
                        email: &address,
                        from: Whence::network(ELSEWHERE),
                    };
                    codes::issue(&context, &about, Mailed::Code).await.is_ok()
                })
            })
            .collect();
        let mut let_in = 0_i64;
        for task in tasks {
            let_in += i64::from(task.await.unwrap());
        }
        assert_eq!(let_in, ASKS_MOST);
    });
}

/// A mail server that takes every connection and says nothing, until it hangs up on all of them.
struct Silent {
    address: SocketAddr,
    met: Arc<AtomicUsize>,
    held: Arc<Mutex<Vec<TcpStream>>>,
    over: Arc<AtomicBool>,
}

impl Silent {
    fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (met, held, over) = (
            Arc::new(AtomicUsize::new(0)),
            Arc::new(Mutex::new(Vec::new())),
            Arc::new(AtomicBool::new(false)),
        );
        let (count, keeps, ends) = (Arc::clone(&met), Arc::clone(&held), Arc::clone(&over));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                count.fetch_add(1, Ordering::SeqCst);
                let mut held = keeps.lock().unwrap();
                if ends.load(Ordering::SeqCst) {
                    return;
                }
                held.push(stream);
            }
        });
        Self { address, met, held, over }
    }

    /// Whoever waited learns that nothing comes.
    fn hang_up(&self) {
        self.held.lock().unwrap().clear();
    }

    fn end(self) {
        self.over.store(true, Ordering::SeqCst);
        // The thread that takes connections takes this one, and ends.
        let _taken = TcpStream::connect(self.address);
    }
}

/// More than there are places for jobs of any kind, twice.
const MAILS: usize = 600;

#[test]
fn a_silent_mail_server_keeps_no_refund_waiting() {
    let silent = Silent::open();
    let url: &'static str = Box::leak(format!("smtp://{}", silent.address).into_boxed_str());
    with_app(Setup::sandbox().mailing_to(url), async |app| {
        let before = silent.met.load(Ordering::SeqCst);
        let customer = app.account(100, 0).await;
        rent(app, &customer).await;
        assert_eq!(purses(app, &customer).await.0, 0);
        let ann = email("ann@example.com");
        let sealed: Vec<_> =
            (0..MAILS).map(|_| seal(app.context(), &ann, Telling::PasswordChanged).unwrap()).collect();
        let now = app.now();
        app.write(move |tx| sealed.iter().try_for_each(|mail| mail_create(tx, mail, now))).await;
        let runner = tokio::spawn(jobs::work(Arc::clone(app.context())));
        let met = || silent.met.load(Ordering::SeqCst) - before;
        let places = Lane::Mail.places();
        until("mails are held", || met() == places).await;
        app.advance(Span::minutes(21));
        let refunded = async {
            while purses(app, &customer).await.0 != 100 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(15), refunded).await.expect("the refund waits");
        assert_eq!(met(), places, "and no more mails than there are places for");
        assert!(app.read(jobs_count).await.0 >= i64::try_from(MAILS).unwrap());
        app.context().stopping.cancel();
        silent.hang_up();
        runner.await.unwrap();
    });
    silent.end();
}
