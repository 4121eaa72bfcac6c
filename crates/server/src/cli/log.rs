//! `numberotp log`: what was decided about people and messages, newest first. It shows no text and no number.

use super::output::Output;
use super::{CliError, store_failed};
use crate::boot;
use crate::config::ResolvedDatabase;
use crate::store::act::{Act, acts_page};
use crate::store::log::{Entry, log_newest};
use serde_json::{Value, json};

pub(super) async fn log(database: ResolvedDatabase, limit: u32, output: Output) -> Result<(), CliError> {
    let store = boot::open_existing(&database)?;
    let entries = store.read(move |tx| log_newest(tx, i64::from(limit))).await.map_err(store_failed)?;
    let value = |entry: &Entry| {
        json!({
            "at": entry.at.to_rfc3339_seconds(),
            "actor": entry.actor,
            "action": entry.action,
            "subject": subject(entry),
            "detail": entry.detail,
        })
    };
    let values: Vec<Value> = entries.iter().map(value).collect();
    let line = |entry: &Entry| {
        let about = subject(entry).unwrap_or_else(|| "-".to_owned());
        format!("{} {} {} {about} {}", entry.at.to_rfc3339_seconds(), entry.actor, entry.action, entry.detail)
    };
    output.answer(&Value::Array(values), || entries.iter().map(line).collect::<Vec<_>>().join("\n"));
    Ok(())
}

/// What the people who run the service did, newest first.
pub(super) async fn acts(database: ResolvedDatabase, limit: u32, output: Output) -> Result<(), CliError> {
    let store = boot::open_existing(&database)?;
    let acts = store.snapshot(move |tx| acts_page(tx, None, (i64::from(limit), 0)));
    let (acts, _total) = acts.await.map_err(store_failed)?;
    let value = |act: &Act| {
        json!({
            "seq": act.seq,
            "at": act.at.to_rfc3339_seconds(),
            "actor": act.actor,
            "act": act.act,
            "account": act.subject.map(|account| account.get().to_string()),
            "detail": serde_json::from_str::<Value>(&act.detail).unwrap_or(Value::Null),
            "hash": act.hash.to_string(),
        })
    };
    let line = |act: &Act| {
        let about = act.subject.map_or_else(|| "-".to_owned(), |account| account.get().to_string());
        let at = act.at.to_rfc3339_seconds();
        format!("{:>6} {at} {} {} {about} {}", act.seq, act.actor, act.act, act.detail)
    };
    let values: Vec<Value> = acts.iter().map(value).collect();
    output.answer(&Value::Array(values), || acts.iter().map(line).collect::<Vec<_>>().join("\n"));
    Ok(())
}

/// What an entry is about, such as `activation 17`: the row, as the database and the other commands have it.
fn subject(entry: &Entry) -> Option<String> {
    entry.subject.map(|row| format!("{} {row}", entry.subject_kind))
}
