//! Signing in with a password.
//!
//! Guards that an address without an account, a wrong password, an unproved address and a guesser who has to wait are
//! told the same in the same time: each is one write, one hash and the same fault. A guesser is slowed where it is: the
//! owner in another network never waits for a stranger.

use super::auth::{SESSION_LIFE, session_make, session_store};
use super::codes::digest;
use super::from_store;
use super::password::Verdict;
use super::second_factor::Attempt;
use crate::app::Context;
use crate::store::account::{Account, account_get};
use crate::store::guess::{Look, Subject, guess_begin, guess_forget, guess_forgive};
use crate::store::password::{password_by_email, password_set};
use crate::store::second_factor::factor_get;
pub use crate::store::session::Device;
use crate::store::session::{session_prove, session_revoke_by_hash};
use numberotp_core::caller::{Caller, CredentialKind, Standing};
use numberotp_core::fault::{Fault, FaultCode};
use numberotp_core::guesses::Patience;
use numberotp_core::id::{AccountId, BrandId, SessionId};
use numberotp_core::secret::Secret;
use numberotp_core::session::proof_ends;
use numberotp_core::text::Email;
use numberotp_core::time::Time;
use numberotp_core::token::TokenHash;

/// What somebody gave to sign in.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// Under which white label.
    pub brand: BrandId,
    /// The address.
    pub email: &'a Email,
    /// The password.
    pub password: &'a Secret,
    /// The code of the second factor, or a recovery code, if one was given.
    pub totp: Option<&'a str>,
    /// The network that asks: IPv4 by /24, IPv6 by /64.
    pub network: &'a str,
}

impl Given<'_> {
    /// Who is counted for a failure: this network for this address, and this network as such.
    fn guessers(&self, context: &Context) -> [Subject; 2] {
        let brand = self.brand.get().to_string();
        let parts = ["guessed password", &brand, self.email.as_str(), self.network];
        [
            Subject { digest: digest(context, &parts), patience: Patience::PASSWORD },
            Subject { digest: digest(context, &["network", self.network]), patience: Patience::NETWORK },
        ]
    }
}

/// The account that this opens. Everything that keeps it shut is `INVALID_CREDENTIALS`, but that a right password lacks
/// its second factor, which is `TOTP_REQUIRED`.
pub async fn with_password(context: &Context, given: &Given<'_>) -> Result<Account, Fault> {
    let guessers = given.guessers(context);
    let (account, verdict) = compared(context, given, &guessers).await?;
    let anew = match verdict {
        Verdict::RightButOld => Some(context.passwords.hash(given.password).await?),
        Verdict::Right | Verdict::Wrong => None,
    };
    let second = second(context, account.id, given.totp).await?;
    let id = account.id;
    let ended = context.store.write(move |tx| {
        let [own, network] = &guessers;
        if let Second::Given(attempt) = &second
            && !attempt.redeem(tx)?
        {
            // Counted with the password's failures too: whoever has the one guesses the other.
            return Ok(FaultCode::InvalidCredentials.into());
        }
        guess_forget(tx, &own.digest)?;
        guess_forgive(tx, &network.digest)?;
        if let Some(anew) = &anew {
            password_set(tx, id, anew)?;
        }
        Ok(matches!(second, Second::Missing).then_some(FaultCode::TotpRequired))
    });
    match ended.await.map_err(from_store)? {
        None => Ok(account),
        Some(code) => Err(Fault::new(code)),
    }
}

/// Counts the try, and compares the password: one write and one hash, whoever it is.
async fn compared(
    context: &Context,
    given: &Given<'_>,
    guessers: &[Subject; 2],
) -> Result<(Account, Verdict), Fault> {
    let (now, counted) = (context.clock.now(), guessers.clone());
    let (brand, email) = (given.brand, given.email.clone());
    let begun = context.store.write(move |tx| {
        let look = guess_begin(tx, &counted, now)?;
        Ok((look, password_by_email(tx, brand, &email)?))
    });
    let (look, known) = begun.await.map_err(from_store)?;
    let kept = known.as_ref().and_then(|(_, kept)| kept.as_deref()).filter(|_| look == Look::Yes);
    let verdict = context.passwords.verify(kept, given.password).await?;
    let account = known.map(|(account, _)| account).filter(may_sign_in).filter(|_| verdict != Verdict::Wrong);
    let account = account.ok_or_else(|| Fault::new(FaultCode::InvalidCredentials))?;
    Ok((account, verdict))
}

