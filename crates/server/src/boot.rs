//! Starts the product: opens the database, fixes its mode, makes what a sandbox needs, and puts the context
//! together. The same for the program and for tests.

use crate::app::authjs::AuthJs;
use crate::app::catalog::{self, CatalogView, HeldBack};
use crate::app::known::Known;
use crate::app::limits::Limiter;
use crate::app::password::Passwords;
use crate::app::upstream::{Tap, Wire};
use crate::app::uses::Uses;
use crate::app::vitals::Looks;
use crate::app::{Context, demo};
use crate::clock::{self, Clock};
use crate::config::{
    ConfigError, Edge, Enforced, Mode, PolicyFile, Resolved, ResolvedDatabase, Settings, SignIn,
    master_key_missing,
};
use crate::entropy::{self, NoEntropy};
use crate::jobs;
use crate::mailer::{Mailer, Way};
use crate::metrics::Metrics;
use crate::outbound::Poster;
use crate::store::hot::Rules;
use crate::store::setting::{clock_ahead, secret_fix, secret_get, setting_fix, setting_get};
use crate::store::{Schema, Store, StoreError, StoreOptions};
use crate::vault::{Vault, VaultError};
use arc_swap::ArcSwap;

use numberotp_core::policy::{Categories, Controls, Exceptions, Policy, RateLimits, Screen};
use numberotp_core::secret::SecretBytes;
use numberotp_core::time::{Span, Time};
use numberotp_core::vocabulary::Vocabulary;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const MODE: &str = "mode";
const MASTER_KEY: &str = "master_key";
const MASTER_KEY_CHECK: &str = "master_key_check";
const JWT_KEY: &str = "jwt_key";
const ID_KEY: &str = "public_id_key";
const SANDBOX_KEY: &str = "sandbox_webhook_key";
const SIGN_IN_KEY: &str = "sign_in_key";
const DEDUPE_KEY: &str = "message_dedupe_key";

/// Why the product does not start.
#[derive(Debug)]
pub enum BootError {
    /// The configuration: one sentence.
    Config(ConfigError),
    /// The database.
    Store(StoreError),
    /// Keys.
    Vault(VaultError),
    /// Randomness.
    Entropy(NoEntropy),
    /// The shipped tables are broken: a defect.
    Vocabulary(String),
    /// The network or a file.
    Io(std::io::Error),
}

impl fmt::Display for BootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::Store(error) => error.fmt(f),
            Self::Vault(error) => error.fmt(f),
            Self::Entropy(error) => error.fmt(f),
            Self::Vocabulary(text) => f.write_str(text),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for BootError {}

impl From<ConfigError> for BootError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}
impl From<StoreError> for BootError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
impl From<VaultError> for BootError {
    fn from(error: VaultError) -> Self {
        Self::Vault(error)
    }
}
impl From<NoEntropy> for BootError {
    fn from(error: NoEntropy) -> Self {
        Self::Entropy(error)
    }
}
impl From<std::io::Error> for BootError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

/// Opens the database for a command beside, or before, a server.
pub fn open_for_command(database: &ResolvedDatabase) -> Result<Store, BootError> {
    open(database, Schema::BringUpToDate)
}

fn open(database: &ResolvedDatabase, schema: Schema) -> Result<Store, BootError> {
    // Commands move no message and attach no number.
    let rules = Rules { credit: database.credit, exceptions: Exceptions::NONE };
    Ok(Store::open(&database.engine, &StoreOptions::command(rules, schema))?)
}

/// The same for a command that only looks or changes: a mistyped path must not become a new database, and a
/// server of another version may be running on this one.
pub fn open_existing(database: &ResolvedDatabase) -> Result<Store, BootError> {
    if let Some(path) = database.engine.missing_file() {
        let sentence = format!("There is no database at {}. Check --database-url.", path.display());
        return Err(ConfigError(sentence).into());
    }
    open(database, Schema::MustBeUpToDate)
}

/// The mode written in a database, if a server ever started on it.
pub async fn mode_of(store: &Store) -> Result<Option<Mode>, StoreError> {
    let text = store.read(|tx| setting_get(tx, MODE)).await?;
    let corrupt = StoreError::Corrupt { table: "settings", column: "value" };
    text.map(|text| Mode::parse(&text).ok_or(corrupt)).transpose()
}

