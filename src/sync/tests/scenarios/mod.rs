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
mod stored;
mod tree;

use std::collections::BTreeSet;
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

/// Where scenarios are shown.
const SOURCES: [&str; 13] = [
    include_str!("across.rs"),
    include_str!("compare.rs"),
    include_str!("deletions.rs"),
    include_str!("failures.rs"),
    include_str!("filters.rs"),
    include_str!("limits.rs"),
    include_str!("names.rs"),
    include_str!("odd_names.rs"),
    include_str!("options.rs"),
    include_str!("resilience.rs"),
    include_str!("stored.rs"),
    include_str!("tree.rs"),
    // What only a real process shows.
    include_str!("../../../../tests/it/sync/interrupted.rs"),
];

/// The number of the scenario that a test shows, if the line begins one that is named so.
fn scenario(line: &str) -> Option<usize> {
    let (before, name) = line.split_once("fn s")?;
    let (number, words) = name.split_once('_')?;
    let is_function = before.is_empty() || before == "async ";
    let is_named = is_function && number.len() == 2 && !words.is_empty();
    is_named.then(|| number.parse().ok())?
}

/// The numbers of the scenarios of which there is a test in a source.
fn shown(source: &str) -> BTreeSet<usize> {
    let lines: Vec<&str> = source.lines().collect();
    let tests = lines.windows(2).filter(|pair| {
        let above = pair[0];
        above == "#[test]" || above.starts_with("#[tokio::test")
    });
    tests.filter_map(|pair| scenario(pair[1])).collect()
}

#[test]
fn every_scenario_has_a_test_by_its_number() {
    let found: BTreeSet<usize> = SOURCES.into_iter().flat_map(shown).collect();
    let missing: Vec<usize> = (1..=80).filter(|number| !found.contains(number)).collect();
    assert!(missing.is_empty(), "no test shows {missing:?}");
    assert_eq!(found.len(), 80, "there are 80 scenarios");
    for source in [
        "fn s01_a() {",
        "#[test]\nfn s1_a() {",
        "#[test]\nfn sum() {",
    ] {
        assert!(shown(source).is_empty(), "{source}");
    }
    assert!(shown("#[test]\nfn s01_a() {").contains(&1));
}
