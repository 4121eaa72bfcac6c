//! `numberotp provider`: gateways that supply numbers and deliver their messages.

use super::output::Output;
use super::{CliError, refused, store_failed};
use crate::app::catalog::secret_name;
use crate::boot;
use crate::config::{Mode, ResolvedDatabase};
use crate::entropy;
use crate::store::Store;
use crate::store::offer::{ProviderKind, StoredProvider, provider_create, provider_enable, providers_all};
use crate::store::provider_key::provider_rotate;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Subcommand;
use numberotp_core::id::PLATFORM;
use numberotp_core::secret::SecretBytes;
use numberotp_core::text::ProviderCode;
use numberotp_core::time::Span;
use numberotp_providers::sandbox;
use serde_json::{Value, json};

/// Fewest characters of a secret that somebody brings.
const SECRET_LEAST: usize = 16;
/// How long an old secret is accepted unless it is said.
const KEEP: &str = "24h";

#[derive(Subcommand)]
pub(super) enum ProviderCommand {
    /// Add a gateway for own numbers; prints the secret that its webhooks are signed with, once
    Add {
        /// Its short name, part of its webhook's address
        code: String,
        /// The secret, at least 16 characters [default: a fresh one]
        #[arg(long, env = "NUMBEROTP_PROVIDER_SECRET", hide_env_values = true)]
        secret: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Give a gateway a new secret; prints it once. What the old one signed is accepted for a while longer
    Rotate {
        /// Its short name
        code: String,
        /// How long the old secret is accepted; 0s ends it now, and every older one [default: 24h]
        #[arg(long)]
        keep: Option<String>,
        /// The secret, at least 16 characters [default: a fresh one]
        #[arg(long, env = "NUMBEROTP_PROVIDER_SECRET", hide_env_values = true)]
        secret: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List providers
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Let a provider sell
    Enable {
        /// Its short name
        code: String,
    },
    /// Stop a provider from selling
    Disable {
        /// Its short name
        code: String,
    },
}

pub(super) async fn carry_out(database: ResolvedDatabase, command: ProviderCommand) -> Result<(), CliError> {
    let store = match command {
        ProviderCommand::Add { .. } => boot::open_for_command(&database)?,
        _ => boot::open_existing(&database)?,
    };
    match command {
        ProviderCommand::Add { code, secret, json } => {
            add(&store, &database, &code, secret, Output::new(json)).await
        }
        ProviderCommand::Rotate { code, keep, secret, json } => {
            let keep = keep_span(keep.as_deref())?;
            rotate(&store, &database, (&code, secret, keep), Output::new(json)).await
        }
        ProviderCommand::List { json } => list(&store, Output::new(json)).await,
        ProviderCommand::Enable { code } => switch(&store, &code, true).await,
        ProviderCommand::Disable { code } => switch(&store, &code, false).await,
    }
}

fn read_code(code: &str) -> Result<ProviderCode, CliError> {
    ProviderCode::parse(code)
        .ok_or_else(|| refused("A provider's name is 1 to 32 letters, digits and dashes."))
}

async fn add(
    store: &Store,
    database: &ResolvedDatabase,
    code: &str,
    secret: Option<String>,
    output: Output,
) -> Result<(), CliError> {
    let code = read_code(code)?;
    if code.as_str() == sandbox::CODE {
        return Err(refused("That name is the sandbox's own. Choose another."));
    }
    let (secret, wrapped) = new_secret(store, database, &code, secret).await?;
    let provider =
        StoredProvider { code: code.clone(), kind: ProviderKind::Own, secret: wrapped, enabled: true };
    let now = boot::now(store).await.map_err(store_failed)?;
    let made =
        store.write(move |tx| provider_create(tx, PLATFORM, &provider, now)).await.map_err(store_failed)?;
    if !made {
        return Err(refused(format!("A provider {} exists already.", code.as_str())));
    }
    let webhook = format!("/api/webhooks/sms/{}", code.as_str());
    let value = json!({ "code": code.as_str(), "kind": "own", "webhook": webhook, "secret": secret });
    output.answer(&value, || {
        format!("Provider {}\nWebhook  POST {webhook}\nSecret   {secret}   (shown once; sign the raw body with it: x-signature: sha256=<hex of HMAC-SHA256>)", code.as_str())
    });
    Ok(())
}

/// A secret as it is shown, and as it is kept.
async fn new_secret(
    store: &Store,
    database: &ResolvedDatabase,
    code: &ProviderCode,
    given: Option<String>,
) -> Result<(String, Vec<u8>), CliError> {
    let secret = match given {
        Some(secret) if secret.len() < SECRET_LEAST => {
            return Err(refused(
                "The secret is shorter than 16 characters. Leave it out to get a fresh one.",
            ));
        }
        Some(secret) => secret,
        None => URL_SAFE_NO_PAD.encode(entropy::bytes::<32>()?),
    };
    let mode = boot::mode_of(store).await.map_err(store_failed)?.unwrap_or(Mode::Production);
    let vault = boot::open_vault(store, mode, database.master_key.as_ref()).await?;
    let wrapped = vault.wrap(&secret_name(code), &SecretBytes::new(secret.as_bytes()))?;
    Ok((secret, wrapped))
}

/// Whether this secret is a gateway's today.
async fn has_already(
    store: &Store,
    database: &ResolvedDatabase,
    (code, secret): (&ProviderCode, &str),
) -> Result<bool, CliError> {
    let mode = boot::mode_of(store).await.map_err(store_failed)?.unwrap_or(Mode::Production);
    let vault = boot::open_vault(store, mode, database.master_key.as_ref()).await?;
    let providers = store.read(providers_all).await.map_err(store_failed)?;
    Ok(providers.iter().filter(|known| known.code == *code).any(|known| {
        let today = vault.unwrap(&secret_name(code), &known.secret);
        today.is_ok_and(|today| today.expose() == secret.as_bytes())
    }))
}

fn keep_span(text: Option<&str>) -> Result<Span, CliError> {
    let text = text.unwrap_or(KEEP);
    Span::parse(text)
        .ok_or_else(|| refused(format!("--keep {text} is not a length of time such as 90s, 24h or 3d.")))
}

async fn rotate(
    store: &Store,
    database: &ResolvedDatabase,
    (code, secret, keep): (&str, Option<String>, Span),
    output: Output,
) -> Result<(), CliError> {
    let code = read_code(code)?;
    if code.as_str() == sandbox::CODE {
        return Err(refused("The sandbox signs its messages itself; its secret is nobody's to change."));
    }
    // To "replace" a secret by itself would be told as a success and end nothing.
    if let Some(given) = &secret
        && has_already(store, database, (&code, given)).await?
    {
        let name = code.as_str();
        return Err(refused(format!(
            "{name} has that secret already; nothing was changed. Is NUMBEROTP_PROVIDER_SECRET still set? Leave the secret out to get a fresh one."
        )));
    }
    let (secret, wrapped) = new_secret(store, database, &code, secret).await?;
    let now = boot::now(store).await.map_err(store_failed)?;
    let until = now.plus(keep);
    let named = code.clone();
    let known = store.write(move |tx| provider_rotate(tx, &named, &wrapped, (now, until))).await;
    if !known.map_err(store_failed)? {
        return Err(refused(format!("There is no provider {}.", code.as_str())));
    }
    let until = until.to_rfc3339_seconds();
    let value = json!({ "code": code.as_str(), "secret": secret, "oldSecretUntil": until });
    output.answer(&value, || {
        format!("Provider {}\nSecret   {secret}   (shown once)\nWhat the old secret signs is accepted until {until}.", code.as_str())
    });
    Ok(())
}

async fn list(store: &Store, output: Output) -> Result<(), CliError> {
    let providers = store.read(providers_all).await.map_err(store_failed)?;
    let row = |provider: &StoredProvider| json!({ "code": provider.code.as_str(), "kind": provider.kind.as_str(), "enabled": provider.enabled });
    let values: Vec<Value> = providers.iter().map(row).collect();
    let lines = || values.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    output.answer(&Value::Array(values.clone()), lines);
    Ok(())
}

async fn switch(store: &Store, code: &str, enabled: bool) -> Result<(), CliError> {
    let parsed = read_code(code)?;
    let known = store.write(move |tx| provider_enable(tx, &parsed, enabled)).await.map_err(store_failed)?;
    if !known {
        return Err(refused(format!("There is no provider {code}.")));
    }
    Output::say(&format!("Provider {code} is {}.", if enabled { "on" } else { "off" }));
    Ok(())
}
