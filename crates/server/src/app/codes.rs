//! Codes sent by mail: six digits that prove that somebody reads a mailbox.
//!
//! Guards that a code opens one thing for one address, once, within ten minutes, after five tries at most; that asking
//! for codes fills nobody's mailbox and tells nobody who has an account, and that one network cannot make this server mail
//! half the world; that no stranger can use up the owner's tries or mails from elsewhere. A code stands in its mail and
//! nowhere else: the database has a keyed digest.

use super::from_store;
use super::keepsake::Whence;
use super::mail::{self, Telling};
use crate::app::Context;
use crate::entropy;
use crate::store::email_code::{
    self, AskedBy, Made, NewCode, code_create, code_redeem, network_waits, network_waits_now,
};
use crate::store::guess::{Look, Subject, guess_begin, guess_forget, guess_forgive};
use crate::store::mail::{SealedMail, mail_create};
use crate::store::{StoreError, Tx};
use aws_lc_rs::hmac;
use numberotp_core::fault::{Fault, FaultCode};
use numberotp_core::guesses::Patience;
use numberotp_core::id::{AccountId, BrandId};
use numberotp_core::mailing::whole_seconds;
use numberotp_core::secret::Secret;
use numberotp_core::text::Email;
use numberotp_core::time::{Span, Time};

/// What a code opens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// Proves the address of a new account.
    Verify,
    /// Signs in without a password.
    SignIn,
    /// Sets another password.
    Reset,
    /// Proves an account's next address.
    ChangeEmail,
}

impl Purpose {
    /// Its word in digests and mails; never changed.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::SignIn => "sign_in",
            Self::Reset => "reset",
            Self::ChangeEmail => "change_email",
        }
    }
}

/// What a code is for, and who asks.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// What it opens.
    pub purpose: Purpose,
    /// Under which white label.
    pub brand: BrandId,
    /// For whom.
    pub email: &'a Email,
    /// From where it is asked for, or given.
    pub from: Whence<'a>,
}

/// HMAC-SHA-256 of these parts under the database's own key: what is kept where the parts must not be readable.
pub fn digest(context: &Context, parts: &[&str]) -> [u8; 32] {
    let key = hmac::Key::new(hmac::HMAC_SHA256, context.sign_in_key.expose());
    let mut signing = hmac::Context::with_key(&key);
    for part in parts {
        // With its length: no two lists of parts are the same bytes.
        signing.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        signing.update(part.as_bytes());
    }
    let mut digest = [0; 32];
    digest.iter_mut().zip(signing.sign().as_ref()).for_each(|(to, from)| *to = *from);
    digest
}

impl About<'_> {
    fn subject(&self, context: &Context) -> [u8; 32] {
        let brand = self.brand.get().to_string();
        digest(context, &["code's subject", self.purpose.as_str(), &brand, self.email.as_str()])
    }

    fn code(&self, context: &Context, code: &str) -> [u8; 32] {
        let brand = self.brand.get().to_string();
        digest(context, &["code", self.purpose.as_str(), &brand, self.email.as_str(), code])
    }

    fn network(&self, context: &Context) -> [u8; 32] {
        digest(context, &["network", self.from.network])
    }

    fn asked_by(&self, context: &Context) -> AskedBy {
        AskedBy {
            brand: self.brand,
            email: self.email.clone(),
            account: None,
            network: self.from.network.to_owned(),
            browser: self.from.keepsake.map(|shown| {
                let digest = digest(context, &["asking browser", &shown.name()]);
                (shown.clone(), digest)
            }),
        }
    }

    /// Who is counted for a wrong code: this network for this code, and this network as such.
    fn guessers(&self, context: &Context) -> [Subject; 2] {
        let brand = self.brand.get().to_string();
        let parts = ["guessed code", self.purpose.as_str(), &brand, self.email.as_str(), self.from.network];
        [
            Subject { digest: digest(context, &parts), patience: Patience::CODE },
            Subject { digest: self.network(context), patience: Patience::NETWORK },
        ]
    }
}

/// Digests of what proves to have the mailbox of an address, and so where an account's owner may be met who is known from
/// nowhere yet.
pub(super) fn proofs(context: &Context, brand: BrandId, email: &Email) -> [[u8; 32]; 2] {
    let subject = |purpose| About { purpose, brand, email, from: Whence::network("") }.subject(context);
    [subject(Purpose::Verify), subject(Purpose::Reset)]
}

/// Six random digits.
fn fresh() -> Result<Secret, Fault> {
    const CODES: u64 = 1_000_000;
    let random = entropy::bytes::<8>().map_err(|error| Fault::new(FaultCode::Internal).caused_by(error))?;
    // 2^64 is so much larger that no code is more likely than another by more than 10^-13.
    Ok(Secret::new(format!("{:06}", u64::from_be_bytes(random) % CODES)))
}

/// What is mailed for a code that is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mailed {
    /// The code.
    Code,
    /// That there is an account already: the code is told to nobody.
    Taken,
    /// Nothing: there is nobody to tell. The code is made all the same, so that this takes as long.
    Nothing,
}

/// A code that is ready to be written, with its mail.
pub struct Ready {
    code: NewCode,
    mail: Option<SealedMail>,
}

