//! A row: one key, and an entry of the spec before and after a change of it.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::scenarios::spec::SSM;

/// A change of one key of a group of instances or of a data set.
pub(super) struct Row {
    /// The key as the guide writes it.
    pub(super) path: &'static str,
    /// What an edit does that the guide's note tells apart from the usual one.
    pub(super) instead: Option<(&'static str, &'static str)>,
    /// Further keys of the entry, as YAML; nothing where the entry is not there.
    before: Option<&'static str>,
    after: Option<&'static str>,
}

impl Row {
    /// An edit whose effect is what the guide says.
    pub(super) const fn edit(
        path: &'static str,
        before: &'static str,
        after: &'static str,
    ) -> Self {
        Self {
            path,
            instead: None,
            before: Some(before),
            after: Some(after),
        }
    }

    /// An edit that the guide's note speaks of: a word for it, and its effect.
    pub(super) const fn instead(self, word: &'static str, effect: &'static str) -> Self {
        Self {
            instead: Some((word, effect)),
            ..self
        }
    }

    /// An entry that comes.
    pub(super) const fn comes(path: &'static str, after: &'static str) -> Self {
        Self {
            path,
            instead: None,
            before: None,
            after: Some(after),
        }
    }

    /// An entry that goes.
    pub(super) const fn goes(path: &'static str, before: &'static str) -> Self {
        Self {
            path,
            instead: None,
            before: Some(before),
            after: None,
        }
    }

    /// The name of the row's own entry, such as `disk-size`.
    pub(super) fn name(&self) -> String {
        let mut words: Vec<String> = self
            .path
            .split('.')
            .filter(|word| *word != "*")
            .map(|word| word.replace('_', "-"))
            .collect();
        if words.len() > 1 && self.section() == "instances" {
            words.remove(0);
        }
        words.extend(self.instead.map(|(word, _)| word.to_owned()));
        words.join("-")
    }

    /// The part of the spec that holds the entry.
    pub(super) fn section(&self) -> &'static str {
        let (section, _) = self.path.split_once('.').unwrap();
        section
    }

    /// The entry before or after the change.
    pub(super) fn entry(&self, changed: bool) -> Option<Value> {
        let text = if changed { self.after } else { self.before };
        let own: Map<String, Value> = serde_yaml::from_str(text?).unwrap();
        let mut entry = match self.section() {
            "data" => {
                json!({"from": "../files/one", "to": format!("s3://lab-data/{}", self.name())})
            }
            _ if own.keys().any(|key| NEEDS.contains(&key.as_str())) => {
                json!({"image": {"ssm": SSM}})
            }
            _ => json!({"image": {"ssm": SSM}, "type": "t3.small"}),
        };
        if self.section() == "instances" {
            // The images of the two clouds differ in size.
            entry["disk"] = json!({"size": "20 GiB"});
        }
        entry.as_object_mut().unwrap().extend(own);
        Some(entry)
    }

    /// The keys, as the guide writes them, whose values differ before and after.
    pub(super) fn changed_paths(&self) -> BTreeSet<String> {
        let leaves = |changed: bool| {
            let mut found = BTreeSet::new();
            match self.entry(changed) {
                Some(entry) => leaves(&entry, &format!("{}.*", self.section()), &mut found),
                None => return found,
            }
            found
        };
        leaves(false)
            .symmetric_difference(&leaves(true))
            .map(|(path, _)| path.clone())
            .collect()
    }

    /// Whether a changed key is the row's own, or stands below an entry that comes or goes.
    pub(super) fn covers(&self, path: &str) -> bool {
        let below = path
            .strip_prefix(self.path)
            .is_some_and(|rest| rest.starts_with('.'));
        path == self.path || self.path.ends_with('*') && below
    }
}

/// Keys that stand in the place of `type`.
const NEEDS: [&str; 4] = ["gpu", "gpu_memory", "vcpus", "memory"];

fn leaves(value: &Value, path: &str, found: &mut BTreeSet<(String, String)>) {
    let Some(object) = value.as_object() else {
        found.insert((path.to_owned(), value.to_string()));
        return;
    };
    for (key, child) in object {
        let named = path.ends_with("volumes") || path.ends_with("tags");
        let key = if named { "*" } else { key };
        leaves(child, &format!("{path}.{key}"), found);
    }
}
