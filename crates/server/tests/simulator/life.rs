//! One life from its seed: the setting, the wild part, and the end, where everything has to come out right.

use super::dice::Dice;
use super::provider::{CODES, COUNTRY, REST};
use super::world::{Customer, Mood, SECRET, World};
use axum::body::Body;
use http::Request;
use numberotp_core::caller::{Role, Scopes, Standing};
use numberotp_core::catalog::{Offer, Term};
use numberotp_core::id::{OfferId, PLATFORM};
use numberotp_core::job::Lane;
use numberotp_core::ledger::{Change, MovementKind, Purse};
use numberotp_core::money::{CreditValue, Usd};
use numberotp_core::secret::SecretBytes;
use numberotp_core::text::{Email, Operator, Pool, ProviderCode};
use numberotp_core::time::Span;
use numberotp_core::vocabulary::Spelling;
use numberotp_server::app::admin::{By, Reason, Stood, set_standing};
use numberotp_server::app::auth::api_key_make;
use numberotp_server::app::catalog::secret_name;
use numberotp_server::boot::Tables;
use numberotp_server::store::account::{NewAccount, account_create};
use numberotp_server::store::api_key::api_key_create;
use numberotp_server::store::audit::audit;
use numberotp_server::store::job::{jobs_count, jobs_next};
use numberotp_server::store::ledger::{OperatorChange, purses_change};
use numberotp_server::store::offer::{
    ProviderKind, StoredOffer, StoredProvider, offers_put, provider_create,
};

/// What each customer has at first: micro-dollars and credits.
const CUSTOMERS: [(i64, i64); 3] = [(1_500_000, 0), (400_000, 1_500), (0, 4_000)];
/// What is sold: service, gateway, price in micro-dollars.
const OFFERS: [(&str, usize, i64); 4] =
    [("telegram", 0, 50_000), ("telegram", 1, 60_000), ("whatsapp", 0, 120_000), ("whatsapp", 1, 100_000)];
/// Wild steps of a life, least and further.
const STEPS: (u64, u64) = (300, 500);
/// A purchase is settled in so many seconds.
const SETTLED_WITHIN: usize = 61;

/// Lives one life; answers its trace.
pub fn live(seed: u64, tables: &Tables) -> Vec<String> {
    let mut world = World::new(seed, tables);
    set_up(&mut world);
    let mut weights = world.dice.fork();
    let often = Weights::new(&mut weights);
    world.memory.rest = if world.often(50) { REST } else { Span::default() };
    (world.mood, world.unlucky) = (Mood::Wild, true);
    let steps = STEPS.0 + world.dice.below(STEPS.1);
    for _ in 0..steps {
        world.step += 1;
        step(&mut world, &often);
    }
    everything_is_settled_in_a_minute(&mut world);
    everything_ends(&mut world);
    world.process = None;
    std::mem::take(&mut world.trace)
}

/// How often what happens in this life.
struct Weights {
    customers: usize,
    messages: usize,
    jobs: usize,
    time: usize,
    power: usize,
    catalog: usize,
    stops: usize,
}

impl Weights {
    fn new(dice: &mut Dice) -> Self {
        let mut upto = |most: u64| usize::try_from(dice.below(most)).unwrap();
        Self {
            customers: 6 + upto(14),
            messages: 4 + upto(12),
            jobs: 1 + upto(4),
            time: 2 + upto(8),
            power: upto(3),
            catalog: upto(2),
            stops: upto(3),
        }
    }
}

fn step(world: &mut World, often: &Weights) {
    let mut place = world.below(100);
    let mut falls = |weight: usize| {
        let here = place < weight;
        place = place.wrapping_sub(weight);
        here
    };
    if falls(often.customers) {
        match world.below(10) {
            0..=3 => world.rent(),
            4..=8 => world.touch(),
            _ => {
                let account = world.below(CUSTOMERS.len());
                world.list(account);
            }
        }
    } else if falls(often.messages) {
        if world.often(40) { world.sms() } else { world.post() }
    } else if falls(often.jobs) {
        world.note("jobs");
        world.process().run_jobs();
    } else if falls(often.time) {
        world.pass_somehow();
    } else if falls(often.power) {
        world.kill();
        if world.often(30) {
            world.pass_somehow();
        }
        world.start();
    } else if falls(often.catalog) {
        change_catalog(world);
    } else if falls(often.stops) {
        let account = world.below(CUSTOMERS.len());
        let next = match (world.customers[account].standing, world.below(3)) {
            (Standing::Approved, 0) => Standing::Limited,
            (Standing::Approved, _) => Standing::Suspended,
            _ => Standing::Approved,
        };
        stand(world, account, next);
    } else if falls(15) {
        world.carry();
    } else {
        world.work();
    }
    world.turn();
}

