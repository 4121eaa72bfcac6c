//! Signing in with a password.
//!
//! Guards that an address without an account, a wrong password, an unproved address and a guesser who has to wait are
//! told the same in the same time: each is one write, one hash and the same fault. A guesser is slowed where it is: the
//! owner in a browser or a network that the account knows never waits for a stranger. Nothing is done upon a password that was replaced
//! while it was compared.

use super::auth::{session_make, session_store};
use super::codes::{digest, proofs};
use super::from_store;
use super::keepsake::Whence;
use super::password::Verdict;
use super::second_factor::Attempt;
use crate::app::Context;
use crate::store::account::{Account, account_get, account_keeps};
use crate::store::email_code::codes_opened_from;
use crate::store::guess::{
    Look, Subject, guess_begin, guess_forget, guess_forgive, guess_hold, guess_is_closed, guess_take_back,
};
use crate::store::password::{password_by_email, password_holds, password_replace};
use crate::store::second_factor::factor_get;
pub use crate::store::session::Device;
use crate::store::session::{session_from, session_prove, session_revoke_by_hash};
use crate::store::{StoreError, Tx};
use numberotp_core::caller::{Caller, CredentialKind, Standing};
use numberotp_core::fault::{Fault, FaultCode};
use numberotp_core::guesses::Patience;
use numberotp_core::id::{AccountId, BrandId, SessionId};
use numberotp_core::keepsake::Keepsake;
use numberotp_core::secret::Secret;
use numberotp_core::session::{SessionKind, proof_ends};
use numberotp_core::text::Email;
use numberotp_core::time::{Span, Time};
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
    /// From where.
    pub from: Whence<'a>,
}

impl Given<'_> {
    /// Who is counted for a failure, as soon as it is known whether it is a stranger.
    fn guessers(&self, context: &Context) -> Guessers {
        let brand = self.brand.get().to_string();
        let (email, network) = (self.email.as_str(), self.from.network);
        let subject = |parts: &[&str], patience| Subject { digest: digest(context, parts), patience };
        let by_browser = |keepsake: &Keepsake| {
            let parts = ["guessed password, by browser", &brand, email, &keepsake.name()];
            (keepsake.clone(), subject(&parts, Patience::PASSWORD))
        };
        Guessers {
            browser: self.from.keepsake.map(by_browser),
            own: subject(&["guessed password", &brand, email, network], Patience::PASSWORD),
            network: subject(&["network", network], Patience::NETWORK),
            account: subject(&["guessed password from anywhere", &brand, email], Patience::ACCOUNT),
            first: [
                subject(&["first guessed password", &brand, email, &wide(network)], Patience::NEWCOMER),
                subject(&["first guessed password from anywhere", &brand, email], Patience::ACCOUNT),
            ],
            proofs: proofs(context, self.brand, self.email),
            from: network.to_owned(),
        }
    }
}

/// As much of a network as one customer of a provider has: who comes for the first time is told by that. An IPv6 customer
/// has up to 65,536 networks.
fn wide(network: &str) -> String {
    let site = network.strip_suffix("::/64").and_then(|prefix| prefix.rsplit_once(':'));
    site.map_or_else(|| network.to_owned(), |(site, _subnet)| format!("{site}::/48"))
}

/// Who is counted for a failure.
#[derive(Clone)]
struct Guessers {
    /// This browser for this address, if it turns out to be known.
    browser: Option<(Keepsake, Subject)>,
    /// This network for this address.
    own: Subject,
    /// This network as such.
    network: Subject,
    /// This address, whichever stranger asks.
    account: Subject,
    /// What is counted instead for a stranger's first try: that there was one, and all these for this address.
    first: [Subject; 2],
    /// What proves that somebody has its mailbox.
    proofs: [[u8; 32]; 2],
    /// The network.
    from: String,
}

impl Guessers {
    /// Those that count for an account. It knows browsers and networks that it signed in from lately, and networks that it
    /// had a code of its mailbox from: what strangers do is not held against these, nor against such a browser what others
    /// do in its network. Of strangers, those who come for the first time do not wait for the others. Asks as often where
    /// there is no account.
    fn counted(&self, tx: &mut Tx<'_>, account: AccountId, now: Time) -> Result<Vec<Subject>, StoreError> {
        if let Some((keepsake, subject)) = &self.browser
            && account_keeps(tx, account, (keepsake, now))?
        {
            return Ok(vec![subject.clone()]);
        }
        let signed_in = session_from(tx, (account, &self.from), now)?;
        let has_mailbox = codes_opened_from(tx, (&self.proofs, &self.network.digest), now)?;
        let mut counted = vec![self.own.clone(), self.network.clone()];
        if signed_in || has_mailbox {
            return Ok(counted);
        }
        // All at once, as everybody takes them in one order.
        let all: Vec<Subject> = counted.iter().chain([&self.account]).chain(&self.first).cloned().collect();
        guess_hold(tx, &all)?;
        if guess_is_closed(tx, &self.first, now)? {
            counted.push(self.account.clone());
        } else {
            counted.extend(self.first.iter().cloned());
        }
        Ok(counted)
    }

