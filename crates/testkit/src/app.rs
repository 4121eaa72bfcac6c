//! The whole app in one process, with hands on it: a fresh database, a clock that is moved by hand, jobs that
//! run when they are told to, a provider's line that can be cut, and a restart as after a power cut.
//!
//! Guards: a test sees what a customer and a provider see, over the real router, and its books are audited when
//! it ends. Never sleeps, never takes a fixed port, never shares anything with another app.

mod ask;
mod contract;
mod line;
mod people;
mod post;

pub use ask::{Answer, Ask};
pub use line::{Line, Sent};
pub use people::{Customer, Gateway, Sim};

use post::Post;

use crate::database::{TestDatabase, on_each_engine};
use http::Method;
use numberotp_core::id::ActivationId;
use numberotp_core::secret::SecretBytes;
use numberotp_core::time::{Span, Time};
use numberotp_server::app::{Context, catalog};
use numberotp_server::boot::{self, Hands};
use numberotp_server::clock::Clock;
use numberotp_server::config::{DatabaseSettings, Mode, OnOff, ServeSettings, Settings, resolve};
use numberotp_server::http::{Api, Bounds, Serving, serve};
use numberotp_server::store::audit::audit;
use numberotp_server::store::job::jobs_count;
use numberotp_server::store::{StoreError, Tx};
use numberotp_server::{jobs, vault::VaultError};
use std::fmt::Display;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinHandle;

/// The moment every test begins at: a number rented now is had until the published example's `expiresAt`.
pub const BEGINNING: &str = "2024-04-29T09:40:00Z";
/// A production database's master key; not one that stands in an example.
const MASTER_KEY: &str = "q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k=";
/// Whatever a test waits for comes sooner, or never.
const PATIENCE: Duration = Duration::from_secs(30);

/// How an app is set up.
#[derive(Clone, Copy)]
pub struct Setup {
    mode: Mode,
    adjust: Option<fn(&mut Settings)>,
    flags: Option<fn(&mut ServeSettings)>,
    site: Option<(&'static str, &'static str)>,
    smtp: Option<&'static str>,
}

impl Setup {
    /// A sandbox with the demo account, as the first start of the program makes it.
    pub const fn sandbox() -> Self {
        Self { mode: Mode::Sandbox, adjust: None, flags: None, site: None, smtp: None }
    }
    /// Production: no offers, no providers, no accounts.
    pub const fn production() -> Self {
        Self { mode: Mode::Production, adjust: None, flags: None, site: None, smtp: None }
    }
    /// With other limits.
    #[must_use]
    pub const fn adjusted(self, adjust: fn(&mut Settings)) -> Self {
        Self { adjust: Some(adjust), ..self }
    }
    /// With other flags. Unless they name rate limits, these are far off: a test asks more often than a customer.
    #[must_use]
    pub const fn flagged(self, flags: fn(&mut ServeSettings)) -> Self {
        Self { flags: Some(flags), ..self }
    }
    /// Beside a website that keeps its sessions in the database of this URL, in tables of these names.
    #[must_use]
    pub const fn beside(self, url: &'static str, schema: &'static str) -> Self {
        Self { site: Some((url, schema)), ..self }
    }
    /// With a mail server of the test's own, by its URL.
    #[must_use]
    pub const fn mailing_to(self, url: &'static str) -> Self {
        Self { smtp: Some(url), ..self }
    }
}

/// Runs a test on every engine, each time with a fresh app, and ends it with [`TestApp::finish`].
#[expect(clippy::needless_pass_by_value, reason = "a closure is handed over where it is written")]
pub fn with_app(setup: Setup, body: impl AsyncFn(&mut TestApp<'_>)) {
    on_each_engine(|database| {
        let runtime = must("the test's runtime", Builder::new_current_thread().enable_all().build());
        runtime.block_on(async {
            let mut app = TestApp::open(database, setup).await;
            body(&mut app).await;
            app.finish().await;
        });
    });
}

/// [`with_app`] with [`Setup::sandbox`].
pub fn in_sandbox(body: impl AsyncFn(&mut TestApp<'_>)) {
    with_app(Setup::sandbox(), body);
}

/// The app on one database.
pub struct TestApp<'a> {
    database: &'a TestDatabase,
    setup: Setup,
    clock: Clock,
    line: Arc<Line>,
    gateways: Vec<(String, SecretBytes)>,
    post: Post,
    process: Option<Process>,
}

/// What goes away in a power cut.
struct Process {
    context: Arc<Context>,
    api: Api,
    address: SocketAddr,
    serving: JoinHandle<()>,
    runtime: Option<Runtime>,
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // A test that failed is inside another runtime, where waiting is not allowed.
            runtime.shutdown_background();
        }
    }
}