// --- the setting -----------------------------------------------------------------------------------------

fn set_up(world: &mut World) {
    world.start();
    let now = world.now();
    for (place, code) in CODES.iter().enumerate() {
        let code = ProviderCode::parse(code).unwrap();
        let context = world.process().context();
        let secret = context.vault.wrap(&secret_name(&code), &SecretBytes::new(SECRET)).unwrap();
        let offers: Vec<StoredOffer> =
            OFFERS.iter().filter(|(_, at, _)| *at == place).map(|sold| offer(world, *sold, sold.2)).collect();
        let stored = StoredProvider { code, kind: ProviderKind::Own, secret, enabled: true };
        world.process().at_once(move |tx| {
            provider_create(tx, PLATFORM, &stored, now)?;
            offers_put(tx, &offers)
        });
    }
    for (place, given) in CUSTOMERS.into_iter().enumerate() {
        let customer = customer(world, place, given);
        world.customers.push(customer);
    }
    world.process().refresh();
    world.settle();
}

fn offer(world: &mut World, (service, gateway, _): (&str, usize, i64), price: i64) -> StoredOffer {
    let vocabulary = &world.process().context().vocabulary;
    let offer = Offer {
        id: OfferId::new(0),
        brand: PLATFORM,
        service: vocabulary.find_service(service, Spelling::SlugFirst).unwrap().code.clone(),
        country: vocabulary.find_country(COUNTRY).unwrap().id,
        operator: Operator::any(),
        pool: Pool::new(1).unwrap(),
        provider: ProviderCode::parse(CODES[gateway]).unwrap(),
        term: Term::Once,
        price: Usd::from_micros(price),
        provider_cost: 0,
        cost_currency: "USD".to_owned(),
        count: 0,
    };
    StoredOffer { offer, stock: Some(1_000) }
}

fn customer(world: &mut World, place: usize, (balance, credits): (i64, i64)) -> Customer {
    let now = world.now();
    let new = NewAccount {
        brand: PLATFORM,
        email: Email::parse(&format!("customer-{place}@example.com")).unwrap(),
        name: "Customer".to_owned(),
        password_hash: None,
        role: Role::Customer,
        standing: Standing::Approved,
        now,
    };
    let account = world.process().at_once(move |tx| account_create(tx, &new)).unwrap();
    let (key, stored) = api_key_make(&account, "simulator", Scopes::READ_BUY, now).unwrap();
    world.process().at_once(move |tx| api_key_create(tx, &stored));
    let given =
        [(Purse::Balance, MovementKind::Topup, balance), (Purse::Granted, MovementKind::Bonus, credits)];
    for (purse, kind, amount) in given.into_iter().filter(|(_, _, amount)| *amount > 0) {
        let (change, credit) = (Change { purse, amount }, CreditValue::PUBLISHED);
        let order = OperatorChange { brand: PLATFORM, account: account.id, kind, change, credit, now };
        world.process().at_once(move |tx| purses_change(tx, order)).unwrap();
    }
    let (id, standing) = (account.id, Standing::Approved);
    Customer { token: key.expose().to_owned(), given: balance + credits * 500, id, standing }
}

/// Somebody is stopped, over money or over abuse, or let go on.
fn stand(world: &mut World, account: usize, next: Standing) {
    let (id, before) = (world.customers[account].id, world.customers[account].standing);
    world.note(&format!("{account} is {} now", next.as_str()));
    let (by, reason) = (By::command_line(world.now()), Reason::parse("a die").unwrap());
    let stood = world.process().at_once(move |tx| set_standing(tx, &by, (id, next), &reason));
    assert_eq!(stood, Stood::Done);
    world.customers[account].standing = next;
    if before.seals() {
        world.books.lifted(account, world.step);
    }
    if next.seals() {
        world.books.stopped(account, world.step);
    }
}

fn change_catalog(world: &mut World) {
    let sold = OFFERS[world.below(OFFERS.len())];
    let price = sold.2 + 500 * i64::try_from(world.below(40)).unwrap();
    world.note(&format!("{sold:?} costs {price} now"));
    let offer = offer(world, sold, price);
    world.process().at_once(move |tx| offers_put(tx, std::slice::from_ref(&offer)));
    world.process().refresh();
}

// --- the end ---------------------------------------------------------------------------------------------

