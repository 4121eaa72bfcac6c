//! Signing in with a password, below HTTP: what opens, what does not, that nothing tells why, and that guessing becomes slow
//! for the guesser alone. And mail on its way.

use crate::mailed_codes::about;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version};
use numberotp_core::caller::{Role, Standing};
use numberotp_core::fault::{Fault, FaultCode};
use numberotp_core::id::PLATFORM;
use numberotp_core::secret::Secret;
use numberotp_core::text::Email;
use numberotp_core::time::Span;
use numberotp_server::app::codes::{self, Mailed, Purpose};
use numberotp_server::app::keepsake::Whence;
use numberotp_server::app::password::hash_now;
use numberotp_server::app::sign_in::{Given, with_password};
use numberotp_server::store::account::{Account, NewAccount, account_create, account_set_standing};
use numberotp_server::store::job::jobs_count;
use numberotp_server::store::password::{password_by_email, password_set};
use numberotp_testkit::app::{Setup, TestApp, in_sandbox, with_app};

const PASSWORD: &str = "grey otter 7";
pub const HOME: &str = "192.0.2.0/24";
pub const ELSEWHERE: &str = "2001:db8:1:2::/64";

pub fn email(text: &str) -> Email {
    Email::parse(text).unwrap()
}

pub async fn person(app: &TestApp<'_>, address: &str) -> Account {
    let new = NewAccount {
        brand: PLATFORM,
        email: email(address),
        name: "Ann".to_owned(),
        password_hash: Some(hash_now(&Secret::new(PASSWORD)).unwrap()),
        role: Role::Customer,
        standing: Standing::Approved,
        now: app.now(),
    };
    app.write(move |tx| account_create(tx, &new)).await.unwrap()
}

async fn sign_in(app: &TestApp<'_>, address: &str, password: &str, network: &str) -> Result<Account, Fault> {
    let (email, password) = (email(address), Secret::new(password));
    let from = Whence::network(network);
    let given = Given { brand: PLATFORM, email: &email, password: &password, totp: None, from };
    with_password(app.context(), &given).await.map(|shown| shown.account)
}

fn code_of(fault: Result<Account, Fault>) -> FaultCode {
    fault.unwrap_err().code
}

#[test]
fn the_right_password_opens_and_nothing_tells_why_another_does_not() {
    in_sandbox(async |app| {
        let ann = person(app, "ann@example.com").await;
        let open = sign_in(app, "Ann@Example.com", PASSWORD, HOME).await.unwrap();
        assert_eq!(open.id, ann.id);
        let closed = person(app, "closed@example.com").await.id;
        app.write(move |tx| account_set_standing(tx, closed, Standing::Closed)).await;
        let passwordless = app.account(0, 0).await.email;
        let passwords = &app.context().passwords;
        let before = passwords.hashed();
        let mut told = Vec::new();
        for (address, password) in [
            ("ann@example.com", "grey otter 8"),
            ("nobody@example.com", PASSWORD),
            ("closed@example.com", PASSWORD),
            (passwordless.as_str(), PASSWORD),
        ] {
            let fault = sign_in(app, address, password, HOME).await.unwrap_err();
            told.push((fault.code, fault.message.into_owned(), fault.retry_after_s, fault.cause.is_none()));
        }
        assert_eq!(passwords.hashed() - before, 4, "each is as slow as one hash");
        assert!(told.iter().all(|one| one == &told[0]), "{told:?}");
        assert_eq!(told[0].0.as_str(), "INVALID_CREDENTIALS");
    });
}

#[test]
fn guessing_becomes_slow_for_the_guesser_and_never_for_the_owner() {
    in_sandbox(async |app| {
        person(app, "ann@example.com").await;
        for _ in 0..5 {
            assert_eq!(
                code_of(sign_in(app, "ann@example.com", "a guess 1", HOME).await),
                FaultCode::InvalidCredentials
            );
        }
        let before = app.context().passwords.hashed();
        let right = sign_in(app, "ann@example.com", PASSWORD, HOME).await;
        assert_eq!(code_of(right), FaultCode::InvalidCredentials, "it is not looked at");
        assert_eq!(app.context().passwords.hashed() - before, 1, "in the same time");
        sign_in(app, "ann@example.com", PASSWORD, ELSEWHERE).await.unwrap();
        // Tries during a wait do not make it longer.
        app.advance(Span::seconds(1));
        sign_in(app, "ann@example.com", PASSWORD, HOME).await.unwrap();
        // And then nothing is held against it.
        for _ in 0..4 {
            code_of(sign_in(app, "ann@example.com", "a guess 2", HOME).await);
        }
        sign_in(app, "ann@example.com", PASSWORD, HOME).await.unwrap();
    });
}

