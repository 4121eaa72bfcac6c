//! The tables that ship, and the ways to find things in them. Guards what callers rely on: that a spelling
//! means one thing, that well-known names work, and that a message is not taken for what it only mentions.

use super::everyday::EVERYDAY;
use super::*;
use Spelling::{CodeFirst, SlugFirst};
use std::collections::HashSet;

fn vocabulary() -> Vocabulary {
    Vocabulary::load().unwrap()
}

/// The code of what `text` finds.
fn code(vocabulary: &Vocabulary, text: &str, spelling: Spelling) -> Option<String> {
    vocabulary.find_service(text, spelling).map(|service| service.code.to_string())
}

/// The codes of what a message names, with a space between.
fn named(vocabulary: &Vocabulary, from: &str, text: &str) -> String {
    let codes = vocabulary.services_named_in(from, text);
    codes.iter().map(ServiceCode::as_str).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_tables_are_whole() {
    let all = vocabulary();
    assert_eq!((all.services().len(), all.countries().len()), (1931, 205));
    assert_eq!(all.services()[0].code.as_str(), "full");
    assert_eq!(all.countries()[0].iso.as_ref(), "RU");
    for service in all.services() {
        assert_eq!(all.service(&service.code), Some(service));
    }
    for country in all.countries() {
        assert_eq!(all.country(country.id), Some(country));
    }
    assert_eq!(all.country(CountryId::new(205)), None);
    assert_eq!(all.service(&ServiceCode::parse("zzzz").unwrap()), None);
}

#[test]
fn no_slug_is_a_code() {
    let all = vocabulary();
    let codes: HashSet<&str> = all.services().iter().map(|service| service.code.as_str()).collect();
    for service in all.services() {
        assert!(!codes.contains(&*service.slug), "{} of {}", service.slug, service.code);
        // The field will give these out next.
        let short = service.slug.bytes().all(|b| b.is_ascii_lowercase());
        assert!(!short || service.slug.len() > 2, "{} of {}", service.slug, service.code);
    }
}

#[test]
fn every_code_and_slug_finds_its_service_in_any_case_and_both_layers() {
    let all = vocabulary();
    let names: HashSet<&str> = all.services().iter().map(|service| &*service.name).collect();
    for service in all.services() {
        for spelling in [SlugFirst, CodeFirst] {
            for text in [service.code.as_str(), &*service.slug, &service.slug.to_uppercase()] {
                // In capitals a slug may be the very name of another service, which is then meant.
                if !names.contains(text) {
                    assert_eq!(all.find_service(text, spelling), Some(service), "{text}");
                }
            }
        }
    }
}

#[test]
fn well_known_services_have_the_slug_that_everybody_expects() {
    let all = vocabulary();
    let expected = "tg telegram, wa whatsapp, go google, fb facebook, ig instagram, wx apple, am amazon, lf tiktok, \
        vi viber, mm microsoft, tw twitter, wb wechat, ub uber, ds discord, oi tinder, ts paypal, nf netflix, \
        mt steam, li baidu, tn linkedin, mb yahoo, bw signal, dr openai, acz claude, re coinbase, aon binance, \
        alj spotify, fu snapchat, uk airbnb, dh ebay, hb twitch, mo bumble, kt kakaotalk, me line, vk vkontakte, \
        ya yandex, ot other, full full-rent";
    for pair in expected.split(", ") {
        let (code, slug) = pair.trim().split_once(' ').unwrap();
        assert_eq!(&*all.service(&ServiceCode::parse(code).unwrap()).unwrap().slug, slug);
    }
}

#[test]
fn a_service_is_found_by_code_slug_or_name() {
    let all = vocabulary();
    for text in ["tg", "TG", "telegram", "Telegram", "TELEGRAM", " telegram\t"] {
        assert_eq!(code(&all, text, SlugFirst).as_deref(), Some("tg"), "{text:?}");
        assert_eq!(code(&all, text, CodeFirst).as_deref(), Some("tg"), "{text:?}");
    }
    assert_eq!(code(&all, "google voice", SlugFirst).as_deref(), Some("gf"));
    assert_eq!(code(&all, "şikayetvar", CodeFirst).as_deref(), Some("fs"));
    // Twice in the field: the name is the better known one's.
    assert_eq!(code(&all, "Cleartrip", CodeFirst).as_deref(), Some("hf"));
    assert_eq!(code(&all, "cleartrip-2", CodeFirst).as_deref(), Some("air"));
    for text in ["", " ", "telegra", "tele gram", "t.me", "no such service", "1"] {
        assert_eq!(code(&all, text, SlugFirst), None, "{text:?}");
    }
}

#[test]
fn a_code_goes_before_a_name_in_another_case() {
    let all = vocabulary();
    for spelling in [SlugFirst, CodeFirst] {
        assert_eq!(code(&all, "aol", spelling).as_deref(), Some("aol"));
        assert_eq!(code(&all, "Aol", spelling).as_deref(), Some("aol"));
        assert_eq!(code(&all, "AOL", spelling).as_deref(), Some("pm"));
        assert_eq!(code(&all, "aol-mail", spelling).as_deref(), Some("pm"));
    }
}

#[test]
fn each_layer_tries_its_own_spelling_first() {
    let services = "code\tslug\tname\tdomains\naa\tfirst\tFirst\t\nbb\taa\tSecond\t\n";
    let all = Vocabulary::from_tables(services, "id\tiso2\tname\tprefix\n").unwrap();
    assert_eq!(code(&all, "AA", SlugFirst).as_deref(), Some("bb"));
    assert_eq!(code(&all, "AA", CodeFirst).as_deref(), Some("aa"));
}

#[test]
fn a_country_is_found_by_id_iso_or_name() {
    let all = vocabulary();
    let id = |text: &str| all.find_country(text).map(|country| country.id.get());
    for text in ["US", "us", " Us ", "187", "United States", "united states"] {
        assert_eq!(id(text), Some(187), "{text:?}");
    }
    assert_eq!(id("12"), Some(12));
    assert_eq!(id("United States (virtual)"), None);
    assert_eq!((id("GB"), id("0"), id("ru"), id("Côte d'Ivoire")), (Some(16), Some(0), Some(0), None));
    for text in ["", "XX", "USA", "1000", "70000", "+187", "0187"] {
        assert_eq!(id(text), None, "{text:?}");
    }
    let virtual_us = all.country(CountryId::new(12)).unwrap();
    assert_eq!((&*virtual_us.iso, &*virtual_us.prefix), ("US", "1"));
    for country in all.countries().iter().filter(|country| country.id.get() != 12) {
        assert_eq!(all.find_country(&country.iso), Some(country));
        assert_eq!(all.find_country(&country.name), Some(country));
    }
}

#[test]
fn a_key_that_comes_twice_is_refused_with_its_line() {
    let services = |rows: &str| Vocabulary::from_tables(&format!("code\tslug\tname\tdomains\n{rows}"), "");
    let countries = |rows: &str| {
        Vocabulary::from_tables("code\tslug\tname\tdomains\n", &format!("id\tiso2\tname\tprefix\n{rows}"))
            .map(drop)
    };
    let twice = |table, key: &str| Err(VocabularyError::Repeated { table, line: 3, key: key.into() });
    assert_eq!(services("aa\tx\tX\t\naa\ty\tY\t\n").map(drop), twice("services", "aa"));
    assert_eq!(services("aa\tx\tX\t\nbb\tx\tY\t\n").map(drop), twice("services", "x"));
    assert_eq!(countries("1\tUA\tA\t1\n1\tUB\tB\t1\n"), twice("countries", "1"));
    assert_eq!(countries("1\tUA\tA\t1\n2\tUA\tB\t1\n"), twice("countries", "UA"));
    assert_eq!(countries("1\tUA\tA\t1\n2\tUB\ta\t1\n"), twice("countries", "a"));
    assert_eq!(countries("187\tUS\tA\t1\n12\tUS\tA\t1\n"), Ok(()));
}

#[test]
fn everyday_words_are_names_of_services() {
    let all = vocabulary();
    let mut said = HashSet::new();
    for service in all.services() {
        let name = service.name.to_lowercase();
        let parts: Vec<&str> = words::words(&name, &[]).into_iter().map(|word| word.text).collect();
        said.extend([parts.join(" "), parts.concat()]);
    }
    let listed: Vec<&str> =
        EVERYDAY.split([',', '\n']).map(str::trim).filter(|word| !word.is_empty()).collect();
    let unknown: Vec<_> = listed.iter().filter(|word| !said.contains(**word)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    assert_eq!(listed.len(), listed.iter().collect::<HashSet<_>>().len());
}

#[test]
fn a_message_names_its_service_in_the_text() {
    let all = vocabulary();
    for (text, codes) in [
        ("Telegram code: 12345. You can also tap on this link: https://t.me/login/12345", "tg eh"),
        ("Your WhatsApp code: 123-456. Don't share this code", "wa"),
        ("G-123456 is your Google verification code.", "go"),
        ("[#] Your Uber code: 5934 qlRnn4A1sbt", "ub"),
        ("【Discord】您的验证码是12345", "ds"),
        ("您的WhatsApp验证码是12345", "wa"),
        ("<#>123456 is your Tinder code", "oi"),
        ("123456.Instagram: use it to log in", "ig"),
        ("Your Airbnb-Code is 1234", "uk"),
        ("Login code 1234 for McDonald's", "ry"),
        ("747723 is your code.\n\n@tinder.com #747723", "oi"),
        ("Confirm at https://m.uber.com/a?b=c", "ub"),
        ("@facebook.com #1234", "fb"),
        ("Your BurgerKing code is 1", "ip"),
    ] {
        assert_eq!(named(&all, "", text), codes, "{text:?}");
    }
    assert_eq!(named(&all, "Google", "1234 is your code"), "go");
    assert_eq!(named(&all, "AX-AMAZON", "1234 is your OTP"), "am");
    assert_eq!(named(&all, "Uber", "Your code is 1234. Sent by Twilio for UBER"), "ub ee");
}

#[test]
fn a_longer_name_hides_the_shorter_one_in_it() {
    let all = vocabulary();
    assert_eq!(named(&all, "", "Your WhatsApp Business code: 123-456"), "bye");
    assert_eq!(named(&all, "", "123456 is your Google Voice code"), "gf");
    assert_eq!(named(&all, "", "Your Google code for Google Voice"), "go gf");
    assert_eq!(named(&all, "", "See business.whatsapp.com"), "bye");
    assert_eq!(named(&all, "", "See web.whatsapp.com"), "wa");
}

#[test]
fn services_of_one_name_are_all_named() {
    let all = vocabulary();
    assert_eq!(named(&all, "Feeld", "1234"), "ws se");
    assert_eq!(named(&all, "", "Telegram code 12345"), "tg eh");
}

#[test]
fn everyday_words_and_short_names_count_only_where_they_stand_for_themselves() {
    let all = vocabulary();
    for text in [
        "Your next code is 1234. Any other code will not work.",
        "Grab a taxi, get in line and wait for the signal at the next metro",
        "Wish you a good trip, Maya! Max will call her.",
        "Kod wygasa 2 minuty temu",
        "OK, use code 12 for the best price",
        "your bv, gg and hm",
    ] {
        assert_eq!(named(&all, "", text), "", "{text:?}");
    }
    for (from, text, codes) in [
        ("Signal", "Your code is 1234", "bw"),
        ("", "SIGNAL: your code is 123-456", "bw"),
        ("", "<#> Temu: 123456 is your code", "ep"),
        ("", "[LINE] 1234", "me"),
        ("", "【Grab】1234", "jg"),
        ("KFC", "Code 1234", "fz"),
        ("VK", "123456 - your code", "vk"),
        ("Next-day parcels", "Code 1234", ""),
        ("", "Your code: line: 12", ""),
    ] {
        assert_eq!(named(&all, from, text), codes, "{from:?} {text:?}");
    }
}

#[test]
fn what_is_only_mentioned_does_not_count() {
    let all = vocabulary();
    for text in [
        "Your code for john.telegram@gmail.com is 1234",
        "Code 1234. News: t.me/ourchannel, instagram.com/ours and https://play.google.com/store/apps/details?id=uber",
        "Code 1234. See https://example.com/google/telegram",
        "Not from us: telegram-login.xyz and google.com.evil.com",
        "Telegrams and ubers, instagramming",
        "+447700900123",
        "Vi har skickat koden, öppna appen. Azi bolt, peste cinci minute",
        "",
    ] {
        assert_eq!(named(&all, "+15551234567", text), "", "{text:?}");
    }
}

#[test]
fn a_service_that_the_field_has_twice_is_one_service() {
    let vocabulary = vocabulary();
    let code = |text: &str| ServiceCode::parse(text).unwrap();
    for (first, second) in [("tg", "eh"), ("do", "wq")] {
        assert_eq!(vocabulary.canonical(&code(second)), vocabulary.canonical(&code(first)));
        assert!(vocabulary.twins(&code(first)).contains(&code(second)));
        assert!(vocabulary.twins(&code(second)).contains(&code(first)));
    }
    assert_eq!(vocabulary.canonical(&code("eh")), code("tg"));
    assert_eq!(vocabulary.twins(&code("wa")), [code("wa")]);
    assert_eq!(vocabulary.twins(&code("zzzz")), [code("zzzz")], "one that nobody knows is itself");
    let doubled = vocabulary.services().iter().filter(|service| vocabulary.twins(&service.code).len() > 1);
    assert_eq!(doubled.count(), 10, "five services stand twice in the table");
}
