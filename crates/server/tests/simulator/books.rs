//! The second bookkeeper: keeps its own books from what customers were told and what the providers did, and holds
//! every answer, and at the end the whole state, against them.
//!
//! It knows what was promised, not how the app keeps it: it reads no table. Must never be told anything by the app
//! that a customer or a provider would not hear.

use super::provider::{Given, Memory, Names, Sms};
use numberotp_core::inbound::STILL_MEANT;
use numberotp_core::time::{Span, Time};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// How long a message waits for its purchase.
const PARKED_FOR: Span = Span::hours(24);
/// How long a number is its buyer's.
const WINDOW: Span = Span::minutes(20);
/// By so much a provider's clock may be behind.
const CLOCKS_DIFFER: Span = Span::seconds(60);
/// What a credit is worth, in micro-dollars.
const CREDIT: i64 = 500;

/// What is known of a purchase.
#[derive(Clone, Debug)]
pub struct Rent {
    /// Whose.
    pub account: usize,
    /// As its buyer names it.
    pub public: String,
    number: Option<String>,
    service: String,
    cost: String,
    created: Time,
    expires: Option<Time>,
    /// Its buyer was told that it has it.
    promised: bool,
    /// The last word about it, and when that was told.
    ended: Option<(String, usize)>,
    /// When somebody asked first that it be closed.
    closing_asked: Option<Time>,
    /// When it was said to be closed.
    closing_told: Option<Time>,
    /// The messages that its buyer was shown, and since when.
    seen: BTreeMap<usize, usize>,
}

/// An answer about purchases: whose, begun at which step, read at which, at what time.
#[derive(Clone, Copy)]
pub struct Heard {
    /// To whom.
    pub account: usize,
    /// The step at which it was asked.
    pub asked: usize,
    /// The step at which it came.
    pub step: usize,
    /// The time at which it came.
    pub now: Time,
}

/// A stop over abuse: of whom, from which step, to which.
type Stop = (usize, usize, usize);

/// The books.
#[derive(Default)]
pub struct Books {
    /// Whoever was stopped over abuse, and when; one that goes on has no end yet.
    stops: Vec<Stop>,
    /// Purchases by row.
    pub rents: BTreeMap<i64, Rent>,
    /// The first answer to each key.
    keys: BTreeMap<(usize, String), Value>,
    /// Purchases that could have been made: one for each key, one for each request without.
    asked: BTreeSet<(usize, String)>,
}

type Checked = Result<(), String>;

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

fn time(value: &Value, field: &str) -> Option<Time> {
    Time::parse_rfc3339(value[field].as_str()?)
}

fn hold(so: bool, what: impl FnOnce() -> String) -> Checked {
    if so { Ok(()) } else { Err(what()) }
}

impl Books {
    /// A purchase was asked for under a name of its own.
    pub fn asks(&mut self, account: usize, name: &str) {
        self.asked.insert((account, name.to_owned()));
    }

    /// Somebody asks that a purchase be closed.
    pub fn asks_to_close(&mut self, row: i64, now: Time) {
        if let Some(rent) = self.rents.get_mut(&row) {
            rent.closing_asked.get_or_insert(now);
        }
    }

    /// A buyer was told a purchase by name alone: it may have it.
    pub fn names(&mut self, row: i64, public: &str, heard: Heard) -> Checked {
        let rent = self.rents.entry(row).or_insert_with(|| Rent::of(public, heard));
        hold(rent.account == heard.account, || format!("{row} is told to {}", heard.account))
    }

    /// An account is stopped over abuse.
    pub fn stopped(&mut self, account: usize, step: usize) {
        self.stops.push((account, step, usize::MAX));
    }

    /// That is lifted.
    pub fn lifted(&mut self, account: usize, step: usize) {
        let going_on = self.stops.iter_mut().rfind(|(whose, _, to)| *whose == account && *to == usize::MAX);
        going_on.unwrap().2 = step;
    }

    /// What a purchase under a key, or without, was answered.
    pub fn bought(&mut self, row: i64, answer: &Value, key: Option<&str>, heard: Heard) -> Checked {
        let data = &answer["data"];
        self.facts(row, data, heard)?;
        let rent = self.rents.get_mut(&row).ok_or("no rent")?;
        rent.promised = true;
        hold(text(data, "status") == "waiting", || format!("a purchase begins as {data}"))?;
        hold(data["sms"] == Value::Array(Vec::new()), || format!("a purchase begins with {data}"))?;
        let Some(key) = key else { return Ok(()) };
        let first = self.keys.entry((heard.account, key.to_owned())).or_insert_with(|| answer.clone());
        hold(first == answer, || format!("{key} was answered {first} and then {answer}"))
    }

