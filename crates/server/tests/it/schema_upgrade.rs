//! A database that was used before its tables were made anew: every row is there afterwards, under its new name, and what
//! was refused twice is still refused. So is every row that a server of before commits while the upgrade begins.

use crate::store_stage::{connection, somebody_waits};
use numberotp_core::job::JobKind;
use numberotp_server::store::StoreError;
use numberotp_server::store::db::{Connection, Statement, migrate, migrations};
use numberotp_testkit::database::on_each_engine;

/// The last one before leases, jobs and movements had their new keys.
const BEFORE: usize = 17;
/// The last one under which a job could have any number.
const STRAYED: usize = 19;

/// A purchase of number 7 with all that belongs to it, a job of each kind, and a gift under a name.
const USED: &str = "
    INSERT INTO leases (id, brand_id, account_id, activation_id, provider, provider_ref, number, service, from_at, to_at, closed_at)
        VALUES (1001, 1, 5, 7, 'sandbox', 'ref-7', '15550100', 'tg', 10, 20, 15), (7, 1, 5, 8, 'sandbox', 'ref-8', '15550101', 'tg', 10, 20, NULL);
    INSERT INTO jobs (id, kind, subject_id, run_at, attempts, leased_until, dead)
        VALUES (112, 'mail_send', 3, 30, 1, 0, 0), (1002, 'activation_watch', 7, 20, 0, 0, 0), (1003, 'activation_release', 7, 21, 2, 5, 1),
               (1004, 'activation_sweep', 7, 22, 0, 0, 0), (1005, 'sandbox_sms', 4, 23, 0, 0, 0), (1006, 'message_purge', 1, 40, 0, 0, 0);
    INSERT INTO movements (id, account_id, kind, step, reference_kind, reference_id, balance_change, credits_change, value, balance_after, credits_after, created_at)
        VALUES (2001, 5, 'purchase', 'activation:7:hold', 'activation', 7, -100, 0, 100, 900, 0, 10),
               (2002, 5, 'adjustment', 'operator:5:balance:ab', 'operator', 2002, 1000, 0, 1000, 1000, 0, 9);
    INSERT INTO transfers (movement_id, purse, phase, debit_id, credit_id, amount)
        VALUES (2001, 'balance', 'pending', 80, -33, 100), (2002, 'balance', 'single', -36, 80, 1000);
    INSERT INTO events (id, account_id, kind, activation_id, created_at) VALUES (3001, 5, 'activation.created', 7, 12);";

#[test]
fn rows_keep_what_they_say_under_their_new_keys() {
    on_each_engine(|database| {
        let mut connection = connection(database);
        let (before, rest) = migrations().split_at(BEFORE);
        migrate(&mut connection, before).unwrap();
        connection.script(USED).unwrap();
        assert_eq!(migrate(&mut connection, migrations()).unwrap(), rest.len());
        let of = |kind: JobKind, subject| kind.of(subject).get().to_string();
        for (sql, expected) in [
            (
                "SELECT CAST(activation_id AS TEXT) || ' ' || provider_ref || ' ' || number || ' ' || COALESCE(CAST(closed_at AS TEXT), 'open') AS line FROM leases ORDER BY activation_id",
                vec!["7 ref-7 15550100 15".to_owned(), "8 ref-8 15550101 open".to_owned()],
            ),
            (
                "SELECT CAST(id AS TEXT) || ' ' || kind || ' ' || CAST(run_at AS TEXT) || ' ' || CAST(attempts AS TEXT) || ' ' || CAST(dead AS TEXT) AS line FROM jobs ORDER BY run_at",
                vec![
                    format!("{} activation_watch 20 0 0", of(JobKind::ActivationWatch, 7)),
                    format!("{} activation_release 21 2 1", of(JobKind::ActivationRelease, 7)),
                    format!("{} activation_sweep 22 0 0", of(JobKind::ActivationSweep, 7)),
                    format!("{} sandbox_sms 23 0 0", of(JobKind::SandboxSms, 4)),
                    format!("{} mail_send 30 1 0", of(JobKind::MailSend, 3)),
                    format!("{} message_purge 40 0 0", of(JobKind::MessagePurge, 1)),
                ],
            ),
            (
                "SELECT m.step || ' ' || CAST(m.balance_after AS TEXT) || ' ' || t.phase || ' ' || CAST(t.amount AS TEXT) AS line FROM movements m JOIN transfers t ON t.movement_id = m.id ORDER BY m.id",
                vec![
                    "activation:7:hold 900 pending 100".to_owned(),
                    "operator:5:balance:ab 1000 single 1000".to_owned(),
                ],
            ),
            ("SELECT kind AS line FROM events", vec!["activation.created".to_owned()]),
        ] {
            assert_eq!(lines(&mut connection, sql), expected);
        }
    });
}

/// What must not be there twice, as further rows of the database above.
const TWICE: [&str; 7] = [
    // A hold resolves once, whatever it is called.
    "INSERT INTO movements SELECT id + 5000, account_id, kind, step, reference_kind, reference_id, balance_change, credits_change, value, balance_after, credits_after, created_at FROM movements WHERE id = 2001",
    "INSERT INTO movements SELECT id + 5000, account_id, kind, step, reference_kind, id + 5000, balance_change, credits_change, value, balance_after, credits_after, created_at FROM movements WHERE id = 2002",
    "INSERT INTO transfers SELECT movement_id, purse, 'single', debit_id, credit_id, amount FROM transfers WHERE movement_id = 2001",
    "INSERT INTO leases SELECT activation_id, brand_id, account_id, provider, 'ref-9', number, service, from_at, to_at, closed_at FROM leases WHERE activation_id = 7",
    "INSERT INTO jobs SELECT id, kind, subject_id, run_at, attempts, leased_until, dead FROM jobs WHERE subject_id = 3",
    // A job is the one of its kind for its subject, whatever number it is given.
    "INSERT INTO jobs SELECT id + 1, kind, subject_id, run_at, attempts, leased_until, dead FROM jobs WHERE subject_id = 3",
    "INSERT INTO jobs SELECT id + 16, kind, subject_id, run_at, attempts, leased_until, dead FROM jobs WHERE subject_id = 3",
];