/// Whatever the providers do: a minute after it began, no purchase is open without a number.
fn everything_is_settled_in_a_minute(world: &mut World) {
    world.unlucky = false;
    world.mood = match world.below(3) {
        0 => Mood::Silent,
        1 => Mood::Wild,
        _ => Mood::Well,
    };
    let mood = world.mood;
    world.note(&format!("the last minute, and the providers are {mood:?}"));
    for _ in 0..SETTLED_WITHIN {
        world.pass(Span::seconds(1));
        world.process().run_jobs();
        world.settle();
    }
    assert!(world.is_quiet(), "a request is still open after a minute");
    let now = world.now();
    let report = world.process().at_once(move |tx| audit(tx, now.plus(Span::seconds(60))));
    let wrong: Vec<_> = report.checks.iter().filter(|check| check.violations != 0).collect();
    let reserving = wrong.iter().filter(|check| check.says.contains("hold is open")).count();
    assert_eq!(reserving, 0, "a hold is open after its minute");
}

/// Everything works: what is open ends, every message arrives, and the books agree.
fn everything_ends(world: &mut World) {
    world.mood = Mood::Well;
    for account in 0..CUSTOMERS.len() {
        if world.customers[account].standing != Standing::Approved {
            stand(world, account, Standing::Approved);
        }
    }
    world.step += 1;
    world.note("the end");
    for _ in 0..400 {
        for place in 0..world.messages.len() {
            if world.messages[place].accepted.is_none() {
                world.post_one(place);
            }
        }
        world.settle();
        world.process().run_jobs();
        world.settle();
        let (open, _dead) = world.process().at_once(jobs_count);
        if open <= 1 && world.messages.iter().all(|sms| sms.accepted.is_some()) {
            break;
        }
        let now = world.now();
        let next = world.process().at_once(move |tx| jobs_next(tx, now, Lane::Main)).unwrap_or_default();
        let by = next.since(world.now()).clamp(Span::seconds(1), Span::minutes(30));
        world.pass(by);
    }
    let (open, dead) = world.process().at_once(jobs_count);
    assert_eq!((open, dead), (1, 0), "jobs are left");
    let now = world.now();
    let report = world.process().at_once(move |tx| audit(tx, now));
    let wrong: Vec<_> = report.checks.iter().filter(|check| check.violations != 0).collect();
    assert!(wrong.is_empty(), "the first bookkeeper: {wrong:?}");
    let posted = world.messages.len();
    assert_eq!(report.size.messages, i64::try_from(posted).unwrap(), "each message is kept once");
    customers_look(world);
}

fn customers_look(world: &mut World) {
    let mut listed = Vec::new();
    for account in 0..world.customers.len() {
        world.list(account);
        world.settle();
        listed.push(world.read_all(account));
    }
    for (account, listed) in listed.iter().enumerate() {
        let balance = world.read(account, "/api/internal/balance");
        let money = balance["balance"].as_f64().unwrap() * 1_000_000.0;
        let has = (format!("{money:.0}").parse().unwrap(), balance["credits"].as_i64().unwrap());
        let given = world.customers[account].given;
        world.check(|world| world.books.account_is_right(account, given, has, listed));
    }
    world.check(|world| world.books.everybody_has_their_messages(&world.memory, &world.messages));
    world.check(|world| world.books.numbers_are_back(&world.memory.given));
}

impl World {
    fn check(&self, check: impl Fn(&Self) -> Result<(), String>) {
        if let Err(wrong) = check(self) {
            panic!("the second bookkeeper: {wrong}");
        }
    }

    /// Everything that an account bought, by row.
    fn read_all(&mut self, account: usize) -> Vec<(i64, serde_json::Value)> {
        let all = self.read(account, "/api/internal/rents?limit=100");
        let total = all["pagination"]["total"].as_u64().unwrap();
        let data = all["data"].as_array().unwrap().clone();
        assert_eq!(u64::try_from(data.len()).unwrap(), total, "one page is enough");
        let ids = &self.process().context().public_ids;
        data.into_iter().map(|one| (ids.parse(one["id"].as_str().unwrap()).unwrap().get(), one)).collect()
    }

    fn read(&mut self, account: usize, path: &str) -> serde_json::Value {
        let token = format!("Bearer {}", self.customers[account].token);
        let request =
            Request::builder().uri(path).header("authorization", token).body(Body::empty()).unwrap();
        self.process().send(0, request);
        self.hear_nothing()
    }

    fn hear_nothing(&mut self) -> serde_json::Value {
        loop {
            let process = self.process();
            let (writes, reads) = process.waiting();
            (0..reads).for_each(|_| process.read(0));
            if writes > 0 {
                process.write(writes, numberotp_server::store::Told::Truth);
            }
            process.turn();
            if let Some(answer) = process.answers().pop() {
                assert_eq!(answer.status, 200, "{}", answer.body);
                return answer.body;
            }
        }
    }
}
