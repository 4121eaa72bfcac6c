//! What the tests of an activation's life share: a purchase in any state, and what can happen to it.
//!
//! States are put together by hand, never by way of the transitions under test. Every instant is the
//! sharpest one of its kind: "in the window" is its last microsecond.

use numberotp_core::activation::{
    Activation, HasCode, Line, RESEND_PAUSE, Reception, ResendRefused, State, Status, Step, Terms,
    TransitionRefused, Verdict,
};
use numberotp_core::id::{AccountId, ActivationId, MessageId, MovementId, PLATFORM};
use numberotp_core::ledger::Split;
use numberotp_core::money::Usd;
use numberotp_core::text::{Operator, PhoneNumber, Pool, ProviderCode};
use numberotp_core::time::{Span, Time};
use numberotp_core::vocabulary::{CountryId, ServiceCode};

/// When the money was held.
pub const BOUGHT: Time = Time::from_micros(1_714_384_800_000_000);
/// When the number was attached.
pub const ATTACHED: Time = BOUGHT.plus(Span::seconds(2));
/// The end of the window, twenty minutes after.
pub const DEADLINE: Time = ATTACHED.plus(Span::minutes(20));
/// The smallest step of time.
pub const TICK: Span = Span::micros(1);
/// When the first message came, where one did.
pub const FIRST_MESSAGE: Time = ATTACHED.plus(Span::seconds(30));
/// The first message's row: the one whose code is shown.
pub const OLD: MessageId = MessageId::new(1);
/// The row of the message that comes.
pub const NEW: MessageId = MessageId::new(2);
/// When a closed one was closed.
const CLOSED: Time = ATTACHED.plus(Span::minutes(5));

/// What can happen. The words are those of the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    AttachSame,
    AttachOther,
    Fail,
    Code,
    Text,
    AtDeadline,
    Late,
    Cancel,
    CancelLate,
    Finish,
    FinishLate,
    ClockBefore,
    ClockAt,
    ClockAfter,
    ResendPool1,
    ResendPool2,
    ResendPool3,
    ResendTooSoon,
    ResendAfterPause,
    ResendAfterWindow,
}

impl Event {
    /// All of them: one that is left out here is never made, and the compiler says so.
    pub const ALL: [Self; 20] = [
        Self::AttachSame,
        Self::AttachOther,
        Self::Fail,
        Self::Code,
        Self::Text,
        Self::AtDeadline,
        Self::Late,
        Self::Cancel,
        Self::CancelLate,
        Self::Finish,
        Self::FinishLate,
        Self::ClockBefore,
        Self::ClockAt,
        Self::ClockAfter,
        Self::ResendPool1,
        Self::ResendPool2,
        Self::ResendPool3,
        Self::ResendTooSoon,
        Self::ResendAfterPause,
        Self::ResendAfterWindow,
    ];

