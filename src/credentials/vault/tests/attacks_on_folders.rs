//! What may stand where the cache is looked for.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::{Cache, NAME, OTHER, SECRET, content, give_away, mode, set_mode};
use crate::credentials::vault::{Keys, Vault, VaultError};

/// Checks that nothing is read from or written to the folder, and why.
fn refused(vault: &Vault, why: &str) {
    assert_eq!(content(&vault.read(NAME)), None);
    let warnings = vault.take_warnings();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains(why), "{warnings:?}");
    let errors = [
        vault.write(NAME, b"new").unwrap_err(),
        vault.remove(NAME).unwrap_err(),
        vault.clear().unwrap_err(),
        vault.names().unwrap_err(),
        vault.lock(NAME).unwrap_err(),
        vault.try_lock(NAME).unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, VaultError::Refused { .. }), "{error}");
        // What is refused for one reason is said once, whoever asks.
        vault.tolerate(&error);
    }
    assert!(vault.take_warnings().is_empty());
}

/// Moves the folder to where an attacker would have it.
fn moved_outside(cache: &Cache) -> PathBuf {
    let outside = cache.root.path().join("outside");
    fs::rename(&cache.folder, &outside).unwrap();
    outside
}

fn untouched(folder: &Path) {
    let entries = fs::read_dir(folder).unwrap();
    let names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, [NAME]);
}

#[test]
fn a_link_to_a_good_cache_is_not_followed() {
    let cache = Cache::with_entry();
    let outside = moved_outside(&cache);
    symlink(&outside, &cache.folder).unwrap();
    refused(&cache.vault(), "is a symbolic link");
    untouched(&outside);
}

#[test]
fn a_slash_after_a_link_does_not_make_it_a_folder() {
    let cache = Cache::with_entry();
    let outside = moved_outside(&cache);
    symlink(&outside, &cache.folder).unwrap();
    for end in ["/", "//", "/.", "/./"] {
        let mut path = cache.folder.clone().into_os_string();
        path.push(end);
        refused(&Vault::open(path.as_ref(), Keys::Off), "is a symbolic link");
    }
    untouched(&outside);
}

#[test]
fn a_link_to_nowhere_makes_no_folder_there() {
    let cache = Cache::with_entry();
    let outside = moved_outside(&cache);
    fs::remove_dir_all(&outside).unwrap();
    symlink(&outside, &cache.folder).unwrap();
    refused(&cache.vault(), "is a symbolic link");
    assert!(!outside.exists());
}

#[test]
fn a_file_in_place_of_the_folder_is_refused() {
    let cache = Cache::with_entry();
    moved_outside(&cache);
    fs::write(&cache.folder, "a file").unwrap();
    refused(&cache.vault(), "is not a folder");
    assert_eq!(fs::read(&cache.folder).unwrap(), b"a file");
}

#[test]
fn a_folder_of_another_user_is_refused() {
    let cache = Cache::with_entry();
    if give_away(&cache.folder) {
        refused(&cache.vault(), "belongs to another user (12345)");
        untouched(&cache.folder);
    }
}

#[test]
fn a_folder_that_others_could_enter_is_closed_and_forgotten() {
    for wrong in [0o755, 0o770, 0o707, 0o777, 0o710, 0o500] {
        let cache = Cache::with_entry();
        let vault = cache.vault();
        vault.write(OTHER, b"other").unwrap();
        symlink("/dev/zero", cache.folder.join("22dd")).unwrap();
        set_mode(&cache.folder, wrong);
        assert_eq!(content(&vault.read(NAME)), None, "{wrong:o}");
        assert_eq!(mode(&cache.folder), 0o700);
        assert!(cache.files().is_empty());
        let warnings = vault.take_warnings();
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(
            warnings[0].contains(&format!("mode 0{wrong:o}")),
            "{warnings:?}"
        );
        vault.write(NAME, SECRET).unwrap();
        assert_eq!(content(&vault.read(NAME)), Some(SECRET));
        assert!(vault.take_warnings().is_empty());
    }
}

#[test]
fn what_others_put_into_an_open_folder_is_not_taken_by_a_write_either() {
    let cache = Cache::with_entry();
    set_mode(&cache.folder, 0o777);
    let vault = cache.vault();
    vault.write(OTHER, b"other").unwrap();
    assert_eq!(cache.files(), [OTHER]);
    assert_eq!(mode(&cache.folder), 0o700);
    assert_eq!(vault.take_warnings().len(), 1);
}

#[test]
fn a_folder_within_an_open_folder_is_in_nobodys_way() {
    let cache = Cache::with_entry();
    let within = cache.folder.join("within");
    fs::create_dir(&within).unwrap();
    fs::write(within.join("kept"), "").unwrap();
    set_mode(&cache.folder, 0o755);
    let vault = cache.vault();
    assert_eq!(content(&vault.read(NAME)), None);
    assert_eq!(cache.files(), ["within"]);
    assert!(within.join("kept").exists());
}