/// That a network may cause one more mail: [`Ready::admit`] gives it, whatever is written needs it.
pub struct Admitted(());

/// The network asked for enough mails lately; in so long it may again. Nothing was done, whoever was asked about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Crowded(Span);

impl From<Crowded> for Fault {
    fn from(Crowded(wait): Crowded) -> Self {
        let sentence =
            "Your network asked for too many mails lately. Nothing was sent; wait, or ask from elsewhere.";
        let mut fault = Self::new(FaultCode::RateLimited).saying(sentence);
        fault.retry_after_s = Some(whole_seconds(wait));
        fault
    }
}

/// Ok if the network that asks may have a mail, as far as is known before anything is done: whoever may not need not be
/// worked for. [`Ready::admit`] decides.
pub async fn has_room(context: &Context, about: &About<'_>) -> Result<(), Fault> {
    let (network, now) = (about.network(context), context.clock.now());
    let waits = context.store.read(move |tx| network_waits_now(tx, &network, now)).await;
    waits.map_err(from_store)?.map_or(Ok(()), |wait| Err(Crowded(wait).into()))
}

/// Makes a code and words its mail; [`Ready::write`] writes both.
pub fn make(context: &Context, about: &About<'_>, mailed: Mailed) -> Result<Ready, Fault> {
    mail::require(context)?;
    let code = fresh()?;
    let now = context.clock.now();
    let new = NewCode {
        subject: about.subject(context),
        network: about.network(context),
        digest: about.code(context, code.expose()),
        asked_by: about.asked_by(context),
        now,
    };
    let telling = match mailed {
        Mailed::Code | Mailed::Nothing => Telling::Code(about.purpose, &code),
        Mailed::Taken => Telling::Taken,
    };
    let mail = mail::seal(context, about.email, telling)?;
    Ok(Ready { code: new, mail: (mailed != Mailed::Nothing).then_some(mail) })
}

impl Ready {
    /// Asked for by this account, for an address that is not its own yet.
    #[must_use]
    pub fn asked_by(mut self, account: AccountId) -> Self {
        self.code.asked_by.account = Some(account);
        self
    }

    /// Whether the network that asks may have a mail. The first thing that its transaction does, so that nothing else is
    /// done for one that may not.
    pub fn admit(&self, tx: &mut Tx<'_>) -> Result<Result<Admitted, Crowded>, StoreError> {
        let waits = network_waits(tx, &self.code.network, self.code.now)?;
        // Before any account, as whoever gives a code has it.
        email_code::subject_hold(tx, &self.code.subject)?;
        Ok(waits.map_or(Ok(Admitted(())), |wait| Err(Crowded(wait))))
    }

    /// Writes them, unless there were enough for the address lately. Callers answer the same either way.
    pub fn write(&self, tx: &mut Tx<'_>, _admitted: &Admitted) -> Result<Made, StoreError> {
        let made = code_create(tx, &self.code)?;
        if let (Made::Yes, Some(mail)) = (made, &self.mail) {
            mail_create(tx, mail, self.code.now)?;
        }
        Ok(made)
    }
}

/// Makes a code and mails it, unless there were enough for the address lately. Callers answer the same either way; a
/// network that asks too often is told so, because that is nobody's secret.
pub async fn issue(context: &Context, about: &About<'_>, mailed: Mailed) -> Result<(), Fault> {
    let ready = make(context, about, mailed)?;
    let written = context.store.write(move |tx| match ready.admit(tx)? {
        Ok(admitted) => ready.write(tx, &admitted).map(|_made| Ok(())),
        Err(crowded) => Ok(Err(crowded)),
    });
    written.await.map_err(from_store)?.map_err(Fault::from)
}

/// What somebody gave for a code, ready for a transaction.
pub struct Attempt {
    subject: [u8; 32],
    given: [u8; 32],
    network: [u8; 32],
    guessers: [Subject; 2],
    now: Time,
}

impl Attempt {
    /// Made of what was given.
    pub fn new(context: &Context, about: &About<'_>, given: &str) -> Self {
        Self {
            subject: about.subject(context),
            given: about.code(context, given.trim()),
            network: about.network(context),
            guessers: about.guessers(context),
            now: context.clock.now(),
        }
    }

    /// Whether it is the code; then it is used up.
    pub fn redeem(&self, tx: &mut Tx<'_>) -> Result<bool, StoreError> {
        let Self { subject, given, network, guessers, now } = self;
        let given = email_code::Given { subject, digest: given, network };
        if guess_begin(tx, guessers, *now)? == Look::No || !code_redeem(tx, &given, *now)? {
            return Ok(false);
        }
        let [own, network] = guessers;
        guess_forget(tx, &own.digest)?;
        guess_forgive(tx, &network.digest)?;
        Ok(true)
    }
}

/// Whether this is the code; then it is used up.
pub async fn redeem(context: &Context, about: &About<'_>, given: &str) -> Result<bool, Fault> {
    let attempt = Attempt::new(context, about, given);
    context.store.write(move |tx| attempt.redeem(tx)).await.map_err(from_store)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_six_digits() {
        for _ in 0..100 {
            let code = fresh().unwrap();
            assert!(code.expose().len() == 6 && code.expose().bytes().all(|byte| byte.is_ascii_digit()));
        }
    }
}
