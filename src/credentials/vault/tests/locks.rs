//! One process at a time.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Child;
use std::thread;

use super::{Cache, NAME, OTHER, cache_of_child, child, mode, run, set_mode};

/// What the other process makes just before it lets go.
const DONE: &str = "done";

fn lock_file(cache: &Cache) -> PathBuf {
    cache.folder.join(format!("{NAME}.lock"))
}

#[test]
fn a_lock_is_held_until_it_is_dropped() {
    let cache = Cache::new();
    let (one, another) = (cache.vault(), cache.vault());
    let lock = one.try_lock(NAME).unwrap();
    assert!(lock.is_some());
    assert!(another.try_lock(NAME).unwrap().is_none());
    assert!(one.try_lock(NAME).unwrap().is_none());
    drop(lock);
    assert!(another.try_lock(NAME).unwrap().is_some());
}

#[test]
fn names_have_locks_of_their_own() {
    let cache = Cache::new();
    let vault = cache.vault();
    let _lock = vault.lock(NAME).unwrap();
    assert!(vault.try_lock(OTHER).unwrap().is_some());
}

#[test]
fn a_lock_keeps_nobody_from_reading_and_writing() {
    let cache = Cache::with_entry();
    let _lock = cache.vault().lock(NAME).unwrap();
    let vault = cache.vault();
    vault.write(NAME, b"new").unwrap();
    assert_eq!(super::content(&vault.read(NAME)), Some(&b"new"[..]));
}

#[test]
#[ignore = "is run by another test, in a process of its own"]
fn holds_a_lock_until_its_input_ends() {
    let Some(vault) = cache_of_child() else {
        return;
    };
    let lock = vault.lock(NAME).unwrap();
    println!("held");
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    fs::write(DONE, "").unwrap();
    drop(lock);
}

/// Another process that holds the lock.
fn holder(cache: &Cache) -> Child {
    let test = "holds_a_lock_until_its_input_ends";
    let mut command = child(module_path!(), test, cache.root.path(), "");
    let mut holder = command.spawn().unwrap();
    let mut lines = BufReader::new(holder.stdout.as_mut().unwrap()).lines();
    let is_held = lines.any(|line| line.unwrap().contains("held"));
    assert!(is_held, "the other process did not begin");
    holder
}

#[test]
fn a_lock_of_another_process_is_seen_and_waited_for() {
    let cache = Cache::new();
    let mut holder = holder(&cache);
    let vault = cache.vault();
    assert!(vault.try_lock(NAME).unwrap().is_none());
    let done = cache.root.path().join(DONE);
    assert!(!done.exists());
    let input = holder.stdin.take();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let _lock = vault.lock(NAME).unwrap();
            assert!(done.exists(), "the lock was taken while another held it");
        });
        drop(input);
        waiting.join().unwrap();
    });
    assert!(holder.wait().unwrap().success());
}

#[test]
fn a_lock_of_a_killed_process_is_free() {
    let cache = Cache::new();
    let mut holder = holder(&cache);
    let vault = cache.vault();
    assert!(vault.try_lock(NAME).unwrap().is_none());
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert!(vault.try_lock(NAME).unwrap().is_some());
}

#[test]
fn a_lock_whose_file_was_removed_does_not_count() {
    let cache = Cache::new();
    let vault = cache.vault();
    let _removed = vault.lock(NAME).unwrap();
    fs::remove_file(lock_file(&cache)).unwrap();
    let lock = vault.try_lock(NAME).unwrap();
    assert!(lock.is_some());
    assert!(vault.try_lock(NAME).unwrap().is_none());
}

#[test]
fn a_link_in_place_of_a_lock_is_not_followed() {
    let cache = Cache::with_entry();
    let outside = cache.root.path().join("outside");
    symlink(&outside, lock_file(&cache)).unwrap();
    let vault = cache.vault();
    let _lock = vault.lock(NAME).unwrap();
    assert!(vault.try_lock(NAME).unwrap().is_none());
    assert!(!outside.exists());
    assert!(fs::symlink_metadata(lock_file(&cache)).unwrap().is_file());
}

#[test]
fn a_pipe_in_place_of_a_lock_keeps_nobody_waiting() {
    let cache = Cache::with_entry();
    let pipe = format!("{NAME}.lock");
    assert!(run("mkfifo", &["-m", "600", &pipe], &cache.folder));
    let _lock = cache.vault().lock(NAME).unwrap();
    assert!(fs::symlink_metadata(lock_file(&cache)).unwrap().is_file());
}

#[test]
fn a_lock_that_others_could_hold_is_made_anew() {
    let cache = Cache::with_entry();
    fs::write(lock_file(&cache), "").unwrap();
    set_mode(&lock_file(&cache), 0o666);
    let others = fs::File::open(lock_file(&cache)).unwrap();
    others.lock().unwrap();
    let _lock = cache.vault().lock(NAME).unwrap();
    assert_eq!(mode(&lock_file(&cache)), 0o600);
}
