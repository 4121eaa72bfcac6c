//! The part of `numberotp account` that changes accounts and looks into them: the same use cases as the admin routes, by
//! the actor `cli`. Whatever is done is in the chain of acts.

use super::account::{Which, known, line, show_again, value};
use super::output::Output;
use super::{CliError, refused, store_failed};
use crate::app::admin::{self, Adjustment, By, Changed, Reason, SignedOut, Stood};
use crate::app::sessions::{Session, Which as Ending};
use crate::boot;
use crate::config::ResolvedDatabase;
use crate::store::Store;
use clap::Args;
use numberotp_core::caller::Standing;
use numberotp_core::id::SessionId;
use numberotp_core::money::Usd;
use serde_json::{Value, json};

/// Why, if nobody says why.
const UNSAID: &str = "by the command line";
/// Most accounts that are shown at once.
const FOUND_MOST: i64 = 1_000;

#[derive(Args)]
pub(super) struct Stand {
    #[command(flatten)]
    which: Which,
    /// Why, in up to 500 characters; it is kept for ever. Suspending and closing need one
    #[arg(long)]
    reason: Option<String>,
}

#[derive(Args)]
pub(super) struct Amounts {
    #[command(flatten)]
    which: Which,
    /// Credits
    #[arg(long, required_unless_present = "balance")]
    credits: Option<i64>,
    /// USD, such as 10 or 0.50
    #[arg(long)]
    balance: Option<String>,
    /// A name for this change, such as the number of an invoice: repeated under the same name it is made once
    #[arg(long)]
    reference: Option<String>,
    /// Why, in up to 500 characters; it is kept for ever
    #[arg(long)]
    reason: Option<String>,
}

#[derive(Args)]
pub(super) struct SignOut {
    #[command(flatten)]
    which: Which,
    /// This sign-in only, by the id that `account sessions` prints
    #[arg(long)]
    session: Option<i64>,
    /// Why, in up to 500 characters; it is kept for ever
    #[arg(long)]
    reason: Option<String>,
}

#[derive(Args)]
pub(super) struct Find {
    /// An id, or how an e-mail or a name begins
    query: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Which way an amount goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Credit,
    Debit,
}

fn reason(text: Option<&str>) -> Result<Reason, CliError> {
    let reason = Reason::parse(text.unwrap_or(UNSAID));
    reason.ok_or_else(|| refused("--reason: give a line of 1 to 500 characters."))
}

pub(super) async fn set_standing(store: &Store, stand: &Stand, standing: Standing) -> Result<(), CliError> {
    if standing.seals() && stand.reason.is_none() {
        return Err(refused("Say why: --reason TEXT. It is kept with the act, for ever."));
    }
    let reason = reason(stand.reason.as_deref())?;
    let (account, _) = known(store, &stand.which).await?;
    let (id, by) = (account.id, By::command_line(boot::now(store).await?));
    let stood = store.write(move |tx| admin::set_standing(tx, &by, (id, standing), &reason));
    match stood.await.map_err(store_failed)? {
        Stood::Done => {}
        Stood::Already => Output::say(&format!("It is {} already; nothing was changed.", standing.as_str())),
        Stood::Refused(from) => {
            let (from, to) = (from.as_str(), standing.as_str());
            return Err(refused(format!(
                "The account is {from}, and cannot become {to}; nothing was changed."
            )));
        }
        Stood::Own | Stood::Missing => return Err(refused("The account is gone; nothing was changed.")),
    }
    show_again(store, &stand.which).await
}

