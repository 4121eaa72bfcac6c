//! A small disk that a test fills up and frees again: a file system in memory, mounted for it alone. Only the
//! machine's master may mount; elsewhere the test is skipped, and says so.
//!
//! Guards: it is unmounted with this value, whatever is still open on it. Never fills a disk that it did not make.

use crate::cluster::is_root;
use crate::database::skip;
use std::fmt::Display;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// What the ballast is written in, largest first: the last free page goes too.
const PIECES: [usize; 2] = [1024 * 1024, 4096];
static MADE: AtomicU32 = AtomicU32::new(0);

/// A disk of a few megabytes.
pub struct SmallDisk {
    path: PathBuf,
}

impl SmallDisk {
    /// Mounts a disk of so many megabytes. `None`, and noted as a skip, where that is not allowed.
    pub fn mount(megabytes: u32) -> Option<Self> {
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("numberotp_disk_{}_{number}", std::process::id()));
        if !is_root() {
            skip("only root may mount a small disk");
            return None;
        }
        must("a folder", std::fs::create_dir(&path));
        let size = format!("size={megabytes}m");
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(&path)
            .stderr(Stdio::null())
            .status();
        if !mount.is_ok_and(|status| status.success()) {
            let _was_empty = std::fs::remove_dir(&path);
            skip("a small disk cannot be mounted here");
            return None;
        }
        Some(Self { path })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Fills it to the last page.
    pub fn fill(&self) {
        let mut ballast = must("the ballast", File::options().create(true).append(true).open(self.ballast()));
        for piece in PIECES {
            let bytes = vec![0_u8; piece];
            while ballast.write_all(&bytes).is_ok() {}
        }
    }

    /// Frees what was filled.
    pub fn free(&self) {
        must("the ballast", std::fs::remove_file(self.ballast()));
    }

    fn ballast(&self) -> PathBuf {
        self.path.join("ballast")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: whatever still holds a file on it keeps nothing but that file.
        let unmounted = Command::new("umount").arg("-l").arg(&self.path).status();
        if unmounted.is_ok_and(|status| status.success()) {
            let _left_behind = std::fs::remove_dir(&self.path);
        }
    }
}

#[expect(clippy::panic, reason = "a test without its disk has to fail")]
fn must<T, E: Display>(about: &str, answer: Result<T, E>) -> T {
    answer.unwrap_or_else(|error| panic!("{about}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_full_and_free_and_gone() {
        let Some(disk) = SmallDisk::mount(1) else { return };
        let file = disk.path().join("file");
        disk.fill();
        assert!(std::fs::write(&file, [0; 4096]).is_err());
        disk.free();
        std::fs::write(&file, [0; 4096]).unwrap();
        let path = disk.path().to_path_buf();
        drop(disk);
        assert!(!path.exists());
    }
}
