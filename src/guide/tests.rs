//! The guide keeps to what the program does.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use super::{PAGES, page};
use crate::resource::{FIELDS, fields_markdown};
use crate::spec::{SchemaKind, load, schema_text};

fn text(name: &str) -> &'static str {
    page(name).unwrap().text
}

#[test]
fn every_page_is_listed_once_and_begins_with_its_title() {
    let files = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/guide")).unwrap();
    let files: BTreeSet<String> = files
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| name.strip_suffix(".md").map(str::to_owned))
        .collect();
    let names: BTreeSet<String> = PAGES.iter().map(|page| page.name.to_owned()).collect();
    assert_eq!(names, files);
    assert_eq!(names.len(), PAGES.len());
    for page in PAGES {
        assert!(page.text.starts_with("# "), "{}", page.name);
        assert!(page.text.ends_with('\n'), "{}", page.name);
        assert!(page.summary.len() <= 80, "{}", page.name);
    }
}

#[test]
fn every_page_reads_well_in_a_terminal() {
    for page in PAGES {
        for line in page.text.lines() {
            let most = if line.starts_with('|') { 140 } else { 100 };
            let columns = unicode_width::UnicodeWidthStr::width(line);
            assert!(columns <= most, "{}: {line}", page.name);
            let plain = line
                .chars()
                .all(|character| !character.is_control() && !matches!(character, '<' | '>'));
            assert!(plain, "{}: {line}", page.name);
        }
    }
}

#[test]
fn the_page_of_fields_is_the_table_of_fields() {
    let (introduction, _) = text("fields").split_once("| effect").unwrap();
    let expected = format!("{introduction}{}", fields_markdown());
    if text("fields") == expected {
        return;
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "a test's own switch, not the program's"
    )]
    let update = std::env::var_os("UPDATE_GUIDE").is_some();
    assert!(
        update,
        "src/guide/fields.md is old: write it with `UPDATE_GUIDE=1 cargo test --lib guide::`"
    );
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/guide/fields.md");
    std::fs::write(file, expected).unwrap();
}

/// The cells of every row of a page's tables, without heads and lines.
fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| --"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .filter(|cells: &Vec<&str>| cells.first() != Some(&"name"))
}

#[test]
fn the_page_of_terraform_counts_its_rows_right() {
    let page = text("terraform");
    let mut states: BTreeMap<&str, usize> = BTreeMap::new();
    let mut sections: BTreeMap<&str, usize> = BTreeMap::new();
    for section in page.split("\n## ").skip(1) {
        let kind = match section.lines().next().unwrap() {
            head if head.starts_with("Block ") => "arguments of blocks",
            "Timeouts" | "Import" => "names of timeouts and import",
            "Arguments" => "arguments",
            head => {
                assert_eq!(head, "Attributes");
                "attributes"
            }
        };
        let mut seen = BTreeSet::new();
        for cells in rows(section) {
            let [name, state, here] = cells[..] else {
                panic!("{cells:?}");
            };
            assert!(name.starts_with('`') && !here.is_empty(), "{cells:?}");
            assert!(seen.insert(name), "{name} stands twice");
            *states.entry(state).or_default() += 1;
            *sections.entry(kind).or_default() += 1;
        }
    }
    let known: Vec<&str> = states.keys().copied().collect();
    assert_eq!(known, ["later", "not needed", "supported"]);
    let sum = format!(
        "{} names, of which {} are supported, {} are not needed and {} come later.",
        states.values().sum::<usize>(),
        states["supported"],
        states["not needed"],
        states["later"],
    );
    let (introduction, _) = page.split_once("\n## ").unwrap();
    let words: Vec<&str> = introduction.split_whitespace().collect();
    assert!(words.join(" ").contains(&sum), "{sum}");
    for (kind, count) in sections {
        let line = format!("\n- {count} {kind}\n");
        assert!(introduction.contains(&line), "{line}");
    }
}

/// The paths of a value's leaves, in the form of the table.
fn leaves(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    let Some(object) = value.as_object() else {
        found.insert(path.to_owned());
        return;
    };
    for (key, child) in object {
        leaves(child, &below(path, key), found);
    }
}

/// A key below a path; what the user names is `*`.
fn below(path: &str, key: &str) -> String {
    match path {
        "" => key.to_owned(),
        "tags" | "data" | "instances" | "instances.*.volumes" | "instances.*.tags" => {
            format!("{path}.*")
        }
        _ => format!("{path}.{key}"),
    }
}

