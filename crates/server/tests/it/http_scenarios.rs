//! Scenarios: what a team's tests ask of the sandbox, by the operator's name or queued. Each does what its name says,
//! to the purchase it was meant for and to no other, and the books are right after all of them.

use crate::http_stage::{
    RENT, at, at_sandbox, listed, look, movements, purses, rent, rent_by, step, telegram, text,
};
use numberotp_core::caller::Scopes;
use numberotp_core::time::Span;
use numberotp_providers::sandbox::scenario::Scenario;
use numberotp_server::config::Settings;
use numberotp_server::store::db::Statement;
use numberotp_server::store::number::Sharing;
use numberotp_testkit::app::{Customer, Gateway, Setup, Sim, TestApp, in_sandbox, with_app};
use serde_json::{Value, json};

const SCENARIOS: &str = "/sandbox/scenarios";

/// Nobody waits for long: neither for a slow provider nor for one that never answers.
fn hurried(settings: &mut Settings) {
    settings.purchase_within = Span::millis(300);
    settings.sandbox_slow = Span::millis(20);
}

fn named(operator: &str) -> Value {
    json!({ "service": "telegram", "country": "US", "operator": operator })
}

async fn queue(app: &TestApp<'_>, customer: &Customer, wanted: Value) -> Value {
    app.post(SCENARIOS).by(customer).json(&wanted).ok().await["data"].clone()
}

/// The scenarios that wait, in order.
async fn waiting(app: &TestApp<'_>, customer: &Customer) -> Vec<String> {
    let list = app.get(SCENARIOS).by(customer).ok().await;
    list["data"].as_array().unwrap().iter().map(|one| text(one, "scenario").to_owned()).collect()
}

/// What the sandbox was told of a rent.
async fn played(app: &TestApp<'_>, id: &str) -> Scenario {
    at_sandbox(app, id).await.unwrap().play.scenario
}

fn codes(rent: &Value) -> Vec<Value> {
    rent["sms"].as_array().unwrap().iter().map(|sms| sms["code"].clone()).collect()
}

// --- what each does -----------------------------------------------------------------------------------------

#[test]
fn normal_is_what_happens_without_a_name_and_the_true_operator_is_printed() {
    in_sandbox(async |app| {
        let customer = app.account(2_000, 0).await;
        let plain = rent_by(app, &customer, telegram()).await;
        for name in ["normal", "NORMAL", "Normal"] {
            let asked = rent_by(app, &customer, named(name)).await;
            assert_eq!(asked["operator"], plain["operator"], "the offer is chosen as without an operator");
            assert_eq!((&asked["cost"], &asked["pool"]), (&plain["cost"], &plain["pool"]));
            app.live(2).await;
            let read = look(app, &customer, text(&asked, "id")).await;
            assert_eq!((text(&read, "status"), text(&read, "otp").len()), ("received", 5));
        }
    });
}

#[test]
fn silent_says_nothing_until_the_money_is_back() {
    in_sandbox(async |app| {
        let customer = app.account(2_000, 0).await;
        let id = text(&rent_by(app, &customer, named("silent")).await, "id").to_owned();
        app.live(1_199).await;
        let read = look(app, &customer, &id).await;
        assert_eq!((text(&read, "status"), &read["sms"]), ("waiting", &json!([])));
        app.live(1).await;
        assert_eq!(look(app, &customer, &id).await["status"], "expired");
        assert_eq!(purses(app, &customer).await, (2_000, 0.0));
    });
}

#[test]
fn late_comes_a_minute_too_late_and_is_shown_to_nobody() {
    in_sandbox(async |app| {
        let customer = app.account(2_000, 0).await;
        let id = text(&rent_by(app, &customer, named("late")).await, "id").to_owned();
        app.live(1_200 + 59).await;
        let messages = Statement::new(
            "TEST_SEALED",
            "SELECT COUNT(*) FROM messages WHERE verdict = 'sealed' AND reason = 'late'",
        );
        let sealed = async || {
            let count = app.read(move |tx| tx.query_one(&messages, &[])?.unwrap().int("count"));
            count.await
        };
        assert_eq!(sealed().await, 0);
        app.live(1).await;
        assert_eq!(sealed().await, 1, "it did come");
        let read = look(app, &customer, &id).await;
        assert_eq!(
            (text(&read, "status"), &read["otp"], &read["sms"]),
            ("expired", &Value::Null, &json!([]))
        );
        assert_eq!(purses(app, &customer).await, (2_000, 0.0));
    });
}

