//! The JSON Schemas: complete, current, and of one mind with `validate`.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::{Sandbox, venv};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const KINDS: [(&str, &str); 2] = [
    ("environment", "schemas/environment.schema.json"),
    ("project", "schemas/project.schema.json"),
];

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(ROOT).join(path)).unwrap()
}

/// What the public validator says of every document in a folder of the repository, by file name.
fn judged(schema: &str, folder: &str) -> BTreeMap<String, Vec<String>> {
    let output = Command::new(venv().join("bin/python"))
        .args(["tests/documents/judge.py", schema, folder])
        .current_dir(ROOT)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let verdicts: BTreeMap<String, Vec<String>> = serde_json::from_slice(&output.stdout).unwrap();
    let short = |path: &str| path.rsplit('/').next().unwrap().to_owned();
    verdicts
        .into_iter()
        .map(|(path, errors)| (short(&path), errors))
        .collect()
}

/// Whether `validate` accepts each document of a folder, with what it said.
fn validated(folder: &str) -> BTreeMap<String, (bool, String)> {
    let sandbox = Sandbox::new();
    let mut verdicts = BTreeMap::new();
    for entry in std::fs::read_dir(Path::new(ROOT).join(folder)).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        sandbox.copy(&format!("{folder}/{name}"));
        let run = sandbox.run(&["validate", &format!("{folder}/{name}")]);
        assert!(matches!(run.code, Some(0 | 1)), "{run}");
        verdicts.insert(name, (run.code == Some(0), run.to_string()));
    }
    verdicts
}

/// Fails unless both judges say the same of at least thirty documents.
#[track_caller]
fn agree(folder: &str, good: bool) {
    let theirs = judged("schemas/environment.schema.json", folder);
    let ours = validated(folder);
    assert!(ours.len() >= 30, "{} documents in {folder}", ours.len());
    assert!(theirs.keys().eq(ours.keys()), "{theirs:?}");
    let mut wrong = Vec::new();
    for (name, (accepted, said)) in ours {
        let errors = &theirs[&name];
        if accepted != good || errors.is_empty() != good {
            wrong.push(format!(
                "{name}: the schema says {errors:?}, and we say\n{said}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn both_judges_accept_the_valid_documents() {
    agree("tests/documents/valid", true);
}

#[test]
fn both_judges_refuse_the_invalid_documents() {
    agree("tests/documents/invalid", false);
}

#[test]
fn both_judges_accept_every_example() {
    let theirs = judged("schemas/environment.schema.json", "environments");
    assert!(theirs.len() >= 3, "{theirs:?}");
    for (name, errors) in theirs {
        assert!(errors.is_empty(), "{name}: {errors:?}");
    }
    let sandbox = Sandbox::new();
    sandbox.copy("environments");
    sandbox.run(&["validate"]).expect(0);
}

#[test]
fn every_example_names_its_schema_for_editors() {
    for entry in std::fs::read_dir(Path::new(ROOT).join("environments")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let header = "# yaml-language-server: $schema=";
        let schema = text.lines().next().unwrap().strip_prefix(header).unwrap();
        assert!(path.parent().unwrap().join(schema).is_file(), "{path:?}");
    }
}

#[test]
fn what_init_writes_is_good_to_both_judges() {
    let sandbox = Sandbox::new();
    sandbox.run(&["init", "trial"]).expect(0);
    sandbox.run(&["validate"]).expect(0);
    for (_, path) in KINDS {
        let written = std::fs::read_to_string(sandbox.folder().join(path)).unwrap();
        assert!(written == read(path), "{path} differs");
    }
    let folder = sandbox.folder().join("environments");
    let verdicts = judged("schemas/environment.schema.json", folder.to_str().unwrap());
    assert_eq!(verdicts["trial.yaml"], [""; 0]);
}

#[test]
fn the_schemas_in_the_repository_are_current() {
    let sandbox = Sandbox::new();
    for (kind, path) in KINDS {
        let run = sandbox.run(&["schema", kind]);
        run.expect(0);
        assert!(
            run.stdout == read(path),
            "{path} is old: write it with `trainyard schema {kind} > {path}`"
        );
    }
}

#[test]
fn every_property_is_described() {
    for (kind, path) in KINDS {
        let schema: Value = serde_json::from_str(&read(path)).unwrap();
        let mut seen = Vec::new();
        describe(&schema, kind, &mut seen);
        let least = if kind == "environment" { 40 } else { 8 };
        assert!(seen.len() >= least, "{seen:?}");
    }
}

/// Fails unless every property below `schema` has a description that says something.
fn describe(schema: &Value, path: &str, seen: &mut Vec<String>) {
    let properties = schema["properties"].as_object();
    for (name, property) in properties.into_iter().flatten() {
        let path = format!("{path}.{name}");
        let words = property["description"].as_str().unwrap_or_default();
        assert!(words.split(' ').count() >= 2, "{path} says {words:?}");
        assert!(words.ends_with('.'), "{path} says {words:?}");
        describe(property, &path, seen);
        seen.push(path);
    }
    for inner in ["items", "additionalProperties"] {
        if schema[inner].is_object() {
            describe(&schema[inner], path, seen);
        }
    }
}

#[test]
fn unknown_keys_are_closed_everywhere() {
    for (_, path) in KINDS {
        let schema: Value = serde_json::from_str(&read(path)).unwrap();
        closed(&schema, path);
    }
}

/// Fails if a map with named keys lets unknown ones pass.
fn closed(schema: &Value, path: &str) {
    if let Some(properties) = schema["properties"].as_object() {
        assert_eq!(schema["additionalProperties"], false, "{path}");
        for (name, property) in properties {
            closed(property, &format!("{path}.{name}"));
        }
    }
    if schema["additionalProperties"].is_object() {
        closed(&schema["additionalProperties"], &format!("{path}.*"));
    }
}
