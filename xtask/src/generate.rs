//! `cargo xtask generate`: writes what is generated from the code and committed, `docs/generated/`. A test compares
//! the files with what the program prints, so that whoever forgets this command is told.

use crate::session::{Failure, Session};
use crate::workspace::{cargo, root};

/// (file, the arguments whose output it holds).
const FILES: &[(&str, &[&str])] =
    &[("openapi.json", &["openapi"]), ("openapi.sandbox.json", &["openapi", "--sandbox"])];

/// Writes the files.
///
/// # Errors
/// [`Failure::Told`] when the program does not build or a file cannot be written; [`Failure::Interrupted`].
pub fn run(session: &Session) -> Result<(), Failure> {
    let folder = root().join("docs").join("generated");
    std::fs::create_dir_all(&folder)
        .map_err(|error| Failure::Told(format!("cannot make {}: {error}", folder.display())))?;
    let build = ["build", "--workspace", "--bin", "numberotp"];
    session.run_ok(cargo().args(build), "the binary does not compile")?;
    for (name, arguments) in FILES {
        let path = folder.join(name);
        let text = printed(arguments)?;
        std::fs::write(&path, text)
            .map_err(|error| Failure::Told(format!("cannot write {}: {error}", path.display())))?;
        println!("xtask: wrote {}", path.display());
    }
    Ok(())
}

fn printed(arguments: &[&str]) -> Result<Vec<u8>, Failure> {
    let mut command = cargo();
    command
        .args(["run", "--quiet", "--package", "numberotp-server", "--bin", "numberotp", "--"])
        .args(arguments);
    let output = command.output().map_err(|error| Failure::Told(format!("cargo does not start: {error}")))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(Failure::Told(format!(
        "numberotp {}: {}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr)
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_generated_file_has_its_line() {
        let mut found: Vec<String> = std::fs::read_dir(root().join("docs").join("generated"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        found.sort();
        assert_eq!(found, FILES.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    }
}
