//! Who is calling and what that credential may do.

use crate::fault::{Fault, FaultCode};
use crate::id::{AccountId, BrandId};
use std::fmt;

/// What a credential may do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Scope {
    /// See prices, purchases, messages and the books of one's own account.
    Read,
    /// Spend money.
    Buy,
    /// Put money in.
    Topup,
}

impl Scope {
    /// The word on the wire and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Buy => "buy",
            Self::Topup => "topup",
        }
    }
    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Read, Self::Buy, Self::Topup].into_iter().find(|scope| scope.as_str() == text)
    }
}

/// A set of scopes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Scopes {
    read: bool,
    buy: bool,
    topup: bool,
}

impl Scopes {
    /// Everything: what a signed-in person may do.
    pub const ALL: Self = Self { read: true, buy: true, topup: true };
    /// What a new key may do unless told otherwise.
    pub const READ_BUY: Self = Self { read: true, buy: true, topup: false };

    /// Reads a comma-separated list; an unknown word is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut scopes = Self::default();
        for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            match Scope::parse(word)? {
                Scope::Read => scopes.read = true,
                Scope::Buy => scopes.buy = true,
                Scope::Topup => scopes.topup = true,
            }
        }
        Some(scopes)
    }
    /// The words of the set.
    pub fn words(self) -> impl Iterator<Item = &'static str> {
        let all = [Scope::Read, Scope::Buy, Scope::Topup];
        all.into_iter().filter(move |scope| self.has(*scope)).map(Scope::as_str)
    }
    /// True if the set holds it.
    pub const fn has(self, scope: Scope) -> bool {
        match scope {
            Scope::Read => self.read,
            Scope::Buy => self.buy,
            Scope::Topup => self.topup,
        }
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words().collect::<Vec<_>>().join(","))
    }
}

/// What an account is allowed to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Buys for itself.
    Customer,
    /// Sells on.
    Reseller,
    /// Runs the platform.
    Admin,
}

impl Role {
    /// The word on the wire and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Reseller => "reseller",
            Self::Admin => "admin",
        }
    }
    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Customer, Self::Reseller, Self::Admin].into_iter().find(|role| role.as_str() == text)
    }
}

/// Where an account stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// Not approved yet: looks around, buys nothing.
    Pending,
    /// May buy.
    Approved,
    /// Stopped over money: buys nothing new, but what runs goes on and delivers.
    Limited,
    /// Stopped over abuse: buys nothing, and its messages are shown to nobody.
    Suspended,
    /// Gone: nothing opens it.
    Closed,
}

impl Standing {
    /// Every one, from the beginning to the end.
    pub const ALL: [Self; 5] = [Self::Pending, Self::Approved, Self::Limited, Self::Suspended, Self::Closed];

    /// The word in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Limited => "limited",
            Self::Suspended => "suspended",
            Self::Closed => "closed",
        }
    }
    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|standing| standing.as_str() == text)
    }
    /// Ok if the account may buy, else the fault that says why not.
    pub fn may_buy(self) -> Result<(), Fault> {
        match self {
            Self::Approved => Ok(()),
            Self::Pending => Err(Fault::new(FaultCode::AccountNotApproved)),
            Self::Limited | Self::Suspended | Self::Closed => Err(Fault::new(FaultCode::AccountOnHold)),
        }
    }
    /// Ok if the account may see and end what it bought, else the fault that says why not.
    pub fn may_use(self) -> Result<(), Fault> {
        match self {
            Self::Pending | Self::Approved | Self::Limited => Ok(()),
            Self::Suspended | Self::Closed => Err(Fault::new(FaultCode::AccountOnHold)),
        }
    }
    /// Whether messages that come now are shown to nobody, ever. Whoever is stopped over money still gets what it
    /// bought; whoever is stopped over abuse does not.
    pub const fn seals(self) -> bool {
        match self {
            Self::Pending | Self::Approved | Self::Limited => false,
            Self::Suspended | Self::Closed => true,
        }
    }
    /// Whether it may become the other. Forward always; back from what was lifted, or an approval that is taken back;
    /// whoever was stopped does not wait for its first approval again, and what is closed stays closed.
    pub const fn may_become(self, next: Self) -> bool {
        match self {
            Self::Pending => !matches!(next, Self::Pending),
            Self::Approved => !matches!(next, Self::Approved),
            Self::Limited => matches!(next, Self::Approved | Self::Suspended | Self::Closed),
            Self::Suspended => matches!(next, Self::Approved | Self::Limited | Self::Closed),
            Self::Closed => false,
        }
    }
}

/// How the caller proved who it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CredentialKind {
    /// A long-lived key: a program's.
    ApiKey,
    /// An opaque session: a person's browser.
    Session,
    /// A short-lived signed token: a person's device or program.
    Jwt,
    /// A session of the operator's website: a person's browser there.
    AuthJs,
}

impl CredentialKind {
    /// The word in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey => "api_key",
            Self::Session => "session",
            Self::Jwt => "jwt",
            Self::AuthJs => "authjs",
        }
    }
    /// Whether a person signed in to have it.
    pub const fn is_person(self) -> bool {
        match self {
            Self::ApiKey => false,
            Self::Session | Self::Jwt | Self::AuthJs => true,
        }
    }
}

/// Whether what a credential may spend has a bound of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Spending {
    /// Whatever its account has.
    #[default]
    Free,
    /// No more than its own cap, which counts with each purchase.
    Capped,
}

