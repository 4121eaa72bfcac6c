//! The second factor: set up with the password, confirmed with its first code, taken away with both.
//!
//! Guards that a seed lies sealed, that a code opens once, that five wrong ones slow down whoever has the password already,
//! and that recovery codes are shown once and kept as keyed digests.

use super::codes::digest;
use super::fault::from_vault;
use super::keepsake::Whence;
use super::mail::{self, Telling};
use super::{from_store, sign_in};
use crate::app::Context;
use crate::config::AdminFactor;
use crate::entropy;
use crate::store::account::{Account, account_get};
use crate::store::guess::{Look, Subject, guess_begin, guess_forget};
use crate::store::mail::mail_create;
use crate::store::second_factor::{
    SealedFactor, factor_confirm, factor_delete, factor_get, factor_put, factor_use_step, recovery_use,
};
use crate::store::{StoreError, Tx};
use numberotp_core::caller::{Caller, CredentialKind};
use numberotp_core::fault::{Fault, FaultCode};
use numberotp_core::guesses::Patience;
use numberotp_core::id::AccountId;
use numberotp_core::secret::{Secret, SecretBytes};
use numberotp_core::time::Time;
use numberotp_core::totp;

/// Recovery codes of an account.
const RECOVERY: usize = 8;

/// What an authenticator app is set up with.
pub struct Started {
    /// The seed as people type it.
    pub secret: Secret,
    /// The same as an app reads it from a picture.
    pub uri: Secret,
}

/// What somebody tries a second factor with, ready for a transaction.
pub struct Attempt {
    account: AccountId,
    step: Option<i64>,
    recovery: [u8; 32],
    guesser: Subject,
    now: Time,
}

fn place(account: AccountId) -> String {
    format!("second factor of {}", account.get())
}

fn recovery_digest(context: &Context, account: AccountId, code: &str) -> [u8; 32] {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    digest(context, &["recovery code", &account.get().to_string(), &plain.to_ascii_uppercase()])
}

impl Attempt {
    /// Compares what was given with the sealed seed.
    pub fn new(
        context: &Context,
        account: AccountId,
        factor: &SealedFactor,
        given: &str,
    ) -> Result<Self, Fault> {
        let now = context.clock.now();
        let seed = context.vault.unwrap(&place(account), &factor.seed).map_err(from_vault)?;
        let subject = digest(context, &["second factor", &account.get().to_string()]);
        Ok(Self {
            account,
            step: totp::matching(&seed, given, now),
            recovery: recovery_digest(context, account, given),
            guesser: Subject { digest: subject, patience: Patience::SECOND_FACTOR },
            now,
        })
    }

    /// Whether it opens; then it is used up.
    pub fn redeem(&self, tx: &mut Tx<'_>) -> Result<bool, StoreError> {
        if guess_begin(tx, std::slice::from_ref(&self.guesser), self.now)? == Look::No {
            return Ok(false);
        }
        let opens = match self.step {
            Some(step) => factor_use_step(tx, self.account, step)?,
            None => recovery_use(tx, self.account, &self.recovery)?,
        };
        if opens {
            guess_forget(tx, &self.guesser.digest)?;
        }
        Ok(opens)
    }
}