impl<'a> TestApp<'a> {
    /// Starts on a fresh database.
    pub async fn open(database: &'a TestDatabase, setup: Setup) -> Self {
        let beginning = must(BEGINNING, Time::parse_rfc3339(BEGINNING).ok_or("is no time"));
        let clock = Clock::manual(beginning);
        let (line, gateways, post) = (Arc::default(), Vec::new(), Post::new());
        let mut app = Self { database, setup, clock, line, gateways, post, process: None };
        app.start().await;
        app
    }

    /// Starts the process.
    async fn start(&mut self) {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = must("the app's runtime", runtime);
        let sandbox = self.setup.mode == Mode::Sandbox;
        let mut flags =
            ServeSettings { sandbox: Some(sandbox), demo: Some(sandbox), ..ServeSettings::default() };
        if let Some(more) = self.setup.flags {
            more(&mut flags);
        }
        if let Some((url, schema)) = self.setup.site {
            flags.authjs_database_url = Some(url.to_owned());
            flags.authjs_schema = Some(schema.to_owned());
        }
        if let Some(url) = self.setup.smtp {
            flags.smtp_url = Some(url.to_owned());
        }
        if sandbox && flags.mail_folder.is_none() && flags.smtp_url.is_none() {
            flags.mail_folder = Some(self.post.folder().to_owned());
        }
        if flags.rate_limits.is_none() {
            unlimited(&mut flags);
        }
        let database = DatabaseSettings {
            database_url: Some(self.database.url().to_owned()),
            master_key: (!sandbox).then(|| MASTER_KEY.to_owned()),
            ..DatabaseSettings::default()
        };
        let resolved = must("the settings", resolve(flags, database));
        let hands = Hands {
            clock: Some(self.clock.clone()),
            adjust: self.setup.adjust,
            tap: Some(self.line.tap()),
            ..Hands::default()
        };
        let started = runtime.spawn(async move {
            let context = must("the start", boot::start(&resolved, hands).await);
            let listener = must("a port", TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await);
            let address = must("the port", listener.local_addr());
            context.poster.listens_at(address);
            let api = Api::new(Arc::clone(&context));
            let stopping = context.stopping.clone();
            let bounds = Bounds::of(&context);
            let serving = tokio::spawn(serve(Serving { listener, api: api.clone(), stopping, bounds }));
            (context, api, address, serving)
        });
        let (context, api, address, serving) = must("the start", started.await);
        self.process = Some(Process { context, api, address, serving, runtime: Some(runtime) });
    }

    fn process(&self) -> &Process {
        must("the app", self.process.as_ref().ok_or("is stopped"))
    }

    /// Everything the use cases see.
    pub fn context(&self) -> &Arc<Context> {
        &self.process().context
    }
    /// Where the app listens: for what only a real connection shows.
    pub fn address(&self) -> SocketAddr {
        self.process().address
    }
    /// The database, for a look past the app.
    pub const fn database(&self) -> &TestDatabase {
        self.database
    }
    /// The line to the providers.
    pub fn line(&self) -> &Line {
        &self.line
    }

    // --- time and jobs ----------------------------------------------------------------------------------

    /// Now.
    pub fn now(&self) -> Time {
        self.clock.now()
    }
    /// Moves the clock; nothing else happens.
    pub fn advance(&self, by: Span) {
        self.clock.advance(by);
    }
    /// Carries out what is due, and what becomes due by it, until nothing is. Answers how many jobs that were.
    pub async fn run_jobs(&self) -> usize {
        let mut count = 0_usize;
        loop {
            let context = Arc::clone(self.context());
            let ran = self.spawn(async move { jobs::run_due(&context).await }).await;
            match must("the jobs", must("the jobs", ran)) {
                0 => return count,
                ran => count = count.saturating_add(ran),
            }
        }
    }
    /// Moves the clock in steps of a second, running jobs after each, as a server that is never idle would.
    pub async fn live(&self, seconds: i64) {
        for _ in 0..seconds {
            self.advance(Span::seconds(1));
            self.run_jobs().await;
        }
    }
    /// Reads offers and stock anew, as the server does by itself shortly after a change.
    pub async fn refresh(&self) {
        must("the catalog", catalog::refresh(self.context()).await);
    }