pub(super) async fn change(
    store: &Store,
    database: &ResolvedDatabase,
    amounts: Amounts,
    way: Way,
) -> Result<(), CliError> {
    let (account, _) = known(store, &amounts.which).await?;
    let read = |text: &str| Usd::parse(text).map_err(|error| refused(format!("--balance {text} {error}.")));
    let balance = amounts.balance.as_deref().map(read).transpose()?.unwrap_or_default();
    let credits = amounts.credits.unwrap_or_default();
    if credits < 0 || balance.micros() < 0 {
        return Err(refused("Amounts must not be negative; use `account debit` to take away."));
    }
    let sign = if way == Way::Credit { 1 } else { -1 };
    let wanted = Adjustment {
        account: account.id,
        credits: credits.saturating_mul(sign),
        balance: Usd::from_micros(balance.micros().saturating_mul(sign)),
        credit: database.credit,
        reason: reason(amounts.reason.as_deref())?,
        reference: amounts.reference.clone(),
    };
    let by = By::command_line(boot::now(store).await?);
    let changed = store.write(move |tx| admin::adjust(tx, &by, &wanted)).await.map_err(store_failed)?;
    match changed {
        Changed::Done => {}
        Changed::Before => {
            Output::say("This was done before under the same reference; nothing was changed.");
        }
        Changed::Short => return Err(refused("The purses do not hold that much; nothing was changed.")),
        Changed::OtherChange => {
            let sentence =
                "Under this reference another change was made; nothing was changed. Give another one.";
            return Err(refused(sentence));
        }
        Changed::Nothing => {
            return Err(refused("Say how much: --credits N or --balance USD, above zero."));
        }
        Changed::Own | Changed::Missing => {
            return Err(refused("The account is gone; nothing was changed."));
        }
    }
    show_again(store, &amounts.which).await
}

pub(super) async fn find(store: &Store, find: Find) -> Result<(), CliError> {
    let by = By::command_line(boot::now(store).await?);
    let found = admin::find(store, by, find.query.trim().to_owned(), (FOUND_MOST, 0));
    let (found, _total) = found.await.map_err(store_failed)?;
    let values: Vec<Value> = found.iter().map(|(account, purses)| value(account, purses)).collect();
    let lines = || found.iter().map(|(account, purses)| line(account, purses)).collect::<Vec<_>>().join("\n");
    Output::new(find.json).answer(&Value::Array(values), lines);
    Ok(())
}

pub(super) async fn sessions(store: &Store, which: &Which) -> Result<(), CliError> {
    let (account, _) = known(store, which).await?;
    let (id, by) = (account.id, By::command_line(boot::now(store).await?));
    let live = store.write(move |tx| admin::sessions(tx, &by, id)).await.map_err(store_failed)?;
    let live = live.unwrap_or_default();
    let value = |session: &Session| {
        json!({
            "id": session.id.get().to_string(),
            "kind": session.kind.as_str(),
            "platform": session.device.platform,
            "deviceName": session.device.name,
            "network": session.device.network,
            "createdAt": session.created_at.to_rfc3339_seconds(),
            "expiresAt": session.expires_at.to_rfc3339_seconds(),
        })
    };
    let line = |session: &Session| {
        let (kind, device) = (session.kind.as_str(), &session.device);
        let (id, since) = (session.id.get(), session.created_at.to_rfc3339_seconds());
        // What a device says of itself may be anything.
        format!(
            "{id:>8}  {kind:<6}  since {since}  {:?} {:?} {}",
            device.platform, device.name, device.network
        )
    };
    let values: Vec<Value> = live.iter().map(value).collect();
    Output::new(which.json)
        .answer(&Value::Array(values), || live.iter().map(line).collect::<Vec<_>>().join("\n"));
    Ok(())
}

pub(super) async fn sign_out(store: &Store, out: SignOut) -> Result<(), CliError> {
    let (account, _) = known(store, &out.which).await?;
    let (id, by) = (account.id, By::command_line(boot::now(store).await?));
    let ending = out.session.map_or(Ending::All, |session| Ending::One(SessionId::new(session)));
    let reason = reason(out.reason.as_deref())?;
    let ended = store.write(move |tx| admin::sign_out(tx, &by, (id, ending), Some(&reason)));
    match ended.await.map_err(store_failed)? {
        SignedOut::Done(count) => {
            Output::new(out.which.json)
                .answer(&json!({ "ended": count }), || format!("{count} sign-ins ended."));
            Ok(())
        }
        SignedOut::Missing => {
            Err(refused("The account has no such sign-in. `numberotp account sessions` shows them."))
        }
    }
}