/// Makes a seed for the caller, who shows the password. It is not asked for before its first code was shown.
pub async fn start(
    context: &Context,
    caller: &Caller,
    (password, from): (&Secret, Whence<'_>),
) -> Result<Started, Fault> {
    let shown = sign_in::own_password(context, caller, (password, from)).await?;
    let account = shown.account.clone();
    let seed: SecretBytes =
        entropy::key::<{ totp::SEED }>().map_err(|error| Fault::new(FaultCode::Internal).caused_by(error))?;
    let sealed = context.vault.wrap(&place(account.id), &seed).map_err(from_vault)?;
    let id = account.id;
    let kept = context.store.write(move |tx| {
        let holds = shown.holds(tx)?;
        Ok((holds, holds && factor_put(tx, id, &sealed)?))
    });
    let (holds, kept) = kept.await.map_err(from_store)?;
    if !holds {
        return Err(Fault::new(FaultCode::InvalidCredentials));
    }
    if !kept {
        let sentence = "There is a second factor already. Take it away first.";
        return Err(Fault::new(FaultCode::InvalidState).saying(sentence));
    }
    let uri = totp::uri(&context.sign_in.brand_name, account.email.as_str(), &seed);
    Ok(Started { secret: Secret::new(totp::base32(seed.expose())), uri: Secret::new(uri) })
}

/// Confirms the seed with its first code; answers the recovery codes, which are shown this once.
pub async fn confirm(context: &Context, caller: &Caller, given: &str) -> Result<Vec<Secret>, Fault> {
    caller.require_person()?;
    let (account, factor) = own(context, caller).await?;
    let factor = factor.filter(|factor| factor.confirmed_at.is_none()).ok_or_else(|| {
        Fault::new(FaultCode::InvalidState).saying("There is no second factor to confirm. Start with one.")
    })?;
    let attempt = Attempt::new(context, account.id, &factor, given)?;
    let mut codes = Vec::with_capacity(RECOVERY);
    for _ in 0..RECOVERY {
        let random = entropy::bytes::<10>();
        let text = totp::base32(&random.map_err(|error| Fault::new(FaultCode::Internal).caused_by(error))?);
        let (first, second) = text.split_at_checked(8).unwrap_or((&text, ""));
        codes.push(Secret::new(format!("{first}-{second}")));
    }
    let digests: Vec<[u8; 32]> =
        codes.iter().map(|code| recovery_digest(context, account.id, code.expose())).collect();
    let mail = told(context, &account)?;
    let now = attempt.now;
    let done = context.store.write(move |tx| {
        if !attempt.redeem(tx)? || !factor_confirm(tx, (attempt.account, &factor.seed), (&digests, now))? {
            return Ok(false);
        }
        mail.iter().try_for_each(|mail| mail_create(tx, mail, now))?;
        Ok(true)
    });
    if done.await.map_err(from_store)? { Ok(codes) } else { Err(Fault::new(FaultCode::InvalidCredentials)) }
}

/// Takes the second factor away; needs the password, and a code of it or a recovery code.
pub async fn disable(
    context: &Context,
    caller: &Caller,
    (password, from): (&Secret, Whence<'_>),
    given: &str,
) -> Result<(), Fault> {
    let shown = sign_in::own_password(context, caller, (password, from)).await?;
    let (account, factor) = own(context, caller).await?;
    let factor = factor.filter(|factor| factor.confirmed_at.is_some()).ok_or_else(|| {
        Fault::new(FaultCode::InvalidState).saying("There is no second factor to take away.")
    })?;
    let attempt = Attempt::new(context, account.id, &factor, given)?;
    let mail = told(context, &account)?;
    let done = context.store.write(move |tx| {
        if !shown.holds(tx)? || !attempt.redeem(tx)? {
            return Ok(false);
        }
        factor_delete(tx, attempt.account)?;
        mail.iter().try_for_each(|mail| mail_create(tx, mail, attempt.now))?;
        Ok(true)
    });
    if done.await.map_err(from_store)? { Ok(()) } else { Err(Fault::new(FaultCode::InvalidCredentials)) }
}

/// Ok if an admin has the second factor that this server wants of admins, or it wants none.
pub async fn required(context: &Context, admin: &Caller) -> Result<(), Fault> {
    if context.sign_in.admins == AdminFactor::Password {
        return Ok(());
    }
    let id = admin.account;
    let found = context.store.read(move |tx| factor_get(tx, id)).await.map_err(from_store)?;
    let confirmed = found.is_some_and(|factor| factor.confirmed_at.is_some());
    // A website asks its visitors for no factor of ours, whether they have one or not.
    let asked = admin.credential != CredentialKind::AuthJs;
    if confirmed && asked { Ok(()) } else { Err(Fault::new(FaultCode::SecondFactorRequired)) }
}

async fn own(context: &Context, caller: &Caller) -> Result<(Account, Option<SealedFactor>), Fault> {
    let id = caller.account;
    let found = context.store.snapshot(move |tx| Ok((account_get(tx, id)?, factor_get(tx, id)?)));
    let (account, factor) = found.await.map_err(from_store)?;
    Ok((account.ok_or_else(|| Fault::new(FaultCode::Unauthorized))?, factor))
}

/// The news for the owner, where mail is sent at all.
fn told(context: &Context, account: &Account) -> Result<Option<crate::store::mail::SealedMail>, Fault> {
    context
        .mailer
        .is_on()
        .then(|| mail::seal(context, &account.email, Telling::SecondFactorChanged))
        .transpose()
}
