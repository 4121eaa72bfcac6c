//! Two transactions at once, one held open while the other comes to the same rows: whoever is second waits and
//! then finds what the first one left, or is told that it came second. Nobody is told that something broke.

use crate::store_stage::{
    PRICE, RULES, Stage, attached, closed, done, held, hot, number, received, service, staged,
};
use numberotp_core::activation::Status;
use numberotp_core::caller::{Role, Standing};
use numberotp_core::guesses::Patience;
use numberotp_core::id::{AccountId, ActivationId, PLATFORM};
use numberotp_core::job::{JobKind, Lane};
use numberotp_core::ledger::Purse;
use numberotp_core::mailing::{ASKS_MOST, COUNTED_FOR};
use numberotp_core::text::{Email, Operator, ProviderCode};
use numberotp_core::time::{Span, Time};
use numberotp_core::vocabulary::CountryId;
use numberotp_server::store::account::{NewAccount, account_create, account_set_standing};
use numberotp_server::store::api_key::{api_key_used, api_keys_revoke};
use numberotp_server::store::db::{Engine, Statement};
use numberotp_server::store::email_code::{AskedBy, NewCode, code_create, network_waits};
use numberotp_server::store::guess::{Look, Subject, guess_begin, guess_forgive, guess_hold};
use numberotp_server::store::hot::{
    Answer, Attached, Close, Closed, Closing, Command, Receive, Received, Reserved,
};
use numberotp_server::store::job::{job_create, jobs_take};
use numberotp_server::store::ledger::purses_change;
use numberotp_server::store::message::data_key_fix;
use numberotp_server::store::number::{OwnNumber, Sharing, Wanted, allocation_create, numbers_put};
use numberotp_server::store::offer::{ProviderKind, StoredProvider, provider_create};
use numberotp_server::store::sandbox::{NewSandboxPurchase, Play, sandbox_purchase_create};
use numberotp_server::store::session::{session_used, sessions_revoke, sessions_revoke_others};
use numberotp_server::store::setting::setting_fix;
use numberotp_server::store::{Store, StoreError, StoreOptions, Tx, cold};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Two closures, the first one's transaction open while the second works.
fn race_of<T, U>(
    stage: &mut Stage<'_>,
    first: impl FnMut(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    second: impl FnMut(&mut Tx<'_>) -> Result<U, StoreError> + Send + 'static,
) -> (Result<T, StoreError>, Result<U, StoreError>)
where
    T: Send + 'static,
    U: Send + 'static,
{
    let ((first, mut one), (second, mut two)) = (cold(first), cold(second));
    stage.race(vec![first], vec![second]);
    (one.try_recv().unwrap(), two.try_recv().unwrap())
}

/// Two commands, likewise.
fn race_commands(
    stage: &mut Stage<'_>,
    first: Command,
    second: Command,
) -> (Result<Answer, StoreError>, Result<Answer, StoreError>) {
    let ((first, mut one), (second, mut two)) = (hot(first), hot(second));
    stage.race(vec![first], vec![second]);
    (one.try_recv().unwrap(), two.try_recv().unwrap())
}

#[test]
fn an_email_goes_to_the_first() {
    staged(|stage| {
        let new = NewAccount {
            brand: PLATFORM,
            email: Email::parse("ann@example.com").unwrap(),
            name: "Ann".to_owned(),
            password_hash: None,
            role: Role::Customer,
            standing: Standing::Approved,
            now: stage.now,
        };
        let again = new.clone();
        let made = race_of(stage, move |tx| account_create(tx, &new), move |tx| account_create(tx, &again));
        assert!(made.0.unwrap().is_some());
        assert!(made.1.unwrap().is_none());
    });
}

#[test]
fn what_is_written_once_is_the_firsts() {
    staged(|stage| {
        let settings =
            race_of(stage, |tx| setting_fix(tx, "mode", "one"), |tx| setting_fix(tx, "mode", "two"));
        assert_eq!((settings.0.unwrap().as_str(), settings.1.unwrap().as_str()), ("one", "one"));
        let keys = race_of(stage, |tx| data_key_fix(tx, 5, b"one"), |tx| data_key_fix(tx, 5, b"two"));
        assert_eq!((keys.0.unwrap(), keys.1.unwrap()), (b"one".to_vec(), b"one".to_vec()));
        let now = stage.now;
        let provider = |secret| {
            let code = ProviderCode::parse("own").unwrap();
            StoredProvider { code, kind: ProviderKind::Own, secret: vec![secret], enabled: true }
        };
        let (one, two) = (provider(1), provider(2));
        let made = race_of(
            stage,
            move |tx| provider_create(tx, PLATFORM, &one, now),
            move |tx| provider_create(tx, PLATFORM, &two, now),
        );
        assert_eq!((made.0.unwrap(), made.1.unwrap()), (true, false));
    });
}

#[test]
fn a_job_is_made_once_and_taken_by_one() {
    staged(|stage| {
        let now = stage.now;
        let job = move |tx: &mut Tx<'_>| job_create(tx, JobKind::SandboxSms, 1, now);
        let (first, second) = race_of(stage, job, job);
        assert!(first.is_ok());
        assert!(matches!(second, Err(StoreError::Conflict(_))), "{second:?}");
        stage.write(move |tx| job_create(tx, JobKind::SandboxSms, 2, now)).unwrap();
        let (first, second) = race_of(
            stage,
            move |tx| jobs_take(tx, now, Lane::Main, 1),
            move |tx| jobs_take(tx, now, Lane::Main, 2),
        );
        let subjects = |jobs: Result<Vec<numberotp_server::store::job::Job>, StoreError>| {
            jobs.unwrap().into_iter().map(|job| job.subject).collect::<Vec<_>>()
        };
        assert_eq!((subjects(first), subjects(second)), (vec![1], vec![2]));
    });
}

/// Somebody's sign-in that was right, beside another's of the same network that is just being counted.
#[test]
fn what_is_forgiven_while_a_try_is_counted_stays_forgiven() {
    staged(|stage| {
        let now = stage.now;
        let network = Subject { digest: [9; 32], patience: Patience::NETWORK };
        let count =
            |network: Subject| move |tx: &mut Tx<'_>| guess_begin(tx, std::slice::from_ref(&network), now);
        for _ in 0..3 {
            stage.write(count(network.clone())).unwrap();
        }
        let right = network.clone();
        let forgive = move |tx: &mut Tx<'_>| {
            guess_hold(tx, std::slice::from_ref(&right))?;
            guess_forgive(tx, &right.digest)
        };
        let (forgiven, counted) = race_of(stage, forgive, count(network));
        forgiven.unwrap();
        assert_eq!(counted.unwrap(), Look::Yes);
        assert_eq!(stage.list("SELECT CAST(failures AS TEXT) FROM guesses"), ["3"]);
    });
}

/// Two asks of one network at two servers, when one is left.
#[test]
fn the_last_mail_that_a_network_may_ask_for_goes_to_the_first() {
    staged(|stage| {
        let now = stage.now;
        let ask = move |subject: u8| {
            move |tx: &mut Tx<'_>| {
                let email = Email::parse(&format!("nobody{subject}@example.com")).unwrap();
                let asked_by = AskedBy {
                    brand: PLATFORM,
                    email,
                    account: None,
                    network: "192.0.2.0/24".to_owned(),
                    browser: None,
                };
                let new =
                    NewCode { subject: [subject; 32], network: [7; 32], digest: [1; 32], asked_by, now };
                let waits = network_waits(tx, &new.network, now)?;
                if waits.is_none() {
                    code_create(tx, &new)?;
                }
                Ok(waits)
            }
        };
        for subject in 1..ASKS_MOST {
            let asked = stage.write(ask(u8::try_from(subject).unwrap())).unwrap();
            assert_eq!(asked, None);
        }
        let (first, second) = race_of(stage, ask(100), ask(101));
        assert_eq!((first.unwrap(), second.unwrap()), (None, Some(COUNTED_FOR)));
        stage.pass(COUNTED_FOR);
        let later = stage.now;
        assert_eq!(stage.write(move |tx| network_waits(tx, &[7; 32], later)).unwrap(), None);
    });
}

