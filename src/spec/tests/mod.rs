//! The gates of a spec, one after the other.

mod forms;
mod lowering;
mod meaning;
mod places;
mod shapes;

use std::path::Path;

use serde::Deserialize as _;

use super::diagnostic::{Code, Diagnostic};
use super::model::{EnvironmentSpec, ProjectSpec};
use super::schema::{SchemaKind, schema};
use super::shape::shape;
use super::source::Source;
use super::{check_environment, lower};
use crate::resource::Desired;

const GOOD: &str = "\
version: 1
name: demo
account: \"123456789012\"
region: eu-central-1
lease: 12h
instances:
  trainer:
    image: {id: ami-0123456789abcdef0}
    type: g5.xlarge
";

/// The good spec with one piece of text replaced, which must be in it.
fn with(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    GOOD.replacen(from, to, 1)
}

/// The good spec with more keys for its group.
fn with_group(lines: &[&str]) -> String {
    let mut text = GOOD.to_owned();
    for line in lines {
        text.push_str("    ");
        text.push_str(line);
        text.push('\n');
    }
    text
}

fn source(text: &str) -> Result<Source, Diagnostic> {
    Source::from_bytes(Path::new("spec.yaml"), text.into()).map_err(|failure| failure.1)
}

fn spec(text: &str) -> EnvironmentSpec {
    let value = source(text).unwrap().parse().unwrap();
    assert_eq!(shape(&value, schema(SchemaKind::Environment)), []);
    EnvironmentSpec::deserialize(value).unwrap()
}

fn project(text: &str) -> ProjectSpec {
    let value = source(text).unwrap().parse().unwrap();
    assert_eq!(shape(&value, schema(SchemaKind::Project)), []);
    ProjectSpec::deserialize(value).unwrap()
}

/// Everything that is wrong, up to the first gate that does not open.
fn wrong(text: &str) -> Vec<Diagnostic> {
    let parsed = source(text).and_then(|source| source.parse());
    let value = match parsed {
        Ok(value) => value,
        Err(diagnostic) => return vec![diagnostic],
    };
    let found = shape(&value, schema(SchemaKind::Environment));
    if !found.is_empty() {
        return found;
    }
    let spec = EnvironmentSpec::deserialize(value).unwrap();
    check_environment(&spec, &ProjectSpec::default())
}

/// `code line:column: summary` of everything that is wrong.
fn lines(text: &str) -> Vec<String> {
    wrong(text)
        .into_iter()
        .map(|found| {
            let place = source(text).ok().and_then(|source| source.place(&found));
            let place = place.map_or("-".to_owned(), |(line, column)| format!("{line}:{column}"));
            format!("{} {place}: {}", found.code, found.summary)
        })
        .collect()
}

fn lowered(text: &str, shared: &str) -> Desired {
    let (spec, project) = (spec(text), project(shared));
    assert_eq!(check_environment(&spec, &project), []);
    lower(&spec, &project, Path::new("/repo/environments")).unwrap()
}

fn codes(text: &str) -> Vec<Code> {
    wrong(text).into_iter().map(|found| found.code).collect()
}

#[test]
fn the_good_one_is_good() {
    assert_eq!(lines(GOOD), Vec::<String>::new());
}
