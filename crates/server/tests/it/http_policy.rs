//! What is not rented and what is not shown: denied services under every name they have, messages that look like
//! a bank's or an authority's, and the exceptions that an operator makes.

use crate::http_stage::{
    RENT, at, deliver, look, movements, purses, rent, rent_by, row, step, telegram, text,
};
use numberotp_core::policy::{Categories, Category};
use numberotp_core::time::Span;
use numberotp_core::vocabulary::Spelling;
use numberotp_server::app::upstream::Interference;
use numberotp_server::config::{AllowLine, OnOff, PolicyFile};
use numberotp_server::store::log::log_newest;
use numberotp_server::store::number::Sharing;
use numberotp_testkit::app::{Customer, Gateway, Setup, Sim, TestApp, in_sandbox, with_app};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A modem that sells what may be sold and what may not.
const MODEM: Gateway = Gateway {
    code: "modem",
    country: "GB",
    sims: &[
        Sim { number: "+447700900401", operator: "ee", sharing: Sharing::Exclusive },
        Sim { number: "+447700900402", operator: "ee", sharing: Sharing::Exclusive },
    ],
    offers: &[("telegram", 1, 50_000), ("paypal", 1, 50_000), ("ot", 1, 50_000), ("full", 1, 50_000)],
};
const BANK: &str = "HSBC: your one-time passcode for a payment of £250.00 from account ending 4821 is 771204";
const OFFICE: &str = "HMRC: 482913 is your access code for the tax service";

fn of(service: &str) -> Value {
    json!({ "service": service, "country": "GB" })
}

fn allow(service: &str) -> PolicyFile {
    let line = AllowLine {
        service: Some(service.to_owned()),
        category: None,
        reason: "We test the sign-up of our own product.".to_owned(),
    };
    PolicyFile { allow: vec![line], ..PolicyFile::default() }
}

/// PayPal is excepted.
const PAYPAL: Setup = Setup::production().flagged(|flags| flags.policy = Some(allow("paypal")));

async fn denied(app: &TestApp<'_>, customer: &Customer, service: &str) {
    app.post(RENT).by(customer).json(&of(service)).refused(403, "SERVICE_DENIED").await;
}

/// The newest entries of the log, oldest first: action, whether a purchase is known, and why.
async fn log(app: &TestApp<'_>) -> Vec<String> {
    let entries = app.read(|tx| log_newest(tx, 100)).await;
    let line = |entry: &numberotp_server::store::log::Entry| {
        format!("{} {} {}", entry.action, entry.subject_kind, entry.detail)
    };
    entries.iter().rev().map(line).collect()
}

#[test]
fn a_denied_service_is_refused_under_every_name_it_has_and_nothing_is_held() {
    in_sandbox(async |app| {
        let customer = app.account(0, 1_000_000).await;
        let categories = Categories::load().unwrap();
        let vocabulary = &app.context().vocabulary;
        let is_denied = |name: &str| {
            let service = vocabulary.find_service(name, Spelling::SlugFirst).unwrap();
            categories.of(&service.code).is_denied_as_shipped()
        };
        let mut refused = 0;
        for service in vocabulary.services() {
            for name in [&service.slug, &service.name, service.code.as_str()].map(ToString::to_string) {
                if is_denied(&name) {
                    denied(app, &customer, &name).await;
                    refused += 1;
                }
            }
        }
        assert!(refused > 1_200, "{refused}");
        for name in ["ts", "TS", "PayPal", " paypal ", "PAYPAL", "Coinbase", "coinbase", "revolut"] {
            assert!(is_denied(name), "{name}");
            denied(app, &customer, name).await;
        }
        assert_eq!(purses(app, &customer).await, (0, 1.0));
        assert_eq!(movements(app, &customer).await.len(), 1, "the top-up alone");
    });
}

#[test]
fn nothing_denied_is_on_offer_however_much_of_it_an_operator_sets_up() {
    with_app(Setup::production(), async |app| {
        app.own_gateway(&MODEM).await;
        let customer = app.account(0, 1_000_000).await;
        for address in [
            "/api/public/prices",
            "/api/public/prices?service=paypal",
            "/api/public/rent-prices?service=paypal",
        ] {
            let answer = app.get(address).send().await;
            assert!(
                !answer.text().contains("paypal") && !answer.text().contains("full-rent"),
                "{}",
                answer.text()
            );
        }
        let services = app.get("/api/public/services").ok().await;
        let slugs: Vec<&str> =
            services["data"].as_array().unwrap().iter().map(|service| text(service, "service")).collect();
        assert_eq!(slugs, ["telegram"]);
        for address in ["countries", "operators"] {
            let answer = app.get(&format!("/api/public/{address}?service=paypal")).ok().await;
            assert_eq!(answer["data"], json!([]), "{address}");
        }
        // The two that stand for no service in particular would walk round the list.
        for service in ["paypal", "ts", "ot", "other", "full", "Full rent"] {
            denied(app, &customer, service).await;
        }
        rent_by(app, &customer, of("telegram")).await;
    });
}

