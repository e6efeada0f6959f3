//! The files of a folder, in byte order of their keys.

use std::fs::{self, DirEntry, FileType, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::vec;

use jiff::Timestamp;

use super::filter::Filter;
use super::plan::SkipReason;
use super::rules::{RULES_FILE, Rules, RulesFault, leave_out};
use super::stamp::Stamp;
use super::target::{DRAWN, TEMPORARY_SUFFIX};

/// One file of the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LocalFile {
    pub(super) key: String,
    pub(super) size: u64,
    pub(super) modified: Timestamp,
    pub(super) stamp: Stamp,
    /// Whether it is a symbolic link that was not followed.
    pub(super) link: bool,
}

/// One thing that a walk finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// What a folder leaves out; comes before all that is in the folder.
    Rules(Rules),
    /// What a folder leaves out cannot be told.
    Fault(RulesFault),
    File(LocalFile),
    Skipped {
        key: String,
        reason: SkipReason,
    },
}

/// What a walk does with symbolic links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Links {
    /// Follows them, as a source does.
    Follow,
    /// Reports them as they are, as a target does.
    Leave,
    /// Says that it does not follow them.
    Skip,
}

/// The files of a folder, in byte order of their keys.
///
/// A folder's name is compared with the `/` that its keys have, which is the
/// order of S3's listings. At any moment the walk holds the names of the folders
/// on its way down, and no more.
pub(super) struct Walk {
    root: PathBuf,
    filter: Filter,
    links: Links,
    /// Whether the rules of folders hold for what is found.
    obeys: bool,
    /// What the root says of itself.
    first: Option<Found>,
    levels: Vec<Level>,
}

/// A folder that the walk is in.
struct Level {
    /// Empty for the root, or the key of the folder with its `/`.
    prefix: String,
    identity: Identity,
    rules: Option<Rules>,
    entries: vec::IntoIter<Entry>,
}

/// The device and the inode of a folder: the same folder, whatever its path.
type Identity = (u64, u64);

/// One name of a folder.
struct Entry {
    /// The bytes of the name, with a `/` after that of a folder.
    order: Vec<u8>,
    kind: EntryKind,
}

enum EntryKind {
    Folder(Identity),
    /// A file whose metadata may still have to be asked for; boxed, because a folder may have
    /// a million of them.
    File(Option<Box<Metadata>>),
    Link,
    Skipped(SkipReason),
}

impl Walk {
    #[cfg(test)]
    pub(super) fn new(root: PathBuf, filter: Filter, links: Links) -> io::Result<Self> {
        Self::obeying(root, filter, links, true)
    }

    /// Opens the root; what cannot be read below it is skipped. What the rules of folders
    /// leave out is found where the walk does not obey them; they are told all the same.
    pub(super) fn obeying(
        root: PathBuf,
        filter: Filter,
        links: Links,
        obeys: bool,
    ) -> io::Result<Self> {
        let metadata = fs::metadata(&root)?;
        let mut walk = Self {
            root,
            filter,
            links,
            obeys,
            first: None,
            levels: Vec::new(),
        };
        walk.first = walk.open(String::new(), identity(&metadata))?;
        Ok(walk)
    }

    /// Goes into a folder, and tells its rules where it has some.
    fn open(&mut self, prefix: String, identity: Identity) -> io::Result<Option<Found>> {
        let mut listed = Vec::new();
        let mut has_rules = false;
        for entry in fs::read_dir(self.root.join(&prefix))? {
            let entry = entry?;
            has_rules |= entry.file_name() == RULES_FILE;
            listed.push(entry);
        }
        let rules = if has_rules {
            match Rules::read(&self.root, &prefix) {
                Ok(rules) => rules,
                Err(fault) => return Ok(Some(Found::Fault(fault))),
            }
        } else {
            None
        };
        self.levels.push(Level {
            prefix,
            identity,
            rules,
            entries: Vec::new().into_iter(),
        });
        let entries = self.read_entries(listed);
        // The level is the one that was pushed above.
        let level = match (self.levels.last_mut(), entries) {
            (Some(level), Ok(entries)) => {
                level.entries = entries.into_iter();
                level
            }
            (_, Err(error)) => {
                self.levels.pop();
                return Err(error);
            }
            (None, Ok(_)) => return Ok(None),
        };
        Ok(level.rules.clone().map(Found::Rules))
    }

