//! Watches over everything that people and programs come in with: what requests carry and what answers hand out is noted by
//! the names of its fields, and searched for in the log, in the database, in answers and in addresses. No test is here.
//!
//! Guards that a credential which a test forgets to name is searched for all the same. Must never excuse a field because
//! a test would be simpler.

use crate::http_secrets::dump;
use crate::http_sign_in::seed_of;
use http::Method;
use numberotp_testkit::app::{Answer, Ask, TestApp};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::{Arc, Mutex};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Fields of requests that hold what opens something, or was meant to.
const GIVEN: [&str; 11] = [
    "password",
    "currentPassword",
    "newPassword",
    "code",
    "totp",
    "refresh_token",
    "device_code",
    "user_code",
    "token",
    "ticket",
    "key",
];
/// Fields of answers that hand such things out.
const HANDED_OUT: [&str; 8] =
    ["token", "access_token", "refresh_token", "device_code", "user_code", "key", "secret", "recoveryCodes"];
/// Of what is long, this end of it is searched for: a line that leaves the beginning out is found too, and the beginning
/// of a key is no secret.
const END: usize = 16;

/// Every log line of this process, at the most talkative level.
#[derive(Clone, Default)]
pub struct Ears(Arc<Mutex<Vec<u8>>>);

impl Ears {
    /// Begins to listen; nobody else can in this process.
    pub fn listen() -> Self {
        let ears = Self::default();
        // The hour of a line has six digits after its point, as many as a mailed code.
        let lines = tracing_subscriber::fmt().with_env_filter(EnvFilter::new("trace")).without_time();
        let lines = lines.with_ansi(false).with_writer(ears.clone());
        lines.try_init().expect("this test hears the logs of the whole process");
        ears
    }
}

impl Write for Ears {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Ears {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// A text that is searched, one character a byte: files of a database are no UTF-8.
pub struct Haystack(String);

impl Haystack {
    /// Of any bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(bytes.iter().copied().map(char::from).collect())
    }

    /// In clear, as hexadecimal, or as Rust prints bytes.
    pub fn holds(&self, word: &[u8]) -> bool {
        let hex: String = word.iter().map(|byte| format!("{byte:02x}")).collect();
        let printed = format!("{word:?}");
        let printed = printed.trim_matches(['[', ']']);
        let plain = Self::of(word).0;
        let plain = if word.iter().all(u8::is_ascii_digit) {
            self.holds_number(&plain)
        } else {
            self.0.contains(&plain)
        };
        plain || self.0.contains(&hex) || self.0.contains(printed)
    }

    /// Six digits that are not a part of something longer: a random number in hexadecimal, or a fraction.
    fn holds_number(&self, digits: &str) -> bool {
        let apart = |beside: Option<char>| beside.is_none_or(|one| !one.is_ascii_hexdigit() && one != '.');
        self.0.match_indices(digits).any(|(at, _)| {
            let (before, rest) = self.0.split_at(at);
            apart(before.chars().next_back()) && apart(rest.chars().nth(digits.len()))
        })
    }
}

/// An answer, and what was asked.
struct Heard {
    place: String,
    read: bool,
    answer: Answer,
}

/// One app under watch.
pub struct Watch<'a> {
    /// The app.
    pub app: &'a TestApp<'a>,
    ears: &'a Ears,
    before: Haystack,
    secrets: RefCell<BTreeMap<Vec<u8>, String>>,
    heard: RefCell<Vec<Heard>>,
    seen: RefCell<Vec<u8>>,
    mails: RefCell<String>,
}

impl<'a> Watch<'a> {
    /// Begins, before anybody comes in.
    pub fn over(app: &'a TestApp<'a>, ears: &'a Ears) -> Self {
        let before = Haystack::of(&dump(app));
        let (secrets, heard) = (RefCell::default(), RefCell::default());
        Self { app, ears, before, secrets, heard, seen: RefCell::default(), mails: RefCell::default() }
    }

    /// Notes a secret of a kind.
    pub fn plant(&self, kind: &str, word: &str) {
        if word.is_empty() {
            return;
        }
        let mut secrets = self.secrets.borrow_mut();
        let mut note = |word: &[u8]| {
            secrets.entry(word.to_owned()).or_insert_with(|| kind.to_owned());
        };
        match kind {
            "secret" => note(seed_of(word).expose()),
            "recoveryCodes" | "user_code" => note(word.replace('-', "").as_bytes()),
            _ => {}
        }
        let long = word.len() > 2 * END;
        let end = word.get(word.len().saturating_sub(END)..).filter(|_| long).unwrap_or(word);
        note(end.as_bytes());
    }

