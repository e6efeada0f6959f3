//! Looks through a folder.

use std::io;
use std::path::{Path, PathBuf};

/// A file of the folder.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) path: PathBuf,
    /// Relative to the folder, with slashes.
    pub(crate) key: String,
    pub(crate) size: u64,
}

/// All files below a folder.
pub(crate) fn files(folder: &Path) -> io::Result<Vec<File>> {
    let mut found = Vec::new();
    visit(folder, "", &mut |file| found.push(file))?;
    Ok(found)
}

/// How many files are below a folder, each with a look at its size; none is kept.
pub(crate) fn count(folder: &Path) -> io::Result<u64> {
    let mut files = 0;
    visit(folder, "", &mut |_| files += 1)?;
    Ok(files)
}

fn visit(folder: &Path, prefix: &str, take: &mut impl FnMut(File)) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let key = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            visit(&entry.path(), &format!("{key}/"), take)?;
        } else {
            let size = entry.metadata()?.len();
            let path = entry.path();
            take(File { path, key, size });
        }
    }
    Ok(())
}
