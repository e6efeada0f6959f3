//! Uploads in parts that are under way or were interrupted, each noted in a file of its own.
//!
//! A note says which upload belongs to a file and a key; which parts are there is S3's to
//! say, and what is in them their checksums'. So a note that is wrong, old or lost costs
//! time and nothing else. A process holds the lock of a note for as long as it works on the
//! upload: two never go on with one, and what nobody holds is nobody's.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::digits::hexadecimal;

/// How the files of notes end.
const SUFFIX: &str = "upload";
/// The longest note that is read, in bytes: a key and an upload id have about 1 KiB each.
const LONGEST: u64 = 16 * 1024;

/// The folder of the notes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ledger {
    folder: PathBuf,
}

/// What a note says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    pub(super) bucket: String,
    pub(super) key: String,
    /// What S3 calls the upload.
    pub(super) upload: String,
    /// What the upload was begun with besides content, in words: it stays so to its end.
    #[serde(default)]
    pub(super) like: String,
}

/// A note that this process holds.
#[derive(Debug)]
pub(super) struct Claim {
    path: PathBuf,
    /// Locked until it is dropped.
    file: File,
    place: (String, String),
    note: Option<Note>,
}

impl Ledger {
    /// The ledger beside the journals.
    pub(super) fn of(journals: &Path) -> Self {
        Self {
            folder: journals.join("uploads"),
        }
    }

    /// Takes hold of the note of a file and a key; `None` where another process has it, or
    /// nothing can be noted here.
    pub(super) fn claim(&self, source: &Path, (bucket, key): (&str, &str)) -> Option<Claim> {
        // A path that has no absolute form is taken as it is.
        let source = std::path::absolute(source).unwrap_or_else(|_| source.to_owned());
        let mut hash = Sha256::new();
        let source = source.as_os_str().as_encoded_bytes();
        for part in [source, bucket.as_bytes(), key.as_bytes()] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let mut name = hexadecimal(&hash.finalize());
        name.truncate(32);
        let path = self.folder.join(format!("{name}.{SUFFIX}"));
        let folder = DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = folder.and_then(|()| options.mode(0o600).open(&path)).ok()?;
        Claim::hold(path, file, (bucket, key))
    }

    /// The notes of keys that begin so: those that nobody holds, and the uploads that
    /// somebody is working on.
    pub(super) fn sorted(&self, bucket: &str, prefix: &str) -> (Vec<Claim>, BTreeSet<String>) {
        let (mut left, mut held) = (Vec::new(), BTreeSet::new());
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            let is_note = path.extension().is_some_and(|end| end == SUFFIX);
            let file = OpenOptions::new().read(true).write(true).open(&path);
            let (true, Ok(file)) = (is_note, file) else {
                continue;
            };
            // Read before the lock is asked for: whoever holds it has written it long ago.
            let Some(note) = read(&file) else {
                continue;
            };
            if note.bucket != bucket || !note.key.starts_with(prefix) {
                continue;
            }
            let place = (note.bucket.as_str(), note.key.as_str());
            match Claim::hold(path, file, place) {
                Some(claim) => left.push(claim),
                None => drop(held.insert(note.upload)),
            }
        }
        (left, held)
    }
}

impl Claim {
    fn hold(path: PathBuf, file: File, (bucket, key): (&str, &str)) -> Option<Self> {
        file.try_lock().ok()?;
        // Whoever had it may have thrown it away before it was locked here.
        if file.metadata().ok()?.nlink() == 0 {
            return None;
        }
        let note = read(&file);
        let is_ours = |note: &Note| (&*note.bucket, &*note.key) == (bucket, key);
        Some(Self {
            path,
            file,
            place: (bucket.to_owned(), key.to_owned()),
            note: note.filter(is_ours),
        })
    }

    /// What S3 calls the upload that an earlier run has left.
    pub(super) fn upload(&self) -> Option<&str> {
        self.note.as_ref().map(|note| note.upload.as_str())
    }

    /// Whether that upload was begun with the same besides content.
    pub(super) fn is_like(&self, like: &str) -> bool {
        self.note.as_ref().is_some_and(|note| note.like == like)
    }

    /// Notes an upload. Where that fails, the upload cannot be gone on with; it is known by
    /// its age then.
    pub(super) fn note(&mut self, upload: &str, like: &str) {
        let (bucket, key) = self.place.clone();
        let note = Note {
            bucket,
            key,
            upload: upload.to_owned(),
            like: like.to_owned(),
        };
        let written = serde_json::to_vec(&note).is_ok_and(|text| {
            self.file.set_len(0).is_ok()
                && self.file.rewind().is_ok()
                && self.file.write_all(&text).is_ok()
        });
        self.note = written.then_some(note);
    }

    /// Throws the note away: its upload is complete or aborted.
    pub(super) fn release(self) {
        let _gone = fs::remove_file(&self.path);
    }
}

/// What is half-written or of somebody else's making says nothing.
fn read(mut file: &File) -> Option<Note> {
    let mut text = Vec::new();
    file.rewind().ok()?;
    file.take(LONGEST).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_held_by_one_and_found_by_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::of(folder.path());
        let source = Path::new("/data/a");
        let mut claim = ledger.claim(source, ("bucket", "set/a")).unwrap();
        assert_eq!(claim.upload(), None);
        claim.note("first", "");
        claim.note("id", "a class");
        assert!(ledger.claim(source, ("bucket", "set/a")).is_none());
        let (left, held) = ledger.sorted("bucket", "set/");
        assert_eq!(left.len(), 0, "it is held");
        assert!(held.contains("id"));
        drop(claim);
        assert_eq!(ledger.sorted("bucket", "other/").0.len(), 0);
        assert_eq!(ledger.sorted("bucket", "set/").0[0].upload(), Some("id"));
        let claim = ledger.claim(source, ("bucket", "set/a")).unwrap();
        assert_eq!(claim.upload(), Some("id"));
        assert!(claim.is_like("a class") && !claim.is_like(""));
        claim.release();
        let claim = ledger.claim(source, ("bucket", "set/a")).unwrap();
        assert_eq!(claim.upload(), None);
    }

    #[test]
    fn what_is_no_note_says_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::of(folder.path());
        let other = r#"{"bucket":"bucket","key":"other","upload":"id"}"#;
        for text in ["", "{", "[]", "null", other, &"x".repeat(100_000)] {
            let claim = ledger.claim(Path::new("a"), ("bucket", "a")).unwrap();
            fs::write(&claim.path, text).unwrap();
            drop(claim);
            let claim = ledger.claim(Path::new("a"), ("bucket", "a")).unwrap();
            assert_eq!(claim.upload(), None, "{text:.20}");
            claim.release();
        }
    }
}
