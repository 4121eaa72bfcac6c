//! How people come in: where they reach the server, and whether somebody has to approve them first.

use super::file::ConfigError;
use super::settings::{OnOff, ServeSettings};
use std::net::SocketAddr;

/// How people come in.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// Where people reach this server: an origin, without a slash at its end.
    pub public_url: String,
    /// Whether a new account may buy at once; `None`: in a sandbox only.
    pub auto_approve: Option<bool>,
}

impl SignIn {
    /// Whether people reach it over TLS: cookies are then for TLS alone.
    pub fn is_secure(&self) -> bool {
        self.public_url.starts_with("https://")
    }
}

pub(super) fn sign_in(serve: &ServeSettings, listen: SocketAddr) -> Result<SignIn, ConfigError> {
    let public_url = match serve.public_url.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
        Some(text) => origin(text)?,
        None => format!("http://{listen}"),
    };
    Ok(SignIn { public_url, auto_approve: serve.auto_approve.map(|on| on == OnOff::On) })
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
