//! Jobs as rows: written with the change they follow, taken by one runner at a time, kept until done.

use super::StoreError;
use super::db::{Value, statements};
use super::hot::JOBS_INSERT;
use super::tx::Tx;
use super::wake::Wake;
use numberotp_core::id::JobId;
use numberotp_core::job::{JobKind, Lane};
use numberotp_core::time::{Span, Time};

/// Whoever took a job has this long before another runner may take it: longer than any job asks a provider for, and
/// short enough that a purchase is settled within a minute even if the server that looked after it was killed.
pub const LEASE: Span = Span::seconds(30);

statements! {
    // Each lane has an index, and its kinds stand in the text, or the index would not serve. A lane's statements read nothing of
    // the other's, however much waits there.
    /// Takes what is due but mail, with the request that bought the number it is about; the sandbox has that by our reference.
    JOBS_TAKE = "UPDATE jobs SET leased_until = $2, attempts = attempts + 1 WHERE id IN (SELECT id FROM jobs WHERE kind <> 'mail_send' AND dead = 0 AND run_at <= $1 AND leased_until <= $1 AND kind IN TEXTS($4) ORDER BY run_at, id LIMIT $3 SKIPPING) RETURNING id, kind, subject_id, attempts, run_at, (SELECT a.request_id FROM activations a WHERE a.id = CASE WHEN jobs.kind IN ('activation_watch', 'activation_release', 'activation_sweep') THEN jobs.subject_id WHEN jobs.kind = 'sandbox_sms' THEN (SELECT CASE WHEN LENGTH(p.reference) BETWEEN 1 AND 18 AND LTRIM(p.reference, '0123456789') = '' THEN CAST(p.reference AS BIGINT) END FROM sandbox_messages m JOIN sandbox_purchases p ON p.id = m.purchase_id WHERE m.id = jobs.subject_id) END)";
    /// The same for mail.
    MAIL_JOBS_TAKE = "UPDATE jobs SET leased_until = $2, attempts = attempts + 1 WHERE id IN (SELECT id FROM jobs WHERE kind = 'mail_send' AND dead = 0 AND run_at <= $1 AND leased_until <= $1 ORDER BY run_at, id LIMIT $3 SKIPPING) RETURNING id, kind, subject_id, attempts, run_at, CAST(NULL AS TEXT)";
    /// When the next mail is due that nobody is at.
    MAIL_JOBS_NEXT = "SELECT run_at FROM jobs WHERE kind = 'mail_send' AND dead = 0 AND leased_until <= $1 ORDER BY run_at LIMIT 1";
    /// When the next other one is due that nobody is at: the first of an index, however many wait.
    JOBS_NEXT = "SELECT run_at FROM jobs WHERE kind <> 'mail_send' AND dead = 0 AND leased_until <= $1 AND kind IN TEXTS($2) ORDER BY run_at LIMIT 1";
    /// The time of the first that is due by an instant, whoever has it.
    JOBS_FIRST = "SELECT MIN(run_at) FROM (SELECT MIN(run_at) AS run_at FROM jobs WHERE kind <> 'mail_send' AND dead = 0 AND run_at <= $1 AND kind IN TEXTS($2) UNION ALL SELECT MIN(run_at) FROM jobs WHERE kind = 'mail_send' AND dead = 0 AND run_at <= $1 AND kind IN TEXTS($2)) AS first";
    /// Done.
    JOB_DELETE = "DELETE FROM jobs WHERE id = $1";
    /// Again later.
    JOB_AGAIN = "UPDATE jobs SET run_at = $2, leased_until = 0 WHERE id = $1";
    /// Another turn later, counted from nothing.
    JOB_NEXT = "UPDATE jobs SET run_at = $2, leased_until = 0, attempts = 0 WHERE id = $1";
    /// A dead one lives again.
    JOB_REVIVE = "UPDATE jobs SET dead = 0, attempts = 0, leased_until = 0 WHERE id = $1 AND dead = 1";
    /// Never again; kept for a person.
    JOB_DEAD = "UPDATE jobs SET dead = 1 WHERE id = $1";
    /// Whether a row exists.
    JOB_KNOWN = "SELECT id FROM jobs WHERE id = $1";
    /// How many wait, are late, and are dead.
    JOBS_STATE = "SELECT COUNT(*), CAST(COALESCE(SUM(CASE WHEN dead = 0 AND run_at < $1 THEN 1 ELSE 0 END), 0) AS BIGINT), CAST(COALESCE(SUM(dead), 0) AS BIGINT) FROM jobs";
    /// How many but mails are late, counted no further than to a bound.
    JOBS_LATE = "SELECT COUNT(*) FROM (SELECT id FROM jobs WHERE kind <> 'mail_send' AND dead = 0 AND run_at < $1 LIMIT $2) AS late";
    /// How many are open and how many dead.
    JOBS_COUNT = "SELECT COUNT(*), CAST(COALESCE(SUM(dead), 0) AS BIGINT) FROM jobs";
}

