//! The writer loop alone: the two commands of a purchase without HTTP, from callers who wait for their answers as
//! buyers do, or by hand, a batch of each to a commit.
//! Guards: the commands are those of a purchase over HTTP, field by field. Prints `bare RATE P99_MICROS`.

use crate::Told;
use crate::seed::{COUNTRY, SERVICE, email, provider_code};
use crate::serve::resolved;
use crate::stats::{count, percentile};
use crate::told::About;
use clap::Args;
use numberotp_core::activation::Activation;
use numberotp_core::activation::Terms;
use numberotp_core::id::{AccountId, PLATFORM};
use numberotp_core::money::{CreditValue, Usd};
use numberotp_core::policy::{Exceptions, Policy};
use numberotp_core::text::{Operator, PhoneNumber, Pool};
use numberotp_core::time::{Span, Time};
use numberotp_core::vocabulary::Spelling;
use numberotp_server::boot::vocabulary;
use numberotp_server::clock::Clock;
use numberotp_server::store::account::account_by_email;
use numberotp_server::store::db::Engine;
use numberotp_server::store::hot::{Answer, Attach, Attached, Command, Origin, Reserve, Reserved, Rules};
use numberotp_server::store::{IdBlocks, Schema, Store, StoreOptions, WakeHub, Work, Writer};
use numberotp_testkit::instant;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

/// What is run.
#[derive(Args)]
pub struct Options {
    /// A database that was filled by a server
    #[arg(long)]
    database: String,
    /// Whose purchases: so many accounts take turns
    #[arg(long, default_value_t = 1_000)]
    accounts: u32,
    /// For so many seconds
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Or until there were so many purchases
    #[arg(long, default_value_t = u64::MAX)]
    purchases: u64,
    /// By hand, so many commands to a commit
    #[arg(long, default_value_t = 64)]
    batch: usize,
    /// Instead from so many callers: each has a command in the queue, or is about to
    #[arg(long)]
    callers: Option<usize>,
}

struct Buyer {
    accounts: Vec<AccountId>,
    terms: Terms,
    origin: Origin,
    clock: Clock,
    next: AtomicUsize,
}

/// How many purchases there were, and how long each commit lasted, or each first half of a purchase, in microseconds.
type Bought = (usize, Vec<u64>);

/// Runs it.
pub fn run(runtime: &Runtime, options: &Options) -> Told<()> {
    let engine = resolved(&options.database)?.database.engine;
    let rules = Rules { credit: CreditValue::PUBLISHED, exceptions: Exceptions::NONE };
    let store = match options.callers {
        Some(_) => StoreOptions::server(rules.clone()),
        None => StoreOptions::command(rules.clone(), Schema::MustBeUpToDate),
    };
    let store = Store::open(&engine, &store).about("the database")?;
    let buyer = buyer(runtime, &store, options.accounts)?;
    let begun = Instant::now();
    let (bought, mut times) = match options.callers {
        Some(callers) => runtime.block_on(from_callers(store, buyer, callers, options))?,
        None => by_hand(&engine, rules, &buyer, options)?,
    };
    println!("bare {:.1} {}", count(bought) / begun.elapsed().as_secs_f64(), percentile(&mut times, 99));
    Ok(())
}

/// Callers on the product's own queue.
async fn from_callers(store: Store, buyer: Buyer, callers: usize, options: &Options) -> Told<Bought> {
    let (store, buyer) = (Arc::new(store), Arc::new(buyer));
    let ends = Instant::now() + Duration::from_secs_f64(options.seconds);
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let (store, buyer) = (Arc::clone(&store), Arc::clone(&buyer));
            tokio::spawn(async move {
                let mut times = Vec::new();
                while Instant::now() < ends {
                    let sent = Instant::now();
                    let held = store.reserve(buyer.reserve()).await.about("a purchase")?;
                    times.push(micros(sent.elapsed()));
                    let attached = store.attach(buyer.attach(purchase(held)?)?).await.about("a purchase")?;
                    expect_attached(attached)?;
                }
                Ok::<_, String>(times)
            })
        })
        .collect();
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.about("a caller")??);
    }
    Ok((times.len(), times))
}

