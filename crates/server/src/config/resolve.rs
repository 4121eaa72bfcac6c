//! Checks the settings as a whole and turns them into what the server runs by.

use super::authjs::{AuthJsSettings, authjs};
use super::edge::{Edge, edge};
use super::file::{ConfigError, read};
use super::policy::PolicyFile;
use super::settings::{DatabaseSettings, LogFormat, ServeSettings};
use super::sign_in::{SignIn, sign_in};
use super::{Mode, Settings};
use crate::store::db::Engine;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use numberotp_core::money::{CreditValue, Usd};
use numberotp_core::secret::SecretBytes;
use numberotp_core::time::Span;
use std::net::SocketAddr;
use std::num::NonZero;
use std::path::{Path, PathBuf};

const DEFAULT_LISTEN: &str = "127.0.0.1:8080";
const DEFAULT_DATABASE: &str = "sqlite://data/numberotp.db";
/// Keys that stand in examples: whoever kept one has none.
const EXAMPLE_KEYS: [&str; 2] =
    ["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="];

/// What the database settings come to.
#[derive(Clone)]
pub struct ResolvedDatabase {
    /// Which database.
    pub engine: Engine,
    /// The master key, if one was given.
    pub master_key: Option<SecretBytes>,
    /// Worth of a credit.
    pub credit: CreditValue,
}

impl ResolvedDatabase {
    /// The same settings for a copy in a file.
    #[must_use]
    pub fn at_file(&self, path: &Path) -> Self {
        Self { engine: Engine::at_file(path), ..self.clone() }
    }
}

/// What the settings come to.
#[derive(Clone)]
pub struct Resolved {
    /// Where the data is.
    pub database: ResolvedDatabase,
    /// Where to listen.
    pub listen: SocketAddr,
    /// How many threads serve requests.
    pub threads: usize,
    /// The mode that was asked for; `None`: whatever the database is, a sandbox if it is new.
    pub asked: Option<Mode>,
    /// Whether a new database may become a sandbox without being told so: on loopback and SQLite.
    pub implicit_sandbox: bool,
    /// Whether the demo account is to be made; `None`: where the sandbox is implicit.
    pub demo: Option<bool>,
    /// How it meets the network.
    pub edge: Edge,
    /// How people come in.
    pub sign_in: SignIn,
    /// The sandbox's seed.
    pub seed: u64,
    /// How long a number waits.
    pub activation_window: Span,
    /// How long messages are kept.
    pub message_retention: Span,
    /// How long an own number rests.
    pub number_cool_down: Span,
    /// The operator's part of the policy.
    pub policy: PolicyFile,
    /// Which log lines are shown.
    pub log: Option<String>,
    /// How log lines are written.
    pub log_format: LogFormat,
    /// What opens `/metrics` from afar.
    pub metrics_token: Option<SecretBytes>,
    /// How a website's sessions are taken, if they are.
    pub authjs: Option<AuthJsSettings>,
    /// Where to tell that the server serves.
    pub ready_file: Option<PathBuf>,
}

impl Resolved {
    /// The settings for a mode.
    pub fn settings(&self, mode: Mode) -> Settings {
        Settings {
            activation_window: self.activation_window,
            message_retention: self.message_retention,
            number_cool_down: self.number_cool_down,
            credit: self.database.credit,
            sandbox_seed: self.seed,
            ..Settings::new(mode)
        }
    }
}

/// Flags and variables over the file over the defaults, for commands.
pub fn resolve_database(flags: DatabaseSettings) -> Result<ResolvedDatabase, ConfigError> {
    let under = match &flags.config {
        Some(path) => read(path)?.0,
        None => DatabaseSettings::default(),
    };
    database(&flags.over(under))
}

