//! Keys that are one name where a file system does not tell capital letters from small ones.

#[cfg(feature = "aws")]
use std::collections::BTreeMap;
#[cfg(feature = "aws")]
use std::fs;
#[cfg(feature = "aws")]
use std::io;
#[cfg(feature = "aws")]
use std::os::unix::fs::MetadataExt as _;
#[cfg(feature = "aws")]
use std::path::Path;

use serde::{Deserialize, Serialize};

/// What becomes of keys of one folder that differ in case only, on their way down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnCaseConflict {
    /// Nothing is done at all.
    Error,
    /// Each is named and downloaded; where they are one file, the second is not written over
    /// the first.
    Warn,
    /// All but the first are named and left alone.
    Skip,
    /// They are downloaded as any others.
    Ignore,
}

/// Two keys that differ in case only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("`{key}` and `{other}` differ in case only")]
pub struct CaseConflict {
    /// The key that came second.
    pub key: String,
    /// What came first: a key, or the folder of keys.
    pub other: String,
}

/// The names of the folders that are open, while keys come in their order.
#[cfg(feature = "aws")]
#[derive(Debug, Default)]
pub(super) struct Names {
    levels: Vec<Level>,
}

/// One folder: its key with a `/`, and the names in it by what they are without case.
#[cfg(feature = "aws")]
#[derive(Debug)]
struct Level {
    prefix: String,
    names: BTreeMap<String, String>,
}

#[cfg(feature = "aws")]
impl Names {
    /// Takes in the next key; gives the name that it collides with.
    pub(super) fn enter(&mut self, key: &str) -> Option<String> {
        while self
            .levels
            .last()
            .is_some_and(|level| !key.starts_with(&level.prefix))
        {
            self.levels.pop();
        }
        let mut open = self.levels.last().map_or(0, |level| level.prefix.len());
        if self.levels.is_empty() {
            self.levels.push(Level::of(""));
        }
        loop {
            let rest = &key[open..];
            let (name, is_folder) = match rest.split_once('/') {
                Some((name, _)) => (name, true),
                None => (rest, false),
            };
            let level = self.levels.last_mut()?;
            let known = level
                .names
                .entry(name.to_lowercase())
                .or_insert_with(|| name.to_owned());
            if known != name {
                return Some(format!("{}{known}", level.prefix));
            }
            if !is_folder {
                return None;
            }
            open += name.len() + 1;
            self.levels.push(Level::of(&key[..open]));
        }
    }
}

#[cfg(feature = "aws")]
impl Level {
    fn of(prefix: &str) -> Self {
        Self {
            prefix: prefix.to_owned(),
            names: BTreeMap::new(),
        }
    }
}

/// Whether the file system of a folder, which need not be there yet, takes two names for one
/// that differ in case; `None` where no name tells.
///
/// A survey writes nothing, so no file is made to find out: a name that is there, in the
/// folder or on the way to it, is looked up with its case turned round.
#[cfg(feature = "aws")]
pub(super) fn folds_case(folder: &Path) -> Option<bool> {
    let inside = fs::read_dir(folder)
        .ok()
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .take(MOST_NAMES)
        .find_map(|entry| is_found_turned_round(&entry.path()));
    if inside.is_some() {
        return inside;
    }
    let folder = std::path::absolute(folder).ok()?;
    let mut device = None;
    for path in folder.ancestors() {
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(_) => return None,
        };
        // A name belongs to the file system that its folder is on.
        let of_parent = path.parent().and_then(|parent| fs::metadata(parent).ok())?;
        if *device.get_or_insert(metadata.dev()) != of_parent.dev() {
            return None;
        }
        let found = is_found_turned_round(path);
        if found.is_some() {
            return found;
        }
    }
    None
}

/// How many names of a folder are tried.
#[cfg(feature = "aws")]
const MOST_NAMES: usize = 100;

/// Whether a path is found by its name with the case of every letter turned round; `None`
/// where the name has no letters.
#[cfg(feature = "aws")]
fn is_found_turned_round(path: &Path) -> Option<bool> {
    let name = path.file_name()?.to_str()?;
    let turned: String = name.chars().map(turned_round).collect();
    if turned == name {
        return None;
    }
    let identity = |path: &Path| {
        let metadata = fs::symlink_metadata(path)?;
        Ok::<_, io::Error>((metadata.dev(), metadata.ino()))
    };
    let own = identity(path).ok()?;
    match identity(&path.with_file_name(turned)) {
        Ok(other) => Some(own == other),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Some(false),
        Err(_) => None,
    }
}

#[cfg(feature = "aws")]
fn turned_round(letter: char) -> char {
    if letter.is_ascii_lowercase() {
        letter.to_ascii_uppercase()
    } else {
        letter.to_ascii_lowercase()
    }
}

#[cfg(all(test, feature = "aws"))]
mod tests {
    use super::*;

    #[test]
    fn names_of_one_folder_collide_and_others_do_not() {
        let mut names = Names::default();
        let mut enter = |key| names.enter(key);
        assert_eq!(enter("A/x"), None);
        assert_eq!(enter("A/y"), None);
        assert_eq!(enter("B/X"), None);
        assert_eq!(enter("B/x").as_deref(), Some("B/X"));
        assert_eq!(enter("a/z").as_deref(), Some("A"), "a folder is a name");
        assert_eq!(enter("b").as_deref(), Some("B"), "and a file too");
        assert_eq!(enter("c/Ä"), None);
        assert_eq!(enter("c/ä").as_deref(), Some("c/Ä"));
        assert_eq!(enter("d/Ä"), None);
    }

    #[test]
    fn only_the_names_of_open_folders_are_kept() {
        let mut names = Names::default();
        for folder in 0..1000 {
            for file in 0..10 {
                assert_eq!(names.enter(&format!("{folder:04}/{file}")), None);
            }
            let kept: usize = names.levels[1..]
                .iter()
                .map(|level| level.names.len())
                .sum();
            assert_eq!(kept, 10);
        }
    }

    #[cfg(feature = "aws")]
    #[test]
    fn a_file_system_is_asked_without_writing_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let made = folder.path().join("Probe");
        fs::write(&made, "").unwrap();
        let truth = folder.path().join("pROBE").exists();
        assert_eq!(folds_case(folder.path()), Some(truth));
        assert_eq!(
            folds_case(&folder.path().join("not/there/yet")),
            Some(truth)
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
