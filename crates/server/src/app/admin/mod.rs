//! What the people who run the service do to accounts, over HTTP and from the command line alike: each use case is a
//! function of a transaction, and its entry in the chain of acts is written in that same transaction. Looking for accounts
//! alone is read first, and on record before it is shown: a search must hold nobody's writing up.
//!
//! Guards that nothing here happens without exactly one entry, and that what did not happen leaves none. An admin
//! changes neither its own standing nor its own purses.

mod people;
mod purse;
mod standing;

pub use crate::store::act::{Act, acts_page as acts};
pub use people::{Dossier, SignedOut, Summary, find, look, looked_for, sessions, sign_out, summary};
pub use purse::{Adjustment, Changed, adjust, adjust_at_once};
pub use standing::{Stood, set_standing};

use crate::store::act::{NewAct, act_append};
use crate::store::{StoreError, Tx};
use numberotp_core::caller::{Role, Standing};
use numberotp_core::id::AccountId;
use numberotp_core::time::Time;
use serde_json::{Value, json};

/// Who acts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Who {
    /// An admin that signed in.
    Admin(AccountId),
    /// Whoever has the database and the program.
    CommandLine,
}

/// Who acts, and when.
#[derive(Clone, Copy, Debug)]
pub struct By {
    /// Who.
    pub who: Who,
    /// Now.
    pub now: Time,
}

impl By {
    /// The command line, now.
    pub const fn command_line(now: Time) -> Self {
        Self { who: Who::CommandLine, now }
    }
    fn is(&self, account: AccountId) -> bool {
        self.who == Who::Admin(account)
    }
}

/// Why something is done, in the words of whoever does it.
#[derive(Clone, Debug)]
pub struct Reason(String);

impl Reason {
    /// One line of 1 to 500 characters.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let fits = (1..=500).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        fits.then(|| Self(text.to_owned()))
    }
    /// The words.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Puts an act into the chain. The last thing that its transaction does.
fn record(
    tx: &mut Tx<'_>,
    by: &By,
    (act, subject): (&'static str, Option<AccountId>),
    detail: &Value,
) -> Result<(), StoreError> {
    let actor = match by.who {
        Who::Admin(account) => account.get().to_string(),
        Who::CommandLine => "cli".to_owned(),
    };
    act_append(tx, &NewAct { at: by.now, actor, act, subject, detail: detail.to_string() })
}

/// Puts it on record that an account was made, as what and with what.
pub fn made(
    tx: &mut Tx<'_>,
    by: &By,
    account: AccountId,
    (role, standing): (Role, Standing),
) -> Result<(), StoreError> {
    let detail = json!({ "role": role.as_str(), "standing": standing.as_str() });
    record(tx, by, ("account.create", Some(account)), &detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_a_line_of_up_to_500_characters() {
        assert_eq!(Reason::parse("  spam ").unwrap().as_str(), "spam");
        assert!(Reason::parse(&"é".repeat(500)).is_some());
        for bad in ["", "  ", "two\nlines", "\u{7}", &"x".repeat(501)] {
            assert!(Reason::parse(bad).is_none(), "{bad:?}");
        }
    }
}