    fn read_entries(&self, listed: Vec<DirEntry>) -> io::Result<Vec<Entry>> {
        let prefix = self.levels.last().map_or("", |level| &level.prefix);
        let mut entries = Vec::new();
        for entry in listed {
            match self.look_at(prefix, &entry) {
                Ok(found) => entries.extend(found),
                // One name is gone. That says nothing of the folder and of all else in it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        entries.sort_unstable_by(|one, other| one.order.cmp(&other.order));
        Ok(entries)
    }

    /// Whether the rules of the folders on the way leave something out.
    fn leaves_out(&self, key: &str, is_folder: bool) -> bool {
        let rules = self.levels.iter().filter_map(|level| level.rules.as_ref());
        self.obeys && leave_out(rules, key, is_folder)
    }

    /// `None` stands for what takes no part: excluded, ours, or gone by now.
    fn look_at(&self, prefix: &str, entry: &DirEntry) -> io::Result<Option<Entry>> {
        let name = entry.file_name();
        let Some(text) = name.to_str() else {
            let shown = format!("{prefix}{}", name.to_string_lossy());
            let is_file = entry.file_type()?.is_file();
            // What is in a folder might be let in, and is unknown.
            let is_out = if is_file {
                !self.filter.keeps(&shown)
            } else {
                self.filter.drops_folder(&shown)
            };
            return Ok((!is_out).then(|| Entry {
                order: name.as_bytes().to_vec(),
                kind: EntryKind::Skipped(SkipReason::NotUtf8),
            }));
        };
        let key = format!("{prefix}{text}");
        if is_temporary(text) {
            let order = text.as_bytes().to_vec();
            let is_leftover = self.links == Links::Leave && entry.file_type()?.is_file();
            let kind = EntryKind::Skipped(SkipReason::Leftover);
            return Ok(is_leftover.then_some(Entry { order, kind }));
        }
        if self.filter.drops_folder(&key) && !self.filter.keeps(&key) {
            return Ok(None);
        }
        let file_type = entry.file_type()?;
        // What a link leads to is not known yet.
        if !file_type.is_symlink() && self.leaves_out(&key, file_type.is_dir()) {
            return Ok(None);
        }
        let Some(kind) = self.kind(&key, file_type, &entry.path()) else {
            return Ok(None);
        };
        let is_folder = matches!(kind, EntryKind::Folder(_));
        if file_type.is_symlink() && self.leaves_out(&key, is_folder) {
            return Ok(None);
        }
        if text == RULES_FILE && !is_folder {
            return Ok(None);
        }
        let mut order = text.as_bytes().to_vec();
        match kind {
            EntryKind::Folder(_) => order.push(b'/'),
            EntryKind::File(_) | EntryKind::Link | EntryKind::Skipped(_) => {
                if !self.filter.keeps(&key) {
                    return Ok(None);
                }
            }
        }
        Ok(Some(Entry { order, kind }))
    }

    fn kind(&self, key: &str, file_type: FileType, path: &Path) -> Option<EntryKind> {
        if file_type.is_file() {
            return Some(EntryKind::File(None));
        }
        if file_type.is_symlink() {
            return match self.links {
                Links::Leave => Some(EntryKind::Link),
                Links::Follow => Some(follow(path)),
                Links::Skip => Some(EntryKind::Skipped(SkipReason::NotFollowed)),
            };
        }
        if file_type.is_dir() {
            if self.filter.drops_folder(key) {
                return None;
            }
            return match fs::symlink_metadata(path) {
                Ok(metadata) => Some(EntryKind::Folder(identity(&metadata))),
                Err(error) => unless_gone(&error).map(EntryKind::Skipped),
            };
        }
        Some(EntryKind::Skipped(SkipReason::Special))
    }

    /// Goes down into a folder, or says why not.
    fn enter(&mut self, prefix: &str, identity: Identity) -> Option<Found> {
        let folder = || prefix.trim_end_matches('/').to_owned();
        if self.filter.drops_folder(&folder()) {
            return None;
        }
        if self.levels.iter().any(|level| level.identity == identity) {
            return Some(Found::Skipped {
                key: folder(),
                reason: SkipReason::LinkLoop,
            });
        }
        match self.open(prefix.to_owned(), identity) {
            Ok(told) => told,
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => Some(Found::Skipped {
                key: folder(),
                reason: SkipReason::UnreadableFolder(error.to_string()),
            }),
        }
    }

    fn file(&self, key: String, metadata: Option<Metadata>, link: bool) -> Option<Found> {
        let metadata = match metadata {
            Some(metadata) => Ok(metadata),
            None => fs::symlink_metadata(self.root.join(&key)),
        };
        match metadata {
            Ok(metadata) => Some(Found::File(LocalFile {
                key,
                size: metadata.len(),
                modified: modified(&metadata),
                stamp: Stamp::of(&metadata),
                link,
            })),
            Err(error) => unless_gone(&error).map(|reason| Found::Skipped { key, reason }),
        }
    }
}

impl Iterator for Walk {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        if self.first.is_some() {
            return self.first.take();
        }
        loop {
            let level = self.levels.last_mut()?;
            let Some(entry) = level.entries.next() else {
                self.levels.pop();
                continue;
            };
            let key = format!("{}{}", level.prefix, String::from_utf8_lossy(&entry.order));
            let found = match entry.kind {
                EntryKind::Folder(identity) => self.enter(&key, identity),
                EntryKind::File(metadata) => {
                    self.file(key, metadata.map(|metadata| *metadata), false)
                }
                EntryKind::Link => self.file(key, None, true),
                EntryKind::Skipped(reason) => Some(Found::Skipped { key, reason }),
            };
            if found.is_some() {
                return found;
            }
        }
    }
}

fn follow(path: &Path) -> EntryKind {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => EntryKind::File(Some(Box::new(metadata))),
        Ok(metadata) if metadata.is_dir() => EntryKind::Folder(identity(&metadata)),
        Ok(_) => EntryKind::Skipped(SkipReason::Special),
        Err(error) => EntryKind::Skipped(dead_link(&error)),
    }
}