#[test]
fn any_other_service_is_the_sandboxes_alone() {
    in_sandbox(async |app| {
        let customer = app.account(0, 1_000_000).await;
        app.own_gateway(&MODEM).await;
        rent_by(app, &customer, of("ot")).await;
        denied(app, &customer, "paypal").await;
    });
}

#[test]
fn an_operator_refuses_more_and_excepts_with_a_reason() {
    let setup = Setup::production().flagged(|flags| {
        flags.policy = Some(PolicyFile {
            deny_services: vec!["WhatsApp".to_owned()],
            deny_categories: vec!["messaging".to_owned()],
            allow: [("tg", "Our own bot."), ("paypal", "Our own shop.")]
                .map(|(service, reason)| AllowLine {
                    service: Some(service.to_owned()),
                    category: None,
                    reason: reason.to_owned(),
                })
                .to_vec(),
        });
    });
    with_app(setup, async |app| {
        app.own_gateway(&MODEM).await;
        let customer = app.account(0, 1_000_000).await;
        let messenger = app.context().vocabulary.services().iter().find(|service| {
            let category = app.context().policy.category(&service.code);
            category == Category::Messaging && !["tg", "wa"].contains(&service.code.as_str())
        });
        for service in ["whatsapp", &messenger.unwrap().slug, "revolut", "ot"] {
            denied(app, &customer, service).await;
        }
        rent_by(app, &customer, of("paypal")).await;
        rent_by(app, &customer, of("telegram")).await;
        let prices = app.get("/api/public/prices").ok().await;
        let sold: BTreeSet<&str> =
            prices["data"]["GB"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(sold, BTreeSet::from(["paypal", "telegram"]));
    });
}

#[test]
fn what_was_bought_before_a_service_was_denied_is_repeated_and_read() {
    with_app(Setup::sandbox(), async |app| {
        let customer = app.account(0, 1_000_000).await;
        let ask = |app: &TestApp<'_>| {
            app.post(RENT).by(&customer).header("idempotency-key", "k1").json(&telegram())
        };
        let first = ask(app).ok().await;
        let id = text(&first["data"], "id").to_owned();
        app.restart_as(Setup::sandbox().flagged(|flags| {
            flags.policy =
                Some(PolicyFile { deny_services: vec!["telegram".to_owned()], ..PolicyFile::default() });
        }))
        .await;
        assert_eq!(ask(app).ok().await, first);
        app.post(RENT).by(&customer).json(&telegram()).refused(403, "SERVICE_DENIED").await;
        assert!(deliver(app, &id, "m1", "Telegram code: 48291").await);
        assert_eq!(look(app, &customer, &id).await["otp"], "48291");
    });
}

#[test]
fn a_banks_or_an_authoritys_message_is_withheld_not_charged_and_on_record() {
    in_sandbox(async |app| {
        let customer = app.account(0, 1_000_000).await;
        let id = rent(app, &customer).await;
        assert!(deliver(app, &id, "m1", BANK).await, "the sender hears that it arrived");
        app.advance(Span::seconds(1));
        assert!(deliver(app, &id, "m2", OFFICE).await);
        assert!(deliver(app, &id, "m2", OFFICE).await, "and a repeat the same");
        let seen = look(app, &customer, &id).await;
        assert_eq!(
            (text(&seen, "status"), &seen["otp"], &seen["sms"]),
            ("waiting", &Value::Null, &json!([]))
        );
        for address in [at(&id, ""), "/api/internal/rents".to_owned()] {
            let answer = app.get(&address).by(&customer).send().await;
            for secret in ["771204", "482913", "HSBC", "HMRC"] {
                assert!(!answer.text().contains(secret), "{}", answer.text());
            }
        }
        assert_eq!(
            log(app).await,
            ["message.withheld activation bank", "message.withheld activation government"]
        );
        // Nothing was bought with it: an ordinary code still charges, and without one the money comes back.
        let other = rent(app, &customer).await;
        assert!(deliver(app, &other, "m3", BANK).await);
        app.advance(Span::minutes(20));
        app.run_jobs().await;
        assert_eq!(look(app, &customer, &other).await["status"], "expired");
        assert_eq!(purses(app, &customer).await, (0, 1.0));
    });
}

