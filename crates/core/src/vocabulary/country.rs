//! Countries as the field numbers them: small ids from 0, in no order that means anything.
//!
//! One place may have two ids: the United States are 187, and 12 are American numbers of virtual operators. A
//! country's ISO code and name mean its main id alone; what [`BY_ID_ONLY`] lists is reached by its number.

use super::table::{Table, VocabularyError};
use std::fmt;

/// The table, by id.
pub(super) const COUNTRIES: Table = Table { name: "countries", header: "id\tiso2\tname\tprefix" };

/// Ids that share their ISO code with a main one: neither ISO code nor name leads to them.
pub(super) const BY_ID_ONLY: [CountryId; 1] = [CountryId::new(12)];

/// A country's number in the field's list. It does not say that the country is in the table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct CountryId(u16);

impl CountryId {
    /// From the number.
    pub const fn new(id: u16) -> Self {
        Self(id)
    }

    /// Reads a decimal number as it is printed: no sign, no spaces, no leading zeros.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
        plain.then(|| text.parse().ok()).flatten().map(Self)
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for CountryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A row of the table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Country {
    /// The field's number: unique.
    pub id: CountryId,
    /// ISO 3166-1 alpha-2 in upper case; `XK` for Kosovo.
    pub iso: Box<str>,
    /// In English, short form.
    pub name: Box<str>,
    /// The digits that all its international numbers begin with: the calling code, and in the shared plan of
    /// North America the area code too where the country has just one.
    pub prefix: Box<str>,
}

/// Reads the table.
pub(super) fn read(text: &str) -> Result<Vec<(usize, Country)>, VocabularyError> {
    COUNTRIES.read(text, row)
}

fn row(columns: &[&str]) -> Result<Country, &'static str> {
    let [id, iso, name, prefix] = columns else { return Err("four columns are wanted") };
    let id = CountryId::parse(id).ok_or("id")?;
    if iso.len() != 2 || !iso.bytes().all(|b| b.is_ascii_uppercase()) {
        return Err("iso2");
    }
    if name.is_empty() || name.trim() != *name {
        return Err("name");
    }
    let digits = (1..=4).contains(&prefix.len()) && prefix.bytes().all(|b| b.is_ascii_digit());
    if !digits || prefix.starts_with('0') {
        return Err("prefix");
    }
    Ok(Country { id, iso: (*iso).into(), name: (*name).into(), prefix: (*prefix).into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_spelling() {
        assert_eq!(CountryId::parse("187"), Some(CountryId::new(187)));
        assert_eq!(CountryId::parse("0").unwrap().get(), 0);
        assert_eq!(CountryId::new(12).to_string(), "12");
        for text in ["", "+1", "-1", "007", "00", " 1", "1 ", "1.0", "US", "65536", "١"] {
            assert_eq!(CountryId::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_bad_row_is_named_by_line_and_column() {
        let fault = |row: &str| match read(&format!("id\tiso2\tname\tprefix\n{row}\n")) {
            Err(VocabularyError::Row { table: "countries", line: 2, fault }) => fault,
            other => panic!("{row:?}: {other:?}"),
        };
        assert_eq!(fault("x\tUS\tUnited States\t1"), "id");
        assert_eq!(fault("187\tus\tUnited States\t1"), "iso2");
        assert_eq!(fault("187\tUSA\tUnited States\t1"), "iso2");
        assert_eq!(fault("187\tUS\t\t1"), "name");
        assert_eq!(fault("187\tUS\tUnited States\t+1"), "prefix");
        assert_eq!(fault("187\tUS\tUnited States\t"), "prefix");
        assert_eq!(fault("187\tUS\tUnited States"), "four columns are wanted");
    }
}
