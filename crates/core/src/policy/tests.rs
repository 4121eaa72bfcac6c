//! What may be rented: the shipped list, an operator's additions and exceptions, the sandbox.
//!
//! Guards: every service has one category, and no configuration lets the collective codes into production.

use super::category::Categories as Table;
use super::{
    Categories, Category, Decision, DeniedBecause, Exceptions, Narrowing, Place, Policy, PolicyError,
    PolicySettings, Target,
};
use crate::activation::WithheldBecause;
use crate::vocabulary::{ServiceCode, Vocabulary};
use std::collections::HashSet;

fn code(text: &str) -> ServiceCode {
    ServiceCode::parse(text).unwrap()
}

fn shipped(place: Place) -> PolicySettings {
    PolicySettings::shipped(place)
}

fn policy(settings: PolicySettings) -> Policy {
    Policy::new(Categories::load().unwrap(), settings).unwrap()
}

fn refused(settings: PolicySettings) -> PolicyError {
    Policy::new(Categories::load().unwrap(), settings).unwrap_err()
}

fn allow(what: Target, reason: &str) -> Narrowing {
    Narrowing { what, reason: reason.to_owned() }
}

fn denied(category: Category) -> Decision {
    Decision::Denied(DeniedBecause::Category(category))
}

#[test]
fn every_service_has_exactly_one_category_in_the_order_of_the_services() {
    let vocabulary = Vocabulary::load().unwrap();
    let services: Vec<&str> = vocabulary.services().iter().map(|service| service.code.as_str()).collect();
    let table = include_str!("../../data/categories.tsv");
    let listed: Vec<&str> = table.lines().skip(1).filter_map(|row| row.split('\t').next()).collect();
    assert_eq!(services, listed);
}

#[test]
fn a_word_means_one_category_and_the_shipped_ones_are_six() {
    let words: HashSet<&str> = Category::ALL.iter().map(|category| category.as_str()).collect();
    assert_eq!(words.len(), Category::ALL.len());
    for category in Category::ALL {
        assert_eq!(Category::parse(category.as_str()), Some(category));
    }
    assert_eq!(Category::parse("Bank"), None);
    assert_eq!(Category::parse(""), None);
    let denied: Vec<&str> =
        Category::ALL.iter().filter(|one| one.is_denied_as_shipped()).map(|one| one.as_str()).collect();
    assert_eq!(denied, ["bank", "payment", "exchange", "government", "health", "identity"]);
}

#[test]
fn well_known_services_are_where_they_belong() {
    let policy = policy(shipped(Place::Production));
    for (category, codes) in [
        (Category::Payment, "ts hw ev xh fr bc bo aqt yy nu ge"),
        (Category::Bank, "aaa ij lj btn bbq aom bhi agp afz bow bcc"),
        (Category::Exchange, "re aon abn aor zj apb bss"),
        (Category::Government, "abu afe ce si afp"),
        (Category::Identity, "amh bxk"),
        (Category::Health, "bby fc bna"),
    ] {
        for one in codes.split(' ') {
            assert_eq!(policy.decide(&code(one)), denied(category), "{one}");
        }
    }
    // With purses of their own, but something else in the main.
    for one in "wb jg ni cq me ka zl tg wa go am".split(' ') {
        assert_eq!(policy.decide(&code(one)), Decision::Allowed, "{one}");
    }
    assert_eq!(policy.category(&code("zzzzzzz")), Category::Other);
    assert_eq!(policy.decide(&code("zzzzzzz")), Decision::Allowed);
}

#[test]
fn the_sandbox_differs_only_by_the_collective_codes() {
    let (sandbox, production) = (policy(shipped(Place::Sandbox)), policy(shipped(Place::Production)));
    for service in Vocabulary::load().unwrap().services() {
        let one = service.code.as_str();
        if ["ot", "full"].contains(&one) {
            assert_eq!(sandbox.decide(&service.code), Decision::Allowed, "{one}");
            let collective = Decision::Denied(DeniedBecause::Collective);
            assert_eq!(production.decide(&service.code), collective, "{one}");
        } else {
            assert_eq!(sandbox.decide(&service.code), production.decide(&service.code), "{one}");
        }
    }
}

