//! The providers, outside of the app and its database: what they were asked, what they gave, what they know of, and
//! the messages that come to their numbers.
//!
//! They never forget and never lie about what they did. What becomes of a call on its way (lost, late, twice,
//! refused) is the simulator's choice; a number has one buyer at a time, a shared one a service.

use numberotp_core::text::ProviderCode;
use numberotp_core::time::{Span, Time};
use numberotp_providers::provider::{HttpReply, HttpRequest};
use numberotp_server::app::upstream::Wire;
use numberotp_server::clock::Clock;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::sync::oneshot;

/// Two gateways: the numbers of the second may be several services' at once.
pub const CODES: [&str; 2] = ["plain", "shared"];
/// The country of all of them.
pub const COUNTRY: &str = "GB";
/// A number rests so long before the same service, or of the first gateway anybody, has it again: an operator's own
/// numbers rest longer. In some lives they do not rest at all.
pub const REST: Span = Span::minutes(61);

/// What is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verb {
    /// A number.
    Allocate,
    /// What became of a purchase.
    Find,
    /// A number is free.
    Release,
    /// Another message, please.
    Resend,
}

/// A call on its way.
pub struct Call {
    /// To which of the gateways.
    pub provider: usize,
    /// What is asked.
    pub verb: Verb,
    /// The app's name for the purchase.
    pub reference: String,
    /// Since when.
    pub at: Time,
    /// For which service.
    service: String,
    reply: oneshot::Sender<Option<HttpReply>>,
}

impl Call {
    /// Lets the reply go; `None`: the line breaks.
    pub fn answer(self, reply: Option<HttpReply>) {
        // Whoever gave up waiting does not hear it.
        let _unheard = self.reply.send(reply);
    }
    /// Whether somebody still waits for the reply.
    pub fn is_awaited(&self) -> bool {
        !self.reply.is_closed()
    }
}

/// A number that was given.
#[derive(Clone, Debug)]
pub struct Given {
    /// By which of the gateways.
    pub provider: usize,
    /// The app's name for the purchase.
    pub reference: String,
    /// The gateway's.
    pub name: String,
    /// The number.
    pub number: String,
    /// For which service.
    pub service: String,
    /// Until when.
    pub released: Option<Time>,
}

/// The calls that wait to be carried, as the app's end of the line leaves them.
pub type Calls = Arc<Mutex<Vec<Call>>>;

/// The app's end of the line.
pub fn wire(calls: &Calls, clock: &Clock) -> Wire {
    let (calls, clock) = (Arc::clone(calls), clock.clone());
    Arc::new(move |provider: &ProviderCode, request: HttpRequest| {
        let (reply, answer) = oneshot::channel();
        calls.lock().unwrap().push(read(provider.as_str(), &request, (clock.now(), reply)));
        Box::pin(async move { answer.await.unwrap_or(None) })
    })
}

fn read(code: &str, request: &HttpRequest, (at, reply): (Time, oneshot::Sender<Option<HttpReply>>)) -> Call {
    let provider = CODES.iter().position(|known| *known == code).unwrap();
    let rest = request.path.strip_prefix("/allocations").unwrap();
    let (verb, reference, service) = match rest.strip_prefix('/') {
        None => {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            let text = |field: &str| body[field].as_str().unwrap().to_owned();
            (Verb::Allocate, text("reference"), text("service"))
        }
        Some(rest) => match rest.split_once('/') {
            None => (Verb::Find, rest.to_owned(), String::new()),
            Some((reference, "release")) => (Verb::Release, reference.to_owned(), String::new()),
            Some((reference, _)) => (Verb::Resend, reference.to_owned(), String::new()),
        },
    };
    Call { provider, verb, reference, at, service, reply }
}

/// What the gateways know.
#[derive(Default)]
pub struct Memory {
    /// Every number that was ever given.
    pub given: Vec<Given>,
    /// How long a number rests.
    pub rest: Span,
}