    /// A purchase as its buyer reads it.
    pub fn reads(&mut self, row: i64, data: &Value, heard: Heard, all: (&Memory, &[Sms])) -> Checked {
        self.facts(row, data, heard)?;
        self.shows(row, data, heard, all)?;
        let rent = self.rents.get_mut(&row).ok_or("no rent")?;
        let status = text(data, "status").to_owned();
        if let Some((ended, since)) = &rent.ended
            && *since < heard.asked
        {
            hold(*ended == status, || format!("{row} was {ended} and is {status}"))?;
        }
        if matches!(status.as_str(), "finished" | "canceled" | "expired") {
            rent.ended.get_or_insert((status.clone(), heard.step));
            rent.closing_told.get_or_insert(heard.now);
        }
        let spent = matches!(status.as_str(), "received" | "finished");
        let shown = data["sms"].as_array().is_some_and(|sms| !sms.is_empty());
        hold(spent == shown, || format!("{row} is {status} and its messages are {}", data["sms"]))
    }

    /// What never changes about a purchase.
    fn facts(&mut self, row: i64, data: &Value, heard: Heard) -> Checked {
        let rent = self.rents.entry(row).or_insert_with(|| Rent::of(text(data, "id"), heard));
        hold(rent.account == heard.account, || format!("{row} is shown to {}", heard.account))?;
        let number = data["number"].as_str().map(ToOwned::to_owned);
        hold(rent.number.is_none() || rent.number == number, || format!("{row} changed its number: {data}"))?;
        let cost = text(data, "cost").to_owned();
        hold(rent.cost.is_empty() || rent.cost == cost, || format!("{row} changed its price: {data}"))?;
        (rent.number, rent.cost, rent.service) = (number, cost, text(data, "service").to_owned());
        rent.created = time(data, "createdAt").ok_or("no createdAt")?;
        rent.expires = time(data, "expiresAt");
        Ok(())
    }

    /// A message is shown to its buyer, and what was shown stays.
    fn shows(&mut self, row: i64, data: &Value, heard: Heard, (memory, all): (&Memory, &[Sms])) -> Checked {
        let mut shown = BTreeSet::new();
        for sms in data["sms"].as_array().into_iter().flatten() {
            let place = all.iter().position(|known| known.text == text(sms, "text"));
            let place = place.ok_or_else(|| format!("nobody sent {sms}"))?;
            hold(shown.insert(place), || format!("{row} has {sms} twice"))?;
            self.may_see(row, (place, &all[place]), memory)?;
        }
        let rent = self.rents.get_mut(&row).ok_or("no rent")?;
        let gone = rent.seen.iter().find(|(place, since)| **since < heard.asked && !shown.contains(place));
        hold(gone.is_none(), || format!("{row} had message {gone:?} and has it no more"))?;
        for place in shown {
            rent.seen.entry(place).or_insert(heard.step);
        }
        Ok(())
    }

    /// Whether a buyer may see a message at all.
    fn may_see(&self, row: i64, (place, sms): (usize, &Sms), memory: &Memory) -> Checked {
        let rent = &self.rents[&row];
        let given = &memory.given[sms.meant];
        let wrong =
            |why: &str| format!("{row} shows message {place}, which {why}: {rent:?} {sms:?} {given:?}");
        hold(!sms.forbidden, || wrong("nobody may see"))?;
        hold(rent.number.as_ref() == Some(&given.number), || wrong("came to another number"))?;
        // What waited for its number is decided when that comes, so this is of messages that came after it.
        let attached = rent.expires.map(|expires| expires.minus(WINDOW).plus(Span::seconds(1)));
        let waited = attached.is_none_or(|attached| sms.posted_first.is_none_or(|posted| posted <= attached));
        let within = |(account, from, to): &Stop| {
            *account == rent.account
                && sms.steps.0.is_some_and(|posted| *from < posted)
                && sms.steps.1.is_some_and(|accepted| accepted < *to)
        };
        hold(waited || !self.stops.iter().any(within), || wrong("came while its buyer was suspended"))?;
        let another =
            self.rents.iter().find(|(other, rent)| **other != row && rent.seen.contains_key(&place));
        hold(another.is_none(), || wrong("somebody else has too"))?;
        let own = given.reference == row.to_string();
        hold(own || sms.names == Names::Number, || wrong("names another purchase"))?;
        let posted = sms.posted_first.ok_or_else(|| wrong("was never posted"))?;
        let expires = rent.expires.ok_or_else(|| wrong("came before the number"))?;
        // On the wire times are in whole seconds.
        hold(posted < expires.plus(Span::seconds(1)), || wrong("came too late"))?;
        hold(rent.closing_told.is_none_or(|told| posted <= told), || wrong("came after the end"))?;
        hold(sms.posted_last >= rent.created, || wrong("came before the purchase"))?;
        let old = sms.dated && sms.at.plus(CLOCKS_DIFFER) < rent.created;
        hold(own || !old, || wrong("was somebody else's"))?;
        let owner = given.reference.parse().ok().and_then(|owner| self.rents.get(&owner));
        let had = owner.is_some_and(|owner| owner.has_surely(posted, sms.posted_last));
        hold(own || !had, || wrong("was its own buyer's, who has the number"))
    }