fn wanted(reference: i64, stage: &Stage<'_>) -> Wanted {
    let provider = ProviderCode::parse("own").unwrap();
    let (country, operator) = (CountryId::new(16), Operator::any());
    Wanted {
        provider,
        reference: reference.to_string(),
        service: service("tg"),
        country,
        operator,
        cool_down: Span::hours(24),
        now: stage.now,
    }
}

#[test]
fn the_last_number_goes_to_the_first_and_a_reference_gets_one() {
    staged(|stage| {
        let put = OwnNumber {
            number: number("447700900001"),
            country: CountryId::new(16),
            operator: Operator::parse("vodafone").unwrap(),
            provider: ProviderCode::parse("own").unwrap(),
            sharing: Sharing::Exclusive,
        };
        stage.write(move |tx| numbers_put(tx, PLATFORM, std::slice::from_ref(&put))).unwrap();
        let account = stage.person_with(2 * PRICE.micros());
        let (one, two) = (stage.reserved(account).get(), stage.reserved(account).get());
        let (first, other, again) = (wanted(one, stage), wanted(two, stage), wanted(one, stage));
        let given =
            race_of(stage, move |tx| allocation_create(tx, &first), move |tx| allocation_create(tx, &other));
        assert!(given.0.unwrap().is_some());
        assert!(given.1.unwrap().is_none());
        stage.tamper("DELETE FROM number_allocations");
        stage.tamper("DELETE FROM number_services");
        stage.tamper("UPDATE numbers SET last_used_at = 0");
        let first = wanted(one, stage);
        let given =
            race_of(stage, move |tx| allocation_create(tx, &first), move |tx| allocation_create(tx, &again));
        let (first, again) = (given.0.unwrap().unwrap(), given.1.unwrap().unwrap());
        assert_eq!((first.number, first.provider_ref), (again.number, again.provider_ref));
    });
}

