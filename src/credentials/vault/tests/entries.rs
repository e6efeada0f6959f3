//! What is written is read.

use std::fs;

use super::{Cache, NAME, OTHER, SECRET, content, mode};
use crate::credentials::vault::{Found, Keys, LARGEST, Vault, VaultError};

#[test]
fn an_entry_is_read_as_it_was_written() {
    let cache = Cache::new();
    let vault = cache.vault();
    let large = vec![7; 60_000];
    let contents: [&[u8]; 4] = [SECRET, b"", b"line\nline\n\0\xff", &large];
    for written in contents {
        vault.write(NAME, written).unwrap();
        assert_eq!(content(&vault.read(NAME)), Some(written));
        assert_eq!(content(&cache.vault().read(NAME)), Some(written));
    }
    assert_eq!(cache.files(), [NAME]);
    assert!(vault.take_warnings().is_empty());
}

#[test]
fn entries_do_not_mix() {
    let cache = Cache::with_entry();
    let vault = cache.vault();
    assert_eq!(content(&vault.read(OTHER)), None);
    vault.write(OTHER, b"other").unwrap();
    assert_eq!(content(&vault.read(NAME)), Some(SECRET));
    assert_eq!(content(&vault.read(OTHER)), Some(&b"other"[..]));
}

#[test]
fn only_writing_and_locking_make_the_folder() {
    let cache = Cache::new();
    let vault = cache.vault();
    assert_eq!(content(&vault.read(NAME)), None);
    assert!(vault.names().unwrap().is_empty());
    assert!(!vault.remove(NAME).unwrap());
    assert_eq!(vault.clear().unwrap(), 0);
    assert!(vault.take_warnings().is_empty());
    assert!(!cache.folder.parent().unwrap().exists());
}

#[test]
fn what_is_made_is_nobody_elses() {
    let cache = Cache::with_entry();
    let _lock = cache.vault().lock(NAME).unwrap();
    assert_eq!(mode(cache.folder.parent().unwrap()), 0o700);
    assert_eq!(mode(&cache.folder), 0o700);
    assert_eq!(mode(&cache.file()), 0o600);
    assert_eq!(mode(&cache.folder.join(format!("{NAME}.lock"))), 0o600);
}

#[test]
fn a_folder_above_that_is_there_stays_as_it_is() {
    let cache = Cache::new();
    let above = cache.folder.parent().unwrap();
    fs::create_dir(above).unwrap();
    super::set_mode(above, 0o755);
    cache.vault().write(NAME, SECRET).unwrap();
    assert_eq!(mode(above), 0o755);
    assert_eq!(mode(&cache.folder), 0o700);
}

#[test]
fn an_entry_is_removed_once() {
    let cache = Cache::with_entry();
    let vault = cache.vault();
    assert!(vault.remove(NAME).unwrap());
    assert!(!vault.remove(NAME).unwrap());
    assert_eq!(content(&vault.read(NAME)), None);
    assert!(cache.files().is_empty());
}

#[test]
fn clearing_leaves_no_secret_and_counts_entries() {
    let cache = Cache::with_entry();
    let vault = cache.vault();
    vault.write(OTHER, b"other").unwrap();
    fs::write(cache.folder.join(".00ff.0.new"), SECRET).unwrap();
    drop(vault.lock(NAME).unwrap());
    assert_eq!(vault.names().unwrap(), [NAME, OTHER]);
    assert_eq!(vault.clear().unwrap(), 2);
    assert!(cache.files().is_empty());
    assert!(vault.names().unwrap().is_empty());
    assert_eq!(vault.clear().unwrap(), 0);
}

#[test]
fn clearing_goes_on_after_what_cannot_be_removed() {
    let cache = Cache::with_entry();
    fs::create_dir(cache.folder.join(OTHER)).unwrap();
    let error = cache.vault().clear().unwrap_err();
    assert!(matches!(error, VaultError::Remove { .. }), "{error}");
    assert_eq!(cache.files(), [OTHER]);
}

#[test]
fn a_name_is_a_digest_and_no_path() {
    let cache = Cache::with_entry();
    let vault = cache.vault();
    let long = "a".repeat(129);
    let names = [
        "",
        ".",
        "..",
        "../00ff",
        "/etc/passwd",
        "00FF",
        "key",
        "0 0",
        "00\0",
    ];
    for name in names.into_iter().chain([long.as_str()]) {
        assert_eq!(content(&vault.read(name)), None, "{name:?}");
        assert_eq!(vault.take_warnings().len(), 1, "{name:?}");
        let errors = [
            vault.write(name, SECRET).unwrap_err(),
            vault.remove(name).unwrap_err(),
            vault.lock(name).unwrap_err(),
        ];
        for error in errors {
            assert!(matches!(error, VaultError::Name(_)), "{error}");
        }
    }
    assert_eq!(cache.files(), [NAME]);
}

#[test]
fn what_is_too_large_to_be_read_is_not_written() {
    let cache = Cache::with_entry();
    let vault = cache.vault();
    let error = vault.write(NAME, &vec![0; LARGEST]).unwrap_err();
    assert!(matches!(error, VaultError::TooLarge(LARGEST)), "{error}");
    assert_eq!(content(&vault.read(NAME)), Some(SECRET));
    assert_eq!(cache.files(), [NAME]);
}

#[test]
fn a_warning_is_given_once() {
    let cache = Cache::with_entry();
    fs::write(cache.file(), "garbage").unwrap();
    let vault = cache.vault();
    for _ in 0..3 {
        assert_eq!(content(&vault.read(NAME)), None);
    }
    let warnings = vault.take_warnings();
    let path = cache.file().display().to_string();
    assert_eq!(
        warnings,
        [format!(
            "the cached credentials in {path} are not used, because the file is damaged"
        )]
    );
    assert_eq!(content(&vault.read(NAME)), None);
    assert!(vault.take_warnings().is_empty());
}

#[test]
fn an_error_taken_for_a_warning_names_its_cause() {
    let cache = Cache::with_entry();
    fs::remove_file(cache.file()).unwrap();
    fs::create_dir(cache.file()).unwrap();
    let vault = cache.vault();
    let error = vault.write(NAME, SECRET).unwrap_err();
    vault.tolerate(&error);
    vault.tolerate(&error);
    let warnings = vault.take_warnings();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].starts_with("failed to write cached credentials to /"));
    assert!(warnings[0].contains("00ff: Is a directory"), "{warnings:?}");
}

#[test]
fn debugging_shows_no_secret() {
    let cache = Cache::with_entry();
    let vault = cache.vault();
    let found = vault.read(NAME);
    assert!(matches!(found, Found::Entry(_)));
    let shown = format!("{found:?} {vault:?} {:?}", Found::Nothing);
    assert!(shown.starts_with("Entry(redacted) Vault"), "{shown}");
    let as_numbers = format!("{SECRET:?}");
    assert!(!shown.contains("canary") && !shown.contains(as_numbers.trim_matches(['[', ']'])));
}

#[test]
fn a_vault_is_opened_without_touching_anything() {
    let cache = Cache::new();
    let _vault = Vault::open(&cache.folder, Keys::System);
    assert!(!cache.folder.parent().unwrap().exists());
}
