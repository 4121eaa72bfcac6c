//! `numberotp numbers`: numbers of the operator's own.

use super::output::Output;
use super::{CliError, refused, store_failed, unreadable};
use crate::boot;
use crate::config::{Mode, ResolvedDatabase};
use crate::store::Store;
use crate::store::number::{OwnNumber, Sharing, numbers_after, numbers_put};
use crate::store::offer::{ProviderKind, providers_all};
use clap::Subcommand;
use numberotp_core::id::{NumberId, PLATFORM};
use numberotp_core::text::{Operator, PhoneNumber, ProviderCode};
use numberotp_core::vocabulary::Vocabulary;
use numberotp_providers::sandbox::ranges::is_fiction;
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::PathBuf;

#[derive(Subcommand)]
pub(super) enum NumbersCommand {
    /// Import a CSV file with the columns number, country, operator, provider, shared; all rows or none
    ///
    /// `number` is E.164. With `shared` = yes one number serves several purchases of different services at once;
    /// their messages are told apart by the service they name, so leave it out unless you must.
    Import {
        /// The file
        file: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List own numbers
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Deserialize)]
struct Line {
    number: String,
    country: String,
    #[serde(default)]
    operator: String,
    provider: String,
    #[serde(default)]
    shared: String,
}

pub(super) async fn carry_out(database: ResolvedDatabase, command: NumbersCommand) -> Result<(), CliError> {
    let store = match command {
        NumbersCommand::Import { .. } => boot::open_for_command(&database)?,
        NumbersCommand::List { .. } => boot::open_existing(&database)?,
    };
    let vocabulary = boot::vocabulary()?;
    match command {
        NumbersCommand::Import { file, json } => import(&store, &vocabulary, file, Output::new(json)).await,
        NumbersCommand::List { json } => list(&store, &vocabulary, Output::new(json)).await,
    }
}

async fn import(
    store: &Store,
    vocabulary: &Vocabulary,
    file: PathBuf,
    output: Output,
) -> Result<(), CliError> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_path(&file)
        .map_err(|error| unreadable(&file, &error))?;
    let mut numbers = Vec::new();
    for (index, line) in reader.deserialize::<Line>().enumerate() {
        let row = index.saturating_add(2);
        let line = line.map_err(|error| refused(format!("Line {row}: {error}. Nothing was imported.")))?;
        numbers.push(
            read(&line, vocabulary)
                .map_err(|problem| refused(format!("Line {row}: {problem}. Nothing was imported.")))?,
        );
    }
    if boot::mode_of(store).await.map_err(store_failed)? == Some(Mode::Sandbox)
        && numbers.iter().any(|number| !is_fiction(number.number.expose()))
    {
        return Err(refused(
            "This database is a sandbox: its clock can be moved and its key is published. It takes only numbers that are reserved for fiction, such as +447700900123 (docs/sandbox-numbers.md); real ones need a production database. Nothing was imported.",
        ));
    }
    let providers = store.read(providers_all).await.map_err(store_failed)?;
    for number in &numbers {
        let own = |code: &ProviderCode| {
            providers.iter().any(|known| known.code == *code && known.kind == ProviderKind::Own)
        };
        if !own(&number.provider) {
            let code = number.provider.as_str();
            return Err(refused(format!(
                "There is no gateway {code} for own numbers. Add it first: numberotp provider add {code}. Nothing was imported."
            )));
        }
    }
    let count = numbers.len();
    store.write(move |tx| numbers_put(tx, PLATFORM, &numbers)).await.map_err(store_failed)?;
    output.answer(&json!({ "imported": count }), || format!("{count} numbers are set."));
    Ok(())
}

fn read(line: &Line, vocabulary: &Vocabulary) -> Result<OwnNumber, String> {
    let number = PhoneNumber::parse(&line.number).ok_or("the number is not E.164, such as +447700900123")?;
    let country = vocabulary.find_country(&line.country);
    let country = country.ok_or_else(|| format!("the country {} is not known", line.country))?.id;
    let operator =
        if line.operator.is_empty() { Some(Operator::any()) } else { Operator::parse(&line.operator) };
    let operator = operator.ok_or("the operator is not a short name")?;
    let provider = ProviderCode::parse(&line.provider).ok_or("the provider is not a short name")?;
    let sharing = match line.shared.to_ascii_lowercase().as_str() {
        "" | "no" | "false" | "0" => Sharing::Exclusive,
        "yes" | "true" | "1" => Sharing::Shared,
        _ => return Err("shared is not yes or no".to_owned()),
    };
    Ok(OwnNumber { number, country, operator, provider, sharing })
}

async fn list(store: &Store, vocabulary: &Vocabulary, output: Output) -> Result<(), CliError> {
    const PORTION: i64 = 1_000;
    let all = store.snapshot(|tx| {
        let mut all = Vec::new();
        let mut after = NumberId::new(0);
        loop {
            let portion = numbers_after(tx, PLATFORM, after, PORTION)?;
            let Some((last, _)) = portion.last() else { return Ok(all) };
            after = *last;
            all.extend(portion.into_iter().map(|(_, number)| number));
        }
    });
    let row = |number: &OwnNumber| {
        let country = vocabulary.country(number.country).map(|country| country.iso.to_string());
        json!({
            "number": number.number.expose(),
            "country": country,
            "operator": number.operator.as_str(),
            "provider": number.provider.as_str(),
            "shared": number.sharing == Sharing::Shared,
        })
    };
    let values: Vec<Value> = all.await.map_err(store_failed)?.iter().map(row).collect();
    let lines = || values.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    output.answer(&Value::Array(values.clone()), lines);
    Ok(())
}
