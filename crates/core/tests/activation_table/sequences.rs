//! Random lives of an activation against a witness that knows only the promises: the hold is posted or voided
//! once, a step that was taken before does nothing, what is closed stays closed, nobody sees a late message,
//! and the code shown is the first one until another was asked for, then the newest.

use super::desk::{self, BOUGHT, TICK};
use numberotp_core::activation::{
    Activation, Effects, HasCode, Line, Money, RESEND_PAUSE, Release, ResendRefused, State, Status, Step,
    Verdict, Watch,
};
use numberotp_core::id::MessageId;
use numberotp_core::time::{Span, Time};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// When the reconciler looks at a purchase that is still being confirmed.
const RECONCILE: Time = BOUGHT.plus(Span::seconds(20));

#[derive(Clone, Copy, Debug)]
enum Act {
    Attach(u8),
    Fail,
    Message(HasCode),
    Cancel,
    Finish,
    Clock,
    Resend,
}

type Plan = (u8, Vec<(Act, Span)>);

/// A pool, and what happens with the time that passes before it. The spans meet the limits to the tick.
fn plans() -> impl Strategy<Value = Plan> {
    let act = prop_oneof![
        6 => (1u8..=2).prop_map(Act::Attach),
        1 => Just(Act::Fail),
        6 => Just(Act::Message(HasCode::Yes)),
        3 => Just(Act::Message(HasCode::No)),
        1 => Just(Act::Cancel),
        1 => Just(Act::Finish),
        3 => Just(Act::Clock),
        5 => Just(Act::Resend),
    ];
    let pause = prop_oneof![
        4 => Just(Span::micros(0)),
        2 => Just(TICK),
        4 => Just(Span::seconds(1)),
        2 => Just(Span::micros(RESEND_PAUSE.as_micros() - 1)),
        4 => Just(RESEND_PAUSE),
        1 => Just(Span::micros(Span::minutes(20).as_micros() - 1)),
        1 => Just(Span::minutes(20)),
    ];
    (prop_oneof![3 => Just(1u8), 1 => Just(2u8)], prop::collection::vec((act, pause), 1..40))
}

/// What an onlooker writes down, from effects and verdicts alone.
#[derive(Default)]
struct Witness {
    moves: Vec<Money>,
    delivered: u32,
    told_messages: u32,
    told_attached: u32,
    told_closed: u32,
    released: u32,
    asked: bool,
    shown: Option<MessageId>,
    watch: Option<Time>,
}

impl Witness {
    fn note(&mut self, effects: Effects) {
        if effects.money != Money::Keep {
            self.moves.push(effects.money);
        }
        match effects.watch {
            Watch::Unchanged => {}
            Watch::At(at) => self.watch = Some(at),
            Watch::Over => self.watch = None,
        }
        self.released += u32::from(effects.release == Release::Yes);
        let Some(event) = effects.event else { return };
        let count = match event.as_str() {
            "activation.created" => &mut self.told_attached,
            "activation.code_received" | "activation.sms_received" => &mut self.told_messages,
            "activation.finished" | "activation.canceled" | "activation.expired" => &mut self.told_closed,
            other => panic!("{other} is no event of an activation"),
        };
        *count += 1;
    }

    fn note_delivered(&mut self, message: MessageId, has_code: HasCode) {
        self.delivered += 1;
        if has_code == HasCode::Yes && (self.shown.is_none() || self.asked) {
            self.shown = Some(message);
        }
    }

    /// What must be true between any two steps.
    fn agrees(&self, activation: &Activation) -> Result<(), TestCaseError> {
        let state = &activation.state;
        let money = match state.status() {
            Status::Reserving | Status::Waiting => vec![],
            Status::Received | Status::Finished => vec![Money::Post],
            Status::Failed | Status::Canceled | Status::Expired => vec![Money::Void],
        };
        prop_assert_eq!(&self.moves, &money, "the money of {:?}", state.status());
        prop_assert_eq!(
            self.delivered > 0,
            money == [Money::Post],
            "charged without a message, or the reverse"
        );
        prop_assert_eq!(
            state.reception().and_then(|reception| reception.code_message),
            self.shown,
            "the code shown"
        );
        let watch = match state {
            State::Reserving => Some(RECONCILE),
            State::Waiting(line) | State::Received(line, _) => Some(line.expires_at),
            State::Finished(..) | State::Failed(_) | State::Canceled(..) | State::Expired(..) => None,
        };
        prop_assert_eq!(self.watch, watch, "who looks after it");
        let attached = u32::from(state.line().is_some());
        let closed = u32::from(!state.status().is_open()) * attached;
        prop_assert_eq!(self.told_attached, attached);
        prop_assert_eq!(self.told_messages, self.delivered);
        prop_assert_eq!(self.told_closed, closed);
        prop_assert_eq!(self.released, closed, "the provider is told once");
        Ok(())
    }
}

