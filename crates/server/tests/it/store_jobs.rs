//! Jobs: one runner at a time has a job, in the order in which they are due; one that was taken and never
//! ended comes back; a dead one never does.

use crate::store_directory::plan;
use crate::store_stage::{Stage, staged};
use numberotp_core::id::JobId;
use numberotp_core::job::{JobKind, Lane};
use numberotp_core::time::{Span, Time};
use numberotp_server::store::StoreError;
use numberotp_server::store::db::{Engine, Value};
use numberotp_server::store::job::{
    Job, LEASE, job_again, job_create, job_delete, job_kill, job_known, job_next, job_revive, jobs_count,
    jobs_next, jobs_take,
};
use std::collections::BTreeSet;
use std::sync::Arc;

fn create(stage: &mut Stage<'_>, subject: i64, at: Time) -> JobId {
    stage.write(move |tx| job_create(tx, JobKind::SandboxSms, subject, at)).unwrap()
}

fn take(stage: &mut Stage<'_>, limit: i64) -> Vec<Job> {
    let now = stage.now;
    stage.write(move |tx| jobs_take(tx, now, Lane::Main, limit)).unwrap()
}

fn subjects(jobs: &[Job]) -> Vec<i64> {
    jobs.iter().map(|job| job.subject).collect()
}

fn next(stage: &mut Stage<'_>) -> Option<Time> {
    let now = stage.now;
    stage.write(move |tx| jobs_next(tx, now, Lane::Main)).unwrap()
}

#[test]
fn what_is_due_is_taken_in_its_order_and_no_more_than_asked() {
    staged(|stage| {
        let now = stage.now;
        for (subject, late) in [(1, 0), (2, 5), (3, 5), (4, 9), (5, -1)] {
            create(stage, subject, now.minus(Span::seconds(late)));
        }
        let first = take(stage, 2);
        assert_eq!(subjects(&first), [4, 2]);
        assert!(first.iter().all(|job| job.kind == JobKind::SandboxSms && job.attempts == 1));
        assert_eq!(subjects(&take(stage, 10)), [3, 1], "one that is due in a second is not");
        assert_eq!(subjects(&take(stage, 10)), [0; 0]);
        stage.pass(Span::seconds(1));
        assert_eq!(subjects(&take(stage, 10)), [5]);
    });
}

#[test]
fn a_job_whose_runner_died_comes_back_when_its_lease_is_over() {
    staged(|stage| {
        let now = stage.now;
        create(stage, 1, now);
        assert_eq!(take(stage, 1).first().unwrap().attempts, 1);
        assert_eq!(next(stage), None, "somebody is at it");
        stage.pass(LEASE);
        stage.now = stage.now.minus(Span::micros(1));
        assert_eq!(subjects(&take(stage, 1)), [0; 0]);
        assert_eq!(next(stage), None);
        stage.pass(Span::micros(1));
        assert_eq!(next(stage), Some(now), "it is due since then");
        assert_eq!(take(stage, 1).first().unwrap().attempts, 2);
    });
}

#[test]
fn a_job_is_done_or_again_or_dead() {
    staged(|stage| {
        let now = stage.now;
        let [done, again, dead] = [1, 2, 3].map(|subject| create(stage, subject, now));
        assert_eq!(take(stage, 3).len(), 3);
        stage.write(move |tx| job_delete(tx, done)).unwrap();
        stage.write(move |tx| job_again(tx, again, now.plus(Span::seconds(2)))).unwrap();
        stage.write(move |tx| job_kill(tx, dead)).unwrap();
        assert_eq!(stage.write(jobs_count).unwrap(), (2, 1));
        assert_eq!(next(stage), Some(now.plus(Span::seconds(2))), "a dead one is not waited for");
        stage.pass(Span::seconds(2));
        let job = take(stage, 3).remove(0);
        assert_eq!((job.id, job.attempts), (again, 2));
        stage.pass(Span::hours(24));
        assert_eq!(subjects(&take(stage, 3)), [2], "dead is for ever");
        stage.write(move |tx| job_delete(tx, again)).unwrap();
        assert_eq!(next(stage), None);
    });
}

