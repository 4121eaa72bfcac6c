//! Where the workspace is, how cargo is called, and which files belong to the repository.
//! Files are those that git tracks or would track: ignored ones are nobody's business here.
//! Paths are told relative to the root, with `/`.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the workspace: the folder above xtask.
pub fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_path_buf()
}

/// The cargo that runs us, started in the root. `cargo run` describes our own package in the environment;
/// build scripts must not see that, or they would be built anew each time we and the developer take turns.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// Every file of the repository under `root` that is on disk, sorted.
///
/// # Errors
/// A sentence, when git is missing or `root` is not a work tree.
pub fn files(root: &Path) -> Result<Vec<String>, String> {
    let output = Command::new("git")
        // A clone that another user made (CI runs as root) is safe to list.
        .args(["-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .map_err(|error| format!("git does not start: {error}"))?;
    if !output.status.success() {
        return Err(format!("git ls-files: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    let mut paths: Vec<String> = String::from_utf8_lossy(&output.stdout)
        .split('\0')
        // A submodule or a file deleted but not yet staged has no content to look at.
        .filter(|path| !path.is_empty() && root.join(path).is_file())
        .map(str::to_owned)
        .collect();
    paths.sort();
    paths.dedup();
    Ok(paths)
}

/// Whether `program` is in PATH, and where.
pub fn in_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}
