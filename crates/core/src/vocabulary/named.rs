//! Finds the services that a message names. Looks words up, so it takes microseconds whatever the number of
//! services.
//!
//! Guards a person's privacy: by this a message goes to one of two leases of a number. What could be chance
//! must not count. Never add a rule that finds more without asking what it finds by accident.

use super::everyday::EVERYDAY;
use super::service::{Service, ServiceCode, is_domain};
use super::words::{Address, Word, addresses, words};
use std::collections::{HashMap, HashSet};

/// Hosts where anybody can have a page, a channel or an app: a link there says nothing about the sender.
const ANYBODYS: [&str; 22] = [
    "t.me",
    "wa.me",
    "api.whatsapp.com",
    "chat.whatsapp.com",
    "fb.com",
    "fb.me",
    "facebook.com",
    "instagram.com",
    "threads.net",
    "threads.com",
    "twitter.com",
    "x.com",
    "tiktok.com",
    "youtube.com",
    "discord.gg",
    "line.me",
    "vk.com",
    "ok.ru",
    "play.google.com",
    "docs.google.com",
    "maps.google.com",
    "apps.apple.com",
];

/// Ends of web addresses beside those of the services' own domains.
const TOPS: [&str; 20] = [
    "app", "biz", "cc", "club", "dev", "eu", "info", "link", "live", "ly", "online", "page", "shop", "site",
    "store", "tech", "top", "vip", "website", "xyz",
];

/// Where a name counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    Anywhere,
    /// As the whole text, in brackets, or before a colon at the start.
    Marked,
}

/// A way to say a name, after its first word.
#[derive(Debug)]
struct Spoken {
    rest: Vec<Box<str>>,
    place: Place,
    services: Vec<ServiceCode>,
}

/// Names by their first word, and domains. All in lower case.
#[derive(Default, Debug)]
pub(super) struct NameIndex {
    /// The longest names first.
    names: HashMap<Box<str>, Vec<Spoken>>,
    domains: HashMap<Box<str>, Vec<ServiceCode>>,
    /// What the domains of services end with, such as `com`.
    tops: HashSet<Box<str>>,
}

impl NameIndex {
    /// The index of these services.
    pub(super) fn of(services: &[Service]) -> Self {
        let everyday: HashSet<&str> = EVERYDAY.split([',', '\n']).map(str::trim).collect();
        let mut index = Self::default();
        for service in services {
            index.add(service, &everyday);
        }
        for spoken in index.names.values_mut() {
            spoken.sort_by_key(|spoken| usize::MAX.saturating_sub(spoken.rest.len()));
        }
        index
    }

    fn add(&mut self, service: &Service, everyday: &HashSet<&str>) {
        let name = service.name.to_lowercase();
        // What stands in parentheses tells two services of one name apart and is not said.
        let spoken = name.split(" (").next().unwrap_or_default();
        let parts: Vec<&str> = words(spoken, &[]).into_iter().map(|word| word.text).collect();
        let joined = parts.concat();
        for domain in &service.domains {
            self.add_domain(domain, &service.code);
        }
        if is_domain(spoken) {
            self.add_domain(spoken, &service.code);
        } else {
            self.add_name(&parts, place(&joined, everyday.contains(parts.join(" ").as_str())), &service.code);
        }
        // Senders have no spaces: `BurgerKing`.
        if parts.len() > 1 {
            self.add_name(&[&joined], place(&joined, everyday.contains(joined.as_str())), &service.code);
        }
    }

    fn add_domain(&mut self, domain: &str, code: &ServiceCode) {
        if let Some((_, top)) = domain.rsplit_once('.') {
            self.tops.insert(top.into());
        }
        add_code(self.domains.entry(domain.into()).or_default(), code);
    }

    fn add_name(&mut self, parts: &[&str], place: Place, code: &ServiceCode) {
        let Some((first, rest)) = parts.split_first() else { return };
        if parts.iter().all(|part| part.bytes().all(|b| b.is_ascii_digit())) {
            return;
        }
        let rest: Vec<Box<str>> = rest.iter().map(|&part| part.into()).collect();
        let spoken = self.names.entry((*first).into()).or_default();
        match spoken.iter_mut().find(|spoken| spoken.rest == rest) {
            Some(same) => add_code(&mut same.services, code),
            None => spoken.push(Spoken { rest, place, services: vec![code.clone()] }),
        }
    }

    /// The services named in these texts, each once, in order of appearance; in a text its links come first.
    pub(super) fn services_in(&self, texts: &[&str]) -> Vec<ServiceCode> {
        let mut found = Vec::new();
        for text in texts {
            self.collect(&text.to_lowercase(), &mut found);
        }
        found
    }

    fn collect(&self, text: &str, found: &mut Vec<ServiceCode>) {
        let addresses = addresses(text, |top| TOPS.contains(&top) || self.tops.contains(top));
        for code in addresses.iter().flat_map(|address| self.owners(address)) {
            add_code(found, code);
        }
        let words = words(text, &addresses);
        let mut rest = words.as_slice();
        while let [first, after @ ..] = rest {
            rest = after;
            let Some(spoken) = self.longest(text, first, after) else { continue };
            for code in &spoken.services {
                add_code(found, code);
            }
            rest = after.get(spoken.rest.len()..).unwrap_or_default();
        }
    }

    /// The longest name that begins with `first`.
    fn longest(&self, text: &str, first: &Word<'_>, after: &[Word<'_>]) -> Option<&Spoken> {
        self.names.get(first.text)?.iter().find(|spoken| {
            let said = after.get(..spoken.rest.len());
            let Some(said) =
                said.filter(|said| said.iter().zip(&spoken.rest).all(|(word, part)| word.text == &**part))
            else {
                return false;
            };
            spoken.place == Place::Anywhere || is_marked(text, first, said.last().unwrap_or(first))
        })
    }

    /// Whose host an address is: the longest domain that it is or lies under.
    fn owners(&self, address: &Address<'_>) -> &[ServiceCode] {
        let mut host = address.host.unwrap_or_default();
        loop {
            if !address.bound && ANYBODYS.contains(&host) {
                return &[];
            }
            if let Some(owners) = self.domains.get(host) {
                return owners;
            }
            let Some((_, parent)) = host.split_once('.') else { return &[] };
            host = parent;
        }
    }
}

/// Short names are letters of something else too often; so are everyday words.
fn place(joined: &str, everyday: bool) -> Place {
    if everyday || joined.chars().count() < 4 { Place::Marked } else { Place::Anywhere }
}

/// True where a name stands for itself: alone, in brackets, or before a colon with no word before it.
fn is_marked(text: &str, first: &Word<'_>, last: &Word<'_>) -> bool {
    let before = text.get(..first.span.start).unwrap_or_default().trim_end();
    let after = text.get(last.span.end..).unwrap_or_default().trim_start();
    let leads = !before.contains(char::is_alphanumeric);
    match (before.chars().next_back(), after.chars().next()) {
        (None, None) => true,
        (Some('['), Some(']'))
        | (Some('【'), Some('】'))
        | (Some('「'), Some('」'))
        | (Some('《'), Some('》')) => true,
        (_, Some(':' | '：')) => leads,
        _ => false,
    }
}

fn add_code(codes: &mut Vec<ServiceCode>, code: &ServiceCode) {
    if !codes.contains(code) {
        codes.push(code.clone());
    }
}