#[test]
fn double_brings_two_codes_and_costs_one_price() {
    in_sandbox(async |app| {
        let customer = app.account(2_000, 0).await;
        let id = text(&rent_by(app, &customer, named("double")).await, "id").to_owned();
        app.live(2).await;
        assert_eq!(codes(&look(app, &customer, &id).await).len(), 1);
        app.live(1).await;
        let read = look(app, &customer, &id).await;
        let [one, two] = codes(&read).try_into().unwrap();
        assert!(one.is_string() && two.is_string() && one != two, "{read}");
        assert_eq!(read["otp"], one);
        assert_eq!(purses(app, &customer).await, (1_900, 0.0));
    });
}

#[test]
fn duplicate_posts_one_webhook_twice_and_the_customer_sees_one_message() {
    in_sandbox(async |app| {
        let customer = app.account(2_000, 0).await;
        let id = text(&rent_by(app, &customer, named("duplicate")).await, "id").to_owned();
        app.live(10).await;
        let read = look(app, &customer, &id).await;
        assert_eq!((text(&read, "status"), codes(&read).len()), ("received", 1));
        assert_eq!(purses(app, &customer).await, (1_900, 0.0));
    });
}

#[test]
fn nocode_is_a_message_without_one() {
    in_sandbox(async |app| {
        let customer = app.account(2_000, 0).await;
        let id = text(&rent_by(app, &customer, named("nocode")).await, "id").to_owned();
        app.live(2).await;
        let read = look(app, &customer, &id).await;
        assert_eq!((text(&read, "status"), &read["otp"]), ("received", &Value::Null));
        assert_eq!((codes(&read), text(&read["sms"][0], "from")), (vec![Value::Null], "Telegram"));
        // Another one that is asked for has none either.
        step(app, &customer, &id, "resend").await.ok();
        app.live(2).await;
        assert_eq!(codes(&look(app, &customer, &id).await), [Value::Null, Value::Null]);
    });
}

#[test]
fn slow_answers_late_and_then_all_is_normal() {
    with_app(Setup::sandbox().adjusted(hurried), async |app| {
        let customer = app.account(2_000, 0).await;
        let begun = std::time::Instant::now();
        let id = text(&rent_by(app, &customer, named("slow")).await, "id").to_owned();
        assert!(begun.elapsed() >= Span::millis(20).to_std());
        assert_eq!(look(app, &customer, &id).await["status"], "waiting");
        app.live(3).await;
        assert_eq!(look(app, &customer, &id).await["status"], "received");
    });
    assert_eq!(Settings::new(numberotp_server::config::Mode::Sandbox).sandbox_slow, Span::seconds(5));
}

#[test]
fn lost_reply_is_unconfirmed_and_found_within_a_minute() {
    with_app(Setup::sandbox().adjusted(hurried), async |app| {
        let customer = app.account(2_000, 0).await;
        let refused = app
            .post(RENT)
            .by(&customer)
            .json(&named("lost-reply"))
            .refused(503, "PURCHASE_UNCONFIRMED")
            .await;
        let id = text(&refused, "id").to_owned();
        assert_eq!(look(app, &customer, &id).await["status"], "reserving");
        assert_eq!(listed(app, &customer, "").await, [""; 0]);
        app.live(60).await;
        let read = look(app, &customer, &id).await;
        assert_eq!((text(&read, "status"), text(&read, "otp").len()), ("received", 5));
        assert_eq!(purses(app, &customer).await, (1_900, 0.0));
        assert_eq!(app.line().count("allocate"), 1);
    });
}

