//! The list of faults in `src/design/faults.md` is complete, and names tests that exist.

use std::path::{Path, PathBuf};

/// How many faults the model has.
const FAULTS: usize = 70;

/// A row of the list: the fault's name and what it is held by.
fn rows() -> Vec<(String, String)> {
    let list = include_str!("../../../src/design/faults.md");
    let rows = list.lines().filter(|line| line.starts_with("| F"));
    rows.map(|line| {
        let mut cells = line.trim_matches('|').split(" | ").map(str::trim);
        let name = cells.next().unwrap().to_owned();
        (name, cells.nth(1).unwrap().to_owned())
    })
    .collect()
}

#[test]
fn the_list_of_faults_is_complete() {
    let names: Vec<String> = rows().into_iter().map(|(name, _)| name).collect();
    let expected: Vec<String> = (1..=FAULTS).map(|number| format!("F{number}")).collect();
    assert_eq!(names, expected);
}

#[test]
fn every_fault_is_held_by_a_test_that_exists_or_by_a_reason() {
    let sources = sources();
    for (name, held) in rows() {
        let tests: Vec<&str> = held.split('`').skip(1).step_by(2).collect();
        let tests: Vec<&str> = tests
            .into_iter()
            .filter(|test| test.contains("::"))
            .collect();
        assert!(!held.contains("OPEN"), "{name} is open: {held}");
        let reasoned = held.contains("cannot occur:") || held.contains("not yet:");
        assert!(
            !tests.is_empty() || reasoned,
            "{name} is held by nothing: {held}"
        );
        for test in tests {
            assert!(exists(test, &sources), "{name}: there is no {test}");
        }
    }
}

/// Every source file with its path below the repository.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders: Vec<PathBuf> = ["src", "tests/it", "fuzz/fuzz_targets"]
        .iter()
        .map(|folder| root.join(folder))
        .collect();
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                let name = path.strip_prefix(root).unwrap().display().to_string();
                sources.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    sources
}

/// Whether a file whose path has the modules of a test has a function of its name.
fn exists(test: &str, sources: &[(String, String)]) -> bool {
    let mut modules: Vec<&str> = test.split("::").collect();
    let function = modules.pop().unwrap();
    // The enumerated scenarios are written by a macro: their names stand in a list.
    let written = [format!("fn {function}("), format!("    {function}\n")];
    sources.iter().any(|(path, source)| {
        let file = path.trim_end_matches(".rs").replace("_tests", "/tests");
        let named = |module: &&&str| **module != "tests" && **module != "mod";
        modules
            .iter()
            .filter(named)
            .all(|module| file.split('/').any(|part| part == *module))
            && written.iter().any(|text| source.contains(text))
    })
}
