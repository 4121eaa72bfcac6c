//! Configuration: every setting by flag, `NUMBEROTP_*` variable or TOML file, in this order of weight.
//! Read once at the start, checked as a whole, and refused with a sentence that says what to do.

mod authjs;
mod edge;
mod file;
mod limits;
mod policy;
mod resolve;
mod settings;
mod sign_in;

pub use authjs::{AuthJsSettings, Strangers};
pub use edge::{Edge, Enforced, Limits};
pub use file::ConfigError;
pub use limits::Settings;
pub use policy::{AllowLine, PolicyFile};
pub use resolve::{Resolved, ResolvedDatabase, master_key_missing, resolve, resolve_database};
pub use settings::{DatabaseSettings, LogFormat, OnOff, ServeSettings, SignedBy};
pub use sign_in::{AdminFactor, SignIn};

/// What a database is for. Written at the first start, never changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Test numbers, test money, demo routes.
    Sandbox,
    /// Real customers.
    Production,
}

impl Mode {
    /// The word in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Production => "production",
        }
    }
    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Sandbox, Self::Production].into_iter().find(|mode| mode.as_str() == text)
    }
}
