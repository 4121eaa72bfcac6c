//! The writer loop alone: the two commands of a purchase, a batch of each to a commit, without HTTP.
//! Guards: the commands are those of a purchase over HTTP, field by field. Prints `bare RATE P99_MICROS`.

use crate::Told;
use crate::seed::{COUNTRY, SERVICE, email, provider_code};
use crate::serve::resolved;
use crate::stats::{count, percentile};
use crate::told::About;
use clap::Args;
use numberotp_core::activation::Terms;
use numberotp_core::id::{AccountId, ActivationId, PLATFORM};
use numberotp_core::money::{CreditValue, Usd};
use numberotp_core::policy::{Exceptions, Policy};
use numberotp_core::text::{Operator, PhoneNumber, Pool};
use numberotp_core::time::{Span, Time};
use numberotp_core::vocabulary::Spelling;
use numberotp_server::boot::vocabulary;
use numberotp_server::clock::Clock;
use numberotp_server::store::account::account_by_email;
use numberotp_server::store::hot::{Answer, Attach, Attached, Command, Origin, Reserve, Reserved, Rules};
use numberotp_server::store::{IdBlocks, Schema, Store, StoreOptions, WakeHub, Work, Writer};
use numberotp_testkit::instant;
use std::sync::Arc;
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
    /// Commands to a commit
    #[arg(long, default_value_t = 64)]
    batch: usize,
}

struct Buyer {
    accounts: Vec<AccountId>,
    terms: Terms,
    origin: Origin,
    clock: Clock,
    next: usize,
}

/// Runs it.
pub fn run(runtime: &Runtime, options: &Options) -> Told<()> {
    let engine = resolved(&options.database)?.database.engine;
    let rules = Rules { credit: CreditValue::PUBLISHED, exceptions: Exceptions::NONE };
    let store = Store::open(&engine, &StoreOptions::command(rules.clone(), Schema::MustBeUpToDate));
    let mut buyer = buyer(runtime, &store.about("the database")?, options.accounts)?;
    let ids = IdBlocks::sized(4_096, 64);
    let mut writer =
        Writer::open(&engine, ids, rules, Arc::new(WakeHub::default())).about("a writer")?.by_key();
    let (begun, within) = (Instant::now(), Duration::from_secs_f64(options.seconds));
    let (mut bought, mut commits) = (0_usize, Vec::new());
    let most = usize::try_from(options.purchases).unwrap_or(usize::MAX);
    while begun.elapsed() < within && bought < most {
        let sent = Instant::now();
        let reserves = (0..options.batch).map(|_| buyer.reserve()).collect();
        let held = carry_out(&mut writer, reserves)?.into_iter().map(|answer| match answer {
            Answer::Reserved(Reserved::Held(id, _)) => Ok(id),
            other => Err(format!("no money was held: {other:?}")),
        });
        let attaches = held.map(|id| buyer.attach(id?)).collect::<Told<Vec<_>>>()?;
        commits.push(u64::try_from(sent.elapsed().as_micros()).unwrap_or(u64::MAX));
        for answer in carry_out(&mut writer, attaches)? {
            let Answer::Attached(Attached::Attached(_)) = answer else {
                return Err(format!("no number was attached: {answer:?}"));
            };
        }
        bought = bought.saturating_add(options.batch);
    }
    println!("bare {:.1} {}", count(bought) / begun.elapsed().as_secs_f64(), percentile(&mut commits, 99));
    Ok(())
}

fn carry_out(writer: &mut Writer, commands: Vec<Command>) -> Told<Vec<Answer>> {
    let (works, answers): (Vec<Work>, Vec<_>) = commands
        .into_iter()
        .map(|command| {
            let (reply, answer) = oneshot::channel();
            (Work::Hot(Box::new(command), reply), answer)
        })
        .unzip();
    writer.run(works, ());
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
    Ok(Buyer { accounts, terms, origin, clock: Clock::system(), next: 0 })
}

impl Buyer {
    fn now(&self) -> Time {
        self.clock.now()
    }

    fn reserve(&mut self) -> Command {
        let account = self.accounts.get(self.next % self.accounts.len().max(1)).copied();
        self.next = self.next.wrapping_add(1);
        let now = self.now();
        Command::Reserve(Reserve {
            account: account.unwrap_or(AccountId::new(0)),
            brand: PLATFORM,
            terms: self.terms.clone(),
            origin: self.origin.clone(),
            capped: None,
            claim: None,
            reconcile_at: now.plus(Span::seconds(25)),
            now,
        })
    }

    fn attach(&self, activation: ActivationId) -> Told<Command> {
        let (reference, now) = (activation.get().to_string(), self.now());
        let number = PhoneNumber::parse(&instant::number(&reference)).about("a number")?;
        let provider_ref = instant::provider_ref(&reference);
        let expires_at = now.plus(Span::minutes(20));
        Ok(Command::Attach(Attach { activation, number, provider_ref, expires_at, now }))
    }
}