#[test]
fn the_sandbox_gives_a_reference_one_number() {
    staged(|stage| {
        let account = stage.person_with(PRICE.micros());
        let new = |stage: &Stage<'_>, digits| NewSandboxPurchase {
            reference: "1".to_owned(),
            number: number(digits),
            service: "tg".to_owned(),
            operator: "any".to_owned(),
            message_at: Some(stage.now),
            play: Play::default(),
            now: stage.now,
        };
        stage.reserved(account);
        let (one, two) = (new(stage, "447700900001"), new(stage, "447700900002"));
        let given = race_of(
            stage,
            move |tx| sandbox_purchase_create(tx, &one),
            move |tx| sandbox_purchase_create(tx, &two),
        );
        assert_eq!(given.0.unwrap().number, given.1.unwrap().number);
        assert_eq!(stage.list("SELECT kind FROM jobs WHERE kind = 'sandbox_sms'").len(), 1);
    });
}

#[test]
fn both_changes_of_a_purse_are_made() {
    staged(|stage| {
        let account = stage.person();
        let (one, two) = (stage.change(account, Purse::Balance, 5), stage.change(account, Purse::Balance, 7));
        let after = race_of(stage, move |tx| purses_change(tx, one), move |tx| purses_change(tx, two));
        assert_eq!(after.0.unwrap().unwrap().balance.posted, 5);
        assert_eq!(after.1.unwrap().unwrap().balance.posted, 12);
    });
}