    /// At the end: whoever should have had a message had it.
    pub fn everybody_has_their_messages(&self, memory: &Memory, all: &[Sms]) -> Checked {
        for (place, sms) in all.iter().enumerate().filter(|(_, sms)| !sms.forbidden) {
            let given = &memory.given[sms.meant];
            let (Some(posted), Some(accepted)) = (sms.posted_first, sms.accepted) else {
                return Err(format!("message {place} was never accepted: {sms:?}"));
            };
            let row = given.reference.parse::<i64>().map_err(|error| error.to_string())?;
            let Some(rent) = self.rents.get(&row) else { continue };
            let Some(expires) = rent.expires else { continue };
            let attached = expires.minus(WINDOW);
            let in_time = accepted < expires && attached.since(posted) < PARKED_FOR;
            let told = match sms.names {
                Names::Purchase => true,
                // Before that it may have been somebody else's, as far as the app could know.
                Names::Number => posted > attached.plus(Span::seconds(1)),
            };
            // What could be two buyers' of one service is nobody's, for an hour after the first of them is over.
            let since = posted.minus(STILL_MEANT).minus(Span::minutes(2));
            let alike = memory.given.iter().enumerate().any(|(other, known)| {
                let same = known.number == given.number && known.service == given.service;
                same && other != sms.meant && known.released.is_none_or(|released| released > since)
            });
            let told = told && (sms.names == Names::Purchase || !alike);
            // Posted, waiting or adopted while its buyer was suspended, perhaps.
            let waited = posted <= attached.plus(Span::seconds(1));
            let stopped = self.stops.iter().any(|(account, from, to)| {
                *account == rent.account
                    && sms.steps.0.is_none_or(|posted| posted <= *to)
                    && (waited || sms.steps.1.is_none_or(|accepted| *from <= accepted))
            });
            if in_time && told && !stopped && rent.closing_asked.is_none() {
                hold(rent.seen.contains_key(&place), || {
                    format!("{row} never saw message {place}: {rent:?} {sms:?} {given:?}")
                })?;
            }
        }
        Ok(())
    }

    /// At the end: an account has the money that its purchases left it, each is listed once, and none too many.
    pub fn account_is_right(
        &self,
        account: usize,
        given: i64,
        has: (i64, i64),
        listed: &[(i64, Value)],
    ) -> Checked {
        let of_account = || self.rents.iter().filter(|(_, rent)| rent.account == account);
        for (row, rent) in of_account().filter(|(_, rent)| rent.promised) {
            hold(listed.iter().any(|(known, _)| known == row), || format!("{rent:?} is gone"))?;
        }
        let possible = self.asked.iter().filter(|(asked, _)| *asked == account).count();
        hold(listed.len() <= possible, || format!("{account} has {} of {possible}", listed.len()))?;
        let mut spent = 0;
        for (row, data) in listed {
            let open = matches!(text(data, "status"), "waiting" | "received");
            hold(!open, || format!("{row} is still open: {data}"))?;
            let shown = data["sms"].as_array().is_some_and(|sms| !sms.is_empty());
            if shown {
                spent += micros(text(data, "cost"));
            }
        }
        let (balance, credits) = has;
        hold(given == balance + credits * CREDIT + spent, || {
            format!("{account} was given {given}, spent {spent} and has {balance} and {credits} credits")
        })
    }

    /// At the end: what a provider gave was bought by somebody, and is given back.
    pub fn numbers_are_back(&self, given: &[Given]) -> Checked {
        let kept = given.iter().find(|given| given.released.is_none());
        hold(kept.is_none(), || format!("nobody gave back {kept:?}"))?;
        for (row, rent) in &self.rents {
            let Some(number) = &rent.number else { continue };
            let found =
                given.iter().any(|given| given.reference == row.to_string() && given.number == *number);
            hold(found, || format!("no provider gave {row} its number: {rent:?}"))?;
        }
        Ok(())
    }
}

impl Rent {
    fn of(public: &str, heard: Heard) -> Self {
        Self {
            account: heard.account,
            public: public.to_owned(),
            number: None,
            service: String::new(),
            cost: String::new(),
            created: heard.now,
            expires: None,
            promised: false,
            ended: None,
            closing_asked: None,
            closing_told: None,
            seen: BTreeMap::new(),
        }
    }

    /// Whether it certainly had its number all the time between these.
    fn has_surely(&self, from: Time, to: Time) -> bool {
        let attached = self.expires.map(|expires| expires.minus(WINDOW).plus(Span::seconds(1)));
        attached.is_some_and(|attached| attached < from)
            && self.expires.is_some_and(|expires| to < expires)
            && self.closing_asked.is_none_or(|asked| to < asked)
    }
}

/// Micro-dollars of an amount as it is printed.
pub fn micros(text: &str) -> i64 {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let part = format!("{part:0<6}");
    whole.parse::<i64>().unwrap() * 1_000_000 + part.parse::<i64>().unwrap()
}
