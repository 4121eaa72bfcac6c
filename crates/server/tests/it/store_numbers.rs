//! Own numbers and what their gateway remembers: a number is one reference's at a time, a reference is given one
//! number for ever, and a shared number is one purchase's a service.

use crate::store_stage::{PRICE, Stage, number, service, staged};
use numberotp_core::id::{NumberId, PLATFORM};
use numberotp_core::text::{Operator, ProviderCode};
use numberotp_core::time::Span;
use numberotp_core::vocabulary::CountryId;
use numberotp_server::store::number::{
    Allocation, OwnNumber, Rested, Returned, Served, Sharing, Wanted, allocation_create, allocation_get,
    allocation_release, numbers_after, numbers_put, numbers_stock,
};
use numberotp_server::store::setting::revision_get;
use std::collections::BTreeSet;
use std::sync::Arc;

/// How long a number rests between two buyers.
const REST: Span = Span::hours(24);

fn own() -> ProviderCode {
    ProviderCode::parse("own").unwrap()
}

fn operator(name: &str) -> Operator {
    Operator::parse(name).unwrap()
}

fn of(digits: &str, operator_name: &str, sharing: Sharing) -> OwnNumber {
    let (number, operator) = (number(digits), operator(operator_name));
    OwnNumber { number, country: CountryId::new(16), operator, provider: own(), sharing }
}

/// Puts so many numbers of one operator.
fn put(stage: &mut Stage<'_>, count: usize, sharing: Sharing) {
    let numbers: Vec<OwnNumber> =
        (0..count).map(|n| of(&format!("4477009{n:05}"), "vodafone", sharing)).collect();
    stage.write(move |tx| numbers_put(tx, PLATFORM, &numbers)).unwrap();
}

fn wanted(stage: &Stage<'_>, reference: i64, code: &str) -> Wanted {
    Wanted {
        provider: own(),
        reference: reference.to_string(),
        service: service(code),
        country: CountryId::new(16),
        operator: Operator::any(),
        cool_down: REST,
        now: stage.now,
    }
}

fn allocate(stage: &mut Stage<'_>, wanted: Wanted) -> Option<Allocation> {
    stage.write(move |tx| allocation_create(tx, &wanted)).unwrap()
}

fn give_back(stage: &mut Stage<'_>, reference: i64, served: Served) -> bool {
    let (provider, reference, now) = (own(), reference.to_string(), stage.now);
    let returned = Returned { provider, reference, served, cool_down: REST, now };
    stage.write(move |tx| allocation_release(tx, &returned)).unwrap()
}

/// Gives back what brought its buyer a message.
fn release(stage: &mut Stage<'_>, reference: i64) -> bool {
    give_back(stage, reference, Served::Yes)
}

/// Everything is given back: the auditor knows no purchase of these references.
fn release_all(stage: &mut Stage<'_>) {
    stage.tamper("DELETE FROM number_allocations");
}

#[test]
fn a_reference_is_given_one_number_for_ever() {
    staged(|stage| {
        put(stage, 2, Sharing::Exclusive);
        let ask = wanted(stage, 1, "tg");
        let first = allocate(stage, ask.clone()).unwrap();
        let again = allocate(stage, ask.clone()).unwrap();
        assert_eq!((again.number.clone(), &again.provider_ref), (first.number.clone(), &first.provider_ref));
        let known = stage.write(|tx| allocation_get(tx, &own(), "1")).unwrap().unwrap();
        assert_eq!((known.number, known.released), (first.number.clone(), false));
        assert!(stage.write(|tx| allocation_get(tx, &own(), "2")).unwrap().is_none());

        assert!(release(stage, 1));
        assert!(release(stage, 1), "giving back is safe to repeat");
        assert!(!release(stage, 2));
        let over = allocate(stage, ask).unwrap();
        assert_eq!(
            (over.number, over.released),
            (first.number, true),
            "and what was given back is not given anew"
        );
        assert_eq!(stage.list("SELECT reference FROM number_allocations"), ["1"]);
        release_all(stage);
    });
}

