//! How people come in: where they reach the server, and whether somebody has to approve them first.

use super::file::ConfigError;
use super::settings::{OnOff, ServeSettings};
use numberotp_core::secret::Secret;
use numberotp_core::text::display_name;
use std::net::SocketAddr;
use std::path::PathBuf;

/// How people come in.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// Where people reach this server: an origin, without a slash at its end.
    pub public_url: String,
    /// What the service is called, in mails and in authenticator apps.
    pub brand_name: String,
    /// The server that takes mail, if one was named.
    pub smtp_url: Option<Secret>,
    /// The folder that takes mail instead, if one was named.
    pub mail_folder: Option<PathBuf>,
    /// Who writes.
    pub mail_from: String,
    /// Whether a new account may buy at once; `None`: in a sandbox only.
    pub auto_approve: Option<bool>,
    /// What admins need beside their role.
    pub admins: AdminFactor,
}

/// What an admin needs over HTTP beside the role.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AdminFactor {
    /// A sign-in.
    Password,
    /// A sign-in here, with a second factor.
    Second,
}

impl SignIn {
    /// Whether people reach it over TLS: cookies are then for TLS alone.
    pub fn is_secure(&self) -> bool {
        self.public_url.starts_with("https://")
    }
}

const BRAND_NAME: &str = "NumberOTP";

pub(super) fn sign_in(serve: &ServeSettings, listen: SocketAddr) -> Result<SignIn, ConfigError> {
    let public_url = match serve.public_url.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
        Some(text) => origin(text)?,
        None => format!("http://{listen}"),
    };
    let smtp_url = serve.smtp_url.clone().filter(|url| !url.trim().is_empty()).map(Secret::new);
    if smtp_url.is_some() && serve.mail_folder.is_some() {
        return Err(ConfigError("Choose one of --smtp-url and --mail-folder.".to_owned()));
    }
    let brand_name = display_name(serve.brand_name.as_deref().unwrap_or(BRAND_NAME));
    let brand_name = brand_name
        .ok_or_else(|| ConfigError("--brand-name must be 1 to 100 visible characters.".to_owned()))?;
    let mail_from = serve.mail_from.clone().unwrap_or_else(|| no_reply(&public_url));
    let auto_approve = serve.auto_approve.map(|on| on == OnOff::On);
    let mail_folder = serve.mail_folder.clone();
    let second = serve.admin_second_factor == Some(OnOff::On);
    let admins = if second { AdminFactor::Second } else { AdminFactor::Password };
    Ok(SignIn { public_url, brand_name, smtp_url, mail_folder, mail_from, auto_approve, admins })
}

/// Nobody's mailbox at the host of an origin. An address in digits has none.
fn no_reply(origin: &str) -> String {
    let host = origin.split_once("://").map_or(origin, |(_, host)| host);
    let name = host.split(':').next().unwrap_or_default();
    let is_name = name.contains(|c: char| c.is_ascii_alphabetic()) && !host.starts_with('[');
    format!("no-reply@{}", if is_name { name } else { "localhost" })
}

/// Its scheme and host alone: links are made of it.
fn origin(text: &str) -> Result<String, ConfigError> {
    let bare = text.strip_suffix('/').unwrap_or(text);
    let host = bare.strip_prefix("https://").or_else(|| bare.strip_prefix("http://"));
    let fits = |host: &&str| {
        let odd =
            |c: char| c.is_whitespace() || c.is_control() || matches!(c, '/' | '?' | '#' | '@' | '*' | '"');
        !host.is_empty() && host.is_ascii() && !host.contains(odd)
    };
    match host.filter(fits) {
        Some(_) => Ok(bare.to_ascii_lowercase()),
        None => Err(ConfigError(format!(
            "--public-url: {text} is not where people reach this server, such as https://otp.example.com."
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_writes_from_the_public_host() {
        assert_eq!(no_reply("https://otp.example.com"), "no-reply@otp.example.com");
        assert_eq!(no_reply("http://box:8080"), "no-reply@box");
        assert_eq!(no_reply("http://127.0.0.1:8080"), "no-reply@localhost");
        assert_eq!(no_reply("http://[2001:db8::1]:8080"), "no-reply@localhost");
    }

    #[test]
    fn the_public_address_is_an_origin() {
        assert_eq!(origin("https://Otp.example.com/").unwrap(), "https://otp.example.com");
        assert_eq!(origin("http://127.0.0.1:8080").unwrap(), "http://127.0.0.1:8080");
        for bad in [
            "otp.example.com",
            "https://",
            "https://a/b",
            "https://a b",
            "https://u@a",
            "ftp://a",
            "https://a?b",
        ] {
            assert!(origin(bad).is_err(), "{bad}");
        }
    }
}