/// A job that comes again and again is counted anew each turn, and one that was given up can be taken up again.
#[test]
fn a_turn_counts_from_nothing_and_a_dead_job_can_be_revived() {
    staged(|stage| {
        let now = stage.now;
        let id = create(stage, 1, now);
        assert_eq!(take(stage, 1).first().unwrap().attempts, 1);
        stage.write(move |tx| job_again(tx, id, now)).unwrap();
        assert_eq!(take(stage, 1).first().unwrap().attempts, 2, "again is the same turn");
        stage.write(move |tx| job_next(tx, id, now.plus(Span::hours(1)))).unwrap();
        stage.pass(Span::hours(1));
        assert_eq!(take(stage, 1).first().unwrap().attempts, 1);

        stage.write(|tx| job_revive(tx, JobKind::SandboxSms, 1)).unwrap();
        assert_eq!(subjects(&take(stage, 1)), [0; 0], "one that lives is left to its runner");
        stage.write(move |tx| job_kill(tx, id)).unwrap();
        stage.write(|tx| job_revive(tx, JobKind::SandboxSms, 404)).unwrap();
        stage.write(|tx| job_revive(tx, JobKind::MessagePurge, 1)).unwrap();
        assert_eq!(subjects(&take(stage, 1)), [0; 0]);
        stage.write(|tx| job_revive(tx, JobKind::SandboxSms, 1)).unwrap();
        assert_eq!(take(stage, 1).first().unwrap().attempts, 1);
        assert!(stage.write(|tx| job_known(tx, JobKind::SandboxSms, 1)).unwrap());
        assert!(!stage.write(|tx| job_known(tx, JobKind::MessagePurge, 1)).unwrap());
    });
}

/// Two versions of the program run side by side for a while: a kind that this one does not know is the other's.
#[test]
fn a_kind_that_is_not_known_hinders_no_other() {
    staged(|stage| {
        let now = stage.now;
        create(stage, 1, now);
        create(stage, 2, now);
        stage.tamper("UPDATE jobs SET kind = 'of_a_newer_program' WHERE subject_id = 1");
        assert_eq!(subjects(&take(stage, 1)), [2], "it takes no place");
        let left = stage.list("SELECT CAST(attempts + leased_until AS TEXT) FROM jobs WHERE subject_id = 1");
        assert_eq!(left, ["0"], "and is not taken from whoever knows it");
        stage.pass(LEASE);
        assert_eq!(next(stage), Some(now), "what is known is seen");
        let known = take(stage, 1).remove(0).id;
        stage.write(move |tx| job_delete(tx, known)).unwrap();
        assert_eq!(next(stage), None, "and the other is not waited for");
    });
}

/// Mail has places of its own, so it is looked for and taken by itself, and nothing else is taken for it.
#[test]
fn mail_is_taken_in_its_own_lane_alone() {
    staged(|stage| {
        let now = stage.now;
        create(stage, 1, now);
        for (subject, late) in [(11, 0), (12, 3), (13, 1), (14, -1)] {
            let at = now.minus(Span::seconds(late));
            stage.write(move |tx| job_create(tx, JobKind::MailSend, subject, at)).unwrap();
        }
        assert_eq!(next(stage), Some(now), "and not the mail of three seconds ago");
        let mail = |stage: &mut Stage<'_>, limit| {
            let now = stage.now;
            stage.write(move |tx| jobs_take(tx, now, Lane::Mail, limit)).unwrap()
        };
        let first = mail(stage, 2);
        assert_eq!(subjects(&first), [12, 13]);
        assert!(first.iter().all(|job| job.kind == JobKind::MailSend && job.attempts == 1));
        let left = stage.write(move |tx| jobs_next(tx, now, Lane::Mail)).unwrap();
        assert_eq!(left, Some(now));
        assert_eq!(subjects(&take(stage, 10)), [1]);
        assert_eq!(subjects(&mail(stage, 10)), [11]);
        assert_eq!(subjects(&mail(stage, 10)), [0; 0]);
        stage.pass(LEASE);
        assert_eq!(subjects(&mail(stage, 10)), [12, 13, 11, 14]);
    });
}

#[test]
fn nothing_is_due_where_nothing_is() {
    staged(|stage| {
        assert_eq!(subjects(&take(stage, 10)), [0; 0]);
        assert_eq!(next(stage), None);
        assert_eq!(stage.write(jobs_count).unwrap(), (0, 0));
        stage.write(|tx| job_delete(tx, JobId::new(404))).unwrap();
    });
}

#[test]
fn a_subject_has_one_job_of_a_kind() {
    staged(|stage| {
        let now = stage.now;
        create(stage, 1, now);
        let twice = stage.write(move |tx| job_create(tx, JobKind::SandboxSms, 1, now));
        assert!(matches!(twice, Err(StoreError::Conflict(_))), "{twice:?}");
        stage.write(move |tx| job_create(tx, JobKind::MessagePurge, 1, now)).unwrap();
        assert_eq!(stage.write(jobs_count).unwrap(), (2, 0));
    });
}

