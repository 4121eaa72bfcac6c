//! `/api/internal/balance`, `/api/internal/transactions`, `/api/user/profile`.

use super::super::body::{Fields, OptionalFields};
use super::super::extract::{Authenticated, Query};
use super::super::problem::Problem;
use super::{number, pagination};
use crate::app::Context;
use crate::app::account::{Overview, overview, rename, transactions as page_of};
use axum::Json;
use axum::extract::State;
use numberotp_core::caller::{Caller, Scope, Standing};
use numberotp_core::ledger::{Movement, MovementKind, Reference};
use serde_json::{Value, json};
use std::sync::Arc;

/// `GET /api/internal/balance`
pub(in crate::http) async fn balance(
    State(context): State<Arc<Context>>,
    Authenticated(caller): Authenticated,
) -> Result<Json<Value>, Problem> {
    read_balance(&context, &caller).await
}

/// `POST /api/internal/balance`: the same answer; the body may be left out.
pub(in crate::http) async fn balance_post(
    State(context): State<Arc<Context>>,
    Authenticated(caller): Authenticated,
    OptionalFields(fields): OptionalFields,
) -> Result<Json<Value>, Problem> {
    // Every answer is read from the ledger, so there is no snapshot to skip; the word is checked all the same.
    fields.flag("refresh")?;
    read_balance(&context, &caller).await
}

async fn read_balance(context: &Context, caller: &Caller) -> Result<Json<Value>, Problem> {
    caller.require(Scope::Read)?;
    let Overview { account, purses } = overview(context, caller).await?;
    Ok(Json(json!({
        "success": true,
        "balance": number(purses.balance_available()),
        "credits": purses.credits_available().count(),
        "freeCreditsUsed": purses.gift_used().count(),
        "isApproved": account.standing == Standing::Approved,
        "source": "api",
    })))
}

/// `GET /api/internal/transactions`
pub(in crate::http) async fn transactions(
    State(context): State<Arc<Context>>,
    Authenticated(caller): Authenticated,
    query: Query,
) -> Result<Json<Value>, Problem> {
    caller.require(Scope::Read)?;
    let page = query.page()?;
    let (movements, total) = page_of(&context, &caller, page.range()).await?;
    let data: Vec<Value> = movements.iter().map(|movement| transaction(&context, movement)).collect();
    Ok(Json(json!({ "success": true, "data": data, "pagination": pagination(page, total) })))
}

fn transaction(context: &Context, movement: &Movement) -> Value {
    let (kind, id) = match movement.reference {
        Reference::Activation(id) => {
            ("rent", context.public_ids.public(id).map(|public| public.to_string()).unwrap_or_default())
        }
        Reference::Operator(id) => ("operator", id.to_string()),
    };
    json!({
        "id": movement.id.get().to_string(),
        "type": movement.kind.as_str(),
        "amount": movement.value.to_string(),
        "balanceChange": number(movement.balance_change),
        "creditsChange": movement.credits_change.count(),
        "balanceAfter": number(movement.balance_after),
        "creditsAfter": movement.credits_after.count(),
        "description": description(movement.kind, &id),
        "reference": { "kind": kind, "id": id },
        "createdAt": movement.at.to_rfc3339_seconds(),
    })
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
) -> Result<Json<Value>, Problem> {
    caller.require(Scope::Read)?;
    Ok(Json(print(&overview(&context, &caller).await?)))
}

/// `PATCH /api/user/profile`
pub(in crate::http) async fn profile_patch(
    State(context): State<Arc<Context>>,
    Authenticated(caller): Authenticated,
    fields: Fields,
) -> Result<Json<Value>, Problem> {
    caller.require(Scope::Buy)?;
    let name = fields.required("name")?;
    Ok(Json(print(&rename(&context, &caller, name).await?)))
}

fn print(Overview { account, purses }: &Overview) -> Value {
    json!({
        "success": true,
        "data": {
            "id": account.id.get().to_string(),
            "email": account.email.as_str(),
            "name": account.name,
            "emailVerified": account.email_is_verified(),
            "isApproved": account.standing == Standing::Approved,
            "role": account.role.as_str(),
            "balance": number(purses.balance_available()),
            "credits": purses.credits_available().count(),
            "createdAt": account.created_at.to_rfc3339_seconds(),
            "webhookUrl": account.webhook_url,
            "reseller": null,
        },
    })
}
