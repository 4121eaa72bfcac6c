//! The database goes away under load and comes back. Meanwhile everybody is told so at once; afterwards everything
//! that was acknowledged is there, everything else is bought once or not at all, and nobody restarted us.

use crate::http_stage::{RENT, rents, telegram, text};
use futures_util::future::join_all;
use numberotp_core::time::Span;
use numberotp_server::store::setting::revision_get;
use numberotp_testkit::app::{Answer, Customer, Setup, TestApp, until};
use numberotp_testkit::cluster::TestCluster;
use numberotp_testkit::database::TestEngine;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Longest time for any answer, whatever happens to the database.
const ANSWER_WITHIN: Duration = Duration::from_secs(12);
/// Longest time until the first good answer after the database is back.
const BACK_WITHIN: Duration = Duration::from_secs(5);
const BUYERS: usize = 16;
const GOOD: usize = 40;

const SETUP: Setup = Setup::sandbox().adjusted(|settings| settings.purchase_within = Span::seconds(2));

/// An answer, when it was asked for and how long it took.
struct Heard {
    key: String,
    begun: Instant,
    took: Duration,
    answer: Answer,
}

/// What the buyers heard.
#[derive(Default)]
struct Diary {
    heard: RefCell<Vec<Heard>>,
    over: Cell<bool>,
}

impl Diary {
    /// How many answers with this status were asked for since then.
    fn count(&self, status: u16, since: Instant) -> usize {
        self.heard
            .borrow()
            .iter()
            .filter(|heard| heard.begun >= since && heard.answer.status == status)
            .count()
    }
}

async fn buy(app: &TestApp<'_>, customer: &Customer, key: &str) -> Heard {
    let begun = Instant::now();
    let ask = app.post(RENT).by(customer).header("idempotency-key", key).json(&telegram());
    let answer = ask.send().await;
    Heard { key: key.to_owned(), begun, took: begun.elapsed(), answer }
}

/// A buyer as the documentation wants it: the same key until it has its number, or is told that it is being settled.
async fn buyer(app: &TestApp<'_>, customer: &Customer, (name, diary): (usize, &Diary)) {
    let mut turn = 0;
    while !diary.over.get() {
        let heard = buy(app, customer, &format!("{name}-{turn}")).await;
        let later = match heard.answer.status {
            200 => true,
            _ => matches!(code(&heard.answer).as_str(), "PURCHASE_UNCONFIRMED" | "IDEMPOTENCY_IN_PROGRESS"),
        };
        turn += usize::from(later);
        diary.heard.borrow_mut().push(heard);
        tokio::task::yield_now().await;
    }
}

fn code(answer: &Answer) -> String {
    text(&answer.json(), "code").to_owned()
}

/// Every answer was 200 or a 503 in its form, in time.
fn well_answered(diary: &Diary) {
    for Heard { key, took, answer, .. } in diary.heard.borrow().iter() {
        assert!(*took < ANSWER_WITHIN, "{key} took {took:?}: {}", answer.text());
        if answer.status != 200 {
            let code = code(answer);
            answer.refused(503, &code);
            let known = ["MAINTENANCE", "PURCHASE_UNCONFIRMED", "IDEMPOTENCY_IN_PROGRESS", "OVERLOADED"];
            assert!(known.contains(&code.as_str()), "{}", answer.text());
            assert!(answer.header("retry-after").parse::<u32>().is_ok(), "{:?}", answer.headers);
        }
    }
}

/// After a minute all is settled: each key is one rent, and each acknowledged rent is there.
async fn all_is_right(app: &TestApp<'_>, customer: &Customer, diary: &Diary) {
    app.live(60).await;
    let mut bought = BTreeSet::new();
    let keys: BTreeSet<String> = diary.heard.borrow().iter().map(|heard| heard.key.clone()).collect();
    for key in &keys {
        let heard = buy(app, customer, key).await;
        bought.insert(text(&heard.answer.ok()["data"], "id").to_owned());
    }
    for Heard { key, answer, .. } in diary.heard.borrow().iter().filter(|heard| heard.answer.status == 200) {
        assert!(bought.contains(text(&answer.json()["data"], "id")), "{key} is another purchase now");
    }
    assert_eq!(bought.len(), keys.len());
    let rents = rents(app, customer).await;
    let live = rents.iter().filter(|(_, status)| status == "waiting" || status == "received");
    assert_eq!(live.map(|(id, _)| id.clone()).collect::<BTreeSet<_>>(), bought, "{rents:?}");
    let spent = i64::try_from(keys.len()).unwrap() * 100;
    assert_eq!(crate::http_stage::purses(app, customer).await.0, CREDITS - spent);
}