/// A limit holds whatever the number of rows, and however the database chooses to find them.
#[test]
fn a_portion_is_a_portion_of_many_too() {
    staged(|stage| {
        let now = stage.now;
        let create_many = move |tx: &mut numberotp_server::store::Tx<'_>| {
            (1..=3_000).try_for_each(|subject| {
                let at = now.minus(Span::seconds(subject % 60));
                job_create(tx, JobKind::SandboxSms, subject, at).map(drop)
            })
        };
        stage.write(create_many).unwrap();
        let mut seen = BTreeSet::new();
        for portion in [7, 1, 100, 64] {
            let taken = take(stage, portion);
            assert_eq!(i64::try_from(taken.len()).unwrap(), portion);
            assert!(taken.iter().all(|job| seen.insert(job.subject)));
        }
        stage.tamper("ANALYZE jobs");
        let taken = take(stage, 50);
        assert_eq!(taken.len(), 50);
        assert!(taken.iter().all(|job| seen.insert(job.subject)));
    });
}

#[test]
fn two_takers_never_have_the_same_job() {
    staged(|stage| {
        let now = stage.now;
        stage
            .write(move |tx| {
                (1..=200).try_for_each(|subject| job_create(tx, JobKind::SandboxSms, subject, now).map(drop))
            })
            .unwrap();
        let taken = stage.with_store(async |store| {
            let tasks: Vec<_> = (0..40)
                .map(|_| {
                    let store = Arc::clone(&store);
                    tokio::spawn(
                        async move { store.write(move |tx| jobs_take(tx, now, Lane::Main, 7)).await },
                    )
                })
                .collect();
            let mut taken = Vec::new();
            for task in tasks {
                taken.extend(task.await.unwrap().unwrap());
            }
            taken
        });
        let mut subjects = subjects(&taken);
        subjects.sort_unstable();
        assert_eq!(subjects, (1..=200).collect::<Vec<_>>(), "each once, none left");
        assert!(taken.iter().all(|job| job.attempts == 1));
    });
}

/// Twenty thousand mails that nobody takes, each due before everything else, and some hundreds of other jobs.
const MAILS: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20300) INSERT INTO jobs (id, kind, subject_id, run_at, attempts, leased_until, dead) SELECT 1000000 + i, CASE WHEN i <= 20000 THEN 'mail_send' ELSE 'activation_watch' END, i, i, 0, 0, 0 FROM n;
ANALYZE;";

#[test]
fn mails_that_wait_are_not_read_by_whoever_looks_for_other_jobs() {
    staged(|stage| {
        stage.tamper(MAILS);
        let indexes = match stage.database().engine() {
            Engine::Sqlite(_) => "SELECT sql FROM sqlite_master WHERE name = 'jobs_due'",
            Engine::Postgres(_) => "SELECT indexdef FROM pg_indexes WHERE indexname = 'jobs_due'",
        };
        let index = stage.list(indexes).concat();
        assert!(index.contains("WHERE") && index.contains("mail_send"), "no mail stands in it: {index}");
        let now = Value::Int(1_000_000);
        let kinds = Value::Texts(Lane::Main.kinds().map(|kind| kind.as_str().to_owned()).collect());
        for (name, parameters) in [
            ("JOBS_NEXT", vec![now.clone(), kinds.clone()]),
            ("JOBS_TAKE", vec![now.clone(), now.clone(), Value::Int(256), kinds.clone()]),
            ("JOBS_LATE", vec![now.clone(), Value::Int(1_000)]),
            ("JOBS_FIRST", vec![now.clone(), kinds]),
            ("MAIL_JOBS_NEXT", vec![now.clone()]),
            ("MAIL_JOBS_TAKE", vec![now.clone(), now, Value::Int(8)]),
        ] {
            let plan = plan(stage, name, &parameters);
            let index = if name.starts_with("MAIL") { "jobs_mail" } else { "jobs_due" };
            let whole = ["SCAN jobs\n", "Seq Scan on jobs"];
            assert!(plan.contains(index), "{name}:\n{plan}");
            assert!(!whole.iter().any(|words| format!("{plan}\n").contains(words)), "{name}:\n{plan}");
        }
        stage.tamper("DELETE FROM jobs WHERE id > 1000000");
    });
}