/// A job that was taken.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its row.
    pub id: JobId,
    /// What it does.
    pub kind: JobKind,
    /// The row it is about.
    pub subject: i64,
    /// How often it was taken, this time included.
    pub attempts: i64,
    /// The request that it goes back to, if one is known.
    pub request_id: Option<String>,
}

/// The kinds of a lane that this program knows. A newer one's, while both run, are left to it.
fn known_kinds(lane: Lane) -> Value {
    Value::Texts(lane.kinds().map(|kind| kind.as_str().to_owned()).collect())
}

/// Takes at most `limit` due jobs of a lane.
pub fn jobs_take(tx: &mut Tx<'_>, now: Time, lane: Lane, limit: i64) -> Result<Vec<Job>, StoreError> {
    let times = [now.micros().into(), now.plus(LEASE).micros().into(), limit.into()];
    let rows = match lane {
        Lane::Main => tx.query(&JOBS_TAKE, &[times.as_slice(), &[known_kinds(lane)]].concat())?,
        Lane::Mail => tx.query(&MAIL_JOBS_TAKE, &times)?,
    };
    let mut jobs = Vec::new();
    for mut row in rows {
        let id = JobId::new(row.int("id")?);
        let kind = row.parsed("kind", JobKind::parse)?;
        let (subject, attempts, run_at) = (row.int("subject_id")?, row.int("attempts")?, row.int("run_at")?);
        let request_id = row.opt_text("request_id")?;
        jobs.push((run_at, Job { id, kind, subject, attempts, request_id }));
    }
    jobs.sort_by_key(|(run_at, job)| (*run_at, job.id));
    Ok(jobs.into_iter().map(|(_, job)| job).collect())
}

/// When the next job of a lane is due, if there is one that nobody is at now. One whose runner died is seen again when
/// its lease is over.
pub fn jobs_next(tx: &mut Tx<'_>, now: Time, lane: Lane) -> Result<Option<Time>, StoreError> {
    let row = match lane {
        Lane::Main => tx.query_one(&JOBS_NEXT, &[now.micros().into(), known_kinds(lane)])?,
        Lane::Mail => tx.query_one(&MAIL_JOBS_NEXT, &[now.micros().into()])?,
    };
    row.map(|mut row| row.int("run_at").map(Time::from_micros)).transpose()
}

/// The time of the first job of these kinds that is due by an instant, whether somebody is at it or not.
pub fn jobs_first(tx: &mut Tx<'_>, kinds: &[JobKind], by: Time) -> Result<Option<Time>, StoreError> {
    let kinds = Value::Texts(kinds.iter().map(|kind| kind.as_str().to_owned()).collect());
    let Some(mut row) = tx.query_one(&JOBS_FIRST, &[by.micros().into(), kinds])? else { return Ok(None) };
    Ok(row.opt_int("run_at")?.map(Time::from_micros))
}