/// Flags and variables over the file over the defaults, for the server.
pub fn resolve(flags: ServeSettings, database_flags: DatabaseSettings) -> Result<Resolved, ConfigError> {
    let has_file = database_flags.config.is_some();
    let (under_database, under) = match &database_flags.config {
        Some(path) => read(path)?,
        None => (DatabaseSettings::default(), ServeSettings::default()),
    };
    let serve = flags.over(under);
    let database = database(&database_flags.over(under_database))?;
    let listen_text = serve.listen.as_deref().unwrap_or(DEFAULT_LISTEN);
    let listen: SocketAddr = listen_text.parse().map_err(|_not_an_address| {
        ConfigError(format!("--listen {listen_text} is not an address and port such as 127.0.0.1:8080."))
    })?;
    let asked = match (serve.sandbox, serve.no_sandbox) {
        (Some(true), Some(true)) => {
            return Err(ConfigError("Choose one of --sandbox and --no-sandbox.".to_owned()));
        }
        (Some(true), _) => Some(Mode::Sandbox),
        (Some(false), _) | (_, Some(true)) => Some(Mode::Production),
        _ if has_file => Some(Mode::Production),
        _ => None,
    };
    let implicit_sandbox = asked.is_none() && listen.ip().is_loopback() && database.engine.is_embedded();
    Ok(Resolved {
        authjs: authjs(&serve)?,
        demo: serve.demo,
        database,
        listen,
        threads: threads(serve.threads)?,
        asked,
        implicit_sandbox,
        edge: edge(&serve)?,
        sign_in: sign_in(&serve, listen)?,
        seed: serve.seed.unwrap_or(0),
        activation_window: span(
            "--activation-window",
            serve.activation_window.as_deref(),
            Span::minutes(20),
        )?,
        message_retention: span("--message-retention", serve.message_retention.as_deref(), Span::hours(72))?,
        number_cool_down: span("--number-cool-down", serve.number_cool_down.as_deref(), Span::hours(24))?,
        policy: serve.policy.unwrap_or_default(),
        log: serve.log,
        log_format: serve.log_format.unwrap_or_default(),
        metrics_token: metrics_token(serve.metrics_token.as_deref())?,
        ready_file: serve.ready_file,
    })
}

/// More than this is a mistake: they would only wait for each other.
const THREADS_MOST: usize = 64;

fn threads(given: Option<u32>) -> Result<usize, ConfigError> {
    let Some(given) = given else {
        return Ok(std::thread::available_parallelism().map_or(1, NonZero::get));
    };
    let threads = usize::try_from(given).ok().filter(|threads| (1..=THREADS_MOST).contains(threads));
    threads.ok_or_else(|| {
        ConfigError(format!("--threads {given} is not a number of threads from 1 to {THREADS_MOST}."))
    })
}

/// Shorter ones are guessed.
const METRICS_TOKEN_LEAST: usize = 16;

fn metrics_token(text: Option<&str>) -> Result<Option<SecretBytes>, ConfigError> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    let fits = text.len() >= METRICS_TOKEN_LEAST && text.bytes().all(|byte| byte.is_ascii_graphic());
    let sentence =
        "--metrics-token is not 16 or more visible ASCII characters. Make one with `openssl rand -hex 32`.";
    if fits { Ok(Some(SecretBytes::new(text.as_bytes()))) } else { Err(ConfigError(sentence.to_owned())) }
}

fn span(flag: &str, text: Option<&str>, default: Span) -> Result<Span, ConfigError> {
    let Some(text) = text else { return Ok(default) };
    let span = Span::parse(text).filter(|span| span.as_micros() > 0);
    span.ok_or_else(|| ConfigError(format!("{flag} {text} is not a length of time such as 90s, 20m or 72h.")))
}

fn database(settings: &DatabaseSettings) -> Result<ResolvedDatabase, ConfigError> {
    let url = settings.database_url.as_deref().unwrap_or(DEFAULT_DATABASE);
    let engine = Engine::parse(url).ok_or_else(|| {
        let form = "sqlite:///path/file.db or postgres://user:password@host/name";
        ConfigError(format!("The database URL has an unknown form. Give {form}."))
    })?;
    let credit = match settings.credit_value.as_deref() {
        None => CreditValue::PUBLISHED,
        Some(text) => {
            let micros = Usd::parse(text).ok().and_then(|value| CreditValue::from_micros(value.micros()));
            micros.ok_or_else(|| {
                ConfigError(format!("--credit-value {text} is not an amount above zero such as 0.0005."))
            })?
        }
    };
    let from_file = settings.master_key_file.as_deref().map(key_file).transpose()?;
    let text = settings.master_key.as_deref().or(from_file.as_deref());
    Ok(ResolvedDatabase { engine, master_key: master_key(text)?, credit })
}

