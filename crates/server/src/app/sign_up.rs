//! Signing up, and proving addresses.
//!
//! Guards that nobody learns here who has an account: every answer is the same, the owner is told by mail. An account whose
//! address nobody proved opens nothing. A code's mail and what it is about are one transaction.

use super::api_keys::KEYS_MOST;
use super::codes::{self, About, Attempt, Mailed, Purpose};
use super::keepsake::{self, Whence};
use super::mail::{self, Telling};
use super::password::Verdict;
use super::sign_in::{self, Shown};
use super::{from_store, password};
use crate::app::Context;
use crate::config::Mode;
use crate::store::account::{
    Account, NewAccount, account_by_email, account_get, account_keeps, account_not_before,
};
use crate::store::api_key::{api_keys_of, api_keys_revoke};
use crate::store::mail::mail_create;
use crate::store::password::{password_by_email, password_set};
use crate::store::person::{
    email_change_delete, email_change_get, email_change_put, email_proved, email_set, person_contested,
    person_create,
};
use crate::store::session::{sessions_revoke, sessions_revoke_others};
use numberotp_core::caller::{Caller, Role, Standing};
use numberotp_core::fault::{Fault, FaultCode};
use numberotp_core::id::{AccountId, BrandId};
use numberotp_core::secret::Secret;
use numberotp_core::text::{Email, display_name};

/// Who comes: under which white label, with which address, from which network.
#[derive(Clone, Copy, Debug)]
pub struct Comer<'a> {
    /// Under which white label.
    pub brand: BrandId,
    /// With which address.
    pub email: &'a Email,
    /// From where.
    pub from: Whence<'a>,
}

impl<'a> Comer<'a> {
    const fn about(&self, purpose: Purpose) -> About<'a> {
        About { purpose, brand: self.brand, email: self.email, from: self.from }
    }
}

/// Where a new account stands.
pub fn first_standing(context: &Context) -> Standing {
    let sandbox = context.settings.mode == Mode::Sandbox;
    if context.sign_in.auto_approve.unwrap_or(sandbox) { Standing::Approved } else { Standing::Pending }
}

/// Signs up: makes an account that opens nothing until its address is proved, and mails the code for that.
pub async fn sign_up(
    context: &Context,
    comer: &Comer<'_>,
    (password, name): (&Secret, Option<&str>),
) -> Result<(), Fault> {
    mail::require(context)?;
    password::acceptable("password", password, comer.email)?;
    let user = comer.email.as_str().split('@').next().unwrap_or_default();
    let problem = "must be 1 to 100 characters without control characters";
    let name = display_name(name.unwrap_or(user)).ok_or_else(|| Fault::parameter("name", problem))?;
    let about = comer.about(Purpose::Verify);
    // Two hashes are dear: a network that is refused anyway has none made.
    codes::has_room(context, &about).await?;
    let hash = context.passwords.hash(password).await?;
    let (kept, same) = same_as_before(context, comer, password).await?;
    let code = codes::make(context, &about, Mailed::Code)?;
    let taken = codes::make(context, &about, Mailed::Taken)?;
    let new = NewAccount {
        brand: comer.brand,
        email: comer.email.clone(),
        name,
        password_hash: Some(hash),
        role: Role::Customer,
        standing: first_standing(context),
        now: context.clock.now(),
    };
    let work = context.store.write(move |tx| {
        // A network that asks too often makes no accounts either.
        let admitted = match code.admit(tx)? {
            Ok(admitted) => admitted,
            Err(crowded) => return Ok(Err(crowded)),
        };
        let known = password_by_email(tx, new.brand, &new.email)?;
        if known.is_none() && person_create(tx, &new)?.is_some() {
            return code.write(tx, &admitted).map(|_made| Ok(()));
        }
        // Somebody else may have been quicker just now.
        let Some((account, now)) = password_by_email(tx, new.brand, &new.email)? else { return Ok(Ok(())) };
        if account.email_is_verified() {
            return taken.write(tx, &admitted).map(|_made| Ok(()));
        }
        // The mailbox's owner must not prove a stranger's password: of two, none opens.
        if !(same && now == kept) {
            person_contested(tx, account.id)?;
        }
        code.write(tx, &admitted).map(|_made| Ok(()))
    });
    work.await.map_err(from_store)?.map_err(Fault::from)
}

/// The password's hash that an unproved address has, and whether it is of this one. As slow where there is none.
async fn same_as_before(
    context: &Context,
    comer: &Comer<'_>,
    password: &Secret,
) -> Result<(Option<String>, bool), Fault> {
    let (brand, email) = (comer.brand, comer.email.clone());
    let found =
        context.store.read(move |tx| password_by_email(tx, brand, &email)).await.map_err(from_store)?;
    let kept = found.filter(|(account, _)| !account.email_is_verified()).and_then(|(_, kept)| kept);
    let verdict = context.passwords.verify(kept.as_deref(), password).await?;
    Ok((kept, verdict != Verdict::Wrong))
}

