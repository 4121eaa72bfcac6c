//! What the server acknowledged, as its customers remember it: rents with their numbers, codes that were read, money
//! that was given back. Guards: a word once given stands after every crash. Only whole answers count; a request that
//! broke off may have been carried out or not, and both are right.

use super::client::Answer;
use super::dice::Dice;
use numberotp_core::money::Usd;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

/// How the sandbox was asked to behave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Play {
    /// As usual.
    Normal,
    /// No message comes.
    Silent,
    /// Two messages come.
    Double,
    /// One message comes twice.
    Duplicate,
    /// A message without a code comes.
    NoCode,
    /// The provider says no.
    Refused,
    /// It has none.
    OutOfStock,
}

impl Play {
    /// The name that goes in place of the operator.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Silent => "silent",
            Self::Double => "double",
            Self::Duplicate => "duplicate",
            Self::NoCode => "nocode",
            Self::Refused => "refused",
            Self::OutOfStock => "out-of-stock",
        }
    }
    /// What such a purchase is refused with, if it is to be refused.
    pub const fn refusal(self) -> Option<(u16, &'static str)> {
        match self {
            Self::Refused => Some((502, "PROVIDER_ERROR")),
            Self::OutOfStock => Some((404, "NO_NUMBERS_AVAILABLE")),
            _ => None,
        }
    }
    /// Whether a code comes by itself.
    pub const fn has_code(self) -> bool {
        matches!(self, Self::Normal | Self::Double | Self::Duplicate)
    }
}

/// A purchase as it is asked for, under a key of its own. A repeat is the same to the byte.
#[derive(Clone, Debug)]
pub struct Order {
    /// Which of the accounts.
    pub account: usize,
    /// The key.
    pub key: String,
    /// What is asked for.
    pub body: String,
    /// How it is to go.
    pub play: Play,
    /// Whether it was asked for before.
    pub repeat: Repeat,
}

/// Whether an order was asked for before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Repeat {
    /// It was not.
    First,
    /// It was, and nobody knows what became of it, or it was answered.
    Again,
}

/// A rent as its buyer remembers it.
#[derive(Clone, Debug)]
pub struct Rent {
    /// Which of the accounts.
    pub account: usize,
    /// In which round it was bought.
    pub round: u32,
    /// How long it waits for its message.
    pub window: Window,
    /// Its number.
    pub number: String,
    /// What it cost.
    pub cost: Usd,
    /// How it goes.
    pub play: Play,
    /// What the purchase was answered.
    pub answer: Value,
    /// Its code and text, once somebody read them.
    pub code: Option<(String, String)>,
    /// How its buyer ended it.
    pub end: End,
}

/// How long a rent waits for its message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Window {
    /// Longer than the test runs.
    Long,
    /// So short that it can be over before the message came, or before a server looked after it.
    Short,
}

/// Where and when something is bought.
#[derive(Clone, Copy)]
pub struct Stall {
    /// Which of the accounts.
    pub account: usize,
    /// In which round.
    pub round: u32,
    /// What the round's server gives.
    pub window: Window,
}

/// How a rent was ended, as far as its buyer knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// Nobody tried.
    Open,
    /// Its buyer tried to cancel it and was not answered.
    Canceling,
    /// It is canceled: that was the answer.
    Canceled,
    /// Its buyer tried to finish it and was not answered.
    Finishing,
    /// It is finished: that was the answer.
    Finished,
}

/// How many of an account's newest rents are looked at again, and how often one is drawn.
const NEWEST: usize = 400;
const DRAWS: usize = 12;

/// Everything that was acknowledged.
#[derive(Default)]
pub struct Memory(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    rents: BTreeMap<String, Rent>,
    /// The ids of each account's rents, in the order of their answers.
    order: BTreeMap<usize, Vec<String>>,
    /// Everything that was asked for under a key, with the id it was answered.
    keyed: BTreeMap<String, (Order, Option<String>)>,
}

impl Memory {
    /// Something is asked for under a key.
    pub fn asked(&self, order: &Order) {
        let mut kept = self.0.lock().unwrap();
        kept.keyed.entry(order.key.clone()).or_insert_with(|| {
            let repeat = Repeat::Again;
            (Order { repeat, ..order.clone() }, None)
        });
    }

    /// What was asked for came to nothing, for certain: its key is free.
    pub fn came_to_nothing(&self, order: &Order) -> Result<(), String> {
        match self.0.lock().unwrap().keyed.remove(&order.key) {
            Some((_, Some(id))) => Err(format!("{id} was bought under a key that is refused now: {order:?}")),
            _ => Ok(()),
        }
    }

    /// Something that an account asked for before.
    pub fn asked_before(&self, dice: &mut Dice, account: usize) -> Option<Order> {
        let kept = self.0.lock().unwrap();
        let keyed: Vec<&Order> =
            kept.keyed.values().map(|(order, _)| order).filter(|order| order.account == account).collect();
        dice.pick(&keyed).map(|order| (*order).clone())
    }

    /// What an account asked for and was not answered.
    pub fn unanswered(&self, account: usize) -> Vec<Order> {
        let kept = self.0.lock().unwrap();
        let open = kept.keyed.values().filter(|(order, id)| order.account == account && id.is_none());
        open.map(|(order, _)| order.clone()).collect()
    }

