//! Sends plain mail: over SMTP, into a folder for whoever develops, or nowhere.
//!
//! Guards that a server of mail is told apart by what can be done about it: come again, or give up. Its words may repeat an
//! address or a text, so they are never handed on.

use lettre::address::AddressError;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, MessageBuilder};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use numberotp_core::secret::Secret;
use numberotp_core::time::Time;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Longest time for one mail; below a job's lease.
const SEND_WITHIN: Duration = Duration::from_secs(20);

/// Where mail goes.
#[derive(Clone, Debug)]
pub enum Way {
    /// To a server: `smtp://`, `smtp+starttls://` or `smtps://`, with user and password where it asks for them.
    Smtp(Secret),
    /// A file each, into this folder.
    Folder(PathBuf),
    /// Nowhere: there is none.
    Nowhere,
}

/// A mail to be sent.
#[derive(Clone, Debug)]
pub struct Letter<'a> {
    /// What it is called, here and in its header: a repeat has the same name.
    pub name: &'a str,
    /// To whom.
    pub to: &'a str,
    /// Its subject.
    pub subject: &'a str,
    /// Its text.
    pub text: &'a str,
    /// Now.
    pub now: Time,
}

/// Why a mail did not go.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Unsent {
    /// The server cannot be reached, or is busy: again later. With a word for the log.
    Later(String),
    /// It will never be taken. With a word for the log.
    Never(String),
}

/// The mailer cannot be made of these settings: one sentence.
#[derive(Debug)]
pub struct BadMailer(pub String);

impl fmt::Display for BadMailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

type Smtp = AsyncSmtpTransport<Tokio1Executor>;

enum Line {
    Smtp(Box<Smtp>),
    Folder(PathBuf),
    Nowhere,
}

/// Sends mail.
pub struct Mailer {
    line: Line,
    from: Mailbox,
    host: String,
}

impl Mailer {
    /// By this way, from this address, under this name.
    pub fn new(way: Way, from: &str, name: &str) -> Result<Self, BadMailer> {
        let address = from.parse().map_err(|error: AddressError| {
            BadMailer(format!("--mail-from {from} is not an e-mail address: {error}."))
        })?;
        if name.chars().any(char::is_control) {
            return Err(BadMailer("--brand-name must be one line.".to_owned()));
        }
        let host = from.rsplit_once('@').map_or("localhost", |(_, host)| host).to_owned();
        let from = Mailbox::new(Some(name.to_owned()), address);
        let line = match way {
            Way::Smtp(url) => Line::Smtp(Box::new(smtp(&url)?)),
            Way::Folder(folder) => Line::Folder(folder),
            Way::Nowhere => Line::Nowhere,
        };
        Ok(Self { line, from, host })
    }

    /// Whether mail goes anywhere.
    pub const fn is_on(&self) -> bool {
        !matches!(self.line, Line::Nowhere)
    }

    /// Sends a mail.
    pub async fn send(&self, letter: &Letter<'_>) -> Result<(), Unsent> {
        let message = self.message(letter)?;
        match &self.line {
            Line::Nowhere => Err(Unsent::Never("no mail is sent here".to_owned())),
            Line::Folder(folder) => {
                let (folder, name, bytes) = (folder.clone(), letter.name.to_owned(), message.formatted());
                let written = tokio::task::spawn_blocking(move || write(&folder, &name, &bytes)).await;
                let written = written.map_err(|error| Unsent::Later(error.to_string()))?;
                written.map_err(|error| Unsent::Later(error.kind().to_string()))
            }
            Line::Smtp(smtp) => {
                let sent = tokio::time::timeout(SEND_WITHIN, smtp.send(message)).await;
                match sent.map_err(|_elapsed| Unsent::Later("it took too long".to_owned()))? {
                    Ok(_taken) => Ok(()),
                    Err(error) => Err(unsent(&error)),
                }
            }
        }
    }

    fn message(&self, letter: &Letter<'_>) -> Result<Message, Unsent> {
        let never = |what: &str| Unsent::Never(what.to_owned());
        // A header must not begin where a subject does not end.
        if letter.subject.chars().any(char::is_control) {
            return Err(never("its subject is not one line"));
        }
        let to: Mailbox = letter.to.parse().map_err(|_odd| never("its address cannot be written to"))?;
        let date =
            std::time::UNIX_EPOCH + Duration::from_secs(letter.now.unix_seconds().try_into().unwrap_or(0));
        let builder: MessageBuilder = Message::builder().date(date).from(self.from.clone()).to(to);
        let builder = builder.message_id(Some(format!("<{}@{}>", letter.name, self.host)));
        let built =
            builder.subject(letter.subject).header(ContentType::TEXT_PLAIN).body(letter.text.to_owned());
        built.map_err(|_odd| never("it cannot be written as a mail"))
    }
}