#[test]
fn an_ordinary_code_after_a_withheld_one_is_delivered() {
    in_sandbox(async |app| {
        let customer = app.account(0, 1_000_000).await;
        let id = rent(app, &customer).await;
        assert!(deliver(app, &id, "m1", BANK).await);
        assert!(deliver(app, &id, "m2", "Telegram code: 48291").await);
        let seen = look(app, &customer, &id).await;
        assert_eq!((text(&seen, "otp"), seen["sms"].as_array().unwrap().len()), ("48291", 1));
        step(app, &customer, &id, "finish").await.ok();
        assert_eq!(purses(app, &customer).await, (0, 0.95));
    });
}

#[test]
fn an_excepted_services_own_messages_come_through_and_nobody_elses() {
    with_app(PAYPAL, async |app| {
        app.own_gateway(&MODEM).await;
        let (ann, bob) = (app.account(0, 1_000_000).await, app.account(0, 1_000_000).await);
        let paypal = rent_by(app, &ann, of("paypal")).await;
        let telegram = rent_by(app, &bob, of("telegram")).await;
        let says = "PayPal: your security code is 482913. Do not share it.";
        for data in [&paypal, &telegram] {
            let sms = json!({ "number": text(data, "number"), "text": says, "from": "PayPal" });
            assert_eq!(app.deliver("modem", &sms).await.ok()["matched"], true);
            app.advance(Span::seconds(1));
        }
        assert_eq!(look(app, &ann, text(&paypal, "id")).await["otp"], "482913");
        assert_eq!(look(app, &bob, text(&telegram, "id")).await["sms"], json!([]));
        let both = ["message.let_through activation bank", "message.withheld activation bank"];
        assert_eq!(log(app).await, both);
    });
}

/// The buyer may read what PayPal sends, and nothing else of that kind that comes to the number.
#[test]
fn to_an_excepted_services_buyer_other_banks_and_nameless_messages_are_withheld_and_not_charged() {
    with_app(PAYPAL, async |app| {
        app.own_gateway(&MODEM).await;
        let customer = app.account(0, 1_000_000).await;
        let data = rent_by(app, &customer, of("paypal")).await;
        let (id, number) = (text(&data, "id"), text(&data, "number"));
        let reference = row(app, id).await.state.line().unwrap().provider_ref.clone();
        let foreign = [
            ("", "Your HSBC code is 1234"),
            ("HSBC", BANK),
            ("", "Confirm the payment to your bank account with the code 1234"),
            ("Nubank", "Nubank: 1234 is your code for a payment to PayPal"),
            ("", OFFICE),
        ];
        for (from, says) in foreign {
            let sms = json!({ "number": number, "text": says, "from": from });
            assert_eq!(app.deliver("modem", &sms).await.ok()["matched"], true, "{says}");
            let named = json!({ "number": number, "providerRef": reference, "text": says, "from": from });
            assert_eq!(app.deliver("modem", &named).await.ok()["matched"], true, "{says}");
        }
        let seen = look(app, &customer, id).await;
        assert_eq!((text(&seen, "status"), &seen["sms"]), ("waiting", &json!([])));
        let log = log(app).await;
        assert_eq!(log.len(), 2 * foreign.len());
        assert!(log.iter().all(|line| line.starts_with("message.withheld activation ")), "{log:?}");
        step(app, &customer, id, "cancel").await.ok();
        assert_eq!(purses(app, &customer).await, (0, 1.0));
    });
}

#[test]
fn an_excepted_services_late_message_is_on_record_as_sealed_not_as_let_through() {
    with_app(PAYPAL, async |app| {
        app.own_gateway(&MODEM).await;
        let customer = app.account(0, 1_000_000).await;
        let data = rent_by(app, &customer, of("paypal")).await;
        let (id, number) = (text(&data, "id"), text(&data, "number"));
        let reference = row(app, id).await.state.line().unwrap().provider_ref.clone();
        step(app, &customer, id, "cancel").await.ok();
        app.advance(Span::seconds(1));
        let says = "PayPal: your security code is 482913. Do not share it.";
        let sms = json!({ "number": number, "providerRef": reference, "text": says, "from": "PayPal" });
        assert_eq!(
            app.deliver("modem", &sms).await.ok()["matched"],
            true,
            "the sender hears that it arrived"
        );
        assert_eq!(look(app, &customer, id).await["sms"], json!([]));
        assert_eq!(purses(app, &customer).await, (0, 1.0));
        assert_eq!(log(app).await, ["message.sealed activation bank"]);
    });
}

