//! Files that are not what was written.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;

use zeroize::Zeroizing;

use super::{Cache, NAME, OTHER, SECRET, content};
use crate::credentials::vault::envelope::{Opened, open, plain, sealed};
use crate::credentials::vault::system_key::{KEY_ID_LENGTH, Key};

/// The length of the line that a sealed file begins with.
const LINE: usize = b"trainyard-credentials 1 sealed\n".len();

fn same(key: &Key) -> Key {
    Key::new(Zeroizing::new(*key.bytes()))
}

#[test]
fn a_half_written_file_is_nothing() {
    let cache = Cache::with_entry();
    let whole = fs::read(cache.file()).unwrap();
    for length in 0..whole.len() {
        fs::write(cache.file(), &whole[..length]).unwrap();
        let vault = cache.vault();
        assert_eq!(content(&vault.read(NAME)), None, "{length}");
        assert!(vault.take_warnings()[0].ends_with("is damaged"));
    }
    fs::write(cache.file(), &whole).unwrap();
    assert_eq!(content(&cache.vault().read(NAME)), Some(SECRET));
}

#[test]
fn a_file_with_one_bit_changed_is_nothing() {
    let whole = plain(NAME, SECRET);
    for bit in 0..whole.len() * 8 {
        let mut changed = whole.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        let opened = open(NAME, &changed, || None);
        assert!(matches!(opened, Opened::Damaged), "bit {bit}");
    }
}

#[test]
fn a_file_with_something_after_its_end_is_nothing() {
    let mut longer = plain(NAME, SECRET).to_vec();
    longer.push(b'\n');
    assert!(matches!(open(NAME, &longer, || None), Opened::Damaged));
}

#[test]
fn hostile_content_is_nothing() {
    let cache = Cache::with_entry();
    let deep = ["[".repeat(30_000), "{\"a\":".repeat(10_000)];
    let mut hostile: Vec<&[u8]> = deep.iter().map(String::as_bytes).collect();
    hostile.extend([
        &b""[..],
        b"\n",
        b"\xff\xfe\x00\xd8",
        b"{\"expires\": 1e400, \"key\": 99999999999999999999999999}",
        b"trainyard-credentials 2 plain\n",
        b"trainyard-credentials 1 sealed\n",
        b"trainyard-credentials 1 plain\n",
        b"trainyard-credentials 1 sealed\r\n",
    ]);
    for bytes in hostile {
        fs::remove_file(cache.file()).unwrap();
        let mut options = File::options();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(cache.file())
            .unwrap();
        file.write_all(bytes).unwrap();
        let vault = cache.vault();
        assert_eq!(content(&vault.read(NAME)), None);
        assert!(vault.take_warnings()[0].ends_with("is damaged"));
    }
}

#[test]
fn an_entry_under_another_name_is_nothing() {
    let cache = Cache::with_entry();
    fs::copy(cache.file(), cache.folder.join(OTHER)).unwrap();
    let vault = cache.vault();
    assert_eq!(content(&vault.read(OTHER)), None);
    assert!(vault.take_warnings()[0].ends_with("is damaged"));
    assert_eq!(content(&vault.read(NAME)), Some(SECRET));
}

#[test]
fn what_is_sealed_opens_with_its_key_and_name_and_nothing_else() {
    let (key, another) = (Key::draw().unwrap(), Key::draw().unwrap());
    let file = sealed(NAME, SECRET, &key).unwrap();
    let opened = open(NAME, &file, || Some(same(&key)));
    assert!(matches!(opened, Opened::Content(content) if *content == SECRET));
    let elsewhere = open(OTHER, &file, || Some(same(&key)));
    assert!(matches!(elsewhere, Opened::Damaged));
    assert!(matches!(open(NAME, &file, || None), Opened::NoKey));
    assert!(matches!(open(NAME, &file, || Some(another)), Opened::NoKey));
}

#[test]
fn what_is_sealed_hides_its_content_and_is_never_the_same_twice() {
    let key = Key::draw().unwrap();
    let (first, second) = (sealed(NAME, SECRET, &key), sealed(NAME, SECRET, &key));
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_ne!(*first, *second);
    for hidden in [SECRET, key.bytes()] {
        assert!(
            !first
                .windows(8)
                .any(|window| hidden.windows(8).any(|w| w == window))
        );
    }
}

#[test]
fn a_truncated_ciphertext_is_never_content() {
    let key = Key::draw().unwrap();
    let file = sealed(NAME, SECRET, &key).unwrap();
    for length in 0..file.len() {
        let opened = open(NAME, &file[..length], || Some(same(&key)));
        assert!(matches!(opened, Opened::Damaged), "{length}");
    }
}

#[test]
fn a_sealed_file_with_one_bit_changed_is_never_content() {
    let key = Key::draw().unwrap();
    let file = sealed(NAME, SECRET, &key).unwrap();
    for bit in 0..file.len() * 8 {
        let mut changed = file.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        let is_of_the_id = (LINE..LINE + KEY_ID_LENGTH).contains(&(bit / 8));
        match open(NAME, &changed, || Some(same(&key))) {
            Opened::Content(_) => panic!("bit {bit} is not bound"),
            Opened::NoKey => assert!(is_of_the_id, "bit {bit}"),
            Opened::Damaged => assert!(!is_of_the_id, "bit {bit}"),
        }
    }
}

#[test]
fn a_sealed_file_does_not_pass_for_a_plain_one() {
    let key = Key::draw().unwrap();
    let file = sealed(NAME, SECRET, &key).unwrap();
    let renamed = [b"trainyard-credentials 1 plain\n", &file[LINE..]].concat();
    assert!(matches!(open(NAME, &renamed, || None), Opened::Damaged));
}

#[test]
fn debugging_a_key_shows_nothing_of_it() {
    assert_eq!(format!("{:?}", Key::draw().unwrap()), "Key(redacted)");
}
