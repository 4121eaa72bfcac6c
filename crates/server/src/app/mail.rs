//! What is told by mail, and sending it.
//!
//! Guards that a mail is a row of the transaction it tells of, sealed until it goes; that it says who writes and holds no
//! link but the configured address; that nothing of it stands in the log. It may be sent twice, never half.

use super::codes::Purpose;
use super::fault::from_vault;
use super::from_store;
use super::sign_up::Keys;
use crate::app::Context;
use crate::entropy;
use crate::mailer::{Letter, Unsent};
use crate::store::mail::{SealedMail, mail_delete, mail_get};
use numberotp_core::fault::{Fault, FaultCode};
use numberotp_core::job::{JobEnd, backoff};
use numberotp_core::secret::{Secret, SecretBytes};
use numberotp_core::text::Email;
use numberotp_core::time::Span;
use serde::{Deserialize, Serialize};

/// How long is tried to send what does not end with a code.
const NEWS_LIFE: Span = Span::hours(24);

/// What a mail tells.
#[derive(Clone, Copy, Debug)]
pub enum Telling<'a> {
    /// A code, for whoever asked for it.
    Code(Purpose, &'a Secret),
    /// Somebody wants to sign up with an address that has an account.
    Taken,
    /// The account has another address now; for the old one.
    Moved,
    /// The account has another password now.
    PasswordChanged,
    /// A forgotten password was replaced; what became of the API keys, and how many these are, if that is known.
    PasswordReset(Keys, Option<usize>),
    /// The account has a second factor now, or none any more.
    SecondFactorChanged,
}

#[derive(Serialize, Deserialize)]
struct Content {
    to: String,
    subject: String,
    text: String,
}

/// Ok where mail is sent, else the fault for whoever needs it.
pub fn require(context: &Context) -> Result<(), Fault> {
    if context.mailer.is_on() {
        return Ok(());
    }
    let sentence = "This server sends no mail, so nobody can sign up here or have a code. Ask its operator.";
    Err(Fault::new(FaultCode::Maintenance).saying(sentence))
}

/// Words and seals a mail, to be written with what it tells of.
pub fn seal(context: &Context, to: &Email, telling: Telling<'_>) -> Result<SealedMail, Fault> {
    let (subject, text) = wording((&context.sign_in.brand_name, &context.sign_in.public_url), telling);
    let content = Content { to: to.as_str().to_owned(), subject, text };
    let bytes =
        serde_json::to_vec(&content).map_err(|error| Fault::new(FaultCode::Internal).caused_by(error))?;
    let random = entropy::bytes::<16>().map_err(|error| Fault::new(FaultCode::Internal).caused_by(error))?;
    let name: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let body = context.vault.wrap(&place(&name), &SecretBytes::new(bytes)).map_err(from_vault)?;
    let life = match telling {
        Telling::Code(..) => crate::store::email_code::CODE_LIFE,
        _ => NEWS_LIFE,
    };
    Ok(SealedMail { name, body, expires_at: context.clock.now().plus(life) })
}

fn place(name: &str) -> String {
    format!("mail {name}")
}

/// Sends a mail: a job's work. What cannot be sent in its time is given up: a code that comes too late opens nothing.
pub async fn send(context: &Context, id: i64, attempts: i64) -> Result<JobEnd, Fault> {
    let Some(mail) = context.store.read(move |tx| mail_get(tx, id)).await.map_err(from_store)? else {
        return Ok(JobEnd::Done);
    };
    let now = context.clock.now();
    if now < mail.expires_at {
        let opened = context.vault.unwrap(&place(&mail.name), &mail.body).map_err(from_vault)?;
        let content: Content = serde_json::from_slice(opened.expose())
            .map_err(|_private| Fault::new(FaultCode::Internal).caused_by("a mail that cannot be read"))?;
        let Content { to, subject, text } = &content;
        match context.mailer.send(&Letter { name: &mail.name, to, subject, text, now }).await {
            Ok(()) => {}
            Err(Unsent::Later(why)) => {
                tracing::warn!(mail = id, attempts, why, "a mail was not taken yet");
                return Ok(JobEnd::Again(backoff(attempts)));
            }
            Err(Unsent::Never(why)) => tracing::warn!(mail = id, attempts, why, "a mail was given up"),
        }
    } else {
        tracing::warn!(mail = id, attempts, "a mail was given up: it could not be sent in time");
    }
    context.store.write(move |tx| mail_delete(tx, id)).await.map_err(from_store)?;
    Ok(JobEnd::Done)
}