    // --- requests ---------------------------------------------------------------------------------------

    /// A request of any method.
    pub fn ask(&self, method: Method, path: &str) -> Ask {
        let process = self.process();
        Ask::new((process.api.clone(), self.setup.mode), self.handle(), (method, path))
    }
    /// A `GET`.
    pub fn get(&self, path: &str) -> Ask {
        self.ask(Method::GET, path)
    }
    /// A `POST`.
    pub fn post(&self, path: &str) -> Ask {
        self.ask(Method::POST, path)
    }

    fn handle(&self) -> Handle {
        let runtime = self.process().runtime.as_ref();
        must("the app", runtime.ok_or("is stopped")).handle().clone()
    }
    fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        self.handle().spawn(work)
    }

    // --- the store, past HTTP ----------------------------------------------------------------------------

    /// A transaction.
    pub async fn write<T, F>(&self, work: F) -> T
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        must("a write", self.context().store.write(work).await)
    }
    /// A reading of one state of everything.
    pub async fn read<T, F>(&self, work: F) -> T
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        must("a read", self.context().store.snapshot(work).await)
    }
    /// The row of a rent, from the id that customers see.
    pub fn row_of(&self, rent: &str) -> ActivationId {
        must(rent, self.context().public_ids.parse(rent).ok_or("is no id of a rent"))
    }

    // --- ends -------------------------------------------------------------------------------------------

    /// The power goes out and comes back: whatever was being done is gone, the same database is opened again.
    pub async fn restart(&mut self) {
        self.kill().await;
        self.start().await;
    }

    /// The same, as a server that is set up otherwise.
    pub async fn restart_as(&mut self, setup: Setup) {
        self.setup = setup;
        self.restart().await;
    }

    async fn kill(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        let gone = Arc::downgrade(&process.context);
        let runtime = process.runtime.take();
        // Waits for the threads, which a runtime's own thread must not do.
        must("the end", tokio::task::spawn_blocking(move || drop(runtime)).await);
        drop(process);
        assert!(gone.upgrade().is_none(), "something outlived the process");
    }

    /// Stops as the program does when it is told to: answers what waits, ends what is going on.
    pub async fn stop(&mut self) {
        let process = self.process();
        process.context.stopping.cancel();
        process.context.tracker.close();
        let ended = tokio::time::timeout(PATIENCE, process.context.tracker.wait()).await;
        must("the purchases that are going on", ended);
        if let Some(process) = self.process.as_mut() {
            must("the connections", (&mut process.serving).await);
        }
        self.kill().await;
    }

    /// The second bookkeeper contradicts nothing.
    pub async fn audit(&self) {
        let now = self.now();
        let report = self.read(move |tx| audit(tx, now)).await;
        let wrong: Vec<_> = report.checks.iter().filter(|check| check.violations != 0).collect();
        assert!(wrong.is_empty(), "the books: {wrong:#?}");
    }

    /// The end of every test: the books are clean, no job is dead, and the app stops when it is told to.
    pub async fn finish(mut self) {
        self.audit().await;
        let (_open, dead) = self.read(jobs_count).await;
        assert_eq!(dead, 0, "a job was given up");
        self.stop().await;
    }
}

/// Limits that no test reaches. They are on: real numbers are not rented without.
fn unlimited(flags: &mut ServeSettings) {
    flags.rate_limits = Some(OnOff::On);
    let limits = [
        &mut flags.limit_prices,
        &mut flags.limit_account,
        &mut flags.limit_rent,
        &mut flags.limit_read_one,
        &mut flags.limit_read_all,
        &mut flags.limit_hook,
        &mut flags.limit_sign_in,
        &mut flags.limit_other,
    ];
    for limit in limits {
        *limit = Some(1_000_000);
    }
}

/// Lets others run until something is so.
pub async fn until(what: &str, mut so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain until {what}");
        tokio::task::yield_now().await;
    }
}

#[expect(clippy::panic, reason = "a test whose harness does not work has to fail")]
fn must<T, E: Display>(about: &str, answer: Result<T, E>) -> T {
    answer.unwrap_or_else(|error| panic!("{about}: {error}"))
}

/// A wrapped secret, or the test fails.
fn wrapped(answer: Result<Vec<u8>, VaultError>) -> Vec<u8> {
    must("the vault", answer)
}
