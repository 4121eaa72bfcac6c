//! Tokens that the npm packages made, and a thousand spoilt copies of them, which nothing may open.
//! Guards: what the packages encrypt is read under the names of its cookie and no other, what was changed by one bit
//! is not read at all.

use crate::moment;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use numberotp_core::authjs::{Claims, Family, Keyring, Refused};
use numberotp_core::cookie::Cookies;
use numberotp_core::secret::Secret;
use numberotp_core::text::Email;

/// A moment at which every token of our own list is good.
const NOW: i64 = 1_900_000_000;

/// A token of our own list: made by the packages, of the same person each.
struct Own {
    name: &'static str,
    family: Family,
    secret: &'static str,
    cookie: &'static str,
    token: &'static str,
}

fn own() -> Vec<Own> {
    let lines = include_str!("../vectors/authjs_own.tsv").lines().skip(1);
    let read = |line: &'static str| {
        let [name, family, secret, cookie, token] = line.split('\t').collect::<Vec<_>>().try_into().unwrap();
        let family = if family == "4" { Family::V4 } else { Family::V5 };
        Own { name, family, secret, cookie, token }
    };
    lines.map(read).collect()
}

fn keyring(secrets: &[&str]) -> Keyring {
    let secrets: Vec<Secret> = secrets.iter().map(|secret| Secret::new(*secret)).collect();
    Keyring::new(&secrets, &["shop-session".to_owned()])
}

fn is_ada(claims: &Claims) -> bool {
    claims.subject.as_deref() == Some("usr_42")
        && claims.email == Email::parse("ada@example.com")
        && claims.name.as_deref() == Some("Ada Lovelace")
        && claims.issued.is_some()
}

#[test]
fn every_token_of_the_packages_opens_as_a_cookie_and_as_a_bearer() {
    let all = own();
    assert!(all.len() >= 9);
    for own in all {
        let keys = keyring(&["a newer one", own.secret]);
        for opened in [
            keys.open_cookie(own.cookie, own.token, moment(NOW)),
            keys.open_bearer(own.token, moment(NOW)),
            keys.open_cookies(
                &Cookies::parse([&*format!("{}={}", own.cookie, own.token)].into_iter()),
                moment(NOW),
            )
            .unwrap(),
        ] {
            assert!(is_ada(&opened.unwrap()), "{}", own.name);
        }
    }
}

#[test]
fn a_secret_that_is_gone_opens_nothing() {
    for own in own() {
        let keys = keyring(&["a newer one"]);
        let why = if own.family == Family::V4 { Refused::Tag } else { Refused::Kid };
        assert_eq!(keys.open_cookie(own.cookie, own.token, moment(NOW)), Err(why), "{}", own.name);
        assert_eq!(keys.open_bearer(own.token, moment(NOW)), Err(why), "{}", own.name);
    }
}

#[test]
fn a_cookies_name_says_which_keys_are_tried() {
    for own in own() {
        let keys = keyring(&[own.secret]);
        for name in keys.names().filter(|name| *name != own.cookie) {
            let opened = keys.open_cookie(name, own.token, moment(NOW));
            // Version 4 has one key for all its cookies, and a renamed cookie may be either's.
            let same = own.family == Family::V4
                && (name.ends_with("next-auth.session-token") || name == "shop-session");
            assert_eq!(opened.is_ok(), same, "{} as {name}: {opened:?}", own.name);
        }
    }
}

/// Numbers from a seed: the same on every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(most).unwrap()).unwrap()
    }
}

/// A token with one bit of what it encodes turned over.
fn with_a_bit_turned(token: &str, dice: &mut Dice) -> String {
    let mut parts: Vec<Vec<u8>> =
        token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap()).collect();
    // By length, so that each bit is as likely as any other.
    let bits = parts.iter().map(Vec::len).sum::<usize>() * 8;
    let mut at = dice.below(bits);
    for part in &mut parts {
        if at < part.len() * 8 {
            part[at / 8] ^= 1 << (at % 8);
            break;
        }
        at -= part.len() * 8;
    }
    parts.iter().map(|part| URL_SAFE_NO_PAD.encode(part)).collect::<Vec<_>>().join(".")
}

/// A token with one bit of its own text turned over; none where that is no text any more.
fn with_a_letter_turned(token: &str, dice: &mut Dice) -> Option<String> {
    let mut bytes = token.as_bytes().to_vec();
    let at = dice.below(bytes.len());
    bytes[at] ^= 1 << dice.below(8);
    String::from_utf8(bytes).ok()
}

#[test]
fn of_a_thousand_tokens_with_a_bit_turned_none_opens() {
    let (all, mut dice) = (own(), Dice(0x9e37_79b9_7f4a_7c15));
    let rings: Vec<Keyring> = all.iter().map(|own| keyring(&[own.secret])).collect();
    let mut tried = 0;
    while tried < 1_000 {
        let which = dice.below(all.len());
        let spoilt = [
            Some(with_a_bit_turned(all[which].token, &mut dice)),
            with_a_letter_turned(all[which].token, &mut dice),
        ];
        for spoilt in spoilt.into_iter().flatten() {
            assert_ne!(spoilt, all[which].token);
            for opened in [
                rings[which].open_cookie(all[which].cookie, &spoilt, moment(NOW)),
                rings[which].open_bearer(&spoilt, moment(NOW)),
            ] {
                assert!(opened.is_err(), "{}: {spoilt}", all[which].name);
            }
        }
        tried += 1;
    }
}
