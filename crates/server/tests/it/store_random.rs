//! The same random life on both engines, one by one and in batches: the same answers, the same rows, clean books.
//! A seed that fails is in the message.

use crate::store_stage::{PRICE, Stage, attach, provider, reserve, service, sms};
use numberotp_core::activation::{HasCode, WithheldBecause};
use numberotp_core::id::{AccountId, ActivationId};
use numberotp_core::ledger::Purse;
use numberotp_core::text::ProviderCode;
use numberotp_core::time::{Span, Time};
use numberotp_server::store::hot::{Close, Closing, Command, Receive};
use numberotp_testkit::database::engines;

/// Numbers of Knuth's 64-bit linear congruence: enough chance for a test, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
    fn row(&mut self, end: i64) -> i64 {
        i64::try_from(self.below(end.unsigned_abs())).unwrap()
    }
    fn often(&mut self, of_ten: u64) -> bool {
        self.below(10) < of_ten
    }
}

/// A life in commands: whom they mean, is decided before anything is done, so many of them miss.
fn life(seed: u64, accounts: &[AccountId], start: Time, length: usize) -> Vec<Command> {
    let mut dice = Dice(seed);
    let (mut now, mut begun) = (start, 0);
    let mut commands = Vec::new();
    for _ in 0..length {
        now = now.plus(Span::seconds(dice.row(40)));
        let account = accounts[usize::try_from(dice.below(2)).unwrap()];
        let id = ActivationId::new(1 + dice.row(begun.max(1)));
        commands.push(match dice.below(20) {
            _ if begun == 0 => {
                begun += 1;
                Command::Reserve(reserve(account, now))
            }
            0..=3 => {
                begun += 1;
                let mut command = reserve(account, now);
                command.terms.service = service(if dice.often(5) { "tg" } else { "wa" });
                Command::Reserve(command)
            }
            4..=7 => {
                // Sometimes another name than the first time: that is refused.
                let other = if dice.often(1) { "b" } else { "" };
                let digits = format!("44770090000{}", id.get() % 3);
                Command::Attach(attach(id, &format!("r{}{other}", id.get()), &digits, now))
            }
            8..=13 => Command::Receive(message(&mut dice, begun, now)),
            14 | 15 => Command::Close(Close { activation: id, closing: Closing::Cancel(account), now }),
            16 => Command::Close(Close { activation: id, closing: Closing::Finish(account), now }),
            17 => Command::Close(Close { activation: id, closing: Closing::Fail, now }),
            _ => Command::Close(Close { activation: id, closing: Closing::Expire, now }),
        });
    }
    commands
}

fn message(dice: &mut Dice, begun: i64, now: Time) -> Receive {
    let key = format!("m{}", dice.row(40));
    let mut message = sms(&key, now);
    if dice.often(5) {
        message.provider_ref = Some(format!("r{}", 1 + dice.row(begun + 2)));
    }
    if dice.often(7) {
        message.number = Some(crate::store_stage::number(&format!("44770090000{}", dice.row(3))));
    }
    message.services = ["tg", "wa"].into_iter().filter(|_| dice.often(4)).map(service).collect();
    message.has_code = if dice.often(7) { HasCode::Yes } else { HasCode::No };
    message.sent_at = dice.often(3).then(|| now.minus(Span::seconds(dice.row(400))));
    message.withheld = dice.often(1).then_some(WithheldBecause::Bank);
    message.provider = if dice.often(9) { provider() } else { ProviderCode::parse("other").unwrap() };
    message
}

/// Two people: one has plenty, in several purses.
fn people(stage: &mut Stage<'_>) -> Vec<AccountId> {
    let accounts = vec![stage.person_with(1_000 * PRICE.micros()), stage.person_with(1_000 * PRICE.micros())];
    for account in &accounts {
        stage.give(*account, Purse::Gift, 250);
        stage.give(*account, Purse::Bought, 170);
    }
    accounts
}

