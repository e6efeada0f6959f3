//! The files of the folder, and the digests of those that have to be known.

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::num::NonZero;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use sha2::{Digest as _, Sha256};

use crate::sync::digits::hexadecimal;
use crate::sync::journal::{Journal, Reader, Record, Writer};
use crate::sync::key::check_key;
use crate::sync::plan::SkipReason;
use crate::sync::rules::{Rules, RulesFault};
use crate::sync::source::open_to_read;
use crate::sync::stamp::Stamp;
use crate::sync::walk::{Found, LocalFile, Walk};

/// How much is read at a time, in bytes.
pub(super) const FRAME: usize = 256 * 1024;

/// What a folder has.
#[derive(Debug, Default)]
pub(super) struct Folder {
    /// In byte order of their keys.
    pub(super) files: Vec<LocalFile>,
    /// Each with the reason why it takes no part.
    pub(super) skipped: Vec<(String, SkipReason)>,
    /// What its own files say of what takes part, in byte order of the folders.
    pub(super) rules: Vec<Rules>,
}

impl Folder {
    /// Walks to the end; a name that cannot be that of a download is skipped.
    ///
    /// # Errors
    ///
    /// When it is not known what takes no part.
    pub(super) fn of(walk: Option<Walk>) -> Result<Self, RulesFault> {
        let mut folder = Self::default();
        for found in walk.into_iter().flatten() {
            match found {
                Found::File(file) => match check_key(&file.key) {
                    Ok(()) => folder.files.push(file),
                    Err(fault) => folder.skipped.push((file.key, SkipReason::Key(fault))),
                },
                Found::Skipped { key, reason } => folder.skipped.push((key, reason)),
                // The walk obeys them by itself; for what an archive has they are kept.
                Found::Rules(rules) => folder.rules.push(rules),
                Found::Fault(fault) => return Err(fault),
            }
        }
        Ok(folder)
    }

    /// The SHA-256 of the names, sizes and times of all files.
    pub(super) fn listing(&self) -> String {
        let mut hash = Sha256::new();
        for file in &self.files {
            hash.update((file.key.len() as u64).to_be_bytes());
            hash.update(file.key.as_bytes());
            hash.update(file.size.to_be_bytes());
            hash.update(file.modified.as_nanosecond().to_be_bytes());
        }
        hexadecimal(&hash.finalize())
    }
}

/// The digest of one file, as far as it could be read.
#[derive(Debug)]
pub(super) enum Digest {
    /// The SHA-256 of its content, in hexadecimal digits.
    Sha256(String),
    /// It changed while it was read, so it is what nothing else is.
    Changing,
    /// It could not be read.
    Unreadable(io::Error),
}

/// The digests of some of the files, by the places of those among `files`.
///
/// What an earlier run knows of a file that has not changed since is not read again, and what
/// was read is written down for the next run.
pub(super) fn digests(
    root: &Path,
    files: &[LocalFile],
    wanted: &[usize],
    journal: Option<&Journal>,
) -> BTreeMap<usize, Digest> {
    let mut known = known(files, journal);
    let unknown: Vec<usize> = wanted
        .iter()
        .copied()
        .filter(|index| !known.contains_key(index))
        .collect();
    // Begun before anything is read: what was modified since then is not written down.
    let writer = journal
        .filter(|_| !unknown.is_empty())
        .and_then(Journal::same);
    known.extend(read_all(root, files, &unknown));
    if let Some(writer) = writer {
        keep(writer, files, &known);
    }
    known
}

fn known(files: &[LocalFile], journal: Option<&Journal>) -> BTreeMap<usize, Digest> {
    let Some(journal) = journal else {
        return BTreeMap::new();
    };
    let mut reader: Reader = journal.read();
    let facts = files.iter().enumerate().filter_map(|(index, file)| {
        let record = reader.find(&file.key)?;
        let is_same = record.stamp == file.stamp && !file.link;
        is_same.then_some((index, Digest::Sha256(record.etag)))
    });
    facts.collect()
}