#[test]
fn what_must_not_be_there_twice_is_refused_by_the_database() {
    on_each_engine(|database| {
        let mut connection = connection(database);
        migrate(&mut connection, &migrations()[..BEFORE]).unwrap();
        connection.script(USED).unwrap();
        migrate(&mut connection, migrations()).unwrap();
        for again in TWICE {
            let refused = connection.execute(&Statement::new("TEST_TWICE", again), &[]);
            assert!(matches!(refused, Err(StoreError::Conflict(_))), "{again}: {refused:?}");
        }
    });
}

/// Jobs that a server of before wrote beside newer ones, numbered as it always did; one of them is there by its own number
/// too. And a kind that this program does not know.
const STRAY: &str = "
    INSERT INTO jobs (id, kind, subject_id, run_at, attempts, leased_until, dead)
        VALUES (52, 'mail_send', 3, 30, 1, 9, 1), (7001, 'mail_send', 3, 25, 2, 0, 0), (7002, 'activation_release', 9, 31, 0, 0, 0);";
const LATER: [(&str, bool); 2] = [
    (
        "INSERT INTO jobs (id, kind, subject_id, run_at, attempts, leased_until, dead) VALUES (41, 'later', 2, 50, 0, 0, 0)",
        true,
    ),
    (
        "INSERT INTO jobs (id, kind, subject_id, run_at, attempts, leased_until, dead) VALUES (57, 'later', 2, 50, 0, 0, 0)",
        false,
    ),
];

#[test]
fn a_job_with_a_number_of_before_gets_its_own() {
    on_each_engine(|database| {
        let mut connection = connection(database);
        migrate(&mut connection, &migrations()[..STRAYED]).unwrap();
        connection.script(STRAY).unwrap();
        migrate(&mut connection, migrations()).unwrap();
        let jobs = "SELECT CAST(id AS TEXT) || ' ' || kind || ' ' || CAST(run_at AS TEXT) || ' ' || CAST(attempts AS TEXT) || ' ' || CAST(leased_until AS TEXT) || ' ' || CAST(dead AS TEXT) AS line FROM jobs ORDER BY id";
        assert_eq!(
            lines(&mut connection, jobs),
            ["52 mail_send 25 1 9 0", "145 activation_release 31 0 0 0"]
        );
        for (insert, fits) in LATER {
            let written = connection.execute(&Statement::new("TEST_LATER", insert), &[]);
            assert_eq!(written.is_ok(), fits, "{written:?}");
        }
    });
}

/// A server of before is in the middle of a purchase: it wrote before the upgrade began, writes on while that waits, and
/// commits then.
#[test]
fn what_is_committed_while_the_upgrade_waits_is_carried_over() {
    // An entry, and then a lease: of these two tables the upgrade has the second while it waits for the first.
    for (begun, more) in [(LEASE, ENTRY), (ENTRY, LEASE)] {
        on_each_engine(|database| {
            let (mut old, mut raw) = (connection(database), connection(database));
            migrate(&mut old, &migrations()[..BEFORE]).unwrap();
            old.begin().unwrap();
            old.script(begun).unwrap();
            let committed = std::thread::scope(|scope| {
                let upgrade = scope.spawn(|| migrate(&mut connection(database), migrations()));
                while !upgrade.is_finished() && !somebody_waits(&mut raw) {
                    std::thread::yield_now();
                }
                // One of the two gives way. If it was the server, it was told so, and nothing of its purchase is there.
                let written = old.script(more);
                assert!(written.as_ref().err().is_none_or(StoreError::retryable), "{written:?}");
                let ended = if written.is_ok() { old.commit() } else { old.roll_back() };
                ended.unwrap();
                assert_eq!(upgrade.join().unwrap().unwrap(), migrations().len() - BEFORE);
                written.is_ok()
            });
            let there =
                "SELECT provider_ref AS line FROM leases UNION ALL SELECT purse FROM transfers ORDER BY line";
            let carried = if committed { vec!["balance", "ref-9"] } else { vec![] };
            assert_eq!(lines(&mut raw, there), carried);
        });
    }
}

const LEASE: &str = "INSERT INTO leases (id, brand_id, account_id, activation_id, provider, provider_ref, number, service, from_at, to_at, closed_at) VALUES (9, 1, 5, 9, 'sandbox', 'ref-9', '15550109', 'tg', 10, 20, NULL)";
const ENTRY: &str = "INSERT INTO transfers (movement_id, purse, phase, debit_id, credit_id, amount) VALUES (2009, 'balance', 'pending', 80, -33, 100)";

fn lines(connection: &mut Connection, sql: &'static str) -> Vec<String> {
    let rows = connection.query(&Statement::new("TEST_LINES", sql), &[]).unwrap();
    rows.into_iter().map(|mut row| row.text("line").unwrap()).collect()
}