#[test]
fn refused_and_out_of_stock_hold_nothing_whichever_offer_is_tried() {
    in_sandbox(async |app| {
        let customer = app.account(2_000, 0).await;
        for (name, status, code) in
            [("refused", 502, "PROVIDER_ERROR"), ("OUT-OF-STOCK", 404, "NO_NUMBERS_AVAILABLE")]
        {
            let before = app.line().count("allocate");
            app.post(RENT).by(&customer).json(&named(name)).refused(status, code).await;
            assert_eq!(app.line().count("allocate") - before, 3, "every offer that is tried says the same");
            assert_eq!(purses(app, &customer).await, (2_000, 0.0));
            assert_eq!(listed(app, &customer, "").await, [""; 0]);
        }
        assert_eq!(rent_by(app, &customer, telegram()).await["status"], "waiting");
    });
}

// --- the queue ----------------------------------------------------------------------------------------------

#[test]
fn a_queued_scenario_is_for_the_next_rent_once_and_in_order() {
    in_sandbox(async |app| {
        let customer = app.account(2_000, 0).await;
        let first = queue(app, &customer, json!({ "scenario": "Silent" })).await;
        let id = text(&first, "id").to_owned();
        let expected = json!({ "id": id, "scenario": "silent", "service": null, "code": null, "text": null, "delay": null });
        assert_eq!(first, expected);
        queue(app, &customer, json!({ "scenario": "nocode" })).await;
        queue(app, &customer, json!({ "scenario": "double", "service": "WhatsApp" })).await;
        assert_eq!(waiting(app, &customer).await, ["silent", "nocode", "double"]);
        // One for a service goes first to it, and waits for it.
        let whatsapp = rent_by(app, &customer, json!({ "service": "whatsapp", "country": "US" })).await;
        assert_eq!(played(app, text(&whatsapp, "id")).await, Scenario::Double);
        for expected in [Scenario::Silent, Scenario::NoCode, Scenario::Normal] {
            let id = rent(app, &customer).await;
            assert_eq!(played(app, &id).await, expected);
        }
        assert_eq!(waiting(app, &customer).await, [""; 0]);
    });
}

#[test]
fn code_text_and_delay_are_the_tests_choice() {
    in_sandbox(async |app| {
        let customer = app.account(10_000, 0).await;
        let heard = async |wanted: Value, after: i64| {
            queue(app, &customer, wanted).await;
            let id = rent(app, &customer).await;
            app.live(after - 1).await;
            assert_eq!(look(app, &customer, &id).await["status"], "waiting");
            app.live(1).await;
            look(app, &customer, &id).await
        };
        let coded = heard(json!({ "scenario": "normal", "code": "482913" }), 2).await;
        assert_eq!(coded["otp"], "482913");
        assert!(text(&coded, "fullSms").contains("482913"), "{coded}");
        assert_ne!(text(&coded, "fullSms"), "482913", "the service's usual text around it");
        // What does not look like a code is one if a test says so.
        let odd = heard(
            json!({ "scenario": "normal", "code": "a", "text": "Take {code}, {code}.", "delay": "30s" }),
            30,
        )
        .await;
        assert_eq!((text(&odd, "otp"), text(&odd, "fullSms")), ("a", "Take a, a."));
        let drawn = heard(json!({ "scenario": "normal", "text": "Ref {code}", "delay": 5 }), 5).await;
        assert_eq!(text(&drawn, "fullSms"), format!("Ref {}", text(&drawn, "otp")));
        let verbatim = "  Ihr Code lautet 7731\nDanke  ";
        let spoken = heard(json!({ "scenario": "duplicate", "text": verbatim }), 2).await;
        assert_eq!((text(&spoken, "fullSms"), text(&spoken, "otp")), (verbatim, "7731"));
        let bare = heard(json!({ "scenario": "nocode", "text": "On its way" }), 2).await;
        assert_eq!((text(&bare, "fullSms"), &bare["otp"]), ("On its way", &Value::Null));
        let now = heard(json!({ "scenario": "double", "code": "55555", "delay": "1s" }), 1).await;
        assert_eq!(now["otp"], "55555");
        app.live(1).await;
        let both = codes(&look(app, &customer, text(&now, "id")).await);
        assert!(both[0] == "55555" && both[1].is_string() && both[1] != "55555", "{both:?}");
    });
}

