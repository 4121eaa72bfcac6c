//! The repository as the rules see it: every file's path and bytes, and every Rust file read once.
//! Rules must get all they know from here, so that a test can hand them a repository of three lines.

use super::source::Source;
use std::path::Path;

/// One file.
pub struct File {
    /// Relative to the root, with `/`.
    pub path: String,
    pub bytes: Vec<u8>,
    /// Present for `.rs` files.
    pub source: Option<Source>,
}

impl File {
    fn new(path: &str, bytes: Vec<u8>) -> Self {
        let text = std::str::from_utf8(&bytes).ok();
        let source = text.filter(|_| path.ends_with(".rs")).map(Source::read);
        Self { path: path.to_owned(), bytes, source }
    }

    /// The content, unless it is binary.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.bytes).ok().filter(|text| !text.contains('\0'))
    }

    /// Whether the whole file is a test or serves tests alone, by its place.
    pub fn is_test(&self) -> bool {
        let mut parts = self.path.split('/');
        parts.any(|part| matches!(part, "tests" | "tests.rs" | "fixtures" | "benches"))
            || self.source.as_ref().is_some_and(|source| source.is_test)
    }
}

/// All files.
pub struct Tree {
    files: Vec<File>,
}

impl Tree {
    /// Reads the files with these paths under `root`.
    ///
    /// # Errors
    /// A sentence that names the file.
    pub fn read(root: &Path, paths: &[String]) -> Result<Self, String> {
        let files = paths
            .iter()
            .map(|path| {
                let bytes = std::fs::read(root.join(path)).map_err(|error| format!("{path}: {error}"))?;
                Ok(File::new(path, bytes))
            })
            .collect::<Result<_, String>>()?;
        Ok(Self { files })
    }

    /// A repository for a test.
    #[cfg(test)]
    pub fn of(files: &[(&str, &str)]) -> Self {
        Self { files: files.iter().map(|(path, text)| File::new(path, text.as_bytes().to_vec())).collect() }
    }

    pub fn files(&self) -> &[File] {
        &self.files
    }

    /// The Rust files under `folder` that are not tests, with what is in them.
    pub fn sources<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = (&'a str, &'a Source)> {
        self.files
            .iter()
            .filter(move |file| file.path.starts_with(folder) && !file.is_test())
            .filter_map(|file| file.source.as_ref().map(|source| (file.path.as_str(), source)))
    }
}