/// Writes a job with the change it follows.
pub fn job_create(tx: &mut Tx<'_>, kind: JobKind, subject: i64, run_at: Time) -> Result<JobId, StoreError> {
    tx.bulk(&JOBS_INSERT, &[job_row(kind, subject, run_at)])?;
    tx.after_commit(Wake::Job(run_at));
    Ok(kind.of(subject))
}

/// A new job's row.
pub(super) fn job_row(kind: JobKind, subject: i64, run_at: Time) -> Vec<Value> {
    vec![kind.of(subject).get().into(), kind.as_str().into(), subject.into(), run_at.micros().into()]
}

/// Whether there is a job of this kind for this row.
pub fn job_known(tx: &mut Tx<'_>, kind: JobKind, subject: i64) -> Result<bool, StoreError> {
    Ok(tx.query_one(&JOB_KNOWN, &[kind.of(subject).get().into()])?.is_some())
}

/// Its work is done.
pub fn job_delete(tx: &mut Tx<'_>, id: JobId) -> Result<(), StoreError> {
    tx.execute(&JOB_DELETE, &[id.get().into()]).map(drop)
}

/// It has to be tried again.
pub fn job_again(tx: &mut Tx<'_>, id: JobId, run_at: Time) -> Result<(), StoreError> {
    tx.execute(&JOB_AGAIN, &[id.get().into(), run_at.micros().into()])?;
    tx.after_commit(Wake::Job(run_at));
    Ok(())
}

/// Its turn is over; the next one counts from nothing.
pub fn job_next(tx: &mut Tx<'_>, id: JobId, run_at: Time) -> Result<(), StoreError> {
    tx.execute(&JOB_NEXT, &[id.get().into(), run_at.micros().into()])?;
    tx.after_commit(Wake::Job(run_at));
    Ok(())
}

/// Lets a dead job live again.
pub fn job_revive(tx: &mut Tx<'_>, kind: JobKind, subject: i64) -> Result<(), StoreError> {
    tx.execute(&JOB_REVIVE, &[kind.of(subject).get().into()]).map(drop)
}

/// It can never succeed.
pub fn job_kill(tx: &mut Tx<'_>, id: JobId) -> Result<(), StoreError> {
    tx.execute(&JOB_DEAD, &[id.get().into()]).map(drop)
}

/// How many jobs there are, and how many of them are dead.
pub fn jobs_count(tx: &mut Tx<'_>) -> Result<(i64, i64), StoreError> {
    let missing = StoreError::Corrupt { table: "jobs", column: "count" };
    let mut row = tx.query_one(&JOBS_COUNT, &[])?.ok_or(missing)?;
    Ok((row.int("count")?, row.int("dead")?))
}

/// A job is late when it was due so long ago.
const LATE_AFTER: Span = Span::seconds(60);

/// How many jobs wait (the late ones too), how many are late, and how many are dead.
pub fn jobs_state(tx: &mut Tx<'_>, now: Time) -> Result<(i64, i64, i64), StoreError> {
    let missing = StoreError::Corrupt { table: "jobs", column: "count" };
    let mut row = tx.query_one(&JOBS_STATE, &[now.minus(LATE_AFTER).micros().into()])?.ok_or(missing)?;
    let (all, late, dead) = (row.int("count")?, row.int("late")?, row.int("dead")?);
    Ok((all.saturating_sub(dead), late, dead))
}

/// How many jobs are late; what is beyond the bound is not counted, nor is mail: a mail server that is silent is no reason to
/// send customers elsewhere.
pub fn jobs_late(tx: &mut Tx<'_>, now: Time, most: i64) -> Result<i64, StoreError> {
    let missing = StoreError::Corrupt { table: "jobs", column: "count" };
    let before = now.minus(LATE_AFTER).micros();
    tx.query_one(&JOBS_LATE, &[before.into(), most.into()])?.ok_or(missing)?.int("count")
}