/// Takes one step. The answer is the step with its verdict, or nothing where the rules refuse.
fn take(activation: Activation, act: Act, message: MessageId, now: Time) -> Option<(Step, Option<Verdict>)> {
    let plain = |step| (step, None);
    match act {
        Act::Attach(which) => {
            let expires_at = now.plus(Span::minutes(20));
            let line = Line { attached_at: now, expires_at, ..desk::line(&format!("ref-{which}")) };
            activation.attach(line).ok().map(plain)
        }
        Act::Fail => activation.fail(now).ok().map(plain),
        Act::Message(has_code) => {
            let (step, verdict) = activation.receive(message, has_code, now);
            Some((step, Some(verdict)))
        }
        Act::Cancel => activation.cancel(now).ok().map(plain),
        Act::Finish => activation.finish(now).ok().map(plain),
        Act::Clock => activation.expire(now).ok().map(plain),
        Act::Resend => activation.resend(now).ok().map(plain),
    }
}

/// A step that comes twice, as after a crash, does nothing the second time.
fn repeat(after: &Activation, act: Act, now: Time) -> Result<(), TestCaseError> {
    match act {
        // Another message is another message; the same one twice is the database's to notice.
        Act::Message(_) => return Ok(()),
        Act::Resend => {
            let again = after.clone().resend(now);
            prop_assert_eq!(again, Err(ResendRefused::TooSoon(now.plus(RESEND_PAUSE))));
            return Ok(());
        }
        Act::Attach(_) | Act::Fail | Act::Cancel | Act::Finish | Act::Clock => {}
    }
    let again = take(after.clone(), act, MessageId::new(0), now);
    prop_assert!(again.is_some(), "a repeated {act:?} is refused");
    let Some((step, _)) = again else { return Ok(()) };
    prop_assert_eq!(&step.activation, after, "a repeated {:?} changes something", act);
    let effects = Effects { watch: Watch::Unchanged, ..step.effects };
    prop_assert_eq!(effects, Effects::default(), "a repeated {:?} does something", act);
    Ok(())
}

/// One life. Answers how it ended and what the code's life was: for the count of what was met.
fn live((pool, plan): Plan) -> Result<(Status, bool), TestCaseError> {
    let mut activation = desk::purchase(pool, State::Reserving);
    let mut witness = Witness { watch: Some(RECONCILE), ..Witness::default() };
    let (mut now, mut renewed) = (BOUGHT, false);
    for (row, (act, pause)) in (1i64..).zip(plan) {
        now = now.plus(pause);
        let before = activation.clone();
        let message = MessageId::new(row);
        let Some((step, verdict)) = take(activation, act, message, now) else {
            activation = before;
            continue;
        };
        let in_window = before.state.line().is_some_and(|line| now < line.expires_at);
        if verdict == Some(Verdict::Delivered) {
            let open = matches!(before.state.status(), Status::Waiting | Status::Received);
            prop_assert!(open && in_window, "{act:?} at {now:?} is delivered to {:?}", before.state);
            let shown = witness.shown;
            witness.note_delivered(
                message,
                if let Act::Message(has_code) = act { has_code } else { HasCode::No },
            );
            renewed |= shown.is_some() && shown != witness.shown;
        } else if step.activation == before {
            let effects = Effects { watch: Watch::Unchanged, ..step.effects };
            prop_assert_eq!(effects, Effects::default(), "{:?} changes nothing, but does something", act);
        }
        if !before.state.status().is_open() {
            prop_assert_eq!(&step.activation, &before, "what is closed was changed by {:?}", act);
        }
        if let (Act::Attach(which), Some(line)) = (act, before.state.line()) {
            prop_assert_eq!(&line.provider_ref, &format!("ref-{which}"), "two numbers for one purchase");
        }
        if matches!(act, Act::Resend) {
            prop_assert!(in_window && pool == 1, "asked for another message at {now:?} in pool {pool}");
            witness.asked = true;
        }
        witness.note(step.effects);
        activation = step.activation;
        witness.agrees(&activation)?;
        repeat(&activation, act, now)?;
    }
    let status = activation.state.status();
    let deadline = activation.state.line().map(|line| line.expires_at);
    let end =
        deadline.map_or_else(|| activation.clone().fail(now), |at| activation.clone().expire(at.max(now)));
    let step = end.map_err(|refused| TestCaseError::fail(format!("cannot be closed: {refused:?}")))?;
    witness.note(step.effects);
    witness.agrees(&step.activation)?;
    prop_assert!(!step.activation.state.status().is_open(), "open past its deadline");
    prop_assert_eq!(witness.moves.len(), 1, "the hold was not resolved");
    Ok((status, renewed))
}

#[test]
fn every_life_keeps_the_promises() {
    let config =
        Config { cases: 1_000, failure_persistence: None, rng_seed: RngSeed::Fixed(20), ..Config::default() };
    let met = RefCell::new(BTreeMap::<(Status, bool), u32>::new());
    let outcome = TestRunner::new(config).run(&plans(), |plan| {
        *met.borrow_mut().entry(live(plan)?).or_default() += 1;
        Ok(())
    });
    if let Err(broken) = outcome {
        panic!("{broken}");
    }
    // A search that never meets a state proves nothing of it.
    let met = met.into_inner();
    for status in Status::ALL {
        let lives: u32 = met.iter().filter(|((ended, _), _)| *ended == status).map(|(_, count)| count).sum();
        assert!(lives >= 10, "{status:?} was met {lives} times: {met:?}");
    }
    let renewed: u32 = met.iter().filter(|((_, renewed), _)| *renewed).map(|(_, count)| count).sum();
    assert!(renewed >= 50, "a newer code was met {renewed} times: {met:?}");
}
