//! The life of an activation: `reserving → waiting → received → finished`, and the ways out:
//! `→ failed`, `→ canceled`, `→ expired`.
//!
//! A state carries what is known in it and nothing else. A transition takes the old value and answers the
//! new one with what must follow, or refuses. What follows (money, events, jobs) is data: the shell
//! writes it in the same transaction as the state, so neither exists without the other.

mod message;
mod transition;

pub use message::{HasCode, SealedBecause, Verdict, WithheldBecause};
pub use transition::{
    Effects, EventKind, Money, RESEND_PAUSE, Release, ResendRefused, Step, TransitionRefused, Watch,
};

use crate::id::{AccountId, ActivationId, BrandId, MessageId, MovementId};
use crate::ledger::Split;
use crate::money::Usd;
use crate::text::{Operator, PhoneNumber, Pool, ProviderCode};
use crate::time::Time;
use crate::vocabulary::{CountryId, ServiceCode};

/// What was bought and at which price; fixed when the money was held.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Terms {
    /// The service whose code is expected.
    pub service: ServiceCode,
    /// Country of the number.
    pub country: CountryId,
    /// Operator of the number, as the offer names it.
    pub operator: Operator,
    /// Pool of the offer.
    pub pool: Pool,
    /// Who supplies the number.
    pub provider: ProviderCode,
    /// What the customer pays.
    pub price: Usd,
    /// What the provider charges, in micro-units of `cost_currency`.
    pub provider_cost: i64,
    /// ISO 4217 code of the provider's price.
    pub cost_currency: String,
}

/// The number that was attached, and for how long it is ours.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// The number.
    pub number: PhoneNumber,
    /// The provider's own name for this purchase.
    pub provider_ref: String,
    /// When it was attached.
    pub attached_at: Time,
    /// The end of the window.
    pub expires_at: Time,
}

/// What is known of the messages that came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reception {
    /// When the first message was delivered: the moment of the charge.
    pub first_at: Time,
    /// The message whose code is shown.
    pub code_message: Option<MessageId>,
    /// When another message was last asked for.
    pub resent_at: Option<Time>,
}

/// Where an activation stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum State {
    /// Money is held, the provider is being asked.
    Reserving,
    /// A number is attached, no message yet.
    Waiting(Line),
    /// At least one message was delivered; the money is spent.
    Received(Line, Reception),
    /// Closed after a message.
    Finished(Line, Reception, Time),
    /// No number was had; the money is back. Hidden from lists.
    Failed(Time),
    /// Given back before a message; the money is back.
    Canceled(Line, Time),
    /// The window ended without a message; the money is back.
    Expired(Line, Time),
}

/// The states' names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Status {
    /// See [`State::Reserving`].
    Reserving,
    /// See [`State::Waiting`].
    Waiting,
    /// See [`State::Received`].
    Received,
    /// See [`State::Finished`].
    Finished,
    /// See [`State::Failed`].
    Failed,
    /// See [`State::Canceled`].
    Canceled,
    /// See [`State::Expired`].
    Expired,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Reserving,
        Self::Waiting,
        Self::Received,
        Self::Finished,
        Self::Failed,
        Self::Canceled,
        Self::Expired,
    ];
    /// The five that customers see and filter by.
    pub const PUBLIC: [Self; 5] =
        [Self::Waiting, Self::Received, Self::Finished, Self::Canceled, Self::Expired];

    /// The word on the wire and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reserving => "reserving",
            Self::Waiting => "waiting",
            Self::Received => "received",
            Self::Finished => "finished",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::Expired => "expired",
        }
    }
    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
    /// True where a message may still come to the customer.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Reserving | Self::Waiting | Self::Received)
    }
}

impl State {
    /// Its name.
    pub const fn status(&self) -> Status {
        match self {
            Self::Reserving => Status::Reserving,
            Self::Waiting(_) => Status::Waiting,
            Self::Received(..) => Status::Received,
            Self::Finished(..) => Status::Finished,
            Self::Failed(_) => Status::Failed,
            Self::Canceled(..) => Status::Canceled,
            Self::Expired(..) => Status::Expired,
        }
    }
    /// The attached number, if one ever was.
    pub const fn line(&self) -> Option<&Line> {
        match self {
            Self::Reserving | Self::Failed(_) => None,
            Self::Waiting(line)
            | Self::Received(line, _)
            | Self::Finished(line, ..)
            | Self::Canceled(line, _)
            | Self::Expired(line, _) => Some(line),
        }
    }
    /// What came, if anything did.
    pub const fn reception(&self) -> Option<&Reception> {
        match self {
            Self::Received(_, reception) | Self::Finished(_, reception, _) => Some(reception),
            Self::Reserving | Self::Waiting(_) | Self::Failed(_) | Self::Canceled(..) | Self::Expired(..) => {
                None
            }
        }
    }
    /// When it was closed, if it is.
    pub const fn closed_at(&self) -> Option<Time> {
        match self {
            Self::Finished(_, _, at) | Self::Failed(at) | Self::Canceled(_, at) | Self::Expired(_, at) => {
                Some(*at)
            }
            Self::Reserving | Self::Waiting(_) | Self::Received(..) => None,
        }
    }
}

/// A one-time number that somebody bought.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Activation {
    /// Its row; customers see its public form.
    pub id: ActivationId,
    /// Under which white label.
    pub brand: BrandId,
    /// Who bought it.
    pub account: AccountId,
    /// What was bought.
    pub terms: Terms,
    /// Which purses pay.
    pub split: Split,
    /// The movement that holds the money.
    pub hold: MovementId,
    /// When the money was held.
    pub created_at: Time,
    /// Where it stands.
    pub state: State,
}
