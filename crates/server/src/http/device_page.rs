//! `/device`: where a person lets a device in. Plain forms that work without script, in two steps: who you are and which
//! device, then yes or no.
//!
//! Guards that the second step is taken by whoever took the first: it has a ticket, sealed for this person, this device
//! and ten minutes, which no other site can read or make. Must never show what a device says of itself but as text.

use super::auth::Coming;
use super::body::{Fields, Form};
use super::extract::{Authenticated, Query};
use super::problem::Problem;
use crate::app::Context;
use crate::app::account::overview;
use crate::app::devices::{self, Decision, Grant, GrantStatus, Looker, Proof, Ticket};
use crate::app::oauth::{self, Mailed};
use crate::app::proof::approving;
use crate::app::sign_in::{Given, with_password};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use http::{HeaderName, HeaderValue};
use numberotp_core::fault::{Fault, FaultCode};
use numberotp_core::id::{AccountId, PLATFORM};
use numberotp_core::secret::Secret;
use numberotp_core::text::Email;
use numberotp_core::time::Time;
use numberotp_core::token::{hash_bytes, user_code_read, user_code_show};
use std::sync::Arc;

const STYLE: &str = "body{max-width:26rem;margin:3rem auto;padding:0 1rem;font:16px/1.5 system-ui,sans-serif;\
    color:#1b1b1f;background:#fff}label{display:block;margin:.8rem 0 .2rem}input{box-sizing:border-box;width:100%;\
    padding:.5rem;font:inherit}input.code{font:1.4rem ui-monospace,monospace;letter-spacing:.1em;text-transform:uppercase}\
    button{margin:1.2rem .6rem 0 0;padding:.5rem 1.2rem;font:inherit}dt{margin-top:.6rem;color:#5b5b66}dd{margin:0}\
    .told{padding:.6rem;border:1px solid}\
    @media(prefers-color-scheme:dark){body{color:#e6e6ea;background:#1b1b1f}dt{color:#a0a0ac}}";

/// `GET /device`
pub(super) async fn show(
    State(context): State<Arc<Context>>,
    signed_in: Result<Authenticated, Problem>,
    query: Query,
) -> Result<Response, Problem> {
    let typed = query.get("user_code").and_then(|typed| user_code_read(&typed));
    let known = who(&context, signed_in).await?.map(|known| known.email);
    let asked = Who::Asked { email: "", by_mail: context.mailer.is_on() };
    Ok(page(&ask_form(typed.as_ref(), known.as_deref().map_or(asked, Who::Known), None)))
}

/// A person who need not say who it is.
struct Known {
    person: AccountId,
    email: String,
    proved_at: Time,
    shown: Proof,
}

/// The person whom cookies or a token speak for, and who proved to be there a moment ago: anybody else shows a password or
/// a code from a mail. A change that another site sent is refused as everywhere.
async fn who(context: &Context, signed_in: Result<Authenticated, Problem>) -> Result<Option<Known>, Fault> {
    match signed_in {
        Ok(Authenticated(caller)) if caller.credential.is_person() => {
            let proved_at = match approving(context, &caller).await {
                Err(fault) if fault.code == FaultCode::ReauthenticationRequired => return Ok(None),
                approving => approving?,
            };
            let account = overview(context, &caller).await?.account;
            let (email, shown) = (account.email.as_str().to_owned(), Proof::of(&caller));
            Ok(Some(Known { person: account.id, email, proved_at, shown }))
        }
        Ok(_) => Ok(None),
        Err(Problem(fault)) if fault.code == FaultCode::Unauthorized => Ok(None),
        Err(Problem(fault)) => Err(fault),
    }
}

/// `POST /device`
pub(super) async fn submit(
    State(context): State<Arc<Context>>,
    signed_in: Result<Authenticated, Problem>,
    coming: Coming,
    Form(fields): Form,
) -> Result<Response, Problem> {
    let text = |field: &str| fields.text(field).ok().flatten().unwrap_or_default();
    let network = coming.whence().network;
    if !text("ticket").is_empty() {
        let decision = match text("action") {
            "approve" => Pressed::LetIn,
            "deny" => Pressed::DoNot,
            _ => return Ok(page(&told("Nothing was decided. Begin again."))),
        };
        return Ok(page(&told(&decided(&context, network, (text("ticket"), decision)).await?)));
    }
    let typed = text("user_code");
    let signed_in = who(&context, signed_in).await?;
    let known = signed_in.as_ref().map(|known| known.email.clone());
    let whom = known
        .as_deref()
        .map_or(Who::Asked { email: text("email"), by_mail: context.mailer.is_on() }, Who::Known);
    let again = |why: &str| page(&ask_form(user_code_read(typed).as_ref(), whom, Some(why)));
    if signed_in.is_none() && text("action") != "mail" {
        // A proof may be good for one time: it is not spent on a code that no device shows.
        let looker = Looker { person: None, network };
        if let Err(why) = undecided(&context, looker, typed).await? {
            return Ok(again(&why));
        }
    }
    let (person, proved_at, shown) = match signed_in {
        Some(known) => (known.person, known.proved_at, known.shown),
        None => match proves(&context, &coming, &fields).await {
            Ok(Proved::As(person, shown)) => (person, context.clock.now(), shown),
            Ok(Proved::NotYet(why)) => return Ok(again(why)),
            Err(fault) => return sorry(fault).map(|why| again(&why)),
        },
    };
    let looker = Looker { person: Some(person), network };
    match undecided(&context, looker, typed).await? {
        Ok((code, grant)) => {
            let ticket = Ticket { person, code: code.clone(), proved_at, shown };
            let ticket = devices::ticket(&context, &ticket)?;
            Ok(page(&decide_form((&code, &grant), &ticket)))
        }
        Err(why) => Ok(again(&why)),
    }
}