/// Writes down what is known: a file with this stamp has this digest.
fn keep(mut writer: Writer, files: &[LocalFile], known: &BTreeMap<usize, Digest>) {
    for (number, (index, digest)) in (0..).zip(known) {
        let record = match (digest, files.get(*index)) {
            (Digest::Sha256(digest), Some(file)) => Some(Record {
                key: file.key.clone(),
                stamp: file.stamp,
                etag: digest.clone(),
            }),
            (Digest::Sha256(_) | Digest::Changing | Digest::Unreadable(_), _) => None,
        };
        writer.put(number, record);
    }
    writer.finish();
}

/// Reads files on as many threads as there are cores.
fn read_all(root: &Path, files: &[LocalFile], wanted: &[usize]) -> BTreeMap<usize, Digest> {
    let (next, done) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    let work = || {
        while let Some(index) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
            let Some(file) = files.get(*index) else {
                continue;
            };
            let digest = digest_of(&root.join(&file.key), file.stamp);
            let mut done = done
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            done.insert(*index, digest);
        }
    };
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        for _thread in 0..cores.min(wanted.len()) {
            scope.spawn(work);
        }
    });
    done.into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn digest_of(path: &Path, stamp: Stamp) -> Digest {
    let read = || -> io::Result<Option<String>> {
        let mut file = open_to_read(path)?;
        let mut hash = Sha256::new();
        let mut buffer = vec![0; FRAME];
        let mut left = stamp.size + 1;
        // One byte more than it should have shows a file that grows for ever.
        while left > 0 {
            let room = usize::try_from(left).map_or(FRAME, |left| left.min(FRAME));
            let read = file.read(&mut buffer[..room])?;
            if read == 0 {
                break;
            }
            hash.update(&buffer[..read]);
            left -= read as u64;
        }
        let is_same = left == 1 && Stamp::of(&file.metadata()?) == stamp;
        Ok(is_same.then(|| hexadecimal(&hash.finalize())))
    };
    match read() {
        Ok(Some(digest)) => Digest::Sha256(digest),
        Ok(None) => Digest::Changing,
        Err(error) => Digest::Unreadable(error),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn file(key: &str) -> LocalFile {
        LocalFile {
            key: key.to_owned(),
            size: 1,
            modified: Timestamp::UNIX_EPOCH,
            stamp: Stamp {
                device: 1,
                inode: 2,
                size: 1,
                modified: (3, 4),
                changed: (5, 6),
            },
            link: false,
        }
    }

    #[test]
    fn what_is_known_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let route = crate::sync::route::Route {
            direction: crate::sync::Direction::Up,
            folder: "here".into(),
            bucket: "bucket".to_owned(),
            prefix: "data.zip".to_owned(),
        };
        let journal = Journal::of(folder.path(), &route);
        let mut files = vec![file("a"), file("b")];
        let mut writer = journal.same().unwrap();
        for (number, file) in (0..).zip(&files) {
            writer.put(
                number,
                Some(Record {
                    key: file.key.clone(),
                    stamp: file.stamp,
                    etag: format!("the digest of {}", file.key),
                }),
            );
        }
        writer.finish();
        // There is nothing to read there.
        let nowhere = Path::new("/nowhere");
        files[1].stamp.changed = (5, 7);
        let found = digests(nowhere, &files, &[0, 1], Some(&journal));
        assert!(matches!(&found[&0], Digest::Sha256(digest) if digest == "the digest of a"));
        assert!(matches!(&found[&1], Digest::Unreadable(_)));
    }

    #[test]
    fn another_name_size_or_time_is_another_listing() {
        let listing = |change: fn(&mut LocalFile)| {
            let mut folder = Folder {
                files: vec![file("a")],
                ..Folder::default()
            };
            change(&mut folder.files[0]);
            folder.listing()
        };
        let same = listing(|_| {});
        assert_eq!(same, listing(|_| {}));
        assert_ne!(same, listing(|file| file.key.push('a')));
        assert_ne!(same, listing(|file| file.size = 2));
        assert_ne!(same, listing(|file| file.modified = Timestamp::MAX));
    }
}
