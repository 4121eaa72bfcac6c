//! The life of an activation as a table that anybody can review: `activation_table/table.txt`, every state
//! against everything that can happen in it. Guards the promises about money (a hold is posted or voided, once)
//! and messages (a late one is nobody's). It is exhaustive: a pair without its line fails.
//! `activation_table/sequences.rs` holds the same promises against random lives.

#[cfg(test)]
#[path = "activation_table/desk.rs"]
mod desk;
#[cfg(test)]
#[path = "activation_table/sequences.rs"]
mod sequences;

#[cfg(test)]
mod table {
    use super::desk::{Answer, DEADLINE, Event, FIRST_MESSAGE, NEW, OLD, TICK};
    use numberotp_core::activation::{
        Effects, Money, RESEND_PAUSE, Reception, Release, State, Status, Verdict, Watch,
    };
    use numberotp_core::time::Span;
    use std::collections::BTreeMap;

    const TABLE: &str = include_str!("activation_table/table.txt");
    const HEAD: [&str; 8] = ["state", "event", "becomes", "money", "watch", "release", "told", "verdict"];

    /// What a line says after its state and event.
    type Cells = [String; 6];

    /// Reads the table; complains about a line that is no line and about a pair that is there twice.
    fn read(text: &str) -> Result<BTreeMap<(String, String), Cells>, String> {
        let mut lines =
            text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')).map(|line| {
                let cells: Vec<String> = line.split('|').map(|cell| cell.trim().to_owned()).collect();
                <[String; 8]>::try_from(cells).map_err(|cells| format!("eight columns are wanted: {cells:?}"))
            });
        let head = lines.next().ok_or("no head")??;
        if head != HEAD {
            return Err(format!("the head is {head:?}"));
        }
        let mut rows = BTreeMap::new();
        for line in lines {
            let [state, event, rest @ ..] = line?;
            if rows.insert((state.clone(), event.clone()), rest).is_some() {
                return Err(format!("{state}, {event}: twice"));
            }
        }
        Ok(rows)
    }

    fn pairs() -> impl Iterator<Item = (Status, Event)> {
        Status::ALL.into_iter().flat_map(|status| Event::ALL.into_iter().map(move |event| (status, event)))
    }

    /// What the rules answer, in the table's words.
    fn answer(status: Status, event: Event) -> Cells {
        let before = event.subject(status);
        let refusal = |word: &str| [word, "-", "-", "-", "-", "-"].map(str::to_owned);
        let (step, verdict) = match event.happens(before.clone()) {
            Answer::Step(step) => (step, "-".to_owned()),
            Answer::Message(step, verdict) => (step, verdict_words(verdict)),
            Answer::Forbids(named) if named == status => return refusal("refused"),
            Answer::Forbids(Status::Finished) if event == Event::ResendAfterWindow => {
                return refusal("refused, over");
            }
            Answer::Forbids(named) => return refusal(&format!("refused as if {}", named.as_str())),
            Answer::Unsupported => return refusal("unsupported"),
            Answer::TooSoon(again) if again == event.at().plus(TICK) => return refusal("too soon"),
            Answer::TooSoon(again) => return refusal(&format!("too soon until {again:?}")),
        };
        let silent = step.effects.event.is_none();
        let becomes = if step.activation == before && silent {
            "same"
        } else {
            step.activation.state.status().as_str()
        };
        let [money, watch, release, told] = effect_words(step.effects);
        [becomes.to_owned(), money, watch, release, told, verdict]
    }

    fn effect_words(effects: Effects) -> [String; 4] {
        let money = match effects.money {
            Money::Keep => "keep",
            Money::Post => "post",
            Money::Void => "void",
        };
        // The first attach of the table reckons its own deadline; it is compared in `what_a_state_carries`.
        let watch = match effects.watch {
            Watch::Unchanged => "-".to_owned(),
            Watch::At(at) if at == DEADLINE || at == DEADLINE.plus(Span::seconds(40)) => {
                "deadline".to_owned()
            }
            Watch::At(at) => format!("{at:?}"),
            Watch::Over => "over".to_owned(),
        };
        let release = match effects.release {
            Release::No => "-",
            Release::Yes => "yes",
        };
        let told = effects.event.map_or("-", |event| event.as_str().trim_start_matches("activation."));
        [money.to_owned(), watch, release.to_owned(), told.to_owned()]
    }

    fn verdict_words(verdict: Verdict) -> String {
        format!("{} {}", verdict.as_str(), verdict.reason()).trim_end().to_owned()
    }

    #[test]
    fn the_rules_answer_every_line_as_the_table_says() {
        let mut rows = read(TABLE).unwrap();
        let mut faults = Vec::new();
        for (status, event) in pairs() {
            let (state, event_words) = (status.as_str().to_owned(), event.words().to_owned());
            let said = answer(status, event);
            match rows.remove(&(state, event_words)) {
                None => faults.push(format!("{status:?}, {}: no line", event.words())),
                Some(line) if line != said => {
                    faults.push(format!(
                        "{status:?}, {}:\n    table {}\n    rules {}",
                        event.words(),
                        line.join(" | "),
                        said.join(" | ")
                    ));
                }
                Some(_) => {}
            }
        }
        faults.extend(rows.into_keys().map(|(state, event)| format!("{state}, {event}: no such pair")));
        assert!(faults.is_empty(), "{} lines:\n{}", faults.len(), faults.join("\n"));
    }

    #[test]
    fn a_table_with_a_missing_or_doubled_line_is_noticed() {
        let rows = read(TABLE).unwrap();
        assert_eq!(rows.len(), Status::ALL.len() * Event::ALL.len());
        let last = TABLE.lines().last().unwrap();
        assert!(read(&format!("{TABLE}{last}\n")).is_err());
        assert!(read(&TABLE.replacen(" | verdict", "", 1)).is_err());
    }

    /// Who bought what, for how much, and the number that was attached first: no step may touch them.
    #[test]
    fn what_was_bought_never_changes() {
        for (status, event) in pairs() {
            let before = event.subject(status);
            let said = event.happens(before.clone());
            let Some(step) = said.step() else { continue };
            let mut after = step.activation.clone();
            if let Some(line) = before.state.line() {
                assert_eq!(after.state.line(), Some(line), "{status:?}, {event:?}");
            }
            after.state = before.state.clone();
            assert_eq!(after, before, "{status:?}, {event:?}");
        }
    }

    #[test]
    fn what_a_state_carries() {
        for (status, event) in pairs() {
            let before = event.subject(status);
            let said = event.happens(before.clone());
            let Some(step) = said.step().filter(|step| step.activation != before) else { continue };
            let state = &step.activation.state;
            let context = format!("{status:?}, {event:?}: {state:?}");
            match state {
                State::Reserving => panic!("{context}"),
                State::Waiting(line) => {
                    assert_eq!(step.effects.watch, Watch::At(line.expires_at), "{context}");
                    assert_eq!(line.expires_at, line.attached_at.plus(Span::minutes(20)), "{context}");
                }
                State::Received(_, reception) => {
                    let expected = reception_after(status, event);
                    assert_eq!(*reception, expected, "{context}");
                }
                State::Finished(_, reception, _) => {
                    assert_eq!(Some(reception), before.state.reception(), "{context}");
                }
                State::Failed(_) | State::Canceled(..) | State::Expired(..) => {}
            }
            let open = matches!(status, Status::Reserving | Status::Waiting | Status::Received);
            assert!(open, "{context}: what is closed changed");
            let closed = (!state.status().is_open()).then_some(event.at());
            assert_eq!(state.closed_at(), closed, "{context}");
        }
    }

    /// What is known of the messages after an event that leaves the activation `received`.
    fn reception_after(before: Status, event: Event) -> Reception {
        let first = Reception { first_at: FIRST_MESSAGE, code_message: Some(OLD), resent_at: None };
        match (before, event) {
            (Status::Waiting, Event::Code) => {
                Reception { first_at: event.at(), code_message: Some(NEW), ..first }
            }
            (Status::Waiting, Event::Text) => Reception { first_at: event.at(), code_message: None, ..first },
            (Status::Received, Event::ResendPool1 | Event::ResendAfterPause) => {
                Reception { resent_at: Some(event.at()), ..first }
            }
            other => panic!("{other:?} changes what is known of the messages"),
        }
    }

    #[test]
    fn another_message_can_be_asked_for_once_in_ten_seconds() {
        assert_eq!(RESEND_PAUSE, Span::seconds(10));
    }
}