#[test]
fn an_exception_for_health_opens_no_authoritys_message() {
    let setup = Setup::production().flagged(|flags| flags.policy = Some(allow("tata-1mg")));
    with_app(setup, async |app| {
        app.own_gateway(&Gateway { offers: &[("tata-1mg", 1, 50_000)], ..MODEM }).await;
        let customer = app.account(0, 1_000_000).await;
        let data = rent_by(app, &customer, of("tata-1mg")).await;
        let says = format!("{OFFICE} (Tata 1mg)");
        let sms = json!({ "number": text(&data, "number"), "text": says, "from": "Tata 1mg" });
        assert_eq!(app.deliver("modem", &sms).await.ok()["matched"], true);
        assert_eq!(look(app, &customer, text(&data, "id")).await["sms"], json!([]));
        assert_eq!(log(app).await, ["message.withheld activation government"]);
    });
}

#[test]
fn a_message_that_comes_before_its_purchase_is_confirmed_is_judged_by_the_purchase() {
    with_app(PAYPAL, async |app| {
        app.own_gateway(&MODEM).await;
        let customer = app.account(0, 1_000_000).await;
        app.line().on("allocate", Interference::LoseReply);
        let mut rents = Vec::new();
        for service in ["paypal", "telegram"] {
            let refused =
                app.post(RENT).by(&customer).json(&of(service)).refused(503, "PURCHASE_UNCONFIRMED");
            rents.push(text(&refused.await, "id").to_owned());
        }
        app.line().mend();
        app.advance(Span::seconds(3));
        for sim in MODEM.sims {
            let says = "PayPal: your security code is 482913. Do not share it.";
            let sms = json!({ "number": sim.number, "text": says, "from": "PayPal" });
            assert_eq!(app.deliver("modem", &sms).await.ok()["matched"], false);
        }
        assert_eq!(log(app).await, ["message.parked  bank"; 2], "nothing is decided yet");
        app.advance(Span::seconds(22));
        app.run_jobs().await;
        assert_eq!(look(app, &customer, &rents[0]).await["otp"], "482913");
        let other = look(app, &customer, &rents[1]).await;
        assert_eq!((text(&other, "status"), &other["sms"]), ("waiting", &json!([])));
        let both = ["message.let_through activation bank", "message.withheld activation bank"];
        let mut judged = log(app).await.split_off(2);
        judged.sort();
        assert_eq!(judged, both);
    });
}

#[test]
fn without_an_exception_such_a_message_does_not_wait_for_its_purchase() {
    with_app(Setup::production(), async |app| {
        app.own_gateway(&MODEM).await;
        let sms = json!({ "number": "+447700900401", "text": BANK, "from": "HSBC" });
        assert_eq!(app.deliver("modem", &sms).await.ok()["matched"], false);
        assert_eq!(log(app).await, ["message.withheld  bank"]);
    });
    // Nor with somebody else's.
    with_app(PAYPAL, async |app| {
        app.own_gateway(&MODEM).await;
        let sms = json!({ "number": "+447700900401", "text": BANK, "from": "HSBC" });
        assert_eq!(app.deliver("modem", &sms).await.ok()["matched"], false);
        assert_eq!(log(app).await, ["message.withheld  bank"]);
    });
}

#[test]
fn what_is_sealed_anyway_is_on_record_too_if_it_looks_like_a_banks() {
    with_app(Setup::production(), async |app| {
        app.own_gateway(&MODEM).await;
        let customer = app.account(0, 1_000_000).await;
        let data = rent_by(app, &customer, of("telegram")).await;
        step(app, &customer, text(&data, "id"), "cancel").await.ok();
        app.advance(Span::seconds(1));
        let sms = json!({ "number": text(&data, "number"), "text": BANK, "from": "HSBC" });
        assert_eq!(app.deliver("modem", &sms).await.ok()["matched"], false);
        assert_eq!(log(app).await, ["message.sealed  bank"]);
    });
}