#[test]
fn the_last_cent_buys_once() {
    staged(|stage| {
        let account = stage.person_with(2 * PRICE.micros() - 1);
        let (one, two) = (stage.reserve(account), stage.reserve(account));
        let (first, second) = race_commands(stage, Command::Reserve(one), Command::Reserve(two));
        held(first);
        assert!(matches!(second, Ok(Answer::Reserved(Reserved::Short))), "{second:?}");
    });
}

#[test]
fn money_that_just_came_in_can_be_spent() {
    staged(|stage| {
        let account = stage.person();
        let change = stage.change(account, Purse::Balance, PRICE.micros());
        let (topup, _) = cold(move |tx| purses_change(tx, change));
        let (reserve, mut answer) = hot(Command::Reserve(stage.reserve(account)));
        stage.race(vec![topup], vec![reserve]);
        held(answer.try_recv().unwrap());
    });
}

#[test]
fn whoever_was_just_stopped_buys_nothing() {
    staged(|stage| {
        let account = stage.person_with(PRICE.micros());
        let (stop, _) = cold(move |tx| account_set_standing(tx, account, Standing::Limited));
        let (reserve, mut answer) = hot(Command::Reserve(stage.reserve(account)));
        stage.race(vec![stop], vec![reserve]);
        let answer = answer.try_recv().unwrap();
        assert!(matches!(answer, Ok(Answer::Reserved(Reserved::MayNotBuy(Standing::Limited)))), "{answer:?}");
    });
}

fn rented(stage: &mut Stage<'_>) -> (AccountId, ActivationId) {
    let account = stage.person_with(PRICE.micros());
    let id = stage.rented(account, "r1", "447700900001");
    (account, id)
}

#[test]
fn a_repeat_waits_for_the_first_and_answers_alike() {
    staged(|stage| {
        rented(stage);
        // As it was; told by its number; and one that nobody knows yet.
        let by_reference = stage.by_reference("m1", "r1");
        let by_number = Receive { provider_ref: None, ..stage.by_number("m1", "447700900001") };
        let unknown = stage.by_reference("m2", "unknown");
        let pairs = [
            (by_reference.clone(), by_reference.clone(), Received::Matched),
            (unknown.clone(), unknown, Received::Unmatched),
        ];
        for (first, second, expected) in pairs {
            let answers = race_commands(stage, Command::Receive(first), Command::Receive(second));
            assert_eq!((received(answers.0), received(answers.1)), (expected, expected));
        }
        let first = Receive { dedupe_key: b"m3".to_vec(), ..by_reference };
        let second = Receive { dedupe_key: b"m3".to_vec(), ..by_number };
        let answers = race_commands(stage, Command::Receive(first), Command::Receive(second));
        assert_eq!((received(answers.0), received(answers.1)), (Received::Matched, Received::Matched));
        assert_eq!(stage.messages(), ["1 delivered", "- parked", "1 delivered"]);
    });
}

#[test]
fn a_message_and_its_number_meet_in_either_order() {
    for message_first in [true, false] {
        for by_number in [true, false] {
            staged(|stage| {
                let account = stage.person_with(PRICE.micros());
                let id = stage.reserved(account);
                let attach = Command::Attach(stage.attach(id, "r1", "447700900001"));
                let message = Command::Receive(match by_number {
                    true => stage.by_number("m1", "447700900001"),
                    false => stage.by_reference("m1", "r1"),
                });
                let (message, attach) = if message_first {
                    race_commands(stage, message, attach)
                } else {
                    let (attach, message) = race_commands(stage, attach, message);
                    (message, attach)
                };
                attached(attach);
                let expected = if message_first { Received::Unmatched } else { Received::Matched };
                assert_eq!(received(message), expected);
                assert_eq!(stage.messages(), ["1 delivered"]);
                assert_eq!(stage.balance(account), (0, 0));
            });
        }
    }
}

