//! Codes by mail, below HTTP: what one opens, how long, and for how many tries; and that strangers can use up neither the
//! owner's tries nor the owner's mails.

use crate::sign_in::{ELSEWHERE, HOME, email, person};
use numberotp_core::id::PLATFORM;
use numberotp_core::text::Email;
use numberotp_core::time::Span;
use numberotp_server::app::auth::{session_make, session_store};
use numberotp_server::app::codes::{self, About, Mailed, Purpose};
use numberotp_server::app::keepsake::Whence;
use numberotp_server::store::account::Account;
use numberotp_server::store::session::{Device, sessions_revoke};
use numberotp_testkit::app::{TestApp, in_sandbox};

/// A code of an address, as a network asks for it or gives it.
pub fn about<'a>(purpose: Purpose, email: &'a Email, network: &'a str) -> About<'a> {
    About { purpose, brand: PLATFORM, email, from: Whence::network(network) }
}

fn other_than(code: &str) -> String {
    let last = if code.ends_with('1') { '2' } else { '1' };
    format!("{}{last}", code.get(..5).unwrap())
}

/// Has a code made and takes it out of the mailbox; `None` if none was made.
async fn code_for(app: &TestApp<'_>, about: &About<'_>) -> Option<String> {
    codes::issue(app.context(), about, Mailed::Code).await.unwrap();
    let code = |mail: &String| mail.lines().map(str::trim).find(|line| line.len() == 6).map(str::to_owned);
    app.mails(about.email.as_str()).await.first().and_then(code)
}

async fn opens(app: &TestApp<'_>, about: &About<'_>, given: &str) -> bool {
    codes::redeem(app.context(), about, given).await.unwrap()
}

#[test]
fn a_code_opens_one_thing_for_one_address_once() {
    in_sandbox(async |app| {
        let (ann, bob) = (email("ann@example.com"), email("bob@example.com"));
        let reset = about(Purpose::Reset, &ann, HOME);
        let code = code_for(app, &reset).await.unwrap();
        for (about, given) in [
            (about(Purpose::SignIn, &ann, HOME), code.clone()),
            (about(Purpose::Reset, &bob, HOME), code.clone()),
            (reset, other_than(&code)),
            (reset, String::new()),
        ] {
            assert!(!opens(app, &about, &given).await, "{about:?}");
        }
        assert!(opens(app, &reset, &format!(" {code} ")).await);
        assert!(!opens(app, &reset, &code).await, "used up");
    });
}

#[test]
fn a_code_is_good_for_ten_minutes_and_a_newer_one_takes_its_place() {
    in_sandbox(async |app| {
        let ann = email("ann@example.com");
        let sign_in = about(Purpose::SignIn, &ann, HOME);
        let first = code_for(app, &sign_in).await.unwrap();
        assert!(code_for(app, &sign_in).await.is_none(), "one a minute");
        app.advance(Span::minutes(1));
        let second = code_for(app, &sign_in).await.unwrap();
        if first != second {
            assert!(!opens(app, &sign_in, &first).await);
        }
        app.advance(Span::minutes(10).minus(Span::micros(1)));
        assert!(opens(app, &sign_in, &second).await);
        app.advance(Span::minutes(1));
        let third = code_for(app, &sign_in).await.unwrap();
        app.advance(Span::minutes(10));
        assert!(!opens(app, &sign_in, &third).await);
    });
}

#[test]
fn strangers_have_two_tries_of_a_code_and_whoever_asked_for_it_has_three() {
    in_sandbox(async |app| {
        let ann = email("ann@example.com");
        let here = about(Purpose::Reset, &ann, HOME);
        let code = code_for(app, &here).await.unwrap();
        let wrong = other_than(&code);
        // However many networks guess, and however often.
        for network in 0..20 {
            let network = format!("198.51.{network}.0/24");
            assert!(!opens(app, &about(Purpose::Reset, &ann, &network), &wrong).await);
        }
        let there = about(Purpose::Reset, &ann, ELSEWHERE);
        assert!(!opens(app, &there, &code).await, "not even the right one");
        assert!(!opens(app, &here, &wrong).await && !opens(app, &here, &wrong).await);
        assert!(opens(app, &here, &code).await, "the third try of whoever asked");
    });
}

#[test]
fn five_codes_an_hour_are_made_for_one_network_and_ten_for_all_but_a_first() {
    in_sandbox(async |app| {
        let ann = email("ann@example.com");
        let mut made = Vec::new();
        for network in [ELSEWHERE, HOME, "198.51.100.0/24"] {
            let mut count = 0;
            for _ in 0..7 {
                let code = code_for(app, &about(Purpose::Reset, &ann, network)).await;
                count += usize::from(code.is_some());
                app.advance(Span::minutes(1));
            }
            made.push(count);
        }
        assert_eq!(made, [5, 5, 1]);
        assert!(code_for(app, &about(Purpose::SignIn, &ann, HOME)).await.is_some());
        app.advance(Span::hours(1));
        assert!(code_for(app, &about(Purpose::Reset, &ann, HOME)).await.is_some());
    });
}

