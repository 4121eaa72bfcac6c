//! The clients that `cargo xtask test` found or installed, and scripts that run in a folder of their own.
//! Guards: a script sees nothing of the developer's environment (no proxy, no configuration, no other package).

use crate::program::Folder;
use numberotp_testkit::database::skip;
use serde_json::{Deserializer, Value};
use std::path::Path;
use std::process::{Command, Stdio};

/// One client, by the variables under which it is handed to tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    Curl,
    Python,
    Node,
}

impl Client {
    const fn variables(self) -> &'static [&'static str] {
        match self {
            Self::Curl => &["NUMBEROTP_TEST_CURL"],
            Self::Python => &["NUMBEROTP_TEST_PYTHON"],
            Self::Node => &["NUMBEROTP_TEST_NODE", "NUMBEROTP_TEST_NODE_MODULES"],
        }
    }

    /// Whether the client is there; where it is not, that the calling test cannot run is noted, or fails it.
    pub fn is_there(self) -> bool {
        self.variables().iter().all(|name| named(name).is_some())
    }

    /// Runs a script in the folder to its end; answers what it printed. It must end well.
    pub fn run(self, folder: &Folder, script: &str) -> String {
        let name = match self {
            Self::Curl => "sample.sh",
            Self::Python => "sample.py",
            Self::Node => "sample.mjs",
        };
        std::fs::write(folder.path().join(name), script).unwrap();
        printed(self.command(folder).arg(name), script)
    }

    /// The client's interpreter, to be started in the folder.
    pub fn command(self, folder: &Folder) -> Command {
        let place = folder.path();
        let program = match self {
            Self::Curl => "sh".to_owned(),
            Self::Python => variable("NUMBEROTP_TEST_PYTHON").unwrap(),
            Self::Node => {
                // Modules are looked up from the file's own folder on, and nowhere else.
                let modules = variable("NUMBEROTP_TEST_NODE_MODULES").unwrap();
                let link = place.join("node_modules");
                if !link.exists() {
                    std::os::unix::fs::symlink(modules, link).unwrap();
                }
                variable("NUMBEROTP_TEST_NODE").unwrap()
            }
        };
        let mut command = Command::new(program);
        command.env_clear().env("PATH", path_of(self)).env("HOME", place).env("CURL_HOME", place);
        command.current_dir(place).stdin(Stdio::null());
        command
    }
}

/// Where Chromium is; where it is not, that the calling test cannot run is noted, or fails it.
pub fn chromium() -> Option<String> {
    named("NUMBEROTP_TEST_CHROMIUM")
}

fn named(name: &str) -> Option<String> {
    let found = variable(name);
    if found.is_none() {
        skip(&format!("{name} names nothing"));
    }
    found
}

/// Runs a command to its end; answers what it printed. `about` is told when it does not end well.
pub fn printed(command: &mut Command, about: &str) -> String {
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{}\n{text}{errors}of\n{about}", output.status);
    text
}

/// The JSON values in a text, one after the other, with or without anything between them but blanks.
pub fn values(text: &str) -> Vec<Value> {
    let values: Result<Vec<Value>, _> = Deserializer::from_str(text).into_iter().collect();
    values.unwrap_or_else(|error| panic!("{error} in {text:?}"))
}

/// Where the system's programs are, and before them the client's own.
fn path_of(client: Client) -> String {
    let named = variable(client.variables()[0]).unwrap();
    let own = Path::new(&named).parent().unwrap().display().to_string();
    format!("{own}:{}", variable("PATH").unwrap_or_default())
}

/// What the test is told by its environment.
#[expect(clippy::disallowed_methods, reason = "tests are told of their needs by the environment")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