#[test]
fn a_message_and_a_cancel_have_one_winner() {
    staged(|stage| {
        let (account, id) = rented(stage);
        let cancel =
            Command::Close(Close { activation: id, closing: Closing::Cancel(account), now: stage.now });
        let message = Command::Receive(stage.by_reference("m1", "r1"));
        let (first, second) = race_commands(stage, cancel, message);
        done(&closed(first));
        assert_eq!(received(second), Received::Matched);
        assert_eq!(
            (stage.status(id).as_str(), stage.messages()),
            ("canceled", vec!["1 sealed late".to_owned()])
        );
        assert_eq!(stage.balance(account), (PRICE.micros(), 0));
    });
    staged(|stage| {
        let (account, id) = rented(stage);
        let cancel =
            Command::Close(Close { activation: id, closing: Closing::Cancel(account), now: stage.now });
        let message = Command::Receive(stage.by_number("m1", "447700900001"));
        let (first, second) = race_commands(stage, message, cancel);
        assert_eq!(received(first), Received::Matched);
        let second = closed(second);
        assert!(matches!(second, Closed::Refused(Status::Received)), "{second:?}");
        assert_eq!(stage.balance(account), (0, 0));
    });
}

/// A buyer that knows the number from elsewhere cancels while it is being attached: the right to it ends.
#[test]
fn a_cancel_that_waited_for_the_number_ends_its_lease() {
    staged(|stage| {
        let account = stage.person_with(PRICE.micros());
        let id = stage.reserved(account);
        let attach = Command::Attach(stage.attach(id, "r1", "447700900001"));
        let cancel =
            Command::Close(Close { activation: id, closing: Closing::Cancel(account), now: stage.now });
        let (first, second) = race_commands(stage, attach, cancel);
        attached(first);
        done(&closed(second));
        assert_eq!(stage.list("SELECT provider_ref FROM leases WHERE closed_at IS NULL"), [""; 0]);
        let late = stage.by_number("m1", "447700900001");
        assert_eq!(stage.receive(late), Received::Unmatched);
    });
}

/// The reconciler and the answer of the provider come at once: one of them settles it.
#[test]
fn a_failure_and_a_number_have_one_winner() {
    for number_first in [true, false] {
        staged(|stage| {
            let account = stage.person_with(PRICE.micros());
            let id = stage.reserved(account);
            let attach = Command::Attach(stage.attach(id, "r1", "447700900001"));
            let fail = Command::Close(Close { activation: id, closing: Closing::Fail, now: stage.now });
            if number_first {
                let (first, second) = race_commands(stage, attach, fail);
                attached(first);
                assert!(matches!(closed(second), Closed::Refused(Status::Waiting)));
            } else {
                let (first, second) = race_commands(stage, fail, attach);
                done(&closed(first));
                let refused = matches!(second, Ok(Answer::Attached(Attached::Refused(Status::Failed))));
                assert!(refused, "{second:?}");
                assert_eq!(stage.balance(account), (PRICE.micros(), 0));
            }
        });
    }
}

/// Where closures share no transaction with others, each has its own: their locks have no common order.
#[test]
fn closures_have_transactions_of_their_own_on_postgres() {
    staged(|stage| {
        let Engine::Postgres(_) = stage.database().engine() else { return };
        let seen = stage.with_store(async |store| {
            let tasks: Vec<_> = (0..50)
                .map(|_| {
                    let store = Arc::clone(&store);
                    let number =
                        Statement::new("TEST_TRANSACTION", "SELECT CAST(pg_current_xact_id() AS TEXT)");
                    let ask = move |tx: &mut Tx<'_>| tx.query(&number, &[])?.pop().unwrap().text("number");
                    tokio::spawn(async move { store.write(ask).await })
                })
                .collect();
            let mut seen = BTreeSet::new();
            for task in tasks {
                seen.insert(task.await.unwrap().unwrap());
            }
            seen
        });
        assert_eq!(seen.len(), 50);
    });
}