/// Decides the mode; refuses to contradict the one that is written.
async fn decide_mode(store: &Store, resolved: &Resolved) -> Result<Mode, BootError> {
    let written = mode_of(store).await?;
    let refuse = |text: &str| Err(BootError::Config(ConfigError(text.to_owned())));
    match (written, resolved.asked) {
        (Some(Mode::Sandbox), Some(Mode::Production)) => refuse(
            "This database is a sandbox and stays one: production needs a database of its own. Give another --database-url.",
        ),
        (Some(Mode::Production), Some(Mode::Sandbox)) => refuse(
            "This database is in production and stays so: a sandbox needs a database of its own. Give another --database-url.",
        ),
        (Some(Mode::Sandbox), None) if !resolved.listen.ip().is_loopback() => {
            refuse("This database is a sandbox. To show it to a network, say so with --sandbox.")
        }
        (Some(mode), _) | (None, Some(mode)) => Ok(mode),
        (None, None) if resolved.implicit_sandbox => Ok(Mode::Sandbox),
        (None, None) => refuse(
            "Say what this is: --sandbox for test numbers and test money, --no-sandbox for production. Only SQLite on a loopback address is a sandbox without being told so.",
        ),
    }
}

/// Writes the mode, once the start has all it needs: a start that fails for a missing key must not have
/// decided what the database is.
async fn fix_mode(store: &Store, wanted: Mode) -> Result<(), BootError> {
    let fixed = store.write(move |tx| setting_fix(tx, MODE, wanted.as_str())).await?;
    if Mode::parse(&fixed) == Some(wanted) {
        return Ok(());
    }
    let sentence = "Another server started on this database in another mode at the same moment.";
    Err(ConfigError(sentence.to_owned()).into())
}

/// A key of this database, made at the first need.
pub async fn database_key(store: &Store, name: &'static str) -> Result<SecretBytes, BootError> {
    if let Some(known) = store.read(move |tx| secret_get(tx, name)).await? {
        return Ok(known);
    }
    let fresh = entropy::key::<32>()?;
    Ok(store.write(move |tx| secret_fix(tx, name, &fresh)).await?)
}

/// The key that JWTs are signed with: the database's own, so that a command needs nothing but the database.
pub async fn jwt_key(store: &Store) -> Result<SecretBytes, BootError> {
    database_key(store, JWT_KEY).await
}

/// The vault of a database. A sandbox keeps its master key itself; production must be given one, always the
/// same.
pub async fn open_vault(store: &Store, mode: Mode, given: Option<&SecretBytes>) -> Result<Vault, BootError> {
    let master = match (mode, given) {
        (Mode::Sandbox, _) => database_key(store, MASTER_KEY).await?,
        (Mode::Production, Some(given)) => given.clone(),
        (Mode::Production, None) => return Err(master_key_missing().into()),
    };
    let vault = Vault::new(&master)?;
    let check = vault.wrap(MASTER_KEY_CHECK, &SecretBytes::new(*b"numberotp"))?;
    let kept =
        store.write(move |tx| secret_fix(tx, MASTER_KEY_CHECK, &SecretBytes::new(check.clone()))).await?;
    if vault.unwrap(MASTER_KEY_CHECK, kept.expose()).is_err() {
        let sentence = "The master key is not the one this database was begun with. Give that one: without it the stored secrets stay closed.";
        return Err(ConfigError(sentence.to_owned()).into());
    }
    Ok(vault)
}

/// The shipped tables of services and countries.
pub fn vocabulary() -> Result<Vocabulary, BootError> {
    Vocabulary::load()
        .map_err(|error| BootError::Vocabulary(format!("the shipped tables are broken: {error:?}")))
}

/// The policy: the shipped list and the operator's part of it.
pub fn policy(
    file: &PolicyFile,
    mode: Mode,
    (vocabulary, categories): (&Vocabulary, &Categories),
) -> Result<Policy, BootError> {
    let settings = file.settings(mode, vocabulary)?;
    Policy::new(categories.clone(), settings).map_err(|error| ConfigError(format!("{error}.")).into())
}

/// The shipped table of categories.
pub fn categories() -> Result<Categories, BootError> {
    Categories::load().map_err(|error| BootError::Vocabulary(error.to_string()))
}