/// Why a symbolic link leads to nothing that can be read.
fn dead_link(error: &io::Error) -> SkipReason {
    if is_loop(error) {
        SkipReason::LinkLoop
    } else if matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    ) {
        SkipReason::BrokenLink
    } else {
        SkipReason::UnreadableFile(error.to_string())
    }
}

/// Whether links lead to each other until the system gives up.
fn is_loop(error: &io::Error) -> bool {
    // The standard library has no stable name for ELOOP.
    let code = if cfg!(target_os = "linux") { 40 } else { 62 };
    error.raw_os_error() == Some(code)
}

fn is_temporary(name: &str) -> bool {
    let own = name.strip_suffix(TEMPORARY_SUFFIX);
    let Some((before, drawn)) = own.and_then(|own| own.rsplit_once('.')) else {
        return false;
    };
    before.starts_with('.')
        && drawn.len() == DRAWN
        && drawn.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn identity(metadata: &Metadata) -> Identity {
    (metadata.dev(), metadata.ino())
}

/// When a file was last modified; what jiff cannot express counts as 1970.
pub(super) fn modified(metadata: &Metadata) -> Timestamp {
    metadata
        .modified()
        .ok()
        .and_then(|time| Timestamp::try_from(time).ok())
        .unwrap_or(Timestamp::UNIX_EPOCH)
}

/// What is gone since its folder was read is absent, and nothing to report.
fn unless_gone(error: &io::Error) -> Option<SkipReason> {
    (error.kind() != io::ErrorKind::NotFound).then(|| SkipReason::UnreadableFile(error.to_string()))
}

#[cfg(test)]
#[path = "walk/tests.rs"]
mod tests;