/// The device that shows a code and that nobody decided about yet; or what to say instead.
async fn undecided(
    context: &Context,
    looker: Looker<'_>,
    typed: &str,
) -> Result<Result<(Secret, Grant), String>, Problem> {
    match devices::look(context, looker, typed).await {
        Ok((_, grant)) if grant.status != GrantStatus::Pending => {
            Ok(Err("Somebody decided about this device before. Begin again on the device.".to_owned()))
        }
        Ok(found) => Ok(Ok(found)),
        Err(fault) if fault.code == FaultCode::NotFound => {
            Ok(Err("No device shows this code, or its time is over. Look again at the device.".to_owned()))
        }
        Err(fault) => sorry(fault).map(Err),
    }
}

/// What came of somebody saying who it is.
enum Proved {
    /// This person, by this.
    As(AccountId, Proof),
    /// Nobody; what to do about it.
    NotYet(&'static str),
}

/// Who sent the form: by a password or a code from a mail, and the second factor. Or a code is to be mailed first.
async fn proves(context: &Context, coming: &Coming, fields: &Fields) -> Result<Proved, Fault> {
    let text = |field: &str| fields.text(field).ok().flatten().unwrap_or_default();
    let Some(email) = Email::parse(text("email")) else {
        return Ok(Proved::NotYet("Type your e-mail address."));
    };
    coming.count(&email)?;
    let from = coming.whence();
    if text("action") == "mail" {
        oauth::mail_code(context, PLATFORM, (&email, from)).await?;
        return Ok(Proved::NotYet(
            "A code is on its way, unless one was mailed a moment ago. Type it below.",
        ));
    }
    let totp = Some(text("totp").trim()).filter(|totp| !totp.is_empty());
    let code = text("mailed").trim();
    if code.is_empty() {
        let password = Secret::new(text("password"));
        let given = Given { brand: PLATFORM, email: &email, password: &password, totp, from };
        let shown = with_password(context, &given).await?;
        return Ok(Proved::As(shown.account.id, Proof::Password(shown.mark(context))));
    }
    let network = from.network;
    let given = Mailed { brand: PLATFORM, email: &email, code, totp, name: None, network };
    Ok(oauth::by_mail(context, &given)
        .await?
        .map_or(Proved::NotYet("The code from the mail is not right, or no longer."), |account| {
            Proved::As(account.id, Proof::Word)
        }))
}

/// What a person did that can be done better is said on the page; what is ours goes the way of all faults.
fn sorry(fault: Fault) -> Result<String, Problem> {
    match fault.code {
        FaultCode::InvalidCredentials
        | FaultCode::RateLimited
        | FaultCode::InvalidState
        | FaultCode::NotFound
        | FaultCode::AccountOnHold => Ok(fault.message.into_owned()),
        _ if fault.code.as_str() == "TOTP_REQUIRED" => {
            Ok("Type the code of your second factor, and your password again or another code from a mail."
                .to_owned())
        }
        _ => Err(Problem(fault)),
    }
}

/// A button of the second step.
#[derive(Clone, Copy)]
enum Pressed {
    LetIn,
    DoNot,
}

async fn decided(
    context: &Context,
    network: &str,
    (ticket, pressed): (&str, Pressed),
) -> Result<String, Problem> {
    let Some(Ticket { person, code, proved_at, .. }) = devices::ticket_read(context, ticket).await? else {
        return Ok("This page was open for too long. Begin again.".to_owned());
    };
    let decision = match pressed {
        Pressed::LetIn => Decision::Approve(proved_at),
        Pressed::DoNot => Decision::Deny,
    };
    let looker = Looker { person: Some(person), network };
    match devices::decide(context, looker, (code.expose(), decision)).await {
        Ok(GrantStatus::Approved) => Ok("Done. You can go back to your device.".to_owned()),
        Ok(_) => Ok("The device stays outside.".to_owned()),
        Err(fault) => sorry(fault),
    }
}

/// A text, whatever stands in it.
fn safe(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

fn told(what: &str) -> String {
    format!(
        "<p class=\"told\" role=\"status\">{}</p>\n<p><a href=\"/device\">Another device</a></p>\n",
        safe(what)
    )
}

/// Whom the form is for.
#[derive(Clone, Copy)]
enum Who<'a> {
    /// Somebody with this address, who need not say more.
    Known(&'a str),
    /// Somebody who typed this address, if any, and may have a code mailed where mail is sent.
    Asked { email: &'a str, by_mail: bool },
}

impl Who<'_> {
    fn form(self) -> String {
        let (email, by_mail) = match self {
            Self::Known(email) => return format!("<p>You are signed in as {}.</p>\n", safe(email)),
            Self::Asked { email, by_mail } => (safe(email), by_mail),
        };
        let mailed = if by_mail {
            "<label for=\"mailed\">Or a code from a mail</label>\n<input id=\"mailed\" name=\"mailed\" \
             inputmode=\"numeric\" autocomplete=\"off\" maxlength=\"16\">\n"
        } else {
            ""
        };
        format!(
            "<label for=\"email\">E-mail</label>\n<input id=\"email\" name=\"email\" type=\"email\" value=\"{email}\" \
             autocomplete=\"username\" required>\n<label for=\"password\">Password</label>\n<input id=\"password\" \
             name=\"password\" type=\"password\" autocomplete=\"current-password\">\n{mailed}<label for=\"totp\">Code \
             of your second factor, if you have one</label>\n<input id=\"totp\" name=\"totp\" inputmode=\"numeric\" \
             autocomplete=\"one-time-code\">\n"
        )
    }

    /// Beside the button that goes on, which comes first: it is the one that the return key presses.
    const fn button(self) -> &'static str {
        match self {
            Self::Asked { by_mail: true, .. } => {
                "<button name=\"action\" value=\"mail\">Mail me a code</button>"
            }
            Self::Known(_) | Self::Asked { .. } => "",
        }
    }
}

fn ask_form(code: Option<&Secret>, who: Who<'_>, why: Option<&str>) -> String {
    let code = code.map(user_code_show).unwrap_or_default();
    let why =
        why.map(|why| format!("<p class=\"told\" role=\"alert\">{}</p>\n", safe(why))).unwrap_or_default();
    let (form, button) = (who.form(), who.button());
    format!(
        "{why}<p>Type the code that your device shows. Only do so if you began to sign in there yourself.</p>\n\
         <form method=\"post\" action=\"/device\">\n<label for=\"code\">Code</label>\n<input id=\"code\" class=\"code\" \
         name=\"user_code\" value=\"{code}\" autocomplete=\"off\" autocapitalize=\"characters\" spellcheck=\"false\" \
         maxlength=\"16\" required>\n{form}<button>Continue</button>{button}\n</form>\n"
    )
}

fn decide_form((code, grant): (&Secret, &Grant), ticket: &Secret) -> String {
    let line = |what: &str, text: &str| format!("<dt>{what}</dt><dd>{}</dd>\n", safe(text));
    let name = if grant.device.name.is_empty() { "none" } else { &grant.device.name };
    let (asked_at, _) = grant.lasts;
    let lines = [
        line("Code", &user_code_show(code)),
        line("It says it is", &grant.device.platform),
        line("It says it is called", name),
        line("It asks from the network", &grant.device.network),
        line("Since", &asked_at.to_rfc3339_seconds()),
    ];
    format!(
        "<p>This device wants to act as you, until you sign it out.</p>\n<dl>\n{}</dl>\n\
         <form method=\"post\" action=\"/device\">\n<input type=\"hidden\" name=\"ticket\" value=\"{}\">\n\
         <button name=\"action\" value=\"approve\">Let it in</button>\n\
         <button name=\"action\" value=\"deny\">Do not</button>\n</form>\n",
        lines.concat(),
        ticket.expose()
    )
}

fn page(body: &str) -> Response {
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<link rel=\"icon\" href=\"data:,\">\n\
         <title>Sign a device in · NumberOTP</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <h1>Sign a device in</h1>\n{body}</body>\n</html>\n"
    );
    let style = STANDARD.encode(hash_bytes(STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; img-src data:; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'"
    );
    let mut response = html.into_response();
    let headers = response.headers_mut();
    let fixed = |text| HeaderValue::from_static(text);
    headers.insert(CONTENT_TYPE, fixed("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, fixed("no-store"));
    // The address may hold the code: no other site is told it. With none at all browsers would not say either that the form
    // is ours, and nobody whom a cookie speaks for could send it.
    headers.insert(REFERRER_POLICY, fixed("same-origin"));
    headers.insert(HeaderName::from_static("x-frame-options"), fixed("DENY"));
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_on_the_page_is_text() {
        assert_eq!(safe("<b a=\"x\" c='y'>&"), "&lt;b a=&quot;x&quot; c=&#39;y&#39;&gt;&amp;");
    }
}