/// Its class and number, never its words.
fn unsent(error: &lettre::transport::smtp::Error) -> Unsent {
    match error.status() {
        Some(code) if error.is_permanent() => Unsent::Never(format!("refused with {code}")),
        Some(code) => Unsent::Later(format!("put off with {code}")),
        None if error.is_tls() => Unsent::Later("TLS with the mail server failed".to_owned()),
        None if error.is_timeout() => Unsent::Later("the mail server is silent".to_owned()),
        None => Unsent::Later("the mail server cannot be reached".to_owned()),
    }
}

/// A whole file, or none.
fn write(folder: &Path, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let (draft, file) = (folder.join(format!(".{name}.part")), folder.join(format!("{name}.eml")));
    std::fs::write(&draft, bytes)?;
    std::fs::rename(draft, file)
}

const STARTTLS: &str = "smtp+starttls://";

/// The transport of a URL. Without TLS a password goes to this machine alone.
fn smtp(url: &Secret) -> Result<Smtp, BadMailer> {
    let form = "smtp+starttls://user:password@host:587, smtps://user:password@host:465 or smtp://host:25";
    let bad = || BadMailer(format!("--smtp-url has an unknown form. Give {form}."));
    let text = url.expose();
    let (text, plain) = match text.strip_prefix(STARTTLS) {
        Some(rest) => (format!("smtp://{rest}?tls=required"), false),
        None if text.starts_with("smtps://") => (text.to_owned(), false),
        None if text.starts_with("smtp://") => (text.to_owned(), true),
        None => return Err(bad()),
    };
    if text.matches('?').count() > 1 || (plain && text.contains('?')) {
        return Err(bad());
    }
    let server = text.split_once("://").map_or("", |(_, rest)| rest);
    if plain && let Some((_, host)) = server.rsplit_once('@') {
        let near = ["localhost", "127.", "[::1]"].iter().any(|near| host.starts_with(near));
        if !near {
            let sentence = "--smtp-url: a password would go over the network unprotected. Use smtp+starttls:// or smtps://.";
            return Err(BadMailer(sentence.to_owned()));
        }
    }
    let builder = Smtp::from_url(&text).map_err(|_odd| bad())?;
    Ok(builder.timeout(Some(SEND_WITHIN)).build())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(url: &str) -> Result<Mailer, BadMailer> {
        Mailer::new(Way::Smtp(Secret::new(url)), "no-reply@example.com", "Example")
    }

    #[test]
    fn three_kinds_of_servers_are_understood() {
        for good in [
            "smtp://127.0.0.1:2525",
            "smtp://mail.example.com",
            "smtp://u:p@localhost:25",
            "smtp+starttls://u:p%40ss@mail.example.com:587",
            "smtps://u:p@mail.example.com",
        ] {
            assert!(way(good).is_ok(), "{good}");
        }
        for bad in ["", "mail.example.com", "http://a", "smtp://u:p@mail.example.com", "smtp://a?tls=none"] {
            let refused = way(bad).err().unwrap().0;
            assert!(refused.starts_with("--smtp-url") && !refused.contains("u:p@mail"), "{bad}: {refused}");
        }
    }

    #[test]
    fn the_sender_is_an_address() {
        assert!(Mailer::new(Way::Nowhere, "no address", "Example").is_err());
        assert!(!Mailer::new(Way::Nowhere, "a@example.com", "Example").unwrap().is_on());
    }

    #[tokio::test]
    async fn nothing_that_is_given_makes_a_header() {
        assert!(Mailer::new(Way::Nowhere, "a@example.com", "Exa\r\nBcc: x@example.com").is_err());
        let mailer = Mailer::new(Way::Nowhere, "a@example.com", "Exa: \"mple\" <b@c>").unwrap();
        let letter = |subject, text| Letter {
            name: "m1",
            to: "b@example.com",
            subject,
            text,
            now: Time::from_micros(0),
        };
        let odd = mailer.send(&letter("Your code\r\nBcc: y@example.com", "")).await;
        assert!(matches!(odd, Err(Unsent::Never(why)) if why.contains("line")));
        let bytes =
            mailer.message(&letter("Your code", "Line.\r\n.\r\nBcc: z@example.com")).unwrap().formatted();
        let text = String::from_utf8(bytes).unwrap();
        let (head, _) = text.split_once("\r\n\r\n").unwrap();
        assert!(!head.lines().any(|line| line.starts_with("Bcc")), "{head}");
        assert_eq!(head.lines().filter(|line| line.starts_with("From: ")).count(), 1, "{head}");
    }

    #[tokio::test]
    async fn whatever_cannot_be_addressed_is_never_sent() {
        let mailer = Mailer::new(Way::Nowhere, "a@example.com", "Example").unwrap();
        let letter = Letter { name: "m1", to: "b@@", subject: "", text: "", now: Time::from_micros(0) };
        assert!(matches!(mailer.send(&letter).await, Err(Unsent::Never(_))));
    }
}