#[test]
fn the_number_that_rested_longest_is_given_and_none_twice() {
    staged(|stage| {
        put(stage, 3, Sharing::Exclusive);
        let mut given = Vec::new();
        for reference in 1..=3 {
            stage.pass(Span::seconds(1));
            let ask = wanted(stage, reference, "tg");
            given.push(allocate(stage, ask).unwrap().number);
        }
        assert_eq!(given.iter().collect::<BTreeSet<_>>().len(), 3);
        let ask = wanted(stage, 4, "wa");
        assert!(allocate(stage, ask).is_none(), "another service does not make a number free");
        // In the order in which they come back, not in which they were given, and repeats do not count.
        for reference in [3, 1, 2, 3] {
            stage.pass(Span::seconds(1));
            release(stage, reference);
        }
        stage.pass(REST);
        let mut again = Vec::new();
        for reference in 4..=6 {
            let ask = wanted(stage, reference, "wa");
            again.push(allocate(stage, ask).unwrap().number);
        }
        assert_eq!(again, [2, 0, 1].map(|place: usize| given[place].clone()));
        release_all(stage);
    });
}

/// What is free for a service by the count that prices show.
fn free_for(stage: &mut Stage<'_>, code: &str) -> i64 {
    let rested = Rested::at(stage.now, REST);
    let stock = stage.write(move |tx| numbers_stock(tx, rested)).unwrap();
    stock.iter().map(|stock| stock.free_for(&service(code))).sum()
}

#[test]
fn a_number_rests_a_day_and_never_serves_a_service_twice_within_a_year() {
    staged(|stage| {
        put(stage, 1, Sharing::Exclusive);
        let ask = wanted(stage, 1, "tg");
        allocate(stage, ask).unwrap();
        stage.pass(Span::hours(2));
        release(stage, 1);
        stage.pass(REST.minus(Span::seconds(1)));
        assert_eq!(free_for(stage, "wa"), 0, "it rests from when it came back");
        let ask = wanted(stage, 2, "wa");
        assert!(allocate(stage, ask).is_none());
        stage.pass(Span::seconds(1));
        assert_eq!((free_for(stage, "wa"), free_for(stage, "tg")), (1, 0));
        let ask = wanted(stage, 3, "tg");
        assert!(allocate(stage, ask).is_none(), "telegram had it");
        let ask = wanted(stage, 4, "wa");
        allocate(stage, ask).unwrap();
        release(stage, 4);

        let year = Span::hours(365 * 24);
        stage.pass(year.minus(REST).minus(Span::seconds(1)));
        assert_eq!(free_for(stage, "tg"), 0);
        let ask = wanted(stage, 5, "tg");
        assert!(allocate(stage, ask).is_none());
        stage.pass(Span::seconds(1));
        assert_eq!((free_for(stage, "tg"), free_for(stage, "wa")), (1, 0), "whatsapp had it a day later");
        let ask = wanted(stage, 6, "tg");
        assert!(allocate(stage, ask).is_some());
        release_all(stage);
    });
}

/// Whoever rents and cancels uses up a day of a number, not a year. On a shared one the service rests alone.
#[test]
fn a_number_that_came_back_without_a_message_rests_and_serves_its_service_again() {
    for sharing in [Sharing::Exclusive, Sharing::Shared] {
        staged(|stage| {
            put(stage, 1, sharing);
            for (reference, served) in [(1, Served::No), (3, Served::No), (5, Served::Yes)] {
                let (ask, other) = (wanted(stage, reference, "tg"), wanted(stage, reference + 1, "tg"));
                allocate(stage, ask).unwrap();
                assert_eq!(free_for(stage, "tg"), 0);
                assert!(allocate(stage, other).is_none(), "it is one buyer's while it is out");
                stage.pass(Span::hours(2));
                assert!(give_back(stage, reference, served));
                stage.pass(REST.minus(Span::seconds(1)));
                assert_eq!(free_for(stage, "tg"), 0, "it rests from when it came back");
                assert_eq!(free_for(stage, "wa"), i64::from(sharing == Sharing::Shared));
                let early = wanted(stage, reference + 1, "tg");
                assert!(allocate(stage, early).is_none());
                for again in [Served::Yes, Served::No] {
                    assert!(give_back(stage, reference, again), "a repeat changes nothing");
                }
                stage.pass(Span::seconds(1));
                assert_eq!(free_for(stage, "tg"), i64::from(served == Served::No), "{reference}");
                assert_eq!(free_for(stage, "wa"), 1);
            }
            release_all(stage);
        });
    }
}

