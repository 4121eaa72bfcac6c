//! The settings as flags, variables and file keys: one list for all three.

use super::policy::PolicyFile;
use clap::{Args, ValueEnum};
use serde::Deserialize;
use std::path::PathBuf;

/// A switch.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnOff {
    /// On.
    On,
    /// Off.
    Off,
}

/// The one algorithm by which a website may sign sessions that it does not encrypt.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum, Deserialize)]
pub enum SignedBy {
    /// HMAC-SHA-256 with the site's secret.
    #[value(name = "HS256")]
    #[serde(rename = "HS256")]
    Hs256,
}

/// How log lines are written.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Where the data is and how it is kept: all that most commands need.
#[derive(Args, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct DatabaseSettings {
    /// `sqlite:///path/file.db` or `postgres://user:password@host/name` [default: sqlite://data/numberotp.db]
    #[arg(long, env = "NUMBEROTP_DATABASE_URL", hide_env_values = true, global = true)]
    pub database_url: Option<String>,
    /// 32 bytes in base64 that wrap everything kept secret; needed in production (make one: openssl rand -base64 32)
    #[arg(long, env = "NUMBEROTP_MASTER_KEY", hide_env_values = true, global = true)]
    pub master_key: Option<String>,
    /// A file with the master key, such as one that systemd or a container hands over; instead of --master-key
    #[arg(long, env = "NUMBEROTP_MASTER_KEY_FILE", global = true, conflicts_with = "master_key")]
    pub master_key_file: Option<PathBuf>,
    /// What one credit is worth in USD [default: 0.0005]
    #[arg(long, env = "NUMBEROTP_CREDIT_VALUE", global = true)]
    pub credit_value: Option<String>,
    /// A TOML file with these settings; its keys are the flags' names
    #[arg(long, env = "NUMBEROTP_CONFIG", global = true)]
    #[serde(skip)]
    pub config: Option<PathBuf>,
}

