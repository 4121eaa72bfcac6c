//! What tests ask of the sandbox: scenarios queued for an account's next purchases, or named in place of an operator.
//!
//! Guards that a scenario touches the sandbox's own numbers only, that a queued one is used once and by nobody else,
//! and that what a message is to say is sealed as long as it waits. Never asked for in production.

use super::catalog::Transport;
use super::fault::from_vault;
use super::from_store;
use crate::app::Context;
use crate::config::Mode;
use crate::store::sandbox::{Play, SandboxPurchase};
use crate::store::scenario::{
    KeptScenario, NewScenario, SealedWording, scenario_create, scenario_get, scenario_take, scenario_waits,
    scenarios_drop, scenarios_page,
};
use numberotp_core::caller::{Caller, Scope};
use numberotp_core::catalog::Offer;
use numberotp_core::fault::{Fault, FaultCode};
use numberotp_core::id::AccountId;
use numberotp_core::otp;
use numberotp_core::pricing::Wish;
use numberotp_core::secret::Secret;
use numberotp_core::text::Operator;
use numberotp_core::time::Span;
use numberotp_core::vocabulary::ServiceCode;
use numberotp_providers::sandbox::scenario::{PLACE_OF_CODE, Scenario};
use serde_json::{Value, json};

/// Most that wait for one account.
const QUEUED_MOST: i64 = 1_000;
/// The longest text, in characters: a long message of ten parts has 1,530.
const TEXT_MOST: usize = 1_600;
/// The longest code.
const CODE_MOST: usize = 20;
/// The longest time until a message.
const DELAY_MOST: Span = Span::hours(24);
/// How the sandbox is told of a scenario: in the place of the operator, which its numbers do not differ by.
const NAMED: &str = "scenario-";
/// The same for a queued one, by its row.
const BY_ROW: &str = "script-";

/// What a test asks for, or asked for.
#[derive(Clone)]
pub struct Wanted {
    /// What is to happen.
    pub scenario: Scenario,
    /// Only to a purchase of this service.
    pub service: Option<ServiceCode>,
    /// The code of the first message.
    pub code: Option<Secret>,
    /// The text of the message.
    pub text: Option<Secret>,
    /// How long until the first message.
    pub delay: Option<Span>,
}

/// A scenario that waits.
pub struct Queued {
    /// Its row.
    pub id: i64,
    /// What was asked for.
    pub wanted: Wanted,
}

/// Queues a scenario for the account's next purchase.
pub async fn queue(context: &Context, caller: &Caller, wanted: Wanted) -> Result<Queued, Fault> {
    caller.require(Scope::Buy)?;
    check(&wanted)?;
    let now = context.clock.now();
    let new = NewScenario {
        account: caller.account,
        service: wanted.service.clone(),
        scenario: wanted.scenario,
        delay: wanted.delay,
        wording: seal(context, caller.account, &wanted).await?,
        purge_after: now.plus(context.settings.message_retention),
    };
    let made = context.store.write(move |tx| scenario_create(tx, &new, QUEUED_MOST)).await;
    let sentence = "1,000 scenarios wait already. Rent numbers, or drop them: DELETE /sandbox/scenarios.";
    let full = || Fault::new(FaultCode::InvalidState).saying(sentence);
    Ok(Queued { id: made.map_err(from_store)?.ok_or_else(full)?, wanted })
}

/// A page of what waits, in order, and how many there are.
pub async fn queued(
    context: &Context,
    caller: &Caller,
    page: (i64, i64),
) -> Result<(Vec<Queued>, i64), Fault> {
    caller.require(Scope::Read)?;
    let account = caller.account;
    let read = context.store.snapshot(move |tx| scenarios_page(tx, account, page)).await;
    let (kept, total) = read.map_err(from_store)?;
    let mut queued = Vec::with_capacity(kept.len());
    for kept in kept {
        queued.push(Queued { id: kept.id, wanted: open(context, kept).await? });
    }
    Ok((queued, total))
}

/// Drops what waits; answers how many those were.
pub async fn drop_queued(context: &Context, caller: &Caller) -> Result<u64, Fault> {
    caller.require(Scope::Buy)?;
    let account = caller.account;
    context.store.write(move |tx| scenarios_drop(tx, account)).await.map_err(from_store)
}

/// Refuses what could not be done as asked, by the field.
fn check(wanted: &Wanted) -> Result<(), Fault> {
    let refuse = |field: &str, problem: &str| Err(Fault::parameter(field, problem));
    let scenario = wanted.scenario;
    let (code, text) = (wanted.code.as_ref().map(Secret::expose), wanted.text.as_ref().map(Secret::expose));
    let given = [("code", code.is_some()), ("text", text.is_some()), ("delay", wanted.delay.is_some())];
    if let Some((field, _)) = given.into_iter().find(|(_, given)| *given && !scenario.sends()) {
        return refuse(field, &format!("means nothing here: `{}` sends no message", scenario.as_str()));
    }
    if let Some(code) = code {
        if scenario == Scenario::NoCode {
            return refuse("code", "means nothing here: `nocode` sends a message without one");
        }
        let fits =
            (1..=CODE_MOST).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !fits {
            return refuse("code", "must be 1 to 20 letters and digits (ASCII), without separators");
        }
    }
    if let Some(text) = text {
        if text.trim().is_empty() || text.chars().count() > TEXT_MOST {
            return refuse("text", "must be 1 to 1600 characters and more than spaces");
        }
        if code.is_some_and(|code| !text.contains(PLACE_OF_CODE) && !text.contains(code)) {
            return refuse("text", "must hold `{code}` where the code goes");
        }
        let coded = || text.contains(PLACE_OF_CODE) || otp::extract(text).code.is_some();
        if scenario == Scenario::NoCode && coded() {
            return refuse("text", "has a code in it: `nocode` sends a message without one");
        }
    }
    match wanted.delay {
        Some(_) if !scenario.waits_as_asked() => {
            refuse("delay", "means nothing here: `late` is a minute after the number's time")
        }
        Some(delay) if delay > DELAY_MOST => refuse("delay", "must be at most 24h"),
        _ => Ok(()),
    }
}

