//! The field's vocabulary: which services and countries there are, under which codes, names and numbers.
//!
//! Input is liberal, output strict: a caller may write a service or a country in any spelling here, and
//! each layer of the API answers in its own. Guards the rule that a spelling means one thing: a code always
//! means its service, whatever else bears the same word. Built once from the tables that ship inside the
//! program and passed on; never a global.

mod country;
mod everyday;
mod named;
mod service;
mod table;
#[cfg(test)]
mod tests;
mod words;

pub use country::{Country, CountryId};
pub use service::{Service, ServiceCode};
pub use table::VocabularyError;

use country::{BY_ID_ONLY, COUNTRIES};
use named::NameIndex;
use service::SERVICES;
use std::collections::HashMap;

/// Which spelling wins where one word is the slug of one service and the code of another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Spelling {
    /// `/api` speaks in slugs.
    SlugFirst,
    /// `/v1` speaks in codes.
    CodeFirst,
}

/// Services and countries, and the ways to find them. Big: build it once and share it.
#[derive(Debug)]
pub struct Vocabulary {
    services: Vec<Service>,
    codes: HashMap<ServiceCode, usize>,
    slugs: HashMap<Box<str>, usize>,
    service_names: HashMap<String, usize>,
    countries: Vec<Country>,
    country_ids: HashMap<CountryId, usize>,
    isos: HashMap<Box<str>, usize>,
    country_names: HashMap<String, usize>,
    named: NameIndex,
}

/// A name without a number in brackets behind it: `Telegram (2)` is Telegram.
fn base_name(name: &str) -> &str {
    let numbered = name.strip_suffix(')').and_then(|rest| rest.rsplit_once(" ("));
    match numbered {
        Some((base, number)) if number.bytes().all(|byte| byte.is_ascii_digit()) => base,
        _ => name,
    }
}

impl Vocabulary {
    /// Builds it from the tables that ship with the program.
    ///
    /// # Errors
    /// When a table is malformed or a code, slug, id or ISO code comes twice: a fault of the build.
    pub fn load() -> Result<Self, VocabularyError> {
        Self::from_tables(include_str!("../../data/services.tsv"), include_str!("../../data/countries.tsv"))
    }

    fn from_tables(services: &str, countries: &str) -> Result<Self, VocabularyError> {
        let mut all = Self {
            services: Vec::new(),
            codes: HashMap::new(),
            slugs: HashMap::new(),
            service_names: HashMap::new(),
            countries: Vec::new(),
            country_ids: HashMap::new(),
            isos: HashMap::new(),
            country_names: HashMap::new(),
            named: NameIndex::default(),
        };
        for (line, service) in service::read(services)? {
            all.add_service(line, service)?;
        }
        for (line, country) in country::read(countries)? {
            all.add_country(line, country)?;
        }
        all.named = NameIndex::of(&all.services);
        Ok(all)
    }

    fn add_service(&mut self, line: usize, service: Service) -> Result<(), VocabularyError> {
        let at = self.services.len();
        if self.codes.insert(service.code.clone(), at).is_some() {
            return Err(SERVICES.repeated(line, service.code.as_str()));
        }
        if self.slugs.insert(service.slug.clone(), at).is_some() {
            return Err(SERVICES.repeated(line, &service.slug));
        }
        // Two services of one name: the name means the better known, which the table has first.
        self.service_names.entry(service.name.to_lowercase()).or_insert(at);
        self.services.push(service);
        Ok(())
    }

    fn add_country(&mut self, line: usize, country: Country) -> Result<(), VocabularyError> {
        let at = self.countries.len();
        if self.country_ids.insert(country.id, at).is_some() {
            return Err(COUNTRIES.repeated(line, &country.id.to_string()));
        }
        if !BY_ID_ONLY.contains(&country.id) {
            if self.isos.insert(country.iso.clone(), at).is_some() {
                return Err(COUNTRIES.repeated(line, &country.iso));
            }
            if self.country_names.insert(country.name.to_lowercase(), at).is_some() {
                return Err(COUNTRIES.repeated(line, &country.name));
            }
        }
        self.countries.push(country);
        Ok(())
    }

