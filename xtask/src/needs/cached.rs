//! Folders that are filled from a registry once and kept under `target/`, until what they are made of changes.
//! Guards: a folder counts only when its stamp, written last, is the one that is wanted; a download that broke off
//! is thrown away. Two runs at once wait for each other. Must never be used for what cannot be made again.

use crate::session::Failure;
use crate::workspace::root;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Written into a folder when it is complete.
const STAMP: &str = "numberotp-stamp";

/// Why a folder could not be filled.
pub enum Unfilled {
    /// The need cannot be met; a sentence.
    Missing(String),
    /// The whole run ends.
    Failed(Failure),
}

impl From<Failure> for Unfilled {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<String> for Unfilled {
    fn from(told: String) -> Self {
        Self::Failed(Failure::Told(told))
    }
}

/// The folder `name`, filled: as it was left if its stamp is `stamp`, else emptied and filled anew by `fill`.
///
/// # Errors
/// What `fill` answers, and [`Unfilled::Failed`] when files cannot be written.
pub fn folder(
    name: &str,
    stamp: &str,
    fill: impl FnOnce(&Path) -> Result<(), Unfilled>,
) -> Result<PathBuf, Unfilled> {
    folder_in(&root().join("target").join("clients"), name, stamp, fill)
}

fn folder_in(
    base: &Path,
    name: &str,
    stamp: &str,
    fill: impl FnOnce(&Path) -> Result<(), Unfilled>,
) -> Result<PathBuf, Unfilled> {
    let cannot = |what: &str, path: &Path, error: std::io::Error| {
        Unfilled::Failed(Failure::Told(format!("cannot {what} {}: {error}", path.display())))
    };
    std::fs::create_dir_all(base).map_err(|error| cannot("make", base, error))?;
    // The system frees the lock with the file, however we end.
    let guard = base.join(format!("{name}.lock"));
    let lock = File::create(&guard).map_err(|error| cannot("make", &guard, error))?;
    lock.lock().map_err(|error| cannot("lock", &guard, error))?;

    let folder = base.join(name);
    let stamped = folder.join(STAMP);
    if std::fs::read_to_string(&stamped).is_ok_and(|found| found == stamp) {
        return Ok(folder);
    }
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(|error| cannot("empty", &folder, error))?;
    }
    std::fs::create_dir_all(&folder).map_err(|error| cannot("make", &folder, error))?;
    fill(&folder)?;
    std::fs::write(&stamped, stamp).map_err(|error| cannot("write", &stamped, error))?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::temp::TempFolder;

    #[test]
    fn a_folder_is_filled_once_and_anew_when_its_stamp_changes_or_the_filling_broke_off() {
        let base = TempFolder::new(&std::env::temp_dir()).unwrap();
        let fills = std::cell::Cell::new(0);
        let ask = |stamp: &str, works: Result<(), Unfilled>| {
            folder_in(base.path(), "kept", stamp, |folder| {
                fills.set(fills.get() + 1);
                assert!(!folder.join("left").exists(), "what an earlier filling left is gone");
                std::fs::write(folder.join("left"), "").unwrap();
                works
            })
        };
        let broken = || Err(Unfilled::Missing("no registry".to_owned()));
        assert!(matches!(ask("one", broken()), Err(Unfilled::Missing(_))));
        for (stamp, expected) in [("one", 2), ("one", 2), ("two", 3), ("one", 4)] {
            assert!(ask(stamp, Ok(())).is_ok_and(|folder| folder.join("left").exists()));
            assert_eq!(fills.get(), expected, "{stamp}");
        }
    }
}