/// An authenticated caller.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    /// Whose money and messages.
    pub account: AccountId,
    /// Under which white label.
    pub brand: BrandId,
    /// Kind of credential used.
    pub credential: CredentialKind,
    /// The key's row, or the session's that the caller signed in with.
    pub credential_id: i64,
    /// What the credential may do.
    pub scopes: Scopes,
    /// Whether a cap bounds what it spends.
    pub spending: Spending,
    /// Where the account stood when the credential was looked up, less than a second ago.
    pub standing: Standing,
    /// What the account was then.
    pub role: Role,
}

impl Caller {
    /// Ok if the credential has the scope and its account was not stopped over abuse, else 403.
    pub fn require(&self, scope: Scope) -> Result<(), Fault> {
        self.require_scope(scope)?;
        self.standing.may_use()
    }

    /// Ok if the credential has the scope, else 403. For what even a suspended account may see: how it stands.
    pub fn require_scope(&self, scope: Scope) -> Result<(), Fault> {
        if self.scopes.has(scope) {
            return Ok(());
        }
        let word = scope.as_str();
        Err(Fault::new(FaultCode::InsufficientScope)
            .saying(format!("This credential lacks the scope `{word}`. Use one that has it.")))
    }

    /// Ok for a person who signed in, else 403: a key must not be able to make itself others, or end sign-ins.
    pub fn require_person(&self) -> Result<(), Fault> {
        if self.credential.is_person() {
            return Ok(());
        }
        Err(Fault::new(FaultCode::SignedInPersonRequired))
    }

    /// Ok for an admin that signed in and is not suspended, else 403. Who is no admin learns nothing but that.
    pub fn require_admin(&self) -> Result<(), Fault> {
        if self.role != Role::Admin {
            return Err(Fault::new(FaultCode::AdminRequired));
        }
        self.require_person()?;
        self.standing.may_use()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_read_back_as_printed() {
        let scopes = Scopes::parse("buy, read").unwrap();
        assert_eq!(scopes, Scopes::READ_BUY);
        assert_eq!(scopes.to_string(), "read,buy");
        assert!(Scopes::parse("read,write").is_none());
        assert!(!Scopes::parse("").unwrap().has(Scope::Read));
    }

    #[test]
    fn only_the_approved_may_buy() {
        assert!(Standing::Approved.may_buy().is_ok());
        assert_eq!(Standing::Pending.may_buy().unwrap_err().code, FaultCode::AccountNotApproved);
        for stopped in [Standing::Limited, Standing::Suspended, Standing::Closed] {
            assert_eq!(stopped.may_buy().unwrap_err().code, FaultCode::AccountOnHold);
        }
    }

    #[test]
    fn which_standing_may_follow_which() {
        // Down: from. Across: pending, approved, limited, suspended, closed.
        let table = [
            [false, true, true, true, true],
            [true, false, true, true, true],
            [false, true, false, true, true],
            [false, true, true, false, true],
            [false, false, false, false, false],
        ];
        assert_eq!(Standing::ALL.map(|from| Standing::ALL.map(|next| from.may_become(next))), table);
    }

    #[test]
    fn abuse_seals_and_debt_does_not() {
        assert_eq!(Standing::ALL.map(Standing::seals), [false, false, false, true, true]);
        for standing in Standing::ALL {
            assert_eq!(standing.seals(), standing.may_use().is_err(), "shown is what may come, and no more");
        }
    }

    #[test]
    fn whoever_is_stopped_over_money_may_use_what_runs() {
        let may_use = Standing::ALL.map(|standing| standing.may_use().is_ok());
        assert_eq!(may_use, [true, true, true, false, false]);
    }

    #[test]
    fn a_suspended_account_sees_how_it_stands_and_no_more() {
        let mut caller = Caller {
            account: AccountId::new(1),
            brand: BrandId::new(1),
            credential: CredentialKind::ApiKey,
            credential_id: 1,
            scopes: Scopes::READ_BUY,
            spending: Spending::Free,
            standing: Standing::Suspended,
            role: Role::Customer,
        };
        assert!(caller.require_scope(Scope::Read).is_ok());
        assert_eq!(caller.require(Scope::Read).unwrap_err().code, FaultCode::AccountOnHold);
        assert_eq!(caller.require(Scope::Topup).unwrap_err().code, FaultCode::InsufficientScope);
        assert_eq!(caller.require_person().unwrap_err().code, FaultCode::SignedInPersonRequired);
        let mut refused = |role, credential, standing| {
            (caller.role, caller.credential, caller.standing) = (role, credential, standing);
            caller.require_admin().err().map(|fault| fault.code)
        };
        let (key, session) = (CredentialKind::ApiKey, CredentialKind::Session);
        assert_eq!(refused(Role::Customer, session, Standing::Approved), Some(FaultCode::AdminRequired));
        assert_eq!(refused(Role::Reseller, key, Standing::Approved), Some(FaultCode::AdminRequired));
        assert_eq!(refused(Role::Admin, key, Standing::Approved), Some(FaultCode::SignedInPersonRequired));
        assert_eq!(refused(Role::Admin, session, Standing::Suspended), Some(FaultCode::AccountOnHold));
        assert_eq!(refused(Role::Admin, CredentialKind::Jwt, Standing::Approved), None);
    }
}
