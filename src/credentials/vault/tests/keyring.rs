//! The system's keyring: the real one, where this machine has one.

use std::fs;
use std::thread;

use super::{Cache, NAME, OTHER, SECRET, content};
use crate::credentials::vault::system_key::{find, forget, make};
use crate::credentials::vault::{Keys, Vault};

/// A cache whose key is forgotten at the end.
struct Sealed(Cache);

impl Sealed {
    /// Nothing where the keyring keeps no key: containers often forbid it.
    fn new() -> Option<Self> {
        let cache = Self(Cache::new());
        let label = cache.vault().label();
        if make(&label).is_none() {
            eprintln!("this machine has no keyring: not tested");
            return None;
        }
        cache.forget();
        Some(cache)
    }

    fn vault(&self) -> Vault {
        Vault::open(&self.0.folder, Keys::System)
    }

    fn forget(&self) {
        forget(&self.vault().label());
    }
}

impl Drop for Sealed {
    fn drop(&mut self) {
        self.forget();
    }
}

fn shows(bytes: &[u8], secret: &[u8]) -> bool {
    bytes.windows(secret.len()).any(|window| window == secret)
}

#[test]
fn a_vault_works_with_a_keyring_and_without() {
    let cache = Cache::new();
    let vault = Vault::open(&cache.folder, Keys::System);
    vault.write(NAME, SECRET).unwrap();
    assert_eq!(content(&vault.read(NAME)), Some(SECRET));
    assert!(vault.take_warnings().is_empty());
    assert_eq!(vault.clear().unwrap(), 1);
}

#[test]
fn an_entry_is_sealed_with_a_key_of_its_own_folder() {
    let (Some(one), Some(another)) = (Sealed::new(), Sealed::new()) else {
        return;
    };
    for cache in [&one, &another] {
        cache.vault().write(NAME, SECRET).unwrap();
        let file = fs::read(cache.0.file()).unwrap();
        assert!(file.starts_with(b"trainyard-credentials 1 sealed\n"));
        assert!(!shows(&file, b"canary"));
        assert_eq!(content(&cache.vault().read(NAME)), Some(SECRET));
    }
    let keys = [&one, &another].map(|cache| find(&cache.vault().label()).unwrap());
    assert_ne!(keys[0].bytes(), keys[1].bytes());
    let file = fs::read(one.0.file()).unwrap();
    assert!(!shows(&file, keys[0].bytes()));
    // A file that somebody took from one folder to the other is of no use there.
    fs::copy(one.0.file(), another.0.file()).unwrap();
    assert_eq!(content(&another.vault().read(NAME)), None);
}

#[test]
fn an_entry_whose_key_is_gone_is_nothing_without_a_word() {
    let Some(cache) = Sealed::new() else { return };
    let vault = cache.vault();
    vault.write(NAME, SECRET).unwrap();
    cache.forget();
    assert_eq!(content(&vault.read(NAME)), None);
    // Nor is one, once there is another key.
    vault.write(OTHER, b"other").unwrap();
    assert_eq!(content(&vault.read(NAME)), None);
    assert_eq!(content(&vault.read(OTHER)), Some(&b"other"[..]));
    vault.write(NAME, SECRET).unwrap();
    assert_eq!(content(&vault.read(NAME)), Some(SECRET));
    assert!(vault.take_warnings().is_empty());
}

#[test]
fn a_sealed_entry_under_another_name_is_nothing() {
    let Some(cache) = Sealed::new() else { return };
    let vault = cache.vault();
    vault.write(NAME, SECRET).unwrap();
    fs::copy(cache.0.file(), cache.0.folder.join(OTHER)).unwrap();
    assert_eq!(content(&vault.read(OTHER)), None);
    assert!(vault.take_warnings()[0].ends_with("is damaged"));
}

#[test]
fn a_keyring_that_comes_or_goes_costs_no_more_than_a_sign_in() {
    let Some(cache) = Sealed::new() else { return };
    let without = cache.0.vault();
    without.write(NAME, SECRET).unwrap();
    assert_eq!(content(&cache.vault().read(NAME)), Some(SECRET));
    cache.vault().write(NAME, SECRET).unwrap();
    assert_eq!(content(&without.read(NAME)), None);
    assert!(without.take_warnings().is_empty());
}

#[test]
fn clearing_forgets_the_key() {
    let Some(cache) = Sealed::new() else { return };
    let vault = cache.vault();
    vault.write(NAME, SECRET).unwrap();
    assert!(find(&vault.label()).is_some());
    assert_eq!(vault.clear().unwrap(), 1);
    assert!(find(&vault.label()).is_none());
}

#[test]
fn the_first_writers_at_once_have_one_key() {
    let Some(cache) = Sealed::new() else { return };
    let names = ["a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7"];
    thread::scope(|scope| {
        for name in names {
            let vault = cache.vault();
            scope.spawn(move || vault.write(name, name.as_bytes()).unwrap());
        }
    });
    for name in names {
        let found = cache.vault().read(name);
        assert_eq!(content(&found), Some(name.as_bytes()), "{name}");
    }
}

#[test]
fn a_keyring_keeps_what_it_is_given_until_it_is_told_to_forget() {
    let Some(cache) = Sealed::new() else { return };
    let label = cache.vault().label();
    assert!(find(&label).is_none());
    let made = make(&label).unwrap();
    assert_eq!(find(&label).unwrap().bytes(), made.bytes());
    cache.forget();
    assert!(find(&label).is_none());
    // Once more does no harm.
    cache.forget();
}