/// A file that was named and has no key is a mistake, not a wish for none.
fn key_file(path: &Path) -> Result<String, ConfigError> {
    let name = path.display();
    let refuse = |problem: String| ConfigError(format!("The master key's file {name} {problem}."));
    let text = std::fs::read_to_string(path).map_err(|error| refuse(format!("cannot be read: {error}")))?;
    if text.trim().is_empty() { Err(refuse("is empty".to_owned())) } else { Ok(text) }
}

const MAKE_ONE: &str = "Make one with `openssl rand -base64 32` and give it as NUMBEROTP_MASTER_KEY.";

fn master_key(text: Option<&str>) -> Result<Option<SecretBytes>, ConfigError> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    if EXAMPLE_KEYS.contains(&text) {
        return Err(ConfigError(format!("The master key is one that stands in an example. {MAKE_ONE}")));
    }
    let bytes = STANDARD.decode(text).ok().filter(|bytes| bytes.len() == 32);
    let bytes =
        bytes.ok_or_else(|| ConfigError(format!("The master key is not 32 bytes in base64. {MAKE_ONE}")))?;
    if bytes.iter().all(|byte| Some(byte) == bytes.first()) {
        return Err(ConfigError(format!("The master key is one byte repeated: that is no key. {MAKE_ONE}")));
    }
    Ok(Some(SecretBytes::new(bytes)))
}

/// The sentence for a production server without a master key.
pub fn master_key_missing() -> ConfigError {
    ConfigError(format!(
        "Production needs a master key: it encrypts messages and wraps provider secrets. {MAKE_ONE}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(flags: ServeSettings, url: &str) -> Result<Resolved, ConfigError> {
        resolve(flags, DatabaseSettings { database_url: Some(url.to_owned()), ..DatabaseSettings::default() })
    }

    #[test]
    fn a_sandbox_is_implicit_on_loopback_and_sqlite_only() {
        let none = ServeSettings::default;
        let listen = |address: &str| ServeSettings { listen: Some(address.to_owned()), ..none() };
        assert!(resolved(none(), "sqlite://x.db").unwrap().implicit_sandbox);
        assert!(!resolved(none(), "postgres://h/d").unwrap().implicit_sandbox);
        assert!(!resolved(listen("0.0.0.0:80"), "sqlite://x.db").unwrap().implicit_sandbox);
        let production = ServeSettings { no_sandbox: Some(true), ..none() };
        assert_eq!(resolved(production, "sqlite://x.db").unwrap().asked, Some(Mode::Production));
    }

    #[test]
    fn there_are_1_to_64_threads_and_by_default_as_many_as_cores() {
        let of = |threads| resolved(ServeSettings { threads, ..ServeSettings::default() }, "sqlite://x.db");
        assert_eq!((of(Some(1)).unwrap().threads, of(Some(64)).unwrap().threads), (1, 64));
        assert_eq!(of(None).unwrap().threads, std::thread::available_parallelism().unwrap().get());
        for threads in [0, 65, u32::MAX] {
            let error = of(Some(threads)).err().expect("refused").0;
            assert!(error.contains(&format!("--threads {threads} ")) && error.contains("64"), "{error}");
        }
    }

    #[test]
    fn a_token_for_metrics_is_long_or_refused() {
        assert!(metrics_token(None).unwrap().is_none() && metrics_token(Some(" ")).unwrap().is_none());
        assert!(metrics_token(Some("0123456789abcde")).is_err());
        assert!(metrics_token(Some("0123456789 abcdef")).is_err());
        assert!(metrics_token(Some("0123456789abcdef")).unwrap().is_some());
    }

    #[test]
    fn a_bad_master_key_is_refused_with_the_way_to_make_one() {
        for key in ["short", EXAMPLE_KEYS[0], "Hh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4="] {
            let Err(error) = master_key(Some(key)) else { panic!("{key} was taken") };
            assert!(error.0.contains("openssl rand"), "{error}");
        }
        assert!(master_key(Some("q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k=")).unwrap().is_some());
    }
}
