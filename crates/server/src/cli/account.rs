//! `numberotp account`: needs nothing but the database, works beside a running server, and what it prints is
//! accepted by that server at once.

use super::operate::{self, Amounts, Find, SignOut, Stand, Way};
use super::output::Output;
use super::{CliError, refused, store_failed};
use crate::app::admin::{self, By};
use crate::app::auth::{api_key_make, jwt_make, session_make, session_store};
use crate::app::password;
use crate::boot;
use crate::config::ResolvedDatabase;
use crate::store::account::{
    Account, NewAccount, account_by_email, account_create, account_get, accounts_after,
};
use crate::store::api_key::api_key_create;
use crate::store::ledger::{OperatorChange, purses_change, purses_get};
use crate::store::session::Device;
use crate::store::{Store, StoreError, Tx};
use clap::{Args, Subcommand, ValueEnum};
use numberotp_core::caller::{Role, Scopes, Standing};
use numberotp_core::id::{AccountId, PLATFORM};
use numberotp_core::ledger::{Change, MovementKind, Purse, Purses};
use numberotp_core::money::Usd;
use numberotp_core::secret::Secret;
use numberotp_core::text::{Email, display_name};
use serde_json::{Value, json};

#[derive(Subcommand)]
pub(super) enum AccountCommand {
    /// Make an account with an API key (scopes read and buy), a session and a JWT; no gift is added
    Create(Box<Create>),
    /// Show an account and its purses
    Show(Which),
    /// List all accounts
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Find accounts by id, or by how e-mail or name begins
    Find(Find),
    /// Let it buy
    Approve(Stand),
    /// Stop it over money: it buys nothing new, what runs goes on
    #[command(alias = "hold")]
    Limit(Stand),
    /// Stop it over abuse: it buys nothing, and its messages are shown to nobody
    Suspend(Stand),
    /// Shut it for good: nothing opens it any more
    Close(Stand),
    /// Add credits or balance
    Credit(Amounts),
    /// Take credits or balance away; what is not there is refused
    Debit(Amounts),
    /// Where its people are signed in
    Sessions(Which),
    /// End one of its sign-ins, or all of them
    SignOut(SignOut),
}