#[test]
fn what_cannot_be_done_is_refused_by_the_field() {
    in_sandbox(async |app| {
        let customer = app.account(100, 0).await;
        let long = "x".repeat(1_601);
        for (wanted, field) in [
            (json!({}), "scenario"),
            (json!({ "scenario": "verizon" }), "scenario"),
            (json!({ "scenario": 7 }), "scenario"),
            (json!({ "scenario": "nocode", "code": "1234" }), "code"),
            (json!({ "scenario": "silent", "code": "1234" }), "code"),
            (json!({ "scenario": "refused", "text": "x" }), "text"),
            (json!({ "scenario": "out-of-stock", "delay": "5s" }), "delay"),
            (json!({ "scenario": "late", "delay": "5s" }), "delay"),
            (json!({ "scenario": "normal", "code": "" }), "code"),
            (json!({ "scenario": "normal", "code": "482-913" }), "code"),
            (json!({ "scenario": "normal", "code": "123456789012345678901" }), "code"),
            (json!({ "scenario": "normal", "code": 482_913 }), "code"),
            (json!({ "scenario": "normal", "text": "  " }), "text"),
            (json!({ "scenario": "normal", "text": long }), "text"),
            (json!({ "scenario": "normal", "text": "no place", "code": "1234" }), "text"),
            (json!({ "scenario": "nocode", "text": "Take {code}" }), "text"),
            (json!({ "scenario": "nocode", "text": "Your code is 482913" }), "text"),
            (json!({ "scenario": "normal", "delay": "soon" }), "delay"),
            (json!({ "scenario": "normal", "delay": "25h" }), "delay"),
            (json!({ "scenario": "normal", "delay": [] }), "delay"),
        ] {
            let refused =
                app.post(SCENARIOS).by(&customer).json(&wanted).refused(400, "INVALID_PARAMETER").await;
            assert!(text(&refused, "error").contains(&format!("`{field}`")), "{wanted}: {refused}");
        }
        let unknown = json!({ "scenario": "normal", "service": "no such service" });
        app.post(SCENARIOS).by(&customer).json(&unknown).refused(404, "UNKNOWN_SERVICE").await;
        assert_eq!(waiting(app, &customer).await, [""; 0]);
    });
}

#[test]
fn it_is_taken_by_no_rent_that_was_refused_before_and_by_no_repeat() {
    in_sandbox(async |app| {
        let customer = app.account(150, 0).await;
        queue(app, &customer, json!({ "scenario": "silent" })).await;
        let wish = |service: &str, country: &str| json!({ "service": service, "country": country });
        app.post(RENT).by(&customer).json(&wish("whatsapp", "US")).refused(402, "INSUFFICIENT_BALANCE").await;
        app.post(RENT).by(&customer).json(&wish("nothing", "US")).refused(404, "UNKNOWN_SERVICE").await;
        app.post(RENT).by(&customer).json(&named("nobody")).refused(404, "NO_NUMBERS_AVAILABLE").await;
        assert_eq!(waiting(app, &customer).await, ["silent"]);
        let again = async || {
            let ask = app.post(RENT).by(&customer).header("idempotency-key", "once").json(&telegram());
            text(&ask.ok().await["data"], "id").to_owned()
        };
        let id = again().await;
        assert_eq!(played(app, &id).await, Scenario::Silent);
        queue(app, &customer, json!({ "scenario": "double" })).await;
        assert_eq!(again().await, id);
        assert_eq!(waiting(app, &customer).await, ["double"]);
    });
}

