//! Where a file lands on this machine, and nothing outside of it.

use std::fs::{self, File, FileTimes, Permissions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use jiff::Timestamp;
use tempfile::{Builder, NamedTempFile, PathPersistError, TempPath};

use super::key::folders_of;
use super::report::{FailureReason, local};
#[cfg(feature = "aws")]
use super::source::open_to_read;

/// How the temporary files of downloads end; no walk sees them.
pub(super) const TEMPORARY_SUFFIX: &str = ".trainyard-part";
/// How many letters and digits before that are drawn by lot.
pub(super) const DRAWN: usize = 6;

/// How much of the final name a temporary name repeats, in bytes, so that even the
/// longest name leaves room for what is added to it.
const NAME_REPEATED: usize = 100;

/// Which permissions a new file gets before the umask takes its share.
const NEW_FILE_MODE: u32 = 0o666;

/// A file that is being written under a temporary name beside its final one.
///
/// Dropping it removes it.
pub(super) struct Landing {
    pub(super) file: Arc<File>,
    path: TempPath,
}

/// The folder that the file before needed: the next one, when it is a neighbour, need not
/// make it again.
#[cfg(feature = "aws")]
#[derive(Debug, Default)]
pub(super) struct Made(Option<String>);

/// Makes the folders that a file needs and opens a temporary file in the last.
pub(super) fn land(root: &Path, key: &str) -> Result<Landing, FailureReason> {
    make_way(root, key)?;
    let path = root.join(key);
    match check_final(&path) {
        // An empty folder holds nothing that would be lost.
        Err(FailureReason::FolderInTheWay) if fs::remove_dir(&path).is_ok() => {}
        other => other?,
    }
    open(root, key)
}

/// Does the same for a file that is finished at once, and in a folder that may have been made
/// at once before.
#[cfg(feature = "aws")]
pub(super) fn land_beside(
    root: &Path,
    key: &str,
    made: &mut Made,
) -> Result<Landing, FailureReason> {
    let folder = key.rsplit_once('/').map_or("", |(folder, _)| folder);
    if made.0.as_deref() == Some(folder) {
        check_way(root, key)?;
    } else {
        make_way(root, key)?;
        made.0 = Some(folder.to_owned());
    }
    open(root, key)
}

/// Makes the folders that a file needs.
fn make_way(root: &Path, key: &str) -> Result<(), FailureReason> {
    fs::create_dir_all(root).map_err(|error| local("make the target folder", &error))?;
    folders_of(key).try_for_each(|folder| make_folder(root, folder))
}

fn open(root: &Path, key: &str) -> Result<Landing, FailureReason> {
    let path = root.join(key);
    let parent = path.parent().unwrap_or(root);
    let (file, path) = temporary(&path, parent)
        .map_err(|error| local("make a temporary file", &error))?
        .into_parts();
    Ok(Landing {
        file: Arc::new(file),
        path,
    })
}

/// Makes a temporary file and locks it, so that nobody takes it for a leftover.
fn temporary(path: &Path, parent: &Path) -> io::Result<NamedTempFile> {
    loop {
        let file = Builder::new()
            .prefix(&temporary_prefix(path))
            .suffix(TEMPORARY_SUFFIX)
            .rand_bytes(DRAWN)
            .permissions(Permissions::from_mode(NEW_FILE_MODE))
            .tempfile_in(parent)?;
        // Some file systems have no locks, and then nothing is collected either.
        let locked = file.as_file().try_lock();
        let is_taken = matches!(locked, Err(TryLockError::WouldBlock));
        // Whoever collects leftovers may have been there before the lock was.
        if !is_taken && file.as_file().metadata()?.nlink() > 0 {
            return Ok(file);
        }
    }
}

/// Removes what a run has left that was killed, unless a process still writes to it.
#[cfg(feature = "aws")]
pub(super) fn collect(root: &Path, key: &str) {
    let path = root.join(key);
    let is_plain = fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_file());
    if !is_plain || !key.ends_with(TEMPORARY_SUFFIX) || check_way(root, key).is_err() {
        return;
    }
    if let Ok(file) = open_to_read(&path)
        && file.try_lock().is_ok()
    {
        // What cannot be removed is found again by the next run.
        let _gone = fs::remove_file(&path);
    }
}