#[test]
fn an_operator_can_deny_more() {
    let settings = PolicySettings {
        deny_services: vec![code("tg")],
        deny_categories: vec![Category::Gambling],
        ..shipped(Place::Production)
    };
    let policy = policy(settings);
    assert_eq!(policy.decide(&code("tg")), Decision::Denied(DeniedBecause::Service));
    assert_eq!(policy.decide(&code("ie")), denied(Category::Gambling));
    assert_eq!(policy.decide(&code("wa")), Decision::Allowed);
    assert_eq!(policy.decide(&code("ts")), denied(Category::Payment));
}

#[test]
fn an_exception_allows_what_it_names_and_no_more() {
    let settings = PolicySettings {
        allow: vec![allow(Target::Service(code("ts")), "our own product")],
        ..shipped(Place::Production)
    };
    let one = policy(settings);
    assert_eq!(one.decide(&code("ts")), Decision::Allowed);
    assert_eq!(one.decide(&code("hw")), denied(Category::Payment));
    assert_eq!(one.narrowings().len(), 1);

    let settings = PolicySettings {
        deny_services: vec![code("hw")],
        allow: vec![allow(Target::Category(Category::Payment), "licensed tester")],
        ..shipped(Place::Production)
    };
    let all = policy(settings);
    assert_eq!(all.decide(&code("ts")), Decision::Allowed);
    assert_eq!(all.decide(&code("hw")), Decision::Denied(DeniedBecause::Service));
    assert_eq!(all.decide(&code("aaa")), denied(Category::Bank));
}

#[test]
fn a_wrong_exception_is_an_error() {
    let with = |narrowing: Narrowing| PolicySettings { allow: vec![narrowing], ..shipped(Place::Production) };
    let paypal = Target::Service(code("ts"));
    assert_eq!(refused(with(allow(paypal.clone(), " \t"))), PolicyError::NoReason(paypal.clone()));
    for one in ["ot", "full"] {
        let target = Target::Service(code(one));
        for place in [Place::Production, Place::Sandbox] {
            let settings = PolicySettings { place, ..with(allow(target.clone(), "because")) };
            assert_eq!(refused(settings), PolicyError::NeverAllowed(target.clone()));
        }
    }
    let both =
        PolicySettings { deny_services: vec![code("ts")], ..with(allow(paypal.clone(), "our own product")) };
    assert_eq!(refused(both), PolicyError::DeniedAndAllowed(paypal.clone()));
    let bank = Target::Category(Category::Bank);
    let both = PolicySettings { deny_categories: vec![Category::Bank], ..with(allow(bank.clone(), "why")) };
    assert_eq!(refused(both), PolicyError::DeniedAndAllowed(bank));
    let twice = PolicySettings {
        allow: vec![allow(paypal.clone(), "one"), allow(paypal.clone(), "two")],
        ..shipped(Place::Production)
    };
    assert_eq!(refused(twice), PolicyError::AllowedTwice(paypal));
}

/// `ot` is of category `other`: allowing that must not let it out.
#[test]
fn no_category_lets_the_collective_codes_into_production() {
    let allow = Category::ALL.map(|category| allow(Target::Category(category), "everything")).to_vec();
    let policy = policy(PolicySettings { allow, ..shipped(Place::Production) });
    for one in ["ot", "full"] {
        assert_eq!(policy.decide(&code(one)), Decision::Denied(DeniedBecause::Collective));
    }
    assert_eq!(policy.decide(&code("ts")), Decision::Allowed);
}

#[test]
fn a_message_is_expected_only_where_an_exception_let_its_service_be_rented() {
    let settings = PolicySettings {
        allow: vec![allow(Target::Service(code("ts")), "our own product")],
        ..shipped(Place::Production)
    };
    let exceptions = policy(settings).exceptions(&Vocabulary::load().unwrap());
    let paypal = [code("ts")];
    assert!(exceptions.expect(&code("ts"), WithheldBecause::Bank, &paypal));
    assert!(exceptions.any(WithheldBecause::Bank, &paypal));
    assert!(!exceptions.expect(&code("ts"), WithheldBecause::Government, &paypal));
    assert!(!exceptions.any(WithheldBecause::Government, &paypal));
    assert!(!exceptions.expect(&code("hw"), WithheldBecause::Bank, &[code("hw")]));
    assert!(!exceptions.expect(&code("tg"), WithheldBecause::Bank, &paypal));
}

