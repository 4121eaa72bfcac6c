//! The transitions. Each consumes the activation; a refusal names the state that forbids it.
//!
//! Guards: a hold resolves at most once (only leaving `reserving` or `waiting` moves money), a message after
//! the window charges nobody, and repeating a step that was taken changes nothing.

use super::{Activation, HasCode, Line, Reception, SealedBecause, State, Status, Verdict};
use crate::id::MessageId;
use crate::text::Pool;
use crate::time::{Span, Time};

/// What a step does with the held money.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Money {
    /// Nothing.
    #[default]
    Keep,
    /// The hold becomes final.
    Post,
    /// The hold is undone.
    Void,
}

/// What the job that looks after the activation has to do next.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Watch {
    /// Stays as it is.
    #[default]
    Unchanged,
    /// Wakes at this instant.
    At(Time),
    /// Is not needed any more.
    Over,
}

/// Whether the provider must be told that the number is free.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Release {
    /// Nothing to tell.
    #[default]
    No,
    /// Tell it, by a job of its own.
    Yes,
}

/// What subscribers are told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EventKind {
    /// A number was attached.
    Created,
    /// The first message was delivered.
    CodeReceived,
    /// Another message was delivered.
    SmsReceived,
    /// Closed after a message.
    Finished,
    /// Given back.
    Canceled,
    /// The window ended without a message.
    Expired,
}

impl EventKind {
    /// The word on the wire and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "activation.created",
            Self::CodeReceived => "activation.code_received",
            Self::SmsReceived => "activation.sms_received",
            Self::Finished => "activation.finished",
            Self::Canceled => "activation.canceled",
            Self::Expired => "activation.expired",
        }
    }
}

/// What must be written together with the new state.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Effects {
    /// The held money.
    pub money: Money,
    /// The job that looks after it.
    pub watch: Watch,
    /// The provider.
    pub release: Release,
    /// The event.
    pub event: Option<EventKind>,
}

/// A step that was taken. Without effects it was taken before: nothing needs writing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// The activation after it.
    pub activation: Activation,
    /// What must follow.
    pub effects: Effects,
}

/// The state forbids the step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TransitionRefused(pub Status);

impl Activation {
    /// The provider gave a number. Repeating it with the same reference changes nothing; another reference,
    /// or a purchase that failed meanwhile, is refused, and the caller gives the number back.
    pub fn attach(self, line: Line) -> Result<Step, TransitionRefused> {
        match &self.state {
            State::Reserving => {
                let effects = Effects {
                    watch: Watch::At(line.expires_at),
                    event: Some(EventKind::Created),
                    ..Effects::default()
                };
                Ok(self.into(State::Waiting(line), effects))
            }
            state => match state.line() {
                Some(known) if known.provider_ref == line.provider_ref => Ok(self.unchanged()),
                _ => Err(TransitionRefused(state.status())),
            },
        }
    }

    /// No number was had, for certain: the money goes back.
    pub fn fail(self, now: Time) -> Result<Step, TransitionRefused> {
        match self.state {
            State::Reserving => {
                let effects = Effects { money: Money::Void, watch: Watch::Over, ..Effects::default() };
                Ok(self.into(State::Failed(now), effects))
            }
            State::Failed(_) => Ok(self.unchanged()),
            ref state => Err(TransitionRefused(state.status())),
        }
    }

    /// A message came for this activation at `at`. The first delivered one spends the money.
    pub fn receive(self, message: MessageId, has_code: HasCode, at: Time) -> (Step, Verdict) {
        let late = Verdict::Sealed(SealedBecause::Late);
        match self.state.clone() {
            State::Waiting(line) if at < line.expires_at => {
                let code_message = (has_code == HasCode::Yes).then_some(message);
                let reception = Reception { first_at: at, code_message, resent_at: None };
                let event = Some(EventKind::CodeReceived);
                let effects = Effects { money: Money::Post, event, ..Effects::default() };
                (self.into(State::Received(line, reception), effects), Verdict::Delivered)
            }
            State::Received(line, mut reception) if at < line.expires_at => {
                if has_code == HasCode::Yes && reception.takes_code_at(at) {
                    reception.code_message = Some(message);
                }
                let effects = Effects { event: Some(EventKind::SmsReceived), ..Effects::default() };
                (self.into(State::Received(line, reception), effects), Verdict::Delivered)
            }
            State::Reserving => (self.unchanged(), Verdict::Parked),
            State::Waiting(_)
            | State::Received(..)
            | State::Finished(..)
            | State::Failed(_)
            | State::Canceled(..)
            | State::Expired(..) => (self.unchanged(), late),
        }
    }