fn examples() -> Vec<(&'static str, &'static str)> {
    let mut found = Vec::new();
    for page in PAGES {
        for block in page.text.split("```yaml\n").skip(1) {
            found.push((page.name, block.split("```").next().unwrap()));
        }
    }
    assert!(found.len() >= 8, "{}", found.len());
    found
}

#[test]
fn every_key_of_an_example_is_in_the_table_of_fields() {
    let known: BTreeSet<&str> = FIELDS.iter().map(|fact| fact.path).collect();
    for (name, example) in examples() {
        let value: Value = serde_yaml::from_str(example).unwrap();
        let mut used = BTreeSet::new();
        leaves(&value, "", &mut used);
        for path in used {
            assert!(known.contains(path.as_str()), "{name}: {path}\n{example}");
        }
    }
}

/// The paths below a schema: keys, and entries that the user names.
fn schema_paths(schema: &Value, path: &str, all: &mut BTreeMap<String, bool>) {
    let keys = schema["properties"].as_object().into_iter().flatten();
    let entries = Some(&schema["additionalProperties"]).filter(|entries| entries.is_object());
    let entries = entries.map(|entries| ("*", entries));
    let children: Vec<_> = keys
        .map(|(key, child)| (key.as_str(), child))
        .chain(entries)
        .collect();
    if !path.is_empty() {
        // What people add and remove has a row of its own, and so has every value.
        all.insert(path.to_owned(), children.is_empty() || path.ends_with('*'));
    }
    for (key, child) in children {
        let path = if path.is_empty() {
            key.to_owned()
        } else {
            format!("{path}.{key}")
        };
        schema_paths(child, &path, all);
    }
}

fn all_schema_paths() -> BTreeMap<String, bool> {
    let schema: Value = serde_json::from_str(&schema_text(SchemaKind::Environment)).unwrap();
    let mut all = BTreeMap::new();
    schema_paths(&schema, "", &mut all);
    assert!(all.len() >= 40, "{all:?}");
    all
}

#[test]
fn every_key_of_the_schema_has_a_row() {
    let rows: BTreeSet<&str> = FIELDS.iter().map(|fact| fact.path).collect();
    let missing: Vec<String> = all_schema_paths()
        .into_iter()
        .filter(|(path, needed)| *needed && !rows.contains(path.as_str()))
        .map(|(path, _)| path)
        .collect();
    assert!(
        missing.is_empty(),
        "take {missing:?} into resource/fields.rs"
    );
}

#[test]
fn every_row_is_a_key_of_the_schema_and_every_example_is_a_good_spec() {
    let known = all_schema_paths();
    for fact in FIELDS {
        assert!(
            known.contains_key(fact.path),
            "the schema has no {}",
            fact.path
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for (number, (_, example)) in examples().into_iter().enumerate() {
        let file = folder.path().join(format!("example-{number}.yaml"));
        std::fs::write(&file, completed(example, number)).unwrap();
        files.push(file);
    }
    let specs = load(&files);
    assert!(specs.bad.is_empty(), "{:#?}", specs.bad);
    assert_eq!(specs.good.len(), files.len());
}

/// An example with the keys that no spec can do without.
fn completed(example: &str, number: usize) -> String {
    let mut value: Value = serde_yaml::from_str(example).unwrap();
    let needed = serde_json::json!({
        "version": 1, "name": format!("example-{number}"), "account": "123456789012",
        "region": "eu-central-1", "lease": "12h", "instances": {"trainer": {}},
    });
    fill(&mut value, &needed);
    let group = serde_json::json!({"image": {"id": "ami-0123456789abcdef0"}});
    for (_, instance) in value["instances"].as_object_mut().unwrap() {
        fill(instance, &group);
        let machine = ["type", "gpu", "gpu_memory", "vcpus", "memory"];
        if machine.iter().all(|key| instance[key].is_null()) {
            instance["type"] = "g5.xlarge".into();
        }
    }
    serde_yaml::to_string(&value).unwrap()
}

fn fill(value: &mut Value, needed: &Value) {
    for (key, default) in needed.as_object().unwrap() {
        if value[key].is_null() {
            value[key] = default.clone();
        }
    }
}
