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
        let words = [Scope::Read, Scope::Buy, Scope::Topup].into_iter().filter(|scope| self.has(*scope));
        f.write_str(&words.map(Scope::as_str).collect::<Vec<_>>().join(","))
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

/// Whether an account may buy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// Not approved yet.
    Pending,
    /// May buy.
    Approved,
    /// Stopped by the operator.
    Held,
}

impl Standing {
    /// The word in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Held => "held",
        }
    }
    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Pending, Self::Approved, Self::Held].into_iter().find(|standing| standing.as_str() == text)
    }
    /// Ok if the account may buy, else the fault that says why not.
    pub fn may_buy(self) -> Result<(), Fault> {
        match self {
            Self::Approved => Ok(()),
            Self::Pending => Err(Fault::new(FaultCode::AccountNotApproved)),
            Self::Held => Err(Fault::new(FaultCode::AccountOnHold)),
        }
    }
}

/// How the caller proved who it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CredentialKind {
    /// A long-lived key.
    ApiKey,
    /// An opaque session.
    Session,
    /// A short-lived signed token.
    Jwt,
}

impl CredentialKind {
    /// The word in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey => "api_key",
            Self::Session => "session",
            Self::Jwt => "jwt",
        }
    }
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
    /// The credential's own row (zero for a JWT).
    pub credential_id: i64,
    /// What the credential may do.
    pub scopes: Scopes,
}

impl Caller {
    /// Ok if the credential has the scope, else 403.
    pub fn require(&self, scope: Scope) -> Result<(), Fault> {
        if self.scopes.has(scope) {
            return Ok(());
        }
        let word = scope.as_str();
        Err(Fault::new(FaultCode::InsufficientScope)
            .saying(format!("This credential lacks the scope `{word}`. Use one that has it.")))
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
        assert_eq!(Standing::Held.may_buy().unwrap_err().code, FaultCode::AccountOnHold);
    }
}
