//! The app as a process that can be killed: router, use cases and jobs on one thread with a clock that stands still,
//! over a store that is moved by hand. Whatever waits, waits until the simulator lets it go on.
//!
//! Must never run anything by itself, nor draw from chance: what happens next is the simulator's choice alone.

use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use numberotp_core::money::CreditValue;
use numberotp_core::policy::Exceptions;
use numberotp_core::time::Span;
use numberotp_server::app::Context;
use numberotp_server::app::upstream::Wire;
use numberotp_server::boot::{self, Hands, Tables};
use numberotp_server::clock::Clock;
use numberotp_server::config::{DatabaseSettings, OnOff, ServeSettings, resolve};
use numberotp_server::http::{Api, PeerAddress};
use numberotp_server::jobs;
use numberotp_server::store::hot::Rules;
use numberotp_server::store::{Hand, Store, StoreError, StoreOptions, Told, Tx};
use numberotp_testkit::database::TestDatabase;
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

/// A production database's master key; not one that stands in an example.
const MASTER_KEY: &str = "q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k=";
/// Where all requests come from: a network for documentation.
const PEER: ([u8; 4], u16) = ([192, 0, 2, 77], 40_000);
/// How often tasks may hand on to each other before something else happens.
const TURNS: usize = 12;

/// An answer that came.
pub struct Answer {
    /// To which request.
    pub flight: u64,
    /// HTTP status.
    pub status: u16,
    /// Body.
    pub body: Value,
}

/// A running app.
pub struct Process {
    context: Arc<Context>,
    api: Api,
    hand: Hand,
    answers: Arc<Mutex<Vec<Answer>>>,
    runtime: Runtime,
}

impl Process {
    /// Starts on a database.
    pub fn start(database: &TestDatabase, clock: &Clock, (wire, tables): (Wire, &Tables)) -> Self {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let rules = Rules { credit: CreditValue::PUBLISHED, exceptions: Exceptions::NONE };
        let (store, mut hand) = Store::by_hand(database.engine(), &StoreOptions::server(rules)).unwrap();
        let hands = Hands {
            clock: Some(clock.clone()),
            wire: Some(wire),
            store: Some(store),
            tables: Some(tables.clone()),
            ..Hands::default()
        };
        let resolved = resolve(
            unlimited(),
            DatabaseSettings {
                database_url: Some(database.url().to_owned()),
                master_key: Some(MASTER_KEY.to_owned()),
                ..DatabaseSettings::default()
            },
        );
        let resolved = resolved.unwrap();
        let starting = runtime.spawn(async move { boot::start(&resolved, hands).await });
        let context = finish(&runtime, &mut hand, starting).unwrap();
        let api = Api::new(Arc::clone(&context));
        Self { context, api, hand, answers: Arc::default(), runtime }
    }

    /// Everything the use cases see.
    pub fn context(&self) -> &Arc<Context> {
        &self.context
    }

    /// Lets tasks go on that can.
    pub fn turn(&self) {
        turn(&self.runtime);
    }

    /// Moves the process's own timers; the caller moves the clock.
    pub fn advance(&self, by: Span) {
        self.runtime.block_on(tokio::time::advance(by.to_std()));
        self.turn();
    }

    /// Sends a request; its answer comes when it comes.
    pub fn send(&self, flight: u64, mut request: Request<Body>) {
        request.extensions_mut().insert(PeerAddress(SocketAddr::from(PEER)));
        let (api, answers) = (self.api.clone(), Arc::clone(&self.answers));
        self.runtime.spawn(async move {
            let (parts, body) = api.answer(request).await.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let body = serde_json::from_slice(&body).unwrap();
            let answer = Answer { flight, status: parts.status.as_u16(), body };
            answers.lock().unwrap().push(answer);
        });
        self.turn();
    }

    /// The answers that came since this was asked last.
    pub fn answers(&self) -> Vec<Answer> {
        std::mem::take(&mut *self.answers.lock().unwrap())
    }

    /// Begins to carry out what is due.
    pub fn run_jobs(&self) {
        let context = Arc::clone(&self.context);
        // A database that is away is the runner's to live with.
        self.runtime.spawn(async move { drop(jobs::run_due(&context).await) });
        self.turn();
    }

    /// Begins to read the catalog anew.
    pub fn refresh(&self) {
        let context = Arc::clone(&self.context);
        self.runtime.spawn(async move { drop(numberotp_server::app::catalog::refresh(&context).await) });
        self.turn();
    }

    /// What waits at the database: writes and reads.
    pub fn waiting(&mut self) -> (usize, usize) {
        self.hand.waiting()
    }
    /// Commits so many writes at once.
    pub fn write(&mut self, most: usize, told: Told) {
        self.hand.write(most, told);
    }
    /// Carries out one read.
    pub fn read(&mut self, place: usize) {
        self.hand.read(place);
    }

    /// Past the app: a transaction, at once.
    pub fn at_once<T, F>(&mut self, work: F) -> T
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let context = Arc::clone(&self.context);
        let asked = self.runtime.spawn(async move { context.store.write(work).await });
        finish(&self.runtime, &mut self.hand, asked).unwrap()
    }
}

/// Answers all that is asked of the database until the task is done.
fn finish<T, E>(runtime: &Runtime, hand: &mut Hand, task: JoinHandle<Result<T, E>>) -> Result<T, E> {
    while !task.is_finished() {
        turn(runtime);
        let (writes, reads) = hand.waiting();
        (0..reads).for_each(|_| hand.read(0));
        if writes > 0 {
            hand.write(writes, Told::Truth);
        }
    }
    runtime.block_on(task).unwrap()
}

fn turn(runtime: &Runtime) {
    runtime.block_on(async {
        for _ in 0..TURNS {
            tokio::task::yield_now().await;
        }
    });
}

/// Limits that nobody reaches. They are on: real numbers are not rented without.
fn unlimited() -> ServeSettings {
    let far = Some(1_000_000);
    ServeSettings {
        sandbox: Some(false),
        demo: Some(false),
        rate_limits: Some(OnOff::On),
        limit_prices: far,
        limit_account: far,
        limit_rent: far,
        limit_read_one: far,
        limit_read_all: far,
        limit_hook: far,
        limit_sign_in: far,
        limit_other: far,
        ..ServeSettings::default()
    }
}
