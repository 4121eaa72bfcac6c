//! The TOML file and how it lies under flags and variables.

use super::settings::{DatabaseSettings, ServeSettings};
use std::fmt;
use std::path::Path;

/// A configuration that cannot be used: one sentence that says what to do.
#[derive(Debug)]
pub struct ConfigError(pub String);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}

const DATABASE_KEYS: [&str; 4] = ["database-url", "master-key", "master-key-file", "credit-value"];

/// Reads a file into the two groups of settings. Unknown keys are refused by name.
pub(super) fn read(path: &Path) -> Result<(DatabaseSettings, ServeSettings), ConfigError> {
    let name = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| ConfigError(format!("The configuration file {name} cannot be read: {error}.")))?;
    parse(&text)
        .map_err(|problem| ConfigError(format!("The configuration file {name} is not right: {problem}")))
}

fn parse(text: &str) -> Result<(DatabaseSettings, ServeSettings), toml::de::Error> {
    let mut serve: toml::Table = toml::from_str(text)?;
    let mut database = toml::Table::new();
    for key in DATABASE_KEYS {
        if let Some(value) = serve.remove(key) {
            database.insert(key.to_owned(), value);
        }
    }
    Ok((database.try_into()?, serve.try_into()?))
}

impl DatabaseSettings {
    pub(super) fn over(self, under: Self) -> Self {
        // The key and its file are one choice: a choice above hides both below.
        let above = self.master_key.is_some() || self.master_key_file.is_some();
        let (master_key, master_key_file) = if above {
            (self.master_key, self.master_key_file)
        } else {
            (under.master_key, under.master_key_file)
        };
        Self {
            database_url: self.database_url.or(under.database_url),
            master_key,
            master_key_file,
            credit_value: self.credit_value.or(under.credit_value),
            config: self.config,
        }
    }
}

impl ServeSettings {
    pub(super) fn over(self, under: Self) -> Self {
        // The two mode flags are one choice: a choice above hides both below.
        let above = self.sandbox.is_some() || self.no_sandbox.is_some();
        let (sandbox, no_sandbox) =
            if above { (self.sandbox, self.no_sandbox) } else { (under.sandbox, under.no_sandbox) };
        Self {
            listen: self.listen.or(under.listen),
            threads: self.threads.or(under.threads),
            admin_listen: self.admin_listen.or(under.admin_listen),
            sandbox,
            no_sandbox,
            demo: self.demo.or(under.demo),
            rate_limits: self.rate_limits.or(under.rate_limits),
            limit_prices: self.limit_prices.or(under.limit_prices),
            limit_account: self.limit_account.or(under.limit_account),
            limit_rent: self.limit_rent.or(under.limit_rent),
            limit_read_one: self.limit_read_one.or(under.limit_read_one),
            limit_read_all: self.limit_read_all.or(under.limit_read_all),
            limit_hook: self.limit_hook.or(under.limit_hook),
            limit_sign_in: self.limit_sign_in.or(under.limit_sign_in),
            limit_other: self.limit_other.or(under.limit_other),
            limit_connections: self.limit_connections.or(under.limit_connections),
            trusted_proxies: self.trusted_proxies.or(under.trusted_proxies),
            cors_origins: self.cors_origins.or(under.cors_origins),
            public_url: self.public_url.or(under.public_url),
            auto_approve: self.auto_approve.or(under.auto_approve),
            admin_second_factor: self.admin_second_factor.or(under.admin_second_factor),
            brand_name: self.brand_name.or(under.brand_name),
            smtp_url: self.smtp_url.or(under.smtp_url),
            mail_folder: self.mail_folder.or(under.mail_folder),
            mail_from: self.mail_from.or(under.mail_from),
            activation_window: self.activation_window.or(under.activation_window),
            message_retention: self.message_retention.or(under.message_retention),
            number_cool_down: self.number_cool_down.or(under.number_cool_down),
            seed: self.seed.or(under.seed),
            log: self.log.or(under.log),
            log_format: self.log_format.or(under.log_format),
            metrics_token: self.metrics_token.or(under.metrics_token),
            authjs_secrets: self.authjs_secrets.or(under.authjs_secrets),
            authjs_cookies: self.authjs_cookies.or(under.authjs_cookies),
            authjs_signed: self.authjs_signed.or(under.authjs_signed),
            authjs_create_accounts: self.authjs_create_accounts.or(under.authjs_create_accounts),
            authjs_database_url: self.authjs_database_url.or(under.authjs_database_url),
            authjs_schema: self.authjs_schema.or(under.authjs_schema),
            ready_file: self.ready_file.or(under.ready_file),
            policy: self.policy.or(under.policy),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_gives_both_groups_and_flags_lie_above() {
        let (database, serve) =
            parse("database-url = \"sqlite://x.db\"\nlisten = \"127.0.0.1:1\"\nseed = 7\n").unwrap();
        assert_eq!(database.database_url.as_deref(), Some("sqlite://x.db"));
        let flags = ServeSettings { listen: Some("127.0.0.1:2".to_owned()), ..ServeSettings::default() };
        let merged = flags.over(serve);
        assert_eq!((merged.listen.as_deref(), merged.seed), (Some("127.0.0.1:2"), Some(7)));
    }

    #[test]
    fn an_unknown_key_is_named() {
        let error = parse("listn = \"127.0.0.1:1\"").err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains("listn"), "{error}");
    }
}