/// Mails another code for an address that is not proved yet; nothing to any other.
pub async fn resend(context: &Context, comer: &Comer<'_>) -> Result<(), Fault> {
    let unproved = known(context, comer).await?.is_some_and(|account| !account.email_is_verified());
    let mailed = if unproved { Mailed::Code } else { Mailed::Nothing };
    codes::issue(context, &comer.about(Purpose::Verify), mailed).await
}

async fn known(context: &Context, comer: &Comer<'_>) -> Result<Option<Account>, Fault> {
    let (brand, email) = (comer.brand, comer.email.clone());
    context.store.read(move |tx| account_by_email(tx, brand, &email)).await.map_err(from_store)
}

/// Proves the address of a new account.
pub async fn verify(context: &Context, comer: &Comer<'_>, code: &str) -> Result<(), Fault> {
    let attempt = Attempt::new(context, &comer.about(Purpose::Verify), code);
    let (brand, email) = (comer.brand, comer.email.clone());
    let proved = context.store.write(move |tx| {
        let account = account_by_email(tx, brand, &email)?;
        if !attempt.redeem(tx)? {
            return Ok(false);
        }
        let Some(account) = account else { return Ok(false) };
        email_proved(tx, account.id).map(|()| true)
    });
    if proved.await.map_err(from_store)? { Ok(()) } else { Err(Fault::new(FaultCode::InvalidCredentials)) }
}

/// Mails a code for a new password to whoever has an account; nothing to others.
pub async fn forgot(context: &Context, comer: &Comer<'_>) -> Result<(), Fault> {
    let open = known(context, comer).await?.is_some_and(|account| account.standing != Standing::Closed);
    let mailed = if open { Mailed::Code } else { Mailed::Nothing };
    codes::issue(context, &comer.about(Purpose::Reset), mailed).await
}

/// What becomes of an account's API keys when its forgotten password is replaced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Keys {
    /// They go on: programs must not stop because a person forgot something.
    Kept,
    /// They are revoked: somebody else may have made them, or have them.
    Revoked,
}

/// Sets another password with a code by mail, which proves the address too, and ends every sign-in. Answers how many live
/// API keys the account has, or had until now; the mail tells it too.
pub async fn reset(
    context: &Context,
    comer: &Comer<'_>,
    (code, password, keys): (&str, &Secret, Keys),
) -> Result<usize, Fault> {
    password::acceptable("password", password, comer.email)?;
    let hash = context.passwords.hash(password).await?;
    let attempt = Attempt::new(context, &comer.about(Purpose::Reset), code);
    // How many keys there are is read once the code was right, and then there is no time to word the mail: each that may be
    // needed is ready, whoever asks.
    let told = |count| news(context, comer.email, Telling::PasswordReset(keys, count));
    let exact = (0..=KEYS_MOST).map(|count| told(Some(count))).collect::<Result<Vec<_>, Fault>>()?;
    let vague = told(None)?;
    let (brand, email, clock) = (comer.brand, comer.email.clone(), context.clock.clone());
    let done = context.store.write(move |tx| {
        let account = account_by_email(tx, brand, &email)?;
        let account = account.filter(|account| account.standing != Standing::Closed);
        if !attempt.redeem(tx)? {
            return Ok(None);
        }
        let Some(account) = account else { return Ok(None) };
        password_set(tx, account.id, &hash)?;
        // No sign-in by the old password is under way any more: each that came about began before this.
        let now = clock.now();
        email_proved(tx, account.id)?;
        sessions_revoke(tx, account.id, now)?;
        // No key is made meanwhile: whoever makes one waits for the account.
        let count = api_keys_of(tx, account.id, now)?.len();
        if keys == Keys::Revoked {
            api_keys_revoke(tx, account.id, now)?;
        }
        // What a website signed for whoever had the account before opens nothing either.
        account_not_before(tx, account.id, now)?;
        let news = exact.get(count).unwrap_or(&vague);
        news.iter().try_for_each(|news| mail_create(tx, news, now))?;
        Ok(Some((account.id, count)))
    });
    let done = done.await.map_err(from_store)?;
    let (account, count) = done.ok_or_else(|| Fault::new(FaultCode::InvalidCredentials))?;
    context.known.forget(account);
    Ok(count)
}

fn news(
    context: &Context,
    to: &Email,
    telling: Telling<'_>,
) -> Result<Option<crate::store::mail::SealedMail>, Fault> {
    context.mailer.is_on().then(|| mail::seal(context, to, telling)).transpose()
}