    /// A rent was answered: it is bought. A repeat's answer is the first one's; `None`: the rent is known.
    pub fn bought(&self, stall: Stall, order: &Order, answer: &Answer) -> Result<Option<String>, String> {
        let data = answer.data();
        let text = |field: &str| data[field].as_str().map(str::to_owned);
        let read = (text("id"), text("number"), text("cost").and_then(|cost| Usd::parse(&cost).ok()));
        let (Some(id), Some(number), Some(cost)) = read else { return Err(answer.told("a rent")) };
        let Stall { account, round, window } = stall;
        // What an earlier server bought had its window.
        let window = if order.repeat == Repeat::Again { Window::Short } else { window };
        let (play, answered) = (order.play, answer.body.clone());
        let rent =
            Rent { account, round, window, number, cost, play, answer: answered, code: None, end: End::Open };
        let mut kept = self.0.lock().unwrap();
        let Some((_, known)) = kept.keyed.get_mut(&order.key) else {
            return Err(format!("bought under a key that came to nothing: {order:?}"));
        };
        if let Some(known) = known.clone() {
            let before = kept.rents.get(&known);
            let same = known == id && before.is_some_and(|before| before.answer == answer.body);
            let told = || format!("a repeat was answered otherwise than {before:?}: {}", answer.body);
            return if same { Ok(None) } else { Err(told()) };
        }
        *known = Some(id.clone());
        if let Some(before) = kept.rents.insert(id.clone(), rent) {
            return Err(format!("the id {id} was given twice: {before:?}"));
        }
        kept.order.entry(account).or_default().push(id.clone());
        Ok(Some(id))
    }

    /// A rent was shown, whole or as `/wait` prints it. A code that was read once is the code for ever.
    pub fn shown(&self, id: &str, data: &Value) -> Result<(), String> {
        let mut kept = self.0.lock().unwrap();
        // A purchase whose answer broke off: nothing was promised.
        let Some(rent) = kept.rents.get_mut(id) else { return Ok(()) };
        if data.get("number").is_some_and(|number| *number != rent.number) {
            return Err(format!("another number than that of {rent:?}: {data}"));
        }
        let (Some(code), Some(text)) = (data["otp"].as_str(), data["fullSms"].as_str()) else {
            return Ok(());
        };
        if rent.play == Play::Double {
            // The newer of two codes is shown.
            rent.code = Some((code.to_owned(), text.to_owned()));
        }
        let code = rent.code.get_or_insert_with(|| (code.to_owned(), text.to_owned())).clone();
        if data["otp"] == code.0 && data["fullSms"] == code.1 {
            return Ok(());
        }
        Err(format!("another code than that of {rent:?}: {data}"))
    }

    /// An end is asked for, or was answered. What was answered stands against a later question.
    pub fn ended(&self, id: &str, end: End) {
        if let Some(rent) = self.0.lock().unwrap().rents.get_mut(id)
            && !matches!(rent.end, End::Canceled | End::Finished)
        {
            rent.end = end;
        }
    }

    /// A rent of an earlier round: one whose code was read, or one that has none yet.
    pub fn earlier(&self, dice: &mut Dice, stall: Stall, read: Code) -> Option<String> {
        let kept = self.0.lock().unwrap();
        let order = kept.order.get(&stall.account)?;
        let newest = order.get(order.len().saturating_sub(NEWEST)..)?;
        let fits = |rent: &Rent| {
            let same = rent.code.is_some() == (read == Code::Read);
            // One without a code to come would be waited for until the kill.
            (read == Code::Read || rent.play.has_code())
                && same
                && rent.round < stall.round
                && rent.end == End::Open
        };
        (0..DRAWS).find_map(|_| dice.pick(newest).filter(|id| kept.rents.get(*id).is_some_and(fits))).cloned()
    }

    /// A copy of all of it.
    pub fn all(&self) -> BTreeMap<String, Rent> {
        self.0.lock().unwrap().rents.clone()
    }

    /// The rents of an account from a round on.
    pub fn ids(&self, account: usize, since: u32) -> BTreeSet<String> {
        let kept = self.0.lock().unwrap();
        let wanted = kept.rents.iter().filter(|(_, rent)| rent.account == account && rent.round >= since);
        wanted.map(|(id, _)| id.clone()).collect()
    }

    /// Holds what an account is shown, when nobody else asks anything, against what it remembers from a round on.
    pub fn compare(&self, account: usize, since: u32, shown: &BTreeMap<String, Value>) -> Result<(), String> {
        let expected = self.all();
        let expected = expected.iter().filter(|(_, rent)| rent.account == account && rent.round >= since);
        for (id, rent) in expected {
            let Some(data) = shown.get(id) else { return Err(format!("{id} is lost: {rent:?}")) };
            self.shown(id, data)?;
            let status = data["status"].as_str().unwrap_or_default();
            let kept = rent.code.as_ref().is_none_or(|code| data["otp"] == code.0);
            if !kept || !rent.can_be(status) {
                return Err(format!("{id} was {rent:?} and is now {data}"));
            }
        }
        Ok(())
    }
}

impl Rent {
    /// Whether what its buyer knows allows it to be in this state.
    fn can_be(&self, status: &str) -> bool {
        let read = self.code.is_some();
        match (self.end, status) {
            (End::Canceled, _) => status == "canceled",
            (End::Finished, _) => status == "finished",
            (_, "received") => true,
            (_, "waiting") => !read,
            (End::Canceling, "canceled") => !read,
            (End::Finishing, "finished") => true,
            // A short window ends by itself: after a message finished and paid, without one expired and refunded.
            (_, "finished") => self.window == Window::Short,
            (_, "expired") => self.window == Window::Short && !read,
            _ => false,
        }
    }
}

/// Whether a rent's code was read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// It was.
    Read,
    /// It was not.
    Unread,
}