    /// The try that began at this time was not looked at: whoever made it comes again as if it had not been.
    fn take_back(&self, tx: &mut Tx<'_>, counted: &[Subject], begun: Time) -> Result<(), StoreError> {
        guess_hold(tx, counted)?;
        counted.iter().try_for_each(|subject| {
            if self.is_newcomer(subject) {
                guess_forget(tx, &subject.digest)
            } else {
                guess_take_back(tx, &subject.digest, begun)
            }
        })
    }

    /// The try was right: nothing is held against this browser or network for this address, and to the others it was none.
    fn let_off(&self, tx: &mut Tx<'_>, counted: &[Subject]) -> Result<(), StoreError> {
        guess_hold(tx, counted)?;
        for (place, subject) in counted.iter().enumerate() {
            if place == 0 || self.is_newcomer(subject) {
                guess_forget(tx, &subject.digest)?;
            } else {
                guess_forgive(tx, &subject.digest)?;
            }
        }
        Ok(())
    }

    /// What is counted of a stranger's first try, which is still to come if this was none.
    fn is_newcomer(&self, subject: &Subject) -> bool {
        let [newcomer, _] = &self.first;
        subject.digest == newcomer.digest
    }
}

/// An account whose password was shown, and what that was compared with.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Whose.
    pub account: Account,
    /// The PHC string.
    kept: Secret,
}

impl Shown {
    /// Whether it is still the password; then it is until this transaction ends. For whatever is done because somebody
    /// knew it: a forgotten password may have been replaced while this one was compared.
    pub fn holds(&self, tx: &mut Tx<'_>) -> Result<bool, StoreError> {
        password_holds(tx, self.account.id, self.kept.expose())
    }

    /// What stands for the password where it must not be readable.
    pub fn mark(&self, context: &Context) -> [u8; 32] {
        password_mark(context, self.kept.expose())
    }

    /// Gives the account another password, unless it has another by now. False: it has.
    pub fn replace(&self, tx: &mut Tx<'_>, next: &str) -> Result<bool, StoreError> {
        password_replace(tx, self.account.id, (self.kept.expose(), next))
    }
}

/// What stands for a password's PHC string.
pub(super) fn password_mark(context: &Context, kept: &str) -> [u8; 32] {
    digest(context, &["password", kept])
}

/// The account that this opens. Everything that keeps it shut is `INVALID_CREDENTIALS`, but that a right password lacks
/// its second factor, which is `TOTP_REQUIRED`.
pub async fn with_password(context: &Context, given: &Given<'_>) -> Result<Shown, Fault> {
    let guessers = given.guessers(context);
    let Compared { shown, verdict, counted } = compared(context, given, &guessers).await?;
    let Shown { account, kept } = shown;
    let anew = match verdict {
        Verdict::RightButOld => unless_crowded(context.passwords.hash(given.password).await)?,
        Verdict::Right | Verdict::Wrong => None,
    };
    let second = second(context, account.id, given.totp).await?;
    let (id, from, to) = (account.id, kept.clone(), anew.clone());
    let ended = context.store.write(move |tx| {
        if let Second::Given(attempt) = &second
            && !attempt.redeem(tx)?
        {
            // Counted with the password's failures too: whoever has the one guesses the other.
            return Ok(FaultCode::InvalidCredentials.into());
        }
        guessers.let_off(tx, &counted)?;
        if let Some(to) = &to
            && !password_replace(tx, id, (from.expose(), to))?
        {
            return Ok(FaultCode::InvalidCredentials.into());
        }
        Ok(matches!(second, Second::Missing).then_some(FaultCode::TotpRequired))
    });
    match ended.await.map_err(from_store)? {
        None => Ok(Shown { account, kept: anew.map_or(kept, Secret::new) }),
        Some(code) => Err(Fault::new(code)),
    }
}

/// A new hash, or none where that would take too long: it is for the next time.
fn unless_crowded(hash: Result<String, Fault>) -> Result<Option<String>, Fault> {
    match hash {
        Err(fault) if fault.code == FaultCode::RateLimited => Ok(None),
        hash => hash.map(Some),
    }
}

/// A password that was right.
struct Compared {
    shown: Shown,
    verdict: Verdict,
    counted: Vec<Subject>,
}