#[test]
fn a_shared_number_does_not_rest_and_still_serves_a_service_once_a_year() {
    staged(|stage| {
        put(stage, 1, Sharing::Shared);
        let ask = wanted(stage, 1, "tg");
        allocate(stage, ask).unwrap();
        assert_eq!((free_for(stage, "tg"), free_for(stage, "wa")), (0, 1));
        release(stage, 1);
        stage.pass(REST);
        let (telegram, whatsapp) = (wanted(stage, 2, "tg"), wanted(stage, 3, "wa"));
        assert!(allocate(stage, telegram).is_none());
        assert!(allocate(stage, whatsapp).is_some());
        assert_eq!((free_for(stage, "tg"), free_for(stage, "wa")), (0, 0));
        release_all(stage);
    });
}

#[test]
fn a_shared_number_is_given_once_a_service() {
    staged(|stage| {
        put(stage, 1, Sharing::Shared);
        let (telegram, whatsapp, second) =
            (wanted(stage, 1, "tg"), wanted(stage, 2, "wa"), wanted(stage, 3, "tg"));
        assert!(allocate(stage, telegram).is_some());
        assert!(allocate(stage, whatsapp).is_some());
        assert!(allocate(stage, second).is_none());
        release_all(stage);
    });
}

#[test]
fn place_and_operator_are_as_asked() {
    staged(|stage| {
        let numbers = [
            of("447700900001", "vodafone", Sharing::Exclusive),
            of("447700900002", "o2", Sharing::Exclusive),
        ];
        stage.write(move |tx| numbers_put(tx, PLATFORM, &numbers)).unwrap();
        let elsewhere = Wanted { country: CountryId::new(187), ..wanted(stage, 1, "tg") };
        assert!(allocate(stage, elsewhere).is_none());
        let other = Wanted { provider: ProviderCode::parse("own-2").unwrap(), ..wanted(stage, 1, "tg") };
        assert!(allocate(stage, other).is_none());
        let by_operator = |stage: &Stage<'_>, reference, name| Wanted {
            operator: operator(name),
            ..wanted(stage, reference, "tg")
        };
        let unknown = by_operator(stage, 1, "three");
        assert!(allocate(stage, unknown).is_none());
        let one = by_operator(stage, 1, "o2");
        assert_eq!(allocate(stage, one).unwrap().number, number("447700900002"));
        let two = by_operator(stage, 2, "o2");
        assert!(allocate(stage, two).is_none(), "never a silent other operator");
        release_all(stage);
    });
}

#[test]
fn numbers_are_listed_moved_and_counted() {
    staged(|stage| {
        let before = stage.write(revision_get).unwrap();
        put(stage, 5, Sharing::Exclusive);
        assert!(stage.write(revision_get).unwrap() > before, "servers read the catalog anew");
        let mut listed = Vec::new();
        let mut after = NumberId::new(0);
        loop {
            let page = stage.write(move |tx| numbers_after(tx, PLATFORM, after, 2)).unwrap();
            let Some((last, _)) = page.last() else { break };
            after = *last;
            listed.extend(page.into_iter().map(|(_, number)| number.number));
        }
        assert_eq!(listed.len(), 5);

        let stock = |stage: &mut Stage<'_>| {
            let rested = Rested::at(stage.now, REST);
            let stock = stage.write(move |tx| numbers_stock(tx, rested)).unwrap();
            let line = |stock: numberotp_server::store::number::Stock| {
                format!(
                    "{} {} {} {}",
                    stock.provider.as_str(),
                    stock.country.get(),
                    stock.operator.as_str(),
                    stock.count
                )
            };
            stock.into_iter().map(line).collect::<Vec<_>>()
        };
        assert_eq!(stock(stage), ["own 16 vodafone 5"]);
        let ask = wanted(stage, 1, "tg");
        allocate(stage, ask).unwrap();
        assert_eq!(stock(stage), ["own 16 vodafone 4"]);
        let moved = [of("447700900003", "o2", Sharing::Shared)];
        stage.write(move |tx| numbers_put(tx, PLATFORM, &moved)).unwrap();
        assert_eq!(stock(stage), ["own 16 o2 1", "own 16 vodafone 3"]);
        stage.tamper("UPDATE numbers SET enabled = 0 WHERE operator = 'vodafone'");
        assert_eq!(stock(stage), ["own 16 o2 1"]);
        release_all(stage);
    });
}