fn by_hand(engine: &Engine, rules: Rules, buyer: &Buyer, options: &Options) -> Told<Bought> {
    let ids = IdBlocks::sized(4_096, 64);
    let mut writer =
        Writer::open(engine, ids, rules, Arc::new(WakeHub::default())).about("a writer")?.by_key();
    let (begun, within) = (Instant::now(), Duration::from_secs_f64(options.seconds));
    let (mut bought, mut commits) = (0_usize, Vec::new());
    let most = usize::try_from(options.purchases).unwrap_or(usize::MAX);
    while begun.elapsed() < within && bought < most {
        let sent = Instant::now();
        let reserves = (0..options.batch).map(|_| Command::Reserve(buyer.reserve())).collect();
        let held = carry_out(&mut writer, reserves)?.into_iter().map(|answer| match answer {
            Answer::Reserved(held) => purchase(held),
            other => Err(format!("no money was held: {other:?}")),
        });
        let attaches =
            held.map(|held| Ok(Command::Attach(buyer.attach(held?)?))).collect::<Told<Vec<_>>>()?;
        commits.push(micros(sent.elapsed()));
        for answer in carry_out(&mut writer, attaches)? {
            match answer {
                Answer::Attached(attached) => expect_attached(attached)?,
                other => return Err(format!("no number was attached: {other:?}")),
            }
        }
        bought = bought.saturating_add(options.batch);
    }
    Ok((bought, commits))
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn purchase(held: Reserved) -> Told<Box<Activation>> {
    match held {
        Reserved::Held(held, _) => Ok(held),
        other => Err(format!("no money was held: {other:?}")),
    }
}

fn expect_attached(attached: Attached) -> Told<()> {
    match attached {
        Attached::Attached(_) => Ok(()),
        other => Err(format!("no number was attached: {other:?}")),
    }
}

fn carry_out(writer: &mut Writer, commands: Vec<Command>) -> Told<Vec<Answer>> {
    let (works, answers): (Vec<Work>, Vec<_>) = commands
        .into_iter()
        .map(|command| {
            let (reply, answer) = oneshot::channel();
            (Work::Hot(Box::new(command), reply), answer)
        })
        .unzip();
    writer.run(works, None::<()>);
    answers.into_iter().map(|mut answer| answer.try_recv().about("an answer")?.about("a command")).collect()
}

fn buyer(runtime: &Runtime, store: &Store, accounts: u32) -> Told<Buyer> {
    let emails = (0..accounts).map(email).collect::<Told<Vec<_>>>()?;
    let found = runtime.block_on(store.read(move |tx| {
        emails.iter().map(|email| account_by_email(tx, PLATFORM, email)).collect::<Result<Vec<_>, _>>()
    }));
    let found = found.about("the accounts")?.into_iter().collect::<Option<Vec<_>>>().about("an account")?;
    let vocabulary = vocabulary().about("the vocabulary")?;
    let service = vocabulary.find_service(SERVICE, Spelling::SlugFirst).about("the service")?;
    let country = vocabulary.find_country(COUNTRY).about("the country")?;
    let terms = Terms {
        service: service.code.clone(),
        country: country.id,
        operator: Operator::any(),
        pool: Pool::new(1).about("a pool")?,
        provider: provider_code()?,
        price: Usd::from_micros(10_000),
        provider_cost: 0,
        cost_currency: "USD".to_owned(),
    };
    let origin = Origin {
        policy_version: Policy::VERSION,
        credential: "api_key",
        credential_id: 1,
        ip_prefix: "127.0.0.0/24".to_owned(),
        purpose: String::new(),
        request_id: None,
    };
    let accounts = found.into_iter().map(|account| account.id).collect();
    Ok(Buyer { accounts, terms, origin, clock: Clock::system(), next: AtomicUsize::new(0) })
}

impl Buyer {
    fn now(&self) -> Time {
        self.clock.now()
    }

    fn reserve(&self) -> Reserve {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        let account = self.accounts.get(next % self.accounts.len().max(1)).copied();
        let now = self.now();
        Reserve {
            account: account.unwrap_or(AccountId::new(0)),
            brand: PLATFORM,
            terms: self.terms.clone(),
            origin: self.origin.clone(),
            capped: None,
            claim: None,
            reconcile_at: now.plus(Span::seconds(25)),
            now,
        }
    }

    fn attach(&self, held: Box<Activation>) -> Told<Attach> {
        let activation = held.id;
        let (reference, now) = (activation.get().to_string(), self.now());
        let number = PhoneNumber::parse(&instant::number(&reference)).about("a number")?;
        let provider_ref = instant::provider_ref(&reference);
        let expires_at = now.plus(Span::minutes(20));
        Ok(Attach { activation, held: Some(held), number, provider_ref, expires_at, now })
    }
}
