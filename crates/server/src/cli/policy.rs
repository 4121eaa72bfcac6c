//! `numberotp doctor --policy`: what is refused and what is required, as the server would have it that is started
//! with the same flags, variables and file. Exit code 1 if something required is off.

use super::CliError;
use super::output::Output;
use crate::boot::{self, BootError};
use crate::config::{Mode, Resolved};
use crate::store::StoreError;
use numberotp_core::policy::{Category, Controls, Narrowing, Off, Policy, Summary};
use serde_json::{Value, json};

pub(super) async fn policy(resolved: Resolved, output: Output) -> Result<(), CliError> {
    let mode = mode(&resolved).await?;
    let vocabulary = boot::vocabulary()?;
    let policy = boot::policy(&resolved.policy, mode, (&vocabulary, &boot::categories()?))?;
    let controls = boot::controls(&resolved.edge, &resolved.settings(mode));
    output.answer(&value(&policy, &controls), || lines(&policy, &controls));
    if controls.off().is_empty() { Ok(()) } else { Err(CliError::Found) }
}

/// The database's mode; where no server has started yet, what the next start would make it.
async fn mode(resolved: &Resolved) -> Result<Mode, CliError> {
    let written = match resolved.database.engine.missing_file() {
        Some(_) => None,
        None => match boot::open_existing(&resolved.database) {
            Ok(store) => boot::mode_of(&store).await.map_err(super::store_failed)?,
            Err(BootError::Store(StoreError::NoSchema)) => None,
            Err(error) => return Err(error.into()),
        },
    };
    let next = if resolved.implicit_sandbox { Mode::Sandbox } else { Mode::Production };
    Ok(written.or(resolved.asked).unwrap_or(next))
}

fn value(policy: &Policy, controls: &Controls) -> Value {
    let summary = policy.summary();
    let category = |(category, services): &(Category, usize)| {
        let shipped = category.is_denied_as_shipped();
        json!({ "category": category.as_str(), "services": services, "shipped": shipped })
    };
    let narrowing =
        |narrowing: &Narrowing| json!({ "what": narrowing.what.to_string(), "reason": narrowing.reason });
    let off = controls.off();
    let control = |control: &Off| json!({ "control": control.as_str(), "on": !off.contains(control) });
    json!({
        "version": summary.version,
        "mode": summary.place.as_str(),
        "denied_categories": summary.categories.iter().map(category).collect::<Vec<_>>(),
        "denied_services": summary.services.iter().map(|code| code.as_str()).collect::<Vec<_>>(),
        "exceptions": summary.narrowings.iter().map(narrowing).collect::<Vec<_>>(),
        "idle_exceptions": summary.idle.iter().map(|one| one.what.to_string()).collect::<Vec<_>>(),
        "messages_screened": true,
        "required": Off::ALL.iter().map(control).collect::<Vec<_>>(),
        "real_numbers_may_start": off.is_empty(),
    })
}

fn lines(policy: &Policy, controls: &Controls) -> String {
    let summary: Summary<'_> = policy.summary();
    let mut text =
        format!("{summary}messages: those that look like a bank's or an authority's are withheld\n");
    let off = controls.off();
    for control in Off::ALL {
        let line = if off.contains(&control) {
            format!("OFF  {}: {control}\n", control.as_str())
        } else {
            format!("on   {}\n", control.as_str())
        };
        text.push_str(&line);
    }
    text.push_str(if off.is_empty() {
        "Everything required is on: providers of real numbers may start."
    } else {
        "No provider of real numbers starts until that is on."
    });
    text
}