/// Everything that was written, but for the order of rows that do not have one.
fn everything(stage: &mut Stage<'_>) -> Vec<String> {
    let mut all = Vec::new();
    for sql in [
        "SELECT CAST(id AS TEXT) || ' ' || status || ' ' || COALESCE(number, '-') || ' ' || COALESCE(provider_ref, '-') || ' ' || CAST(hold_id AS TEXT) || ' ' || COALESCE(CAST(first_message_at AS TEXT), '-') || ' ' || COALESCE(CAST(code_message_id AS TEXT), '-') || ' ' || COALESCE(CAST(closed_at AS TEXT), '-') FROM activations ORDER BY id",
        "SELECT CAST(activation_id AS TEXT) || ' ' || provider_ref || ' ' || CAST(from_at AS TEXT) || ' ' || CAST(to_at AS TEXT) || ' ' || COALESCE(CAST(closed_at AS TEXT), '-') FROM leases ORDER BY activation_id",
        "SELECT CAST(id AS TEXT) || ' ' || provider || ' ' || COALESCE(CAST(activation_id AS TEXT), '-') || ' ' || verdict || ' ' || reason || ' ' || services || ' ' || CAST(received_at AS TEXT) FROM messages ORDER BY id",
        "SELECT CAST(id AS TEXT) || ' ' || step || ' ' || kind || ' ' || CAST(balance_change AS TEXT) || ' ' || CAST(credits_change AS TEXT) || ' ' || CAST(balance_after AS TEXT) || ' ' || CAST(credits_after AS TEXT) FROM movements ORDER BY id",
        "SELECT CAST(movement_id AS TEXT) || ' ' || purse || ' ' || phase || ' ' || CAST(debit_id AS TEXT) || ' ' || CAST(amount AS TEXT) FROM transfers ORDER BY movement_id, debit_id",
        "SELECT CAST(id AS TEXT) || ' ' || kind || ' ' || CAST(activation_id AS TEXT) || ' ' || CAST(created_at AS TEXT) FROM events ORDER BY id",
        "SELECT CAST(id AS TEXT) || ' ' || kind || ' ' || CAST(subject_id AS TEXT) || ' ' || CAST(run_at AS TEXT) FROM jobs ORDER BY id",
        "SELECT CAST(account_id AS TEXT) || ' ' || CAST(balance_posted AS TEXT) || ' ' || CAST(balance_held AS TEXT) || ' ' || CAST(gift_posted AS TEXT) || ' ' || CAST(gift_held AS TEXT) || ' ' || CAST(bought_posted AS TEXT) || ' ' || CAST(bought_held AS TEXT) FROM purses ORDER BY account_id",
    ] {
        all.extend(stage.list(sql));
    }
    all
}

/// Answers and rows of one life, cut into batches by another seed.
fn lived(stage: &mut Stage<'_>, seed: u64, cut: Option<u64>) -> (Vec<String>, Vec<String>) {
    let accounts = people(stage);
    let mut commands = life(seed, &accounts, stage.now, 200);
    stage.now = commands.iter().map(at).max().unwrap();
    let mut dice = Dice(cut.unwrap_or(0));
    let mut answers = Vec::new();
    while !commands.is_empty() {
        let size = if cut.is_some() { 1 + usize::try_from(dice.below(30)).unwrap() } else { 1 };
        let rest = commands.split_off(size.min(commands.len()));
        answers.extend(
            stage.batch(std::mem::replace(&mut commands, rest)).iter().map(|answer| format!("{answer:?}")),
        );
    }
    (answers, everything(stage))
}

const fn at(command: &Command) -> Time {
    match command {
        Command::Reserve(command) => command.now,
        Command::Attach(command) => command.now,
        Command::Receive(command) => command.now,
        Command::Close(command) => command.now,
    }
}

#[test]
fn one_life_is_the_same_on_every_engine_and_in_every_batch() {
    let engines = engines();
    for seed in 0..10 {
        let mut first: Option<(Vec<String>, Vec<String>)> = None;
        for engine in &engines {
            for cut in [None, Some(seed), Some(seed + 1_000)] {
                let database = engine.database();
                let mut stage = Stage::on(&database);
                let this = lived(&mut stage, seed, cut);
                let report = stage.report();
                let bad = crate::store_stage::violated(&report);
                // Whatever is open past its deadline has no runner here.
                let bad: Vec<_> = bad.into_iter().filter(|(_, says)| !says.contains("deadline")).collect();
                assert!(bad.is_empty(), "seed {seed}, {}, {cut:?}: {bad:?}", engine.name());
                let Some(other) = &first else {
                    first = Some(this);
                    continue;
                };
                for (number, (a, b)) in other.0.iter().zip(&this.0).enumerate() {
                    assert_eq!(a, b, "seed {seed}, {}, {cut:?}: answer {number}", engine.name());
                }
                assert_eq!(other.1, this.1, "seed {seed}, {}, {cut:?}", engine.name());
            }
        }
    }
}