/// Which name a file may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    /// One that nothing had when it was planned: what has appeared there since is somebody's.
    #[cfg_attr(not(feature = "aws"), expect(dead_code, reason = "plans say it"))]
    Free,
    /// Whatever has it now.
    Any,
}

impl Landing {
    /// Lets everybody run the file who may read it.
    #[cfg(feature = "aws")]
    pub(super) fn make_executable(&self) -> Result<(), FailureReason> {
        let permit = || {
            let mode = self.file.metadata()?.permissions().mode();
            let runs = (mode & 0o444) >> 2;
            self.file
                .set_permissions(Permissions::from_mode(mode | runs))
        };
        permit().map_err(|error| local("make the file executable", &error))
    }

    /// Gives the file its time and its final name.
    ///
    /// The way there is looked at again, because the download took its time. What
    /// is left is the instant between that look and the renaming, which only
    /// somebody who may write into the target can use.
    pub(super) fn finish(
        self,
        root: &Path,
        key: &str,
        modified: Timestamp,
        name: Name,
    ) -> Result<Option<fs::Metadata>, FailureReason> {
        let time = SystemTime::try_from(modified)
            .map_err(|error| local("set the time of the file", &error))?;
        self.file
            .set_times(FileTimes::new().set_modified(time))
            .map_err(|error| local("set the time of the file", &error))?;
        check_way(root, key)?;
        let path = root.join(key);
        let named = take_name(self.path, &path, name).or_else(|failed| {
            let is_folder = check_final(&path) == Err(FailureReason::FolderInTheWay);
            // An empty one holds nothing that would be lost.
            if is_folder && fs::remove_dir(&path).is_ok() {
                take_name(failed.path, &path, name)
            } else {
                Err(failed)
            }
        });
        let is_taken = |error: &io::Error| error.kind() == io::ErrorKind::AlreadyExists;
        if named.as_ref().is_err_and(|error| is_taken(&error.error)) && is_alike(&self.file, &path)
        {
            // Another run has brought the same object.
            return Ok(None);
        }
        let named = named.map_err(|error| match (name, error.error.kind()) {
            // No file takes the name of a folder, and each system says so in its own way.
            _ if check_final(&path) == Err(FailureReason::FolderInTheWay) => {
                FailureReason::FolderInTheWay
            }
            (Name::Free, io::ErrorKind::AlreadyExists) => FailureReason::ChangedSincePlanned,
            (Name::Free | Name::Any, _) => local("rename the finished file", &error.error),
        });
        named?;
        // Renaming changes the inode, so it is looked at as it is now.
        Ok(self.file.metadata().ok())
    }
}

fn take_name(own: TempPath, path: &Path, name: Name) -> Result<(), PathPersistError> {
    match name {
        Name::Free => own.persist_noclobber(path),
        Name::Any => own.persist(path),
    }
}

/// Writes a file below a folder in the way of a download, for the fuzz targets.
///
/// # Errors
///
/// What stands in the way, or what the file system said.
pub fn write_file(
    root: &Path,
    key: &str,
    bytes: &[u8],
    modified: Timestamp,
) -> Result<(), FailureReason> {
    let landing = land(root, key)?;
    (&*landing.file)
        .write_all(bytes)
        .map_err(|error| local("write the file", &error))?;
    landing.finish(root, key, modified, Name::Any).map(drop)
}

