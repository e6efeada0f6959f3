//! What may stand where an entry is looked for.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use super::{Cache, NAME, OTHER, content, give_away, mode, run, set_mode};
use crate::credentials::vault::LARGEST;
use crate::credentials::vault::file::temporary;

/// Checks that what is under the name is not used and said to be odd, and that the next
/// write puts a good entry there.
fn refused_and_replaced(cache: &Cache, why: &str) {
    let vault = cache.vault();
    assert_eq!(content(&vault.read(NAME)), None);
    let warnings = vault.take_warnings();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains(why), "{warnings:?}");
    vault.write(NAME, b"new").unwrap();
    let written = fs::symlink_metadata(cache.file()).unwrap();
    assert!(written.is_file());
    assert_eq!(mode(&cache.file()), 0o600);
    assert_eq!(content(&vault.read(NAME)), Some(&b"new"[..]));
    assert!(vault.take_warnings().is_empty());
}

/// Moves the good entry out of the cache, to where an attacker would have it.
fn moved_outside(cache: &Cache) -> PathBuf {
    let outside = cache.root.path().join("outside");
    fs::rename(cache.file(), &outside).unwrap();
    outside
}

#[test]
fn a_link_to_a_good_entry_is_not_followed() {
    let cache = Cache::with_entry();
    let outside = moved_outside(&cache);
    let before = fs::read(&outside).unwrap();
    symlink(&outside, cache.file()).unwrap();
    refused_and_replaced(&cache, "is a symbolic link");
    assert_eq!(
        fs::read(&outside).unwrap(),
        before,
        "a write went through the link"
    );
}

#[test]
fn a_link_within_the_folder_is_not_followed() {
    let cache = Cache::with_entry();
    fs::rename(cache.file(), cache.folder.join(OTHER)).unwrap();
    symlink(OTHER, cache.file()).unwrap();
    refused_and_replaced(&cache, "is a symbolic link");
}

#[test]
fn a_link_to_nowhere_makes_no_file_there() {
    let cache = Cache::with_entry();
    let outside = cache.root.path().join("outside");
    fs::remove_file(cache.file()).unwrap();
    symlink(&outside, cache.file()).unwrap();
    refused_and_replaced(&cache, "is a symbolic link");
    assert!(!outside.exists());
}

#[test]
fn a_link_to_an_endless_device_is_not_read() {
    let cache = Cache::with_entry();
    fs::remove_file(cache.file()).unwrap();
    symlink("/dev/zero", cache.file()).unwrap();
    refused_and_replaced(&cache, "is a symbolic link");
}

#[test]
fn an_endless_device_is_not_read() {
    let cache = Cache::with_entry();
    fs::remove_file(cache.file()).unwrap();
    if run("mknod", &["-m", "600", NAME, "c", "1", "5"], &cache.folder) {
        refused_and_replaced(&cache, "is not a regular file");
    } else {
        eprintln!("devices cannot be made here: not tested");
    }
}

#[test]
fn a_pipe_without_a_writer_keeps_nobody_waiting() {
    let cache = Cache::with_entry();
    fs::remove_file(cache.file()).unwrap();
    assert!(run("mkfifo", &["-m", "600", NAME], &cache.folder));
    refused_and_replaced(&cache, "is not a regular file");
}

#[test]
fn a_socket_is_not_read() {
    let cache = Cache::with_entry();
    fs::remove_file(cache.file()).unwrap();
    let _listener = UnixListener::bind(cache.file()).unwrap();
    set_mode(&cache.file(), 0o600);
    refused_and_replaced(&cache, "is not a regular file");
}

#[test]
fn a_folder_under_the_name_is_an_error_and_no_panic() {
    let cache = Cache::with_entry();
    fs::remove_file(cache.file()).unwrap();
    fs::create_dir(cache.file()).unwrap();
    let vault = cache.vault();
    assert_eq!(content(&vault.read(NAME)), None);
    assert!(vault.take_warnings()[0].contains("is not a regular file"));
    vault.write(NAME, b"new").unwrap_err();
    assert_eq!(cache.files(), [NAME], "a temporary file stays");
}

#[test]
fn a_second_name_of_the_file_is_noticed() {
    let cache = Cache::with_entry();
    let outside = cache.root.path().join("outside");
    fs::hard_link(cache.file(), &outside).unwrap();
    let before = fs::read(&outside).unwrap();
    refused_and_replaced(&cache, "has 2 names");
    assert_eq!(
        fs::read(&outside).unwrap(),
        before,
        "a write went into the linked file"
    );
}

#[test]
fn a_file_that_others_could_read_or_write_is_not_believed() {
    for mode in [0o640, 0o604, 0o620, 0o602, 0o666, 0o610] {
        let cache = Cache::with_entry();
        set_mode(&cache.file(), mode);
        refused_and_replaced(&cache, &format!("(mode 0{mode:o})"));
    }
}

#[test]
fn a_file_of_another_user_is_not_believed() {
    let cache = Cache::with_entry();
    if give_away(&cache.file()) {
        refused_and_replaced(&cache, "belongs to another user (12345)");
    }
}

#[test]
fn a_file_of_a_terabyte_is_not_read() {
    let cache = Cache::with_entry();
    let file = File::options().write(true).open(cache.file()).unwrap();
    file.set_len(1 << 40).unwrap();
    refused_and_replaced(&cache, "has more than 65536 bytes");
}

#[test]
fn a_file_of_one_byte_too_many_is_not_read() {
    let cache = Cache::with_entry();
    let file = File::options().write(true).open(cache.file()).unwrap();
    file.set_len(LARGEST as u64).unwrap();
    // Large enough to be read, and damaged then.
    assert_eq!(content(&cache.vault().read(NAME)), None);
    file.set_len(LARGEST as u64 + 1).unwrap();
    refused_and_replaced(&cache, "has more than 65536 bytes");
}

#[test]
fn a_temporary_name_cannot_be_guessed() {
    let cache = Cache::with_entry();
    let writes = 20;
    let seen: BTreeSet<String> = (0..writes).map(|_| temporary(NAME).unwrap()).collect();
    assert_eq!(seen.len(), writes);
    assert!(
        seen.iter()
            .all(|name| Path::new(name).components().count() == 1)
    );
    assert_eq!(cache.files(), [NAME]);
}