/// Sets another password for the caller, who shows the present one; every other sign-in ends, and no browser is known any
/// more. Answers another keepsake for the caller's, if that was known.
pub async fn change_password(
    context: &Context,
    caller: &Caller,
    from: Whence<'_>,
    (present, next): (&Secret, &Secret),
) -> Result<Option<Secret>, Fault> {
    let shown = sign_in::own_password(context, caller, (present, from)).await?;
    password::acceptable("newPassword", next, &shown.account.email)?;
    let hash = context.passwords.hash(next).await?;
    let known = is_known(context, shown.account.id, from).await?;
    replace_password(context, caller, shown, hash).await?;
    known.then(|| keepsake::make(context, caller.account, context.clock.now())).transpose()
}

/// Whether an account knows the browser that somebody comes with.
async fn is_known(context: &Context, account: AccountId, from: Whence<'_>) -> Result<bool, Fault> {
    let Some(keepsake) = from.keepsake.cloned() else { return Ok(false) };
    let now = context.clock.now();
    let known = context.store.read(move |tx| account_keeps(tx, account, (&keepsake, now)));
    known.await.map_err(from_store)
}

/// Gives the caller another password, unless the one that it showed was replaced meanwhile.
pub async fn replace_password(
    context: &Context,
    caller: &Caller,
    shown: Shown,
    hash: String,
) -> Result<(), Fault> {
    let news = news(context, &shown.account.email, Telling::PasswordChanged)?;
    let (id, keep, clock) = (shown.account.id, caller.credential_id, context.clock.clone());
    let done = context.store.write(move |tx| {
        if !shown.replace(tx, &hash)? {
            return Ok(false);
        }
        let now = clock.now();
        sessions_revoke_others(tx, (id, keep), now)?;
        account_not_before(tx, id, now)?;
        news.iter().try_for_each(|news| mail_create(tx, news, now))?;
        Ok(true)
    });
    if !done.await.map_err(from_store)? {
        return Err(Fault::new(FaultCode::InvalidCredentials));
    }
    context.known.forget(id);
    Ok(())
}

/// Remembers the address that the caller wants to have, and mails a code there; one that has an account is only told.
pub async fn change_email(
    context: &Context,
    caller: &Caller,
    (next, password, from): (&Email, &Secret, Whence<'_>),
) -> Result<(), Fault> {
    mail::require(context)?;
    let shown = sign_in::own_password(context, caller, (password, from)).await?;
    let account = &shown.account;
    let comer = Comer { brand: account.brand, email: next, from };
    let mailed = if known(context, &comer).await?.is_some() { Mailed::Taken } else { Mailed::Code };
    let code = codes::make(context, &comer.about(Purpose::ChangeEmail), mailed)?.asked_by(account.id);
    let (id, next, now) = (account.id, next.clone(), context.clock.now());
    let work = context.store.write(move |tx| match code.admit(tx)? {
        Ok(admitted) => {
            if !shown.holds(tx)? {
                return Ok(Err(Fault::new(FaultCode::InvalidCredentials)));
            }
            email_change_put(tx, id, (&next, now))?;
            code.write(tx, &admitted).map(|_made| Ok(()))
        }
        Err(crowded) => Ok(Err(Fault::from(crowded))),
    });
    work.await.map_err(from_store)?
}

/// Gives the caller the address that it wanted and proves now; the old one is told. Answers the new one.
pub async fn confirm_email(
    context: &Context,
    caller: &Caller,
    (code, from): (&str, Whence<'_>),
) -> Result<Email, Fault> {
    caller.require_person()?;
    let id = caller.account;
    let found = context.store.snapshot(move |tx| Ok((account_get(tx, id)?, email_change_get(tx, id)?)));
    let (account, next) = found.await.map_err(from_store)?;
    let account = account.ok_or_else(|| Fault::new(FaultCode::Unauthorized))?;
    let next = next.ok_or_else(|| Fault::new(FaultCode::InvalidCredentials))?;
    let comer = Comer { brand: account.brand, email: &next, from };
    let attempt = Attempt::new(context, &comer.about(Purpose::ChangeEmail), code);
    let news = news(context, &account.email, Telling::Moved)?;
    let (brand, email, now) = (account.brand, next.clone(), context.clock.now());
    let done = context.store.write(move |tx| {
        if !attempt.redeem(tx)? || account_by_email(tx, brand, &email)?.is_some() {
            return Ok(false);
        }
        email_set(tx, id, &email)?;
        email_change_delete(tx, id)?;
        news.iter().try_for_each(|news| mail_create(tx, news, now))?;
        Ok(true)
    });
    if done.await.map_err(from_store)? { Ok(next) } else { Err(Fault::new(FaultCode::InvalidCredentials)) }
}