/// What a mail says of an account's API keys: a password does not change them, so whoever made one has it still.
fn of_keys(keys: Keys, count: Option<usize>) -> String {
    match (keys, count) {
        (_, Some(0)) => "It has no API keys.".to_owned(),
        (Keys::Kept, Some(1)) => {
            "Its one API key is still good. If you do not know it, delete it.".to_owned()
        }
        (Keys::Kept, Some(count)) => {
            format!("Its {count} API keys are still good. Delete those that you do not know.")
        }
        (Keys::Kept, None) => "Its API keys are still good. Delete those that you do not know.".to_owned(),
        (Keys::Revoked, Some(1)) => "Its one API key was revoked.".to_owned(),
        (Keys::Revoked, Some(count)) => format!("Its {count} API keys were revoked."),
        (Keys::Revoked, None) => "Its API keys were revoked.".to_owned(),
    }
}

/// Subject and text, in short lines, so that no mail server breaks them. Plain, short, and the same for everybody: nothing that a stranger wrote stands in them.
fn wording((brand, address): (&str, &str), telling: Telling<'_>) -> (String, String) {
    let (subject, says) = match telling {
        Telling::Code(purpose, code) => {
            let (subject, what) = match purpose {
                Purpose::Verify => ("your code to finish signing up", "finish signing up"),
                Purpose::SignIn => ("your code to sign in", "sign in"),
                Purpose::Reset => ("your code for a new password", "set a new password"),
                Purpose::ChangeEmail => ("your code for this address", "use this address for your account"),
            };
            let code = code.expose();
            let says = format!(
                "Your code to {what}:\n\n    {code}\n\nIt is good for ten minutes, once. Give it to nobody.\n\nIf you did not ask for it, do nothing: without it nothing happens."
            );
            (subject, says)
        }
        Telling::Taken => (
            "you have an account already",
            "Somebody, perhaps you, wanted to use this address for an account.\nIt has one already, so nothing was done.\n\nIf it was you: sign in, or ask for a new password.\nIf it was not: do nothing.".to_owned(),
        ),
        Telling::Moved => (
            "your account has another address",
            "Your account was given another e-mail address.\nFrom now on it is reached there.\n\nIf it was not you, tell the operator at once.".to_owned(),
        ),
        Telling::PasswordChanged => (
            "your password was changed",
            "The password of your account was changed. Other sign-ins were ended.\n\nIf it was not you, ask for a new password at once,\nand tell the operator.".to_owned(),
        ),
        Telling::PasswordReset(keys, count) => (
            "your password was replaced",
            format!(
                "The password of your account was replaced by a code from this mailbox.\nEvery sign-in was ended.\n{}\n\nIf it was not you, ask for a new password at once,\nand tell the operator.",
                of_keys(keys, count)
            ),
        ),
        Telling::SecondFactorChanged => (
            "how you sign in was changed",
            "The second factor of your account was set up, or taken away.\n\nIf it was not you, ask for a new password at once,\nand tell the operator.".to_owned(),
        ),
    };
    (format!("{brand}: {subject}"), format!("{says}\n\n-- \n{brand}\n{address}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mail_says_who_writes_and_a_code_stands_in_its_text_alone() {
        let code = Secret::new("048291");
        let purposes = [Purpose::Verify, Purpose::SignIn, Purpose::Reset, Purpose::ChangeEmail];
        let codes = purposes.map(|purpose| Telling::Code(purpose, &code));
        let news = [
            Telling::Taken,
            Telling::Moved,
            Telling::PasswordChanged,
            Telling::PasswordReset(Keys::Kept, Some(20)),
            Telling::SecondFactorChanged,
        ];
        let mut subjects = std::collections::BTreeSet::new();
        for telling in codes.into_iter().chain(news) {
            let (subject, text) = wording(("Otter Numbers", "https://otp.example.com"), telling);
            assert!(subject.starts_with("Otter Numbers: ") && text.contains("\nOtter Numbers\n"), "{text}");
            assert!(!subject.contains("048291"), "subjects are shown on locked screens");
            assert_eq!(text.contains("048291"), matches!(telling, Telling::Code(..)));
            assert_eq!(text.matches("://").count(), 1, "{text}");
            assert!(text.lines().all(|line| line.len() <= 72), "{text}");
            subjects.insert(subject);
        }
        assert_eq!(subjects.len(), 9);
    }

    #[test]
    fn whoever_forgot_a_password_is_told_of_the_keys_that_it_does_not_change() {
        for (keys, count, says) in [
            (Keys::Kept, Some(0), "It has no API keys."),
            (Keys::Kept, Some(1), "Its one API key is still good."),
            (Keys::Kept, Some(2), "Its 2 API keys are still good."),
            (Keys::Kept, None, "Its API keys are still good."),
            (Keys::Revoked, Some(0), "It has no API keys."),
            (Keys::Revoked, Some(1), "Its one API key was revoked."),
            (Keys::Revoked, Some(20), "Its 20 API keys were revoked."),
            (Keys::Revoked, None, "Its API keys were revoked."),
        ] {
            let telling = Telling::PasswordReset(keys, count);
            let (_, text) = wording(("Otter Numbers", "https://otp.example.com"), telling);
            assert!(text.contains(says), "{text}");
            assert!(text.lines().all(|line| line.len() <= 72), "{text}");
        }
    }
}
