//! `numberotp audit`: the second bookkeeper.

use super::output::Output;
use super::{CliError, refused, store_failed};
use crate::boot;
use crate::config::ResolvedDatabase;
use crate::store::act::act_by_hash;
use crate::store::audit::{self as books, Check, Report};
use numberotp_core::chain::Digest;
use serde_json::{Value, json};

/// The head of the chain that somebody noted before, and the act that has it now.
type Noted = Option<(Digest, Option<i64>)>;

pub(super) async fn audit(
    database: ResolvedDatabase,
    noted: Option<String>,
    output: Output,
) -> Result<(), CliError> {
    let read = |text: String| {
        Digest::parse(&text).ok_or_else(|| refused("--acts-head: give the 64 digits that `audit` printed."))
    };
    let noted = noted.map(read).transpose()?;
    let store = boot::open_existing(&database)?;
    let now = boot::now(&store).await.map_err(store_failed)?;
    let found = store.snapshot(move |tx| {
        let report = books::audit(tx, now)?;
        let noted = match noted {
            None => None,
            // Before the first act there was nothing to note but this.
            Some(Digest::NOTHING) => Some((Digest::NOTHING, Some(0))),
            Some(head) => Some((head, act_by_hash(tx, head)?)),
        };
        Ok((report, noted))
    });
    let (report, noted) = found.await.map_err(store_failed)?;
    output.answer(&value(&report, noted), || lines(&report, noted));
    let lost = matches!(noted, Some((_, None)));
    if report.clean() && !lost { Ok(()) } else { Err(CliError::Found) }
}

fn value(report: &Report, noted: Noted) -> Value {
    let check = |check: &Check| json!({ "invariant": check.invariant, "says": check.says, "violations": check.violations });
    json!({
        "clean": report.clean() && !matches!(noted, Some((_, None))),
        "checks": report.checks.iter().map(check).collect::<Vec<_>>(),
        "accounts": report.size.accounts,
        "activations": report.size.activations,
        "movements": report.size.movements,
        "transfers": report.size.transfers,
        "messages": report.size.messages,
        "acts": report.chain.count,
        "actsHead": report.chain.head.to_string(),
        "actsBroken": report.chain.broken.map(|broken| broken.to_string()),
        "actsHeadFoundAt": noted.and_then(|(_, seq)| seq),
    })
}

fn lines(report: &Report, noted: Noted) -> String {
    let line = |check: &Check| {
        let mark = if check.violations == 0 { "ok  " } else { "FAIL" };
        let count =
            if check.violations == 0 { String::new() } else { format!(": {} violations", check.violations) };
        format!("{mark} {} {}{count}\n", check.invariant, check.says)
    };
    let checks: String = report.checks.iter().map(line).collect();
    let (size, chain) = (report.size, &report.chain);
    let place = chain.broken.map(|broken| format!("FAIL I12 {broken}\n")).unwrap_or_default();
    let lost = matches!(noted, Some((_, None)));
    let noted = match noted {
        None => String::new(),
        Some((_, Some(seq))) => format!("ok   I12 the head that was noted is act {seq}\n"),
        Some((_, None)) => {
            "FAIL I12 the head that was noted is not in the chain: acts were cut off\n".to_owned()
        }
    };
    let verdict = if report.clean() && !lost { "The books are clean" } else { "The books are NOT clean" };
    format!(
        "{checks}{place}{noted}{verdict}: {} accounts, {} activations, {} movements, {} transfers, {} messages.\nActs: {}, head {}",
        size.accounts,
        size.activations,
        size.movements,
        size.transfers,
        size.messages,
        chain.count,
        chain.head
    )
}