#[test]
fn the_name_in_place_of_the_operator_wins_and_takes_none_and_nobody_elses_is_taken() {
    in_sandbox(async |app| {
        let (customer, other) = (app.account(2_000, 0).await, app.account(2_000, 0).await);
        queue(app, &customer, json!({ "scenario": "silent" })).await;
        let named = rent_by(app, &customer, named("nocode")).await;
        assert_eq!(played(app, text(&named, "id")).await, Scenario::NoCode);
        let theirs = rent(app, &other).await;
        assert_eq!(played(app, &theirs).await, Scenario::Normal);
        assert_eq!(
            (waiting(app, &customer).await, waiting(app, &other).await),
            (vec!["silent".into()], vec![])
        );
        let dropped = app.ask(http::Method::DELETE, SCENARIOS).by(&other).ok().await;
        assert_eq!(dropped["data"], json!({ "dropped": 0 }));
        assert_eq!(waiting(app, &customer).await, ["silent"]);
        let dropped = app.ask(http::Method::DELETE, SCENARIOS).by(&customer).ok().await;
        assert_eq!(dropped["data"], json!({ "dropped": 1 }));
        let id = rent(app, &customer).await;
        assert_eq!(played(app, &id).await, Scenario::Normal);
    });
}

#[test]
fn one_scenario_is_for_all_tries_of_a_purchase() {
    in_sandbox(async |app| {
        let customer = app.account(2_000, 0).await;
        queue(app, &customer, json!({ "scenario": "out-of-stock" })).await;
        queue(app, &customer, json!({ "scenario": "refused" })).await;
        app.post(RENT).by(&customer).json(&telegram()).refused(404, "NO_NUMBERS_AVAILABLE").await;
        app.post(RENT).by(&customer).json(&telegram()).refused(502, "PROVIDER_ERROR").await;
        assert_eq!(app.line().count("allocate"), 6);
        let id = rent(app, &customer).await;
        assert_eq!(played(app, &id).await, Scenario::Normal);
        assert_eq!(movements(app, &customer).await.iter().filter(|kind| *kind == "refund").count(), 6);
    });
}

#[test]
fn two_rents_at_once_take_two_scenarios() {
    in_sandbox(async |app| {
        let customer = app.account(5_000, 0).await;
        for scenario in ["silent", "nocode", "double", "duplicate"] {
            queue(app, &customer, json!({ "scenario": scenario })).await;
        }
        let asked: Vec<_> = (0..6).map(|_| app.post(RENT).by(&customer).json(&telegram()).start()).collect();
        let mut taken = Vec::new();
        for ask in asked {
            let data = ask.await.unwrap().ok()["data"].clone();
            taken.push(played(app, text(&data, "id")).await.as_str());
        }
        taken.sort_unstable();
        assert_eq!(taken, ["double", "duplicate", "nocode", "normal", "normal", "silent"]);
    });
}

#[test]
fn a_queue_has_an_end_and_pages() {
    in_sandbox(async |app| {
        let customer = app.account(100, 0).await;
        for _ in 0..1_000 {
            queue(app, &customer, json!({ "scenario": "silent" })).await;
        }
        let one_more = json!({ "scenario": "silent" });
        app.post(SCENARIOS).by(&customer).json(&one_more).refused(409, "INVALID_STATE").await;
        let list = app.get("/sandbox/scenarios?limit=100&page=10").by(&customer).ok().await;
        assert_eq!(
            (list["data"].as_array().unwrap().len(), &list["pagination"]["total"]),
            (100, &json!(1_000))
        );
        assert_eq!(list["pagination"]["hasMore"], false);
        rent(app, &customer).await;
        queue(app, &customer, one_more).await;
    });
}

#[test]
fn what_a_scenario_says_is_sealed_and_goes_after_three_days() {
    in_sandbox(async |app| {
        let customer = app.account(2_000, 0).await;
        let secret = "The heron flies at noon: 90417";
        queue(app, &customer, json!({ "scenario": "normal", "text": secret })).await;
        queue(app, &customer, json!({ "scenario": "normal", "text": secret })).await;
        let id = rent(app, &customer).await;
        let bodies = Statement::new("TEST_BODIES", "SELECT body FROM sandbox_scenarios");
        let kept = async || {
            let read = app.read(move |tx| {
                tx.query(&bodies, &[])?
                    .into_iter()
                    .map(|mut row| row.bytes("body"))
                    .collect::<Result<Vec<_>, _>>()
            });
            read.await
        };
        let before = kept().await;
        assert_eq!(before.len(), 2);
        assert!(!before.iter().any(|body| body.windows(5).any(|five| five == b"90417")));
        app.live(2).await;
        assert_eq!(look(app, &customer, &id).await["fullSms"], secret);
        let list = app.get(SCENARIOS).by(&customer).ok().await;
        assert_eq!(list["data"][0]["text"], secret, "its owner reads what waits");
        // The key of the day stays as long as something is sealed with it.
        app.advance(Span::hours(71));
        app.run_jobs().await;
        assert_eq!(app.get(SCENARIOS).by(&customer).ok().await["data"][0]["text"], secret);
        app.advance(Span::hours(1));
        app.run_jobs().await;
        assert_eq!((kept().await.len(), waiting(app, &customer).await), (0, vec![]));
        let keys = Statement::new("TEST_KEYS", "SELECT COUNT(*) FROM data_keys");
        assert_eq!(app.read(move |tx| tx.query_one(&keys, &[])?.unwrap().int("count")).await, 0);
    });
}