#[test]
fn waits_are_kept_over_a_restart() {
    in_sandbox(async |app| {
        person(app, "ann@example.com").await;
        for round in 0..8 {
            code_of(sign_in(app, "ann@example.com", "a guess 1", HOME).await);
            app.advance(Span::seconds(if round < 7 { 10 } else { 0 }));
        }
        app.restart().await;
        assert_eq!(
            code_of(sign_in(app, "ann@example.com", PASSWORD, HOME).await),
            FaultCode::InvalidCredentials
        );
        app.advance(Span::seconds(8));
        sign_in(app, "ann@example.com", PASSWORD, HOME).await.unwrap();
    });
}

#[test]
fn a_network_that_tries_many_addresses_is_slowed_for_all_of_them() {
    in_sandbox(async |app| {
        person(app, "ann@example.com").await;
        for number in 0..50 {
            code_of(sign_in(app, &format!("somebody{number}@example.com"), PASSWORD, ELSEWHERE).await);
        }
        code_of(sign_in(app, "ann@example.com", PASSWORD, ELSEWHERE).await);
        sign_in(app, "ann@example.com", PASSWORD, HOME).await.unwrap();
        app.advance(Span::seconds(2));
        sign_in(app, "ann@example.com", PASSWORD, ELSEWHERE).await.unwrap();
    });
}

#[test]
fn a_password_that_was_kept_in_a_former_way_is_kept_anew() {
    in_sandbox(async |app| {
        let ann = person(app, "ann@example.com").await;
        let weak = weak_hash();
        app.write(move |tx| password_set(tx, ann.id, &weak)).await;
        sign_in(app, "ann@example.com", PASSWORD, HOME).await.unwrap();
        let address = email("ann@example.com");
        let (_, kept) = app.read(move |tx| password_by_email(tx, PLATFORM, &address)).await.unwrap();
        assert!(kept.unwrap().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        sign_in(app, "ann@example.com", PASSWORD, HOME).await.unwrap();
    });
}

/// Argon2id of the same password with less memory and one pass.
fn weak_hash() -> String {
    let params = Params::new(8 * 1024, 1, 1, None).unwrap();
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash: PasswordHash = hasher.hash_password_with_salt(PASSWORD.as_bytes(), &[7; 16]).unwrap();
    hash.to_string()
}

#[test]
fn a_mail_that_cannot_go_is_tried_again_until_its_code_is_over() {
    // A port of this machine at which nobody listens.
    let setup = Setup::sandbox().flagged(|flags| flags.smtp_url = Some("smtp://127.0.0.1:9".to_owned()));
    with_app(setup, async |app| {
        let ann = email("ann@example.com");
        codes::issue(app.context(), &about(Purpose::Reset, &ann, HOME), Mailed::Code).await.unwrap();
        assert_eq!(app.run_jobs().await, 1);
        let waiting = async |app: &TestApp<'_>| app.read(jobs_count).await.0;
        let before = waiting(app).await;
        app.advance(Span::minutes(9));
        assert_eq!((app.run_jobs().await > 0, waiting(app).await), (true, before));
        app.advance(Span::minutes(5));
        app.run_jobs().await;
        assert_eq!(waiting(app).await, before - 1, "given up, and not kept for a person");
    });
}

#[test]
fn a_mail_is_plain_and_says_who_writes() {
    let setup = Setup::sandbox().flagged(|flags| {
        flags.brand_name = Some("Otter Numbers".to_owned());
        flags.public_url = Some("https://otp.example.com".to_owned());
    });
    with_app(setup, async |app| {
        let ann = email("ann@example.com");
        codes::issue(app.context(), &about(Purpose::Reset, &ann, HOME), Mailed::Code).await.unwrap();
        let mails = app.mails("ann@example.com").await;
        let [mail] = mails.as_slice() else { panic!("{mails:?}") };
        for line in [
            "From: \"Otter Numbers\" <no-reply@otp.example.com>",
            "Subject: Otter Numbers: your code for a new password",
            "Content-Type: text/plain; charset=utf-8",
            "https://otp.example.com",
            "Date: Mon, 29 Apr 2024 09:40:00 +0000",
        ] {
            assert!(mail.lines().any(|found| found == line), "{line} in\n{mail}");
        }
    });
}
