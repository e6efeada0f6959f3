//! What was found in an archive without a manifest, so that it is read once.

use std::fs;
use std::io::Write as _;

use tempfile::NamedTempFile;

use super::kind::Archive;
use super::remote::Found;
use super::scan::Scan;
use crate::sync::journal::Journal;

/// What the file is called, beside the journals of the same pair.
const WHICH: &str = "archive";

/// What an earlier run found in this very revision of an archive.
pub(super) fn read(journal: &Journal, found: &Found, kind: Archive) -> Option<Scan> {
    let text = fs::read(journal.path(WHICH)).ok()?;
    let scan: Scan = serde_json::from_slice(&text).ok()?;
    let said = &scan.manifest.archive;
    let is_this = said.etag.is_some() && said.etag == found.etag && said.bytes == found.bytes;
    // Where a file lands never depends on what a cache says.
    (is_this && said.kind == kind && scan.manifest.check_paths().is_ok()).then_some(scan)
}

/// Keeps what was found. Where that cannot be done, the next run reads the archive again.
pub(super) fn write(journal: &Journal, scan: &Scan) {
    let path = journal.path(WHICH);
    let Some(folder) = path.parent() else {
        return;
    };
    let written = || -> std::io::Result<()> {
        journal.make_folder()?;
        let mut file = NamedTempFile::new_in(folder)?;
        file.write_all(&serde_json::to_vec(scan)?)?;
        file.persist(&path)?;
        Ok(())
    };
    // A cache that is not there costs time and nothing else.
    let _best_effort = written();
}