/// Each connection finds out by itself that the database is back; until then it refuses, for two seconds at most.
async fn every_connection_is_back(app: &TestApp<'_>) {
    let (store, begun) = (&app.context().store, Instant::now());
    loop {
        // So many at once that every thread has some.
        let reads = join_all((0..64).map(|_| store.read(revision_get)));
        let writes = join_all((0..64).map(|_| store.write(revision_get)));
        let (reads, writes) = tokio::join!(reads, writes);
        if reads.iter().chain(&writes).all(Result::is_ok) {
            return;
        }
        assert!(begun.elapsed() < BACK_WITHIN * 4, "some connections stay away");
        tokio::task::yield_now().await;
    }
}

const CREDITS: i64 = 10_000_000;

type Turn = fn(&mut TestCluster);

async fn outage(app: &TestApp<'_>, cluster: &Arc<Mutex<TestCluster>>, (away, back): (Turn, Turn)) {
    let customer = app.account(CREDITS, 0).await;
    let diary = Diary::default();
    let buyers = join_all((0..BUYERS).map(|name| buyer(app, &customer, (name, &diary))));
    let turn = |work: Turn| {
        let cluster = Arc::clone(cluster);
        async move { tokio::task::spawn_blocking(move || work(&mut cluster.lock().unwrap())).await.unwrap() }
    };
    let director = async {
        let begun = Instant::now();
        until("many have bought", || diary.count(200, begun) >= GOOD).await;
        turn(away).await;
        let down = Instant::now();
        until("everybody was told", || diary.count(503, down) >= 10 * BUYERS).await;
        assert_eq!(diary.count(200, down), 0, "bought from nobody");
        // What is known without the database is still told.
        app.get("/api/public/prices?service=telegram").ok().await;
        app.get(RENT).refused(405, "METHOD_NOT_ALLOWED").await;
        app.get("/api/internal/balance").by(&customer).refused(503, "MAINTENANCE").await;
        let body = serde_json::json!({ "providerRef": "x", "text": "Telegram code: 48291" });
        app.deliver("sandbox", &body).await.refused(503, "MAINTENANCE");
        // Whoever posts chooses the address: measures do not grow by it.
        app.post("/api/webhooks/sms/a-stranger").json(&body).refused(503, "MAINTENANCE").await;
        turn(back).await;
        let up = Instant::now();
        until("somebody buys again", || diary.count(200, up) > 0).await;
        assert!(up.elapsed() < BACK_WITHIN, "the first good answer came {:?} after", up.elapsed());
        until("many buy again", || diary.count(200, up) >= GOOD).await;
        diary.over.set(true);
    };
    tokio::join!(buyers, director);
    well_answered(&diary);
    every_connection_is_back(app).await;
    let here = SocketAddr::from(([127, 0, 0, 1], 40_000));
    let measures = app.get("/metrics").from(here).send().await;
    assert!(
        measures.status == 200 && measures.text().contains("provider=\"sandbox\""),
        "{}",
        measures.text()
    );
    assert!(!measures.text().contains("a-stranger"), "{}", measures.text());
    all_is_right(app, &customer, &diary).await;
}

#[expect(clippy::needless_pass_by_value, reason = "a closure is handed over where it is written")]
fn with_cluster(body: impl AsyncFn(&TestApp<'_>, &Arc<Mutex<TestCluster>>)) {
    let Some(cluster) = TestCluster::start() else { return };
    let database = TestEngine::Postgres(cluster.url()).database();
    let cluster = Arc::new(Mutex::new(cluster));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let app = TestApp::open(&database, SETUP).await;
        body(&app, &cluster).await;
        app.finish().await;
    });
}

#[test]
fn a_database_that_is_stopped_and_started_costs_nobody_anything_and_needs_no_restart_of_ours() {
    with_cluster(async |app, cluster| {
        for _ in 0..2 {
            outage(app, cluster, (TestCluster::down, TestCluster::up)).await;
        }
    });
}

#[test]
fn a_database_that_stands_still_keeps_nobody_waiting_for_long() {
    with_cluster(async |app, cluster| {
        outage(app, cluster, (TestCluster::freeze, TestCluster::thaw)).await;
    });
}