/// Whose a message is, it says itself: an exception is no key to whatever comes to the number.
#[test]
fn an_excepted_service_expects_messages_that_name_it_and_nobody_else_who_is_kept_back() {
    let settings = PolicySettings {
        allow: vec![
            allow(Target::Service(code("ts")), "our own product"),
            allow(Target::Service(code("ev")), "our own product, too"),
        ],
        ..shipped(Place::Production)
    };
    let exceptions = policy(settings).exceptions(&Vocabulary::load().unwrap());
    for (named, expected) in [
        (&["ts"][..], true),
        (&["tg", "ts"], true),
        (&[], false),
        (&["tg"], false),
        (&["aaa"], false),
        (&["ts", "aaa"], false),
        (&["ts", "ev"], false),
    ] {
        let named: Vec<ServiceCode> = named.iter().map(|one| code(one)).collect();
        assert_eq!(exceptions.expect(&code("ts"), WithheldBecause::Bank, &named), expected, "{named:?}");
    }
}

/// The field has some services twice; a message names them under either code.
#[test]
fn a_service_that_the_field_has_twice_is_named_under_both_codes() {
    let (one, other, bank) = (code("aa"), code("ab"), code("ba"));
    let all = [(&one, Category::Payment), (&other, Category::Payment), (&bank, Category::Bank)];
    let twins = |_: &ServiceCode| vec![one.clone(), other.clone()];
    let exceptions = Exceptions::of(all.into_iter(), |service| *service == one, twins);
    let expect = |service: &ServiceCode, named: &[&ServiceCode]| {
        let named: Vec<ServiceCode> = named.iter().map(|one| (*one).clone()).collect();
        exceptions.expect(service, WithheldBecause::Bank, &named)
    };
    assert!(expect(&one, &[&other]) && expect(&one, &[&one, &other]));
    assert!(!expect(&one, &[&bank]) && !expect(&one, &[&other, &bank]));
    assert!(!expect(&other, &[&other]), "its twin was not excepted");
}

/// The screen looks for nothing about health, so nothing that it finds is an excepted pharmacy's.
#[test]
fn an_exception_for_health_lets_no_authoritys_message_through() {
    let settings = PolicySettings {
        allow: vec![allow(Target::Category(Category::Health), "licensed tester")],
        ..shipped(Place::Production)
    };
    let policy = policy(settings);
    let exceptions = policy.exceptions(&Vocabulary::load().unwrap());
    for service in ["bby", "fc", "bna"].map(code) {
        assert_eq!(policy.decide(&service), Decision::Allowed);
        for found in [WithheldBecause::Bank, WithheldBecause::Government] {
            let named = std::slice::from_ref(&service);
            assert!(!exceptions.expect(&service, found, named) && !exceptions.any(found, named), "{service}");
        }
    }
}

#[test]
fn the_summary_names_every_exception_and_the_idle_ones() {
    let settings = PolicySettings {
        deny_services: vec![code("tg")],
        deny_categories: vec![Category::Gambling],
        allow: vec![
            allow(Target::Service(code("ts")), "our own product"),
            allow(Target::Service(code("wa")), "not needed"),
        ],
        ..shipped(Place::Production)
    };
    let policy = policy(settings);
    let summary = policy.summary();
    assert_eq!(summary.version, Policy::VERSION);
    assert_eq!(summary.categories.len(), 7);
    assert_eq!(summary.idle, [&allow(Target::Service(code("wa")), "not needed")]);
    let text = summary.to_string();
    for line in [
        "policy version 1, production",
        "denied: category bank (",
        "denied: category gambling (",
        "denied: service tg (configured)",
        "denied: services ot and full (always)",
        "allowed: service ts, because: our own product",
        "note: nothing denies service wa; its line under policy.allow does nothing",
    ] {
        assert!(text.contains(line), "{line:?} is not in\n{text}");
    }
}

#[test]
fn a_malformed_table_is_an_error_with_its_line() {
    let fault = |rows: &str| match Table::from_table(&format!("code\tcategory\n{rows}")) {
        Err(PolicyError::Table { line, fault }) => (line, fault),
        other => panic!("{rows:?}: {other:?}"),
    };
    assert_eq!(fault("tg\tmessaging\ntg\tsocial\n"), (3, "code comes twice"));
    assert_eq!(fault("TG\tmessaging\n"), (2, "code"));
    assert_eq!(fault("tg\tMessaging\n"), (2, "category"));
    assert_eq!(fault("tg messaging\n"), (2, "two columns are wanted"));
    assert!(matches!(Table::from_table("tg\tmessaging\n"), Err(PolicyError::Table { line: 1, .. })));
}
