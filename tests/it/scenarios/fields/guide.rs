//! The guide's table, and that nothing of it is left out here.

use std::collections::{BTreeMap, BTreeSet};

use super::differences::DIFFERENCES;
use super::embedded::EMBEDDED;
use super::rows::Row;
use super::stories::{EMBEDDED_STORIES, STORIES, TOLD_APART};
use super::tables::{APART, TOGETHER};
use crate::support::Sandbox;

/// Keys that cannot be changed in a test, and why.
const NOT_SHOWN: [(&str, &str); 6] = [
    ("version", "there is one version of the format"),
    (
        "data.*.compare",
        "files that differ by one rule and not by another are the sync's own scenarios",
    ),
    (
        "data.*.max_delete",
        "it moves nothing: a plan beyond it is refused, which is a scenario of the sync",
    ),
    (
        "data.*.storage_class",
        "what is there stays as it is stored, so that a change alone moves nothing",
    ),
    (
        "data.*.kms_key",
        "what is there stays as it is encrypted, and no test's cloud has keys",
    ),
    ("data.*.request_payer", "no test's cloud asks who pays"),
];

/// What `trainyard guide fields` says each key's change does.
pub(super) fn effects() -> BTreeMap<String, String> {
    let page = Sandbox::new().run(&["guide", "fields"]);
    page.expect(0);
    let mut effects = BTreeMap::new();
    for line in page.stdout.lines() {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [key, effect, _note] = cells[..] else {
            continue;
        };
        if let Some(path) = key.strip_prefix('`').and_then(|key| key.strip_suffix('`')) {
            effects.insert(path.to_owned(), effect.to_owned());
        }
    }
    assert!(effects.len() >= 60, "{effects:#?}");
    effects
}

#[test]
fn every_key_of_the_guide_is_changed_in_a_test_or_has_a_reason() {
    let rows = TOGETHER.iter().chain(APART).chain(EMBEDDED);
    let usual = rows.filter(|row| row.instead.is_none());
    let mut shown: Vec<&str> = usual.map(|row| row.path).collect();
    let stories = STORIES.iter().chain(EMBEDDED_STORIES);
    shown.extend(stories.map(|(path, _)| *path));
    shown.extend(NOT_SHOWN.iter().map(|(path, _)| *path));
    let once: BTreeSet<&str> = shown.iter().copied().collect();
    assert_eq!(once.len(), shown.len(), "a key is shown twice: {shown:#?}");
    let effects = effects();
    let all: BTreeSet<&str> = effects.keys().map(String::as_str).collect();
    assert_eq!(once, all);
}

#[test]
fn every_row_changes_the_key_that_it_names_and_no_other() {
    for row in TOGETHER.iter().chain(APART).chain(EMBEDDED) {
        let paths = row.changed_paths();
        let named = paths.iter().all(|path| row.covers(path));
        assert!(!paths.is_empty() && named, "{}: {paths:?}", row.name());
    }
}

#[test]
fn where_the_clouds_differ_is_listed_with_the_reason() {
    let rows = EMBEDDED.iter().chain(APART).map(Row::name);
    let stories = EMBEDDED_STORIES.iter().map(|(path, _)| *path);
    let stories = stories.chain(TOLD_APART).map(str::to_owned);
    let different: BTreeSet<String> = rows.chain(stories).collect();
    let mut listed = BTreeSet::new();
    for (names, why) in DIFFERENCES {
        assert!(why.len() > 20, "{names:?} has no reason");
        for name in *names {
            assert!(listed.insert((*name).to_owned()), "{name} is listed twice");
        }
    }
    assert_eq!(different, listed);
}