#[test]
fn fifty_at_once_share_ten_numbers_among_ten() {
    staged(|stage| {
        put(stage, 10, Sharing::Exclusive);
        let asks: Vec<Wanted> = (1..=50).map(|reference| wanted(stage, reference, "tg")).collect();
        let answers = stage.with_store(async |store| {
            let tasks: Vec<_> = asks
                .into_iter()
                .map(|ask| {
                    let store = Arc::clone(&store);
                    tokio::spawn(async move { store.write(move |tx| allocation_create(tx, &ask)).await })
                })
                .collect();
            let mut answers = Vec::new();
            for task in tasks {
                answers.push(task.await.unwrap().unwrap());
            }
            answers
        });
        let given: Vec<_> = answers.into_iter().flatten().map(|allocation| allocation.number).collect();
        assert_eq!(given.len(), 10);
        assert_eq!(given.iter().collect::<BTreeSet<_>>().len(), 10);
        release_all(stage);
    });
}

#[test]
fn one_reference_at_once_is_given_one_number() {
    staged(|stage| {
        put(stage, 10, Sharing::Exclusive);
        let ask = wanted(stage, 1, "tg");
        let numbers = stage.with_store(async |store| {
            let tasks: Vec<_> = (0..30)
                .map(|_| {
                    let (store, ask) = (Arc::clone(&store), ask.clone());
                    tokio::spawn(async move { store.write(move |tx| allocation_create(tx, &ask)).await })
                })
                .collect();
            let mut numbers = BTreeSet::new();
            for task in tasks {
                numbers.insert(task.await.unwrap().unwrap().unwrap().number);
            }
            numbers
        });
        assert_eq!(numbers.len(), 1);
        assert_eq!(stage.list("SELECT reference FROM number_allocations"), ["1"]);
        release_all(stage);
    });
}

/// Requests for places in an order that invites two writers to wait for each other.
#[test]
fn many_places_at_once_do_not_stop_each_other() {
    staged(|stage| {
        let numbers: Vec<OwnNumber> = (0..100_u16)
            .map(|n| OwnNumber {
                country: CountryId::new(n % 10),
                ..of(&format!("4477009{n:05}"), "vodafone", Sharing::Exclusive)
            })
            .collect();
        stage.write(move |tx| numbers_put(tx, PLATFORM, &numbers)).unwrap();
        let asks: Vec<Wanted> = (0..100_u16)
            .map(|n| Wanted {
                country: CountryId::new((n * 7 + n / 10) % 10),
                ..wanted(stage, n.into(), "tg")
            })
            .collect();
        let given = stage.with_store(async |store| {
            let tasks: Vec<_> = asks
                .into_iter()
                .map(|ask| {
                    let store = Arc::clone(&store);
                    tokio::spawn(async move { store.write(move |tx| allocation_create(tx, &ask)).await })
                })
                .collect();
            let mut given = BTreeSet::new();
            for task in tasks {
                given.insert(task.await.unwrap().unwrap().unwrap().number);
            }
            given
        });
        assert_eq!(given.len(), 100);
        release_all(stage);
    });
}

/// The books hold a number that nobody uses against whoever forgot to give it back.
#[test]
fn an_open_purchase_may_keep_its_number() {
    staged(|stage| {
        put(stage, 1, Sharing::Exclusive);
        let account = stage.person_with(PRICE.micros());
        let id = stage.reserved(account);
        let ask = wanted(stage, id.get(), "tg");
        allocate(stage, ask).unwrap();
        stage.assert_clean();
    });
}