/// Says whether the folders on the way to a file are folders and no links.
pub(super) fn check_way(root: &Path, key: &str) -> Result<(), FailureReason> {
    for folder in folders_of(key) {
        let metadata = fs::symlink_metadata(root.join(folder))
            .map_err(|error| local("look at a folder of the target", &error))?;
        check_folder(folder, &metadata)?;
    }
    Ok(())
}

fn make_folder(root: &Path, folder: &str) -> Result<(), FailureReason> {
    let path = root.join(folder);
    // Two files of one new folder may both be the first to need it.
    match fs::create_dir(&path) {
        Ok(()) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(local(&format!("make the folder `{folder}`"), &error)),
    }
    let metadata = fs::symlink_metadata(&path)
        .map_err(|error| local("look at a folder of the target", &error))?;
    check_folder(folder, &metadata)
}

fn check_folder(folder: &str, metadata: &fs::Metadata) -> Result<(), FailureReason> {
    if metadata.is_symlink() {
        Err(FailureReason::ThroughLink(folder.to_owned()))
    } else if metadata.is_dir() {
        Ok(())
    } else {
        Err(FailureReason::FileInTheWay(folder.to_owned()))
    }
}

fn check_final(path: &Path) -> Result<(), FailureReason> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => Err(FailureReason::FolderInTheWay),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(local("look at the target", &error)),
    }
}

/// Whether a file of the same size and time stands at a path already, under that very name: a
/// file system that folds case shows one of another name as well.
fn is_alike(file: &File, path: &Path) -> bool {
    let (Ok(ours), Ok(theirs)) = (file.metadata(), fs::symlink_metadata(path)) else {
        return false;
    };
    let times = (ours.modified(), theirs.modified());
    theirs.is_file()
        && ours.len() == theirs.len()
        && matches!(times, (Ok(ours), Ok(theirs)) if ours == theirs)
        && is_listed(path)
}

/// Whether the folder of a path has a name that is written so.
fn is_listed(path: &Path) -> bool {
    let Some(Ok(entries)) = path.parent().map(fs::read_dir) else {
        return false;
    };
    let mut names = entries.flatten().map(|entry| entry.file_name());
    names.any(|name| Some(name.as_os_str()) == path.file_name())
}

fn temporary_prefix(path: &Path) -> String {
    let name = path
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let mut end = name.len().min(NAME_REPEATED);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!(".{}.", &name[..end])
}