fn may_sign_in(account: &Account) -> bool {
    account.email_is_verified() && account.standing != Standing::Closed
}

/// What is to be said about the second factor.
enum Second {
    /// The account has none.
    Needless,
    /// It has one, and nothing was given for it.
    Missing,
    /// It has one, and this was given.
    Given(Box<Attempt>),
}

async fn second(context: &Context, account: AccountId, given: Option<&str>) -> Result<Second, Fault> {
    let found = context.store.read(move |tx| factor_get(tx, account)).await.map_err(from_store)?;
    let Some(factor) = found.filter(|factor| factor.confirmed_at.is_some()) else {
        return Ok(Second::Needless);
    };
    Ok(match given {
        None => Second::Missing,
        Some(given) => Second::Given(Box::new(Attempt::new(context, account, &factor, given)?)),
    })
}

/// Ok if an account has no second factor or this is its code; else `TOTP_REQUIRED` or `INVALID_CREDENTIALS`. For whoever
/// has shown the first one.
pub async fn second_factor(context: &Context, account: AccountId, given: Option<&str>) -> Result<(), Fault> {
    let right = match second(context, account, given).await? {
        Second::Needless => true,
        Second::Missing => return Err(Fault::new(FaultCode::TotpRequired)),
        Second::Given(attempt) => {
            context.store.write(move |tx| attempt.redeem(tx)).await.map_err(from_store)?
        }
    };
    if right { Ok(()) } else { Err(Fault::new(FaultCode::InvalidCredentials)) }
}

/// The caller's account, once it has shown its password again: before what changes how it signs in.
pub async fn own_password(
    context: &Context,
    caller: &Caller,
    (password, network): (&Secret, &str),
) -> Result<Account, Fault> {
    caller.require_person()?;
    let id = caller.account;
    let account = context.store.read(move |tx| account_get(tx, id)).await.map_err(from_store)?;
    let account = account.ok_or_else(|| Fault::new(FaultCode::Unauthorized))?;
    let given = Given { brand: account.brand, email: &account.email, password, totp: None, network };
    let guessers = given.guessers(context);
    compared(context, &given, &guessers).await?;
    let right = context.store.write(move |tx| {
        let [own, network] = &guessers;
        guess_forget(tx, &own.digest)?;
        guess_forgive(tx, &network.digest)
    });
    right.await.map_err(from_store)?;
    Ok(account)
}

/// The caller shows its password again, and the second factor if it has one: for a while it may do what outlives its
/// sign-in. Costs and tells what signing in does. Answers until when.
pub async fn confirm(
    context: &Context,
    caller: &Caller,
    (password, totp, network): (&Secret, Option<&str>, &str),
) -> Result<Time, Fault> {
    caller.require_person()?;
    let id = caller.account;
    if caller.credential == CredentialKind::AuthJs {
        let sentence = "A website's visitor proves itself there, and need not do it here.";
        return Err(Fault::new(FaultCode::InvalidState).saying(sentence));
    }
    let account = context.store.read(move |tx| account_get(tx, id)).await.map_err(from_store)?;
    let account = account.ok_or_else(|| Fault::new(FaultCode::Unauthorized))?;
    let given = Given { brand: account.brand, email: &account.email, password, totp, network };
    let shown = with_password(context, &given).await?;
    let (session, now) = ((shown.id, SessionId::new(caller.credential_id)), context.clock.now());
    let proved = context.store.write(move |tx| session_prove(tx, session, now)).await.map_err(from_store)?;
    if proved { Ok(proof_ends(now)) } else { Err(Fault::new(FaultCode::Unauthorized)) }
}

/// Begins a browser's session: always a new one, and the one that came with the request ends. Answers its token and its end.
pub async fn begin_session(
    context: &Context,
    account: &Account,
    (device, old): (Device, Option<TokenHash>),
) -> Result<(Secret, Time), Fault> {
    let token = session_make().map_err(|error| Fault::new(FaultCode::Internal).caused_by(error))?;
    let (whose, kept, now) = (account.clone(), token.clone(), context.clock.now());
    let made = context.store.write(move |tx| {
        if let Some(old) = &old {
            session_revoke_by_hash(tx, old, now)?;
        }
        session_store(tx, &whose, &kept, (device.clone(), now))
    });
    made.await.map_err(from_store)?;
    context.known.forget(account.id);
    Ok((token, now.plus(SESSION_LIFE)))
}