    /// All services, the best known first.
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// The service of a code.
    pub fn service(&self, code: &ServiceCode) -> Option<&Service> {
        self.services.get(*self.codes.get(code)?)
    }

    /// The service that a code stands for where the field has one service twice, under one name or with a number
    /// in brackets behind it: the better known of the two. Any other code stands for itself.
    pub fn canonical(&self, code: &ServiceCode) -> ServiceCode {
        let known = self.service(code).map(|service| base_name(&service.name).to_lowercase());
        let first =
            known.and_then(|name| self.service_names.get(&name)).and_then(|&at| self.services.get(at));
        first.map_or_else(|| code.clone(), |service| service.code.clone())
    }

    /// All codes of the service that a code is for, itself among them.
    pub fn twins(&self, code: &ServiceCode) -> Vec<ServiceCode> {
        let canonical = self.canonical(code);
        let same = self.services.iter().filter(|service| self.canonical(&service.code) == canonical);
        let twins: Vec<ServiceCode> = same.map(|service| service.code.clone()).collect();
        if twins.is_empty() { vec![code.clone()] } else { twins }
    }

    /// All countries, by id.
    pub fn countries(&self) -> &[Country] {
        &self.countries
    }

    /// The country of an id.
    pub fn country(&self, id: CountryId) -> Option<&Country> {
        self.countries.get(*self.country_ids.get(&id)?)
    }

    /// The service that somebody means by a code, a slug or an exact name, in any case, with spaces around it
    /// or not. `spelling` says which wins where a word is both a slug and a code.
    ///
    /// A word exactly as it stands in the table goes before one in another case. So `aol` is the code of one
    /// service, and `AOL` is the name of another; codes and slugs have no upper-case letters.
    pub fn find_service(&self, text: &str, spelling: Spelling) -> Option<&Service> {
        let text = text.trim_ascii();
        // Most who ask spell it so, and nothing has to be folded for them.
        if let Some(service) = self.by_slug_or_code(text, spelling) {
            return Some(service);
        }
        let folded = text.to_lowercase();
        let by_name = self.service_names.get(&folded).and_then(|&at| self.services.get(at));
        by_name
            .filter(|service| *service.name == *text)
            .or_else(|| self.by_slug_or_code(&folded, spelling))
            .or(by_name)
    }

    fn by_slug_or_code(&self, text: &str, spelling: Spelling) -> Option<&Service> {
        let (slug, code) = (|| self.slugs.get(text), || self.codes.get(text));
        let at = match spelling {
            Spelling::SlugFirst => slug().or_else(code),
            Spelling::CodeFirst => code().or_else(slug),
        };
        self.services.get(*at?)
    }

    /// The country that somebody means by an id, an ISO code or an exact name, in any case, with spaces around
    /// it or not. `US` is 187, never 12.
    pub fn find_country(&self, text: &str) -> Option<&Country> {
        let text = text.trim_ascii();
        if let Some(id) = CountryId::parse(text) {
            return self.country(id);
        }
        // Most who ask spell it so.
        let iso = self.isos.get(text).or_else(|| self.isos.get(text.to_ascii_uppercase().as_str()));
        let at = iso.or_else(|| self.country_names.get(&text.to_lowercase()))?;
        self.countries.get(*at)
    }

    /// The services that a message names: by name or domain, in its sender (`from`) or its text, each once, in
    /// order of appearance.
    ///
    /// It tells two open leases of one number apart, so it would rather miss a name than see one that was not
    /// meant. A longer name hides the shorter one in it: "Google Voice" does not name Google. Names that are
    /// everyday words count only as the whole sender, in brackets, or before a colon at the start. Addresses of
    /// mailboxes do not count, nor do links to pages that anybody can have, such as a channel.
    pub fn services_named_in(&self, from: &str, text: &str) -> Vec<ServiceCode> {
        self.named.services_in(&[from, text])
    }
}
