//! Several writers, and those that do not come to their end.

use std::fs::{self, File, FileTimes};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::{Cache, NAME, SECRET, cache_of_child, child, content, mode};
use crate::credentials::vault::file::{fill, judge, temporary};
use crate::credentials::vault::folder::Folder;
use crate::credentials::vault::warnings::Warnings;

const WRITERS: u8 = 4;
const WRITES: usize = 20;

/// What a writer writes: nobody else's bytes, as many as only it writes.
fn page(writer: u8) -> Vec<u8> {
    vec![writer; 1000 * (usize::from(writer) + 1)]
}

fn is_whole(content: &[u8]) -> bool {
    content
        .first()
        .is_some_and(|writer| content == page(*writer))
}

#[test]
fn writers_at_once_never_mix() {
    let cache = Cache::new();
    cache.vault().write(NAME, &page(0)).unwrap();
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let vault = cache.vault();
            scope.spawn(move || {
                for _ in 0..WRITES {
                    vault.write(NAME, &page(writer)).unwrap();
                    let found = vault.read(NAME);
                    assert!(content(&found).is_some_and(is_whole));
                }
                assert!(vault.take_warnings().is_empty());
            });
        }
    });
    assert!(content(&cache.vault().read(NAME)).is_some_and(is_whole));
    assert_eq!(cache.files(), [NAME]);
}

#[test]
fn a_file_that_is_replaced_while_it_is_read_is_believed() {
    let cache = Cache::with_entry();
    let file = File::open(cache.file()).unwrap();
    cache.vault().write(NAME, b"new").unwrap();
    let status = file.metadata().unwrap();
    assert_eq!(status.nlink(), 0);
    judge(&status).unwrap();
}

#[test]
fn the_first_writers_at_once_make_one_folder() {
    let cache = Cache::new();
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let vault = cache.vault();
            scope.spawn(move || vault.write(NAME, &page(writer)).unwrap());
        }
    });
    assert!(content(&cache.vault().read(NAME)).is_some_and(is_whole));
    assert_eq!(mode(&cache.folder), 0o700);
}

/// Leaves what a writer leaves that dies before its file is whole.
fn die_halfway(cache: &Cache) -> PathBuf {
    let folder = Folder::make(&cache.folder, &Warnings::default()).unwrap();
    let name = temporary(NAME).unwrap();
    fill(&folder, &name, &SECRET[..4]).unwrap();
    cache.folder.join(name)
}

fn age(path: &Path, by: Duration) {
    let file = File::options().write(true).open(path).unwrap();
    let modified = file.metadata().unwrap().modified().unwrap() - by;
    file.set_times(FileTimes::new().set_modified(modified))
        .unwrap();
}

#[test]
fn a_writer_that_died_leaves_nothing_under_the_name() {
    let cache = Cache::new();
    let left = die_halfway(&cache);
    let vault = cache.vault();
    assert!(left.exists());
    assert_eq!(content(&vault.read(NAME)), None);
    assert!(vault.names().unwrap().is_empty());
    assert!(vault.take_warnings().is_empty());
}

#[test]
fn a_writer_that_died_leaves_the_entry_that_was_there() {
    let cache = Cache::with_entry();
    die_halfway(&cache);
    assert_eq!(content(&cache.vault().read(NAME)), Some(SECRET));
}

#[test]
fn what_a_dead_writer_left_goes_with_a_later_write_and_what_a_live_one_has_stays() {
    let cache = Cache::new();
    let (old, young) = (die_halfway(&cache), die_halfway(&cache));
    age(&old, Duration::from_hours(2));
    age(&young, Duration::from_mins(30));
    cache.vault().write(NAME, SECRET).unwrap();
    assert!(!old.exists());
    assert!(young.exists());
    assert_eq!(content(&cache.vault().read(NAME)), Some(SECRET));
}

#[test]
fn a_write_that_fails_leaves_no_temporary_file() {
    let cache = Cache::new();
    fs::create_dir_all(cache.file()).unwrap();
    super::set_mode(&cache.folder, 0o700);
    cache.vault().write(NAME, SECRET).unwrap_err();
    assert_eq!(cache.files(), [NAME]);
}

#[test]
#[ignore = "is run by another test, in a process of its own"]
fn writes_without_end() {
    let Some(vault) = cache_of_child() else {
        return;
    };
    for round in 0.. {
        for writer in 0..WRITERS {
            vault.write(NAME, &page(writer)).unwrap();
        }
        println!("round {round}");
    }
}

#[test]
fn a_killed_writer_leaves_a_whole_entry() {
    let cache = Cache::new();
    for _ in 0..4 {
        let mut writer = child(module_path!(), "writes_without_end", cache.root.path(), "");
        let mut writer = writer.spawn().unwrap();
        // Kept open, for a writer that cannot say how far it is would end by itself.
        let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines();
        let begun = lines.any(|line| line.unwrap().contains("round "));
        assert!(begun, "the writer did not begin");
        writer.kill().unwrap();
        writer.wait().unwrap();
        let vault = cache.vault();
        assert!(content(&vault.read(NAME)).is_some_and(is_whole));
        assert_eq!(vault.names().unwrap(), [NAME]);
        assert!(vault.take_warnings().is_empty());
    }
}

#[test]
#[ignore = "is run by another test, in a process of its own"]
fn writes_and_locks_once() {
    let Some(vault) = cache_of_child() else {
        return;
    };
    vault.write(NAME, SECRET).unwrap();
    drop(vault.lock(NAME).unwrap());
}

#[test]
fn the_umask_does_not_matter() {
    for umask in ["000", "022", "077", "177", "277"] {
        let cache = Cache::new();
        // A folder above has the mode that the umask leaves, as other programs' have.
        fs::create_dir(cache.folder.parent().unwrap()).unwrap();
        let first = format!("umask {umask}");
        let mut writer = child(
            module_path!(),
            "writes_and_locks_once",
            cache.root.path(),
            &first,
        );
        let output = writer.output().unwrap();
        assert!(output.status.success(), "umask {umask}: {output:?}");
        assert_eq!(mode(&cache.folder), 0o700, "umask {umask}");
        assert_eq!(mode(&cache.file()), 0o600, "umask {umask}");
        let lock = cache.folder.join(format!("{NAME}.lock"));
        assert_eq!(mode(&lock), 0o600, "umask {umask}");
        let vault = cache.vault();
        assert_eq!(content(&vault.read(NAME)), Some(SECRET), "umask {umask}");
        assert!(vault.take_warnings().is_empty());
    }
}
