//! `/api/internal/balance`, `/api/internal/transactions`, `/api/user/profile`.

use super::super::body::{Fields, OptionalFields};
use super::super::extract::{Authenticated, Query};
use super::super::problem::Problem;
use super::super::shapes::account::{Balance, Profile, Transaction, TransactionReference};
use super::super::shapes::{Answer, Listed};
use super::{number, pagination};
use crate::app::Context;
use crate::app::account::{Overview, overview, rename, transactions as page_of};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use numberotp_core::caller::{Caller, Scope, Standing};
use numberotp_core::ledger::{Movement, MovementKind, Reference};
use std::sync::Arc;

/// `GET /api/internal/balance`
pub(in crate::http) async fn balance(
    State(context): State<Arc<Context>>,
    Authenticated(caller): Authenticated,
) -> Result<Json<Balance>, Problem> {
    read_balance(&context, &caller).await
}

/// `POST /api/internal/balance`: the same answer; the body may be left out.
pub(in crate::http) async fn balance_post(
    State(context): State<Arc<Context>>,
    Authenticated(caller): Authenticated,
    OptionalFields(fields): OptionalFields,
) -> Result<Json<Balance>, Problem> {
    // Every answer is read from the ledger, so there is no snapshot to skip; the word is checked all the same.
    fields.flag("refresh")?;
    read_balance(&context, &caller).await
}

async fn read_balance(context: &Context, caller: &Caller) -> Result<Json<Balance>, Problem> {
    caller.require_scope(Scope::Read)?;
    let Overview { account, purses } = overview(context, caller).await?;
    Ok(Json(Balance {
        success: true,
        balance: number(purses.balance_available()),
        credits: purses.credits_available().count(),
        free_credits_used: purses.gift_used().count(),
        is_approved: account.standing == Standing::Approved,
        source: "api",
    }))
}

/// `GET /api/internal/transactions`
pub(in crate::http) async fn transactions(
    State(context): State<Arc<Context>>,
    Authenticated(caller): Authenticated,
    query: Query,
) -> Result<Json<Listed<Transaction>>, Problem> {
    caller.require_scope(Scope::Read)?;
    let page = query.page()?;
    let (movements, total) = page_of(&context, &caller, page.range()).await?;
    let data = movements.iter().map(|movement| transaction(&context, movement)).collect();
    Ok(Json(Listed::new(data, pagination(page, total))))
}

fn transaction(context: &Context, movement: &Movement) -> Transaction {
    let (kind, id) = match movement.reference {
        Reference::Activation(id) => {
            ("rent", context.public_ids.public(id).map(|public| public.to_string()).unwrap_or_default())
        }
        Reference::Operator(id) => ("operator", id.to_string()),
    };
    Transaction {
        id: movement.id.get().to_string(),
        kind: movement.kind.as_str(),
        amount: movement.value.to_string(),
        balance_change: number(movement.balance_change),
        credits_change: movement.credits_change.count(),
        balance_after: number(movement.balance_after),
        credits_after: movement.credits_after.count(),
        description: description(movement.kind, &id),
        reference: TransactionReference { kind, id },
        created_at: movement.at.to_rfc3339_seconds(),
    }
}

/// Rendered when read: the rows themselves hold no texts.
fn description(kind: MovementKind, id: &str) -> String {
    match kind {
        MovementKind::Purchase => format!("Rent {id}"),
        MovementKind::Refund => format!("Refund of rent {id}"),
        MovementKind::Settlement => format!("Settlement of rent {id}"),
        MovementKind::Topup => "Top-up".to_owned(),
        MovementKind::Adjustment => "Adjustment by the operator".to_owned(),
        MovementKind::Bonus => "Bonus credits".to_owned(),
    }
}

/// `GET /api/user/profile`
pub(in crate::http) async fn profile(
    State(context): State<Arc<Context>>,
    Authenticated(caller): Authenticated,
) -> Result<Response, Problem> {
    caller.require_scope(Scope::Read)?;
    Ok(print(&overview(&context, &caller).await?))
}

/// `PATCH /api/user/profile`
pub(in crate::http) async fn profile_patch(
    State(context): State<Arc<Context>>,
    Authenticated(caller): Authenticated,
    fields: Fields,
) -> Result<Response, Problem> {
    caller.require(Scope::Buy)?;
    let name = fields.required("name")?;
    Ok(print(&rename(&context, &caller, name).await?))
}

fn print(Overview { account, purses }: &Overview) -> Response {
    let profile = Profile {
        id: account.id.get().to_string(),
        email: account.email.as_str(),
        name: &account.name,
        email_verified: account.email_is_verified(),
        is_approved: account.standing == Standing::Approved,
        role: account.role.as_str(),
        balance: number(purses.balance_available()),
        credits: purses.credits_available().count(),
        created_at: account.created_at.to_rfc3339_seconds(),
        webhook_url: account.webhook_url.as_deref(),
        reseller: None,
    };
    Json(Answer::new(profile)).into_response()
}
