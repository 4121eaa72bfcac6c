//! Accounts and what they sign in with: an e-mail is one account's, a credential is live or it is nothing.

use crate::store_stage::{Stage, staged};
use numberotp_core::caller::{Role, Scope, Scopes, Standing};
use numberotp_core::id::{AccountId, PLATFORM};
use numberotp_core::ledger::Purses;
use numberotp_core::text::Email;
use numberotp_core::time::Span;
use numberotp_core::time::Time;
use numberotp_core::token::{TokenHash, hash};
use numberotp_server::store::StoreError;
use numberotp_server::store::account::{
    EmailVerified, NewAccount, account_by_email, account_create, account_get, account_rename,
    account_set_standing, accounts_after,
};
use numberotp_server::store::api_key::{KeyTerms, NewApiKey, api_key_by_hash, api_key_create};
use numberotp_server::store::ledger::purses_get;
use numberotp_server::store::second_factor::{factor_confirm, factor_put};
use numberotp_server::store::session::{Device, NewSession, SessionKind, session_by_hash, session_create};

fn ann(now: Time) -> NewAccount {
    NewAccount {
        brand: PLATFORM,
        email: Email::parse("ann@example.com").unwrap(),
        name: "Ann O'Neill ü😀".to_owned(),
        password_hash: Some("$argon2id$…".to_owned()),
        role: Role::Customer,
        standing: Standing::Pending,
        now,
    }
}

#[test]
fn a_new_account_has_empty_purses_and_reads_back() {
    staged(|stage| {
        let new = ann(stage.now);
        let (name, now) = (new.name.clone(), stage.now);
        let made = stage.write(move |tx| account_create(tx, &new)).unwrap().unwrap();
        assert_eq!((made.name.as_str(), made.created_at), (name.as_str(), now));
        assert_eq!((made.role, made.standing), (Role::Customer, Standing::Pending));
        assert_eq!((made.email_verified, made.webhook_url), (EmailVerified::Yes, None));

        let id = made.id;
        let found = stage.write(move |tx| account_get(tx, id)).unwrap().unwrap();
        assert_eq!((found.id, found.email), (id, made.email.clone()));
        let by_email = stage.write(move |tx| account_by_email(tx, PLATFORM, &made.email)).unwrap().unwrap();
        assert_eq!(by_email.id, id);
        assert_eq!(stage.write(move |tx| purses_get(tx, id)).unwrap(), Some(Purses::default()));

        let nobody = AccountId::new(404);
        assert!(stage.write(move |tx| account_get(tx, nobody)).unwrap().is_none());
        assert!(stage.write(move |tx| purses_get(tx, nobody)).unwrap().is_none());
    });
}

#[test]
fn an_email_is_taken_once_a_brand() {
    staged(|stage| {
        let new = ann(stage.now);
        let again = NewAccount { email: Email::parse("ANN@example.com").unwrap(), ..new.clone() };
        assert!(stage.write(move |tx| account_create(tx, &new)).unwrap().is_some());
        let first = again.clone();
        assert!(stage.write(move |tx| account_create(tx, &first)).unwrap().is_none());

        stage.tamper("INSERT INTO brands (id, name) VALUES (2, 'Another')");
        let other = NewAccount { brand: numberotp_core::id::BrandId::new(2), ..again };
        let email = other.email.clone();
        let made = stage.write(move |tx| account_create(tx, &other)).unwrap().unwrap();
        let found = stage.write(move |tx| account_by_email(tx, PLATFORM, &email)).unwrap().unwrap();
        assert_ne!(found.id, made.id);
    });
}

/// Whoever comes second is told so, not that something broke.
#[test]
fn forty_who_want_one_email_at_once_get_one_account() {
    staged(|stage| {
        let now = stage.now;
        let made = stage.with_store(async |store| {
            let tasks: Vec<_> = (0..40)
                .map(|_| {
                    let (store, new) = (std::sync::Arc::clone(&store), ann(now));
                    tokio::spawn(async move { store.write(move |tx| account_create(tx, &new)).await })
                })
                .collect();
            let mut made = 0;
            for task in tasks {
                made += i32::from(task.await.unwrap().unwrap().is_some());
            }
            made
        });
        assert_eq!(made, 1);
        assert_eq!(stage.list("SELECT email FROM accounts"), ["ann@example.com"]);
        assert_eq!(
            stage.list("SELECT kind FROM ledger_accounts WHERE account_id IS NOT NULL ORDER BY id").len(),
            4
        );
    });
}

