//! One file of a cache: read with suspicion, written whole or not at all.

use std::ffi::CStr;
use std::fs::{File, Metadata, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::time::{Duration, SystemTime};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use zeroize::Zeroizing;

use super::LARGEST;
use super::error::Oddity;
use super::folder::Folder;

/// Through no link, waiting for no other end of a pipe, becoming no terminal's, and closed
/// in programs that this one starts.
pub(super) const CAREFUL: OFlags = OFlags::NOFOLLOW
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);
/// The rights of a file: its owner reads and writes it.
pub(super) const OWNERS: Mode = Mode::RUSR.union(Mode::WUSR);
/// A file that a writer left this long ago has no writer any more.
const LEFT_BEHIND_AFTER: Duration = Duration::from_hours(1);
/// How the name of a file that is being written ends.
const TEMPORARY: &str = ".new";

/// Reads a file, if it is there.
///
/// # Errors
///
/// When it is not a file that only we can have written.
pub(super) fn read(folder: &Folder, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Oddity> {
    let Some(file) = open(folder, name, OFlags::RDONLY)? else {
        return Ok(None);
    };
    let most = LARGEST as u64 + 1;
    // As large as it can get, for a vector that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LARGEST + 1));
    let read = file.take(most).read_to_end(&mut bytes);
    read.map_err(Oddity::Unreadable)?;
    if bytes.len() > LARGEST {
        return Err(Oddity::TooLarge);
    }
    Ok(Some(bytes))
}

/// Opens a file, if it is there and only we can have written it.
///
/// # Errors
///
/// When it is anything else.
pub(super) fn open<Name: rustix::path::Arg>(
    folder: &Folder,
    name: Name,
    access: OFlags,
) -> Result<Option<File>, Oddity> {
    match rustix::fs::openat(folder.handle(), name, access | CAREFUL, Mode::empty()) {
        Ok(handle) => {
            let file = File::from(handle);
            judge(&file.metadata().map_err(Oddity::Unreadable)?)?;
            Ok(Some(file))
        }
        Err(Errno::NOENT) => Ok(None),
        Err(Errno::LOOP) => Err(Oddity::SymbolicLink),
        // Sockets and folders are not even opened.
        Err(Errno::NXIO | Errno::ISDIR) => Err(Oddity::NotAFile),
        Err(error) => Err(Oddity::Unreadable(error.into())),
    }
}

/// Makes a file that was not there, for its owner alone whatever the umask is.
pub(super) fn create(folder: &Folder, name: &str) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | CAREFUL;
    let file = File::from(rustix::fs::openat(folder.handle(), name, flags, OWNERS)?);
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok(file)
}

/// Whether only we can have written what was opened.
pub(super) fn judge(status: &Metadata) -> Result<(), Oddity> {
    let mode = status.mode() & 0o7777;
    if !status.is_file() {
        Err(Oddity::NotAFile)
    } else if status.uid() != rustix::process::geteuid().as_raw() {
        Err(Oddity::OtherOwner(status.uid()))
    } else if mode & 0o077 != 0 {
        Err(Oddity::OpenToOthers(mode))
    } else if status.nlink() > 1 {
        // One that has no name any more was replaced since it was opened, and is whole.
        Err(Oddity::SeveralNames(status.nlink()))
    } else if status.size() > LARGEST as u64 {
        Err(Oddity::TooLarge)
    } else {
        Ok(())
    }
}

/// Puts a file in place of whatever has its name, in one step that lasts.
///
/// # Errors
///
/// When it cannot be written; what was there before is there still.
pub(super) fn replace(folder: &Folder, name: &str, bytes: &[u8]) -> io::Result<()> {
    let temporary = temporary(name)?;
    let written = fill(folder, &temporary, bytes).and_then(|written| {
        rustix::fs::renameat(folder.handle(), &*temporary, folder.handle(), name)?;
        Ok(written)
    });
    match written {
        Ok(written) => {
            remove_left_behind(folder, written);
            rustix::fs::fsync(folder.handle())?;
            Ok(())
        }
        Err(error) => {
            let _the_first_error_counts = folder.remove(&*temporary);
            Err(error)
        }
    }
}

/// Writes a new file to the disk, and says when that was by the file system's clock.
pub(super) fn fill(folder: &Folder, name: &str, bytes: &[u8]) -> io::Result<SystemTime> {
    let mut file = create(folder, name)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    file.metadata()?.modified()
}

/// A name that nobody can have prepared a file under.
pub(super) fn temporary(name: &str) -> io::Result<String> {
    let mut random = [0; 16];
    let drawn = aws_lc_rs::rand::fill(&mut random);
    drawn.map_err(|_| io::Error::other("the system has no random numbers"))?;
    let random = u128::from_be_bytes(random);
    Ok(format!(".{name}.{random:032x}{TEMPORARY}"))
}

/// Whether this is the name of a file that is being written, or was when its writer died.
pub(super) fn is_temporary(name: &CStr) -> bool {
    let name = name.to_bytes();
    name.starts_with(b".") && name.ends_with(TEMPORARY.as_bytes())
}

/// Removes what killed writers left; that it stays is no reason to fail.
fn remove_left_behind(folder: &Folder, now: SystemTime) {
    for name in folder.names().unwrap_or_default() {
        if is_temporary(&name) && is_left_behind(folder, &name, now) {
            let _another_write_tries_again = folder.remove(&name);
        }
    }
}

fn is_left_behind(folder: &Folder, name: &CStr, now: SystemTime) -> bool {
    match open(folder, name, OFlags::RDONLY) {
        Ok(Some(file)) => {
            let modified = file.metadata().and_then(|status| status.modified());
            let age = modified.ok().and_then(|at| now.duration_since(at).ok());
            age.is_some_and(|age| age > LEFT_BEHIND_AFTER)
        }
        // One that is being made under a strict umask may not be readable yet.
        Ok(None) | Err(Oddity::Unreadable(_)) => false,
        // No writer of ours made it.
        Err(
            Oddity::SymbolicLink
            | Oddity::NotAFolder
            | Oddity::NotAFile
            | Oddity::OtherOwner(_)
            | Oddity::OpenToOthers(_)
            | Oddity::SeveralNames(_)
            | Oddity::TooLarge
            | Oddity::Damaged,
        ) => true,
    }
}