impl Memory {
    /// What was given to a purchase.
    pub fn of(&self, provider: usize, reference: &str) -> Option<&Given> {
        self.given.iter().find(|given| given.provider == provider && given.reference == reference)
    }

    /// Carries a call out; the reply may never be heard.
    pub fn carry_out(&mut self, call: &Call, now: Time) -> HttpReply {
        match call.verb {
            Verb::Allocate => self.allocate(call, now),
            Verb::Find => self.tell(call, 404),
            Verb::Resend => plain(400),
            Verb::Release => {
                let known =
                    |given: &&mut Given| given.provider == call.provider && given.reference == call.reference;
                match self.given.iter_mut().find(known) {
                    Some(given) => {
                        given.released.get_or_insert(now);
                        plain(200)
                    }
                    None => plain(404),
                }
            }
        }
    }

    fn allocate(&mut self, call: &Call, now: Time) -> HttpReply {
        if self.of(call.provider, &call.reference).is_none() {
            let few = self.rest == Span::default();
            let numbers = (0..if few { 4 } else { 9 })
                .map(|number| format!("+44770090{:04}", call.provider * 100 + number));
            let free = |number: &String| {
                let rested = |given: &Given| given.released.is_some_and(|at| at.plus(self.rest) <= now);
                let mut open = self.given.iter().filter(|given| !rested(given));
                let shared = call.provider == 1;
                !open.any(|given| given.number == *number && !(shared && given.service != call.service))
            };
            let Some(number) = { numbers }.find(free) else { return plain(409) };
            let name = format!("own-{}", self.given.len() + 1);
            self.given.push(Given {
                provider: call.provider,
                reference: call.reference.clone(),
                name,
                number,
                service: call.service.clone(),
                released: None,
            });
        }
        self.tell(call, 409)
    }

    fn tell(&self, call: &Call, none: u16) -> HttpReply {
        match self.of(call.provider, &call.reference) {
            Some(given) if given.released.is_none() => HttpReply {
                status: 200,
                body: json!({ "ref": given.name, "number": given.number }).to_string().into_bytes(),
            },
            Some(_) => plain(404),
            None => plain(none),
        }
    }
}

/// A reply without a body.
pub fn plain(status: u16) -> HttpReply {
    HttpReply { status, body: Vec::new() }
}

/// How a message says whose it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Names {
    /// By the gateway's name for the purchase, and the number.
    Purchase,
    /// By the number alone.
    Number,
}

/// A message that came to a number.
#[derive(Clone, Debug)]
pub struct Sms {
    /// For the purchase that had the number then (its place in the memory).
    pub meant: usize,
    /// Which message of this life it is.
    pub text: String,
    /// Who sent it.
    pub from: String,
    /// How it says whose it is.
    pub names: Names,
    /// Whether it says when it came.
    pub dated: bool,
    /// Whether it has an id.
    pub numbered: bool,
    /// Whether nobody may see it.
    pub forbidden: bool,
    /// When it came.
    pub at: Time,
    /// When it was posted first, if it was.
    pub posted_first: Option<Time>,
    /// When it was posted last.
    pub posted_last: Time,
    /// When it was accepted first.
    pub accepted: Option<Time>,
    /// At which steps it was posted first and accepted first.
    pub steps: (Option<usize>, Option<usize>),
}

impl Sms {
    /// The body of its webhook.
    pub fn body(&self, given: &Given, ordinal: usize) -> String {
        let mut body = json!({ "number": given.number, "text": self.text, "from": self.from });
        if self.names == Names::Purchase {
            body["providerRef"] = json!(given.name);
        }
        if self.dated {
            body["receivedAt"] = json!(self.at.to_rfc3339_seconds());
        }
        if self.numbered {
            body["messageId"] = json!(format!("m{ordinal}"));
        }
        body.to_string()
    }
}
