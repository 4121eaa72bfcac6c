//! What waits for a purse keeps little back that does not: on PostgreSQL a purchase's two halves have queues of their own,
//! and a spare writer where the usual one waits.

use crate::store_stage::{PRICE, RULES, Stage, attached, connection, staged, who_wait};
use futures_util::future::join_all;
use numberotp_core::activation::Status;
use numberotp_core::id::{AccountId, ActivationId};
use numberotp_server::store::db::{Connection, Engine, Value};
use numberotp_server::store::hot::{
    Answer, Attach, Attached, Claim, Close, Closed, Closing, Reserve, Reserved,
};
use numberotp_server::store::{Store, StoreError, StoreOptions};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::task::{JoinHandle, yield_now};
use tokio::time::timeout;

/// Less than a writer waits for a lock.
const SOON: Duration = Duration::from_secs(3);

/// A store in which somebody holds purses, as a slow closure may.
struct Held {
    store: Arc<Store>,
    runtime: Runtime,
    holder: Connection,
    onlooker: Connection,
}

impl Held {
    fn of(stage: &Stage<'_>, accounts: &[AccountId]) -> Self {
        let store = Store::open(stage.database().engine(), &StoreOptions::server(RULES)).unwrap();
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        Self::in_store(stage, (Arc::new(store), runtime), accounts)
    }

    fn in_store(stage: &Stage<'_>, (store, runtime): (Arc<Store>, Runtime), accounts: &[AccountId]) -> Self {
        let onlooker = connection(stage.database());
        let text = "SELECT account_id FROM purses WHERE account_id IN KEYS($1) ORDER BY account_id LOCKED";
        let accounts = accounts.iter().map(|account| account.get()).collect();
        let holder = stage.holder(text, &[Value::Ints(accounts)]);
        Self { store, runtime, holder, onlooker }
    }

    /// Somebody buys and waits for a purse.
    fn waits(&mut self, stage: &Stage<'_>, account: AccountId) -> JoinHandle<Result<Reserved, StoreError>> {
        self.waits_as(stage, account, 1)
    }

    /// The same as the last of so many.
    fn waits_as(
        &mut self,
        stage: &Stage<'_>,
        account: AccountId,
        waiters: usize,
    ) -> JoinHandle<Result<Reserved, StoreError>> {
        let (store, reserve) = (Arc::clone(&self.store), stage.reserve(account));
        let buys = self.runtime.spawn(async move { store.reserve(reserve).await });
        self.runtime.block_on(yield_now());
        while who_wait(&mut self.onlooker) < waiters {
            std::thread::yield_now();
        }
        buys
    }

    fn soon<T>(&self, answer: impl Future<Output = T>) -> T {
        let answer = self.runtime.block_on(async { timeout(SOON, answer).await });
        answer.expect("an answer while the purses are held")
    }

    /// The purses are let go: who waited has bought.
    fn let_go(mut self, buys: Vec<JoinHandle<Result<Reserved, StoreError>>>) {
        self.holder.script("COMMIT").unwrap();
        for bought in buys {
            assert!(matches!(self.runtime.block_on(bought).unwrap(), Ok(Reserved::Held(..))));
        }
        drop(self.runtime);
        Arc::into_inner(self.store).unwrap().stop();
    }
}

#[test]
fn a_number_is_attached_while_all_who_buy_wait_for_their_purses() {
    staged(|stage| {
        let Engine::Postgres(_) = stage.database().engine() else { return };
        let [buyer, one, two, three] = std::array::from_fn(|_| stage.person_with(PRICE.micros()));
        let bought = stage.reserved(buyer);
        let mut held = Held::of(stage, &[one, two, three]);
        // One more than there are writers for it.
        let buys = [one, two, three].map(|account| held.waits(stage, account));
        let attach = stage.attach(bought, "r1", "447700900001");
        attached(held.soon(held.store.attach(attach)).map(Answer::Attached));
        held.let_go(buys.into());
        stage.assert_clean();
    });
}

/// Beside another server the halves go together, but not into a queue that waits for a purse.
#[test]
fn a_number_is_attached_while_who_buys_waits_for_a_purse_beside_another_server_too() {
    staged(|stage| {
        let Engine::Postgres(_) = stage.database().engine() else { return };
        let buyer = stage.person_with(3 * PRICE.micros());
        let [one, other] = std::array::from_fn(|_| stage.person_with(PRICE.micros()));
        let (store, bought) = beside_a_server(stage, buyer);
        let mut held = Held::in_store(stage, store, &[one, other]);
        // Both of its writers.
        let buys = vec![held.waits(stage, one), held.waits_as(stage, other, 2)];
        let attach = stage.attach(bought, "r1", "447700900001");
        attached(held.soon(held.store.attach(attach)).map(Answer::Attached));
        held.let_go(buys);
        stage.assert_clean();
    });
}

/// A store that sells in turns with the stage, which is another server to it; and what the stage sold.
fn beside_a_server(stage: &mut Stage<'_>, buyer: AccountId) -> ((Arc<Store>, Runtime), ActivationId) {
    let options = StoreOptions { purchase_block: 1, ..StoreOptions::server(RULES) };
    let store = Store::open(stage.database().engine(), &options).unwrap();
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    let sell = |reserve: Reserve| {
        let sold = runtime.block_on(store.reserve(reserve));
        assert!(matches!(sold, Ok(Reserved::Held(..))));
    };
    sell(stage.reserve(buyer));
    assert_eq!(store.metrics().neighbours().get(), 0);
    let theirs = stage.reserved(buyer);
    sell(stage.reserve(buyer));
    assert_eq!(store.metrics().neighbours().get(), 1);
    ((Arc::new(store), runtime), theirs)
}