    /// The buyer gives the number back before a message: full refund. Safe to repeat.
    pub fn cancel(self, now: Time) -> Result<Step, TransitionRefused> {
        match self.state.clone() {
            State::Waiting(line) => {
                let effects = Effects {
                    money: Money::Void,
                    watch: Watch::Over,
                    release: Release::Yes,
                    event: Some(EventKind::Canceled),
                };
                Ok(self.into(State::Canceled(line, now), effects))
            }
            State::Canceled(..) => Ok(self.unchanged()),
            state => Err(TransitionRefused(state.status())),
        }
    }

    /// The buyer is done after a message. Safe to repeat.
    pub fn finish(self, now: Time) -> Result<Step, TransitionRefused> {
        match self.state.clone() {
            State::Received(line, reception) => Ok(self.closed_after_message(line, reception, now)),
            State::Finished(..) => Ok(self.unchanged()),
            state => Err(TransitionRefused(state.status())),
        }
    }

    /// The clock reached `now`: closes an activation whose window is over, changes nothing else. An activation
    /// that is still `reserving` is refused: the reconciler settles it, not the clock.
    pub fn expire(self, now: Time) -> Result<Step, TransitionRefused> {
        match self.state.clone() {
            State::Waiting(line) if now >= line.expires_at => {
                let effects = Effects {
                    money: Money::Void,
                    watch: Watch::Over,
                    release: Release::Yes,
                    event: Some(EventKind::Expired),
                };
                Ok(self.into(State::Expired(line, now), effects))
            }
            State::Received(line, reception) if now >= line.expires_at => {
                Ok(self.closed_after_message(line, reception, now))
            }
            State::Waiting(line) | State::Received(line, _) => {
                let effects = Effects { watch: Watch::At(line.expires_at), ..Effects::default() };
                Ok(Step { activation: self, effects })
            }
            State::Reserving => Err(TransitionRefused(Status::Reserving)),
            State::Finished(..) | State::Failed(_) | State::Canceled(..) | State::Expired(..) => {
                let effects = Effects { watch: Watch::Over, ..Effects::default() };
                Ok(Step { activation: self, effects })
            }
        }
    }

    /// The buyer asks for another message: after the first one, in pool 1, once in ten seconds.
    pub fn resend(self, now: Time) -> Result<Step, ResendRefused> {
        let State::Received(line, mut reception) = self.state.clone() else {
            return Err(ResendRefused::State(self.state.status()));
        };
        if now >= line.expires_at {
            return Err(ResendRefused::State(Status::Finished));
        }
        if Pool::new(1) != Some(self.terms.pool) {
            return Err(ResendRefused::Unsupported);
        }
        let next = reception.resent_at.map(|at| at.plus(RESEND_PAUSE));
        if let Some(next) = next.filter(|next| now < *next) {
            return Err(ResendRefused::TooSoon(next));
        }
        reception.resent_at = Some(now);
        Ok(self.into(State::Received(line, reception), Effects::default()))
    }

    fn closed_after_message(self, line: Line, reception: Reception, now: Time) -> Step {
        let effects = Effects {
            money: Money::Keep,
            watch: Watch::Over,
            release: Release::Yes,
            event: Some(EventKind::Finished),
        };
        self.into(State::Finished(line, reception, now), effects)
    }

    fn into(self, state: State, effects: Effects) -> Step {
        Step { activation: Self { state, ..self }, effects }
    }

    fn unchanged(self) -> Step {
        Step { activation: self, effects: Effects::default() }
    }
}

/// Another message can be asked for once in this time.
pub const RESEND_PAUSE: Span = Span::seconds(10);

/// Why no other message can be asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ResendRefused {
    /// No message came yet, or the activation is closed.
    State(Status),
    /// Not in this pool.
    Unsupported,
    /// Asked for just now; again from this instant.
    TooSoon(Time),
}

impl Reception {
    /// The first code stays until another message was asked for; then the newest counts.
    fn takes_code_at(&self, at: Time) -> bool {
        self.code_message.is_none() || self.resent_at.is_some_and(|asked| at >= asked)
    }
}
