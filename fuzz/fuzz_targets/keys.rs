//! Arbitrary keys of objects: what lands, where it lands, and which filters let it through.
//!
//! The folder on disk is held against a model of it, so that "never leaves the folder" is
//! said by something that has never joined a path.
#![no_main]

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use arbitrary::Arbitrary;
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;
use trainyard::sync::{
    FailureReason, Filter, Place, check_key, remove_empty_folders, validate_pattern, write_file,
};
use trainyard_fuzz::check_shown;

/// The most keys and patterns of one run: what more there are tells nothing new.
const MOST: usize = 8;
/// What the file outside of the folder holds, which nobody may change.
const THEIRS: &str = "theirs";

#[derive(Debug, Arbitrary)]
enum Deed {
    /// A file comes down.
    Land(String),
    /// Somebody has put a link to the outside there.
    Link(String),
    /// A file was deleted, and its folders may be empty now.
    Empty(String),
}

#[derive(Debug, Arbitrary)]
struct Input {
    deeds: Vec<Deed>,
    include: Vec<String>,
    exclude: Vec<String>,
    url: String,
}

fuzz_target!(|input: Input| {
    let deeds: Vec<&Deed> = input.deeds.iter().take(MOST).collect();
    check_filter(&input, &deeds);
    check_url(&input.url);
    STAGE.with_borrow_mut(|stage| stage.play(&deeds));
});

thread_local! {
    static STAGE: RefCell<Stage> = RefCell::new(Stage::new());
}

fn key_of(deed: &Deed) -> &str {
    match deed {
        Deed::Land(key) | Deed::Link(key) | Deed::Empty(key) => key,
    }
}

/// What a pattern drops it drops with everything below, and no pattern breaks the matcher.
fn check_filter(input: &Input, deeds: &[&Deed]) {
    let few = |list: &[String]| list.iter().take(MOST).cloned().collect::<Vec<_>>();
    let (include, exclude) = (few(&input.include), few(&input.exclude));
    for pattern in include.iter().chain(&exclude) {
        if let Err(error) = validate_pattern(pattern) {
            assert!(!error.problem.is_empty());
            check_shown(&trainyard::render::escape(&error.to_string()));
        }
    }
    let good = |list: &[String]| list.iter().all(|pattern| validate_pattern(pattern).is_ok());
    let filter = Filter::new(&include, &exclude);
    assert_eq!(filter.is_ok(), good(&include) && good(&exclude));
    let Ok(filter) = filter else { return };
    let alone = Filter::new(&[], &exclude).expect("it was part of a good one");
    for key in deeds
        .iter()
        .map(|deed| key_of(deed))
        .filter(|key| check_key(key).is_ok())
    {
        // What is in with an include is in without one.
        assert!(!filter.keeps(key) || alone.keeps(key), "{key:?}");
        for (end, _) in key.match_indices('/') {
            let dropped = filter.drops_folder(&key[..end]);
            assert!(
                !(dropped && filter.keeps(key)),
                "{key:?} is below what is dropped"
            );
        }
    }
}

/// A place in a bucket is read back as it was written, and ends at a component.
fn check_url(url: &str) {
    let Ok(place) = Place::parse_url(url) else {
        return;
    };
    let Place::Prefix { bucket, prefix } = &place else {
        panic!("no bucket: {url:?}")
    };
    assert!(!bucket.is_empty() && !bucket.contains('/'));
    assert!(prefix.is_empty() || prefix.ends_with('/'));
    assert_eq!(Place::parse_url(&place.to_string()), Ok(place.clone()));
}

/// What stands at a path of the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Thing {
    Folder,
    File(u8),
    Link,
}

/// A folder, what is outside of it, and what should be in it.
struct Stage {
    /// Holds both, and is deleted with them.
    room: TempDir,
    things: BTreeMap<String, Thing>,
}

impl Stage {
    fn new() -> Self {
        let stage = Self {
            room: TempDir::new().unwrap(),
            things: BTreeMap::new(),
        };
        fs::create_dir(stage.outside()).unwrap();
        fs::write(stage.outside().join("file"), THEIRS).unwrap();
        stage
    }

    fn root(&self) -> PathBuf {
        self.room.path().join("root")
    }

    fn outside(&self) -> PathBuf {
        self.room.path().join("outside")
    }