#[test]
fn a_number_of_ones_own_is_none_of_the_sandboxs() {
    const MODEM: Gateway = Gateway {
        code: "modem",
        country: "JM",
        sims: &[
            Sim { number: "+18765550101", operator: "digicel", sharing: Sharing::Exclusive },
            Sim { number: "+18765550102", operator: "digicel", sharing: Sharing::Exclusive },
        ],
        offers: &[("telegram", 1, 50_000)],
    };
    in_sandbox(async |app| {
        app.own_gateway(&MODEM).await;
        let customer = app.account(2_000, 0).await;
        queue(app, &customer, json!({ "scenario": "refused" })).await;
        let wish = |operator: &str| json!({ "service": "telegram", "country": "JM", "operator": operator });
        for operator in ["any", "out-of-stock"] {
            let rented = rent_by(app, &customer, wish(operator)).await;
            assert!(text(&rented, "number").starts_with("+1876555010"), "{rented}");
        }
        assert_eq!(waiting(app, &customer).await, ["refused"]);
    });
}

// --- who may, and where -------------------------------------------------------------------------------------

#[test]
fn who_may_not_buy_may_not_queue_and_nobody_may_without_a_token() {
    in_sandbox(async |app| {
        let customer = app.account(100, 0).await;
        let reader = app.key(&customer, Scopes::parse("read").unwrap()).await;
        let wanted = json!({ "scenario": "silent" });
        app.post(SCENARIOS).bearer(&reader).json(&wanted).refused(403, "INSUFFICIENT_SCOPE").await;
        app.ask(http::Method::DELETE, SCENARIOS).bearer(&reader).refused(403, "INSUFFICIENT_SCOPE").await;
        app.get(SCENARIOS).bearer(&reader).ok().await;
        app.post(SCENARIOS).json(&wanted).refused(401, "UNAUTHORIZED").await;
        app.get(SCENARIOS).refused(401, "UNAUTHORIZED").await;
    });
}

#[test]
fn in_production_there_is_nothing_of_it() {
    const MODEM: Gateway = Gateway {
        code: "modem",
        country: "GB",
        sims: &[Sim { number: "+447700900301", operator: "ee", sharing: Sharing::Exclusive }],
        offers: &[("telegram", 1, 50_000)],
    };
    with_app(Setup::production(), async |app| {
        app.own_gateway(&MODEM).await;
        let customer = app.account(0, 100_000).await;
        for path in ["/sandbox/scenarios", "/sandbox/clock", "/sandbox/messages"] {
            for method in [http::Method::GET, http::Method::POST, http::Method::DELETE, http::Method::OPTIONS]
            {
                let asked = app.ask(method, path).by(&customer).json(&json!({ "scenario": "silent" }));
                asked.refused(404, "NOT_FOUND").await;
            }
        }
        for scenario in Scenario::ALL {
            let wish = json!({ "service": "telegram", "country": "GB", "operator": scenario.as_str() });
            app.post(RENT).by(&customer).json(&wish).refused(404, "NO_NUMBERS_AVAILABLE").await;
        }
        let rented = rent_by(app, &customer, json!({ "service": "telegram", "country": "GB" })).await;
        app.post(&at(text(&rented, "id"), "cancel")).by(&customer).ok().await;
    });
}