#[test]
fn a_name_and_a_standing_change() {
    staged(|stage| {
        let id = stage.person();
        let renamed = stage.write(move |tx| account_rename(tx, id, "Bob")).unwrap().unwrap();
        assert_eq!(renamed.name, "Bob");
        for standing in Standing::ALL {
            stage.write(move |tx| account_set_standing(tx, id, standing)).unwrap();
            assert_eq!(stage.write(move |tx| account_get(tx, id)).unwrap().unwrap().standing, standing);
        }
        assert!(stage.write(|tx| account_rename(tx, AccountId::new(404), "Bob")).unwrap().is_none());
    });
}

#[test]
fn accounts_are_paged_by_their_rows() {
    staged(|stage| {
        let people: Vec<AccountId> = (0..5).map(|_| stage.person()).collect();
        let mut seen = Vec::new();
        let mut after = AccountId::new(0);
        loop {
            let page = stage.write(move |tx| accounts_after(tx, PLATFORM, after, 2)).unwrap();
            let Some(last) = page.last() else { break };
            assert!(page.len() <= 2);
            after = last.id;
            seen.extend(page.iter().map(|account| account.id));
        }
        assert_eq!(seen, people);
    });
}

fn key(account: AccountId, hash: TokenHash, now: Time) -> NewApiKey {
    let (name, prefix, last_four) = ("CI".to_owned(), "notp_abcd".to_owned(), "wxyz".to_owned());
    let (scopes, terms) = (Scopes::READ_BUY, KeyTerms::default());
    NewApiKey { brand: PLATFORM, account, name, hash, prefix, last_four, scopes, terms, now }
}

#[test]
fn a_key_is_found_by_its_hash_until_it_is_revoked() {
    staged(|stage| {
        let (account, now) = (stage.person(), stage.now);
        let secret = hash("a key");
        let id = stage.write(move |tx| api_key_create(tx, &key(account, secret, now))).unwrap();
        let found = stage.write(move |tx| api_key_by_hash(tx, &secret, now)).unwrap().unwrap();
        assert_eq!((found.id, found.account, found.brand), (id.get(), account, PLATFORM));
        assert!(found.scopes.has(Scope::Buy) && !found.scopes.has(Scope::Topup));
        assert!(stage.write(move |tx| api_key_by_hash(tx, &hash("another key"), now)).unwrap().is_none());

        let again = stage.write(move |tx| api_key_create(tx, &key(account, secret, now)));
        assert!(matches!(again, Err(StoreError::Conflict(_))), "{again:?}");
        let stranger = AccountId::new(404);
        let orphan = stage.write(move |tx| api_key_create(tx, &key(stranger, hash("orphan"), now)));
        assert!(matches!(orphan, Err(StoreError::Conflict(_))), "{orphan:?}");

        stage.tamper("UPDATE api_keys SET revoked_at = 1");
        assert!(stage.write(move |tx| api_key_by_hash(tx, &secret, now)).unwrap().is_none());
    });
}

#[test]
fn a_session_ends_at_its_instant_or_when_it_is_revoked() {
    staged(|stage| {
        let (account, now) = (stage.person(), stage.now);
        let ends = now.plus(Span::hours(1));
        let id = account;
        let (kind, device) = (SessionKind::Web, Device::default());
        let hash_of = hash("a session");
        let new =
            NewSession { brand: PLATFORM, account: id, kind, hash: hash_of, device, lasts: (now, ends) };
        stage.write(move |tx| session_create(tx, &new)).unwrap();
        let mut live = |at: Time| stage.write(move |tx| session_by_hash(tx, &hash("a session"), at)).unwrap();
        let found = live(ends.minus(Span::micros(1))).unwrap();
        assert_eq!((found.account, found.scopes), (id, Scopes::ALL));
        assert!(live(ends).is_none());
        stage.tamper("UPDATE sessions SET revoked_at = 1");
        assert!(stage.write(move |tx| session_by_hash(tx, &hash("a session"), now)).unwrap().is_none());
    });
}

/// A second start, in another window, while the code of the first is on its way.
#[test]
fn a_second_factor_is_confirmed_by_a_code_of_its_own_seed_alone() {
    staged(|stage| {
        let account = stage.person();
        let now = stage.now;
        let kept = stage.write(move |tx| {
            factor_put(tx, account, b"first")?;
            factor_put(tx, account, b"second")
        });
        assert!(kept.unwrap());
        let confirmed = |stage: &mut Stage<'_>, seed: &'static [u8]| {
            stage.write(move |tx| factor_confirm(tx, (account, seed), (&[[1; 32]], now))).unwrap()
        };
        assert!(!confirmed(stage, b"first"));
        assert!(confirmed(stage, b"second"));
        assert!(!confirmed(stage, b"second"), "once");
    });
}