/// Removes the folders above a deleted file that are empty now, never the root.
pub fn remove_empty_folders(root: &Path, key: &str) {
    let folders: Vec<PathBuf> = folders_of(key).map(|folder| root.join(folder)).collect();
    for folder in folders.iter().rev() {
        // The first that is not empty, or not ours to remove, ends it.
        if fs::remove_dir(folder).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_lands_through_a_link() {
        let outside = tempfile::tempdir().unwrap();
        let root = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(outside.path(), root.path().join("link")).unwrap();
        for key in ["link/file", "link/deep/file"] {
            assert_eq!(
                land(root.path(), key).map(|_| ()),
                Err(FailureReason::ThroughLink("link".to_owned()))
            );
        }
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_link_planted_during_the_download_is_seen() {
        let outside = tempfile::tempdir().unwrap();
        let root = tempfile::tempdir().unwrap();
        let landing = land(root.path(), "a/file").unwrap();
        fs::rename(root.path().join("a"), root.path().join("b")).unwrap();
        std::os::unix::fs::symlink(outside.path(), root.path().join("a")).unwrap();
        assert_eq!(
            landing
                .finish(root.path(), "a/file", Timestamp::UNIX_EPOCH, Name::Any)
                .map(drop),
            Err(FailureReason::ThroughLink("a".to_owned()))
        );
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_link_in_place_of_the_file_is_replaced_and_its_end_untouched() {
        let outside = tempfile::NamedTempFile::new().unwrap();
        fs::write(outside.path(), "theirs").unwrap();
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("file");
        std::os::unix::fs::symlink(outside.path(), &path).unwrap();
        let landing = land(root.path(), "file").unwrap();
        landing
            .finish(
                root.path(),
                "file",
                Timestamp::from_second(7).unwrap(),
                Name::Any,
            )
            .unwrap();
        assert!(fs::symlink_metadata(&path).unwrap().is_file());
        assert_eq!(fs::read_to_string(outside.path()).unwrap(), "theirs");
    }

    #[test]
    fn the_longest_name_has_a_temporary_one() {
        let root = tempfile::tempdir().unwrap();
        for key in ["n".repeat(255), "é".repeat(127)] {
            let landing = land(root.path(), &key).unwrap();
            landing
                .finish(root.path(), &key, Timestamp::UNIX_EPOCH, Name::Free)
                .unwrap();
            assert!(root.path().join(key).is_file());
        }
    }

    #[test]
    fn what_appears_in_the_way_is_named_and_left_alone() {
        let root = tempfile::tempdir().unwrap();
        for name in [Name::Free, Name::Any] {
            let mut made = Made::default();
            let landing = land_beside(root.path(), "d/a", &mut made).unwrap();
            fs::create_dir_all(root.path().join("d/a/somebody's")).unwrap();
            assert_eq!(
                landing
                    .finish(root.path(), "d/a", Timestamp::UNIX_EPOCH, name)
                    .map(drop),
                Err(FailureReason::FolderInTheWay)
            );
            // The folder is remembered, and yet nothing lands through a link.
            let other = root.path().join("other");
            fs::rename(root.path().join("d"), &other).unwrap();
            std::os::unix::fs::symlink(&other, root.path().join("d")).unwrap();
            assert_eq!(
                land_beside(root.path(), "d/b", &mut made).map(drop),
                Err(FailureReason::ThroughLink("d".to_owned()))
            );
            assert_eq!(fs::read_dir(&other).unwrap().count(), 1);
            fs::remove_file(root.path().join("d")).unwrap();
            fs::remove_dir_all(other).unwrap();
        }
    }

    #[test]
    fn what_stands_in_the_way_is_named() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("file"), "").unwrap();
        fs::create_dir_all(root.path().join("folder/somebody's")).unwrap();
        assert_eq!(
            land(root.path(), "file/below").map(|_| ()),
            Err(FailureReason::FileInTheWay("file".to_owned()))
        );
        assert_eq!(
            land(root.path(), "folder").map(|_| ()),
            Err(FailureReason::FolderInTheWay)
        );
    }

    #[test]
    fn an_empty_folder_gives_way() {
        let root = tempfile::tempdir().unwrap();
        let at = |key: &str| root.path().join(key);
        fs::create_dir(at("before")).unwrap();
        let before = land(root.path(), "before").unwrap();
        let after = land_beside(root.path(), "after", &mut Made::default()).unwrap();
        fs::create_dir(at("after")).unwrap();
        for (landing, key, name) in [(before, "before", Name::Any), (after, "after", Name::Free)] {
            landing
                .finish(root.path(), key, Timestamp::UNIX_EPOCH, name)
                .unwrap();
            assert!(at(key).is_file());
        }
    }

    #[test]
    fn a_name_is_there_only_as_it_is_written() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("A"), "").unwrap();
        assert!(is_listed(&root.path().join("A")));
        // Where case is folded there is a file for this name too.
        assert!(!is_listed(&root.path().join("a")));
    }

    #[test]
    fn emptied_folders_go_and_the_root_stays() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("a/b/c")).unwrap();
        fs::write(root.path().join("a/kept"), "").unwrap();
        remove_empty_folders(root.path(), "a/b/c/gone");
        assert!(!root.path().join("a/b").exists());
        fs::remove_file(root.path().join("a/kept")).unwrap();
        remove_empty_folders(root.path(), "a/kept");
        assert!(root.path().is_dir());
        assert!(!root.path().join("a").exists());
    }
}