    fn note_fields(&self, value: &Value, names: &[&str]) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    let words = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
                    for word in
                        words.iter().filter_map(Value::as_str).filter(|_| names.contains(&name.as_str()))
                    {
                        self.plant(name, word);
                    }
                    self.note_fields(value, names);
                }
            }
            Value::Array(values) => values.iter().for_each(|value| self.note_fields(value, names)),
            _ => {}
        }
    }

    /// Sends a request that carries a secret outside of its fields, or none.
    pub async fn send(&self, place: &str, ask: Ask) -> Answer {
        let answer = ask.send().await;
        if answer.status == 200 && answer.header("content-type") == "application/json" {
            self.note_fields(&answer.json(), &HANDED_OUT);
        }
        let cookie = answer.header("set-cookie").split([';', '=']).nth(1).unwrap_or_default();
        self.plant("cookie", cookie);
        let heard = Heard { place: place.to_owned(), read: place.starts_with("GET"), answer: answer.clone() };
        self.heard.borrow_mut().push(heard);
        answer
    }

    /// Asks to read something by a token.
    pub async fn get(&self, path: &str, token: &str) -> Answer {
        self.plant("token", token);
        self.send(&format!("GET {path}"), self.app.get(path).bearer(token)).await
    }

    /// Sends a body, signed in by a token or by nothing.
    pub async fn post(&self, path: &str, token: &str, body: Value) -> Answer {
        self.change(Method::POST, path, token, body).await
    }

    /// The same with any method.
    pub async fn change(&self, method: Method, path: &str, token: &str, body: Value) -> Answer {
        self.note_fields(&body, &GIVEN);
        self.plant("token", token);
        let place = format!("{method} {path}");
        let ask = self.app.ask(method, path).json(&body);
        self.send(&place, if token.is_empty() { ask } else { ask.bearer(token) }).await
    }

    /// Sends a page's form.
    pub async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        for (name, word) in fields.iter().filter(|(name, _)| GIVEN.contains(name)) {
            self.plant(name, word);
        }
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        let ask = self.app.post(path).body("application/x-www-form-urlencoded", form.finish());
        self.send(&format!("POST {path} (form)"), ask).await
    }

    /// Keeps what the database holds now: mail, for one, is there only until it goes.
    pub fn look_into_the_database(&self) {
        let now = dump(self.app);
        self.seen.borrow_mut().extend(now);
    }

    /// The code of the newest mail to an address, which was in the database until now.
    pub async fn mailed(&self, address: &str) -> String {
        self.look_into_the_database();
        let mails = self.app.mails(address).await.join("\n");
        let digits = |line: &&str| line.len() == 6 && line.bytes().all(|byte| byte.is_ascii_digit());
        let code = mails.lines().map(str::trim).find(digits).unwrap_or_default().to_owned();
        self.plant("mailed", &code);
        self.mails.borrow_mut().push_str(&mails);
        code
    }

    // --- the search ----------------------------------------------------------------------------------

    /// The kinds of what was noted.
    pub fn kinds(&self) -> BTreeSet<String> {
        self.secrets.borrow().values().cloned().collect()
    }

    fn found(&self, place: &str, haystack: &Haystack, excused: &[&str]) -> Vec<String> {
        self.found_but(place, haystack, |_, kind| excused.contains(&kind))
    }

    fn found_but(
        &self,
        place: &str,
        haystack: &Haystack,
        excused: impl Fn(&[u8], &str) -> bool,
    ) -> Vec<String> {
        let secrets = self.secrets.borrow();
        let found = secrets.iter().filter(|(word, kind)| !excused(word, kind) && haystack.holds(word));
        found.map(|(word, kind)| format!("{place}: a {kind}: {}", String::from_utf8_lossy(word))).collect()
    }

    /// No line of the log and no row of the database holds anything of it; that both were searched is shown by `known`,
    /// a word that is no secret.
    pub fn nothing_is_kept(&self, known: &str) {
        self.look_into_the_database();
        let database = Haystack::of(&self.seen.borrow());
        let log = Haystack::of(&self.ears.0.lock().unwrap());
        assert!(log.0.lines().count() >= self.heard.borrow().len(), "of each answer there is a line");
        assert_eq!(self.found("a log line", &log, &[]), [""; 0]);
        assert!(database.holds(known.as_bytes()), "the search finds what is there");
        // One mailed code in 1,400 is a price as well, or a cost: that stands in the catalogue and tells nothing.
        let figure = |word: &[u8], _: &str| word.iter().all(u8::is_ascii_digit) && self.before.holds(word);
        assert_eq!(self.found_but("the database", &database, figure), [""; 0]);
    }

    /// No refusal, no page and no answer to a reading repeats anything of it, and no header but that of its cookie. A
    /// code that a person compares with the one on a device is shown; so is the ticket of a page in that page.
    pub fn nothing_is_repeated(&self) {
        for heard in self.heard.borrow().iter() {
            let (place, answer) = (&heard.place, &heard.answer);
            let page = answer.header("content-type").starts_with("text/html");
            let body = Haystack::of(&answer.body);
            if answer.status >= 400 {
                assert_eq!(self.found(place, &body, &[]), [""; 0]);
            } else if page || heard.read {
                assert_eq!(self.found(place, &body, &["user_code", "ticket"]), [""; 0]);
            }
            for (name, value) in answer.headers.iter().filter(|(name, _)| *name != "set-cookie") {
                let value = Haystack::of(value.as_bytes());
                assert_eq!(self.found(&format!("{place}: header {name}"), &value, &[]), [""; 0]);
            }
        }
    }

    /// No address in an answer or a mail carries anything of it, but the one that a device shows with its code.
    pub fn no_address_carries_any(&self) {
        let heard = self.heard.borrow();
        let mails = self.mails.borrow();
        let texts = heard.iter().map(|heard| (heard.place.as_str(), heard.answer.text()));
        for (place, text) in texts.chain([("a mail", mails.as_str())]) {
            let words = text.split(|letter: char| letter.is_whitespace() || "\"'<>".contains(letter));
            for address in words.filter(|word| word.starts_with('/') || word.contains("http")) {
                let excused: &[&str] =
                    if address.contains("/device?user_code=") { &["user_code"] } else { &[] };
                assert_eq!(self.found(place, &Haystack::of(address.as_bytes()), excused), [""; 0]);
            }
        }
    }

    /// Nothing on the way may keep an answer: each says so.
    pub fn every_answer_is_kept_by_nobody(&self) {
        let heard = self.heard.borrow();
        assert!(heard.len() > 10, "answers were heard");
        for heard in heard.iter() {
            assert_eq!(heard.answer.header("cache-control"), "no-store", "{}", heard.place);
        }
    }
}
