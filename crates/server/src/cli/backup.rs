//! `numberotp backup` and `numberotp restore`: a copy of an embedded database while a server writes, and back.
//!
//! Guards: nothing is overwritten, and no file has its final name before all of it is on the disk and, if that was
//! asked for, proved. For PostgreSQL both print what to do with its own tools and end with exit code 2.

use super::output::Output;
use super::{CliError, refused, store_failed};
use crate::boot::{self, BootError};
use crate::config::{ConfigError, Mode, ResolvedDatabase};
use crate::store::Store;
use crate::store::audit::audit;
use crate::store::backup::{POSTGRES_WAY, copy, damage, gather, skip_numbers};
use numberotp_core::time::Time;
use serde_json::json;
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A file on its way: it has another name until it is whole. Gone with the value unless it was finished.
struct Draft {
    path: PathBuf,
    target: PathBuf,
}

impl Draft {
    /// An empty file beside the target, readable by its owner alone: keys will be in it.
    fn beside(target: &Path) -> Result<Self, CliError> {
        if taken(target) {
            return Err(refused(format!("{} exists already; nothing is overwritten.", target.display())));
        }
        let path = with_end(target, &format!(".part-{}", std::process::id()));
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        made.map_err(|error| unwritable(&path, &error))?;
        Ok(Self { path, target: target.to_owned() })
    }

    /// On the disk, then under its name, then the name on the disk.
    fn finish(self, copy: &ResolvedDatabase) -> Result<(), CliError> {
        gather(&copy.engine).map_err(store_failed)?;
        let placed = self.place();
        placed.map_err(|error| unwritable(&self.target, &error))
    }

    fn place(&self) -> io::Result<()> {
        // What stood there would not come along under the new name.
        if with_end(&self.path, "-wal").exists() {
            return Err(io::Error::other("somebody else has the copy open"));
        }
        File::open(&self.path)?.sync_all()?;
        // A second name, which fails where a file is; renaming would replace it.
        match std::fs::hard_link(&self.path, &self.target) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
            // Some file systems have no second names.
            Err(_) => std::fs::rename(&self.path, &self.target)?,
            Ok(()) => {}
        }
        let folder = self.target.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        for end in ["", "-wal", "-shm"] {
            // What was never made, or has its final name, is gone already.
            let _gone = std::fs::remove_file(with_end(&self.path, end));
        }
    }
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(end);
    PathBuf::from(name)
}

/// A database is more than its file: what a killed server wrote last stands beside it.
fn taken(path: &Path) -> bool {
    ["", "-wal", "-shm"].iter().any(|end| with_end(path, end).exists())
}

fn unwritable(path: &Path, error: &io::Error) -> CliError {
    CliError::Boot(BootError::Config(ConfigError(format!("{} cannot be written: {error}.", path.display()))))
}

fn file_of(database: &ResolvedDatabase) -> Result<&Path, CliError> {
    database
        .engine
        .file()
        .ok_or_else(|| CliError::Boot(BootError::Config(ConfigError(POSTGRES_WAY.to_owned()))))
}

/// Whether a copy is proved before it gets its name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    /// The file is checked and the books are recomputed.
    Wanted,
    /// It is taken as it is.
    None,
}

impl Proof {
    pub(super) fn of(verify: bool) -> Self {
        if verify { Self::Wanted } else { Self::None }
    }
}

