//! Jobs: what follows a change, carried out beside HTTP. Each takes its row for a time, does its use case, and
//! ends, moves or repeats the row. A job may run twice; every use case here may.

mod advance;
mod runner;

pub use advance::advance;
pub use runner::{run_due, work};

use crate::app::Context;
use crate::app::{from_store, mail, reconcile, sandbox};
use crate::store::device_grant::device_grants_purge;
use crate::store::email_code::codes_purge;
use crate::store::guess::guesses_purge;
use crate::store::idempotency::keys_purge;
use crate::store::identity::identities_purge;
use crate::store::job::{Job, job_create, job_revive};
use crate::store::message::messages_purge;
use crate::store::person::email_changes_purge;
use crate::store::provider_key::provider_keys_purge;
use crate::store::refresh::refresh_purge;
use crate::store::{StoreError, Tx};
use numberotp_core::fault::Fault;
use numberotp_core::id::ActivationId;
use numberotp_core::job::{JobEnd, JobKind};
use numberotp_core::time::{Span, Time};

/// How often messages past their time are looked for.
const PURGE_EVERY: Span = Span::minutes(10);
/// How many are deleted at a time.
const PURGE_MOST: i64 = 1_000;
/// The purge's only row.
const PURGE_SUBJECT: i64 = 1;

/// Carries out one job.
async fn carry_out(context: &Context, job: &Job) -> Result<JobEnd, Fault> {
    let activation = ActivationId::new(job.subject);
    match job.kind {
        JobKind::ActivationWatch => reconcile::watch(context, activation).await,
        JobKind::ActivationRelease => reconcile::release(context, activation, job.attempts).await,
        JobKind::ActivationSweep => reconcile::sweep(context, activation, job.attempts).await,
        JobKind::SandboxSms => {
            sandbox::send_message(context, (job.subject, job.request_id.as_deref()), job.attempts).await
        }
        JobKind::MailSend => mail::send(context, job.subject, job.attempts).await,
        JobKind::MessagePurge => purge(context).await,
    }
}

async fn purge(context: &Context) -> Result<JobEnd, Fault> {
    let now = context.clock.now();
    let work = move |tx: &mut Tx<'_>| {
        keys_purge(tx, now)?;
        provider_keys_purge(tx, now)?;
        codes_purge(tx, now)?;
        guesses_purge(tx, now)?;
        refresh_purge(tx, now)?;
        device_grants_purge(tx, now)?;
        email_changes_purge(tx, now.minus(Span::hours(24)))?;
        let identities = identities_purge(tx, now, PURGE_MOST)?;
        Ok(messages_purge(tx, now, PURGE_MOST)?.max(identities))
    };
    let gone = context.store.write(work).await.map_err(from_store)?;
    let more = gone >= u64::try_from(PURGE_MOST).unwrap_or(u64::MAX);
    Ok(JobEnd::Next(if more { Span::seconds(1) } else { PURGE_EVERY }))
}

/// Writes the rows of the jobs that run for ever, once.
pub fn plant(tx: &mut Tx<'_>, now: Time) -> Result<(), StoreError> {
    if crate::store::job::job_known(tx, JobKind::MessagePurge, PURGE_SUBJECT)? {
        return job_revive(tx, JobKind::MessagePurge, PURGE_SUBJECT);
    }
    job_create(tx, JobKind::MessagePurge, PURGE_SUBJECT, now.plus(PURGE_EVERY)).map(drop)
}
