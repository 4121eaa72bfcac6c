//! `numberotp audit`: the second bookkeeper.

use super::output::Output;
use super::{CliError, store_failed};
use crate::boot;
use crate::config::ResolvedDatabase;
use crate::store::audit::{self as books, Check, Report};
use serde_json::{Value, json};

pub(super) async fn audit(database: ResolvedDatabase, output: Output) -> Result<(), CliError> {
    let store = boot::open_existing(&database)?;
    let now = boot::now(&store).await.map_err(store_failed)?;
    let report = store.snapshot(move |tx| books::audit(tx, now)).await.map_err(store_failed)?;
    output.answer(&value(&report), || lines(&report));
    if report.clean() { Ok(()) } else { Err(CliError::Found) }
}

fn value(report: &Report) -> Value {
    let check = |check: &Check| json!({ "invariant": check.invariant, "says": check.says, "violations": check.violations });
    json!({
        "clean": report.clean(),
        "checks": report.checks.iter().map(check).collect::<Vec<_>>(),
        "accounts": report.size.accounts,
        "activations": report.size.activations,
        "movements": report.size.movements,
        "transfers": report.size.transfers,
        "messages": report.size.messages,
    })
}

fn lines(report: &Report) -> String {
    let line = |check: &Check| {
        let mark = if check.violations == 0 { "ok  " } else { "FAIL" };
        let count =
            if check.violations == 0 { String::new() } else { format!(": {} violations", check.violations) };
        format!("{mark} {} {}{count}\n", check.invariant, check.says)
    };
    let checks: String = report.checks.iter().map(line).collect();
    let size = report.size;
    let verdict = if report.clean() { "The books are clean" } else { "The books are NOT clean" };
    format!(
        "{checks}{verdict}: {} accounts, {} activations, {} movements, {} transfers, {} messages.",
        size.accounts, size.activations, size.movements, size.transfers, size.messages
    )
}
