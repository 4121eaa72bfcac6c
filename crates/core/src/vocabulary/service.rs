//! Services: whose codes a number can receive. The short code is the field's own and older than this
//! product; the slug is ours.
//!
//! A [`ServiceCode`] is checked when it is made, so that it can stand in a URL, a log or a key as it is. It
//! does not say that the service is in the table: providers know newer ones.

use super::table::{Table, VocabularyError};
use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

/// The table, in the order of popularity that the field lists them in.
pub(super) const SERVICES: Table = Table { name: "services", header: "code\tslug\tname\tdomains" };

/// A service's short code, such as `tg`: 1 to 8 lower-case ASCII letters and digits. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ServiceCode(Arc<str>);

impl ServiceCode {
    /// Reads a code as it is written: no other case, no spaces. For what people type see
    /// [`Vocabulary::find_service`](super::Vocabulary::find_service).
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=8).contains(&text.len());
        let plain = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        (fits && plain).then(|| Self(text.into()))
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServiceCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Borrow<str> for ServiceCode {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// A row of the table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Service {
    /// The field's code: unique.
    pub code: ServiceCode,
    /// Lower-case ASCII letters, digits and single dashes: unique, and never another service's code.
    pub slug: Box<str>,
    /// For people. The field has some services twice under one name.
    pub name: Box<str>,
    /// Domains of the service, lower case, the best known first; empty for most.
    pub domains: Vec<Box<str>>,
}

/// Reads the table.
pub(super) fn read(text: &str) -> Result<Vec<(usize, Service)>, VocabularyError> {
    SERVICES.read(text, row)
}

fn row(columns: &[&str]) -> Result<Service, &'static str> {
    let [code, slug, name, domains] = columns else { return Err("four columns are wanted") };
    let code = ServiceCode::parse(code).ok_or("code")?;
    if !is_slug(slug) {
        return Err("slug");
    }
    if name.is_empty() || name.trim() != *name {
        return Err("name");
    }
    let domains: Vec<Box<str>> =
        domains.split(',').filter(|domain| !domain.is_empty()).map(Box::from).collect();
    if !domains.iter().all(|domain| is_domain(domain)) {
        return Err("domains");
    }
    Ok(Service { code, slug: (*slug).into(), name: (*name).into(), domains })
}

/// Lower-case ASCII letters and digits in parts, joined by single dashes.
fn is_slug(text: &str) -> bool {
    text.split('-')
        .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()))
}

/// At least two labels of lower-case ASCII letters, digits and inner dashes, the last without digits.
pub(super) fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        let plain = label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        plain && !label.is_empty() && !label.starts_with('-') && !label.ends_with('-')
    };
    text.rsplit_once('.').is_some_and(|(_, last)| {
        last.len() > 1 && last.bytes().all(|b| b.is_ascii_lowercase()) && text.split('.').all(label)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_lower_case_letters_and_digits() {
        for text in ["tg", "full", "ot", "a", "abcd1234"] {
            assert_eq!(ServiceCode::parse(text).unwrap().as_str(), text);
        }
        for text in ["", "TG", "t-g", " tg", "tg\n", "ćg", "abcd12345", "t'"] {
            assert_eq!(ServiceCode::parse(text), None, "{text:?}");
        }
        assert_eq!(ServiceCode::parse("tg").unwrap().to_string(), "tg");
    }

    #[test]
    fn a_bad_row_is_named_by_line_and_column() {
        let table = |row: &str| format!("code\tslug\tname\tdomains\nwa\twhatsapp\tWhatsApp\t\n{row}\n");
        let fault = |row: &str| match read(&table(row)) {
            Err(VocabularyError::Row { table: "services", line: 3, fault }) => fault,
            other => panic!("{row:?}: {other:?}"),
        };
        assert_eq!(fault("TG\ttelegram\tTelegram\t"), "code");
        for slug in ["", "Telegram", "tele gram", "-telegram", "tele--gram", "télégram"] {
            assert_eq!(fault(&format!("tg\t{slug}\tTelegram\t")), "slug");
        }
        assert_eq!(fault("tg\ttelegram\t Telegram\t"), "name");
        for domain in ["telegram", "t.me,", "Telegram.org", "t..me", "t.me, telegram.org", "t.m3"] {
            let line = format!("tg\ttelegram\tTelegram\t{domain}");
            if domain == "t.me," {
                assert_eq!(read(&table(&line)).unwrap()[1].1.domains, [Box::from("t.me")]);
            } else {
                assert_eq!(fault(&line), "domains", "{domain}");
            }
        }
        assert_eq!(fault("tg\ttelegram\tTelegram"), "four columns are wanted");
        assert_eq!(fault(""), "four columns are wanted");
        assert_eq!(read("tg\ttelegram\tTelegram\t\n"), Err(SERVICES.fault(1, "header")));
    }
}