/// The shipped tables, read: the same for every server of a process.
#[derive(Clone)]
pub struct Tables {
    vocabulary: Arc<Vocabulary>,
    categories: Arc<Categories>,
    screen: Arc<Screen>,
}

impl Tables {
    /// Reads them.
    pub fn load() -> Result<Self, BootError> {
        let (vocabulary, categories) = (vocabulary()?, categories()?);
        let screen = Arc::new(Screen::load(&vocabulary, &categories));
        Ok(Self { vocabulary: Arc::new(vocabulary), categories: Arc::new(categories), screen })
    }
}

/// What a server was told, as far as real numbers require it.
pub fn controls(edge: &Edge, settings: &Settings) -> Controls {
    let rate_limits = match edge.enforced {
        Enforced::Yes => RateLimits::Enforced,
        Enforced::No => RateLimits::Off,
    };
    Controls { rate_limits, cool_down: settings.number_cool_down, retention: settings.message_retention }
}

/// No provider of real numbers starts while something required is off. One in a sandbox merely stays off: the
/// database must not become useless for one number.
fn refuse_held_back(context: &Context) -> Result<(), ConfigError> {
    let view = context.catalog.load();
    let required = view.held_back().iter().find(|(_, because)| *because == HeldBack::Required);
    let Some((provider, _)) = required else { return Ok(()) };
    let off: Vec<String> = context.controls.off().iter().map(ToString::to_string).collect();
    Err(ConfigError(format!(
        "The provider {} has real numbers and does not start while something required is off: {}. See `numberotp doctor --policy`.",
        provider.as_str(),
        off.join("; ")
    )))
}

fn tell_exceptions(policy: &Policy) {
    for narrowing in policy.narrowings() {
        let (what, reason) = (narrowing.what.to_string(), narrowing.reason.as_str());
        tracing::warn!(what, reason, "the policy has an exception");
    }
}

/// The true time by the database's clock, or by the machine's where the database has none of its own. Half the
/// round trip is the error.
pub async fn true_time(store: &Store) -> Result<Time, StoreError> {
    let before = clock::machine_time();
    let there = store.database_time().await?;
    let after = clock::machine_time();
    let half = Span::micros(after.since(before).as_micros() / 2);
    Ok(there.map_or(after, |there| there.plus(half)))
}

/// Now, for a command beside a server: in a sandbox as far ahead as the server's clock is.
pub async fn now(store: &Store) -> Result<Time, StoreError> {
    let clock = Clock::system();
    clock.be_ahead(store.read(clock_ahead).await?);
    Ok(clock.now())
}

/// Who carries mail. A sandbox without settings writes it into a folder, production without settings sends none.
pub fn mailer(sign_in: &SignIn, mode: Mode, database: Option<&Path>) -> Result<Mailer, ConfigError> {
    let way = match (&sign_in.smtp_url, &sign_in.mail_folder, mode) {
        (Some(url), _, _) => Way::Smtp(url.clone()),
        (None, Some(folder), _) => Way::Folder(folder.clone()),
        (None, None, Mode::Sandbox) => {
            let beside = database.and_then(Path::parent).unwrap_or(Path::new("data"));
            Way::Folder(beside.join("mail"))
        }
        (None, None, Mode::Production) => Way::Nowhere,
    };
    Mailer::new(way, &sign_in.mail_from, &sign_in.brand_name).map_err(|bad| ConfigError(bad.0))
}

/// What tests set beside the configuration.
#[derive(Default)]
pub struct Hands {
    /// A clock to move by hand.
    pub clock: Option<Clock>,
    /// Other limits.
    pub adjust: Option<fn(&mut Settings)>,
    /// An unreliable provider.
    pub tap: Option<Tap>,
    /// The providers themselves.
    pub wire: Option<Wire>,
    /// The database, opened by whoever moves it by hand; it knows the rules already.
    pub store: Option<Store>,
    /// The shipped tables, read before.
    pub tables: Option<Tables>,
    /// What stops the server.
    pub stopping: Option<CancellationToken>,
}

