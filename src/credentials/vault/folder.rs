//! The folder of a cache, which is nobody else's.

use std::ffi::{CStr, CString};
use std::fs::DirBuilder;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::error::{Oddity, VaultError};
use super::warnings::Warnings;

/// The folder itself and never what a link leads to.
const FOLDER: OFlags = OFlags::DIRECTORY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// A handle of the folder: whatever is renamed meanwhile, it stays the folder that was judged.
#[derive(Debug)]
pub(super) struct Folder {
    handle: OwnedFd,
    path: PathBuf,
}

impl Folder {
    /// Opens the folder, if it is there.
    ///
    /// # Errors
    ///
    /// When it is a link, somebody else's or no folder, or cannot be opened.
    pub(super) fn find(path: &Path, warnings: &Warnings) -> Result<Option<Self>, VaultError> {
        match open(path)? {
            Some(folder) => folder.judged(warnings).map(Some),
            None => Ok(None),
        }
    }

    /// Opens the folder, made where it is missing, as are those above it.
    ///
    /// # Errors
    ///
    /// When it is a link, somebody else's or no folder, or cannot be made or opened.
    pub(super) fn make(path: &Path, warnings: &Warnings) -> Result<Self, VaultError> {
        if let Some(folder) = Self::find(path, warnings)? {
            return Ok(folder);
        }
        let failed = |source: io::Error| VaultError::Folder {
            folder: path.to_owned(),
            source,
        };
        if let Some(above) = path.parent() {
            let mut builder = DirBuilder::new();
            let made = builder.recursive(true).mode(0o700).create(above);
            made.map_err(failed)?;
        }
        let is_new = match rustix::fs::mkdir(path, Mode::RWXU) {
            Ok(()) => true,
            // Another process was faster.
            Err(Errno::EXIST) => false,
            Err(error) => return Err(failed(error.into())),
        };
        let folder = open(path)?.ok_or_else(|| failed(Errno::NOENT.into()))?;
        if is_new {
            // The umask may have taken the owner's rights.
            let closed = rustix::fs::fchmod(&folder.handle, Mode::RWXU);
            closed.map_err(|error| failed(error.into()))?;
        }
        folder.judged(warnings)
    }

    /// The handle that everything in the folder is opened relative to.
    pub(super) fn handle(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }

    /// Lists what is in the folder, in no order.
    pub(super) fn names(&self) -> io::Result<Vec<CString>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.handle)? {
            let entry = entry?;
            let name = entry.file_name();
            if name != c"." && name != c".." {
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }

    /// Removes a file, and says whether there was one.
    pub(super) fn remove<Name: rustix::path::Arg>(&self, name: Name) -> io::Result<bool> {
        match rustix::fs::unlinkat(&self.handle, name, AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// The folder, if it is ours; one that others could enter is closed and emptied.
    fn judged(self, warnings: &Warnings) -> Result<Self, VaultError> {
        let failed = |source: io::Error| VaultError::Folder {
            folder: self.path.clone(),
            source,
        };
        let status = rustix::fs::fstat(&self.handle).map_err(|error| failed(error.into()))?;
        if status.st_uid != rustix::process::geteuid().as_raw() {
            return Err(self.refused(Oddity::OtherOwner(status.st_uid)));
        }
        let all = Mode::RWXU | Mode::RWXG | Mode::RWXO;
        let mode = Mode::from_raw_mode(status.st_mode) & all;
        if mode != Mode::RWXU {
            // First closed, so that nobody puts anything there while it is emptied.
            let closed = rustix::fs::fchmod(&self.handle, Mode::RWXU);
            closed.map_err(|error| failed(error.into()))?;
            self.empty().map_err(failed)?;
            warnings.say(format!(
                "the credentials cache {} had mode {:04o} instead of 0700: what was in it is \
                 forgotten, and other users cannot enter it any more",
                self.path.display(),
                mode.as_raw_mode(),
            ));
        }
        Ok(self)
    }

    fn empty(&self) -> io::Result<()> {
        for name in self.names()? {
            // A folder in it is none of ours, and nothing is read from one.
            if !self.is_folder(&name)? {
                self.remove(&name)?;
            }
        }
        Ok(())
    }

    fn is_folder(&self, name: &CStr) -> io::Result<bool> {
        match rustix::fs::statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(status) => Ok(FileType::from_raw_mode(status.st_mode) == FileType::Directory),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn refused(&self, why: Oddity) -> VaultError {
        let folder = self.path.clone();
        VaultError::Refused { folder, why }
    }
}

/// The folder before anybody has judged it, if it is there.
fn open(path: &Path) -> Result<Option<Folder>, VaultError> {
    let folder = path.to_owned();
    match rustix::fs::open(path, FOLDER, Mode::empty()) {
        Ok(handle) => Ok(Some(Folder {
            handle,
            path: folder,
        })),
        Err(Errno::NOENT) => Ok(None),
        // Systems differ in which of the two a link gives.
        Err(Errno::NOTDIR | Errno::LOOP) => {
            let why = match path.symlink_metadata() {
                Ok(status) if status.is_symlink() => Oddity::SymbolicLink,
                Ok(_) | Err(_) => Oddity::NotAFolder,
            };
            Err(VaultError::Refused { folder, why })
        }
        Err(error) => {
            let source = error.into();
            Err(VaultError::Folder { folder, source })
        }
    }
}