#[test]
fn five_tries_end_a_code() {
    in_sandbox(async |app| {
        let ann = email("ann@example.com");
        let here = about(Purpose::Reset, &ann, HOME);
        let code = code_for(app, &here).await.unwrap();
        for _ in 0..5 {
            assert!(!opens(app, &here, &other_than(&code)).await);
            // Past the waits of who guesses.
            app.advance(Span::seconds(8));
        }
        assert!(!opens(app, &here, &code).await);
    });
}

#[test]
fn a_code_that_a_stranger_has_mailed_does_not_end_the_owners() {
    in_sandbox(async |app| {
        let ann = email("ann@example.com");
        let (here, there) = (about(Purpose::Reset, &ann, HOME), about(Purpose::Reset, &ann, ELSEWHERE));
        let own = code_for(app, &here).await.unwrap();
        let strangers = code_for(app, &there).await.expect("one a minute for each network");
        app.advance(Span::minutes(1));
        let newer = code_for(app, &there).await.unwrap();
        if strangers != own && strangers != newer {
            assert!(!opens(app, &there, &strangers).await, "of one network the newest opens");
        }
        assert!(opens(app, &here, &own).await);
        // One that opened is the last: what else is in the mailbox opens nothing.
        assert!(!opens(app, &there, &newer).await);
        app.advance(Span::minutes(1));
        let own = code_for(app, &here).await.unwrap();
        assert!(opens(app, &there, &own).await, "asked for here, typed there");
    });
}

#[test]
fn a_guess_costs_a_try_of_each_code_that_it_is_compared_with() {
    in_sandbox(async |app| {
        let ann = email("ann@example.com");
        let (here, there) = (about(Purpose::Reset, &ann, HOME), about(Purpose::Reset, &ann, ELSEWHERE));
        let (first, second) = (code_for(app, &here).await.unwrap(), code_for(app, &there).await.unwrap());
        let far = about(Purpose::Reset, &ann, "198.51.100.0/24");
        let wrong = |turn: u32| format!("{turn:06}");
        let mut guesses = (1..).map(wrong).filter(|guess| *guess != first && *guess != second);
        for _ in 0..2 {
            assert!(!opens(app, &far, &guesses.next().unwrap()).await);
        }
        if first != second {
            assert!(!opens(app, &there, &first).await, "two tries from elsewhere were enough");
            assert!(!opens(app, &here, &second).await);
        }
        assert!(opens(app, &here, &first).await);
    });
}

/// A sign-in of the account from a network, by a browser that signed out since.
async fn signed_in_from(app: &TestApp<'_>, account: &Account, network: &str) {
    let (account, now) = (account.clone(), app.now());
    let device = Device { network: network.to_owned(), ..Device::default() };
    let token = session_make().unwrap();
    app.write(move |tx| {
        session_store(tx, &account, &token, (device.clone(), now))?;
        sessions_revoke(tx, account.id, now).map(drop)
    })
    .await;
}

/// How many codes are mailed when a network asks once a minute so many times.
async fn mailed(app: &TestApp<'_>, (email, network): (&Email, &str), times: usize) -> usize {
    let mut count = 0;
    for _ in 0..times {
        count += usize::from(code_for(app, &about(Purpose::Reset, email, network)).await.is_some());
        app.advance(Span::minutes(1));
    }
    count
}

#[test]
fn strangers_who_have_all_mails_of_an_hour_leave_the_owner_those_of_its_own_network() {
    in_sandbox(async |app| {
        let (account, ann) = (person(app, "ann@example.com").await, email("ann@example.com"));
        signed_in_from(app, &account, HOME).await;
        for network in ["198.51.100.0/24", "198.51.101.0/24"] {
            assert_eq!(mailed(app, (&ann, network), 6).await, 5);
        }
        assert_eq!(mailed(app, (&ann, ELSEWHERE), 2).await, 1, "ten were mailed: a first, and no second");
        assert_eq!(mailed(app, (&ann, HOME), 7).await, 5, "its own five");
        assert_eq!(mailed(app, (&ann, ELSEWHERE), 1).await, 0);
        let many = (0..9).map(|n| format!("203.0.{n}.0/24"));
        let mut firsts = 0;
        for network in many {
            firsts += mailed(app, (&ann, &network), 1).await;
        }
        assert_eq!(firsts, 4, "twenty in all");

        // Known from there for sixty days.
        app.advance(Span::hours(60 * 24));
        for network in ["198.51.100.0/24", "198.51.101.0/24"] {
            assert_eq!(mailed(app, (&ann, network), 6).await, 5);
        }
        assert_eq!(mailed(app, (&ann, HOME), 2).await, 1);
    });
}

#[test]
fn a_network_of_one_account_is_a_strangers_for_another() {
    in_sandbox(async |app| {
        let bob = person(app, "bob@example.com").await;
        person(app, "ann@example.com").await;
        signed_in_from(app, &bob, HOME).await;
        // Nobody has the last address: it is counted all the same.
        for address in ["ann@example.com", "nobody@example.com"] {
            let address = email(address);
            for network in ["198.51.100.0/24", "198.51.101.0/24"] {
                assert_eq!(mailed(app, (&address, network), 5).await, 5);
            }
            assert_eq!(mailed(app, (&address, HOME), 2).await, 1);
        }
    });
}
