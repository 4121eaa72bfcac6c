//! `GET /v1/me`: the account as the official clients read it. Source: their `account.get`.

use super::super::extract::Authenticated;
use super::super::problem::Problem;
use super::super::published::number;
use super::super::shapes::Answer;
use super::super::shapes::me::{AuthShape, MeShape};
use crate::app::Context;
use crate::app::account::me;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use numberotp_core::caller::{Role, Scope, Standing};
use std::sync::Arc;

/// `GET /v1/me`
pub(in crate::http) async fn get(
    State(context): State<Arc<Context>>,
    Authenticated(caller): Authenticated,
) -> Result<Response, Problem> {
    caller.require_scope(Scope::Read)?;
    let me = me(&context, &caller).await?;
    let (account, purses) = (&me.overview.account, &me.overview.purses);
    let kind = if caller.credential.is_person() { "person" } else { "api_key" };
    let shape = MeShape {
        id: account.id.get().to_string(),
        email: account.email.as_str(),
        name: &account.name,
        created_at: account.created_at.to_rfc3339_millis(),
        balance: number(me.spendable),
        on_hold: number(me.on_hold),
        currency: "USD",
        credits: purses.credits_available().count(),
        paid_balance: number(purses.balance_available()),
        tier: None,
        status: match account.standing {
            Standing::Approved => "active",
            Standing::Pending => "pending",
            Standing::Limited | Standing::Suspended | Standing::Closed => "on_hold",
        },
        email_verified: account.email_is_verified(),
        is_reseller: account.role == Role::Reseller,
        reseller: None,
        iap_account_token: None,
        auth: AuthShape { kind, scopes: caller.scopes.words().collect() },
    };
    Ok(Json(Answer::new(shape)).into_response())
}