    fn play(&mut self, deeds: &[&Deed]) {
        self.things.clear();
        if self.root().exists() {
            fs::remove_dir_all(self.root()).unwrap();
        }
        for (number, deed) in (0..).zip(deeds) {
            let key = key_of(deed);
            // What a survey refuses is never joined to a path; so it is here.
            if check_key(key).is_err() || key.len() > 200 {
                continue;
            }
            match deed {
                Deed::Land(_) => self.land(key, number),
                Deed::Link(_) => self.link(key),
                Deed::Empty(_) => self.empty(key),
            }
        }
        self.check();
    }

    fn land(&mut self, key: &str, number: u8) {
        let written = write_file(&self.root(), key, &[number], Timestamp::UNIX_EPOCH);
        match self.way(key) {
            Some((folder, Thing::Link)) => {
                assert_eq!(written, Err(FailureReason::ThroughLink(folder.to_owned())));
            }
            Some((folder, Thing::File(_) | Thing::Folder)) => {
                assert_eq!(written, Err(FailureReason::FileInTheWay(folder.to_owned())));
            }
            None if self.things.get(key) == Some(&Thing::Folder) => {
                assert_eq!(written, Err(FailureReason::FolderInTheWay));
            }
            None => {
                assert_eq!(written, Ok(()), "{key:?}");
                self.things.insert(key.to_owned(), Thing::File(number));
            }
        }
        // The folders before whatever is in the way have been made all the same.
        let end = self.way(key).map_or(key.len(), |(folder, _)| folder.len());
        self.folders(&key[..end]);
    }

    /// Makes the folders of a key in the model.
    fn folders(&mut self, key: &str) {
        for (end, _) in key.match_indices('/') {
            self.things
                .entry(key[..end].to_owned())
                .or_insert(Thing::Folder);
        }
    }

    /// The first folder on the way to a key that is none, and what it is.
    fn way<'a>(&self, key: &'a str) -> Option<(&'a str, Thing)> {
        let folders = key.match_indices('/').map(|(end, _)| &key[..end]);
        let mut known = folders.filter_map(|folder| Some((folder, *self.things.get(folder)?)));
        known.find(|(_, thing)| *thing != Thing::Folder)
    }

    fn link(&mut self, key: &str) {
        if self.way(key).is_some() || self.things.contains_key(key) {
            return;
        }
        let path = self.root().join(key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(self.outside(), path).unwrap();
        self.things.insert(key.to_owned(), Thing::Link);
        self.folders(key);
    }

    fn empty(&mut self, key: &str) {
        if self.way(key).is_some() {
            return;
        }
        remove_empty_folders(&self.root(), key);
        let mut folders: Vec<&str> = key.match_indices('/').map(|(end, _)| &key[..end]).collect();
        while let Some(folder) = folders.pop() {
            let below = format!("{folder}/");
            let used = self.things.keys().any(|other| other.starts_with(&below));
            if used || self.things.remove(folder).is_none() {
                return;
            }
        }
    }

    /// The folder is what the model says, and the outside is as it was.
    fn check(&self) {
        let mut found = BTreeMap::new();
        if self.root().is_dir() {
            read(&self.root(), "", &mut found);
        }
        assert_eq!(found, self.things);
        let outside: BTreeSet<_> = fs::read_dir(self.outside())
            .unwrap()
            .map(|one| one.unwrap().file_name())
            .collect();
        assert_eq!(outside, BTreeSet::from(["file".into()]));
        assert_eq!(
            fs::read_to_string(self.outside().join("file")).unwrap(),
            THEIRS
        );
        let room = fs::read_dir(self.room.path()).unwrap().count();
        assert_eq!(
            room,
            1 + usize::from(self.root().exists()),
            "something is beside the folder"
        );
    }
}

fn read(folder: &Path, prefix: &str, found: &mut BTreeMap<String, Thing>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let key = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        let kind = entry.file_type().unwrap();
        let thing = if kind.is_symlink() {
            Thing::Link
        } else if kind.is_dir() {
            read(&entry.path(), &format!("{key}/"), found);
            Thing::Folder
        } else {
            Thing::File(fs::read(entry.path()).unwrap()[0])
        };
        found.insert(key, thing);
    }
}
