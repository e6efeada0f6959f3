//! Locks that end with the process that holds them.

use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt as _;

use rustix::fs::OFlags;

use super::file;
use super::folder::Folder;

/// How often a lock file that changes under our hands is opened before we give up.
const TRIES: usize = 16;

/// What is held while one process signs in for all.
#[derive(Debug)]
#[must_use = "a lock that is dropped is free"]
pub(crate) struct Lock {
    /// The lock is the open file's: the system frees it when the process ends.
    _file: File,
}

/// What to do where another holds the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// Come back without it.
    None,
    /// Wait until it is free.
    Endless,
}

/// Takes the lock of a name, or comes back without it where there is no patience.
///
/// # Errors
///
/// When there can be no lock file, or the file system has no locks.
pub(super) fn take(folder: &Folder, name: &str, patience: Patience) -> io::Result<Option<Lock>> {
    let name = format!("{name}.lock");
    for _ in 0..TRIES {
        let Some(file) = lock_file(folder, &name)? else {
            continue;
        };
        if !acquire(&file, patience)? {
            return Ok(None);
        }
        // Whoever removed the file while we waited has let another make and lock a new one.
        if is_in_place(folder, &name, &file)? {
            return Ok(Some(Lock { _file: file }));
        }
    }
    Err(io::Error::other("its lock file changes all the time"))
}

/// Opens or makes the lock file; nothing where that has to be tried again.
fn lock_file(folder: &Folder, name: &str) -> io::Result<Option<File>> {
    match file::open(folder, name, OFlags::RDWR) {
        Ok(Some(file)) => Ok(Some(file)),
        Ok(None) => match file::create(folder, name) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
            Err(error) => Err(error),
        },
        Err(_) => {
            // Others may hold what is not ours alone, for as long as they like.
            folder.remove(name)?;
            Ok(None)
        }
    }
}

fn acquire(file: &File, patience: Patience) -> io::Result<bool> {
    loop {
        let taken = match patience {
            Patience::Endless => file.lock().map(|()| true),
            Patience::None => match file.try_lock() {
                Ok(()) => Ok(true),
                Err(TryLockError::WouldBlock) => Ok(false),
                Err(TryLockError::Error(error)) => Err(error),
            },
        };
        match taken {
            // A signal that the process survives ends the waiting, and not the wish.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            taken => return taken,
        }
    }
}

fn is_in_place(folder: &Folder, name: &str, file: &File) -> io::Result<bool> {
    let Ok(Some(there)) = file::open(folder, name, OFlags::RDONLY) else {
        return Ok(false);
    };
    let (ours, theirs) = (file.metadata()?, there.metadata()?);
    Ok((ours.dev(), ours.ino()) == (theirs.dev(), theirs.ino()))
}