fn place(account: AccountId) -> Vec<u8> {
    [b"scenario ".as_slice(), account.get().to_string().as_bytes()].concat()
}

async fn seal(
    context: &Context,
    account: AccountId,
    wanted: &Wanted,
) -> Result<Option<SealedWording>, Fault> {
    if wanted.code.is_none() && wanted.text.is_none() {
        return Ok(None);
    }
    let expose = |secret: &Option<Secret>| secret.as_ref().map(|secret| secret.expose().to_owned());
    let body = json!({ "code": expose(&wanted.code), "text": expose(&wanted.text) }).to_string();
    let key_day = context.clock.now().day();
    let body = context.vault.seal(&context.store, key_day, &place(account), body.as_bytes()).await;
    Ok(Some(SealedWording { key_day, body: body.map_err(from_vault)? }))
}

async fn open(context: &Context, kept: KeptScenario) -> Result<Wanted, Fault> {
    let KeptScenario { account, service, scenario, delay, wording, .. } = kept;
    let mut wanted = Wanted { scenario, service, code: None, text: None, delay };
    if let Some(sealed) = wording {
        let opened = context.vault.open(&context.store, sealed.key_day, &place(account), &sealed.body).await;
        let body: Value = serde_json::from_slice(&opened.map_err(from_vault)?)
            .map_err(|error| Fault::new(FaultCode::Internal).caused_by(error))?;
        let text = |field: &str| body.get(field).and_then(Value::as_str).map(Secret::new);
        (wanted.code, wanted.text) = (text("code"), text("text"));
    }
    Ok(wanted)
}

/// What a purchase is to do at the sandbox: decided once, for all that are asked for it.
pub(super) enum Script {
    /// Named in place of the operator.
    Named(Scenario),
    /// Nobody of the sandbox's was asked yet.
    Open,
    /// The queue was looked at.
    Looked(Option<i64>),
}

impl Script {
    /// Takes a scenario's name out of the place of the operator; in production it is an operator like any other.
    pub(super) fn of(context: &Context, mut wish: Wish) -> (Wish, Self) {
        let named = wish.operator.as_ref().and_then(|operator| Scenario::parse(operator.as_str()));
        match named.filter(|_| context.settings.mode == Mode::Sandbox) {
            Some(scenario) => {
                wish.operator = None;
                (wish, Self::Named(scenario))
            }
            None => (wish, Self::Open),
        }
    }

    /// The operator that an offer's provider is told: for the sandbox the scenario, if there is one.
    pub(super) async fn operator(
        &mut self,
        context: &Context,
        account: AccountId,
        offer: &Offer,
    ) -> Result<Operator, Fault> {
        let view = context.catalog.load();
        let sandbox =
            view.provider(&offer.provider).is_some_and(|known| known.transport == Transport::Sandbox);
        if !sandbox {
            return Ok(offer.operator.clone());
        }
        let told = match self {
            Self::Named(scenario) => Some(format!("{NAMED}{}", scenario.as_str())),
            Self::Looked(row) => row.map(|row| format!("{BY_ROW}{row}")),
            Self::Open => {
                let row = take(context, account, &offer.service).await?;
                *self = Self::Looked(row);
                row.map(|row| format!("{BY_ROW}{row}"))
            }
        };
        let told = told.and_then(|told| Operator::parse(&told));
        Ok(told.unwrap_or_else(|| offer.operator.clone()))
    }
}

async fn take(context: &Context, account: AccountId, service: &ServiceCode) -> Result<Option<i64>, Fault> {
    let (wanted, now) = (service.clone(), context.clock.now());
    let waits = context.store.read(move |tx| scenario_waits(tx, account, &wanted)).await;
    if !waits.map_err(from_store)? {
        return Ok(None);
    }
    let service = service.clone();
    context.store.write(move |tx| scenario_take(tx, account, &service, now)).await.map_err(from_store)
}

/// What the sandbox is asked to do, read from where [`Script::operator`] put it; and how long until the message.
pub(super) async fn play(context: &Context, operator: &Operator) -> Result<(Play, Option<Span>), Fault> {
    let told = operator.as_str();
    if let Some(scenario) = told.strip_prefix(NAMED).and_then(Scenario::parse) {
        return Ok((Play { scenario, ..Play::default() }, None));
    }
    let Some(row) = told.strip_prefix(BY_ROW).and_then(|row| row.parse::<i64>().ok()) else {
        return Ok((Play::default(), None));
    };
    let kept = context.store.read(move |tx| scenario_get(tx, row)).await.map_err(from_store)?;
    let scenario = kept.as_ref().map(|kept| kept.scenario).unwrap_or_default();
    Ok((Play { scenario, row: Some(row), ..Play::default() }, kept.and_then(|kept| kept.delay)))
}

/// Code and text that a purchase's messages are to have; neither once they are past their time.
pub(super) async fn wording(
    context: &Context,
    purchase: &SandboxPurchase,
) -> Result<(Option<Secret>, Option<Secret>), Fault> {
    let Some(row) = purchase.play.row else { return Ok((None, None)) };
    let kept = context.store.read(move |tx| scenario_get(tx, row)).await.map_err(from_store)?;
    let Some(kept) = kept else { return Ok((None, None)) };
    let wanted = open(context, kept).await?;
    Ok((wanted.code, wanted.text))
}
