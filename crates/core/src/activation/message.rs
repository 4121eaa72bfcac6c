//! What becomes of a message. Only a delivered one is shown and charges; nobody ever sees the others.

/// Whether a code was found in a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HasCode {
    /// Yes.
    Yes,
    /// No: the text is shown, the code stays empty.
    No,
}

/// Why a message was withheld by policy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WithheldBecause {
    /// It looks like a bank's or a payment service's.
    Bank,
    /// It looks like a government's.
    Government,
}

impl WithheldBecause {
    /// The word in the database and on record.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bank => "bank",
            Self::Government => "government",
        }
    }
    /// Reads the word; `None` for any other.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Bank, Self::Government].into_iter().find(|because| because.as_str() == word)
    }
}

/// Why a message was sealed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SealedBecause {
    /// The purchase was over.
    Late,
    /// No purchase ever matched it.
    Foreign,
    /// Several purchases could have meant it.
    Ambiguous,
    /// Its buyer was stopped over abuse, or is gone.
    Suspended,
}

/// A message's fate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Nothing matches yet; kept for a purchase that is still being confirmed.
    Parked,
    /// Shown to the buyer.
    Delivered,
    /// Kept from the buyer by policy.
    Withheld(WithheldBecause),
    /// Kept from everybody.
    Sealed(SealedBecause),
}

impl Verdict {
    /// The word in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Parked => "parked",
            Self::Delivered => "delivered",
            Self::Withheld(_) => "withheld",
            Self::Sealed(_) => "sealed",
        }
    }
    /// The reason's word in the database; empty where there is none.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Parked | Self::Delivered => "",
            Self::Withheld(because) => because.as_str(),
            Self::Sealed(SealedBecause::Late) => "late",
            Self::Sealed(SealedBecause::Foreign) => "foreign",
            Self::Sealed(SealedBecause::Ambiguous) => "ambiguous",
            Self::Sealed(SealedBecause::Suspended) => "suspended",
        }
    }
}