/// How the server runs.
#[derive(Args, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ServeSettings {
    /// Address and port; port 0 takes a free one [default: 127.0.0.1:8080]
    #[arg(long, env = "NUMBEROTP_LISTEN")]
    pub listen: Option<String>,
    /// Threads that serve requests, 1 to 64 [default: one a core]
    #[arg(long, env = "NUMBEROTP_THREADS")]
    pub threads: Option<u32>,
    /// Address and port for the routes of admins alone; without it they are served where everything else is
    #[arg(long, env = "NUMBEROTP_ADMIN_LISTEN")]
    pub admin_listen: Option<String>,
    /// Run a sandbox: test numbers, test money
    #[arg(long, env = "NUMBEROTP_SANDBOX", num_args = 0..=1, default_missing_value = "true", conflicts_with = "no_sandbox")]
    pub sandbox: Option<bool>,
    /// Run in production
    #[arg(long, env = "NUMBEROTP_NO_SANDBOX", num_args = 0..=1, default_missing_value = "true")]
    pub no_sandbox: Option<bool>,
    /// Make the demo account (sandbox only)
    #[arg(long, env = "NUMBEROTP_DEMO", num_args = 0..=1, default_missing_value = "true")]
    pub demo: Option<bool>,
    /// Whether rate limits are enforced [default: on]
    #[arg(long, env = "NUMBEROTP_RATE_LIMITS")]
    pub rate_limits: Option<OnOff>,
    /// Price requests a minute and network [default: 100]
    #[arg(long, env = "NUMBEROTP_LIMIT_PRICES")]
    pub limit_prices: Option<u32>,
    /// Balance, transaction and profile requests a minute and account [default: 60]
    #[arg(long, env = "NUMBEROTP_LIMIT_ACCOUNT")]
    pub limit_account: Option<u32>,
    /// Purchases a minute and account [default: 30]
    #[arg(long, env = "NUMBEROTP_LIMIT_RENT")]
    pub limit_rent: Option<u32>,
    /// Reads a minute and purchase [default: 60]
    #[arg(long, env = "NUMBEROTP_LIMIT_READ_ONE")]
    pub limit_read_one: Option<u32>,
    /// Reads of purchases a minute and account [default: 600]
    #[arg(long, env = "NUMBEROTP_LIMIT_READ_ALL")]
    pub limit_read_all: Option<u32>,
    /// Refused webhooks a minute and provider [default: 60]
    #[arg(long, env = "NUMBEROTP_LIMIT_HOOK")]
    pub limit_hook: Option<u32>,
    /// Sign-in requests a minute, network and e-mail [default: 10]
    #[arg(long, env = "NUMBEROTP_LIMIT_SIGN_IN")]
    pub limit_sign_in: Option<u32>,
    /// Other requests a minute and network [default: 300]
    #[arg(long, env = "NUMBEROTP_LIMIT_OTHER")]
    pub limit_other: Option<u32>,
    /// Connections of one network at once; trusted proxies are exempt, 0 is no limit [default: 512]
    #[arg(long, env = "NUMBEROTP_LIMIT_CONNECTIONS")]
    pub limit_connections: Option<u32>,
    /// Proxies in front whose X-Forwarded-For is believed: addresses and networks, separated by commas [default: none]
    #[arg(long, env = "NUMBEROTP_TRUSTED_PROXIES")]
    pub trusted_proxies: Option<String>,
    /// Origins that browsers may call from with credentials, separated by commas [default: none]
    #[arg(long, env = "NUMBEROTP_CORS_ORIGINS")]
    pub cors_origins: Option<String>,
    /// Where people reach this server, such as https://otp.example.com: in mails, and for cookies [default: http:// and the address it listens on]
    #[arg(long, env = "NUMBEROTP_PUBLIC_URL")]
    pub public_url: Option<String>,
    /// Let new accounts buy at once, without anybody's approval [default: off in production, on in a sandbox]
    #[arg(long, env = "NUMBEROTP_AUTO_APPROVE")]
    pub auto_approve: Option<OnOff>,
    /// Whether admins need a second factor for the routes of admins [default: off]
    #[arg(long, env = "NUMBEROTP_ADMIN_SECOND_FACTOR")]
    pub admin_second_factor: Option<OnOff>,
    /// What the service is called, in mails and authenticator apps [default: NumberOTP]
    #[arg(long, env = "NUMBEROTP_BRAND_NAME")]
    pub brand_name: Option<String>,
    /// The server that takes mail: smtp+starttls://user:password@host:587, smtps:// or smtp:// [default: none]
    #[arg(long, env = "NUMBEROTP_SMTP_URL", hide_env_values = true)]
    pub smtp_url: Option<String>,
    /// A folder that takes mail instead, a file each [default: none; in a sandbox `mail` beside the database]
    #[arg(long, env = "NUMBEROTP_MAIL_FOLDER")]
    pub mail_folder: Option<PathBuf>,
    /// Who writes the mails [default: no-reply@ the host of --public-url]
    #[arg(long, env = "NUMBEROTP_MAIL_FROM")]
    pub mail_from: Option<String>,
    /// How long a number waits for its message, such as 20m [default: 20m]
    #[arg(long, env = "NUMBEROTP_ACTIVATION_WINDOW")]
    pub activation_window: Option<String>,
    /// How long messages are kept, such as 72h [default: 72h]
    #[arg(long, env = "NUMBEROTP_MESSAGE_RETENTION")]
    pub message_retention: Option<String>,
    /// How long an own number rests between two buyers, such as 24h [default: 24h]
    #[arg(long, env = "NUMBEROTP_NUMBER_COOL_DOWN")]
    pub number_cool_down: Option<String>,
    /// What the sandbox's numbers and codes follow from [default: 0]
    #[arg(long, env = "NUMBEROTP_SEED")]
    pub seed: Option<u64>,
    /// Which log lines are shown: error, warn, info, debug, or a filter such as info,numberotp_server=debug [default: info]
    #[arg(long, env = "NUMBEROTP_LOG")]
    pub log: Option<String>,
    /// How log lines are written: text for people, json for machines [default: text]
    #[arg(long, env = "NUMBEROTP_LOG_FORMAT")]
    pub log_format: Option<LogFormat>,
    /// Whoever shows this as a bearer token may read /metrics from afar; without it only this machine may [default: none]
    #[arg(long, env = "NUMBEROTP_METRICS_TOKEN", hide_env_values = true)]
    pub metrics_token: Option<String>,
    /// The AUTH_SECRET or NEXTAUTH_SECRET of the website whose signed-in visitors are let in; several by spaces, newest first [default: none]
    #[arg(long, env = "NUMBEROTP_AUTHJS_SECRETS", hide_env_values = true)]
    pub authjs_secrets: Option<String>,
    /// Names of session cookies that the website renamed, by spaces; the usual ones are known [default: none]
    #[arg(long, env = "NUMBEROTP_AUTHJS_COOKIES")]
    pub authjs_cookies: Option<String>,
    /// Take sessions too that the website signs with its secret instead of encrypting them, by this one algorithm [default: none]
    #[arg(long, env = "NUMBEROTP_AUTHJS_SIGNED")]
    pub authjs_signed: Option<SignedBy>,
    /// Make an account for whoever comes with a good session of the website and has none
    #[arg(long, env = "NUMBEROTP_AUTHJS_CREATE_ACCOUNTS", num_args = 0..=1, default_missing_value = "true")]
    pub authjs_create_accounts: Option<bool>,
    /// The PostgreSQL where the website keeps its sessions, if it does: it is only read [default: none]
    #[arg(long, env = "NUMBEROTP_AUTHJS_DATABASE_URL", hide_env_values = true)]
    pub authjs_database_url: Option<String>,
    /// Its tables: pg, prisma or drizzle, and names that differ, such as "pg sessions=auth.sessions token=session_token" [default: pg]
    #[arg(long, env = "NUMBEROTP_AUTHJS_SCHEMA")]
    pub authjs_schema: Option<String>,
    /// Write host:port here when the server is really serving
    #[arg(long, env = "NUMBEROTP_READY_FILE")]
    pub ready_file: Option<PathBuf>,
    /// More to refuse, and exceptions with a reason; in the file alone.
    #[arg(skip)]
    pub policy: Option<PolicyFile>,
}
