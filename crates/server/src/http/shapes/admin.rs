//! What the people who run the service see: accounts, sign-ins, and the acts of each other.

use super::account::roles;
use super::{amount, id, moment, words};
use crate::app::admin::{Act, Summary};
use crate::app::sessions::Session;
use numberotp_core::caller::Standing;
use numberotp_core::money::Usd;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::schema::Object;

/// An account in a list.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AdminAccount)]
pub(in crate::http) struct Line {
    #[schema(schema_with = id)]
    id: String,
    /// Its e-mail address.
    email: String,
    /// Its name.
    name: String,
    #[schema(schema_with = roles)]
    role: &'static str,
    #[schema(schema_with = standings)]
    standing: &'static str,
    #[schema(schema_with = amount)]
    balance: String,
    /// Credits that are not set aside.
    credits: i64,
    /// Of the balance, what is set aside for purchases that go on.
    #[schema(schema_with = amount)]
    on_hold: String,
    #[schema(schema_with = moment)]
    created_at: String,
}

impl Line {
    pub(in crate::http) fn of((account, purses): &Summary) -> Self {
        Self {
            id: account.id.get().to_string(),
            email: account.email.as_str().to_owned(),
            name: account.name.clone(),
            role: account.role.as_str(),
            standing: account.standing.as_str(),
            balance: purses.balance_available().to_string(),
            credits: purses.credits_available().count(),
            on_hold: Usd::from_micros(purses.balance.held).to_string(),
            created_at: account.created_at.to_rfc3339_seconds(),
        }
    }
}

fn standings() -> Object {
    words("Where the account stands.", Standing::ALL.map(Standing::as_str))
}

/// All that is shown of one account.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AdminLooked)]
pub(in crate::http) struct Looked {
    pub(in crate::http) account: Line,
    /// How many numbers it rented.
    pub(in crate::http) rents: i64,
    /// How many of those go on.
    pub(in crate::http) open_rents: i64,
    /// How many API keys it has.
    pub(in crate::http) keys: i64,
    /// How many sign-ins it has.
    pub(in crate::http) sessions: i64,
    /// When it signed in last.
    #[schema(required)]
    pub(in crate::http) last_sign_in_at: Option<String>,
    /// Its newest live sign-ins, five at most.
    pub(in crate::http) sign_ins: Vec<SignIn>,
}

/// A sign-in of somebody.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AdminSignIn)]
pub(in crate::http) struct SignIn {
    #[schema(schema_with = id)]
    id: String,
    /// `web` for a browser, `device` for an app or a program.
    kind: &'static str,
    /// What it said it is; may be empty.
    platform: String,
    /// What it said it is called; may be empty.
    device_name: String,
    /// The network that it was made from; may be empty.
    network: String,
    #[schema(schema_with = moment)]
    created_at: String,
    /// When it was used last, as far as that was noted.
    #[schema(required)]
    last_used_at: Option<String>,
    #[schema(schema_with = moment)]
    expires_at: String,
}

impl SignIn {
    pub(in crate::http) fn of(session: &Session) -> Self {
        Self {
            id: session.id.get().to_string(),
            kind: session.kind.as_str(),
            platform: session.device.platform.clone(),
            device_name: session.device.name.clone(),
            network: session.device.network.clone(),
            created_at: session.created_at.to_rfc3339_seconds(),
            last_used_at: session.last_used_at.map(|at| at.to_rfc3339_seconds()),
            expires_at: session.expires_at.to_rfc3339_seconds(),
        }
    }
}

/// What became of an adjustment.
#[derive(Serialize, ToSchema)]
#[schema(as = AdminAdjusted)]
pub(in crate::http) struct Adjusted {
    /// False: it was made before under this reference, and not again.
    pub(in crate::http) adjusted: bool,
    pub(in crate::http) account: Line,
}

/// How many sign-ins were ended.
#[derive(Serialize, ToSchema)]
#[schema(as = AdminSignedOut)]
pub(in crate::http) struct SignedOut {
    /// How many.
    pub(in crate::http) ended: u64,
}

/// An act: an entry of the chain.
#[derive(Serialize, ToSchema)]
#[schema(as = AdminAct)]
pub(in crate::http) struct Done {
    /// Its place, from 1.
    seq: i64,
    #[schema(schema_with = moment)]
    at: String,
    /// The admin's account, or `cli` for the command line.
    actor: String,
    /// What was done, such as `account.suspend`.
    act: String,
    /// The account that it was done to.
    #[schema(required)]
    account: Option<String>,
    /// Amounts and reasons.
    #[schema(value_type = Object)]
    detail: Value,
    /// Over this act and the hash before.
    hash: String,
}

impl Done {
    pub(in crate::http) fn of(act: &Act) -> Self {
        Self {
            seq: act.seq,
            at: act.at.to_rfc3339_seconds(),
            actor: act.actor.clone(),
            act: act.act.clone(),
            account: act.subject.map(|account| account.get().to_string()),
            detail: serde_json::from_str(&act.detail).unwrap_or_else(|_not_json| serde_json::json!({})),
            hash: act.hash.to_string(),
        }
    }
}