/// Counts the try, and compares the password: one write and one hash, whoever it is.
async fn compared(context: &Context, given: &Given<'_>, guessers: &Guessers) -> Result<Compared, Fault> {
    // First of all: in a crowd nothing is written for those who are told to come again.
    let place = context.passwords.place()?;
    let (now, who) = (context.clock.now(), guessers.clone());
    let (brand, email) = (given.brand, given.email.clone());
    let begun = context.store.write(move |tx| {
        let known = password_by_email(tx, brand, &email)?;
        let account = known.as_ref().map_or(AccountId::new(0), |(account, _)| account.id);
        let counted = who.counted(tx, account, now)?;
        Ok((guess_begin(tx, &counted, now)?, known, counted))
    });
    let (look, known, counted) = begun.await.map_err(from_store)?;
    let kept = known.as_ref().and_then(|(_, kept)| kept.as_deref()).filter(|_| look == Look::Yes);
    let verdict = match place.verify(kept, given.password).await {
        Ok(verdict) => verdict,
        Err(fault) => {
            let guessers = guessers.clone();
            // A write either way: its time would tell who has to wait.
            let back = context.store.write(move |tx| match look {
                Look::Yes => guessers.take_back(tx, &counted, now),
                Look::No => guess_hold(tx, &counted),
            });
            back.await.map_err(from_store)?;
            return Err(fault);
        }
    };
    let (account, kept) = known
        .and_then(|(account, kept)| Some((account, Secret::new(kept?))))
        .filter(|(account, _)| may_sign_in(account) && verdict != Verdict::Wrong)
        .ok_or_else(|| Fault::new(FaultCode::InvalidCredentials))?;
    Ok(Compared { shown: Shown { account, kept }, verdict, counted })
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
    (password, from): (&Secret, Whence<'_>),
) -> Result<Shown, Fault> {
    let account = own_account(context, caller).await?;
    let given = Given { brand: account.brand, email: &account.email, password, totp: None, from };
    let guessers = given.guessers(context);
    let Compared { shown, counted, .. } = compared(context, &given, &guessers).await?;
    let right = context.store.write(move |tx| guessers.let_off(tx, &counted));
    right.await.map_err(from_store)?;
    Ok(shown)
}

async fn own_account(context: &Context, caller: &Caller) -> Result<Account, Fault> {
    caller.require_person()?;
    let id = caller.account;
    let account = context.store.read(move |tx| account_get(tx, id)).await.map_err(from_store)?;
    account.ok_or_else(|| Fault::new(FaultCode::Unauthorized))
}

/// The caller shows its password again, and the second factor if it has one: for a while it may do what outlives its
/// sign-in. Costs and tells what signing in does. Answers until when.
pub async fn confirm(
    context: &Context,
    caller: &Caller,
    (password, totp, from): (&Secret, Option<&str>, Whence<'_>),
) -> Result<Time, Fault> {
    let account = own_account(context, caller).await?;
    if caller.credential == CredentialKind::AuthJs {
        let sentence = "A website's visitor proves itself there, and need not do it here.";
        return Err(Fault::new(FaultCode::InvalidState).saying(sentence));
    }
    let given = Given { brand: account.brand, email: &account.email, password, totp, from };
    let shown = with_password(context, &given).await?;
    prove(context, caller, shown).await
}

/// Notes that the caller proved to be there, by its password. Answers until when that counts.
pub async fn prove(context: &Context, caller: &Caller, shown: Shown) -> Result<Time, Fault> {
    let (session, now) = ((shown.account.id, SessionId::new(caller.credential_id)), context.clock.now());
    let proved = context.store.write(move |tx| Ok(shown.holds(tx)? && session_prove(tx, session, now)?));
    if proved.await.map_err(from_store)? {
        Ok(proof_ends(now))
    } else {
        Err(Fault::new(FaultCode::InvalidCredentials))
    }
}

/// A browser's session that began.
#[derive(Debug)]
pub struct Begun {
    /// Its token.
    pub token: Secret,
    /// When it began: before whatever else became of the account since.
    pub at: Time,
    /// When it ends, unless it is used before that.
    pub ends: Time,
    /// How long it lasts at most.
    pub most: Span,
}

/// Begins a browser's session: always a new one, and the one that came with the request ends. There is none if the password
/// was replaced since it was shown.
pub async fn begin_session(
    context: &Context,
    shown: &Shown,
    (device, old): (Device, Option<TokenHash>),
) -> Result<Begun, Fault> {
    let token = session_make().map_err(|error| Fault::new(FaultCode::Internal).caused_by(error))?;
    let (whose, kept, now) = (shown.clone(), token.clone(), context.clock.now());
    let made = context.store.write(move |tx| {
        if !whose.holds(tx)? {
            return Ok(false);
        }
        if let Some(old) = &old {
            session_revoke_by_hash(tx, old, now)?;
        }
        session_store(tx, &whose.account, &kept, (device.clone(), now)).map(|_session| true)
    });
    if !made.await.map_err(from_store)? {
        return Err(Fault::new(FaultCode::InvalidCredentials));
    }
    context.known.forget(shown.account.id);
    let lasting = SessionKind::Web.lasts(shown.account.role);
    Ok(Begun { token, at: now, ends: lasting.ends(now, now), most: lasting.most })
}