/// The settings in this mode.
fn settings(
    resolved: &Resolved,
    mode: Mode,
    adjust: Option<fn(&mut Settings)>,
) -> Result<Settings, ConfigError> {
    if resolved.demo == Some(true) && mode == Mode::Production {
        let sentence = "--demo makes an account with a published key: that is for a sandbox only.";
        return Err(ConfigError(sentence.to_owned()));
    }
    let mut settings = resolved.settings(mode);
    settings.demo = mode == Mode::Sandbox && resolved.demo.unwrap_or(resolved.implicit_sandbox);
    if let Some(adjust) = adjust {
        adjust(&mut settings);
    }
    Ok(settings)
}

/// Writes what every database has, once: the sandbox's provider, the demo account, the jobs that run for ever. Answers what
/// the sandbox's provider signs with.
async fn plant(
    store: &Store,
    settings: &Settings,
    (vault, vocabulary): (&Vault, &Vocabulary),
    now: Time,
) -> Result<Option<SecretBytes>, BootError> {
    let sandbox_secret = match settings.mode {
        Mode::Sandbox => Some(database_key(store, SANDBOX_KEY).await?),
        Mode::Production => None,
    };
    if let Some(secret) = &sandbox_secret {
        demo::sandbox(store, vault, vocabulary, secret, now).await?;
    }
    if settings.demo {
        demo::account(store, now).await?;
    }
    store.write(move |tx| jobs::plant(tx, now)).await?;
    Ok(sandbox_secret)
}

/// Opens everything and puts the context together.
pub async fn start(resolved: &Resolved, hands: Hands) -> Result<Arc<Context>, BootError> {
    let Tables { vocabulary, categories, screen } = hands.tables.map_or_else(Tables::load, Ok)?;
    // Which messages are excepted does not depend on the mode, which the database has to tell first.
    let tables = (&*vocabulary, &*categories);
    let exceptions = policy(&resolved.policy, Mode::Production, tables)?.exceptions(&vocabulary);
    let rules = Rules { credit: resolved.database.credit, exceptions };
    let store = match hands.store {
        Some(store) => store,
        None => Store::open(&resolved.database.engine, &StoreOptions::server(rules))?,
    };
    let clock = hands.clock.unwrap_or_else(Clock::system);
    // Servers that share a database share its clock. Known before its first use, because it never goes back: a job must not
    // run early because this machine's clock is ahead.
    clock.set(true_time(&store).await?);
    let mode = decide_mode(&store, resolved).await?;
    clock.be_ahead(store.read(clock_ahead).await?);
    let settings = settings(resolved, mode, hands.adjust)?;
    let vault = open_vault(&store, mode, resolved.database.master_key.as_ref()).await?;
    fix_mode(&store, mode).await?;
    let policy = policy(&resolved.policy, mode, tables)?;
    tell_exceptions(&policy);
    let now = clock.now();
    let sandbox_secret = plant(&store, &settings, (&vault, &vocabulary), now).await?;
    let context = Arc::new(Context {
        public_ids: crate::app::public_ids::PublicIds::new(database_key(&store, ID_KEY).await?.expose()),
        jwt_key: jwt_key(&store).await?,
        dedupe_key: database_key(&store, DEDUPE_KEY).await?,
        sign_in_key: database_key(&store, SIGN_IN_KEY).await?,
        sandbox_secret,
        metrics: Metrics::new(store.metrics()),
        metrics_token: resolved.metrics_token.clone(),
        store,
        clock,
        vault,
        screen,
        vocabulary,
        policy,
        controls: controls(&resolved.edge, &settings),
        settings,
        catalog: ArcSwap::from_pointee(CatalogView::empty()),
        poster: Poster::default(),
        tap: hands.tap,
        wire: hands.wire,
        looks: Looks::default(),
        known: Known::default(),
        uses: Uses::default(),
        limiter: Limiter::new(resolved.edge.limits, resolved.edge.enforced),
        edge: resolved.edge.clone(),
        sign_in: resolved.sign_in.clone(),
        authjs: AuthJs::open(resolved.authjs.as_ref()).await?,
        mailer: mailer(&resolved.sign_in, mode, resolved.database.engine.file())?,
        passwords: Passwords::start(settings.hash_within.to_std())?,
        purchases: Context::places(),
        tracker: TaskTracker::new(),
        stopping: hands.stopping.unwrap_or_default(),
        moving_clock: Arc::default(),
        waits: Mutex::default(),
    });
    catalog::refresh(&context).await?;
    refuse_held_back(&context)?;
    Ok(context)
}
