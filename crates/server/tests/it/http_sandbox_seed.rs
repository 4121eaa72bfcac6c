//! The same seed, the same numbers, codes and times, on either engine and across a restart; another seed, others.

use crate::http_stage::{look, rent_by, text};
use numberotp_server::config::ServeSettings;
use numberotp_testkit::app::{Setup, TestApp, with_app};
use serde_json::json;
use std::cell::RefCell;
use std::collections::BTreeSet;

/// Numbers, codes and the seconds until they came, of a few rents one after the other, with a restart between.
async fn run(app: &mut TestApp<'_>) -> Vec<(String, String, i64)> {
    let mut seen = Vec::new();
    for turn in 0..6 {
        if turn == 3 {
            app.restart().await;
        }
        let customer = app.account(2_000, 0).await;
        // What was refused counts for nothing, and whatever else was written in between does not either.
        let refused = json!({ "service": "telegram", "country": "US", "operator": "out-of-stock" });
        app.post("/api/internal/rent")
            .by(&customer)
            .json(&refused)
            .refused(404, "NO_NUMBERS_AVAILABLE")
            .await;
        let (service, country) = if turn % 2 == 0 { ("telegram", "US") } else { ("whatsapp", "GB") };
        let wish = json!({ "service": service, "country": country });
        let rented = rent_by(app, &customer, wish).await;
        let (id, mut waited) = (text(&rented, "id").to_owned(), 0);
        let code = loop {
            app.live(1).await;
            waited += 1;
            let read = look(app, &customer, &id).await;
            if let Some(code) = read["otp"].as_str() {
                break code.to_owned();
            }
            assert!(waited < 60, "no code came");
        };
        seen.push((text(&rented, "number").to_owned(), code, waited));
    }
    seen
}

fn seeded(flags: fn(&mut ServeSettings)) -> Vec<Vec<(String, String, i64)>> {
    let runs = RefCell::new(Vec::new());
    with_app(Setup::sandbox().flagged(flags), async |app| {
        let seen = run(app).await;
        runs.borrow_mut().push(seen);
    });
    runs.into_inner()
}

#[test]
fn the_same_seed_repeats_and_another_does_not() {
    let runs = [
        seeded(|flags| flags.seed = Some(42)),
        seeded(|flags| flags.seed = Some(42)),
        seeded(|flags| flags.seed = Some(43)),
    ];
    let [first, again, other] = runs.map(|runs| {
        let first = runs[0].clone();
        assert!(runs.iter().all(|run| *run == first), "the engines differ: {runs:#?}");
        first
    });
    assert_eq!(first, again);
    assert_eq!(first.iter().map(|(number, ..)| number).collect::<BTreeSet<_>>().len(), 6, "{first:?}");
    let both = |run: &[(String, String, i64)]| -> BTreeSet<(String, String)> {
        run.iter().map(|(number, code, _)| (number.clone(), code.clone())).collect()
    };
    assert!(both(&first).is_disjoint(&both(&other)), "{first:?} {other:?}");
    assert!(first.iter().all(|(_, _, waited)| *waited == 2), "{first:?}");
}

#[test]
fn numbers_that_are_open_at_once_differ() {
    with_app(Setup::sandbox(), async |app| {
        let customer = app.account(20_000, 0).await;
        let wish = json!({ "service": "telegram", "country": "AU", "operator": "silent" });
        let asked: Vec<_> =
            (0..20).map(|_| app.post("/api/internal/rent").by(&customer).json(&wish).start()).collect();
        let mut numbers = BTreeSet::new();
        for ask in asked {
            numbers.insert(text(&ask.await.unwrap().ok()["data"], "number").to_owned());
        }
        assert_eq!(numbers.len(), 20, "of the thirty that the country has");
    });
}
