//! A temporary folder that goes with its owner: on success, on failure and on panic alike.
//! Only its owner may look into it (mode 0700): it can hold a password.

use std::io::Read;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// A folder that is removed when this is dropped.
pub struct TempFolder {
    path: PathBuf,
}

impl TempFolder {
    /// Makes a new folder inside `base`.
    ///
    /// # Errors
    /// A sentence, when the folder cannot be made.
    pub fn new(base: &Path) -> Result<Self, String> {
        let path = base.join(format!("numberotp-test-{}", random_hex()?));
        std::fs::DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .map_err(|error| format!("cannot make {}: {error}", path.display()))?;
        Ok(Self { path })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for TempFolder {
    fn drop(&mut self) {
        // Already gone is as good as removed; anything else is worth a word, and nothing more can be done.
        if let Err(error) = std::fs::remove_dir_all(&self.path)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            eprintln!("xtask: cannot remove {}: {error}", self.path.display());
        }
    }
}

/// 16 random bytes in hexadecimal: a name nobody has, or a password nobody guesses.
///
/// # Errors
/// A sentence, when the system's generator cannot be read.
pub fn random_hex() -> Result<String, String> {
    let mut bytes = [0_u8; 16];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(|error| format!("cannot read /dev/urandom: {error}"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_folder_is_private_and_goes_with_its_owner_even_on_panic() {
        let kept = std::sync::Mutex::new(PathBuf::new());
        let panicked = std::panic::catch_unwind(|| {
            let folder = TempFolder::new(&std::env::temp_dir()).unwrap();
            std::fs::write(folder.path().join("file"), "x").unwrap();
            let mode = std::fs::metadata(folder.path()).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700);
            *kept.lock().unwrap() = folder.path().to_path_buf();
            std::panic::resume_unwind(Box::new("on purpose"));
        });
        assert_eq!(panicked.unwrap_err().downcast_ref::<&str>(), Some(&"on purpose"));
        let path = kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        assert!(path.starts_with(std::env::temp_dir()) && !path.exists());
    }
}
