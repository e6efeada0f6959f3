//! Which tags a user may set.

use std::collections::BTreeMap;

use super::diagnostic::{Code, Diagnostic, SpecPath};
use super::model::TagValue;
use crate::resource::{LONGEST_VALUE, TAG_PREFIX};

/// Longest key; EC2 takes 127, and some services that copy tags take less.
const LONGEST_KEY: usize = 120;

/// Everything wrong with one map of tags.
pub(super) fn check_tags(
    tags: &BTreeMap<String, TagValue>,
    path: &SpecPath,
    found: &mut Vec<Diagnostic>,
) {
    for (key, TagValue(value)) in tags {
        if let Some((summary, help)) = key_problem(key) {
            found.push(Diagnostic::at(path.the_key(key), Code::BadTag, summary).help(help));
        }
        if value.chars().count() > LONGEST_VALUE {
            let summary = format!(
                "the tag `{key}` has a value of {} characters",
                value.chars().count()
            );
            found.push(
                Diagnostic::at(path.key(key), Code::BadTag, summary)
                    .help(format!("a value has at most {LONGEST_VALUE}")),
            );
        }
    }
}

fn key_problem(key: &str) -> Option<(String, String)> {
    if key.is_empty() {
        return Some((
            "a tag has no key".to_owned(),
            "give it one, such as `project`".to_owned(),
        ));
    }
    let lower = key.to_ascii_lowercase();
    if lower.starts_with("aws:") {
        return Some((
            format!("the tag `{key}` begins with `aws:`"),
            "AWS keeps that prefix to itself; choose another".to_owned(),
        ));
    }
    if lower.starts_with(TAG_PREFIX) {
        return Some((
            format!("the tag `{key}` begins with `{TAG_PREFIX}`"),
            "those tags say what belongs to whom and are written by Trainyard alone; choose another".to_owned(),
        ));
    }
    if key.chars().count() > LONGEST_KEY {
        return Some((
            format!("a tag's key has {} characters", key.chars().count()),
            format!("a key has at most {LONGEST_KEY}"),
        ));
    }
    let allowed = |character: char| character.is_alphanumeric() || " +-=._:/@".contains(character);
    if let Some(character) = key.chars().find(|character| !allowed(*character)) {
        return Some((
            format!("the tag `{key}` holds `{character}`"),
            "a key is made of letters, digits, spaces and `+ - = . _ : / @`".to_owned(),
        ));
    }
    None
}
