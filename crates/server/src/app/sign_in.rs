//! Signing in with a password.
//!
//! Guards that an address without an account, a wrong password, an unproved address and a guesser who has to wait are
//! told the same in the same time: each is one write, one hash and the same fault. A guesser is slowed where it is: the
//! owner in another network never waits for a stranger.

use super::codes::digest;
use super::from_store;
use super::password::Verdict;
use crate::app::Context;
use crate::store::account::Account;
use crate::store::guess::{Look, Subject, guess_begin, guess_forget, guess_forgive};
use crate::store::password::{password_by_email, password_set};
use numberotp_core::caller::Standing;
use numberotp_core::fault::{Fault, FaultCode};
use numberotp_core::guesses::Patience;
use numberotp_core::id::BrandId;
use numberotp_core::secret::Secret;
use numberotp_core::text::Email;

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

/// The account that this opens. Everything that keeps it shut is `INVALID_CREDENTIALS`.
pub async fn with_password(context: &Context, given: &Given<'_>) -> Result<Account, Fault> {
    let now = context.clock.now();
    let guessers = given.guessers(context);
    let (brand, email, counted) = (given.brand, given.email.clone(), guessers.clone());
    let begun = context.store.write(move |tx| {
        let look = guess_begin(tx, &counted, now)?;
        Ok((look, password_by_email(tx, brand, &email)?))
    });
    let (look, known) = begun.await.map_err(from_store)?;
    let kept = known.as_ref().and_then(|(_, kept)| kept.as_deref()).filter(|_| look == Look::Yes);
    let verdict = context.passwords.verify(kept, given.password).await?;
    let account = known.map(|(account, _)| account).filter(may_sign_in).filter(|_| verdict != Verdict::Wrong);
    let account = account.ok_or_else(|| Fault::new(FaultCode::InvalidCredentials))?;
    let anew = match verdict {
        Verdict::RightButOld => Some(context.passwords.hash(given.password).await?),
        Verdict::Right | Verdict::Wrong => None,
    };
    let id = account.id;
    let ended = context.store.write(move |tx| {
        let [own, network] = &guessers;
        guess_forget(tx, &own.digest)?;
        guess_forgive(tx, &network.digest)?;
        anew.as_deref().map_or(Ok(()), |anew| password_set(tx, id, anew))
    });
    ended.await.map_err(from_store)?;
    Ok(account)
}

fn may_sign_in(account: &Account) -> bool {
    account.email_is_verified() && account.standing != Standing::Closed
}