/// Forty callers in no order: purchases, changes of purses, and commands that are refused, over ten accounts.
/// Writers wait for each other and never in a circle.
#[test]
fn writers_never_wait_for_each_other_in_a_circle() {
    staged(|stage| {
        let accounts: Arc<Vec<AccountId>> =
            Arc::new((0..10).map(|_| stage.person_with(1_000 * PRICE.micros())).collect());
        let store = Arc::new(Store::open(stage.database().engine(), &StoreOptions::server(RULES)).unwrap());
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        let template = stage.change(AccountId::new(0), Purse::Balance, 1);
        let now = stage.now;
        let caller = |caller: usize| {
            let (store, accounts) = (Arc::clone(&store), Arc::clone(&accounts));
            runtime.spawn(async move {
                for n in 0..15 {
                    let account = accounts[(caller * 31 + n * 7 + n * n) % 10];
                    match (caller + n) % 4 {
                        0 => {
                            let change =
                                numberotp_server::store::ledger::OperatorChange { account, ..template };
                            store.write(move |tx| purses_change(tx, change)).await.unwrap().unwrap();
                        }
                        1 => {
                            let missing = ActivationId::new(1_000_000);
                            let attach = crate::store_stage::attach(missing, "x", "447700900001", now);
                            let refused = store.attach(attach).await;
                            assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{refused:?}");
                        }
                        _ => {
                            let held = store.reserve(crate::store_stage::reserve(account, now)).await;
                            assert!(matches!(held, Ok(Reserved::Held(..))), "{held:?}");
                        }
                    }
                }
            })
        };
        let callers: Vec<_> = (0..40).map(caller).collect();
        for caller in callers {
            runtime.block_on(caller).unwrap();
        }
        drop(runtime);
        Arc::into_inner(store).unwrap().stop();
        stage.assert_no_deadlock();
    });
}

/// Two rows of a table, the later one in front: where an update without an order begins.
const ROWS: &str = "INSERT INTO sessions (id, brand_id, account_id, hash, kind, platform, device_name, network, created_at, expires_at) VALUES (2, 1, 7, 'b', 'web', '', '', '', 0, 9000000000000000), (1, 1, 7, 'a', 'web', '', '', '', 0, 9000000000000000); INSERT INTO api_keys (id, brand_id, account_id, name, hash, last_four, scopes, created_at) VALUES (2, 1, 7, '', 'b', '', 'read', 0), (1, 1, 7, '', 'a', '', 'read', 0)";

/// Uses are noted many in a transaction, by their rows; meanwhile somebody ends all that an account has.
#[test]
fn whoever_ends_all_of_an_account_takes_it_in_the_order_in_which_uses_are_noted() {
    type Note = fn(&mut Tx<'_>, i64, Time) -> Result<(), StoreError>;
    type End = fn(&mut Tx<'_>, AccountId, Time) -> Result<u64, StoreError>;
    let others: End = |tx, account, now| sessions_revoke_others(tx, (account, 9), now);
    let ways: [(Note, End); 3] =
        [(session_used, sessions_revoke), (session_used, others), (api_key_used, api_keys_revoke)];
    for (note, end) in ways {
        staged(|stage| {
            let Engine::Postgres(_) = stage.database().engine() else { return };
            let (account, now) = (stage.person(), stage.now);
            stage.tamper(&ROWS.replace('7', &account.get().to_string()));
            let (first, mut noted) = cold(move |tx| note(tx, 1, now));
            let (more, mut noted_too) = cold(move |tx| note(tx, 2, now));
            let (second, mut ended) = cold(move |tx| end(tx, account, now));
            stage.race_until(vec![first], vec![second], vec![more]);
            noted.try_recv().unwrap().unwrap();
            noted_too.try_recv().unwrap().unwrap();
            assert_eq!(ended.try_recv().unwrap().unwrap(), 2);
            stage.assert_no_deadlock();
        });
    }
}