#[test]
fn a_batch_that_waits_for_a_purse_keeps_back_nobody_who_comes_later() {
    staged(|stage| {
        let Engine::Postgres(_) = stage.database().engine() else { return };
        let [one, other] = std::array::from_fn(|_| stage.person_with(PRICE.micros()));
        let mut held = Held::of(stage, &[one]);
        let buys = vec![held.waits(stage, one)];
        let bought = held.soon(held.store.reserve(stage.reserve(other)));
        assert!(matches!(bought, Ok(Reserved::Held(..))));
        held.let_go(buys);
        stage.assert_clean();
    });
}

/// Each half, messages and ends in batches of their own, at once: whoever waits for whom, nobody waits in a circle, and each
/// purchase is paid for or paid back once.
#[test]
fn whole_lives_of_purchases_from_all_queues_at_once_stand_in_nobodys_way() {
    staged(|stage| {
        let accounts: [AccountId; 3] = std::array::from_fn(|_| stage.person_with(100 * PRICE.micros()));
        let stage_of = &*stage;
        stage_of.with_store(async |store| {
            join_all((0..60).map(|n| life(stage_of, &store, accounts[n % accounts.len()], n))).await
        });
        stage.assert_no_deadlock();
        stage.assert_clean();
    });
}

/// Two servers that know of each other, whose halves go now together and now apart.
#[test]
fn whole_lives_of_purchases_on_two_servers_stand_in_nobodys_way() {
    staged(|stage| {
        let Engine::Postgres(_) = stage.database().engine() else { return };
        let accounts: [AccountId; 3] = std::array::from_fn(|_| stage.person_with(100 * PRICE.micros()));
        let stage_of = &*stage;
        let options = StoreOptions { purchase_block: 1, ..StoreOptions::server(RULES) };
        let open = || Store::open(stage_of.database().engine(), &options).unwrap();
        let (one, other) = (open(), open());
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            for (n, store) in [&one, &other, &one, &other].into_iter().enumerate() {
                life(stage_of, store, accounts[0], n).await;
            }
            assert_eq!([&one, &other].map(|store| store.metrics().neighbours().get()), [1, 1]);
            let lives = (4..64).map(|n| {
                let store = if n % 2 == 0 { &one } else { &other };
                life(stage_of, store, accounts[n % accounts.len()], n)
            });
            join_all(lives).await;
        });
        [one, other].into_iter().for_each(Store::stop);
        stage.assert_no_deadlock();
        stage.assert_clean();
    });
}

/// A purchase that is asked for twice under one key, gets its number and its message, and is ended.
async fn life(stage: &Stage<'_>, store: &Store, account: AccountId, n: usize) {
    let claim = Claim { scope: "POST /rent".to_owned(), key: n.to_string(), fingerprint: vec![1] };
    // The key once more beside it.
    let reserve = Reserve { claim: Some(claim), ..stage.reserve(account) };
    let (one, two) = tokio::join!(store.reserve(reserve.clone()), store.reserve(reserve));
    let bought = [one, two].into_iter().find_map(|reserved| match reserved {
        Ok(Reserved::Held(held, _)) => Some(held),
        _ => None,
    });
    let held = bought.unwrap();
    let (id, reference) = (held.id, format!("r{n}"));
    let attach = stage.attach(id, &reference, &format!("4477009{n:05}"));
    // As a server does, half of the times: nothing needs to be read then.
    let attach = Attach { held: (n % 4 < 2).then_some(held), ..attach };
    // Its message may be quicker than its number.
    let message = stage.by_reference(&format!("m{n}"), &reference);
    let close = Close { activation: id, closing: Closing::Cancel(account), now: stage.now };
    let (attached, received, closed) =
        tokio::join!(store.attach(attach), store.receive(message), store.close(close));
    assert!(attached.is_ok() && received.is_ok() && closed.is_ok(), "{attached:?} {received:?} {closed:?}");
}

/// The number comes in the very moment in which the purchase is given up: one of the two is refused, and the money is held for
/// the number or back.
#[test]
fn a_purchase_that_is_given_up_while_its_number_comes_is_either_rented_or_paid_back() {
    staged(|stage| {
        const PURCHASES: i64 = 40;
        let account = stage.person_with(PURCHASES * PRICE.micros());
        let bought: Vec<ActivationId> = (0..PURCHASES).map(|_| stage.reserved(account)).collect();
        let stage_of = &*stage;
        let rented = stage_of.with_store(async |store| {
            let race = async |id: ActivationId| {
                let attach =
                    stage_of.attach(id, &format!("r{}", id.get()), &format!("4477009{:05}", id.get()));
                let give_up = Close { activation: id, closing: Closing::GiveUp, now: stage_of.now };
                let (attach, close) = (store.attach(attach), store.close(give_up));
                // Each is sent first half of the times.
                let (attached, closed) = if id.get() % 2 == 0 {
                    tokio::join!(attach, close)
                } else {
                    let (closed, attached) = tokio::join!(close, attach);
                    (attached, closed)
                };
                match (attached.unwrap(), closed.unwrap()) {
                    (Attached::Attached(_), Closed::Refused(Status::Waiting)) => 1,
                    (Attached::Refused(Status::Failed), Closed::Done(..)) => 0,
                    other => panic!("{other:?}"),
                }
            };
            join_all(bought.into_iter().map(race)).await.into_iter().sum::<i64>()
        });
        // What is held is among what is there: nothing is spent before a message.
        assert_eq!(stage.balance(account), (PURCHASES * PRICE.micros(), rented * PRICE.micros()));
        stage.assert_no_deadlock();
        stage.assert_clean();
    });
}