#[derive(Args)]
pub(super) struct Create {
    /// E-mail; counts as verified
    #[arg(long)]
    email: String,
    /// Password; without one, nobody can sign in with a password
    #[arg(long, env = "NUMBEROTP_ACCOUNT_PASSWORD", hide_env_values = true)]
    password: Option<String>,
    /// Display name [default: the part before the @]
    #[arg(long)]
    name: Option<String>,
    /// Let it buy at once
    #[arg(long)]
    approve: bool,
    /// Credits to begin with
    #[arg(long)]
    credits: Option<i64>,
    /// Balance in USD to begin with, such as 10 or 0.50
    #[arg(long)]
    balance: Option<String>,
    /// What it is
    #[arg(long, value_enum, default_value = "customer")]
    role: RoleWord,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RoleWord {
    Customer,
    Reseller,
    Admin,
}

#[derive(Args)]
pub(super) struct Which {
    /// E-mail or id
    #[arg(required_unless_present = "email")]
    account: Option<String>,
    /// E-mail
    #[arg(long)]
    email: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) async fn carry_out(database: ResolvedDatabase, command: AccountCommand) -> Result<(), CliError> {
    let store = match command {
        AccountCommand::Create(_) => boot::open_for_command(&database)?,
        _ => boot::open_existing(&database)?,
    };
    match command {
        AccountCommand::Create(create) => make(&store, &database, *create).await,
        AccountCommand::Show(which) => show(&store, &which).await,
        AccountCommand::List { json } => list(&store, Output::new(json)).await,
        AccountCommand::Approve(stand) => operate::set_standing(&store, &stand, Standing::Approved).await,
        AccountCommand::Limit(stand) => operate::set_standing(&store, &stand, Standing::Limited).await,
        AccountCommand::Suspend(stand) => operate::set_standing(&store, &stand, Standing::Suspended).await,
        AccountCommand::Close(stand) => operate::set_standing(&store, &stand, Standing::Closed).await,
        AccountCommand::Credit(amounts) => operate::change(&store, &database, amounts, Way::Credit).await,
        AccountCommand::Debit(amounts) => operate::change(&store, &database, amounts, Way::Debit).await,
        AccountCommand::Find(find) => operate::find(&store, find).await,
        AccountCommand::Sessions(which) => operate::sessions(&store, &which).await,
        AccountCommand::SignOut(out) => operate::sign_out(&store, out).await,
    }
}

async fn make(store: &Store, database: &ResolvedDatabase, create: Create) -> Result<(), CliError> {
    let email = Email::parse(&create.email)
        .ok_or_else(|| refused(format!("{} is not an e-mail address.", create.email)))?;
    let fallback = email.as_str().split('@').next().unwrap_or_default().to_owned();
    let name = display_name(&create.name.unwrap_or(fallback))
        .ok_or_else(|| refused("The name must be 1 to 100 characters."))?;
    let password_hash =
        create.password.map(|given| hash_password(&Secret::new(given), &email)).transpose()?;
    let changes = changes(create.credits, create.balance.as_deref())?;
    let role = match create.role {
        RoleWord::Customer => Role::Customer,
        RoleWord::Reseller => Role::Reseller,
        RoleWord::Admin => Role::Admin,
    };
    let now = boot::now(store).await?;
    let standing = if create.approve { Standing::Approved } else { Standing::Pending };
    let new = NewAccount { brand: PLATFORM, email, name, password_hash, role, standing, now };
    let jwt_key = boot::jwt_key(store).await?;
    let session = session_make()?;
    let (stored_session, credit) = (session.clone(), database.credit);
    let made = store.write(move |tx| {
        let Some(account) = account_create(tx, &new)? else { return Ok(None) };
        let (key, stored) = api_key_make(&account, "command line", Scopes::READ_BUY, now)
            .map_err(|error| StoreError::Driver(error.to_string()))?;
        api_key_create(tx, &stored)?;
        let device = Device { platform: "command line".to_owned(), ..Device::default() };
        let session = session_store(tx, &account, &stored_session, (device, now))?;
        for (kind, change) in &changes {
            let order = OperatorChange {
                brand: PLATFORM,
                account: account.id,
                kind: *kind,
                change: *change,
                credit,
                now,
            };
            purses_change(tx, order)?.map_err(|refused| StoreError::Driver(format!("{refused:?}")))?;
        }
        admin::made(tx, &By::command_line(now), account.id, (account.role, account.standing))?;
        Ok(Some((account, key, session)))
    });
    let Some((account, key, session_row)) = made.await.map_err(store_failed)? else {
        return Err(refused("An account with this e-mail exists already."));
    };
    let jwt = jwt_make(&jwt_key, &account, session_row, now).map_err(|fault| refused(fault.to_string()))?;
    let value = json!({
        "id": account.id.get().to_string(),
        "email": account.email.as_str(),
        "apiKey": key.expose(),
        "sessionToken": session.expose(),
        "jwt": jwt.expose(),
    });
    Output::new(create.json).answer(&value, || {
        format!(
            "Account {} ({}), {}\nAPI key        {}\nSession token  {}\nJWT            {}\nThese are shown once.",
            account.id.get(), account.email.as_str(), account.standing.as_str(), key.expose(), session.expose(), jwt.expose()
        )
    });
    Ok(())
}

fn hash_password(password: &Secret, email: &Email) -> Result<String, CliError> {
    let fits = password::acceptable("--password", password, email);
    fits.and_then(|()| password::hash_now(password)).map_err(|fault| refused(fault.message.into_owned()))
}

fn changes(credits: Option<i64>, balance: Option<&str>) -> Result<Vec<(MovementKind, Change)>, CliError> {
    let mut changes = Vec::new();
    if let Some(text) = balance {
        let amount = Usd::parse(text).map_err(|error| refused(format!("--balance {text} {error}.")))?;
        changes.push((MovementKind::Adjustment, Change { purse: Purse::Balance, amount: amount.micros() }));
    }
    if let Some(credits) = credits {
        changes.push((MovementKind::Bonus, Change { purse: Purse::Granted, amount: credits }));
    }
    if changes.iter().any(|(_, change)| change.amount < 0) {
        return Err(refused("Amounts must not be negative; use `account debit` to take away."));
    }
    changes.retain(|(_, change)| change.amount > 0);
    Ok(changes)
}

fn find(tx: &mut Tx<'_>, text: &str) -> Result<Option<Account>, StoreError> {
    match text.parse::<i64>() {
        Ok(id) => account_get(tx, AccountId::new(id)),
        Err(_not_an_id) => match Email::parse(text) {
            Some(email) => account_by_email(tx, PLATFORM, &email),
            None => Ok(None),
        },
    }
}

pub(super) async fn known(store: &Store, which: &Which) -> Result<(Account, Purses), CliError> {
    let text = which.email.clone().or_else(|| which.account.clone()).unwrap_or_default();
    let sentence = format!("There is no account {text}. `numberotp account list` shows them all.");
    let found = store.snapshot(move |tx| {
        let Some(account) = find(tx, &text)? else { return Ok(None) };
        let purses = purses_get(tx, account.id)?.unwrap_or_default();
        Ok(Some((account, purses)))
    });
    found.await.map_err(store_failed)?.ok_or_else(|| refused(sentence))
}

pub(super) fn value(account: &Account, purses: &Purses) -> Value {
    json!({
        "id": account.id.get().to_string(),
        "email": account.email.as_str(),
        "name": account.name,
        "role": account.role.as_str(),
        "standing": account.standing.as_str(),
        "balance": purses.balance_available().to_string(),
        "credits": purses.credits_available().count(),
        "onHold": Usd::from_micros(purses.balance.held).to_string(),
        "createdAt": account.created_at.to_rfc3339_seconds(),
    })
}

pub(super) fn line(account: &Account, purses: &Purses) -> String {
    format!(
        "{:>8}  {:<32} {:<9} {:<9} balance {:>10}  credits {:>8}",
        account.id.get(),
        account.email.as_str(),
        account.role.as_str(),
        account.standing.as_str(),
        purses.balance_available().to_string(),
        purses.credits_available().count()
    )
}

async fn show(store: &Store, which: &Which) -> Result<(), CliError> {
    let (account, _) = known(store, which).await?;
    let (id, by) = (account.id, By::command_line(boot::now(store).await?));
    store.write(move |tx| admin::look(tx, &by, id)).await.map_err(store_failed)?;
    show_again(store, which).await
}

/// The account as it is now, after something was done to it.
pub(super) async fn show_again(store: &Store, which: &Which) -> Result<(), CliError> {
    let (account, purses) = known(store, which).await?;
    Output::new(which.json).answer(&value(&account, &purses), || line(&account, &purses));
    Ok(())
}

async fn list(store: &Store, output: Output) -> Result<(), CliError> {
    const PORTION: i64 = 1_000;
    let all = store.snapshot(|tx| {
        let mut all = Vec::new();
        let mut after = AccountId::new(0);
        loop {
            let portion = accounts_after(tx, PLATFORM, after, PORTION)?;
            let Some(last) = portion.last() else { return Ok(all) };
            after = last.id;
            for account in portion {
                let purses = purses_get(tx, account.id)?.unwrap_or_default();
                all.push((account, purses));
            }
        }
    });
    let all = all.await.map_err(store_failed)?;
    let by = By::command_line(boot::now(store).await?);
    let found = i64::try_from(all.len()).unwrap_or(i64::MAX);
    admin::looked_for(store, by, found).await.map_err(store_failed)?;
    let values: Vec<Value> = all.iter().map(|(account, purses)| value(account, purses)).collect();
    output.answer(&Value::Array(values), || {
        all.iter().map(|(account, purses)| line(account, purses)).collect::<Vec<_>>().join("\n")
    });
    Ok(())
}
