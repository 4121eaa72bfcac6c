//! The disk is full. What writes is told so and changes nothing, what reads goes on; when there is room again, so is
//! everything, without a restart of ours.

use crate::http_stage::{RENT, at, look, purses, rent, rents, sms, step, telegram, text};
use numberotp_server::app::upstream::Interference;
use numberotp_testkit::app::{Answer, Customer, Setup, TestApp};
use numberotp_testkit::cluster::TestCluster;
use numberotp_testkit::database::{TestDatabase, TestEngine};
use numberotp_testkit::disk::SmallDisk;
use std::collections::BTreeSet;
use std::sync::Arc;

const CREDITS: i64 = 1_000_000;
/// So many rents find the last room there is inside the database's files.
const RENTS_MOST: usize = 2_000;

async fn buy(app: &TestApp<'_>, customer: &Customer) -> Answer {
    app.post(RENT).by(customer).json(&telegram()).send().await
}

/// Buys until there is no room; the ids that were acknowledged.
async fn buy_up(app: &TestApp<'_>, customer: &Customer) -> BTreeSet<String> {
    let mut bought = BTreeSet::new();
    for _ in 0..RENTS_MOST {
        let answer = buy(app, customer).await;
        match answer.status {
            200 => assert!(bought.insert(text(&answer.json()["data"], "id").to_owned())),
            _ => {
                let code = text(&answer.json(), "code").to_owned();
                assert!(
                    ["MAINTENANCE", "PURCHASE_UNCONFIRMED"].contains(&code.as_str()),
                    "{}",
                    answer.text()
                );
                answer.refused(503, &code);
                assert_eq!(answer.header("retry-after"), "5");
                return bought;
            }
        }
    }
    panic!("{RENTS_MOST} rents on a full disk");
}

async fn a_full_disk(app: &TestApp<'_>, disk: &Arc<SmallDisk>) {
    let customer = app.account(CREDITS, 0).await;
    let first = rent(app, &customer).await;
    let message = sms(app, &first, "m1", "Telegram code: 48291").await;
    disk.fill();
    let mut bought = buy_up(app, &customer).await;
    bought.insert(first.clone());

    // Whoever writes at once is told so at once, all alike.
    let asked: Vec<_> = (0..20).map(|_| app.post(RENT).by(&customer).json(&telegram()).start()).collect();
    for answer in asked {
        let answer = answer.await.unwrap();
        match answer.status {
            200 => assert!(bought.insert(text(&answer.json()["data"], "id").to_owned())),
            status => assert_eq!(status, 503, "{}", answer.text()),
        }
    }
    // Whoever reads is served.
    app.get("/api/public/prices").ok().await;
    app.get("/api/internal/transactions").by(&customer).ok().await;
    assert_eq!(look(app, &customer, &first).await["status"], "waiting");
    let known: BTreeSet<String> = rents(app, &customer).await.into_iter().map(|(id, _)| id).collect();
    assert!(known.is_superset(&bought));

    disk.free();
    app.deliver("sandbox", &message).await.ok();
    assert_eq!(look(app, &customer, &first).await["otp"], "48291");
    bought.insert(rent(app, &customer).await);
    settled(app, &customer, &bought).await;
}

/// After a minute each acknowledged rent is one and paid, and nothing else was.
async fn settled(app: &TestApp<'_>, customer: &Customer, bought: &BTreeSet<String>) {
    app.live(60).await;
    let rents = rents(app, customer).await;
    let live = rents.iter().filter(|(_, status)| status == "waiting" || status == "received");
    let live: BTreeSet<String> = live.map(|(id, _)| id.clone()).collect();
    assert!(live.is_superset(bought), "{live:?} lacks some of {bought:?}");
    // What was not confirmed may have been settled as bought; it is paid then.
    assert_eq!(purses(app, customer).await.0, CREDITS - 100 * i64::try_from(live.len()).unwrap());
    app.audit().await;
}

/// It fills up in the middle of a purchase: the money is held, the provider is asked, the number cannot be kept.
async fn full_in_between(app: &TestApp<'_>, disk: &Arc<SmallDisk>) {
    let customer = app.account(CREDITS, 0).await;
    let before = rent(app, &customer).await;
    let filling = Arc::clone(disk);
    app.line().interfere(move |sent| {
        if sent.verb == "allocate" {
            filling.fill();
        }
        Interference::Pass
    });
    let mut bought = BTreeSet::from([before.clone()]);
    bought.extend(buy_up(app, &customer).await);
    app.line().mend();
    let canceled = step(app, &customer, &before, "cancel").await;
    assert!([200, 503].contains(&canceled.status), "{}", canceled.text());
    disk.free();
    if canceled.status == 200 {
        bought.remove(&before);
    } else {
        canceled.refused(503, "MAINTENANCE");
        assert_eq!(text(&app.get(&at(&before, "")).by(&customer).ok().await["data"], "status"), "waiting");
    }
    settled(app, &customer, &bought).await;
}

fn with_a_full_disk(database: &TestDatabase, disk: &Arc<SmallDisk>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let app = TestApp::open(database, Setup::sandbox()).await;
        a_full_disk(&app, disk).await;
        full_in_between(&app, disk).await;
        app.finish().await;
    });
}

#[test]
fn sqlite_on_a_full_disk_refuses_what_writes_and_recovers_by_itself() {
    let Some(disk) = SmallDisk::mount(24) else { return };
    let disk = Arc::new(disk);
    let database = TestDatabase::on_disk(disk.path());
    with_a_full_disk(&database, &disk);
}

#[test]
fn postgres_on_a_full_disk_refuses_what_writes_and_recovers_by_itself() {
    let Some(disk) = SmallDisk::mount(96) else { return };
    let Some(cluster) = TestCluster::start_on(disk.path()) else { return };
    let disk = Arc::new(disk);
    let database = TestEngine::Postgres(cluster.url()).database();
    with_a_full_disk(&database, &disk);
}
