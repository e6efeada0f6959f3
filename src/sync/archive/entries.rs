//! What is in an archive, entry by entry.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use jiff::Timestamp;

use super::kind::Archive;
use super::pack::OWNER_EXECUTES;
use super::ranges::Ranges;
use super::zip_read::{ZipEntry, ZipReader};
use crate::sync::key::check_key;
use crate::sync::plan::SkipReason;

/// How much of its past a decoder of Zstandard keeps at most, as a power of two: what
/// `zstd(1)` takes without being told to.
const LARGEST_WINDOW_LOG: u32 = 27;

/// How much a tar may say about an entry, in bytes, with what fills up the one before.
const MOST_ABOUT_ENTRY: u64 = 1024 * 1024;

/// How much may follow the end of a tar, in bytes: it is filled up to whole records.
const MOST_PADDING: u64 = 1024 * 1024;

/// The kind of file in a mode (`inode(7)`).
const KIND_OF_FILE: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;
const LINK: u32 = 0o120_000;

/// One entry that is no folder. Nothing of what it says has been proven.
#[derive(Debug, Clone)]
pub(super) struct Member {
    /// The path of a file below a folder, or why it is none, with the name to show.
    pub(super) path: Result<String, (String, SkipReason)>,
    /// Size unpacked, in bytes.
    pub(super) bytes: u64,
    pub(super) modified: Option<Timestamp>,
    pub(super) executable: bool,
}

/// What a visitor wants of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    Take,
    Pass,
    /// Neither this one nor any that follows.
    Leave,
}

/// Somebody who looks through an archive.
pub(super) trait Visitor {
    fn wish(&mut self, member: &Member) -> Wish;

    /// Reads the content to its end, where the archive's own checksum is checked.
    fn take(&mut self, member: &Member, content: &mut dyn Read) -> io::Result<()>;
}

/// Shows every entry in the order of the archive, until the visitor has enough.
///
/// # Errors
///
/// When the archive is none or is damaged; and whatever the visitor says.
pub(super) fn visit(kind: Archive, source: Ranges, visitor: &mut dyn Visitor) -> io::Result<()> {
    match kind {
        Archive::Zip => visit_zip(source, visitor),
        Archive::TarZst => visit_tar(source, visitor),
    }
}

fn visit_zip(source: Ranges, visitor: &mut dyn Visitor) -> io::Result<()> {
    let mut zip = ZipReader::open(source)?;
    for index in 0..zip.entries().len() {
        let Some(entry) = zip.entries().get(index).cloned() else {
            break;
        };
        if entry.is_folder() {
            continue;
        }
        let member = zip_member(&entry);
        match visitor.wish(&member) {
            Wish::Take => visitor.take(&member, &mut zip.content(&entry)?)?,
            Wish::Pass => {}
            Wish::Leave => return Ok(()),
        }
    }
    Ok(())
}

fn zip_member(entry: &ZipEntry) -> Member {
    let reason = match entry.mode & KIND_OF_FILE {
        0 | REGULAR => None,
        LINK => Some(SkipReason::LinkInArchive),
        _ => Some(SkipReason::Special),
    };
    Member {
        path: path_of(&entry.name, reason),
        bytes: entry.bytes,
        modified: entry.modified,
        executable: entry.mode & OWNER_EXECUTES != 0,
    }
}

fn visit_tar(source: Ranges, visitor: &mut dyn Visitor) -> io::Result<()> {
    let mut decoder = zstd::stream::read::Decoder::new(source)?;
    decoder.window_log_max(LARGEST_WINDOW_LOG)?;
    let left = Rc::new(Cell::new(u64::MAX));
    let mut tar = tar::Archive::new(Guarded {
        source: decoder,
        left: Rc::clone(&left),
    });
    let mut entries = tar.entries()?;
    loop {
        left.set(MOST_ABOUT_ENTRY);
        let Some(entry) = entries.next() else {
            break;
        };
        let mut entry = entry?;
        left.set(u64::MAX);
        if let Some(member) = tar_member(&entry)? {
            match visitor.wish(&member) {
                Wish::Take => visitor.take(&member, &mut entry)?,
                Wish::Pass => {}
                Wish::Leave => return Ok(()),
            }
        }
        io::copy(&mut entry, &mut io::sink())?;
    }
    // The checksum of the whole comes after the last entry.
    left.set(MOST_PADDING);
    io::copy(&mut tar.into_inner(), &mut io::sink()).map(drop)
}

/// A source of which so much may be read and no more.
///
/// What a tar says about an entry (a long name, say) is read into memory, however long it is.
struct Guarded<R> {
    source: R,
    left: Rc<Cell<u64>>,
}

impl<R: Read> Read for Guarded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        let left = self.left.get().checked_sub(read as u64);
        self.left.set(left.ok_or_else(|| {
            let problem = "it says too much about an entry";
            io::Error::new(io::ErrorKind::InvalidData, problem)
        })?);
        Ok(read)
    }
}

/// `None` stands for what is no file of any kind.
fn tar_member<R: Read>(entry: &tar::Entry<'_, R>) -> io::Result<Option<Member>> {
    let header = entry.header();
    let kind = header.entry_type();
    let reason = if kind.is_dir() || kind.is_pax_global_extensions() {
        return Ok(None);
    } else if kind.is_file() || kind.is_contiguous() || kind.is_gnu_sparse() {
        None
    } else if kind.is_symlink() || kind.is_hard_link() {
        Some(SkipReason::LinkInArchive)
    } else {
        Some(SkipReason::Special)
    };
    let name = entry.path_bytes();
    // `tar c .` begins every name so.
    let name = name.strip_prefix(b"./").unwrap_or(&name);
    let seconds = i64::try_from(header.mtime()?).ok();
    Ok(Some(Member {
        path: path_of(name, reason),
        bytes: entry.size(),
        modified: seconds.and_then(|seconds| Timestamp::from_second(seconds).ok()),
        executable: header.mode()? & OWNER_EXECUTES != 0,
    }))
}

fn path_of(name: &[u8], reason: Option<SkipReason>) -> Result<String, (String, SkipReason)> {
    let Ok(path) = std::str::from_utf8(name) else {
        let shown = String::from_utf8_lossy(name).into_owned();
        return Err((shown, SkipReason::NotUtf8));
    };
    let fault = || check_key(path).err().map(SkipReason::Key);
    match reason.or_else(fault) {
        Some(reason) => Err((path.to_owned(), reason)),
        None => Ok(path.to_owned()),
    }
}
