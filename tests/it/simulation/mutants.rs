//! The broken variants of `tests/mutants` can still be made out of the source.

use std::path::Path;

use serde_json::Value;

#[test]
fn every_mutant_still_finds_what_it_breaks_and_the_test_that_notices() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("tests/mutants/mutants.json")).unwrap();
    let mutants: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert_eq!(mutants.len(), 10);
    for mutant in &mutants {
        let field = |name: &str| mutant[name].as_str().unwrap();
        for edit in mutant["edits"].as_array().unwrap() {
            let part = |name: &str| edit[name].as_str().unwrap();
            let file = std::fs::read_to_string(root.join(part("file"))).unwrap();
            let found = file.matches(part("from")).count();
            assert_eq!(found, 1, "{}", field("name"));
        }
        for test in mutant["tests"].as_array().unwrap() {
            let path: Vec<&str> = test.as_str().unwrap().split("::").collect();
            let [_, module, name] = path.as_slice() else {
                panic!("{test} is no test of the simulation");
            };
            let file = root.join(format!("tests/it/simulation/{module}.rs"));
            let source = std::fs::read_to_string(file).unwrap();
            assert!(source.contains(name), "{test}");
        }
    }
}