/// `numberotp backup FILE`
pub(super) async fn backup(
    database: ResolvedDatabase,
    (target, proof): (PathBuf, Proof),
    output: Output,
) -> Result<(), CliError> {
    file_of(&database)?;
    // Says what is wrong with the original before anything is written.
    let original = boot::open_existing(&database)?;
    let draft = Draft::beside(&target)?;
    copy(&database.engine, &draft.path).map_err(store_failed)?;
    let of_copy = database.at_file(&draft.path);
    let books = match proof {
        Proof::None => None,
        Proof::Wanted => {
            whole(&of_copy)?;
            let store = boot::open_existing(&of_copy)?;
            let now = boot::now(&store).await.map_err(store_failed)?;
            let purchases = books(&store, now).await?;
            store.stop();
            Some(purchases)
        }
    };
    original.stop();
    draft.finish(&of_copy)?;
    let (file, bytes) =
        (target.display().to_string(), std::fs::metadata(&target).map_or(0, |file| file.len()));
    let answer = json!({ "file": file, "bytes": bytes, "verified": books.is_some(), "activations": books });
    output.answer(&answer, || match books {
        Some(purchases) => {
            format!("Backed up to {file} ({bytes} bytes). Verified: the file is whole, the books of its {purchases} purchases are clean.")
        }
        None => format!("Backed up to {file} ({bytes} bytes). Not verified."),
    });
    Output::say("Keep the master key in another place: with this file it opens the messages in it.");
    Ok(())
}

/// `numberotp restore FILE`
pub(super) async fn restore(
    database: ResolvedDatabase,
    (source, proof): (PathBuf, Proof),
    output: Output,
) -> Result<(), CliError> {
    let target = file_of(&database)?.to_owned();
    if with_end(&source, "-wal").exists() {
        let source = source.display();
        return Err(refused(format!(
            "{source} is a database in use: {source}-wal stands beside it. Back it up first: numberotp backup."
        )));
    }
    database.engine.make_room().map_err(store_failed)?;
    let draft = Draft::beside(&target)?;
    std::fs::copy(&source, &draft.path).map_err(|error| super::unreadable(&source, &error))?;
    let of_copy = database.at_file(&draft.path);
    if proof == Proof::Wanted {
        whole(&of_copy)?;
    }
    // An older program's backup is brought up to date; a newer one's is refused. Only the copy is touched.
    let store = boot::open_for_command(&of_copy)?;
    let mode = boot::mode_of(&store).await.map_err(store_failed)?;
    if let Some(mode) = mode {
        boot::open_vault(&store, mode, of_copy.master_key.as_ref()).await?;
    }
    let purchases = match proof {
        Proof::None => None,
        // As of no time: purchases that were open then are past their deadline now, and the next start settles them.
        Proof::Wanted => Some(books(&store, Time::from_micros(0)).await?),
    };
    store.write(skip_numbers).await.map_err(store_failed)?;
    store.stop();
    draft.finish(&of_copy)?;
    let mode = mode.map(Mode::as_str);
    let file = target.display().to_string();
    let answer =
        json!({ "file": file, "mode": mode, "verified": purchases.is_some(), "activations": purchases });
    output.answer(&answer, || {
        let proved = match purchases {
            Some(purchases) => {
                format!("Verified: the file is whole, the books of its {purchases} purchases are clean")
            }
            None => "Not verified".to_owned(),
        };
        let mode = mode.unwrap_or("none yet");
        format!("Restored to {file}, mode: {mode}. {proved}.")
    });
    Output::say(ADVICE);
    Ok(())
}

const ADVICE: &str = "The mode came along and stays; start the server with the same one. The keys of the messages came along too:
with the master key, messages that were kept when the backup was made can be read again until they are purged.
What was bought after the backup is not known here. Purchases that were open then are settled at the next start.
Never run this copy and its original side by side: both would sell and charge for the same accounts.";

/// The file as such.
fn whole(database: &ResolvedDatabase) -> Result<(), CliError> {
    match damage(&database.engine).map_err(store_failed)? {
        None => Ok(()),
        Some(line) => Err(refused(format!("The copy is damaged: {line}."))),
    }
}

/// The books; answers how many purchases they are about.
async fn books(store: &Store, now: Time) -> Result<i64, CliError> {
    let report = store.snapshot(move |tx| audit(tx, now)).await.map_err(store_failed)?;
    if report.clean() {
        return Ok(report.size.activations);
    }
    let wrong = report.checks.iter().filter(|check| check.violations != 0);
    let lines: Vec<String> =
        wrong.map(|check| format!("{} {}: {}", check.invariant, check.says, check.violations)).collect();
    Err(refused(format!("The books of the copy are NOT clean: {}. Nothing was kept.", lines.join("; "))))
}
