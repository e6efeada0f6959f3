//! What a sync has to stand, scenario by scenario.

mod across;
mod compare;
mod deletions;
mod failures;
mod filters;
mod limits;
mod names;
mod odd_names;
mod options;
mod resilience;
mod tree;

use std::fs;
use std::path::PathBuf;

use super::world::World;

/// The longest path that the system takes, in bytes (`PATH_MAX` without its NUL).
const LONGEST_PATH: usize = if cfg!(target_os = "linux") {
    4095
} else {
    1023
};

/// A folder so deep down that a name of the second length, in bytes, ends where paths do.
///
/// What is beyond that cannot be read by anybody, and not by root either.
fn deep_folder(world: &World) -> (PathBuf, usize) {
    let mut folder = world.root().to_owned();
    while LONGEST_PATH - folder.as_os_str().len() > 250 {
        folder.push("n".repeat(200));
    }
    fs::create_dir_all(&folder).unwrap();
    let left = LONGEST_PATH - folder.as_os_str().len() - 1;
    (folder, left)
}

/// A folder with a folder in it that can be looked at and not be read, and the name of that.
fn unreadable_folder(world: &World) -> (PathBuf, String) {
    let (folder, left) = deep_folder(world);
    let name = "u".repeat(left);
    fs::create_dir(folder.join(&name)).unwrap();
    // With the `/` behind it, as it is read, the path is too long.
    assert!(fs::read_dir(folder.join(&name).join("")).is_err());
    (folder, name)
}