#[test]
fn a_service_that_the_field_has_twice_is_denied_and_rests_as_one() {
    let setup = Setup::production().flagged(|flags| {
        flags.policy =
            Some(PolicyFile { deny_services: vec!["telegram".to_owned()], ..PolicyFile::default() });
    });
    with_app(setup, async |app| {
        let customer = app.account(0, 1_000_000).await;
        for name in ["telegram", "telegram-2", "eh", "Telegram (2)"] {
            denied(app, &customer, name).await;
        }
    });
    const TWINS: Gateway = Gateway {
        sims: &[Sim { number: "+447700900401", operator: "ee", sharing: Sharing::Exclusive }],
        offers: &[("telegram", 1, 50_000), ("telegram-2", 1, 50_000)],
        ..MODEM
    };
    with_app(Setup::production(), async |app| {
        app.own_gateway(&TWINS).await;
        let customer = app.account(0, 1_000_000).await;
        let data = rent_by(app, &customer, of("telegram-2")).await;
        let sms =
            json!({ "number": text(&data, "number"), "text": "Telegram code: 48291", "from": "Telegram" });
        assert_eq!(app.deliver("modem", &sms).await.ok()["matched"], true);
        step(app, &customer, text(&data, "id"), "finish").await.ok();
        app.run_jobs().await;
        app.advance(Span::hours(25));
        app.refresh().await;
        for name in ["telegram", "telegram-2"] {
            app.post(RENT).by(&customer).json(&of(name)).refused(404, "NO_NUMBERS_AVAILABLE").await;
            let prices = app.get(&format!("/api/public/prices?service={name}")).ok().await;
            assert_eq!(prices["data"]["GB"][name]["services"]["1"]["count"], "0", "{name}");
        }
    });
}

/// A gateway that is set up while something required is off: it neither sells nor delivers until all is on.
#[test]
fn a_gateway_that_is_added_while_something_required_is_off_sells_only_after_a_start_with_all_on() {
    for off in [
        Setup::production().flagged(|flags| flags.rate_limits = Some(OnOff::Off)),
        Setup::production().flagged(|flags| flags.number_cool_down = Some("59m".to_owned())),
        Setup::production().flagged(|flags| flags.message_retention = Some("169h".to_owned())),
    ] {
        with_app(off, async |app| {
            held_back(app, &MODEM, "+447700900401").await;
            app.restart_as(Setup::production()).await;
            let customer = app.account(0, 1_000_000).await;
            rent_by(app, &customer, of("telegram")).await;
        });
    }
}

/// A sandbox's clock can be moved by whoever has its published key.
#[test]
fn real_numbers_are_not_for_a_sandbox() {
    const REAL: Gateway = Gateway {
        sims: &[
            Sim { number: "+447700900401", operator: "ee", sharing: Sharing::Exclusive },
            Sim { number: "+447911123456", operator: "ee", sharing: Sharing::Exclusive },
        ],
        ..MODEM
    };
    in_sandbox(async |app| {
        held_back(app, &REAL, "+447911123456").await;
        app.restart().await;
        let customer = app.account(0, 1_000_000).await;
        let data = rent_by(app, &customer, of("telegram")).await;
        assert_eq!(
            row(app, text(&data, "id")).await.terms.provider.as_str(),
            "sandbox",
            "and all else goes on"
        );
    });
    with_app(Setup::production(), async |app| {
        app.own_gateway(&REAL).await;
        let customer = app.account(0, 1_000_000).await;
        rent_by(app, &customer, of("telegram")).await;
    });
}

/// Set up now, a gateway sells nothing, and its messages are to come again.
async fn held_back(app: &mut TestApp<'_>, gateway: &Gateway, number: &str) {
    let customer = app.account(0, 1_000_000).await;
    let before = app.get("/api/public/prices?country=GB").ok().await;
    app.own_gateway(gateway).await;
    assert_eq!(app.get("/api/public/prices?country=GB").ok().await, before);
    let sms = json!({ "number": number, "text": "Telegram code: 48291" });
    let refused = app.deliver(gateway.code, &sms).await;
    refused.refused(503, "MAINTENANCE");
    assert_ne!(refused.header("retry-after"), "", "the sender comes again");
    let rent = app.post(RENT).by(&customer).json(&of("telegram")).send().await;
    if rent.status == 200 {
        let id = text(&rent.ok()["data"], "id").to_owned();
        assert_eq!(row(app, &id).await.terms.provider.as_str(), "sandbox");
    } else {
        rent.refused(404, "NO_NUMBERS_AVAILABLE");
    }
}
