//! A website's sessions (Auth.js, NextAuth): the secrets it shares with this server, its cookies, its database.

use super::file::ConfigError;
use super::settings::{ServeSettings, SignedBy};
use crate::store::db::Engine;
use numberotp_core::authjs::SiteSchema;
use numberotp_core::secret::Secret;

/// How a website's sessions are taken.
#[derive(Clone)]
pub struct AuthJsSettings {
    /// The site's secrets, newest first; none: encrypted sessions are not taken.
    pub secrets: Vec<Secret>,
    /// Cookies that the site renamed.
    pub cookies: Vec<String>,
    /// How the site signs sessions that it does not encrypt, if it does; none: these are not taken.
    pub signed: Option<SignedBy>,
    /// Whether somebody whom nobody here knows gets an account.
    pub strangers: Strangers,
    /// Where the site keeps its sessions, if it does.
    pub site: Option<(Engine, SiteSchema)>,
}

/// What becomes of a person whom the site knows and we do not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Strangers {
    /// They are refused.
    Refused,
    /// They get an account.
    Welcome,
}

/// A key for HMAC-SHA-256 has as many bytes at least. Source: RFC 7518, section 3.2.
const SIGNING_LEAST: usize = 32;

/// The settings, if a website's sessions are taken at all.
pub(super) fn authjs(serve: &ServeSettings) -> Result<Option<AuthJsSettings>, ConfigError> {
    let secrets: Vec<Secret> = words(serve.authjs_secrets.as_deref()).map(Secret::new).collect();
    let cookies = words(serve.authjs_cookies.as_deref()).map(cookie).collect::<Result<Vec<_>, _>>()?;
    let site = site(serve)?;
    let signed = serve.authjs_signed;
    if signed.is_some() && (secrets.is_empty() || secrets.iter().any(is_short)) {
        let sentence = "--authjs-signed needs --authjs-secrets, each of 32 bytes or more: whoever has a signed session can try secrets on it.";
        return Err(ConfigError(sentence.to_owned()));
    }
    let create = serve.authjs_create_accounts == Some(true);
    let strangers = if create { Strangers::Welcome } else { Strangers::Refused };
    if !secrets.is_empty() || site.is_some() {
        return Ok(Some(AuthJsSettings { secrets, cookies, signed, strangers, site }));
    }
    if !cookies.is_empty() || create {
        let sentence =
            "A website's sessions are set up by half: give --authjs-secrets, --authjs-database-url or both.";
        return Err(ConfigError(sentence.to_owned()));
    }
    Ok(None)
}

fn is_short(secret: &Secret) -> bool {
    secret.expose().len() < SIGNING_LEAST
}

fn words(list: Option<&str>) -> impl Iterator<Item = &str> {
    list.unwrap_or_default().split_whitespace()
}

/// A cookie's name. Source: RFC 6265, section 4.1.1.
fn cookie(name: &str) -> Result<String, ConfigError> {
    let odd = |c: char| !c.is_ascii_graphic() || "()<>@,;:\\\"/[]?={}".contains(c);
    if name.len() <= 100 && !name.contains(odd) {
        return Ok(name.to_owned());
    }
    Err(ConfigError(format!("--authjs-cookies: {name} is no name of a cookie. Separate names by spaces.")))
}

fn site(serve: &ServeSettings) -> Result<Option<(Engine, SiteSchema)>, ConfigError> {
    let url = serve.authjs_database_url.as_deref().map(str::trim).filter(|url| !url.is_empty());
    let Some(url) = url else {
        return match serve.authjs_schema {
            None => Ok(None),
            Some(_) => Err(ConfigError("--authjs-schema needs --authjs-database-url.".to_owned())),
        };
    };
    let engine = Engine::parse(url).filter(|engine| !engine.is_embedded());
    let engine = engine.ok_or_else(|| {
        let form = "postgres://user:password@host/name";
        ConfigError(format!(
            "--authjs-database-url has an unknown form. Give {form}: only PostgreSQL is read."
        ))
    })?;
    let schema = SiteSchema::parse(serve.authjs_schema.as_deref().unwrap_or_default())
        .map_err(|why| ConfigError(format!("--authjs-schema: {why}.")))?;
    Ok(Some((engine, schema)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(
        secrets: &str,
        cookies: &str,
        url: &str,
        schema: &str,
    ) -> Result<Option<AuthJsSettings>, ConfigError> {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        authjs(&ServeSettings {
            authjs_secrets: text(secrets),
            authjs_cookies: text(cookies),
            authjs_database_url: text(url),
            authjs_schema: text(schema),
            ..ServeSettings::default()
        })
    }

    #[test]
    fn a_secret_or_a_database_turns_it_on() {
        assert!(settings("", "", "", "").unwrap().is_none());
        let two = settings(" newer  older ", "shop-session", "", "").unwrap().unwrap();
        assert_eq!(two.secrets.iter().map(Secret::expose).collect::<Vec<_>>(), ["newer", "older"]);
        assert_eq!((two.cookies, two.strangers), (vec!["shop-session".to_owned()], Strangers::Refused));
        let site = settings("", "", "postgres://h/d", "prisma").unwrap().unwrap().site.unwrap();
        assert_eq!(site.1.sessions.bare(), "Session");
    }

    #[test]
    fn a_site_that_signs_has_secrets_that_nobody_tries_through() {
        let with = |secrets: &str| {
            authjs(&ServeSettings {
                authjs_secrets: Some(secrets.to_owned()),
                authjs_signed: Some(SignedBy::Hs256),
                ..ServeSettings::default()
            })
        };
        let long = "0123456789abcdef0123456789abcdef";
        assert_eq!(with(long).unwrap().unwrap().signed, Some(SignedBy::Hs256));
        for short in ["", "short", &format!("{long} short"), long.split_at(1).1] {
            assert!(with(short).is_err(), "{short}");
        }
        assert_eq!(settings(long, "", "", "").unwrap().unwrap().signed, None, "off unless it is asked for");
    }

    #[test]
    fn what_cannot_work_is_refused() {
        for (secrets, cookies, url, schema) in [
            ("", "shop-session", "", ""),
            ("s", "a=b", "", ""),
            ("s", "a;b", "", ""),
            ("s", "é", "", ""),
            ("s", "", "sqlite://x.db", ""),
            ("s", "", "mysql://h/d", ""),
            ("s", "", "", "prisma"),
            ("s", "", "postgres://h/d", "mysql"),
        ] {
            assert!(settings(secrets, cookies, url, schema).is_err(), "{secrets} {cookies} {url} {schema}");
        }
    }
}
