//! `numberotp doctor`: looks whether this installation can work, and says what to do where it cannot.

use super::CliError;
use super::output::Output;
use crate::boot;
use crate::clock;
use crate::config::{AdminFactor, Mode, Resolved, ResolvedDatabase, SignIn};
use crate::store::job::jobs_count;
use crate::store::offer::{offers_all, providers_all};
use crate::store::second_factor::admins_without_factor;
use crate::store::{Store, StoreError};
use numberotp_core::id::PLATFORM;
use numberotp_core::time::Span;
use serde_json::{Value, json};

/// A database's clock further off than this makes deadlines wrong for somebody.
const CLOCK_OFF_MOST: Span = Span::seconds(5);

struct Finding {
    subject: &'static str,
    good: bool,
    says: String,
}

fn finding(subject: &'static str, good: bool, says: impl Into<String>) -> Finding {
    Finding { subject, good, says: says.into() }
}

pub(super) async fn doctor(resolved: Resolved, output: Output) -> Result<(), CliError> {
    let database = &resolved.database;
    let mut findings = vec![finding("configuration", true, "it can be read"), policy_finding(&resolved)?];
    let sign_in = &resolved.sign_in;
    match boot::open_existing(database) {
        Ok(store) => {
            look(&store, database, &mut findings).await;
            findings.push(mail_finding(&store, sign_in).await);
            findings.push(admins_finding(&store, sign_in).await);
        }
        Err(error) => findings.push(finding("database", false, error.to_string())),
    }
    let good = findings.iter().all(|finding| finding.good);
    let rows: Vec<Value> = findings
        .iter()
        .map(|finding| json!({ "subject": finding.subject, "ok": finding.good, "says": finding.says }))
        .collect();
    output.answer(&json!({ "ok": good, "findings": rows }), || {
        let line = |finding: &Finding| {
            let mark = if finding.good { "ok  " } else { "FAIL" };
            format!("{mark} {}: {}", finding.subject, finding.says)
        };
        findings.iter().map(line).collect::<Vec<_>>().join("\n")
    });
    if good { Ok(()) } else { Err(CliError::Found) }
}

/// Whether the operator's part of the policy can be used, and how much it excepts.
fn policy_finding(resolved: &Resolved) -> Result<Finding, CliError> {
    let (vocabulary, categories) = (boot::vocabulary()?, boot::categories()?);
    Ok(match boot::policy(&resolved.policy, Mode::Production, (&vocabulary, &categories)) {
        Ok(policy) => {
            let exceptions = policy.narrowings().len();
            finding("policy", true, format!("{exceptions} exceptions; see them with --policy"))
        }
        Err(error) => finding("policy", false, error.to_string()),
    })
}

async fn look(store: &Store, database: &ResolvedDatabase, findings: &mut Vec<Finding>) {
    let trouble = |error: StoreError| finding("database", false, error.to_string());
    findings.push(finding(
        "database",
        true,
        format!("{} answers, its schema is up to date", store.engine().name()),
    ));
    findings.push(clock_finding(store).await);
    match boot::mode_of(store).await {
        Ok(None) => findings.push(finding("mode", true, "no server has started on this database yet")),
        Ok(Some(mode)) => {
            findings.push(finding("mode", true, mode.as_str()));
            findings.push(key_finding(store, mode, database).await);
            findings.extend(providers(store, mode).await);
        }
        Err(error) => findings.push(trouble(error)),
    }
    match store.read(jobs_count).await {
        Ok((open, 0)) => findings.push(finding("jobs", true, format!("{open} waiting, none given up"))),
        Ok((_, dead)) => {
            let sentence = format!("{dead} were given up: look at them in the table `jobs` (dead = 1)");
            findings.push(finding("jobs", false, sentence));
        }
        Err(error) => findings.push(trouble(error)),
    }
}

/// Whether mail goes anywhere: without it nobody signs up or gets a forgotten password back.
async fn mail_finding(store: &Store, sign_in: &SignIn) -> Finding {
    let mode = match boot::mode_of(store).await {
        Ok(mode) => mode.unwrap_or(Mode::Production),
        Err(error) => return finding("mail", false, error.to_string()),
    };
    match boot::mailer(sign_in, mode, store.engine().file()) {
        Err(error) => finding("mail", false, error.to_string()),
        Ok(mailer) if mailer.is_on() => {
            finding("mail", true, format!("it goes out from {}", sign_in.mail_from))
        }
        Ok(_) => finding("mail", true, "none is sent, so nobody can sign up: see --smtp-url"),
    }
}

/// Most admins that are named.
const NAMED: i64 = 20;

/// Who runs the service without a second factor; a fault where this server lets nobody do that.
async fn admins_finding(store: &Store, sign_in: &SignIn) -> Finding {
    match store.read(|tx| admins_without_factor(tx, NAMED)).await {
        Err(error) => finding("admins", false, error.to_string()),
        Ok(without) if without.is_empty() => finding("admins", true, "each has a second factor"),
        Ok(without) => {
            let names = without.join(", ");
            let (good, advice) = match sign_in.admins {
                AdminFactor::Password => (true, "see --admin-second-factor"),
                AdminFactor::Second => (false, "until they set one up, the routes of admins refuse them"),
            };
            finding("admins", good, format!("without a second factor: {names}; {advice}"))
        }
    }
}

/// Whether the key opens what is stored. The server has it from elsewhere: not to be given it is no fault found.
async fn key_finding(store: &Store, mode: Mode, database: &ResolvedDatabase) -> Finding {
    if mode == Mode::Production && database.master_key.is_none() {
        return finding("master key", true, "not looked at: give --master-key-file");
    }
    match boot::open_vault(store, mode, database.master_key.as_ref()).await {
        Ok(_) => finding("master key", true, "it opens what is stored"),
        Err(error) => finding("master key", false, error.to_string()),
    }
}

async fn clock_finding(store: &Store) -> Finding {
    let here = clock::machine_time();
    match store.database_time().await {
        Ok(None) => finding("clock", true, format!("{}, the machine's", here.to_rfc3339_seconds())),
        Ok(Some(there)) => {
            let off = there.since(here).as_micros().saturating_abs();
            let seconds = off / 1_000_000;
            let good = off <= CLOCK_OFF_MOST.as_micros();
            let says = if good {
                "the machine's and the database's agree".to_owned()
            } else {
                format!("the machine's and the database's differ by {seconds} s: set both by NTP")
            };
            finding("clock", good, says)
        }
        Err(error) => finding("clock", false, error.to_string()),
    }
}

async fn providers(store: &Store, mode: Mode) -> Vec<Finding> {
    let read = store.snapshot(|tx| Ok((providers_all(tx)?, offers_all(tx, PLATFORM)?.len()))).await;
    let (providers, offers) = match read {
        Ok(read) => read,
        Err(error) => return vec![finding("providers", false, error.to_string())],
    };
    let on = providers.iter().filter(|provider| provider.enabled).count();
    let advice = match (on, offers, mode) {
        (0, _, Mode::Production) => "; add one: numberotp provider add NAME",
        (_, 0, Mode::Production) => "; set what is sold: numberotp offers import FILE.csv",
        _ => "",
    };
    vec![finding("providers", true, format!("{on} on, {offers} offers{advice}"))]
}
