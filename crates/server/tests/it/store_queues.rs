//! What waits for a purse keeps nothing back that does not: on PostgreSQL a purchase's two halves have queues of their own,
//! and a second writer where the first one waits.

use crate::store_stage::{PRICE, RULES, Stage, attached, connection, somebody_waits, staged};
use numberotp_core::id::AccountId;
use numberotp_server::store::db::{Connection, Engine, Statement, Value};
use numberotp_server::store::hot::{Answer, Reserved};
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
        let database = stage.database();
        let store = Arc::new(Store::open(database.engine(), &StoreOptions::server(RULES)).unwrap());
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        let (mut holder, onlooker) = (connection(database), connection(database));
        holder.begin().unwrap();
        let text = "SELECT account_id FROM purses WHERE account_id IN KEYS($1) ORDER BY account_id LOCKED";
        let accounts = accounts.iter().map(|account| account.get()).collect();
        holder.query(&Statement::new("TEST_HOLD", text), &[Value::Ints(accounts)]).unwrap();
        Self { store, runtime, holder, onlooker }
    }

    /// Somebody buys and waits for a purse.
    fn waits(&mut self, stage: &Stage<'_>, account: AccountId) -> JoinHandle<Result<Reserved, StoreError>> {
        let (store, reserve) = (Arc::clone(&self.store), stage.reserve(account));
        let buys = self.runtime.spawn(async move { store.reserve(reserve).await });
        self.runtime.block_on(yield_now());
        while !somebody_waits(&mut self.onlooker) {
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

#[test]
fn a_purse_that_is_held_keeps_back_only_who_buys_from_it() {
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
