//! The operator's part of the policy, as the configuration file says it: more to refuse, and exceptions with a
//! reason. It stands in the file alone, where it is seen and kept; no flag and no variable narrows the list.
//!
//! Guards: a name that nobody knows stops the start. Must never pass over a line that it does not understand.

use super::Mode;
use super::file::ConfigError;
use numberotp_core::policy::{Category, Narrowing, Place, PolicySettings, Target};
use numberotp_core::vocabulary::{ServiceCode, Spelling, Vocabulary};
use serde::Deserialize;

/// The table `[policy]` of the file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct PolicyFile {
    /// Services refused besides the shipped list, by code, slug or name.
    pub deny_services: Vec<String>,
    /// Categories refused besides the shipped list.
    pub deny_categories: Vec<String>,
    /// Exceptions.
    pub allow: Vec<AllowLine>,
}

/// An entry of `[[policy.allow]]`: one service or one category.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct AllowLine {
    /// One service, by code, slug or name.
    pub service: Option<String>,
    /// Or one category.
    pub category: Option<String>,
    /// Why it may be rented.
    pub reason: String,
}

impl PolicyFile {
    /// What it says, in the words of the policy.
    ///
    /// # Errors
    /// A service or category that nobody knows; an exception for both or neither.
    pub fn settings(&self, mode: Mode, vocabulary: &Vocabulary) -> Result<PolicySettings, ConfigError> {
        let service = |key, name: &String| service(vocabulary, key, name);
        // A service that the field has twice is denied under both codes.
        let twins = |name| service("policy.deny-services", name).map(|code| vocabulary.twins(&code));
        let deny_services = self.deny_services.iter().map(twins).collect::<Result<Vec<_>, _>>()?;
        let deny_categories =
            self.deny_categories.iter().map(|word| category("policy.deny-categories", word));
        let allow = self.allow.iter().map(|line| {
            let what = match (&line.service, &line.category) {
                (Some(name), None) => Target::Service(service("policy.allow", name)?),
                (None, Some(word)) => Target::Category(category("policy.allow", word)?),
                _ => {
                    let sentence =
                        "Each entry of policy.allow names one service or one category, and a reason.";
                    return Err(ConfigError(sentence.to_owned()));
                }
            };
            Ok(Narrowing { what, reason: line.reason.trim().to_owned() })
        });
        Ok(PolicySettings {
            deny_services: deny_services.concat(),
            deny_categories: deny_categories.collect::<Result<_, _>>()?,
            allow: allow.collect::<Result<_, _>>()?,
            place: match mode {
                Mode::Sandbox => Place::Sandbox,
                Mode::Production => Place::Production,
            },
        })
    }
}

fn service(vocabulary: &Vocabulary, key: &str, name: &str) -> Result<ServiceCode, ConfigError> {
    let found = vocabulary.find_service(name, Spelling::CodeFirst);
    found.map(|service| service.code.clone()).ok_or_else(|| {
        ConfigError(format!("{key}: there is no service {name}. Give a code such as tg, a slug or a name."))
    })
}

fn category(key: &str, word: &str) -> Result<Category, ConfigError> {
    Category::parse(word).ok_or_else(|| {
        let known: Vec<&str> = Category::ALL.iter().map(|category| category.as_str()).collect();
        ConfigError(format!("{key}: there is no category {word}. There are {}.", known.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Result<PolicySettings, ConfigError> {
        let file: PolicyFile = toml::from_str(text).map_err(|error| ConfigError(error.to_string()))?;
        file.settings(Mode::Production, &Vocabulary::load().unwrap())
    }

    #[test]
    fn the_documented_table_is_read() {
        let text = "deny-services = [\"telegram\"]\ndeny-categories = [\"gambling\"]\n\
                    [[allow]]\nservice = \"ts\"\nreason = \" Our own product. \"\n\
                    [[allow]]\ncategory = \"health\"\nreason = \"A licensed tester.\"\n";
        let read = settings(text).unwrap();
        assert_eq!(read.deny_services, ["tg", "eh"].map(|code| ServiceCode::parse(code).unwrap()));
        assert_eq!(read.deny_categories, [Category::Gambling]);
        assert_eq!(read.allow[0].reason, "Our own product.");
        assert_eq!(read.allow[0].what, Target::Service(ServiceCode::parse("ts").unwrap()));
        assert_eq!(read.allow[1].what, Target::Category(Category::Health));
        assert_eq!(read.place, Place::Production);
    }

    #[test]
    fn a_line_that_is_not_understood_is_named() {
        for (text, named) in [
            ("deny-services = [\"nosuch\"]", "nosuch"),
            ("deny-categories = [\"banks\"]", "banks"),
            ("deny-service = [\"tg\"]", "deny-service"),
            ("[[allow]]\nreason = \"x\"", "one service or one category"),
            (
                "[[allow]]\nservice = \"ts\"\ncategory = \"bank\"\nreason = \"x\"",
                "one service or one category",
            ),
        ] {
            let Err(error) = settings(text) else { panic!("{text} was taken") };
            assert!(error.0.contains(named), "{text}: {error}");
        }
    }
}