    /// As the table calls it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::AttachSame => "attach, same reference",
            Self::AttachOther => "attach, other reference",
            Self::Fail => "fail",
            Self::Code => "message with a code, in the window",
            Self::Text => "message without a code, in the window",
            Self::AtDeadline => "message at the deadline",
            Self::Late => "message after the deadline",
            Self::Cancel => "cancel",
            Self::CancelLate => "cancel after the deadline",
            Self::Finish => "finish",
            Self::FinishLate => "finish after the deadline",
            Self::ClockBefore => "clock before the deadline",
            Self::ClockAt => "clock at the deadline",
            Self::ClockAfter => "clock after the deadline",
            Self::ResendPool1 => "resend in pool 1",
            Self::ResendPool2 => "resend in pool 2",
            Self::ResendPool3 => "resend in pool 3",
            Self::ResendTooSoon => "resend too soon",
            Self::ResendAfterPause => "resend after the pause",
            Self::ResendAfterWindow => "resend after the window",
        }
    }

    /// When it happens.
    pub const fn at(self) -> Time {
        match self {
            Self::AttachSame | Self::AttachOther | Self::Fail => ATTACHED,
            Self::AtDeadline | Self::ClockAt | Self::ResendAfterWindow => DEADLINE,
            Self::Late | Self::CancelLate | Self::FinishLate | Self::ClockAfter => DEADLINE.plus(TICK),
            Self::Code
            | Self::Text
            | Self::Cancel
            | Self::Finish
            | Self::ClockBefore
            | Self::ResendPool1
            | Self::ResendPool2
            | Self::ResendPool3
            | Self::ResendTooSoon
            | Self::ResendAfterPause => DEADLINE.minus(TICK),
        }
    }

    /// The pool of the purchase it happens to, and when another message had last been asked for.
    const fn setting(self) -> (u8, Option<Time>) {
        match self {
            Self::ResendPool2 => (2, None),
            Self::ResendPool3 => (3, None),
            Self::ResendTooSoon => (1, Some(self.at().minus(RESEND_PAUSE).plus(TICK))),
            Self::ResendAfterPause => (1, Some(self.at().minus(RESEND_PAUSE))),
            _ => (1, None),
        }
    }

    /// The purchase in a state, ready for this to happen.
    pub fn subject(self, status: Status) -> Activation {
        let (pool, resent_at) = self.setting();
        let reception = Reception { first_at: FIRST_MESSAGE, code_message: Some(OLD), resent_at };
        let state = match status {
            Status::Reserving => State::Reserving,
            Status::Waiting => State::Waiting(line("ref-1")),
            Status::Received => State::Received(line("ref-1"), reception),
            Status::Finished => State::Finished(line("ref-1"), reception, CLOSED),
            Status::Failed => State::Failed(CLOSED),
            Status::Canceled => State::Canceled(line("ref-1"), CLOSED),
            Status::Expired => State::Expired(line("ref-1"), DEADLINE),
        };
        purchase(pool, state)
    }

    /// Lets it happen.
    pub fn happens(self, to: Activation) -> Answer {
        let at = self.at();
        match self {
            Self::AttachSame => Answer::plain(to.attach(repeated_line("ref-1"))),
            Self::AttachOther => Answer::plain(to.attach(repeated_line("ref-2"))),
            Self::Fail => Answer::plain(to.fail(at)),
            Self::Text => Answer::message(to.receive(NEW, HasCode::No, at)),
            Self::Code | Self::AtDeadline | Self::Late => Answer::message(to.receive(NEW, HasCode::Yes, at)),
            Self::Cancel | Self::CancelLate => Answer::plain(to.cancel(at)),
            Self::Finish | Self::FinishLate => Answer::plain(to.finish(at)),
            Self::ClockBefore | Self::ClockAt | Self::ClockAfter => Answer::plain(to.expire(at)),
            Self::ResendPool1
            | Self::ResendPool2
            | Self::ResendPool3
            | Self::ResendTooSoon
            | Self::ResendAfterPause
            | Self::ResendAfterWindow => Answer::resend(to.resend(at)),
        }
    }
}

/// What the rules said, in one shape for all steps.
#[derive(Debug)]
pub enum Answer {
    Step(Box<Step>),
    Message(Box<Step>, Verdict),
    Forbids(Status),
    Unsupported,
    TooSoon(Time),
}

impl Answer {
    fn plain(answer: Result<Step, TransitionRefused>) -> Self {
        answer
            .map_or_else(|TransitionRefused(status)| Self::Forbids(status), |step| Self::Step(Box::new(step)))
    }
    fn message((step, verdict): (Step, Verdict)) -> Self {
        Self::Message(Box::new(step), verdict)
    }
    fn resend(answer: Result<Step, ResendRefused>) -> Self {
        match answer {
            Ok(step) => Self::Step(Box::new(step)),
            Err(ResendRefused::State(status)) => Self::Forbids(status),
            Err(ResendRefused::Unsupported) => Self::Unsupported,
            Err(ResendRefused::TooSoon(again)) => Self::TooSoon(again),
        }
    }
    /// The step that was taken, if one was.
    pub fn step(&self) -> Option<&Step> {
        match self {
            Self::Step(step) | Self::Message(step, _) => Some(step),
            Self::Forbids(_) | Self::Unsupported | Self::TooSoon(_) => None,
        }
    }
}

/// A purchase of $0.05, paid from two purses.
pub fn purchase(pool: u8, state: State) -> Activation {
    let terms = Terms {
        service: ServiceCode::parse("tg").unwrap(),
        country: CountryId::new(187),
        operator: Operator::any(),
        pool: Pool::new(pool).unwrap(),
        provider: ProviderCode::parse("sandbox").unwrap(),
        price: Usd::from_micros(50_000),
        provider_cost: 20_000,
        cost_currency: "USD".into(),
    };
    Activation {
        id: ActivationId::new(7),
        brand: PLATFORM,
        account: AccountId::new(3),
        terms,
        split: Split { balance: 45_000, gift: 10, granted: 0, bought: 0 },
        hold: MovementId::new(11),
        created_at: BOUGHT,
        state,
    }
}

/// The number as it was attached.
pub fn line(provider_ref: &str) -> Line {
    let number = PhoneNumber::parse("12025550123").unwrap();
    Line { number, provider_ref: provider_ref.into(), attached_at: ATTACHED, expires_at: DEADLINE }
}

/// The number as a worker attaches it that starts over later: it would reckon a later deadline.
fn repeated_line(provider_ref: &str) -> Line {
    let later = Span::seconds(40);
    Line { attached_at: ATTACHED.plus(later), expires_at: DEADLINE.plus(later), ..line(provider_ref) }
}
